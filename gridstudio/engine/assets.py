"""What a planner of upgrades must know of a circuit beyond its tables: impedances, control settings, earths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import Change
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine.circuit import Feeder
from gridstudio.engine.lending import borrow
from gridstudio.engine.measures import MEASURES
from gridstudio.engine.reading import UNITS

Floats = NDArray[np.float64]
MODES = {0: "current", 1: "voltage", 2: "kvar", 3: "time", 4: "power factor"}  # of capacitor controls


@dataclass(frozen=True, eq=False)
class Impedance:
    """Series resistance and reactance (phase, phase) [ohm] and capacitance [nF] of a line per ``unit`` of length."""

    r_ohm: Floats
    x_ohm: Floats
    c_nf: Floats
    unit: str  # OpenDSS's word; "none" where nothing says what the length is in


@dataclass(frozen=True)
class Regulator:
    """The settings of a regulator control, in volts at the control; ``target_pu`` is the set point per unit of the
    rated voltage of the winding that it watches."""

    control: str
    transformer: str
    vreg_v: float
    band_v: float
    r_v: float
    x_v: float
    target_pu: float


@dataclass(frozen=True)
class Bank:
    """A shunt capacitor bank: its bus, size [kvar], steps, and how many are in service as the circuit stands."""

    capacitor: str
    bus: str
    kvar: float
    steps: int
    in_service: int


@dataclass(frozen=True)
class BankControl:
    """A control of a shunt capacitor bank: what it watches ("voltage", "current", "kvar", ...) and its settings, in
    its own unit [V, A or kvar]; volts after the potential transformer of ``pt_ratio``."""

    control: str
    capacitor: str
    mode: str
    on_at: float
    off_at: float
    pt_ratio: float


@dataclass(frozen=True, eq=False)
class Assets:
    """``earthed``: buses where a transformer's wye winding or a source stands to earth, of any voltage level."""

    impedances: dict[str, Impedance]  # by line
    regulators: tuple[Regulator, ...]
    banks: tuple[Bank, ...]
    bank_controls: tuple[BankControl, ...]
    earthed: frozenset[str]


def read_assets(feeder: Feeder) -> Assets:
    """The assets of a circuit in its base case."""
    with borrow(feeder) as session, session.state_at_end((), Scenario()) as dss:
        return Assets(
            impedances=dict(_each(dss, dss.Lines, _impedance)),
            regulators=tuple(_each(dss, dss.RegControls, _regulator)),
            banks=tuple(bank for bank in _each(dss, dss.Capacitors, _bank) if bank is not None),
            bank_controls=tuple(_each(dss, dss.CapControls, _bank_control)),
            earthed=frozenset(session.network.sources)
            | {bus for buses in _each(dss, dss.Transformers, _earthed) for bus in buses},
        )


def misfits(feeder: Feeder, changes: Sequence[Change]) -> list[list[str]]:
    """What does not fit the circuit, for each of the changes by itself; nothing is solved."""
    with borrow(feeder) as session:
        return [MEASURES[type(change)].misfits(session.inventory, change) for change in changes]


def _each(dss: Any, api: Any, read: Any) -> list[Any]:
    found, more = [], api.First()
    while more:
        if dss.CktElement.Enabled():
            name = api.Name()
            found.append(read(dss))
            api.Name(name)  # reading may have moved on to another element
        more = api.Next()
    return found


def _impedance(dss: Any) -> tuple[str, Impedance]:
    api = dss.Lines
    name, phases, unit, code = api.Name().lower(), api.Phases(), UNITS[int(api.Units())], api.LineCode()
    r, x, c = (np.array(m, dtype=float).reshape(phases, phases) for m in (api.RMatrix(), api.XMatrix(), api.CMatrix()))
    if unit == "none" and code:
        dss.LineCodes.Name(code)
        unit = UNITS[int(dss.LineCodes.Units())]
    return name, Impedance(r, x, c, unit)


def _regulator(dss: Any) -> Regulator:
    api = dss.RegControls
    control, transformer, winding = api.Name().lower(), api.Transformer().lower(), int(api.Winding())
    settings = float(api.ForwardVreg()), float(api.ForwardBand()), float(api.ForwardR()), float(api.ForwardX())
    ratio = float(api.PTRatio())
    dss.Transformers.Name(transformer)
    phases = int(dss.CktElement.NumPhases())
    dss.Transformers.Wdg(winding)
    kv = float(dss.Transformers.kV()) / (3.0**0.5 if phases > 1 else 1.0)
    return Regulator(control, transformer, *settings, target_pu=settings[0] * ratio / (1000.0 * kv))


def _bank(dss: Any) -> Bank | None:
    api, element = dss.Capacitors, dss.CktElement
    buses = {bus.split(".")[0].lower() for bus in element.BusNames()}
    if len(buses) > 1:
        return None
    states = [int(state) for state in api.States()]
    return Bank(api.Name().lower(), buses.pop(), float(api.kvar()), len(states), sum(states))


def _bank_control(dss: Any) -> BankControl:
    api = dss.CapControls
    settings = float(api.ONSetting()), float(api.OFFSetting()), float(api.PTRatio())
    return BankControl(api.Name().lower(), api.Capacitor().lower(), MODES.get(int(api.Mode()), "other"), *settings)


def _earthed(dss: Any) -> list[str]:
    """Buses of the active transformer's wye windings that stand to earth."""
    element, api = dss.CktElement, dss.Transformers
    buses = [bus.split(".")[0].lower() for bus in element.BusNames()]
    nodes = np.array(element.NodeOrder()).reshape(len(buses), -1)
    found = []
    for winding, bus in enumerate(buses):
        api.Wdg(winding + 1)
        if not api.IsDelta() and 0 in nodes[winding]:
            found.append(bus)
    return found
