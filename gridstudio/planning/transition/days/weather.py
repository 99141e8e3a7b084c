"""Hourly weather at points of a region: a user's own files, or a seeded synthetic year that stands in for them.

Hours are local standard time; the first is midnight. Units: wind speed m/s, irradiance W/m2, temperature C.

The synthetic year is invented: no record of any place. Its form: wind speed is a Gaussian field (correlated over hours
and kilometres: a slow synoptic part and a quick local one) carried to a Weibull distribution whose scale grows towards
the south-west of the region and in winter; clouds are another such field, slightly tied to the wind; they dim the
clear sky of Haurwitz (1945), and the Erbs model (1982) parts the rest into direct and diffuse light; temperature is a
yearly and a daily wave by latitude plus a synoptic field. Its numbers stand in the parameter file (``Climate``).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]

HOURS = 24
YEAR_HOURS = 8760
EARTH_KM = 6371.0
MEASURES = ("wind_m_s", "direct_w_m2", "diffuse_w_m2", "temperature_c")


@dataclass(frozen=True, eq=False)
class Points:
    """Places of the weather (point,): ``area_km2`` is the land that each stands for."""

    name: tuple[str, ...]
    latitude: FloatArray
    longitude: FloatArray
    area_km2: FloatArray

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, eq=False)
class Weather:
    """Arrays (hour, point): wind speed at hub height, direct normal and diffuse horizontal irradiance, temperature.

    ``year``: calendar year of the hours, for the sun's position. ``origin``: "synthetic" or the folder it came from.
    """

    points: Points
    year: int
    wind_m_s: FloatArray
    direct_w_m2: FloatArray
    diffuse_w_m2: FloatArray
    temperature_c: FloatArray
    origin: str
    start: pd.Timestamp | None = None  # first hour of a user's files; a synthetic year has no dates of its own

    @property
    def hours(self) -> int:
        return len(self.wind_m_s)


@dataclass(frozen=True)
class Climate:
    """The synthetic year's numbers; the parameter file has them as climate_<name>."""

    wind_mean_m_s: float  # at hub height, middle of the region
    wind_slope_share: float  # more in the south-west, less in the north-east
    wind_winter_share: float
    wind_night_share: float  # at hub height nights are windier
    weibull_shape: float
    synoptic_h: float
    synoptic_km: float
    local_h: float
    local_km: float
    local_share: float  # of the variance
    cloudiness_share: float  # mean share of the sky's light that clouds may take
    cloud_exponent: float  # of a cloud's probability: above 1, clear hours are more frequent
    cloud_most_share: float  # of the light that clouds take
    cloud_wind_share: float  # correlation of clouds and wind
    temperature_c: float  # yearly mean in the middle of the region
    temperature_winter_c: float  # amplitude of the year
    temperature_day_c: float
    temperature_synoptic_c: float
    temperature_north_c_per_degree: float  # colder by latitude


def mesh(latitude: FloatArray, longitude: FloatArray, rows: int, columns: int, margin_deg: float = 0.75) -> Points:
    """A regular mesh over the box around some places; each point stands for its own cell."""
    south, north = latitude.min() - margin_deg, latitude.max() + margin_deg
    west, east = longitude.min() - margin_deg, longitude.max() + margin_deg
    lat = south + (np.arange(rows) + 0.5) * (north - south) / rows
    lon = west + (np.arange(columns) + 0.5) * (east - west) / columns
    latitudes, longitudes = (grid.ravel() for grid in np.meshgrid(lat, lon, indexing="ij"))
    degree_km = np.pi / 180 * EARTH_KM
    area = (north - south) / rows * (east - west) / columns * degree_km**2 * np.cos(np.radians(latitudes))
    names = tuple(f"z{row + 1}_{column + 1}" for row in range(rows) for column in range(columns))
    return Points(names, latitudes, longitudes, area)


def distance_km(latitude: FloatArray, longitude: FloatArray, to_lat: FloatArray, to_lon: FloatArray) -> FloatArray:
    """Great-circle distances (place, other) [km]."""
    phi, theta = np.radians(latitude)[:, None], np.radians(longitude)[:, None]
    to_phi, to_theta = np.radians(to_lat)[None, :], np.radians(to_lon)[None, :]
    half = np.sin((to_phi - phi) / 2) ** 2 + np.cos(phi) * np.cos(to_phi) * np.sin((to_theta - theta) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def synthetic(points: Points, climate: Climate, seed: int, year: int = 2022) -> Weather:
    """A seeded invented year (8 760 hours) at the points; the same seed gives the same bits."""
    from pvlib import clearsky, irradiance

    storms, clouds, heat = (np.random.default_rng(s) for s in np.random.SeedSequence([seed, year]).spawn(3))
    windy = _field(points, climate, storms, climate.local_share)
    tied = climate.cloud_wind_share
    cloudy = tied * windy + np.sqrt(1 - tied**2) * _field(points, climate, clouds, climate.local_share)
    warm = _field(points, climate, heat, 0.0)
    hour = np.arange(YEAR_HOURS)
    season = np.cos(2 * np.pi * (hour / HOURS - 15) / 365)  # 1 in the middle of January
    zenith = sun(points, year)[0]
    clear = np.stack([clearsky.haurwitz(pd.Series(z))["ghi"].to_numpy() for z in zenith.T], axis=1)
    taken = 2 * climate.cloudiness_share * ndtr(cloudy) ** climate.cloud_exponent
    ghi = clear * (1 - np.clip(taken, 0.0, climate.cloud_most_share))
    day = np.repeat(np.arange(1, 366), HOURS)
    parts = irradiance.erbs(ghi.ravel(), zenith.ravel(), np.repeat(day, len(points)))
    direct, diffuse = (np.nan_to_num(np.asarray(parts[key])).reshape(ghi.shape) for key in ("dni", "dhi"))
    return Weather(
        points,
        year,
        wind_m_s=_wind(points, climate, windy, season, hour),
        direct_w_m2=np.maximum(direct, 0.0),
        diffuse_w_m2=np.maximum(diffuse, 0.0),
        temperature_c=_temperature(points, climate, warm, season, hour),
        origin="synthetic",
    )


def sun(points: Points, year: int, hours: int = YEAR_HOURS) -> tuple[FloatArray, FloatArray]:
    """Zenith and azimuth of the sun (hour, point) [degrees] in the middle of each hour (Spencer 1971)."""
    from pvlib import solarposition

    zone_h = round(float(points.longitude.mean()) / 15)  # local standard time by longitude
    when = np.datetime64(f"{year}-01-01T00:30") + np.arange(hours) * np.timedelta64(1, "h")
    day = (when - when.astype("datetime64[Y]")).astype("timedelta64[D]").astype(float) + 1
    minutes = solarposition.equation_of_time_spencer71(day)[:, None]
    angle = 15 * (np.arange(hours) % HOURS + 0.5 - 12)[:, None] + points.longitude - 15 * zone_h + minutes / 4
    latitude, declination = np.radians(points.latitude)[None, :], solarposition.declination_spencer71(day)[:, None]
    zenith = solarposition.solar_zenith_analytical(latitude, np.radians(angle), declination)
    azimuth = solarposition.solar_azimuth_analytical(latitude, np.radians(angle), declination, zenith)
    return np.degrees(zenith), np.degrees(azimuth)


def read_weather(folder: Path) -> Weather:
    """A user's year: ``points.csv`` (point, latitude, longitude, area_km2) and a table per measure, hour x point.

    The tables are wind_m_s.csv, direct_w_m2.csv, diffuse_w_m2.csv and temperature_c.csv with a column per point and,
    first, ``time``: consecutive hours from a midnight on, whole days. InputError with all that is wrong.
    """
    places = _table(folder / "points.csv")
    missing = [c for c in ("point", "latitude", "longitude", "area_km2") if c not in places]
    if missing:
        raise InputError(f"{folder / 'points.csv'}: the column {', '.join(missing)} is missing.")
    names = tuple(places["point"].astype(str))
    numbers = [pd.to_numeric(places[c], errors="coerce").to_numpy(float) for c in ("latitude", "longitude", "area_km2")]
    if not np.isfinite(np.array(numbers)).all() or (numbers[2] <= 0).any():
        raise InputError(f"{folder / 'points.csv'}: a latitude, longitude or area is missing or not positive.")
    found = {
        measure: hourly(folder / f"{measure}.csv", names, negative=measure == "temperature_c") for measure in MEASURES
    }
    starts = {(table.start, len(table.values)) for table in found.values()}
    if len(starts) > 1:
        raise InputError(f"{folder}: the tables of weather do not cover the same hours.")
    values = {measure: table.values for measure, table in found.items()}
    start = found["wind_m_s"].start
    return Weather(Points(names, *numbers), start.year, **values, origin=folder.name, start=start)


@dataclass(frozen=True, eq=False)
class Hourly:
    """A table of hours: its first hour and values (hour, column)."""

    start: pd.Timestamp
    values: FloatArray


def hourly(path: Path, columns: tuple[str, ...], negative: bool = False) -> Hourly:
    """A table of whole days of hours with these columns; InputError for gaps, wrong lengths and missing columns."""
    table = _table(path)
    lacking = [c for c in ("time", *columns) if c not in table]
    if lacking:
        raise InputError(f"{path}: the column {', '.join(lacking[:5])} is missing.")
    when = pd.to_datetime(table["time"], errors="coerce")
    gaps = np.flatnonzero(when.isna() | (when.diff().fillna(pd.Timedelta(hours=1)) != pd.Timedelta(hours=1)))
    if len(gaps):
        raise InputError(
            f"{path}: row {gaps[0] + 2} does not follow the hour before it; hours without gaps are needed."
        )
    if not len(when) or len(when) % HOURS or when.iloc[0].hour != 0:
        raise InputError(f"{path}: {len(when)} hours from {when.min()} are not whole days; a multiple of 24 is needed.")
    values = table[list(columns)].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    wrong = ~np.isfinite(values) | ((values < 0) & (not negative))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InputError(f"{path}: row {row + 2}, column {columns[column]!r} is missing or negative.")
    return Hourly(when.iloc[0], values)


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, skipinitialspace=True, comment="#")
    except FileNotFoundError:
        raise InputError(f"There is no table {path}.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from None


def _field(points: Points, climate: Climate, rng: np.random.Generator, local: float) -> FloatArray:
    """A standard normal field (hour, point), correlated over time and space; ``local``: share of the quick part."""
    slow = _correlated(points, climate.synoptic_h, climate.synoptic_km, rng)
    if not local:
        return slow
    return np.sqrt(1 - local) * slow + np.sqrt(local) * _correlated(points, climate.local_h, climate.local_km, rng)


def _correlated(points: Points, hours: float, km: float, rng: np.random.Generator) -> FloatArray:
    """First-order autoregression in time with exponential correlation in space; variance 1 from the first hour on."""
    apart = distance_km(points.latitude, points.longitude, points.latitude, points.longitude)
    root = np.linalg.cholesky(np.exp(-apart / km) + 1e-9 * np.eye(len(points)))
    noise = rng.standard_normal((YEAR_HOURS, len(points))) @ root.T
    memory = np.exp(-1 / hours)
    noise[1:] *= np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], noise, axis=0)


def _wind(
    points: Points, climate: Climate, field: FloatArray, season: FloatArray, hour: NDArray[np.int64]
) -> FloatArray:
    from scipy.special import gamma

    lat, lon = points.latitude, points.longitude
    across = (lat.mean() - lat) / max(np.ptp(lat), 1e-9) + (lon.mean() - lon) / max(np.ptp(lon), 1e-9)
    mean = climate.wind_mean_m_s * (1 + climate.wind_slope_share * across)
    night = climate.wind_night_share * np.cos(2 * np.pi * (hour - 2) / HOURS)
    scale = (
        mean[None, :] * (1 + climate.wind_winter_share * season + night)[:, None] / gamma(1 + 1 / climate.weibull_shape)
    )
    tail = np.clip(ndtr(-field), 1e-12, 1.0)
    return scale * (-np.log(tail)) ** (1 / climate.weibull_shape)


def _temperature(
    points: Points, climate: Climate, field: FloatArray, season: FloatArray, hour: NDArray[np.int64]
) -> FloatArray:
    north = points.latitude - points.latitude.mean()
    day = np.cos(2 * np.pi * (hour - 15) / HOURS)
    base = climate.temperature_c - climate.temperature_north_c_per_degree * north[None, :]
    waves = -climate.temperature_winter_c * season + climate.temperature_day_c * day
    return base + waves[:, None] + climate.temperature_synoptic_c * field
