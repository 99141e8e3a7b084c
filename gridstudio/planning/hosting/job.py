"""The job as a whole: settings in, StudyResult out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from gridstudio.domain.changes import BASE
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding, Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.flow import network_branches
from gridstudio.planning.hosting import summary, tables
from gridstudio.planning.hosting.judge import Binding, Judge
from gridstudio.planning.hosting.nodal import Capacity, capacities
from gridstudio.planning.hosting.places import EQUIPMENT, Place, load_places, nodal_places, scenario
from gridstudio.planning.hosting.settings import HostingLimits, HostingSettings
from gridstudio.planning.hosting.stochastic import Deployments, customers_by_load, draw, numbered
from gridstudio.planning.phases import Phases
from gridstudio.result import StudyResult

JOB = "hosting"
BATCH_MB = 100.0  # raw results that are held at once
LEAST_GROUP = 32  # places that share a copy of the circuit


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs, checked. ``feeder`` is the circuit as it stands, without any device."""

    feeder: Feeder
    network: Network
    places: tuple[Place, ...]  # nodal
    beside: dict[str, tuple[Place, ...]]  # stochastic, by device: beside the loads with customers, in their order
    customers: pd.Series
    findings: list[Finding]


def check(settings: HostingSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    return prepare(settings, folder).findings


def prepare(settings: HostingSettings, folder: Path) -> Setup:
    """Read and check everything; nothing is solved. InputError with all findings of the study."""
    plain, network, findings = read_circuit(settings.feeder, folder)
    _limits(settings.limits)
    places: list[Place] = []
    if settings.nodal:
        wrong = _unknown_buses(settings.nodal.buses, network)
        places = [] if wrong else nodal_places(network, settings.nodal)
        if not wrong and not places:
            wrong = [f"no bus has the phases asked for ({', '.join(map(str, settings.nodal.phases))})."]
        if wrong:
            raise InputError.from_findings("nodal", wrong)
    beside: dict[str, tuple[Place, ...]] = {}
    customers = pd.Series(dtype=int)
    if settings.stochastic:
        customers = customers_by_load(network, settings.stochastic, folder)
        loads = [str(load) for load in customers.index]
        beside = {device: tuple(load_places(network, device, loads)) for device in settings.stochastic.devices}
    return Setup(plain, network, tuple(places), beside, customers, findings)


def run(
    settings: HostingSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Callable[[str, int, int], None] | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: coarser, fewer deployments."""
    if quick:
        settings = settings.quick()
    setup = prepare(settings, folder)
    phases = Phases(setup.feeder, _limits(settings.limits), workers, progress)
    judge = base_judge(settings, phases, ())
    made = {"hours": tables.hours_table(settings.hours, judge)}
    if settings.nodal:
        found = nodal(settings, setup, phases)
        made["nodal"] = tables.nodal_table(found, setup.network)
        made["nodal_limits"] = tables.nodal_limits_table(made["nodal"])
    if settings.stochastic:
        drawn = [draw(device, setup.customers, settings.stochastic) for device in setup.beside]
        told = [deploy(settings, setup, phases, of) for of in drawn]
        made |= tables.stochastic_tables(drawn, told)
    made["network_buses"] = tables.network_buses(setup.network, made.get("nodal"))
    made["network_branches"] = network_branches(setup.network)
    made["assumptions"] = summary.assumptions(settings, quick)
    made["findings"] = summary.findings_table(setup.findings)
    made["timing"] = phases.table()
    return StudyResult(
        job=JOB,
        title=settings.title or f"Hosting capacity of {setup.network.name}",
        settings=settings.dump(),
        headline=summary.headline(settings, made, phases),
        tables=made,
        violations_left=int(made["hours"]["violations"].sum()),
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def nodal(settings: HostingSettings, setup: Setup, phases: Phases) -> list[Capacity]:
    """The capacity of every place, group by group."""
    assert settings.nodal is not None
    size = max(LEAST_GROUP, len(setup.network.loads) // 2)
    found: list[Capacity] = []
    for start in range(0, len(setup.places), size):
        group = setup.places[start : start + size]
        with equipped(phases, group):
            judge = base_judge(settings, phases, group)

            def ask(sizes: Sequence[tuple[Place, float]], judge: Judge = judge) -> list[Binding]:
                cases = [scenario(f"{place.name} {kw:g}", settings.hours, [(place, kw)]) for place, kw in sizes]
                return judged("nodal", cases, judge, phases)

            found += capacities(group, settings.nodal.max_kw, settings.nodal.tolerance_kw, ask)
    return found


def deploy(settings: HostingSettings, setup: Setup, phases: Phases, drawn: Deployments) -> list[Binding]:
    """What binds at every level of every deployment, deployment by deployment."""
    places = setup.beside[drawn.device]
    cases = [
        scenario(
            f"{drawn.device} {deployment} {level}",
            settings.hours,
            [(place, float(size)) for place, size in zip(places, kw, strict=True) if size > 0],
        )
        for deployment, level, kw in numbered(drawn)
    ]
    with equipped(phases, places):
        return judged(f"{drawn.device} deployments", cases, base_judge(settings, phases, places), phases)


@contextmanager
def equipped(phases: Phases, places: Sequence[Place]) -> Iterator[None]:
    """What is evaluated in the block has a device at every one of ``places``, off."""
    plain = phases.feeder
    phases.feeder = replace(plain, commands=(*plain.commands, EQUIPMENT, *(place.command for place in places)))
    try:
        yield
    finally:
        phases.feeder = plain


def judged(phase: str, cases: Sequence[Scenario], judge: Judge, phases: Phases) -> list[Binding]:
    """What binds in every case; of the power flows a bounded number is held at once."""
    numbers = (len(judge.network.nodes) + len(judge.network.conductors)) * len(judge.hours)
    most = max(1, int(BATCH_MB * 1e6 / (8 * numbers)))
    found: list[Binding] = []
    for start in range(0, len(cases), most):
        done = phases.evaluate(phase, [(BASE, case) for case in cases[start : start + most]])
        with phases.phase("judging"):
            bindings = judge.bindings(done.flow)
        found += [bindings[row] for row in done.row]
    return found


def base_judge(settings: HostingSettings, phases: Phases, places: Sequence[Place]) -> Judge:
    """Limits over the circuit with all ``places`` off; InputError if that has no solution in some hour."""
    off = [(place, 0.0) for place in places]
    done = phases.evaluate("base", [(BASE, scenario("base", settings.hours, off))])
    flow = done.flow[0]
    failed = [hour.name for hour, solved in zip(settings.hours, flow.converged, strict=True) if not solved]
    if failed:
        raise InputError(
            f"hours: the circuit has no power flow in hour {', '.join(failed)} even without any device: "
            "lower its load_scale or look at the circuit."
        )
    return Judge(done.network, settings.limits, [hour.name for hour in settings.hours], flow)


def _limits(given: HostingLimits) -> Limits:
    """Limits as every job checks them: InputError if they do not rise."""
    return Limits(v_min_pu=given.v_min_pu, v_max_pu=given.v_max_pu, loading_max_pu=given.loading_max_pu)


def _unknown_buses(asked: Sequence[str], network: Network) -> list[str]:
    known = [str(bus) for bus in network.buses["bus"]]
    wrong = []
    for bus in asked:
        if bus.lower() not in known:
            near = get_close_matches(bus.lower(), known, n=1)
            wrong.append(f"the circuit has no bus {bus!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        elif bus.lower() in network.sources:
            wrong.append(f"bus {bus!r} is the source's: it takes anything.")
    return wrong
