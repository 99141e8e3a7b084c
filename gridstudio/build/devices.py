"""Switching and protective devices of circuits: from the switch table where there is one, and from the node types."""

import numpy as np
import pandas as pd

from gridstudio.build.network import FT_PER_MILE
from gridstudio.build.schema import BUS_PREFIX
from gridstudio.build.tables import TRUE, Utility, pairs

DEVICE_FT = 100.0  # edges up to this length that carry a device are modelled as switches
EQUIPMENT = {
    "recloser": "recloser",
    "sectionalizer": "sectionaliser",
    "sectionaliser": "sectionaliser",
    "switch": "switch",
}
TYPES = {
    "breaker": "breaker",
    "recloser": "recloser",
    "sectionalizer": "sectionaliser",
    "sectionaliser": "sectionaliser",
    "fuse": "fuse",
}  # of switch tables; all others (disconnect, tie, ...) are switches


def devices_of(
    utility: Utility, nodes: pd.DataFrame, edges: pd.DataFrame, lines: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines with switches where a node is one, and the device table: the switch table first, then the network.

    A breaker is the edge to its node, a fuse the edge from its node; a node that is a recloser, sectionaliser or
    switch gets a switch of its own on its source side (line NODE between NODE_in and NODE). Where the switch table has
    a device of that type on an edge at the node, that is the device.
    """
    named = _from_switches(utility, edges)
    taken = _taken(edges, named)
    lines, standing = _from_equipment(nodes, edges, lines, taken)
    kind = nodes.set_index("node_id")["node_type"]
    equipment = nodes.set_index("node_id").get("equipment_class", pd.Series(dtype=str))
    head, fuse = edges["to_node_id"], edges["from_node_id"]
    is_breaker = head.map(kind).eq("feeder_breaker") & ~head.isin(taken["breaker"])
    is_fuse = fuse.map(equipment).eq("fuse") & ~fuse.isin(taken["fuse"])
    rows = [
        *named.itertuples(index=False, name=None),
        *standing,
        *_at_edges(edges, is_breaker, head, "breaker"),
        *_at_edges(edges, is_fuse, fuse, "fuse"),
    ]
    rows += [(line, line, "switch", True, False) for line in lines.loc[lines["switch"] & lines["open"], "line"]]
    table = pd.DataFrame(rows, columns=["device", "line", "type", "normally_open", "remote"])
    table = table.drop_duplicates("line").reset_index(drop=True)
    short = lines["miles"] * FT_PER_MILE <= DEVICE_FT
    lines = lines.assign(switch=lines["switch"] | (short & lines["line"].isin(table["line"])))
    return lines, _device_table(table, _travel_min(utility))


def _at_edges(
    edges: pd.DataFrame, where: pd.Series, name: pd.Series, kind: str
) -> list[tuple[str, str, str, bool, bool]]:
    """Devices on closed edges, named after a node of theirs."""
    on = where & edges["status"].eq("closed")
    names, lines = name[on].str.lower(), edges.loc[on, "edge_id"].str.lower()
    return [(device, line, kind, False, kind == "breaker") for device, line in zip(names, lines, strict=True)]


def _from_switches(utility: Utility, edges: pd.DataFrame) -> pd.DataFrame:
    """Devices of the switch table on these edges; whether they are open is what the edge says."""
    switches = utility["switches"]
    key = pairs(*(switches[bus].str.removeprefix(BUS_PREFIX) for bus in ("bus1", "bus2")))
    edge_key = pairs(edges["from_node_id"], edges["to_node_id"])
    at = pd.Series(edges.index, index=edge_key)[lambda s: ~s.index.duplicated()]
    switches = switches[key.isin(at.index)]
    edge = edges.loc[key[switches.index].map(at)]
    return pd.DataFrame(
        {
            "device": switches["switch_id"].str.lower().to_numpy(),
            "line": edge["edge_id"].str.lower().to_numpy(),
            "type": switches["switch_type"].str.lower().map(TYPES).fillna("switch").to_numpy(),
            "normally_open": edge["status"].eq("open").to_numpy(),
            "remote": switches["scada_controlled"].str.lower().isin(TRUE).to_numpy(),
        }
    )


def _taken(edges: pd.DataFrame, named: pd.DataFrame) -> dict[str, set[str]]:
    """Nodes at which the switch table has a device, by the type of the device."""
    edge_of = edges.assign(line=edges["edge_id"].str.lower()).set_index("line")
    near = edge_of.loc[named["line"], ["from_node_id", "to_node_id"]]
    found: dict[str, set[str]] = {kind: set() for kind in (*TYPES.values(), "switch")}
    for kind, a, b in zip(named["type"], near["from_node_id"], near["to_node_id"], strict=True):
        found[kind] |= {a, b}
    return found


def _from_equipment(
    nodes: pd.DataFrame, edges: pd.DataFrame, lines: pd.DataFrame, taken: dict[str, set[str]]
) -> tuple[pd.DataFrame, list[tuple[str, str, str, bool, bool]]]:
    """Switches in nodes that are devices by their equipment class."""
    if "equipment_class" not in nodes:
        return lines, []
    wanted = nodes.assign(type=nodes["equipment_class"].str.lower().map(EQUIPMENT))
    wanted = wanted[wanted["type"].notna() & wanted["node_type"].ne("tie_switch")]
    into = edges[edges["to_node_id"].isin(wanted["node_id"]) & edges["status"].eq("closed")]
    into = into.drop_duplicates("to_node_id", keep=False).set_index("to_node_id")
    lines = lines.set_index("line", drop=False)
    new, rows = [], []
    for node, kind in zip(wanted["node_id"], wanted["type"], strict=True):
        if node in taken[kind] or node not in into.index:
            continue
        name = node.lower()
        before = str(into.at[node, "edge_id"]).lower()
        lines.at[before, "bus2"] = f"{name}_in"
        row = lines.loc[before].copy()
        row[["line", "bus1", "bus2", "miles", "line_code", "own", "switch", "open"]] = (
            name, f"{name}_in", name, np.nan, "", False, True, False,
        )  # fmt: skip
        new.append(row)
        rows.append((name, name, kind, False, kind == "recloser"))
    lines = lines.reset_index(drop=True)
    if new:
        further = pd.DataFrame(new).astype(lines.dtypes.to_dict())
        lines = pd.concat([lines, further], ignore_index=True)
    return lines, rows


def _travel_min(utility: Utility) -> float | None:
    """Median time of a crew from dispatch to arrival [min], of records that make sense; None without records."""
    crews = utility["crew_dispatch"]
    start, end = (pd.to_datetime(crews[c], errors="coerce", format="mixed") for c in ("dispatch_time", "arrival_time"))
    minutes = (end - start).dt.total_seconds() / 60.0
    minutes = minutes[minutes >= 0]
    return round(float(minutes.median()), 1) if len(minutes) else None


def _device_table(table: pd.DataFrame, travel_min: float | None) -> pd.DataFrame:
    """In the columns of the device table; times of remote devices and unknown ones stay empty."""
    return pd.DataFrame(
        {
            "device": table["device"],
            "element": "line." + table["line"],
            "type": table["type"],
            "normally_open": table["normally_open"].map({True: "true", False: "false"}),
            "remote": table["remote"].map({True: "true", False: "false"}),
            "operating_time_min": "",
            "travel_time_min": [
                "" if remote or travel_min is None else f"{travel_min:g}" for remote in table["remote"]
            ],
        }
    )
