"""The judge: measures applied to the circuit, every scenario and year solved, load cut until the power flow is clean.

A trajectory is one scenario in one year: the hours of its year in which anything may bind, from the circuit's
baseline, taps carried on. Where an element is above its limit or a bus too low, load is cut (``shedding``) and the
trajectory solved again, until a power flow shows no violation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridstudio.domain.changes import ChangeSet
from gridstudio.evaluation import Evaluations
from gridstudio.planning.phases import Phases
from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, IntArray
from gridstudio.planning.upgrades.drivers import Drivers
from gridstudio.planning.upgrades.estimate import limit_a
from gridstudio.planning.upgrades.shedding import kept, watch
from gridstudio.planning.upgrades.zones import Zones

MOST_ROUNDS = 8
BATCH_MB = 120.0  # raw results held at once
EPS = 1e-6


@dataclass(frozen=True, eq=False)
class Seen:
    """What power flows show of trajectories (case,) over the steps of the window, before anything is cut.

    ``cut_mw`` (case, step, zone): load that had to go for the sake of each zone. ``loading_pu`` (case, step, zone) and
    ``v_min_pu``, ``v_max_pu``: the extremes of each zone, over the limits and in pu. ``over_mw`` (case, branch): energy
    above the limit [MW summed over steps by weight]; ``worst`` (case, branch): the highest loading over the limit.
    ``out`` (case, zone): buses out of band in any step, ``out_steps`` (case, step, zone). ``clean`` (case,): the last
    power flow showed no violation.
    """

    cut_mw: FloatArray
    loading_pu: FloatArray
    v_min_pu: FloatArray
    v_max_pu: FloatArray
    over_mwh: FloatArray
    worst: FloatArray
    out: IntArray
    out_steps: BoolArray
    clean: BoolArray


def simulate(
    phases: Phases,
    drivers: Drivers,
    changes: ChangeSet,
    multipliers: FloatArray,
    weight_h: FloatArray,
    name: str,
    boost: FloatArray | None = None,
) -> Seen:
    """Solve trajectories ``multipliers`` (case, feeder, class, step); ``boost`` (case, feeder, step) raises loads."""
    zones, steps = drivers.zones, multipliers.shape[-1]
    numbers = len(zones.network.nodes) + len(zones.network.conductors)
    size = max(1, int(BATCH_MB * 1e6 / (8 * numbers * steps)))
    parts = []
    for start in range(0, len(multipliers), size):
        chosen = slice(start, start + size)
        raised = None if boost is None else boost[chosen]
        parts.append(_batch(phases, drivers, changes, multipliers[chosen], weight_h, name, raised))
    if not parts:
        parts = [_empty(zones, steps)]
    if len(parts) == 1:
        return parts[0]
    fields: dict[str, Any] = {
        field: np.concatenate([getattr(part, field) for part in parts]) for field in Seen.__dataclass_fields__
    }
    return Seen(**fields)


def _batch(
    phases: Phases,
    drivers: Drivers,
    changes: ChangeSet,
    multipliers: FloatArray,
    weight_h: FloatArray,
    name: str,
    boost: FloatArray | None,
) -> Seen:
    zones, cases, steps = drivers.zones, len(multipliers), multipliers.shape[-1]
    scale = np.ones((cases, len(zones.load_kw), steps))
    if boost is not None:
        inside = zones.load_zone >= 0
        scale[:, inside] = boost[:, zones.load_zone[inside]]
    done = _solve(phases, drivers, changes, multipliers, None if boost is None else scale, name)
    limits = limit_a(phases, zones, done[0].ampacity_a[0])
    first = _look(phases, zones, done, limits, weight_h)
    cut = np.zeros((cases, steps, len(zones)))
    open_cases, clean = np.arange(cases), np.zeros(cases, dtype=bool)
    v_pu, current = done.flow.v_pu[done.row], done.flow.current_a[done.row]
    for _ in range(MOST_ROUNDS):
        broken = _broken(phases, zones, current, v_pu, limits)
        clean[open_cases] = ~broken & np.isfinite(v_pu).all(axis=(1, 2))
        open_cases, current, v_pu = open_cases[broken], current[broken], v_pu[broken]
        if len(open_cases) == 0:
            break
        cut[open_cases] += _cut(phases, zones, multipliers[open_cases], current, v_pu, limits, scale, open_cases)
        again = _solve(phases, drivers, changes, multipliers[open_cases], scale[open_cases], name)
        v_pu, current = again.flow.v_pu[again.row], again.flow.current_a[again.row]
    return Seen(cut_mw=cut, clean=clean, **first)


def _solve(
    phases: Phases, drivers: Drivers, changes: ChangeSet, multipliers: FloatArray, scale: FloatArray | None, name: str
) -> Evaluations:
    cases = [
        (changes, drivers.scenario(str(n), m, None if scale is None else scale[n])) for n, m in enumerate(multipliers)
    ]
    return phases.evaluate(name, cases)


def _broken(phases: Phases, zones: Zones, current: FloatArray, v_pu: FloatArray, limits: FloatArray) -> BoolArray:
    """Cases in which shedding could still cure something."""
    conductors, nodes = _violations(phases, zones, current, v_pu, limits)
    return np.asarray(conductors.any(axis=(1, 2)) | nodes.any(axis=(1, 2)))


def _violations(
    phases: Phases, zones: Zones, current: FloatArray, v_pu: FloatArray, limits: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Conductors (case, step, conductor) above their limit, and nodes (case, step, node) that are too low."""
    with np.errstate(invalid="ignore"):
        over = (current > limits * (1 + EPS)) & (zones.conductor_zone >= 0)
        in_feeder = (zones.node_zone >= 0) & (zones.node_zone < zones.feeders) & zones.network.nodes["fed"].to_numpy()
        low = (v_pu < phases.limits.v_min_pu - EPS) & in_feeder
    return over, low


def _cut(
    phases: Phases,
    zones: Zones,
    multipliers: FloatArray,
    current: FloatArray,
    v_pu: FloatArray,
    limits: FloatArray,
    scale: FloatArray,
    rows: IntArray,
) -> FloatArray:
    """Cut load once: ``scale`` (case, load, step) of the cases ``rows`` falls; the cut (case, step, zone) [MW]."""
    over, low = _violations(phases, zones, current, v_pu, limits)
    watched = watch(zones, np.flatnonzero(over.any(axis=(0, 1))), np.flatnonzero(low.any(axis=(0, 1))))
    case, step = np.nonzero(over.any(axis=2) | low.any(axis=2))
    now = multipliers[case, :, :, step]
    has_cell = watched.cell >= 0
    load_kw = np.where(has_cell, zones.load_kw, 0.0)
    before = scale[rows[case], :, step]
    whole = _by_cell(before * load_kw, watched.cell, len(watched.kw))
    factor = watched.multiplier(now) * np.divide(whole, watched.kw, out=np.zeros_like(whole), where=watched.kw > 0)
    amps = np.nan_to_num(current[case, step][:, watched.conductors])
    allowed = np.broadcast_to(limits[watched.conductors], amps.shape)
    v_now, reference = v_pu[case, step][:, watched.nodes], v_pu[case, step][:, watched.reference]
    keep, own = kept(watched, amps, allowed, v_now, reference, phases.limits.v_min_pu, factor)
    after = before.copy()
    after[:, has_cell] *= keep[:, watched.cell[has_cell]]
    scale[rows[case], :, step] = after
    mw = factor * watched.kw / 1000
    cut = np.zeros((*current.shape[:2], len(zones)))
    for zone in range(len(zones)):
        cells = zones.of_zone(zone)[watched.feeder]
        part = (own - keep) if zones.shared[zone] else (1 - own)
        cut[case, step, zone] = (part * mw)[:, cells].sum(axis=1)
    return cut


def _by_cell(values: FloatArray, cell: IntArray, count: int) -> FloatArray:
    """Sums (state, cell) of values (state, load)."""
    member = np.zeros((len(cell), count))
    inside = np.flatnonzero(cell >= 0)
    member[inside, cell[inside]] = 1.0
    return np.asarray(values @ member)


def _look(phases: Phases, zones: Zones, done: Evaluations, limits: FloatArray, weight_h: FloatArray) -> dict[str, Any]:
    """The fields of ``Seen`` that come from the circuit before any cut."""
    network, bounds = zones.network, phases.limits
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


def _empty(zones: Zones, steps: int) -> Seen:
    none, branches = np.zeros((0, steps, len(zones))), np.zeros((0, len(zones.network.branches)))
    out = np.zeros((0, len(zones)), dtype=np.int64)
    return Seen(none, none, none, none, branches, branches, out, none.astype(bool), np.zeros(0, dtype=bool))


def together(sets: Sequence[ChangeSet], label: str) -> ChangeSet:
    """One change set of several."""
    return ChangeSet(tuple(change for one in sets for change in one.changes), label)
