"""The job as a whole: settings in, StudyResult out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridstudio import engine
from gridstudio.domain.changes import BASE
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding, Network
from gridstudio.engine import Feeder
from gridstudio.evaluation import Workers
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.exceedance import summary, tables
from gridstudio.planning.exceedance.chunks import Gauge, Part, batches, cut, gauge, measure, scenario
from gridstudio.planning.exceedance.levels import Levels
from gridstudio.planning.exceedance.settings import ExceedanceLimits, ExceedanceSettings
from gridstudio.planning.exceedance.year import Year, read_year
from gridstudio.planning.phases import Phases
from gridstudio.result import StudyResult

JOB = "exceedance"


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs, checked."""

    feeder: Feeder
    network: Network
    year: Year
    limits: Limits
    findings: list[Finding]


def check(settings: ExceedanceSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    return prepare(settings, folder).findings


def prepare(settings: ExceedanceSettings, folder: Path) -> Setup:
    """Read and check everything; nothing is solved. InputError with all findings of the study."""
    feeder, network, findings = read_circuit(settings.feeder, folder)
    year = read_year(settings, folder, network)
    return Setup(feeder, network, year, _limits(settings.limits), [*findings, *year.findings])


def run(
    settings: ExceedanceSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Callable[[str, int, int], None] | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: the first two weeks only."""
    if quick:
        settings = settings.quick()
    setup = prepare(settings, folder)
    phases = Phases(setup.feeder, setup.limits, workers, progress)
    with phases.phase("compile"), engine.borrow(setup.feeder) as session:
        network, devices = session.network, session.devices
        findings = [*setup.findings, *(f for f in session.findings if f not in setup.findings)]
    with_ = gauge(network, setup.limits, devices)
    parts, levels = solve(settings, setup.year, network, with_, phases)
    with phases.phase("tables"):
        made = tables.all_tables(setup.year, network, with_, devices, parts, levels)
    made["assumptions"] = summary.assumptions(settings, quick)
    made["findings"] = summary.findings_table(findings)
    made["timing"] = phases.table()
    return StudyResult(
        job=JOB,
        title=settings.title or f"Hours over limits of {network.name}",
        settings=settings.dump(),
        headline=summary.headline(made, phases),
        tables=made,
        violations_left=summary.hours_not_clean(made["hours"]),
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def solve(
    settings: ExceedanceSettings, year: Year, network: Network, with_: Gauge, phases: Phases
) -> tuple[list[Part], Levels]:
    """The parts of all chunks in their order; of the power flows themselves a bounded number is held at once."""
    numbers = len(network.nodes) + len(network.conductors)
    parts: list[Part] = []
    levels: Levels | None = None
    for batch in batches(cut(year.hours, settings.chunks), numbers, settings.chunks.memory_mb):
        found = phases.evaluate("hours", [(BASE, scenario(chunk, year)) for chunk in batch])
        with phases.phase("counting"):
            for chunk, row in zip(batch, found.row, strict=True):
                part, seen = measure(chunk, found.flow[row], network, with_)
                parts.append(part)
                levels = seen if levels is None else levels + seen
    assert levels is not None  # a profile has an hour at least
    return parts, levels


def _limits(given: ExceedanceLimits) -> Limits:
    return Limits(
        v_min_pu=given.v_min_pu,
        v_max_pu=given.v_max_pu,
        loading_max_pu=given.loading_max_pu,
        transformer_loading_max_pu=given.transformer_loading_max_pu if given.check_transformers else float("inf"),
    )
