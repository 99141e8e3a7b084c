"""Every notebook runs from top to bottom on real results."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A quick run of the main study, saved."""
    from gridstudio.evaluation import Workers
    from gridstudio.planning import read_study
    from gridstudio.result import save

    study = ROOT / "studies" / "reconductoring_ieee123.toml"
    job, settings = read_study(study)
    folder = tmp_path_factory.mktemp("results")
    report = settings.report.model_copy(update={"scenarios": (), "circuits": ()})
    save(job.run(settings.model_copy(update={"report": report}), study.parent, Workers(1), None, True), folder)
    return folder


@pytest.mark.filterwarnings("default")  # the kernel's own libraries warn as they like; the cells' errors still count
def test_notebook_runs(results, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("GRIDSTUDIO_RESULTS", str(results))
    notebook = nbformat.read(ROOT / "notebooks" / "01_reconductoring.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
    outputs = [cell.get("outputs") for cell in notebook.cells if cell.cell_type == "code"]
    assert all(outputs[1:]), "a cell shows nothing"
