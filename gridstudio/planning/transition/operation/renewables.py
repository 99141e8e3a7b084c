"""Wind and sun by bus, curtailment, shedding, and the penalised slacks that give every program an answer."""

import numpy as np

from gridstudio.planning.transition.case import RENEWABLE, THERMAL, FloatArray
from gridstudio.planning.transition.factors import BASE_MW
from gridstudio.planning.transition.operation.day import Day


def renewables(day: Day) -> None:
    """(5), terms of (6): output plus curtailment is what wind and sun give to a bus, from units that stand and zones.

    The price of curtailment is the same everywhere, so wind and sun of one bus are one pair of variables.
    """
    standing = _standing(day)
    fed = np.asarray(standing.any(axis=0))
    for name in RENEWABLE:
        if day.items.has(name):
            fed[day.case.zones.bus[day.items.factor(name).site]] = True
    buses = np.flatnonzero(fed)
    if not len(buses):
        return
    shape = (day.hours, len(buses))
    output = day.program.variables(day.name("renewable_power"), shape)
    price = day.usd(day.case.parameters["curtailment_usd_per_mwh"])
    curtailed = day.program.variables(day.name("curtailed_power"), shape, cost=price)
    day.program.add(day.balance[:, buses], output, 1.0)
    rows = day.program.rows("renewable_output (5)", shape, standing[:, buses], standing[:, buses])
    day.program.add(rows, output, 1.0)
    day.program.add(rows, curtailed, 1.0)
    place = np.full(len(day.case.buses), -1)
    place[buses] = np.arange(len(buses))
    for name in RENEWABLE:
        if day.items.has(name):
            site = day.items.factor(name).site
            profile = (day.wind_pu if name == "wind" else day.solar_pu)[:, site]
            day.program.add(rows[:, place[day.case.zones.bus[site]]], day.columns(name), -profile)
    limit = day.case.parameters.get("curtailment_limit_share", 1.0)
    if limit < 1 and "curtailment_limit" not in day.off:  # curtailed <= limit (output + curtailed)
        kept = day.program.rows("curtailment_limit (5)", shape, -np.inf, 0.0)
        day.program.add(kept, curtailed, 1.0 - limit)
        day.program.add(kept, output, -limit)


def _standing(day: Day) -> FloatArray:
    """(hour, bus): what existing wind and sun can give, in 100 MW, by the mean profile of the zones of their bus."""
    found = np.zeros((day.hours, len(day.case.buses)))
    for name in RENEWABLE:
        profile = day.wind_pu if name == "wind" else day.solar_pu
        for unit in day.case.units.of(name):
            bus = day.case.units.bus[unit]
            found[:, bus] += day.case.units.capacity_mw[unit] / BASE_MW * bus_profile(day, int(bus), profile)
    return found


def bus_profile(day: Day, bus: int, profile: FloatArray) -> FloatArray:
    """(hour,): mean of the bus's zones by area; of a bus without a zone, the zone nearest to it."""
    zones, buses = day.case.zones, day.case.buses
    if not len(zones):
        return np.zeros(day.hours)
    own = np.flatnonzero(zones.bus == bus)
    if len(own):
        return np.asarray(np.average(profile[:, own], axis=1, weights=np.maximum(zones.area_km2[own], 1e-9)))
    east = (zones.longitude - buses.longitude[bus]) * np.cos(np.radians(buses.latitude[bus]))
    return profile[:, int(np.argmin((zones.latitude - buses.latitude[bus]) ** 2 + east**2))]


def shedding(day: Day) -> None:
    """(15), terms of (6): load shed up to the allowed share at the value of lost load.

    Beyond that share, and for power that nothing can take up (units at their minimum, curtailment at its limit), two
    slacks are paid dearly, so that every state that training visits has an answer.
    """
    given, load = day.case.parameters, day.load_mw / BASE_MW
    share = 1.0 if "shedding_limit" in day.off else given.get("shedding_limit_share", 1.0)
    shed = day.program.variables(
        day.name("shed_power"), load.shape, 0.0, share * load, day.usd(given["voll_usd_per_mwh"])
    )
    day.program.add(day.balance, shed, 1.0)
    penalty = day.usd(given["slack_usd_per_mwh"])
    if share < 1:
        beyond = day.program.variables(day.name("shed_beyond_limit"), load.shape, 0.0, (1 - share) * load, penalty)
        day.program.add(day.balance, beyond, 1.0)
    if _may_have_too_much(day):
        surplus = day.program.variables(day.name("surplus_power"), load.shape, cost=penalty)
        day.program.add(day.balance, surplus, -1.0)


def _may_have_too_much(day: Day) -> bool:
    given = day.case.parameters
    forced = [f"{name}_minimum_share" for name in THERMAL if day.items.has(name)]
    forced += [f"unit_{kind}_minimum_share" for kind in set(day.case.units.kind)]
    running = any(given.get(name, 0.0) > 0 for name in forced) and "unit_minimum" not in day.off
    kept = given.get("curtailment_limit_share", 1.0) < 1 and "curtailment_limit" not in day.off
    return running or kept
