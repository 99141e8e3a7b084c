"""The year in chunks: what is solved together, and what is kept of each chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.limits import Limits, check
from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import PowerFlow
from gridstudio.planning.exceedance.levels import Levels, count_levels
from gridstudio.planning.exceedance.settings import Chunks
from gridstudio.planning.exceedance.year import Year

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
BYTES = 8


@dataclass(frozen=True)
class Chunk:
    """Hours ``first`` to ``last`` (not included), solved after ``warm_up`` hours that are not counted."""

    first: int
    last: int
    warm_up: int

    @property
    def steps(self) -> int:
        return self.warm_up + self.last - self.first


@dataclass(frozen=True, eq=False)
class Part:
    """What is kept of one chunk. Extremes of nothing are -inf or inf, at hour -1."""

    hours: dict[str, NDArray]  # columns of the table of hours, less hour and time
    hours_over: Ints  # (branch,)
    over_mwh: Floats  # (branch,)
    current_a: Floats  # (branch,) highest
    loading_sum_pu: Floats  # (branch,)
    worst_hour: Ints  # (branch,)
    hours_low: Ints  # (bus,), and so on
    hours_high: Ints
    hours_dead: Ints
    v_min_pu: Floats
    v_min_hour: Ints
    v_max_pu: Floats
    v_max_hour: Ints
    moves: Floats  # (hour, device) steps moved since the hour before
    position: Floats  # (hour, device)


@dataclass(frozen=True, eq=False)
class Gauge:
    """The circuit's arrays that every chunk is measured with."""

    limits: Limits
    fed: NDArray[np.bool_]  # (node,)
    by_bus: Ints  # (node,) order that puts the nodes of a bus together
    first_of_bus: Ints  # (bus,)
    ampacity_a: Floats  # (branch,)
    limit_pu: Floats  # (branch,)
    conductor_kv: Floats  # (conductor,) nominal, to neutral
    conductor_limit_a: Floats  # (conductor,) inf without rating
    is_tap: NDArray[np.bool_]  # (device,)

    def branch_sum(self, network: Network, per_conductor: Floats) -> Floats:
        summed: Floats = np.add.reduceat(per_conductor, network.first_conductor, axis=-1)
        return summed


def gauge(network: Network, limits: Limits, devices: Sequence[str]) -> Gauge:
    nodes, branch = network.nodes, network.conductors["branch"].to_numpy()
    code = nodes["bus"].map({bus: row for row, bus in enumerate(network.buses["bus"])}).to_numpy()
    order = np.argsort(code, kind="stable")
    ampacity, limit = network.branches["ampacity_a"].to_numpy(), network.loading_limit_pu(limits)
    kv = dict(zip(network.buses["bus"], network.buses["base_kv"], strict=True))
    limit_a = np.where(np.isnan(ampacity), np.inf, np.nan_to_num(ampacity) * limit)
    return Gauge(
        limits,
        nodes["fed"].to_numpy(),
        order,
        np.flatnonzero(np.diff(code[order], prepend=-1)),
        ampacity,
        limit,
        network.branches["bus1"].map(kv).to_numpy(dtype=float)[branch],
        limit_a[branch],
        np.array([not device.startswith("capacitor.") for device in devices], dtype=bool),
    )


def cut(hours: int, given: Chunks) -> list[Chunk]:
    """The profile in chunks; the first warms up on its own first hour, the others on the hours before them."""
    firsts = range(0, hours, given.hours)
    return [Chunk(first, min(first + given.hours, hours), given.warm_up_hours) for first in firsts]


def batches(chunks: Sequence[Chunk], numbers: int, memory_mb: float) -> Iterator[list[Chunk]]:
    """Chunks of equal length in a row, as many as the memory holds; ``numbers``: voltages and currents of an hour."""
    batch: list[Chunk] = []
    for chunk in chunks:
        too_many = (len(batch) + 1) * chunk.steps * numbers * BYTES > memory_mb * 1e6
        if batch and (too_many or chunk.steps != batch[0].steps):
            yield batch
            batch = []
        batch.append(chunk)
    if batch:
        yield batch


def scenario(chunk: Chunk, year: Year) -> Scenario:
    """A chunk as one trajectory; before the profile's first hour stands that hour again and again."""
    hours = np.maximum(np.arange(chunk.first - chunk.warm_up, chunk.last), 0)
    return Scenario(
        name=f"hours {chunk.first} to {chunk.last - 1}",
        load_scale=(1.0,) * len(hours),
        load_groups=tuple(
            LoadGroup(loads, tuple(scale.tolist()))
            for loads, scale in zip(year.groups, year.scale[:, hours], strict=True)
        ),
        generation_scale=tuple(year.generation[hours].tolist()),
        read_positions=True,
    )


def measure(chunk: Chunk, flow: PowerFlow, network: Network, with_: Gauge) -> tuple[Part, Levels]:
    """Hours, energy and extremes of a chunk, and its hours by level; ``flow`` (step, ...) with its warm-up."""
    counted = flow[chunk.warm_up :]
    amps = network.branch_current(counted.current_a)
    loading = amps / with_.ampacity_a
    broken = check(counted.v_pu, loading, with_.fed, with_.limit_pu, with_.limits)
    over_a = np.maximum(np.nan_to_num(counted.current_a) - with_.conductor_limit_a, 0.0)
    low, high, dead = (_any(with_, mask) for mask in (broken.low, broken.high, broken.dead))
    alive = with_.fed & (counted.v_pu >= with_.limits.dead_pu)
    lowest = np.minimum.reduceat(np.where(alive, counted.v_pu, np.inf)[:, with_.by_bus], with_.first_of_bus, axis=1)
    highest = np.maximum.reduceat(np.where(alive, counted.v_pu, -np.inf)[:, with_.by_bus], with_.first_of_bus, axis=1)
    high_amps = np.where(np.isnan(amps), -np.inf, amps)
    moves = _moves(flow.position, chunk.warm_up)
    rated = np.where(np.isnan(loading), -np.inf, loading)
    part = Part(
        hours={
            "source_kw": counted.source_kw,
            "source_kvar": counted.source_kvar,
            "served_kw": counted.served_kw,
            "losses_kw": counted.losses_kw,
            "v_min_pu": _finite(lowest.min(axis=1)),
            "v_max_pu": _finite(highest.max(axis=1)),
            "loading_max_pu": _finite(rated.max(axis=1, initial=-np.inf)),
            "branches_over": broken.overloaded.sum(axis=1),
            "buses_low": low.sum(axis=1),
            "buses_high": high.sum(axis=1),
            "buses_dead": dead.sum(axis=1),
            "tap_operations": moves[:, with_.is_tap].sum(axis=1).astype(int),
            "capacitor_operations": moves[:, ~with_.is_tap].sum(axis=1).astype(int),
            "converged": counted.converged,
        },
        hours_over=broken.overloaded.sum(axis=0),
        over_mwh=with_.branch_sum(network, over_a.sum(axis=0) * with_.conductor_kv) / 1000.0,
        current_a=high_amps.max(axis=0),
        loading_sum_pu=np.nan_to_num(loading).sum(axis=0),
        worst_hour=chunk.first + high_amps.argmax(axis=0),
        hours_low=low.sum(axis=0),
        hours_high=high.sum(axis=0),
        hours_dead=dead.sum(axis=0),
        v_min_pu=lowest.min(axis=0),
        v_min_hour=chunk.first + lowest.argmin(axis=0),
        v_max_pu=highest.max(axis=0),
        v_max_hour=chunk.first + highest.argmax(axis=0),
        moves=moves,
        position=flow.position[chunk.warm_up :],
    )
    return part, count_levels(loading, lowest, highest)


def highest(parts: Sequence[Part], value: str, hour: str, sign: float = 1.0) -> tuple[Floats, Ints]:
    """The highest value over all chunks and its hour (the lowest for sign -1); the earliest of equal ones."""
    values = np.array([getattr(part, value) for part in parts]) * sign
    at = values.argmax(axis=0)
    columns = np.arange(values.shape[1])
    best = values[at, columns]
    hours = np.array([getattr(part, hour) for part in parts])[at, columns]
    return _finite(best) * sign, np.where(np.isfinite(best), hours, -1)


def _any(with_: Gauge, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Nodes (hour, node) to buses (hour, bus)."""
    found: NDArray[np.bool_] = np.logical_or.reduceat(mask[:, with_.by_bus], with_.first_of_bus, axis=1)
    return found


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _moves(position: Floats, warm_up: int) -> Floats:
    """Steps moved (hour, device); what did not converge moved nothing, and the hour after it is not compared.

    Without a warm-up the first hour of a chunk has no hour before it.
    """
    before = position[warm_up - 1 : -1] if warm_up else np.concatenate([position[:1], position[:-1]])
    return np.nan_to_num(np.abs(position[warm_up:] - before))
