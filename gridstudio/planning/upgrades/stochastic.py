"""What uncertainty is worth: the stochastic solution, perfect information, and plans for other wishes and prices."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import highspy
import numpy as np

from gridstudio.errors import SolverError
from gridstudio.planning.upgrades.contract import FloatArray, Plan
from gridstudio.planning.upgrades.program import (
    Effort,
    Problem,
    Solution,
    formulate,
    loaded,
    priced,
    scenario_costs,
    solve,
)
from gridstudio.solve.integer import matrix_form
from gridstudio.solve.risk import Expectation, RiskMeasure, value

MOST_PACKAGES = 64  # of a feeder, for enumeration
INTEGRAL = 1e-7


@dataclass(frozen=True)
class Values:
    """In USD, all valued by one risk measure: the plan's ``total``, that of the plan made for the mean future, and
    the total if every scenario were known before building (at least; exactly if ``exact``)."""

    stochastic_usd: float
    mean_plan_usd: float
    perfect_usd: float
    exact: bool

    @property
    def of_stochastic_solution_usd(self) -> float:
        return self.mean_plan_usd - self.stochastic_usd

    @property
    def of_perfect_information_usd(self) -> float:
        """At most; exactly if ``exact``."""
        return self.stochastic_usd - self.perfect_usd


def values(
    problem: Problem, mean: Problem, best: Solution, risk: RiskMeasure, effort: Effort = Effort()
) -> tuple[Values, Plan]:
    """What planning for the scenarios saves against planning for their mean (``mean``: one scenario), and what knowing
    the future would; and the plan made for the mean (Birge, Louveaux, Introduction to Stochastic Programming, ch. 4).
    """
    naive = solve(mean, Expectation(), effort).plan
    known, exact = wait_and_see(problem, effort)
    found = Values(
        best.total_usd,
        priced(problem, naive, risk).total_usd,
        value(risk, known, problem.probabilities),
        exact,
    )
    return found, naive


def wait_and_see(problem: Problem, effort: Effort = Effort()) -> tuple[FloatArray, bool]:
    """The least total cost (scenario,) of each scenario if it is known before anything is built, and whether exactly.

    Without budget and requirement by ``separate``; else from the relaxation of the program, each scenario from the
    last one's basis: exact where it is integral, which it mostly is, and else a bound from below.
    """
    if len(problem.spend_usd) == 0:
        return scenario_costs(problem, Plan(problem.years, np.zeros(0, dtype=np.int64))), True
    limits = (problem.budget_usd, problem.most_unserved, problem.most_in_all)
    if all(np.isinf(limit).all() for limit in limits) and np.bincount(problem.packages.feeder).max() <= MOST_PACKAGES:
        return separate(problem), True
    model, columns = formulate(problem, Expectation())
    state, build = (part.ravel().astype(np.int32) for part in (columns.state, columns.build))
    highs = loaded(matrix_form(model), effort)
    highs.changeColsIntegrality(len(build), build, np.zeros(len(build), dtype=np.uint8))
    found, exact = np.empty(len(problem.probabilities)), True
    for scenario, usd in enumerate(problem.recourse_usd):
        highs.changeColsCost(len(state), state, usd.ravel())
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise SolverError(f"Scenario {scenario + 1} was not solved for the value of perfect information.")
        built = np.asarray(highs.getSolution().col_value)[build]
        exact &= bool(np.abs(built - built.round()).max(initial=0.0) < INTEGRAL)
        found[scenario] = highs.getInfo().objective_function_value
    return found, exact


def separate(problem: Problem) -> FloatArray:
    """The least total cost (scenario,) without budget or requirement: feeders separate, years are a dynamic program.

    The same as the program with one scenario at a time, by another road: from the last year back, the cost to go of
    each package is its own recourse and the cheapest way on to a package that contains it.
    """
    total = np.zeros(len(problem.probabilities))
    for feeder in range(len(problem.packages.feeders)):
        rows = np.flatnonzero(problem.packages.feeder == feeder)
        members, recourse = problem.packages.members[rows], problem.recourse_usd[:, rows]
        to_go = np.zeros(recourse.shape[:2])
        for year in reversed(range(len(problem.years))):
            here = recourse[:, :, year] + to_go
            step = np.stack([_steps(members, start, problem.build_usd[:, year]) for start in members])
            to_go = (here[:, None, :] + step).min(axis=2)
        total += to_go[:, int(np.flatnonzero(~members.any(axis=1))[0])]
    return total


def _steps(members: np.ndarray, start: np.ndarray, build_usd: FloatArray) -> FloatArray:
    """What it costs to come from the package ``start`` to each of ``members``; infinite where something would go."""
    added = members & ~start
    cost = np.array([build_usd[new].sum() for new in added])
    return np.where((start & ~members).any(axis=1), math.inf, cost)


def pareto(problem: Problem, points: int, effort: Effort = Effort()) -> Iterator[tuple[float, Solution]]:
    """Least investment for so much expected unserved in all years together, from none built to the least possible.

    Epsilon-constraint method (Haimes, Lasdon, Wismer 1971): (bound on what is unserved, solution without recourse).
    """
    if points == 0:
        return
    nothing = replace(problem, recourse_usd=np.zeros_like(problem.recourse_usd[:1]), probabilities=np.ones(1))
    free = np.where(np.isfinite(problem.build_usd), 0.0, math.inf)
    least = solve(replace(nothing, recourse_usd=problem.unserved[None], build_usd=free), effort=effort)
    most = float(problem.unserved[problem.packages.empty].sum())
    slack = 1e-7 * max(1.0, most)
    for share in np.linspace(1, 0, points) ** 2:  # closer where the last MWh are dear
        bound = least.total_usd + share * (most - least.total_usd)
        yield float(bound), solve(replace(nothing, most_in_all=float(bound) + slack), effort=effort)


def unserved_in_all(problem: Problem, plan: Plan) -> float:
    """Expected, over all feeders and years, under a plan."""
    chosen = plan.packages(problem.packages)
    return float(problem.unserved[chosen, np.arange(len(problem.years))].sum())
