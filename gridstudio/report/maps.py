"""Maps of a feeder as pictures: the plan, conductors by year, loadings before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from numpy.typing import NDArray

from gridstudio.report import labels, style
from gridstudio.report.diagram import Diagram, State, state
from gridstudio.report.sheet import (
    HEADING,
    MARGIN,
    MONO,
    POINT,
    Entry,
    Frame,
    drawable,
    frame_height,
    heading,
    legend,
    legend_height,
    line_entry,
    new_sheet,
    save,
    write,
)  # fmt: skip

Floats = NDArray[np.float64]
DASHES = (0, (3, 2.2))
SOURCE_COLOUR = "#f2c230"
CAPTION = 34.0  # pixels above a small map


@dataclass(frozen=True, eq=False)
class Look:
    """How the branches of one map are drawn: colour (branch,), thick or thin, labels by branch row, which of them bold
    and which pale."""

    colour: Sequence[str]
    thick: NDArray[np.bool_]
    label: Mapping[int, str]
    bold: frozenset[int] = frozenset()
    pale: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Text:
    """Title and subtitle of a picture."""

    title: str
    subtitle: str


def plan_map(
    diagram: Diagram, interventions: pd.DataFrame, year: int, colours: Mapping[str, str], text: Text, path: Path
) -> None:
    """The network in one year, large: every replaced section thick and labelled with its new conductor."""
    width, margin = 1600.0, 64.0
    entries = _conductor_entries(diagram, colours)
    foot = legend_height(entries, "Conductor", width)
    map_height = frame_height(diagram.extent, width, margin, 500, 1250)
    height = HEADING + map_height + foot
    figure, axes = new_sheet(width, height)
    now = state(diagram, interventions, year)
    names = diagram.branches["name"]
    label = {int(i): f"{short(names[i])} \u00b7 {short(now.conductor[i])}" for i in np.flatnonzero(now.replaced)}
    heading(axes, height, text.title, text.subtitle)
    frame = Frame(0, foot, width, map_height, diagram.extent, margin)
    look = replace(_by_conductor(now, colours, label), bold=frozenset(), pale=frozenset())
    network(axes, diagram, frame, look, size=1.35)
    legend(axes, entries, "Conductor", width)
    save(figure, path)


@dataclass(frozen=True, eq=False)
class Grid:
    """The common layout of small maps, so that labels keep their place from year to year and plan to plan."""

    columns: int
    cell_width: float
    cell_height: float
    label: dict[int, str]
    places: Floats  # (label, 2) relative to the lower left of a cell


def grid(diagram: Diagram, replaced: Sequence[int], panels: int) -> Grid:
    """Layout of ``panels`` maps in which the branch rows ``replaced`` will be labelled."""
    columns = 3 if panels > 4 else min(panels, 2)
    cell = 1680.0 / columns
    cell_height = CAPTION + frame_height(diagram.extent, cell, MARGIN, 0.3 * cell, 0.95 * cell)
    label = {int(i): short(diagram.branches["name"][i]) for i in replaced}
    frame = Frame(0, 0, cell, cell_height - CAPTION, diagram.extent, MARGIN)
    thick = np.isin(np.arange(len(diagram.branches)), list(label))
    return Grid(columns, cell, cell_height, label, label_places(diagram, frame, label, thick, 7.0))


def conductors_by_year(
    diagram: Diagram, interventions: pd.DataFrame, years: Sequence[int], captions: Sequence[str], layout: Grid,
    colours: Mapping[str, str], text: Text, path: Path,
) -> None:  # fmt: skip
    """Small multiples, one map per year (0 is the reference); what is replaced in the year has a bold label."""
    lines = -(-len(years) // layout.columns)
    width = layout.columns * layout.cell_width
    entries = _conductor_entries(diagram, colours)
    foot = legend_height(entries, "Conductor", width)
    height = HEADING + lines * layout.cell_height + foot
    figure, axes = new_sheet(width, height)
    heading(axes, height, text.title, text.subtitle)
    for position, (year, caption) in enumerate(zip(years, captions, strict=True)):
        left = (position % layout.columns) * layout.cell_width
        bottom = height - HEADING - (position // layout.columns + 1) * layout.cell_height
        write(axes, left + MARGIN, bottom + layout.cell_height - 14, caption, fontsize=10, fontweight="bold")
        now = state(diagram, interventions, year)
        label = {i: name for i, name in layout.label.items() if now.replaced[i]}
        frame = Frame(left, bottom, layout.cell_width, layout.cell_height - CAPTION, diagram.extent, MARGIN)
        chosen = [k for k, i in enumerate(layout.label) if i in label]
        places = layout.places[chosen] + [left, bottom]
        network(axes, diagram, frame, _by_conductor(now, colours, label), size=0.85, places=places)
    legend(axes, entries, "Conductor", width)
    save(figure, path)


def loading_maps(
    diagram: Diagram, panels: Mapping[str, Mapping[str, float]], limit_pu: float, text: Text, path: Path
) -> None:
    """Maps coloured by loading (panel -> branch name -> pu of its rating); above the limit thick and labelled."""
    width = 1680.0
    flat = frame_height(diagram.extent, width / 2, MARGIN, 0, 1e9) < 0.2 * width
    columns = 1 if flat or len(panels) == 1 else 2
    cell = width / columns
    cell_height = CAPTION + frame_height(diagram.extent, cell, MARGIN, 0.15 * cell, 0.95 * cell)
    bands = style.loading_bands(limit_pu)
    entries = [line_entry(b.label, b.colour, 4.0 if b.over else 2.0) for b in bands]
    entries += [line_entry("not rated", style.UNKNOWN, 2.0), *symbols(diagram)]
    lead = "Loading, % of rating"
    foot = legend_height(entries, lead, width)
    height = HEADING + cell_height * -(-len(panels) // columns) + foot
    figure, axes = new_sheet(width, height)
    heading(axes, height, text.title, text.subtitle)
    for position, (name, loading) in enumerate(panels.items()):
        left, bottom = (position % columns) * cell, height - HEADING - (position // columns + 1) * cell_height
        value = np.array([loading.get(str(line), np.nan) for line in diagram.branches["name"]])
        caption = f"{name}: {_loading_caption(value, limit_pu)}"
        write(axes, left + MARGIN, bottom + cell_height - 14, caption, fontsize=10, fontweight="bold")
        frame = Frame(left, bottom, cell, cell_height - CAPTION, diagram.extent, MARGIN)
        network(axes, diagram, frame, _by_loading(diagram, value, bands, limit_pu), size=1.0)
    legend(axes, entries, lead, width)
    save(figure, path)


# ---- parts -----------------------------------------------------------------------------------


def short(name: object) -> str:
    """A name as maps write it."""
    return drawable(name, 24)


def _by_conductor(now: State, colours: Mapping[str, str], label: Mapping[int, str]) -> Look:
    colour = [colours.get(str(name), style.UNKNOWN) for name in now.conductor]
    new = frozenset(int(i) for i in np.flatnonzero(now.new))
    return Look(colour, now.replaced, label, new, frozenset(label) - new)


def _by_loading(diagram: Diagram, value: Floats, bands: Sequence[style.Band], limit_pu: float) -> Look:
    over = value > limit_pu
    classes = [style.band_of(v, bands) for v in value]
    colour = [bands[k].colour if k >= 0 else style.UNKNOWN for k in classes]
    worst = [int(i) for i in np.argsort(-np.where(over, value, -1), kind="stable") if over[i]][:14]
    names = diagram.branches["name"]
    return Look(colour, over, {i: f"{short(names[i])} {style.percent(value[i])}" for i in worst})


def _loading_caption(value: Floats, limit_pu: float) -> str:
    rated = np.isfinite(value)
    if not rated.any():
        return "no section has a rating"
    over, largest = int((value > limit_pu).sum()), style.percent(np.nanmax(value))
    return f"{over} of {int(rated.sum())} sections above the limit, highest loading {largest}"


def network(axes: Axes, diagram: Diagram, frame: Frame, look: Look, size: float, places: Floats | None = None) -> None:
    """Draw a network into its frame: branches, apparatus, switches, sources, labels."""
    branches = diagram.branches
    font = 8.2 * size
    size *= float(np.clip((400 / len(branches)) ** 0.35, 0.4, 1.0))  # finer lines where there are many
    paths = [frame.px(path) for path in diagram.paths]
    switch, closed = branches["is_switch"].to_numpy(dtype=bool), branches["closed"].to_numpy(dtype=bool)
    thin, thick = closed & ~look.thick & ~switch, closed & look.thick
    plain = [style.INK] * len(paths)
    branch_lines(axes, paths, switch & closed, plain, 1.2 * size, 2)
    branch_lines(axes, paths, ~closed, [style.MUTED] * len(paths), 1.1 * size, 2, linestyle=DASHES)
    branch_lines(axes, paths, thin, look.colour, 1.4 * size, 2)
    branch_lines(axes, paths, thick, [style.PAPER] * len(paths), 6.4 * size, 3)
    branch_lines(axes, paths, thick, look.colour, 4.6 * size, 4)
    middle = frame.px(diagram.anchor)
    # What is no line (transformer, regulator, reactor) has next to no length on a map: a mark shows where it is.
    apparatus = branches["kind"].to_numpy() != "line"
    mark: dict[str, Any] = {"linestyle": "none", "markeredgecolor": style.INK, "markeredgewidth": 0.9 * size}
    for chosen, marker, fill, points in (
        (apparatus, "D", style.PAPER, 4.2),
        (switch & closed, "s", style.INK, 3.2),
        (switch & ~closed, "s", style.PAPER, 4.6),
    ):
        at = np.unique(middle[chosen].round(1), axis=0)
        axes.plot(at[:, 0], at[:, 1], marker=marker, markerfacecolor=fill, markersize=points * size, zorder=5, **mark)
    at = frame.px(diagram.xy[diagram.sources])
    axes.plot(at[:, 0], at[:, 1], marker="*", markersize=13 * size, markerfacecolor=SOURCE_COLOUR, zorder=6, **mark)
    if places is None:
        places = label_places(diagram, frame, look.label, look.thick, font)
    write_labels(axes, middle, look, places, font)


def branch_lines(
    axes: Axes, paths: list[Floats], chosen: NDArray[np.bool_], colours: Sequence[str], width: float, zorder: int,
    linestyle: Any = "solid",
) -> None:  # fmt: skip
    """Draw the chosen branches."""
    rows = np.flatnonzero(chosen)
    if len(rows):
        picked = [colours[int(i)] for i in rows]
        collection = LineCollection(
            [paths[i] for i in rows], colors=picked if len(set(picked)) > 1 else picked[0], linewidths=width,
            linestyles=linestyle, zorder=zorder, capstyle="round" if linestyle == "solid" else "butt",
        )  # fmt: skip
        axes.add_collection(collection, autolim=False)


def label_places(
    diagram: Diagram, frame: Frame, label: Mapping[int, str], thick: NDArray[np.bool_], font: float
) -> Floats:
    """Centres of the labels (in the order of ``label``) in pixels of the sheet; thick lines stay clear before thin."""
    if not label:
        return np.empty((0, 2))
    sizes = labels.text_size(list(label.values()), font * POINT)
    clutter = labels.Clutter.of(*_drawn(diagram, frame, thick), frame.bounds)
    return labels.place(frame.px(diagram.anchor[list(label)]), sizes, clutter)


def _drawn(diagram: Diagram, frame: Frame, thick: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Points every few pixels along all branches and at their marks, and what it costs to cover each."""
    points, weights = [], []
    is_mark = (diagram.branches["kind"] != "line").to_numpy() | diagram.branches["is_switch"].to_numpy(dtype=bool)
    for i, path in enumerate(diagram.paths):
        px = frame.px(path)
        for a, b in pairwise(px):
            steps = np.linspace(0, 1, 2 + int(np.hypot(*(b - a)) / labels.CELL))[:, None]
            along = a + (b - a) * steps
            sides = ((0, 0), (5, 0), (-5, 0), (0, 5), (0, -5)) if thick[i] else ((0, 0),)
            points += [along + side for side in sides]
            weights += [np.full(len(steps), 6.0 if thick[i] else 4.0)] * len(sides)
    marks = frame.px(diagram.anchor[is_mark])
    around = [marks + [dx, dy] for dx in (-5, 0, 5) for dy in (-5, 0, 5)]
    return np.concatenate([*points, *around]), np.concatenate([*weights, np.full(9 * len(marks), 12.0)])


def write_labels(axes: Axes, middle: Floats, look: Look, places: Floats, font: float) -> None:
    """Write labels at their places, a leader from each to the ``middle`` (branch, 2) of what it names."""
    free = [(i, text, at) for (i, text), at in zip(look.label.items(), places, strict=True) if not np.isnan(at).any()]
    if not free:
        return
    half = labels.text_size([text for _, text, _ in free], font * POINT) / 2 - [0, 1]
    centre = np.array([at for _, _, at in free])
    corners = np.stack([centre + half * corner for corner in ((-1, -1), (1, -1), (1, 1), (-1, 1))], axis=1)
    leaders = [[middle[i], at] for i, _, at in free]
    axes.add_collection(LineCollection(leaders, colors=style.MUTED, linewidths=0.6, zorder=6.5), autolim=False)
    axes.add_collection(PolyCollection(list(corners), facecolors=style.PAPER, alpha=0.85, zorder=7), autolim=False)
    for i, text, (x, y) in free:
        weight, colour = "bold" if i in look.bold else "normal", style.MUTED if i in look.pale else style.INK
        write(axes, x, y - 1, text, fontsize=font, family=MONO, ha="center", zorder=8, color=colour, fontweight=weight)


def _conductor_entries(diagram: Diagram, colours: Mapping[str, str]) -> list[Entry]:
    entries = [line_entry(short(name), colour, 3.0) for name, colour in colours.items()]
    return [*entries, line_entry("replaced (thick)", style.MUTED, 5.5), *symbols(diagram)]


def symbols(diagram: Diagram) -> list[Entry]:
    """Samples of the marks that ``network`` draws, for a legend."""
    branches = diagram.branches
    switch, closed = branches["is_switch"].to_numpy(dtype=bool), branches["closed"].to_numpy(dtype=bool)
    edge: dict[str, Any] = {"markeredgecolor": style.INK, "markeredgewidth": 0.9}
    alone: dict[str, Any] = {"linestyle": "none", **edge}
    found = [Entry("source", {"marker": "*", "markersize": 12, "markerfacecolor": SOURCE_COLOUR, **alone})]
    if (branches["kind"] != "line").any():
        look = {"marker": "D", "markersize": 5, "markerfacecolor": style.PAPER, **alone}
        found.append(Entry("transformer, regulator", look))
    if (switch & closed).any():
        look = {"marker": "s", "markersize": 4, "markerfacecolor": style.INK, **edge}
        found.append(line_entry("switch, closed", style.INK, 1.2, **look))
    if (switch & ~closed).any():
        look = {"marker": "s", "markersize": 5, "markerfacecolor": style.PAPER, **edge}
        found.append(line_entry("switch, open", style.MUTED, 1.1, linestyle=DASHES, **look))
    return found
