"""A utility's tables, read and checked: all that makes a model impossible is told in one error.

What is remarkable but can be modelled is no error: see ``findings``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridstudio.build.schema import BUS_PREFIX, SCHEMA, Kind, Table
from gridstudio.errors import InputError

PHASES = {"A": 1, "B": 2, "C": 3}
STATUSES = ("closed", "open")
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")  # in a name of an OpenDSS element
_ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True, eq=False)
class Utility:
    """The tables by name (``schema.SCHEMA``); those that were not given are empty with their columns.

    ``paths``: where each given table was read. Names of nodes, edges and transformers are as in the tables.
    """

    folder: Path
    tables: dict[str, pd.DataFrame]
    paths: dict[str, Path] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def read(folder: Path, extras: Path | None = None) -> Utility:
    """The tables of ``folder`` (each NAME.csv or NAME.csv.gz), and optional ones of ``extras`` and its subfolders.

    InputError with all problems: no such folder, missing tables or columns, unreadable numbers, duplicated or unfit
    names, unknown nodes, feeders and transformers, impossible values, and customers that nothing feeds.
    """
    folder = Path(folder)
    for given in (folder, *((extras,) if extras else ())):
        if not Path(given).is_dir():
            raise InputError(f"There is no folder {given}: name the one with the utility's tables.")
    paths = _find(folder, extras)
    problems = [
        f"the table {name}.csv (or .csv.gz) is missing."
        for name, t in SCHEMA.items()
        if t.required and name not in paths
    ]
    tables = {}
    for name, table in SCHEMA.items():
        frame, wrong = _read(name, table, paths[name]) if name in paths else (_empty(table), [])
        tables[name] = frame
        problems += wrong
    if problems:
        raise InputError.from_findings(str(folder), problems)
    utility = Utility(folder, tables, paths)
    problems = [problem for rule in RULES for problem in rule(utility)]
    if not problems:
        problems = list(_unfed(utility))  # needs a network that hangs together
    if problems:
        raise InputError.from_findings(str(folder), problems)
    return utility


# -- reading ------------------------------------------------------------------


def _find(folder: Path, extras: Path | None) -> dict[str, Path]:
    """The file of every table that is there; ``folder`` itself comes first."""
    found: dict[str, Path] = {}
    for name in SCHEMA:
        places = [folder / f"{name}{ending}" for ending in _ENDINGS]
        if extras and not SCHEMA[name].required:
            wanted = "transformers" if name == "asset_condition" else name
            places += [path for ending in _ENDINGS for path in sorted(Path(extras).rglob(f"{wanted}{ending}"))]
        there = [path for path in places if path.is_file()]
        if there:
            found[name] = there[0]
    return found


def _read(name: str, table: Table, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """A table with its known columns in their types, and what is wrong with them."""
    try:
        raw = pd.read_csv(path, dtype=object, keep_default_na=False, skipinitialspace=True)
    except (OSError, ValueError, EOFError) as error:
        return _empty(table), [f"{path.name} cannot be read: {error}."]
    missing = [column for column in table.needed if column not in raw.columns]
    if missing:
        return _empty(table), [f"{path.name} has no column {', '.join(missing)}."]
    columns = {column: kind for column, kind in (table.needed | table.further).items() if column in raw.columns}
    frame, problems = {}, []
    for column, kind in columns.items():
        frame[column], wrong = _column(raw[column].str.strip(), kind, column in table.needed)
        if len(wrong):
            first = wrong[0]
            problems.append(
                f"{path.name}: {len(wrong)} of {len(raw)} values of {column} are no {_MEANING[kind]} "
                f"(row {first + 2}: {raw[column].iat[first]!r})."
            )
    if table.required and raw.empty:
        problems.append(f"{path.name} has no row.")
    return pd.DataFrame(frame), problems


_MEANING: dict[Kind, str] = {
    "id": "name",
    "text": "text",
    "number": "number",
    "amount": "number of 0 or more",
    "positive": "number above 0",
}


def _column(text: pd.Series, kind: Kind, needed: bool) -> tuple[pd.Series, list[int]]:
    """The values of a column, and the rows where they are impossible. Empty optional numbers are NaN."""
    if kind in ("id", "text"):
        return text, list(np.flatnonzero(text == "")) if kind == "id" else []
    values = pd.to_numeric(text, errors="coerce")
    empty = (text == "").to_numpy()
    with np.errstate(invalid="ignore"):
        possible = np.isfinite(values.to_numpy(float))
        if kind == "amount":
            possible &= values.to_numpy() >= 0
        elif kind == "positive":
            possible &= values.to_numpy() > 0
    may_be_empty = not needed or kind == "number"
    return values.astype(float), list(np.flatnonzero(~possible & ~(empty & may_be_empty)))


def _empty(table: Table) -> pd.DataFrame:
    kinds = table.needed | table.further
    return pd.DataFrame({c: pd.Series(dtype=str if k in ("id", "text") else float) for c, k in kinds.items()})


def some(names: object, most: int = 4) -> str:
    """The first few of many names, for a sentence."""
    listed = [str(name) for name in names]  # type: ignore[attr-defined]
    shown = ", ".join(listed[:most])
    return f"{shown} and {len(listed) - most} more" if len(listed) > most else shown


# -- rules: what makes a model impossible ---------------------------------------


def _duplicated(utility: Utility) -> Iterator[str]:
    for name, table in SCHEMA.items():
        if table.key is None:
            continue
        keys = utility[name][table.key].str.lower()
        twice = keys[keys.duplicated()].unique()
        if len(twice):
            yield f"{name}: {len(twice)} values of {table.key} stand for several rows ({some(twice)})."


def _unfit_names(utility: Utility) -> Iterator[str]:
    for name in ("substations", "feeders", "network_nodes", "network_edges", "transformers", "switches"):
        key = str(SCHEMA[name].key)
        keys = utility[name][key]
        unfit = keys[keys.str.contains(_UNFIT)]
        if len(unfit):
            yield (
                f"{name}: {len(unfit)} values of {key} cannot name an OpenDSS element ({some(unfit)}): "
                "letters, digits, - and _ can."
            )


def _unknown_references(utility: Utility) -> Iterator[str]:
    for name, table in SCHEMA.items():
        frame = utility[name]
        for column, other in table.references.items():
            if column not in frame:
                continue
            known = utility[other][str(SCHEMA[other].key)]
            unknown = frame.loc[~frame[column].isin(known) & (frame[column] != ""), column]
            if len(unknown):
                yield f"{name}: {len(unknown)} rows name a {column} that {other} has not ({some(unknown.unique())})."


def _unknown_switch_ends(utility: Utility) -> Iterator[str]:
    edges, switches = utility["network_edges"], utility["switches"]
    known = pairs(edges["from_node_id"], edges["to_node_id"])
    named = pairs(*(switches[bus].str.removeprefix(BUS_PREFIX) for bus in ("bus1", "bus2")))
    lost = switches.loc[~named.isin(known), "switch_id"]
    if len(lost):
        yield f"switches: {len(lost)} switches stand between nodes that no edge joins ({some(lost)})."
    for column in ("scada_controlled", "normally_open"):
        strange = switches.loc[~switches[column].str.lower().isin(TRUE + FALSE), "switch_id"]
        if len(strange):
            yield f"switches: {column} of {some(strange)} is neither true nor false."
    twice = switches.loc[named.duplicated(), "switch_id"]
    if len(twice):
        yield f"switches: {len(twice)} switches stand on an edge that has one already ({some(twice)})."


def pairs(a: pd.Series, b: pd.Series) -> pd.Series:
    """One text per unordered pair of node names."""
    first = np.where(a < b, a, b)
    second = np.where(a < b, b, a)
    return pd.Series(first, index=a.index).str.cat(pd.Series(second, index=a.index), sep="|")


def _phases(utility: Utility) -> Iterator[str]:
    for name, key in (("network_edges", "edge_id"), ("transformers", "transformer_id")):
        frame = utility[name]
        bad = frame.loc[~frame["phase"].str.fullmatch("A?B?C?") | (frame["phase"] == ""), key]
        if len(bad):
            yield f"{name}: the phase of {len(bad)} rows is none of A, B, C, AB, AC, BC, ABC ({some(bad)})."


def _shared_names(utility: Utility) -> Iterator[str]:
    """Nodes may stand as lines (ties, reclosers) and get twins (NODE_hv, NODE_in, NODE_b), which must be free."""
    nodes = set(utility["network_nodes"]["node_id"].str.lower())
    for name, key in (("network_edges", "edge_id"), ("switches", "switch_id")):
        shared = sorted(nodes & set(utility[name][key].str.lower()))
        if shared:
            yield f"{name}: {len(shared)} values of {key} are also names of nodes ({some(shared)})."
    ends = ("_hv", "_in", "_b")
    twins = sorted(node for node in nodes for end in ends if node.endswith(end) and node.removesuffix(end) in nodes)
    if twins:
        yield f"network_nodes: {some(twins)} would be mistaken for the second bus of the node whose name they extend."


def _edges(utility: Utility) -> Iterator[str]:
    edges = utility["network_edges"]
    strange = edges.loc[~edges["status"].isin(STATUSES), "edge_id"]
    if len(strange):
        yield f"network_edges: the status of {len(strange)} edges is neither closed nor open ({some(strange)})."
    circles = edges.loc[edges["from_node_id"] == edges["to_node_id"], "edge_id"]
    if len(circles):
        yield f"network_edges: {len(circles)} edges join a node with itself ({some(circles)})."


def _substation_nodes(utility: Utility) -> Iterator[str]:
    nodes = utility["network_nodes"]
    there = nodes.loc[nodes["node_type"] == "substation_bus", "node_id"]
    without = utility["substations"].loc[~utility["substations"]["substation_id"].isin(there), "substation_id"]
    if len(without):
        yield (
            f"network_nodes: {len(without)} substations have no node of type substation_bus with their name "
            f"({some(without)})."
        )


def _voltages(utility: Utility) -> Iterator[str]:
    substations = utility["substations"].set_index("substation_id")
    feeders = utility["feeders"]
    low = feeders["substation_id"].map(substations["voltage_low_kv"])
    odd = feeders.loc[(low - feeders["voltage_kv"]).abs() > 1e-6, "feeder_id"]
    if len(odd):
        yield f"feeders: the voltage of {len(odd)} feeders is not their substation's voltage_low_kv ({some(odd)})."
    upside = substations.index[substations["voltage_high_kv"] <= substations["voltage_low_kv"]]
    if len(upside):
        yield f"substations: voltage_high_kv is not above voltage_low_kv at {some(upside)}."
    edges = utility["network_edges"]
    kv = edges["feeder_id"].map(feeders.set_index("feeder_id")["voltage_kv"])
    odd = edges.loc[(kv - edges["nominal_voltage_kv"]).abs() > 1e-6, "edge_id"]
    if len(odd):
        yield f"network_edges: the voltage of {len(odd)} edges is not their feeder's ({some(odd)})."


def _ties(utility: Utility) -> Iterator[str]:
    nodes, edges = utility["network_nodes"], utility["network_edges"]
    ties = nodes.loc[nodes["node_type"] == "tie_switch", "node_id"]
    ends = pd.concat([edges["from_node_id"], edges["to_node_id"]]).value_counts()
    odd = ties[ties.map(ends).fillna(0) != 2]
    if len(odd):
        yield f"network_nodes: {len(odd)} tie switches are not between exactly two edges ({some(odd)})."


RULES = (
    _duplicated,
    _unfit_names,
    _unknown_references,
    _unknown_switch_ends,
    _phases,
    _shared_names,
    _edges,
    _substation_nodes,
    _voltages,
    _ties,
)


def fed_phases(utility: Utility) -> pd.DataFrame:
    """Which phases the closed edges bring to every node: index node_id, columns A, B, C (bool)."""
    nodes, edges = utility["network_nodes"]["node_id"], utility["network_edges"]
    closed = edges[edges["status"] == "closed"]
    place = pd.Series(np.arange(len(nodes)), index=nodes)
    sources = place[utility["substations"]["substation_id"]].to_numpy()
    found = {}
    for phase in PHASES:
        on = closed[closed["phase"].str.contains(phase)]
        a, b = place[on["from_node_id"]].to_numpy(), place[on["to_node_id"]].to_numpy()
        a = np.concatenate([a, np.full(len(sources), len(nodes))])
        b = np.concatenate([b, sources])
        links = coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes) + 1,) * 2)
        _, island = connected_components(links, directed=False)
        found[phase] = island[:-1] == island[-1]
    return pd.DataFrame(found, index=nodes)


def _unfed(utility: Utility) -> Iterator[str]:
    """Transformers on phases that closed edges do not bring to them."""
    transformers = utility["transformers"]
    fed = fed_phases(utility).reindex(transformers["transformer_id"])
    on = np.column_stack([transformers["phase"].str.contains(phase).to_numpy() for phase in PHASES])
    there = fed[list(PHASES)].to_numpy(bool)
    dead = transformers.loc[(on & ~there).any(axis=1), "transformer_id"]
    if len(dead):
        yield (
            f"transformers: no closed edge brings the phases of {len(dead)} transformers from a substation "
            f"({some(dead)})."
        )
