"""Charts of choices: decisions over all scenarios, plans to commit to, comparison with a published table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.arrange import Decisions
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, MONO, Entry, drawable, heading, legend, new_sheet, plot_axes, save, write

Floats = NDArray[np.float64]
WIDTH = 1680.0
MONEY = FuncFormatter(lambda value, _: style.number(value))
HEAT = LinearSegmentedColormap.from_list("heat", ["#eef4f9", "#9cc3e0", "#3d85bd", "#0b3c64"])
MOST_ROWS = 45
LONGEST = 24  # characters of a name that a chart shows


def decision_table(found: Decisions, classes: Mapping[str, str], text: Text, path: Path) -> None:
    """Heat table: line by (year, conductor), the probability in each cell; the line's class at the right."""
    shown = min(len(found.lines), MOST_ROWS)
    row_px = 30.0
    more = f" The first {shown} of {len(found.lines)} lines." if shown < len(found.lines) else ""
    names = [drawable(line, LONGEST) for line in found.lines[:shown]]
    name_px = 44 + 10.6 * max(map(len, names), default=4)
    class_px = 210.0
    cell_px = min((WIDTH - name_px - class_px - 40) / max(len(found.options), 1), 190.0)
    font = 9.0 if cell_px >= 58 else 7.0
    longest = max((len(conductor) for _, conductor in found.options), default=0)
    turned = cell_px < 12 + 1.1 * font * longest
    head_px = (40 + 0.56 * font * longest if turned else 34) + 34
    height = HEADING + head_px + row_px * max(shown, 1) + 30
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle + more)
    top = height - HEADING - head_px
    _option_heads(sheet, found.options, name_px, cell_px, top, top + head_px - 22, font, turned)
    for i, line in enumerate(found.lines[:shown]):
        y = top - row_px * (i + 0.5)
        write(sheet, name_px - 12, y, names[i], ha="right", fontsize=9.5, family=MONO)
        write(sheet, name_px + cell_px * len(found.options) + 16, y, classes.get(line, ""), fontsize=9.5)
    if shown:
        p = found.p[:shown]
        box = (name_px, name_px + cell_px * len(found.options), top - row_px * shown, top)
        sheet.imshow(
            np.where(p > 0, p, np.nan), cmap=HEAT, vmin=0, vmax=1, extent=box, aspect="auto", interpolation="nearest"
        )
        for i, j in zip(*np.nonzero(p), strict=True):
            x, y = name_px + cell_px * (j + 0.5), top - row_px * (i + 0.5)
            ink = style.PAPER if p[i, j] > 0.5 else style.INK
            write(sheet, x, y, _in_percent(p[i, j]), ha="center", fontsize=font, color=ink)
        rules = [[(40, top - row_px * k), (box[1] + class_px - 30, top - row_px * k)] for k in range(shown + 1)]
        sheet.add_collection(LineCollection(rules, colors=style.FAINT, linewidths=0.6), autolim=False)
    sheet.set(xlim=(0, WIDTH), ylim=(0, height))
    save(figure, path)


def _in_percent(p: float) -> str:
    return "<1" if p < 0.005 else f"{100 * p:.0f}"


def _option_heads(
    sheet: Axes, options: Sequence[tuple[int, str]], left: float, cell: float, top: float, years_at: float, font: float,
    turned: bool,
) -> None:  # fmt: skip
    """Years over conductors over the columns, a rule between the years."""
    for j, (_, conductor) in enumerate(options):
        place = {"rotation": 28, "rotation_mode": "anchor", "ha": "left"} if turned else {"ha": "center"}
        write(sheet, left + cell * (j + (0.4 if turned else 0.5)), top + 15, conductor, fontsize=font, **place)
    for year in dict.fromkeys(year for year, _ in options):
        columns = [j for j, (y, _) in enumerate(options) if y == year]
        x0, x1 = left + cell * columns[0], left + cell * (columns[-1] + 1)
        write(sheet, (x0 + x1) / 2, years_at, f"year {year}", ha="center", fontsize=9.5, fontweight="bold")
        sheet.plot([x0 + 4, x1 - 4], [years_at - 15] * 2, color=style.MUTED, linewidth=1)


COSTS = {
    "cost_committed_usd": ("committed now", "s", "#56b4e9"),
    "cost_expected_usd": ("expected, with corrections", "o", "#0072b2"),
    "cost_cvar_usd": ("CVaR", "D", "#d55e00"),
    "cost_max_usd": ("worst scenario", "^", "#1d2731"),
}
REGRETS = {"regret_expected_usd": ("expected", "o", "#0072b2"), "regret_max_usd": ("largest", "^", "#1d2731")}


def robust_plans(robust: pd.DataFrame, text: Text, path: Path) -> None:
    """The plans to commit to: their costs at the left, their regret at the right, a row for each measure."""
    height = HEADING + 160 + 64.0 * len(robust)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    tall = 64.0 * len(robust)
    for left, width, columns, label in ((210, 800, COSTS, "cost [USD]"), (1120, 510, REGRETS, "regret [USD]")):
        present = [column for column in columns if column in robust]
        if not present:
            continue
        axes = plot_axes(figure, left, 98, width, tall)
        rows = np.arange(len(robust))[::-1]
        values = robust[present].to_numpy(dtype=float)
        axes.hlines(rows, values.min(axis=1), values.max(axis=1), color=style.FAINT, linewidth=2, zorder=1)
        for k, (column, (name, marker, colour)) in enumerate(columns.items()):
            if column in robust:  # a little below each other, so that equal figures do not hide each other
                beside = rows + 0.13 * ((len(columns) - 1) / 2 - k)
                look: dict[str, Any] = {
                    "marker": marker,
                    "markersize": 8,
                    "color": colour,
                    "markeredgecolor": style.PAPER,
                }
                axes.plot(robust[column], beside, linestyle="none", label=name, markeredgewidth=0.8, **look)
        named = [drawable(name, LONGEST) if columns is COSTS else "" for name in robust["measure"]]
        axes.set_yticks(rows, named, fontsize=10, parse_math=False)
        axes.set(ylim=(-0.6, len(robust) - 0.4), xlabel=label)
        axes.margins(x=0.06)
        if columns is REGRETS:
            axes.set_xlim(-0.05 * max(values.max(), 1.0), 1.08 * max(values.max(), 1.0))
        axes.xaxis.set_major_formatter(MONEY)
        axes.xaxis.set_major_locator(MaxNLocator(6 if columns is COSTS else 4, integer=True))
        axes.grid(axis="x", color=style.FAINT, linewidth=0.6)
        tight: dict[str, Any] = {"frameon": False, "columnspacing": 1.2, "handletextpad": 0.2}
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, fontsize=9, **tight)
    save(figure, path)


def comparison(table: pd.DataFrame, years: int, published: str, text: Text, path: Path) -> None:
    """Each line's year and conductor as published (ring) and here (dot), a panel for each scenario, two in a row."""
    panels = [(name, part.reset_index(drop=True)) for name, part in table.groupby("scenario", sort=False)]
    rows = [panels[i : i + 2] for i in range(0, len(panels), 2)]
    heights = [27.0 * max(len(part) for _, part in row) + 90 for row in rows]
    height = HEADING + sum(heights) + 50
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    width, top = (WIDTH - 40) / len(rows[0]), height - HEADING
    for row, row_px in zip(rows, heights, strict=True):
        for number, (scenario, part) in enumerate(row):
            tall = 27.0 * len(part)
            axes = plot_axes(figure, 40 + number * width + 70, top - 40 - tall, width - 330, tall)
            _years_compared(axes, part, years)
            title = f"Scenario {drawable(scenario, LONGEST)}: {int(part['agrees'].sum())} of {len(part)} agree"
            axes.set_title(title, fontsize=11, fontweight="bold", loc="left", color=style.INK, parse_math=False)
        top -= row_px
    ring: dict[str, Any] = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "linestyle": "none"}
    dot: dict[str, Any] = {"marker": "o", "markersize": 5.5, "markeredgecolor": "none", "linestyle": "none"}
    entries = [
        Entry(drawable(published, 40), {**ring, "markeredgecolor": style.INK}),
        Entry("here, the same", {**dot, "markerfacecolor": style.ACCENT}),
        Entry("differs", {**dot, "markerfacecolor": style.WARNING}),
    ]
    legend(sheet, entries, "Year of replacement", WIDTH)
    save(figure, path)


def _years_compared(axes: Axes, part: pd.DataFrame, years: int) -> None:
    y = np.arange(len(part))[::-1]
    agrees = part["agrees"].to_numpy(dtype=bool)
    theirs = pd.to_numeric(part["year_published"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    ours = pd.to_numeric(part["year"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    axes.plot(theirs, y, "o", markersize=10, markerfacecolor="none", markeredgecolor=style.INK, markeredgewidth=1.1)
    axes.scatter(ours, y, s=30, c=np.where(agrees, style.ACCENT, style.WARNING), zorder=3)
    axes.set_yticks(y, [drawable(line, LONGEST) for line in part["line"]], fontsize=9, family=MONO, parse_math=False)
    axes.set(xlim=(0.5, years + 0.5), ylim=(-0.6, len(part) - 0.4), xlabel="year")
    axes.set_xticks(range(1, years + 1))
    axes.grid(color=style.FAINT, linewidth=0.5)
    for row, line in enumerate(part.itertuples()):
        here = "not replaced" if pd.isna(line.to) else str(line.to)
        there = "not replaced" if pd.isna(line.to_published) else str(line.to_published)
        words = here if agrees[row] else f"{here} (published: {there})"
        look: dict[str, Any] = {"fontsize": 8.5, "va": "center", "color": style.INK if agrees[row] else style.WARNING}
        axes.text(1.02, y[row], drawable(words, 40), transform=axes.get_yaxis_transform(), parse_math=False, **look)
