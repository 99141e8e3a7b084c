"""The tables of nodes, edges and switches, from the poles."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic.customers import Served
from gridstudio.build.synthetic.layout import Place
from gridstudio.build.synthetic.profiles import LATITUDE_DEG
from gridstudio.build.synthetic.settings import HIGH_VOLTAGE_KV, VOLTAGE_KV
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


@dataclass(frozen=True)
class Ids:
    """Names for the rows of the node table: the node, its feeder, its substation."""

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
    """Degrees, to the sixth place (0.1 m)."""
    return np.round(LATITUDE_DEG + y_miles / MILES_PER_DEGREE, 6)


def longitude(x_miles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees, to the sixth place; the small area is drawn as if all of it lay at one latitude."""
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
    devices = np.flatnonzero(nodes["device"] != "")
    ties = np.arange(len(nodes), len(edges))  # two of three can be closed from afar
    chosen = edges.iloc[np.concatenate([devices, ties])]
    remote = np.concatenate([nodes["remote"].to_numpy(dtype=bool)[devices], np.arange(len(ties)) % 3 != 2])
    return pd.DataFrame(
        {
            "switch_id": [f"SW-{i + 1:04d}" for i in range(len(chosen))],
            "bus1": chosen["from_node_id"].to_numpy(),
            "bus2": chosen["to_node_id"].to_numpy(),
            "feeder_id": chosen["feeder_id"].to_numpy(),
            "scada_controlled": remote,
            "normally_open": (chosen["status"] == "open").to_numpy(),
            "switch_type": [*nodes["device"].to_numpy()[devices], *["switch"] * len(ties)],
            "edge_id": chosen["edge_id"].to_numpy(),
        }
    )
