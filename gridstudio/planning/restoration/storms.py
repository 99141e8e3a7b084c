"""Storms: named in the study, taken from outage records, or drawn at random; the draws depend on the seed only."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.domain.sections import Sections
from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError
from gridstudio.planning.restoration.incident import Fault, Storm, faulted_sections
from gridstudio.planning.restoration.settings import DrawSettings, RecordSettings, StormSettings

MINUTES_PER_HOUR = 60.0
MOST_REPEATS = 5000  # draws of known storms on end: then the circuit is taken to have no more


def named(storms: Sequence[StormSettings]) -> list[Storm]:
    """Storms as the study gives them."""
    return [
        Storm(s.name, tuple(Fault(e.lower(), m) for e, m in zip(s.faults, s.repairs, strict=True)), s.load_scale)
        for s in storms
    ]


def drawn(sections: Sections, settings: DrawSettings, taken: Sequence[Storm]) -> tuple[list[Storm], list[Storm]]:
    """Storms for training and held out for judging: no two have the same faults, nor those of ``taken``.

    What counts for judged storms are the faulted sections: no training storm has those of a judged one, and no
    held-out one those of another held-out one or of ``taken``.

    Faults fall on lines in sections that have supply, in proportion to length; switches do not fail. All held-out
    storms asked for are drawn; for training fewer than asked where the circuit has not that many different ones.
    """
    rng = np.random.default_rng(settings.seed)
    elements, weight = exposed(sections)
    if not elements:
        raise InputError("No storm can be drawn: the circuit has no line with supply but switches.")
    possible = sum(math.comb(len(elements), count) for count in range(1, settings.faults + 1))
    if possible <= settings.held_out:
        raise _too_few(possible, settings)
    sections_of = {name: tuple(faulted_sections(sections, name)) for name in elements}

    def where(names: Iterable[str]) -> frozenset[int]:
        return frozenset(s for name in names for s in sections_of.get(name) or faulted_sections(sections, name))

    judged = {where(fault.element for fault in storm.faults) for storm in taken}
    used = {frozenset(fault.element for fault in storm.faults) for storm in taken}
    found: list[Storm] = []
    wanted, repeats = settings.training + settings.held_out, 0
    while len(found) < wanted and repeats < MOST_REPEATS:
        count = min(int(rng.integers(1, settings.faults + 1)), len(elements))
        names = rng.choice(elements, count, replace=False, p=weight)
        faults = tuple(Fault(str(name), float(rng.uniform(*settings.repair_min))) for name in names)
        scale = float(rng.uniform(*settings.load_scale))
        key, place = frozenset(names.tolist()), where(names.tolist())
        fresh = key not in used and place not in judged
        repeats = 0 if fresh else repeats + 1
        if fresh:
            used.add(key)
            if len(found) < settings.held_out:
                judged.add(place)
            found.append(Storm("", faults, scale))
    held_out = found[: settings.held_out]
    training = found[settings.held_out :]
    if len(held_out) < settings.held_out or not training:
        raise _too_few(len(found), settings)
    return (
        [Storm(f"training {n}", s.faults, s.load_scale) for n, s in enumerate(training, start=1)],
        [Storm(f"held out {n}", s.faults, s.load_scale, held_out=True) for n, s in enumerate(held_out, start=1)],
    )


def _too_few(count: int, settings: DrawSettings) -> InputError:
    return InputError(
        f"Only {count} different storms of up to {settings.faults} faults can be drawn on this circuit, "
        f"{settings.training + settings.held_out} are asked for: lower draw.training or draw.held_out, or raise "
        "draw.faults."
    )


def exposed(sections: Sections) -> tuple[list[str], np.ndarray]:
    """Elements that storms hit (lines with supply that are no switches), and their share by length.

    A line of unknown length, or of none, is not hit unless all are: then every line has the same share.
    """
    lines, fed = sections.network.lines, sections.normal_supply.alive
    alive = np.array([bool(fed >> sections.of_bus[bus] & 1) for bus in lines["bus1"]])
    ties = [device.line for device in sections.devices if device.normally_open]
    kept = lines[~lines["is_switch"] & ~lines["line"].isin(ties) & alive]
    length = kept["length_m"].fillna(0.0).clip(lower=0.0).to_numpy()
    weight = length / length.sum() if length.sum() > 0 else np.full(len(kept), 1.0 / max(len(kept), 1))
    usable = weight > 0
    return [f"line.{line}" for line in kept.loc[usable, "line"]], weight[usable]


def from_records(sections: Sections, settings: RecordSettings, folder: Path) -> list[Storm]:
    """The worst days of the records by customers interrupted, worst first; names are dates.

    Records: fault_detected (begins with the day, 2024-07-23), affected_customers, duration_hours, and the place:
    element (``line.l35``), or edge_id (a line of that name), or feeder_id, where the faulted line of the feeder is
    drawn with the seed (the table ``elements`` tells which line is whose). Faults of one day on the same element count
    once, with the longest repair.
    """
    path = folder / settings.outages
    table = _read(path, ("fault_detected", "affected_customers", "duration_hours"))
    day = pd.to_datetime(table["fault_detected"].astype(str).str.strip().str[:10], errors="coerce", format="%Y-%m-%d")
    hours = pd.to_numeric(table["duration_hours"], errors="coerce")
    count = pd.to_numeric(table["affected_customers"], errors="coerce")
    if bad := int((day.isna() | ~np.isfinite(hours) | (hours < 0) | ~np.isfinite(count) | (count < 0)).sum()):
        raise InputError(
            f"{path}: {bad} outages have no date (2024-07-23), or a negative or missing duration or customer number."
        )
    table = table.assign(hours=hours, count=count, day=day, element=_elements(sections, table, settings, folder, path))
    table = table[table["element"] != ""]
    if table.empty:
        raise InputError(
            f"{path}: no outage of the records lies on a line of this circuit: there is no storm to study."
        )
    days = table["day"].dt.strftime("%Y-%m-%d")
    worst = table["count"].groupby(days).sum().sort_values(ascending=False, kind="stable").index[: settings.worst]
    storms = []
    for day in worst:
        longest = table[days == day].groupby("element", sort=True)["hours"].max()
        faults = tuple(Fault(str(element), float(h) * MINUTES_PER_HOUR) for element, h in longest.items())
        storms.append(Storm(str(day), faults, settings.load_scale))
    return storms


def _elements(sections: Sections, table: pd.DataFrame, settings: RecordSettings, folder: Path, path: Path) -> pd.Series:
    """Element of every outage, "" where it is not of this circuit."""
    if "element" in table.columns or "edge_id" in table.columns:
        given = table["element"] if "element" in table.columns else "line." + table["edge_id"]
        names = given.str.strip().str.lower()
        return names.where(names.isin(_with_supply(sections)), "")
    if "feeder_id" not in table.columns or settings.elements is None:
        raise InputError(
            f"{path}: the records name no element (columns element or edge_id). Give records.elements, a table of "
            "element and feeder_id, so that the faulted line of a feeder can be drawn."
        )
    owner = _read(folder / settings.elements, ("element", "feeder_id"))
    exposed_elements = set(exposed(sections)[0])
    rng = np.random.default_rng(settings.seed)
    of_feeder = {
        feeder: sorted(set(rows["element"].str.lower()) & exposed_elements)
        for feeder, rows in owner.groupby("feeder_id")
    }
    drawn_names = [str(rng.choice(of_feeder[feeder])) if of_feeder.get(feeder) else "" for feeder in table["feeder_id"]]
    return pd.Series(drawn_names, index=table.index)


def _with_supply(sections: Sections) -> set[str]:
    """Elements with an end in a section that has supply."""
    branches, alive = sections.network.branches, sections.members(sections.normal_supply.alive)
    fed = [alive[[sections.of_bus[bus] for bus in branches[end]]] for end in ("bus1", "bus2")]
    return set(branches.loc[fed[0] | fed[1], "element"])


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    table = read_table(path, "table", columns, texts=("element", "edge_id", "feeder_id"))
    if table.empty:
        raise InputError(f"{path} holds no event: there is no storm to study.")
    return table
