"""The page of an islanding study: who can stand alone and for how long, who is shed, and what it rests on."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.report import page, style
from gridstudio.report.islanding.view import Study, binding, clock
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance

MOST_ROWS = 200
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    result = study.result
    timing = study.table("timing")
    sections = [
        ("islands", "The islands hour by hour", _islands(study, figures)),
        ("duration", "By start hour", _durations(study, figures)),
        ("shed", "Who is shed", _shed(study)),
        ("zones", "The zones", _zones(study, figures)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*([page.table(timing)] if len(timing) else []), *provenance(result)]),
    ]
    count = len(study.zones)
    subtitle = f"Islanding study, {count} zone{'' if count == 1 else 's'}"
    path.write_text(page.document(result.title, subtitle, _top(study, figures), sections, {}, FOOTER), encoding="utf-8")


# ---- the verdict ---------------------------------------------------------------------------------


def verdict(study: Study) -> list[str]:
    """A sentence for what was asked, and one for each start hour that the study names."""
    if not study.zones:
        return []
    zones = f"{len(study.zones)} zone{'' if len(study.zones) == 1 else 's'}"
    asked = (
        f"Asked: which of {zones} can live on their own sources, from which hour on, for how long, and whom they serve."
    )
    return [asked, *(_at(study, hour) for hour in study.starts)]


def _at(study: Study, hour: int) -> str:
    rows = study.at("by_start", hour)
    able = rows[rows["can_island"].astype(bool)]
    if not len(able):
        return f"From {clock(hour)} no zone can stand alone."
    each = "; ".join(_lasts(row) for row in able.to_dict("records"))
    return f"From {clock(hour)}: {len(able)} of {len(rows)} can: {each}."


def _lasts(row: Mapping[Hashable, Any]) -> str:
    whole, shed = (style.number(row[column], 1) for column in ("hours_all_load", "hours_with_shedding"))
    limits = binding(row["limit_binding"])
    return f"{row['zone']} {whole} h with all load and {shed} h with shedding" + (f" ({limits})" if limits else "")


def _note(study: Study) -> Html:
    trace = study.table("trace")
    broken = int(trace["violations"].astype(int).sum()) if "violations" in trace else 0
    failed = int((~trace["converged"].astype(bool)).sum()) if "converged" in trace else 0
    guessed = int((~trace["proven"].astype(bool)).sum()) if "proven" in trace else 0
    if not broken and not failed:
        told = ["Every hour that is served was solved by power flow and breaks no limit."]
    else:
        told = [f"{broken} limits are broken and {failed} power flows did not converge: see the table of hours."]
    if len(trace):
        proven = "Every selection of loads is the proven optimum of its hour (no energy is saved for later hours)."
        told.append(proven if not guessed else f"Hours whose selection of loads is not proven best: {guessed}.")
    return page.note([page.paragraph(text) for text in told], warning=bool(broken or failed or guessed))


def _top(study: Study, figures: Figures) -> list[Html]:
    asked, *hours = verdict(study) or [""]
    parts = [page.paragraph(asked, "lead"), *(page.paragraph(text) for text in hours), _note(study)]
    first = next((name for name in figures if name.startswith("islands_")), None)
    if first:
        parts.append(page.picture(figures[first], "Power and state of charge of the islands, hour by hour"))
    return [*parts, page.tiles(study.result.headline)]


# ---- islands -------------------------------------------------------------------------------------


def _islands(study: Study, figures: Figures) -> list[Html]:
    parts: list[Html] = []
    hours = []
    for hour in study.starts:
        drawn = [page.picture(figures[n], f"Islands from {clock(hour)}") for n in [f"islands_{hour}"] if n in figures]
        trace = study.at("trace", hour).drop(columns=["start_hour"])
        if not len(trace):
            continue
        table = page.table(_worded(trace, "limits_broken"), most=MOST_ROWS)
        hours.append((f"From {clock(hour)}", page.join([*drawn, page.details("The hours as a table", [table])])))
    if hours:
        parts.append(page.tabs("start", hours))
    more = len(study.named) - len(study.starts)
    if more > 0:
        parts.append(page.paragraph(f"{more} more start hours are in the table below and in the workbook.", "quiet"))
    return parts


def _worded(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.assign(**{column: [binding(value) for value in table[column]]}) if column in table else table


def _durations(study: Study, figures: Figures) -> list[Html]:
    table = study.table("by_start")
    if not len(table):
        return []
    parts = []
    if "durations" in figures:
        parts.append(page.picture(figures["durations"], "Hours of each island by its start hour"))
    shown = _worded(table, "limit_binding").drop(columns="named")
    shown = shown.assign(served_share=[style.percent(share) for share in shown["served_share"]])
    named = table["named"].astype(bool)
    if named.any():
        parts.append(page.table(shown[named], "The start hours that the study names"))
    if not named.all():
        parts.append(page.details(f"All {len(table)} islands", [page.table(shown, most=MOST_ROWS)]))
    return parts


def _shed(study: Study) -> list[Html]:
    table = study.table("shed")
    if not len(study.table("by_start")):
        return []
    if not len(table):
        return [page.paragraph("No load is shed.")]
    tabs = []
    for hour in study.starts:
        rows = study.at("shed", hour)
        if len(rows):
            tabs.append((f"From {clock(hour)}", page.table(_by_load(rows), most=MOST_ROWS)))
    note = "Lower priorities (higher numbers) go first. The hours in which a load is shed, dark hours among them."
    return [page.paragraph(note, "quiet"), *([page.tabs("shed", tabs)] if tabs else [])]


def _by_load(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each load of a zone, with the hours in which it is shed."""
    grouped = rows.groupby(["zone", "priority", "load", "class", "customers"], sort=True, dropna=False)
    found = grouped.agg(hours=("step", "size"), not_served_kwh=("kw", "sum"), hours_of_the_day=("hour", _spans))
    return found.reset_index()[
        ["zone", "load", "class", "priority", "customers", "hours", "not_served_kwh", "hours_of_the_day"]
    ]


def _spans(hours: "pd.Series[int]") -> str:
    """18, 19, 20, 2 -> '18-20, 2'."""
    spans: list[list[int]] = []
    for hour in hours:
        if spans and hour == (spans[-1][-1] + 1) % 24:
            spans[-1].append(int(hour))
        else:
            spans.append([int(hour)])
    return ", ".join(f"{span[0]}\u2013{span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)


def _zones(study: Study, figures: Figures) -> list[Html]:
    zones, customers = study.table("zones"), study.table("customers")
    parts = [page.picture(figures["zones"], "The zones on the map")] if "zones" in figures else []
    if len(zones):
        parts.append(page.table(zones))
    if len(customers):
        shown = customers.rename(columns={"kw": "load_kw"})
        parts.append(page.details(f"Loads of the zones ({len(customers)})", [page.table(shown, most=MOST_ROWS)]))
    return parts
