"""Plan, verify, correct, plan again: the program's plan is put to the provider's best simulation until it holds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridstudio.planning.upgrades import costs
from gridstudio.planning.upgrades.contract import Futures, Menu, Outcomes, Packages, Provider
from gridstudio.planning.upgrades.program import Effort, Problem, Solution, priced, solve
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.solve.risk import Blend, CVaR, Expectation, RiskMeasure, WorstCase

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Round:
    """One plan: what the program expected of its recourse, what the simulation found, and the total it claimed."""

    total_usd: float
    expected_recourse_usd: float
    verified_recourse_usd: float
    corrected_packages: int


@dataclass(frozen=True, eq=False)
class Found:
    """The plan and all that it rests on; ``estimate``: outcomes before any was verified; ``nothing``: what the best
    simulation finds if nothing is built anywhere, fields (scenario, feeder, year); ``holds``: the simulation confirms
    what the program expects of the plan, and (set by the job) cuts of load bring all of it within the limits."""

    packages: Packages
    estimate: Outcomes
    nothing: Outcomes
    outcomes: Outcomes
    problem: Problem
    solution: Solution
    rounds: tuple[Round, ...]
    holds: bool


def plan(
    settings: UpgradesSettings,
    provider: Provider,
    menu: Menu,
    packages: Packages,
    futures: Futures,
    progress: Callable[[int], None] | None = None,
) -> Found:
    """The best plan whose packages were all verified; where the first estimate was wrong, it is replaced."""
    estimate, p = provider.outcomes(packages, futures), futures.probabilities
    empty = np.repeat(packages.empty[:, None], len(settings.horizon.years), axis=1)
    nothing = provider.verify(packages, empty, futures, "needs")
    outcomes = estimate.corrected(empty, nothing)
    measure, study = risk(settings), settings.study
    effort = Effort(study.solver_seconds, study.solver_gap, study.solver_nodes)
    rounds: list[Round] = []
    while True:
        problem = costs.problem(settings, menu, packages, outcomes, p)
        solution = solve(problem, measure, effort)
        chosen = solution.plan.packages(packages)
        found = provider.verify(packages, chosen, futures)
        expected = outcomes.used(chosen)
        pairs = ((found.unserved, expected.unserved), (found.curtailed, expected.curtailed))
        gap = np.maximum(*(np.abs(seen - told).max(axis=0) for seen, told in pairs))  # (feeder, year)
        wrong = len(np.unique(chosen[gap > TOLERANCE]))
        outcomes = outcomes.corrected(chosen, found)
        checked = costs.problem(settings, menu, packages, outcomes, p)
        again = _expected(checked, solution)
        rounds.append(Round(solution.total_usd, _expected(problem, solution), again, wrong))
        if progress:
            progress(len(rounds))
        if wrong == 0 or len(rounds) == settings.study.most_rounds:
            if wrong:  # stopped before it held: told at its verified cost
                solution = priced(checked, solution.plan, measure, status="not confirmed")
            return Found(packages, estimate, nothing, outcomes, checked, solution, tuple(rounds), wrong == 0)


def risk(settings: UpgradesSettings) -> RiskMeasure:
    """The risk measure that the settings name."""
    given = settings.risk
    measures: dict[str, RiskMeasure] = {
        "expected": Expectation(),
        "cvar": CVaR(given.alpha),
        "worst": WorstCase(),
        "blend": Blend(given.weight, Expectation(), CVaR(given.alpha)),
    }
    return measures[given.measure]


def _expected(problem: Problem, solution: Solution) -> float:
    chosen = solution.plan.packages(problem.packages)
    usd = problem.recourse_usd[:, chosen, np.arange(len(problem.years))]
    return float(problem.probabilities @ usd.sum(axis=(1, 2)))
