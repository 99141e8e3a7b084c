"""The verdict of an exceedance study in plain English, from its tables."""

import pandas as pd

from gridstudio.report import style
from gridstudio.report.exceedance.view import Study

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


def answer(study: Study) -> str:
    """How many hours could not be solved, before all, and in how many of the others limits are broken."""
    told = _broken(study)
    if study.failed and len(study.solved):
        failed = f"{style.number(study.failed)} of {_count(len(study.hours), 'hour')}"
        return f"NOT CONVERGED: {failed}; nothing is known of {'it' if study.failed == 1 else 'them'}. {told}"
    return told


def _broken(study: Study) -> str:
    hours, outside = len(study.solved), len(study.outside)
    if not hours:
        return "No hour could be solved: nothing can be told of limits."
    if not outside:
        others = " other" if study.failed else ""
        return f"No limit is broken in any of {style.number(hours)}{others} hour{'' if hours == 1 else 's'}."
    broken = "Limits are broken" + (" or buses are without voltage" if study.outside["dead"].any() else "")
    if outside == hours:
        return f"{broken} in every one of {_count(hours, 'hour')}."
    share = style.percent(outside / hours, 1 if outside / hours >= 0.001 else 2)
    return f"{broken} in {style.number(outside)} of {_count(hours, 'hour')} ({share})."


def verdict(study: Study) -> list[str]:
    """Sentences on currents, voltages, the time of both, and the controls."""
    if not len(study.solved):
        return []
    parts = (_loading(study), _voltage(study), _when(study), _controls(study), _losses(study))
    return [text for text in parts if text]


def _loading(study: Study) -> str:
    branches = study.table("branches")
    rated = branches[branches["loading_max_pu"].notna()]
    if not len(rated):
        return "Loading: no branch has a rating."
    if not len(study.over):
        top = rated.loc[rated["loading_max_pu"].astype(float).idxmax()]
        reached = style.percent(top["loading_max_pu"], 1)
        return f"Loading: no branch is ever above its limit; the highest is {top['element']} with {reached}."
    worst = study.over.iloc[0]
    energy = float(study.over["energy_over_mwh"].sum())
    text = (
        f"Loading: {_count(len(study.over), 'branch', 'branches')} above the limit in "
        f"{_count(int(study.solved['over'].sum()), 'hour')}; most often {worst['element']} with "
        f"{_count(worst['hours_over'], 'hour')}, up to {style.percent(worst['loading_max_pu'], 1)} of its rating "
        f"({worst['worst_time']})"
    )
    return text + f"; {style.number(energy, 1)} MWh above the limits, added over all branches."


def _voltage(study: Study) -> str:
    buses = study.table("buses")
    if not len(buses):
        return ""
    low, high = (_side(study, side) for side in ("low", "high"))
    if low or high:
        return f"Voltage: {'; '.join(part for part in (low, high) if part)}."
    least, most = (float(buses[c].astype(float).agg(how)) for c, how in (("v_min_pu", "min"), ("v_max_pu", "max")))
    if pd.isna(least):
        return ""
    return f"Voltage: within the limits at every bus, from {least:.4f} to {most:.4f} pu."


def _side(study: Study, side: str) -> str:
    rows = study.outside_of(side)
    if not len(rows):
        return ""
    limit = study.limits_pu[0 if side == "low" else 1]
    column = "v_min_pu" if side == "low" else "v_max_pu"
    values = rows[column].astype(float)
    worst = rows.loc[values.idxmin() if side == "low" else values.idxmax()]
    return (
        f"{'below' if side == 'low' else 'above'} {limit:g} pu at {_count(len(rows), 'bus', 'buses')} in "
        f"{_count(int(study.solved[side].sum()), 'hour')}, {'lowest' if side == 'low' else 'highest'} "
        f"{float(worst[column]):.4f} pu at bus {worst['bus']} ({worst[column[:-2] + 'time']})"
    )


def _when(study: Study) -> str:
    outside = study.outside
    if not len(outside) or len(outside) == len(study.solved):
        return ""
    month = outside["time"].astype(str).str[5:7].value_counts()
    first, last = _core_hours(outside["time"].astype(str).str[11:13].astype(int))
    text = f"When: nine in ten of these hours start between {first}:00 and {last}:59"
    spread = study.hours["time"].astype(str).str[:7].nunique() > 1
    if spread and len(month):
        share = style.percent(month.iloc[0] / len(outside))
        text += f", {share} of them in {MONTHS[int(month.index[0]) - 1]}"
    return text + "."


def _core_hours(hours: "pd.Series[int]") -> tuple[int, int]:
    """The shortest span of the clock, over midnight too, that holds nine in ten of the hours."""
    counts = [int((hours == h).sum()) for h in range(24)]
    wanted = 0.9 * sum(counts)
    for length in range(1, 25):
        sums = [sum(counts[(start + k) % 24] for k in range(length)) for start in range(24)]
        if max(sums) >= wanted:
            start = sums.index(max(sums))
            return start, (start + length - 1) % 24
    return 0, 23


def _controls(study: Study) -> str:
    devices = study.table("devices")
    if not len(devices):
        return "Controls: the circuit has no regulator or capacitor control."
    total = int(devices["operations"].sum())
    if not total:
        return f"Controls: {_count(len(devices), 'device')}, none of them operates."
    top = devices.loc[devices["operations"].astype(float).idxmax()]
    return (
        f"Controls: {_count(total, 'operation')} of {_count(len(devices), 'device')}; most by {top['device']}, "
        f"{style.number(top['operations'])} ({style.number(top['operations_per_day'], 1)} a day)."
    )


def _losses(study: Study) -> str:
    energy, losses = (float(study.solved[c].astype(float).sum()) / 1000 for c in ("source_kw", "losses_kw"))
    if not energy > 0:
        return f"Losses: {style.number(losses, 1)} MWh."
    return (
        f"Losses: {style.number(losses, 1)} of {style.number(energy, 1)} MWh from the source, "
        f"{style.percent(losses / energy, 2)}."
    )


def warnings(study: Study) -> list[str]:
    """What a reader must not overlook."""
    found = []
    if study.failed:
        found.append(
            f"{_count(study.failed, 'hour')} of {style.number(len(study.hours))} did not converge; "
            "they count as no hour of any kind."
        )
    dead = study.table("buses")["hours_dead"].astype(float)
    if (dead > 0).any():
        found.append(f"{_count(int((dead > 0).sum()), 'bus', 'buses')} without voltage in some hours.")
    if (study.table("profiles")["source"] == "assumed").any():
        found.append("The profiles are assumed, not measured: the hours show a typical year, not a forecast.")
    return found


def _count(number: object, one: str, many: str = "") -> str:
    return f"{style.number(number)} {one if number == 1 else many or one + 's'}"
