"""The job as a whole: settings in, StudyResult out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridstudio.domain.changes import BASE
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding, Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.islanding import summary, tables
from gridstudio.planning.islanding.day import Day, read_day
from gridstudio.planning.islanding.dispatch import Dispatcher, Trajectory, drive
from gridstudio.planning.islanding.island import Flow, Request, judge, read, scenario
from gridstudio.planning.islanding.settings import HOURS, IslandingSettings
from gridstudio.planning.islanding.zones import Zone, build_zone, overlaps
from gridstudio.planning.phases import Phases
from gridstudio.result import StudyResult

JOB = "islanding"
CHUNK = 1_000  # power flows held in memory together


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs, checked."""

    feeder: Feeder
    network: Network
    day: Day
    zones: tuple[Zone, ...]
    limits: Limits
    findings: list[Finding]


def check(settings: IslandingSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    return prepare(settings, folder).findings


def prepare(settings: IslandingSettings, folder: Path) -> Setup:
    """Read and check everything; nothing is solved. InputError with all findings of the study."""
    feeder, network, findings = read_circuit(settings.feeder, folder)
    day = read_day(settings, folder, network)
    wrong: list[str] = []
    built = [build_zone(given, network, day, wrong, findings) for given in settings.zones]
    if wrong:
        raise InputError.from_findings("The zones do not fit the circuit", wrong)
    zones = tuple(zone for zone in built if zone is not None)
    return Setup(feeder, network, day, zones, _limits(settings), [*findings, *overlaps(zones)])


def run(
    settings: IslandingSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Callable[[str, int, int], None] | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: the named start hours only."""
    if quick:
        settings = settings.quick()
    setup = prepare(settings, folder)
    phases = Phases(setup.feeder, setup.limits, workers, progress)
    base = phases.evaluate("base", [(BASE, Scenario())])[0]
    found = islands(settings, setup, phases)
    with phases.phase("tables"):
        made = tables.all_tables(settings, setup.zones, setup.network, setup.day, found, base)
    made["assumptions"] = summary.assumptions(settings, quick)
    made["findings"] = summary.findings_table(setup.findings)
    made["timing"] = phases.table()
    return StudyResult(
        job=JOB,
        title=settings.title or f"Islands of {setup.network.name}",
        settings=settings.dump(),
        headline=summary.headline(settings, made, phases),
        tables=made,
        violations_left=int(made["trace"]["violations"].sum()),
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def islands(settings: IslandingSettings, setup: Setup, phases: Phases) -> list[Trajectory]:
    """Every zone from every start hour on, zone by zone in the order of the hours."""
    rules = settings.islands
    starts = sorted(range(HOURS) if rules.whole_day else rules.start_hours)
    dispatchers = [
        Dispatcher(number, zone, judge(zone, setup.network, setup.limits), rules)
        for number, zone in enumerate(setup.zones)
    ]

    def solve(requests: list[Request]) -> list[Flow]:
        flows: list[Flow] = []
        for start in range(0, len(requests), CHUNK):
            asked = requests[start : start + CHUNK]
            cases = [(setup.zones[r.zone].changes, scenario(setup.zones[r.zone], r)) for r in asked]
            done = phases.evaluate("islands", cases)
            for request, row in zip(asked, done.row, strict=True):
                flows.append(read(setup.zones[request.zone], setup.network, done.flow[row, 0]))
        return flows

    with phases.phase("islands"):
        return drive([d.follow(start) for d in dispatchers for start in starts], solve)


def _limits(settings: IslandingSettings) -> Limits:
    given = settings.limits
    return Limits(
        v_min_pu=given.v_min_pu,
        v_max_pu=given.v_max_pu,
        loading_max_pu=given.loading_max_pu,
        transformer_loading_max_pu=given.transformer_loading_max_pu if given.check_transformers else float("inf"),
    )
