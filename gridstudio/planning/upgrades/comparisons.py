"""The plan beside others: for the mean future, with perfect information, for other prices, rates and budgets."""

from dataclasses import replace

import numpy as np
import pandas as pd

from gridstudio.planning.upgrades import costs, stochastic, summary, tables
from gridstudio.planning.upgrades.contract import Plan
from gridstudio.planning.upgrades.planner import Found, risk
from gridstudio.planning.upgrades.program import Effort, Problem, Solution, priced, solve
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.planning.upgrades.setup import Setup

Named = list[tuple[str, Solution]]


def tables_of(settings: UpgradesSettings, setup: Setup, found: Found) -> dict[str, pd.DataFrame]:
    """The tables plans, stochastic, value_of_lost_load, discount_rate, pareto and solver."""
    effort, measure = _effort(settings), risk(settings)
    named: Named = [("plan", found.solution)]
    nothing = Plan(settings.horizon.years, np.full(len(setup.menu), -1))
    plans = [_plan_row(setup, found, "nothing built", priced(found.problem, nothing, measure))]
    plans.append(_plan_row(setup, found, "plan", found.solution))
    made: dict[str, pd.DataFrame] = {}
    if settings.study.stochastic_value:
        values, naive = stochastic.values(found.problem, _mean(settings, setup, found), found.solution, measure, effort)
        plans.append(_plan_row(setup, found, "plan for the mean future", priced(found.problem, naive, measure)))
        made["stochastic"] = summary.stochastic_table(values)
    made["value_of_lost_load"] = _values(settings, setup, found, named)
    made["discount_rate"] = _rates(settings, setup, found, named)
    made["pareto"] = _pareto(settings, setup, found)
    made["plans"] = pd.DataFrame(plans)
    made["solver"] = tables.solver(named)
    return made


def _effort(settings: UpgradesSettings) -> Effort:
    return Effort(settings.study.solver_seconds, settings.study.solver_gap)


def _mean(settings: UpgradesSettings, setup: Setup, found: Found) -> Problem:
    """The program of the one future in which everything uncertain takes its mean."""
    mean = setup.provider.outcomes(found.packages, setup.futures.mean())
    center = costs.problem(settings, setup.menu, found.packages, mean, np.ones(1))
    return replace(center, most_unserved=np.full(len(center.years), np.inf))


def _values(settings: UpgradesSettings, setup: Setup, found: Found, named: Named) -> pd.DataFrame:
    """The plan for each value of lost load."""
    rows, price = [], costs.unserved_price(settings, found.outcomes.unit)
    given = settings.money.value_sweep
    factors = [usd / price for usd in given] if given and price > 0 else list(settings.money.sweep)
    for factor in factors:
        problem = found.problem
        if factor != 1:
            usd = costs.recourse_usd(settings, found.outcomes, factor)
            problem = problem.with_recourse(usd, problem.probabilities)
        name = f"value of lost load {price * factor:,.0f} USD"
        solution = found.solution if factor == 1 else _compared(settings, problem, name, named)
        rows.append({"factor": factor, "usd_per_unit": price * factor, **_plan_row(setup, found, name, solution)})
    return pd.DataFrame(rows)


def _rates(settings: UpgradesSettings, setup: Setup, found: Found, named: Named) -> pd.DataFrame:
    """The plan for each discount rate."""
    rows = []
    for rate in settings.money.rate_sweep:
        other = settings.model_copy(update={"money": settings.money.model_copy(update={"discount_rate": rate})})
        problem = costs.problem(other, setup.menu, found.packages, found.outcomes, found.problem.probabilities)
        same = rate == settings.money.discount_rate
        name = f"discount rate {rate:.3g}"
        solution = found.solution if same else _compared(settings, problem, name, named)
        rows.append({"rate": rate, **_plan_row(setup, found, name, solution)})
    return pd.DataFrame(rows)


def _compared(settings: UpgradesSettings, problem: Problem, name: str, named: Named) -> Solution:
    """Solved as far as a comparison needs it."""
    study = settings.study
    effort = Effort(max(study.comparison_seconds, 5.0), min(study.comparison_gap, 1e-3))
    solution = solve(problem, risk(settings), effort)
    named.append((name, solution))
    return solution


def _pareto(settings: UpgradesSettings, setup: Setup, found: Found) -> pd.DataFrame:
    """Least investment for so much unserved, priced at the study's value of lost load."""
    rows, effort = [], Effort(settings.study.comparison_seconds, settings.study.comparison_gap)
    for bound, solution in stochastic.pareto(found.problem, settings.study.pareto_points, effort):
        full = priced(found.problem, solution.plan, risk(settings), solution.status, solution.bound_usd)
        rows.append(
            {"bound": bound, **_plan_row(setup, found, "", full), "status": solution.status, "gap": solution.gap}
        )
    return pd.DataFrame(rows).drop(columns="plan", errors="ignore")


def _plan_row(setup: Setup, found: Found, name: str, solution: Solution) -> dict[str, object]:
    chosen, p = solution.plan.packages(found.packages), found.problem.probabilities
    used = found.outcomes.used(chosen)
    customers = setup.feeders.all_customers

    def mean(field: np.ndarray) -> float:
        return float(p @ field.sum(axis=(1, 2)))

    unserved = stochastic.unserved_in_all(found.problem, solution.plan)
    return tables.plan_row(name, solution, unserved, mean(used.customer_hours), mean(used.interruptions), customers)
