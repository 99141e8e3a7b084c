"""Solving a case: train on the relaxation, then with whole investments, and judge the policy on every path."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from gridstudio.planning.transition.case import FloatArray
from gridstudio.planning.transition.graph import Model, policy_graph
from gridstudio.planning.transition.plans import Dispatcher, Plan, PlanCost, cost_of, make_plan
from gridstudio.planning.transition.settings import TrainingSettings
from gridstudio.solve.sddp.forward import Default, Regularised
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.model import MipLimits
from gridstudio.solve.sddp.policy import Policy
from gridstudio.solve.sddp.problem import StageProblem
from gridstudio.solve.sddp.sampling import EveryPath
from gridstudio.solve.sddp.schemes import Scheme, Serial
from gridstudio.solve.sddp.simulation import Visit, simulate
from gridstudio.solve.sddp.stopping import BoundStalling, Iteration, Iterations, StoppingRule, TimeLimit
from gridstudio.solve.sddp.training import train

LIMITS = MipLimits(gap=1e-3, time_s=5.0)  # of an investment problem with whole pieces
_IDLE_ROUNDS = 4  # rounds with whole investments that may bring nothing before training gives up
_GAP_TO_TRAIN = 0.5  # of the gap that is asked for, so that the policy's own gap has room


@dataclass(frozen=True, eq=False)
class Solved:
    """A case's answer: ``bound_musd`` below every plan, the best plan found with its exact cost, and how it came about.

    ``convergence``: phase, iteration, bound_musd, simulated_musd, seconds, solves, cuts. ``reason``: why it ended.
    """

    model: Model
    bound_musd: float
    cost: PlanCost
    convergence: pd.DataFrame
    seconds: float
    solves: int
    reason: str
    integers_gap: float = 0.0

    @property
    def gap(self) -> float:
        """Relative to the bound."""
        return max(0.0, self.cost.total_musd / self.bound_musd - 1) if self.bound_musd > 0 else np.inf


@dataclass(frozen=True)
class Until:
    """Stops when the bound is as good as it gets for the gap asked: within reach of a plan that is known."""

    cost_musd: float
    gap: float

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], NDArray[np.float64]]) -> str | None:
        if self.cost_musd <= (1 + self.gap) * log[-1].bound:
            return f"gap {self.gap:g} reached"
        return None


def solve(
    model: Model,
    given: TrainingSettings,
    scheme: Scheme = Serial(),
    fixed: Mapping[str, FloatArray] | None = None,
    start: Plan | None = None,
) -> Solved:
    """The case solved until the gap asked for is reached, or iterations or time are used up.

    Plans are compared with the hourly binaries relaxed; the best of them is then judged with the binaries.

    ``fixed``: by node name what is built there (item,). ``start``: a plan of a smaller case, taken if none is better.
    """
    begun = time.perf_counter()
    graph, dispatcher = policy_graph(model, fixed), Dispatcher(model, exact=False)
    best = cost_of(start, dispatcher) if start is not None else None
    policy = train(
        graph,
        stopping=_rules(given, given.seconds, given.iterations),
        forward=Regularised(given.smoothing),
        scheme=scheme,
        seed=given.seed,
    )
    logs, reason, bound = [("relaxed", policy.log)], policy.reason, policy.bound
    best = _better(best, judged(model, policy, dispatcher, scheme))
    integers = bool(model.items.integer.any()) and given.integer_iterations > 0
    rounds, idle = 0, 0
    while integers and best.total_musd > (1 + given.gap) * bound:
        left = given.seconds - (time.perf_counter() - begun)
        rounds += 1
        if left <= 0 or sum(len(log) for _, log in logs) >= given.iterations:
            reason = "time is up" if left <= 0 else f"{given.iterations} iterations"
            break
        if idle >= _IDLE_ROUNDS:
            reason = f"no better bound or plan in {idle} rounds of {given.integer_iterations} iterations"
            break
        before = (bound, best.total_musd)
        policy = train(
            graph,
            stopping=(
                *_rules(given, left, given.integer_iterations),
                Until(best.total_musd, given.gap * _GAP_TO_TRAIN),
            ),
            forward=Default(integer=True),
            scheme=scheme,
            seed=given.seed + rounds,
            start=policy,
            limits=LIMITS,
        )
        logs.append(("whole investments", policy.log))
        bound, reason = max(bound, policy.bound), policy.reason
        best = _better(best, judged(model, policy, dispatcher, scheme))
        better = max(bound - before[0], before[1] - best.total_musd) > given.stall_tolerance * best.total_musd
        idle = 0 if better else idle + 1
    if best.total_musd <= (1 + given.gap) * bound:
        reason = f"gap of {given.gap:g} reached" if len(logs) > 1 else reason
    exact = Dispatcher(model, exact=True)
    best = cost_of(best.plan, exact)
    table = _convergence(logs)
    solves = int(sum(log[-1].solves for _, log in logs if log)) + dispatcher.solves + exact.solves
    return Solved(model, bound, best, table, time.perf_counter() - begun, solves, reason, exact.gap)


def judged(model: Model, policy: Policy, dispatcher: Dispatcher, scheme: Scheme = Serial()) -> PlanCost:
    """The plan that a policy makes with whole investments, operation solved exactly."""
    return cost_of(plan_of(model, policy, scheme), dispatcher)


def plan_of(model: Model, policy: Policy, scheme: Scheme = Serial()) -> Plan:
    """What a policy builds along every path."""
    first, count = 2 * len(model.items.state_item), len(model.items.names)

    def build(visit: Visit) -> FloatArray:
        found = visit.columns[0][first : first + count]
        if len(found) < count:  # in the last stage nothing is built
            return np.zeros(count)
        return np.where(model.items.integer, np.round(found), np.maximum(found, 0.0))

    graph = _without_operation(policy.graph)
    result = simulate(replace(policy, graph=graph), 1, EveryPath(), {"build": build}, scheme=scheme, limits=LIMITS)
    builds: dict[tuple[int, ...], FloatArray] = {}
    for path, made in zip(result.paths, result.recorded["build"], strict=True):
        places = [_place(model, graph.nodes[step.node].name) for step in path.steps]
        for stage in range(len(places) - 1):
            builds[tuple(places[: stage + 1])] = made[stage]
    return make_plan(model, builds)


def _without_operation(graph: PolicyGraph) -> PolicyGraph:
    """The graph of decisions alone: operation is judged elsewhere, and decides nothing that is handed on."""
    one, none = np.zeros(1), np.zeros(0)
    nothing = StageProblem(one, one, one, sparse.csr_matrix((0, 1)), none, none)
    bare = [replace(node, parts=tuple(replace(part, problem=nothing) for part in node.parts)) for node in graph.nodes]
    return replace(graph, nodes=tuple(bare))


def _place(model: Model, name: str) -> int:
    """Position of a node's outlook in its stage."""
    return next(
        place
        for stage, outlooks in enumerate(model.case.chain.stages)
        for place in range(len(outlooks))
        if model.name(stage, place) == name
    )


def _rules(given: TrainingSettings, seconds: float, iterations: int) -> tuple[StoppingRule, ...]:
    return (
        BoundStalling(given.stall_iterations, given.stall_tolerance),
        Iterations(iterations),
        TimeLimit(seconds),
    )


def _better(one: PlanCost | None, other: PlanCost) -> PlanCost:
    return other if one is None or other.total_musd < one.total_musd else one


def _convergence(logs: list[tuple[str, tuple[Iteration, ...]]]) -> pd.DataFrame:
    rows: list[tuple[str, int, float, float, float, int, int]] = []
    seconds, solves, best = 0.0, 0, -np.inf
    for phase, log in logs:
        for line in log:
            best = max(best, line.bound)
            rows.append(
                (
                    phase,
                    len(rows) + 1,
                    best,
                    line.simulated_cost,
                    seconds + line.seconds,
                    solves + line.solves,
                    line.cuts,
                )
            )
        if log:
            seconds, solves = seconds + log[-1].seconds, solves + log[-1].solves
    columns = ["phase", "iteration", "bound_musd", "simulated_musd", "seconds", "solves", "cuts"]
    return pd.DataFrame(rows, columns=columns)
