"""Charts of a year in hours: calendar, duration curves, elements over limits, operations by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import (
    HEADING,
    MONO,
    Entry,
    drawable,
    heading,
    legend,
    legend_height,
    line_entry,
    new_sheet,
    plot_axes,
    save,
    write,
)  # fmt: skip

Floats = NDArray[np.float64]
WIDTH = 1680.0
PLAIN = FuncFormatter(lambda value, _: style.number(value))
HEAT = LinearSegmentedColormap.from_list("operations", ["#f4f7fa", "#9cc3e0", "#3d85bd", "#0b3c64"])
LOW, HIGH = "#0072b2", "#d55e00"
LIMIT = (0, (5, 2))
LONGEST = 26
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# ---- the calendar ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Days:
    """One panel of the calendar: the class (hour,) of each hour, an index of ``colours``, and which hours its bars by
    hour of the day count."""

    caption: str
    kind: NDArray[np.int_]
    colours: Sequence[tuple[str, str]]  # colour, label
    counted: NDArray[np.bool_]


def calendar(times: "pd.Series[str]", panels: Sequence[Days], text: Text, path: Path) -> None:
    """Day by hour of the day, a panel each; at the right how many of the counted hours start at each hour."""
    stamp = pd.to_datetime(times)
    day = (stamp.dt.normalize() - stamp.dt.normalize().min()).dt.days.to_numpy()
    hour = stamp.dt.hour.to_numpy()
    count = int(day.max()) + 1
    tall, step, left, wide = 264.0, 350.0, 96.0, 1250.0
    keys = [[Entry(label, _patch(colour)) for colour, label in panel.colours] for panel in panels]
    height = HEADING + step * len(panels) + 44 * len(panels)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    for position, (panel, entries) in enumerate(zip(panels, keys, strict=True)):
        top = height - HEADING - (step + 44) * position
        write(sheet, 26, top - 8, panel.caption, fontsize=10.5, fontweight="bold")
        _key(sheet, entries, left, top - 40)
        axes = plot_axes(figure, left, top - 62 - tall, wide, tall)
        grid = np.full((24, count), -1)
        grid[hour, day] = panel.kind
        palette = ListedColormap(["#ffffff", *(colour for colour, _ in panel.colours)])
        look: dict[str, Any] = {"cmap": palette, "vmin": -1.5, "vmax": len(panel.colours) - 0.5, "aspect": "auto"}
        axes.imshow(grid, extent=(0, count, 24, 0), interpolation="nearest", **look)
        axes.set_yticks([0, 6, 12, 18, 24])
        axes.set_ylabel("hour of the day", fontsize=9.5)
        _day_ticks(axes, stamp.dt.normalize().min(), count)
        side = plot_axes(figure, left + wide + 80, top - 62 - tall, WIDTH - left - wide - 120, tall)
        found = np.bincount(hour[panel.counted], minlength=24)
        side.barh(np.arange(24) + 0.5, found, 0.8, color=style.ACCENT)
        side.set(ylim=(24, 0), xlim=(0, 1.12 * max(int(found.max(initial=0)), 1)))
        side.set_yticks([0, 6, 12, 18, 24])
        side.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        side.xaxis.set_major_formatter(PLAIN)
        side.set_title("hours over limits", fontsize=9, color=style.MUTED)
    save(figure, path)


def _patch(colour: str) -> dict[str, Any]:
    face: dict[str, Any] = {"markerfacecolor": colour, "markeredgecolor": "#8c969f"}
    return {"marker": "s", "linestyle": "none", "markersize": 10, **face}


def _key(sheet: Axes, entries: Sequence[Entry], left: float, y: float) -> None:
    x = left
    for entry in entries:
        sheet.plot([x + 8], [y], **entry.look)
        write(sheet, x + 24, y, entry.label, fontsize=8.8)
        x += 52 + 9.6 * len(entry.label)


def _day_ticks(axes: Axes, first: pd.Timestamp, count: int) -> None:
    dates = [first + pd.Timedelta(days=d) for d in range(count)]
    if count > 62:
        starts = [d for d, date in enumerate(dates) if date.day == 1]
        starts = starts[:: max(1, -(-len(starts) // 24))]
        axes.set_xticks(starts, [MONTHS[dates[d].month - 1] for d in starts])
        spans = dates[0].year if dates[0].year == dates[-1].year else f"{dates[0].year} to {dates[-1].year}"
        axes.set_xlabel(str(spans), fontsize=9.5)
        return
    every = max(1, -(-count // 14))
    ticks = list(range(0, count, every))
    axes.set_xticks([t + 0.5 for t in ticks], [f"{dates[t].day} {MONTHS[dates[t].month - 1]}" for t in ticks])
    axes.set_xlabel(str(dates[0].year), fontsize=9.5)


# ---- duration curves ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Curve:
    """Values (point,) against the hours in which they are reached, and how the curve is drawn."""

    label: str
    hours: Floats
    value: Floats
    colour: str
    dashes: Any = "solid"
    width: float = 1.8


@dataclass(frozen=True, eq=False)
class Chart:
    """One panel of duration curves with its limits."""

    title: str
    axis: str
    curves: Sequence[Curve]
    limits: Sequence[tuple[float, str]]


def durations(charts: Sequence[Chart], hours: int, text: Text, path: Path) -> None:
    """Panels side by side; hours on a logarithmic scale, so that few hours can be read as well as many."""
    most = max((len(chart.curves) for chart in charts), default=1)
    foot = 34.0 + 25 * most
    height = HEADING + 470 + foot
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    cell = WIDTH / len(charts)
    for position, chart in enumerate(charts):
        left = cell * position
        axes = plot_axes(figure, left + 104, foot + 64, cell - 138, 350)
        axes.set_title(chart.title, fontsize=11, fontweight="bold", loc="left", color=style.INK, pad=10)
        for curve in chart.curves:
            look: dict[str, Any] = {"color": curve.colour, "linestyle": curve.dashes, "linewidth": curve.width}
            axes.plot(curve.hours, curve.value, **look)
        for limit, words in chart.limits:
            axes.axhline(limit, color=style.WARNING, linewidth=1.3, linestyle=LIMIT)
            note: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": 8.6, "color": style.WARNING}
            note["bbox"] = {"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 0}
            axes.text(0.995, limit, words, transform=axes.get_yaxis_transform(), **note)
        _hours_axis(axes, hours)
        axes.set_ylabel(chart.axis, fontsize=10)
        axes.yaxis.set_major_locator(MaxNLocator(7))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: style.number(v) if abs(v) >= 1000 else f"{v:g}"))
        axes.grid(color=style.FAINT, linewidth=0.6)
        for k, curve in enumerate(chart.curves):
            y = foot - 12 - 25 * k
            look = {"color": curve.colour, "linestyle": curve.dashes, "linewidth": max(curve.width, 1.8)}
            sheet.plot([left + 96, left + 134], [y, y], **look)
            write(sheet, left + 144, y, drawable(curve.label, 52), fontsize=8.8)
    save(figure, path)


def _hours_axis(axes: Axes, hours: int) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.9, max(1.1 * hours, 2))
    ticks = [t for t in (1, 10, 100, 1000) if t < 0.6 * hours] + [hours]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(PLAIN)
    axes.set_xlabel("hours (logarithmic)", fontsize=10)


# ---- elements over limits -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Bars:
    """A bar chart by element: stacked series (label, colour, value (row,)) and words behind each bar."""

    title: str
    names: Sequence[str]
    series: Sequence[tuple[str, str, Floats]]
    words: Sequence[str]


ROW = 30.0


def bars(blocks: Sequence[Sequence[Bars]], text: Text, path: Path) -> None:
    """Blocks under each other, each a row of bar charts with the same elements, named at the left."""
    tall = [ROW * len(block[0].names) + 92 for block in blocks]
    entries = {label: colour for block in blocks for chart in block for label, colour, _ in chart.series}
    keys = [line_entry(label, colour, 8.0) for label, colour in entries.items()]
    foot = legend_height(keys, "", WIDTH)
    height = HEADING + sum(tall) + foot
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    top = height - HEADING
    for block, block_px in zip(blocks, tall, strict=True):
        start = 330.0
        cell = (WIDTH - start - 20) / len(block)
        for k, chart in enumerate(block):
            axes = plot_axes(figure, start + k * cell, top - block_px + 50, cell - 60, ROW * len(chart.names))
            _stacked(axes, chart, named=not k)
        top -= block_px
    legend(sheet, keys, "", WIDTH)
    save(figure, path)


def _stacked(axes: Axes, chart: Bars, named: bool) -> None:
    rows = np.arange(len(chart.names))[::-1]
    base = np.zeros(len(rows))
    for _, colour, value in chart.series:
        axes.barh(rows, value, 0.68, left=base, color=colour)
        base = base + value
    most = max(float(base.max(initial=0)), 1e-9)
    for row, end, words in zip(rows, base, chart.words, strict=True):
        place: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 9.2}
        axes.annotate(words, (end, row), color=style.INK, annotation_clip=False, **place)
    names = [drawable(name, LONGEST) for name in chart.names] if named else [""] * len(rows)
    axes.set_yticks(rows, names, fontsize=9.2, family=MONO, parse_math=False)
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlim=(0, 1.38 * most))
    axes.set_title(chart.title, fontsize=10.5, fontweight="bold", loc="left", color=style.INK)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.grid(axis="x", color=style.FAINT, linewidth=0.6)


# ---- operations -----------------------------------------------------------------------------------


def operations(counts: pd.DataFrame, per_day: Sequence[float], kinds: Sequence[str], text: Text, path: Path) -> None:
    """Device by month (a table of counts), darker where a device operates more often; at the right the rate a day."""
    row, left, side = 34.0, 330.0, 290.0
    cell = min((WIDTH - left - side) / max(len(counts.columns), 1), 150.0)
    height = HEADING + 52 + row * len(counts) + 40
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    top = height - HEADING - 44
    values = counts.to_numpy(dtype=float)
    most = max(float(values.max(initial=0)), 1.0)
    box = (left, left + cell * values.shape[1], top - row * len(counts), top)
    sheet.imshow(values, cmap=HEAT, vmin=0, vmax=most, extent=box, aspect="auto", interpolation="nearest")
    for k, month in enumerate(counts.columns):
        write(sheet, left + cell * (k + 0.5), top + 16, str(month), ha="center", fontsize=8.8, fontweight="bold")
    right = box[1] + 24
    write(sheet, right, top + 16, "operations a day", fontsize=9, fontweight="bold")
    rate = max([*per_day, 1e-9])
    for n, (device, kind) in enumerate(zip(counts.index, kinds, strict=True)):
        y = top - row * (n + 0.5)
        write(sheet, left - 12, y, drawable(device, LONGEST), ha="right", fontsize=9.2, family=MONO)
        for k, value in enumerate(values[n]):
            ink = style.PAPER if value > 0.5 * most else style.INK
            at = left + cell * (k + 0.5)
            write(sheet, at, y, style.number(value), ha="center", fontsize=8.8, color=ink)
        colour = style.ACCENT if kind == "regulator" else "#e69f00"
        sheet.barh([y], [150 * per_day[n] / rate], 0.6 * row, left=right, color=colour)
        write(sheet, right + 150 * per_day[n] / rate + 8, y, style.number(per_day[n], 2), fontsize=9)
    sheet.set(xlim=(0, WIDTH), ylim=(0, height))
    save(figure, path)
