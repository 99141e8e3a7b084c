"""The value of the stochastic solution (69): what planning for the mean future costs once the future is uncertain."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from gridstudio.planning.transition.case import FACTORS, Chain, Outlook
from gridstudio.planning.transition.plans import Dispatcher, PlanCost, cost_of, make_plan
from gridstudio.planning.transition.settings import TrainingSettings
from gridstudio.planning.transition.training import Solved, solve
from gridstudio.solve.sddp.schemes import Scheme, Serial


@dataclass(frozen=True, eq=False)
class StochasticValue:
    """The case with the best plan for all outlooks, the mean plan held on to, and only its first stage held.

    Each is judged by what it counts for under the model's risk measure: with the expectation its expected cost.
    ``mean``: the plan for the mean future, in its own world; ``whole``: that plan in every stage of the uncertain one;
    ``first``: the best found with its first stage, whose ``bound_musd`` no plan with that first stage is below. The
    value (69) is a plan's cost less the stochastic plan's; with gaps it is known within an interval.
    """

    stochastic: Solved
    mean: Solved
    whole: PlanCost
    first: Solved

    @property
    def of_whole_musd(self) -> float:
        return self.whole.value_musd - self.stochastic.cost.value_musd

    @property
    def of_first_musd(self) -> float:
        return self.first.cost.value_musd - self.stochastic.cost.value_musd

    @property
    def whole_interval_musd(self) -> tuple[float, float]:
        """Between which the value of not holding this mean plan lies: the stochastic optimum is from bound to cost."""
        return self.of_whole_musd, self.whole.value_musd - self.stochastic.bound_musd

    @property
    def first_interval_musd(self) -> tuple[float, float]:
        """The same of its first stage, whose best continuation too is known from bound to cost."""
        low = max(self.first.bound_musd, self.stochastic.bound_musd)  # holding something never makes cheaper
        return low - self.stochastic.cost.value_musd, self.first.cost.value_musd - self.stochastic.bound_musd


def value(solved: Solved, given: TrainingSettings, scheme: Scheme = Serial()) -> StochasticValue:
    """Plan for the mean future, hold on to it in the uncertain one, wholly or in the first stage.

    All that is found is a plan for all outlooks: the best of them is the stochastic plan.
    """
    model = solved.model
    mean = solve(model.with_chain(mean_chain(model.case.chain)), given, scheme)
    builds = mean.cost.plan.builds[0]  # (stage, item): one path
    held = {path[: stage + 1]: builds[stage] for path, _ in model.case.chain.paths() for stage in range(len(path) - 1)}
    plan = make_plan(model, held)
    fixed = {model.name(0, place): builds[0] for place in range(len(model.case.chain.stages[0]))}
    first, whole = solve(model, given, scheme, fixed=fixed, start=plan), cost_of(plan, Dispatcher(model))
    best = min(solved.cost, first.cost, whole, key=lambda cost: cost.value_musd)
    return StochasticValue(replace(solved, cost=best), mean, whole, first)


def mean_chain(chain: Chain) -> Chain:
    """One outlook a stage: the expectation of every multiplier."""
    stages, p = [], np.ones(1)
    for stage, outlooks in enumerate(chain.stages):
        p = chain.matrices[0] if stage == 0 else p @ chain.matrices[stage]
        stages.append((mean_outlook(outlooks, p),))
    return Chain(tuple(stages), tuple(np.ones(1) if stage == 0 else np.ones((1, 1)) for stage in range(len(stages))))


def mean_outlook(outlooks: Sequence[Outlook], probabilities: np.ndarray) -> Outlook:
    """Their expectation, number by number."""
    numbers = [f.name for f in fields(Outlook) if f.name not in ("name", "price")]
    finite: dict[str, Any] = {
        name: float(probabilities @ np.array([getattr(o, name) for o in outlooks]))
        for name in numbers
        if all(np.isfinite(getattr(o, name)) for o in outlooks)
    }
    price = {
        factor: float(probabilities @ np.array([o.price.get(factor, 1.0) for o in outlooks])) for factor in FACTORS
    }
    return replace(Outlook("mean"), price=price, **finite)
