"""results.xlsx as another program reads it."""

import math

import openpyxl
import pandas as pd
import pytest

from gridstudio.report.workbook import MOST_ROWS, write_workbook
from gridstudio.report.xlsx import letters


def read(result, path, **more):
    write_workbook(result, path, **more)
    return openpyxl.load_workbook(path)


def test_numbers_are_numbers_with_the_format_of_their_unit(make_result, tmp_path):
    book = read(make_result(), tmp_path / "r.xlsx")
    assert book.properties.title == "Twelve buses"
    sheet = book["interventions"]
    head = [cell.value for cell in sheet[1]]
    assert head == ["scenario", "line", "year", "length [m]", "from", "to", "cost [USD]", "present value [USD]"]
    row = sheet[2]
    assert [cell.value for cell in row] == ["low", "l1", 1, 400, "small", "middle", 20000, 20000]
    assert (row[3].number_format, row[6].number_format) == ("#,##0.0", "#,##0")
    scenarios = book["scenarios"]
    formats = {
        scenarios.cell(1, k).value: scenarios.cell(2, k).number_format for k in range(1, scenarios.max_column + 1)
    }
    assert formats["probability"] == "0.0%"
    assert formats["V min after [pu]"] == "0.0000"


def test_heads_are_bold_frozen_and_filtered(make_result, tmp_path):
    sheet = read(make_result(), tmp_path / "r.xlsx")["decisions"]
    assert sheet["A1"].font.bold
    assert not sheet["A2"].font.bold
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:H4"
    assert sheet.column_dimensions["G"].width > sheet.column_dimensions["A"].width


def test_summary_holds_headline_and_plans(make_result, tmp_path):
    result = make_result()
    plan = result.tables["interventions"].query("scenario == 'high'")[["year", "line", "length_m", "cost_usd"]]
    sheet = read(result, tmp_path / "r.xlsx", plans=[("Scenario high", plan)], first=("robust", "absent"))["Summary"]
    cells = [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]
    assert cells[0] == ["Twelve buses"]
    assert ["Expected investment", 53500, "USD"] in cells
    assert ["As published", "2 of 3"] in cells
    assert ["year 3", 700, 42000] in cells


def test_long_tables_are_cut_with_a_note(make_result, tmp_path):
    result = make_result()
    result.tables["violations_before"] = pd.DataFrame({"value": range(MOST_ROWS + 5)})
    sheet = read(result, tmp_path / "r.xlsx")["violations_before"]
    assert sheet.max_row == MOST_ROWS + 2
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 5} rows" in sheet["A1"].value
    assert sheet["A2"].value == "value"
    assert sheet.freeze_panes == "A3"


def test_awkward_values_and_names(make_result, tmp_path):
    result = make_result()
    table = pd.DataFrame(
        {
            "text": ["=1+1", "a\x00b\x0b<&>", " spaced "],
            "x": [math.nan, math.inf, -0.0],
            "flag": [True, False, True],
            "n": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    name = "a table/with: a very long * name, longer than it may be"
    result.tables[name], result.tables[name + "2"] = table, table
    result.tables["Summary"] = table
    book = read(result, tmp_path / "r.xlsx")
    assert len(set(map(str.lower, book.sheetnames))) == len(book.sheetnames)
    assert max(map(len, book.sheetnames)) <= 31
    sheet = book["a table_with_ a very long _ nam"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
        ["=1+1", None, True, 1], ["ab<&>", "infinite", False, None], [" spaced ", 0, True, 3],
    ]  # fmt: skip
    assert sheet["A2"].data_type == "s"  # text, never a formula


@pytest.mark.parametrize(("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_letters(column, name):
    assert letters(column) == name
