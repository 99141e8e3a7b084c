"""The judge: measures applied to the circuit, every scenario and year solved, load cut until the power flow is clean.

A trajectory is one scenario in one year: the hours of its year in which anything may bind, from the circuit's
baseline, taps carried on. Where an element is above its limit or a bus too low, load is cut (``shedding``) and the
trajectory solved again, until a power flow shows no violation; where solar raises a bus too high or overloads an
element backwards, solar is turned down (``curtailment``).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gridstudio.domain.changes import ChangeSet
from gridstudio.domain.limits import Limits
from gridstudio.evaluation import Evaluations
from gridstudio.planning.phases import Phases
from gridstudio.planning.upgrades.contract import FloatArray, IntArray
from gridstudio.planning.upgrades.curtailment import curtailed_mw, turned_down
from gridstudio.planning.upgrades.drivers import Drivers
from gridstudio.planning.upgrades.estimate import limit_a
from gridstudio.planning.upgrades.seen import Seen, Violations, factors, look, nothing_seen, violations
from gridstudio.planning.upgrades.shedding import AIM, kept, watch
from gridstudio.planning.upgrades.zones import SOLAR, Zones

MOST_ROUNDS = 8
BATCH_MB = 120.0  # raw results held at once


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
        parts = [nothing_seen(zones, steps)]
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
        inside = (zones.load_zone >= 0) & (zones.load_class != SOLAR)
        scale[:, inside] = boost[:, zones.load_zone[inside]]
    done = _solve(phases, drivers, changes, multipliers, None if boost is None else scale, name)
    limits = limit_a(phases, zones, done[0].ampacity_a[0])
    first = look(zones, phases.limits, done, limits, weight_h)
    cut, curtailed = np.zeros((2, cases, steps, len(zones)))
    open_cases, clean = np.arange(cases), np.zeros(cases, dtype=bool)
    v_pu, current = done.flow.v_pu[done.row], done.flow.current_a[done.row]
    for _ in range(MOST_ROUNDS):
        factor = factors(zones, multipliers[open_cases], scale[open_cases])
        found = violations(zones, phases.limits, factor, current, v_pu, limits)
        broken = found.cases
        clean[open_cases] = ~broken & np.isfinite(v_pu).all(axis=(1, 2))
        found, open_cases = found.only(broken), open_cases[broken]
        if len(open_cases) == 0:
            break
        curtailed[open_cases] += _curtail(zones, phases.limits, found, factor[broken], limits, scale, open_cases)
        cut[open_cases] += _cut(zones, phases.limits, multipliers[open_cases], found, limits, scale, open_cases)
        again = _solve(phases, drivers, changes, multipliers[open_cases], scale[open_cases], name)
        v_pu, current = again.flow.v_pu[again.row], again.flow.current_a[again.row]
    return Seen(cut_mw=cut, curtailed_mw=curtailed, clean=clean, **first)


def _solve(
    phases: Phases, drivers: Drivers, changes: ChangeSet, multipliers: FloatArray, scale: FloatArray | None, name: str
) -> Evaluations:
    cases = [
        (changes, drivers.scenario(str(n), m, None if scale is None else scale[n])) for n, m in enumerate(multipliers)
    ]
    return phases.evaluate(name, cases)


def _cut(
    zones: Zones,
    bounds: Limits,
    multipliers: FloatArray,
    found: Violations,
    limits: FloatArray,
    scale: FloatArray,
    rows: IntArray,
) -> FloatArray:
    """Cut load once: ``scale`` (case, load, step) of the cases ``rows`` falls; the cut (case, step, zone) [MW]."""
    over, low = found.over, found.low
    cut = np.zeros((*over.shape[:2], len(zones)))
    case, step = np.nonzero(over.any(axis=2) | low.any(axis=2))
    if len(case) == 0:
        return cut
    watched = watch(zones, np.flatnonzero(over.any(axis=(0, 1))), np.flatnonzero(low.any(axis=(0, 1))))
    now = multipliers[case, :, :, step]
    has_cell = watched.cell >= 0
    load_kw = np.where(has_cell, zones.load_kw, 0.0)
    before = scale[rows[case], :, step]
    whole = _by_cell(before * load_kw, watched.cell, len(watched.kw))
    factor = watched.multiplier(now) * np.divide(whole, watched.kw, out=np.zeros_like(whole), where=watched.kw > 0)
    current = np.where(found.back, 0.0, found.current)[case, step]  # what flows backwards is not cured by less load
    amps = np.nan_to_num(current[:, watched.conductors])
    allowed = np.broadcast_to(limits[watched.conductors], amps.shape)
    v_now, reference = found.v_pu[case, step][:, watched.nodes], found.v_pu[case, step][:, watched.reference]
    keep, own = kept(watched, amps, allowed, v_now, reference, bounds.v_min_pu, factor)
    after = before.copy()
    after[:, has_cell] *= keep[:, watched.cell[has_cell]]
    scale[rows[case], :, step] = after
    mw = factor * watched.kw / 1000
    for zone in range(len(zones)):
        cells = zones.of_zone(zone)[watched.feeder]
        part = (own - keep) if zones.shared[zone] else (1 - own)
        cut[case, step, zone] = (part * mw)[:, cells].sum(axis=1)
    return cut


def _curtail(
    zones: Zones,
    bounds: Limits,
    found: Violations,
    factor: FloatArray,
    limits: FloatArray,
    scale: FloatArray,
    rows: IntArray,
) -> FloatArray:
    """Turn solar down once: ``scale`` (case, load, step) of the cases ``rows`` falls; it (case, step, zone) [MW]."""
    curtailed = np.zeros((*found.back.shape[:2], len(zones)))
    case, step = np.nonzero(found.back.any(axis=2) | found.high.any(axis=2))
    if len(case) == 0:
        return curtailed
    nodes, conductors = np.flatnonzero(found.high.any(axis=(0, 1))), np.flatnonzero(found.back.any(axis=(0, 1)))
    now, over = factor[case, :, step], found.current - AIM * limits
    excess = np.where(found.back, over, 0.0)[case, step][:, conductors]
    v_pu = np.where(found.high, found.v_pu, np.minimum(found.v_pu, bounds.v_max_pu))[case, step]
    whole, own = turned_down(zones, now, conductors, excess, nodes, v_pu, bounds.v_max_pu)
    sun = np.flatnonzero((zones.load_class == SOLAR) & (zones.load_zone >= 0))
    scale[rows[case][:, None], sun, step[:, None]] *= 1 - whole[:, zones.load_zone[sun]]
    curtailed[case, step] = curtailed_mw(zones, now, whole, own)
    return curtailed


def _by_cell(values: FloatArray, cell: IntArray, count: int) -> FloatArray:
    """Sums (state, cell) of values (state, load)."""
    member = np.zeros((len(cell), count))
    inside = np.flatnonzero(cell >= 0)
    member[inside, cell[inside]] = 1.0
    return np.asarray(values @ member)


def together(sets: Sequence[ChangeSet], label: str) -> ChangeSet:
    """One change set of several."""
    return ChangeSet(tuple(change for one in sets for change in one.changes), label)
