"""From settings to the problem: circuit, catalogue, scenarios, the base case; all that is wrong told together."""

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gridstudio import engine
from gridstudio.domain.changes import BASE
from gridstudio.domain.equipment import Equipment, read_equipment, standard_equipment
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding, Network
from gridstudio.domain.scenarios import Scenario, load_combinations, lognormal_levels
from gridstudio.errors import InputError
from gridstudio.evaluation import Evaluations
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.mitigation.problem import READ_PU, Problem
from gridstudio.planning.mitigation.settings import MitigationSettings
from gridstudio.planning.mitigation.wires import command, larger, underground
from gridstudio.planning.phases import Phases
from gridstudio.planning.sources import refuse_sources

NEAR_LIMIT = 0.5  # lines loaded beyond this share of their limit may need larger conductors before all is cured


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs, checked."""

    problem: Problem
    hours: tuple[str, ...]
    findings: list[Finding]


def prepare(settings: MitigationSettings, folder: Path) -> Setup:
    """Read and check everything; nothing is solved. InputError with all findings of the study."""
    feeder, network, findings = read_circuit(settings.feeder, folder)
    path = settings.menu.catalogue
    equipment = read_equipment(folder / path) if path else standard_equipment()
    loads, wrong = _uncertain_loads(settings, network)
    wrong += _unknown_elements(settings.menu.exclude, network, engine.read_assets(feeder))
    wrong += _not_for_sale(settings, equipment)
    if wrong:
        raise InputError.from_findings("The study does not fit the circuit", wrong)
    given = settings.limits
    limits = Limits(
        v_min_pu=given.v_min_pu - READ_PU,
        v_max_pu=given.v_max_pu + READ_PU,
        loading_max_pu=given.loading_max_pu,
        transformer_loading_max_pu=given.transformer_loading_max_pu if given.check_transformers else math.inf,
    )
    assets = engine.read_assets(feeder)
    problem = Problem(
        feeder=feeder,
        network=network,
        assets=assets,
        equipment=equipment,
        limits=limits,
        menu=settings.menu,
        scenarios=tuple(_scenarios(settings, loads)),
        cables=underground(network, assets.impedances, settings.menu.underground),
    )
    return Setup(problem, tuple(hour.name for hour in settings.hours), findings + _without_length(problem))


def based(setup: Setup, phases: Phases) -> tuple[Setup, Evaluations]:
    """The base case, solved, and the problem with the line codes of larger conductors where they may be needed.

    InputError if no measure could meet the limits, because a source breaks them.
    """
    problem = setup.problem
    before = phases.evaluate("before", [(BASE, scenario) for scenario in problem.scenarios])
    problem = replace(problem, network=before.network)
    limits = problem.limits
    v_min, v_max = limits.v_min_pu + READ_PU, limits.v_max_pu - READ_PU
    refuse_sources(problem.network, before.flow.v_pu, v_min, v_max, READ_PU)
    commands, codes = _line_codes(problem, before)
    if commands:
        feeder = replace(problem.feeder, commands=(*problem.feeder.commands, *commands))
        phases.feeder = feeder
        problem = replace(problem, feeder=feeder, line_code=codes)
        before = phases.evaluate("before", [(BASE, scenario) for scenario in problem.scenarios])
        problem = replace(problem, network=before.network)
    return replace(setup, problem=problem), before


def _scenarios(settings: MitigationSettings, loads: list[str]) -> Iterable[Scenario]:
    """Every year with every combination of the uncertain loads; the hours are the steps, each from the baseline."""
    given, growth = settings.uncertainty, settings.growth
    levels, weights = lognormal_levels(given.points, given.log_std, given.method, given.spread, given.centre)
    sun = tuple(hour.generation_scale for hour in settings.hours)
    for year in growth.years:
        factor = growth.scale * (1.0 + growth.growth_per_year) ** year
        scale = tuple(factor * hour.load_scale for hour in settings.hours)
        combined, _ = load_combinations(loads, levels, weights, scale, given.max_scenarios)
        for scenario in combined:
            several = len(combined) > 1
            name = f"year {year}" + (f", loads {scenario.name}" if several else "")
            yield replace(scenario, name=name, generation_scale=sun, carry_controls=False)


def _uncertain_loads(settings: MitigationSettings, network: Network) -> tuple[list[str], list[str]]:
    given = settings.uncertainty
    if given.largest is not None:
        ranked = network.loads.sort_values("kw", ascending=False, kind="stable")
        wrong = [f"uncertainty.largest = {given.largest}: the circuit has {len(network.loads)} loads."]
        return [str(load) for load in ranked["load"].head(given.largest)], (
            wrong if given.largest > len(network.loads) else []
        )
    loads = [load.lower() for load in given.loads]
    known = set(network.loads["load"])
    return loads, [f"uncertainty.loads: the circuit has no load {load!r}." for load in loads if load not in known]


def _unknown_elements(named: Iterable[str], network: Network, assets: engine.Assets) -> list[str]:
    known = [str(element) for element in network.branches["element"]]
    known += [f"load.{load}" for load in network.loads["load"]] + [f"bus.{bus}" for bus in network.buses["bus"]]
    plants = network.generators[["kind", "generator"]].itertuples(index=False, name=None)
    known += [f"{kind}.{name}" for kind, name in plants]
    known += [f"regcontrol.{r.control}" for r in assets.regulators] + [f"capacitor.{b.capacitor}" for b in assets.banks]
    there, wrong = set(known), []
    for name in named:
        if name.lower() not in there:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " Name it with its class, e.g. line.l1."
            wrong.append(f"menu.exclude: the circuit has no element {name!r}.{hint}")
    return wrong


def _not_for_sale(settings: MitigationSettings, equipment: Equipment) -> list[str]:
    """A measure that the study names must have a row; with the default of all measures those with rows count."""
    if "allowed" not in settings.menu.model_fields_set:
        return []
    missing = [measure for measure in settings.menu.allowed if measure not in equipment.measures]
    return [f"menu.allowed: the catalogue has no size of {measure!r}; add a row for it." for measure in missing]


def _without_length(problem: Problem) -> list[Finding]:
    without = [line for line, km in problem.length_km.items() if not km > 0 and line not in problem.switches]
    if not without:
        return []
    some = f"{', '.join(without[:4])}{f' and {len(without) - 4} more' if len(without) > 4 else ''}"
    text = f"Lines {some} have no length in a known unit: costs are per km, so they are not offered for replacement."
    return [Finding("warning", text)]


def _line_codes(problem: Problem, before: Evaluations) -> tuple[list[str], dict[tuple[str, float], str]]:
    """Commands that define line codes for the lines that may get larger conductors, and which line takes which."""
    names: dict[tuple[object, ...], str] = {}
    commands: list[str] = []
    codes: dict[tuple[str, float], str] = {}
    frequency = problem.network.frequency_hz
    for line in _candidates(problem, before):
        old = problem.assets.impedances.get(line)
        rating_a = float(problem.network.branches["ampacity_a"].iat[problem.network.line_row[line]])
        if old is None or old.unit == "none" or not rating_a > 0:
            continue
        cable = line in problem.cables
        items = problem.equipment.sizes("reconductor_cable" if cable else "reconductor", len(old.r_ohm))
        for item in items:
            if item.size <= rating_a:
                continue
            matrices = (np.round(m, 12).tobytes() for m in (old.r_ohm, old.x_ohm, old.c_nf))
            key = (*matrices, old.unit, rating_a, item.size, cable)
            if key not in names:
                names[key] = f"gs_wire_{len(names)}_{item.size:g}a".replace(".", "_")
                new = larger(old, rating_a, item.size, cable, frequency)
                commands.append(command(names[key], new, frequency, item.size))
            codes[line, item.size] = names[key]
    return commands, codes


def _candidates(problem: Problem, before: Evaluations) -> list[str]:
    """Lines near their limit, and lines on the way to buses below the band, in the circuit's order."""
    loading = np.nan_to_num(before.branch_current_a() / before.ampacity_a()).max(axis=(0, 1), initial=0.0)
    near = {str(e) for e in problem.network.branches["element"][loading > NEAR_LIMIT * problem.limit_pu]}
    v_pu = np.nan_to_num(before.flow.v_pu, nan=0.0).min(axis=(0, 1))
    fed = problem.network.nodes["fed"].to_numpy()
    low = set(problem.network.nodes["bus"][fed & (v_pu < problem.limits.v_min_pu)])
    near |= {element for bus in low for element in problem.paths.get(bus, ())}
    return [line for line in problem.network.line_row if f"line.{line}" in near and line not in problem.switches]
