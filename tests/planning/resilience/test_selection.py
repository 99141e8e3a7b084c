"""Selected scenarios stand for all storms: probabilities, strata, and limiting cases."""

import numpy as np
import pytest

from gridstudio.planning.resilience.outages import TRAINING, Lottery, base_loss
from gridstudio.planning.resilience.selection import middle, patterns_of, select


@pytest.fixture
def drawn(chain):
    setup = chain().prepare()
    storms = Lottery(setup.grid, setup.wind, setup.fragility, 3, 1).draw(3000, (TRAINING,))
    return setup.grid, storms, base_loss(setup.grid, storms)


@pytest.mark.parametrize("keep", [1, 2, 3, 5, 8, 1000])
def test_probabilities_sum_to_one_and_every_storm_is_stood_for(drawn, keep):
    grid, storms, loss = drawn
    found = select(grid, storms, loss, keep)
    assert found.storms.probability.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found.storms.probability > 0).all()
    assert found.stands_for.sum() == len(storms)
    assert len(found.storms) == min(keep, 8)  # three sections fail or not


def test_all_patterns_kept_give_the_monte_carlos_mean(drawn):
    grid, storms, loss = drawn
    found = select(grid, storms, loss, 8)
    assert found.mean == pytest.approx(loss.mean())
    assert found.distance == pytest.approx(0.0, abs=1e-9)


def test_scenarios_are_different_storms_in_the_order_of_their_wind(drawn):
    grid, storms, loss = drawn
    found = select(grid, storms, loss, 6)
    faults = found.storms.sections_out(grid)
    assert len(np.unique(faults, axis=0)) == 6
    assert (np.diff(found.storms.wind_m_s) >= 0).all()
    assert (found.storms.failed == storms.failed[found.rows]).all()


def test_more_scenarios_are_never_farther_from_the_storms(drawn):
    grid, storms, loss = drawn
    distances = [select(grid, storms, loss, keep).distance for keep in (2, 4, 6, 8)]
    assert distances == sorted(distances, reverse=True)


def test_the_storm_without_fault_keeps_its_probability(drawn):
    grid, storms, loss = drawn
    found = select(grid, storms, loss, 4)
    quiet = ~found.storms.sections_out(grid).any(axis=1)
    assert found.storms.probability[quiet] == pytest.approx([(~storms.sections_out(grid).any(axis=1)).mean()])


def test_patterns_hold_all_probability(drawn):
    grid, storms, loss = drawn
    found = patterns_of(grid, storms, loss)
    assert found.probability.sum() == pytest.approx(1.0)
    assert found.storms.sum() == len(storms)


def test_hardenable_lines_part_the_patterns(chain):
    """With hardening, storms count as one only if hardening changes them alike."""
    setup = chain(lines={"harden": ["line.feed_b"]}).prepare()
    storms = Lottery(setup.grid, setup.wind, setup.fragility, 3, 1).draw(3000, (TRAINING,))
    found = patterns_of(setup.grid, storms, base_loss(setup.grid, storms))
    # sections a and c: faulted or not; b: no fault, feed_b alone soft or hard, lateral alone or with a soft feed_b
    assert len(found.first) == 2 * 2 * 5


def test_the_mean_storm_is_that_of_mean_damage_among_those_with_a_fault(drawn):
    grid, storms, _ = drawn
    loss = base_loss(grid, storms)
    one = middle(grid, storms)
    assert len(one) == 1
    assert one.probability.tolist() == [1.0]
    hit = storms.failed.any(axis=1)
    assert one.failed.any()
    apart = np.abs(loss - loss[hit].mean())
    assert apart[storms.names.index(one.names[0])] == pytest.approx(apart[hit].min())


def test_without_any_fault_the_mean_storm_has_none(drawn):
    grid, storms, _ = drawn
    calm = np.flatnonzero(~storms.failed.any(axis=1))[:3]
    assert not middle(grid, storms.take(calm, np.full(3, 1 / 3))).failed.any()
