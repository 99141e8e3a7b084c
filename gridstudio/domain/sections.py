"""Sections: the parts of a network between its devices, and the graph of them that switching walks.

A state of the devices is an int: bit d is set where device d is closed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.devices import Device
from gridstudio.domain.network import Network
from gridstudio.errors import InputError

TRANSFORMERS = ("transformer", "autotrans")  # kinds of branches


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
    ``needed``: nodes that have voltage wherever their section has supply: all that some state feeds, but for conductors
    of a device that end at a bus where nothing else has their phase.

    A device switches all conductors of its line together: single-phase devices side by side are refused.
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
    needed: NDArray[np.bool_]  # (node,)

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
    def lateral_fuses(self) -> int:
        """Fuses of dead-end laterals (bit mask of devices): nothing but fuses lies beyond. They isolate faults, but are
        not pulled to shed load.
        """
        found = 0
        for section in reversed(self.normal_supply.feeder_of):  # from the ends inwards
            above = self.normal_supply.feeder_of[section]
            beyond = [d for d, _ in self.around[section] if d != above]
            if above >= 0 and self.devices[above].type == "fuse" and all(found >> d & 1 for d in beyond):
                found |= 1 << above
        return found

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
    phases = _Phases(network, devices, of_bus)
    sections = Sections(
        network=network,
        devices=tuple(devices),
        of_bus=of_bus,
        ends=ends,
        sources=tuple(sorted({of_bus[bus] for bus in network.sources})),
        may_feed=phases.may_feed(),
        names=tuple(str(number) for number in range(len(parts))),
        customers=count,
        kw=kw,
        loads=tuple(map(tuple, loads)),
        needed=phases.needed,
    )
    wrong = [*_crossed(sections), *_loop_findings(sections), *_dead_findings(sections, phases, customers)]
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


def _crossed(sections: Sections) -> Iterable[str]:
    """A device whose line joins one phase to another would short them once it is closed on two live sections."""
    network = sections.network
    row_of = {network.line_row[device.line]: device.name for device in sections.devices}
    table = network.conductors
    crossed = table[table["branch"].isin(row_of) & (table["phase"] != table["phase2"])]
    for branch, rows in crossed.groupby("branch"):
        pairs = ", ".join(f"{p} to {q}" for p, q in zip(rows["phase"], rows["phase2"], strict=True))
        yield f"Device {row_of[branch]!r} joins phase {pairs}: give the same phases at both buses of its line."


def _loop_findings(sections: Sections) -> Iterable[str]:
    """Why the normal state is not radial."""
    devices, network = sections.devices, sections.network
    ends = sections.ends.tolist()
    inside = [device.name for device, (a, b) in zip(devices, ends, strict=True) if a == b]
    if inside:
        yield (
            f"A path that no device opens joins both sides of {', '.join(inside)}: the normal state is meshed, "
            "or the device has no effect."
        )
    closing = [d for d in sections.normal_supply.closing if devices[d].name not in inside]
    poles = [d for d in closing if _beside(sections, d)]
    if poles:
        yield (
            f"{', '.join(devices[d].name for d in poles)} stands beside a device on other phases between the same "
            "sections: a device switches all phases of its line, so make one line and one device of them."
        )
    names = [devices[d].name for d in closing if d not in poles]
    if names:
        yield (
            f"The normal state is meshed: {', '.join(names)} closes a loop or joins two sources. "
            "Declare one device of each loop normally open."
        )
    on_device = network.conductors["branch"].isin([network.line_row[device.line] for device in devices])
    within = replace(network, conductors=network.conductors[~on_device]).loops()
    if within:
        yield f"Lines between the devices close a loop: {', '.join(within[:5])}. Put a device on it, normally open."


def _beside(sections: Sections, device: int) -> bool:
    """Whether another closed device joins the same sections by other phases."""
    network, ends = sections.network, np.sort(sections.ends, axis=1)
    rows = [network.line_row[one.line] for one in sections.devices]
    phases = network.conductors.groupby("branch")["phase"].agg(set)
    return any(
        sections.normal >> d & 1 and not phases[rows[d]] & phases[rows[device]]
        for d in np.flatnonzero((ends == ends[device]).all(axis=1)).tolist()
    )


def _dead_findings(sections: Sections, phases: "_Phases", customers: Mapping[str, float]) -> Iterable[str]:
    """Which customers the normal state leaves without supply, and why."""
    supply, everything = sections.normal_supply, (1 << len(sections.devices)) - 1
    dead = {s for s in range(len(sections)) if not supply.alive >> s & 1 and sections.customers[s] > 0}
    never = {s for s in dead if not sections.supply(everything).alive >> s & 1}
    for group, why in (
        (dead - never, "a device that feeds them is declared normally open."),
        (never, "no device joins them with a source; is a line open that the table does not name?"),
    ):
        if group:
            some = ", ".join(load for s in sorted(group) for load in sections.loads[s][:3])
            count = sum(sections.customers[s] for s in group)
            yield f"The normal state leaves {count:.0f} customers dead (loads {some}): {why}"
    for section, device in supply.feeder_of.items():
        if device >= 0 and not sections.feeds(device, section):
            without = [load for load in phases.without(device, section) if customers.get(load, 0) > 0]
            if without:
                yield (
                    f"The normal state leaves {sum(customers[load] for load in without):.0f} customers dead (loads "
                    f"{', '.join(without[:3])}): {sections.devices[device].name} does not bring their phases."
                )


class _Phases:
    """Which nodes voltage at a device's end reaches within the section there, conductor by conductor.

    A transformer passes voltage on once all its conductors on one side have it: two of three phases are not enough.
    """

    def __init__(self, network: Network, devices: Sequence[Device], of_bus: Mapping[str, int]):
        self.network, self.of_bus = network, of_bus
        self.rows = [network.line_row[device.line] for device in devices]
        nodes, on_line = network.nodes[["bus", "phase"]], set(self.rows)
        self.joined: nx.utils.UnionFind = nx.utils.UnionFind(list(nodes.itertuples(index=False, name=None)))
        self.pairs: dict[int, list[tuple[int, int]]] = {}  # conductors of devices' lines
        touched = Counter(
            (bus, int(phase))
            for bus, phases in zip(network.loads["bus"], network.loads["nodes"], strict=True)
            for phase in phases.split(".") * 2
            if phase
        )
        windings: dict[int, list[tuple[int, int]]] = {}
        kinds = network.branches["kind"].to_numpy()
        self.bus1, self.bus2 = (network.branches[end].to_numpy() for end in ("bus1", "bus2"))
        table = network.conductors[["branch", "phase", "phase2", "closed"]]
        for branch, p, q, closed in table.itertuples(index=False, name=None):
            both = (self.bus1[branch], p), (self.bus2[branch], q)
            touched.update(both if branch in on_line else both * 2)
            if branch in on_line:
                self.pairs.setdefault(branch, []).append((p, q))
            elif closed and kinds[branch] in TRANSFORMERS:
                windings.setdefault(branch, []).append((p, q))
            elif closed and p and q:
                self.joined.union(*both)
        self.transformers = self._transformers(windings)
        held = set(network.sources)
        alone = [touched[bus, k] == 1 and bus not in held for bus, k in nodes.itertuples(index=False, name=None)]
        self.needed = (network.nodes["fed"] | network.nodes["reachable"]).to_numpy() & ~np.array(alone, dtype=bool)

    def may_feed(self) -> NDArray[np.bool_]:
        """Whether a device reaches all needed nodes of the section at each of its ends (device, 2)."""
        needed = self.network.nodes.loc[self.needed, ["bus", "phase"]]
        asked: dict[int, set[object]] = {}
        for bus, phase in needed.itertuples(index=False, name=None):
            asked.setdefault(self.of_bus[bus], set()).add(self.joined[(bus, phase)])
        return np.array(
            [
                [asked.get(self.of_bus[bus], set()) <= self.reached(row, end) for end, bus in enumerate(self.ends(row))]
                for row in self.rows
            ],
            dtype=bool,
        ).reshape(-1, 2)

    def without(self, device: int, section: int) -> list[str]:
        """Loads of a section with a phase that the device does not bring."""
        row = self.rows[device]
        reached = self.reached(row, next(e for e, bus in enumerate(self.ends(row)) if self.of_bus[bus] == section))
        loads = self.network.loads
        return [
            load
            for load, bus, phases in loads[["load", "bus", "nodes"]].itertuples(index=False, name=None)
            if self.of_bus[bus] == section
            and any(self.joined[(bus, int(phase))] not in reached for phase in phases.split(".") if phase)
        ]

    def ends(self, row: int) -> tuple[str, str]:
        return self.bus1[row], self.bus2[row]

    def reached(self, row: int, end: int) -> set[object]:
        """Groups of joined nodes that have voltage when the conductors of a device's line bring it to one end."""
        bus = self.ends(row)[end]
        found = {self.joined[(bus, pair[end])] for pair in self.pairs[row] if pair[end]}
        waiting = self.transformers.get(self.of_bus[bus], [])
        while passing := [pair for pair in waiting if pair[0] <= found or pair[1] <= found]:
            found = found.union(*(groups for pair in passing for groups in pair))
            waiting = [pair for pair in waiting if pair not in passing]
        return found

    def _transformers(self, windings: Mapping[int, list[tuple[int, int]]]) -> dict[int, list[tuple[set, set]]]:
        """By section, groups of nodes at the first winding and at the others of every transformer.

        Nodes behind a transformer that no conductor of it names (second halves of a centre tap, third windings) live
        with any transformer there.
        """
        phases_at: dict[str, set[int]] = {}
        for bus, phase in self.network.nodes[["bus", "phase"]].itertuples(index=False, name=None):
            phases_at.setdefault(bus, set()).add(phase)
        named: dict[str, set[int]] = {}
        for branch, pairs in windings.items():
            named.setdefault(self.bus2[branch], set()).update(q for _, q in pairs)
        third: dict[str, list[str]] = {}
        for element, bus in self.network.further_ends:
            third.setdefault(element, []).append(bus)
        found: dict[int, list[tuple[set, set]]] = {}
        for branch, pairs in windings.items():
            first, second = self.bus1[branch], self.bus2[branch]
            behind = {(second, q) for _, q in pairs if q} | {(second, k) for k in phases_at[second] - named[second]}
            for bus in third.get(self.network.branches.at[branch, "element"], ()):
                behind |= {(bus, k) for k in phases_at[bus]}
            sides = {(first, p) for p, _ in pairs if p}, behind
            near, far = ({self.joined[node] for node in side} for side in sides)
            found.setdefault(self.of_bus[first], []).append((near, far))
        return found
