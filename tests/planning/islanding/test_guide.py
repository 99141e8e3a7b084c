"""The guide's three zones: its energy arithmetic, and what the storage's kW limit changes in it.

1200, 800 and 1000 kWh over 285, 198 and 310 kW are 4.21, 4.04 and 3.23 h; the guide prints 4.2, 4.0 and 3.2 h at
8 pm. Its third zone has 250 kW of storage for 310 kW of load, which its arithmetic passes over.
"""

import pytest

GUIDE = {
    # zone: kW of its loads, kWh, kW, kVA, PV kW
    "f03_south": ([15.0] * 19, 1200, 300, 600, 450),
    "f01_east": ([11.0] * 18, 800, 200, 350, 280),
    "f05_north": ([10.0] * 30 + [1.0] * 10, 1000, 250, 500, 380),
}
LOAD_KW = {"f03_south": 285.0, "f01_east": 198.0, "f05_north": 310.0}


@pytest.fixture
def guide(study, zone_text, plain_zone):
    """guide(zone changes, sections): the study of the three zones at 8 pm and 2 pm."""

    def make(changes=None, **sections):
        texts, zones = [], []
        for name, (loads_kw, kwh, storage_kw, kva, pv_kw) in GUIDE.items():
            texts.append(zone_text(name, {f"{name}_{n}": kw for n, kw in enumerate(loads_kw)}))
            given = {"storage_kwh": kwh, "storage_kw": storage_kw, "inverter_kva": kva, "pv_kw": pv_kw}
            zones.append(plain_zone(name, **(given | (changes or {}))))
        return study(texts, zones, **({"islands": {"start_hours": [14, 20]}} | sections))

    return make


@pytest.fixture
def at(guide):
    """at(hour): rows of by_start by zone."""

    def rows(hour, changes=None, **sections):
        table = guide(changes, **sections).run().tables["by_start"]
        return table[table["start_hour"] == hour].set_index("zone")

    return rows


def test_energy_over_load_gives_the_guides_hours_at_8_pm(at):
    hours = at(20, {"storage_kw": 400.0})["hours_all_load"]
    for zone, (_, kwh, *_) in GUIDE.items():
        assert hours[zone] == pytest.approx(kwh / LOAD_KW[zone], rel=2e-4)
    assert hours.round(1).to_dict() == {"f03_south": 4.2, "f01_east": 4.0, "f05_north": 3.2}


def test_the_kw_limit_sheds_60_kw_of_the_third_zone(guide, at):
    rows = at(20)
    assert rows["hours_all_load"].round(1).to_dict() == {"f03_south": 4.2, "f01_east": 4.0, "f05_north": 0.0}
    assert rows["limit_binding"]["f05_north"] == "storage_kw"
    assert rows["can_island"].all()
    trace = guide().run().tables["trace"].query("zone == 'f05_north' and start_hour == 20")
    assert trace["shed_kw"].iloc[0] == pytest.approx(60, abs=1.01)  # the smallest loads are of 1 kW
    assert trace["storage_kw"].max() <= 250 + 1e-6


def test_limited_to_250_kw_the_third_zone_lasts_longer_than_its_whole_load_would(at):
    """1000 kWh at 250 kW last 4 h instead of 3.2 h."""
    row = at(20).loc["f05_north"]
    assert row["hours_with_shedding"] >= 4
    assert row["energy_served_kwh"] == pytest.approx(1000, abs=2)
    assert row["energy_not_served_kwh"] == pytest.approx(24 * 310 - 1000, abs=2)


def test_at_2_pm_the_sun_serves_all_until_it_sets(guide):
    """At 2 pm a half sine of 85 % gives 0.736 of the PV: 331 kW for 285 kW of load."""
    table = guide().run().tables
    rows = table["by_start"].query("start_hour == 14").set_index("zone")
    assert (rows["hours_all_load"] >= 3).all()
    first = table["trace"].query("start_hour == 14 and step == 0").set_index("zone")
    assert first["pv_kw"]["f03_south"] == pytest.approx(285, abs=0.1)  # the storage is full: the rest is curtailed
    assert first["pv_curtailed_kw"]["f03_south"] == pytest.approx(450 * 0.85 * 0.8660254 - 285, abs=0.1)


def test_the_sun_moves_on_and_is_not_frozen(guide):
    """The guide holds the PV of the first hour for the whole island; here an island from 2 pm on ends in the night."""
    table = guide().run().tables
    trace = table["trace"].query("zone == 'f03_south' and start_hour == 14").set_index("hour")
    assert (trace["pv_kw"][[14, 15, 16, 17]] > 0).all()
    assert (trace["pv_kw"][[18, 19, 20, 21]] == 0).all()
    assert (table["by_start"]["hours_all_load"] < 24).all()
