"""Nodal hosting capacity: by hand on one line, and by plain scan on a feeder."""

from pathlib import Path

import numpy as np
import pytest

from gridstudio.domain.changes import BASE
from gridstudio.domain.limits import Limits
from gridstudio.engine import Session
from gridstudio.evaluation import Workers, evaluate_many
from gridstudio.planning.hosting import Settings, run
from gridstudio.planning.hosting.job import base_judge, equipped, prepare
from gridstudio.planning.hosting.judge import Binding
from gridstudio.planning.hosting.nodal import capacities
from gridstudio.planning.hosting.places import scenario
from gridstudio.planning.phases import Phases

ROOT = Path(__file__).parents[3]
R_OHM, X_OHM = 0.5, 0.6
RESISTIVE = f"r1={R_OHM} x1={X_OHM} r0={R_OHM} x0={X_OHM} normamps=10000"
FIRST = {"devices": ["pv"], "max_kw": 5000.0, "tolerance_kw": 0.5}


def largest_pv_kw(v_max_pu):
    """P that lifts the end of a line to v from a source at 1: P^2 z^2 - 2 P R v^2 + v^4 - v^2 = 0, per unit."""
    base_ohm = 4.16**2  # at 1 MVA
    r, z2 = R_OHM / base_ohm, (R_OHM**2 + X_OHM**2) / base_ohm**2
    v2 = v_max_pu**2
    return 1000 * (r * v2 - np.sqrt((r * v2) ** 2 - z2 * (v2**2 - v2))) / z2


def edited(text):
    return f"edit line.feed {text}"


@pytest.mark.parametrize("v_max_pu", [1.02, 1.05])
def test_voltage_rise_binds_pv_as_by_hand(study, v_max_pu):
    made = study(RESISTIVE, more=edited("normamps=10000"), nodal=FIRST, limits={"v_max_pu": v_max_pu}).run().tables
    row = made["nodal"].iloc[0]
    assert (row["limit"], row["bus"], row["nodes"]) == ("overvoltage", "end", "1.2.3")
    assert row["hosting_kw"] <= largest_pv_kw(v_max_pu) * 1.0005
    assert row["refused_kw"] >= largest_pv_kw(v_max_pu) * 0.9995
    assert row["refused_kw"] - row["hosting_kw"] <= 0.5


@pytest.mark.parametrize(("phases", "expected_kw"), [(3, np.sqrt(3) * 4.16 * 200), (1, 4.16 / np.sqrt(3) * 200)])
def test_a_rating_binds_load_as_by_hand(study, phases, expected_kw):
    """200 A at nominal voltage, over a line without impedance."""
    made = study(nodal={**FIRST, "devices": ["load"], "phases": [phases]}).run().tables["nodal"]
    assert (made["limit"] == "line_loading").all()
    assert (made["element"] == "line.feed").all()
    assert len(made) == (1 if phases == 3 else 3)
    assert made["hosting_kw"].to_numpy() == pytest.approx(expected_kw, rel=2e-3)


@pytest.mark.parametrize("command", ["set loadmult=0.5", "set loadmult=2", "set year=5"])
@pytest.mark.parametrize("name", ["town", "gs_hosting_load_0"])
def test_multipliers_and_names_of_the_circuits_loads_do_not_touch_devices(study, command, name):
    """200 A at nominal voltage, over a line without impedance."""
    more = f"new load.{name}_ bus1=end phases=3 kv=4.16 kw=1e-3\n{command}"
    made = study(more=more, nodal={**FIRST, "devices": ["load"]}).run().tables["nodal"]
    assert made["hosting_kw"].to_numpy() == pytest.approx(np.sqrt(3) * 4.16 * 200, rel=2e-3)


def test_a_device_has_a_name_that_no_load_has(study):
    more = (
        "new load.gs_hosting_load_0 bus1=end phases=3 kv=4.16 kw=1e-3\nnew load.hosting_pv_0 bus1=end kv=4.16 kw=1e-3"
    )
    made = study(more=more, nodal={**FIRST, "devices": ["load"]}).run().tables["nodal"]
    assert made["hosting_kw"].to_numpy() == pytest.approx(np.sqrt(3) * 4.16 * 200, rel=2e-3)


SPLIT_PHASE = """
new transformer.ct phases=1 windings=3 buses=[end.1.0 s.1.0 s.0.2] kvs=[2.4018 0.12 0.12] kvas=[500 500 500]
~ xhl=0.01 xht=0.01 xlt=0.01 %rs=[0.001 0.001 0.001]
new line.drop bus1=s.1.2 bus2=home.1.2 phases=2 r1=1e-6 x1=1e-6 r0=1e-6 x0=1e-6 c1=0 c0=0 length=1 normamps=100
new load.home bus1=home.1.2 phases=1 kv=0.24 kw=1e-3
"""
LOW = {"master": "master.dss", "commands": ["set voltagebases=[4.16 0.208]", "calcvoltagebases"]}


def test_a_split_phase_service_is_asked_across_its_legs(study):
    """100 A at 240 V are 24 kW; on one leg they would be 12. The bus before the transformer is asked to neutral."""
    nodal = {"devices": ["load"], "phases": [1], "max_kw": 100.0, "tolerance_kw": 0.05}
    made = study(more=SPLIT_PHASE, feeder=LOW, nodal={**nodal, "buses": ["s", "home", "end"]}).run().tables["nodal"]
    assert list(zip(made["bus"], made["nodes"], strict=True)) == [
        *(("end", phase) for phase in "123"),
        ("s", "1.2"),
        ("home", "1.2"),
    ]
    home = made[made["bus"] == "home"].iloc[0]
    assert (home["limit"], home["element"]) == ("line_loading", "line.drop")
    assert home["hosting_kw"] == pytest.approx(24.0, abs=0.1)


def test_two_phases_of_a_primary_are_no_split_phase_service(study):
    """Two units of one phase each, and a tap of two phases: every phase stands against the neutral."""
    units = "".join(
        f"new transformer.t{n} phases=1 windings=2 buses=[end.{n} low.{n}] kvs=[2.4 0.12] kvas=[50 50]\n"
        for n in (1, 2)
    )
    tap = "new line.tap bus1=end.1.2 bus2=tap.1.2 phases=2 r1=.1 x1=.1 r0=.1 x0=.1 c1=0 c0=0 length=1\n"
    made = study(more=units + tap, feeder=LOW, nodal={"phases": [1], "buses": ["low", "tap"]})
    places = prepare(made.settings, made.folder).places
    assert sorted({(place.bus, place.nodes) for place in places}) == [
        ("low", "1"), ("low", "2"), ("tap", "1"), ("tap", "2"),
    ]  # fmt: skip


def test_a_power_factor_takes_its_share_of_the_rating(study):
    made = study(nodal={**FIRST, "devices": ["load"], "power_factor": 0.8}).run().tables["nodal"]
    assert made["hosting_kw"].iloc[0] == pytest.approx(0.8 * np.sqrt(3) * 4.16 * 200, rel=2e-3)


def test_load_of_the_circuit_makes_room_for_pv(study):
    """300 kW of load and 1441 kW of line: 1741 kW of PV."""
    made = study(kw=300, nodal=FIRST).run().tables["nodal"]
    assert made["hosting_kw"].iloc[0] == pytest.approx(300 + np.sqrt(3) * 4.16 * 200, rel=2e-3)


def test_reverse_flow_binds_where_it_is_asked(study):
    made = study(kw=300, nodal=FIRST, limits={"reverse_flow_max_kw": 100}).run().tables["nodal"].iloc[0]
    assert made["limit"] == "reverse_flow"
    assert made["hosting_kw"] == pytest.approx(400, abs=1)


def test_deviation_binds_where_it_is_asked(study):
    """By hand as the rise to 1.01 from a source at 1."""
    more = edited("normamps=10000")
    made = study(RESISTIVE, more=more, nodal=FIRST, limits={"deviation_max_pu": 0.01}).run().tables["nodal"].iloc[0]
    assert made["limit"] == "deviation"
    assert made["hosting_kw"] == pytest.approx(largest_pv_kw(1.01), rel=3e-3)


def test_the_hour_that_binds_is_told(study):
    hours = [{"name": "night", "load_scale": 1, "pv": 0}, {"name": "noon", "load_scale": 1, "pv": 0.5}]
    row = study(hours=hours, nodal=FIRST).run().tables["nodal"].iloc[0]
    assert row["hour"] == "noon"
    assert row["hosting_kw"] == pytest.approx(2 * np.sqrt(3) * 4.16 * 200, rel=2e-3)


def test_what_fits_at_the_largest_size_has_no_limit(study):
    row = study(nodal=FIRST | {"max_kw": 1000.0}).run().tables["nodal"].iloc[0]
    assert (row["hosting_kw"], row["limit"]) == (1000, "none")
    assert np.isnan(row["refused_kw"])


def test_what_is_broken_already_binds_only_if_it_gets_worse(study):
    """The line carries 2000 kW, 278 A: more load is refused at once, PV fits until as much flows back."""
    made = study(kw=2000, nodal=FIRST | {"devices": ["pv", "load"]}).run().tables
    capacity = made["nodal"].set_index("device")["hosting_kw"]
    assert made["hours"]["violations"].iloc[0] == 1
    assert capacity["pv"] == pytest.approx(4000, rel=2e-3)
    assert capacity["load"] < 1


@pytest.mark.parametrize("narrower", [{"v_max_pu": 1.03}, {"loading_max_pu": 0.5}])
def test_narrower_limits_never_host_more(study, narrower):
    wide = study(RESISTIVE, nodal=FIRST).run().tables["nodal"]["hosting_kw"]
    assert (study(RESISTIVE, nodal=FIRST, limits=narrower).run().tables["nodal"]["hosting_kw"] < wide).all()


@pytest.mark.parametrize("limit_kw", [1.0, 7.3, 40.0, 99.0, 640.0])
def test_the_search_ends_around_the_limit(limit_kw):
    """Against an oracle instead of a power flow."""
    asked = []

    def ask(sizes):
        asked.extend(sizes)
        return [
            Binding("overvoltage", broken=frozenset({"overvoltage"})) if kw > limit_kw else Binding() for _, kw in sizes
        ]

    found = capacities(["somewhere"], 1000.0, 0.5, ask)[0]
    assert found.fits_kw <= limit_kw < found.refused_kw <= found.fits_kw + 0.5
    assert len(asked) < 20


def ieee123(**nodal):
    hours = [{"name": "light", "load_scale": 0.3, "load": 0.3}, {"name": "peak", "load_scale": 0.75, "pv": 0.1}]
    data = {"job": "hosting", "feeder": {"master": "dss_models/ieee123/master.dss"}, "hours": hours}
    return Settings.validated(data | {"nodal": {"max_kw": 4000, "tolerance_kw": 50, **nodal}}, "the test's study")


BUSES = ["83", "48", "610", "300"]


def test_places_add_no_node_and_change_no_base_case():
    settings = ieee123(phases=[3, 1])
    setup = prepare(settings, ROOT)
    phases = Phases(setup.feeder, Limits(), Workers())
    plain = base_judge(settings, phases, ())
    group = setup.places[:60]
    with equipped(phases, group):
        with_devices = Session(phases.feeder).network
        off = base_judge(settings, phases, group)
    assert with_devices.nodes[["bus", "phase"]].equals(plain.network.nodes[["bus", "phase"]])
    assert off.base.v_pu == pytest.approx(plain.base.v_pu, abs=1e-6)


def test_bisection_agrees_with_a_plain_scan():
    """Second method: every size of a fine grid one by one; the capacity lies before the first that is refused."""
    settings = ieee123(devices=["pv"], buses=BUSES)
    found = run(settings, ROOT).tables["nodal"].set_index("bus")
    setup = prepare(settings, ROOT)
    phases = Phases(setup.feeder, Limits(), Workers())
    sizes = np.arange(50.0, 4001.0, 50.0)
    with equipped(phases, setup.places):
        judge = base_judge(settings, phases, setup.places)
        for place in setup.places:
            cases = [(BASE, scenario(str(kw), settings.hours, [(place, kw)])) for kw in sizes]
            done = evaluate_many(phases.feeder, cases)
            refused = [bool(binding.broken) for binding in judge.bindings(done.flow)]
            first = sizes[refused.index(True)] if any(refused) else np.inf
            assert first - 50 <= found.loc[place.bus, "refused_kw"]
            assert found.loc[place.bus, "hosting_kw"] <= first


def test_neither_order_nor_workers_nor_company_matter():
    """To the bit for workers; other places beside a place are off, at next to nothing."""
    one = run(ieee123(buses=BUSES), ROOT, Workers(1)).tables["nodal"]
    two = run(ieee123(buses=BUSES[::-1]), ROOT, Workers(2)).tables["nodal"]
    alone = run(ieee123(buses=["48"]), ROOT, Workers(1)).tables["nodal"]
    assert one.equals(two)
    ours = one[one["bus"] == "48"][["hosting_kw", "limit", "element"]].reset_index(drop=True)
    assert ours.equals(alone[["hosting_kw", "limit", "element"]])
