"""A program that falls into parts, solved part by part; and the islands that stand in a solution."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import highspy
import linopy
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gridstudio.errors import SolverError
from gridstudio.planning.resilience.contract import Bools, Floats, Ints
from gridstudio.planning.resilience.stage import Proposal, Stage
from gridstudio.solve.integer import matrix_form

ON = 0.5
BLOCK_GAP = 1e-4  # no time limit: what comes out must not depend on the machine


def block_gap(gap: float) -> float:
    """The gap to which the parts of a program are solved whose own gap is given: none where none is asked for."""
    return BLOCK_GAP if gap > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Columns:
    """Those of a program. ``low`` = ``high``: fixed; ``rows_at_most``, ``rows_least``: bounds of the rows (row,)."""

    a: csr_array
    cost: Floats
    low: Floats
    high: Floats
    integer: Bools
    rows_least: Floats
    rows_at_most: Floats

    def content(self, gap: float) -> bytes:
        """What tells a program from others, all of it."""
        rest = self.cost, self.low, self.high, self.integer, self.rows_least, self.rows_at_most, np.array([gap])
        numbers = [self.a.data, self.a.indices, self.a.indptr, *rest]
        return hashlib.sha256(b"|".join(np.ascontiguousarray(part).tobytes() for part in numbers)).digest()


def solved_apart(
    model: linopy.Model, known: dict[bytes, Floats], given: Mapping[str, Floats] | None = None, gap: float = BLOCK_GAP
) -> Floats:
    """The optimum, to a relative gap, of a model whose fixed columns are all that its parts have in common.

    ``known``: optima of parts that were solved before, by all that is in them; new ones are added. ``given``: values of
    some variables that are to be fixed at them.
    """
    whole = _columns_of(model, given or {})
    x, highs = np.where(whole.low == whole.high, whole.low, 0.0), _silent(gap)
    for at, part in _parts(whole, x):
        key = part.content(gap)
        if key not in known:
            known[key] = _optimum(highs, part)
        x[at] = known[key]
    return x


def _columns_of(model: linopy.Model, given: Mapping[str, Floats]) -> Columns:
    """Of a model, with some variables fixed."""
    form = matrix_form(model)
    matrix, shape = form.a_matrix_, (form.num_row_, form.num_col_)
    low, high = np.array(form.col_lower_, dtype=float), np.array(form.col_upper_, dtype=float)
    for name, values in given.items():
        low[columns(model, name)] = high[columns(model, name)] = values
    return Columns(
        a=csr_array((np.asarray(matrix.value_), np.asarray(matrix.index_), np.asarray(matrix.start_)), shape),
        cost=np.asarray(form.col_cost_),
        low=low,
        high=high,
        integer=np.array([kind != "C" for kind in model.matrices.vtypes], dtype=bool),
        rows_least=np.asarray(form.row_lower_),
        rows_at_most=np.asarray(form.row_upper_),
    )


def _parts(whole: Columns, fixed: Floats) -> Iterator[tuple[Ints, Columns]]:
    """The columns that are not fixed, by what hangs together over rows; parts with nothing to gain are left out.

    ``fixed``: (column,) values of the others, 0 of these.
    """
    still, free = whole.a @ fixed, np.flatnonzero(whole.low != whole.high)
    own = whole.a[:, free].tocsc()
    count, of_column = connected_components(abs(own).T @ abs(own), directed=False)
    order = np.argsort(of_column, kind="stable")
    for some in np.split(order, np.cumsum(np.bincount(of_column, minlength=count))[:-1]):
        at = free[some]
        if (whole.cost[at] >= 0).all():
            continue
        part = own[:, some]
        rows = np.unique(part.indices)
        bounds = whole.rows_least[rows] - still[rows], whole.rows_at_most[rows] - still[rows]
        yield (
            at,
            Columns(csr_array(part[rows]), whole.cost[at], whole.low[at], whole.high[at], whole.integer[at], *bounds),
        )


def columns(model: linopy.Model, name: str) -> Ints:
    """Where the solver keeps a variable."""
    return np.asarray(np.searchsorted(model.matrices.vlabels, np.atleast_1d(model.variables[name].labels.values)))


def _silent(gap: float) -> highspy.Highs:
    """HiGHS on one thread, so that the same part has the same answer."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("mip_rel_gap", gap)
    return highs


def _optimum(highs: highspy.Highs, part: Columns) -> Floats:
    """The best x of one part; nothing picked up is always possible."""
    form = highspy.HighsLp()
    form.num_row_, form.num_col_ = part.a.shape
    form.col_cost_, form.col_lower_, form.col_upper_ = part.cost, part.low, part.high
    form.row_lower_, form.row_upper_ = part.rows_least, part.rows_at_most
    form.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    form.a_matrix_.start_, form.a_matrix_.index_, form.a_matrix_.value_ = part.a.indptr, part.a.indices, part.a.data
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    form.integrality_ = [kinds[int(one)] for one in part.integer]
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
