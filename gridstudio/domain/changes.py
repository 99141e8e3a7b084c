"""What we do: the closed list of changes to a circuit, as plain immutable data.

A change names existing elements and buses only; whether it fits the circuit is checked by
the engine before anything is solved. Names are those of the OpenDSS model, in
lower case and without the class (``l115``, ``gfm_95``). Sizes are absolute, counted from the
circuit as published: where two changes set the same thing, the later one counts.
"""

from dataclasses import dataclass

from gridstudio.domain.network import Network

Rating = tuple[int, float]  # row of ``Network.branches`` and its new continuous rating [A]


class Change:
    """One thing that is done to a circuit; every kind of change is a frozen dataclass below."""

    @property
    def electrical(self) -> bool:
        """Whether the power flow moves; else only a rating does."""
        return True

    @property
    def adds(self) -> bool:
        """Whether it needs an element that the circuit has not; it is declared out of service before any solve."""
        return False

    def new_rating(self, network: Network) -> Rating | None:
        """The rating that the change brings; None if it brings none. NaN where the circuit gives no rating today."""
        return None


# -- lines and sources ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reconductor(Change):
    """Replace the conductors of a line.

    ``line_code`` gives the new impedance (same number of phases as the line);
    None leaves the impedance as it is, so that the power flow does not move and
    only the rating does. ``ampacity_a`` is the new continuous rating [A].
    """

    line: str
    ampacity_a: float
    line_code: str | None = None

    @property
    def electrical(self) -> bool:
        return self.line_code is not None

    def new_rating(self, network: Network) -> Rating | None:
        return network.line_row[self.line], self.ampacity_a


@dataclass(frozen=True)
class ParallelLine(Change):
    """Run a line as ``circuits`` equal circuits of the conductor that it has today, on poles or in ducts of their own.

    Impedance over ``circuits``, charging and rating times ``circuits``. The circuits are taken as not coupled: do not
    use it for two circuits on one pole, whose mutual impedance makes the pair worse than half.
    """

    line: str
    circuits: int = 2

    def new_rating(self, network: Network) -> Rating | None:
        row = network.line_row[self.line]
        return row, self.circuits * float(network.branches["ampacity_a"].iat[row])


@dataclass(frozen=True)
class SetSwitch(Change):
    """Close or open a line at both terminals: a switch, a tie or an outage."""

    line: str
    closed: bool


@dataclass(frozen=True)
class SetSource(Change):
    """Put a voltage source in service or take it out: a grid-forming inverter, or the grid itself.

    A source that is declared open in the circuit (``open vsource.gfm_95 1``) stands ready. Two sources
    in service on one connected part run in parallel, which only circulates current.
    """

    source: str
    closed: bool


# -- transformers and their regulators ------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReplaceTransformer(Change):
    """Replace a transformer by one of another rating, with the same voltages, connections, taps and controls.

    ``kva`` [kVA] is the rating of its largest winding, the others keep their share of it. Impedance and losses in
    percent of the rating stay as they are unless given: ``percent_r`` is the resistance of windings 1 and 2 together
    (the load loss), ``percent_x`` the reactance between them; further windings follow in proportion. The loading
    limit of the old unit over its rating (OpenDSS: ``normhkva``) is kept.
    """

    transformer: str
    kva: float
    percent_r: float | None = None
    percent_x: float | None = None

    def new_rating(self, network: Network) -> Rating | None:
        row = network.transformer_row[self.transformer]
        times = self.kva / network.transformer_kva[self.transformer]
        return row, times * float(network.branches["ampacity_a"].iat[row])


@dataclass(frozen=True)
class SetRegulator(Change):
    """Change the settings of a voltage regulator or of a transformer's tap changer; None keeps what is set.

    ``regulator`` is the name of the control (OpenDSS: ``regcontrol``). ``vreg_v`` and ``band_v`` are set point and
    bandwidth, ``r_v`` and ``x_v`` the line drop compensation, all in volts at the control (on a 120 V base).
    """

    regulator: str
    vreg_v: float | None = None
    band_v: float | None = None
    r_v: float | None = None
    x_v: float | None = None


@dataclass(frozen=True)
class AddRegulator(Change):
    """A new voltage regulator at the head of a line (its first bus): one single-phase unit per phase, to earth.

    ``vreg_v`` and ``band_v`` are set point and bandwidth [V on a 120 V base], ``kva`` [kVA, all phases] its rating,
    32 steps of 5/8 %, nearly ideal. Not for feeders without earth. Its own node is not among the network's, so neither
    its output voltage nor its loading is checked; its losses are not counted. The line's first bus is taken to be the
    end towards the source. Slow: each trajectory is solved in a fresh copy of the circuit.
    """

    line: str
    vreg_v: float = 122.0
    band_v: float = 2.0
    kva: float = 10_000.0


# -- capacitors -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetCapacitor(Change):
    """Resize a shunt capacitor bank, fix its steps, or change when its control switches; None keeps what is.

    ``kvar`` [kvar] is the size of the whole bank. ``steps`` is the number of its steps in service (0 is off); the bank
    is then fixed, its control is out of service. ``on_at`` and ``off_at`` are the settings of its control, in the
    unit of that control (V, A, kvar, h or power factor; OpenDSS: ``onsetting``, ``offsetting``).
    """

    capacitor: str
    kvar: float | None = None
    steps: int | None = None
    on_at: float | None = None
    off_at: float | None = None


@dataclass(frozen=True)
class AddCapacitor(Change):
    """A new fixed capacitor bank of ``kvar`` [kvar, all phases together] at a bus.

    ``phases`` are the nodes that it stands on, () for all phases of the bus. ``connection`` is "wye" (to earth) or
    "delta", which a bus without earth needs. One bank per bus, phases and connection: a later one replaces it.
    """

    bus: str
    kvar: float
    phases: tuple[int, ...] = ()
    connection: str = "wye"

    @property
    def adds(self) -> bool:
        return True


# -- loads ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MovePhase(Change):
    """Connect a single-phase load to other nodes of its bus: phase balancing.

    ``phases`` are the nodes that it moves to: one for a load to neutral, two for a load between phases.
    """

    load: str
    phases: tuple[int, ...]


@dataclass(frozen=True)
class ReduceLoad(Change):
    """Demand response: a load draws ``share`` (0 to 1) less than it would, kW and kvar alike."""

    load: str
    share: float


@dataclass(frozen=True)
class AddBattery(Change):
    """A battery at a bus that delivers ``kw`` [kW, all phases together; negative charges] at unity power factor.

    A step of a trajectory is a state, not an hour: the battery delivers this in every step from its first on; energy
    and dispatch are the planner's, which sets another ``kw`` by a later change. ``phases`` as for ``AddCapacitor``.
    """

    bus: str
    kw: float
    phases: tuple[int, ...] = ()

    @property
    def adds(self) -> bool:
        return True


@dataclass(frozen=True)
class VoltVar(Change):
    """Smart inverter: a PV system's reactive power follows its voltage.

    ``curve``: points (voltage [pu], reactive power [pu of what the inverter has left, positive delivers]), the voltage
    rising and the power falling. The default is that of IEEE 1547-2018, category B. Slow: each trajectory is
    solved in a fresh copy of the circuit.
    """

    pv: str
    curve: tuple[tuple[float, float], ...] = ((0.92, 0.44), (0.98, 0.0), (1.02, 0.0), (1.08, -0.44))


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
        return tuple(item for item in self.by_step() if item.change.electrical)


BASE = ChangeSet()
