"""The figures of a hosting study; each is left out where the study has nothing to show in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.report import points, style
from gridstudio.report.hosting import charts
from gridstudio.report.hosting.charts import Deployments, Nodal
from gridstudio.report.hosting.view import NONE, Study, device_name
from gridstudio.report.maps import Text, short
from gridstudio.report.points import Class, Dots, Panel, Pin
from gridstudio.report.sheet import line_entry

CLASSES = 6
WEAKEST = 8  # buses with their capacity on the map
LINE = "#b4bcc4"
# From little to much; lightness rises, so that the weak places stand out on white.
SCALE = ("#5c0a3a", "#a8235a", "#dd5b3c", "#f0983a", "#c9c14f", "#7cc48f", "#a9d8e8")
Drawn = Iterator[tuple[str, Path]]


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    return {name: path for part in (_map, _binding, _capacities, _penetration) for name, path in part(study, folder)}


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _nodal(study: Study) -> list[Nodal]:
    found = []
    for device in study.nodal:
        rows = study.of("nodal", device)
        found.append(Nodal(_upper(device_name(device)), rows[rows["hosting_kw"].notna()], study.max_kw))
    return [device for device in found if len(device.rows)]


# ---- map ------------------------------------------------------------------------------------------


def _map(study: Study, folder: Path) -> Drawn:
    devices = _nodal(study)
    if study.diagram is None or not devices:
        return
    every = np.concatenate([device.kw() for device in devices])
    classes = points.round_classes(every, CLASSES, _span, _scale)
    panels = [_panel(study, device, classes) for device in devices]
    text = Text(
        "Hosting capacity of each bus",
        f"One device alone at the bus; the least of its phases.{points.where(study.diagram)}",
    )
    points.point_maps(study.diagram, panels, [line_entry("branch", LINE, 1.6)], "Capacity", text, folder / "map.png")
    yield "map", folder / "map.png"


def _span(low: float, high: float) -> str:
    if np.isinf(high):
        return f"{style.number(low)} kW and more"
    return f"below {style.number(high)} kW" if not low else f"{style.number(low)}\u2013{style.number(high)} kW"


def _scale(count: int) -> list[str]:
    if count == 1:
        return [SCALE[-2]]
    return [SCALE[round(k * (len(SCALE) - 1) / (count - 1))] for k in range(count)]


def _panel(study: Study, device: Nodal, classes: list[Class]) -> Panel:
    diagram = study.diagram
    assert diagram is not None
    place = points.bus_places(diagram)
    order = device.rows.sort_values("hosting_kw", kind="stable").drop_duplicates("bus")
    order = order[order["bus"].astype(str).isin(place)]
    kw, bus = order["hosting_kw"].to_numpy(dtype=float), order["bus"].astype(str).to_numpy()
    dots = []
    for c in reversed(classes):  # the weak ones lie on top
        mine = (kw >= c.low) & (kw < c.high) & (kw > 0)
        dots.append(Dots(points.found(place, list(bus[mine])), c.colour, 7.4, "o", style.INK, c.label))
    if (kw <= 0).any():
        dots.append(Dots(points.found(place, list(bus[kw <= 0])), "#000000", 8.0, "X", style.PAPER, "nothing fits"))
    bound = order[(order["limit"] != NONE)].head(WEAKEST)
    pins = [
        Pin(place[str(b)], f"{short(b)}: {style.number(k)} kW", bold=not n)
        for n, (b, k) in enumerate(zip(bound["bus"], bound["hosting_kw"], strict=True))
    ]
    count = len(diagram.branches)
    if not len(kw):
        return Panel(f"{device.name}: no bus of the table is on the map", [LINE] * count, np.zeros(count, dtype=bool))
    least, middle = style.number(kw.min()), style.number(np.median(kw))
    caption = f"{device.name}: weakest bus {least} kW, half of {len(kw)} buses {middle} kW or more"
    return Panel(caption, [LINE] * count, np.zeros(count, dtype=bool), dots, pins)


# ---- charts ---------------------------------------------------------------------------------------


def _binding(study: Study, folder: Path) -> Drawn:
    devices = _nodal(study)
    if not devices:
        return
    words = "A place is a bus with the phases that the device is connected to"
    charts.binding(devices, Text("What binds, and at which capacity", words), folder / "binding.png")
    yield "binding", folder / "binding.png"


def _capacities(study: Study, folder: Path) -> Drawn:
    devices = _nodal(study)
    if not devices:
        return
    words = "Every mark is a place, with the largest size known to fit"
    charts.capacities(devices, Text("Nodal hosting capacity", words), folder / "capacities.png")
    yield "capacities", folder / "capacities.png"


def _penetration(study: Study, folder: Path) -> Drawn:
    found = []
    for device in study.drawn:
        curve, percentiles = study.of("curve", device), study.of("percentiles", device)
        if len(curve):
            count = len(study.of("deployments", device))
            found.append(Deployments(_upper(device_name(device)), curve, _finite(percentiles), count))
    if not found:
        return
    words = "Customers get devices in a random order, more and more of them; every penetration is solved in every hour"
    charts.penetration(found, Text("How many customers may have a device", words), folder / "penetration.png")
    yield "penetration", folder / "penetration.png"


def _finite(percentiles: pd.DataFrame) -> pd.DataFrame:
    return percentiles.assign(first_pct=percentiles["first_pct"].astype(float))
