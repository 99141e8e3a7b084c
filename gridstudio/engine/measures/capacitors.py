"""Changes of capacitor banks, and new ones.

OpenDSS cannot remove an element, and one out of service would move the list of nodes. A new bank is therefore
declared with its step off before anything is solved, where it adds exact zeros to the admittances: the circuit is the
same to the bit with and without it.
"""

import math
from collections.abc import Iterable
from typing import Any

from gridstudio.domain.changes import AddCapacitor, SetCapacitor
from gridstudio.engine.circuit import run
from gridstudio.engine.edits import NEW_CAPACITOR, Edits, admittance, array, given, settings
from gridstudio.engine.inventory import Inventory, unknown

# -- what does not fit ----------------------------------------------------------------------------------------------


def set_misfits(inventory: Inventory, change: SetCapacitor) -> list[str]:
    name = change.capacitor
    if name not in inventory.steps:
        return [unknown("shunt capacitor", name, inventory.steps)]
    wrong = []
    if change.kvar is not None and not 0 < change.kvar < math.inf:
        wrong.append(f"Capacitor {name!r}: a size of {change.kvar:g} kvar is not a positive number.")
    if change.kvar is not None and name in inventory.by_matrix:
        wrong.append(f"Capacitor {name!r} is described by a matrix of capacitances: it has no size to change.")
    if change.steps is not None and not 0 <= change.steps <= inventory.steps[name]:
        wrong.append(f"Capacitor {name!r} has {inventory.steps[name]} steps, {change.steps} cannot be in service.")
    return wrong + _setting_misfits(inventory, change)


def _setting_misfits(inventory: Inventory, change: SetCapacitor) -> list[str]:
    name, given_settings = change.capacitor, [x for x in (change.on_at, change.off_at) if x is not None]
    if not given_settings:
        return []
    wrong = []
    if name not in inventory.capacitor_controls:
        wrong.append(f"Capacitor {name!r} has no control that could be set.")
    if not inventory.controls_act:
        wrong.append(f"Capacitor {name!r}: settings do nothing while the controls of the feeder are off.")
    if change.steps is not None:
        wrong.append(f"Capacitor {name!r}: steps fix the bank, settings of its control would do nothing. Give one.")
    if not all(math.isfinite(x) for x in given_settings):
        wrong.append(f"Capacitor {name!r}: a setting of its control is not a finite number.")
    return wrong


def add_misfits(inventory: Inventory, change: AddCapacitor) -> list[str]:
    wrong = place_misfits(inventory, "capacitor", change.bus, change.phases)
    if not 0 < change.kvar < math.inf:
        wrong.append(f"New capacitor at bus {change.bus!r}: {change.kvar:g} kvar is not a positive number.")
    if change.connection not in ("wye", "delta"):
        wrong.append(f"New capacitor at bus {change.bus!r}: connection {change.connection!r}, it is 'wye' or 'delta'.")
    elif not wrong and change.connection == "delta" and len(_phases(inventory, change)) != 3:
        wrong.append(f"New capacitor at bus {change.bus!r}: a delta needs three phases.")
    return wrong


def place_misfits(inventory: Inventory, what: str, bus: str, phases: tuple[int, ...]) -> list[str]:
    """Findings on the bus and the phases where something new is to stand."""
    if bus not in inventory.bus_nodes:
        return [unknown("bus", bus, inventory.bus_nodes)]
    there = sorted(node for node in inventory.bus_nodes[bus] if node <= 3)
    if not there:
        return [f"New {what} at bus {bus!r}: the bus has no phase 1, 2 or 3."]
    missing = [phase for phase in phases if phase not in there]
    if missing:
        return [f"New {what} at bus {bus!r}: the bus has phases {_list(there)}, not {_list(missing)}."]
    if len(set(phases)) != len(phases):
        return [f"New {what} at bus {bus!r}: phases {_list(phases)} name one twice."]
    if not min(inventory.bus_nodes[bus][phase] for phase in there) > 0:
        return [f"New {what} at bus {bus!r}: the bus has no voltage base."]
    return []


def _list(phases: Iterable[int]) -> str:
    return ", ".join(map(str, phases))


# -- what is done ---------------------------------------------------------------------------------------------------


def set_capacitor(edits: Edits, change: SetCapacitor) -> None:
    if change.kvar is not None:
        _resize(edits, change.capacitor, change.kvar)
    if change.steps is not None:
        _fix(edits, change.capacitor, change.steps)
    wanted = {"OnSetting": change.on_at, "OffSetting": change.off_at}
    new = {name: float(value) for name, value in wanted.items() if value is not None}
    for control in _controls(edits.dss, change.capacitor) if new else ():
        _set_control(edits, f"capcontrol.{control}", new)


def _resize(edits: Edits, name: str, kvar: float) -> None:
    dss, element = edits.dss, f"capacitor.{name}"
    edits.watch(element, _all_in_service(dss, name))
    now = settings(dss, element)
    old = edits.found.setdefault(element, now)
    described = "cuf" if "Cuf" in given(dss, element) else "kvar"
    today = now["Cuf"] if described == "cuf" else now["kvar"]
    # the ratings are the circuit's: a new size would bring its own
    ratings = f"normamps={now['NormAmps']!r} emergamps={now['EmergAmps']!r}"
    new = array(kvar * x / sum(old["kvar"]) for x in old["kvar"])
    edits.run(f'edit "{element}" kvar={new} {ratings}', f'edit "{element}" {described}={array(today)} {ratings}')


def _all_in_service(dss: Any, name: str) -> Any:
    """A bank's admittance with all its steps in service and its settings: steps move by themselves."""

    def state() -> tuple[Any, ...]:
        dss.Capacitors.Name(name)
        states = [int(x) for x in dss.Capacitors.States()]
        dss.Capacitors.States([1] * len(states))
        found = admittance(dss, f"capacitor.{name}")
        dss.Capacitors.Name(name)
        dss.Capacitors.States(states)
        now = settings(dss, f"capacitor.{name}")
        now.pop("States")
        return found, now

    return state


def _fix(edits: Edits, name: str, steps: int) -> None:
    """The first steps in service, the controls out of it."""
    dss = edits.dss
    for control in _controls(dss, name):
        edits.run(f'edit "capcontrol.{control}" enabled=no', f'edit "capcontrol.{control}" enabled=yes')
        edits.nodes = True
    dss.Capacitors.Name(name)
    before = [int(x) for x in dss.Capacitors.States()]
    held = edits.held.get(name)
    states = [1] * steps + [0] * (len(before) - steps)
    dss.Capacitors.States(states)
    edits.held[name] = states

    def back() -> None:
        dss.Capacitors.Name(name)
        dss.Capacitors.States(before)
        if held is None:
            del edits.held[name]
        else:
            edits.held[name] = held

    edits.back(back)


def _controls(dss: Any, bank: str) -> list[str]:
    """Controls in service of a bank."""
    api, found = dss.CapControls, []
    more = api.First()
    while more:
        if api.Capacitor().lower() == bank:
            found.append(api.Name().lower())
        more = api.Next()
    return found


def _set_control(edits: Edits, control: str, new: dict[str, float]) -> None:
    dss = edits.dss
    edits.watch(control, lambda: (settings(dss, control),))
    old = settings(dss, control)
    text, back = (" ".join(f"{name.lower()}={of[name]!r}" for name in new) for of in (new, old))
    edits.run(f'edit "{control}" {text}', f'edit "{control}" {back}')


# -- new banks ------------------------------------------------------------------------------------------------------


def declare_capacitor(dss: Any, inventory: Inventory, change: AddCapacitor) -> bool:
    """The new bank, off. False if it stands there already."""
    name, phases = new_name(change), _phases(inventory, change)
    if dss.Circuit.SetActiveElement(f"capacitor.{name}") >= 0:
        return False
    nodes = "".join(f".{phase}" for phase in phases)
    phase_kv = inventory.bus_nodes[change.bus][phases[0]]
    kv = phase_kv * (math.sqrt(3.0) if len(phases) > 1 else 1.0)  # of one phase to earth, else between phases
    run(
        dss,
        f'new "capacitor.{name}" bus1="{change.bus}{nodes}" phases={len(phases)} conn={change.connection} '
        f"kv={kv!r} kvar={change.kvar!r} states=[0]",
    )
    return True


def add_capacitor(edits: Edits, change: AddCapacitor) -> None:
    dss, name = edits.dss, new_name(change)
    dss.Capacitors.Name(name)
    before = [int(x) for x in dss.Capacitors.States()]
    old = settings(dss, f"capacitor.{name}")["kvar"]
    back = f"kvar={array(old)} states=[{' '.join(map(str, before))}]"
    edits.run(f'edit "capacitor.{name}" kvar={change.kvar!r} states=[1]', f'edit "capacitor.{name}" {back}')


def new_name(change: AddCapacitor) -> str:
    """The element that stands for a new bank."""
    phases = "".join(map(str, change.phases)) or "all"
    return f"{NEW_CAPACITOR}{change.bus}_{phases}_{change.connection}"


def _phases(inventory: Inventory, change: AddCapacitor) -> tuple[int, ...]:
    return change.phases or tuple(sorted(node for node in inventory.bus_nodes[change.bus] if node <= 3))
