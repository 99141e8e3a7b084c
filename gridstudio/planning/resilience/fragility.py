"""Fragility: how probably a line fails in wind, by its length, overhead or underground, hardened or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Key = tuple[str, bool]  # kind, hardened
KINDS = ("overhead", "underground")
COLUMNS = ("kind", "hardened", "median_m_s", "sigma", "wind_m_s", "probability", "reference_length_m", "source")
GRID_M_S = np.linspace(0.0, 100.0, 201)  # where curves are compared and shown


class Shape(Protocol):
    """Contract: probability (...) of failure of one reference length at wind speeds (...) [m/s]: 0 without wind,
    never falling, within [0, 1].
    """

    def at(self, wind_m_s: Floats) -> Floats: ...


@dataclass(frozen=True)
class Lognormal:
    """Lognormal CDF: half of the reference lengths fail at ``median_m_s``; ``sigma`` of the logarithm."""

    median_m_s: float
    sigma: float

    def at(self, wind_m_s: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(norm.cdf((np.log(wind_m_s) - np.log(self.median_m_s)) / self.sigma))


@dataclass(frozen=True, eq=False)
class Points:
    """Linear between points; below the first 0, above the last as the last."""

    wind_m_s: Floats
    probability: Floats

    def at(self, wind_m_s: Floats) -> Floats:
        return np.interp(wind_m_s, self.wind_m_s, self.probability, left=0.0)


@dataclass(frozen=True)
class Curve:
    """Fragility of a reference length of line (a span, say); equal lengths fail independently of each other."""

    shape: Shape
    reference_length_m: float
    source: str

    def line(self, wind_m_s: Floats, length_m: Floats) -> Floats:
        """Probability (storm, line) that a line fails: 1 - (1 - p)^(length / reference length)."""
        survives = np.log1p(-np.minimum(self.shape.at(wind_m_s), 1.0 - 1e-16))
        return np.asarray(-np.expm1(np.outer(survives, length_m / self.reference_length_m)))


@dataclass(frozen=True)
class Fragility:
    """Curves by kind and hardening. Without a curve for hardened lines of a kind, hardening is without effect."""

    curves: Mapping[Key, Curve]

    def probability(self, wind_m_s: Floats, length_m: Floats, underground: Bools, hardened: bool) -> Floats:
        """Probability of failure (storm, line)."""
        found = np.zeros((len(wind_m_s), len(length_m)))
        for kind, mask in (("overhead", ~underground), ("underground", underground)):
            if mask.any():
                curve = self.curves.get((kind, hardened)) or self.curves[kind, False]
                found[:, mask] = curve.line(wind_m_s, length_m[mask])
        return found


def read_fragility(path: Path, underground: bool, hardening: bool) -> Fragility:
    """The curves of a table (CSV; columns ``COLUMNS``); InputError with all findings.

    A curve is one row with ``median_m_s`` and ``sigma``, or several rows with ``wind_m_s`` and ``probability``.
    ``underground``: whether the circuit needs a curve for cables; ``hardening``: whether lines may be hardened.
    """
    table = read_table(path, "fragility table", COLUMNS[:-1])
    wrong: list[str] = []
    curves: dict[Key, Curve] = {}
    for (kind, hardened), rows in table.groupby(["kind", "hardened"], sort=False):
        label = f"Fragility of {kind} lines{', hardened' if hardened == 'true' else ''}"
        try:
            if kind not in KINDS or hardened not in ("true", "false"):
                raise ValueError("kind should be overhead or underground, hardened true or false.")
            curves[str(kind), hardened == "true"] = _curve(rows)
        except ValueError as error:
            wrong.append(f"{label}: {error}")
    wrong = wrong or [*_missing(curves, underground, hardening), *_worse(curves)]
    if wrong:
        raise InputError.from_findings(str(path), wrong)
    return Fragility(curves)


def _curve(rows: pd.DataFrame) -> Curve:
    number = rows[[*COLUMNS[2:7]]].apply(pd.to_numeric, errors="coerce")
    reference = number["reference_length_m"].iloc[0]
    if not 0 < reference < np.inf:
        raise ValueError(f"reference_length_m = {rows['reference_length_m'].iloc[0]!r} should be above 0.")
    if (number["reference_length_m"] != reference).any():
        raise ValueError("its rows should have the same reference_length_m.")
    source = str(rows["source"].iloc[0]) if "source" in rows else ""
    if number["median_m_s"].notna().any():
        median, sigma = number[["median_m_s", "sigma"]].iloc[0]
        if len(rows) > 1 or not (0 < median < np.inf and 0 < sigma < np.inf):
            raise ValueError("a lognormal curve is one row with median_m_s and sigma above 0.")
        return Curve(Lognormal(float(median), float(sigma)), float(reference), source or "assumed")
    return Curve(_points(number), float(reference), source or "assumed")


def _points(number: pd.DataFrame) -> Points:
    wind, probability = number["wind_m_s"].to_numpy(dtype=float), number["probability"].to_numpy(dtype=float)
    if not np.isfinite(wind).all() or np.isnan(probability).any():
        raise ValueError("give median_m_s and sigma, or wind_m_s and probability in every row.")
    outside = np.flatnonzero((probability < 0) | (probability > 1))
    if len(outside):
        raise ValueError(
            f"probability {probability[outside[0]]:g} at {wind[outside[0]]:g} m/s should lie between 0 and 1."
        )
    if (np.diff(wind) <= 0).any():
        raise ValueError("the wind speeds of its points should rise.")
    falls = np.flatnonzero(np.diff(probability) < 0)
    if len(falls):
        at = falls[0] + 1
        raise ValueError(
            f"the curve is not monotone: probability falls from {probability[at - 1]:g} to {probability[at]:g} "
            f"at {wind[at]:g} m/s."
        )
    if wind[0] < 0 or (wind[0] == 0 and probability[0] > 0):
        raise ValueError("without wind no line fails: the curve should begin at 0 m/s with probability 0, or later.")
    return Points(wind, probability)


def _missing(curves: Mapping[Key, Curve], underground: bool, hardening: bool) -> list[str]:
    wanted = [("overhead", False)] + [("underground", False)] * underground + [("overhead", True)] * hardening
    return [
        f"there is no curve for {kind} lines{', hardened' if hard else ''}, and the study has such lines."
        for kind, hard in wanted
        if (kind, hard) not in curves
    ]


def _worse(curves: Mapping[Key, Curve]) -> list[str]:
    """Kinds whose hardened lines would fail where others hold."""
    one = np.array([1.0])
    return [
        f"hardened {kind} lines fail more often than others at some wind speed: exchange the two curves."
        for kind in KINDS
        if {(kind, False), (kind, True)} <= curves.keys()
        and (curves[kind, True].line(GRID_M_S, one) > curves[kind, False].line(GRID_M_S, one) + 1e-12).any()
    ]
