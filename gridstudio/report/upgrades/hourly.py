"""Small charts side by side, one for each feeder: excess by year, an alternative's day, load and shedding."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, Entry, drawable, heading, legend, line_entry, new_sheet, plot_axes, save
from gridstudio.report.upgrades.rows import AFTER, BEFORE, DASHES, LONGEST, PLAIN, WIDTH, title
from gridstudio.report.upgrades.view import words

MOST_PANELS = 9
SHIFT, BATTERY, CHARGE, LEFT = "#009e73", "#56a5d8", "#cfe3f2", "#d55e00"
PANEL = 330.0
Drawer = Callable[[Axes, str, bool], None]


def panels(names: Sequence[str], entries: Sequence[Entry], text: Text, path: Path, drawer: Drawer) -> None:
    """A sheet with a small chart for each name; ``drawer`` (axes, name, whether at the left edge) fills it."""
    columns = min(3, max(len(names), 1))
    rows = -(-len(names) // columns)
    height = HEADING + rows * PANEL + 60
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    cell = (WIDTH - 20) / columns
    for k, name in enumerate(names):
        left, bottom = 20 + cell * (k % columns), height - HEADING - PANEL * (k // columns + 1)
        axes = plot_axes(figure, left + 78, bottom + 84, cell - 108, PANEL - 128)
        drawer(axes, name, not k % columns)
        axes.grid(axis="y", color=style.FAINT, linewidth=0.6)
        axes.yaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_major_locator(MaxNLocator(5))
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def deficits(rows: pd.DataFrame, names: Sequence[str], text: Text, path: Path) -> None:
    """Excess over the limit by year: mean, 95 % quantile and highest scenario of each feeder."""
    top = 1.08 * float(rows.loc[rows["feeder"].isin(names), "highest_mw"].astype(float).max())
    looks = (
        ("mean_mw", "#8a5a00", "solid", 2.2),
        ("p95_mw", BEFORE, "solid", 2.2),
        ("highest_mw", BEFORE, DASHES, 1.4),
    )

    def draw(axes: Axes, name: str, first: bool) -> None:
        mine = rows[rows["feeder"] == name].sort_values("year", kind="stable")
        year = mine["year"].to_numpy(dtype=float)
        axes.fill_between(year, 0, mine["p95_mw"].to_numpy(dtype=float), color=BEFORE, alpha=0.18, linewidth=0)
        for column, colour, dashes, width in looks:
            axes.plot(year, mine[column], color=colour, linestyle=dashes, linewidth=width, marker="o", markersize=3.5)
        axes.set_ylim(0, top)
        axes.set_xticks(year, [f"{y:.0f}" for y in year])
        axes.set_xlabel("year", fontsize=9)
        if first:
            axes.set_ylabel("above the limit [MW]", fontsize=9.5)
        chance = float(mine["probability"].iloc[-1])
        title(axes, f"{drawable(words(name), LONGEST)}: {style.percent(chance)} in the last year")

    entries = [
        line_entry("mean over scenarios", "#8a5a00", 2.2, marker="o", markersize=4),
        line_entry("95 % quantile", BEFORE, 2.2, marker="o", markersize=4),
        line_entry("highest scenario", BEFORE, 1.4, linestyle=DASHES, marker="o", markersize=4),
    ]
    panels(names, entries, text, path, draw)


def dispatch(rows: pd.DataFrame, names: Sequence[str], until: Mapping[str, int], text: Text, path: Path) -> None:
    """An alternative's day: load and limit (lines), what shifting and the battery take off, what is left above."""

    def draw(axes: Axes, name: str, first: bool) -> None:
        mine = rows[rows["feeder"] == name]
        year = _year(mine, until.get(name))
        day = _hardest_day(mine[mine["year"] == year])
        _day(axes, day)
        if first:
            axes.set_ylabel("MW", fontsize=9.5)
        title(axes, f"{drawable(words(name), LONGEST)}, year {year}")

    entries = [
        line_entry("load", style.INK, 2.0),
        line_entry("limit", style.WARNING, 1.6, linestyle=DASHES),
        line_entry("load after both", AFTER, 2.0),
        line_entry("taken off by shifting EVs", SHIFT, 9.0, alpha=0.7, solid_capstyle="butt"),
        line_entry("battery discharging", BATTERY, 9.0, alpha=0.7, solid_capstyle="butt"),
        line_entry("shifted to, charging", CHARGE, 9.0, solid_capstyle="butt"),
        line_entry("left above the limit", LEFT, 9.0, solid_capstyle="butt"),
    ]
    panels(names, entries, text, path, draw)


def _year(mine: pd.DataFrame, until: int | None) -> int:
    """The last year in which the alternative is adequate, else the first of the table."""
    years = sorted({int(year) for year in mine["year"]})
    able = [year for year in years if until is not None and year <= until]
    return able[-1] if able else years[0]


def _hardest_day(mine: pd.DataFrame) -> pd.DataFrame:
    """The day with the highest load over its limit."""
    excess = (mine["load_mw"] - mine["limit_mw"]).astype(float)
    return mine[mine["day"] == mine.loc[excess.idxmax(), "day"]].sort_values("hour", kind="stable")


def _day(axes: Axes, day: pd.DataFrame) -> None:
    hour = np.append(day["hour"].to_numpy(dtype=float), float(day["hour"].iloc[-1]) + 1)

    def steps(column: str) -> Any:
        values = day[column].to_numpy(dtype=float)
        return np.append(values, values[-1])

    load, limit, shift, battery, left = map(steps, ("load_mw", "limit_mw", "shift_mw", "battery_mw", "left_mw"))
    shifted = load - np.clip(shift, 0, None)
    after = load - shift - battery
    look: dict[str, Any] = {"step": "post", "linewidth": 0}
    axes.fill_between(hour, shifted, load, color=SHIFT, alpha=0.7, **look)
    axes.fill_between(hour, shifted - np.clip(battery, 0, None), shifted, color=BATTERY, alpha=0.7, **look)
    axes.fill_between(hour, load, np.maximum(after, load), color=CHARGE, **look)
    axes.fill_between(hour, after - left, after, where=left > 1e-6, color=LEFT, **look)
    axes.step(hour, load, where="post", color=style.INK, linewidth=2.0)
    axes.step(hour, after, where="post", color=AFTER, linewidth=1.6)
    axes.step(hour, limit, where="post", color=style.WARNING, linewidth=1.6, linestyle=DASHES)
    low, high = min(load.min(), after.min()), max(load.max(), limit.max(), after.max())
    axes.set(ylim=(max(0.0, low - 0.25 * (high - low)), high + 0.12 * (high - low + 1e-9)), xlim=(hour[0], hour[-1]))
    axes.set_xlabel("hour of the day", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))


def shedding(rows: pd.DataFrame, names: Sequence[str], text: Text, path: Path) -> None:
    """Load of every representative hour of the last year with the plan, and what is expected to be shed (bars)."""
    last = rows[rows["year"] == rows["year"].max()]
    most = max(float(last.loc[last["feeder"].isin(names), "expected_shed_mw"].astype(float).max()), 0.0)

    def draw(axes: Axes, name: str, first: bool) -> None:
        mine = last[last["feeder"] == name].sort_values(["day", "hour"], kind="stable")
        at = np.arange(len(mine))
        axes.plot(at, mine["p95_load_mw"], color=BEFORE, linewidth=1.8)
        axes.plot(at, mine["mean_load_mw"], color=AFTER, linewidth=1.8)
        shed = mine["expected_shed_mw"].to_numpy(dtype=float)
        high = float(mine["p95_load_mw"].astype(float).max())
        axes.set(ylim=(0, 1.15 * max(high, 1e-6)), xlim=(0, max(len(mine) - 1, 1)))
        axes.fill_between(at, 0, shed, color=LEFT, linewidth=0)
        _days(axes, mine)
        if first:
            axes.set_ylabel("MW", fontsize=9.5)
        told = f"at most {1000 * shed.max():.3g} kW shed" if shed.max(initial=0) > 0 else "nothing shed"
        title(axes, f"{drawable(words(name), LONGEST)}: {told}")

    entries = [
        line_entry("mean load", AFTER, 1.8),
        line_entry("95 % quantile of the load", BEFORE, 1.8),
        *([line_entry("expected to be shed", LEFT, 9.0, solid_capstyle="butt")] if most > 0 else []),
    ]
    panels(names, entries, text, path, draw)


def _days(axes: Axes, mine: pd.DataFrame) -> None:
    """A rule and a name where a representative day begins."""
    days = mine["day"].to_numpy()
    starts = [0, *(np.flatnonzero(days[1:] != days[:-1]) + 1).tolist()]
    for start in starts[1:]:
        axes.axvline(start, color=style.FAINT, linewidth=1.0)
    middle = [(a + b) / 2 for a, b in zip(starts, [*starts[1:], len(days)], strict=True)]
    named = [f"day {days[start]}" if len(starts) > 1 else "" for start in starts]
    axes.set_xticks(middle, named, fontsize=8.5)
    axes.set_xlabel("representative hours", fontsize=9)
