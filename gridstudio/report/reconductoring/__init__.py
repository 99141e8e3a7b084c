"""The report of the job reconductoring: figures, workbook and page."""

from pathlib import Path

from gridstudio.report.reconductoring.figures import draw_figures
from gridstudio.report.reconductoring.sections import write_page
from gridstudio.report.reconductoring.view import view
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

FIRST_SHEETS = (
    "robust", "robust_interventions", "decisions", "interventions", "totals", "scenarios",
    "comparison", "comparison_totals", "violations_after", "assumptions", "findings",
)  # fmt: skip


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    study = view(result)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(study, folder / "figures")
    plans = [(f"Committed plan: {name}", plan) for name, plan in study.committed.items()]
    plans += [(study.title_of(name), plan) for name, plan in study.plans.items()]
    write_workbook(result, folder / "results.xlsx", plans, FIRST_SHEETS)
    write_page(study, figures, folder / "report.html")
