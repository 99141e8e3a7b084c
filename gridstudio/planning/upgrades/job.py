"""The job as a whole: settings in, StudyResult out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding
from gridstudio.engine import Feeder
from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.upgrades import alternatives, comparisons, costs, flow_tables, roadmap, summary, tables
from gridstudio.planning.upgrades.contract import Outcomes
from gridstudio.planning.upgrades.merit import Alternative
from gridstudio.planning.upgrades.planner import Found, plan
from gridstudio.planning.upgrades.powerflow import PowerFlow
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.planning.upgrades.setup import Read, Setup, complete, prepare
from gridstudio.result import StudyResult

JOB = "upgrades"
Progress = Callable[[str, int, int], None]


def check(settings: UpgradesSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    return prepare(settings, folder).findings


def run(
    settings: UpgradesSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Progress | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: fewer scenarios and points."""
    if quick:
        settings = settings.quick()
    read = prepare(settings, folder)
    phases = _stopwatch(read, workers, progress)
    with _phase(phases, "scenarios"):
        setup = complete(settings, read, phases)
    with _phase(phases, "plan"):
        found = plan(settings, setup.provider, setup.menu, setup.packages, setup.futures)
        setup = replace(setup, menu=replace(setup.menu, gain_mw=_gains(settings, setup, found)))
    with _phase(phases, "check"):
        outside = _outside(setup, found)
        found = replace(found, holds=found.holds and _cured(setup, found))
    with _phase(phases, "alternatives"):
        others = _alternatives(settings, setup, found)
    with _phase(phases, "comparison"):
        made = setup.tables | comparisons.tables_of(settings, setup, found)
    with _phase(phases, "tables"):
        made |= _tables(settings, setup, found, outside, others)
        made["assumptions"] = summary.assumptions(settings, setup.provider.hours.energy, quick)
        made["findings"] = pd.DataFrame(
            [(f.severity, f.text) for f in [*setup.findings, *_uncured(setup, found)]], columns=["severity", "text"]
        )
    made["timing"] = phases.table()
    return StudyResult(
        job=JOB,
        title=settings.title or f"Upgrades of {len(read.names)} feeders under uncertainty",
        settings=settings.dump(),
        headline=summary.headline(found, made, setup.provider.hours.energy),
        tables=made,
        violations_left=0 if found.holds else 1,
        provenance=summary.provenance(settings, folder, phases, setup.distance_mw, quick),
    )


def _stopwatch(read: Read, workers: Workers, progress: Progress | None) -> Phases:
    if read.plain is None:
        return Phases(Feeder("no circuit", Path()), Limits(), workers, progress)
    return Phases(read.plain.feeder, read.plain.limits, workers, progress)


@contextmanager
def _phase(phases: Phases, name: str) -> Iterator[None]:
    if phases.progress:
        phases.progress(name, 0, 1)
    with phases.phase(name):
        yield
    if phases.progress:
        phases.progress(name, 1, 1)


def _uncured(setup: Setup, found: Found) -> list[Finding]:
    """A finding if cutting load did not bring every simulated hour within its limits."""
    if not isinstance(setup.provider, PowerFlow):
        return []
    broken, whole = setup.provider.uncured()
    text = (
        f"{broken} of {whole} simulated trajectories still break a limit, or do not converge, after all cuts of load: "
        "what is unserved there is told too low."
    )
    if not _cured(setup, found):
        text += " Some of them are the plan's, so it does not hold."
    return [Finding("warning", text)] if broken else []


def _cured(setup: Setup, found: Found) -> bool:
    """Whether the simulated plan breaks no limit after all cuts, in any scenario in or out of sample."""
    provider = setup.provider
    if not isinstance(provider, PowerFlow):
        return True
    chosen = found.solution.plan.packages(found.packages)
    sets = [setup.futures] + ([] if setup.outside is None else [setup.outside])
    return all(provider.cured(found.packages, chosen, futures) for futures in sets)


def _gains(settings: UpgradesSettings, setup: Setup, found: Found) -> np.ndarray:
    """The gain (candidate,) in MW: given in mode capacity, else what each alone takes off the P95 of the excess."""
    if setup.circuit is None:
        return setup.menu.gain_mw
    return flow_tables.gains(setup.menu, found, setup.futures.probabilities)


def _tables(
    settings: UpgradesSettings, setup: Setup, found: Found, outside: Outcomes | None, others: dict[int, Alternative]
) -> dict[str, pd.DataFrame]:
    p, quantile = setup.futures.probabilities, settings.alternatives.adequacy
    names, hours = setup.feeders.names, setup.provider.hours
    made = {
        "ranking": tables.ranking(found, setup.feeders, setup.feeders.customers, p),
        "deficits": tables.deficits(found, p),
        "selection": tables.selection(found, setup.menu),
        "projects": tables.projects(settings, found, setup.menu, p),
        "alternatives": tables.alternatives(others, names, hours.energy),
        "dispatch": _dispatch(settings, setup, others),
        "roadmap": roadmap.actions(found, setup.menu, p, others, quantile),
        "years": roadmap.by_year(found, setup.menu, p),
        "risk": roadmap.risk(settings, found, p),
        "scenarios": tables.scenarios(setup.futures, found),
        "rounds": pd.DataFrame([vars(r) for r in found.rounds]).assign(round=range(1, len(found.rounds) + 1)),
        "check": _checked(settings, setup, found, outside),
    }
    if setup.circuit is not None:
        assert isinstance(setup.provider, PowerFlow)
        made |= flow_tables.tables_of(setup.provider, found, setup.futures, setup.outside, outside)
    return made


def _outside(setup: Setup, found: Found) -> Outcomes | None:
    """The plan simulated on scenarios that it was not made for."""
    if setup.outside is None:
        return None
    chosen = found.solution.plan.packages(found.packages)
    return setup.provider.verify(found.packages, chosen, setup.outside, "out of sample")


def _checked(settings: UpgradesSettings, setup: Setup, found: Found, outside: Outcomes | None) -> pd.DataFrame:
    """The plan simulated on the scenarios it was made for and on those it has not seen."""
    chosen = found.solution.plan.packages(found.packages)
    sets = [("in sample", setup.futures.probabilities, found.outcomes.used(chosen))]
    if outside is not None and setup.outside is not None:
        sets.append(("out of sample", setup.outside.probabilities, outside))
    return tables.checked(found, [(*one, costs.recourse_usd(settings, one[2])) for one in sets])


def _alternatives(settings: UpgradesSettings, setup: Setup, found: Found) -> dict[int, Alternative]:
    """Non-wires alternatives by feeder, against the wires that they would defer."""
    if not settings.alternatives.enabled:
        return {}
    nothing, menu, last = np.zeros(len(setup.menu), dtype=bool), setup.menu, found.estimate.over_mw[:, :, -1]
    result = {}
    for number, name in enumerate(setup.feeders.names):
        mine = np.array([feeder == name for feeder in menu.feeder], dtype=bool)
        built = np.flatnonzero(mine & (found.solution.plan.stage >= 0))
        wires = alternatives.wires_usd(
            menu, found.packages, last, setup.futures.probabilities, number, built, settings.alternatives.adequacy
        )
        if wires is None:
            continue
        item = alternatives.compare(
            settings.alternatives,
            setup.provider,
            setup.futures,
            settings.horizon.years,
            number,
            nothing,
            wires,
            settings.money.discount_rate,
        )
        if item is not None:
            result[number] = item
    return result


def _dispatch(settings: UpgradesSettings, setup: Setup, others: dict[int, Alternative]) -> pd.DataFrame:
    """Every alternative at work, in the last year in which it is adequate (else in its first)."""
    columns = ["feeder", "year", "day", "hour", "load_mw", "limit_mw", "ev_mw", "shift_mw", "battery_mw", "left_mw"]
    parts, years = [], settings.horizon.years
    nothing = np.zeros(len(setup.menu), dtype=bool)
    for number, item in others.items():
        year = years.index(max(item.first_year, item.adequate_until))
        part = alternatives.dispatched(
            settings.alternatives, setup.provider, setup.futures, number, nothing, year, item
        )
        parts.append(part.assign(feeder=setup.feeders.names[number], year=years[year])[columns])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
