"""The figures of a transition study; each is left out where the study has nothing to show in it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report.maps import Text
from gridstudio.report.transition import costs, futures, growth, network, plans
from gridstudio.report.transition.future_figures import draw_distributions, draw_fans
from gridstudio.report.transition.view import COLOURS, MOST_CASES, Drawn, Study, optimised, plural, with_rows, years

VALUES = (
    "stochastic plan",
    "plan for the mean future, in the mean future",
    "plan for the mean future, held in every stage",
    "its first stage held, then adapted",
)


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
        draw_fans,
        draw_distributions,
        _days,
        _growth,
    )
    return {name: path for make in makers for name, path in make(study, folder)}


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
    for case in with_rows(study, log):
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
    cases = with_rows(study, rows)
    if not cases or not len(rows):
        return
    known = [f for f in COLOURS if f in set(rows["factor"])]
    factors = [*known, *(f for f in dict.fromkeys(rows["factor"]) if f not in COLOURS)]
    text = Text("New capacity in service, by case", f"Expected over the paths that lead to each state{years(study)}")
    plans.capacities(rows, cases, factors, text, folder / "capacities.png")
    yield "capacities", folder / "capacities.png"


def _pieces(study: Study, folder: Path) -> Drawn:
    table = study.table("capacities")
    rows = table[table["unit"].astype(str) != "MW"]
    cases = with_rows(study, rows)
    if not cases:
        return
    rows = rows[rows["case"].astype(str).isin(cases)]
    text = Text(
        "Storage, retrofits and grid measures in service, in pieces",
        f"Expected over the paths that lead to each state{years(study)}; a dot: none",
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
    cases = with_rows(study, table)
    if not cases:
        return
    text = Text(
        "Load shed and energy curtailed", "Expected a year of each stage, with a bar for each state, left to right"
    )
    plans.operation(table, cases, study.states, text, folder / "operation.png")
    yield "operation", folder / "operation.png"


def _co2(study: Study, folder: Path) -> Drawn:
    table = study.table("operations")
    cases = with_rows(study, table)
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
