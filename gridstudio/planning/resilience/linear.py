"""LinDistFlow of an island: what every unit of load adds to voltages and flows, radial and without losses.

For a line from node m to node n with series impedance z [ohm] and the power S_j [VA] that its conductor j carries,
    |V_n,i|^2 = |V_m,i|^2 - 2 Re sum_j z_ij conj(S_j) conj(a_i / a_j),     a = 1, e^-j120, e^+j120        (L1)
    S into a node = sum of the loads beyond it                                                            (L2)
(Gan, Low: Convex relaxations and linear approximation for optimal power flow in multiphase radial networks, PSCC
2014; voltages are taken as balanced in (L1), losses are left out.) In a tree both are sums over the loads, so one
matrix serves all islands of the tree. Transformers and regulators pass voltage on per unit: behind a regulator the
voltage is not judged. Loads draw their published power whatever the voltage.

Against OpenDSS, islands of the IEEE 123 feeder up to 1 MW: voltages within 0.01 pu, source power within 4 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.engine.impedances import Impedances
from gridstudio.planning.resilience.contract import Bools, Floats, Grid

PHASE_SHIFT = np.exp(-2j * np.pi / 3 * np.arange(3))
REGULATING = ("transformer", "autotrans")


@dataclass(frozen=True, eq=False)
class Effects:
    """What one source sees in one tree. Columns of ``drop_v2`` and ``flow_kva``: units, then the capacitors of every
    section.

    ``drop_v2``: (node, unit + section) [pu^2]; ``flow_kva``: (conductor, unit + section) complex; ``reached``: (node,)
    nodes that get voltage; ``regulated``: (node,) those behind a regulator; ``source_pu``: voltage of the source.
    """

    drop_v2: Floats
    flow_kva: NDArray[np.complex128]
    reached: Bools
    regulated: Bools
    source_pu: float

    def voltage_pu(self, on: Floats) -> Floats:
        """(node,) where units and capacitors are ``on`` (unit + section,)."""
        return np.sqrt(np.maximum(self.source_pu**2 - self.drop_v2 @ on, 0.0))


def draws(grid: Grid, impedances: Impedances) -> NDArray[np.complex128]:
    """kW + j kvar at every node of all units and of every section's capacitors (node, unit + section)."""
    network, units = grid.network, len(grid.unit_names)
    keys = network.nodes[["bus", "phase"]].itertuples(index=False, name=None)
    row = {key: number for number, key in enumerate(keys)}
    found = np.zeros((len(network.nodes), units + len(grid.sections)), dtype=complex)
    for load, bus in enumerate(network.loads["bus"]):
        for phase in range(3):
            power = complex(grid.load_kw[load, phase], grid.load_kvar[load, phase])
            if power and (bus, phase + 1) in row:
                found[row[(bus, phase + 1)], grid.load_unit[load]] += power
    node = np.arange(len(network.nodes))
    found[node, units + grid.sections.node_section] -= 1j * impedances.shunt_kvar
    return found


@dataclass(frozen=True, eq=False)
class Walk:
    """A tree of nodes from the source outwards: ``order`` of nodes; for each (node,) the node before it and the
    conductor between, -1 at the source."""

    order: tuple[int, ...]
    before: NDArray[np.intp]
    conductor: NDArray[np.intp]


def walk(grid: Grid, bus: str, phases: Sequence[int], closed: int) -> Walk:
    """From the phases of a bus through all that is closed; devices as the bit mask ``closed``."""
    network, sections = grid.network, grid.sections
    row = {key: n for n, key in enumerate(network.nodes[["bus", "phase"]].itertuples(index=False, name=None))}
    device_of = {network.line_row[device.line]: d for d, device in enumerate(sections.devices)}
    ends = network.branches[["bus1", "bus2"]].to_numpy()
    around: dict[int, list[tuple[int, int]]] = {}
    table = network.conductors[["branch", "phase", "phase2", "closed"]].itertuples(index=False, name=None)
    for conductor, (branch, p, q, is_closed) in enumerate(table):
        device = device_of.get(branch, -1)
        if not (closed >> device & 1 if device >= 0 else is_closed):
            continue
        a, b = row.get((ends[branch, 0], p)), row.get((ends[branch, 1], q))
        if a is not None and b is not None:
            around.setdefault(a, []).append((conductor, b))
            around.setdefault(b, []).append((conductor, a))
    count = len(network.nodes)
    before, via = np.full(count, -1, dtype=np.intp), np.full(count, -1, dtype=np.intp)
    order = [row[(bus, phase)] for phase in phases if (bus, phase) in row]
    seen = set(order)
    for node in order:
        for conductor, other in around.get(node, ()):
            if other not in seen:
                seen.add(other)
                before[other], via[other] = node, conductor
                order.append(other)
    return Walk(tuple(order), before, via)


def effects(grid: Grid, impedances: Impedances, drawn: NDArray[np.complex128], way: Walk, source_pu: float) -> Effects:
    """Equations (L1) and (L2) on a tree; ``drawn`` as from ``draws``."""
    network = grid.network
    flow_node = drawn.copy()
    flow = np.zeros((len(network.conductors), drawn.shape[1]), dtype=complex)
    for node in reversed(way.order):
        if (above := way.before[node]) >= 0:
            flow_node[above] += flow_node[node]
            flow[way.conductor[node]] = flow_node[node]
    phase = network.conductors["phase"].to_numpy() - 1
    branch = network.conductors["branch"].to_numpy()
    first = network.first_conductor
    kinds = network.branches["kind"].to_numpy()
    kilovolts = network.nodes["base_kv"].to_numpy()
    drop = np.zeros((len(network.nodes), drawn.shape[1]))
    reached, regulated = np.zeros(len(network.nodes), dtype=bool), np.zeros(len(network.nodes), dtype=bool)
    reached[list(way.order)] = True
    for node in way.order:
        if (above := way.before[node]) < 0:
            continue
        row, conductor = branch[way.conductor[node]], way.conductor[node]
        own = slice(first[row], first[row] + len(impedances.z_ohm[row]))
        turn = np.conj(PHASE_SHIFT[phase[conductor] % 3] / PHASE_SHIFT[phase[own] % 3])
        z = impedances.z_ohm[row][conductor - first[row]] * turn
        drop[node] = drop[above] + 2e-3 * (z @ np.conj(flow[own])).real / kilovolts[node] ** 2
        regulated[node] = regulated[above] or kinds[row] in REGULATING
    return Effects(drop, flow, reached, regulated, source_pu)
