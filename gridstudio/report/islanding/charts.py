"""Charts of islands: power and state of charge over the hours, and how long an island lasts by its start hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

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

Floats = NDArray[np.float64]
WIDTH = 1680.0
PLAIN = FuncFormatter(lambda value, _: style.number(value))
PV, DISCHARGE, CHARGE, SHED = "#f0c24b", "#4a90c2", "#a9cfe8", "#d55e00"
DASHES = (0, (5, 2))
HEAT = LinearSegmentedColormap.from_list("hours", ["#f4f7fa", "#9cc3e0", "#3d85bd", "#0b3c64"])
MOST_ROWS = 12  # zones of the table by start hour


@dataclass(frozen=True, eq=False)
class Island:
    """A zone's island: its trace by step, capacity, what is stored at its start and reserve (None: not known)."""

    caption: str
    trace: pd.DataFrame
    capacity_kwh: float
    initial_kwh: float | None
    reserve_kwh: float | None


def islands(found: Sequence[Island], text: Text, path: Path) -> None:
    """For each island what serves the load hour by hour (PV, storage), what is shed, and below the state of charge."""
    columns = min(3, max(len(found), 1))
    cell, tall = WIDTH / columns, 520.0
    rows = -(-len(found) // columns)
    height = HEADING + rows * tall + 66
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    for position, island in enumerate(found):
        left = (position % columns) * cell
        bottom = height - HEADING - (position // columns + 1) * tall
        write(sheet, left + 26, bottom + tall - 10, island.caption, fontsize=9.6, fontweight="bold")
        power = plot_axes(figure, left + 92, bottom + 222, cell - 122, 256)
        charge = plot_axes(figure, left + 92, bottom + 66, cell - 122, 112)
        _power(power, island.trace, first=not position % columns)
        _charge(charge, island, first=not position % columns)
        for axes in (power, charge):
            _hours(axes, island.trace)
    edge: dict[str, Any] = {"color": SHED, "linewidth": 6.0, "alpha": 0.45}
    entries = [
        Entry("PV used", {"color": PV, "linewidth": 8.0}),
        Entry("storage discharging", {"color": DISCHARGE, "linewidth": 8.0}),
        Entry("charging (below zero)", {"color": CHARGE, "linewidth": 8.0}),
        Entry("load shed", edge),
        line_entry("load", style.INK, 2.0),
        line_entry("state of charge", "#0b3c64", 2.2),
        line_entry("reserve", style.WARNING, 1.3, linestyle=DASHES),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _steps(values: "pd.Series[Any]") -> Floats:
    """Hourly means as a step curve: the last one lasts an hour too."""
    array = values.to_numpy(dtype=float)
    return np.append(array, array[-1:])


def _power(axes: Axes, trace: pd.DataFrame, first: bool) -> None:
    x = np.arange(len(trace) + 1)
    used = np.where(_steps(trace["served_kw"]) > 0, _steps(trace["pv_kw"]), 0.0)
    storage, load, shed = (_steps(trace[name]) for name in ("storage_kw", "load_kw", "shed_kw"))
    out, into = np.clip(storage, 0, None), np.clip(storage, None, 0)
    within = used + into  # PV that charges the storage does not serve load
    axes.fill_between(x, 0, within, step="post", color=PV, linewidth=0)
    axes.fill_between(x, within, within + out, step="post", color=DISCHARGE, linewidth=0)
    axes.fill_between(x, 0, into, step="post", color=CHARGE, linewidth=0)
    axes.fill_between(
        x, load - shed, load, step="post", facecolor=(0.84, 0.37, 0, 0.18), edgecolor=SHED, hatch="////", linewidth=0
    )
    axes.step(x, load, where="post", color=style.INK, linewidth=2.0)
    axes.axhline(0, color=style.MUTED, linewidth=0.8)
    top = max(float(load.max(initial=0)), float((within + out).max(initial=0)), 1.0)
    axes.set_ylim(min(1.15 * float(into.min(initial=0)), 0), 1.1 * top)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    if first:
        axes.set_ylabel("power [kW]", fontsize=10)


def _charge(axes: Axes, island: Island, first: bool) -> None:
    start = np.nan if island.initial_kwh is None else island.initial_kwh
    soc = np.append(start, island.trace["soc_kwh"].to_numpy(dtype=float))  # at the end of each hour
    axes.plot(np.arange(len(soc)), soc, color="#0b3c64", linewidth=2.2)
    axes.fill_between(np.arange(len(soc)), 0, soc, color=DISCHARGE, alpha=0.25, linewidth=0)
    if island.reserve_kwh is not None:
        axes.axhline(island.reserve_kwh, color=style.WARNING, linewidth=1.3, linestyle=DASHES)
    axes.set_ylim(0, 1.12 * max(island.capacity_kwh, float(np.nanmax(soc, initial=0)), 1.0))
    axes.yaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if first:
        axes.set_ylabel("stored [kWh]", fontsize=10)
    axes.set_xlabel("hour of the day", fontsize=9.5)


def _hours(axes: Axes, trace: pd.DataFrame) -> None:
    count = len(trace)
    every = max(1, -(-count // 8))
    first = int(trace["hour"].iloc[0]) if count else 0
    ticks = np.arange(0, count + 1, every)
    axes.set_xlim(0, max(count, 1))
    axes.set_xticks(ticks, [str((first + int(t)) % 24) for t in ticks])
    axes.grid(color=style.FAINT, linewidth=0.6)


def durations(by_start: pd.DataFrame, zones: Sequence[str], hours: float, text: Text, path: Path) -> None:
    """Zone by start hour: hours with all load (upper) and hours with shedding (lower), 0 where no island can start."""
    shown = list(zones)[:MOST_ROWS]
    starts = sorted({int(hour) for hour in by_start["start_hour"]})
    kinds = (("hours_all_load", "all load"), ("hours_with_shedding", "with shedding"))
    left, row = 300.0, 32.0
    cell = min((WIDTH - left - 40) / max(len(starts), 1), 90.0)
    height = HEADING + 50 + (2 * row + 10) * len(shown) + 26
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    top = height - HEADING - 44
    for k, start in enumerate(starts):
        write(sheet, left + cell * (k + 0.5), top + 16, f"{start}", ha="center", fontsize=9.5, fontweight="bold")
    write(sheet, left - 14, top + 16, "start hour", ha="right", fontsize=9.5, color=style.MUTED)
    table = by_start.set_index(["zone", "start_hour"])
    for n, zone in enumerate(shown):
        y = top - (2 * row + 10) * n
        write(sheet, 30, y - row, drawable(zone, 20), fontsize=10, fontweight="bold")
        for k, (column, label) in enumerate(kinds):
            base = y - row * (k + 1)
            write(sheet, left - 14, base + row / 2, label, ha="right", fontsize=9, color=style.MUTED)
            value = [float(table[column].get((zone, start), np.nan)) for start in starts]
            _heat_row(sheet, value, (left, left + cell * len(starts), base + 1, base + row - 1), hours)
    sheet.set(xlim=(0, WIDTH), ylim=(0, height))
    save(figure, path)


def _heat_row(sheet: Axes, value: Sequence[float], box: tuple[float, float, float, float], most: float) -> None:
    sheet.imshow(np.array([value]), cmap=HEAT, vmin=0, vmax=most, extent=box, aspect="auto", interpolation="nearest")
    cell = (box[1] - box[0]) / max(len(value), 1)
    for k, hours in enumerate(value):
        ink = style.PAPER if hours > 0.5 * most else style.INK
        words = style.number(hours, 0 if float(hours).is_integer() else 1)
        write(sheet, box[0] + cell * (k + 0.5), (box[2] + box[3]) / 2, words, ha="center", fontsize=8.6, color=ink)
