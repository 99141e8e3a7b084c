"""Where subproblems are solved changes no bit; what dies there is told, not waited for."""

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from gridstudio.errors import InputError, SolverError
from gridstudio.solve.sddp import Executors, Iterations, Processes, Regularised, simulate, train
from gridstudio.solve.sddp.crew import _spread

sys.path.insert(0, str(Path(__file__).parent))
from multistage import fast_hydro_thermal, random_markov
from test_messages import without_recourse

TWELVE = (Iterations(12),)


def bits(policy):
    cuts = {key: (found.intercepts.tobytes(), found.slopes.tobytes()) for key, found in policy.cuts.items()}
    return [(line.bound, line.simulated_cost, line.solves) for line in policy.log], cuts


@pytest.fixture(scope="module")
def two():
    with Processes(2) as scheme:
        yield scheme


@pytest.mark.parametrize("options", [{}, {"in_flight": 3}, {"forward": Regularised(paths=3)}], ids=str)
def test_workers_do_not_change_bits(two, options):
    graph = random_markov(1)
    assert bits(train(graph, stopping=TWELVE, **options)) == bits(train(graph, stopping=TWELVE, scheme=two, **options))


def test_workers_do_not_change_a_simulation(two):
    policy = train(random_markov(1), stopping=TWELVE)
    here, there = (simulate(policy, 30, seed=2, **options) for options in ({}, {"scheme": two}))
    assert here.stage_costs.tobytes() == there.stage_costs.tobytes()


def test_error_of_a_subproblem_comes_back_and_the_workers_stay(two):
    with pytest.raises(SolverError, match="Node '2'"):
        train(without_recourse(), stopping=TWELVE, scheme=two)
    assert train(fast_hydro_thermal(), stopping=TWELVE, scheme=two).bound == pytest.approx(10.0)


def test_executors_of_one_process_each_serve_as_places():
    graph = random_markov(1)
    pools = [ProcessPoolExecutor(1, mp_context=get_context("spawn")) for _ in range(2)]
    try:
        there = train(graph, stopping=TWELVE, scheme=Executors(pools))
    finally:
        for pool in pools:
            pool.shutdown()
    assert bits(there) == bits(train(graph, stopping=TWELVE))


class Killer:
    """A stopping rule that kills a worker instead."""

    def __init__(self, pid):
        self.pid = pid

    def reason(self, log, simulate):
        if len(log) == 3:
            os.kill(self.pid, signal.SIGKILL)


def test_killed_worker_is_an_error_at_once():
    with Processes(2) as scheme, pytest.raises(SolverError, match=r"Worker process 1 .* died \(exit code -9\)"):
        train(random_markov(1), stopping=(Killer(scheme.pids[1]),), scheme=scheme)


def test_no_workers_are_refused():
    with pytest.raises(InputError, match=r"use Serial\(\)"):
        Processes(0)
    with pytest.raises(InputError, match="there is none"):
        Executors([])


def test_units_are_spread_by_size():
    assert _spread([10, 1, 9, 1, 1], 2) == [0, 1, 1, 0, 1]


class OneWorker:
    """A cluster's client bound to one worker: an executor for ``Executors``."""

    def __init__(self, client, address):
        self.client, self.address = client, address

    def submit(self, function, *arguments):
        return self.client.submit(function, *arguments, workers=[self.address], allow_other_workers=False, pure=False)


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_cluster_serves_as_places():
    distributed = pytest.importorskip("distributed")
    graph = random_markov(1)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        scheme = Executors([OneWorker(client, address) for address in client.scheduler_info()["workers"]])
        there = train(graph, stopping=TWELVE, scheme=scheme)
    assert bits(there) == bits(train(graph, stopping=TWELVE))
