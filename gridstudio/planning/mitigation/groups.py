"""Large circuits: candidates that act on different violations are taken together, as one step.

What candidates do against hot branches is predicted (``predict``); the others are solved. The group is filled by what
each removes per dollar of what the ones before it leave, as if effects added up. The power flows of the whole group
then decide; where they show it makes something worse or does too little, its halves are tried, and so on.
"""

from collections.abc import Sequence

import numpy as np

from gridstudio.planning.mitigation.excess import VOLTAGE_WEIGHT, Excess
from gridstudio.planning.mitigation.predict import new_ratings
from gridstudio.planning.mitigation.ranking import LEAST_GAIN, STILL_GAINS, action, ranked
from gridstudio.planning.mitigation.search import Search, Trial
from gridstudio.planning.mitigation.state import State

GROUP = 64  # most candidates of a step
DEPTH = 2  # how often a refused group is halved; what is in the last part is not predicted again
NEW_SHARE = 0.5  # of what a candidate removes alone must be left to remove by those before it


def grouped(search: Search, state: State, trials: Sequence[Trial], phase: str) -> State | None:
    """The state after the groups that hold, each a step of its own; None if none does."""
    best = ranked(search, state, [trial for trial in trials if not trial.worse])
    now, waiting = state, [(combined(search, state, best), 0)]
    while waiting and now.excess.violations:
        group, depth = waiting.pop(0)
        found = _taken(search, now, group, phase) if group else None
        if found is not None:
            now = found
        else:
            parts = _parts(search, group, depth)
            waiting = [part for part in parts if part[0]] + waiting
            if not parts:
                search.refused.update(option for trial in group for option in trial.move.options)
    return None if now is state else now


def _parts(search: Search, group: Sequence[Trial], depth: int) -> list[tuple[list[Trial], int]]:
    """A refused group in two: what only changes ratings, which disturbs little, and the rest; else its halves."""
    rated = [trial for trial in group if new_ratings(search.problem, trial.move.options)]
    other = [trial for trial in group if trial not in rated]
    if rated and other:
        return [(rated, depth), (other, depth)]
    half = len(group) // 2
    return [(list(group[:half]), depth + 1), (list(group[half:]), depth + 1)] if half and depth < DEPTH else []


def _taken(search: Search, state: State, group: Sequence[Trial], phase: str) -> State | None:
    """The state with a group; None if it is refused. Either way a row of the steps, unless the budget forbids it."""
    options = [option for trial in group for option in trial.move.options]
    plan = state.plan.having(options)
    if plan.cost_usd > search.budget_usd:
        return None
    new = search.states(phase, [plan])[0]
    gain, promised = state.excess.score - new.excess.score, sum(trial.gain for trial in group)
    why = search.admissible(new, state)
    if not why and gain < max(LEAST_GAIN, STILL_GAINS * promised):
        why = "removes too little"
    reasons = [trial.move.reason for trial in group for _ in trial.move.options]
    search.record(phase, action(state, options), state, new, options, reasons, why)
    return None if why else new


def combined(search: Search, state: State, best: Sequence[Trial]) -> list[Trial]:
    """Ranked trials of different slots that each have something left to remove; slow ones and last resorts alone."""
    now = state.excess[search.screen(state)]
    left, slots, group = _cells(now), set[str](), list[Trial]()
    for trial in best:
        alone = trial.move.slow or trial.move.options[0].last_resort
        mine = {option.slot for option in trial.move.options}
        if slots & mine or (alone and group):
            continue
        gain = np.maximum(_cells(now) - _cells(trial.excess), 0.0)
        if np.minimum(gain, left).sum() < NEW_SHARE * gain.sum():
            continue
        left = np.maximum(left - gain, 0.0)
        slots |= mine
        group.append(trial)
        if alone or len(group) == GROUP:
            break
    return group


def _cells(of: Excess) -> np.ndarray:
    """All excess, weighted as in its score."""
    return np.concatenate([VOLTAGE_WEIGHT * of.low.ravel(), VOLTAGE_WEIGHT * of.high.ravel(), of.over.ravel()])
