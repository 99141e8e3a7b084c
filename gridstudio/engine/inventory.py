"""What changes must know of a circuit beyond its tables, read once at the baseline."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from gridstudio.domain.network import Network
from gridstudio.engine.edits import given
from gridstudio.engine.reading import UNITS


@dataclass(frozen=True)
class Inventory:
    """Line codes, controls and capacitor banks of a circuit, by name in lower case."""

    network: Network
    controls_act: bool
    code_phases: dict[str, int]  # of line codes
    code_unit: dict[str, str]  # of line codes
    line_unit: dict[str, str]
    switches: frozenset[str]  # lines that the files declare as switches
    regulators: dict[str, str]  # regulator control -> transformer
    steps: dict[str, int]  # of shunt capacitor banks
    by_matrix: frozenset[str]  # capacitor banks that a matrix of capacitances describes
    capacitor_controls: dict[str, tuple[str, ...]]  # capacitor bank -> its controls
    bus_nodes: dict[str, dict[int, float]]  # bus -> its nodes and their base voltage [kV line to neutral]
    load_nodes: dict[str, tuple[int, ...]]  # load -> nodes of its phases
    load_place: dict[str, tuple[str, int]]  # load -> its bus and number of phases


def read_inventory(dss: Any, network: Network, controls_act: bool) -> Inventory:
    """The inventory of a compiled circuit."""
    code_phases, code_unit = {}, {}
    for name in dss.LineCodes.AllNames():
        dss.LineCodes.Name(name)
        code_phases[name.lower()] = int(dss.LineCodes.Phases())
        code_unit[name.lower()] = UNITS[int(dss.LineCodes.Units())]
    lines = list(_each(dss.Lines, lambda api: (api.Name().lower(), UNITS[int(api.Units())], bool(api.IsSwitch()))))
    banks: dict[str, list[str]] = {}
    for control, bank in _each(dss.CapControls, lambda api: (api.Name().lower(), api.Capacitor().lower())):
        banks.setdefault(bank, []).append(control)
    shunts = [(name, steps) for name, steps, shunt in _each(dss.Capacitors, lambda api: _bank(dss)) if shunt]
    bus_nodes: dict[str, dict[int, float]] = {}
    for bus, phase, base_kv in network.nodes[["bus", "phase", "base_kv"]].itertuples(index=False, name=None):
        bus_nodes.setdefault(bus, {})[int(phase)] = float(base_kv)
    loads = zip(network.loads["load"], network.loads["nodes"], strict=True)
    places = network.loads[["load", "bus", "phases"]].itertuples(index=False, name=None)
    return Inventory(
        network=network,
        controls_act=controls_act,
        code_phases=code_phases,
        code_unit=code_unit,
        line_unit={name: unit for name, unit, _ in lines},
        switches=frozenset(name for name, _, is_switch in lines if is_switch),
        regulators=dict(_each(dss.RegControls, lambda api: (api.Name().lower(), api.Transformer().lower()))),
        steps=dict(shunts),
        by_matrix=frozenset(name for name, _ in shunts if "CMatrix" in given(dss, f"capacitor.{name}")),
        capacitor_controls={bank: tuple(controls) for bank, controls in banks.items()},
        bus_nodes=bus_nodes,
        load_nodes={load: tuple(int(node) for node in str(nodes).split(".") if node) for load, nodes in loads},
        load_place={load: (bus, int(phases)) for load, bus, phases in places},
    )


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The finding that the circuit has no such element, with the nearest name."""
    near = get_close_matches(name.lower(), list(known), n=1)
    return f"The circuit has no {kind} {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")


def _bank(dss: Any) -> tuple[str, int, bool]:
    """Name and steps of the active capacitor, and whether it is a shunt."""
    buses = {bus.split(".")[0].lower() for bus in dss.CktElement.BusNames()}
    return dss.Capacitors.Name().lower(), int(dss.Capacitors.NumSteps()), len(buses) == 1


def _each(api: Any, read: Any) -> Iterable[Any]:
    """``read(api)`` at every element in service of a collection."""
    more = api.First()
    while more:
        yield read(api)
        more = api.Next()
