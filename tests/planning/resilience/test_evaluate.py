"""Figures of risk by hand."""

import numpy as np
import pytest

from gridstudio.planning.resilience.contract import Risk
from gridstudio.planning.resilience.evaluate import cvar_difference, difference, measured, value_at_risk

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
    assert np.isnan(measured(Q, P, Risk(0.0, 0.5), drawn=False).mean_se_kw)
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
