"""Catalogue files: CSV rows with their line numbers, so that every finding can name its line."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
Rows = list[tuple[int, dict[str, str]]]  # line number and cells by column


def read_rows(path: Path | str) -> tuple[list[str], Rows, list[str]]:
    """Header, rows with their line numbers and stripped cells, and findings on rows that do not fit the header."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; save it as CSV UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{path} is no CSV table (line {reader.line_num}): {error}.") from error
    header = lines[0][1] if lines else []
    refuse_other_separators(path, header)
    findings = [f"column '{c}' occurs twice" for c in sorted(set(header)) if header.count(c) > 1]
    findings += [f"line {n} has {len(c)} cells, the header {len(header)}" for n, c in lines if len(c) != len(header)]
    rows = [(n, dict(zip(header, c, strict=True))) for n, c in lines[1:] if len(c) == len(header)]
    return header, rows, findings


def refuse_other_separators(path: Path | str, header: Sequence[str]) -> None:
    """InputError if a header of one cell shows that its columns are separated by something else than ','."""
    for separator, name in ((";", "';'"), ("\t", "tabs")):
        if len(header) == 1 and separator in header[0]:
            raise InputError(f"{path} is separated by {name}, save it with ','.")


def missing_columns(header: Sequence[str], wanted: Sequence[str]) -> list[str]:
    return [f"column '{column}' is missing" for column in wanted if column not in header]


def numbers(rows: Rows, column: str, findings: list[str], least: float = math.ulp(0)) -> FloatArray:
    """The column as numbers; what is none, infinite or below ``least`` (default: not positive) is NaN and a finding."""
    values = np.full(len(rows), np.nan)
    wanted = {-math.inf: "a number", 0.0: "zero or more"}.get(least, "a positive number")
    for i, (line, row) in enumerate(rows):
        try:
            value = float(row[column])
        except ValueError:
            value = math.nan
        if math.isfinite(value) and value >= least:
            values[i] = value
        else:
            findings.append(f"line {line}: {column} is '{row[column]}'; it must be {wanted}")
    return values
