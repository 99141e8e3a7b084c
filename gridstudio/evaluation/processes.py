"""Work given to worker processes, of which any may die at any moment.

Jobs and answers lie in a temporary folder; what the pool sends through its pipes is a path and a number.
So short a message is written whole or not at all. A long one can be cut off by the death of its sender, and the
pool then waits for its second half for ever: with answers in the pipes one kill in thirty ended like that.
Besides, this side never waits without looking: if nobody is at work any more, the pool is given up.
"""

import multiprocessing
import os
import pickle
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool, ShutdownExecutorError

from gridstudio.errors import EngineError
from gridstudio.result import disk_errors

RESTARTS = 2
AHEAD = 200  # jobs given to the pool at once: a pipe of 64 KiB holds them (232 bytes each), also if nobody reads
LOOK_S = 1.0
LOST_S = 120.0  # nobody at work for so long: the pool is lost; workers that start on a busy machine need less
IDLE_S = 300.0  # workers without work stay for the next call: their imports and compiled circuits cost seconds
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")}


@dataclass(frozen=True)
class Desk:
    """A folder where jobs are laid out and answers are put down, each under the job's number."""

    folder: Path

    def lay_out(self, jobs: Mapping[int, tuple]) -> None:
        with disk_errors(self.folder):
            for name in ("jobs", "takers", "answers"):
                (self.folder / name).mkdir()
            for number, job in jobs.items():
                (self.folder / "jobs" / str(number)).write_bytes(pickle.dumps(job))

    def take(self, number: int) -> tuple:
        """A job, signed for with the number of this process."""
        (self.folder / "takers" / f"{number}.{os.getpid()}").touch()
        return pickle.loads((self.folder / "jobs" / str(number)).read_bytes())

    def put(self, number: int, answer: Any) -> None:
        """Whoever looks sees all of an answer or nothing."""
        fresh = self.folder / f"{number}.{os.getpid()}"
        with disk_errors(self.folder):
            fresh.write_bytes(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
            fresh.replace(self.folder / "answers" / str(number))

    def answers(self) -> Iterator[tuple[int, Any]]:
        """What was put down since the last look; it is taken away."""
        for path in (self.folder / "answers").iterdir():
            answer = pickle.loads(path.read_bytes())
            path.unlink()
            yield int(path.name), answer

    def somebody_works(self, left: set[int]) -> bool:
        """Whether a living worker has one of the jobs that are left."""
        taken = [path.name.split(".") for path in (self.folder / "takers").iterdir()]
        alive = {process.pid for process in multiprocessing.active_children()}
        return any(int(number) in left and int(taker) in alive for number, taker in taken)


def in_processes(work: Callable, jobs: Mapping[int, tuple], count: int) -> Iterator[tuple[int, Any]]:
    """``work(*job)`` of every job by its number, as they are finished; what the dead had in hand is done anew.

    An exception of ``work`` is raised here. EngineError if workers die again and again.
    """
    left = set(jobs)
    with tempfile.TemporaryDirectory(prefix="gridstudio-", ignore_cleanup_errors=True) as folder:
        desk = Desk(Path(folder))
        desk.lay_out(jobs)
        for _ in range(RESTARTS + 1):
            pool = get_reusable_executor(min(count, len(left)), timeout=IDLE_S, env=ONE_THREAD)
            try:
                yield from _attempt(pool, work, desk, left)
                return
            except (BrokenProcessPool, ShutdownExecutorError):  # the latter if another thread gave up the pool we share
                continue
            finally:
                if left:  # also if the caller wants no more; nothing here waits for the pool's end
                    pool.shutdown(wait=False, kill_workers=True)
    raise EngineError(
        f"Worker processes died {RESTARTS + 1} times, {len(left)} of {len(jobs)} blocks were left: "
        "is the memory enough? Try fewer workers."
    )


def _attempt(pool: Any, work: Callable, desk: Desk, left: set[int]) -> Iterator[tuple[int, Any]]:
    """Answers until none is left; BrokenProcessPool if workers died or nobody works any more."""
    finished: SimpleQueue = SimpleQueue()
    waiting = iter(sorted(left))

    def submit(numbers: Iterable[int]) -> None:
        for number in numbers:
            pool.submit(_do, work, str(desk.folder), number).add_done_callback(finished.put)

    submit(islice(waiting, AHEAD))
    seen = time.monotonic()
    while left:
        try:
            future = finished.get(timeout=LOOK_S)
        except Empty:
            future = None
        for number, answer in desk.answers():
            if isinstance(answer, Exception):
                raise answer
            if number in left:  # not if a worker before its end and its successor both answered
                left.remove(number)
                yield number, answer
            seen = time.monotonic()  # the caller may have taken its time
        if future is not None:
            future.result()
            submit(islice(waiting, 1))
        elif desk.somebody_works(left):
            seen = time.monotonic()
        elif time.monotonic() - seen > LOST_S:
            raise BrokenProcessPool("Nobody works any more.")


def _do(work: Callable, folder: str, number: int) -> None:
    """A worker's part. Errors are answers too: their text may be long."""
    desk = Desk(Path(folder))
    job = desk.take(number)
    try:
        answer = work(*job)
    except Exception as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        answer = error
    desk.put(number, answer)
