"""Short-term scenarios of a study: from weather (synthetic, or a user's files) to zones, days, and days not yet seen.

The published case's weather files are not public. A seeded synthetic year stands in, and every output says so; a user's
own hourly files take its place. ``sketch`` needs no weather: profiles by formula, for a first look.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.errors import InputError
from gridstudio.planning.transition import days as construction
from gridstudio.planning.transition.case import HOURS, Case, RepresentativeDays
from gridstudio.planning.transition.days.weather import distance_km
from gridstudio.planning.transition.inputs import read_conductors
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.sketch import sketched_days

_MESH = (10, 8)  # points of synthetic weather from south to north and from west to east
_YEAR = 2022  # the paper's
_SKETCH = "sketched by formula: no weather stands behind them"


@dataclass(frozen=True, eq=False)
class ShortTerm:
    """The case with its zones, its representative days, days of another year, and where all came from.

    ``fidelity``: see ``days.fidelity``; empty for sketched days. ``agreement``: normalised and adjusted mutual
    information of the days' groups on the other year; None without weather of another year. ``remarks``: what the days
    miss of their year.
    """

    case: Case
    days: RepresentativeDays
    unseen: RepresentativeDays
    origin: str
    fidelity: pd.DataFrame
    agreement: tuple[float, float] | None
    remarks: tuple[Finding, ...] = ()


def short_term(settings: TransitionSettings, case: Case, folder: Path) -> ShortTerm:
    """Zones and days as the study asks for them."""
    if settings.days.source == "sketch":
        return _sketched(settings, case)
    given, numbers = settings.days, construction.Numbers(settings.days.zones, settings.days.count)
    sites = _sites(case, folder / settings.tables.branches)
    first, second = _weather(settings, case, folder)
    technology = construction.technology(case.parameters)
    zoning = construction.zoned(first, sites, technology, numbers)
    year = construction.profiles(first, _load(settings, case, folder, first, 0), zoning, sites, technology)
    other = construction.profiles(second, _load(settings, case, folder, second, 1), zoning, sites, technology)
    chosen, factors = construction.representative(year, numbers), None
    if given.scaled:
        found = construction.scaled(year, chosen)
        chosen, factors = found.chosen, found.factors
    fidelity = construction.fidelity(year, chosen, factors)
    unseen = drawn_days(other, settings.study.out_of_sample_days, given.seed)
    origin = (
        "a synthetic weather year, seeded: not measured" if given.source == "synthetic" else f"files {given.weather}"
    )
    return ShortTerm(
        replace(case, zones=zoning.zones),
        chosen.days,
        unseen,
        origin,
        fidelity,
        construction.agreement(year, chosen, other, numbers) if second is not first else None,
        tuple(construction.remarks(fidelity, given.scaled)),
    )


def drawn_days(year: construction.Year, count: int, seed: int) -> RepresentativeDays:
    """Days of a year drawn without replacement, of equal weight: a pool of what a plan may meet."""
    kinds = ("load_mw", "wind_pu", "solar_pu", "rating_pu")
    parts = {kind: year.by_day(kind) for kind in kinds}
    whole = len(parts["load_mw"])
    picked = np.sort(np.random.default_rng([seed, 7]).choice(whole, size=min(count, whole), replace=False))
    return RepresentativeDays(
        **{kind: values[picked] for kind, values in parts.items()},
        weights=np.full(len(picked), 1 / len(picked)),
        labels=tuple(f"unseen day {day + 1}" for day in picked),
    )


def _sketched(settings: TransitionSettings, case: Case) -> ShortTerm:
    if not len(case.zones) and any({"wind", "solar"} & set(factors) for factors in settings.cases.values()):
        raise InputError("days.source = 'sketch' takes zones from a table: give tables.zones.")
    days = sketched_days(case, settings.days.count, settings.days.seed)
    unseen = sketched_days(case, settings.study.out_of_sample_days, settings.days.seed + 1)
    return ShortTerm(case, days, unseen, _SKETCH, pd.DataFrame(columns=list(construction.FIDELITY)), None)


def _weather(
    settings: TransitionSettings, case: Case, folder: Path
) -> tuple[construction.Weather, construction.Weather]:
    """The year that days are chosen from, and the one they are checked on: the same where no other is given."""
    given = settings.days
    if given.source == "synthetic":
        points = construction.mesh(case.buses.latitude, case.buses.longitude, *_MESH)
        if settings.tables.border:
            points = construction.within(points, construction.read_border(folder / settings.tables.border))
        climate = construction.climate(case.parameters)
        first, second = (construction.synthetic(points, climate, given.seed, year) for year in (_YEAR, _YEAR + 1))
        return first, second
    assert given.weather is not None  # settings see to it
    first = construction.read_weather(folder / given.weather)
    return first, construction.read_weather(folder / given.other_weather) if given.other_weather else first


def _load(
    settings: TransitionSettings, case: Case, folder: Path, weather: construction.Weather, which: int
) -> np.ndarray:
    """(hour, bus): from the study's file (column time and one for each bus), else synthetic with the weather."""
    given, buses = settings.days, case.buses
    path = given.load if which == 0 else given.other_load or given.load
    if path is not None:
        load = construction.hourly(folder / path, buses.name)
        own = which == 0 or given.other_load is not None
        if own and weather.start is not None and load.start != weather.start:
            raise InputError(
                f"{folder / path} starts at {load.start}, the weather at {weather.start}; both need the same hours."
            )
        return load.values
    points = weather.points
    near = distance_km(buses.latitude, buses.longitude, points.latitude, points.longitude).argmin(axis=1)
    if weather.hours != HOURS * 365:
        raise InputError(
            f"The weather has {weather.hours} hours; synthetic load is made for 8760: give days.load with it."
        )
    return construction.synthetic_load(
        buses.average_load_mw,
        buses.max_load_mw,
        weather.temperature_c[:, near],
        construction.load_shape(case.parameters),
        weather.year,
        given.seed,
    )


def _sites(case: Case, branches: Path) -> construction.Sites:
    buses, lines = case.buses, case.branches
    middle_latitude, middle_longitude = (
        (at[lines.from_bus] + at[lines.to_bus]) / 2 for at in (buses.latitude, buses.longitude)
    )
    wires = read_conductors(branches)
    return construction.Sites(buses.latitude, buses.longitude, middle_latitude, middle_longitude, wires)
