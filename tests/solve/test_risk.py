"""Risk measures by hand, and against the minimisation of Rockafellar and Uryasev and the dual linear program."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from gridstudio.errors import InputError
from gridstudio.solve.risk import Blend, CVaR, Expectation, RiskMeasure, WorstCase, value

COSTS = np.array([10.0, 40.0, 20.0, 30.0])
PROBABILITIES = np.array([0.4, 0.1, 0.3, 0.2])

MEASURES: list[RiskMeasure] = [
    Expectation(),
    CVaR(0.0),
    CVaR(0.5),
    CVaR(0.9),
    CVaR(0.95),
    WorstCase(),
    Blend(0.3, Expectation(), CVaR(0.8)),
    Blend(0.5, Blend(0.5, Expectation(), WorstCase()), CVaR(0.6)),
]


def draw(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Costs with ties and unequal probabilities, some of them zero."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(n)) * (rng.random(n) > 0.2)
    return rng.integers(-5, 6, n).astype(float), probabilities / probabilities.sum()


def test_values_on_four_points_by_hand() -> None:
    assert value(Expectation(), COSTS, PROBABILITIES) == pytest.approx(4 + 4 + 6 + 6)
    # worst half: all of 40 (0.1) and 30 (0.2), and 0.2 of the 0.3 at 20: (4 + 6 + 4) / 0.5
    assert value(CVaR(0.5), COSTS, PROBABILITIES) == pytest.approx(28.0)
    # worst quarter: 40 (0.1) and 0.15 of the 0.2 at 30: (4 + 4.5) / 0.25
    assert value(CVaR(0.75), COSTS, PROBABILITIES) == pytest.approx(34.0)
    assert value(CVaR(0.9), COSTS, PROBABILITIES) == pytest.approx(40.0)
    assert value(WorstCase(), COSTS, PROBABILITIES) == 40.0
    assert value(Blend(0.25, Expectation(), CVaR(0.5)), COSTS, PROBABILITIES) == pytest.approx(0.75 * 20 + 0.25 * 28)


def test_weights_split_the_scenario_at_the_value_at_risk() -> None:
    np.testing.assert_allclose(CVaR(0.75).weights(COSTS, PROBABILITIES), [0, 0.4, 0, 0.6], atol=1e-15)


def test_equal_costs_share_by_probability_in_any_order() -> None:
    costs, probabilities = np.array([5.0, 5.0, 1.0]), np.array([0.1, 0.3, 0.6])
    np.testing.assert_allclose(CVaR(0.8).weights(costs, probabilities), [0.25, 0.75, 0.0])
    np.testing.assert_allclose(WorstCase().weights(costs, probabilities), [0.25, 0.75, 0.0])
    np.testing.assert_allclose(CVaR(0.8).weights(costs[::-1], probabilities[::-1]), [0.0, 0.75, 0.25])


def test_cvar_at_its_limits_is_expectation_and_worst_case() -> None:
    costs, probabilities = draw(1)
    np.testing.assert_allclose(CVaR(0.0).weights(costs, probabilities), probabilities, atol=1e-15)
    almost = value(CVaR(1 - 1e-6), costs, probabilities)
    assert almost == pytest.approx(value(WorstCase(), costs, probabilities))


def test_scenarios_that_cannot_happen_do_not_count() -> None:
    for measure in MEASURES:
        assert value(measure, [1.0, 2.0, math.inf], [0.5, 0.5, 0.0]) <= 2.0


def test_a_possible_infinite_cost_is_infinite() -> None:
    assert value(CVaR(0.5), [1.0, math.inf], [0.9, 0.1]) == math.inf


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.75, 0.95])
def test_cvar_is_the_minimum_of_rockafellar_and_uryasev(seed: int, alpha: float) -> None:
    costs, probabilities = draw(seed)
    # eta + E[(cost - eta)+] / (1 - alpha) is convex and piecewise linear in eta: its minimum lies at one of the costs.
    at_each = [eta + probabilities @ np.maximum(costs - eta, 0) / (1 - alpha) for eta in costs]
    assert value(CVaR(alpha), costs, probabilities) == pytest.approx(min(at_each))


@pytest.mark.parametrize("seed", range(5))
def test_cvar_weights_solve_the_dual_linear_program(seed: int) -> None:
    costs, probabilities = draw(seed)
    bounds = [(0, p / (1 - 0.7)) for p in probabilities]
    dual = linprog(-costs, A_eq=np.ones((1, len(costs))), b_eq=[1.0], bounds=bounds)
    weights = CVaR(0.7).weights(costs, probabilities)
    assert weights @ costs == pytest.approx(-dual.fun)
    assert np.all(weights <= probabilities / (1 - 0.7) + 1e-12)


@pytest.mark.parametrize("measure", MEASURES, ids=str)
@pytest.mark.parametrize("seed", range(10))
def test_measures_are_coherent(measure: RiskMeasure, seed: int) -> None:
    costs, probabilities = draw(seed)
    others, _ = draw(seed + 100)
    worth = value(measure, costs, probabilities)
    weights = measure.weights(costs, probabilities)
    assert np.all(weights >= 0)
    assert weights.sum() == pytest.approx(1)
    assert probabilities @ costs - 1e-12 <= worth <= costs[probabilities > 0].max() + 1e-12
    assert value(measure, costs + 7, probabilities) == pytest.approx(worth + 7)
    assert value(measure, 3 * costs, probabilities) == pytest.approx(3 * worth)
    assert value(measure, costs + np.abs(others), probabilities) >= worth - 1e-12
    assert value(measure, costs + others, probabilities) <= worth + value(measure, others, probabilities) + 1e-12


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_order_of_scenarios_does_not_matter(measure: RiskMeasure) -> None:
    costs, probabilities = draw(3)
    shuffled = np.random.default_rng(0).permutation(len(costs))
    weights = measure.weights(costs, probabilities)
    np.testing.assert_allclose(measure.weights(costs[shuffled], probabilities[shuffled]), weights[shuffled], atol=1e-15)


def test_cvar_never_falls_with_alpha() -> None:
    values = [value(CVaR(alpha), COSTS, PROBABILITIES) for alpha in np.linspace(0, 0.99, 100)]
    assert np.all(np.diff(values) >= -1e-12)


def test_weights_leave_the_given_arrays_alone() -> None:
    for measure in MEASURES:
        probabilities = PROBABILITIES.copy()
        measure.weights(COSTS, probabilities)[:] = 0
        np.testing.assert_array_equal(probabilities, PROBABILITIES)


@pytest.mark.parametrize(
    ("costs", "probabilities", "message"),
    [
        ([1.0, 2.0], [1.0], "must both be"),
        ([], [], "must both be"),
        ([1.0, math.nan], [0.5, 0.5], "scenario 1 is not a number"),
        ([1.0, 2.0], [0.5, 0.6], "sum to 1.1"),
        ([1.0, 2.0], [1.5, -0.5], "must not be negative"),
        ([1.0, 2.0], [math.nan, 1.0], "must not be negative"),
    ],
)
def test_costs_and_probabilities_are_checked(costs: list[float], probabilities: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        value(Expectation(), costs, probabilities)


def test_settings_of_measures_are_checked() -> None:
    for alpha in (-0.1, 1.0, math.nan):
        with pytest.raises(InputError, match="alpha"):
            CVaR(alpha)
    with pytest.raises(InputError, match="lambda_"):
        Blend(1.5, Expectation(), WorstCase())
