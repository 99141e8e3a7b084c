"""Non-wires alternatives, dispatched by hour and judged at a quantile of the scenarios: how long could they wait?"""

from typing import Protocol

import numpy as np

from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, Futures
from gridstudio.planning.upgrades.dispatch import shift, store
from gridstudio.planning.upgrades.inputs import Hours
from gridstudio.planning.upgrades.merit import Alternative, alternative, battery_of, weighted_quantile
from gridstudio.planning.upgrades.settings import AlternativeSettings

EFFICIENCY = 0.88  # of a battery, round trip
ADEQUATE_MW = 1e-6


class Loads(Protocol):
    """Contract: ``load_mw`` is what a feeder must carry and the charging of EVs in it, both (scenario, year, hour);
    ``capacity_mw`` what it carries with the measures ``members`` (candidate,). ``hours``: the hours' table."""

    @property
    def hours(self) -> Hours: ...

    def load_mw(self, futures: Futures, feeder: int) -> tuple[FloatArray, FloatArray]: ...

    def capacity_mw(self, feeder: int, members: BoolArray) -> float: ...


def compare(
    given: AlternativeSettings,
    loads: Loads,
    futures: Futures,
    years: tuple[int, ...],
    feeder: int,
    members: BoolArray,
    wires_usd: float,
    rate: float,
) -> Alternative | None:
    """The alternative to building on a feeder that has ``members`` (candidate,) today; None where nothing is short."""
    load, ev = loads.load_mw(futures, feeder)
    over = load - loads.capacity_mw(feeder, members)
    p = futures.probabilities
    short = weighted_quantile(np.maximum(over.max(axis=-1), 0.0), p, given.adequacy)
    needed = np.flatnonzero(short > ADEQUATE_MW)
    if len(needed) == 0:
        return None
    share = given.shiftable_share if loads.hours.energy or ev.any() else 0.0
    movable = share * weighted_quantile(
        ev.max(axis=-1), p, 1 - given.adequacy
    )  # EVs that are there with that certainty
    first, adequate = int(needed[0]), np.zeros(len(years), dtype=bool)
    for year in range(first, len(years)):
        _, battery = battery_of(short, movable, first, year)
        left = _dispatched(given, loads.hours, over[:, year], share * ev[:, year], battery)
        adequate[year] = weighted_quantile(left, p, given.adequacy) <= ADEQUATE_MW
    return alternative(given, years, short, movable, adequate, wires_usd, rate)


def _dispatched(
    given: AlternativeSettings, hours: Hours, over: FloatArray, movable: FloatArray, battery_mw: float
) -> FloatArray:
    """What is short at most (scenario,) after shifting and a battery; without hours there is only the peak to cut."""
    if not hours.energy:
        return np.asarray((over - movable).max(axis=-1) - battery_mw)
    after = shift(over, movable, hours.day)
    if battery_mw > 0:
        after = store(after, hours.day, battery_mw, battery_mw * given.battery_hours, EFFICIENCY)
    return np.asarray(after.max(axis=-1))
