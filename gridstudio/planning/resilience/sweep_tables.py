"""The tables of the sensitivity sweeps; columns are listed in the package."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from gridstudio.planning.resilience.contract import Risk
from gridstudio.planning.resilience.evaluate import measured
from gridstudio.planning.resilience.outages import standard_error
from gridstudio.planning.resilience.sweep import Outcome, Point

PERCENTILES = (0, 5, 10, 25, 50, 75, 90, 95, 99, 100)


def sweep_table(found: Sequence[tuple[Point, Outcome]]) -> pd.DataFrame:
    return pd.DataFrame([_row(number, *pair) for number, pair in enumerate(found, start=1)])


def _row(number: int, point: Point, outcome: Outcome) -> dict[str, object]:
    return {
        "point": number,
        **_asked(point),
        **_program(outcome),
        **_measures(point, outcome),
        "sources": len(outcome.beta_kw),
        "built_kw": sum(outcome.beta_kw.values()),
        "plan": ", ".join(f"{name}: {kw:.0f} kW" for name, kw in outcome.beta_kw.items()),
    }


def _asked(point: Point) -> dict[str, object]:
    case = point.case
    return {
        "sweep": point.sweep,
        "scenarios": case.scenarios,
        "draw": case.draw,
        "lambda": case.lambda_,
        "alpha": point.alpha,
        "budget_kw": case.budget_kw,
        "sites": case.sites,
    }


def _program(outcome: Outcome) -> dict[str, object]:
    return {
        "status": outcome.status,
        "objective_kw": outcome.objective_kw,
        "bound_kw": outcome.bound_kw,
        "gap": outcome.gap,
        "stopped_by_clock": outcome.stopped_by_clock,
        "seconds": outcome.seconds,
        "rounds": outcome.rounds,
        "islands_cut": outcome.cut,
        "binaries": outcome.binaries,
        "rows": outcome.rows,
    }


def _measures(point: Point, outcome: Outcome) -> dict[str, float]:
    """Over the scenarios after the check, and over the fresh storms with standard errors."""
    risk, even = Risk(point.case.lambda_, point.alpha), np.full(len(outcome.fresh_q), 1.0 / len(outcome.fresh_q))
    inside = measured(outcome.q, outcome.probability, risk, drawn=False)
    fresh = measured(outcome.fresh_q, even, risk, drawn=True)
    return {
        "mean_kw": inside.mean_kw,
        "var_kw": inside.var_kw,
        "cvar_kw": inside.cvar_kw,
        "checked_objective_kw": inside.objective_kw,
        **{f"fresh_{name}": value for name, value in asdict(fresh).items()},
        "fresh_critical_kw": float(outcome.fresh_critical_kw.mean()),
        "fresh_critical_se_kw": standard_error(outcome.fresh_critical_kw),
    }


def sweep_losses_table(found: Sequence[tuple[Point, Outcome]]) -> pd.DataFrame:
    """The distribution of losses over the fresh storms, for box plots."""
    parts = [
        pd.DataFrame(
            {
                "point": number,
                "percentile": PERCENTILES,
                "loss_kw": np.percentile(outcome.fresh_q, PERCENTILES),
                "critical_kw": np.percentile(outcome.fresh_critical_kw, PERCENTILES),
            }
        )
        for number, (_, outcome) in enumerate(found, start=1)
    ]
    return pd.concat(parts, ignore_index=True)


def sweep_scenarios_table(found: Sequence[tuple[Point, Outcome]]) -> pd.DataFrame:
    """Losses of the scenarios by their probability: the in-sample distribution of every point."""
    parts = [
        pd.DataFrame({"point": number, "probability": outcome.probability, "q_kw": outcome.q})
        for number, (_, outcome) in enumerate(found, start=1)
    ]
    return pd.concat(parts, ignore_index=True)
