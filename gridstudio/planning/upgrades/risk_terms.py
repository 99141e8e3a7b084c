"""Risk measures of the second stage's cost as linear terms of the program, one for each kind of measure."""

from dataclasses import dataclass
from functools import singledispatch

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from gridstudio.errors import InputError
from gridstudio.planning.upgrades.contract import FloatArray
from gridstudio.solve.risk import Blend, CVaR, Expectation, RiskMeasure, WorstCase

PACKAGE, YEAR, SCENARIO = "package", "year", "scenario"


@dataclass(frozen=True, eq=False)
class Recourse:
    """The second stage's cost as a linear expression of the state, for the risk measures."""

    model: linopy.Model
    state: linopy.Variable
    usd: FloatArray
    probabilities: FloatArray

    def weighted(self, weights: FloatArray) -> linopy.LinearExpression:
        """The cost under given weights (scenario,) of the scenarios."""
        usd = np.tensordot(weights, self.usd, axes=1)
        return (self.state * xr.DataArray(usd, coords=self.state.coords, dims=self.state.dims)).sum()

    def by_scenario(self) -> linopy.Variable:
        """cost[s] = sum of recourse_usd[s, k, t] state[k, t]; one variable for each scenario, made once."""
        if "scenario_cost" not in self.model.variables:
            scenarios = pd.RangeIndex(len(self.probabilities), name=SCENARIO)
            cost = self.model.add_variables(lower=0, coords=[scenarios], name="scenario_cost")
            coords = {SCENARIO: scenarios, **{name: self.state.indexes[name] for name in self.state.dims}}
            usd = xr.DataArray(self.usd, coords=coords, dims=list(coords))
            terms = (self.state * usd).sum([PACKAGE, YEAR])
            self.model.add_constraints(cost - terms == 0, name="scenario_cost")
        return self.model.variables["scenario_cost"]


@singledispatch
def linear(risk: RiskMeasure, recourse: Recourse) -> linopy.LinearExpression:
    """The risk measure of the recourse as a linear expression to be minimised, with the rows it needs."""
    raise InputError(f"The program knows no linear form of the risk measure {type(risk).__name__}.")


@linear.register
def _(risk: Expectation, recourse: Recourse) -> linopy.LinearExpression:
    return recourse.weighted(recourse.probabilities)


@linear.register
def _(risk: CVaR, recourse: Recourse) -> linopy.LinearExpression:
    """eta + E[(cost - eta)+] / (1 - alpha), Rockafellar and Uryasev (2000)."""
    cost, model = recourse.by_scenario(), recourse.model
    eta = model.add_variables(lower=0, name=f"value_at_risk_{id(risk)}")
    beyond = model.add_variables(lower=0, coords=[cost.indexes[SCENARIO]], name=f"beyond_{id(risk)}")
    model.add_constraints(beyond - cost + eta >= 0, name=f"beyond_{id(risk)}")
    weights = xr.DataArray(recourse.probabilities / (1 - risk.alpha), coords=[cost.indexes[SCENARIO]])
    return (beyond * weights).sum() + eta


@linear.register
def _(risk: WorstCase, recourse: Recourse) -> linopy.LinearExpression:
    """The least number that no scenario of positive probability exceeds."""
    cost, model = recourse.by_scenario(), recourse.model
    dearest = model.add_variables(lower=0, name=f"dearest_{id(risk)}")
    happens = xr.DataArray(recourse.probabilities > 0, coords=[cost.indexes[SCENARIO]])
    model.add_constraints(dearest - cost >= 0, name=f"dearest_{id(risk)}", mask=happens)
    return 1 * dearest


@linear.register
def _(risk: Blend, recourse: Recourse) -> linopy.LinearExpression:
    return (1 - risk.lambda_) * linear(risk.a, recourse) + risk.lambda_ * linear(risk.b, recourse)
