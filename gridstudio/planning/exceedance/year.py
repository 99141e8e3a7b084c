"""What every load and the sun do in every hour: the profile, checked, as multipliers of groups of loads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.network import Finding, Network
from gridstudio.errors import InputError
from gridstudio.planning.exceedance.assumed import assumed_year
from gridstudio.planning.exceedance.settings import CLASSES, ExceedanceSettings, Profiles
from gridstudio.planning.exceedance.table import read_table
from gridstudio.planning.restoration.customers import read_customers

Floats = NDArray[np.float64]
OWN = "load."  # before the name of a single load, in a column's name
MOST_TOLD = 5


@dataclass(frozen=True, eq=False)
class Year:
    """Multipliers by hour; loads that behave alike are one group."""

    start: datetime
    groups: tuple[tuple[str, ...], ...]  # names of loads
    scale: Floats  # (group, hour)
    generation: Floats  # (hour,)
    curves: pd.DataFrame  # the table of profiles, as documented in the package
    findings: tuple[Finding, ...] = ()  # columns of a table that no load follows

    @property
    def hours(self) -> int:
        return int(self.scale.shape[1])

    def time(self, hour: int) -> str:
        return str(np.datetime64(self.start, "m") + np.timedelta64(hour, "h")).replace("T", " ")


def read_year(settings: ExceedanceSettings, folder: Path, network: Network) -> Year:
    """The profile of all loads; InputError with all findings."""
    given = settings.profiles
    loads = [str(load) for load in network.loads["load"]]
    if given.table:
        curves, source = read_table(folder / given.table, given), given.table.name
    else:
        curves, source = assumed_year(given.start, given.hours, given.seed), "assumed"
    mixes = _mixes(settings, folder, network)
    wrong = _misfits(given, curves, loads, mixes)
    slips, unused = _unused(curves, loads, mixes) if given.table else ([], [])
    wrong += slips
    if wrong:
        raise InputError.from_findings("The profiles do not fit the circuit", wrong)
    hours = settings.quick_hours or given.hours
    members: dict[tuple[tuple[str, float], ...], list[str]] = {}
    for load in loads:
        members.setdefault(_mix_of(load, curves, mixes), []).append(load)
    scale = np.array([sum(curves[name][:hours] * share for name, share in mix) for mix in members])
    generation = curves.get("solar", np.ones(given.hours))[:hours]
    return Year(
        given.start,
        tuple(map(tuple, members.values())),
        scale.reshape(len(members), hours) * given.load_scale,
        generation,
        _describe(curves, hours, source),
        tuple(Finding("warning", f"{source}: {text}") for text in unused),
    )


def _mixes(settings: ExceedanceSettings, folder: Path, network: Network) -> dict[str, dict[str, float]]:
    """Shares of classes by load, of the table of customers and of the study's own list, which goes first."""
    found: dict[str, dict[str, float]] = {}
    if settings.customers:
        table = read_customers(folder / settings.customers, network)
        whole = table.groupby("load")["customers"].transform("sum")
        for load, name, share in zip(table["load"], table["class"], table["customers"] / whole, strict=True):
            if share > 0:
                found.setdefault(load, {})[name] = float(share)
    own = {load.lower(): {name.lower(): 1.0} for load, name in settings.profiles.classes.items()}
    rest = {str(load): {settings.profiles.default_class.lower(): 1.0} for load in network.loads["load"]}
    return rest | found | own


def _misfits(
    given: Profiles, curves: dict[str, Floats], loads: Iterable[str], mixes: dict[str, dict[str, float]]
) -> list[str]:
    """Loads that the circuit has not, and classes that have no curve."""
    known = set(loads)
    own = {name.removeprefix(OWN): f"column {name}" for name in curves if name.startswith(OWN)}
    named = own | {load.lower(): "profiles.classes" for load in given.classes}
    wrong = [
        f"{where}: the circuit has no load {load!r}.{_hint(load, known)}"
        for load, where in named.items()
        if load not in known
    ]
    listed = {name.lower() for name in given.classes.values()}
    if "default_class" in given.model_fields_set:
        listed.add(given.default_class.lower())
    bare: dict[str, list[str]] = {}
    for load in sorted(known - own.keys()):
        for name in mixes[load].keys() - curves.keys():
            if "load" not in curves or name in listed:  # else it follows the column load
                bare.setdefault(name, []).append(load)
    classes = sorted(name for name in curves if name not in ("solar", "load") and not name.startswith(OWN))
    return wrong + [
        f"class {name!r} of {_some(members)} has no curve: known classes are {', '.join(classes) or 'none'}."
        f"{_hint(name, classes)}"
        for name, members in sorted(bare.items())
    ]


def _unused(
    curves: dict[str, Floats], loads: Iterable[str], mixes: dict[str, dict[str, float]]
) -> tuple[list[str], list[str]]:
    """Columns that no load follows: those with nearly the name of a class that loads have and that has no column,
    which must be a slip, and the others, which may be meant for other circuits."""
    followed = {name for load in loads for name, _ in _mix_of(load, curves, mixes)}
    bare = {name for load in loads for name in mixes[load]} - curves.keys()
    slips, others = [], []
    for column in sorted(name for name in curves.keys() - followed if name != "solar" and not name.startswith(OWN)):
        text = f"column {column} is followed by no load"
        if near := get_close_matches(column, sorted(bare), n=1):
            slips.append(f"{text}, and class {near[0]!r} has no column: is one of them misspelt?")
        else:
            others.append(f"{text}.{'' if column in CLASSES else _hint(column, CLASSES)}")
    return slips, others


def _mix_of(load: str, curves: dict[str, Floats], mixes: dict[str, dict[str, float]]) -> tuple[tuple[str, float], ...]:
    if OWN + load in curves:
        return ((OWN + load, 1.0),)
    mixed: dict[str, float] = {}
    for name, share in mixes[load].items():
        curve = name if name in curves else "load"
        mixed[curve] = mixed.get(curve, 0.0) + share
    return tuple(sorted(mixed.items()))


def _describe(curves: dict[str, Floats], hours: int, source: str) -> pd.DataFrame:
    rows = [
        (name, v[:hours].mean(), v[:hours].max(), v[:hours].min(), int(v[:hours].argmax()), source)
        for name, v in curves.items()
    ]
    return pd.DataFrame(rows, columns=["name", "mean", "maximum", "minimum", "hour_of_maximum", "source"])


def _some(loads: list[str]) -> str:
    more = f" and {len(loads) - MOST_TOLD} more" if len(loads) > MOST_TOLD else ""
    return f"load {', '.join(loads[:MOST_TOLD])}{more}"


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
