"""The loop of program and power flow: what OpenDSS refuses is cut off, and the program is solved again."""

import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.blocks import planned_blocks
from gridstudio.planning.resilience.contract import Checked, Effort, Floats, Island, Plan, Problem, Served, Solution
from gridstudio.planning.resilience.islands import SecondStage, stage_for
from gridstudio.planning.resilience.program import BOUND_SHARE, MOST_BOXES, Planner, measure
from gridstudio.solve.risk import value

NO_BETTER = 1e-4  # of the loss: a round that gains less is the last
LEAST_ROUNDS = 2  # whatever time they take: what the first one learns betters most plans
FEW_BOXES = 4  # of the bound between rounds: a round costs as much as some of them


def checked_plan(problem: Problem, effort: Effort, phases: Phases, stage: SecondStage | None = None) -> Checked:
    """The best plan found whose islands all hold in OpenDSS, with a bound that no plan of the first round's program is
    below: what later rounds learn only takes plans away. Rounds end once the checked loss is within the effort's gap of
    the bound, what was learned betters no plan, or the effort's seconds are over: they count for all rounds together,
    and the first two are always finished. A ``stage`` that is given keeps what it learns: the results of what it serves
    next depend on it."""
    until = time.perf_counter() + effort.seconds
    stage = stage or stage_for(problem.grid, problem.sites, phases)
    stage.look_ahead(planned_blocks(problem.grid, problem.storms, stage.prover.roots)[0])
    rounds = Rounds(problem, stage, Planner(problem, effort.gap, stage.limits, stage.solved), phases)
    for number in range(1, effort.check_rounds + 1):
        before, last = _known(stage), rounds.loss
        rounds.add(until if rounds.planner.exact else 0.0)
        rounds.raise_bound(until, FEW_BOXES)
        worse = rounds.loss >= last * (1.0 - NO_BETTER)
        late = number >= LEAST_ROUNDS and time.perf_counter() > until
        if rounds.gap <= effort.gap or worse or _known(stage) == before or late:
            break
    if rounds.gap > effort.gap and not rounds.planner.exact:
        rounds.raise_bound(time.perf_counter() + BOUND_SHARE * (until - time.perf_counter()), MOST_BOXES)
        if rounds.gap > effort.gap and time.perf_counter() < until:
            rounds.add(until)
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
    cut: dict[tuple[object, ...], Island] = field(default_factory=dict)  # islands of all rounds

    @property
    def loss(self) -> float:
        """The least checked objective; inf before the first round."""
        return self.best[0] if self.best else math.inf

    @property
    def gap(self) -> float:
        return _gap(self.loss, self.bound)

    def add(self, until: float) -> None:
        """A plan and its check; the program as a whole where there is time for it until then."""
        with self.phases.phase("program"):
            lessons = self.stage.lessons
            whole = time.perf_counter() < until
            solution = self.planner.solved(lessons, until) if whole else self.planner.searched(lessons)
        assert solution.plan is not None
        self.done.append(solution)
        self.seconds += solution.seconds
        self.bound = solution.bound if len(self.done) == 1 else self.bound
        served = self.stage.serve(solution.plan, self.problem.storms, "check")
        for one in served.refused:
            self.cut.setdefault((one.source, one.sections, one.closed, one.nominal_kw), one)
        found = objective(self.problem, served.q)
        if found < self.loss:
            self.best = found, solution.plan, served

    def raise_bound(self, until: float, boxes: int) -> None:
        """Nearer to the best loss, as far as needed."""
        started = time.perf_counter()
        with self.phases.phase("bound"):
            known = self.planner.raised_to(self.planner.enough(self.loss), until, boxes)
        self.seconds += time.perf_counter() - started
        self.bound = min(max(self.bound, known), self.loss)

    def told(self, gap: float) -> Checked:
        assert self.best is not None
        found, plan, served = self.best
        left = _gap(found, self.bound)
        last = replace(
            self.done[-1],
            plan=plan,
            status="optimal" if left <= gap + 1e-9 else "feasible",
            objective=found,
            bound=self.bound,
            gap=left,
            seconds=self.seconds,
            q=served.q,
        )
        plan = trimmed(self.problem, plan, served)
        served = replace(served, islands=rated(self.problem, plan, served), refused=tuple(self.cut.values()))
        return Checked(plan, last, served, tuple(self.done), len(self.cut))


def objective(problem: Problem, q: Floats) -> float:
    """(1 - lambda) E[Q] + lambda CVaR_alpha(Q) of losses (storm,)."""
    return value(measure(problem.risk), q, problem.storms.probability)


def trimmed(problem: Problem, plan: Plan, served: Served) -> Plan:
    """Sources no larger than their largest island needs, in whole kW; a source without an island is not built."""
    need = np.zeros(len(problem.sites))
    for island in served.islands:
        if island.source in problem.sites.names:
            i = problem.sites.names.index(island.source)
            need[i] = max(need[i], island.source_kw, island.source_kva / problem.sites.kva_per_kw[i])
    return replace(plan, delta=plan.delta & (need > 0), beta_kw=np.minimum(plan.beta_kw, np.ceil(need)))


def rated(problem: Problem, plan: Plan, served: Served) -> tuple[Island, ...]:
    """The islands with their sources as large as a plan builds them."""
    kw = dict(zip(problem.sites.names, plan.beta_kw.tolist(), strict=True))
    return tuple(replace(one, rated_kw=kw.get(one.source, one.rated_kw)) for one in served.islands)


def _gap(found: float, bound: float) -> float:
    return max((found - bound) / found, 0.0) if found > 0 else 0.0


def _known(stage: SecondStage) -> tuple[object, ...]:
    return dict(stage.lessons.of_root), frozenset(stage.lessons.refused), frozenset(stage.lessons.barred)
