"""The measures: what each kind of change asks of a circuit, and what it does to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gridstudio.domain import changes as kinds
from gridstudio.engine.edits import Edits
from gridstudio.engine.inventory import Inventory
from gridstudio.engine.measures import capacitors, fresh, lines, loads, transformers


def _nothing(dss: Any, inventory: Inventory, change: Any) -> bool:
    return False


@dataclass(frozen=True)
class Measure:
    """How one kind of change is done.

    ``misfits(inventory, change)`` gives all findings; the circuit is not touched. ``apply(edits, change)`` does it,
    with its way back. ``declare(dss, inventory, change)`` makes what is new, off, before anything is solved; it says
    whether it did.
    """

    misfits: Callable[[Inventory, Any], list[str]]
    apply: Callable[[Edits, Any], None]
    declare: Callable[[Any, Inventory, Any], bool] = _nothing


MEASURES: dict[type[kinds.Change], Measure] = {
    kinds.Reconductor: Measure(lines.reconductor_misfits, lines.reconductor),
    kinds.ParallelLine: Measure(lines.parallel_misfits, lines.parallel),
    kinds.SetSwitch: Measure(lines.switch_misfits, lines.set_switch),
    kinds.SetSource: Measure(lines.source_misfits, lines.set_source),
    kinds.ReplaceTransformer: Measure(transformers.replace_misfits, transformers.replace_transformer),
    kinds.SetRegulator: Measure(transformers.regulator_misfits, transformers.set_regulator),
    kinds.AddRegulator: Measure(fresh.add_regulator_misfits, fresh.add_regulator),
    kinds.VoltVar: Measure(fresh.volt_var_misfits, fresh.volt_var),
    kinds.SetCapacitor: Measure(capacitors.set_misfits, capacitors.set_capacitor),
    kinds.AddCapacitor: Measure(capacitors.add_misfits, capacitors.add_capacitor, capacitors.declare_capacitor),
    kinds.MovePhase: Measure(loads.move_misfits, loads.move_phase),
    kinds.ReduceLoad: Measure(loads.reduce_misfits, loads.reduce_load),
    kinds.AddBattery: Measure(loads.battery_misfits, loads.add_battery, loads.declare_battery),
}
