"""The report of the job upgrades: figures, workbook and page."""

from pathlib import Path

from gridstudio.report.upgrades.figures import draw_figures
from gridstudio.report.upgrades.sections import write_page
from gridstudio.report.upgrades.view import view
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

FIRST_SHEETS = (
    "years", "roadmap", "selection", "ranking", "projects", "alternatives", "check", "plans", "stochastic", "pareto",
    "value_of_lost_load", "discount_rate", "left", "rounds", "solver", "risk", "deficits", "baseline", "elements",
    "parts", "corrections", "scenarios", "assumptions", "findings", "timing",
)  # fmt: skip


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    study = view(result)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(study, folder / "figures")
    write_workbook(result, folder / "results.xlsx", first=FIRST_SHEETS)
    write_page(study, figures, folder / "report.html")
