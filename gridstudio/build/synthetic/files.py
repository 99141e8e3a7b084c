"""Utility tables as files: the same tables give the same bytes, and the folder appears whole or not at all."""

import gzip
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from gridstudio.errors import InputError
from gridstudio.result import PARTIAL, disk_errors

COMPRESSED = ("customers", "network_nodes", "network_edges")


def write(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """One csv per table in a new folder (the large ones gzipped); InputError if something is there or the disk refuses.

    What an interrupted run left beside it (``NAME.partial``) is replaced if it holds nothing but such tables.
    """
    folder = Path(folder)
    folder = folder if folder.name not in ("", "..") else folder.resolve()
    partial = folder.with_name(folder.name + PARTIAL)
    with disk_errors(folder):
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError(f"{folder} is there already: choose another place for the utility tables.")
        if partial.exists():
            _remove_leftover(partial)
        partial.mkdir(parents=True)
        try:
            for name, table in tables.items():
                _write_table(table, partial, name)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        partial.rename(folder)


def _write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    data = table.to_csv(index=False, lineterminator="\n").encode()
    if name in COMPRESSED:  # no file name and no time in the header: they would differ from run to run
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(data, compresslevel=6, mtime=0))
    else:
        (folder / f"{name}.csv").write_bytes(data)


def _remove_leftover(partial: Path) -> None:
    """Remove the leftover of an interrupted run; InputError if it is anything else."""
    if not partial.is_dir() or any(not path.name.endswith((".csv", ".csv.gz")) for path in partial.iterdir()):
        raise InputError(f"{partial} is in the way and was not written by gridstudio: choose another place.")
    shutil.rmtree(partial)
