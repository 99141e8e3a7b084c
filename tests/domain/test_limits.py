"""Limits on plain arrays."""

import numpy as np
import pytest

from gridstudio.domain.limits import Limits, check
from gridstudio.errors import InputError

FED = np.array([True, True, True, False])
LIMITS = Limits(v_min_pu=0.95, v_max_pu=1.05, loading_max_pu=0.8)


def verdict(v_pu, loading_pu=(0.5,)):
    return check(np.array(v_pu), np.array(loading_pu), FED, np.full(len(loading_pu), 0.8), LIMITS)


def test_each_node_is_low_high_or_dead_by_its_own_voltage():
    found = verdict([0.94, 1.06, 0.02, 1.0])
    assert found.low.tolist() == [True, False, False, False]
    assert found.high.tolist() == [False, True, False, False]
    assert found.dead.tolist() == [False, False, True, False]


def test_a_node_that_no_source_feeds_is_neither_low_nor_dead():
    found = verdict([1.0, 1.0, 1.0, 0.0])
    assert not (found.low.any())
    assert not (found.dead.any())
    assert not (found.high.any())


def test_the_limit_itself_is_allowed():
    found = verdict([0.95, 1.05, 1.0, 1.0], (0.8,))
    assert not (found.low.any())
    assert not (found.high.any())
    assert not (found.overloaded.any())


def test_a_branch_without_rating_is_never_overloaded():
    assert verdict([1.0] * 4, (np.nan, 0.81)).overloaded.tolist() == [False, True]


def test_what_did_not_converge_breaks_no_limit_by_its_numbers():
    found = verdict([np.nan] * 4, (np.nan,))
    assert not (found.low.any())
    assert not (found.high.any())
    assert not (found.overloaded.any())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"v_min_pu": 1.06}, "voltage limits must rise"),
        ({"v_min_pu": 0.05}, "voltage limits must rise"),
        ({"loading_max_pu": 1.3, "emergency_loading_max_pu": 1.1}, "loading limits must rise"),
        ({"loading_max_pu": 0.0}, "loading limits must rise"),
    ],
)
def test_inverted_limits_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        Limits(**changes)
