"""Circuits of other people: whatever they hold, the base case is their own power flow, and scenarios act on it."""

from pathlib import Path

import numpy as np
import opendssdirect
import pytest

from gridstudio.domain.changes import At, SetSwitch
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import Feeder, Session, inspect
from gridstudio.errors import InputError

CIRCUITS = Path(__file__).resolve().parents[1] / "data" / "circuits"
ODD = sorted(path.stem for path in CIRCUITS.glob("*.dss") if path.stem != "common")


def plain(path):
    """Voltages [pu] of a circuit file by node, and the settled engine."""
    dss = opendssdirect.dss.NewContext()
    dss.Basic.AllowChangeDir(False)
    dss.Basic.AllowEditor(False)
    dss(f'redirect "{path}"')
    dss("set controlmode=static maxcontroliter=100")
    for _ in range(3):
        dss.Solution.Solve()
    return dict(zip(dss.Circuit.AllNodeNames(), dss.Circuit.AllBusMagPu(), strict=True)), dss


def by_node(session, v_pu):
    nodes = session.network.nodes
    return dict(zip(nodes["bus"] + "." + nodes["phase"].astype(str), v_pu, strict=True))


@pytest.mark.parametrize("name", sorted(set(ODD) - {"adaptive_inverter", "protection"}))
def test_base_case_is_the_circuits_own_power_flow(odd, name):
    """But for protection that trips at published load, and an inverter that finds no rest in ten iterations."""
    feeder = odd(name)
    session = Session(feeder)
    flow = session.solve([((), Scenario())])[0, 0]
    # OpenDSS stops at 1e-4 pu, its inverter controls at a few times that
    assert by_node(session, flow.v_pu) == pytest.approx(plain(feeder.master)[0], abs=1e-3)


@pytest.mark.parametrize("name", sorted(set(ODD) - {"motor", "two_sources"}))
def test_served_power_is_the_sum_over_the_loads(odd, name):
    """Motors and current sources take power, too, and are no loads."""
    session, scenario = Session(odd(name)), Scenario(load_scale=(0.7,), generation_scale=(0.6,))
    with session.state_at_end((), scenario) as engine:
        expected_kw, more = 0.0, engine.Loads.First()
        while more:
            expected_kw += engine.CktElement.TotalPowers()[0]
            more = engine.Loads.Next()
    assert session.solve([((), scenario)]).served_kw[0, 0] == pytest.approx(expected_kw, rel=1e-4)


@pytest.mark.parametrize("name", ["generation", "clock", "peak_shaving"])
def test_nothing_follows_the_hours_of_the_circuits_author(odd, name):
    session = Session(odd(name))
    flow = session.solve([((), Scenario(load_scale=(1.0,) * 30))])[0]
    assert flow.v_pu == pytest.approx(np.broadcast_to(flow.v_pu[0], flow.v_pu.shape), abs=1e-6)
    assert not any("depends on time" in str(finding) for finding in session.findings)


def test_generation_follows_its_scenario_and_storage_does_not(odd):
    session = Session(odd("generation"))

    def power_kw(element, scale):
        with session.state_at_end((), Scenario(generation_scale=(scale,))) as engine:
            engine.Circuit.SetActiveElement(element)
            return -engine.CktElement.TotalPowers()[0]

    assert power_kw("generator.g", 0.5) == pytest.approx(0.5 * power_kw("generator.g", 1.0), rel=1e-3)
    assert power_kw("pvsystem.pv", 0.5) == pytest.approx(0.5 * power_kw("pvsystem.pv", 1.0), rel=0.02)  # less its cut
    assert power_kw("storage.st", 0.5) == pytest.approx(power_kw("storage.st", 1.0), rel=1e-6) == pytest.approx(120.0)


@pytest.mark.parametrize("status", ["variable", "fixed", "exempt"])
@pytest.mark.parametrize("loadmult", [1.0, 1.5])
def test_every_load_follows_its_scenario_on_top_of_loadmult(circuit, status, loadmult):
    feeder = circuit(f"edit load.town model=1 status={status}\nset loadmult={loadmult}")
    base_kw = 600 * (loadmult if status == "variable" else 1)
    assert plain(feeder.master)[1].Circuit.TotalPower()[0] == pytest.approx(-base_kw, rel=0.05)
    served = Session(feeder).solve([((), Scenario(load_scale=(1.0, 0.5, 1.2)))]).served_kw[0]
    assert served == pytest.approx([base_kw, 0.5 * base_kw, 1.2 * base_kw], rel=1e-4)


def test_growth_of_the_circuits_own_year_stays(circuit):
    growth = "new growthshape.g npts=2 year=[1 20] mult=[1.02 1.02]\nedit load.town model=1 growth=g\nset year=3"
    served = Session(circuit(growth)).solve([((), Scenario(load_scale=(1.0, 2.0)))]).served_kw[0]
    assert served == pytest.approx([600 * 1.02**2, 2 * 600 * 1.02**2], rel=1e-3)


def test_shapes_of_the_circuits_author_do_not_act_on_loads(circuit):
    shape = "new loadshape.s npts=3 interval=1 mult=[.1 .2 .3]\nedit load.town model=1 daily=s yearly=s duty=s"
    served = Session(circuit(shape)).solve([((), Scenario(load_scale=(1.0, 1.1)))]).served_kw[0]
    assert served == pytest.approx([600, 660], rel=1e-4)


@pytest.mark.parametrize("loads", [("town",), ("shop",), ("town", "shop")])
def test_group_of_loads_has_its_own_multipliers(circuit, loads):
    session = Session(circuit("edit load.town model=1\nnew load.shop bus1=end kv=4.16 kw=100 kvar=0 model=1"))
    group = LoadGroup(loads, (2.0, 0.5))
    served = session.solve([((), Scenario(load_scale=(1.0, 1.0), load_groups=(group,)))]).served_kw[0]
    kw = {"town": 600, "shop": 100}
    expected = [sum(kw[n] * (scale if n in loads else 1) for n in kw) for scale in (2.0, 0.5)]
    assert served == pytest.approx(expected, rel=1e-4)


def test_group_of_one_scenario_does_not_stay_for_the_next(circuit):
    session = Session(circuit("edit load.town model=1"))
    session.solve([((), Scenario(load_groups=(LoadGroup(("town",), (2.0,)),)))])
    assert session.solve([((), Scenario())]).served_kw[0, 0] == pytest.approx(600, rel=1e-4)


def test_protection_does_not_undo_what_we_switch(odd):
    """Resetting the controls closes what fuse, recloser and switch control watch over."""
    session = Session(odd("protection"))
    opened = session.solve([((At(0, SetSwitch("l3", closed=False)),), Scenario(load_scale=(1.0, 1.0)))])[0]
    beyond = (session.network.nodes["bus"] == "n3").to_numpy()
    assert opened.v_pu[:, beyond] == pytest.approx(0.0, abs=1e-3)
    assert session.solve([((), Scenario())]).v_pu[0, 0][beyond] == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("state", ["state=open", "normal=open", "action=open", "normal=open state=open"])
def test_switch_control_that_opens_its_switch_has_opened_it(circuit, state):
    more = (
        "new line.far bus1=end bus2=far length=1 units=km normamps=100\nnew load.far bus1=far kv=4.16 kw=10\n"
        f"new swtcontrol.s switchedobj=line.far switchedterm=1 {state}"
    )
    network, findings = inspect(circuit(more))
    assert network.lines.set_index("line")["closed"]["far"] == np.False_
    assert any("Open switches leave 1 of 2 loads dead (far)" in str(finding) for finding in findings)


@pytest.mark.parametrize(
    "name", ["a b", "l-1", "x(1)", "50%", "a#b", "a/b", "a=b", "x,y", "it's", "a.b", "Straße", "[x]", "a;b", "a!b"]
)
def test_odd_names_of_lines_and_loads(circuit, name):
    more = (
        f'new "line.{name}" bus1=end bus2="the far bus" length=1 units=km normamps=100\n'
        f'new "load.{name}" bus1="the far bus" kv=4.16 kw=100 model=1\n'
        "new linecode.other nphases=3 r1=.5 x1=.5 units=km"
    )
    session = Session(circuit(more))
    line = session.network.lines["line"].iloc[-1]
    assert line == name.lower()
    group = Scenario(load_groups=(LoadGroup((line,), (3.0,)),))
    opened = (At(0, SetSwitch(line, closed=False)),)
    base, tripled, cut = session.solve([((), Scenario()), ((), group), (opened, Scenario())]).served_kw[:, 0]
    assert tripled - base == pytest.approx(200, rel=0.1)
    assert base - cut == pytest.approx(100, rel=0.1)


def test_upper_case_names_are_those_in_lower_case(write_circuit):
    text = """
    CLEAR
    NEW CIRCUIT.Big BASEKV=4.16 BUS1=SOURCE
    NEW LINE.FEED BUS1=SOURCE BUS2=END LENGTH=1 UNITS=KM NORMAMPS=100
    NEW LOAD.TOWN BUS1=END KV=4.16 KW=100
    SET VOLTAGEBASES=[4.16]
    CALCVOLTAGEBASES
    SOLVE
    """
    network = Session(Feeder("big", write_circuit(text))).network
    assert list(network.lines["line"]) == ["feed"]
    assert list(network.buses["bus"]) == ["source", "end"]


def test_disabled_elements_are_not_there(circuit):
    more = (
        "new line.gone bus1=end bus2=nowhere length=1 enabled=no\nnew load.gone bus1=nowhere kv=4.16 kw=1 enabled=no\n"
        "new transformer.gone buses=(end nowhere) enabled=no\nnew vsource.gone bus1=nowhere basekv=4.16 enabled=no"
    )
    session = Session(circuit(more))
    assert list(session.network.branches["element"]) == ["line.feed"]
    assert list(session.network.loads["load"]) == ["town"]
    assert session.network.sources == ("source",)
    assert session.solve([((), Scenario())]).converged.all()


def test_open_line_leaves_a_dead_part_that_is_told_and_not_checked(circuit):
    more = (
        "new line.far bus1=end bus2=far length=1 units=km normamps=100\nnew load.far bus1=far kv=4.16 kw=10\n"
        "open line.far 1"
    )
    session = Session(circuit(more))
    fed = session.network.nodes.groupby("bus")["fed"].all()
    assert fed.to_dict() == {"source": True, "end": True, "far": False}
    assert any("Open switches leave 1 of 2 loads dead (far)" in str(finding) for finding in session.findings)


def test_line_open_on_one_phase_feeds_the_others(circuit):
    more = (
        "new line.far bus1=end bus2=far length=1 units=km normamps=100\n"
        "new load.one bus1=far.1 phases=1 kv=2.4 kw=10\nnew load.two bus1=far.2 phases=1 kv=2.4 kw=10\n"
        "open line.far 1 2"
    )
    session = Session(circuit(more))
    nodes = session.network.nodes
    assert nodes.loc[nodes["bus"] == "far", "fed"].tolist() == [True, False, True]
    assert any("Open switches leave 1 of 3 loads dead (two)" in str(finding) for finding in session.findings)
    before = session.solve([((), Scenario())])
    closed = (At(0, SetSwitch("far", closed=True)),)
    assert session.solve([(closed, Scenario())]).served_kw[0, 0] - before.served_kw[0, 0] == pytest.approx(10, rel=0.05)
    assert (session.solve([((), Scenario())]).v_pu == before.v_pu).all()


def test_split_phase_service_is_fed_on_both_legs(odd):
    network = Session(odd("split_phase")).network
    nodes = network.nodes[network.nodes["bus"].isin(["s", "h"])]
    assert nodes["fed"].all()
    assert len(nodes) == 4
    assert network.loops() == []


def test_third_winding_feeds_its_own_bus(odd):
    network, findings = inspect(odd("three_windings"))
    assert not [f for f in findings if f.severity == "error"]
    assert network.nodes.loc[network.nodes["bus"] == "t5", "fed"].all()
    assert network.buses.set_index("bus")["distance_km"]["t5"] == network.buses.set_index("bus")["distance_km"]["n2"]


def test_several_sources_each_feed_their_part(odd):
    network = Session(odd("two_sources")).network
    assert network.sources == ("src", "q")
    assert network.nodes["fed"].all()
    assert network.loops() == []


def test_elements_added_after_the_voltage_bases_are_read(model):
    """Reading their nodes before a solve is an error in the engine, reading all currents a segmentation fault."""
    network, _ = inspect(model("ieee123", "redirect candidates.dss"))
    assert {"tie_151_300", "tie_54_94"} <= set(network.lines["line"])


def test_opened_storage_does_not_spoil_the_served_power(circuit):
    more = (
        "edit load.town model=1\n"
        "new storage.st bus1=end kv=4.16 kwrated=100 kwhrated=100 %stored=50 state=discharging\nopen storage.st 1"
    )
    session = Session(circuit(more))
    assert session.solve([((), Scenario())]).served_kw[0, 0] == pytest.approx(600, rel=1e-3)
    assert any("'open' does not take loads and generators out" in str(finding) for finding in session.findings)


def test_transformer_without_rating_has_none(circuit):
    more = (
        "new transformer.t windings=2 buses=(end low) kvs=(4.16 .48) kvas=(100 100) normhkva=0 emerghkva=0\n"
        "new load.low bus1=low kv=.48 kw=10\nset voltagebases=[4.16 .48]\ncalcvoltagebases"
    )
    feeder = circuit()
    feeder.master.write_text(feeder.master.read_text() + more)
    branches = Session(feeder).network.branches.set_index("element")
    assert np.isnan(branches["ampacity_a"]["transformer.t"])


def test_series_capacitor_and_reactor_carry_current_to_the_load(circuit):
    more = (
        "new capacitor.series bus1=end bus2=mid kvar=2000 kv=2.4\nnew reactor.series bus1=mid bus2=far r=.01 x=.1\n"
        "new load.far bus1=far kv=4.16 kw=100\nnew reactor.shunt bus1=far kv=4.16 kvar=10"
    )
    network, findings = inspect(circuit(more))
    assert set(network.branches["kind"]) == {"line", "capacitor", "reactor"}
    assert "reactor.shunt" not in set(network.branches["element"])
    assert not [f for f in findings if f.severity == "error"]


def test_loads_as_admittances_follow_their_scenario(circuit):
    """OpenDSS keeps them in the matrix as they stood when it was built; the same physics is a constant impedance."""
    session = Session(circuit("edit load.town model=1\nset loadmodel=admittance"))
    constant_z = Session(circuit("edit load.town model=2"))
    scenario = Scenario(load_scale=(1.0, 2.0, 0.5))
    assert session.solve([((), scenario)]).served_kw == pytest.approx(
        constant_z.solve([((), scenario)]).served_kw, rel=1e-6
    )


def test_circuit_whose_loads_are_all_dead_is_refused(circuit):
    """It converges in two iterations with 0 kW."""
    with pytest.raises(InputError, match=r"No source feeds 1 of 1 loads \(town\)"):
        Session(circuit("edit line.feed enabled=no\nnew line.other bus1=end bus2=further length=1"))
    with pytest.raises(InputError, match=r"Open switches leave 1 of 1 loads dead"):
        Session(circuit("open line.feed 1"))
    with pytest.raises(InputError, match=r"no voltage source in service"):
        Session(circuit("", "open vsource.source 1"))


def test_dead_circuit_that_the_tables_call_connected_is_refused(circuit):
    """A line of 10^9 ohm connects on paper."""
    with pytest.raises(InputError, match=r"converged on a dead circuit"):
        Session(circuit("edit line.feed r1=1e9 x1=1e9 r0=1e9 x0=1e9"))
