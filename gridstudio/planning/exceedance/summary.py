"""What the report says in words and headline numbers, and where the numbers came from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.exceedance.settings import ExceedanceSettings
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import provenance as origin
from gridstudio.result import Quantity

BROKEN = ["branches_over", "buses_low", "buses_high", "buses_dead"]  # columns of the table of hours


def hours_not_clean(hours: pd.DataFrame) -> int:
    """Hours in which something is broken or without voltage, and hours that did not converge: nobody knows of them."""
    return int(((hours[BROKEN] > 0).any(axis=1) | ~hours["converged"]).sum())


def headline(made: dict[str, pd.DataFrame], phases: Phases) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read."""
    hours, branches, buses, devices = (made[name] for name in ("hours", "branches", "buses", "devices"))
    failed = int((~hours["converged"]).sum())
    found = {"not_converged": Quantity("Hours NOT CONVERGED, in no other number", failed)} if failed else {}
    found["hours"] = Quantity("Hours", len(hours))
    found.setdefault("not_converged", Quantity("Hours not converged", 0))
    if not hours["converged"].any():
        return found
    peak = hours.loc[hours["source_kw"].idxmax()]
    energy, losses = float(hours["source_kw"].sum()) / 1000, float(hours["losses_kw"].sum()) / 1000
    found |= {
        "peak_kw": Quantity(f"Peak, {peak['time']}", float(peak["source_kw"]), "kW"),
        "energy_mwh": Quantity("Energy from the source", energy, "MWh"),
        "losses_mwh": Quantity("of it losses", losses, "MWh"),
        "hours_over": Quantity("Hours with an overloaded branch", int((hours["branches_over"] > 0).sum())),
        "branches_over": Quantity("Branches ever overloaded", int((branches["hours_over"] > 0).sum())),
        "energy_over_mwh": Quantity("Energy above ratings", float(branches["energy_over_mwh"].sum()), "MWh"),
        "hours_low": Quantity("Hours with a voltage too low", int((hours["buses_low"] > 0).sum())),
        "hours_high": Quantity("Hours with a voltage too high", int((hours["buses_high"] > 0).sum())),
        "hours_dead": Quantity("Hours with a bus without voltage", int((hours["buses_dead"] > 0).sum())),
        "buses_low": Quantity("Buses ever too low", int((buses["hours_low"] > 0).sum())),
        "buses_high": Quantity("Buses ever too high", int((buses["hours_high"] > 0).sum())),
        "buses_dead": Quantity("Buses ever without voltage", int((buses["hours_dead"] > 0).sum())),
    }
    rated = branches.dropna(subset="loading_max_pu")
    if len(rated):
        worst = rated.loc[rated["loading_max_pu"].idxmax()]
        label = f"Highest loading, {worst['element']}, {worst['worst_time']}"
        found["loading_max_pu"] = Quantity(label, float(worst["loading_max_pu"]), "pu")
    for name, rows in (("v_min_pu", buses["v_min_pu"].idxmin()), ("v_max_pu", buses["v_max_pu"].idxmax())):
        row = buses.loc[rows]
        label = f"{'Lowest' if name == 'v_min_pu' else 'Highest'} voltage, bus {row['bus']}, {row[name[:-2] + 'time']}"
        found[name] = Quantity(label, float(row[name]), "pu")
    for kind, label in (("regulator", "Tap operations"), ("capacitor", "Capacitor operations")):
        rows = devices[devices["kind"] == kind]
        most = f", most of {rows.loc[rows['operations'].idxmax(), 'device']}" if len(rows) else ""
        found[f"{kind}_operations"] = Quantity(label + most, int(rows["operations"].sum()))
    return found


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    return pd.DataFrame([(f.severity, f.text) for f in findings], columns=["severity", "text"])


def assumptions(settings: ExceedanceSettings, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    given, chunks, limits = settings.profiles, settings.chunks, settings.limits
    rows = [
        ("Quick run", f"The first {settings.quick_hours} hours only.") if quick else None,
        (
            "Profiles",
            f"{given.table.name}: published kW and kvar times the hour's multiplier."
            if given.table
            else f"ASSUMED: the built-in year by class (seed {given.seed}), not measured: published kW and kvar is the "
            "highest hour of each class.",
        ),
        (
            "Classes",
            f"Loads that no table and no list names are {given.default_class}."
            + (f" All loads grow to {given.load_scale:g} times." if given.load_scale != 1 else ""),
        ),
        ("Hours", "Every hour is a power flow of OpenDSS with steady loads; storage keeps its state."),
        (
            "Controls",
            f"Taps and capacitor steps carry from hour to hour within chunks of {chunks.hours} h. Each chunk starts "
            f"from the circuit as it stands today and solves {chunks.warm_up_hours} h before its own first, which are "
            "not counted. Switching within an hour is not seen: operations are differences between hours."
            if settings.feeder.controls == "static"
            else "Regulators and capacitor controls do not act.",
        ),
        (
            "Limits",
            f"Voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu; lines above {limits.loading_max_pu:g} of their "
            "rating"
            + (
                f", transformers above {limits.transformer_loading_max_pu:g}."
                if limits.check_transformers
                else "; transformers are not counted."
            ),
        ),
        (
            "Energy above ratings",
            "What the currents of all phases above the limit carry in the hour at nominal voltage and unity power "
            "factor. It is counted at every branch: in series the same energy is counted at each.",
        ),
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def provenance(settings: ExceedanceSettings, folder: Path, phases: Phases, quick: bool) -> dict[str, Any]:
    """Where the result came from."""
    given = settings.customers, settings.profiles.table
    seed = None if settings.profiles.table else settings.profiles.seed
    return origin(settings.feeder, given, folder, phases, seed, quick)
