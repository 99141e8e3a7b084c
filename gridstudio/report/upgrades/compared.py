"""Charts that compare plans: the plan beside others, the Pareto front, other prices and rates."""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, Entry, heading, legend, line_entry, new_sheet, plot_axes, save
from gridstudio.report.upgrades.rows import (
    AFTER,
    BEFORE,
    PLAIN,
    WIDTH,
    beside,
    label_points,
    money_axis,
    name_width,
    number_text,
    row_axes,
    rows_height,
    short_money,
    title,
)

RECOURSE = "#f0b94d"
OUTSIDE = "#d55e00"
FRONT: dict[str, Any] = {"linestyle": (0, (1.2, 2.4)), "linewidth": 1.2}  # between its points nothing was solved


def plans(rows: pd.DataFrame, perfect_usd: float | None, unit: str, text: Text, path: Path) -> None:
    """A row for each plan: investment and recourse (stacked), and what stays unserved over all years.
    ``perfect_usd``: the total if every scenario were known beforehand."""
    names = [str(name) for name in rows["plan"]]
    every = [*names, "every scenario known beforehand"] if perfect_usd is not None else names
    height = rows_height(len(every), 118)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = name_width(every) + 60
    width = WIDTH - left - 40
    money = row_axes(figure, left, 112, 0.62 * width - 110, every, named=True)
    money.set_yticklabels(every)  # in full: they are sentences, not names of feeders
    risk = row_axes(figure, left + 0.62 * width, 112, 0.38 * width - 40, every, named=False)
    at = np.arange(len(names))
    investment, recourse = (rows[c].to_numpy(dtype=float) for c in ("investment_usd", "recourse_usd"))
    _stacked(money, at, investment, recourse, perfect_usd)
    unserved = rows["expected_unserved"].to_numpy(dtype=float)
    risk.barh(at, unserved, 0.5, color=BEFORE)
    risk.set_xlim(0, 1.35 * max(float(np.nanmax(unserved, initial=0)), 1e-6))
    risk.xaxis.set_major_formatter(PLAIN)
    risk.xaxis.set_major_locator(MaxNLocator(5))
    for y, value in zip(at, unserved, strict=True):
        beside(risk, value, y, number_text(value))
    title(money, "Present value [USD]")
    title(risk, f"Expected unserved, all years [{unit}]")
    entries = [
        line_entry("investment", AFTER, 9.0, solid_capstyle="butt"),
        line_entry("unserved and curtailed, as risk counts it", RECOURSE, 9.0, solid_capstyle="butt"),
        *([line_entry("total, bound", style.UNKNOWN, 9.0, solid_capstyle="butt")] if perfect_usd is not None else []),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _stacked(axes: Axes, at: Any, investment: Any, recourse: Any, perfect_usd: float | None) -> None:
    axes.barh(at, investment, 0.5, color=AFTER)
    axes.barh(at, recourse, 0.5, left=investment, color=RECOURSE)
    total = investment + recourse
    if perfect_usd is not None:
        axes.barh(len(at), perfect_usd, 0.5, color=style.UNKNOWN)
        total = np.append(total, perfect_usd)
    axes.set_xlim(0, 1.2 * max(float(np.nanmax(total, initial=0)), 1.0))
    money_axis(axes)
    for y, value in enumerate(total):
        beside(axes, value, y, short_money(value))


def pareto(
    front: pd.DataFrame, others: pd.DataFrame, measures: Sequence[tuple[str, str]], text: Text, path: Path
) -> None:
    """Investment against each of ``measures`` (column, label), a panel each; ``others``: named plans beside it."""
    height = 700.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    cell = (WIDTH - 60) / len(measures)
    front = front.sort_values("investment_usd", kind="stable")
    panels = []
    for k, (column, label) in enumerate(measures):
        axes = plot_axes(figure, 110 + cell * k, 134, cell - 130, 430)
        axes.plot(front["investment_usd"], front[column], color=AFTER, marker="o", markersize=7, **FRONT)
        _hollow(axes, front[front["status"].astype(str) != "optimal"], column)
        named = others[others[column].notna()]
        for position, row in enumerate(named.itertuples()):
            look: dict[str, Any] = {"markersize": 15 if position == 0 else 10, "linestyle": "none", "zorder": 4}
            marker, colour = ("*", OUTSIDE) if position == 0 else ("s", style.MUTED)
            axes.plot(row.investment_usd, getattr(row, column), marker=marker, color=colour, **look)
        axes.set_xlabel("investment, present value [USD]", fontsize=10)
        axes.set_ylim(-0.03 * _most(front[column], named[column]), 1.1 * _most(front[column], named[column]))
        money_axis(axes)
        axes.yaxis.set_major_formatter(PLAIN)
        axes.grid(color=style.FAINT, linewidth=0.6)
        title(axes, label)
        panels.append((axes, named, column))
    for axes, named, column in panels:
        x, y = named["investment_usd"].to_numpy(dtype=float), named[column].to_numpy(dtype=float)
        line = front["investment_usd"].to_numpy(dtype=float), front[column].to_numpy(dtype=float)
        label_points(axes, x, y, [str(name) for name in named["plan"]], 9.0, [line], font=9.5)
    entries = [
        line_entry(
            "least investment for so much unserved", AFTER, 1.2, linestyle=FRONT["linestyle"], marker="o", markersize=7
        ),
        Entry("the plan", {"marker": "*", "markersize": 14, "linestyle": "none", "color": OUTSIDE}),
        Entry("other plans", {"marker": "s", "markersize": 9, "linestyle": "none", "color": style.MUTED}),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _hollow(axes: Axes, stopped: pd.DataFrame, column: str) -> None:
    """Points that are not proven."""
    look: dict[str, Any] = {"markerfacecolor": style.PAPER, "markeredgecolor": AFTER, "markeredgewidth": 1.4}
    axes.plot(stopped["investment_usd"], stopped[column], "o", markersize=7, **look)


def _most(*values: "pd.Series[Any]") -> float:
    return max(float(pd.concat(list(values)).astype(float).max()), 1e-9)


def sweeps(
    prices: pd.DataFrame, again: pd.DataFrame, rates: pd.DataFrame, unproven: Container[str], unit: str, text: Text,
    path: Path,
) -> None:  # fmt: skip
    """The plan made anew for each value of lost load (``prices``) and each discount rate (``again``), and benefit and
    cost of what is built by rate (``rates``: discount_rate, benefit_usd, cost_usd, npv_usd of all projects); plans that
    are ``unproven`` are said to be so."""
    per = f"value of lost load [USD/{unit}]"
    costs = [(prices, "usd_per_unit", short_money, per), (again, "rate", _rate_text, "discount rate")]
    costs = [part for part in costs if len(part[0])]
    rows = max(len(costs), 1)
    height = HEADING + 400.0 * rows + 70
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    cell = (WIDTH - 40) / 3

    def panel(row: int, column: int, name: str) -> Axes:
        made = plot_axes(figure, 100 + cell * column, height - HEADING - 400 * (row + 1) + 96, cell - 130, 252)
        title(made, name)
        made.grid(axis="y", color=style.FAINT, linewidth=0.6)
        return made

    for row, (table, column, words, label) in enumerate(costs):
        for k, name in enumerate(("Present value [USD]", f"Expected unserved, all years [{unit}]")):
            axes = panel(row, k, name)
            _made_anew(axes, table, [_bar(row, column, words, unproven) for _, row in table.iterrows()], not k)
            axes.set_xlabel(label, fontsize=9.5)
    if len(rates):
        _rates(panel(rows - 1, 2, "What is built, by discount rate [USD]"), rates)
    entries = [
        line_entry("investment", AFTER, 9.0, solid_capstyle="butt"),
        line_entry("unserved and curtailed, as risk counts it", RECOURSE, 9.0, solid_capstyle="butt"),
        line_entry("unserved", BEFORE, 9.0, solid_capstyle="butt"),
        line_entry("benefit", "#0072b2", 2.0, marker="o"),
        line_entry("cost", OUTSIDE, 2.0, marker="s"),
        line_entry("net present value", style.INK, 2.0, marker="^"),
    ]
    legend(sheet, entries if len(rates) else entries[:3], "", WIDTH)
    save(figure, path)


def _rate_text(rate: float) -> str:
    return style.percent(rate, 1)


def _bar(row: "pd.Series[Any]", column: str, words: Any, unproven: Container[str]) -> str:
    """What stands below the bars of a plan."""
    count = int(row["measures"])
    told = "\nnot proven" if str(row.get("plan", "")) in unproven else ""
    return f"{words(float(row[column]))}\n{count} measure{'' if count == 1 else 's'}{told}"


def _made_anew(axes: Axes, rows: pd.DataFrame, ticks: Sequence[str], money: bool) -> None:
    """Bars of each plan: investment and recourse, or what stays unserved."""
    at = np.arange(len(rows))
    if money:
        investment, recourse = (rows[c].to_numpy(dtype=float) for c in ("investment_usd", "recourse_usd"))
        axes.bar(at, investment, 0.55, color=AFTER)
        axes.bar(at, recourse, 0.55, bottom=investment, color=RECOURSE)
        _top(axes, at, investment + recourse, short_money)
        money_axis(axes, "y", 5)
    else:
        unserved = rows["expected_unserved"].to_numpy(dtype=float)
        axes.bar(at, unserved, 0.55, color=BEFORE)
        _top(axes, at, unserved, number_text)
        axes.yaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xticks(at, ticks, fontsize=9)


def _top(axes: Axes, at: Any, values: Any, words: Any) -> None:
    axes.set_ylim(0, 1.15 * max(float(np.nanmax(values, initial=0)), 1e-6))
    axes.set_xlim(-0.6, max(len(at), 1) - 0.4)
    for x, value in zip(at, values, strict=True):
        look: dict[str, Any] = {"ha": "center", "fontsize": 9, "textcoords": "offset points", "parse_math": False}
        axes.annotate(words(value), (x, value), xytext=(0, 6), **look)


def _rates(axes: Axes, rates: pd.DataFrame) -> None:
    for column, colour, marker in (
        ("benefit_usd", "#0072b2", "o"), ("cost_usd", OUTSIDE, "s"), ("npv_usd", style.INK, "^"),
    ):  # fmt: skip
        axes.plot(rates["discount_rate"], rates[column], color=colour, marker=marker, linewidth=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent(value, 1)))
    axes.set_xticks(sorted(set(rates["discount_rate"].astype(float))))
    axes.set_xlabel("discount rate", fontsize=9.5)
    values = rates[["benefit_usd", "cost_usd", "npv_usd"]].to_numpy(dtype=float)
    axes.set_ylim(min(0.0, 1.1 * values.min() - 0.04 * np.ptp(values)), 1.1 * max(values.max(), 1.0))
    money_axis(axes, "y")
