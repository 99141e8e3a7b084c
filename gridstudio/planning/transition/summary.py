"""What the report says in words and headline numbers, and where the numbers came from."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.provenance import hashes, versions
from gridstudio.planning.transition.case import Case
from gridstudio.planning.transition.outlooks import unread_states
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.result import Quantity

_ASSUMED = re.compile(r"\bassumed\b")
_FAR = 1.1  # out of sample over in sample that is worth a word
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
    return head | _values_headline(made["stochastic_value"], averse) | _extensive_headline(made["extensive"])


def _values_headline(table: pd.DataFrame, averse: bool) -> dict[str, Quantity]:
    rows = table.query("quantity == 'value of the stochastic solution, whole plan held'")
    kind = "risk-adjusted value" if averse else "value"
    return {
        f"vss_{row.case}_busd": Quantity(
            f"Case {row.case}: {kind} of the stochastic solution", float(row.busd), "bn USD"
        )
        for row in rows.itertuples()
    }


def _extensive_headline(table: pd.DataFrame) -> dict[str, Quantity]:
    """Of the forms that were solved to the end."""
    return {
        f"extensive_{row.case}": Quantity(
            f"Case {row.case}: SDDP bound against the extensive form", 1e6 * float(row.difference), "parts per million"
        )
        for row in table.itertuples()
        if np.isfinite(row.difference)
    }


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
    texts = [*_trained(made["cases"], gap), *_operated(made["operations"]), *_unproven(made["extensive"])]
    return pd.DataFrame(
        [("warning", text) for text in (*texts, *_dearer(made["simulations"]))], columns=["severity", "text"]
    )


def _trained(table: pd.DataFrame, gap: float) -> Iterator[str]:
    """Wide gaps and plans of smaller cases."""
    for row in table.itertuples():
        if row.gap > gap * (1 + 1e-9):
            yield f"Case {row.case}: the gap is {row.gap:.2%}, more than the {gap:.2%} asked for ({row.reason})."
        if row.plan_from != row.case:
            yield f"Case {row.case}: no plan was found that is better than that of case {row.plan_from}."


def _operated(table: pd.DataFrame) -> Iterator[str]:
    """Load shed before anything acts, and targets missed."""
    for row in table.query("stage == 1 and shed_mwh > 1").head(1).itertuples():  # the same in every case
        yield (
            f"Stage 1 sheds {row.shed_mwh:,.0f} MWh a year in every case: {_cause(row.co2_mt, row.co2_target_mt)} on "
            "the representative days, and nothing that is built acts before stage 2."
        )
    for row in table.query("co2_above_mt > 1e-6").itertuples():
        node = f"Case {row.case}, stage {row.stage} ({row.state})"
        yield f"{node}: {row.co2_above_mt:.3g} Mt a year above the CO2 target."


def _unproven(table: pd.DataFrame) -> Iterator[str]:
    """Extensive forms that were not solved to the end."""
    for row in table.itertuples():
        if row.reason:
            yield f"Case {row.case} is not compared with the extensive form: {row.reason}."


def _dearer(table: pd.DataFrame) -> Iterator[str]:
    """Plans that cost much more on days not seen."""
    means = table.pivot_table(index=["case", "plan"], columns=["quantity", "sample"], values="mean")
    for (case, plan), row in means.iterrows() if ("cost_busd", "out of sample") in means else ():
        seen, unseen = row["cost_busd"]["in sample"], row["cost_busd"]["out of sample"]
        fixed = row["first_operation_busd"]["out of sample"] - row["first_operation_busd"]["in sample"]
        if unseen > _FAR * seen:
            yield (
                f"Case {case}, {plan} plan: on days not seen it costs {unseen:.1f} bn USD in the mean, on the "
                f"representative days {seen:.1f}; {fixed:.1f} bn of the difference is operation in stage 1, which "
                "no decision changes."
            )


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
