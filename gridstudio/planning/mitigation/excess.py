"""How far limits are broken, cell by cell, and whether one state is worse than another anywhere.

A cell is one quantity that has a limit, at one time point in one scenario: a node's voltage below the band, the same
above it, a branch's loading, and whether the power flow has an answer. Its excess is 0 or what lies beyond the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.evaluation import Evaluations
from gridstudio.planning.mitigation.problem import Problem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
VOLTAGE_TOLERANCE_PU = 2e-4  # a violation that moves by less is not worse: a thirtieth of a regulator's step
LOADING_TOLERANCE = 2e-3  # the same for loadings, as a share of the limit
VOLTAGE_WEIGHT = 20.0  # of a pu: 0.05 pu out of band count as much as a branch at twice its limit
NO_ANSWER = 1_000.0  # weight of a power flow that did not converge
KINDS = ("undervoltage", "overvoltage", "dead", "overload", "not_converged")


@dataclass(frozen=True, eq=False)
class Excess:
    """Excess of some cases: low and high (case, step, node) [pu], over (case, step, branch) [share of the limit],
    unsolved (case, step); ``count`` (case, kind) violations by ``KINDS``."""

    low: Floats
    high: Floats
    over: Floats
    unsolved: Bools
    count: NDArray[np.intp]

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.intp]) -> "Excess":
        return Excess(self.low[rows], self.high[rows], self.over[rows], self.unsolved[rows], self.count[rows])

    @property
    def score(self) -> float:
        """All of it in one number, 0 if no limit is broken."""
        volts = float(self.low.sum() + self.high.sum())
        return VOLTAGE_WEIGHT * volts + float(self.over.sum()) + NO_ANSWER * float(self.unsolved.sum())

    @property
    def violations(self) -> int:
        return int(self.count.sum())

    def worse_than(self, reference: "Excess") -> str:
        """Which kinds are worse in any cell, beyond the tolerances; "" if none is.

        Where the reference has no answer nothing is known to be worse.
        """
        known = ~reference.unsolved[..., None]
        kinds = []
        for name, mine, theirs, tolerance in (
            ("undervoltage", self.low, reference.low, VOLTAGE_TOLERANCE_PU),
            ("overvoltage", self.high, reference.high, VOLTAGE_TOLERANCE_PU),
            ("overload", self.over, reference.over, LOADING_TOLERANCE),
        ):
            # what was within its limit stays there: a tolerance is for what is broken already
            allowed = np.where(theirs > 0, theirs + tolerance, 0.0)
            if ((mine > allowed) & known).any():
                kinds.append(name)
        if (self.unsolved & ~reference.unsolved).any():
            kinds.append("not_converged")
        return ", ".join(kinds)

    def breaks_beyond(self, reference: "Excess") -> bool:
        """Whether any limit is broken that the reference does not break, by however much."""
        pairs = ((self.low, reference.low), (self.high, reference.high), (self.over, reference.over))
        further = any(bool(((mine > 0) & ~(theirs > 0)).any()) for mine, theirs in pairs)
        return further or bool((self.unsolved & ~reference.unsolved).any())


def excess(problem: Problem, evaluations: Evaluations) -> Excess:
    """The excess of evaluated cases, in their order."""
    flow, limits, row = evaluations.flow, problem.limits, evaluations.row
    network: Network = evaluations.network
    fed = network.nodes["fed"].to_numpy()
    v_pu, converged = flow.v_pu[row], flow.converged[row]
    loading = network.branch_current(flow.current_a)[row] / rating_a(evaluations)
    low = np.where(fed & (v_pu < limits.v_min_pu), limits.v_min_pu - v_pu, 0.0)
    high = np.where(v_pu > limits.v_max_pu, v_pu - limits.v_max_pu, 0.0)
    over = np.where(loading > problem.limit_pu, loading / problem.limit_pu - 1.0, 0.0)
    dead = fed & (v_pu < limits.dead_pu)
    axes = (1, 2)
    count = np.stack(
        [
            ((low > 0) & ~dead).sum(axis=axes),
            (high > 0).sum(axis=axes),
            dead.sum(axis=axes),
            (over > 0).sum(axis=axes),
            (~converged).sum(axis=1),
        ],
        axis=1,
    )
    return Excess(low, high, over, ~converged, count)


def rating_a(evaluations: Evaluations) -> Floats:
    """Rating in force (case, 1, branch) [A]: what is built stands from the first step on."""
    network = evaluations.network
    base = network.branches["ampacity_a"].to_numpy()
    found = np.repeat(base[None, None, :], len(evaluations), axis=0)
    known: dict[int, Floats] = {}
    for index, case in enumerate(evaluations.cases):
        key = id(case.changes)
        if key not in known:
            mine = base.copy()
            for item in case.changes.by_step():
                if rating := item.change.new_rating(network):
                    mine[rating[0]] = rating[1]
            known[key] = mine
        found[index, 0] = known[key]
    return found
