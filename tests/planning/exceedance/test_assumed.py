"""The built-in year: seeded, peaks at 1, and has seasons, weekends and nights."""

from datetime import datetime

import numpy as np
import pytest

from gridstudio.planning.exceedance.assumed import assumed_year

START = datetime(2023, 1, 1)


@pytest.fixture(scope="module")
def year():
    return assumed_year(START, 8760, 1)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(year):
    again, other = assumed_year(START, 8760, 1), assumed_year(START, 8760, 2)
    assert all(np.array_equal(year[name], again[name]) for name in year)
    assert not np.array_equal(year["residential"], other["residential"])


@pytest.mark.parametrize("name", ["residential", "commercial", "industrial"])
def test_a_class_peaks_at_one_in_summer(year, name):
    peak = int(year[name].argmax())
    assert year[name].max() == 1.0
    assert year[name].min() > 0
    assert 150 * 24 < peak < 270 * 24


def test_factories_and_offices_rest_at_weekends(year):
    """2023 began on a Sunday."""
    weekend = np.isin((np.arange(8760) // 24) % 7, (0, 6))
    for name in ("commercial", "industrial"):
        assert year[name][weekend].mean() < 0.85 * year[name][~weekend].mean()


def test_the_sun_is_down_at_night_and_lower_in_winter(year):
    solar = year["solar"].reshape(365, 24)
    assert (solar[:, [0, 1, 2, 3, 22, 23]] == 0).all()
    assert solar.max() <= 0.85
    assert solar[335:].mean() < 0.6 * solar[150:180].mean()


def test_a_leap_year_has_its_day():
    assert len(assumed_year(datetime(2024, 1, 1), 8784, 1)["solar"]) == 8784
