"""What the report says in words and headline numbers, and where the numbers came from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import PACKAGES, versions
from gridstudio.planning.provenance import provenance as origin
from gridstudio.planning.resilience.contract import Checked, Problem
from gridstudio.planning.resilience.evaluate import Measured, StochasticValue, built
from gridstudio.planning.resilience.outages import MonteCarlo
from gridstudio.planning.resilience.settings import ResilienceSettings
from gridstudio.result import Quantity

SOLVERS = ("linopy", "highspy")
Tables = dict[str, pd.DataFrame]


def headline(
    problem: Problem,
    checked: Checked,
    risks: Sequence[tuple[str, str, Measured]],
    found: StochasticValue,
    made: Tables,
    phases: Phases,
) -> dict[str, Quantity]:
    """The numbers that come first, in the order in which they are read."""
    plan, sites, risk = checked.plan, problem.sites, {(storms, case): each for storms, case, each in risks}
    built_sites = [f"{n} {kw:.0f} kW" for n, kw, on in zip(sites.names, plan.beta_kw, built(plan), strict=True) if on]
    inside, fresh, bare = risk["scenarios", "plan"], risk["fresh", "plan"], risk["fresh", "without"]
    alpha = f"{100 * problem.risk.alpha:g} %"
    critical_kw = float(made["losses"]["critical_kw"].mean())
    return {
        "plan": Quantity("Sources", ", ".join(built_sites) or "none"),
        "objective_kw": Quantity("Prioritised load lost, objective", inside.objective_kw, "weighted kW"),
        "gap_pct": Quantity("Gap of the program", 100 * checked.solution.gap, "%"),
        "status": Quantity("Solver", checked.solution.status),
        "mean_kw": Quantity("Expected loss, scenarios", inside.mean_kw, "weighted kW"),
        "cvar_kw": Quantity(f"CVaR at {alpha}, scenarios", inside.cvar_kw, "weighted kW"),
        "fresh_mean_kw": Quantity("Expected loss, fresh storms", _with_error(fresh.mean_kw, fresh.mean_se_kw)),
        "bare_mean_kw": Quantity("The same without sources", _with_error(bare.mean_kw, bare.mean_se_kw)),
        "fresh_cvar_kw": Quantity(f"CVaR at {alpha}, fresh storms", _with_error(fresh.cvar_kw, fresh.cvar_se_kw)),
        "bare_cvar_kw": Quantity("The same without sources", _with_error(bare.cvar_kw, bare.cvar_se_kw)),
        "critical_kw": Quantity("Critical load picked up, mean of fresh storms", critical_kw, "kW"),
        "vss_kw": Quantity("Value of the stochastic solution", found.value_kw, "weighted kW"),
        "islands": Quantity("Islands, all solved by power flow", len(made["islands"])),
        "cut": Quantity("Islands that the power flow refused", checked.cut),
        "power_flows": Quantity("Power flows solved", sum(phases.power_flows.values())),
        "not_converged": Quantity("Not converged", sum(phases.not_converged.values())),
    }


def _with_error(value: float, error: float) -> str:
    return f"{value:,.0f} ± {error:,.0f} weighted kW"


def findings_table(
    settings: ResilienceSettings, found: Sequence[Finding], drawn: MonteCarlo, checked: Checked, made: Tables
) -> pd.DataFrame:
    """severity, text."""
    rows = [(finding.severity, finding.text) for finding in found]
    if not drawn.converged:
        share = 100 * drawn.standard_error / drawn.mean if drawn.mean else 0.0
        rows.append(
            (
                "warning",
                f"After {len(drawn.loss)} storms the standard error of the mean loss is {share:.2g} %, more than the "
                f"{settings.monte_carlo.standard_error_pct:g} % asked for: raise monte_carlo.storms.",
            )
        )
    if not drawn.loss.any():
        rows.append(("warning", "No storm takes any load: the wind is too weak for these lines."))
    if checked.cut:
        text = f"The power flow refused {checked.cut} islands that the program took for feasible; none of them is told."
        rows.append(("warning", text))
    calm = made["scenarios"].query("sections_out == 0")["q_kw"]
    if (calm > 1e-6).any():
        rows.append(
            (
                "warning",
                f"Without any fault {calm.max():.0f} weighted kW are lost: the circuit as it stands breaks the limits. "
                "Storms usually allow emergency ratings (limits.loading_max_pu).",
            )
        )
    solution, asked = checked.solution, settings.solver.gap
    if solution.gap > asked + 1e-9:
        rows.append(
            (
                "warning",
                f"The plan is proven to {100 * solution.gap:.2g} %, not to the {100 * asked:g} % asked for: raise "
                "solver.seconds. Where time ends the search, another machine may find another plan.",
            )
        )
    if "sweep" in made and (late := int((made["sweep"]["gap"] > settings.sweep.gap + 1e-9).sum())):
        text = f"{late} of {len(made['sweep'])} points of the sweeps are not proven to {100 * settings.sweep.gap:g} %."
        rows.append(("warning", text + " See column gap."))
    return pd.DataFrame(rows, columns=["severity", "text"])


def assumptions(settings: ResilienceSettings, drawn: MonteCarlo, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    limits, budget, risk = settings.limits, settings.budget, settings.risk
    rows = [
        ("Quick run", "A tenth of the storms, nine scenarios, wider gaps, the ends of every sweep.") if quick else None,
        (
            "Wind",
            "One wind speed per event for the whole feeder, drawn from "
            + ", ".join(f"{name} ({100 * share:g} %)" for name, share in settings.weather.shares.items() if share)
            + f" of {settings.weather.table.name}; see there which parameters are assumed.",
        ),
        (
            "Fragility",
            f"Curves of {settings.lines.fragility.name} for a reference length; equal lengths fail independently. "
            "Switches do not fail. Which lines are in the ground is told by line codes.",
        ),
        (
            "Faults",
            "A failed line puts its section out of service until it is repaired: nothing within a section isolates the "
            "fault. A device stands at the supply side of its line.",
        ),
        (
            "Monte Carlo",
            f"{len(drawn.loss)} storms, seed {settings.monte_carlo.seed}. Their losses, for convergence and selection, "
            "are by connectivity of sections without new sources: any device may close, neither kW nor voltages bind.",
        ),
        (
            "Scenarios",
            f"{settings.scenarios.keep} at most, by stratum of wind speed and least distance in weighted kW; "
            f"{settings.scenarios.fresh} fresh storms of another stream judge the plan.",
        ),
        (
            "Load",
            "Published kW and kvar, steady. Weights and critical loads are those of "
            f"{settings.loads.weights.name}, all others weigh {settings.loads.others:g}. Loads of a "
            f"{settings.loads.pickup} are picked up together, or not at all: each needs a switch that can be operated.",
        ),
        (
            "Sources",
            "Grid-forming, up to their size, "
            f"{min(site.kva_per_kw for site in settings.sites):g} kVA per kW at least; energy is not limited and they "
            "do not fail. The budget is the sum of their kW, as in the paper.",
        ),
        (
            "Limits",
            f"Every island: voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu, lines up to "
            f"{limits.loading_max_pu:g} of their rating"
            + (f", transformers up to {limits.transformer_loading_max_pu:g}" if limits.check_transformers else "")
            + ", solved by OpenDSS with the new source as its swing.",
        ),
        (
            "Objective",
            f"(1 - lambda) E + lambda CVaR of the prioritised load lost, lambda {risk.lambda_:g}, alpha "
            f"{risk.alpha:g}; budget {budget.kw:g} kW"
            + (f" and {budget.usd:,.0f} USD for lines and switches." if budget.usd else "."),
        ),
        (
            "Program",
            "Sizes are searched in whole steps (a 120th of the largest site), lines to harden one by one or by what a "
            "section lacks, without hardening first; the islands are optimal for them. The "
            "bound is by decomposition into the parts that storms leave, by branch and bound, or by the program as a "
            "whole. It holds for what power flows have not ruled out: a way that not even the load worth most can be "
            "served on, for low voltage, is closed to all.",
        ),
        (
            "Stochastic value",
            "The mean storm is the scenario of mean damage (weighted kW in the dark) among those with a fault: the "
            "mean of all would often be the storm without a fault, and half a fault does not exist.",
        ),
    ]
    return pd.DataFrame([row for row in rows if row], columns=["topic", "text"])


def given_files(settings: ResilienceSettings) -> tuple[Path | None, ...]:
    """Tables of the study beside its circuit."""
    return settings.devices.table, settings.weather.table, settings.lines.fragility, settings.loads.weights


def provenance(settings: ResilienceSettings, folder: Path, phases: Phases, quick: bool) -> dict[str, Any]:
    """Where the result came from."""
    found = origin(settings.feeder, given_files(settings), folder, phases, settings.monte_carlo.seed, quick)
    found["versions"] |= versions(SOLVERS)
    return found


def versions_of_all() -> dict[str, str]:
    return versions((*PACKAGES, *SOLVERS))
