"""A profile as a table of the user's: curves by column, every hour there and in its place."""

import csv
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.catalogue_files import refuse_other_separators
from gridstudio.errors import InputError
from gridstudio.planning.exceedance.settings import Profiles

Floats = NDArray[np.float64]
CLOCKS = ("hour", "time")
COMMENT = "#"
_ZONE = re.compile(r":\d\d(:\d\d(\.\d*)?)?\s*([ap]m)?\s*(z|[a-z]{3,5}|[+-]\d\d(:?\d\d)?)$", re.IGNORECASE)
_TOO_LONG = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def read_table(path: Path, given: Profiles) -> dict[str, Floats]:
    """Curves (hour,) of a table by column, hours in a row without gaps; InputError with all findings."""
    table = _read(path)
    clock = next((column for column in CLOCKS if column in table), None)
    if clock is None:
        raise InputError(f"{path}: the table of profiles has no column hour (0, 1, 2, ...) or time.")
    wrong = _clock_findings(table[clock], clock, given)
    if len(table) != given.hours and not wrong:
        wrong.append(f"it has {len(table):,} hours, profiles.hours asks for {given.hours:,}.")
    curves = {}
    for column in table.columns.drop(clock):
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
        wrong += _value_findings(column, values, table[clock])
        curves[str(column)] = values
    if not curves:
        wrong.append(f"it has no column besides {clock}: nothing follows it.")
    if wrong:
        raise InputError.from_findings(str(path), wrong)
    return curves


# -- the file -------------------------------------------------------------------------------------------------------


def _read(path: Path) -> pd.DataFrame:
    """The cells by column, names in lower case. The header is read by itself: pandas would rename columns of one
    name, and take the first of too many cells for an index."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header, lines = _header(file)
            refuse_other_separators(path, header)
            table = _body(file, header)
    except FileNotFoundError:
        raise InputError(f"There is no table of profiles {path}.") from None
    except pd.errors.ParserError as error:
        raise InputError(f"The table of profiles {path} cannot be read: {_spoken(error, lines)}.") from None
    except UnicodeDecodeError:
        raise InputError(f"The table of profiles {path} is not UTF-8 text; save it as CSV UTF-8.") from None
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"The table of profiles {path} cannot be read: {error}.") from None
    wrong = _header_findings(table, header)
    if wrong:
        raise InputError.from_findings(str(path), wrong)
    table.columns = pd.Index([*header, *[""] * (table.shape[1] - len(header))])
    return table.drop(columns="", errors="ignore")


def _header(file: TextIO) -> tuple[list[str], int]:
    """Names of the columns, and how many lines of the file they and comments before them take."""
    reader = csv.reader((line.split(COMMENT)[0] for line in file), skipinitialspace=True)
    cells = next((cells for cells in reader if any(cell.strip() for cell in cells)), [])
    while cells and not cells[-1].strip():  # a comma at the end
        cells.pop()
    return [cell.strip().lower() for cell in cells], reader.line_num


def _body(file: TextIO, header: Sequence[str]) -> pd.DataFrame:
    try:
        return pd.read_csv(file, header=None, skipinitialspace=True, comment=COMMENT)
    except pd.errors.EmptyDataError:  # nothing but a header
        return pd.DataFrame(columns=range(len(header)), dtype=float)


def _spoken(error: Exception, lines: int) -> str:
    """pandas counts lines from below the header."""
    if too_long := _TOO_LONG.search(str(error)):
        expected, line, seen = map(int, too_long.groups())
        return f"line {line + lines} has {seen} cells, those before it have {expected}"
    return str(error)


def _header_findings(table: pd.DataFrame, header: Sequence[str]) -> list[str]:
    """Columns that the header names twice, or not at all although they hold something; two clocks."""
    cells = table.shape[1]
    wrong = [
        f"column {name} occurs {number} times (capitals make no difference)."
        for name, number in Counter(header).items()
        if name and number > 1
    ]
    if cells < len(header):
        wrong.append(f"its rows have {cells} cells, the header {len(header)}.")
    nameless = [n for n in range(cells) if (n >= len(header) or not header[n]) and table[n].notna().any()]
    wrong += [f"column {n + 1} has cells, but no name in the header." for n in nameless]
    if all(clock in header for clock in CLOCKS):
        wrong.append("it has a column hour and a column time: leave one of them.")
    return wrong


# -- what is in it --------------------------------------------------------------------------------------------------


def _clock_findings(column: pd.Series, clock: str, given: Profiles) -> list[str]:
    """Hours that are missing, double or out of order."""
    if clock == "hour":
        hour = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    elif zoned := [n for n, stamp in enumerate(column.astype(str)) if _ZONE.search(stamp.strip())]:
        first_zoned = f"column time, row {zoned[0] + 1}: {column.iloc[zoned[0]]!r}"
        return [f"{first_zoned} has a time zone: write all hours in one standard time, without a zone."]
    else:
        hour = _hours_since(column, given)
    bad = np.flatnonzero(~(hour == np.floor(hour)))
    if len(bad):
        return [f"column {clock}, row {bad[0] + 1}: {column.iloc[bad[0]]!r} is no full hour."]
    steps = np.flatnonzero(np.diff(hour) != 1)
    if len(hour) and hour[0] != 0:
        first = "0" if clock == "hour" else f"{given.start:%Y-%m-%d %H:%M} (profiles.start)"
        return [f"column {clock} starts at {column.iloc[0]}, it must start at {first}."]
    if len(steps):
        at = int(steps[0])
        what = "a gap" if hour[at + 1] > hour[at] + 1 else "an hour twice or out of order"
        return [f"column {clock} has {what}: {column.iloc[at + 1]} follows on {column.iloc[at]}."]
    return []


def _hours_since(column: pd.Series, given: Profiles) -> Floats:
    """Hours from the start of the profile to every time stamp; NaN for what is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the format of a first stamp is not known is told as a finding
        stamps = pd.to_datetime(column.astype(str), errors="coerce").to_numpy().astype("datetime64[m]")
    away = (stamps - np.datetime64(given.start, "m")).astype(float)
    return np.where(np.isnat(stamps), np.nan, away / 60)


def _value_findings(column: str, values: Floats, clock: pd.Series) -> list[str]:
    found = []
    for what, rows in (
        ("is empty or no number", np.flatnonzero(~np.isfinite(values))),
        ("is negative", np.flatnonzero(values < 0)),
    ):
        if len(rows):
            more = f", and in {len(rows) - 1:,} further hours" if len(rows) > 1 else ""
            found.append(f"column {column} {what} at {clock.name} {clock.iloc[rows[0]]}{more}.")
    return found
