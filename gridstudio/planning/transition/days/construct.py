"""From a year of weather and load to candidate zones and representative days, and how well the days stand for years.

1. Zones: points of the mesh are clustered by dynamic time warping of their daily wind and solar output; each medoid
   stands for its cluster's land and feeds the nearest bus.
2. Days: all profiles of a day (load by bus, wind and solar by zone, rating by branch) side by side are one multivariate
   series of 24 hours, each kind scaled to its own spread so that no kind outweighs another; days are clustered by
   multivariate warping, and the medoids, weighted by their clusters, keep what belongs together together.
3. Check: the days of another year are grouped twice, by the nearest of the chosen medoids and by a clustering of their
   own; normalised and adjusted mutual information say how much the two agree (1 all, 0 no more than chance).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.planning.transition.case import RepresentativeDays, Zones
from gridstudio.planning.transition.days.output import Conductors, Technology, rating_pu, solar_pu, wind_pu
from gridstudio.planning.transition.days.weather import HOURS, Points, Weather, distance_km
from gridstudio.solve.agreement import adjusted_mutual_information, normalised_mutual_information
from gridstudio.solve.reduction import Reduction, medoids
from gridstudio.solve.warping import distances_within, warped_distances

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

KINDS = ("load_mw", "wind_pu", "solar_pu", "rating_pu")


@dataclass(frozen=True)
class Numbers:
    """How many zones and days, and how far warping may shift: ``zone_band`` in days, ``day_band`` in hours."""

    zones: int = 25
    days: int = 4
    zone_band: int = 2
    day_band: int = 2


@dataclass(frozen=True, eq=False)
class Sites:
    """Where the network is: buses (bus,), the middle of each branch (branch,) and its conductors."""

    bus_latitude: FloatArray
    bus_longitude: FloatArray
    branch_latitude: FloatArray
    branch_longitude: FloatArray
    conductors: Conductors


@dataclass(frozen=True, eq=False)
class Year:
    """Profiles of a year by kind (hour, place): load by bus, wind and solar by zone, rating by branch."""

    load_mw: FloatArray
    wind_pu: FloatArray
    solar_pu: FloatArray
    rating_pu: FloatArray

    def by_day(self, kind: str) -> FloatArray:
        """One kind's profiles (day, hour, place)."""
        values: FloatArray = getattr(self, kind)
        return values.reshape(-1, HOURS, values.shape[1])


@dataclass(frozen=True, eq=False)
class Zoning:
    """Zones, and the mesh they came from: ``medoid`` (zone,) and ``zone`` (point,) are positions in the other."""

    zones: Zones
    points: Points
    medoid: IntArray
    zone: IntArray


@dataclass(frozen=True, eq=False)
class Chosen:
    """Representative days, the day of the year of each, and which of them stands for each day of the year (day,)."""

    days: RepresentativeDays
    day_of_year: IntArray
    assignment: IntArray


def zoned(weather: Weather, sites: Sites, technology: Technology, numbers: Numbers) -> Zoning:
    """Candidate zones from the mesh; InputError if there are fewer points than zones."""
    points = weather.points
    if len(points) < numbers.zones:
        raise InputError(f"{numbers.zones} zones are asked of {len(points)} points of weather; ask for fewer zones.")
    series = np.stack([wind_pu(weather.wind_m_s, technology), solar_pu(weather, technology)], axis=2)
    daily = series.reshape(-1, HOURS, *series.shape[1:]).mean(axis=1).transpose(1, 0, 2)  # (point, day, kind)
    found = _clusters(_scaled(daily), numbers.zones, numbers.zone_band)
    land = np.bincount(found.assignment, weights=points.area_km2, minlength=len(found.indices))
    at = (points.latitude[found.indices], points.longitude[found.indices])
    nearest = distance_km(*at, sites.bus_latitude, sites.bus_longitude).argmin(axis=1)
    names = tuple(points.name[index] for index in found.indices)
    zones = Zones(names, nearest, *at, area_km2=np.asarray(land * technology.usable_share, dtype=float))
    return Zoning(zones, points, found.indices, found.assignment)


def profiles(weather: Weather, load_mw: FloatArray, zoning: Zoning, sites: Sites, technology: Technology) -> Year:
    """Profiles of a year at the zones, buses and branches; InputError if load and weather differ in length."""
    if len(load_mw) != weather.hours:
        raise InputError(f"The load has {len(load_mw)} hours, the weather {weather.hours}; both need the same hours.")
    points = weather.points
    near = distance_km(sites.branch_latitude, sites.branch_longitude, points.latitude, points.longitude).argmin(axis=1)
    return Year(
        load_mw,
        wind_pu(weather.wind_m_s[:, zoning.medoid], technology),
        solar_pu(weather, technology)[:, zoning.medoid],
        rating_pu(weather, near, sites.conductors, technology),
    )


def representative(year: Year, numbers: Numbers) -> Chosen:
    """The medoid days of a year with the shares of the days that each stands for; InputError if it has fewer days."""
    series = _multivariate(year)
    if len(series) < numbers.days:
        raise InputError(f"{numbers.days} representative days are asked of {len(series)} days.")
    found = _clusters(series, numbers.days, numbers.day_band)
    parts = {kind: year.by_day(kind)[found.indices] for kind in KINDS}
    labels = tuple(f"day {index + 1}" for index in found.indices)
    days = RepresentativeDays(**parts, weights=found.probabilities, labels=labels)
    return Chosen(days, found.indices, found.assignment)


def agreement(year: Year, chosen: Chosen, other: Year, numbers: Numbers) -> tuple[float, float]:
    """Normalised and adjusted mutual information between the two groupings of another year's days (see above)."""
    spread = _spread(year)
    mine, theirs = _multivariate(year, spread), _multivariate(other, spread)
    by_medoids = warped_distances(theirs, mine[chosen.day_of_year], numbers.day_band).argmin(axis=1)
    of_their_own = _clusters(theirs, numbers.days, numbers.day_band).assignment
    return (
        normalised_mutual_information(by_medoids, of_their_own),
        adjusted_mutual_information(by_medoids, of_their_own),
    )


def _clusters(series: FloatArray, count: int, band: int) -> Reduction:
    return medoids(distances_within(series, band), np.full(len(series), 1 / len(series)), count)


def _scaled(series: FloatArray) -> FloatArray:
    """Each kind (the last axis) about its mean, over its spread."""
    spread = series.std(axis=(0, 1))
    return (series - series.mean(axis=(0, 1))) / np.where(spread > 0, spread, 1.0)


def _spread(year: Year) -> dict[str, tuple[FloatArray, float]]:
    """By kind: the mean of each profile, and the kind's spread times the root of how many profiles it has."""
    found = {}
    for kind in KINDS:
        values = getattr(year, kind)
        mean = values.mean(axis=0)
        whole = float((values - mean).std()) * np.sqrt(max(values.shape[1], 1))
        found[kind] = mean, whole if whole > 0 else 1.0
    return found


def _multivariate(year: Year, spread: dict[str, tuple[FloatArray, float]] | None = None) -> FloatArray:
    """All kinds side by side (day, hour, profile), each kind of the same weight."""
    scale = spread or _spread(year)
    return np.concatenate([(year.by_day(kind) - scale[kind][0]) / scale[kind][1] for kind in KINDS], axis=2)
