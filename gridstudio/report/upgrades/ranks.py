"""Charts of risk: feeders by what is unserved and by MW above the limit, and the map of probability by severity."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.sheet import HEADING, POINT, Entry, heading, legend, line_entry, new_sheet, plot_axes, save
from gridstudio.report.upgrades.rows import (
    AFTER,
    BEFORE,
    DASHES,
    PERCENT,
    PLAIN,
    WIDTH,
    Floats,
    beside,
    label_points,
    log_axis,
    name_width,
    number_text,
    row_axes,
    rows_height,
    title,
)


def ranking(rows: pd.DataFrame, unit: str, text: Text, path: Path) -> None:
    """A row for each feeder: expected unserved without and with the plan (bars), MW above the limit (range)."""
    names = [str(name) for name in rows["feeder"]]
    height = rows_height(len(names), 118)
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    left = name_width(names)
    width = (WIDTH - left - 90) / 2
    bars = row_axes(figure, left, 112, width - 80, names, named=True)
    spans = row_axes(figure, left + width + 60, 112, width - 40, names, named=False)
    _unserved(bars, rows, unit)
    _excess(spans, rows)
    title(bars, f"Expected unserved in the last year [{unit}]")
    title(spans, "Load above the limit in the last year [MW]")
    entries = [
        line_entry("if nothing is built", BEFORE, 9.0, solid_capstyle="butt"),
        line_entry("with the plan", AFTER, 9.0, solid_capstyle="butt"),
        Entry("mean", _mark("|", BEFORE, 12)),
        Entry("95 % quantile", _mark("o", BEFORE, 8)),
        Entry("highest scenario", _mark(">", BEFORE, 8)),
        Entry("95 % quantile with the plan", _mark("D", AFTER, 7)),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _mark(marker: str, colour: str, size: float) -> dict[str, Any]:
    edge = colour if marker == "|" else style.PAPER
    width = 2.4 if marker == "|" else 0.8
    look: dict[str, Any] = {"marker": marker, "markersize": size, "linestyle": "none", "markerfacecolor": colour}
    return {**look, "markeredgecolor": edge, "markeredgewidth": width}


def _unserved(axes: Any, rows: pd.DataFrame, unit: str) -> None:
    before, after = (rows[c].to_numpy(dtype=float) for c in ("expected_unserved", "expected_unserved_after"))
    at = np.arange(len(rows))
    axes.barh(at - 0.17, before, 0.34, color=BEFORE)
    axes.barh(at + 0.19, after, 0.34, color=AFTER)
    axes.set_xlim(0, 1.3 * max(float(np.nanmax(np.append(before, 0.0))), 1e-6))
    axes.xaxis.set_major_formatter(PLAIN)
    for y, was, left in zip(at, before, after, strict=True):
        text = f"{number_text(was)} \u2192 {number_text(left)}"
        beside(axes, np.nanmax([was, left, 0.0]), y, text)


def _excess(axes: Any, rows: pd.DataFrame) -> None:
    at = np.arange(len(rows))
    mean, p95, highest = (rows[c].to_numpy(dtype=float) for c in ("mean_mw", "p95_mw", "highest_mw"))
    after = rows["p95_mw_after"].to_numpy(dtype=float)
    axes.hlines(at - 0.12, mean, highest, color=BEFORE, linewidth=1.6, alpha=0.6)
    for values, marker, size in ((mean, "|", 12), (p95, "o", 8), (highest, ">", 8)):
        axes.plot(values, at - 0.12, zorder=3, **_mark(marker, BEFORE, size))
    axes.plot(after, at + 0.22, zorder=3, clip_on=False, **_mark("D", AFTER, 6.5))
    top = np.nanmax(np.concatenate([highest, after, [1e-6]]))
    axes.set_xlim(0, 1.08 * top)
    axes.xaxis.set_major_formatter(PLAIN)


def risk_map(before: pd.DataFrame, after: pd.DataFrame, unit: str, text: Text, path: Path) -> None:
    """Probability by severity, area by customers, curves of equal risk; ``before`` and ``after`` (hollow) are
    feeder, probability, severity, customers in the last year; what has no risk is left out."""
    height = 880.0
    figure, sheet = new_sheet(WIDTH, height)
    heading(sheet, height, text.title, text.subtitle)
    axes = plot_axes(figure, 120, 128, WIDTH - 290, height - HEADING - 160)
    before, after = (part[(part["probability"] > 0) & (part["severity"] > 0)] for part in (before, after))
    most = max(float(before["customers"].max()) if len(before) else 0.0, 1.0)
    _risk_limits(axes, np.concatenate([before["severity"], after["severity"]]).astype(float))
    _iso_risk(axes, unit)
    for part, fill, zorder in ((before, True, 3), (after, False, 4)):
        look: dict[str, Any] = {"facecolors": BEFORE if fill else "none", "edgecolors": style.INK if fill else AFTER}
        axes.scatter(
            part["probability"], part["severity"], s=_area(part, most, len(before)), linewidths=0.8 if fill else 2.0,
            zorder=zorder, alpha=0.85, **look,
        )  # fmt: skip
    points = before[["probability", "severity"]].to_numpy(dtype=float)
    named = 14 if len(before) <= 24 else 8
    radius = np.sqrt(_area(before, most, len(before)) / np.pi) * POINT
    moves = _moves(axes, before, after)
    label_points(axes, points[:, 0], points[:, 1], [str(name) for name in before["feeder"]], radius, moves, named)
    entries = [
        Entry("if nothing is built", _ring(BEFORE, style.INK, 13)),
        Entry("with the plan (no ring: nothing is left)", _ring("none", AFTER, 13)),
        Entry(f"area: customers, largest {style.number(most)}", _ring(style.PAPER, style.MUTED, 15)),
        line_entry(f"equal risk: probability x severity [{unit}]", style.MUTED, 1.0, linestyle=DASHES),
    ]
    legend(sheet, entries, "", WIDTH)
    save(figure, path)


def _area(part: pd.DataFrame, most: float, count: int) -> Floats:
    """Area of a mark [square points] by customers."""
    crowd = min(1.0, 14 / max(count, 1))  # smaller where there are many
    return crowd * (60 + 900 * part["customers"].fillna(0).to_numpy(dtype=float) / most)


def _ring(fill: str, edge: str, size: float) -> dict[str, Any]:
    look: dict[str, Any] = {"marker": "o", "markersize": size, "linestyle": "none", "markerfacecolor": fill}
    return {**look, "markeredgecolor": edge, "markeredgewidth": 2.0 if fill == "none" else 0.8}


def _risk_limits(axes: Any, severity: Floats) -> None:
    low, high = (float(severity.min()), float(severity.max())) if len(severity) else (1.0, 10.0)
    axes.set(xlim=(-0.03, 1.03), ylim=(low / 2.5, high * 2.5))
    log_axis(axes, "y")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.set_xlabel("probability that something is unserved in the last year", fontsize=10)
    axes.grid(color=style.FAINT, linewidth=0.5)


def _iso_risk(axes: Any, unit: str) -> None:
    low, high = axes.get_ylim()
    axes.set_ylabel(f"severity: mean unserved where it happens [{unit}]", fontsize=10)
    x = np.linspace(0.002, 1.03, 400)
    for power in range(int(np.floor(np.log10(low))) - 1, int(np.ceil(np.log10(high))) + 1):
        risk = 10.0**power
        y = risk / x
        axes.plot(x[y <= high], y[y <= high], color=style.MUTED, linewidth=0.9, linestyle=DASHES, zorder=1)
        look: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8.8, "color": style.MUTED}
        text = f"{risk:g} {unit}"
        if low <= risk / 1.03 <= high:
            axes.annotate(text, (1.03, risk / 1.03), xytext=(6, 0), va="center", annotation_clip=False, **look)
        elif 0.03 < risk / low < 1:
            axes.annotate(text, (risk / low, low), xytext=(6, 8), va="center", **look)


def _moves(axes: Any, before: pd.DataFrame, after: pd.DataFrame) -> list[tuple[Floats, Floats]]:
    """A thin line from where a feeder was to where the plan brings it; gives them (x, y)."""
    left, lines = after.set_index("feeder"), []
    for row in before.itertuples():
        if row.feeder in left.index:
            end = left.loc[row.feeder]
            x = np.array([row.probability, end["probability"]], dtype=float)
            y = np.array([row.severity, end["severity"]], dtype=float)
            axes.plot(x, y, color=AFTER, linewidth=0.8, alpha=0.6 if len(before) <= 24 else 0.25, zorder=2)
            lines.append((x, y))
    return lines
