"""Blocks: what a storm leaves of the feeder, cut into parts that no fault and no other part touches.

The second stage of a storm is the sum of those of its blocks, and a block asks for the same islands in every storm. So
each different block is modelled once, for however many storms: the model grows with the parts that storms leave, not
with the storms.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridstudio.domain.sections import bits
from gridstudio.planning.resilience.contract import Bools, Grid, Plan, Sites, Storms

SUBSTATION = "substation"
MOST_TREES = 32  # ways to feed one block from one source that are looked at for its limits


@dataclass(frozen=True)
class Root:
    """A source that islands grow from. ``site``: row of the sites, -1 for the substation; ``phases`` count from 1."""

    name: str
    section: int
    site: int
    bus: str
    phases: tuple[int, ...]


@dataclass(frozen=True)
class Arc:
    """A section that is fed by its neighbour through a device."""

    device: int
    above: int
    section: int


@dataclass(frozen=True)
class Block:
    """Connected ``sections`` (bit mask) without a fault, once the lines of ``needs`` are hardened.

    ``needs``: (section, lines): where one of the lines fails unless it is hardened.
    """

    sections: int
    needs: tuple[tuple[int, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, eq=False)
class Field:
    """What one root can do in one block: ``arcs`` that lie on a way from the root; ``loops``: a section of it can be
    fed in more than one way."""

    block: int
    root: int
    sections: tuple[int, ...]
    arcs: tuple[Arc, ...]

    @cached_property
    def loops(self) -> bool:
        return len(self.arcs) >= len(self.sections)

    def trees(self) -> list[int]:
        """The devices closed (bit mask) of every way to feed all its sections; [] if there are too many."""
        into: dict[int, list[Arc]] = {}
        for arc in self.arcs:
            into.setdefault(arc.section, []).append(arc)
        if np.prod([len(choice) for choice in into.values()], initial=1.0) > 50 * MOST_TREES:
            return []
        choices = filter(_grows, itertools.product(*into.values()))
        found = [sum(1 << arc.device for arc in choice) for choice in choices]
        return found if len(found) <= MOST_TREES else []


def _grows(choice: Sequence[Arc]) -> bool:
    """Whether arcs, one into each section, hold no circle."""
    above = {arc.section: arc.above for arc in choice}
    for start in above:
        at, steps = start, 0
        while at in above:
            at, steps = above[at], steps + 1
            if steps > len(above):
                return False
    return True


def roots_of(grid: Grid, sites: Sites) -> tuple[Root, ...]:
    """The substation's sections, then the sites."""
    table = grid.network.source_elements
    found = []
    for section in grid.sections.sources:
        fed = [row for row in table.itertuples() if row.closed and grid.sections.of_bus[row.bus] == section]
        found.append(Root(SUBSTATION, section, -1, str(fed[0].bus), (1, 2, 3)))
    for i, name in enumerate(sites.names):
        phases = tuple(int(phase) + 1 for phase in np.flatnonzero(sites.phases[i]))
        found.append(Root(name, int(sites.section[i]), i, sites.buses[i], phases))
    return tuple(found)


def planned_blocks(grid: Grid, storms: Storms, roots: Iterable[Root]) -> tuple[list[Block], list[tuple[int, ...]]]:
    """Different blocks of all storms, before it is known what is hardened; and those of each storm."""
    lines = storms.failed_hardened | (storms.failed & ~grid.line_hardenable)
    dead = lines.astype(np.float32) @ grid.line_hits > 0
    saved = storms.failed & ~storms.failed_hardened & grid.line_hardenable
    return _different(grid, dead, saved, roots)


def faced_blocks(
    grid: Grid, storms: Storms, plan: Plan, roots: Iterable[Root]
) -> tuple[list[Block], list[tuple[int, ...]]]:
    """Different blocks of all storms under a plan; and those of each storm."""
    dead = storms.sections_out(grid, plan.hardened)
    joined = np.eye(len(grid.sections), dtype=bool)
    for d in np.flatnonzero(grid.optional & ~plan.added):
        a, b = grid.sections.ends[d]
        either = joined[a] | joined[b]
        joined[np.flatnonzero(either)] |= either
        joined |= joined.T
    joined = np.linalg.matrix_power(joined.astype(float), max(2, len(joined))) > 0
    dead = dead.astype(np.float32) @ joined > 0
    return _different(grid, dead, np.zeros((len(storms), 0), dtype=bool), roots)


def _different(
    grid: Grid, dead: Bools, saved: Bools, roots: Iterable[Root]
) -> tuple[list[Block], list[tuple[int, ...]]]:
    starts = sum({1 << root.section for root in roots})
    number: dict[Block, int] = {}
    patterns, row = np.unique(np.hstack([dead, saved]), axis=0, return_inverse=True)
    own: list[tuple[int, ...]] = []
    for pattern in patterns:
        alive = sum(1 << int(s) for s in np.flatnonzero(~pattern[: dead.shape[1]]))
        lines = np.flatnonzero(pattern[dead.shape[1] :])
        needs = {s: tuple(int(x) for x in lines[grid.line_hits[lines, s]]) for s in bits(alive)}
        parts = [Block(part, tuple((s, needs[s]) for s in bits(part) if needs[s])) for part in components(grid, alive)]
        own.append(tuple(number.setdefault(part, len(number)) for part in parts if part.sections & starts))
    return list(number), [own[n] for n in row.reshape(-1)]


def components(grid: Grid, alive: int) -> list[int]:
    """What hangs together of some sections (bit masks), through any device that brings all phases one way or the
    other."""
    found = []
    while alive:
        part = alive & -alive
        queue = list(bits(part))
        for section in queue:
            for d, other in grid.sections.around[section]:
                passes = grid.sections.feeds(d, other) or grid.sections.feeds(d, section)
                if alive >> other & 1 and not part >> other & 1 and passes:
                    part |= 1 << other
                    queue.append(other)
        found.append(part)
        alive &= ~part
    return found


def fields(grid: Grid, blocks: Sequence[Block], roots: Sequence[Root]) -> list[Field]:
    """Every root in every block that holds its section."""
    return [
        _field(grid, g, block.sections, r, root.section)
        for g, block in enumerate(blocks)
        for r, root in enumerate(roots)
        if block.sections >> root.section & 1
    ]


def _field(grid: Grid, g: int, mask: int, r: int, start: int) -> Field:
    arcs = []
    for section in bits(mask):
        if section == start:
            continue
        without = reached(grid, start, mask & ~(1 << section))
        for d, above in grid.sections.around[section]:
            if without >> above & 1 and grid.sections.feeds(d, section):
                arcs.append(Arc(d, above, section))
    sections = (start, *sorted({arc.section for arc in arcs}))
    return Field(g, r, sections, tuple(arcs))


def reached(grid: Grid, start: int, mask: int) -> int:
    """Sections of ``mask`` that a source in ``start`` can feed."""
    found, queue = 1 << start, [start]
    for section in queue:
        for d, other in grid.sections.around[section]:
            if mask >> other & 1 and not found >> other & 1 and grid.sections.feeds(d, other):
                found |= 1 << other
                queue.append(other)
    return found


def ways_of(one: Field, start: int) -> dict[tuple[int, int], None]:
    """Every way from the root's section to another one, as (devices, sections) in bit masks."""
    found: dict[tuple[int, int], None] = {(0, 1 << start): None}
    queue = [(start, 0, 1 << start)]
    for at, way, passed in queue:
        for arc in one.arcs:
            if arc.above == at and not passed >> arc.section & 1:
                step = arc.section, way | 1 << arc.device, passed | 1 << arc.section
                if step[1:] not in found:
                    found[step[1:]] = None
                    queue.append(step)
    return found


def tree_within(grid: Grid, start: int, mask: int) -> tuple[int, int]:
    """Devices that feed as much of ``mask`` as possible from ``start``, those normally closed first; and what they
    feed."""
    closed, fed = 0, 1 << start
    for normal in (True, False):
        queue = list(bits(fed))
        for section in queue:
            for d, other in grid.sections.around[section]:
                fits = bool(grid.sections.normal >> d & 1) or not normal
                if fits and mask >> other & 1 and not fed >> other & 1 and grid.sections.feeds(d, other):
                    closed, fed = closed | 1 << d, fed | 1 << other
                    queue.append(other)
    return closed, fed
