"""The report of a job that has no report of its own yet: headline, tables, provenance."""

from pathlib import Path

import pandas as pd

from gridstudio.report import page
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

MOST_ROWS = 100


def compose(result: StudyResult, folder: Path) -> None:
    """Write results.xlsx and report.html."""
    write_workbook(result, folder / "results.xlsx")
    tables = [
        page.details(f"{name} ({len(table)} rows)", [page.table(table, most=MOST_ROWS)], opened=len(table) <= 20)
        for name, table in result.tables.items()
    ]
    text = page.document(
        result.title, f"Job {result.job}", [page.tiles(result.headline)],
        [("tables", "Tables", tables), ("provenance", "Provenance", provenance(result))], {}, FOOTER,
    )  # fmt: skip
    (folder / "report.html").write_text(text, encoding="utf-8")


FOOTER = "Written by gridstudio. This page needs no network: figures, data and scripts are inside it."


def provenance(result: StudyResult) -> list[page.Html]:
    """Settings, versions, hashes of the inputs, solves and seconds, folded."""
    return [
        page.details("Versions, inputs, solves and seconds", [page.tree(result.provenance)]),
        page.details("Settings of the study", [page.tree(result.settings)]),
    ]


def assumptions(stated: pd.DataFrame, findings: pd.DataFrame) -> list[page.Html]:
    """What the numbers rest on, and what the input's checks found."""
    parts = [page.table(stated)] if len(stated) else []
    parts.append(page.heading("Findings about the input"))
    if len(findings):
        return [*parts, page.table(findings)]
    nothing = "None: the checks of the circuit and of the study found nothing to tell."
    return [*parts, page.paragraph(nothing)]
