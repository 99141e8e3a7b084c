"""Who shares what on a circuit: its feeders, the substation above them, and which load stands beneath which conductor.

A *zone* is a feeder (all that is beneath its head) or what several feeders share above their heads, named after the
transformer there. Measures of a zone act in that zone alone; zones share budget and future, and the voltage of the
bus from which feeders leave. Radial circuits only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gridstudio.domain.network import Network
from gridstudio.errors import InputError
from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, IntArray

CLASSES = ("residential", "commercial", "industrial", "solar")
SOLAR = 3
OUTSIDE = -1
SUN = "gs_sun_"  # prefix of the negative loads that stand for solar plants


@dataclass(frozen=True, eq=False)
class Zones:
    """Zones of a circuit; feeders come first, then what they share.

    ``shared`` (zone,); ``customers`` (zone,), of a shared zone those of its feeders; ``above`` (zone,): the shared zone
    of a feeder, OUTSIDE if none. ``load_zone``, ``load_class`` (load,) in the order of the network's loads, solar
    plants among them as negative loads; ``branch_zone`` (branch,); ``node_zone`` (node,).
    """

    network: Network
    names: tuple[str, ...]
    heads: tuple[str, ...]
    shared: BoolArray
    customers: FloatArray
    above: IntArray
    load_zone: IntArray
    load_class: IntArray
    branch_zone: IntArray
    node_zone: IntArray
    paths: dict[str, tuple[int, ...]]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def feeders(self) -> int:
        return int((~self.shared).sum())

    @cached_property
    def load_kw(self) -> FloatArray:
        return self.network.loads["kw"].to_numpy(dtype=float)

    @cached_property
    def class_kw(self) -> FloatArray:
        """Published kW (feeder, class); solar is negative."""
        total = np.zeros((self.feeders, len(CLASSES)))
        inside = self.load_zone >= 0
        np.add.at(total, (self.load_zone[inside], self.load_class[inside]), self.load_kw[inside])
        return total

    @cached_property
    def groups(self) -> tuple[tuple[int, int, IntArray], ...]:
        """(feeder, class, loads) of all that have loads."""
        found = []
        for zone in range(self.feeders):
            for kind in range(len(CLASSES)):
                loads = np.flatnonzero((self.load_zone == zone) & (self.load_class == kind))
                if len(loads):
                    found.append((zone, kind, loads))
        return tuple(found)

    def of_zone(self, zone: int) -> BoolArray:
        """Feeders (feeder,) of a zone: itself, or those beneath what is shared."""
        numbers = np.arange(self.feeders)
        return np.asarray(self.above == zone if self.shared[zone] else numbers == zone)[: self.feeders]

    @cached_property
    def conductor_zone(self) -> IntArray:
        return np.asarray(self.branch_zone[self.network.conductors["branch"].to_numpy()])

    @cached_property
    def depth(self) -> IntArray:
        """Branches (branch,) between a branch and the source; -1 where it carries no load."""
        found = np.full(len(self.branch_zone), -1, dtype=np.int64)
        for path in self.paths.values():
            found[list(path)] = np.arange(len(path))
        return found

    @cached_property
    def beneath_a(self) -> FloatArray:
        """Current (conductor, load) [A] that each load's published kW, at 0.97 lagging, adds to a conductor at 1 pu.

        0 where the load is not beneath the conductor or on another phase. A transformer's conductors share all loads
        beneath it, for it may turn phases.
        """
        network, loads = self.network, self.network.loads
        conductors, branches = network.conductors, network.branches
        branch, phase = conductors["branch"].to_numpy(), conductors["phase"].to_numpy()
        kv = network.buses.set_index("bus")["base_kv"].reindex(branches["bus1"]).to_numpy()
        is_line = (branches["kind"] == "line").to_numpy()
        rows: dict[int, list[int]] = {}
        for row, at in enumerate(branch):
            rows.setdefault(int(at), []).append(row)
        table = np.zeros((len(branch), len(loads)))
        for load, (bus, nodes) in enumerate(zip(loads["bus"], loads["nodes"], strict=True)):
            on = {int(n) for n in str(nodes).split(".") if n}
            amps = abs(self.load_kw[load]) / 0.97
            for at in self.paths.get(bus, ()):
                mine = [row for row in rows[at] if not is_line[at] or int(phase[row]) in on]
                table[mine, load] = amps / max(1, len(mine)) / kv[at]
        return table


def read_zones(network: Network, heads: dict[str, str], customers: pd.DataFrame) -> Zones:
    """Zones by the heads of feeders (name: element of the circuit); ``customers``: load, customers, class.

    Solar plants are loads whose name begins with SUN. InputError with all that is wrong.
    """
    row = {name: number for number, name in enumerate(network.branches["element"])}
    wrong = [
        f"Feeder {feeder}: the circuit has no element '{head}'." for feeder, head in heads.items() if head not in row
    ]
    wrong += [f"Element {name} closes a loop: mode powerflow needs a radial circuit." for name in network.loops()[:3]]
    if wrong:
        raise InputError.from_findings("Feeders of the circuit", wrong)
    paths = {bus: tuple(row[e] for e in path) for bus, path in network.parent_lines().items()}
    place = {row[head]: number for number, head in enumerate(heads.values())}
    of_bus, tops = _feeder_of(paths, place, heads)
    names, above, shared_of = _shared(network, tops, list(heads))
    zone_of_bus = of_bus | {bus: zone for bus, zone in shared_of.items() if of_bus.get(bus, OUTSIDE) < 0}
    loads = network.loads
    load_zone = np.array([of_bus.get(bus, OUTSIDE) for bus in loads["bus"]], dtype=np.int64)
    kinds = _classes(loads["load"], customers)
    count = customers.groupby("load")["customers"].sum().reindex(loads["load"]).fillna(0.0).to_numpy()
    total = np.zeros(len(names))
    np.add.at(total, load_zone[load_zone >= 0], count[load_zone >= 0])
    for zone in range(len(heads), len(names)):
        total[zone] = total[: len(heads)][above[: len(heads)] == zone].sum()
    empty = [f"Feeder {name} carries no load beneath {head}." for n, (name, head) in enumerate(heads.items())
             if not (load_zone == n).any()]  # fmt: skip
    if empty:
        raise InputError.from_findings("Feeders of the circuit", empty)
    return Zones(
        network=network,
        names=tuple(names),
        heads=(*heads.values(), *(f"transformer.{name}" for name in names[len(heads) :])),
        shared=np.arange(len(names)) >= len(heads),
        customers=total,
        above=above,
        load_zone=load_zone,
        load_class=kinds,
        branch_zone=_branch_zone(network, row, paths, tops, above, zone_of_bus),
        node_zone=np.array([zone_of_bus.get(bus, OUTSIDE) for bus in network.nodes["bus"]], dtype=np.int64),
        paths=paths,
    )


def find_heads(network: Network) -> dict[str, str]:
    """Heads of feeders where no table names them: the branches with load at the first bus from which several leave."""
    paths, loads = network.parent_lines(), set(network.loads["bus"])
    bearing = [path for bus, path in paths.items() if bus in loads and path]
    if not bearing:
        raise InputError("The circuit has no load that its source feeds.")
    depth = 0
    while all(len(path) > depth for path in bearing) and len({path[depth] for path in bearing}) == 1:
        depth += 1
    first = dict.fromkeys(path[depth] for path in bearing if len(path) > depth) or {bearing[0][0]: None}
    return {element.split(".", 1)[1]: element for element in first}


def sun_commands(network: Network) -> tuple[str, ...]:
    """OpenDSS commands that put a negative load of unity power factor in the place of every PV system.

    Loads take a multiplier each, generation only one for the circuit: so every feeder gets its own sun.
    """
    plants = network.generators[(network.generators["kind"] == "pvsystem") & (network.generators["kw"] > 0)]
    kv = network.buses.set_index("bus")["base_kv"]
    commands = []
    for name, bus, phases, kw, nodes in plants[["generator", "bus", "phases", "kw", "nodes"]].itertuples(
        index=False, name=None
    ):
        volts = kv[bus] * (1.0 if phases == 1 else np.sqrt(3.0))
        commands.append(f"pvsystem.{name}.enabled=no")
        commands.append(
            f"new load.{SUN}{name} phases={phases} bus1={bus}.{nodes} conn=wye model=1 kv={volts:.6g} kw={-kw:.9g} "
            "kvar=0 vminpu=0.7 vmaxpu=1.3"
        )
    return tuple(commands)


def _feeder_of(
    paths: dict[str, tuple[int, ...]], place: dict[int, int], heads: dict[str, str]
) -> tuple[dict[str, int], list[tuple[int, ...]]]:
    """The feeder of every bus beneath a head, and each head's path from the source (itself last)."""
    of_bus: dict[str, int] = {}
    tops: list[tuple[int, ...]] = [()] * len(heads)
    for bus, path in paths.items():
        hits = [(position, place[at]) for position, at in enumerate(path) if at in place]
        if len(hits) > 1:
            names = [list(heads)[feeder] for _, feeder in hits]
            raise InputError(f"Feeder {names[1]} lies beneath feeder {names[0]}: heads must not follow each other.")
        if hits:
            position, feeder = hits[0]
            of_bus[bus], tops[feeder] = feeder, path[: position + 1]
    return of_bus, tops


def _shared(
    network: Network, tops: list[tuple[int, ...]], feeders: list[str]
) -> tuple[list[str], IntArray, dict[str, int]]:
    """Names of all zones, the shared zone above each, and the shared zone of the buses there."""
    names, above = list(feeders), []
    kind, branch_name = network.branches["kind"].to_numpy(), network.branches["name"].to_numpy()
    ends = network.branches[["bus1", "bus2"]].to_numpy()
    of_bus: dict[str, int] = {}
    for top in tops:
        transformers = [at for at in top[:-1] if kind[at] == "transformer"]
        if not transformers:
            above.append(OUTSIDE)
            continue
        name = str(branch_name[transformers[-1]])
        if name not in names[len(feeders) :]:
            names.append(name)
        zone = names.index(name, len(feeders))
        above.append(zone)
        of_bus |= {str(bus): zone for at in top[:-1] for bus in ends[at]}
    return names, np.array([*above, *[OUTSIDE] * (len(names) - len(feeders))], dtype=np.int64), of_bus


def _branch_zone(
    network: Network,
    row: dict[str, int],
    paths: dict[str, tuple[int, ...]],
    tops: list[tuple[int, ...]],
    above: IntArray,
    zone_of_bus: dict[str, int],
) -> IntArray:
    """The zone (branch,) of every branch that feeds a bus."""
    found = np.full(len(row), OUTSIDE, dtype=np.int64)
    for bus, path in paths.items():
        if path:
            found[path[-1]] = zone_of_bus.get(bus, OUTSIDE)
    for feeder, top in enumerate(tops):
        found[list(top[:-1])] = above[feeder]
        found[top[-1]] = feeder
    return found


def _classes(loads: Iterable[str], customers: pd.DataFrame) -> IntArray:
    """The class (load,) that most of a load's customers have; solar plants their own."""
    ordered = customers.sort_values("customers", ascending=False, kind="stable").drop_duplicates("load")
    known = dict(zip(ordered["load"], ordered["class"], strict=True))
    return np.array(
        [SOLAR if load.startswith(SUN) else CLASSES.index(known.get(load, CLASSES[0])) for load in loads],
        dtype=np.int64,
    )
