"""OpenDSS line codes for the conductors that lines may get, from how the lines are built."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.conductors import Catalogue, Conductor
from gridstudio.domain.line_constants import Structure, line_matrices, standard_structures
from gridstudio.domain.network import Network
from gridstudio.errors import InputError
from gridstudio.planning.reconductoring.settings import Conductors, Construction

LETTERS = {1: "A", 2: "B", 3: "C"}


def line_codes(
    settings: Conductors, network: Network, catalogue: Catalogue, lines: Sequence[str], existing: NDArray[np.intp]
) -> tuple[list[str], dict[tuple[int, int], str]]:
    """Commands that define a line code for every larger conductor on every kind of line, and which line takes which.

    The result maps (row of ``lines``, conductor row) to the code's name; empty if impedances stay unchanged.
    InputError with all findings where the study does not say how a line is built.
    """
    if settings.impedance == "unchanged":
        return [], {}
    structures = standard_structures()
    code_of_line = dict(zip(network.lines["line"], network.lines["line_code"], strict=True))
    construction = {code.lower(): built for code, built in settings.construction.items()}
    orders = {line: _phase_order(network, line) for line in lines}
    wrong: list[str] = []
    for line in lines:
        code = code_of_line[line]
        wrong += _misfits(line, code, construction.get(code), orders[line], structures)
    if wrong:
        raise InputError.from_findings("The study does not say how lines are built", dict.fromkeys(wrong))
    names: dict[tuple[int, str, str], str] = {}
    commands: list[str] = []
    chosen: dict[tuple[int, int], str] = {}
    for index, line in enumerate(lines):
        built = construction[code_of_line[line]]
        for row in catalogue.selectable_above(int(existing[index])):
            key = (int(row), code_of_line[line], orders[line])
            if key not in names:
                conductor = catalogue.conductor(catalogue.names[row])
                neutral = catalogue.conductor(built.neutral) if built.neutral else None
                names[key] = f"gs_{len(names)}_{re.sub('[^a-z0-9]+', '_', conductor.name.lower())}"
                matrices = _matrices(built, structures, conductor, neutral, orders[line], network.frequency_hz)
                commands.append(_command(names[key], matrices, network.frequency_hz))
            chosen[index, int(row)] = names[key]
    return commands, chosen


def _phase_order(network: Network, line: str) -> str:
    """Phases of a line in its own order, e.g. "CB"; "?" for a conductor on no phase (a neutral of its own)."""
    conductors = network.conductors
    nodes = conductors.loc[conductors["branch"] == network.line_row[line], "phase"]
    return "".join(LETTERS.get(int(node), "?") for node in nodes)


def _misfits(
    line: str, code: str, built: Construction | None, order: str, structures: dict[str, Structure]
) -> list[str]:
    if built is None:
        return [f"conductors.construction has no entry for line code {code!r} (line {line})."]
    if built.structure not in structures:
        known = ", ".join(structures)
        return [f"conductors.construction: there is no structure {built.structure!r}; known: {known}."]
    if "?" in order:
        return [f"Line {line} has a conductor on a node other than 1, 2, 3: put it into exclude_lines."]
    if set(order) != set(built.phases) and not len(order) == len(built.phases) == 1:
        return [f"Line {line} has the phases {order}, the construction of its line code {code!r} has {built.phases}."]
    return []


def _matrices(
    built: Construction,
    structures: dict[str, Structure],
    conductor: Conductor,
    neutral: Conductor | None,
    order: str,
    frequency_hz: float,
) -> list[NDArray[np.float64]]:
    """Resistance, reactance [ohm/km] and capacitance [nF/km], rows in the line's own order of phases."""
    found = line_matrices(conductor, neutral, structures[built.structure], built.phases, frequency_hz)
    if len(order) == 1:
        return list(found)
    place = [sorted(built.phases).index(letter) for letter in order]  # they come in the order A, B, C
    return [matrix[np.ix_(place, place)] for matrix in found]


def _command(name: str, matrices: Sequence[NDArray[np.float64]], frequency_hz: float) -> str:
    r, x, c = (
        "[" + " | ".join(" ".join(f"{value:.9g}" for value in row) for row in matrix) + "]" for matrix in matrices
    )
    return (
        f"new linecode.{name} nphases={len(matrices[0])} units=km basefreq={frequency_hz:g} "
        f"rmatrix={r} xmatrix={x} cmatrix={c}"
    )
