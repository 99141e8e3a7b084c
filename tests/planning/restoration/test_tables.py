"""The tables of a restoration study on two small feeders, every figure worked by hand.

Feeder a: sections n1 (100 customers, 400 kW) and n2 (60 residential with 240 kW, 40 commercial with 160 kW); feeder b:
n3 (100, 400 kW). A fault in n1, repaired after 180 min. Dispatch 1 min; sw12 opens at 2, the tie closes at 3 min where
all is remote: n2 is out for 3 min, a momentary interruption. With a crew at the tie (20 min, 5 to operate): 26 min.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridstudio.domain.reliability import CostTable, flat_rate
from gridstudio.evaluation import Workers
from gridstudio.planning.restoration import tables
from gridstudio.planning.restoration.exact import exact
from gridstudio.planning.restoration.job import run
from gridstudio.planning.restoration.methods import naive, none, solve
from gridstudio.planning.restoration.settings import RestorationSettings
from gridstudio.planning.restoration.tables import judge_plan

CREW = {"tie": ("open", ("5", "20"))}
COSTS = CostTable(
    {"residential": flat_rate("usd_per_kwh", 25.0), "commercial": flat_rate("usd_per_customer_hour", 28.4)}
)
CUSTOMERS = pd.DataFrame(
    [
        ("l1", 100.0, "residential", 400.0),
        ("l2", 60.0, "residential", 240.0),
        ("l2", 40.0, "commercial", 160.0),
        ("l3", 100.0, "residential", 400.0),
    ],
    columns=["load", "customers", "class", "kw"],
)


@pytest.fixture
def judged(world, kit):
    """judged(method, devices): the one storm's plan of a method, with what the tables need."""

    def make(method, more=None, load_scale=1.0, **circuit):
        small = world(kit.two_feeders(**circuit), kit.devices | (more or {}))
        incident, desk = small.storm("line.seg1", load_scale=load_scale), small.desk()
        bus_of = dict(zip(small.network.loads["load"], small.network.loads["bus"], strict=True))
        customers = CUSTOMERS.assign(section=[small.sections.of_bus[bus_of[load]] for load in CUSTOMERS["load"]])
        item = judge_plan(incident, solve(method.__name__, method, incident, desk), 0, desk)
        return SimpleNamespace(
            item=item,
            judge=desk.judge,
            row=tables.comparison([item], customers, COSTS).iloc[0],
            sections=small.sections,
        )

    return make


def test_figures_of_waiting_for_the_repair(judged):
    """200 customers for 180 min; 640 kW of residential load for 3 h at 25, 40 customers for 3 h at 28.40."""
    row = judged(none).row
    assert row["customers_out"] == 200
    assert row["customers_restored"] == 0
    assert (row["ci"], row["cmi"]) == (200, 36_000)
    assert row["saifi"] == pytest.approx(200 / 300)
    assert row["saidi_min"] == pytest.approx(120)
    assert row["caidi_min"] == pytest.approx(180)
    assert (row["momentary"], row["maifi"]) == (0, 0)
    assert row["ens_kwh"] == pytest.approx(2400)
    assert row["cost_usd"] == pytest.approx(640 * 3 * 25 + 40 * 3 * 28.4)
    assert (row["operations"], row["violations"], row["switched_min"]) == (0, 0, 0)


def test_three_minutes_are_momentary(judged):
    """n2 counts for MAIFI and for customer-minutes, not for CI and CMI (IEEE 1366: sustained is above 5 min)."""
    row = judged(exact).row
    assert (row["customers_restored"], row["kw_restored"]) == (100, 400)
    assert (row["ci"], row["cmi"]) == (100, 18_000)
    assert row["customer_minutes"] == pytest.approx(18_000 + 300)
    assert (row["momentary"], row["maifi"]) == (100, pytest.approx(1 / 3))
    assert row["caidi_min"] == pytest.approx(180)
    assert row["ens_kwh"] == pytest.approx(400 * 3 + 400 * 3 / 60)
    assert (row["operations"], row["switched_min"]) == (2, 3)
    assert (row["status"], row["gap"]) == ("optimal", 0)


def test_with_a_crew_the_interruption_is_sustained(judged):
    row = judged(exact, CREW).row
    assert (row["ci"], row["cmi"]) == (200, 18_000 + 2600)
    assert row["saidi_min"] == pytest.approx(20_600 / 300)
    assert row["caidi_min"] == pytest.approx(103)
    assert row["momentary"] == 0
    assert row["switched_min"] == 26


def test_load_scales_with_the_storm(judged):
    row = judged(exact, load_scale=0.5).row
    assert row["kw_restored"] == 200
    assert row["ens_kwh"] == pytest.approx(0.5 * (400 * 3 + 400 * 3 / 60))


def test_the_order_sheet(judged):
    """Trip at 0; sw12 isolates at 2, the crew's tie picks n2 up at 26."""
    found = judged(exact, CREW)
    sheet = tables.orders([found.item], found.judge)
    assert sheet["minute"].tolist() == [0, 2, 26]
    assert sheet["device"].tolist() == ["a", "sw12", "tie"]
    assert sheet["action"].tolist() == ["trip", "open", "close"]
    assert sheet["control"].tolist() == ["", "remote", "manual"]
    assert sheet["purpose"].tolist() == ["fault cleared", "isolate the fault", "pick up"]
    assert sheet["customers"].tolist() == [-200, 0, 100]
    assert sheet["kw"].tolist() == [-800, 0, 400]
    assert (sheet["violations"] == 0).all()
    assert sheet["rating"].tolist() == ["normal"] * 3
    last = sheet.iloc[-1]
    assert last["loading_max_pu"] == pytest.approx(800 / (np.sqrt(3) * 4.16) / 400, rel=5e-3)  # feeder b: 400 A
    assert last["loading_at"] in ("line.b", "line.seg3")
    assert last["v_min_at"] == "n2"


def test_emergency_ratings_are_told(judged):
    """111 A over 100 A, within 125 A."""
    found = judged(exact, amps_b=100)
    assert tables.orders([found.item], found.judge)["rating"].tolist() == ["normal", "normal", "emergency"]


def test_outages_by_section(judged):
    """Only sections that were out: n1 until the repair, n2 for 3 min."""
    found = judged(exact)
    table = tables.outages([found.item]).set_index("section")
    assert table["out_min"].to_dict() == {"a": 180, "sw12": 3}
    assert table["repaired_min"].to_dict() == {"a": 180, "sw12": 180}
    assert table["faulted"].to_dict() == {"a": True, "sw12": False}


def test_naives_violations_are_in_the_comparison(judged):
    found = judged(naive, amps_b=80)
    assert found.row["violations"] == 2
    listed = tables.violations([found.item], found.judge)
    assert listed["step"].tolist() == [2, 2]
    assert listed["element"].tolist() == ["line.b", "line.seg3"]


def test_customers_that_were_never_out_are_not_restored(judged):
    """n3 is supplied throughout, whatever is closed around it."""
    for method in (none, naive, exact):
        found = judged(method)
        assert found.row["customers_restored"] <= 100
        assert "b" not in tables.outages([found.item])["section"].tolist()


def study(kit, folder, islands):
    (folder / "master.dss").write_text(kit.two_feeders())
    header = "device,element,type,normally_open,remote,operating_time_min,travel_time_min\n"
    rows = ["a,line.a,breaker,false,true,1,", "sw12,line.sw12,switch,false,true,1,", "b,line.b,breaker,false,true,1,"]
    (folder / "devices.csv").write_text(header + "\n".join([*rows, "tie,line.tie,switch,true,false,5,20"]))
    data = {
        "job": "restoration",
        "feeder": {"master": "master.dss"},
        "devices": {"table": "devices.csv"},
        "methods": {"run": ["none", "exact"]},
        "cold_load": {"enabled": False},
        "storms": [{"name": "one", "faults": ["line.seg1"], "repair_min": 180}],
        "islands": islands,
        "costs": {"storm_years": 2, "investment_usd": 1000, "years": 10, "discount_rate": 0.0},
    }
    return run(RestorationSettings.validated(data, "the test's study"), folder, Workers(), None, False)


def test_benefits_do_not_count_a_customer_minute_twice(tmp_path, kit):
    """n2 (100 customers, 400 kW residential) waits 180 min for crews alone, 26 with switching. An island there lives
    for 0.25 h: it saves 15 of those 26 min, not 15 of 180 on top. Nobody islands where the fault is (n1)."""
    islands = [{"name": "two", "bus": "n2", "hours": 0.25}, {"name": "one", "bus": "n1", "hours": 2}]
    table = study(kit, tmp_path, islands).tables["business_case"].set_index("measure")
    assert table.loc["switching", "cmi"] == pytest.approx(100 * (180 - 26))
    assert table.loc["islanding", "cmi"] == pytest.approx(100 * 15)
    assert table.loc["both", "cmi"] == pytest.approx(100 * (180 - 11))
    assert table.loc["switching", "energy_kwh"] == pytest.approx(400 * 154 / 60)
    assert table.loc["both", "cost_usd"] == pytest.approx(400 * 169 / 60 * 25)
    assert table.loc["both", "usd_per_year"] == pytest.approx(400 * 169 / 60 * 25 / 2)
    assert table.loc["both", "benefit_present_value_usd"] == pytest.approx(10 * 400 * 169 / 60 * 25 / 2)
    assert table.loc["both", "net_present_value_usd"] == pytest.approx(10 * 400 * 169 / 60 * 25 / 2 - 1000)


def test_without_islands_switching_is_all(tmp_path, kit):
    table = study(kit, tmp_path, []).tables["business_case"].set_index("measure")
    assert table.loc["islanding", "cmi"] == 0
    assert table.loc["both", "cmi"] == table.loc["switching", "cmi"]
