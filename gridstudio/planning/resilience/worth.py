"""What a region is worth by the size of its source [steps]: a knapsack of its loads, tabulated once for all sizes.

Within a region a source serves the loads that are worth most for its size. Two readings of a size: ``ceiling`` (loads
count as whole steps, rounded up, and the kVA must carry what is picked up: what the table says can be served), and
``floor`` (rounded down, kVA by Lagrangian relaxation: no plan of the program serves more).
"""

import numpy as np

from gridstudio.domain.sections import bits
from gridstudio.planning.resilience.contract import Floats
from gridstudio.planning.resilience.limits import DIRECTIONS
from gridstudio.planning.resilience.stage import Stage

STEPS = 120  # of the largest site, in which sizes are told
ANY = STEPS + 1  # column of a table that stands for a source without a limit
PRICES = (0.0, 1.0, 3.0, 10.0)  # weighted kW per kVA, of the relaxation
LAGGING = DIRECTIONS[0]  # the tangent that binds where capacitors are more than the loads' kvar

# where b is read backwards: sums[size, part] = a[part] + b[size - part]
_REST = np.arange(STEPS + 1)[:, None] - np.arange(STEPS + 1)[None, :]
_INSIDE = np.where(_REST >= 0, _REST, ANY + 1)


class Worth:
    """Tables of regions (bit masks); they do not change with what power flows teach."""

    def __init__(self, stage: Stage) -> None:
        self.step_kw = float(stage.sites.max_kw.max()) / STEPS
        self._stage = stage
        self._rated: dict[tuple[int, int, bool], Floats] = {}
        self._best: dict[tuple[int, bool, float], tuple[Floats, Floats]] = {}

    def of_root(self, root: int, mask: int, floor: bool) -> Floats:
        if (root, mask, floor) not in self._rated:
            site = self._stage.roots[root].site
            worth = self._picked(mask, floor, 0.0)[0]
            if site >= 0 and mask:
                worth = (self._at_most if floor else self._carried)(mask, float(self._stage.sites.kva_per_kw[site]))
            self._rated[root, mask, floor] = worth
        return self._rated[root, mask, floor]

    def _still(self, mask: int) -> complex:
        """kW + j kvar that a region's capacitors draw."""
        units = len(self._stage.grid.unit_names)
        return complex(sum(complex(self._stage.limits.power[units + section]) for section in bits(mask)))

    def _carried(self, mask: int, kva_per_kw: float) -> Floats:
        """Worth by size once the kVA carry the loads and the region's capacitors too."""
        worth, kvar = self._picked(mask, False, 0.0)
        still, size = self._still(mask), np.arange(STEPS + 1)
        kva = np.hypot(size * self.step_kw + still.real, kvar[:-1] + still.imag)
        least = np.maximum(np.ceil(kva / self.step_kw / kva_per_kw - 1e-9).astype(np.intp), size)
        found = np.zeros(STEPS + 2)
        np.maximum.at(found, least[least <= STEPS], worth[:-1][least <= STEPS])
        return np.asarray(np.maximum.accumulate(found))

    def _at_most(self, mask: int, kva_per_kw: float) -> Floats:
        """No less than the worth by size; kVA priced, at the tangent where the capacitors' kvar press. A size stands
        for every kW from it to the next step, so its kVA are those of the next step."""
        pressing = (self._still(mask) * np.conj(LAGGING)).real
        found = self._picked(mask, True, 0.0)[0].copy()
        room = kva_per_kw * self.step_kw * (np.arange(STEPS + 1) + 1) - pressing
        for price in PRICES[1:] if pressing > 0 else ():
            priced = self._picked(mask, True, price)[0][:-1] + price * room
            found[:-1] = np.minimum(found[:-1], np.maximum(priced, 0.0))
        found[-1] = found[-2]
        return found

    def _picked(self, mask: int, floor: bool, price: float) -> tuple[Floats, Floats]:
        """Worth by size of what is best picked up in a region, less priced kVA; and its kvar."""
        key = mask, floor, price
        if key not in self._best:
            low = mask & -mask
            if not mask:
                self._best[key] = _nothing()
            elif mask == low:
                self._best[key] = self._knapsack(mask.bit_length() - 1, floor, price)
            else:
                self._best[key] = _together(self._picked(mask ^ low, floor, price), self._picked(low, floor, price))
        return self._best[key]

    def _knapsack(self, section: int, floor: bool, price: float) -> tuple[Floats, Floats]:
        """The same for one section, unit by unit."""
        grid, (worth, kvar) = self._stage.grid, _nothing()
        for unit in np.flatnonzero(grid.unit_section == section):
            power = complex(self._stage.limits.power[unit])
            steps = max(power.real, 0.0) / self.step_kw
            more = int(np.floor(steps + 1e-9)) if floor else int(np.ceil(steps - 1e-9))
            gain = max(float(grid.unit_weighted_kw[unit]), 0.0) - price * (power * np.conj(LAGGING)).real
            with_unit, kvar_with = np.full(STEPS + 2, -np.inf), np.zeros(STEPS + 2)
            with_unit[more:ANY], kvar_with[more:ANY] = worth[: max(ANY - more, 0)], kvar[: max(ANY - more, 0)]
            with_unit[ANY], kvar_with[ANY] = worth[ANY], kvar[ANY]
            taken = with_unit + gain > worth
            worth, kvar = np.where(taken, with_unit + gain, worth), np.where(taken, kvar_with + power.imag, kvar)
        return worth, kvar


def _nothing() -> tuple[Floats, Floats]:
    return np.zeros(STEPS + 2), np.zeros(STEPS + 2)


def _together(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Worth and kvar by size of two parts that share it."""
    sums = a[0][None, :-1] + np.append(b[0], -np.inf)[_INSIDE]
    best = np.argmax(sums, axis=1)
    size = np.arange(STEPS + 1)
    worth = np.append(sums[size, best], a[0][-1] + b[0][-1])
    return worth, np.append(a[1][best] + b[1][size - best], a[1][-1] + b[1][-1])
