"""What the report says in words and headline numbers, and where the numbers came from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.hosting.settings import HostingSettings
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import provenance as origin
from gridstudio.result import Quantity

NAMES = {"pv": "PV", "ev": "EV charging", "load": "load"}


def headline(settings: HostingSettings, made: dict[str, pd.DataFrame], phases: Phases) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read."""
    found: dict[str, Quantity] = {}
    for device, rows in made["nodal"].groupby("device", sort=False) if "nodal" in made else ():
        name, least = NAMES[str(device)], rows.loc[rows["hosting_kw"].idxmin()]
        most = rows["limit"].value_counts()
        found |= {
            f"{device}_places": Quantity(f"Places asked for {name}", len(rows)),
            f"{device}_least_kw": Quantity(
                f"Least {name}, bus {least['bus']}.{least['nodes']} ({_spoken(least['limit'])})",
                float(least["hosting_kw"]),
                "kW",
            ),
            f"{device}_median_kw": Quantity(f"Median {name} of a place", float(rows["hosting_kw"].median()), "kW"),
            f"{device}_limit": Quantity(
                f"What binds {name} most often", f"{_spoken(most.index[0])}: {most.iloc[0]} of {len(rows)}"
            ),
        }
    for device, rows in made["deployments"].groupby("device", sort=False) if "deployments" in made else ():
        name, never = NAMES[str(device)], int(rows["first_pct"].isna().sum())
        table = made["percentiles"]
        at = table[table["device"] == device].set_index("percentile")["first_pct"]
        words = {p: f"at {at[p]:.0f} % of customers" if np.isfinite(at[p]) else "never" for p in (0, 50)}
        found |= {
            f"{device}_first": Quantity(f"First violation, {name}: worst deployment", words[0]),
            f"{device}_half": Quantity(f"First violation, {name}: median deployment", words[50]),
            f"{device}_never": Quantity(f"Deployments of {name} without violation", f"{never} of {len(rows)}"),
        }
    found["base"] = Quantity("Violations without any device", int(made["hours"]["violations"].sum()))
    found["power_flows"] = Quantity("Power flows solved", sum(phases.power_flows.values()))
    found["not_converged"] = Quantity("Not converged", sum(phases.not_converged.values()))
    return found


def _spoken(limit: object) -> str:
    return str(limit).replace("_", " ")


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    return pd.DataFrame([(f.severity, f.text) for f in findings], columns=["severity", "text"])


def assumptions(settings: HostingSettings, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    limits, nodal, drawn = settings.limits, settings.nodal, settings.stochastic
    rows = [
        ("Quick run", "A coarser search and a tenth of the deployments.") if quick else None,
        (
            "Device",
            "Constant power at all voltages (PV: negative load, unity power factor; no inverter control). It neither "
            "adds a bus nor has a service drop or transformer of its own.",
        ),
        (
            "Hours",
            "; ".join(
                f"{h.name}: load {h.load_scale:g}, PV {h.pv:g}, EV {h.ev:g}, new load {h.load:g} of their size"
                for h in settings.hours
            )
            + ". A size fits if it fits in every hour.",
        ),
        (
            "Controls",
            "Every hour starts from the taps and capacitor steps of the circuit as it stands today; they act."
            if settings.feeder.controls == "static"
            else "Regulators and capacitor controls do not act.",
        ),
        (
            "Limits",
            f"Voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu; lines up to {limits.loading_max_pu:g} of their "
            "rating"
            + (f", transformers up to {limits.transformer_loading_max_pu:g}" if limits.check_transformers else "")
            + (f"; change of voltage up to {limits.deviation_max_pu:g} pu" if limits.deviation_max_pu else "")
            + (
                f"; reverse flow up to {limits.reverse_flow_max_kw:g} kW"
                if limits.reverse_flow_max_kw is not None
                else ""
            )
            + ". What is broken without the device binds only if it gets worse.",
        ),
    ]
    if nodal:
        rows.append(
            (
                "Nodal",
                f"One device alone, up to {nodal.max_kw:g} kW, found to {nodal.tolerance_kw:g} kW. Capacities of two "
                "places cannot be added.",
            )
        )
    if drawn:
        who = drawn.customers.name if drawn.customers else f"one customer per {drawn.kw_per_customer:g} kW of load"
        rows.append(
            (
                "Stochastic",
                f"Customers ({who}) in a random order, {drawn.deployments} deployments, seed {drawn.seed}; PV of "
                f"{drawn.pv_kw[0]:g} to {drawn.pv_kw[1]:g} kW, chargers of {drawn.ev_kw[0]:g} to {drawn.ev_kw[1]:g} "
                "kW, uniform; within a deployment penetrations are nested.",
            )
        )
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def provenance(settings: HostingSettings, folder: Path, phases: Phases, quick: bool) -> dict[str, Any]:
    """Where the result came from."""
    drawn = settings.stochastic
    given, seed = ((drawn.customers,), drawn.seed) if drawn else ((), None)
    return origin(settings.feeder, given, folder, phases, seed, quick)
