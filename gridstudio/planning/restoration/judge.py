"""Whether a state of the devices is allowed: one power flow per state, solved once and remembered.

Judged are the nodes and branches of the sections that the state feeds. What was broken in the normal state or right
after the trips, and is no worse now, is not held against a switching action.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import ChangeSet, SetSwitch
from gridstudio.domain.limits import Limits
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.domain.sections import Sections
from gridstudio.planning.phases import Phases
from gridstudio.planning.restoration.incident import Incident

WORSE_V_PU = 1e-3  # a voltage that is less than this beyond what it was before is no worse
WORSE_LOADING_PU = 1e-2

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Multipliers = tuple[float, ...]  # of the load, by section; empty: 1 everywhere


@dataclass(frozen=True, eq=False)
class Flow:
    """What was solved: voltages (node,) and loadings of the normal rating (branch,)."""

    converged: bool
    v_pu: Floats
    loading_pu: Floats
    served_kw: float


@dataclass(frozen=True, eq=False)
class State:
    """A judged state: what it feeds, and the violations that neither the normal state nor the trips explain."""

    closed: int
    alive: int  # sections, bit mask
    closing: tuple[int, ...]  # devices that close a loop or join two sources
    feeds_fault: bool
    flow: Flow
    low: Flags  # (node,)
    high: Flags
    dead: Flags
    over: Flags  # (branch,) above the emergency rating
    strained: Flags  # (branch,) above the normal rating, within the emergency rating

    @property
    def broken(self) -> int:
        """How many violations: voltages, dead nodes, overloads, loops, a fed fault, no convergence."""
        limits = self.low.sum() + self.high.sum() + self.dead.sum() + self.over.sum()
        return int(limits) + len(self.closing) + int(self.feeds_fault) + int(not self.flow.converged)

    @property
    def allowed(self) -> bool:
        return self.broken == 0

    @property
    def emergency(self) -> bool:
        """Whether it needs emergency ratings, which hold for limited hours."""
        return bool(self.strained.any())


@dataclass(eq=False)
class Judge:
    """Solves states of the devices, each once, and judges them.

    ``limits``: voltages of an emergency (ANSI C84.1 Range B), normal loading, and what emergency ratings allow as a
    multiple of the normal rating. ``generation_scale`` of PV and generators; 0: what tripped stays off.
    """

    phases: Phases
    sections: Sections
    limits: Limits
    generation_scale: float = 0.0
    phase: str = "states"
    asked: int = 0
    looked_at: set[tuple[int, int, int, float, Multipliers]] = field(default_factory=set)  # since somebody cleared it
    _flows: dict[tuple[int, float, Multipliers], Flow] = field(default_factory=dict)
    _states: dict[tuple[int, int, int, float, Multipliers], State] = field(default_factory=dict)
    _references: dict[tuple[int, int, float], tuple[Floats, Floats, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        network, limits = self.sections.network, self.limits
        is_line = (network.branches["kind"] == "line").to_numpy()
        self.normal_pu = np.where(is_line, limits.loading_max_pu, limits.transformer_loading_max_pu)
        self._bus = network.nodes["bus"].to_numpy()
        self._element = network.branches["element"].to_numpy()

    @property
    def power_flows(self) -> int:
        """States solved so far."""
        return len(self._flows)

    def state(self, closed: int, incident: Incident, multipliers: Multipliers = ()) -> State:
        """The judged state, from memory where it was solved before."""
        return self.states([closed], incident, multipliers)[0]

    def states(self, closed: Sequence[int], incident: Incident, multipliers: Multipliers = ()) -> list[State]:
        """Several states at once: those that are new are solved together."""
        scale = incident.storm.load_scale
        self.asked += len(closed)
        keys = [(mask, incident.start, incident.blocked, scale, multipliers) for mask in closed]
        self.looked_at.update(keys)
        if fresh := [key for key in dict.fromkeys(keys) if key not in self._states]:
            before = self._reference(incident)
            flows = self._solve([key[0] for key in fresh], scale, multipliers)
            for key, flow in zip(fresh, flows, strict=True):
                self._states[key] = self._judged(key[0], incident, flow, before)
        return [self._states[key] for key in keys]

    def changes(self, closed: int) -> ChangeSet:
        """The devices as changes of the model, in a fixed order."""
        return ChangeSet(
            tuple(SetSwitch(device.line, bool(closed >> d & 1)) for d, device in enumerate(self.sections.devices)),
            f"devices {closed:x}",
        )

    def lowest(self, state: State) -> tuple[float, str]:
        """The lowest voltage of the live part [pu], and its bus."""
        live = np.where(self._live_nodes(state.alive), state.flow.v_pu, np.nan)
        row = int(np.nanargmin(live)) if np.isfinite(live).any() else -1
        return (float(live[row]), str(self._bus[row])) if row >= 0 else (float("nan"), "")

    def highest_loading(self, state: State) -> tuple[float, str]:
        """The highest loading of the live part [pu of the normal rating], and its element."""
        live = np.where(self._live_branches(state.alive), state.flow.loading_pu, np.nan)
        row = int(np.nanargmax(live)) if np.isfinite(live).any() else -1
        return (float(live[row]), str(self._element[row])) if row >= 0 else (float("nan"), "")

    def _solve(self, closed: Sequence[int], scale: float, multipliers: Multipliers) -> list[Flow]:
        keys = [(self._effective(mask), scale, multipliers) for mask in closed]
        if fresh := [key for key in dict.fromkeys(keys) if key not in self._flows]:
            scenario = self._scenario(scale, multipliers)
            done = self.phases.evaluate(self.phase, [(self.changes(key[0]), scenario) for key in fresh])
            for key, one in zip(fresh, done, strict=True):
                self._flows[key] = Flow(
                    converged=bool(one.flow.converged[0]),
                    v_pu=one.flow.v_pu[0],
                    loading_pu=one.loading_pu[0],
                    served_kw=float(one.flow.served_kw[0]),
                )
        return [self._flows[key] for key in keys]

    def _effective(self, closed: int) -> int:
        """The state with the devices of the dead part open: the live part has the same power flow."""
        alive, kept = self.sections.supply(closed).alive, 0
        for d, (a, b) in enumerate(self.sections.ends.tolist()):
            if closed >> d & 1 and (alive >> a & 1 or alive >> b & 1):
                kept |= 1 << d
        return kept

    def _scenario(self, scale: float, multipliers: Multipliers) -> Scenario:
        groups = tuple(
            LoadGroup(self.sections.loads[s], (scale * factor,))
            for s, factor in enumerate(multipliers)
            if factor != 1.0 and self.sections.loads[s]
        )
        return Scenario("state", (scale,), groups, (self.generation_scale,))

    def _reference(self, incident: Incident) -> tuple[Floats, Floats, Floats]:
        """Lowest and highest voltage (node,) and highest loading (branch,) of the normal state and after the trips."""
        scale = incident.storm.load_scale
        key = (incident.start, incident.blocked, scale)
        if key not in self._references:
            normal, tripped = self._solve([self.sections.normal, incident.start], scale, ())
            alive = self.sections.supply(incident.start, incident.blocked).alive
            node, branch = self._live_nodes(alive), self._live_branches(alive)
            self._references[key] = (
                np.where(node, np.fmin(normal.v_pu, tripped.v_pu), normal.v_pu),
                np.where(node, np.fmax(normal.v_pu, tripped.v_pu), normal.v_pu),
                np.where(branch, np.fmax(normal.loading_pu, tripped.loading_pu), normal.loading_pu),
            )
        return self._references[key]

    def _judged(self, closed: int, incident: Incident, flow: Flow, before: tuple[Floats, Floats, Floats]) -> State:
        supply, limits = self.sections.supply(closed, incident.blocked), self.limits
        node, branch = self._live_nodes(supply.alive), self._live_branches(supply.alive)
        v_pu, loading, (low_before, high_before, loading_before) = flow.v_pu, flow.loading_pu, before
        dead = node & (v_pu < limits.dead_pu)
        beyond_normal = branch & (loading > np.fmax(self.normal_pu, loading_before + WORSE_LOADING_PU))
        emergency_pu = self.normal_pu * limits.emergency_loading_max_pu
        over = beyond_normal & (loading > emergency_pu)
        return State(
            closed=closed,
            alive=supply.alive,
            closing=supply.closing,
            feeds_fault=bool(supply.alive & incident.blocked),
            flow=flow,
            low=node & ~dead & (v_pu < np.fmin(limits.v_min_pu, low_before - WORSE_V_PU)),
            high=node & (v_pu > np.fmax(limits.v_max_pu, high_before + WORSE_V_PU)),
            dead=dead,
            over=over,
            strained=beyond_normal & ~over,
        )

    def _live_nodes(self, alive: int) -> Flags:
        return self.sections.members(alive)[self.sections.node_section] & self.sections.needed

    def _live_branches(self, alive: int) -> Flags:
        return self.sections.members(alive)[self.sections.branch_section]
