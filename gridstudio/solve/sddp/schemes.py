"""Where subproblems are solved: in this process, in worker processes of one's own, or wherever an executor reaches."""

import contextlib
import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from gridstudio.errors import InputError, SolverError


class Scheme(Protocol):
    """Contract: ``places`` processes, each of which remembers what was done in it and does one thing after another.

    ``submit`` has ``function(*arguments)`` done in a place, after all that was submitted there before, and returns a
    ticket; ``result`` waits for it and returns what the function returned or raises what it raised, SolverError if the
    place died. Every ticket is asked for at most once.
    """

    @property
    def places(self) -> int: ...

    def submit(self, place: int, function: Callable[..., Any], *arguments: Any) -> Any: ...

    def result(self, ticket: Any) -> Any: ...


class Serial:
    """Everything in this process, at once."""

    places = 1

    def submit(self, place: int, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    def result(self, ticket: Any) -> Any:
        return ticket


class Executors:
    """One executor per place: anything with ``submit(function, *arguments)`` that returns a future with ``result()``.

    Each must be one process that stays and does one thing after another, for the models live in it: a
    ``ProcessPoolExecutor(1)``, or a cluster's client bound to one worker of one thread, whose futures raise
    BrokenExecutor if it is lost. Who makes them also shuts them down.
    """

    def __init__(self, executors: Sequence[Any]) -> None:
        if not executors:
            raise InputError("Executors: there is none.")
        self._executors = list(executors)

    @property
    def places(self) -> int:
        return len(self._executors)

    def submit(self, place: int, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self._executors[place].submit(function, *arguments)
        except BrokenExecutor as error:
            raise SolverError(_DEAD.format(place=place, why=error)) from None

    def result(self, ticket: Any) -> Any:
        try:
            return ticket.result()
        except BrokenExecutor as error:
            raise SolverError(_DEAD.format(place="", why=error)) from None


_DEAD = "Worker process {place} of the SDDP scheme died ({why}): is the memory enough? Try fewer workers."


class Processes:
    """Worker processes on this machine that stay until the context ends; each has a pipe of its own.

    ``with Processes(2) as scheme: train(graph, scheme=scheme)``. A place gets a message only when its answer to the
    one before has been read: so two full pipes never wait for each other. A death closes the pipe and is an error.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise InputError(f"Processes: {count} workers are none; use Serial() for this process.")
        self.places = count
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._workers = []
        for _ in range(count):
            mine, theirs = context.Pipe()
            worker = context.Process(target=_serve, args=(theirs,), daemon=True)
            worker.start()
            theirs.close()  # or the death of the worker would not close the pipe
            self._pipes.append(mine)
            self._workers.append(worker)
        self._waiting: list[deque[bytes]] = [deque() for _ in range(count)]
        self._busy = [False] * count
        self._sent, self._read = [0] * count, [0] * count
        self._answers: dict[tuple[int, int], tuple[bool, Any]] = {}

    @property
    def pids(self) -> list[int]:
        return [worker.pid or 0 for worker in self._workers]

    def submit(self, place: int, function: Callable[..., Any], *arguments: Any) -> tuple[int, int]:
        self._waiting[place].append(pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL))
        self._push(place)
        self._sent[place] += 1
        return place, self._sent[place] - 1

    def result(self, ticket: tuple[int, int]) -> Any:
        while ticket not in self._answers:
            busy = {self._pipes[place]: place for place in range(self.places) if self._busy[place]}
            if not busy:  # what was asked lies with a worker that is gone
                raise self._death(ticket[0])
            for pipe in wait(list(busy)):
                self._read_from(busy[pipe])  # type: ignore[index]
        done, answer = self._answers.pop(ticket)
        if not done:
            raise answer
        return answer

    def _push(self, place: int) -> None:
        if self._waiting[place] and not self._busy[place]:
            try:
                self._pipes[place].send_bytes(self._waiting[place].popleft())
            except OSError:
                raise self._death(place) from None
            self._busy[place] = True

    def _read_from(self, place: int) -> None:
        try:
            answer = pickle.loads(self._pipes[place].recv_bytes())
        except (EOFError, OSError):
            raise self._death(place) from None
        self._answers[place, self._read[place]] = answer
        self._read[place] += 1
        self._busy[place] = False
        self._push(place)

    def _death(self, place: int) -> SolverError:
        self._workers[place].join(1.0)
        return SolverError(_DEAD.format(place=place, why=f"exit code {self._workers[place].exitcode}"))

    def close(self) -> None:
        """End the workers, whatever they do."""
        for pipe, worker in zip(self._pipes, self._workers, strict=True):
            pipe.close()
            worker.terminate()
        for worker in self._workers:
            worker.join()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _serve(pipe: Connection) -> None:
    """A worker's life: do what comes, answer (True, result) or (False, exception), end with the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interrupt is the owner's
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, arguments = pickle.loads(pipe.recv_bytes())
            try:
                answer = (True, function(*arguments))
            except Exception as error:  # whatever it is: the owner's ``result`` raises it
                answer = (False, error)
            pipe.send_bytes(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
