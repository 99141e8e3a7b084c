"""Charts of what cases build and how their plans operate: capacities, pieces, CO2, shedding, curtailment by stage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, Entry, drawable, heading, line_entry, new_sheet, save, write
from gridstudio.report.transition.frames import (
    BOUND,
    OTHER,
    WIDTH,
    Floats,
    panels,
    patch,
    quiet,
    slots,
    stage_axis,
)
from gridstudio.report.transition.view import LEAST, colour, word


def capacities(rows: pd.DataFrame, cases: Sequence[str], factors: Sequence[str], text: Text, path: Path) -> None:
    """MW in service after each stage and state, stacked by factor; a chart for each case, on one scale."""
    entries = [patch(word(factor), colour(factor)) for factor in factors]
    sheet = panels([f"case {case}" for case in cases], text, entries)
    top = 0.0
    for axes, case in zip(sheet.charts, cases, strict=True):
        mine = rows[rows["case"].astype(str) == case]
        places = slots(mine)
        base = np.zeros(len(places.keys))
        for factor in factors:
            part = mine[mine["factor"] == factor]
            height = np.zeros(len(places.keys))
            height[places.at(part)] = part["expected"].to_numpy(dtype=float) / 1e3
            axes.bar(places.x, height, 0.8, bottom=base, color=colour(factor), edgecolor=style.PAPER, linewidth=0.5)
            base += height
        top = max(top, float(base.max(initial=0)))
        quiet(axes, "", "in service [GW]")
        stage_axis(axes, places, "after stage")
    for axes in sheet.charts:
        axes.set_ylim(0, 1.08 * max(top, 1e-9))
        axes.grid(visible=False, axis="x")
    save(sheet.figure, path)


def pieces(rows: pd.DataFrame, cases: Sequence[str], text: Text, path: Path) -> None:
    """Pieces in service after each stage and state: a block of rows for each case, a row for each factor, the number
    in its field, darker where there are more of a factor."""
    blocks = [(case, rows[rows["case"].astype(str) == case]) for case in cases]
    places = slots(rows)
    row, left = 30.0, 330.0
    cell = min((WIDTH - left - 40) / len(places.keys), 190.0)
    height = HEADING + 66 + sum(row * part["factor"].nunique() + 18 for _, part in blocks) + 10
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    top = height - HEADING - 8
    _column_heads(sheet, places.keys, left, cell, top)
    most = rows.groupby("factor")["expected"].max().to_dict()
    top -= 52
    for case, part in blocks:
        factors = list(dict.fromkeys(part["factor"]))
        write(sheet, 26, top - row / 2, f"case {case}", fontsize=10, fontweight="bold")
        for number, factor in enumerate(factors):
            y = top - row * (number + 0.5)
            write(sheet, left - 14, y, word(factor), ha="right", fontsize=9.2)
            mine = part[part["factor"] == factor]
            for slot, amount in zip(places.at(mine), mine["expected"].astype(float), strict=True):
                _field(sheet, left + cell * slot, y, cell, row, amount, amount / max(float(most[factor]), 1e-9))
        top -= row * len(factors) + 18
    save(figure, path)


def _column_heads(sheet: Axes, keys: Sequence[tuple[int, str]], left: float, cell: float, top: float) -> None:
    if cell <= 90:
        write(sheet, left - 14, top - 8, "after stage", ha="right", fontsize=9, fontweight="bold")
    for number, (stage, state) in enumerate(keys):
        x = left + cell * number
        if not number or keys[number - 1][0] != stage:
            write(
                sheet,
                x + 4,
                top - 8,
                f"after stage {stage}" if cell > 90 else str(stage),
                fontsize=9,
                fontweight="bold",
            )
        if cell > 66:
            write(sheet, x + cell / 2, top - 34, drawable(state, int(cell / 11)), ha="center", fontsize=8.6)


def _field(sheet: Axes, x: float, y: float, wide: float, tall: float, amount: float, part: float) -> None:
    if amount > LEAST:
        box = ([x + 1, x + wide - 1], [y - tall / 2 + 1] * 2, [y + tall / 2 - 1] * 2)
        sheet.fill_between(*box, color="#0072b2", alpha=0.12 + 0.5 * min(part, 1.0), linewidth=0)
    digits = 0 if abs(amount - round(amount)) < LEAST or amount >= 100 else 2 if amount < 10 else 1
    number = "\u00b7" if amount <= LEAST else style.number(amount, digits)
    colour = style.MUTED if amount <= LEAST else style.INK
    write(sheet, x + wide / 2, y, number, ha="center", fontsize=9 if wide > 60 else 7.6, color=colour)


# ---- operation -----------------------------------------------------------------------------------


def operation(rows: pd.DataFrame, cases: Sequence[str], states: Mapping[str, str], text: Text, path: Path) -> None:
    """Energy shed and curtailed a year by stage, a bar for each state; two charts for each case, on one scale each."""
    titles = [f"case {case}: {what}" for what in ("shed", "curtailed") for case in cases]
    sheet = panels(titles, text, _keys(rows, states), columns=min(max(len(cases), 2), 6), tall=170.0, left=78.0)
    half = len(cases)
    for charts, column in ((sheet.charts[:half], "shed_mwh"), (sheet.charts[half:], "curtailed_mwh")):
        top = max(float(rows[column].astype(float).max()) / 1e3, 1e-3)
        for number, (axes, case) in enumerate(zip(charts, cases, strict=True)):
            mine = rows[rows["case"].astype(str) == case]
            places = _bars(axes, mine, mine[column].to_numpy(dtype=float) / 1e3, states)
            quiet(axes, "", "" if number else "GWh a year")
            axes.set_ylim(0, 1.1 * top)
            axes.grid(visible=False, axis="x")
            stage_axis(axes, places, "stage", states=False)
    save(sheet.figure, path)


def co2(rows: pd.DataFrame, cases: Sequence[str], states: Mapping[str, str], text: Text, path: Path) -> None:
    """CO2 a year of each stage and state beside its target; what is above it in another colour."""
    entries = [*_keys(rows, states), line_entry("target", BOUND, 2.4)]
    entries += [patch("above the target", OTHER)] if rows["co2_above_mt"].astype(float).max() > 0 else []
    sheet = panels([f"case {case}" for case in cases], text, entries, tall=220.0)
    emitted, target, above = (rows[c].to_numpy(dtype=float) for c in ("co2_mt", "co2_target_mt", "co2_above_mt"))
    known = np.concatenate([emitted, target[np.isfinite(target)]])
    top = 1.12 * max(float(known.max(initial=0)), 1e-9)
    for axes, case in zip(sheet.charts, cases, strict=True):
        mine = (rows["case"].astype(str) == case).to_numpy()
        places = _bars(axes, rows[mine], emitted[mine], states)
        x = places.x[places.at(rows[mine])]
        over = np.nan_to_num(above[mine])
        axes.bar(
            x, over, 0.8, bottom=emitted[mine] - over, color=OTHER, hatch="///", edgecolor=style.PAPER, linewidth=0
        )
        axes.hlines(target[mine], x - 0.48, x + 0.48, color=BOUND, linewidth=2.4)
        axes.set_ylim(0, top)
        quiet(axes, "", "CO2 [Mt a year]")
        axes.grid(visible=False, axis="x")
        stage_axis(axes, places, "stage", states=False)
    save(sheet.figure, path)


def _keys(rows: pd.DataFrame, states: Mapping[str, str]) -> list[Entry]:
    used = set(rows["state"].astype(str))
    return [patch(state, shade) for state, shade in states.items() if state in used]


def _bars(axes: Axes, rows: pd.DataFrame, values: Floats, states: Mapping[str, str]) -> Any:
    places = slots(rows)
    colours = [states.get(str(state), style.UNKNOWN) for state in rows["state"]]
    axes.bar(places.x[places.at(rows)], values, 0.8, color=colours)
    return places
