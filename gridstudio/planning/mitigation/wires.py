"""What larger conductors make of lines of which only the matrices are known.

A new phase conductor in the place of the old one changes, of the series impedance, the diagonal alone: Carson's
equations put its resistance and its geometric mean radius there and nowhere else, and the reduction of neutral and
earth takes off the same as before. So the new matrix is the old one plus dr + j dx on its diagonal.

The new conductor is known by its rating only: resistance and GMR are those of standard ACSR at that rating, between
the rows of the catalogue in proportion of logarithms. The old one's resistance is the smallest eigenvalue of R (what
earth and neutral add is nearly of rank one, so this is its own) unless its rating says less. For cables the
resistance falls in the same proportion and the reactance stays.
"""

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.conductors import standard_acsr
from gridstudio.domain.network import Network
from gridstudio.engine import Impedance

Floats = NDArray[np.float64]
METRES = {"mi": 1609.344, "kft": 304.8, "km": 1000.0, "m": 1.0, "ft": 0.3048, "in": 0.0254, "cm": 0.01, "mm": 0.001}
CABLE_NF_PER_KM = 60.0  # overhead lines have 6 to 15 nF/km on the diagonal, cables 100 to 500
_CABLE = re.compile(r"(^|[^a-z])(ug|urd|cable|underground|xlpe|epr)([^a-z]|$)")


def underground(network: Network, impedances: dict[str, Impedance], named: Iterable[str]) -> frozenset[str]:
    """Lines that are cables: by the study, by the name of their line code, or by their charging."""
    codes = {code.lower() for code in named}
    found = set()
    for line, code in network.line_codes.items():
        z = impedances.get(line)
        metres = METRES.get(z.unit, np.nan) if z else np.nan
        charging = z is not None and float(z.c_nf[0, 0]) * 1000.0 / metres > CABLE_NF_PER_KM
        if code in codes or _CABLE.search(code) or charging:
            found.add(line)
    return frozenset(found)


def larger(old: Impedance, rating_a: float, new_rating_a: float, cable: bool, frequency_hz: float) -> Impedance:
    """The impedance of a line whose conductors are replaced by those of another rating [A]."""
    r_km, gmr_m = _acsr(np.array([rating_a, new_rating_a]))
    km = METRES[old.unit] / 1000.0
    own = min(float(np.linalg.eigvalsh(old.r_ohm).min()), float(r_km[0]) * km)
    dr = own * (float(r_km[1] / r_km[0]) - 1.0)
    omega = 2 * np.pi * frequency_hz
    dx = 0.0 if cable else omega * 2e-4 * km * float(np.log(gmr_m[0] / gmr_m[1]))
    one = np.eye(len(old.r_ohm))
    return Impedance(old.r_ohm + dr * one, old.x_ohm + dx * one, old.c_nf, old.unit)


def command(name: str, z: Impedance, frequency_hz: float, rating_a: float) -> str:
    """The OpenDSS line code of an impedance."""
    r, x, c = (
        "[" + " | ".join(" ".join(f"{value:.9g}" for value in row) for row in matrix) + "]"
        for matrix in (z.r_ohm, z.x_ohm, z.c_nf)
    )
    return (
        f"new linecode.{name} nphases={len(z.r_ohm)} units={z.unit} basefreq={frequency_hz:g} "
        f"rmatrix={r} xmatrix={x} cmatrix={c} normamps={rating_a:g} emergamps={rating_a:g}"
    )


def _acsr(rating_a: Floats) -> tuple[Floats, Floats]:
    """Resistance [ohm/km] and GMR [m] of standard ACSR at ratings; beyond the table its ends go on."""
    table = standard_acsr()
    assert table.ac_resistance_ohm_per_km is not None
    assert table.gmr_m is not None
    x = np.log(table.ampacity_a)
    slope = -2.0  # of log r over log I beyond the table: losses per length stay
    at = np.log(rating_a)
    log_r = np.interp(at, x, np.log(table.ac_resistance_ohm_per_km))
    log_r += slope * (np.maximum(at - x[-1], 0.0) + np.minimum(at - x[0], 0.0))
    gmr_m: Floats = np.exp(np.interp(at, x, np.log(np.maximum.accumulate(table.gmr_m))))
    return np.exp(log_r), gmr_m
