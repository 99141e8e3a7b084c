"""The map of a case: buses, rights of way, zones, and what is expected to be built where by the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Wedge

from gridstudio.report import labels, style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import (
    HEADING,
    POINT,
    Entry,
    Frame,
    drawable,
    heading,
    legend,
    legend_height,
    line_entry,
    new_sheet,
    plot_axes,
    save,
    write,
)
from gridstudio.report.transition.frames import WIDTH, Floats, beside, name, patch, rows_of
from gridstudio.report.transition.view import GRID, LEAST, RENEWABLE, STORED, THERMAL, colour, word

MAP = 740.0  # pixels of the map's width
LARGEST = 46.0  # pixels of the largest pie's radius
MOST_BUSES, MOST_NAMES, MOST_WAYS = 16, 30, 14
BUILT, STANDS, PLANNED = "#d55e00", "#6b7680", "#b4bcc4"
MARKS = {"line": ("", BUILT), "dtr": ("^", "#009e73"), "sssc": ("s", "#cc79a7")}
DASHED = (0, (3, 2.5))


@dataclass(frozen=True, eq=False)
class Site:
    """The tables network_buses, network_branches and network_zones of a case."""

    buses: pd.DataFrame
    branches: pd.DataFrame
    zones: pd.DataFrame

    def amounts(self, factors: Sequence[str]) -> Floats:
        """(bus, factor) as expected at the end."""
        found = [self.buses[f] if f in self.buses else np.zeros(len(self.buses)) for f in factors]
        return np.nan_to_num(np.array(found, dtype=float)).T.reshape(len(self.buses), len(factors))


def network(site: Site, text: Text, path: Path) -> None:
    """The map at the left; at the right MW by bus, pieces by bus and measures by right of way."""
    at, zones = _places(site.buses, site.zones)
    ways = _ways(site.branches)
    entries = _entries(site)
    foot = legend_height(entries, "", WIDTH)
    bars, rows = min(len(site.buses), MOST_BUSES), _pieces(site)
    right = 90 + 34.0 * bars + (64 + 28.0 * len(rows) if rows else 0) + (64 + 28.0 * len(ways) if ways else 0)
    height = HEADING + foot + max(900.0, right)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    whole = np.concatenate([at, zones])
    (x0, y0), (x1, y1) = whole.min(axis=0), whole.max(axis=0)
    frame = Frame(0, foot, MAP, height - HEADING - foot, (x0, x1, y0, y1), 62.0)
    _draw(sheet, site, frame.px(at), frame.px(zones), frame)
    top = height - HEADING - 34
    axes = plot_axes(figure, MAP + 130, top - 34.0 * bars, WIDTH - MAP - 150, 34.0 * bars)
    _stacks(axes, site)
    top -= 34.0 * bars + 78
    top = _lines(sheet, "Storage and retrofits, expected pieces", rows, top) if rows else top
    if ways:
        _lines(sheet, "Rights of way, expected pieces", ways, top)
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _places(buses: pd.DataFrame, zones: pd.DataFrame) -> tuple[Floats, Floats]:
    """Positions (place, 2) at equal scale: degrees of latitude, longitude shortened by its cosine."""
    middle = np.deg2rad(float(buses["latitude"].astype(float).mean()))
    found = [
        np.stack([t["longitude"].to_numpy(dtype=float) * np.cos(middle), t["latitude"].to_numpy(dtype=float)], axis=1)
        for t in (buses, zones)
    ]
    return found[0], found[1].reshape(-1, 2)


# ---- the map ---------------------------------------------------------------------------------------


def _draw(sheet: Axes, site: Site, at: Floats, zones: Floats, frame: Frame) -> None:
    place = {str(bus): at[i] for i, bus in enumerate(site.buses["bus"])}
    thermal = site.amounts(THERMAL)
    wanted = site.zones[list(RENEWABLE)].to_numpy(dtype=float).reshape(-1, 2)
    most = max(float(thermal.sum(axis=1).max(initial=0)), float(wanted.sum(axis=1).max(initial=0)), 1e-9)
    largest = LARGEST * float(np.clip((12 / max(len(at), 1)) ** 0.4, 0.3, 1.0))
    for (x, y), bus in zip(zones, site.zones["bus"], strict=True):
        if str(bus) in place:
            bx, by = place[str(bus)]
            sheet.plot([x, bx], [y, by], color=style.FAINT, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    lines = _branches(sheet, site.branches, place)
    for (x, y), amounts in zip(zones, wanted, strict=True):
        _pie(sheet, x, y, amounts, RENEWABLE, largest * np.sqrt(amounts.sum() / most), 3)
    for (x, y), amounts in zip(at, thermal, strict=True):
        _pie(sheet, x, y, amounts, THERMAL, largest * np.sqrt(amounts.sum() / most), 5)
        sheet.plot([x], [y], "o", color=style.INK, markersize=4, zorder=6)
    around = np.concatenate([_ring(at, thermal, largest, most), _ring(zones, wanted, largest, most)])
    _names(sheet, site, at, np.concatenate([lines, zones, around]), frame)


def _ring(at: Floats, amounts: Floats, largest: float, most: float) -> Floats:
    """Points within the pies, which labels keep clear of."""
    radius = largest * np.sqrt(amounts.sum(axis=1) / most)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    unit = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.concatenate([(at[:, None] + part * radius[:, None, None] * unit).reshape(-1, 2) for part in (0.5, 1.0)])


def _pie(sheet: Axes, x: float, y: float, amounts: Floats, factors: Sequence[str], radius: float, level: int) -> None:
    total = float(amounts.sum())
    if total <= LEAST:
        if level < 5:
            sheet.plot([x], [y], "o", markersize=2.6, color=style.UNKNOWN, zorder=2)
        return
    start = 90.0
    for factor, amount in zip(factors, amounts, strict=True):
        if amount > 0:
            turn = 360.0 * amount / total
            look: dict[str, Any] = {"facecolor": colour(factor), "linewidth": 0, "zorder": level, "alpha": 0.88}
            sheet.add_patch(Wedge((x, y), radius, start - turn, start, **look))
            start -= turn
    sheet.add_patch(Circle((x, y), radius, facecolor="none", edgecolor=style.PAPER, linewidth=1.0, zorder=level))


def _branches(sheet: Axes, branches: pd.DataFrame, place: Mapping[str, Floats]) -> Floats:
    """Draw rights of way; points along them, which labels keep clear of."""
    along = [np.zeros((0, 2))]
    for row in branches.to_dict("records"):
        ends = [place.get(str(row[c])) for c in ("from_bus", "to_bus")]
        if ends[0] is None or ends[1] is None:
            continue
        (xa, ya), (xb, yb) = ends[0], ends[1]
        new = float(row.get("line") or 0.0) > LEAST
        stands = bool(row["existing"])
        look: dict[str, Any] = {"zorder": 2.5, "solid_capstyle": "round"}
        if new:
            wide = 3.0 + 3.0 * min(float(row["line"]), 1.0)
            sheet.plot([xa, xb], [ya, yb], color=BUILT, linewidth=wide, **look)
        shade, dashes = (STANDS, "solid") if stands else (PLANNED, DASHED)
        if stands or not new:
            sheet.plot([xa, xb], [ya, yb], color=shade, linewidth=1.8 if stands else 1.1, linestyle=dashes, **look)
        for part, factor in ((0.42, "dtr"), (0.58, "sssc")):
            if float(row.get(factor) or 0.0) > LEAST:
                marker, fill = MARKS[factor]
                sheet.plot(
                    [xa + part * (xb - xa)],
                    [ya + part * (yb - ya)],
                    marker=marker,
                    markersize=9,
                    color=fill,
                    markeredgecolor=style.PAPER,
                    zorder=4,
                )
        steps = np.linspace(0, 1, 60)[:, None]
        along.append(ends[0] + (ends[1] - ends[0]) * steps)
    return np.concatenate(along)


def _names(sheet: Axes, site: Site, at: Floats, drawn: Floats, frame: Frame) -> None:
    order = np.argsort(-site.buses["max_load_mw"].to_numpy(dtype=float), kind="stable")[:MOST_NAMES]
    words = [drawable(site.buses["bus"].iloc[int(i)], 24) for i in order]
    sizes = labels.text_size(words, 9.6 * POINT)
    found = labels.place(at[order], sizes, labels.Clutter.of(drawn, np.full(len(drawn), 6.0), frame.bounds))
    for text, (x, y) in zip(words, found, strict=True):
        if np.isfinite(x):
            box = {"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
            write(sheet, x, y, text, fontsize=9.6, fontweight="bold", ha="center", zorder=8, bbox=box)


def _entries(site: Site) -> list[Entry]:
    found = [patch(word(f), colour(f)) for f in (*THERMAL, *RENEWABLE)]
    found += [
        line_entry("line today", STANDS, 1.8),
        line_entry("right of way without one", PLANNED, 1.1, linestyle=DASHED),
    ]
    for factor, (marker, fill) in MARKS.items():
        if factor in site.branches and (site.branches[factor].astype(float) > LEAST).any():
            look = {"marker": marker, "linestyle": "none", "markersize": 9, "color": fill}
            found.append(Entry(word(factor), look) if marker else line_entry(word(factor), fill, 6.0))
    dots: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 3.5, "color": style.UNKNOWN}
    return [*found, Entry("zone with neither wind nor sun", dots)]


# ---- beside the map ----------------------------------------------------------------------------------


def _stacks(axes: Axes, site: Site) -> None:
    factors = (*THERMAL, *RENEWABLE)
    order = np.argsort(-site.buses["max_load_mw"].to_numpy(dtype=float), kind="stable")[:MOST_BUSES]
    amounts = site.amounts(factors)[order] / 1e3
    rows = rows_of(axes, [str(site.buses["bus"].iloc[int(i)]) for i in order], most=14)
    base = np.zeros(len(rows))
    for column, factor in enumerate(factors):
        axes.barh(rows, amounts[:, column], 0.62, left=base, color=colour(factor))
        base += amounts[:, column]
    for y, total in zip(rows, base, strict=True):
        beside(axes, total, y, f"{total:.2f}" if total > 0.005 else "\u2013")
    axes.set_xlim(0, 1.18 * max(float(base.max(initial=0)), 1e-9))
    axes.set_xlabel("GW", fontsize=9.5)
    more = f", the {len(order)} of largest load" if len(order) < len(site.buses) else ""
    name(axes, f"New capacity by bus{more or ' (zones: at the bus they feed)'}")


def _pieces(site: Site) -> list[tuple[str, str]]:
    amounts = site.amounts(STORED)
    found = []
    for bus, row in zip(site.buses["bus"], amounts, strict=True):
        parts = [f"{word(f)} {_count(a)}" for f, a in zip(STORED, row, strict=True) if a > LEAST]
        if parts:
            found.append((str(bus), ", ".join(parts)))
    return found[:MOST_BUSES]


def _ways(branches: pd.DataFrame) -> list[tuple[str, str]]:
    found = []
    for row in branches.to_dict("records"):
        amounts = [(f, float(row.get(f) or 0.0)) for f in GRID]
        parts = [f"{word(f)} {_count(a)}" for f, a in amounts if a > LEAST]
        if parts:
            found.append((f"{row['from_bus']} \u2013 {row['to_bus']}", ", ".join(parts)))
    return found[:MOST_WAYS]


def _count(amount: float) -> str:
    return style.number(amount, 0 if abs(amount - round(amount)) < LEAST else 2)


def _lines(sheet: Axes, head: str, rows: Sequence[tuple[str, str]], top: float) -> float:
    write(sheet, MAP + 24, top, head, fontsize=10.5, fontweight="bold")
    for number, (place, what) in enumerate(rows):
        y = top - 32 - 28 * number
        write(sheet, MAP + 24, y, drawable(place, 26), fontsize=9.2)
        write(sheet, MAP + 300, y, drawable(what, 58), fontsize=9.2)
    return top - 64 - 28 * len(rows)
