"""The report of the job resilience: figures, workbook and page."""

from pathlib import Path

from gridstudio.report.resilience.figures import draw_figures
from gridstudio.report.resilience.sections import write_page
from gridstudio.report.resilience.view import view
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

FIRST_SHEETS = (
    "plan", "investments", "critical", "risk", "scenarios", "islands", "refused", "statements", "sweep", "losses",
    "solver", "stochastic_value", "loads", "sections", "devices", "strata", "convergence", "assumptions", "findings",
    "timing",
)  # fmt: skip


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    study = view(result)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(study, folder / "figures")
    write_workbook(result, folder / "results.xlsx", first=FIRST_SHEETS)
    write_page(study, figures, folder / "report.html")
