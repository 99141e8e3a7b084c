"""The plan of fewest customer-minutes, with a proof: best-first search over switching orders.

A node is a state of the devices and the clock; its bound takes every section that a path without fault could reach
as back after one more closing. Nodes are solved by a power flow only when the search comes to them: what is cheaper
than the best plan so far. The search ends when no node's bound is below it.

The plans searched are all sequences of pick-ups, of moves of live sections, and of operations ahead of their pick-up,
whose every state is allowed. Ahead: a device between dead sections is operated before it must be. That helps only where
crews are involved: a remote operation is worth its minute while a crew is awaited, a manual one may send a crew sooner.
Where no crew is awaited, dead parts are picked up one after the other, not joined first.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.clock import Hands, Operation
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk, run
from gridstudio.planning.restoration.moves import MOST_GROUPS, Move, pickups, transfers
from gridstudio.planning.restoration.plan import Certificate, allows

TOLERANCE = 1e-9


class Node(NamedTuple):
    """A state reached: customer-minutes settled so far, the clock, and how it was reached."""

    closed: int
    alive: int
    settled: float  # customer-minutes of those who are back, and of those moved
    hands: Hands
    moves: tuple[Move, ...]
    ahead: tuple[float, int] | None = None  # remote operations ahead that no crew was awaited for yet: since, the last


def exact(incident: Incident, desk: Desk) -> tuple[list[Move], Certificate]:
    """Fewest customer-minutes; "stopped" with bound and gap when the power flows allowed are used up."""
    search = _Search(incident, desk)
    return search.run()


class _Search:
    def __init__(self, incident: Incident, desk: Desk):
        self.incident, self.desk = incident, desk
        sections = incident.sections
        self.customers = sections.customers.tolist()
        self.repaired = incident.repaired_min.tolist()
        self.shortest = min((device.operating_min for device in sections.devices), default=0.0)
        self.queue: list[tuple[float, int, Node | None, Node]] = []  # bound, number, parent, node
        self.numbers = itertools.count()
        self.reached: dict[int, list[tuple[float, Hands]]] = {}
        self.unseen = float("inf")  # no plan that was left out, as one of too many, has fewer customer-minutes

    def run(self) -> tuple[list[Move], Certificate]:
        incident, judge = self.incident, self.desk.judge
        flows = judge.power_flows
        alive = incident.sections.supply(incident.start, incident.blocked).alive
        root = Node(incident.start, alive, 0.0, self.desk.clock.start, ())
        best, best_cost = root, self.stopping(root)
        self.push(None, root)
        while self.queue:
            bound, _, parent, node = heapq.heappop(self.queue)
            if bound >= best_cost - TOLERANCE:
                break
            if judge.power_flows - flows >= self.desk.rules.max_power_flows:
                bound = min(bound, self.unseen)
                return list(best.moves), Certificate("stopped", bound, best_cost - bound)
            if self.dominated(node) or (parent is not None and not self.allowed(parent, node)):
                continue
            self.reached.setdefault(node.closed, []).append((node.settled, node.hands))
            if (cost := self.stopping(node)) < best_cost - TOLERANCE:
                best, best_cost = node, cost
            for move in self.moves(node):
                if (reached := self.after(node, move)) is not None:
                    self.push(node, reached)
        if self.unseen < best_cost - TOLERANCE:
            return list(best.moves), Certificate("stopped", self.unseen, best_cost - self.unseen)
        return list(best.moves), Certificate("optimal", best_cost, 0.0)

    def push(self, parent: Node | None, node: Node) -> None:
        heapq.heappush(self.queue, (self.bound(node), next(self.numbers), parent, node))

    def moves(self, node: Node) -> list[Move]:
        found = list(pickups(self.incident, node.closed, node.alive))
        behind = Counter(move.operations[-1].device for move in found)
        if max(behind.values(), default=0) >= MOST_GROUPS:
            self.unseen = min(self.unseen, self.bound(node))
        if self.out(node):
            found += self.ahead(node)
            if self.desk.rules.transfers:
                supply = self.incident.sections.supply(node.closed, self.incident.blocked)
                found += transfers(self.incident, node.closed, node.alive, supply.feeder_of)
        return found

    def ahead(self, node: Node) -> Iterator[Move]:
        """Operations on devices at dead sections that may get supply; remote ones only while a crew is awaited."""
        sections, reachable = self.incident.sections, self.reachable(node)
        near = {d for s in bits(reachable) for d, _ in sections.around[s]}
        awaited = any(self.awaited(node.hands, node.hands.now_min, d) for d in near)
        for d in sorted(near):
            a, b = sections.ends[d].tolist()
            alive, inside = (node.alive >> a | node.alive >> b) & 1, reachable >> a & reachable >> b & 1
            if alive or not (node.closed >> d & 1 or inside):
                continue
            if not sections.devices[d].remote or (awaited and (node.ahead is None or d > node.ahead[1])):
                yield Move((Operation(d, not node.closed >> d & 1),), node.closed ^ 1 << d, 0)

    def awaited(self, hands: Hands, since_min: float, device: int) -> bool:
        """Whether the next crew free reaches a manual device only after ``since_min``."""
        named = self.incident.sections.devices[device]
        return not named.remote and hands.crews_free_min[0] + named.travel_min > since_min

    def after(self, node: Node, move: Move) -> Node | None:
        """The node that a move leads to; None if remote operations ahead of it used no time of waiting for a crew."""
        first = self.desk.clock.operate(node.hands, move.operations[0].device)
        hands = run(self.desk.clock, node.hands, move)
        ahead = None
        if not (move.picked_up or move.interrupted) and self.incident.sections.devices[move.operations[0].device].remote:
            ahead = (node.ahead[0] if node.ahead else node.hands.now_min, move.operations[0].device)
        elif node.ahead is not None:
            crews = [o.device for o in move.operations if not self.incident.sections.devices[o.device].remote]
            if not crews or not self.awaited(node.hands, node.ahead[0], crews[0]):
                return None
        settled = node.settled
        for s in bits(move.picked_up):
            settled += self.customers[s] * min(hands.now_min, self.repaired[s])
        for s in bits(move.interrupted):
            settled += self.customers[s] * (hands.now_min - first.now_min)
        return Node(move.closed, node.alive | move.picked_up, settled, hands, (*node.moves, move), ahead)

    def allowed(self, parent: Node, node: Node) -> bool:
        """The state, and where live sections are moved also the one between, are solved and allowed."""
        incident, judge, rules = self.incident, self.desk.judge, self.desk.rules
        move = node.moves[-1]
        if not (move.picked_up or move.interrupted):
            return True
        masks = [node.closed]
        if move.interrupted:
            masks.append(parent.closed & ~(1 << move.operations[0].device))
        return all(allows(rules, incident, judge.state(mask, incident)) for mask in masks)

    def out(self, node: Node) -> int:
        """Sections without fault that still wait (bit mask)."""
        return self.incident.out & ~node.alive & ~self.incident.blocked

    def stopping(self, node: Node) -> float:
        """Customer-minutes if nothing more is switched."""
        waiting = self.incident.out & ~node.alive
        return node.settled + sum(self.customers[s] * self.repaired[s] for s in bits(waiting))

    def bound(self, node: Node) -> float:
        """No plan that begins like this has fewer customer-minutes."""
        soonest = node.hands.now_min + self.shortest
        reachable = self.reachable(node)
        cost = node.settled
        for s in bits(self.incident.out & ~node.alive):
            back = self.repaired[s]
            cost += self.customers[s] * (min(back, soonest) if reachable >> s & 1 else back)
        return cost

    def reachable(self, node: Node) -> int:
        """Waiting sections that some path without fault joins to the live part."""
        sections, waiting = self.incident.sections, self.out(node)
        found, queue = node.alive, list(bits(node.alive))
        for section in queue:
            for d, other in sections.around[section]:
                if waiting >> other & 1 and not found >> other & 1 and sections.feeds(d, other):
                    found |= 1 << other
                    queue.append(other)
        return found & waiting

    def dominated(self, node: Node) -> bool:
        """Whether the same state was reached with no more customer-minutes and no later hands."""
        return any(
            settled <= node.settled + TOLERANCE
            and hands.now_min <= node.hands.now_min + TOLERANCE
            and all(a <= b + TOLERANCE for a, b in zip(hands.crews_free_min, node.hands.crews_free_min, strict=True))
            for settled, hands in self.reached.get(node.closed, ())
        )
