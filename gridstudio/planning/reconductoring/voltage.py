"""Undervoltages that conductors can cure: larger conductors between the source and the bus, each step checked.

First the question whether conductors help at all is put to the power flow: all lines on the way to the low buses
get the largest conductor. What stays low even then is no matter of conductors: no money is spent on it, and it is
reported so. For the rest the lines on the way are enlarged one by one, each time the one that removes most
undervoltage per dollar, until the scenario is clean.

An overvoltage is a matter of conductors only where generation pushes power back. Without generation it comes from
regulators, capacitors or the coupling of unbalanced phases; a larger conductor may move a regulator's tap by
chance, which is no remedy to pay for. With generation both kinds are treated alike.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.scenarios import Scenario
from gridstudio.evaluation import Evaluation, Evaluations
from gridstudio.planning.reconductoring.modes import Evaluate, Ints, Planned, search, settled
from gridstudio.planning.reconductoring.problem import Plan, Problem

STEPS = 100  # enlargements for voltage in one scenario
TOLERANCE_PU = 1e-9  # of a sum of undervoltages: below it nothing is gained


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be cured in one scenario."""

    lines: list[int]  # on the way to the violated buses
    year: int  # the first with a violation
    hopeless: NDArray[np.bool_]  # (year, node) violated even with the largest conductor on every line on the way
    converged: NDArray[np.bool_]  # (year,) years that have an answer

    def left_pu(self, evaluation: Evaluation) -> float:
        """What is left to cure [pu]; infinite if a year has lost its answer."""
        if (self.converged & ~evaluation.flow.converged).any():
            return float("inf")
        return float(np.where(self.hopeless, 0.0, outside_pu(evaluation)).sum())


def outside_pu(evaluation: Evaluation) -> NDArray[np.float64]:
    """How far voltages lie outside the band, where that is a matter of conductors (year, node) [pu]."""
    v_pu, verdict, limits = evaluation.flow.v_pu, evaluation.verdict, evaluation.limits
    low = np.where(verdict.low, limits.v_min_pu - v_pu, 0.0)
    if evaluation.network.generators.empty:
        return low
    return low + np.where(verdict.high, v_pu - limits.v_max_pu, 0.0)


def cure(problem: Problem, scenarios: Sequence[Scenario], start: Planned, evaluate: Evaluate) -> Planned:
    """Plans whose voltages are cured as far as larger conductors can cure them."""
    needed = start.needed.copy()
    for s, largest in with_largest(problem, scenarios, start, evaluate).items():
        now = start.after[s]
        hopeless = (outside_pu(now) > 0) & (outside_pu(largest) > 0) | ~largest.flow.converged[:, None]
        task = Task(_lines_on_way(problem, now), _first_year(now), hopeless, now.flow.converged)
        needed[s] = _cured(problem, scenarios[s], _only(start, s), task, evaluate)
    if (needed == start.needed).all():
        return start
    again = settled(problem, scenarios, replace(start, needed=needed), evaluate)
    return replace(again, rounds=start.rounds + again.rounds)


def with_largest(
    problem: Problem, scenarios: Sequence[Scenario], planned: Planned, evaluate: Evaluate
) -> dict[int, Evaluation]:
    """For every scenario with such violations: solved with the largest conductor on all lines on the way."""
    if not problem.moves_power_flow:
        return {}
    numbers = [s for s in range(len(planned.plans)) if outside_pu(planned.after[s]).any()]
    plans = []
    for s in numbers:
        now = planned.after[s]
        needed = _largest(problem, planned.needed[s], _lines_on_way(problem, now), _first_year(now))
        plans += _plans(problem, _only(planned, s), [needed])
    if not numbers:
        return {}
    flows = evaluate("voltage", [(problem.changes(p), scenarios[s]) for p, s in zip(plans, numbers, strict=True)])
    return dict(zip(numbers, flows, strict=True))


def _cured(problem: Problem, scenario: Scenario, one: Planned, task: Task, evaluate: Evaluate) -> Ints:
    """Needs (line, year) of one scenario, raised until nothing curable is left."""
    for _ in range(STEPS):
        left_pu = task.left_pu(one.after[0])
        if left_pu <= TOLERANCE_PU or np.isinf(left_pu):
            return one.needed[0]
        moves = list(_enlargements(problem, one, task))
        plans = _plans(problem, one, moves)
        flows = evaluate("voltage", [(problem.changes(plan), scenario) for plan in plans]) if moves else []
        gain_pu = np.array([left_pu - task.left_pu(flow) for flow in flows])
        if not (gain_pu > TOLERANCE_PU).any():
            break
        price = np.array([problem.capital_usd(plan) for plan in plans]) - problem.capital_usd(one.plans[0])
        best = int((gain_pu / np.maximum(price, 1.0)).argmax())
        one = settled(problem, [scenario], replace(one, needed=moves[best][None]), evaluate, "voltage")
    # No single line helps (a regulator levels it out): all together do, less what is not missed.
    return _pruned(problem, scenario, one, task, evaluate)


def _pruned(problem: Problem, scenario: Scenario, one: Planned, task: Task, evaluate: Evaluate) -> Ints:
    """The largest conductors on all lines on the way, then line by line, longest first, as small as it goes."""

    def cures(needed: Ints) -> bool:
        plan = _plans(problem, one, [needed])[0]
        return task.left_pu(evaluate("voltage", [(problem.changes(plan), scenario)])[0]) <= TOLERANCE_PU

    own, needed = one.needed[0], _largest(problem, one.needed[0], task.lines, task.year)
    if not cures(needed):
        return own
    for line in sorted(task.lines, key=lambda line: -problem.length_km[line]):
        for conductor in (0, *_sizes(problem, line)[:-1]):
            trial = needed.copy()
            trial[line] = own[line]
            trial[line, task.year :] = np.maximum(own[line, task.year :], conductor)
            if cures(trial):
                needed = trial
                break
    return needed


def _enlargements(problem: Problem, one: Planned, task: Task) -> Iterable[Ints]:
    """Needs (line, year) with one line on the way enlarged from the first violated year on."""
    rows = problem.in_force(one.plans[0])
    for line in task.lines:
        for conductor in _sizes(problem, line):
            if conductor > rows[line, task.year]:
                raised = one.needed[0].copy()
                raised[line, task.year :] = np.maximum(raised[line, task.year :], conductor)
                yield raised


def _largest(problem: Problem, needed: Ints, lines: Sequence[int], year: int) -> Ints:
    """Needs (line, year) with the largest conductor on some lines from a year on."""
    raised = needed.copy()
    for line in lines:
        for conductor in _sizes(problem, line)[-1:]:
            raised[line, year:] = np.maximum(raised[line, year:], conductor)
    return raised


def _sizes(problem: Problem, line: int) -> list[int]:
    """Conductors that a line can get, smallest first."""
    return [int(c) for c in problem.catalogue.selectable_above(int(problem.existing[line]))]


def _lines_on_way(problem: Problem, evaluation: Evaluation) -> list[int]:
    """Lines between the sources and the buses whose voltage is violated in any year."""
    row = {f"line.{line}": index for index, line in enumerate(problem.lines)}
    paths = problem.network.parent_lines()
    buses = problem.network.nodes["bus"].to_numpy()[outside_pu(evaluation).any(axis=0)]
    return sorted({row[element] for bus in set(buses) for element in paths.get(bus, []) if element in row})


def _first_year(evaluation: Evaluation) -> int:
    return int(outside_pu(evaluation).any(axis=1).argmax())


def _plans(problem: Problem, one: Planned, needed: Sequence[Ints]) -> list[Plan]:
    """Plans of one scenario for several needs (line, year)."""
    if not needed:
        return []
    squares_a2 = None if one.squares_a2 is None else np.repeat(one.squares_a2, len(needed), axis=0)
    return search(problem, np.stack(needed), squares_a2)


def _only(planned: Planned, s: int) -> Planned:
    """One scenario of the plans."""
    after = planned.after
    return Planned(
        plans=[planned.plans[s]],
        needed=planned.needed[[s]],
        squares_a2=None if planned.squares_a2 is None else planned.squares_a2[[s]],
        after=Evaluations((after.cases[s],), after.network, after.limits, after.flow, after.row[[s]]),
        rounds=planned.rounds,
    )
