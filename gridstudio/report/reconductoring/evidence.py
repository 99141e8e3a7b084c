"""The map, the evidence and the comparison on the page of a reconductoring study."""

from pathlib import Path

import pandas as pd

from gridstudio.report import page, style
from gridstudio.report.page import Html
from gridstudio.report.reconductoring.view import Study

MOST_VIOLATIONS = 150
MOST_BRANCHES = 1500  # of a network of which the page carries the maps of every reported scenario

MAP = Html(
    """<div class="controls">
<label>Plan <select id="map-plan"></select></label>
<label>Year <input type="range" id="map-year" min="0" max="1" step="1"><output id="map-year-text"></output></label>
<div class="modes" id="map-modes" role="group" aria-label="Colour by">
<button type="button" data-mode="conductor" aria-pressed="true">Conductor</button>
<button type="button" data-mode="before" aria-pressed="false">Loading before</button>
<button type="button" data-mode="after" aria-pressed="false">Loading after</button>
</div></div>
<p class="status" id="map-status" aria-live="polite"></p>
<div class="chart" id="map-chart"></div>
<div class="legend" id="map-legend"></div>"""
)


def network(study: Study, figures: dict[str, Path]) -> list[Html]:
    """The interactive map, and all years of each reported scenario at a glance."""
    if study.diagram is None or not study.plans:
        return []
    note = (
        "Point at a section for its figures. Drag to move; the tools at the upper right zoom; double-click to see all."
    )
    if study.diagram.computed:
        note += " The circuit has no coordinates: this is a computed layout, its x axis the distance from the source."
    parts = [page.paragraph(note, "quiet"), MAP]
    large = len(study.diagram.branches) > MOST_BRANCHES
    for name in [study.main] if large else study.plans:
        maps = page.picture(figures[f"network_by_year_{name}"], f"Conductors by year in scenario {name}")
        parts.append(page.details(f"All years at a glance: scenario {name}", [maps], opened=name == study.main))
    if large:
        parts.append(page.paragraph("The maps of the other scenarios are in the folder figures.", "quiet"))
    return parts


VOLTAGES = Html(
    """<div class="controls">
<label>Scenario <select id="voltage-scenario"></select></label>
<label>Year <select id="voltage-year"></select></label></div>
<p class="status" id="voltage-status" aria-live="polite"></p>
<div class="chart" id="voltages"></div>"""
)


def evidence(study: Study, figures: dict[str, Path]) -> list[Html]:
    """Costs, loadings, voltages and violations before and after."""
    parts: list[Html] = []
    scenarios = study.table("scenarios")
    if len(scenarios):
        parts += [page.heading("What it costs"), _cost_legend(study), Html('<div class="chart" id="costs"></div>')]
    if "loading_before_after" in figures:
        parts += [page.heading("Loadings"), page.picture(figures["loading_before_after"], "Loadings before and after")]
    if len(study.table("voltages")):
        parts += [page.heading("Voltages"), VOLTAGES, _voltage_legend(study)]
    parts += _violations(study)
    if len(scenarios):
        parts.append(page.details(f"All {len(scenarios)} scenarios", [page.table(scenarios)]))
    return parts


def _key(kind: str, colour: str, text: str) -> str:
    return f'<span class="key"><i class="{kind}" style="--c:{colour}"></i>{page.escape(text)}</span>'


def _cost_legend(study: Study) -> Html:
    keys = []
    if study.span_usd is not None:
        low, high = map(style.number, study.span_usd)
        keys.append(_key("thick", style.ACCENT_PALE, f"90 % range: USD {low} to {high}"))
    if study.expected_usd is not None:
        keys.append(_key("dash", style.WARNING, f"expected: {style.money(study.expected_usd)}"))
    return Html(f'<div class="legend">{"".join(keys)}</div>')


def _voltage_legend(study: Study) -> Html:
    marks = {1: "\u25cf", 2: "\u25a0", 3: "\u25b2"}
    phases = [
        f'<span class="key"><b style="color:{colour}">{marks[k]}</b>phase {k}</span>'
        for k, colour in style.PHASE_COLOURS.items()
    ]
    low, high = study.limits_pu
    return Html(
        f'<div class="legend">{"".join(phases)}{_key("dash", style.WARNING, f"limits {low:g} and {high:g} pu")}</div>'
    )


def _violations(study: Study) -> list[Html]:
    parts: list[Html] = []
    for name, title in (("violations_before", "Violations before"), ("violations_after", "Violations after")):
        table = study.table(name)
        if table.empty:
            continue
        parts += [page.heading(title), page.table(_by_kind(table, study.years))]
        shown = table.head(MOST_VIOLATIONS)
        parts.append(
            page.details(f"The list ({style.number(len(table))} rows)", [page.table(shown, _cut(len(table), name))])
        )
    return parts


def _cut(count: int, name: str) -> str:
    if count <= MOST_VIOLATIONS:
        return ""
    return f"The first {MOST_VIOLATIONS} of {style.number(count)}; all of them are in tables/{name}.csv."


def _by_kind(table: pd.DataFrame, years: int) -> pd.DataFrame:
    """How many violations of each kind in each year."""
    counts = pd.crosstab(table["kind"], table["year"]).reindex(columns=range(1, years + 1), fill_value=0)
    counts.columns = pd.Index([f"year {year}" for year in counts.columns])
    return counts.assign(all=counts.sum(axis=1)).reset_index().rename_axis(columns=None)


def comparison(study: Study, figures: dict[str, Path]) -> list[Html]:
    """Against a published table: totals, what differs, all rows."""
    table = study.table("comparison")
    if table.empty:
        return []
    differs = table[~table["agrees"].astype(bool)]
    parts = []
    if len(study.table("comparison_totals")):
        parts.append(page.table(study.table("comparison_totals")))
    if len(differs):
        words_ = "What differs, as it is:" if len(differs) > 1 else "The one that differs, as it is:"
        parts += [page.paragraph(words_), page.table(differs, marked=[True] * len(differs))]
    else:
        parts.append(page.paragraph("Every intervention agrees in line, year and conductor."))
    if "comparison" in figures:
        parts.append(page.picture(figures["comparison"], "Years and conductors as published and here"))
    marked = [not agrees for agrees in table["agrees"].astype(bool)]
    parts.append(page.details(f"All {len(table)} interventions", [page.table(table, marked=marked)]))
    return parts
