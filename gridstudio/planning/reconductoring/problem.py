"""The reconductoring problem of one feeder, and plans for it, as arrays and immutable values.

A *line* here is a line that has a conductor of the catalogue and may be replaced; arrays over
lines (line,) follow ``Problem.lines``, arrays over years (year,) start with year 1 at index 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import At, ChangeSet, Reconductor
from gridstudio.domain.conductors import Catalogue
from gridstudio.domain.economics import HOURS_PER_YEAR, discount_factors
from gridstudio.domain.network import Network
from gridstudio.engine import Feeder
from gridstudio.planning.reconductoring.branch import Sequences, Step, enumerate_sequences

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Replacement:
    """One line gets a larger conductor: row of ``Problem.lines``, year index, conductor row."""

    line: int
    year: int
    conductor: int


@dataclass(frozen=True)
class Plan:
    """Replacements in the order of lines, then years. Hashable."""

    replacements: tuple[Replacement, ...] = ()

    def of_line(self, line: int) -> tuple[Step, ...]:
        """The sequence (year, conductor) of one line."""
        return tuple((r.year, r.conductor) for r in self.replacements if r.line == line)

    @staticmethod
    def of(sequences: dict[int, tuple[Step, ...]]) -> "Plan":
        """The plan of a sequence per line; lines without a replacement may be left out."""
        return Plan(tuple(Replacement(line, y, c) for line in sorted(sequences) for y, c in sequences[line]))


EMPTY = Plan()


@dataclass(frozen=True, eq=False)
class Problem:
    """What a plan is made for. ``line_code[(line, conductor)]`` names the new impedance; missing = unchanged."""

    feeder: Feeder
    network: Network
    catalogue: Catalogue
    lines: tuple[str, ...]
    length_km: Floats  # (line,)
    existing: Ints  # (line,) conductor row
    years: int
    discount_rate: float
    surcharge: float
    limit_pu: float
    most: int  # K, replacements of one line
    line_codes: dict[tuple[int, int], str]
    loss_usd_per_kw: Floats  # (year,) present value of one kW of peak losses in that year; 0 = not priced

    @cached_property
    def branch(self) -> Ints:
        """Row of ``network.branches`` of every line."""
        return np.array([self.network.line_row[line] for line in self.lines], dtype=np.intp)

    @cached_property
    def discount(self) -> Floats:
        """Present value of a dollar spent in each year (year,)."""
        return discount_factors(self.years, self.discount_rate)

    @cached_property
    def cost_usd_per_km(self) -> Floats:
        """Of each conductor, surcharge included."""
        return self.catalogue.cost_usd_per_km * (1.0 + self.surcharge)

    @cached_property
    def _sequences(self) -> dict[tuple[int, int], Sequences]:
        return {}

    def sequences(self, line: int, most: int | None = None) -> Sequences:
        """All admissible sequences of a line with at most ``most`` (default K) replacements."""
        key = (int(self.existing[line]), self.most if most is None else most)
        if key not in self._sequences:
            found = enumerate_sequences(self.catalogue, key[0], self.discount, self.cost_usd_per_km, key[1])
            self._sequences[key] = found
        return self._sequences[key]

    @property
    def moves_power_flow(self) -> bool:
        """Whether a new conductor changes the impedance, and with it the power flow."""
        return bool(self.line_codes)

    def capital_usd(self, plan: Plan) -> float:
        """Present value of a plan's replacements [USD]."""
        return float(
            sum(
                self.cost_usd_per_km[r.conductor] * self.length_km[r.line] * self.discount[r.year]
                for r in plan.replacements
            )
        )

    def in_force(self, plan: Plan) -> Ints:
        """Conductor row (line, year)."""
        rows = np.repeat(self.existing[:, None], self.years, axis=1)
        for r in sorted(plan.replacements, key=lambda r: r.year):
            rows[r.line, r.year :] = r.conductor
        return rows

    def change(self, line: int, conductor: int) -> Reconductor:
        """The change that gives a line a conductor."""
        return Reconductor(
            self.lines[line], float(self.catalogue.ampacity_a[conductor]), self.line_codes.get((line, conductor))
        )

    def changes(self, plan: Plan, label: str = "plan") -> ChangeSet:
        """The plan as changes along a trajectory of years."""
        return ChangeSet(tuple(At(r.year, self.change(r.line, r.conductor)) for r in plan.replacements), label)


def loss_price(years: int, rate: float, energy_price_usd_per_kwh: float, loss_factor: float) -> Floats:
    """Present value of one kW of losses at peak in each year (year,) [USD/kW]: 8760 h x loss factor x price."""
    yearly = HOURS_PER_YEAR * loss_factor * energy_price_usd_per_kwh
    return yearly * discount_factors(years, rate)
