"""Whoever solves, the arrays are the same to the bit; what dies is replaced; what was solved is not solved again."""

import multiprocessing
import os
import signal
import sys
import threading

import numpy as np
import pytest

from gridstudio.domain.changes import BASE, At, ChangeSet, Reconductor, SetSwitch
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers, blocks, evaluate_many

PLANS = (
    BASE,
    ChangeSet((Reconductor("l115", 600.0, "2"),), "l115"),
    ChangeSet((At(1, SetSwitch("sw2", closed=False)),), "sw2 opens"),
)


def scenarios(count):
    rng = np.random.default_rng(7)
    return [
        Scenario(str(k), tuple(rng.uniform(0.5, 1.3, 3)), (LoadGroup(("s47", "s48"), tuple(rng.uniform(0.2, 1.8, 3))),))
        for k in range(count)
    ]


def cases(count=12):
    return [(plan, scenario) for scenario in scenarios(count) for plan in PLANS]


def assert_same(a, b):
    for name in ("converged", "v_pu", "current_a", "served_kw", "losses_kw", "source_kw", "source_kvar"):
        for one, other in zip(a, b, strict=True):
            assert np.array_equal(getattr(one.flow, name), getattr(other.flow, name), equal_nan=True), name


@pytest.fixture(scope="module")
def reference(ieee123):
    return evaluate_many(ieee123, cases())


def test_result_does_not_depend_on_order(ieee123, reference):
    order = np.random.default_rng(3).permutation(len(reference))
    shuffled = evaluate_many(ieee123, [cases()[k] for k in order])
    assert_same([reference[int(k)] for k in order], shuffled)


@pytest.mark.parametrize(
    "workers", [Workers(2, "threads"), Workers(4, "threads"), Workers(2, "processes"), Workers(3)], ids=str
)
def test_result_does_not_depend_on_workers(ieee123, reference, workers):
    assert_same(reference, evaluate_many(ieee123, cases(), workers=workers))


def test_result_does_not_depend_on_what_else_is_solved(ieee123, reference):
    for k in (0, 7, 20):
        assert_same([reference[k]], evaluate_many(ieee123, [cases()[k]]))


def test_progress_counts_to_the_end(ieee123):
    told = []
    evaluate_many(ieee123, cases(), workers=Workers(2, "threads"), progress=lambda *counts: told.append(counts))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(cases()), len(cases()))


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by its number")
def test_a_killed_worker_is_replaced_and_nothing_is_lost(ieee123, reference):
    evaluate_many(ieee123, cases(2), workers=Workers(2, "processes"))  # the workers are there
    killed = []

    def kill_one(done, total):
        if not killed and done < total:
            killed.append(next(p.pid for p in multiprocessing.active_children() if p.name.startswith("Loky")))
            os.kill(killed[0], signal.SIGKILL)

    found = evaluate_many(ieee123, cases(), workers=Workers(2, "processes"), progress=kill_one)
    assert killed
    assert_same(reference, found)


def test_a_process_that_may_not_start_others_uses_threads(ieee123, reference, monkeypatch):
    """As the workers of ``multiprocessing.Pool``."""
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    assert_same(reference, evaluate_many(ieee123, cases(), workers=Workers(2, "processes")))


def test_an_interrupted_run_goes_on_where_it_stopped(ieee123, reference, tmp_path, monkeypatch):
    solved = []
    solve = blocks.solve_block
    monkeypatch.setattr(blocks, "solve_block", lambda feeder, block: solved.append(len(block)) or solve(feeder, block))

    def stop(done, total):
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_many(ieee123, cases(), workers=Workers(checkpoint=tmp_path), progress=stop)
    before = sum(solved)
    found = evaluate_many(ieee123, cases(), workers=Workers(2, "threads", checkpoint=tmp_path))
    assert 0 < sum(solved) - before < len(cases()) / 2
    assert_same(reference, found)


def test_solved_blocks_of_another_circuit_are_not_taken(model, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "SMALL_NODE_SOLVES", 0)  # keep even these
    levels = [(BASE, Scenario(str(k), load_scale=(k,))) for k in (0.8, 1.0)]
    evaluate_many(model("ieee13"), levels, workers=Workers(checkpoint=tmp_path))
    other = evaluate_many(model("ieee13", "edit load.671 kw=900"), levels, workers=Workers(checkpoint=tmp_path))
    assert_same(other, evaluate_many(model("ieee13", "edit load.671 kw=900"), levels))
    assert len(list(tmp_path.glob("*.npz"))) == 4


def test_a_few_power_flows_are_not_kept(model, tmp_path):
    evaluate_many(model("ieee13"), [(BASE, Scenario())], workers=Workers(checkpoint=tmp_path))
    assert not list(tmp_path.glob("*.npz"))


def test_alike_circuits_are_solved_once(ieee123):
    ratings = [ChangeSet((Reconductor("l115", amps),), str(amps)) for amps in (500.0, 600.0, 700.0)]
    found = evaluate_many(ieee123, [(plan, Scenario()) for plan in ratings])
    assert found.solves == 1
    row = found.network.line_row["l115"]
    assert [e.loading_pu[0, row] * e.ampacity_a[0, row] for e in found] == pytest.approx(
        [found[0].branch_current_a[0, row]] * 3
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_dask_cluster_gives_the_same(ieee123, reference):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        found = evaluate_many(ieee123, cases(), workers=Workers(scheduler=cluster.scheduler_address))
    assert_same(reference, found)


def test_a_scheduler_that_is_not_there_is_told(ieee123):
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="There is no Dask scheduler at"):
        evaluate_many(ieee123, cases(1), workers=Workers(scheduler="tcp://127.0.0.1:1"))


def test_no_worker_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        Workers(0)


def test_two_threads_may_evaluate_at_once(ieee123, reference):
    found = {}

    def work(name):
        found[name] = evaluate_many(ieee123, cases())

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_same(reference, found["a"])
    assert_same(reference, found["b"])
