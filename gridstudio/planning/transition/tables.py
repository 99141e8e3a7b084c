"""The tables of a study; their columns are listed in the package's docstring."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gridstudio.planning.transition.case import FACTORS, RENEWABLE, Case, FloatArray, RepresentativeDays
from gridstudio.planning.transition.graph import Model, stage_factor
from gridstudio.planning.transition.plan_tables import (
    amounts,
    bus_names,
    capacities,
    capacities_by_bus,
    decisions,
    policy_fan,
    state_names,
    weighted_quantiles,
)
from gridstudio.planning.transition.plans import QUANTITIES
from gridstudio.planning.transition.realisations import Realisations
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.stochastic import StochasticValue
from gridstudio.planning.transition.training import Solved
from gridstudio.solve.risk import CVaR, value

DAYS_PER_YEAR = 365
_KEPT = 2000  # realisations of each sample in the table
_LEAST = 1e-6


def all_tables(
    settings: TransitionSettings,
    case: Case,
    days: RepresentativeDays,
    answers: Mapping[str, Solved],
    origin: Mapping[str, str],
) -> dict[str, pd.DataFrame]:
    """The tables of the cases and of their data."""
    told = {"risk": risk(settings, answers)} if settings.risk.averse else {}
    return told | {
        "cases": cases(settings, answers, origin),
        "factors": pd.DataFrame(
            [(name, factor, factor in on) for name, on in settings.cases.items() for factor in FACTORS],
            columns=["case", "factor", "on"],
        ),
        "decisions": pd.concat([decisions(name, answer) for name, answer in answers.items()], ignore_index=True),
        "capacities": pd.concat([capacities(name, answer) for name, answer in answers.items()], ignore_index=True),
        "capacities_by_bus": pd.concat(
            [capacities_by_bus(name, answer) for name, answer in answers.items()], ignore_index=True
        ),
        "policy_fan": pd.concat([policy_fan(name, answer) for name, answer in answers.items()], ignore_index=True),
        "published": published(settings, answers),
        "operations": pd.concat([operations(name, answer) for name, answer in answers.items()], ignore_index=True),
        "convergence": pd.concat(
            [answer.convergence.assign(case=name) for name, answer in answers.items()], ignore_index=True
        ),
        "paths": pd.concat([paths(name, answer) for name, answer in answers.items()], ignore_index=True),
        "network_buses": pd.concat([buses(name, answer) for name, answer in answers.items()], ignore_index=True),
        "network_branches": pd.concat([branches(name, answer) for name, answer in answers.items()], ignore_index=True),
        "network_zones": pd.concat([zones(name, answer) for name, answer in answers.items()], ignore_index=True),
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


def _expected(answer: Solved) -> FloatArray:
    """(item,): in service in the last stage, expected over paths, MW or pieces."""
    plan, items = answer.cost.plan, answer.model.items
    return np.asarray(plan.probabilities @ items.in_service(plan.states)[:, -1] * amounts(items))


def buses(name: str, answer: Solved) -> pd.DataFrame:
    """Buses with what is expected to be built there at the end."""
    model, expected = answer.model, _expected(answer)
    table = model.case.buses
    made = pd.DataFrame(
        {
            "case": name,
            "bus": table.name,
            "latitude": table.latitude,
            "longitude": table.longitude,
            "max_load_mw": table.max_load_mw,
        }
    )
    where = bus_names(model)
    for factor in FACTORS[:8]:
        mine = [item for item, of in enumerate(model.items.names) if of == factor]
        made[factor] = [sum(expected[item] for item in mine if where[item] == bus) for bus in table.name]
    return made


def branches(name: str, answer: Solved) -> pd.DataFrame:
    """Rights of way with what is expected to be built there at the end."""
    model, expected = answer.model, _expected(answer)
    table, bus = model.case.branches, model.case.buses.name
    made = pd.DataFrame(
        {
            "case": name,
            "branch": table.name,
            "from_bus": [bus[b] for b in table.from_bus],
            "to_bus": [bus[b] for b in table.to_bus],
            "length_km": table.length_km,
            "rating_mw": table.rating_mw,
            "existing": table.existing,
            "candidate": table.candidate,
        }
    )
    for factor in ("line", "dtr", "sssc"):
        made[factor] = _by_site(model, expected, factor, len(table))
    return made


def zones(name: str, answer: Solved) -> pd.DataFrame:
    """Zones with their wind and sun at the end."""
    model, expected = answer.model, _expected(answer)
    table = model.case.zones
    made = pd.DataFrame(
        {
            "case": name,
            "zone": table.name,
            "bus": [model.case.buses.name[b] for b in table.bus],
            "latitude": table.latitude,
            "longitude": table.longitude,
            "area_km2": table.area_km2,
        }
    )
    for factor in RENEWABLE:
        made[factor] = _by_site(model, expected, factor, len(table))
    return made


def _by_site(model: Model, expected: FloatArray, factor: str, count: int) -> FloatArray:
    found = np.zeros(count)
    if model.items.has(factor):
        found[model.items.factor(factor).site] = expected[model.items.slices[factor]]
    return found


def day_table(days: RepresentativeDays) -> pd.DataFrame:
    """Profiles of the representative days, summed over buses or averaged."""
    hours = days.load_mw.shape[1]
    return pd.DataFrame(
        {
            "day": np.repeat(np.arange(1, len(days) + 1), hours),
            "label": np.repeat(np.array(days.labels), hours),
            "weight": np.repeat(days.weights, hours),
            "hour": np.tile(np.arange(hours), len(days)),
            "load_mw": days.load_mw.sum(axis=2).ravel(),
            "wind_pu": _mean(days.wind_pu),
            "solar_pu": _mean(days.solar_pu),
            "rating_pu": _mean(days.rating_pu),
        }
    )


def _mean(profiles: FloatArray) -> FloatArray:
    return np.zeros(profiles.shape[:2]).ravel() if profiles.shape[2] == 0 else profiles.mean(axis=2).ravel()


def outlooks(case: Case) -> pd.DataFrame:
    """The chain's states and what they multiply."""
    rows, p = [], np.ones(1)
    for stage, states in enumerate(case.chain.stages):
        p = case.chain.matrices[0] if stage == 0 else p @ case.chain.matrices[stage]
        for outlook, chance in zip(states, p, strict=True):
            numbers = {
                key: getattr(outlook, key)
                for key in ("load", "fuel", "wind", "solar", "rating", "inflow", "co2_mt_per_year")
            }
            price = {f"price_{factor}": outlook.price.get(factor, 1.0) for factor in FACTORS}
            rows.append({"stage": stage + 1, "state": outlook.name, "probability": float(chance), **numbers, **price})
    return pd.DataFrame(rows)


def parameters(case: Case) -> pd.DataFrame:
    """The parameter file as read."""
    given = case.parameters
    rows = [
        (name, value, given.units.get(name, ""), given.sources.get(name, "")) for name, value in given.values.items()
    ]
    return pd.DataFrame(rows, columns=["name", "value", "unit", "source"])


def simulations(realised: Sequence[tuple[str, str, str, Realisations]]) -> dict[str, pd.DataFrame]:
    """Quantiles of the realisations, and the realisations themselves."""
    rows, each = [], []
    for case, plan, sample, found in realised:
        quantities = {
            "cost_busd": found.cost_musd / 1e3,
            "operation_busd": found.operation_musd / 1e3,
            "first_operation_busd": found.first_musd / 1e3,
            "shed_gwh": found.shed_mwh / 1e3,
            "curtailed_gwh": found.curtailed_mwh / 1e3,
        }
        for name, values in quantities.items():
            quantiles = weighted_quantiles(values, found.probabilities, (0.05, 0.25, 0.5, 0.75, 0.95))
            rows.append(
                (case, plan, sample, len(found), name, float(found.probabilities @ values), *quantiles, values.max())
            )
        kept = slice(0, _KEPT)
        each.append(
            pd.DataFrame(
                {"realisation": np.arange(1, len(found) + 1), "probability": found.probabilities, **quantities}
            )
            .drop(columns=["operation_busd", "first_operation_busd"])
            .iloc[kept]
            .assign(case=case, plan=plan, sample=sample)
        )
    columns = [
        "case",
        "plan",
        "sample",
        "realisations",
        "quantity",
        "mean",
        "p05",
        "p25",
        "p50",
        "p75",
        "p95",
        "highest",
    ]
    order = ["case", "plan", "sample", "realisation", "probability", "cost_busd", "shed_gwh", "curtailed_gwh"]
    whole = pd.concat(each, ignore_index=True)[order] if each else pd.DataFrame(columns=order)
    return {"simulations": pd.DataFrame(rows, columns=columns), "realisations": whole}


def stochastic_value(values: Mapping[str, StochasticValue]) -> pd.DataFrame:
    """(69) and what it is made of: under a risk measure what the plans count for, with the expectation their costs."""
    rows = []
    for case, found in values.items():
        rows += [
            (case, "stochastic plan", found.stochastic.value_musd, np.nan),
            (case, "plan for the mean future, in the mean future", found.mean.cost.value_musd, found.mean.bound_musd),
            (case, "plan for the mean future, held in every stage", found.whole.value_musd, np.nan),
            (case, "its first stage held, then adapted", found.first.cost.value_musd, found.first.bound_musd),
            (case, "value of the stochastic solution, whole plan held", found.of_whole_musd, np.nan),
            (case, "value of the stochastic solution, first stage held", found.of_first_musd, np.nan),
        ]
    table = pd.DataFrame(rows, columns=["case", "quantity", "busd", "bound_busd"])
    table[["busd", "bound_busd"]] = table[["busd", "bound_busd"]].astype(float) / 1e3
    return table
