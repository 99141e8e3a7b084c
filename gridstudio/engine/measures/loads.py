"""Changes of loads: other phases, less power; and batteries beside them."""

import math
from typing import Any

from gridstudio.domain.changes import AddBattery, MovePhase, ReduceLoad
from gridstudio.engine.circuit import run
from gridstudio.engine.edits import NEW_BATTERY, Edits, given, settings, whole
from gridstudio.engine.inventory import Inventory, unknown
from gridstudio.engine.measures.capacitors import place_misfits

_POWER = ("kW", "PF", "kvar", "kVA")  # whichever pair of them describes a load

# -- what does not fit ----------------------------------------------------------------------------------------------


def move_misfits(inventory: Inventory, change: MovePhase) -> list[str]:
    load, phases = change.load, change.phases
    if load not in inventory.load_nodes:
        return [unknown("load", load, inventory.load_nodes)]
    bus, count = inventory.load_place[load]
    today, there = inventory.load_nodes[load], sorted(inventory.bus_nodes[bus])
    if count != 1:
        return [f"Load {load!r} has {count} phases: only single-phase loads can be moved."]
    if len(phases) != len(today):
        return [f"Load {load!r} stands on {len(today)} node(s) of its bus, {len(phases)} are given to move it to."]
    if missing := [phase for phase in phases if phase not in there]:
        return [f"Load {load!r}: its bus {bus!r} has nodes {_list(there)}, not {_list(missing)}."]
    if len(set(phases)) != len(phases):
        return [f"Load {load!r}: phases {_list(phases)} name one twice."]
    return []


def reduce_misfits(inventory: Inventory, change: ReduceLoad) -> list[str]:
    if change.load not in inventory.load_nodes:
        return [unknown("load", change.load, inventory.load_nodes)]
    if not 0 <= change.share <= 1:
        return [f"Load {change.load!r}: a reduction by a share of {change.share:g} is not between 0 and 1."]
    return []


def battery_misfits(inventory: Inventory, change: AddBattery) -> list[str]:
    wrong = place_misfits(inventory, "battery", change.bus, change.phases)
    if not math.isfinite(change.kw):
        wrong.append(f"New battery at bus {change.bus!r}: {change.kw:g} kW is not a finite number.")
    return wrong


def _list(phases: Any) -> str:
    return ", ".join(map(str, phases))


# -- what is done ---------------------------------------------------------------------------------------------------


def move_phase(edits: Edits, change: MovePhase) -> None:
    dss, element = edits.dss, f"load.{change.load}"
    edits.watch(element, whole(dss, element))
    dss.Circuit.SetActiveElement(element)
    today = str(dss.CktElement.BusNames()[0])
    bus, order = today.split(".")[0], [int(node) for node in dss.CktElement.NodeOrder()]
    nodes = [*change.phases, *order[len(change.phases) :]]  # a neutral stays where it is
    edits.run(f'edit "{element}" bus1="{bus}{_nodes(nodes)}"', f'edit "{element}" bus1="{today}"')
    edits.nodes = True


def _nodes(nodes: list[int]) -> str:
    return "".join(f".{node}" for node in nodes)


def reduce_load(edits: Edits, change: ReduceLoad) -> None:
    dss, element = edits.dss, f"load.{change.load}"
    edits.watch(element, whole(dss, element))
    now = settings(dss, element)
    old = edits.found.setdefault(element, now)
    rest = 1.0 - change.share
    described = [name for name in given(dss, element) if name in _POWER] or ["kW", "PF"]
    back = " ".join(f"{name.lower()}={now[name]!r}" for name in described)
    edits.run(f'edit "{element}" kw={rest * old["kW"]!r} kvar={rest * old["kvar"]!r}', f'edit "{element}" {back}')


def declare_battery(dss: Any, inventory: Inventory, change: AddBattery) -> bool:
    """The new battery, at 0 kW and "fixed": no multiplier of the circuit's generation is its own. False if it stands
    there already."""
    name = battery_name(change)
    if dss.Circuit.SetActiveElement(f"generator.{name}") >= 0:
        return False
    there = inventory.bus_nodes[change.bus]
    phases = change.phases or tuple(sorted(node for node in there if node <= 3))
    kv = there[phases[0]] * (math.sqrt(3.0) if len(phases) > 1 else 1.0)
    run(
        dss,
        f'new "generator.{name}" bus1="{change.bus}{_nodes(list(phases))}" phases={len(phases)} kv={kv!r} '
        "kw=0 kvar=0 model=1 status=fixed vminpu=0.5 vmaxpu=1.5",
    )
    return True


def add_battery(edits: Edits, change: AddBattery) -> None:
    element = f"generator.{battery_name(change)}"
    now = settings(edits.dss, element)["kW"]
    edits.run(f'edit "{element}" kw={change.kw!r} kvar=0', f'edit "{element}" kw={now!r} kvar=0')
    edits.generation = True


def battery_name(change: AddBattery) -> str:
    """The element that stands for a new battery."""
    return f"{NEW_BATTERY}{change.bus}_{''.join(map(str, change.phases)) or 'all'}"
