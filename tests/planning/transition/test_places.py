"""Where subproblems are solved: nothing of the answer depends on it."""

import pytest

from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.evaluation.cluster import cluster_workers
from gridstudio.planning.transition.places import places
from gridstudio.solve.sddp.schemes import Serial


def test_one_worker_is_this_process() -> None:
    with places(Workers(1)) as scheme:
        assert isinstance(scheme, Serial)


def test_two_workers_are_two_places() -> None:
    with places(Workers(2)) as scheme:
        assert scheme.places == 2
        assert scheme.result(scheme.submit(1, int, "7")) == 7


@pytest.mark.long  # waits ten seconds for an answer
@pytest.mark.filterwarnings("default")
def test_a_scheduler_that_does_not_answer_is_told() -> None:
    pytest.importorskip("distributed")
    with (
        pytest.raises(InputError, match="no Dask scheduler at tcp"),
        cluster_workers("tcp://127.0.0.1:1"),
    ):
        pass


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_a_dask_cluster_is_a_place_for_each_worker() -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, places(Workers(1, scheduler=cluster.scheduler_address)) as scheme:
        assert scheme.places == 2
        assert scheme.result(scheme.submit(1, int, "7")) == 7
