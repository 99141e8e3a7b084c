"""The two-stage program: which measure on which feeder in which year, before it is known what the future brings.

Sets: candidates c, packages k (sets of candidates of a feeder, see ``contract``), feeders f, years t, scenarios s.
Variables: build[c, t] in {0, 1}; state[k, t] >= 0, the package in service.

    minimise  sum build_usd[c, t] build[c, t] + risk_s( sum recourse_usd[s, k, t] state[k, t] )               (1)
    one_package      sum of state[k, t] over the packages k of feeder f  =  1             for each f, t       (2)
    in_service       sum of state[k, t] over the k with c in them  =  sum of build[c, u] over u <= t          (3)
    budget           sum of spend_usd[c] build[c, t] over c  <=  budget_usd[t]            for each t          (4)
    requirement      sum of expected unserved[k, t] state[k, t] over k  <=  most          for each t          (5)
    in_all           the same over all years  <=  most_in_all                                                 (6)

state needs no integrality: where (3) is integral, (2) leaves each feeder exactly one package. The recourse of a package
is settled beforehand (``dispatch``), so (1) is exact, and its relaxation is tight: 65 feeders with four candidates, 200
scenarios and five yearly budgets take less than a second, where one shortfall variable for each scenario, feeder and
year was not solved in ten minutes.
"""

import math
import time
from dataclasses import dataclass, replace

import highspy
import linopy
import numpy as np
import pandas as pd
import xarray as xr

from gridstudio.errors import InputError, SolverError
from gridstudio.planning.upgrades.contract import NEVER, FloatArray, IntArray, Packages, Plan
from gridstudio.planning.upgrades.risk_terms import PACKAGE, YEAR, Recourse, linear
from gridstudio.solve.integer import matrix_form
from gridstudio.solve.risk import Expectation, RiskMeasure, value

CANDIDATE = "candidate"


@dataclass(frozen=True, eq=False)
class Problem:
    """The program's data.

    ``build_usd`` (candidate, year): present value of a measure built in that year, with O&M and less residual value;
    infinite where it cannot be built yet. ``spend_usd`` (candidate,): what it takes from the year's budget.
    ``recourse_usd`` (scenario, package, year): present value of what is unserved and curtailed. ``unserved`` (package,
    year): expected, in the unit of the outcomes. ``budget_usd`` and ``most_unserved`` (year,), ``most_in_all``:
    infinite where free.
    """

    packages: Packages
    years: tuple[int, ...]
    build_usd: FloatArray
    spend_usd: FloatArray
    recourse_usd: FloatArray
    probabilities: FloatArray
    unserved: FloatArray
    budget_usd: FloatArray
    most_unserved: FloatArray
    most_in_all: float = math.inf

    def with_recourse(self, recourse_usd: FloatArray, probabilities: FloatArray) -> "Problem":
        return replace(self, recourse_usd=recourse_usd, probabilities=probabilities)


@dataclass(frozen=True)
class Effort:
    """When the solver may stop: at a ``gap`` or after so many ``nodes``, the same on every machine; ``seconds`` are
    for what would never end."""

    seconds: float = 600.0
    gap: float = 1e-6
    nodes: int = 1_000_000


@dataclass(frozen=True, eq=False)
class Solution:
    """A plan, what it costs and what is proved about it.

    ``status``: "optimal", or why the solver stopped, with the best plan found. ``bound_usd``: no plan costs less;
    ``gap``: of the total over the bound. ``investment_usd`` and ``recourse_usd`` add to ``total_usd``; the
    recourse is valued by the risk measure. ``scenario_usd`` (scenario,): the recourse of each scenario.
    """

    plan: Plan
    status: str
    total_usd: float
    investment_usd: float
    recourse_usd: float
    scenario_usd: FloatArray
    bound_usd: float
    gap: float
    variables: int
    constraints: int
    nonzeros: int
    seconds: float


def solve(problem: Problem, risk: RiskMeasure = Expectation(), effort: Effort = Effort()) -> Solution:
    """The best plan. InputError if no plan meets the requirement within the budget; it tells the least that would."""
    started = time.perf_counter()
    if len(problem.spend_usd) == 0:
        return _nothing_to_choose(problem, risk)
    model, columns = formulate(problem, risk)
    highs = solved(model, effort)
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        raise InputError(_least_budget(problem, effort))
    info = highs.getInfo()
    if not math.isfinite(info.objective_function_value) or info.primal_solution_status == 0:
        if np.isfinite(problem.most_unserved).any():
            raise SolverError(f"The program ended without a plan: {highs.modelStatusToString(status)}.")
        chosen = np.zeros(columns.build.shape, dtype=bool)  # stopped early: to build nothing is a plan, with its gap
    else:
        chosen = np.asarray(highs.getSolution().col_value)[columns.build] > 0.5  # (candidate, year)
    plan = Plan(problem.years, np.where(chosen.any(axis=1), chosen.argmax(axis=1), NEVER))
    optimal = status == highspy.HighsModelStatus.kOptimal
    return priced(
        problem,
        plan,
        risk,
        status="optimal" if optimal else highs.modelStatusToString(status).lower(),
        bound_usd=float(info.mip_dual_bound),
        variables=highs.getNumCol(),
        constraints=highs.getNumRow(),
        nonzeros=highs.getNumNz(),
        seconds=time.perf_counter() - started,
    )


def _nothing_to_choose(problem: Problem, risk: RiskMeasure) -> Solution:
    """The only plan where there is no candidate."""
    plan = Plan(problem.years, np.zeros(0, dtype=np.int64))
    left = problem.unserved[problem.packages.empty].sum(axis=0)
    if np.any(left > problem.most_unserved) or left.sum() > problem.most_in_all:
        raise InputError("No plan meets the requirement: there is no candidate.")
    known = priced(problem, plan, risk, status="optimal")
    return replace(known, bound_usd=known.total_usd, gap=0.0)


def priced(
    problem: Problem,
    plan: Plan,
    risk: RiskMeasure,
    status: str = "given",
    bound_usd: float = -math.inf,
    variables: int = 0,
    constraints: int = 0,
    nonzeros: int = 0,
    seconds: float = 0.0,
) -> Solution:
    """A plan with its cost, counted from the data and not from the solver's numbers."""
    built = np.flatnonzero(plan.stage >= 0)
    investment = float(problem.build_usd[built, plan.stage[built]].sum())
    scenario_usd = scenario_costs(problem, plan)
    recourse = value(risk, scenario_usd, problem.probabilities)
    total = investment + recourse
    bound = min(bound_usd, total)
    gap = (total - bound) / max(abs(total), 1.0)
    size = (variables, constraints, nonzeros)
    return Solution(plan, status, total, investment, recourse, scenario_usd, bound, gap, *size, seconds)


def scenario_costs(problem: Problem, plan: Plan) -> FloatArray:
    """The recourse (scenario,) under a plan."""
    chosen = plan.packages(problem.packages)
    years = np.arange(len(problem.years))
    return np.asarray(problem.recourse_usd[:, chosen, years].sum(axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class Columns:
    """Where the solver keeps ``build`` (candidate, year) and ``state`` (package, year)."""

    build: IntArray
    state: IntArray


def formulate(problem: Problem, risk: RiskMeasure) -> tuple[linopy.Model, Columns]:
    """The model on paper, and its columns."""
    packages = problem.packages
    candidates = pd.RangeIndex(len(problem.spend_usd), name=CANDIDATE)
    states = pd.RangeIndex(len(packages), name=PACKAGE)
    years = pd.Index(problem.years, name=YEAR)
    model = linopy.Model()

    possible = np.isfinite(problem.build_usd)
    build = model.add_variables(
        lower=0,
        upper=xr.DataArray(possible.astype(float), coords=[candidates, years]),
        integer=True,
        coords=[candidates, years],
        name="build",
    )
    state = model.add_variables(lower=0, coords=[states, years], name="state")

    feeder = xr.DataArray(packages.feeder, coords=[states], name="feeder")
    model.add_constraints((1 * state).groupby(feeder).sum() == 1, name="one_package")

    has, is_in = np.nonzero(packages.members)
    pairs = pd.RangeIndex(len(has), name="pair")
    of_pair = (1 * state).isel({PACKAGE: has}).rename({PACKAGE: "pair"}).assign_coords(pair=pairs)
    contains = of_pair.groupby(xr.DataArray(is_in, coords=[pairs], name=CANDIDATE)).sum()
    model.add_constraints(contains - build.cumsum(YEAR) == 0, name="in_service")

    spend = xr.DataArray(problem.spend_usd, coords=[candidates])
    budget = xr.DataArray(problem.budget_usd, coords=[years])
    if np.isfinite(problem.budget_usd).any():
        model.add_constraints((build * spend).sum(CANDIDATE) <= budget, name="budget", mask=np.isfinite(budget))

    unserved = xr.DataArray(problem.unserved, coords=[states, years])
    most = xr.DataArray(problem.most_unserved, coords=[years])
    if np.isfinite(problem.most_unserved).any():
        model.add_constraints((state * unserved).sum(PACKAGE) <= most, name="requirement", mask=np.isfinite(most))
    if math.isfinite(problem.most_in_all):
        model.add_constraints((state * unserved).sum() <= problem.most_in_all, name="in_all")

    capital = xr.DataArray(np.where(possible, problem.build_usd, 0.0), coords=[candidates, years])
    recourse = Recourse(model, state, problem.recourse_usd, problem.probabilities)
    model.add_objective((build * capital).sum() + linear(risk, recourse))
    labels = model.matrices.vlabels
    return model, Columns(np.searchsorted(labels, build.labels.values), np.searchsorted(labels, state.labels.values))


def solved(model: linopy.Model, effort: Effort) -> highspy.Highs:
    """The model in HiGHS, run to its end or to the effort's."""
    highs = loaded(matrix_form(model), effort)
    highs.run()
    return highs


def loaded(form: highspy.HighsLp, effort: Effort) -> highspy.Highs:
    """HiGHS with a program in it, silent, not run yet."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("time_limit", float(effort.seconds))
    highs.setOptionValue("mip_rel_gap", effort.gap)
    highs.setOptionValue("mip_max_nodes", effort.nodes)
    highs.passModel(form)
    return highs


def _least_budget(problem: Problem, effort: Effort) -> str:
    """Why no plan is possible: the least equal yearly budget that would do, or what no budget can."""
    model, _ = formulate(replace(problem, budget_usd=np.full(len(problem.years), np.inf)), Expectation())
    build = model.variables["build"]
    spend = xr.DataArray(problem.spend_usd, coords=[build.indexes[CANDIDATE]])
    budget = model.add_variables(lower=0, name="yearly_budget")
    model.add_constraints((build * spend).sum(CANDIDATE) - budget <= 0, name="yearly_budget")
    model.add_objective(1 * budget, overwrite=True)
    highs = solved(model, effort)
    if highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return "No plan meets the requirement, however large the budget: the candidates do not serve enough."
    least = math.ceil(highs.getInfo().objective_function_value - 1e-6)
    given = problem.budget_usd[np.isfinite(problem.budget_usd)]
    return (
        f"The budget of {given.min():,.0f} USD in a year is too small for any plan that meets the requirement: "
        f"the least budget that works is {least:,.0f} USD in each year."
    )
