"""The power flow of an island: its own source as the swing, the rest of the circuit dark, each island solved once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gridstudio.domain.changes import ChangeSet, SetSource, SetSwitch
from gridstudio.domain.limits import check
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.domain.sections import bits
from gridstudio.engine import PowerFlow
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.blocks import Root
from gridstudio.planning.resilience.contract import Bools, Grid, Sites
from gridstudio.planning.resilience.limits import serving
from gridstudio.planning.resilience.stage import Proposal

CHUNK = 2_000  # power flows held in memory together
RATING_TOLERANCE = 1e-6  # of kW and kVA


@dataclass(frozen=True)
class Proof:
    """What OpenDSS says of an island. ``broken``: the limits of the network that it breaks, the source's rating aside:
    not_converged, dead, low_voltage, high_voltage, loading. Low voltage is judged where loads are, as the service is
    (ANSI C84.1), high voltage everywhere. ``over_limit_pu``: highest loading over its limit; ``lowest``: row of the
    network's nodes, -1 if no load is there."""

    served_kw: float
    source_kw: float
    source_kva: float
    v_min_pu: float
    v_max_pu: float
    loading_max_pu: float
    over_limit_pu: float
    lowest: int
    broken: tuple[str, ...]

    def needs_kw(self, kva_per_kw: float) -> float:
        """The least rating that carries it."""
        return max(self.source_kw, self.source_kva / kva_per_kw)


NAN = float("nan")
UNSOLVED = Proof(NAN, NAN, NAN, NAN, NAN, NAN, NAN, -1, ("not_converged",))


@dataclass(eq=False)
class Prover:
    """Solves islands and remembers them; ``name`` of the phase that the power flows count to."""

    grid: Grid
    sites: Sites
    roots: Sequence[Root]
    phases: Phases
    name: str = "islands"
    known: dict[Proposal, Proof] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._serves = serving(self.grid)

    def prove(self, islands: Iterable[Proposal]) -> list[Proof]:
        """In the order given; what is new is solved together."""
        asked = list(islands)
        new = [island for island in dict.fromkeys(asked) if island not in self.known]
        for start in range(0, len(new), CHUNK):
            some = new[start : start + CHUNK]
            done = self.phases.evaluate(self.name, [(self.changes(one), self.scenario(one)) for one in some])
            for island, row in zip(some, done.row, strict=True):
                self.known[island] = self._read(island, done.flow[row, 0])
        return [self.known[island] for island in asked]

    def within_rating(self, island: Proposal, proof: Proof, rated_kw: float) -> bool:
        """Whether its source carries it."""
        site = self.roots[island.root].site
        if site < 0:
            return True
        most = float(self.sites.kva_per_kw[site]) * rated_kw
        return proof.source_kw <= rated_kw + RATING_TOLERANCE and proof.source_kva <= most + RATING_TOLERANCE

    def changes(self, island: Proposal) -> ChangeSet:
        """Devices closed within the island and nowhere else; its source in service and no other."""
        network, devices = self.grid.network, self.grid.sections.devices
        switched = [SetSwitch(device.line, bool(island.closed >> d & 1)) for d, device in enumerate(devices)]
        site = self.roots[island.root].site
        on = self._own_sources(island.root)
        table = network.source_elements
        moved = [
            SetSource(str(name), row in on)
            for row, (name, closed) in enumerate(zip(table["source"], table["closed"], strict=True))
            if bool(closed) != (row in on)
        ]
        label = f"{self.roots[island.root].name} {island.sections:x} {island.closed:x}"
        return ChangeSet((*switched, *(moved if site >= 0 or moved else ())), label)

    def scenario(self, island: Proposal) -> Scenario:
        """Published load of the units picked up, all else off; PV and generators tripped."""
        picked = set(island.units)
        loads = [name for name, unit in zip(self.grid.load_names, self.grid.load_unit, strict=True) if unit in picked]
        groups = (LoadGroup(tuple(loads), (1.0,)),) if loads else ()
        return Scenario(f"island of {self.roots[island.root].name}", (0.0,), groups, (0.0,))

    def _own_sources(self, root: int) -> set[int]:
        site, table = self.roots[root].site, self.grid.network.source_elements
        if site >= 0:
            return {int(self.sites.source[site])}
        section = self.roots[root].section
        rows = enumerate(zip(table["bus"], table["closed"], strict=True))
        return {row for row, (bus, closed) in rows if closed and self.grid.sections.of_bus[bus] == section}

    def _read(self, island: Proposal, flow: PowerFlow) -> Proof:
        if not flow.converged:
            return UNSOLVED
        grid, network, limits = self.grid, self.grid.network, self.grid.limits
        inside = grid.sections.members(island.sections)
        alive = inside[grid.sections.node_section] & grid.sections.needed
        branch = self._branches(island, inside)
        limit_pu = network.loading_limit_pu(limits)
        loading_pu = network.branch_current(flow.current_a) / network.branches["ampacity_a"].to_numpy()
        v_pu, here = flow.v_pu, inside[grid.sections.node_section]
        serves = here & self._serves
        broken = check(v_pu, loading_pu[branch], alive, limit_pu[branch], limits)
        power = complex(flow.source_kva[sorted(self._own_sources(island.root))].sum())
        found = {
            "dead": broken.dead,
            "low_voltage": broken.low & serves,
            "high_voltage": broken.high & here,
            "loading": broken.overloaded,
        }
        rows = np.flatnonzero(serves)
        lowest = int(rows[np.argmin(v_pu[rows])]) if len(rows) else -1
        return Proof(
            served_kw=float(flow.served_kw),
            source_kw=power.real,
            source_kva=abs(power),
            v_min_pu=float(v_pu[lowest]) if lowest >= 0 else float("nan"),
            v_max_pu=float(v_pu[here].max(initial=0.0)),
            loading_max_pu=float(np.nan_to_num(loading_pu[branch]).max(initial=0.0)),
            over_limit_pu=float(np.nan_to_num(loading_pu[branch] / limit_pu[branch]).max(initial=0.0)),
            lowest=lowest,
            broken=tuple(name for name, where in found.items() if where.any()),
        )

    def _branches(self, island: Proposal, inside: Bools) -> Bools:
        """Rows of branches within the island: of its sections, and devices that are closed there."""
        network, sections = self.grid.network, self.grid.sections
        found = inside[sections.branch_section]
        for d, device in enumerate(sections.devices):
            found[network.line_row[device.line]] = bool(island.closed >> d & 1)
        return np.asarray(found)


def loads_of(grid: Grid, island: Proposal) -> Bools:
    """Loads that it picks up (load,)."""
    return np.isin(grid.load_unit, island.units)


def names_closed(grid: Grid, island: Proposal) -> tuple[str, ...]:
    return tuple(grid.sections.devices[d].name for d in bits(island.closed))
