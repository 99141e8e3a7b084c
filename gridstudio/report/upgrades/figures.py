"""The figures of an upgrade planning study; each is left out where the study has nothing to show in it."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.upgrades import compared, hourly, powerflow, ranks, roads, simulated, worth
from gridstudio.report.upgrades.rows import MOST_ROWS
from gridstudio.report.upgrades.view import Study, millions, plural

SAIDI, SAIFI = "SAIDI, all years [h]", "SAIFI, all years [per customer]"
Drawn = Iterator[tuple[str, Path]]


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    parts = (
        _roadmap, _spending, _ranking, _risk_map, _deficits, _selection, _merit, _alternatives, _plans, _pareto,
        _sweeps, _check, _scenarios, _powerflow,
    )  # fmt: skip
    return {name: path for part in parts for name, path in part(study, folder)}


def _roadmap(study: Study, folder: Path) -> Drawn:
    rows = study.table("roadmap")
    if not len(rows):
        return
    active = set(rows.loc[rows["action"] != "none", "feeder"])
    names = [name for name in study.feeders if name in active]
    shown = _order(study, names or study.feeders)[:MOST_ROWS]
    idle = len(study.feeders) - len(names) if names else 0
    told = (
        f" {plural(idle, study.place)} need{'s' if idle == 1 else ''} nothing and {_is(idle)} not shown."
        if idle
        else ""
    )
    subtitle = f"Feeders by risk, the highest first.{_cut(len(names), len(shown))}{told}"
    text = Text("Road map: what each feeder gets in each year", subtitle)
    left = f"left in year {rows['year'].max()} [{study.unit}]"
    roads.roadmap(rows, shown, left, text, folder / "roadmap.png")
    yield "roadmap", folder / "roadmap.png"


def _order(study: Study, names: list[str]) -> list[str]:
    """Where not all fit, feeders at which something is built come first; each group by risk."""
    if len(names) <= MOST_ROWS:
        return names
    built = set(study.built["feeder"])
    return [n for n in names if n in built] + [n for n in names if n not in built]


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _cut(count: int, shown: int) -> str:
    return f" {shown} of {count} are shown." if shown < count else ""


def _spending(study: Study, folder: Path) -> Drawn:
    rows = study.table("years")
    if len(rows):
        text = Text("Spending and the risk that is left", "Every year is simulated with what stands by then")
        roads.spending_and_risk(rows, study.unit, text, folder / "spending.png")
        yield "spending", folder / "spending.png"
    risk = study.table("risk")
    if len(risk):
        text = Text("The tail of the risk", "Expected value, 95 % quantile, mean of the worst share (CVaR), highest")
        simulated.tails(risk, study.unit, text, folder / "tails.png")
        yield "tails", folder / "tails.png"


def _ranking(study: Study, folder: Path) -> Drawn:
    rows = study.table("ranking")
    if not len(rows):
        return
    shown = rows.head(MOST_ROWS)
    subtitle = f"The highest risk first, over all scenarios.{_cut(len(rows), len(shown))}"
    text = Text("Feeders by risk, before and after", subtitle)
    ranks.ranking(shown, study.unit, text, folder / "ranking.png")
    yield "ranking", folder / "ranking.png"


def _risk_map(study: Study, folder: Path) -> Drawn:
    before, road = study.table("ranking"), study.table("roadmap")
    if not (before["expected_unserved"].astype(float) > 0).any():
        return
    last = road[road["year"] == road["year"].max()] if len(road) else road
    after = last.merge(before[["feeder", "customers"]], on="feeder")
    safe = int((~(before["expected_unserved"].astype(float) > 0)).sum())
    told = f" {plural(safe, study.place)} without risk {_is(safe)} not shown." if safe else ""
    text = Text("Risk map of the last year", f"Risk is probability times severity: it rises to the upper right.{told}")
    columns = ["feeder", "probability", "severity", "customers"]
    ranks.risk_map(before[columns], after[columns], study.unit, text, folder / "risk_map.png")
    yield "risk_map", folder / "risk_map.png"


def _deficits(study: Study, folder: Path) -> Drawn:
    rows = study.table("deficits")
    if not len(rows) or not (rows["highest_mw"].astype(float) > 0).any():
        return
    short = set(rows.loc[rows["highest_mw"].astype(float) > 0, "feeder"])
    names = [name for name in study.feeders if name in short]
    shown = names[: hourly.MOST_PANELS]
    subtitle = f"If nothing is built; the same scale for all.{_cut(len(names), len(shown))}"
    text = Text("Load above the limit by year", subtitle)
    hourly.deficits(rows, shown, text, folder / "deficits.png")
    yield "deficits", folder / "deficits.png"


def _selection(study: Study, folder: Path) -> Drawn:
    rows = study.table("selection")
    if not len(rows):
        return
    names = _order(study, [name for name in study.feeders if name in set(rows["feeder"])])
    shown = names[:MOST_ROWS]
    text = Text("What is chosen", f"Feeder by measure; the number is the capital in USD.{_cut(len(names), len(shown))}")
    roads.selection(rows, shown, study.years, text, folder / "selection.png")
    yield "selection", folder / "selection.png"


def _merit(study: Study, folder: Path) -> Drawn:
    rows = study.table("projects")
    if not len(rows):
        return
    order = rows.groupby("feeder", sort=False)["npv_usd"].max().sort_values(ascending=False, kind="stable").index
    kept = list(order[:MOST_ROWS])
    shown = rows[rows["feeder"].isin(kept)].assign(place=rows["feeder"].map({n: i for i, n in enumerate(kept)}))
    shown = shown.sort_values(["place", "discount_rate"], kind="stable")
    rates = sorted(set(rows["discount_rate"].astype(float)))
    years = study.setting("money", "project_years", None)
    over = f"over {years} years " if years else ""
    band = " to ".join(dict.fromkeys(style.percent(rate, 1) for rate in (rates[0], rates[-1])))
    cut = _cut(len(order), len(kept))
    text = Text(
        "Benefit and cost of what is built",
        f"Judged {over}with and without; discount rate {band}.{cut}",
    )
    worth.benefit_cost(shown, text, folder / "benefit_cost.png")
    yield "benefit_cost", folder / "benefit_cost.png"
    rate = rates[len(rates) // 2]
    points = rows[rows["discount_rate"] == rate]
    text = Text(
        "Cost against benefit", f"A point for each feeder with a measure; discount rate {style.percent(rate, 1)}"
    )
    worth.cost_against_benefit(points, text, folder / "cost_against_benefit.png")
    yield "cost_against_benefit", folder / "cost_against_benefit.png"


def _alternatives(study: Study, folder: Path) -> Drawn:
    rows = study.table("alternatives")
    if len(rows):
        rows = rows.sort_values("deferral_usd", ascending=False, kind="stable")
        shown = rows.head(MOST_ROWS)
        quantile = study.setting("alternatives", "adequacy", 0.95)
        subtitle = (
            f"Demand response that shifts EVs, and a battery; adequate in {style.percent(quantile)} of the scenarios."
        )
        text = Text("Non-wires alternatives against wires", subtitle + _cut(len(rows), len(shown)))
        worth.alternatives(shown, study.years, text, folder / "alternatives.png")
        yield "alternatives", folder / "alternatives.png"
    dispatch = study.table("dispatch")
    if dispatch.get("hour", pd.Series(dtype=int)).nunique() > 1:  # only the peak is no day
        names = [name for name in study.feeders if name in set(dispatch["feeder"])]
        until = dict(zip(rows["feeder"], rows["adequate_until"], strict=True)) if len(rows) else {}
        shown_names = names[: hourly.MOST_PANELS]
        day = "The hardest day of the last year in which the alternative is adequate (else of the first year short)."
        subtitle = day + _cut(len(names), len(shown_names))
        text = Text("The alternatives hour by hour", subtitle)
        hourly.dispatch(dispatch, shown_names, until, text, folder / "dispatch.png")
        yield "dispatch", folder / "dispatch.png"


def _plans(study: Study, folder: Path) -> Drawn:
    rows = study.table("plans")
    if not len(rows):
        return
    found = study.table("stochastic")
    perfect = found.loc[found["quantity"] == "every scenario known beforehand", "usd"]
    worth = "".join(
        f" {label}: {millions(float(study.head(key)))}."
        for key, label in (("vss_usd", "Planning for scenarios is worth"), ("evpi_usd", "Knowing them, at most"))
        if study.head(key) is not None
    )
    text = Text("The plan beside others", worth.strip() or "The same scenarios, prices and risk measure for all.")
    usd = float(perfect.iloc[0]) if len(perfect) else None
    compared.plans(rows, usd, study.unit, text, folder / "plans.png")
    yield "plans", folder / "plans.png"


def _pareto(study: Study, folder: Path) -> Drawn:
    front = study.table("pareto")
    if len(front) < 2:
        return
    measures = [("expected_unserved", f"Expected unserved, all years [{study.unit}]")]
    measures += [(c, label) for c, label in (("saidi_h", SAIDI), ("saifi", SAIFI)) if study.has("pareto", c)]
    measures = [(c, label) for c, label in measures if front[c].astype(float).max() > 0]
    if not measures:
        return
    plans = study.table("plans")
    others = pd.concat([plans[plans["plan"] == "plan"], plans[plans["plan"] != "plan"]]).assign(
        **{c: float("nan") for c, _ in measures if c not in plans}
    )
    stopped = int((front["status"].astype(str) != "optimal").sum())
    told = f" Hollow: stopped early, not proven ({stopped} of {len(front)})." if stopped else ""
    subtitle = f"A point for each bound on what may stay unserved over all years.{told}"
    text = Text("Cost against what stays unserved", subtitle)
    compared.pareto(front, others, measures, text, folder / "pareto.png")
    yield "pareto", folder / "pareto.png"


def _sweeps(study: Study, folder: Path) -> Drawn:
    prices, projects = study.table("value_of_lost_load"), study.table("projects")
    if not len(prices) and not len(study.table("discount_rate")):
        return
    rates = projects.groupby("discount_rate", as_index=False)[["benefit_usd", "cost_usd", "npv_usd"]].sum()
    text = Text("Other prices, other rates", "The plan made anew for each value of lost load and each discount rate")
    again = study.table("discount_rate")
    compared.sweeps(prices, again, rates, study.unproven, study.unit, text, folder / "sweeps.png")
    yield "sweeps", folder / "sweeps.png"


def _check(study: Study, folder: Path) -> Drawn:
    rows = study.table("check")
    if len(rows):
        text = Text("The plan simulated", "On the scenarios it was made for, and on others that it has not seen")
        simulated.check(rows, study.unit, text, folder / "check.png")
        yield "check", folder / "check.png"


def _scenarios(study: Study, folder: Path) -> Drawn:
    rows = study.table("scenarios")
    if len(rows) > 1:
        text = Text(
            "The scenarios", f"{plural(len(rows), 'scenario')} weighted by probability; drivers: means over feeders"
        )
        simulated.scenarios(rows, study.unit, text, folder / "scenarios.png")
        yield "scenarios", folder / "scenarios.png"


def _powerflow(study: Study, folder: Path) -> Drawn:
    """What only power flows can tell."""
    yield from powerflow.draw(study, folder)
