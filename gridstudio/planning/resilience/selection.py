"""Scenario selection: the few storms that stand for all, by wind stratum and by what they take.

Storms with the same faults are one pattern, with their probability and mean wind speed. Patterns are parted into strata
by wind speed, that without any fault by itself. Within a stratum they are compared by the faulted sections and by the
sections without supply, each counted with its weighted kW, so that the distance of two is in weighted kW, and
``solve.reduction`` keeps those that stand for the others at the least distance. Strata get scenarios by their
probability and the spread of their losses (Neyman's allocation), one at least. A scenario's probability is that of all
storms that it stands for.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridstudio.planning.resilience.contract import Bools, Floats, Grid, Ints, Storms
from gridstudio.planning.resilience.outages import connected, spread
from gridstudio.solve.reduction import fast_forward

MOST_PATTERNS = 2500  # of one stratum that are compared with each other: the most probable ones


@dataclass(frozen=True, eq=False)
class Selection:
    """``storms``: the scenarios, mildest wind first; ``rows``: which of the drawn they are; ``stands_for``: (scenario,)
    number of drawn storms that each stands for; ``loss``: of each without new sources [weighted kW]; ``distance``: the
    Kantorovich distance of all drawn storms to them [weighted kW].
    """

    storms: Storms
    rows: Ints
    stands_for: Ints
    loss: Floats
    distance: float

    @property
    def mean(self) -> float:
        """Expected loss without new sources by the scenarios: to be compared with the Monte Carlo's."""
        return float(self.storms.probability @ self.loss)


class Patterns(NamedTuple):
    """Different faults among storms, rows (pattern,): first storm, probability, storms, mean wind, place and loss."""

    first: Ints
    probability: Floats
    storms: Floats
    wind_m_s: Floats
    points: Floats  # (pattern, dimension) [weighted kW]
    loss: Floats
    faulted: Bools


def patterns_of(grid: Grid, storms: Storms, loss: Floats) -> Patterns:
    """Storms with equal faults as one; where lines may be hardened, faults of these lines must be equal too."""
    faults: Bools = storms.sections_out(grid)
    signature: Bools = faults
    if grid.line_hardenable.any():
        may = grid.line_hardenable
        held = storms.failed_hardened[:, may]
        signature = np.hstack([faults, storms.sections_out(grid, may), storms.failed[:, may], held])
    _, first, back = np.unique(signature, axis=0, return_index=True, return_inverse=True)
    weight = np.bincount(back.ravel(), storms.probability).astype(np.float64)
    wind = np.bincount(back.ravel(), storms.probability * storms.wind_m_s) / weight
    return Patterns(
        first=first.astype(np.intp),
        probability=weight,
        storms=np.bincount(back.ravel()).astype(float),
        wind_m_s=wind,
        points=positions(grid, faults[first]),
        loss=loss[first],
        faulted=np.asarray(faults[first].any(axis=1), dtype=bool),
    )


def positions(grid: Grid, faults: Bools) -> Floats:
    """Where each storm lies for comparison (storm, 2 * section) [weighted kW]: sections with a fault, and in the dark.

    A section without load counts as 1 kW, so that faults in it are seen.
    """
    nothing = np.zeros(len(grid.optional), bool)
    out = spread(grid, faults, nothing)
    kw = np.maximum(grid.section_weighted_kw, 1.0)
    return np.hstack([out * kw, ~connected(grid, out, nothing) * kw])


def select(grid: Grid, storms: Storms, loss: Floats, keep: int) -> Selection:
    """``keep`` scenarios of the drawn storms (fewer where no more patterns differ)."""
    patterns = patterns_of(grid, storms, loss)
    groups = strata(patterns, len(np.unique(storms.stratum)), keep)
    rows, weight, stands, distance = [], [], [], 0.0
    for group, count in zip(groups, allocate(patterns, groups, keep), strict=True):
        kept = np.sort(group[np.argsort(-patterns.probability[group], kind="stable")[:MOST_PATTERNS]])
        share = float(patterns.probability[kept].sum())
        found = fast_forward(patterns.points[kept], patterns.probability[kept] / share, min(count, len(kept)))
        centre = kept[found.indices]
        nearest = _nearest(patterns.points[group], patterns.points[centre])
        rows += patterns.first[centre].tolist()
        weight += np.bincount(nearest, patterns.probability[group], len(centre)).tolist()
        stands += np.bincount(nearest, patterns.storms[group], len(centre)).tolist()
        way = np.linalg.norm(patterns.points[group] - patterns.points[centre][nearest], axis=1)
        distance += float(patterns.probability[group] @ way)
    order = np.argsort(storms.wind_m_s[rows], kind="stable")
    taken, probability = np.array(rows, dtype=np.intp)[order], np.array(weight)[order]
    return Selection(
        storms=storms.take(taken, probability / probability.sum()),
        rows=taken,
        stands_for=np.array(stands)[order].astype(np.intp),
        loss=loss[taken],
        distance=distance,
    )


def middle(grid: Grid, storms: Storms) -> Storms:
    """The one scenario of mean damage among those with a fault, with probability 1: what planning for the mean storm
    would see. Damage is the weighted kW in the dark; of equal damage, the one nearest to the mean. The mean of all
    storms would often be the storm without a fault, that asks for nothing.
    """
    out = storms.sections_out(grid)
    points, hit = positions(grid, out), out.any(axis=1)
    hit = hit if hit.any() else ~hit
    share = np.where(hit, storms.probability, 0.0)
    share = share / share.sum()
    damage = points[:, len(grid.sections) :].sum(axis=1)
    apart = np.round(np.abs(damage - share @ damage), 6)
    way = np.linalg.norm(points - share @ points, axis=1)
    row = np.lexsort((way, apart, ~hit))[0]
    return storms.take(np.array([row], dtype=np.intp), np.ones(1))


def strata(patterns: Patterns, classes: int, keep: int) -> list[Ints]:
    """Patterns (rows) by class of wind speed, that without fault by itself; so few that each gets a scenario."""
    if keep == 1:
        return [np.arange(len(patterns.first))]
    quiet, hit = np.flatnonzero(~patterns.faulted), np.flatnonzero(patterns.faulted)
    classes = max(min(classes, keep - len(quiet[:1])), 1)
    order = hit[np.argsort(patterns.wind_m_s[hit], kind="stable")]
    reached = np.cumsum(patterns.probability[order]) - patterns.probability[order] / 2
    of = np.minimum((reached / max(float(patterns.probability[hit].sum()), 1e-300) * classes).astype(int), classes - 1)
    return [group for group in (quiet, *(order[of == number] for number in range(classes))) if len(group)]


def allocate(patterns: Patterns, groups: list[Ints], keep: int) -> list[int]:
    """Scenarios of each stratum: by its probability times the spread of its losses, one at least."""
    spread_kw = np.array([_spread(patterns, group) for group in groups])
    most = np.array([len(group) for group in groups])
    counts = np.ones(len(groups), dtype=int)
    for _ in range(min(keep, int(most.sum())) - len(groups)):
        want = np.where(counts < most, (spread_kw + 1e-9) / counts, -1.0)  # the stratum that is served worst
        counts[int(np.argmax(want))] += 1
    return [int(count) for count in counts]


def _spread(patterns: Patterns, group: Ints) -> float:
    """Probability of a stratum times the standard deviation of its positions [weighted kW]."""
    p = patterns.probability[group]
    away = patterns.points[group] - p @ patterns.points[group] / p.sum()
    return float(p.sum() * np.sqrt(p @ (away**2).sum(axis=1) / p.sum()))


def _nearest(points: Floats, centres: Floats) -> Ints:
    """The nearest centre of each point, block by block for the sake of memory."""
    square = (centres**2).sum(axis=1)
    blocks = np.array_split(points, len(points) // 1000 + 1)
    return np.concatenate([np.argmin(square - 2 * block @ centres.T, axis=1) for block in blocks]).astype(np.intp)
