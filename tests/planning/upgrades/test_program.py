"""The two-stage program against every plan of small cases, one by one, and in its limiting cases."""

from dataclasses import replace

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.planning.upgrades.contract import all_packages
from gridstudio.planning.upgrades.program import priced, solve
from gridstudio.solve.risk import Blend, CVaR, Expectation, WorstCase

RISKS = [Expectation(), CVaR(0.6), WorstCase(), Blend(0.4, Expectation(), CVaR(0.6)), Blend(0.5, CVaR(0.2), CVaR(0.7))]


@pytest.mark.parametrize("risk", RISKS, ids=lambda risk: type(risk).__name__)
@pytest.mark.parametrize("budget", [np.inf, 9.0, 6.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_plan_is_the_best_of_all(case, every_plan, risk, budget: float, seed: int) -> None:
    problem = case(seed, budget=budget)
    best = min(priced(problem, plan, risk).total_usd for plan in every_plan(problem))
    found = solve(problem, risk)
    assert found.total_usd == pytest.approx(best)
    assert found.status == "optimal"
    assert found.bound_usd <= found.total_usd
    assert found.gap <= 1e-6


@pytest.mark.parametrize("seed", [0, 3])
def test_a_requirement_is_met_at_least_cost(case, every_plan, seed: int) -> None:
    problem = replace(case(seed, price=1.0, budget=12.0), most_unserved=np.array([2.0, 0.6]))
    best = min(priced(problem, plan, Expectation()).total_usd for plan in every_plan(problem))
    assert solve(problem).total_usd == pytest.approx(best)
    assert best > solve(replace(problem, most_unserved=np.full(2, np.inf))).total_usd  # it binds


def test_without_budget_nothing_is_built(case) -> None:
    found = solve(case(budget=0.0))
    assert (found.plan.stage == -1).all()
    assert found.investment_usd == 0.0


def test_what_costs_nothing_is_built_at_once_where_it_helps(case) -> None:
    problem = case(price=1.0)
    free = replace(problem, build_usd=0 * problem.build_usd, spend_usd=0 * problem.spend_usd)
    found = solve(free)
    all_that_fits = np.array([False, True, True, True])  # y shuts x out and gains more
    best = free.packages.number(all_that_fits)
    assert found.recourse_usd == pytest.approx(free.probabilities @ free.recourse_usd[:, best].sum(axis=(1, 2)))


def test_what_is_never_short_is_never_built(case) -> None:
    problem = case()
    nothing = replace(problem, recourse_usd=0 * problem.recourse_usd)
    assert (solve(nothing).plan.stage == -1).all()


def test_candidates_that_exclude_each_other_are_never_built_both(case) -> None:
    found = solve(case(price=1000.0, scenarios=6), WorstCase())
    assert (found.plan.stage[:2] >= 0).sum() == 1


def test_budgets_hold_year_by_year(case) -> None:
    problem = replace(case(price=1000.0), budget_usd=np.array([6.0, 9.0]))
    stage = solve(problem).plan.stage
    assert all(problem.spend_usd[stage == year].sum() <= problem.budget_usd[year] for year in (0, 1))
    assert (stage >= 0).sum() >= 2


def test_a_measure_waits_for_its_first_year(case) -> None:
    problem = case(price=1000.0)
    late = problem.build_usd.copy()
    late[:, 0] = np.inf
    assert set(solve(replace(problem, build_usd=late)).plan.stage) <= {-1, 1}


def test_a_scenario_without_probability_changes_nothing_in_the_worst_case(case) -> None:
    problem = case(scenarios=4)
    p = np.append(problem.probabilities, 0.0)
    disaster = np.concatenate([problem.recourse_usd, 1e6 + 0 * problem.recourse_usd[:1]])
    assert solve(problem.with_recourse(disaster, p), WorstCase()).total_usd == pytest.approx(
        solve(problem, WorstCase()).total_usd
    )


def test_the_same_program_gives_the_same_plan(case) -> None:
    first, second = (solve(case(5, years=3, scenarios=9, budget=8.0), CVaR(0.8)) for _ in range(2))
    np.testing.assert_array_equal(first.plan.stage, second.plan.stage)
    assert first.total_usd == second.total_usd


def test_too_small_a_budget_names_the_least_that_works(case, every_plan) -> None:
    problem = replace(case(), most_unserved=np.full(2, 0.5))
    least = min(max(problem.spend_usd[plan.stage == year].sum() for year in (0, 1)) for plan in every_plan(problem))
    with pytest.raises(InputError, match=f"least budget that works is {least:.0f} USD"):
        solve(replace(problem, budget_usd=np.full(2, least - 1.0)))
    assert solve(replace(problem, budget_usd=np.full(2, float(least)))).status == "optimal"


def test_a_requirement_beyond_all_candidates_says_so(case) -> None:
    with pytest.raises(InputError, match="however large the budget"):
        solve(replace(case(scenarios=30, price=1.0), most_unserved=np.full(2, 0.0)))


def test_packages_are_the_sets_without_excluded_pairs(menu) -> None:
    offered = menu(
        [("a", "x", 1.0, 1.0, "g"), ("a", "y", 1.0, 1.0, "g"), ("a", "z", 1.0, 1.0, ""), ("b", "x", 1.0, 1.0, "g")]
    )
    packages = all_packages(offered, ("a", "b", "c"), 3)
    sets = {
        (int(f), tuple(np.flatnonzero(row).tolist())) for f, row in zip(packages.feeder, packages.members, strict=True)
    }
    assert sets == {(0, ()), (0, (0,)), (0, (1,)), (0, (2,)), (0, (0, 2)), (0, (1, 2)), (1, ()), (1, (3,)), (2, ())}
    assert len(all_packages(offered, ("a", "b", "c"), 1)) == 7


def test_too_many_packages_are_refused_with_what_would_do(menu) -> None:
    offered = menu([("a", f"m{i}", 1.0, 1.0, "") for i in range(11)])
    with pytest.raises(InputError, match="Feeder a has 11 candidates and 2048 sets"):
        all_packages(offered, ("a",), 11)
