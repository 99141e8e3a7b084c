"""Upgrade measures: the same flow as a circuit that is written with them, and not a bit left when taken back.

Expected flows come from a second circuit, compiled with the measure in its files; a few from hand calculation.
"""

from dataclasses import replace

import numpy as np
import opendssdirect
import pytest

from gridstudio.domain.changes import (
    AddBattery,
    AddCapacitor,
    AddRegulator,
    At,
    ChangeSet,
    MovePhase,
    ParallelLine,
    Reconductor,
    ReduceLoad,
    ReplaceTransformer,
    SetCapacitor,
    SetRegulator,
    SetSwitch,
    VoltVar,
)
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import Session, export_circuit
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers, evaluate, evaluate_many

TWICE = Scenario("twice", (1.0, 1.4))
# A measure, and the commands that write it into the circuit IEEE 123. Line l115 is the head of the feeder,
# transformer xfm1 (150 kVA) feeds nothing, so that its load is put there.
LOADED = ("new load.low bus1=610 phases=3 conn=delta kv=0.48 kw=90 kvar=40",)
WRITTEN = {
    "transformer": (
        ReplaceTransformer("xfm1", 300.0),
        ("edit transformer.xfm1 kvas=[300 300]",),
    ),
    "transformer of another impedance": (
        ReplaceTransformer("xfm1", 500.0, percent_r=1.0, percent_x=4.0),
        ("edit transformer.xfm1 kvas=[500 500] %rs=[0.5 0.5] xhl=4",),
    ),
    "regulator": (
        SetRegulator("creg4a", vreg_v=126.0, band_v=1.0),
        ("edit regcontrol.creg4a vreg=126 band=1",),
    ),
    "line drop compensation": (
        SetRegulator("creg1a", r_v=1.0, x_v=2.0),
        ("edit regcontrol.creg1a r=1 x=2",),
    ),
    "capacitor off": (SetCapacitor("c83", steps=0), ("edit capacitor.c83 states=[0]",)),
    "capacitor resized": (SetCapacitor("c83", kvar=900.0), ("edit capacitor.c83 kvar=900",)),
    "parallel line": (
        ParallelLine("l115"),
        ("new line.second like=l115 bus1=149 bus2=1",),
    ),
    "three circuits": (
        ParallelLine("l10", 3),
        ("new line.second like=l10 bus1=8 bus2=13", "new line.third like=l10 bus1=8 bus2=13"),
    ),
    "phase": (MovePhase("s1a", (2,)), ("edit load.s1a bus1=1.2",)),
    "pair of phases": (MovePhase("s76a", (2, 3)), ("edit load.s76a bus1=76.2.3",)),
    "new capacitor": (
        AddCapacitor("66", 300.0),
        ("new capacitor.more bus1=66 phases=3 kv=4.16 kvar=300",),
    ),
    "new capacitor on one phase": (
        AddCapacitor("66", 100.0, (3,)),
        ("new capacitor.more bus1=66.3 phases=1 kv=2.4017771198288433 kvar=100",),
    ),
    "new capacitor in delta": (
        AddCapacitor("66", 300.0, connection="delta"),
        ("new capacitor.more bus1=66 phases=3 conn=delta kv=4.16 kvar=300",),
    ),
    "demand response": (ReduceLoad("s1a", 0.25), ("edit load.s1a kw=30 kvar=15",)),
    "battery": (
        AddBattery("66", 150.0),
        ("new generator.more bus1=66 phases=3 kv=4.16 kw=150 kvar=0 vminpu=0.5 vmaxpu=1.5",),
    ),
    "battery that charges": (
        AddBattery("66", -150.0),
        ("new generator.more bus1=66 phases=3 kv=4.16 kw=-150 kvar=0 vminpu=0.5 vmaxpu=1.5",),
    ),
}


def flow_of(feeder, changes=(), scenario=TWICE):
    return evaluate(feeder, ChangeSet(tuple(changes)), scenario).flow


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in a.__dataclass_fields__)


def written_order(feeder, written):
    """Where the nodes of a circuit are in the one that is written with a measure."""
    network, other = evaluate(feeder).network, evaluate(written).network
    place = {node: row for row, node in enumerate(other.nodes[["bus", "phase"]].itertuples(index=False, name=None))}
    return [place[node] for node in network.nodes[["bus", "phase"]].itertuples(index=False, name=None)]


@pytest.mark.parametrize("what", [what for what in WRITTEN if "regulator" not in what and "drop" not in what])
def test_measure_gives_the_flow_of_a_circuit_that_is_written_with_it(model, what):
    """With controls off: else the two circuits would settle on taps of their own."""
    change, commands = WRITTEN[what]
    feeder, written = model("ieee123", *LOADED, controls="off"), model("ieee123", *LOADED, *commands, controls="off")
    found = flow_of(feeder, (change,))
    assert found.converged.all()
    assert found.v_pu == pytest.approx(flow_of(written).v_pu[:, written_order(feeder, written)], abs=1e-9)
    assert np.abs(found.v_pu - flow_of(feeder).v_pu).max() > 1e-6


@pytest.mark.parametrize("what", ["regulator", "line drop compensation"])
def test_regulator_settings_act_as_if_written(model, what):
    """The written circuit starts from the taps of today's, from which a trajectory with the new settings starts."""
    change, commands = WRITTEN[what]
    feeder = model("ieee123", *LOADED)
    positions = Session(feeder).positions()
    found = flow_of(feeder, (change,))
    assert found.v_pu == pytest.approx(flow_of(model("ieee123", *LOADED, *positions, *commands)).v_pu, abs=1e-6)
    assert np.abs(found.v_pu - flow_of(feeder).v_pu).max() > 1e-3


@pytest.mark.parametrize("what", WRITTEN)
def test_measure_is_taken_back_to_the_bit_without_a_fresh_copy(model, monkeypatch, what):
    session = Session(model("ieee123", *LOADED))
    monkeypatch.setattr("gridstudio.engine.session.compile_into", lambda engine, feeder: pytest.fail("compiled"))
    change, _ = WRITTEN[what]
    base = session.solve([((), TWICE)])
    cases = [((At(step, change),), TWICE) for step in (0, 1)]
    first, again = session.solve(cases), session.solve([((), TWICE), *cases, ((), TWICE)])
    assert same(again[0], base[0])
    assert same(again[3], base[0])
    assert same(again[1:3], first)


@pytest.mark.parametrize("name", ["regulator", "capacitors", "split_phase", "three_windings", "open_delta", "clock"])
def test_all_measures_at_once_leave_an_odd_circuit_as_it_was(odd, name):
    session = Session(odd(name))
    network, inventory = session.network, session._inventory
    base = session.solve([((), TWICE)])
    changes = [ReplaceTransformer(t, 1.7 * kva) for t, kva in network.transformer_kva.items()]
    changes += [SetRegulator(r, vreg_v=118.0, band_v=3.0) for r in inventory.regulators]
    changes += [SetCapacitor(c, steps=0) for c in inventory.steps]
    changes += [ParallelLine(line) for line in network.lines["line"] if line not in inventory.switches]
    changes += [ReduceLoad(load, 0.5) for load in network.loads["load"]]
    changes += [AddCapacitor(bus, 30.0) for bus in list(inventory.bus_nodes)[-3:]]
    changed = tuple(At(0, change) for change in changes)
    for order in (changed, changed[::-1]):
        assert not same(session.solve([(order, TWICE)]), base)
        assert same(session.solve([((), TWICE)]), base)


def test_flow_does_not_depend_on_order_nor_on_workers(model):
    feeder = model("ieee123", *LOADED)
    sets = [ChangeSet((change,), what) for what, (change, _) in WRITTEN.items()] + [ChangeSet()]
    cases = [(changes, TWICE) for changes in sets]
    one = evaluate_many(feeder, cases, workers=Workers(1))
    two = evaluate_many(feeder, cases[::-1], workers=Workers(2))
    assert all(same(a.flow, b.flow) for a, b in zip(one, reversed(list(two)), strict=True))


def test_new_element_that_is_off_moves_no_bit(model):
    """A bank of another trajectory stands in the circuit with its step off: exact zeros in the admittances."""
    for name, bus in (("ieee13", "671"), ("ieee34", "860"), ("ieee37", "737"), ("ieee123", "66")):
        session = Session(model(name))
        base = session.solve([((), TWICE)])
        for connection in ("wye", "delta"):
            session.solve([((At(0, AddCapacitor(bus, 300.0, connection=connection)),), TWICE)])
        session.solve([((At(0, AddBattery(bus, 100.0)),), TWICE)])
        assert same(session.solve([((), TWICE)]), base)


def test_load_that_is_declared_before_the_lines_may_move(circuit):
    """Then it is the loads that give the nodes their order, and a move changes it."""
    more = "new load.one bus1=far.2 phases=1 kv=2.4018 kw=50\nnew line.far bus1=end bus2=far length=1 units=km"
    feeder = circuit(more)
    moved = circuit(more.replace("far.2", "far.3"))
    found, expected = evaluate(feeder, ChangeSet((MovePhase("one", (3,)),))), evaluate(moved)
    nodes, others = (x.network.nodes["bus"] + x.network.nodes["phase"].astype(str) for x in (found, expected))
    assert sorted(nodes) == sorted(others)
    assert dict(zip(nodes, found.flow.v_pu[0], strict=True)) == pytest.approx(
        dict(zip(others, expected.flow.v_pu[0], strict=True)), abs=1e-7
    )
    assert same(evaluate(feeder).flow, evaluate(replace(feeder, name="fresh")).flow)


def test_two_circuits_halve_the_voltage_drop(circuit):
    """By hand: a constant impedance load, so that the current into twice the line rises and its drop halves, nearly.

    Voltage divider: v = z_load / (z_load + z_line / n), z_load = 4160^2 / (600 - 300j), positive sequence only.
    """
    feeder = circuit()
    z_load, z_line = 4160.0**2 / (600e3 - 300e3j), 2 * (0.1 + 0.3j) + 0.001j * 0
    for circuits in (1, 2, 4):
        flow = evaluate(feeder, ChangeSet((ParallelLine("feed", circuits),))).flow
        end = evaluate(feeder).network.nodes["bus"] == "end"
        expected = abs(z_load / (z_load + z_line / circuits + 0.001j))
        assert flow.v_pu[0, end] == pytest.approx(expected, abs=1e-6)


def test_later_measure_of_the_same_element_counts_from_the_circuit_as_published(ieee123):
    once = flow_of(ieee123, (ParallelLine("l115", 3), ReplaceTransformer("xfm1", 500.0), ReduceLoad("s1a", 0.5)))
    twice = (ParallelLine("l115"), ReplaceTransformer("xfm1", 300.0), ReduceLoad("s1a", 0.2), ParallelLine("l115", 3))
    found = flow_of(ieee123, (*twice, ReplaceTransformer("xfm1", 500.0), ReduceLoad("s1a", 0.5)))
    assert found.v_pu == pytest.approx(once.v_pu, abs=1e-9)


def test_fixed_capacitor_stays_whatever_its_control_wants(odd):
    feeder = odd("capacitors")
    session = Session(feeder)
    bank = next(iter(session._inventory.capacitor_controls))
    for steps in range(session._inventory.steps[bank] + 1):
        with session.state_at_end((At(0, SetCapacitor(bank, steps=steps)),), TWICE) as engine:
            engine.Capacitors.Name(bank)
            assert sum(engine.Capacitors.States()) == steps


# -- measures that need a fresh copy --------------------------------------------------------------------------------

SUN = ("new pvsystem.sun bus1=66 phases=3 kv=4.16 kva=900 pmpp=800 irradiance=1",)
CURVE = "new xycurve.vv npts=4 xarray=[0.9 0.94 0.97 1.03] yarray=[0.44 0 0 -0.44]"
CONTROL = "new invcontrol.vv derlist=[pvsystem.sun] mode=voltvar vvc_curve1=vv"
L13_REGULATED = [
    f"new transformer.r{n} phases=1 windings=2 buses=[13.{n} regulated.{n}] "
    f"kvs=[2.4017771198288433 2.4017771198288433] kvas=[3333 3333] xhl=0.01 %rs=[0.00001 0.00001]"
    for n in (1, 2, 3)
]
L13_REGULATED += [
    f"new regcontrol.r{n} transformer=r{n} winding=2 vreg=124 band=2 ptratio=20.014809331907028" for n in (1, 2, 3)
]
L13_REGULATED += [
    "edit line.l13 bus1=regulated.1.2.3",
    "makebuslist",
    "setkvbase bus=regulated kvln=2.4017771198288433",
]
FRESH = {
    "volt-var": (VoltVar("sun", ((0.9, 0.44), (0.94, 0.0), (0.97, 0.0), (1.03, -0.44))), (CURVE, CONTROL)),
    "new regulator": (AddRegulator("l13", vreg_v=124.0), tuple(L13_REGULATED)),
}


@pytest.mark.parametrize("what", FRESH)
def test_measure_in_a_fresh_copy_gives_the_flow_of_a_circuit_that_is_written_with_it(model, what):
    """The new regulator of the written circuit has found its taps before, from the same side: equal within a step."""
    change, commands = FRESH[what]
    feeder = model("ieee123", *SUN)
    positions = Session(feeder).positions()
    written = model("ieee123", *SUN, *positions, *commands)
    found = flow_of(feeder, (change,), Scenario())
    assert found.converged.all()
    expected = flow_of(written, (), Scenario()).v_pu[:, written_order(feeder, written)]
    assert found.v_pu == pytest.approx(expected, abs=1e-4)
    assert np.abs(found.v_pu - flow_of(feeder, (), Scenario()).v_pu).max() > 1e-3


@pytest.mark.parametrize("what", FRESH)
def test_measure_in_a_fresh_copy_leaves_nothing_behind(model, what):
    change, _ = FRESH[what]
    for carry in (True, False):
        scenario = replace(TWICE, carry_controls=carry)
        session = Session(model("ieee123", *SUN))
        base = session.solve([((), scenario)])
        cases = [((At(step, change),), scenario) for step in (0, 0, 1)]
        first, again = session.solve(cases), session.solve([((), scenario), *cases[::-1], ((), scenario)])
        assert same(again[0], base[0])
        assert same(again[4], base[0])
        assert same(again[1:4], first[[2, 1, 0]])


@pytest.mark.parametrize("what", FRESH)
def test_exported_circuit_has_the_measure_of_a_fresh_copy(model, what, tmp_path):
    feeder, change = model("ieee123", *SUN), FRESH[what][0]
    found = evaluate(feeder, ChangeSet((change,)), TWICE)
    dss = solved_alone(export_circuit(feeder, (At(0, change),), TWICE, 1), tmp_path)
    nodes = found.network.nodes["bus"] + "." + found.network.nodes["phase"].astype(str)
    exported = dict(zip(dss.Circuit.AllNodeNames(), dss.Circuit.AllBusMagPu(), strict=True))
    expected = dict(zip(nodes, found.flow.v_pu[1], strict=True))
    assert {node: exported[node] for node in expected} == pytest.approx(expected, abs=1e-4)


# -- ratings --------------------------------------------------------------------------------------------------------


def test_ratings_follow_the_measures_from_their_step_on(model):
    feeder = model("ieee123", *LOADED)
    changes = (At(1, ReplaceTransformer("xfm1", 300.0)), At(0, ParallelLine("l115")), At(1, Reconductor("l10", 700.0)))
    found, base = evaluate(feeder, ChangeSet(changes), TWICE), evaluate(feeder)
    times = found.ampacity_a / base.ampacity_a
    rows = found.network
    assert times[:, rows.transformer_row["xfm1"]] == pytest.approx([1.0, 2.0])
    assert times[:, rows.line_row["l115"]] == pytest.approx([2.0, 2.0])
    assert found.ampacity_a[1, rows.line_row["l10"]] == 700.0
    others = np.delete(times[1], [rows.transformer_row["xfm1"], rows.line_row["l115"], rows.line_row["l10"]])
    assert (others[np.isfinite(others)] == 1.0).all()


def test_larger_transformer_cures_its_overload(model):
    feeder = model("ieee123", "new load.low bus1=610 phases=3 conn=delta kv=0.48 kw=180 kvar=80")
    assert "transformer.xfm1" in set(evaluate(feeder).violations()["element"])
    cured = evaluate(feeder, ChangeSet((ReplaceTransformer("xfm1", 300.0),)))
    assert "transformer.xfm1" not in set(cured.violations()["element"])


# -- export ---------------------------------------------------------------------------------------------------------


def solved_alone(files, folder):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    dss = opendssdirect.dss.NewContext()
    dss.Basic.AllowChangeDir(False)
    dss(f'redirect "{folder / "master.dss"}"')
    dss.Solution.Solve()
    assert dss.Solution.Converged()
    return dss


@pytest.mark.parametrize("what", WRITTEN)
def test_exported_circuit_has_the_measure(model, what, tmp_path):
    feeder = model("ieee123", *LOADED)
    scenario = Scenario("x", (1.0, 1.3), (LoadGroup(("s2b",), (0.5, 1.5)),), generation_scale=(1.0, 0.5))
    change = WRITTEN[what][0]
    evaluate(feeder, ChangeSet((AddCapacitor("76", 50.0),)))  # leaves a bank behind that is off
    found = evaluate(feeder, ChangeSet((change,)), scenario)
    dss = solved_alone(export_circuit(feeder, (At(0, change),), scenario, 1), tmp_path)
    nodes = found.network.nodes["bus"] + "." + found.network.nodes["phase"].astype(str)
    exported = dict(zip(dss.Circuit.AllNodeNames(), dss.Circuit.AllBusMagPu(), strict=True))
    assert exported == pytest.approx(dict(zip(nodes, found.flow.v_pu[1], strict=True)), abs=1e-6)


def test_exported_circuit_has_the_new_ratings(model, tmp_path):
    changes = (At(0, ParallelLine("l115")), At(0, ReplaceTransformer("xfm1", 300.0)), At(0, SetSwitch("sw2", True)))
    feeder = model("ieee123", *LOADED)
    dss = solved_alone(export_circuit(feeder, changes, Scenario(), 0), tmp_path)
    dss.Lines.Name("l115")
    today = evaluate(feeder).network
    assert dss.Lines.NormAmps() == pytest.approx(2 * today.branches["ampacity_a"][today.line_row["l115"]])
    dss.Circuit.SetActiveElement("transformer.xfm1")
    expected = 2 * today.branches["ampacity_a"][today.transformer_row["xfm1"]]
    assert dss.CktElement.NormalAmps() == pytest.approx(expected)


# -- bad input ------------------------------------------------------------------------------------------------------

WRONG = [
    (ReplaceTransformer("xfm", 300.0), "The circuit has no transformer 'xfm'. Did you mean 'xfm1'?"),
    (ReplaceTransformer("xfm1", 0.0), "'xfm1': the new rating of 0 kVA is not a positive number"),
    (ReplaceTransformer("xfm1", 300.0, percent_r=-1.0), "a resistance of -1 % is not between 0 and 100"),
    (ReplaceTransformer("xfm1", 300.0, percent_x=0.0), "a reactance of 0 % is not between 0 and 100"),
    (SetRegulator("creg1", vreg_v=122.0), "no regulator 'creg1'. Did you mean 'creg1a'?"),
    (SetRegulator("creg1a", vreg_v=-1.0), "'creg1a': a set point of -1 V is not a positive number"),
    (SetRegulator("creg1a", band_v=0.0), "'creg1a': a bandwidth of 0 V is not a positive number"),
    (SetRegulator("creg1a", r_v=float("nan")), "a line drop compensation of nan V is not a finite number"),
    (SetCapacitor("c8", kvar=1.0), "no shunt capacitor 'c8'. Did you mean 'c83'?"),
    (SetCapacitor("c83", kvar=-3.0), "'c83': a size of -3 kvar is not a positive number"),
    (SetCapacitor("c83", steps=2), "'c83' has 1 steps, 2 cannot be in service"),
    (SetCapacitor("c83", on_at=1.0), "'c83' has no control that could be set"),
    (AddCapacitor("667", 300.0), "no bus '667'. Did you mean"),
    (AddCapacitor("66", 0.0), "at bus '66': 0 kvar is not a positive number"),
    (AddCapacitor("75", 100.0, (1,)), "bus '75': the bus has phases 3, not 1"),
    (AddCapacitor("66", 100.0, (1, 1)), "phases 1, 1 name one twice"),
    (AddCapacitor("66", 100.0, connection="star"), "connection 'star', it is 'wye' or 'delta'"),
    (AddCapacitor("75", 100.0, connection="delta"), "a delta needs three phases"),
    (ParallelLine("l115x"), "no line 'l115x'. Did you mean 'l115'?"),
    (ParallelLine("l115", 0), "'l115': 0 circuits in parallel is not a whole number of at least 1"),
    (ParallelLine("sw2"), "'sw2' is a switch"),
    (MovePhase("s1b", (2,)), "no load 's1b'. Did you mean"),
    (MovePhase("s1a", (1, 2)), "'s1a' stands on 1 node(s) of its bus, 2 are given"),
    (MovePhase("s75c", (1,)), "'s75c': its bus '75' has nodes 3, not 1"),
    (MovePhase("s48", (1,)), "'s48' has 3 phases: only single-phase loads can be moved"),
    (ReduceLoad("s1a", 1.5), "'s1a': a reduction by a share of 1.5 is not between 0 and 1"),
    (AddRegulator("l13x"), "no line 'l13x'. Did you mean 'l13'?"),
    (AddRegulator("sw2"), "'sw2': the line is a switch"),
    (AddRegulator("l13", vreg_v=0.0), "set point and bandwidth must be positive numbers"),
    (VoltVar("sun"), "The circuit has no PV system 'sun'."),
    (AddBattery("66", float("inf")), "bus '66': inf kW is not a finite number"),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_does_not_fit_is_told_before_any_solve(ieee123, change, words):
    with pytest.raises(InputError) as error:
        evaluate(ieee123, ChangeSet((change,)))
    assert words in str(error.value)


def test_regulator_settings_are_refused_where_controls_are_off(model):
    with pytest.raises(InputError, match="settings do nothing while the controls of the feeder are off"):
        evaluate(model("ieee123", controls="off"), ChangeSet((SetRegulator("creg1a", vreg_v=122.0),)))


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (((1.0, 0.0),), "voltages of its"),
        (((0.9, 0.0), (1.1, 0.4)), "must fall"),
        (((0.9, 2.0), (1.1, 0.0)), "between -1"),
    ],
)
def test_volt_var_curve_that_is_none_is_told(model, curve, words):
    with pytest.raises(InputError, match=words):
        evaluate(model("ieee123", *SUN), ChangeSet((VoltVar("sun", curve),)))


def test_all_findings_are_told_together(ieee123):
    with pytest.raises(InputError) as error:
        evaluate(ieee123, ChangeSet((ReplaceTransformer("x", 1.0), AddCapacitor("y", 1.0), MovePhase("z", (1,)))))
    assert all(word in str(error.value) for word in ("transformer 'x'", "bus 'y'", "load 'z'"))


@pytest.mark.parametrize("genmult", [0.0, 0.5, 2.0])
def test_a_battery_delivers_what_is_asked_whatever_multiplies_generation(circuit, genmult):
    feeder = circuit(f"edit load.town model=1\nset genmult={genmult}")
    battery = flow_of(feeder, (AddBattery("end", 50.0),)).source_kw - flow_of(feeder).source_kw
    losses = flow_of(feeder, (AddBattery("end", 50.0),)).losses_kw - flow_of(feeder).losses_kw
    assert battery == pytest.approx(-50.0 + losses, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (Reconductor("feed", float("inf")), "the new rating of inf A is not a positive number"),
        (Reconductor("feed", float("nan")), "the new rating of nan A is not a positive number"),
        (ParallelLine("feed", True), "True circuits in parallel is not a whole number"),
    ],
)
def test_a_rating_without_end_and_a_truth_for_a_number_are_told(circuit, change, sentence):
    with pytest.raises(InputError, match=sentence):
        flow_of(circuit(), (change,))
