"""The tables of service transformers, customers, feeders and substations, from the poles and who is served."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic.customers import CLASSES, Served
from gridstudio.build.synthetic.layout import Place
from gridstudio.build.synthetic.network import Ids, latitude, longitude
from gridstudio.build.synthetic.resources import MAKERS, Owners
from gridstudio.build.synthetic.settings import HIGH_VOLTAGE_KV, POWER_FACTOR, VOLTAGE_KV

# Highest ratings of standard power transformers, MVA; neighbours differ by at most a fifth.
SUBSTATION_MVA = np.array(
    [0.75, 0.9, 1, 1.2, 1.4, 1.68, 2, 2.4, 2.8, 3.36, 3.75, 4.4, 5, 6, 7, 8.4, 9.4, 10.5, 12.5, 14, 16.8, 18.7, 20]
    + [22.4, 25, 28, 30, 33.3, 37.3, 40, 46.7, 50, 56, 60]
)
SUBSTATION_LOADING = 0.72  # of the rating at peak, before losses and charging
NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper", "Larch", "Maple")


def transformer_table(served: Served, named: Ids, kva: NDArray[np.float64], year: NDArray) -> pd.DataFrame:
    """transformers: one per transformer pole, which bears its name; as old as its pole."""
    rows = np.flatnonzero(served.nodes["kind"] == "transformer")
    phase = served.nodes["transformer_phase"].to_numpy()[rows]
    large = kva[rows] > 150
    return pd.DataFrame(
        {
            "transformer_id": named.node[rows],
            "feeder_id": named.feeder[rows],
            "substation_id": named.substation[rows],
            "latitude": latitude(served.nodes["y"].to_numpy()[rows]),
            "longitude": longitude(served.nodes["x"].to_numpy()[rows]),
            "kva_rating": kva[rows],
            "phase": phase,
            "primary_voltage_kv": VOLTAGE_KV,
            "secondary_voltage_v": np.where(phase != "ABC", 240, np.where(large, 480, 208)),
            "age_years": year.max() + 1 - year[rows],
            "manufacturer": np.array(MAKERS, dtype=object)[year[rows] % len(MAKERS)],
            "status": "active",
        }
    )


def customer_table(served: Served, named: Ids, owners: Owners, rng: np.random.Generator) -> pd.DataFrame:
    """customers; our own column, the part in the diversified peak, comes last."""
    kind, node = served.customers["class"].to_numpy(), served.customers["node"].to_numpy()
    rates = np.array([["R-1", "R-TOU"], ["C-1", "C-DEMAND"], ["I-1", "I-DEMAND"]], dtype=object)
    owned = {"solar": owners.solar, "ev": owners.charger, "battery": owners.battery}
    offset = rng.uniform(-0.01, 0.01, (2, len(kind)))  # a house stands within about 50 feet of its pole
    return pd.DataFrame(
        {
            "customer_id": [f"CUST-{i + 1:07d}" for i in range(len(kind))],
            "transformer_id": named.node[node],
            "feeder_id": named.feeder[node],
            "substation_id": named.substation[node],
            "customer_type": np.array(CLASSES, dtype=object)[kind],
            "rate_class": rates[kind, rng.integers(0, 2, len(kind))],
            "contracted_demand_kw": served.customers["demand_kw"],
            "latitude": latitude(served.nodes["y"].to_numpy()[node] + offset[0]),
            "longitude": longitude(served.nodes["x"].to_numpy()[node] + offset[1]),
            **{f"has_{name}": np.bincount(rows, minlength=len(kind)) for name, rows in owned.items()},
            "peak_kw": served.customers["peak_kw"],
        }
    )


def feeder_table(
    nodes: pd.DataFrame,
    named: Ids,
    places: list[Place],
    customers: pd.DataFrame,
    edges: pd.DataFrame,
    substations: pd.DataFrame,
) -> pd.DataFrame:
    """feeders: from head to tail."""
    head, tail = (np.flatnonzero(nodes["kind"] == kind) for kind in ("head", "tail"))
    x, y = nodes["x"].to_numpy(), nodes["y"].to_numpy()
    amps = edges["rated_amps"].to_numpy()[head]
    main = (nodes["row"] < 0).to_numpy() & (nodes["kind"] != "tie").to_numpy()
    miles = np.bincount(nodes["feeder"][main], edges["length_miles"].to_numpy()[: len(nodes)][main])
    by_feeder = customers.groupby("feeder_id", sort=True)
    number = pd.Series([place.substation for place in places]).groupby(lambda i: places[i].substation).cumcount() + 1
    station = substations["name"].to_numpy()
    return pd.DataFrame(
        {
            "feeder_id": named.feeder[head],
            "substation_id": named.substation[head],
            "name": [f"{station[p.substation]} Fdr {n}" for p, n in zip(places, number, strict=True)],
            "voltage_kv": VOLTAGE_KV,
            "latitude_head": latitude(y[head]),
            "longitude_head": longitude(x[head]),
            "latitude_tail": latitude(y[tail]),
            "longitude_tail": longitude(x[tail]),
            "direction": np.where(y[tail] > y[head], "N", "S"),
            "length_miles": np.round(miles, 2),
            "conductor_type": edges["conductor_type"].to_numpy()[head],
            "rated_capacity_mw": np.round(np.sqrt(3) * VOLTAGE_KV * amps * POWER_FACTOR / 1000, 2),
            "peak_load_mw": np.round(by_feeder["peak_kw"].sum().to_numpy() / 1000, 3),
            "num_customers": by_feeder.size().to_numpy(),
            "status": "active",
        }
    )


def substation_table(places: list[Place], customers: pd.DataFrame) -> pd.DataFrame:
    """substations: transformers such that the peak takes about two thirds of their rating together."""
    origins = pd.DataFrame([place.origin for place in places], columns=["x", "y"])
    origins = origins.groupby([place.substation for place in places], sort=True).first()
    peak_mva = customers.groupby("substation_id", sort=True)["peak_kw"].sum().to_numpy() / POWER_FACTOR / 1000
    units = np.ceil(peak_mva / SUBSTATION_LOADING / SUBSTATION_MVA[-1]).astype(int)
    unit_mva = SUBSTATION_MVA[np.searchsorted(SUBSTATION_MVA, peak_mva / SUBSTATION_LOADING / units)]
    count = len(origins)
    rounds = [f" {i // len(NAMES) + 1}" if i >= len(NAMES) else "" for i in range(count)]
    return pd.DataFrame(
        {
            "substation_id": [f"SUB-{i + 1:03d}" for i in range(count)],
            "name": [NAMES[i % len(NAMES)] + rounds[i] for i in range(count)],
            "latitude": latitude(origins["y"].to_numpy()),
            "longitude": longitude(origins["x"].to_numpy()),
            "voltage_high_kv": HIGH_VOLTAGE_KV,
            "voltage_low_kv": VOLTAGE_KV,
            "rated_capacity_mva": np.round(units * unit_mva, 1),
            "peak_load_mva": np.round(peak_mva, 2),
            "num_transformers": units,
            "age_years": 20,
            "status": "active",
        }
    )
