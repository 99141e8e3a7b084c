"""Changes on a compiled circuit: checked before, applied, and undone to the bit."""

from collections.abc import Iterable, Sequence
from typing import Any

from gridstudio.domain.changes import At, Change
from gridstudio.engine.circuit import run
from gridstudio.engine.edits import Edits
from gridstudio.engine.inventory import Inventory, unknown
from gridstudio.engine.measures import MEASURES


def misfits(
    inventory: Inventory, changes: Sequence[At], outages: Sequence[str], steps: int, scenario: str
) -> list[str]:
    """All findings on changes and outages that do not fit the circuit."""
    known = inventory.network.line_row
    wrong = [finding for item in changes for finding in MEASURES[type(item.change)].misfits(inventory, item.change)]
    wrong += [
        f"Scenario {scenario!r}: {unknown('line', line, known)} It is named as an outage."
        for line in outages
        if line not in known
    ]
    wrong += [
        f"A change comes into force at step {item.step}, scenario {scenario!r} has {steps} steps (0 is the first)."
        for item in changes
        if not 0 <= item.step < steps
    ]
    return wrong


def declare(dss: Any, inventory: Inventory, changes: Iterable[Change]) -> bool:
    """Make what changes add to the circuit, out of service. False if all of it is there."""
    made = [MEASURES[type(change)].declare(dss, inventory, change) for change in changes]
    if any(made):
        run(dss, "makebuslist")
    return any(made)


class Applied(Edits):
    """The changes in force on a circuit, and how to take them back."""

    def apply(self, change: Change) -> None:
        MEASURES[type(change)].apply(self, change)
