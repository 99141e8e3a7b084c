"""Impedance and capacitance of an overhead line from its conductors and where they hang.

Series impedance follows Carson's equations in their modified form, shunt capacitance Maxwell's potential coefficients;
both as in W. H. Kersting, *Distribution System Modeling and Analysis* (CRC Press), chapters 4 and 5; equation numbers
are those of the second edition (2007).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.catalogue_files import missing_columns, numbers, read_rows
from gridstudio.domain.conductors import Conductor
from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
VACUUM_PERMITTIVITY_F_PER_M = 8.8541878128e-12
VACUUM_PERMEABILITY_H_PER_M = 4e-7 * math.pi
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Structure:
    """A pole head: where its phase wires and its neutral hang, each as (x, mean height above ground), in metres."""

    name: str
    phases_m: tuple[tuple[float, float], ...]
    neutral_m: tuple[float, float] | None = None


def line_matrices(
    conductor: Conductor,
    neutral: Conductor | None,
    structure: Structure,
    phases: str,
    frequency_hz: float = 60.0,
    earth_resistivity_ohm_m: float = 100.0,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Series resistance and reactance (ohm/km) and capacitance (nF/km) of an overhead line, each (phase, phase).

    ``phases`` names the phase on each position of the structure, e.g. "BAC"; rows and columns come out in the order
    A, B, C. The neutral is grounded everywhere and reduced into the phases; without one (None) the line has three
    wires. Not for cables, nor for harmonics: the two terms kept of Carson's series are 0.3 % off the full one at 60 Hz.
    """
    places = [structure.phases_m[i] for i in _positions_by_phase(structure, phases)]
    wires = [conductor] * len(places)
    if neutral is not None:
        if structure.neutral_m is None:
            raise InputError(f"Structure '{structure.name}' has no place for a neutral; give none.")
        places, wires = [*places, structure.neutral_m], [*wires, neutral]
    resistance = np.array([wire.ac_resistance_ohm_per_km for wire in wires])
    gmr = np.array([wire.gmr_m for wire in wires])
    radius = np.array([wire.diameter_m / 2 for wire in wires])
    impedance = _primitive_impedance_ohm_per_km(places, resistance, gmr, frequency_hz, earth_resistivity_ohm_m)
    series = _kron_reduced(impedance, len(phases))
    capacitance = np.linalg.inv(_kron_reduced(_potential_coefficients_km_per_nf(places, radius), len(phases)))
    return series.real.copy(), series.imag.copy(), capacitance


def read_structures(path: Path | str) -> dict[str, Structure]:
    """The structures in a CSV file: one row per wire (structure, wire, x_m, height_m); wire is 1, 2, 3 or N."""
    header, rows, findings = read_rows(path)
    findings += missing_columns(header, ("structure", "wire", "x_m", "height_m"))
    if not findings:
        x, height = numbers(rows, "x_m", findings, least=-math.inf), numbers(rows, "height_m", findings)
        wrong = [(n, r["wire"]) for n, r in rows if r["wire"] not in ("1", "2", "3", "N")]
        findings += [f"line {n}: wire is '{wire}'; it must be 1, 2, 3 or N" for n, wire in wrong]
        wires = [(row["structure"], row["wire"]) for _, row in rows]
        findings += [f"line {n}: this wire was given already" for i, (n, _) in enumerate(rows) if wires[i] in wires[:i]]
    if findings:
        raise InputError.from_findings(f"Structures {path}", findings)
    places = dict(zip(wires, zip(x.tolist(), height.tolist(), strict=True), strict=True))
    return {
        name: Structure(name, tuple(places[name, w] for w in "123" if (name, w) in places), places.get((name, "N")))
        for name, _ in wires
    }


def standard_structures() -> dict[str, Structure]:
    """The overhead spacings 500 (three-phase), 505 (two-phase) and 510 (one-phase) of the IEEE test feeders."""
    return read_structures(_DATA / "structures.csv")


def _positions_by_phase(structure: Structure, phases: str) -> list[int]:
    if len(phases) != len(structure.phases_m) or len(set(phases)) != len(phases) or set(phases) - set("ABC"):
        raise InputError(
            f"Structure '{structure.name}' carries {len(structure.phases_m)} phases, but phases = '{phases}'; "
            "name each phase A, B or C once, by position."
        )
    return sorted(range(len(phases)), key=lambda i: phases[i])


def _primitive_impedance_ohm_per_km(
    places: Sequence[tuple[float, float]],
    resistance_ohm_per_km: FloatArray,
    gmr_m: FloatArray,
    frequency_hz: float,
    earth_resistivity_ohm_m: float,
) -> NDArray[np.complex128]:
    """Modified Carson's equations, Kersting (4.39) and (4.40), in SI units.

    To every element the earth adds the resistance omega mu0 / 8, and a return path at a distance of ``depth_m``:
    851 m for 100 ohm-m at 60 Hz, whose logarithm in feet is Kersting's constant 7.93402.
    """
    omega = 2 * math.pi * frequency_hz
    depth_m = (
        2 * math.exp(0.5 - np.euler_gamma) / math.sqrt(omega * VACUUM_PERMEABILITY_H_PER_M / earth_resistivity_ohm_m)
    )
    distance = _distances(places, places)
    np.fill_diagonal(distance, gmr_m)
    earth_ohm_per_km = omega * VACUUM_PERMEABILITY_H_PER_M / 8 * 1e3
    reactance_ohm_per_km = omega * VACUUM_PERMEABILITY_H_PER_M / (2 * math.pi) * np.log(depth_m / distance) * 1e3
    return np.diag(resistance_ohm_per_km) + earth_ohm_per_km + 1j * reactance_ohm_per_km


def _potential_coefficients_km_per_nf(places: Sequence[tuple[float, float]], radius_m: FloatArray) -> FloatArray:
    """Maxwell's coefficients with the wires' images in the earth, Kersting (5.9) and (5.10)."""
    images = [(x, -height) for x, height in places]
    distance = _distances(places, places)
    np.fill_diagonal(distance, radius_m)
    per_f_per_m = np.log(_distances(places, images) / distance) / (2 * math.pi * VACUUM_PERMITTIVITY_F_PER_M)
    return per_f_per_m * 1e-12  # 1 F/m is 1e12 nF/km


def _distances(a: Sequence[tuple[float, float]], b: Sequence[tuple[float, float]]) -> FloatArray:
    return np.asarray(np.linalg.norm(np.array(a)[:, None, :] - np.array(b)[None, :, :], axis=2))


def _kron_reduced(matrix: NDArray[Any], kept: int) -> NDArray[Any]:
    """The first ``kept`` rows and columns after the others, held at zero, are eliminated: Kersting (4.55)."""
    if kept == len(matrix):
        return matrix
    right = np.linalg.solve(matrix[kept:, kept:], matrix[kept:, :kept])
    return np.asarray(matrix[:kept, :kept] - matrix[:kept, kept:] @ right)
