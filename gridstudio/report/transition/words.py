"""The verdict of a transition study in plain English, from its tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.transition import growth
from gridstudio.report.transition.costs import share
from gridstudio.report.transition.view import GRID, LEAST, SINGULAR, Study, listed, optimised, plural, word

SAME = 1e-4  # relative difference of costs that counts as none
MOST_PLACES = 6
LEAST_MW = 0.5  # smaller builds stand in the tables only


def verdict(study: Study) -> list[str]:
    """Sentences: what the fullest case costs and saves, what to build first, what is shed and emitted."""
    found = study.case(study.main)
    if found is None:
        return [text for text in (_growth(study),) if text]
    parts = (_cost(study, found), _saves(study, found), _first(study), _later(study), _operated(study, found))
    return [text for text in parts if text]


# ---- the answer ----------------------------------------------------------------------------------


def _cost(study: Study, found: Mapping[str, Any]) -> str:
    years, stages = study.setting("chain", "years_per_stage", None), study.setting("chain", "stages", None)
    over = f" over {float(years) * int(stages):g} years" if years and stages else ""
    if study.measure:
        return _adjusted(study, found, over)
    return (
        f"With all that case {study.main} allows ({_factors(found)}) the expected cost{over} is "
        f"{bn(found['cost_busd'])}, {bn(found['investment_busd'])} of it investment; no plan costs less than "
        f"{bn(found['bound_busd'])} (gap {share(float(found['gap']))})."
    )


def _adjusted(study: Study, found: Mapping[str, Any], over: str) -> str:
    """The same where a risk measure is optimised: its value with the bound, then the expected cost and the worst."""
    row = study.of("risk", study.main).iloc[0]
    tail = (
        f", its CVaR at {float(row['alpha']):g} is {bn(row['cvar_busd'])}" if np.isfinite(float(row["alpha"])) else ""
    )
    return (
        f"Optimised is the risk-adjusted cost{over}, stage by stage {study.measure}: with all that case {study.main} "
        f"allows ({_factors(found)}) it is {bn(row['risk_adjusted_busd'])}; no plan is below "
        f"{bn(found['bound_busd'])} (gap {share(float(found['gap']))}). The plan's expected cost is "
        f"{bn(found['cost_busd'])}, {bn(found['investment_busd'])} of it investment; over the paths its highest "
        f"cost is {bn(row['worst_path_busd'])}{tail}."
    )


def _factors(found: Mapping[str, Any]) -> str:
    return listed(word(f) for f in str(found["factors"]).split(", ") if f) or "nothing new"


def bn(value: Any) -> str:
    return f"{style.number(value, 2)} bn USD"


def _saves(study: Study, found: Mapping[str, Any]) -> str:
    first = study.case(study.cases[0])
    if first is None or study.cases[0] == study.main:
        return ""
    before, now = optimised(pd.DataFrame([first, found])).to_numpy()
    if not before > 0:
        return ""
    saved, part = before - now, abs(before - now) / before
    less, kind = "less" if saved >= 0 else "MORE", "Risk-adjusted, that" if study.measure else "That"
    return f"{kind} is {bn(abs(saved))} ({style.percent(part, 1)}) {less} than case {study.cases[0]}."


def _first(study: Study) -> str:
    rows = study.of("decisions", study.main)
    if not len(rows):
        return f"Case {study.main} builds nothing." if len(study.table("decisions")) else ""
    now = rows[rows["stage"] == 1]
    if not len(now):
        return "Nothing is built before the first state is known."
    cost = float((now["cost_musd"].astype(float) * now["probability"].astype(float)).sum()) / 1e3
    worth_telling = now[(now["unit"] != "MW") | (now["amount"].astype(float) >= LEAST_MW)]
    what = listed(_built(factor, part) for factor, part in worth_telling.groupby("factor", sort=False))
    certain = (now["probability"].astype(float) > 1 - 1e-9).all()
    return f"Build now{'' if certain else ', in the mean of its states'}: {what} ({bn(cost)})."


def _built(factor: Any, part: pd.DataFrame) -> str:
    amount = part["amount"].astype(float) * part["probability"].astype(float)
    place = part["place"].astype(str) if str(factor) in ("solar", "wind", *GRID) else part["bus"].astype(str)
    sums = amount.groupby(place, sort=False).sum().sort_values(ascending=False, kind="stable")
    places = listed(
        [*sums.index[:MOST_PLACES], *([f"{len(sums) - MOST_PLACES} more"] if len(sums) > MOST_PLACES else [])]
    )
    where = "" if str(factor) in ("solar", "wind") else f" at {places}"
    where = f" in {plural(len(sums), 'zone')}" if str(factor) in ("solar", "wind") else where
    where = f" on right of way {places}" if str(factor) in GRID else where
    return f"{_amount(float(amount.sum()), str(factor), str(part['unit'].iloc[0]))}{where}"


def _amount(amount: float, factor: str, unit: str) -> str:
    """'600 MW of wind', '1 battery', '2.50 batteries'."""
    if unit == "MW":
        return f"{style.number(amount)} MW of {word(factor)}"
    whole = abs(amount - round(amount)) < LEAST
    named = SINGULAR.get(factor, word(factor)) if whole and round(amount) == 1 else word(factor)
    return f"{style.number(amount, 0 if whole else 2)} {named}"


def _later(study: Study) -> str:
    """What depends on the states that are still unknown today."""
    rows = study.of("decisions", study.main)
    later = rows[rows["stage"] > 1]
    if not len(later):
        return ""
    last = int(later["stage"].max())
    by_path = later["cost_musd"].astype(float).groupby(later["path"].astype(str)).sum() / 1e3
    same = len(by_path) > 1 and np.ptp(by_path.to_numpy()) <= SAME * by_path.max()
    spread = f"{bn(by_path.min())}" if same or len(by_path) == 1 else f"{bn(by_path.min())} to {bn(by_path.max())}"
    by = "" if same or len(by_path) == 1 else " by state" if last == 2 else " by path, for each stage"
    stages = "stage 2" if last == 2 else f"stages 2 to {last}"
    return f"What is built in {stages} waits for the state: {spread}{by}."


def _operated(study: Study, found: Mapping[str, Any]) -> str:
    shed, curtailed = (float(found[c]) / 1e3 for c in ("shed_mwh", "curtailed_mwh"))
    load = f"{style.number(shed, 1 if shed < 100 else 0)} GWh" if shed >= LEAST else "none"
    return (
        f"Expected over all years: {style.number(float(found['co2_mt']), 1)} Mt of CO2 emitted, {load} of "
        f"the load shed, {style.number(curtailed)} GWh of wind and sun curtailed."
    )


def _growth(study: Study) -> str:
    """The largest size of a study of growth, and what its full size would take."""
    table = study.table("growth")
    if not growth.measured(table) or "seconds_per_iteration" not in table:
        return ""
    slowest = table.loc[table["seconds_per_iteration"].astype(float).idxmax()]
    text = (
        f"The slowest of {plural(len(table), 'size')} ({growth.size(slowest)}) takes "
        f"{growth.span(float(slowest['seconds_per_iteration']))} an iteration"
    )
    if not {"full_hours", "full_days", "full_iterations"} <= set(table.columns):
        return f"{text}."
    hours, days, count = (float(slowest[c]) for c in ("full_hours", "full_days", "full_iterations"))
    return (
        f"{text}; with {style.number(days)} days and {style.number(count)} iterations it would take about "
        f"{growth.span(3600 * hours)} here."
    )


def why_different(study: Study) -> str:
    """What the study itself says on costs beside the published ones; "" if it says nothing."""
    table = study.table("assumptions")
    rows = table[table["topic"].astype(str) == "Costs"]
    return str(rows["text"].iloc[0]) if len(rows) else ""
