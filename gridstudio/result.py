"""What a study gives, and the one writer and reader of its results folder.

A folder appears complete or not at all: everything is written into ``NAME.partial``
beside it, which takes the name only at the end. An interrupted run leaves the
``.partial`` folder with its solved blocks, and ``--resume`` goes on from there.
"""

import json
import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gridstudio.errors import InputError

MANIFEST = "manifest.json"
PARTIAL = ".partial"
CHECKPOINT = "checkpoint"  # solved blocks of an unfinished run


@dataclass(frozen=True)
class Quantity:
    """A headline number: what it is, its value and its unit ("" for plain text and counts)."""

    label: str
    value: float | int | str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class StudyResult:
    """Settings, headline numbers, tables and provenance of one run.

    ``tables``: tidy, units in the column names; each job's module lists its tables and columns.
    ``texts``: further files by their path in the folder (upgraded circuits; bytes for arrays).
    ``provenance``: versions, seed, hashes of inputs, number of solves, what did not converge,
    seconds by phase. ``violations_left``: how many violations remain after the plan.
    """

    job: str
    title: str
    settings: dict[str, Any]
    headline: dict[str, Quantity]
    tables: dict[str, pd.DataFrame]
    violations_left: int = 0
    texts: Mapping[str, str | bytes] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """All but tables and texts, as JSON-ready values."""
        return {
            "job": self.job,
            "title": self.title,
            "headline": {name: asdict(quantity) for name, quantity in self.headline.items()},
            "violations_left": self.violations_left,
            "tables": {name: list(map(str, table.columns)) for name, table in self.tables.items()},
            "settings": self.settings,
            "provenance": self.provenance,
        }


def save(result: StudyResult, folder: Path) -> None:
    """Write tables (parquet and csv), texts and manifest into an existing folder. InputError if the disk refuses."""
    with disk_errors(folder):
        tables = folder / "tables"
        tables.mkdir(exist_ok=True)
        for name, table in result.tables.items():
            table.to_parquet(tables / f"{name}.parquet", index=False)
            table.to_csv(tables / f"{name}.csv", index=False)
        for name, text in result.texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        _write_manifest(folder, result.manifest())


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(_without_nan(manifest), indent=2, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN nor infinity: null stands for them."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def add_seconds(folder: Path, seconds: dict[str, float]) -> None:
    """Add what the whole command took (start, writing, drawing) to the manifest of a folder."""
    with disk_errors(folder):
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest["command_seconds"] = {name: round(value, 3) for name, value in seconds.items()}
        _write_manifest(folder, manifest)


def load(folder: Path) -> StudyResult:
    """Read a results folder back (texts stay where they are). InputError if it is none, or not whole."""
    manifest_path = Path(folder) / MANIFEST
    if not manifest_path.is_file():
        raise InputError(f"{folder} is no results folder: it has no {MANIFEST}.")
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        missing = [n for n in manifest["tables"] if not (Path(folder) / "tables" / f"{n}.parquet").is_file()]
        if missing:
            raise InputError(f"The results in {folder} are not whole: tables/{missing[0]}.parquet is missing.")
        return StudyResult(
            job=manifest["job"],
            title=manifest["title"],
            settings=manifest["settings"],
            headline={name: Quantity(**quantity) for name, quantity in manifest["headline"].items()},
            tables={name: pd.read_parquet(Path(folder) / "tables" / f"{name}.parquet") for name in manifest["tables"]},
            violations_left=manifest["violations_left"],
            provenance=manifest["provenance"],
        )
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise InputError(f"{manifest_path} is not a manifest of gridstudio, or is damaged ({error}).") from None


@contextmanager
def results_folder(folder: Path, resume: bool = False, overwrite: bool = False) -> Iterator[Path]:
    """A folder to write into that takes its name when the block ends without an error.

    Raises InputError if results are there already (unless ``overwrite``), if an interrupted
    run lies there (unless ``resume`` or ``overwrite``), if something else is in the way, or if the
    disk refuses. Only what gridstudio wrote is ever removed.
    """
    folder = folder if folder.name not in ("", "..") else folder.resolve()
    partial, old = folder.with_name(folder.name + PARTIAL), folder.with_name(folder.name + ".old")
    _refuse_place(folder, partial, resume, overwrite)
    if old.exists() and not _is_results(old):
        raise InputError(f"{old} is in the way and was not written by gridstudio: choose another place.")
    with disk_errors(folder):
        if partial.exists() and not resume:
            shutil.rmtree(partial)
        partial.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
    except BaseException:
        if not any(path.is_file() for path in partial.rglob("*")):  # nothing was solved yet: nothing to go on with
            shutil.rmtree(partial, ignore_errors=True)
        raise
    with disk_errors(folder):
        shutil.rmtree(partial / CHECKPOINT, ignore_errors=True)
        if folder.exists():
            if _is_results(old):
                shutil.rmtree(old)  # of a run that died between the two renames
            folder.rename(old)
            partial.rename(folder)
            shutil.rmtree(old)
        else:
            partial.rename(folder)


def _refuse_place(folder: Path, partial: Path, resume: bool, overwrite: bool) -> None:
    """InputError if results may not be written to ``folder``."""
    if folder.exists():
        if not folder.is_dir() or not (_is_results(folder) or not any(folder.iterdir())):
            raise InputError(f"{folder} is there already and holds no results of gridstudio: choose another place.")
        if not overwrite and any(folder.iterdir()):
            raise InputError(f"Results exist already at {folder}: choose another place with --out, or say --overwrite.")
    if partial.exists() and not resume:
        solved = {path for path in partial.iterdir() if path.name in (CHECKPOINT, "tables", "figures", "circuits")}
        strange = {path for path in partial.iterdir() if path.is_dir()} - solved
        if strange:
            raise InputError(f"{partial} is in the way and was not written by gridstudio: choose another place.")
        if not overwrite:
            raise InputError(f"An interrupted run lies at {partial}: go on with it by --resume, or say --overwrite.")


def _is_results(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() and (folder / "tables").is_dir()


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses (full, no permission, a file in the way) into one clear sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write results to {str(folder).removesuffix(PARTIAL)}: {reason[0].lower() + reason[1:]}"
            + (f" ({error.filename})." if error.filename else ".")
        ) from error
