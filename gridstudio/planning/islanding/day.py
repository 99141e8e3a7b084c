"""Who hangs on which load, how important they are, and what each load and the sun do at every hour of the day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError
from gridstudio.planning.islanding.settings import HOURS, IslandingSettings, Shapes, half_sine

Floats = NDArray[np.float64]
CUSTOMER_COLUMNS = ("load", "customers", "class")


@dataclass(frozen=True, eq=False)
class Day:
    """Rows follow the circuit's table of loads.

    scale: (load, hour) multiplier of the published kW and kvar; solar: (hour,) multiplier of PV;
    customers: (load,); classes: (load,) text, "" if none; priority: (load,), 1 is served first.
    """

    scale: Floats
    solar: Floats
    customers: Floats
    classes: tuple[str, ...]
    priority: NDArray[np.int_]


def read_day(settings: IslandingSettings, folder: Path, network: Network) -> Day:
    """Customers, priorities and shapes of all loads. InputError with all findings."""
    loads = [str(load) for load in network.loads["load"]]
    path = folder / settings.customers if settings.customers else None
    table = _read_customers(path, loads) if path else pd.DataFrame({"load": loads, "customers": 1.0, "class": ""})
    shapes = _shapes(settings.shapes, folder)
    wrong = _unknown(settings, loads, set(table["class"]))
    if wrong:
        raise InputError.from_findings("The study does not fit the circuit", wrong)
    share = table.pivot_table(index="load", columns="class", values="customers", aggfunc="sum", fill_value=0.0)
    share = share.reindex(loads, fill_value=0.0)
    customers = share.sum(axis=1).to_numpy(dtype=float)
    plain = shapes.get("load", np.ones(HOURS))
    curves = np.array([shapes.get(str(name), plain) for name in share.columns])
    weight = share.to_numpy(dtype=float) / np.where(customers > 0, customers, 1.0)[:, None]
    scale = np.where((customers > 0)[:, None], weight @ curves, plain)
    present = share.to_numpy() > 0
    classes = tuple("/".join(str(c) for c in share.columns[row]) for row in present)
    return Day(scale, shapes["solar"], customers, classes, _priorities(settings, loads, share.columns, present))


def _priorities(
    settings: IslandingSettings, loads: list[str], classes: Iterable[object], present: NDArray[np.bool_]
) -> NDArray[np.int_]:
    """A load of several classes has the priority of its most important one."""
    given, own = settings.priorities, {name.lower(): rank for name, rank in settings.priorities.loads.items()}
    rank = np.array([given.classes.get(str(name), given.default) for name in classes])
    found = np.where(present, rank, 100).min(axis=1, initial=100)
    found = np.where(present.any(axis=1), found, given.default)
    return np.array([own.get(load, int(value)) for load, value in zip(loads, found, strict=True)])


def _unknown(settings: IslandingSettings, loads: list[str], classes: set[str]) -> list[str]:
    """Names that the study gives a priority or a shape and nobody has."""
    wrong = [
        f"priorities.loads: the circuit has no load {name!r}.{_hint(name, loads)}"
        for name in settings.priorities.loads
        if name.lower() not in set(loads)
    ]
    for key, named in (("priorities", settings.priorities.classes), ("shapes", settings.shapes.classes)):
        wrong += [
            f"{key}.classes: no customer is of class {name!r}.{_hint(name, classes)}"
            for name in named
            if name not in classes
        ]
    return wrong


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.lower(), [k for k in known if k], n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _read_customers(path: Path, loads: list[str]) -> pd.DataFrame:
    """load, customers, class of a table of customers, checked against the circuit's loads."""
    table = read_table(path, "customer table", CUSTOMER_COLUMNS)[[*CUSTOMER_COLUMNS]]
    table["load"] = table["load"].astype(str).str.strip().str.lower()
    table["class"] = table["class"].astype(str).str.strip().str.lower()
    table["customers"] = pd.to_numeric(table["customers"], errors="coerce").astype(float)
    known = set(loads)
    bad = table[~(np.isfinite(table["customers"]) & (table["customers"] >= 0))]
    twice = table[table.duplicated(["load", "class"])]
    wrong = [f"the circuit has no load {name!r}.{_hint(name, loads)}" for name in table["load"] if name not in known]
    wrong += [f"load {row.load!r}: its number of customers is negative or no number." for row in bad.itertuples()]
    wrong += [f"load {row[0]!r}, class {row[2]!r}: customers are mapped twice." for row in twice.to_numpy()]
    if wrong:
        raise InputError.from_findings(str(path), list(dict.fromkeys(wrong)))
    return table


def _shapes(given: Shapes, folder: Path) -> dict[str, Floats]:
    """Curves (hour,) by name: solar, load if given, and customer classes; the study's own go before the table's."""
    found: dict[str, Floats] = {"solar": np.array(half_sine())}
    if given.table is not None:
        found |= _shape_table(folder / given.table)
    own: Mapping[str, tuple[float, ...] | None] = {"solar": given.solar, "load": given.load, **given.classes}
    return found | {name: np.array(values) for name, values in own.items() if values is not None}


def _shape_table(path: Path) -> dict[str, Floats]:
    table = read_table(path, "table of shapes", ["hour"])
    hours = pd.to_numeric(table["hour"], errors="coerce")
    if sorted(hours) != list(range(HOURS)):
        raise InputError(f"{path}: the column hour must hold 0 to 23, each once.")
    curves = table.assign(hour=hours).sort_values("hour").drop(columns="hour").apply(pd.to_numeric, errors="coerce")
    bad = [str(name) for name in curves if not (np.isfinite(curves[name]) & (curves[name] >= 0)).all()]
    if bad:
        raise InputError(f"{path}: column {', '.join(bad)} has values that are negative or no numbers.")
    return {str(name).strip().lower(): curves[name].to_numpy(dtype=float) for name in curves}
