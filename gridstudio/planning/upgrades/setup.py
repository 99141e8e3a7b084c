"""From settings to what a run works with: tables read and checked, futures drawn, candidates found, a provider."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.domain.changes import ChangeSet
from gridstudio.domain.equipment import Equipment, read_equipment, standard_equipment
from gridstudio.domain.network import Finding
from gridstudio.errors import InputError
from gridstudio.planning.phases import Phases
from gridstudio.planning.upgrades import candidates, inputs, summary
from gridstudio.planning.upgrades.baseline import baseline
from gridstudio.planning.upgrades.capacity import Capacity
from gridstudio.planning.upgrades.circuit import Circuit, Plain, read_plain, solve_circuit
from gridstudio.planning.upgrades.contract import PEAK, Futures, Hours, Menu, Packages, Provider, all_packages
from gridstudio.planning.upgrades.drivers import Drivers
from gridstudio.planning.upgrades.powerflow import PowerFlow
from gridstudio.planning.upgrades.scenarios import draw, reduced
from gridstudio.planning.upgrades.settings import UpgradesSettings


@dataclass(frozen=True, eq=False)
class Read:
    """A study as read and checked; nothing is solved. ``names``: its feeders. Mode capacity has ``feeders`` and
    ``menu``, mode powerflow ``plain`` and ``equipment``."""

    names: tuple[str, ...]
    hours: Hours
    table: Futures | None
    findings: list[Finding]
    feeders: inputs.Feeders | None = None
    menu: Menu | None = None
    plain: Plain | None = None
    equipment: Equipment | None = None


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs. ``outside``: futures out of sample; ``distance_mw``: what the reduction left. In mode
    powerflow ``circuit``, what each candidate does (``changes``), and ``tables`` made on the way."""

    feeders: inputs.Feeders
    menu: Menu
    packages: Packages
    provider: Provider
    futures: Futures
    outside: Futures | None
    distance_mw: float
    findings: list[Finding]
    circuit: Circuit | None = None
    changes: tuple[ChangeSet, ...] = ()
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)


def prepare(settings: UpgradesSettings, folder: Path) -> Read:
    """Read and check everything; nothing is solved. InputError with all that is wrong."""
    given = settings.tables
    hours = inputs.read_hours(folder / given.profiles) if given.profiles else PEAK
    if settings.mode == "powerflow":
        return _prepare_circuit(settings, folder, hours)
    assert given.feeders
    assert given.candidates
    feeders = inputs.read_feeders(folder / given.feeders)
    menu = inputs.read_candidates(folder / given.candidates, feeders)
    all_packages(menu, feeders.names, given.most_measures)
    findings = _budget_buys_something(settings, menu) + summary.remarks(settings, menu, hours)
    table = _table(settings, folder, feeders.names)
    return Read(feeders.names, hours, table, findings, feeders, menu)


def _prepare_circuit(settings: UpgradesSettings, folder: Path, hours: Hours) -> Read:
    equipment = read_equipment(folder / settings.menu.catalogue) if settings.menu.catalogue else standard_equipment()
    plain = read_plain(settings, folder)
    names = plain.zones.names[: plain.zones.feeders]
    findings = plain.findings + summary.hours_remark(hours)
    return Read(names, hours, _table(settings, folder, names), findings, plain=plain, equipment=equipment)


def _table(settings: UpgradesSettings, folder: Path, names: tuple[str, ...]) -> Futures | None:
    path = settings.scenarios.table
    return inputs.read_futures(folder / path, names) if path else None


def _budget_buys_something(settings: UpgradesSettings, menu: Menu) -> list[Finding]:
    """InputError if a budget is given that pays for no candidate in any year, a finding if only for those without
    capital. A budget of 0 is meant."""
    given = settings.money.budget_usd_per_year
    most = max(given) if isinstance(given, tuple) else given
    dear = np.flatnonzero(menu.cost_usd > 0)
    if not most or len(dear) == 0 or most >= menu.cost_usd[dear].min():
        return []
    cheapest = int(dear[menu.cost_usd[dear].argmin()])
    least = f"{menu.cost_usd[cheapest]:,.0f} USD, for {menu.label(cheapest)}"
    if len(dear) == len(menu):
        raise InputError(
            f"The budget of {most:,.0f} USD in a year is too small for any plan: the least budget that works is "
            f"{least}."
        )
    text = (
        f"The budget of {most:,.0f} USD in a year is too small for any measure with capital: the least budget that "
        f"works is {least}. Only measures without capital can be built."
    )
    return [Finding("warning", text)]


def drawn(settings: UpgradesSettings, read: Read) -> tuple[Futures, Futures | None]:
    """Futures before the reduction, and those out of sample (None without)."""
    given, count = settings.scenarios, len(read.names)
    if read.table is not None:
        return read.table, None
    training, testing = (np.random.default_rng(s) for s in np.random.SeedSequence(given.seed).spawn(2))
    outside = draw(given, count, given.out_of_sample, testing) if given.out_of_sample else None
    return draw(given, count, given.drawn, training), outside


def complete(settings: UpgradesSettings, read: Read, phases: Phases) -> Setup:
    """Futures, candidates and provider; in mode powerflow the circuit is solved over the span of the futures."""
    every, outside = drawn(settings, read)
    if read.plain is None:
        assert read.feeders
        assert read.menu
        packages = all_packages(read.menu, read.feeders.names, settings.tables.most_measures)
        provider = Capacity(read.feeders, read.menu, read.hours, settings.scenarios, settings.horizon.years)
        futures, distance = _fewer(settings, every, provider)
        return Setup(read.feeders, read.menu, packages, provider, futures, outside, distance, read.findings)
    span = every if outside is None else joined(every, outside)
    with phases.phase("estimate"):
        circuit = solve_circuit(settings, read.plain, read.hours, span, phases)
    drivers = circuit.drivers
    with phases.phase("scenarios"):
        futures, distance = _fewer(settings, every, _Features(drivers))
    return _with_candidates(settings, read, circuit, futures, outside, distance)


def _with_candidates(
    settings: UpgradesSettings, read: Read, circuit: Circuit, futures: Futures, outside: Futures | None, distance: float
) -> Setup:
    assert read.equipment
    with circuit.phases.phase("candidates"):
        found, missing = candidates.find(settings, circuit, read.equipment, futures)
        menu, changes = candidates.menu_of(circuit, found)
        packages = all_packages(menu, circuit.zones.names, settings.tables.most_measures)
    budget = _budget_buys_something(settings, menu)
    with circuit.phases.phase("baseline"):
        today = baseline(circuit)
    made = {"baseline": today, "parts": candidates.parts_table(circuit, found)}
    provider = PowerFlow(circuit, menu, changes)
    zones, names = circuit.zones, circuit.zones.names
    feeders = inputs.Feeders(
        names,
        today["peak_mw"].to_numpy(),
        zones.customers,
        ("",) * len(names),
        np.arange(len(names)),
        today["rated_mw"].to_numpy(),
        zones.shared,
    )
    findings = read.findings + missing + budget + summary.nothing_found(menu)
    return Setup(feeders, menu, packages, provider, futures, outside, distance, findings, circuit, changes, made)


@dataclass(frozen=True, eq=False)
class _Features:
    """Tells futures apart by the highest load of each feeder in the last year, MW."""

    drivers: Drivers

    def features(self, futures: Futures) -> np.ndarray:
        return np.asarray(self.drivers.load_mw(self.drivers.of(futures)[:, -1]).max(axis=-1))


def _fewer(settings: UpgradesSettings, every: Futures, by: "_Features | Capacity") -> tuple[Futures, float]:
    if settings.scenarios.kept >= len(every):
        return every, 0.0
    kept, reduction = reduced(every, settings.scenarios, by.features)
    return kept, reduction.distance


def joined(a: Futures, b: Futures) -> Futures:
    """Both sets, each of half the probability."""
    fields = ("growth", "solar_share", "ev_share", "ev_kw", "weather")
    p = np.concatenate([a.probabilities, b.probabilities]) / 2
    return Futures(p, *(np.concatenate([getattr(a, name), getattr(b, name)]) for name in fields))
