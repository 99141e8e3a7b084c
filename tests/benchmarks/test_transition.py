"""What transition planning costs on the published case: ``pytest -m benchmark -s tests/benchmarks/test_transition.py``.

Seconds depend on the machine and on who else works on it: they are printed, with iterations and LPs per second, and
asserted nowhere. Asserted is how near the answers come to the extensive form and to their bounds.
"""

import os
import time
from pathlib import Path

import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning import read_study
from gridstudio.planning.transition.graph import policy_graph
from gridstudio.planning.transition.job import model_of, prepare
from gridstudio.planning.transition.places import places
from gridstudio.planning.transition.training import Solved, solve
from gridstudio.solve.sddp import Iterations, Regularised, deterministic_equivalent, train

pytestmark = pytest.mark.benchmark
STUDIES = Path(__file__).resolve().parents[2] / "studies"


def tell(text: str) -> None:
    print(f"\n  {text}", end="", flush=True)


@pytest.fixture(scope="module")
def study():
    _, settings = read_study(STUDIES / "transition_aeso6.toml")
    return settings, prepare(settings, STUDIES)


def solved(study, name: str, gap: float, seconds: float) -> Solved:
    settings, setup = study
    given = settings.training.model_copy(update={"gap": gap, "seconds": seconds})
    found = solve(model_of(settings, setup, name), given)
    log = found.convergence
    tell(
        f"case {name}: {found.seconds:.1f} s to a gap of {found.gap:.2%} ({found.reason}), {len(log)} iterations, "
        f"{found.solves} LPs and MIPs; training {len(log) / log['seconds'].max():.1f} iterations and "
        f"{log['solves'].max() / log['seconds'].max():.0f} LPs a second"
    )
    return found


@pytest.mark.parametrize("name", ["A", "B"])
def test_continuous_cases_against_the_extensive_form(study, name: str) -> None:
    found = solved(study, name, 1e-4, 120.0)
    started = time.perf_counter()
    whole = deterministic_equivalent(policy_graph(found.model), integer=False)
    seconds = time.perf_counter() - started
    tell(f"extensive form {whole.size[0]} x {whole.size[1]} in {seconds:.1f} s: {seconds / found.seconds:.1f} times")
    assert found.bound_musd == pytest.approx(whole.cost, rel=1e-4)
    assert found.cost.total_musd == pytest.approx(whole.cost, rel=2e-4)


@pytest.mark.parametrize(("name", "gap", "seconds"), [("C", 0.002, 120.0), ("D", 0.002, 240.0), ("F", 0.01, 900.0)])
def test_cases_with_whole_pieces_to_their_gap(study, name: str, gap: float, seconds: float) -> None:
    found = solved(study, name, gap, seconds)
    assert found.cost.total_musd >= found.bound_musd * (1 - 1e-9)


def test_two_workers_against_one_process(study) -> None:
    settings, setup = study
    graph, found = policy_graph(model_of(settings, setup, "F")), {}
    for count in (1, 2):
        with places(Workers(count)) as scheme:
            train(graph, stopping=(Iterations(1),), scheme=scheme)  # started and imported
            started = time.perf_counter()
            policy = train(graph, stopping=(Iterations(25),), forward=Regularised(), scheme=scheme)
            found[count] = policy.bound, time.perf_counter() - started, policy.log[-1].solves
    (here, alone, solves), (there, shared, _) = found[1], found[2]
    tell(
        f"case F, 25 iterations: one process {alone:.1f} s ({solves / alone:.0f} LPs a second), two workers "
        f"{shared:.1f} s: {alone / shared:.2f} times as fast ({len(os.sched_getaffinity(0))} cores)"
    )
    assert here == there
