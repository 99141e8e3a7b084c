"""What the engine says of a model: one solved row per model, its overloads, and its README."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio import engine
from gridstudio.build.model import Circuit
from gridstudio.domain.changes import BASE
from gridstudio.domain.findings import load_nodes
from gridstudio.domain.limits import Limits
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.evaluation import Evaluation, evaluate_many

AT_PEAK = Scenario("peak after sunset", generation_scale=(0.0,))
IN_SUN = Scenario("peak load at full sun", generation_scale=(1.0,))
OVERLOAD_COLUMNS = ["model", "element", "kind", "feeder", "current_a", "ampacity_a", "loading_pu"]


@dataclass(frozen=True, eq=False)
class Solved:
    """One model: its row of figures, its overloads (``OVERLOAD_COLUMNS``), and what its circuit is remarked for."""

    row: dict[str, Any]
    overloads: pd.DataFrame
    findings: tuple[str, ...]
    power_flows: int
    not_converged: int


def solve(circuit: Circuit, folder: Path, limits: Limits) -> Solved:
    """Compile and solve the model written to ``folder``, at peak without and with sun. InputError if it cannot be.

    Row: model, substations, buses, nodes, lines, transformers (of substations), loads, customers, devices, ties,
    load_mw, served_mw, losses_mw, losses_percent, v_min_pu, v_min_bus, low_nodes, overloads, worst_loading_pu,
    worst_element, transformer_loading_pu, energised (every load has voltage), radial, converged, sun_source_mw,
    sun_v_max_pu. All but the last two are at ``AT_PEAK``.
    """
    feeder = Feeder(circuit.name, folder / "master.dss")
    done = evaluate_many(feeder, [(BASE, AT_PEAK), (BASE, IN_SUN)], limits)
    with engine.borrow(feeder) as session:
        remarks = tuple(finding.text for finding in session.findings)
    at_peak, in_sun = done[0], done[1]
    row = _size(circuit, at_peak) | _figures(at_peak) | {
        "sun_source_mw": float(in_sun.flow.source_kw[0]) / 1000.0,
        "sun_v_max_pu": float(in_sun.flow.v_pu[0].max()),
    }  # fmt: skip
    return Solved(row, _overloads(circuit, at_peak), remarks, done.solves, done.not_converged)


def _size(circuit: Circuit, done: Evaluation) -> dict[str, Any]:
    network = done.network
    return {
        "model": circuit.name,
        "substations": ", ".join(circuit.substations),
        "buses": len(network.buses),
        "nodes": len(network.nodes),
        "lines": len(network.lines),
        "transformers": len(network.transformers),
        "loads": len(network.loads),
        "customers": int(circuit.customers["customers"].sum()),
        "devices": len(circuit.devices),
        "ties": int(circuit.devices["normally_open"].eq("true").sum()),
        "load_mw": float(network.loads["kw"].sum()) / 1000.0,
    }


def _figures(done: Evaluation) -> dict[str, Any]:
    network, flow = done.network, done.flow
    v_pu = np.where(network.nodes["fed"], flow.v_pu[0], np.nan)
    loading = done.loading_pu[0]
    converged = bool(flow.converged[0])
    lowest = int(np.nanargmin(v_pu)) if converged else 0
    worst = int(np.nanargmax(loading)) if converged else 0
    transformer = network.branches["kind"].eq("transformer").to_numpy()
    return {
        "served_mw": float(flow.served_kw[0]) / 1000.0,
        "losses_mw": float(flow.losses_kw[0]) / 1000.0,
        "losses_percent": 100.0 * float(flow.losses_kw[0]) / float(flow.source_kw[0]),
        "v_min_pu": float(v_pu[lowest]),
        "v_min_bus": str(network.nodes["bus"].iat[lowest]),
        "low_nodes": int(done.verdict.low[0].sum()),
        "overloads": int(done.verdict.overloaded[0].sum()),
        "worst_loading_pu": float(loading[worst]),
        "worst_element": str(network.branches["element"].iat[worst]),
        "transformer_loading_pu": float(loading[transformer].max()) if transformer.any() else np.nan,
        "energised": converged and _energised(done),
        "radial": not network.loops(),
        "converged": converged,
    }


def _energised(done: Evaluation) -> bool:
    """Whether every phase of every load has voltage."""
    network = done.network
    known = replace(network, nodes=network.nodes.assign(v_pu=done.flow.v_pu[0]))
    return bool((load_nodes(known, "v_pu")["v_pu"] >= done.limits.dead_pu).all())


def _overloads(circuit: Circuit, done: Evaluation) -> pd.DataFrame:
    """Elements above their rating at peak, the worst first."""
    branches = done.network.branches
    table = branches[["element", "kind", "name", "ampacity_a"]].assign(
        model=circuit.name, current_a=done.branch_current_a[0], loading_pu=done.loading_pu[0]
    )
    feeder = dict(zip(circuit.lines["line"], circuit.lines["feeder"], strict=True))
    table["feeder"] = [
        feeder.get(name, "") if kind == "line" else "" for kind, name in zip(table["kind"], table["name"], strict=True)
    ]
    over = table[done.verdict.overloaded[0]].sort_values("loading_pu", ascending=False, kind="stable")
    return over[OVERLOAD_COLUMNS].reset_index(drop=True)


# -- README -----------------------------------------------------------------------


def readme(circuit: Circuit, solved: Solved, notes: pd.DataFrame, origin: str) -> str:
    """The model's README: origin, size, known results, findings."""
    row = solved.row
    stations = (
        f"{s.substation} {s.name}, {s.high_kv:g}/{s.low_kv:g} kV, {s.mva:g} MVA, {s.feeders} feeders"
        for s in circuit.sources.itertuples()
    )
    solar_mw, storage_mw = circuit.solar["kw"].sum() / 1000, circuit.storage["kw"].sum() / 1000
    facts = [
        ("substations", "; ".join(stations)),
        ("size", f"{row['buses']} buses, {row['nodes']} nodes, {row['lines']} lines"),
        ("loads", f"{row['loads']} at service transformers, {row['customers']} customers, {row['load_mw']:.3f} MW"),
        ("solar", f"{len(circuit.solar)} sites, {solar_mw:.2f} MW, in service"),
        ("storage", f"{len(circuit.storage)} sites, {storage_mw:.2f} MW, off (candidates.dss)"),
        ("devices", f"{row['devices']} in devices.csv, {row['ties']} of them normally open"),
    ]
    worst = f"{row['worst_loading_pu']:.2f} of the rating, {row['worst_element']}"
    results = [
        ("source", f"{row['served_mw'] + row['losses_mw']:.3f} MW"),
        ("losses", f"{1000 * row['losses_mw']:.1f} kW ({row['losses_percent']:.1f} %)"),
        ("lowest voltage", f"{row['v_min_pu']:.4f} pu at {row['v_min_bus']}"),
        ("nodes below the voltage limit", str(row["low_nodes"])),
        ("highest loading", worst),
        ("elements above their rating", str(row["overloads"])),
        ("substation transformers", f"{row['transformer_loading_pu']:.2f} of the rating (the highest)"),
        ("every load energised", "yes" if row["energised"] else "no"),
        ("radial", "yes" if row["radial"] else "no"),
        ("at full sun", f"{row['sun_source_mw']:.3f} MW from the source, at most {row['sun_v_max_pu']:.4f} pu"),
    ]
    left_out = (
        f"\n{circuit.ties_left_out} ties lead to substations outside this model and are left out.\n"
        if circuit.ties_left_out
        else ""
    )
    ratings = ", `storage.csv` (ratings)" if len(circuit.storage) else ""
    listed = "\n".join(f"- {n.severity}{f' ({n.table})' if n.table else ''}: {n.text}" for n in notes.itertuples())
    return f"""# {circuit.title}

**Origin.** {origin}

{_table(facts)}
{left_out}
## Known results

At peak load after sunset (generation_scale 0), tap changers active, unless said otherwise:

{_table(results)}

## Files

`master.dss` (load this), `candidates.dss` (storage and grid-forming sources, off), `devices.csv`, `customers.csv`,
`buscoords.csv` (degrees){ratings}. Loads and solar carry the name of their service transformer, lines that of their
edge.

## What was found, assumed, derived and left out

Of the utility as a whole:

{listed}
"""


def _table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
