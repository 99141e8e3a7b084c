"""Charts of a restoration study: methods, storms, customers out over time, training, cold load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from gridstudio.report import labels, style
from gridstudio.report.maps import Look, Text, write_labels
from gridstudio.report.restoration.view import Curve, MethodLook
from gridstudio.report.sheet import (
    HEADING,
    POINT,
    Entry,
    drawable,
    heading,
    legend,
    line_entry,
    new_sheet,
    plot_axes,
    save,
    write,
)

Floats = NDArray[np.float64]
WIDTH = 1680.0
PLAIN = FuncFormatter(lambda value, _: style.number(value))
LIMIT = (0, (5, 2))
TICKS_MIN = (0, 1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 1440, 2880, 10080)
LONGEST = 34
MOST_ROWS = 30


@dataclass(frozen=True)
class Bar:
    """A method's total: ``spread`` over its trainings (0: none), ``broken`` storms in which it breaks limits."""

    label: str
    look: MethodLook
    minutes: float
    spread: float
    restored: float
    note: str
    broken: int


def methods(bars: Sequence[Bar], storms: int, text: Text, path: Path) -> None:
    """Customer-minutes at the left, customers restored at the right, a row for each method; those that break limits
    are hatched and say so."""
    tall = 58.0 * max(len(bars), 1)
    height = HEADING + tall + 90
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left, right = plot_axes(figure, 190, 70, 920, tall), plot_axes(figure, 1190, 70, 440, tall)
    rows = np.arange(len(bars))[::-1]
    most = max((bar.minutes + bar.spread for bar in bars), default=1.0) or 1.0
    for y, bar in zip(rows, bars, strict=True):
        _bar(left, y, bar, bar.minutes)
        _bar(right, y, bar, bar.restored)
        if bar.spread > 0:
            span: dict[str, Any] = {"color": style.INK, "capsize": 5, "elinewidth": 1.4, "capthick": 1.4}
            left.errorbar([bar.minutes], [y], xerr=[bar.spread], fmt="none", **span)
        words = style.number(bar.minutes) + (f" \u00b1 {style.number(bar.spread)}" if bar.spread > 0 else "")
        note = f"{words}   {bar.note}" if bar.note else words
        _beside(left, bar.minutes + bar.spread, y, note, most)
        _beside(right, bar.restored, y, style.number(bar.restored), most)
        if bar.broken:
            warning: dict[str, Any] = {"fontsize": 9.5, "va": "center", "color": style.WARNING, "fontweight": "bold"}
            back = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 2.5}
            words = f"breaks limits in {bar.broken} of {storms} storms"
            left.text(0.012 * most, y, words, bbox=back, parse_math=False, **warning)
    names = [drawable(bar.label, 24) for bar in bars]
    left.set_yticks(rows, names, fontsize=10.5, parse_math=False)
    right.set_yticks(rows, [""] * len(bars))
    left.set_xlim(0, 1.42 * most)
    right.set_xlim(0, 1.25 * max((bar.restored for bar in bars), default=1.0) or 1.0)
    left.set_xlabel("customer-minutes of interruption, all storms [min]", fontsize=10)
    right.set_xlabel("customers picked up by switching", fontsize=10)
    for axes in (left, right):
        axes.set_ylim(-0.6, len(bars) - 0.4)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(PLAIN)
        axes.grid(axis="x", color=style.FAINT, linewidth=0.6)
    save(figure, path)


def _bar(axes: Axes, y: float, bar: Bar, value: float) -> None:
    look: dict[str, Any] = {"facecolor": bar.look.colour, "edgecolor": style.PAPER, "linewidth": 0}
    if bar.broken:
        look = {"facecolor": "#eef0f2", "edgecolor": bar.look.colour, "hatch": "////", "linewidth": 1.0}
    axes.barh(y, value, 0.62, **look)


def _beside(axes: Axes, x: float, y: float, words: str, _most: float) -> None:
    place: dict[str, Any] = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "fontsize": 10}
    axes.annotate(words, (x, y), color=style.INK, annotation_clip=False, **place)


def storms(
    shares: pd.DataFrame, names: Mapping[str, str], looks: Mapping[str, MethodLook], broken: set[tuple[str, str]],
    text: Text, path: Path,
) -> None:  # fmt: skip
    """Each storm's customer-minutes as a share of those with crews only (storm by method), a mark for each method;
    crossed where it breaks a limit."""
    shown = shares.head(MOST_ROWS)
    tall = 34.0 * len(shown)
    height = HEADING + tall + 136
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 350, 118, WIDTH - 400, tall)
    rows = np.arange(len(shown))[::-1]
    markers = dict(zip(names, ("o", "X", "D", "^", "s", "v", "P"), strict=False))
    entries = []
    for k, method in enumerate(m for m in names if m in shown):
        beside = rows + 0.2 * ((len(shown.columns) - 1) / 2 - k)
        values, look = shown[method].to_numpy(dtype=float), looks[method]
        mark: dict[str, Any] = {"marker": markers.get(method, "o"), "linestyle": "none", "color": look.colour}
        over = np.array([(str(storm), method) in broken for storm in shown.index])
        axes.plot(values[~over], beside[~over], markersize=7, **mark)
        axes.plot(values[over], beside[over], markersize=7, markerfacecolor=style.PAPER, **mark)
        entries.append(Entry(names[method], {"markersize": 7, **mark}))
        if over.any():
            words = f"{names[method]}, breaks a limit"
            entries.append(Entry(words, {"markersize": 7, "markerfacecolor": style.PAPER, **mark}))
    axes.set_yticks(rows, [drawable(name, LONGEST) for name in shown.index], fontsize=9.5, parse_math=False)
    axes.set(ylim=(-0.6, len(shown) - 0.4), xlabel="customer-minutes, part of those with crews only [%]")
    axes.set_xlim(left=min(0.0, float(np.nanmin(shown.to_numpy(dtype=float), initial=0.0))))
    axes.axvline(1.0, color=style.MUTED, linewidth=1.0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f}"))
    axes.grid(color=style.FAINT, linewidth=0.6)
    legend(sheet, entries, "Method", WIDTH)
    save(figure, path)


@dataclass(frozen=True, eq=False)
class Line:
    """A method's curve; ``faint``: of a further training."""

    label: str
    look: MethodLook
    curve: Curve
    faint: bool = False


@dataclass(frozen=True)
class Mark:
    """An operation at the step of the best method's curve."""

    minute: float
    words: str


def customers_out(
    lines: Sequence[Line], best: Line, marks: Sequence[Mark], end_min: float, text: Text, path: Path
) -> None:
    """Customers out over minutes, all methods on one clock: at the left on a logarithmic scale with the operations of
    the best method, at the right on a linear one, where the area is the customer-minutes."""
    height = 760.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left, right = plot_axes(figure, 110, 130, 960, 530), plot_axes(figure, 1180, 130, 460, 530)
    top = max((float(line.curve.customers.max(initial=0)) for line in lines), default=1.0) or 1.0
    for axes in (left, right):
        for line in lines:
            axes.step(
                np.append(line.curve.minute, end_min), np.append(line.curve.customers, line.curve.customers[-1]),
                where="post", color=line.look.colour, linestyle=line.look.dashes,
                linewidth=0.8 if line.faint else line.look.width,
                zorder=2.6 if line is best else 2.5 if line.faint else 2.0,
            )  # fmt: skip
        axes.set_ylim(0, 1.25 * top if axes is left and marks else 1.08 * top)
        axes.set_ylabel("customers out", fontsize=10)
        axes.yaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.grid(color=style.FAINT, linewidth=0.6)
    left.set_xscale("symlog", linthresh=1.0, linscale=0.35)
    left.set_xlim(0, end_min)
    left.xaxis.set_major_locator(FixedLocator([t for t in TICKS_MIN if t <= end_min]))
    left.xaxis.set_minor_locator(FixedLocator([]))
    left.xaxis.set_major_formatter(PLAIN)
    left.set_xlabel("minutes after the trips (logarithmic)", fontsize=10)
    right.set_xlim(0, end_min)
    right.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 3, 6, 10]))
    right.xaxis.set_major_formatter(PLAIN)
    right.set_xlabel("minutes (linear): the area is the customer-minutes", fontsize=10)
    _write_marks(figure, sheet, left, best.curve, marks)
    entries = [line_entry(x.label, x.look.colour, x.look.width, linestyle=x.look.dashes) for x in lines if not x.faint]
    if any(line.faint for line in lines):
        entries.append(line_entry("thin: further trainings", style.MUTED, 0.8))
    legend(sheet, entries, "Method", WIDTH)
    save(figure, path)


def _write_marks(figure: Figure, sheet: Axes, axes: Axes, curve: Curve, marks: Sequence[Mark]) -> None:
    """The operations as labels that keep clear of each other and of the curve."""
    if not marks:
        return
    minutes = np.array([mark.minute for mark in marks])
    at = curve.customers[np.searchsorted(curve.minute, minutes + 1e-9, side="right") - 1]
    look: dict[str, Any] = {"marker": "o", "markeredgecolor": style.INK, "markeredgewidth": 1.0, "linestyle": "none"}
    axes.plot(minutes, at, markersize=5.5, markerfacecolor=style.PAPER, zorder=5, **look)
    anchors = axes.transData.transform(np.column_stack([minutes, at]))
    box = axes.get_window_extent()
    x, y = np.repeat(curve.minute, 2)[1:], np.repeat(curve.customers, 2)[:-1]
    x, y = np.append(x, axes.get_xlim()[1]), np.append(y, curve.customers[-1])
    corners = axes.transData.transform(np.column_stack([x, y]))
    drawn = np.concatenate([np.linspace(a, b, 120) for a, b in pairwise(corners)])
    sides = ((0, 0), (0, 8), (0, -8), (8, 0), (-8, 0))  # the curves of equal methods make a broad one
    drawn = np.concatenate([points + side for points in (drawn, anchors) for side in sides])
    bounds = (box.x0 + 4, box.x1 - 2, box.y0 + 4, box.y1)
    font = 8.4
    words = {i: drawable(mark.words, 44) for i, mark in enumerate(marks)}
    sizes = labels.text_size(list(words.values()), font * POINT)
    places = labels.place(anchors, sizes, labels.Clutter.of(drawn, np.full(len(drawn), 8.0), bounds))
    sheet.set_zorder(5)
    write_labels(sheet, anchors, Look((), np.zeros(0, dtype=bool), words), places, font)


def training(table: pd.DataFrame, look: MethodLook, smooth: int, text: Text, path: Path) -> None:
    """Customer-minutes gained over the greedy way per episode: the mean over the trainings (running mean over
    ``smooth`` points), the band from the lowest to the highest; exploration below."""
    figure, sheet = new_sheet(WIDTH, 720)
    heading(sheet, 720, text.title, text.subtitle)
    above, below = plot_axes(figure, 150, 270, WIDTH - 200, 350), plot_axes(figure, 150, 110, WIDTH - 200, 100)
    saved = table.pivot_table(index="episode", columns="seed", values="saved").interpolate(limit_direction="both")
    run = saved.rolling(smooth, min_periods=1).mean()
    episode = saved.index.to_numpy(dtype=float)
    above.plot(episode, saved.mean(axis=1), color=style.FAINT, linewidth=1.0)
    if saved.shape[1] > 1:
        above.fill_between(episode, run.min(axis=1), run.max(axis=1), color=look.colour, alpha=0.22, linewidth=0)
    above.plot(episode, run.mean(axis=1), color=look.colour, linewidth=2.2)
    above.set_ylabel("gained over greedy\n[customer-minutes per episode]", fontsize=10)
    above.yaxis.set_major_formatter(PLAIN)
    above.yaxis.set_major_locator(MaxNLocator(6))
    epsilon = table.groupby("episode")["epsilon"].mean()
    below.plot(epsilon.index, epsilon, color=style.INK, linewidth=1.4)
    below.set(ylim=(0, 1.05), xlabel="episode")
    below.set_ylabel("exploration", fontsize=10)
    for axes in (above, below):
        axes.set_xlim(0, episode.max())
        axes.xaxis.set_major_formatter(PLAIN)
        axes.grid(color=style.FAINT, linewidth=0.6)
    entries = [line_entry("mean over the trainings, running mean", look.colour, 2.2)]
    if saved.shape[1] > 1:
        entries.append(line_entry("lowest to highest training", look.colour, 8.0, alpha=0.22))
    legend(sheet, [*entries, line_entry("mean, as it is", style.FAINT, 1.4)], "", WIDTH)
    save(figure, path)


@dataclass(frozen=True)
class Pickup:
    """A section under cold load: its minute (NaN: deferred to the repair) and what to say of it."""

    section: str
    minute: float
    words: str


def cold_load(
    curve: pd.DataFrame, pickups: Sequence[Pickup], v_limits_pu: tuple[float, float],
    loading_pu: Sequence[tuple[str, float]], text: Text, path: Path,
) -> None:  # fmt: skip
    """Picked-up load with its surges against the diversified load, and below the lowest voltage and the highest
    loading against their limits; at the right which section waits or is deferred."""
    height = 960.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    wide = 1040.0
    power, volts, load = (plot_axes(figure, 120, y, wide, h) for y, h in ((510, 350), (320, 140), (130, 140)))
    minute, kw, steady = (curve[c].to_numpy(dtype=float) for c in ("minute", "kw", "diversified_kw"))
    power.fill_between(minute, steady, kw, step="post", color="#e69f00", alpha=0.28, linewidth=0)
    power.step(minute, kw, where="post", color="#b3401f", linewidth=2.2)
    power.step(minute, steady, where="post", color="#0072b2", linewidth=2.0, linestyle=(0, (4, 1.5)))
    power.set_ylabel("load picked up [kW]", fontsize=10)
    power.set_ylim(0, 1.22 * max(float(kw.max(initial=0)), 1.0))
    power.yaxis.set_major_formatter(PLAIN)
    v = curve["v_min_pu"].to_numpy(dtype=float)
    volts.step(minute, v, where="post", color="#0072b2", linewidth=1.8)
    volts.axhline(v_limits_pu[0], color=style.WARNING, linewidth=1.3, linestyle=LIMIT)
    volts.set_ylabel("lowest\nvoltage [pu]", fontsize=10)
    low, high = min(v_limits_pu[0], float(np.nanmin(v))), float(np.nanmax(v))
    volts.set_ylim(low - 0.12 * (high - low + 0.01), high + 0.25 * (high - low + 0.01))
    _limit_words(volts, v_limits_pu[0], f"limit {v_limits_pu[0]:g} pu")
    loading = curve["loading_max_pu"].to_numpy(dtype=float)
    load.step(minute, 100 * loading, where="post", color="#0072b2", linewidth=1.8)
    for words, limit in loading_pu:
        load.axhline(100 * limit, color=style.WARNING, linewidth=1.3, linestyle=LIMIT)
        _limit_words(load, 100 * limit, words)
    most = max([float(np.nanmax(loading, initial=0)), *(limit for _, limit in loading_pu)])
    load.set_ylim(0, 125 * most)
    load.set_ylabel("highest\nloading [%]", fontsize=10)
    load.set_xlabel("minutes after the trips", fontsize=10)
    end = max(float(minute.max(initial=1)), 1.0)
    for axes in (power, volts, load):
        axes.set_xlim(0, end)
        axes.grid(color=style.FAINT, linewidth=0.6)
        for at in sorted({p.minute for p in pickups if np.isfinite(p.minute)}):
            axes.axvline(at, color=style.INK, linewidth=0.9, linestyle=(0, (1, 2)))
    broken = minute[~curve["allowed"].astype(bool).to_numpy()]
    if len(broken):
        power.plot(broken, np.full(len(broken), 0.02), "x", color=style.WARNING, transform=power.get_xaxis_transform())
    _pickup_list(sheet, pickups, 120 + wide + 40, 860)
    entries = [
        line_entry("with surges", "#b3401f", 2.2),
        line_entry("diversified", "#0072b2", 2.0, linestyle=(0, (4, 1.5))),
        line_entry("surge of lost diversity", "#e69f00", 8.0, alpha=0.28),
        line_entry("pick-up", style.INK, 0.9, linestyle=(0, (1, 2))),
        line_entry("limit", style.WARNING, 1.3, linestyle=LIMIT),
    ]
    if len(broken):
        entries.append(Entry("limit broken", {"marker": "x", "linestyle": "none", "color": style.WARNING}))
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _limit_words(axes: Axes, at: float, words: str) -> None:
    note: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": 8.5, "color": style.WARNING}
    axes.text(0.995, at, words, transform=axes.get_yaxis_transform(), parse_math=False, **note)


def _pickup_list(sheet: Axes, pickups: Sequence[Pickup], x: float, top: float) -> None:
    write(sheet, x, top, "Sections", fontsize=10.5, fontweight="bold")
    for k, pickup in enumerate(pickups[:MOST_ROWS]):
        y = top - 30 - 23 * k
        colour = style.INK if np.isfinite(pickup.minute) else style.WARNING
        write(sheet, x, y, drawable(pickup.section, 16), fontsize=9, fontweight="bold", color=colour)
        write(sheet, x + 128, y, drawable(pickup.words, 44), fontsize=8.6, color=colour)
    if len(pickups) > MOST_ROWS:
        more = f"and {len(pickups) - MOST_ROWS} more in the table"
        write(sheet, x, top - 30 - 23 * MOST_ROWS, more, fontsize=9, color=style.MUTED)
