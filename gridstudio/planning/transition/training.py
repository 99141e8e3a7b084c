"""Solving a case: train on the relaxation, then with whole investments, and judge the policy on every path."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridstudio.planning.transition.case import FloatArray
from gridstudio.planning.transition.graph import Model, policy_graph
from gridstudio.planning.transition.plans import Dispatcher, Plan, PlanCost, cost_of
from gridstudio.planning.transition.search import Phase, Search
from gridstudio.planning.transition.settings import TrainingSettings
from gridstudio.solve.sddp.schemes import Scheme, Serial


@dataclass(frozen=True, eq=False)
class Solved:
    """A case's answer: ``bound_musd`` below every plan, the best plan found with its exact cost, and how it came about.

    ``convergence``: phase, iteration, bound_musd (of the case), phase_bound_musd (with what the phase holds),
    simulated_musd, seconds, solves, cuts. ``reason``: why it ended.
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
        """Of what the plan counts for, relative to the bound."""
        return max(0.0, self.cost.value_musd / self.bound_musd - 1) if self.bound_musd > 0 else np.inf


def solve(
    model: Model,
    given: TrainingSettings,
    scheme: Scheme = Serial(),
    fixed: Mapping[str, FloatArray] | None = None,
    start: Plan | None = None,
) -> Solved:
    """The case solved until the gap asked for is reached, nothing is left to try, or iterations or time are used up.

    Plans are compared with the hourly binaries relaxed; the best of them is then judged with the binaries.

    ``fixed``: by node name what is built there (item,). ``start``: a plan of a smaller case, taken if none is better.
    """
    begun = time.perf_counter()
    graph, dispatcher = policy_graph(model, fixed), Dispatcher(model, exact=False)
    best = cost_of(start, dispatcher) if start is not None else None
    search = Search(model, graph, given, scheme, dispatcher, begun + given.seconds, best)
    search.relaxed()
    if model.items.integer.any() and given.integer_iterations > 0:
        search.with_whole_pieces(dict(fixed or {}), start)
    else:
        search.without_pieces()
    assert search.best is not None
    exact = Dispatcher(model, exact=True)
    best = cost_of(search.best.plan, exact)
    reason = search.reason
    if search.close and best.value_musd > (1 + given.gap) * search.bound:
        reason = f"{reason} with the hourly binaries relaxed, with them the plan costs more"
    table = _convergence(search.phases)
    solves = int(sum(phase.log[-1].solves for phase in search.phases)) + dispatcher.solves + exact.solves
    return Solved(model, search.bound, best, table, time.perf_counter() - begun, solves, reason, exact.gap)


def _convergence(phases: list[Phase]) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    seconds, solves, best = 0.0, 0, -np.inf
    for phase in phases:
        for line in phase.log:
            best = max(best, line.bound if phase.of_case else -np.inf)
            rows.append(
                {
                    "phase": phase.name,
                    "iteration": len(rows) + 1,
                    "bound_musd": best,
                    "phase_bound_musd": line.bound,
                    "simulated_musd": line.simulated_cost,
                    "seconds": seconds + line.seconds,
                    "solves": solves + line.solves,
                    "cuts": line.cuts,
                }
            )
        seconds, solves = seconds + phase.log[-1].seconds, solves + phase.log[-1].solves
    return pd.DataFrame(rows)
