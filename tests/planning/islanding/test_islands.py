"""An island hour by hour: energy is conserved, limits hold, priorities count, and workers do not show."""

import numpy as np
import pandas as pd
import pytest

from gridstudio.evaluation import Workers

PV = "new pvsystem.roof_{0} bus1={0}_end phases=3 kv=12.47 pmpp={1} kva={1} irradiance=1 pf=1"
DAY = {"load": [0.4 + 0.02 * hour for hour in range(24)]}
EFFICIENT = {"charge_efficiency": 0.9, "discharge_efficiency": 0.8, "reserve_soc": 0.2, "initial_soc": 0.7}


def loads(count=6, kw=20.0):
    return {f"d{n}": kw + n for n in range(count)}


def trace_of(made, **kept):
    rows = made.run().tables["trace"]
    for name, value in kept.items():
        rows = rows[rows[name] == value]
    return rows


def test_the_state_of_charge_follows_the_storage_power_and_its_efficiencies(study, zone_text, plain_zone):
    zone = plain_zone("a", storage_kwh=500.0, storage_kw=120.0, pv_kw=150.0, **EFFICIENT)
    made = study([zone_text("a", loads(), more=PV.format("a", 120))], [zone], shapes=DAY, islands={"restart": True})
    trace = trace_of(made)
    power = trace["storage_kw"].to_numpy()
    change = np.where(power > 0, -power / 0.8, -power * 0.9)
    soc = np.concatenate([[0.7 * 500], trace["soc_kwh"].to_numpy()])
    assert np.diff(soc) == pytest.approx(change, abs=1e-9)
    assert (power < -1).any()
    assert (power > 1).any()
    assert soc.min() >= 0.2 * 500 - 1e-9
    assert soc.max() <= 500 + 1e-9
    assert np.abs(power).max() <= 120 + 1e-6


def test_every_hour_balances(study, zone_text, plain_zone):
    """Storage and PV give what loads and losses take."""
    zone = plain_zone("a", storage_kwh=500.0, storage_kw=120.0, pv_kw=100.0, **EFFICIENT)
    line = "r1=2 x1=4 r0=4 x0=9 c1=0 c0=0 length=1 normamps=1000"
    trace = trace_of(study([zone_text("a", loads(), line, PV.format("a", 200))], [zone], shapes=DAY))
    given = trace["storage_kw"] + trace["pv_kw"]
    assert given.to_numpy() == pytest.approx((trace["served_kw"] + trace["losses_kw"]).to_numpy(), abs=1e-3)
    assert (trace["losses_kw"] > 0.01).any()
    assert trace["served_kw"].to_numpy() == pytest.approx((trace["load_kw"] - trace["shed_kw"]).to_numpy(), abs=1e-3)


def test_pv_and_its_curtailment_add_up_to_the_sun(study, zone_text, plain_zone):
    zone = plain_zone("a", storage_kwh=200.0, storage_kw=60.0, pv_kw=100.0)
    made = study([zone_text("a", loads(), more=PV.format("a", 200))], [zone], shapes=DAY, islands={"start_hours": [8]})
    day = trace_of(made)
    day = day[day["served_kw"] > 0]
    sun = np.array([0.85 * max(0.0, np.sin(np.pi * (hour - 6) / 12)) for hour in day["hour"]])
    assert (day["pv_kw"] + day["pv_curtailed_kw"]).to_numpy() == pytest.approx(300 * sun, abs=0.5)
    assert (day["pv_curtailed_kw"] > 10).any()
    assert (day["storage_kw"] >= -60 - 1e-6).all()


def test_without_sun_the_state_of_charge_only_falls(study, zone_text, plain_zone):
    trace = trace_of(study([zone_text("a", loads())], [plain_zone("a")], shapes=DAY))
    assert (np.diff(trace["soc_kwh"]) <= 0).all()


def test_what_matters_most_is_kept(study, zone_text, plain_zone):
    priorities = {"default": 3, "loads": {"d0": 1, "d3": 2}}
    made = study([zone_text("a", loads())], [plain_zone("a", storage_kw=46.0)], priorities=priorities)
    shed = made.run().tables["shed"].query("step == 0")
    assert set(shed["load"]) == {"d1", "d2", "d4", "d5"}  # 20 and 23 kW fit into 46 kW


def test_a_load_of_low_priority_is_served_where_one_of_higher_priority_does_not_fit(study, zone_text, plain_zone):
    priorities = {"default": 2, "loads": {"d5": 1}}
    made = study([zone_text("a", loads())], [plain_zone("a", storage_kw=24.5)], priorities=priorities)
    shed = made.run().tables["shed"].query("step == 0")
    assert "d5" in set(shed["load"])  # 25 kW
    assert "d4" not in set(shed["load"])  # 24 kW, the most that fits


def test_customers_count_before_kw_where_the_study_says_so(study, zone_text, plain_zone, tmp_path):
    (tmp_path / "customers.csv").write_text("load,customers,class\n" + "d0,50,residential\nd5,2,industrial\n")
    made = study(
        [zone_text("a", loads())],
        [plain_zone("a", storage_kw=25.5)],
        customers="customers.csv",
        islands={"maximise": "customers"},
    )
    tables = made.run().tables
    assert "d0" not in set(tables["shed"].query("step == 0")["load"])
    assert tables["by_start"]["customers_served"].iloc[0] == 50
    assert tables["by_start"]["customers"].iloc[0] == 52


def test_the_inverters_kva_bind_where_its_kw_do_not(study, zone_text, plain_zone):
    """Six loads of 20 kW and 15 kvar are 25 kVA each: 100 kVA carry four of them."""
    single = {f"d{n}": (20, 15, n % 3 + 1) for n in range(6)}
    zone = plain_zone("a", inverter_kva=101.0, phase_current_max_a=1000.0)
    tables = study([zone_text("a", single)], [zone]).run().tables
    assert tables["by_start"]["limit_binding"].iloc[0] == "inverter_kva"
    first = tables["trace"].iloc[0]
    assert first["inverter_kva"] == pytest.approx(100, rel=1e-3)
    assert first["served_kw"] == pytest.approx(80, rel=1e-3)


def test_one_phase_of_the_inverter_binds_where_its_kva_do_not(study, zone_text, plain_zone):
    """300 kVA are 100 kVA or 13.9 A a phase at 12.47 kV; phase 1 has loads of 120 kW."""
    single = {"d0": (60, 0, 1), "d1": (60, 0, 1), "d2": (60, 0, 2)}
    tables = study([zone_text("a", single)], [plain_zone("a", inverter_kva=300.0)]).run().tables
    assert tables["zones"]["phase_current_max_a"].iloc[0] == pytest.approx(100 / (12.47 / np.sqrt(3)))
    assert tables["by_start"]["limit_binding"].iloc[0] == "phase_current"
    first = tables["trace"].iloc[0]
    assert first["served_kw"] == pytest.approx(120, rel=1e-3)
    assert first["current_max_pu"] == pytest.approx(0.6, rel=1e-2)


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("r1=30 x1=30 r0=30 x0=30 c1=0 c0=0 length=1 normamps=1000", "voltage"),
        ("r1=1e-5 x1=1e-5 r0=1e-5 x0=1e-5 c1=0 c0=0 length=1 normamps=12", "loading"),
    ],
)
def test_the_network_inside_binds(study, zone_text, plain_zone, line, limit):
    tables = study([zone_text("a", loads(6, 60.0), line)], [plain_zone("a")]).run().tables
    first = tables["trace"].iloc[0]
    assert tables["by_start"]["limit_binding"].iloc[0] == limit
    assert 0 < first["served_kw"] < first["load_kw"]
    assert first["v_min_pu"] >= 0.95
    assert first["loading_max_pu"] <= 1.0
    assert (tables["trace"]["violations"] == 0).all()


def test_a_dark_zone_stays_dark_unless_it_may_start_again(study, zone_text, plain_zone):
    zone = plain_zone("a", storage_kwh=100.0, pv_kw=200.0)
    served = {}
    for restart in (False, True):
        made = study([zone_text("a", loads())], [zone], islands={"restart": restart, "start_hours": [20]})
        trace = trace_of(made).set_index("hour")
        served[restart] = trace["served_kw"][12]
        assert trace["served_kw"][3] == pytest.approx(0, abs=1e-3)
    assert served[False] == 0  # not even solved
    assert served[True] > 100


def test_class_shapes_move_the_loads(study, zone_text, plain_zone, tmp_path):
    """d0 has 30 residential customers and 10 commercial ones: three quarters of one curve, one of the other."""
    (tmp_path / "customers.csv").write_text("load,customers,class\nd0,30,residential\nd0,10,commercial\n")
    curves = {"residential": [0.2] * 12 + [0.8] * 12, "commercial": [1.0] * 24}
    shapes = {"load": [0.0] * 24, "classes": curves}
    made = study([zone_text("a", {"d0": 40.0, "d1": 7.0})], [plain_zone("a")], customers="customers.csv", shapes=shapes)
    demand = trace_of(made).set_index("hour")["load_kw"]
    assert demand[3] == pytest.approx(40 * (0.75 * 0.2 + 0.25))
    assert demand[20] == pytest.approx(40 * (0.75 * 0.8 + 0.25))


def test_workers_and_other_zones_do_not_show_in_the_result(study, zone_text, plain_zone):
    line = "r1=2 x1=4 r0=4 x0=9 c1=0 c0=0 length=1 normamps=1000"
    texts = [zone_text(n, {f"{n}{k}": v for k, v in loads().items()}, line, PV.format(n, 90)) for n in "ab"]
    zones = [plain_zone(n, storage_kwh=300.0, storage_kw=70.0) for n in "ab"]
    both = study(texts, zones, shapes=DAY)
    one, two = both.run(), both.run(Workers(2))
    for name in ("trace", "by_start", "shed"):
        pd.testing.assert_frame_equal(one.tables[name], two.tables[name], check_exact=True)
    alone = study(texts, zones[1:], shapes=DAY).run().tables["trace"]
    pd.testing.assert_frame_equal(
        one.tables["trace"].query("zone == 'b'").reset_index(drop=True), alone, check_exact=True
    )


def test_the_result_can_be_saved_and_read_again(study, zone_text, plain_zone, tmp_path):
    from gridstudio.result import load, save

    found = study([zone_text("a", loads())], [plain_zone("a", storage_kw=50.0)]).run()
    (tmp_path / "results").mkdir()
    save(found, tmp_path / "results")
    again = load(tmp_path / "results")
    assert set(again.tables) == set(found.tables)
    assert again.headline["zones"].value == 1
    assert found.violations_left == 0


def test_without_a_proof_the_least_important_loads_are_taken_off_one_by_one(study, zone_text, plain_zone, monkeypatch):
    monkeypatch.setattr("gridstudio.planning.islanding.dispatch.ROUNDS", 0)
    priorities = {"default": 2, "loads": {"d0": 1, "d5": 3}}
    made = study([zone_text("a", loads())], [plain_zone("a", storage_kw=66.0)], priorities=priorities)
    tables = made.run().tables
    first = tables["trace"].iloc[0]
    assert not first["proven"]
    assert first["violations"] == 0
    # off go d5 (priority 3), then d4 and d3, the largest of priority 2: 20 + 21 + 22 kW are left
    assert first["served_kw"] == pytest.approx(63, rel=1e-3)


def test_an_island_whose_full_load_has_no_solution_is_served_in_part(study, zone_text, plain_zone):
    """Five loads that triple to 1.5 MW each, of constant power at any voltage: more than the line can carry at all."""
    line = "r1=5 x1=15 r0=5 x0=15 c1=0 c0=0 length=1 normamps=5000"
    text = zone_text("a", loads(5, 500.0), line).replace("vminpu=0.5", "vminpu=0.01")
    zone = plain_zone("a", storage_kwh=1e5, storage_kw=1e5, inverter_kva=1e5)
    made = study([text], [zone], limits={"v_min_pu": 0.8}, islands={"hours": 1}, shapes={"load": [3.0] * 24})
    tables = made.run().tables
    assert "not_converged" in tables["by_start"]["limit_binding"].iloc[0]
    first = tables["trace"].iloc[0]
    assert first["converged"]
    assert first["violations"] == 0
    assert 1400 < first["served_kw"] < first["load_kw"]
