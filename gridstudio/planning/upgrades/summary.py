"""What the report says in words and headline numbers, and where the numbers came from."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio import engine
from gridstudio.domain.network import Finding
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import hashes, versions
from gridstudio.planning.upgrades.contract import Hours, Menu
from gridstudio.planning.upgrades.planner import Found
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.planning.upgrades.stochastic import Values
from gridstudio.result import Quantity


def headline(found: Found, made: dict[str, pd.DataFrame], energy: bool) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read."""
    solution, years, unit = found.solution, made["years"], "MWh" if energy else "MW"
    by = " (by the estimates)" if "corrections" in made else ""
    expected = float(found.problem.probabilities @ solution.scenario_usd)
    weighted = not np.isclose(expected, solution.recourse_usd, rtol=1e-9, atol=0.01)
    risk = ", weighted for risk" if weighted else ""
    unserved = "unserved and curtailed energy"
    head = {
        "total_usd": Quantity(f"Present value of the plan and of what stays unserved{risk}", solution.total_usd, "USD"),
        "investment_usd": Quantity(
            "of it the plan: capital and O&M, less residual value", solution.investment_usd, "USD"
        ),
        "recourse_usd": Quantity(f"of it {unserved}{risk}", solution.recourse_usd, "USD"),
        **({"expected_recourse_usd": Quantity(f"Expected cost of {unserved}", expected, "USD")} if weighted else {}),
        "spend_usd": Quantity("Spent within the study", float(years["spend_usd"].sum()), "USD"),
        "measures": Quantity("Measures built", int((solution.plan.stage >= 0).sum())),
        "feeders": Quantity(
            f"Feeders{_shared(made)} with a measure", int(made["selection"].query("built")["feeder"].nunique())
        ),
        "unserved_before": Quantity(
            "Unserved in the last year if nothing is built", float(years["expected_unserved_without"].iloc[-1]), unit
        ),
        "unserved_after": Quantity("and with the plan", float(years["expected_unserved"].iloc[-1]), unit),
        "status": Quantity("Solver", solution.status),
        "bound_usd": Quantity(f"No plan costs less than{by}", solution.bound_usd, "USD"),
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


def _shared(made: dict[str, pd.DataFrame]) -> str:
    """Whether a place of the circuit is named after the transformer at its head: what several feeders share."""
    rows = made.get("baseline", pd.DataFrame({"feeder": [], "head": []}))
    return " and substations" if (rows["head"] == "transformer." + rows["feeder"].astype(str)).any() else ""


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
    return found + hours_remark(hours)


def hours_remark(hours: Hours) -> list[Finding]:
    """A warning if representative hours leave a part of the year out."""
    if not hours.energy or hours.weight_h.sum() >= 8760:
        return []
    text = (
        f"The representative hours stand for {hours.weight_h.sum():g} of 8760 hours: nothing is counted as unserved or "
        "curtailed in the others."
    )
    return [Finding("warning", text)]


def nothing_found(menu: Menu) -> list[Finding]:
    """A finding if no measure is needed, or none fits."""
    if len(menu):
        return []
    text = (
        "No candidate was found: at the asked quantiles no scenario breaks a limit, or no measure fits what it breaks."
    )
    return [Finding("warning", text)]


def assumptions(settings: UpgradesSettings, energy: bool, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    given, money = settings.scenarios, settings.money
    rows = [
        ("Quick run", "Fewer scenarios, fewer points of the Pareto front.") if quick else None,
        *(_by_power_flow(settings) if settings.mode == "powerflow" else _by_arithmetic()),
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


def _by_arithmetic() -> list[tuple[str, str]]:
    return [
        (
            "No network",
            "Mode capacity compares a feeder's load with the least of its ratings; voltages and the place of the load "
            "on the feeder do not enter. Use it to rank feeders; mode powerflow solves the circuits.",
        )
    ]


def _by_power_flow(settings: UpgradesSettings) -> list[tuple[str, str]]:
    limits = settings.limits
    return [
        (
            "Unserved energy",
            "Load that must go so that no element is above its limit and no bus too low: beneath an overloaded element "
            "all load on its phase is cut alike, for a low bus that of its feeder on its phase, until a power flow "
            "shows no violation. Cutting load by load could shed less where one place limits, never more.",
        ),
        (
            "Limits",
            f"{limits.v_min_pu:g} to {limits.v_max_pu:g} pu; lines at {limits.loading_max_pu:g} of their rating, "
            f"transformers at {limits.transformer_loading_max_pu:g}. What exceeds a planning limit counts as unserved.",
        ),
        (
            "Estimate and judge",
            f"Packages are compared by polynomials fitted to {settings.powerflow.states} power flows of each set of "
            "measures; nothing built, and the chosen plan, are solved in every scenario, year and hour in which "
            "anything may bind, in and out of sample. What the estimate said of them is replaced and planned again. "
            "The plans for the mean future, other prices and other rates are simulated too; the Pareto front, perfect "
            "information and the bound rest on the estimates of what was not.",
        ),
        (
            "Loads",
            "Every load follows the profile of the class that most of its customers have; EVs charge at residential "
            "loads in proportion to their kW, at the power factor of the load; new solar stands where solar is today.",
        ),
        (
            "Batteries, demand response, EV shift",
            "Stand with the customers beneath the element that limits; what they charge or return later is solved too.",
        ),
        (
            "Conductors",
            "A replaced conductor raises the rating and leaves the impedance: losses and voltages are told no better "
            "than today's. A second circuit halves the impedance.",
        ),
        (
            "Curtailment",
            "Where solar raises a bus above its limit, or overloads an element backwards, all solar of the feeder is "
            "turned down alike until a power flow shows neither. Measures are not chosen for it: until a plan is "
            "simulated it is taken to curtail what nothing built does. Voltages that are too high without sun, from a "
            "regulator's band, are counted in needs and hours out of band.",
        ),
    ]


def provenance(
    settings: UpgradesSettings, folder: Path, phases: Phases, distance_mw: float, quick: bool
) -> dict[str, Any]:
    given = settings.tables
    paths = [given.feeders, given.candidates, given.profiles, given.customers, settings.scenarios.table]
    files = [folder / path for path in [*paths, settings.menu.catalogue] if path]
    if settings.feeder is not None:
        files += engine.source_files(folder / settings.feeder.master, settings.feeder.commands)
    packages = ("gridstudio", "linopy", "highspy", "numpy", "pandas", "scipy")
    return {
        "versions": versions(packages) | ({"engine": engine.version()} if settings.mode == "powerflow" else {}),
        "seed": None if settings.scenarios.table else settings.scenarios.seed,
        "inputs": hashes(files, folder),
        "reduction_distance_mw": distance_mw,
        "power_flows": sum(phases.power_flows.values()),
        "not_converged": sum(phases.not_converged.values()),
        "seconds": {name: round(value, 3) for name, value in phases.seconds.items()},
        "quick": quick,
    }
