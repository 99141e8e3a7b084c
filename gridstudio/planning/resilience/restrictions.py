"""What islands must keep beside the sources' ratings: equations (13) to (17) of ``formulation``."""

import linopy
import numpy as np

from gridstudio.domain.sections import bits
from gridstudio.planning.resilience.contract import Ints
from gridstudio.planning.resilience.limits import LimitRow
from gridstudio.planning.resilience.rows import Rows
from gridstudio.planning.resilience.stage import Stage


def restrict(model: linopy.Model, stage: Stage) -> None:
    """Network limits, what hardening and added switches allow, and what power flows have refused or barred."""
    _network_limits(model, stage)
    _options(model, stage)
    _refused(model, stage)
    _barred(model, stage)


def _network_limits(model: linopy.Model, stage: Stage) -> None:
    """Equation (13); a row of a section holds where the section is energised."""
    t, units, rows = stage.tables, len(stage.grid.unit_names), Rows()
    for f, one in enumerate(t.fields):
        u, e = np.flatnonzero(t.u_field == f), np.flatnonzero(t.e_field == f)
        for row in stage.limits.rows(one, stage.lessons.of(one.root)):
            _limit(rows, row, t.e_row.get((f, row.section), -1), (u, t.u_unit[u]), (e, units + t.e_section[e]))
    rows.into(model, "network")


def _limit(rows: Rows, row: LimitRow, where: int, u: tuple[Ints, Ints], e: tuple[Ints, Ints]) -> None:
    """coefficient @ x + M energised <= most + M."""
    c_u, c_e = row.coefficient[u[1]], row.coefficient[e[1]].copy()
    free = max(float(np.maximum(c_u, 0).sum() + np.maximum(c_e, 0).sum()) - row.most, 0.0) if where >= 0 else 0.0
    scale = 1.0 / max(np.abs(c_u).max(initial=0.0), np.abs(c_e).max(initial=0.0), 1e-12)
    if where >= 0:
        c_e[e[0] == where] += free
    terms = {"picked_up": zip(u[0], scale * c_u, strict=True), "energised": zip(e[0], scale * c_e, strict=True)}
    rows.add(scale * (row.most + free), **terms)


def _options(model: linopy.Model, stage: Stage) -> None:
    """Equations (14) and (15)."""
    t, grid = stage.tables, stage.grid
    repaired, switch = Rows(), Rows()
    at: dict[tuple[int, int], list[int]] = {}
    for f, one in enumerate(t.fields):
        for v in one.sections:
            at.setdefault((one.block, v), []).append(t.e_row[f, v])
    for g, block in enumerate(t.blocks):
        for v, lines in block.needs:
            for line in lines if (g, v) in at else ():
                repaired.add(0.0, energised=[(e, 1.0) for e in at[g, v]], hardened=[(line, -1.0)])
    for d in np.flatnonzero(grid.optional).tolist():
        a, b = grid.sections.ends[d].tolist()
        for f, one in enumerate(t.fields):
            for near, far in ((a, b), (b, a)):
                if (f, near) not in t.e_row:
                    continue
                other = [(t.e_row[f, far], -1.0)] if (f, far) in t.e_row else []
                switch.add(0.0, energised=[(t.e_row[f, near], 1.0), *other], added=[(d, -1.0)])
            if one.loops and (f, a) in t.e_row and (f, b) in t.e_row:  # it is closed where it is not there to open
                joined = [(x, -1.0) for x in np.flatnonzero((t.a_field == f) & (t.a_device == d))]
                switch.add(0.0, energised=[(t.e_row[f, a], 1.0)], feeds=joined, added=[(d, -1.0)])
    repaired.into(model, "repaired")
    switch.into(model, "switch")


def _refused(model: linopy.Model, stage: Stage) -> None:
    """Equation (16): in every field that can hold it, a refused island differs in an arc or a unit.

    Sections beyond it that serve nobody make no difference, for they are left dark (``islands_of``); but with candidate
    switches they may hang on it without a switch, and count.
    """
    t, grid, rows = stage.tables, stage.grid, Rows()
    for island in sorted(stage.lessons.refused, key=lambda x: (x.root, x.sections, x.closed, x.units)):
        for f, one in enumerate(t.fields):
            inside = sum(1 << v for v in one.sections)
            if one.root != island.root or island.sections & ~inside:
                continue
            picked = set(island.units)
            own = np.flatnonzero(np.isin(grid.unit_section, one.sections)).tolist()
            there = island.sections
            kept = [v for v in one.sections if there >> v & 1 or grid.optional.any()]
            e = [(t.e_row[f, v], 1.0 if there >> v & 1 else -1.0) for v in kept]
            u = [(t.u_row[f, unit], 1.0 if unit in picked else -1.0) for unit in own]
            arcs = np.flatnonzero((t.a_field == f) & np.array([bool(island.closed >> d & 1) for d in t.a_device]))
            count = sum(c > 0 for _, c in (*e, *u)) + bin(island.closed).count("1")
            rows.add(count - 1.0, energised=e, picked_up=u, feeds=[(a, 1.0) for a in arcs])
    rows.into(model, "refused")


def _barred(model: linopy.Model, stage: Stage) -> None:
    """Equation (17): a way that cannot be used is not closed all along; an empty one bars the root's own section."""
    t, rows = stage.tables, Rows()
    ways: dict[int, list[int]] = {}
    for root, way in sorted(stage.lessons.barred):
        ways.setdefault(root, []).append(way)
    for f, one in enumerate(t.fields):
        devices = {arc.device for arc in one.arcs}
        for way in ways.get(one.root, ()):
            on = set(bits(way))
            if not on:
                rows.add(0.0, energised=[(t.e_row[f, stage.roots[one.root].section], 1.0)])
            elif on <= devices:
                arcs = [a for a in np.flatnonzero(t.a_field == f).tolist() if int(t.a_device[a]) in on]
                rows.add(len(on) - 1.0, feeds=[(a, 1.0) for a in arcs])
    rows.into(model, "barred")
