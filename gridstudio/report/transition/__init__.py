"""The report of the job transition: figures, workbook and page."""

from pathlib import Path

from gridstudio.report.transition.figures import draw_figures
from gridstudio.report.transition.sections import write_page
from gridstudio.report.transition.view import view
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

FIRST_SHEETS = (
    "cases", "risk", "published", "factors", "decisions", "capacities", "capacities_by_bus", "operations",
    "stochastic_value", "simulations", "policy_fan", "extensive", "convergence", "growth", "paths", "realisations",
    "network_buses", "network_branches", "network_zones", "outlooks", "days", "fidelity", "agreement", "parameters",
    "assumptions", "findings", "timing",
)  # fmt: skip


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    study = view(result)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(study, folder / "figures")
    write_workbook(result, folder / "results.xlsx", first=FIRST_SHEETS)
    write_page(study, figures, folder / "report.html")
