"""A sheet of paper in pixels: positions, scale and legend are ours, nothing is left to automatic layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image

from gridstudio.report import style

Floats = NDArray[np.float64]
DPI = 130
POINT = DPI / 72  # pixels
HEADING = 84.0  # pixels for title and subtitle
MARGIN = 26.0
MONO = "DejaVu Sans Mono"  # in its letters l, I and 1 differ: names of elements are full of them


@dataclass(frozen=True)
class Frame:
    """A rectangle of a sheet [px] that shows a diagram, centred, at equal scale on x and y."""

    left: float
    bottom: float
    width: float
    height: float
    extent: tuple[float, float, float, float]
    margin: float

    @property
    def scale(self) -> float:
        """Pixels per unit of the diagram."""
        x0, x1, y0, y1 = self.extent
        room_x, room_y = self.width - 2 * self.margin, self.height - 2 * self.margin
        return min(room_x / max(x1 - x0, 1e-9), room_y / max(y1 - y0, 1e-9))

    def px(self, points: Floats) -> Floats:
        """Points (n, 2) of the diagram in pixels of the sheet."""
        x0, x1, y0, y1 = self.extent
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        return (points - centre) * self.scale + [self.left + self.width / 2, self.bottom + self.height / 2]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Where labels may lie."""
        return self.left + 2, self.left + self.width - 2, self.bottom + 2, self.bottom + self.height - 2


def frame_height(
    extent: tuple[float, float, float, float], width: float, margin: float, least: float, most: float
) -> float:
    """The height [px] at which a diagram just fills a frame of this width, within bounds."""
    x0, x1, y0, y1 = extent
    ratio = (y1 - y0) / max(x1 - x0, 1e-9)
    return float(np.clip((width - 2 * margin) * ratio + 2 * margin, least, most))


def new_sheet(width_px: float, height_px: float) -> tuple[Figure, Axes]:
    """A white sheet whose axes count pixels from the lower left."""
    figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor=style.PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width_px), ylim=(0, height_px), autoscale_on=False)
    axes.set_axis_off()
    return figure, axes


def plot_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes for a chart in a rectangle [px] of a sheet, in the house's quiet look."""
    w, h = figure.get_size_inches() * DPI
    axes = figure.add_axes((left / w, bottom / h, width / w, height / h))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(style.MUTED)
    axes.tick_params(labelsize=9, labelcolor=style.INK, color=style.MUTED)
    axes.set_axisbelow(True)
    return axes


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG of 256 colours: a third of the size, in less time; no colour moves by more than the eye
    sees, and white stays white. The same figure gives the same bytes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.array(image.getpalette()).reshape(-1, 3)
    palette[(palette >= 252).all(axis=1)] = 255
    image.putpalette(palette.ravel().tolist())
    image.save(path, "png", compress_level=4, dpi=(DPI, DPI))


def heading(axes: Axes, height: float, title: str, subtitle: str) -> None:
    """Title and subtitle at the top of a sheet."""
    write(axes, MARGIN, height - 30, title, fontsize=15, fontweight="bold")
    write(axes, MARGIN, height - 62, subtitle, fontsize=10.5, color=style.MUTED)


def write(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Plain text (no mathematics) at a place, centred on its height."""
    axes.text(x, y, drawable(text), **{"color": style.INK, "va": "center", "parse_math": False, **look})


def drawable(text: object, most: int = 120) -> str:
    """One line of at most ``most`` characters; what the font of the pictures lacks becomes a box, without a warning."""
    line = " ".join(str(text).split(" ")).replace("\n", " ")
    line = line if len(line) <= most else line[: most - 1] + "\u2026"
    known = _characters()
    return "".join(c if ord(c) in known else "\u25a1" for c in line)


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap()) & frozenset(
        get_font(findfont(MONO)).get_charmap()
    )


@dataclass(frozen=True)
class Entry:
    """One sample of a legend: its text and how its line or mark looks."""

    label: str
    look: dict[str, Any]


def line_entry(label: str, colour: str, width: float, **more: Any) -> Entry:
    """A sample of a line."""
    return Entry(label, {"color": colour, "linewidth": width, "solid_capstyle": "round", **more})


LEGEND_FONT = 8.8
_SAMPLE, _GAP, _ROW = 34.0, 26.0, 30.0


def _entry_width(label: str) -> float:
    return _SAMPLE + 9 + 0.6 * LEGEND_FONT * POINT * len(label) + _GAP


def _rows(entries: Sequence[Entry], lead: str, width: float) -> list[list[Entry]]:
    room = width - 2 * MARGIN - _entry_width(lead)
    rows: list[list[Entry]] = [[]]
    used = 0.0
    for entry in entries:
        if used + _entry_width(entry.label) > room and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append(entry)
        used += _entry_width(entry.label)
    return rows


def legend_height(entries: Sequence[Entry], lead: str, width: float) -> float:
    """Pixels that a legend needs at the bottom of a sheet."""
    return _ROW * len(_rows(entries, lead, width)) + 20


def legend(axes: Axes, entries: Sequence[Entry], lead: str, width: float) -> None:
    """Samples in reading order in the lowest rows of a sheet, after a bold lead."""
    rows = _rows(entries, lead, width)
    start = MARGIN + _entry_width(lead) - _SAMPLE
    for number, row in enumerate(rows):
        y = 14 + _ROW * (len(rows) - number - 0.5)
        if not number:
            write(axes, MARGIN, y, lead, fontsize=LEGEND_FONT, fontweight="bold")
        x = start
        for entry in row:
            mark = "marker" in entry.look and entry.look.get("linestyle") == "none"
            xs = [x + _SAMPLE / 2] if mark else [x, x + _SAMPLE / 2, x + _SAMPLE]
            axes.add_line(Line2D(xs, [y] * len(xs), markevery=[len(xs) // 2], **entry.look))
            write(axes, x + _SAMPLE + 9, y, entry.label, fontsize=LEGEND_FONT)
            x += _entry_width(entry.label)
