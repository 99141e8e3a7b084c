"""The tables of nodes, edges, switches, transformers, customers, feeders and substations, from the node table."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic.customers import CLASSES, Served
from gridstudio.build.synthetic.layout import Place
from gridstudio.build.synthetic.profiles import LATITUDE_DEG
from gridstudio.build.synthetic.resources import MAKERS, Owners
from gridstudio.build.synthetic.settings import HIGH_VOLTAGE_KV, POWER_FACTOR, VOLTAGE_KV
from gridstudio.domain.conductors import RatingConditions, rated, standard_acsr
from gridstudio.domain.line_constants import line_matrices, standard_structures

LONGITUDE_DEG = -100.0
MILES_PER_DEGREE = 69.0
KM_PER_MILE = 1.609344
CONDUCTORS = {
    "477 ACSR": "ACSR_477_Hawk",
    "336 ACSR": "ACSR_336_Linnet",
    "4/0 ACSR": "ACSR_4_0_Penguin",
    "#2 ACSR": "ACSR_2_Sparrow",
}
SUMMER = RatingConditions(ambient_c=40.0)
NEUTRAL = "ACSR_4_0_Penguin"
# Highest ratings of standard power transformers, MVA; neighbours differ by at most a fifth.
SUBSTATION_MVA = np.array(
    [0.75, 0.9, 1, 1.2, 1.4, 1.68, 2, 2.4, 2.8, 3.36, 3.75, 4.4, 5, 6, 7, 8.4, 9.4, 10.5, 12.5, 14, 16.8, 18.7, 20]
    + [22.4, 25, 28, 30, 33.3, 37.3, 40, 46.7, 50, 56, 60]
)
SUBSTATION_LOADING = 0.72  # of the rating at peak, before losses and charging
NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper", "Larch", "Maple")


@dataclass(frozen=True)
class Ids:
    """Names of the rows of the node table: nodes, the lines that feed them, their transformers ("" if none)."""

    node: NDArray[np.object_]
    feeder: NDArray[np.object_]
    substation: NDArray[np.object_]


def ids(nodes: pd.DataFrame, places: list[Place]) -> Ids:
    """Identifiers in the manner of the schema: SUB-001, FDR-0001, JCT-FDR-0001-001, XFMR-000001, ..."""
    feeder = np.array([f"FDR-{place.feeder + 1:04d}" for place in places], dtype=object)[nodes["feeder"]]
    substation = np.array([f"SUB-{place.substation + 1:03d}" for place in places], dtype=object)[nodes["feeder"]]
    kind = nodes["kind"].to_numpy()
    within = nodes.groupby(["feeder", "kind"], sort=False).cumcount().to_numpy() + 1
    overall = nodes.groupby("kind", sort=False).cumcount().to_numpy() + 1
    makers = {
        "head": lambda i: f"{feeder[i]}-HEAD",
        "tail": lambda i: f"{feeder[i]}-TAIL",
        "junction": lambda i: f"JCT-{feeder[i]}-{within[i]:03d}",
        "fuse": lambda i: f"FUSE-{feeder[i]}-{within[i]:02d}",
        "transformer": lambda i: f"XFMR-{overall[i]:06d}",
        "tie": lambda i: f"TIE-{overall[i]:04d}",
    }
    return Ids(np.array([makers[k](i) for i, k in enumerate(kind)], dtype=object), feeder, substation)


def latitude(y_miles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(LATITUDE_DEG + y_miles / MILES_PER_DEGREE, 6)


def longitude(x_miles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(LONGITUDE_DEG + x_miles / (MILES_PER_DEGREE * np.cos(np.radians(LATITUDE_DEG))), 6)


def node_table(
    served: Served, named: Ids, substations: pd.DataFrame, kva: NDArray[np.float64], year: NDArray
) -> pd.DataFrame:
    """network_nodes: the substations' buses, then all poles."""
    nodes = served.nodes
    kind, device = nodes["kind"].to_numpy(), nodes["device"].to_numpy()
    types = {"head": "feeder_breaker", "tail": "feeder_endpoint", "fuse": "protective_device", "tie": "tie_switch"}
    classes = {
        "head": "breaker",
        "tail": "open_point",
        "fuse": "fuse",
        "tie": "tie_switch",
        "transformer": "distribution_transformer",
    }
    frame = pd.DataFrame(
        {
            "node_id": named.node,
            "node_type": [types.get(k, k) for k in kind],
            "substation_id": named.substation,
            "feeder_id": np.where(kind == "tie", "", named.feeder),
            "latitude": latitude(nodes["y"].to_numpy()),
            "longitude": longitude(nodes["x"].to_numpy()),
            "nominal_voltage_kv": VOLTAGE_KV,
            "equipment_class": [classes.get(k) or d or "pole_top" for k, d in zip(kind, device, strict=True)],
            "rated_capacity": np.where(kind == "transformer", kva, np.nan),  # not a head's: its line has one
            "rated_capacity_units": np.where(kind == "transformer", "kVA", ""),
            "phase": nodes["phase"],
            "installation_year": year,
            "status": np.select([kind == "tie", (device != "") & (kind != "tie")], ["open", "closed"], "active"),
        }
    )
    buses = pd.DataFrame(
        {
            "node_id": substations["substation_id"],
            "node_type": "substation_bus",
            "substation_id": substations["substation_id"],
            "feeder_id": "",
            "latitude": substations["latitude"],
            "longitude": substations["longitude"],
            "nominal_voltage_kv": HIGH_VOLTAGE_KV,
            "equipment_class": "substation",
            "rated_capacity": substations["rated_capacity_mva"],
            "rated_capacity_units": "MVA",
            "phase": "ABC",
            "installation_year": int(year.min()),
            "status": "active",
        }
    )
    return pd.concat([buses, frame], ignore_index=True)


def edge_table(served: Served, named: Ids, year: NDArray) -> pd.DataFrame:
    """network_edges: edge i feeds row i of the node table; the open ties come last."""
    nodes = served.nodes
    parent, ties = nodes["parent"].to_numpy(), np.flatnonzero(nodes["kind"] == "tie")
    beyond = nodes["partner"].to_numpy()[ties]
    rows = np.concatenate([np.arange(len(nodes)), beyond])  # whose line data an edge has
    start = np.concatenate([parent, ties])
    x, y = nodes["x"].to_numpy(), nodes["y"].to_numpy()
    miles = np.abs(x[rows] - x[start]) + np.abs(y[rows] - y[start])
    miles = np.round(np.where(start < 0, 0.01, miles), 5)
    main, device = (nodes[name].to_numpy()[rows] for name in ("row", "device"))
    branch = np.isin(nodes["conductor"].to_numpy()[rows], ("336 ACSR", "4/0 ACSR"))
    phase = nodes["phase"].to_numpy()[rows]
    is_tie = np.arange(len(rows)) >= len(nodes)
    kinds = np.select(
        [is_tie, (device == "breaker"), (main < 0) | branch], ["tie", "bus_tie", "primary_overhead"], "lateral_overhead"
    )
    conductor = nodes["conductor"].to_numpy()[rows]
    return pd.DataFrame(
        {
            "edge_id": [f"EDGE-{i + 1:06d}" for i in range(len(rows))],
            "from_node_id": np.where(start < 0, named.substation[rows], named.node[start]),
            "to_node_id": named.node[rows],
            "feeder_id": named.feeder[rows],
            "substation_id": named.substation[rows],
            "edge_type": kinds,
            "conductor_type": conductor,
            "phase": phase,
            "length_miles": miles,
            "length_ft": np.round(miles * 5280, 1),
            **_line_columns(conductor),
            "nominal_voltage_kv": VOLTAGE_KV,
            "num_phases": [len(p) for p in phase],
            "is_overhead": 1,
            "installation_year": year[rows],
            "status": np.where(is_tie, "open", "closed"),
        }
    )


def _line_columns(conductor: NDArray[np.object_]) -> dict[str, NDArray[np.float64]]:
    """Impedances of the transposed three-phase line on spacing 500, and the summer rating, per edge."""
    catalogue, hot = standard_acsr(), rated(standard_acsr(), SUMMER)
    structure = standard_structures()["500"]
    values = {}
    for name, key in CONDUCTORS.items():
        r, x, _ = line_matrices(catalogue.conductor(key), catalogue.conductor(NEUTRAL), structure, "ABC")
        z = (r + 1j * x) * KM_PER_MILE
        own, mutual = z.trace() / 3, (z.sum() - z.trace()) / 6
        values[name] = (own - mutual, own + 2 * mutual, float(round(hot.ampacity_a[hot.position(key)])))
    names, row = np.unique(conductor.astype(str), return_inverse=True)
    z1, z0, amps = (np.array([values[name][i] for name in names]) for i in range(3))
    return {
        "impedance_r_ohm_per_mile": np.round(z1.real, 4)[row],
        "impedance_x_ohm_per_mile": np.round(z1.imag, 4)[row],
        "impedance_z0_ohm_per_mile": np.round(np.abs(z0), 4)[row],
        "impedance_r0_ohm_per_mile": np.round(z0.real, 4)[row],
        "impedance_x0_ohm_per_mile": np.round(z0.imag, 4)[row],
        "rated_amps": np.asarray(amps)[row],
    }


def switch_table(nodes: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """switches: every edge that can be opened; ties are the ones that stand open. Plain switches are worked by hand."""
    device = nodes["device"].to_numpy()
    rows = np.flatnonzero(device != "")
    ties = np.arange(len(nodes), len(edges))
    rows = np.concatenate([rows, ties])
    kind = np.concatenate([device[rows[: len(rows) - len(ties)]], np.full(len(ties), "switch", dtype=object)])
    remote = np.concatenate(
        [nodes["remote"].to_numpy(dtype=bool)[rows[: len(rows) - len(ties)]], np.arange(len(ties)) % 3 != 2]
    )
    chosen = edges.iloc[rows]
    return pd.DataFrame(
        {
            "switch_id": [f"SW-{i + 1:04d}" for i in range(len(rows))],
            "bus1": chosen["from_node_id"].to_numpy(),
            "bus2": chosen["to_node_id"].to_numpy(),
            "feeder_id": chosen["feeder_id"].to_numpy(),
            "scada_controlled": remote,
            "normally_open": np.arange(len(rows)) >= len(rows) - len(ties),
            "switch_type": kind,
            "edge_id": chosen["edge_id"].to_numpy(),
        }
    )


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
