"""Days by formula: a seeded sketch of load, wind, sun and line rating, for tests and for a first look at a case.

Not weather: use it where no profiles are at hand. Load follows the bus's average and maximum, wind wanders with a
correlation between zones, the sun follows the day's arc, line rating rises with wind and falls with warmth.
"""

import numpy as np

from gridstudio.planning.transition.case import HOURS, Case, RepresentativeDays


def sketched_days(case: Case, count: int, seed: int) -> RepresentativeDays:
    """``count`` days of equal weight, the same for the same seed; of two halves of the year in turn."""
    rng = np.random.default_rng(seed)
    hours = np.arange(HOURS)
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * (hours - 4) / HOURS)
    zones, branches, buses = len(case.zones), len(case.branches), len(case.buses)
    load, wind, solar, rating = [], [], [], []
    for day in range(count):
        winter = day % 2 == 0
        level = (1.06 if winter else 0.95) + 0.03 * rng.standard_normal() + 0.16 * (shape - 0.5)
        load.append(np.minimum(case.buses.max_load_mw, case.buses.average_load_mw * level[:, None]))
        common = np.cumsum(rng.standard_normal(HOURS)) * 0.06
        own = np.cumsum(rng.standard_normal((HOURS, zones)), axis=0) * 0.05
        mean = np.clip((0.45 if winter else 0.3) + 0.12 * rng.standard_normal(zones), 0.05, 0.8)
        wind.append(np.clip(mean + common[:, None] + own, 0, 1))
        length = 8 if winter else 16
        arc = np.clip(np.cos(np.pi * (hours - 12.5) / length), 0, None) * (np.abs(hours - 12.5) < length / 2)
        solar.append(np.clip(arc[:, None] * rng.uniform(0.4, 0.9, zones), 0, 1))
        gusts = np.cumsum(rng.standard_normal((HOURS, branches)), axis=0) * 0.04
        rating.append(np.clip((1.35 if winter else 1.1) + gusts - 0.1 * shape[:, None], 0.8, 2.0))
    load_mw, wind_pu, solar_pu, rating_pu = (
        np.array(values).reshape(count, HOURS, -1) for values in (load, wind, solar, rating)
    )
    assert load_mw.shape[2] == buses
    return RepresentativeDays(
        load_mw,
        wind_pu,
        solar_pu,
        rating_pu,
        np.full(count, 1 / count),
        tuple(f"sketched {'winter' if d % 2 == 0 else 'summer'} {d + 1}" for d in range(count)),
    )
