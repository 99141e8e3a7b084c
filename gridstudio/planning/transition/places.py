"""Where a study's subproblems are solved: in this process, in workers of this machine, or on a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from gridstudio.evaluation import Workers
from gridstudio.evaluation.cluster import cluster_workers
from gridstudio.solve.sddp.schemes import Executors, Processes, Scheme, Serial


@contextmanager
def places(workers: Workers) -> Iterator[Scheme]:
    """A scheme for the time of the context; results do not depend on which."""
    if workers.scheduler:
        with cluster_workers(workers.scheduler) as found:
            yield Executors(found)
    elif workers.count > 1:
        with Processes(workers.count) as scheme:
            yield scheme
    else:
        yield Serial()
