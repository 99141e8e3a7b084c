"""Which ways through the graph are gone: in training, and when a policy is simulated."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.solve.sddp.graph import Node, PolicyGraph
from gridstudio.solve.sddp.problem import Noise

FloatArray = NDArray[np.float64]


class Step(NamedTuple):
    """A node by its position, and what happens there: the outcome's number, or a noise for each of its problems."""

    node: int
    outcome: int | tuple[Noise, ...]

    def noise(self, graph: PolicyGraph, part: int) -> int | Noise:
        """What happens to the problem ``part`` (0: the node's own)."""
        if isinstance(self.outcome, tuple):
            return self.outcome[part]
        return self.outcome if len(graph.nodes[self.node].problems[part].noises) > 1 else 0


@dataclass(frozen=True)
class Path:
    """A way through the graph, and what it counts for beside the others of its sample (probabilities add to one)."""

    steps: tuple[Step, ...]
    probability: float


class SamplingScheme(Protocol):
    """Contract: ``count`` paths from a start node to one without children, that depend on nothing but the generator."""

    def paths(self, graph: PolicyGraph, count: int, rng: Generator) -> list[Path]: ...


@dataclass(frozen=True)
class InSample:
    """Drawn from the graph's own probabilities."""

    def paths(self, graph: PolicyGraph, count: int, rng: Generator) -> list[Path]:
        def outcome(node: Node) -> int:
            return int(rng.choice(len(node.probabilities), p=node.probabilities))

        return [Path(tuple(_walk(graph, rng, outcome, graph.probability)), 1 / count) for _ in range(count)]


@dataclass(frozen=True)
class Historical:
    """Given paths, in turn: each a sequence of (node name, number of the outcome)."""

    given: Sequence[Sequence[tuple[str, int]]]

    def paths(self, graph: PolicyGraph, count: int, rng: Generator) -> list[Path]:
        chosen = [self.given[number % len(self.given)] for number in range(count)] if self.given else []
        if not chosen:
            raise InputError("Historical sampling: there is no path.")
        return [Path(tuple(_step(graph, name, outcome) for name, outcome in path), 1 / count) for path in chosen]


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """Noises from elsewhere: ``draw(node, rng)`` returns one noise for each of the node's ``problems``.

    ``transitions`` takes the place of the graph's, by (parent, child) name; None keeps them.
    """

    draw: Callable[[Node, Generator], Sequence[Noise]]
    transitions: Mapping[tuple[str, str], float] | None = None

    def paths(self, graph: PolicyGraph, count: int, rng: Generator) -> list[Path]:
        def outcome(node: Node) -> tuple[Noise, ...]:
            drawn = tuple(self.draw(node, rng))
            if len(drawn) != len(node.problems):
                raise InputError(
                    f"Node {node.name!r}: {len(drawn)} noises for {len(node.problems)} problems were drawn."
                )
            return drawn

        def probability(parent: int | None, child: int) -> float:
            if self.transitions is None or parent is None:
                return graph.probability(parent, child)
            return float(self.transitions.get((graph.nodes[parent].name, graph.nodes[child].name), 0.0))

        return [Path(tuple(_walk(graph, rng, outcome, probability)), 1 / count) for _ in range(count)]


@dataclass(frozen=True)
class EveryPath:
    """All paths of the graph with their probabilities, whatever count is asked for; InputError above ``most``."""

    most: int = 100_000

    def paths(self, graph: PolicyGraph, count: int, rng: Generator) -> list[Path]:
        found = [Path((), 1.0)]
        for _ in graph.stages:
            found = [longer for path in found for longer in _longer(graph, path)]
            if len(found) > self.most:
                raise InputError(f"The graph has more than {self.most} paths: draw a sample with InSample().")
        return found


def _longer(graph: PolicyGraph, path: Path) -> Iterator[Path]:
    """The path with each step that may follow; itself where the horizon ends."""
    last = path.steps[-1].node if path.steps else None
    following = graph.roots if last is None else graph.children[last]
    if not following:
        yield path
    for child in following:
        here = path.probability * graph.probability(last, child)
        for outcome, p in enumerate(graph.nodes[child].probabilities):
            if p > 0:
                yield Path((*path.steps, Step(child, outcome)), here * float(p))


def _walk(graph: PolicyGraph, rng: Generator, outcome: Callable, probability: Callable) -> Iterator[Step]:
    place: int | None = None
    following = graph.roots
    while following:
        p = np.array([probability(place, child) for child in following])
        if abs(p.sum() - 1) > 1e-6:
            where = "of the start" if place is None else f"from node {graph.nodes[place].name!r}"
            raise InputError(f"The transition probabilities {where} add to {p.sum():g}; they must add to 1.")
        place = int(following[rng.choice(len(p), p=p / p.sum())])
        yield Step(place, outcome(graph.nodes[place]))
        following = graph.children[place]


def _step(graph: PolicyGraph, name: str, outcome: int) -> Step:
    if name not in graph.index:
        raise InputError(f"Historical sampling: there is no node {name!r}.")
    place = graph.index[name]
    if not 0 <= outcome < len(graph.nodes[place].probabilities):
        raise InputError(f"Historical sampling: node {name!r} has no outcome {outcome}.")
    return Step(place, outcome)
