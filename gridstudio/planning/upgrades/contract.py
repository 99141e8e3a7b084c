"""What the two-stage program works with: candidates, packages of them, what the future brings under each package.

A *package* is the set of measures in service on one feeder. Feeders share the budget and the future, but no wire, so
what a scenario costs on a feeder depends on the feeder's package alone. That is why the effect of measures is given by
package and not by measure: two measures on one line help as much as their power flow says, not as much as they add
up to, and the second stage (what is shed, curtailed, shifted, stored) is settled package by package before the
program chooses.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEVER = -1
OUTCOMES = ("unserved", "curtailed", "over_mw", "customer_hours", "interruptions")
MOST_PACKAGES = 1024  # of one feeder


@dataclass(frozen=True, eq=False)
class Menu:
    """The candidates; every field (candidate,).

    ``group``: candidates of a feeder with the same group (not "") exclude each other. ``from_year``: the first year in
    which it can be in service. ``limit``: which of the feeder's limits it raises, "" for all of them. ``gain_mw``: what
    it adds to the limit; 0 where a measure acts otherwise. ``power_mw``, ``energy_mwh``, ``efficiency``: a battery.
    ``shift_mw``, ``shift_share``: load it moves within the day, in MW and as a share of the charging of EVs.
    """

    feeder: tuple[str, ...]
    measure: tuple[str, ...]
    cost_usd: FloatArray
    om_usd_per_year: FloatArray
    life_years: FloatArray
    group: tuple[str, ...]
    from_year: IntArray
    limit: tuple[str, ...]
    gain_mw: FloatArray
    power_mw: FloatArray
    energy_mwh: FloatArray
    efficiency: FloatArray
    shift_mw: FloatArray
    shift_share: FloatArray

    def __len__(self) -> int:
        return len(self.feeder)

    @property
    def wires(self) -> BoolArray:
        """(candidate,): neither stores nor shifts."""
        return np.asarray((self.power_mw == 0) & (self.shift_mw == 0) & (self.shift_share == 0))

    def label(self, candidate: int) -> str:
        return f"{self.measure[candidate]} on {self.feeder[candidate]}"


@dataclass(frozen=True, eq=False)
class Packages:
    """Sets of measures, feeder by feeder, the first of each feeder empty: ``feeder`` (package,) is a position in
    ``feeders``, ``members`` (package, candidate) says what is in service."""

    feeders: tuple[str, ...]
    feeder: IntArray
    members: BoolArray

    def __len__(self) -> int:
        return len(self.feeder)

    def number(self, in_service: BoolArray) -> IntArray:
        """The package (feeder,) of each feeder where the measures ``in_service`` (candidate,) are."""
        wanted = in_service[None, :] & self._of_feeder
        return np.flatnonzero((self.members == wanted).all(axis=1))

    def only(self, index: IntArray) -> "Packages":
        """Some of the packages, for outcomes; the empty ones need not be among them."""
        return Packages(self.feeders, self.feeder[index], self.members[index])

    @property
    def empty(self) -> IntArray:
        """The package (feeder,) of each feeder without any measure."""
        return self.number(np.zeros(self.members.shape[1], dtype=bool))

    @property
    def _of_feeder(self) -> BoolArray:
        """(package, candidate): the candidate stands on the package's feeder."""
        mine = np.zeros((len(self.feeders), self.members.shape[1]), dtype=bool)
        np.logical_or.at(mine, self.feeder, self.members)
        return mine[self.feeder]


@dataclass(frozen=True, eq=False)
class Futures:
    """Scenarios: ``probabilities`` (scenario,), all else (scenario, feeder).

    ``growth``: of the peak load per year. ``solar_share``, ``ev_share``: of the customers in the year of adoption.
    ``ev_kw``: of a charger. ``weather``: factor on the load before EVs, for extreme years.
    """

    probabilities: FloatArray
    growth: FloatArray
    solar_share: FloatArray
    ev_share: FloatArray
    ev_kw: FloatArray
    weather: FloatArray

    def __len__(self) -> int:
        return len(self.probabilities)

    def rows(self, index: IntArray, probabilities: FloatArray) -> "Futures":
        """Some of the scenarios, with new probabilities."""
        fields = (self.growth, self.solar_share, self.ev_share, self.ev_kw, self.weather)
        return Futures(probabilities, *(field[index] for field in fields))

    def mean(self) -> "Futures":
        """The one future in which everything uncertain takes its mean."""
        fields = (self.growth, self.solar_share, self.ev_share, self.ev_kw, self.weather)
        return Futures(np.ones(1), *((self.probabilities @ field)[None, :] for field in fields))


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What a year brings under each package: every field (scenario, package, year), never negative.

    ``unserved`` and ``curtailed``: in ``unit`` ("MWh" per year; "MW" of the year's peak where no hours are given).
    ``over_mw``: the highest excess over a limit that is left. ``customer_hours`` without supply and ``interruptions``
    of customers; 0 where unit is "MW".
    """

    unserved: FloatArray
    curtailed: FloatArray
    over_mw: FloatArray
    customer_hours: FloatArray
    interruptions: FloatArray
    unit: str

    def used(self, chosen: IntArray) -> "Outcomes":
        """Those of the packages ``chosen`` (feeder, year), each in its year: fields (scenario, feeder, year)."""
        years = np.arange(chosen.shape[1])
        return self._each(lambda field: field[:, chosen, years])

    def corrected(self, chosen: IntArray, found: "Outcomes") -> "Outcomes":
        """The same where the packages ``chosen`` (feeder, year) bring what was ``found`` (scenario, feeder, year)."""
        years = np.arange(chosen.shape[1])

        def put(ours: FloatArray, theirs: FloatArray) -> FloatArray:
            changed = ours.copy()
            changed[:, chosen, years] = theirs
            return changed

        fields = {name: put(getattr(self, name), getattr(found, name)) for name in OUTCOMES}
        return Outcomes(**fields, unit=self.unit)

    def _each(self, change: Callable[[FloatArray], FloatArray]) -> "Outcomes":
        fields = {name: change(getattr(self, name)) for name in OUTCOMES}
        return Outcomes(**fields, unit=self.unit)


@dataclass(frozen=True, eq=False)
class Hours:
    """Representative hours (hour,): ``day`` each belongs to, ``weight_h`` hours of the year it stands for, and the
    load, the charging of EVs and the sun as shares of their peaks. ``energy``: amounts are MWh; else MW of the peak.
    ``class_pu`` (3, hour): the load of residential, commercial and industrial customers, where told apart."""

    day: IntArray
    weight_h: FloatArray
    load_pu: FloatArray
    ev_pu: FloatArray
    solar_pu: FloatArray
    energy: bool
    class_pu: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.day)

    @property
    def by_class(self) -> FloatArray:
        """Residential, commercial, industrial, solar (4, hour)."""
        loads = np.stack([self.load_pu] * 3) if self.class_pu is None else self.class_pu
        return np.concatenate([loads, self.solar_pu[None]])


PEAK = Hours(np.zeros(1, dtype=np.int64), np.ones(1), np.ones(1), np.ones(1), np.zeros(1), energy=False)


@dataclass(frozen=True, eq=False)
class Hourly:
    """A feeder hour by hour (scenario, year, hour), in MW: its load, what it lacks (negative: its room), and the
    charging of EVs in the load."""

    load: FloatArray
    over: FloatArray
    ev: FloatArray


class Provider(Protocol):
    """Where needs and effects come from: arithmetic (mode capacity) or power flows (mode powerflow).

    Contract: ``outcomes`` returns what each scenario and year brings under each package, quickly enough for all of
    them. ``verify`` returns, by the best simulation there is, what the plan brings that has the packages ``chosen``
    (feeder, year) in service: fields (scenario, feeder, year); where the two are one, those of ``outcomes``.
    ``name`` says in the timing what it is for.
    ``hourly``: a feeder with the measures ``members`` (candidate,), hour by hour. ``features``: (scenario, dimension)
    tells scenarios apart for reduction, all in one unit. All are deterministic and independent of the order of
    scenarios and packages.
    """

    @property
    def hours(self) -> Hours: ...

    def outcomes(self, packages: Packages, futures: Futures) -> Outcomes: ...

    def verify(
        self, packages: Packages, chosen: IntArray, futures: Futures, name: str = "verification"
    ) -> Outcomes: ...

    def hourly(self, futures: Futures, feeder: int, members: BoolArray) -> Hourly: ...

    def features(self, futures: Futures) -> FloatArray: ...


@dataclass(frozen=True, eq=False)
class Plan:
    """When each candidate is built: ``stage`` (candidate,) is a position in ``years``, NEVER (-1) if it is not."""

    years: tuple[int, ...]
    stage: IntArray

    def in_service(self) -> BoolArray:
        """(year, candidate)."""
        return (self.stage >= 0) & (self.stage <= np.arange(len(self.years))[:, None])

    def packages(self, packages: Packages) -> IntArray:
        """(feeder, year): the package of each feeder in each year."""
        return np.stack([packages.number(row) for row in self.in_service()], axis=1)


def all_packages(menu: Menu, feeders: tuple[str, ...], most_measures: int) -> Packages:
    """Every set of at most ``most_measures`` candidates of a feeder that do not exclude each other.

    InputError if a feeder has more than MOST_PACKAGES: exclusive groups, or fewer candidates, would do.
    """
    owner: list[int] = []
    members: list[tuple[int, ...]] = []
    for number, feeder in enumerate(feeders):
        mine = [c for c in range(len(menu)) if menu.feeder[c] == feeder]
        sets = [chosen for size in range(min(most_measures, len(mine)) + 1) for chosen in _sets(menu, mine, size)]
        if len(sets) > MOST_PACKAGES:
            raise InputError(
                f"Feeder {feeder} has {len(mine)} candidates and {len(sets)} sets of them, more than {MOST_PACKAGES}: "
                "give exclusive groups, fewer candidates, or a smaller most_measures."
            )
        owner += [number] * len(sets)
        members += sets
    table = np.zeros((len(members), len(menu)), dtype=bool)
    for row, chosen in enumerate(members):
        table[row, list(chosen)] = True
    return Packages(feeders, np.array(owner, dtype=np.int64), table)


def _sets(menu: Menu, mine: list[int], size: int) -> list[tuple[int, ...]]:
    """Sets of ``size`` candidates in which no two exclude each other."""
    found = itertools.islice(itertools.combinations(mine, size), 50 * MOST_PACKAGES)
    groups = ((chosen, [menu.group[c] for c in chosen if menu.group[c]]) for chosen in found)
    return [chosen for chosen, named in groups if len(set(named)) == len(named)]
