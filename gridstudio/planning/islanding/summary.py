"""What the report says in words and headline numbers, and where the numbers came from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.islanding.settings import IslandingSettings
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import provenance as origin
from gridstudio.result import Quantity


def headline(settings: IslandingSettings, made: dict[str, pd.DataFrame], phases: Phases) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read."""
    by_start, trace, zones = made["by_start"], made["trace"], made["zones"]
    found = {
        "zones": Quantity("Zones", len(zones)),
        "customers": Quantity("Customers in them", int(zones["customers"].sum())),
    }
    for hour in settings.islands.start_hours:
        rows = by_start[by_start["start_hour"] == hour]
        able = rows[rows["can_island"]]
        all_load = ", ".join(f"{r.zone} {r.hours_all_load:.1f} h" for r in rows.itertuples())
        found |= {
            f"can_island_{hour:02d}": Quantity(f"Zones that can island at {hour}:00", f"{len(able)} of {len(rows)}"),
            f"customers_{hour:02d}": Quantity(f"Customers served at {hour}:00", int(rows["customers_served"].sum())),
            f"hours_all_load_{hour:02d}": Quantity(f"With all load from {hour}:00", all_load),
            f"hours_with_shedding_{hour:02d}": Quantity(
                f"With shedding from {hour}:00",
                ", ".join(f"{r.zone} {r.hours_with_shedding:.0f} h" for r in rows.itertuples()),
            ),
            f"energy_not_served_{hour:02d}_kwh": Quantity(
                f"Not served within {settings.islands.hours} h from {hour}:00",
                float(rows["energy_not_served_kwh"].sum()),
                "kWh",
            ),
        }
    found["power_flows"] = Quantity("Power flows solved", sum(phases.power_flows.values()))
    found["not_converged"] = Quantity("Not converged", sum(phases.not_converged.values()))
    found["not_proven"] = Quantity("Hours not proven best", int((~trace["proven"]).sum()))
    return found


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    return pd.DataFrame([(f.severity, f.text) for f in findings], columns=["severity", "text"])


def assumptions(settings: IslandingSettings, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    islands, limits = settings.islands, settings.limits
    rows = [
        ("Quick run", "The named start hours only, not the whole day.") if quick else None,
        (
            "Island",
            "The zone's boundary lines are open, its grid-forming source is in service and every other source of the "
            "circuit is out of service: a power flow of OpenDSS for each hour.",
        ),
        (
            "Controls",
            "Every hour starts from the regulator taps and capacitor steps of the circuit as it stands today."
            if settings.feeder.controls == "static"
            else "Regulators and capacitor controls do not act.",
        ),
        (
            "Load",
            "Published kW and kvar times the shape of the customers' class at that hour (by customers where a load has "
            "several classes); loads are steady within the hour, without cold load pickup.",
        ),
        (
            "PV",
            "PV follows the solar shape by the hour of the day. Its surplus charges the storage up to its kW and its "
            "energy; the rest is curtailed, behind the inverter first.",
        ),
        (
            "Storage",
            "Its power is the source's, less the PV behind the same inverter. It starts at initial_soc, stays above "
            "reserve_soc and loses by its efficiencies.",
        ),
        (
            "Inverter",
            "kVA and every phase's current are read from the power flow. Without phase_current_max_a a phase may carry "
            "its share of the rating at nominal voltage.",
        ),
        (
            "Limits",
            f"Voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu; lines up to {limits.loading_max_pu:g} of their "
            "rating"
            + (f", transformers up to {limits.transformer_loading_max_pu:g}." if limits.check_transformers else "."),
        ),
        (
            "Shedding",
            f"Most {'customers' if islands.maximise == 'customers' else 'kW'} of priority 1, then of 2, and so on; "
            "optimised hour by hour, without looking ahead: energy is not saved for later hours. Every selection is "
            "confirmed by power flow.",
        ),
        (
            "Restart",
            "A zone that went dark starts again when sun or storage allow it."
            if islands.restart
            else "A zone that went dark stays dark.",
        ),
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def provenance(settings: IslandingSettings, folder: Path, phases: Phases, quick: bool) -> dict[str, Any]:
    """Where the result came from."""
    return origin(settings.feeder, (settings.customers, settings.shapes.table), folder, phases, None, quick)
