"""Charts of what cases cost: beside the published costs, how bounds converge, what the stochastic solution is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gridstudio.report import style
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
from gridstudio.report.transition.frames import (
    BOUND,
    BUTT,
    FOUND,
    OTHER,
    PERCENT,
    WIDTH,
    Floats,
    beside,
    name,
    panels,
    quiet,
    rows_of,
)
from gridstudio.report.transition.view import optimised

INVESTED, OPERATED = "#1f5f8b", "#9fc4dd"
DIAMOND: dict[str, Any] = {"marker": "D", "linestyle": "none", "markerfacecolor": style.PAPER, "markersize": 8}
PUBLISHED: dict[str, Any] = DIAMOND | {"markeredgecolor": OTHER, "markeredgewidth": 2.0}
DECIDED: dict[str, Any] = {
    "marker": "o", "linestyle": "none", "markersize": 8, "markerfacecolor": style.PAPER, "markeredgecolor": FOUND,
    "markeredgewidth": 2.0,
}  # fmt: skip
PLAN: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": FOUND, "markersize": 9}
TICK: dict[str, Any] = {"marker": "|", "linestyle": "none", "markersize": 20, "markeredgewidth": 3.0, "color": BOUND}
LOWEST, HIGHEST = 0.8, 1.2  # times bound and cost: where the axis of a convergence begins and ends


def cases(table: pd.DataFrame, decided: Floats | None, text: Text, path: Path) -> None:
    """A row for each case: investment and operation stacked, bound and published cost marked; at the right each cost
    in parts of the first case's, where ours and the published order can be compared. Under a risk measure the cost
    that it makes of them is marked, bounds are of that, and so are the parts at the right.

    ``decided`` (case,): the same without what operates in the first stage, which no decision changes.
    """
    names = [f"case {case}" for case in table["case"]]
    told = table["published_busd"].astype(float).notna().any()
    entries = [line_entry("investment", INVESTED, 9, **BUTT), line_entry("operation", OPERATED, 9, **BUTT)]
    entries.append(Entry("bound: no plan costs less", TICK | {"markersize": 13}))
    entries += [Entry("published", PUBLISHED)] if told else []
    entries.append(Entry("risk-adjusted cost" if "risk_adjusted_busd" in table else "plan, right", PLAN))
    entries += [Entry("the same without operation in stage 1, right", DECIDED)] if decided is not None else []
    foot, tall = legend_height(entries, "", WIDTH), 52.0 * len(names)
    height = HEADING + tall + foot + 110
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = plot_axes(figure, 130, foot + 60, 960, tall)
    right = plot_axes(figure, 1150, foot + 60, WIDTH - 1190, tall)
    _absolute(left, table, names)
    _relative(right, table, names, decided)
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _absolute(axes: Axes, table: pd.DataFrame, names: Sequence[str]) -> None:
    rows = rows_of(axes, names)
    cost, bound, published, invested, operated = (
        table[c].to_numpy(dtype=float)
        for c in ("cost_busd", "bound_busd", "published_busd", "investment_busd", "operation_busd")
    )
    axes.barh(rows, invested, 0.56, color=INVESTED)
    axes.barh(rows, operated, 0.56, left=invested, color=OPERATED)
    axes.plot(bound, rows, **TICK)
    axes.plot(published, rows, **PUBLISHED)
    gaps, judged = table["gap"].to_numpy(dtype=float), optimised(table).to_numpy()
    adjusted = "risk_adjusted_busd" in table
    if adjusted:
        axes.plot(judged, rows, **PLAN)
    ends = np.fmax(cost, judged)
    ends = np.where(published > 0.97 * ends, np.fmax(ends, published), ends)  # words keep clear of a diamond there
    for y, value, at, low, gap, end in zip(rows, cost, judged, bound, gaps, ends, strict=True):
        words = f"  expected {value:.2f}, risk-adjusted {at:.2f}" if adjusted else f"{value:.2f}"
        beside(axes, end, y, f"{words} (bound {low:.2f}, gap {share(gap)})")
    room = 2.1 if adjusted else 1.42
    axes.set_xlim(0, room * max(float(np.nanmax(ends, initial=0)), float(np.nanmax(published, initial=0)), 1e-9))
    kind = "expected and risk-adjusted cost" if adjusted else "expected cost"
    axes.set_xlabel(f"{kind} [bn USD]", fontsize=9.5)
    name(axes, kind.capitalize())


def share(value: float) -> str:
    """A gap in percent, as many digits as it needs."""
    return style.percent(value, 1 if abs(value) >= 0.0095 else 2 if abs(value) >= 0.00095 else 3)


def _relative(axes: Axes, table: pd.DataFrame, names: Sequence[str], decided: Floats | None) -> None:
    rows = rows_of(axes, names, named=False)
    cost = optimised(table).to_numpy()
    bound, published = (table[c].to_numpy(dtype=float) for c in ("bound_busd", "published_busd"))
    ours, theirs = cost / cost[0], published / published[0]
    if decided is not None:
        axes.plot(decided, rows, zorder=3, **DECIDED)
    axes.hlines(rows, bound / cost[0], ours, color=style.FAINT, linewidth=6, zorder=1)
    axes.plot(bound / cost[0], rows, zorder=2, **TICK)
    axes.plot(ours, rows, zorder=3, **PLAN)
    axes.plot(theirs, rows, zorder=4, **PUBLISHED)
    axes.set_xlim(0, 1.08 * float(np.nanmax(np.concatenate([ours, theirs, [1.0]]))))
    axes.xaxis.set_major_formatter(PERCENT)
    kind = "risk-adjusted cost" if "risk_adjusted_busd" in table else "cost"
    axes.set_xlabel(f"{kind} in parts of {names[0]}'s", fontsize=9.5)
    name(axes, "What each case saves")


# ---- convergence -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Training:
    """The log of a case (phase, iteration, bound_musd, simulated_musd) and the cost [bn USD] of the plan found, both of
    what is optimised."""

    title: str
    log: pd.DataFrame
    cost_busd: float


def convergence(trained: Sequence[Training], text: Text, path: Path) -> None:
    """Bound and simulated cost against iterations, a chart each, around the cost of the plan; phases follow."""
    dot: dict[str, Any] = {"linestyle": "none", "markersize": 5.5}
    entries = [
        line_entry("bound", BOUND, 2.2),
        line_entry("cost of the plan, all paths", OTHER, 1.8),
        Entry("cost of the iteration's path", {"marker": "o", "color": FOUND, "alpha": 0.6, **dot}),
        Entry("the same, above the axis", {"marker": "^", "color": FOUND, **dot}),
    ]
    sheet = panels([one.title for one in trained], text, entries)
    for axes, one in zip(sheet.charts, trained, strict=True):
        _training(axes, one)
    save(sheet.figure, path)


def _training(axes: Axes, one: Training) -> None:
    log = one.log.reset_index(drop=True)
    x = np.arange(1, len(log) + 1)
    bound, path = (log[c].to_numpy(dtype=float) / 1e3 for c in ("bound_musd", "simulated_musd"))
    last = float(np.nanmax(bound, initial=0.0))
    cost = one.cost_busd if np.isfinite(one.cost_busd) else max(last, 1e-9)
    low, top = LOWEST * min(cost, last), HIGHEST * cost
    high = path > top
    axes.plot(x[~high], path[~high], "o", color=FOUND, alpha=0.6, markersize=4)
    axes.plot(x[high], np.full(int(high.sum()), top - 0.03 * (top - low)), "^", color=FOUND, markersize=4.5)
    axes.plot(x, bound, color=BOUND, linewidth=2.2)
    axes.axhline(cost, color=OTHER, linewidth=1.8)
    starts = np.flatnonzero(log["phase"].astype(str) != log["phase"].astype(str).shift())[1:]
    for start in starts:
        axes.axvline(x[start] - 0.5, color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.set(ylim=(low, top), xlim=(0.5, len(log) + 0.5))
    quiet(axes, "iteration", "bn USD")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


# ---- value of the stochastic solution ----------------------------------------------------------------


def stochastic(rows: pd.DataFrame, kind: str, text: Text, path: Path) -> None:
    """Costs of a ``kind`` that the value (69) is made of: a row for each plan and case, its bound where not exact."""
    many = rows["case"].nunique() > 1
    names = [f"{case}: {q}" if many else str(q) for case, q in zip(rows["case"], rows["quantity"], strict=True)]
    costs, bounds = (rows[c].to_numpy(dtype=float) for c in ("busd", "bound_busd"))
    entries = [Entry("bound, where the plan is not proven best", TICK | {"markersize": 13})]
    foot, tall = legend_height(entries, "", WIDTH), 46.0 * len(names)
    height = HEADING + tall + foot + 80
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 530, foot + 60, WIDTH - 590, tall)
    at = rows_of(axes, names, most=52)
    first = [str(q).startswith("stochastic") for q in rows["quantity"]]
    axes.barh(at, costs, 0.56, color=[INVESTED if mark else style.UNKNOWN for mark in first])
    axes.plot(bounds, at, **TICK)
    for y, value, extra in zip(at, costs, _above(rows), strict=True):
        beside(axes, value, y, f"{value:.2f}{extra}")
    axes.set_xlim(0, 1.25 * max(float(np.nanmax(costs, initial=0)), 1e-9))
    axes.set_xlabel(f"{kind} cost [bn USD]", fontsize=9.5)
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _above(rows: pd.DataFrame) -> list[str]:
    """How much more than the stochastic plan of its case each of the plans that meet the uncertain future costs."""
    own = rows[rows["quantity"].astype(str) == "stochastic plan"]
    base = dict(zip(own["case"], own["busd"].astype(float), strict=True))
    found = []
    for row in rows.itertuples():
        more = float(row.busd) - base.get(row.case, np.nan)
        compared = "mean future, in the" not in str(row.quantity) and row.quantity != "stochastic plan"
        found.append(f" ({more:+.2f})".replace("-", "\u2212") if compared and np.isfinite(more) else "")
    return found
