"""Scaled days: the year's energy of every place, shapes and weights as they were."""

import numpy as np
import pytest

from gridstudio.planning.transition import days
from gridstudio.planning.transition.case import RepresentativeDays

HOURS = np.arange(24)
SUN = np.clip(np.sin(np.pi * (HOURS - 6) / 12), 0, None)


def year(load=(80.0, 120.0), wind=(0.3, 0.5), solar=0.6):
    """Two days in turn: load and wind level, the sun on an arc."""
    levels = [np.repeat(np.array(pair), 24)[:, None] for pair in (load, wind)]
    sun = np.tile(solar * SUN, 2)[:, None]
    return days.Year(levels[0], levels[1], sun, np.full((48, 1), 1.4))


def chosen(made: days.Year, day: int = 0) -> days.Chosen:
    kinds = ("load_mw", "wind_pu", "solar_pu", "rating_pu")
    parts = {kind: made.by_day(kind)[[day]] for kind in kinds}
    found = RepresentativeDays(**parts, weights=np.ones(1), labels=("one",))
    return days.Chosen(found, np.array([day]), np.zeros(2, dtype=np.int64))


def test_scaled_days_have_the_years_means_by_hand() -> None:
    """One day of 80 MW and 0.3 stands for two of 100 MW and 0.4 in the mean; line ratings stay."""
    found = days.scaled(year(), chosen(year())).days
    assert found.load_mw == pytest.approx(np.full((1, 24, 1), 100.0))
    assert found.wind_pu == pytest.approx(np.full((1, 24, 1), 0.4))
    assert found.rating_pu == pytest.approx(np.full((1, 24, 1), 1.4))


def test_the_shape_of_a_day_stays() -> None:
    made = year()
    half = days.Year(made.load_mw, made.wind_pu, made.solar_pu * np.repeat([1.0, 0.5], 24)[:, None], made.rating_pu)
    found = days.scaled(half, chosen(half)).days.solar_pu[0, :, 0]
    assert found == pytest.approx(0.75 * 0.6 * SUN)


def test_output_stays_within_the_capacity_and_still_adds_up() -> None:
    """A day of 0.9 or 0.1 that has to come to 0.6: the windy half is full, the calm half makes up for the rest, 0.2."""
    wind = np.concatenate([np.where(HOURS < 12, 0.9, 0.1), np.full(24, 0.7)])[:, None]
    made = days.Year(np.ones((48, 1)), wind, np.zeros((48, 1)), np.ones((48, 1)))
    found = days.scaled(made, chosen(made)).days.wind_pu[0, :, 0]
    assert found == pytest.approx(np.where(HOURS < 12, 1.0, 0.2))


def test_a_place_without_sun_on_these_days_stays_dark() -> None:
    dark = np.concatenate([np.zeros(24), 0.5 * SUN])[:, None]
    made = days.Year(np.ones((48, 1)), np.ones((48, 1)), dark, np.ones((48, 1)))
    assert not days.scaled(made, chosen(made)).days.solar_pu.any()


def test_days_that_have_the_years_means_stay_as_they_are() -> None:
    made = year(load=(100.0, 100.0), wind=(0.4, 0.4))
    before = chosen(made).days
    after = days.scaled(made, chosen(made)).days
    assert all(np.array_equal(getattr(before, k), getattr(after, k)) for k in ("load_mw", "wind_pu", "solar_pu"))
