"""How a utility's tables become circuits."""

from dataclasses import dataclass
from typing import Literal

from gridstudio.errors import InputError

Allocation = Literal["auto", "peak", "kva", "demand"]


@dataclass(frozen=True)
class ImportSettings:
    """How tables become a circuit.

    ``allocation`` of the feeders' peak to loads: by the customers' peak_kw where the table has it ("peak"), by the
    connected kVA of transformers with customers ("kva"), by contracted demand ("demand"); "auto" takes the first
    that the tables allow, in this order. ``own_impedance``: every line carries its edge's own impedance; otherwise
    it takes that of its conductor's line code (median of the edges). ``substations``: only these (all if empty).
    """

    allocation: Allocation = "auto"
    power_factor: float = 0.97
    own_impedance: bool = True
    substations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.allocation not in ("auto", "peak", "kva", "demand"):
            raise InputError(f"allocation is {self.allocation!r}, it must be auto, peak, kva or demand.")
        if not 0.5 <= self.power_factor <= 1.0:
            raise InputError(f"The power factor {self.power_factor:g} is not between 0.5 and 1.")
