"""Which loads an island keeps: an exact 0-1 optimisation over a linear model of its limits.

Sets: loads i, limits k, priorities p = 1, 2, ...
Variables: x_i = 1 where load i is kept.
Constraints: g_k + sum_i a_ki (x_i - x0_i) <= b_k for every limit k                                  (1)
    with g_k the value at the selection x0 of a power flow, a_ki what load i adds to it (by power flow);
    sum_{i in S} (1 - x_i) + sum_{i not in S} x_i >= 1 for every selection S that a power flow refused (2)
Objective: the value (customers or kW) kept in priority 1, then in 2, ..., lexicographically; last of all kW. (3)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from gridstudio.errors import SolverError

Floats = NDArray[np.float64]
Selection = tuple[bool, ...]
OPTIMAL, INFEASIBLE = 0, 2  # statuses of scipy's milp
SLACK = 1e-7  # of an objective already reached, relative to its largest value


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Equation (1): ``effect`` (limit, load), ``room`` (limit,) = b - g + a x0, so that effect @ x <= room."""

    effect: Floats
    room: Floats

    def rows(self) -> tuple[Floats, Floats]:
        """The rows that some selection may break, each scaled to a largest effect of 1."""
        effect, room = self.effect, self.room
        watched = self._watched()
        scale = np.maximum(1e-9, np.abs(effect[watched]).max(axis=1, initial=0.0))
        return effect[watched] / scale[:, None], room[watched] / scale

    def within(self, other: "LinearModel") -> bool:
        """Whether all that fits here fits ``other`` too, which has the same effects."""
        return bool((self.room <= other.room)[other._watched()].all())

    def _watched(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.isfinite(self.room) & (np.maximum(self.effect, 0.0).sum(axis=1) > self.room)
        return found


def objectives(value: Floats, priority: NDArray[np.int_], kw: Floats) -> list[Floats]:
    """The rows of (3), the most important first: ``value`` of each priority, then kW."""
    rows = [row for p in np.unique(priority) if (row := np.where(priority == p, value, 0.0)).any()]
    return rows if rows and np.array_equal(value, kw) else [*rows, kw]


def worth(goals: Sequence[Floats], selection: Selection) -> tuple[float, ...]:
    """What a selection reaches, rounded so that equal selections compare equal."""
    kept = np.array(selection, dtype=bool)
    return tuple(round(float(goal[kept].sum()), 6) for goal in goals)


def select(model: LinearModel, goals: Sequence[Floats], refused: Iterable[Selection]) -> Selection | None:
    """The best selection of loads, or None where not even the empty one fits. SolverError if HiGHS gives no optimum."""
    loads = model.effect.shape[1]
    if not loads:
        return ()
    differs = [_differs(selection) for selection in refused]
    effect, room = model.rows()
    rows = [*effect, *(row for row, _ in differs)]  # (1), (2) and what was reached, all as row @ x <= most
    most = [*room, *(bound for _, bound in differs)]
    kept: Selection | None = None
    for goal in goals:
        done = milp(
            -goal,
            integrality=np.ones(loads),
            bounds=Bounds(0, 1),
            constraints=[LinearConstraint(np.array(rows), -np.inf, most)] if rows else [],
            options={"mip_rel_gap": 0.0},
        )
        if done.status == INFEASIBLE:
            return None
        if done.status != OPTIMAL:
            raise SolverError(f"The choice of loads to keep has no optimum: {done.message}")
        kept = tuple(bool(x > 0.5) for x in done.x)
        reached = float(goal[np.array(kept)].sum())
        rows.append(-goal)
        most.append(SLACK * max(1.0, float(goal.max())) - reached)
    return kept


def _differs(selection: Selection) -> tuple[Floats, float]:
    """Equation (2) as a row and the most that row @ x may be."""
    kept = np.array(selection, dtype=bool)
    return np.where(kept, 1.0, -1.0), float(kept.sum()) - 1.0
