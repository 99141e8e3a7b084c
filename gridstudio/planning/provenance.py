"""Where a result came from: versions, hashes of its inputs, power flows, and where the time went."""

import hashlib
import os
import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from gridstudio import engine
from gridstudio.planning.phases import Phases
from gridstudio.settings import FeederSettings

PACKAGES = ("gridstudio", "opendssdirect.py", "dss-python", "numpy", "pandas", "scipy", "joblib")


def provenance(
    feeder: FeederSettings,
    given: Iterable[Path | str | None],
    folder: Path,
    phases: Phases,
    seed: int | None,
    quick: bool,
) -> dict[str, Any]:
    """What stands in the manifest of a job on one circuit.

    ``given``: further files of the study, relative to ``folder``; None and "" are left out. ``seed``: None where
    nothing is drawn.
    """
    files = engine.source_files(folder / feeder.master, feeder.commands)
    return {
        "versions": versions(PACKAGES) | {"engine": engine.version()},
        "seed": seed,
        "inputs": hashes([*files, *(folder / path for path in given if path)], folder),
        "power_flows": sum(phases.power_flows.values()),
        "not_converged": sum(phases.not_converged.values()),
        "seconds": {name: round(seconds, 3) for name, seconds in phases.seconds.items()},
        "workers": phases.workers.count,
        "quick": quick,
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of packages, and of Python."""
    return {name: metadata.version(name) for name in packages} | {"python": platform.python_version()}


def hashes(files: Iterable[Path], folder: Path) -> dict[str, str]:
    """SHA-256 of files, by their path without the machine it lies on: relative to the study's folder."""
    return {
        Path(os.path.relpath(path, folder)).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
