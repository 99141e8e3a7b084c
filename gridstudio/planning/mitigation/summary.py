"""What the report says in words and headline numbers, and where the numbers came from."""

from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.planning.mitigation.exact import Proof
from gridstudio.planning.mitigation.excess import LOADING_TOLERANCE, VOLTAGE_TOLERANCE_PU
from gridstudio.planning.mitigation.problem import READ_PU
from gridstudio.planning.mitigation.search import Search
from gridstudio.planning.mitigation.settings import MitigationSettings
from gridstudio.planning.mitigation.setup import Setup
from gridstudio.planning.mitigation.state import State
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import provenance as origin
from gridstudio.result import Quantity


def headline(
    search: Search, before: State, after: State, unbound: State | None, proof: Proof | None, phases: Phases
) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read; ``unbound``: the plan without the budget."""
    plan, left = after.plan, after.excess.violations
    kept = [step for step in search.steps if not step.refused]
    found = {
        "cost_usd": Quantity("Cost of the plan", plan.cost_usd, "USD"),
        "measures": Quantity("Measures", len(plan.options)),
        "violations_before": Quantity("Violations before", before.excess.violations),
        "violations_after": Quantity("Violations after", left),
        "optimal": Quantity("Least cost", _least(proof, plan.cost_usd)),
        "steps": Quantity("Steps taken, each a power flow in every scenario", len(kept)),
        "power_flows": Quantity("Power flows solved", sum(phases.power_flows.values())),
        "seconds": Quantity("Time of the search", round(sum(phases.seconds.values()), 2), "s"),
        "not_converged": Quantity("Not converged, of all that was tried", sum(phases.not_converged.values())),
    }
    if unbound is not None and unbound.excess.violations:
        words = f"none is known: without a budget {unbound.excess.violations} violations stay"
        found["budget_that_works"] = Quantity("Budget that works", words)
    elif unbound is not None:
        found["budget_that_works"] = Quantity("A budget that works, the least known", unbound.plan.cost_usd, "USD")
    resorts = sorted({option.measure.replace("_", " ") for option in plan.options if option.last_resort})
    if resorts:
        words = f"the plan needs {', '.join(resorts)}, whose energy is not checked"
        found["last_resort"] = Quantity("Attention", words)
    return found


def _least(proof: Proof | None, cost_usd: float) -> str:
    if proof is None or not proof.proven(cost_usd):
        return "not proven: more combinations than may be tried"
    return f"proven among all {proof.tried} cheaper combinations of the {proof.options} options that were proposed"


def assumptions(settings: MitigationSettings, setup: Setup, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    limits, menu, growth, problem = settings.limits, settings.menu, settings.growth, setup.problem
    catalogue = f"the file {menu.catalogue.name}" if menu.catalogue else "typical public costs (not your utility's)"
    years = ", ".join(str(year) for year in growth.years)
    rows = [
        ("Quick run", "One level of the uncertain loads; no swaps, no exact search.") if quick else None,
        (
            "Loads",
            f"All loads times {growth.scale:g}, growing by {100 * growth.growth_per_year:g} % per year; the plan holds "
            f"in year {years} from now, in {len(problem.scenarios)} scenario(s) and {len(setup.hours)} time point(s). "
            "All of it is built now.",
        ),
        (
            "Time points",
            "Each starts from the taps and capacitor steps of the circuit as it stands; "
            + ("controls act." if settings.feeder.controls == "static" else "controls do not act."),
        ),
        (
            "Limits",
            f"Voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu, met to within {READ_PU:g} pu; lines up to "
            f"{limits.loading_max_pu:g} of their rating"
            + (f", transformers up to {limits.transformer_loading_max_pu:g}" if limits.check_transformers else "")
            + ".",
        ),
        (
            "Never worse",
            "No step breaks a limit that held, at any element, time point or scenario; what is broken may move by "
            f"{VOLTAGE_TOLERANCE_PU:g} pu or {100 * LOADING_TOLERANCE:g} % of its limit, counted from the step before "
            "and from the circuit as it is.",
        ),
        (
            "Not bought",
            "Nothing without which no more limits would be broken: what only eases a violation that stays is left out, "
            "and named as the best that was tried where it stays.",
        ),
        (
            "Costs",
            f"Unit costs: {catalogue}. Cost is capital and the present value of O&M over {menu.horizon_years} years "
            f"at {100 * menu.discount_rate:g} %. A larger size in the same place costs its own price.",
        ),
        (
            "Larger conductors",
            "New phase conductors on the poles that stand: resistance and GMR of standard ACSR at the new rating, the "
            "spacing and the neutral as they are. Parallel circuits are not coupled to the old ones.",
        ),
        (
            "Transformers",
            "Larger units keep the voltages, the connection and the impedance in percent. Where no single unit is "
            "large enough, equal ones stand side by side.",
        ),
        (
            "Regulators",
            "A new or larger regulator costs as a set of three, on fewer phases too; the output of a new one and its "
            "own loading are not among the quantities checked.",
        ),
        (
            "Batteries, demand response",
            "Tried only where nothing else helps; they act in every time point and their energy is not looked at.",
        ),
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def findings_table(setup: Setup) -> pd.DataFrame:
    return pd.DataFrame([(f.severity, f.text) for f in setup.findings], columns=["severity", "text"])


def provenance(settings: MitigationSettings, folder: Path, phases: Phases, quick: bool) -> dict[str, Any]:
    """Where the result came from."""
    return origin(settings.feeder, (settings.menu.catalogue,), folder, phases, None, quick)
