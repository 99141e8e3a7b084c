"""Mode joint: the plan as a whole, improved by moves that a power flow has checked.

Objective of a scenario's plan: present value of its replacements plus, if priced, of the circuit's
losses as solved. Moves on one replacement: drop it, take a smaller conductor, defer it by a year.
A move is kept only if the objective falls, nothing is violated that the plan had not violated, and nothing that
it had violated gets worse. This is a local search: it says what it saved, not that nothing more can be saved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.scenarios import Scenario
from gridstudio.evaluation import Evaluation, Evaluations
from gridstudio.planning.reconductoring.modes import Evaluate, Planned, in_force, needs, solved
from gridstudio.planning.reconductoring.problem import Plan, Problem, Replacement

Floats = NDArray[np.float64]
# A move is worth a power flow if the line's present current is at most this share above what the move would
# allow: the current of a line hardly depends on its own conductor (the paper's argument, used as a sieve only).
SIEVE = 1.05
WORTH_USD = 0.01
WORSE_PU = 1e-4  # by how much a violation that no move caused may drift, of a voltage or a rating
ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Improved:
    """The improved plans, what they cost before and after (scenario,), and the power flows that checked moves."""

    planned: Planned
    objective_before_usd: Floats
    objective_usd: Floats
    moves_tried: int
    moves_kept: int


def improve(problem: Problem, scenarios: Sequence[Scenario], start: Planned, evaluate: Evaluate) -> Improved:
    """Improve the verified plans of all scenarios side by side, best kept move first, until no move helps."""
    plans, now = list(start.plans), dict(enumerate(start.after))
    allowed = [_allowed(evaluation) for evaluation in start.after]
    best = list(objective_usd(problem, plans, start.after))
    tried = kept = 0
    active = list(range(len(plans)))
    for _ in range(ROUNDS):
        moves = [(s, plan) for s in active for plan in _moves(problem, plans[s], now[s])]
        if not moves:
            break
        tried += len(moves)
        candidates, numbers = [plan for _, plan in moves], [s for s, _ in moves]
        found = solved(problem, candidates, scenarios, numbers, start.after, evaluate, "joint")
        value = objective_usd(problem, candidates, found)
        active = []
        for index in np.argsort(value, kind="stable"):
            s = numbers[index]
            if s not in active and value[index] < best[s] - WORTH_USD and _holds(found[int(index)], allowed[s]):
                plans[s], now[s], best[s] = candidates[index], found[int(index)], value[index]
                active.append(s)
        kept += len(active)
        active.sort()
    after = solved(problem, plans, scenarios, range(len(plans)), start.after, evaluate, "after")
    planned = replace(start, plans=plans, needed=_relaxed(problem, start, plans, after), after=after)
    first, last = objective_usd(problem, start.plans, start.after), objective_usd(problem, plans, after)
    return Improved(planned, first, last, tried, kept)


def objective_usd(problem: Problem, plans: Sequence[Plan], evaluations: Evaluations) -> Floats:
    """Present value of capital plus priced losses of each case (case,) [USD]; NaN where losses are not known."""
    capital = np.array([problem.capital_usd(plan) for plan in plans])
    if not problem.loss_usd_per_kw.any():
        return capital
    losses: Floats = evaluations.flow.losses_kw[evaluations.row] @ problem.loss_usd_per_kw
    return capital + losses


def _moves(problem: Problem, plan: Plan, now: Evaluation) -> Iterator[Plan]:
    """Plans that differ in one replacement: dropped, smaller or a year later, if the line's current lets one hope."""
    current_a, ampacity_a = now.branch_current_a, problem.catalogue.ampacity_a
    for item in plan.replacements:
        others = tuple(r for r in plan.replacements if r is not item)
        sequence = [r for r in plan.replacements if r.line == item.line]
        position = sequence.index(item)
        below = sequence[position - 1].conductor if position else int(problem.existing[item.line])
        end = sequence[position + 1].year if position + 1 < len(sequence) else problem.years
        smaller = [int(c) for c in problem.catalogue.selectable_above(below) if c < item.conductor]
        # (until which year the line has a smaller conductor than now, which one, the replacement in its place)
        candidates: list[tuple[int, int, Replacement | None]] = [(end, below, None)]
        candidates += [(end, c, Replacement(item.line, item.year, c)) for c in reversed(smaller)]
        if item.year + 1 < end:
            candidates.append((item.year + 1, below, Replacement(item.line, item.year + 1, item.conductor)))
        amps = current_a[:, problem.branch[item.line]]
        for until, conductor, instead in candidates:
            if not (amps[item.year : until] > SIEVE * problem.limit_pu * ampacity_a[conductor]).any():
                replacements = others if instead is None else (*others, instead)
                yield Plan(tuple(sorted(replacements, key=lambda r: (r.line, r.year))))


def _excess(evaluation: Evaluation) -> Floats:
    """How far every limit is broken [pu], one number per limit, year and element; 1 for dead and not converged."""
    flow, verdict, limits = evaluation.flow, evaluation.verdict, evaluation.limits
    limit_pu = evaluation.network.loading_limit_pu(limits)
    parts = (
        np.where(verdict.low, limits.v_min_pu - flow.v_pu, 0.0),
        np.where(verdict.high, flow.v_pu - limits.v_max_pu, 0.0),
        np.where(verdict.overloaded, evaluation.loading_pu - limit_pu, 0.0),
        verdict.dead.astype(float),
        (~flow.converged).astype(float),
    )
    return np.concatenate([part.ravel() for part in parts])


def _allowed(evaluation: Evaluation) -> Floats:
    """What a move may leave of each violation: none where there is none, hardly more where there is one."""
    excess = _excess(evaluation)
    return np.where(excess > 0, excess + WORSE_PU, 0.0)


def _holds(evaluation: Evaluation, allowed: Floats) -> bool:
    return bool((_excess(evaluation) <= allowed).all())


def _relaxed(problem: Problem, start: Planned, plans: Sequence[Plan], after: Evaluations) -> NDArray[np.intp]:
    """What the improved plans need: where they go below the verified plans' needs, what their power flow shows."""
    largest = np.array([problem.sequences(line).largest for line in range(len(problem.lines))])
    given_up = in_force(problem, plans) < np.minimum(start.needed, largest[None, :, None])
    return np.where(given_up, needs(problem, after), start.needed)
