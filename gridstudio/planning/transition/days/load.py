"""Hourly load of each bus: a user's table, or a seeded synthetic year between each bus's mean and highest load."""

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.transition.days.weather import HOURS, YEAR_HOURS

FloatArray = NDArray[np.float64]

# Shape of a day by hour, assumed: a morning and an evening peak, of a northern, winter-peaking system.
DAY = np.array([
    0.80, 0.77, 0.75, 0.75, 0.76, 0.80, 0.87, 0.93, 0.96, 0.97, 0.97, 0.97,
    0.96, 0.96, 0.96, 0.97, 0.99, 1.00, 1.00, 0.99, 0.97, 0.94, 0.89, 0.84,
])  # fmt: skip
WEEKEND, WINTER, NOISE = 0.94, 0.05, 0.02
COMFORT_C, PER_DEGREE = 16.0, 0.004  # heating below and cooling above


def synthetic_load(
    average_mw: FloatArray, highest_mw: FloatArray, temperature_c: FloatArray, year: int, seed: int
) -> FloatArray:
    """Load (hour, bus) [MW] of an invented year with the given mean and highest value of each bus.

    Day, week and season, and heating and cooling by the temperature (hour, bus) at the bus; all numbers assumed.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, year, 1]))
    hour = np.arange(YEAR_HOURS)
    first = int(np.datetime64(f"{year}-01-01", "D").astype(int) + 3) % 7  # Monday is 0
    weekend = np.where((hour // HOURS + first) % 7 >= 5, WEEKEND, 1.0)
    season = 1 + WINTER * np.cos(2 * np.pi * (hour / HOURS - 15) / 365)
    shape = (DAY[hour % HOURS] * weekend * season)[:, None] * (1 + PER_DEGREE * np.abs(temperature_c - COMFORT_C))
    shape = shape * (1 + NOISE * rng.standard_normal(shape.shape))
    return stretched(shape, average_mw, highest_mw)


def stretched(shape: FloatArray, average_mw: FloatArray, highest_mw: FloatArray) -> FloatArray:
    """Profiles (hour, bus) moved and stretched to the given mean and highest value; never below zero."""
    above = shape - shape.mean(axis=0)
    return np.maximum(average_mw + above / above.max(axis=0) * (highest_mw - average_mw), 0.0)
