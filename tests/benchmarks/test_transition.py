"""What transition planning costs on the published case: ``pytest -m benchmark -s tests/benchmarks/test_transition.py``.

For each case: seconds against its target, the gap asked for and reached, iterations and LPs, and of both the number a
second; SDDP against the extensive form of the same case as a ratio; two workers against one process. Seconds depend on
the machine and on who else works on it: they are printed and asserted nowhere. Asserted is how near the answers come to
the extensive form and to their bounds: bound and plan of A and B to 1e-4 of the optimum, C to a gap of 0.2 %, F to 1 %.
Training ends at its target or at ``MOST_S``, so that a run stays short; where that comes first, the gap is missed.

Every case starts from nothing. In a study F starts from the best plan of the cases that it contains; that is a help
which the time of F alone would not count, so it has none here.
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
CORES = len(os.sched_getaffinity(0))
MOST_S = 120.0
NEAR = 1e-4  # of the extensive form's optimum
ITERATIONS = 12  # to compare one process with two workers


def tell(text: str) -> None:
    print(f"\n  {text}", end="", flush=True)


@pytest.fixture(scope="module")
def study():
    _, settings = read_study(STUDIES / "transition_aeso6.toml")
    return settings, prepare(settings, STUDIES)


@pytest.fixture(scope="module")
def scheme():
    with places(Workers(2)) as found:
        for place in range(found.places):
            found.result(found.submit(place, int, "1"))  # workers started before any clock
        yield found


def solved(study, scheme, name: str, gap: float, target_s: float) -> Solved:
    settings, setup = study
    given = settings.training.model_copy(update={"gap": gap, "seconds": min(target_s, MOST_S)})
    found = solve(model_of(settings, setup, name), given, scheme)
    log = found.convergence
    tell(
        f"case {name}, two workers on {CORES} cores: {found.seconds:.1f} s of {target_s:g} s, gap {found.gap:.3%} of "
        f"{gap:.2%} ({found.reason}); {len(log)} iterations, {found.solves} LPs and MIPs; training "
        f"{len(log) / log['seconds'].max():.1f} iterations and {log['solves'].max() / log['seconds'].max():.0f} LPs a "
        "second"
    )
    return found


@pytest.mark.parametrize("name", ["A", "B"])
def test_continuous_cases_against_the_extensive_form(study, scheme, name: str) -> None:
    found = solved(study, scheme, name, NEAR, 60.0)
    started = time.perf_counter()
    whole = deterministic_equivalent(policy_graph(found.model), integer=False)
    seconds = time.perf_counter() - started
    bound, plan = (value / whole.cost - 1 for value in (found.bound_musd, found.cost.total_musd))
    tell(
        f"case {name}: bound {bound:+.1e} and plan {plan:+.1e} of the extensive form's optimum; that form "
        f"({whole.size[0]} columns, {whole.size[1]} rows, HiGHS) takes {seconds:.1f} s, {seconds / found.seconds:.2f} "
        "times as long as SDDP"
    )
    assert bound == pytest.approx(0.0, abs=NEAR)
    assert plan == pytest.approx(0.0, abs=NEAR)


@pytest.mark.parametrize(("name", "gap", "target_s"), [("C", 0.002, 120.0), ("F", 0.01, 900.0)])
def test_cases_with_whole_pieces_to_their_gap(study, scheme, name: str, gap: float, target_s: float) -> None:
    found = solved(study, scheme, name, gap, target_s)
    assert found.cost.total_musd >= found.bound_musd * (1 - 1e-9)
    assert found.gap <= gap


def test_two_workers_against_one_process(study) -> None:
    """The passes of training alone: backward over nodes and days, workers that stay. The same bits come out."""
    settings, setup = study
    graph, found = policy_graph(model_of(settings, setup, "F")), {}
    for count in (1, 2):
        with places(Workers(count)) as scheme:
            train(graph, stopping=(Iterations(1),), scheme=scheme)  # started and imported
            policy = train(graph, stopping=(Iterations(ITERATIONS),), forward=Regularised(), scheme=scheme)
            found[count] = policy.bound, policy.log
    (here, one), (there, two) = found[1], found[2]
    whole = one[-1].seconds / two[-1].seconds
    warm = (one[-1].seconds - one[0].seconds) / (two[-1].seconds - two[0].seconds)
    rate = [log[-1].solves / log[-1].seconds for log in (one, two)]
    tell(
        f"case F, {ITERATIONS} iterations on {CORES} cores: one process {one[-1].seconds:.1f} s ({rate[0]:.0f} LPs a "
        f"second), two workers {two[-1].seconds:.1f} s ({rate[1]:.0f}): {whole:.2f} times as fast, {warm:.2f} without "
        "the first iteration"
    )
    assert here == there
