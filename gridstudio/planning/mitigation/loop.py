"""The joint loop: cure what is violated, step by step, each step the one that removes most per dollar.

A round asks one tier of candidates after the other. All of a tier are solved, ranked by what they remove of the
excess per dollar, and the best are put one on top of the other: each further one is a step of its own if the power
flows with all of them show that it makes nothing worse and still does what it is paid for. Where every single
candidate makes something worse, the search dives: it takes the best in spite of it, and goes on from there until
the whole makes nothing worse; that is then one step.
"""

from collections.abc import Sequence

from gridstudio.planning.mitigation.effort import large
from gridstudio.planning.mitigation.groups import grouped
from gridstudio.planning.mitigation.proposals import TIERS, against_heat, proposals
from gridstudio.planning.mitigation.ranking import LEAST_GAIN, STILL_GAINS, action, ranked
from gridstudio.planning.mitigation.search import Search, Trial
from gridstudio.planning.mitigation.state import State

CHAIN = 8  # candidates of a round that are put one on top of the other
DIVES, DEPTH = 3, 6  # first candidates of dives, candidates in one


def cure(search: Search, state: State, phase: str = "cure") -> State:
    """The state after as many steps as help; ``search.stuck`` says what was tried where something is left."""
    while state.excess.violations and search.taken < search.most_steps:
        trials: list[Trial] = []
        better = _predicted(search, state, phase)
        for tier in TIERS if better is None else ():
            trials += search.try_all(phase, state, proposals(search.problem, state, tier))
            take = grouped if large(search.problem, state.plan) else _chained
            better = take(search, state, trials, phase)
            if better is None and tier in ("wires", "slow"):
                better = _dive(search, state, trials, phase)
            if better is not None:
                break
        if better is None:
            search.stuck = state, trials
            break
        state = better
    return state


def _predicted(search: Search, state: State, phase: str) -> State | None:
    """Large circuits: the state after what is predicted to relieve hot branches, if the power flows agree."""
    if not large(search.problem, state.plan) or not state.over.any():
        return None
    moves = against_heat(search.problem, state)
    return grouped(search, state, search.try_all(phase, state, moves, predict=True), phase)


def _chained(search: Search, state: State, trials: Sequence[Trial], phase: str) -> State | None:
    """The state after the best trials that hold on top of one another; None if none does."""
    best = ranked(search, state, [trial for trial in trials if not trial.worse])
    while best:
        chain = _chain(best)
        plans, plan = [], state.plan
        for trial in chain:
            plan = plan.having(trial.move.options)
            plans.append(plan)
        plans = [plan for plan in plans if plan.cost_usd <= search.budget_usd]
        now = state
        for trial, new in zip(chain, search.states(phase, plans), strict=False):
            why = search.admissible(new, now)
            gain, alone = now.excess.score - new.excess.score, state.excess[search.screen(state)].score - trial.score
            if not why and gain < max(LEAST_GAIN, STILL_GAINS * alone if now is not state else 0.0):
                why = "removes too little"
            if why and now is not state:
                return now
            options = trial.move.options
            search.record(phase, action(now, options), now, new, options, trial.move.reason, why)
            if why:
                break
            now = new
            if not now.excess.violations:
                break
        if now is not state:
            return now
        best = best[1:]
    return None


def _chain(ranked: Sequence[Trial]) -> list[Trial]:
    """The best trial, and the next ones of other slots; slow ones and last resorts alone."""
    first = ranked[0]
    if first.move.slow or first.move.options[0].last_resort:
        return [first]
    taken, chain = set[str](), list[Trial]()
    for trial in ranked:
        slots = {option.slot for option in trial.move.options}
        if not taken & slots and not trial.move.slow and not trial.move.options[0].last_resort:
            taken |= slots
            chain.append(trial)
        if len(chain) == CHAIN:
            break
    return chain


def _dive(search: Search, state: State, trials: Sequence[Trial], phase: str) -> State | None:
    """Several candidates as one step: each next one cures what the last made worse."""
    firsts = ranked(search, state, [trial for trial in trials if trial.worse])[:DIVES]
    if large(search.problem, state.plan):
        firsts = firsts[:1]
    for first in firsts:
        if first.move.slow and large(search.problem, first.plan):
            continue
        now, options = search.states(phase, [first.plan])[0], list(first.move.options)
        for _ in range(DEPTH):
            if not search.admissible(now, state) and now.excess.score < state.excess.score - LEAST_GAIN:
                reason = f"{first.move.reason}; and what goes with it"
                search.record(phase, action(state, options), state, now, options, reason)
                return now
            further = search.try_all(phase, now, proposals(search.problem, now, "plain"))
            helping = ranked(search, now, further)
            if not helping:
                break
            best = helping[0]
            now = search.states(phase, [best.plan])[0]
            kept = {option.slot: option for option in (*options, *best.move.options)}
            options = list(kept.values())
    return None
