"""Cold load pickup: when the sections of a plan can be taken back, every surge so far decaying, by power flow.

Sections are picked up one by one along the plan's final tree, each by the device that feeds it there. A pickup waits
until the power flow with all surges is allowed, then and at every later time of the grid. In the search multipliers
are rounded up to steps, so that states recur; the schedule found is solved again with the exact ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain import cold_load
from gridstudio.domain.cold_load import Schedule, Surge
from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk
from gridstudio.planning.restoration.plan import Plan, allows, timeline

ROUNDING = 0.05  # multipliers in the search are rounded up to a multiple of this
MOST_EXACT = 5  # sections whose orders are all searched
FIRST_MIN = 1e-9


@dataclass(frozen=True, eq=False)
class ColdPickup:
    """A cold load schedule. ``sections``: those picked up by the plan, in the order of ``schedule``'s arrays.

    ``curve_*``: on the grid ``minutes`` (time,): surging and diversified load picked up [kW], lowest voltage, highest
    loading, and whether the exact power flow was allowed.
    """

    incident: Incident
    sections: tuple[int, ...]
    outage_h: NDArray[np.float64]
    steady_min: NDArray[np.float64]
    factors: NDArray[np.float64]
    schedule: Schedule
    minutes: NDArray[np.float64]
    curve_kw: NDArray[np.float64]
    curve_diversified_kw: NDArray[np.float64]
    curve_v_min_pu: NDArray[np.float64]
    curve_loading_pu: NDArray[np.float64]
    curve_allowed: NDArray[np.bool_]


def schedule(
    incident: Incident, desk: Desk, plan: Plan, surge: Surge, classes: Sequence[str], outage_min: float, step_min: float
) -> ColdPickup | None:
    """When to pick up the sections of ``plan``; None if it picks up nothing. ``classes``: load class by section."""
    sections = incident.sections
    picked = [s for move in plan.moves for s in bits(move.picked_up)]
    if not picked or any(move.interrupted for move in plan.moves):
        return None
    when = timeline(incident, desk.clock, plan.moves)
    tree = _Tree(incident, desk, plan, tuple(picked))
    waiting = cold_load.Sections.of(
        diversified_kw=[max(float(sections.kw[s]) * incident.storm.load_scale, FIRST_MIN) for s in picked],
        customers=[float(sections.customers[s]) for s in picked],
        outage_h=outage_min / 60.0,
        not_before_min=[float(when.restored_min[s]) for s in picked],
        load_class=[classes[s] for s in picked],
    )
    horizon = max(step_min, math.floor(incident.horizon_min / step_min) * step_min)
    if len(picked) <= MOST_EXACT:
        found = cold_load.best_order(surge, waiting, tree.allowed, step_min, horizon)
    else:
        order = range(len(picked))
        found = cold_load.earliest_pickup_min(surge, waiting, list(order), tree.allowed, step_min, horizon)
    return _verified(incident, tree, surge, waiting, found, when.restored_min[picked], step_min, horizon)


class _Tree:
    """The final tree of a plan: which devices close for a set of sections, and whether that is allowed."""

    def __init__(self, incident: Incident, desk: Desk, plan: Plan, picked: tuple[int, ...]):
        self.incident, self.desk, self.picked = incident, desk, picked
        sections, final = incident.sections, plan.moves[-1].closed
        feeder_of = sections.supply(final, incident.blocked).feeder_of
        self.device = [feeder_of[s] for s in picked]
        ends = sections.ends.tolist()
        self.above = [sum(ends[d]) - s for d, s in zip(self.device, picked, strict=True)]
        self.base = final
        for d in self.device:
            self.base &= ~(1 << d)
        self.known: dict[tuple[float, ...], bool] = {}

    def closed(self, alive: NDArray[np.bool_]) -> int | None:
        """The state of the devices with these sections picked up; None if one of them is cut off."""
        up = {s for s, on in zip(self.picked, alive, strict=True) if on}
        waiting = set(self.picked) - up
        mask = self.base
        for s, d, above in zip(self.picked, self.device, self.above, strict=True):
            if s in up:
                if above in waiting:
                    return None
                mask |= 1 << d
        return mask

    def all_multipliers(self, multipliers: NDArray[np.float64], alive: NDArray[np.bool_]) -> tuple[float, ...]:
        """Load multipliers by section of the whole network."""
        found = [1.0] * len(self.incident.sections)
        for s, factor, on in zip(self.picked, multipliers.tolist(), alive.tolist(), strict=True):
            if on:
                found[s] = factor
        return tuple(found)

    def allowed(self, multipliers: NDArray[np.float64], alive: NDArray[np.bool_]) -> bool:
        """Whether the power flow with these surges (rounded up) is allowed."""
        closed = self.closed(alive)
        if closed is None:
            return False
        rounded = np.ceil(multipliers / ROUNDING - 1e-9) * ROUNDING
        state = self.desk.judge.state(closed, self.incident, self.all_multipliers(rounded.round(6), alive))
        return allows(self.desk.rules, self.incident, state)


def _verified(
    incident: Incident,
    tree: _Tree,
    surge: Surge,
    waiting: cold_load.Sections,
    found: Schedule,
    steady_min: NDArray[np.float64],
    step_min: float,
    horizon_min: float,
) -> ColdPickup:
    """The schedule with its exact power flows over the grid."""
    judge, rules = tree.desk.judge, tree.desk.rules
    at = found.pickup_min
    hours = np.where(np.isfinite(at), waiting.outage_h + np.where(np.isfinite(at), at, 0.0) / 60.0, 0.0)
    factors = surge.factor(hours, waiting.load_class)
    minutes = np.arange(0.0, horizon_min + step_min / 2, step_min)
    table = cold_load.multipliers(surge, minutes, at, hours, waiting.load_class)
    rows = []
    for minute, multipliers in zip(minutes, table, strict=True):
        alive = at <= minute
        closed = tree.closed(alive)
        assert closed is not None
        state = judge.state(closed, incident, tree.all_multipliers(multipliers, alive))
        rows.append((judge.lowest(state)[0], judge.highest_loading(state)[0], allows(rules, incident, state)))
    kw = waiting.diversified_kw
    return ColdPickup(
        incident=incident,
        sections=tree.picked,
        outage_h=hours,
        steady_min=steady_min,
        factors=factors,
        schedule=found,
        minutes=minutes,
        curve_kw=table @ kw,
        curve_diversified_kw=(at[None, :] <= minutes[:, None]) @ kw,
        curve_v_min_pu=np.array([row[0] for row in rows]),
        curve_loading_pu=np.array([row[1] for row in rows]),
        curve_allowed=np.array([row[2] for row in rows]),
    )
