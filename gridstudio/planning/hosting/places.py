"""Where devices may stand, as loads that the circuit has from the start at next to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.planning.hosting.settings import Hour, Nodal

# A device that is off follows the other loads: its kW at multiplier 1 is next to nothing, and its size a multiplier.
UNIT_KW = 1e-6
PREFIX = "hosting"


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

    One-phase devices stand against the neutral, which an ungrounded bus has not: ask for three phases there.
    """
    asked = {bus.lower() for bus in given.buses}
    nodes = network.nodes[network.nodes["fed"]]
    found: list[Place] = []
    for bus, rows in nodes.groupby("bus", sort=False):
        if str(bus) in network.sources or (asked and bus not in asked):
            continue
        kv, phases = float(rows["base_kv"].iloc[0]), [int(phase) for phase in sorted(rows["phase"]) if phase <= 3]
        wanted = [("1.2.3", 3)] if 3 in given.phases and phases == [1, 2, 3] else []
        wanted = wanted or [(str(phase), 1) for phase in phases if 1 in given.phases]
        for device in given.devices:
            factor = given.power_factor if device == "load" else 1.0
            for named, count in wanted:
                name = f"{PREFIX}_{device}_{len(found)}"
                command = _command(name, device, str(bus), named, count, kv, delta=count == 3, power_factor=factor)
                found.append(Place(name, device, str(bus), named, kv, command))
    return found


def load_places(network: Network, device: str, loads: Sequence[str]) -> list[Place]:
    """A device beside every one of ``loads``, connected like it."""
    kv_of = dict(zip(network.buses["bus"], network.buses["base_kv"], strict=True))
    table = network.loads.set_index("load").loc[list(loads), ["bus", "phases", "nodes"]]
    found = []
    for number, (bus, phases, nodes) in enumerate(table.itertuples(index=False, name=None)):
        delta = phases == 3 or len(nodes.split(".")) > phases
        name, kv = f"{PREFIX}_{device}_at_{number}", float(kv_of[bus])
        found.append(Place(name, device, bus, nodes, kv, _command(name, device, bus, nodes, int(phases), kv, delta)))
    return found


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
    """A constant-power load; OpenDSS counts kV between phases unless one phase stands against the neutral."""
    own_kv = kv if phases == 1 and not delta else kv * sqrt(3)
    kw = -UNIT_KW if device == "pv" else UNIT_KW
    kvar = UNIT_KW * np.tan(np.arccos(power_factor))
    return (
        f"new load.{name} bus1={bus}.{nodes} phases={phases} conn={'delta' if delta else 'wye'} kv={own_kv!r} "
        f"kw={kw!r} kvar={float(kvar)!r} model=1 vminpu=0.5 vmaxpu=2"
    )
