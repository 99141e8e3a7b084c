"""After the cure: what is not missed goes, what is too large shrinks, what can be had cheaper is swapped."""

from collections.abc import Sequence

from gridstudio.planning.mitigation.problem import Option, Plan
from gridstudio.planning.mitigation.proposals import State, proposals
from gridstudio.planning.mitigation.search import Search

PASSES = 10
SWAP_STEPS = 3  # candidates in the place of one
LEAST_SAVING_USD = 0.01


def clean(search: Search, state: State, phase: str = "cleanup") -> State:
    """Measures removed or shrunk, the dearest first, until none can be."""
    for _ in range(PASSES):
        smaller = _shrunk(search, _removed(search, state, phase), phase)
        if smaller is state:
            break
        state = smaller
    return state


def _removed(search: Search, state: State, phase: str) -> State:
    """Without every option that is not missed: all are tried alone, then together as far as they go."""
    options = sorted(state.plan.options, key=lambda option: (-option.cost_usd, option.slot))
    groups = [(option,) for option in options]
    plans = [state.plan.without(option.slot for option in group) for group in groups]
    idle = [group for group, fits in zip(groups, _screened(search, state, plans, phase), strict=True) if fits]
    while idle:
        plans, plan = [], state.plan
        for group in idle:
            plan = plan.without(option.slot for option in group)
            plans.append(plan)
        now, left = state, []
        for k, (group, new) in enumerate(zip(idle, search.states(phase, plans), strict=True)):
            if _worse(search, new, now):
                left = idle[k + 1 :]
                break
            search.record(phase, "remove", now, new, group, "not missed by any limit")
            now = new
        if now is state and not left:
            break
        state, idle = now, left
    return state


def _shrunk(search: Search, state: State, phase: str) -> State:
    """Every option as cheap as its slot allows, the dearest first."""
    for option in sorted(state.plan.options, key=lambda option: (-option.cost_usd, option.slot)):
        cheaper = sorted(
            (o for o in offers(search, option) if o.cost_usd < option.cost_usd - LEAST_SAVING_USD),
            key=lambda o: (o.cost_usd, o.what),
        )
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
    looked_at = set[Option]()
    for _ in range(most):
        options = [option for option in state.plan.options if option not in looked_at]
        if not options:
            break
        dearest = max(options, key=lambda option: (option.cost_usd, option.slot))
        looked_at.add(dearest)
        cheaper = _swapped(search, state, dearest, phase)
        state = clean(search, cheaper) if cheaper is not state else state
    return state


def _swapped(search: Search, state: State, option: Option, phase: str) -> State:
    """The state with cheaper options in the place of one, or as it is."""
    now = search.states(phase, [state.plan.without([option.slot])])[0]
    added: list[Option] = []
    for _ in range(SWAP_STEPS):
        moves = [
            move
            for tier in ("plain", "wires", "slow")
            for move in proposals(search.problem, now, tier)
            if all(o.slot != option.slot for o in move.options) and (option.slow or not move.slow)
        ]
        budget = state.plan.cost_usd - LEAST_SAVING_USD
        moves = [move for move in moves if now.plan.having(move.options).cost_usd < budget]
        trials = sorted(search.try_all(phase, now, moves), key=lambda t: (t.score, t.plan.cost_usd, t.move.reason))
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
