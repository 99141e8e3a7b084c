"""Figures, a workbook and a page from a StudyResult. Draws and lays out; computes no result."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from gridstudio.result import StudyResult, disk_errors

# The module that composes the report of each job; imported when needed, because drawing libraries take their time.
JOBS = {
    "exceedance": "gridstudio.report.exceedance",
    "flow": "gridstudio.report.flow",
    "hosting": "gridstudio.report.hosting",
    "islanding": "gridstudio.report.islanding",
    "mitigation": "gridstudio.report.mitigation",
    "reconductoring": "gridstudio.report.reconductoring",
    "resilience": "gridstudio.report.resilience",
    "restoration": "gridstudio.report.restoration",
    "transition": "gridstudio.report.transition",
    "upgrades": "gridstudio.report.upgrades",
}
PLAIN = "gridstudio.report.plain"


def render(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html into an existing folder. InputError if the disk refuses."""
    compose: Callable[[StudyResult, Path], None] = import_module(JOBS.get(result.job, PLAIN)).compose
    with disk_errors(folder):
        compose(result, folder)
