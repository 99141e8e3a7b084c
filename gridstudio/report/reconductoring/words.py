"""The verdict of a reconductoring study in plain English, from its headline and tables."""

import pandas as pd

from gridstudio.report import style
from gridstudio.report.reconductoring.view import Study


def verdict(study: Study) -> list[str]:
    """Sentences: how it is today, what the plans do and cost, what holds whatever the load does."""
    parts = (_today(study), _plans(study), _cost(study), _left(study), _certain(study))
    return [text for text in parts if text]


def _today(study: Study) -> str:
    before, scenarios = study.head("violations_before"), study.table("scenarios")
    if before is None:
        return ""
    if not before:
        return f"As it is, the feeder keeps its limits in every scenario over {_years(study)}: nothing has to be done."
    table = study.table("violations_before")
    where = ""
    if len(table) and len(scenarios):
        touched = table["scenario"].nunique()
        every = "every one" if touched == len(scenarios) else f"{style.number(touched)}"
        where = f" in {every} of {style.number(len(scenarios))} load scenarios"
    return f"As it is, the feeder breaks its limits{where}: {_counted(before, table)} over {_years(study)}."


def _counted(count: object, table: pd.DataFrame) -> str:
    kinds = table["kind"].astype(str).value_counts() if len(table) else pd.Series(dtype=int)
    total = f"{style.number(count)} violation{'' if count == 1 else 's'}"
    if len(kinds) < 2:
        return f"{total} ({_kind(str(kinds.index[0]), int(kinds.iloc[0]))})" if len(kinds) else total
    return f"{total} ({', '.join(f'{style.number(n)} {_kind(str(k), int(n))}' for k, n in kinds.items())})"


def _kind(kind: str, count: int) -> str:
    words = {"dead": "without voltage", "not_converged": "not converged"}
    return words.get(kind, kind if count == 1 else f"{kind}s")


def _years(study: Study) -> str:
    return f"{study.years} year{'' if study.years == 1 else 's'}"


def _plans(study: Study) -> str:
    scenarios = study.table("scenarios")
    if scenarios.empty or not scenarios["interventions"].max() > 0:
        return ""
    count = _range(scenarios["interventions"].min(), scenarios["interventions"].max(), 0)
    length = _range(scenarios["length_m"].min() / 1000, scenarios["length_m"].max() / 1000, 2)
    if " to " not in count + length:
        return f"The plan replaces {count} sections, {length} km of line."
    return f"Depending on the load, the plan replaces {count} sections, {length} km of line."


def _range(low: float, high: float, decimals: int) -> str:
    a, b = style.number(low, decimals), style.number(high, decimals)
    return a if a == b else f"{a} to {b}"


def _cost(study: Study) -> str:
    if study.expected_usd is None:
        return ""
    text = f"Expected {study.cost_label[0].lower()}{study.cost_label[1:]}: {style.money(study.expected_usd)}"
    if study.span_usd is not None:
        low, high = map(style.number, study.span_usd)
        text += (
            f"; with at least 90 % probability it is USD {low}"
            if low == high
            else f"; with 90 % probability it lies between USD {low} and {high}"
        )
    return text + "."


def _certain(study: Study) -> str:
    table = study.table("decisions")
    if table.empty:
        return ""
    certain = int((table["class"] == "unchanged").sum())
    if not certain:
        return "No replacement is the same in every scenario."
    if certain == len(table):
        who = "It is" if certain == 1 else "All are"
    else:
        who = f"Of the {len(table)} sections that any scenario replaces, {certain} {'is' if certain == 1 else 'are'}"
    return (
        f"{who} replaced in every scenario, in the same year and with the same conductor: "
        "that holds whatever the load does."
    )


def _left(study: Study) -> str:
    left = left_over(study)
    if not left:
        return "With the plans, no limit is broken in any scenario and year."
    return f"With the plans, {_counted(left, study.table('violations_after'))} remain{'s' if left == 1 else ''}."


def left_over(study: Study) -> int:
    """How many violations are left after the plans."""
    left = study.head("violations_after")
    return int(study.result.violations_left if left is None else left)


def remaining(study: Study) -> tuple[str, bool]:
    """What is left after the plans, and whether that is a warning."""
    left = left_over(study)
    if not left:
        return (
            "After the plans no limit is broken in any scenario and year; every plan was solved by power flow.",
            False,
        )
    table = study.table("violations_after")
    where = f" in {style.number(table['scenario'].nunique())} scenarios" if len(table) else ""
    return f"Violations remain after the plans: {_counted(left, table)}{where}. Their causes:", True


def commitment(study: Study) -> str:
    """The plan to commit to now, in a sentence."""
    robust = study.table("robust")
    if robust.empty:
        return ""
    first = robust.iloc[0]
    plan = study.committed[str(first["measure"])]
    cost = style.money(first.get("cost_committed_usd"))
    text = f"To commit to now, by {first['measure']}: {len(plan)} sections for {cost}"
    if pd.notna(first.get("corrections_expected")) and pd.notna(first.get("cost_expected_usd")):
        more = float(first["corrections_expected"])
        later = "no correction is" if more < 0.05 else f"{style.number(more, 1)} corrections are"
        in_all = style.money(first["cost_expected_usd"])
        saved = ", less the losses that the new conductors save" if prices_losses(study) else ""
        text += f"; {later} to be expected later; expected cost over all scenarios{saved}: {in_all}"
    return text + "."


def prices_losses(study: Study) -> bool:
    """Whether costs of committed plans count losses."""
    return float(study.result.settings.get("losses", {}).get("energy_price_usd_per_kwh", 0.0) or 0.0) > 0
