"""Weather, what plant and lines make of it, zones, representative days and their check; small meshes, closed forms."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstudio.domain.conductors import RatingConditions, ampacity_a
from gridstudio.errors import InputError
from gridstudio.planning.transition import days
from gridstudio.planning.transition.days import load, output, weather
from gridstudio.planning.transition.inputs import read_parameters

LATITUDE, LONGITUDE = np.array([50.0, 53.0, 56.0]), np.array([-112.0, -114.0, -116.0])
NUMBERS = days.Numbers(zones=5, days=4)
GIVEN = read_parameters(Path(__file__).resolve().parents[4] / "studies" / "data" / "aeso6_parameters.csv")
CLIMATE, TECHNOLOGY, SHAPE = days.climate(GIVEN), days.technology(GIVEN), days.load_shape(GIVEN)


@pytest.fixture(scope="module")
def points():
    return days.mesh(LATITUDE, LONGITUDE, 4, 3)


@pytest.fixture(scope="module")
def year(points):
    return days.synthetic(points, CLIMATE, seed=1)


@pytest.fixture(scope="module")
def sites():
    wires = days.Conductors(np.full(2, 0.0281), np.full(2, 0.0727), np.full(2, 0.0869))
    middle = (LATITUDE[:-1] + LATITUDE[1:]) / 2, (LONGITUDE[:-1] + LONGITUDE[1:]) / 2
    return days.Sites(LATITUDE, LONGITUDE, *middle, wires)


@pytest.fixture(scope="module")
def zoning(year, sites):
    return days.zoned(year, sites, TECHNOLOGY, NUMBERS)


def profiles_of(record, zoning, sites, seed=1):
    demand = days.synthetic_load(
        np.array([900.0, 1500.0, 700.0]),
        np.array([1300.0, 2100.0, 900.0]),
        record.temperature_c[:, :3],
        SHAPE,
        record.year,
        seed,
    )
    return days.profiles(record, demand, zoning, sites, TECHNOLOGY)


@pytest.fixture(scope="module")
def made(year, zoning, sites):
    return profiles_of(year, zoning, sites)


def test_the_same_seed_gives_the_same_weather_to_the_bit(points, year):
    again = days.synthetic(points, CLIMATE, seed=1)
    assert all(np.array_equal(getattr(again, m), getattr(year, m)) for m in weather.MEASURES)
    assert not np.array_equal(days.synthetic(points, CLIMATE, seed=2).wind_m_s, year.wind_m_s)


def test_near_points_have_more_alike_wind_than_far_ones(points, year):
    apart = weather.distance_km(points.latitude, points.longitude, points.latitude, points.longitude)
    alike = np.corrcoef(year.wind_m_s.T)
    near, far = alike[(apart > 0) & (apart < 250)], alike[apart > 600]
    assert near.min() > far.max()


def test_distances_are_great_circles():
    """A degree of latitude is pi / 180 of the earth's radius."""
    found = weather.distance_km(np.array([50.0]), np.array([0.0]), np.array([51.0]), np.array([0.0]))
    assert found[0, 0] == pytest.approx(np.pi / 180 * 6371.0)


def test_the_mesh_covers_the_box_with_its_cells(points):
    """Area of the box between two parallels on a sphere: R^2 (sin north - sin south) x width, within the cells' 1 %."""
    north, south, width = np.radians(56.75), np.radians(49.25), np.radians(5.5)
    by_hand = 6371.0**2 * (np.sin(north) - np.sin(south)) * width
    assert points.area_km2.sum() == pytest.approx(by_hand, rel=0.01)


def test_nights_are_dark_and_the_sun_is_highest_near_noon(year):
    zenith, _ = weather.sun(year.points, year.year)
    assert not year.direct_w_m2[zenith > 90].any()
    assert set(zenith.reshape(365, 24, -1).argmin(axis=1).ravel()) <= {11, 12}


def test_solar_output_is_bounded_and_higher_in_june_than_in_december(year):
    pv = output.solar_pu(year, TECHNOLOGY)
    assert pv.min() >= 0
    assert pv.max() <= 1
    assert pv[151 * 24 : 181 * 24].mean() > 3 * pv[334 * 24 :].mean()


@pytest.mark.parametrize(
    ("speed", "expected"), [(0, 0), (2.9, 0), (8, 0.38), (7.5, 0.315), (13, 1), (24.9, 1), (25, 0)]
)
def test_wind_output_follows_the_power_curve(speed, expected):
    assert output.wind_pu(speed, TECHNOLOGY) == pytest.approx(expected)


def test_a_lines_rating_in_its_static_weather_is_one(points, sites):
    """With static weather and the wind across, the dynamic rating is the static one."""
    across = replace(TECHNOLOGY, line_wind_angle_deg=90.0)
    flat = np.ones((24, len(points)))
    still = weather.Weather(
        points, 2022, 0.61 / TECHNOLOGY.hub_to_line * flat, 1000 * flat, 0 * flat, 40 * flat, "test"
    )
    assert output.rating_pu(still, np.array([0, 1]), sites.conductors, across) == pytest.approx(1.0)


def test_a_colder_hour_allows_more_current(points, sites):
    flat = np.ones((24, len(points)))
    cold = weather.Weather(points, 2022, 5 * flat, 500 * flat, 0 * flat, -20 * flat, "test")
    warm = weather.Weather(points, 2022, 5 * flat, 500 * flat, 0 * flat, 30 * flat, "test")
    at = np.array([0, 1])
    assert (
        output.rating_pu(cold, at, sites.conductors, TECHNOLOGY)
        > output.rating_pu(warm, at, sites.conductors, TECHNOLOGY)
    ).all()


def test_rating_agrees_with_the_catalogues_formula(points, sites):
    flat = np.ones((24, len(points)))
    hour = weather.Weather(points, 2022, 5 * flat, 500 * flat, 100 * flat, 10 * flat, "test")
    conditions = RatingConditions(
        conductor_max_c=100.0,
        ambient_c=10.0,
        wind_speed_m_per_s=5 * TECHNOLOGY.hub_to_line,
        irradiance_w_per_m2=600.0,
        wind_angle_deg=TECHNOLOGY.line_wind_angle_deg,
    )
    wire = (0.0281, 0.0727, 0.0869)
    by_formula = ampacity_a(*wire, conditions) / ampacity_a(*wire, TECHNOLOGY.line_static)
    assert output.rating_pu(hour, np.array([0, 1]), sites.conductors, TECHNOLOGY) == pytest.approx(by_formula)


def test_load_has_the_mean_and_the_highest_value_asked_for(year):
    average, highest = np.array([900.0, 1500.0, 700.0]), np.array([1300.0, 2100.0, 900.0])
    made = days.synthetic_load(average, highest, year.temperature_c[:, :3], SHAPE, 2022, 1)
    assert made.mean(axis=0) == pytest.approx(average, rel=1e-3)
    assert made.max(axis=0) == pytest.approx(highest)


def test_stretching_keeps_mean_and_peak_by_hand():
    assert load.stretched(np.array([[1.0], [2.0], [3.0]]), np.array([10.0]), np.array([14.0])).ravel() == pytest.approx(
        [6.0, 10.0, 14.0]
    )


def test_zones_share_out_the_whole_mesh(points, zoning):
    assert zoning.zones.area_km2.sum() == pytest.approx(0.1 * points.area_km2.sum())
    assert set(zoning.zone) == set(range(5))


def test_each_zone_feeds_its_nearest_bus(zoning):
    zones = zoning.zones
    apart = weather.distance_km(zones.latitude, zones.longitude, LATITUDE, LONGITUDE)
    assert np.array_equal(zones.bus, apart.argmin(axis=1))


def test_representative_days_are_days_of_the_year_with_their_clusters_share(made):
    chosen = days.representative(made, NUMBERS)
    for place, day in enumerate(chosen.day_of_year):
        assert np.array_equal(chosen.days.wind_pu[place], made.wind_pu[day * 24 : day * 24 + 24])
        assert np.array_equal(chosen.days.load_mw[place], made.load_mw[day * 24 : day * 24 + 24])
    counts = np.bincount(chosen.assignment)
    assert chosen.days.weights == pytest.approx(counts / 365)


def test_every_day_as_its_own_representative_keeps_the_year(made):
    chosen = days.representative(made, days.Numbers(days=365))
    kept = days.fidelity(made, chosen)
    assert kept["mean_of_days"].to_numpy() == pytest.approx(kept["mean"].to_numpy())
    assert kept["highest_of_days"].to_numpy() == pytest.approx(kept["highest"].to_numpy())


def test_a_year_agrees_fully_with_itself(made):
    chosen = days.representative(made, NUMBERS)
    assert days.agreement(made, chosen, made, NUMBERS) == pytest.approx((1.0, 1.0))


def test_another_year_agrees_better_than_chance(points, zoning, sites, made):
    other = profiles_of(days.synthetic(points, CLIMATE, seed=1, year=2021), zoning, sites)
    normalised, adjusted = days.agreement(made, days.representative(made, NUMBERS), other, NUMBERS)
    assert 0.1 < adjusted <= normalised < 1


def test_fewer_points_than_zones_are_refused(year, sites):
    with pytest.raises(InputError, match="40 zones are asked of 12 points"):
        days.zoned(year, sites, TECHNOLOGY, days.Numbers(zones=40))


def test_load_and_weather_must_have_the_same_hours(year, zoning, sites):
    with pytest.raises(InputError, match="24 hours, the weather 8760"):
        days.profiles(year, np.ones((24, 3)), zoning, sites, TECHNOLOGY)


# a user's own files


def write_weather(folder, hours=48, points=("a", "b")):
    table = pd.DataFrame({"time": pd.date_range("2021-01-01", periods=hours, freq="h")})
    for measure in weather.MEASURES:
        table.assign(**{p: 5.0 + i for i, p in enumerate(points)}).to_csv(folder / f"{measure}.csv", index=False)
    rows = [(p, 50.0 + i, -110.0, 100.0) for i, p in enumerate(points)]
    pd.DataFrame(rows, columns=["point", "latitude", "longitude", "area_km2"]).to_csv(
        folder / "points.csv", index=False
    )


def test_a_users_files_take_the_synthetic_years_place(tmp_path):
    write_weather(tmp_path)
    record = days.read_weather(tmp_path)
    assert (record.hours, record.year, record.points.name) == (48, 2021, ("a", "b"))
    assert record.start == pd.Timestamp("2021-01-01")
    assert record.wind_m_s[:, 1] == pytest.approx(6.0)
    assert output.solar_pu(record, TECHNOLOGY).shape == (48, 2)


def spoil_gap(folder):
    table = pd.read_csv(folder / "wind_m_s.csv").drop(index=7)
    table.to_csv(folder / "wind_m_s.csv", index=False)


def spoil_value(folder):
    table = pd.read_csv(folder / "direct_w_m2.csv")
    table.loc[3, "b"] = -1.0
    table.to_csv(folder / "direct_w_m2.csv", index=False)


def spoil_length(folder):
    pd.read_csv(folder / "wind_m_s.csv").head(30).to_csv(folder / "wind_m_s.csv", index=False)


def spoil_hours(folder):
    pd.read_csv(folder / "wind_m_s.csv").head(24).to_csv(folder / "wind_m_s.csv", index=False)


def spoil_column(folder):
    pd.read_csv(folder / "temperature_c.csv").drop(columns="a").to_csv(folder / "temperature_c.csv", index=False)


def spoil_points(folder):
    pd.read_csv(folder / "points.csv").assign(area_km2=0.0).to_csv(folder / "points.csv", index=False)


def spoil_file(folder):
    (folder / "diffuse_w_m2.csv").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_gap, "row 9 does not follow the hour before it"),
        (spoil_value, "row 5, column 'b' is missing or negative"),
        (spoil_length, "30 hours .* are not whole days"),
        (spoil_hours, "do not cover the same hours"),
        (spoil_column, "the column a is missing"),
        (spoil_points, "area is missing or not positive"),
        (spoil_file, "There is no table"),
    ],
)
def test_bad_weather_files_are_told_in_one_sentence(tmp_path, spoil, message):
    write_weather(tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError, match=message):
        days.read_weather(tmp_path)
