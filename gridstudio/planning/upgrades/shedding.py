"""Unserved load from a power flow: the load that must go so that no element is above its limit and no bus too low.

Beneath an overloaded conductor load is cut evenly, on its phase, by just what its current exceeds its limit; from the
ends of the feeder to its head, so that what is cut below counts above. A low bus cuts the load of its feeder on its
phase evenly, by its share of the voltage drop. On arrays this is linear; ``simulation`` solves the circuit with the cut
and cuts again until the power flow itself shows no violation. An even cut is a rule, not an optimum: choosing loads one
by one could shed less where a single place limits, so unserved energy is never told too low.
"""

from dataclasses import dataclass

import numpy as np

from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, IntArray
from gridstudio.planning.upgrades.zones import SOLAR, Zones

MOST_DROP = 1.15  # of a current over that at nominal voltage
AIM = 0.9995  # of the limit, so that the next power flow is below it


@dataclass(frozen=True, eq=False)
class Watch:
    """Conductors and nodes that may bind, and the cells of load that relieve them.

    ``conductors`` (watched,) from the feeders' ends to their heads, then what feeders share; ``nodes`` (node,) with the
    node at the head in ``reference`` (node,). A cell is the loads of one feeder and class that are beneath the same
    watched conductors and on the same phases: ``cell`` (load,), OUTSIDE for solar. ``amps`` (watched, cell) at the
    published kW, ``kw`` (cell,), ``touches`` (node, cell); ``branches``: the watched
    conductors of each branch, whose phases are cut at once: a load on several goes by the one that needs most.
    """

    conductors: IntArray
    nodes: IntArray
    reference: IntArray
    cell: IntArray
    feeder: IntArray
    kind: IntArray
    kw: FloatArray
    amps: FloatArray
    touches: BoolArray
    branches: tuple[IntArray, ...]

    def multiplier(self, multipliers: FloatArray) -> FloatArray:
        """(state, cell) from (state, feeder, class)."""
        return multipliers[:, self.feeder, self.kind]


def watch(zones: Zones, conductors: IntArray, nodes: IntArray) -> Watch:
    """The cells for some conductors and nodes of a circuit."""
    depth = zones.depth[zones.network.conductors["branch"].to_numpy()]
    is_shared = zones.shared[zones.conductor_zone[conductors]]
    conductors = conductors[np.lexsort((conductors, -depth[conductors], is_shared))]
    branch = zones.network.conductors["branch"].to_numpy()[conductors]
    beneath = zones.beneath_a[conductors]
    phases = np.zeros((len(zones.load_zone), 4), dtype=bool)
    for load, named in enumerate(zones.network.loads["nodes"]):
        for node in str(named).split("."):
            if node and int(node) < 4:
                phases[load, int(node)] = True
    served = (zones.load_zone >= 0) & (zones.load_class != SOLAR) & (zones.load_kw > 0)
    pattern = np.concatenate([zones.load_zone[:, None], zones.load_class[:, None], beneath.T > 0, phases], axis=1)
    rows, which = np.unique(pattern[served], axis=0, return_inverse=True)
    cell = np.full(len(served), -1, dtype=np.int64)
    cell[served] = which.ravel()
    kw, amps = np.zeros(len(rows)), np.zeros((len(conductors), len(rows)))
    np.add.at(kw, cell[served], zones.load_kw[served])
    np.add.at(amps.T, cell[served], beneath.T[served])
    feeder = rows[:, 0].astype(np.int64)
    phase = zones.network.nodes["phase"].to_numpy()[nodes]
    touches = (zones.node_zone[nodes][:, None] == feeder) & (rows[:, -4:][:, np.minimum(phase, 3)].T > 0)
    return Watch(
        conductors=conductors,
        nodes=nodes,
        reference=references(zones, nodes),
        cell=cell,
        feeder=feeder,
        kind=rows[:, 1].astype(np.int64),
        kw=kw,
        amps=amps,
        touches=touches,
        branches=tuple(np.flatnonzero(branch == one) for one in dict.fromkeys(branch.tolist())),
    )


def references(zones: Zones, nodes: IntArray) -> IntArray:
    """The node of the same phase where each node's feeder leaves the bus that it shares; itself if there is none."""
    network = zones.network
    bus, phase = network.nodes["bus"].to_numpy(), network.nodes["phase"].to_numpy()
    ends = network.branches.set_index("element")["bus1"]
    place = {(b, p): row for row, (b, p) in enumerate(zip(bus, phase, strict=True))}
    start = [str(ends[zones.heads[zone]]) if zone >= 0 else "" for zone in zones.node_zone[nodes]]
    return np.array([place.get((b, phase[n]), n) for b, n in zip(start, nodes, strict=True)], dtype=np.int64)


def kept(
    watched: Watch,
    amps: FloatArray,
    limit_a: FloatArray,
    v_pu: FloatArray,
    reference_pu: FloatArray,
    v_min_pu: float,
    multiplier: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """The share of each cell (state, cell) that stays, after its own feeder and after what feeders share.

    ``amps`` and ``limit_a`` (state, watched), ``v_pu`` and ``reference_pu`` (state, node), ``multiplier`` (state,
    cell). The second result is what feeders keep for themselves: the difference is cut for what they share.
    """
    keep, own = np.ones_like(multiplier), None
    for rows in watched.branches:
        if own is None and _spans_feeders(watched, np.flatnonzero((watched.amps[rows] > 0).any(axis=0))):
            keep = _for_voltage(watched, keep, v_pu, reference_pu, v_min_pu, multiplier)
            own = keep.copy()
        cut = np.zeros_like(keep)
        for row in rows:
            cells = np.flatnonzero(watched.amps[row] > 0)
            share = _share(
                amps[:, row], limit_a[:, row], keep[:, cells], multiplier[:, cells] * watched.amps[row, cells]
            )
            cut[:, cells] = np.maximum(cut[:, cells], share[:, None])
        keep *= 1 - cut
    if own is None:
        keep = _for_voltage(watched, keep, v_pu, reference_pu, v_min_pu, multiplier)
        own = keep
    return keep, own


def _share(amps: FloatArray, limit_a: FloatArray, keep: FloatArray, carried: FloatArray) -> FloatArray:
    """What must go (state,) of the load (state, cell) that is left beneath a conductor.

    ``carried``: its current at nominal voltage; where the conductor shows more, voltages are low and a cut helps more.
    """
    whole = carried.sum(axis=1)
    carried = carried * np.clip(_ratio(amps, whole), 1.0, MOST_DROP)[:, None]
    left = keep * carried
    over = np.where(amps > limit_a, amps - (carried - left).sum(axis=1) - AIM * limit_a, 0.0)
    return np.clip(_ratio(over, left.sum(axis=1)), 0.0, 1.0)


def _for_voltage(
    watched: Watch,
    keep: FloatArray,
    v_pu: FloatArray,
    reference_pu: FloatArray,
    v_min_pu: float,
    multiplier: FloatArray,
) -> FloatArray:
    """``keep`` after low buses have cut their feeder's load on their phase."""
    keep = keep.copy()
    for node in range(len(watched.nodes)):
        cells = np.flatnonzero(watched.touches[node])
        kw = multiplier[:, cells] * watched.kw[cells]
        drop = reference_pu[:, node] - v_pu[:, node]
        cut = _ratio((kw * (1 - keep[:, cells])).sum(axis=1), kw.sum(axis=1))
        now = v_pu[:, node] + cut * drop
        aim = v_min_pu + (1 - AIM) * 0.1
        can = (v_pu[:, node] < v_min_pu) & (reference_pu[:, node] > aim)
        share = np.where(can, np.clip(_ratio(aim - now, reference_pu[:, node] - now), 0.0, 1.0), 0.0)
        keep[:, cells] *= 1 - share[:, None]
    return keep


def _spans_feeders(watched: Watch, cells: IntArray) -> bool:
    return len(np.unique(watched.feeder[cells])) > 1


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 1e-12)
