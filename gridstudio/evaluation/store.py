"""Solved blocks on disk, so that an interrupted run goes on where it stopped."""

import hashlib
import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

from gridstudio import engine
from gridstudio.engine import Feeder, PowerFlow
from gridstudio.engine.session import Trajectory
from gridstudio.result import disk_errors


class Store:
    """Blocks are found again by all that decides their numbers: circuit files, changes, scenarios and versions."""

    def __init__(self, folder: Path, feeder: Feeder):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        identity = (feeder.commands, feeder.controls, engine.version(), metadata.version("gridstudio"))
        seed = hashlib.sha256(repr(identity).encode())
        for path in engine.source_files(feeder.master, feeder.commands):
            seed.update(path.read_bytes())
        self._seed = seed

    def load(self, block: Sequence[Trajectory]) -> PowerFlow | None:
        """The results of a block, or None if it was not solved yet."""
        path = self._path(block)
        if not path.is_file():
            return None
        with np.load(path) as arrays:
            return PowerFlow(**{name: arrays[name] for name in PowerFlow.__dataclass_fields__})

    def save(self, block: Sequence[Trajectory], flow: PowerFlow) -> None:
        """Keep a block; a reader sees all of it or nothing."""
        path = self._path(block)
        fresh = path.with_suffix(f".{os.getpid()}.tmp")
        with disk_errors(self._folder):
            with fresh.open("wb") as file:
                np.savez(file, **{name: getattr(flow, name) for name in PowerFlow.__dataclass_fields__})
            fresh.replace(path)

    def _path(self, block: Sequence[Trajectory]) -> Path:
        key = self._seed.copy()
        key.update(repr([(changes, scenario.electrical) for changes, scenario in block]).encode())
        return self._folder / f"{key.hexdigest()[:32]}.npz"
