"""The map of a circuit with what is built where, and what is overloaded if nothing is built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.diagram import Diagram, draw
from gridstudio.report.maps import Look, Text, network, symbols
from gridstudio.report.sheet import (
    HEADING,
    Entry,
    Frame,
    frame_height,
    heading,
    legend,
    legend_height,
    line_entry,
    new_sheet,
    save,
)
from gridstudio.report.upgrades.rows import BEFORE, WIDTH
from gridstudio.report.upgrades.view import Study, words

MOST_LABELS = 30
MARGIN = 60.0


@dataclass(frozen=True, eq=False)
class Works:
    """What is built: by branch row and by bus row the measures as text and the first year."""

    branch: Mapping[int, tuple[str, int]]
    bus: Mapping[int, tuple[str, int]]


def circuit(study: Study) -> Diagram | None:
    """The circuit as a drawing; None without its tables."""
    buses, branches = study.table("network_buses"), study.table("network_branches")
    return draw(buses, branches) if len(buses) and len(branches) else None


def works(study: Study, diagram: Diagram) -> Works:
    """Join what is built with the elements that each measure changes."""
    built = study.built[["feeder", "measure", "year"]].astype({"year": int})
    parts = study.table("parts").merge(built, on=["feeder", "measure"])
    branch_row, bus_row = _rows(diagram)
    found: tuple[dict[int, tuple[str, int]], dict[int, tuple[str, int]]] = ({}, {})
    for element, part in parts.groupby("element", sort=False):
        name = str(element).lower()
        names = ", ".join(dict.fromkeys(words(m) for m in part["measure"]))
        told = f"{names} ({', '.join(str(y) for y in sorted(set(part['year'])))})", int(part["year"].min())
        for rows, kept in zip((branch_row, bus_row), found, strict=True):
            if name in rows:
                kept[rows[name]] = told
                break
    return Works(*found)


def off_map(study: Study) -> int:
    """How many of the measures built stand with customers, in no place of their own."""
    parts = study.table("parts").merge(study.built[["feeder", "measure"]], on=["feeder", "measure"])
    return int((parts["element"].astype(str) == "customers").sum())


def _rows(diagram: Diagram) -> tuple[dict[str, int], dict[str, int]]:
    """Rows of branches by element and by name, of buses by name."""
    branches = diagram.branches
    by_name = {str(n).lower(): i for i, n in enumerate(branches["name"])}
    by_element = {str(n).lower(): i for i, n in enumerate(branches["element"])}
    return by_name | by_element, {str(n).lower(): i for i, n in enumerate(diagram.buses["bus"])}


def overloaded(study: Study, diagram: Diagram) -> NDArray[np.bool_]:
    """Branches that are overloaded in some scenario if nothing is built."""
    rows, chosen = study.table("elements"), np.zeros(len(diagram.branches), dtype=bool)
    if not {"element", "probability"} <= set(rows.columns):
        return chosen
    branch_row, _ = _rows(diagram)
    names = rows.loc[rows["probability"].astype(float) > 0, "element"]
    chosen[[branch_row[str(n).lower()] for n in names if str(n).lower() in branch_row]] = True
    return chosen


def works_map(
    diagram: Diagram, done: Works, over: NDArray[np.bool_], years: Sequence[int], text: Text, path: Path
) -> None:
    """Grey circuit, orange what is overloaded if nothing is built, coloured by year and labelled what is built."""
    colours = dict(zip(years, style.ramp(max(len(years), 1)), strict=False))
    colour = [BEFORE if hot else style.UNKNOWN for hot in over]
    for row, (_, year) in done.branch.items():
        colour[row] = colours.get(year, style.INK)
    thick = over.copy()
    thick[list(done.branch)] = True
    label = {row: told for row, (told, _) in list(done.branch.items())[:MOST_LABELS]}
    used = sorted({year for part in (done.branch, done.bus) for _, year in part.values()})
    entries = [line_entry(f"built in year {year}", colours.get(year, style.INK), 4.6) for year in used]
    entries += [line_entry("overloaded if nothing is built", BEFORE, 4.6)] if over.any() else []
    square: dict[str, Any] = {"marker": "P", "markersize": 11, "linestyle": "none", "markeredgecolor": style.PAPER}
    entries += [Entry("built at a bus", {**square, "markerfacecolor": style.INK})] if done.bus else []
    entries += symbols(diagram)
    foot = legend_height(entries, "", WIDTH)
    tall = frame_height(diagram.extent, WIDTH, MARGIN, 420, 1250)
    figure, axes = new_sheet(WIDTH, HEADING + tall + foot)
    heading(axes, HEADING + tall + foot, text.title, text.subtitle)
    frame = Frame(0, foot, WIDTH, tall, diagram.extent, MARGIN)
    network(axes, diagram, frame, Look(colour, thick, label, bold=frozenset(label)), size=1.2)
    for row, (told, year) in done.bus.items():
        x, y = frame.px(diagram.xy[[row]])[0]
        axes.plot(x, y, zorder=7, **{**square, "markerfacecolor": colours.get(year, style.INK)})
        side, step = ("right", -12) if x > 0.7 * WIDTH else ("left", 12)
        look: dict[str, Any] = {"fontsize": 8.6, "fontweight": "bold", "ha": side, "zorder": 8, "parse_math": False}
        axes.text(x + step, y + 14, told, color=style.INK, **look)
    legend(axes, entries, "", WIDTH)
    save(figure, path)
