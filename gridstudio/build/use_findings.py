"""What is remarkable about loads, customers, plants, devices and records; one small rule each."""

from collections.abc import Iterator

import pandas as pd

from gridstudio.build import opendss, sites
from gridstudio.build.notes import Note
from gridstudio.build.schema import BUS_PREFIX, SCHEMA
from gridstudio.build.settings import ImportSettings
from gridstudio.build.tables import TRUE, Utility, pairs, some

LONG_OUTAGE_H = 24.0


# -- loads, customers, plants -------------------------------------------------------

_HOW = {
    "peak": "the peak_kw of their customers",
    "kva": "the kVA of service transformers with customers",
    "demand": "the contracted demand of their customers",
}


def _loads(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    how = sites.allocation(utility, settings)
    customers, transformers = utility["customers"], utility["transformers"].set_index("transformer_id")
    kw = sites.load_kw(utility, settings)
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
    other = customers[~customers["customer_type"].str.lower().isin(sites.CLASSES)]
    if len(other):
        listed = some(sorted(other["customer_type"].unique()))
        yield Note(
            "derived",
            "customers",
            len(other),
            f"{len(other)} customers of type {listed} are counted as {sites.OTHER_CLASS}.",
        )
    for column in ("feeder_id", "substation_id"):
        if column in customers:
            true = customers["transformer_id"].map(utility["transformers"].set_index("transformer_id")[column])
            odd = customers.loc[(customers[column] != true) & (customers[column] != ""), "customer_id"]
            if len(odd):
                yield Note(
                    "warning", "customers", len(odd),
                    f"The {column} of {len(odd)} customers is not their transformer's ({some(odd)}): "
                    "the latter counts.",
                )  # fmt: skip


def _plants(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    solar = utility["solar_installations"]
    running = sites.in_service(solar)
    if len(solar):
        peak_mw = utility["feeders"]["peak_load_mw"].sum()
        mw = solar.loc[running, "capacity_kw"].sum() / 1000.0
        yield Note(
            "assumption", "solar_installations", int(running.sum()),
            f"{mw:.1f} MW of solar in service against {peak_mw:.1f} MW of peak load, at power factor 1; the model "
            "holds it at full sun (generation_scale 1), the figures of the models are for the peak after sunset "
            "(generation_scale 0).",
        )  # fmt: skip
    for name in ("solar_installations", "battery_installations", "ev_chargers"):
        off = int((~sites.in_service(utility[name])).sum())
        if off:
            yield Note("omitted", name, off, f"{off} rows are not in service by their status.")
    batteries = utility["battery_installations"]
    if len(batteries):
        yield Note(
            "derived", "battery_installations", int(sites.in_service(batteries).sum()),
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
            "There is no switch table: breakers, fuses, reclosers, sectionalisers and ties are read from the node "
            "types; breakers and reclosers are taken as remote, all others as manual.",
        )  # fmt: skip
    if utility["crew_dispatch"].empty:
        yield Note("assumption", "switches", 0, "There are no crew records: travel times are left to the study.")


def _substation_transformers(utility: Utility, settings: ImportSettings) -> Iterator[Note]:
    table = utility["substations"]
    several = int((table["num_transformers"] > 1).sum()) if "num_transformers" in table else 0
    units = f" {several} of them have several units, which are one of their total rating here." if several else ""
    yield Note(
        "assumption", "substations", len(table),
        f"Substation transformers: delta-wye, reactance {opendss.TRANSFORMER_X_PERCENT:g} %, load losses "
        f"{opendss.TRANSFORMER_LOSS_PERCENT:g} % on rated_capacity_mva; tap changer of +-10 % that holds "
        f"{opendss.BUS_PU:g} pu; stiff source at 1.0 pu before it.{units}",
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
    _loads,
    _classes,
    _plants,
    _switches,
    _substation_transformers,
    _outages,
    _conditions,
    _absent,
)
