"""The figures of an islanding study; each is left out where the study has nothing to show in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gridstudio.report import areas, style
from gridstudio.report.areas import Devices, Ground, Panel
from gridstudio.report.islanding import charts
from gridstudio.report.islanding.view import Study, clock
from gridstudio.report.maps import Text, short

MOST_ZONES = 9  # on one sheet of traces
Drawn = Iterator[tuple[str, Path]]


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    return {name: path for part in (_zones, _islands, _durations) for name, path in part(study, folder)}


def _zones(study: Study, folder: Path) -> Drawn:
    diagram, zones = study.diagram, study.table("zones")
    if diagram is None or not len(zones):
        return
    branches = diagram.branches
    zone_of = [str(zone or "") for zone in branches["zone"].fillna("")]
    names = [str(name) for name in branches["name"]]
    cut = {line.removeprefix("line.") for lines in zones["boundary"].fillna("") for line in str(lines).split()}
    row = diagram.row_of_line()
    boundary = [row[line] for line in cut if line in row]
    tint = areas.tints(study.zones, [(a, b) for a in study.zones for b in study.zones])
    bus = {str(name): i for i, name in enumerate(diagram.buses["bus"])}
    closed = branches["closed"].to_numpy(dtype=bool).copy()
    closed[boundary] = False
    label = {i: names[i] for i in sorted(boundary)}
    for zone in study.zones:
        rows = [i for i, name in enumerate(zone_of) if name == zone and i not in label]
        if rows:
            at = diagram.anchor[rows]
            label[rows[int(np.argmin(((at - at.mean(axis=0)) ** 2).sum(axis=1)))]] = zone
    panel = Panel(
        caption="Zones cut out by their boundary lines",
        supply=["island" if zone else "outside" for zone in zone_of],
        closed=closed,
        label=label,
        bold=frozenset(i for i, words in label.items() if i not in boundary and words in study.zones),
    )
    where = " Computed layout: the circuit has no coordinates." if diagram.computed else ""
    sources = [bus[str(name)] for name in zones["source_bus"] if str(name) in bus]
    ground = Ground(
        diagram, Devices(boundary, ["boundary"] * len(boundary), [False] * len(boundary)),
        [tint.get(zone, "") for zone in zone_of],
    )  # fmt: skip
    count = f"{len(zones)} zone{'' if len(zones) == 1 else 's'} with grid-forming sources of their own."
    areas.area_maps(
        ground, [panel], 1, Text("Zones that can stand alone", count + where), folder / "zones.png", sources
    )
    yield "zones", folder / "zones.png"


def _islands(study: Study, folder: Path) -> Drawn:
    zones = study.table("zones").set_index("zone")
    for hour in study.starts:
        trace = study.at("trace", hour)
        found = []
        for zone in study.zones[:MOST_ZONES]:
            mine = trace[trace["zone"] == zone].sort_values("step", kind="stable")
            if len(mine):
                capacity = float(zones.at[zone, "storage_kwh"])
                start, reserve = study.initial_kwh.get(zone), study.reserve_kwh.get(zone)
                found.append(charts.Island(_caption(study, zone, hour), mine, capacity, start, reserve))
        if not found:
            continue
        more = len(study.zones) - MOST_ZONES
        left_out = f" {more} more zones are in the tables." if more > 0 else ""
        text = Text(f"Islands from {clock(hour)}", f"Every hour is a power flow of the zone alone.{left_out}")
        path = folder / f"islands_{hour:02d}.png"
        charts.islands(found, text, path)
        yield f"islands_{hour}", path


def _caption(study: Study, zone: str, hour: int) -> str:
    rows = study.at("by_start", hour)
    rows = rows[rows["zone"] == zone]
    name = short(zone)
    if not len(rows):
        return name
    row = rows.iloc[0]
    if not bool(row["can_island"]):
        return f"{name}: no island"
    whole, shed = (style.number(row[column], 1) for column in ("hours_all_load", "hours_with_shedding"))
    return f"{name}: {whole} h with all load, {shed} h with shedding"


def _durations(study: Study, folder: Path) -> Drawn:
    by_start = study.table("by_start")
    if by_start["start_hour"].nunique() < 3:
        return
    most = max(float(by_start["hours_with_shedding"].max()), float(by_start["hours_all_load"].max()), 1.0)
    text = Text("How long an island lasts, by its start hour", "Hours in a row, with all load and with shedding")
    charts.durations(by_start, study.zones, most, text, folder / "durations.png")
    yield "durations", folder / "durations.png"
