"""What a synthetic utility is made from."""

import math
from dataclasses import dataclass, fields
from datetime import date

from gridstudio.errors import InputError


@dataclass(frozen=True)
class SyntheticSettings:
    """Size and history of the utility; the same settings give the same tables, to the bit.

    ``feeders`` and ``customers_per_feeder`` are per substation and per feeder. ``buses_per_feeder`` counts the nodes of
    a feeder without those of its ties. ``feeder_peak_mw`` is the mean peak of a feeder; single feeders lie within
    -12 % and +8 % of it. ``zones``: parts that can live as islands; at most one per feeder is made.
    Above 6.5 MW the heads would run beyond 65 % of their rating; beyond 8 feeders the outer ones drop too much voltage.
    """

    seed: int = 1
    substations: int = 1
    feeders: int = 4
    buses_per_feeder: int = 145
    customers_per_feeder: int = 1000
    feeder_peak_mw: float = 6.0
    zones: int = 3
    start_year: int = 2020
    years: int = 5

    def __post_init__(self) -> None:
        findings = [finding for field in fields(self) if (finding := self._outside(field.name))]
        if not findings and self.customers_per_feeder < self.buses_per_feeder:
            findings.append(
                f"customers_per_feeder = {self.customers_per_feeder} is less than buses_per_feeder = "
                f"{self.buses_per_feeder}: every service transformer needs a customer"
            )
        if not findings and self.start_year + self.years - 1 > date.max.year - 1:
            findings.append(f"the history would end after the year {date.max.year - 1}")
        if findings:
            raise InputError.from_findings("Synthetic utility", findings)

    def _outside(self, name: str) -> str | None:
        """What is wrong with one setting by itself."""
        value, (least, most) = getattr(self, name), BOUNDS[name]
        whole = name != "feeder_peak_mw"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not math.isfinite(value):
            return f"{name} = {value!r} must be a {'whole' if whole else 'finite'} number"
        if not least <= value <= most:
            return f"{name} = {value} must lie between {least:g} and {most:g}"
        return None


BOUNDS = {
    "seed": (0, 2**63 - 1),
    "substations": (1, 400),
    "feeders": (1, 8),
    "buses_per_feeder": (40, 1000),
    "customers_per_feeder": (40, 10_000),
    "feeder_peak_mw": (0.5, 6.5),
    "zones": (0, 100),
    "start_year": (1900, 2200),
    "years": (1, 50),
}
VOLTAGE_KV = 12.47
HIGH_VOLTAGE_KV = 69.0
POWER_FACTOR = 0.97  # of all customers together, lagging
