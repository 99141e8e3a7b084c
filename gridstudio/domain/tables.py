"""CSV tables that a study names: read whole, or refused in one sentence."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gridstudio.domain.catalogue_files import refuse_other_separators
from gridstudio.errors import InputError


def read_table(path: Path, what: str, columns: Sequence[str], texts: Sequence[str] | None = None) -> pd.DataFrame:
    """A table with at least these columns; InputError that says ``what`` it was to be.

    Cells are text, empty where nothing stands; where ``texts`` are named, all other columns are read as numbers if they
    are such. Lines that begin with '#' are comments.
    """
    kinds = {"dtype": str, "keep_default_na": False} if texts is None else {"dtype": dict.fromkeys(texts, str)}
    try:
        table = pd.read_csv(path, skipinitialspace=True, comment="#", **kinds)
    except FileNotFoundError:
        raise InputError(f"There is no {what} {path}.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"The {what} {path} cannot be read: {error}.") from None
    refuse_other_separators(path, [str(column) for column in table.columns])
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(f"{path}: the {what} has no column {', '.join(missing)}.")
    return table
