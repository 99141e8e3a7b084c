"""The plan of fewest customer-minutes, with a proof: best-first search over switching orders.

A node is a state of the devices and the clock; its bound takes what a path without fault could reach as back part by
part, one closing each. Nodes are solved by a power flow only when the search comes to them: what is cheaper
than the best plan so far, which at first is greedy's. The search ends when no node's bound is below it.

The plans searched are all sequences of pick-ups, of moves of live sections, and of operations ahead of their pick-up,
whose every state is allowed and which end before the first repair. Ahead: a device between dead sections is operated
before it must be. That helps only where crews are involved: a remote operation is worth its minute while a crew is
awaited, a manual one may send a crew sooner. Where no crew is awaited, dead parts are picked up one after the other,
not joined first. Fuses of dead-end laterals are opened to isolate a fault only. After a repair nothing is switched but
the return to the normal state.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.clock import Hands, Operation
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk, greedy, run
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
    """Fewest customer-minutes; "stopped" with bound and gap when the power flows or the nodes allowed are used up."""
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
        self.numbers, self.looked_at = itertools.count(), itertools.count(1)
        self.reached: dict[int, list[tuple[float, Hands]]] = {}
        self.near: dict[int, int] = {}  # waiting sections that may get supply, by those that have it
        self.asked: set[int] = set()  # states judged
        self.unseen = float("inf")  # no plan that was left out, as one of too many, has fewer customer-minutes

    def run(self) -> tuple[list[Move], Certificate]:
        incident, rules = self.incident, self.desk.rules
        alive = incident.sections.supply(incident.start, incident.blocked).alive
        root = Node(incident.start, alive, 0.0, self.desk.clock.start, ())
        self.best, self.best_cost = root, self.stopping(root)
        node = root
        for move in greedy(incident, self.desk)[0]:
            node = self.after(node, move) or node
            self.keep(node)
        self.push(None, root)
        while self.queue:
            bound, _, parent, node = heapq.heappop(self.queue)
            if bound >= self.best_cost - TOLERANCE:
                break
            if len(self.asked) >= rules.max_power_flows:
                return self.proved(bound)
            if max(next(self.looked_at), len(self.queue)) > rules.max_nodes:
                return self.proved(bound)
            if self.dominated(node) or (parent is not None and not self.allowed(parent, node)):
                continue
            self.reached.setdefault(node.closed, []).append((node.settled, node.hands))
            self.keep(node)
            for move in self.moves(node):
                if (reached := self.after(node, move)) is not None:
                    self.push(node, reached)
        return self.proved(self.best_cost)

    def keep(self, node: Node) -> None:
        """Remember a node as the best plan where it is better."""
        if (cost := self.stopping(node)) < self.best_cost - TOLERANCE:
            self.best, self.best_cost = node, cost

    def proved(self, bound: float) -> tuple[list[Move], Certificate]:
        """The best plan, and what is proved of it once no plan that was left out lies below ``bound``."""
        bound = min(bound, self.unseen)
        if bound < self.best_cost - TOLERANCE:
            return list(self.best.moves), Certificate("stopped", bound, self.best_cost - bound)
        return list(self.best.moves), Certificate("optimal", self.best_cost, 0.0)

    def push(self, parent: Node | None, node: Node) -> None:
        """Queue a node that may lead to a better plan."""
        if (bound := self.bound(node)) < self.best_cost - TOLERANCE:
            heapq.heappush(self.queue, (bound, next(self.numbers), parent, node))

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
        spare = ~(self.incident.out | node.alive | self.incident.blocked) & (1 << len(sections)) - 1
        reachable |= spare
        near = {d for s in bits(reachable) for d, _ in sections.around[s] if not sections.lateral_fuses >> d & 1}
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
        """The node that a move leads to.

        None after the first repair, or if remote operations ahead of it used no time of waiting for a crew.
        """
        first = self.desk.clock.operate(node.hands, move.operations[0].device)
        hands = run(self.desk.clock, node.hands, move)
        if hands.now_min > self.incident.switching_ends_min:
            return None
        crews = [o.device for o in move.operations if not self.incident.sections.devices[o.device].remote]
        ahead = None
        if not (crews or move.picked_up or move.interrupted):
            ahead = (node.ahead[0] if node.ahead else node.hands.now_min, move.operations[0].device)
        elif node.ahead and not (crews and self.awaited(node.hands, node.ahead[0], crews[0])):
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
        self.asked.update(masks)
        return all(allows(rules, incident, judge.state(mask, incident)) for mask in masks)

    def out(self, node: Node) -> int:
        """Sections without fault that still wait (bit mask)."""
        return self.incident.out & ~node.alive & ~self.incident.blocked

    def stopping(self, node: Node) -> float:
        """Customer-minutes if nothing more is switched."""
        waiting = self.incident.out & ~node.alive
        return node.settled + sum(self.customers[s] * self.repaired[s] for s in bits(waiting))

    def bound(self, node: Node) -> float:
        """No plan that begins like this has fewer customer-minutes.

        k closings give supply to at most k of the parts that hang together now; so the k-th part is back after the
        k-th next operation at the earliest, the one with most customers first.
        """
        reachable, waiting = self.reachable(node), self.incident.out & ~node.alive
        cost = node.settled + sum(self.customers[s] * self.repaired[s] for s in bits(waiting & ~reachable))
        parts = self.parts(node, reachable)
        now, last = node.hands.now_min, node.hands.now_min + len(parts) * self.shortest
        if any(self.repaired[s] < last for s in bits(reachable)):  # the repair may come first: no order is sure
            soonest = now + self.shortest
            return cost + sum(self.customers[s] * min(self.repaired[s], soonest) for s in bits(reachable))
        waits = sorted((sum(self.customers[s] for s in bits(part)) for part in parts), reverse=True)
        return cost + sum(count * (now + k * self.shortest) for k, count in enumerate(waits, start=1))

    def parts(self, node: Node, reachable: int) -> list[int]:
        """What hangs together through closed devices of the waiting sections (bit masks)."""
        around, found = self.incident.sections.around, []
        while reachable:
            part = reachable & -reachable
            queue = list(bits(part))
            for section in queue:
                for d, other in around[section]:
                    if node.closed >> d & 1 and reachable >> other & 1 and not part >> other & 1:
                        part |= 1 << other
                        queue.append(other)
            found.append(part)
            reachable &= ~part
        return found

    def reachable(self, node: Node) -> int:
        """Waiting sections that some path without fault joins to the live part."""
        if node.alive in self.near:
            return self.near[node.alive]
        sections, waiting = self.incident.sections, self.out(node)
        found, queue, blocked = node.alive, list(bits(node.alive)), self.incident.blocked
        for section in queue:  # also through what is dead in the normal state: a line between two open switches
            for d, other in sections.around[section]:
                if not (found | blocked) >> other & 1 and sections.feeds(d, other):
                    found |= 1 << other
                    queue.append(other)
        self.near[node.alive] = found & waiting
        return found & waiting

    def dominated(self, node: Node) -> bool:
        """Whether the same state was reached with no more customer-minutes and no later hands."""
        return any(
            settled <= node.settled + TOLERANCE
            and hands.now_min <= node.hands.now_min + TOLERANCE
            and all(a <= b + TOLERANCE for a, b in zip(hands.crews_free_min, node.hands.crews_free_min, strict=True))
            for settled, hands in self.reached.get(node.closed, ())
        )
