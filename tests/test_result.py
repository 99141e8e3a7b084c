"""The results folder: what is written is what is read, and it is there as a whole or not at all."""

import csv
import errno
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstudio.errors import InputError
from gridstudio.result import Quantity, StudyResult, load, results_folder, save


@pytest.fixture
def result():
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=7) * 10.0 ** rng.integers(-12, 12, 7)
    table = pd.DataFrame(
        {
            "scenario": [str(n) for n in range(1, 8)],
            "year": np.arange(1, 8),
            "cost_usd": numbers,
            "value_pu": np.where(np.arange(7) == 3, np.nan, numbers / 3.0),
            "holds": np.arange(7) % 2 == 0,
            "cause": ["größer, “quoted”", "", "a,b", 'say "no"', "x", "y\nz", "ü"],
        }
    )
    empty = pd.DataFrame({"element": pd.Series(dtype=object), "value": pd.Series(dtype=float)})
    return StudyResult(
        job="reconductoring",
        title="Title with ü",
        settings={"horizon": {"years": 5}, "limits": {"v_min_pu": 0.93}},
        headline={
            "cost": Quantity("Cost", 1234.5, "USD"),
            "n": Quantity("Scenarios", 27),
            "t": Quantity("Told", "yes"),
        },
        tables={"rows": table, "empty": empty},
        violations_left=3,
        texts={"circuits/year_1/master.dss": "! größer\nclear\n"},
        provenance={"versions": {"numpy": "2"}, "seconds": {"before": 0.25}},
    )


def test_what_is_saved_is_loaded(result, tmp_path):
    save(result, tmp_path)
    again = load(tmp_path)
    for name in ("job", "title", "settings", "headline", "violations_left", "provenance"):
        assert getattr(again, name) == getattr(result, name)
    assert again.tables.keys() == result.tables.keys()
    for name, table in result.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table, check_exact=True)
    assert (tmp_path / "circuits/year_1/master.dss").read_text(encoding="utf-8") == "! größer\nclear\n"


def test_a_study_survives_its_folder(tmp_path):
    """The tables of a real study, whatever their types."""
    from gridstudio.planning import read_study

    path = Path(__file__).parents[1] / "studies" / "reconductoring_ieee123.toml"
    job, settings = read_study(path)
    fewer = settings.uncertainty.model_copy(update={"points": 2})
    settings = settings.model_copy(update={"uncertainty": fewer, "report": type(settings.report)()})
    result = job.run(settings, path.parent)
    save(result, tmp_path)
    again = load(tmp_path)
    assert again.headline == result.headline
    assert again.settings == result.settings
    assert again.provenance == json.loads(json.dumps(result.provenance))
    for name, table in result.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table, check_exact=True, obj=name)
        check_csv(tmp_path / "tables" / f"{name}.csv", table)
    for name, text in result.texts.items():
        assert (tmp_path / name).read_text() == text


def check_csv(path, table):
    """The CSV says the same: numbers to the last bit, text to the letter (a missing value is an empty cell)."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [str(column) for column in table.columns]
    assert len(rows) == len(table)
    for column, cells in zip(table.columns, zip(*rows, strict=True), strict=False):
        for cell, value in zip(cells, table[column], strict=True):
            if pd.isna(value):
                assert cell == ""
            elif isinstance(value, float):
                assert float(cell) == value
            else:
                assert cell == str(value)


def test_parquet_and_csv_agree(result, tmp_path):
    save(result, tmp_path)
    for name, table in result.tables.items():
        check_csv(tmp_path / "tables" / f"{name}.csv", table)


def test_a_folder_without_a_manifest_is_no_results_folder(tmp_path):
    with pytest.raises(InputError, match=r"is no results folder: it has no manifest\.json"):
        load(tmp_path)


def test_results_with_a_table_missing_are_not_whole(result, tmp_path):
    save(result, tmp_path)
    (tmp_path / "tables" / "rows.parquet").unlink()
    with pytest.raises(InputError, match=r"not whole: tables/rows\.parquet is missing"):
        load(tmp_path)


def refused(folder, match, write=lambda place: None):
    with pytest.raises(InputError, match=match), results_folder(folder) as place:
        write(place)


def interrupted(folder):
    with results_folder(folder) as place:
        (place / "block").write_text("solved")
        raise KeyboardInterrupt


# -- the folder takes its name at the end -----------------------------------------------------------------------------


def test_a_folder_takes_its_name_only_at_the_end_and_leaves_no_trace_beside_it(tmp_path):
    folder = tmp_path / "results" / "study"
    with results_folder(folder) as place:
        assert place == tmp_path / "results" / "study.partial"
        (place / "checkpoint").mkdir()
        (place / "table.csv").write_text("x")
        assert not folder.exists()
    assert sorted(p.name for p in folder.iterdir()) == ["table.csv"]
    assert [p.name for p in folder.parent.iterdir()] == ["study"]


def old_results(folder):
    """A results folder as an earlier run left it."""
    (folder / "tables").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    return folder


def test_a_folder_that_is_not_ours_is_never_overwritten(tmp_path):
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    for name in ("precious", "new"):
        if name == "new":
            (tmp_path / "new.partial" / "photos").mkdir(parents=True)
        with pytest.raises(InputError, match="choose another place"), results_folder(tmp_path / name, overwrite=True):
            raise AssertionError("not reached")
    assert (folder / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "new.partial" / "photos").is_dir()


def test_a_run_that_fails_before_anything_is_solved_leaves_nothing(tmp_path):
    with pytest.raises(InputError), results_folder(tmp_path / "study"):
        raise InputError("bad input")
    assert not any(tmp_path.iterdir())


def test_a_damaged_manifest_is_one_sentence(tmp_path):
    for text in ("{}", "no json", "[1]"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(InputError, match=r"manifest\.json is not a manifest of gridstudio, or is damaged"):
            load(tmp_path)


def test_existing_results_are_not_touched(tmp_path):
    folder = old_results(tmp_path / "study")
    (folder / "kept.txt").write_text("old")
    with (
        pytest.raises(InputError, match=r"Results exist already at .*--out, or say --overwrite"),
        results_folder(folder),
    ):
        raise AssertionError("not reached")
    assert (folder / "kept.txt").read_text() == "old"


def test_overwrite_replaces_existing_results_as_a_whole_and_only_at_the_end(tmp_path):
    folder = old_results(tmp_path / "study")
    (folder / "old.txt").write_text("old")
    with results_folder(folder, overwrite=True) as place:
        (place / "new.txt").write_text("new")
        assert (folder / "old.txt").exists()
    assert [p.name for p in folder.iterdir()] == ["new.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["study"]


def test_a_failed_overwrite_leaves_the_old_results(tmp_path):
    folder = old_results(tmp_path / "study")
    (folder / "old.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), results_folder(folder, overwrite=True):
        raise KeyboardInterrupt
    assert (folder / "old.txt").read_text() == "old"


def test_an_interrupted_run_is_told_of_resumed_or_overwritten(tmp_path):
    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        interrupted(folder)
    assert not folder.exists()
    refused(folder, r"interrupted run lies at .*study\.partial: go on with it by --resume")
    with results_folder(folder, resume=True) as place:
        assert (place / "block").read_text() == "solved"
    assert (folder / "block").exists()


def test_overwrite_begins_an_interrupted_run_anew(tmp_path):
    (tmp_path / "study.partial").mkdir()
    (tmp_path / "study.partial" / "block").write_text("solved")
    with results_folder(tmp_path / "study", overwrite=True) as place:
        assert not any(place.iterdir())


# -- what a disk refuses ---------------------------------------------------------------------------------------------


def test_a_place_where_nobody_may_write_is_one_sentence(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    refused(tmp_path / "study", r"Cannot write results to .*study: permission denied")


def test_a_file_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / "results").write_text("a file")
    refused(tmp_path / "results" / "study", r"Cannot write results to .*results/study")


def test_a_full_disk_is_one_sentence_and_the_folder_does_not_appear(result, tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    folder = tmp_path / "study"
    refused(folder, r"Cannot write results to .*study: no space left on device", lambda place: save(result, place))
    assert not folder.exists()


def test_a_leftover_of_a_crash_between_two_renames_is_no_obstacle(tmp_path):
    for name in ("study", "study.old"):
        old_results(tmp_path / name)
    with results_folder(tmp_path / "study", overwrite=True) as place:
        (place / "new.txt").write_text("new")
    assert [p.name for p in (tmp_path / "study").iterdir()] == ["new.txt"]
