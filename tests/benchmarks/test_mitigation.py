"""What the mitigation loop takes on a feeder of 1 500 buses: ``pytest -m benchmark -s tests/benchmarks``.

Process time of the search (threads included), on a circuit that the session has compiled; nothing asserts a time.
"""

import sys
import time
from pathlib import Path

import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.mitigation import Settings
from gridstudio.planning.mitigation.job import solved
from gridstudio.planning.mitigation.search import start
from gridstudio.planning.mitigation.setup import based, prepare
from gridstudio.planning.phases import Phases

sys.path.insert(0, str(Path(__file__).parent))
from grids import write_grid

pytestmark = pytest.mark.benchmark
COPIES = 12  # of IEEE 123: 1 585 buses


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_search_on_1500_buses(tmp_path, scale):
    settings = Settings.validated(
        {
            "job": "mitigation",
            "feeder": {"master": str(write_grid(tmp_path, COPIES))},
            "growth": {"scale": scale},
        },
        "the benchmark",
    )
    setup = prepare(settings, tmp_path)
    phases = Phases(setup.problem.feeder, setup.problem.limits, Workers())
    setup, before = based(setup, phases)
    search = start(setup.problem, phases.evaluate, settings.search.steps, before)
    began = time.process_time()
    after, _ = solved(search, settings, phases)
    seconds = time.process_time() - began
    buses = len(setup.problem.network.buses)
    print(
        f"\n  {buses} buses, load {scale:g}: {seconds:.1f} s, {search.power_flows} power flows, "
        f"{search.base.excess.violations} violations before, {after.excess.violations} after, "
        f"USD {after.plan.cost_usd:,.0f}",
        end="",
    )
