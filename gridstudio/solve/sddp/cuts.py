"""Cuts by family, kept in arrays that grow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_NOTHING_NEW = 1e-10  # relative: a cut that lifts its family by less at its own point is left out


@dataclass(frozen=True, eq=False)
class Cuts:
    """value of the family >= intercepts + slopes @ state, for each cut: (cut,) and (cut, state)."""

    intercepts: FloatArray
    slopes: FloatArray

    def height(self, state: FloatArray) -> float:
        """The highest cut at the state; minus infinity without cuts."""
        return float(np.max(self.intercepts + self.slopes @ state, initial=-np.inf))


class CutFamily:
    """The cuts of one slot while training goes on, and the points where they were made."""

    def __init__(self, states: int) -> None:
        self._count = 0
        self._table = np.empty((16, 2 * states + 1))  # intercept, slope, point
        self._states = states

    def __len__(self) -> int:
        return self._count

    @property
    def cuts(self) -> Cuts:
        rows = self._table[: self._count]
        return Cuts(rows[:, 0].copy(), rows[:, 1 : 1 + self._states].copy())

    def add(self, value: float, slope: FloatArray, point: FloatArray) -> float | None:
        """Keep the cut that has ``value`` at ``point`` and return its intercept; None if it lifts nothing there."""
        rows = self._table[: self._count]
        here = np.max(rows[:, 0] + rows[:, 1 : 1 + self._states] @ point, initial=-np.inf)
        if value <= here + _NOTHING_NEW * max(1.0, abs(value)):
            return None
        intercept = value - float(slope @ point)
        self.put(intercept, slope, point)
        return intercept

    def put(self, intercept: float, slope: FloatArray, point: FloatArray) -> None:
        """Keep a cut as it is."""
        if self._count == len(self._table):
            self._table = np.concatenate([self._table, np.empty_like(self._table)])
        self._table[self._count] = np.concatenate([[intercept], slope, point])
        self._count += 1

    def select(self) -> bool:
        """Keep only cuts that are the highest at one of the points at least ("level one"); True if any went.

        De Matos, Philpott, Finardi, J. Comput. Appl. Math. 290 (2015).
        """
        rows = self._table[: self._count]
        known = ~np.isnan(rows).any(axis=1)  # a cut from a file stays: where it was made is not known
        points = rows[known, 1 + self._states :]
        heights = rows[:, 0] + points @ rows[:, 1 : 1 + self._states].T  # (point, cut)
        highest = heights.argmax(axis=1) if self._count else np.empty(0, int)
        kept = np.unique(np.concatenate([highest, np.flatnonzero(~known)]))
        self._table[: len(kept)] = rows[kept]
        gone, self._count = self._count - len(kept), len(kept)
        return gone > 0
