"""What can be done next: groups of dead sections picked up by one closing, and live ones moved to another feeder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gridstudio.domain.sections import Sections, bits
from gridstudio.planning.restoration.clock import Operation
from gridstudio.planning.restoration.incident import Incident

MOST_GROUPS = 4096  # connected groups behind one device that are looked at; the largest beyond are left out


@dataclass(frozen=True)
class Move:
    """Operations that end with a closing: sections picked up (bit mask), and those without supply meanwhile."""

    operations: tuple[Operation, ...]
    closed: int  # the state of the devices afterwards
    picked_up: int
    interrupted: int = 0  # live sections that are out between the opening and the closing


def pickups(incident: Incident, closed: int, alive: int, whole_only: bool = False) -> Iterator[Move]:
    """Moves that bring supply to dead sections without a fault.

    A closing picks up the sections that hang together behind it. They are cut off from everything else first: from
    faults, which must be, and from further sections where only a part is picked up.
    """
    sections = incident.sections
    for d, (a, b) in enumerate(sections.ends.tolist()):
        if closed >> d & 1:
            continue
        for near, far in ((a, b), (b, a)):
            dead = not (alive | incident.blocked) >> far & 1
            if alive >> near & 1 and dead and sections.feeds(d, far):
                for group in groups(sections, closed, far, alive | incident.blocked, whole_only):
                    if move := _pickup(sections, closed, d, group):
                        yield move


def transfers(incident: Incident, closed: int, alive: int, feeder_of: Mapping[int, int]) -> Iterator[Move]:
    """Moves that give live sections to another feeder: opened above, closed elsewhere (break before make).

    What is opened breaks load current: a breaker, a recloser or a switch.
    """
    sections = incident.sections
    ends = sections.ends.tolist()
    for d, (a, b) in enumerate(ends):
        if closed >> d & 1 or not (alive >> a & alive >> b & 1):
            continue
        for near, far in ((a, b), (b, a)):
            section = far
            while sections.feeds(d, far) and (above := feeder_of[section]) >= 0:
                below = beneath(sections, feeder_of, section)
                if below >> near & 1:
                    break
                after = closed & ~(1 << above)
                if sections.devices[above].load_break and together(sections, after, far, ~below) == below:
                    operations = (Operation(above, False), Operation(d, True))
                    yield Move(operations, after | 1 << d, 0, interrupted=below)
                section = sum(ends[above]) - section


def beneath(sections: Sections, feeder_of: Mapping[int, int], section: int) -> int:
    """Sections that are fed through ``section``, and itself (bit mask)."""
    ends, below = sections.ends.tolist(), 1 << section
    for other, device in feeder_of.items():  # from the sources outwards
        if device >= 0:
            a, b = ends[device]
            if below >> (a if b == other else b) & 1:
                below |= 1 << other
    return below


def groups(sections: Sections, closed: int, first: int, taken: int, whole_only: bool) -> Iterator[int]:
    """Connected groups of sections around ``first`` within what hangs together through closed devices (bit masks).

    The whole comes first. ``taken`` sections are no part of it. Dead-end laterals stay with what feeds them: their
    fuses are not pulled to shed load.
    """
    whole = together(sections, closed, first, taken)
    yield whole
    fuses = closed & sections.lateral_fuses
    smallest = together(sections, fuses, first, ~whole)
    if whole_only or whole == smallest:
        return
    seen, queue = {smallest}, [smallest]
    for group in queue:
        if group != whole:
            yield group
        for section in bits(group):
            for d, other in sections.around[section]:
                onwards = closed >> d & 1 and sections.feeds(d, other)
                if onwards and whole >> other & 1 and not group >> other & 1:
                    wider = group | together(sections, fuses, other, ~whole | group)
                    if wider not in seen and len(seen) < MOST_GROUPS:
                        seen.add(wider)
                        queue.append(wider)


def together(sections: Sections, closed: int, first: int, taken: int) -> int:
    """Sections that ``first`` feeds through closed devices which bring all their phases, and itself (bit mask)."""
    group, queue = 1 << first, [first]
    for section in queue:
        for d, other in sections.around[section]:
            if closed >> d & 1 and not (group | taken) >> other & 1 and sections.feeds(d, other):
                group |= 1 << other
                queue.append(other)
    return group


def _pickup(sections: Sections, closed: int, device: int, group: int) -> Move | None:
    """The move that picks up ``group`` by ``device``; None if the group holds a loop."""
    opened, inner = [], set()
    for section in bits(group):
        for d, other in sections.around[section]:
            if closed >> d & 1 and d != device:
                if group >> other & 1:
                    inner.add(d)
                elif d not in opened:
                    opened.append(d)
    if len(inner) >= group.bit_count():
        return None
    after = closed | 1 << device
    for d in opened:
        after &= ~(1 << d)
    opened.sort(key=lambda d: (not sections.devices[d].remote, d))  # crews travel meanwhile
    operations = tuple(Operation(d, False) for d in opened) + (Operation(device, True),)
    return Move(operations, after, group)
