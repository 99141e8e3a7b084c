"""Charts of hosting capacity: what binds where, sorted capacities, penetration curves of deployments."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.hosting.view import look
from gridstudio.report.maps import Text
from gridstudio.report.sheet import (
    HEADING,
    Entry,
    heading,
    legend,
    legend_height,
    line_entry,
    new_sheet,
    plot_axes,
    save,
)

Floats = NDArray[np.float64]
WIDTH = 1680.0
PLAIN = FuncFormatter(lambda value, _: style.number(value) if value >= 1 else f"{value:g}")
ROW = 40.0


@dataclass(frozen=True, eq=False)
class Nodal:
    """A device's places: its name, the rows of the table nodal, the largest size asked."""

    name: str
    rows: pd.DataFrame
    max_kw: float | None

    @property
    def limits(self) -> list[str]:
        """What binds, most often first."""
        return [str(name) for name in self.rows["limit"].value_counts().index]

    def kw(self, limit: str = "") -> Floats:
        """Capacities, of a limit or of all, from small to large."""
        rows = self.rows[self.rows["limit"] == limit] if limit else self.rows
        found: Floats = np.sort(rows["hosting_kw"].to_numpy(dtype=float))
        return found


def binding(devices: Sequence[Nodal], text: Text, path: Path) -> None:
    """By device and limit: at how many places it binds, and the capacities there (a mark each; bar: median, box: middle
    half)."""
    tall = [ROW * len(device.limits) + 96 for device in devices]
    height = HEADING + sum(tall) + 24
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    top = height - HEADING
    span = _span([device.kw() for device in devices])
    for device, block in zip(devices, tall, strict=True):
        row_px = ROW * len(device.limits)
        left = plot_axes(figure, 370, top - 40 - row_px, 430, row_px)
        right = plot_axes(figure, 880, top - 40 - row_px, WIDTH - 930, row_px)
        _counts(left, device)
        _strips(right, device, span)
        top -= block
    save(figure, path)


def _counts(axes: Axes, device: Nodal) -> None:
    rows = np.arange(len(device.limits))[::-1]
    counts = [len(device.kw(limit)) for limit in device.limits]
    axes.barh(rows, counts, 0.62, color=[look(limit).colour for limit in device.limits])
    for row, count in zip(rows, counts, strict=True):
        place: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 9.4}
        axes.annotate(style.number(count), (count, row), color=style.INK, **place)
    axes.set_yticks(rows, [_wrapped(look(limit).words) for limit in device.limits], fontsize=9.4)
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlim=(0, 1.18 * max(counts)))
    axes.set_title(f"{device.name}: places at which it binds", fontsize=10.5, fontweight="bold", loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.grid(axis="x", color=style.FAINT, linewidth=0.6)


def _wrapped(words: str) -> str:
    return words.replace("no limit up to the largest size asked", "none up to the largest size")


def _strips(axes: Axes, device: Nodal, span: tuple[float, float]) -> None:
    rows = np.arange(len(device.limits))[::-1]
    for row, limit in zip(rows, device.limits, strict=True):
        kw = np.maximum(device.kw(limit), span[0])
        mine = look(limit)
        low, middle, high = np.quantile(kw, (0.25, 0.5, 0.75))
        axes.barh([row], [high - low], 0.56, left=low, color=style.FAINT, zorder=1)
        spread = row + 0.22 * np.sin(2.4 * np.arange(len(kw)))
        axes.plot(kw, spread, linestyle="none", marker=mine.marker, markersize=4.4, color=mine.colour, alpha=0.75)
        axes.plot([middle] * 2, [row - 0.36, row + 0.36], color=style.INK, linewidth=2.2, zorder=4)
    axes.set_yticks(rows, [""] * len(rows))
    axes.set(ylim=(-0.6, len(rows) - 0.4))
    _kw_axis(axes, "x", span)
    words = "capacity where it binds [kW]; bar: median, box: middle half"
    axes.set_title(words, fontsize=10.5, fontweight="bold", loc="left")


def _span(values: Sequence[Floats]) -> tuple[float, float]:
    """Bounds of a logarithmic axis; what takes nothing stands at its lower end."""
    every = np.concatenate([*values, np.zeros(0)])
    positive = every[np.isfinite(every) & (every > 0)]
    if not len(positive):
        return 1.0, 10.0
    return float(0.7 * positive.min()), float(1.4 * positive.max())


def _kw_axis(axes: Axes, which: str, span: tuple[float, float]) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(*span)
    wide = span[1] / span[0] > 300
    axis.set_major_locator(LogLocator(10, subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=30))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(PLAIN)
    axes.grid(axis="both", color=style.FAINT, linewidth=0.6)


def capacities(devices: Sequence[Nodal], text: Text, path: Path) -> None:
    """A row for each device: its places from the weakest to the strongest, and against the distance; the mark says
    what binds."""
    limits = list(dict.fromkeys(limit for device in devices for limit in device.limits))
    entries = [Entry(look(limit).words, _mark(limit, 7)) for limit in limits]
    entries.append(line_entry("largest size asked", style.MUTED, 1.2, linestyle=(0, (5, 2))))
    foot = legend_height(entries, "What binds", WIDTH)
    step = 470.0
    height = HEADING + step * len(devices) + foot
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    for position, device in enumerate(devices):
        bottom = height - HEADING - step * (position + 1) + 76
        span = _span([device.kw()])
        order = device.rows.sort_values("hosting_kw", kind="stable")
        share = 100 * (np.arange(len(order)) + 1) / max(len(order), 1)
        left = plot_axes(figure, 120, bottom, 830, step - 130)
        right = plot_axes(figure, 1080, bottom, WIDTH - 1120, step - 130)
        kw = order["hosting_kw"].to_numpy(dtype=float)
        left.step(share, np.maximum(kw, span[0]), where="mid", color=style.FAINT, linewidth=1.6, zorder=1)
        _marked(left, share, order, span)
        _marked(right, order["distance_km"].to_numpy(dtype=float), order, span)
        for axes in (left, right):
            _kw_axis(axes, "y", span)
            if device.max_kw is not None:
                axes.axhline(device.max_kw, color=style.MUTED, linewidth=1.2, linestyle=(0, (5, 2)))
        left.set(xlim=(0, 101.5))
        left.set_xlabel("places, from the weakest on [% of all]", fontsize=10)
        left.set_ylabel("hosting capacity [kW, logarithmic]", fontsize=10)
        right.set_xlabel("distance from the source [km]", fontsize=10)
        left.set_title(f"{device.name}, sorted", fontsize=11, fontweight="bold", loc="left")
        right.set_title(f"{device.name}, by distance", fontsize=11, fontweight="bold", loc="left")
    legend(sheet, entries, "What binds", WIDTH)
    save(figure, path)


def _mark(limit: str, size: float) -> dict[str, Any]:
    mine = look(limit)
    edge: dict[str, Any] = {"markeredgecolor": style.PAPER, "markeredgewidth": 0.4}
    return {"marker": mine.marker, "color": mine.colour, "linestyle": "none", "markersize": size, **edge}


def _marked(axes: Axes, x: Floats, rows: pd.DataFrame, span: tuple[float, float]) -> None:
    limit = rows["limit"].astype(str).to_numpy()
    kw = np.maximum(rows["hosting_kw"].to_numpy(dtype=float), span[0])
    size = 6.0 if len(kw) <= 300 else 4.0
    for name in dict.fromkeys(limit):
        mine = limit == name
        axes.plot(x[mine], kw[mine], **_mark(str(name), size))


@dataclass(frozen=True, eq=False)
class Deployments:
    """A device's curve and percentiles of the first violation, and how many deployments were drawn."""

    name: str
    curve: pd.DataFrame
    percentiles: pd.DataFrame
    count: int

    def at(self, percentile: int) -> float:
        """First violation [% of customers] of a percentile of the deployments; inf if there is none."""
        row = self.percentiles[self.percentiles["percentile"] == percentile]
        return float(row["first_pct"].iloc[0]) if len(row) else float("nan")

    @property
    def limits(self) -> list[str]:
        """Limits that any deployment breaks."""
        shares = [c for c in self.curve if c.endswith("_pct") and c.removesuffix("_pct") not in _NOT_LIMITS]
        return [c.removesuffix("_pct") for c in shares if float(self.curve[c].max()) > 0]


_NOT_LIMITS = ("penetration", "violating", "violated")
BANDS = ((5, 95, "#e4ecf3"), (25, 75, "#c3d6e6"))


def penetration(devices: Sequence[Deployments], text: Text, path: Path) -> None:
    """Share of deployments that break a limit against penetration, all and by limit; bands: where the middle half and
    nine tenths of the deployments break their first."""
    limits = list(dict.fromkeys(limit for device in devices for limit in device.limits))
    entries = [line_entry("any limit, here or at fewer devices", style.INK, 3.0)]
    entries += [line_entry(look(n).words, look(n).colour, 1.8, marker=look(n).marker, markersize=6) for n in limits]
    words = ("nine tenths of first violations", "middle half of first violations")
    entries += [line_entry(w, colour, 9.0) for w, (_, _, colour) in zip(words, BANDS, strict=True)]
    foot = legend_height(entries, "", WIDTH)
    columns = min(2, len(devices))
    rows = -(-len(devices) // columns)
    height = HEADING + 500 * rows + foot
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    cell = WIDTH / columns
    for position, device in enumerate(devices):
        left = (position % columns) * cell
        bottom = height - HEADING - 500 * (position // columns + 1) + 66
        axes = plot_axes(figure, left + 100, bottom, cell - 150, 330)
        _curves(axes, device)
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _curves(axes: Axes, device: Deployments) -> None:
    curve = device.curve.sort_values("penetration_pct")
    x = curve["penetration_pct"].to_numpy(dtype=float)
    end = max(float(x.max(initial=0)), 1.0)
    for low, high, colour in BANDS:
        a, b = device.at(low), device.at(high)
        if np.isfinite(a):
            right = min(b, end) if not np.isnan(b) else a
            axes.axvspan(a - 0.004 * end, right + 0.004 * end, color=colour, linewidth=0, zorder=0.5)
    middle = device.at(50)
    words = f"{device.name}: half of {_all(device.count)} never break a limit"
    if np.isfinite(middle):
        axes.axvline(middle, color=style.ACCENT, linewidth=1.3, linestyle=(0, (5, 2)))
        words = f"{device.name}: half of {_all(device.count)} break a limit by {middle:.0f} %"
    if device.count == 1:
        words = f"{device.name}: one deployment"
    axes.plot(x, curve["violated_pct"].to_numpy(dtype=float), color=style.INK, linewidth=3.0, zorder=3)
    for limit in device.limits:
        mine, y = look(limit), curve[f"{limit}_pct"].to_numpy(dtype=float)
        axes.plot(x, y, color=mine.colour, marker=mine.marker, markersize=5, linewidth=1.8, zorder=4)
    axes.set(xlim=(0, 1.01 * end), ylim=(-2, 104))
    axes.set_xlabel("customers with a device [%]", fontsize=10)
    axes.set_ylabel("deployments that break a limit [%]", fontsize=10)
    axes.set_title(words, fontsize=10.5, fontweight="bold", loc="left", pad=48)
    axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.grid(color=style.FAINT, linewidth=0.6)
    _power_axis(axes, x, curve["kw_mean"].to_numpy(dtype=float))


def _all(count: int) -> str:
    return f"{style.number(count)} deployments"


def _power_axis(axes: Axes, x: Floats, kw: Floats) -> None:
    """The mean installed power over the penetration, as a second axis at the top."""
    above = axes.secondary_xaxis("top")
    ticks = [t for t in axes.get_xticks() if 0 <= t <= axes.get_xlim()[1]]
    power = np.interp(ticks, np.append(0.0, x), np.append(0.0, kw))
    above.set_xticks(ticks, [style.number(value) for value in power], fontsize=8.6, color=style.MUTED)
    above.set_xlabel("installed, mean of the deployments [kW]", fontsize=8.8, color=style.MUTED)
    above.spines["top"].set_color(style.FAINT)
