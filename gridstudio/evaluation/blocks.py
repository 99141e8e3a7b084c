"""Trajectories over workers: blocks of them, solved in any order, put together in theirs.

Every trajectory starts from the baseline, so neither the blocks nor the workers show
in the result. Threads with an engine context each start at once; processes cost
seconds of imports and then scale better, so they serve the long runs.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import joblib

from gridstudio import engine
from gridstudio.engine import Feeder, PowerFlow
from gridstudio.engine.recording import empty_flow
from gridstudio.engine.session import Trajectory
from gridstudio.errors import EngineError, InputError
from gridstudio.evaluation.processes import in_processes
from gridstudio.evaluation.store import Store

Progress = Callable[[int, int], None]  # trajectories done, of how many
Blocks = dict[int, Sequence[Trajectory]]  # by the number of their first trajectory
LONG_RUN_S = 30.0  # estimated seconds of one worker's work from which processes pay for their start
BLOCK_NODE_SOLVES = 600_000  # about half a second of solves: short for progress and resume, long for its overhead
MIN_BLOCKS = 16
SMALL_NODE_SOLVES = 10_000  # some ten milliseconds: solved again sooner than kept


@dataclass(frozen=True)
class Workers:
    """Who solves. ``backend`` "auto" takes threads for short runs and processes for long ones.

    ``scheduler`` is the address of a Dask cluster whose workers see the same files;
    it takes precedence. ``checkpoint`` is a folder where solved blocks are kept, so that
    an interrupted run goes on where it stopped; evaluations of a few power flows are not kept, but solved again.
    """

    count: int = 1
    backend: Literal["auto", "threads", "processes"] = "auto"
    scheduler: str | None = None
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"The number of workers must be at least 1, not {self.count}.")


def solve_block(feeder: Feeder, trajectories: Sequence[Trajectory]) -> PowerFlow:
    """Solve trajectories in this process, on its own session of ``feeder``."""
    with engine.borrow(feeder) as session:
        return session.solve(trajectories)


def solve_all(
    feeder: Feeder, trajectories: Sequence[Trajectory], workers: Workers, progress: Progress | None = None
) -> PowerFlow:
    """Solve trajectories of equal length; arrays (case, step, ...) in their order."""
    if not trajectories:
        return solve_block(feeder, [])
    with engine.borrow(feeder) as session:  # compiled here first, so that input errors come at once
        network, devices = session.network, len(session.devices)
    nodes, conductors = len(network.nodes), len(network.conductors)
    steps = trajectories[0][1].steps
    _refuse_beyond_memory(len(trajectories) * steps, nodes + conductors)
    # Neither time nor workers decide the blocks: a resumed run must find them again.
    size = max(1, min(-(-len(trajectories) // MIN_BLOCKS), BLOCK_NODE_SOLVES // (nodes * steps)))
    rest: Blocks = {start: trajectories[start : start + size] for start in range(0, len(trajectories), size)}
    reads = any(scenario.read_positions for _, scenario in trajectories)
    result = empty_flow((len(trajectories), steps), network, devices if reads else 0)
    worth_keeping = len(trajectories) * steps * nodes > SMALL_NODE_SOLVES
    store = Store(workers.checkpoint, feeder) if workers.checkpoint and worth_keeping else None
    count = 0
    for start in list(rest) if store else ():
        if store and (kept := store.load(rest[start])) is not None:
            _place(kept, result, start)
            count += len(rest.pop(start))
    if progress and count:
        progress(count, len(trajectories))
    for start, flow in _solved(feeder, dict(rest), workers):
        _place(flow, result, start)
        count += len(rest[start])
        if store:
            store.save(rest[start], flow)
        if progress:
            progress(count, len(trajectories))
    return result


def _refuse_beyond_memory(solves: int, numbers: int) -> None:
    """InputError if the results cannot fit into this machine's memory."""
    needed_gb = solves * numbers * 8 / 1e9
    try:
        memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):  # this system does not tell
        return
    if needed_gb > memory_gb:
        raise InputError(
            f"{solves:,} power flows with {numbers:,} voltages and currents each make {needed_gb:.0f} GB of results, "
            f"this machine has {memory_gb:.0f} GB of memory: evaluate fewer scenarios or steps at a time."
        )


def _place(flow: PowerFlow, result: PowerFlow, start: int) -> None:
    """Put a block's results where they belong."""
    for name in PowerFlow.__dataclass_fields__:
        block = getattr(flow, name)
        getattr(result, name)[start : start + len(block)] = block


def _solved(feeder: Feeder, rest: Blocks, workers: Workers) -> Iterator[tuple[int, PowerFlow]]:
    """Blocks as they are finished, whoever solves them."""
    if workers.scheduler is not None:
        yield from _on_cluster(feeder, rest, workers.scheduler)
        return
    backend = workers.backend
    if rest and (workers.count == 1 or backend == "auto"):
        started = time.perf_counter()
        for start in list(rest) if workers.count == 1 else list(rest)[:1]:
            yield start, solve_block(feeder, rest.pop(start))
        estimate_s = (time.perf_counter() - started) * len(rest)
        backend = "processes" if estimate_s > LONG_RUN_S else "threads"
    may_start_processes = not multiprocessing.current_process().daemon
    if rest and backend == "processes" and may_start_processes:
        yield from in_processes(solve_block, {start: (feeder, block) for start, block in rest.items()}, workers.count)
    elif rest:
        parallel = joblib.Parallel(min(workers.count, len(rest)), backend="threading", return_as="generator_unordered")
        yield from parallel(joblib.delayed(_labelled)(start, feeder, block) for start, block in rest.items())


def _labelled(start: int, feeder: Feeder, block: Sequence[Trajectory]) -> tuple[int, PowerFlow]:
    return start, solve_block(feeder, block)


def _on_cluster(feeder: Feeder, rest: Blocks, address: str) -> Iterator[tuple[int, PowerFlow]]:
    """joblib on a Dask cluster (extra ``distributed``)."""
    try:
        from distributed import Client
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise InputError(
            "A scheduler needs Dask: install the extra with 'pip install gridstudio[distributed]'."
        ) from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"There is no Dask scheduler at {address}: {error}.") from error
    with client:
        with joblib.parallel_config(backend="dask", client=client):
            parallel = joblib.Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1)
        try:
            yield from parallel(joblib.delayed(_labelled)(start, feeder, block) for start, block in rest.items())
        except KilledWorker as error:
            raise EngineError(f"Workers of the Dask cluster died again and again: {error}.") from error
        except CommClosedError as error:
            raise EngineError(f"The Dask cluster at {address} was lost: {error}.") from error
