"""The circuit of one or more substations, derived from the tables: still tables, with OpenDSS's names.

What the tables do not tell is assumed here and nowhere else; ``ASSUMPTIONS`` says so in words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from gridstudio.build.schema import BUS_PREFIX
from gridstudio.build.tables import PHASES, TRUE, Utility, pairs
from gridstudio.errors import InputError

Allocation = Literal["auto", "peak", "kva", "demand"]
FT_PER_MILE = 5280.0
EARTH_R_OHM_PER_MILE = 0.0953  # resistance of the earth return at 60 Hz (Carson): three times it is in R0
X0_PER_X1 = 3.0  # overhead lines with a neutral earthed at many poles
EMERGENCY = 1.2  # emergency over normal rating, as in the other feeder models
TRANSFORMER_X_PERCENT, TRANSFORMER_LOSS_PERCENT = 8.0, 0.5  # substation transformers, on their own rating
BUS_PU = 1.03  # what the substation's tap changer holds
DEVICE_FT = 100.0  # edges up to this length that carry a device are modelled as switches
CLASSES = ("residential", "commercial", "industrial")
OTHER_CLASS = "commercial"  # municipal and other customers
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
IN_SERVICE = ("active", "in service", "")


@dataclass(frozen=True)
class ImportSettings:
    """How tables become a circuit.

    ``allocation`` of the feeders' peak to loads: by the customers' peak_kw where the table has it ("peak"), by the
    connected kVA of transformers with customers ("kva"), by contracted demand ("demand"); "auto" takes the first
    that the tables allow, in this order. ``own_impedance``: every line carries its edge's own impedance; otherwise
    it takes that of its conductor's line code (median of the edges). ``substations``: only these (all if empty).
    """

    allocation: Allocation = "auto"
    power_factor: float = 0.97
    own_impedance: bool = True
    substations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.allocation not in ("auto", "peak", "kva", "demand"):
            raise InputError(f"allocation is {self.allocation!r}, it must be auto, peak, kva or demand.")
        if not 0.5 <= self.power_factor <= 1.0:
            raise InputError(f"The power factor {self.power_factor:g} is not between 0.5 and 1.")


@dataclass(frozen=True, eq=False)
class Circuit:
    """The tables of one OpenDSS model; names are in lower case.

    sources: substation, name, bus_high, bus, high_kv, low_kv, mva, feeders
    codes: line_code, phases, r, x, r0, x0 (ohm per mile), ampacity_a
    lines: line, bus1, bus2, nodes ("1.2.3"), phases, miles, line_code, own (carries its own impedance), r, x, r0, x0,
        ampacity_a, switch, open, feeder, conductor
    loads: load, bus, nodes, phases, kv, kw, kvar, feeder
    solar: transformer, bus, nodes, phases, kv, kw
    storage: transformer, bus, nodes, phases, kv, kw, kwh, inverter_kva (0 where it cannot form a grid)
    devices, customers: the tables of the model (device..travel_time_min; load, customers, class)
    coordinates: bus, x, y
    """

    name: str
    title: str
    substations: tuple[str, ...]
    sources: pd.DataFrame
    codes: pd.DataFrame
    lines: pd.DataFrame
    loads: pd.DataFrame
    solar: pd.DataFrame
    storage: pd.DataFrame
    devices: pd.DataFrame
    customers: pd.DataFrame
    coordinates: pd.DataFrame
    ties_left_out: int

    @property
    def radial_voltages_kv(self) -> list[float]:
        """Distinct voltages, highest first."""
        return sorted({*self.sources["high_kv"], *self.sources["low_kv"]}, reverse=True)


def derive(utility: Utility, settings: ImportSettings, substations: Sequence[str], name: str, title: str) -> Circuit:
    """The circuit of ``substations``. Ties that lead out of them are left out."""
    nodes, edges = _inside(utility, substations)
    sources = _sources(utility, substations)
    lines, ties_left_out, bus_of_tie = _lines(utility, settings, nodes, edges)
    loads = _loads(utility, settings, substations)
    solar, storage = _plants(utility, substations)
    lines, devices = _devices(utility, nodes, edges, lines)
    used = {*lines["bus1"], *lines["bus2"]}
    return Circuit(
        name=name,
        title=title,
        substations=tuple(substations),
        sources=sources,
        codes=line_codes(utility).loc[lambda t: t["line_code"].isin(lines["line_code"])],
        lines=lines,
        loads=loads,
        solar=solar,
        storage=storage,
        devices=devices,
        customers=_customers(utility, loads),
        coordinates=_coordinates(nodes, sources, used, bus_of_tie),
        ties_left_out=ties_left_out,
    )


# -- the network ----------------------------------------------------------------


def tie_ends(utility: Utility) -> pd.DataFrame:
    """tie (node or edge), a, b: the two substations that each tie joins.

    A tie is a node of type tie_switch between two edges, or an open edge of type tie without such a node.
    """
    nodes, edges = utility["network_nodes"], utility["network_edges"]
    home = nodes.set_index("node_id")["substation_id"].copy()
    points = nodes.loc[nodes["node_type"] == "tie_switch", "node_id"]
    home[points] = ""  # it belongs to both sides
    rows = []
    touching = pd.concat(
        [
            edges.assign(point=edges["from_node_id"], far=edges["to_node_id"]),
            edges.assign(point=edges["to_node_id"], far=edges["from_node_id"]),
        ]
    )
    touching = touching[touching["point"].isin(points)].sort_values(["point", "edge_id"], kind="stable")
    for point, group in touching.groupby("point", sort=True):
        rows.append((point, *(home[far] or own for far, own in zip(group["far"], group["substation_id"], strict=True))))
    bare = edges[
        (edges["edge_type"] == "tie")
        & (edges["status"] == "open")
        & ~edges["from_node_id"].isin(points)
        & ~edges["to_node_id"].isin(points)
    ]
    rows += [(row.edge_id, home[row.from_node_id], home[row.to_node_id]) for row in bare.itertuples()]
    return pd.DataFrame(rows, columns=["tie", "a", "b"])


def _inside(utility: Utility, substations: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Nodes and edges of the substations, without ties to others and without what only they need."""
    ties = tie_ends(utility)
    away = set(ties.loc[~(ties["a"].isin(substations) & ties["b"].isin(substations)), "tie"])
    nodes = utility["network_nodes"]
    keep = nodes["substation_id"].isin(substations) | nodes["node_type"].eq("tie_switch")
    nodes = nodes[keep & ~nodes["node_id"].isin(away)]
    edges = utility["network_edges"]
    inside = edges["from_node_id"].isin(nodes["node_id"]) & edges["to_node_id"].isin(nodes["node_id"])
    edges = edges[inside & ~edges["edge_id"].isin(away)]
    joined = {*edges["from_node_id"], *edges["to_node_id"]}
    return nodes[nodes["node_id"].isin(joined)], edges


def _sources(utility: Utility, substations: Sequence[str]) -> pd.DataFrame:
    table = utility["substations"].set_index("substation_id").loc[list(substations)].reset_index()
    names = table["name"] if "name" in table else table["substation_id"]
    bus = table["substation_id"].str.lower()
    feeders = utility["feeders"]["substation_id"].value_counts()
    return pd.DataFrame(
        {
            "substation": table["substation_id"],
            "name": names,
            "bus_high": bus + "_hv",
            "bus": bus,
            "high_kv": table["voltage_high_kv"],
            "low_kv": table["voltage_low_kv"],
            "mva": table["rated_capacity_mva"],
            "feeders": table["substation_id"].map(feeders).fillna(0).astype(int),
        }
    )


def zero_sequence(edges: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """R0 and X0 [ohm per mile] of edges: as given, else from R1, X1 and the earth return."""
    r0 = edges["impedance_r_ohm_per_mile"] + 3 * EARTH_R_OHM_PER_MILE
    x0 = edges["impedance_x_ohm_per_mile"] * X0_PER_X1
    if {"impedance_r0_ohm_per_mile", "impedance_x0_ohm_per_mile"} <= set(edges):
        r0 = edges["impedance_r0_ohm_per_mile"].fillna(r0)
        x0 = edges["impedance_x0_ohm_per_mile"].fillna(x0)
    return r0, x0


def _impedances(edges: pd.DataFrame) -> pd.DataFrame:
    r0, x0 = zero_sequence(edges)
    return pd.DataFrame(
        {"r": edges["impedance_r_ohm_per_mile"], "x": edges["impedance_x_ohm_per_mile"], "r0": r0, "x0": x0}
    )


def _code_names(edges: pd.DataFrame) -> pd.Series:
    """Conductor, laying and number of phases as a name: ``477_acsr_oh_3``."""
    conductor = edges["conductor_type"].str.lower().str.replace(r"[^a-z0-9]+", "_", regex=True).str.strip("_")
    laying = np.where(edges["edge_type"].str.contains("underground"), "_ug_", "_oh_")
    return conductor.where(conductor != "", "conductor") + laying + edges["phase"].str.len().astype(str)


def line_codes(utility: Utility) -> pd.DataFrame:
    """One line code per conductor, laying and number of phases: medians of its edges; see ``Circuit.codes``."""
    edges = utility["network_edges"]
    table = _impedances(edges).assign(
        line_code=_code_names(edges), phases=edges["phase"].str.len(), ampacity_a=edges["rated_amps"]
    )
    return table.groupby("line_code", sort=True).median().reset_index()


def _lines(
    utility: Utility, settings: ImportSettings, nodes: pd.DataFrame, edges: pd.DataFrame
) -> tuple[pd.DataFrame, int, dict[str, str]]:
    """The lines of the edges, with a switch in each tie point that has none of its own.

    An open edge at the end of a feeder (node type feeder_endpoint) is a closed conductor where a tie hangs on that
    end: the open point is the tie's switch.
    """
    kind = nodes.set_index("node_id")["node_type"]
    ends = pd.DataFrame({"a": edges["from_node_id"].map(kind), "b": edges["to_node_id"].map(kind)})
    at_tie = ends.eq("tie_switch")
    point = edges["from_node_id"].where(at_tie["a"], edges["to_node_id"]).where(at_tie.any(axis=1), "")
    is_open = edges["status"].eq("open")
    open_at_point = is_open.groupby(point).sum()
    both_open = point.ne("") & point.map(open_at_point).eq(2)  # the switch stands in the point itself
    hung = set(edges.loc[point.ne(""), "from_node_id"]) | set(edges.loc[point.ne(""), "to_node_id"])
    at_hung_end = (edges["from_node_id"].isin(hung) & ends["a"].eq("feeder_endpoint")) | (
        edges["to_node_id"].isin(hung) & ends["b"].eq("feeder_endpoint")
    )
    bus1, bus2 = edges["from_node_id"].str.lower(), edges["to_node_id"].str.lower()
    second = both_open & point[both_open].duplicated().reindex(edges.index, fill_value=False)
    bus1 = bus1.where(~(second & at_tie["a"]), bus1 + "_b")
    bus2 = bus2.where(~(second & at_tie["b"]), bus2 + "_b")
    length = edges["length_ft"] / FT_PER_MILE
    lines = pd.DataFrame(
        {
            "line": edges["edge_id"].str.lower(),
            "bus1": bus1,
            "bus2": bus2,
            "nodes": _nodes(edges["phase"]),
            "phases": edges["phase"].str.len(),
            "miles": length,
            "line_code": _code_names(edges),
            "own": False,
            **_impedances(edges),
            "ampacity_a": edges["rated_amps"],
            "switch": is_open & edges["edge_type"].eq("tie"),
            "open": is_open & ~both_open & ~(at_hung_end & point.eq("")),
            "feeder": edges["feeder_id"],
            "conductor": edges["conductor_type"],
        }
    )
    lines["switch"] &= lines["open"]
    lines = _by_code(lines, line_codes(utility), settings.own_impedance)
    new = _point_switches(edges[both_open & ~second], point[both_open & ~second])
    total = len(tie_ends(utility))
    left_out = total - int(lines["switch"].sum()) - len(new) if total else 0
    bus_of_tie = {row.bus2: row.bus1 for row in new.itertuples()}
    return (
        pd.concat([lines, new], ignore_index=True) if len(new) else lines.reset_index(drop=True),
        left_out,
        bus_of_tie,
    )


def _by_code(lines: pd.DataFrame, codes: pd.DataFrame, own_impedance: bool) -> pd.DataFrame:
    """Lines whose impedance is their line code's take the code; the others keep their own, if asked for."""
    code = codes.set_index("line_code").reindex(lines["line_code"])
    same = np.ones(len(lines), dtype=bool)
    for column in ("r", "x", "r0", "x0"):
        same &= np.isclose(lines[column].to_numpy(), code[column].to_numpy(), rtol=1e-6, atol=0)
    if own_impedance:
        return lines.assign(own=~same)
    taken = {column: code[column].to_numpy() for column in ("r", "x", "r0", "x0")}
    return lines.assign(own=False, **taken)


def _point_switches(edges: pd.DataFrame, point: pd.Series) -> pd.DataFrame:
    """The open switch in each tie point: ideal, rated as the wire before it."""
    name = point.str.lower()
    return pd.DataFrame(
        {
            "line": name,
            "bus1": name,
            "bus2": name + "_b",
            "nodes": _nodes(edges["phase"]),
            "phases": edges["phase"].str.len(),
            "miles": np.nan,  # ideal
            "line_code": "",
            "own": False,
            "r": np.nan, "x": np.nan, "r0": np.nan, "x0": np.nan,
            "ampacity_a": edges["rated_amps"],
            "switch": True,
            "open": True,
            "feeder": edges["feeder_id"],
            "conductor": "",
        }
    )  # fmt: skip


def _nodes(phase: pd.Series) -> pd.Series:
    """Phases as OpenDSS nodes: AC is 1.3."""
    return phase.map({text: ".".join(str(PHASES[p]) for p in text) for text in phase.unique()})


def _coordinates(
    nodes: pd.DataFrame, sources: pd.DataFrame, used: set[str], bus_of_tie: dict[str, str]
) -> pd.DataFrame:
    """Longitude and latitude [degree] of all buses; buses that stand in for a node are where it is."""
    own = pd.DataFrame({"bus": nodes["node_id"].str.lower(), "x": nodes["longitude"], "y": nodes["latitude"]})
    place = own.set_index("bus")
    twins = {**{bus: bus.removesuffix("_in") for bus in sorted(used) if bus.endswith("_in")}, **bus_of_tie}
    twins |= dict(zip(sources["bus_high"], sources["bus"], strict=True))
    further = pd.DataFrame({"bus": list(twins), "of": list(twins.values())})
    further = further.join(place, on="of").drop(columns="of")
    table = pd.concat([own, further]).dropna().drop_duplicates("bus")
    return table[table["bus"].isin(used | set(sources["bus_high"]))].reset_index(drop=True)


# -- loads and plants -------------------------------------------------------------


def _sites(utility: Utility, substations: Sequence[str]) -> pd.DataFrame:
    """The service transformers of the substations: transformer, bus, nodes, phases, kv, feeder, kva."""
    table = utility["transformers"]
    table = table[table["substation_id"].isin(substations)]
    phases = table["phase"].str.len()
    kv = table["feeder_id"].map(utility["feeders"].set_index("feeder_id")["voltage_kv"])
    bus = table["transformer_id"].str.lower()
    return pd.DataFrame(
        {
            "transformer": bus,
            "transformer_id": table["transformer_id"],
            "bus": bus,
            "nodes": _nodes(table["phase"]),
            "phases": phases,
            "kv": kv.where(phases > 1, kv / math.sqrt(3)),  # OpenDSS: to neutral for one phase, else between phases
            "feeder": table["feeder_id"],
            "kva": table["kva_rating"],
        }
    )


def allocation(utility: Utility, settings: ImportSettings) -> Allocation:
    """By what the peak is shared out, "auto" resolved. InputError if the tables lack it."""
    customers = utility["customers"]
    has_peak = "peak_kw" in customers and customers["peak_kw"].notna().all()
    if settings.allocation == "peak" and not has_peak:
        raise InputError(
            "customers: the column peak_kw, by which loads are to be allocated, is missing or not complete."
        )
    if settings.allocation == "auto":
        return "peak" if has_peak else "kva"
    return settings.allocation


def load_kw(utility: Utility, settings: ImportSettings) -> pd.Series:
    """Peak kW at every transformer with customers, index transformer_id; a feeder's sum is its peak_load_mw.

    By "peak" the customers' own peaks are summed as they are.
    """
    customers, transformers = utility["customers"], utility["transformers"].set_index("transformer_id")
    how = allocation(utility, settings)
    grouped = customers.groupby("transformer_id", sort=True)
    if how == "peak":
        return grouped["peak_kw"].sum()
    if how == "demand":
        weight = grouped["contracted_demand_kw"].sum()
    else:
        weight = grouped.size().index.to_series().map(transformers["kva_rating"])
    feeder = weight.index.to_series().map(transformers["feeder_id"])
    peak_kw = utility["feeders"].set_index("feeder_id")["peak_load_mw"] * 1000.0
    total = weight.groupby(feeder).transform("sum")
    return (weight / total.where(total > 0)).fillna(0.0) * feeder.map(peak_kw)


def _loads(utility: Utility, settings: ImportSettings, substations: Sequence[str]) -> pd.DataFrame:
    sites = _sites(utility, substations)
    kw = sites["transformer_id"].map(load_kw(utility, settings))
    loads = sites.assign(load=sites["transformer"], kw=kw)[kw.notna()]
    loads["kvar"] = loads["kw"] * math.tan(math.acos(settings.power_factor))
    return loads[["load", "bus", "nodes", "phases", "kv", "kw", "kvar", "feeder"]].reset_index(drop=True)


def in_service(table: pd.DataFrame) -> pd.Series:
    """Whether a plant's status says that it runs (bool per row)."""
    if "status" not in table:
        return pd.Series(True, index=table.index)
    return table["status"].str.lower().isin(IN_SERVICE)


def _plants(utility: Utility, substations: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Solar and storage in service, summed by service transformer."""
    sites = _sites(utility, substations).set_index("transformer_id")
    place = ["transformer", "bus", "nodes", "phases", "kv"]
    solar = utility["solar_installations"]
    kw = solar[in_service(solar)].groupby("transformer_id", sort=True)["capacity_kw"].sum()
    pv = sites[place].join(kw.rename("kw"), how="inner")
    batteries = utility["battery_installations"]
    sums = batteries[in_service(batteries)].groupby("transformer_id", sort=True)[["power_kw", "capacity_kwh"]].sum()
    storage = (
        sites[[*place, "feeder"]].join(sums, how="inner").rename(columns={"power_kw": "kw", "capacity_kwh": "kwh"})
    )
    storage["inverter_kva"] = _grid_forming(utility, storage)
    return pv[pv["kw"] > 0].reset_index(drop=True), storage.drop(columns="feeder").reset_index(drop=True)


def _grid_forming(utility: Utility, storage: pd.DataFrame) -> pd.Series:
    """Inverter kVA of storage that can form a grid, else 0: the zones' plants, or each feeder's largest three-phase one."""
    zones = utility["der_zones"].drop_duplicates("node_id").set_index("node_id")["inverter_kva"]
    if len(zones):
        return storage.index.to_series().map(zones).fillna(0.0)
    largest = storage[storage["phases"] == 3].groupby("feeder", sort=True)["kw"].idxmax()
    return storage["kw"].where(storage.index.isin(set(largest)), 0.0)


def customer_class(customers: pd.DataFrame) -> pd.Series:
    """residential, commercial or industrial; all others are commercial."""
    named = customers["customer_type"].str.lower()
    return named.where(named.isin(CLASSES), OTHER_CLASS)


def _customers(utility: Utility, loads: pd.DataFrame) -> pd.DataFrame:
    customers = utility["customers"]
    table = pd.DataFrame({"load": customers["transformer_id"].str.lower(), "class": customer_class(customers)})
    table = table[table["load"].isin(loads["load"])].groupby(["load", "class"], sort=True).size().rename("customers")
    return table.reset_index()[["load", "customers", "class"]]


# -- devices ----------------------------------------------------------------------


def _devices(
    utility: Utility, nodes: pd.DataFrame, edges: pd.DataFrame, lines: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines with switches where a node is one, and the device table: the switch table first, then the network.

    A node that is a recloser, sectionaliser or switch gets a switch of its own on its source side (line NODE between
    NODE_in and NODE), unless the switch table has a device of that type at it.
    """
    named = _from_switches(utility, edges)
    lines, standing = _from_equipment(nodes, edges, lines, named)
    kind = nodes.set_index("node_id")["node_type"]
    equipment = nodes.set_index("node_id").get("equipment_class", pd.Series(dtype=str))
    rows = [
        *named.itertuples(index=False, name=None),
        *standing,
        *_at_edges(edges, edges["to_node_id"].map(kind).eq("feeder_breaker"), edges["to_node_id"], "breaker"),
        *_at_edges(edges, edges["from_node_id"].map(equipment).eq("fuse"), edges["from_node_id"], "fuse"),
    ]
    rows += [(line, line, "switch", True, False) for line in lines.loc[lines["switch"] & lines["open"], "line"]]
    table = pd.DataFrame(rows, columns=["device", "line", "type", "normally_open", "remote"])
    table = table.drop_duplicates("line").drop_duplicates("device").reset_index(drop=True)
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


def _from_equipment(
    nodes: pd.DataFrame, edges: pd.DataFrame, lines: pd.DataFrame, named: pd.DataFrame
) -> tuple[pd.DataFrame, list[tuple[str, str, str, bool, bool]]]:
    """Switches in nodes that are devices by their equipment class."""
    if "equipment_class" not in nodes:
        return lines, []
    wanted = nodes.assign(type=nodes["equipment_class"].str.lower().map(EQUIPMENT))
    wanted = wanted[wanted["type"].notna() & wanted["node_type"].ne("tie_switch")]
    edge_of = edges.assign(line=edges["edge_id"].str.lower()).set_index("line")
    near = edge_of.loc[named["line"], ["from_node_id", "to_node_id"]].assign(type=named["type"].to_numpy())
    taken = {*zip(near["from_node_id"], near["type"], strict=True), *zip(near["to_node_id"], near["type"], strict=True)}
    into = edges[edges["to_node_id"].isin(wanted["node_id"]) & edges["status"].eq("closed")]
    into = into.drop_duplicates("to_node_id", keep=False).set_index("to_node_id")
    lines = lines.set_index("line", drop=False)
    new, rows = [], []
    for node, kind in zip(wanted["node_id"], wanted["type"], strict=True):
        if (node, kind) in taken or node not in into.index:
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


def clusters(utility: Utility) -> list[tuple[str, ...]]:
    """Substations that ties join, in the order of the tables; one without ties stands alone."""
    import networkx as nx

    graph: nx.Graph = nx.Graph()
    order = {name: index for index, name in enumerate(utility["substations"]["substation_id"])}
    graph.add_nodes_from(order)
    graph.add_edges_from(tie_ends(utility)[["a", "b"]].itertuples(index=False, name=None))
    parts = [tuple(sorted(part, key=order.__getitem__)) for part in nx.connected_components(graph)]
    return sorted(parts, key=lambda part: order[part[0]])
