"""Cold load pickup: what a section draws after hours without supply (when it can be taken back: ``pickup_order``).

A section's load restored at t_0 follows the delayed exponential (Ucak and Pahwa, IEEE Trans. Power Delivery 9(3), 1994)

    S(t) = 0                                                     t < t_0
    S(t) = S_U                                                   t_0 <= t < t_0 + delay
    S(t) = S_D + (S_U - S_D) exp(-(t - t_0 - delay) / tau)       afterwards

with S_D the diversified load (what it draws on an ordinary day at this hour) and S_U = factor x S_D the undiversified
one. The factor grows with the outage's duration. All results are *multipliers* of S_D, the form in which a power flow
takes them; kW are for curves and for arithmetic without a network. A "section" is any load restored as one: a single
load does as well. The power factor is taken as unchanged.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError

Floats = NDArray[np.float64]


class PickupFactors(Protocol):
    """How many times its diversified load a section draws at once; at least 1 and never falling with the duration."""

    def factor(self, outage_h: ArrayLike, load_class: Sequence[str] | None = None) -> Floats:
        """Factors (section,) after outages of ``outage_h`` (section,); the class of each section where it matters."""


@dataclass(frozen=True)
class SteppedFactors:
    """Factors by duration alone: ``steps`` of (below hours, factor), the last below inf."""

    steps: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        ends = [0.0, *(end for end, _ in self.steps)]
        factors = [1.0, *(factor for _, factor in self.steps)]
        if not all(a < b for a, b in itertools.pairwise(ends)) or ends[-1] != math.inf:
            raise InputError(f"The durations of a pickup table must rise from above 0 h to inf; found {ends[1:]}.")
        if not (all(a <= b for a, b in itertools.pairwise(factors)) and math.isfinite(factors[-1])):
            raise InputError(f"The factors of a pickup table must be 1 or more and not fall; found {factors[1:]}.")

    def factor(self, outage_h: ArrayLike, load_class: Sequence[str] | None = None) -> Floats:
        """Factors of the steps that ``outage_h`` falls into; the class plays no part."""
        ends, factors = np.array(self.steps).T
        return factors[np.searchsorted(ends[:-1], _durations_h(outage_h), side="right")]


@dataclass(frozen=True)
class SmoothFactors:
    """Factors that rise smoothly: 1 + (ultimate - 1) (1 - 20^(-duration / saturation_h)), by load class.

    ``ultimate``: (class, factor after a very long outage). After ``saturation_h`` 95 % of the rise has happened. The
    formula is linear in ``ultimate``: the kW-weighted mean of ultimates is exact for a section of mixed classes, as a
    class with a name of its own.
    """

    ultimate: tuple[tuple[str, float], ...]
    saturation_h: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.saturation_h) and self.saturation_h > 0):
            raise InputError(f"saturation_h is {self.saturation_h:g}; it must be positive.")
        if len(dict(self.ultimate)) < len(self.ultimate):
            raise InputError("A load class has two ultimate pickup factors; it needs one.")
        for name, factor in self.ultimate:
            if not (math.isfinite(factor) and factor >= 1):
                raise InputError(
                    f"Load class {name!r} has the ultimate pickup factor {factor:g}; it must be 1 or more."
                )

    def factor(self, outage_h: ArrayLike, load_class: Sequence[str] | None = None) -> Floats:
        """Factors by duration and class; a class without an ultimate factor is an InputError."""
        hours = _durations_h(outage_h)
        if load_class is None:
            raise InputError("Smooth pickup factors depend on the load class: give one for each section.")
        if hours.ndim > 0 and hours.shape != (len(load_class),):
            raise InputError(f"{hours.size} outage durations are given for {len(load_class)} load classes.")
        known = dict(self.ultimate)
        for row, name in enumerate(load_class):
            if name not in known:
                raise InputError(
                    f"Section {row + 1} of {len(load_class)} is of load class {name!r}, which has no ultimate pickup "
                    f"factor; there are {', '.join(known)}."
                )
        rise = -np.expm1(-hours / self.saturation_h * math.log(20.0))
        return 1 + (np.array([known[name] for name in load_class]) - 1) * rise


# The guide's table. It does not resolve load classes, and jumps: 3 h 59 min and 4 h differ by 40 %.
GUIDE_STEPS = SteppedFactors(((0.5, 1.2), (2.0, 1.8), (4.0, 2.5), (8.0, 3.5), (math.inf, 4.0)))

# An assumption, not a measurement: 2 to 5 times is the range reported for long outages, thermostatic (residential) load
# takes its upper end and process load its lower; after about 4 hours hardly any diversity is left. Measure your own.
SMOOTH = SmoothFactors((("residential", 5.0), ("commercial", 3.0), ("industrial", 2.0)), saturation_h=4.0)


@dataclass(frozen=True)
class Surge:
    """How load comes back: the factors at once, how long they hold (``delay_min``), how fast they decay (``tau_min``).

    tau is 30 to 60 minutes in the guide; the default is the shorter. The longer one is the cautious choice.
    """

    factors: PickupFactors = GUIDE_STEPS
    tau_min: float = 30.0
    delay_min: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tau_min) and self.tau_min > 0):
            raise InputError(f"tau_min is {self.tau_min:g}; a surge needs a positive time constant.")
        if not (math.isfinite(self.delay_min) and self.delay_min >= 0):
            raise InputError(f"delay_min is {self.delay_min:g}; it must not be negative.")

    def factor(self, outage_h: ArrayLike, load_class: Sequence[str] | None = None) -> Floats:
        """S_U / S_D (section,) after outages of ``outage_h`` (section,)."""
        return self.factors.factor(outage_h, load_class)


def multipliers(
    surge: Surge,
    t_min: ArrayLike,
    picked_up_at_min: ArrayLike,
    outage_h: ArrayLike,
    load_class: Sequence[str] | None = None,
) -> Floats:
    """Multipliers (time, section) of the diversified load at the times ``t_min`` (time,): 0 before the pickup.

    ``picked_up_at_min`` (section,): on the clock of ``t_min``; inf is never, -inf is supplied throughout (multiplier
    1). ``outage_h`` (section,): how long each was out *when it was picked up*, waiting included.
    """
    times, picked_up = np.atleast_1d(np.asarray(t_min, dtype=float)), np.asarray(picked_up_at_min, dtype=float)
    hours = np.asarray(outage_h, dtype=float)
    if times.ndim != 1 or picked_up.ndim != 1 or hours.shape != picked_up.shape:
        raise InputError(
            f"Multipliers need times (time,) and, per section, a pickup time and an outage duration; found shapes "
            f"{times.shape}, {picked_up.shape} and {hours.shape}."
        )
    if np.isnan(picked_up).any() or not np.isfinite(times).all():
        raise InputError("A time is missing: times must be finite, and a pickup time inf where there is none.")
    return loads_after(times, picked_up, surge.factor(hours, load_class), surge)


def surge_kw(
    surge: Surge,
    t_min: ArrayLike,
    picked_up_at_min: ArrayLike,
    diversified_kw: ArrayLike,
    outage_h: ArrayLike,
    load_class: Sequence[str] | None = None,
) -> Floats:
    """Load in kW (time, section): ``multipliers`` times the diversified load ``diversified_kw`` (section,)."""
    return multipliers(surge, t_min, picked_up_at_min, outage_h, load_class) * checked_kw(diversified_kw)


def peak_after_pickup_kw(
    surge: Surge,
    picked_up_at_min: ArrayLike,
    diversified_kw: ArrayLike,
    outage_h: ArrayLike,
    load_class: Sequence[str] | None = None,
) -> Floats:
    """Total load (section,) of all sections right after each one's pickup, NaN where there is no such moment.

    Surges only fall, so this is the peak until the next pickup; the largest is the peak of the whole restoration.
    """
    at = np.asarray(picked_up_at_min, dtype=float)
    peaks, moments = np.full(at.shape, np.nan), np.isfinite(at)
    if moments.any():
        load_kw = surge_kw(surge, at[moments], at, diversified_kw, outage_h, load_class)
        peaks[moments] = load_kw.sum(axis=1)
    return peaks


def loads_after(t_min: Floats, picked_up_at_min: Floats, factors: Floats, surge: Surge) -> Floats:
    """``multipliers`` of checked arrays, given the factors (section,) at the pickups."""
    elapsed = t_min[:, np.newaxis] - picked_up_at_min
    decay = np.exp(-np.maximum(elapsed - surge.delay_min, 0.0) / surge.tau_min)
    return np.where(elapsed >= 0, 1 + (factors - 1) * decay, 0.0)


def _durations_h(outage_h: ArrayLike) -> Floats:
    return not_negative(np.asarray(outage_h, dtype=float), "outage_h")


def checked_kw(diversified_kw: ArrayLike) -> Floats:
    """Loads as an array; InputError where one is negative or not a number."""
    return not_negative(np.asarray(diversified_kw, dtype=float), "diversified_kw")


def not_negative(values: Floats, name: str) -> Floats:
    """The same values; InputError with the first that is negative or not a number."""
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise InputError(
            f"Section {bad[0] + 1} of {values.size} has {name} {values.flat[bad[0]]:g}; a number from 0 up is needed."
        )
    return values
