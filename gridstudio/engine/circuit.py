"""A circuit's identity, and its compilation: from master file to a context of the engine."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridstudio.domain.findings import findings
from gridstudio.domain.network import Finding, Network
from gridstudio.engine.library import DSSException, opendssdirect
from gridstudio.engine.loading import SingularError, load, message, run_line
from gridstudio.engine.reading import read_network
from gridstudio.errors import EngineError, InputError

Engine = Any  # an OpenDSSDirect context; its generated API carries no types that help

# Protection and switch controls would undo what we switch as soon as the controls are reset; monitors and
# meters would sample every step of every trajectory. A planning power flow has no use for either.
_NOT_NEEDED = ("monitor", "energymeter", "fuse", "relay", "recloser", "swtcontrol")
TOLERANCE = 1e-6
_ELEMENT = re.compile(r"\s*(?:edit|open|close|enable|disable)\s+[\"']?(\w+)\.([^\"'\s]+)", re.IGNORECASE)
_ELEMENTS = {"line", "load", "transformer", "capacitor", "generator", "pvsystem", "storage", "reactor", "vsource"}
_ADMITTANCE = 2  # the engine's code of the load model
_OPEN = 1  # the engine's code of the action and of the state of a switch control


@dataclass(frozen=True)
class Feeder:
    """What a worker needs to compile its own copy of a circuit, and its cache key.

    ``commands`` are OpenDSS commands run after the master file (other load models,
    line codes of a catalogue, ``redirect`` of candidate assets); paths in them are
    relative to the master file. ``controls`` is the engine's control mode: "static"
    (regulators and capacitor controls act) or "off".
    """

    name: str
    master: Path
    commands: tuple[str, ...] = ()
    controls: str = "static"

    def __post_init__(self) -> None:
        # workers may stand in another working directory
        object.__setattr__(self, "master", Path(self.master).absolute())
        object.__setattr__(self, "commands", tuple(self.commands))
        if self.controls not in ("static", "off"):
            raise InputError(f"controls is {self.controls!r}, it must be 'static' or 'off'.")


def version() -> str:
    """The engine's own name and version, for manifests and cache keys."""
    return str(opendssdirect.dss.Version()).splitlines()[0].split(";")[0]


def run(engine: Engine, command: str) -> None:
    """Send one command; a refusal is an EngineError that carries OpenDSS's own words."""
    try:
        engine(command)
    except DSSException as error:
        raise EngineError(f"OpenDSS refused '{command}': {message(error)}") from error


@contextmanager
def compiled(feeder: Feeder) -> Iterator[Engine]:
    """A context of the engine of its own with the circuit in it, cleared at the end; nothing is solved.

    The process's working directory stays where it is, and what the circuit writes
    goes to a scratch directory that is removed with it.

    Raises InputError: no such file, or OpenDSS cannot read it (file and line are told).
    """
    if not feeder.master.is_file():
        raise InputError(f"There is no circuit at {feeder.master}: give the path of an OpenDSS master file.")
    with tempfile.TemporaryDirectory(prefix="gridstudio-") as scratch:
        engine = opendssdirect.dss.NewContext()
        engine.Basic.AllowChangeDir(False)
        engine.Basic.AllowEditor(False)
        engine.Basic.AllowForms(False)
        engine.Basic.DataPath(scratch)
        try:
            compile_into(engine, feeder)
            yield engine
        finally:
            engine("clear")  # the binding never frees a context; without its circuit it is small


def compile_into(engine: Engine, feeder: Feeder) -> None:
    """The circuit in place of what the context holds."""
    engine("clear")
    master, scratch = feeder.master, engine.Basic.DataPath()
    try:
        load(engine, master, scratch)
    except SingularError:  # read it all the same: the findings on its tables tell more
        engine("clear")
        load(engine, master, scratch, without_bases=True)
    if engine.Basic.NumCircuits() == 0:
        raise InputError(f"{master} defines no circuit: an OpenDSS master file starts with 'new circuit.NAME'.")
    engine.Basic.DataPath(scratch)
    for command in feeder.commands:
        _refuse_unknown_element(engine, command, master)
        where = f"OpenDSS refused '{command}', which the study runs after {master.name}"
        run_line(engine, command, master.parent, scratch, where)
    _prepare(engine, feeder.controls)


def _refuse_unknown_element(engine: Engine, command: str, master: Path) -> None:
    """InputError if a command edits or switches an element that is not there: OpenDSS passes over that in silence."""
    named = _ELEMENT.match(command)
    if named and named.group(1).lower() in _ELEMENTS and engine.Circuit.SetActiveElement(".".join(named.groups())) < 0:
        kind, name = named.groups()
        raise InputError(f"'{command}', which is run after {master.name}: the circuit has no {kind.lower()} {name!r}.")


def _prepare(engine: Engine, controls: str) -> None:
    run(engine, "makebuslist")  # commands may have added elements; reading their nodes asks for it
    run(engine, "set mode=snapshot")
    run(engine, f"set controlmode={controls}")
    # The defaults (15 and 10) are too few for large feeders; fewer than the user's own are never set.
    run(engine, f"set maxiterations={max(100, engine.Solution.MaxIterations())}")
    run(engine, f"set maxcontroliter={max(100, engine.Solution.MaxControlIterations())}")
    # At the default of 1e-4 the same state differs by 1e-5 pu with the voltages from which it was solved;
    # at 1e-6 by 1e-7 pu, for a tenth more time.
    run(engine, f"set tolerance={min(TOLERANCE, engine.Solution.Convergence())!r}")
    if engine.Solution.LoadModel() == _ADMITTANCE:  # it keeps the loads of the last matrix: no multiplier would act
        run(engine, "set loadmodel=powerflow")
        run(engine, "batchedit load..* model=2")  # the same physics
    if controls == "static":
        _obey_switch_controls(engine)
    for kind in _NOT_NEEDED:
        engine.Circuit.SetActiveClass(kind)
        if engine.ActiveClass.Count():
            run(engine, f"batchedit {kind}..* enabled=no")


def _obey_switch_controls(engine: Engine) -> None:
    """Open what switch controls would open in the first power flow."""
    api, more = engine.SwtControls, engine.SwtControls.First()
    while more:
        if _OPEN in (int(api.Action()), int(api.State())):
            switched, terminal = api.SwitchedObj(), api.SwitchedTerm()
            engine.Circuit.SetActiveElement(switched)
            engine.CktElement.Open(terminal, 0)
        more = api.Next()


def inspect(feeder: Feeder) -> tuple[Network, list[Finding]]:
    """The tables of a circuit and what is wrong with it, without solving anything."""
    with compiled(feeder) as engine:
        network = read_network(engine)
    return network, findings(network)
