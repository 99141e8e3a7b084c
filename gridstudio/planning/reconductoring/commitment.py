"""Tables of the robust plans, carried out in every scenario and solved, and the regret of the scenarios' own plans."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.scenarios import Scenario
from gridstudio.planning.reconductoring.modes import Evaluate, Planned, in_force, needs
from gridstudio.planning.reconductoring.problem import Plan, Problem
from gridstudio.planning.reconductoring.robust import LineOptions, RobustPlan, line_options, robust_plans
from gridstudio.planning.reconductoring.settings import Robust
from gridstudio.planning.reconductoring.tables import replacements
from gridstudio.solve.risk import CVaR, value

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
ROUNDS = 6  # of raising needs by what the robust plans' power flows show
MOST_REGRET_CASES = 20_000  # own plans times scenarios that are solved for the table of regrets


def commit(
    problem: Problem, scenarios: Sequence[Scenario], planned: Planned, settings: Robust, evaluate: Evaluate
) -> dict[str, pd.DataFrame]:
    """Tables ``robust``, ``robust_interventions`` and ``regret``.

    robust: measure, cost_committed_usd, cost_expected_usd, cost_cvar_usd, cost_max_usd, regret_expected_usd,
    regret_max_usd, corrections_expected, overloads_left, undervoltages_left, proven. Costs are present values with
    corrections, plus the change of the lines' losses against today's conductors if losses are priced.
    robust_interventions: measure and the columns of ``replacements``.
    regret: plan_of_scenario, scenario, regret_usd, holds (no line overloaded, corrections included); each distinct own
    plan once, under its first scenario; where they are too many to be solved, the most probable. A plan has regret
    in its own scenario only where one correction more than K allows, or the joint search, found something cheaper.
    """
    probability = np.array([s.probability for s in scenarios])
    needed = planned.needed
    for _ in range(ROUNDS):
        options = line_options(problem, needed, settings.correction_factor, planned.squares_a2)
        robust = robust_plans(options, probability, settings.cvar_alpha)
        over, shown, low = _solved(problem, scenarios, planned, options, [r.plan for r in robust], evaluate, "robust")
        shown = np.where(over, shown, 0).max(axis=0)
        if (shown <= needed).all():
            break
        needed = np.maximum(needed, shown)
    own_usd = _own_usd(options, len(scenarios))
    rows = []
    for item, overloaded, undervoltages in zip(robust, over, low, strict=True):
        regret = item.cost_usd - own_usd
        corrections = [_corrections(options, item, s) for s in range(len(scenarios))]
        rows.append(
            {
                "measure": item.measure,
                "cost_committed_usd": problem.capital_usd(item.plan),
                "cost_expected_usd": float(probability @ item.cost_usd),
                "cost_cvar_usd": value(CVaR(settings.cvar_alpha), item.cost_usd, probability),
                "cost_max_usd": float(item.cost_usd.max()),
                "regret_expected_usd": float(probability @ regret),
                "regret_max_usd": float(regret.max()),
                "corrections_expected": float(probability @ corrections),
                "overloads_left": int(overloaded.sum()),
                "undervoltages_left": int(undervoltages),
                "proven": item.proven,
            }
        )
    committed = pd.concat([replacements(problem, item.plan) for item in robust], ignore_index=True)
    committed.insert(0, "measure", np.repeat([i.measure for i in robust], [len(i.plan.replacements) for i in robust]))
    regret_table = _regret(problem, scenarios, planned, options, own_usd, evaluate)
    return {"robust": pd.DataFrame(rows), "robust_interventions": committed, "regret": regret_table}


def _own_usd(options: Sequence[LineOptions], scenarios: int) -> Floats:
    """What each scenario's best plan in hindsight costs (scenario,): the cheapest option of every line."""
    total: Floats = np.sum([np.zeros(scenarios), *(option.own_usd for option in options)], axis=0)
    return total


def _carried_out(options: Sequence[LineOptions], plan: Plan, scenario: int) -> Plan:
    """What becomes of a plan in a scenario."""
    return Plan.of({o.line: o.completed_of(plan.of_line(o.line), scenario) for o in options})


def _solved(
    problem: Problem,
    scenarios: Sequence[Scenario],
    planned: Planned,
    options: Sequence[LineOptions],
    plans: Sequence[Plan],
    evaluate: Evaluate,
    phase: str,
) -> tuple[NDArray[np.bool_], Ints, Ints]:
    """Every plan carried out in every scenario: what is overloaded and what is needed (plan, scenario, line, year),
    and how many voltages are low (plan,)."""
    every = [_carried_out(options, plan, s) for plan in plans for s in range(len(scenarios))]
    found, row = planned.after, np.tile(np.arange(len(scenarios)), len(plans))
    if problem.moves_power_flow:
        cases = [(problem.changes(plan), scenarios[s]) for plan, s in zip(every, row, strict=True)]
        found, row = evaluate(phase, cases), np.arange(len(every))
    shape = (len(plans), len(scenarios), len(problem.lines), problem.years)
    shown = needs(problem, found)[row].reshape(shape)
    low = found.verdict().low.sum(axis=(1, 2))[row].reshape(shape[:2]).sum(axis=1)
    return shown > in_force(problem, every).reshape(shape), shown, low


def _corrections(options: Sequence[LineOptions], item: RobustPlan, scenario: int) -> int:
    """Replacements that the committed plan did not foresee."""
    done = _carried_out(options, item.plan, scenario)
    return len(set(done.replacements) - set(item.plan.replacements))


def _regret(
    problem: Problem,
    scenarios: Sequence[Scenario],
    planned: Planned,
    options: Sequence[LineOptions],
    own_usd: Floats,
    evaluate: Evaluate,
) -> pd.DataFrame:
    """Regret of distinct own plans in every scenario, and whether each, with its corrections, holds."""
    chosen = _distinct(planned, scenarios, MOST_REGRET_CASES // len(scenarios))
    own_plans = [planned.plans[s] for s in chosen]
    over, _, _ = _solved(problem, scenarios, planned, options, own_plans, evaluate, "regret")
    cost_usd = [sum((o.cost_of(plan.of_line(o.line)) for o in options), 0.0 * own_usd) for plan in own_plans]
    return pd.DataFrame(
        {
            "plan_of_scenario": np.repeat([scenarios[s].name for s in chosen], len(scenarios)),
            "scenario": np.tile([s.name for s in scenarios], len(chosen)),
            "regret_usd": (np.array(cost_usd) - own_usd).ravel(),
            "holds": ~over.any(axis=(2, 3)).ravel(),
        }
    )


def _distinct(planned: Planned, scenarios: Sequence[Scenario], most: int) -> list[int]:
    """First scenario of each distinct own plan, the most probable plans if there are more than ``most``; in order."""
    first: dict[Plan, int] = {}
    probability: dict[Plan, float] = {}
    for s, plan in enumerate(planned.plans):
        first.setdefault(plan, s)
        probability[plan] = probability.get(plan, 0.0) + scenarios[s].probability
    ranked = sorted(first, key=lambda plan: -probability[plan])
    return sorted(first[plan] for plan in ranked[: max(most, 1)])
