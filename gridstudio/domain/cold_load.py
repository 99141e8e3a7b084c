"""Cold load pickup: what a section draws after hours without supply, and when sections can be taken back.

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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Whether a state of supply is allowed: multipliers (section,) of the diversified load, 0 where not picked up, and which
# sections are picked up (section,). A power flow or, for arithmetic, ``within_headroom``.
Feasible = Callable[[Floats, Bools], bool]

EXACT_UP_TO = 8  # sections; beyond, permutations take too long
TOLERANCE = 1e-9  # of a headroom: rounding must not refuse what fits exactly
MINUTES_PER_HOUR = 60.0


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
    return _multipliers(times, picked_up, surge.factor(hours, load_class), surge)


def surge_kw(
    surge: Surge,
    t_min: ArrayLike,
    picked_up_at_min: ArrayLike,
    diversified_kw: ArrayLike,
    outage_h: ArrayLike,
    load_class: Sequence[str] | None = None,
) -> Floats:
    """Load in kW (time, section): ``multipliers`` times the diversified load ``diversified_kw`` (section,)."""
    return multipliers(surge, t_min, picked_up_at_min, outage_h, load_class) * _checked_kw(diversified_kw)


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


@dataclass(frozen=True, eq=False)
class Sections:
    """Sections that wait for supply; arrays (section,).

    diversified_kw: ordinary load at this hour. customers: that wait there. outage_h: hours without supply at minute 0.
    not_before_min: first minute at which switching or a crew can connect it. load_class: where the factors need it.
    """

    diversified_kw: Floats
    customers: Floats
    outage_h: Floats
    not_before_min: Floats
    load_class: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        diversified_kw: ArrayLike,
        customers: ArrayLike,
        outage_h: ArrayLike,
        not_before_min: ArrayLike = 0.0,
        load_class: Sequence[str] | None = None,
    ) -> "Sections":
        """Checked sections; a scalar outage or first minute holds for all of them."""
        kw = np.atleast_1d(_checked_kw(diversified_kw))
        if load_class is not None and len(load_class) != kw.size:
            raise InputError(f"load_class has {len(load_class)} entries for {kw.size} sections.")
        return cls(
            diversified_kw=kw,
            customers=_per_section(customers, kw.size, "customers"),
            outage_h=_per_section(outage_h, kw.size, "outage_h"),
            not_before_min=_per_section(not_before_min, kw.size, "not_before_min"),
            load_class=None if load_class is None else tuple(load_class),
        )

    def __len__(self) -> int:
        return len(self.diversified_kw)


@dataclass(frozen=True, eq=False)
class Schedule:
    """When each section is picked up, and what waiting costs.

    order: sections in the order of their pickup, without the deferred ones. pickup_min (section,): inf where deferred.
    customer_minutes: from minute 0 on; a deferred section waits until the horizon. method: "exact" is the least
    customer-minutes of all orders on this time grid, "greedy" makes no such claim, "given" is somebody's order.
    """

    order: tuple[int, ...]
    pickup_min: Floats
    customer_minutes: float
    method: Literal["exact", "greedy", "given"]

    @property
    def deferred(self) -> tuple[int, ...]:
        return tuple(int(s) for s in np.flatnonzero(np.isinf(self.pickup_min)))


def within_headroom(diversified_kw: ArrayLike, headroom_kw: float) -> Feasible:
    """A stand-in for a power flow: the total of the sections must not exceed ``headroom_kw``.

    For arithmetic and tests. Where voltages or several elements bind, one kW figure cannot say what fits.
    """
    load_kw = _checked_kw(diversified_kw)
    if not headroom_kw >= 0:
        raise InputError(f"The headroom is {headroom_kw:g} kW; it must not be negative.")
    limit_kw = headroom_kw * (1 + TOLERANCE)
    return lambda multipliers, alive: bool(multipliers @ load_kw <= limit_kw)


def earliest_pickup_min(
    surge: Surge, sections: Sections, order: Sequence[int], feasible: Feasible, step_min: float, horizon_min: float
) -> Schedule:
    """Pick up sections in ``order``, each at the first grid time from which on every grid time is feasible.

    Grid: 0, ``step_min``, ... up to ``horizon_min``, when repair ends the waiting. A pickup may share the minute of the
    one before it, and lies never before it. A section that fits at no time is deferred and the next one tried; its
    factor grows while it waits. ``feasible`` is asked at each grid time after a pickup, not only at its peak: less
    load may mean a voltage too high.
    """
    _check_order(order, len(sections))
    search = _Search(surge, sections, feasible, _grid(step_min, horizon_min))
    return search.schedule(search.follow(order), "given")


def best_order(
    surge: Surge,
    sections: Sections,
    feasible: Feasible,
    step_min: float,
    horizon_min: float,
    exact_up_to: int = EXACT_UP_TO,
) -> Schedule:
    """The schedule of least customer-minutes until ``horizon_min``; its ``method`` tells what is claimed of it.

    Up to ``exact_up_to`` sections: branch and bound over all orders, "exact" on the grid provided that less load never
    makes ``feasible`` false. Eight sections may ask ``feasible`` 100 000 times: let it remember. Beyond: one pass by
    customers per peak kW, "greedy".
    """
    search = _Search(surge, sections, feasible, _grid(step_min, horizon_min))
    peak_kw = surge.factor(sections.outage_h, sections.load_class) * sections.diversified_kw
    worth = sections.customers / np.maximum(peak_kw, TOLERANCE)
    greedy = search.follow([int(s) for s in np.argsort(-worth, kind="stable")])
    if len(sections) > exact_up_to:
        return search.schedule(greedy, "greedy")
    return search.schedule(search.improve((), dict.fromkeys(range(len(sections)), 0), greedy), "exact")


_Pickups = tuple[tuple[int, int], ...]  # (section, row of the time grid) in the order of pickup


@dataclass(frozen=True, eq=False)
class _Search:
    """Orders of pickup on one time grid. Less load must not be worse: then more pickups only delay a waiting section,
    and where it fitted soonest before bounds where it fits afterwards."""

    surge: Surge
    sections: Sections
    feasible: Feasible
    times_min: Floats
    seen: set[frozenset[tuple[int, int]]] = field(default_factory=set)

    def follow(self, order: Sequence[int]) -> _Pickups:
        pickups: _Pickups = ()
        for section in order:
            row = self._earliest(pickups, section, 0)
            if row is not None:
                pickups = (*pickups, (section, row))
        return pickups

    def improve(self, pickups: _Pickups, soonest: dict[int, int], best: _Pickups) -> _Pickups:
        """The best completion of ``pickups``, or ``best`` where none has fewer customer-minutes.

        ``soonest``: the waiting sections that may still fit, and a row before which none of them does.
        """
        if self._cost((*pickups, *self._after(pickups, soonest))) >= self._cost(best):
            return best
        found = {section: self._fits(pickups, section, row) for section, row in soonest.items()}
        rows = {section: row for section, row in found.items() if row is not None}
        if self._cost((*pickups, *rows.items())) >= self._cost(best):
            return best
        best = min(best, pickups, key=self._cost)
        for section in sorted(rows, key=lambda s: (rows[s], s)):  # soonest first: good schedules early cut off more
            row = self._earliest(pickups, section, rows[section])
            if row is None or frozenset((*pickups, (section, row))) in self.seen:
                continue
            self.seen.add(frozenset((*pickups, (section, row))))
            others = {other: soon for other, soon in rows.items() if other != section}
            best = self.improve((*pickups, (section, row)), others, best)
        return best

    def schedule(self, pickups: _Pickups, method: Literal["exact", "greedy", "given"]) -> Schedule:
        return Schedule(tuple(s for s, _ in pickups), self._pickup_min(pickups), self._cost(pickups), method)

    def _pickup_min(self, pickups: _Pickups) -> Floats:
        at = np.full(len(self.sections), np.inf)
        for section, row in pickups:
            at[section] = self.times_min[row]
        return at

    def _cost(self, pickups: _Pickups) -> float:
        wait = np.minimum(self._pickup_min(pickups), self.times_min[-1])
        return float(self.sections.customers @ wait)

    def _after(self, pickups: _Pickups, soonest: dict[int, int]) -> Iterator[tuple[int, int]]:
        """``soonest``, but not before the last pickup."""
        last = pickups[-1][1] if pickups else 0
        return ((section, max(row, last)) for section, row in soonest.items())

    def _fits(self, pickups: _Pickups, section: int, start: int) -> int | None:
        """First row from ``start`` and the last pickup on at which ``section`` may join, judged at that moment."""
        connected = np.searchsorted(self.times_min, self.sections.not_before_min[section] - TOLERANCE)
        start = max(start, int(connected), pickups[-1][1] if pickups else 0)
        rows = range(start, len(self.times_min))
        return next((row for row in rows if self._holds((*pickups, (section, row)), slice(row, row + 1))), None)

    def _earliest(self, pickups: _Pickups, section: int, start: int) -> int | None:
        """First such row from which on every grid time is feasible."""
        row = self._fits(pickups, section, start)
        while row is not None and not self._holds((*pickups, (section, row)), slice(row + 1, None)):
            row = self._fits(pickups, section, row + 1)
        return row

    def _holds(self, pickups: _Pickups, rows: slice) -> bool:
        at = self._pickup_min(pickups)
        alive = np.isfinite(at)
        hours = self.sections.outage_h + np.where(alive, at, 0.0) / MINUTES_PER_HOUR
        factors = self.surge.factor(hours, self.sections.load_class)
        return all(self.feasible(load, alive) for load in _multipliers(self.times_min[rows], at, factors, self.surge))


def _multipliers(t_min: Floats, picked_up_at_min: Floats, factors: Floats, surge: Surge) -> Floats:
    elapsed = t_min[:, np.newaxis] - picked_up_at_min
    decay = np.exp(-np.maximum(elapsed - surge.delay_min, 0.0) / surge.tau_min)
    return np.where(elapsed >= 0, 1 + (factors - 1) * decay, 0.0)


def _grid(step_min: float, horizon_min: float) -> Floats:
    """0, step, 2 step, ... and the last not after the horizon."""
    if not (math.isfinite(step_min) and step_min > 0):
        raise InputError(f"step_min is {step_min:g}; the time grid needs a positive step.")
    if not (math.isfinite(horizon_min) and horizon_min >= step_min):
        raise InputError(f"horizon_min is {horizon_min:g}; it must be one step of {step_min:g} min or more.")
    return step_min * np.arange(math.floor(horizon_min / step_min + TOLERANCE) + 1, dtype=np.float64)


def _check_order(order: Sequence[int], sections: int) -> None:
    for section in order:
        if not 0 <= section < sections:
            raise InputError(f"The order of pickup names section {section}; there are 0 to {sections - 1}.")
    if len(set(order)) < len(order):
        twice = next(section for section in order if list(order).count(section) > 1)
        raise InputError(f"The order of pickup names section {twice} twice.")


def _durations_h(outage_h: ArrayLike) -> Floats:
    return _not_negative(np.asarray(outage_h, dtype=float), "outage_h")


def _checked_kw(diversified_kw: ArrayLike) -> Floats:
    return _not_negative(np.asarray(diversified_kw, dtype=float), "diversified_kw")


def _per_section(values: ArrayLike, sections: int, name: str) -> Floats:
    array = np.asarray(values, dtype=float)
    if array.ndim > 0 and array.shape != (sections,):
        raise InputError(f"{name} has {array.size} entries for {sections} sections.")
    return _not_negative(np.broadcast_to(array, (sections,)).copy(), name)


def _not_negative(values: Floats, name: str) -> Floats:
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise InputError(
            f"Section {bad[0] + 1} of {values.size} has {name} {values.flat[bad[0]]:g}; a number from 0 up is needed."
        )
    return values
