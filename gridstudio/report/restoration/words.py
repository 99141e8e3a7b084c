"""The verdict of a restoration study in plain English, from its headline and tables."""

import numpy as np

from gridstudio.report import style
from gridstudio.report.restoration.view import Study, share


def verdict(study: Study) -> list[str]:
    """Sentences: what was asked, what switching brings, what it is worth."""
    return [text for text in (_asked(study), _brings(study), _worth(study)) if text]


def judgement(study: Study) -> list[tuple[str, bool]]:
    """Each method's verdict (exact, learned, naive, limits), and whether it is a warning."""
    parts = (_proven(study), _learned(study), _naive(study), _limits(study))
    return [part for part in parts if part[0]]


def _asked(study: Study) -> str:
    count, devices = len(study.storms), len(study.table("devices"))
    if not count:
        return ""
    storms = study.table("storms")
    faults = int((storms["role"] == "judged").sum())
    what = f"{_plural(count, 'storm')} with {_plural(faults, 'fault')}" if faults else _plural(count, "storm")
    return (
        f"Asked: after {what}, which of {_plural(devices, 'device')} to operate, in which order, so that most "
        "customers are back soonest and no limit is broken."
    )


def _brings(study: Study) -> str:
    means = study.table("means").set_index("method")
    if "none" not in means.index or study.best not in means.index or study.best in ("none", "naive"):
        return ""
    crew, best = (float(means.at[m, "customer_minutes"]) for m in ("none", study.best))
    back = float(means.at[study.best, "customers_restored"])
    return (
        f"With the switching orders of the method {study.label(study.best)} customers are out for {style.number(best)} "
        f"customer-minutes, {share(best, crew)} than with crews only ({style.number(crew)}); {style.number(back)} "
        f"customers are picked up before the repair, with {style.number(means.at[study.best, 'operations'], 1)} "
        "operations a storm."
    )


def _worth(study: Study) -> str:
    rows = study.table("business_case")
    both = rows[rows["measure"] == "both"]
    if not len(both) or "usd_per_year" not in both:
        return ""
    text = f"That is worth {style.money(both['usd_per_year'].iloc[0])} a year in interruptions"
    if "net_present_value_usd" in both and both["net_present_value_usd"].notna().any():
        text += f"; net present value {style.money(both['net_present_value_usd'].iloc[0])}"
    return text + "."


def _proven(study: Study) -> tuple[str, bool]:
    rows = study.table("comparison")
    rows = rows[rows["method"] == "exact"]
    if not len(rows):
        return "", False
    proven = int((rows["status"] == "optimal").sum())
    label = study.label("exact").capitalize()
    if proven == len(rows):
        return f"{label}: proven optimal in {_all(proven)}.", False
    gap = (rows["gap"] / rows["customer_minutes"].where(rows["customer_minutes"] > 0)).astype(float)
    worst = f"; largest gap {style.percent(gap.max(), 2)}" if gap.notna().any() else ""
    return f"{label}: proven optimal in {proven} of {len(rows)} storms{worst}.", True


def _all(count: int) -> str:
    return "the one storm" if count == 1 else f"all {count} storms"


def _learned(study: Study) -> tuple[str, bool]:
    seeds, label = study.table("seeds"), study.label("learned").capitalize()
    if not len(seeds):
        return "", False
    difference = seeds["difference_to_greedy"].astype(float)
    if difference.isna().all():
        return (
            f"{label}: the method {study.label('greedy')} was not run, so there is nothing to compare it with.",
            False,
        )
    base = float(seeds["greedy_customer_minutes"].iloc[0])
    mean = float(difference.mean())
    spread = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    worse = int((difference > 0).sum())
    if abs(mean) < 5e-5 * base:
        return f"{label}: equal to {study.label('greedy')} over {_plural(len(seeds), 'training')}.", False
    kind = "MORE" if mean > 0 else "fewer"
    text = (
        f"{label}: {style.percent(abs(mean) / base, 2)} {kind} customer-minutes than {study.label('greedy')} on "
        f"average over {_plural(len(seeds), 'training')} (standard deviation {style.percent(spread / base, 2)}; "
        f"worse in {worse} of {len(seeds)})."
    )
    return text + (" Learning does not pay here." if mean > 0 else ""), mean > 0


def _naive(study: Study) -> tuple[str, bool]:
    means = study.table("means").set_index("method")
    if "naive" not in means.index:
        return "", False
    label, broken, of = study.label("naive").capitalize(), int(means.at["naive", "violations"]), study.storms
    if not broken:
        return f"{label}: breaks no limit in these storms.", False
    return (
        f"{label}: breaks limits in {broken} of {len(of)} storms. Its customers count as picked up although a limit "
        "breaks: what a count without power flow would claim.",
        False,
    )


def _limits(study: Study) -> tuple[str, bool]:
    left = int(study.result.violations_left)
    if left:
        return f"The other methods leave {_plural(left, 'violation')}: see the table.", True
    return "Every operation of the other methods was solved by power flow and breaks no limit.", False


def cold_load(study: Study) -> str:
    """How many sections wait, and how many are deferred."""
    table = study.table("cold_load")
    if not len(table):
        return "No section is picked up by switching: nothing to schedule."
    waited = table["waited_min"].astype(float)
    waits, deferred = int((waited > 0).sum()), int(table["pickup_min"].isna().sum())
    longest = float(np.nanmax(waited.fillna(0.0)))
    text = f"Of {_plural(len(table), 'pick-up')}, {waits} wait{'s' if waits == 1 else ''} for surges to decay"
    text += f" (the longest {style.number(longest)} min)" if waits else ""
    return text + f" and {deferred} {'is' if deferred == 1 else 'are'} deferred to the repair."


def left_out(study: Study) -> str:
    """Which storms have no figures."""
    more = len(study.storms) - len(study.shown)
    if more <= 0:
        return ""
    return (
        f"Figures are drawn for the first {len(study.shown)} of {len(study.storms)} storms; the order sheets of "
        f"the other {more} follow below, all tables are in the workbook."
    )


def _plural(count: int, word: str) -> str:
    return f"{style.number(count)} {word}{'' if count == 1 else 's'}"
