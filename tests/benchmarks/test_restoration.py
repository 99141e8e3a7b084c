"""What restoration costs on IEEE 123: ``pytest -m benchmark -s tests/benchmarks/test_restoration.py``.

Seconds depend on the machine and on who else works on it and are asserted nowhere; counts of power flows do not.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gridstudio import engine
from gridstudio.domain.sections import build_sections
from gridstudio.engine import Feeder
from gridstudio.engine.shapes import hour
from gridstudio.evaluation import Workers
from gridstudio.planning import read_study
from gridstudio.planning.phases import Phases
from gridstudio.planning.restoration.clock import Clock
from gridstudio.planning.restoration.exact import exact
from gridstudio.planning.restoration.incident import Fault, Storm, happen
from gridstudio.planning.restoration.judge import Judge
from gridstudio.planning.restoration.learned import learn
from gridstudio.planning.restoration.methods import Desk, greedy, solve
from gridstudio.planning.restoration.plan import Rules
from gridstudio.planning.restoration.setup import prepare
from gridstudio.solve.qlearning import QSettings

sys.path.insert(0, str(Path(__file__).parent))

pytestmark = pytest.mark.benchmark
STUDY = Path(__file__).resolve().parents[2] / "studies" / "restoration_ieee123.toml"


def tell(text):
    print(f"\n  {text}", end="", flush=True)


@pytest.fixture(scope="module")
def setup():
    return prepare(read_study(STUDY)[1], STUDY.parent)


def fresh_desk(setup, workers=1):
    judge = Judge(Phases(setup.feeder, setup.limits, Workers(workers)), setup.sections, setup.limits)
    return Desk(judge, Clock(setup.sections.devices), Rules())


def single_faults(setup):
    """One incident for every line and transformer that interrupts somebody."""
    storms = [Storm(e, (Fault(e, 180.0),)) for e in setup.sections.network.branches["element"]]
    return [incident for incident in (happen(setup.sections, storm) for storm in storms) if incident.out]


@pytest.mark.parametrize("workers", [1, 2])
def test_learning_two_thousand_episodes_on_five_storms(setup, workers):
    desk = fresh_desk(setup, workers)
    started = time.perf_counter()
    training = learn(setup.judged[:5], desk, QSettings(episodes=2000, seed=1))
    seconds = time.perf_counter() - started
    tell(
        f"(a) 2 000 episodes on five storms, {workers} workers: {seconds:.1f} s (target 60), {desk.judge.power_flows} "
        f"power flows, {desk.judge.asked} states asked for, {len(training.table.keys)} states learnt"
    )
    assert len(training.rewards) == 2000


@pytest.mark.parametrize(("method", "target_s"), [(exact, 10.0), (greedy, 0.5)])
def test_seconds_per_single_fault(setup, method, target_s):
    """A desk for each fault, so that nothing is remembered from another."""
    name, plans = method.__name__, []
    for incident in single_faults(setup):
        plans.append(solve(name, method, incident, fresh_desk(setup)))
        assert plans[-1].certificate.status in ("optimal", "")
    seconds, flows = [p.seconds for p in plans], [p.power_flows for p in plans]
    tell(
        f"(b) {name}, {len(plans)} single faults: median {np.median(seconds):.3f} s, longest {max(seconds):.3f} s "
        f"(target {target_s:g}); power flows: median {np.median(flows):.0f}, most {max(flows)}"
    )


def drawn_states(setup, count):
    """States of the devices that each have a power flow of their own."""
    judge, rng = fresh_desk(setup).judge, np.random.default_rng(1)
    whole = (1 << len(setup.sections.devices)) - 1
    different = {judge._effective(int(mask)) for mask in rng.permutation(whole)}
    return [int(mask) for mask in rng.permutation(sorted(different))[:count]]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("together", [1, 10])
def test_a_state_against_the_engines_solve(setup, workers, together):
    """The same states: switched and solved by the engine alone, and asked of the judge one by one or by the ten."""
    incident, states = setup.judged[0], drawn_states(setup, 200)
    judge = fresh_desk(setup, workers).judge
    judge.states(states[:10], incident)  # compiled, reference states solved
    rest = states[10:]
    before, started = judge.power_flows, time.perf_counter()
    for k in range(0, len(rest), together):
        judge.states(rest[k : k + together], incident)
    judged, flows = time.perf_counter() - started, judge.power_flows - before
    with engine.borrow(setup.feeder) as session:
        bare = bare_solves(session, setup, rest)
    tell(
        f"(c) a new state, {together} at a time, {workers} workers: {1000 * judged / flows:.2f} ms; switched and "
        f"solved by the engine alone {1000 * bare / len(rest):.2f} ms; ratio {judged / flows / (bare / len(rest)):.2f}"
    )
    started = time.perf_counter()
    for _ in range(10):
        judge.states(rest, incident)
    tell(f"    a state remembered: {1e6 * (time.perf_counter() - started) / len(rest) / 10:.1f} us")


def bare_solves(session, setup, states):
    """Seconds to open and close the lines of every state and solve it: nothing read, nothing judged."""
    dss, restore = session._dss, session._baseline.restore
    lines = [device.line for device in setup.sections.devices]
    started = time.perf_counter()
    for number, closed in enumerate(states):
        restore()
        for d, line in enumerate(lines):
            word = "close" if closed >> d & 1 else "open"
            dss.Command(f"{word} line.{line} 1")
            dss.Command(f"{word} line.{line} 2")
        dss.Solution.Hour(hour(number))
        dss.Solution.Solve()
    seconds = time.perf_counter() - started
    for d, line in enumerate(lines):
        word = "close" if setup.sections.normal >> d & 1 else "open"
        dss.Command(f"{word} line.{line} 1")
        dss.Command(f"{word} line.{line} 2")
    return seconds


def star(folder, laterals):
    """A feeder with switched laterals and a tie at its end: as many pick-ups as there are sets of laterals."""
    text = ["clear", "new circuit.star bus1=source basekv=12.47 pu=1.0 phases=3 r1=0 x1=0.001 r0=0 x0=0.001"]
    wire = "phases=3 r1=0.01 x1=0.02 r0=0.02 x0=0.04 c1=0 c0=0 length=1 normamps=400"
    rows = [("breaker", "breaker", False, True), ("tie", "switch", True, True), ("sw", "switch", False, True)]
    text += [f"new line.breaker bus1=source bus2=head {wire}", f"new line.sw bus1=head bus2=main {wire}"]
    text += [f"new line.other bus1=source bus2=far {wire}", f"new line.tie bus1=far bus2=main {wire}"]
    for k in range(laterals):
        text += [f"new line.sw{k} bus1=main bus2=lat{k} {wire}"]
        text += [f"new load.load{k} bus1=lat{k} phases=3 kv=12.47 kw={200 + 10 * k} kvar=50 vminpu=0.8"]
        rows.append((f"sw{k}", "switch", False, False))
    (folder / "master.dss").write_text("\n".join([*text, "set voltagebases=[12.47]", "calcvoltagebases"]))
    return Feeder("star", folder / "master.dss"), rows


@pytest.mark.parametrize("laterals", [5, 10, 15])
def test_a_star_of_laterals(setup, tmp_path, laterals):
    """Not a target: what partial pick-ups cost where a tie cannot carry them all."""
    from gridstudio.domain.devices import Device

    feeder, rows = star(tmp_path, laterals)
    with engine.borrow(feeder) as session:
        network = session.network
    devices = [Device(name, name, kind, is_open, remote) for name, kind, is_open, remote in rows]
    sections, _ = build_sections(network, devices, {f"load{k}": 10.0 + k for k in range(laterals)}).protected()
    judge = Judge(Phases(feeder, setup.limits, Workers()), sections, setup.limits)
    desk = Desk(judge, Clock(sections.devices), Rules())
    incident = happen(sections, Storm("head", (Fault("line.breaker", 180.0),), 8.0 / laterals * 5))
    for name, method in (("greedy", greedy), ("exact", exact)):
        plan = solve(name, method, incident, desk)
        tell(
            f"(d) {laterals} laterals, {name}: {plan.seconds:.2f} s, {plan.power_flows} power flows, "
            f"{len(plan.moves)} moves {plan.certificate.status}"
        )
        assert plan.moves
