"""The index sets of the second stage as arrays, and what power flows have taught about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gridstudio.planning.resilience.blocks import Block, Field, Root, fields
from gridstudio.planning.resilience.contract import Grid, Ints, Plan, Sites
from gridstudio.planning.resilience.limits import Lesson, LinearLimits


@dataclass(frozen=True)
class Proposal:
    """An island as a program proposes it: sections and devices as bit masks, rows of the units picked up."""

    root: int
    sections: int
    closed: int
    units: tuple[int, ...]


@dataclass(eq=False)
class Lessons:
    """What power flows have taught so far: by root, the islands that were refused as a whole, and ways (root, devices)
    that break a limit without any load."""

    of_root: dict[int, Lesson] = field(default_factory=dict)
    refused: set[Proposal] = field(default_factory=set)
    barred: set[tuple[int, int]] = field(default_factory=set)

    def of(self, root: int) -> Lesson:
        return self.of_root.get(root, Lesson())


@dataclass(frozen=True, eq=False)
class Tables:
    """The index sets of the second stage as arrays; ``*_field`` are rows of ``fields``.

    e: energised (field, section); a: arcs (field, arc), with the row of e that they start from and end in (-1: at a
    root's own section, that nothing feeds); u: units (field, unit).
    """

    blocks: Sequence[Block]
    fields: Sequence[Field]
    e_field: Ints
    e_section: Ints
    a_field: Ints
    a_device: Ints
    a_above: Ints
    a_into: Ints
    u_field: Ints
    u_unit: Ints
    u_e: Ints
    e_row: dict[tuple[int, int], int]
    u_row: dict[tuple[int, int], int]

    def block_of(self, rows: Ints) -> Ints:
        return np.array([one.block for one in self.fields], dtype=np.intp)[rows]

    def root_of(self, rows: Ints) -> Ints:
        return np.array([one.root for one in self.fields], dtype=np.intp)[rows]


def tables(grid: Grid, blocks: Sequence[Block], found: Sequence[Field]) -> Tables:
    """Rows for every section, arc and unit of every field."""
    units_of = [np.flatnonzero(grid.unit_section == s).tolist() for s in range(len(grid.sections))]
    e = [(f, v) for f, one in enumerate(found) for v in one.sections]
    e_row = {key: n for n, key in enumerate(e)}
    a = [(f, arc.device, e_row[f, arc.above], e_row[f, arc.section]) for f, one in enumerate(found) for arc in one.arcs]
    u = [(f, unit) for f, v in e for unit in units_of[v]]
    u_e = [e_row[f, int(grid.unit_section[unit])] for f, unit in u]
    return Tables(
        blocks=blocks,
        fields=found,
        **_columns(e, "e_field", "e_section"),
        **_columns(a, "a_field", "a_device", "a_above", "a_into"),
        **_columns(u, "u_field", "u_unit"),
        u_e=np.array(u_e, dtype=np.intp),
        e_row=e_row,
        u_row={key: n for n, key in enumerate(u)},
    )


def _columns(rows: Sequence[tuple[int, ...]], *names: str) -> dict[str, Any]:
    """Columns of a table by name, also of one without a row."""
    return dict(zip(names, np.array(rows, dtype=np.intp).reshape(-1, len(names)).T, strict=True))


@dataclass(frozen=True, eq=False)
class Stage:
    """The second stage's data: what ``formulate`` needs beside the first stage."""

    grid: Grid
    sites: Sites
    roots: Sequence[Root]
    tables: Tables
    limits: LinearLimits
    lessons: Lessons


def stage_of(
    grid: Grid,
    sites: Sites,
    roots: Sequence[Root],
    blocks: Sequence[Block],
    limits: LinearLimits,
    lessons: Lessons,
    plan: Plan | None = None,
) -> Stage:
    """Of all roots, or of those that a plan builds."""
    possible = [
        one for one in fields(grid, blocks, roots)
        if plan is None or (site := roots[one.root].site) < 0 or plan.delta[site]
    ]  # fmt: skip
    return Stage(grid, sites, roots, tables(grid, blocks, possible), limits, lessons)
