"""Mode 'capacity': needs and effects by arithmetic, a feeder being its peak, its customers and its ratings.

Load of year y in hour h: peak (1 + growth)^y weather load_pu[h] + EVs customers ev_kw / 1000 ev_pu[h] diversity
- solar customers solar_kw / 1000 solar_pu[h]; shares of EVs and solar grow linearly up to the year of adoption.
A feeder carries what the least of its limits carries (limits in series do not add up), a limit its rating and the
gains of its measures. What is above is unserved, what flows back beyond it is curtailed. Without representative hours
only the peak counts, with all EVs on it and no sun: the published formulation, whose deficits are MW of one hour.

No network: use it to rank many feeders or where no model exists. Mode 'powerflow' solves the circuits.
"""

from dataclasses import dataclass

import numpy as np

from gridstudio.planning.upgrades.contract import (
    OUTCOMES,
    BoolArray,
    FloatArray,
    Futures,
    Hourly,
    Hours,
    IntArray,
    Menu,
    Outcomes,
    Packages,
)
from gridstudio.planning.upgrades.inputs import Feeders
from gridstudio.planning.upgrades.relief import missed, relieved
from gridstudio.planning.upgrades.settings import ScenarioSettings


@dataclass(frozen=True, eq=False)
class Capacity:
    """The arithmetic as a ``Provider``."""

    feeders: Feeders
    menu: Menu
    hours: Hours
    scenarios: ScenarioSettings
    years: tuple[int, ...]

    def outcomes(self, packages: Packages, futures: Futures) -> Outcomes:
        shape = (len(futures), len(packages), len(self.years))
        fields = {name: np.zeros(shape) for name in OUTCOMES}
        for feeder in range(len(self.feeders)):
            load, ev = self.load_mw(futures, feeder)
            for package in np.flatnonzero(packages.feeder == feeder):
                found = self._outcome(feeder, packages.members[package], load, ev)
                for field, part in zip(fields.values(), found, strict=True):
                    field[:, package] = part
        return Outcomes(**fields, unit="MWh" if self.hours.energy else "MW")

    def verify(self, packages: Packages, chosen: IntArray, futures: Futures, name: str = "") -> Outcomes:
        index, place = np.unique(chosen, return_inverse=True)
        return self.outcomes(packages.only(index), futures).used(place.reshape(chosen.shape))

    def hourly(self, futures: Futures, feeder: int, members: BoolArray) -> Hourly:
        load, ev = self.load_mw(futures, feeder)
        return Hourly(load, load - self.capacity_mw(feeder, members), ev)

    def features(self, futures: Futures) -> FloatArray:
        """The highest load of each feeder in the last year, MW."""
        return np.stack([self.load_mw(futures, f)[0][:, -1].max(axis=-1) for f in range(len(self.feeders))], axis=1)

    def load_mw(self, futures: Futures, feeder: int) -> tuple[FloatArray, FloatArray]:
        """What a feeder must carry, and the charging of EVs in it; both (scenario, year, hour)."""
        years = np.array(self.years, dtype=float)[:, None]
        adopted = np.minimum(1.0, years / self.scenarios.adoption_year)
        per_share = self.feeders.customers[feeder] / 1000 * adopted  # MW for one kW of every customer
        hours, chosen = self.hours, (slice(None), feeder, None, None)
        grown = self.feeders.peak_mw[feeder] * futures.weather[chosen] * (1 + futures.growth[chosen]) ** years
        ev_kw = futures.ev_share[chosen] * futures.ev_kw[chosen] * self.scenarios.ev_diversity
        ev = per_share * ev_kw * hours.ev_pu
        sun = per_share * futures.solar_share[chosen] * self.scenarios.solar_kw * hours.solar_pu
        return grown * hours.load_pu + ev - sun, ev

    def capacity_mw(self, feeder: int, members: np.ndarray) -> float:
        """What a feeder carries with the measures ``members`` (candidate,): the least of its limits."""
        limits = np.flatnonzero(self.feeders.limit_feeder == feeder)
        rated = [
            self.feeders.rated_mw[limit]
            + sum(self.menu.gain_mw[c] for c in np.flatnonzero(members) if self._raises(c, self.feeders.limit[limit]))
            for limit in limits
        ]
        return float(min(rated))

    def _raises(self, candidate: np.integer, limit: str) -> bool:
        return self.menu.limit[candidate] in ("", limit)

    def _outcome(self, feeder: int, members: BoolArray, load: FloatArray, ev: FloatArray) -> tuple[FloatArray, ...]:
        """The fields OUTCOMES of a package, each (scenario, year)."""
        capacity, hours = self.capacity_mw(feeder, members), self.hours
        over = load - capacity
        if hours.energy:  # a single hour knows no other hour to shift or store for
            over = relieved(over, ev, self.menu, members, hours)
        short = np.maximum(over, 0.0)
        back = np.maximum(-over - 2 * capacity, 0.0)
        lost = missed(short if hours.energy else 0.0 * short, load, self.feeders.customers[feeder], hours)
        return short @ hours.weight_h, back @ hours.weight_h, short.max(axis=-1), *lost
