"""Thermal units that stand, with and without carbon capture, and new ones: limits, ramps, cost and CO2."""

import numpy as np

from gridstudio.planning.transition.case import DISPATCHED, THERMAL, FloatArray, IntArray
from gridstudio.planning.transition.factors import BASE_MW
from gridstudio.planning.transition.operation.day import KILO, Day


def existing_units(day: Day) -> None:
    """(11)-(12), (17)-(18): units that stand, before and after their retrofit with carbon capture."""
    units = day.case.units.of(*DISPATCHED)
    if not len(units):
        return
    kinds = [day.case.units.kind[u] for u in units]
    given, shape = day.case.parameters, (day.hours, len(units))
    most = day.case.units.capacity_mw[units] / BASE_MW
    most = most * np.array([given[f"unit_{kind}_availability_share"] for kind in kinds])
    least = most * np.array([given.get(f"unit_{kind}_minimum_share", 0.0) for kind in kinds])
    if "unit_minimum" in day.off:
        least = np.zeros(len(units))
    price = np.array([running_cost(day, f"unit_{kind}", kind) for kind in kinds])
    retrofits = day.items.factor("ccs").site if day.items.has("ccs") else np.zeros(0, dtype=np.int64)
    fixed = ~np.isin(units, retrofits)
    power = day.program.variables(day.name("existing_power"), shape, np.where(fixed, least, 0.0), most, day.usd(price))
    day.program.add_sums(day.balance, day.bus_of(day.case.units.bus[units]), power)
    _emit(day, power, np.array([given.get(f"unit_{kind}_co2_t_per_mwh", 0.0) for kind in kinds]))
    total = [power]
    if len(retrofits):
        place = np.searchsorted(units, retrofits)
        captured = _retrofitted(day, power[:, place], place, retrofits, most[place], least[place])
        total = [power, captured]
    _existing_ramps(day, units, most, total, np.searchsorted(units, retrofits))


def _retrofitted(
    day: Day, power: IntArray, place: IntArray, units: IntArray, most: FloatArray, least: FloatArray
) -> IntArray:
    """(11a), (11b), (12): a retrofitted unit runs with capture, and only with it."""
    given, kinds = day.case.parameters, [day.case.units.kind[u] for u in units]
    built = day.columns("ccs")
    keep = most * np.array([1 - given[f"ccs_{kind}_derating_share"] for kind in kinds])
    price = np.array([running_cost(day, f"ccs_{kind}", kind) for kind in kinds])
    captured = day.program.variables(day.name("captured_power"), power.shape, 0.0, keep, day.usd(price))
    day.program.add_sums(day.balance, day.bus_of(day.case.units.bus[units]), captured)
    _emit(day, captured, np.array([given[f"ccs_{kind}_co2_t_per_mwh"] for kind in kinds]))
    rows = day.program.rows("unit_limit_before_retrofit (11)", power.shape, -np.inf, most)
    day.program.add(rows, power, 1.0)
    day.program.add(rows, built, most)
    rows = day.program.rows("unit_limit_after_retrofit (12)", power.shape, -np.inf, 0.0)
    day.program.add(rows, captured, 1.0)
    day.program.add(rows, built, -keep)
    runs = np.flatnonzero(least > 0)
    if len(runs):
        rows = day.program.rows("unit_minimum (11)", (day.hours, len(runs)), least[runs], np.inf)
        day.program.add(rows, power[:, runs], 1.0)
        day.program.add(rows, captured[:, runs], 1.0)
    return captured


def _existing_ramps(day: Day, units: IntArray, most: FloatArray, power: list[IntArray], retrofits: IntArray) -> None:
    """(17), (18): change from hour to hour of a unit, where its ramp is less than its whole range."""
    ramp = day.case.units.ramp_mw_per_h[units] / BASE_MW
    slow = np.flatnonzero(ramp < most)
    if not len(slow) or "ramps" in day.off:
        return
    rows = day.program.rows("existing_ramp (17)-(18)", (day.hours - 1, len(slow)), -ramp[slow], ramp[slow])
    _change(day, rows, power[0][:, slow])
    if len(power) > 1:
        both, here, there = np.intersect1d(slow, retrofits, return_indices=True)
        if len(both):
            _change(day, rows[:, here], power[1][:, there])


def new_thermal(day: Day) -> None:
    """(13), (19): gas with capture, SMR and hydrogen turbines within what is in service, and their ramps."""
    for name in THERMAL:
        if not day.items.has(name):
            continue
        given, built = day.case.parameters, day.columns(name)
        site = day.items.factor(name).site
        top = given[f"{name}_maximum_share"]
        bottom = 0.0 if "unit_minimum" in day.off else given[f"{name}_minimum_share"]
        power = day.program.variables(
            day.name(f"{name}_power"), (day.hours, len(site)), cost=day.usd(running_cost(day, name, name))
        )
        day.program.add_sums(day.balance, day.bus_of(site), power)
        _emit(day, power, np.full(len(site), given.get(f"{name}_co2_t_per_mwh", 0.0)))
        rows = day.program.rows("new_unit_limit (13)", power.shape, -np.inf, 0.0)
        day.program.add(rows, power, 1.0)
        day.program.add(rows, built, -top)
        if bottom > 0:
            rows = day.program.rows("new_unit_minimum (13)", power.shape, 0.0, np.inf)
            day.program.add(rows, power, 1.0)
            day.program.add(rows, built, -bottom)
        ramp = given[f"{name}_ramp_share_per_h"]
        if ramp < top - bottom and "ramps" not in day.off:
            _new_ramps(day, power, built, ramp)


def _new_ramps(day: Day, power: IntArray, built: IntArray, share: float) -> None:
    """(19a), (19b): up and down by at most a share of the capacity in service."""
    shape = (day.hours - 1, power.shape[1])
    for sign in (1.0, -1.0):
        rows = day.program.rows("new_ramp (19)", shape, -np.inf, 0.0)
        _change(day, rows, power, sign)
        day.program.add(rows, built, -share)


def _change(day: Day, rows: IntArray, power: IntArray, sign: float = 1.0) -> None:
    day.program.add(rows, power[1:], sign)
    day.program.add(rows, power[:-1], -sign)


def _emit(day: Day, power: IntArray, tonnes_per_mwh: FloatArray) -> None:
    """Term of (4): thousand tonnes of 100 MWh."""
    day.program.add(day.co2[0], power, tonnes_per_mwh * BASE_MW / KILO * day.weight)


def running_cost(day: Day, name: str, fuel: str) -> float:
    """USD/MWh of (2): fuel under the outlook, variable O&M and the price of CO2. ``name``: prefix of the parameters."""
    given = day.case.parameters
    heat = given.get(f"fuel_{fuel}_usd_per_mmbtu", 0.0) * given.get(f"{name}_heat_rate_mmbtu_per_mwh", 0.0)
    co2 = given.get(f"{name}_co2_t_per_mwh", 0.0) * given["co2_price_usd_per_t"]
    return heat * day.outlook.fuel + given[f"{name}_vom_usd_per_mwh"] + co2
