"""The loop of program and power flow: what OpenDSS refuses is cut off, and the program is solved again."""

from dataclasses import replace

import numpy as np

from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.blocks import planned_blocks
from gridstudio.planning.resilience.contract import Checked, Effort, Floats, Island, Plan, Problem, Served, Solution
from gridstudio.planning.resilience.islands import SecondStage, stage_for
from gridstudio.planning.resilience.program import measure, solve_program
from gridstudio.solve.risk import value

NO_BETTER = 1e-4  # of the loss: a round that gains less is the last


def checked_plan(problem: Problem, effort: Effort, phases: Phases, stage: SecondStage | None = None) -> Checked:
    """The best plan found whose islands all hold in OpenDSS, with the least of the rounds' bounds: no round said that a
    plan could be better than that. Rounds end once the checked loss is within the effort's gap of their own bound, or
    what was learned betters no plan. A ``stage`` that is given keeps what it learns: the results of what it serves next
    depend on it."""
    stage = stage or stage_for(problem.grid, problem.sites, phases)
    stage.look_ahead(planned_blocks(problem.grid, problem.storms, stage.prover.roots)[0])
    rounds: list[Solution] = []
    best: tuple[float, Plan, Served] | None = None
    cut: dict[tuple[object, ...], Island] = {}  # of all rounds
    for _ in range(effort.check_rounds):
        before = _known(stage)
        with phases.phase("program"):
            solution = solve_program(problem, effort, stage.lessons, stage.limits)
        assert solution.plan is not None
        rounds.append(solution)
        served = stage.serve(solution.plan, problem.storms, "check")
        for one in served.refused:
            cut.setdefault((one.source, one.sections, one.closed, one.nominal_kw), one)
        found = objective(problem, served.q)
        worse = best is not None and found >= best[0] * (1.0 - NO_BETTER)
        if best is None or found < best[0]:
            best = found, solution.plan, served
        if worse or _gap(best[0], solution.bound) <= effort.gap or _known(stage) == before:
            break
    assert best is not None
    found, plan, served = best
    least = min(each.bound for each in rounds)
    last = replace(rounds[-1], plan=plan, objective=found, bound=least, gap=_gap(found, least), q=served.q)
    plan = trimmed(problem, plan, served)
    served = replace(served, islands=rated(problem, plan, served), refused=tuple(cut.values()))
    return Checked(plan, last, served, tuple(rounds), len(cut))


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
