"""How time grows with stages, states, zones and buses: one code path on networks grown from the study's own.

A grown network has the load, the fleet and the area of the study's case shared out over more buses: each bus belongs to
the nearest region, lines follow a tree of short distances and then the shortest further pairs. Its days are sketched
(``sketch``), its outlooks interpolated over the horizon. What is measured is training on the relaxation, nothing else.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.planning.transition.case import FACTORS, Branches, Buses, Case, Chain, FloatArray, Outlook, Units, Zones
from gridstudio.planning.transition.days.weather import distance_km
from gridstudio.planning.transition.factors import portfolio
from gridstudio.planning.transition.graph import Model, policy_graph
from gridstudio.planning.transition.settings import GrowthSettings, Size, TransitionSettings
from gridstudio.planning.transition.sketch import sketched_days
from gridstudio.solve.sddp.forward import Regularised
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.policy import Policy
from gridstudio.solve.sddp.schemes import Scheme
from gridstudio.solve.sddp.stopping import BoundStalling, Iteration, Iterations
from gridstudio.solve.sddp.training import train

_SPREAD_DEGREES = 0.9  # of a region's buses about its centre
_LEAST = 3  # iterations: the first starts cold and tells little


@dataclass(frozen=True)
class _Enough:
    """After the first iteration that ends past so many seconds, but not before there are a few to measure."""

    seconds: float

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None:
        late = log[-1].seconds >= self.seconds and len(log) >= _LEAST
        return f"{self.seconds:g} s are over" if late else None


def grown(case: Case, size: Size, seed: int) -> Case:
    """The case with its load and fleet shared out over ``size.buses`` buses, and a chain of ``size.stages``."""
    rng = np.random.default_rng([seed, size.buses, size.branches])
    region = np.arange(size.buses) % len(case.buses)
    buses = _buses(case.buses, region, rng)
    years = case.years_per_stage * case.stage_count / size.stages
    chain = interpolated_chain(case.chain, case.years_per_stage, size.stages, size.states, years)
    return Case(
        buses,
        _branches(case, buses, size.branches, rng),
        _units(case.units, region, rng),
        _zones(case, buses, size.zones, rng),
        case.parameters,
        chain,
        years,
    )


def _buses(given: Buses, region: np.ndarray, rng: np.random.Generator) -> Buses:
    count = len(region)
    share = rng.uniform(0.5, 1.5, count)
    share /= np.bincount(region, weights=share)[region]
    spread = 0.0 if count == len(given) else _SPREAD_DEGREES
    names = tuple(f"{given.name[r]} {k // len(given) + 1}" for k, r in enumerate(region))
    first = np.arange(count) < len(given)  # one pumped hydro site for each that the region has
    return Buses(
        names,
        given.latitude[region] + spread * rng.uniform(-1, 1, count),
        given.longitude[region] + spread * rng.uniform(-1, 1, count),
        given.max_load_mw[region] * share,
        given.average_load_mw[region] * share,
        given.max_new_mw[region] * share,
        given.land_km2[region] * share,
        given.battery[region],
        given.pumped_hydro[region] & first,
    )


def _branches(case: Case, buses: Buses, count: int, rng: np.random.Generator) -> Branches:
    """A tree of short distances, then the shortest further pairs; every seventh right of way may take a line."""
    far = distance_km(buses.latitude, buses.longitude, buses.latitude, buses.longitude)
    pairs = _tree(far)
    near = sorted((far[a, b], a, b) for a in range(len(buses)) for b in range(a) if (a, b) not in pairs)
    pairs += [(a, b) for _, a, b in near[: max(0, count - len(pairs))]]
    start, end = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    length = np.maximum(far[start, end], 1.0)
    given = case.branches
    per_km = np.median(given.reactance_pu / given.length_km)
    kinds = rng.integers(0, len(given), len(pairs))
    candidate = np.arange(len(pairs)) % 7 == 0
    return Branches(
        tuple(str(k + 1) for k in range(len(pairs))),
        start,
        end,
        length,
        per_km * length,
        np.maximum(given.rating_mw[kinds], np.median(given.rating_mw)),
        np.ones(len(pairs), dtype=bool),
        candidate,
        np.median(given.line_usd / given.length_km) * length,
    )


def _tree(far: FloatArray) -> list[tuple[int, int]]:
    """Prim's tree of least distance, as (later bus, earlier bus)."""
    inside, pairs = [0], []
    outside = list(range(1, len(far)))
    while outside:
        block = far[np.ix_(outside, inside)]
        row, column = np.unravel_index(int(block.argmin()), block.shape)
        bus = outside.pop(int(row))
        pairs.append((max(bus, inside[int(column)]), min(bus, inside[int(column)])))
        inside.append(bus)
    return pairs


def _units(given: Units, region: np.ndarray, rng: np.random.Generator) -> Units:
    """Each unit at a bus of its region."""
    bus = np.array([rng.choice(np.flatnonzero(region == r)) for r in given.bus], dtype=np.int64)
    return replace(given, bus=bus)


def _zones(case: Case, buses: Buses, count: int, rng: np.random.Generator) -> Zones:
    latitude = rng.uniform(case.buses.latitude.min(), case.buses.latitude.max(), count)
    longitude = rng.uniform(case.buses.longitude.min(), case.buses.longitude.max(), count)
    nearest = distance_km(latitude, longitude, buses.latitude, buses.longitude).argmin(axis=1)
    area = np.full(count, 60_000.0 / count)  # a tenth of Alberta
    return Zones(tuple(f"zone {k + 1}" for k in range(count)), nearest, latitude, longitude, area)


def interpolated_chain(given: Chain, years: float, stages: int, states: int, step: float) -> Chain:
    """``stages`` every ``step`` years with ``states`` between the first and the last of the given chain's.

    Multipliers and targets are interpolated between the given stages (every ``years``), and held after the last.
    """
    made: list[tuple[Outlook, ...]] = [given.stages[0]]
    for stage in range(1, stages):
        at = min(stage * step / years, len(given.stages) - 1)
        column = [_between(given.stages[int(at)], given.stages[min(int(at) + 1, len(given.stages) - 1)], at % 1, s)
                  for s in np.linspace(0, 1, states)]  # fmt: skip
        made.append(tuple(replace(outlook, name=f"state {k + 1}") for k, outlook in enumerate(column)))
    matrices = [np.ones(1)] + [np.full((len(a), len(b)), 1 / len(b)) for a, b in itertools.pairwise(made)]
    return Chain(tuple(made), tuple(matrices))


def _between(before: tuple[Outlook, ...], after: tuple[Outlook, ...], share: float, along: float) -> Outlook:
    """The outlook ``share`` of the way from one stage to the next, at ``along`` (0 to 1) of their states."""
    four = []
    for row, weight in ((before, 1 - share), (after, share)):
        place = along * (len(row) - 1)
        low, part = int(place), place - int(place)
        four += [(row[low], weight * (1 - part)), (row[min(low + 1, len(row) - 1)], weight * part)]
    used = [(outlook, weight) for outlook, weight in four if weight > 0]
    numbers: dict[str, Any] = {
        f.name: float(sum(getattr(outlook, f.name) * weight for outlook, weight in used))
        for f in fields(Outlook)
        if f.name not in ("name", "price")
    }
    price = {name: float(sum(o.price.get(name, 1.0) * weight for o, weight in used)) for name in FACTORS}
    return replace(Outlook("between"), price=price, **numbers)


def growth_table(
    settings: TransitionSettings, case: Case, scheme: Scheme, told: Callable[[str, int, int], None] | None = None
) -> pd.DataFrame:
    """A row for each size of the study; ``full_hours``: what the full size would take here, by what was measured.

    Seconds of a warm iteration x full_iterations x full_days / days, on the workers that were measured (see ``_full``).
    """
    given, rows = settings.growth, []
    for number, size in enumerate(given.sizes):
        if told:
            told("growth", number, len(given.sizes))
        rows.append(_measured(settings, given, case, size, scheme))
    return pd.DataFrame(rows)


def _measured(
    settings: TransitionSettings, given: GrowthSettings, case: Case, size: Size, scheme: Scheme
) -> dict[str, Any]:
    larger = grown(case, size, settings.days.seed)
    days = sketched_days(larger, size.days, settings.days.seed)
    items = portfolio(larger, settings.cases[size.case or given.case])
    graph = policy_graph(Model(larger, items, days, settings.days.co2_target, frozenset(settings.model.without)))
    begun = time.perf_counter()
    policy = train(
        graph,
        stopping=(
            BoundStalling(settings.training.stall_iterations, settings.training.stall_tolerance),
            Iterations(given.iterations),
            _Enough(given.seconds),
        ),
        forward=Regularised(settings.training.smoothing),
        scheme=scheme,
        seed=settings.training.seed,
    )
    seconds = time.perf_counter() - begun
    of_size = {"case": size.case or given.case, "buses": len(larger.buses), "branches": len(larger.branches)}
    of_size |= {"zones": len(larger.zones), "states": size.states, "stages": size.stages, "days": size.days}
    return (
        of_size
        | _work(graph, size)
        | _times(policy, seconds, scheme.places)
        | _full(given, size, policy, scheme.places)
    )


def _work(graph: PolicyGraph, size: Size) -> dict[str, Any]:
    """How much there is to solve."""
    rows, columns = graph.nodes[-1].parts[0].problem.matrix.shape
    return {
        "nodes": len(graph.nodes),
        "subproblems": sum(1 + len(node.parts) for node in graph.nodes),
        "scenarios": float((size.states * size.days) ** (size.stages - 1)),
        "day_columns": columns,
        "day_rows": rows,
    }


def _times(policy: Policy, seconds: float, workers: int) -> dict[str, Any]:
    """What was measured."""
    solves = policy.log[-1].solves
    return {
        "iterations": len(policy.log),
        "seconds": seconds,
        "seconds_per_iteration": _later_iteration(policy.log),
        "solves": solves,
        "lps_per_second": solves / seconds,
        "workers": workers,
        "bound_busd": policy.bound / 1e3,
        "reason": policy.reason,
    }


def _full(given: GrowthSettings, size: Size, policy: Policy, workers: int) -> dict[str, Any]:
    """What the full size would take.

    An iteration has ``full_days / days`` times as many day problems of the same size (studies whose days share a CO2
    target are refused), so hours here are seconds_per_iteration x full_iterations x full_days / days / 3600. A stage
    can keep as many workers busy as it has day problems (states x full_days); on that many, were nothing lost between
    them, hours x workers / full_workers. Neither counts whole pieces, the master problem, the judging of plans, and
    slower solves as cuts gather.
    """
    hours = _later_iteration(policy.log) * given.full_iterations * given.full_days / size.days / 3600
    most = size.states * given.full_days
    return {
        "full_days": given.full_days,
        "full_iterations": given.full_iterations,
        "full_hours": hours,
        "full_workers": most,
        "full_hours_at_least": hours * min(1.0, workers / most),
    }


def _later_iteration(log: Sequence[Iteration]) -> float:
    """Seconds of an iteration once the subproblems are warm: the mean of all but the first, of which there is one."""
    return float(log[0].seconds if len(log) == 1 else (log[-1].seconds - log[0].seconds) / (len(log) - 1))
