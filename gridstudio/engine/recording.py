"""What solves gave, read from the engine as arrays."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.engine.reading import branches_of
from gridstudio.errors import EngineError

T = TypeVar("T")
KEPT_NUMBERS = 20_000  # complex numbers of raw readings that are turned into results together: they stay in the cache
# Elements besides sources and loads that draw or deliver power.
_GENERATION = ("generator", "pvsystem", "storage", "indmach012", "vccs", "upfc", "vsconverter", "generic5")


@dataclass(frozen=True, eq=False)
class PowerFlow:
    """What solves gave; leading axes are the caller's: (case, step), (step,) or none.

    The order of nodes and conductors is that of ``Network.nodes`` and ``Network.conductors``, that of sources and
    their conductors is that of ``Network.source_elements`` and ``Network.source_conductor``.
    What did not converge is NaN. Memory: 8 bytes per node and conductor of every solve.
    """

    converged: NDArray[np.bool_]  # (...)
    v_pu: NDArray[np.float64]  # (..., node) line to neutral over the bus base
    current_a: NDArray[np.float64]  # (..., conductor) larger of both ends for lines, first terminal for transformers
    served_kw: NDArray[np.float64]  # (...) delivered to the loads: sources and generation less losses
    losses_kw: NDArray[np.float64]  # (...)
    source_kw: NDArray[np.float64]  # (...)
    source_kvar: NDArray[np.float64]  # (...)
    source_kva: NDArray[np.complex128]  # (..., source) kW + j kvar that each voltage source delivers, 0 out of service
    source_current_a: NDArray[np.float64]  # (..., source conductor); NaN where the circuit has one source: not read
    position: NDArray[np.float64]  # (..., device of ``Session.devices``) tap number or steps on; no device if not asked

    def __getitem__(self, index: Any) -> "PowerFlow":
        return PowerFlow(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def empty_flow(shape: tuple[int, ...], network: Network, devices: int = 0) -> PowerFlow:
    """An unsolved PowerFlow: nothing converged, every number NaN; ``devices``: how many positions are read."""
    return PowerFlow(
        converged=np.zeros(shape, dtype=bool),
        v_pu=np.full((*shape, len(network.nodes)), np.nan),
        current_a=np.full((*shape, len(network.conductors)), np.nan),
        source_kva=np.full((*shape, len(network.source_elements)), np.nan, dtype=complex),
        source_current_a=np.full((*shape, len(network.source_conductor)), np.nan),
        position=np.full((*shape, devices), np.nan),
        **{name: np.full(shape, np.nan) for name in ("served_kw", "losses_kw", "source_kw", "source_kvar")},
    )


class Recorder:
    """Reads the state after a solve into a PowerFlow; ``flush`` completes what was read.

    The engine's own vectors are copied as they are, and turned into results many at a time:
    a dozen NumPy calls cost as much as a small solve. Losses are the power that all delivery
    elements take at all their terminals.
    """

    def __init__(self, engine: Any, network: Network):
        self._engine = engine
        # The same context as seen by NumPy, whose vector reads make no lists.
        self._view = engine.to_dss_python().ActiveCircuit
        self._delivery = self._view.PDElements
        self._network = network
        self._at: list[tuple[int, ...]] = []
        self._flow: PowerFlow | None = None
        self._elements = len(engine.PDElements.AllNames())  # what changes add comes after them, and is not read
        self._find_places()
        self._gather = _gather(engine)
        self._length = 2 * len(self._terminal_node)
        if self._length != len(self._delivery.AllCurrents):
            raise EngineError("OpenDSS's current vector does not match its list of elements: this is a defect.")
        self._generation = _generation(engine)
        self._amps = np.zeros((self._kept, len(self._terminal_node)), dtype=complex)
        self._sources = _Sources(engine, network, self._kept) if len(network.source_elements) > 1 else None
        self._positions = _Positions(engine)

    @property
    def devices(self) -> tuple[str, ...]:
        """What a control moves: "transformer.reg1a.2" (its winding), "autotrans.a.2", "capacitor.c83"."""
        return self._positions.devices

    def find_sources(self) -> None:
        """To be called when a source was put in or out of service."""
        if self._sources:
            self._sources.find()

    def find_generation(self) -> None:
        """To be called when something began or ceased to deliver power."""
        self._generation = _generation(self._engine)

    def find_nodes(self) -> None:
        """To be called when elements went to other nodes, which may move the engine's order of nodes."""
        if self._names == self._engine.Circuit.YNodeOrder():
            return
        self.flush()
        self._find_places()
        if self._sources:
            self._sources = _Sources(self._engine, self._network, self._kept)

    def _find_places(self) -> None:
        self._names = self._engine.Circuit.YNodeOrder()
        nodes = len(self._names)  # a change may have brought more than the network has
        self._order, self._per_volt = _node_order(self._engine, self._network)
        self._terminal_node = _terminal_nodes(self._engine, nodes, self._elements)
        self._kept = max(1, KEPT_NUMBERS // max(1, len(self._terminal_node)))
        self._volts = np.zeros((self._kept, nodes + 1), dtype=complex)  # the last place of a row is the earth

    def start(self, flow: PowerFlow) -> None:
        """Where the following readings go; unfinished ones of an interrupted run are dropped."""
        self._flow = flow
        self._at = []

    def read(self, at: tuple[int, ...]) -> bool:
        """Read the solved state into place ``at``. False if it is no solution, though the engine says so."""
        assert self._flow is not None
        source_w = self._view.TotalPower  # kW and kvar, negative where the source delivers
        if not math.isfinite(source_w[0]):
            return False
        row = len(self._at)
        self._volts[row, :-1] = self._view.YNodeVarray.view(complex)
        self._amps[row] = self._delivery.AllCurrents[: self._length].view(complex)
        if self._sources:
            self._sources.read(row)
        self._flow.source_kw[at] = -source_w[0]
        self._flow.source_kvar[at] = -source_w[1]
        self._flow.served_kw[at] = self._generation_kw()
        if self._flow.position.shape[-1]:
            self._flow.position[at] = self._positions.read()
        self._at.append(at)
        if len(self._at) == self._kept:
            self.flush()
        return True

    def flush(self) -> None:
        """Turn the readings so far into results."""
        count = len(self._at)
        if not count or self._flow is None:
            return
        flow, at = self._flow, tuple(np.array(self._at).T)
        volts, amps = self._volts[:count], self._amps[:count]
        magnitude = np.abs(amps)
        # the real part of voltage times conjugate current is the product of both as vectors; in kW
        losses = np.einsum("ij,ij->i", volts.take(self._terminal_node, axis=1).view(float), amps.view(float)) / 1000.0
        v_pu = np.abs(volts.take(self._order, axis=1)) * self._per_volt
        sound = np.isfinite(v_pu).all(axis=1) & np.isfinite(losses)
        flow.converged[at] = sound
        flow.v_pu[at] = v_pu
        flow.current_a[at] = np.maximum(magnitude[:, self._gather[0]], magnitude[:, self._gather[1]])
        flow.losses_kw[at] = losses
        flow.served_kw[at] += flow.source_kw[at] - losses
        if self._sources:
            flow.source_kva[at], flow.source_current_a[at] = self._sources.results(volts)
        else:
            flow.source_kva[at] = (flow.source_kw[at] + 1j * flow.source_kvar[at])[:, None]
        self._at = []

    def _generation_kw(self) -> float:
        """Power of generators, PV and storage; they are few, or the circuit has none."""
        total = 0.0
        for element in self._generation:
            self._engine.Circuit.SetActiveElement(element)
            total -= self._engine.CktElement.TotalPowers()[0]
        return total


class _Sources:
    """Currents of the sources of a circuit that has several; only those in service are asked for theirs."""

    def __init__(self, engine: Any, network: Network, kept: int):
        self._engine = engine
        self._circuit = engine.to_dss_python().ActiveCircuit
        self._element = self._circuit.ActiveCktElement
        self._names = [f"vsource.{name}" for name in network.source_elements["source"]]
        self._phase = network.source_conductor  # source of every phase conductor
        earth = len(engine.Circuit.YNodeOrder())
        at = [self._node_places(name, earth) for name in self._names]
        ends = np.cumsum([0, *map(len, at)])
        self._slices = [slice(a, b) for a, b in itertools.pairwise(ends.tolist())]
        self._node = np.concatenate(at)  # of every conductor of both terminals, in the voltage vector
        self._first = ends[:-1]
        own = np.arange(len(self._phase)) - np.searchsorted(self._phase, self._phase)
        self._magnitude = self._first[self._phase] + own  # place of every phase conductor of the first terminals
        self._amps = np.zeros((kept, len(self._node)), dtype=complex)
        self.find()

    def find(self) -> None:
        """Which sources are in service now; the others carry nothing."""
        self._in_service = []
        for name, place in zip(self._names, self._slices, strict=True):
            self._engine.Circuit.SetActiveElement(name)
            if not self._engine.CktElement.IsOpen(1, 0):
                self._in_service.append((name, place))

    def read(self, row: int) -> None:
        self._amps[row] = 0.0
        for name, place in self._in_service:
            self._circuit.SetActiveElement(name)
            self._amps[row, place] = self._element.Currents.view(complex)

    def results(self, volts: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """kVA delivered (row, source) and phase currents (row, source conductor) [A] of the rows read."""
        amps = self._amps[: len(volts)]
        taken = volts.take(self._node, axis=1) * amps.conj() / 1000.0
        return -np.add.reduceat(taken, self._first, axis=1), np.abs(amps[:, self._magnitude])

    def _node_places(self, name: str, earth: int) -> list[int]:
        self._engine.Circuit.SetActiveElement(name)
        return [node - 1 if node else earth for node in self._engine.CktElement.NodeRef()]


class _Positions:
    """Where the taps and capacitor steps that a control may move stand.

    A tap is read as its number: steps from the middle of its range, 0 if that is nominal.
    """

    def __init__(self, engine: Any):
        self._engine = engine
        regulators, capacitors = engine.RegControls, engine.CapControls
        windings = _each(regulators, lambda: (regulators.Transformer().lower(), int(regulators.TapWinding())))
        plain = {name.lower() for name in engine.Transformers.AllNames()}
        # transformer, winding, tap of number 0 [pu], width of a step [pu]
        self._taps = [(*at, *_tap_range(engine, *at)) for at in windings if at[0] in plain]
        self._auto = [(*at, *_auto_range(engine, at[0])) for at in windings if at[0] not in plain]
        self._capacitors = _each(capacitors, lambda: capacitors.Capacitor().lower())

    @property
    def devices(self) -> tuple[str, ...]:
        taps = [f"transformer.{name}.{winding}" for name, winding, _, _ in self._taps]
        taps += [f"autotrans.{name}.{winding}" for name, winding, _, _ in self._auto]
        return (*taps, *(f"capacitor.{name}" for name in self._capacitors))

    def read(self) -> list[float]:
        """Positions now, in the order of ``devices``."""
        found, api = [], self._engine.Transformers
        for name, winding, middle, step in self._taps:
            api.Name(name)
            api.Wdg(winding)
            found.append(float(round((api.Tap() - middle) / step)))
        for name, winding, middle, step in self._auto:
            taps = _numbers(self._engine, f"autotrans.{name}", "taps")
            found.append(float(round((taps[winding - 1] - middle) / step)))
        for name in self._capacitors:
            self._engine.Capacitors.Name(name)
            found.append(float(sum(state > 0 for state in self._engine.Capacitors.States())))
        return found


def _each(collection: Any, read: Callable[[], T]) -> list[T]:
    """``read`` at every element of a collection, what is alike once."""
    found, more = [], collection.First()
    while more:
        found.append(read())
        more = collection.Next()
    return list(dict.fromkeys(found))


def _tap_range(engine: Any, name: str, winding: int) -> tuple[float, float]:
    """The tap of number 0, and the width of a step [pu]."""
    api = engine.Transformers
    api.Name(name)
    api.Wdg(winding)
    return _middle_and_step(api.MinTap(), api.MaxTap(), api.NumTaps())


def _auto_range(engine: Any, name: str) -> tuple[float, float]:
    """The same of an autotransformer, which the tap interface does not cover; all its windings are taken for alike."""
    low, high, count = (_numbers(engine, f"autotrans.{name}", field)[0] for field in ("mintap", "maxtap", "numtaps"))
    return _middle_and_step(low, high, count)


def _middle_and_step(low: float, high: float, count: float) -> tuple[float, float]:
    return (low + high) / 2, (high - low) / count if count and high > low else 1.0


def _numbers(engine: Any, element: str, field: str) -> list[float]:
    engine.Circuit.SetActiveElement(element)
    return [float(x) for x in str(engine.Properties.Value(field)).strip("[] ").replace(",", " ").split()]


def _node_order(engine: Any, network: Network) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For every row of ``network.nodes`` its place in the engine's voltage vector, and pu per volt."""
    place = {name.lower(): index for index, name in enumerate(engine.Circuit.YNodeOrder())}
    nodes = network.nodes
    names = nodes["bus"] + "." + nodes["phase"].astype(str)
    return np.array([place[name] for name in names], dtype=np.intp), 1.0 / (1000.0 * nodes["base_kv"].to_numpy())


def _terminal_nodes(engine: Any, earth: int, elements: int) -> NDArray[np.intp]:
    """For every conductor of ``PDElements.AllCurrents`` the place of its node in the voltage vector; ``earth`` last.

    Of the first ``elements`` of them.
    """
    api, element = engine.PDElements, engine.CktElement
    sizes = np.array(api.AllNumTerminals()) * np.array(api.AllNumConductors())
    nodes: list[int] = []
    for name, size in zip(api.AllNames()[:elements], sizes, strict=False):
        engine.Circuit.SetActiveElement(name)
        if not element.Enabled():
            nodes += [earth] * size
            continue
        own = [node - 1 if node else earth for node in element.NodeRef()]  # the engine's earth is 0
        if name.lower().startswith("autotrans."):  # the far ends of its series windings are counted at terminal 2
            phases, conductors = element.NumPhases(), element.NumConductors()
            own[phases:conductors] = [earth] * (conductors - phases)
        nodes += own
    return np.array(nodes, dtype=np.intp)


def _gather(engine: Any) -> NDArray[np.intp]:
    """Where in ``PDElements.AllCurrents`` the phase conductors lie: (2, conductor).

    Row 0 is the first terminal; row 1 the second for lines and their like, again the first for
    transformers, whose rating is that of the first winding.
    """
    api = engine.PDElements
    widths = api.AllNumConductors()
    starts = np.concatenate([[0], np.cumsum(np.array(api.AllNumTerminals()) * np.array(widths))]).astype(int)
    first: list[int] = []
    second: list[int] = []
    for branch in branches_of(engine):
        start, width = int(starts[branch.position]), widths[branch.position]
        first += range(start, start + branch.phases)
        other = start if branch.kind in ("transformer", "autotrans") else start + width
        second += range(other, other + branch.phases)
    return np.array([first, second], dtype=np.intp).reshape(2, -1)


def _generation(engine: Any) -> list[str]:
    """Elements in service whose power is neither source's nor load's.

    Generators of 0 kW stay out: nothing moves them. So does an opened storage, which reports 1e231 kW.
    """
    found = []
    for name in engine.Circuit.AllElementNames():
        kind, _, own_name = name.lower().partition(".")
        if kind not in _GENERATION:
            continue
        engine.Circuit.SetActiveElement(name)
        counts = engine.CktElement.Enabled() and not (kind == "storage" and engine.CktElement.IsOpen(1, 0))
        if counts and kind == "generator":
            engine.Generators.Name(own_name)
            counts = engine.Generators.kW() != 0
        if counts:
            found.append(name)
    return found
