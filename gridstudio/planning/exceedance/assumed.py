"""A year that nobody measured: smooth hourly load shapes by class with seasons, weekends and seeded weather.

Written so that a study runs before its data are there. Each class's shape peaks at 1 in its highest hour, so that the
published load of a circuit is the peak of every load by itself; sums are diversified by the classes only. The shapes
are typical of a summer-peaking North American utility and are assumptions, not measurements.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Share of the day's highest hour, by hour: weekday and weekend.
_DAY = {
    "residential": (
        (.48, .43, .40, .39, .40, .45, .55, .60, .56, .53, .54, .57,
         .60, .63, .67, .73, .82, .93, 1., .99, .95, .87, .73, .58),
        (.52, .46, .42, .40, .40, .42, .47, .55, .63, .69, .73, .75,
         .76, .76, .77, .80, .86, .94, .98, .96, .92, .85, .74, .61),
    ),
    "commercial": (
        (.40, .38, .37, .37, .39, .45, .56, .70, .83, .92, .96, .99,
         1., 1., .99, .97, .92, .84, .75, .69, .63, .56, .49, .43),
        (.38, .36, .35, .35, .36, .38, .42, .47, .53, .59, .63, .65,
         .66, .65, .63, .61, .58, .55, .52, .50, .48, .45, .42, .40),
    ),
    "industrial": (
        (.66, .65, .64, .65, .68, .76, .87, .95, .99, 1., 1., .98,
         .95, .98, .99, .96, .90, .84, .80, .78, .76, .73, .70, .68),
        (.58, .57, .56, .56, .57, .58, .60, .62, .64, .65, .65, .65,
         .64, .64, .63, .62, .61, .60, .60, .60, .59, .59, .58, .58),
    ),
}  # fmt: skip
# Cooling and heating share of the day's load at their height, and the relative noise of hours.
_SEASON = {"residential": (0.55, 0.25, 0.04), "commercial": (0.35, 0.08, 0.02), "industrial": (0.10, 0.03, 0.02)}
_HOT_DAY, _COLD_DAY, _SPREAD_DAYS = 205, 20, 45.0  # 24 July and 20 January
_WEATHER = 0.20  # share by which a day departs from its season
_MEMORY = 0.7  # correlation of a day's weather with the day before
_SUN_MEMORY = 0.4


def assumed_year(start: datetime, hours: int, seed: int) -> dict[str, Floats]:
    """Multipliers (hour,) by class, each with maximum 1, and of solar generation, per unit of its nameplate."""
    rng = np.random.default_rng(seed)
    when = np.datetime64(start, "h") + np.arange(hours)
    day = (when - when[0].astype("datetime64[D]")).astype("timedelta64[D]").astype(int)
    hour = (when - when.astype("datetime64[D]")).astype(int)
    of_year = (when.astype("datetime64[D]") - when.astype("datetime64[Y]")).astype(int)
    weekend = (when.astype("datetime64[D]").astype(int) + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    weather = _walk(rng, day[-1] + 1, _MEMORY)
    cloud = _walk(rng, day[-1] + 1, _SUN_MEMORY)
    found = {}
    for name, (work, rest) in _DAY.items():
        cooling, heating, noise = _SEASON[name]
        warm, cold = _near(of_year, _HOT_DAY), _near(of_year, _COLD_DAY)
        season = 1 - cooling - heating * 0.5 + (cooling * warm + heating * cold) * (1 + _WEATHER * weather[day])
        daily = np.where(weekend, np.array(rest)[hour], np.array(work)[hour])
        raw = np.maximum(0.05, season * daily * (1 + noise * rng.standard_normal(hours)))
        found[name] = np.round(raw / raw.max(), 6)
    found["solar"] = np.round(_solar(of_year, hour) * (0.35 + 0.65 / (1 + np.exp(-1.5 - 2 * cloud[day]))), 6)
    return found


def _walk(rng: np.random.Generator, days: int, memory: float) -> Floats:
    """Standard normal from day to day, correlated with the day before."""
    steps = rng.standard_normal(days)
    for index in range(1, days):
        steps[index] = memory * steps[index - 1] + np.sqrt(1 - memory**2) * steps[index]
    return steps


def _near(of_year: NDArray[np.int_], peak: int) -> Floats:
    """1 at a day of the year, falling as a bell on both sides, around the turn of the year too."""
    away = np.abs(of_year - peak)
    away = np.minimum(away, 365 - away)
    bell: Floats = np.exp(-0.5 * (away / _SPREAD_DAYS) ** 2)
    return bell


def _solar(of_year: NDArray[np.int_], hour: NDArray[np.int_]) -> Floats:
    """0.85 of the sine of the sun's height at 40 degrees north (declination after Cooper 1969), 0 at night."""
    declination = np.radians(23.45) * np.sin(2 * np.pi * (285 + of_year) / 365)
    latitude, angle = np.radians(40.0), np.radians(15 * (hour + 0.5 - 12))
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    sun: Floats = 0.85 * np.maximum(height, 0.0)
    return sun
