"""Maps of a feeder with marks on it: buses coloured by a number, measures at their places, branches as they stand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from gridstudio.report import labels, style
from gridstudio.report.diagram import Diagram
from gridstudio.report.maps import CAPTION, Look, Text, network, short, symbols, write_labels
from gridstudio.report.sheet import (
    HEADING,
    MARGIN,
    POINT,
    Entry,
    Frame,
    frame_height,
    heading,
    legend,
    legend_height,
    new_sheet,
    save,
    write,
)  # fmt: skip

Floats = NDArray[np.float64]
WIDTH = 1680.0
FONT = 8.6
MOST_LABELS = 24  # of one map


@dataclass(frozen=True, eq=False)
class Dots:
    """Marks of one kind at ``at`` (mark, 2), in the diagram's units; what lies on a bus or a branch's anchor."""

    at: Floats
    colour: str
    size: float
    marker: Any = "o"
    edge: str = style.PAPER
    label: str = ""  # in the legend; "" for none
    offset_px: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Pin:
    """A label and the place (2,) that it names."""

    at: Floats
    words: str
    bold: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """One map: colour and thickness of every branch, marks and labels on it."""

    caption: str
    colour: Sequence[str]
    thick: NDArray[np.bool_]
    dots: Sequence[Dots] = ()
    pins: Sequence[Pin] = field(default_factory=tuple)


def point_maps(
    diagram: Diagram, panels: Sequence[Panel], lines: Sequence[Entry], lead: str, text: Text, path: Path
) -> None:
    """Maps side by side (two in a row). ``lines``: what the branches' colours mean, first in the legend."""
    columns = min(2, len(panels))
    flat = frame_height(diagram.extent, WIDTH / columns, MARGIN, 0, 1e9) < 0.2 * WIDTH
    columns = 1 if flat else columns
    cell = WIDTH / columns
    tallest = 0.98 * cell if columns > 1 else 1150.0
    cell_height = CAPTION + frame_height(diagram.extent, cell, 2 * MARGIN, 0.2 * cell, tallest)
    entries = [*lines, *_entries(panels), *symbols(diagram)]
    foot = legend_height(entries, lead, WIDTH)
    height = HEADING + cell_height * -(-len(panels) // columns) + foot
    figure, axes = new_sheet(WIDTH, height)
    heading(axes, height, text.title, text.subtitle)
    for position, panel in enumerate(panels):
        left, bottom = (position % columns) * cell, height - HEADING - (position // columns + 1) * cell_height
        write(axes, left + MARGIN, bottom + cell_height - 14, panel.caption, fontsize=10, fontweight="bold")
        frame = Frame(left, bottom, cell, cell_height - CAPTION, diagram.extent, 2 * MARGIN)
        _draw(axes, diagram, frame, panel, 1.25 if columns == 1 else 1.0)
    legend(axes, entries, lead, WIDTH)
    save(figure, path)


def bus_places(diagram: Diagram) -> dict[str, Floats]:
    """Where each bus lies."""
    return {str(bus): diagram.xy[row] for row, bus in enumerate(diagram.buses["bus"])}


def branch_places(diagram: Diagram) -> dict[str, Floats]:
    """Where the label of each branch points to, by the element's full name."""
    return {str(element): diagram.anchor[row] for row, element in enumerate(diagram.branches["element"])}


def found(places: Mapping[str, Floats], names: Sequence[str]) -> Floats:
    """Places (name, 2) of those names that have one."""
    return np.array([places[name] for name in names if name in places], dtype=np.float64).reshape(-1, 2)


def where(diagram: Diagram) -> str:
    """What a reader must know of a layout that is no map."""
    return " Computed layout: the circuit has no coordinates." if diagram.computed else ""


def _draw(axes: Axes, diagram: Diagram, frame: Frame, panel: Panel, size: float) -> None:
    network(axes, diagram, frame, Look(panel.colour, panel.thick, {}), size)
    fine = size * float(np.clip((300 / max(len(diagram.branches), 1)) ** 0.3, 0.5, 1.0))
    for order, dots in enumerate(panel.dots):
        if len(dots.at):
            at = frame.px(dots.at) + dots.offset_px
            look: dict[str, Any] = {"marker": dots.marker, "markerfacecolor": dots.colour, "markeredgecolor": dots.edge}
            axes.plot(
                at[:, 0], at[:, 1], linestyle="none", markersize=dots.size * fine, markeredgewidth=0.7 * fine,
                zorder=5.6 + 0.01 * order, **look,
            )  # fmt: skip
    _write_pins(axes, diagram, frame, panel, FONT * min(size, 1.1))


def _write_pins(axes: Axes, diagram: Diagram, frame: Frame, panel: Panel, font: float) -> None:
    pins = list(panel.pins)[:MOST_LABELS]
    if not pins:
        return
    anchors = frame.px(np.array([pin.at for pin in pins]))
    words = {i: short(pin.words) if len(pin.words) <= 24 else pin.words[:43] for i, pin in enumerate(pins)}
    sizes = labels.text_size(list(words.values()), font * POINT)
    marks = [frame.px(dots.at) + dots.offset_px for dots in panel.dots if len(dots.at) and dots.size > 4]
    lines = np.concatenate([_along(frame.px(path)) for path in diagram.paths])
    around = [mark + [dx, dy] for mark in marks for dx in (-9, -3, 3, 9) for dy in (-9, -3, 3, 9)]
    points = np.concatenate([lines, *around, anchors])
    weights = np.concatenate([np.full(len(lines), 4.0), np.full(len(points) - len(lines), 12.0)])
    places = labels.place(anchors, sizes, labels.Clutter.of(points, weights, frame.bounds))
    bold = frozenset(i for i, pin in enumerate(pins) if pin.bold)
    write_labels(axes, anchors, Look((), np.zeros(0, dtype=bool), words, bold), places, font)


def _along(path: Floats) -> Floats:
    """Points every few pixels along a path."""
    legs = [
        a + (b - a) * np.linspace(0, 1, 2 + int(np.hypot(*(b - a)) / labels.CELL))[:, None] for a, b in pairwise(path)
    ]
    return np.concatenate(legs) if legs else path


def _entries(panels: Sequence[Panel]) -> list[Entry]:
    kinds: dict[str, Entry] = {}
    for panel in panels:
        for dots in panel.dots:
            if dots.label and dots.label not in kinds:
                look: dict[str, Any] = {"markerfacecolor": dots.colour, "markeredgecolor": dots.edge}
                size = min(max(dots.size, 5.0), 11.0)
                kinds[dots.label] = Entry(
                    dots.label, {"marker": dots.marker, "linestyle": "none", "markersize": size, **look}
                )
    return list(kinds.values())


# ---- classes of a number --------------------------------------------------------------------------


@dataclass(frozen=True)
class Class:
    """Values from ``low`` up to ``high`` (not included), how they are drawn and called."""

    low: float
    high: float
    colour: str
    label: str


def round_classes(
    values: Floats, most: int, name: Callable[[float, float], str], colours: Callable[[int], list[str]]
) -> list[Class]:
    """At most ``most`` classes between round bounds, finer ones where the positive values lie close together."""
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return []
    inner = next((b for b in (_bounds(values, steps) for steps in STEPS) if len(b) > 1), np.zeros(0))
    while len(inner) > most - 1:  # the bound that parts fewest values goes
        counts = np.histogram(values, bins=[0.0, *inner, np.inf])[0]
        inner = np.delete(inner, int(np.argmin(counts[:-1] + counts[1:])))
    edges = [0.0 if len(inner) else float(values.min()), *inner.tolist(), float("inf")]
    return [
        Class(low, high, colour, name(low, high))
        for low, high, colour in zip(edges[:-1], edges[1:], colours(len(edges) - 1), strict=True)
    ]


# Multiples of powers of ten, tried one after the other until they part the values.
STEPS = ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), tuple(1 + 0.25 * k for k in range(36)))


def _bounds(values: Floats, multiples: Sequence[float]) -> Floats:
    """The round numbers within the range of the values."""
    powers = range(int(np.floor(np.log10(values.min()))) - 1, int(np.ceil(np.log10(values.max()))) + 2)
    steps = np.array([multiple * 10.0**power for power in powers for multiple in multiples])
    found: Floats = steps[(steps > values.min()) & (steps <= values.max())]
    return found
