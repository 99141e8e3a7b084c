"""Non-wires alternatives, dispatched by hour and judged at a quantile of the scenarios: how long could they wait?"""

import numpy as np
import pandas as pd

from gridstudio.planning.upgrades.contract import (
    BoolArray,
    FloatArray,
    Futures,
    Hours,
    IntArray,
    Menu,
    Packages,
    Provider,
)
from gridstudio.planning.upgrades.dispatch import shift, store
from gridstudio.planning.upgrades.merit import Alternative, alternative, battery_of, weighted_quantile
from gridstudio.planning.upgrades.settings import AlternativeSettings

EFFICIENCY = 0.88  # of a battery, round trip
ADEQUATE_MW = 1e-6


def compare(
    given: AlternativeSettings,
    provider: Provider,
    futures: Futures,
    years: tuple[int, ...],
    feeder: int,
    members: BoolArray,
    wires_usd: float,
    rate: float,
) -> Alternative | None:
    """The alternative to building on a feeder that has ``members`` (candidate,) today; None where nothing is short."""
    now = provider.hourly(futures, feeder, members)
    over, ev, p, hours = now.over, now.ev, futures.probabilities, provider.hours
    short = weighted_quantile(np.maximum(over.max(axis=-1), 0.0), p, given.adequacy)
    needed = np.flatnonzero(short > ADEQUATE_MW)
    if len(needed) == 0:
        return None
    share = given.shiftable_share if hours.energy or ev.any() else 0.0
    movable = share * weighted_quantile(
        ev.max(axis=-1), p, 1 - given.adequacy
    )  # EVs that are there with that certainty
    first, adequate = int(needed[0]), np.zeros(len(years), dtype=bool)
    for year in range(first, len(years)):
        _, battery = battery_of(short, movable, first, year)
        left = _dispatched(given, hours, over[:, year], share * ev[:, year], battery)
        adequate[year] = weighted_quantile(left, p, given.adequacy) <= ADEQUATE_MW
    return alternative(given, years, short, movable, adequate, wires_usd, rate)


def wires_usd(
    menu: Menu, packages: Packages, over_mw: FloatArray, p: FloatArray, feeder: int, built: IntArray, quantile: float
) -> float | None:
    """What the wires cost that an alternative on a feeder would defer; None where the menu has none.

    The plan's measures there, ``built``, if they are wires alone; else the cheapest set of wires that serves the
    quantile in the last year, by ``over_mw`` (scenario, package), or the one that leaves least.
    """
    if len(built) and menu.wires[built].all():
        return float(menu.cost_usd[built].sum())
    members = packages.members
    rows = np.flatnonzero((packages.feeder == feeder) & members.any(axis=1) & ~members[:, ~menu.wires].any(axis=1))
    if len(rows) == 0:
        return None
    left = np.maximum(weighted_quantile(over_mw[:, rows], p, quantile), 0.0)
    enough = left <= max(float(left.min()), ADEQUATE_MW)
    return float((members[rows[enough]] @ menu.cost_usd).min())


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


def dispatched(
    given: AlternativeSettings,
    provider: Provider,
    futures: Futures,
    feeder: int,
    members: BoolArray,
    year: int,
    found: Alternative,
) -> pd.DataFrame:
    """The alternative at work, hour by hour, in the scenario at the asked quantile of what is short in ``year`` (a
    position): day, hour, load_mw, limit_mw, ev_mw, shift_mw, battery_mw, left_mw."""
    now, hours, p = provider.hourly(futures, feeder, members), provider.hours, futures.probabilities
    short = now.over[:, year].max(axis=-1)
    order = np.argsort(short, kind="stable")
    row = order[int((np.cumsum(p[order]) >= given.adequacy - 1e-12).argmax())]
    over, ev, load = now.over[row, year], now.ev[row, year], now.load[row, year]
    share = given.shiftable_share if hours.energy or ev.any() else 0.0
    shifted = shift(over, np.minimum(share * ev, found.shift_mw), hours.day)
    after = shifted
    if found.battery_mw > 0:
        after = store(shifted, hours.day, found.battery_mw, found.battery_mw * given.battery_hours, EFFICIENCY)
    number = np.array([int((hours.day[:n] == day).sum()) for n, day in enumerate(hours.day)])
    return pd.DataFrame(
        {
            "day": hours.day + 1,
            "hour": number,
            "load_mw": load,
            "limit_mw": load - over,
            "ev_mw": ev,
            "shift_mw": over - shifted,
            "battery_mw": shifted - after,
            "left_mw": np.maximum(after, 0.0),
        }
    )
