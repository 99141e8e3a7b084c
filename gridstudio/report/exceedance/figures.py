"""The figures of an exceedance study; each is left out where the study has nothing to show in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.report import points, style
from gridstudio.report.exceedance import charts
from gridstudio.report.exceedance.charts import Bars, Chart, Curve, Days
from gridstudio.report.exceedance.view import Study
from gridstudio.report.maps import Text
from gridstudio.report.points import Dots, Panel, Pin
from gridstudio.report.sheet import line_entry

MOST_ELEMENTS = 12  # of a bar chart
MOST_DEVICES = 30
MOST_MONTHS = 12
MOST_NAMED = 8  # branches on the map; half as many buses on either side
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("solid", (0, (6, 1.5)), (0, (3, 1.2)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (8, 3)))
BELOW = ("#e8eff6", "#bfd3e6", "#7fb0d8")
ABOVE = ("#f6c06a", "#e06a26", "#8c1c10")
NONE = "#3c4650"
Drawn = Iterator[tuple[str, Path]]
Floats = NDArray[np.float64]


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    parts = (_calendar, _map, _elements, _durations, _operations)
    return {name: path for part in parts for name, path in part(study, folder)}


# ---- calendar -------------------------------------------------------------------------------------


def _calendar(study: Study, folder: Path) -> Drawn:
    if not len(study.hours):
        return
    panels = [_loading_days(study), _voltage_days(study)]
    text = Text("Hours over limits, day by day", "Every hour is a power flow with controls carried from hour to hour")
    charts.calendar(study.hours["time"], panels, text, folder / "calendar.png")
    yield "calendar", folder / "calendar.png"


def _loading_days(study: Study) -> Days:
    hours, limit = study.hours, study.loading_max_pu
    inner, outer = np.array([0.5, 0.75]) * limit, np.array([1.1, 1.3]) * limit
    loading = np.nan_to_num(hours["loading_max_pu"].to_numpy(dtype=float))
    over = hours["over"].to_numpy(dtype=bool)
    kind = np.where(over, 3 + np.searchsorted(outer, loading), np.searchsorted(inner, loading))
    kind = np.where(hours["converged"].astype(bool), kind, 6)
    edge = [f"{100 * part * limit:.0f}" for part in (0.5, 0.75, 1.0, 1.1, 1.3)]
    names = (
        f"up to {edge[0]} %", f"{edge[0]}\u2013{edge[1]} %", f"above {edge[1]} %, within limits",
        f"OVER, up to {edge[3]} %", f"OVER, {edge[3]}\u2013{edge[4]} %", f"OVER, above {edge[4]} %",
    )  # fmt: skip
    colours = [*zip((*BELOW, *ABOVE), names, strict=True), *_failed(study)]
    count = int(over.sum())
    caption = f"Highest loading of any branch, % of its rating: {_hours(count)} over limits"
    return Days(caption, kind, colours, over)


def _voltage_days(study: Study) -> Days:
    hours = study.hours
    low, high = (hours[c].to_numpy(dtype=bool) for c in ("low", "high"))
    many = hours[["buses_low", "buses_high"]].to_numpy(dtype=float) >= 10
    kind = np.select([low & high, low & many[:, 0], low, high & many[:, 1], high], [5, 2, 1, 4, 3], 0)
    kind = np.where(hours["converged"].astype(bool), kind, 6)
    v_min, v_max = study.limits_pu
    names = (
        "within limits", f"below {v_min:g} pu at 1\u20139 buses", "at 10 and more",
        f"above {v_max:g} pu at 1\u20139 buses", "at 10 and more", "both",
    )  # fmt: skip
    tints = ("#e8eff6", "#6fb1de", "#0b4f8a", "#f0a35e", "#b8430a", "#5a2a6b")
    colours = [*zip(tints, names, strict=True), *_failed(study)]
    caption = f"Voltage: {_hours(int(low.sum()))} too low, {_hours(int(high.sum()))} too high"
    return Days(caption, kind, colours, low | high)


def _failed(study: Study) -> list[tuple[str, str]]:
    return [(NONE, "not converged")] if study.failed else []


def _hours(count: int) -> str:
    return f"{style.number(count)} hour{'' if count == 1 else 's'}"


# ---- map ------------------------------------------------------------------------------------------


def _map(study: Study, folder: Path) -> Drawn:
    diagram = study.diagram
    if diagram is None:
        return
    hours = dict(zip(study.over["element"], study.over["hours_over"].astype(float), strict=True))
    value = np.array([hours.get(str(element), 0.0) for element in diagram.branches["element"]])
    classes = points.round_classes(value, 4, _span, _warm)
    colour = [next((c.colour for c in classes if c.low <= v < c.high and v > 0), "#9aa5af") for v in value]
    lines = [line_entry("never over", "#9aa5af", 1.6), *(line_entry(c.label, c.colour, 4.4) for c in classes)]
    dots = [*_bus_dots(study, "low", "v"), *_bus_dots(study, "high", "^"), *_apparatus(study, value, classes)]
    panel = Panel(_caption(study), colour, value > 0, dots, _pins(study))
    text = Text(
        "Where the limits are broken",
        f"Branches by hours over their limit; buses with hours out of band.{points.where(diagram)}",
    )
    points.point_maps(diagram, [panel], lines, "Hours over", text, folder / "map.png")
    yield "map", folder / "map.png"


def _span(low: float, high: float) -> str:
    first = f"{low:.0f}" if low >= 1 else "1"
    if np.isinf(high):
        return f"{first} h and more"
    last = f"{high - 1:.0f}" if high >= 2 else "1"
    return f"{first} h" if first == last else f"{first}\u2013{last} h"


def _warm(count: int) -> list[str]:
    few = {1: [ABOVE[1]], 2: [ABOVE[0], ABOVE[2]], 3: list(ABOVE)}
    return few.get(count, ["#f6c06a", "#ee9440", "#cf4a1d", "#7d120f"])


def _apparatus(study: Study, value: Floats, classes: list[points.Class]) -> list[Dots]:
    """Transformers and regulators over their limit: they have next to no length on a map."""
    assert study.diagram is not None
    branches = study.diagram.branches
    rows = np.flatnonzero((branches["kind"].to_numpy() != "line") & (value > 0))
    found = []
    for c in classes:
        mine = [row for row in rows if c.low <= value[row] < c.high]
        if mine:
            found.append(Dots(study.diagram.anchor[mine], c.colour, 8.0, "D", style.INK))
    return found


def _bus_dots(study: Study, side: str, marker: str) -> list[Dots]:
    assert study.diagram is not None
    names = [str(bus) for bus in study.outside_of(side)["bus"]]
    if not names:
        return []
    at = points.found(points.bus_places(study.diagram), names)
    colour = charts.LOW if side == "low" else charts.HIGH
    label = f"bus {'below' if side == 'low' else 'above'} its limit"
    return [Dots(at, colour, 8.0 if len(names) < 60 else 5.6, marker, style.INK, label)]


def _pins(study: Study) -> list[Pin]:
    assert study.diagram is not None
    branch, bus = points.branch_places(study.diagram), points.bus_places(study.diagram)
    found = [
        Pin(branch[str(element)], f"{_cut(element)}: {style.number(hours)} h", bold=not n)
        for n, (element, hours) in enumerate(zip(study.over["element"], study.over["hours_over"], strict=True))
        if str(element) in branch
    ][:MOST_NAMED]
    for side in ("low", "high"):
        rows = study.outside_of(side).head(MOST_NAMED // 2)
        named = zip(rows["bus"].astype(str), rows[f"hours_{side}"], strict=True)
        found += [Pin(bus[name], f"bus {_cut(name)}: {style.number(h)} h") for name, h in named if name in bus]
    return found


def _cut(name: object) -> str:
    return str(name) if len(str(name)) <= 26 else f"{str(name)[:25]}\u2026"


def _caption(study: Study) -> str:
    if not len(study.over) and not len(study.out):
        return "No branch and no bus is ever over a limit"
    branches, buses = len(study.over), len(study.out)
    return (
        f"{branches} branch{'' if branches == 1 else 'es'} over the limit, "
        f"{buses} bus{'' if buses == 1 else 'es'} out of band"
    )


# ---- elements -------------------------------------------------------------------------------------


def _elements(study: Study, folder: Path) -> Drawn:
    blocks = [b for b in (_branch_bars(study), _bus_bars(study, "low"), _bus_bars(study, "high")) if b]
    if not blocks:
        return
    more = max(len(study.over), *(len(study.outside_of(side)) for side in ("low", "high"))) > MOST_ELEMENTS
    words = f"The worst {MOST_ELEMENTS} of each kind." if more else "All that ever break a limit."
    text = Text("Which elements break limits, for how long and by how much", words)
    charts.bars(blocks, text, folder / "elements.png")
    yield "elements", folder / "elements.png"


def _branch_bars(study: Study) -> list[Bars]:
    rows = study.over.head(MOST_ELEMENTS)
    if not len(rows):
        return []
    hours, energy = (rows[c].to_numpy(dtype=float) for c in ("hours_over", "energy_over_mwh"))
    top = [style.percent(v, 1) for v in rows["loading_max_pu"]]
    names = list(map(str, rows["element"]))
    return [
        Bars("hours over the limit [h], and the highest loading", names, [("over the limit", ABOVE[1], hours)],
             [f"{style.number(h)} h, {t}" for h, t in zip(hours, top, strict=True)]),
        Bars("energy above the limit [MWh]", names, [("over the limit", ABOVE[1], energy)],
             [style.number(e, 2) for e in energy]),
    ]  # fmt: skip


def _bus_bars(study: Study, side: str) -> list[Bars]:
    rows = study.outside_of(side).head(MOST_ELEMENTS)
    if not len(rows):
        return []
    low = side == "low"
    hours, v = (rows[c].to_numpy(dtype=float) for c in (f"hours_{side}", "v_min_pu" if low else "v_max_pu"))
    names = [f"bus {bus}" for bus in rows["bus"]]
    label, colour = ("too low", charts.LOW) if low else ("too high", charts.HIGH)
    beyond = study.limits_pu[0] - v if low else v - study.limits_pu[1]
    words = ([f"{style.number(h)} h" for h in hours], [f"{value:.4f} pu" for value in v])
    return [
        Bars(f"hours {label} [h]", names, [(label, colour, hours)], words[0]),
        Bars("farthest beyond the limit [pu], and the voltage there", names, [(label, colour, beyond)], words[1]),
    ]


# ---- durations ------------------------------------------------------------------------------------


def _durations(study: Study, folder: Path) -> Drawn:
    hours = len(study.solved)
    if not hours:
        return
    low, high = study.limits_pu
    panels = [
        Chart("Load", "from the source [kW]", _load_curve(study, hours), ()),
        Chart(
            "Loading of the worst branches", "loading [% of rating]", _loading_curves(study),
            [(100 * study.loading_max_pu, f"limit {100 * study.loading_max_pu:g} %")],
        ),
        Chart(
            "Voltage of the worst buses", "voltage [pu]", _voltage_curves(study),
            [(low, f"limit {low:g} pu"), (high, f"limit {high:g} pu")],
        ),
    ]  # fmt: skip
    panels = [panel for panel in panels if panel.curves]
    if not panels:
        return
    words = "How many hours a value is reached: above it for load, loading and high voltages, below it for low ones"
    charts.durations(panels, hours, Text("Duration curves", words), folder / "durations.png")
    yield "durations", folder / "durations.png"


def _load_curve(study: Study, hours: int) -> list[Curve]:
    kw = np.sort(study.solved["source_kw"].to_numpy(dtype=float))[::-1]
    rank = np.unique(np.geomspace(1, hours, 400).astype(int))
    return [Curve("power from the source", rank.astype(float), kw[rank - 1], style.INK, width=2.2)]


def _loading_curves(study: Study) -> list[Curve]:
    found = []
    tops = study.table("branches").set_index("element")["loading_max_pu"]
    for k, (name, rows) in enumerate(_of(study, "loading_pu")):
        hours, level = _falling(rows, float(tops.get(name, np.nan)))
        colour, dashes = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
        found.append(Curve(name, hours, 100 * level, colour, dashes, 2.6 if not k else 1.8))
    return found


def _voltage_curves(study: Study) -> list[Curve]:
    found = []
    buses = study.table("buses").set_index("bus")
    sides = (("v_max_pu", "highest", ("#b8430a", "#f0a35e")), ("v_min_pu", "lowest", ("#0b4f8a", "#6fb1de")))
    for quantity, words, colours in sides:
        for k, (name, rows) in enumerate(_of(study, quantity)[:2]):
            hours, level = _falling(rows, float(buses[quantity].get(name, np.nan)))
            dashes = DASHES[k % len(DASHES)]
            found.append(Curve(f"bus {name}, {words} phase", hours, level, colours[k], dashes))
    return found


def _of(study: Study, quantity: str) -> list[tuple[str, pd.DataFrame]]:
    levels = study.table("levels")
    rows = levels[levels["quantity"] == quantity]
    return [(str(name), part) for name, part in rows.groupby("element", sort=False)]


def _falling(rows: pd.DataFrame, extreme: float) -> tuple[Floats, Floats]:
    """Hours and levels of a curve, from its extreme (one hour) on; levels that the element never leaves are left
    out."""
    hours, level = rows["hours"].to_numpy(dtype=float), rows["level_pu"].to_numpy(dtype=float)
    whole = hours.max(initial=0.0)
    inside = (hours > 0) & (hours < whole)
    edge = np.flatnonzero(hours == whole)  # the level nearest to the others at which all hours are counted
    rising = len(hours) > 1 and hours[0] < hours[-1]
    last = edge[:1] if rising else edge[-1:]
    picked = np.concatenate([np.flatnonzero(inside), last]).astype(int)
    order = picked[np.lexsort((level[picked] if rising else -level[picked], hours[picked]))]
    x, y = np.append(0.9, hours[order]), np.append(extreme, level[order])
    return x[np.isfinite(y)], y[np.isfinite(y)]


# ---- operations -----------------------------------------------------------------------------------


def _operations(study: Study, folder: Path) -> Drawn:
    devices, counted = study.table("devices"), study.table("operations")
    if not len(devices) or not len(counted):
        return
    ranked = devices.sort_values("operations", ascending=False, kind="stable").head(MOST_DEVICES)
    months = list(dict.fromkeys(counted["month"]))[:MOST_MONTHS]
    wide = counted.pivot_table(index="device", columns="month", values="operations", aggfunc="sum")
    wide = wide.reindex(index=ranked["device"], columns=months).fillna(0)
    every = list(dict.fromkeys(counted["month"]))
    left_out = len(devices) - len(ranked)
    more = f" The {MOST_DEVICES} busiest of {len(devices)} devices." if left_out > 0 else ""
    more += f" The first {MOST_MONTHS} of {len(every)} months." if len(every) > MOST_MONTHS else ""
    words = f"Steps moved from hour to hour; what moves and returns within an hour is not seen.{more}"
    charts.operations(
        wide, ranked["operations_per_day"].astype(float).tolist(), ranked["kind"].tolist(),
        Text("Operations of regulators and capacitors", words), folder / "operations.png",
    )  # fmt: skip
    yield "operations", folder / "operations.png"
