"""results.xlsx: a summary sheet that a planner can send on, then a sheet for each table."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.report import style
from gridstudio.report.xlsx import BOLD, FORMAT, GENERAL, NOTE, TITLE, Sheet, letters, write
from gridstudio.result import Quantity, StudyResult

MOST_ROWS = 20_000
DECIMALS = {0: "#,##0", 1: "#,##0.0", 2: "#,##0.00", 3: "#,##0.000", 4: "0.0000"}


def write_workbook(
    result: StudyResult, path: Path, plans: Sequence[tuple[str, pd.DataFrame]] = (), first: Iterable[str] = ()
) -> None:
    """Write the workbook of a result. ``plans`` (title, interventions with a year) go on the summary sheet;
    the tables named ``first`` come first, the others follow in their order."""
    names = [name for name in dict.fromkeys([*first, *result.tables]) if name in result.tables]
    sheets = [_summary(result, plans)]
    taken = {"summary"}
    for name in names:
        sheets.append(_table(_sheet_name(name, taken), name, result.tables[name]))
    write(path, sheets, result.title)


def _summary(result: StudyResult, plans: Sequence[tuple[str, pd.DataFrame]]) -> Sheet:
    sheet = Sheet("Summary", widths=(34, 18, 16, 16, 18, 18, 16, 16))
    sheet.add([(result.title, TITLE)])
    sheet.add([])
    sheet.add([("Headline", BOLD), ("value", BOLD), ("unit", BOLD)])
    for quantity in result.headline.values():
        sheet.add([(quantity.label, GENERAL), (quantity.value, _headline_format(quantity)), (quantity.unit, GENERAL)])
    for title, plan in plans:
        sheet.add([])
        sheet.add([(title, BOLD)])
        columns = list(plan.columns)
        sheet.add([(style.heading(column), BOLD) for column in columns])
        formats = _formats(plan)
        for year, part in plan.groupby("year", sort=True):
            sheet.add_frame(part, formats)
            total = {"year": f"year {year}", "cost_usd": part["cost_usd"].sum(), "length_m": part["length_m"].sum()}
            sheet.add([(total.get(c), BOLD if c == "year" else f) for c, f in zip(columns, formats, strict=True)])
        if not len(plan):
            sheet.add([("no replacement", NOTE)])
    return sheet


def _headline_format(quantity: Quantity) -> int:
    if isinstance(quantity.value, str):
        return GENERAL
    if isinstance(quantity.value, int) or quantity.unit.upper() == "USD":
        return FORMAT["#,##0"]
    return FORMAT["0.0000" if abs(quantity.value) < 1 else "#,##0.00"]


def _table(sheet_name: str, name: str, table: pd.DataFrame) -> Sheet:
    shown = table.head(MOST_ROWS)
    cut = len(table) > MOST_ROWS
    sheet = Sheet(sheet_name, widths=_widths(shown))
    if cut:
        words = f"The first {MOST_ROWS} of {len(table)} rows; all of them are in tables/{name}.csv and .parquet."
        sheet.add([(words, NOTE)])
    sheet.add([(style.heading(str(column)), BOLD) for column in shown.columns])
    sheet.frozen_rows = len(sheet.rows)
    head = sheet.frozen_rows
    sheet.add_frame(shown, _formats(shown))
    if len(shown.columns):
        sheet.filtered = f"A{head}:{letters(len(shown.columns) - 1)}{len(sheet.rows)}"
    return sheet


def _formats(table: pd.DataFrame) -> list[int]:
    return [_format(str(column), table[column]) for column in table.columns]


def _format(column: str, values: "pd.Series[Any]") -> int:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return GENERAL
    if style.PROBABILITY.match(column):
        return FORMAT["0.0%"]
    _, decimals = style.unit_of(column)
    if decimals is None:
        return GENERAL
    return FORMAT[DECIMALS[decimals]]


def _widths(table: pd.DataFrame) -> list[float]:
    """Wide enough for the head and the first rows, narrow enough for a screen."""
    sample: Mapping[str, Any] = {str(column): table[column].head(200) for column in table.columns}
    return [
        min(max(len(style.heading(column)) + 4, *(len(style.cell(column, v)) + 2 for v in values), 8), 70)
        if len(values)
        else len(style.heading(column)) + 4
        for column, values in sample.items()
    ]


def _sheet_name(name: str, taken: set[str]) -> str:
    """At most 31 of the characters that a sheet's name may have, and no name twice."""
    plain = "".join("_" if c in "[]:*?/\\'" or ord(c) < 32 else c for c in name)[:31] or "table"
    unique, number = plain, 2
    while unique.lower() in taken:
        unique, number = f"{plain[:28]}_{number}", number + 1
    taken.add(unique.lower())
    return unique
