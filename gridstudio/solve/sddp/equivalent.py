"""The deterministic equivalent: all paths of a small graph in one problem, the second method that checks the first.

Every vertex of the scenario tree (a path up to a node and its outcome) has its own columns. Risk measures are nested,
as training nests them: at each vertex the measure of the costs that follow it. CVaR is the linear program of
Rockafellar and Uryasev (2002): z + sum_o p_o u_o / (1 - alpha), u_o >= V_o - z, u_o >= 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gridstudio.errors import InputError, SolverError
from gridstudio.solve.risk import Blend, CVaR, Expectation, RiskMeasure, WorstCase
from gridstudio.solve.sddp.families import Risk, measure_after
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.model import Changed
from gridstudio.solve.sddp.problem import StageProblem
from gridstudio.solve.sddp.sampling import Step

FloatArray = NDArray[np.float64]

_OBJECTIVE = -1


@dataclass(frozen=True, eq=False)
class Optimum:
    """``cost`` of the best point found, ``bound`` never above the optimum: equal for an LP that was solved to the end,
    minus infinity for one that ran out of time at a point.

    ``decisions``: columns of the node's own problem by vertex, the steps that led there; ``size``: columns and rows.
    """

    cost: float
    bound: float
    decisions: dict[tuple[Step, ...], FloatArray]
    size: tuple[int, int]

    @property
    def gap(self) -> float:
        """Relative to the cost."""
        return (self.cost - self.bound) / max(abs(self.cost), 1e-12)


def deterministic_equivalent(
    graph: PolicyGraph,
    risk: Risk = Expectation(),
    integer: bool = True,
    time_limit_s: float = float("inf"),
    mip_gap: float = 1e-6,
    most_columns: int = 5_000_000,
) -> Optimum:
    """The optimum over all paths at once; InputError if that are more columns than ``most_columns``.

    SolverError if there is no solution, or none was found in time. ``integer`` False relaxes all integers.
    """
    tree = _Tree(graph, risk, most_columns)
    tree.follow(None, (), [], (_OBJECTIVE, 1.0))
    highs = highspy.Highs()
    for option, value in (("output_flag", False), ("mip_rel_gap", mip_gap)):
        highs.setOptionValue(option, value)
    if np.isfinite(time_limit_s):
        highs.setOptionValue("time_limit", float(time_limit_s))
    highs.passModel(tree.lp(integer))
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    solved = status == highspy.HighsModelStatus.kOptimal
    if not solved and info.primal_solution_status != 2:
        late = status == highspy.HighsModelStatus.kTimeLimit
        why = f"HiGHS ends with the status '{highs.modelStatusToString(status)}'"
        raise SolverError(f"Deterministic equivalent: {f'no solution in {time_limit_s:g} s' if late else why}.")
    columns = np.array(highs.getSolution().col_value)
    cost = info.objective_function_value
    bound = info.mip_dual_bound if integer and tree.has_integers else cost if solved else -np.inf
    decisions = {steps: columns[block] for steps, block in tree.blocks.items()}
    return Optimum(cost, bound, decisions, (highs.getNumCol(), highs.getNumRow()))


Account = tuple[int, float]  # where a cost is booked: the objective or a row (V_o - cost >= 0), and times what


class _Tree:
    """The tree's problem while it grows: columns and rows in blocks, matrix entries as triplets."""

    def __init__(self, graph: PolicyGraph, risk: Risk, most_columns: int) -> None:
        self.graph, self.risk, self._most = graph, risk, most_columns
        self.blocks: dict[tuple[Step, ...], slice] = {}
        self.columns, self.rows, self.offset = 0, 0, 0.0
        self._column_blocks: list[tuple[FloatArray, FloatArray, NDArray[np.bool_]]] = []  # lower, upper, integer
        self._row_blocks: list[tuple[FloatArray, FloatArray]] = []
        self._entries: list[tuple[NDArray, NDArray, FloatArray]] = []
        self._prices: list[tuple[NDArray, FloatArray]] = []
        self._constants: dict[int, float] = {}

    @property
    def has_integers(self) -> bool:
        return any(bool(integer.any()) for _, _, integer in self._column_blocks)

    def follow(self, parent: int | None, steps: tuple[Step, ...], handed: Sequence[int], account: Account) -> None:
        """Book what follows vertex ``steps``, which hands on the columns ``handed`` (state,)."""
        children = self.graph.roots if parent is None else self.graph.children[parent]
        outcomes = [
            (Step(child, k), self.graph.probability(parent, child) * float(p))
            for child in children
            for k, p in enumerate(self.graph.nodes[child].probabilities)
        ]
        outcomes = [(step, p) for step, p in outcomes if p > 0]
        if not outcomes:
            return
        p = np.array([chance for _, chance in outcomes])
        row, times = account
        measure = measure_after(self.graph, parent, self.risk)
        if isinstance(measure, Expectation):
            accounts = [(row, times * chance) for chance in p / p.sum()]
        else:
            costs = self.add_columns(np.full(len(p), -np.inf))
            rows = self.add_rows(np.zeros(len(p)), np.full(len(p), np.inf))
            self.enter(rows, costs, np.ones(len(p)))
            book_risk(measure, self, costs, p / p.sum(), account)
            accounts = [(int(r), 1.0) for r in rows]
        for (step, _), own in zip(outcomes, accounts, strict=True):
            self._vertex(step, steps, handed, own)

    def _vertex(self, step: Step, before: tuple[Step, ...], handed: Sequence[int], account: Account) -> None:
        node = self.graph.nodes[step.node]
        steps = (*before, step)
        first = self.columns
        for part, (problem, weight) in enumerate(zip(node.problems, node.weights, strict=True)):
            noise = step.noise(self.graph, part)
            assert isinstance(noise, int)
            at = self._problem(problem, noise, weight, handed, account)
            if part == 0:
                first, self.blocks[steps] = at, slice(at, at + len(problem.cost))
        if self.graph.children[step.node]:
            columns = {s.name: first + s.outgoing for s in node.problem.states if s.outgoing is not None}
            self.follow(step.node, steps, [columns[name] for name in self.graph.state_names], account)

    def _problem(
        self, problem: StageProblem, noise: int, weight: float, handed: Sequence[int], account: Account
    ) -> int:
        """Add a problem's columns and rows, tied to the columns that are handed over; its first column."""
        lower, upper, cost = problem.lower.copy(), problem.upper.copy(), problem.cost.copy()
        below, above = problem.row_lower.copy(), problem.row_upper.copy()
        changed = Changed.of(problem, problem.noises[noise])
        below[changed.rows[0]], above[changed.rows[0]] = changed.rows[1:]
        lower[changed.columns[0]], upper[changed.columns[0]] = changed.columns[1:]
        cost[changed.cost[0]] = changed.cost[1]
        copies = np.array([state.incoming for state in problem.states], int)
        place = np.array([self.graph.state_names.index(state.name) for state in problem.states], int)
        if not handed:
            lower[copies] = upper[copies] = self.graph.start[place]
        else:
            lower[copies], upper[copies] = -np.inf, np.inf
        columns = self.add_columns(lower, upper, problem.integer_mask)
        rows = self.add_rows(below, above)
        entries = problem.matrix.tocoo()
        self.enter(rows[entries.row], columns[entries.col], entries.data)
        if handed and len(copies):
            ties = self.add_rows(np.zeros(len(copies)), np.zeros(len(copies)))
            self.enter(ties, columns[copies], np.ones(len(copies)))
            self.enter(ties, np.array(handed)[place], -np.ones(len(copies)))
        self.book(columns, weight * cost, account, weight * problem.offset)
        return int(columns[0]) if len(columns) else self.columns

    def add_columns(
        self, lower: FloatArray, upper: FloatArray | None = None, integer: NDArray[np.bool_] | None = None
    ) -> NDArray:
        """New columns, open above and continuous if nothing else is said; their numbers."""
        count = len(lower)
        if self.columns + count > self._most:
            raise InputError(
                f"The deterministic equivalent has more than {self._most} columns: the graph is too large."
            )
        upper = np.full(count, np.inf) if upper is None else upper
        self._column_blocks.append((lower, upper, np.zeros(count, bool) if integer is None else integer))
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def add_rows(self, lower: FloatArray, upper: FloatArray) -> NDArray:
        self._row_blocks.append((lower, upper))
        self.rows += len(lower)
        return np.arange(self.rows - len(lower), self.rows)

    def enter(self, rows: NDArray, columns: NDArray, values: FloatArray) -> None:
        """Matrix entries."""
        self._entries.append((rows, columns, values))

    def book(self, columns: NDArray, cost: FloatArray, account: Account, constant: float = 0.0) -> None:
        """Cost of columns, and a constant, to the objective or to a row."""
        row, times = account
        if row == _OBJECTIVE:
            self._prices.append((columns, times * cost))
            self.offset += times * constant
        else:
            self.enter(np.full(len(columns), row), columns, -times * cost)
            self._constants[row] = self._constants.get(row, 0.0) + times * constant

    def lp(self, integer: bool) -> highspy.HighsLp:
        """The whole problem for HiGHS."""
        row, column, value = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        matrix = sparse.csr_matrix((value, (row, column)), (self.rows, self.columns))
        cost = np.zeros(self.columns)
        for columns, prices in self._prices:
            np.add.at(cost, columns, prices)
        below, above = (np.concatenate(parts) for parts in zip(*self._row_blocks, strict=True))
        for number, constant in self._constants.items():
            below[number] += constant
        lower, upper, whole = (np.concatenate(parts) for parts in zip(*self._column_blocks, strict=True))
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_, lp.offset_ = self.rows, self.columns, self.offset
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
        lp.row_lower_, lp.row_upper_ = below, above
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        if integer and whole.any():
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[int(flag)] for flag in whole]
        return lp


@singledispatch
def book_risk(risk: RiskMeasure, tree: _Tree, costs: NDArray, p: FloatArray, account: Account) -> None:
    """Book the measure of the cost columns ``costs`` (outcome,), probabilities ``p``; register it for a new measure."""
    raise InputError(f"The deterministic equivalent knows no linear program of the risk measure {risk!r}.")


@book_risk.register
def _(risk: Expectation, tree: _Tree, costs: NDArray, p: FloatArray, account: Account) -> None:
    tree.book(costs, p, account)


@book_risk.register
def _(risk: CVaR, tree: _Tree, costs: NDArray, p: FloatArray, account: Account) -> None:
    value_at_risk, excess = tree.add_columns(np.array([-np.inf])), tree.add_columns(np.zeros(len(p)))
    tree.book(value_at_risk, np.ones(1), account)
    tree.book(excess, p / (1 - risk.alpha), account)
    rows = tree.add_rows(np.zeros(len(p)), np.full(len(p), np.inf))
    for columns, sign in ((np.repeat(value_at_risk, len(p)), 1.0), (excess, 1.0), (costs, -1.0)):
        tree.enter(rows, columns, np.full(len(p), sign))


@book_risk.register
def _(risk: WorstCase, tree: _Tree, costs: NDArray, p: FloatArray, account: Account) -> None:
    worst = tree.add_columns(np.array([-np.inf]))
    tree.book(worst, np.ones(1), account)
    rows = tree.add_rows(np.zeros(len(p)), np.full(len(p), np.inf))
    tree.enter(rows, np.repeat(worst, len(p)), np.ones(len(p)))
    tree.enter(rows, costs, -np.ones(len(p)))


@book_risk.register
def _(risk: Blend, tree: _Tree, costs: NDArray, p: FloatArray, account: Account) -> None:
    row, times = account
    for share, measure in ((1 - risk.lambda_, risk.a), (risk.lambda_, risk.b)):
        if share > 0:
            book_risk(measure, tree, costs, p, (row, times * share))
