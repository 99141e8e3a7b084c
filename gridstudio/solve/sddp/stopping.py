"""When training ends."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Iteration:
    """A line of the log.

    ``bound``: of the optimum, from below; ``simulated_cost``: of this iteration's paths along their trial points, all
    or few, the nested value under the risk measure (with the expectation the mean); ``seconds`` and ``solves`` (LPs and
    MIPs) since training began; ``cuts`` kept in all.
    """

    number: int
    bound: float
    simulated_cost: float
    seconds: float
    solves: int
    cuts: int


class StoppingRule(Protocol):
    """Contract: ``reason`` says after each iteration why training ends, None if it goes on.

    ``log`` holds at least one iteration; ``simulate(count)`` returns the costs (count,) of so many sampled paths under
    the policy so far.
    """

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None: ...


@dataclass(frozen=True)
class Iterations:
    """After so many."""

    count: int

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None:
        return f"{self.count} iterations" if len(log) >= self.count else None


@dataclass(frozen=True)
class TimeLimit:
    """After the first iteration that ends past so many seconds."""

    seconds: float

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None:
        return f"time limit of {self.seconds:g} s" if log[-1].seconds >= self.seconds else None


@dataclass(frozen=True)
class BoundStalling:
    """When the bound rose by no more than ``tolerance`` (relative) over ``iterations``."""

    iterations: int = 25
    tolerance: float = 1e-4

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None:
        if len(log) <= self.iterations:
            return None
        now, before = log[-1].bound, log[-1 - self.iterations].bound
        if now - before > self.tolerance * max(abs(now), 1e-12):
            return None
        return f"bound stalled: relative rise of at most {self.tolerance:g} in {self.iterations} iterations"


@dataclass(frozen=True)
class SimulatedGap:
    """When the bound reaches the confidence interval of the policy's mean cost, looked at every so many iterations.

    The test of Pereira and Pinto (1991): the wider the interval, the sooner it ends, so give ``paths`` generously.
    Only for the expectation: what a risk-averse policy is worth is not the mean of its costs.
    """

    every: int = 20
    paths: int = 200
    z: float = 1.96

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None:
        if len(log) % self.every:
            return None
        costs = simulate(self.paths)
        half = self.z * float(np.std(costs, ddof=1)) / math.sqrt(len(costs)) if len(costs) > 1 else 0.0
        reached = log[-1].bound >= costs.mean() - half - 1e-9 * abs(costs.mean())
        return f"bound within {costs.mean():.6g} +- {half:.2g}, the policy's simulated cost" if reached else None


@dataclass(frozen=True)
class ExactGap:
    """When the policy's cost over all paths is within ``tolerance`` (relative) of the bound: proven, not estimated.

    For graphs of few paths, trained with ``sampling=EveryPath()`` and the default forward pass: then the cost in the
    log is that of a policy, nothing left out; with a risk measure its nested value, which the bound is one of.
    """

    tolerance: float = 1e-4

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None:
        bound, cost = max(line.bound for line in log), min(line.simulated_cost for line in log)
        if cost - bound > self.tolerance * max(abs(cost), 1e-12):
            return None
        return f"gap of {(cost - bound) / max(abs(cost), 1e-12):.1e} between bound and cost over all paths"
