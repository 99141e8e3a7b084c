"""Who owns which subproblem: every one lives in one place (a process), stays warm there and is asked by message.

What a subproblem is asked, and in which order, does not depend on where it lives. So neither does what it answers, to
the last bit, even where a linear program has many optimal points and the basis left by the last solve decides.
"""

import contextlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import SolverError
from gridstudio.solve.sddp.duality import ContinuousRelaxation, DualityHandler
from gridstudio.solve.sddp.problem import Noise
from gridstudio.solve.sddp.schemes import Scheme
from gridstudio.solve.sddp.subproblem import Decision, Spec, Subproblem

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NewCuts:
    """Cuts for a subproblem: slots and intercepts (cut,), slopes (cut, state), weights (row, slot).

    ``instead``: of all those before.
    """

    slots: IntArray
    intercepts: FloatArray
    slopes: FloatArray
    weights: FloatArray
    instead: bool = False

    def apply(self, subproblem: Subproblem) -> None:
        if self.instead:
            subproblem.clear_cuts()
        if len(self.weights):
            subproblem.add_weights(self.weights)
        if len(self.slots):
            subproblem.add_cuts(self.slots, self.intercepts, self.slopes)


@dataclass(frozen=True, eq=False)
class Tangents:
    """Asks for the tangent of every noise at every state (point, state): values (point, noise), slopes behind."""

    states: FloatArray

    def answer(self, subproblem: Subproblem, duality: DualityHandler) -> tuple[FloatArray, FloatArray]:
        handler = duality if subproblem.has_integers and not subproblem.spec.is_part else ContinuousRelaxation()
        noises = range(len(subproblem.spec.problem.noises))
        found = [[handler.tangent(subproblem, noise, state) for noise in noises] for state in self.states]
        values = np.array([[tangent.value for tangent in row] for row in found])
        return values, np.array([[tangent.slope for tangent in row] for row in found])


@dataclass(frozen=True, eq=False)
class Values:
    """Asks what the optimum of every noise at one state (state,) is never below: (noise,)."""

    state: FloatArray

    def answer(self, subproblem: Subproblem, duality: DualityHandler) -> FloatArray:
        handler = duality if subproblem.has_integers and not subproblem.spec.is_part else ContinuousRelaxation()
        return np.array([handler.value(subproblem, k, self.state) for k in range(len(subproblem.spec.problem.noises))])


@dataclass(frozen=True, eq=False)
class Decisions:
    """Asks what is done under each (noise, state), as integers or relaxed; without the columns unless ``columns``."""

    cases: tuple[tuple[int | Noise, FloatArray], ...]
    integer: bool
    columns: bool

    def answer(self, subproblem: Subproblem, duality: DualityHandler) -> list[Decision]:
        known: dict[tuple[object, bytes], Decision] = {}  # paths that come the same way ask the same
        found = []
        for noise, state in self.cases:
            key = (noise if isinstance(noise, int) else id(noise), state.tobytes())
            if key not in known:
                known[key] = subproblem.decide(noise, state, self.integer)
            found.append(known[key])
        return found if self.columns else [decision._replace(columns=np.empty(0)) for decision in found]


Question = Tangents | Values | Decisions


@dataclass(frozen=True, eq=False)
class Call:
    """New cuts for a subproblem, then a question to it."""

    unit: int
    news: tuple[NewCuts, ...]
    question: Question


@dataclass(eq=False)
class _Room:
    """The subproblems that live in this process for one crew."""

    duality: DualityHandler
    units: dict[int, Subproblem] = field(default_factory=dict)


_ROOMS: dict[str, _Room] = {}  # per process: models are built once and never sent
_NUMBERS = itertools.count()


def _open(token: str, duality: DualityHandler, specs: dict[int, Spec]) -> None:
    room = _ROOMS[token] = _Room(duality)
    for unit, spec in specs.items():
        room.units[unit] = Subproblem(spec)
        if room.units[unit].has_integers and not spec.is_part:
            duality.check(room.units[unit])


def _work(token: str, calls: Sequence[Call]) -> tuple[list[Any], int]:
    """The answers and the number of LPs and MIPs solved for them."""
    if token not in _ROOMS:
        raise SolverError("A worker process was started anew and has lost its subproblems: run the training again.")
    room, answers, solves = _ROOMS[token], [], 0
    for call in calls:
        unit = room.units[call.unit]
        before = unit.solves
        for news in call.news:
            news.apply(unit)
        answers.append(call.question.answer(unit, room.duality))
        solves += unit.solves - before
    return answers, solves


def _close(token: str) -> None:
    _ROOMS.pop(token, None)


class Crew:
    """The subproblems of a graph, spread over the places of a scheme; a context that takes them down at its end."""

    def __init__(self, specs: Sequence[Spec], duality: DualityHandler, scheme: Scheme) -> None:
        self.solves = 0
        self._scheme, self._token = scheme, f"{os.getpid()}-{next(_NUMBERS)}"
        self._place = _spread([spec.problem.matrix.nnz * len(spec.problem.noises) for spec in specs], scheme.places)
        self._news: dict[int, list[NewCuts]] = {}
        for ticket in [
            scheme.submit(
                place, _open, self._token, duality, {u: s for u, s in enumerate(specs) if self._place[u] == place}
            )
            for place in range(scheme.places)
        ]:
            scheme.result(ticket)

    def tell(self, unit: int, news: NewCuts) -> None:
        """Cuts that the subproblem shall have before it is asked next."""
        self._news.setdefault(unit, []).append(news)

    def submit(self, questions: Sequence[tuple[int, Question]]) -> Any:
        """Send questions to their subproblems, at most one to each; ``result`` takes what this returns."""
        calls: dict[int, list[tuple[int, Call]]] = {}
        for number, (unit, question) in enumerate(questions):
            call = Call(unit, tuple(self._news.pop(unit, ())), question)
            calls.setdefault(self._place[unit], []).append((number, call))
        return [
            ([number for number, _ in mine], self._scheme.submit(place, _work, self._token, [call for _, call in mine]))
            for place, mine in sorted(calls.items())
        ]

    def result(self, tickets: Any) -> list[Any]:
        """The answers in the order of the questions."""
        found: dict[int, Any] = {}
        for numbers, ticket in tickets:
            answers, solves = self._scheme.result(ticket)
            self.solves += solves
            found.update(zip(numbers, answers, strict=True))
        return [found[number] for number in sorted(found)]

    def ask(self, questions: Sequence[tuple[int, Question]]) -> list[Any]:
        return self.result(self.submit(questions))

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(SolverError):  # a place that died has nothing left to take down
            for place in range(self._scheme.places):
                self._scheme.result(self._scheme.submit(place, _close, self._token))


def _spread(sizes: Sequence[float], places: int) -> list[int]:
    """A place for each unit: the largest first, each to where there is least."""
    load, place = np.zeros(places), [0] * len(sizes)
    for unit in sorted(range(len(sizes)), key=lambda u: -sizes[u]):
        place[unit] = int(load.argmin())
        load[place[unit]] += sizes[unit] + 1
    return place
