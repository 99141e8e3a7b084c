"""A zone: the part of the circuit that its boundary cuts out, proven to hold its own source and no other."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.changes import ChangeSet, SetSource, SetSwitch
from gridstudio.domain.network import Finding, Network
from gridstudio.planning.islanding.day import Day
from gridstudio.planning.islanding.settings import ZoneSettings

Floats = NDArray[np.float64]
VOLTAGE_MISFIT = 0.1


@dataclass(frozen=True, eq=False)
class Zone:
    """All that its power flows and its dispatch need. Rows of ``kw``, ``scale``, ... follow ``load``.

    load: rows of ``network.loads`` inside; node, branch: rows of the network's tables inside; alive: (node,) nodes
    that must have voltage; kw, scale: (load, hour); pv_elements: whether PV systems or generators stand inside.
    """

    name: str
    given: ZoneSettings
    source: int  # row of ``network.source_elements``
    conductors: NDArray[np.intp]  # of the source, in ``network.source_conductor``
    phase_current_max_a: float
    changes: ChangeSet  # that cut it out and put its source in service
    boundary: tuple[str, ...]
    buses: frozenset[str]
    node: NDArray[np.intp]
    alive: NDArray[np.bool_]
    branch: NDArray[np.intp]
    load: NDArray[np.intp]
    load_names: tuple[str, ...]
    kw: Floats
    scale: Floats
    solar: Floats  # (hour,)
    customers: Floats
    priority: NDArray[np.int_]
    pv_elements: bool
    pv_element_kw: float  # nameplate of the elements inside


def build_zone(given: ZoneSettings, network: Network, day: Day, wrong: list[str], notes: list[Finding]) -> Zone | None:
    """The zone, or None and why not in ``wrong``; what is remarkable goes to ``notes``."""
    found: list[str] = []
    row = _source(given, network, found)
    boundary = _boundary(given, network, found)
    if found or row is None:
        wrong += [f"Zone {given.name!r}: {text}" for text in found]
        return None
    table = network.source_elements
    graph = network.graph(boundary)
    buses = frozenset(nx.node_connected_component(graph, str(table["bus"].iloc[row])))
    loads = np.flatnonzero(network.loads["bus"].isin(buses).to_numpy())
    found += _not_an_island(given, network, graph, buses, loads, row)
    if found:
        wrong += [f"Zone {given.name!r}: {text}" for text in found]
        return None
    notes += _remarks(given, network, buses, boundary, row)
    generators = network.generators[network.generators["bus"].isin(buses)]
    node = np.flatnonzero(network.nodes["bus"].isin(buses).to_numpy())
    fed = network.nodes["fed"].to_numpy()[node]
    base_kv = float(network.buses.set_index("bus")["base_kv"][table["bus"].iloc[row]])
    rated_a = given.inverter_kva / (int(table["phases"].iloc[row]) * base_kv)
    scale = day.scale[loads]
    return Zone(
        name=given.name,
        given=given,
        source=row,
        conductors=np.flatnonzero(network.source_conductor == row),
        phase_current_max_a=given.phase_current_max_a or rated_a,
        changes=_changes(network, boundary, row, given.name),
        boundary=boundary,
        buses=buses,
        node=node,
        alive=fed if fed.any() else network.nodes["reachable"].to_numpy()[node],
        branch=np.flatnonzero((network.branches["bus1"].isin(buses) & network.branches["bus2"].isin(buses)).to_numpy()),
        load=loads,
        load_names=tuple(str(name) for name in network.loads["load"].to_numpy()[loads]),
        kw=network.loads["kw"].to_numpy(dtype=float)[loads, None] * scale,
        scale=scale,
        solar=day.solar,
        customers=day.customers[loads],
        priority=day.priority[loads],
        pv_elements=bool((generators["kw"] != 0).any()),
        pv_element_kw=float(generators["kw"].sum()),
    )


def _changes(network: Network, boundary: tuple[str, ...], row: int, label: str) -> ChangeSet:
    """Open the boundary, take every other source out of service, put the zone's own in: the rest of the circuit is
    dark, so that all power and all losses of a power flow are the island's."""
    names, closed = network.source_elements["source"], network.source_elements["closed"]
    others = [SetSource(str(name), False) for name, on in zip(names, closed, strict=True) if on]
    opened = [SetSwitch(line, False) for line in boundary]
    return ChangeSet((*opened, *others, SetSource(str(names.iloc[row]), True)), label)


def _source(given: ZoneSettings, network: Network, found: list[str]) -> int | None:
    name = given.source.lower().removeprefix("vsource.")
    if not name:
        found.append(
            "cannot island: no grid-forming source. PV and storage that follow the grid need one; name it as source."
        )
        return None
    row = network.source_row.get(name)
    if row is None:
        found.append(
            f"cannot island: no grid-forming source, the circuit has no voltage source {name!r}."
            + _hint(name, network.source_row)
        )
    elif network.source_elements["closed"].iloc[row]:
        found.append(
            f"source {name!r} feeds the circuit as it stands: it is the grid. A grid-forming source is declared open."
        )
        return None
    return row


def _boundary(given: ZoneSettings, network: Network, found: list[str]) -> tuple[str, ...]:
    """The lines to open, by name; of a list of buses, the closed lines that leave it."""
    if not given.buses:
        lines = tuple(dict.fromkeys(line.lower().removeprefix("line.") for line in given.boundary))
        unknown = [line for line in lines if line not in network.line_row]
        found += [
            f"its boundary line {line!r} is not in the circuit.{_hint(line, network.line_row)}" for line in unknown
        ]
        return lines
    buses = {bus.lower() for bus in given.buses}
    known = set(network.buses["bus"])
    found += [f"the circuit has no bus {bus!r}.{_hint(bus, known)}" for bus in sorted(buses - known)]
    own = {line.lower().removeprefix("line.") for line in network.lines["line"]}
    leaving = [
        (element, a if a in buses else b)
        for a, b, element in network.graph().edges(keys=True)
        if (a in buses) != (b in buses)
    ]
    found += [
        f"{element} leads out of it at bus {bus} and is no line: only lines can be opened."
        for element, bus in leaving
        if element.removeprefix("line.") not in own
    ]
    return tuple(dict.fromkeys(element.removeprefix("line.") for element, _ in leaving))


def _not_an_island(
    given: ZoneSettings,
    network: Network,
    graph: nx.MultiGraph,
    buses: frozenset[str],
    loads: NDArray[np.intp],
    row: int,
) -> list[str]:
    table = network.source_elements
    own_bus = str(table["bus"].iloc[row])
    grid = [str(bus) for bus, on in zip(table["bus"], table["closed"], strict=True) if on and bus in buses]
    if grid:
        path = nx.shortest_path(nx.Graph(graph), own_bus, grid[0])
        return [
            f"still connected to the source at bus {grid[0]} with its boundary open: the path goes over bus "
            f"{', '.join(path[1:4])}{' ...' if len(path) > 5 else ''}. Name the line that cuts it."
        ]
    if outside := sorted({bus.lower() for bus in given.buses} - buses):
        return [f"bus {outside[0]} is not connected to its source at bus {own_bus} without lines outside the zone."]
    if not len(loads):
        return ["there is no load in it."]
    phases = set(str(table["nodes"].iloc[row]).split("."))
    rows = network.loads.iloc[loads]
    beyond = [str(r.load) for r in rows.itertuples() if not set(r.nodes.split(".")) - {"4"} <= phases]
    if beyond and len(phases) < 3:
        return [f"its source has phase {'.'.join(sorted(phases))}, load {beyond[0]} hangs on others."]
    return []


def _remarks(
    given: ZoneSettings, network: Network, buses: frozenset[str], boundary: tuple[str, ...], row: int
) -> Iterable[Finding]:
    lines = network.lines.set_index("line")
    for line in boundary:
        if lines["bus1"][line] not in buses and lines["bus2"][line] not in buses:
            yield Finding("warning", f"Zone {given.name!r}: boundary line {line!r} does not touch it.")
    source = network.source_elements.iloc[row]
    neutral_kv = source["base_kv"] / (np.sqrt(3) if source["phases"] == 3 else 1.0)
    bus_kv = float(network.buses.set_index("bus")["base_kv"][source["bus"]])
    if abs(neutral_kv / bus_kv - 1.0) > VOLTAGE_MISFIT:
        yield Finding(
            "warning",
            f"Zone {given.name!r}: source {source['source']!r} is of {neutral_kv:.3g} kV to neutral, its bus of "
            f"{bus_kv:.3g} kV.",
        )
    machines = network.generators.query("kind == 'generator' and kw != 0")
    inside = list(machines.loc[machines["bus"].isin(buses), "generator"])
    if inside:
        yield Finding(
            "warning",
            f"Zone {given.name!r}: generators ({', '.join(inside[:3])}) follow the sun in this study, like PV systems.",
        )


def overlaps(zones: Iterable[Zone]) -> list[Finding]:
    """Zones that share loads are alternatives: their figures do not add up."""
    found, seen = [], list(zones)
    for index, zone in enumerate(seen):
        for other in seen[index + 1 :]:
            if shared := sorted(set(zone.load_names) & set(other.load_names)):
                text = (
                    f"Zones {zone.name!r} and {other.name!r} share {len(shared)} loads ({shared[0]}): each is solved "
                )
                found.append(Finding("warning", f"{text}by itself, their figures do not add up."))
    return found


def zone_of_bus(zones: Iterable[Zone], buses: "pd.Series[str]") -> list[str]:
    """Name of the first zone of every bus, "" outside."""
    named = {bus: zone.name for zone in reversed(list(zones)) for bus in zone.buses}
    return [named.get(bus, "") for bus in buses]


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
