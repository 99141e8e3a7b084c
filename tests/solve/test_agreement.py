"""Mutual information of partitions: closed forms, and its expectation by going through all permutations."""

import itertools

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.solve import agreement
from gridstudio.solve.agreement import adjusted_mutual_information, normalised_mutual_information


@pytest.mark.parametrize("measure", [normalised_mutual_information, adjusted_mutual_information])
def test_the_same_partition_under_other_labels_agrees_fully(measure):
    assert measure([0, 0, 1, 1, 2], ["b", "b", "a", "a", "c"]) == pytest.approx(1.0)


def test_independent_halves_share_nothing():
    assert normalised_mutual_information([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(0.0)


def test_a_finer_partition_by_hand():
    """Halves against quarters: MI = ln 2, entropies ln 2 and 2 ln 2."""
    assert normalised_mutual_information([0, 0, 1, 1], [0, 1, 2, 3]) == pytest.approx(2 / 3)


def test_chance_is_taken_out():
    """Against singletons every partition has the information of chance."""
    assert adjusted_mutual_information([0, 0, 1, 1], [0, 1, 2, 3]) == pytest.approx(0.0, abs=1e-12)


def test_expected_information_is_the_mean_over_all_permutations():
    first, second = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 1]
    tables = [agreement._contingency(first, list(order)) for order in itertools.permutations(second)]
    mean = np.mean([agreement._mutual_information(table) for table in tables])
    assert agreement._expected(np.array([3.0, 2.0, 1.0]), np.array([2.0, 4.0])) == pytest.approx(mean)


def test_random_partitions_agree_no_more_than_chance():
    rng = np.random.default_rng(4)
    values = [adjusted_mutual_information(rng.integers(4, size=200), rng.integers(4, size=200)) for _ in range(30)]
    assert abs(np.mean(values)) < 0.01


@pytest.mark.parametrize("measure", [normalised_mutual_information, adjusted_mutual_information])
def test_one_cluster_each_is_the_same_partition(measure):
    assert measure([0, 0, 0], [1, 1, 1]) == 1.0


def test_partitions_of_different_items_are_refused():
    with pytest.raises(InputError, match="2 and 3 items"):
        normalised_mutual_information([0, 1], [0, 1, 1])
