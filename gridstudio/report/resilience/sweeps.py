"""Charts of sensitivity sweeps: number of scenarios, risk aversion, budget and candidate sites."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.resilience.charts import BAND, DASHES, PLAIN, REGIONS, WIDTH, WITH, Floats, quiet
from gridstudio.report.sheet import HEADING, Entry, heading, legend, line_entry, new_sheet, plot_axes, save, write

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FRESH = (0, (4, 2))
STEP = 0.008  # of the axis: from one draw to the next
MOST_CURVES = len(REGIONS)


def scenarios(table: pd.DataFrame, text: Text, path: Path) -> None:
    """Objective (over the scenarios, and of the same plans over fresh storms) and solve time against the number of
    scenarios: a mark for each draw, a line through the means."""
    figure, sheet = new_sheet(WIDTH, 640)
    heading(sheet, 640, text.title, text.subtitle)
    left, right = plot_axes(figure, 120, 130, 860, 400), plot_axes(figure, 1120, 130, 510, 400)
    x = table["scenarios"].to_numpy(dtype=float)
    span, wide = float(np.ptp(x)) or 2.0, 1.0 + table["draw"].nunique() / 2
    _draws(left, table, "checked_objective_kw", -wide, {"color": WITH, "marker": "o"})
    mean = _draws(left, table, "fresh_objective_kw", wide, {"color": REGIONS[1], "marker": "s", "linestyle": FRESH})
    error = BAND * table.groupby("scenarios")["fresh_objective_se_kw"].mean()
    left.errorbar(*mean, yerr=error, fmt="none", ecolor=REGIONS[1], capsize=4, elinewidth=1.2)
    _draws(right, table, "seconds", 0.0, {"color": style.INK, "marker": "o"})
    right.set_ylim(bottom=0)
    quiet(left, "number of scenarios", "objective [weighted kW]")
    quiet(right, "number of scenarios", "solve time, all rounds [s]")
    for axes in (left, right):
        axes.set_xlim(x.min() - 0.08 * span, x.max() + 0.08 * span)
        axes.xaxis.set_major_locator(FixedLocator(sorted(set(x))))
        axes.xaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_major_formatter(PLAIN)
    entries = [
        line_entry("over its scenarios", WITH, 2.0, marker="o", markersize=6),
        line_entry("the same plans over fresh storms", REGIONS[1], 2.0, marker="s", markersize=6, linestyle=FRESH),
        line_entry("solve time", style.INK, 2.0, marker="o", markersize=6),
        line_entry("1.96 standard errors (all share the storms)", REGIONS[1], 1.2),
    ]
    legend(sheet, entries, "Marks: draws, lines: means", WIDTH)
    save(figure, path)


def _draws(axes: Axes, table: pd.DataFrame, name: str, side: float, look: dict[str, Any]) -> tuple[Floats, Floats]:
    """A mark for each draw, one beside the other, and a line through their means, which are given back."""
    at, middle = beside(table, side)
    axes.plot(at, table[name], alpha=0.6, markersize=6, **{**look, "linestyle": "none"})
    mean = table.groupby("scenarios")[name].mean().to_numpy(dtype=float)
    axes.plot(middle, mean, linewidth=2, **{**look, "marker": ""})
    return middle, mean


def beside(table: pd.DataFrame, side: float) -> tuple[Floats, Floats]:
    """Where the draws of each number of scenarios are marked, and the middle of each number; ``side``: in marks."""
    x, draws = table["scenarios"].to_numpy(dtype=float), sorted(set(table["draw"]))
    step = STEP * (float(np.ptp(x)) or 2.0)
    rank = table["draw"].map({draw: k - (len(draws) - 1) / 2 for k, draw in enumerate(draws)}).to_numpy(dtype=float)
    return x + step * (rank + side), np.unique(x) + step * side


def risk(table: pd.DataFrame, text: Text, path: Path) -> None:
    """CVaR against lambda, a curve for each alpha: over the scenarios, and over fresh storms with their error."""
    figure, sheet = new_sheet(WIDTH, 640)
    heading(sheet, 640, text.title, text.subtitle)
    left, right = plot_axes(figure, 120, 130, 690, 380), plot_axes(figure, 950, 130, 680, 380)
    entries = []
    for number, (alpha, part) in enumerate(table.groupby("alpha", sort=True)):
        rows = part.sort_values("lambda")
        look: dict[str, Any] = _look(number, number)
        left.plot(rows["lambda"], rows["cvar_kw"], **look)
        error = BAND * rows["fresh_cvar_se_kw"].to_numpy(dtype=float)
        span: dict[str, Any] = {"capsize": 4, "elinewidth": 1.2}
        shift = 0.006 * (number - (table["alpha"].nunique() - 1) / 2)
        right.errorbar(rows["lambda"] + shift, rows["fresh_cvar_kw"], yerr=error, **span, **look)
        entries.append(Entry(f"alpha {float(str(alpha)):g}", look))
    for axes, title in ((left, "Over the scenarios"), (right, "The same plans over fresh storms")):
        axes.set_title(title, fontsize=11, fontweight="bold", loc="left", color=style.INK)
        quiet(axes, "lambda (0: risk-neutral, 1: risk-averse)", "CVaR of the loss [weighted kW]")
        axes.yaxis.set_major_formatter(PLAIN)
    legend(sheet, [*entries, line_entry("1.96 standard errors", style.INK, 1.2)], "", WIDTH)
    save(figure, path)


def _look(colour: int, shape: int) -> dict[str, Any]:
    return {
        "color": REGIONS[colour % len(REGIONS)],
        "linewidth": 2.0,
        "marker": MARKERS[shape % len(MARKERS)],
        "markersize": 6.5,
        "linestyle": DASHES[shape % len(DASHES)],
    }


# ---- budget and sites ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Curve:
    """The points of one curve, in the order of x, and how it is drawn."""

    label: str
    look: dict[str, Any]
    rows: pd.DataFrame


def axis_of(table: pd.DataFrame) -> tuple[str, str]:
    """Column and label of what lies on x: the budget, or the number of sites where there is one budget only."""
    by_sites = table["budget_kw"].nunique() < 2 <= table["sites"].nunique()
    return ("sites", "candidate sites") if by_sites else ("budget_kw", "budget [kW]")


def curves(table: pd.DataFrame) -> list[Curve]:
    """Sites by colour, lambda by dash and mark."""
    x, _ = axis_of(table)
    kinds = ["lambda"] if x == "sites" else ["sites", "lambda"]
    lambdas, counts = sorted(table["lambda"].unique()), sorted(table["sites"].unique())
    found = []
    for _, part in table.groupby(kinds, sort=True):
        first = part.iloc[0]
        colour = lambdas.index(first["lambda"]) if x == "sites" else counts.index(first["sites"])
        label = f"lambda {float(first['lambda']):g}" + ("" if x == "sites" else f", {int(first['sites'])} sites")
        look = _look(colour, lambdas.index(first["lambda"]))
        found.append(Curve(label, look, part.sort_values(x)))
    return found[: MOST_CURVES * 4]


PANELS = (
    ("fresh_mean_kw", "fresh_mean_se_kw", "expected loss E [weighted kW]", "mean_kw"),
    ("fresh_var_kw", "fresh_var_se_kw", "VaR of the loss [weighted kW]", "var_kw"),
    ("fresh_cvar_kw", "fresh_cvar_se_kw", "CVaR of the loss [weighted kW]", "cvar_kw"),
    ("fresh_critical_kw", "fresh_critical_se_kw", "critical load picked up [kW]", ""),
)


def budget(table: pd.DataFrame, text: Text, path: Path) -> None:
    """E, VaR, CVaR and critical load picked up over fresh storms; thin: the same over the scenarios."""
    height = HEADING + 2 * 420 + 110.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    x, label = axis_of(table)
    drawn = curves(table)
    for number, (name, error, words, inside) in enumerate(PANELS):
        axes = plot_axes(figure, 120 + 830 * (number % 2), height - HEADING - 370 - 420 * (number // 2), 680, 320)
        for k, curve in enumerate(drawn):
            _with_error(axes, curve, k - (len(drawn) - 1) / 2, (x, name, error, inside))
        quiet(axes, label, words)
        axes.yaxis.set_major_formatter(PLAIN)
        axes.xaxis.set_major_formatter(PLAIN)
        axes.xaxis.set_major_locator(FixedLocator(sorted(set(table[x].astype(float)))))
    entries = [Entry(curve.label, curve.look) for curve in drawn]
    entries.append(line_entry("thin: over the scenarios", style.MUTED, 0.8))
    legend(sheet, [*entries, line_entry("1.96 standard errors", style.INK, 1.2)], "Fresh storms", WIDTH)
    save(figure, path)


def _with_error(axes: Axes, curve: Curve, aside: float, names: tuple[str, str, str, str]) -> None:
    x, name, error, inside = names
    at = curve.rows[x].to_numpy(dtype=float)
    span = float(np.ptp(at)) or 1.0
    yerr = BAND * curve.rows[error].to_numpy(dtype=float) if error else None
    axes.errorbar(at + 0.01 * span * aside, curve.rows[name], yerr=yerr, capsize=3, elinewidth=1.0, **curve.look)
    if inside:
        axes.plot(at, curve.rows[inside], color=curve.look["color"], linewidth=0.8, linestyle=curve.look["linestyle"])


def boxes(table: pd.DataFrame, spread: pd.DataFrame, text: Text, path: Path) -> None:
    """Losses over fresh storms: box 25 to 75 %, line the median, whiskers 5 and 95 %, cross 99 %; dot the mean and
    diamond the CVaR. A panel for each lambda, a box for each budget and number of sites."""
    lambdas, counts = sorted(table["lambda"].unique()), sorted(table["sites"].unique())
    height = HEADING + 420 * len(lambdas) + 110.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    budgets = sorted(table["budget_kw"].unique())
    quantile = spread.pivot_table(index="point", columns="percentile", values="loss_kw")
    tail = table["fresh_cvar_kw"] + BAND * table["fresh_cvar_se_kw"].fillna(0.0)
    top = 1.05 * max(float(quantile[99].max()), float(tail.max()), 1.0)
    for number, lambda_ in enumerate(lambdas):
        bottom = height - HEADING - 420 * number - 370
        write(sheet, 120, bottom + 338, f"lambda {lambda_:g}", fontsize=11, fontweight="bold")
        axes = plot_axes(figure, 120, bottom, WIDTH - 180, 320)
        for row in table[table["lambda"] == lambda_].to_dict("records"):
            colour = REGIONS[counts.index(row["sites"]) % len(REGIONS)]
            side = counts.index(row["sites"]) - (len(counts) - 1) / 2
            at = budgets.index(row["budget_kw"]) + min(0.8 / len(counts), 0.1 * len(budgets)) * side
            if row["point"] in quantile.index:
                _box(axes, at, min(0.6 / len(counts), 0.06 * len(budgets)), quantile.loc[row["point"]], (row, colour))
        axes.set(xlim=(-0.6, len(budgets) - 0.4), ylim=(0, top))
        axes.set_xticks(range(len(budgets)), [style.number(kw) for kw in budgets])
        quiet(axes, "budget [kW]", "loss [weighted kW]")
        axes.grid(axis="x", visible=False)
        axes.yaxis.set_major_formatter(PLAIN)
    entries = [
        line_entry(f"{int(n)} sites", REGIONS[k % len(REGIONS)], 9.0, alpha=0.5, solid_capstyle="butt")
        for k, n in enumerate(counts)
    ]
    mark: dict[str, Any] = {"linestyle": "none", "color": style.INK}
    entries += [Entry("E", {"marker": "o", "markersize": 6, **mark}), Entry("CVaR", {"marker": "D", **mark})]
    entries += [
        Entry("99 %", {"marker": "x", "markersize": 6, **mark}),
        line_entry("1.96 standard errors", style.INK, 1.2),
    ]
    legend(sheet, entries, "Box 25-75 %", WIDTH)
    save(figure, path)


def _box(axes: Axes, x: float, width: float, q: "pd.Series[Any]", drawn: tuple[dict[Any, Any], str]) -> None:
    row, colour = drawn
    axes.bar(x, q[75] - q[25], width, bottom=q[25], color=colour, alpha=0.45, edgecolor=colour)
    axes.hlines(q[50], x - width / 2, x + width / 2, color=style.INK, linewidth=2.2)
    axes.vlines([x, x], [q[5], q[75]], [q[25], q[95]], color=colour, linewidth=1.4)
    axes.hlines([q[5], q[95]], x - width / 4, x + width / 4, color=colour, linewidth=1.4)
    look: dict[str, Any] = {"color": style.INK, "linestyle": "none", "zorder": 5}
    for value, marker in ((q[99], "x"), (row["fresh_mean_kw"], "o"), (row["fresh_cvar_kw"], "D")):
        axes.plot([x], [value], marker=marker, markersize=5.5, **look)
    values, errors = (
        [row[f"fresh_{name}_kw"] for name in names] for names in (("mean", "cvar"), ("mean_se", "cvar_se"))
    )
    axes.errorbar([x, x], values, yerr=BAND * np.array(errors), fmt="none", ecolor=style.INK, capsize=4, elinewidth=1.2)


def sources(table: pd.DataFrame, max_kw: Sequence[float], text: Text, path: Path) -> None:
    """How many sources each plan builds, beside the fewest of full size for its kW, and their mean size."""
    figure, sheet = new_sheet(WIDTH, 640)
    heading(sheet, 640, text.title, text.subtitle)
    left, right = plot_axes(figure, 120, 130, 690, 400), plot_axes(figure, 950, 130, 680, 400)
    x, label = axis_of(table)
    drawn = curves(table)
    for k, curve in enumerate(drawn):
        at = curve.rows[x].to_numpy(dtype=float)
        at = at + 0.006 * (float(np.ptp(at)) or 1.0) * (k - (len(drawn) - 1) / 2)
        count, kw = (curve.rows[c].to_numpy(dtype=float) for c in ("sources", "built_kw"))
        left.plot(at, count, **curve.look)
        right.plot(at, kw / np.where(count > 0, count, np.nan), **curve.look)
        left.plot(at, list(_fewest(curve.rows, max_kw)), marker="_", markersize=14, linestyle="none",
                  markeredgewidth=2.2, color=style.INK)  # fmt: skip
    quiet(left, label, "sources that are built")
    left.yaxis.set_major_locator(MaxNLocator(integer=True))
    quiet(right, label, "mean size of a source [kW]")
    for axes in (left, right):
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
        axes.xaxis.set_major_formatter(PLAIN)
        axes.xaxis.set_major_locator(FixedLocator(sorted(set(table[x].astype(float)))))
    entries = [Entry(curve.label, curve.look) for curve in drawn]
    fewest = {"marker": "_", "markersize": 14, "linestyle": "none", "markeredgewidth": 2.2, "color": style.INK}
    legend(sheet, [*entries, Entry("fewest that could give the kW built", fewest)], "", WIDTH)
    save(figure, path)


def _fewest(rows: pd.DataFrame, max_kw: Sequence[float]) -> Iterator[int]:
    for sites, kw in zip(rows["sites"], rows["built_kw"], strict=True):
        room = np.cumsum(np.sort(np.array(max_kw[: int(sites)], dtype=float))[::-1])
        yield int(np.searchsorted(room, float(kw) - 1e-6)) + 1 if float(kw) > 0 else 0
