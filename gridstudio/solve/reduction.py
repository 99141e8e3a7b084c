"""Scenario reduction: a few of many scenarios, with probabilities, that stand for all of them.

The distance between a set of scenarios and a part of it is the Kantorovich distance: every scenario that is left out
hands its probability to the nearest one kept, and the distance is the probability moved times the way it goes
(Dupacova, Groewe-Kuska, Roemisch, Mathematical Programming A 95, 2003). Finding the best part is a k-median problem;
both methods here are its usual heuristics and leave no choice to chance: equal distances fall to the first scenario.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Reduction:
    """What is kept: ``indices`` (kept,) rising, their ``probabilities`` (kept,), sum 1.

    ``assignment`` (scenario,): position in ``indices`` of the scenario kept that stands for each; ``distance``: the
    Kantorovich distance to the whole set, in the unit of the points.
    """

    indices: IntArray
    probabilities: FloatArray
    assignment: IntArray
    distance: float


def fast_forward(points: ArrayLike, probabilities: ArrayLike, keep: int) -> Reduction:
    """``keep`` of the scenarios ``points`` (scenario, dimension) by fast forward selection (Heitsch, Roemisch 2003).

    One after another the scenario is kept that lowers the distance most. Dimensions count as they are: bring them to
    one unit, or scale them, before. Memory: 8 bytes times the square of the number of scenarios.
    """
    between = _distances(points)
    p = _probabilities(between, probabilities, keep)
    return _reduction(between, p, _forward(between, p, keep))


def k_medoids(points: ArrayLike, probabilities: ArrayLike, keep: int, max_rounds: int = 100) -> Reduction:
    """``keep`` of the scenarios ``points`` by k-medoids: fast forward selection, then exchanges while they help.

    Partitioning around medoids (Kaufman, Rousseeuw 1990) with all exchanges of a round valued together (Schubert,
    Rousseeuw, Information Systems 101, 2021). Never farther from the whole set than ``fast_forward``.
    """
    return medoids(_distances(points), probabilities, keep, max_rounds)


def medoids(between: ArrayLike, probabilities: ArrayLike, keep: int, max_rounds: int = 100) -> Reduction:
    """``k_medoids`` where the distances (scenario, scenario) are given: symmetric, zero on the diagonal."""
    between = np.asarray(between, dtype=float)
    p = _probabilities(between, probabilities, keep)
    kept = _forward(between, p, keep)
    for _ in range(max_rounds if keep < len(p) else 0):
        better = _exchange(between, p, kept)
        if better is None:
            break
        kept = better
    return _reduction(between, p, kept)


def _distances(points: ArrayLike) -> FloatArray:
    """Euclidean distances (scenario, scenario); InputError if a point is missing."""
    x = np.asarray(points, dtype=float)
    if x.ndim != 2:
        raise InputError(f"Scenario reduction: points must be (scenario, dimension), not {x.shape}.")
    if not np.isfinite(x).all():
        raise InputError(
            f"Scenario reduction: scenario {int(np.argwhere(~np.isfinite(x))[0][0])} has a value that is not a number."
        )
    return cdist(x, x)


def _probabilities(between: FloatArray, probabilities: ArrayLike, keep: int) -> FloatArray:
    """Probabilities (scenario,); InputError if they, the distances or ``keep`` do not fit."""
    p = np.asarray(probabilities, dtype=float)
    if between.ndim != 2 or p.shape != between.shape[:1] or between.shape != (len(p), len(p)) or len(p) == 0:
        raise InputError(f"Scenario reduction: {len(between)} scenarios and probabilities {p.shape} do not fit.")
    if not (np.all(p >= 0) and abs(p.sum() - 1) <= _TOLERANCE):
        raise InputError(f"Scenario reduction: probabilities must not be negative and must sum to 1, not {p.sum():g}.")
    if not 1 <= keep <= len(p):
        raise InputError(f"Scenario reduction: {keep} of {len(p)} scenarios cannot be kept.")
    return p


def _forward(between: FloatArray, p: FloatArray, keep: int) -> IntArray:
    """The scenarios kept, in the order of their selection."""
    if keep == len(p):
        return np.arange(len(p))
    chosen = np.empty(keep, dtype=np.int64)
    left = p @ between  # the distance if the scenario were kept beside those chosen
    chosen[0] = np.argmin(left)
    nearest = between[chosen[0]]
    left = p @ np.minimum(nearest[:, None], between)
    for step in range(1, keep):
        left[chosen[:step]] = np.inf
        chosen[step] = np.argmin(left)
        moved = np.flatnonzero(between[chosen[step]] < nearest)  # only these change what the others would bring
        closer = between[chosen[step], moved]
        left -= p[moved] @ np.maximum(np.minimum(nearest[moved, None], between[moved]) - closer[:, None], 0.0)
        nearest = np.minimum(nearest, between[chosen[step]])
    return chosen


def _exchange(between: FloatArray, p: FloatArray, kept: IntArray) -> IntArray | None:
    """The best exchanges of a kept scenario for another that lower the distance together; None if there are none.

    Of all exchanges valued from the same start, the best for each scenario kept are tried from the greatest gain down
    and taken while each still lowers the distance.
    """
    to_kept = between[:, kept]
    to_kept[kept, np.arange(len(kept))] = -1.0  # so that of several equal scenarios each stands for itself
    order = np.argsort(to_kept, axis=1, kind="stable")
    rows, mine = np.arange(len(p)), order[:, 0]
    first = np.maximum(to_kept[rows, mine], 0.0)
    second = to_kept[rows, order[:, 1]] if len(kept) > 1 else np.full(len(p), np.inf)
    closer = p[:, None] * np.minimum(between - first[:, None], 0.0)  # (scenario, newcomer): what the newcomer saves
    lost = p[:, None] * (np.minimum(between, second[:, None]) - first[:, None]) - closer
    rank = np.argsort(mine, kind="stable")  # every scenario kept stands for itself at least, so no group is empty
    starts = np.searchsorted(mine[rank], np.arange(len(kept)))
    change = np.add.reduceat(lost[rank], starts, axis=0) + closer.sum(axis=0)
    change[:, kept] = np.inf
    newcomer = change.argmin(axis=1)
    gain = change[np.arange(len(kept)), newcomer]
    now, least = float(first @ p), _TOLERANCE * max(float(first @ p), 1e-300)
    result, reached = kept.copy(), now
    for place in np.argsort(gain, kind="stable"):
        if gain[place] >= -least:
            break
        trial = result.copy()
        trial[place] = newcomer[place]
        distance = float(between[:, trial].min(axis=1) @ p)
        if distance < reached - least:
            result, reached = trial, distance
    return None if reached == now else result


def _reduction(between: FloatArray, p: FloatArray, kept: IntArray) -> Reduction:
    indices = np.sort(kept)
    assignment = between[:, indices].argmin(axis=1)
    assignment[indices] = np.arange(len(indices))  # one of several equal scenarios stands for itself
    moved = between[np.arange(len(p)), indices[assignment]]
    taken = np.bincount(assignment, weights=p, minlength=len(indices))
    return Reduction(indices, taken / taken.sum(), assignment, float(moved @ p))
