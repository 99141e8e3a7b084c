"""What is wrong with a circuit, told before its numbers are trusted: one small rule each."""

from collections.abc import Iterable
from typing import Literal

import pandas as pd

from gridstudio.domain.network import Finding, Network


def findings(network: Network) -> list[Finding]:
    """All that is wrong with the tables of a circuit; one small rule each, errors first."""
    rules = (
        _no_source,
        _dead_loads,
        _half_dead_loads,
        _no_voltage_base,
        _bad_lengths,
        _unknown_lengths,
        _phase_mismatch,
        _named_twice,
        _opened_in_vain,
        _no_rating,
        _no_coordinates,
    )
    found = [finding for rule in rules for finding in rule(network)]
    return sorted(found, key=lambda finding: finding.severity != "error")


def _some(names: Iterable[object], most: int = 5) -> str:
    listed = [str(name) for name in names]
    shown = ", ".join(listed[:most])
    return f"{shown} and {len(listed) - most} more" if len(listed) > most else shown


def _no_source(network: Network) -> Iterable[Finding]:
    if not network.sources:
        yield Finding("error", f"The circuit {network.name!r} has no voltage source in service.")


def load_nodes(network: Network, column: str) -> pd.DataFrame:
    """load, node (of its phases), and ``column`` of ``network.nodes`` there (NaN where the bus has no such node)."""
    table = network.loads[["load", "bus"]].assign(node=network.loads["nodes"].str.split(".")).explode("node")
    table["node"] = pd.to_numeric(table["node"])
    known = network.nodes.set_index(["bus", "phase"])[column]
    return table.join(known, on=["bus", "node"])


def _dead_loads(network: Network) -> Iterable[Finding]:
    loads = network.loads
    if loads.empty:
        yield Finding("error", f"The circuit {network.name!r} has no enabled load.")
        return
    reachable = load_nodes(network, "reachable").groupby("load")["reachable"].any()
    fed = load_nodes(network, "fed").groupby("load")["fed"].any()
    never = loads[~loads["load"].map(reachable)]
    if len(never):
        yield Finding(
            "error",
            f"No source feeds {len(never)} of {len(loads)} loads ({_some(never['load'])}): "
            f"no line connects bus {never['bus'].iloc[0]} to a source.",
        )
    opened = loads[loads["load"].map(reachable) & ~loads["load"].map(fed)]
    if len(opened):
        severity: Literal["error", "warning"] = "error" if len(opened) == len(loads) else "warning"
        yield Finding(
            severity, f"Open switches leave {len(opened)} of {len(loads)} loads dead ({_some(opened['load'])})."
        )


def _half_dead_loads(network: Network) -> Iterable[Finding]:
    """Loads on phases that do not reach their bus: OpenDSS adds the node and leaves it without voltage."""
    table = load_nodes(network, "reachable")
    some = table.groupby("load")["reachable"].transform("any")
    missing = table[some & ~table["reachable"].astype(bool) & (table["node"] <= 3)]
    if len(missing):
        listed = [f"load {row.load} at {row.bus}.{row.node}" for row in missing.itertuples()]
        yield Finding("error", f"Loads on a phase that no line brings to their bus: {_some(listed, 3)}.")


def _no_voltage_base(network: Network) -> Iterable[Finding]:
    if (network.lines["length"] == 0).any():
        return  # OpenDSS calculates no bases then: told once, by its cause
    without = network.buses.loc[~(network.buses["base_kv"] > 0), "bus"]
    if len(without):
        yield Finding(
            "error",
            f"{len(without)} buses have no voltage base ({_some(without)}): "
            "add 'set voltagebases=[...]' and 'calcvoltagebases' to the master file.",
        )


def _bad_lengths(network: Network) -> Iterable[Finding]:
    bad = network.lines[~(network.lines["length"] > 0)]
    if len(bad):
        first = bad.iloc[0]
        yield Finding(
            "error",
            f"{len(bad)} lines have a zero or negative length ({_some(bad['line'])}; "
            f"line {first['line']} has length {first['length']:g}).",
        )


def _unknown_lengths(network: Network) -> Iterable[Finding]:
    unknown = network.lines[network.lines["length_m"].isna() & ~network.lines["is_switch"]]
    if len(unknown):
        yield Finding(
            "warning",
            f"{len(unknown)} lines have no length unit ({_some(unknown['line'])}): "
            "their length in metres is not known.",
        )


def _phase_mismatch(network: Network) -> Iterable[Finding]:
    bad = network.lines.loc[network.lines["misfit"] != "", "misfit"]
    if len(bad):
        yield Finding("warning", f"Phases do not match: {_some(bad, 3)}.")


def _named_twice(network: Network) -> Iterable[Finding]:
    twice = [
        f"{kind} {name}"
        for kind, names in (("line", network.lines["line"]), ("load", network.loads["load"]))
        for name in names[names.duplicated()].unique()
    ]
    if twice:
        yield Finding("error", f"Names that stand for several elements: {_some(twice)}. Names must be unique.")


def _opened_in_vain(network: Network) -> Iterable[Finding]:
    opened = [*network.loads.loc[network.loads["opened"], "load"]]
    opened += [*network.generators.loc[network.generators["opened"], "generator"]]
    if opened:
        yield Finding(
            "warning",
            f"'open' does not take loads and generators out of service in OpenDSS ({_some(opened)}): "
            "they keep their current. Use enabled=no.",
        )


def _no_rating(network: Network) -> Iterable[Finding]:
    lines = network.lines
    without = lines.loc[~lines["has_rating"] & ~lines["is_switch"], "line"]
    if len(without):
        yield Finding(
            "warning",
            f"{len(without)} of {len(lines)} lines have no rating of their own ({_some(without)}): "
            "OpenDSS puts 400 A, which gridstudio does not check. Give normamps, or a catalogue in the study.",
        )


def _no_coordinates(network: Network) -> Iterable[Finding]:
    without = network.buses.loc[network.buses["x"].isna(), "bus"]
    if len(without) == len(network.buses):
        yield Finding("warning", "The circuit has no bus coordinates: maps use a computed layout.")
