"""Risk measures: what an uncertain cost counts for when a decision is taken.

Every measure here is coherent, that is, the expected cost under the worst of a set of probability measures (Artzner,
Delbaen, Eber, Heath 1999). A measure is therefore one function: given the costs, it moves probability towards the dear
scenarios, and its value is the expectation under the moved probabilities. These are also the weights with which
cutting-plane methods average their cuts.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]

_TOLERANCE = 1e-9


class RiskMeasure(Protocol):
    """Contract: ``weights(costs, probabilities)``, both (scenario,), returns non-negative weights that sum to 1.

    They maximise the expected cost over the measure's set of probabilities, so they do not change when all costs are
    shifted or scaled by a positive number, and a scenario of probability 0 has weight 0. Costs are losses: larger is
    worse. Scenarios of equal cost keep the ratio of their probabilities, so the order of scenarios never matters.
    """

    def weights(self, costs: FloatArray, probabilities: FloatArray) -> FloatArray: ...


@dataclass(frozen=True)
class Expectation:
    """Risk-neutral: the probabilities themselves."""

    def weights(self, costs: FloatArray, probabilities: FloatArray) -> FloatArray:
        return _checked(costs, probabilities)[1].copy()


@dataclass(frozen=True)
class CVaR:
    """Expected cost of the worst share 1 - alpha; alpha = 0 is the expectation, alpha towards 1 the worst case.

    The scenario at the value at risk counts with just the part of its probability that fills the share, as
    Rockafellar and Uryasev (2002) define it for discrete distributions.
    """

    alpha: float

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1:
            raise InputError(f"CVaR: alpha = {self.alpha} must lie in [0, 1); for alpha = 1 use WorstCase.")

    def weights(self, costs: FloatArray, probabilities: FloatArray) -> FloatArray:
        costs, probabilities = _checked(costs, probabilities)
        dearest_first = np.argsort(-costs)
        reached = np.cumsum(probabilities[dearest_first])
        share = min(1 - self.alpha, reached[-1])
        value_at_risk = costs[dearest_first[np.searchsorted(reached, share)]]
        weights = np.where(costs > value_at_risk, probabilities / share, 0.0)
        at_limit = costs == value_at_risk
        left = max(1 - weights.sum(), 0.0)
        weights[at_limit] = left * probabilities[at_limit] / probabilities[at_limit].sum()
        return weights


@dataclass(frozen=True)
class WorstCase:
    """The dearest scenario that can happen at all."""

    def weights(self, costs: FloatArray, probabilities: FloatArray) -> FloatArray:
        costs, probabilities = _checked(costs, probabilities)
        dearest = (costs == costs[probabilities > 0].max()) & (probabilities > 0)
        weights = np.where(dearest, probabilities, 0.0)
        return weights / float(weights.sum())


@dataclass(frozen=True)
class Blend:
    """(1 - lambda_) of measure ``a`` and lambda_ of measure ``b``; Blend(0.3, Expectation(), CVaR(0.95)) is usual."""

    lambda_: float
    a: RiskMeasure
    b: RiskMeasure

    def __post_init__(self) -> None:
        if not 0 <= self.lambda_ <= 1:
            raise InputError(f"Blend: lambda_ = {self.lambda_} must lie between 0 and 1.")

    def weights(self, costs: FloatArray, probabilities: FloatArray) -> FloatArray:
        share = self.lambda_
        return (1 - share) * self.a.weights(costs, probabilities) + share * self.b.weights(costs, probabilities)


def value(measure: RiskMeasure, costs: ArrayLike, probabilities: ArrayLike) -> float:
    """The cost that the measure puts in place of the uncertain one; costs and probabilities of shape (scenario,)."""
    costs, probabilities = _checked(costs, probabilities)
    weights = measure.weights(costs, probabilities)
    counts = weights > 0  # an infinite cost of a scenario without weight must not become NaN
    return float(weights[counts] @ costs[counts])


def _checked(costs: ArrayLike, probabilities: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both as arrays; InputError if they do not match or are no costs and probabilities."""
    c, p = np.asarray(costs, dtype=float), np.asarray(probabilities, dtype=float)
    if c.ndim != 1 or c.shape != p.shape or len(c) == 0:
        raise InputError(f"Risk measure: costs {c.shape} and probabilities {p.shape} must both be (scenario,).")
    if np.isnan(c).any():
        raise InputError(f"Risk measure: the cost of scenario {int(np.flatnonzero(np.isnan(c))[0])} is not a number.")
    if not (np.all(p >= 0) and abs(p.sum() - 1) <= _TOLERANCE):
        raise InputError(
            f"Risk measure: probabilities must not be negative and must sum to 1; they sum to {p.sum():g}."
        )
    return c, p
