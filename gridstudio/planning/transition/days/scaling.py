"""Representative days scaled so that what they add up to is the year's energy, profile by profile.

A few medoids miss the year's mean output of a place by tenths, and a plan then builds where these days happened to be
windy. Scaling is the usual remedy (Kotzur et al. 2018, doi:10.1016/j.renene.2017.10.017): each profile of load, wind
and sun is multiplied by one factor for all days, so shapes and what belongs together stay.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.transition.days.construct import Chosen, Year

FloatArray = NDArray[np.float64]

_ROUNDS, _NEAR = 100, 1e-9
_HIGHEST = {"load_mw": np.inf, "wind_pu": 1.0, "solar_pu": 1.0}


@dataclass(frozen=True, eq=False)
class Scaled:
    """Scaled days, and by kind the factor of each place (place,): what is not cut off at the capacity is multiplied
    by it. 1 where these days have nothing to scale."""

    chosen: Chosen
    factors: dict[str, FloatArray]


def scaled(year: Year, chosen: Chosen) -> Scaled:
    """The same days with the year's mean load of each bus and mean output of each zone; line ratings stay.

    A place that has too few hours of output on these days, or none, stays below its mean: ``fidelity`` tells by how
    much.
    """
    made = {
        kind: _to_mean(getattr(chosen.days, kind), chosen.days.weights, getattr(year, kind).mean(axis=0), highest)
        for kind, highest in _HIGHEST.items()
    }
    load, wind, solar = (profiles for profiles, _ in made.values())
    days = replace(chosen.days, load_mw=load, wind_pu=wind, solar_pu=solar)
    return Scaled(replace(chosen, days=days), {kind: factors for kind, (_, factors) in made.items()})


def _to_mean(
    profiles: FloatArray, weights: FloatArray, mean: FloatArray, highest: float
) -> tuple[FloatArray, FloatArray]:
    """Profiles (day, hour, place) with the mean (place,), none above ``highest``, and the factors; zero ones stay zero.

    What is cut off at the top is made up for by the rest, in rounds, until the mean is reached or nothing is left.
    """
    factors = np.ones_like(mean)
    for _ in range(_ROUNDS):
        now = np.tensordot(weights, profiles.mean(axis=1), 1)
        if np.all(np.abs(now - mean)[now > 0] <= _NEAR * mean.max(initial=0.0)):
            break
        step = np.divide(mean, now, out=np.ones_like(now), where=now > 0)
        moved = np.minimum(profiles * step, highest)
        factors = np.where((moved != profiles).any(axis=(0, 1)), factors * step, factors)
        if np.array_equal(moved, profiles):
            break
        profiles = moved
    return profiles, factors
