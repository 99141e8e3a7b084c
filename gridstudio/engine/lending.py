"""This process's sessions, compiled once and lent to one borrower at a time."""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from gridstudio.engine.circuit import Feeder
from gridstudio.engine.loading import source_files
from gridstudio.engine.session import Session
from gridstudio.errors import InputError

Stamp = tuple[tuple[str, int, int], ...]  # files of a circuit: path, time of change, size
KEPT_FEEDERS = 3

_idle: "OrderedDict[tuple[Feeder, Stamp], list[Session]]" = OrderedDict()
_files: dict[Feeder, Stamp] = {}
_lock = threading.Lock()


@contextmanager
def borrow(feeder: Feeder) -> Iterator[Session]:
    """A session of this process for ``feeder``, nobody else's meanwhile; compiled on first use and kept.

    Threads get a session each. Sessions of the feeders used longest ago are dropped, and so are
    those of a circuit whose files have changed since.
    """
    key = (feeder, _stamp(feeder))
    with _lock:
        idle = _idle.setdefault(key, [])
        _idle.move_to_end(key)
        while len(_idle) > KEPT_FEEDERS:
            _idle.popitem(last=False)
        session = idle.pop() if idle else None
    session = session or Session(feeder)
    try:
        yield session
    except InputError:  # found before anything was solved
        _give_back(key, session)
        raise
    _give_back(key, session)  # not after another error: a session in an unknown state is not lent again


def _give_back(key: tuple[Feeder, Stamp], session: Session) -> None:
    with _lock:
        if key in _idle:
            _idle[key].append(session)


def _stamp(feeder: Feeder) -> Stamp:
    """The state of the circuit's files. Which they are is read once per state."""
    known = _files.get(feeder)
    if known is not None and known == _look([path for path, _, _ in known]):
        return known
    found = _files[feeder] = _look([str(path) for path in source_files(feeder.master, feeder.commands)])
    return found


def _look(paths: list[str]) -> Stamp:
    found = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            found.append((path, 0, -1))
        else:
            found.append((path, status.st_mtime_ns, status.st_size))
    return tuple(found)
