"""Where the cuts of a mixed-integer subproblem come from."""

from dataclasses import dataclass
from typing import Protocol

import highspy
import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.solve.sddp.subproblem import Subproblem, Tangent

FloatArray = NDArray[np.float64]


class DualityHandler(Protocol):
    """Contract: ``tangent`` returns a plane that is nowhere above the subproblem's value function.

    ``value`` returns a number that its optimum at ``state`` is never below: the bound of the whole problem is made of
    these. Both are asked for the nodes' own problems; parts, and problems without integers, are relaxed. ``check``
    raises InputError for a subproblem it cannot serve.
    """

    def tangent(self, subproblem: Subproblem, noise: int, state: FloatArray) -> Tangent: ...

    def value(self, subproblem: Subproblem, noise: int, state: FloatArray) -> float: ...

    def check(self, subproblem: Subproblem) -> None: ...


@dataclass(frozen=True)
class ContinuousRelaxation:
    """The linear relaxation's tangent: fast, and as far below the truth as the relaxation is."""

    def tangent(self, subproblem: Subproblem, noise: int, state: FloatArray) -> Tangent:
        return subproblem.relaxation(noise, state)

    def value(self, subproblem: Subproblem, noise: int, state: FloatArray) -> float:
        return subproblem.relaxation(noise, state).value

    def check(self, subproblem: Subproblem) -> None:
        """Every subproblem has a relaxation."""


@dataclass(frozen=True)
class StrengthenedBenders:
    """The relaxation's slope, lifted until it touches the mixed-integer problem (Zou, Ahmed, Sun 2019, 3.2).

    One MIP more per cut. Incoming columns need finite bounds.
    """

    def tangent(self, subproblem: Subproblem, noise: int, state: FloatArray) -> Tangent:
        relaxed = subproblem.relaxation(noise, state)
        intercept = subproblem.lagrangian(noise, relaxed.slope)[0]
        return Tangent(max(relaxed.value, intercept + float(relaxed.slope @ state)), relaxed.slope)

    def value(self, subproblem: Subproblem, noise: int, state: FloatArray) -> float:
        return subproblem.proven(noise, state)

    def check(self, subproblem: Subproblem) -> None:
        _need_ranges(subproblem)


@dataclass(frozen=True)
class Lagrangian:
    """The slope whose Lagrangian relaxation is highest at the trial point: tight there if all states are binary.

    Kelley's cutting planes in a box around the relaxation's slope that grows while the best slope lies on its edge;
    ends when the cut is tight within ``tolerance`` (relative), when no slope promises more, or after ``rounds`` MIPs,
    with a valid cut in any case. Reference as above, 3.3.
    """

    rounds: int = 60
    tolerance: float = 1e-6

    def tangent(self, subproblem: Subproblem, noise: int, state: FloatArray) -> Tangent:
        best = relaxed = subproblem.relaxation(noise, state)
        used, top = subproblem.takes, subproblem.proven(noise, state)
        close = self.tolerance * max(1.0, abs(top))
        master, slope = _Kelley(relaxed.slope[used], 1.0 + abs(top)), relaxed.slope.copy()
        for _ in range(self.rounds):
            lowest, reached = subproblem.lagrangian(noise, slope)
            found = Tangent(lowest + float(slope @ state), slope.copy())
            best = max(best, found, key=lambda tangent: tangent.value)
            master.add(found.value, slope[used], (state - reached)[used])
            promised, slope[used] = master.highest(best.value + close)
            if min(top, promised) - best.value <= close:
                break
        return best

    def value(self, subproblem: Subproblem, noise: int, state: FloatArray) -> float:
        return subproblem.proven(noise, state)

    def check(self, subproblem: Subproblem) -> None:
        _need_ranges(subproblem)


class _Kelley:
    """Maximises a concave function of the slope from its values and supergradients: an LP that grows by rows."""

    def __init__(self, centre: FloatArray, radius: float) -> None:
        self._centre, self._radius, self._widest = centre, radius, 1e6 * radius
        self._highs = highspy.Highs()
        for option, value in (("output_flag", False), ("parallel", "off")):
            self._highs.setOptionValue(option, value)
        self._highs.addVar(-highspy.kHighsInf, highspy.kHighsInf)
        self._highs.changeColCost(0, -1.0)
        for middle in centre:
            self._highs.addVar(middle - radius, middle + radius)

    def add(self, value: float, slope: FloatArray, gradient: FloatArray) -> None:
        """The function is ``value`` at ``slope`` and nowhere above the plane with this gradient."""
        columns, row = np.arange(len(slope) + 1, dtype=np.int32), np.concatenate([[1.0], -gradient])
        self._highs.addRow(-highspy.kHighsInf, value - float(gradient @ slope), len(row), columns, row)

    def highest(self, enough: float) -> tuple[float, FloatArray]:
        """What the function can be at most in the box, and where; the box grows until that is above ``enough``."""
        while True:
            self._highs.run()
            found = np.array(self._highs.getSolution().col_value)
            if found[0] > enough or self._radius >= self._widest:
                return float(found[0]), found[1:]
            self._radius *= 10.0
            columns = np.arange(1, len(found), dtype=np.int32)
            lower, upper = self._centre - self._radius, self._centre + self._radius
            self._highs.changeColsBounds(len(columns), columns, lower, upper)


def _need_ranges(subproblem: Subproblem) -> None:
    problem = subproblem.spec.problem
    for state in problem.states:
        if not np.isfinite([problem.lower[state.incoming], problem.upper[state.incoming]]).all():
            raise InputError(
                f"{subproblem.spec.label}: the incoming column of state {state.name!r} needs finite bounds, the range "
                "of the state, for strengthened Benders or Lagrangian cuts."
            )
