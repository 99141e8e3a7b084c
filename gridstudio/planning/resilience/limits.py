"""The limits of islands as linear rows: what sources, voltages and conductors ask of the loads that are picked up.

From the linear flow (``linear``), for one source in one block. Only rows that some choice of loads can break are kept.
Where loops leave the tree open, every coefficient is the least over all trees, so that no allowed island is lost; what
the rows let pass is settled by power flow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gridstudio.domain.sections import bits
from gridstudio.engine.impedances import Impedances, read_impedances
from gridstudio.planning.resilience.blocks import Field, Root
from gridstudio.planning.resilience.contract import Bools, Floats, Grid, Ints, Sites
from gridstudio.planning.resilience.linear import Effects, draws, effects, walk

VOLTAGE_SLACK_PU = 0.01  # the linear flow errs by less on islands: see linear
LOADING_SLACK_PU = 0.10
DIRECTIONS = np.exp(1j * np.radians(np.arange(-80.0, 81.0, 20.0)))  # tangents of a circle of kVA
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Lesson:
    """What power flows have taught of one source. ``allowance``: its kW and kVA beyond the loads', as a share;
    ``voltage_pu`` and ``loading_pu``: how much narrower its rows must be than the limits (negative: wider)."""

    allowance: float = 0.0
    voltage_pu: float = -VOLTAGE_SLACK_PU
    loading_pu: float = -LOADING_SLACK_PU


@dataclass(frozen=True, eq=False)
class LimitRow:
    """``coefficient`` @ (units, then energised sections) <= ``most`` where ``section`` is energised."""

    section: int
    coefficient: Floats  # (unit + section,)
    most: float


@dataclass(eq=False)
class LinearLimits:
    """Makes the rows; remembers trees that it has walked."""

    grid: Grid
    sites: Sites
    roots: Sequence[Root]
    impedances: Impedances = field(init=False)
    _known: dict[int, list[tuple[int, Effects]]] = field(default_factory=dict)
    _rows: dict[tuple[object, ...], list[LimitRow]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.impedances = read_impedances(self.grid.feeder)
        self._drawn = draws(self.grid, self.impedances)
        self.power = self._drawn.sum(axis=0)  # kW + j kvar (unit + section,)
        self._serves = serving(self.grid)
        network, limits = self.grid.network, self.grid.limits
        rated = network.branches["ampacity_a"].to_numpy() * network.loading_limit_pu(limits)
        branch = network.conductors["branch"].to_numpy()
        bus1 = network.branches["bus1"].to_numpy()[branch]
        kv = network.buses.set_index("bus")["base_kv"]
        self._rated_kva = rated[branch] * kv.reindex(bus1).to_numpy()  # per conductor, at the limit
        self._conductor_section = self.grid.sections.branch_section[branch]

    def effects(self, root: int, closed: int) -> Effects:
        """The linear flow from a root, of some tree that holds the devices ``closed``."""
        for tree, known in self._known.get(root, []):
            if closed & ~tree == 0:
                return known
        start = self.roots[root]
        tree = spanning(self.grid, start.section, closed)
        site = start.site
        rows = self.grid.network.source_elements
        source = int(self.sites.source[site]) if site >= 0 else int(np.flatnonzero(rows["bus"] == start.bus)[0])
        way = walk(self.grid, start.bus, start.phases, tree)
        found = effects(self.grid, self.impedances, self._drawn, way, float(self.impedances.source_pu[source]))
        self._known.setdefault(root, []).append((tree, found))
        return found

    def rows(self, one: Field, lesson: Lesson) -> list[LimitRow]:
        """Voltage and ampacity of one root in one block."""
        key = one.root, one.sections, one.arcs, lesson.voltage_pu, lesson.loading_pu
        if key not in self._rows:
            self._rows[key] = self._made(one, lesson)
        return self._rows[key]

    def errors(self, root: int, closed: int, on: Floats, node: int, loading: float) -> tuple[float, float]:
        """By how much the linear flow was too hopeful of an island: of the voltage [pu] of a node, less what was found
        (NaN behind a regulator), and of the highest loading over its limit."""
        there = self.effects(root, closed)
        known = node >= 0 and there.reached[node] and not there.regulated[node]
        volts = float(there.voltage_pu(on)[node]) if known else float("nan")
        loads = np.abs(there.flow_kva @ on) / self._rated_kva
        return volts, loading - float(np.nanmax(loads, initial=0.0))

    def _made(self, one: Field, lesson: Lesson) -> list[LimitRow]:
        trees = [self.effects(one.root, tree) for tree in one.trees()]
        if not trees:
            return []
        columns = self._columns(one)
        return [*self._voltages(one, trees, columns, lesson), *self._loadings(one, trees, columns, lesson)]

    def _columns(self, one: Field) -> Floats:
        """1 for the units and sections that the root can reach."""
        inside = np.zeros(len(self.grid.sections))
        inside[list(one.sections)] = 1.0
        return np.concatenate([inside[self.grid.unit_section], inside])

    def _worst(self, one: Field, rows: Floats) -> Floats:
        """The most that each row can come to, for all that the source can carry."""
        up = np.maximum(rows, 0.0)
        whole = up.sum(axis=1)
        site = self.roots[one.root].site
        if site < 0:
            return whole
        units = len(self.grid.unit_names)
        kw = np.maximum(self.power.real[:units], NEGLIGIBLE)
        dearest = (up[:, :units] / kw).max(axis=1, initial=0.0) * self.sites.max_kw[site]
        return np.minimum(whole, dearest + up[:, units:].sum(axis=1))

    def _voltages(self, one: Field, trees: Sequence[Effects], columns: Floats, lesson: Lesson) -> list[LimitRow]:
        limits, section = self.grid.limits, self.grid.sections.node_section
        watched = np.isin(section, one.sections) & self._serves
        for tree in trees:
            watched &= tree.reached & ~tree.regulated
        node = np.flatnonzero(watched)
        source_v2 = trees[0].source_pu ** 2
        found = []
        for sign, limit_pu in ((1.0, limits.v_min_pu + lesson.voltage_pu), (-1.0, limits.v_max_pu - lesson.voltage_pu)):
            drops = np.min([sign * tree.drop_v2[node] for tree in trees], axis=0) * columns
            most = sign * (source_v2 - limit_pu**2)
            found += self._kept(one, drops, np.full(len(node), most), section[node])
        return found

    def _loadings(self, one: Field, trees: Sequence[Effects], columns: Floats, lesson: Lesson) -> list[LimitRow]:
        limit = self._rated_kva * max(1.0 - lesson.loading_pu, 0.05)
        row = np.flatnonzero(np.isfinite(limit) & np.isin(self._conductor_section, one.sections))
        found = []
        for turn in DIRECTIONS:
            flows = np.min([(tree.flow_kva[row] * np.conj(turn)).real for tree in trees], axis=0) * columns
            found += self._kept(one, flows, limit[row], np.full(len(row), -1))
        return found

    def _kept(self, one: Field, rows: Floats, most: Floats, section: Ints) -> list[LimitRow]:
        """Rows that can be broken, without those that another one implies."""
        tight = np.flatnonzero(self._worst(one, rows) > most + NEGLIGIBLE)
        kept: list[int] = []
        for n in sorted(tight, key=lambda n: -rows[n].sum() / max(most[n], NEGLIGIBLE)):
            alike = [m for m in kept if section[m] == section[n]]
            if not any(
                (rows[m] * most[n] >= rows[n] * most[m] - NEGLIGIBLE).all() and most[n] > 0 and most[m] > 0
                for m in alike
            ):
                kept.append(int(n))
        return [LimitRow(int(section[n]), rows[n], float(most[n])) for n in kept]


def spanning(grid: Grid, start: int, closed: int) -> int:
    """A tree from ``start`` that holds the devices ``closed`` where it can, and reaches as much as possible."""
    found, tree = 1 << start, 0
    for only in (True, False):
        queue = list(bits(found))
        for section in queue:
            for d, other in grid.sections.around[section]:
                fits = closed >> d & 1 if only else grid.sections.feeds(d, other)
                if fits and not found >> other & 1:
                    found, tree = found | 1 << other, tree | 1 << d
                    queue.append(other)
    return tree


def serving(grid: Grid) -> Bools:
    """Nodes (node,) of phases that a load draws from: there, the voltage must be in the band."""
    at = {
        (bus, phase + 1)
        for load, bus in enumerate(grid.network.loads["bus"])
        for phase in range(3)
        if grid.load_kw[load, phase] or grid.load_kvar[load, phase]
    }
    keys = grid.network.nodes[["bus", "phase"]].itertuples(index=False, name=None)
    return np.array([key in at for key in keys], dtype=bool)
