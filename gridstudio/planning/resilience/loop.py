"""The loop of program and power flow: what OpenDSS refuses is cut off, and the program is solved again."""

import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.apart import block_gap
from gridstudio.planning.resilience.blocks import planned_blocks
from gridstudio.planning.resilience.contract import Checked, Effort, Floats, Island, Plan, Problem, Served, Solution
from gridstudio.planning.resilience.hardening import less, singles
from gridstudio.planning.resilience.islands import SecondStage, stage_for
from gridstudio.planning.resilience.program import BOUND_SHARE, MOST_BOXES, Planner, measure
from gridstudio.planning.resilience.regions import Options
from gridstudio.solve.risk import value

NO_BETTER = 1e-4  # of the loss: a round that gains less is the last
LEAST_ROUNDS = 2  # whatever time they take: what the first one learns betters most plans
SAME_KW = 1e-6  # weighted kW of a storm
FEW_BOXES = 4  # of the bound between rounds: a round costs as much as some of them


def checked_plan(problem: Problem, effort: Effort, phases: Phases, stage: SecondStage | None = None) -> Checked:
    """The best plan found whose islands all hold in OpenDSS, with a bound that no plan of the first round's program is
    below: what later rounds learn only takes plans away. Rounds end once the checked loss is within the effort's gap of
    the bound, what was learned betters no plan, or the effort's seconds are over: they count for all rounds together,
    and the first two are always finished. A ``stage`` that is given keeps what it learns: the results of what it serves
    next depend on it."""
    until = time.perf_counter() + effort.seconds
    stage = stage or stage_for(problem.grid, problem.sites, phases)
    stage.block_gap = block_gap(effort.gap)
    stage.look_ahead(planned_blocks(problem.grid, problem.storms, stage.prover.roots)[0])
    rounds = Rounds(problem, stage, Planner(problem, effort.gap, stage.limits, stage.solved), phases)
    rounds.repeat(effort, until)
    if rounds.gap > effort.gap and not rounds.planner.exact:
        rounds.raise_bound(time.perf_counter() + BOUND_SHARE * (until - time.perf_counter()), MOST_BOXES)
        if rounds.gap > effort.gap and rounds.in_time(until):
            rounds.add(until)
    rounds.drop_useless_options()
    return rounds.told(effort.gap)


@dataclass(eq=False)
class Rounds:
    """The rounds so far, and the best of what OpenDSS left of their plans."""

    problem: Problem
    stage: SecondStage
    planner: Planner
    phases: Phases
    done: list[Solution] = field(default_factory=list)
    best: tuple[float, Plan, Served] | None = None
    bound: float = 0.0
    seconds: float = 0.0  # of programs and bound
    late: bool = False  # whether a deadline kept something from being done
    cut: dict[tuple[object, ...], Island] = field(default_factory=dict)  # islands of all rounds

    @property
    def loss(self) -> float:
        """The least checked objective; inf before the first round."""
        return self.best[0] if self.best else math.inf

    @property
    def gap(self) -> float:
        return _gap(self.loss, self.bound)

    def in_time(self, until: float) -> bool:
        """Whether there is time for more; to be asked only where more would be done."""
        self.late |= time.perf_counter() >= until
        return time.perf_counter() < until

    def repeat(self, effort: Effort, until: float) -> None:
        """Round after round, as ``checked_plan`` says."""
        for number in range(1, effort.check_rounds + 1):
            before, last = known(self.stage), self.loss
            self.add(until if self.planner.exact else None)
            self.raise_bound(until, FEW_BOXES)
            worse = self.loss >= last * (1.0 - NO_BETTER)
            if self.gap <= effort.gap or worse or known(self.stage) == before or number == effort.check_rounds:
                return
            if number >= LEAST_ROUNDS and not self.in_time(until):
                return

    def add(self, until: float | None) -> None:
        """A plan and its check; with a deadline by the program as a whole, as far as there is time for it."""
        with self.phases.phase("program"):
            lessons = self.stage.lessons
            if until is not None and self.in_time(until):
                solution = self.planner.solved(lessons, until)
            else:
                solution = self.planner.searched(lessons)
        assert solution.plan is not None
        self.done.append(solution)
        self.seconds += solution.seconds
        self.bound = solution.bound if len(self.done) == 1 else self.bound
        served = self._served(solution.plan)
        found = objective(self.problem, served.q)
        if found < self.loss:
            self.best = found, solution.plan, served

    def _served(self, plan: Plan) -> Served:
        """What OpenDSS leaves of a plan; what it refuses is noted."""
        served = self.stage.serve(plan, self.problem.storms, "check")
        for one in served.refused:
            self.cut.setdefault((one.source, one.sections, one.closed, one.nominal_kw), one)
        return served

    def raise_bound(self, until: float, boxes: int) -> None:
        """Nearer to the best loss, as far as needed. The checked loss may be less than the program's bound: its linear
        model can forbid what OpenDSS allows."""
        started = time.perf_counter()
        with self.phases.phase("bound"):
            raised = self.planner.raised_to(self.planner.enough(self.loss), until, boxes)
        self.seconds += time.perf_counter() - started
        self.bound = min(max(self.bound, raised), self.loss)

    def drop_useless_options(self) -> None:
        """Take lines and switches out of the best plan without which no storm loses more, the dearest first."""
        assert self.best is not None
        _, plan, served = self.best
        grid, options = self.problem.grid, Options(plan.hardened, plan.added)
        for one in sorted(singles(options), key=lambda one: -one.usd(grid)):
            fewer = less(options, one)
            tried = replace(plan, hardened=fewer.hardened, added=fewer.added)
            again = self._served(tried)
            if (again.q <= served.q + SAME_KW).all():
                options, plan, served = fewer, tried, again
        self.best = objective(self.problem, served.q), plan, served

    def told(self, gap: float) -> Checked:
        assert self.best is not None
        _, plan, served = self.best
        last = replace(
            self.done[-1],
            bound=self.bound,
            seconds=self.seconds,
            stopped_by_clock=self.late or self.planner.stopped_by_clock,
        )
        kept = without_idle(self.problem, plan, served)
        served = replace(served, refused=tuple(self.cut.values()))
        solution = _after_check(replace(last, plan=plan), served.q, self.problem, gap)
        return Checked(kept, solution, served, tuple(self.done), len(self.cut))


def served_again(problem: Problem, checked: Checked, stage: SecondStage, gap: float) -> Checked:
    """The same plan by what a stage knows now, which may be more than when the plan was made."""
    served = replace(stage.serve(checked.plan, problem.storms, "check"), refused=checked.served.refused)
    return replace(checked, served=served, solution=_after_check(checked.solution, served.q, problem, gap))


def _after_check(solution: Solution, q: Floats, problem: Problem, gap: float) -> Solution:
    """A solution with what its plan loses by OpenDSS, ``q`` (storm,); ``gap``: the one asked for."""
    found = objective(problem, q)
    bound = min(solution.bound, found)
    left = _gap(found, bound)
    status = "optimal" if left <= gap + 1e-9 else "feasible"
    return replace(solution, status=status, objective=found, bound=bound, gap=left, q=q)


def objective(problem: Problem, q: Floats) -> float:
    """(1 - lambda) E[Q] + lambda CVaR_alpha(Q) of losses (storm,)."""
    return value(measure(problem.risk), q, problem.storms.probability)


def used_kw(problem: Problem, served: Served) -> Floats:
    """The most that the islands of any storm need of each source (site,): kW, or what their kVA take."""
    need, sites = np.zeros(len(problem.sites)), problem.sites
    for island in served.islands:
        if island.source in sites.names:
            i = sites.names.index(island.source)
            need[i] = max(need[i], island.source_kw, island.source_kva / sites.kva_per_kw[i])
    return need


def without_idle(problem: Problem, plan: Plan, served: Served) -> Plan:
    """A plan without sources that have no island in any storm. The others keep their size, also where no scenario needs
    all of it: other storms may."""
    used = plan.delta & (used_kw(problem, served) > 0)
    return replace(plan, delta=used, beta_kw=np.where(used, plan.beta_kw, 0.0))


def known(stage: SecondStage) -> tuple[object, ...]:
    """What power flows have taught a stage, to be compared."""
    return dict(stage.lessons.of_root), frozenset(stage.lessons.refused), frozenset(stage.lessons.barred)


def _gap(found: float, bound: float) -> float:
    return max((found - bound) / found, 0.0) if found > 0 else 0.0
