"""Where devices may stand, as loads that the circuit has from the start at next to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import networkx as nx
import numpy as np

from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.planning.hosting.settings import Hour, Nodal

# A device that is off follows the other loads: its kW at multiplier 1 is next to nothing, and its size a multiplier.
UNIT_KW = 1e-6
PREFIX = "gs_hosting"
NO_GROWTH = "gs_no_growth"
EQUIPMENT = f"new growthshape.{NO_GROWTH} npts=1 year=[1] mult=[1]"  # which the commands of places need before them
LEG_KV = 0.15  # a leg of a split-phase secondary has less to its neutral: 120 V, 127 V


@dataclass(frozen=True)
class Place:
    """A device at nodes of one bus; ``name`` is its load's."""

    name: str
    device: str
    bus: str
    nodes: str  # "1.2.3"
    base_kv: float  # to neutral
    command: str  # that declares it


def nodal_places(network: Network, given: Nodal) -> list[Place]:
    """Every device at every bus that is asked: of three phases where the bus has them, else of one on each phase.

    One-phase devices stand against the neutral, which an ungrounded bus has not: ask for three phases there. On a
    split-phase secondary it is one device across the legs.
    """
    asked, split, prefix = {bus.lower() for bus in given.buses}, split_phase_buses(network), free_prefix(network)
    nodes = network.nodes[network.nodes["fed"]]
    found: list[Place] = []
    for bus, rows in nodes.groupby("bus", sort=False):
        if str(bus) in network.sources or (asked and bus not in asked):
            continue
        kv, phases = float(rows["base_kv"].iloc[0]), [int(phase) for phase in sorted(rows["phase"]) if phase <= 3]
        wanted = _wanted(phases, str(bus) in split, given)
        for device in given.devices:
            factor = given.power_factor if device == "load" else 1.0
            for named, count, times in wanted:
                name = f"{prefix}_{device}_{len(found)}"
                command = _command(name, device, str(bus), named, count, times * kv, times > 1, factor)
                found.append(Place(name, device, str(bus), named, kv, command))
    return found


def _wanted(phases: list[int], split: bool, given: Nodal) -> list[tuple[str, int, float]]:
    """Nodes, number of phases and voltage over that to neutral of the devices at a bus with so many ``phases``."""
    if 3 in given.phases and phases == [1, 2, 3]:
        return [("1.2.3", 3, sqrt(3))]
    if 1 not in given.phases:
        return []
    return [(".".join(map(str, phases)), 1, 2.0)] if split else [(str(phase), 1, 1.0) for phase in phases]


def load_places(network: Network, device: str, loads: Sequence[str]) -> list[Place]:
    """A device beside every one of ``loads``, connected like it."""
    kv_of = dict(zip(network.buses["bus"], network.buses["base_kv"], strict=True))
    table = network.loads.set_index("load").loc[list(loads), ["bus", "phases", "nodes"]]
    split, prefix = split_phase_buses(network), free_prefix(network)
    found = []
    for number, (bus, phases, nodes) in enumerate(table.itertuples(index=False, name=None)):
        delta = phases == 3 or len(nodes.split(".")) > phases
        name, kv = f"{prefix}_{device}_at_{number}", float(kv_of[bus])
        own_kv = kv * ((2 if bus in split else sqrt(3)) if delta or phases > 1 else 1)
        command = _command(name, device, bus, nodes, int(phases), own_kv, delta)
        found.append(Place(name, device, bus, nodes, kv, command))
    return found


def split_phase_buses(network: Network) -> frozenset[str]:
    """Buses of two legs that one single-phase transformer feeds, itself or over lines."""
    of_bus = network.nodes.groupby("bus")["phase"].agg(list)
    lines = network.branches[network.branches["kind"] == "line"]
    graph = nx.Graph(lines[["bus1", "bus2"]].itertuples(index=False, name=None))
    units = network.transformers
    feeding = units["bus2"].value_counts()
    low = dict(zip(network.buses["bus"], network.buses["base_kv"] < LEG_KV, strict=True))
    found: set[str] = set()
    for bus in units.loc[units["phases"] == 1, "bus2"]:
        if feeding[bus] == 1 and low[bus] and len(of_bus[bus]) == 2:
            reached = nx.node_connected_component(graph, bus) if bus in graph else {bus}
            found |= {other for other in reached if sorted(of_bus[other]) == sorted(of_bus[bus])}
    return frozenset(found)


def free_prefix(network: Network) -> str:
    """How the names of devices begin: as no load's of the circuit does."""
    prefix = PREFIX
    while any(str(load).startswith(prefix) for load in network.loads["load"]):
        prefix += "_"
    return prefix


def scenario(name: str, hours: Sequence[Hour], sizes: Sequence[tuple[Place, float]]) -> Scenario:
    """The hours with devices of so many kW; every hour starts from the circuit as it stands today."""
    return Scenario(
        name=name,
        load_scale=tuple(hour.load_scale for hour in hours),
        load_groups=tuple(
            LoadGroup((place.name,), tuple(kw * getattr(hour, place.device) / UNIT_KW for hour in hours))
            for place, kw in sizes
        ),
        generation_scale=tuple(hour.generation_scale for hour in hours),
        carry_controls=False,
    )


def _command(
    name: str, device: str, bus: str, nodes: str, phases: int, kv: float, delta: bool, power_factor: float = 1.0
) -> str:
    """A constant-power load, whose size no multiplier and no growth of the circuit's loads touches. ``kv`` is between
    phases, or between legs, unless one phase stands against the neutral."""
    kw = -UNIT_KW if device == "pv" else UNIT_KW
    kvar = UNIT_KW * np.tan(np.arccos(power_factor))
    connection = "delta" if delta else "wye"
    return (
        f'new "load.{name}" bus1="{bus}.{nodes}" phases={phases} conn={connection} kv={kv!r} '
        f"kw={kw!r} kvar={float(kvar)!r} model=1 vminpu=0.5 vmaxpu=2 status=exempt growth={NO_GROWTH}"
    )
