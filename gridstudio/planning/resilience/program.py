"""The program solved: a plan by search, its islands by small programs, a bound by decomposition, or all as a whole."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import linopy
import numpy as np

from gridstudio.errors import SolverError
from gridstudio.planning.resilience.apart import ON, block_gap, columns, solved_apart
from gridstudio.planning.resilience.blocks import planned_blocks, roots_of
from gridstudio.planning.resilience.bound import Bound
from gridstudio.planning.resilience.contract import Effort, Floats, Plan, Problem, Risk, Solution
from gridstudio.planning.resilience.formulation import add_objective, formulate
from gridstudio.planning.resilience.limits import LinearLimits
from gridstudio.planning.resilience.regions import Options, Regions
from gridstudio.planning.resilience.search import good_plans
from gridstudio.planning.resilience.siting import Siting
from gridstudio.planning.resilience.solver import loaded
from gridstudio.planning.resilience.stage import Lessons, Stage, stage_of
from gridstudio.solve.integer import matrix_form
from gridstudio.solve.risk import Blend, CVaR, Expectation, value

NOTHING_KW = 1e-3  # sizes below are none
LEAST_GAP = 1e-3  # below, the program is solved as a whole: the decomposition's steps are too coarse to prove it
WITHIN = 0.999  # of the gap, that rounding does not leave it open
MOST_BOXES = 400  # of the decomposition, before the program as a whole
BOUND_SHARE = 0.5  # of the time for the decomposition, before the program as a whole
NOISE = 1e-6  # of all load: a bound further above a plan's loss is wrong


def solve_program(
    problem: Problem, effort: Effort, lessons: Lessons | None = None, limits: LinearLimits | None = None
) -> Solution:
    """The best plan found of the program, with a bound."""
    until = time.perf_counter() + effort.seconds
    limits = limits or LinearLimits(problem.grid, problem.sites, roots_of(problem.grid, problem.sites))
    return Planner(problem, effort.gap, limits, {}).solved(lessons or Lessons(), until)


class Planner:
    """Plans for one problem, again and again as power flows teach more.

    Sizes and options come from a search over tables (``search``); their islands from the program with the plan given,
    block by block. A decomposition by blocks (``bound``) says how much better a plan could be: it is that of the first
    call, and what is learned later only takes plans away. ``solved_blocks``: see ``apart.solved_apart``.
    """

    def __init__(self, problem: Problem, gap: float, limits: LinearLimits, solved_blocks: dict[bytes, Floats]) -> None:
        self.problem, self.gap, self._limits, self._solved_blocks = problem, gap, limits, solved_blocks
        self._roots = roots_of(problem.grid, problem.sites)
        self._blocks, self._of_storm = planned_blocks(problem.grid, problem.storms, self._roots)
        self._regions: Regions | None = None
        self._bound: Bound | None = None
        self._last: Plan | None = None
        self._late = False

    @property
    def stopped_by_clock(self) -> bool:
        """Whether a deadline ever ended the bound, or the program as a whole."""
        return self._late or (self._bound is not None and self._bound.stopped_by_clock)

    @property
    def exact(self) -> bool:
        """Whether the gap is too small for the decomposition."""
        return self.gap < LEAST_GAP

    def searched(self, lessons: Lessons) -> Solution:
        """The best plan that the search finds, with the bound as far as it is known."""
        started = time.perf_counter()
        _, program, x = self._found(lessons)
        return self._told(program, x, self._bottom, started)

    def solved(self, lessons: Lessons, until: float) -> Solution:
        """The same, then until the gap is closed or a time (of ``time.perf_counter``) has come: the bound raised, and
        where that does not do the program as a whole, from this plan on."""
        started = time.perf_counter()
        stage, program, x = self._found(lessons)
        objective = self._risk_of(program, x)
        if not self.exact:
            self.raised_to(self.enough(objective), started + BOUND_SHARE * (until - started))
        open_ = self._bottom < self.enough(objective) - 1e-9
        if open_ and time.perf_counter() > until:
            self._late, open_ = True, False
        if not open_:
            return self._told(program, x, self._bottom, started)
        return self._as_a_whole(stage, program, x, started, until)

    def raised_to(self, enough: float, until: float, boxes: int = MOST_BOXES) -> float:
        """The bound of all plans, once it is ``enough`` or no more time or boxes are left."""
        assert self._bound is not None
        return self._bound.raise_to(enough, until, boxes)

    def enough(self, objective: float) -> float:
        """The bound that leaves no more than the gap below an objective."""
        return (1.0 - WITHIN * self.gap) * objective

    @property
    def _bottom(self) -> float:
        return self._bound.value if self._bound else 0.0

    def _risk_of(self, program: "Program", x: Floats) -> float:
        return value(measure(self.problem.risk), lost(program, x), self.problem.storms.probability)

    def _found(self, lessons: Lessons) -> tuple[Stage, "Program", Floats]:
        """The second stage of any plan; the program of the plan that loses least, and its columns."""
        problem = self.problem
        parts = problem.grid, problem.sites, self._roots, self._blocks, self._limits, lessons
        stage = stage_of(*parts)
        self._regions = self._regions.anew(stage) if self._regions else Regions(stage, affordable(problem))
        self._bound = self._bound or Bound(problem, self._regions, self._of_storm)
        siting = Siting(self._regions, self._of_storm, problem.storms.probability, measure(problem.risk))
        tried = []
        for plan in good_plans(problem, siting, self._bound.mean, self._last):
            alone = stage_of(*parts, plan)
            small = Program(problem, alone, self._of_storm, formulate(alone, math.inf, math.inf, plan))
            x = self._islands_for(small, plan)
            tried.append((self._risk_of(small, x), plan, small, x))
        _, self._last, small, x = min(tried, key=lambda each: each[0])
        return stage, small, x

    def _islands_for(self, program: "Program", plan: Plan) -> Floats:
        return islands_for(program, plan, self._solved_blocks, block_gap(self.gap))

    def _as_a_whole(self, stage: Stage, small: "Program", x: Floats, started: float, until: float) -> Solution:
        """The program without a plan given, from a plan on."""
        problem = self.problem
        program = Program(problem, stage, self._of_storm, formulate(stage, problem.budget.kw, problem.budget.usd))
        start = self._islands_for(program, plan_of(small, x))
        add_objective(program.model, stage, problem, self._of_storm)
        highs = loaded(matrix_form(program.model), max(until - time.perf_counter(), 0.0), self.gap)
        given = highspy.HighsSolution()
        given.col_value = _with_losses(program, start).tolist()
        highs.setSolution(given)
        highs.run()
        status, info = highs.getModelStatus(), highs.getInfo()
        self._late |= status == highspy.HighsModelStatus.kTimeLimit
        if info.primal_solution_status == 0 or not math.isfinite(info.objective_function_value):
            raise SolverError(f"The program ended without a plan: {highs.modelStatusToString(status)}.")
        found = np.asarray(highs.getSolution().col_value)
        if self._risk_of(program, found) > self._risk_of(small, x):
            found = _with_losses(program, start)
        bottom = max(self._bottom, float(info.mip_dual_bound))
        return self._told(program, found, bottom, started, status == highspy.HighsModelStatus.kOptimal)

    def _told(self, program: "Program", x: Floats, bottom: float, started: float, proven: bool = False) -> Solution:
        """The plan that columns stand for; what is lost is counted from the units picked up."""
        model, q = program.model, lost(program, x)
        objective = self._risk_of(program, x)
        least = self._checked(bottom, objective)
        gap = (objective - least) / objective if objective > 0 else 0.0
        return Solution(
            plan=plan_of(program, x),
            status="optimal" if proven or gap <= self.gap + 1e-9 else "feasible",
            objective=objective,
            bound=least,
            gap=gap,
            seconds=time.perf_counter() - started,
            binaries=int(sum(kind == "I" for kind in model.matrices.vtypes)),
            rows=len(model.matrices.b),
            q=q,
            stopped_by_clock=self.stopped_by_clock,
        )

    def _checked(self, bottom: float, objective: float) -> float:
        """A bound below a plan's loss, rounding aside; SolverError where it is not one."""
        if bottom > objective + NOISE * max(objective, self.problem.grid.total_weighted_kw):
            raise SolverError(
                f"The bound of the program, {bottom:.6g} weighted kW, is above what a plan loses, {objective:.6g}: one "
                "of them is wrong, so neither is told. Please report the study."
            )
        return min(max(bottom, 0.0), objective)


def affordable(problem: Problem) -> Options:
    """All lines and switches that the budget allows one by one."""
    grid, usd = problem.grid, problem.budget.usd + 1e-9
    return Options(grid.line_hardenable & (grid.line_usd <= usd), grid.optional & (grid.device_usd <= usd))


@dataclass(frozen=True, eq=False)
class Program:
    """A program with what it was made of."""

    problem: Problem
    stage: Stage
    of_storm: Sequence[tuple[int, ...]]
    model: linopy.Model


def islands_for(program: Program, plan: Plan, solved_blocks: dict[bytes, Floats], gap: float) -> Floats:
    """Values of the first and second stage's columns: a plan, with the best islands for it to a gap block by block."""
    stage, model, t = program.stage, program.model, program.stage.tables
    there = plan.added | ~stage.grid.optional
    given = {"delta": plan.delta, "beta_kw": plan.beta_kw, "hardened": plan.hardened, "added": there}
    if len(t.u_field):
        built = np.array([root.site < 0 or plan.delta[root.site] for root in stage.roots])
        worth = stage.grid.unit_weighted_kw[t.u_unit] * built[t.root_of(t.u_field)]
        model.add_objective((model.variables["picked_up"] * -np.maximum(worth, 0.0)).sum(), overwrite=True)
    return solved_apart(model, solved_blocks, {name: values.astype(float) for name, values in given.items()}, gap)


def lost(program: Program, x: Floats) -> Floats:
    """What is lost in each storm (storm,), counted from the units that are picked up."""
    t, grid = program.stage.tables, program.stage.grid
    worth = np.zeros(len(t.blocks))
    if len(t.u_field):
        picked = x[columns(program.model, "picked_up")] > ON
        np.add.at(worth, t.block_of(t.u_field), grid.unit_weighted_kw[t.u_unit] * picked)
    return np.array([grid.total_weighted_kw - worth[list(own)].sum() for own in program.of_storm])


def plan_of(program: Program, x: Floats) -> Plan:
    """The first stage that columns stand for."""
    grid, sites, model = program.problem.grid, program.problem.sites, program.model
    delta = x[columns(model, "delta")] > ON
    beta_kw = np.where(delta, np.clip(x[columns(model, "beta_kw")], 0.0, sites.max_kw), 0.0)
    return Plan(
        delta=beta_kw > NOTHING_KW,
        beta_kw=np.where(beta_kw > NOTHING_KW, beta_kw, 0.0),
        hardened=(x[columns(model, "hardened")] > ON) & grid.line_hardenable,
        added=(x[columns(model, "added")] > ON) & grid.optional,
    )


def _with_losses(program: Program, x: Floats) -> Floats:
    """The columns of the first and second stage, then lost, eta and beyond."""
    q, p = lost(program, x), program.problem.storms.probability
    var_kw = value_at_risk(q, p, program.problem.risk.alpha)
    return np.concatenate([x, q, [var_kw], np.maximum(q - var_kw, 0.0)])


def measure(risk: Risk) -> Blend:
    """The objective's risk measure."""
    return Blend(risk.lambda_, Expectation(), CVaR(risk.alpha))


def value_at_risk(q: Floats, probability: Floats, alpha: float) -> float:
    """The smallest loss that is not exceeded with probability ``alpha`` or more."""
    order = np.argsort(q, kind="stable")
    reached = np.cumsum(probability[order])
    return float(q[order[min(int(np.searchsorted(reached, alpha - 1e-12)), len(q) - 1)]])
