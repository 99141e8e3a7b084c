"""Methods behind one interface: crew only, all ties, the best next step."""

import time
from dataclasses import dataclass, replace
from typing import Protocol

from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.clock import Clock, Hands, Operation
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.judge import Judge
from gridstudio.planning.restoration.moves import Move, pickups
from gridstudio.planning.restoration.plan import Certificate, Plan, Rules, allows


@dataclass(frozen=True, eq=False)
class Desk:
    """What every method works with: the judge of states, the clock, and the rules."""

    judge: Judge
    clock: Clock
    rules: Rules


class Method(Protocol):
    """A method proposes moves against an incident; every state it switches to was allowed by the desk's judge."""

    def __call__(self, incident: Incident, desk: Desk) -> tuple[list[Move], Certificate]: ...


def solve(name: str, method: Method, incident: Incident, desk: Desk) -> Plan:
    """The plan of a method, its seconds, and the power flows it needed, whether they were solved before or not."""
    started = time.perf_counter()
    desk.judge.looked_at.clear()
    moves, certificate = method(incident, desk)
    plan = Plan(name, tuple(moves), certificate)
    return replace(plan, power_flows=len(desk.judge.looked_at), seconds=time.perf_counter() - started)


def none(incident: Incident, desk: Desk) -> tuple[list[Move], Certificate]:
    """Nobody switches: all that tripped waits for the repair."""
    return [], Certificate("")


def naive(incident: Incident, desk: Desk) -> tuple[list[Move], Certificate]:
    """Isolates the faults, closes what tripped and then every tie, without asking any limit.

    Shown for what it violates; its loops and overloads are counted by the same judge.
    """
    sections = incident.sections
    fault = [d for s in bits(incident.blocked) for d, _ in sections.around[s]]
    opens = [Operation(d, False) for d in dict.fromkeys(fault) if incident.start >> d & 1]
    ties = [d for d, device in enumerate(sections.devices) if device.normally_open]
    closes = [Operation(d, True) for d in dict.fromkeys([*incident.tripped, *ties]) if d not in fault]
    moves, closed, hands = [], incident.start, desk.clock.start
    for number, operation in enumerate(closes):
        first = opens if number == 0 else []
        for device, _ in (*first, operation):
            hands = desk.clock.operate(hands, device)
        if hands.now_min > incident.switching_ends_min:
            break
        before = sections.supply(closed, incident.blocked).alive
        for device, close in (*first, operation):
            closed = closed | 1 << device if close else closed & ~(1 << device)
        picked = sections.supply(closed, incident.blocked).alive & ~before
        moves.append(Move((*first, operation), closed, picked))
    return moves, Certificate("")


def greedy(incident: Incident, desk: Desk) -> tuple[list[Move], Certificate]:
    """Again and again the allowed pick-up that saves most customer-minutes per operation."""
    closed, hands = incident.start, desk.clock.start
    moves: list[Move] = []
    while True:
        found = best_pickup(incident, desk, closed, hands)
        if found is None:
            return moves, Certificate("")
        move, hands = found
        closed = move.closed
        moves.append(move)


def best_pickup(
    incident: Incident, desk: Desk, closed: int, hands: Hands, within: int = -1
) -> tuple[Move, Hands] | None:
    """The allowed pick-up that saves most customer-minutes per operation, and the clock after it.

    ``within``: only of these sections (bit mask).
    """
    sections = incident.sections
    alive = sections.supply(closed, incident.blocked).alive
    ranked, through = [], []
    for number, move in enumerate(pickups(incident, closed, alive)):
        after = run(desk.clock, hands, move)
        if after.now_min > incident.switching_ends_min:
            continue
        gain = saved(incident, move, after.now_min) if move.picked_up & within else 0.0
        if gain > 0:
            ranked.append((-gain / len(move.operations), number, move, after))
        elif not move.picked_up & incident.out:
            through.append((move, after))
    for _, _, move, after in sorted(ranked, key=lambda item: item[:2]):
        if allows(desk.rules, incident, desk.judge.state(move.closed, incident)):
            return move, after
    return _through_spare(incident, desk, through, within)


def _through_spare(
    incident: Incident, desk: Desk, through: list[tuple[Move, Hands]], within: int
) -> tuple[Move, Hands] | None:
    """The first allowed way into a part that is dead even normally, from which somebody can be picked up."""
    for move, after in through:
        alive = incident.sections.supply(move.closed, incident.blocked).alive
        onward = [
            beyond
            for beyond in pickups(incident, move.closed, alive)
            if beyond.picked_up & within
            and (then := run(desk.clock, after, beyond).now_min) <= incident.switching_ends_min
            and saved(incident, beyond, then) > 0
        ]
        masks = [move.closed, *(beyond.closed for beyond in onward)]
        allowed = (
            [allows(desk.rules, incident, state) for state in desk.judge.states(masks, incident)] if onward else []
        )
        if any(allowed[1:]) and allowed[0]:
            return move, after
    return None


def run(clock: Clock, hands: Hands, move: Move) -> Hands:
    """The clock after a move."""
    for operation in move.operations:
        hands = clock.operate(hands, operation.device)
    return hands


def saved(incident: Incident, move: Move, done_min: float) -> float:
    """Customer-minutes that a pick-up done at ``done_min`` saves against waiting for the repair."""
    sections = incident.sections
    return sum(
        float(sections.customers[s]) * max(0.0, float(incident.repaired_min[s]) - done_min)
        for s in bits(move.picked_up)
    )
