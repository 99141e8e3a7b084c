"""What resilience planning costs on IEEE 123: ``pytest -m benchmark -s tests/benchmarks/test_resilience.py``.

Seconds depend on the machine and on who else works on it and are asserted nowhere.
"""

import time

import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning import read_study
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.contract import Effort, Problem, Risk
from gridstudio.planning.resilience.islands import second_stage
from gridstudio.planning.resilience.loop import checked_plan
from gridstudio.planning.resilience.outages import FRESH, TRAINING, Lottery, base_loss
from gridstudio.planning.resilience.selection import select
from gridstudio.planning.resilience.setup import budget, prepare

pytestmark = pytest.mark.benchmark


def tell(text):
    print(f"\n  {text}", end="", flush=True)


@pytest.fixture(scope="module")
def study(pytestconfig):
    path = pytestconfig.rootpath / "studies" / "resilience_ieee123.toml"
    settings = read_study(path)[1]
    setup = prepare(settings, path.parent)
    lottery = Lottery(setup.grid, setup.wind, setup.fragility, settings.weather.strata, settings.monte_carlo.seed)
    return settings, setup, lottery


def timed(call):
    wall, used = time.perf_counter(), time.process_time()
    found = call()
    return found, time.perf_counter() - wall, time.process_time() - used


def test_ten_thousand_storms_with_their_losses(study):
    _, setup, lottery = study
    storms, wall, used = timed(lambda: lottery.draw(10_000, (TRAINING,)))
    loss, more, more_used = timed(lambda: base_loss(setup.grid, storms))
    _, last, last_used = timed(lambda: select(setup.grid, storms, loss, 49))
    tell(f"draws {wall:.2f} s ({used:.2f} s of processor), losses {more:.2f} s ({more_used:.2f}), 49 of them selected")
    tell(f"{last:.2f} s ({last_used:.2f})")
    assert len(loss) == 10_000


@pytest.mark.parametrize("sites", [6, 9])
def test_one_program_of_49_scenarios_and_a_thousand_fresh_storms(study, sites):
    settings, setup, lottery = study
    storms = lottery.draw(10_000, (TRAINING,))
    chosen = select(setup.grid, storms, base_loss(setup.grid, storms), 49).storms
    some, risk = setup.sites.first(sites), Risk(settings.risk.lambda_, settings.risk.alpha)
    phases = Phases(setup.grid.feeder, setup.grid.limits, Workers(1))
    problem = Problem(setup.grid, some, chosen, budget(settings), risk)
    checked, wall, used = timed(lambda: checked_plan(problem, Effort(0.01, 120.0, 10), phases))
    tell(
        f"{sites} sites: {wall:.1f} s ({used:.1f} s of processor), {len(checked.rounds)} rounds, {checked.cut} cut off"
    )
    for each in checked.rounds:
        tell(f"  {each.status}, objective {each.objective:.1f}, bound {each.bound:.1f}, gap {100 * each.gap:.2f} %, "
             f"{each.seconds:.1f} s, {each.binaries} binaries, {each.rows} rows")  # fmt: skip
    served, wall, used = timed(
        lambda: second_stage(setup.grid, some, checked.plan, lottery.draw(1000, (FRESH,)), phases, "fresh")
    )
    tell(f"  1000 fresh storms: {wall:.1f} s ({used:.1f} s of processor), {served.patterns} patterns, mean "
         f"{served.q.mean():.0f} weighted kW")  # fmt: skip
    assert all(island.feasible for island in served.islands)
