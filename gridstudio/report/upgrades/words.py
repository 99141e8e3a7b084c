"""The verdict of an upgrade planning study in plain English, from its headline and tables."""

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.upgrades.view import Study, listed, millions, plural, words

CLOSE = 1e-6  # of a total, in USD
NEARLY_ALL = 0.97  # of a budget


def verdict(study: Study) -> list[str]:
    """Sentences: what to build and when, what it costs, what risk remains."""
    return [text for text in (_what(study), _first(study), _risk(study), _where(study)) if text]


def judgement(study: Study) -> list[tuple[str, bool]]:
    """Whether the plan holds, how good it is and what it depends on; and whether that is a warning."""
    parts = (_holds(study), _outside(study), _weighed(study), _proven(study), _budget(study), _worthless(study),
             _stochastic(study), _other_prices(study), _alternatives(study))  # fmt: skip
    return [part for part in parts if part[0]]


# ---- what, when, how much, what is left ----------------------------------------------------------


def _what(study: Study) -> str:
    if not study.has("selection"):
        return ""
    built, years = study.built, study.years
    over = f" in {plural(len(years), 'year')}" if years else ""
    if not len(built):
        return f"Build nothing{over}: {_not_worth(study)}."
    spent = study.table("years")["spend_usd"].astype(float).sum()
    text = (
        f"Build {plural(len(built), 'measure')} on {study.counted(built['feeder'], study.feeders)}{over}, "
        f"for {millions(spent)}"
    )
    worth = study.head("investment_usd")
    rate = study.setting("money", "discount_rate", None)
    if worth is None:
        return f"{text}."
    at = f" at {style.percent(rate, 1)}" if rate is not None else ""
    less = ", less the value left at the end" if study.setting("money", "residual_value", True) else ""
    return f"{text} (present value of capital and O&M{at}{less}: {millions(float(worth))})."


def _not_worth(study: Study) -> str:
    """Why nothing is built: what the budget does not allow is not judged."""
    dear, offered = _too_dear(study)
    if not dear:
        return f"no measure on any of {study.places} is worth its cost"
    if dear == offered:
        return "every measure offered costs more than any year's budget"
    return (
        f"of {plural(offered, 'measure')} offered, {dear} cost{_s(dear)} more than any year's budget and none of the "
        "others is worth its cost"
    )


def _too_dear(study: Study) -> tuple[int, int]:
    """How many of the measures offered cost more than any year's budget, and how many are offered."""
    budget = study.table("years")["budget_usd"].astype(float)
    cost = study.table("selection")["cost_usd"].astype(float)
    most = np.inf if not len(budget) or budget.isna().any() else float(budget.max())
    return int((cost > most * (1 + CLOSE)).sum()), len(cost)


def _s(count: int) -> str:
    return "s" if count == 1 else ""


def _first(study: Study) -> str:
    built = study.built
    if not len(built):
        return ""
    first = int(built["year"].iloc[0])
    now = built[built["year"] == first]
    what = listed(f"{words(m)} on {words(f)}" for f, m in zip(now["feeder"], now["measure"], strict=True))
    cost = now["cost_usd"].sum()
    return f"First, in year {first}: {what} ({millions(cost)})."


def _risk(study: Study) -> str:
    rows = study.table("years")
    if not len(rows):
        return ""
    last = rows.iloc[-1]
    before, after = float(last["expected_unserved_without"]), float(last["expected_unserved"])
    if not before > 0:
        return f"Nothing is unserved in year {int(last['year'])} even if nothing is built."
    share = 1 - after / before
    less = f"{style.percent(abs(share), 1)} {'less' if share >= 0 else 'MORE'}"
    chance = float(last["probability"])
    told = f", and something is unserved with a probability of {style.percent(chance, 1)}" if after > 0 else ""
    return (
        f"In year {int(last['year'])}, {study.amount(after)} {_are(after)} expected to stay unserved, {less} than the "
        f"{study.amount(before)} if nothing is built{told}."
    )


def _are(value: float) -> str:
    return "is" if value <= 1 else "are"


def _where(study: Study) -> str:
    rows = study.table("ranking")
    rows = rows[rows["expected_unserved_after"].astype(float) > 0]
    total = float(rows["expected_unserved_after"].sum())
    if not total > 0:
        return ""
    worst = rows.sort_values("expected_unserved_after", ascending=False, kind="stable").head(3)
    share = float(worst["expected_unserved_after"].sum()) / total
    most = "All that is left" if len(rows) == len(worst) else f"{style.percent(share)} of what is left"
    return f"{most} is on {listed(words(name) for name in worst['feeder'])}."


# ---- does it hold, how good is it ----------------------------------------------------------------


def _holds(study: Study) -> tuple[str, bool]:
    holds, rounds = study.head("holds"), study.table("rounds")
    if holds is None:
        return "", False
    count = f" after {plural(len(rounds), 'round')} of planning and correcting" if len(rounds) > 1 else ""
    how = "by power flow" if study.result.settings.get("mode") == "powerflow" else "hour by hour"
    if holds == "yes":
        return f"The plan holds: simulated {how} it costs what the program promised{count}.", False
    text = f"The plan does NOT hold when simulated {how}{count}"
    if len(rounds):
        last = rounds.iloc[-1]
        promised, simulated = (float(last[f"{name}_recourse_usd"]) for name in ("expected", "verified"))
        if abs(simulated - promised) <= 1e-6 * max(abs(promised), 1.0):
            return f"{text}: limits stay broken in some of its futures, after all that can be shed (findings).", True
        text += (
            f": the program promised {millions(promised)} for what stays unserved, the "
            f"simulation gives {millions(simulated)}"
        )
    return f"{text}.{_left(study)}", True


def _left(study: Study) -> str:
    rows = study.table("left")
    if not len(rows) or "expected_unserved_mwh" not in rows:
        return ""
    worst = rows.loc[rows["expected_unserved_mwh"].astype(float).idxmax()]
    at = f" at {worst['element']}" if str(worst.get("element") or "") else ""
    return f" Most is left on {words(worst['feeder'])} in year {worst['year']}{at}."


def _outside(study: Study) -> tuple[str, bool]:
    rows = study.table("check").set_index("scenarios")
    if not {"in sample", "out of sample"} <= set(rows.index):
        return "", False
    seen, unseen = rows.loc["in sample"], rows.loc["out of sample"]
    a, b = float(seen["expected_unserved"]), float(unseen["expected_unserved"])
    more = f" ({style.number(b / a, 1)} times as much)" if a > 0 and b > 1.05 * a else ""
    cost, other = float(seen["expected_total_usd"]), float(unseen["expected_total_usd"])
    change = f", {style.percent(abs(other / cost - 1), 1)} {'more' if other >= cost else 'less'}" if cost > 0 else ""
    return (
        f"On {plural(int(unseen['count']), 'scenario')} that it was not made for, {study.amount(b)} {_are(b)} expected "
        f"to stay unserved over all years against {study.amount(a)}{more}; the expected total is {millions(other)} "
        f"against {millions(cost)}{change}.",
        other > 1.1 * cost > 0,
    )


def _weighed(study: Study) -> tuple[str, bool]:
    measure, total = str(study.setting("risk", "measure", "expected")), study.head("total_usd")
    rows = study.table("check").set_index("scenarios")
    if measure == "expected" or total is None or "in sample" not in rows.index:
        return "", False
    alpha, weight = study.setting("risk", "alpha", 0.95), study.setting("risk", "weight", 0.5)
    tail = f"the mean of the worst {style.percent(1 - float(alpha))} of the scenarios"
    blend = f"{style.percent(1 - float(weight))} expected value and {style.percent(float(weight))} {tail}"
    what = {"cvar": tail, "worst": "the worst scenario", "blend": blend}.get(measure, measure)
    expected = float(rows.at["in sample", "expected_total_usd"])
    return f"The plan minimises {what}: {millions(float(total))}; its expected total is {millions(expected)}.", False


def _proven(study: Study) -> tuple[str, bool]:
    status, gap = study.head("status"), study.head("gap")
    bound, total = study.head("bound_usd"), study.head("total_usd")
    if status is None:
        return "", False
    if str(status) == "optimal" and (gap is None or float(gap) <= 1e-3):
        if study.result.settings.get("mode") == "powerflow":
            told = "Proven optimal by the solver, where plans that were not simulated count with their estimates."
            return told, False
        return "No plan of these measures is cheaper: proven optimal by the solver.", False
    within = f" It is at most {style.percent(float(gap), 2)} dearer than the best" if gap is not None else ""
    if within and bound is not None and total is not None:
        within += f" (bound {millions(float(bound))}, plan {millions(float(total))})"
    return f"The solver stopped with the status '{status}': the plan is not proven optimal.{within}.", True


def _budget(study: Study) -> tuple[str, bool]:
    rows = study.table("years")
    limited = rows[rows["budget_usd"].notna()] if len(rows) else rows
    if not len(limited):
        return ("No budget was set.", False) if len(rows) else ("", False)
    spend, budget = limited["spend_usd"].astype(float), limited["budget_usd"].astype(float)
    over = limited[spend > budget * (1 + CLOSE)]
    if len(over):
        return f"The budget is EXCEEDED in {listed(f'year {y}' for y in over['year'])}.", True
    capital = study.table("selection")["cost_usd"].astype(float)
    capital = capital[capital > 0]
    if len(limited) == len(rows) and len(capital) and budget.max() * (1 + CLOSE) < capital.min():
        return (
            f"The budget, at most {millions(float(budget.max()))} in a year, allows nothing with capital: the cheapest "
            f"such measure costs {millions(float(capital.min()))}.",
            True,
        )
    dear, offered = _too_dear(study)
    beyond = f" {dear} of {plural(offered, 'measure')} offered cost{_s(dear)} more than any year's budget."
    full = limited[(spend >= NEARLY_ALL * budget) & (budget > 0)]
    if not len(full):
        return f"In no year is the budget used up.{beyond if dear else ''}", False
    years = listed(str(y) for y in full["year"])
    told = f"The budget is nearly used up in year{'s' if len(full) > 1 else ''} {years}: more might pay."
    return f"{told}{beyond if dear else ''}", False


def _worthless(study: Study) -> tuple[str, bool]:
    rows = study.table("projects")
    if not len(rows):
        return "", False
    best = rows.groupby("feeder", sort=False)["bcr"].agg(["min", "max"]).astype(float)
    never, always = best[best["max"] < 1], best[best["min"] >= 1]
    if not len(never):
        if len(always) == len(best):
            return (
                f"Benefit exceeds cost on all {study.place}s with a measure, at every rate of the discount band.",
                False,
            )
        told = study.counted(always.index, best.index, " with a measure")
        some = listed(words(n) for n in best.index.difference(always.index, sort=False))
        return (
            f"Benefit exceeds cost on {told} at every rate of the discount band, on {some} at some of them only.",
            False,
        )
    names = listed(f"{words(n)} (at best {v:.2f} of it)" for n, v in never["max"].items())
    why = (
        " The ratio counts the expected benefit, the plan also the worst scenarios"
        if study.setting("risk", "measure", "expected") != "expected"
        else " The plan counts the value left at the end of its years, the ratio all years of the project"
    )
    return f"Benefit is below cost on {names} at every rate of the discount band.{why}.", True


def _stochastic(study: Study) -> tuple[str, bool]:
    vss, evpi = study.head("vss_usd"), study.head("evpi_usd")
    if vss is None:
        return "", False
    text = f"Planning for the scenarios instead of the mean future saves {millions(float(vss))}"
    if float(vss) <= 0:
        text = "Planning for the mean future would have given a plan that costs no more"
    return text + (f"; perfect foresight would save at most {millions(float(evpi))} more." if evpi else "."), False


def _other_prices(study: Study) -> tuple[str, bool]:
    rows = study.table("value_of_lost_load")
    if len(rows) < 2:
        return "", False
    proven = rows[[str(name) not in study.unproven for name in rows["plan"]]]
    if len(proven) < 2:
        return "How the plan depends on the value of lost load is not proven: the solver was stopped.", True
    stopped = len(rows) - len(proven)
    rows, left_out = proven, f" ({stopped} more not proven)" if stopped else ""
    counts, price = rows["measures"].astype(int), rows["usd_per_unit"].astype(float)
    if counts.nunique() == 1:
        span = f"{style.money(price.min())} to {style.number(price.max())} per {study.unit}{left_out}"
        return f"The number of measures is the same for a value of lost load from {span}.", False
    told = listed(f"{n} at {style.money(p)}" for n, p in zip(counts, price, strict=True))
    return f"The plan depends on the value of lost load per {study.unit}: measures built: {told}{left_out}.", False


def _alternatives(study: Study) -> tuple[str, bool]:
    rows = study.table("alternatives")
    if not len(rows):
        return "", False
    able = rows["adequate_until"].astype(float) >= rows["first_year"].astype(float)
    pays = rows[able & (rows["deferral_usd"].astype(float) > 0)]
    if not len(pays):
        return f"On none of {plural(len(rows), study.place)} does a non-wires alternative both suffice and pay.", False
    saved = float(pays["deferral_usd"].sum())
    names = listed(words(n) for n in pays["feeder"])
    return f"A non-wires alternative suffices for a while and pays on {names} ({millions(saved)} by deferral).", False


# ---- year by year --------------------------------------------------------------------------------


def by_year(study: Study, most: int = 8) -> pd.DataFrame:
    """year, what to build, spending, budget, what is left: the answer in a table of few rows."""
    built, rows = study.built, study.table("years")
    what = ["; ".join(_by_feeder(built[built["year"] == year], most)) or "nothing" for year in rows["year"]]
    table = pd.DataFrame(
        {
            "year": rows["year"],
            "build": what,
            "spend_usd": rows["spend_usd"],
            "cumulative_usd": rows["cumulative_usd"],
            "budget_usd": rows["budget_usd"],
            f"unserved [{study.unit}]": [study.amount(v).rsplit(style.SPACE, 1)[0] for v in rows["expected_unserved"]],
            f"if nothing is built [{study.unit}]": [
                study.amount(v).rsplit(style.SPACE, 1)[0] for v in rows["expected_unserved_without"]
            ],
            "probability": rows["probability"].astype(float),
        }
    )
    return table.drop(columns=[c for c in ("budget_usd",) if not np.isfinite(rows["budget_usd"].astype(float)).any()])


def _by_feeder(rows: pd.DataFrame, most: int) -> list[str]:
    parts = [
        f"{words(feeder)}: {', '.join(map(words, part['measure']))}"
        for feeder, part in rows.groupby("feeder", sort=False)
    ]
    return [*parts[:most], f"and {len(parts) - most} more feeders"] if len(parts) > most else parts
