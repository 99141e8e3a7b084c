"""What is left after the plan, what was tried against it, and what the best candidate gave.

Candidates are those that a round of the search proposes (``proposals``): the worst places, a limited number of each
kind, one measure or set on top of the plan. That none of them helps is no proof that nothing on the menu does, and the
words say no more than what was tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridstudio.planning.mitigation.effort import large
from gridstudio.planning.mitigation.excess import Excess, rating_a
from gridstudio.planning.mitigation.problem import READ_PU
from gridstudio.planning.mitigation.proposals import TIERS, against_heat, proposals
from gridstudio.planning.mitigation.search import Search, Trial
from gridstudio.planning.mitigation.state import State

COLUMNS = [
    *("kind", "element", "phase", "violations", "scenario", "hour", "value", "limit", "unit", "tried"),
    *("best_measure", "best_element", "best_value", "cause"),
]
SOME = 1e-9


@dataclass(frozen=True)
class Place:
    """A violated element and kind: all its cells, and the worst."""

    kind: str
    element: str
    phase: int
    field: str  # of ``Excess``
    columns: tuple[int, ...]
    worst: tuple[int, int, int]  # row of the screen, step, column
    violations: int


def remaining(search: Search, state: State, hours: Sequence[str]) -> pd.DataFrame:
    """A row per element and kind that is left; see the package for the columns."""
    if not state.excess.violations:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS})
    screen = search.screen(state)
    trials: list[Trial] = []
    if large(search.problem, state.plan):  # what the tiers leave out there: effects that can be predicted
        trials += search.try_all("explain", state, against_heat(search.problem, state), predict=True)
    for tier in TIERS:
        trials += search.try_all("explain", state, proposals(search.problem, state, tier))
    names = [search.problem.scenarios[s].name for s in screen]
    rows = [_row(search, state, place, trials, names, hours) for place in _places(search, state, screen)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _places(search: Search, state: State, screen: Sequence[int]) -> list[Place]:
    problem, seen = search.problem, state.excess[screen]
    nodes, elements = problem.network.nodes, problem.network.branches["element"].to_numpy()
    bus, phase = nodes["bus"].to_numpy(), nodes["phase"].to_numpy()
    found = []
    for kind, field in (("undervoltage", "low"), ("overvoltage", "high"), ("overload", "over")):
        values, all_values = getattr(seen, field), getattr(state.excess, field)
        named = elements if field == "over" else bus
        columns: dict[str, list[int]] = {}
        for column in np.flatnonzero(values.any(axis=(0, 1))):
            columns.setdefault(str(named[column]), []).append(int(column))
        for element, mine in columns.items():
            part = values[..., mine]
            row, step, k = (int(i) for i in np.unravel_index(int(part.argmax()), part.shape))
            at = 0 if field == "over" else int(phase[mine[k]])
            count = int((all_values[..., mine] > 0).sum())
            found.append(Place(kind, element, at, field, tuple(mine), (row, step, mine[k]), count))
    for row, step in np.argwhere(seen.unsolved):
        found.append(Place("not_converged", "circuit", 0, "unsolved", (0,), (int(row), int(step), 0), 1))
    return found


def _row(
    search: Search, state: State, place: Place, trials: Sequence[Trial], names: Sequence[str], hours: Sequence[str]
) -> tuple[object, ...]:
    row, step, _ = place.worst
    head = (place.kind, place.element, place.phase, place.violations, names[row], hours[step])
    if place.kind == "not_converged":
        cause = "the power flow has no answer at this load, and no candidate gives it one: most likely it is too much"
        return *head, np.nan, np.nan, "", len(trials), "", "", np.nan, cause
    limit, unit, scale = _limit(search, state, place)
    now = _at(state.excess[search.screen(state)], place)
    left = [(_left(trial.excess, place), k) for k, trial in enumerate(trials)]
    helping = [(excess, k) for excess, k in left if excess < now - SOME]
    value = _value(place, limit, now, scale)
    if not helping:
        return *head, value, limit, unit, len(trials), "", "", np.nan, _nothing(search, place, len(trials))
    least = min(excess for excess, _ in helping)
    best = trials[next(k for excess, k in helping if excess <= least + SOME)]
    option = best.move.options[0]
    best_value = _value(place, limit, least, scale)
    cause = _cause(search, place, best, least, best_value, unit)
    return *head, value, limit, unit, len(trials), option.measure, option.element, best_value, cause


def _limit(search: Search, state: State, place: Place) -> tuple[float, str, float]:
    """The limit, its unit, and what one of its excess is in that unit."""
    problem = search.problem
    if place.kind == "overload":
        column = place.worst[2]
        rating = float(rating_a(state.solved)[0, 0, column])
        limit = float(problem.limit_pu[column]) * rating
        return limit, "A", limit
    if place.kind == "undervoltage":
        return problem.limits.v_min_pu + READ_PU, "pu", -1.0
    return problem.limits.v_max_pu - READ_PU, "pu", 1.0


def _value(place: Place, limit: float, excess: float, scale: float) -> float:
    return limit + scale * excess


def _at(excess: Excess, place: Place) -> float:
    return float(getattr(excess, place.field)[place.worst])


def _left(excess: Excess, place: Place) -> float:
    row, step, _ = place.worst
    if excess.unsolved[row, step]:
        return np.inf
    return float(getattr(excess, place.field)[row, step, list(place.columns)].max())


def _nothing(search: Search, place: Place, tried: int) -> str:
    if search.problem.menu.budget_usd is not None:
        return f"nothing that the budget of USD {search.problem.menu.budget_usd:,.0f} still allows acts on it"
    if place.element.removeprefix("line.") in search.problem.switches and place.kind == "overload":
        return f"a switch: the menu has no larger one, and none of the {tried} candidates tried relieves it"
    return f"not cured: none of the {tried} candidates tried on top of the plan makes it better ({_tried(search)})"


def _tried(search: Search) -> str:
    """The measures that the search has tried anywhere."""
    measures = {option.measure for kept in search.offered.values() for option in kept}
    return "tried: " + (", ".join(sorted(measures)).replace("_", " ") or "nothing that fits")


def _cause(search: Search, place: Place, best: Trial, least: float, best_value: float, unit: str) -> str:
    option = best.move.options[0]
    budget = search.problem.menu.budget_usd
    within = f" within the budget of USD {budget:,.0f}" if budget is not None else ""
    if least > SOME:
        what = f"{option.element}: {option.what}"
        return (
            f"not cured{within}: the best candidate tried on top of the plan ({what}) brings it to {best_value:.4g} "
            f"{unit} ({_tried(search)})"
        )
    if best.worse:
        return (
            f"not cured: {option.element}: {option.what} would cure it, but makes {best.worse} worse elsewhere, and "
            f"what was tried on top of it{within} does not cure that"
        )
    return f"not cured: the search ended before it; {option.element}: {option.what} would cure it"
