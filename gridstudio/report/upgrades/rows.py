"""Building blocks of charts with a row for each feeder, and of labelled scatters."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray

from gridstudio.report import labels, style
from gridstudio.report.sheet import HEADING, POINT, drawable, plot_axes
from gridstudio.report.upgrades.view import amount, words

Floats = NDArray[np.float64]
WIDTH = 1680.0
ROW = 34.0
MOST_ROWS = 32
LONGEST = 24  # characters of a feeder's name that a chart shows
BEFORE, AFTER = "#e69f00", "#0b4f7a"  # if nothing is built, with the plan: in every figure
DASHES = (0, (5, 2))
SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
MONEY = FuncFormatter(lambda value, _: short_money(value))
PLAIN = FuncFormatter(lambda value, _: style.number(value) if abs(value) >= 1000 else f"{value:.4g}")
PERCENT = FuncFormatter(lambda value, _: style.percent(value))


def short_money(usd: float) -> str:
    """Money on an axis or in a cell, in three digits: '1.4 M', '690 k', '12.5 k', '850'."""
    scale, letter = next((pair for pair in SCALES if abs(usd) >= 0.9995 * pair[0]), (1.0, ""))
    size = abs(usd) / scale
    text = style.number(usd / scale, 0 if size >= 99.95 or not letter else 1 if size >= 9.995 else 2)
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{style.SPACE}{letter}".strip()


def name_width(names: Sequence[str]) -> float:
    """Pixels that the names beside the rows need."""
    return 44 + 10.6 * max((min(len(name), LONGEST) for name in names), default=4)


def row_axes(
    figure: Figure, left: float, bottom: float, width: float, names: Sequence[str], named: bool, row: float = ROW
) -> Axes:
    """Axes with a row for each name, the first on top."""
    axes = plot_axes(figure, left, bottom, width, row * max(len(names), 1))
    shown = [drawable(words(name), LONGEST) if named else "" for name in names]
    axes.set_yticks(np.arange(len(names)), shown, fontsize=9.5, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.grid(axis="x", color=style.FAINT, linewidth=0.6)
    return axes


def rows_height(count: int, foot: float, row: float = ROW) -> float:
    """Pixels of a sheet of rows with ``foot`` below them."""
    return HEADING + 46 + row * max(count, 1) + foot


def title(axes: Axes, text: str) -> None:
    """A small bold title above an axes, at its left."""
    axes.set_title(drawable(text), fontsize=11, fontweight="bold", loc="left", color=style.INK, parse_math=False)


def beside(axes: Axes, x: Any, y: Any, text: str, **look: Any) -> None:
    """A number beside a bar or a mark, in the axes' units."""
    shown = {"fontsize": 8.8, "va": "center", "color": style.INK, "parse_math": False, **look}
    shown["bbox"] = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.8}
    axes.annotate(drawable(text), (x, y), xytext=(6, 0), textcoords="offset points", **shown)


def money_axis(axes: Axes, which: str = "x", ticks: int = 6) -> None:
    """Short money on an axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(ticks))
    axis.set_major_formatter(MONEY)


def log_axis(axes: Axes, which: str, formatter: FuncFormatter = PLAIN) -> None:
    """A logarithmic axis with a number at each power of ten, at 2 and 5 too where it spans few of them."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0) if high < 100 * low else (1.0,), numticks=9))
    axis.set_major_formatter(formatter)
    axis.set_minor_formatter(NullFormatter())


def label_points(
    axes: Axes, x: Floats, y: Floats, names: Sequence[str], radius_px: Floats | float = 7.0,
    lines: Sequence[tuple[Floats, Floats]] = (), most: int = 14, font: float = 9.0,
) -> None:  # fmt: skip
    """Names beside the first ``most`` points of a scatter, none over another; the marks (``radius_px``) and ``lines``
    (x, y) are kept clear. The axes must have their limits."""
    if not len(names):
        return
    box = axes.get_window_extent()
    axes.autoscale_view()  # limits that wait to be found
    points = axes.transData.transform(np.column_stack([x, y]))
    bounds = (box.x0, box.x1, box.y0, box.y1)
    shown = [drawable(words(name), LONGEST) for name in names[:most]]
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.linspace(0, 1, 6)[:, None, None]
    radius = np.broadcast_to(np.asarray(radius_px, dtype=float), len(points))
    around = (points[:, None] + radius[:, None, None] * rim.reshape(-1, 2)).reshape(-1, 2)
    drawn = np.concatenate([around, *(_along(axes, *line) for line in lines)])
    inside = (drawn[:, 0] >= box.x0) & (drawn[:, 0] <= box.x1) & (drawn[:, 1] >= box.y0) & (drawn[:, 1] <= box.y1)
    clutter = labels.Clutter.of(drawn[inside], np.full(int(inside.sum()), 30.0), bounds)
    sizes = labels.text_size(shown, font * POINT)
    places = labels.place(points[: len(shown)], sizes, clutter)
    for name, at, place, size in zip(shown, points, places, sizes, strict=False):
        if not np.isfinite(place).all():
            continue
        edge = np.clip(at, place - size / 2, place + size / 2)
        if np.hypot(*(edge - at)) > 22:
            line: dict[str, Any] = {"color": style.MUTED, "linewidth": 0.6, "transform": IdentityTransform()}
            axes.plot([at[0], edge[0]], [at[1], edge[1]], zorder=4, **line)
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": font, "parse_math": False, "zorder": 6}
        axes.text(float(place[0]), float(place[1]), name, transform=IdentityTransform(), color=style.INK, **look)


def _along(axes: Axes, x: Floats, y: Floats) -> Floats:
    """Points (n, 2) [px] close together on a line."""
    corners = axes.transData.transform(np.column_stack([x, y]))
    steps = [a + (b - a) * np.linspace(0, 1, 200)[:, None] for a, b in pairwise(corners)]
    return np.concatenate([corners, *steps])


def number_text(value: float, unit: str = "") -> str:
    """A number and its unit beside a bar."""
    return f"{amount(value)}{style.SPACE}{unit}".strip() if np.isfinite(value) else "\u2013"
