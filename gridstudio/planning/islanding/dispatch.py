"""An island hour by hour: PV to charge or to curtail, loads to keep, and what is left in the storage.

The functions are generators: they yield the power flows they need and are sent the answers, so that ``drive`` can
solve those of all zones and start hours together. What they decide depends on nothing but their arguments.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.islanding.island import TOLERANCE, Flow, Judge, Request, all_on, flipped
from gridstudio.planning.islanding.settings import HOURS, Islands
from gridstudio.planning.islanding.shedding import LinearModel, Selection, objectives, select, worth
from gridstudio.planning.islanding.zones import Zone

Floats = NDArray[np.float64]
T = TypeVar("T")
Steps = Generator[list[Request], list[Flow], T]
PV_ROUNDS = 8  # power flows to find how far PV elements are curtailed
ROUNDS = 40  # selections tried for one hour
REFUSED_BEFORE_NEW_EFFECTS = 3
SPARE = 1e-4  # of the inverter's rating: what PV is curtailed beyond need, so that its rounds come to an end


@dataclass(frozen=True, eq=False)
class State:
    """A solved hour: selection, power flow, and how storage and PV share the source's power.

    storage_kw: positive discharging. pv_kw: used, of elements and behind the inverter; curtailed_kw: not used, of which
    held_back_kw by PV elements.
    """

    kept: Selection
    flow: Flow
    sun: float
    storage_kw: float
    pv_kw: float
    curtailed_kw: float
    held_back_kw: float


@dataclass(frozen=True, eq=False)
class Choice:
    """What is kept in an hour; ``state`` None: the zone is dark. ``full``: all loads connected, and ``broken`` what
    that breaks (empty: nothing is shed). ``proven``: the selection is the optimum of its linear model."""

    full: State
    broken: tuple[str, ...]
    state: State | None
    proven: bool


@dataclass(frozen=True, eq=False)
class Hour:
    """One row of the trace; ``soc_kwh`` at its end."""

    step: int
    hour: int
    demand_kw: float
    choice: Choice | None  # None: dark, nothing was asked
    soc_kwh: float
    violations: int = 0  # kinds of limits that the served state breaks

    @property
    def state(self) -> State | None:
        return self.choice.state if self.choice else None


@dataclass(frozen=True, eq=False)
class Trajectory:
    """An island from its start hour on. ``hours_all_load``: until the first load has to be shed, the last hour by the
    share of it that the storage covers; ``binding``: what ended that."""

    zone: int
    start_hour: int
    hours: tuple[Hour, ...]
    hours_all_load: float
    binding: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Dispatcher:
    """One zone with its limits; remembers what it chose for the same hour and the same storage."""

    number: int
    zone: Zone
    judge: Judge
    rules: Islands
    _chosen: dict[tuple[int, float, float | None], Choice] = field(default_factory=dict)

    def follow(self, start_hour: int) -> Steps[Trajectory]:
        """The island from ``start_hour`` on."""
        given = self.zone.given
        energy, reserve = given.initial_soc * given.storage_kwh, given.reserve_soc * given.storage_kwh
        hours: list[Hour] = []
        binding: tuple[str, ...] = ()
        all_load, dark = 0.0, False
        for step in range(self.rules.hours):
            hour = (start_hour + step) % HOURS
            demand_kw = float(self.zone.kw[:, hour].sum())
            if dark and not self.rules.restart:
                hours.append(Hour(step, hour, demand_kw, None, energy))
                continue
            discharge_kw = min(given.storage_kw, max(0.0, energy - reserve) * given.discharge_efficiency)
            charge_kw = min(given.storage_kw, max(0.0, given.storage_kwh - energy) / given.charge_efficiency)
            choice = yield from self.choose(hour, discharge_kw, charge_kw)
            if choice.state and not any(choice.state.kept) and not self.rules.restart:
                choice = replace(choice, state=None)
            if not binding:
                all_load += 1.0 if not choice.broken else _share_of_hour(choice, discharge_kw)
                binding = choice.broken
            if choice.state is not None:
                power = choice.state.storage_kw
                energy -= power / given.discharge_efficiency if power > 0 else power * given.charge_efficiency
                energy = min(max(energy, 0.0), given.storage_kwh)
            dark = choice.state is None
            violations = len(self._broken(choice.state, discharge_kw)) if choice.state else 0
            hours.append(Hour(step, hour, demand_kw, choice, energy, violations))
        return Trajectory(self.number, start_hour, tuple(hours), all_load, binding)

    def choose(self, hour: int, discharge_kw: float, charge_kw: float) -> Steps[Choice]:
        """What the island keeps in an hour in which its storage may give and take so much."""
        known = self._chosen.get((hour, discharge_kw, charge_kw)) or self._chosen.get((hour, discharge_kw, None))
        if known:
            return known
        full = yield from self._settled(hour, all_on(self.zone), charge_kw)
        broken, tried = self._broken(full, discharge_kw), [full]
        if broken:
            state, proven = yield from self._shed(hour, discharge_kw, charge_kw, tried)
            choice = Choice(full, broken, state, proven)
        else:
            choice = Choice(full, (), full, True)
        # where nothing that was tried charges, the choice is the same whatever the storage could take
        needed = None if all(s.storage_kw >= 0 and s.curtailed_kw <= TOLERANCE for s in tried) else charge_kw
        return self._chosen.setdefault((hour, discharge_kw, needed), choice)

    def _broken(self, state: State, discharge_kw: float) -> tuple[str, ...]:
        found = self.judge.network_broken(state.flow)
        if state.flow.converged and state.storage_kw > self.zone.given.storage_kw + TOLERANCE:
            found.insert(0, "storage_kw")
        elif state.flow.converged and state.storage_kw > discharge_kw + TOLERANCE:
            found.insert(0, "energy")
        return tuple(found)

    def _settled(self, hour: int, kept: Selection, charge_kw: float) -> Steps[State]:
        """The hour with PV curtailed as far as the storage and the inverter cannot take its surplus."""
        zone = self.zone
        sun = float(zone.solar[hour]) if zone.pv_elements else 0.0
        (flow,) = yield [Request(self.number, hour, kept, sun)]
        first_kw = flow.generation_kw
        for _ in range(PV_ROUNDS):
            rated = np.sqrt(max(0.0, zone.given.inverter_kva**2 - flow.source_kvar**2))
            excess_kw = -min(charge_kw, rated) - flow.source_kw
            if not flow.converged or excess_kw <= TOLERANCE or flow.generation_kw <= 0 or sun == 0:
                break
            left = 1.0 - (excess_kw + SPARE * zone.given.inverter_kva) / flow.generation_kw
            sun = sun * left if left > 0 else 0.0
            (flow,) = yield [Request(self.number, hour, kept, sun)]
        behind_kw = zone.given.pv_kw * float(zone.solar[hour])
        storage_kw = max(flow.source_kw - behind_kw, min(-charge_kw, flow.source_kw))
        used_kw = flow.source_kw - storage_kw
        held_back_kw = max(0.0, first_kw - flow.generation_kw)
        curtailed_kw = held_back_kw + behind_kw - used_kw
        return State(kept, flow, sun, storage_kw, flow.generation_kw + used_kw, curtailed_kw, held_back_kw)

    # -- shedding -------------------------------------------------------------

    def _shed(
        self, hour: int, discharge_kw: float, charge_kw: float, tried: list[State]
    ) -> Steps[tuple[State | None, bool]]:
        """The best selection that its own power flow confirms, and whether it is proven best.

        Optimise over the linear model, solve what it proposes, correct the model there; until it proposes nothing
        better than what was confirmed. ``tried``: all loads connected; every state that is solved is added.
        """
        full = tried[0]
        kw = self.zone.kw[:, hour]
        goals = objectives(self.zone.customers if self.rules.maximise == "customers" else kw, self.zone.priority, kw)
        refused: list[Selection] = [full.kept]
        best: State | None = None
        effect = yield from self._effects(hour, full)
        model = self._model(hour, full, effect, discharge_kw)
        for _ in range(ROUNDS):
            proposal = select(model, goals, refused)
            if proposal is None or (best and worth(goals, proposal) <= worth(goals, best.kept)):
                return best, True
            state = yield from self._settled(hour, proposal, charge_kw)
            tried.append(state)
            if self._broken(state, discharge_kw):
                refused.append(proposal)
                if len(refused) % REFUSED_BEFORE_NEW_EFFECTS == 0:
                    effect = yield from self._effects(hour, state)
                model = self._model(hour, state, effect, discharge_kw)
                continue
            best, before = state, model
            model = self._model(hour, state, effect, discharge_kw)
            if model.within(before):  # tighter than what it was the best of: it still is
                return best, True
        if best is None:
            best = yield from self._peeled(hour, discharge_kw, charge_kw, tried)
        return best, False

    def _effects(self, hour: int, state: State) -> Steps[Floats]:
        """What each load adds to each limit's value, (limit, load): one power flow per load."""
        loads = range(len(self.zone.load))
        requests = [Request(self.number, hour, flipped(state.kept, load), state.sun) for load in loads]
        flows = yield requests
        here, _ = self.judge.rows(state.flow)
        columns = []
        for load, flow in zip(loads, flows, strict=True):
            if flow.converged and state.flow.converged:
                there, _ = self.judge.rows(flow)
                columns.append(here - there if state.kept[load] else there - here)
            else:  # the power that it draws is all that is known
                columns.append(np.where(np.arange(len(here)) == 0, self.zone.kw[load, hour], 0.0))
        return np.array(columns).T

    def _model(self, hour: int, state: State, effect: Floats, discharge_kw: float) -> LinearModel:
        """Equation (1) at a solved selection: its source's kW and whatever some selection may break."""
        value, bound = self.judge.rows(state.flow)
        x0 = np.array(state.kept, dtype=float)
        bound[0] = discharge_kw + self.zone.given.pv_kw * float(self.zone.solar[hour])
        value[0] -= state.held_back_kw  # more load would call it up
        if not state.flow.converged:
            value[0] = float(effect[0] @ x0) - self.zone.pv_element_kw * state.sun
            value[1:] = 0.0
            bound[1:] = np.inf
        return LinearModel(effect, bound - value + effect @ x0)

    def _peeled(self, hour: int, discharge_kw: float, charge_kw: float, tried: list[State]) -> Steps[State | None]:
        """Loads taken off one by one, the least important and largest first, until the rest fits; None if none does."""
        order = np.lexsort((-self.zone.kw[:, hour], -self.zone.priority))
        kept = tried[0].kept
        for load in order:
            kept = flipped(kept, int(load))
            state = yield from self._settled(hour, kept, charge_kw)
            tried.append(state)
            if not self._broken(state, discharge_kw):
                return state
        return None


def _share_of_hour(choice: Choice, discharge_kw: float) -> float:
    """How much of an hour the storage carries all loads, where energy is all that lacks."""
    if choice.broken != ("energy",):
        return 0.0
    return discharge_kw / choice.full.storage_kw


def drive(tasks: Sequence[Steps[Any]], solve: Callable[[list[Request]], list[Flow]]) -> list[Any]:
    """Run tasks side by side: the power flows that they wait for are solved together, each once."""
    known: dict[Request, Flow] = {}
    results: dict[int, Any] = {}
    waiting: dict[int, list[Request]] = {}

    def go_on(number: int, answer: list[Flow] | None) -> None:
        try:
            waiting[number] = tasks[number].send(answer) if answer is not None else next(tasks[number])
        except StopIteration as done:
            results[number] = done.value

    for number in range(len(tasks)):
        go_on(number, None)
    while waiting:
        asked = dict.fromkeys(request for requests in waiting.values() for request in requests)
        new = [request for request in asked if request not in known]
        known.update(zip(new, solve(new), strict=True) if new else ())
        for number, requests in list(waiting.items()):
            del waiting[number]
            go_on(number, [known[request] for request in requests])
    return [results[number] for number in range(len(tasks))]
