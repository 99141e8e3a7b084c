"""Sheets with several charts of one kind: places, axes, looks that the charts of a transition study share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, Entry, drawable, heading, legend, legend_height, new_sheet, plot_axes

Floats = NDArray[np.float64]
WIDTH = 1680.0
BOUND, FOUND, OTHER = style.INK, "#0072b2", "#d55e00"
SMALL = 8.3  # pixels of a letter of 8.2 points
BUTT: dict[str, Any] = {"solid_capstyle": "butt"}
PERCENT = FuncFormatter(lambda value, _: style.percent(value))


def _plain(value: float, _: object = None) -> str:
    return style.number(value) if abs(value) >= 1000 else f"{value:.6g}".replace("-", "\u2212")


PLAIN = FuncFormatter(_plain)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet with its charts, in reading order."""

    figure: Figure
    paper: Axes
    charts: Sequence[Axes]


def panels(
    titles: Sequence[str],
    text: Text,
    entries: Sequence[Entry],
    columns: int = 3,
    tall: float = 250.0,
    left: float = 86.0,
    right: float = 12.0,
) -> Sheet:
    """Charts of ``tall`` pixels side by side and below each other, a title on each, one legend under all."""
    columns = max(1, min(columns, len(titles)))
    rows = -(-len(titles) // columns)
    foot = legend_height(entries, "", WIDTH) if entries else 12.0
    cell, step = (WIDTH - 20) / columns, tall + 106
    height = HEADING + rows * step + foot
    figure, paper = new_sheet(WIDTH, height)
    heading(paper, height, text.title, text.subtitle)
    charts = []
    for number, title in enumerate(titles):
        row, column = divmod(number, columns)
        bottom = height - HEADING - (row + 1) * step + 62
        axes = plot_axes(figure, left + 14 + column * cell, bottom, cell - left - 14 - right, tall)
        name(axes, title)
        charts.append(axes)
    if entries:
        legend(paper, entries, "", WIDTH)
    return Sheet(figure, paper, charts)


def name(axes: Axes, title: str) -> None:
    """A bold title above a chart."""
    look: dict[str, Any] = {"fontsize": 10.5, "fontweight": "bold", "loc": "left", "color": style.INK, "pad": 9}
    axes.set_title(drawable(title, 70), parse_math=False, **look)


def quiet(axes: Axes, x: str, y: str) -> None:
    """Labels and grid of a chart."""
    axes.set_xlabel(x, fontsize=9.5)
    axes.set_ylabel(y, fontsize=9.5)
    axes.grid(color=style.FAINT, linewidth=0.6)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def patch(label: str, shade: str) -> Entry:
    """A square of colour in a legend."""
    look: dict[str, Any] = {"markerfacecolor": shade, "markeredgecolor": style.MUTED, "markeredgewidth": 0.5}
    return Entry(label, {"marker": "s", "linestyle": "none", "markersize": 10, **look})


def beside(axes: Axes, x: float, y: float, words: str, size: float = 9.0) -> None:
    """Words to the right of the end of a bar."""
    look: dict[str, Any] = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "parse_math": False}
    axes.annotate(words, (x, y), fontsize=size, color=style.INK, annotation_clip=False, **look)


def rows_of(axes: Axes, names: Sequence[str], named: bool = True, most: int = 40) -> Floats:
    """Name the rows of a chart from the top down; their heights on its axis."""
    rows = np.arange(len(names), dtype=float)[::-1]
    axes.set_yticks(rows, [drawable(n, most) if named else "" for n in names], fontsize=9.5, parse_math=False)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="x", color=style.FAINT, linewidth=0.6)
    axes.xaxis.set_major_formatter(PLAIN)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return rows


# ---- stages and states -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Slots:
    """A place on the horizontal axis for each state of each stage, stage by stage."""

    keys: Sequence[tuple[int, str]]
    x: Floats

    def at(self, rows: pd.DataFrame) -> NDArray[np.int_]:
        """Slot (row,) of each row of a table with stage and state."""
        place = {key: i for i, key in enumerate(self.keys)}
        return np.array([place[int(r.stage), str(r.state)] for r in rows.itertuples()], dtype=int)


def slots(rows: pd.DataFrame) -> Slots:
    """Of the stages and states of a table; a gap between stages."""
    keys = list(dict.fromkeys((int(r.stage), str(r.state)) for r in rows.itertuples()))
    keys.sort(key=lambda key: key[0])
    stages = sorted({stage for stage, _ in keys})
    x = np.array([i + 0.6 * stages.index(stage) for i, (stage, _) in enumerate(keys)])
    return Slots(keys, x)


def stage_axis(axes: Axes, places: Slots, label: str, states: bool = True) -> None:
    """Names of states under their slots where the chart is wide enough for them, stages below."""
    step = _wide(axes) / (float(np.ptp(places.x)) + 1.4)  # pixels from slot to slot
    named = states and step >= 6 * SMALL
    names = [drawable(state, int(step / SMALL)) if named else "" for _, state in places.keys]
    axes.set_xticks(places.x, names, fontsize=8.2, parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(places.x[0] - 0.7, places.x[-1] + 0.7)
    stages = sorted({stage for stage, _ in places.keys})
    middles = [np.mean([x for x, (s, _) in zip(places.x, places.keys, strict=True) if s == stage]) for stage in stages]
    room = float(np.diff(middles).min(initial=np.inf)) * step
    full = room > (len(label) + 4) * SMALL
    look: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "top"}
    for stage, x in zip(stages, middles, strict=True):
        words = f"{label} {stage}" if full else str(stage)
        below = (0, -19 if named else -5)
        axes.annotate(words, (float(x), 0), xytext=below, ha="center", fontsize=9, color=style.MUTED, **look)
    if not full:
        axes.set_xlabel(label, fontsize=9.5, labelpad=14)


def _wide(axes: Axes) -> float:
    return float(axes.get_position().width) * WIDTH
