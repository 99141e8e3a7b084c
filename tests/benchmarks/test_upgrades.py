"""What planning upgrades costs: ``pytest -m benchmark -s tests/benchmarks/test_upgrades.py``.

Seconds depend on the machine and on who else works on it and are asserted nowhere; memory and counts are.
"""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning import read_study
from gridstudio.planning.upgrades.capacity import Capacity
from gridstudio.planning.upgrades.contract import PEAK, Futures, Menu, all_packages
from gridstudio.planning.upgrades.inputs import Feeders
from gridstudio.planning.upgrades.planner import plan
from gridstudio.planning.upgrades.settings import UpgradesSettings

pytestmark = pytest.mark.benchmark
STUDY = Path(__file__).resolve().parents[2] / "studies" / "upgrades_utility.toml"
FEEDERS, SCENARIOS, MOST_MB = 65, 200, 500.0


def tell(text: str) -> None:
    print(f"\n  {text}", end="", flush=True)


def utility():  # type: ignore[no-untyped-def]
    """65 feeders with four candidates each and 200 futures, drawn at random: as many as the published case has."""
    rng = np.random.default_rng(15)
    names = tuple(f"f{n}" for n in range(FEEDERS))
    peak = rng.uniform(4, 9, FEEDERS)
    feeders = Feeders(names, peak, np.full(FEEDERS, 1200.0), ("",) * FEEDERS, np.arange(FEEDERS), 1.15 * peak)
    count = 4 * FEEDERS
    zero = np.zeros(count)
    menu = Menu(
        tuple(np.repeat(names, 4).tolist()), ("a", "b", "c", "d") * FEEDERS, rng.uniform(1e5, 9e5, count), zero,
        zero + 40, ("",) * count, np.ones(count, dtype=np.int64), ("",) * count, rng.uniform(0.3, 3, count), zero, zero,
        zero + 0.88, zero, zero,
    )  # fmt: skip
    drawn = [rng.uniform(low, high, (SCENARIOS, FEEDERS)) for low, high in ((0.01, 0.05), (0.1, 0.4), (0.05, 0.3))]
    ev_kw, weather = np.full((SCENARIOS, FEEDERS), 9.0), np.ones((SCENARIOS, FEEDERS))
    return feeders, menu, Futures(np.full(SCENARIOS, 1 / SCENARIOS), *drawn, ev_kw, weather)


@pytest.mark.parametrize("budget", [None, 5_000_000.0])
def test_plan_of_sixty_five_feeders_in_two_hundred_scenarios(budget: float | None) -> None:
    feeders, menu, futures = utility()
    settings = UpgradesSettings.validated(
        {
            "job": "upgrades",
            "tables": {"feeders": "f.csv", "candidates": "c.csv"},
            "money": {"budget_usd_per_year": budget} if budget else {},
        },
        "benchmark",
    )
    provider = Capacity(feeders, menu, PEAK, settings.scenarios, settings.horizon.years)
    wall, cpu = time.perf_counter(), time.process_time()
    plan(settings, provider, menu, all_packages(menu, feeders.names, 4), futures)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    tracemalloc.start()
    found = plan(settings, provider, menu, all_packages(menu, feeders.names, 4), futures)
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    gap = found.solution.gap
    tell(
        f"65 feeders x 200 scenarios, budget {budget}: {wall:.1f} s ({cpu:.1f} s CPU), {peak_mb:.0f} MB, gap {gap:.1e}"
    )
    assert found.holds
    assert peak_mb < MOST_MB


def test_the_utility_by_power_flow() -> None:
    job, settings = read_study(STUDY)
    wall, cpu = time.perf_counter(), time.process_time()
    result = job.run(settings, STUDY.parent, Workers(2))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    timing = result.tables["timing"]
    tell(f"the synthetic utility: {wall:.0f} s ({cpu:.0f} s CPU), {timing['power_flows'].sum()} power flows")
    for row in timing.itertuples():
        tell(f"  {row.phase}: {row.seconds:.1f} s, {row.power_flows} power flows")
    assert timing["not_converged"].sum() == 0
    assert result.headline["holds"].value == "yes"
