"""``gridstudio build`` as its user meets it: whole folders or none, exit codes, one sentence for bad input."""

import json

import pandas as pd
import pytest

SMALL = (
    "--seed",
    3,
    "--feeders",
    2,
    "--buses-per-feeder",
    40,
    "--customers-per-feeder",
    60,
    "--years",
    1,
    "--zones",
    1,
)


def test_synthetic_writes_tables_and_model_then_utility_imports_them(command, tmp_path):
    code, out, _ = command("build", "synthetic", *SMALL, "--out", "made")
    assert code == 0
    assert "solved with every load energised" in out
    for name in ("master.dss", "candidates.dss", "devices.csv", "customers.csv", "README.md", "tables/feeders.csv"):
        assert (tmp_path / "made" / name).stat().st_size > 0, name
    code, out, _ = command("build", "utility", "--from", "made/tables", "--out", "imported")
    assert code == 0
    imported = tmp_path / "imported"
    for name in ("report.html", "results.xlsx", "circuits/sub-001/master.dss", "tables/findings.csv"):
        assert (imported / name).stat().st_size > 0, name
    assert pd.read_csv(imported / "tables" / "substations.csv")["energised"].all()
    assert not list(tmp_path.glob("*.partial"))


def test_what_is_there_is_not_overwritten_unasked(command, tmp_path):
    command("build", "synthetic", *SMALL, "--out", "made")
    before = (tmp_path / "made" / "master.dss").stat().st_mtime_ns
    code, _, err = command("build", "synthetic", *SMALL, "--out", "made")
    assert code == 2
    assert "exist already at made" in err
    assert (tmp_path / "made" / "master.dss").stat().st_mtime_ns == before
    assert command("build", "synthetic", *SMALL, "--out", "made", "--overwrite")[0] == 0
    assert (tmp_path / "made" / "master.dss").stat().st_mtime_ns > before


def test_a_folder_of_somebody_else_is_left_alone(command, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    code, _, err = command("build", "synthetic", *SMALL, "--out", "mine", "--overwrite")
    assert code == 2
    assert "holds no results of gridstudio" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_json_is_all_that_stands_on_standard_output(command):
    code, out, _ = command("build", "synthetic", *SMALL, "--out", "made", "--json")
    assert code == 0
    assert json.loads(out)["overloads"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("utility", "--from", "nowhere", "--out", "x"), "There is no folder nowhere"),
        (("utility", "--from", ".", "--out", "x"), "the table substations.csv (or .csv.gz) is missing"),
        (("utility", "--from", ".", "--out", "x", "--impedance", "mine"), "--impedance is 'mine'"),
        (("utility", "--from", ".", "--out", "x", "--allocation", "guess"), "allocation is 'guess'"),
        (("synthetic", "--feeders", "0", "--out", "x"), "feeders = 0 must lie between"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(command, tmp_path, arguments, sentence):
    code, _, err = command("build", *arguments)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert not any(tmp_path.iterdir())
