"""One HiGHS model of a stage problem, kept warm: what changes between two solves is sent in arrays, the basis stays.

Measured traps of HiGHS 1.11 to 1.15: the number of threads is set once per process (a second number is an error), so it
is left alone here and each model solves on one; ``time_limit`` counts from the first solve of a model for LPs, from the
start of each for MIPs (1.15), so a solve that was cut short for time it did not have is run again with the time already
spent added; a model that says "unbounded or infeasible" after presolve is asked again without.
"""

from dataclasses import dataclass, replace

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gridstudio.errors import SolverError
from gridstudio.solve.sddp.problem import Noise, StageProblem

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NONE = np.empty(0, np.int64)
_OPTIMAL = highspy.HighsModelStatus.kOptimal
_LATE = highspy.HighsModelStatus.kTimeLimit
_STOPPED = (_LATE, highspy.HighsModelStatus.kSolutionLimit)
_NO_POINT = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


class Infeasible(Exception):
    """No point satisfies the constraints; whoever knows the node's name turns it into a SolverError."""


@dataclass(frozen=True)
class MipLimits:
    """When a mixed-integer subproblem is good enough: relative gap, and branch-and-bound nodes or seconds after which
    its incumbent is taken. Nodes stop at the same point on any machine, seconds do not."""

    gap: float = 1e-4
    time_s: float = float("inf")
    nodes: int = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Changed:
    """A noise as the bounds and costs that it puts in place: indices with their values."""

    rows: tuple[IntArray, FloatArray, FloatArray]
    columns: tuple[IntArray, FloatArray, FloatArray]
    cost: tuple[IntArray, FloatArray]

    @classmethod
    def of(cls, problem: StageProblem, noise: Noise) -> "Changed":
        rows = (problem.row_lower.copy(), problem.row_upper.copy())
        columns = (problem.lower.copy(), problem.upper.copy())
        cost, touched = problem.cost.copy(), {"row": [_NONE], "column": [_NONE], "cost": [_NONE]}
        targets = {"rhs": ("row", rows), "row_lower": ("row", rows[:1]), "row_upper": ("row", rows[1:])}
        targets |= {"lower": ("column", columns[:1]), "upper": ("column", columns[1:]), "cost": ("cost", (cost,))}
        for kind, (indices, values) in noise.changes():
            what, arrays = targets[kind]
            touched[what].append(indices)
            for array in arrays:
                array[indices] = values
        row, column, priced = (np.unique(np.concatenate(touched[what])) for what in ("row", "column", "cost"))
        return cls(
            (row, rows[0][row], rows[1][row]), (column, columns[0][column], columns[1][column]), (priced, cost[priced])
        )


class WarmModel:
    """The columns of ``problem`` and ``extra`` columns behind them (cost, lower bound), rows added as cuts come."""

    def __init__(
        self,
        problem: StageProblem,
        extra_cost: FloatArray,
        extra_lower: FloatArray,
        integer: NDArray,
        limits: MipLimits,
    ) -> None:
        self._problem, self._limits, self._is_mip = problem, limits, bool(integer.any())
        self._none = Changed.of(problem, Noise())
        self._noise = self._none
        self.solves = 0
        self._highs = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("parallel", "off"),
            ("mip_rel_gap", limits.gap),
            ("mip_max_nodes", limits.nodes),
        ):
            self._highs.setOptionValue(option, value)
        self._highs.passModel(_lp(problem, extra_cost, extra_lower))
        if self._is_mip:
            self.set_integer(np.flatnonzero(integer), True)

    def set_noise(self, noise: Changed) -> None:
        """Put the noise's values in place of those of the noise before."""
        if noise is self._noise:
            return
        base, before = self._problem, self._noise
        self._noise = noise
        rows, columns, priced = before.rows[0], before.columns[0], before.cost[0]
        self._set_rows(rows, base.row_lower[rows], base.row_upper[rows])
        self.set_columns(columns, base.lower[columns], base.upper[columns])
        self.set_cost(priced, base.cost[priced])
        self._set_rows(*noise.rows)
        self.set_columns(*noise.columns)
        self.set_cost(*noise.cost)

    def _set_rows(self, rows: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        if len(rows):
            self._highs.changeRowsBounds(len(rows), rows.astype(np.int32), lower, upper)  # type: ignore[attr-defined]

    def set_columns(self, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        if len(columns):
            self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def set_cost(self, columns: IntArray, cost: FloatArray) -> None:
        if len(columns):
            self._highs.changeColsCost(len(columns), columns.astype(np.int32), cost)

    def set_integer(self, columns: IntArray, integer: bool) -> None:
        """Make the columns integer or continuous."""
        if len(columns):
            kind = highspy.HighsVarType.kInteger if integer else highspy.HighsVarType.kContinuous
            kinds = np.full(len(columns), int(kind), dtype=np.uint8)
            self._highs.changeColsIntegrality(len(columns), columns.astype(np.int32), kinds)

    def add_rows(self, rows: sparse.csr_matrix, lower: FloatArray) -> None:
        """Rows >= lower below those that are there; the basis is kept."""
        upper = np.full(len(lower), highspy.kHighsInf)
        start, index = rows.indptr[:-1].astype(np.int32), rows.indices.astype(np.int32)
        self._highs.addRows(len(lower), lower, upper, rows.nnz, start, index, rows.data)

    def drop_rows(self) -> None:
        """Take away every row that was added; the next solve starts cold."""
        first, count = len(self._problem.row_lower), self._highs.getNumRow()
        if count > first:
            self._highs.deleteRows(count - first, np.arange(first, count, dtype=np.int32))

    def solve(self) -> float:
        """The least cost; Infeasible if there is no point, SolverError if HiGHS ends without an answer."""
        status = self._run()
        if status in _STOPPED and self._highs.getInfo().primal_solution_status == 2:
            return self._highs.getInfo().objective_function_value
        if status != _OPTIMAL:
            self._highs.clearSolver()
            self._highs.setOptionValue("presolve", "off")
            status = self._run()
            self._highs.setOptionValue("presolve", "choose")
        if status in _NO_POINT:
            raise Infeasible
        if status == highspy.HighsModelStatus.kUnbounded:
            raise SolverError("the cost falls without limit: a column that earns needs a bound.")
        if status != _OPTIMAL:
            raise SolverError(f"HiGHS ends with the status '{self._highs.modelStatusToString(status)}'.")
        return self._highs.getInfo().objective_function_value

    def _run(self) -> highspy.HighsModelStatus:
        self.solves += 1
        limit, before = self._limits.time_s, self._highs.getRunTime()
        if self._is_mip and np.isfinite(limit):
            self._highs.setOptionValue("time_limit", limit)
        self._highs.run()
        if self._highs.getModelStatus() == _LATE and self._highs.getRunTime() - before < 0.5 * limit:
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + limit)
            self._highs.run()
        return self._highs.getModelStatus()

    def proven(self) -> float:
        """What the least cost of the last solve is never below: the bound of a MIP, the optimum of an LP."""
        info = self._highs.getInfo()
        return info.mip_dual_bound if self._is_mip else info.objective_function_value

    def values(self) -> FloatArray:
        return np.array(self._highs.getSolution().col_value)

    def reduced_costs(self) -> FloatArray:
        return np.array(self._highs.getSolution().col_dual)


def _lp(problem: StageProblem, extra_cost: FloatArray, extra_lower: FloatArray) -> highspy.HighsLp:
    """The problem with the extra columns, which stand in no row yet and have no upper bound."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = problem.matrix.shape[0], len(problem.cost) + len(extra_cost)
    lp.offset_ = problem.offset
    lp.col_cost_ = np.concatenate([problem.cost, extra_cost])
    lp.col_lower_ = np.concatenate([problem.lower, extra_lower])
    lp.col_upper_ = np.concatenate([problem.upper, np.full(len(extra_cost), highspy.kHighsInf)])
    lp.row_lower_, lp.row_upper_ = problem.row_lower, problem.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = problem.matrix.indptr, problem.matrix.indices
    lp.a_matrix_.value_ = problem.matrix.data
    return lp


def culprit(problem: StageProblem, noise: Changed, incoming: FloatArray) -> str:
    """Which constraint has to give way, and by how much, for a point to exist: the largest of the least violations.

    ``incoming``: values of ``problem.states``. Every row may be broken at a price of 1 per unit; column bounds hold.
    """
    m, n = problem.matrix.shape
    slacks, free = np.zeros(2 * m), np.full(2 * m, np.inf)
    elastic = StageProblem(
        np.concatenate([np.zeros(n), slacks + 1]),
        np.concatenate([problem.lower, slacks]),
        np.concatenate([problem.upper, free]),
        sparse.hstack([problem.matrix, sparse.identity(m), -sparse.identity(m)]).tocsr(),
        problem.row_lower,
        problem.row_upper,
        integer=np.concatenate([problem.integer_mask, slacks > 0]),
    )
    model = WarmModel(elastic, np.empty(0), np.empty(0), elastic.integer_mask, MipLimits())
    model.set_noise(replace(noise, cost=(np.empty(0, int), np.empty(0))))
    model.set_columns(np.array([state.incoming for state in problem.states], int), incoming, incoming)
    try:
        model.solve()
    except Infeasible:
        return "the bounds of its columns contradict each other or the integers"
    broken = model.values()[n:].reshape(2, m).sum(axis=0)
    row = int(broken.argmax())
    return f"{problem.row_label(row)} cannot be met and would have to give way by {broken[row]:.6g}"
