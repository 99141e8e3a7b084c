"""Sensitivity: one program after another, every one kept on disk as soon as it is done, so that a run goes on.

All points see the same storms: plans for the same number of scenarios have the same scenarios, and every plan is
judged on the same fresh storms, so that differences between points are not noise of the draw.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.contract import Budget, Effort, Floats, Grid, Problem, Risk, Sites, Storms
from gridstudio.planning.resilience.evaluate import built
from gridstudio.planning.resilience.islands import stage_for
from gridstudio.planning.resilience.loop import checked_plan
from gridstudio.planning.resilience.outages import SWEEP, Lottery, monte_carlo
from gridstudio.planning.resilience.selection import select
from gridstudio.planning.resilience.settings import ResilienceSettings, SweepSettings
from gridstudio.result import disk_errors


@dataclass(frozen=True)
class Case:
    """One program. ``draw`` 0: the study's own storms; n: the n-th further set of storms."""

    scenarios: int
    draw: int
    lambda_: float
    alpha: float
    budget_kw: float
    sites: int


@dataclass(frozen=True)
class Point:
    """A case in a sweep ("scenarios", "risk" or "budget"), and the alpha that its figures are told for."""

    sweep: str
    case: Case
    alpha: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a case. ``q``: (scenario,) and ``fresh_q``: (storm,) weighted kW lost after the check;
    ``seconds``: of the machine that solved it; ``binaries``, ``rows``: of the first round's program, whose size no
    clock has a say in."""

    status: str
    objective_kw: float
    bound_kw: float
    gap: float
    stopped_by_clock: bool
    seconds: float
    rounds: int
    cut: int
    binaries: int
    rows: int
    beta_kw: dict[str, float]
    spent_usd: float
    q: Floats
    probability: Floats
    fresh_q: Floats
    fresh_critical_kw: Floats


@dataclass(frozen=True, eq=False)
class Bench:
    """What all cases of a study share."""

    settings: ResilienceSettings
    lottery: Lottery
    sites: Sites
    storms: Storms  # the study's own scenarios
    drawn: Storms  # that these were selected from
    loss: Floats  # of the drawn
    fresh: Storms

    @property
    def grid(self) -> Grid:
        return self.lottery.grid


def points(settings: ResilienceSettings) -> list[Point]:
    """All points of the sweeps, in the order in which they are solved."""
    given, risk, all_sites = settings.sweep, settings.risk, len(settings.sites)
    own = Case(settings.scenarios.keep, 0, risk.lambda_, risk.alpha, settings.budget.kw, all_sites)
    found = [
        Point("scenarios", replace(own, scenarios=count, draw=draw, lambda_=0.0), risk.alpha)
        for count in given.scenarios
        for draw in range(1, given.draws + 1)
    ]
    found += [Point("risk", _risk(own, lambda_, alpha), alpha) for alpha in given.alphas for lambda_ in given.lambdas]
    found += [
        Point("budget", replace(_risk(own, lambda_, risk.alpha), budget_kw=kw, sites=count), risk.alpha)
        for lambda_ in given.budget_lambdas
        for count in given.site_counts
        for kw in given.budgets_kw
    ]
    return found


def _risk(case: Case, lambda_: float, alpha: float) -> Case:
    """Without risk aversion alpha does not matter: one program serves all of them."""
    return replace(case, lambda_=lambda_, alpha=alpha if lambda_ > 0 else case.alpha)


def run_sweep(
    bench: Bench, phases: Phases, folder: Path | None, identity: str, tell: Callable[[int, int], None] | None = None
) -> list[tuple[Point, Outcome]]:
    """Every point with its outcome; what lies in ``folder`` from an interrupted run is not solved again.

    ``identity``: whatever decides the outcomes beside the case (inputs, settings, versions).
    """
    asked = points(bench.settings)
    cases = list(dict.fromkeys(point.case for point in asked))
    kept = Kept(folder, identity)
    found: dict[Case, Outcome] = {}
    scenarios: dict[tuple[int, int], Storms] = {}
    for number, case in enumerate(cases):
        if tell:
            tell(number, len(cases))
        outcome = kept.load(case)
        if outcome is None:
            key = (case.scenarios, case.draw)
            if key not in scenarios:
                scenarios[key] = scenarios_of(bench, case)
            outcome = solve(bench, case, scenarios[key], phases)
            kept.save(case, outcome)
        found[case] = outcome
    if tell and cases:
        tell(len(cases), len(cases))
    return [(point, found[point.case]) for point in asked]


def scenarios_of(bench: Bench, case: Case) -> Storms:
    """The scenarios of a case: the study's own, or selected from a set of storms drawn apart."""
    own = bench.settings
    if case.draw == 0:
        if case.scenarios == own.scenarios.keep:
            return bench.storms
        return select(bench.grid, bench.drawn, bench.loss, case.scenarios).storms
    drawn = monte_carlo(bench.lottery, own.monte_carlo, (SWEEP, case.draw))
    return select(bench.grid, drawn.storms, drawn.loss, case.scenarios).storms


def solve(bench: Bench, case: Case, storms: Storms, phases: Phases) -> Outcome:
    """Program, power-flow check, and the fresh storms."""
    given: SweepSettings = bench.settings.sweep
    sites = bench.sites.first(case.sites)
    budget = Budget(case.budget_kw, bench.settings.budget.usd)
    problem = Problem(bench.grid, sites, storms, budget, Risk(case.lambda_, case.alpha))
    effort = Effort(given.gap, given.seconds, bench.settings.solver.check_rounds)
    with phases.phase("sweep"):
        stage = stage_for(bench.grid, sites, phases)
        checked = checked_plan(problem, effort, phases, stage)
        fresh = stage.serve(checked.plan, bench.fresh, "sweep fresh storms")
    plan, solution = checked.plan, checked.solution
    usd = float(bench.grid.line_usd @ plan.hardened + bench.grid.device_usd @ plan.added)
    return Outcome(
        status=solution.status,
        objective_kw=solution.objective,
        bound_kw=solution.bound,
        gap=solution.gap,
        stopped_by_clock=solution.stopped_by_clock,
        seconds=solution.seconds,
        rounds=len(checked.rounds),
        cut=checked.cut,
        binaries=checked.rounds[0].binaries,
        rows=checked.rounds[0].rows,
        beta_kw={sites.names[i]: float(plan.beta_kw[i]) for i in np.flatnonzero(built(plan))},
        spent_usd=usd,
        q=checked.served.q,
        probability=storms.probability,
        fresh_q=fresh.q,
        fresh_critical_kw=fresh.critical_kw,
    )


ARRAYS = ("q", "probability", "fresh_q", "fresh_critical_kw")


class Kept:
    """Outcomes on disk, found again by their case and all that decides them: inputs, settings and versions of packages.
    Who edits the code of a version empties the folder."""

    def __init__(self, folder: Path | None, identity: str):
        self._folder, self._identity = folder, identity

    def load(self, case: Case) -> Outcome | None:
        path = self._path(case)
        if path is None or not path.is_file():
            return None
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if values.keys() != Outcome.__dataclass_fields__.keys():  # kept by other code
            return None
        return Outcome(**values | {key: np.array(values[key]) for key in ARRAYS})

    def save(self, case: Case, outcome: Outcome) -> None:
        """Keep an outcome; a reader sees all of it or nothing."""
        path = self._path(case)
        if path is None:
            return
        values = {key: getattr(outcome, key) for key in Outcome.__dataclass_fields__}
        text = json.dumps({key: item.tolist() if key in ARRAYS else item for key, item in values.items()})
        with disk_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(f".{os.getpid()}.tmp")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)

    def _path(self, case: Case) -> Path | None:
        if self._folder is None:
            return None
        key = hashlib.sha256(json.dumps([self._identity, asdict(case)]).encode()).hexdigest()
        return self._folder / f"sweep-{key[:32]}.json"


def identity(settings: ResilienceSettings, hashes: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """All that decides the outcome of a case: settings without the points of sweeps, inputs, versions."""
    given = settings.dump()
    given["sweep"] = {key: given["sweep"][key] for key in ("gap", "seconds")}
    return json.dumps([{key: given[key] for key in sorted(given) if key != "title"}, dict(hashes), dict(versions)])


def of_sweep(found: Iterable[tuple[Point, Outcome]], sweep: str) -> list[tuple[Point, Outcome]]:
    return [(point, outcome) for point, outcome in found if point.sweep == sweep]
