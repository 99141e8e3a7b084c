"""What the report says in words and headline numbers, and where the numbers came from."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.provenance import hashes, versions
from gridstudio.planning.transition.case import Case
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.shortterm import ShortTerm
from gridstudio.result import Quantity


def headline(made: dict[str, pd.DataFrame]) -> dict[str, Quantity]:
    """The numbers that come first."""
    table = made["cases"]
    cheapest = table.loc[table["cost_busd"].idxmin()]
    head = {
        f"cost_{row.case}_busd": Quantity(f"Case {row.case}: expected cost", float(row.cost_busd), "bn USD")
        for row in table.itertuples()
    }
    head["gap"] = Quantity("Largest gap between a plan and its bound", float(table["gap"].max()))
    head["cheapest"] = Quantity("Cheapest case", str(cheapest["case"]))
    head["seconds"] = Quantity("Training of all cases", float(table["seconds"].sum()), "s")
    values = made["stochastic_value"].query("quantity == 'value of the stochastic solution, whole plan held'")
    for row in values.itertuples():
        head[f"vss_{row.case}_busd"] = Quantity(
            f"Case {row.case}: value of the stochastic solution", float(row.busd), "bn USD"
        )
    for row in made["extensive"].itertuples():
        head[f"extensive_{row.case}"] = Quantity(
            f"Case {row.case}: SDDP bound against the extensive form, relative", float(row.difference)
        )
    return head


def remarks(settings: TransitionSettings, case: Case) -> list[Finding]:
    """What is remarkable about the input, though the study can be run."""
    found = []
    sources = case.parameters.sources
    assumed = [name for name, source in sources.items() if source == "assumed"]
    if assumed:
        found.append(
            Finding("warning", f"{len(assumed)} of {len(sources)} parameters are assumed: their results are examples.")
        )
    targets = [
        (stage + 1, outlook.co2_mt_per_year)
        for stage, outlooks in enumerate(case.chain.stages)
        for outlook in outlooks[:1]
    ]
    free = [str(stage) for stage, target in targets if not np.isfinite(target)]
    if free:
        found.append(Finding("warning", f"Stage {', '.join(free)} has no CO2 target."))
    if case.chain.stages[0][0].co2_mt_per_year == 0:
        found.append(Finding("warning", "The target of stage 1 is zero, and nothing built acts before stage 2."))
    if settings.model.without:
        found.append(Finding("warning", f"Left out of the model: {', '.join(settings.model.without)}."))
    return found


def assumptions(settings: TransitionSettings, setup: ShortTerm, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    given, chain = setup.case.parameters, settings.chain
    rows = [
        ("Quick run", "Fewer days, iterations and realisations.") if quick else None,
        (
            "Costs",
            "The paper prints no cost table. Costs here are those of the parameter file, "
            "so absolute values differ from "
            "the published ones; what must agree is the order of the cases.",
        ),
        (
            "Stages",
            f"{chain.stages} stages of {chain.years_per_stage:g} years; what is built in "
            f"a stage acts from the next on, "
            "and in the last stage nothing is built. Fixed O&M is paid for the stages that are left after the one in "
            "which something is built. "
            + (
                "Nothing is discounted, as in the paper; no residual value."
                if given.get("discount_rate", 0.0) == 0
                else f"Discounted at {given['discount_rate']:.1%} a year; no residual value."
            ),
        ),
        (
            "CO2",
            "Every representative day keeps 1/365 of the year's target"
            if settings.days.co2_target == "day"
            else "The weighted mean of the representative days keeps 1/365 of the year's target",
        ),
        (
            "Days",
            f"{len(setup.days)} representative days from {setup.origin}. Each is judged for itself, storage ends as it "
            "began."
            + (
                ""
                if setup.agreement is None
                else f" On another year their groups and groups of its own share a normalised mutual information of "
                f"{setup.agreement[0]:.2f}, adjusted {setup.agreement[1]:.2f} (the paper: 0.75)."
            ),
        ),
        (
            "Network",
            "DC power flow. Reactance stands on 100 MVA for one circuit; a right of way of the published case carries "
            "as many circuits as its rating in the base of 13 MW says, hence the base of "
            f"{given.get('reactance_base_mva', np.nan):g} MVA. Ratings are "
            + ("sqrt(3) I V." if settings.network.true_rating else "I V without sqrt(3), as published."),
        ),
        (
            "Base",
            "One per unit of the published units and loads is taken for 13 MW: then "
            "capacities and the peak of 12 353 MW "
            "are those of Alberta.",
        ),
        (
            "Wind and sun",
            "Curtailment has one price, so it is counted by bus; zones feed the nearest "
            "bus without a line of their own.",
        ),
        (
            "Whole pieces",
            "Bounds are those of the relaxation of storage modes, cut-in and of what is not proven by training; plans "
            "have whole pieces, their operation is solved with the hourly binaries.",
        ),
        (
            "Shedding",
            f"Up to {given.get('shedding_limit_share', 1.0):.0%} of the load at {given['voll_usd_per_mwh']:,.0f} "
            "USD/MWh; the paper's 100 USD/MW does not fit its own costs.",
        ),
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def provenance(
    settings: TransitionSettings, folder: Path, seconds: dict[str, float], workers: int, quick: bool
) -> dict[str, Any]:
    """Versions, seeds, hashes and seconds."""
    given = settings.tables
    tables = (given.buses, given.branches, given.units, given.zones, given.parameters)
    paths = [path for path in (*tables, settings.days.load, settings.days.other_load) if path]
    return {
        "versions": versions(("gridstudio", "highspy", "numpy", "pandas", "scipy")),
        "seed": settings.training.seed,
        "inputs": hashes([folder / path for path in paths], folder),
        "power_flows": 0,
        "not_converged": 0,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "workers": workers,
        "quick": quick,
    }
