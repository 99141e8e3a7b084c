"""A small builder of linear programs: variables and constraint groups with names, rows as sums of terms, arrays out.

    power = program.variables("power", (24, 3), upper=limit, cost=price)     positions of columns, shape (24, 3)
    rows = program.rows("nodal_balance (6)", (24, 2), load, load)            positions of rows, shape (24, 2)
    program.add(rows, power[:, :2], 1.0)                                     coefficients, broadcast together
    program.add_sums(rows, matrix, power)                              rows[h, m] += sum of matrix[m, i] power[h, i]

A group's name ends in the number of its equation; messages about rows without a solution name the group.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gridstudio.solve.sddp.problem import StageProblem, State

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(eq=False)
class Program:
    """A program in the making; ``groups`` gives the columns of each variable and the rows of each group by name."""

    variable_groups: dict[str, IntArray] = field(default_factory=dict)
    row_groups: dict[str, IntArray] = field(default_factory=dict)
    _lower: list[FloatArray] = field(default_factory=list)
    _upper: list[FloatArray] = field(default_factory=list)
    _cost: list[FloatArray] = field(default_factory=list)
    _integer: list[NDArray[np.bool_]] = field(default_factory=list)
    _row_lower: list[FloatArray] = field(default_factory=list)
    _row_upper: list[FloatArray] = field(default_factory=list)
    _entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _columns: int = 0
    _rows: int = 0

    def variables(
        self,
        name: str,
        shape: int | tuple[int, ...],
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: ArrayLike = False,
    ) -> IntArray:
        """New columns of the given shape; bounds, costs and the integer mask are broadcast to it."""
        shape = (shape,) if isinstance(shape, int) else shape
        count = int(np.prod(shape))
        found = np.arange(self._columns, self._columns + count).reshape(shape)
        for values, kept in ((lower, self._lower), (upper, self._upper), (cost, self._cost)):
            kept.append(np.broadcast_to(np.asarray(values, dtype=float), shape).ravel())
        self._integer.append(np.broadcast_to(np.asarray(integer, dtype=bool), shape).ravel())
        self._columns += count
        self.variable_groups[name] = found
        return found

    def rows(self, group: str, shape: int | tuple[int, ...], lower: ArrayLike, upper: ArrayLike) -> IntArray:
        """New rows lower <= ... <= upper of the given shape, without terms yet."""
        shape = (shape,) if isinstance(shape, int) else shape
        count = int(np.prod(shape))
        found = np.arange(self._rows, self._rows + count).reshape(shape)
        for values, kept in ((lower, self._row_lower), (upper, self._row_upper)):
            kept.append(np.broadcast_to(np.asarray(values, dtype=float), shape).ravel())
        self._rows += count
        known = self.row_groups.get(group)
        self.row_groups[group] = found.ravel() if known is None else np.concatenate([known, found.ravel()])
        return found

    def add(self, rows: IntArray, columns: IntArray, values: ArrayLike) -> None:
        """Coefficients of columns in rows; the three are broadcast together, terms on the same place add up."""
        r, c, v = np.broadcast_arrays(rows, columns, np.asarray(values, dtype=float))
        kept = v.ravel() != 0
        self._entries.append((r.ravel()[kept], c.ravel()[kept], v.ravel()[kept]))

    def add_sums(self, rows: IntArray, matrix: ArrayLike, columns: IntArray) -> None:
        """rows[..., m] += sum over i of matrix[m, i] * columns[..., i]."""
        given = np.asarray(matrix, dtype=float)
        m, i = np.nonzero(given)
        if len(m):
            self.add(rows[..., m], columns[..., i], given[m, i])

    def problem(self, states: tuple[State, ...] = ()) -> StageProblem:
        """The program as arrays for the solver, with the group of each row for its messages."""
        groups = np.empty(self._rows, dtype=object)
        for name, rows in self.row_groups.items():
            groups[rows] = name
        r, c, v = (
            np.concatenate([entry[k] for entry in self._entries]) if self._entries else np.zeros(0) for k in range(3)
        )
        matrix = sparse.csr_matrix((v, (r.astype(int), c.astype(int))), shape=(self._rows, self._columns))
        return StageProblem(
            cost=_joined(self._cost),
            lower=_joined(self._lower),
            upper=_joined(self._upper),
            matrix=matrix,
            row_lower=_joined(self._row_lower),
            row_upper=_joined(self._row_upper),
            states=states,
            integer=np.concatenate(self._integer) if self._integer else None,
            row_groups=list(groups),
        )


def _joined(parts: list[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros(0)
