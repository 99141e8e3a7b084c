"""The tables of a compiled circuit: one pass over its elements, then arrays only."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridstudio.domain.network import SOURCE_COLUMNS, Network

# OpenDSS length units in the order of their codes, and what they are in metres.
UNITS = ("none", "mi", "kft", "km", "m", "ft", "in", "cm", "mm")
METRES = dict(zip(UNITS, (math.nan, 1609.344, 304.8, 1000.0, 1.0, 0.3048, 0.0254, 0.01, 0.001), strict=True))
TRANSFORMERS = ("transformer", "autotrans")
BRANCH_KINDS = ("line", *TRANSFORMERS, "reactor", "capacitor")
DEFAULT_RATING_A = 400.0  # what OpenDSS gives a line without rating

Node = tuple[str, int]


@dataclass(frozen=True)
class Branch:
    """An enabled element between two buses, as the engine has it."""

    element: str
    kind: str
    name: str
    position: int  # among ``PDElements``, enabled or not
    buses: list[str]  # of the terminals
    nodes: NDArray[np.int_]  # (terminal, conductor)
    closed: NDArray[np.bool_]  # (terminal, conductor)
    phases: int
    normal_a: float
    emergency_a: float


def branches_of(engine: Any) -> Iterator[Branch]:
    """Enabled elements that carry current from bus to bus, in the engine's order; shunts are left out."""
    element = engine.CktElement
    for position, full_name in enumerate(engine.PDElements.AllNames()):
        kind, _, name = full_name.lower().partition(".")
        if kind not in BRANCH_KINDS:
            continue
        engine.Circuit.SetActiveElement(full_name)
        if not element.Enabled():
            continue
        buses = [_bus(bus) for bus in element.BusNames()]
        if len(buses) < 2 or buses[0] == buses[1]:
            continue
        terminals, conductors = element.NumTerminals(), element.NumConductors()
        closed = [[not element.IsOpen(t + 1, c + 1) for c in range(conductors)] for t in range(terminals)]
        yield Branch(
            element=full_name.lower(),
            kind=kind,
            name=name,
            position=position,
            buses=buses,
            nodes=np.array(element.NodeOrder()).reshape(terminals, conductors),
            closed=np.array(closed),
            phases=element.NumPhases(),
            normal_a=element.NormalAmps(),
            emergency_a=element.EmergAmps(),
        )


def read_network(engine: Any) -> Network:
    """Tables of the enabled elements; see Network for the columns and units."""
    branches = list(branches_of(engine))
    lines = _lines(engine)
    buses = _buses(engine)
    source_nodes = _source_nodes(engine)
    network = Network(
        name=engine.Circuit.Name(),
        frequency_hz=float(engine.Solution.Frequency()),
        nodes=_nodes(engine, buses, branches, source_nodes),
        branches=_branches(branches, lines),
        conductors=_conductors(branches),
        buses=buses,
        lines=lines,
        transformers=_transformers(branches, engine),
        loads=_loads(engine),
        generators=_generators(engine),
        sources=tuple(dict.fromkeys(bus for bus, _ in source_nodes)),
        further_ends=tuple((b.element, bus) for b in branches for bus in sorted({*b.buses[2:]} - {*b.buses[:2]})),
        source_elements=_source_elements(engine),
        protection=tuple(_protection(engine)),
    )
    _add_distances(network)
    return network


def _bus(terminal: str) -> str:
    return terminal.split(".")[0].lower()


def _first_bus(engine: Any) -> str:
    return _bus(str(engine.CktElement.BusNames()[0]))


def _each(engine: Any, collection: Any, read: Any) -> list[Any]:
    """``read(engine)`` at every enabled element of a collection."""
    rows, more = [], collection.First()
    while more:
        if engine.CktElement.Enabled():
            rows.append(read(engine))
        more = collection.Next()
    return rows


def _lines(engine: Any) -> pd.DataFrame:
    codes = [*_json(engine, "linecode"), *_json(engine, "linegeometry")]
    rated = {row["Name"].lower() for row in codes if "NormAmps" in row}
    properties = {row["Name"].lower(): row for row in _json(engine, "line")}
    unit_of_code = {row["Name"].lower(): row["Units"] for row in codes if "Units" in row}

    def read(engine: Any) -> tuple[Any, ...]:
        api, element = engine.Lines, engine.CktElement
        name, code, phases = api.Name().lower(), api.LineCode().lower(), api.Phases()
        own = properties.get(name, {})
        described_by = code or str(own.get("Geometry", "")).lower()
        has_rating = described_by in rated if described_by else "NormAmps" in own
        unit = UNITS[int(api.Units())]
        if unit == "none":  # OpenDSS then takes the length in the unit of the line code
            unit = unit_of_code.get(code, "none")
        return (
            name,
            _bus(api.Bus1()),
            _bus(api.Bus2()),
            phases,
            code,
            api.Length() * METRES[unit],
            bool(api.IsSwitch()) or "switch" in {key.lower() for key in own},
            not (element.IsOpen(1, 0) or element.IsOpen(2, 0)),
            has_rating or api.NormAmps() != DEFAULT_RATING_A,
            api.NormAmps(),
            api.EmergAmps(),
            api.Length(),
            _misfit(name, phases, element.BusNames()),
        )

    columns = ["line", "bus1", "bus2", "phases", "line_code", "length_m", "is_switch", "closed", "has_rating"]
    columns += ["normal_a", "emergency_a", "length", "misfit"]
    return pd.DataFrame(_each(engine, engine.Lines, read), columns=columns)


def _protection(engine: Any) -> Iterator[tuple[str, str, str]]:
    """Fuses, reclosers and relays, and the line that each opens; a session keeps them from acting by themselves."""
    for kind in ("fuse", "recloser", "relay"):
        for row in _json(engine, kind):
            switched = str(row.get("SwitchedObj") or row.get("MonitoredObj") or "").lower()
            if switched.startswith("line."):
                yield row["Name"].lower(), kind, switched.removeprefix("line.")


def _misfit(line: str, phases: int, buses: list[str]) -> str:
    """What a line code with another number of phases leaves: OpenDSS takes its number without a word."""
    for bus in buses:
        named = bus.count(".")
        if named and named != phases:
            return f"line {line} has {phases} phases, its bus {bus} names {named}: does its line code fit?"
    return ""


def _json(engine: Any, name: str) -> list[dict[str, Any]]:
    """The properties that the files set, of all elements of a class."""
    engine.Circuit.SetActiveClass(name)
    return json.loads(engine.ActiveClass.ToJSON()) if engine.ActiveClass.Count() else []


def _branches(branches: list[Branch], lines: pd.DataFrame) -> pd.DataFrame:
    rated = dict(zip("line." + lines["line"], lines["has_rating"], strict=True))
    rows = [
        (
            b.element,
            b.kind,
            b.name,
            *b.buses[:2],
            b.phases,
            b.normal_a if b.normal_a > 0 and rated.get(b.element, True) else np.nan,
            b.emergency_a,
        )
        for b in branches
    ]
    columns = ["element", "kind", "name", "bus1", "bus2", "phases", "ampacity_a", "emergency_a"]
    return pd.DataFrame(rows, columns=columns)


def _conductors(branches: list[Branch]) -> pd.DataFrame:
    rows = [
        (row, b.nodes[0, c], b.nodes[1, c], b.closed[0, c] and b.closed[1, c])
        for row, b in enumerate(branches)
        for c in range(b.phases)
    ]
    return pd.DataFrame(rows, columns=["branch", "phase", "phase2", "closed"]).astype(
        {"branch": int, "phase": int, "phase2": int, "closed": bool}
    )


def _buses(engine: Any) -> pd.DataFrame:
    rows = []
    for index, name in enumerate(engine.Circuit.AllBusNames()):
        engine.Circuit.SetActiveBusi(index)
        bus = engine.Bus
        x, y = (bus.X(), bus.Y()) if bus.Coorddefined() else (np.nan, np.nan)
        rows.append((name.lower(), x, y, bus.kVBase()))
    return pd.DataFrame(rows, columns=["bus", "x", "y", "base_kv"])


def _source_nodes(engine: Any) -> list[Node]:
    """Nodes that a voltage source in service holds."""

    def read(engine: Any) -> list[Node]:
        element = engine.CktElement
        if element.IsOpen(1, 0):
            return []
        return [(_first_bus(engine), node) for node in element.NodeOrder()[: element.NumPhases()] if node]

    return [node for nodes in _each(engine, engine.Vsources, read) for node in nodes]


def _source_elements(engine: Any) -> pd.DataFrame:
    """Voltage sources in the engine's order, in service or standing ready."""

    def read(engine: Any) -> tuple[Any, ...]:
        api, element = engine.Vsources, engine.CktElement
        phases = int(element.NumPhases())
        nodes = ".".join(str(node) for node in element.NodeOrder()[:phases])
        return api.Name().lower(), _first_bus(engine), phases, nodes, float(api.BasekV()), not element.IsOpen(1, 0)

    return pd.DataFrame(_each(engine, engine.Vsources, read), columns=[*SOURCE_COLUMNS])


def _nodes(engine: Any, buses: pd.DataFrame, branches: list[Branch], source_nodes: list[Node]) -> pd.DataFrame:
    names = [name.lower().rsplit(".", 1) for name in engine.Circuit.AllNodeNames()]
    nodes: list[Node] = [(bus, int(phase)) for bus, phase in names]
    base = dict(zip(buses["bus"], buses["base_kv"], strict=True))
    return pd.DataFrame(
        {
            "bus": [bus for bus, _ in nodes],
            "phase": [phase for _, phase in nodes],
            "base_kv": [base[bus] for bus, _ in nodes],
            "fed": _reached(nodes, branches, source_nodes, as_if_closed=False),
            "reachable": _reached(nodes, branches, source_nodes, as_if_closed=True),
        }
    )


def _reached(
    nodes: list[Node], branches: list[Branch], source_nodes: list[Node], as_if_closed: bool
) -> NDArray[np.bool_]:
    """Which nodes are connected to a source (node,), conductor by conductor; a transformer joins all its nodes."""
    place = {node: index for index, node in enumerate(nodes)}
    root = len(nodes)
    pairs = [(root, place[node]) for node in source_nodes]
    for b in branches:
        closed = b.closed | (as_if_closed and b.kind == "line")
        at = [[place.get((bus, int(n)), -1) for n in row] for bus, row in zip(b.buses, b.nodes, strict=True)]
        if b.kind in TRANSFORMERS:
            ends = [p for row, on in zip(at, closed, strict=True) for p, c in zip(row, on, strict=True) if c and p >= 0]
            pairs += [(ends[0], other) for other in ends[1:]]
        else:
            both = closed[0] & closed[1]
            pairs += [(p, q) for p, q, c in zip(at[0], at[1], both, strict=True) if c and p >= 0 and q >= 0]
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(root + 1, root + 1))
    _, island = connected_components(links, directed=False)
    reached: NDArray[np.bool_] = island[:root] == island[root]
    return reached


def _transformers(branches: list[Branch], engine: Any) -> pd.DataFrame:
    regulated = set(_each(engine, engine.RegControls, lambda e: e.RegControls.Transformer().lower()))
    rows = []
    for b in branches:
        if b.kind == "transformer":
            engine.Transformers.Name(b.name)
            windings = [_winding(engine, w + 1) for w in range(engine.Transformers.NumWindings())]
            kva = max(winding[1] for winding in windings)
            rows.append((b.name, *b.buses[:2], b.phases, kva, windings[0][0], windings[1][0], b.name in regulated))
    columns = ["transformer", "bus1", "bus2", "phases", "kva", "kv1", "kv2", "regulated"]
    return pd.DataFrame(rows, columns=columns)


def _winding(engine: Any, number: int) -> tuple[float, float]:
    """Rated kV and kVA of a winding of the active transformer."""
    engine.Transformers.Wdg(number)
    return float(engine.Transformers.kV()), float(engine.Transformers.kVA())


def _loads(engine: Any) -> pd.DataFrame:
    def read(engine: Any) -> tuple[Any, ...]:
        api, element = engine.Loads, engine.CktElement
        phases = api.Phases()
        nodes = element.NodeOrder() if api.IsDelta() else element.NodeOrder()[:phases]
        named = ".".join(str(node) for node in nodes if node)
        return (
            api.Name().lower(),
            _first_bus(engine),
            phases,
            api.kW(),
            api.kvar(),
            int(api.Model()),
            named,
            bool(element.IsOpen(1, 0)),
        )

    columns = ["load", "bus", "phases", "kw", "kvar", "model", "nodes", "opened"]
    return pd.DataFrame(_each(engine, engine.Loads, read), columns=columns)


def _generators(engine: Any) -> pd.DataFrame:
    rows = []
    for kind, api, power in (
        ("generator", engine.Generators, lambda e: e.Generators.kW()),
        ("pvsystem", engine.PVsystems, lambda e: e.PVsystems.Pmpp()),
        ("storage", engine.Storages, lambda e: 0.0),
    ):

        def read(e: Any, api: Any = api, kind: str = kind, power: Any = power) -> tuple[Any, ...]:
            element, phases = e.CktElement, e.CktElement.NumPhases()
            nodes = ".".join(str(node) for node in element.NodeOrder()[:phases] if node)
            opened = bool(element.IsOpen(1, 0))
            return api.Name().lower(), kind, _first_bus(e), phases, power(e), opened, nodes

        rows += _each(engine, api, read)
    return pd.DataFrame(rows, columns=["generator", "kind", "bus", "phases", "kw", "opened", "nodes"])


def _add_distances(network: Network) -> None:
    """Complete the fresh table of buses: distance from the source along the lines."""
    metres = dict(zip("line." + network.lines["line"], network.lines["length_m"].fillna(0.0), strict=True))
    graph = network.graph()
    for _, _, element, data in graph.edges(keys=True, data=True):
        data["length_m"] = max(0.0, metres.get(element, 0.0))
    start = list(network.sources)
    away = nx.multi_source_dijkstra_path_length(graph, start, weight="length_m") if start else {}
    network.buses["distance_km"] = network.buses["bus"].map(away) / 1000.0
