"""What is remarkable about substations, feeders, nodes and edges; one small rule each."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridstudio.build import network
from gridstudio.build.notes import Note
from gridstudio.build.settings import ImportSettings
from gridstudio.build.tables import Utility, fed_phases, some

SAME = 0.02  # relative difference of impedances of one conductor that is worth a word


# -- substations and feeders ------------------------------------------------------


def _overloaded_substations(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    table = utility["substations"].set_index("substation_id")
    peak_mw = utility["feeders"].groupby("substation_id")["peak_load_mw"].sum().reindex(table.index).fillna(0.0)
    ratio = peak_mw / settings.power_factor / table["rated_capacity_mva"]
    over = ratio[ratio > 1].sort_values(ascending=False)
    if len(over):
        listed = some(f"{name} {value:.1f} times" for name, value in over.items())
        yield Note(
            "warning", "substations", len(over),
            f"The peaks of their feeders exceed the rating of {len(over)} substations ({listed}).",
        )  # fmt: skip
    if "peak_load_mva" in table:
        own = table["peak_load_mva"]
        more = int((peak_mw / settings.power_factor > own * 1.05).sum())
        if more:
            yield Note(
                "warning", "substations", more,
                f"The feeders' peaks add up to more than peak_load_mva at {more} substations "
                f"(up to {(peak_mw / settings.power_factor / own).max():.1f} times): the models take all feeders at "
                "their own peak at once, without a coincidence factor.",
            )  # fmt: skip


def _status(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    for name, key, wanted in (
        ("substations", "substation_id", "active"),
        ("feeders", "feeder_id", "active"),
        ("transformers", "transformer_id", "active"),
    ):
        table = utility[name]
        if "status" not in table:
            continue
        other = table[~table["status"].str.lower().isin((wanted, ""))]
        if len(other):
            listed = some(sorted(other["status"].unique()))
            yield Note(
                "warning", name, len(other),
                f"The status of {len(other)} rows is {listed} ({some(other[key])}); customers hang on them, "
                "so they are modelled in service.",
            )  # fmt: skip


def _feeder_ratings(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    feeders, edges = utility["feeders"], utility["network_edges"]
    kind = utility["network_nodes"].set_index("node_id")["node_type"]
    heads = edges[edges["to_node_id"].map(kind).eq("feeder_breaker")].drop_duplicates("feeder_id")
    rated_a = feeders["feeder_id"].map(heads.set_index("feeder_id")["rated_amps"])
    rated_mw = math.sqrt(3) * feeders["voltage_kv"] * rated_a / 1000.0
    if "rated_capacity_mw" in feeders:
        over = feeders.loc[feeders["rated_capacity_mw"] > rated_mw * 1.01, "feeder_id"]
        if len(over):
            yield Note(
                "warning", "feeders", len(over),
                f"rated_capacity_mw of {len(over)} feeders is more than their first conductor carries "
                f"({some(over)}): the models are rated by conductor.",
            )  # fmt: skip
    over = feeders.loc[feeders["peak_load_mw"] / settings.power_factor > rated_mw, "feeder_id"]
    if len(over):
        yield Note(
            "warning", "feeders", len(over),
            f"The peak of {len(over)} feeders is more than their first conductor carries ({some(over)}).",
        )  # fmt: skip


def _feeder_transformers(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    feeders = utility["feeders"]
    kva = feeders["feeder_id"].map(utility["transformers"].groupby("feeder_id")["kva_rating"].sum()).fillna(0.0)
    short = feeders.loc[feeders["peak_load_mw"] * 1000 / settings.power_factor > kva, "feeder_id"]
    if len(short):
        yield Note(
            "warning", "feeders", len(short),
            f"The peak of {len(short)} feeders is more than the kVA of all their service transformers ({some(short)}).",
        )  # fmt: skip
    without = feeders.loc[~feeders["feeder_id"].isin(_with_customers(utility)["feeder_id"]), "feeder_id"]
    if len(without):
        yield Note(
            "warning",
            "feeders",
            len(without),
            f"{len(without)} feeders have no customers, so no load ({some(without)}).",
        )
    if "num_customers" in feeders:
        named = utility["customers"]["transformer_id"].map(
            utility["transformers"].set_index("transformer_id")["feeder_id"]
        )
        counted = feeders["feeder_id"].map(named.value_counts()).fillna(0)
        differ = feeders.loc[(counted != feeders["num_customers"]) & feeders["num_customers"].notna(), "feeder_id"]
        if len(differ):
            yield Note(
                "warning", "feeders", len(differ),
                f"num_customers of {len(differ)} feeders is not what customers.csv holds ({some(differ)}): "
                "the latter counts.",
            )  # fmt: skip


def _with_customers(utility: Utility) -> pd.DataFrame:
    table = utility["transformers"]
    return table[table["transformer_id"].isin(utility["customers"]["transformer_id"].unique())]


# -- nodes and edges --------------------------------------------------------------


def _high_side(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    nodes = utility["network_nodes"].set_index("node_id")
    table = utility["substations"]
    at_high = table["voltage_high_kv"].eq(table["substation_id"].map(nodes["nominal_voltage_kv"]))
    if at_high.any():
        yield Note(
            "derived", "network_nodes", int(at_high.sum()),
            f"{int(at_high.sum())} substation nodes carry the high voltage though feeders leave them at the low one: "
            "the node is taken as the low side, and a transformer to a bus NODE_hv stands before it.",
        )  # fmt: skip


def _zero_sequence(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    edges = utility["network_edges"]
    given = {"impedance_r0_ohm_per_mile", "impedance_x0_ohm_per_mile"} <= set(edges)
    one = np.hypot(edges["impedance_r_ohm_per_mile"], edges["impedance_x_ohm_per_mile"])
    if "impedance_z0_ohm_per_mile" in edges:
        below = int((edges["impedance_z0_ohm_per_mile"] < one).sum())
        if below:
            used = "" if given else ", so they are not used"
            yield Note(
                "warning", "network_edges", below,
                f"The zero-sequence impedance of {below} edges is below their positive-sequence impedance, "
                f"which no line has{used}.",
            )  # fmt: skip
    if not given:
        yield Note(
            "assumption", "network_edges", len(edges),
            f"Zero sequence of lines: R0 = R1 + 3 x {network.EARTH_R_OHM_PER_MILE:g} ohm per mile (earth return), "
            f"X0 = {network.X0_PER_X1:g} X1; conductors transposed.",
        )  # fmt: skip
    yield Note(
        "assumption", "network_edges", len(edges), "Lines and cables have no shunt capacitance (not in the tables)."
    )


def _scatter(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    edges = utility["network_edges"]
    groups = edges.groupby("conductor_type")
    away = pd.Series(0.0, index=edges.index)
    for column in ("impedance_r_ohm_per_mile", "impedance_x_ohm_per_mile"):
        middle = groups[column].transform("median")
        away = away.combine((edges[column] / middle - 1).abs(), max)
    count = int((away > SAME).sum())
    if count:
        taken = (
            "every line carries its edge's own impedance, and names no line code"
            if settings.own_impedance
            else "every line takes the median of its conductor as its line code"
        )
        yield Note(
            "warning", "network_edges", count,
            f"The impedance per mile of {count} edges departs by more than {SAME:.0%} (up to {away.max():.0%}) from "
            f"the median of their conductor: {taken}.",
        )  # fmt: skip
    ratings = groups["rated_amps"].nunique()
    several = ratings[ratings > 1]
    if len(several):
        yield Note(
            "warning", "network_edges", int(edges["conductor_type"].isin(several.index).sum()),
            f"Conductors with more than one rating: {some(several.index)}; every line carries its edge's own.",
        )  # fmt: skip


def _cables(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    edges = utility["network_edges"]
    under = edges["edge_type"].str.contains("underground")
    shared = set(edges.loc[under, "conductor_type"]) & set(edges.loc[~under, "conductor_type"])
    count = int((under & edges["conductor_type"].isin(shared)).sum())
    if count:
        yield Note(
            "warning", "network_edges", count,
            f"{count} underground edges have the conductors, impedances and ratings of overhead lines "
            f"({some(sorted(shared))}): used as they are.",
        )  # fmt: skip
    if "is_overhead" in edges:
        odd = edges.loc[(edges["is_overhead"] > 0) == under, "edge_id"]
        if len(odd):
            yield Note(
                "warning",
                "network_edges",
                len(odd),
                f"is_overhead and edge_type of {len(odd)} edges differ ({some(odd)}).",
            )


def _lengths_and_phases(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    edges = utility["network_edges"]
    if "length_miles" in edges:
        apart = (edges["length_miles"] - edges["length_ft"] / network.FT_PER_MILE).abs()
        odd = edges.loc[apart > 0.001 + 0.01 * edges["length_miles"], "edge_id"]
        if len(odd):
            yield Note(
                "warning", "network_edges", len(odd),
                f"length_miles and length_ft of {len(odd)} edges differ ({some(odd)}): length_ft is used.",
            )  # fmt: skip
    if "num_phases" in edges:
        odd = edges.loc[edges["num_phases"].ne(edges["phase"].str.len()) & edges["num_phases"].notna(), "edge_id"]
        if len(odd):
            yield Note(
                "warning", "network_edges", len(odd),
                f"num_phases and phase of {len(odd)} edges differ ({some(odd)}): phase is used.",
            )  # fmt: skip
    table = utility["transformers"]
    kv = table["feeder_id"].map(utility["feeders"].set_index("feeder_id")["voltage_kv"])
    odd = table.loc[(table["primary_voltage_kv"] - kv).abs() > 1e-6, "transformer_id"]
    if len(odd):
        yield Note(
            "warning", "transformers", len(odd),
            f"primary_voltage_kv of {len(odd)} transformers is not their feeder's ({some(odd)}): the feeder's is used.",
        )  # fmt: skip


def _loops(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    edges = utility["network_edges"]
    closed = edges[edges["status"] == "closed"]
    fed = fed_phases(utility)
    count = 0
    for phase in fed:
        nodes = int(fed[phase].sum()) - len(utility["substations"])
        on = closed["phase"].str.contains(phase) & closed["from_node_id"].map(fed[phase])
        count = max(count, int(on.sum()) - nodes)
    if count > 0:
        yield Note(
            "warning", "network_edges", count,
            f"The closed edges are not radial: {count} of them close loops or join substations.",
        )  # fmt: skip
    dead = fed.index[~fed.any(axis=1)]
    kinds = utility["network_nodes"].set_index("node_id").loc[dead, "node_type"]
    lost = dead[~kinds.isin(("tie_switch", "feeder_endpoint")).to_numpy()]
    if len(lost):
        yield Note(
            "warning",
            "network_nodes",
            len(lost),
            f"No closed edge reaches {len(lost)} nodes without customers ({some(lost)}).",
        )


def _open_ends(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    edges, nodes = utility["network_edges"], utility["network_nodes"].set_index("node_id")
    opened = edges[edges["status"].eq("open")]
    ends = opened[opened["to_node_id"].map(nodes["node_type"]).eq("feeder_endpoint") & opened["edge_type"].ne("tie")]
    points = nodes.index[nodes["node_type"].eq("tie_switch")]
    touching = edges[edges["from_node_id"].isin(points) | edges["to_node_id"].isin(points)]
    with_tie = ends["to_node_id"].isin({*touching["from_node_id"], *touching["to_node_id"]})
    if len(ends):
        yield Note(
            "derived", "network_edges", len(ends),
            f"{len(ends)} last segments of feeders are marked open. Where a tie hangs on the end "
            f"({int(with_tie.sum())}), the segment is a closed conductor and the tie's switch the open point; "
            "the others stay open.",
        )  # fmt: skip
    wires = touching[touching["status"].eq("open")]
    point = wires["from_node_id"].where(wires["from_node_id"].isin(points), wires["to_node_id"])
    whole = point.value_counts().eq(2)
    if whole.any():
        yield Note(
            "derived", "network_edges", int(2 * whole.sum()),
            f"Both edges of {int(whole.sum())} tie points are marked open: they are closed conductors, and one open "
            "switch stands in the point (line TIE between TIE and TIE_b).",
        )  # fmt: skip


def _coordinates(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    nodes = utility["network_nodes"]
    without = nodes.loc[nodes["latitude"].isna() | nodes["longitude"].isna(), "node_id"]
    if len(without):
        yield Note(
            "warning", "network_nodes", len(without), f"{len(without)} nodes have no coordinates ({some(without)})."
        )


RULES = (
    _overloaded_substations,
    _status,
    _feeder_ratings,
    _feeder_transformers,
    _high_side,
    _zero_sequence,
    _scatter,
    _cables,
    _lengths_and_phases,
    _loops,
    _open_ends,
    _coordinates,
)
