"""The report of the job islanding: figures, workbook and page."""

from pathlib import Path

from gridstudio.report.islanding.figures import draw_figures
from gridstudio.report.islanding.sections import write_page
from gridstudio.report.islanding.view import view
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

FIRST_SHEETS = ("by_start", "zones", "trace", "shed", "customers", "assumptions", "findings", "timing")


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    study = view(result)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(study, folder / "figures")
    write_workbook(result, folder / "results.xlsx", first=FIRST_SHEETS)
    write_page(study, figures, folder / "report.html")
