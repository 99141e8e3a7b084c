"""Islands on IEEE 123 with its candidate sources: regulators, unbalance and dead remains of the circuit included."""

from pathlib import Path

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.islanding import Settings, run

ROOT = Path(__file__).parents[3]
FEEDER = {"master": "dss_models/ieee123/master.dss", "commands": ["redirect candidates.dss"]}
SIZES = {"storage_kwh": 1200.0, "storage_kw": 300.0, "inverter_kva": 600.0, "pv_kw": 450.0}
ZONES = [
    {"name": "north", "source": "vsource.gfm_35", "boundary": ["sw3"]} | SIZES,
    {"name": "north-east", "source": "gfm_108", "boundary": ["line.sw5"]} | SIZES,
    {"name": "beyond sw4", "source": "gfm_66", "boundary": ["sw2"], "storage_kwh": 9000, "storage_kw": 2500}
    | {"inverter_kva": 3500},
]


@pytest.fixture(scope="module")
def tables():
    data = {
        "job": "islanding",
        "feeder": FEEDER,
        "zones": ZONES,
        "limits": {"v_min_pu": 0.95},
        "islands": {"start_hours": [14, 20], "whole_day": False, "hours": 6},
        "priorities": {"loads": {"s47": 1, "s48": 1}},
    }
    return run(Settings.validated(data, "the test's study"), ROOT, Workers(2)).tables


def test_what_is_served_breaks_nothing(tables):
    served = tables["trace"].query("served_kw > 0")
    assert len(served) > 10
    assert (tables["trace"]["violations"] == 0).all()
    assert served["converged"].all()
    assert served["v_min_pu"].min() >= 0.95
    assert served["v_max_pu"].max() <= 1.05
    assert served["current_max_pu"].max() <= 1 + 1e-6
    assert served["loading_max_pu"].max() <= 1.0
    sizes = tables["zones"].set_index("zone")
    assert (served["storage_kw"] <= served["zone"].map(sizes["storage_kw"]) + 1e-6).all()
    assert (served["inverter_kva"] <= served["zone"].map(sizes["inverter_kva"]) + 1e-6).all()


def test_the_island_balances_to_the_source(tables):
    """The source gives loads and losses of the island alone: the rest of the circuit takes nothing."""
    served = tables["trace"].query("served_kw > 0")
    assert served["source_kw"].to_numpy() == pytest.approx(
        (served["served_kw"] + served["losses_kw"]).to_numpy(), rel=1e-4
    )
    assert (served["losses_kw"] < 0.05 * served["served_kw"]).all()


def test_the_most_important_loads_are_shed_last(tables):
    """s47 and s48 draw 315 kW: at 2 pm the sun helps, at 8 pm the 300 kW of the storage carry one of them."""
    shed = tables["shed"].query("zone == 'north' and step == 0").groupby("start_hour")["load"].agg(set)
    assert len(shed[14]) > 1
    assert not shed[14] & {"s47", "s48"}
    assert len(shed[20] & {"s47", "s48"}) == 1


def test_tables_know_the_zones_of_buses_and_branches(tables):
    zone = tables["network_buses"].set_index("bus")["zone"]
    assert zone["35"] == "north"
    assert zone["108"] == "north-east"
    assert zone["150"] == ""
    branch = tables["network_branches"].set_index("element")["zone"]
    assert branch["line.sw3"] == ""
    assert branch["line.l35"] == "north"


def test_every_start_hour_has_its_hours(tables):
    assert len(tables["by_start"]) == 6
    assert len(tables["trace"]) == 36
    assert np.isfinite(tables["by_start"]["energy_not_served_kwh"]).all()
