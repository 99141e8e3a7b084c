"""The report of the job mitigation: figures, workbook and page."""

from pathlib import Path

from gridstudio.report.mitigation.figures import draw_figures
from gridstudio.report.mitigation.sections import write_page
from gridstudio.report.mitigation.view import view
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

FIRST_SHEETS = (
    "plan", "cost_by_measure", "steps", "violations_summary", "remaining", "scenarios", "violations_before",
    "violations_after", "loadings", "voltages", "catalogue", "assumptions", "findings", "timing",
)  # fmt: skip


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    study = view(result)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(study, folder / "figures")
    write_workbook(result, folder / "results.xlsx", first=FIRST_SHEETS)
    write_page(study, figures, folder / "report.html")
