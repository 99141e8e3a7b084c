"""The verdict of a transition study in plain English, from its tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.transition import growth
from gridstudio.report.transition.costs import share
from gridstudio.report.transition.view import GRID, LEAST, SINGULAR, Study, assumed, listed, optimised, plural, word

SAME = 1e-4  # relative difference of costs that counts as none
MOST_PLACES = 6
LEAST_MW = 0.5  # smaller builds stand in the tables only
UNSEEN = 0.1  # dearer on unseen days by more than this: a warning


def verdict(study: Study) -> list[str]:
    """Sentences: what the fullest case costs and saves, what to build first, what is shed and emitted."""
    found = study.case(study.main)
    if found is None:
        return [text for text in (_growth(study),) if text]
    parts = (_cost(study, found), _saves(study, found), _first(study), _later(study), _operated(study, found))
    return [text for text in parts if text]


def judgement(study: Study) -> list[tuple[str, bool]]:
    """Bounds, order of the cases, the other method, value of planning for all futures, targets; with warnings."""
    if not study.cases and not len(study.table("growth")):
        return [("No case has been solved.", True)]
    if not study.cases:
        return [part for part in (_findings(study),) if part[0]]
    parts = (_gaps(study), _order(study), _published(study), _extensive(study), _stochastic(study), _unseen(study),
             _targets(study), _inherited(study), _parameters(study), _findings(study))  # fmt: skip
    return [part for part in parts if part[0]]


# ---- the answer ----------------------------------------------------------------------------------


def _cost(study: Study, found: Mapping[str, Any]) -> str:
    years, stages = study.setting("chain", "years_per_stage", None), study.setting("chain", "stages", None)
    over = f" over {float(years) * int(stages):g} years" if years and stages else ""
    if study.measure:
        return _adjusted(study, found, over)
    return (
        f"With all that case {study.main} allows ({_factors(found)}) the expected cost{over} is "
        f"{_bn(found['cost_busd'])}, {_bn(found['investment_busd'])} of it investment; no plan costs less than "
        f"{_bn(found['bound_busd'])} (gap {share(float(found['gap']))})."
    )


def _adjusted(study: Study, found: Mapping[str, Any], over: str) -> str:
    """The same where a risk measure is optimised: its value with the bound, then the expected cost and the worst."""
    row = study.of("risk", study.main).iloc[0]
    tail = (
        f", its CVaR at {float(row['alpha']):g} is {_bn(row['cvar_busd'])}" if np.isfinite(float(row["alpha"])) else ""
    )
    return (
        f"Optimised is the risk-adjusted cost{over}, stage by stage {study.measure}: with all that case {study.main} "
        f"allows ({_factors(found)}) it is {_bn(row['risk_adjusted_busd'])}; no plan is below "
        f"{_bn(found['bound_busd'])} (gap {share(float(found['gap']))}). The plan's expected cost is "
        f"{_bn(found['cost_busd'])}, {_bn(found['investment_busd'])} of it investment; over the paths its highest "
        f"cost is {_bn(row['worst_path_busd'])}{tail}."
    )


def _factors(found: Mapping[str, Any]) -> str:
    return listed(word(f) for f in str(found["factors"]).split(", ") if f) or "nothing new"


def _bn(value: Any) -> str:
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
    return f"{kind} is {_bn(abs(saved))} ({style.percent(part, 1)}) {less} than case {study.cases[0]}."


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
    return f"Build now{'' if certain else ', in the mean of its states'}: {what} ({_bn(cost)})."


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
    spread = f"{_bn(by_path.min())}" if same or len(by_path) == 1 else f"{_bn(by_path.min())} to {_bn(by_path.max())}"
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


# ---- what it rests on ----------------------------------------------------------------------------


def _gaps(study: Study) -> tuple[str, bool]:
    table, asked = study.table("cases"), float(study.setting("training", "gap", 0.01))
    gaps = table["gap"].astype(float)
    wide = table[gaps > asked + 1e-9]
    if not len(wide):
        return f"Every case is within {share(asked)} of its bound (widest {share(gaps.max())}).", False
    named = listed(f"{r.case} ({share(float(r.gap))}, {r.reason})" for r in wide.itertuples())
    text = f"NOT proven to {share(asked)}: case {named}. The cost of a plan holds; a better one may exist, down to the"
    return f"{text} bound.", True


def _order(study: Study) -> tuple[str, bool]:
    cost = dict(zip(study.cases, optimised(study.table("cases")), strict=True))
    pairs = study.contained
    if not pairs:
        return "", False
    wrong = [(a, b) for a, b in pairs if cost[b] > cost[a] * (1 + SAME)]
    if wrong:
        named = listed(f"{b} above {a}" for a, b in wrong)
        return f"A case must not cost more than one that it contains: {named}.", True
    return f"No case costs more than one that it contains ({plural(len(pairs), 'pair')} of cases).", False


def _published(study: Study) -> tuple[str, bool]:
    table = study.table("cases")
    known = table[table["published_busd"].astype(float).notna()]
    if len(known) < 2:
        return "", False
    ours, theirs = (known[c].astype(float).to_numpy() for c in ("cost_busd", "published_busd"))
    apart = [(i, j) for i in range(len(known)) for j in range(i) if abs(theirs[i] / theirs[j] - 1) > SAME]
    near = SAME * float(np.abs(ours).max())
    turned = [(i, j) for i, j in apart if (ours[i] - ours[j]) * np.sign(theirs[i] - theirs[j]) < -near]
    names = known["case"].astype(str).tolist()
    named = listed(f"{names[i]} and {names[j]}" for i, j in turned)
    return (
        f"Published costs are {style.number(theirs.min(), 2)} to {style.number(theirs.max(), 2)} bn USD, here "
        f"{style.number(ours.min(), 2)} to {style.number(ours.max(), 2)}; why stands under the table. "
        f"{len(apart) - len(turned)} of {plural(len(apart), 'pair')} of cases stand in the published order, ties "
        f"allowed" + (f"; not so {named}." if turned else ".")
    ), False


def _extensive(study: Study) -> tuple[str, bool]:
    table = study.table("extensive")
    if not len(table):
        return "", False
    worst = float(table["difference"].astype(float).abs().max())
    named = listed(f"{r.case} ({share(float(r.difference))})" for r in table.itertuples())
    wide = not worst <= SAME
    text = f"All paths in one program (extensive form): SDDP's bound differs by {named}".replace("-", "\u2212")
    return text + (", more than 0.01 %: training was too short." if wide else ", within 0.01 %."), wide


def _stochastic(study: Study) -> tuple[str, bool]:
    table = study.table("stochastic_value")
    parts, negative = [], False
    for kind, held in (("whole plan held", "in every stage"), ("first stage held", "in the first stage")):
        rows = table[table["quantity"].astype(str) == f"value of the stochastic solution, {kind}"]
        for row in rows.itertuples():
            parts.append(f"{_bn(row.busd)} (case {row.case}, the mean future's plan held {held})")
            negative = negative or float(row.busd) < -0.005
    if not parts:
        return "", False
    kind = ", risk-adjusted," if study.measure else ""
    return f"Planning for all futures instead of the mean one is worth{kind} {listed(parts)}.", negative


def _unseen(study: Study) -> tuple[str, bool]:
    table = study.table("simulations")
    parts, wide = [], False
    for case, part in table[table["plan"] == "stochastic"].groupby("case", sort=False):
        means = {(row.quantity, row.sample): float(row.mean) for row in part.itertuples()}
        seen, unseen = (means.get(("cost_busd", sample)) for sample in ("in sample", "out of sample"))
        if seen is None or unseen is None:
            continue
        more = unseen / seen - 1
        before = [means.get(("first_operation_busd", sample), 0.0) for sample in ("in sample", "out of sample")]
        fixed = f", {_bn(before[1] - before[0])} of it in stage 1, which no decision changes" if before[1] else ""
        parts.append(f"{style.percent(abs(more), 1)} {'more' if more >= 0 else 'less'} (case {case}{fixed})")
        wide = wide or more > UNSEEN
    if not parts:
        return "", False
    return f"On days that training has not seen the plan costs {listed(parts)} than on its own days.", wide


def _targets(study: Study) -> tuple[str, bool]:
    table = study.table("operations")
    if not len(table):
        return "", False
    above = table[table["co2_above_mt"].astype(float) > 1e-6]
    if not len(above):
        return "Every CO2 target is kept in every state.", False
    worst = above.loc[above["co2_above_mt"].astype(float).idxmax()]
    cases = listed(dict.fromkeys(above["case"].astype(str)))
    return (
        f"CO2 targets are MISSED in case {cases}; the most in stage {worst['stage']}, {worst['state']}: "
        f"{style.number(worst['co2_above_mt'], 3)} Mt a year above {style.number(worst['co2_target_mt'], 2)}."
    ), True


def _inherited(study: Study) -> tuple[str, bool]:
    table = study.table("cases")
    rows = table[table["plan_from"].astype(str) != table["case"].astype(str)]
    if not len(rows):
        return "", False
    named = listed(f"{r.case} that of {r.plan_from}" for r in rows.itertuples())
    return f"Training found no better plan than a smaller case's, so it stands: {named}.", False


def _parameters(study: Study) -> tuple[str, bool]:
    table = study.table("parameters")
    count = sum(assumed(table))
    return (
        (f"{count} of {len(table)} parameters are assumed, wholly or in part; the others have a public source.", False)
        if count
        else ("", False)
    )


def _findings(study: Study) -> tuple[str, bool]:
    count = int((study.table("findings")["severity"] == "warning").sum())
    return (f"{plural(count, 'warning')} under findings.", False) if count else ("", False)


def why_different(study: Study) -> str:
    """What the study itself says on costs beside the published ones; "" if it says nothing."""
    table = study.table("assumptions")
    rows = table[table["topic"].astype(str) == "Costs"]
    return str(rows["text"].iloc[0]) if len(rows) else ""
