"""A Dask cluster as persistent places: for work that is not a power flow and whose state stays with its worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gridstudio.errors import InputError


@contextmanager
def cluster_workers(address: str) -> Iterator[list["ClusterWorker"]]:
    """The workers of the cluster whose scheduler has this address, in the order of their names.

    InputError if none answers there, or if a worker has several threads: it is to do one thing after another.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "A scheduler needs Dask: install the extra with 'pip install gridstudio[distributed]'."
        ) from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"There is no Dask scheduler at {address}: {error}.") from error
    with client:
        found = client.scheduler_info(n_workers=-1)["workers"]
        several = [name for name, worker in found.items() if worker["nthreads"] != 1]
        if several or not found:
            what = f"the worker {several[0]} has several threads" if several else "it has no worker"
            raise InputError(f"Dask cluster at {address}: {what}; start workers with --nthreads 1.")
        yield [ClusterWorker(client, name) for name in sorted(found)]


class ClusterWorker:
    """A cluster's client bound to one worker: an executor whose ``submit`` returns a future."""

    def __init__(self, client: Any, worker: str) -> None:
        self._client, self._worker = client, worker

    def submit(self, function: Any, *arguments: Any) -> Any:
        return self._client.submit(function, *arguments, workers=[self._worker], allow_other_workers=False, pure=False)
