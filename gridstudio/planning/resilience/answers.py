"""What a block answers to prices: the regions of its roots, their sizes, and the options that they rest on.

The columns of the decomposition in ``bound``; sizes are worth what the floor tables of ``worth`` say. First-stage
columns are told by number: sites, then the lines that may be hardened, then the switches that may be added.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.resilience.contract import Bools, Floats, Ints, Problem
from gridstudio.planning.resilience.regions import Regions, disjoint, grows
from gridstudio.planning.resilience.siting import steps_kw
from gridstudio.planning.resilience.worth import ANY, STEPS

MOST_WAYS = 400_000  # to part one block with options between its roots


@dataclass(frozen=True, eq=False)
class Box:
    """Steps of the first stage's columns, both ends included."""

    low: Ints
    high: Ints

    def below(self, column: int, most: int) -> "Box":
        return Box(self.low, np.where(np.arange(len(self.high)) == column, most, self.high))

    def above(self, column: int, least: int) -> "Box":
        return Box(np.where(np.arange(len(self.low)) == column, least, self.low), self.high)


@dataclass(frozen=True, eq=False)
class FirstStage:
    """Columns: ``step`` of each in its unit (kW; 1 of an option), the ``most`` that it can be; ``kw`` and ``usd`` of
    the budgets that one unit takes. ``lines``, ``devices``: the options, rows of the grid."""

    step: Floats
    most: Floats
    kw: Floats
    usd: Floats
    lines: Ints
    devices: Ints

    @property
    def sites(self) -> int:
        return len(self.step) - len(self.lines) - len(self.devices)

    @property
    def whole(self) -> Box:
        high = np.minimum(np.ceil(self.most / self.step - 1e-9), STEPS).astype(np.intp)
        return Box(np.zeros(len(high), dtype=np.intp), high)


def first_stage(problem: Problem, regions: Regions) -> FirstStage:
    grid, sites = problem.grid, problem.sites
    lines, devices = np.flatnonzero(regions.most.hardened), np.flatnonzero(regions.most.added)
    options = len(lines) + len(devices)
    most = np.minimum(sites.max_kw, problem.budget.kw)
    return FirstStage(
        step=np.concatenate([steps_kw(regions), np.ones(options)]),
        most=np.concatenate([most, np.ones(options)]),
        kw=np.concatenate([1.0 + sites.fixed_kw / most, np.zeros(options)]),
        usd=np.concatenate([np.zeros(len(sites)), grid.line_usd[lines], grid.device_usd[devices]]),
        lines=lines,
        devices=devices,
    )


@dataclass(frozen=True, eq=False)
class Answers:
    """Of one block. ``sites``: (root,), -1 for the substation; ``held``: (way, root) rows of the tables; ``needs``:
    (way, option) what a way rests on, ``options``: the columns of these."""

    g: int
    sites: Ints
    held: Ints
    tables: tuple[Floats, ...]
    needs: Bools
    options: Ints

    @property
    def columns(self) -> list[int]:
        """Of the first stage, that answers may use."""
        return [*sorted({int(site) for site in self.sites if site >= 0}), *self.options.tolist()]

    def best(self, worth: float, price: Floats, box: Box) -> tuple[float, int, Ints]:
        """Gain, way and sizes (root,) [steps] at a ``price`` (column,) of one step."""
        gain = -(self.needs @ price[self.options])
        gain[self.needs[:, box.high[self.options] == 0].any(axis=1)] = -np.inf
        sizes: list[Ints] = []
        for column, (site, table) in enumerate(zip(self.sites, self.tables, strict=True)):
            inside = slice(ANY, ANY + 1) if site < 0 else slice(box.low[site], box.high[site] + 1)
            steps = np.arange(ANY + 1)[inside]
            paid = worth * table[:, inside] - (price[site] * steps if site >= 0 else 0.0)
            at = np.argmax(paid, axis=1)
            sizes.append(steps[at])
            gain += paid[np.arange(len(table)), at][self.held[:, column]]
        row = int(np.argmax(gain))
        return float(gain[row]), row, np.array([size[self.held[row, n]] for n, size in enumerate(sizes)], dtype=np.intp)

    def within(self, row: int, sizes: Ints, box: Box) -> tuple[float, dict[int, int]] | None:
        """Value and steps by column of an answer in a box; None where it uses more."""
        mine, options = self.sites >= 0, self.options[self.needs[row]]
        if (sizes[mine] > box.high[self.sites[mine]]).any() or not box.high[options].all():
            return None
        used = np.where(mine, np.maximum(sizes, box.low[self.sites]), ANY)
        value = sum(float(table[self.held[row, n], used[n]]) for n, table in enumerate(self.tables))
        steps = {int(site): int(size) for site, size in zip(self.sites, used, strict=True) if site >= 0 and size}
        return value, steps | {int(option): 1 for option in options}


def answers_of(regions: Regions, g: int, first: FirstStage) -> Answers | None:
    """Of a block; None where it can be parted in too many ways."""
    found = _ways(regions, g)
    if found is None:
        return None
    held, needs = found
    used = needs.any(axis=0)
    roots = regions.roots[g]
    return Answers(
        g,
        np.array([regions.stage.roots[r].site for r in roots], dtype=np.intp),
        held,
        tuple(regions.table(g, n, floor=True) for n in range(len(roots))),
        needs[:, used],
        first.sites + np.flatnonzero(used),
    )


def _ways(regions: Regions, g: int) -> tuple[Ints, Bools] | None:
    """Ways to part a block, each with the options that it needs (way, line and device); only those to which nothing can
    be added without needing more."""
    lines, devices = np.flatnonzero(regions.most.hardened), np.flatnonzero(regions.most.added)
    needing = dict(regions.stage.tables.blocks[g].needs)
    parted = [np.array([regions.parted(m) for m in own], dtype=np.int64) for own in regions.masks[g]]
    asked = needing or any(own.any() for own in parted)
    if not asked or not len(lines) + len(devices):
        held = regions.ways(g, 0, 0)
        return None if held is None else (held, np.zeros((len(held), len(lines) + len(devices)), dtype=bool))
    found = disjoint(regions.masks[g])
    if found is None:
        return None
    rows, used = found
    apart = np.bitwise_or.reduce([own[rows[:, n]] for n, own in enumerate(parted)])
    keep = ~_larger(regions, g, rows, used, apart, set(needing))
    held, used, apart = rows[keep].astype(np.intp), used[keep], apart[keep]
    if len(held) > MOST_WAYS:
        return None
    of_line = [sum(1 << v for v, own in needing.items() if line in own) for line in lines]
    needs = [(used & mask) != 0 for mask in of_line] + [(apart >> int(d) & 1) != 0 for d in devices]
    return held, np.stack(needs, axis=1)


def _larger(regions: Regions, g: int, rows: NDArray[np.int16], used: Ints, apart: Ints, needing: set[int]) -> Bools:
    """Which ways can grow by a section that asks for nothing they do not need already."""
    found = np.zeros(len(rows), dtype=bool)
    for n, own in enumerate(regions.masks[g]):
        mine, free = rows[:, n], np.zeros(len(own), dtype=np.int64)
        for s, fits in grows(own).items():
            if s in needing:
                continue
            new = np.array([regions.parted(m | 1 << s) & ~regions.parted(m) for m in own], dtype=np.int64)
            free |= np.where(fits & (new == 0), np.int64(1 << s), 0)
            if (fits & (new != 0)).any():
                left = np.flatnonzero(~found & (used >> s & 1 == 0) & fits[mine])
                found[left] |= new[mine[left]] & ~apart[left] == 0
        found |= free[mine] & ~used != 0
    return found
