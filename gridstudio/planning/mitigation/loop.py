"""The joint loop: cure what is violated, step by step, each step the one that removes most per dollar.

A round asks one tier of candidates after the other. All of a tier are solved, ranked by what they remove of the
excess per dollar, and the best are put one on top of the other: each further one is a step of its own if the power
flows with all of them show that it makes nothing worse and still does what it is paid for. Where every single
candidate makes something worse, the search dives: it takes the best in spite of it, and goes on from there until
the whole makes nothing worse; that is then one step.
"""

from collections.abc import Sequence

from gridstudio.planning.mitigation.problem import Option
from gridstudio.planning.mitigation.proposals import TIERS, State, effort, proposals
from gridstudio.planning.mitigation.search import Search, Trial

CHAIN = 8  # candidates of a round that are put one on top of the other
STILL_GAINS = 0.3  # share of what a candidate removed alone that it must remove on top of others
LEAST_GAIN = 1e-4  # of the score: a thousandth of a branch's limit, 5e-6 pu
WORTH = 0.02  # of all that is left: what removes less must clear a violation, or there is nothing else
FEW = 100  # candidates of a round: with fewer the circuit is too large to solve all of them, or to dive often
DIVES, DEPTH = 3, 6  # first candidates of dives, candidates in one


def cure(search: Search, state: State, phase: str = "cure") -> State:
    """The state after as many steps as help; ``search.stuck`` says what was tried where something is left."""
    while state.excess.violations and len(search.steps) < search.most_steps:
        trials: list[Trial] = []
        better = None
        for tier in TIERS:
            large = effort(search.problem, state.plan) < FEW
            trials += search.try_all(phase, state, proposals(search.problem, state, tier), predict=large)
            better = _chained(search, state, trials, phase)
            if better is None and tier in ("wires", "slow"):
                better = _dive(search, state, trials, phase)
            if better is not None:
                break
        if better is None:
            search.stuck = state, trials
            break
        state = better
    return state


def _chained(search: Search, state: State, trials: Sequence[Trial], phase: str) -> State | None:
    """The state after the best trials that hold on top of one another; None if none does."""
    ranked = _ranked(search, state, [trial for trial in trials if not trial.worse])
    while ranked:
        chain = _chain(ranked)
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
            search.record(phase, _action(now, options), now, new, options, trial.move.reason, why)
            if why:
                break
            now = new
            if not now.excess.violations:
                break
        if now is not state:
            return now
        ranked = ranked[1:]
    return None


def _ranked(search: Search, state: State, trials: Sequence[Trial]) -> list[Trial]:
    """Trials that remove something, most per dollar first."""
    before = state.excess[search.screen(state)].score
    useful = [trial for trial in trials if before - trial.score > LEAST_GAIN]
    count = state.excess[search.screen(state)].violations
    worth = [t for t in useful if before - t.score > WORTH * before or t.excess.violations < count]
    useful = worth or useful

    def order(trial: Trial) -> tuple[float, float, str]:
        price = max(trial.plan.cost_usd - state.plan.cost_usd, 1.0)
        gain = before - trial.score
        if trial.move.options[0].last_resort:
            price *= 1e3  # acts for hours only
        return -gain / price, price, trial.move.options[0].what

    return sorted(useful, key=order)


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
    firsts = _ranked(search, state, [trial for trial in trials if trial.worse])[:DIVES]
    if effort(search.problem, state.plan) < FEW:
        firsts = firsts[:1]
    for first in firsts:
        if first.move.slow and effort(search.problem, first.plan) < FEW:
            continue
        now, options = search.states(phase, [first.plan])[0], list(first.move.options)
        for _ in range(DEPTH):
            if not search.admissible(now, state) and now.excess.score < state.excess.score - LEAST_GAIN:
                action = _action(state, options)
                search.record(phase, action, state, now, options, f"{first.move.reason}; and what goes with it")
                return now
            further = search.try_all(phase, now, proposals(search.problem, now, "plain"))
            ranked = _ranked(search, now, further)
            if not ranked:
                break
            best = ranked[0]
            now = search.states(phase, [best.plan])[0]
            kept = {option.slot: option for option in (*options, *best.move.options)}
            options = list(kept.values())
    return None


def _action(state: State, options: Sequence[Option]) -> str:
    """In words, what options do to a plan."""
    old = [state.plan.of(option.slot) for option in options]
    if all(option is None for option in old):
        return "add"
    grows = [new.size > was.size for new, was in zip(options, old, strict=True) if was]
    return "enlarge" if all(grows) else "change"
