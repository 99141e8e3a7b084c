"""What power flows show of trajectories: the highest loadings, the extremes of voltage, what breaks a limit."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gridstudio.domain.limits import Limits
from gridstudio.evaluation import Evaluations
from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, IntArray
from gridstudio.planning.upgrades.curtailment import backwards
from gridstudio.planning.upgrades.zones import SOLAR, Zones

EPS = 1e-6


@dataclass(frozen=True, eq=False)
class Seen:
    """What power flows show of trajectories (case,) over the steps of the window, before anything is cut.

    ``cut_mw`` and ``curtailed_mw`` (case, step, zone): load and solar that had to go for each zone. ``loading_pu``
    (case, step, zone) and ``v_min_pu``, ``v_max_pu``: the extremes of each zone, over the limits and in pu.
    ``over_mwh`` (case, branch): energy above the limit; ``worst`` (case, branch): the highest loading over the limit.
    ``out`` (case, zone): buses out of band in any step, ``out_steps`` (case, step, zone). ``clean`` (case,): the last
    power flow showed no violation.
    """

    cut_mw: FloatArray
    curtailed_mw: FloatArray
    loading_pu: FloatArray
    v_min_pu: FloatArray
    v_max_pu: FloatArray
    over_mwh: FloatArray
    worst: FloatArray
    out: IntArray
    out_steps: BoolArray
    clean: BoolArray


def look(zones: Zones, bounds: Limits, done: Evaluations, limits: FloatArray, weight_h: FloatArray) -> dict[str, Any]:
    """The fields of ``Seen`` that come from the circuit before any cut."""
    network = zones.network
    v_pu, current = done.flow.v_pu[done.row], done.flow.current_a[done.row]
    over = current / limits
    by_branch = np.fmax.reduceat(over, network.first_conductor, axis=-1)
    kv = network.buses.set_index("bus")["base_kv"].reindex(network.branches["bus1"]).to_numpy()
    above_a = np.nan_to_num(np.maximum(current - limits, 0.0))
    above_mw = np.add.reduceat(above_a, network.first_conductor, axis=-1) * kv / 1000
    shape = (*v_pu.shape[:2], len(zones))
    loading, low, high = np.zeros(shape), np.ones(shape), np.ones(shape)
    out, out_steps = np.zeros((shape[0], shape[2]), dtype=np.int64), np.zeros(shape, dtype=bool)
    fed, bus = network.nodes["fed"].to_numpy(), network.nodes["bus"].to_numpy()
    for zone in range(len(zones)):
        branches = np.flatnonzero(zones.branch_zone == zone)
        loading[..., zone] = np.nan_to_num(np.fmax.reduce(by_branch[..., branches], axis=-1))
        nodes = np.flatnonzero((zones.node_zone == zone) & fed)
        nodes = nodes[network.nodes["base_kv"].to_numpy()[nodes] < np.inf]
        low[..., zone], high[..., zone] = v_pu[..., nodes].min(axis=-1), v_pu[..., nodes].max(axis=-1)
        wrong = (v_pu[..., nodes] < bounds.v_min_pu) | (v_pu[..., nodes] > bounds.v_max_pu)
        out_steps[..., zone] = wrong.any(axis=-1)
        names = bus[nodes]
        _, which = np.unique(names, return_inverse=True)
        per_bus = np.zeros((shape[0], which.max(initial=-1) + 1), dtype=bool)
        np.logical_or.at(per_bus.T, which, wrong.any(axis=1).T)
        out[:, zone] = per_bus.sum(axis=1)
    return {
        "loading_pu": loading,
        "v_min_pu": low,
        "v_max_pu": high,
        "over_mwh": np.einsum("csb,s->cb", above_mw, weight_h),
        "worst": np.nan_to_num(np.fmax.reduce(by_branch, axis=1)),
        "out": out,
        "out_steps": out_steps,
    }


def nothing_seen(zones: Zones, steps: int) -> Seen:
    """Of no trajectory."""
    none, branches = np.zeros((0, steps, len(zones))), np.zeros((0, len(zones.network.branches)))
    out = np.zeros((0, len(zones)), dtype=np.int64)
    return Seen(none, none, none, none, none, branches, branches, out, none.astype(bool), np.zeros(0, dtype=bool))


@dataclass(frozen=True, eq=False)
class Violations:
    """Of trajectories: ``over`` their limit (case, step, conductor), ``back``: those of them whose power flows towards
    the source; nodes too ``low``, and too ``high`` in a feeder whose sun shines (case, step, node)."""

    current: FloatArray
    v_pu: FloatArray
    over: BoolArray
    back: BoolArray
    low: BoolArray
    high: BoolArray

    @property
    def cases(self) -> BoolArray:
        """Those in which shedding or curtailing could still cure something."""
        return np.asarray(np.logical_or.reduce([part.any(axis=(1, 2)) for part in (self.over, self.low, self.high)]))

    def only(self, cases: BoolArray) -> "Violations":
        """Some of the trajectories."""
        return Violations(*(getattr(self, field)[cases] for field in self.__dataclass_fields__))


def violations(
    zones: Zones, bounds: Limits, factor: FloatArray, current: FloatArray, v_pu: FloatArray, limits: FloatArray
) -> Violations:
    """What breaks a limit; ``factor`` (case, load, step) multipliers, ``limits`` (conductor,) [A]."""
    with np.errstate(invalid="ignore"):
        over = (current > limits * (1 + EPS)) & (zones.conductor_zone >= 0)
        in_feeder = (zones.node_zone >= 0) & (zones.node_zone < zones.feeders) & zones.network.nodes["fed"].to_numpy()
        low = (v_pu < bounds.v_min_pu - EPS) & in_feeder
        high = (v_pu > bounds.v_max_pu + EPS) & in_feeder
    for zone in np.unique(zones.node_zone[high.any(axis=(0, 1))]):
        sun = (zones.load_class == SOLAR) & (zones.load_zone == zone)
        shines = factor[:, sun].sum(axis=1) > EPS  # (case, step)
        high[..., zones.node_zone == zone] &= shines[..., None]
    back, columns = np.zeros_like(over), np.flatnonzero(over.any(axis=(0, 1)))
    back[..., columns] = over[..., columns] & backwards(zones, np.moveaxis(factor, 1, 2), columns)
    return Violations(current, v_pu, over, back, low, high)


def factors(zones: Zones, multipliers: FloatArray, scale: FloatArray) -> FloatArray:
    """The multiplier of every load (case, load, step): its class's (case, feeder, class, step) times ``scale``."""
    inside = zones.load_zone >= 0
    factor = scale.copy()
    factor[:, inside] *= multipliers[:, zones.load_zone[inside], zones.load_class[inside]]
    return factor
