"""Who is supplied by which load: the table of customers, or an assumption from kW."""

from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.domain.network import Network
from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError

CLASSES = ("residential", "commercial", "industrial")
COLUMNS = ("load", "customers", "class")
MOST_TOLD = 20  # findings of one table


def read_customers(path: Path, network: Network) -> pd.DataFrame:
    """load, customers, class, kw (the load's, shared by customers among its classes); InputError with all findings."""
    table = read_table(path, "table of customers", COLUMNS)
    table["load"] = table["load"].str.strip().str.lower()
    table["class"] = table["class"].str.strip()
    table["customers"] = pd.to_numeric(table["customers"], errors="coerce")
    known = set(network.loads["load"])
    wrong = [
        f"Customers are mapped to load {load!r}, which the circuit has not."
        for load in table["load"].drop_duplicates()
        if load not in known
    ]
    twice = table.loc[table.duplicated(["load", "class"]), ["load", "class"]].drop_duplicates()
    wrong += [
        f"Customers of load {load!r}, class {kind!r}, are mapped twice."
        for load, kind in twice.itertuples(index=False, name=None)
    ]
    wrong += [
        f"Load {load!r} has customers of class {kind!r}; known classes are {', '.join(CLASSES)}."
        for load, kind in table[["load", "class"]].itertuples(index=False, name=None)
        if kind not in CLASSES
    ]
    wrong += [
        f"Load {load!r}: its number of customers is not a number of 0 or more."
        for load in table.loc[~(table["customers"] >= 0) | np.isinf(table["customers"]), "load"]
    ]
    if not wrong and not table["customers"].sum() > 0:
        wrong.append("no load has a customer.")
    if wrong:
        more = [f"and {len(wrong) - MOST_TOLD} more."] if len(wrong) > MOST_TOLD else []
        raise InputError.from_findings(str(path), wrong[:MOST_TOLD] + more)
    return _with_kw(table[list(COLUMNS)], network)


def assumed_customers(network: Network, kw_per_customer: float) -> pd.DataFrame:
    """One residential customer per ``kw_per_customer`` of each load, at least one; columns as ``read_customers``."""
    loads = network.loads
    count = np.maximum(1.0, np.rint(loads["kw"].to_numpy() / kw_per_customer))
    table = pd.DataFrame({"load": loads["load"], "customers": np.where(loads["kw"] > 0, count, 0.0)})
    return _with_kw(table.assign(**{"class": "residential"}), network)


def _with_kw(table: pd.DataFrame, network: Network) -> pd.DataFrame:
    kw = dict(zip(network.loads["load"], network.loads["kw"], strict=True))
    whole = table.groupby("load")["customers"].transform("sum")
    share = table["customers"] / whole.where(whole > 0, 1.0)
    return table.assign(kw=table["load"].map(kw) * share)
