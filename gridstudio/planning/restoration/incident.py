"""What a fault does: which device trips, what is out, what stays locked until the repair.

A fault sits on an element. The nearest protective device upstream opens, and all that it feeds is out.
Sections that hold a fault stay dead until they are repaired; they are never switched on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.sections import Sections
from gridstudio.errors import InputError


@dataclass(frozen=True)
class Fault:
    """A permanent fault on an element (``line.l35``, ``transformer.xfm1``) and the minutes until it is repaired."""

    element: str
    repair_min: float


@dataclass(frozen=True)
class Storm:
    """Faults that happen together, and the load while they last (multiplier of the published values)."""

    name: str
    faults: tuple[Fault, ...]
    load_scale: float = 1.0
    held_out: bool = False  # drawn to judge methods on, not an event of the utility


@dataclass(frozen=True, eq=False)
class Incident:
    """A storm on the sections: what follows before anybody switches.

    ``start``: state of the devices after the trips; ``blocked``: sections that hold a fault; ``out``: sections
    without supply after the trips (both as bit masks); ``repaired_min``: when each section is back if nothing is
    switched (section,): once every fault on its normal path is repaired.
    """

    storm: Storm
    sections: Sections
    start: int
    tripped: tuple[int, ...]
    blocked: int
    out: int
    repaired_min: NDArray[np.float64]

    @property
    def switching_ends_min(self) -> float:
        """The first repair: from then on the network returns to its normal state, and nothing else is switched."""
        return min(fault.repair_min for fault in self.storm.faults)

    @property
    def horizon_min(self) -> float:
        """When the last fault is repaired and the normal state returns."""
        return max(fault.repair_min for fault in self.storm.faults)


def happen(sections: Sections, storm: Storm) -> Incident:
    """The incident of a storm. Raises InputError on an unknown element, a bus, or a negative repair time."""
    wrong = list(_findings(sections, storm))
    if wrong:
        raise InputError.from_findings(f"Storm {storm.name!r}", wrong)
    start, blocked = sections.normal, 0
    held_min: dict[int, float] = {}  # how long a faulted section is held out
    tripped_min: dict[int, float] = {}  # and a device that tripped
    for fault in storm.faults:
        for section in faulted_sections(sections, fault.element):
            blocked |= 1 << section
            held_min[section] = max(held_min.get(section, 0.0), fault.repair_min)
            device = next((d for d in sections.upstream(section) if sections.devices[d].protective), None)
            if device is not None:
                start &= ~(1 << device)
                tripped_min[device] = max(tripped_min.get(device, 0.0), fault.repair_min)
    alive = sections.supply(start, blocked).alive
    fed = sections.normal_supply.alive
    return Incident(
        storm=storm,
        sections=sections,
        start=start,
        tripped=tuple(tripped_min),
        blocked=blocked,
        out=fed & ~alive,
        repaired_min=_repaired(sections, held_min, tripped_min),
    )


def faulted_sections(sections: Sections, element: str) -> list[int]:
    """Sections that a fault on ``element`` puts out of service; those that are dead anyway may not be used either.

    A device stands at the supply side of its line: a fault on that line is in the section beyond. A fault on a switch,
    which has no length, is in the sections at both ends, and so is one on a line that is normally open.
    """
    network, name = sections.network, element.lower()
    row = int(np.flatnonzero((network.branches["element"] == name).to_numpy())[0])
    ends = {sections.of_bus[network.branches.at[row, end]] for end in ("bus1", "bus2")}
    on_line = next((d for d, device in enumerate(sections.devices) if f"line.{device.line}" == name), None)
    if on_line is None or name in set("line." + network.switches["line"]):
        return sorted(ends)
    fed_by = sections.normal_supply.feeder_of
    return sorted({s for s in ends if fed_by.get(s) == on_line} or ends)


def _repaired(sections: Sections, held_min: dict[int, float], tripped_min: dict[int, float]) -> NDArray[np.float64]:
    """Minutes until what trips and faults on each section's normal path is repaired (section,); 0 without any."""
    ends = sections.ends.tolist()
    found = np.zeros(len(sections))
    for section, device in sections.normal_supply.feeder_of.items():  # from the sources outwards
        above = 0.0
        if device >= 0:
            a, b = ends[device]
            above = max(found[a if b == section else b], tripped_min.get(device, 0.0))
        found[section] = max(above, held_min.get(section, 0.0))
    return found


def _findings(sections: Sections, storm: Storm) -> Iterable[str]:
    if not storm.faults:
        yield "it has no fault."
    network = sections.network
    elements = set(network.branches["element"])
    buses = set(network.buses["bus"])
    for fault in storm.faults:
        name = fault.element.lower()
        if name not in elements:
            yield _unknown(fault.element, buses, sorted(elements))
        if not 0 <= fault.repair_min < float("inf"):
            yield f"The fault on {fault.element!r} has a repair time of {fault.repair_min:g} min: give 0 or more."
    names = [fault.element.lower() for fault in storm.faults]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield f"{', '.join(twice)} is faulted more than once."


def _unknown(element: str, buses: set[str], elements: Sequence[str]) -> str:
    name = element.lower().removeprefix("bus.")
    if name in buses:
        return (
            f"The fault on {element!r} names a bus: a fault sits on an element, e.g. a line at that bus ('line.NAME')."
        )
    near = get_close_matches(element.lower(), elements, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else " Elements are named 'line.NAME' or 'transformer.NAME'."
    return f"The fault names an unknown element {element!r}.{hint}"
