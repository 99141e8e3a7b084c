"""Charts of the plan over the scenarios: seen and unseen ones, what each leaves unserved, the tail of the risk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import heading, legend, line_entry, new_sheet, plot_axes, save
from gridstudio.report.upgrades.rows import (
    AFTER,
    BEFORE,
    MONEY,
    PERCENT,
    PLAIN,
    WIDTH,
    number_text,
    short_money,
    title,
)

OUTSIDE = "#d55e00"
DRIVERS = (
    ("growth", "load growth per year", PERCENT), ("ev_share", "EVs per customer", PERCENT),
    ("solar_share", "customers with solar", PERCENT), ("ev_kw", "charger [kW]", PLAIN),
)  # fmt: skip


def check(rows: pd.DataFrame, unit: str, text: Text, path: Path) -> None:
    """In-sample against out-of-sample: what is unserved, what it costs, how probable it is."""
    names = [f"{name} ({style.number(int(n))})" for name, n in zip(rows["scenarios"], rows["count"], strict=True)]
    colours = [AFTER, OUTSIDE, style.MUTED, style.UNKNOWN][: len(rows)]
    groups: list[tuple[str, list[tuple[str, str]], Any, FuncFormatter]] = [
        (f"Unserved, all years [{unit}]",
         [("expected_unserved", "expected"), ("p95_unserved", "95 %"), ("highest_unserved", "highest")],
         number_text, PLAIN),
        ("Cost of it [USD]", [("expected_recourse_usd", "expected"), ("p95_recourse_usd", "95 %")], short_money, MONEY),
        ("Total [USD]", [("expected_total_usd", "expected")], short_money, MONEY),
        ("Probability", [("probability", "anything unserved")], lambda v: style.percent(v, 1), PERCENT),
    ]  # fmt: skip
    height = 560.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    lefts, widths = (90, 680, 1100, 1430), (480, 300, 210, 210)
    for left, width, (label, columns, told, form) in zip(lefts, widths, groups, strict=True):
        axes = plot_axes(figure, left, 110, width, 320)
        _grouped(axes, rows, [c for c, _ in columns], colours, told)
        axes.set_xticks(range(len(columns)), [words for _, words in columns], fontsize=9.2)
        axes.yaxis.set_major_formatter(form)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        title(axes, label)
    entries = [line_entry(n, c, 9.0, solid_capstyle="butt") for n, c in zip(names, colours, strict=False)]
    legend(sheet, entries, "Scenarios", WIDTH)
    save(figure, path)


def _grouped(axes: Axes, rows: pd.DataFrame, columns: Sequence[str], colours: Sequence[str], told: Any) -> None:
    wide = 0.8 / max(len(rows), 1)
    values = rows[list(columns)].to_numpy(dtype=float)
    axes.set_ylim(0, 1.16 * max(float(np.nanmax(values, initial=0)), 1e-6))
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.grid(axis="y", color=style.FAINT, linewidth=0.6)
    for k, (row, colour) in enumerate(zip(values, colours, strict=False)):
        at = np.arange(len(columns)) + wide * (k - (len(rows) - 1) / 2)
        axes.bar(at, row, 0.92 * wide, color=colour)
        for x, value in zip(at, row, strict=True):
            look: dict[str, Any] = {"ha": "center", "fontsize": 8.4, "textcoords": "offset points"}
            axes.annotate(told(value), (x, value), xytext=(0, 5), parse_math=False, **look)


def scenarios(rows: pd.DataFrame, unit: str, text: Text, path: Path) -> None:
    """The scenarios that were planned for: exceedance of what is unserved without and with the plan, and the
    distribution of their drivers (means over feeders), weighted by probability."""
    height = 680.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 110, 134, 700, 410)
    p = rows["probability"].to_numpy(dtype=float)
    for column, colour in (("unserved_without", BEFORE), ("unserved", AFTER)):
        _exceedance(axes, rows[column].to_numpy(dtype=float), p, colour)
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set(xlim=(0, None), ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_xlabel(f"unserved, all feeders and years [{unit}]", fontsize=10)
    axes.grid(color=style.FAINT, linewidth=0.6)
    title(axes, "Probability that more than this is unserved")
    _drivers(figure, rows, p)
    entries = [line_entry("if nothing is built", BEFORE, 2.4), line_entry("with the plan", AFTER, 2.4)]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _exceedance(axes: Axes, values: Any, p: Any, colour: str) -> None:
    order = np.argsort(values, kind="stable")
    above = np.clip(1.0 - np.cumsum(p[order]), 0.0, 1.0)
    axes.step(np.append(0.0, values[order]), np.append(1.0, above), where="post", color=colour, linewidth=2.4)


def _drivers(figure: Figure, rows: pd.DataFrame, p: Any) -> None:
    for k, (column, label, form) in enumerate(DRIVERS):
        values = rows[column].to_numpy(dtype=float)
        axes = plot_axes(figure, 910 + 390 * (k % 2), 370 - 236 * (k // 2), 320, 150)
        if np.isfinite(values).any():
            axes.hist(values, bins=12, weights=p, color="#56a5d8", edgecolor=style.PAPER, linewidth=0.6)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: style.percent(v, 1)) if column == "growth" else form)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(PERCENT)
        axes.yaxis.set_major_locator(MaxNLocator(3))
        title(axes, label)


TAILS = (
    ("expected", "expected", "solid", "o"), ("p95", "95 % quantile", (0, (5, 2)), "s"),
    ("cvar", "mean of the worst share (CVaR)", (0, (1.2, 1.2)), "^"),
    ("highest", "highest scenario", (0, (6, 2, 1, 2)), "D"),
)  # fmt: skip


def tails(rows: pd.DataFrame, unit: str, text: Text, path: Path) -> None:
    """By year: expected value and tail of what is unserved (left) and its cost (right), without and with a plan."""
    height = 680.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    cell = (WIDTH - 60) / 2
    parts = (("unserved", f"Unserved [{unit}]", PLAIN), ("recourse", "Its cost, present value [USD]", MONEY))
    for k, (column, label, form) in enumerate(parts):
        names = ("unserved", "unserved_without") if column == "unserved" else ("recourse_usd", "recourse_usd_without")
        if not set(names) <= set(rows.columns):
            continue
        axes = plot_axes(figure, 110 + cell * k, 160, cell - 150, 380)
        _tail(axes, rows, names)
        axes.yaxis.set_major_formatter(form)
        title(axes, label)
    lines = [line_entry(label, style.INK, 1.6, linestyle=d, marker=m, markersize=5) for _, label, d, m in TAILS]
    colours = [line_entry("if nothing is built", BEFORE, 3.0), line_entry("with the plan", AFTER, 3.0)]
    legend(sheet, [*colours, *lines], "", WIDTH)
    save(figure, path)


def _tail(axes: Axes, rows: pd.DataFrame, names: Sequence[str]) -> None:
    years = sorted({int(year) for year in rows["year"]})
    for column, colour in zip(names, (AFTER, BEFORE), strict=True):
        for key, _, dashes, marker in TAILS:
            mine = rows[rows["quantity"] == key].set_index("year")[column].reindex(years).astype(float)
            axes.plot(years, mine, color=colour, linestyle=dashes, marker=marker, markersize=5, linewidth=1.6)
    values = rows[list(names)].to_numpy(dtype=float)
    most = max(float(np.nanmax(values, initial=0)), 1e-6)
    axes.set_yscale("symlog", linthresh=most / 1000)
    axes.set_ylim(0, 2 * most)
    axes.set_xticks(years, [f"year {year}" for year in years], fontsize=9.5)
    axes.grid(color=style.FAINT, linewidth=0.5)
