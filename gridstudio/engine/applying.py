"""Changes on a compiled circuit: checked before, applied, and undone to the bit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import At, Change, Reconductor, SetSource, SetSwitch
from gridstudio.domain.network import Network
from gridstudio.engine.circuit import run
from gridstudio.engine.reading import UNITS


@dataclass(frozen=True)
class LineCodes:
    """What a change must know of line codes and of the lines' own units, by name in lower case."""

    phases: dict[str, int]  # of line codes
    unit: dict[str, str]  # of line codes
    line_unit: dict[str, str]


def read_line_codes(dss: Any) -> LineCodes:
    """The line codes and length units of a circuit."""
    phases, unit, line_unit = {}, {}, {}
    for name in dss.LineCodes.AllNames():
        dss.LineCodes.Name(name)
        phases[name.lower()] = int(dss.LineCodes.Phases())
        unit[name.lower()] = UNITS[int(dss.LineCodes.Units())]
    more = dss.Lines.First()
    while more:
        line_unit[dss.Lines.Name().lower()] = UNITS[int(dss.Lines.Units())]
        more = dss.Lines.Next()
    return LineCodes(phases, unit, line_unit)


def misfits(
    network: Network, codes: LineCodes, changes: Sequence[At], outages: Sequence[str], steps: int, scenario: str
) -> list[str]:
    """All findings on changes and outages that do not fit the circuit."""
    wrong = [finding for item in changes for finding in _misfits(network, codes, item.change)]
    wrong += [
        f"Scenario {scenario!r}: {_no_line(network, line)} It is named as an outage."
        for line in outages
        if line not in network.line_row
    ]
    wrong += [
        f"A change comes into force at step {item.step}, scenario {scenario!r} has {steps} steps (0 is the first)."
        for item in changes
        if not 0 <= item.step < steps
    ]
    return wrong


def _no_line(network: Network, line: str) -> str:
    return f"The circuit has no line {line!r}." + _did_you_mean(line, network.line_row)


def _no_source(network: Network, source: str) -> str:
    return f"The circuit has no voltage source {source!r}." + _did_you_mean(source, network.source_row)


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.lower(), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _misfits(network: Network, codes: LineCodes, change: Change) -> list[str]:
    if isinstance(change, SetSource):
        return [] if change.source in network.source_row else [_no_source(network, change.source)]
    if change.line not in network.line_row:
        return [_no_line(network, change.line)]
    if isinstance(change, SetSwitch):
        return []
    line, named = change.line, change.line_code
    if not change.ampacity_a > 0:
        return [f"Line {line!r}: the new rating of {change.ampacity_a:g} A is not positive."]
    if named is None:
        return []
    code = named.lower()
    if code not in codes.phases:
        return [f"Line {line!r}: the circuit has no line code {named!r}."]
    if codes.phases[code] != int(network.line_phases[line]):
        return [f"Line {line!r} has {network.line_phases[line]} phases, line code {named!r} has {codes.phases[code]}."]
    today = codes.unit.get(str(network.line_codes[line]), "none")
    if codes.line_unit[line] == "none" and codes.unit[code] != today:
        return [
            f"Line {line!r} has no length unit, line code {named!r} is per {codes.unit[code]}: OpenDSS would take the "
            f"line's length for {codes.unit[code]}. Give the line units=."
        ]
    return []


class Applied:
    """The changes in force on a circuit, and how to take them back.

    ``proven`` names the lines whose new conductor was taken back once, to the bit; it is kept for the life of the
    circuit, because the proof asks the engine to compute admittances: reading them after an edit gives the old ones.
    """

    def __init__(self, dss: Any, proven: set[str]):
        self._dss = dss
        self._proven = proven
        self._undo: list[Callable[[], None]] = []
        self.sources = False  # whether a source was put in or out of service
        self._before: dict[str, NDArray[np.float64]] = {}  # admittance of lines that are not proven yet

    def apply(self, change: Change) -> None:
        if isinstance(change, SetSwitch):
            self._set_closed(f"line.{change.line}", (1, 2), change.closed)
        elif isinstance(change, SetSource):
            self._set_closed(f"vsource.{change.source}", (1,), change.closed)
            self.sources = True
        elif isinstance(change, Reconductor) and change.line_code is not None:
            self._reconductor(change.line, change.line_code)

    def __len__(self) -> int:
        return len(self._undo)

    def undo(self) -> bool:
        """Take all back, last first. False if a line is not what it was, to the bit."""
        while self._undo:
            self._undo.pop()()
        if not self._before:
            return True
        _compute_admittances(self._dss)
        same = {line for line, before in self._before.items() if np.array_equal(before, _admittance(self._dss, line))}
        self._proven |= same
        return len(same) == len(self._before)

    def _set_closed(self, name: str, terminals: tuple[int, ...], closed: bool) -> None:
        """Open or close all conductors at some terminals; elements that stand so already are not touched."""
        before = self._closed(name, terminals)
        if (before == closed).all():
            return
        self._switch(name, terminals, np.full_like(before, closed))
        self._undo.append(lambda: self._switch(name, terminals, before))

    def _closed(self, name: str, terminals: tuple[int, ...]) -> NDArray[np.bool_]:
        """Which conductors are closed (terminal, conductor)."""
        self._dss.Circuit.SetActiveElement(name)
        element = self._dss.CktElement
        conductors = range(1, element.NumConductors() + 1)
        return np.array([[not element.IsOpen(t, c) for c in conductors] for t in terminals])

    def _switch(self, name: str, terminals: tuple[int, ...], closed: NDArray[np.bool_]) -> None:
        self._dss.Circuit.SetActiveElement(name)
        element = self._dss.CktElement
        for terminal, conductors in zip(terminals, closed, strict=True):
            if conductors.all():
                element.Close(terminal, 0)
            else:
                element.Open(terminal, 0)
                for conductor in np.flatnonzero(conductors) + 1:
                    element.Close(terminal, int(conductor))

    def _reconductor(self, line: str, line_code: str) -> None:
        dss = self._dss
        if line not in self._proven and line not in self._before:
            _compute_admittances(dss)
            self._before[line] = _admittance(dss, line)
        back = _describe(dss, line)
        # a line code brings its own rating: keep the circuit's, ratings are the evaluator's
        ratings = f"normamps={dss.Lines.NormAmps()!r} emergamps={dss.Lines.EmergAmps()!r}"
        run(dss, f'edit "line.{line}" linecode="{line_code}" {ratings}')
        self._undo.append(lambda: run(dss, f'edit "line.{line}" {back} {ratings}'))


def _describe(dss: Any, line: str) -> str:
    """The properties that give a line its impedance, as OpenDSS reads them; the line is active afterwards."""
    dss.Lines.Name(line)
    if code := dss.Lines.LineCode():
        return f'linecode="{code}"'
    if geometry := dss.Lines.Geometry():
        return f'geometry="{geometry}"'
    phases = dss.Lines.Phases()

    def matrix(values: Any) -> str:
        rows = np.asarray(values, dtype=float).reshape(phases, phases)
        return "[" + " | ".join(" ".join(repr(float(x)) for x in row) for row in rows) + "]"

    # matrices reset the unit, which the next line code would need
    return (
        f"rmatrix={matrix(dss.Lines.RMatrix())} xmatrix={matrix(dss.Lines.XMatrix())} "
        f"cmatrix={matrix(dss.Lines.CMatrix())} units={UNITS[int(dss.Lines.Units())]} length={dss.Lines.Length()!r}"
    )


def _compute_admittances(dss: Any) -> None:
    dss.Solution.BuildYMatrix(0, 0)  # the whole matrix; voltages stay


def _admittance(dss: Any, line: str) -> NDArray[np.float64]:
    dss.Circuit.SetActiveElement(f"line.{line}")
    return np.array(dss.CktElement.YPrim())
