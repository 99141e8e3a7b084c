"""The tables of a study: buses, branches, units, zones and parameters; every finding with its line."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gridstudio.domain.catalogue_files import Rows, missing_columns, numbers, read_rows
from gridstudio.errors import InputError
from gridstudio.planning.transition.case import (
    UNIT_TYPES,
    Branches,
    Buses,
    Case,
    IntArray,
    Parameters,
    Units,
    Zones,
)
from gridstudio.planning.transition.days import Conductors
from gridstudio.planning.transition.names import TURBINE_OUTPUT, name_finding, speed_findings
from gridstudio.planning.transition.outlooks import read_chain
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.unread import refuse_unread

ANY = -np.inf
NO_ZONES = Zones((), np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0))
_POSITIVE = (
    *("life_years", "spacing_km", "base_mva", "power_mw", "energy_mwh", "height_m", "weibull_shape"),
    *("synoptic_h", "synoptic_km", "climate_local_h", "climate_local_km", "cloud_exponent"),
    *("usd_per_cad", "true_rating_factor", "angle_limit_degrees", "dtr_most_rating_pu"),
)
_ORDERED = (  # not above the other, and both in the parameter file
    *((f"{kind}_minimum_share", f"{kind}_maximum_share") for kind in ("gas", "smr", "h2", "sssc")),
    *((f"unit_{kind}_minimum_share", f"unit_{kind}_availability_share") for kind in UNIT_TYPES),
    ("battery_stored_min_share", "battery_stored_max_share"),
    *(
        (f"pumped_hydro_{basin}_{low}_million_m3", f"pumped_hydro_{basin}_{high}_million_m3")
        for basin in ("upper", "lower")
        for low, high in (("min", "max"), ("min", "first"), ("first", "max"))
    ),
)


def read_case(settings: TransitionSettings, folder: Path) -> Case:
    """The study's case; InputError with all that is wrong in a file. Without a table of zones it has none yet."""
    refuse_unread(settings)
    given = settings.tables
    parameters = read_parameters(folder / given.parameters)
    buses = read_buses(folder / given.buses)
    branches = read_branches(folder / given.branches, buses, parameters, settings.network.true_rating)
    units = read_units(folder / given.units, buses)
    zones = read_zones(folder / given.zones, buses) if given.zones else NO_ZONES
    chain = read_chain(settings.chain, parameters)
    return Case(buses, branches, units, zones, parameters, chain, settings.chain.years_per_stage)


def read_buses(path: Path) -> Buses:
    """Columns bus, latitude, longitude, max_load_mw, average_load_mw, max_new_mw, land_km2, battery, pumped_hydro."""
    header, rows, findings = read_rows(path)
    plain = ("latitude", "longitude", "max_load_mw", "average_load_mw", "max_new_mw", "land_km2")
    _stop(path, findings + missing_columns(header, ("bus", *plain, "battery", "pumped_hydro")))
    found = {
        name: numbers(rows, name, findings, ANY if name in ("latitude", "longitude") else 0.0)
        for name in (*plain, "battery", "pumped_hydro")
    }
    names = _names(rows, "bus", findings)
    if not rows:
        findings.append("it has no bus")
    _stop(path, findings)
    latitude, longitude, highest, average, most_new, land = (found[name] for name in plain)
    allowed = {name: found[name] > 0 for name in ("battery", "pumped_hydro")}
    return Buses(names, latitude, longitude, highest, average, most_new, land, **allowed)


def read_branches(path: Path, buses: Buses, parameters: Parameters, true_rating: bool = False) -> Branches:
    """Columns branch, from_bus, to_bus, length_km, reactance_pu, rating_mw, existing, candidate, line_cad_per_km.

    ``true_rating``: three-phase power, sqrt(3) I V, in place of the paper's I V.
    """
    header, rows, findings = read_rows(path)
    plain = ("length_km", "reactance_pu", "rating_mw", "existing", "candidate", "line_cad_per_km")
    _stop(path, findings + missing_columns(header, ("branch", "from_bus", "to_bus", *plain)))
    positive = ("length_km", "reactance_pu", "rating_mw")
    found = {
        name: numbers(rows, name, findings) if name in positive else numbers(rows, name, findings, 0.0)
        for name in plain
    }
    names = _names(rows, "branch", findings)
    start, end = (_buses(rows, column, buses, findings) for column in ("from_bus", "to_bus"))
    findings += [
        f"line {line}: branch {name} starts and ends at {row['to_bus']}"
        for (line, row), name, a, b in zip(rows, names, start, end, strict=True)
        if a == b and a >= 0
    ]
    _stop(path, findings)
    usd = found["line_cad_per_km"] * found["length_km"] * parameters["usd_per_cad"] if len(rows) else np.zeros(0)
    rating = found["rating_mw"] * (parameters["true_rating_factor"] if true_rating else 1.0)
    return Branches(
        names,
        start,
        end,
        found["length_km"],
        found["reactance_pu"],
        rating,
        found["existing"] > 0,
        found["candidate"] > 0,
        usd,
    )


def read_conductors(path: Path) -> Conductors:
    """Columns diameter_mm, r_25c_ohm_per_km, r_75c_ohm_per_km of the table of branches, for dynamic ratings."""
    header, rows, findings = read_rows(path)
    columns = ("diameter_mm", "r_25c_ohm_per_km", "r_75c_ohm_per_km")
    _stop(path, findings + missing_columns(header, columns))
    diameter, cold, warm = (numbers(rows, column, findings) for column in columns)
    _stop(path, findings)
    return Conductors(diameter / 1000, cold, warm)


def read_units(path: Path, buses: Buses) -> Units:
    """Columns unit, bus, type, capacity_mw, ramp_mw_per_h."""
    header, rows, findings = read_rows(path)
    _stop(path, findings + missing_columns(header, ("unit", "bus", "type", "capacity_mw", "ramp_mw_per_h")))
    capacity = numbers(rows, "capacity_mw", findings, 0.0)
    ramp = numbers(rows, "ramp_mw_per_h", findings, 0.0)
    names, bus = _names(rows, "unit", findings), _buses(rows, "bus", buses, findings)
    kinds = tuple(row["type"] for _, row in rows)
    findings += [
        f"line {line}: unknown type '{kind}'; known are {', '.join(UNIT_TYPES)}"
        for (line, _), kind in zip(rows, kinds, strict=True)
        if kind not in UNIT_TYPES
    ]
    _stop(path, findings)
    return Units(names, bus, kinds, capacity, ramp)


def read_zones(path: Path, buses: Buses) -> Zones:
    """Columns zone, bus, latitude, longitude, area_km2."""
    header, rows, findings = read_rows(path)
    _stop(path, findings + missing_columns(header, ("zone", "bus", "latitude", "longitude", "area_km2")))
    latitude, longitude = numbers(rows, "latitude", findings, ANY), numbers(rows, "longitude", findings, ANY)
    area = numbers(rows, "area_km2", findings, 0.0)
    names, bus = _names(rows, "zone", findings), _buses(rows, "bus", buses, findings)
    _stop(path, findings)
    return Zones(names, bus, latitude, longitude, area)


def read_parameters(path: Path) -> Parameters:
    """Columns name, value, unit, source: a reference, or 'assumed'. Efficiencies and shares: 0 to 1.

    InputError with line and nearest names for a name that nothing reads: it may be another one, misspelt.
    """
    header, rows, findings = read_rows(path)
    _stop(path, findings + missing_columns(header, ("name", "value", "unit", "source")))
    names = _names(rows, "name", findings)
    values = numbers(rows, "value", findings, ANY)
    for (line, row), name, value in zip(rows, names, values, strict=True):
        if (unknown := name_finding(name)) is not None and name:
            findings.append(f"line {line}: {unknown}")
        if not row["source"]:
            findings.append(f"line {line}: {name} has no source; name one or write 'assumed'")
        if (problem := parameter_finding(name, float(value))) is not None:
            findings.append(f"line {line}: {problem}")
    findings += speed_findings(names, [line for line, _ in rows])
    findings += order_findings(dict(zip(names, values.tolist(), strict=True)))
    _stop(path, findings)
    return Parameters(
        dict(zip(names, values.tolist(), strict=True)),
        {name: row["unit"] for name, (_, row) in zip(names, rows, strict=True)},
        {name: row["source"] for name, (_, row) in zip(names, rows, strict=True)},
        {name: f"{path.name}, line {line}" for name, (line, _) in zip(names, rows, strict=True)},
    )


def parameter_finding(name: str, value: float) -> str | None:
    """What is wrong with a parameter's value, by its kind."""
    if np.isnan(value):
        return None
    if name.endswith("efficiency") and not 0 < value <= 1:
        return f"{name} = {value:g}; an efficiency lies above 0 and is 1 at most"
    if name.endswith("_share") and not 0 <= value <= 1:
        return f"{name} = {value:g}; a share lies between 0 and 1"
    if name == "discount_rate" and value > 1:
        return f"{name} = {value:g}; it is a share a year: write {value / 100:g} for {value:g} %"
    if TURBINE_OUTPUT.fullmatch(name) and not 0 <= value <= 1:
        return f"{name} = {value:g}; output over rated power lies between 0 and 1"
    if name.endswith(_POSITIVE) and value <= 0:
        return f"{name} = {value:g}; it must be positive"
    if value < 0 and not name.endswith(("offset_ppm_per_h", "_c")):
        return f"{name} = {value:g}; it must not be negative"
    return None


def order_findings(values: Mapping[str, float]) -> list[str]:
    """Pairs of parameters that contradict each other."""
    return [
        f"{low} = {values[low]:g} is above {high} = {values[high]:g}"
        for low, high in _ORDERED
        if low in values and high in values and values[low] > values[high]
    ]


def _names(rows: Rows, column: str, findings: list[str]) -> tuple[str, ...]:
    names = tuple(row[column] for _, row in rows)
    findings += [f"line {line}: {column} is empty" for (line, _), name in zip(rows, names, strict=True) if not name]
    findings += [f"{column} '{name}' occurs twice" for name in sorted({n for n in names if names.count(n) > 1})]
    return names


def _buses(rows: Rows, column: str, buses: Buses, findings: list[str]) -> IntArray:
    known: Callable[[str], int] = lambda name: buses.name.index(name) if name in buses.name else -1  # noqa: E731
    found = np.array([known(row[column]) for _, row in rows], dtype=np.int64)
    findings += [
        f"line {line}: {column} '{row[column]}' is not in the table of buses"
        for (line, row), place in zip(rows, found, strict=True)
        if place < 0
    ]
    return found


def _stop(path: Path, findings: Sequence[str]) -> None:
    if findings:
        raise InputError.from_findings(str(path), [f"{text}." for text in findings])
