"""The circuit of a study in mode powerflow: its zones, what drives them, and the hours in which anything may bind."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gridstudio import engine
from gridstudio.domain.catalogue_files import missing_columns, read_rows
from gridstudio.domain.changes import BASE
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding, Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.evaluation import evaluate
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.phases import Phases
from gridstudio.planning.restoration.customers import assumed_customers, read_customers
from gridstudio.planning.sources import refuse_sources
from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, Futures, Hours, IntArray
from gridstudio.planning.upgrades.drivers import Drivers
from gridstudio.planning.upgrades.estimate import (
    Estimate,
    States,
    fit,
    hours_of_states,
    limit_a,
    solve_states,
    watched_of,
)
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.planning.upgrades.shedding import Watch
from gridstudio.planning.upgrades.zones import SOLAR, Zones, find_heads, read_zones, sun_commands

NEGLIGIBLE_PU = 1e-4  # a source's voltage beyond its limit
NEAR_PU = 0.002  # below the highest voltage allowed: an hour that is solved


@dataclass(frozen=True, eq=False)
class Plain:
    """The circuit as read and checked; nothing is solved for the study yet."""

    feeder: Feeder
    zones: Zones
    limits: Limits
    findings: list[Finding]


@dataclass(frozen=True, eq=False)
class Circuit:
    """The circuit with its futures' span solved: ``design`` (state, feeder, class) multipliers, ``watches`` (zone,),
    ``base`` estimates (zone,) without measures, ``windows`` (year,): the hours of each year in
    which anything may bind."""

    phases: Phases
    drivers: Drivers
    design: FloatArray
    watches: tuple[Watch, ...]
    base: tuple[Estimate, ...]
    windows: tuple[IntArray, ...]

    @property
    def zones(self) -> Zones:
        return self.drivers.zones


def read_plain(settings: UpgradesSettings, folder: Path) -> Plain:
    """Compile the circuit and find its zones. InputError with all that is wrong."""
    assert settings.feeder is not None
    published, network, findings = read_circuit(settings.feeder, folder)
    feeder = replace(published, commands=(*published.commands, *sun_commands(network)))
    given = settings.tables
    if given.customers:
        customers = read_customers(folder / given.customers, network)
    else:
        customers = assumed_customers(network, given.kw_per_customer)
    heads = _read_heads(folder / given.feeders, network) if given.feeders else find_heads(network)
    with_sun, _ = engine.inspect(feeder)
    zones = read_zones(with_sun, heads, customers)
    limits = Limits(**settings.limits.model_dump())
    _refuse_sources(published, network, limits)
    return Plain(feeder, zones, limits, list(findings) + _remarks(zones))


def _refuse_sources(feeder: Feeder, network: Network, limits: Limits) -> None:
    """InputError if a source breaks the limits both at the published loads and without load: no cut cures that."""
    loads = [Scenario(load_scale=(scale,), generation_scale=(scale,)) for scale in (1.0, 0.0)]
    v_pu = np.stack([evaluate(feeder, BASE, scenario, limits).flow.v_pu[0] for scenario in loads])
    middle = (limits.v_min_pu + limits.v_max_pu) / 2
    nearest = np.clip(middle, np.fmin(*v_pu), np.fmax(*v_pu))
    refuse_sources(network, nearest, limits.v_min_pu, limits.v_max_pu, NEGLIGIBLE_PU)


def _read_heads(path: Path, network: Network) -> dict[str, str]:
    """Columns feeder_id and head (an element, "line.l1"; a name without class is a line)."""
    header, rows, findings = read_rows(path)
    findings += missing_columns(header, ("feeder_id", "head"))
    heads: dict[str, str] = {}
    known = set(network.branches["element"])
    for line, row in rows if not findings else ():
        name, head = row["feeder_id"], row["head"].lower()
        head = head if "." in head else f"line.{head}"
        if not name or name in heads:
            findings.append(
                f"line {line}: feeder_id is empty" if not name else f"line {line}: feeder {name} occurs twice"
            )
        elif head not in known:
            findings.append(f"line {line}: feeder {name} begins at {head}, which the circuit has not")
        elif head in heads.values():
            findings.append(f"line {line}: {head} is the head of two feeders")
        heads[name] = head
    if findings or not heads:
        raise InputError.from_findings(str(path), [f"{text}." for text in findings or ["it has no feeder"]])
    return heads


def _remarks(zones: Zones) -> list[Finding]:
    found = []
    outside = int((zones.load_zone < 0).sum())
    if outside:
        found.append(Finding("warning", f"{outside} loads stand beneath no head of a feeder: they stay as published."))
    dark = [zones.names[z] for z in range(zones.feeders) if zones.class_kw[z, 3] == 0]
    if dark:
        found.append(
            Finding("warning", f"Feeders without solar in the circuit get none in the scenarios: {', '.join(dark)}.")
        )
    return found


def solve_circuit(
    settings: UpgradesSettings,
    plain: Plain,
    hours: Hours,
    futures: Futures,
    phases: Phases,
) -> Circuit:
    """Solve the circuit without measures over the span of the futures, and see what may bind and when."""
    drivers = Drivers(plain.zones, hours, settings.scenarios, settings.horizon.years)
    low, high = drivers.span(futures)  # (3, year, feeder)
    hot = drivers.multipliers(high[0], high[1], low[2])  # (year, feeder, class, hour)
    draw = drivers.load_mw(hot[-1]).sum(axis=0)
    first = np.argsort(-draw, kind="stable")[: max(4, len(hours) // 3)]
    count = settings.powerflow.states
    states = hours_of_states(np.sort(first), len(hours), count)
    states[0] = first[0]
    design = drivers.design(low.min(axis=1), high.max(axis=1), states)
    solved = solve_states(phases, drivers, design, [BASE], "estimate")
    _must_converge(solved)
    zones, v_min = plain.zones, plain.limits.v_min_pu
    watches = tuple(watched_of(zones, solved, zone, v_min) for zone in range(len(zones)))
    base = tuple(fit(zones, zone, w, solved, 0, v_min) for zone, w in enumerate(watches))
    sunny = _sunny(settings, phases, drivers, drivers.multipliers(low[0], low[1], high[2]))
    windows = tuple(
        _window(settings, base, np.moveaxis(year, -1, 0), drivers.load_mw(year).sum(axis=0), sunny[n])
        for n, year in enumerate(hot)
    )
    return Circuit(phases, drivers, design, watches, base, windows)


def _must_converge(states: States) -> None:
    failed = int(np.isnan(states.v_pu[0, :, 0]).sum())
    if failed > len(states.v_pu[0]) // 2:
        raise InputError(
            f"{failed} of {len(states.v_pu[0])} power flows over the span of the scenarios did not converge: the "
            "circuit cannot carry such loads; check growth, EVs and the unit of the profiles."
        )


def _sunny(settings: UpgradesSettings, phases: Phases, drivers: Drivers, light: FloatArray) -> BoolArray:
    """Hours (year, hour) in which solar may have to be turned down: at the least load and most sun of any future,
    ``light`` (year, feeder, class, hour), a power flow comes near a limit."""
    zones, near = drivers.zones, np.zeros((len(light), light.shape[-1]), dtype=bool)
    shines = (light[:, :, SOLAR] * -zones.class_kw[:, SOLAR][:, None] > 0).any(axis=1)
    if not shines.any():
        return near
    done = phases.evaluate("estimate", [(BASE, drivers.scenario(str(n), year)) for n, year in enumerate(light)])
    limits = limit_a(phases, zones, done[0].ampacity_a[0])
    in_zone, in_feeder = zones.conductor_zone >= 0, (zones.node_zone >= 0) & (zones.node_zone < zones.feeders)
    current, v_pu = done.flow.current_a[done.row], done.flow.v_pu[done.row]
    near |= (current > (1 - settings.powerflow.margin) * limits)[..., in_zone].any(axis=2)
    near |= (v_pu[..., in_feeder] > settings.limits.v_max_pu - NEAR_PU).any(axis=2)
    return near & shines


def _window(
    settings: UpgradesSettings, base: tuple[Estimate, ...], hot: FloatArray, draw: FloatArray, sunny: BoolArray
) -> IntArray:
    """Hours in which, at a year's highest drivers of any future, something comes within the margin of its limit, and
    the ``sunny`` (hour,) ones."""
    near = sunny.copy()
    near[int(draw.argmax())] = True
    for one in base:
        near |= (one.amps(hot) > (1 - settings.powerflow.margin) * one.limit_a).any(axis=1)
        near |= (one.v_pu(hot) < settings.limits.v_min_pu + 0.005).any(axis=1)
    return np.flatnonzero(near)
