"""Every notebook runs from top to bottom on real results."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


NOTEBOOKS = {
    "01_reconductoring": "reconductoring_ieee123",
    "02_restoration": "restoration_ieee123",
    "03_upgrades": "upgrades_capacity",
    "04_resilience": "resilience_ieee123",
    "05_transition": "transition_aeso6",
}


SLOW = {"04_resilience", "05_transition"}  # even a quick run of their studies takes minutes


def run_quickly(study, folder):
    """A quick run of a study, saved."""
    from gridstudio.evaluation import Workers
    from gridstudio.planning import read_study
    from gridstudio.result import save

    job, settings = read_study(study)
    save(job.run(settings, study.parent, Workers(1), None, True), folder)


@pytest.mark.filterwarnings("default")  # the kernel's own libraries warn as they like; the cells' errors still count
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in NOTEBOOKS]
)
def test_notebook_runs(name, tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    run_quickly(ROOT / "studies" / f"{NOTEBOOKS[name]}.toml", tmp_path)
    monkeypatch.setenv("GRIDSTUDIO_RESULTS", str(tmp_path))
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
    outputs = [cell.get("outputs") for cell in notebook.cells if cell.cell_type == "code"]
    assert all(outputs[1:]), "a cell shows nothing"
    shown = [kind for cell in outputs for output in cell for kind in output.get("data", {})]
    assert "image/png" in shown, "no figure is drawn"


def test_every_notebook_is_run():
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} == set(NOTEBOOKS)
