"""A Dask cluster as persistent places: the same bits as in this process, and a lost worker is told, not waited for."""

import os
import signal
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from gridstudio.errors import InputError, SolverError
from gridstudio.evaluation.cluster import cluster_workers
from gridstudio.solve.sddp import Executors, Iterations, train

sys.path.insert(0, str(Path(__file__).parents[1] / "solve" / "sddp"))
from multistage import random_markov

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def cluster(workers=1, **options):
    """On free ports: another cluster may run beside it."""
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "silence_logs": 50} | options
    return distributed.LocalCluster(n_workers=workers, **options)


def bits(policy):
    cuts = {key: (found.intercepts.tobytes(), found.slopes.tobytes()) for key, found in policy.cuts.items()}
    return [(line.bound, line.simulated_cost, line.solves) for line in policy.log], cuts


def asleep(mark, seconds):
    Path(mark).touch()
    time.sleep(seconds)


def wait_for(path):
    until = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def fail(error):
    raise error


@pytest.fixture(scope="module")
def two():
    with cluster(2) as made, cluster_workers(made.scheduler_address) as workers:
        yield workers


def test_training_on_a_cluster_changes_no_bit(two):
    graph, six = random_markov(1), (Iterations(6),)
    assert len(two) == 2
    assert bits(train(graph, stopping=six, scheme=Executors(two))) == bits(train(graph, stopping=six))


def test_each_executor_is_one_process(two):
    pids = [[worker.submit(os.getpid).result() for _ in range(3)] for worker in two]
    assert [len(set(own)) for own in pids] == [1, 1]
    assert pids[0] != pids[1]


@pytest.mark.parametrize("error", [ValueError("own"), TimeoutError("own")], ids=["any", "time"])
def test_an_error_of_a_task_is_raised_as_it_is(two, error):
    with pytest.raises(type(error), match="own"):
        two[0].submit(fail, error).result()


def test_a_task_longer_than_a_look_is_waited_for(two, monkeypatch):
    monkeypatch.setattr("gridstudio.evaluation.cluster.LOOK_S", 0.05)
    ticket = two[0].submit(time.sleep, 0.3)
    assert ticket.result() is None


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by its number")
def test_a_killed_worker_is_an_error_soon(tmp_path):
    """Its nanny starts another at a new address: what the lost one was to do, and what it knew, nobody has."""
    with cluster() as made, cluster_workers(made.scheduler_address) as workers:
        scheme = Executors(workers)
        pid = scheme.result(scheme.submit(0, os.getpid))
        ticket = scheme.submit(0, asleep, str(tmp_path / "begun"), 60)
        wait_for(tmp_path / "begun")
        os.kill(pid, signal.SIGKILL)
        begun = time.monotonic()
        with pytest.raises(SolverError, match=r"died \(the Dask worker tcp://\S+ is lost\)"):
            scheme.result(ticket)
        assert time.monotonic() - begun < 15
        with pytest.raises(BrokenExecutor):
            workers[0].submit(int, "7").result()


def test_workers_of_several_threads_are_refused():
    with (
        cluster(threads_per_worker=2, processes=False) as made,
        pytest.raises(InputError, match="has several threads; start workers with --nthreads 1"),
        cluster_workers(made.scheduler_address),
    ):
        pass
