"""Measures that can be had cheaper: taken out, and what they cured cured again from the rest of the menu."""

from collections.abc import Sequence

from gridstudio.planning.mitigation.cleanup import LEAST_SAVING_USD, clean, worse
from gridstudio.planning.mitigation.effort import large
from gridstudio.planning.mitigation.groups import combined
from gridstudio.planning.mitigation.places import Move
from gridstudio.planning.mitigation.predict import new_ratings
from gridstudio.planning.mitigation.problem import Option
from gridstudio.planning.mitigation.proposals import against_heat, proposals
from gridstudio.planning.mitigation.ranking import ranked
from gridstudio.planning.mitigation.search import Search, Trial
from gridstudio.planning.mitigation.state import State

SWAP_STEPS = 3  # candidates, or groups of them, in the place of one


def swap(search: Search, state: State, most: int, phase: str = "swap") -> State:
    """The dearest measures, each replaced if something cheaper does as well; on large circuits all of a kind."""
    looked_at, swapped = set[Option](), False
    for _ in range(most):
        group = _dearest(search, state, looked_at)
        if not group:
            break
        looked_at.update(group)
        cheaper = _swapped(search, state, group, phase)
        swapped = swapped or cheaper is not state
        state = cheaper
        if swapped and not large(search.problem, state.plan):
            state, swapped = clean(search, state), False
    return clean(search, state) if swapped else state


def _dearest(search: Search, state: State, looked_at: set[Option]) -> list[Option]:
    """The dearest option that was not looked at; on large circuits the dearest kind of measure."""
    options = [option for option in state.plan.options if option not in looked_at]
    if not large(search.problem, state.plan):
        return [max(options, key=lambda option: (option.cost_usd, option.slot))] if options else []
    kinds: dict[str, list[Option]] = {}
    for option in options:
        kinds.setdefault(option.measure, []).append(option)
    return max(kinds.values(), key=lambda kind: (sum(o.cost_usd for o in kind), kind[0].measure), default=[])


def _swapped(search: Search, state: State, group: Sequence[Option], phase: str) -> State:
    """The state with cheaper options in the place of a group, or as it is."""
    now = search.states(phase, [state.plan.without(option.slot for option in group)])[0]
    added: dict[str, Option] = {}
    quick = large(search.problem, now.plan) and not _only_hot(now)
    for _ in range(1 if quick else SWAP_STEPS):
        options = _helping(search, now, state, group, phase)
        plan = now.plan.having(options)
        if not options or plan.cost_usd >= state.plan.cost_usd - LEAST_SAVING_USD:
            break
        added |= {option.slot: option for option in options}
        now = search.states(phase, [plan])[0]
        if not worse(search, now, state):
            return _taken(search, state, now, group, added, phase)
    return _with_some_back(search, state, now, group, added, phase) if len(group) > 1 else state


def _helping(search: Search, now: State, state: State, group: Sequence[Option], phase: str) -> list[Option]:
    """Options that remove most of what taking out a group has broken: one candidate, or on large circuits several."""
    budget, predict = state.plan.cost_usd - LEAST_SAVING_USD, large(search.problem, now.plan) and _only_hot(now)
    moves = [move for move in _instead(search, now, group) if now.plan.having(move.options).cost_usd < budget]
    trials = search.try_all(phase, now, moves, predict=predict)
    if predict:
        chosen = combined(search, now, ranked(search, now, [trial for trial in trials if not trial.worse]))
        return [option for trial in chosen for option in trial.move.options]
    best = _most(trials)
    return list(best.move.options) if best and best.score < now.excess[search.screen(now)].score else []


def _most(trials: Sequence[Trial]) -> Trial | None:
    """The trial that leaves least, the cheapest of those that leave the same."""
    if not trials:
        return None
    least = min(trial.score for trial in trials) + 1e-9
    return min((t for t in trials if t.score <= least), key=lambda t: (t.plan.cost_usd, t.move.reason))


def _with_some_back(
    search: Search, state: State, now: State, group: Sequence[Option], added: dict[str, Option], phase: str
) -> State:
    """The state with those of a group put back whose own branches are too hot without, if that is cheaper."""
    back = [o for o in group if any(now.over[row] > 0 for row, _ in new_ratings(search.problem, (o,)))]
    plan = now.plan.having(back)
    if not added or not back or plan.cost_usd >= state.plan.cost_usd - LEAST_SAVING_USD:
        return state
    new = search.states(phase, [plan])[0]
    gone = [option for option in group if option not in back]
    return state if worse(search, new, state) else _taken(search, state, new, gone, added, phase)


def _taken(
    search: Search, state: State, new: State, gone: Sequence[Option], added: dict[str, Option], phase: str
) -> State:
    """The new state, recorded as a step."""
    instead = "; ".join(dict.fromkeys(f"{option.what} ({option.element})" for option in gone))
    search.record(phase, "swap", state, new, list(added.values()), f"in the place of {instead}")
    return new


def _instead(search: Search, now: State, group: Sequence[Option]) -> list[Move]:
    """What may be tried in the place of options that were taken out; large circuits: no wires for voltages, no fresh
    copies of the circuit."""
    problem, slots = search.problem, {option.slot for option in group}
    if large(problem, now.plan):
        moves = against_heat(problem, now) if _only_hot(now) else proposals(problem, now, "plain")
    else:
        moves = [move for tier in ("plain", "wires", "slow") for move in proposals(problem, now, tier)]
    other = (move for move in moves if not slots.intersection(option.slot for option in move.options))
    return [move for move in other if not move.slow or any(option.slow for option in group)]


def _only_hot(state: State) -> bool:
    """Whether branches are too hot, and nothing else is wrong."""
    of = state.excess
    return bool(of.over.any()) and not (of.low.any() or of.high.any() or of.unsolved.any())
