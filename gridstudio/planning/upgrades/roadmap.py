"""The plan as a road: what each feeder gets in each year, what it costs, what risk is left after each year."""

import numpy as np
import pandas as pd

from gridstudio.planning.upgrades import costs
from gridstudio.planning.upgrades.contract import Menu, Outcomes, Plan
from gridstudio.planning.upgrades.merit import Alternative, Need, needs, weighted_quantile
from gridstudio.planning.upgrades.planner import Found
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.solve.risk import CVaR, value

BUILD, BRIDGE, MONITOR, NOTHING = "build", "bridge", "monitor", "none"


def actions(
    found: Found, menu: Menu, p: np.ndarray, alternatives: dict[int, Alternative], quantile: float
) -> pd.DataFrame:
    """A row for each feeder and year; see the package's docstring."""
    plan, chosen = found.solution.plan, found.solution.plan.packages(found.packages)
    left = _in_use(found.outcomes, chosen, p, quantile)
    rows = []
    for feeder, name in enumerate(found.packages.feeders):
        for year in range(len(plan.years)):
            built = [c for c in np.flatnonzero(plan.stage == year) if menu.feeder[c] == name]
            action = _action(
                plan, menu, name, year, bool(built), left.probability[feeder, year] > 0, alternatives.get(feeder)
            )
            rows.append(
                {
                    "feeder": name,
                    "year": plan.years[year],
                    "action": action,
                    "measures": ", ".join(menu.measure[c] for c in built),
                    "spend_usd": float(menu.cost_usd[built].sum()),
                    "probability": left.probability[feeder, year],
                    "severity": left.severity[feeder, year],
                    "expected_unserved": left.expected[feeder, year],
                    "p95_mw": left.p95_mw[feeder, year],
                }
            )
    return pd.DataFrame(rows)


def _action(
    plan: Plan, menu: Menu, feeder: str, year: int, builds: bool, short: bool, other: Alternative | None
) -> str:
    """build; bridge where the feeder is short now, nothing of the plan stands there yet and a non-wires alternative is
    adequate and pays; else monitor."""
    if builds:
        return BUILD
    if not short:
        return NOTHING
    stands = any(menu.feeder[c] == feeder for c in np.flatnonzero((plan.stage >= 0) & (plan.stage <= year)))
    if stands:
        return MONITOR
    covers = other is not None and other.first_year <= plan.years[year] <= other.adequate_until
    return BRIDGE if covers and other is not None and other.deferral_usd > 0 else MONITOR


def _in_use(outcomes: Outcomes, chosen: np.ndarray, p: np.ndarray, quantile: float) -> Need:
    """Needs (feeder, year) that the packages in use leave: each year under the package of that year."""
    years = np.arange(chosen.shape[1])
    by_year = [needs(outcomes, chosen[:, year], p, quantile) for year in years]

    def of_year(field: str) -> np.ndarray:
        return np.stack([getattr(need, field)[:, year] for year, need in enumerate(by_year)], axis=1)

    return Need(*(of_year(field) for field in ("probability", "severity", "expected", "p95_mw", "highest_mw")))


def by_year(found: Found, menu: Menu, p: np.ndarray) -> pd.DataFrame:
    """A row for each year: spend, budget, and the risk that is left with what stands by then, and without any plan."""
    plan, chosen = found.solution.plan, found.solution.plan.packages(found.packages)
    rows, total = [], 0.0
    for year, label in enumerate(plan.years):
        spend = float(found.problem.spend_usd[plan.stage == year].sum())
        total += spend
        after = found.outcomes.unserved[:, chosen[:, year], year].sum(axis=1)
        before = found.nothing.unserved[:, :, year].sum(axis=1)
        usd = found.problem.recourse_usd[:, chosen[:, year], year].sum(axis=1)
        budget = found.problem.budget_usd[year]
        rows.append(
            {
                "year": label,
                "spend_usd": spend,
                "cumulative_usd": total,
                "budget_usd": budget if np.isfinite(budget) else np.nan,
                "om_usd": float(menu.om_usd_per_year[plan.in_service()[year]].sum()),
                "expected_unserved": float(p @ after),
                "p95_unserved": float(weighted_quantile(after, p, 0.95)),
                "expected_unserved_without": float(p @ before),
                "probability": float(p @ (after > 1e-9)),
                "recourse_usd": float(p @ usd),
                "feeders_short": int(((found.outcomes.unserved[:, chosen[:, year], year] > 1e-9).any(axis=0)).sum()),
            }
        )
    return pd.DataFrame(rows)


def risk(settings: UpgradesSettings, found: Found, p: np.ndarray) -> pd.DataFrame:
    """What is unserved and what it costs in each year: expected, P95, CVaR and the worst scenario, with and without."""
    used, rows = found.outcomes.used(found.solution.plan.packages(found.packages)), []
    alpha, both = settings.risk.alpha, (used, found.nothing)
    usd = [costs.recourse_usd(settings, one) for one in both]
    for year, label in enumerate(found.problem.years):
        series = [field[:, :, year].sum(axis=1) for field in (*(one.unserved for one in both), *usd)]
        for name, of in (
            ("expected", lambda x: float(p @ x)),
            ("p95", lambda x: float(weighted_quantile(x, p, 0.95))),
            ("cvar", lambda x: value(CVaR(alpha), x, p)),
            ("highest", lambda x: float(x.max())),
        ):
            rows.append((label, name, *(of(one) for one in series)))
    columns = ["year", "quantity", "unserved", "unserved_without", "recourse_usd", "recourse_usd_without"]
    return pd.DataFrame(rows, columns=columns)
