"""From settings to what the methods work on: circuit, sections, loads with weights, sites, wind; all checked first."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

from gridstudio.domain.devices import Device, default_devices, read_devices
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding, Network
from gridstudio.domain.sections import Sections, build_sections
from gridstudio.domain.tables import read_table
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.resilience.contract import Bools, Budget, Floats, Grid, Ints, Sites
from gridstudio.planning.resilience.fragility import Fragility, read_fragility
from gridstudio.planning.resilience.settings import LineSettings, LoadSettings, ResilienceSettings, SiteSettings
from gridstudio.planning.resilience.wind import Wind, read_wind
from gridstudio.planning.restoration.incident import faulted_sections

WEIGHT_COLUMNS = ("load", "weight", "critical", "source")
PHASES = 3


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs. ``weight_source``: (load,) where each weight comes from."""

    grid: Grid
    sites: Sites
    wind: Wind
    fragility: Fragility
    weight_source: tuple[str, ...]
    findings: list[Finding]


def prepare(settings: ResilienceSettings, folder: Path) -> Setup:
    """Read and check everything; nothing is solved. InputError with all findings of one table."""
    feeder, network, findings = read_circuit(settings.feeder, folder)
    table = settings.devices.table
    existing = read_devices(folder / table, network) if table else default_devices(network)
    added = _candidates(settings, network, existing)
    sections = build_sections(network, (*existing, *added), dict.fromkeys(network.loads["load"], 1.0))
    weights = read_weights(folder / settings.loads.weights, network, settings.loads)
    grid = build_grid(feeder, sections, limits(settings), weights, settings, len(added))
    if grid.total_weighted_kw <= 0:
        raise InputError("No load has a weight above 0: storms take nothing. See loads.weights and loads.others.")
    return Setup(
        grid=grid,
        sites=build_sites(settings.sites, sections),
        wind=read_wind(folder / settings.weather.table, settings.weather.shares),
        fragility=read_fragility(
            folder / settings.lines.fragility, bool(grid.line_underground.any()), bool(grid.line_hardenable.any())
        ),
        weight_source=tuple(weights["source"]),
        findings=[*findings, *_remarks(settings, grid)],
    )


def limits(settings: ResilienceSettings) -> Limits:
    """Limits of the study as the evaluator takes them."""
    given = settings.limits
    return Limits(
        v_min_pu=given.v_min_pu,
        v_max_pu=given.v_max_pu,
        loading_max_pu=given.loading_max_pu,
        transformer_loading_max_pu=given.transformer_loading_max_pu if given.check_transformers else float("inf"),
    )


def budget(settings: ResilienceSettings) -> Budget:
    return Budget(settings.budget.kw, settings.budget.usd)


def build_grid(
    feeder: Feeder, sections: Sections, limits: Limits, weights: pd.DataFrame, settings: ResilienceSettings, added: int
) -> Grid:
    """The grid of a study; the last ``added`` devices of ``sections`` are candidate switches."""
    network, loads, given = sections.network, sections.network.loads, settings.lines
    section = np.array([sections.of_bus[bus] for bus in loads["bus"]], dtype=np.intp)
    unit, unit_names, unit_section = _units(sections, section, settings.loads.pickup == "bus")
    lines, optional = exposed_lines(sections), np.arange(len(sections.devices)) >= len(sections.devices) - added
    underground = lines["line_code"].isin(_codes(given.underground_codes, network)).to_numpy()
    length_m = lines["length_m"].to_numpy(dtype=float)
    return Grid(
        feeder=feeder,
        network=network,
        sections=sections,
        limits=limits,
        load_names=tuple(loads["load"]),
        load_kw=_by_phase(loads, "kw"),
        load_kvar=_by_phase(loads, "kvar"),
        load_weight=weights["weight"].to_numpy(dtype=float),
        load_critical=weights["critical"].to_numpy(dtype=bool),
        load_section=section,
        load_unit=unit,
        unit_names=unit_names,
        unit_section=unit_section,
        line_names=tuple(lines["line"]),
        line_length_m=length_m,
        line_underground=underground,
        line_hits=_hits(sections, lines["line"]),
        line_hardenable=_hardenable(given, network, tuple(lines["line"]), underground),
        line_usd=length_m * given.harden_usd_per_m,
        optional=optional,
        device_usd=_prices(settings, optional),
    )


def _units(sections: Sections, section: Ints, by_bus: bool) -> tuple[Ints, tuple[str, ...], Ints]:
    """What is picked up together, loads of a bus or of a section: unit of each load, names of units, their sections."""
    loads = sections.network.loads
    unit, names = pd.factorize(
        loads["bus"] if by_bus else pd.Series([sections.names[s] for s in section], dtype=object)
    )
    unit_section = np.zeros(len(names), dtype=np.intp)
    unit_section[unit] = section
    return unit.astype(np.intp), tuple(map(str, names)), unit_section


def _prices(settings: ResilienceSettings, optional: Bools) -> Floats:
    """Of candidate switches (device,), 0 of those that exist."""
    price = np.zeros(len(optional))
    price[optional] = [candidate.usd for candidate in settings.devices.candidates]
    return price


def exposed_lines(sections: Sections) -> pd.DataFrame:
    """Rows of ``network.lines`` that wind hits: with a length, no switches, on a part that has supply.

    InputError where no line has a length: wind would do nothing.
    """
    lines, alive = sections.network.lines, sections.normal_supply.alive
    fed = np.array([bool(alive >> sections.of_bus[bus] & 1) for bus in lines["bus1"]], dtype=bool)
    kept = lines[~lines["is_switch"] & (lines["length_m"].fillna(0.0) > 0) & fed].reset_index(drop=True)
    if kept.empty:
        raise InputError("No line of the circuit has a length in a known unit: no wind would hit it. Give lines units.")
    return kept


def read_weights(path: Path, network: Network, settings: LoadSettings) -> pd.DataFrame:
    """weight, critical, source of every load, in the order of ``network.loads``.

    The table (CSV; load, weight, critical, source) names the loads that count more; all others have
    ``settings.others``. InputError where a weight is missing, negative, or of no load.
    """
    table = read_table(path, "table of weights", WEIGHT_COLUMNS[:3])
    names = [str(name) for name in network.loads["load"]]
    given = table["load"].str.strip().str.lower().str.removeprefix("load.")
    weight = pd.to_numeric(table["weight"], errors="coerce")
    wrong = [f"the circuit has no load {name!r}.{_hint(name, names)}" for name in given if name not in names]
    wrong += [f"load {name!r} stands there twice." for name in sorted(set(given[given.duplicated()]))]
    bad = ~(weight >= 0) | np.isinf(weight)
    wrong += [
        f"load {name!r} has no weight: give a number of 0 or more." if not text.strip() else
        f"load {name!r}: its weight {text!r} should be a number of 0 or more."
        for name, text in zip(given[bad], table.loc[bad, "weight"], strict=True)
    ]  # fmt: skip
    words = table["critical"].str.strip().str.lower()
    wrong += [f"load {name!r}: critical should be true or false." for name in given[~words.isin(["true", "false"])]]
    if wrong:
        raise InputError.from_findings(str(path), wrong)
    source = table["source"] if "source" in table else pd.Series("assumed", index=table.index)
    known = pd.DataFrame({"weight": weight.to_numpy(), "critical": words.eq("true").to_numpy(), "source": [*source]})
    found = known.set_index(pd.Index(given)).reindex(names)
    return pd.DataFrame(
        {
            "weight": found["weight"].fillna(settings.others).to_numpy(dtype=float),
            "critical": found["critical"].eq(True).to_numpy(),
            "source": found["source"].fillna("").to_numpy(),
        }
    )


def build_sites(given: Iterable[SiteSettings], sections: Sections) -> Sites:
    """The candidate sites; InputError with all that is wrong with them."""
    wrong: list[str] = []
    rows = [row for site in given if (row := _site(site, sections, wrong))]
    buses = [row[1] for row in rows]
    wrong += [f"bus {bus} holds two sites: give one." for bus in sorted({bus for bus in buses if buses.count(bus) > 1})]
    if wrong:
        raise InputError.from_findings("The sites do not fit the circuit", wrong)
    names, _, source, phases, sites = zip(*rows, strict=True)
    return Sites(
        names=names,
        buses=tuple(buses),
        source=np.array(source, dtype=np.intp),
        section=np.array([sections.of_bus[bus] for bus in buses], dtype=np.intp),
        phases=np.array(phases, dtype=bool),
        max_kw=np.array([site.max_kw for site in sites]),
        kva_per_kw=np.array([site.kva_per_kw for site in sites]),
        fixed_kw=np.array([site.fixed_kw for site in sites]),
    )


def _site(
    site: SiteSettings, sections: Sections, wrong: list[str]
) -> tuple[str, str, int, list[bool], SiteSettings] | None:
    """Name, bus, row of its source, phases; None with the reason in ``wrong``."""
    network, bus = sections.network, (site.bus or site.name).lower()
    if bus not in sections.of_bus:
        wrong.append(f"Site {site.name!r}: the circuit has no bus {bus!r}.{_hint(bus, sections.of_bus)}")
        return None
    if sections.of_bus[bus] in sections.sources:
        wrong.append(f"Site {site.name!r}: bus {bus!r} is in the substation's section, a source there feeds no island.")
        return None
    at = set(network.nodes.loc[network.nodes["bus"] == bus, "phase"])
    if site.three_phase and not {1, 2, 3} <= at:
        wrong.append(
            f"Site {site.name!r}: bus {bus!r} has phase {', '.join(map(str, sorted(at)))} only, its source needs "
            f"three: the nearest three-phase bus is {_nearest(network, bus)!r} (key bus)."
        )
        return None
    table = network.source_elements
    rows = np.flatnonzero(((table["bus"] == bus) & ~table["closed"].astype(bool)).to_numpy())
    if not len(rows):
        wrong.append(
            f"Site {site.name!r}: no voltage source of the circuit stands open at bus {bus!r}. Declare one in "
            f"feeder.commands: 'new vsource.gfm_{bus} bus1={bus}.1.2.3 ...', 'open vsource.gfm_{bus} 1'."
        )
        return None
    own = str(table["nodes"].iloc[rows[0]]).split(".")
    return site.name, bus, int(rows[0]), [str(phase) in own for phase in (1, 2, 3)], site


def _nearest(network: Network, bus: str) -> str:
    """The three-phase bus with the fewest branches between; "" without one."""
    phases = network.nodes.groupby("bus")["phase"].agg(set)
    order = nx.single_source_shortest_path_length(nx.Graph(network.graph()), bus)  # nearest first
    return next((str(near) for near in order if {1, 2, 3} <= phases[near]), "")


def _candidates(settings: ResilienceSettings, network: Network, existing: Iterable[Device]) -> list[Device]:
    """Devices for the switches that may be added, closed."""
    names = [candidate.line.lower().removeprefix("line.") for candidate in settings.devices.candidates]
    taken = {device.line for device in existing}
    wrong = [
        f"the circuit has no line {name!r}.{_hint(name, network.line_row)}"
        for name in names
        if name not in network.line_row
    ]
    wrong += [f"line {name!r} has a device already." for name in names if name in taken]
    wrong += [f"line {name!r} is named twice." for name in sorted({name for name in names if names.count(name) > 1})]
    if wrong:
        raise InputError.from_findings("devices.candidates", wrong)
    return [Device(f"new {name}", name, "switch") for name in names]


def _codes(given: Iterable[str], network: Network) -> list[str]:
    """Line codes in the circuit's spelling; InputError for those that no line has."""
    codes, known = [code.lower() for code in given], sorted({str(code) for code in network.lines["line_code"]} - {""})
    if wrong := [
        f"no line of the circuit has code {code!r}.{_hint(code, known)}" for code in codes if code not in known
    ]:
        raise InputError.from_findings("lines.underground_codes", wrong)
    return codes


def _hardenable(given: LineSettings, network: Network, lines: tuple[str, ...], underground: Bools) -> Bools:
    names = {name.lower().removeprefix("line.") for name in given.harden}
    if names == {"all"}:
        return ~underground
    wrong = [
        f"the circuit has no line {name!r}.{_hint(name, network.line_row)}"
        for name in sorted(names - {*network.line_row})
    ]
    known = names & {*network.line_row}
    wrong += [f"line {name!r} is a switch or has no length: no wind hits it." for name in sorted(known - {*lines})]
    if wrong:
        raise InputError.from_findings("lines.harden", wrong)
    return np.isin(lines, sorted(names))


def _hits(sections: Sections, lines: Iterable[str]) -> Bools:
    """(line, section) what a fault on each line puts out of service."""
    names = [*lines]
    found = np.zeros((len(names), len(sections)), dtype=bool)
    for row, name in enumerate(names):
        found[row, faulted_sections(sections, f"line.{name}")] = True
    return found


def _by_phase(loads: pd.DataFrame, column: str) -> Floats:
    """kW or kvar of each load by phase (load, 3), in equal parts; what names no phase counts to the first."""
    found = np.zeros((len(loads), PHASES))
    for row, (value, nodes) in enumerate(zip(loads[column], loads["nodes"], strict=True)):
        phases = sorted({int(node) - 1 for node in str(nodes).split(".") if node in ("1", "2", "3")}) or [0]
        found[row, phases] = value / len(phases)
    return found


def _remarks(settings: ResilienceSettings, grid: Grid) -> Iterable[Finding]:
    """What is remarkable about a study that can be run."""
    if not grid.load_critical.any():
        yield Finding("warning", "No load is critical: critical load picked up will read 0.")
    total = sum(site.max_kw for site in settings.sites)
    if settings.budget.kw > total:
        yield Finding("warning", f"The budget of {settings.budget.kw:g} kW is more than all sites take, {total:g} kW.")
    priced = grid.line_hardenable.any() or grid.optional.any()
    if priced and settings.budget.usd == 0 and (grid.line_usd[grid.line_hardenable].sum() + grid.device_usd.sum()) > 0:
        yield Finding("warning", "Lines may be hardened or switches added, but budget.usd is 0: none is.")


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
