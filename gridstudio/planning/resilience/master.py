"""The linear program of the decomposition, (D1) to (D7) of ``bound``, that grows by answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from gridstudio.planning.resilience.answers import Answers, Box, FirstStage
from gridstudio.planning.resilience.contract import Floats, Problem

USED = 1e-9  # a smaller share is none


@dataclass(frozen=True, eq=False)
class Prices:
    """The master's optimum. ``worth``: (block,) of a unit that it serves; ``whole``: (block,) of its share; ``price``:
    by block, of a step (column,)."""

    value: float
    worth: Floats
    whole: Floats
    price: list[Floats]


class Master:
    """Of one box. ``add`` answers, ``solve``, and read prices."""

    def __init__(
        self,
        problem: Problem,
        first: FirstStage,
        asked: Sequence[Answers],
        of_storm: Sequence[tuple[int, ...]],
        box: Box,
    ) -> None:
        self._asked, self._first = asked, first
        self._highs = h = highspy.Highs()
        h.setOptionValue("output_flag", False)
        h.setOptionValue("threads", 1)
        self._answers: list[tuple[int, dict[int, int]]] = []
        low, high = box.low * first.step, np.minimum(box.high * first.step, first.most)
        for least, most in zip(low.tolist(), np.maximum(low, high).tolist(), strict=True):
            h.addCol(0.0, least, most, 0, [], [])
        columns = list(range(len(first.step)))
        h.addRow(-highspy.kHighsInf, problem.budget.kw, len(columns), columns, first.kw.tolist())
        h.addRow(-highspy.kHighsInf, problem.budget.usd, len(columns), columns, first.usd.tolist())
        lost = self._losses(problem)
        self._served = h.getNumRow()
        for k in range(len(of_storm)):
            h.addRow(problem.grid.total_weighted_kw, highspy.kHighsInf, 1, [lost + k], [1.0])
        self._whole = h.getNumRow()
        for _ in asked:
            h.addRow(1.0, 1.0, 0, [], [])
        self._used: list[dict[int, int]] = []
        for one in asked:
            self._used.append({column: h.getNumRow() + n for n, column in enumerate(one.columns)})
            for column in one.columns:
                h.addRow(-highspy.kHighsInf, 0.0, 1, [column], [-1.0])
        self._storms = [[k for k, own in enumerate(of_storm) if one.g in own] for one in asked]
        self._shares = h.getNumCol()
        self._x, self._dual = np.zeros(self._shares), np.zeros(h.getNumRow())

    def _losses(self, problem: Problem) -> int:
        """Columns and rows of (D1) and (D3); the first column of lost. Without risk aversion there is no tail."""
        h, risk, p = self._highs, problem.risk, problem.storms.probability
        total, count, lost = problem.grid.total_weighted_kw, len(p), self._highs.getNumCol()
        for share in p:
            h.addCol(float((1 - risk.lambda_) * share), 0.0, total, 0, [], [])
        if risk.lambda_ == 0:
            return lost
        eta = lost + count
        h.addCol(risk.lambda_, 0.0, total, 0, [], [])
        for k, share in enumerate(p):
            h.addCol(float(risk.lambda_ * share / (1 - risk.alpha)), 0.0, highspy.kHighsInf, 0, [], [])
            h.addRow(0.0, highspy.kHighsInf, 3, [eta + 1 + k, lost + k, eta], [1.0, -1.0, 1.0])
        return lost

    def add(self, n: int, value: float, steps: Mapping[int, int]) -> None:
        """An answer of a block, with the steps of the first stage's columns that it uses."""
        used = {self._used[n][column]: float(size * self._first.step[column]) for column, size in steps.items()}
        served = [self._served + k for k in self._storms[n]] if value else []
        rows, values = [self._whole + n, *served, *used], [1.0, *(value for _ in served), *used.values()]
        self._highs.addCol(0.0, 0.0, highspy.kHighsInf, len(rows), rows, values)
        self._answers.append((n, dict(steps)))

    def solve(self) -> Prices | None:
        """The prices at the optimum; None where HiGHS does not say that it is one: what it leaves then proves nothing,
        and ``apart`` and ``first_stage`` keep to the optimum before."""
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._highs.getSolution()
        dual = self._dual = np.asarray(solution.row_dual)
        self._x = np.asarray(solution.col_value)
        worth = np.array([dual[[self._served + k for k in own]].sum() for own in self._storms])
        whole = -dual[self._whole : self._whole + len(self._asked)]
        prices = []
        for rows in self._used:
            price = np.zeros(len(self._first.step))
            for column, row in rows.items():
                price[column] = max(-dual[row], 0.0) * self._first.step[column]
            prices.append(price)
        return Prices(float(self._highs.getInfo().objective_function_value), worth, whole, prices)

    def apart(self) -> Floats:
        """How much the blocks use beyond the first stage, at its price (column,)."""
        x, found = self._x, np.zeros(len(self._first.step))
        for share, (n, steps) in zip(x[self._shares :], self._answers, strict=False):  # new ones have no share yet
            for column, size in steps.items() if share > USED else ():
                beyond = max(size * self._first.step[column] - x[column], 0.0)
                found[column] -= share * beyond * self._dual[self._used[n][column]]
        return found

    def first_stage(self) -> Floats:
        """Values of its columns."""
        return np.asarray(self._x[: len(self._first.step)])
