"""Lines, switches, ties and coordinates of circuits, from a utility's nodes and edges."""

from collections.abc import Sequence

import networkx as nx
import numpy as np
import pandas as pd

from gridstudio.build.settings import ImportSettings
from gridstudio.build.tables import PHASES, Utility

FT_PER_MILE = 5280.0
EARTH_R_OHM_PER_MILE = 0.0953  # resistance of the earth return at 60 Hz (Carson): three times it is in R0
X0_PER_X1 = 3.0  # overhead lines with a neutral earthed at many poles


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


def inside(utility: Utility, substations: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
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


def sources_of(utility: Utility, substations: Sequence[str]) -> pd.DataFrame:
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


def lines_of(
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
            "nodes": node_text(edges["phase"]),
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
            "nodes": node_text(edges["phase"]),
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


def node_text(phase: pd.Series) -> pd.Series:
    """Phases as OpenDSS nodes: AC is 1.3."""
    return phase.map({text: ".".join(str(PHASES[p]) for p in text) for text in phase.unique()})


def coordinates_of(
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


def clusters(utility: Utility, among: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Substations (all, or those ``among``) that ties join, in the order of the tables; some stand alone."""
    graph: nx.Graph = nx.Graph()
    order = {name: index for index, name in enumerate(utility["substations"]["substation_id"])}
    graph.add_nodes_from(order)
    graph.add_edges_from(tie_ends(utility)[["a", "b"]].itertuples(index=False, name=None))
    parts = nx.connected_components(graph.subgraph(among or order))
    joined = [tuple(sorted(part, key=order.__getitem__)) for part in parts]
    return sorted(joined, key=lambda part: order[part[0]])
