"""Charts of a resilience study: wind and fragility, convergence, scenarios, losses, probability of supply."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
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
    legend_height,
    line_entry,
    new_sheet,
    plot_axes,
    save,
)

Floats = NDArray[np.float64]
WIDTH = 1680.0
PLAIN = FuncFormatter(lambda value, _: style.number(value))
PERCENT = FuncFormatter(lambda value, _: style.percent(value))
WITHOUT, WITH, SAMPLE = "#6b7680", "#0072b2", "#d55e00"
REGIONS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)))
BAND = 1.96  # standard errors
BUTT: dict[str, Any] = {"solid_capstyle": "butt"}
LEAST = 1e-4  # probability shown on a logarithmic axis


def quiet(axes: Axes, x: str, y: str) -> None:
    """Labels and grid of a chart."""
    axes.set_xlabel(x, fontsize=10)
    axes.set_ylabel(y, fontsize=10)
    axes.grid(color=style.FAINT, linewidth=0.6)


def weather(wind: pd.DataFrame, fragility: pd.DataFrame, strata: pd.DataFrame, text: Text, path: Path) -> None:
    """Wind speed of an event by region, strata shaded; below the probability that a line fails."""
    figure, sheet = new_sheet(WIDTH, 880)
    above = plot_axes(figure, 130, 510, WIDTH - 190, 270)
    below = (plot_axes(figure, 130, 150, 660, 270), plot_axes(figure, 950, 150, 670, 270))
    heading(sheet, 880, text.title, text.subtitle)
    entries = [*_winds(above, wind), *_strata(above, strata), *_fragilities(below, fragility)]
    shown = wind if len(wind) else fragility
    for axes in (above, *below):
        axes.set_xlim(0, float(shown["wind_m_s"].max()))
        axes.set_ylim(bottom=0)
    quiet(above, "", "density [per m/s]")
    for axes, scale in zip(below, ("", " (logarithmic)"), strict=True):
        quiet(axes, "wind speed of the event [m/s]", f"probability that a reference\nlength fails{scale}")
    below[1].set_yscale("log")
    below[1].set_ylim(LEAST, 1.3)
    below[0].yaxis.set_major_formatter(PERCENT)
    below[1].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}{style.SPACE}%"))
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _winds(axes: Axes, wind: pd.DataFrame) -> Iterator[Entry]:
    """A curve for each region; thin and dotted where no event is of it."""
    for number, (region, part) in enumerate(wind.groupby("region", sort=False)):
        share, colour = float(part["share"].iloc[0]), REGIONS[number % len(REGIONS)]
        look: dict[str, Any] = {"linestyle": "solid" if share > 0 else (0, (2, 2))}
        name = f"wind {drawable(region, 24)}" + ("" if share >= 1 or not share else f", {style.percent(share)}")
        axes.plot(part["wind_m_s"], part["density_s_m"], color=colour, linewidth=2.4 if share else 1.4, **look)
        yield line_entry(name + ("" if share else " (not here)"), colour, 2.4 if share else 1.4, **look)


def _strata(axes: Axes, strata: pd.DataFrame) -> Iterator[Entry]:
    shade: dict[str, Any] = {"color": style.ACCENT_PALE, "alpha": 0.55, "linewidth": 0, "zorder": 0}
    for row in strata.iloc[::2].itertuples():
        axes.axvspan(row.wind_from_m_s, row.wind_to_m_s, **shade)
    if len(strata):
        yield Entry("every other stratum of drawn storms", {"color": style.ACCENT_PALE, "linewidth": 9.0, **BUTT})


def _fragilities(panels: Sequence[Axes], fragility: pd.DataFrame) -> Iterator[Entry]:
    """A curve for each kind of line, on every panel."""
    for number, ((kind, hardened), part) in enumerate(fragility.groupby(["kind", "hardened"], sort=False)):
        metres = style.number(part["reference_length_m"].iloc[0])
        colour, dashes = REGIONS[(number + 3) % len(REGIONS)], DASHES[number % len(DASHES)]
        for axes in panels:
            axes.plot(part["wind_m_s"], part["probability"], color=colour, linewidth=2.2, linestyle=dashes)
        name = f"{drawable(kind, 20)}{', hardened' if hardened else ''}, {metres} m"
        yield line_entry(name, colour, 2.2, linestyle=dashes)


def convergence(table: pd.DataFrame, wanted_pct: float, text: Text, path: Path) -> None:
    """The mean loss with its 95 % band, and its standard error in percent of it, against the storms drawn."""
    figure, sheet = new_sheet(WIDTH, 600)
    heading(sheet, 600, text.title, text.subtitle)
    left, right = plot_axes(figure, 120, 130, 880, 360), plot_axes(figure, 1130, 130, 500, 360)
    storms, mean, error = (table[c].to_numpy(dtype=float) for c in ("storms", "mean_kw", "standard_error_kw"))
    mark: dict[str, Any] = {"marker": "o", "markersize": 4.5} if len(table) <= 40 else {}
    left.fill_between(storms, mean - BAND * error, mean + BAND * error, color=WITH, alpha=0.2, linewidth=0)
    left.plot(storms, mean, color=WITH, linewidth=2, **mark)
    part = 100 * error / np.where(mean > 0, mean, np.nan)
    right.plot(storms, part, color=WITH, linewidth=2, **mark)
    right.axhline(wanted_pct, color=style.WARNING, linewidth=1.4, linestyle=(0, (5, 2)))
    right.set_ylim(0, 1.15 * max(float(np.nanmax(part, initial=0.0)), wanted_pct))
    quiet(left, "storms drawn", "mean loss without new sources\n[weighted kW]")
    quiet(right, "storms drawn", "standard error, % of the mean")
    left.yaxis.set_major_formatter(PLAIN)
    for axes in (left, right):
        axes.xaxis.set_major_formatter(PLAIN)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    entries = [
        line_entry("mean so far", WITH, 2.0),
        Entry("1.96 standard errors", {"color": WITH, "alpha": 0.2, "linewidth": 9.0, **BUTT}),
        line_entry(f"asked for: {wanted_pct:g} %", style.WARNING, 1.4, linestyle=(0, (5, 2))),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def scenarios(table: pd.DataFrame, text: Text, path: Path) -> None:
    """Loss of each scenario against its wind, area by probability, colour by stratum; beside it the probabilities."""
    figure, sheet = new_sheet(WIDTH, 760)
    heading(sheet, 760, text.title, text.subtitle)
    left, right = plot_axes(figure, 120, 130, 980, 530), plot_axes(figure, 1200, 130, 430, 530)
    strata = sorted(table["stratum"].unique())
    colour = dict(zip(strata, style.ramp(len(strata)), strict=True))
    wind, loss, q, p = (table[c].to_numpy(dtype=float) for c in ("wind_m_s", "loss_kw", "q_kw", "probability"))
    colours = [colour[s] for s in table["stratum"]]
    left.vlines(wind, np.minimum(loss, q), np.maximum(loss, q), color=style.FAINT, linewidth=1.4, zorder=2)
    area = 40 + 1500 * p / max(float(p.max()), 1e-12)
    left.scatter(wind, loss, area, c=colours, alpha=0.75, edgecolors=style.PAPER, linewidths=1.0, zorder=3)
    left.scatter(wind, q, 46, facecolors=style.PAPER, edgecolors=style.INK, linewidths=1.5, marker="D", zorder=4)
    quiet(left, "wind speed [m/s]", "loss [weighted kW]")
    left.yaxis.set_major_formatter(PLAIN)
    left.margins(x=0.08, y=0.1)
    right.barh(table["scenario"].to_numpy(dtype=float), p, 0.72, color=colours)
    right.invert_yaxis()
    right.yaxis.set_major_locator(MaxNLocator(10, integer=True))
    right.xaxis.set_major_formatter(PERCENT)
    right.xaxis.set_major_locator(MaxNLocator(5))
    quiet(right, "probability", "scenario (from calm to stormy)")
    dot: dict[str, Any] = {"linestyle": "none", "markersize": 9}
    entries = [
        Entry(f"stratum {s + 1}", {"marker": "o", "markerfacecolor": c, "markeredgecolor": style.PAPER, **dot})
        for s, c in colour.items()
    ]
    hollow = {"marker": "D", "markerfacecolor": style.PAPER, "markeredgecolor": style.INK, "markeredgewidth": 1.5}
    entries.append(Entry("with the plan", {"linestyle": "none", "markersize": 6.5, **hollow}))
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


# ---- losses --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Curve:
    """A distribution of losses and its measures (with standard errors; NaN: exact); no curve without ``loss``."""

    label: str
    colour: str
    dashes: Any
    measures: Mapping[str, float]
    loss_kw: Floats | None = None
    probability: Floats | None = None


def losses(curves: Sequence[Curve], alpha: float, text: Text, path: Path) -> None:
    """How often a loss is exceeded; below, on the same axis, E, VaR and CVaR of each case."""
    tall = 46.0 * len(curves)
    height = HEADING + 430 + tall + 190
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    above = plot_axes(figure, 330, 190 + tall, WIDTH - 390, 400)
    below = plot_axes(figure, 330, 120, WIDTH - 390, tall)
    for curve in curves:
        _exceeded(above, curve)
    rows = np.arange(len(curves))[::-1]
    for y, curve in zip(rows, curves, strict=True):
        _measures(below, float(y), curve)
    above.axhline(1 - alpha, color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)))
    top = max([float(c.measures["cvar_kw"]) for c in curves] + [_most(c) for c in curves] + [1.0])
    for axes in (above, below):
        axes.set_xlim(-0.02 * top, 1.06 * top)
        axes.xaxis.set_major_formatter(PLAIN)
    above.set_ylim(0, 1.02)
    above.yaxis.set_major_formatter(PERCENT)
    below.set_ylim(-0.6, len(curves) - 0.4)
    below.set_yticks(rows, [drawable(c.label, 40) for c in curves], fontsize=9.5, parse_math=False)
    quiet(above, "", "probability that the loss is larger")
    quiet(below, "prioritised load lost [weighted kW]", "")
    entries = [line_entry(c.label, c.colour, 2.2, linestyle=c.dashes) for c in curves if c.loss_kw is not None]
    mark: dict[str, Any] = {"linestyle": "none", "markeredgecolor": style.INK, "markerfacecolor": style.MUTED}
    for name, marker in (("E", "o"), ("VaR", "|"), ("CVaR", "D")):
        entries.append(Entry(name, {"marker": marker, "markersize": 11 if marker == "|" else 7, **mark}))
    entries.append(line_entry("1.96 standard errors", style.INK, 1.2))
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _most(curve: Curve) -> float:
    return 0.0 if curve.loss_kw is None else float(curve.loss_kw.max(initial=0.0))


def _exceeded(axes: Axes, curve: Curve) -> None:
    if curve.loss_kw is None or curve.probability is None or not len(curve.loss_kw):
        return
    order = np.argsort(curve.loss_kw, kind="stable")
    x, above = curve.loss_kw[order], 1 - np.cumsum(curve.probability[order])
    look: dict[str, Any] = {"color": curve.colour, "linewidth": 2.2, "linestyle": curve.dashes}
    axes.step(np.append(0.0, x), np.append(1.0, np.maximum(above, 0.0)), where="post", **look)


def _measures(axes: Axes, y: float, curve: Curve) -> None:
    found = curve.measures
    for name, marker, size in (("mean_kw", "o", 8.0), ("var_kw", "|", 15.0), ("cvar_kw", "D", 7.0)):
        error = float(found.get(name.replace("_kw", "_se_kw"), np.nan))
        if np.isfinite(error) and error > 0:
            span: dict[str, Any] = {"color": style.INK, "capsize": 4, "elinewidth": 1.2, "fmt": "none"}
            axes.errorbar([found[name]], [y], xerr=[BAND * error], **span)
        look: dict[str, Any] = {"markerfacecolor": curve.colour, "markeredgecolor": curve.colour}
        axes.plot([found[name]], [y], marker=marker, markersize=size, markeredgewidth=2.2, zorder=4, **look)


# ---- supply --------------------------------------------------------------------------------------


def supply(
    names: Sequence[str], before: Floats | None, after: Floats, labels: tuple[str, str], text: Text, path: Path
) -> None:
    """For each load how often it is picked up, without (hollow) and with (filled) the plan."""
    tall = max(27.0 * len(names), 90.0)
    mark: dict[str, Any] = {"linestyle": "none", "markersize": 8}
    entries = [Entry(labels[1], {"marker": "o", "color": WITH, **mark})]
    if before is not None:
        hollow = {"marker": "o", "markerfacecolor": style.PAPER, "markeredgecolor": WITHOUT, "markeredgewidth": 1.6}
        entries.insert(0, Entry(labels[0], {**hollow, **mark}))
    foot = legend_height(entries, "", WIDTH)
    height = HEADING + tall + foot + 70
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 420, foot + 60, WIDTH - 480, tall)
    rows = np.arange(len(names))[::-1]
    if before is not None:
        axes.hlines(rows, before, after, color=style.FAINT, linewidth=3.0)
        axes.plot(before, rows, markerfacecolor=style.PAPER, markeredgecolor=WITHOUT, markeredgewidth=1.6,
                  marker="o", **mark)  # fmt: skip
    axes.plot(after, rows, marker="o", color=WITH, **{**mark, "markersize": 6.5})
    axes.set_yticks(rows, [drawable(name, 44) for name in names], fontsize=9, parse_math=False)
    axes.set(ylim=(-0.7, len(names) - 0.3), xlim=(-0.01, 1.02))
    axes.xaxis.set_major_formatter(PERCENT)
    quiet(axes, "probability that the load is picked up in a storm (over the scenarios)", "")
    legend(sheet, entries, "", WIDTH)
    save(figure, path)
