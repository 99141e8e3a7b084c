"""What the parts of the resilience job hand to each other: the grid, the storms, the sites, the plan and what is lost.

The prioritised load lost of one storm is Q = sum over loads and phases of w * (1 - s) * P [weighted kW], w the load's
weight and s whether it is picked up. A storm makes lines fail; a failed line puts its section out of service until it
is repaired, for nothing within a section isolates the fault. Weights of 1 everywhere make Q plain kW.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Network
from gridstudio.domain.sections import Sections
from gridstudio.engine import Feeder

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Grid:
    """The feeder as the storm sees it; rows of ``load_*`` follow ``network.loads``, of ``line_*`` ``line_names``.

    ``sections``: built with all devices, candidate switches among them; its ``ends`` (device, 2) are the edges of the
    section graph, ``may_feed`` says whether a device brings all phases, ``sources`` are the substation's sections.
    ``optional``: (device,) candidate switches: without one its two ends are one section (a fault on either side puts
    both out of service, and both live and die together). ``device_usd``: (device,) price of a candidate switch, 0 of
    those that exist.
    ``load_unit``: what is picked up together, or not at all; a unit lies within one section (``unit_section``).
    ``line_hits``: (line, section) the sections that a fault on the line puts out of service. Only lines with a length
    and no switch are exposed to wind, and only they stand here.
    """

    feeder: Feeder
    network: Network
    sections: Sections
    limits: Limits
    load_names: tuple[str, ...]
    load_kw: Floats  # (load, 3) by phase
    load_kvar: Floats  # (load, 3)
    load_weight: Floats  # (load,)
    load_critical: Bools  # (load,)
    load_section: Ints  # (load,)
    load_unit: Ints  # (load,)
    unit_names: tuple[str, ...]
    unit_section: Ints  # (unit,)
    line_names: tuple[str, ...]
    line_length_m: Floats
    line_underground: Bools
    line_hits: Bools
    line_hardenable: Bools  # (line,) candidates for hardening
    line_usd: Floats  # (line,) price of hardening it
    optional: Bools
    device_usd: Floats

    @cached_property
    def load_weighted_kw(self) -> Floats:
        """w * P of every load, all phases (load,)."""
        return np.asarray(self.load_weight * self.load_kw.sum(axis=1))

    @cached_property
    def unit_weighted_kw(self) -> Floats:
        """w * P of every unit (unit,)."""
        return np.bincount(self.load_unit, self.load_weighted_kw, len(self.unit_names)).astype(np.float64)

    @cached_property
    def section_weighted_kw(self) -> Floats:
        """w * P of every section (section,)."""
        return np.bincount(self.load_section, self.load_weighted_kw, len(self.sections)).astype(np.float64)

    @property
    def total_weighted_kw(self) -> float:
        return float(self.load_weighted_kw.sum())


@dataclass(frozen=True, eq=False)
class Storms:
    """Storms drawn, or the few of them that stand for all; rows (storm,).

    ``failed`` (storm, line): lines that fail as they stand; ``failed_hardened``: that would fail although hardened, a
    part of ``failed``. Each line has its own random number in each storm, so hardening a line changes only this line.
    ``stratum``: number of the wind profile's stratum.
    """

    names: tuple[str, ...]
    probability: Floats  # sum 1
    wind_m_s: Floats
    stratum: Ints
    failed: Bools
    failed_hardened: Bools

    def __len__(self) -> int:
        return len(self.names)

    def lines_out(self, hardened: Bools) -> Bools:
        """Lines that fail (storm, line) where ``hardened`` (line,) are hardened."""
        return np.where(hardened, self.failed_hardened, self.failed)

    def sections_out(self, grid: Grid, hardened: Bools | None = None) -> Bools:
        """Sections with a fault (storm, section); candidate switches count as present."""
        lines = self.failed if hardened is None else self.lines_out(hardened)
        found: Bools = np.asarray(lines.astype(np.float32) @ grid.line_hits.astype(np.float32) > 0)
        return found

    def take(self, rows: Ints, probability: Floats) -> "Storms":
        """Some of them, with other probabilities."""
        return replace(
            self,
            names=tuple(self.names[row] for row in rows),
            probability=probability,
            wind_m_s=self.wind_m_s[rows],
            stratum=self.stratum[rows],
            failed=self.failed[rows],
            failed_hardened=self.failed_hardened[rows],
        )


@dataclass(frozen=True, eq=False)
class Sites:
    """Candidate buses for grid-forming sources, each with a voltage source of the circuit that is declared open.

    ``source``: row of ``network.source_elements``; ``max_kw``: beta_max; ``kva_per_kw``: rating of the inverter over
    its kW; ``fixed_kw`` counts towards the budget for opening a site at all (0: the paper's cost model, size alone).
    """

    names: tuple[str, ...]
    buses: tuple[str, ...]
    source: Ints  # (site,)
    section: Ints  # (site,)
    phases: Bools  # (site, 3)
    max_kw: Floats
    kva_per_kw: Floats
    fixed_kw: Floats

    def __len__(self) -> int:
        return len(self.names)

    def first(self, count: int) -> "Sites":
        """The first so many of the study's order."""
        return Sites(
            self.names[:count],
            self.buses[:count],
            self.source[:count],
            self.section[:count],
            self.phases[:count],
            self.max_kw[:count],
            self.kva_per_kw[:count],
            self.fixed_kw[:count],
        )


@dataclass(frozen=True)
class Risk:
    """(1 - lambda_) E[Q] + lambda_ CVaR_alpha(Q)."""

    lambda_: float
    alpha: float


@dataclass(frozen=True)
class Budget:
    """``kw``: sum of beta and of fixed_kw of the sites taken; ``usd``: hardening and added switches."""

    kw: float
    usd: float = 0.0


@dataclass(frozen=True)
class Effort:
    """When the solver stops: relative gap or seconds; ``check_rounds``: rounds of program and power flow at most."""

    gap: float = 0.01
    seconds: float = 120.0
    check_rounds: int = 10


@dataclass(frozen=True, eq=False)
class Problem:
    """One program: everything but the solver."""

    grid: Grid
    sites: Sites
    storms: Storms
    budget: Budget
    risk: Risk


@dataclass(frozen=True, eq=False)
class Plan:
    """First stage: what is built."""

    delta: Bools  # (site,)
    beta_kw: Floats  # (site,)
    hardened: Bools  # (line,)
    added: Bools  # (device,) candidate switches that are built


def no_plan(grid: Grid, sites: Sites) -> Plan:
    """Nothing is built."""
    count, lines, devices = len(sites), len(grid.line_names), len(grid.optional)
    return Plan(np.zeros(count, bool), np.zeros(count), np.zeros(lines, bool), np.zeros(devices, bool))


@dataclass(frozen=True)
class Solution:
    """What the solver says of a program: the plan only if ``status`` is "optimal" or "feasible" (stopped early).

    ``stopped_by_clock``: whether a deadline, not the gap or a count, ended any search so far: only then may another
    machine find another plan or bound.
    """

    plan: Plan | None
    status: str
    objective: float  # weighted kW, by the program; NaN without a plan
    bound: float  # no plan of the program can be below
    gap: float  # (objective - bound) / objective
    seconds: float
    binaries: int
    rows: int
    q: Floats  # (storm,) by the program
    stopped_by_clock: bool = False


@dataclass(frozen=True)
class Island:
    """One island of one storm as OpenDSS solved it. ``source``: the site's name, or "substation"."""

    storm: int
    source: str
    sections: tuple[int, ...]
    closed: tuple[str, ...]  # devices that are closed within
    served_kw: float  # by the power flow
    nominal_kw: float  # published kW of the loads picked up
    weighted_kw: float  # w * P of the loads picked up
    critical_kw: float  # P of the critical ones among them
    source_kw: float
    source_kva: float
    rated_kw: float  # beta; inf for the substation
    v_min_pu: float
    v_max_pu: float
    loading_max_pu: float
    feasible: bool  # always true for what is reported; false rows are those that were cut off


@dataclass(frozen=True, eq=False)
class Served:
    """Second stage of a plan over storms after the power-flow check; storms of equal fault pattern are solved once.

    ``q``: (storm,) weighted kW lost; ``unit_on``: (storm, unit); ``critical_kw``: (storm,) critical load picked up;
    ``islands``: those of every storm; ``refused``: islands that the power flow did not allow; ``patterns``: how many
    different cases were solved; ``power_flows``, ``not_converged``: counts.
    """

    q: Floats
    unit_on: Bools
    critical_kw: Floats
    islands: tuple[Island, ...]
    refused: tuple[Island, ...]
    patterns: int
    power_flows: int
    not_converged: int


@dataclass(frozen=True, eq=False)
class Checked:
    """The end of the loop of program and power flow: the plan, its solution, and what it serves by OpenDSS.

    ``solution``: the end state of all ``rounds`` together. Its plan's ``objective`` and ``q`` are those after the
    power-flow check, its ``bound`` as far as it was raised between and after the rounds, ``gap`` and ``status`` by
    these two; ``seconds`` of all programs and of the bound (power flows aside); ``binaries`` and ``rows`` of the last
    program. ``rounds``: the programs one by one, each with the bound that was known then. ``plan``: the solution's
    without sources that serve nothing in any storm. ``served.refused``: islands cut off in any round,
    ``cut`` their number.
    """

    plan: Plan
    solution: Solution
    served: Served
    rounds: tuple[Solution, ...]
    cut: int
