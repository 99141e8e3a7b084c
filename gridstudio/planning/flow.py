"""One power flow of a circuit as it stands, checked against limits: the quick look before any study."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio import engine
from gridstudio.domain.changes import BASE
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.evaluation import Evaluation, evaluate
from gridstudio.result import Quantity, StudyResult

JOB = "flow"
FEW_SERVED = 0.7  # of the nominal load: below, constant-power loads have turned into impedances


def run(master: Path, commands: tuple[str, ...], load_scale: float, limits: Limits) -> StudyResult:
    """Solve ``master`` with all loads at ``load_scale`` times their published values.

    Tables: voltages (bus, phase, base_kv, v_pu, distance_km), loadings (element, kind, bus1, bus2, current_a,
    ampacity_a, loading_pu), violations (kind, element, phase, value, limit, unit), network_buses, network_branches,
    findings (severity, text).
    """
    feeder = Feeder(master.stem, master, commands)
    done = evaluate(feeder, BASE, Scenario(load_scale=(load_scale,)), limits)
    with engine.borrow(feeder) as session:
        found = session.findings
    network = done.network
    nodes = network.nodes[["bus", "phase", "base_kv"]].assign(v_pu=done.flow.v_pu[0])
    nodes["distance_km"] = nodes["bus"].map(network.buses.set_index("bus")["distance_km"])
    branches = network.branches
    loadings = branches[["element", "kind", "bus1", "bus2"]].assign(
        current_a=done.branch_current_a[0], ampacity_a=branches["ampacity_a"], loading_pu=done.loading_pu[0]
    )
    violations = done.violations().drop(columns=["scenario", "step"])
    return StudyResult(
        job=JOB,
        title=f"Power flow of {network.name}",
        settings={"master": master.name, "load_scale": load_scale, "limits": vars(limits).copy()},
        headline=_headline(done, nodes[network.nodes["fed"]], loadings, load_scale),
        tables={
            "voltages": nodes,
            "loadings": loadings,
            "violations": violations,
            "network_buses": network.buses,
            "network_branches": network_branches(network),
            "findings": pd.DataFrame([(f.severity, f.text) for f in found], columns=["severity", "text"]),
        },
        violations_left=len(violations),
        provenance={
            "versions": {"engine": engine.version()},
            "inputs": {
                Path(os.path.relpath(path, master.parent)).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in engine.source_files(master, commands)
            },
            "power_flows": 1,
            "not_converged": int((~done.flow.converged).sum()),
        },
    )


def network_branches(network: Network) -> pd.DataFrame:
    """element, kind, name, bus1, bus2, phases, length_m, is_switch, closed, conductor (the line code), ampacity_a."""
    lines = network.lines.set_index("line")
    table = network.branches[["element", "kind", "name", "bus1", "bus2", "phases"]].copy()
    is_line = table["kind"].eq("line")
    for column, missing in (("length_m", np.nan), ("is_switch", False), ("closed", True), ("line_code", "")):
        values = table["name"].where(is_line).map(lines[column])
        table[column] = [v if known and pd.notna(v) else missing for v, known in zip(values, is_line, strict=True)]
    table["ampacity_a"] = network.branches["ampacity_a"]
    return table.rename(columns={"line_code": "conductor"})


def _headline(done: Evaluation, fed: pd.DataFrame, loadings: pd.DataFrame, load_scale: float) -> dict[str, Quantity]:
    flow, network = done.flow[0], done.network
    if not done.flow.converged[0]:
        return {"converged": Quantity("Converged", "no")}
    nominal_kw = float(network.loads["kw"].sum()) * load_scale
    headline = {
        "buses": Quantity("Buses", len(network.buses)),
        "source_kw": Quantity("Source power", float(flow.source_kw), "kW"),
        "source_kvar": Quantity("Source reactive power", float(flow.source_kvar), "kvar"),
        "served_kw": Quantity("Served", float(flow.served_kw), "kW"),
        "nominal_kw": Quantity("Nominal load", nominal_kw, "kW"),
        "losses_kw": Quantity("Losses", float(flow.losses_kw), "kW"),
    }
    if len(network.generators):
        generation_kw = float(flow.served_kw + flow.losses_kw - flow.source_kw)
        headline["generation_kw"] = Quantity("Generation and storage", generation_kw, "kW")
    if float(flow.served_kw) < FEW_SERVED * nominal_kw:
        headline["collapsed"] = Quantity("Attention", "much of the load is not served at these voltages")
    for name, label, row in (
        ("v_min_pu", "Lowest voltage to neutral", fed.loc[fed["v_pu"].idxmin()]),
        ("v_max_pu", "Highest voltage to neutral", fed.loc[fed["v_pu"].idxmax()]),
    ):
        headline[name] = Quantity(f"{label}, at {row['bus']}.{row['phase']}", float(row["v_pu"]), "pu")
    rated = loadings.dropna(subset="loading_pu")
    if len(rated):
        worst = rated.loc[rated["loading_pu"].idxmax()]
        headline["loading_max_pu"] = Quantity(
            f"Highest loading, {worst['element']} ({worst['current_a']:.0f} of {worst['ampacity_a']:.0f} A)",
            float(worst["loading_pu"]),
            "pu",
        )
    return headline
