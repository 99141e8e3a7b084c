"""The figures of a reconductoring study; each is left out where the study has nothing to show in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gridstudio.report import arrange, charts, choices, maps, style
from gridstudio.report.maps import Text
from gridstudio.report.reconductoring import words
from gridstudio.report.reconductoring.view import Study

MOST_MAPS = 12


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    return {
        name: path
        for part in (_costs, _maps, _loadings, _voltages, _decisions, _spending, _robust, _comparison)
        for name, path in part(study, folder)
    }


Drawn = Iterator[tuple[str, Path]]


def _costs(study: Study, folder: Path) -> Drawn:
    scenarios = study.table("scenarios")
    if len(scenarios):
        shape = cost_shape(study)
        text = Text("What the plans cost", f"All {len(scenarios)} scenarios, weighted by their probability")
        path = folder / "cost_histogram.png"
        charts.cost_distribution(shape, study.expected_usd, study.span_usd, study.cost_label, text, path)
        yield "cost_histogram", path


def cost_shape(study: Study) -> arrange.Distribution:
    """The distribution of the scenarios' costs."""
    scenarios = study.table("scenarios")
    cost = scenarios[study.cost_column].to_numpy(dtype=float)
    return arrange.distribution(cost, scenarios["probability"].to_numpy(dtype=float))


def _maps(study: Study, folder: Path) -> Drawn:
    diagram = study.diagram
    if diagram is None or not study.plans:
        return
    main = study.plans[study.main]
    length_km = style.number(main["length_m"].sum() / 1000, 2)
    about = f"{_sections(len(main))} replaced, {length_km} km, {study.cost_of(main)}"
    where = " Computed layout: the circuit has no coordinates." if diagram.computed else ""
    text = Text(f"The network in year {study.years}: plan of scenario {study.main}", f"{about}.{where}")
    maps.plan_map(diagram, main, study.years, study.colours, text, folder / "plan_map.png")
    yield "plan_map", folder / "plan_map.png"
    row = diagram.row_of_line()
    replaced = [row[line] for line in dict.fromkeys(line for plan in study.plans.values() for line in plan["line"])]
    shown = {name: _years_shown(study, name) for name in study.plans}
    layout = maps.grid(diagram, replaced, max(map(len, shown.values())))
    for name, plan in study.plans.items():
        captions = []
        for year in shown[name]:
            now = plan[plan["year"] == year]
            cost = f", {style.money(now['cost_usd'].sum())}" if len(now) else ""
            captions.append(f"Year {year}: {_sections(len(now))}{cost}" if year else "Reference: as it is today")
        text = Text(
            f"Conductors by year, scenario {name}", "Bold: replaced in the year. Grey: replaced before." + where
        )
        path = folder / f"network_by_year_scenario_{_file_name(name)}.png"
        maps.conductors_by_year(diagram, plan, shown[name], captions, layout, study.colours, text, path)
        yield f"network_by_year_{name}", path


def _sections(count: int) -> str:
    return f"{count or 'no'} section{'' if count == 1 else 's'}"


def _years_shown(study: Study, scenario: str) -> list[int]:
    """The reference and every year; of a long horizon only the years in which something happens, and the last."""
    if study.years < MOST_MAPS:
        return list(range(study.years + 1))
    busy = sorted({int(year) for year in study.plans[scenario]["year"]})[: MOST_MAPS - 2]
    return sorted({0, *busy, study.years})


def _file_name(scenario: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", scenario)[:60]


def _loadings(study: Study, folder: Path) -> Drawn:
    loadings = study.table("loadings")
    part = loadings[(loadings["scenario"] == study.main) & (loadings["year"] == study.years)]
    if study.diagram is None or part.empty:
        return
    before = dict(zip(part["line"], part["loading_before_pu"].astype(float), strict=True))
    after = dict(zip(part["line"], part["loading_after_pu"].astype(float), strict=True))
    limit = style.percent(study.loading_max_pu)
    text = Text(
        f"Loading in year {study.years}, scenario {study.main}", f"Thick: above the limit of {limit} of the rating"
    )
    path = folder / "loading_before_after.png"
    maps.loading_maps(study.diagram, {"Before": before, "After": after}, study.loading_max_pu, text, path)
    yield "loading_before_after", path


def _voltages(study: Study, folder: Path) -> Drawn:
    voltages = study.table("voltages")
    part = voltages[(voltages["scenario"] == study.main) & (voltages["year"] == study.years)]
    if len(part):
        text = Text(
            f"Voltages in year {study.years}, scenario {study.main}",
            "Against the distance along the line from the source",
        )
        path = folder / "voltage_profile.png"
        panels = {"Before": "v_before_pu", "After": "v_after_pu"}
        shape = arrange.profile(part, study.table("network_branches"))
        charts.voltage_profile(shape, panels, study.limits_pu, text, path)
        yield "voltage_profile", path


def _decisions(study: Study, folder: Path) -> Drawn:
    table, interventions = study.table("decisions"), study.table("interventions")
    if len(table) and len(interventions):
        found = arrange.decisions(table, interventions, study.table("scenarios"), study.conductors)
        classes = dict(zip(table["line"].astype(str), table["class"].astype(str), strict=True))
        text = Text(
            "Which section, when, with what",
            "Probability [%] that a section gets a conductor in a year, over all scenarios.",
        )
        choices.decision_table(found, classes, text, folder / "decisions.png")
        yield "decisions", folder / "decisions.png"


def _spending(study: Study, folder: Path) -> Drawn:
    interventions, scenarios = study.table("interventions"), study.table("scenarios")
    if len(interventions) and len(scenarios):
        spent = arrange.spending(interventions, scenarios, study.years, study.conductors)
        text = Text("Spending by year", "Expected over all scenarios, not discounted, by the conductor that is put up")
        charts.spending_by_year(spent, study.colours, text, folder / "spending_by_year.png")
        yield "spending_by_year", folder / "spending_by_year.png"


def _robust(study: Study, folder: Path) -> Drawn:
    robust = study.table("robust")
    if len(robust) and any(column in robust for column in choices.COSTS):
        text = Text(
            "Plans to commit to now",
            "What each costs over all scenarios, later corrections included"
            + (", losses saved deducted" if words.prices_losses(study) else "")
            + "; and its regret",
        )
        choices.robust_plans(robust, text, folder / "robust_plans.png")
        yield "robust_plans", folder / "robust_plans.png"


def _comparison(study: Study, folder: Path) -> Drawn:
    table = study.table("comparison")
    if len(table):
        agree = int(np.asarray(table["agrees"], dtype=bool).sum())
        text = Text(
            f"Compared with {study.published}",
            f"{agree} of {len(table)} interventions agree in line, year and conductor",
        )
        choices.comparison(table, study.years, study.published, text, folder / "comparison.png")
        yield "comparison", folder / "comparison.png"
