"""What a plan is worth: its risk over scenarios and over fresh storms, and the value of planning for many storms."""

from dataclasses import dataclass, replace

import numpy as np

from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.contract import Bools, Effort, Floats, Ints, Plan, Problem, Risk, Served, Storms
from gridstudio.planning.resilience.islands import SecondStage
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
    var_se_kw: float
    cvar_kw: float
    cvar_se_kw: float
    objective_kw: float
    objective_se_kw: float


def measured(q: Floats, probability: Floats, risk: Risk, drawn: bool) -> Measured:
    """The risk of losses ``q`` (storm,); ``drawn``: independent draws of equal probability."""
    tail, exact = tail_terms(q, probability, risk.alpha), float("nan")
    objective = (1 - risk.lambda_) * q + risk.lambda_ * tail
    return Measured(
        mean_kw=float(probability @ q),
        mean_se_kw=standard_error(q) if drawn else exact,
        var_kw=value_at_risk(q, probability, risk.alpha),
        var_se_kw=quantile_error(q, risk.alpha) if drawn else exact,
        cvar_kw=value(CVaR(risk.alpha), q, probability),
        cvar_se_kw=standard_error(tail) if drawn else exact,
        objective_kw=value(measure(risk), q, probability),
        objective_se_kw=standard_error(objective) if drawn else exact,
    )


def tail_terms(q: Floats, probability: Floats, alpha: float) -> Floats:
    """VaR + (q - VaR)+ / (1 - alpha), (storm,): their mean is CVaR (Rockafellar, Uryasev 2000)."""
    var_kw = value_at_risk(q, probability, alpha)
    return np.asarray(var_kw + np.maximum(q - var_kw, 0.0) / (1 - alpha))


def quantile_error(q: Floats, alpha: float) -> float:
    """Standard error of the alpha quantile of independent draws, without any assumption of their distribution.

    The number of draws below the quantile is binomial, so the order statistics of ranks n alpha -+ sqrt(n alpha
    (1 - alpha)) enclose it about as often as one standard error does; half their distance is told (David, Nagaraja,
    Order Statistics, 2003, section 7.1). NaN where there are too few draws for these ranks; 0 where all draws between
    them are alike, as with losses that many storms share.
    """
    count, aside = len(q), float(np.sqrt(len(q) * alpha * (1 - alpha)))
    low, high = int(np.floor(count * alpha - aside)), int(np.ceil(count * alpha + aside))
    if low < 1 or high > count:
        return float("nan")
    ordered = np.sort(q)
    return float(ordered[high - 1] - ordered[low - 1]) / 2


def least_picked_up(picked_kw: Floats, alpha: float) -> tuple[float, float]:
    """Mean load picked up [kW] in the worst share 1 - alpha of equally probable storms, and its standard error."""
    terms = tail_terms(-picked_kw, np.full(len(picked_kw), 1.0 / len(picked_kw)), alpha)
    return abs(float(terms.mean())), standard_error(terms)


def difference(a: Floats, b: Floats) -> tuple[float, float]:
    """Mean of a - b over the same storms, and its standard error: common random numbers make it small."""
    return float((a - b).mean()), standard_error(a - b)


def cvar_difference(a: Floats, b: Floats, alpha: float) -> tuple[float, float]:
    """CVaR of a less that of b over the same equally probable storms, and its standard error."""
    even = np.full(len(a), 1.0 / len(a))
    return difference(tail_terms(a, even, alpha), tail_terms(b, even, alpha))


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


def mean_storm_plan(problem: Problem, effort: Effort, phases: Phases, stage: SecondStage) -> Plan:
    """The plan that knows the mean storm only."""
    one = middle(problem.grid, problem.storms)
    alone = Problem(problem.grid, problem.sites, one, problem.budget, problem.risk)
    return checked_plan(alone, effort, phases, stage).plan


def stochastic_value(problem: Problem, served: Served, mean_plan: Plan, stage: SecondStage) -> StochasticValue:
    """What is lost by planning for the mean storm instead of for all scenarios. ``served``: by the plan for all, on the
    same ``stage``: what it has learned narrows both plans alike."""
    other = stage.serve(mean_plan, problem.storms, "mean storm")
    asked, probability = measure(problem.risk), problem.storms.probability
    return StochasticValue(mean_plan, other.q, value(asked, served.q, probability), value(asked, other.q, probability))


def savings(stage: SecondStage, plan: Plan, fresh: Storms, q: Floats) -> list[tuple[float, float]]:
    """What each hardened line, then each added switch, saves: mean weighted kW that the plan loses more without it, all
    else as it is, and its standard error over fresh storms; ``q``: (storm,) lost with the whole plan.

    Two that do each other's work save nothing one by one: the values do not add up to what all save together.
    """
    found = []
    for line in np.flatnonzero(plan.hardened):
        fewer = replace(plan, hardened=plan.hardened & (np.arange(len(plan.hardened)) != line))
        spared = np.flatnonzero(fresh.failed[:, line] & ~fresh.failed_hardened[:, line])
        found.append(_lost_more(stage, fewer, fresh, spared, q))
    for device in np.flatnonzero(plan.added):
        fewer = replace(plan, added=plan.added & (np.arange(len(plan.added)) != device))
        faulted = np.flatnonzero(fresh.lines_out(plan.hardened).any(axis=1))
        found.append(_lost_more(stage, fewer, fresh, faulted, q))
    return found


def _lost_more(stage: SecondStage, fewer: Plan, fresh: Storms, rows: Ints, q: Floats) -> tuple[float, float]:
    """By a plan with less, which differs in some storms only."""
    other = q.copy()
    if len(rows):
        other[rows] = stage.serve(fewer, fresh.take(rows, fresh.probability[rows]), "what each saves").q
    return difference(other, q)


def built(plan: Plan) -> Bools:
    """Sites with a source of some size (site,)."""
    return np.asarray(plan.delta & (plan.beta_kw > 1e-6))
