"""After the cure: what is not missed goes, what is too large shrinks, what can be had cheaper is swapped."""

from collections.abc import Sequence

from gridstudio.planning.mitigation.effort import large
from gridstudio.planning.mitigation.places import Move
from gridstudio.planning.mitigation.predict import surely_needed
from gridstudio.planning.mitigation.problem import Option, Plan
from gridstudio.planning.mitigation.proposals import against_heat, proposals
from gridstudio.planning.mitigation.search import Search
from gridstudio.planning.mitigation.state import State

PASSES = 10
SWAP_STEPS = 3  # candidates in the place of one
LEAST_SAVING_USD = 0.01


def clean(search: Search, state: State, phase: str = "cleanup") -> State:
    """Measures removed or shrunk, the dearest first, until none can be."""
    for _ in range(PASSES):
        shrunk = _shrunk_together if large(search.problem, state.plan) else _shrunk
        smaller = shrunk(search, _removed(search, state, phase), phase)
        if smaller is state:
            break
        state = smaller
    return state


def _removed(search: Search, state: State, phase: str) -> State:
    """Without every option that is not missed: all are tried alone, then one after the other."""
    options = sorted(state.plan.options, key=lambda option: (-option.cost_usd, option.slot))
    groups = [(option,) for option in options if not surely_needed(search.problem, state, option)]
    plans = [state.plan.without(option.slot for option in group) for group in groups]
    idle = [group for group, fits in zip(groups, _screened(search, state, plans, phase), strict=True) if fits]
    for group in idle:
        new = search.states(phase, [state.plan.without(option.slot for option in group)])[0]
        if not _worse(search, new, state):
            search.record(phase, "remove", state, new, group, "not missed by any limit")
            state = new
    return state


def _shrunk(search: Search, state: State, phase: str) -> State:
    """Every option as cheap as its slot allows, the dearest first."""
    for option in sorted(state.plan.options, key=lambda option: (-option.cost_usd, option.slot)):
        cheaper = [o for o in _cheaper(search, option) if not surely_needed(search.problem, state, option, o)]
        if not cheaper:
            continue
        fits = _screened(search, state, [state.plan.having([o]) for o in cheaper], phase)
        for smaller in (o for o, does in zip(cheaper, fits, strict=True) if does):
            new = search.states(phase, [state.plan.having([smaller])])[0]
            if not _worse(search, new, state):
                search.record(phase, "shrink", state, new, [smaller], "the smaller one does")
                state = new
                break
    return state


def _shrunk_together(search: Search, state: State, phase: str) -> State:
    """Large circuits: every option as cheap as the state's currents let it be, as many at once as hold."""
    cheapest = []
    for option in sorted(state.plan.options, key=lambda option: (-option.cost_usd, option.slot)):
        fits = [o for o in _cheaper(search, option) if not surely_needed(search.problem, state, option, o)]
        cheapest += fits[:1]
    group, at = list(cheapest), 0
    while group:
        new = search.states(phase, [state.plan.having(group)])[0]
        if not _worse(search, new, state):
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


def _worse(search: Search, new: State, state: State) -> str:
    """What a cheaper plan breaks that the present one does not; "" if nothing."""
    why = search.admissible(new, state)
    if not why and new.excess.violations > state.excess.violations:
        why = "more violations"
    return why


# -- swaps ----------------------------------------------------------------------------------------------------------


def swap(search: Search, state: State, most: int, phase: str = "swap") -> State:
    """The dearest measures, each taken out and what it cured cured again from the rest of the menu, if cheaper."""
    looked_at, swapped = set[Option](), False
    for _ in range(most):
        options = [option for option in state.plan.options if option not in looked_at]
        if not options:
            break
        dearest = max(options, key=lambda option: (option.cost_usd, option.slot))
        looked_at.add(dearest)
        cheaper = _swapped(search, state, dearest, phase)
        swapped = swapped or cheaper is not state
        state = cheaper
        if swapped and not large(search.problem, state.plan):
            state, swapped = clean(search, state), False
    return clean(search, state) if swapped else state


def _swapped(search: Search, state: State, option: Option, phase: str) -> State:
    """The state with cheaper options in the place of one, or as it is."""
    now = search.states(phase, [state.plan.without([option.slot])])[0]
    added: list[Option] = []
    quick = large(search.problem, now.plan) and not _only_hot(now)
    for _ in range(1 if quick else SWAP_STEPS):
        budget = state.plan.cost_usd - LEAST_SAVING_USD
        moves = [move for move in _instead(search, now, option) if now.plan.having(move.options).cost_usd < budget]
        trials = search.try_all(phase, now, moves, predict=large(search.problem, now.plan) and _only_hot(now))
        trials.sort(key=lambda t: (t.score, t.plan.cost_usd, t.move.reason))
        if not trials or trials[0].score >= now.excess[search.screen(now)].score:
            return state
        done = [trial for trial in trials if trial.score <= trials[0].score + 1e-9]
        best = min(done, key=lambda t: (t.plan.cost_usd, t.move.reason))
        added += best.move.options
        now = search.states(phase, [best.plan])[0]
        if not _worse(search, now, state):
            search.record(phase, "swap", state, now, added, f"in the place of {option.what} ({option.element})")
            return now
    return state


def _instead(search: Search, now: State, option: Option) -> list[Move]:
    """What may be tried in the place of an option that was taken out; large circuits: no wires for voltages, no fresh
    copies of the circuit."""
    problem = search.problem
    if large(problem, now.plan):
        moves = against_heat(problem, now) if _only_hot(now) else proposals(problem, now, "plain")
    else:
        moves = [move for tier in ("plain", "wires", "slow") for move in proposals(problem, now, tier)]
    other = (move for move in moves if all(o.slot != option.slot for o in move.options))
    return [move for move in other if option.slow or not move.slow]


def _only_hot(state: State) -> bool:
    """Whether branches are too hot, and nothing else is wrong."""
    of = state.excess
    return bool(of.over.any()) and not (of.low.any() or of.high.any() or of.unsolved.any())
