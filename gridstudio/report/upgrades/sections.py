"""The page of an upgrade planning study: the answer first, then risk, plan, worth, alternatives, check, what it rests
on."""

from pathlib import Path

import pandas as pd

from gridstudio.report import page, style
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance
from gridstudio.report.upgrades import words
from gridstudio.report.upgrades.view import Study, plural

MOST_ROWS = 200
SHARES = ("growth", "solar_share", "ev_share", "discount_rate", "rate")  # shown in percent
MODES = {"capacity": "deficits by feeder, no network", "powerflow": "every figure from power flows"}
OF_LIMIT = {
    "highest_loading_pu": "highest loading, of the limit",
    "mean_loading_pu": "mean loading, of the limit",
    "energy_above_rating_mwh": "energy_above_the_limit_mwh",
}  # heads of what is counted against the planning limit, not against the rating
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    result = study.result
    sections = [
        ("roadmap", "Road map", _roadmap(study, figures)),
        ("risk", "Risk", _risk(study, figures)),
        ("choice", "What is chosen", _choice(study, figures)),
        ("worth", "Benefit and cost", _worth(study, figures)),
        ("alternatives", "Non-wires alternatives", _alternatives(study, figures)),
        ("compared", "Other plans and prices", _compared(study, figures)),
        ("check", "Does it hold", _check(study, figures)),
        ("scenarios", "Scenarios", _scenarios(study, figures)),
        ("solver", "Solver", _solver(study)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*_timing(study), *provenance(result)]),
    ]
    mode = str(result.settings.get("mode", ""))
    told = f"; mode {mode}: {MODES[mode]}" if mode in MODES else ""
    many = plural(len(study.table("scenarios")), "scenario")
    subtitle = f"Upgrade planning under uncertainty, {study.places}, {many}{told}"
    path.write_text(page.document(result.title, subtitle, _top(study), sections, {}, FOOTER), encoding="utf-8")


def _top(study: Study) -> list[Html]:
    told = words.judgement(study)
    parts = [page.paragraph(" ".join(words.verdict(study)), "lead")]
    if study.has("years"):
        caption = "The answer year by year; unserved and its probability: expected with what stands by then"
        parts.append(page.table(words.by_year(study), caption))
    if told:
        warned = [page.paragraph(text) for text, warning in told if warning]
        calm = [page.paragraph(text) for text, warning in told if not warning]
        parts += [page.note(warned, warning=True)] if warned else []
        parts += [page.note(calm)] if calm else []
    return [*parts, page.tiles(study.result.headline)]


def _pictures(figures: Figures, *named: tuple[str, str]) -> list[Html]:
    return [page.picture(figures[name], alt) for name, alt in named if name in figures]


def _shown(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """A table as the page shows it: units in the heads, shares in percent, measures in words."""
    table = study.with_unit(table)
    own = {c: [_percent(v) for v in table[c]] for c in SHARES if c in table}
    texts = {c: [str(v).replace("_", " ") for v in table[c].fillna("")] for c in ("measure", "measures") if c in table
             and not pd.api.types.is_numeric_dtype(table[c])}  # fmt: skip
    return table.assign(**own, **texts).rename(columns=OF_LIMIT)


def _percent(value: object) -> str:
    return "\u2013" if pd.isna(value) else style.percent(value, 1)


def _folded(study: Study, name: str, what: str, caption: str = "", opened: bool = False) -> list[Html]:
    table = study.table(name)
    if not len(table):
        return []
    shown = page.table(_shown(study, table), caption, most=MOST_ROWS)
    return [page.details(f"{what} ({plural(len(table), 'row')})", [shown], opened=opened)]


def _roadmap(study: Study, figures: Figures) -> list[Html]:
    pictures = _pictures(
        figures, ("roadmap", "Road map: feeder by year, what is built, bridged or watched"),
        ("spending", "Spending and budget by year, and what is unserved without and with the plan"),
        ("tails", "Expected value and tail of what is unserved by year"),
    )  # fmt: skip
    tables = [*_folded(study, "years", "Every year"), *_folded(study, "roadmap", "Every feeder and year"),
              *_folded(study, "risk", "Tail of the risk by year")]  # fmt: skip
    return [*pictures, *tables]


def _risk(study: Study, figures: Figures) -> list[Html]:
    pictures = _pictures(
        figures, ("ranking", "Feeders by what is expected to be unserved, without and with the plan"),
        ("risk_map", "Risk map: probability by severity, area by customers"),
        ("deficits", "Load above the limit by year and feeder"),
        ("baseline", "Today's peak load and headroom of each feeder"),
        ("needs", "Energy above the limits and hours out of band by feeder and year"),
        ("elements", "Overloaded elements if nothing is built"),
    )  # fmt: skip
    parts = [page.paragraph(
        f"Risk is probability times severity, the expected {study.unit} that cannot be served in the last year.",
        "quiet",
    )] if pictures else []  # fmt: skip
    tables = [*_folded(study, "ranking", "Every feeder"), *_folded(study, "baseline", "Today, by power flow"),
              *_folded(study, "elements", "Overloaded elements"), *_folded(study, "deficits", "Deficits by year"),
              *_folded(study, "needs", "Needs by scenario, feeder and year")]  # fmt: skip
    return [*parts, *pictures, *tables]


def _choice(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(figures, ("selection", "Feeder by measure: what is built and when"),
                      ("network", "What is built where"))  # fmt: skip
    built = study.built
    if len(built):
        shown = _shown(study, built.drop(columns=["built"]))
        shown = shown[["year", *(c for c in shown.columns if c != "year")]]
        table = page.table(shown, "What is built, by year", most=MOST_ROWS)
        parts.append(page.details(f"What is built ({plural(len(built), 'measure')})", [table], opened=len(built) <= 20))
    parts += _folded(study, "parts", "What each measure does to the circuit")
    return [*parts, *_folded(study, "selection", "Every candidate")]


def _worth(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(figures, ("benefit_cost", "Benefit-cost ratio and net present value over the discount band"),
                      ("cost_against_benefit", "Cost against benefit of each feeder"))  # fmt: skip
    table = study.table("projects")
    if len(table):
        marked = (table["bcr"].astype(float) < 1).tolist()
        shown = page.table(_shown(study, table), "Tinted: the benefit is below the cost", most=MOST_ROWS, marked=marked)
        parts.append(
            page.details(f"Every feeder and rate ({plural(len(table), 'row')})", [shown], opened=len(table) <= 24)
        )
    return parts


def _alternatives(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(figures, ("alternatives", "Cost, deferral value and adequacy of non-wires alternatives"),
                      ("dispatch", "Dispatch of the alternatives by hour"))  # fmt: skip
    note = "Deferral value: present value of building now, less of building later, less the cost of the alternative."
    rows = _folded(study, "alternatives", "Every feeder that is short", note, opened=True)
    return [*parts, *rows, *_folded(study, "dispatch", "Dispatch by hour")]


def _compared(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(
        figures, ("plans", "The plan beside building nothing and the plan for the mean future"),
        ("pareto", "Investment against what stays unserved"),
        ("sweeps", "The plan at other values of lost load and discount rates"),
    )  # fmt: skip
    for name, what in (("plans", "Plans"), ("stochastic", "Value of planning for scenarios"),
                       ("pareto", "Pareto front"), ("value_of_lost_load", "Values of lost load"),
                       ("discount_rate", "Discount rates")):  # fmt: skip
        parts += _folded(study, name, what, opened=name in ("plans", "stochastic"))
    return parts


def _check(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(figures, ("check", "In-sample against out-of-sample scenarios"),
                      ("corrections", "The program's estimate against power flows"),
                      ("hourly", "Load and shedding by hour with the plan"))  # fmt: skip
    parts += _folded(study, "check", "The plan simulated", opened=True)
    note = "Recourse: the cost of what stays unserved, as the program had it and as the simulation gives it."
    parts += _folded(study, "rounds", "Rounds of planning and correcting", note, opened=True)
    parts += _folded(study, "left", "Where the plan does not serve all")
    return [
        *parts,
        *_folded(study, "corrections", "Estimate and simulation"),
        *_folded(study, "hourly", "Hour by hour"),
    ]


def _scenarios(study: Study, figures: Figures) -> list[Html]:
    parts = _pictures(figures, ("scenarios", "What is unserved over the scenarios, and their drivers"))
    return [*parts, *_folded(study, "scenarios", "Every scenario")]


def _solver(study: Study) -> list[Html]:
    table = study.table("solver")
    if not len(table):
        return []
    marked = (table["status"].astype(str) != "optimal").tolist()
    tinted = " Tinted: not proven optimal." if any(marked) else ""
    caption = f"Gap: between total and bound, of the total.{tinted}"
    shown = table.assign(gap=[_gap(value) for value in table["gap"]])
    return [page.table(shown, caption, marked=marked)]


def _gap(value: object) -> str:
    gap = float(str(value))
    return "\u2013" if gap != gap else "0" if gap < 1e-9 else f"{gap:.1e}" if gap < 1e-4 else style.percent(gap, 2)


def _timing(study: Study) -> list[Html]:
    timing = study.table("timing")
    return [page.table(timing)] if len(timing) else []
