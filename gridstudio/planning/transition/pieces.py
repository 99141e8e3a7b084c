"""Whole pieces: plans whose lines, sensors, devices, storage and retrofits are whole, near what the relaxation builds.

Cuts of the relaxation say little about whole pieces far from its trial points, and a mixed-integer master goes where
they say least. So the pieces of the first stage are held, at a rounding of the relaxation's or at what the master
proposes, and training goes on around them: these cuts stay valid for the whole problem, for nothing comes before the
first stage. Then the pieces of later nodes are held too, at a rounding of what the policy does there, and all that is
continuous adapts once more. What the master with whole pieces is proven not to fall below is a bound of the problem.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gridstudio.planning.transition.case import FloatArray
from gridstudio.planning.transition.factors import Portfolio
from gridstudio.planning.transition.graph import Model
from gridstudio.planning.transition.plans import Plan, make_plan
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.model import MipLimits
from gridstudio.solve.sddp.policy import Policy, decisions_at_start
from gridstudio.solve.sddp.problem import StageProblem
from gridstudio.solve.sddp.sampling import EveryPath
from gridstudio.solve.sddp.schemes import Scheme, Serial
from gridstudio.solve.sddp.simulation import Visit, simulate

# Nodes end these searches, on any machine at the same point; seconds are for the case that a node takes for ever.
LIMITS = MipLimits(gap=1e-3, time_s=120.0, nodes=200)  # of an investment problem with whole pieces
MASTER_LIMITS = MipLimits(gap=3e-4, time_s=300.0, nodes=1000)  # of the first stage's, whose bound is the case's
SHARES = (0.5, 0.2, 0.05)  # from which share of a piece on a rounding takes the whole, in the first stage
LATER_SHARES = (0.5, 0.2)  # and in later ones


Prefix = tuple[int, ...]  # outlooks of a path up to a stage


def rounded(model: Model, build: FloatArray, in_service: FloatArray, share: float) -> FloatArray:
    """(item,): a whole number of pieces where a relaxed ``build`` has fractions; NaN, that is free, where it may.

    Sensors and devices need a line (8): without one they are not built.
    """
    items = model.items
    whole = np.floor(build + (1 - share) + 1e-9)
    whole = np.clip(whole, 0, np.maximum(items.most - in_service, 0))
    for name in ("dtr", "sssc"):
        if items.has(name):
            bare = ~model.case.branches.existing[items.factor(name).site]
            bare &= ~np.isin(items.factor(name).site, _lines(items, whole + in_service))
            whole[np.arange(items.slices[name].start, items.slices[name].stop)[bare]] = 0.0
    return np.where(items.integer, whole, np.nan)


def _lines(items: Portfolio, amount: FloatArray) -> NDArray[np.int64]:
    """Branches on which a line that may be built is among ``amount`` (item,)."""
    if not items.has("line"):
        return np.zeros(0, dtype=np.int64)
    return items.factor("line").site[amount[items.slices["line"]] > 0.5]


def builds_of(
    model: Model, policy: Policy, integer: bool, scheme: Scheme = Serial()
) -> dict[Prefix, tuple[FloatArray, FloatArray]]:
    """What a policy builds at the end of each path up to a stage, and what is in service there before: (item,) each.

    ``integer``: with whole pieces, or relaxed.
    """
    items, first = model.items, 2 * len(model.items.state_item)

    def build(visit: Visit) -> tuple[FloatArray, FloatArray]:
        found = visit.columns[0][first : first + len(items.names)]
        return np.maximum(found, 0.0), items.in_service(visit.incoming)

    graph = without_operation(policy.graph)
    given = replace(policy, graph=graph)
    result = simulate(given, 1, EveryPath(), {"build": build}, integer=integer, scheme=scheme, limits=LIMITS)
    place = {model.name(t, k): k for t, row in enumerate(model.case.chain.stages) for k in range(len(row))}
    made: dict[Prefix, tuple[FloatArray, FloatArray]] = {}
    for path, recorded in zip(result.paths, result.recorded["build"], strict=True):
        places = tuple(place[graph.nodes[step.node].name] for step in path.steps)
        made.update({places[: stage + 1]: recorded[stage] for stage in range(len(places) - 1)})
    return made


def plan_of(model: Model, policy: Policy, scheme: Scheme = Serial(), integer: bool = True) -> Plan:
    """What a policy builds along every path, as a plan; whole pieces are rounded to the last digit."""
    found = builds_of(model, policy, integer and bool(model.items.integer.any()), scheme)
    whole = model.items.integer
    return make_plan(model, {path: np.where(whole, np.round(build), build) for path, (build, _) in found.items()})


def later_pieces(model: Model, policy: Policy, share: float | None, scheme: Scheme = Serial()) -> dict[str, FloatArray]:
    """By node after the first stage: the rounding of what the policy builds there, where all paths agree on it.

    ``share``: see ``rounded``; None takes what it builds with whole pieces.
    """
    arrivals: dict[str, list[tuple[FloatArray, FloatArray]]] = {}
    for path, found in builds_of(model, policy, share is None, scheme).items():
        if len(path) > 1:
            arrivals.setdefault(model.name(len(path) - 1, path[-1]), []).append(found)
    kept, whole = {}, model.items.integer
    for name, ways in arrivals.items():
        build, service = ways[0]
        if all(np.allclose(other, service, atol=1e-6) for _, other in ways):
            kept[name] = rounded(model, build, np.where(whole, np.round(service), service), share or 0.5)
    return kept


def first_pieces(model: Model, policy: Policy, share: float) -> dict[str, FloatArray]:
    """By node of the first stage: the rounding of what the relaxed master builds there."""
    first, count = 2 * len(model.items.state_item), len(model.items.names)
    found = decisions_at_start(policy, integer=False, limits=LIMITS)
    nothing = np.zeros(count)
    return {
        name: rounded(model, decision.columns[first : first + count], nothing, share)
        for name, (decision, _) in found.items()
    }


def master(model: Model, policy: Policy) -> tuple[dict[str, FloatArray], dict[str, float]]:
    """Pieces that the first stage's problem proposes, and what its cost is proven not to be below, by node."""
    first, count = 2 * len(model.items.state_item), len(model.items.names)
    proposed, cost = {}, {}
    for name, (decision, proven) in decisions_at_start(policy, limits=MASTER_LIMITS).items():
        build = decision.columns[first : first + count]
        proposed[name] = np.where(model.items.integer, np.round(build), np.nan)
        cost[name] = proven
    return proposed, cost


def without_operation(graph: PolicyGraph) -> PolicyGraph:
    """The graph of decisions alone: operation is judged elsewhere, and decides nothing that is handed on."""
    one, none = np.zeros(1), np.zeros(0)
    nothing = StageProblem(one, one, one, sparse.csr_matrix((0, 1)), none, none)
    bare = [replace(node, parts=tuple(replace(part, problem=nothing) for part in node.parts)) for node in graph.nodes]
    return replace(graph, nodes=tuple(bare))
