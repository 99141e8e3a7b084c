"""Figures of risk by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience import job
from gridstudio.planning.resilience.contract import Budget, Problem, Risk, no_plan
from gridstudio.planning.resilience.evaluate import (
    cvar_difference,
    difference,
    least_picked_up,
    measured,
    quantile_error,
    savings,
    stochastic_value,
    value_at_risk,
)
from gridstudio.planning.resilience.islands import stage_for

Q, P = np.array([400.0, 100.0, 300.0, 200.0]), np.array([0.1, 0.4, 0.2, 0.3])  # mean 40 + 40 + 60 + 60


@pytest.mark.parametrize(
    ("alpha", "var_kw", "cvar_kw"),
    [
        (0.9, 300.0, 400.0),  # the worst tenth is the worst storm
        (0.7, 200.0, 1000 / 3),  # 0.1 of 400 and 0.2 of 300
        (0.8, 300.0, 350.0),  # 0.1 of 400 and 0.1 of 300
        (0.4, 100.0, 160 / 0.6),  # all but the mildest: 40 + 60 + 60
    ],
)
def test_value_at_risk_and_cvar_of_four_storms(alpha, var_kw, cvar_kw):
    found = measured(Q, P, Risk(0.5, alpha), drawn=False)
    assert (found.mean_kw, found.var_kw, found.cvar_kw) == pytest.approx((200.0, var_kw, cvar_kw))
    assert found.objective_kw == pytest.approx(0.5 * 200.0 + 0.5 * cvar_kw)


@pytest.mark.parametrize(("lambda_", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_lambda_goes_from_the_mean_to_cvar(lambda_, share):
    found = measured(Q, P, Risk(lambda_, 0.9), drawn=False)
    assert found.objective_kw == pytest.approx((1 - share) * 200.0 + share * 400.0)


def test_scenarios_have_no_standard_error_and_draws_have():
    even = np.full(4, 0.25)
    exact = measured(Q, P, Risk(0.0, 0.5), drawn=False)
    assert np.isnan([exact.mean_se_kw, exact.var_se_kw, exact.cvar_se_kw, exact.objective_se_kw]).all()
    found = measured(Q, even, Risk(0.0, 0.5), drawn=True)
    assert found.mean_se_kw == pytest.approx(Q.std(ddof=1) / 2)
    assert found.cvar_kw == pytest.approx(350.0)


def test_the_standard_error_of_cvar_is_that_of_many_samples():
    """Against the spread of CVaR over repeated samples (exponential losses)."""
    rng, size = np.random.default_rng(5), 2000
    samples = [measured(rng.exponential(100, size), np.full(size, 1 / size), Risk(1.0, 0.9), True) for _ in range(300)]
    seen = np.std([each.cvar_kw for each in samples], ddof=1)
    assert np.mean([each.cvar_se_kw for each in samples]) == pytest.approx(seen, rel=0.15)


def test_a_value_at_risk_does_not_depend_on_the_order():
    order = np.array([2, 0, 3, 1])
    assert value_at_risk(Q, P, 0.75) == value_at_risk(Q[order], P[order], 0.75)


def test_the_same_storms_leave_no_noise_in_a_constant_difference():
    q = np.random.default_rng(1).exponential(100, 1000)
    assert difference(q + 5, q) == pytest.approx((5.0, 0.0), abs=1e-9)
    assert cvar_difference(q + 5, q, 0.9) == pytest.approx((5.0, 0.0), abs=1e-9)


# ---- standard errors, each by a second method --------------------------------------------------------


def exponential(size, seed=0):
    return np.random.default_rng(seed).exponential(100.0, size), np.full(size, 1.0 / size)


@pytest.mark.parametrize("alpha", [0.5, 0.8, 0.95])
def test_the_standard_error_of_var_is_the_asymptotic_one_of_a_known_distribution(alpha):
    # sqrt(alpha (1 - alpha) / n) / density at the quantile; exponential of mean 100: density (1 - alpha) / 100
    size = 1000
    known = np.sqrt(alpha * (1 - alpha) / size) * 100 / (1 - alpha)
    told = [quantile_error(exponential(size, seed)[0], alpha) for seed in range(200)]
    assert np.mean(told) == pytest.approx(known, rel=0.1)


def test_a_standard_error_of_var_covers_the_quantile_as_often_as_that_of_a_normal_law():
    # 68 % within one and 95 % within two, whatever the distribution: here of a lump and a tail
    rng, inside = np.random.default_rng(3), []
    for _ in range(600):
        q = np.where(rng.random(1000) < 0.6, 0.0, rng.pareto(3.0, 1000) * 100)
        found = value_at_risk(q, np.full(1000, 1e-3), 0.95)
        true = 100 * ((0.05 / 0.4) ** (-1 / 3) - 1)  # P(Q > x) = 0.4 (1 + x / 100)^-3
        inside.append(abs(found - true) / quantile_error(q, 0.95))
    assert np.mean(np.array(inside) <= 1) == pytest.approx(0.68, abs=0.07)
    assert np.mean(np.array(inside) <= 2) == pytest.approx(0.95, abs=0.03)


def test_ranks_of_the_standard_error_of_var_by_hand():
    # 100 draws, alpha 0.8: ranks 80 -+ 4, so half of 84 - 76
    assert quantile_error(np.arange(1.0, 101.0)[::-1], 0.8) == pytest.approx(4.0)


def test_too_few_draws_have_no_standard_error_of_var():
    assert np.isnan(quantile_error(np.arange(10.0), 0.99))
    assert np.isnan(quantile_error(np.arange(10.0), 0.01))


def test_var_that_many_storms_share_is_certain():
    assert quantile_error(np.repeat([0.0, 9700.0], [700, 300]), 0.95) == 0.0


@pytest.mark.parametrize("lambda_", [0.0, 0.5, 1.0])
def test_the_standard_error_of_the_objective_is_that_of_a_bootstrap(lambda_):
    (q, even), risk = exponential(1000, seed=7), Risk(lambda_, 0.9)
    rng = np.random.default_rng(8)
    again = [measured(q[rng.integers(0, 1000, 1000)], even, risk, drawn=True).objective_kw for _ in range(400)]
    assert measured(q, even, risk, drawn=True).objective_se_kw == pytest.approx(np.std(again, ddof=1), rel=0.12)


def test_the_objective_has_the_error_of_the_mean_or_of_cvar_at_the_ends_of_lambda():
    q, even = exponential(500)
    neutral, averse = (measured(q, even, Risk(lambda_, 0.9), drawn=True) for lambda_ in (0.0, 1.0))
    assert neutral.objective_se_kw == pytest.approx(neutral.mean_se_kw)
    assert averse.objective_se_kw == pytest.approx(averse.cvar_se_kw)


def test_least_picked_up_is_the_mean_of_the_worst_storms():
    # the worst fifth of ten storms: 0 and 10 kW; terms are 30, and 30 - 20 / 0.2 and 30 - 30 / 0.2 in these two
    kw = np.array([100.0, 90, 80, 70, 60, 50, 40, 30, 10, 0])
    mean, error = least_picked_up(kw, 0.8)
    assert mean == pytest.approx(5.0)
    assert error == pytest.approx(np.std([30.0] * 8 + [-70.0, -120.0], ddof=1) / np.sqrt(10))


# ---- what each line and switch saves -----------------------------------------------------------------


@pytest.fixture
def saved(storms_where):
    def savings_of(setup, **built):
        """Savings of a plan without sources in three storms: one takes line feed_c, one feed_b, one nothing."""
        grid, sites = setup.grid, setup.sites
        storms = storms_where(setup, [["feed_c"], ["feed_b"], []])
        stage = stage_for(grid, sites, Phases(grid.feeder, grid.limits, Workers(1)))
        plan = replace(no_plan(grid, sites), **built)
        return savings(stage, plan, storms, stage.serve(plan, storms).q)

    return savings_of


@pytest.mark.parametrize("line", ["feed_c", "feed_d"])
def test_a_hardened_line_saves_what_its_section_loses_in_the_storms_that_take_it(small, line, saved):
    setup = small(lines={"harden": ["all"], "harden_usd_per_m": 1.0})
    hardened = np.array([name == line for name in setup.grid.line_names])
    # section c: 100 kW of weight 5 and 50 of weight 1, lost in one of three storms; the tie holds d. No storm takes d
    lost = np.array([550.0, 0.0, 0.0]) * (line == "feed_c")
    ((mean, error),) = saved(setup, hardened=hardened)
    assert mean == pytest.approx(lost.mean())
    assert error == pytest.approx(lost.std(ddof=1) / np.sqrt(3))


def test_an_added_switch_saves_the_load_before_it(small, saved):
    # at the supply side of feed_c: a fault of that line no longer takes bus c, 100 kW of weight 5
    setup = small(devices={"candidates": [{"line": "line.feed_c", "usd": 1.0}]})
    ((mean, error),) = saved(setup, added=setup.grid.optional)
    assert mean == pytest.approx(500 / 3)
    assert error == pytest.approx(500 / 3)


def test_a_plan_without_lines_and_switches_saves_nothing_by_them(small, saved):
    assert saved(small()) == []


# ---- one yardstick for all cases ---------------------------------------------------------------------


def calm(setup, storms_where):
    """A problem of two equally probable storms, which take nothing."""
    storms = replace(storms_where(setup, [[], []]), probability=np.array([0.5, 0.5]))
    return Problem(setup.grid, setup.sites, storms, Budget(200.0), Risk(0.0, 0.5))


def test_the_plan_for_the_mean_storm_is_served_on_the_stage_of_the_other(small, storms_where):
    """Losses of 100 and 200 kW by the plan for all; of 300 and 400, on this very stage, by that for the mean storm."""
    setup = small()
    asked = []
    stage = SimpleNamespace(serve=lambda *case: asked.append(case) or SimpleNamespace(q=np.array([300.0, 400.0])))
    plan, problem = no_plan(setup.grid, setup.sites), calm(setup, storms_where)
    found = stochastic_value(problem, SimpleNamespace(q=np.array([100.0, 200.0])), plan, stage)
    assert found.value_kw == pytest.approx(200.0)
    assert asked == [(plan, problem.storms, "mean storm")]


@pytest.mark.parametrize(("learns", "passes"), [(0, 1), (1, 2), (2, 3), (9, 3)])
def test_all_is_judged_again_until_nothing_new_is_learned(chain, monkeypatch, learns, passes):
    """What the first cases were served by must hold for the last ones too; three times at most."""
    made = chain()
    setup, judged = made.prepare(), []

    def judge(problem, checked, mean_plan, fresh, stage, *rest):
        judged.append(None)
        if len(judged) <= learns:
            stage.lessons.barred.add((0, len(judged)))
        return len(judged)

    monkeypatch.setattr(job, "checked_plan", lambda *_: None)
    monkeypatch.setattr(job, "mean_storm_plan", lambda *_: None)
    monkeypatch.setattr(job, "judged", judge)
    phases = Phases(setup.grid.feeder, setup.grid.limits, Workers(1))
    weather = SimpleNamespace(chosen=SimpleNamespace(storms=None), fresh=None)
    assert job.plan_of(made.settings, setup, weather, phases) == len(judged) == passes
