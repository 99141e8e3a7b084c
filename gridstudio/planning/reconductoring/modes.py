"""Plans for every scenario: independent (the paper's), verified (by power flow until clean), and the search they share.

All arrays over scenarios follow the list of scenarios given; a plan per scenario. What a plan must provide is the
*needed* conductor of every line in every year; a plan is the cheapest that provides it, and planning on is raising it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import ChangeSet
from gridstudio.domain.scenarios import Scenario
from gridstudio.evaluation import Case, Evaluations
from gridstudio.planning.reconductoring.branch import Step, cheapest, needed_rows
from gridstudio.planning.reconductoring.problem import Plan, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Evaluate = Callable[[str, Sequence[tuple[ChangeSet, Scenario]]], Evaluations]  # phase, cases
ROUNDS = 20  # each round raises a need, of which there are finitely many; more than five were never seen


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan per scenario and the solved power flows of all of them.

    ``squares_a2`` (scenario, line, year): sums of squared phase currents before the plan, None if losses are free.
    """

    plans: list[Plan]
    needed: Ints  # (scenario, line, year) row of the smallest conductor that does; len(catalogue): none does
    squares_a2: Floats | None
    after: Evaluations
    rounds: int


def independent(problem: Problem, scenarios: Sequence[Scenario], before: Evaluations, evaluate: Evaluate) -> Planned:
    """The paper's plans: each branch at the currents of the circuit as it is. Then the truth about them, solved."""
    needed, squares_a2 = needs(problem, before), line_squares(problem, before)
    plans = search(problem, needed, squares_a2)
    after = solved(problem, plans, scenarios, range(len(plans)), before, evaluate, "after")
    return Planned(plans, needed, squares_a2, after, rounds=1)


def verified(problem: Problem, scenarios: Sequence[Scenario], before: Evaluations, evaluate: Evaluate) -> Planned:
    """Plans that hold with their own conductors in the circuit: search, solve, search again for what is violated."""
    start = Planned([], needs(problem, before), line_squares(problem, before), before, rounds=0)
    return settled(problem, scenarios, start, evaluate)


def settled(
    problem: Problem, scenarios: Sequence[Scenario], start: Planned, evaluate: Evaluate, phase: str = "after"
) -> Planned:
    """Plan for what ``start`` needs, solve, and raise the needs of lines that are short, until the plans stay.

    A need is only ever raised, to one that a power flow showed, so the rounds end.
    """
    needed, after = start.needed, start.after
    plans = search(problem, needed, start.squares_a2)
    rounds = 0
    while True:
        after = solved(problem, plans, scenarios, range(len(plans)), after, evaluate, phase)
        rounds += 1
        shown = needs(problem, after)
        needed = np.where(shown > in_force(problem, plans), np.maximum(needed, shown), needed)
        again = search(problem, needed, start.squares_a2)
        if again == plans or rounds == ROUNDS:
            return replace(start, plans=plans, needed=needed, after=after, rounds=rounds)
        plans = again


def search(problem: Problem, needed: Ints, squares_a2: Floats | None) -> list[Plan]:
    """The cheapest plan of every scenario for given needs (scenario, line, year), branch by branch, exactly.

    ``squares_a2`` (scenario, line, year) prices the losses of each conductor at these currents; None leaves them out.
    """
    chosen: list[dict[int, tuple[Step, ...]]] = [{} for _ in needed]
    for line, existing in enumerate(problem.existing):
        if squares_a2 is None and (needed[:, line] <= existing).all():
            continue
        sequences = problem.sequences(line)
        if squares_a2 is None:
            alike, which = np.unique(needed[:, line], axis=0, return_inverse=True)
            rows = cheapest(sequences, alike)[which.ravel()]
        else:
            capital_usd = sequences.capital_usd_per_km * problem.length_km[line]
            cost_usd = capital_usd + losses_usd(problem, line, sequences.in_force, squares_a2[:, line])
            rows = cheapest(sequences, needed[:, line], cost_usd)
        for scenario, row in enumerate(rows):
            if sequences.steps[row]:
                chosen[scenario][line] = sequences.steps[row]
    return [Plan.of(sequences) for sequences in chosen]


def losses_usd(problem: Problem, line: int, in_force: Ints, squares_a2: Floats) -> Floats:
    """Present value of a line's losses (scenario, sequence) [USD], for conductors (sequence, year) and squared currents
    (scenario, year)."""
    resistance = problem.catalogue.ac_resistance_ohm_per_km
    assert resistance is not None  # losses are priced only where the catalogue has resistances
    loss_kw_per_a2 = resistance[in_force] * problem.length_km[line] / 1000.0  # (sequence, year)
    result: Floats = (squares_a2 * problem.loss_usd_per_kw) @ loss_kw_per_a2.T
    return result


def line_currents(problem: Problem, evaluations: Evaluations) -> Floats:
    """Largest phase current (case, line, year) [A]; NaN in a year that did not converge."""
    return evaluations.branch_current_a()[:, :, problem.branch].swapaxes(1, 2)


def needs(problem: Problem, evaluations: Evaluations) -> Ints:
    """Row of the smallest conductor that carries the current (case, line, year); 0 in a year that did not converge."""
    return needed_rows(line_currents(problem, evaluations), problem.catalogue.ampacity_a, problem.limit_pu)


def line_squares(problem: Problem, evaluations: Evaluations) -> Floats | None:
    """Sum of squared phase currents (case, line, year) [A2], for the losses of a line; None if losses are free."""
    if not problem.loss_usd_per_kw.any() or problem.catalogue.ac_resistance_ohm_per_km is None:
        return None
    squares = np.add.reduceat(evaluations.flow.current_a**2, evaluations.network.first_conductor, axis=-1)
    return np.nan_to_num(squares[evaluations.row][:, :, problem.branch].swapaxes(1, 2))


def in_force(problem: Problem, plans: Sequence[Plan]) -> Ints:
    """Conductor rows (plan, line, year)."""
    return np.stack([problem.in_force(plan) for plan in plans])


def solved(
    problem: Problem,
    plans: Sequence[Plan],
    scenarios: Sequence[Scenario],
    number: Sequence[int],
    known: Evaluations,
    evaluate: Evaluate,
    phase: str,
) -> Evaluations:
    """Power flows of ``plans[i]`` in scenario ``number[i]``; ``known`` holds one of every scenario.

    Where a new conductor leaves the impedance as it is, the flow is the one that is known: nothing is solved twice.
    """
    cases = tuple(Case(problem.changes(plan), scenarios[s]) for plan, s in zip(plans, number, strict=True))
    if problem.moves_power_flow:
        return evaluate(phase, cases)
    return Evaluations(cases, known.network, known.limits, known.flow, known.row[np.asarray(number, dtype=np.intp)])
