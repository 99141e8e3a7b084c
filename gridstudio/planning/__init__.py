"""The table of planning jobs. A job is a module with ``Settings``, ``check`` and ``run``; see ``Job``."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from gridstudio.domain.network import Finding
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.result import StudyResult
from gridstudio.settings import Settings, read_toml

JOBS = {
    "exceedance": "gridstudio.planning.exceedance",
    "hosting": "gridstudio.planning.hosting",
    "islanding": "gridstudio.planning.islanding",
    "mitigation": "gridstudio.planning.mitigation",
    "reconductoring": "gridstudio.planning.reconductoring",
    "resilience": "gridstudio.planning.resilience",
    "restoration": "gridstudio.planning.restoration",
    "transition": "gridstudio.planning.transition",
    "upgrades": "gridstudio.planning.upgrades",
}

Progress = Callable[[str, int, int], None]  # phase, power flow trajectories done, of how many


class Job(Protocol):
    """What a planning module offers; paths in settings are relative to ``folder``, the study file's."""

    Settings: type[Settings]

    def check(self, settings: Any, folder: Path) -> list[Finding]:
        """All that is wrong or remarkable, without solving. InputError if nothing can be told."""

    def run(self, settings: Any, folder: Path, workers: Workers, progress: Progress | None, quick: bool) -> StudyResult:
        """The study's result; every number in it was solved."""


def job(name: str) -> Job:
    """The module of a job by its name; InputError with the known names if there is none."""
    if name not in JOBS:
        raise InputError(f"Unknown job {name!r}: known jobs are {', '.join(sorted(JOBS))}.")
    return cast(Job, importlib.import_module(JOBS[name]))


def read_study(path: Path) -> tuple[Job, Settings]:
    """A study file, validated: its job and its settings. InputError with all findings."""
    data = read_toml(path)
    if not isinstance(data.get("job"), str):
        raise InputError(f"{path}: the key 'job' is missing; it names the planning job, one of {', '.join(JOBS)}.")
    module = job(data["job"])
    return module, module.Settings.validated(data, str(path))
