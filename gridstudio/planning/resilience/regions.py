"""Where sources can serve: regions, and how the roots of a block part it between them.

A root serves a region: connected sections of a block. Which regions the roots of a block can hold beside each other is
enumerated once. What a region is worth by the size of its source: see ``worth``. Voltages, ampacities and loops of the
program are left out.
"""

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.sections import bits
from gridstudio.planning.resilience.blocks import Block, Field, ways_of
from gridstudio.planning.resilience.contract import Bools, Floats, Grid, Ints
from gridstudio.planning.resilience.stage import Stage
from gridstudio.planning.resilience.worth import Worth

MOST_HELD = 3_000_000  # ways to part one block between its roots that are looked at


@dataclass(frozen=True, eq=False)
class Options:
    """What is hardened and added beside the sources."""

    hardened: Bools  # (line,)
    added: Bools  # (device,) of the candidate switches

    def usd(self, grid: Grid) -> float:
        return float(grid.line_usd @ self.hardened + grid.device_usd @ self.added)


def no_options(grid: Grid) -> Options:
    return Options(np.zeros(len(grid.line_names), dtype=bool), np.zeros(len(grid.optional), dtype=bool))


@dataclass(eq=False)
class Regions:
    """Tables of one second stage. ``roots``: of each block, in the order of columns elsewhere; ``masks``: of each of
    them, the regions that it can serve if all of ``most`` is built."""

    stage: Stage
    most: Options
    roots: dict[int, list[int]] = field(default_factory=dict)
    masks: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    _ways: dict[tuple[int, int, int], Ints | None] = field(default_factory=dict)
    _parts: dict[tuple[int, int, int, tuple[int, ...]], Ints] = field(default_factory=dict)
    _tables: dict[tuple[int, int, bool], Floats] = field(default_factory=dict)
    _parted: dict[int, int] = field(default_factory=dict)
    _worth: Worth | None = None
    _beside: dict[tuple[tuple[int, ...], ...], Ints | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        grid = self.stage.grid
        self.worth = self._worth or Worth(self.stage)
        self._switches = [(int(d), grid.sections.ends[d].tolist()) for d in np.flatnonzero(grid.optional)]
        for one in self.stage.tables.fields:
            dark, apart = self.state(one.block, self.most)
            found = tuple(m for m in _masks_of(self.stage, one) if not m & dark and not self.parted(m) & apart)
            self.roots.setdefault(one.block, []).append(one.root)
            self.masks.setdefault(one.block, []).append(found)

    def anew(self, stage: Stage) -> "Regions":
        """The tables once power flows have taught more; what regions are worth, and stand beside, is shared."""
        return Regions(stage, self.most, _worth=self.worth, _beside=self._beside)

    @property
    def step_kw(self) -> float:
        return self.worth.step_kw

    def state(self, g: int, options: Options) -> tuple[int, int]:
        """Sections of a block that are out of service with options, and the switches without which its regions must
        not end there (bit masks)."""
        block = self.stage.tables.blocks[g]
        apart = sum(
            1 << d
            for d, (a, b) in self._switches
            if not options.added[d] and (block.sections >> a & 1 or block.sections >> b & 1)
        )
        return out_of(block, options.hardened), apart

    def parted(self, mask: int) -> int:
        """Candidate switches (bit mask) of which a region holds just one end."""
        if mask not in self._parted:
            self._parted[mask] = sum(1 << d for d, (a, b) in self._switches if mask >> a & 1 != mask >> b & 1)
        return self._parted[mask]

    def ways(self, g: int, dark: int, apart: int) -> Ints | None:
        """Regions (way, root) that the roots of a block can hold beside each other in a ``state``, as rows of
        ``masks``; only ways that leave nothing to add. None where there are too many."""
        key = g, dark, apart
        if key not in self._ways:
            rows = [
                np.array([n for n, m in enumerate(own) if not m & dark and not self.parted(m) & apart], dtype=np.intp)
                for own in self.masks[g]
            ]
            masks = tuple(tuple(own[n] for n in some) for own, some in zip(self.masks[g], rows, strict=True))
            if masks not in self._beside:
                self._beside[masks] = _maximal(masks)
            found = self._beside[masks]
            self._ways[key] = None if found is None else np.stack([r[c] for r, c in zip(rows, found.T, strict=True)], 1)
        return self._ways[key]

    def of_built(self, g: int, dark: int, apart: int, own: tuple[int, ...]) -> Ints:
        """The same (way, root) of some roots, each different way once; where there are too many, one: all dark."""
        key = g, dark, apart, own
        if key not in self._parts:
            ways = self.ways(g, dark, apart)
            self._parts[key] = np.zeros((1, len(own)), np.intp) if ways is None else _different(ways[:, own])
        return self._parts[key]

    def table(self, g: int, n: int, floor: bool) -> Floats:
        """Worth (region, size) of what one root of a block serves; the last size is without a limit."""
        key = g, n, floor
        if key not in self._tables:
            root, masks = self.roots[g][n], self.masks[g][n]
            table = np.stack([self.worth.of_root(root, mask, floor) for mask in masks])
            self._tables[key] = _with_parts(table, masks) if floor else table
        return self._tables[key]


def out_of(block: Block, hardened: Bools) -> int:
    """Sections (bit mask) of a block that are out of service where only these lines are hardened."""
    return sum(1 << v for v, lines in block.needs if not hardened[list(lines)].all())


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


def disjoint(masks: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.int16], NDArray[np.int64]] | None:
    """Every choice of disjoint regions, one of each list (rows of the lists), and the sections that it holds (bit
    masks); None if there are too many."""
    rows, used = np.zeros((1, 0), dtype=np.int16), np.zeros(1, dtype=np.int64)
    for own in (np.array(each, dtype=np.int64) for each in masks):
        different, kind = np.unique(used, return_inverse=True)  # far fewer than rows
        of_kind, fitting = np.nonzero((different[:, None] & own[None, :]) == 0)
        first = np.searchsorted(of_kind, np.arange(len(different) + 1))
        count = np.diff(first)[kind]
        if count.sum() > MOST_HELD:
            return None
        before = np.repeat(np.arange(len(rows)), count)
        place = np.arange(len(before)) - np.repeat(np.cumsum(count) - count, count)
        now = fitting[first[kind[before]] + place]
        rows, used = np.column_stack([rows[before], now.astype(np.int16)]), used[before] | own[now]
    return rows, used


def grows(masks: tuple[int, ...]) -> dict[int, Bools]:
    """By section: which regions of a root (region,) may grow by it, as the only one."""
    there, every = set(masks), functools.reduce(operator.or_, masks)
    return {s: np.array([not m >> s & 1 and m | 1 << s in there for m in masks]) for s in bits(every)}


def _with_parts(table: Floats, masks: tuple[int, ...]) -> Floats:
    """The same, a region at least worth what it is without one of its sections: capacitors may make it worth less, and
    only ``ways`` that leave nothing to add are looked at."""
    row, found = {mask: n for n, mask in enumerate(masks)}, table.copy()
    for mask in sorted(masks):
        for section in bits(mask):
            if (part := row.get(mask ^ 1 << section)) is not None:
                np.maximum(found[row[mask]], found[part], out=found[row[mask]])
    return found


def _different(rows: Ints) -> Ints:
    """Each different row once."""
    number, first = np.zeros(len(rows), dtype=np.int64), np.zeros(min(len(rows), 1), dtype=np.intp)
    for column in rows.T:
        key = number * (int(column.max(initial=0)) + 1) + column
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
    return np.asarray(rows[first])


def _maximal(masks: tuple[tuple[int, ...], ...]) -> Ints | None:
    """Those to which no section can be added."""
    found = disjoint(masks)
    if found is None:
        return None
    rows, used = found
    larger = np.zeros(len(rows), dtype=bool)
    for column, own in enumerate(masks):
        bit = np.zeros(len(own), dtype=np.int64)
        for s, fits in grows(own).items():
            bit |= np.where(fits, np.int64(1 << s), 0)
        larger |= (bit[rows[:, column]] & ~used) != 0
    return rows[~larger].astype(np.intp)
