"""What the report says in words and headline numbers, and where the numbers came from."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.evaluation import Evaluations
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import provenance as origin
from gridstudio.planning.reconductoring.joint import Improved
from gridstudio.planning.reconductoring.modes import Planned
from gridstudio.planning.reconductoring.settings import ReconductoringSettings
from gridstudio.planning.reconductoring.setup import Setup
from gridstudio.result import Quantity

Z_90 = 1.645  # two-sided 90 %, as in the paper's equation (8)


def headline(
    settings: ReconductoringSettings, made: dict[str, pd.DataFrame], improved: Improved | None, phases: Phases
) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read."""
    table = made["scenarios"]
    cost, p = table["present_value_usd"].to_numpy(), table["probability"].to_numpy()
    low, high = weighted_quantile(cost, p, 0.05), weighted_quantile(cost, p, 0.95)
    what = "present value of the investment" if settings.horizon.discount_rate > 0 else "investment"
    found = {
        "cost_expected_usd": Quantity(f"Expected {what}", float(cost @ p), "USD"),
        "cost_low_usd": Quantity(f"{what.capitalize()}, 5 % quantile", low, "USD"),
        "cost_high_usd": Quantity(f"{what.capitalize()}, 95 % quantile", high, "USD"),
        "cost_min_usd": Quantity("Lowest of all scenarios", float(cost.min()), "USD"),
        "cost_max_usd": Quantity("Highest of all scenarios", float(cost.max()), "USD"),
        "scenarios": Quantity("Load scenarios", len(table)),
        "violations_before": Quantity("Violations before", int(table["violations_before"].sum())),
        "violations_after": Quantity("Violations after", int(table["violations_after"].sum())),
    }
    if improved is not None:
        saved = float(np.nan_to_num(improved.objective_before_usd - improved.objective_usd) @ p)  # NaN: not converged
        found["joint_saving_usd"] = Quantity("Saved by the joint search, expected", saved, "USD")
        found["joint_power_flows"] = Quantity("Power flows of the joint search", phases.power_flows.get("joint", 0))
    if "robust" in made:
        best = made["robust"].iloc[0]
        found["commit_cost_usd"] = Quantity("Commit now (least expected cost)", float(best.cost_committed_usd), "USD")
    if "comparison_totals" in made:
        totals = made["comparison_totals"]
        found["agreement"] = Quantity(
            f"Interventions as in {settings.report.published_name}",
            "; ".join(f"#{r.scenario}: {r.agreeing} of {r.interventions_published}" for r in totals.itertuples()),
        )
    found["power_flows"] = Quantity("Power flows solved", sum(phases.power_flows.values()))
    found["not_converged"] = Quantity("Not converged", sum(phases.not_converged.values()))
    return found


def weighted_quantile(values: NDArray[np.float64], probability: NDArray[np.float64], q: float) -> float:
    """Smallest value whose cumulative probability reaches ``q``."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(probability[order])
    return float(values[order][min(int(np.searchsorted(cumulative, q - 1e-12)), len(values) - 1)])


def assumptions(
    settings: ReconductoringSettings, setup: Setup, before: Evaluations, planned: Planned, quick: bool
) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    limits, uncertainty, search = settings.limits, settings.uncertainty, settings.search
    count = len(setup.scenarios)
    half_width = Z_90 * uncertainty.log_std / np.sqrt(count)
    rows = [
        ("Quick run", "At most three levels per load: for a first look, not for a decision.") if quick else None,
        ("Loads", _load_note(settings, setup)),
        (
            "Trajectories",
            f"Each of the {count} scenarios starts from the regulator taps and capacitor steps of the circuit as it "
            "stands today; they carry from year to year within a scenario.",
        ),
        (
            "Limits",
            f"Voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu; lines up to {limits.loading_max_pu:g} of the "
            "ampacity of the conductor in force, largest phase, larger of both ends.",
        ),
        ("Transformers", _transformer_note(settings, before)),
        (
            "Impedance",
            "A new conductor changes the rating only; impedances stay as they are."
            if settings.conductors.impedance == "unchanged"
            else "A new conductor changes rating and impedance (Carson's equations, Kron reduction of the neutral).",
        ),
        ("Costs", _cost_note(settings)),
        (
            "Search",
            f"Mode {search.mode}; every sequence of at most {search.replacements} replacement(s) of a line is "
            f"enumerated; {planned.rounds} round(s) of power flows.",
        ),
        (
            "Sampling",
            f"Mean +- z sigma / sqrt(N) at 90 %: +- {half_width:.2%} of the mean load level (the paper's equation 9).",
        ),
        (
            "Commitment",
            "A replacement that a committed plan did not foresee costs "
            f"{settings.robust.correction_factor:g} times its planned price (assumed), in the first year in which the "
            "line runs short. Costs of committed plans are present values with these corrections"
            + (", less the losses that the new conductors save." if settings.losses.energy_price_usd_per_kwh else "."),
        )
        if settings.robust.enabled
        else None,
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def _load_note(settings: ReconductoringSettings, setup: Setup) -> str:
    uncertainty = settings.uncertainty
    columns = [column for column in setup.levels.columns if column.startswith("level_")]
    growth = f"All loads grow by {settings.horizon.growth_per_year:.1%} per year from their published values in year 1."
    if not columns:
        return f"{growth} No load is uncertain."
    levels = ", ".join(f"{level:.3f}" for level in np.unique(setup.levels[columns].to_numpy()))
    names = ", ".join(column.removeprefix("level_") for column in columns)
    return (
        f"{growth} Uncertain: {names}, at the levels {levels} ({uncertainty.method.replace('_', ' ')}, standard "
        f"deviation of ln x {uncertainty.log_std:g}), independent of each other."
    )


def _cost_note(settings: ReconductoringSettings) -> str:
    note = (
        f"Catalogue cost per km times length, plus {settings.conductors.surcharge:.0%}; year 1 is now, later years are "
        f"discounted at {settings.horizon.discount_rate:.1%} per year."
    )
    if settings.conductors.catalogue == "acsr":
        note += " The built-in catalogue's costs are assumed (typical three-phase rebuilds): replace them by your own."
    price = settings.losses.energy_price_usd_per_kwh
    return f"{note} Losses at {price:g} USD/kWh, load factor {settings.losses.load_factor:g}." if price else note


def _transformer_note(settings: ReconductoringSettings, before: Evaluations) -> str:
    network = before.network
    others = np.flatnonzero((network.branches["kind"] != "line").to_numpy())
    if not len(others):
        return "The circuit has none."
    peak = np.nanmax(before.branch_current_a()[:, :, others], axis=(0, 1), initial=0.0)
    loading = np.nan_to_num(peak / network.branches["ampacity_a"].to_numpy()[others])
    worst = int(loading.argmax())
    element = network.branches["element"].iloc[others[worst]]
    note = f"At worst {element} carries {loading[worst]:.2f} of its normal rating over all scenarios and years."
    if settings.limits.check_transformers:
        share = settings.limits.transformer_loading_max_pu
        return f"Checked at {share:g} of their normal rating (OpenDSS: 110 % of nameplate unless given). {note}"
    return f"Not checked in this study. {note}"


def provenance(settings: ReconductoringSettings, folder: Path, phases: Phases, quick: bool) -> dict[str, Any]:
    """Where the result came from."""
    catalogue = "" if settings.conductors.catalogue == "acsr" else settings.conductors.catalogue
    return origin(settings.feeder, (catalogue, settings.report.published), folder, phases, None, quick)
