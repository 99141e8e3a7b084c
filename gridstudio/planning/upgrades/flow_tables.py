"""Tables of mode powerflow: needs, the elements that limit, what the plan leaves, how well the estimate did."""

import numpy as np
import pandas as pd

from gridstudio.planning.flow import network_branches
from gridstudio.planning.upgrades.contract import FloatArray, Futures, Menu, Outcomes
from gridstudio.planning.upgrades.merit import weighted_quantile
from gridstudio.planning.upgrades.planner import Found
from gridstudio.planning.upgrades.powerflow import PowerFlow, Simulated

EPS = 1e-6


def tables_of(
    provider: PowerFlow, found: Found, futures: Futures, outside: Futures | None, outcomes: Outcomes | None
) -> dict[str, pd.DataFrame]:
    """The tables needs, elements, left, corrections and hourly, and the circuit."""
    years = range(len(provider.circuit.drivers.years))
    nothing = np.zeros(len(provider.menu), dtype=bool)
    before = [provider.simulated(futures, year, nothing, "needs") for year in years]
    chosen = found.solution.plan.packages(found.packages)
    used = found.outcomes.used(chosen)
    left = [left_rows(provider, found, futures, used, "in sample")]
    if outside is not None and outcomes is not None:
        left.append(left_rows(provider, found, outside, outcomes, "out of sample"))
    network = provider.circuit.zones.network
    return {
        "network_buses": network.buses.copy(),
        "network_branches": network_branches(network),
        "needs": needs(provider, futures, before),
        "elements": elements(provider, futures, before[-1]),
        "left": pd.concat(left, ignore_index=True),
        "corrections": corrections(found, provider.menu, futures.probabilities),
        "hourly": hourly(provider, found, futures),
    }


def needs(provider: PowerFlow, futures: Futures, before: list[Simulated]) -> pd.DataFrame:
    """A row for each scenario, zone and year, if nothing is built."""
    circuit, zones = provider.circuit, provider.circuit.zones
    weight, parts = provider.hours.weight_h, []
    for year, window, one in zip(circuit.drivers.years, circuit.windows, before, strict=True):
        seen = one.seen
        for zone, name in enumerate(zones.names):
            mine = zones.branch_zone == zone
            hot = seen.loading_pu[..., zone] > 1 + EPS
            parts.append(
                pd.DataFrame(
                    {
                        "scenario": np.arange(len(futures)),
                        "probability": futures.probabilities,
                        "feeder": name,
                        "year": year,
                        "overloaded_elements": (seen.worst[:, mine] > 1 + EPS).sum(axis=1),
                        "energy_above_rating_mwh": seen.over_mwh[:, mine].sum(axis=1),
                        "hours_overloaded": hot @ weight[window],
                        "buses_out_of_band": seen.out[:, zone],
                        "hours_out_of_band": seen.out_steps[..., zone] @ weight[window],
                        "highest_loading_pu": seen.loading_pu[..., zone].max(axis=1),
                        "lowest_v_pu": seen.v_min_pu[..., zone].min(axis=1),
                        "unserved_mwh": one.short_mw[..., zone] @ weight,
                        "curtailed_mwh": seen.curtailed_mw[..., zone] @ weight[window],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def elements(provider: PowerFlow, futures: Futures, last: Simulated) -> pd.DataFrame:
    """Elements that are above their limit in any scenario of the last year if nothing is built, likeliest first."""
    zones, p, seen = provider.circuit.zones, futures.probabilities, last.seen
    branches = zones.network.branches
    rows = np.flatnonzero((seen.worst > 1 + EPS).any(axis=0) & (zones.branch_zone >= 0))
    table = pd.DataFrame(
        {
            "feeder": [zones.names[z] for z in zones.branch_zone[rows]],
            "element": branches["element"].to_numpy()[rows],
            "kind": branches["kind"].to_numpy()[rows],
            "rated_a": branches["ampacity_a"].to_numpy()[rows],
            "probability": p @ (seen.worst[:, rows] > 1 + EPS),
            "mean_loading_pu": p @ seen.worst[:, rows],
            "highest_loading_pu": seen.worst[:, rows].max(axis=0, initial=0.0),
            "energy_above_rating_mwh": p @ seen.over_mwh[:, rows],
        }
    )
    return table.sort_values(["probability", "element"], ascending=[False, True], kind="stable", ignore_index=True)


def left_rows(provider: PowerFlow, found: Found, futures: Futures, outcomes: Outcomes, name: str) -> pd.DataFrame:
    """Where the plan does not serve all: a row for each zone and year."""
    zones, p = provider.circuit.zones, futures.probabilities
    chosen, rows = found.solution.plan.packages(found.packages), []
    element = zones.network.branches["element"].to_numpy()
    for year, label in enumerate(provider.circuit.drivers.years):
        members = np.asarray(found.packages.members[chosen[:, year]].any(axis=0))
        seen = provider.simulated(futures, year, members, "check").seen
        for zone, feeder in enumerate(zones.names):
            unserved = outcomes.unserved[:, zone, year]
            often = (p @ (seen.worst > 1 + EPS)) * (zones.branch_zone == zone)
            rows.append(
                {
                    "scenarios": name,
                    "feeder": feeder,
                    "year": label,
                    "probability": float(p @ (unserved > 1e-9)),
                    "expected_unserved_mwh": float(p @ unserved),
                    "highest_unserved_mwh": float(unserved.max()),
                    "element": str(element[int(often.argmax())]) if often.max() > 0 else "",
                }
            )
    return pd.DataFrame(rows)


def corrections(found: Found, menu: Menu, p: FloatArray) -> pd.DataFrame:
    """What the estimate said of the plan, and what power flows say."""
    chosen, rows = found.solution.plan.packages(found.packages), []
    estimated, simulated = found.estimate.used(chosen), found.outcomes.used(chosen)
    for feeder, name in enumerate(found.packages.feeders):
        for year, label in enumerate(found.problem.years):
            members = np.flatnonzero(found.packages.members[chosen[feeder, year]])
            rows.append(
                {
                    "feeder": name,
                    "year": label,
                    "measures": ", ".join(menu.measure[c] for c in members),
                    "estimated_mwh": float(p @ estimated.unserved[:, feeder, year]),
                    "simulated_mwh": float(p @ simulated.unserved[:, feeder, year]),
                }
            )
    return pd.DataFrame(rows)


def hourly(provider: PowerFlow, found: Found, futures: Futures) -> pd.DataFrame:
    """Load and shedding of every zone, year and representative hour, with the plan."""
    zones, p, hours = provider.circuit.zones, futures.probabilities, provider.hours
    chosen, parts = found.solution.plan.packages(found.packages), []
    number = np.array([int((hours.day[:n] == day).sum()) for n, day in enumerate(hours.day)])
    for year, label in enumerate(provider.circuit.drivers.years):
        members = np.asarray(found.packages.members[chosen[:, year]].any(axis=0))
        short = provider.simulated(futures, year, members, "check").short_mw
        for zone, name in enumerate(zones.names):
            load = provider.load_mw(futures, zone)[:, year]
            parts.append(
                pd.DataFrame(
                    {
                        "feeder": name,
                        "year": label,
                        "day": hours.day + 1,
                        "hour": number,
                        "mean_load_mw": p @ load,
                        "p95_load_mw": weighted_quantile(load, p, 0.95),
                        "probability": p @ (short[..., zone] > 1e-9),
                        "expected_shed_mw": p @ short[..., zone],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def gains(menu: Menu, found: Found, p: FloatArray) -> FloatArray:
    """What each candidate alone takes off the 95 % quantile of its feeder's excess in the last year (candidate,) MW."""
    over = weighted_quantile(found.estimate.over_mw[:, :, -1], p, 0.95)
    result = np.zeros(len(menu))
    for c in range(len(menu)):
        alone = np.zeros(len(menu), dtype=bool)
        alone[c] = True
        package = found.packages.number(alone)[found.packages.feeders.index(menu.feeder[c])]
        empty = found.packages.empty[found.packages.feeders.index(menu.feeder[c])]
        result[c] = max(0.0, float(over[empty] - over[package]))
    return result
