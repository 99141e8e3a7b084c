"""The figures of a resilience study; each is left out where the study has nothing to show in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.maps import Text
from gridstudio.report.resilience import charts, maps, sweeps
from gridstudio.report.resilience.view import Study, served, telling

MOST_LOADS = 36
SAME_STORMS = "same storms for all: differences are surer than bars"
Drawn = Iterator[tuple[str, Path]]
CASES = (
    ("fresh", "without", "fresh storms, no new source", charts.WITHOUT, "solid"),
    ("fresh", "plan", "fresh storms, with the plan", charts.WITH, "solid"),
    ("scenarios", "without", "scenarios, no new source", charts.WITHOUT, (0, (4, 2))),
    ("scenarios", "mean storm", "scenarios, plan for the mean storm", "#cc79a7", (0, (2, 1.5))),
    ("scenarios", "plan", "scenarios, with the plan", charts.SAMPLE, (0, (4, 2))),
)


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    parts = (_maps, _supply, _losses, _weather, _convergence, _scenarios, _sweep_scenarios, _sweep_risk, _sweep_budget)
    return {name: path for part in parts for name, path in part(study, folder)}


# ---- the plan ------------------------------------------------------------------------------------


def _maps(study: Study, folder: Path) -> Drawn:
    diagram = study.diagram
    if diagram is None:
        return
    if len(study.table("plan")):
        maps.siting(study, diagram, folder / "siting.png")
        yield "siting", folder / "siting.png"
    shown = telling(study)
    if shown and len(study.table("islands")):
        maps.islands(study, diagram, shown, folder / "islands.png")
        yield "islands", folder / "islands.png"
    if maps.supplied(study, diagram, folder / "supplied.png"):
        yield "supplied", folder / "supplied.png"


def _supply(study: Study, folder: Path) -> Drawn:
    after, before, loads = served(study, "pickup"), served(study, "pickup_without"), study.table("loads")
    if after is None:
        return
    critical = loads["critical"].to_numpy(dtype=bool)
    worth = loads["kw"].to_numpy(dtype=float) * loads["weight"].to_numpy(dtype=float)
    chosen = np.flatnonzero(critical) if critical.any() else np.arange(len(loads))
    rows = chosen[np.argsort(-worth[chosen], kind="stable")][:MOST_LOADS]
    what = "critical loads" if critical.any() else "loads"
    more = f" The {len(rows)} that weigh most of {len(chosen)}." if len(rows) < len(chosen) else ""
    names = [_load_name(loads.iloc[row]) for row in rows]
    text = Text(f"How often {what} are picked up", f"By weight times kW, the largest first.{more}")
    old = None if before is None else before.to_numpy()[rows]
    path = folder / "loads.png"
    charts.supply(names, old, after.to_numpy()[rows], ("without new sources", "with the plan"), text, path)
    yield "loads", path


def _load_name(load: "pd.Series[object]") -> str:
    source = str(load["source"]).partition(":")[2].strip() or str(load["source"])
    return f"{load['load']}, {style.number(load['kw'])} kW \u00d7 {load['weight']:g}" + (
        f", {source}" if source else ""
    )


def _losses(study: Study, folder: Path) -> Drawn:
    curves = []
    fresh, scenarios = study.table("losses"), study.table("scenarios")
    for storms, case, label, colour, dashes in CASES:
        found = study.risk(storms, case)
        if found is None:
            continue
        loss = probability = None
        if storms == "fresh" and len(fresh):
            loss = fresh["without_kw" if case == "without" else "with_plan_kw"].to_numpy(dtype=float)
            probability = np.full(len(loss), 1 / len(loss))
        elif storms == "scenarios" and case == "plan" and len(scenarios):
            loss, probability = (scenarios[c].to_numpy(dtype=float) for c in ("q_kw", "probability"))
        curves.append(charts.Curve(label, colour, dashes, found, loss, probability))
    if not curves:
        return
    text = Text(
        "Loss with and without the plan, in-sample and out-of-sample",
        f"{len(fresh)} fresh storms that the program has not seen, {len(scenarios)} scenarios that it has; dotted: the "
        f"worst {100 * (1 - study.alpha):g} %",
    )
    charts.losses(curves, study.alpha, text, folder / "losses.png")
    yield "losses", folder / "losses.png"


# ---- storms --------------------------------------------------------------------------------------


def _weather(study: Study, folder: Path) -> Drawn:
    wind, fragility = study.table("wind"), study.table("fragility")
    if not len(wind) and not len(fragility):
        return
    metres = "A line fails as the first of its reference lengths does."
    text = Text("Wind of an event, and lines that fail in it", "One wind speed for the whole feeder. " + metres)
    charts.weather(wind, fragility, study.table("strata"), text, folder / "weather.png")
    yield "weather", folder / "weather.png"


def _convergence(study: Study, folder: Path) -> Drawn:
    table = study.table("convergence")
    if not len(table):
        return
    last = table.iloc[-1]
    text = Text(
        "Convergence of the Monte Carlo",
        f"{style.number(last['storms'])} storms: mean loss {style.number(last['mean_kw'])} \u00b1 "
        f"{style.number(last['standard_error_kw'])} weighted kW (standard error), by connectivity",
    )
    wanted = float(study.setting("monte_carlo", "standard_error_pct", 1.0))
    charts.convergence(table, wanted, text, folder / "convergence.png")
    yield "convergence", folder / "convergence.png"


def _scenarios(study: Study, folder: Path) -> Drawn:
    table = study.table("scenarios")
    if not len(table):
        return
    stands = style.number(table["stands_for"].sum())
    text = Text(
        f"The {len(table)} scenarios that stand for {stands} storms",
        "Area: probability. Discs: loss without new sources, by connectivity; diamonds: with the plan, by power flow",
    )
    charts.scenarios(table, text, folder / "scenarios.png")
    yield "scenarios", folder / "scenarios.png"


# ---- sweeps --------------------------------------------------------------------------------------


def _points(study: Study, sweep: str) -> pd.DataFrame:
    table = study.table("sweep")
    return table[table["sweep"] == sweep]


def _sweep_scenarios(study: Study, folder: Path) -> Drawn:
    table = _points(study, "scenarios")
    if not len(table):
        return
    draws = int(table["draw"].nunique())
    text = Text(
        "How many scenarios are enough?",
        f"{draws} set{'' if draws == 1 else 's'} of each number, lambda {table['lambda'].iloc[0]:g}, alpha "
        f"{table['alpha'].iloc[0]:g}, {style.number(table['budget_kw'].iloc[0])} kW; times are a machine's",
    )
    sweeps.scenarios(table, text, folder / "sweep_scenarios.png")
    yield "sweep_scenarios", folder / "sweep_scenarios.png"


def _sweep_risk(study: Study, folder: Path) -> Drawn:
    table = _points(study, "risk")
    if not len(table):
        return
    count = int(table["scenarios"].iloc[0])
    text = Text("CVaR against risk aversion", f"{count} scenarios; {SAME_STORMS}")
    sweeps.risk(table, text, folder / "sweep_risk.png")
    yield "sweep_risk", folder / "sweep_risk.png"


def _sweep_budget(study: Study, folder: Path) -> Drawn:
    table, spread = _points(study, "budget"), study.table("sweep_losses")
    if not len(table):
        return
    words = f"{int(table['scenarios'].iloc[0])} scenarios, alpha {table['alpha'].iloc[0]:g}; {SAME_STORMS}"
    sweeps.budget(table, Text("Budget and candidate sites", words), folder / "sweep_budget.png")
    yield "sweep_budget", folder / "sweep_budget.png"
    if len(spread):
        text = Text("Losses over fresh storms by budget and candidate sites", "Whiskers 5 and 95 %. " + words)
        sweeps.boxes(table, spread, text, folder / "sweep_losses.png")
        yield "sweep_losses", folder / "sweep_losses.png"
    if len(study.table("plan")):
        text = Text(
            "Several small sources, or a few large ones?", "What the programs choose. " + words.partition(";")[0]
        )
        sweeps.sources(table, study.table("plan")["max_kw"].tolist(), text, folder / "sweep_sources.png")
        yield "sweep_sources", folder / "sweep_sources.png"
