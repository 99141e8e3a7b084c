"""What stands at the service transformers: loads, customers, solar and storage."""

import math
from collections.abc import Sequence

import pandas as pd

from gridstudio.build.network import node_text
from gridstudio.build.settings import Allocation, ImportSettings
from gridstudio.build.tables import Utility
from gridstudio.errors import InputError

CLASSES = ("residential", "commercial", "industrial")
OTHER_CLASS = "commercial"  # municipal and other customers
IN_SERVICE = ("active", "in service", "")


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
            "nodes": node_text(table["phase"]),
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


def loads_of(utility: Utility, settings: ImportSettings, substations: Sequence[str]) -> pd.DataFrame:
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


def plants_of(utility: Utility, substations: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
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
    """Inverter kVA of storage that can form a grid, else 0: plants of zones, or the largest three-phase ones."""
    zones = utility["der_zones"].drop_duplicates("node_id").set_index("node_id")["inverter_kva"]
    if len(zones):
        return storage.index.to_series().map(zones).fillna(0.0)
    largest = storage[storage["phases"] == 3].groupby("feeder", sort=True)["kw"].idxmax()
    return storage["kw"].where(storage.index.isin(set(largest)), 0.0)


def customer_class(customers: pd.DataFrame) -> pd.Series:
    """residential, commercial or industrial; all others are commercial."""
    named = customers["customer_type"].str.lower()
    return named.where(named.isin(CLASSES), OTHER_CLASS)


def customers_of(utility: Utility, loads: pd.DataFrame) -> pd.DataFrame:
    customers = utility["customers"]
    table = pd.DataFrame({"load": customers["transformer_id"].str.lower(), "class": customer_class(customers)})
    table = table[table["load"].isin(loads["load"])].groupby(["load", "class"], sort=True).size().rename("customers")
    return table.reset_index()[["load", "customers", "class"]]
