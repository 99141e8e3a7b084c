"""A plan and what its power flows showed, in all scenarios."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridstudio.evaluation import Evaluations
from gridstudio.planning.mitigation.excess import Excess, rating_a
from gridstudio.planning.mitigation.problem import Plan

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class State:
    """A plan, solved in all scenarios."""

    plan: Plan
    solved: Evaluations
    excess: Excess

    @cached_property
    def loading(self) -> Floats:
        """Largest loading of every branch (branch,) as a share of its rating; NaN without rating."""
        with np.errstate(all="ignore"):
            shares = self.current / rating_a(self.solved)[0]
        found: Floats = np.fmax.reduce(shares, axis=(0, 1))
        return found

    @cached_property
    def current(self) -> Floats:
        flow = self.solved.flow
        current: Floats = self.solved.network.branch_current(flow.current_a)[self.solved.row]
        return current

    @cached_property
    def conductor_current(self) -> Floats:
        """Current of every conductor (scenario, step, conductor) [A]."""
        found: Floats = self.solved.flow.current_a[self.solved.row]
        return found

    @cached_property
    def phase_current(self) -> Floats:
        """Largest current of every conductor (conductor,) [A]."""
        found: Floats = np.fmax.reduce(self.solved.flow.current_a[self.solved.row], axis=(0, 1))
        return np.nan_to_num(found)

    @cached_property
    def v_min(self) -> Floats:
        """Lowest voltage of every node (node,) [pu]; 0 where no power flow has an answer."""
        found: Floats = np.fmin.reduce(self.solved.flow.v_pu[self.solved.row], axis=(0, 1))
        return np.nan_to_num(found)

    @cached_property
    def low(self) -> Floats:
        """Largest excess of every node below the band (node,) [pu]; where nothing converged all fed nodes are low."""
        found: Floats = self.excess.low.max(axis=(0, 1))
        if self.excess.unsolved.any() and not found.any():
            fed = self.solved.network.nodes["fed"].to_numpy()
            return np.where(fed, 1.0, 0.0)
        return found

    @cached_property
    def high(self) -> Floats:
        found: Floats = self.excess.high.max(axis=(0, 1))
        return found

    @cached_property
    def over(self) -> Floats:
        """Largest excess of every branch (branch,), share of the limit."""
        found: Floats = self.excess.over.max(axis=(0, 1))
        return found
