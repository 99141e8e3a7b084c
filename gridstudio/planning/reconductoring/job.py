"""The job as a whole: settings in, StudyResult out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from gridstudio import engine
from gridstudio.domain.changes import BASE
from gridstudio.domain.network import Finding
from gridstudio.domain.scenarios import Scenario
from gridstudio.evaluation import Evaluations, Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.reconductoring import comparison, summary, tables
from gridstudio.planning.reconductoring.commitment import commit
from gridstudio.planning.reconductoring.explain import explained
from gridstudio.planning.reconductoring.joint import Improved, improve
from gridstudio.planning.reconductoring.modes import Planned, independent, verified
from gridstudio.planning.reconductoring.settings import ReconductoringSettings
from gridstudio.planning.reconductoring.setup import Setup, prepare
from gridstudio.planning.reconductoring.voltage import cure
from gridstudio.result import StudyResult

JOB = "reconductoring"


def check(settings: ReconductoringSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    if settings.report.published:
        comparison.read_published(folder / settings.report.published)
    return prepare(settings, folder).findings


def run(
    settings: ReconductoringSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Callable[[str, int, int], None] | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``."""
    if quick:
        settings = settings.quick()
    published = comparison.read_published(folder / settings.report.published) if settings.report.published else None
    setup = prepare(settings, folder)
    phases = Phases(setup.problem.feeder, setup.limits, workers, progress)
    problem, scenarios = setup.problem, setup.scenarios
    before = phases.evaluate("before", [(BASE, scenario) for scenario in scenarios])
    improved = None
    with phases.phase("search"):
        if settings.search.mode == "independent":
            planned = independent(problem, scenarios, before, phases.evaluate)
        else:
            planned = verified(problem, scenarios, before, phases.evaluate)
            planned = cure(problem, scenarios, planned, phases.evaluate)
    if settings.search.mode == "joint":
        with phases.phase("search"):
            improved = improve(problem, scenarios, planned, phases.evaluate)
        planned = improved.planned
    made = _tables(settings, setup, before, planned, improved, phases)
    if published is not None and settings.report.published_scenarios in (None, len(scenarios)):
        rows, totals = comparison.compare(problem, scenarios, published, made["interventions"], before)
        if len(rows):
            made |= {"comparison": rows, "comparison_totals": totals}
    with phases.phase("circuits"):
        texts = _circuits(settings, setup, planned)
    made["assumptions"] = summary.assumptions(settings, setup, before, planned, quick)
    made["findings"] = pd.DataFrame([(f.severity, f.text) for f in setup.findings], columns=["severity", "text"])
    made["timing"] = phases.table()
    return StudyResult(
        job=JOB,
        title=settings.title or f"Reconductoring of {problem.network.name}",
        settings=settings.dump(),
        headline=summary.headline(settings, made, improved, phases),
        tables=made,
        violations_left=len(made["violations_after"]),
        texts=texts,
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def _tables(
    settings: ReconductoringSettings,
    setup: Setup,
    before: Evaluations,
    planned: Planned,
    improved: Improved | None,
    phases: Phases,
) -> dict[str, pd.DataFrame]:
    problem, scenarios, plans = setup.problem, setup.scenarios, planned.plans
    with phases.phase("tables"):
        rows = tables.interventions(problem, scenarios, plans)
        made = {
            "interventions": rows,
            "totals": tables.totals(problem, scenarios, rows),
            "scenarios": tables.scenario_table(problem, scenarios, setup.levels, plans, before, planned.after),
            "decisions": tables.decisions(problem, scenarios, plans),
            "violations_before": tables.violations(before),
            "network_buses": tables.network_buses(problem),
            "network_branches": tables.network_branches(problem),
            "catalogue": tables.catalogue(problem),
        }
        shown = _shown(settings.report.scenarios, scenarios) or sorted({0, len(scenarios) - 1})
        names = [scenarios[s].name for s in shown]
        pairs = [(plans[s], before[s], planned.after[s]) for s in shown]
        made["loadings"] = tables.loadings(problem, names, pairs)
        made["voltages"] = tables.voltages(problem, names, pairs)
    mode = settings.search.mode
    made["violations_after"] = explained(problem, scenarios, planned, mode, phases.evaluate)
    if improved is not None:
        made["scenarios"]["objective_verified_usd"] = improved.objective_before_usd
        made["scenarios"]["objective_usd"] = improved.objective_usd
    if settings.robust.enabled:
        with phases.phase("robust"):
            made |= commit(problem, scenarios, planned, settings.robust, phases.evaluate)
    return made


def _shown(numbers: Sequence[int], scenarios: Sequence[Scenario]) -> list[int]:
    return [number - 1 for number in numbers if number <= len(scenarios)]


def _circuits(settings: ReconductoringSettings, setup: Setup, planned: Planned) -> dict[str, str]:
    """Upgraded circuits per year of the named scenarios, by path in the results folder."""
    problem, scenarios = setup.problem, setup.scenarios
    texts: dict[str, str] = {}
    for s in _shown(settings.report.circuits, scenarios) or [len(scenarios) - 1]:
        changes = problem.changes(planned.plans[s]).by_step()
        for year in range(problem.years):
            files = engine.export_circuit(problem.feeder, changes, scenarios[s], year)
            place = f"circuits/scenario_{scenarios[s].name}/year_{year + 1}"
            texts |= {f"{place}/{name}": text for name, text in files.items()}
    return texts
