"""What sources can serve, as tables: regions, loads by size of the source, and how roots part a block between them.

A root serves a region (connected sections of a block), within it the loads that are worth most for its size: a
knapsack, tabulated once for all sizes. Which regions the roots of a block can hold beside each other is enumerated
once. Voltages, ampacities and loops of the program are left out. Two readings of a size: ``ceiling`` (loads count as
whole steps, rounded up, and the kVA must carry what is picked up: what the table says can be served), and ``floor``
(rounded down, kVA by Lagrangian relaxation: no plan of the program serves more).
"""

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gridstudio.domain.sections import bits
from gridstudio.planning.resilience.blocks import Block, Field, ways_of
from gridstudio.planning.resilience.contract import Bools, Floats, Grid, Ints, Plan
from gridstudio.planning.resilience.limits import DIRECTIONS
from gridstudio.planning.resilience.stage import Stage

STEPS = 120  # of the largest site, in which sizes are told
ANY = STEPS + 1  # column of a table that stands for a source without a limit
MOST_HELD = 3_000_000  # ways to part one block between its roots that are looked at
PRICES = (0.0, 1.0, 3.0, 10.0)  # weighted kW per kVA, of the relaxation
LAGGING = DIRECTIONS[0]  # the tangent that binds where capacitors are more than the loads' kvar

# where b is read backwards: sums[size, part] = a[part] + b[size - part]
_REST = np.arange(STEPS + 1)[:, None] - np.arange(STEPS + 1)[None, :]
_INSIDE = np.where(_REST >= 0, _REST, ANY + 1)


@dataclass(eq=False)
class Regions:
    """Tables of one second stage. ``roots``: of each block, in the order of columns elsewhere. ``plan``: the lines that
    are hardened and the switches that are added; None: all that may be."""

    stage: Stage
    plan: Plan | None = None
    step_kw: float = field(init=False)
    complete: bool = True  # no block had more ways to be parted than are looked at
    roots: dict[int, list[int]] = field(default_factory=dict)
    _masks: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)  # by block: of each of its roots
    _grows: dict[int, list[Ints]] = field(default_factory=dict)
    _held: dict[tuple[int, tuple[int, ...]], Ints] = field(default_factory=dict)
    _tables: dict[tuple[int, int, bool], Floats] = field(default_factory=dict)
    _rated: dict[tuple[int, int, bool], Floats] = field(default_factory=dict)
    _best: dict[tuple[int, bool, float], tuple[Floats, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step_kw = float(self.stage.sites.max_kw.max()) / STEPS
        for one in self.stage.tables.fields:
            masks = _masks_of(self.stage, one)
            if self.plan:
                dark = out_of(self.stage.tables.blocks[one.block], self.plan.hardened)
                masks = tuple(m for m in masks if not m & dark and whole(self.stage.grid, self.plan.added, m))
            self.roots.setdefault(one.block, []).append(one.root)
            self._masks.setdefault(one.block, []).append(masks)
            self._grows.setdefault(one.block, []).append(_next_to(masks))

    def under(self, plan: Plan) -> "Regions":
        """The tables for what a plan hardens and adds; what regions are worth is shared."""
        return Regions(self.stage, plan, _rated=self._rated, _best=self._best)

    def most(self, g: int, dark: int, sizes: Sequence[int]) -> float:
        """The most that roots of a block with ``sizes`` (root,) [steps] serve where the sections ``dark`` are out."""
        own = [n for n, size in enumerate(sizes) if size]
        masks = [tuple(m for m in self._masks[g][n] if not m & dark) for n in own]
        held = _beside(masks, [_next_to(each) for each in masks]) if own else None
        if held is None:
            return 0.0
        worth = [
            np.array([self._of_root(self.roots[g][n], mask, False)[sizes[n]] for mask in each])
            for n, each in zip(own, masks, strict=True)
        ]
        return float(np.sum([each[held[:, column]] for column, each in enumerate(worth)], axis=0).max())

    def held(self, g: int, own: tuple[int, ...]) -> Ints:
        """Regions (way, root) that some roots of a block can hold beside each other; only ways that leave nothing to
        add."""
        key = g, own
        if key not in self._held:
            found = _beside([self._masks[g][n] for n in own], [self._grows[g][n] for n in own])
            self.complete &= found is not None
            self._held[key] = np.zeros((1, len(own)), dtype=np.intp) if found is None else found
        return self._held[key]

    def table(self, g: int, n: int, floor: bool) -> Floats:
        """Worth (region, size) of what one root of a block serves; the last size is without a limit."""
        key = g, n, floor
        if key not in self._tables:
            root = self.roots[g][n]
            self._tables[key] = np.stack([self._of_root(root, mask, floor) for mask in self._masks[g][n]])
        return self._tables[key]

    def _of_root(self, root: int, mask: int, floor: bool) -> Floats:
        if (root, mask, floor) not in self._rated:
            site = self.stage.roots[root].site
            worth = self._picked(mask, floor, 0.0)[0]
            if site >= 0 and mask:
                worth = (self._at_most if floor else self._carried)(mask, float(self.stage.sites.kva_per_kw[site]))
            self._rated[root, mask, floor] = worth
        return self._rated[root, mask, floor]

    def _still(self, mask: int) -> complex:
        """kW + j kvar that a region's capacitors draw."""
        units = len(self.stage.grid.unit_names)
        return complex(sum(complex(self.stage.limits.power[units + section]) for section in bits(mask)))

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
        """No less than the worth by size; kVA priced, at the tangent where the capacitors' kvar press."""
        pressing = (self._still(mask) * np.conj(LAGGING)).real
        found = self._picked(mask, True, 0.0)[0].copy()
        room = kva_per_kw * self.step_kw * np.arange(STEPS + 1) - pressing
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
        grid, (worth, kvar) = self.stage.grid, _nothing()
        for unit in np.flatnonzero(grid.unit_section == section):
            power = complex(self.stage.limits.power[unit])
            steps = max(power.real, 0.0) / self.step_kw
            more = int(np.floor(steps + 1e-9)) if floor else int(np.ceil(steps - 1e-9))
            gain = max(float(grid.unit_weighted_kw[unit]), 0.0) - price * (power * np.conj(LAGGING)).real
            with_unit, kvar_with = np.full(STEPS + 2, -np.inf), np.zeros(STEPS + 2)
            with_unit[more:ANY], kvar_with[more:ANY] = worth[: max(ANY - more, 0)], kvar[: max(ANY - more, 0)]
            with_unit[ANY], kvar_with[ANY] = worth[ANY], kvar[ANY]
            taken = with_unit + gain > worth
            worth, kvar = np.where(taken, with_unit + gain, worth), np.where(taken, kvar_with + power.imag, kvar)
        return worth, kvar


def out_of(block: Block, hardened: Bools) -> int:
    """Sections (bit mask) of a block that are out of service where only these lines are hardened."""
    return sum(1 << v for v, lines in block.needs if not hardened[list(lines)].all())


def whole(grid: Grid, added: Bools, mask: int) -> bool:
    """Whether a region holds both ends or none of every candidate switch that is not added."""
    ends = grid.sections.ends
    return all(
        mask >> int(ends[d][0]) & 1 == mask >> int(ends[d][1]) & 1 for d in np.flatnonzero(grid.optional & ~added)
    )


def _masks_of(stage: Stage, one: Field) -> tuple[int, ...]:
    """Connected sections (bit masks) that a root can feed on ways that are not barred; 0: it stays dark."""
    start = 1 << stage.roots[one.root].section
    barred = [way for r, way in stage.lessons.barred if r == one.root]
    ways = [
        passed
        for way, passed in ways_of(one, stage.roots[one.root].section)
        if not any(no & ~way == 0 for no in barred)
    ]
    if start not in ways:
        return (0,)
    found, queue = {start}, [start]
    for mask in queue:
        for passed in ways:
            more = passed & ~mask
            if more and not more & (more - 1) and (grown := passed | mask) not in found:
                found.add(grown)
                queue.append(grown)
    return (0, *sorted(found))


def _nothing() -> tuple[Floats, Floats]:
    return np.zeros(STEPS + 2), np.zeros(STEPS + 2)


def _together(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Worth and kvar by size of two parts that share it."""
    sums = a[0][None, :-1] + np.append(b[0], -np.inf)[_INSIDE]
    best = np.argmax(sums, axis=1)
    size = np.arange(STEPS + 1)
    worth = np.append(sums[size, best], a[0][-1] + b[0][-1])
    return worth, np.append(a[1][best] + b[1][size - best], a[1][-1] + b[1][-1])


def _beside(masks: Sequence[tuple[int, ...]], grows: Sequence[Ints]) -> Ints | None:
    """Every choice of disjoint regions, one of each list (rows of the lists), to which no section can be added; None
    if there are too many."""
    rows, used = np.zeros((1, 0), dtype=np.int16), np.zeros(1, dtype=np.int64)
    for own in (np.array(each, dtype=np.int64) for each in masks):
        before, now = np.nonzero((used[:, None] & own[None, :]) == 0)
        rows, used = np.column_stack([rows[before], now.astype(np.int16)]), used[before] | own[now]
        if len(rows) > MOST_HELD:
            return None
    larger = np.zeros(len(rows), dtype=bool)
    for column, bit in enumerate(grows):
        larger |= (bit[rows[:, column]] & ~used) != 0
    return rows[~larger].astype(np.intp)


def _next_to(masks: tuple[int, ...]) -> Ints:
    """Sections (bit masks) that each region of a root may grow by, one at a time."""
    there, every = set(masks), functools.reduce(operator.or_, masks)
    return np.array([sum(1 << s for s in bits(every & ~m) if m | 1 << s in there) for m in masks], dtype=np.int64)
