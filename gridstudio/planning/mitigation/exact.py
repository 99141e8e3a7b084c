"""All cheaper plans of the menu, the cheapest first, as far as their number allows.

The menu is every option that the search ever tried, and no option is a choice too. Plans are built in the order of
their cost (a heap over the slots), and solved until one breaks no more than the plan at hand: then that one is the
cheapest of the menu. If none does before the plan's own cost is reached, the plan at hand is proven. Where the plans
are more than may be tried, nothing is tried and nothing is proven.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from gridstudio.planning.mitigation.cleanup import LEAST_SAVING_USD
from gridstudio.planning.mitigation.problem import Option, Plan
from gridstudio.planning.mitigation.search import Search
from gridstudio.planning.mitigation.state import State

BATCH = 64


@dataclass(frozen=True)
class Proof:
    """What is known of the plan's cost: ``bound_usd`` no plan of the menu below it does as well, ``tried`` plans."""

    bound_usd: float
    tried: int
    options: int

    def proven(self, cost_usd: float) -> bool:
        return self.bound_usd >= cost_usd - LEAST_SAVING_USD


def cheapest(search: Search, state: State, most: int, phase: str = "exact") -> tuple[State, Proof]:
    """The state itself or a cheaper one that breaks no more, and what is proven of it."""
    menu = [sorted(kept, key=lambda o: (o.cost_usd, o.what)) for _, kept in sorted(search.offered.items())]
    count = sum(len(kept) for kept in menu)
    plans = list(islice(by_cost(menu, state.plan.cost_usd - LEAST_SAVING_USD), most + 1))
    if len(plans) > most:
        return state, Proof(0.0, 0, count)
    for first in range(0, len(plans), BATCH):
        found = _first_that_does(search, state, plans[first : first + BATCH], phase)
        if found is not None:
            reason = "the cheapest of all plans of what was proposed"
            search.record(phase, "swap", state, found, found.plan.options, reason)
            return found, Proof(found.plan.cost_usd, len(plans), count)
    return state, Proof(state.plan.cost_usd, len(plans), count)


def _first_that_does(search: Search, state: State, plans: Sequence[Plan], phase: str) -> State | None:
    """The first plan that breaks no more than the state: screened in the worst scenarios of the circuit as it is."""
    screen = search.screen(search.base)
    reference = state.excess[screen]
    for plan, (_, found) in zip(plans, search.solve(phase, plans, screen), strict=True):
        if not found.worse_than(reference) and found.violations <= reference.violations:
            new = search.states(phase, [plan])[0]
            if not search.admissible(new, state) and new.excess.violations <= state.excess.violations:
                return new
    return None


def by_cost(menu: Sequence[Sequence[Option]], below_usd: float) -> Iterator[Plan]:
    """Plans of at most one option of every slot, by rising cost, all that cost less than ``below_usd``.

    ``menu`` (slot, option) by rising cost. Slots are put in the order of their cheapest option, so that of a plan the
    last slot used is exchanged for the next option or the next slot, or joined by it: every plan is made once.
    """
    slots = sorted((list(kept) for kept in menu if kept), key=lambda kept: (kept[0].cost_usd, kept[0].slot))
    heap: list[tuple[float, int, tuple[tuple[int, int], ...]]] = [(0.0, 0, ())]
    number = 0
    while heap:
        cost, _, chosen = heapq.heappop(heap)
        if cost >= below_usd:
            return
        yield Plan().having(slots[s][o] for s, o in chosen)
        for following in _following(slots, chosen):
            number += 1
            price = sum(slots[s][o].cost_usd for s, o in following)
            heapq.heappush(heap, (price, number, following))


def _following(
    slots: Sequence[Sequence[Option]], chosen: tuple[tuple[int, int], ...]
) -> Iterator[tuple[tuple[int, int], ...]]:
    """The plans that come from one, none of them cheaper than it."""
    if not chosen:
        if slots:
            yield ((0, 0),)
        return
    rest, (slot, option) = chosen[:-1], chosen[-1]
    if option + 1 < len(slots[slot]):
        yield (*rest, (slot, option + 1))
    if slot + 1 < len(slots):
        yield (*chosen, (slot + 1, 0))
        if option == 0:
            yield (*rest, (slot + 1, 0))
