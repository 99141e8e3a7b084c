"""Hours and energy over limits of a circuit that can be worked out by hand.

900 kW at 4.16 kV draw 124.9 A at unity power factor; the line carries 100 A.
"""

import numpy as np
import pandas as pd
import pytest

from gridstudio.domain.limits import Limits
from gridstudio.evaluation import Workers
from gridstudio.planning.exceedance import job
from gridstudio.planning.exceedance.summary import hours_not_clean

FULL_A = 900 / (np.sqrt(3) * 4.16)
LOAD = [0.5, 1.0, 0.7, 1.2, 0.9, 0.2]


def test_hours_and_energy_above_the_rating_are_those_by_hand(study, table):
    made = study(table(load=LOAD)).run().tables
    line = made["branches"].set_index("element").loc["line.feed"]
    amps = np.array(LOAD) * FULL_A
    above_a = np.maximum(amps - 100, 0)
    assert line["hours_over"] == (amps > 100).sum() == 3
    assert line["energy_over_mwh"] == pytest.approx(3 * 4.16 / np.sqrt(3) * above_a.sum() / 1000, rel=1e-3)
    assert line["current_max_a"] == pytest.approx(1.2 * FULL_A, rel=1e-3)
    assert line["loading_mean_pu"] == pytest.approx(amps.mean() / 100, rel=1e-3)
    assert (line["worst_hour"], line["worst_time"]) == (3, "2023-01-01 03:00")
    assert made["hours"]["branches_over"].tolist() == [0, 1, 0, 1, 1, 0]


def test_the_limit_counts_and_not_the_rating(study, table):
    """At 1.2 x 100 A only the hours of 124.9 and 149.9 A are over."""
    made = study(table(load=LOAD), limits={"loading_max_pu": 1.2}).run().tables
    assert made["branches"]["hours_over"].tolist() == [2]


def test_energy_and_duration_of_the_load(study, table):
    result = study(table(load=LOAD)).run()
    hours, duration = result.tables["hours"], result.tables["duration"]
    assert hours["source_kw"].to_numpy() == pytest.approx(900 * np.array(LOAD), rel=1e-3)
    assert result.headline["energy_mwh"].value == pytest.approx(0.9 * sum(LOAD), rel=1e-3)
    assert duration["source_kw"].iloc[[0, -1]].to_numpy() == pytest.approx([1080, 180], rel=1e-3)
    assert (np.diff(duration["source_kw"]) <= 0).all()


def test_hours_of_low_and_high_voltage_are_counted_by_bus(study, table):
    """Over 0.5 ohm per phase one per unit of load drops 124.9 A x 0.5 ohm, 2.6 % of 2401.8 V."""
    more = "edit line.feed r1=0.5 r0=0.5 x1=1e-4 x0=1e-4"
    made = study(table(load=LOAD), more, limits={"v_min_pu": 0.975, "v_max_pu": 0.99}).run().tables
    buses = made["buses"].set_index("bus")
    drop = np.array(LOAD) * FULL_A * 0.5 / (4160 / np.sqrt(3))
    assert buses.loc["end", "hours_low"] == (1 - drop < 0.975).sum() == 2
    assert buses.loc["end", "hours_high"] == (1 - drop > 0.99).sum() == 1
    assert buses.loc["source", "hours_high"] == len(LOAD)
    assert buses.loc["end", "v_min_pu"] == pytest.approx(1 - drop.max(), abs=1e-4)
    assert (buses.loc["end", "v_min_hour"], buses.loc["end", "v_max_hour"]) == (3, 5)


def test_groups_and_single_loads_follow_their_own_curves(study, table):
    """town is residential, mill has a column of its own; both hours by hand."""
    made = study(table(residential=[1.0, 0.5], load__mill=[0.1, 2.0])).run().tables["hours"]
    assert made["source_kw"].to_numpy() == pytest.approx([600 + 30, 300 + 600], rel=1e-3)


def test_a_load_of_two_classes_is_mixed_by_customers(study, table, tmp_path):
    (tmp_path / "customers.csv").write_text("load,customers,class\ntown,3,residential\ntown,1,commercial\n")
    made = study(table(residential=[1.0], commercial=[0.2]), customers="customers.csv").run().tables["hours"]
    assert made["source_kw"].to_numpy() == pytest.approx([600 * (0.75 + 0.05) + 300], rel=1e-3)


def test_solar_multiplies_generation(study, table):
    more = "new pvsystem.roof bus1=end phases=3 kv=4.16 kva=500 pmpp=400 irradiance=1"
    made = study(table(load=[1.0, 1.0], solar=[0.0, 0.5]), more).run().tables["hours"]
    assert np.diff(made["source_kw"])[0] == pytest.approx(-200, rel=2e-2)


def test_growth_multiplies_all_loads(study, table):
    made = study(table(load=[1.0]), profiles={"load_scale": 1.5}).run().tables["hours"]
    assert made["source_kw"].to_numpy() == pytest.approx([1350], rel=1e-3)


def test_operations_of_a_capacitor_are_counted_between_hours(study, table):
    """On above 80 A, off below 40 A: on, off, (stays) off, on: three operations after the first hour."""
    more = (
        "new capacitor.bank bus1=end phases=3 kv=4.16 kvar=30 states=[0]\n"
        "new capcontrol.c capacitor=bank element=line.feed terminal=1 type=current ctratio=1 onsetting=80 offsetting=40"
    )
    made = study(table(load=[1.0, 0.1, 0.5, 1.0, 0.5, 0.1]), more).run().tables
    device = made["devices"].iloc[0]
    assert (device["device"], device["kind"], device["operations"]) == ("capacitor.bank", "capacitor", 3)
    assert made["hours"]["capacitor_operations"].tolist() == [0, 1, 0, 1, 0, 1]
    assert (device["position_min"], device["position_max"], device["position_last"]) == (0, 1, 0)


def test_no_rating_is_counted_nowhere(study, table):
    more = "new line.bare bus1=end bus2=far phases=3 r1=0.01 x1=0.01 length=1"
    branch = study(table(load=LOAD), more).run().tables["branches"].set_index("element").loc["line.bare"]
    assert np.isnan(branch["ampacity_a"])
    assert (branch["hours_over"], branch["energy_over_mwh"]) == (0, 0)


@pytest.mark.parametrize("changes", [{"hours": 2}, {"hours": 4, "warm_up_hours": 0}, {"memory_mb": 1e-4}])
def test_chunks_do_not_show_where_nothing_is_carried(study, table, changes):
    """The circuit has no controls: hours are the same however they are cut."""
    whole = study(table(load=LOAD)).run().tables
    cut = study(table(load=LOAD), chunks=changes).run(Workers(2)).tables
    for name in ("hours", "branches", "buses"):
        left, right = whole[name].select_dtypes("number"), cut[name].select_dtypes("number")
        assert left.to_numpy() == pytest.approx(right.to_numpy(), rel=1e-6, abs=1e-6, nan_ok=True)


def test_a_quick_run_takes_the_first_two_weeks(study):
    result = study(None, profiles={"hours": 400}).run(quick=True)
    assert len(result.tables["hours"]) == 336


def test_an_hour_that_does_not_converge_is_not_clean(study, table):
    """Over 0.5 + 0.6j ohm no more than V^2 / 2 (R + Z) = 6.8 MW can be delivered: 100 times 600 kW cannot."""
    more = "edit line.feed r1=0.5 x1=0.6 r0=0.5 x0=0.6 normamps=1e6\nedit load.town model=1 vminpu=0.001"
    limits = {"v_min_pu": 0.5}
    result = study(table(load=[0.1, 100.0, 0.1]), more, limits=limits).run()
    assert result.tables["hours"]["converged"].tolist() == [True, False, True]
    assert result.violations_left == 1
    first = next(iter(result.headline.values()))
    assert (first.label, first.value) == ("Hours NOT CONVERGED, in no other number", 1)
    assert study(table(load=[0.1, 0.2, 0.1]), more, limits=limits).run().violations_left == 0


def test_an_hour_with_a_bus_without_voltage_is_not_clean():
    hours = pd.DataFrame({"branches_over": [0, 0, 2], "buses_low": 0, "buses_high": 0, "buses_dead": [0, 3, 1]})
    assert hours_not_clean(hours.assign(converged=True)) == 2
    assert hours_not_clean(hours.assign(converged=[False, True, True])) == 3


def test_buses_without_voltage_are_counted_by_hour_and_told(study, table, monkeypatch):
    """One per unit of load drops 2.6 %; what stands below 0.94 pu is taken for dead here: the second hour's end."""
    monkeypatch.setattr(job, "_limits", lambda given: Limits(dead_pu=0.94))
    more = "edit line.feed r1=0.5 r0=0.5 x1=1e-4 x0=1e-4 normamps=1e4"
    result = study(table(load=[0.1, 3.0]), more).run()
    assert result.tables["hours"]["buses_dead"].tolist() == [0, 1]
    assert (result.headline["hours_dead"].value, result.headline["buses_dead"].value) == (1, 1)
    assert (result.headline["hours_low"].value, result.violations_left) == (0, 1)
