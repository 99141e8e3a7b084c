"""Figures of what only power flows can tell: today's headroom, needs, overloaded elements, how the program erred."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import (
    HEADING,
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
from gridstudio.report.upgrades import hourly, where
from gridstudio.report.upgrades.rows import (
    AFTER,
    BEFORE,
    DASHES,
    LONGEST,
    MOST_ROWS,
    PERCENT,
    PLAIN,
    WIDTH,
    label_points,
    name_width,
    number_text,
    row_axes,
    rows_height,
    title,
)
from gridstudio.report.upgrades.view import Study, plural, words

HEAT = LinearSegmentedColormap.from_list("need", ["#fdf3e1", "#f2b44d", "#c2571a", "#6d1a0c"])
MOST_ELEMENTS = 28
CELL = 40.0
Drawn = Iterator[tuple[str, Path]]
NEEDS = (
    ("energy_above_rating_mwh", "Energy above the limit [MWh]"),
    ("hours_out_of_band", "Hours with a voltage out of band"),
)


def draw(study: Study, folder: Path) -> Drawn:
    """All of them, as far as their tables are there."""
    for part in (_baseline, _needs, _elements, _where, _corrections, _hourly):
        yield from part(study, folder)


def _baseline(study: Study, folder: Path) -> Drawn:
    if study.has("baseline", "headroom_mw", "peak_mw"):
        rows = study.table("baseline").head(MOST_ROWS)
        text = Text("Today's load and headroom", "By power flow: load added evenly until the first limit binds")
        baseline(rows, text, folder / "baseline.png")
        yield "baseline", folder / "baseline.png"


def baseline(rows: pd.DataFrame, text: Text, path: Path) -> None:
    """A row for each feeder: average and peak load, headroom up to the first limit, and what limits it."""
    names = [str(name) for name in rows["feeder"]]
    height = rows_height(len(names), 118)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = name_width(names)
    axes = row_axes(figure, left, 112, WIDTH - left - 560, names, named=True)
    at = np.arange(len(names))
    peak, room = (rows[c].to_numpy(dtype=float) for c in ("peak_mw", "headroom_mw"))
    axes.barh(at, peak, 0.5, color=AFTER)
    axes.barh(at, np.clip(room, 0, None), 0.5, left=peak, color="#bcd5e6")
    axes.barh(at, np.clip(room, None, 0), 0.5, left=peak, color=BEFORE)
    if "average_mw" in rows:
        axes.plot(rows["average_mw"], at, "|", color=style.PAPER, markersize=14, markeredgewidth=2.4)
    axes.set_xlim(0, 1.05 * max(float(np.nanmax(np.append(peak + np.clip(room, 0, None), 0))), 1e-6))
    axes.xaxis.set_major_formatter(PLAIN)
    title(axes, "MW")
    limits = rows["limited_by"] if "limited_by" in rows else pd.Series("", rows.index)
    places = rows["element"] if "element" in rows else pd.Series("", rows.index)
    for y, (spare, kind, element) in enumerate(zip(room, limits, places, strict=True)):
        told = f"{number_text(spare)} MW of headroom: {kind} {drawable(element, 30)}" if kind else number_text(spare)
        axes.text(1.01, y, drawable(told, 58), transform=axes.get_yaxis_transform(), va="center", fontsize=9,
                  color=style.WARNING if spare <= 0 else style.INK, parse_math=False)  # fmt: skip
    entries = [
        line_entry("peak load", AFTER, 9.0, solid_capstyle="butt"),
        line_entry("headroom", "#bcd5e6", 9.0, solid_capstyle="butt"),
        line_entry("beyond the limit today", BEFORE, 9.0, solid_capstyle="butt"),
        Entry("average load (white)", {"marker": "|", "markersize": 13, "linestyle": "none", "color": style.MUTED}),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _needs(study: Study, folder: Path) -> Drawn:
    columns = [(c, label) for c, label in NEEDS if study.has("needs", c, "feeder", "year", "probability")]
    if not columns:
        return
    rows = study.table("needs")
    expected = [(label, _expected(rows, column)) for column, label in columns]
    order = [name for name in study.feeders if name in expected[0][1].index]
    names = [*order, *(str(n) for n in expected[0][1].index if n not in order)][:MOST_ROWS]
    text = Text("What power flows find if nothing is built", "Expected over the scenarios, by feeder and year")
    needs([(label, table.reindex(names)) for label, table in expected], text, folder / "needs.png")
    yield "needs", folder / "needs.png"


def _expected(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean over scenarios weighted by probability: feeder by year."""
    weighted = rows.assign(value=rows[column].astype(float) * rows["probability"].astype(float))
    sums = weighted.groupby(["feeder", "year"], sort=False)[["value", "probability"]].sum()
    return (sums["value"] / sums["probability"]).unstack("year").sort_index(axis=1)


def needs(tables: Sequence[tuple[str, pd.DataFrame]], text: Text, path: Path) -> None:
    """Heat tables side by side: feeder by year."""
    names = [str(name) for name in tables[0][1].index]
    height = HEADING + 70 + CELL * max(len(names), 1) + 20
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left, top = name_width(names), height - HEADING - 66
    width = (WIDTH - left - 30 - 40 * (len(tables) - 1)) / len(tables)
    for i, name in enumerate(names):
        shown = drawable(words(name), LONGEST)
        write(sheet, left - 12, top - CELL * (i + 0.5), shown, ha="right", fontsize=9.5)
    for k, (label, table) in enumerate(tables):
        x0 = left + k * (width + 40)
        write(sheet, x0, top + 46, label, fontsize=10.5, fontweight="bold")
        _heat(sheet, table, x0, top, width)
    sheet.set(xlim=(0, WIDTH), ylim=(0, height))
    save(figure, path)


def _heat(sheet: Axes, table: pd.DataFrame, x0: float, top: float, width: float) -> None:
    values = table.to_numpy(dtype=float)
    cell, most = width / max(len(table.columns), 1), max(float(np.nanmax(values, initial=0.0)), 1e-9)
    box = (x0, x0 + width, top - CELL * len(table), top)
    look: dict[str, Any] = {"cmap": HEAT, "vmin": 0, "vmax": most, "aspect": "auto", "interpolation": "nearest"}
    sheet.imshow(np.where(values > 0, values, np.nan), extent=box, **look)
    for j, year in enumerate(table.columns):
        write(sheet, x0 + cell * (j + 0.5), top + 16, f"year {year}", ha="center", fontsize=9)
        for i, value in enumerate(values[:, j]):
            ink = style.PAPER if value > 0.5 * most else style.INK if value > 0 else style.MUTED
            at = x0 + cell * (j + 0.5), top - CELL * (i + 0.5)
            write(sheet, *at, number_text(value), ha="center", fontsize=9, color=ink)


def _elements(study: Study, folder: Path) -> Drawn:
    if not study.has("elements", "element", "highest_loading_pu", "probability"):
        return
    rows = study.table("elements")
    rows = rows[rows["highest_loading_pu"].astype(float) > 0]
    rank = ["energy_above_rating_mwh"] if "energy_above_rating_mwh" in rows else []
    rows = rows.sort_values([*rank, "highest_loading_pu"], ascending=False, kind="stable")
    shown = rows.head(MOST_ELEMENTS)
    if len(shown):
        told = f" The first {len(shown)} of {len(rows)}." if len(shown) < len(rows) else ""
        text = Text("Overloaded elements in the last year, if nothing is built", f"By energy above the limit.{told}")
        elements(shown, text, folder / "elements.png")
        yield "elements", folder / "elements.png"


def elements(rows: pd.DataFrame, text: Text, path: Path) -> None:
    """A row for each element: mean and highest loading of its highest hour; probability and energy at the right."""
    names = [f"{feeder}: {element}" for feeder, element in zip(rows["feeder"], rows["element"], strict=True)]
    height = rows_height(len(names), 118)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = 360.0
    axes = row_axes(figure, left, 112, WIDTH - left - 330, names, named=True)
    axes.set_yticklabels([drawable(name, 34) for name in names])
    at = np.arange(len(names))
    mean, highest = (rows[c].to_numpy(dtype=float) for c in ("mean_loading_pu", "highest_loading_pu"))
    axes.hlines(at, mean, highest, color=BEFORE, linewidth=2.0)
    axes.plot(mean, at, "o", color=BEFORE, markersize=8, markeredgecolor=style.PAPER)
    axes.plot(highest, at, ">", color=BEFORE, markersize=8, markeredgecolor=style.PAPER)
    axes.axvline(1.0, color=style.WARNING, linewidth=1.6, linestyle=DASHES)
    axes.set_xlim(min(0.95, 0.95 * float(np.nanmin(mean))), 1.05 * float(np.nanmax(highest)))
    axes.xaxis.set_major_formatter(PERCENT)
    title(axes, "Loading of the highest hour, of what the limits allow")
    energy = rows["energy_above_rating_mwh"] if "energy_above_rating_mwh" in rows else pd.Series(np.nan, rows.index)
    for y, (chance, mwh) in enumerate(zip(rows["probability"].astype(float), energy.astype(float), strict=True)):
        told = f"{style.percent(chance)} of the scenarios, {number_text(mwh)} MWh"
        axes.text(1.015, y, told, transform=axes.get_yaxis_transform(), va="center", fontsize=9, parse_math=False)
    mark: dict[str, Any] = {"markersize": 9, "linestyle": "none", "color": BEFORE}
    entries = [
        Entry("mean over scenarios", {**mark, "marker": "o"}),
        Entry("highest scenario", {**mark, "marker": ">"}),
        line_entry("limit", style.WARNING, 1.6, linestyle=DASHES),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _where(study: Study, folder: Path) -> Drawn:
    diagram = where.circuit(study)
    if diagram is None or not study.has("parts", "feeder", "measure", "element"):
        return
    done, over = where.works(study, diagram), where.overloaded(study, diagram)
    computed = " Computed layout: the circuit has no coordinates." if diagram.computed else ""
    shown = len(done.branch) + len(done.bus)
    off = where.off_map(study)
    told = f" {plural(off, 'measure')} with customers {'is' if off == 1 else 'are'} not on the map." if off else ""
    text = Text("What is built where", f"{'In brackets the year.' if shown else ''}{told}{computed}".strip())
    where.works_map(diagram, done, over, study.years, text, folder / "network.png")
    yield "network", folder / "network.png"


def _corrections(study: Study, folder: Path) -> Drawn:
    if not study.has("corrections", "estimated_mwh", "simulated_mwh"):
        return
    rows = study.table("corrections")
    if not (rows[["estimated_mwh", "simulated_mwh"]].astype(float) > 0).any(axis=None):
        return
    text = Text("The program's estimate against power flows", "A point for each feeder, year and set of measures")
    corrections(rows, text, folder / "corrections.png")
    yield "corrections", folder / "corrections.png"


def corrections(rows: pd.DataFrame, text: Text, path: Path) -> None:
    """Expected unserved as the program estimated it and as power flows give it; on the line they agree."""
    height = 760.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 120, 124, WIDTH - 220, height - HEADING - 160)
    x, y = (rows[c].to_numpy(dtype=float) for c in ("estimated_mwh", "simulated_mwh"))
    most = 1.1 * max(float(np.nanmax(np.append(x, y))), 1e-6)
    axes.plot([0, most], [0, most], color=style.MUTED, linewidth=1.2, linestyle=DASHES)
    axes.scatter(x, y, s=70, color=AFTER, edgecolors=style.PAPER, linewidths=0.8, zorder=3)
    axes.set(xlim=(-0.02 * most, most), ylim=(-0.02 * most, most))
    axes.set_xlabel("estimated by the program, expected unserved [MWh]", fontsize=10)
    axes.set_ylabel("simulated by power flow [MWh]", fontsize=10)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PLAIN)
    axes.grid(color=style.FAINT, linewidth=0.5)
    off = np.argsort(-np.abs(x - y), kind="stable")[:10]
    names = [f"{rows['feeder'].iloc[i]}, year {rows['year'].iloc[i]}" for i in off if abs(x[i] - y[i]) > 0.01 * most]
    label_points(axes, x[off][: len(names)], y[off][: len(names)], names)
    entries = [
        Entry("feeder and year", {"marker": "o", "markersize": 9, "linestyle": "none", "color": AFTER}),
        line_entry("estimate = simulation", style.MUTED, 1.2, linestyle=DASHES),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _hourly(study: Study, folder: Path) -> Drawn:
    if not study.has("hourly", "mean_load_mw", "p95_load_mw", "expected_shed_mw", "day", "hour"):
        return
    rows = study.table("hourly")
    names = [name for name in study.feeders if name in set(rows["feeder"])][: hourly.MOST_PANELS]
    if names:
        text = Text("Load and shedding with the plan, last year", "Every representative hour, over all scenarios")
        hourly.shedding(rows, names, text, folder / "hourly.png")
        yield "hourly", folder / "hourly.png"
