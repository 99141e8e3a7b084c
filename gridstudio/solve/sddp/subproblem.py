"""A stage problem with its cost to go: cuts come in, tangents and decisions go out.

Columns behind those of the problem: theta, the cost to go, and with several cut families ("slots") one theta_s each,
    theta >= weights @ theta_s      for every vector of weights that the risk measure has given so far,
    theta_s >= intercept + slope @ (outgoing states)     for every cut of the slot.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gridstudio.errors import SolverError
from gridstudio.solve.sddp.model import Changed, Infeasible, MipLimits, WarmModel, culprit
from gridstudio.solve.sddp.problem import Noise, StageProblem

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_REMEMBERED = 4096  # tangents of a problem without cost to go: they never change


@dataclass(frozen=True, eq=False)
class Spec:
    """What a subproblem is made from; small enough to send, and the same wherever it is built.

    ``label`` names it in messages; ``slots``: number of cut families, 0 where nothing follows; ``lower_bound``: of the
    cost to go; ``is_part``: its integers are local recourse.
    """

    problem: StageProblem
    label: str
    state_names: tuple[str, ...]
    slots: int
    lower_bound: float
    is_part: bool
    limits: MipLimits


class Tangent(NamedTuple):
    """A plane below the value function that has ``value`` at the state it was asked for, and its ``slope`` (state,)."""

    value: float
    slope: FloatArray


class Decision(NamedTuple):
    """``objective`` with and ``cost`` without the cost to go, ``outgoing`` states (state,), all ``columns`` (n,)."""

    objective: float
    cost: float
    outgoing: FloatArray
    columns: FloatArray


class Subproblem:
    """A stage problem in HiGHS: its relaxation, and beside it, once asked for, the mixed-integer problem."""

    def __init__(self, spec: Spec) -> None:
        problem, names = spec.problem, spec.state_names
        self.spec = spec
        self.takes = np.array([names.index(state.name) for state in problem.states], int)
        self._incoming = np.array([state.incoming for state in problem.states], int)
        self._outgoing = np.full(len(names), -1)
        for place, state in zip(self.takes, problem.states, strict=True):
            self._outgoing[place] = -1 if state.outgoing is None else state.outgoing
        self._whole = np.array([state.integer for state in problem.states], bool)
        self._integer = problem.integer_mask
        self._noises = [Changed.of(problem, noise) for noise in problem.noises]
        self._relaxed = self._model(np.zeros(0, bool))
        self._mixed: WarmModel | None = None
        self._rows: list[tuple[sparse.csr_matrix, FloatArray]] = []
        self._known: dict[tuple[int, bytes], Tangent] = {}

    @property
    def has_integers(self) -> bool:
        return bool(self._integer.any())

    @property
    def solves(self) -> int:
        return self._relaxed.solves + (self._mixed.solves if self._mixed else 0)

    def _model(self, integer: NDArray) -> WarmModel:
        slots = self.spec.slots
        lower = np.full(slots + (slots > 1), -np.inf)
        lower[:1] = self.spec.lower_bound
        cost = np.zeros(len(lower))
        cost[:1] = 1.0
        return WarmModel(self.spec.problem, cost, lower, integer, self.spec.limits)

    @property
    def _exact(self) -> WarmModel:
        """The mixed-integer model; the relaxation itself if nothing is integer."""
        if not self.has_integers:
            return self._relaxed
        if self._mixed is None:
            self._mixed = self._model(self._integer)
            for rows, lower in self._rows:
                self._mixed.add_rows(rows, lower)
        return self._mixed

    # -- what comes in

    def add_cuts(self, slots: IntArray, intercepts: FloatArray, slopes: FloatArray) -> None:
        """Cuts theta_slot >= intercept + slope @ outgoing; slots and intercepts (cut,), slopes (cut, state)."""
        n, count = len(self.spec.problem.cost), len(slots)
        cut, state = np.nonzero(slopes)
        first = n + (self.spec.slots > 1)
        row = np.concatenate([np.arange(count), cut])
        column = np.concatenate([first + slots, self._outgoing[state]])
        value = np.concatenate([np.ones(count), -slopes[cut, state]])
        self._add(sparse.csr_matrix((value, (row, column)), (count, first + self.spec.slots)), intercepts)

    def add_weights(self, weights: FloatArray) -> None:
        """Rows theta >= weights @ theta_s; (row, slot)."""
        n, count = len(self.spec.problem.cost), len(weights)
        before = sparse.csr_matrix((count, n))
        rows = sparse.hstack([before, np.ones((count, 1)), -sparse.csr_matrix(weights)]).tocsr()
        self._add(rows, np.zeros(count))

    def clear_cuts(self) -> None:
        """Take all cuts and weights away."""
        self._rows.clear()
        for model in filter(None, (self._relaxed, self._mixed)):
            model.drop_rows()

    def _add(self, rows: sparse.csr_matrix, lower: FloatArray) -> None:
        self._rows.append((rows, lower))
        for model in filter(None, (self._relaxed, self._mixed)):
            model.add_rows(rows, lower)

    # -- what goes out

    def relaxation(self, noise: int, state: FloatArray) -> Tangent:
        """The tangent of the linear relaxation at the incoming ``state``: optimum and reduced costs of the copies."""
        key = (noise, state[self.takes].tobytes())
        if key in self._known:
            return self._known[key]
        value = self._solve(self._relaxed, self._noises[noise], state)
        slope = np.zeros(len(state))
        slope[self.takes] = self._relaxed.reduced_costs()[self._incoming]
        tangent = Tangent(value, slope)
        if not self.spec.slots and len(self._known) < _REMEMBERED:
            self._known[key] = tangent
        return tangent

    def proven(self, noise: int, state: FloatArray) -> float:
        """What the mixed-integer problem's optimum is never below."""
        self._solve(self._exact, self._noises[noise], state)
        return self._exact.proven()

    @property
    def last_proven(self) -> float:
        """What the optimum of the mixed-integer problem that was solved last is never below."""
        return self._exact.proven()

    def lagrangian(self, noise: int, slope: FloatArray) -> tuple[float, FloatArray]:
        """The least cost minus slope @ incoming over all incoming states in their range, and where it is reached.

        The first is proven, the second (state,) is the incumbent's. The mixed-integer problem with the copies let free
        (Zou, Ahmed, Sun 2019, equation 12).
        """
        model, problem, copies = self._exact, self.spec.problem, self._incoming
        model.set_noise(self._noises[noise])
        model.set_columns(copies, problem.lower[copies], problem.upper[copies])
        model.set_cost(copies, problem.cost[copies] - slope[self.takes])
        model.set_integer(copies[self._whole], True)
        reached = np.zeros(len(slope))
        try:
            model.solve()
            proven, reached[self.takes] = (
                model.proven(),
                model.values()[copies],
            )  # HiGHS forgets them at the next change
        except Infeasible:
            raise SolverError(f"{self.spec.label}: no incoming state at all leaves a solution.") from None
        finally:
            model.set_cost(copies, problem.cost[copies])
            model.set_integer(copies[self._whole & ~self._integer[copies]], False)
        return proven, reached

    def decide(self, noise: int | Noise, state: FloatArray, integer: bool) -> Decision:
        """What is done under the noise (a number of the problem's own, or another) at the incoming ``state``."""
        changed = self._noises[noise] if not isinstance(noise, Noise) else Changed.of(self.spec.problem, noise)
        model = self._exact if integer else self._relaxed
        objective = self._solve(model, changed, state)
        columns = model.values()
        n = len(self.spec.problem.cost)
        to_go = float(columns[n]) if self.spec.slots else 0.0
        return Decision(objective, objective - to_go, self._handed_on(columns, state, changed, integer), columns[:n])

    def _handed_on(self, columns: FloatArray, state: FloatArray, noise: Changed, integer: bool) -> FloatArray:
        """Outgoing states within their bounds, whole where they must be; what is not handed on stays."""
        lower, upper = self.spec.problem.lower.copy(), self.spec.problem.upper.copy()
        lower[noise.columns[0]], upper[noise.columns[0]] = noise.columns[1:]
        hands, at = self._outgoing >= 0, self._outgoing[self._outgoing >= 0]
        outgoing = state.copy()
        outgoing[hands] = np.clip(columns[at], lower[at], upper[at])
        if integer:
            whole = self.takes[self._whole]
            outgoing[whole] = np.round(outgoing[whole])
        return outgoing

    def _solve(self, model: WarmModel, noise: Changed, state: FloatArray) -> float:
        model.set_noise(noise)
        model.set_columns(self._incoming, state[self.takes], state[self.takes])
        try:
            return model.solve()
        except Infeasible:
            raise SolverError(self._why(noise, state)) from None
        except SolverError as error:
            raise SolverError(f"{self.spec.label}: {error}") from None

    def _why(self, noise: Changed, state: FloatArray) -> str:
        """The sentence for a subproblem without solution."""
        problem = self.spec.problem
        number = next((k for k, known in enumerate(self._noises) if known is noise), None)
        which = "a noise from out of sample" if number is None else f"noise {number}"
        if number is not None and problem.noises[number].name:
            which += f" ({problem.noises[number].name})"
        arrived = ", ".join(f"{s.name} = {v:.6g}" for s, v in zip(problem.states, state[self.takes], strict=True))
        blame = culprit(problem, noise, state[self.takes])
        return f"{self.spec.label}, {which}: no solution at the incoming state ({arrived or 'none'}): {blame}."
