"""What the report says in words and headline numbers, and where the numbers came from."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.provenance import hashes, versions
from gridstudio.planning.upgrades.contract import Menu
from gridstudio.planning.upgrades.inputs import Hours
from gridstudio.planning.upgrades.planner import Found
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.planning.upgrades.stochastic import Values
from gridstudio.result import Quantity


def headline(found: Found, made: dict[str, pd.DataFrame], energy: bool) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read."""
    solution, years, unit = found.solution, made["years"], "MWh" if energy else "MW"
    head = {
        "total_usd": Quantity("Present value of the plan and of what stays unserved", solution.total_usd, "USD"),
        "investment_usd": Quantity(
            "of it the plan: capital and O&M, less residual value", solution.investment_usd, "USD"
        ),
        "recourse_usd": Quantity("of it unserved and curtailed energy", solution.recourse_usd, "USD"),
        "spend_usd": Quantity("Spent within the study", float(years["spend_usd"].sum()), "USD"),
        "measures": Quantity("Measures built", int((solution.plan.stage >= 0).sum())),
        "feeders": Quantity("Feeders with a measure", int(made["selection"].query("built")["feeder"].nunique())),
        "unserved_before": Quantity(
            "Unserved in the last year if nothing is built", float(years["expected_unserved_without"].iloc[-1]), unit
        ),
        "unserved_after": Quantity("and with the plan", float(years["expected_unserved"].iloc[-1]), unit),
        "status": Quantity("Solver", solution.status),
        "bound_usd": Quantity("No plan costs less than", solution.bound_usd, "USD"),
        "gap": Quantity("Gap", solution.gap),
        "holds": Quantity("The plan holds when simulated", "yes" if found.holds else "no"),
    }
    outside = made["check"].query("scenarios == 'out of sample'")
    if len(outside):
        head["out_of_sample_usd"] = Quantity(
            "Expected total on scenarios it was not made for", float(outside["expected_total_usd"].iloc[0]), "USD"
        )
    if "stochastic" in made:
        rows = list(made["stochastic"].itertuples(index=False, name=None))
        for key, (name, usd) in zip(("vss_usd", "evpi_usd"), rows[-2:], strict=True):
            head[key] = Quantity(name[0].upper() + name[1:], usd, "USD")
    return head


def stochastic_table(values: Values) -> pd.DataFrame:
    """quantity, usd: the totals and the two values."""
    rows = [
        ("plan for the scenarios", values.stochastic_usd),
        ("plan for the mean future", values.mean_plan_usd),
        ("every scenario known beforehand", values.perfect_usd),
        ("value of the stochastic solution", values.of_stochastic_solution_usd),
        ("value of perfect information" + ("" if values.exact else " (at most)"), values.of_perfect_information_usd),
    ]
    return pd.DataFrame(rows, columns=["quantity", "usd"])


def remarks(settings: UpgradesSettings, menu: Menu, hours: Hours) -> list[Finding]:
    """What is remarkable about the input, though the study can be run."""
    found = []
    acts = (menu.gain_mw > 0) | (hours.energy & ((menu.power_mw > 0) | (menu.shift_mw > 0) | (menu.shift_share > 0)))
    idle = np.flatnonzero(~acts)
    if len(idle):
        kinds = ", ".join(sorted({menu.measure[c] for c in idle}))
        found.append(
            Finding(
                "warning",
                f"{len(idle)} of {len(menu)} candidates have no effect in mode capacity ({kinds}): their voltage, "
                "storage or shifting needs representative hours or power flows.",
            )
        )
    twice = np.flatnonzero((menu.gain_mw > 0) & (menu.power_mw > 0) & hours.energy)
    if len(twice):
        found.append(
            Finding("warning", f"{menu.label(int(twice[0]))} has a gain and a battery: both count, hour by hour.")
        )
    if settings.money.budget_usd_per_year == 0:
        found.append(Finding("warning", "The budget is 0: only measures without a cost can be built."))
    if hours.energy and hours.weight_h.sum() < 8760:
        found.append(
            Finding(
                "warning",
                f"The representative hours stand for {hours.weight_h.sum():g} of 8760 hours: nothing is counted as "
                "unserved or curtailed in the others.",
            )
        )
    return found


def assumptions(settings: UpgradesSettings, energy: bool, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    given, money = settings.scenarios, settings.money
    rows = [
        ("Quick run", "Fewer scenarios, fewer points of the Pareto front.") if quick else None,
        (
            "No network",
            "Mode capacity compares a feeder's load with the least of its ratings; voltages and the place of the load "
            "on the feeder do not enter. Use it to rank feeders; mode powerflow solves the circuits.",
        ),
        (
            "Hours",
            "Load, EVs and sun follow the representative hours; what is above the rating is energy not served, in MWh."
            if energy
            else "No representative hours are given: all EVs charge at the peak, and the peak's deficit is priced per "
            "MW as the published formulation does. Give [tables] profiles for energy.",
        ),
        (
            "Years",
            "Load of year y has grown y times; EVs and solar rise linearly to their share in year "
            f"{given.adoption_year}. Money counts from year 1, which is not discounted.",
        ),
        (
            "Scenarios",
            "From a table."
            if given.table
            else f"{given.drawn} drawn (seed {given.seed}, correlation {given.correlation:g} between feeders), "
            f"{min(given.kept, given.drawn)} kept by {given.method.replace('_', ' ')}; extreme weather lasts all years "
            "of its scenario.",
        ),
        (
            "Investment",
            f"Capital and O&M at {money.discount_rate:.1%}"
            + (", less the straight-line value that is left after the last year." if money.residual_value else "."),
        ),
        ("Budget", "Capital of the year; what is not spent is not carried over, O&M does not count."),
        (
            "Projects",
            f"Judged over {money.project_years} years; after the study's last year benefits stay as in that year. Each "
            "benefit counts once: in "
            + ("customer-hours." if money.benefit == "customers" and energy else "what is unserved."),
        ),
        (
            "Alternatives",
            f"EVs shift up to {settings.alternatives.shiftable_share:.0%} of their charging within the day, a battery "
            f"covers the rest; judged at the {settings.alternatives.adequacy:.0%} quantile of the scenarios.",
        ),
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def provenance(
    settings: UpgradesSettings, folder: Path, seconds: dict[str, float], distance_mw: float, quick: bool
) -> dict[str, Any]:
    given = settings.tables
    paths = [p for p in (given.feeders, given.candidates, given.profiles, settings.scenarios.table) if p]
    packages = ("gridstudio", "linopy", "highspy", "numpy", "pandas", "scipy")
    return {
        "versions": versions(packages),
        "seed": None if settings.scenarios.table else settings.scenarios.seed,
        "inputs": hashes([folder / path for path in paths], folder),
        "reduction_distance_mw": distance_mw,
        "power_flows": 0,
        "not_converged": 0,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "quick": quick,
    }
