"""Dynamic time warping against a plain recursion written here, and its limits."""

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.solve.warping import distances_within, warped_distances


def plain(a, b, band):
    """The textbook recursion for one pair (step, dimension)."""
    steps = len(a)
    cost = np.full((steps + 1, steps + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(1, steps + 1):
        for j in range(max(1, i - band), min(steps, i + band) + 1):
            apart = ((a[i - 1] - b[j - 1]) ** 2).sum()
            cost[i, j] = apart + min(cost[i - 1, j], cost[i - 1, j - 1], cost[i, j - 1])
    return np.sqrt(cost[steps, steps])


@pytest.mark.parametrize("band", [0, 1, 3, 12])
def test_distances_are_those_of_the_plain_recursion(band):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(5, 12, 3)), rng.normal(size=(4, 12, 3))
    by_hand = [[plain(x, y, band) for y in b] for x in a]
    assert warped_distances(a, b, band) == pytest.approx(np.array(by_hand))


def test_a_band_of_zero_is_the_euclidean_distance():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(4, 24, 2))
    euclidean = np.sqrt(((a[:, None] - a[None, :]) ** 2).sum(axis=(2, 3)))
    assert distances_within(a, 0) == pytest.approx(euclidean)


def test_a_shift_within_the_band_costs_nothing():
    early = np.zeros((1, 24, 1))
    late = early.copy()
    early[0, 10], late[0, 12] = 1.0, 1.0
    assert warped_distances(early, late, 2)[0, 0] == pytest.approx(0.0)
    assert warped_distances(early, late, 1)[0, 0] == pytest.approx(np.sqrt(2.0))


def test_distances_within_a_set_are_symmetric_with_a_zero_diagonal():
    between = distances_within(np.random.default_rng(3).normal(size=(6, 10, 2)), 2)
    assert np.array_equal(between, between.T)
    assert not between.diagonal().any()


@pytest.mark.parametrize(
    ("a", "b", "band", "message"),
    [
        (np.zeros((2, 24, 1)), np.zeros((2, 23, 1)), 1, "cannot be warped"),
        (np.zeros((2, 24)), np.zeros((2, 24)), 1, "cannot be warped"),
        (np.zeros((2, 24, 1)), np.zeros((2, 24, 1)), -1, "must not be negative"),
        (np.full((1, 2, 1), np.nan), np.zeros((1, 2, 1)), 1, "not a number"),
    ],
)
def test_what_cannot_be_warped_is_refused(a, b, band, message):
    with pytest.raises(InputError, match=message):
        warped_distances(a, b, band)
