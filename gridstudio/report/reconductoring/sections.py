"""The page of a reconductoring study: headline, plan, map, evidence, assumptions, provenance."""

from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.report import arrange, page, style, webmap
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance
from gridstudio.report.reconductoring import evidence, words
from gridstudio.report.reconductoring.figures import cost_shape
from gridstudio.report.reconductoring.view import Study


def write_page(study: Study, figures: dict[str, Path], path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    result = study.result
    sections = [
        ("plan", "The plan", _plan(study, figures)),
        ("map", "The network, year by year", evidence.network(study, figures)),
        ("evidence", "Evidence", evidence.evidence(study, figures)),
        ("comparison", f"Compared with {study.published}", evidence.comparison(study, figures)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*_timing(study), *provenance(result)]),
    ]
    subtitle = f"Reconductoring study over {study.years} years, {len(study.table('scenarios'))} load scenarios"
    text = page.document(result.title, subtitle, _top(study), sections, _data(study), FOOTER)
    path.write_text(text, encoding="utf-8")


def _data(study: Study) -> dict[str, Any]:
    """What the page's script draws."""
    data: dict[str, Any] = {}
    if study.diagram is not None and study.plans:
        plans = {**study.plans, **{f"commit:{name}": plan for name, plan in study.committed.items()}}
        titles = {name: study.title_of(name) for name in study.plans}
        titles |= {f"commit:{name}": f"Plan to commit to: {name}" for name in study.committed}
        loadings = study.table("loadings")
        data["map"] = webmap.network_map(
            study.diagram, plans, titles, loadings, study.years, study.colours, study.loading_max_pu, start=study.main
        )
    if len(study.table("scenarios")):
        data["costs"] = webmap.cost_distribution(
            cost_shape(study), study.expected_usd, study.span_usd, study.cost_label
        )
    voltages = study.table("voltages")
    if len(voltages):
        first = voltages[
            (voltages["scenario"] == voltages["scenario"].iloc[0]) & (voltages["year"] == voltages["year"].iloc[0])
        ]
        pairs = arrange.profile(first, study.table("network_branches")).pairs
        data["voltages"] = webmap.voltage_profiles(voltages, pairs, study.limits_pu, study.years, start=study.main)
    return data


# ---- headline --------------------------------------------------------------------------------


def _top(study: Study) -> list[Html]:
    text, warning = words.remaining(study)
    note = [page.paragraph(text)]
    if warning and len(study.table("violations_after")):
        note.append(page.table(arrange.causes(study.table("violations_after"))))
    return [
        page.paragraph(" ".join(words.verdict(study)), "lead"),
        page.tiles(study.result.headline),
        page.note(note, warning),
    ]


# ---- the plan --------------------------------------------------------------------------------


def _plan(study: Study, figures: dict[str, Path]) -> list[Html]:
    parts = [*_committed(study, figures)]
    if study.plans:
        start = list(study.plans).index(study.main)
        parts += [
            page.heading("Plans of the reported scenarios, by year"),
            page.paragraph(
                "Each is planned for its own load; the plans of all scenarios are in the workbook.", "quiet"
            ),
            page.tabs(
                "plans", [(study.title_of(name), _by_year(study, plan)) for name, plan in study.plans.items()], start
            ),
        ]
    parts += _decisions(study, figures)
    if "spending_by_year" in figures:
        parts.append(page.picture(figures["spending_by_year"], "Expected spending by year and conductor"))
    return parts


def _by_year(study: Study, plan: pd.DataFrame) -> Html:
    if plan.empty:
        return page.paragraph("Nothing has to be replaced.")
    columns = list(dict.fromkeys(["year", "line", "from", "to", "length_m", "cost_usd", study.cost_column]))
    return page.grouped_table(plan[columns], "year", ["length_m", "cost_usd", "present_value_usd"])


def _committed(study: Study, figures: dict[str, Path]) -> list[Html]:
    robust = study.table("robust")
    if robust.empty:
        return []
    parts = [
        page.heading("To commit to now"),
        page.paragraph(words.commitment(study)),
        page.table(
            robust,
            "One plan for all scenarios: what it costs now, with later corrections, and how much it may be regretted.",
        ),
    ]
    if "robust_plans" in figures:
        parts.append(page.picture(figures["robust_plans"], "Costs and regrets of the plans to commit to"))
    parts.append(
        page.tabs("committed", [(f"By {name}", _by_year(study, plan)) for name, plan in study.committed.items()])
    )
    return parts


def _decisions(study: Study, figures: dict[str, Path]) -> list[Html]:
    table = study.table("decisions")
    if table.empty:
        return []
    columns = [
        c
        for c in ("line", "length_m", "from", "class", "p_replaced", "years", "conductors", "expected_cost_usd")
        if c in table
    ]
    parts = [
        page.heading("Decisions over all scenarios"),
        page.paragraph(
            "Unchanged: the same in every scenario. Advanced or deferred: the year depends on the load. "
            "Conductor changed: the size does. New: only some scenarios need it.", "quiet",
        ),
        page.table(table[columns], cells={"class": _chip}),
    ]  # fmt: skip
    if "decisions" in figures:
        parts.append(page.picture(figures["decisions"], "Probability of each year and conductor for each section"))
    return parts


def _chip(value: Any) -> Html:
    colour = style.CLASS_COLOURS.get(str(value), style.MUTED)
    return Html(f'<span class="chip" style="--c:{colour}">{page.escape(value)}</span>')


# ---- assumptions, provenance -----------------------------------------------------------------


def _timing(study: Study) -> list[Html]:
    timing = study.table("timing")
    return [page.table(timing)] if len(timing) else []
