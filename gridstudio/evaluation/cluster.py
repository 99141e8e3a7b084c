"""A Dask cluster as persistent places: for work that is not a power flow and whose state stays with its worker."""

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager
from typing import Any

from gridstudio.errors import InputError

LOOK_S = 1.0  # between looks whether a worker that is waited for is still there


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
    """A cluster's client bound to one worker: an executor whose ``submit`` returns a ``Ticket``."""

    def __init__(self, client: Any, worker: str) -> None:
        self._client, self._worker = client, worker

    def submit(self, function: Any, *arguments: Any) -> "Ticket":
        task = self._client.submit(function, *arguments, workers=[self._worker], allow_other_workers=False, pure=False)
        return Ticket(self._client, self._worker, task)


class Ticket:
    """A task that only one worker may do: Dask keeps it for ever if that worker is lost, so this looks now and then."""

    def __init__(self, client: Any, worker: str, task: Any) -> None:
        self._client, self._worker, self._task = client, worker, task

    def result(self) -> Any:
        """What the task returned or raised; BrokenExecutor if its worker is lost. One in its place has lost all."""
        from distributed.scheduler import KilledWorker

        while not self._done():
            if self._worker not in self._client.scheduler_info(n_workers=-1)["workers"]:
                self._task.cancel(force=True)
                raise BrokenExecutor(f"the Dask worker {self._worker} is lost")
        try:
            return self._task.result()
        except (KilledWorker, CancelledError) as error:
            raise BrokenExecutor(f"the Dask worker {self._worker} is lost: {error}") from None

    def _done(self) -> bool:
        """Whether the task ends within ``LOOK_S``."""
        from distributed import wait

        try:
            wait([self._task], timeout=LOOK_S)
        except TimeoutError:
            return False
        except CancelledError:  # ``result`` tells it
            return True
        return True
