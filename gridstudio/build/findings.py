"""What is remarkable about a utility's tables, and what was assumed, derived or left out to make circuits of them.

Nothing is repaired in silence: each rule below gives rows of the table of findings.
"""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from gridstudio.build import model
from gridstudio.build.model import ImportSettings
from gridstudio.build.schema import BUS_PREFIX, SCHEMA
from gridstudio.build.tables import TRUE, Utility, fed_phases, pairs, some

Severity = Literal["warning", "assumption", "derived", "omitted"]
LONG_OUTAGE_H = 24.0
SAME = 0.02  # relative difference of impedances of one conductor that is worth a word


class Note(NamedTuple):
    """One row of the table of findings: ``count`` rows of ``table`` are meant."""

    severity: Severity
    table: str
    count: int
    text: str


def findings(utility: Utility, settings: ImportSettings) -> pd.DataFrame:
    """severity (warning, assumption, derived, omitted), table, count, text; warnings first."""
    notes = [note for rule in RULES for note in rule(utility, settings)]
    order = {"warning": 0, "assumption": 1, "derived": 2, "omitted": 3}
    notes.sort(key=lambda note: order[note.severity])
    return pd.DataFrame(notes, columns=list(Note._fields))


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
            f"{int(at_high.sum())} substation nodes carry the high voltage though feeders leave them at the low one: the "
            "node is taken as the low side, and a transformer to a bus NODE_hv stands before it.",
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
                f"The zero-sequence impedance of {below} edges is below their positive-sequence impedance, which no line "
                f"has{used}.",
            )  # fmt: skip
    if not given:
        yield Note(
            "assumption", "network_edges", len(edges),
            f"Zero sequence of lines: R0 = R1 + 3 x {model.EARTH_R_OHM_PER_MILE:g} ohm per mile (earth return), "
            f"X0 = {model.X0_PER_X1:g} X1; conductors transposed.",
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
            f"The impedance per mile of {count} edges departs by more than {SAME:.0%} (up to {away.max():.0%}) from the "
            f"median of their conductor: {taken}.",
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
        apart = (edges["length_miles"] - edges["length_ft"] / model.FT_PER_MILE).abs()
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
            f"{len(ends)} last segments of feeders are marked open. Where a tie hangs on the end ({int(with_tie.sum())}), "
            f"the segment is a closed conductor and the tie's switch the open point; the others stay open.",
        )  # fmt: skip
    wires = touching[touching["status"].eq("open")]
    point = wires["from_node_id"].where(wires["from_node_id"].isin(points), wires["to_node_id"])
    whole = point.value_counts().eq(2)
    if whole.any():
        yield Note(
            "derived", "network_edges", int(2 * whole.sum()),
            f"Both edges of {int(whole.sum())} tie points are marked open: they are closed conductors, and one open switch "
            "stands in the point (line TIE between TIE and TIE_b).",
        )  # fmt: skip


def _coordinates(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    nodes = utility["network_nodes"]
    without = nodes.loc[nodes["latitude"].isna() | nodes["longitude"].isna(), "node_id"]
    if len(without):
        yield Note(
            "warning", "network_nodes", len(without), f"{len(without)} nodes have no coordinates ({some(without)})."
        )


# -- loads, customers, plants -------------------------------------------------------

_HOW = {
    "peak": "the peak_kw of their customers",
    "kva": "the kVA of service transformers with customers",
    "demand": "the contracted demand of their customers",
}


def _loads(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    how = model.allocation(utility, settings)
    customers, transformers = utility["customers"], utility["transformers"].set_index("transformer_id")
    kw = model.load_kw(utility, settings)
    if how == "peak":
        total = kw.groupby(kw.index.to_series().map(transformers["feeder_id"])).sum() / 1000.0
        peak = utility["feeders"].set_index("feeder_id")["peak_load_mw"]
        odd = peak.index[(total.reindex(peak.index).fillna(0.0) - peak).abs() > 0.01 * peak + 0.06]
        if len(odd):
            yield Note(
                "warning", "feeders", len(odd),
                f"peak_load_mw of {len(odd)} feeders is not the sum of their customers' peak_kw ({some(odd)}): "
                "the latter is used.",
            )  # fmt: skip
        text = "Every load is the sum of its customers' peak_kw."
    else:
        text = f"Every feeder's peak_load_mw is shared out by {_HOW[how]}."
    yield Note(
        "assumption", "feeders", len(utility["feeders"]),
        f"{text} Constant power at power factor {settings.power_factor:g} lagging, divided equally over the phases, "
        "all feeders at their peak at once.",
    )  # fmt: skip
    yield Note(
        "omitted", "transformers", len(transformers),
        "Service transformers and what lies behind them are not modelled: loads and plants stand at the primary node.",
    )  # fmt: skip
    kva = kw / settings.power_factor
    over = kva.index[kva > kw.index.to_series().map(transformers["kva_rating"]) * (1 + 1e-9)]
    if len(over):
        yield Note(
            "warning", "transformers", len(over),
            f"{len(over)} service transformers carry more than their kVA at peak ({some(over)}).",
        )  # fmt: skip
    without = [name for name in transformers.index if name not in kw.index]
    if without:
        yield Note(
            "derived",
            "transformers",
            len(without),
            f"{len(without)} transformers without customers have no load ({some(without)}).",
        )
    none = customers.loc[customers["contracted_demand_kw"] == 0, "customer_id"]
    if len(none):
        yield Note(
            "warning", "customers", len(none), f"The contracted demand of {len(none)} customers is 0 kW ({some(none)})."
        )


def _classes(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    customers = utility["customers"]
    other = customers[~customers["customer_type"].str.lower().isin(model.CLASSES)]
    if len(other):
        listed = some(sorted(other["customer_type"].unique()))
        yield Note(
            "derived",
            "customers",
            len(other),
            f"{len(other)} customers of type {listed} are counted as {model.OTHER_CLASS}.",
        )
    for column in ("feeder_id", "substation_id"):
        if column in customers:
            true = customers["transformer_id"].map(utility["transformers"].set_index("transformer_id")[column])
            odd = customers.loc[(customers[column] != true) & (customers[column] != ""), "customer_id"]
            if len(odd):
                yield Note(
                    "warning", "customers", len(odd),
                    f"The {column} of {len(odd)} customers is not their transformer's ({some(odd)}): the latter counts.",
                )  # fmt: skip


def _plants(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    solar = utility["solar_installations"]
    running = model.in_service(solar)
    if len(solar):
        peak_mw = utility["feeders"]["peak_load_mw"].sum()
        mw = solar.loc[running, "capacity_kw"].sum() / 1000.0
        yield Note(
            "assumption", "solar_installations", int(running.sum()),
            f"{mw:.1f} MW of solar in service against {peak_mw:.1f} MW of peak load, at power factor 1; the model holds it "
            "at full sun (generation_scale 1), the figures below are for the peak after sunset (generation_scale 0).",
        )  # fmt: skip
    for name in ("solar_installations", "battery_installations", "ev_chargers"):
        off = int((~model.in_service(utility[name])).sum())
        if off:
            yield Note("omitted", name, off, f"{off} rows are not in service by their status.")
    batteries = utility["battery_installations"]
    if len(batteries):
        yield Note(
            "derived", "battery_installations", int(model.in_service(batteries).sum()),
            "Storage is declared off in candidates.dss, summed by service transformer; "
            + (
                "the plants of der_zones can form a grid."
                if len(utility["der_zones"])
                else "the largest three-phase one of each feeder is given a grid-forming source (assumed)."
            ),
        )  # fmt: skip
    if len(utility["ev_chargers"]):
        yield Note(
            "assumption", "ev_chargers", len(utility["ev_chargers"]),
            "Chargers are part of the feeders' peaks: no load of their own.",
        )  # fmt: skip


# -- devices ------------------------------------------------------------------------


def _switches(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    switches, edges = utility["switches"], utility["network_edges"]
    if len(switches):
        key = pairs(*(switches[bus].str.removeprefix(BUS_PREFIX) for bus in ("bus1", "bus2")))
        status = pd.Series(edges["status"].to_numpy(), index=pairs(edges["from_node_id"], edges["to_node_id"]))
        status = status[~status.index.duplicated()]
        said_open = switches["normally_open"].str.lower().isin(TRUE).to_numpy()
        odd = switches.loc[said_open & key.map(status).eq("closed").to_numpy(), "switch_id"]
        if len(odd):
            yield Note(
                "warning", "switches", len(odd),
                f"{len(odd)} switches are normally open on edges that network_edges has closed "
                f"({some(odd)}): taken as closed, for open they would cut customers off.",
            )  # fmt: skip
        odd = switches.loc[~said_open & key.map(status).eq("open").to_numpy(), "switch_id"]
        if len(odd):
            yield Note(
                "warning", "switches", len(odd),
                f"{len(odd)} switches are normally closed on edges that are open ({some(odd)}): taken as open.",
            )  # fmt: skip
    else:
        yield Note(
            "derived", "switches", 0,
            "There is no switch table: breakers, fuses, reclosers, sectionalisers and ties are read from the node types; "
            "breakers and reclosers are taken as remote, all others as manual.",
        )  # fmt: skip
    if utility["crew_dispatch"].empty:
        yield Note("assumption", "switches", 0, "There are no crew records: travel times are left to the study.")


def _substation_transformers(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    table = utility["substations"]
    several = int((table["num_transformers"] > 1).sum()) if "num_transformers" in table else 0
    units = f" {several} of them have several units, which are one of their total rating here." if several else ""
    yield Note(
        "assumption", "substations", len(table),
        f"Substation transformers: delta-wye, reactance {model.TRANSFORMER_X_PERCENT:g} %, load losses "
        f"{model.TRANSFORMER_LOSS_PERCENT:g} % on rated_capacity_mva; tap changer of +-10 % that holds "
        f"{model.BUS_PU:g} pu; stiff source at 1.0 pu before it.{units}",
    )  # fmt: skip


# -- records ------------------------------------------------------------------------


def _outages(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    for name in ("outage_history", "outage_events"):
        table = utility[name]
        if table.empty:
            continue
        start, end = (
            pd.to_datetime(table[c], errors="coerce", format="mixed") for c in ("fault_detected", "service_restored")
        )
        hours = (end - start).dt.total_seconds() / 3600.0
        long = int((hours > LONG_OUTAGE_H).sum())
        if long:
            yield Note(
                "warning", name, long,
                f"{long} of {len(table)} outages last more than {LONG_OUTAGE_H:g} h (up to {hours.max():.0f} h): "
                "durations that storm studies should not trust.",
            )  # fmt: skip
        wrong = int((~(hours > 0)).sum())
        if wrong:
            yield Note(
                "warning", name, wrong, f"{wrong} outages have no duration: their times are missing or backwards."
            )
        if "duration_hours" in table:
            differ = int(((hours - table["duration_hours"]).abs() > 0.05).sum())
            if differ:
                yield Note(
                    "warning", name, differ, f"duration_hours of {differ} outages is not the time between their stamps."
                )
        if "affected_customers" in table and name == "outage_history":
            most = table["feeder_id"].map(_customers_per_feeder(utility))
            odd = int((table["affected_customers"] > most).sum())
            if odd:
                yield Note("warning", name, odd, f"{odd} outages interrupt more customers than their feeder has.")


def _customers_per_feeder(utility: Utility) -> pd.Series:
    named = utility["customers"]["transformer_id"].map(utility["transformers"].set_index("transformer_id")["feeder_id"])
    return named.value_counts()


def _conditions(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    table = utility["asset_condition"]
    if "condition_score" in table and len(table) and (scores := table["condition_score"].dropna()).max() > 1:
        yield Note(
            "warning", "asset_condition", len(scores),
            f"condition_score runs from {scores.min():g} to {scores.max():g}, not from 0 to 1.",
        )  # fmt: skip


def _absent(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    missing = [name for name, table in SCHEMA.items() if not table.required and name not in utility.paths]
    if missing:
        yield Note("omitted", "", len(missing), f"Optional tables that are not there: {', '.join(missing)}.")


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
    _loads,
    _classes,
    _plants,
    _switches,
    _substation_transformers,
    _outages,
    _conditions,
    _absent,
)
