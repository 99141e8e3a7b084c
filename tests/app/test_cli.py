"""The command line as its user meets it: exit codes, one clear sentence for bad input, nothing half-written."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "studies" / "reconductoring_ieee123.toml"
IEEE13 = ROOT / "dss_models" / "ieee13" / "master.dss"


@pytest.fixture
def small_study(tmp_path):
    """The published study with few scenarios, as a file elsewhere; gives a writer that replaces text in it."""

    def write(*replacements, name="study.toml"):
        text = STUDY.read_text().replace("../dss_models", (ROOT / "dss_models").as_posix())
        text = text.replace('"data/', f'"{(ROOT / "studies" / "data").as_posix()}/')
        text = text.replace("points = 5", "points = 2").replace("scenarios = [1, 96, 125]", "scenarios = [1, 8]")
        text = text.replace("circuits = [125]", "circuits = [8]")
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_run_writes_a_whole_results_folder_and_says_that_violations_remain(command, small_study, tmp_path):
    code, out, _ = command("run", small_study(), "--workers", 1, "--out", "done")
    assert code == 1
    assert "violations remain" in out
    done = tmp_path / "done"
    for name in ("manifest.json", "report.html", "results.xlsx", "tables/interventions.parquet"):
        assert (done / name).stat().st_size > 0, name
    assert list((done / "figures").glob("*.png"))
    assert (done / "circuits" / "scenario_8" / "year_5" / "master.dss").is_file()
    assert not (tmp_path / "done.partial").exists()
    assert not (done / "checkpoint").exists()


def test_csv_and_parquet_hold_the_same_table(command, small_study, tmp_path):
    command("run", small_study(), "--workers", 1, "--out", "done")
    kept = pd.read_parquet(tmp_path / "done/tables/interventions.parquet")
    text = pd.read_csv(tmp_path / "done/tables/interventions.csv", dtype={"scenario": str})
    pd.testing.assert_frame_equal(kept, text, check_dtype=False)


def test_json_is_all_that_stands_on_standard_output(command, small_study):
    code, out, _ = command("run", small_study(), "--workers", 1, "--json")
    headline = json.loads(out)
    assert code == 1
    assert headline["scenarios"] == 8
    assert headline["violations_left"] == headline["violations_after"]


def test_exit_code_is_0_when_nothing_is_left(command, small_study):
    code, out, _ = command("run", small_study(("v_max_pu = 1.05", "v_max_pu = 1.06")), "--workers", 1)
    assert code == 0
    assert "violations remain" not in out


def test_existing_results_are_refused_then_replaced_when_asked(command, small_study, tmp_path):
    study = small_study()
    command("run", study, "--workers", 1, "--out", "done")
    before = (tmp_path / "done" / "manifest.json").stat().st_mtime_ns
    code, _, err = command("run", study, "--workers", 1, "--out", "done")
    assert code == 2
    assert "Results exist already at done" in err
    assert (tmp_path / "done" / "manifest.json").stat().st_mtime_ns == before
    code, _, _ = command("run", study, "--workers", 1, "--out", "done", "--overwrite")
    assert code == 1
    assert (tmp_path / "done" / "manifest.json").stat().st_mtime_ns > before


def test_an_interrupted_run_resumes_to_the_same_tables(command, small_study, tmp_path, monkeypatch):
    from gridstudio.planning.reconductoring import job

    study = small_study()
    command("run", study, "--workers", 1, "--out", "whole")

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job.tables, "interventions", interrupt)
        code, _, err = command("run", study, "--workers", 1, "--out", "done")
    assert code == 130
    assert "--resume" in err
    assert list((tmp_path / "done.partial" / "checkpoint").glob("*.npz"))
    assert command("run", study, "--out", "done")[0] == 2
    assert command("run", study, "--workers", 1, "--out", "done", "--resume")[0] == 1
    for name in ("interventions", "scenarios", "violations_before", "robust"):
        whole, resumed = (pd.read_parquet(tmp_path / f / "tables" / f"{name}.parquet") for f in ("whole", "done"))
        pd.testing.assert_frame_equal(whole, resumed)


def test_report_is_drawn_again_from_saved_results(command, small_study, tmp_path):
    command("run", small_study(), "--workers", 1, "--out", "done")
    page = tmp_path / "done" / "report.html"
    before = page.read_text()
    page.unlink()
    assert command("report", "done")[0] == 0
    assert page.read_text() == before


def test_check_solves_nothing_and_says_that_the_study_can_run(command, small_study, monkeypatch):
    from gridstudio.engine.session import Session

    monkeypatch.setattr(Session, "solve", lambda *_: pytest.fail("solved"))
    code, out, _ = command("check", small_study())
    assert code == 0
    assert "can be run" in out


def test_flow_gives_the_published_source_power(command):
    code, out, _ = command("flow", IEEE13, "--v-max-pu", 1.07, "--loading-max-pu", 2, "--json")
    headline = json.loads(out)
    assert code == 0
    assert headline["source_kw"] == pytest.approx(3567.05, abs=0.2)  # reference run of the feeder
    assert headline["losses_kw"] == pytest.approx(112.39, abs=0.02)


def test_flow_refuses_a_command_on_an_element_that_is_not_there(command):
    code, _, err = command("flow", IEEE13, "--command", "edit load.nope kw=3")
    assert code == 2
    assert "the circuit has no load 'nope'" in err


def test_more_workers_than_work_do_no_harm(command, small_study):
    assert command("run", small_study(), "--workers", 99_999)[0] == 1


def test_flow_lists_violations_and_exits_with_1(command):
    code, out, _ = command("flow", IEEE13, "--v-max-pu", 1.02, "--loading-max-pu", 2)
    assert code == 1
    assert "overvoltage" in out


def test_flow_writes_a_map_when_asked(command, tmp_path):
    command("flow", IEEE13, "--out", "look")
    assert (tmp_path / "look" / "report.html").stat().st_size > 10_000
    assert list((tmp_path / "look" / "figures").glob("*.png"))


def test_list_names_every_study(command):
    code, out, _ = command("list", ROOT / "studies")
    assert code == 0
    assert "reconductoring" in out


def test_schema_is_json_schema_with_descriptions(command):
    code, out, _ = command("schema", "reconductoring")
    schema = json.loads(out)
    assert code == 0
    assert {"feeder", "limits", "horizon"} <= set(schema["properties"])


@pytest.mark.parametrize(
    ("replacement", "sentence"),
    [
        (("years = 5", 'years = "five"'), "horizon.years = 'five' should be a valid integer"),
        (("growth_per_year", "growth_per_yaer"), "did you mean 'growth_per_year'?"),
        (("v_max_pu = 1.05", "v_max_pu = 0.90"), "must lie below"),
        (("points = 2", "points = 0"), "uncertainty.points"),
        (("points = 2", "points = 25"), "15,625 load combinations, more than the cap of 5,000"),
        (('"s47"', '"s4711"'), "no load 's4711'"),
        (("ieee123/master.dss", "ieee123/nothing.dss"), "There is no circuit at"),
        (('1 = "CA01"', '1 = "CA99"'), "'CA99'"),
        (("circuits = [8]", "circuits = [99]"), "names scenario 99"),
        (("job = ", "job = = "), "is not valid TOML"),
        (('job = "reconductoring"', 'job = "reconducting"'), "Unknown job 'reconducting'"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_code_2(command, small_study, tmp_path, replacement, sentence):
    code, _, err = command("run", small_study(replacement), "--out", "done")
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert not (tmp_path / "done").exists()
    assert not (tmp_path / "done.partial").exists()


def test_a_missing_study_is_told(command):
    code, _, err = command("run", "nowhere.toml")
    assert code == 2
    assert "There is no study file nowhere.toml" in err


def test_a_full_disk_is_told(command, small_study, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "tables/scenarios.csv")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    code, _, err = command("run", small_study(), "--workers", 1, "--out", "done")
    assert code == 2
    assert "no space left on device" in err


def test_an_engine_failure_has_its_own_exit_code(command, small_study, monkeypatch):
    from gridstudio.errors import EngineError
    from gridstudio.evaluation import blocks

    def broken(*_):
        raise EngineError("Worker processes died 3 times.")

    monkeypatch.setattr(blocks, "solve_block", broken)
    code, _, err = command("run", small_study(), "--workers", 1)
    assert code == 3
    assert "Worker processes died" in err


def test_help_starts_without_the_heavy_libraries():
    program = (
        "import sys; sys.argv = ['gridstudio', '--help']\n"
        "from gridstudio.app.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'opendssdirect', 'matplotlib', 'plotly', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout
    assert time.perf_counter() - started < 10  # a guard only: what counts is that nothing heavy is loaded
