"""Worker processes may die at any moment, in the middle of an answer too; nothing waits for the dead.

The work is from the standard library, so that a worker needs no test module.
"""

import multiprocessing
import operator
import os
import pickle
import select
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from gridstudio.errors import EngineError
from gridstudio.evaluation import processes
from gridstudio.evaluation.processes import Desk, in_processes

kills = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def pool_workers():
    return [process for process in multiprocessing.active_children() if process.name.startswith("Loky")]


def gone_soon(workers):
    for worker in workers:
        worker.join(timeout=20)
    return not any(worker.is_alive() for worker in workers)


def test_every_answer_comes_under_its_number():
    jobs = {number: (number, 10) for number in (3, 1, 40)}
    assert dict(in_processes(operator.mul, jobs, 2)) == {3: 30, 1: 10, 40: 400}


def test_an_error_of_the_work_is_raised_and_says_where():
    with pytest.raises(ZeroDivisionError, match="by zero") as error:
        list(in_processes(operator.truediv, {0: (1, 0)}, 2))
    assert "In a worker process" in error.value.__notes__[0]


@kills
@pytest.mark.parametrize("seed", range(3))
def test_workers_may_be_killed_at_any_moment(seed):
    """Answers of 2 MB, so that a worker is mostly found while it hands one over."""
    dict(in_processes(operator.mul, {0: (1, 1)}, 2))  # the workers are there
    rng = np.random.default_rng(seed)

    def kill_some():
        for delay_s in rng.uniform(0.0, 0.3, 2):
            time.sleep(delay_s)
            for worker in pool_workers()[:1]:
                os.kill(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_some)
    killer.start()
    found = dict(in_processes(operator.mul, dict.fromkeys(range(100), (b"12345678", 250000)), 2))
    killer.join()
    assert sorted(found) == list(range(100))
    assert all(answer == b"12345678" * 250_000 for answer in found.values())


@kills
def test_workers_that_die_again_and_again_are_an_engine_error():
    with pytest.raises(EngineError, match=r"died 3 times, 4 of 4 blocks were left.*fewer workers"):
        list(in_processes(signal.raise_signal, dict.fromkeys(range(4), (signal.SIGKILL,)), 2))


def test_caller_that_wants_no_more_leaves_no_worker_and_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answers = in_processes(time.sleep, {0: (0.0,), 1: (600.0,), 2: (600.0,)}, 2)
    assert next(answers) == (0, None)
    workers = pool_workers()
    assert workers
    answers.close()
    assert gone_soon(workers)
    assert not list(tmp_path.iterdir())
    assert dict(in_processes(operator.mul, {0: (6, 7)}, 2)) == {0: 42}


class InProcess:
    """A pool that does the work here and notes how long the messages would have been."""

    def __init__(self):
        self.lengths = []

    def submit(self, *call):
        future: Future = Future()
        answer = call[0](*call[1:])
        self.lengths += [len(pickle.dumps(call)), len(pickle.dumps(answer))]
        future.set_result(answer)
        return future

    def shutdown(self, **_):
        pass


@pytest.mark.skipif(not hasattr(select, "PIPE_BUF"), reason="tells what a pipe takes whole")
def test_what_goes_through_the_pipes_is_written_whole_or_not_at_all(monkeypatch):
    """POSIX: a write of up to PIPE_BUF bytes is atomic. A tenth of it leaves room for the pool's own envelope."""
    pool = InProcess()
    monkeypatch.setattr(processes, "get_reusable_executor", lambda *_, **__: pool)
    assert dict(in_processes(operator.mul, {0: (b"x" * 100_000, 10)}, 2)) == {0: b"x" * 1_000_000}
    with pytest.raises(FileNotFoundError):
        list(in_processes(Path.stat, {0: (Path("/nowhere", *["x" * 100] * 30),)}, 2))
    assert len(pool.lengths) == 4
    assert max(pool.lengths) < select.PIPE_BUF / 10


class Repeating(InProcess):
    """A pool whose workers do again what was done, as those of an earlier attempt may."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def submit(self, *call):
        self.calls.append(call)
        return [super(Repeating, self).submit(*each) for each in self.calls][-1]


def test_an_answer_that_comes_again_counts_once(monkeypatch):
    pool = Repeating()
    monkeypatch.setattr(processes, "get_reusable_executor", lambda *_, **__: pool)
    monkeypatch.setattr(processes, "AHEAD", 1)
    found = list(in_processes(operator.mul, {number: (number, 10) for number in range(4)}, 2))
    assert sorted(found) == [(0, 0), (1, 10), (2, 20), (3, 30)]


class Dead(InProcess):
    """A pool that takes calls and never answers, as one whose manager was lost."""

    def submit(self, *call):
        return Future()


def test_a_pool_that_went_silent_is_given_up(monkeypatch):
    monkeypatch.setattr(processes, "get_reusable_executor", lambda *_, **__: Dead())
    monkeypatch.setattr(processes, "LOOK_S", 0.01)
    monkeypatch.setattr(processes, "LOST_S", 0.05)
    with pytest.raises(EngineError, match="2 of 2 blocks were left"):
        list(in_processes(operator.mul, {0: (1, 1), 1: (1, 1)}, 2))


def test_a_taken_job_counts_as_long_as_its_taker_lives(tmp_path):
    desk = Desk(tmp_path)
    desk.lay_out({0: (), 1: ()})
    taker = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600.0,))
    taker.start()
    (tmp_path / "takers" / f"0.{taker.pid}").touch()
    assert desk.somebody_works({0, 1})
    assert not desk.somebody_works({1})
    taker.kill()
    taker.join(timeout=20)
    assert not desk.somebody_works({0, 1})
