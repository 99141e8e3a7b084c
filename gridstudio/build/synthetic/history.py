"""Years of outages: faults on blue-sky days and in storms, who was out, for how long, and which crew went.

Every fault sits on an edge. The nearest recloser, breaker or fuse above it trips, and all customers below that device
are out until service is restored; switching in between is not recorded.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic.settings import SyntheticSettings

PROTECTIVE = ("breaker", "recloser", "fuse")
BLUE_SKY_PER_FEEDER_YEAR = 4.0
STORMS_PER_YEAR = 3.5
PER_FEEDER_AND_STORM = 1.3  # mean; single storms differ widely
BLUE_CAUSES = ("animal contact", "equipment failure", "tree contact", "vehicle accident", "overload")
BLUE_CHANCE = (0.27, 0.33, 0.22, 0.10, 0.08)
STORM_CAUSES = ("tree contact", "lightning", "storm damage")
STORM_CHANCE = (0.45, 0.25, 0.30)
DEVICE_AS_MILES = 0.03  # a device fails as often as this length of main
MINUTE = np.timedelta64(1, "m")


def storm_days(settings: SyntheticSettings, rng: np.random.Generator) -> NDArray[np.datetime64]:
    """Distinct days of storms, most of them from April to September, in order."""
    days = []
    for year in range(settings.start_year, settings.start_year + settings.years):
        count = 3 + rng.poisson(STORMS_PER_YEAR - 3)
        drawn = np.clip(np.round(rng.normal(182, 50, count)), 0, 364).astype(int)
        days.append(np.datetime64(f"{year:04d}-01-01", "D") + np.unique(drawn))
    return np.concatenate(days)


def outages(
    nodes: pd.DataFrame,
    edges: pd.DataFrame,
    switches: pd.DataFrame,
    customers_at: NDArray[np.int64],
    settings: SyntheticSettings,
    storms: NDArray[np.datetime64],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """outage_history and crew_dispatch. ``customers_at``: customers at each row of the node table."""
    trips, below = protection(nodes), customers_below(nodes, customers_at)
    feeders = settings.substations * settings.feeders
    weights = _fault_weights(nodes, edges)
    row, start, storm = _faults(weights, storms, feeders, settings, rng)
    travel, work = _times(len(row), storm, rng)
    wait = rng.integers(4, 16, len(row)) + storm * rng.integers(0, 60, len(row))  # minutes until a crew is sent
    minutes = wait + travel + work
    device = trips[row]
    switch_of = dict(zip(switches["edge_id"], switches["switch_id"], strict=True))
    number = [f"OUT-{i + 1:05d}" for i in range(len(row))]
    cause = np.where(
        storm, rng.choice(STORM_CAUSES, len(row), p=STORM_CHANCE), rng.choice(BLUE_CAUSES, len(row), p=BLUE_CHANCE)
    )
    history = pd.DataFrame(
        {
            "outage_id": number,
            "feeder_id": edges["feeder_id"].to_numpy()[row],
            "substation_id": edges["substation_id"].to_numpy()[row],
            "fault_detected": _stamps(start, 0),
            "service_restored": _stamps(start, minutes),
            "duration_hours": np.round(minutes / 60, 2),
            "cause_code": cause,
            "affected_customers": below[device],
            "equipment_involved": _equipment(nodes, row, cause),
            "weather_related": storm.astype(int),
            "edge_id": edges["edge_id"].to_numpy()[row],
            "switch_id": [switch_of[edge] for edge in edges["edge_id"].to_numpy()[device]],
        }
    )
    crews = max(3, feeders)
    crew = rng.integers(0, crews, len(row))
    dispatch = pd.DataFrame(
        {
            "outage_id": number,
            "dispatch_time": _stamps(start, wait),
            "arrival_time": _stamps(start, wait + travel),
            "crew_id": [f"CREW-{c + 1:02d}" for c in crew],
            "vehicle_id": [f"VEH-{c + 1:03d}" for c in crew],
        }
    )
    return history, dispatch


def protection(nodes: pd.DataFrame) -> NDArray[np.intp]:
    """For a fault on the edge to each node: the node behind the protective device that trips.

    A device does not clear a fault on itself, but for the breaker, which has nothing but the substation above it.
    """
    parent = nodes["parent"].to_numpy()
    protects = np.isin(nodes["device"].to_numpy(), PROTECTIVE)
    trips = np.empty(len(nodes), dtype=np.intp)
    for i, above in enumerate(parent):
        trips[i] = i if above < 0 else above if protects[above] else trips[above]
    return trips


def customers_below(nodes: pd.DataFrame, customers_at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Customers fed through each node."""
    total, parent = customers_at.copy(), nodes["parent"].to_numpy()
    for i in range(len(total) - 1, -1, -1):
        if parent[i] >= 0:
            total[parent[i]] += total[i]
    return total


def _fault_weights(nodes: pd.DataFrame, edges: pd.DataFrame) -> NDArray[np.float64]:
    """Share of the faults per row of the node table: per mile, laterals have three times the mains' rate."""
    miles = edges["length_miles"].to_numpy()[: len(nodes)]
    device = nodes["device"].to_numpy()
    weight = np.where(nodes["row"].to_numpy() >= 0, 3.0, 1.0) * miles
    weight = np.where(device != "", DEVICE_AS_MILES, weight)
    weight[device == "breaker"] = 0.0
    return weight / weight.sum()


def _faults(
    weights: NDArray[np.float64],
    storms: NDArray[np.datetime64],
    feeders: int,
    settings: SyntheticSettings,
    rng: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.datetime64], NDArray[np.bool_]]:
    """Rows, minutes of detection and whether in a storm, in the order of time. A storm hits no edge twice."""
    first = np.datetime64(f"{settings.start_year:04d}-01-01", "D")
    days = np.arange(first, np.datetime64(f"{settings.start_year + settings.years:04d}-01-01", "D"))
    calm = days[~np.isin(days, storms)]
    blue = rng.poisson(BLUE_SKY_PER_FEEDER_YEAR * feeders * settings.years)
    hour = np.array([1.0] * 6 + [2.0] * 16 + [1.0] * 2)
    blue_minute = rng.choice(24, blue, p=hour / hour.sum()) * 60 + rng.integers(0, 60, blue)
    rows, times = [rng.choice(len(weights), blue, p=weights)], [rng.choice(calm, blue) + blue_minute * MINUTE]
    hittable = int(np.count_nonzero(weights))
    for day in storms:
        severity = rng.gamma(1.2, 1 / 1.2)
        count = min(2 + rng.poisson(PER_FEEDER_AND_STORM * feeders * severity), hittable)
        onset = rng.integers(9 * 60, 18 * 60)
        rows.append(rng.choice(len(weights), count, replace=False, p=weights))
        times.append(day + (onset + rng.integers(0, 240, count)) * MINUTE)
    storm = np.arange(sum(map(len, rows))) >= blue
    row, time = np.concatenate(rows), np.concatenate(times).astype("datetime64[m]")
    order = np.argsort(time, kind="stable")
    return row[order], time[order], storm[order]


def _times(
    count: int, storm: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Minutes on the way and minutes of work."""
    travel = np.clip(np.round(25 * np.exp(0.35 * rng.standard_normal(count)) * np.where(storm, 1.5, 1.0)), 8, 150)
    work = np.clip(np.round(np.where(storm, 150, 70) * np.exp(0.55 * rng.standard_normal(count))), 10, 1080)
    return travel.astype(int), work.astype(int)


def _equipment(nodes: pd.DataFrame, row: NDArray[np.intp], cause: NDArray) -> NDArray[np.object_]:
    """What failed, in the schema's words, from the edge with the fault."""
    names = {"": "overhead line", "fuse": "fuse", "recloser": "recloser", "sectionalizer": "switch", "switch": "switch"}
    equipment = np.array([names[device] for device in nodes["device"].to_numpy()[row]], dtype=object)
    inside = (nodes["kind"].to_numpy()[row] == "transformer") & np.isin(cause, ("equipment failure", "overload"))
    equipment[inside] = "transformer"
    return equipment


def _stamps(start: NDArray[np.datetime64], minutes: NDArray[np.int64] | int) -> pd.Index:
    moved = start + np.asarray(minutes) * MINUTE
    return pd.DatetimeIndex(moved.astype("datetime64[s]")).strftime("%Y-%m-%d %H:%M")
