"""Monte Carlo: storms drawn at random, the lines they take, and what is lost without new sources.

The loss that steers the draws and the selection is by connectivity: a section is alive if it has no fault itself and
hangs on the substation over sections without one, any device closed, where devices bring all its phases; neither kW
nor voltages bind. What a plan saves is told by the second stage and its power flows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gridstudio.planning.resilience.contract import Bools, Floats, Grid, Ints, Storms
from gridstudio.planning.resilience.fragility import Fragility
from gridstudio.planning.resilience.settings import MonteCarloSettings
from gridstudio.planning.resilience.wind import Wind

BATCH = 1000  # storms drawn together: then the mean is looked at
TRAINING, FRESH, SWEEP = 0, 1, 2  # streams of random numbers that share nothing


@dataclass(frozen=True, eq=False)
class MonteCarlo:
    """Storms of equal probability, and the loss of each without new sources (storm,) [weighted kW].

    ``trace``: (batch, 3) storms so far, their mean loss, its standard error. ``converged``: the standard error is as
    small as asked; otherwise the most storms allowed were drawn.
    """

    storms: Storms
    loss: Floats
    trace: Floats
    converged: bool

    @property
    def mean(self) -> float:
        return float(self.loss.mean())

    @property
    def standard_error(self) -> float:
        return standard_error(self.loss)


def standard_error(values: Floats) -> float:
    """Of the mean of independent draws; 0 of a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


@dataclass(frozen=True, eq=False)
class Lottery:
    """Draws storms; the same storms for the same seed and stream, whatever is asked in which order.

    Storm n does not depend on how many are drawn, and every line has its own random number in it, whatever is hardened.
    """

    grid: Grid
    wind: Wind
    fragility: Fragility
    strata: int
    seed: int

    def draw(self, count: int, stream: tuple[int, ...], skip: int = 0) -> Storms:
        """``count`` storms of equal probability, the first ``skip`` of the stream left out."""
        grid, lines = self.grid, len(self.grid.line_names)
        weather, strength = (np.random.PCG64(s) for s in np.random.SeedSequence([self.seed, *stream]).spawn(2))
        level = np.random.Generator(weather.advance(2 * skip)).random((count, 2))
        chance = np.random.Generator(strength.advance(lines * skip)).random((count, lines))
        wind_m_s = self.wind.draw(level[:, 0], level[:, 1])
        ordinary, hard = (
            chance < self.fragility.probability(wind_m_s, grid.line_length_m, grid.line_underground, hardened)
            for hardened in (False, True)
        )
        return Storms(
            names=tuple(f"storm {number}" for number in range(skip + 1, skip + count + 1)),
            probability=np.full(count, 1.0 / count),
            wind_m_s=wind_m_s,
            stratum=strata_of(wind_m_s, self.strata),
            failed=ordinary,
            failed_hardened=ordinary & hard,
        )

    def joined(self, parts: Sequence[Storms]) -> Storms:
        """Storms drawn one after another as one set, of equal probability."""
        wind_m_s = np.concatenate([part.wind_m_s for part in parts])
        return Storms(
            names=tuple(name for part in parts for name in part.names),
            probability=np.full(len(wind_m_s), 1.0 / len(wind_m_s)),
            wind_m_s=wind_m_s,
            stratum=strata_of(wind_m_s, self.strata),
            failed=np.concatenate([part.failed for part in parts]),
            failed_hardened=np.concatenate([part.failed_hardened for part in parts]),
        )


def strata_of(wind_m_s: Floats, strata: int) -> Ints:
    """Class of each storm by its wind speed, classes equally full, 0 the calmest."""
    rank = np.argsort(np.argsort(wind_m_s, kind="stable"), kind="stable")
    return (rank * min(strata, len(rank)) // max(len(rank), 1)).astype(np.intp)


def monte_carlo(
    lottery: Lottery,
    settings: MonteCarloSettings,
    stream: tuple[int, ...] = (TRAINING,),
    tell: Callable[[int, int], None] | None = None,
) -> MonteCarlo:
    """Storms, batch by batch, until the mean loss has converged, or ``settings.storms``."""
    parts: list[Storms] = []
    loss, trace, converged = np.zeros(0), [], False
    while len(loss) < settings.storms and not converged:
        part = lottery.draw(min(BATCH, settings.storms - len(loss)), stream, skip=len(loss))
        parts.append(part)
        loss = np.concatenate([loss, base_loss(lottery.grid, part)])
        error = standard_error(loss)
        trace.append((len(loss), float(loss.mean()), error))
        converged = len(loss) >= settings.least and error <= settings.standard_error_pct / 100 * float(loss.mean())
        if tell:
            tell(len(loss), settings.storms)
    return MonteCarlo(lottery.joined(parts), loss, np.array(trace), converged)


def base_loss(grid: Grid, storms: Storms, added: Bools | None = None) -> Floats:
    """Prioritised load lost without new sources (storm,) [weighted kW], by connectivity; see the module."""
    alive = connected(grid, storms.sections_out(grid), np.zeros(len(grid.optional), bool) if added is None else added)
    return np.asarray(~alive @ grid.section_weighted_kw)


def connected(grid: Grid, out: Bools, added: Bools) -> Bools:
    """Sections that hang on the substation (storm, section), where ``out`` (storm, section) have a fault.

    Candidate switches that are not ``added`` (device,) are no switches: faults and supply pass them.
    """
    patterns, back = np.unique(spread(grid, out, added), axis=0, return_inverse=True)
    ends, may_feed = grid.sections.ends.tolist(), grid.sections.may_feed.tolist()
    alive = np.zeros_like(patterns)
    sources = list(grid.sections.sources)
    alive[:, sources] = ~patterns[:, sources]
    before = -1
    while before < (before := int(alive.sum())):
        for (a, b), (to_a, to_b) in zip(ends, may_feed, strict=True):
            if to_b:
                alive[:, b] |= alive[:, a] & ~patterns[:, b]
            if to_a:
                alive[:, a] |= alive[:, b] & ~patterns[:, a]
    return np.asarray(alive[back.ravel()])


def spread(grid: Grid, out: Bools, added: Bools) -> Bools:
    """Faulted sections (storm, section) once faults have passed candidate switches that are not added."""
    found = out.copy()
    joined = grid.sections.ends[grid.optional & ~added].tolist()
    before = -1
    while joined and before < (before := int(found.sum())):
        for a, b in joined:
            found[:, a] = found[:, b] = found[:, a] | found[:, b]
    return found
