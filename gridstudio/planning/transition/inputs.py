"""The tables of a study: buses, branches, units, zones and parameters; every finding with its line."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from gridstudio.domain.catalogue_files import Rows, missing_columns, numbers, read_rows
from gridstudio.errors import InputError
from gridstudio.planning.transition.case import (
    FACTORS,
    UNIT_TYPES,
    Branches,
    Buses,
    Case,
    Chain,
    FloatArray,
    IntArray,
    Outlook,
    Parameters,
    Units,
    Zones,
)
from gridstudio.planning.transition.days import Conductors
from gridstudio.planning.transition.names import MULTIPLIERS, STAGE, STATE_KEYS, TURBINE_OUTPUT, name_finding, nearest
from gridstudio.planning.transition.settings import ChainSettings, TransitionSettings

ANY = -np.inf
_ALIKE = 0.9  # of two names, by difflib's ratio
NO_ZONES = Zones((), np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0))
_POSITIVE = (
    *("life_years", "spacing_km", "base_mva", "power_mw", "energy_mwh", "height_m", "weibull_shape"),
    *("synoptic_h", "synoptic_km", "climate_local_h", "climate_local_km"),
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


def read_chain(settings: ChainSettings, parameters: Parameters) -> Chain:
    """Outlooks of each stage from parameters stage<t>_<state>_<key> and stage<t>_co2_mt_per_year, 1 where not given.

    The first stage has one outlook, today's. Without transition probabilities all states are equally likely.
    InputError for a stage parameter of an unknown name, a state without a row, and rows of unequal length.
    """
    if findings := _state_findings(settings, parameters) + _matrix_findings(settings):
        raise InputError.from_findings("Long-term states", findings)
    first = Outlook("today", co2_mt_per_year=parameters.get("stage1_co2_mt_per_year", np.inf))
    stages: list[tuple[Outlook, ...]] = [(first,)]
    matrices: list[FloatArray] = [np.ones(1)]
    for stage in range(2, settings.stages + 1):
        stages.append(tuple(_outlook(parameters, stage, name) for name in settings.states))
        given = settings.transitions.get(str(stage))
        equal = np.full((len(stages[-2]), len(settings.states)), 1 / len(settings.states))
        matrices.append(equal if given is None else np.atleast_2d(np.asarray(given, dtype=float)))
    return Chain(tuple(stages), tuple(matrices))


def _state_findings(settings: ChainSettings, parameters: Parameters) -> list[str]:
    """Names of stage parameters that nothing reads, and states for which a stage has no row."""
    unread = [(name, _misspelt(settings, parameters, name)) for name in unread_states(settings, parameters)]
    found = [f"{parameters.rows.get(name, name)}: {text}." for name, text in unread if text]
    return found + [
        f"state '{state}' has no row for stage {stage} in the parameter file (stage{stage}_{state}_load, ...)."
        for stage in range(2, settings.stages + 1)
        for state in settings.states
        if not any(f"stage{stage}_{state}_{key}" in parameters.values for key in STATE_KEYS)
    ]


def _misspelt(settings: ChainSettings, parameters: Parameters, name: str) -> str | None:
    """Why a stage parameter that the study does not read cannot be one of a state that it leaves out on purpose.

    It ends in no known key, or the study has a state of nearly that name which lacks just this row.
    """
    stage, rest = name.split("_", 1)
    ours = [f"{state}_{key}" for state in settings.states for key in STATE_KEYS] + ["co2_mt_per_year"]
    lacking = [f"{stage}_{text}" for text in ours if f"{stage}_{text}" not in parameters.values]
    told = f"the parameter '{name}' is not known"
    if not rest.endswith(tuple(f"_{key}" for key in STATE_KEYS)):
        return f"{told}, a state's ends in {', '.join(MULTIPLIERS)} or price_<factor>; {nearest(name, lacking)}"
    close = get_close_matches(name, lacking, n=1, cutoff=_ALIKE)
    return f"{told}, and the study's {close[0]} is not given; write that, or give both" if close else None


def unread_states(settings: ChainSettings, parameters: Parameters) -> list[str]:
    """Stage parameters of states that the study does not have: left out on purpose, or misspelt."""
    read = {f"{state}_{key}" for state in settings.states for key in STATE_KEYS} | {"co2_mt_per_year"}
    found = [STAGE.fullmatch(name) for name in parameters.values]
    return [match[0] for match in found if match and match[2] not in read]


def taken_as_one(settings: ChainSettings, parameters: Parameters) -> list[str]:
    """Multipliers that at least one stage and state of the study is not given."""
    return [
        key
        for key in STATE_KEYS
        if any(
            f"stage{stage}_{state}_{key}" not in parameters.values
            for stage in range(2, settings.stages + 1)
            for state in settings.states
        )
    ]


def _matrix_findings(settings: ChainSettings) -> list[str]:
    return [
        f"chain.transitions.{stage}: its rows have {', '.join(str(len(row)) for row in rows)} probabilities; "
        f"each needs {len(settings.states)}, one for each state."
        for stage, rows in settings.transitions.items()
        if len({len(row) for row in rows}) > 1
    ]


def _outlook(parameters: Parameters, stage: int, name: str) -> Outlook:
    prefix = f"stage{stage}_{name}"
    multipliers: dict[str, Any] = {key: parameters.get(f"{prefix}_{key}", 1.0) for key in MULTIPLIERS}
    return Outlook(
        name,
        **multipliers,
        price={factor: parameters.get(f"{prefix}_price_{factor}", 1.0) for factor in FACTORS},
        co2_mt_per_year=parameters.get(f"stage{stage}_co2_mt_per_year", np.inf),
    )


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
