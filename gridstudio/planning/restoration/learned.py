"""Tabular Q-learning as a method: trained on some storms, judged on others.

The policy keeps to the greedy step unless the table has tried both that step and another one in the very same state,
and found the other better (a policy improved where there is evidence: Laroche et al. 2019, arXiv 1712.06924). Where a
storm leads to states that training never met, ``greedy`` therefore decides; how often is counted.

Training is paid by what an action gains over the greedy way from there on: the customer-minutes saved plus the
difference of a potential, what ``greedy`` would still save (Ng, Harada and Russell 1999, ICML: the best policy stays
the same). So storms of long and short repairs can share a state of the table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.restoration.clock import Hands
from gridstudio.planning.restoration.environment import Mask, RestorationEnvironment
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk, saved
from gridstudio.planning.restoration.moves import Move
from gridstudio.planning.restoration.plan import Certificate
from gridstudio.solve.qlearning import QSettings, QTable, Training, act, train

FIRST_TRIED = 1.0  # customer-minutes that an untried greedy step is taken to gain, so that it is tried before others


@dataclass
class Learned:
    """The policy of a learnt table, as a method. ``states``: decisions made, ``unknown``: without evidence."""

    table: QTable
    states: int = 0
    unknown: int = 0

    def __call__(self, incident: Incident, desk: Desk) -> tuple[list[Move], Certificate]:
        environment = RestorationEnvironment([incident], desk)
        state, mask = environment.reset(0)
        while environment.area:
            state, mask, _, _ = environment.step(self.choose(environment, state, mask))
        return environment.moves, Certificate("")

    def choose(self, environment: RestorationEnvironment, state: bytes, mask: Mask) -> int:
        """The learnt action where the table knows it to beat the greedy one; else that."""
        self.states += 1
        greedy, learnt = greedy_action(environment), act(self.table, state, mask)
        row = self.table.rows.get(state)
        if learnt is None or row is None or not self.table.visits[row, greedy]:
            self.unknown += 1
            return greedy
        values = self.table.values[row]
        return learnt if values[learnt] > values[greedy] else greedy


class AgainstGreedy:
    """The restoration environment with the reward that training takes: gain over the greedy way."""

    def __init__(self, environment: RestorationEnvironment):
        self.inner = environment
        self.actions = environment.actions
        self._future: dict[tuple[int, int, Hands, int], float] = {}

    def reset(self, task: int) -> tuple[bytes, Mask]:
        """As the environment's."""
        self.task = task
        found = self.inner.reset(task)
        self.potential = self.greedy_future()
        return found

    def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
        """As the environment's, with the difference of the potential added to the reward."""
        state, mask, reward, done = self.inner.step(action)
        before, self.potential = self.potential, self.greedy_future()
        return state, mask, reward + self.potential - before, done

    def greedy_future(self) -> float:
        """Customer-minutes that the greedy method would still save, in areas that are not given up."""
        inner, incident = self.inner, self.inner.incident
        closed, hands, total = inner.closed, inner.hands, 0.0
        key = (self.task, closed, hands, inner.given_up)
        if key not in self._future:
            while (found := inner.best_pickup(closed, hands, ~inner.given_up)) is not None:
                move, hands = found
                closed = move.closed
                total += saved(incident, move, hands.now_min)
            self._future[key] = total
        return self._future[key]


def learn(
    incidents: Sequence[Incident], desk: Desk, settings: QSettings, progress: Callable[[int, int], None] | None = None
) -> Training:
    """Train on ``incidents``; those that leave nothing to switch are left out."""
    environment = RestorationEnvironment(incidents, desk)
    tasks = []
    for task in range(len(incidents)):
        environment.reset(task)
        if environment.area:
            tasks.append(task)

    def greedy_first(state: bytes, mask: Mask) -> NDArray[np.float64]:
        values = np.zeros(environment.actions)
        values[greedy_action(environment)] = FIRST_TRIED
        return values

    return train(AgainstGreedy(environment), tasks, settings, progress, greedy_first)


def greedy_action(environment: RestorationEnvironment) -> int:
    """The first operation of the best allowed pick-up in the area that is worked; stop where there is none."""
    found = environment.best_pickup(environment.closed, environment.hands, environment.area)
    if found is None:
        return environment.stop
    move, _ = found
    whole = environment.closings.get(move.operations[-1].device)
    if whole is not None and whole.operations == move.operations:
        return move.operations[-1].device
    isolating = {operation.device for operation in whole.operations} if whole is not None else set()
    cuts = [o.device for o in move.operations if not o.close and environment.inside(o.device)]
    return next((device for device in cuts if device not in isolating), move.operations[-1].device)
