"""What uncertainty is worth, by hand and against every plan."""

from dataclasses import replace

import numpy as np
import pytest

from gridstudio.planning.upgrades.program import Problem, priced, solve
from gridstudio.planning.upgrades.stochastic import pareto, unserved_in_all, values, wait_and_see
from gridstudio.solve.risk import CVaR, Expectation


def of_scenario(problem: Problem, scenario: int) -> Problem:
    return problem.with_recourse(problem.recourse_usd[[scenario]], np.ones(1))


@pytest.mark.parametrize("budget", [np.inf, 6.0])
def test_wait_and_see_is_each_scenario_solved_alone(case, every_plan, budget: float) -> None:
    problem = case(2, budget=budget, scenarios=6)
    alone = [
        min(priced(one, plan, Expectation()).total_usd for plan in every_plan(problem))
        for one in (of_scenario(problem, s) for s in range(6))
    ]
    found, exact = wait_and_see(problem)
    if exact:
        np.testing.assert_allclose(found, alone)
    assert np.all(found <= np.array(alone) + 1e-9)
    assert exact or budget < np.inf


@pytest.mark.parametrize("risk", [Expectation(), CVaR(0.5)])
def test_values_are_never_negative_where_the_mean_is_one_of_the_plans(case, risk) -> None:
    problem = case(4, scenarios=8)
    mean = problem.with_recourse(
        (problem.probabilities @ problem.recourse_usd.reshape(8, -1)).reshape(1, -1, 2), np.ones(1)
    )
    found, _ = values(problem, mean, solve(problem, risk), risk)
    assert found.of_stochastic_solution_usd >= -1e-9
    assert found.of_perfect_information_usd >= -1e-9


def test_values_by_hand(case) -> None:
    """One feeder (b), one candidate of 6 USD and 2 MW, two scenarios: 0 or 3 MW short at 8 USD/MW, equally likely.

    Nothing: 12. Built: 6 + 0.5 x 8 x 1 = 10, the stochastic plan. The mean scenario is 1.5 MW short: nothing costs 12,
    built 6, so the plan for the mean builds too: no value lost. Known beforehand: 0 and 6 + 8 = 14, mean 7: worth 3.
    """
    problem = case(years=1, scenarios=2)
    gain = problem.packages.members @ np.array([1.0, 3.0, 0.5, 2.0])
    on_b = (problem.packages.feeder == 1)[None, :, None]
    need = np.array([0.0, 3.0])
    short = np.maximum(0.0, need[:, None, None] - gain[:, None]) * on_b
    problem = problem.with_recourse(8.0 * short, np.array([0.5, 0.5]))
    mean = problem.with_recourse(8.0 * np.maximum(0.0, 1.5 - gain[None, :, None]) * on_b, np.ones(1))
    found, naive = values(problem, mean, solve(problem), Expectation())
    assert (found.stochastic_usd, found.mean_plan_usd, found.perfect_usd) == pytest.approx((10.0, 10.0, 7.0))
    assert found.exact
    assert naive.stage.tolist() == [-1, -1, -1, 0]


def test_the_pareto_front_is_the_least_investment_for_each_bound(case, every_plan) -> None:
    problem = case(1, scenarios=5)
    points = list(pareto(problem, 4))
    for bound, solution in points:
        least = min(
            priced(problem, plan, Expectation()).investment_usd
            for plan in every_plan(replace(problem, most_in_all=bound + 1e-6))
        )
        assert solution.total_usd == pytest.approx(least)
        assert unserved_in_all(problem, solution.plan) <= bound + 1e-6
    investments = [solution.total_usd for _, solution in points]
    assert investments == sorted(investments)
    assert investments[0] == 0.0


def test_no_pareto_points_asked_for_none_given(case) -> None:
    assert list(pareto(case(), 0)) == []
