"""The job as a whole: settings in, StudyResult out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio import engine
from gridstudio.domain.network import Finding
from gridstudio.evaluation import Workers
from gridstudio.planning.mitigation import summary, tables
from gridstudio.planning.mitigation.cleanup import clean, without_idle
from gridstudio.planning.mitigation.exact import Proof, cheapest
from gridstudio.planning.mitigation.explain import remaining
from gridstudio.planning.mitigation.loop import cure
from gridstudio.planning.mitigation.search import Search, start
from gridstudio.planning.mitigation.settings import MitigationSettings
from gridstudio.planning.mitigation.setup import Setup, based, prepare
from gridstudio.planning.mitigation.state import State
from gridstudio.planning.mitigation.swaps import swap
from gridstudio.planning.phases import Phases
from gridstudio.result import StudyResult

JOB = "mitigation"
ROUNDS = 3  # of cure, cleanup and swaps: what a swap has freed may let the cure go on


def check(settings: MitigationSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    return prepare(settings, folder).findings


def run(
    settings: MitigationSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Callable[[str, int, int], None] | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: no swaps, no exact search."""
    if quick:
        settings = settings.quick()
    setup = prepare(settings, folder)
    phases = Phases(setup.problem.feeder, setup.problem.limits, workers, progress)
    setup, before = based(setup, phases)
    search = start(setup.problem, phases.evaluate, settings.search.steps, before)
    after, proof = solved(search, settings, phases)
    unbound = _without_budget(search, after, settings, phases)
    made = _tables(search, setup, after, phases)
    with phases.phase("circuits"):
        texts = _circuit(search, setup, after) if settings.report.circuits else {}
    made["assumptions"] = summary.assumptions(settings, setup, quick)
    made["findings"] = summary.findings_table(setup)
    made["timing"] = phases.table()
    return StudyResult(
        job=JOB,
        title=settings.title or f"Upgrades of {setup.problem.network.name}",
        settings=settings.dump(),
        headline=summary.headline(search, search.base, after, unbound, proof, phases),
        tables=made,
        violations_left=after.excess.violations,
        texts=texts,
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def solved(search: Search, settings: MitigationSettings, phases: Phases) -> tuple[State, Proof | None]:
    """The plan, and what is proven of its cost."""
    proof = None
    with phases.phase("search"):
        state = search.base
        for _ in range(ROUNDS):
            taken = search.taken
            state = clean(search, cure(search, state))
            state = swap(search, state, settings.search.swaps)
            if not state.excess.violations or search.taken == taken:
                break
        state = without_idle(search, state)
        if settings.search.exact:
            state, proof = cheapest(search, state, settings.search.exact)
    return state, proof


def _without_budget(search: Search, after: State, settings: MitigationSettings, phases: Phases) -> State | None:
    """The plan that no budget bounds, where one leaves something broken: its cost is a budget that works."""
    if search.problem.menu.budget_usd is None or not after.excess.violations:
        return None
    problem = replace(search.problem, menu=search.problem.menu.model_copy(update={"budget_usd": None}))
    free = start(problem, phases.evaluate, settings.search.steps, search.base.solved)
    return solved(free, settings, phases)[0]


def _tables(search: Search, setup: Setup, after: State, phases: Phases) -> dict[str, pd.DataFrame]:
    problem, hours, base = setup.problem, setup.hours, search.base
    with phases.phase("explain"):
        left = remaining(search, after, hours)
    with phases.phase("tables"):
        plan = tables.plan_table(problem, after.plan, search.steps)
        was, now = (tables.violations(problem, state, hours) for state in (base, after))
        shown = sorted({*search.screen(base), *search.screen(after)})
        return {
            "steps": tables.steps_table(search.steps),
            "plan": plan,
            "cost_by_measure": tables.cost_by_measure(plan),
            "violations_before": was,
            "violations_after": tables.with_cause(now, left),
            "remaining": left,
            "violations_summary": tables.violations_summary(was, now),
            "scenarios": tables.scenario_table(problem, base, after, hours),
            "loadings": tables.loadings(problem, base, after, shown, hours),
            "voltages": tables.voltages(problem, base, after, shown, hours),
            **tables.network_tables(problem, base, after),
            "catalogue": tables.catalogue(problem),
        }


def _circuit(search: Search, setup: Setup, after: State) -> dict[str, str]:
    """The upgraded circuit where the circuit as it is was worst, by path in the results folder."""
    of = search.base.excess
    beyond = of.low.sum(2) * 20.0 + of.high.sum(2) * 20.0 + of.over.sum(2) + of.unsolved * 1e3
    s, hour = (int(i) for i in np.unravel_index(int(beyond.argmax()), beyond.shape))
    scenario = setup.problem.scenarios[s]
    files = engine.export_circuit(setup.problem.feeder, after.plan.changes().by_step(), scenario, hour)
    place = f"circuits/{scenario.name.replace(', ', '_').replace(' ', '_')}/{setup.hours[hour].replace(' ', '_')}"
    return {f"{place}/{name}": text for name, text in files.items()}
