"""What the chosen days keep of the year: means, peaks, and the factors that brought them to the year's means."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.network import Finding
from gridstudio.planning.transition.days.construct import KINDS, Chosen, Year

FloatArray = NDArray[np.float64]

COLUMNS = ("kind", "mean", "mean_of_days", "highest", "highest_of_days", "least_factor", "highest_factor", "most_short")
_MANIFOLD = 2.0  # a factor, or one over it, that no longer scales a day but invents it
_LEAST_SHORT = 1e-6  # of a place's mean
_LEAST_PEAK = 0.01  # of the year's peak
_WHAT = {"load_mw": "load of a bus", "wind_pu": "wind output of a zone", "solar_pu": "solar output of a zone"}


def fidelity(year: Year, chosen: Chosen, factors: Mapping[str, FloatArray] | None = None) -> pd.DataFrame:
    """A row for each kind: load in the sum over buses [MW], the rest in the mean over places.

    ``mean``, ``highest`` of the year, ``mean_of_days``, ``highest_of_days`` of the days; ``least_factor`` and
    ``highest_factor`` over places, 1 where nothing was scaled; ``most_short``: the largest share of its year's mean
    that a place lacks on the days.
    """
    return pd.DataFrame([_row(year, chosen, kind, (factors or {}).get(kind)) for kind in KINDS], columns=list(COLUMNS))


def _row(year: Year, chosen: Chosen, kind: str, factors: FloatArray | None) -> tuple[object, ...]:
    together = np.sum if kind == "load_mw" else np.mean
    of_year, of_days = year.by_day(kind), getattr(chosen.days, kind)
    whole, kept = together(of_year, axis=2), together(of_days, axis=2)
    mean = of_year.mean(axis=(0, 1))
    now = np.tensordot(chosen.days.weights, of_days.mean(axis=1), 1)
    short = np.divide(mean - now, mean, out=np.zeros_like(mean), where=mean > 0)
    used = np.ones(1) if factors is None or not len(factors) else factors
    numbers = (whole.mean(), chosen.days.weights @ kept.mean(axis=1), whole.max(), kept.max())
    return kind, *(float(x) for x in (*numbers, used.min(), used.max(), max(short.max(initial=0.0), 0.0)))


def remarks(table: pd.DataFrame, scaled: bool) -> list[Finding]:
    """Warnings: scaling that misses a mean or bends days beyond what they are, and a peak that no day has."""
    rows = table.set_index("kind")
    texts = [text for kind in _WHAT if scaled for text in _of_scaling(kind, rows.loc[kind])]
    load = rows.loc["load_mw"]
    if load["highest_of_days"] < (1 - _LEAST_PEAK) * load["highest"]:
        texts.append(
            f"The year's highest load is {load['highest']:,.0f} MW, that of the representative days "
            f"{load['highest_of_days']:,.0f} MW: what is needed only at the peak is not planned for; take more days."
        )
    return [Finding("warning", text) for text in texts]


def _of_scaling(kind: str, row: pd.Series) -> list[str]:
    found = []
    if row["highest_factor"] > _MANIFOLD or row["least_factor"] < 1 / _MANIFOLD:
        found.append(
            f"The {_WHAT[kind]} is scaled by factors from {row['least_factor']:.3g} to {row['highest_factor']:.3g}: "
            "days so far from the year's mean are no longer weather that was; take more days."
        )
    if row["most_short"] > _LEAST_SHORT:
        found.append(
            f"The {_WHAT[kind]} stays up to {row['most_short']:.1%} below its mean of the year, for its representative "
            "days have too few hours of output to be scaled; take more days."
        )
    return found
