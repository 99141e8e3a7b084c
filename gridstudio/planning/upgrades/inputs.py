"""The tables of a study: feeders and their limits, candidates, representative hours, scenarios."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gridstudio.domain.catalogue_files import Rows, missing_columns, numbers, read_rows
from gridstudio.errors import InputError
from gridstudio.planning.upgrades.contract import PEAK, BoolArray, FloatArray, Futures, Hours, IntArray, Menu

__all__ = ["PEAK", "Feeders", "Hours", "read_candidates", "read_feeders", "read_futures", "read_hours"]

MEASURES = (
    "reconductor",
    "parallel_line",
    "new_feeder_tie",
    "transformer_upgrade",
    "substation_transformer",
    "voltage_regulator",
    "regulator_settings",
    "load_tap_changer",
    "capacitor_bank",
    "capacitor_switching",
    "phase_balancing",
    "volt_var",
    "battery_storage",
    "demand_response",
    "ev_shift",
)
ANY = -np.inf
CLASS_COLUMNS = ("residential_pu", "commercial_pu", "industrial_pu")
DAY = 24


@dataclass(frozen=True, eq=False)
class Feeders:
    """Feeders in the order of their table, (feeder,); limits (limit,): ``limit_feeder`` is a position in ``names``.

    ``shared`` (feeder,): no feeder but what several share, whose customers are theirs; None where there is none."""

    names: tuple[str, ...]
    peak_mw: FloatArray
    customers: FloatArray
    limit: tuple[str, ...]
    limit_feeder: IntArray
    rated_mw: FloatArray
    shared: BoolArray | None = None

    @property
    def all_customers(self) -> float:
        """Of all feeders, each counted once."""
        return float(self.customers.sum() if self.shared is None else self.customers[~self.shared].sum())

    def __len__(self) -> int:
        return len(self.names)


def read_feeders(path: Path) -> Feeders:
    """Columns feeder_id, peak_mw, customer_count, rated_capacity_mw; a feeder with several limits in series has a row
    for each, told apart by the column limit, and the same peak and customers in all. Others are not read."""
    header, rows, findings = read_rows(path)
    _stop(path, findings + missing_columns(header, ("feeder_id", "peak_mw", "customer_count", "rated_capacity_mw")))
    if not rows:
        raise InputError(f"{path} has no feeder.")
    peak = numbers(rows, "peak_mw", findings, least=0.0)
    customers = numbers(rows, "customer_count", findings, least=0.0)
    rated = numbers(rows, "rated_capacity_mw", findings)
    ids = [row["feeder_id"] for _, row in rows]
    findings += [f"line {line}: feeder_id is empty" for (line, _), name in zip(rows, ids, strict=True) if not name]
    names = tuple(dict.fromkeys(ids))
    first = np.array([ids.index(name) for name in names])
    feeder = np.array([names.index(name) for name in ids])
    limit = tuple(row.get("limit", "") for _, row in rows)
    seen: set[tuple[str, str]] = set()
    for (line, _), name, of, row in zip(rows, ids, limit, range(len(rows)), strict=True):
        if (name, of) in seen:
            findings.append(f"line {line}: feeder {name} occurs twice" + (f" with limit '{of}'" if of else ""))
        elif peak[row] != peak[first[feeder[row]]] or customers[row] != customers[first[feeder[row]]]:
            findings.append(f"line {line}: feeder {name} has other peak_mw or customer_count than in its first row")
        seen.add((name, of))
    _stop(path, findings)
    return Feeders(names, peak[first], customers[first], limit, feeder, rated)


def read_candidates(path: Path, feeders: Feeders) -> Menu:
    """Columns upgrade_type, cost_usd, capacity_gain_mw; optional feeder_id (empty: every feeder), limit,
    om_usd_per_year, life_years (40), group, from_year (1), and for batteries power_mw, energy_mwh, efficiency (0.88),
    for demand response and EVs shift_mw, shift_share. InputError with all that is wrong."""
    header, rows, findings = read_rows(path)
    _stop(path, findings + missing_columns(header, ("upgrade_type", "cost_usd", "capacity_gain_mw")))
    columns = _candidate_numbers(header, rows, findings)
    limits = {(feeders.names[f], name) for f, name in zip(feeders.limit_feeder, feeders.limit, strict=True)}
    known = list(dict.fromkeys(f"'{name}'" for name in feeders.limit if name))
    picked: list[tuple[int, str]] = []
    seen: set[tuple[str, str, str]] = set()
    for number, (line, row) in enumerate(rows):
        measure, given, limit = row["upgrade_type"], row.get("feeder_id", ""), row.get("limit", "")
        if measure not in MEASURES:
            findings.append(f"line {line}: unknown measure '{measure}'; known are {', '.join(MEASURES)}")
        if given and given not in feeders.names:
            findings.append(f"line {line}: feeder '{given}' is not in the table of feeders")
            continue
        if limit and not given and f"'{limit}'" not in known:
            there = f"known are {', '.join(known)}" if known else "the table of feeders names none"
            findings.append(f"line {line}: no feeder has a limit '{limit}'; {there}")
        for feeder in (given,) if given else feeders.names:
            if limit and (feeder, limit) not in limits:
                if given:
                    findings.append(f"line {line}: feeder {feeder} has no limit '{limit}'")
                continue
            label = row.get("label", "") or measure
            if (feeder, label, limit) in seen:
                findings.append(
                    f"line {line}: {label} on {feeder} occurs twice; tell the two apart by the column label"
                )
            seen.add((feeder, label, limit))
            picked.append((number, feeder))
    _stop(path, findings)
    index = np.array([number for number, _ in picked], dtype=np.int64)
    cells = [rows[number][1] for number, _ in picked]
    taken = {name: values[index] for name, values in columns.items()}
    return Menu(
        feeder=tuple(feeder for _, feeder in picked),
        measure=tuple(row.get("label", "") or row["upgrade_type"] for row in cells),
        cost_usd=taken["cost_usd"],
        om_usd_per_year=taken["om_usd_per_year"],
        life_years=taken["life_years"],
        group=tuple(row.get("group", "") for row in cells),
        from_year=taken["from_year"].astype(np.int64),
        limit=tuple(row.get("limit", "") for row in cells),
        gain_mw=taken["capacity_gain_mw"],
        power_mw=taken["power_mw"],
        energy_mwh=taken["energy_mwh"],
        efficiency=taken["efficiency"],
        shift_mw=taken["shift_mw"],
        shift_share=taken["shift_share"],
    )


def _candidate_numbers(header: Sequence[str], rows: Rows, findings: list[str]) -> dict[str, FloatArray]:
    """The numeric columns of candidates (row,), optional ones with their defaults."""
    found: dict[str, FloatArray] = {}
    for line, row in rows:
        if row["capacity_gain_mw"] == "" and not any(
            row.get(name, "") for name in ("power_mw", "shift_mw", "shift_share")
        ):
            findings.append(
                f"line {line}: {row['upgrade_type']} has no size; give capacity_gain_mw, power_mw with energy_mwh, "
                "shift_mw or shift_share"
            )
    sized = [(line, row | {"capacity_gain_mw": row["capacity_gain_mw"] or "0"}) for line, row in rows]
    found["cost_usd"] = numbers(sized, "cost_usd", findings, least=0.0)
    found["capacity_gain_mw"] = numbers(sized, "capacity_gain_mw", findings, least=0.0)
    defaults = {
        "om_usd_per_year": (0.0, 0.0),
        "life_years": (40.0, 1.0),
        "from_year": (1.0, 1.0),
        "power_mw": (0.0, 0.0),
        "energy_mwh": (0.0, 0.0),
        "efficiency": (0.88, 0.01),
        "shift_mw": (0.0, 0.0),
        "shift_share": (0.0, 0.0),
    }
    for name, (default, least) in defaults.items():
        filled = [(line, row | {name: row.get(name, "") or str(default)}) for line, row in rows]
        found[name] = numbers(filled, name, findings, least)
    for number, (line, row) in enumerate(rows):
        if (found["power_mw"][number] > 0) != (found["energy_mwh"][number] > 0):
            findings.append(f"line {line}: a battery ({row['upgrade_type']}) needs both power_mw and energy_mwh")
        if found["efficiency"][number] > 1 or found["shift_share"][number] > 1:
            findings.append(f"line {line}: efficiency and shift_share must not exceed 1")
    return found


def read_hours(path: Path) -> Hours:
    """Columns hour (0 to 23), weight_h, load_pu, ev_pu, solar_pu and, with several days, day: 24 hours for each day.

    Where residential_pu, commercial_pu and industrial_pu are given, load_pu need not be: it is their mean."""
    header, rows, findings = read_rows(path)
    by_class = all(name in header for name in CLASS_COLUMNS)
    load = CLASS_COLUMNS if by_class else ("load_pu",)
    _stop(path, findings + missing_columns(header, ("hour", "weight_h", *load, "ev_pu", "solar_pu")))
    hour = numbers(rows, "hour", findings, least=0.0)
    shares = (*load, "ev_pu", "solar_pu")
    values = {name: numbers(rows, name, findings, least=0.0) for name in ("weight_h", *shares)}
    label = [row.get("day", "") for _, row in rows]
    days = list(dict.fromkeys(label))
    day = np.array([days.index(name) for name in label], dtype=np.int64)
    if not rows:
        findings.append(f"it has no hour; {DAY} are needed for each day")
    for number, name in enumerate(days):
        given = hour[day == number]
        missing = [str(h) for h in range(DAY) if h not in given]
        which = f"day '{name}'" if name else "the day"
        if len(given) != DAY or missing:
            gaps = f"; hour {', '.join(missing[:5])} is missing" if missing else ""
            findings.append(f"{which} has {len(given)} rows where {DAY} are needed, the hours 0 to 23 once each{gaps}")
    if values["weight_h"].sum() > 8784:
        findings.append(f"weight_h adds to {values['weight_h'].sum():g} hours, more than a year has")
    for name in shares:
        if np.nanmax(values[name], initial=0.0) > 1:
            findings.append(f"{name} reaches {np.nanmax(values[name]):g}; it is a share of the peak, 1 at most")
    _stop(path, findings)
    order = np.lexsort((hour, day))
    weight, ev, sun = (values[name][order] for name in ("weight_h", "ev_pu", "solar_pu"))
    classes = np.stack([values[name][order] for name in load])
    return Hours(day[order], weight, classes.mean(axis=0), ev, sun, True, classes if by_class else None)


def read_futures(path: Path, feeders: tuple[str, ...]) -> Futures:
    """Columns scenario, annual_load_growth, solar_share, ev_share, ev_kw_per_vehicle; optional probability (equal),
    weather (1) and feeder_id (then every scenario has a row for every feeder, of the same probability)."""
    header, rows, findings = read_rows(path)
    named = ("annual_load_growth", "solar_share", "ev_share", "ev_kw_per_vehicle")
    _stop(path, findings + missing_columns(header, ("scenario", *named)))
    if not rows:
        raise InputError(f"{path} has no scenario.")
    values = {name: numbers(rows, name, findings, least=ANY if name == named[0] else 0.0) for name in named}
    values["weather"] = numbers(rows, "weather", findings) if "weather" in header else np.ones(len(rows))
    ids = [row["scenario"] for _, row in rows]
    names = list(dict.fromkeys(ids))
    by_feeder = "feeder_id" in header
    place = np.full((len(names), len(feeders)), -1, dtype=np.int64)
    position = {name: number for number, name in enumerate(names)}
    for number, (line, row) in enumerate(rows):
        if by_feeder and row["feeder_id"] not in feeders:
            findings.append(f"line {line}: feeder '{row['feeder_id']}' is not in the table of feeders")
            continue
        where = feeders.index(row["feeder_id"]) if by_feeder else slice(None)
        if np.any(place[position[ids[number]], where] >= 0):
            findings.append(f"line {line}: scenario {ids[number]} occurs twice")
        place[position[ids[number]], where] = number
    for name, of in zip(names, place, strict=True):
        if by_feeder and (of < 0).any():
            findings.append(f"scenario {name} has no row for feeder {feeders[int((of < 0).argmax())]}")
    _stop(path, findings)
    probabilities = _probabilities(path, header, rows, place)
    growth, solar, ev_share, ev_kw = (values[name][place] for name in named)
    return Futures(probabilities, growth, solar, ev_share, ev_kw, values["weather"][place])


def _probabilities(path: Path, header: Sequence[str], rows: Rows, place: IntArray) -> FloatArray:
    if "probability" not in header:
        return np.full(len(place), 1 / len(place))
    findings: list[str] = []
    given = numbers(rows, "probability", findings, least=0.0)[place]
    _stop(path, findings)
    if np.ptp(given, axis=1).any():
        row = int(np.ptp(given, axis=1).argmax())
        raise InputError(f"{path}: scenario number {row + 1} has different probabilities for different feeders.")
    total = float(given[:, 0].sum())
    if abs(total - 1) > 1e-6:
        raise InputError(f"{path}: the probabilities of the scenarios add to {total:g}; they must add to 1.")
    return np.asarray(given[:, 0] / total)


def _stop(path: Path, findings: list[str]) -> None:
    if findings:
        raise InputError.from_findings(str(path), [f"{text}." for text in findings])
