"""The policy graph: nodes with their problems, where one goes from each, and what the states are at the start."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError
from gridstudio.solve.sddp.problem import StageProblem

FloatArray = NDArray[np.float64]

_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Part:
    """A problem beside a node's own that depends on nothing but the node's incoming state, and its weight.

    The operation of a representative day, say: the node decides what to build, the day's cost depends on what was
    there when the stage began. Its states have no outgoing column; those it does not list it does not depend on. It
    has either one noise, or as many as the other problems of the node with the same probabilities: then they happen
    together. Integer columns are local recourse: relaxed in training, solved in simulation.
    """

    name: str
    problem: StageProblem
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Node:
    """A vertex of the graph; its cost is V(x) = problem(x) + sum over parts of weight * part(x), x the incoming state.

    ``problem`` carries the decisions that are handed on and the cost to go. ``stage`` counts from 0. ``lower_bound``:
    a number that the cost after this node is never below, however the states stand; None takes the graph's.
    """

    name: str
    stage: int
    problem: StageProblem
    parts: tuple[Part, ...] = ()
    lower_bound: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        findings = list(_node_findings(self))
        if findings:
            raise InputError.from_findings(f"Node {self.name!r}", findings)

    @property
    def problems(self) -> tuple[StageProblem, ...]:
        """The node's own problem, then those of its parts."""
        return (self.problem, *(part.problem for part in self.parts))

    @property
    def weights(self) -> FloatArray:
        """What each of ``problems`` counts for in the node's cost."""
        return np.array([1.0, *(part.weight for part in self.parts)])

    @property
    def probabilities(self) -> FloatArray:
        """Of the node's outcomes: the noises that happen together in its problem and its parts."""
        return max((problem.probabilities for problem in self.problems), key=len)


@dataclass(frozen=True, eq=False)
class PolicyGraph:
    """Nodes and where one goes from each; every arc leads from one stage to the next.

    ``transitions``: probability by (parent, child) name; from a node one goes somewhere with probability 1 or, where
    the horizon ends, nowhere. ``root``: probability of each node of stage 0. ``initial_state``: value by state name,
    all states of the graph in their order. ``lower_bound``: a number that no node's cost to go is ever below, in the
    unit of the cost; without one the first problems would be unbounded.
    """

    nodes: tuple[Node, ...]
    transitions: Mapping[tuple[str, str], float]
    root: Mapping[str, float]
    initial_state: Mapping[str, float]
    lower_bound: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        findings = list(_graph_findings(self)) or [*_horizon_findings(self), *_state_findings(self)]
        if findings:
            raise InputError.from_findings("Policy graph", findings)

    @cached_property
    def state_names(self) -> tuple[str, ...]:
        return tuple(self.initial_state)

    @cached_property
    def start(self) -> FloatArray:
        """The initial state (state,)."""
        return np.array([float(value) for value in self.initial_state.values()])

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each node by its name."""
        return {node.name: place for place, node in enumerate(self.nodes)}

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the nodes that follow each, rising."""
        reached = ((self.index[a], self.index[b]) for (a, b), p in self.transitions.items() if p > 0)
        pairs = sorted(reached)
        return tuple(tuple(b for a, b in pairs if a == place) for place in range(len(self.nodes)))

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """Positions of the nodes where one may start, rising."""
        return tuple(sorted(self.index[name] for name, p in self.root.items() if p > 0))

    @cached_property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the nodes of each stage."""
        last = max(node.stage for node in self.nodes)
        return tuple(
            tuple(place for place, node in enumerate(self.nodes) if node.stage == stage) for stage in range(last + 1)
        )

    def probability(self, parent: int | None, child: int) -> float:
        """Of going from ``parent`` (None: the start) to ``child``, by position."""
        name = self.nodes[child].name
        return float(self.root[name] if parent is None else self.transitions[self.nodes[parent].name, name])

    def bound(self, place: int) -> float:
        """The lower bound of what follows the node."""
        own = self.nodes[place].lower_bound
        bound = self.lower_bound if own is None else own
        assert bound is not None  # checked at the door
        return float(bound)


def linear(
    problems: Sequence[StageProblem | Node], initial_state: Mapping[str, float], lower_bound: float | None = None
) -> PolicyGraph:
    """The graph of stages one after another, nodes named '1', '2', ...; a Node in the list keeps its name."""
    nodes = [
        entry if isinstance(entry, Node) else Node(str(stage + 1), stage, entry) for stage, entry in enumerate(problems)
    ]
    if not nodes:
        raise InputError("Policy graph: there is no stage.")
    arcs = {(a.name, b.name): 1.0 for a, b in pairwise(nodes)}
    return PolicyGraph(tuple(nodes), arcs, {nodes[0].name: 1.0}, initial_state, lower_bound)


def markovian(
    stages: Sequence[Sequence[Node]],
    matrices: Sequence[ArrayLike],
    initial_state: Mapping[str, float],
    lower_bound: float | None = None,
) -> PolicyGraph:
    """The graph of a Markov chain: ``stages`` lists the nodes of each stage, ``matrices`` how one goes between them.

    ``matrices[0]``: (node of stage 0,), the probabilities of the start; ``matrices[t]``: (node of stage t - 1, node of
    stage t), rows that add to one.
    """
    if len(matrices) != len(stages):
        raise InputError(
            f"Policy graph: {len(stages)} stages need {len(stages)} transition matrices (the first a row of start "
            f"probabilities), {len(matrices)} are given."
        )
    tables = [np.atleast_2d(np.asarray(matrix, dtype=float)) for matrix in matrices]
    for stage, table in enumerate(tables):
        shape = (len(stages[stage - 1]) if stage else 1, len(stages[stage]))
        if table.shape != shape:
            raise InputError(f"Policy graph: the transition matrix into stage {stage} is {table.shape}, not {shape}.")
    arcs = {
        (a.name, b.name): float(table[i, j])
        for stage, table in enumerate(tables[1:])
        for i, a in enumerate(stages[stage])
        for j, b in enumerate(stages[stage + 1])
    }
    root = {node.name: float(p) for node, p in zip(stages[0], tables[0][0], strict=True)} if stages else {}
    return PolicyGraph(tuple(node for stage in stages for node in stage), arcs, root, initial_state, lower_bound)


def _node_findings(node: Node) -> Iterator[str]:
    names = [part.name for part in node.parts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the part {name!r} is given twice."
    for part in node.parts:
        if not (np.isfinite(part.weight) and part.weight >= 0):
            yield f"the weight {part.weight} of part {part.name!r} must be a finite number, not below zero."
        handed = [state.name for state in part.problem.states if state.outgoing is not None]
        if handed:
            yield f"part {part.name!r} hands on the state {handed[0]!r}; only the node's own problem may."
    p = node.probabilities
    for problem in node.problems:
        own = problem.probabilities
        if len(own) > 1 and (len(own) != len(p) or np.abs(own - p).max() > _TOLERANCE):
            yield "the noises of its problem and parts happen together, but differ in number or probability."
            return


def _graph_findings(graph: PolicyGraph) -> Iterator[str]:
    names = [node.name for node in graph.nodes]
    if not names:
        yield "there is no node."
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the node {name!r} is given twice."
    for name in {name for arc in graph.transitions for name in arc} | set(graph.root):
        if name not in names:
            yield f"a transition names {name!r}, which is no node."
    for where, rows in _rows(graph):
        wrong, total = [p for p in rows if not p >= 0], sum(rows)
        if wrong:
            yield f"a transition probability {where} is {wrong[0]:g}; none may be negative."
        elif abs(total - 1) > _TOLERANCE:
            yield f"the transition probabilities {where} add to {total:g}; they must add to 1."
    for name, value in graph.initial_state.items():
        if not np.isfinite(value):
            yield f"the initial state {name!r} = {value} is not a finite number."


def _rows(graph: PolicyGraph) -> Iterator[tuple[str, list[float]]]:
    """Each row of the transition matrix that has any arc, and the start, with words for it."""
    yield "of the start", [float(p) for p in graph.root.values()]
    parents = dict.fromkeys(parent for parent, _ in graph.transitions)
    for parent in parents:
        yield f"from node {parent!r}", [float(p) for (a, _), p in graph.transitions.items() if a == parent]


def _horizon_findings(graph: PolicyGraph) -> Iterator[str]:
    for (a, b), p in graph.transitions.items():
        before, after = graph.nodes[graph.index[a]].stage, graph.nodes[graph.index[b]].stage
        if p > 0 and after != before + 1:
            yield f"the transition from {a!r} (stage {before}) to {b!r} (stage {after}) does not lead one stage on."
    for name, p in graph.root.items():
        if p > 0 and graph.nodes[graph.index[name]].stage != 0:
            yield f"the start node {name!r} is of stage {graph.nodes[graph.index[name]].stage}, not 0."
    for place, node in enumerate(graph.nodes):
        bound = graph.lower_bound if node.lower_bound is None else node.lower_bound
        if graph.children[place] and (bound is None or not np.isfinite(bound)):
            yield (
                f"the cost to go of node {node.name!r} has no lower bound; give lower_bound, a finite number that the "
                "cost of the later stages is never below (0 where no cost is negative)."
            )
            return


def _state_findings(graph: PolicyGraph) -> Iterator[str]:
    known = graph.state_names
    for place, node in enumerate(graph.nodes):
        for problem in node.problems:
            for state in problem.states:
                if state.name not in known:
                    names = ", ".join(known)
                    yield f"node {node.name!r}: the state {state.name!r} has no initial value; known: {names}."
        handed = {state.name for state in node.problem.states if state.outgoing is not None}
        missing = [name for name in known if name not in handed]
        if graph.children[place] and missing:
            yield f"node {node.name!r} has children but hands on no state {missing[0]!r}: give its outgoing column."
