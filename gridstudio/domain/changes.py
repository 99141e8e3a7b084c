"""What we do: the closed list of changes to a circuit, as plain immutable data.

A change names existing elements only; whether it fits the circuit is checked by
the engine before anything is solved. Names are those of the OpenDSS model, in
lower case and without the class (``l115``, ``gfm_95``).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reconductor:
    """Replace the conductors of a line.

    ``line_code`` gives the new impedance (same number of phases as the line);
    None leaves the impedance as it is, so that the power flow does not move and
    only the rating does. ``ampacity_a`` is the new continuous rating [A].
    """

    line: str
    ampacity_a: float
    line_code: str | None = None


@dataclass(frozen=True)
class SetSwitch:
    """Close or open a line at both terminals: a switch, a tie or an outage."""

    line: str
    closed: bool


@dataclass(frozen=True)
class SetSource:
    """Put a voltage source in service or take it out: a grid-forming inverter, or the grid itself.

    A source that is declared open in the circuit (``open vsource.gfm_95 1``) stands ready. Two sources
    in service on one connected part run in parallel, which only circulates current.
    """

    source: str
    closed: bool


Change = Reconductor | SetSwitch | SetSource


@dataclass(frozen=True)
class At:
    """A change that comes into force at ``step`` of a trajectory (0 = first) and stays."""

    step: int
    change: Change


@dataclass(frozen=True)
class ChangeSet:
    """What is done to a circuit, e.g. one plan. Hashable, so it can key a cache.

    A bare change is in force from the first step on, ``At(step, change)`` from
    its step on; where two changes set the same element, the later one counts.
    """

    changes: tuple[Change | At, ...] = ()
    label: str = "base"

    def by_step(self) -> tuple[At, ...]:
        """All changes as ``At``, in the order in which they come into force."""
        staged = (item if isinstance(item, At) else At(0, item) for item in self.changes)
        return tuple(sorted(staged, key=lambda item: item.step))

    def electrical(self) -> "tuple[At, ...]":
        """The changes that move the power flow: all but new ratings on an unchanged impedance.

        Change sets with equal ``electrical()`` have the same power flow, which is solved once.
        """
        return tuple(
            item
            for item in self.by_step()
            if not (isinstance(item.change, Reconductor) and item.change.line_code is None)
        )


BASE = ChangeSet()
