"""Scaled days: the year's energy of every place, shapes and weights as they were; what is missed is told."""

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
    found = days.scaled(year(), chosen(year())).chosen.days
    assert found.load_mw == pytest.approx(np.full((1, 24, 1), 100.0))
    assert found.wind_pu == pytest.approx(np.full((1, 24, 1), 0.4))
    assert found.rating_pu == pytest.approx(np.full((1, 24, 1), 1.4))


def test_the_shape_of_a_day_stays() -> None:
    made = year()
    half = days.Year(made.load_mw, made.wind_pu, made.solar_pu * np.repeat([1.0, 0.5], 24)[:, None], made.rating_pu)
    found = days.scaled(half, chosen(half)).chosen.days.solar_pu[0, :, 0]
    assert found == pytest.approx(0.75 * 0.6 * SUN)


def test_output_stays_within_the_capacity_and_still_adds_up() -> None:
    """A day of 0.9 or 0.1 that has to come to 0.6: the windy half is full, the calm half makes up for the rest, 0.2."""
    wind = np.concatenate([np.where(HOURS < 12, 0.9, 0.1), np.full(24, 0.7)])[:, None]
    made = days.Year(np.ones((48, 1)), wind, np.zeros((48, 1)), np.ones((48, 1)))
    found = days.scaled(made, chosen(made)).chosen.days.wind_pu[0, :, 0]
    assert found == pytest.approx(np.where(HOURS < 12, 1.0, 0.2))


def test_a_place_without_sun_on_these_days_stays_dark() -> None:
    dark = np.concatenate([np.zeros(24), 0.5 * SUN])[:, None]
    made = days.Year(np.ones((48, 1)), np.ones((48, 1)), dark, np.ones((48, 1)))
    assert not days.scaled(made, chosen(made)).chosen.days.solar_pu.any()


def test_days_that_have_the_years_means_stay_as_they_are() -> None:
    made = year(load=(100.0, 100.0), wind=(0.4, 0.4))
    before = chosen(made).days
    after = days.scaled(made, chosen(made)).chosen.days
    assert all(np.array_equal(getattr(before, k), getattr(after, k)) for k in ("load_mw", "wind_pu", "solar_pu"))


# what is told of it


def told(made: days.Year, scaled: bool = True):
    """The row of each kind, and the warnings."""
    found = days.scaled(made, chosen(made))
    table = days.fidelity(made, found.chosen, found.factors) if scaled else days.fidelity(made, chosen(made))
    return table.set_index("kind"), [remark.text for remark in days.remarks(table, scaled)]


def windy(hours, first: float, second: float) -> days.Year:
    """Two days of even load and no sun; wind in some hours of the first and in all of the second."""
    wind = np.concatenate([np.where(hours, first, 0.0), np.full(24, second)])[:, None]
    return days.Year(np.ones((48, 1)), wind, np.zeros((48, 1)), np.ones((48, 1)))


def test_factors_are_told_by_hand() -> None:
    """Load 80 for a mean of 100, wind 0.3 for a mean of 0.4."""
    rows, texts = told(year())
    assert rows.loc["load_mw", "highest_factor"] == pytest.approx(1.25)
    assert rows.loc["wind_pu", ["least_factor", "highest_factor"]].to_list() == pytest.approx([4 / 3, 4 / 3])
    assert rows.loc["rating_pu", ["least_factor", "highest_factor"]].to_list() == [1.0, 1.0]
    assert not any("scaled by factors" in text for text in texts)


def test_the_factor_is_that_of_what_is_not_cut_off() -> None:
    """The calm half of 0.1 comes to 0.2."""
    wind = np.concatenate([np.where(HOURS < 12, 0.9, 0.1), np.full(24, 0.7)])[:, None]
    rows, _ = told(days.Year(np.ones((48, 1)), wind, np.zeros((48, 1)), np.ones((48, 1))))
    assert rows.loc["wind_pu", "highest_factor"] == pytest.approx(2.0)


def test_a_mean_out_of_reach_is_told() -> None:
    """One hour of output in 24 gives 1/24 at most; the year's mean is (0.2 / 24 + 0.6) / 2."""
    mean = (0.2 / 24 + 0.6) / 2
    rows, texts = told(windy(HOURS == 5, 0.2, 0.6))
    assert rows.loc["wind_pu", "mean_of_days"] == pytest.approx(1 / 24)
    assert rows.loc["wind_pu", "most_short"] == pytest.approx(1 - 1 / 24 / mean)
    assert any("wind output of a zone stays up to 86.3% below its mean" in text for text in texts)


def test_a_place_that_stays_dark_is_told() -> None:
    rows, texts = told(windy(HOURS < 0, 0.2, 0.6))
    assert rows.loc["wind_pu", "most_short"] == 1.0
    assert any("stays up to 100.0% below its mean" in text for text in texts)


def test_days_far_from_the_year_are_told() -> None:
    """0.1 all day for a mean of 0.35: a factor of 3.5, and the mean is reached."""
    rows, texts = told(windy(HOURS >= 0, 0.1, 0.6))
    assert rows.loc["wind_pu", "most_short"] == pytest.approx(0.0, abs=1e-9)
    assert texts == [
        "The wind output of a zone is scaled by factors from 3.5 to 3.5: days so far from the year's mean are no "
        "longer weather that was; take more days."
    ]


def test_the_peak_that_no_day_has_is_told_in_the_sum_over_buses() -> None:
    """Two buses of 80 and 120 MW in turn: 240 MW in the year; scaled to the mean the day has 200."""
    made = year()
    both = days.Year(np.tile(made.load_mw, 2), made.wind_pu, made.solar_pu, made.rating_pu)
    rows, texts = told(both)
    assert rows.loc["load_mw", ["mean", "highest", "highest_of_days"]].to_list() == pytest.approx([200.0, 240.0, 200.0])
    assert texts[-1].startswith("The year's highest load is 240 MW, that of the representative days 200 MW")


def test_of_days_as_they_are_only_the_peak_is_told() -> None:
    rows, texts = told(windy(HOURS < 0, 0.2, 0.6), scaled=False)
    assert rows.loc["wind_pu", ["least_factor", "highest_factor", "most_short"]].to_list() == [1.0, 1.0, 1.0]
    assert texts == []
