"""An upgraded circuit as OpenDSS files that load on their own and give the reported figures."""

import math
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from gridstudio.domain.changes import At
from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine.applying import Applied, declare
from gridstudio.engine.circuit import Feeder, compiled, run
from gridstudio.engine.edits import settings
from gridstudio.engine.inventory import read_inventory
from gridstudio.engine.lending import borrow
from gridstudio.engine.session import timed_changes

KEPT_OPTIONS = ("loadmult", "genmult", "year", "maxiterations", "maxcontroliter", "tolerance", "algorithm", "loadmodel")


def export_circuit(feeder: Feeder, changes: tuple[At, ...], scenario: Scenario, step: int) -> dict[str, str]:
    """Files of the circuit as it stands at ``step`` of a trajectory: file name -> text, master.dss among them.

    Loads carry the scenario's kW and kvar of that step, changed lines their new impedance and rating, what is new
    stands where it was put, regulators and capacitors have the positions that the power flow found. Protection and
    meters are off.
    """
    until = tuple(item for item in changes if item.step <= step)
    with borrow(feeder) as session, session.state_at_end(until, _cut(scenario, step + 1)):
        positions = session.positions()
    with compiled(feeder) as engine:
        _apply(engine, session.network, feeder, timed_changes(until, scenario))
        _scale(engine, scenario, step)
        files = _saved(engine)
        state = [
            "! What 'save circuit' leaves out, and the positions that the power flow of the study found.",
            *_voltage_bases(engine),
            *_capacitor_sizes(engine),
            *positions,
            *_opened(engine),
            f"set controlmode={feeder.controls}",
            *(f"set {option}={_option(engine, option)}" for option in KEPT_OPTIONS),
        ]
    files["state.dss"] = "\n".join([*state, ""])
    saved = [line for line in files.pop("Master.dss").splitlines() if not line.startswith("!")]
    controls = [line for line in saved if re.match(r"redirect .*control", line, re.IGNORECASE)]
    saved = [line for line in saved if line not in controls] + controls  # after all that they may control
    if "BusCoords.dss" in files and not any(line.lower().startswith("buscoords") for line in saved):
        saved.append("buscoords BusCoords.dss")
    header = f"! {feeder.name}, {scenario.name}, step {step + 1}: written by gridstudio. Redirect, then solve."
    files["master.dss"] = "\n".join([header, *saved, "redirect state.dss", ""])
    return files


def _apply(engine: Any, network: Network, feeder: Feeder, timed: tuple[At, ...]) -> None:
    """The changes on a fresh copy of the circuit, with the ratings that they bring to lines."""
    inventory = read_inventory(engine, network, feeder.controls != "off")
    declare(engine, inventory, [item.change for item in timed])
    applied = Applied(engine, set())
    for item in timed:
        applied.apply(item.change)
    for item in timed:
        row, amps = item.change.new_rating(network) or (0, math.nan)
        if math.isfinite(amps) and network.branches["kind"].iat[row] == "line":
            run(engine, f'edit "{network.branches["element"].iat[row]}" normamps={amps!r} emergamps={amps!r}')


def _cut(scenario: Scenario, steps: int) -> Scenario:
    groups = tuple(replace(group, scale=group.scale[:steps]) for group in scenario.load_groups)
    return replace(
        scenario,
        load_scale=scenario.load_scale[:steps],
        load_groups=groups,
        generation_scale=scenario.generation_scale[: max(1, min(steps, len(scenario.generation_scale)))],
    )


def _scale(engine: Any, scenario: Scenario, step: int) -> None:
    """Published kW, kvar and irradiance times the scenario's multipliers."""
    own = {load: group.scale[step] for group in scenario.load_groups for load in group.loads}
    more = engine.Loads.First()
    while more:
        scale = own.get(engine.Loads.Name().lower(), scenario.load_scale[step])
        kw, kvar = engine.Loads.kW(), engine.Loads.kvar()
        engine.Loads.kW(kw * scale)
        engine.Loads.kvar(kvar * scale)
        more = engine.Loads.Next()
    generation = scenario.generation_scale[min(step, len(scenario.generation_scale) - 1)]
    more = engine.Generators.First()
    while more:
        _scale_generator(engine, generation)
        more = engine.Generators.Next()
    more = engine.PVsystems.First()
    while more:
        engine.PVsystems.Irradiance(engine.PVsystems.Irradiance() * generation)
        more = engine.PVsystems.Next()


def _scale_generator(engine: Any, scale: float) -> None:
    """The active generator. Its interface tells the kW of the moment, genmult included; only its properties tell what
    is written. A fixed one, as new batteries are, follows no multiplier in a power flow."""
    written = settings(engine, f"generator.{engine.Generators.Name()}")
    if str(written["Status"]).lower() == "fixed":
        return
    engine.Generators.kW(written["kW"] * scale)
    if engine.Generators.Model() != 3:  # which holds its voltage
        engine.Generators.kvar(written["kvar"] * scale)


def _voltage_bases(engine: Any) -> list[str]:
    lines = []
    for index, bus in enumerate(engine.Circuit.AllBusNames()):
        engine.Circuit.SetActiveBusi(index)
        lines.append(f'setkvbase bus="{bus}" kvln={engine.Bus.kVBase()!r}')
    return lines


def _capacitor_sizes(engine: Any) -> list[str]:
    """``save circuit`` writes the number of steps after their kvar, which divides the first step among all."""
    lines, more = [], engine.Capacitors.First()
    while more:
        if engine.Capacitors.NumSteps() > 1:
            lines.append(f'edit "capacitor.{engine.Capacitors.Name()}" kvar={engine.Properties.Value("kvar")}')
        more = engine.Capacitors.Next()
    return lines


def _opened(engine: Any) -> list[str]:
    """Commands that open what stands open: lines, conductors of lines, sources."""
    lines = []
    for name in engine.Circuit.AllElementNames():
        engine.Circuit.SetActiveElement(name)
        element = engine.CktElement
        if not element.Enabled():
            continue
        for terminal in range(1, element.NumTerminals() + 1):
            conductors = [c for c in range(1, element.NumConductors() + 1) if element.IsOpen(terminal, c)]
            if len(conductors) == element.NumConductors():
                lines.append(f'open "{name}" {terminal}')
            else:
                lines += [f'open "{name}" {terminal} {conductor}' for conductor in conductors]
    return lines


def _option(engine: Any, option: str) -> str:
    run(engine, f"get {option}")
    return str(engine.Text.Result())


def _saved(engine: Any) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="gridstudio-") as folder:
        run(engine, f'save circuit dir="{folder}/circuit"')
        files = {}
        for path in sorted(Path(folder, "circuit").rglob("*")):
            if path.is_file():
                files[path.relative_to(Path(folder, "circuit")).as_posix()] = path.read_text(encoding="utf-8")
    return files
