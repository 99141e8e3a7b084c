"""What follows a node, as algebra: the subproblems of its children, how they add up to outcomes, what cuts are made of.

A *piece* is one subproblem under one noise: its optimum is a convex function of the state alone (in the relaxation).
An *outcome* is a child with what happens there; its cost is the weighted sum of the pieces that happen together:
    cost of outcomes = mixing @ value of pieces,     probability = transition * noise.
A *slot* is a family of cuts: value of slots = grouping @ value of pieces, cost of outcomes = spreading @ slots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.solve.risk import Expectation, RiskMeasure
from gridstudio.solve.sddp.graph import PolicyGraph

FloatArray = NDArray[np.float64]

Risk = RiskMeasure | Mapping[str, RiskMeasure]  # one for all, or of what follows each node by its name
CutType = Literal["single", "outcome", "multi"]
CUT_TYPES: tuple[CutType, ...] = ("single", "outcome", "multi")


@dataclass(frozen=True, eq=False)
class Family:
    """What follows node ``parent`` (None: the start).

    ``pieces``: (unit, noise); ``outcomes``: (child, number); ``probabilities``: (outcome,); ``mixing``: (outcome,
    piece); ``slots``: key of each cut family, None where the risk measure's weights average all pieces into one cut;
    ``grouping``: (slot, piece); ``spreading``: (outcome, slot).
    """

    parent: int | None
    children: tuple[int, ...]
    pieces: tuple[tuple[int, int], ...]
    outcomes: tuple[tuple[int, int], ...]
    probabilities: FloatArray
    mixing: FloatArray
    slots: tuple[str, ...]
    grouping: FloatArray | None
    spreading: FloatArray | None


def units(graph: PolicyGraph) -> list[tuple[int, int]]:
    """(node, part) of every subproblem, part 0 the node's own; the position is the unit's number."""
    return [(place, part) for place, node in enumerate(graph.nodes) for part in range(len(node.problems))]


def family(graph: PolicyGraph, parent: int | None, cut_type: CutType) -> Family:
    """The family of a node; InputError if there is no such cut type."""
    if cut_type not in CUT_TYPES:
        raise InputError(f"There is no cut type {cut_type!r}: {', '.join(CUT_TYPES)}.")
    children = graph.roots if parent is None else graph.children[parent]
    number = {unit: n for n, unit in enumerate(units(graph))}
    pieces, outcomes, chances = list[tuple[int, int]](), list[tuple[int, int]](), list[float]()
    entries: list[tuple[int, int, float]] = []
    for child in children:
        node, first = graph.nodes[child], len(outcomes)
        outcomes += [(child, k) for k in range(len(node.probabilities))]
        chances += list(graph.probability(parent, child) * node.probabilities)
        for part, (problem, weight) in enumerate(zip(node.problems, node.weights, strict=True)):
            own = len(problem.noises)
            for k in range(len(node.probabilities)):
                entries.append((first + k, len(pieces) + (k if own > 1 else 0), weight))
            pieces += [(number[child, part], k) for k in range(own)]
    mixing = np.zeros((len(outcomes), len(pieces)))
    for row, column, weight in entries:
        mixing[row, column] = weight
    slots, grouping, spreading = _slots(graph, parent, cut_type, pieces, outcomes, mixing)
    p = np.array(chances)
    return Family(
        parent,
        children,
        tuple(pieces),
        tuple(outcomes),
        p / p.sum() if len(p) else p,
        mixing,
        slots,
        grouping,
        spreading,
    )


def measure_after(graph: PolicyGraph, parent: int | None, risk: Risk) -> RiskMeasure:
    """The measure of what follows a node (None: the start); the expectation where ``risk`` names nodes but not this."""
    if not isinstance(risk, Mapping):
        return risk
    strange = sorted(set(risk) - set(graph.index))
    if strange:
        raise InputError(f"Risk by node: there is no node {strange[0]!r}.")
    return Expectation() if parent is None else risk.get(graph.nodes[parent].name, Expectation())


def _slots(
    graph: PolicyGraph, parent: int | None, cut_type: CutType, pieces: Sequence, outcomes: Sequence, mixing: FloatArray
) -> tuple[tuple[str, ...], FloatArray | None, FloatArray | None]:
    """Keys, grouping and spreading; families of a child serve all its parents, so the child's name is in the key."""
    if parent is None or not pieces:
        return (), None, None
    if cut_type == "single" or len(pieces if cut_type == "multi" else outcomes) == 1:
        return (f"after {graph.nodes[parent].name}",), None, None
    if cut_type == "outcome":
        return tuple(f"{graph.nodes[child].name} / outcome {k}" for child, k in outcomes), mixing, np.eye(len(outcomes))
    table, keys = units(graph), []
    for unit, noise in pieces:
        node, part = graph.nodes[table[unit][0]], table[unit][1]
        keys.append(f"{node.name} / {'part ' + node.parts[part - 1].name if part else 'own'} / noise {noise}")
    return tuple(keys), np.eye(len(pieces)), mixing
