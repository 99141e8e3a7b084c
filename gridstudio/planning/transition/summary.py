"""What the report says in words and headline numbers, and where the numbers came from."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.provenance import hashes, versions
from gridstudio.planning.transition.case import Case
from gridstudio.planning.transition.inputs import taken_as_one, unread_states
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.shortterm import ShortTerm
from gridstudio.result import Quantity

_ASSUMED = re.compile(r"\bassumed\b")
_FAR = 1.1  # out of sample over in sample that is worth a word
_PUBLISHED = (
    " The paper prints neither costs nor CO2 targets. Its overall costs are about 10 USD for each MWh of the 15 years' "
    "load, less than the fuel of a gas plant, so they cannot hold all operation as it is counted here (fuel, O&M and "
    "the price of CO2 in every hour). What must agree is the order of the cases."
)
_CIRCUITS = (
    "The published reactance is of one circuit on 100 MVA; a right of way carries as many circuits as its rating in "
    "the base of 13 MW says, hence this base. "
)
_BASE = (
    "One per unit of the published units and loads is taken for 13 MW: then capacities and the peak of 12 353 MW are "
    "those of Alberta."
)
_SSSC = (
    "A device is paid once for a right of way and shifts the line that stands and a new one beside it alike, however "
    "many circuits there are."
)
_SCALED = " Their load, wind and sun are scaled, a factor for each place, so that the days add up to the year's energy."
_SHEDDING = "; the paper's 100 USD/MW does not fit its own costs."
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
        "largest_buses": Quantity(f"Buses of the largest size (case {largest['case']})", int(largest["buses"])),
        "largest_subproblems": Quantity("Its subproblems", int(largest["subproblems"])),
        "largest_iteration_s": Quantity("An iteration of it", float(largest["seconds_per_iteration"]), "s"),
        "largest_full_hours": Quantity("The full size, estimated", float(largest["full_hours"]), "h"),
    }


def cases_headline(made: dict[str, pd.DataFrame]) -> dict[str, Quantity]:
    """Of a study that solves cases."""
    table = made["cases"]
    averse = "risk_adjusted_busd" in table
    cheapest = table.loc[table["risk_adjusted_busd" if averse else "cost_busd"].idxmin()]
    head = {
        f"cost_{row.case}_busd": Quantity(f"Case {row.case}: expected cost", float(row.cost_busd), "bn USD")
        for row in table.itertuples()
    }
    for row in table.itertuples() if averse else ():
        name = f"Case {row.case}: risk-adjusted cost, which is optimised"
        head[f"risk_adjusted_{row.case}_busd"] = Quantity(name, float(row.risk_adjusted_busd), "bn USD")
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
    assumed = [name for name, source in sources.items() if _ASSUMED.search(source)]
    if assumed:
        found.append(
            Finding("warning", f"{len(assumed)} of {len(sources)} parameters are assumed: their results are examples.")
        )
    unread = unread_states(settings.chain, case.parameters)
    if unread:
        states = ", ".join(settings.chain.states)
        found.append(
            Finding("warning", f"{len(unread)} parameters ({unread[0]}, ...) are of no state of the study: {states}.")
        )
    aimed = any(np.isfinite(outlook.co2_mt_per_year) for row in case.chain.stages for outlook in row)
    if aimed and (price := lowest_sound_slack(case)) > case.parameters["co2_slack_usd_per_t"]:
        found.append(
            Finding(
                "warning",
                f"co2_slack_usd_per_t is below {price:,.0f} USD/t, the value of lost load over the lowest emission "
                "rate: a CO2 target is missed before load is shed.",
            )
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


def lowest_sound_slack(case: Case) -> float:
    """USD/t above which load is shed, at its value, before a CO2 target is missed by the cleanest plant that emits."""
    given = case.parameters
    rates = [value for name, value in given.values.items() if name.endswith("_co2_t_per_mwh") and value > 0]
    return given["voll_usd_per_mwh"] / min(rates) if rates else 0.0


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
    for row in first.head(1).itertuples():  # the same in every case
        texts.append(
            f"Stage 1 sheds {row.shed_mwh:,.0f} MWh a year in every case: {_cause(row.co2_mt, row.co2_target_mt)} on "
            "the representative days, and nothing that is built acts before stage 2."
        )
    above = made["operations"].query("co2_above_mt > 1e-6")
    for row in above.itertuples():
        texts.append(
            f"Case {row.case}, stage {row.stage} ({row.state}): {row.co2_above_mt:.3g} Mt a year above the CO2 target."
        )
    means = made["simulations"].pivot_table(index=["case", "plan"], columns=["quantity", "sample"], values="mean")
    if ("cost_busd", "out of sample") in means:
        for (case, plan), row in means.iterrows():
            seen, unseen = row["cost_busd"]["in sample"], row["cost_busd"]["out of sample"]
            fixed = row["first_operation_busd"]["out of sample"] - row["first_operation_busd"]["in sample"]
            if unseen > _FAR * seen:
                texts.append(
                    f"Case {case}, {plan} plan: on days not seen it costs {unseen:.1f} bn USD in the mean, on the "
                    f"representative days {seen:.1f}; {fixed:.1f} bn of the difference is operation in stage 1, which "
                    "no decision changes."
                )
    return pd.DataFrame([("warning", text) for text in texts], columns=["severity", "text"])


def _cause(co2_mt: float, target_mt: float) -> str:
    """Why load is shed."""
    if co2_mt >= target_mt * (1 - 1e-3):
        return f"what stands cannot serve its load within the CO2 target of {target_mt:g} Mt a year, which binds,"
    if not np.isfinite(target_mt):
        return "what stands cannot serve its load"
    return f"what stands cannot serve its load, or not within a day's CO2 target ({target_mt:g} Mt a year),"


def growth_assumptions(settings: TransitionSettings) -> pd.DataFrame:
    """topic, text: what the measured sizes rest on."""
    given = settings.growth
    used = list(dict.fromkeys(size.case or given.case for size in given.sizes))
    whose = f"case {used[0]}" if len(used) == 1 else f"the case of each size ({', '.join(used)})"
    rows = [
        (
            "Networks",
            "Grown from the study's tables: its load, fleet and area shared out over more buses, seeded. They are as "
            "large as real ones, not real.",
        ),
        ("Days", "Profiles sketched by formula, no weather behind them."),
        (
            "Training",
            f"On the relaxation with the factors of {whose}, at most {given.iterations} iterations or "
            f"{given.seconds:g} s a size; the first iteration, which solves everything from scratch, is left out of "
            "the seconds per iteration.",
        ),
        (
            "Full size",
            f"An estimate: seconds of a warm iteration, as measured, times {given.full_iterations} iterations, times "
            f"{given.full_days} days over the days measured, on as many workers as measured. On as many workers as a "
            "stage can keep busy (its states times its days), with nothing lost between them, it would take "
            "full_hours_at_least. Left out: whole pieces, the master problem, the judging of plans, slower solves as "
            "cuts gather, and iterations beyond those a small network needs.",
        ),
    ]
    return pd.DataFrame(rows, columns=["topic", "text"])


def assumptions(settings: TransitionSettings, setup: ShortTerm) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    given, chain, published = setup.case.parameters, settings.chain, bool(settings.published_busd)
    paper = " (the paper: 0.75)" if published else ""
    ones = taken_as_one(chain, given) if chain.stages > 1 else []
    rows = [
        (
            "Costs",
            "Those of the parameter file. What operates in stage 1, which no decision changes, is left out of "
            "decided_busd (table published)." + (_PUBLISHED if settings.published_busd else ""),
        ),
        ("Risk", _risk(settings)),
        (
            "Stages",
            f"{chain.stages} stages of {chain.years_per_stage:g} years; what is built in "
            f"a stage acts from the next on, "
            "and in the last stage nothing is built. Fixed O&M is paid for the stages that are left after the one in "
            "which something is built. "
            + (
                f"Nothing is discounted{', as in the paper' if published else ''}; no residual value."
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
            + (_SCALED if settings.days.scaled and settings.days.source != "sketch" else "")
            + (
                ""
                if setup.agreement is None
                else f" On another year their groups and groups of its own share a normalised mutual information of "
                f"{setup.agreement[0]:.2f}, adjusted {setup.agreement[1]:.2f}{paper}."
            )
            + _unseen(settings),
        ),
        (
            "Network",
            f"DC power flow; reactance stands on a base of {given.get('reactance_base_mva', np.nan):g} MVA. "
            + (_CIRCUITS if published else "")
            + (
                f"Ratings of the table are taken times {given.get('true_rating_factor', np.nan):.4g}."
                if settings.network.true_rating
                else f"Ratings are {'I V without sqrt(3), as published' if published else 'those of the table'}."
            ),
        ),
        *([("Base", _BASE)] if published else []),
        *([("SSSC", _SSSC)] if any("sssc" in factors for factors in settings.cases.values()) else []),
        *(
            [("States", f"Not given for some stage and state, and there taken as 1: {', '.join(ones)}.")]
            if ones
            else []
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
            f"USD/MWh{_SHEDDING if published else '.'}",
        ),
    ]
    return pd.DataFrame(rows, columns=["topic", "text"])


def _risk(settings: TransitionSettings) -> str:
    """What is optimised."""
    if not settings.risk.averse:
        return "What is optimised is the expected cost over all paths of states."
    return (
        f"What is optimised is the nested cost: at every node {settings.risk.words} of what may follow it, stage by "
        "stage (Shapiro 2011; Philpott, de Matos 2012), not the measure of whole costs over paths. Bounds, gaps, the "
        "extensive form and the value of the stochastic solution are of this risk-adjusted cost, and plans are "
        "compared by it, exactly; what a plan builds, sheds and emits is told in the mean, by the states' own "
        "probabilities."
    )


def _unseen(settings: TransitionSettings) -> str:
    """Which year the days out of sample come from, where it is not another one throughout."""
    given = settings.days
    if given.source != "files":
        return ""
    if given.other_weather is None:
        return " No other year is given: days out of sample come from the same year, and no other year checks the days."
    if given.other_load is None and given.load is not None:
        return " The other year has weather of its own and the load of the first."
    return ""


def provenance(
    settings: TransitionSettings, folder: Path, seconds: dict[str, float], workers: int, quick: bool
) -> dict[str, Any]:
    """Versions, seeds, hashes and seconds."""
    given = settings.tables
    tables = (given.buses, given.branches, given.units, given.zones, given.border, given.parameters)
    days = settings.days
    paths = [path for path in (*tables, days.load, days.other_load) if path]
    files = [folder / path for path in paths]
    for path in (days.weather, days.other_weather):
        files += sorted((folder / path).glob("*.csv")) if path else []
    return {
        "versions": versions(("gridstudio", "highspy", "numpy", "pandas", "scipy")),
        "seed": settings.training.seed,
        "inputs": hashes(files, folder),
        "power_flows": 0,
        "not_converged": 0,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "workers": workers,
        "quick": quick,
    }
