"""The nested value: what a risk measure, taken stage by stage, makes of costs along the paths of a tree.

    V(vertex) = cost there + F of V over the vertices that may follow,     value = F of V over the first vertices

F is the risk measure that training takes of what follows the vertex, conditional on being there (Shapiro 2011,
doi:10.1016/j.ejor.2010.08.007; Philpott, de Matos 2012, doi:10.1016/j.ejor.2011.10.056). So the value of a policy's
costs is what training's bound is a bound of. With the expectation it is the mean; else it is not the measure of the
paths' total costs, but at least as high as the mean, and decisions that it favours today it still favours tomorrow.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gridstudio.solve.risk import Expectation, RiskMeasure, value
from gridstudio.solve.sddp.families import Risk, measure_after
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.sampling import Path

FloatArray = NDArray[np.float64]
Way = tuple[Hashable, ...]  # the steps that lead to a vertex; () before the first


def neutral(risk: Risk) -> bool:
    """Whether the nested value is the mean: the expectation everywhere."""
    measures = risk.values() if isinstance(risk, Mapping) else [risk]
    return all(isinstance(measure, Expectation) for measure in measures)


def nested_value(graph: PolicyGraph, paths: Sequence[Path], costs: FloatArray, risk: Risk) -> float:
    """The nested value of ``costs`` (path, stage) along paths of the graph, of a ``Simulation`` for instance.

    Exact where every path is gone; of drawn paths that of the tree that they happen to make, too low in the mean.
    """
    chances = np.array([path.probability for path in paths])

    def measure(way: Way) -> RiskMeasure:
        return measure_after(graph, way[-1].node if way else None, risk)  # type: ignore[attr-defined]

    return tree_value([path.steps for path in paths], chances, costs, measure)


def tree_value(
    ways: Sequence[Way], probabilities: FloatArray, costs: FloatArray, measure: Callable[[Way], RiskMeasure]
) -> float:
    """The nested value over the tree of ``ways``: (path,) ``probabilities``, (path, stage) ``costs``.

    Paths that begin alike share these vertices; what they cost there is alike, or counts with its mean. ``measure``
    of a vertex, given by the steps that lead to it: of what follows.
    """

    def following(way: Way, rows: Sequence[int]) -> float:
        branches: dict[Hashable, list[int]] = {}
        for row in rows:
            if len(ways[row]) > len(way):
                branches.setdefault(ways[row][len(way)], []).append(row)
        if not branches:
            return 0.0
        chances = np.array([probabilities[mine].sum() for mine in branches.values()])
        totals = [
            float(probabilities[mine] @ costs[mine, len(way)]) / chance + following((*way, step), mine)
            for (step, mine), chance in zip(branches.items(), chances, strict=True)
        ]
        return value(measure(way), totals, chances / chances.sum())

    return following((), [row for row in range(len(ways)) if probabilities[row] > 0])
