"""Changes of lines and sources: switching, other conductors, more circuits."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import ParallelLine, Reconductor, SetSource, SetSwitch
from gridstudio.engine.edits import Edits, admittance
from gridstudio.engine.inventory import Inventory, unknown
from gridstudio.engine.reading import UNITS

Matrix = NDArray[np.float64]

# -- what does not fit ----------------------------------------------------------------------------------------------


def source_misfits(inventory: Inventory, change: SetSource) -> list[str]:
    known = inventory.network.source_row
    return [] if change.source in known else [unknown("voltage source", change.source, known)]


def switch_misfits(inventory: Inventory, change: SetSwitch) -> list[str]:
    known = inventory.network.line_row
    return [] if change.line in known else [unknown("line", change.line, known)]


def reconductor_misfits(inventory: Inventory, change: Reconductor) -> list[str]:
    network, line, named = inventory.network, change.line, change.line_code
    if line not in network.line_row:
        return [unknown("line", line, network.line_row)]
    if not 0 < change.ampacity_a < math.inf:
        return [f"Line {line!r}: the new rating of {change.ampacity_a:g} A is not a positive number."]
    if named is None:
        return []
    code, phases = named.lower(), inventory.code_phases
    if code not in phases:
        return [f"Line {line!r}: the circuit has no line code {named!r}."]
    if phases[code] != int(network.line_phases[line]):
        return [f"Line {line!r} has {network.line_phases[line]} phases, line code {named!r} has {phases[code]}."]
    today = inventory.code_unit.get(str(network.line_codes[line]), "none")
    if inventory.line_unit[line] == "none" and inventory.code_unit[code] != today:
        return [
            f"Line {line!r} has no length unit, line code {named!r} is per {inventory.code_unit[code]}: OpenDSS would "
            f"take the line's length for {inventory.code_unit[code]}. Give the line units=."
        ]
    return []


def parallel_misfits(inventory: Inventory, change: ParallelLine) -> list[str]:
    line = change.line
    if line not in inventory.network.line_row:
        return [unknown("line", line, inventory.network.line_row)]
    if isinstance(change.circuits, bool) or not isinstance(change.circuits, int) or change.circuits < 1:
        return [f"Line {line!r}: {change.circuits!r} circuits in parallel is not a whole number of at least 1."]
    if line in inventory.switches:
        return [f"Line {line!r} is a switch: it has no circuit that could be doubled."]
    return []


# -- what is done ---------------------------------------------------------------------------------------------------


def set_switch(edits: Edits, change: SetSwitch) -> None:
    _set_closed(edits, f"line.{change.line}", (1, 2), change.closed)


def set_source(edits: Edits, change: SetSource) -> None:
    _set_closed(edits, f"vsource.{change.source}", (1,), change.closed)
    edits.sources = True


def reconductor(edits: Edits, change: Reconductor) -> None:
    if change.line_code is None:
        return
    back, ratings = _first_touch(edits, change.line)
    edits.run(f'edit "line.{change.line}" linecode="{change.line_code}" {ratings}', f"{back} {ratings}")


def parallel(edits: Edits, change: ParallelLine) -> None:
    back, ratings = _first_touch(edits, change.line)
    edits.run(f'edit "line.{change.line}" {_impedance(edits, change)} {ratings}', f"{back} {ratings}")


def _first_touch(edits: Edits, line: str) -> tuple[str, str]:
    """The way back to the line as it stands now, and its ratings: they stay the circuit's, new ones are the
    evaluator's. At first touch its matrices per length are kept as well, for more circuits of the same."""
    dss = edits.dss
    edits.watch(f"line.{line}", lambda: admittance(dss, f"line.{line}"))
    back = _describe(dss, line)
    ratings = f"normamps={dss.Lines.NormAmps()!r} emergamps={dss.Lines.EmergAmps()!r}"
    edits.found.setdefault(f"line.{line}", _matrices(dss, line))
    return f'edit "line.{line}" {back}', ratings


def _impedance(edits: Edits, change: ParallelLine) -> str:
    r, x, c, unit, length = edits.found[f"line.{change.line}"]
    n = change.circuits
    return _written(r / n, x / n, c * n, unit, length)


def _matrices(dss: Any, line: str) -> tuple[Any, ...]:
    """R, X and C per length of a line, its unit and its length."""
    dss.Lines.Name(line)
    phases = dss.Lines.Phases()
    r, x, c = (
        np.array(values, dtype=float).reshape(phases, phases)
        for values in (dss.Lines.RMatrix(), dss.Lines.XMatrix(), dss.Lines.CMatrix())
    )
    return r, x, c, UNITS[int(dss.Lines.Units())], dss.Lines.Length()


def _written(r: Matrix, x: Matrix, c: Matrix, unit: str, length: float) -> str:
    """Matrices as OpenDSS reads them. With the number of phases, which 'save circuit' leaves out if a line code gave
    it, and with the unit, which matrices reset and the next line code would need."""
    return f"phases={len(r)} rmatrix={_text(r)} xmatrix={_text(x)} cmatrix={_text(c)} units={unit} length={length!r}"


def _text(matrix: Matrix) -> str:
    return "[" + " | ".join(" ".join(repr(float(x)) for x in row) for row in matrix) + "]"


def _describe(dss: Any, line: str) -> str:
    """The properties that give a line its impedance, as OpenDSS reads them; the line is active afterwards."""
    dss.Lines.Name(line)
    if code := dss.Lines.LineCode():
        return f'linecode="{code}"'
    if geometry := dss.Lines.Geometry():
        return f'geometry="{geometry}"'
    return _written(*_matrices(dss, line))


def _set_closed(edits: Edits, name: str, terminals: tuple[int, ...], closed: bool) -> None:
    """Open or close all conductors at some terminals; elements that stand so already are not touched."""
    before = _closed(edits.dss, name, terminals)
    if (before == closed).all():
        return
    _switch(edits.dss, name, terminals, np.full_like(before, closed))
    edits.back(lambda: _switch(edits.dss, name, terminals, before))


def _closed(dss: Any, name: str, terminals: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which conductors are closed (terminal, conductor)."""
    dss.Circuit.SetActiveElement(name)
    conductors = range(1, dss.CktElement.NumConductors() + 1)
    return np.array([[not dss.CktElement.IsOpen(t, c) for c in conductors] for t in terminals])


def _switch(dss: Any, name: str, terminals: tuple[int, ...], closed: NDArray[np.bool_]) -> None:
    dss.Circuit.SetActiveElement(name)
    element = dss.CktElement
    for terminal, conductors in zip(terminals, closed, strict=True):
        if conductors.all():
            element.Close(terminal, 0)
        else:
            element.Open(terminal, 0)
            for conductor in np.flatnonzero(conductors) + 1:
                element.Close(terminal, int(conductor))
