"""Everything that can be wrong with a profile is told in one sentence, before anything is solved."""

import pytest

from gridstudio.errors import InputError
from gridstudio.planning import phases


@pytest.fixture(autouse=True)
def nothing_may_be_solved(monkeypatch):
    monkeypatch.setattr(phases, "evaluate_many", lambda *args: pytest.fail("something was solved"))


def refused(made, *sentences):
    for attempt in (made.check, made.run):
        with pytest.raises(InputError) as error:
            attempt()
        assert all(sentence in str(error.value) for sentence in sentences), str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hour,load\n0,1\n1,1\n3,1\n", "column hour has a gap: 3 follows on 1."),
        ("hour,load\n0,1\n1,1\n1,1\n", "column hour has an hour twice or out of order: 1 follows on 1."),
        ("hour,load\n1,1\n2,1\n", "column hour starts at 1, it must start at 0."),
        ("hour,load\n0,1\nx,1\n", "column hour, row 2: 'x' is no full hour."),
        ("hour,load\n0,1\n1,\n2,\n", "column load is empty or no number at hour 1, and in 1 further hours."),
        ("hour,load\n0,1\n1,-0.5\n", "column load is negative at hour 1."),
        ("hour,load\n0,1\n1,inf\n", "column load is empty or no number at hour 1."),
        ("load\n1\n1\n", "the table of profiles has no column hour (0, 1, 2, ...) or time."),
        ("hour\n0\n1\n", "it has no column besides hour: nothing follows it."),
        (
            "hour,residential,load.twon\n0,1,1\n",
            "column load.twon: the circuit has no load 'twon'. Did you mean 'town'?",
        ),
        (
            "hour,commercial\n0,1\n",
            "class 'residential' of load mill, town has no curve: known classes are commercial.",
        ),
        ("hour,solar\n0,1\n", "has no curve: known classes are none."),
        ("hour,load,Load\n0,1,1\n", "column load occurs 2 times (capitals make no difference)."),
        ("hour,load,load\n0,1,1\n", "column load occurs 2 times"),
        ("hour,load\n0,1,7\n1,1,7\n", "column 3 has cells, but no name in the header."),
        ("hour,load\n0,1\n1,1,7\n", "line 3 has 3 cells, those before it have 2."),
        ("# of 2023\nhour,load\n0,1\n1,1\n2,1,7\n", "line 5 has 3 cells, those before it have 2."),
        ("hour,load,solar\n0,1\n", "its rows have 2 cells, the header 3."),
        ("hour,time,load\n0,2023-01-01 00:00,1\n", "it has a column hour and a column time: leave one of them."),
        ("hour;load\n0;1,0\n", "profiles.csv is separated by ';', save it with ','."),
        ("hour\tload\n0\t1\n", "profiles.csv is separated by tabs, save it with ','."),
        (
            "hour,load,residental\n0,1,1\n",
            "column residental is followed by no load, and class 'residential' has no column: is one of them misspelt?",
        ),
    ],
)
def test_a_table_that_is_no_profile_is_told(study, text, sentence):
    refused(study(text), sentence)


@pytest.mark.parametrize(
    ("stamps", "sentence"),
    [
        (
            ("2023-01-01 00:00", "2023-01-01 02:00"),
            "column time has a gap: 2023-01-01 02:00 follows on 2023-01-01 00:00.",
        ),
        (("2022-01-01 00:00", "2022-01-01 01:00"), "it must start at 2023-01-01 00:00 (profiles.start)."),
        (("2023-01-01 00:00", "2023-01-01 00:30"), "column time, row 2: '2023-01-01 00:30' is no full hour."),
        (("2023-01-01 00:00", "soon"), "column time, row 2: 'soon' is no full hour."),
        (("soon", "sooner"), "column time, row 1: 'soon' is no full hour."),
        (("2023-01-01T00:00:00+00:00", "2023-01-01T01:00:00+00:00"), "row 1: '2023-01-01T00:00:00+00:00' has a time"),
        (("2023-01-01T00:00:00+00:00", "2023-01-01T01:00:00+01:00"), "zone: write all hours in one standard time"),
        (("2023-01-01 00:00", "2023-01-01 01:00Z"), "column time, row 2: '2023-01-01 01:00Z' has a time zone"),
        (
            ("2023-01-01 00:00 EST", "2023-01-01 01:00 EST"),
            "column time, row 1: '2023-01-01 00:00 EST' has a time zone",
        ),
    ],
)
def test_time_stamps_that_are_not_hourly_are_told(study, stamps, sentence):
    refused(study("time,load\n" + "".join(f"{stamp},1\n" for stamp in stamps)), sentence)


def test_a_profile_of_another_length_is_told(study, table):
    refused(study(table(load=[1, 1, 1]), profiles={"hours": 8760}), "it has 3 hours, profiles.hours asks for 8,760.")


def test_all_findings_of_a_table_are_told_together(study, table):
    refused(study(table(load=[1, -1], solar=[1, ""])), "2 findings", "load is negative", "solar is empty")


def test_unknown_loads_and_classes_of_the_study_are_told(study):
    made = study(None, profiles={"hours": 24, "classes": {"hall": "commercial", "town": "comercial"}})
    refused(
        made, "profiles.classes: the circuit has no load 'hall'.", "class 'comercial' of load town", "'commercial'?"
    )


def test_a_class_that_is_named_needs_its_curve_although_there_is_one_for_all(study, table):
    refused(study(table(load=[1, 1]), profiles={"classes": {"town": "industrial"}}), "class 'industrial' of load town")


def test_a_default_class_that_is_named_needs_its_curve_although_there_is_one_for_all(study, table):
    made = study(table(load=[1, 1], residential=[1, 1]), profiles={"default_class": "residental"})
    refused(made, "class 'residental' of load mill, town has no curve", "Did you mean 'residential'?")


def test_a_column_that_no_load_follows_is_a_finding(study, table):
    found = study(table(load=[1, 1], industrial=[1, 1], comercial=[1, 1])).check()
    assert [(finding.severity, finding.text) for finding in found if "followed" in finding.text] == [
        ("warning", "profiles.csv: column comercial is followed by no load. Did you mean 'commercial'?"),
        ("warning", "profiles.csv: column industrial is followed by no load."),
    ]
    built_in = study(None, profiles={"hours": 24}).check()
    assert not any("followed" in finding.text for finding in built_in)  # though it has more classes than this circuit


@pytest.mark.parametrize(
    "stamps", [("2023-01-01 00:00", "2023-01-01 01:00"), ("1/1/2023 12:00 AM", "1/1/2023 1:00 AM")]
)
def test_a_comma_at_the_end_of_lines_and_usual_stamps_are_taken(study, stamps):
    made = study("time,load,\n" + "".join(f"{stamp},0.5,\n" for stamp in stamps)).prepare()
    assert made.year.scale.tolist() == [[0.5, 0.5]]


def test_customers_of_an_unknown_load_are_told(study, tmp_path):
    (tmp_path / "customers.csv").write_text("load,customers,class\nnobody,1,residential\n")
    refused(study(None, customers="customers.csv"), "load 'nobody', which the circuit has not")


def test_a_missing_table_is_named(study):
    refused(study(None, profiles={"table": "nowhere.csv"}), "There is no table of profiles")


def test_a_circuit_without_loads_is_told(study, table):
    refused(study(table(load=[1]), "edit load.town enabled=no\nedit load.mill enabled=no"), "has no enabled load")


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"chunks": {"hours": 0}}, "chunks.hours = 0"),
        ({"profiles": {"start": "2023-01-01T00:30:00"}}, "start = 2023-01-01 00:30:00 is not on the hour"),
        ({"profiles": {"start": "2023-01-01T00:00:00Z"}}, "start = 2023-01-01 00:00:00+00:00 has a time zone"),
        ({"profiles": {"load_scale": -1}}, "profiles.load_scale = -1"),
        ({"limits": {"v_min_pu": 1.1}}, "v_min_pu = 1.1 must lie below v_max_pu = 1.05"),
        ({"profiles": {"sed": 1}}, "Unknown key 'profiles.sed': did you mean 'seed'?"),
    ],
)
def test_settings_out_of_range_are_told(study, sections, sentence):
    with pytest.raises(InputError) as error:
        study(None, **sections)
    assert sentence in str(error.value)
