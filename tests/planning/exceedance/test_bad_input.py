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
        ({"profiles": {"load_scale": -1}}, "profiles.load_scale = -1"),
        ({"limits": {"v_min_pu": 1.1}}, "v_min_pu = 1.1 must lie below v_max_pu = 1.05"),
        ({"profiles": {"sed": 1}}, "Unknown key 'profiles.sed': did you mean 'seed'?"),
    ],
)
def test_settings_out_of_range_are_told(study, sections, sentence):
    with pytest.raises(InputError) as error:
        study(None, **sections)
    assert sentence in str(error.value)
