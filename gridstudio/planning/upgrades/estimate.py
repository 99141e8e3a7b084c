"""What a circuit does in thousands of states, from a few hundred power flows of each set of measures.

Within a zone the current of a conductor and the voltage of a node are smooth functions of the multipliers of its
classes of load and of the whole circuit's load: a polynomial of second degree is fitted to power flows that fill the
span of the futures. It serves to choose; ``simulation`` judges what was chosen by power flows alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridstudio.domain.changes import ChangeSet
from gridstudio.planning.phases import Phases
from gridstudio.planning.upgrades.contract import FloatArray, IntArray
from gridstudio.planning.upgrades.drivers import Drivers, states_of
from gridstudio.planning.upgrades.shedding import Watch, kept, watch
from gridstudio.planning.upgrades.zones import Zones

NEAR = 0.75  # of the limit at the highest load: watched
NODES = 4  # lowest nodes watched on each phase of a zone


@dataclass(frozen=True, eq=False)
class States:
    """Solved states of the design under several change sets: ``current_a`` (set, state, conductor), ``v_pu`` (set,
    state, node), ``limit_a`` (set, conductor), NaN where not rated."""

    multipliers: FloatArray
    current_a: FloatArray
    v_pu: FloatArray
    limit_a: FloatArray


def solve_states(
    phases: Phases, drivers: Drivers, multipliers: FloatArray, sets: Sequence[ChangeSet], name: str
) -> States:
    """Power flows of all ``multipliers`` (state, feeder, class) under all change sets."""
    scenarios = states_of([drivers.scenario(str(n), m[..., None]) for n, m in enumerate(multipliers)])
    cases = [(changes, scenario) for changes in sets for scenario in scenarios]
    done = phases.evaluate(name, cases)
    network, shape = drivers.zones.network, (len(sets), len(scenarios))
    branch = network.conductors["branch"].to_numpy()
    limits = np.stack(
        [limit_a(phases, drivers.zones, done[n * len(scenarios)].ampacity_a[0]) for n in range(len(sets))]
    )
    return States(
        multipliers,
        done.flow.current_a[done.row, 0].reshape(*shape, len(branch)),
        done.flow.v_pu[done.row, 0].reshape(*shape, -1),
        limits,
    )


def limit_a(phases: Phases, zones: Zones, ampacity_a: FloatArray) -> FloatArray:
    """The current (conductor,) that limits allow, from ratings (branch,)."""
    allowed = ampacity_a * zones.network.loading_limit_pu(phases.limits)
    return np.asarray(allowed[zones.network.conductors["branch"].to_numpy()])


@dataclass(frozen=True, eq=False)
class Estimate:
    """One zone under one change set: coefficients (feature, watched) of currents and (feature, node) of voltages."""

    zones: Zones
    zone: int
    watched: Watch
    limit_a: FloatArray
    amps_of: FloatArray
    v_of: FloatArray
    reference_of: FloatArray
    v_min_pu: float

    def amps(self, multipliers: FloatArray) -> FloatArray:
        """(state, watched) from multipliers (state, feeder, class)."""
        return np.maximum(features(self.zones, self.zone, multipliers) @ self.amps_of, 0.0)

    def v_pu(self, multipliers: FloatArray) -> FloatArray:
        return np.asarray(features(self.zones, self.zone, multipliers) @ self.v_of)

    def over_mw(self, multipliers: FloatArray) -> FloatArray:
        """What must be shed (state,) [MW], where nothing must the room that is left, negative."""
        terms = features(self.zones, self.zone, multipliers)
        amps, v_pu = np.maximum(terms @ self.amps_of, 0.0), terms @ self.v_of
        loading = (amps / self.limit_a).max(axis=1, initial=1e-6)
        mine = self.zones.of_zone(self.zone)
        load = np.abs(np.einsum("sfc,fc->sf", multipliers, self.zones.class_kw)[:, mine].sum(axis=1)) / 1000
        over = load * np.minimum(1 - 1 / np.maximum(loading, 0.2), -1e-9)
        low = (v_pu < self.v_min_pu).any(axis=1) if v_pu.shape[1] else np.zeros(len(v_pu), dtype=bool)
        short = np.flatnonzero((loading > 1) | low)
        if len(short):
            factor = self.watched.multiplier(multipliers[short])
            limits = np.broadcast_to(self.limit_a, amps[short].shape)
            reference = terms[short] @ self.reference_of
            keep, _ = kept(self.watched, amps[short], limits, v_pu[short], reference, self.v_min_pu, factor)
            over[short] = np.maximum(((1 - keep) * factor) @ self.watched.kw / 1000, 1e-9)
        return over


def features(zones: Zones, zone: int, multipliers: FloatArray) -> FloatArray:
    """Terms (state, feature) of the polynomial: the zone's classes to second degree, and the whole circuit's load."""
    mine, kw = zones.of_zone(zone), np.abs(zones.class_kw)
    total = np.maximum(kw[mine].sum(axis=0), 1e-12)
    classes = kw[mine].sum(axis=0) > 0
    x = (np.einsum("sfc,fc->sc", multipliers[:, mine], kw[mine]) / total)[:, classes]
    whole = np.einsum("sfc,fc->s", multipliers, zones.class_kw) / kw.sum()
    first, second = np.triu_indices(x.shape[1])
    terms = [np.ones((len(x), 1)), x, x[:, first] * x[:, second], whole[:, None], whole[:, None] ** 2]
    return np.concatenate(terms, axis=1)


def watched_of(zones: Zones, states: States, zone: int, v_min_pu: float) -> Watch:
    """The conductors and nodes of a zone that may bind: those near their limit at the highest load."""
    loading = np.nanmax(states.current_a[0] / states.limit_a[0], axis=0, initial=0.0)
    mine = (zones.conductor_zone == zone) & (zones.beneath_a.max(axis=1, initial=0.0) > 0)
    conductors = np.flatnonzero(mine & (loading >= NEAR))
    if len(conductors) == 0 and mine.any():
        conductors = np.flatnonzero(mine)[[int(np.argmax(loading[mine]))]]
    lowest = np.nanmin(states.v_pu[0], axis=0)
    nodes: list[int] = []
    phase = zones.network.nodes["phase"].to_numpy()
    fed = zones.network.nodes["fed"].to_numpy()
    for number in np.unique(phase) if not zones.shared[zone] else ():
        here = np.flatnonzero((zones.node_zone == zone) & (phase == number) & fed & (lowest < v_min_pu + 0.01))
        nodes += here[np.argsort(lowest[here], kind="stable")][:NODES].tolist()
    return watch(zones, conductors, np.array(sorted(nodes), dtype=np.int64))


def fit(zones: Zones, zone: int, watched: Watch, states: States, number: int, v_min_pu: float) -> Estimate:
    """The estimate of a zone under change set ``number`` of the solved states."""
    current, v_pu = states.current_a[number], states.v_pu[number]
    good = np.isfinite(v_pu).all(axis=1)
    terms = features(zones, zone, states.multipliers[good])
    wanted = np.concatenate(
        [current[good][:, watched.conductors], v_pu[good][:, watched.nodes], v_pu[good][:, watched.reference]], axis=1
    )
    found = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    count, nodes = len(watched.conductors), len(watched.nodes)
    limit = states.limit_a[number, watched.conductors]
    parts = found[:, :count], found[:, count : count + nodes], found[:, count + nodes :]
    return Estimate(zones, zone, watched, np.where(np.isfinite(limit), limit, np.inf), *parts, v_min_pu)


def hours_of_states(window: IntArray, hours: int, count: int) -> IntArray:
    """Which hour each of ``count`` states stands in: three of four within the ``window``."""
    inside = np.resize(window, count)
    every = np.resize(np.arange(hours), count)
    return np.where(np.arange(count) % 4 < 3, inside, every)
