"""A fast writer of plain workbooks (SpreadsheetML): typed cells, bold frozen heads, filters, widths, number formats.

openpyxl's write-only mode takes about 1.4 s for 20 000 rows of 8 columns, this 0.2 s: a report is
written at the end of every study.
"""

import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd

GENERAL, BOLD, TITLE, NOTE = 0, 1, 2, 3
FORMATS = ("#,##0", "#,##0.0", "#,##0.00", "#,##0.000", "0.0000", "0.0%", "@")
FORMAT = {code: 4 + i for i, code in enumerate(FORMATS)}  # cell style of each number format
_OPEN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_DATE = (1980, 1, 1, 0, 0, 0)  # the same workbook gives the same bytes


@dataclass
class Sheet:
    """A sheet being filled: ``name`` (at most 31 characters, unique), rows top down."""

    name: str
    widths: Sequence[float] = ()
    frozen_rows: int = 0
    filtered: str = ""  # range with a filter on its first row, e.g. "A1:F200"
    rows: list[str] = field(default_factory=list)

    def add(self, cells: Sequence[tuple[Any, int]]) -> None:
        """One row of (value, style)."""
        number = len(self.rows) + 1
        xml = "".join(_cell(value, style, f"{letters(i)}{number}") for i, (value, style) in enumerate(cells))
        self.rows.append(f'<row r="{number}">{xml}</row>')

    def add_frame(self, frame: pd.DataFrame, styles: Sequence[int]) -> None:
        """All rows of a frame, a style for each column."""
        first = len(self.rows) + 1
        columns = []
        for i, (name, style) in enumerate(zip(frame.columns, styles, strict=True)):
            letter = letters(i)
            values = frame[name].astype(object).tolist()
            columns.append([_cell(value, style, f"{letter}{first + k}") for k, value in enumerate(values)])
        self.rows += [f'<row r="{first + k}">{"".join(row)}</row>' for k, row in enumerate(zip(*columns, strict=True))]


def letters(column: int) -> str:
    """0 -> A, 26 -> AA."""
    text = ""
    while column >= 0:
        text = chr(65 + column % 26) + text
        column = column // 26 - 1
    return text


def _cell(value: Any, style: int, place: str) -> str:
    if isinstance(value, str):
        return (
            f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{_text(value)}</t></is></c>'
            if value
            else ""
        )
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return f'<c r="{place}" s="{style}" t="b"><v>{int(value)}</v></c>'
    try:
        number = float(value)
    except (TypeError, ValueError):
        return _cell(str(value), style, place)
    if math.isnan(number):
        return ""
    if math.isinf(number):
        return _cell("infinite" if number > 0 else "-infinite", style, place)
    return (
        f'<c r="{place}" s="{style}"><v>{value!r}</v></c>'
        if type(value) in (int, float)
        else (f'<c r="{place}" s="{style}"><v>{number!r}</v></c>')
    )


def _text(value: str) -> str:
    """Escaped text without the control characters that XML forbids; at most what a cell may hold."""
    kept = "".join(c for c in value[:32000] if c >= " " or c in "\t\n") if not value.isprintable() else value[:32000]
    return escape(kept)


def write(path: Path, sheets: Sequence[Sheet], title: str) -> None:
    """Write the workbook."""
    pages = [("worksheet", f"worksheets/sheet{i + 1}.xml", _RELATED) for i in range(len(sheets))]
    files: Mapping[str, str] = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _relations(
            [
                ("officeDocument", "xl/workbook.xml", _RELATED),
                ("metadata/core-properties", "docProps/core.xml", f"{_PACKAGE}/relationships"),
            ]
        ),
        "docProps/core.xml": _core(title),
        "xl/workbook.xml": _workbook(sheets),
        "xl/_rels/workbook.xml.rels": _relations([*pages, ("styles", "styles.xml", _RELATED)]),
        "xl/styles.xml": _styles(),
        **{f"xl/worksheets/sheet{i + 1}.xml": _sheet(sheet) for i, sheet in enumerate(sheets)},
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, text)


def _sheet(sheet: Sheet) -> str:
    below = f"A{sheet.frozen_rows + 1}"
    pane = (
        f'<pane ySplit="{sheet.frozen_rows}" topLeftCell="{below}" activePane="bottomLeft" state="frozen"/>'
        if sheet.frozen_rows
        else ""
    )
    columns = "".join(
        f'<col min="{i + 1}" max="{i + 1}" width="{width:.1f}" customWidth="1"/>'
        for i, width in enumerate(sheet.widths)
    )
    return (
        f'{_HEAD}<worksheet {_OPEN}><sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
        + (f"<cols>{columns}</cols>" if columns else "")
        + f"<sheetData>{''.join(sheet.rows)}</sheetData>"
        + (f'<autoFilter ref="{sheet.filtered}"/>' if sheet.filtered else "")
        + "</worksheet>"
    )


def _workbook(sheets: Sequence[Sheet]) -> str:
    listed = "".join(
        f'<sheet name="{escape(s.name, {chr(34): "&quot;"})}" sheetId="{i + 1}" r:id="rId{i + 1}"/>'
        for i, s in enumerate(sheets)
    )
    return f'{_HEAD}<workbook {_OPEN} xmlns:r="{_RELATED}"><sheets>{listed}</sheets></workbook>'


def _relations(items: Sequence[tuple[str, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{i + 1}" Type="{kind}/{name}" Target="{target}"/>'
        for i, (name, target, kind) in enumerate(items)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _content_types(count: int) -> str:
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i + 1}.xml" ContentType="{_KIND}.worksheet+xml"/>'
        for i in range(count)
    )
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
        '<Override PartName="/docProps/core.xml" '
        'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
        f"{sheets}</Types>"
    )


def _core(title: str) -> str:
    return (
        f'{_HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{_text(title)}</dc:title>'
        "<dc:creator>gridstudio</dc:creator></cp:coreProperties>"
    )


def _styles() -> str:
    codes = "".join(f'<numFmt numFmtId="{164 + i}" formatCode="{escape(c)}"/>' for i, c in enumerate(FORMATS))
    fonts = (
        '<font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="15"/><name val="Calibri"/></font>'
        '<font><i/><sz val="11"/><color rgb="FF5B6772"/><name val="Calibri"/></font>'
    )
    base = "".join(f'<xf numFmtId="0" fontId="{i}" fillId="0" borderId="0" xfId="0" applyFont="1"/>' for i in range(4))
    base += "".join(
        f'<xf numFmtId="{164 + i}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for i in range(len(FORMATS))
    )
    return (
        f'{_HEAD}<styleSheet {_OPEN}><numFmts count="{len(FORMATS)}">{codes}</numFmts><fonts count="4">{fonts}</fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{4 + len(FORMATS)}">{base}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
