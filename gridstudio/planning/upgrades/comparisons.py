"""The plan beside others: for the mean future, with perfect information, for other prices, rates and budgets."""

from dataclasses import replace

import numpy as np
import pandas as pd

from gridstudio.planning.upgrades import costs, stochastic, summary, tables
from gridstudio.planning.upgrades.contract import NEVER, Plan
from gridstudio.planning.upgrades.planner import Found, risk
from gridstudio.planning.upgrades.program import Effort, Problem, Solution, priced, solve
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.planning.upgrades.setup import Setup

Named = list[tuple[str, Solution]]


def tables_of(settings: UpgradesSettings, setup: Setup, found: Found) -> dict[str, pd.DataFrame]:
    """The tables plans, stochastic, value_of_lost_load, discount_rate, pareto and solver."""
    effort, measure = _effort(settings), risk(settings)
    named: Named = [("plan", found.solution)]
    nothing = Plan(settings.horizon.years, np.full(len(setup.menu), NEVER))
    judged, under = _judged(settings, setup, found, nothing)
    bare = _plan_row(setup, under, judged, "nothing built")
    plans = [bare]
    plans.append(_plan_row(setup, found, found.solution, "plan"))
    made: dict[str, pd.DataFrame] = {}
    if settings.study.stochastic_value:
        values, naive = stochastic.values(found.problem, _mean(settings, setup, found), found.solution, measure, effort)
        judged, under = _judged(settings, setup, found, naive)
        plans.append(_plan_row(setup, under, judged, "plan for the mean future"))
        made["stochastic"] = summary.stochastic_table(replace(values, mean_plan_usd=judged.total_usd))
    made["value_of_lost_load"] = _values(settings, setup, found, named)
    made["discount_rate"] = _rates(settings, setup, found, named)
    made["pareto"] = _pareto(settings, setup, found, bare)
    made["plans"] = pd.DataFrame(plans)
    made["solver"] = tables.solver(named)
    return made


def _judged(settings: UpgradesSettings, setup: Setup, found: Found, plan: Plan) -> tuple[Solution, Found]:
    """A plan at what the best simulation finds for it, and what was found with its outcomes in place."""
    chosen, p = plan.packages(found.packages), setup.futures.probabilities
    seen = setup.provider.verify(found.packages, chosen, setup.futures, "comparison")
    outcomes = found.outcomes.corrected(chosen, seen)
    problem = costs.problem(settings, setup.menu, found.packages, outcomes, p)
    return priced(problem, plan, risk(settings), "simulated"), replace(found, outcomes=outcomes, problem=problem)


def _effort(settings: UpgradesSettings) -> Effort:
    study = settings.study
    return Effort(study.solver_seconds, study.solver_gap, study.solver_nodes)


def _mean(settings: UpgradesSettings, setup: Setup, found: Found) -> Problem:
    """The program of the one future in which everything uncertain takes its mean."""
    mean = setup.provider.outcomes(found.packages, setup.futures.mean())
    center = costs.problem(settings, setup.menu, found.packages, mean, np.ones(1))
    return replace(center, most_unserved=np.full(len(center.years), np.inf))


def _values(settings: UpgradesSettings, setup: Setup, found: Found, named: Named) -> pd.DataFrame:
    """The plan for each value of lost load."""
    rows, price = [], costs.unserved_price(settings, found.outcomes.unit)
    key = "unserved_usd_per_mwh" if found.outcomes.unit == "MWh" else "unserved_usd_per_mw"
    given = settings.money.value_sweep
    factors = [usd / price for usd in given] if given and price > 0 else list(settings.money.sweep)
    for factor in factors:
        name = f"value of lost load {price * factor:,.0f} USD"
        row = _made_anew(_with_money(settings, key, price * factor), setup, found, name, named, same=factor == 1)
        rows.append({"factor": factor, "usd_per_unit": price * factor, **row})
    return pd.DataFrame(rows)


def _rates(settings: UpgradesSettings, setup: Setup, found: Found, named: Named) -> pd.DataFrame:
    """The plan for each discount rate."""
    rows = []
    for rate in settings.money.rate_sweep:
        other, same = _with_money(settings, "discount_rate", rate), rate == settings.money.discount_rate
        rows.append({"rate": rate, **_made_anew(other, setup, found, f"discount rate {rate:.3g}", named, same)})
    return pd.DataFrame(rows)


def _with_money(settings: UpgradesSettings, key: str, number: float) -> UpgradesSettings:
    return settings.model_copy(update={"money": settings.money.model_copy(update={key: number})})


def _made_anew(
    other: UpgradesSettings, setup: Setup, found: Found, name: str, named: Named, same: bool
) -> dict[str, object]:
    """The best plan under other settings, solved as far as a comparison needs it and simulated; ``same``: no others."""
    if same:
        return _plan_row(setup, found, found.solution, name)
    study, p = other.study, found.problem.probabilities
    effort = Effort(study.comparison_seconds, min(study.comparison_gap, 1e-3), study.comparison_nodes)
    problem = costs.problem(other, setup.menu, found.packages, found.outcomes, p)
    solution = solve(problem, risk(other), effort)
    named.append((name, solution))
    judged, under = _judged(other, setup, found, solution.plan)
    return _plan_row(setup, under, judged, name)


def _pareto(settings: UpgradesSettings, setup: Setup, found: Found, bare: dict[str, object]) -> pd.DataFrame:
    """Least investment for so much unserved, priced at the study's value of lost load; ``bare``: nothing built, as
    simulated."""
    rows, study = [], settings.study
    effort = Effort(study.comparison_seconds, study.comparison_gap, study.comparison_nodes)
    for bound, solution in stochastic.pareto(found.problem, settings.study.pareto_points, effort):
        full = priced(found.problem, solution.plan, risk(settings), solution.status, solution.bound_usd)
        row = _plan_row(setup, found, full, "") if (solution.plan.stage >= 0).any() else bare
        rows.append({"bound": bound, **row, "status": solution.status, "gap": solution.gap})
    return pd.DataFrame(rows).drop(columns="plan", errors="ignore")


def _plan_row(setup: Setup, found: Found, solution: Solution, name: str) -> dict[str, object]:
    chosen, p = solution.plan.packages(found.packages), found.problem.probabilities
    used = found.outcomes.used(chosen)
    customers = setup.feeders.all_customers

    def mean(field: np.ndarray) -> float:
        return float(p @ field.sum(axis=(1, 2)))

    unserved = stochastic.unserved_in_all(found.problem, solution.plan)
    return tables.plan_row(name, solution, unserved, mean(used.customer_hours), mean(used.interruptions), customers)
