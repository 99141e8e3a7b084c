"""The plan of fewest customer-minutes, with a proof: best-first search over switching orders.

A node is a state of the devices and the clock; its bound takes every section that a path without fault could reach
as back after one more closing. Nodes are solved by a power flow only when the search comes to them: what is cheaper
than the best plan so far. The search ends when no node's bound is below it.

The plans searched are all sequences of pick-ups (and moves of live sections) whose every state is allowed; sections
are opened just before they must be, which never delays anybody.
"""

import heapq
import itertools
from typing import NamedTuple

from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.clock import Hands
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk, run
from gridstudio.planning.restoration.moves import Move, pickups, transfers
from gridstudio.planning.restoration.plan import Certificate, allows

TOLERANCE = 1e-9


class Node(NamedTuple):
    """A state reached: customer-minutes settled so far, the clock, and how it was reached."""

    closed: int
    alive: int
    settled: float  # customer-minutes of those who are back, and of those moved
    hands: Hands
    moves: tuple[Move, ...]


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
                return list(best.moves), Certificate("optimal", best_cost, 0.0)
            if judge.power_flows - flows >= self.desk.rules.max_power_flows:
                return list(best.moves), Certificate("stopped", bound, best_cost - bound)
            if self.dominated(node) or (parent is not None and not self.allowed(parent, node)):
                continue
            self.reached.setdefault(node.closed, []).append((node.settled, node.hands))
            if (cost := self.stopping(node)) < best_cost - TOLERANCE:
                best, best_cost = node, cost
            for move in self.moves(node):
                self.push(node, self.after(node, move))
        return list(best.moves), Certificate("optimal", best_cost, 0.0)

    def push(self, parent: Node | None, node: Node) -> None:
        heapq.heappush(self.queue, (self.bound(node), next(self.numbers), parent, node))

    def moves(self, node: Node) -> list[Move]:
        found = list(pickups(self.incident, node.closed, node.alive))
        if self.desk.rules.transfers and self.out(node):
            supply = self.incident.sections.supply(node.closed, self.incident.blocked)
            found += transfers(self.incident, node.closed, node.alive, supply.feeder_of)
        return found

    def after(self, node: Node, move: Move) -> Node:
        first = self.desk.clock.operate(node.hands, move.operations[0].device)
        hands = run(self.desk.clock, node.hands, move)
        settled = node.settled
        for s in bits(move.picked_up):
            settled += self.customers[s] * min(hands.now_min, self.repaired[s])
        for s in bits(move.interrupted):
            settled += self.customers[s] * (hands.now_min - first.now_min)
        return Node(move.closed, node.alive | move.picked_up, settled, hands, (*node.moves, move))

    def allowed(self, parent: Node, node: Node) -> bool:
        """The state, and where live sections are moved also the one between, are solved and allowed."""
        incident, judge, rules = self.incident, self.desk.judge, self.desk.rules
        move = node.moves[-1]
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
