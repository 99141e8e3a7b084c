"""From futures to the multipliers of loads: growth, weather, EVs and sun of every feeder, hour by hour.

Load of a class in hour h of year y: published kW x weather (1 + growth)^y profile[class, h]; the charging of EVs,
customers x share x kW x adopted share x diversity x ev_pu[h], stands at residential loads in proportion to their kW
(at all loads where there is none); solar grows by customers x share x solar_kw x adopted share on top of the plants
that the circuit has, in their places.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.planning.upgrades.contract import FloatArray, Futures, Hours, IntArray
from gridstudio.planning.upgrades.settings import ScenarioSettings
from gridstudio.planning.upgrades.zones import SOLAR, Zones

EXTRA_SOLAR_KW = 1e-9  # a feeder without a plant has no place for new ones


@dataclass(frozen=True, eq=False)
class Drivers:
    """The multipliers of a circuit's loads."""

    zones: Zones
    hours: Hours
    scenarios: ScenarioSettings
    years: tuple[int, ...]

    def of(self, futures: Futures) -> FloatArray:
        """Multipliers (scenario, year, feeder, class, hour), never negative."""
        grown, ev_kw, sun_kw = self._parts(futures)
        return self.multipliers(grown, ev_kw, sun_kw)

    def _parts(self, futures: Futures) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Growth factor, kW of EVs charging at once if ev_pu is 1, kW of new solar; each (scenario, year, feeder)."""
        feeders, years = self.zones.feeders, np.array(self.years, dtype=float)[:, None]
        adopted = np.minimum(1.0, years / self.scenarios.adoption_year) * self.zones.customers[:feeders]
        chosen = (slice(None), None, slice(0, feeders))
        grown = futures.weather[chosen] * (1 + futures.growth[chosen]) ** years
        ev = futures.ev_share[chosen] * futures.ev_kw[chosen] * self.scenarios.ev_diversity * adopted
        sun = futures.solar_share[chosen] * self.scenarios.solar_kw * adopted
        return grown, ev, sun

    def multipliers(self, grown: FloatArray, ev_kw: FloatArray, sun_kw: FloatArray) -> FloatArray:
        """(..., feeder, class, hour) from (..., feeder)."""
        class_kw, profile = self.zones.class_kw, self.hours.by_class
        load = grown[..., None, None] * profile  # (..., feeder, class, hour), solar's row is the sun's
        carries = np.where(class_kw[:, :1] > 0, [1.0, 0.0, 0.0], [1.0, 1.0, 1.0])
        base = (class_kw[:, :SOLAR] * carries).sum(axis=1)
        per_kw = np.divide(ev_kw, base, out=np.zeros_like(ev_kw), where=base > 0)
        load[..., :SOLAR, :] += (per_kw[..., None] * carries)[..., None] * self.hours.ev_pu
        there = -class_kw[:, SOLAR]
        more = 1 + np.divide(sun_kw, there, out=np.zeros_like(sun_kw), where=there > EXTRA_SOLAR_KW)
        load[..., SOLAR, :] = more[..., None] * self.hours.solar_pu
        return np.asarray(load)

    def today(self) -> FloatArray:
        """Multipliers (feeder, class, hour) of the circuit as it is."""
        zero = np.zeros(self.zones.feeders)
        return self.multipliers(zero + 1, zero, zero)

    def span(self, futures: Futures) -> tuple[FloatArray, FloatArray]:
        """Least and highest growth factor, EVs and solar (3, year, feeder) in each year of ``futures``."""
        parts = np.stack(self._parts(futures))  # (3, scenario, year, feeder)
        return parts.min(axis=1), parts.max(axis=1)

    def design(self, low: FloatArray, high: FloatArray, states: IntArray) -> FloatArray:
        """Multipliers (state, feeder, class) that fill the span, state n in hour ``states``[n], the first the highest.

        Numbers come from a generator of fixed seed: the same span gives the same states.
        """
        rng = np.random.default_rng(0)
        share = rng.random((len(states), 3, self.zones.feeders))
        share[0] = [[1.0], [1.0], [0.0]]
        parts = low + share * (high - low)
        all_hours = self.multipliers(parts[:, 0], parts[:, 1], parts[:, 2])
        return np.asarray(np.take_along_axis(all_hours, states[:, None, None, None], axis=-1)[..., 0])

    def ev_mw(self, futures: Futures) -> FloatArray:
        """Charging (scenario, year, feeder, hour) in MW."""
        ev = self._parts(futures)[1]
        return ev[..., None] * self.hours.ev_pu / 1000

    def load_mw(self, multipliers: FloatArray) -> FloatArray:
        """What feeders draw (..., feeder, hour) in MW, solar taken off, losses not counted."""
        return np.einsum("...fch,fc->...fh", multipliers, self.zones.class_kw) / 1000

    def scenario(self, name: str, multipliers: FloatArray, keep: FloatArray | None = None) -> Scenario:
        """A scenario of the engine from multipliers (feeder, class, step); ``keep`` (load, step): what is
        not shed, of solar what is not curtailed."""
        zones, names = self.zones, self.zones.network.loads["load"].to_numpy()
        groups: list[LoadGroup] = []
        for zone, kind, loads in zones.groups:
            scale = multipliers[zone, kind]
            if keep is None:
                groups.append(LoadGroup(tuple(names[loads]), tuple(scale.tolist())))
                continue
            alike: dict[bytes, list[int]] = {}
            for load in loads:
                alike.setdefault(keep[load].tobytes(), []).append(load)
            for mine in alike.values():
                groups.append(LoadGroup(tuple(names[mine]), tuple((scale * keep[mine[0]]).tolist())))
        return Scenario(name, (1.0,) * multipliers.shape[-1], tuple(groups))


def states_of(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """The same scenarios, each step from the baseline."""
    return [replace(scenario, carry_controls=False) for scenario in scenarios]
