"""What a plan is worth: its risk over scenarios and over fresh storms, and the value of planning for many storms."""

from dataclasses import dataclass

import numpy as np

from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.contract import Bools, Effort, Floats, Plan, Problem, Risk, Served, Storms
from gridstudio.planning.resilience.islands import second_stage
from gridstudio.planning.resilience.loop import checked_plan
from gridstudio.planning.resilience.outages import standard_error
from gridstudio.planning.resilience.program import measure, value_at_risk
from gridstudio.planning.resilience.selection import middle
from gridstudio.solve.risk import CVaR, value


@dataclass(frozen=True)
class Measured:
    """Risk of a loss [weighted kW]. Standard errors are those of independent draws; NaN for a set of scenarios, whose
    figures are exact for the probabilities that they have.
    """

    mean_kw: float
    mean_se_kw: float
    var_kw: float
    cvar_kw: float
    cvar_se_kw: float
    objective_kw: float


def measured(q: Floats, probability: Floats, risk: Risk, drawn: bool) -> Measured:
    """The risk of losses ``q`` (storm,); ``drawn``: independent draws of equal probability."""
    var_kw = value_at_risk(q, probability, risk.alpha)
    excess = var_kw + np.maximum(q - var_kw, 0.0) / (1 - risk.alpha)  # its mean is CVaR (Rockafellar, Uryasev 2000)
    return Measured(
        mean_kw=float(probability @ q),
        mean_se_kw=standard_error(q) if drawn else float("nan"),
        var_kw=var_kw,
        cvar_kw=value(CVaR(risk.alpha), q, probability),
        cvar_se_kw=standard_error(excess) if drawn else float("nan"),
        objective_kw=value(measure(risk), q, probability),
    )


def difference(a: Floats, b: Floats) -> tuple[float, float]:
    """Mean of a - b over the same storms, and its standard error: common random numbers make it small."""
    return float((a - b).mean()), standard_error(a - b)


def cvar_difference(a: Floats, b: Floats, alpha: float) -> tuple[float, float]:
    """CVaR of a less that of b over the same equally probable storms, and its standard error."""
    even = np.full(len(a), 1.0 / len(a))
    terms = []
    for q in (a, b):
        var_kw = value_at_risk(q, even, alpha)
        terms.append(var_kw + np.maximum(q - var_kw, 0.0) / (1 - alpha))
    return difference(*terms)


@dataclass(frozen=True, eq=False)
class StochasticValue:
    """Value of the stochastic solution [weighted kW] over the scenarios: what the plan for the mean storm loses more.

    ``mean_plan``: the plan for the one scenario of mean damage among those with a fault; ``objective_kw`` of the plan
    for all scenarios, ``mean_objective_kw`` of the other.
    """

    mean_plan: Plan
    mean_q: Floats
    objective_kw: float
    mean_objective_kw: float

    @property
    def value_kw(self) -> float:
        return self.mean_objective_kw - self.objective_kw


def stochastic_value(problem: Problem, served: Served, effort: Effort, phases: Phases) -> StochasticValue:
    """What is lost by planning for the mean storm instead of for all scenarios; ``served``: by the plan for all."""
    one = middle(problem.grid, problem.storms)
    alone = Problem(problem.grid, problem.sites, one, problem.budget, problem.risk)
    plan = checked_plan(alone, effort, phases).plan
    other = second_stage(problem.grid, problem.sites, plan, problem.storms, phases, "mean storm")
    asked, probability = measure(problem.risk), problem.storms.probability
    return StochasticValue(plan, other.q, value(asked, served.q, probability), value(asked, other.q, probability))


def weighted_on(served: Served, storms: Storms) -> float:
    """Expected critical load picked up [kW]."""
    return float(storms.probability @ served.critical_kw)


def built(plan: Plan) -> Bools:
    """Sites with a source of some size (site,)."""
    return np.asarray(plan.delta & (plan.beta_kw > 1e-6))
