"""The verdict of a hosting study in plain English, from its tables."""

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.hosting.view import NONE, Study, device_name, look


def asked(study: Study) -> str:
    """The question of the study."""
    parts = []
    if study.nodal:
        names = _listed([device_name(d) for d in study.nodal])
        parts.append(f"how much {names} a single bus takes")
    if study.drawn:
        names = _listed([device_name(d) for d in study.drawn])
        parts.append(f"how many customers may have {names}")
    return f"Asked: {', and '.join(parts)} before a limit is broken." if parts else "Nothing was asked."


def verdict(study: Study) -> list[str]:
    """A sentence or two for each device, bus by bus and over the customers."""
    told = [_nodal(study, device) for device in study.nodal] + [_drawn(study, device) for device in study.drawn]
    return [text for text in told if text]


def _nodal(study: Study, device: str) -> str:
    rows = study.of("nodal", device)
    kw = rows["hosting_kw"].to_numpy(dtype=float)
    if not len(kw) or not np.isfinite(kw).any():
        return ""
    least = rows.iloc[int(np.nanargmin(kw))]
    name, places = _first_upper(device_name(device)), len(rows)
    bound = "" if least["limit"] == NONE else f", bound by {_binding(least)}"
    text = f"{name} at one bus: the weakest of {_count(places, 'place')} is bus {least['bus']}"
    text += f" with {style.number(least['hosting_kw'])} kW{bound}; "
    text += f"half of them take {style.number(np.nanmedian(kw))} kW or more."
    free = int((rows["limit"] == NONE).sum())
    if free == places:
        return f"{name} at one bus: {_every(places)} takes all that was asked, {style.number(np.nanmin(kw))} kW."
    most = rows.loc[rows["limit"] != NONE, "limit"].value_counts()
    text += f" Most often binding: {look(most.index[0]).words} ({most.iloc[0]} of {places})"
    return text + (f"; {free} take{'s' if free == 1 else ''} the largest size asked." if free else ".")


def _binding(row: "pd.Series[object]") -> str:
    element = str(row["element"] or "")
    at = "of" if "." in element and element.split(".")[0] in ("line", "transformer") else "at"
    where = f" {at} {element}" if element and element not in ("nan", "None") else ""
    return f"{look(row['limit']).words}{where} ({row['hour']})"


def _drawn(study: Study, device: str) -> str:
    curve, found = study.of("curve", device), study.of("deployments", device)
    if not len(curve) or not len(found):
        return ""
    name, count = _first_upper(device_name(device)), len(found)
    broken = found[found["first_pct"].notna()]
    if not len(broken):
        top = float(curve["penetration_pct"].max())
        return f"{name} at customers: {_of_all(count)} stays within limits up to {style.number(top)} % of customers."
    clean = curve[curve["violated_pct"].astype(float) <= 0]
    text = f"{name} at customers: "
    if len(clean):
        last = clean.iloc[-1]
        text += (
            f"up to {style.number(last['penetration_pct'])} % of customers ({style.number(last['kw_mean'])} kW) "
            f"{_of_all(count)} stays within the limits; "
        )
    else:
        first = style.number(curve["penetration_pct"].min())
        text += f"already at {first} % of customers, the lowest share tried, a limit is broken by some of the "
        text += f"{_count(count, 'deployment')}; "
    half = _median(found)
    text += f"half of them break one by {half}." if half else "fewer than half of them ever break one."
    most = broken["limit"].value_counts()
    element = broken.loc[broken["limit"] == most.index[0], "element"].astype(str).value_counts().index[0]
    return (
        f"{text} What breaks first: {look(most.index[0]).words} ({most.iloc[0]} of {count}), most often at {element}."
    )


def _median(found: pd.DataFrame) -> str:
    """The penetration by which half of the deployments have broken a limit; '' if never so many do."""
    ranked = np.sort(found["first_pct"].fillna(np.inf).to_numpy(dtype=float))
    value = ranked[(len(ranked) - 1) // 2]
    return f"{style.number(value)} %" if np.isfinite(value) else ""


def warnings(study: Study) -> list[str]:
    """What a reader must not overlook."""
    found = []
    if study.base_violations:
        found.append(
            f"Without any device the circuit already breaks {_count(study.base_violations, 'limit')} in the hours of "
            "the study: that binds only where a device makes it worse. Cure it first."
        )
    if study.not_converged:
        found.append(f"{_count(study.not_converged, 'power flow')} did not converge; such a size counts as refused.")
    return found


def notes(study: Study) -> list[str]:
    """How the numbers are to be read."""
    told = []
    if study.nodal:
        told.append("A bus's capacity is that of one device alone: capacities of two buses cannot be added.")
    if study.drawn:
        told.append("A deployment is one random way in which customers get devices, more and more of them.")
    return told


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _every(places: int) -> str:
    return "the one place" if places == 1 else f"every one of {places} places"


def _of_all(count: int) -> str:
    return "the one deployment" if count == 1 else f"every one of {count} deployments"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _count(number: object, one: str) -> str:
    return f"{style.number(number)} {one if number == 1 else one + 's'}"
