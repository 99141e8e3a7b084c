"""Representative days scaled so that what they add up to is the year's energy, profile by profile.

A few medoids miss the year's mean output of a place by tenths, and a plan then builds where these days happened to be
windy. Scaling is the usual remedy (Kotzur et al. 2018, doi:10.1016/j.renene.2017.10.017): each profile of load, wind
and sun is multiplied by one factor for all days, so shapes and what belongs together stay.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.transition.days.construct import Chosen, Year

FloatArray = NDArray[np.float64]

_ROUNDS, _NEAR = 100, 1e-9
_HIGHEST = {"load_mw": np.inf, "wind_pu": 1.0, "solar_pu": 1.0}


def scaled(year: Year, chosen: Chosen) -> Chosen:
    """The same days with the year's mean load of each bus and mean output of each zone; line ratings stay."""
    load, wind, solar = (
        _to_mean(getattr(chosen.days, kind), chosen.days.weights, getattr(year, kind).mean(axis=0), highest)
        for kind, highest in _HIGHEST.items()
    )
    return replace(chosen, days=replace(chosen.days, load_mw=load, wind_pu=wind, solar_pu=solar))


def _to_mean(profiles: FloatArray, weights: FloatArray, mean: FloatArray, highest: float) -> FloatArray:
    """Profiles (day, hour, place) with the mean (place,), none above ``highest``; zero ones stay zero.

    What is cut off at the top is made up for by the rest, in rounds.
    """
    for _ in range(_ROUNDS):
        now = np.tensordot(weights, profiles.mean(axis=1), 1)
        if np.all(np.abs(now - mean)[now > 0] <= _NEAR * mean.max(initial=0.0)):
            break
        profiles = np.minimum(profiles * np.divide(mean, now, out=np.ones_like(now), where=now > 0), highest)
    return profiles
