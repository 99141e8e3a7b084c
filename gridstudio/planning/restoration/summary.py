"""What the report says in words and headline numbers, and where the numbers came from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import provenance as origin
from gridstudio.planning.restoration.settings import METHODS, RestorationSettings
from gridstudio.planning.restoration.setup import Setup
from gridstudio.result import Quantity
from gridstudio.solve.qlearning import Training

LABELS = {
    "none": "crew only",
    "naive": "all ties closed",
    "greedy": "greedy",
    "learned": "learned",
    "exact": "exact",
}


def means(compared: pd.DataFrame) -> pd.DataFrame:
    """By method, over the storms (``learned``: mean over its trainings): method, label, storms, customers_restored,
    cmi, customer_minutes, saidi_min, ens_kwh, cost_usd (sums over the storms), operations (mean), violations and
    violations_return (storms with any), power_flows, seconds (sums), customer_minutes_std (over the trainings).
    """
    rows = []
    sums = [
        "customers_restored",
        "cmi",
        "customer_minutes",
        "saidi_min",
        "ens_kwh",
        "cost_usd",
        "power_flows",
        "seconds",
    ]
    for method in (name for name in METHODS if name in set(compared["method"])):
        part = compared[compared["method"] == method]
        by_seed = part.groupby("seed")[sums].sum()
        row: dict[str, Any] = {"method": method, "label": LABELS[method], "storms": part["storm"].nunique()}
        row |= {name: float(by_seed[name].mean()) for name in sums}
        row["operations"] = float(part["operations"].mean())
        for column in ("violations", "violations_return"):
            row[column] = int((part.groupby("storm")[column].max() > 0).sum())
        row["customer_minutes_std"] = float(by_seed["customer_minutes"].std(ddof=1)) if len(by_seed) > 1 else 0.0
        rows.append(row)
    return pd.DataFrame(rows)


def seeds(compared: pd.DataFrame, trainings: dict[int, Training], held_out: list[str]) -> pd.DataFrame:
    """By training, over the held-out storms (all judged ones if none is): seed, storms, states (in its table),
    customer_minutes, greedy_customer_minutes, exact_customer_minutes (NaN where not run), difference_to_greedy
    (negative: learned is better).
    """
    part = compared[compared["storm"].isin(held_out)] if held_out else compared
    total = part.groupby(["method", "seed"])["customer_minutes"].sum()
    greedy, exact = (float(total.get((name, 0), np.nan)) for name in ("greedy", "exact"))
    rows = []
    for seed, training in trainings.items():
        own = float(total[("learned", seed)])
        rows.append((seed, part["storm"].nunique(), training.states, own, greedy, exact, own - greedy))
    columns = ["seed", "storms", "states", "customer_minutes", "greedy_customer_minutes", "exact_customer_minutes"]
    return pd.DataFrame(rows, columns=[*columns, "difference_to_greedy"])


def headline(made: dict[str, pd.DataFrame], phases: Phases) -> dict[str, Quantity]:
    """The numbers that come first."""
    table = made["means"].set_index("method")
    storms = int(table["storms"].max())
    found = {"storms": Quantity("Storms", storms)}
    for method in table.index:
        minutes = float(table.at[method, "customer_minutes"])
        found[f"customer_minutes_{method}"] = Quantity(f"Customer-minutes, {LABELS[method]}", minutes, "min")
    if "naive" in table.index:
        found["naive_violations"] = Quantity(
            "Storms in which closing all ties breaks a limit", int(table.at["naive", "violations"])
        )
    if "exact" in table.index:
        rows = made["comparison"].query("method == 'exact'")
        proven = int((rows["status"] == "optimal").sum())
        found["proven"] = Quantity("Proven optimal", f"{proven} of {len(rows)}")
    if "seeds" in made:
        found["learned_verdict"] = Quantity("Learned against greedy", verdict(made["seeds"]))
    if "cold_load" in made and len(made["cold_load"]):
        late, effect = made["cold_load"], made["cold_load_effect"]
        added = float((effect["customer_minutes_cold"] - effect["customer_minutes"]).sum())
        found["cold_added"] = Quantity("Customer-minutes added by cold load", added, "min")
        longest = float(np.nanmax(late["waited_min"].fillna(0.0)))
        found["cold_waited"] = Quantity("Longest wait for cold load", longest, "min")
        found["cold_deferred"] = Quantity("Sections deferred for cold load", int(late["pickup_min"].isna().sum()))
    found["power_flows"] = Quantity("Power flows solved", sum(phases.power_flows.values()))
    found["not_converged"] = Quantity("Not converged", sum(phases.not_converged.values()))
    return found


def verdict(table: pd.DataFrame) -> str:
    """Whether learning pays against greedy on the judged storms, on average, with its spread."""
    difference = table["difference_to_greedy"]
    if difference.isna().all():
        return "greedy was not run"
    share = float(difference.mean() / table["greedy_customer_minutes"].iloc[0])
    spread = float(difference.std(ddof=1) / table["greedy_customer_minutes"].iloc[0]) if len(table) > 1 else 0.0
    word = "equal" if abs(share) < 5e-5 else "fewer" if share < 0 else "MORE"
    figure = "" if word == "equal" else f"{abs(share):.2%} "
    return f"{figure}{word} customer-minutes (spread {spread:.2%}, {len(table)} trainings)"


def remarks(setup: Setup) -> Iterable[Finding]:
    """What an engineer should know of the devices and customers before trusting the numbers."""
    if setup.assumed_breakers:
        names = ", ".join(setup.assumed_breakers)
        yield Finding(
            "warning", f"No protective device lies above some sections: {names} taken for the feeder's breaker."
        )
    sections = setup.sections
    narrow = [
        device.name
        for d, device in enumerate(sections.devices)
        if device.normally_open and not sections.may_feed[d].any()
    ]
    if narrow:
        yield Finding("warning", f"Ties that bring too few phases to pick up either side: {', '.join(narrow)}.")
    one_way = [
        device.name
        for d, device in enumerate(sections.devices)
        if device.normally_open and sections.may_feed[d].sum() == 1
    ]
    if one_way:
        yield Finding("warning", f"Ties that can pick up one side only, for their phases: {', '.join(one_way)}.")
    nobody = [sections.names[s] for s in range(len(sections)) if sections.kw[s] > 0 and sections.customers[s] == 0]
    if nobody:
        yield Finding("warning", f"{len(nobody)} sections have load but no customer ({', '.join(nobody[:5])}).")


def assumptions(settings: RestorationSettings, setup: Setup, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    limits, given, learning = settings.limits, settings.devices, settings.learning
    rows = [
        ("Quick run", "Fewer trainings and storms: for a first look, not for a decision.") if quick else None,
        (
            "Faults",
            "The nearest protective device upstream of each fault trips. Sections with a fault stay dead until their "
            "repair; the devices around them are opened before anything next to them is picked up.",
        ),
        (
            "Clock",
            f"One for all methods: switching begins after {given.dispatch_min:g} min, operations follow one another, "
            f"{given.crews} crew(s) leave at once for manual devices in their order. Every customer's minutes run to "
            "its own section's restoration; without switching it waits for the repair of what tripped. Switching ends "
            "with the first repair: from then on sections return to their normal supply as their faults are repaired "
            "(table repairs), by operations that take no time of this clock.",
        ),
        (
            "Limits",
            f"While faults last: voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu (Range B of ANSI C84.1 unless "
            f"given), loading {limits.loading_max_pu:g} of the normal rating, or {limits.emergency_loading_max_pu:g} "
            f"times that if all repairs are done within {limits.emergency_h:g} h. What was broken normally or "
            "right after the trips, and is no worse, does not count.",
        ),
        (
            "Voltages",
            "Every state is a full three-phase power flow with regulators and capacitors acting from their positions "
            "of the normal state.",
        ),
        (
            "Load and generation",
            "The load of each storm stays at its load_scale while it lasts; cold load surges are shown separately. "
            + (
                f"PV and generators deliver {settings.generation_scale:g} of their rating."
                if settings.generation_scale
                else "PV and generators are off: they leave with the trip, and nobody counts on their return."
            ),
        ),
        (
            "Customers",
            "From the table of customers."
            if settings.customers.table
            else f"Assumed: one residential customer per {settings.customers.kw_per_customer:g} kW of each load.",
        ),
        (
            "All ties closed",
            "The naive method asks no limit; its customers count as restored although a limit breaks: it shows what "
            "a count without power flow would claim.",
        ),
        (
            "Exact",
            "Fewest customer-minutes over all sequences of pick-ups before the first repair with every state allowed"
            + (", and of moves of live sections to other feeders" if settings.methods.transfers else "")
            + "; waiting on purpose is not searched.",
        )
        if "exact" in settings.methods.run
        else None,
        (
            "Learned",
            f"Tabular Q-learning, {learning.seeds} training(s) of {learning.episodes} episodes on "
            f"{len(setup.training)} drawn storms, none of which is judged. In states it never met the greedy step "
            "decides.",
        )
        if "learned" in settings.methods.run
        else None,
        (
            "Cold load",
            f"Surge factors: {'the guide' if settings.cold_load.factors == 'guide' else 'smooth by class'}; decay with "
            f"{settings.cold_load.tau_min:g} min after {settings.cold_load.delay_min:g} min; "
            f"{settings.cold_load.outage_min:g} min out before switching begins (for the factors only). "
            "Sections are picked up one by one, along the plan of the best method that moves no live "
            "section. The comparison of the methods is at steady load; what the surges cost is shown beside it.",
        )
        if settings.cold_load.enabled
        else None,
        (
            "Cost",
            f"Residential {settings.costs.residential_usd_per_kwh:g} USD per kWh not served, others "
            f"{settings.costs.other_usd_per_customer_hour:g} USD per customer-hour. The business case counts the named "
            f"and recorded storms, which happen once in {settings.costs.storm_years:g} year(s), against crews who "
            "repair and switch nothing, with the waits for cold load; its first year is now and not discounted.",
        ),
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def provenance(settings: RestorationSettings, folder: Path, phases: Phases, quick: bool) -> dict[str, Any]:
    """Where the result came from."""
    records = (settings.records.outages, settings.records.elements) if settings.records else ()
    given = settings.devices.table, settings.customers.table, *records
    seeds = {"seeds": {"draw": settings.draw.seed, "learning": settings.learning.seed}}
    return origin(settings.feeder, given, folder, phases, settings.learning.seed, quick) | seeds
