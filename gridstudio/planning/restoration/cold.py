"""Cold load pickup: when the sections of a plan can be taken back, every surge so far decaying, by power flow.

Sections are picked up one by one along the plan's final tree, each with its dead-end laterals by the device that feeds
it there. A pickup waits until the power flow with all surges is allowed, then and at every later time of the grid. In
the search multipliers are rounded up to steps, and what is less (more) than an allowed (refused) load of the same
sections is taken for allowed (refused); the schedule found is solved again with the exact multipliers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain import pickup_order
from gridstudio.domain.cold_load import Surge, multipliers
from gridstudio.domain.pickup_order import Schedule
from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.methods import Desk
from gridstudio.planning.restoration.moves import beneath
from gridstudio.planning.restoration.plan import Plan, allows, timeline

ROUNDING = 0.05  # multipliers in the search are rounded up to a multiple of this
MOST_EXACT = 5  # sections whose orders are all searched
LEAST_KW = 1e-9  # a section without load


@dataclass(frozen=True, eq=False)
class ColdPickup:
    """A cold load schedule. ``sections``: those picked up by the plan, in the order of ``schedule``'s arrays;
    ``members``: each with its laterals (bit masks).

    ``curve_*``: on the grid ``minutes`` (time,): surging and diversified load picked up [kW], lowest voltage, highest
    loading, and whether the exact power flow was allowed.
    """

    incident: Incident
    sections: tuple[int, ...]
    members: tuple[int, ...]
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


def cold_min(found: ColdPickup, restored_min: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each section is back (section,) if pickups wait for the surges; deferred ones wait for the repair."""
    minutes, repaired = restored_min.copy(), found.incident.repaired_min
    for unit, at in zip(found.members, found.schedule.pickup_min, strict=True):
        for s in bits(unit):
            minutes[s] = min(float(at), float(repaired[s]))
    return minutes


def schedule(
    incident: Incident, desk: Desk, plan: Plan, surge: Surge, classes: Sequence[str], outage_min: float, step_min: float
) -> ColdPickup | None:
    """When to pick up the sections of ``plan``; None if it picks up nothing. ``classes``: load class by section."""
    sections = incident.sections
    if not any(move.picked_up for move in plan.moves) or any(move.interrupted for move in plan.moves):
        return None
    when = timeline(incident, desk.clock, plan.moves)
    tree = _Tree(incident, desk, plan)
    kw = np.array([sum(float(sections.kw[s]) for s in bits(unit)) for unit in tree.members])
    waiting = pickup_order.Sections.of(
        diversified_kw=np.maximum(kw * incident.storm.load_scale, LEAST_KW),
        customers=[sum(float(sections.customers[s]) for s in bits(unit)) for unit in tree.members],
        outage_h=outage_min / 60.0,
        not_before_min=[float(when.restored_min[s]) for s in tree.picked],
        load_class=[classes[max(bits(unit), key=lambda s: float(sections.kw[s]))] for unit in tree.members],
    )
    horizon = max(step_min, math.floor(incident.switching_ends_min / step_min) * step_min)
    if len(tree.picked) <= MOST_EXACT:
        found = pickup_order.best_order(surge, waiting, tree.allowed, step_min, horizon)
    else:
        order = range(len(tree.picked))
        found = pickup_order.earliest_pickup_min(surge, waiting, list(order), tree.allowed, step_min, horizon)
    steady_min = when.restored_min[list(tree.picked)]
    return _verified(incident, tree, surge, waiting, found, steady_min, step_min, horizon)


class _Tree:
    """The final tree of a plan: which devices close for a set of sections, and whether that is allowed."""

    def __init__(self, incident: Incident, desk: Desk, plan: Plan):
        self.incident, self.desk = incident, desk
        sections, final = incident.sections, plan.moves[-1].closed
        feeder_of = sections.supply(final, incident.blocked).feeder_of
        picked = [s for move in plan.moves for s in bits(move.picked_up)]
        units = [s for s in picked if not sections.lateral_fuses >> feeder_of[s] & 1]
        position = {s: number for number, s in enumerate(feeder_of)}  # from the sources outwards
        self.picked = tuple(sorted(units, key=lambda s: (_done(plan, s), position[s])))
        self.members = tuple(
            beneath(
                sections, {k: d for k, d in feeder_of.items() if k == s or sections.lateral_fuses >> max(d, 0) & 1}, s
            )
            for s in self.picked
        )
        self.device = [feeder_of[s] for s in self.picked]
        ends = sections.ends.tolist()
        self.above = [sum(ends[d]) - s for d, s in zip(self.device, self.picked, strict=True)]
        self.base = final
        for d in self.device:
            self.base &= ~(1 << d)
        self.tried: dict[bytes, list[tuple[NDArray[np.float64], bool]]] = {}

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
        for unit, factor, on in zip(self.members, multipliers.tolist(), alive.tolist(), strict=True):
            for s in bits(unit) if on else ():
                found[s] = factor
        return tuple(found)

    def allowed(self, multipliers: NDArray[np.float64], alive: NDArray[np.bool_]) -> bool:
        """Whether the power flow with these surges (rounded up) is allowed."""
        closed = self.closed(alive)
        if closed is None:
            return False
        rounded = (np.ceil(multipliers / ROUNDING - 1e-9) * ROUNDING).round(6)
        tried = self.tried.setdefault(alive.tobytes(), [])
        for before, fine in tried:
            if (rounded <= before).all() if fine else (rounded >= before).all():
                return fine
        state = self.desk.judge.state(closed, self.incident, self.all_multipliers(rounded, alive))
        fine = allows(self.desk.rules, self.incident, state)
        tried.append((rounded, fine))
        return fine


def _done(plan: Plan, section: int) -> int:
    """Number of the move that picks up a section."""
    return next(number for number, move in enumerate(plan.moves) if move.picked_up >> section & 1)


def _verified(
    incident: Incident,
    tree: _Tree,
    surge: Surge,
    waiting: pickup_order.Sections,
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
    table = multipliers(surge, minutes, at, hours, waiting.load_class)
    rows = []
    for minute, load in zip(minutes, table, strict=True):
        alive = at <= minute
        closed = tree.closed(alive)
        assert closed is not None
        state = judge.state(closed, incident, tree.all_multipliers(load, alive))
        rows.append((judge.lowest(state)[0], judge.highest_loading(state)[0], allows(rules, incident, state)))
    kw = waiting.diversified_kw
    return ColdPickup(
        incident=incident,
        sections=tree.picked,
        members=tree.members,
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
