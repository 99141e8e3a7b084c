"""The report of the job restoration: figures, workbook and page."""

from pathlib import Path

from gridstudio.report.restoration.figures import draw_figures
from gridstudio.report.restoration.sections import write_page
from gridstudio.report.restoration.view import view
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

FIRST_SHEETS = (
    "means", "comparison", "orders", "cold_load", "cold_load_curve", "business_case", "violations", "outages", "storms",
    "devices", "sections", "seeds", "training", "assumptions", "findings", "timing",
)  # fmt: skip


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    study = view(result)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(study, folder / "figures")
    write_workbook(result, folder / "results.xlsx", first=FIRST_SHEETS)
    write_page(study, figures, folder / "report.html")
