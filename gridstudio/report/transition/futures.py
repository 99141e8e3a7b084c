"""Charts of how a plan fares: fans over the futures, distributions in and out of sample; the days of the year."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import (
    HEADING,
    Entry,
    heading,
    legend,
    legend_height,
    line_entry,
    new_sheet,
    plot_axes,
    save,
)
from gridstudio.report.transition.frames import (
    BUTT,
    FOUND,
    OTHER,
    PERCENT,
    PLAIN,
    WIDTH,
    Floats,
    panels,
    quiet,
    rows_of,
)
from gridstudio.report.transition.view import QUANTILES

LEFT = 380.0  # pixels for the names of samples
WIDE, NARROW = "#cfe1ee", "#8db9d8"
DAY_COLOURS = {"wind_pu": "#0072b2", "solar_pu": "#e69f00", "rating_pu": "#6b7680"}
DAY_DASHES: dict[str, Any] = {"wind_pu": "solid", "solar_pu": (0, (5, 1.5)), "rating_pu": (0, (1.5, 1.5))}


@dataclass(frozen=True, eq=False)
class Fan:
    """Quantiles (stage, 5: 5, 25, 50, 75, 95 %) of a quantity over the futures; ``mean`` (stage,) or None."""

    title: str
    axis: str
    stages: Sequence[int]
    quantiles: Floats
    mean: Floats | None = None


def fans(shown: Sequence[Fan], text: Text, path: Path) -> None:
    """A chart for each quantity: bands between quantiles by stage, median and mean."""
    entries = [
        Entry("5 to 95 %", {"color": WIDE, "linewidth": 11.0, **BUTT}),
        Entry("25 to 75 %", {"color": NARROW, "linewidth": 11.0, **BUTT}),
        line_entry("median", FOUND, 2.4),
    ]
    if any(fan.mean is not None for fan in shown):
        entries.append(line_entry("mean", OTHER, 1.8, linestyle=(0, (4, 2))))
    columns = 4 if len(shown) > 6 else 3
    sheet = panels([fan.title for fan in shown], text, entries, columns=columns, tall=200.0)
    for axes, fan in zip(sheet.charts, shown, strict=True):
        _fan(axes, fan)
    save(sheet.figure, path)


def _fan(axes: Axes, fan: Fan) -> None:
    x, q = np.asarray(fan.stages, dtype=float), fan.quantiles
    if len(x) == 1:  # a band needs a width
        x, q = np.array([x[0] - 0.3, x[0] + 0.3]), np.repeat(q, 2, axis=0)
    axes.fill_between(x, q[:, 0], q[:, 4], color=WIDE, linewidth=0)
    axes.fill_between(x, q[:, 1], q[:, 3], color=NARROW, linewidth=0)
    axes.plot(x, q[:, 2], color=FOUND, linewidth=2.4, marker="o", markersize=5)
    if fan.mean is not None:
        mean = np.repeat(fan.mean, len(x)) if len(fan.mean) == 1 else fan.mean
        axes.plot(x, mean, color=OTHER, linewidth=1.8, linestyle=(0, (4, 2)))
    quiet(axes, "stage", fan.axis)
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(q))), top=1.1 * max(float(np.nanmax(q)), 1e-9))
    axes.xaxis.set_major_locator(MaxNLocator(min(10, max(len(fan.stages), 2)), integer=True))


# ---- distributions ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sample:
    """A plan before realisations: quantiles by quantity (a row of table simulations each), and each cost [bn USD] with
    its probability where they are known."""

    label: str
    colour: str
    dashes: Any
    measures: dict[str, "pd.Series[Any]"]
    cost_busd: Floats | None = None
    probability: Floats | None = None


QUANTITIES = (
    ("cost_busd", "cost [bn USD]"),
    ("shed_gwh", "shed, all years [GWh]"),
    ("curtailed_gwh", "curtailed, all years [GWh]"),
)


def distributions(samples: Sequence[Sample], text: Text, path: Path) -> None:
    """How often a cost is exceeded; below, quantiles of cost, shedding and curtailment, a row for each sample."""
    curved = [s for s in samples if s.cost_busd is not None]
    shown = [(q, label) for q, label in QUANTITIES if any(q in s.measures for s in samples)]
    entries = [line_entry(s.label, s.colour, 2.4, linestyle=s.dashes) for s in curved]
    entries += _box_entries()
    foot, tall = legend_height(entries, "", WIDTH), 46.0 * len(samples)
    above = 330.0 if curved else 0.0
    height = HEADING + (above + 84 if curved else 0) + tall + foot + 106
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    if curved:
        axes = plot_axes(figure, LEFT, height - HEADING - above - 20, WIDTH - LEFT - 60, above)
        for sample in curved:
            _exceeded(axes, sample)
        _finish(axes)
    cell = (WIDTH - LEFT - 30) / max(len(shown), 1)
    for number, (quantity, label) in enumerate(shown):
        axes = plot_axes(figure, LEFT + number * cell, foot + 60, cell - 40, tall)
        _boxes(axes, samples, quantity, named=not number)
        axes.set_xlabel(label, fontsize=9.5)
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _box_entries() -> list[Entry]:
    alone: dict[str, Any] = {"linestyle": "none", "color": style.INK}
    return [
        line_entry("5 to 95 %", style.MUTED, 1.6),
        Entry("25 to 75 %", {"color": NARROW, "linewidth": 10.0, **BUTT}),
        Entry("median", {"marker": "|", "markersize": 13, "markeredgewidth": 2.6, **alone}),
        Entry("mean", {"marker": "D", "markersize": 6.5, **alone}),
        Entry("highest", {"marker": "x", "markersize": 7, "markeredgewidth": 1.6, **alone}),
    ]


def _finish(axes: Axes) -> None:
    quiet(axes, "cost [bn USD]", "probability that\nthe cost is higher")
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.xaxis.set_major_formatter(PLAIN)


def _exceeded(axes: Axes, sample: Sample) -> None:
    if sample.cost_busd is None or sample.probability is None:
        return
    order = np.argsort(sample.cost_busd, kind="stable")
    x, weight = sample.cost_busd[order], sample.probability[order] / sample.probability.sum()
    above = np.maximum(1 - np.cumsum(weight), 0.0)
    look: dict[str, Any] = {"color": sample.colour, "linewidth": 2.2, "linestyle": sample.dashes}
    axes.step(np.append(x[0], x), np.append(1.0, above), where="post", **look)


def _boxes(axes: Axes, samples: Sequence[Sample], quantity: str, named: bool) -> None:
    rows = rows_of(axes, [s.label for s in samples], named)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    for y, sample in zip(rows, samples, strict=True):
        if quantity not in sample.measures:
            continue
        found = sample.measures[quantity]
        low, left, middle, right, high = (float(found[q]) for q in QUANTILES)
        axes.hlines(y, low, high, color=style.MUTED, linewidth=1.6)
        axes.barh(y, right - left, 0.46, left=left, color=sample.colour, alpha=0.4)
        look: dict[str, Any] = {"color": style.INK, "zorder": 4, "linestyle": "none"}
        axes.plot([middle], [y], marker="|", markersize=17, markeredgewidth=2.6, **look)
        axes.plot([float(found["mean"])], [y], marker="D", markersize=6, **look)
        axes.plot([float(found["highest"])], [y], marker="x", markersize=6.5, markeredgewidth=1.6, **look)
    axes.margins(x=0.05)


# ---- days ------------------------------------------------------------------------------------------


def days(table: pd.DataFrame, text: Text, path: Path) -> None:
    """A chart for each representative day: load as an area (left), wind, sun and line rating as lines (right)."""
    numbers = list(dict.fromkeys(table["day"]))
    heads = [table[table["day"] == n].iloc[0] for n in numbers]
    titles = [f"{row['label']}, {style.percent(row['weight'], 1)} of the year" for row in heads]
    entries = [Entry("load (left)", {"color": WIDE, "linewidth": 11.0, **BUTT})]
    for column, label in (
        ("wind_pu", "wind (right)"),
        ("solar_pu", "sun (right)"),
        ("rating_pu", "line rating (right)"),
    ):
        entries.append(line_entry(label, DAY_COLOURS[column], 2.2, linestyle=DAY_DASHES[column]))
    columns = 4 if len(numbers) in (4, 7, 8) or len(numbers) > 9 else 3
    sheet = panels(titles, text, entries, columns=columns, tall=190.0, left=70.0, right=66.0)
    load = 1.08 * max(float(table["load_mw"].astype(float).max()) / 1e3, 1e-9)
    high = 1.08 * max(float(table[list(DAY_COLOURS)].astype(float).max().max()), 1.0)
    for number, (axes, day) in enumerate(zip(sheet.charts, numbers, strict=True)):
        rows = table[table["day"] == day]
        hour = rows["hour"].to_numpy(dtype=float)
        axes.fill_between(hour, 0, rows["load_mw"].to_numpy(dtype=float) / 1e3, color=WIDE, linewidth=0)
        quiet(axes, "hour", "load [GW]" if number % columns == 0 else "")
        axes.set(ylim=(0, load), xlim=(hour.min(), max(hour.max(), hour.min() + 1)))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        last = number % columns == columns - 1 or number == len(numbers) - 1
        _per_unit(axes, rows, high, "per unit" if last else "")
    save(sheet.figure, path)


def _per_unit(axes: Axes, rows: pd.DataFrame, high: float, label: str) -> None:
    """Wind, sun and rating on an axis of their own at the right."""
    right = axes.twinx()
    for column, shade in DAY_COLOURS.items():
        hour, values = (rows[c].to_numpy(dtype=float) for c in ("hour", column))
        right.plot(hour, values, color=shade, linewidth=2.2, linestyle=DAY_DASHES[column])
    right.set_ylim(0, high)
    right.tick_params(labelsize=9, color=style.MUTED)
    right.set_ylabel(label, fontsize=9.5)
    for side in ("top", "left"):
        right.spines[side].set_visible(False)
