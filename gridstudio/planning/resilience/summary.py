"""What the report says in words and headline numbers, and where the numbers came from."""

from collections.abc import Iterator, Sequence
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

MOST_NAMES = 6
SOLVERS = ("linopy", "highspy")
ANOTHER = "Another machine may find another plan there: raise the seconds, or the gap."
STATUS = {"optimal": "within the gap asked for", "feasible": "gap left open"}
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
    inside = next(each for storms, case, each in risks if (storms, case) == ("scenarios", "plan"))
    return {
        "plan": Quantity("Sources", _sources(problem, checked)),
        **_investments(problem, made),
        **_picked_up(problem, made),
        **_lost(problem, risks),
        "objective_kw": Quantity("Objective of the program, over its scenarios", inside.objective_kw, "weighted kW"),
        "gap_pct": Quantity("Gap of the program", 100 * checked.solution.gap, "%"),
        "status": Quantity("Program", STATUS[checked.solution.status]),
        "mean_kw": Quantity("Expected loss over the scenarios", inside.mean_kw, "weighted kW"),
        "cvar_kw": Quantity("CVaR over the scenarios", inside.cvar_kw, "weighted kW"),
        "vss_kw": Quantity("Value of the stochastic solution", found.value_kw, "weighted kW"),
        "islands": Quantity("Islands, all solved by power flow", len(made["islands"])),
        "cut": Quantity("Islands that the power flow refused", checked.cut),
        "power_flows": Quantity("Power flows solved", sum(phases.power_flows.values())),
        "not_converged": Quantity("Not converged", sum(phases.not_converged.values())),
    }


def _sources(problem: Problem, checked: Checked) -> str:
    sites, plan = problem.sites, checked.plan
    rows = zip(sites.names, plan.beta_kw, built(plan), strict=True)
    return ", ".join(f"{name} {kw:.0f} kW" for name, kw, on in rows if on) or "none"


def _investments(problem: Problem, made: Tables) -> dict[str, Quantity]:
    """Only where the study offers any."""
    if not problem.budget.usd:
        return {}
    table = made["investments"]
    named = [str(element).split(".", 1)[-1] for element in table["element"]]
    words = table["what"].map({"hardened line": "harden", "added switch": "switch at"})
    rows = [f"{word} {name}" for word, name in zip(words, named, strict=True)]
    label = f"Lines and switches, {_number(float(table['usd'].sum()))} of {_number(problem.budget.usd)} USD"
    return {"investments": Quantity(label, ", ".join(rows) if len(rows) <= MOST_NAMES else f"{len(rows)}, see table")}


def _picked_up(problem: Problem, made: Tables) -> dict[str, Quantity]:
    """Critical load picked up over the fresh storms, in the mean and in the worst, with and without the plan."""
    grid, found = problem.grid, made["critical"].set_index("case")
    whole_kw = float(grid.load_kw.sum(axis=1)[grid.load_critical].sum())
    if not whole_kw:
        return {}
    head = {}
    for name, key, what in (("mean", "critical_kw", "mean of storms"), ("worst", "worst_critical_kw", _worst(problem))):
        after, before = (
            _with_error(found.at[case, f"{name}_kw"], found.at[case, f"{name}_se_kw"], f"of {_number(whole_kw)} kW")
            for case in ("plan", "without")
        )
        head[key] = Quantity(f"Critical load picked up, {what}", after)
        head[f"bare_{key}"] = Quantity("The same without the plan", before)
    return head


def _lost(problem: Problem, risks: Sequence[tuple[str, str, Measured]]) -> dict[str, Quantity]:
    """Prioritised load lost over the fresh storms, with and without the plan."""
    risk = {case: each for storms, case, each in risks if storms == "fresh"}
    after, before, unit = risk["plan"], risk["without"], "weighted kW"
    bare, lost = "The same without the plan", "Prioritised load lost"
    return {
        "fresh_mean_kw": Quantity(f"{lost}, mean of storms", _with_error(after.mean_kw, after.mean_se_kw, unit)),
        "bare_mean_kw": Quantity(bare, _with_error(before.mean_kw, before.mean_se_kw, unit)),
        "fresh_cvar_kw": Quantity(
            f"{lost}, {_worst(problem)} (CVaR)", _with_error(after.cvar_kw, after.cvar_se_kw, unit)
        ),
        "bare_cvar_kw": Quantity(bare, _with_error(before.cvar_kw, before.cvar_se_kw, unit)),
    }


def _worst(problem: Problem) -> str:
    return f"worst {100 * (1 - problem.risk.alpha):.6g} % of storms"


def _with_error(value: float, error: float, unit: str) -> str:
    return f"{_number(value)} ± {_number(error)} {unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f")


# ---- findings ------------------------------------------------------------------------------------


def findings_table(
    settings: ResilienceSettings, found: Sequence[Finding], drawn: MonteCarlo, checked: Checked, made: Tables
) -> pd.DataFrame:
    """severity, text."""
    warnings = [
        *_storm_warnings(settings, drawn, made),
        *_plan_warnings(settings, checked),
        *(_sweep_warnings(settings, made["sweep"]) if "sweep" in made else ()),
    ]
    rows = [(finding.severity, finding.text) for finding in found] + [("warning", text) for text in warnings]
    return pd.DataFrame(rows, columns=["severity", "text"])


def _storm_warnings(settings: ResilienceSettings, drawn: MonteCarlo, made: Tables) -> Iterator[str]:
    if not drawn.converged:
        share = 100 * drawn.standard_error / drawn.mean if drawn.mean else 0.0
        yield (
            f"After {len(drawn.loss)} storms the standard error of the mean loss is {share:.2g} %, more than the "
            f"{settings.monte_carlo.standard_error_pct:g} % asked for: raise monte_carlo.storms."
        )
    if not drawn.loss.any():
        yield "No storm takes any load: the wind is too weak for these lines."
    calm = made["scenarios"].query("sections_out == 0")["q_kw"]
    if (calm > 1e-6).any():
        yield (
            f"Without any fault {calm.max():.0f} weighted kW are lost: the circuit as it stands breaks the limits. "
            "Storms usually allow emergency ratings (limits.loading_max_pu)."
        )
    lumps = [*made["risk"].query("storms == 'fresh' and var_se_kw == 0")[["case", "var_kw"]].itertuples(index=False)]
    if lumps:
        named = " and ".join(f"{kw:.0f} weighted kW, case {case}" for case, kw in lumps)
        yield f"VaR has a standard error of 0 because many storms lose the same ({named}), not because it is exact."


def _plan_warnings(settings: ResilienceSettings, checked: Checked) -> Iterator[str]:
    if checked.cut:
        yield f"The power flow refused {checked.cut} islands that the program took for feasible; none of them is told."
    solution, asked = checked.solution, settings.solver.gap
    if solution.gap > asked + 1e-9:
        yield (
            f"The plan is proven to {100 * solution.gap:.2g} %, not to the {100 * asked:g} % asked for: raise "
            "solver.seconds."
        )
    if solution.stopped_by_clock:
        yield f"The clock stopped the search for the plan. {ANOTHER}"


def _sweep_warnings(settings: ResilienceSettings, sweep: pd.DataFrame) -> Iterator[str]:
    if late := int((sweep["gap"] > settings.sweep.gap + 1e-9).sum()):
        yield (
            f"{late} of {len(sweep)} points of the sweeps are not proven to {100 * settings.sweep.gap:g} %. See "
            "column gap."
        )
    if stopped := sweep.loc[sweep["stopped_by_clock"].astype(bool), "point"].tolist():
        yield f"Points of the sweeps that the clock stopped: {', '.join(map(str, stopped))}. {ANOTHER}"


# ---- assumptions ---------------------------------------------------------------------------------


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
