"""The evaluator's cost as ratios within one run: ``pytest -m benchmark -s tests/benchmarks``.

Times depend on the machine and on who else works on it, so every figure is a median of repeats that take
turns, and nothing here asserts a time. What is asserted is that all that was timed had converged.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gridstudio.domain.changes import BASE
from gridstudio.domain.scenarios import Scenario, growth_trajectory, load_combinations, lognormal_levels
from gridstudio.engine import Feeder, Session
from gridstudio.engine.shapes import hour
from gridstudio.evaluation import Workers, evaluate_many

sys.path.insert(0, str(Path(__file__).parent))
from grids import IEEE123, write_grid

pytestmark = pytest.mark.benchmark
REPEATS = 7


def tell(text):
    print(f"\n  {text}", end="", flush=True)


def published_scenarios():
    """The 125 load combinations of the published study over five years: 625 power flows."""
    levels, weights = lognormal_levels(5, 0.10, "equally_spaced")
    return load_combinations(["s47", "s48", "s76a"], levels, weights, growth_trajectory(5, 0.05))[0]


def random_scenarios(count, steps=5):
    rng = np.random.default_rng(1)
    return [Scenario(load_scale=tuple(rng.uniform(0.8, 1.1, steps))) for _ in range(count)]


def seconds_of(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def bare_loop(session, scenarios):
    """The same restores and solves by the engine alone: nothing read, nothing built."""
    solution, restore = session._dss.Solution, session._baseline.restore
    move, solve = solution.Hour, solution.Solve
    number = 0
    for scenario in scenarios:
        restore()
        for _ in scenario.load_scale:
            move(hour(number))
            solve()
            number += 1


@pytest.mark.parametrize("controls", ["static", "off"])
def test_throughput_against_the_bare_engine(controls):
    session, scenarios = Session(Feeder("ieee123", IEEE123 / "master.dss", (), controls)), published_scenarios()
    trajectories = [((), scenario) for scenario in scenarios]
    flow = session.solve(trajectories)
    assert flow.converged.all()
    full, bare = [], []
    for _ in range(REPEATS):
        full.append(seconds_of(lambda: session.solve(trajectories)))
        bare.append(seconds_of(lambda: bare_loop(session, scenarios)))
    ratio = np.median([b / f for b, f in zip(bare, full, strict=True)])
    each_ms = 1000 * np.median(full) / flow.converged.size
    tell(
        f"(a) throughput over bare loop, IEEE 123, controls {controls}: {ratio:.2f} (target 0.70); "
        f"{each_ms:.2f} ms a solve"
    )


@pytest.mark.parametrize("controls", ["static", "off"])
def test_share_of_time_inside_the_solve(tmp_path, controls, monkeypatch):
    session = Session(Feeder("grid8", write_grid(tmp_path, 8), (), controls))
    trajectories = [((), scenario) for scenario in random_scenarios(20)]
    assert session.solve(trajectories).converged.all()
    interface, inside = type(session._dss.Solution), []
    solve = interface.Solve
    monkeypatch.setattr(interface, "Solve", lambda solution: inside.append(seconds_of(lambda: solve(solution))))
    shares = []
    for _ in range(REPEATS):
        inside.clear()
        total = seconds_of(lambda: session.solve(trajectories))
        shares.append(sum(inside) / total)
    nodes = len(session.network.nodes)
    tell(f"(b) share inside the solve, {nodes} nodes, controls {controls}: {np.median(shares):.2f} (target 0.90)")


def test_cost_per_scenario_and_node(tmp_path):
    sessions = [Session(Feeder(f"grid{n}", write_grid(tmp_path, n))) for n in (1, 8, 36)]
    costs = {len(session.network.nodes): [] for session in sessions}
    for _ in range(5):
        for session in sessions:
            count = max(2, 36 // (len(session.network.nodes) // 281))
            trajectories = [((), scenario) for scenario in random_scenarios(count)]
            session.solve(trajectories[:1])
            seconds = seconds_of(lambda s=session, t=trajectories: s.solve(t))
            costs[len(session.network.nodes)].append(1e6 * seconds / (count * 5 * len(session.network.nodes)))
            assert session.solve(trajectories).converged.all()
    figures = {nodes: float(np.median(cost)) for nodes, cost in costs.items()}
    spread = max(figures.values()) / min(figures.values())
    listed = ", ".join(f"{nodes} nodes {cost:.2f} us" for nodes, cost in figures.items())
    tell(f"(c) cost per scenario and node: {listed}; highest over lowest {spread:.2f} (target 2.00)")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell its memory this way")
@pytest.mark.parametrize("copies", [1, 8, 36])
def test_memory_per_worker(tmp_path, copies):
    master = write_grid(tmp_path, copies)
    code = f"""
from pathlib import Path
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.evaluation.blocks import BLOCK_NODE_SOLVES, solve_block
def mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
idle = mb()
feeder = Feeder("grid", Path({str(master)!r}))
one = solve_block(feeder, [((), Scenario())])
ready = mb()
steps = max(1, BLOCK_NODE_SOLVES // one.v_pu.shape[-1])
flow = solve_block(feeder, [((), Scenario(load_scale=(1.0,) * steps))])
assert flow.converged.all()
print(one.v_pu.shape[-1], idle, ready, mb())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    nodes, idle, ready, busy = (float(x) for x in done.stdout.split())
    tell(f"(d) worker, {nodes:.0f} nodes: {idle:.0f} MB imported, {ready:.0f} MB with session, {busy:.0f} MB at work")


def test_workers():
    """Not a target: what threads and processes bring on this machine."""
    feeder, scenarios = Feeder("ieee123", IEEE123 / "master.dss"), published_scenarios()
    cases = [(BASE, s) for s in scenarios]
    figures = {}
    for backend in ("threads", "processes"):
        for count in (1, 2):
            crew = Workers(count, backend)

            def work(crew=crew):
                assert evaluate_many(feeder, cases, workers=crew).not_converged == 0

            work()
            figures[backend, count] = np.median([seconds_of(work) for _ in range(5)])
    for backend in ("threads", "processes"):
        gain = figures[backend, 1] / figures[backend, 2]
        tell(f"(e) two {backend} over one worker, IEEE 123, {os.cpu_count()} processors: {gain:.2f}")
