"""After the cure: what is not missed goes, what is too large shrinks."""

from collections.abc import Callable, Sequence

from gridstudio.planning.mitigation.effort import large
from gridstudio.planning.mitigation.predict import new_ratings, surely_needed
from gridstudio.planning.mitigation.problem import Option, Plan
from gridstudio.planning.mitigation.search import Search
from gridstudio.planning.mitigation.state import State

PASSES = 10
LEAST_SAVING_USD = 0.01
FAR = 1.05  # of its limit: no other change of the circuit that removing one measure brings takes so much off
Holds = Callable[[Search, State, State], bool]


def clean(search: Search, state: State, phase: str = "cleanup") -> State:
    """Measures removed or shrunk, the dearest first, until none can be."""
    for _ in range(PASSES):
        shrunk = _shrunk_together if large(search.problem, state.plan) else _shrunk
        smaller = shrunk(search, _removed(search, state, phase), phase)
        if smaller is state:
            break
        state = smaller
    return state


def without_idle(search: Search, state: State, phase: str = "cleanup") -> State:
    """The last pass: no measure stays without which no more limits are broken; what only eases a violation that stays
    is not bought. Each is left out in power flows of its own, but for those without which a branch that holds its limit
    would be far above it at the currents of the plan."""
    for _ in range(PASSES):
        options = [option for option in _dearest_first(state) if not _holds_up(search, state, option)]
        plans = [state.plan.without([option.slot]) for option in options]
        screen = search.screen(state)
        reference, base = state.excess[screen], search.base.excess[screen]
        tried = search.solve(phase, plans, screen)
        fits = [not (of.breaks_beyond(reference) or of.worse_than(base)) for _, of in tried]
        idle = [option for option, does in zip(options, fits, strict=True) if does]
        smaller = _left_out(search, state, idle, phase, _as_clean, "without it no more limits are broken")
        if smaller is state:
            break
        state = smaller
    return state


def _holds_up(search: Search, state: State, option: Option) -> bool:
    """Whether a branch holds its limit thanks to an option, beyond any doubt."""
    eases = any(state.over[row] > 0 for row, _ in new_ratings(search.problem, (option,)))
    return not eases and surely_needed(search.problem, state, option, sure=FAR)


def _dearest_first(state: State) -> list[Option]:
    return sorted(state.plan.options, key=lambda option: (-option.cost_usd, option.slot))


def _removed(search: Search, state: State, phase: str) -> State:
    """Without every option that is not missed: all are tried alone, then what may go is left out together."""
    options = [option for option in _dearest_first(state) if not surely_needed(search.problem, state, option)]
    plans = [state.plan.without([option.slot]) for option in options]
    idle = [option for option, fits in zip(options, _screened(search, state, plans, phase), strict=True) if fits]
    return _left_out(search, state, idle, phase, _no_worse, "not missed by any limit")


def _left_out(search: Search, state: State, idle: list[Option], phase: str, holds: Holds, reason: str) -> State:
    """Without as many of some options as hold: on small circuits one after the other, on large ones all at once,
    and where that does not hold in halves."""
    at_once = len(idle) if large(search.problem, state.plan) else 1
    waiting = [idle[first : first + at_once] for first in range(0, len(idle), max(at_once, 1))]
    while waiting:
        group = waiting.pop(0)
        new = search.states(phase, [state.plan.without(option.slot for option in group)])[0]
        if holds(search, new, state):
            search.record(phase, "remove", state, new, group, reason)
            state = new
        elif len(group) > 1:
            half = len(group) // 2
            waiting = [group[:half], group[half:], *waiting]
    return state


def _no_worse(search: Search, new: State, state: State) -> bool:
    return not worse(search, new, state)


def _as_clean(search: Search, new: State, state: State) -> bool:
    return not (new.excess.breaks_beyond(state.excess) or new.excess.worse_than(search.base.excess))


def _shrunk(search: Search, state: State, phase: str) -> State:
    """Every option as cheap as its slot allows, the dearest first."""
    for option in _dearest_first(state):
        cheaper = [o for o in _cheaper(search, option) if not surely_needed(search.problem, state, option, o)]
        if not cheaper:
            continue
        fits = _screened(search, state, [state.plan.having([o]) for o in cheaper], phase)
        for smaller in (o for o, does in zip(cheaper, fits, strict=True) if does):
            new = search.states(phase, [state.plan.having([smaller])])[0]
            if not worse(search, new, state):
                search.record(phase, "shrink", state, new, [smaller], "the smaller one does")
                state = new
                break
    return state


def _shrunk_together(search: Search, state: State, phase: str) -> State:
    """Large circuits: every option as cheap as the state's currents let it be, as many at once as hold."""
    cheapest = []
    for option in _dearest_first(state):
        fits = [o for o in _cheaper(search, option) if not surely_needed(search.problem, state, option, o)]
        cheapest += fits[:1]
    group, at = list(cheapest), 0
    while group:
        new = search.states(phase, [state.plan.having(group)])[0]
        if not worse(search, new, state):
            search.record(phase, "shrink", state, new, group, "the smaller one does")
            state, at = new, at + len(group)
            group = [] if at >= len(cheapest) else cheapest[at : at + len(group)]
        else:
            at += len(group) == 1
            group = cheapest[at : at + max(1, len(group) // 2)]
    return state


def _cheaper(search: Search, option: Option) -> list[Option]:
    """Options of a slot that cost less than one, the cheapest first."""
    known = (o for o in offers(search, option) if o.cost_usd < option.cost_usd - LEAST_SAVING_USD)
    return sorted(known, key=lambda o: (o.cost_usd, o.what))


def offers(search: Search, option: Option) -> list[Option]:
    """All options of a slot that the study knows."""
    known = [o for kept in search.problem.offers.values() for o in kept if o.slot == option.slot]
    return list(dict.fromkeys(known))


def _screened(search: Search, state: State, plans: Sequence[Plan], phase: str) -> list[bool]:
    """Which plans break no more than a state, in the scenarios that are worst for the circuit as it is."""
    screen = search.screen(search.base)
    reference, base = state.excess[screen], search.base.excess[screen]
    return [
        not (found.worse_than(reference) or found.worse_than(base)) and found.violations <= reference.violations
        for _, found in search.solve(phase, plans, screen)
    ]


def worse(search: Search, new: State, state: State) -> str:
    """What a cheaper plan breaks that the present one does not; "" if nothing."""
    why = search.admissible(new, state)
    if not why and new.excess.violations > state.excess.violations:
        why = "more violations"
    return why
