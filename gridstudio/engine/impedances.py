"""Series impedances, shunt capacitors and source voltages of a circuit: what linear flows need besides the tables."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine.circuit import Feeder
from gridstudio.engine.lending import borrow


@dataclass(frozen=True, eq=False)
class Impedances:
    """``z_ohm``: for every branch (phase, phase) series impedance, zero for what is no line; ``shunt_kvar``: (node,)
    of capacitor banks at rated voltage, as their steps stand in the base circuit; ``source_pu``: (source,)."""

    z_ohm: tuple[NDArray[np.complex128], ...]
    shunt_kvar: NDArray[np.float64]
    source_pu: NDArray[np.float64]


def read_impedances(feeder: Feeder) -> Impedances:
    """Of the base circuit, settled."""
    with borrow(feeder) as session, session.state_at_end((), Scenario()) as engine:
        network = session.network
        return Impedances(_lines(engine, network), _capacitors(engine, network), _sources(engine, network))


def _lines(engine: Any, network: Network) -> tuple[NDArray[np.complex128], ...]:
    found = []
    for kind, name, phases in network.branches[["kind", "name", "phases"]].itertuples(index=False, name=None):
        z = np.zeros((int(phases), int(phases)), dtype=complex)
        if kind == "line":
            engine.Lines.Name(name)
            per_length = np.array(engine.Lines.RMatrix()) + 1j * np.array(engine.Lines.XMatrix())
            z = per_length.reshape(z.shape) * engine.Lines.Length()
        found.append(z)
    return tuple(found)


def _capacitors(engine: Any, network: Network) -> NDArray[np.float64]:
    """A bank between phases counts half at either of its nodes; one in series with a branch is left out."""
    row = {key: n for n, key in enumerate(network.nodes[["bus", "phase"]].itertuples(index=False, name=None))}
    found = np.zeros(len(network.nodes))
    api, more = engine.Capacitors, engine.Capacitors.First()
    while more:
        engine.Circuit.SetActiveElement(f"capacitor.{api.Name()}")
        element = engine.CktElement
        bus, states = element.BusNames()[0].partition(".")[0].lower(), api.States()
        nodes = [n for n in element.NodeOrder()[: element.NumConductors()] if (bus, n) in row]
        in_series = element.NumTerminals() > 1 and element.BusNames()[1].partition(".")[0].lower() != bus
        if nodes and element.Enabled() and not in_series:
            on = sum(states) / len(states) if states else 1.0
            for node in nodes:
                found[row[(bus, node)]] += api.kvar() * on / len(nodes)
        more = api.Next()
    return found


def _sources(engine: Any, network: Network) -> NDArray[np.float64]:
    found = []
    for name in network.source_elements["source"]:
        engine.Vsources.Name(name)
        found.append(float(engine.Vsources.PU()))
    return np.array(found)
