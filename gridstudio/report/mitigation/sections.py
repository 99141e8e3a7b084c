"""The page of a mitigation study: what to buy, what it cures, how it was found, what is left and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.report import page, style
from gridstudio.report.mitigation.charts import PHASES
from gridstudio.report.mitigation.view import KINDS, Study, family, kind_name, measure_name
from gridstudio.report.mitigation.words import answer, judgement, value, verdict
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance

MOST_ROWS = 200
MOST_NAMED = 3  # elements of a step
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    timing = study.table("timing")
    sections = [
        ("plan", "What to buy", _plan(study, figures)),
        ("left", "What remains, and why", _remaining(study)),
        ("evidence", "Before and after", _evidence(study, figures)),
        ("steps", "How it was found", _steps(study, figures)),
        ("catalogue", "The menu", _catalogue(study)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*([page.table(timing)] if len(timing) else []), *provenance(study.result)]),
    ]
    text = page.document(study.result.title, "Mitigation plan", _top(study, figures), sections, {}, FOOTER)
    path.write_text(text, encoding="utf-8")


def _top(study: Study, figures: Figures) -> list[Html]:
    parts = [page.paragraph(answer(study), "lead"), *(page.paragraph(text) for text in verdict(study))]
    told, warning = judgement(study)
    if told:
        parts.append(page.note([page.paragraph(text) for text in told], warning=warning))
    parts += _picture(figures, "map", "Map of the feeder before and after, with the measures")
    return [*parts, page.tiles(study.result.headline)]


def _picture(figures: Figures, name: str, alt: str) -> list[Html]:
    return [page.picture(figures[name], alt)] if name in figures else []


# ---- the plan -------------------------------------------------------------------------------------


def _plan(study: Study, figures: Figures) -> list[Html]:
    if not len(study.plan):
        return [page.paragraph("Nothing is bought.")]
    parts = _picture(figures, "costs", "Cost of the plan by measure")
    columns = ["number", "measure", "element", "what", "reason", "cost_usd", "share", "capital_usd"]
    shown = study.plan[columns].assign(share=[style.percent(v, 1) for v in study.plan["share"].astype(float)])
    parts.append(page.table(shown, "The plan, the dearest measure first.", most=MOST_ROWS, cells=_chips()))
    details = study.plan.drop(columns=["x", "y", "what", "reason", "share"], errors="ignore")
    parts.append(page.details("Sizes, ratings, unit costs and their sources", [_wide(details)]))
    kinds = study.table("cost_by_measure")
    if len(kinds):
        parts.append(page.table(kinds, "By kind of measure.", cells=_chips()))
    report = study.result.settings.get("report")
    if isinstance(report, Mapping) and report.get("circuits"):
        parts.append(page.paragraph("The upgraded circuit is in the folder circuits; it loads on its own.", "quiet"))
    return parts


def _chips() -> dict[str, Any]:
    return {"measure": _chip}


def _chip(measure: Any) -> Html:
    chips = (
        f'<span class="chip" style="--c:{family(name).colour}">{page.escape(measure_name(name))}</span>'
        for name in str(measure).split(", ")
    )
    return Html(" ".join(chips))


def _wide(table: pd.DataFrame) -> Html:
    return page.landscape([page.table(table, most=MOST_ROWS, cells=_chips())])


# ---- what is left ---------------------------------------------------------------------------------


def _remaining(study: Study) -> list[Html]:
    rows = study.table("remaining")
    if not study.after and not len(rows):
        return [page.paragraph("Nothing: after the plan no limit is broken in any scenario and hour.")]
    parts = []
    if len(rows):
        shown = rows.assign(
            kind=[kind_name(kind) for kind in rows["kind"]],
            best_measure=[measure_name(m) if m else "" for m in rows["best_measure"].fillna("")],
            **{c: _values(rows, c) for c in ("value", "limit", "best_value")},
        )
        first = ["kind", "element", "phase", "value", "limit", "violations", "cause", "tried"]
        shown = shown[[*first, "best_measure", "best_element", "best_value", "scenario", "hour"]]
        named = {"tried": "candidates tried", "best_value": "best they gave", "best_element": "best at"}
        parts.append(page.table(shown.rename(columns=named), "The worst of each element.", most=MOST_ROWS))
    after = study.table("violations_after")
    if len(after):
        every = page.table(_worded(after), most=MOST_ROWS)
        parts.append(page.details(f"All {len(after)} violations that are left", [every]))
    return parts


def _values(rows: pd.DataFrame, column: str) -> list[str]:
    pairs = zip(rows[column], rows["unit"].fillna(""), strict=True)
    return ["\u2013" if pd.isna(number) else value(number, str(unit)) for number, unit in pairs]


def _worded(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(kind=[kind_name(kind) for kind in rows["kind"]])


# ---- evidence -------------------------------------------------------------------------------------


def _evidence(study: Study, figures: Figures) -> list[Html]:
    parts: list[Html] = []
    summary = study.table("violations_summary")
    if len(summary):
        shown = _worded(summary).assign(**{c: _values(summary, c) for c in ("worst_before", "worst_after", "limit")})
        marked = (summary["after"].astype(float) > 0).tolist()
        words = "Violations by kind, over all scenarios and hours."
        parts.append(page.table(shown.drop(columns="unit"), words, marked=marked))
    for name in ("lowest", "highest"):
        parts += _picture(figures, f"voltages_{name}", f"Voltages before and after at the {name} voltage")
    parts += _picture(figures, "loadings", "Loading of the branches before and after")
    scenarios, before = study.table("scenarios"), study.table("violations_before")
    if len(scenarios):
        table = page.table(scenarios, most=MOST_ROWS)
        parts.append(page.details(f"All {len(scenarios)} scenarios and hours", [table]))
    if len(before):
        table = page.table(_worded(before), most=MOST_ROWS)
        parts.append(page.details(f"All {len(before)} violations before the plan", [table]))
    return parts


# ---- the steps ------------------------------------------------------------------------------------


def _steps(study: Study, figures: Figures) -> list[Html]:
    steps, refused = study.steps(), study.steps(accepted=False)
    if not len(steps) and not len(refused):
        return []
    parts = _picture(figures, "steps", "Violations and cost of the plan step by step")
    if len(steps):
        every = page.table(_told(steps), "Every step, in its order.", most=MOST_ROWS, cells=_chips())
        parts.append(every if len(steps) <= 12 else page.details(f"All {len(steps)} steps", [every]))
    dropped = steps[steps["phase"].isin(["cleanup", "swap", "exact"])]
    parts.append(page.heading("Dropped again"))
    if len(dropped):
        columns = ["step", "phase", "action", "measure", "element", "what", "cost_usd", "reason"]
        shown = _short(dropped[columns]).assign(phase=[_phase(p) for p in dropped["phase"]])
        words = "What was bought on the way and is no longer needed, or has become smaller or cheaper."
        parts.append(page.table(shown, words, most=MOST_ROWS, cells=_chips()))
    else:
        parts.append(page.paragraph("Nothing: every measure that was bought is needed in its size."))
    if len(refused):
        columns = ["phase", "measure", "element", "what", "cost_usd", "refused"]
        shown = _short(refused[columns]).assign(phase=[_phase(p) for p in refused["phase"]])
        table = page.table(shown, most=MOST_ROWS, cells=_chips())
        parts.append(page.details(f"Candidates refused by power flow ({len(refused)})", [table]))
    return parts


def _phase(phase: object) -> str:
    return PHASES.get(str(phase), str(phase))


def _told(steps: pd.DataFrame) -> pd.DataFrame:
    """A step with the violations after it, all of them and by kind where there are any."""
    kinds = [k for k in KINDS if (steps[[f"{k}_before", f"{k}_after"]].astype(float) > 0).any(axis=None)]
    table = steps[["step", "phase", "measure", "element", "what", "reason", "cost_usd"]]
    done = [f"{_phase(p)}: {a}" for p, a in zip(steps["phase"], steps["action"], strict=True)]
    table = _short(table).assign(phase=done)
    after = {f"{KINDS[k][0]} after": steps[f"{k}_after"].astype(int) for k in kinds}
    return table.assign(**after)


def _short(steps: pd.DataFrame) -> pd.DataFrame:
    """Steps of many measures told by the first of them; the workbook names all."""
    joints = {name: mark for name, mark in (("element", ", "), ("what", "; "), ("reason", "; ")) if name in steps}
    return steps.assign(**{name: [_first(text, mark) for text in steps[name]] for name, mark in joints.items()})


def _first(text: object, mark: str) -> str:
    parts = str(text).split(mark)
    return (
        str(text)
        if len(parts) <= MOST_NAMED + 1
        else f"{mark.join(parts[:MOST_NAMED])} and {len(parts) - MOST_NAMED} more"
    )


def _catalogue(study: Study) -> list[Html]:
    table = study.table("catalogue")
    if not len(table):
        return []
    note = "What could be bought, and for how much. Costs are the catalogue's: bring your own for a decision."
    every = page.details(f"All {len(table)} rows of the catalogue", [page.table(table, most=MOST_ROWS, cells=_chips())])
    return [page.paragraph(note, "quiet"), every]
