"""Charts as pictures: costs, spending by year, voltages along the feeder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.arrange import Distribution, Profile, Spending
from gridstudio.report.maps import Text
from gridstudio.report.sheet import heading, legend, line_entry, new_sheet, plot_axes, save

Floats = NDArray[np.float64]
WIDTH = 1680.0
MONEY = FuncFormatter(lambda value, _: style.number(value))
PERCENT = FuncFormatter(lambda value, _: style.percent(value))


def cost_distribution(
    shape: Distribution,
    expected_usd: float | None,
    span_usd: tuple[float, float] | None,
    label: str,
    text: Text,
    path: Path,
) -> None:
    """Histogram and exceedance curve over the same axis; the 90 % range shaded, the expected cost as a line."""
    figure, sheet = new_sheet(WIDTH, 640)
    heading(sheet, 640, text.title, text.subtitle)
    left, right = plot_axes(figure, 100, 80, 690, 440), plot_axes(figure, 940, 80, 690, 440)
    left.bar(
        shape.edges[:-1],
        shape.weight,
        np.diff(shape.edges),
        align="edge",
        color=style.ACCENT,
        edgecolor="white",
        zorder=3,
    )
    left.set_ylabel("probability", fontsize=10)
    cost, above = shape.cost_usd, shape.above
    start = np.append(shape.edges[0], cost)
    right.step(start, np.append(1.0, above), where="pre", color=style.ACCENT, linewidth=2, zorder=3)
    right.plot([cost[-1]] * 2, [above[-1], 0], color=style.ACCENT, linewidth=2, zorder=3)
    right.set_ylabel("probability that the cost is at least this", fontsize=10)
    right.set_ylim(0, 1.12)
    left.set_ylim(0, 1.2 * shape.weight.max())
    for axes in (left, right):
        _mark_costs(axes, expected_usd, span_usd)
        axes.set_xlim(shape.edges[0], shape.edges[-1])
        axes.set_xlabel(f"{label} [USD]", fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(MONEY)
        axes.yaxis.set_major_formatter(PERCENT)
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
        axes.grid(axis="y", color=style.FAINT, linewidth=0.6)
    save(figure, path)


def _mark_costs(axes: Axes, expected_usd: float | None, span_usd: tuple[float, float] | None) -> None:
    note: dict[str, Any] = {"fontsize": 9, "va": "top", "transform": axes.get_xaxis_transform(), "parse_math": False}
    if span_usd is not None:
        axes.axvspan(*span_usd, color=style.ACCENT_PALE, zorder=1, linewidth=1.5 if span_usd[0] == span_usd[1] else 0)
        words = f"90 % range: {style.number(span_usd[0])} to {style.number(span_usd[1])}"
        axes.text(0.01, 1.07, words, color=style.ACCENT, **{**note, "transform": axes.transAxes})
    if expected_usd is not None:
        axes.axvline(expected_usd, color=style.WARNING, linewidth=1.5, linestyle=(0, (5, 2)), zorder=4)
        words = f"expected: {style.number(expected_usd)}"
        axes.text(0.99, 1.07, words, color=style.WARNING, **{**note, "transform": axes.transAxes, "ha": "right"})


def spending_by_year(spent: Spending, colours: Mapping[str, str], text: Text, path: Path) -> None:
    """Expected spending of each year stacked by new conductor; a whisker from the lowest to the highest scenario."""
    figure, sheet = new_sheet(WIDTH, 640)
    heading(sheet, 640, text.title, text.subtitle)
    axes = plot_axes(figure, 120, 130, WIDTH - 160, 400)
    base = np.zeros(len(spent.years))
    for name, amount in zip(spent.conductors, spent.expected_usd, strict=True):
        axes.bar(
            spent.years,
            amount,
            0.62,
            bottom=base,
            color=colours.get(name, style.UNKNOWN),
            edgecolor="white",
            linewidth=0.6,
        )
        base += amount
    top = max(float(spent.high_usd.max(initial=0)), float(base.max(initial=0)), 1.0)
    beside = np.array(spent.years) + 0.38
    axes.vlines(beside, spent.low_usd, spent.high_usd, color=style.INK, linewidth=1.4)
    for values in (spent.low_usd, spent.high_usd):
        axes.hlines(values, beside - 0.04, beside + 0.04, color=style.INK, linewidth=1.4)
    for year, amount in zip(spent.years, base, strict=True):
        text_look: dict[str, Any] = {
            "ha": "center",
            "va": "bottom",
            "fontsize": 9.5,
            "fontweight": "bold",
            "color": style.INK,
        }
        axes.text(year, amount + 0.015 * top, style.number(amount), **text_look)
    axes.set(xlim=(0.4, len(spent.years) + 0.75), ylim=(0, 1.1 * top), xlabel="year", ylabel="spending [USD]")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(MONEY)
    axes.grid(axis="y", color=style.FAINT, linewidth=0.6)
    entries = [line_entry(name, colours.get(name, style.UNKNOWN), 7.0) for name in spent.conductors]
    legend(sheet, [*entries, line_entry("lowest to highest scenario", style.INK, 1.4)], "New conductor", WIDTH)
    save(figure, path)


def voltage_profile(
    shape: Profile, panels: Mapping[str, str], limits_pu: tuple[float, float], text: Text, path: Path
) -> None:
    """Voltage against distance from the source, a panel (name -> column of the nodes) each on the same scale;
    limits dashed, a mark per phase."""
    figure, sheet = new_sheet(WIDTH, 700)
    heading(sheet, 700, text.title, text.subtitle)
    nodes = shape.nodes
    live = nodes[list(panels.values())].to_numpy(dtype=float)
    live = live[live > 0.5]
    low, high = min(limits_pu[0], live.min(initial=1.0)), max(limits_pu[1], live.max(initial=1.0))
    cell = (WIDTH - 20) / len(panels)
    for position, (name, column) in enumerate(panels.items()):
        axes = plot_axes(figure, 100 + position * cell, 130, cell - 120, 430)
        _phases(axes, shape, column)
        for limit, side in zip(limits_pu, ("top", "bottom"), strict=True):
            axes.axhline(limit, color=style.WARNING, linewidth=1.3, linestyle=(0, (5, 2)))
            note: dict[str, Any] = {"ha": "right", "va": side, "fontsize": 9, "color": style.WARNING}
            axes.text(0.995, limit, f"{limit:g} pu", transform=axes.get_yaxis_transform(), **note)
        v = nodes[column].to_numpy(dtype=float)
        span = (
            f"{name}: {np.nanmin(v):.4f} to {np.nanmax(v):.4f} pu" if np.isfinite(v).any() else f"{name}: no voltages"
        )
        axes.set_title(span, fontsize=11, fontweight="bold", loc="left", color=style.INK)
        axes.set(ylim=(low - 0.06 * (high - low), high + 0.06 * (high - low)), ylabel="voltage [pu]",
                 xlabel="distance from the source [km]")  # fmt: skip
        axes.grid(color=style.FAINT, linewidth=0.5)
    entries = [
        line_entry(f"phase {k}", style.PHASE_COLOURS[k], 1.2, marker=style.PHASE_MARKERS[k], markersize=5)
        for k in sorted(set(nodes["phase"])) if k in style.PHASE_COLOURS
    ]  # fmt: skip
    legend(sheet, [*entries, line_entry("limit", style.WARNING, 1.3, linestyle=(0, (5, 2)))], "Phase", WIDTH)
    save(figure, path)


def _phases(axes: Axes, shape: Profile, column: str) -> None:
    x, v = shape.nodes["distance_km"].to_numpy(dtype=float), shape.nodes[column].to_numpy(dtype=float)
    phase = shape.nodes["phase"].to_numpy()
    for k, colour in style.PHASE_COLOURS.items():
        pairs = shape.pairs[phase[shape.pairs[:, 0]] == k]
        segments = np.stack([x[pairs], v[pairs]], axis=-1)
        axes.add_collection(LineCollection(list(segments), colors=colour, linewidths=0.9, alpha=0.7))
        mine = phase == k
        axes.plot(x[mine], v[mine], linestyle="none", marker=style.PHASE_MARKERS[k], markersize=3.2, color=colour)
