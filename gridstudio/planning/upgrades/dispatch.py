"""The second stage of one package: what is shifted, stored, shed and curtailed on a representative day.

The unserved energy of every hour costs the same, so the best dispatch needs no program. A battery gives whatever is
short as soon as it can and charges as soon as there is room: the first unit short is as dear as any later one, so
nothing is won by waiting. Load is moved, within its day, out of hours that are short into hours that have room; the
energy that is moved comes back in full. The day repeats itself: a battery ends it as it began it.
Exact for one battery, or for moving load alone (tests compare with a linear program); several resources are used one
after the other, shifting first, which can only leave more unserved than a joint optimum would, never less.
"""

import numpy as np

from gridstudio.planning.upgrades.contract import FloatArray, IntArray

HALVINGS = 40  # of the energy with which a battery's day begins: to 1e-12 of its size


def shift(over_mw: FloatArray, movable_mw: FloatArray, day: IntArray) -> FloatArray:
    """``over_mw`` (..., hour), positive where short and negative where there is room, after load has been moved.

    ``movable_mw`` (..., hour): what can be taken out of an hour. It comes back in the hours of the same ``day`` (hour,)
    with the most room, so that as few MW as possible are added anywhere; none comes back above the limit.
    """
    after = np.array(over_mw, dtype=float)
    for number in np.unique(day):
        hours = np.flatnonzero(day == number)
        part = after[..., hours]
        wanted = np.minimum(np.maximum(part, 0.0), movable_mw[..., hours])
        room = np.maximum(-part, 0.0)
        moved = np.minimum(wanted.sum(axis=-1), room.sum(axis=-1))[..., None]
        taken = wanted * _share(moved, wanted.sum(axis=-1, keepdims=True))
        after[..., hours] = part - taken + _fill(part, moved)
    return after


def _fill(over: FloatArray, energy: FloatArray) -> FloatArray:
    """Load added to the hours with room so that their highest is as low as can be: the level that takes ``energy``."""
    base = np.sort(np.where(over < 0, over, np.inf), axis=-1)
    count = np.arange(1, base.shape[-1] + 1)
    finite = np.where(np.isfinite(base), base, 0.0)
    level = (energy + np.cumsum(finite, axis=-1)) / count  # if the so many lowest hours were filled
    following = np.concatenate([base[..., 1:], np.full_like(base[..., :1], np.inf)], axis=-1)
    fits = np.isfinite(base) & (level <= np.minimum(following, np.inf) + 1e-12)
    first = np.take_along_axis(level, fits.argmax(axis=-1)[..., None], axis=-1)
    any_room = np.isfinite(base[..., :1])
    return np.where((over < 0) & any_room, np.maximum(np.minimum(first, 0.0) - over, 0.0), 0.0)


def store(over_mw: FloatArray, day: IntArray, power_mw: float, energy_mwh: float, efficiency: float) -> FloatArray:
    """``over_mw`` (..., hour) after a battery of ``power_mw`` and ``energy_mwh``; losses fall on charging.

    Hours of a ``day`` follow each other. The battery takes no more than there is room, and its day repeats itself: it
    begins with the energy with which it ends.
    """
    after = np.array(over_mw, dtype=float)
    for number in np.unique(day):
        hours = np.flatnonzero(day == number)
        part = after[..., hours].reshape(-1, len(hours))
        begins = _first_energy(part, power_mw, energy_mwh, efficiency)
        result, _ = _one_day(part, begins, power_mw, energy_mwh, efficiency)
        after[..., hours] = result.reshape(after[..., hours].shape)
    return after


def _first_energy(over: FloatArray, power: float, energy: float, efficiency: float) -> FloatArray:
    """The most energy with which each day (day, hour) can begin so that it ends with no less.

    What a day ends with rises with what it begins with, by no more than that, so the most is found by halving.
    """
    begins = np.full(len(over), energy)
    short = _one_day(over, begins, power, energy, efficiency)[1] < begins
    low, high, days = np.zeros(short.sum()), begins[short], over[short]
    for _ in range(HALVINGS if len(days) else 0):
        middle = (low + high) / 2
        holds = _one_day(days, middle, power, energy, efficiency)[1] >= middle
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    begins[short] = low
    return begins


def _one_day(
    over: FloatArray, stored: FloatArray, power: float, energy: float, efficiency: float
) -> tuple[FloatArray, FloatArray]:
    after = np.empty_like(over)
    for hour in range(over.shape[-1]):
        now = over[..., hour]
        given = np.minimum(np.minimum(np.maximum(now, 0.0), power), stored)
        taken = np.minimum(np.minimum(np.maximum(-now, 0.0), power), (energy - stored) / efficiency)
        stored = stored - given + taken * efficiency
        after[..., hour] = now - given + taken
    return after, stored


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
