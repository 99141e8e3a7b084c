"""Conductors: the catalogue a utility buys from, and what a conductor may carry.

Ratings follow IEEE 738-2012 (steady state, through ``linerate``); the impedance that a conductor gives a line is in
``line_constants``.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.domain.catalogue_files import Rows, missing_columns, numbers, read_rows
from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]

_IMPEDANCE = ("ac_resistance_ohm_per_km", "gmr_m", "diameter_m")
_RATING = ("ac_resistance_25c_ohm_per_km", "ac_resistance_75c_ohm_per_km")
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Conductor:
    """One bare conductor as line constants need it; the resistance is the one the line is to have (60 Hz)."""

    name: str
    ac_resistance_ohm_per_km: float
    gmr_m: float
    diameter_m: float


@dataclass(frozen=True)
class RatingConditions:
    """The weather and the temperature limit of a rating; the defaults are those of North American conductor tables.

    ``irradiance_w_per_m2``: sun and sky on the conductor's projected area, Q_se sin(theta) of IEEE 738, eq. (8).
    ``wind_angle_deg``: angle between wind and conductor, 90 when it blows across.
    """

    ambient_c: float = 25.0
    wind_speed_m_per_s: float = 0.61
    wind_angle_deg: float = 90.0
    irradiance_w_per_m2: float = 1000.0
    conductor_max_c: float = 75.0
    emissivity: float = 0.5
    absorptivity: float = 0.5
    elevation_m: float = 0.0

    def __post_init__(self) -> None:
        findings = [
            f"{f.name} is not a finite number" for f in fields(self) if not math.isfinite(getattr(self, f.name))
        ]
        if self.conductor_max_c <= self.ambient_c:
            findings.append(
                f"conductor_max_c = {self.conductor_max_c:g} does not exceed ambient_c = {self.ambient_c:g}"
            )
        if self.wind_speed_m_per_s < 0 or self.irradiance_w_per_m2 < 0:
            findings.append("wind_speed_m_per_s and irradiance_w_per_m2 must not be negative")
        if not 0 <= self.wind_angle_deg <= 90:
            findings.append(f"wind_angle_deg = {self.wind_angle_deg:g} must lie between 0 (along) and 90 (across)")
        if not (0 <= self.emissivity <= 1 and 0 <= self.absorptivity <= 1):
            findings.append("emissivity and absorptivity must lie between 0 and 1")
        if findings:
            raise InputError.from_findings("Rating conditions", findings)


STANDARD_CONDITIONS = RatingConditions()


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Conductors by strictly increasing ampacity; row i of every array is conductor ``names[i]``.

    ``cost_usd_per_km`` is the cost of one kilometre of line rebuilt with the conductor. ``selectable`` marks what may
    be bought; the others may exist in the field. The electrical columns are None where the file has none.
    """

    names: tuple[str, ...]
    ampacity_a: FloatArray
    cost_usd_per_km: FloatArray
    selectable: NDArray[np.bool_]
    ac_resistance_ohm_per_km: FloatArray | None = None
    gmr_m: FloatArray | None = None
    diameter_m: FloatArray | None = None
    ac_resistance_25c_ohm_per_km: FloatArray | None = None
    ac_resistance_75c_ohm_per_km: FloatArray | None = None

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            if (column := getattr(self, field.name)) is not None:
                column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each name."""
        return {name: row for row, name in enumerate(self.names)}

    @property
    def has_impedance(self) -> bool:
        """Whether line impedances can be computed: resistance, GMR and diameter are known."""
        return all(getattr(self, column) is not None for column in _IMPEDANCE)

    def position(self, name: str) -> int:
        """Row of the conductor called ``name``; InputError if there is none."""
        if name in self.index:
            return self.index[name]
        near = difflib.get_close_matches(name, self.names, n=3) or self.names
        raise InputError(f"Conductor '{name}' is not in the catalogue; it has {', '.join(near)}.")

    def conductor(self, name: str) -> Conductor:
        """The conductor called ``name`` with its electrical data; InputError if the catalogue has none."""
        row = self.position(name)
        if not self.has_impedance:
            raise InputError(f"Conductor '{name}': its catalogue has no columns {', '.join(_IMPEDANCE)}.")
        return Conductor(name, *(float(getattr(self, column)[row]) for column in _IMPEDANCE))

    def selectable_above(self, row: int) -> NDArray[np.intp]:
        """Rows of the selectable conductors with more ampacity than ``row`` (-1: all selectable), ascending."""
        return np.flatnonzero(self.selectable & (np.arange(len(self)) > row))


def read_catalogue(path: Path | str) -> Catalogue:
    """The catalogue in a CSV file.

    Columns: name, ampacity_a, cost_usd_per_km, selectable (yes/no); for impedances also ac_resistance_ohm_per_km,
    gmr_m, diameter_m; for rating it anew ac_resistance_25c_ohm_per_km, ac_resistance_75c_ohm_per_km. Other columns are
    left alone. Raises one InputError with all that is wrong, each finding with its line.
    """
    header, rows, findings = read_rows(path)
    optional = [column for group in (_IMPEDANCE, _RATING) if set(group) & set(header) for column in group]
    findings += missing_columns(header, ("name", "ampacity_a", "cost_usd_per_km", "selectable", *optional))
    findings += [] if rows else ["there is no conductor in it"]
    present = [column for column in ("ampacity_a", *_IMPEDANCE, *_RATING) if column in header]
    columns = {column: numbers(rows, column, findings) for column in present}
    if "cost_usd_per_km" in header:
        columns["cost_usd_per_km"] = numbers(rows, "cost_usd_per_km", findings, least=0.0)
    findings += _name_findings(rows) if "name" in header else []
    findings += _selectable_findings(rows) if "selectable" in header else []
    findings += _order_findings(rows, columns)
    if findings:
        raise InputError.from_findings(f"Conductor catalogue {path}", findings)
    selectable = np.array([row["selectable"].lower() == "yes" for _, row in rows], dtype=bool)
    return Catalogue(names=tuple(row["name"] for _, row in rows), selectable=selectable, **columns)


def standard_acsr() -> Catalogue:
    """Thirteen standard ACSR sizes with full electrical data (sources: README beside ``data/acsr.csv``)."""
    return read_catalogue(_DATA / "acsr.csv")


def rated(catalogue: Catalogue, conditions: RatingConditions) -> Catalogue:
    """The same catalogue with every ampacity computed for ``conditions``; InputError where data or order fail."""
    needed = ("diameter_m", *_RATING)
    diameter_m, cold, hot = (getattr(catalogue, column) for column in needed)
    if diameter_m is None or cold is None or hot is None:
        raise InputError(f"The catalogue cannot be rated: it needs the columns {', '.join(needed)}.")
    rating = ampacity_a(diameter_m, cold, hot, conditions)
    if np.any(np.diff(rating) <= 0):
        raise InputError("Under these rating conditions the ampacities of the catalogue no longer increase.")
    return replace(catalogue, ampacity_a=rating)


def ampacity_a(
    diameter_m: ArrayLike,
    resistance_25c_ohm_per_km: ArrayLike,
    resistance_75c_ohm_per_km: ArrayLike,
    conditions: RatingConditions = STANDARD_CONDITIONS,
) -> FloatArray:
    """The steady current at which a bare conductor reaches its temperature limit, by IEEE 738-2012.

    Heat balance per metre, eq. (1): I^2 R(T_max) = convection + radiation - sun, with R linear between its AC values at
    25 and 75 C (eq. 10). Arrays broadcast. 0 where the sun alone heats the conductor above its limit. A single-layer
    ACSR's resistance rises with its current (magnetic core), so give it the value at high current.
    """
    weather = conditions.ambient_c, conditions.wind_speed_m_per_s, conditions.irradiance_w_per_m2
    return ampacity_in_weather_a(
        diameter_m, resistance_25c_ohm_per_km, resistance_75c_ohm_per_km, *weather, conditions=conditions
    )


def ampacity_in_weather_a(
    diameter_m: ArrayLike,
    resistance_25c_ohm_per_km: ArrayLike,
    resistance_75c_ohm_per_km: ArrayLike,
    ambient_c: ArrayLike,
    wind_speed_m_per_s: ArrayLike,
    irradiance_w_per_m2: ArrayLike,
    conditions: RatingConditions = STANDARD_CONDITIONS,
) -> FloatArray:
    """``ampacity_a`` for arrays of weather, which broadcast with the conductors; ``conditions`` give all the rest."""
    given = (diameter_m, resistance_25c_ohm_per_km, resistance_75c_ohm_per_km, ambient_c, wind_speed_m_per_s)
    arrays = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (*given, irradiance_w_per_m2)))
    flat = [array.ravel() for array in arrays]  # linerate takes one dimension
    return _heat_balance_a(flat[0], flat[1], flat[2], flat[3], flat[4], flat[5], conditions).reshape(arrays[0].shape)


def _heat_balance_a(
    diameter: FloatArray,
    cold_ohm_per_km: FloatArray,
    hot_ohm_per_km: FloatArray,
    ambient: FloatArray,
    wind_m_s: FloatArray,
    irradiance: FloatArray,
    conditions: RatingConditions,
) -> FloatArray:
    """IEEE 738, eq. (1), item by item: all arrays (item,)."""
    from linerate.equations import dimensionless, joule_heating, radiative_cooling, solar_heating
    from linerate.equations.ieee738 import convective_cooling as air

    hot = conditions.conductor_max_c
    film = air.compute_air_temperature_at_boundary_layer(hot, ambient)
    density = air.compute_air_density(film, conditions.elevation_m)
    viscosity = air.compute_kinematic_viscosity_of_air(air.compute_dynamic_viscosity_of_air(film), density)
    reynolds = dimensionless.compute_reynolds_number(wind_m_s, diameter, viscosity)
    direction = air.compute_wind_direction_factor(np.radians(conditions.wind_angle_deg))
    conductivity = air.compute_thermal_conductivity_of_air(film)
    forced = air.compute_forced_convection(direction, reynolds, conductivity, hot, ambient)
    natural = air.compute_natural_convection(density, diameter, hot, ambient)
    convection = air.compute_convective_cooling(forced, natural)
    radiation = radiative_cooling.compute_radiative_cooling(hot, ambient, diameter, conditions.emissivity)
    sun = solar_heating.compute_solar_heating(conditions.absorptivity, irradiance, diameter)
    resistance = joule_heating.compute_resistance(hot, 25.0, 75.0, cold_ohm_per_km * 1e-3, hot_ohm_per_km * 1e-3)
    return np.sqrt(np.maximum(convection + radiation - sun, 0.0) / resistance)


def _name_findings(rows: Rows) -> list[str]:
    findings, first_line = [], dict[str, int]()
    for line, row in rows:
        key = row["name"].lower()  # OpenDSS does not tell upper from lower case
        if not key:
            findings.append(f"line {line}: the name is empty")
        elif key in first_line:
            findings.append(f"line {line}: name '{row['name']}' was already given in line {first_line[key]}")
        first_line.setdefault(key, line)
    return findings


def _selectable_findings(rows: Rows) -> list[str]:
    wrong = [(line, row["selectable"]) for line, row in rows if row["selectable"].lower() not in ("yes", "no")]
    if wrong:
        return [f"line {line}: selectable is '{answer}'; it must be yes or no" for line, answer in wrong]
    if rows and not any(row["selectable"].lower() == "yes" for _, row in rows):
        return ["no conductor is selectable; mark at least one with yes"]
    return []


def _order_findings(rows: Rows, columns: Mapping[str, FloatArray]) -> list[str]:
    """What does not fit together: ampacity by rows, GMR and radius, resistance and temperature. NaN never complains."""
    findings = []
    lines = [line for line, _ in rows]
    ampacity = columns.get("ampacity_a", np.full(len(rows), np.nan))
    for i in np.flatnonzero(np.diff(ampacity) <= 0):
        findings.append(
            f"line {lines[i + 1]}: ampacity_a {ampacity[i + 1]:g} does not exceed the {ampacity[i]:g} above it"
        )
    if "gmr_m" in columns and "diameter_m" in columns:
        gmr, diameter = columns["gmr_m"], columns["diameter_m"]
        findings += [
            f"line {lines[i]}: gmr_m {gmr[i]:g} is not below the radius {diameter[i] / 2:g}; are both in m?"
            for i in np.flatnonzero(gmr >= diameter / 2)
        ]
    if set(_RATING) <= set(columns):
        cold, hot = (columns[c] for c in _RATING)
        findings += [f"line {lines[i]}: {_RATING[1]} is not above {_RATING[0]}" for i in np.flatnonzero(hot <= cold)]
    return findings
