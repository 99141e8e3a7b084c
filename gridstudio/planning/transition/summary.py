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

_FAR = 1.1  # out of sample over in sample that is worth a word
_PUBLISHED = (
    " The paper prints neither costs nor CO2 targets. Its overall costs are about 10 USD for each MWh of the 15 years' "
    "load, less than the fuel of a gas plant, so they cannot hold all operation as it is counted here (fuel, O&M and "
    "the price of CO2 in every hour). What must agree is the order of the cases."
)
QUICK = pd.DataFrame(
    [("Quick run", "Fewer days, iterations and realisations, and a wider gap.")], columns=["topic", "text"]
)


def headline(made: dict[str, pd.DataFrame]) -> dict[str, Quantity]:
    """The numbers that come first."""
    return growth_headline(made["growth"]) if "growth" in made else cases_headline(made)


def growth_headline(table: pd.DataFrame) -> dict[str, Quantity]:
    """Of a study that measures sizes."""
    largest = table.loc[table["day_rows"].mul(table["subproblems"]).idxmax()]
    return {
        "largest_buses": Quantity("Buses of the largest size", int(largest["buses"])),
        "largest_subproblems": Quantity("Its subproblems", int(largest["subproblems"])),
        "largest_iteration_s": Quantity("An iteration of it", float(largest["seconds_per_iteration"]), "s"),
        "largest_full_hours": Quantity("The full size, estimated", float(largest["full_hours"]), "h"),
    }


def cases_headline(made: dict[str, pd.DataFrame]) -> dict[str, Quantity]:
    """Of a study that solves cases."""
    table = made["cases"]
    cheapest = table.loc[table["cost_busd"].idxmin()]
    head = {
        f"cost_{row.case}_busd": Quantity(f"Case {row.case}: expected cost", float(row.cost_busd), "bn USD")
        for row in table.itertuples()
    }
    head["gap"] = Quantity("Largest gap between a plan and its bound", 100 * float(table["gap"].max()), "%")
    head["cheapest"] = Quantity("Cheapest case", str(cheapest["case"]))
    head["seconds"] = Quantity("Training of all cases", float(table["seconds"].sum()), "s")
    values = made["stochastic_value"].query("quantity == 'value of the stochastic solution, whole plan held'")
    for row in values.itertuples():
        head[f"vss_{row.case}_busd"] = Quantity(
            f"Case {row.case}: value of the stochastic solution", float(row.busd), "bn USD"
        )
    for row in made["extensive"].itertuples():
        head[f"extensive_{row.case}"] = Quantity(
            f"Case {row.case}: SDDP bound against the extensive form", 1e6 * float(row.difference), "parts per million"
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


def findings(settings: TransitionSettings, case: Case) -> pd.DataFrame:
    """severity, text."""
    found = [(finding.severity, finding.text) for finding in remarks(settings, case)]
    return pd.DataFrame(found, columns=["severity", "text"])


def found_in(made: dict[str, pd.DataFrame], gap: float) -> pd.DataFrame:
    """severity, text: what is remarkable about the results."""
    texts = []
    for row in made["cases"].itertuples():
        if row.gap > gap * (1 + 1e-9):
            texts.append(
                f"Case {row.case}: the gap is {row.gap:.2%}, more than the {gap:.2%} asked for ({row.reason})."
            )
        if row.plan_from != row.case:
            texts.append(f"Case {row.case}: no plan was found that is better than that of case {row.plan_from}.")
    first = made["operations"].query("stage == 1 and shed_mwh > 1")
    for mwh in first["shed_mwh"].head(1):  # the same in every case
        texts.append(
            f"Stage 1 sheds {mwh:,.0f} MWh a year in every case: what stands cannot serve its load on the "
            "representative days, and nothing that is built acts before stage 2."
        )
    above = made["operations"].query("co2_above_mt > 1e-6")
    for row in above.itertuples():
        texts.append(
            f"Case {row.case}, stage {row.stage} ({row.state}): {row.co2_above_mt:.3g} Mt a year above the CO2 target."
        )
    costs = made["simulations"].query("quantity == 'cost_busd'").pivot(index=["case", "plan"], columns="sample")
    if ("mean", "out of sample") in costs:
        for (case, plan), row in costs["mean"].iterrows():
            if row["out of sample"] > _FAR * row["in sample"]:
                texts.append(
                    f"Case {case}, {plan} plan: on days not seen it costs {row['out of sample']:.1f} bn USD in the "
                    f"mean, on the representative days {row['in sample']:.1f}: these leave out days that matter; "
                    "take more."
                )
    return pd.DataFrame([("warning", text) for text in texts], columns=["severity", "text"])


def growth_assumptions(settings: TransitionSettings) -> pd.DataFrame:
    """topic, text: what the measured sizes rest on."""
    given = settings.growth
    rows = [
        (
            "Networks",
            "Grown from the study's tables: its load, fleet and area shared out over more buses, seeded. They are as "
            "large as real ones, not real.",
        ),
        ("Days", "Profiles sketched by formula, no weather behind them."),
        (
            "Training",
            f"On the relaxation with the factors of case {given.case}, at most {given.iterations} iterations or "
            f"{given.seconds:g} s a size; the first iteration, which solves everything from scratch, is left out of "
            "the seconds per iteration.",
        ),
        (
            "Full size",
            f"An estimate: measured seconds per iteration times {given.full_iterations} iterations, and times "
            f"{given.full_days} days over the days measured, on as many workers as measured. Whole pieces, simulation "
            "and the growth of subproblems by cuts come on top.",
        ),
    ]
    return pd.DataFrame(rows, columns=["topic", "text"])


def assumptions(settings: TransitionSettings, setup: ShortTerm) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    given, chain = setup.case.parameters, settings.chain
    rows = [
        (
            "Costs",
            "Those of the parameter file. What operates in stage 1, which no decision changes, is left out of "
            "decided_busd (table published)." + (_PUBLISHED if settings.published_busd else ""),
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
            "A bound is that of the relaxation or, where it is higher, of the first stage's problem with whole pieces "
            "before relaxed later stages; hourly binaries (storage modes, cut-in) are relaxed in both. Plans have "
            "whole pieces, found by rounding and by what that problem proposes, each trained around; the best plan's "
            "operation is solved with the hourly binaries.",
        ),
        (
            "Shedding",
            f"Up to {given.get('shedding_limit_share', 1.0):.0%} of the load at {given['voll_usd_per_mwh']:,.0f} "
            "USD/MWh; the paper's 100 USD/MW does not fit its own costs.",
        ),
    ]
    return pd.DataFrame(rows, columns=["topic", "text"])


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
