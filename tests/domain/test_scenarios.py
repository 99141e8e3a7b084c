"""Load trajectories and their probabilities."""

import numpy as np
import pytest

from gridstudio.domain.scenarios import LoadGroup, Scenario, growth_trajectory, load_combinations, lognormal_levels
from gridstudio.errors import InputError


def test_growth_starts_at_one():
    assert growth_trajectory(3, 0.05) == pytest.approx((1.0, 1.05, 1.1025))


def test_published_levels_are_equally_spaced_in_the_logarithm():
    levels, weights = lognormal_levels(5, 0.10, "equally_spaced", spread=5.0)
    assert levels == pytest.approx(np.exp([-0.5, -0.25, 0.0, 0.25, 0.5]))
    assert weights == pytest.approx([0.2] * 5)


def test_gauss_hermite_integrates_the_moments_of_the_lognormal():
    """E[x] = exp(s^2/2) and E[x^2] = exp(2 s^2) at median 1; E[x] = 1 where the mean is the centre."""
    s = 0.3
    levels, weights = lognormal_levels(9, s, "gauss_hermite")
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ levels == pytest.approx(np.exp(s**2 / 2), rel=1e-9)
    assert weights @ levels**2 == pytest.approx(np.exp(2 * s**2), rel=1e-8)
    centred, weights = lognormal_levels(9, s, "gauss_hermite", centre="mean")
    assert weights @ centred == pytest.approx(1.0, rel=1e-9)


def test_three_gauss_hermite_points_are_known():
    """Nodes 0 and +-sqrt(3), weights 2/3 and 1/6 (Abramowitz and Stegun, table 25.10, scaled)."""
    levels, weights = lognormal_levels(3, 0.1, "gauss_hermite")
    assert np.log(levels) / 0.1 == pytest.approx([-np.sqrt(3), 0.0, np.sqrt(3)], abs=1e-12)
    assert weights == pytest.approx([1 / 6, 2 / 3, 1 / 6])


def test_quantile_levels_are_medians_of_equally_likely_bins():
    levels, weights = lognormal_levels(2, 1.0, "quantile")
    assert np.log(levels) == pytest.approx([-0.6744897501960817, 0.6744897501960817])  # quartiles of the normal
    assert weights == pytest.approx([0.5, 0.5])


def test_combinations_vary_the_last_load_fastest():
    made, levels = load_combinations(["a", "b"], np.array([0.5, 2.0]), np.array([0.25, 0.75]), (1.0, 1.1))
    assert levels.tolist() == [[0.5, 0.5], [0.5, 2.0], [2.0, 0.5], [2.0, 2.0]]
    assert [s.name for s in made] == ["1", "2", "3", "4"]
    assert [s.probability for s in made] == pytest.approx([0.0625, 0.1875, 0.1875, 0.5625])
    assert made[1].load_groups[1] == LoadGroup(("b",), (2.0, 2.2))


def test_no_uncertain_load_makes_one_certain_scenario():
    made, levels = load_combinations([], np.array([0.5, 2.0]), np.array([0.5, 0.5]), (1.0,))
    assert len(made) == 1
    assert made[0].probability == 1.0
    assert levels.shape == (1, 0)


def test_too_many_combinations_are_refused_before_they_are_made():
    with pytest.raises(InputError, match=r"10 points for 12 loads make 1,000,000,000,000 load combinations"):
        load_combinations([f"l{k}" for k in range(12)], np.ones(10), np.full(10, 0.1), (1.0,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"load_scale": ()},
        {"load_scale": (1.0, -0.1)},
        {"load_scale": (float("nan"),)},
        {"load_scale": (1.0, 1.0), "load_groups": (LoadGroup(("a",), (1.0,)),)},
        {"load_scale": (1.0, 1.0, 1.0), "generation_scale": (1.0, 1.0)},
    ],
)
def test_a_scenario_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match="Scenario 'base'"):
        Scenario(**wrong)
