"""What a policy does and costs along sampled paths."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.solve.sddp.crew import Crew, Decisions
from gridstudio.solve.sddp.duality import ContinuousRelaxation
from gridstudio.solve.sddp.families import units
from gridstudio.solve.sddp.graph import Node, PolicyGraph
from gridstudio.solve.sddp.model import MipLimits
from gridstudio.solve.sddp.policy import Policy, all_cuts, families, specs
from gridstudio.solve.sddp.sampling import InSample, Path, SamplingScheme, Step
from gridstudio.solve.sddp.schemes import Scheme, Serial

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Visit:
    """A node on a path: its ``step``, ``incoming`` and ``outgoing`` states (state,), ``cost`` (parts weighted).

    ``columns``: of the node's problem (n,), then of each part; ``costs``: of the same, unweighted, without cost to go.
    """

    node: Node
    step: Step
    incoming: FloatArray
    outgoing: FloatArray
    cost: float
    costs: FloatArray
    columns: tuple[FloatArray, ...]


Recorder = Callable[[Visit], Any]


@dataclass(frozen=True, eq=False)
class Simulation:
    """Costs of ``paths``: ``stage_costs`` (path, stage), 0 past a path's end.

    ``states``: handed on, (path, stage, state); ``recorded``: by recorder, for each path a list over its stages.
    """

    paths: tuple[Path, ...]
    stage_costs: FloatArray
    states: FloatArray
    recorded: Mapping[str, list[list[Any]]]

    @property
    def costs(self) -> FloatArray:
        """Of each path (path,)."""
        return self.stage_costs.sum(axis=1)

    @property
    def probabilities(self) -> FloatArray:
        """Of each path (path,): equal in a sample, the graph's own if every path is gone."""
        return np.array([path.probability for path in self.paths])

    @property
    def mean(self) -> float:
        return float(self.probabilities @ self.costs)

    def half_width(self, z: float = 1.96) -> float:
        """Of the mean's confidence interval, for a sample of independent paths."""
        count = len(self.paths)
        return z * float(np.std(self.costs, ddof=1)) / float(np.sqrt(count)) if count > 1 else float("inf")


def simulate(
    policy: Policy,
    count: int,
    sampling: SamplingScheme = InSample(),
    recorders: Mapping[str, Recorder] | None = None,
    integer: bool = True,
    seed: int = 0,
    scheme: Scheme = Serial(),
    limits: MipLimits = MipLimits(),
) -> Simulation:
    """Go ``count`` paths under the policy; integers are integers unless ``integer`` is False.

    A recorder is a function of a Visit; what it returns is kept for every stage of every path.
    """
    graph, paths = policy.graph, sampling.paths(policy.graph, count, np.random.default_rng(seed))
    with Crew(specs(graph, policy.cut_type, limits), ContinuousRelaxation(), scheme) as crew:
        number = {unit: n for n, unit in enumerate(units(graph))}
        for place, fam in families(graph, policy.cut_type).items():
            if place is not None and fam.slots:
                crew.tell(number[place, 0], all_cuts(fam, policy.cuts, policy.weights.get(graph.nodes[place].name)))
        return walk(crew, graph, paths, recorders or {}, integer)


def walk(
    crew: Crew, graph: PolicyGraph, paths: Sequence[Path], recorders: Mapping[str, Recorder], integer: bool
) -> Simulation:
    """All paths side by side, stage by stage, with the subproblems and cuts that the crew has."""
    stages, width = len(graph.stages), len(graph.state_names)
    costs, states = np.zeros((len(paths), stages)), np.full((len(paths), stages, width), np.nan)
    recorded: dict[str, list[list[Any]]] = {name: [[] for _ in paths] for name in recorders}
    now = np.tile(graph.start, (len(paths), 1))
    for stage in range(stages):
        on_way = [p for p, path in enumerate(paths) if stage < len(path.steps)]
        for p, visit in _visits(
            crew, graph, {p: (paths[p].steps[stage], now[p].copy()) for p in on_way}, integer, bool(recorders)
        ):
            costs[p, stage], states[p, stage], now[p] = visit.cost, visit.outgoing, visit.outgoing
            for name, recorder in recorders.items():
                recorded[name][p].append(recorder(visit))
    return Simulation(tuple(paths), costs, states, recorded)


def _visits(
    crew: Crew, graph: PolicyGraph, here: Mapping[int, tuple[Step, FloatArray]], integer: bool, columns: bool
) -> list[tuple[int, Visit]]:
    """One stage of all paths: (path, visit), each subproblem asked once for all paths that pass it."""
    passing: dict[tuple[int, int], list[int]] = {}
    for p, (step, _) in here.items():
        for part in range(len(graph.nodes[step.node].problems)):
            passing.setdefault((step.node, part), []).append(p)
    number = {unit: n for n, unit in enumerate(units(graph))}
    asked = [
        (
            number[place, part],
            Decisions(
                tuple((here[p][0].noise(graph, part), here[p][1]) for p in passing[place, part]), integer, columns
            ),
        )
        for place, part in sorted(passing)
    ]
    found: dict[int, list] = {p: [] for p in here}
    for unit, decisions in zip(sorted(passing), crew.ask(asked), strict=True):
        for p, decision in zip(passing[unit], decisions, strict=True):
            found[p].append(decision)
    visits = []
    for p, (step, incoming) in here.items():
        node, costs = graph.nodes[step.node], np.array([decision.cost for decision in found[p]])
        given = tuple(decision.columns for decision in found[p])
        visits.append((p, Visit(node, step, incoming, found[p][0].outgoing, float(node.weights @ costs), costs, given)))
    return visits
