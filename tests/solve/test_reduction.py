"""Scenario reduction against all subsets of small sets, against its definition, and at its limits."""

import itertools

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.solve.reduction import fast_forward, k_medoids

BOTH = pytest.mark.parametrize("method", [fast_forward, k_medoids])


def some(seed: int, count: int = 9, dimension: int = 2):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    weights = rng.random(count)
    return rng.normal(size=(count, dimension)), weights / weights.sum()


def distance_of(points, p, kept) -> float:  # type: ignore[no-untyped-def]
    """The Kantorovich distance by its definition, in loops."""
    return sum(p[i] * min(float(np.linalg.norm(points[i] - points[k])) for k in kept) for i in range(len(p)))


def best_of(points, p, keep: int) -> float:  # type: ignore[no-untyped-def]
    return min(distance_of(points, p, kept) for kept in itertools.combinations(range(len(p)), keep))


@BOTH
@pytest.mark.parametrize("seed", range(5))
def test_one_scenario_kept_is_the_best_one(method, seed: int) -> None:  # type: ignore[no-untyped-def]
    points, p = some(seed)
    assert method(points, p, 1).distance == pytest.approx(best_of(points, p, 1))


@pytest.mark.parametrize("seed", range(5))
def test_fast_forward_takes_the_best_next_scenario_each_time(seed: int) -> None:
    points, p = some(seed, 12)
    kept: list[int] = []
    for _ in range(5):
        rest = (i for i in range(len(p)) if i not in kept)
        kept.append(min(rest, key=lambda i: distance_of(points, p, [*kept, i])))
    found = fast_forward(points, p, 5)
    assert list(found.indices) == sorted(kept)
    assert found.distance == pytest.approx(distance_of(points, p, kept))


@pytest.mark.parametrize("seed", range(8))
def test_no_exchange_improves_k_medoids_and_fast_forward_is_never_nearer(seed: int) -> None:
    points, p = some(seed, 14)
    found = k_medoids(points, p, 4)
    for out, new in itertools.product(found.indices, range(len(p))):
        kept = {*found.indices.tolist(), new} - ({int(out)} if new not in found.indices else set())
        assert distance_of(points, p, kept) >= found.distance - 1e-9
    assert best_of(points, p, 4) - 1e-12 <= found.distance <= fast_forward(points, p, 4).distance + 1e-12


def test_k_medoids_finds_the_best_set_where_the_first_choice_misleads() -> None:
    # Two clusters about -1 and 1: the greedy first choice is the point between them, and stays.
    points = np.array([[-1.0], [-1.01], [-0.99], [0.0], [1.0], [1.01], [0.99]])
    p = np.full(7, 1 / 7)
    assert fast_forward(points, p, 2).distance > best_of(points, p, 2) + 0.1
    assert k_medoids(points, p, 2).distance == pytest.approx(best_of(points, p, 2))


@BOTH
def test_probabilities_are_those_of_the_scenarios_assigned(method) -> None:  # type: ignore[no-untyped-def]
    points, p = some(3, 40, 5)
    found = method(points, p, 7)
    assert found.probabilities.sum() == pytest.approx(1.0)
    for place in range(7):
        assert found.probabilities[place] == pytest.approx(p[found.assignment == place].sum())
    near = np.linalg.norm(points[:, None] - points[found.indices], axis=2).argmin(axis=1)
    np.testing.assert_array_equal(found.assignment, near)


@BOTH
def test_keeping_all_is_the_identity(method) -> None:  # type: ignore[no-untyped-def]
    points, p = some(1)
    found = method(points, p, len(p))
    np.testing.assert_array_equal(found.indices, np.arange(len(p)))
    np.testing.assert_array_equal(found.assignment, np.arange(len(p)))
    np.testing.assert_allclose(found.probabilities, p)
    assert found.distance == 0.0


@BOTH
def test_equal_scenarios_are_told_apart_and_no_probability_is_lost(method) -> None:  # type: ignore[no-untyped-def]
    points = np.repeat(np.array([[0.0], [1.0]]), 4, axis=0)
    found = method(points, np.full(8, 1 / 8), 3)
    assert found.distance == 0.0
    assert len(set(found.indices.tolist())) == 3
    assert found.probabilities.sum() == pytest.approx(1.0)


@BOTH
def test_the_same_scenarios_give_the_same_bits(method) -> None:  # type: ignore[no-untyped-def]
    points, p = some(2, 60, 10)
    first, second = method(points, p, 9), method(points, p, 9)
    np.testing.assert_array_equal(first.indices, second.indices)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


@BOTH
@pytest.mark.parametrize(
    ("points", "p", "keep", "message"),
    [
        (np.zeros((3, 2)), [0.5, 0.5], 1, "do not fit"),
        (np.zeros((2, 2)), [0.5, 0.6], 1, "sum to 1, not 1.1"),
        (np.zeros((2, 2)), [1.5, -0.5], 1, "must not be negative"),
        (np.array([[0.0], [np.nan]]), [0.5, 0.5], 1, "scenario 1 has a value that is not a number"),
        (np.zeros((2, 2)), [0.5, 0.5], 3, "3 of 2 scenarios cannot be kept"),
    ],
)
def test_what_cannot_be_reduced_is_refused(method, points, p, keep, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        method(points, p, keep)
