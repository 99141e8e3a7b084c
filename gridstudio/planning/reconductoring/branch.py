"""The exhaustive search of one branch: every sequence of at most K replacements, the cheapest feasible one.

Given the branch's currents the problem of a branch is its own (Donadel 2025, eqs. 1-5):

    min   sum_y z(y, c) * cost(c) * length * discount(y)      [+ cost of losses of the conductor in force]
    s.t.  I(y) <= k * ampacity(conductor in force in y)       for every year y
          at most K replacements, each in a later year than the one before, each larger, each selectable

Ampacities rise strictly along the catalogue, so a year's current says one thing only: the *needed* row, the
smallest conductor that carries it. All sequences are enumerated, so the answer is exact. Among equally cheap ones the
one whose first replacement is later wins (spending is deferred; then the second, and so on), then the one with fewer
replacements, then the smaller conductor; among equal sums of capital and losses the one with less capital.
"""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.conductors import Catalogue
from gridstudio.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Step = tuple[int, int]  # (year index 0.., conductor row)
MOST_SEQUENCES = 100_000  # of one line: beyond it the tables of a study would not fit into memory
ROUND = 6  # decimals of a dollar within which two costs are equal


@dataclass(frozen=True, eq=False)
class Sequences:
    """All admissible sequences from one existing conductor, in order of preference; the empty one is among them.

    ``in_force``: (sequence, year) conductor row. ``capital_usd_per_km``: (sequence,) present value.
    """

    steps: tuple[tuple[Step, ...], ...]
    in_force: Ints
    capital_usd_per_km: Floats

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def row(self) -> dict[tuple[Step, ...], int]:
        """Row of each sequence."""
        return {steps: index for index, steps in enumerate(self.steps)}

    @cached_property
    def largest(self) -> int:
        """Row of the largest conductor that the line can get, or has."""
        return int(self.in_force.max())


def count_sequences(years: int, larger: int, most: int) -> int:
    """How many sequences a line has that may take one of ``larger`` conductors at most ``most`` times."""
    return sum(math.comb(years, count) * math.comb(larger, count) for count in range(most + 1))


def enumerate_sequences(
    catalogue: Catalogue, existing: int, discount: Floats, cost_usd_per_km: Floats, most: int
) -> Sequences:
    """Every sequence of at most ``most`` replacements of conductor row ``existing``; ``discount`` is (year,)."""
    years = len(discount)
    larger = [int(row) for row in catalogue.selectable_above(existing)]
    if (count := count_sequences(years, len(larger), most)) > MOST_SEQUENCES:
        raise InputError(
            f"{most} replacements within {years} years out of {len(larger)} conductors make {count:,} sequences for "
            f"one line, more than {MOST_SEQUENCES:,}: use fewer replacements, years or selectable conductors."
        )
    found = [
        tuple(zip(when, what, strict=True))
        for count in range(most + 1)
        for when in itertools.combinations(range(years), count)
        for what in itertools.combinations(larger, count)  # rising rows: each is larger than the one before
    ]

    def capital(steps: tuple[Step, ...]) -> float:
        return float(sum(cost_usd_per_km[conductor] * discount[year] for year, conductor in steps))

    found.sort(key=lambda steps: (round(capital(steps), ROUND), [-year for year, _ in steps], len(steps), steps))
    in_force = np.full((len(found), years), existing, dtype=np.intp)
    for row, steps in enumerate(found):
        for year, conductor in steps:
            in_force[row, year:] = conductor
    return Sequences(tuple(found), in_force, np.array([capital(steps) for steps in found]))


def needed_rows(current_a: Floats, ampacity_a: Floats, limit_pu: float) -> Ints:
    """Row of the smallest conductor that carries a current (...), len(catalogue) if none does; 0 for NaN."""
    rows = np.zeros(current_a.shape, dtype=np.intp)
    for ampacity in ampacity_a:  # the comparison is the evaluator's, to the bit
        rows += current_a / ampacity > limit_pu
    return rows


def carried(sequences: Sequences, needed: Ints) -> NDArray[np.bool_]:
    """Which sequences have the needed conductor in force in every year (case, sequence); ``needed`` (case, year).

    A need beyond the largest conductor is a need for it: where nothing suffices, the least overload is the aim.
    """
    enough = np.ones((len(needed), len(sequences)), dtype=bool)
    least = np.minimum(needed, sequences.largest)
    for year in range(needed.shape[1]):  # a loop over years keeps the arrays small
        enough &= sequences.in_force[None, :, year] >= least[:, None, year]
    return enough


def cheapest(sequences: Sequences, needed: Ints, cost_usd: Floats | None = None) -> Ints:
    """Row of the cheapest sequence that carries what is needed (case, year), for each case (case,).

    ``cost_usd`` (case, sequence) is a cost that depends on the case (with losses); None takes the order of preference.
    """
    enough = carried(sequences, needed)
    if cost_usd is None:
        return enough.argmax(axis=1)
    return np.where(enough, np.round(cost_usd, ROUND), np.inf).argmin(axis=1)
