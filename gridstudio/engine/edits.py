"""Edits of a circuit in mid-run: each with its way back, and the proof that the way back is exact."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from gridstudio.engine.circuit import run

# What full JSON carries besides settings: the last solution, our shapes, and DC resistances that no power flow uses.
_PASSING = {"WdgCurrents", "Tap", "Taps", "TapNum", "Daily", "Yearly", "RDCOhms"}
# A capacitor without a matrix shows memory that the engine never wrote, which may not even be numbers.
_UNWRITTEN = re.compile(r'"CMatrix":\[\[.*?\]\],')
_FULL = 1  # JSON with the values of all properties, at full precision

# How the names of new elements begin. They stand in the circuit, off, from the first time that a change names them.
NEW_CAPACITOR, NEW_BATTERY = "gs_capacitor_", "gs_battery_"

State = Callable[[], tuple[Any, ...]]


class Edits:
    """The edits in force on a circuit, and how to take them back.

    ``proven`` names what was taken back once, to the bit; it is kept for the life of the circuit, because the proof
    asks the engine to compute admittances: reading them after an edit gives the old ones. ``held`` names capacitors
    whose steps are not the control's any more, and where they stand; a return to the baseline keeps to it.
    """

    def __init__(self, dss: Any, proven: set[str], held: dict[str, list[int]] | None = None):
        self.dss = dss
        self.held = {} if held is None else held
        self.sources = False  # whether a source was put in or out of service
        self.nodes = False  # whether elements went to other nodes
        self.generation = False  # whether something delivers power that did not
        self.once = False  # whether something was done that cannot be taken back
        self.taps: list[tuple[str, int, float]] = []  # new taps: transformer, winding, and where they start
        self.found: dict[str, Any] = {}  # what stood at first touch, for changes of one element that follow each other
        self._proven = proven
        self._undo: list[Callable[[], None]] = []
        self._before: dict[str, tuple[State, tuple[Any, ...]]] = {}  # of what is not proven yet

    def __len__(self) -> int:
        return len(self._undo)

    def run(self, command: str, back: str) -> None:
        """One command, and the command that undoes it."""
        run(self.dss, command)
        self._undo.append(lambda: run(self.dss, back))

    def back(self, undo: Callable[[], None]) -> None:
        """How to take back what was done just now."""
        self._undo.append(undo)

    def watch(self, key: str, state: State) -> None:
        """Compare ``state()`` before the first edit of ``key`` with what it is when all is taken back."""
        if key in self._proven or key in self._before:
            return
        self._before[key] = (state, state())

    def undo(self) -> bool:
        """Take all back, last first. False if something is not what it was, to the bit."""
        while self._undo:
            self._undo.pop()()
        if self.once:
            return False
        same = {key for key, (state, before) in self._before.items() if state() == before}
        self._proven |= same
        return len(same) == len(self._before)


def admittance(dss: Any, element: str) -> tuple[bytes, tuple[int, ...]]:
    """The primitive admittance of an element to the bit, and its nodes."""
    dss.Solution.BuildYMatrix(0, 0)  # the whole matrix; voltages stay
    dss.Circuit.SetActiveElement(element)
    return np.array(dss.CktElement.YPrim()).tobytes(), tuple(dss.CktElement.NodeOrder())


def settings(dss: Any, element: str) -> dict[str, Any]:
    """All properties of an element at full precision, but for what the last solve left in them."""
    dss.Circuit.SetActiveElement(element)
    found = json.loads(_UNWRITTEN.sub("", dss.Element.ToJSON(_FULL)))
    return {name: value for name, value in found.items() if name not in _PASSING}


def given(dss: Any, element: str) -> dict[str, Any]:
    """The properties that files or edits have set, in their order."""
    dss.Circuit.SetActiveElement(element)
    found: dict[str, Any] = json.loads(dss.Element.ToJSON(0))
    return found


def whole(dss: Any, element: str) -> State:
    """Admittance and settings of an element, as a state to watch."""
    return lambda: (admittance(dss, element), settings(dss, element))


def array(values: Any) -> str:
    """Numbers as OpenDSS reads them, at full precision."""
    return "[" + " ".join(repr(float(value)) for value in values) + "]"
