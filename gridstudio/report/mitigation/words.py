"""The verdict of a mitigation study in plain English, from its tables."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from gridstudio.report import style
from gridstudio.report.mitigation.view import KINDS, Study, kind_name, measure_name

SAVERS = {
    "cleanup": "the clean-up",
    "swap": "cheaper measures in the place of dearer ones",
    "exact": "the search of all cheaper combinations",
}
PART_OF_LIMIT = "pu of limit"  # a unit
MOST_TOLD = 4  # measures in a sentence
PLURAL = {"dead": "nodes without voltage", "not_converged": "power flows not converged"}


def answer(study: Study) -> str:
    """What the plan cures and costs."""
    if not study.before:
        return "No limit is broken in any scenario and hour of the study: nothing has to be done."
    count = _count(study.before, "violation")
    if not len(study.plan):
        return f"The feeder has {count}, and no measure of the menu cures any of them."
    bought = f"{_count(len(study.plan), 'measure')} for {style.money(study.cost_usd)}"
    if not study.after:
        every = "the one violation" if study.before == 1 else f"all {count}"
        return f"{bought} cure{'s' if len(study.plan) == 1 else ''} {every}: the feeder then keeps every limit."
    leave = "leaves" if len(study.plan) == 1 else "leave"
    return f"{bought} {leave} {style.number(study.after)} of {count}: why each of them is left is told below."


def verdict(study: Study) -> list[str]:
    """Sentences: how it is today, what is bought, how the plan was found, what is left."""
    parts = (_today(study), _bought(study), _found(study), _left(study))
    return [text for text in parts if text]


def _today(study: Study) -> str:
    rows = study.table("violations_summary")
    rows = rows[rows["before"].astype(float) > 0]
    if not len(rows):
        return ""
    return f"As it is: {'; '.join(_kind(row) for row in rows.to_dict('records'))}."


def _kind(row: Mapping[Hashable, Any]) -> str:
    kind, unit = str(row["kind"]), str(row["unit"] or "")
    many = f"{style.number(row['before'])} {PLURAL[kind]}" if kind in PLURAL else ""
    text = many or _count(row["before"], kind_name(kind))
    text += f" at {_count(row['elements_before'], 'element')}" if pd.notna(row["elements_before"]) else ""
    if pd.isna(row["worst_before"]):
        return text
    worst, limit = (_told(row[column], unit, kind) for column in ("worst_before", "limit"))
    stated = pd.notna(row["limit"]) and unit != PART_OF_LIMIT
    return f"{text} (worst {worst}, limit {limit})" if stated else f"{text} (worst {worst})"


def value(number: Any, unit: str) -> str:
    """A value in the digits of its unit; parts of a limit in per cent."""
    if unit == PART_OF_LIMIT:
        return f"{style.percent(number, 1)} of the limit"
    return f"{style.number(number, 4 if unit == 'pu' else 1)} {unit}".strip()


def _told(number: Any, unit: str, kind: str) -> str:
    """A value as a sentence writes it: a loading in per cent of the rating."""
    return style.percent(number, 1) if kind == "overload" and unit == "pu" and pd.notna(number) else value(number, unit)


def _bought(study: Study) -> str:
    table = study.table("cost_by_measure")
    if not len(table) or not len(study.plan):
        return ""
    ranked = table.sort_values("cost_usd", ascending=False, kind="stable")
    told = [
        f"{measure_name(row['measure'])} ({style.number(row['measures'])}, {style.money(row['cost_usd'])})"
        for row in ranked.head(MOST_TOLD).to_dict("records")
    ]
    more = f" and {len(ranked) - MOST_TOLD} more kinds" if len(ranked) > MOST_TOLD else ""
    yearly = float(table["o_and_m_usd_per_year"].sum())
    upkeep = f", with {style.money(yearly)} a year of O&M" if yearly else ""
    return f"Bought: {', '.join(told)}{more}. Capital {style.money(table['capital_usd'].sum())}{upkeep}."


def _found(study: Study) -> str:
    steps, refused = study.steps(), study.steps(accepted=False)
    if not len(steps) and not len(refused):
        return ""
    flows = study.table("steps")["power_flows"].max()
    text = f"Found in {_count(len(steps), 'accepted step')}, {style.number(flows)} power flows"
    if len(refused):
        text += f"; power flow refused {_count(len(refused), 'candidate')} that looked best on paper"
    return text + "".join(_saved(steps, phase, words) for phase, words in SAVERS.items()) + "."


def _saved(steps: pd.DataFrame, phase: str, words: str) -> str:
    rows = steps[steps["phase"] == phase]
    if not len(rows):
        return ""
    return f"; {words} saved {style.money(-float(rows['cost_usd'].sum()))} in {_count(len(rows), 'step')}"


def _left(study: Study) -> str:
    rows = study.table("remaining")
    if not len(rows):
        return ""
    causes = rows["cause"].astype(str).value_counts()
    told = "; ".join(f"{cause} ({_count(n, 'element')})" for cause, n in causes.head(3).items())
    return f"Why the rest is left: {told}."


def worsened(study: Study) -> list[str]:
    """Kinds of violation that any accepted step, or the whole plan, makes more of."""
    steps = study.steps()
    found = []
    for kind in KINDS:
        step = bool((steps[f"{kind}_after"].astype(float) > steps[f"{kind}_before"].astype(float)).any())
        if step or study.of_kind(kind, "after") > study.of_kind(kind, "before"):
            found.append(kind_name(kind))
    return found


def judgement(study: Study) -> tuple[list[str], bool]:
    """What holds of the plan, and whether it is a warning."""
    worse = worsened(study)
    failed = study.of_kind("not_converged", "after")
    told = []
    if worse:
        told.append(f"Steps of the plan add violations: {', '.join(worse)}. See the steps below.")
    elif len(study.steps()):
        told.append("No accepted step adds a violation of any kind; each was solved in all scenarios and hours.")
    if failed:
        told.append(f"{_count(failed, 'power flow')} of the upgraded feeder did not converge.")
    if study.after:
        told.append(f"{_count(study.after, 'violation')} {'is' if study.after == 1 else 'are'} left.")
    return told, bool(worse or failed or study.after)


def _count(number: object, one: str) -> str:
    return f"{style.number(number)} {one if number == 1 else one + 's'}"
