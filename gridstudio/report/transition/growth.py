"""How the time of training grows with the size of the problem, and what the full size would take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, heading, line_entry, new_sheet, plot_axes, save
from gridstudio.report.transition.frames import FOUND, OTHER, PLAIN, WIDTH, beside, name, panels, quiet, rows_of

# What is varied, and what must stand still beside it; branches and zones grow with the buses.
DRIVERS = {
    "stages": ("states", "days", "buses", "zones"),
    "states": ("stages", "days", "buses", "zones"),
    "days": ("stages", "states", "buses", "zones"),
    "zones": ("stages", "states", "days", "buses"),
    "buses": ("stages", "states", "days"),
}
TIMES = (("seconds_per_iteration", "an iteration", FOUND, "o"), ("seconds", "training", OTHER, "s"))
SPANS = ((60.0, "s", 1.0), (3600.0, "min", 60.0), (48 * 3600.0, "h", 3600.0), (np.inf, "days", 86400.0))


def along(table: pd.DataFrame, driver: str) -> pd.DataFrame:
    """The rows of which only ``driver`` differs (the largest such group), in its order; none where there is no pair."""
    others = [other for other in ("case", *DRIVERS[driver]) if other in table]
    if driver not in table:
        return table.iloc[:0]
    groups = [part for _, part in table.groupby(others)] if others else [table]
    best = max(groups, key=lambda part: part[driver].nunique(), default=table.iloc[:0])
    rows = best if best[driver].nunique() > 1 else best.iloc[:0]
    return rows.sort_values(driver, kind="stable").drop_duplicates(driver)


def drivers(table: pd.DataFrame) -> list[str]:
    """The sizes along which a growth table can be read."""
    return [driver for driver in DRIVERS if len(along(table, driver))] if measured(table) else []


def measured(table: pd.DataFrame) -> bool:
    """Whether a growth table tells any time."""
    return len(table) > 0 and any(column in table for column, *_ in TIMES)


def size(row: "pd.Series[Any]") -> str:
    """'case B, 144 buses, 25 zones, 5 states, 10 stages, 1 day'."""
    parts = [f"case {row['case']}"] if "case" in row else []
    for noun in ("buses", "zones", "states", "stages", "days"):
        if noun in row:
            parts.append(f"{style.number(row[noun])} {noun[:-1] if row[noun] == 1 and noun != 'buses' else noun}")
    return ", ".join(parts)


def span(seconds: float) -> str:
    """'12 s', '4.5 min', '3.2 h', '12 days'."""
    unit, scale = next((unit, scale) for most, unit, scale in SPANS if seconds < most or most == np.inf)
    value = seconds / scale
    return f"{style.number(value, 0 if value >= 100 else 1 if value >= 10 else 2)}{style.SPACE}{unit}"


def sizes(table: pd.DataFrame, text: Text, path: Path) -> None:
    """A row for each size: seconds of an iteration, and hours of the full size where they are told."""
    names = [size(row) for _, row in table.iterrows()]
    told = [(c, label) for c, label in (("seconds_per_iteration", "Time of an iteration [s]"),
            ("full_hours", "Full size, estimated [h]")) if c in table]  # fmt: skip
    told = told or [("seconds", "Training [s]")]
    tall = 40.0 * len(names)
    height = HEADING + tall + 110
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = 640.0
    cell = (WIDTH - left - 30) / len(told)
    for number, (column, label) in enumerate(told):
        axes = plot_axes(figure, left + number * cell, 50, cell - 110, tall)
        _bars(axes, names, table[column].to_numpy(dtype=float), 3600.0 if column == "full_hours" else 1.0, not number)
        name(axes, label)
    save(figure, path)


def _bars(axes: Axes, names: Sequence[str], values: Any, unit_s: float, named: bool) -> None:
    rows = rows_of(axes, names, named, most=64)
    positive = values[np.isfinite(values) & (values > 0)]
    low = 0.5 * float(positive.min(initial=1.0)) if len(positive) else 0.1
    axes.set_xscale("log")
    axes.set_xlim(low, 1.3 * max(float(positive.max(initial=low)), 2 * low))
    axes.barh(rows, values, 0.56, color=FOUND)
    for y, value in zip(rows, values, strict=True):
        beside(axes, float(value), float(y), span(float(value) * unit_s) if np.isfinite(value) else "\u2013")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.xaxis.set_minor_locator(NullLocator())


def growth(table: pd.DataFrame, shown: Sequence[str], text: Text, path: Path) -> None:
    """Seconds against each size that is varied while the others stand still, both logarithmic."""
    told = [t for t in TIMES if t[0] in table][:1]  # a training ends when it will: its seconds compare less
    entries = [line_entry(label, shade, 2.0, marker=mark, markersize=6.5) for _, label, shade, mark in told]
    sheet = panels([f"with {driver}" for driver in shown], text, entries, columns=min(len(shown), 4), tall=230.0)
    for axes, driver in zip(sheet.charts, shown, strict=True):
        rows = along(table, driver)
        for column, _, shade, mark in told:
            values = rows[column].astype(float)
            axes.plot(rows[driver].astype(float), values, color=shade, linewidth=2, marker=mark, markersize=6.5)
        quiet(axes, driver, "seconds")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_locator(FixedLocator(sorted({float(v) for v in rows[driver]})))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_minor_formatter(NullFormatter())
        low, high = (float(v) for v in (rows[[t[0] for t in told]].min().min(), rows[[t[0] for t in told]].max().max()))
        if low > 0:
            axes.set_ylim(10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(1.2 * high)))
    save(sheet.figure, path)
