"""Tabular Q-learning as a method: trained on some storms, judged on others.

Where a storm leads to a state that training never met, the best allowed pick-up decides, as in ``greedy``; how often
that happens is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gridstudio.planning.restoration.environment import Mask, RestorationEnvironment
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk, saved
from gridstudio.planning.restoration.methods import run as run_clock
from gridstudio.planning.restoration.moves import Move
from gridstudio.planning.restoration.plan import Certificate
from gridstudio.solve.qlearning import QSettings, QTable, Training, rollout, train


@dataclass
class Learned:
    """The policy of a learnt table, as a method. ``unknown``: states met that training had not."""

    table: QTable
    unknown: int = 0

    def __call__(self, incident: Incident, desk: Desk) -> tuple[list[Move], Certificate]:
        environment = RestorationEnvironment([incident], desk)
        if not incident.out & ~incident.blocked:
            return [], Certificate("")
        environment.reset(0)
        if not environment.area:
            return [], Certificate("")
        played = rollout(environment, self.table, 0, fallback=best_next(environment), max_steps=1000)
        self.unknown += played.unknown
        return environment.moves, Certificate("")


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
    return train(environment, tasks, settings, progress)


def best_next(environment: RestorationEnvironment) -> Callable[[bytes, Mask], int]:
    """The allowed closing that saves most customer-minutes per operation; stop where there is none."""

    def choose(state: bytes, mask: Mask) -> int:
        found = {}
        for action, move in environment.closings.items():
            done = run_clock(environment.desk.clock, environment.hands, move).now_min
            found[action] = saved(environment.incident, move, done) / len(move.operations)
        best = max(found, key=lambda action: (found[action], -action), default=environment.stop)
        return best if found.get(best, 0.0) > 0 else environment.stop

    return choose


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation over seeds (0 for one)."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
