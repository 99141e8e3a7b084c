"""The tables of a study's cases; their columns are listed in the package's docstring."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from gridstudio.planning.transition.case import FACTORS, Case, RepresentativeDays
from gridstudio.planning.transition.data_tables import branches, buses, day_table, outlooks, parameters, zones
from gridstudio.planning.transition.graph import DAYS_PER_YEAR, stage_factor
from gridstudio.planning.transition.plan_tables import (
    capacities,
    capacities_by_bus,
    decisions,
    policy_fan,
    state_names,
)
from gridstudio.planning.transition.plans import QUANTITIES
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.training import Solved
from gridstudio.solve.risk import CVaR, value


def all_tables(
    settings: TransitionSettings,
    case: Case,
    days: RepresentativeDays,
    answers: Mapping[str, Solved],
    origin: Mapping[str, str],
) -> dict[str, pd.DataFrame]:
    """The tables of the cases and of their data."""
    told = {"risk": risk(settings, answers)} if settings.risk.averse else {}
    on = [(name, factor, factor in given) for name, given in settings.cases.items() for factor in FACTORS]
    made: dict[str, Callable[[str, Solved], pd.DataFrame]] = {
        "decisions": decisions,
        "capacities": capacities,
        "capacities_by_bus": capacities_by_bus,
        "policy_fan": policy_fan,
        "operations": operations,
        "convergence": lambda name, answer: answer.convergence.assign(case=name),
        "paths": paths,
        "network_buses": buses,
        "network_branches": branches,
        "network_zones": zones,
    }
    each = {
        key: pd.concat([make(name, answer) for name, answer in answers.items()], ignore_index=True)
        for key, make in made.items()
    }
    return told | {
        "cases": cases(settings, answers, origin),
        "factors": pd.DataFrame(on, columns=["case", "factor", "on"]),
        "published": published(settings, answers),
        **each,
        "days": day_table(days),
        "outlooks": outlooks(case),
        "parameters": parameters(case),
    }


def cases(settings: TransitionSettings, answers: Mapping[str, Solved], origin: Mapping[str, str]) -> pd.DataFrame:
    """The table beside the published one."""
    rows = []
    for name, answer in answers.items():
        cost, p = answer.cost, answer.cost.plan.probabilities
        years = answer.model.case.years_per_stage
        total = np.tensordot(p, cost.operation, axes=1).sum(axis=0) * DAYS_PER_YEAR * years
        of = dict(zip(QUANTITIES, total, strict=True))
        trained = float(answer.convergence["seconds"].max())
        adjusted = {"risk_adjusted_busd": cost.value_musd / 1e3} if settings.risk.averse else {}
        rows.append(
            {
                "case": name,
                "factors": ", ".join(settings.cases[name]),
                "cost_busd": cost.total_musd / 1e3,
                **adjusted,
                "bound_busd": answer.bound_musd / 1e3,
                "gap": answer.gap,
                "first_stage_busd": float(p @ cost.investment_musd[:, 0]) / 1e3,
                "investment_busd": float(p @ cost.investment_musd.sum(axis=1)) / 1e3,
                "operation_busd": float(p @ cost.operation_musd.sum(axis=1)) / 1e3,
                "shed_mwh": of["shed_mwh"],
                "curtailed_mwh": of["curtailed_mwh"],
                "co2_mt": of["co2_kt"] / 1e3,
                "published_busd": settings.published_busd.get(name, np.nan),
                "iterations": len(answer.convergence),
                "solves": answer.solves,
                "seconds": answer.seconds,
                "lps_per_second": float(answer.convergence["solves"].max()) / max(trained, 1e-9),
                "reason": answer.reason,
                "plan_from": origin[name],
            }
        )
    return pd.DataFrame(rows)


def risk(settings: TransitionSettings, answers: Mapping[str, Solved]) -> pd.DataFrame:
    """What is optimised beside the plan's expected cost, and the dear end of its costs over the paths."""
    alpha, rows = settings.risk.alpha, []
    for name, answer in answers.items():
        cost, plan = answer.cost, answer.cost.plan
        worst = int(cost.path_musd.argmax())
        tail = np.nan if alpha is None else value(CVaR(alpha), cost.path_musd, plan.probabilities) / 1e3
        rows.append(
            (name, settings.risk.words, cost.value_musd / 1e3, answer.bound_musd / 1e3, answer.gap)
            + (cost.total_musd / 1e3, np.nan if alpha is None else alpha, tail, float(cost.path_musd[worst]) / 1e3)
            + (" > ".join(state_names(answer.model, plan.paths[worst])), float(plan.probabilities[worst]))
        )
    columns = "case measure risk_adjusted_busd bound_busd gap expected_busd alpha cvar_busd worst_path_busd worst_path"
    return pd.DataFrame(rows, columns=[*columns.split(), "worst_path_probability"])


def published(settings: TransitionSettings, answers: Mapping[str, Solved]) -> pd.DataFrame:
    """The order of the cases beside the published one: each cost over that of the first case."""
    rows = []
    for name, answer in answers.items():
        cost = answer.cost
        fixed = float(cost.plan.probabilities @ cost.operation_musd[:, 0])
        decided = (cost.total_musd - fixed) / 1e3
        rows.append((name, cost.total_musd / 1e3, decided, settings.published_busd.get(name, np.nan)))
    table = pd.DataFrame(rows, columns=["case", "cost_busd", "decided_busd", "published_busd"])
    for column in ("cost", "decided", "published"):
        table[f"{column}_over_first"] = table[f"{column}_busd"] / table[f"{column}_busd"].iloc[0]
    return table


def operations(name: str, answer: Solved) -> pd.DataFrame:
    """Shedding, curtailment and CO2 of each stage and state, expected over the paths that lead there."""
    model, cost, rows = answer.model, answer.cost, []
    plan = cost.plan
    for stage in range(plan.paths.shape[1]):
        for place, outlook in enumerate(model.case.chain.stages[stage]):
            mine = np.flatnonzero(plan.paths[:, stage] == place)
            chance = float(plan.probabilities[mine].sum())
            p = plan.probabilities[mine] / chance
            of = dict(zip(QUANTITIES, p @ cost.operation[mine, stage] * DAYS_PER_YEAR, strict=True))
            rows.append(
                (name, stage + 1, outlook.name, chance, of["shed_mwh"], of["curtailed_mwh"], of["co2_kt"] / 1e3)
                + (outlook.co2_mt_per_year, of["co2_above_target_kt"] / 1e3)
                + (of["cost_kusd"] / DAYS_PER_YEAR * stage_factor(model, stage),)
            )
    columns = "case stage state probability shed_mwh curtailed_mwh co2_mt co2_target_mt co2_above_mt operation_musd"
    return pd.DataFrame(rows, columns=columns.split())


def paths(name: str, answer: Solved) -> pd.DataFrame:
    """Cost of each stage of each path: what a fan of the policy is drawn from."""
    cost, rows = answer.cost, []
    for row, path in enumerate(cost.plan.paths):
        names = state_names(answer.model, path)
        for stage, state in enumerate(names):
            rows.append(
                (name, " > ".join(names), float(cost.plan.probabilities[row]), stage + 1, state)
                + (float(cost.investment_musd[row, stage]), float(cost.operation_musd[row, stage]))
            )
    columns = ["case", "path", "probability", "stage", "state", "investment_musd", "operation_musd"]
    return pd.DataFrame(rows, columns=columns)
