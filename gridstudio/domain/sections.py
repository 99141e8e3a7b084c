"""Sections: the parts of a network between its devices, and the graph of them that switching walks.

A state of the devices is an int: bit d is set where device d is closed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.devices import Device
from gridstudio.domain.network import Network
from gridstudio.errors import InputError


def bits(mask: int) -> Iterator[int]:
    """Places of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@dataclass(frozen=True)
class Supply:
    """What a state of the devices feeds: sections as a bit mask, and the device that feeds each (-1: a source)."""

    alive: int
    feeder_of: Mapping[int, int]
    closing: tuple[int, ...]  # devices that close a loop, or join two sources

    @property
    def radial(self) -> bool:
        return not self.closing


@dataclass(frozen=True, eq=False)
class Sections:
    """The section graph of a network with devices.

    ``of_bus``: section of every bus; ``ends``: sections (device, 2) at the first and second bus of each device;
    ``sources``: sections with a source; ``may_feed``: (device, 2) whether the device brings every phase that the
    section at that end has. ``names``: the device that feeds a section in the normal state, or its source's bus.
    """

    network: Network
    devices: tuple[Device, ...]
    of_bus: Mapping[str, int]
    ends: NDArray[np.intp]
    sources: tuple[int, ...]
    may_feed: NDArray[np.bool_]
    names: tuple[str, ...]
    customers: NDArray[np.float64]  # (section,)
    kw: NDArray[np.float64]  # (section,) published load
    loads: tuple[tuple[str, ...], ...]  # (section,) names of loads

    def __len__(self) -> int:
        return len(self.names)

    @property
    def normal(self) -> int:
        """The normal state."""
        return sum(1 << d for d, device in enumerate(self.devices) if not device.normally_open)

    @cached_property
    def device_row(self) -> dict[str, int]:
        return {device.name: d for d, device in enumerate(self.devices)}

    @cached_property
    def around(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For every section its (device, section beyond); a device with both ends inside counts twice."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.names]
        for d, (a, b) in enumerate(self.ends.tolist()):
            found[a].append((d, b))
            found[b].append((d, a))
        return tuple(map(tuple, found))

    @cached_property
    def node_section(self) -> NDArray[np.intp]:
        """Section of every node (node,)."""
        return np.array([self.of_bus[bus] for bus in self.network.nodes["bus"]], dtype=np.intp)

    @cached_property
    def branch_section(self) -> NDArray[np.intp]:
        """Section of every branch's first bus (branch,)."""
        return np.array([self.of_bus[bus] for bus in self.network.branches["bus1"]], dtype=np.intp)

    @cached_property
    def normal_supply(self) -> Supply:
        return self.supply(self.normal)

    def feeds(self, device: int, section: int) -> bool:
        """Whether a device at the edge of a section brings all its phases."""
        a, b = self.ends[device]
        return bool((a == section and self.may_feed[device, 0]) or (b == section and self.may_feed[device, 1]))

    def supply(self, closed: int, blocked: int = 0) -> Supply:
        """Which sections a state feeds, from the sources outwards; all sources count as one root.

        ``blocked`` sections (a bit mask) hold a fault: a source in one feeds nothing.
        """
        queue = [section for section in self.sources if not blocked >> section & 1]
        feeder_of = dict.fromkeys(queue, -1)
        alive = sum(1 << section for section in queue)
        closing: list[int] = []
        for section in queue:
            for d, other in self.around[section]:
                if not closed >> d & 1 or d == feeder_of[section]:
                    continue
                if alive >> other & 1:
                    closing.append(d)
                else:
                    alive |= 1 << other
                    feeder_of[other] = d
                    queue.append(other)
        return Supply(alive, feeder_of, tuple(dict.fromkeys(closing)))

    def protected(self) -> "tuple[Sections, tuple[str, ...]]":
        """The same with a protective device above every section, and the devices that were taken for breakers.

        Where only switches lie between a section and its source, the one nearest to the source is taken for the
        breaker of its feeder.
        """
        devices = list(self.devices)
        paths = [self.upstream(section) for section in self.normal_supply.feeder_of]
        taken = {path[-1] for path in paths if path and not any(devices[d].protective for d in path)}
        for d in taken:
            devices[d] = replace(devices[d], type="breaker")
        names = tuple(devices[d].name for d in sorted(taken))
        return replace(self, devices=tuple(devices)) if taken else self, names

    def upstream(self, section: int) -> list[int]:
        """Devices on the normal path of a section to its source, nearest to the section first."""
        path = []
        while (d := self.normal_supply.feeder_of.get(section, -1)) >= 0:
            path.append(d)
            a, b = self.ends[d].tolist()
            section = a if b == section else b
        return path

    def members(self, mask: int) -> NDArray[np.bool_]:
        """A bit mask of sections as booleans (section,)."""
        return np.array([bool(mask >> s & 1) for s in range(len(self))])


def build_sections(network: Network, devices: Sequence[Device], customers: Mapping[str, float]) -> Sections:
    """The sections of a network; ``customers`` by load.

    Raises InputError if the normal state is meshed, leaves customers dead, or if a section holds a loop.
    """
    lines = network.lines.set_index("line")
    left_out = [device.line for device in devices]
    graph = network.graph(open_lines=left_out)
    parts = list(nx.connected_components(graph))
    start = set(network.sources)
    parts.sort(key=lambda part: (start.isdisjoint(part), min(part)))
    of_bus = {bus: number for number, part in enumerate(parts) for bus in part}
    ends = np.array(
        [[of_bus[lines.at[device.line, end]] for end in ("bus1", "bus2")] for device in devices], dtype=np.intp
    ).reshape(-1, 2)
    loads: list[list[str]] = [[] for _ in parts]
    kw, count = np.zeros(len(parts)), np.zeros(len(parts))
    for load, bus, load_kw in network.loads[["load", "bus", "kw"]].itertuples(index=False, name=None):
        loads[of_bus[bus]].append(load)
        kw[of_bus[bus]] += load_kw
        count[of_bus[bus]] += customers.get(load, 0.0)
    sections = Sections(
        network=network,
        devices=tuple(devices),
        of_bus=of_bus,
        ends=ends,
        sources=tuple(sorted({of_bus[bus] for bus in network.sources})),
        may_feed=_may_feed(network, devices, of_bus),
        names=tuple(str(number) for number in range(len(parts))),
        customers=count,
        kw=kw,
        loads=tuple(map(tuple, loads)),
    )
    wrong = list(_findings(sections))
    if wrong:
        raise InputError.from_findings(f"The devices of {network.name!r}", wrong)
    return _named(sections)


def _named(sections: Sections) -> Sections:
    """Sections named for the device that feeds them normally, a source's for its bus."""
    fed_by = sections.normal_supply.feeder_of
    sources = {sections.of_bus[bus]: bus for bus in sections.network.sources}
    some_bus = {number: bus for bus, number in sections.of_bus.items()}
    names = []
    for number in range(len(sections)):
        device = fed_by.get(number, -1)
        bus = sources.get(number, some_bus[number])
        names.append(sections.devices[device].name if device >= 0 else f"bus {bus}")
    return replace(sections, names=tuple(names))


def _findings(sections: Sections) -> Iterable[str]:
    devices, supply = sections.devices, sections.normal_supply
    inside = [device.name for device, (a, b) in zip(devices, sections.ends.tolist(), strict=True) if a == b]
    if inside:
        yield (
            f"A path that no device opens joins both sides of {', '.join(inside)}: the normal state is meshed, "
            "or the device has no effect."
        )
    names = [devices[d].name for d in supply.closing if devices[d].name not in inside]
    if names:
        yield (
            f"The normal state is meshed: {', '.join(names)} closes a loop or joins two sources. "
            "Declare one device of each loop normally open."
        )
    dead = [s for s in range(len(sections)) if not supply.alive >> s & 1 and sections.customers[s] > 0]
    if dead:
        some = ", ".join(load for s in dead for load in sections.loads[s][:3])
        yield (
            f"The normal state leaves {sum(sections.customers[s] for s in dead):.0f} customers dead (loads {some}): "
            "a device that feeds them is declared normally open."
        )
    left = {device.line for device in devices}
    within = [name for name in sections.network.loops() if name not in left]
    if within and not inside and not names:
        yield f"Lines between the devices close a loop: {', '.join(within[:5])}. Put a device on it, normally open."


def _may_feed(network: Network, devices: Sequence[Device], of_bus: Mapping[str, int]) -> NDArray[np.bool_]:
    """Whether a device reaches all nodes of the section at each of its ends (device, 2), conductor by conductor.

    Nodes that nothing feeds even in the base circuit are not asked for.
    """
    on_line = {network.line_row[device.line] for device in devices}
    names = list(zip(network.nodes["bus"], network.nodes["phase"], strict=True))
    joined: nx.utils.UnionFind = nx.utils.UnionFind(names)
    phases_at: dict[str, list[int]] = {}
    for bus, phase in names:
        phases_at.setdefault(bus, []).append(phase)
    first, second = network.branches["bus1"].to_numpy(), network.branches["bus2"].to_numpy()
    of_line = (network.branches["kind"] == "line").to_numpy()
    phases_of: dict[int, list[tuple[int, int]]] = {}
    table = network.conductors
    for branch, p, q, closed in table[["branch", "phase", "phase2", "closed"]].itertuples(index=False, name=None):
        if branch in on_line:
            phases_of.setdefault(branch, []).append((p, q))
        elif closed and p and q:
            joined.union((first[branch], p), (second[branch], q))
            if not of_line[branch]:  # all windings of a transformer live on what any phase brings
                joined.union((first[branch], p), *((second[branch], k) for k in phases_at[second[branch]]))
    fed_or_not = network.nodes["fed"] | network.nodes["reachable"]
    asked: dict[int, set[object]] = {}
    for name, counts in zip(names, fed_or_not, strict=True):
        if counts:
            asked.setdefault(of_bus[name[0]], set()).add(joined[name])
    result = np.zeros((len(devices), 2), dtype=bool)
    for d, device in enumerate(devices):
        row = network.line_row[device.line]
        for end, bus in enumerate((first[row], second[row])):
            reached = {joined[(bus, pair[end])] for pair in phases_of[row] if pair[end]}
            result[d, end] = asked.get(of_bus[bus], set()) <= reached
    return result
