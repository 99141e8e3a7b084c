"""How many hours each branch and bus spends at which loading and voltage, counted while the year is solved.

Counts by level take the same room for a day and for a year, so that duration curves need no series of every element.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
LOADING_PU: Floats = np.arange(151, dtype=np.float64) / 50  # 0 to 3.00
VOLTAGE_PU: Floats = 0.8 + np.arange(161, dtype=np.float64) / 400  # 0.80 to 1.20
WORST = 6  # branches, and buses on either side, whose levels are told


@dataclass(frozen=True, eq=False)
class Levels:
    """Hours in each class, (element, class): class k from level k to the next, the first below, the last above all."""

    loading: Ints
    lowest: Ints
    highest: Ints

    def __add__(self, other: "Levels") -> "Levels":
        return Levels(self.loading + other.loading, self.lowest + other.lowest, self.highest + other.highest)


def count_levels(loading_pu: Floats, lowest_pu: Floats, highest_pu: Floats) -> Levels:
    """From (hour, branch) and twice (hour, bus); what is not finite is not counted."""
    return Levels(_classes(loading_pu, LOADING_PU), _classes(lowest_pu, VOLTAGE_PU), _classes(highest_pu, VOLTAGE_PU))


def levels_table(found: Levels, branches: pd.DataFrame, buses: pd.DataFrame) -> pd.DataFrame:
    """The table ``levels`` of the package for the worst branches and buses of its tables, the worst first."""
    over = branches.sort_values(["hours_over", "loading_max_pu"], ascending=False, kind="stable")
    over = over[over["loading_max_pu"].notna()]
    low = buses.sort_values(["hours_low", "v_min_pu"], ascending=[False, True], kind="stable")
    high = buses.sort_values(["hours_high", "v_max_pu"], ascending=[False, False], kind="stable")
    parts = [
        *_rows("loading_pu", over["element"], _at_least(found.loading), LOADING_PU),
        *_rows("v_min_pu", low["bus"], _below(found.lowest), VOLTAGE_PU),
        *_rows("v_max_pu", high["bus"], _at_least(found.highest), VOLTAGE_PU),
    ]
    columns = {"quantity": str, "element": str, "level_pu": float, "hours": int}
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns)).astype(columns)


def _classes(values: Floats, levels: Floats) -> Ints:
    """Hours (element, class) of values (hour, element); levels are evenly spaced."""
    step, size = levels[1] - levels[0], len(levels) + 1
    finite = np.isfinite(values)
    index = np.clip(np.floor((np.where(finite, values, 0.0) - levels[0]) / step + 1e-9) + 1, 0, size - 1).astype(int)
    flat = (np.arange(values.shape[1]) * size + index)[finite]
    return np.bincount(flat, minlength=values.shape[1] * size).reshape(values.shape[1], size)


def _at_least(classes: Ints) -> Ints:
    """(element, level): hours at or above each level."""
    summed: Ints = classes[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return summed


def _below(classes: Ints) -> Ints:
    """(element, level): hours below each level."""
    summed: Ints = classes.cumsum(axis=1)[:, :-1]
    return summed


def _rows(quantity: str, ranked: "pd.Series[str]", hours: Ints, levels: Floats) -> list[pd.DataFrame]:
    return [
        pd.DataFrame({"quantity": quantity, "element": name, "level_pu": levels.round(4), "hours": hours[int(row)]})
        for row, name in ranked.head(WORST).items()
    ]
