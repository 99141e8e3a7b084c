"""Charts of what the measures are worth: benefit-cost ratio over the discount band, cost against benefit,
alternatives against wires."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, Entry, heading, legend, line_entry, new_sheet, plot_axes, save
from gridstudio.report.upgrades.rows import (
    AFTER,
    BEFORE,
    DASHES,
    MONEY,
    PLAIN,
    WIDTH,
    beside,
    label_points,
    log_axis,
    money_axis,
    name_width,
    row_axes,
    rows_height,
    short_money,
    title,
)

GAIN, LOSS = "#0072b2", "#d55e00"
PAIR = 46.0  # pixels of a row with two bars


def benefit_cost(projects: pd.DataFrame, text: Text, path: Path) -> None:
    """A row for each feeder: benefit-cost ratio at the middle rate (bar) and over the band (whisker), and NPV."""
    names = [str(name) for name in dict.fromkeys(projects["feeder"])]
    height = rows_height(len(names), 118)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = name_width(names)
    width = (WIDTH - left - 60) / 2
    ratio = row_axes(figure, left, 112, width - 60, names, named=True)
    worth = row_axes(figure, left + width + 30, 112, width - 60, names, named=False)
    for axes, column, unit in ((ratio, "bcr", PLAIN), (worth, "npv_usd", MONEY)):
        _band(axes, projects, names, column, 1.0 if column == "bcr" else 0.0)
        axes.xaxis.set_major_formatter(unit)
    ratio.axvline(1.0, color=style.WARNING, linewidth=1.6, linestyle=DASHES)
    worth.axvline(0.0, color=style.MUTED, linewidth=0.8)
    title(ratio, "Benefit-cost ratio")
    title(worth, "Net present value [USD]")
    entries = [
        line_entry("pays", GAIN, 9.0, solid_capstyle="butt"),
        line_entry("does not pay", LOSS, 9.0, solid_capstyle="butt"),
        line_entry("over the discount band", style.INK, 1.6, marker="|", markersize=9),
        line_entry("benefit = cost", style.WARNING, 1.6, linestyle=DASHES),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _band(axes: Axes, projects: pd.DataFrame, names: Sequence[str], column: str, enough: float) -> None:
    by_feeder = projects.sort_values("discount_rate", kind="stable").groupby("feeder", sort=False)[column]
    values = [by_feeder.get_group(name).to_numpy(dtype=float) for name in names]
    middle = np.array([part[len(part) // 2] for part in values])
    low, high = np.array([part.min() for part in values]), np.array([part.max() for part in values])
    at = np.arange(len(names))
    axes.barh(at, middle, 0.5, color=[GAIN if value >= enough else LOSS for value in middle])
    axes.hlines(at, low, high, color=style.INK, linewidth=1.6)
    for ends in (low, high):
        axes.plot(ends, at, "|", color=style.INK, markersize=9, markeredgewidth=1.6)
    reach = max(float(np.nanmax(high)), enough, 1e-9)
    least = min(float(np.nanmin(low)), 0.0)
    axes.set_xlim(1.3 * least, reach + 0.2 * (reach - least))
    for y, value, end in zip(at, middle, high, strict=True):
        told = f"{value:.2f}" if column == "bcr" else short_money(value)
        beside(axes, max(end, 0.0), y, told)


def cost_against_benefit(points: pd.DataFrame, text: Text, path: Path) -> None:
    """A point for each feeder (feeder, cost_usd, benefit_usd) on logarithmic scales; above the line it pays."""
    height = 820.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 120, 124, WIDTH - 220, height - HEADING - 160)
    cost, benefit = (points[c].to_numpy(dtype=float) for c in ("cost_usd", "benefit_usd"))
    real = (cost > 0) & (benefit > 0)
    low = min(cost[real].min(initial=1e6), benefit[real].min(initial=1e6)) / 1.6
    high = max(cost[real].max(initial=1e6), benefit[real].max(initial=1e6)) * 1.6
    axes.set(xlim=(cost[real].min(initial=high) / 1.6, cost[real].max(initial=low) * 1.8), ylim=(low, high))
    for which in ("x", "y"):
        log_axis(axes, which, MONEY)
    line = np.array([low / 10, high * 10])
    axes.plot(line, line, color=style.WARNING, linewidth=1.5, linestyle=DASHES, scalex=False, scaley=False)
    pays = benefit >= cost
    for chosen, marker, colour in ((pays, "o", GAIN), (~pays, "X", LOSS)):
        axes.scatter(cost[real & chosen], benefit[real & chosen], s=95, marker=marker, color=colour, zorder=3,
                     edgecolors=style.PAPER, linewidths=0.8)  # fmt: skip
    axes.set_xlabel("present value of cost [USD]", fontsize=10)
    axes.set_ylabel("present value of benefit [USD]", fontsize=10)
    axes.grid(color=style.FAINT, linewidth=0.5)
    label_points(axes, cost[real], benefit[real], [str(n) for n in points["feeder"].to_numpy()[real]], most=20)
    dot: dict[str, Any] = {"markersize": 10, "linestyle": "none"}
    entries = [
        Entry("pays", {**dot, "marker": "o", "color": GAIN}),
        Entry("does not pay", {**dot, "marker": "X", "color": LOSS}),
        line_entry("benefit = cost", style.WARNING, 1.5, linestyle=DASHES),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def alternatives(rows: pd.DataFrame, years: Sequence[int], text: Text, path: Path) -> None:
    """A row for each feeder that is short: cost of the plan's measures and of the alternative, what deferral is worth
    net of the alternative, and in which years the alternative is adequate."""
    names = [str(name) for name in rows["feeder"]]
    height = rows_height(len(names), 118, PAIR)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = name_width(names)
    width = (WIDTH - left - 60) / 3
    axes = [row_axes(figure, left + width * k + 10 * k, 112, width - 70, names, not k, PAIR) for k in range(3)]
    at = np.arange(len(names))
    wires, other, deferral = (rows[c].to_numpy(dtype=float) for c in ("wires_usd", "cost_usd", "deferral_usd"))
    _pair(axes[0], at, wires, other)
    axes[1].barh(at, deferral, 0.5, color=[GAIN if value >= 0 else LOSS for value in deferral])
    axes[1].axvline(0, color=style.MUTED, linewidth=0.8)
    span = max(float(np.nanmax(np.abs(deferral))), 1.0)
    axes[1].set_xlim(min(1.15 * deferral.min(), -0.05 * span), max(deferral.max(), 0) + 0.45 * span)
    money_axis(axes[1], ticks=4)
    for y, value in zip(at, deferral, strict=True):
        beside(axes[1], max(value, 0.0), y, short_money(value))
    _adequacy(axes[2], rows, years)
    titles = ("Cost [USD]", "Deferral value, net of its cost [USD]", "Adequate in year")
    for part, words in zip(axes, titles, strict=True):
        title(part, words)
    square: dict[str, Any] = {"marker": "s", "markersize": 11, "linestyle": "none"}
    entries = [
        line_entry("wires that it would defer", AFTER, 9.0, solid_capstyle="butt"),
        line_entry("non-wires alternative", BEFORE, 9.0, solid_capstyle="butt"),
        Entry("adequate", {**square, "color": GAIN}),
        Entry("not adequate", {**square, "marker": "X", "color": LOSS}),
        Entry("not needed yet", {**square, "markersize": 4, "marker": "o", "color": style.UNKNOWN}),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _pair(axes: Axes, at: Any, wires: Any, other: Any) -> None:
    axes.barh(at - 0.19, wires, 0.36, color=AFTER)
    axes.barh(at + 0.19, other, 0.36, color=BEFORE)
    axes.set_xlim(0, 1.28 * max(float(np.nanmax(np.append(wires, other))), 1.0))
    money_axis(axes, ticks=4)
    for values, shift in ((wires, -0.19), (other, 0.19)):
        for y, value in zip(at, values, strict=True):
            beside(axes, value, y + shift, short_money(value), fontsize=8.0)


def _adequacy(axes: Axes, rows: pd.DataFrame, years: Sequence[int]) -> None:
    """Square: adequate; cross: short and not adequate; dot: not short yet."""
    for y, (first, until) in enumerate(zip(rows["first_year"], rows["adequate_until"], strict=True)):
        for year in years:
            if year < first:
                axes.plot(year, y, "o", color=style.UNKNOWN, markersize=4)
            elif year <= until:
                axes.plot(year, y, "s", color=GAIN, markersize=11)
            else:
                axes.plot(year, y, "X", color=LOSS, markersize=9)
    axes.set_xlim(min(years, default=1) - 0.6, max(years, default=1) + 0.6)
    axes.set_xticks(list(years))
