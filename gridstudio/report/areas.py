"""Maps of a feeder by areas (sections between devices, zones of islands): tints, what is live, devices, faults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.diagram import Diagram
from gridstudio.report.maps import (
    CAPTION,
    DASHES,
    SOURCE_COLOUR,
    Look,
    Text,
    branch_lines,
    label_places,
    short,
    write_labels,
)
from gridstudio.report.sheet import (
    HEADING,
    MARGIN,
    Entry,
    Frame,
    frame_height,
    heading,
    legend,
    legend_height,
    line_entry,
    new_sheet,
    save,
    write,
)  # fmt: skip

Bools = NDArray[np.bool_]
WIDTH = 1680.0
MOST_LABELS = 60  # of one map

# Pale enough to lie under everything, told apart from their neighbours by every eye.
TINTS = ("#d3e6f5", "#fbe7b8", "#d6ebdc", "#f1d9e6", "#e0e0ec", "#f6dccb", "#dff1f0")

_BOLT = Outline(
    [(0.15, 1.0), (-0.55, -0.12), (-0.05, -0.12), (-0.3, -1.0), (0.55, 0.2), (0.08, 0.2), (0.45, 1.0), (0.15, 1.0)]
)
_FUSE = Outline([(-1, -0.42), (1, -0.42), (1, 0.42), (-1, 0.42), (-1, -0.42)])
FAULT = "#d55e00"


@dataclass(frozen=True)
class Stroke:
    """How a line in one state of supply is drawn."""

    colour: str
    width: float
    label: str
    dashes: Any = "solid"


STROKES = {
    "outside": Stroke(style.UNKNOWN, 1.1, "outside the zones"),
    "island": Stroke("#0072b2", 2.2, "inside a zone"),
    "live": Stroke("#0072b2", 1.7, "live"),
    "restored": Stroke("#009e73", 3.6, "picked up"),
    "dead": Stroke("#6b7680", 1.7, "dead", (0, (1.2, 1.4))),
    "faulted": Stroke(FAULT, 3.2, "faulted, locked out", (0, (1.2, 1.0))),
}


@dataclass(frozen=True)
class Symbol:
    """The mark of a type of device and its size in points."""

    marker: Any
    size: float


SYMBOLS = {
    "breaker": Symbol("s", 6.2),
    "recloser": Symbol("o", 6.8),
    "sectionaliser": Symbol("P", 8.0),
    "switch": Symbol("v", 7.2),
    "fuse": Symbol(_FUSE, 9.0),
    "boundary": Symbol("s", 6.2),
}
OTHER = Symbol("D", 5.4)


@dataclass(frozen=True, eq=False)
class Devices:
    """Devices on branches: ``row`` of the branch, type (a key of SYMBOLS) and whether remote, each (device,)."""

    row: Sequence[int]
    kind: Sequence[str]
    remote: Sequence[bool]


@dataclass(frozen=True, eq=False)
class Ground:
    """What all maps of a sheet share: the network, its devices, a tint (branch,) under each branch ("" for none)."""

    diagram: Diagram
    devices: Devices
    tint: Sequence[str]


@dataclass(frozen=True, eq=False)
class Panel:
    """One map: supply (branch,) by the keys of STROKES, closed (branch,), faulted branches, sources and labels by
    branch row (which of them ``bold``, which ``pale``)."""

    caption: str
    supply: Sequence[str]
    closed: Bools
    faults: Sequence[int] = ()
    label: Mapping[int, str] = field(default_factory=dict)
    bold: frozenset[int] = frozenset()
    pale: frozenset[int] = frozenset()


def tints(areas: Iterable[str], borders: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A tint for each area, another than those of its neighbours as long as there are enough."""
    near: dict[str, set[str]] = {area: set() for area in dict.fromkeys(areas)}
    for a, b in borders:
        if a in near and b in near and a != b:
            near[a].add(b)
            near[b].add(a)
    found: dict[str, str] = {}
    for number, area in enumerate(near):
        turned = [TINTS[(number + k) % len(TINTS)] for k in range(len(TINTS))]
        taken = {found[other] for other in near[area] if other in found}
        found[area] = next((tint for tint in turned if tint not in taken), turned[0])
    return found


def area_maps(
    ground: Ground, panels: Sequence[Panel], columns: int, text: Text, path: Path, sources: Sequence[int] = ()
) -> None:
    """Maps side by side, ``columns`` in a row. ``sources``: buses (rows) with a source of their own."""
    diagram = ground.diagram
    columns = max(1, min(columns, len(panels)))
    flat = frame_height(diagram.extent, WIDTH / columns, MARGIN, 0, 1e9) < 0.2 * WIDTH / columns
    columns = 1 if flat and columns == 2 else columns
    cell = WIDTH / columns
    cell_height = CAPTION + frame_height(diagram.extent, cell, MARGIN, 0.2 * cell, 0.95 * cell if columns > 1 else 1150)
    entries = _entries(ground, panels, bool(sources))
    foot = legend_height(entries, "", WIDTH)
    height = HEADING + cell_height * -(-len(panels) // columns) + foot
    figure, axes = new_sheet(WIDTH, height)
    heading(axes, height, text.title, text.subtitle)
    size = 1.3 if columns == 1 else 1.05 if columns == 2 else 0.78
    for position, panel in enumerate(panels):
        left, bottom = (position % columns) * cell, height - HEADING - (position // columns + 1) * cell_height
        font = 10 if columns < 3 else 8.8
        write(axes, left + MARGIN, bottom + cell_height - 14, panel.caption, fontsize=font, fontweight="bold")
        frame = Frame(left, bottom, cell, cell_height - CAPTION, diagram.extent, MARGIN)
        _draw(axes, ground, frame, panel, size, sources)
    legend(axes, entries, "", WIDTH)
    save(figure, path)


def _draw(axes: Axes, ground: Ground, frame: Frame, panel: Panel, size: float, sources: Sequence[int]) -> None:
    diagram = ground.diagram
    paths = [frame.px(path) for path in diagram.paths]
    font = 8.0 * min(size, 1.1)
    size *= float(np.clip((400 / max(len(paths), 1)) ** 0.35, 0.4, 1.0))
    _ground_tint(axes, paths, ground.tint, size)
    supply = np.array(panel.supply, dtype=object)
    for order, (name, stroke) in enumerate(STROKES.items()):
        look = [stroke.colour] * len(paths)
        chosen = (supply == name) & panel.closed
        branch_lines(axes, paths, chosen, look, stroke.width * size, 3 + order // 3, linestyle=stroke.dashes)
    branch_lines(axes, paths, ~panel.closed, [style.MUTED] * len(paths), 1.1 * size, 2, linestyle=DASHES)
    middle = frame.px(diagram.anchor)
    _apparatus(axes, diagram, middle, size)
    _devices(axes, ground.devices, middle, panel.closed, size)
    _sources(axes, frame, diagram, sources, size)
    if len(panel.faults):
        at = middle[list(panel.faults)]
        look_: dict[str, Any] = {"markeredgecolor": style.PAPER, "markeredgewidth": 1.0 * size, "linestyle": "none"}
        axes.plot(at[:, 0], at[:, 1], marker=_BOLT, markersize=19 * size, markerfacecolor=FAULT, zorder=6.2, **look_)
    _labels(axes, ground, frame, panel, middle, font)


def _ground_tint(axes: Axes, paths: Sequence[NDArray[np.float64]], tint: Sequence[str], size: float) -> None:
    for colour in sorted(set(tint) - {""}):
        rows = [i for i, mine in enumerate(tint) if mine == colour]
        look: dict[str, Any] = {"colors": colour, "linewidths": 11 * size, "zorder": 1, "capstyle": "round"}
        axes.add_collection(LineCollection([paths[i] for i in rows], **look), autolim=False)


def _apparatus(axes: Axes, diagram: Diagram, middle: NDArray[np.float64], size: float) -> None:
    chosen = diagram.branches["kind"].to_numpy() != "line"
    if chosen.any():
        at = np.unique(middle[chosen].round(1), axis=0)
        look: dict[str, Any] = {"linestyle": "none", "markeredgecolor": style.MUTED, "markeredgewidth": 0.8 * size}
        axes.plot(at[:, 0], at[:, 1], marker="D", markersize=3.6 * size, markerfacecolor=style.PAPER, zorder=5, **look)


def _devices(axes: Axes, devices: Devices, middle: NDArray[np.float64], closed: Bools, size: float) -> None:
    """Filled: closed; hollow: open; ringed: remote."""
    row, kind = np.array(devices.row, dtype=int), np.array(devices.kind, dtype=object)
    ringed = middle[row[np.array(devices.remote, dtype=bool)]]
    axes.plot(ringed[:, 0], ringed[:, 1], zorder=5.4, markersize=13.5 * size, **_ring(size))
    for name in dict.fromkeys(devices.kind):
        symbol = SYMBOLS.get(name, OTHER)
        for state in (True, False):
            at = middle[row[(kind == name) & (closed[row] == state)]]
            axes.plot(at[:, 0], at[:, 1], zorder=5.5, markersize=symbol.size * size, **_face(symbol, state, size))


def _face(symbol: Symbol, closed: bool, size: float) -> dict[str, Any]:
    return {
        "marker": symbol.marker,
        "linestyle": "none",
        "markerfacecolor": style.INK if closed else style.PAPER,
        "markeredgecolor": style.INK,
        "markeredgewidth": 1.1 * size,
    }


def _ring(size: float) -> dict[str, Any]:
    return {
        "marker": "o",
        "linestyle": "none",
        "markerfacecolor": (1, 1, 1, 0.55),
        "markeredgecolor": style.INK,
        "markeredgewidth": 0.8 * size,
    }


def _sources(axes: Axes, frame: Frame, diagram: Diagram, further: Sequence[int], size: float) -> None:
    look: dict[str, Any] = {"linestyle": "none", "markeredgecolor": style.INK, "markeredgewidth": 0.9 * size}
    at = frame.px(diagram.xy[diagram.sources])
    axes.plot(at[:, 0], at[:, 1], marker="*", markersize=13 * size, markerfacecolor=SOURCE_COLOUR, zorder=6, **look)
    if len(further):
        at = frame.px(diagram.xy[list(further)])
        axes.plot(at[:, 0], at[:, 1], marker="h", markersize=12 * size, markerfacecolor=SOURCE_COLOUR, zorder=6, **look)


def _labels(axes: Axes, ground: Ground, frame: Frame, panel: Panel, middle: NDArray[np.float64], font: float) -> None:
    label = {row: short(name) for row, name in list(panel.label.items())[:MOST_LABELS]}
    thick = np.isin(np.arange(len(middle)), [*ground.devices.row, *panel.faults])
    places = label_places(ground.diagram, frame, label, thick, font)
    write_labels(axes, middle, Look((), thick, label, panel.bold, panel.pale), places, font)


def _entries(ground: Ground, panels: Sequence[Panel], islands: bool) -> list[Entry]:
    seen = {name for panel in panels for name in panel.supply}
    found = [
        line_entry(stroke.label, stroke.colour, stroke.width, linestyle=stroke.dashes)
        for name, stroke in STROKES.items()
        if name in seen
    ]
    if any(len(panel.faults) for panel in panels):
        look = {"marker": _BOLT, "markersize": 15, "markerfacecolor": FAULT, "markeredgecolor": style.PAPER}
        found.append(Entry("fault", {"linestyle": "none", **look}))
    filled, hollow = (_kinds(ground.devices, panels, closed) for closed in (True, False))
    for kind in dict.fromkeys(ground.devices.kind):
        found.append(_device_entry(kind, SYMBOLS.get(kind, OTHER), kind in filled))
    if filled and hollow:
        found.append(_device_entry("open (hollow)", SYMBOLS.get(next(iter(hollow)), OTHER), False))
    if any(ground.devices.remote):
        found.append(Entry("remote (ringed)", {"markersize": 13, **_ring(1.0)}))
    look = {"marker": "*", "markersize": 12, "markerfacecolor": SOURCE_COLOUR, "markeredgecolor": style.INK}
    found.append(Entry("source", {"linestyle": "none", "markeredgewidth": 0.9, **look}))
    if islands:
        found.append(Entry("grid-forming source", {"linestyle": "none", "markeredgewidth": 0.9, **look, "marker": "h"}))
    return found


def _device_entry(label: str, symbol: Symbol, closed: bool) -> Entry:
    return Entry(label, {"markersize": symbol.size, **_face(symbol, closed, 1.0)})


def _kinds(devices: Devices, panels: Sequence[Panel], closed: bool) -> list[str]:
    """The types of which a device is closed (or open) on some map."""
    pairs = zip(devices.row, devices.kind, strict=True)
    return list(dict.fromkeys(k for row, k in pairs if any(bool(p.closed[row]) == closed for p in panels)))
