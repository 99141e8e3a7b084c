"""The figures of a plan over all futures: fans by stage, and distributions of realisations."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.transition import futures
from gridstudio.report.transition.view import QUANTILES, Drawn, Study, listed, with_rows, word, years

PLANS = {"stochastic": "stochastic plan", "mean held": "mean future's plan"}
LOOKS: dict[tuple[str, str], tuple[str, Any]] = {
    ("stochastic", "in sample"): ("#0072b2", "solid"),
    ("stochastic", "out of sample"): ("#0072b2", (0, (4, 1.6))),
    ("mean held", "in sample"): ("#d55e00", "solid"),
    ("mean held", "out of sample"): ("#d55e00", (0, (4, 1.6))),
}
HUNDREDTH = 0.01
UNITS = {"busd": "bn USD"}  # as the policy's fan names them, and as the figure does
STATE_FANS = (
    ("co2_mt", "CO2 a year, by state", "Mt", 1.0),
    ("shed_mwh", "shed a year, by state", "GWh", 1e3),
    ("curtailed_mwh", "curtailed a year, by state", "GWh", 1e3),
)  # fmt: skip


def draw_fans(study: Study, folder: Path) -> Drawn:
    rows = study.table("policy_fan")
    cases = with_rows(study, rows)
    case = study.main if study.main in cases else cases[-1] if cases else ""
    shown = _told_fans(study.of("policy_fan", case)) if case else _path_fans(study)
    if "CO2 a year" not in set(rows["quantity"]):  # told by state alone
        shown += _state_fans(study.of("operations", case or study.main))
    if not shown:
        return
    text = Text(
        f"Case {case or study.main}: the plan over all futures",
        f"Quantiles by stage{years(study)}, each path with its probability; capacities as the stage begins",
    )
    futures.fans(shown, text, folder / "fan.png")
    yield "fan", folder / "fan.png"


def _told_fans(rows: pd.DataFrame) -> list[futures.Fan]:
    """From the table ``policy_fan``, a fan for each quantity; those that are nothing in all futures are left out."""
    found = []
    for quantity, part in rows.groupby("quantity", sort=False):
        part = part.sort_values("stage", kind="stable")
        values = part[list(QUANTILES)].to_numpy(dtype=float)
        if not np.isfinite(values).all() or not np.abs(values).max(initial=0) > HUNDREDTH:
            continue
        unit, mean = str(part["unit"].iloc[0]), part["mean"].to_numpy(dtype=float)
        stages = part["stage"].astype(int).tolist()
        found.append(futures.Fan(word(quantity), UNITS.get(unit, unit), stages, values, mean))
    return found


def _state_fans(rows: pd.DataFrame) -> list[futures.Fan]:
    """CO2, shedding and curtailment a year over the states of each stage, from the table ``operations``."""
    found = []
    for column, title, unit, scale in STATE_FANS:
        stages = sorted({int(s) for s in rows["stage"]})
        parts = [rows[rows["stage"] == stage] for stage in stages]
        values = [part[column].to_numpy(dtype=float) / scale for part in parts]
        chances = [part["probability"].to_numpy(dtype=float) for part in parts]
        if any(value.max(initial=0) > HUNDREDTH for value in values):
            quantiles = np.array([_weighted(v, p) for v, p in zip(values, chances, strict=True)])
            mean = np.array([float(v @ p / p.sum()) for v, p in zip(values, chances, strict=True)])
            found.append(futures.Fan(title, unit, stages, quantiles, mean))
    return found


def _path_fans(study: Study) -> list[futures.Fan]:
    """Costs by stage over the paths of the main case, where the result tells no fan."""
    rows = study.of("paths", study.main)
    found = []
    for column, title in (("investment_musd", "investment"), ("operation_musd", "operation")):
        stages = sorted({int(s) for s in rows["stage"]})
        parts = [rows[rows["stage"] == stage] for stage in stages]
        quantiles = [
            _weighted(p[column].to_numpy(dtype=float) / 1e3, p["probability"].to_numpy(dtype=float)) for p in parts
        ]
        if stages:
            found.append(futures.Fan(title, "bn USD", stages, np.array(quantiles)))
    return found


def _weighted(values: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]) -> list[float]:
    """The least value that is not exceeded with each probability."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    at = np.searchsorted(reached, np.array([0.05, 0.25, 0.5, 0.75, 0.95]) - 1e-12)
    return [float(v) for v in values[order][np.minimum(at, len(values) - 1)]]


def draw_distributions(study: Study, folder: Path) -> Drawn:
    table, each = study.table("simulations"), study.table("realisations")
    for number, case in enumerate(with_rows(study, table), start=1):
        rows, drawn = study.of("simulations", case), study.of("realisations", case)
        samples = [_sample(key, part, drawn) for key, part in rows.groupby(["plan", "sample"], sort=False)]
        counts = rows.groupby("sample", sort=False)["realisations"].max()
        told = listed(f"{style.number(count)} {sample}" for sample, count in counts.items())
        shown = len(each) and drawn.groupby(["plan", "sample"]).size().max() < counts.max()
        more = f"; curves: the first {style.number(drawn.groupby(['plan', 'sample']).size().max())}" if shown else ""
        text = Text(
            f"Case {case}: cost, shedding and curtailment of a plan that is held",
            f"Realisations of states and days with investments fixed: {told}{more}",
        )
        path = folder / f"distributions_{number}.png"
        futures.distributions(samples, text, path)
        yield path.stem, path


def _sample(key: Any, rows: pd.DataFrame, drawn: pd.DataFrame) -> futures.Sample:
    plan, sample = str(key[0]), str(key[1])
    shade, dashes = LOOKS.get((plan, sample), (style.MUTED, (0, (1.5, 1.5))))
    measures = {str(row["quantity"]): row for _, row in rows.iterrows()}
    label = f"{PLANS.get(plan, plan)}, {sample}"
    mine = drawn[(drawn["plan"].astype(str) == plan) & (drawn["sample"].astype(str) == sample)]
    if not len(mine):
        return futures.Sample(label, shade, dashes, measures)
    cost, chance = (mine[c].to_numpy(dtype=float) for c in ("cost_busd", "probability"))
    return futures.Sample(label, shade, dashes, measures, cost, chance)
