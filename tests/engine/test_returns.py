"""The baseline is reached again to the bit, whatever was solved and changed before, on every kind of circuit."""

import random
from pathlib import Path

import numpy as np
import pytest

from gridstudio.domain.changes import (
    AddBattery,
    AddCapacitor,
    AddRegulator,
    At,
    MovePhase,
    ParallelLine,
    Reconductor,
    ReduceLoad,
    ReplaceTransformer,
    SetCapacitor,
    SetRegulator,
    SetSwitch,
)
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import Session
from gridstudio.engine.circuit import compile_into
from gridstudio.errors import InputError

CIRCUITS = Path(__file__).resolve().parents[1] / "data" / "circuits"
ODD = sorted(path.stem for path in CIRCUITS.glob("*.dss") if path.stem != "common")
STEPS = 3


def same(a, b):
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True) for n in a.__dataclass_fields__)


def drawn(rng, session):
    """A random trajectory: loads, generation, switching, reconductoring and other measures in mid-run, outages."""
    network, codes = session.network, session._inventory.code_phases
    loads, lines = list(network.loads["load"]), list(network.line_row)

    def multipliers(low, high):
        return tuple(rng.uniform(low, high) for _ in range(STEPS))

    groups = ()
    if rng.random() < 0.6:
        groups = (LoadGroup(tuple(rng.sample(loads, 2)), multipliers(0.2, 1.8)),)
    changes = []
    for _ in range(rng.choice([0, 0, 1, 2])):
        step, line = rng.randrange(STEPS), rng.choice(lines)
        fitting = [code for code, phases in codes.items() if phases == network.line_phases[line]]
        if rng.random() < 0.4:
            changes.append(At(step, drawn_measure(rng, session)))
        elif fitting and rng.random() < 0.5:
            changes.append(At(step, Reconductor(line, 500.0, rng.choice(fitting))))
        else:
            changes.append(At(step, SetSwitch(line, closed=rng.random() < 0.4)))
    outages = tuple(rng.sample(lines, 1)) if rng.random() < 0.2 else ()
    changes.sort(key=lambda item: item.step)
    return tuple(changes), Scenario("drawn", multipliers(0.3, 1.4), groups, multipliers(0, 1.2), outages)


def drawn_measure(rng, session):
    """A random measure of the upgrade menu; it may not fit."""
    network, inventory = session.network, session._inventory
    load, bus = rng.choice(list(network.loads["load"])), rng.choice(list(inventory.bus_nodes))
    menu = [
        ParallelLine(rng.choice(list(network.line_row)), rng.choice([2, 3])),
        AddCapacitor(bus, rng.choice([50.0, 200.0])),
        AddBattery(bus, rng.choice([-20.0, 60.0])),
        MovePhase(load, tuple(rng.sample([1, 2, 3], rng.choice([1, 2])))),
        ReduceLoad(load, rng.choice([0.3, 1.0])),
    ]
    menu += [ReplaceTransformer(t, rng.choice([0.7, 1.6]) * kva) for t, kva in network.transformer_kva.items()][:3]
    menu += [SetRegulator(regulator, vreg_v=rng.choice([118.0, 124.0])) for regulator in inventory.regulators][:3]
    menu += [AddRegulator(rng.choice(list(network.line_row)))] if inventory.controls_act else []
    menu += [SetCapacitor(bank, steps=rng.choice([0, 1])) for bank in inventory.steps][:2]
    menu += [SetCapacitor(bank, kvar=rng.choice([100.0, 500.0])) for bank in inventory.steps][:2]
    return rng.choice(menu)


def drawn_that_fit(rng, session, count):
    found = [((), Scenario(load_scale=(1.0,) * STEPS))]
    while len(found) < count:
        trajectory = drawn(rng, session)
        try:
            session.validate([trajectory])
        except InputError:  # a line without length unit takes no line code per km
            continue
        found.append(trajectory)
    return found


def check_that_order_does_not_matter(feeder, seed, count=10):
    rng = random.Random(seed)
    session = Session(feeder)
    trajectories = drawn_that_fit(rng, session, count)
    together = session.solve(trajectories)
    assert together.converged.any()
    order = rng.sample(range(count), count)
    shuffled = session.solve([trajectories[index] for index in order])
    for place, index in enumerate(order):
        assert same(shuffled[place], together[index]), f"case {index} in another order"
    fresh = Session(feeder)
    for index in reversed(range(count)):
        assert same(fresh.solve([trajectories[index]])[0], together[index]), f"case {index} alone"


@pytest.mark.parametrize("controls", ["static", "off"])
@pytest.mark.parametrize("name", ODD)
def test_order_does_not_matter_on_odd_circuits(odd, name, controls):
    check_that_order_does_not_matter(odd(name, controls=controls), seed=len(name))


@pytest.mark.parametrize("controls", ["static", "off"])
@pytest.mark.parametrize("name", ["ieee13", "ieee34", "ieee37", "ieee123"])
def test_order_does_not_matter_on_test_feeders(model, name, controls):
    check_that_order_does_not_matter(model(name, controls=controls), seed=5)


@pytest.mark.parametrize("name", ["ieee13", "ieee123"])
def test_order_does_not_matter_with_candidate_assets(model, name):
    check_that_order_does_not_matter(model(name, "redirect candidates.dss"), seed=6)


def test_a_circuit_that_keeps_a_memory_is_solved_in_fresh_copies(odd, monkeypatch):
    """Without our resets an inverter control remembers, and building the matrix anew does not help."""
    monkeypatch.setattr("gridstudio.engine.session.fresh_states", lambda engine: [])
    session = Session(odd("inverters"))
    assert any("fresh copy of the circuit" in str(finding) for finding in session.findings)
    high, low = Scenario(load_scale=(1.3, 1.1)), Scenario(load_scale=(0.4, 0.5))
    one_way, other_way = session.solve([((), high), ((), low)]), session.solve([((), low), ((), high)])
    assert same(one_way[0], other_way[1])
    assert same(one_way[1], other_way[0])


def test_where_an_edit_cannot_be_undone_a_fresh_copy_takes_its_place(odd, monkeypatch):
    """In mid-block too: what comes after still has its own multipliers."""
    scenarios = [Scenario(load_scale=(scale, 1.0)) for scale in (0.5, 0.8, 1.2)]
    new = (At(1, Reconductor("l3", 600.0, "b")),)
    trajectories = [(new, scenarios[0]), ((), scenarios[1]), (new, scenarios[2]), ((), scenarios[2])]
    expected = Session(odd("regulator")).solve(trajectories)
    session, recompiled = Session(odd("regulator")), []

    def counted(engine, feeder):
        recompiled.append(feeder)
        compile_into(engine, feeder)

    monkeypatch.setattr("gridstudio.engine.measures.lines.admittance", lambda dss, line: object())  # never equal
    monkeypatch.setattr("gridstudio.engine.session.compile_into", counted)
    assert same(session.solve(trajectories), expected)
    assert len(recompiled) == 2  # after each of the two with a new line code
