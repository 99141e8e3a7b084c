"""Batteries with their wear, and pumped hydro between two reservoirs."""

import numpy as np

from gridstudio.planning.transition.case import IntArray
from gridstudio.planning.transition.factors import BASE_MW
from gridstudio.planning.transition.operation.day import Day

PPM = 1e6
MILLION_M3 = 1e6


def batteries(day: Day) -> None:
    """(23)-(28): charge, discharge and state of charge of batteries in service; a day ends as it began.

    Charging and discharging exclude each other by a binary an hour (25), (26). Its relaxation without the binary is
    charge + discharge <= power, which is what training uses.
    """
    if not day.items.has("battery"):
        return
    given, built, program = day.case.parameters, day.columns("battery"), day.program
    site = day.items.factor("battery").site
    power, energy = given["battery_power_mw"] / BASE_MW, given["battery_energy_mwh"] / BASE_MW
    shape = (day.hours, len(site))
    charge = program.variables(day.name("battery_charge"), shape, 0.0, power)
    discharge = program.variables(
        day.name("battery_discharge"), shape, 0.0, power, day.usd(given["battery_vom_usd_per_mwh"])
    )
    stored = program.variables(day.name("battery_stored"), shape, 0.0, energy)
    buses = day.bus_of(site)
    program.add_sums(day.balance, buses, discharge)
    program.add_sums(day.balance, -buses, charge)
    _battery_power(day, charge, discharge, built, power)
    rows = program.rows("battery_stored (27)", shape, -np.inf, 0.0)
    program.add(rows, stored, 1.0)
    program.add(rows, built, -energy * given["battery_stored_max_share"])
    if given["battery_stored_min_share"] > 0:
        rows = program.rows("battery_stored (27)", shape, 0.0, np.inf)
        program.add(rows, stored, 1.0)
        program.add(rows, built, -energy * given["battery_stored_min_share"])
    rows = program.rows("battery_balance (28)", shape, 0.0, 0.0)
    program.add(rows, stored, 1.0)
    program.add(rows, np.roll(stored, 1, axis=0), -1.0)
    program.add(rows, charge, -given["battery_charge_efficiency"])
    program.add(rows, discharge, 1.0 / given["battery_discharge_efficiency"])
    if "degradation" not in day.off:
        degradation(day, stored, built, energy)


def _battery_power(day: Day, charge: IntArray, discharge: IntArray, built: IntArray, power: float) -> None:
    program, shape = day.program, charge.shape
    if "battery_modes" in day.off:
        for columns in (charge, discharge):
            rows = program.rows("battery_power (23)-(24)", shape, -np.inf, 0.0)
            program.add(rows, columns, 1.0)
            program.add(rows, built, -power)
    elif not day.exact:
        rows = program.rows("battery_mode (23)-(26)", shape, -np.inf, 0.0)
        for columns in (charge, discharge):
            program.add(rows, columns, 1.0)
        program.add(rows, built, -power)
    else:
        charging = program.variables(day.name("battery_charging"), shape, 0.0, 1.0, integer=True)
        rows = program.rows("battery_mode (23)-(26)", shape, -np.inf, 0.0)
        program.add(rows, charge, 1.0)
        program.add(rows, charging, -power)
        rows = program.rows("battery_mode (23)-(26)", shape, -np.inf, 0.0)
        program.add(rows, discharge, 1.0)
        program.add(rows, charging, power)
        program.add(rows, built, -power)


def degradation(day: Day, stored: IntArray, built: IntArray, energy: float) -> None:
    """(29), (30): hourly fade by two lines over the depth of discharge; a day's sum within what the life allows.

    Fade is counted in millionths of the capacity an hour. Each representative day keeps the daily share of the fade
    that leaves the battery at its end-of-life capacity after ``battery_life_years``, shelf ageing included.
    """
    given, program = day.case.parameters, day.program
    daily = (1 - given["battery_end_of_life_share"]) * PPM / (365 * given["battery_life_years"])
    left = max(0.0, daily - given["battery_shelf_fade_ppm_per_day"])
    fade = program.variables(day.name("battery_fade_ppm"), stored.shape)
    for line in ("shallow", "deep"):
        slope, offset = (given[f"battery_fade_{line}_{term}_ppm_per_h"] for term in ("slope", "offset"))
        rows = program.rows("degradation (29)", stored.shape, 0.0, np.inf)
        program.add(rows, fade, 1.0)  # fade >= slope (built - stored / energy) + offset built
        program.add(rows, stored, slope / energy)
        program.add(rows, built, -(slope + offset))
    rows = program.rows("degradation (30)", len(built), -np.inf, 0.0)
    program.add(rows, fade, 1.0)
    program.add(rows, built, -left)


def pumped_hydro(day: Day) -> None:
    """(31)-(40): turbine and pump between an upper and a lower reservoir, million m3 of water.

    Power over the conversion factor is the flow of water (31), (32). Volumes scale with what is in service, so that
    without the plant there is no water either. Inflow joins the upper reservoir; water may be spilled from the upper
    and released from the lower one where there is inflow.
    """
    if not day.items.has("pumped_hydro"):
        return
    given, built, program = day.case.parameters, day.columns("pumped_hydro"), day.program
    site = day.items.factor("pumped_hydro").site
    power, shape = given["pumped_hydro_power_mw"] / BASE_MW, (day.hours, len(site))
    turbine = program.variables(
        day.name("turbine_power"), shape, 0.0, power, day.usd(given["pumped_hydro_vom_usd_per_mwh"])
    )
    pump = program.variables(day.name("pump_power"), shape, 0.0, power)
    buses = day.bus_of(site)
    program.add_sums(day.balance, buses, turbine)
    program.add_sums(day.balance, -buses, pump)
    for columns in (turbine, pump):
        rows = program.rows("hydro_power (39)-(40)", shape, -np.inf, 0.0)
        program.add(rows, columns, 1.0)
        program.add(rows, built, -power)
    inflow = given["pumped_hydro_inflow_million_m3_per_h"] * day.outlook.inflow
    spill = program.variables(day.name("spill"), shape, 0.0, np.inf if inflow > 0 else 0.0)
    release = program.variables(day.name("release"), shape, 0.0, np.inf if inflow > 0 else 0.0)
    out = BASE_MW / given["pumped_hydro_turbine_mwh_per_million_m3"]  # water for 100 MWh
    back = BASE_MW / given["pumped_hydro_pump_mwh_per_million_m3"]
    upper = ((turbine, out), (pump, -back), (spill, 1.0))
    lower = ((turbine, -out), (pump, back), (spill, -1.0), (release, 1.0))
    _reservoir(day, "upper", built, upper, inflow)
    _reservoir(day, "lower", built, lower, 0.0)


def _reservoir(
    day: Day, name: str, built: IntArray, leaving: tuple[tuple[IntArray, float], ...], inflow: float
) -> None:
    """(33)-(38): water balance from hour to hour, limits of the volume, and at least the first volume at the end."""
    given, program = day.case.parameters, day.program
    first, low, high = (given[f"pumped_hydro_{name}_{key}_million_m3"] for key in ("first", "min", "max"))
    shape = (day.hours, len(built))
    volume = program.variables(day.name(f"{name}_volume"), shape)
    rows = program.rows(f"{name}_reservoir (33)-(34)", shape, 0.0, 0.0)
    program.add(rows, volume, 1.0)
    program.add(rows[1:], volume[:-1], -1.0)
    program.add(rows[0], built, -first)
    program.add(rows, built, -inflow)
    for columns, water in leaving:
        program.add(rows, columns, water)
    limit = program.rows(f"{name}_volume (35)-(36)", shape, -np.inf, 0.0)
    program.add(limit, volume, 1.0)
    program.add(limit, built, -high)
    if low > 0:
        limit = program.rows(f"{name}_volume (35)-(36)", shape, 0.0, np.inf)
        program.add(limit, volume, 1.0)
        program.add(limit, built, -low)
    end = program.rows(f"{name}_end (37)-(38)", len(built), 0.0, np.inf)
    program.add(end, volume[-1], 1.0)
    program.add(end, built, -first)
