"""The figures of a transition study; each is left out where the study has nothing to show in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.transition import costs, futures, growth, network, plans
from gridstudio.report.transition.view import COLOURS, QUANTILES, Study, listed, optimised, plural, word

Drawn = Iterator[tuple[str, Path]]
MOST_CASES = 12  # in one figure
VALUES = (
    "stochastic plan",
    "plan for the mean future, in the mean future",
    "plan for the mean future, held in every stage",
    "its first stage held, then adapted",
)
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


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw what there is; the paths by name."""
    makers = (
        _cases,
        _capacities,
        _pieces,
        _network,
        _operation,
        _co2,
        _convergence,
        _value,
        _fans,
        _distributions,
        _days,
        _growth,
    )
    return {name: path for make in makers for name, path in make(study, folder)}


def _with_rows(study: Study, table: pd.DataFrame) -> list[str]:
    """The cases of the study that a table tells of, as many as a figure holds."""
    told = set(table["case"].astype(str))
    return [case for case in study.cases if case in told][:MOST_CASES]


def _years(study: Study) -> str:
    years = float(study.setting("chain", "years_per_stage", 0) or 0)
    return f", stages of {years:g} years" if years else ""


# ---- costs -----------------------------------------------------------------------------------------


def _cases(study: Study, folder: Path) -> Drawn:
    table = study.table("cases")
    if not len(table):
        return
    subtitle = "Expected over all states"
    if study.measure:
        subtitle += f"; risk-adjusted: {study.measure}, stage by stage"
    elif table["published_busd"].astype(float).notna().any():
        subtitle += "; why absolute values differ from the published ones stands under the table"
    text = Text("What each case costs", subtitle)
    costs.cases(table.head(MOST_CASES), _decided(study), text, folder / "cases.png")
    yield "cases", folder / "cases.png"


def _decided(study: Study) -> np.ndarray[Any, Any] | None:
    """What can be decided of each case's expected cost over the first case's; None if not optimised, or not told."""
    table = study.table("published")
    over = dict(zip(table["case"].astype(str), table["decided_over_first"].astype(float), strict=True))
    found = np.array([over.get(case, np.nan) for case in study.cases[:MOST_CASES]])
    return found if np.isfinite(found).any() and not study.measure else None


def _convergence(study: Study, folder: Path) -> Drawn:
    log = study.table("convergence")
    trained = []
    for case in _with_rows(study, log):
        found = study.case(case)
        gap = "" if found is None else f", gap {costs.share(float(found['gap']))}"
        cost = np.nan if found is None else float(optimised(pd.DataFrame([found])).iloc[0])
        trained.append(costs.Training(f"case {case}{gap}", study.of("convergence", case), cost))
    if not trained:
        return
    text = Text(
        f"Convergence: what no plan can beat, and what the plans cost{', risk-adjusted' if study.measure else ''}",
        f"Dots: cost of an iteration's path, or of all its paths{' (risk-adjusted)' if study.measure else ''}; dotted "
        "lines: the next phase of training begins",
    )
    costs.convergence(trained, text, folder / "convergence.png")
    yield "convergence", folder / "convergence.png"


def _value(study: Study, folder: Path) -> Drawn:
    table = study.table("stochastic_value")
    rows = table[table["quantity"].astype(str).isin(VALUES)].reset_index(drop=True)
    if not len(rows):
        return
    text = Text(
        "What it is worth to plan for all futures instead of the mean one",
        "In brackets: more than the stochastic plan; the mean future alone is no future that will be met",
    )
    costs.stochastic(rows, "risk-adjusted" if study.measure else "expected", text, folder / "stochastic_value.png")
    yield "stochastic_value", folder / "stochastic_value.png"


# ---- plans -----------------------------------------------------------------------------------------


def _capacities(study: Study, folder: Path) -> Drawn:
    table = study.table("capacities")
    rows = table[table["unit"].astype(str) == "MW"]
    cases = _with_rows(study, rows)
    if not cases or not len(rows):
        return
    known = [f for f in COLOURS if f in set(rows["factor"])]
    factors = [*known, *(f for f in dict.fromkeys(rows["factor"]) if f not in COLOURS)]
    text = Text("New capacity in service, by case", f"Expected over the paths that lead to each state{_years(study)}")
    plans.capacities(rows, cases, factors, text, folder / "capacities.png")
    yield "capacities", folder / "capacities.png"


def _pieces(study: Study, folder: Path) -> Drawn:
    table = study.table("capacities")
    rows = table[table["unit"].astype(str) != "MW"]
    cases = _with_rows(study, rows)
    if not cases:
        return
    rows = rows[rows["case"].astype(str).isin(cases)]
    text = Text(
        "Storage, retrofits and grid measures in service, in pieces",
        f"Expected over the paths that lead to each state{_years(study)}; a dot: none",
    )
    plans.pieces(rows, cases, text, folder / "pieces.png")
    yield "pieces", folder / "pieces.png"


def _network(study: Study, folder: Path) -> Drawn:
    """A map for each case: ``network_1`` is the first case's."""
    for number, case in enumerate(study.cases[:MOST_CASES], start=1):
        site = network.Site(*(study.of(f"network_{part}", case) for part in ("buses", "branches", "zones")))
        placed = site.buses[["latitude", "longitude"]].astype(float).to_numpy()
        if not len(placed) or not np.isfinite(placed).all() or not len(site.branches):
            continue
        text = Text(
            f"Case {case}: what is built where by the end",
            "Expected over all paths. Area of a pie: new MW (plant at its bus, wind and sun in their zones)",
        )
        path = folder / f"network_{number}.png"
        network.network(site, text, path)
        yield path.stem, path


def _operation(study: Study, folder: Path) -> Drawn:
    table = study.table("operations")
    cases = _with_rows(study, table)
    if not cases:
        return
    text = Text(
        "Load shed and energy curtailed", "Expected a year of each stage, with a bar for each state, left to right"
    )
    plans.operation(table, cases, study.states, text, folder / "operation.png")
    yield "operation", folder / "operation.png"


def _co2(study: Study, folder: Path) -> Drawn:
    table = study.table("operations")
    cases = _with_rows(study, table)
    if not cases:
        return
    kept = (
        "Each representative day keeps the target"
        if study.setting("days", "co2_target", "day") == "day"
        else ("The weighted mean of the days keeps the target")
    )
    text = Text(
        "CO2 and its target", f"Expected a year of each stage, with a bar for each state, left to right. {kept}"
    )
    plans.co2(table, cases, study.states, text, folder / "co2.png")
    yield "co2", folder / "co2.png"


# ---- futures ---------------------------------------------------------------------------------------


def _fans(study: Study, folder: Path) -> Drawn:
    rows = study.table("policy_fan")
    cases = _with_rows(study, rows)
    case = study.main if study.main in cases else cases[-1] if cases else ""
    shown = _told_fans(study.of("policy_fan", case)) if case else _path_fans(study)
    if "CO2 a year" not in set(rows["quantity"]):  # told by state alone
        shown += _state_fans(study.of("operations", case or study.main))
    if not shown:
        return
    text = Text(
        f"Case {case or study.main}: the plan over all futures",
        f"Quantiles by stage{_years(study)}, each path with its probability; capacities as the stage begins",
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


def _distributions(study: Study, folder: Path) -> Drawn:
    table, each = study.table("simulations"), study.table("realisations")
    for number, case in enumerate(_with_rows(study, table), start=1):
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


# ---- days, growth ----------------------------------------------------------------------------------


def _days(study: Study, folder: Path) -> Drawn:
    table = study.table("days")
    if not len(table):
        return
    count = int(table["day"].nunique())
    table = table[table["day"].isin(list(dict.fromkeys(table["day"]))[:MOST_CASES])]
    text = Text(
        f"{plural(count, 'representative day')}",
        "Load summed over buses before the growth of a state; wind and sun means over zones, rating over lines",
    )
    futures.days(table, text, folder / "days.png")
    yield "days", folder / "days.png"


def _growth(study: Study, folder: Path) -> Drawn:
    table = study.table("growth")
    if not growth.measured(table):
        return
    text = Text(
        "How the time grows", "One code path on generated networks; full size: estimated from what was measured"
    )
    growth.sizes(table, text, folder / "growth.png")
    yield "growth", folder / "growth.png"
    shown = growth.drivers(table)
    if shown:
        text = Text("How the time grows with each size", "Where only this size differs; both axes logarithmic")
        growth.growth(table, shown, text, folder / "growth_by.png")
        yield "growth_by", folder / "growth_by.png"
