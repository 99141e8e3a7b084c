"""The tables of a utility: which there are, their columns, and what their values may be."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "number", "amount", "positive"]  # amount: 0 or more


@dataclass(frozen=True)
class Table:
    """One table: the column that names its rows, its needed columns and those that are used if they are there.

    ``references``: column -> the table whose names it must hold (empty values are allowed).
    """

    key: str | None
    needed: dict[str, Kind]
    further: dict[str, Kind]
    references: dict[str, str]
    required: bool = False


_PLACE: dict[str, Kind] = {"latitude": "number", "longitude": "number"}
_AT_TRANSFORMER = {"transformer_id": "transformers"}

SCHEMA: dict[str, Table] = {
    "substations": Table(
        "substation_id",
        {
            "substation_id": "id",
            "voltage_high_kv": "positive",
            "voltage_low_kv": "positive",
            "rated_capacity_mva": "positive",
        },
        {"name": "text", "peak_load_mva": "amount", "num_transformers": "amount", "status": "text", **_PLACE},
        {},
        required=True,
    ),
    "feeders": Table(
        "feeder_id",
        {"feeder_id": "id", "substation_id": "id", "voltage_kv": "positive", "peak_load_mw": "amount"},
        {
            "name": "text",
            "rated_capacity_mw": "amount",
            "num_customers": "amount",
            "conductor_type": "text",
            "status": "text",
        },
        {"substation_id": "substations"},
        required=True,
    ),
    "network_nodes": Table(
        "node_id",
        {
            "node_id": "id",
            "node_type": "text",
            "substation_id": "text",
            "feeder_id": "text",
            "latitude": "number",
            "longitude": "number",
            "nominal_voltage_kv": "positive",
        },
        {"equipment_class": "text", "phase": "text", "status": "text"},
        {"substation_id": "substations", "feeder_id": "feeders"},
        required=True,
    ),
    "network_edges": Table(
        "edge_id",
        {
            "edge_id": "id",
            "from_node_id": "id",
            "to_node_id": "id",
            "feeder_id": "text",
            "substation_id": "text",
            "edge_type": "text",
            "conductor_type": "text",
            "phase": "text",
            "length_ft": "positive",
            "impedance_r_ohm_per_mile": "positive",
            "impedance_x_ohm_per_mile": "positive",
            "rated_amps": "positive",
            "nominal_voltage_kv": "positive",
            "status": "text",
        },
        {
            "length_miles": "amount",
            "impedance_z0_ohm_per_mile": "amount",
            "num_phases": "positive",
            "is_overhead": "amount",
            "impedance_r0_ohm_per_mile": "positive",
            "impedance_x0_ohm_per_mile": "positive",
        },
        {
            "from_node_id": "network_nodes",
            "to_node_id": "network_nodes",
            "feeder_id": "feeders",
            "substation_id": "substations",
        },
        required=True,
    ),
    "transformers": Table(
        "transformer_id",
        {
            "transformer_id": "id",
            "feeder_id": "id",
            "substation_id": "id",
            "kva_rating": "positive",
            "phase": "text",
            "primary_voltage_kv": "positive",
        },
        {"secondary_voltage_v": "positive", "status": "text"},
        {"transformer_id": "network_nodes", "feeder_id": "feeders", "substation_id": "substations"},
        required=True,
    ),
    "customers": Table(
        "customer_id",
        {"customer_id": "id", "transformer_id": "id", "customer_type": "text", "contracted_demand_kw": "amount"},
        {"feeder_id": "text", "substation_id": "text", "rate_class": "text", "peak_kw": "amount"},
        _AT_TRANSFORMER,
        required=True,
    ),
    "solar_installations": Table(
        "solar_id",
        {"solar_id": "id", "transformer_id": "id", "capacity_kw": "amount"},
        {"status": "text", "customer_id": "text"},
        _AT_TRANSFORMER,
    ),
    "battery_installations": Table(
        "battery_id",
        {"battery_id": "id", "transformer_id": "id", "capacity_kwh": "amount", "power_kw": "amount"},
        {"status": "text", "customer_id": "text"},
        _AT_TRANSFORMER,
    ),
    "ev_chargers": Table(
        "charger_id",
        {"charger_id": "id", "transformer_id": "id", "power_kw": "amount"},
        {"status": "text", "customer_id": "text"},
        _AT_TRANSFORMER,
    ),
    "outage_history": Table(
        "outage_id",
        {"outage_id": "id", "feeder_id": "text", "fault_detected": "text", "service_restored": "text"},
        {"duration_hours": "amount", "affected_customers": "amount"},
        {"feeder_id": "feeders"},
    ),
    "outage_events": Table(
        None,
        {"fault_detected": "text", "service_restored": "text"},
        {"feeder_id": "text", "affected_customers": "amount"},
        {},
    ),
    "switches": Table(
        "switch_id",
        {
            "switch_id": "id",
            "bus1": "id",
            "bus2": "id",
            "scada_controlled": "text",
            "normally_open": "text",
            "switch_type": "text",
        },
        {"feeder_id": "text"},
        {},
    ),
    "crew_dispatch": Table(
        None, {"outage_id": "text", "dispatch_time": "text", "arrival_time": "text"}, {"crew_id": "text"}, {}
    ),
    "der_zones": Table(
        "zone", {"zone": "id", "node_id": "id", "inverter_kva": "positive"}, {}, {"node_id": "network_nodes"}
    ),
    "asset_condition": Table("transformer_id", {"transformer_id": "id"}, {"condition_score": "number"}, {}),
}
BUS_PREFIX = "bus_"  # what switch tables put before the name of a node
