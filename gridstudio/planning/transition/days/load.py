"""Hourly load of each bus: a user's table, or a seeded synthetic year between each bus's mean and highest load."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.transition.days.weather import HOURS, YEAR_HOURS

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LoadShape:
    """What shapes the synthetic load: ``hours`` (24,) of a day over its highest, and what a day, the season, chance and
    each degree of heating below or cooling above ``comfort_c`` change of it."""

    hours: tuple[float, ...]
    weekend_factor: float
    winter_share: float
    noise_share: float
    comfort_c: float
    share_per_degree: float


def synthetic_load(
    average_mw: FloatArray, highest_mw: FloatArray, temperature_c: FloatArray, form: LoadShape, year: int, seed: int
) -> FloatArray:
    """Load (hour, bus) [MW] of an invented year with the given mean and highest value of each bus.

    Day, week and season, and heating and cooling by the temperature (hour, bus) at the bus.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, year, 1]))
    hour = np.arange(YEAR_HOURS)
    first = int(np.datetime64(f"{year}-01-01", "D").astype(int) + 3) % 7  # Monday is 0
    weekend = np.where((hour // HOURS + first) % 7 >= 5, form.weekend_factor, 1.0)
    season = 1 + form.winter_share * np.cos(2 * np.pi * (hour / HOURS - 15) / 365)
    climate = 1 + form.share_per_degree * np.abs(temperature_c - form.comfort_c)
    shape = (np.array(form.hours)[hour % HOURS] * weekend * season)[:, None] * climate
    shape = shape * (1 + form.noise_share * rng.standard_normal(shape.shape))
    return stretched(shape, average_mw, highest_mw)


def stretched(shape: FloatArray, average_mw: FloatArray, highest_mw: FloatArray) -> FloatArray:
    """Profiles (hour, bus) moved and stretched to the given mean and highest value; never below zero."""
    above = shape - shape.mean(axis=0)
    return np.maximum(average_mw + above / above.max(axis=0) * (highest_mw - average_mw), 0.0)
