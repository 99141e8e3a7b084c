"""What a transition study knows: network, units, zones, parameters, representative days and the chain of outlooks.

Power is MW, energy MWh, money USD of the parameter file's year. Arrays follow the order of the tables they come from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOURS = 24
THERMAL = ("gas", "smr", "h2")
FACTORS = (*THERMAL, "solar", "wind", "ccs", "battery", "pumped_hydro", "line", "dtr", "sssc")
RENEWABLE = ("wind", "solar")
CARBON = ("coal", "gas")  # existing units that burn fossil fuel and can be retrofitted with CCS
DISPATCHED = ("coal", "gas", "biopower", "hydro")  # existing units that run as asked
UNIT_TYPES = (*DISPATCHED, "wind", "solar")
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Buses:
    """Substations (bus,): ``max_new_mw`` is the connection cap (3), ``land_km2`` what thermal plant may take (9);
    ``battery`` and ``pumped_hydro``: where these may stand."""

    name: tuple[str, ...]
    latitude: FloatArray
    longitude: FloatArray
    max_load_mw: FloatArray
    average_load_mw: FloatArray
    max_new_mw: FloatArray
    land_km2: FloatArray
    battery: NDArray[np.bool_]
    pumped_hydro: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, eq=False)
class Branches:
    """Rights of way (branch,): reactance on the parameter file's base, static rating, what stands and may be built."""

    name: tuple[str, ...]
    from_bus: IntArray
    to_bus: IntArray
    length_km: FloatArray
    reactance_pu: FloatArray
    rating_mw: FloatArray
    existing: NDArray[np.bool_]
    candidate: NDArray[np.bool_]
    line_usd: FloatArray

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, eq=False)
class Units:
    """Existing units (unit,): bus, type (see ``UNIT_TYPES``), capacity and hourly ramp."""

    name: tuple[str, ...]
    bus: IntArray
    kind: tuple[str, ...]
    capacity_mw: FloatArray
    ramp_mw_per_h: FloatArray

    def __len__(self) -> int:
        return len(self.name)

    def of(self, *kinds: str) -> IntArray:
        """Positions of the units of these types."""
        return np.array([u for u, kind in enumerate(self.kind) if kind in kinds], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Zones:
    """Candidate zones for wind and solar (zone,), each with the bus it feeds and the area that may be used."""

    name: tuple[str, ...]
    bus: IntArray
    latitude: FloatArray
    longitude: FloatArray
    area_km2: FloatArray

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, eq=False)
class RepresentativeDays:
    """Days of 24 hours that stand for a year: load, wind, sun and line rating together, so that they stay correlated.

    ``load_mw`` (day, hour, bus) before the growth of an outlook; ``wind_pu``, ``solar_pu`` (day, hour, zone): output
    over capacity; ``rating_pu`` (day, hour, branch): dynamic over static rating; ``weights`` (day,): share of the year,
    adding to 1; ``labels``: a name for each day. InputError where shapes or values do not fit.
    """

    load_mw: FloatArray
    wind_pu: FloatArray
    solar_pu: FloatArray
    rating_pu: FloatArray
    weights: FloatArray
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("load_mw", "wind_pu", "solar_pu", "rating_pu", "weights"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        object.__setattr__(self, "labels", tuple(self.labels))
        findings = _day_findings(self)
        if findings:
            raise InputError.from_findings("Representative days", findings)

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True, eq=False)
class Outlook:
    """A long-term state of a stage: what multiplies loads, prices and climate there.

    ``price`` by planning factor multiplies what it costs to build (67); ``fuel`` all fuel; ``wind``, ``solar``,
    ``rating`` and ``inflow`` what the climate makes of profiles; ``co2_mt_per_year``: the stage's target.
    """

    name: str
    load: float = 1.0
    fuel: float = 1.0
    wind: float = 1.0
    solar: float = 1.0
    rating: float = 1.0
    inflow: float = 1.0
    price: Mapping[str, float] = field(default_factory=dict)
    co2_mt_per_year: float = np.inf


@dataclass(frozen=True, eq=False)
class Chain:
    """A Markov chain of outlooks: ``stages[t]`` lists those of stage t, ``matrices[t]`` how one comes to them.

    ``matrices[0]`` (outlook,): probabilities of the start; ``matrices[t]`` (outlook before, outlook), rows that add
    to one: InputError else.
    """

    stages: tuple[tuple[Outlook, ...], ...]
    matrices: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrices", tuple(np.asarray(matrix, dtype=float) for matrix in self.matrices))
        findings = _chain_findings(self)
        if findings:
            raise InputError.from_findings("Transitions", findings)

    def paths(self) -> list[tuple[tuple[int, ...], float]]:
        """Every way through the stages as positions of outlooks, with its probability."""
        found: list[tuple[tuple[int, ...], float]] = [((place,), float(p)) for place, p in enumerate(self.matrices[0])]
        for matrix in self.matrices[1:]:
            found = [((*path, j), p * float(matrix[path[-1], j])) for path, p in found for j in range(matrix.shape[1])]
        return [(path, p) for path, p in found if p > 0]


@dataclass(frozen=True, eq=False)
class Parameters:
    """Numbers of the parameter file by name, with unit and source; ``parameters["voll_usd_per_mwh"]``.

    ``rows``: where each stands, 'parameters.csv, line 12'.
    """

    values: Mapping[str, float]
    units: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        if name not in self.values:
            raise InputError(f"The parameter file has no {name!r}; add a row with its value, unit and source.")
        return self.values[name]

    def get(self, name: str, default: float) -> float:
        """The number, or ``default`` where the file has none."""
        return self.values.get(name, default)

    def changed(self, **numbers: float) -> "Parameters":
        """The same with other numbers for some names."""
        return replace(self, values={**self.values, **numbers})


@dataclass(frozen=True, eq=False)
class Case:
    """All data of a study but the days: ``years_per_stage`` counts for each stage of the chain."""

    buses: Buses
    branches: Branches
    units: Units
    zones: Zones
    parameters: Parameters
    chain: Chain
    years_per_stage: float

    @property
    def stage_count(self) -> int:
        return len(self.chain.stages)


def fits(days: RepresentativeDays, case: Case) -> RepresentativeDays:
    """The days, if they have a profile for each bus, zone and branch of the case; InputError else."""
    wanted = {
        "load_mw": ("buses", len(case.buses)),
        "wind_pu": ("zones", len(case.zones)),
        "solar_pu": ("zones", len(case.zones)),
        "rating_pu": ("branches", len(case.branches)),
    }
    found = [
        f"{name} has {getattr(days, name).shape[2]} profiles a day, the case {count} {what}."
        for name, (what, count) in wanted.items()
        if getattr(days, name).shape[2] != count
    ]
    if found:
        raise InputError.from_findings("Representative days", found)
    return days


def _day_findings(days: RepresentativeDays) -> list[str]:
    count, found = len(days.weights), []
    for name in ("load_mw", "wind_pu", "solar_pu", "rating_pu"):
        values = getattr(days, name)
        if values.ndim != 3 or values.shape[0] != count:
            found.append(f"{name} has shape {values.shape}; (day, hour, place) of {count} days is needed.")
        elif values.shape[1] != HOURS:
            found.append(f"the profiles of {name} have {values.shape[1]} hours; a day has {HOURS}.")
        elif not np.isfinite(values).all() or (values < 0).any():
            found.append(f"{name} has a value that is negative or not a number.")
        elif name in ("wind_pu", "solar_pu") and values.size and values.max() > 1 + _TOLERANCE:
            found.append(f"{name} reaches {values.max():g}; it is a share of the capacity, 1 at most.")
    if len(days.labels) != count:
        found.append(f"{len(days.labels)} labels are given for {count} days.")
    if not count:
        return [*found, "there is no day; at least one is needed."]
    return found + [f"the weights {fault}." for fault in _share_faults(days.weights)]


def _share_faults(shares: FloatArray) -> list[str]:
    """What keeps some numbers from being shares of one whole: a negative one, or a sum that is not 1."""
    if (shares < 0).any():
        place = int(np.argmin(shares))
        return [f"must not be negative; number {place + 1} is {shares[place]:g}"]
    total = float(shares.sum())
    return [] if abs(total - 1) <= _TOLERANCE else [f"must add to 1; they add to {total:g}"]


def _chain_findings(chain: Chain) -> list[str]:
    if len(chain.matrices) != len(chain.stages):
        return [f"{len(chain.stages)} stages need as many matrices, {len(chain.matrices)} are given."]
    found = []
    for stage, matrix in enumerate(chain.matrices):
        table, count = np.atleast_2d(matrix), len(chain.stages[stage])
        before = len(chain.stages[stage - 1]) if stage else 1
        if table.shape != (before, count):
            found.append(f"the matrix into stage {stage + 1} is {table.shape}, not {(before, count)}.")
            continue
        for place, row in enumerate(table):
            origin = f"from state {chain.stages[stage - 1][place].name!r}" if stage else "of the start"
            found += [f"the probabilities into stage {stage + 1} {origin} {fault}." for fault in _share_faults(row)]
    return found
