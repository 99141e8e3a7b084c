"""The job as a whole: settings in, StudyResult out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio import engine
from gridstudio.domain.network import Finding
from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.provenance import hashes
from gridstudio.planning.resilience import summary, sweep_tables, tables
from gridstudio.planning.resilience.assumptions import assumptions
from gridstudio.planning.resilience.contract import (
    Checked,
    Effort,
    Floats,
    Plan,
    Problem,
    Risk,
    Served,
    Storms,
    no_plan,
)
from gridstudio.planning.resilience.evaluate import (
    Measured,
    StochasticValue,
    mean_storm_plan,
    measured,
    savings,
    stochastic_value,
)
from gridstudio.planning.resilience.islands import SecondStage, stage_for
from gridstudio.planning.resilience.loop import checked_plan, known, served_again
from gridstudio.planning.resilience.outages import FRESH, Lottery, MonteCarlo, monte_carlo
from gridstudio.planning.resilience.selection import Selection, select
from gridstudio.planning.resilience.settings import ResilienceSettings
from gridstudio.planning.resilience.setup import Setup, budget, prepare
from gridstudio.planning.resilience.statements import paper_statements
from gridstudio.planning.resilience.sweep import Bench, identity, run_sweep
from gridstudio.result import StudyResult

JOB = "resilience"
PASSES = 3  # at most, until serving teaches nothing new
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Weather:
    """Storms of a study: drawn, selected, and fresh ones for judging."""

    lottery: Lottery
    drawn: MonteCarlo
    chosen: Selection
    fresh: Storms


@dataclass(frozen=True, eq=False)
class Answer:
    """The study's own plan and what it is worth; ``bare``: the fresh storms without any source, served alike.

    ``savings``: of each line and switch that is built, see ``evaluate.savings``.
    """

    problem: Problem
    checked: Checked
    bare: Served
    bare_scenarios: Served
    fresh: Served
    stochastic: StochasticValue
    savings: list[tuple[float, float]]


def check(settings: ResilienceSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    return prepare(settings, folder).findings


def run(
    settings: ResilienceSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Progress | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: fewer storms and scenarios."""
    if quick:
        settings = settings.quick()
    setup = prepare(settings, folder)
    phases = Phases(setup.grid.feeder, setup.grid.limits, workers, progress)
    weather = storms_of(settings, setup, phases)
    answer = plan_of(settings, setup, weather, phases)
    made, risks = tables_of(settings, setup, weather, answer)
    made |= sweeps_of(settings, folder, setup, weather, phases)
    made["assumptions"] = assumptions(settings, setup.grid, weather.drawn, quick)
    made["findings"] = summary.findings_table(settings, setup.findings, weather.drawn, answer.checked, made)
    made["timing"] = phases.table()
    return StudyResult(
        job=JOB,
        title=settings.title or f"Resilience of {setup.grid.network.name} against storms",
        settings=settings.dump(),
        headline=summary.headline(answer.problem, answer.checked, risks, answer.stochastic, made, phases),
        tables=made,
        violations_left=int((~made["islands"]["feasible"].astype(bool)).sum()),
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def storms_of(settings: ResilienceSettings, setup: Setup, phases: Phases) -> Weather:
    """Monte Carlo, selection, and fresh storms of a stream of their own."""
    given = settings.monte_carlo
    lottery = Lottery(setup.grid, setup.wind, setup.fragility, settings.weather.strata, given.seed)
    report = phases.progress

    def tell(done: int, total: int) -> None:
        if report:
            report("storms", done, total)

    with phases.phase("storms"):
        drawn = monte_carlo(lottery, given, tell=tell)
        fresh = lottery.draw(settings.scenarios.fresh, (FRESH,))
    with phases.phase("selection"):
        chosen = select(setup.grid, drawn.storms, drawn.loss, settings.scenarios.keep)
    return Weather(lottery, drawn, chosen, fresh)


def plan_of(settings: ResilienceSettings, setup: Setup, weather: Weather, phases: Phases) -> Answer:
    """Program and power-flow check; then the plan over fresh storms, beside no plan at all."""
    grid, sites, risk = setup.grid, setup.sites, Risk(settings.risk.lambda_, settings.risk.alpha)
    problem = Problem(grid, sites, weather.chosen.storms, budget(settings), risk)
    effort = Effort(settings.solver.gap, settings.solver.seconds, settings.solver.check_rounds)
    stage = stage_for(grid, sites, phases)  # what power flows have taught is known to all storms
    with phases.phase("plan"):
        checked = checked_plan(problem, effort, phases, stage)
    with phases.phase("mean storm"):
        mean_plan = mean_storm_plan(problem, effort, phases, stage)
    for _ in range(PASSES):
        before = known(stage)
        answer = judged(problem, checked, mean_plan, weather.fresh, stage, effort.gap, phases)
        if known(stage) == before:  # what one case taught held for all of them, whichever came first
            break
    return answer


def judged(
    problem: Problem, checked: Checked, mean_plan: Plan, fresh: Storms, stage: SecondStage, gap: float, phases: Phases
) -> Answer:
    """The plan, no plan, the plan for the mean storm, and the plan less a line or switch, all on one stage."""
    nothing = no_plan(problem.grid, problem.sites)
    with phases.phase("fresh storms"):
        checked = served_again(problem, checked, stage, gap)
        after = stage.serve(checked.plan, fresh, "fresh storms")
        bare = stage.serve(nothing, fresh, "fresh storms")
        bare_scenarios = stage.serve(nothing, problem.storms, "fresh storms")
    with phases.phase("what each saves"):
        saved = savings(stage, checked.plan, fresh, after.q)
    with phases.phase("mean storm"):
        found = stochastic_value(problem, checked.served, mean_plan, stage)
    return Answer(problem, checked, bare, bare_scenarios, after, found, saved)


def risks_of(answer: Answer) -> list[tuple[str, str, Measured]]:
    """storms ("scenarios", "fresh"), case ("without", "plan", "mean storm"), risk."""
    risk, storms = answer.problem.risk, answer.problem.storms
    even = np.full(len(answer.fresh.q), 1.0 / len(answer.fresh.q))
    cases: list[tuple[str, str, Floats, Floats]] = [
        ("scenarios", "without", answer.bare_scenarios.q, storms.probability),
        ("scenarios", "mean storm", answer.stochastic.mean_q, storms.probability),
        ("scenarios", "plan", answer.checked.served.q, storms.probability),
        ("fresh", "without", answer.bare.q, even),
        ("fresh", "plan", answer.fresh.q, even),
    ]
    return [(which, case, measured(q, p, risk, drawn=which == "fresh")) for which, case, q, p in cases]


def tables_of(
    settings: ResilienceSettings, setup: Setup, weather: Weather, answer: Answer
) -> tuple[dict[str, pd.DataFrame], list[tuple[str, str, Measured]]]:
    """All tables but those of sweeps and words, and the risks that the headline needs."""
    grid, problem, checked = setup.grid, answer.problem, answer.checked
    risks = risks_of(answer)
    made = {
        "wind": tables.wind_table(setup.wind),
        "fragility": tables.fragility_table(setup.fragility),
        "convergence": tables.convergence_table(weather.drawn),
        "strata": tables.strata_table(grid, weather.drawn),
        "scenarios": tables.scenarios_table(grid, weather.chosen, checked),
        "faults": tables.faults_table(grid, weather.chosen),
        "plan": tables.plan_table(problem, checked),
        "investments": tables.investments_table(problem, checked, answer.savings),
        "islands": tables.islands_table(grid, checked.served.islands),
        "refused": tables.islands_table(grid, checked.served.refused),
        "pickup": tables.pickup_table(grid, checked.served),
        "pickup_without": tables.pickup_table(grid, answer.bare_scenarios),
        "losses": tables.losses_table(weather.fresh, answer.bare, answer.fresh),
        "critical": tables.critical_table(answer.bare, answer.fresh, problem.risk.alpha),
        "risk": tables.risk_table(risks),
        "solver": tables.solver_table(checked),
        "stochastic_value": tables.stochastic_table(answer.stochastic, setup.sites),
        "loads": tables.loads_table(setup),
        "sections": tables.sections_table(grid, weather.drawn),
        "devices": tables.devices_table(grid),
    }
    return made | tables.network_tables(problem, checked), risks


def sweeps_of(
    settings: ResilienceSettings, folder: Path, setup: Setup, weather: Weather, phases: Phases
) -> dict[str, pd.DataFrame]:
    """Tables of the sensitivity sweeps; none where the study asks for none."""
    bench = Bench(
        settings,
        weather.lottery,
        setup.sites,
        weather.chosen.storms,
        weather.drawn.storms,
        weather.drawn.loss,
        weather.fresh,
    )
    files = engine.source_files(folder / settings.feeder.master, settings.feeder.commands)
    given = [folder / path for path in summary.given_files(settings) if path]
    known = identity(
        settings, hashes([*files, *given], folder), summary.versions_of_all() | {"engine": engine.version()}
    )
    report = phases.progress

    def tell(done: int, total: int) -> None:
        if report:
            report("sweep", done, total)

    found = run_sweep(bench, phases, phases.workers.checkpoint, known, tell)
    if not found:
        return {}
    return {
        "sweep": sweep_tables.sweep_table(found),
        "sweep_losses": sweep_tables.sweep_losses_table(found),
        "sweep_scenarios": sweep_tables.sweep_scenarios_table(found),
        "statements": paper_statements(found, [float(kw) for kw in setup.sites.max_kw]),
    }
