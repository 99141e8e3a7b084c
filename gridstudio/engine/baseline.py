"""What a solve remembers, kept as it stands at the baseline and put back before every trajectory."""

import json
from typing import Any

from gridstudio.engine.circuit import run
from gridstudio.engine.edits import NEW_CAPACITOR


class Baseline:
    """Taps and capacitor steps of a settled circuit, and ``fresh`` states of machines and inverters.

    Only what a control can move is put back (``controls_act``); nothing else moves between two solves. It is
    written whether it has moved or not: the write makes the engine build its matrix anew, and with it the
    equivalents of all loads at their present multiplier. Without, results would differ in their last digits
    with what was solved before. ``writes`` tells whether there is anything to write: where there is not, the
    session settles these equivalents (``Shapes.settle``) when it has edited the circuit.
    """

    def __init__(self, engine: Any, controls_act: bool, fresh: list[str]):
        self._engine = engine
        self._fresh = fresh
        self.rebuild = False  # whether an exact return needs all elements' admittances computed anew on this circuit
        self.held: dict[str, list[int]] = {}  # capacitors that changes have fixed, and the states of their steps
        api = engine.RegControls
        windings = _all(api, lambda: (api.Transformer().lower(), int(api.TapWinding()))) if controls_act else []
        capacitors = _all(engine.CapControls, engine.CapControls.Capacitor) if controls_act else []
        regulated, controlled = {name for name, _ in windings}, {name.lower() for name in capacitors}
        taps = self.taps()
        self._taps = [(name, winding, taps[name][winding - 1]) for name, winding in windings if name in taps]
        self._steps = {name: states for name, states in self.steps().items() if name in controlled}
        self._auto = {name: self._auto_taps(name) for name in sorted(regulated - taps.keys())}
        for name, auto_taps in self._auto.items():  # as written, so that a later return gives the same bits
            run(engine, f'edit "autotrans.{name}" taps={auto_taps}')

    def also_restore(self, taps: list[tuple[str, int, float]]) -> None:
        """Taps that a change has brought: transformer, winding, and where they start. Until the next fresh copy."""
        self._taps += [tap for tap in taps if tap not in self._taps]

    @property
    def writes(self) -> bool:
        """Whether a return makes the engine build its matrix anew."""
        return bool(self._taps or self._steps or self._auto or self._fresh or self.rebuild)

    def taps(self) -> dict[str, list[float]]:
        """Where the windings of every transformer stand now [pu]."""
        found, api = {}, self._engine.Transformers
        for name in _all(api, api.Name):
            api.Name(name)
            found[name] = [self._winding(w) for w in range(1, api.NumWindings() + 1)]
        return found

    def steps(self) -> dict[str, list[int]]:
        """States of the steps of every capacitor now."""
        found, api = {}, self._engine.Capacitors
        for name in _all(api, api.Name):
            api.Name(name)
            found[name] = [int(state) for state in api.States()]
        return found

    def positions(self) -> list[str]:
        """OpenDSS commands that bring taps and capacitor steps where they stand now."""
        lines = []
        for name, taps in self.taps().items():
            windings = " ".join(f"wdg={w} tap={tap!r}" for w, tap in enumerate(taps, start=1))
            lines.append(f'edit "transformer.{name}" {windings}')
        lines += [f'edit "autotrans.{name}" taps={self._auto_taps(name)}' for name in self._auto]
        banks = {n: states for n, states in self.steps().items() if any(states) or not n.startswith(NEW_CAPACITOR)}
        return lines + [f'edit "capacitor.{n}" states=[{" ".join(map(str, s))}]' for n, s in banks.items()]

    def restore(self) -> None:
        """Taps, capacitor steps, control states and voltages back to the baseline."""
        engine = self._engine
        run(engine, "reset controls")
        transformers = engine.Transformers
        for name, winding, tap in self._taps:
            transformers.Name(name)
            transformers.Wdg(winding)
            transformers.Tap(tap)
        for name, states in self._steps.items():
            engine.Capacitors.Name(name)
            engine.Capacitors.States(self.held.get(name, states))
        for name, auto_taps in self._auto.items():
            run(engine, f'edit "autotrans.{name}" taps={auto_taps}')
        for command in self._fresh:
            run(engine, command)
        if self.rebuild:
            run(engine, "buildy")
        run(engine, "init")

    def _winding(self, number: int) -> float:
        self._engine.Transformers.Wdg(number)
        return float(self._engine.Transformers.Tap())

    def _auto_taps(self, name: str) -> str:
        """Taps of an autotransformer as text; the engine's tap interface covers plain transformers only."""
        self._engine.Circuit.SetActiveElement(f"autotrans.{name}")
        return str(self._engine.Properties.Value("Taps"))


def fresh_states(engine: Any) -> list[str]:
    """Commands that give machines and inverters under control the state that they have now, before the first solve.

    They remember the last solution, and ``reset controls`` does not clear it.
    """
    inverters = [*_names(engine, "pvsystem"), *_names(engine, "storage")]
    lines = []
    for control in (*_names(engine, "invcontrol"), *_names(engine, "expcontrol")):
        listed = _property(engine, control, "DERList").strip("[] ,")
        lines.append(f'edit "{control}" derlist=[{listed or " ".join(inverters)}]')
    for inverter in inverters if lines else ():
        own = json.loads(_json(engine, inverter))
        given = "kvar" if "kvar" in own else "pf"
        lines.append(f'edit "{inverter}" {given}={_property(engine, inverter, given)}')
    controllers = [name for name in _names(engine, "storagecontroller") if _enabled(engine, name)]
    lines += [f'edit "{name}" enabled=yes' for name in controllers]  # any edit does
    for storage in _names(engine, "storage") if controllers else ():
        shares = " ".join(f"{share}={_property(engine, storage, share)}" for share in ("%charge", "%discharge"))
        lines.append(f'edit "{storage}" {shares}')
    lines += [f'edit "{name}" slip={_property(engine, name, "slip")}' for name in _names(engine, "indmach012")]
    # generators that hold a voltage remember the reactive power that did it, until their kW is set again
    holding = [name for name in _names(engine, "generator") if _property(engine, name, "model") == "3"]
    return lines + [f'edit "{name}" kw={_property(engine, name, "kW")}' for name in holding]


def dispatches(engine: Any) -> bool:
    """Whether controls are there that set the power of storage, generators or inverters: what they set, stays set."""
    kinds = ("storagecontroller", "gendispatcher", "invcontrol", "expcontrol", "upfccontrol", "espvlcontrol")
    return any(_names(engine, kind) for kind in kinds)


def _names(engine: Any, kind: str) -> list[str]:
    """Full names of the elements of a class."""
    engine.Circuit.SetActiveClass(kind)
    return [f"{kind}.{name}" for name in engine.ActiveClass.AllNames()] if engine.ActiveClass.Count() else []


def _enabled(engine: Any, element: str) -> bool:
    engine.Circuit.SetActiveElement(element)
    return bool(engine.CktElement.Enabled())


def _property(engine: Any, element: str, name: str) -> str:
    engine.Circuit.SetActiveElement(element)
    return str(engine.Properties.Value(name))


def _json(engine: Any, element: str) -> str:
    engine.Circuit.SetActiveElement(element)
    return str(engine.Element.ToJSON())


def _all(collection: Any, read: Any) -> list[Any]:
    """``read()`` at every element in service of a collection."""
    found, more = [], collection.First()
    while more:
        found.append(read())
        more = collection.Next()
    return found
