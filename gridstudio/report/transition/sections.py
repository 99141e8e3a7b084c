"""The page of a transition study: the answer first, then costs, plans, operation, futures, proof, what it rests on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.report import page, style
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance
from gridstudio.report.transition import view, words
from gridstudio.report.transition.costs import share
from gridstudio.report.transition.judgement import judgement
from gridstudio.report.transition.view import Study, plural, word

MOST_ROWS = 120  # of a table on the page
MOST_PARAMETERS = 1000
COSTS = ("case", "factors", "cost_busd", "bound_busd", "gap", "published_busd", "first_stage_busd", "investment_busd",
         "operation_busd", "shed_gwh", "curtailed_gwh", "co2_mt")  # fmt: skip
TRAINING = ("case", "gap", "iterations", "solves", "seconds", "lps_per_second", "reason", "plan_from")
# Headings of the table of operation: what is a year's, and what the stage's.
PERIODS = {
    **{f"{name}_mwh": f"{name}_a_year_mwh" for name in ("shed", "curtailed")},
    **{f"{name}_mt": f"{name}_a_year_mt" for name in ("co2", "co2_target", "co2_above")},
    "operation_musd": "operation_of_the_stage_musd",
}
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    result = study.result
    sections = [
        ("costs", "Cases and costs", _costs(study, figures)),
        ("plans", "What is built", _plans(study, figures)),
        ("map", "Where", _map(study, figures)),
        ("operation", "CO2, shedding, curtailment", _operation(study, figures)),
        ("futures", "Over all futures", _futures(study, figures)),
        ("value", "Value of planning for all futures", _value(study, figures)),
        ("proof", "Bounds and convergence", _proof(study, figures)),
        ("days", "Days and states", _days(study, figures)),
        ("growth", "How the time grows", _growth(study, figures)),
        ("parameters", "Parameters", _parameters(study)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*_timing(study), *provenance(result)]),
    ]
    stages, days = study.setting("chain", "stages", None), study.table("days")["day"].nunique()
    told = [plural(len(study.cases), "case")] if study.cases else []
    told += [plural(int(stages), "stage")] if stages and study.cases else []
    told += [plural(days, "representative day")] if days else []
    subtitle = f"Transition planning under uncertainty by SDDP{': ' if told else ''}{', '.join(told)}"
    path.write_text(page.document(result.title, subtitle, _top(study), sections, {}, FOOTER), encoding="utf-8")


def _top(study: Study) -> list[Html]:
    parts = [page.paragraph(" ".join(words.verdict(study)), "lead")]
    for warning in (True, False):
        told = [page.paragraph(text) for text, warned in judgement(study) if warned is warning]
        parts += [page.note(told, warning=warning)] if told else []
    return [*parts, page.tiles(study.result.headline)]


def _pictures(figures: Figures, *named: tuple[str, str]) -> list[Html]:
    return [page.picture(figures[name], alt) for name, alt in named if name in figures]


def _tabs(study: Study, figures: Figures, kind: str, cases: Sequence[str], alt: str) -> list[Html]:
    """A picture for each case, the main case first seen."""
    drawn = [(case, f"{kind}_{number}") for number, case in enumerate(cases, start=1)]
    parts = [(f"Case {c}", page.picture(figures[name], f"{alt}, case {c}")) for c, name in drawn if name in figures]
    labels = [label for label, _ in parts]
    start = labels.index(f"Case {study.main}") if f"Case {study.main}" in labels else 0
    return [page.tabs(kind, parts, start)] if parts else []


def _folded(table: pd.DataFrame, what: str, most: int = MOST_ROWS, opened: bool = False) -> list[Html]:
    if not len(table):
        return []
    shown = table.assign(factor=[word(f) for f in table["factor"]]) if "factor" in table else table
    return [page.details(f"{what} ({plural(len(table), 'row')})", [page.table(shown, most=most)], opened=opened)]


# ---- costs and plans -------------------------------------------------------------------------------


def _costs(study: Study, figures: Figures) -> list[Html]:
    table = study.table("cases")
    if not len(table):
        return []
    gaps = [share(float(g)) for g in table["gap"]]
    shown = table.assign(
        gap=gaps, shed_gwh=table["shed_mwh"] / 1e3, curtailed_gwh=table["curtailed_mwh"] / 1e3,
        factors=[study.allowed(case) for case in study.cases],
    )  # fmt: skip
    adjusted = [c for c in table.columns if c == "risk_adjusted_busd"]
    caption = "Expected over all states; shed, curtailed and CO2 over all years. Bound: no plan costs less."
    caption += " Bound and gap are of the risk-adjusted cost." if adjusted else ""
    parts = _pictures(figures, ("cases", "Cost of each case with its bound and the published cost"))
    parts.append(page.table(shown[[*COSTS[:3], *adjusted, *COSTS[3:]]], caption))
    parts += _risk(study)
    beside = study.table("published")
    if len(beside):
        note = (
            "Decided: without what operates in the first stage, which no decision changes; each over the first case's"
        )
        parts.append(page.table(beside, note))
    why = words.why_different(study)
    if why and table["published_busd"].astype(float).notna().any():
        parts.append(page.note([page.paragraph(f"Why absolute values differ from the published: {why}")]))
    return parts


def _risk(study: Study) -> list[Html]:
    """What is optimised under a risk measure, beside expected cost and the dear end of the plan's costs."""
    table = study.table("risk")
    if not len(table):
        return []
    shown = table.assign(gap=[share(float(g)) for g in table["gap"]]).dropna(axis="columns", how="all")
    caption = (
        "Optimised: the risk-adjusted cost, the measure taken at every node of what may follow, stage by stage "
        "(Shapiro 2011; Philpott, de Matos 2012). CVaR and the worst path are of the plan's whole costs over the paths"
    )
    return [page.table(shown, caption)]


def _plans(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(
        figures, ("capacities", "MW in service after each stage and state, by factor and case"),
        ("pieces", "Pieces of storage, retrofits and grid measures after each stage and state, by case"),
    )  # fmt: skip
    rows = study.of("decisions", study.main).drop(columns=["case"])
    parts += _folded(rows, f"Every decision of case {study.main}")
    parts += _folded(study.table("capacities"), "Capacities of all cases")
    mine = study.of("capacities_by_bus", study.main).drop(columns=["case"])
    return [*parts, *_folded(mine, f"Capacities of case {study.main} by bus")]


def _map(study: Study, figures: Figures) -> list[Html]:
    parts = _tabs(study, figures, "network", study.cases, "Map of what is built where")
    for name, what in (("buses", "Buses"), ("branches", "Rights of way"), ("zones", "Zones")):
        parts += _folded(study.of(f"network_{name}", study.main).drop(columns=["case"]), f"{what}, case {study.main}")
    return parts


def _operation(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(
        figures, ("co2", "CO2 of each stage and state with its target, by case"),
        ("operation", "Energy shed and curtailed by stage and state, by case"),
    )  # fmt: skip
    return [*parts, *_folded(study.table("operations").rename(columns=PERIODS), "Every stage and state")]


# ---- futures, proof --------------------------------------------------------------------------------


def _futures(study: Study, figures: Figures) -> list[Html]:
    table = study.table("simulations")
    told = set(table["case"].astype(str))
    cases = [case for case in study.cases if case in told]
    parts = _pictures(figures, ("fan", "Quantiles of the plan by stage over all futures"))
    parts += _tabs(study, figures, "distributions", cases, "Distributions in and out of sample")
    if len(table):
        note = "In sample: the states and days of training; out of sample: days that training has not seen."
        parts.append(page.paragraph(note, "quiet"))
    parts += _folded(table, "Quantiles of the realisations")
    return [*parts, *_folded(study.table("policy_fan"), "Quantiles by stage")]


def _value(study: Study, figures: Figures) -> list[Html]:
    table = study.table("stochastic_value")
    if not len(table):
        return []
    parts = _pictures(figures, ("stochastic_value", "Costs of the stochastic plan and of plans for the mean future"))
    shown = table.rename(columns={"busd": "cost_or_value_busd"})
    kind = "; costs are risk-adjusted" if study.measure else ""
    known = "a bound where the plan is not exact; low and high: between which bounds prove a value to lie"
    return [*parts, page.table(shown, f"Equation (69); {known}{kind}")]


def _proof(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(figures, ("convergence", "Bound and simulated cost by iteration, by case"))
    phases = list(dict.fromkeys(study.table("convergence")["phase"].astype(str)))
    if len(phases) > 1:
        parts.append(page.paragraph(f"Phases of training in their order: {'; '.join(phases)}.", "quiet"))
    table = study.table("cases")
    if len(table):
        shown = table.assign(gap=[share(float(g)) for g in table["gap"]])[list(TRAINING)]
        shown = shown.rename(columns={"lps_per_second": "solves_per_second"})
        parts.append(page.table(shown, "Training; seconds of one machine, solves are linear programs"))
    other = study.table("extensive")
    if len(other):
        shown = other.assign(
            difference=[share(float(d)) if np.isfinite(d) else "" for d in other["difference"].astype(float)]
        )
        shown = shown.rename(columns={"ratio": "extensive_over_relaxed_training_times"})
        caption = (
            "The same problem with all paths in one program, whole pieces relaxed; SDDP's bound beside it. Times: its "
            "seconds over those of training's relaxed phase alone, which solves the same problem"
        )
        caption += ". Costs are risk-adjusted" if study.measure else ""
        parts.append(page.table(shown, caption))
    return [*parts, *_folded(study.table("convergence"), "Every iteration")]


# ---- input -----------------------------------------------------------------------------------------


def _days(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(figures, ("days", "Load, wind, sun and line rating of the representative days"))
    fidelity, agreement = study.table("fidelity"), study.table("agreement")
    if len(fidelity):
        fidelity = fidelity.assign(kind=[style.heading(str(kind)) for kind in fidelity["kind"]])
        parts.append(
            page.table(
                fidelity,
                "Representative days against the whole year (load: over all buses; the rest: mean of places)",
            )
        )
    if len(agreement):
        parts.append(page.table(agreement, "Groups of days on another year, against groups of its own"))
    outlooks = study.table("outlooks")
    if len(outlooks):
        same = [c for c in outlooks.columns if c.startswith("price_") and outlooks[c].astype(float).nunique() == 1]
        caption = "What each long-term state multiplies, and the CO2 target"
        shown = outlooks.drop(columns=[c for c in same if float(outlooks[c].iloc[0]) == 1.0])
        shown = shown.rename(columns={"co2_mt_per_year": "co2_target_a_year_mt"})
        parts.append(page.details(caption, [page.table(shown)], opened=len(outlooks) <= 12))
    return parts


def _growth(study: Study, figures: Figures) -> list[Html]:
    table = study.table("growth")
    if not len(table):
        return []
    return [
        *_pictures(
            figures,
            ("growth", "Time of an iteration and of the full size, by size"),
            ("growth_by", "Seconds against stages, states, zones and buses"),
        ),
        page.table(table),
    ]


def _parameters(study: Study) -> list[Html]:
    table = study.table("parameters")
    if not len(table):
        return []
    marked = view.assumed(table)
    shown = table.assign(value=[f"{float(v):.6g}" for v in table["value"]])
    text = f"{sum(marked)} of {len(table)} are assumed, wholly or in part (tinted); the others have a public source."
    body = page.table(shown, most=MOST_PARAMETERS, marked=marked)
    return [page.paragraph(text), page.details(f"All {plural(len(table), 'parameter')}", [body])]


def _timing(study: Study) -> list[Html]:
    timing = study.table("timing")
    return [page.table(timing)] if len(timing) else []
