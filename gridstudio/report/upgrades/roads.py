"""Charts of the plan: feeder by measure, the road map feeder by year, spending and the risk that is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import (
    HEADING,
    MARGIN,
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
from gridstudio.report.upgrades.rows import (
    AFTER,
    BEFORE,
    DASHES,
    LONGEST,
    PLAIN,
    WIDTH,
    money_axis,
    name_width,
    number_text,
    short_money,
    title,
)
from gridstudio.report.upgrades.view import words

CELL = 44.0  # pixels, the height of a row
POINTS_PER_CHARACTER = 0.56  # of the font's size


@dataclass(frozen=True)
class Fill:
    """How a cell of the road map looks; ``label`` in the legend."""

    colour: str
    ink: str
    label: str


ACTIONS = {
    "build": Fill("#0b4f7a", style.PAPER, "build"),
    "bridge": Fill("#f0b94d", style.INK, "bridge with a non-wires alternative"),
    "monitor": Fill("#dbe7f0", style.INK, "monitor: something may be unserved"),
    "none": Fill(style.PAPER, style.MUTED, "no need"),
}


def selection(rows: pd.DataFrame, feeders: Sequence[str], years: Sequence[int], text: Text, path: Path) -> None:
    """Feeder by measure: the year in which it is built, pale where it is offered and not built."""
    measures = [str(name) for name in dict.fromkeys(rows["measure"])]
    names = [str(name) for name in feeders]
    left, spend = name_width(names), 130.0
    cell = min((WIDTH - left - spend - 30) / max(len(measures), 1), 230.0)
    turned = any(len(words(m)) * 9.5 > cell for m in measures)
    head = 130.0 if turned else 40.0
    height = HEADING + head + CELL * max(len(names), 1) + 70
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    top = height - HEADING - head
    _measure_heads(sheet, measures, left, cell, top, turned)
    colours = dict(zip(years, style.ramp(max(len(years), 1)), strict=False))
    cells = dict(list(rows.groupby(["feeder", "measure"], sort=False)))
    for i, name in enumerate(names):
        y = top - CELL * (i + 1)
        write(sheet, left - 12, y + CELL / 2, drawable(words(name), LONGEST), ha="right", fontsize=9.5)
        for j, measure in enumerate(measures):
            part = cells.get((name, measure))
            if part is not None:
                _choice(sheet, part, left + cell * j, y, cell, colours)
        total = rows.loc[(rows["feeder"] == name) & rows["built"].astype(bool), "cost_usd"].sum()
        write(sheet, left + cell * len(measures) + 14, y + CELL / 2, short_money(float(total)), fontsize=9.5)
    write(sheet, left + cell * len(measures) + 14, top + 16, "capital [USD]", fontsize=9, fontweight="bold")
    square: dict[str, Any] = {"marker": "s", "markersize": 12, "linestyle": "none", "markeredgecolor": style.PAPER}
    entries = [Entry(f"built in year {year}", {**square, "markerfacecolor": c}) for year, c in colours.items()]
    edge = {**square, "markerfacecolor": "#e6ecf1", "markeredgecolor": style.FAINT}
    legend(sheet, [*entries, Entry("offered, not built", edge)], "", WIDTH)
    save(figure, path)


def _measure_heads(
    sheet: Axes, measures: Sequence[str], left: float, cell: float, top: float, turned: bool
) -> None:  # fmt: skip
    for j, measure in enumerate(measures):
        place = {"rotation": 24, "rotation_mode": "anchor", "ha": "left"} if turned else {"ha": "center"}
        write(sheet, left + cell * (j + (0.3 if turned else 0.5)), top + 16, words(measure), fontsize=9.2, **place)


def _choice(sheet: Axes, part: pd.DataFrame, x: float, y: float, cell: float, colours: Mapping[int, str]) -> None:
    built = sorted(int(year) for year, on in zip(part["year"], part["built"], strict=True) if on)
    fill = colours.get(built[0], style.UNKNOWN) if built else "#e6ecf1"
    sheet.add_patch(Rectangle((x + 2, y + 2), cell - 4, CELL - 4, facecolor=fill, edgecolor=style.FAINT, linewidth=0.6))
    cost = float(part.loc[part["built"].astype(bool), "cost_usd"].sum() if built else part["cost_usd"].min())
    offered = f"{len(part)} offered" if len(part) > 1 else short_money(cost)
    told = f"{'year ' + ', '.join(map(str, dict.fromkeys(built)))}: {short_money(cost)}" if built else offered
    if len(built) > 1:
        told = f"{len(built)} in {told}"
    ink = _ink(fill) if built else style.MUTED
    room = int(cell / (POINTS_PER_CHARACTER * 9.0 * 1.81))
    if len(built) == 1 and len(told) > room:  # the colour tells the year
        told = short_money(cost)
    look: dict[str, Any] = {"ha": "center", "color": ink, "fontsize": 9.0, "fontweight": "bold" if built else "normal"}
    write(sheet, x + cell / 2, y + CELL / 2, drawable(told, max(room, 4)), **look)


def _ink(fill: str) -> str:
    """Black or white, whichever is read more easily on a colour."""
    red, green, blue = (int(fill[k : k + 2], 16) for k in (1, 3, 5))
    return style.INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else style.PAPER


def roadmap(rows: pd.DataFrame, feeders: Sequence[str], left_over: str, text: Text, path: Path) -> None:
    """Feeder by year: build (and what), bridge, monitor or nothing; at the right what each feeder costs and what is
    left there in the last year (``left_over``: its heading)."""
    years = sorted({int(year) for year in rows["year"]})
    names, side = [str(name) for name in feeders], 350.0
    left = name_width(names)
    cell = (WIDTH - left - side - 20) / max(len(years), 1)
    height = HEADING + 40 + CELL * max(len(names), 1) + 64
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    top = height - HEADING - 40
    for k, year in enumerate(years):
        write(sheet, left + cell * (k + 0.5), top + 16, f"year {year}", ha="center", fontsize=9.8, fontweight="bold")
    for x, words_ in ((left + cell * len(years) + 120, "capital [USD]"), (WIDTH - MARGIN, left_over)):
        write(sheet, x, top + 16, words_, ha="right", fontsize=9.2, fontweight="bold")
    for i, name in enumerate(names):
        y = top - CELL * (i + 1)
        mine = rows[rows["feeder"] == name].set_index("year")
        write(sheet, left - 12, y + CELL / 2, drawable(words(name), LONGEST), ha="right", fontsize=9.5)
        for k, year in enumerate(years):
            if year in mine.index:
                _action(sheet, mine.loc[year], left + cell * k, y, cell)
        spend = short_money(float(mine["spend_usd"].sum()))
        write(sheet, left + cell * len(years) + 120, y + CELL / 2, spend, ha="right", fontsize=9.5)
        last = float(mine["expected_unserved"].iloc[-1]) if len(mine) else 0.0
        write(sheet, WIDTH - MARGIN, y + CELL / 2, number_text(last), ha="right", fontsize=9.5)
    square: dict[str, Any] = {"marker": "s", "markersize": 13, "linestyle": "none", "markeredgecolor": style.FAINT}
    seen = set(rows.loc[rows["feeder"].isin(names), "action"])
    looks = [fill for action, fill in ACTIONS.items() if action in seen]
    entries = [Entry(fill.label, {**square, "markerfacecolor": fill.colour}) for fill in looks]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _action(sheet: Axes, row: "pd.Series[Any]", x: float, y: float, cell: float) -> None:
    action = str(row["action"])
    fill = ACTIONS.get(action, ACTIONS["none"])
    look: dict[str, Any] = {"facecolor": fill.colour, "edgecolor": style.PAPER, "linewidth": 1.5}
    sheet.add_patch(Rectangle((x + 1, y + 1), cell - 2, CELL - 2, **look))
    told = words(row["measures"]) if action == "build" else "" if action == "none" else action
    room = int((cell - 10) / (POINTS_PER_CHARACTER * 8.4 * 1.81))
    lines = _wrapped(told, room)
    for k, line in enumerate(lines):
        at = y + CELL / 2 + 16 * ((len(lines) - 1) / 2 - k)
        weight = "bold" if action == "build" else "normal"
        write(sheet, x + cell / 2, at, line, ha="center", color=fill.ink, fontsize=8.4, fontweight=weight)


def _wrapped(told: str, room: int) -> list[str]:
    """At most two lines of ``room`` characters, broken after a comma where there is one."""
    if len(told) <= room:
        return [told] if told else []
    cut = told.rfind(",", 0, room)
    cut = cut + 1 if cut > 0 else told.rfind(" ", 0, room)
    cut = cut if cut > 0 else room
    return [told[:cut].strip(), drawable(told[cut:].strip(), max(room, 4))]


def spending_and_risk(rows: pd.DataFrame, unit: str, text: Text, path: Path) -> None:
    """By year: spending, budget and cumulative (left); what is unserved without and with what stands (right)."""
    height = 640.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    width = (WIDTH - 340) / 2
    money, risk = plot_axes(figure, 110, 128, width, 370), plot_axes(figure, 110 + width + 180, 128, width, 370)
    at = np.arange(len(rows))
    _spend(money, rows, at)
    _left(risk, rows, at)
    title(money, "Spending of each year [USD, not discounted]")
    title(risk, f"Unserved in each year [{unit}]")
    for axes in (money, risk):
        axes.set_xticks(at, [f"year {year}" for year in rows["year"]], fontsize=9.5)
        axes.grid(axis="y", color=style.FAINT, linewidth=0.6)
        axes.set_xlim(-0.6, len(rows) - 0.4)
    entries = [
        line_entry("spending", AFTER, 9.0, solid_capstyle="butt"),
        line_entry("budget", style.WARNING, 1.8, linestyle=DASHES),
        line_entry("cumulative spending", style.INK, 1.6, marker="o", markersize=5),
        line_entry("expected if nothing is built", BEFORE, 9.0, solid_capstyle="butt"),
        line_entry("expected with the plan", AFTER, 9.0, solid_capstyle="butt"),
        Entry("95 % quantile with the plan", {"marker": "D", "markersize": 7, "linestyle": "none", "color": AFTER}),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _spend(axes: Axes, rows: pd.DataFrame, at: Any) -> None:
    spend, total, budget = (rows[c].to_numpy(dtype=float) for c in ("spend_usd", "cumulative_usd", "budget_usd"))
    axes.bar(at, spend, 0.56, color=AFTER)
    axes.hlines(budget, at - 0.42, at + 0.42, color=style.WARNING, linewidth=1.8, linestyle=DASHES)
    axes.plot(at, total, color=style.INK, linewidth=1.6, marker="o", markersize=5)
    top = max(float(np.nanmax(np.concatenate([spend, total, budget, [1.0]]))), 1.0)
    axes.set_ylim(0, 1.14 * top)
    money_axis(axes, "y")
    for x, value, sum_ in zip(at, spend, total, strict=True):
        look: dict[str, Any] = {"ha": "center", "fontsize": 8.8, "parse_math": False}
        inside = value > 0.09 * top
        ink = style.PAPER if inside else style.INK
        if value > 0:
            axes.text(x, value / 2 if inside else value, short_money(value), va="center" if inside else "bottom",
                      color=ink, **look)  # fmt: skip
        if sum_ > 0 and abs(sum_ - value) > 1e-6 * top:
            axes.annotate(short_money(sum_), (x, sum_), xytext=(0, 9), textcoords="offset points", **look)


def _left(axes: Axes, rows: pd.DataFrame, at: Any) -> None:
    before, after, p95 = (
        rows[c].to_numpy(dtype=float) for c in ("expected_unserved_without", "expected_unserved", "p95_unserved")
    )
    axes.bar(at - 0.2, before, 0.36, color=BEFORE)
    axes.bar(at + 0.2, after, 0.36, color=AFTER)
    axes.plot(at + 0.2, p95, marker="D", markersize=7, linestyle="none", color=AFTER, clip_on=False)
    top = max(float(np.nanmax(np.concatenate([before, after, p95, [0.0]]))), 1e-6)
    axes.set_ylim(0, 1.14 * top)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(PLAIN)
    look: dict[str, Any] = {"ha": "center", "fontsize": 8.8, "textcoords": "offset points", "parse_math": False}
    for x, was, left, high in zip(at, before, after, p95, strict=True):
        axes.annotate(number_text(was), (x - 0.2, was), xytext=(0, 7), color="#8a5a00", **look)
        axes.annotate(number_text(left), (x + 0.2, np.nanmax([left, high])), xytext=(0, 11), color=AFTER, **look)
