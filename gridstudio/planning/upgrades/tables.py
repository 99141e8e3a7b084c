"""The tables of a study; their columns are listed in the package's docstring."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from gridstudio.planning.upgrades.contract import Futures, Menu, Outcomes
from gridstudio.planning.upgrades.inputs import Feeders
from gridstudio.planning.upgrades.merit import (
    Alternative,
    merit,
    needs,
    project_flows,
    weighted_quantile,
    yearly_benefit,
)
from gridstudio.planning.upgrades.planner import Found
from gridstudio.planning.upgrades.program import Solution
from gridstudio.planning.upgrades.settings import UpgradesSettings


def ranking(found: Found, feeders: Feeders, customers: np.ndarray, p: np.ndarray) -> pd.DataFrame:
    """Feeders by what is expected to be unserved in the last year if nothing is built, the worst first."""
    before = needs(found.nothing, np.arange(len(feeders.names)), p)
    after = needs(found.outcomes, found.solution.plan.packages(found.packages)[:, -1], p)
    table = pd.DataFrame(
        {
            "feeder": feeders.names,
            "customers": customers,
            "peak_mw": feeders.peak_mw,
            "rated_mw": [feeders.rated_mw[feeders.limit_feeder == f].min() for f in range(len(feeders))],
            "probability": before.probability[:, -1],
            "severity": before.severity[:, -1],
            "expected_unserved": before.expected[:, -1],
            "mean_mw": p @ found.nothing.over_mw[:, :, -1],
            "p95_mw": before.p95_mw[:, -1],
            "highest_mw": before.highest_mw[:, -1],
            "expected_unserved_after": after.expected[:, -1],
            "p95_mw_after": after.p95_mw[:, -1],
        }
    )
    table = table.sort_values(
        ["expected_unserved", "feeder"], ascending=[False, True], kind="stable", ignore_index=True
    )
    return table.assign(rank=np.arange(1, len(table) + 1))


def selection(found: Found, menu: Menu) -> pd.DataFrame:
    """Every candidate: what it is, when it is built (0: never)."""
    stage = found.solution.plan.stage
    years = np.array([0, *found.solution.plan.years])
    return pd.DataFrame(
        {
            "feeder": menu.feeder,
            "measure": menu.measure,
            "limit": menu.limit,
            "cost_usd": menu.cost_usd,
            "om_usd_per_year": menu.om_usd_per_year,
            "life_years": menu.life_years,
            "gain_mw": menu.gain_mw,
            "built": stage >= 0,
            "year": years[stage + 1],
            "present_value_usd": [
                found.problem.build_usd[c, year] if year >= 0 else 0.0 for c, year in enumerate(stage)
            ],
        }
    )


def projects(settings: UpgradesSettings, found: Found, menu: Menu, p: np.ndarray) -> pd.DataFrame:
    """Merit of what is built on each feeder, for every discount rate of the band."""
    chosen, plan = found.solution.plan.packages(found.packages), found.solution.plan
    columns = ["feeder", "measures", "discount_rate", "first_year_benefit_usd", "last_year_benefit_usd"]
    columns += ["benefit_usd", "cost_usd", "npv_usd", "bcr", "payback_years"]
    rows = []
    for number, feeder in enumerate(found.packages.feeders):
        built = [c for c in np.flatnonzero(plan.stage >= 0) if menu.feeder[c] == feeder]
        if not built:
            continue
        yearly = yearly_benefit(settings, found.nothing, found.outcomes, p, number, chosen[number])
        benefits, spending = project_flows(settings, menu, plan, feeder, yearly)
        names = ", ".join(menu.measure[c] for c in built)
        for rate in settings.money.discount_band:
            worth = asdict(merit(benefits, spending, rate))
            rows.append((feeder, names, rate, yearly[0], yearly[-1], *worth.values()))
    return pd.DataFrame(rows, columns=columns)


def scenarios(futures: Futures, found: Found) -> pd.DataFrame:
    """Every scenario that was planned for: its drivers (mean over feeders), what is unserved before and after."""
    years = np.arange(len(found.problem.years))
    chosen = found.solution.plan.packages(found.packages)
    return pd.DataFrame(
        {
            "scenario": np.arange(len(futures)),
            "probability": futures.probabilities,
            "growth": futures.growth.mean(axis=1),
            "solar_share": futures.solar_share.mean(axis=1),
            "ev_share": futures.ev_share.mean(axis=1),
            "ev_kw": futures.ev_kw.mean(axis=1),
            "weather": futures.weather.mean(axis=1),
            "unserved_without": found.nothing.unserved.sum(axis=(1, 2)),
            "unserved": found.outcomes.unserved[:, chosen, years].sum(axis=(1, 2)),
            "recourse_usd": found.solution.scenario_usd,
        }
    )


def alternatives(found: dict[int, Alternative], names: Sequence[str], by_hours: bool) -> pd.DataFrame:
    """Non-wires alternatives of the feeders that are short at the asked quantile."""
    columns = ["feeder", "first_year", "shift_mw", "battery_mw", "adequate_until", "cost_usd", "wires_usd"]
    rows = [(names[feeder], *asdict(item).values()) for feeder, item in found.items()]
    return pd.DataFrame(rows, columns=[*columns, "deferral_usd"]).assign(judged_by="hours" if by_hours else "peak")


def checked(found: Found, sets: Sequence[tuple[str, np.ndarray, Outcomes, np.ndarray]]) -> pd.DataFrame:
    """The plan simulated: a row for each set of scenarios (name, probabilities, outcomes of the plan, recourse of the
    same); fields are (scenario, feeder, year)."""
    rows = []
    for name, p, outcomes, usd in sets:
        unserved, cost = outcomes.unserved.sum(axis=(1, 2)), usd.sum(axis=(1, 2))
        rows.append(
            {
                "scenarios": name,
                "count": len(p),
                "expected_unserved": float(p @ unserved),
                "p95_unserved": float(weighted_quantile(unserved, p, 0.95)),
                "highest_unserved": float(unserved.max()),
                "probability": float(p @ (unserved > 1e-9)),
                "expected_curtailed": float(p @ outcomes.curtailed.sum(axis=(1, 2))),
                "expected_customer_hours": float(p @ outcomes.customer_hours.sum(axis=(1, 2))),
                "expected_recourse_usd": float(p @ cost),
                "p95_recourse_usd": float(weighted_quantile(cost, p, 0.95)),
                "expected_total_usd": found.solution.investment_usd + float(p @ cost),
            }
        )
    return pd.DataFrame(rows)


def deficits(found: Found, p: np.ndarray) -> pd.DataFrame:
    """What each feeder lacks in each year if nothing is built."""
    need, rows = needs(found.nothing, np.arange(len(found.packages.feeders)), p), []
    for feeder, name in enumerate(found.packages.feeders):
        for year, label in enumerate(found.problem.years):
            unserved = found.nothing.unserved[:, feeder, year]
            rows.append(
                {
                    "feeder": name,
                    "year": label,
                    "probability": need.probability[feeder, year],
                    "mean_mw": float(p @ found.nothing.over_mw[:, feeder, year]),
                    "p95_mw": need.p95_mw[feeder, year],
                    "highest_mw": need.highest_mw[feeder, year],
                    "mean_unserved": need.expected[feeder, year],
                    "p95_unserved": float(weighted_quantile(unserved, p, 0.95)),
                    "highest_unserved": float(unserved.max()),
                }
            )
    return pd.DataFrame(rows)


def solver(named: Sequence[tuple[str, Solution]]) -> pd.DataFrame:
    """What the solver says of each program."""
    rows = [
        {
            "program": name,
            "status": s.status,
            "total_usd": s.total_usd,
            "bound_usd": s.bound_usd,
            "gap": s.gap,
            "variables": s.variables,
            "constraints": s.constraints,
            "nonzeros": s.nonzeros,
            "seconds": s.seconds,
        }
        for name, s in named
    ]
    return pd.DataFrame(rows)


def plan_row(
    name: str, solution: Solution, unserved: float, customer_hours: float, interruptions: float, customers: float
) -> dict[str, object]:
    """One plan in a comparison: its investment, what stays unserved, SAIDI and SAIFI (hours and interruptions per
    customer, over the study)."""
    return {
        "plan": name,
        "investment_usd": solution.investment_usd,
        "recourse_usd": solution.recourse_usd,
        "total_usd": solution.total_usd,
        "expected_unserved": unserved,
        "saidi_h": customer_hours / customers if customers > 0 else 0.0,
        "saifi": interruptions / customers if customers > 0 else 0.0,
        "measures": int((solution.plan.stage >= 0).sum()),
    }
