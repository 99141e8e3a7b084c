"""The page of a restoration study: the verdict first, then methods, storms, cold load, worth, network, assumptions."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gridstudio.report import page, style
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance
from gridstudio.report.restoration import words
from gridstudio.report.restoration.figures import cold_storms
from gridstudio.report.restoration.view import Study

MOST_VIOLATIONS = 150
MOST_FAULTS = 4  # of a storm, shown unfolded
MOST_PICKUPS = 20  # shown unfolded
MOST_SHEETS = 60  # order sheets of storms without figures on the page
SHEET = [
    "step", "minute", "device", "type", "action", "control", "purpose", "sections", "customers", "load_kw",
    "lowest voltage", "highest loading", "rating",
]  # fmt: skip
KW_COLUMNS = {"kw": "load_kw", "kw_restored": "restored_kw"}  # a unit belongs at the end of a name
MEANS = {
    "label": "method",
    "violations": "storms_breaking_limits",
    "violations_return": "and_on_the_way_back",
    "customer_minutes_std": "spread_min",
}
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    result = study.result
    sections = [
        ("storms", "Switching orders", _storms(study, figures)),
        ("methods", "Methods", _methods(study, figures)),
        ("cold", "Cold load pickup", _cold_load(study, figures)),
        ("violations", "Broken limits", _violations(study)),
        ("worth", "Worth", _worth(study)),
        ("network", "Devices and sections", _network(study, figures)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*_timing(study), *provenance(result)]),
    ]
    count = len(study.storms)
    methods = ", ".join(study.label(method) for method in study.methods)
    subtitle = f"Service restoration, {count} storm{'' if count == 1 else 's'}; methods: {methods or 'none was run'}"
    path.write_text(page.document(result.title, subtitle, _top(study, figures), sections, {}, FOOTER), encoding="utf-8")


def _top(study: Study, figures: Figures) -> list[Html]:
    told = words.judgement(study)
    parts = [
        page.paragraph(" ".join(words.verdict(study)), "lead"),
        page.note([page.paragraph(text) for text, _ in told], warning=any(warning for _, warning in told)),
    ]
    if "methods" in figures:
        parts.append(page.picture(figures["methods"], "Customer-minutes and customers picked up by method"))
    return [*parts, page.tiles(study.result.headline)]


# ---- storms --------------------------------------------------------------------------------------


def _storms(study: Study, figures: Figures) -> list[Html]:
    if not study.storms:
        return []
    parts = [page.paragraph(words.left_out(study), "quiet")] if words.left_out(study) else []
    parts.append(page.tabs("storm", [(storm, _storm(study, figures, storm)) for storm in study.shown]))
    others = study.storms[len(study.shown) :]
    sheets = [page.details(f"Order sheet: {storm}", [order_sheet(study, storm)]) for storm in others[:MOST_SHEETS]]
    if others:
        parts += [page.heading("Order sheets of the other storms"), *sheets]
    if len(others) > MOST_SHEETS:
        left = len(others) - MOST_SHEETS
        parts.append(page.paragraph(f"The order sheets of {left} more storms are in the workbook.", "quiet"))
    return parts


def _storm(study: Study, figures: Figures, storm: str) -> Html:
    label = study.label(study.best)
    faults = study.table("storms")
    faults = faults[(faults["storm"] == storm) & (faults["role"] == "judged")]
    parts: list[Html] = []
    if len(faults):
        first = faults.iloc[0]
        caption = (
            f"Faults and when they are repaired; load {style.percent(first['load_scale'])}; trips: {first['tripped']}"
        )
        shown = page.table(faults[["element", "section", "repair_min"]], caption)
        many = len(faults) > MOST_FAULTS
        parts.append(page.details(f"The {len(faults)} faults", [shown]) if many else shown)
    parts += _picture(figures, f"map_{storm}", f"The network after the trips and after switching, storm {storm}")
    parts.append(order_sheet(study, storm))
    back = study.of("repairs", storm)
    if len(back):
        caption = "The return to the normal state, repair by repair; every row is a solved power flow"
        parts.append(
            page.details("Return to normal", [page.table(back.drop(columns=["storm", "method", "seed"]), caption)])
        )
    parts += _picture(figures, f"customers_out_{storm}", f"Customers out over time, storm {storm}")
    if f"steps_{storm}" in figures:
        maps = _picture(figures, f"steps_{storm}", f"The network after each operation, storm {storm}")
        parts.append(page.details(f"A map of each operation ({label})", maps))
    others = [m for m in study.methods if m != study.best and len(study.operations(storm, m))]
    sheets = [order_sheet(study, storm, method) for method in others]
    if sheets:
        parts.append(page.details("Order sheets of the other methods", sheets))
    outages = study.of("outages", storm).drop(columns=["storm", "method", "seed"])
    if len(outages):
        parts.append(page.details(f"How long each section is out ({label})", [page.table(outages)]))
    return page.join(parts)


def _picture(figures: Figures, name: str, alt: str) -> list[Html]:
    return [page.picture(figures[name], alt)] if name in figures else []


def order_sheet(study: Study, storm: str, method: str = "") -> Html:
    """The switching order of a storm as a table that a crew can take along."""
    sheet = study.of("orders", storm, method)
    label = study.label(method or study.best)
    if not len(sheet):
        return page.paragraph(f"The method {label} has no order for this storm.")
    volts = zip(sheet["v_min_pu"], sheet["v_min_at"], strict=True)
    loads = zip(sheet["loading_max_pu"], sheet["loading_at"], strict=True)
    kinds = [", ".join(dict.fromkeys(str(kind).split(", "))) for kind in sheet["type"]]
    shown = sheet.rename(columns=KW_COLUMNS).assign(
        **{
            "type": kinds,
            "lowest voltage": [f"{style.number(v, 4)} pu, {at}" if pd.notna(v) else "\u2013" for v, at in volts],
            "highest loading": [f"{style.percent(v, 1)}, {at}" if pd.notna(v) else "\u2013" for v, at in loads],
        }
    )
    marked = (shown["violations"].astype(int) > 0).tolist()
    broken = " Tinted: a limit is broken." if any(marked) else ""
    training = (
        f", training {sheet['seed'].iloc[0]}" if (study.of("comparison", storm, method)["seed"] > 0).any() else ""
    )
    caption = f"Order sheet: {storm} ({label}{training}). Every row is a solved power flow.{broken}"
    return page.landscape([page.table(shown[SHEET], caption, marked=marked)])


# ---- methods -------------------------------------------------------------------------------------


def _methods(study: Study, figures: Figures) -> list[Html]:
    means, compared = study.table("means"), study.named("comparison")
    parts: list[Html] = []
    if len(means):
        caption = "Sums over all storms (operations: mean). Learned: mean of its trainings, spread: their deviation"
        shown = means.drop(columns=["method", "storms"]).rename(columns=MEANS)
        parts.append(page.table(shown, caption, marked=(means["violations"].astype(int) > 0).tolist()))
    parts += _picture(figures, "storms", "Customer-minutes of every storm by method")
    if len(compared):
        marked = (compared["violations"].astype(int) > 0).tolist()
        shown = compared.rename(columns=KW_COLUMNS)
        title = f"Every storm, method and training ({len(compared)} rows)"
        parts.append(page.details(title, [page.table(shown, marked=marked)]))
    seeds = study.table("seeds")
    if len(seeds):
        caption = "Each training on the held-out storms; difference below zero: fewer customer-minutes than greedy"
        parts += [page.heading("Learning"), page.table(seeds, caption)]
    return parts + _picture(figures, "training", "Customer-minutes saved per episode while training")


# ---- cold load, limits, worth --------------------------------------------------------------------


def _cold_load(study: Study, figures: Figures) -> list[Html]:
    if "cold_load" not in study.result.tables:
        return []
    parts = [page.paragraph(words.cold_load(study))]
    table = study.named("cold_load")
    pictures = [
        (storm, page.picture(figures[f"cold_load_{storm}"], f"Load with surges and limits over time, storm {storm}"))
        for storm in cold_storms(study)
        if f"cold_load_{storm}" in figures
    ]
    if pictures:
        parts.append(page.tabs("cold", pictures))
    if len(table):
        caption = "Picked up later than without surges, or (tinted) deferred to the repair"
        shown = table.rename(columns=KW_COLUMNS)
        rows = page.table(shown, caption, marked=table["pickup_min"].isna().tolist())
        parts.append(page.details(f"All {len(table)} pick-ups", [rows], opened=len(table) <= MOST_PICKUPS))
    return parts


def _violations(study: Study) -> list[Html]:
    table = study.named("violations")
    if not len(table):
        return []
    counted = table.groupby(["method", "kind"], sort=False).agg(storms=("storm", "nunique"), places=("element", "size"))
    worst = table.groupby(["method", "kind"], sort=False)["value"].agg(["min", "max"])
    joined = counted.join(worst.rename(columns={"min": "lowest value", "max": "highest value"})).reset_index()
    where = f"tables/violations.csv ({len(table)} rows)"
    caption = f"The first {MOST_VIOLATIONS}; all of them are in {where}." if len(table) > MOST_VIOLATIONS else ""
    return [
        page.paragraph("What neither the normal state nor the trips explain, by method. No loop may be closed."),
        page.table(joined),
        page.details(f"The list ({len(table)} rows)", [page.table(table.head(MOST_VIOLATIONS), caption)]),
    ]


def _worth(study: Study) -> list[Html]:
    table = study.table("business_case")
    if not len(table):
        return []
    note = "Saved against crews only. A customer whom switching brings back is no benefit of islanding."
    return [page.paragraph(note, "quiet"), page.table(table)]


# ---- network, timing -----------------------------------------------------------------------------


def _network(study: Study, figures: Figures) -> list[Html]:
    parts = _picture(figures, "network", "The network with its devices and sections")
    for name, what in (("devices", "devices"), ("sections", "sections"), ("storms", "faults of all storms")):
        table = study.table(name)
        if len(table):
            shown: pd.DataFrame = table.rename(columns=KW_COLUMNS)
            parts.append(page.details(f"{len(table)} {what}", [page.table(shown)], opened=name == "devices"))
    return parts


def _timing(study: Study) -> Sequence[Html]:
    timing = study.named("timing")
    if not len(timing):
        return []
    phases = [_phase(study, str(phase)) for phase in timing["phase"]]
    return [page.table(timing.assign(phase=phases))]


def _phase(study: Study, phase: str) -> str:
    lead, _, method = phase.partition(" ")
    return f"{lead} {study.label(method)}" if lead == "method" and method else phase
