"""The page of an exceedance study: how many hours, which elements, when, how often controls move."""

from pathlib import Path

import pandas as pd

from gridstudio.report import page
from gridstudio.report.exceedance.view import Study
from gridstudio.report.exceedance.words import answer, verdict, warnings
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance

MOST_ROWS = 100
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    timing = study.table("timing")
    sections = [
        ("elements", "Which elements", _elements(study, figures)),
        ("durations", "How long at which level", _picture(figures, "durations", "Duration curves")),
        ("months", "Month by month", _months(study)),
        ("controls", "Regulators and capacitors", _controls(study, figures)),
        ("profiles", "The profiles", _profiles(study)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*([page.table(timing)] if len(timing) else []), *provenance(study.result)]),
    ]
    hours = len(study.hours)
    subtitle = f"Hours over limits, {hours} hour{'' if hours == 1 else 's'}"
    text = page.document(study.result.title, subtitle, _top(study, figures), sections, {}, FOOTER)
    path.write_text(text, encoding="utf-8")


def _top(study: Study, figures: Figures) -> list[Html]:
    told = [page.paragraph(text) for text in verdict(study)]
    warned = warnings(study)
    parts = [page.paragraph(answer(study), "lead"), *told]
    if warned:
        serious = bool(study.failed) or not len(study.solved)
        parts.append(page.note([page.paragraph(text) for text in warned], warning=serious))
    parts += _picture(figures, "calendar", "Hours over limits by day and hour of the day")
    return [*parts, page.tiles(study.result.headline)]


def _picture(figures: Figures, name: str, alt: str) -> list[Html]:
    return [page.picture(figures[name], alt)] if name in figures else []


def _elements(study: Study, figures: Figures) -> list[Html]:
    parts = _picture(figures, "map", "Map of the feeder with the elements over their limits")
    parts += _picture(figures, "elements", "Hours and energy over limits by element")
    if len(study.over):
        parts.append(_table(study.over.drop(columns="worst_hour", errors="ignore"), "Branches above their limit"))
    else:
        rated = study.table("branches").sort_values("loading_max_pu", ascending=False, kind="stable").head(10)
        rated = rated.drop(columns="worst_hour", errors="ignore")
        parts.append(page.paragraph("No branch is ever above its limit."))
        if len(rated):
            parts.append(page.details("The highest loadings", [page.table(rated)]))
    if len(study.out):
        shown = study.out.drop(columns=["hours_out", "v_min_hour", "v_max_hour"], errors="ignore")
        parts.append(_table(shown, "Buses out of band"))
    elif len(study.table("buses")):
        parts.append(page.paragraph("No bus is ever out of band."))
    return parts


def _table(rows: pd.DataFrame, caption: str) -> Html:
    table = page.table(rows, f"{caption}.", most=MOST_ROWS)
    return table if len(rows) <= 25 else page.details(f"{caption} ({len(rows)})", [table])


def _months(study: Study) -> list[Html]:
    months = study.table("months")
    if not len(months):
        return []
    broken = months[["hours_over", "hours_low", "hours_high"]].astype(float).sum(axis=1) > 0
    marked = broken.tolist() if not broken.all() else None
    words = "Hours with any branch over its limit, any bus too low or too high; tinted: months with such hours."
    return [page.paragraph(words, "quiet"), page.table(months, marked=marked)]


def _controls(study: Study, figures: Figures) -> list[Html]:
    devices = study.table("devices")
    if not len(devices):
        return []
    note = (
        "Positions are steps from the middle of the range (capacitors: steps switched on). A regulator that often "
        "stands at the end of its range, or moves far more than the others, wants its settings looked at."
    )
    parts = _picture(figures, "operations", "Operations of regulators and capacitors by month")
    return [*parts, page.paragraph(note, "quiet"), page.table(devices, most=MOST_ROWS)]


def _profiles(study: Study) -> list[Html]:
    profiles = study.table("profiles")
    return [page.table(profiles, "Multipliers of published load, and of the solar nameplate.")] if len(profiles) else []
