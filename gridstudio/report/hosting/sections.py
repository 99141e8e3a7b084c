"""The page of a hosting study: how much fits where, what binds, how many customers, and what it rests on."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import page, style
from gridstudio.report.hosting.view import LIMITS, Study, device_name, look
from gridstudio.report.hosting.words import asked, notes, verdict, warnings
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance
from gridstudio.result import Quantity

MOST_ROWS = 200
WEAKEST = 12
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    timing = study.table("timing")
    sections = [
        ("nodal", "Bus by bus", _nodal(study, figures)),
        ("customers", "Customer by customer", _stochastic(study, figures)),
        ("hours", "The hours of the study", _hours(study)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*([page.table(timing)] if len(timing) else []), *provenance(study.result)]),
    ]
    text = page.document(study.result.title, "Hosting capacity", _top(study, figures), sections, {}, FOOTER)
    path.write_text(text, encoding="utf-8")


def _top(study: Study, figures: Figures) -> list[Html]:
    parts = [page.paragraph(asked(study), "lead"), *(page.paragraph(text) for text in verdict(study))]
    warned = warnings(study)
    if warned:
        parts.append(page.note([page.paragraph(text) for text in warned], warning=bool(study.base_violations)))
    told = notes(study)
    if told:
        parts.append(page.paragraph(" ".join(told), "quiet"))
    parts += _picture(figures, "map", "Map of the feeder by hosting capacity")
    if "map" not in figures:
        parts += _picture(figures, "penetration", "Penetration curves")
    return [*parts, page.tiles({name: _spelled(q) for name, q in study.result.headline.items()})]


def _spelled(quantity: Quantity) -> Quantity:
    """A headline number with its limit in words."""
    value, label = quantity.value, quantity.label
    for name, mine in LIMITS.items():
        if "_" in name:
            label = label.replace(name, mine.words)
            value = value.replace(name, mine.words) if isinstance(value, str) else value
    return Quantity(label, value, quantity.unit)


def _picture(figures: Figures, name: str, alt: str) -> list[Html]:
    return [page.picture(figures[name], alt)] if name in figures else []


def _nodal(study: Study, figures: Figures) -> list[Html]:
    if not study.nodal:
        return []
    parts = _picture(figures, "capacities", "Nodal hosting capacity, sorted and by distance")
    parts += _picture(figures, "binding", "What binds, and at which capacity")
    limits = study.table("nodal_limits")
    if len(limits):
        ranked = limits.sort_values(["device", "places"], ascending=[True, False], kind="stable")
        parts.append(page.table(_worded(ranked), "What binds: places, least and median capacity."))
    tabs = []
    for device in study.nodal:
        rows = study.of("nodal", device).sort_values("hosting_kw", kind="stable").drop(columns="device")
        weak = page.table(_worded(rows.head(WEAKEST)), f"The weakest places for {device_name(device)}.")
        every = page.details(f"All {len(rows)} places", [page.table(_worded(rows), most=MOST_ROWS)])
        tabs.append((_upper(device_name(device)), page.join([weak, every])))
    return [*parts, page.tabs("nodal-table", tabs)]


def _stochastic(study: Study, figures: Figures) -> list[Html]:
    if not study.drawn:
        return []
    parts = _picture(figures, "penetration", "Share of deployments that break a limit, by penetration")
    table = study.table("percentiles")
    if len(table):
        shown = table.assign(
            device=[_upper(device_name(str(d))) for d in table["device"]],
            first_pct=[_never(v, "%") for v in table["first_pct"]],
            first_kw=[_never(v, "kW") for v in table["first_kw"]],
        )
        named = {
            "percentile": "share of deployments at or below [%]", "first_pct": "first violation at",
            "first_kw": "installed there",
        }  # fmt: skip
        parts.append(page.table(shown.rename(columns=named), "First violation, by percentile of the deployments."))
    for device in study.drawn:
        rows = study.of("curve", device).drop(columns="device")
        name = _upper(device_name(device))
        parts.append(page.details(f"{name}: the curve as a table", [page.table(_curve(rows), most=MOST_ROWS)]))
    found = study.table("deployments")
    table = _worded(found).rename(columns={"first_pct": "first violation [% of customers]"})
    return [*parts, page.details(f"All {len(found)} deployments", [page.table(table, most=MOST_ROWS)])]


def _never(value: Any, unit: str) -> str:
    if not np.isfinite(float(value)):
        return "never"
    return f"{style.number(value)} % of customers" if unit == "%" else f"{style.number(value)} {unit}"


def _curve(rows: pd.DataFrame) -> pd.DataFrame:
    """Limits that are never broken are left out; shares in per cent of the deployments."""
    kept = ["penetration_pct", "kw_mean", "violating_pct", "violated_pct"]
    kept += [c for c in rows if c.endswith("_pct") and c not in kept and float(rows[c].max()) > 0]
    named = {
        "penetration_pct": "customers with a device [%]", "kw_mean": "installed, mean [kW]",
        "violating_pct": "break a limit here [%]", "violated_pct": "here or before [%]",
    }  # fmt: skip
    named |= {c: f"{look(c.removesuffix('_pct')).words} [%]" for c in kept[4:]}
    return rows[kept].round(1).rename(columns=named)


def _hours(study: Study) -> list[Html]:
    hours = study.table("hours")
    if not len(hours):
        return []
    note = "What the circuit is in each hour without any device; pv, ev, load: part of a device's size that counts."
    named = {"pv": "PV share", "ev": "EV share", "load": "new load share"}
    broken = hours["violations"].astype(float) > 0
    shown = hours.rename(columns=named)
    return [page.paragraph(note, "quiet"), page.table(shown, marked=broken.tolist())]


def _worded(table: pd.DataFrame) -> pd.DataFrame:
    """Devices and limits in words."""
    new: dict[str, list[str]] = {"limit": [look(v).words for v in table["limit"]]}
    if "device" in table:
        new["device"] = [_upper(device_name(str(v))) for v in table["device"]]
    return table.assign(**new)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
