"""A program that falls into parts, solved part by part; and the islands that stand in a solution."""

import hashlib
from collections.abc import Mapping

import highspy
import linopy
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gridstudio.errors import SolverError
from gridstudio.planning.resilience.contract import Floats, Ints
from gridstudio.planning.resilience.stage import Proposal, Stage
from gridstudio.solve.integer import matrix_form

ON = 0.5
BLOCK_GAP = 1e-4  # no time limit: what comes out must not depend on the machine


def solved_apart(model: linopy.Model, known: dict[bytes, Floats], given: Mapping[str, Floats] | None = None) -> Floats:
    """The optimum of a model whose fixed columns are all that its parts have in common, part by part.

    ``known``: optima of parts that were solved before, by all that is in them; new ones are added. ``given``: values of
    some variables that are to be fixed at them.
    """
    parts = model.matrices
    a, lb, ub, c = csr_array(parts.A), np.array(parts.lb), np.array(parts.ub), np.asarray(parts.c)
    for name, values in (given or {}).items():
        lb[columns(model, name)] = ub[columns(model, name)] = values
    form = matrix_form(model)
    row_low, row_high = np.asarray(form.row_lower_), np.asarray(form.row_upper_)
    integer = np.array([kind != "C" for kind in parts.vtypes])
    x = np.where(lb == ub, lb, 0.0)
    still = a @ x
    free = np.flatnonzero(lb != ub)
    own = a[:, free].tocsc()
    pattern = abs(own).T @ abs(own)
    count, of_column = connected_components(pattern, directed=False)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("mip_rel_gap", BLOCK_GAP)
    order = np.argsort(of_column, kind="stable")
    for some in np.split(order, np.cumsum(np.bincount(of_column, minlength=count))[:-1]):
        part = own[:, some]
        rows = np.unique(part.indices)
        at = free[some]
        if (c[at] >= 0).all():  # nothing to gain
            continue
        bounds = row_low[rows] - still[rows], row_high[rows] - still[rows]
        inside = csr_array(part[rows]), c[at], lb[at], ub[at], bounds, integer[at]
        key = _content(*inside)
        if key not in known:
            known[key] = _optimum(highs, *inside)
        x[at] = known[key]
    return x


def _content(a: csr_array, *rest: object) -> bytes:
    """What tells a part from others, all of it."""
    numbers = [a.data, a.indices, a.indptr, *rest]
    flat = [part for each in numbers for part in (each if isinstance(each, tuple) else (each,))]
    return hashlib.sha256(b"|".join(np.ascontiguousarray(part).tobytes() for part in flat)).digest()


def columns(model: linopy.Model, name: str) -> Ints:
    """Where the solver keeps a variable."""
    return np.asarray(np.searchsorted(model.matrices.vlabels, np.atleast_1d(model.variables[name].labels.values)))


def _optimum(
    highs: highspy.Highs,
    a: csr_array,
    c: Floats,
    lb: Floats,
    ub: Floats,
    bounds: tuple[Floats, Floats],
    integer: np.ndarray,
) -> Floats:
    """The best x of one part; nothing picked up is always possible."""
    form = highspy.HighsLp()
    form.num_row_, form.num_col_ = a.shape
    form.col_cost_, form.col_lower_, form.col_upper_ = c, lb, ub
    form.row_lower_, form.row_upper_ = bounds
    form.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    form.a_matrix_.start_, form.a_matrix_.index_, form.a_matrix_.value_ = a.indptr, a.indices, a.data
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    form.integrality_ = [kinds[int(one)] for one in integer]
    highs.clearModel()
    highs.passModel(form)
    highs.run()
    if highs.getInfo().primal_solution_status == 0:
        status = highs.modelStatusToString(highs.getModelStatus())
        raise SolverError(f"A block of the second stage has no solution: {status}.")
    return np.asarray(highs.getSolution().col_value)


def islands_of(stage: Stage, model: linopy.Model, x: Floats) -> list[list[Proposal]]:
    """Islands of every block in a solution; sections at the edge that serve nobody are left dark."""
    t = stage.tables
    fed, picked = (x[columns(model, name)] > ON for name in ("feeds", "picked_up"))
    found: list[list[Proposal]] = [[] for _ in t.blocks]
    units: dict[int, list[int]] = {}
    arcs: dict[int, list[int]] = {}
    for u in np.flatnonzero(picked).tolist():
        units.setdefault(int(t.u_field[u]), []).append(u)
    for a in np.flatnonzero(fed).tolist():
        arcs.setdefault(int(t.a_field[a]), []).append(a)
    for f, rows in units.items():
        one = t.fields[f]
        into = {int(t.a_into[a]): a for a in arcs.get(f, [])}
        kept = _upstream({int(t.u_e[u]) for u in rows}, into, t.a_above)
        kept = _joined(stage, f, kept, into)
        closed = sum(1 << int(t.a_device[into[e]]) for e in kept if e in into)
        sections = sum(1 << int(t.e_section[e]) for e in kept)
        found[one.block].append(Proposal(one.root, sections, closed, tuple(sorted(int(t.u_unit[u]) for u in rows))))
    return found


def _upstream(needed: set[int], into: dict[int, int], above: Ints) -> set[int]:
    """Rows of e on the ways from the root to ``needed``."""
    kept: set[int] = set()
    for start in needed:
        e = start
        while e not in kept:
            kept.add(e)
            if e not in into:
                break
            e = int(above[into[e]])
    return kept


def _joined(stage: Stage, f: int, kept: set[int], into: dict[int, int]) -> set[int]:
    """With what hangs on them without a switch: candidate switches keep their section even if it serves nobody."""
    t, optional = stage.tables, stage.grid.optional
    if not optional.any():
        return kept
    more = {e for e, a in into.items() if optional[t.a_device[a]] and t.e_field[e] == f}
    while grown := {e for e in more - kept if int(t.a_above[into[e]]) in kept}:
        kept = kept | grown
    return kept
