"""Everything that can be wrong with an islanding study is told in sentences, before anything is solved."""

import pytest

from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.planning import phases
from gridstudio.planning.islanding import check, run

LOADS = {"d0": 20.0, "d1": 30.0}


@pytest.fixture(autouse=True)
def nothing_may_be_solved(monkeypatch):
    monkeypatch.setattr(phases, "evaluate_many", lambda *args: pytest.fail("something was solved"))


def refused(made, *sentences):
    for attempt in (lambda: check(made.settings, made.folder), lambda: run(made.settings, made.folder, Workers())):
        with pytest.raises(InputError) as error:
            attempt()
        told = str(error.value)
        assert all(sentence in told for sentence in sentences), told


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"source": ""}, "Zone 'a': cannot island: no grid-forming source."),
        (
            {"source": "vsource.gfm_x"},
            "cannot island: no grid-forming source, the circuit has no voltage source 'gfm_x'",
        ),
        ({"source": "vsource.source"}, "source 'source' feeds the circuit as it stands: it is the grid"),
        ({"boundary": ["sw_aa"]}, "its boundary line 'sw_aa' is not in the circuit. Did you mean 'sw_a'?"),
        ({"boundary": []}, "still connected to the source at bus grid with its boundary open"),
        ({"boundary": ["sw_a", "feed_a"]}, "there is no load in it"),
        ({"boundary": [], "buses": ["a", "nowhere"]}, "the circuit has no bus 'nowhere'"),
        ({"boundary": [], "buses": ["a_end"]}, "still connected to the source at bus grid"),
        ({"boundary": [], "buses": ["a", "a_end", "b"]}, "bus b is not connected to its source at bus a"),
    ],
)
def test_a_zone_that_is_none_is_told_why(study, zone_text, plain_zone, changes, sentence):
    texts = [zone_text("a", LOADS), zone_text("b", {"e0": 5.0})]
    refused(study(texts, [plain_zone("a", **changes)]), sentence)


def test_all_wrong_zones_are_told_together(study, zone_text, plain_zone):
    zones = [plain_zone("a", source=""), plain_zone("b", boundary=["nothing"])]
    made = study([zone_text("a", LOADS), zone_text("b", {"e0": 5.0})], zones)
    refused(
        made, "2 findings", "Zone 'a': cannot island", "Zone 'b': its boundary line 'nothing' is not in the circuit"
    )


def test_a_single_phase_source_for_loads_on_other_phases_is_told(study, zone_text, plain_zone):
    text = zone_text("a", LOADS).replace(
        "vsource.gfm_a bus1=a phases=3 basekv=12.47", "vsource.gfm_a bus1=a.1 phases=1 basekv=7.2"
    )
    refused(study([text], [plain_zone("a")]), "its source has phase 1, load d0 hangs on others")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"storage_kwh": -5.0}, "zones.0.storage_kwh = -5.0 should be greater than 0"),
        ({"storage_kw": 0.0}, "zones.0.storage_kw = 0.0 should be greater than 0"),
        ({"inverter_kva": -1.0}, "zones.0.inverter_kva"),
        ({"pv_kw": -1.0}, "zones.0.pv_kw = -1.0"),
        ({"reserve_soc": 0.5, "initial_soc": 0.4}, "initial_soc = 0.4 lies below reserve_soc = 0.5"),
        ({"charge_efficiency": 1.1}, "zones.0.charge_efficiency = 1.1"),
        ({"buses": ["a"]}, "give either boundary (lines) or buses, not both"),
    ],
)
def test_numbers_out_of_range_are_told_with_their_key(study, zone_text, plain_zone, changes, sentence):
    with pytest.raises(InputError) as error:
        study([zone_text("a", LOADS)], [plain_zone("a", **changes)])
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"islands": {"start_hours": [24]}}, "24 is no hour of the day"),
        ({"islands": {"start_hours": [8, 8]}}, "an hour is named twice"),
        ({"islands": {"hours": -3}}, "islands.hours = -3"),
        ({"shapes": {"solar": [1.0] * 23}}, "solar has 23 values, a day has 24 hours"),
        ({"shapes": {"load": [-1.0] * 24}}, "load has a negative value, -1"),
        ({"limits": {"v_min_pu": 1.1}}, "v_min_pu = 1.1 must lie below v_max_pu = 1.05"),
    ],
)
def test_a_day_that_is_none_is_told(study, zone_text, plain_zone, sections, sentence):
    with pytest.raises(InputError) as error:
        study([zone_text("a", LOADS)], [plain_zone("a")], **sections)
    assert sentence in str(error.value)


def test_two_zones_of_one_name_are_told(study, zone_text, plain_zone):
    with pytest.raises(InputError, match="zones: a named twice"):
        study([zone_text("a", LOADS)], [plain_zone("a"), plain_zone("a")])


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("load,customers\nd0,1\n", "the customer table has no column class"),
        ("load,customers,class\nd9,1,residential\n", "the circuit has no load 'd9'"),
        ("load,customers,class\nd0,-1,residential\n", "load 'd0': its number of customers is negative or no number"),
        ("load,customers,class\nd0,1,a\nD0,2,a\n", "load 'd0', class 'a': customers are mapped twice"),
    ],
)
def test_a_customer_table_that_does_not_fit_is_told(study, zone_text, plain_zone, tmp_path, table, sentence):
    (tmp_path / "customers.csv").write_text(table)
    refused(study([zone_text("a", LOADS)], [plain_zone("a")], customers="customers.csv"), sentence)


def test_missing_tables_are_named(study, zone_text, plain_zone):
    refused(study([zone_text("a", LOADS)], [plain_zone("a")], customers="nowhere.csv"), "There is no customer table")
    refused(study([zone_text("a", LOADS)], [plain_zone("a")], shapes={"table": "n.csv"}), "There is no table of shapes")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hour,solar\n0,1\n", "the column hour must hold 0 to 23, each once"),
        ("hour,solar\n" + "".join(f"{h},{-h}\n" for h in range(24)), "column solar has values that are negative"),
    ],
)
def test_a_table_of_shapes_that_is_no_day_is_told(study, zone_text, plain_zone, tmp_path, text, sentence):
    (tmp_path / "shapes.csv").write_text(text)
    refused(study([zone_text("a", LOADS)], [plain_zone("a")], shapes={"table": "shapes.csv"}), sentence)


def test_priorities_of_nobody_are_told(study, zone_text, plain_zone):
    made = study(
        [zone_text("a", LOADS)], [plain_zone("a")], priorities={"loads": {"d7": 1}, "classes": {"hospital": 1}}
    )
    refused(made, "priorities.loads: the circuit has no load 'd7'", "no customer is of class 'hospital'")


def test_a_boundary_line_elsewhere_and_shared_loads_are_remarked(study, zone_text, plain_zone):
    zones = [plain_zone("a", boundary=["sw_a", "feed_b"]), plain_zone("a") | {"name": "again"}]
    made = study([zone_text("a", LOADS), zone_text("b", {"e0": 5.0})], zones)
    told = [finding.text for finding in check(made.settings, made.folder)]
    assert "Zone 'a': boundary line 'feed_b' does not touch it." in told
    assert any("Zones 'a' and 'again' share 2 loads" in text for text in told)


def test_a_list_of_buses_gives_the_boundary(study, zone_text, plain_zone):
    made = study([zone_text("a", LOADS)], [plain_zone("a", boundary=[], buses=["A", "a_end"])])
    assert made.prepare().zones[0].boundary == ("sw_a",)
