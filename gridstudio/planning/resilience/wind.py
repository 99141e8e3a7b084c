"""Wind: distributions of the speed of an event by region, and their mixture for one study."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError

Floats = NDArray[np.float64]
COLUMNS = ("region", "distribution", "location_m_s", "scale_m_s", "shape", "table", "source")
PARAMETERS = {"weibull": ("scale_m_s", "shape"), "lognormal": ("scale_m_s", "shape"), "gumbel": ("location_m_s",)}
PARAMETERS["gumbel"] += ("scale_m_s",)


@dataclass(frozen=True, eq=False)
class Region:
    """Wind speed [m/s] of an event in one region; ``law`` has scipy's pdf, cdf and ppf.

    Weibull: ``scale_m_s`` and ``shape``; lognormal: median ``scale_m_s`` and standard deviation of the logarithm
    ``shape``; Gumbel (largest extreme): ``location_m_s`` (mode) and ``scale_m_s``; table: points of the cumulative
    distribution, linear between them.
    """

    name: str
    distribution: str
    law: Any
    source: str

    def density(self, wind_m_s: Floats) -> Floats:
        """Probability density [s/m]."""
        return np.asarray(self.law.pdf(wind_m_s), dtype=float)

    def speed(self, level: Floats) -> Floats:
        """Wind speed that an event stays below with probability ``level``; a Gumbel's negative tail is calm."""
        return np.asarray(np.maximum(self.law.ppf(level), 0.0), dtype=float)


@dataclass(frozen=True, eq=False)
class Wind:
    """The events of a study: each comes from one region, with probability ``shares`` (region,).

    ``regions``: all of the table, for the record; a share of 0 leaves one out.
    """

    regions: tuple[Region, ...]
    shares: Floats

    def draw(self, which: Floats, level: Floats) -> Floats:
        """Wind speeds (storm,) [m/s] from two uniform numbers of each event: its region, and its level in it."""
        of = np.searchsorted(np.cumsum(self.shares)[:-1], which, side="right")
        speeds = np.stack([region.speed(level) for region in self.regions])
        return np.asarray(speeds[of, np.arange(len(level))])


def read_wind(path: Path, shares: Mapping[str, float]) -> Wind:
    """The regions of a table (CSV; columns ``COLUMNS``) and their shares; InputError with all findings."""
    table = read_table(path, "table of wind regions", COLUMNS[:5])
    wrong: list[str] = []
    regions = [
        region
        for row in table.to_dict("records")
        if (region := _region({str(k): v for k, v in row.items()}, path, wrong))
    ]
    names = [region.name for region in regions]
    if not wrong:
        wrong += [f"region {name!r} stands there twice." for name in sorted({n for n in names if names.count(n) > 1})]
        wrong += [
            f"the study asks for region {name!r}, the table has {', '.join(names)}."
            for name in shares
            if name not in names
        ]
    if wrong:
        raise InputError.from_findings(str(path), wrong)
    return Wind(tuple(regions), np.array([shares.get(name, 0.0) for name in names]))


def _region(row: Mapping[str, str], path: Path, wrong: list[str]) -> Region | None:
    name, kind = row["region"], row["distribution"]
    source = row.get("source", "") or "assumed"
    try:
        if kind == "table":
            return Region(name, kind, _tabulated(path.parent / row.get("table", "")), source)
        if kind not in PARAMETERS:
            raise ValueError(f"its distribution {kind!r} is none of {', '.join([*PARAMETERS, 'table'])}.")
        given = {key: _number(row[key], key) for key in PARAMETERS[kind]}
        if kind == "gumbel":
            return Region(name, kind, stats.gumbel_r(given["location_m_s"], _positive(given, "scale_m_s")), source)
        scale, shape = _positive(given, "scale_m_s"), _positive(given, "shape")
        law = stats.weibull_min(shape, scale=scale) if kind == "weibull" else stats.lognorm(shape, scale=scale)
        return Region(name, kind, law, source)
    except ValueError as error:
        wrong.append(f"Region {name!r}: {error}")
        return None


def _number(text: str, key: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise ValueError(f"{key} = {text!r} should be a number.") from None
    if not np.isfinite(found):
        raise ValueError(f"{key} = {text!r} should be a finite number.")
    return found


def _positive(given: Mapping[str, float], key: str) -> float:
    if given[key] <= 0:
        raise ValueError(f"{key} = {given[key]:g} should be above 0.")
    return given[key]


def _tabulated(path: Path) -> Any:
    """The distribution with the cumulative probabilities of a CSV: wind_m_s, cdf."""
    try:
        table = pd.read_csv(path, comment="#")
        speed, level = table["wind_m_s"].to_numpy(dtype=float), table["cdf"].to_numpy(dtype=float)
    except (OSError, KeyError, ValueError):
        raise ValueError(f"its table {path.name!r} cannot be read; it should have wind_m_s and cdf.") from None
    rising = (
        len(speed) > 1
        and np.isfinite(speed).all()
        and (np.diff(speed) > 0).all()
        and (np.diff(level) >= 0).all()
        and speed[0] >= 0
    )
    if not rising or level[0] != 0 or abs(level[-1] - 1) > 1e-9:
        raise ValueError(f"the points of {path.name!r} should rise, from cdf 0 to 1 and from 0 m/s or more.")
    return stats.rv_histogram((np.diff(level), speed), density=False)
