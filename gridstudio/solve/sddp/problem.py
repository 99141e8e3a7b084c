"""The problem of one stage in arrays: what a node decides, what it takes over and hands on, and what may happen there.

    minimise    offset + cost @ y + (cost to go of the outgoing states)
    subject to  row_lower <= matrix @ y <= row_upper,   lower <= y <= upper,   y[integer] integer,
                y[state.incoming] = the state handed over by the node before

Nothing here knows what the columns mean. Costs are discounted by whoever writes them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Change = tuple[IntArray, FloatArray]

_TOLERANCE = 1e-9
_CHANGED = ("rhs", "row_lower", "row_upper", "lower", "upper", "cost")


@dataclass(frozen=True)
class State:
    """A quantity that is handed from stage to stage: its ``incoming`` and ``outgoing`` column.

    The incoming column is a copy: training fixes it by its bounds, and its reduced cost is the slope of the cut. Give
    it as bounds the range that the state can take (finite for strengthened Benders and Lagrangian cuts) and no cost.
    ``outgoing`` is None where nothing is handed on: in parts, and in nodes without children. It may equal ``incoming``
    for a state that never changes. ``integer``: handed on as a whole number.
    """

    name: str
    incoming: int
    outgoing: int | None = None
    integer: bool = False


@dataclass(frozen=True, eq=False)
class Noise:
    """One thing that may happen: values put in place of the problem's own, each as (indices, values).

    ``rhs``: both bounds of rows (equations); ``row_lower``, ``row_upper``: one of them; ``lower``, ``upper``: bounds
    of columns, never of incoming ones; ``cost``: cost of columns. What is None stays as the problem has it.
    """

    probability: float = 1.0
    rhs: tuple[ArrayLike, ArrayLike] | None = None
    row_lower: tuple[ArrayLike, ArrayLike] | None = None
    row_upper: tuple[ArrayLike, ArrayLike] | None = None
    lower: tuple[ArrayLike, ArrayLike] | None = None
    upper: tuple[ArrayLike, ArrayLike] | None = None
    cost: tuple[ArrayLike, ArrayLike] | None = None
    name: str = ""

    def changes(self) -> Iterator[tuple[str, Change]]:
        """Each change that is given, as arrays, under its field's name."""
        for kind in _CHANGED:
            given = getattr(self, kind)
            if given is not None:
                yield kind, (np.atleast_1d(np.asarray(given[0], np.int64)), np.atleast_1d(np.asarray(given[1], float)))


@dataclass(frozen=True, eq=False)
class StageProblem:
    """A linear or mixed-integer problem in arrays of n columns and m rows; InputError if they do not fit.

    ``cost``, ``lower``, ``upper``: (n,); ``matrix``: (m, n), anything SciPy makes a CSR matrix of; ``row_lower``,
    ``row_upper``: (m,), infinite where open; ``integer``: (n,) mask, None for none; ``noises``: what may happen, with
    probabilities that add to one, independent of the stages before (dependence goes into nodes of a Markov chain).
    ``column_names``, ``row_names`` and ``row_groups`` serve messages: a problem without solution names the group.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    matrix: sparse.csr_matrix
    row_lower: FloatArray
    row_upper: FloatArray
    states: tuple[State, ...] = ()
    integer: NDArray[np.bool_] | None = None
    noises: tuple[Noise, ...] = field(default_factory=lambda: (Noise(),))
    offset: float = 0.0
    column_names: Sequence[str] | None = None
    row_names: Sequence[str] | None = None
    row_groups: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name in ("cost", "lower", "upper", "row_lower", "row_upper"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        object.__setattr__(self, "matrix", sparse.csr_matrix(self.matrix, dtype=float))
        mask = np.zeros(len(self.cost), bool) if self.integer is None else np.asarray(self.integer, bool)
        object.__setattr__(self, "integer", mask)
        object.__setattr__(self, "states", tuple(self.states))
        object.__setattr__(self, "noises", tuple(self.noises))
        findings = list(_shape_findings(self)) or [*_value_findings(self), *_state_findings(self)]
        findings += [] if findings else list(_noise_findings(self))
        if findings:
            raise InputError.from_findings("Stage problem", findings)

    @property
    def integer_mask(self) -> NDArray[np.bool_]:
        """Columns that must be whole (n,): those of ``integer`` and integer states handed on, never a copy."""
        mask = np.zeros(len(self.cost), bool) if self.integer is None else self.integer.copy()
        mask[[state.incoming for state in self.states]] = False
        mask[[state.outgoing for state in self.states if state.integer and state.outgoing is not None]] = True
        return mask

    @property
    def has_integers(self) -> bool:
        return bool(self.integer_mask.any())

    @property
    def probabilities(self) -> FloatArray:
        return np.array([noise.probability for noise in self.noises])

    def row_label(self, row: int) -> str:
        """The row in words: its group and its name as far as they are given."""
        group = f"group {self.row_groups[row]!r}, " if self.row_groups is not None else ""
        return group + (f"row {self.row_names[row]!r}" if self.row_names is not None else f"row {row}")


def _shape_findings(problem: StageProblem) -> Iterator[str]:
    m, n = problem.matrix.shape
    shapes = {"cost": n, "lower": n, "upper": n, "integer": n, "row_lower": m, "row_upper": m}
    for name, length in shapes.items():
        if getattr(problem, name).shape != (length,):
            yield f"{name} has shape {getattr(problem, name).shape}, but the matrix {m} rows and {n} columns."
    for name, length in {"column_names": n, "row_names": m, "row_groups": m}.items():
        given = getattr(problem, name)
        if given is not None and len(given) != length:
            yield f"{len(given)} {name} are given, {length} are needed."


def _value_findings(problem: StageProblem) -> Iterator[str]:
    if not (np.isfinite(problem.cost).all() and np.isfinite(problem.offset)):
        yield "a cost is not a finite number."
    if not np.isfinite(problem.matrix.data).all():
        yield "a matrix coefficient is not a finite number."
    for low, high in (("lower", "upper"), ("row_lower", "row_upper")):
        below, above = getattr(problem, low), getattr(problem, high)
        wrong = np.flatnonzero(~(below <= above))
        if len(wrong):
            i = int(wrong[0])
            yield f"{low}[{i}] = {below[i]:g} and {high}[{i}] = {above[i]:g} leave nothing between them."


def _state_findings(problem: StageProblem) -> Iterator[str]:
    n = len(problem.cost)
    names = [state.name for state in problem.states]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the state {name!r} is given twice."
    for state in problem.states:
        for which, column in (("incoming", state.incoming), ("outgoing", state.outgoing)):
            if column is not None and not 0 <= column < n:
                yield f"the {which} column {column} of state {state.name!r} is not among the {n} columns."
    used = [state.incoming for state in problem.states]
    if len(set(used)) < len(used):
        yield "two states share one incoming column."
    handed = [state.outgoing for state in problem.states if state.outgoing is not None]
    if len(set(handed)) < len(handed):
        yield "two states share one outgoing column."


def _noise_findings(problem: StageProblem) -> Iterator[str]:
    p = problem.probabilities
    if not np.all(p >= 0):
        wrong = int(np.flatnonzero(~(p >= 0))[0])
        yield f"the probability of noise {wrong} is {p[wrong]:g}; it must not be negative."
    elif not (len(p) and abs(p.sum() - 1) <= _TOLERANCE):
        yield f"the probabilities of the noises add to {p.sum():g}; they must add to 1."
    m, n = problem.matrix.shape
    copies = {state.incoming for state in problem.states}
    for number, noise in enumerate(problem.noises):
        for kind, (indices, values) in noise.changes():
            size = m if kind in ("rhs", "row_lower", "row_upper") else n
            if indices.shape != values.shape or indices.ndim != 1:
                yield f"noise {number}: {kind} has {indices.shape} indices and {values.shape} values."
            elif len(indices) and not 0 <= indices.min() <= indices.max() < size:
                yield f"noise {number}: {kind} names an index outside 0 to {size - 1}."
            elif np.isnan(values).any() or (kind in ("cost", "rhs") and not np.isfinite(values).all()):
                yield f"noise {number}: a value of {kind} is not a number that can be used."
            elif kind in ("lower", "upper") and copies & set(indices.tolist()):
                yield f"noise {number}: {kind} changes the incoming column of a state, which training fixes."
