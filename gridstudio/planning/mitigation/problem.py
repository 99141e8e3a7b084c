"""The mitigation problem of one feeder: its circuit, what may be bought, and plans as immutable values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import AddRegulator, Change, ChangeSet, VoltVar
from gridstudio.domain.equipment import Equipment, Item
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Assets, Feeder
from gridstudio.planning.mitigation.settings import Menu

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
READ_PU = 1e-4  # voltage limits are met to within this: less than a meter tells, more than the engine rounds
SAME_KV = 0.05  # share by which the voltages of a regulator's windings may differ; those of a transformer differ more


@dataclass(frozen=True)
class Option:
    """One thing that may be bought for one place (``slot``); a plan has at most one option of every slot.

    ``quantity`` in units, km or kW of ``item``; ``cost_usd`` is capital and the present value of its O&M.
    """

    slot: str
    element: str
    changes: tuple[Change, ...]
    item: Item
    size: float  # NaN: none
    size_before: float
    quantity: float
    what: str
    capital_usd: float
    o_and_m_usd_per_year: float
    cost_usd: float

    @property
    def measure(self) -> str:
        return self.item.measure

    @property
    def slow(self) -> bool:
        """Whether a power flow with it needs a fresh copy of the circuit."""
        return any(isinstance(change, AddRegulator | VoltVar) for change in self.changes)

    @property
    def last_resort(self) -> bool:
        """Whether it acts for hours only, and its energy is not looked at."""
        return self.measure in ("battery", "demand_response")


@dataclass(frozen=True)
class Plan:
    """Options in the order of their slots. Hashable."""

    options: tuple[Option, ...] = ()

    @property
    def cost_usd(self) -> float:
        return float(sum(option.cost_usd for option in self.options))

    def of(self, slot: str) -> Option | None:
        return next((option for option in self.options if option.slot == slot), None)

    def having(self, new: Iterable[Option]) -> "Plan":
        """The plan with some options, each in the place of what its slot had."""
        by_slot = {option.slot: option for option in (*self.options, *new)}
        return Plan(tuple(by_slot[slot] for slot in sorted(by_slot)))

    def without(self, slots: Iterable[str]) -> "Plan":
        gone = set(slots)
        return Plan(tuple(option for option in self.options if option.slot not in gone))

    def changes(self, label: str = "plan") -> ChangeSet:
        return ChangeSet(tuple(change for option in self.options for change in option.changes), label)


EMPTY = Plan()


def load_scale(scenario: Scenario, load: str) -> tuple[float, ...]:
    """Multipliers (step,) of one load."""
    return next((group.scale for group in scenario.load_groups if load in group.loads), scenario.load_scale)


@dataclass(frozen=True, eq=False)
class Problem:
    """What a plan is made for. ``line_code[(line, rating)]`` names the impedance of a line with larger conductors."""

    feeder: Feeder
    network: Network
    assets: Assets
    equipment: Equipment
    limits: Limits
    menu: Menu
    scenarios: tuple[Scenario, ...]
    cables: frozenset[str]
    line_code: Mapping[tuple[str, float], str] = field(default_factory=dict)

    @cached_property
    def excluded(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.menu.exclude)

    def may(self, measure: str, element: str) -> bool:
        """Whether the study lets a measure be taken at an element."""
        return measure in self.menu.allowed and element not in self.excluded

    @cached_property
    def paths(self) -> dict[str, list[str]]:
        """For every fed bus the elements between it and the source, nearest to the source first."""
        return self.network.parent_lines()

    def on_the_way(self, bus: str) -> frozenset[str]:
        """The elements between a bus and the source, to ask which they are."""
        if bus not in self._on_the_way:
            self._on_the_way[bus] = frozenset(self.paths.get(bus, ()))
        return self._on_the_way[bus]

    @cached_property
    def _on_the_way(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of ``network.branches`` of every element."""
        return {str(element): row for row, element in enumerate(self.network.branches["element"])}

    @cached_property
    def limit_pu(self) -> Floats:
        return self.network.loading_limit_pu(self.limits)

    @cached_property
    def length_km(self) -> dict[str, float]:
        return {
            str(line): float(m) / 1000.0
            for line, m in zip(self.network.lines["line"], self.network.lines["length_m"], strict=True)
        }

    @cached_property
    def switches(self) -> frozenset[str]:
        return frozenset(self.network.lines.loc[self.network.lines["is_switch"], "line"])

    @cached_property
    def nodes_of(self) -> dict[str, list[int]]:
        """Rows of ``network.nodes`` of every bus."""
        found: dict[str, list[int]] = {}
        for row, bus in enumerate(self.network.nodes["bus"]):
            found.setdefault(str(bus), []).append(row)
        return found

    def phases_at(self, bus: str) -> tuple[int, ...]:
        phase = self.network.nodes["phase"].to_numpy()
        return tuple(sorted(int(phase[row]) for row in self.nodes_of.get(bus, ()) if phase[row] <= 3))

    @cached_property
    def earthed(self) -> frozenset[str]:
        """Buses on a voltage level that stands to earth: where a wye winding or a source on their lines does."""
        lines = self.network.branches[self.network.branches["kind"] != "transformer"]
        graph = nx.Graph(list(zip(lines["bus1"], lines["bus2"], strict=True)))
        graph.add_nodes_from(self.network.buses["bus"])
        found: set[str] = set()
        for island in nx.connected_components(graph):
            if island & self.assets.earthed:
                found |= island
        return frozenset(found)

    @cached_property
    def regulators(self) -> frozenset[str]:
        """Transformers that only regulate: controlled, and of one voltage on both sides."""
        table = self.network.transformers
        near = (table["kv1"] - table["kv2"]).abs() <= SAME_KV * table[["kv1", "kv2"]].max(axis=1)
        return frozenset(table.loc[table["regulated"] & near, "transformer"])

    @cached_property
    def bank_of(self) -> dict[str, tuple[str, ...]]:
        """The single-phase units that stand beside a transformer, itself among them: between the same two buses."""
        table = self.network.transformers
        units: dict[tuple[str, str], list[str]] = {}
        for name, bus1, bus2 in table[["transformer", "bus1", "bus2"]].itertuples(index=False, name=None):
            units.setdefault((bus1, bus2), []).append(name)
        return {name: tuple(bank) for bank in units.values() for name in bank}

    @cached_property
    def loads_below(self) -> dict[str, list[int]]:
        """Rows of ``network.loads`` that are fed through an element, by element."""
        found: dict[str, list[int]] = {}
        for row, bus in enumerate(self.network.loads["bus"]):
            for element in self.paths.get(bus, ()):
                found.setdefault(element, []).append(row)
        return found

    @cached_property
    def demand(self) -> Complexes:
        """kW + j kvar of every load (scenario, step, load)."""
        table = self.network.loads
        scale = np.array([[load_scale(scenario, str(load)) for load in table["load"]] for scenario in self.scenarios])
        kva = table["kw"].to_numpy(dtype=float) + 1j * table["kvar"].to_numpy(dtype=float)
        found: Complexes = scale.reshape(len(self.scenarios), len(table), -1).transpose(0, 2, 1) * kva
        return found

    def demand_behind(self, element: str) -> Complexes:
        """kW + j kvar (scenario, step) of all loads that are fed through an element."""
        if element not in self._demand_behind:
            self._demand_behind[element] = self.demand[..., self.loads_below.get(element, [])].sum(axis=-1)
        return self._demand_behind[element]

    @cached_property
    def _demand_behind(self) -> dict[str, Complexes]:
        return {}

    @cached_property
    def load_places(self) -> dict[str, tuple[str, tuple[int, ...], float]]:
        """Bus, nodes and size [kVA] of every load."""
        table = self.network.loads
        columns = (table[name] for name in ("load", "bus", "nodes", "kw", "kvar"))
        return {
            str(load): (str(bus), tuple(int(n) for n in str(nodes).split(".") if n), float(np.hypot(kw, kvar)))
            for load, bus, nodes, kw, kvar in zip(*columns, strict=True)
        }

    @cached_property
    def load_nodes(self) -> list[tuple[int, ...]]:
        """Nodes of every row of ``network.loads``."""
        return [nodes for _, nodes, _ in self.load_places.values()]

    @cached_property
    def load_kw(self) -> list[float]:
        """Of every row of ``network.loads``."""
        return [float(kw) for kw in self.network.loads["kw"]]

    def base_kv(self, bus: str) -> float:
        """Base voltage [kV line to neutral] of a bus."""
        return float(self._node_kv[self.nodes_of[bus][0]])

    @cached_property
    def _node_kv(self) -> Floats:
        kv: Floats = self.network.nodes["base_kv"].to_numpy(dtype=float)
        return kv

    @cached_property
    def sending_kv(self) -> Floats:
        """Base voltage [kV line to neutral] of the first bus of every branch."""
        return np.array([self.base_kv(str(bus)) for bus in self.network.branches["bus1"]])

    def conductors(self, row: int) -> slice:
        """The conductors of a branch, of ``network.conductors``."""
        ends = [*self.network.first_conductor[row : row + 2], len(self.network.conductors)]
        return slice(int(ends[0]), int(ends[1]))

    @cached_property
    def offers(self) -> dict[tuple[str, ...], list[Option]]:
        """Options that were built and found to fit, by what was asked for (``proposals``)."""
        return {}
