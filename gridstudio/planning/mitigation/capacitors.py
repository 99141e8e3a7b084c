"""What may be bought in capacitors: banks that stand switched, set or enlarged, and new ones."""

import math

from gridstudio.domain.changes import AddCapacitor, Change, SetCapacitor
from gridstudio.domain.equipment import Item
from gridstudio.engine import Bank
from gridstudio.planning.mitigation.menu import option_of
from gridstudio.planning.mitigation.problem import Option, Problem

CONTROL_MOVES = (-4, -3, -2, -1, 1, 2, 3, 4)  # steps by which the settings of a capacitor's control are moved
CONTROL_STEPS = {"voltage": (0.01, "V"), "current": (0.2, "A"), "kvar": (0.25, "kvar")}  # of on_at; kvar: of the bank


def bank_options(problem: Problem, bank: Bank) -> list[Option]:
    """Other numbers of steps in service, other settings of its control, and larger banks."""
    element = f"capacitor.{bank.capacitor}"
    found = []
    fixed = problem.equipment.sizes("capacitor_settings")
    for steps in range(bank.steps + 1) if fixed and problem.may("capacitor_settings", element) else ():
        if steps != bank.in_service:
            change = SetCapacitor(bank.capacitor, steps=steps)
            what = f"{steps} of {bank.steps} steps in service instead of {bank.in_service}"
            found.append(option_of(problem, fixed[0], element, element, (change,), math.nan, math.nan, 1, what))
    if fixed and problem.may("capacitor_settings", element):
        found += _control_options(problem, bank, fixed[0])
    phases = len(problem.phases_at(bank.bus))
    for item in problem.equipment.sizes("capacitor", phases) if problem.may("capacitor", element) else ():
        if item.size > bank.kvar:
            change = SetCapacitor(bank.capacitor, kvar=item.size)
            what = f"{item.size:g} kvar in the place of {bank.kvar:g} kvar"
            found.append(option_of(problem, item, element, element, (change,), item.size, bank.kvar, 1, what))
    return found


def _control_options(problem: Problem, bank: Bank, item: Item) -> list[Option]:
    """Both settings of a bank's only control moved by as much, so that it switches in and out earlier or later."""
    controls = [control for control in problem.assets.bank_controls if control.capacitor == bank.capacitor]
    if len(controls) != 1 or controls[0].mode not in CONTROL_STEPS:
        return []
    control, element = controls[0], f"capacitor.{bank.capacitor}"
    step, unit = CONTROL_STEPS[control.mode]
    found = []
    for count in CONTROL_MOVES:
        by = count * step * (bank.kvar if control.mode == "kvar" else abs(control.on_at))
        on_at, off_at = round(control.on_at + by, 6), round(control.off_at + by, 6)
        change = SetCapacitor(bank.capacitor, on_at=on_at, off_at=off_at)
        today = f"{control.on_at:g} and {control.off_at:g} {unit}"
        what = f"switches in at {on_at:g} and out at {off_at:g} {unit} instead of {today}"
        found.append(option_of(problem, item, element, element, (change,), math.nan, math.nan, 1, what))
    return found


def switches_earlier(problem: Problem, bank: Bank, change: Change) -> bool:
    """Whether new settings of a control bring a bank into service at less load than today's."""
    if not isinstance(change, SetCapacitor) or change.on_at is None:
        return False
    control = next(control for control in problem.assets.bank_controls if control.capacitor == bank.capacitor)
    return change.on_at > control.on_at if control.mode == "voltage" else change.on_at < control.on_at


def new_capacitors(problem: Problem, bus: str, phases: tuple[int, ...]) -> list[Option]:
    """Fixed banks at a bus: on all three phases, or on one; in delta where the level has no earth."""
    element = f"bus.{bus}"
    earthed = bus in problem.earthed
    if not problem.may("capacitor", element) or len(phases) not in (1, 3) or (len(phases) == 1 and not earthed):
        return []
    connection = "wye" if earthed else "delta"
    on = () if phases == problem.phases_at(bus) else phases
    slot = f"capacitor@{bus}.{''.join(map(str, phases))}"
    return [
        option_of(
            problem, item, slot, element, (AddCapacitor(bus, item.size, on, connection),), item.size, 0.0, 1,
            f"a new fixed bank of {item.size:g} kvar in {connection} on phase {', '.join(map(str, phases))}",
        )
        for item in problem.equipment.sizes("capacitor", len(phases))
    ]  # fmt: skip
