"""Charts of a plan: its cost measure by measure, violations step by step, loadings before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
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
)  # fmt: skip

Floats = NDArray[np.float64]
WIDTH = 1680.0
MONEY = FuncFormatter(lambda value, _: style.number(value))
ROW = 32.0
LONGEST = 46


@dataclass(frozen=True)
class Cost:
    """A measure of the plan, or a kind of measures: its name, cost and look."""

    name: str
    cost_usd: float
    words: str
    colour: str


def costs(measures: Sequence[Cost], kinds: Sequence[Cost], text: Text, path: Path) -> None:
    """At the left the plan as a waterfall, from the dearest measure to the whole; at the right by kind of measure."""
    rows = len(measures) + 1
    height = HEADING + 60 + ROW * max(rows, len(kinds), 3) + 70
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = plot_axes(figure, 430, height - HEADING - 50 - ROW * rows, 560, ROW * rows)
    right = plot_axes(figure, 1250, height - HEADING - 50 - ROW * len(kinds), 270, ROW * len(kinds))
    _waterfall(left, measures)
    y = np.arange(len(kinds))[::-1]
    most = max([kind.cost_usd for kind in kinds] + [1.0])
    right.barh(y, [kind.cost_usd for kind in kinds], 0.66, color=[kind.colour for kind in kinds])
    for row, kind in zip(y, kinds, strict=True):
        _beside(right, kind.cost_usd, row, kind.words)
    right.set_yticks(y, [drawable(kind.name, 26) for kind in kinds], fontsize=9.4, parse_math=False)
    right.set(ylim=(-0.6, len(kinds) - 0.4), xlim=(0, 1.05 * most))
    left.set_title("Measure by measure", fontsize=11, fontweight="bold", loc="left")
    right.set_title("By kind of measure", fontsize=11, fontweight="bold", loc="left")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(4 if axes is left else 2))
        axes.xaxis.set_major_formatter(MONEY)
        axes.set_xlabel("cost: capital and present value of O&M [USD]", fontsize=9.6)
        axes.grid(axis="x", color=style.FAINT, linewidth=0.6)
    save(figure, path)


def _waterfall(axes: Axes, measures: Sequence[Cost]) -> None:
    rows = np.arange(len(measures) + 1)[::-1]
    total = sum(measure.cost_usd for measure in measures)
    base = 0.0
    for row, measure in zip(rows, measures, strict=False):
        axes.barh(row, measure.cost_usd, 0.66, left=base, color=measure.colour)
        base += measure.cost_usd
        axes.plot([base, base], [row - 1.33, row + 0.33], color=style.MUTED, linewidth=0.7)
        _beside(axes, base, row, measure.words)
    axes.barh(0, total, 0.66, color=style.INK)
    _beside(axes, total, 0, style.money(total))
    names = [drawable(measure.name, LONGEST) for measure in measures] + ["the whole plan"]
    axes.set_yticks(rows, names, fontsize=8.8, parse_math=False)
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlim=(0, 1.3 * max(total, 1.0)))


def _beside(axes: Axes, x: float, y: float, words: str) -> None:
    place: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 9}
    axes.annotate(words, (x, y), color=style.INK, annotation_clip=False, **place)


# ---- step by step ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Course:
    """The search: ``counts`` (step + 1, kind) of violations before the first and after every accepted step, the plan's
    cost (step + 1,), the phase of every step (step,) and after which step a candidate was refused."""

    counts: pd.DataFrame
    cost_usd: Floats
    phase: Sequence[str]
    refused: Sequence[int]


PHASES = {"cure": "cure", "cleanup": "clean-up", "swap": "swap", "exact": "exact search"}
TINT = {"cure": "#ffffff", "cleanup": "#eef4f9", "swap": "#fdf3e0", "exact": "#eef6f1"}


def course(found: Course, kinds: Mapping[str, tuple[str, str]], text: Text, path: Path) -> None:
    """Violations by kind over the accepted steps, stacked, and below the cost of the plan."""
    shown = {kind: look for kind, look in kinds.items() if float(found.counts[kind].max()) > 0}
    entries = [line_entry(label, colour, 9.0) for label, colour in shown.values()]
    entries.append(line_entry("cost of the plan", style.INK, 2.2))
    if len(found.refused):
        cross: dict[str, Any] = {"marker": "x", "linestyle": "none", "color": style.WARNING}
        entries.append(Entry("candidate refused by power flow", cross))
    foot = legend_height(entries, "", WIDTH)
    height = HEADING + 620 + foot
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    above = plot_axes(figure, 140, foot + 320, WIDTH - 190, 250)
    below = plot_axes(figure, 140, foot + 66, WIDTH - 190, 200)
    steps = len(found.phase)
    x = np.arange(steps + 2) - 0.5
    base = np.zeros(steps + 2)
    for kind, (_, colour) in shown.items():
        top = base + np.append(found.counts[kind].to_numpy(dtype=float), found.counts[kind].iloc[-1])
        above.fill_between(x, base, top, step="post", color=colour, linewidth=0)
        base = top
    above.step(x, base, where="post", color=style.INK, linewidth=1.0)
    _total_words(above, base[:-1])
    below.step(x, np.append(found.cost_usd, found.cost_usd[-1]), where="post", color=style.INK, linewidth=2.2)
    at = np.array(found.refused, dtype=float) + 0.5
    below.plot(at, np.zeros(len(at)), "x", color=style.WARNING, markersize=7, clip_on=False, zorder=5)
    above.set_ylim(0, 1.15 * max(float(base.max()), 1.0))
    below.set_ylim(0, 1.1 * max(float(found.cost_usd.max()), 1.0))
    above.set_ylabel("violations", fontsize=10)
    below.set_ylabel("cost of the plan [USD]", fontsize=10)
    below.set_xlabel("accepted steps (0: as it is)", fontsize=10)
    for axes in (above, below):
        _phases(axes, found.phase, named=axes is above)
        axes.set_xlim(-0.5, steps + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(20, integer=True))
        axes.yaxis.set_major_formatter(MONEY)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.grid(axis="y", color=style.FAINT, linewidth=0.6)
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _total_words(axes: Axes, totals: Floats) -> None:
    if len(totals) > 40:
        return
    for step, total in enumerate(totals):
        place: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 9, "color": style.INK}
        axes.text(step, total + 0.01 * max(float(totals.max()), 1.0), style.number(total), **place)


def _phases(axes: Axes, phase: Sequence[str], named: bool) -> None:
    start = 0
    for k in range(1, len(phase) + 1):
        if k == len(phase) or phase[k] != phase[start]:
            axes.axvspan(start + 0.5, k + 0.5, color=TINT.get(phase[start], "#ffffff"), zorder=0, linewidth=0)
            if start:
                axes.axvline(start + 0.5, color=style.MUTED, linewidth=0.9, linestyle=(0, (2, 2)))
            if named:
                note: dict[str, Any] = {"ha": "left", "va": "top", "fontsize": 9, "color": style.MUTED}
                words = PHASES.get(phase[start], phase[start])
                axes.text(start + 0.55, 0.99, words, transform=axes.get_xaxis_transform(), **note)
            start = k


# ---- loadings -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loading:
    """A branch before and after, in pu of the rating in force, its limit and what the plan does to it."""

    name: str
    before_pu: float
    after_pu: float
    limit_pu: float
    words: str


def loadings(found: Sequence[Loading], text: Text, path: Path) -> None:
    """Highest loading of each branch before (ring) and after (dot); a tick at its limit."""
    tall = ROW * max(len(found), 1)
    ring: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 9, "markerfacecolor": "none"}
    entries = [
        Entry("before", {**ring, "markeredgecolor": style.INK}),
        Entry("after, within the limit", {"marker": "o", "linestyle": "none", "markersize": 7, "color": "#0072b2"}),
        Entry("after, above the limit", {"marker": "X", "linestyle": "none", "markersize": 8, "color": style.WARNING}),
        Entry("limit", {"marker": "|", "linestyle": "none", "markersize": 14, "color": style.WARNING}),
    ]
    foot = legend_height(entries, "", WIDTH)
    height = HEADING + tall + 92 + foot
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 330, foot + 62, 880, tall)
    rows = np.arange(len(found))[::-1]
    before, after, limit = 100 * np.array([(b.before_pu, b.after_pu, b.limit_pu) for b in found]).T
    axes.hlines(rows, np.minimum(before, after), np.maximum(before, after), color=style.FAINT, linewidth=3, zorder=1)
    axes.plot(limit, rows, marker="|", markersize=18, markeredgewidth=1.8, color=style.WARNING, linestyle="none")
    axes.plot(before, rows, **{**ring, "markeredgecolor": style.INK, "markeredgewidth": 1.3})
    over = after > limit * (1 + 1e-9)
    axes.plot(after[~over], rows[~over], "o", markersize=7, color="#0072b2", zorder=4)
    axes.plot(after[over], rows[over], "X", markersize=8, color=style.WARNING, zorder=4)
    axes.set_yticks(rows, [drawable(b.name, 26) for b in found], fontsize=9.2, family=MONO, parse_math=False)
    axes.set(ylim=(-0.6, len(found) - 0.4))
    axes.set_xlim(0, 1.05 * max(float(np.nanmax([*before, *after, *limit])), 1.0))
    axes.set_xlabel("highest loading over the scenarios and hours [% of the rating in force]", fontsize=10)
    axes.xaxis.set_major_formatter(MONEY)
    axes.grid(axis="x", color=style.FAINT, linewidth=0.6)
    for row, branch, first, last in zip(rows, found, before, after, strict=True):
        words = drawable(f"{first:.0f} \u2192 {last:.0f} %   {branch.words}".rstrip(), 50)
        note: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 8.8}
        axes.text(1.02, row, words, color=style.INK, parse_math=False, **note)
    legend(sheet, entries, "", WIDTH)
    save(figure, path)
