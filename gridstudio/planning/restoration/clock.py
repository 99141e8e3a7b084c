"""One clock for all methods: when each operation of a switching order is done.

Operations follow one another; the next one begins when the one before is done. Remote ones take their operating
time. Manual ones wait for a crew: crews leave at once for the manual devices in their order, so that they travel
while others switch; the crew that is free first goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gridstudio.domain.devices import Device


class Operation(NamedTuple):
    """Open or close device number ``device``."""

    device: int
    close: bool


@dataclass(frozen=True)
class Clock:
    """``dispatch_min``: minutes from the fault until its place is known and the first operation may begin."""

    devices: tuple[Device, ...]
    crews: int = 2
    dispatch_min: float = 1.0

    @property
    def start(self) -> "Hands":
        return Hands(self.dispatch_min, (self.dispatch_min,) * self.crews)

    def operate(self, hands: "Hands", device: int) -> "Hands":
        """The clock after one more operation."""
        named = self.devices[device]
        if named.remote:
            return Hands(hands.now_min + named.operating_min, hands.crews_free_min)
        first, *others = sorted(hands.crews_free_min)
        done = max(hands.now_min, first + named.travel_min) + named.operating_min
        return Hands(done, tuple(sorted((done, *others))))

    def run(self, operations: Sequence[Operation]) -> list[float]:
        """Minute at which each operation is done."""
        hands, minutes = self.start, []
        for operation in operations:
            hands = self.operate(hands, operation.device)
            minutes.append(hands.now_min)
        return minutes


class Hands(NamedTuple):
    """The time, and when each crew is free (rising)."""

    now_min: float
    crews_free_min: tuple[float, ...]
