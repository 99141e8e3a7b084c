"""When sections can be taken back after hours without supply, so that their surges together are allowed.

What a section draws is ``cold_load``'s; whether a state is allowed is asked of a predicate, a power flow as a rule.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.domain.cold_load import Floats, Surge, checked_kw, loads_after, not_negative
from gridstudio.errors import InputError

Bools = NDArray[np.bool_]

# Whether a state of supply is allowed: multipliers (section,) of the diversified load, 0 where not picked up, and which
# sections are picked up (section,). A power flow or, for arithmetic, ``within_headroom``.
Feasible = Callable[[Floats, Bools], bool]

EXACT_UP_TO = 8  # sections; beyond, permutations take too long
TOLERANCE = 1e-9  # of a headroom: rounding must not refuse what fits exactly
MINUTES_PER_HOUR = 60.0


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
        kw = np.atleast_1d(checked_kw(diversified_kw))
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
    load_kw = checked_kw(diversified_kw)
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
        return all(self.feasible(load, alive) for load in loads_after(self.times_min[rows], at, factors, self.surge))


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


def _per_section(values: ArrayLike, sections: int, name: str) -> Floats:
    array = np.asarray(values, dtype=float)
    if array.ndim > 0 and array.shape != (sections,):
        raise InputError(f"{name} has {array.size} entries for {sections} sections.")
    return not_negative(np.broadcast_to(array, (sections,)).copy(), name)
