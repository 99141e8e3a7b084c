"""A switching plan and what it is worth: minutes by section, customer-minutes, and the proof of every step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.clock import Clock, Operation
from gridstudio.planning.restoration.incident import Incident, happen
from gridstudio.planning.restoration.judge import Judge, State
from gridstudio.planning.restoration.moves import Move

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Certificate:
    """What an exact method proves of its plan: no plan has fewer customer-minutes than ``bound``."""

    status: str  # "optimal", "stopped" (what was allowed is used up), "" for methods that prove nothing
    bound: float = float("nan")
    gap: float = float("nan")  # customer-minutes above the bound


@dataclass(frozen=True, eq=False)
class Plan:
    """Moves against an incident, as found by a method."""

    method: str
    moves: tuple[Move, ...]
    certificate: Certificate = Certificate("")
    power_flows: int = 0  # states that this method had judged
    seconds: float = 0.0

    @property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(operation for move in self.moves for operation in move.operations)


@dataclass(frozen=True, eq=False)
class Timeline:
    """When what happens: minutes from the fault.

    ``done_min``: (operation,); ``restored_min``: when each section is back for good (section,), 0 if it never was
    out; ``moved_min``: minutes that live sections lose while they change feeders (section,).
    """

    done_min: tuple[float, ...]
    restored_min: Floats
    moved_min: Floats

    @property
    def out_min(self) -> Floats:
        """Minutes without supply (section,)."""
        return self.restored_min + self.moved_min


def timeline(incident: Incident, clock: Clock, moves: Sequence[Move]) -> Timeline:
    """The clock of a plan. Sections that are not picked up come back when the faults on their path are repaired."""
    sections = incident.sections
    restored = np.where(sections.members(incident.out), incident.repaired_min, 0.0)
    moved = np.zeros(len(sections))
    hands, done = clock.start, []
    for move in moves:
        before = hands.now_min
        for number, operation in enumerate(move.operations):
            hands = clock.operate(hands, operation.device)
            done.append(hands.now_min)
            if number == 0:
                before = hands.now_min
        picked = sections.members(move.picked_up)
        restored[picked] = np.minimum(restored[picked], hands.now_min)
        moved[sections.members(move.interrupted)] += hands.now_min - before
    return Timeline(tuple(done), restored, moved)


def customer_minutes(incident: Incident, when: Timeline) -> float:
    """Customer-minutes without supply, momentary ones included."""
    return float(incident.sections.customers @ when.out_min)


def states_of(incident: Incident, judge: Judge, plan: Plan) -> list[State]:
    """The state after the trips and after every operation, each solved by a power flow."""
    closed, masks = incident.start, [incident.start]
    for device, close in plan.operations:
        closed = closed | 1 << device if close else closed & ~(1 << device)
        masks.append(closed)
    return judge.states(masks, incident)


class Return(NamedTuple):
    """A step back to the normal state: what is repaired, the operations it takes, and the state afterwards."""

    minute: float
    repaired: tuple[str, ...]
    operations: tuple[Operation, ...]
    state: State


def returns(incident: Incident, judge: Judge, plan: Plan) -> list[Return]:
    """What happens at each repair after a plan, solved: sections whose path is free go back to their normal supply.

    Those that still wait for another repair stay as the plan left them. The operations are made by the repair's crew;
    they take no time of the clock.
    """
    sections, storm = incident.sections, incident.storm
    final = plan.moves[-1].closed if plan.moves else incident.start
    normal, planned = sections.normal_supply.feeder_of, sections.supply(final, incident.blocked).feeder_of
    before, found = final, []
    for minute in sorted({fault.repair_min for fault in storm.faults}):
        feeders = {s: d for s, d in planned.items() if incident.repaired_min[s] > minute}
        feeders |= {s: d for s, d in normal.items() if incident.repaired_min[s] <= minute}
        left = tuple(fault for fault in storm.faults if fault.repair_min > minute)
        untouched = [d for d, ends in enumerate(sections.ends.tolist()) if feeders.keys().isdisjoint(ends)]
        kept = sum(before & 1 << d for d in untouched)  # in what is still dead
        closed = kept | sum(1 << d for d in set(feeders.values()) if d >= 0) if left else sections.normal
        now = happen(sections, replace(storm, faults=left)) if left else replace(incident, start=closed, blocked=0)
        changed = [Operation(d, bool(closed >> d & 1)) for d in bits(before ^ closed)]
        operations = tuple(sorted(changed, key=lambda operation: operation.close))
        repaired = tuple(fault.element for fault in storm.faults if fault.repair_min == minute)
        found.append(Return(minute, repaired, operations, judge.state(closed, now)))
        before = closed
    return found


@dataclass(frozen=True)
class Rules:
    """What a method may do.

    ``emergency_h``: how long emergency ratings hold. ``transfers``: live sections may change feeders, out for the time
    of the switching. ``max_power_flows`` and ``max_nodes`` (states looked at) end an exact search.
    """

    emergency_h: float = 4.0
    transfers: bool = True
    max_power_flows: int = 5000
    max_nodes: int = 20_000


def allows(rules: Rules, incident: Incident, state: State) -> bool:
    """Whether a state may be switched to: no new violation, and emergency ratings only until they run out."""
    return state.allowed and (not state.emergency or incident.horizon_min <= 60.0 * rules.emergency_h)
