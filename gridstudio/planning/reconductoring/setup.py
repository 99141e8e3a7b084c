"""From settings to the problem: circuit, catalogue, existing conductors, scenarios; all that is wrong told together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio import engine
from gridstudio.domain.conductors import Catalogue, read_catalogue, standard_acsr
from gridstudio.domain.economics import loss_factor
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding, Network
from gridstudio.domain.scenarios import Scenario, growth_trajectory, load_combinations, lognormal_levels
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.reconductoring.line_codes import line_codes
from gridstudio.planning.reconductoring.problem import Problem, loss_price
from gridstudio.planning.reconductoring.settings import ReconductoringSettings, catalogue_path


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs, checked."""

    problem: Problem
    scenarios: list[Scenario]
    levels: pd.DataFrame  # (scenario, level_<load>)
    limits: Limits
    findings: list[Finding]


def prepare(settings: ReconductoringSettings, folder: Path) -> Setup:
    """Read and check everything; nothing is solved. InputError with all findings of the study."""
    plain, network, findings = read_circuit(settings.feeder, folder)
    path = catalogue_path(settings, folder)
    catalogue = read_catalogue(path) if path else standard_acsr()
    wrong: list[str] = []
    existing = _existing_conductors(settings, network, catalogue, wrong)
    loads = _uncertain_loads(settings, network, wrong)
    wrong += _not_radial(network)
    wrong += _missing_data(settings, network, catalogue, existing)
    _refuse("The study does not fit the circuit", wrong)
    levels, weights = lognormal_levels(
        settings.uncertainty.points,
        settings.uncertainty.log_std,
        settings.uncertainty.method,
        settings.uncertainty.spread,
        settings.uncertainty.centre,
    )
    growth = growth_trajectory(settings.horizon.years, settings.horizon.growth_per_year)
    scenarios, chosen = load_combinations(loads, levels, weights, growth, settings.uncertainty.max_scenarios)
    _check_numbers(settings, len(scenarios))
    problem = _problem(settings, plain, network, catalogue, existing)
    smallest = int(problem.existing.argmin())  # the line with most choices: too many are told now
    problem.sequences(smallest, problem.most + 1 if settings.robust.enabled else problem.most)
    table = pd.DataFrame(chosen, columns=[f"level_{load}" for load in loads])
    table.insert(0, "scenario", [scenario.name for scenario in scenarios])
    return Setup(problem, scenarios, table, _limits(settings), _relevant(findings, existing))


def _missing_data(
    settings: ReconductoringSettings, network: Network, catalogue: Catalogue, existing: dict[str, str]
) -> list[str]:
    """What the study asks for and catalogue or circuit do not hold."""
    wrong = []
    if settings.conductors.impedance == "catalogue" and not catalogue.has_impedance:
        wrong.append(
            "conductors.impedance = 'catalogue' needs resistance, GMR and diameter of every conductor; the catalogue "
            "has none: complete it, or set impedance = 'unchanged'."
        )
    if settings.losses.energy_price_usd_per_kwh > 0 and catalogue.ac_resistance_ohm_per_km is None:
        wrong.append("Losses are priced, but the catalogue has no resistances: complete it, or set the price to 0.")
    if not existing and not (settings.conductors.exclude_lines or settings.conductors.exclude_line_codes):
        wrong.append("No line has an existing conductor: name them under conductors.existing, by line code.")
    length_m = dict(zip(network.lines["line"], network.lines["length_m"], strict=True))
    without = [line for line in existing if not length_m[line] > 0]
    if without:
        wrong.append(
            f"{len(without)} lines have no length in metres ({', '.join(without[:5])}): "
            "give them units= in the circuit, costs are per km."
        )
    return wrong


def _refuse(where: str, wrong: list[str]) -> None:
    if wrong:
        raise InputError.from_findings(where, wrong)


def _relevant(findings: list[Finding], existing: dict[str, str]) -> list[Finding]:
    """Warnings on the circuit that still hold once the study has given its lines a conductor."""
    return [finding for finding in findings if not (existing and "no rating of their own" in finding.text)]


def _limits(settings: ReconductoringSettings) -> Limits:
    given = settings.limits
    return Limits(
        v_min_pu=given.v_min_pu,
        v_max_pu=given.v_max_pu,
        loading_max_pu=given.loading_max_pu,
        transformer_loading_max_pu=given.transformer_loading_max_pu if given.check_transformers else float("inf"),
    )


def _existing_conductors(
    settings: ReconductoringSettings, network: Network, catalogue: Catalogue, wrong: list[str]
) -> dict[str, str]:
    """Conductor of every line that may be replaced, in the circuit's order of lines."""
    given = settings.conductors
    lines = network.lines
    codes = set(lines["line_code"])
    wrong += [
        f"conductors.{key}: the circuit has no line {name!r}."
        for key, names in (("lines", given.lines), ("exclude_lines", given.exclude_lines))
        for name in names
        if name.lower() not in network.line_row
    ]
    wrong += [
        f"conductors.{key}: no line of the circuit has line code {code!r}."
        for key, named in (("existing", given.existing), ("exclude_line_codes", given.exclude_line_codes))
        for code in named
        if code.lower() not in codes
    ]
    by_line = {line.lower(): conductor for line, conductor in given.lines.items()}
    by_code = {code.lower(): conductor for code, conductor in given.existing.items()}
    excluded = {line.lower() for line in given.exclude_lines}
    excluded_codes = {code.lower() for code in given.exclude_line_codes}
    found: dict[str, str] = {}
    unknown: dict[str, list[str]] = {}
    for row in lines.itertuples():
        line, code = str(row.line), str(row.line_code)
        if row.is_switch or line in excluded or code in excluded_codes:
            continue
        conductor = by_line.get(line, by_code.get(code, ""))
        if conductor in catalogue.index:
            found[line] = conductor
        else:
            unknown.setdefault(f"{conductor!r}" if conductor else f"line code {code!r}", []).append(line)
    for what, named in unknown.items():
        some = f"{', '.join(named[:4])}{f' and {len(named) - 4} more' if len(named) > 4 else ''}"
        if what.startswith("line code"):
            wrong.append(
                f"Lines {some} have {what}, for which conductors.existing names no conductor: "
                "name it, or put the line code into exclude_line_codes."
            )
        else:
            wrong.append(
                f"The existing conductor {what} of lines {some} is not in the catalogue; "
                f"it has {', '.join(catalogue.names)}."
            )
    return found


def _uncertain_loads(settings: ReconductoringSettings, network: Network, wrong: list[str]) -> list[str]:
    given = settings.uncertainty
    if given.largest is None:
        loads = [load.lower() for load in given.loads]
        known = set(network.loads["load"])
        wrong += [f"uncertainty.loads: the circuit has no load {load!r}." for load in loads if load not in known]
        return loads
    if given.largest > len(network.loads):
        wrong.append(f"uncertainty.largest = {given.largest}: the circuit has {len(network.loads)} loads.")
    ranked = network.loads.sort_values("kw", ascending=False, kind="stable")
    return [str(load) for load in ranked["load"].head(given.largest)]


def _not_radial(network: Network) -> list[str]:
    loops = network.loops()
    if not loops:
        return []
    return [
        f"The circuit is meshed (loops close over {', '.join(loops[:5])}): the search takes each branch by itself, "
        "which needs a radial circuit. Open a switch of each loop."
    ]


def _check_numbers(settings: ReconductoringSettings, count: int) -> None:
    """Numbers of scenarios that the report section names; in a quick run those that are there count."""
    _refuse(
        "report",
        [
            f"report.{key} names scenario {number}, the study has scenarios 1 to {count}."
            for key in ("scenarios", "circuits")
            for number in getattr(settings.report, key)
            if not 1 <= number <= count
        ],
    )


def _problem(
    settings: ReconductoringSettings, plain: Feeder, network: Network, catalogue: Catalogue, existing: dict[str, str]
) -> Problem:
    """The problem; line codes of new conductors and ratings of existing ones become the feeder's commands."""
    lines = tuple(existing)
    rows = np.array([catalogue.position(conductor) for conductor in existing.values()], dtype=np.intp)
    commands = [
        f'edit "line.{line}" normamps={amps!r} emergamps={amps!r}'
        for line, amps in zip(lines, catalogue.ampacity_a[rows].tolist(), strict=True)
    ]
    new_codes, codes_of_lines = line_codes(settings.conductors, network, catalogue, lines, rows)
    feeder = Feeder(plain.name, plain.master, (*plain.commands, *commands, *new_codes), plain.controls)
    rated, _ = engine.inspect(feeder)
    length_m = network.lines.set_index("line")["length_m"]
    price = settings.losses.energy_price_usd_per_kwh
    return Problem(
        feeder=feeder,
        network=rated,
        catalogue=catalogue,
        lines=lines,
        length_km=np.array([length_m[line] for line in lines]) / 1000.0,
        existing=rows,
        years=settings.horizon.years,
        discount_rate=settings.horizon.discount_rate,
        surcharge=settings.conductors.surcharge,
        limit_pu=settings.limits.loading_max_pu,
        most=settings.search.replacements,
        line_codes=codes_of_lines,
        loss_usd_per_kw=loss_price(
            settings.horizon.years,
            settings.horizon.discount_rate,
            price,
            float(loss_factor(settings.losses.load_factor)),
        ),
    )
