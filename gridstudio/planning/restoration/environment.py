"""Restoration as a sequence of decisions: what a learner sees, may do, and is paid.

The dead part of the network falls into areas: sections without fault that hang together. One area is worked at a
time, that where the greedy step lies. The state is that area, the positions of the devices in and around it,
and which of them may be operated (the headroom of the neighbours, as far as it matters): so what was learnt on one
storm serves wherever the same area falls dead again. Action d operates device d: it closes an open device at the edge
of the live part, which picks up what hangs together behind it (cut off from faults first), or it opens a closed device
inside the area, so that less hangs together. The last action stops the work on the area. Closings that the judge does
not allow are masked: every state visited is a solved, allowed one.

The reward of a closing is the customer-minutes it saves against waiting for the repair, by the common clock.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.clock import Hands, Operation
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk, best_pickup, run, saved
from gridstudio.planning.restoration.moves import Move, pickups
from gridstudio.planning.restoration.plan import allows

Mask = NDArray[np.bool_]


class RestorationEnvironment:
    """The three-method environment of ``solve.qlearning``; a task is the number of an incident."""

    def __init__(self, incidents: Sequence[Incident], desk: Desk):
        self.incidents, self.desk = list(incidents), desk
        self.sections = self.incidents[0].sections
        self.actions = len(self.sections.devices) + 1
        self._best: dict[tuple[int, int, Hands, int], tuple[Move, Hands] | None] = {}
        self._width = -(-len(self.sections) // 8), -(-len(self.sections.devices) // 8)

    @property
    def stop(self) -> int:
        """The action that ends the work on an area."""
        return self.actions - 1

    def reset(self, task: int) -> tuple[bytes, Mask]:
        """Right after the trips of incident ``task``."""
        self.task, self.incident = task, self.incidents[task]
        self.closed, self.hands = self.incident.start, self.desk.clock.start
        self.moves: list[Move] = []
        self._opened: list[Operation] = []  # cuts that belong to the next closing
        self.given_up = 0
        return self._look()

    def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
        """Operate a device, or stop the work on the area; the customer-minutes saved."""
        reward = 0.0
        if action == self.stop:
            self.given_up |= self.area
        elif action in self.closings:
            move = self.closings[action]
            self.hands = run(self.desk.clock, self.hands, move)
            reward = saved(self.incident, move, self.hands.now_min)
            self.closed = move.closed
            self.moves.append(Move((*self._opened, *move.operations), move.closed, move.picked_up))
            self._opened = []
        else:
            self.hands = self.desk.clock.operate(self.hands, action)
            self.closed &= ~(1 << action)
            self._opened.append(Operation(action, False))
        state, mask = self._look()
        return state, mask, reward, not self.area

    def best_pickup(self, closed: int, hands: Hands, within: int) -> tuple[Move, Hands] | None:
        """The greedy pick-up within some sections, remembered: training comes to the same places again and again."""
        key = (self.task, closed, hands, within)
        if key not in self._best:
            self._best[key] = best_pickup(self.incident, self.desk, closed, hands, within)
        return self._best[key]

    def inside(self, device: int) -> bool:
        """Whether a closed device joins two sections of the area that is worked."""
        a, b = self.sections.ends[device].tolist()
        return bool(self.closed >> device & 1 and self.area >> a & 1 and self.area >> b & 1)

    def _look(self) -> tuple[bytes, Mask]:
        """The area that is worked next, its key, and what may be done."""
        incident, sections = self.incident, self.sections
        alive = sections.supply(self.closed, incident.blocked).alive
        self.area = self._next_area(alive)
        mask = np.zeros(self.actions, dtype=bool)
        self.closings: dict[int, Move] = {}
        devices = 0
        for s in bits(self.area):
            for d, other in sections.around[s]:
                devices |= 1 << d
                if self.closed >> d & 1 and self.area >> other & 1 and not sections.lateral_fuses >> d & 1:
                    mask[d] = True
        if self.area:
            mask[self.stop] = True
            for move in pickups(incident, self.closed, alive, whole_only=True):
                if move.picked_up & self.area:
                    device = move.operations[-1].device
                    if run(self.desk.clock, self.hands, move).now_min > incident.switching_ends_min:
                        continue
                    if allows(self.desk.rules, incident, self.desk.judge.state(move.closed, incident)):
                        self.closings[device] = move
                        mask[device] = True
        key = self.area.to_bytes(self._width[0], "little") + (self.closed & devices).to_bytes(self._width[1], "little")
        return key + np.packbits(mask).tobytes(), mask

    def _next_area(self, alive: int) -> int:
        """Of the areas that are not given up, that of the best greedy pick-up; without one that with most at stake."""
        incident, sections = self.incident, self.sections
        waiting = incident.out & ~alive & ~incident.blocked & ~self.given_up
        areas = {}
        while waiting:
            area = _spread(sections.around, waiting)
            waiting &= ~area
            at_stake = sum(float(sections.customers[s] * incident.repaired_min[s]) for s in bits(area))
            if at_stake > 0:
                areas[area] = at_stake
        if len(areas) < 2:
            return next(iter(areas), 0)
        found = self.best_pickup(self.closed, self.hands, sum(areas))
        if found is not None:
            return next(area for area in areas if area & found[0].picked_up)
        return max(areas, key=lambda area: areas[area])


def _spread(around: Sequence[Sequence[tuple[int, int]]], waiting: int) -> int:
    """Waiting sections that join the first of them, over open devices too (bit mask)."""
    first = next(bits(waiting))
    area, queue = 1 << first, [first]
    for section in queue:
        for _, other in around[section]:
            if waiting >> other & 1 and not area >> other & 1:
                area |= 1 << other
                queue.append(other)
    return area
