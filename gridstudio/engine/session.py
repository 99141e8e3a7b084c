"""One compiled circuit and its baseline: trajectories in, arrays out, nothing left behind."""

import itertools
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import At, Change, SetSwitch
from gridstudio.domain.findings import findings, load_nodes
from gridstudio.domain.network import Finding, Network
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine.applying import Applied, declare, misfits
from gridstudio.engine.baseline import Baseline, dispatches, fresh_states
from gridstudio.engine.circuit import Feeder, compile_into, compiled, run
from gridstudio.engine.inventory import Inventory, read_inventory
from gridstudio.engine.library import DSSException
from gridstudio.engine.reading import read_network
from gridstudio.engine.recording import PowerFlow, Recorder, empty_flow
from gridstudio.engine.shapes import Shapes, hour
from gridstudio.errors import InputError

Trajectory = tuple[tuple[At, ...], Scenario]
FEW_KW = 0.7  # served below this share of nominal at the baseline is worth a warning
DEAD_PU = 0.1
SAME_PU = 1e-3  # the base case as a step, against the settled circuit


class Session:
    """The compiled circuit of a feeder. It is never pickled and never leaves its process.

    The baseline is the circuit as it stands today: loads at their published values,
    regulators and capacitors settled. Every trajectory starts from it, whatever was
    solved before; within a trajectory taps and capacitor steps carry from step to step.

    Raises InputError with all findings if the circuit cannot be trusted.
    """

    _edited: bool  # whether the circuit was edited since the equivalents of its loads were settled

    def __init__(self, feeder: Feeder):
        self.feeder = feeder
        owned = ExitStack()
        self._dss = owned.enter_context(compiled(feeder))
        weakref.finalize(self, owned.close)
        self._fresh = fresh_states(self._dss)
        network = read_network(self._dss)
        found = findings(network)
        _refuse(feeder, found)
        self._settle()
        v_pu = np.array(self._dss.Circuit.AllBusMagPu())
        found += _energised(self._dss, network, v_pu)
        _refuse(feeder, found)
        self.findings: tuple[Finding, ...] = tuple(found)
        fed = network.nodes["fed"].to_numpy() & (v_pu > DEAD_PU)
        self.network: Network = replace(network, nodes=network.nodes.assign(fed=fed))
        self._inventory = read_inventory(self._dss, self.network, feeder.controls != "off")
        self._rebuild = self._always_fresh = False
        self._proven: set[str] = set()  # what is known to be taken back to the bit
        self._unseen: list[Applied] = []  # edits made or taken back since the engine's nodes were looked at
        self._new: dict[Change, None] = {}  # what changes have added so far, in the order in which it was declared
        self._prepare()
        self.findings += (*self._prove_return(), *self._moved(v_pu))

    def solve(self, trajectories: Sequence[Trajectory]) -> PowerFlow:
        """Solve trajectories of equal length; arrays (case, step, ...).

        What does not converge is marked, its numbers are NaN, and the next step starts from
        the baseline. Raises InputError before any solve if a change or a scenario does not fit.
        """
        self.validate(trajectories)
        steps = trajectories[0][1].steps if trajectories else 0
        devices = len(self.devices) if any(scenario.read_positions for _, scenario in trajectories) else 0
        flow = empty_flow((len(trajectories), steps), self.network, devices)
        self._declare(item for changes, _ in trajectories for item in changes)
        self._begin([scenario for _, scenario in trajectories], flow)
        case = 0
        for timed, alike in itertools.groupby(trajectories, key=lambda trajectory: timed_changes(*trajectory)):
            now, later = _now_and_later(timed)
            applied = None
            for _ in alike:
                applied = self._apply(now) if applied is None else applied
                self._walk(later, case, flow, applied)
                case += 1
                if later or applied.once or self._always_fresh:
                    self._undo(applied)
                    applied = None
            if applied is not None:
                self._undo(applied)
        self._recorder.flush()
        return flow

    def validate(self, trajectories: Sequence[Trajectory]) -> None:
        """InputError with all findings if a change or a scenario names what the circuit has not, or does not fit."""
        scenarios = list({id(scenario): scenario for _, scenario in trajectories}.values())
        steps = {scenario.steps for scenario in scenarios}
        wrong: list[str] = []
        if len(steps) > 1:
            wrong.append(f"Scenarios of one evaluation need equally many steps, found {sorted(steps)}.")
        if len({scenario.read_positions for scenario in scenarios}) > 1:
            wrong.append("Positions of controls are read in all scenarios of one evaluation or in none.")
        different = {(changes, s.outages, s.steps): s.name for changes, s in reversed(trajectories)}
        for (changes, outages, count), name in different.items():
            wrong += misfits(self._inventory, changes, outages, count, name)
        wrong += self._shapes.unknown_loads(scenarios)
        if wrong:
            raise InputError.from_findings("Changes or scenarios that do not fit the circuit", dict.fromkeys(wrong))

    @contextmanager
    def state_at_end(self, changes: tuple[At, ...], scenario: Scenario) -> Iterator[Any]:
        """The engine right after the last step of a trajectory, for reading more than the arrays hold."""
        self.validate([(changes, scenario)])
        flow = empty_flow((1, scenario.steps), self.network)
        self._declare(changes)
        self._begin([scenario], flow)
        now, later = _now_and_later(timed_changes(changes, scenario))
        applied = self._apply(now)
        self._walk(later, 0, flow, applied)
        try:
            yield self._dss
        finally:
            self._undo(applied)

    @property
    def inventory(self) -> Inventory:
        """What changes must know of the circuit."""
        return self._inventory

    @property
    def devices(self) -> tuple[str, ...]:
        """The taps and capacitors that controls move, in the order of a power flow's ``position``."""
        return self._recorder.devices

    def positions(self) -> list[str]:
        """Where taps and capacitor steps stand now, as OpenDSS commands that bring them there."""
        return self._baseline.positions()

    # -- one trajectory -------------------------------------------------------

    def _begin(self, scenarios: Sequence[Scenario], flow: PowerFlow) -> None:
        self._scenarios = scenarios
        self._flow = flow
        self._shapes.write(scenarios)
        self._recorder.start(flow)

    def _declare(self, changes: Iterable[At]) -> None:
        """Make what changes will add, off: the same circuit to the bit."""
        asked = [item.change for item in changes if item.change.adds]
        self._new.update(dict.fromkeys(asked))
        if declare(self._dss, self._inventory, asked):
            self._edited = True
            self._recorder.find_nodes()

    def _apply(self, changes: Sequence[At]) -> Applied:
        applied = Applied(self._dss, self._proven, self._baseline.held)
        for item in changes:
            applied.apply(item.change)
        self._edited = self._edited or bool(changes)
        self._unseen.append(applied)
        self._look_again()
        return applied

    def _undo(self, applied: Applied) -> None:
        """The circuit without changes, on a fresh copy if it is not what it was to the bit."""
        self._edited = self._edited or len(applied) > 0
        if not applied.undo() or self._always_fresh:
            self._recompile()
        else:
            self._unseen.append(applied)

    def _look_again(self) -> None:
        """Find again what changes have moved since the last look: sources in service, nodes, what delivers power.

        What was taken back waits for what is applied next: a look at a circuit of 3 000 nodes costs 12 ms.
        """
        moved, self._unseen = self._unseen, []
        if any(edits.sources for edits in moved):
            self._recorder.find_sources()
        if any(edits.nodes for edits in moved):
            run(self._dss, "makebuslist")
            self._recorder.find_nodes()
        if any(edits.once for edits in moved):
            run(self._dss, "init")  # in mid-run: new nodes have no voltage yet
        for edits in moved:
            self._baseline.also_restore(edits.taps)
        if any(edits.generation for edits in moved):
            self._recorder.find_generation()

    def _walk(self, later: Sequence[At], case: int, flow: PowerFlow, applied: Applied) -> None:
        """Solve one trajectory from the baseline, later changes coming into force on the way."""
        if self._edited and not self._baseline.writes:
            self._shapes.settle()
            self._edited = False
        self._baseline.restore()
        steps = flow.converged.shape[1]
        pending = list(later)
        carry = self._scenarios[case].carry_controls
        for step in range(steps):
            if step and not carry:
                self._baseline.restore()
            while pending and pending[0].step == step:
                applied.apply(pending.pop(0).change)
                self._unseen.append(applied)
                self._look_again()
            if not self._solve_step(case * steps + step, (case, step)):
                self._baseline.restore()

    def _solve_step(self, number: int, at: tuple[int, ...]) -> bool:
        """Solve step ``number`` of the block and read it into place ``at``. False if it did not converge."""
        solution = self._dss.Solution
        solution.Hour(hour(number))
        try:
            solution.Solve()
            converged = bool(solution.Converged())
        except DSSException:  # the engine's word for controls that found no rest
            converged = False
        self._shapes.hold_storage()
        return converged and self._recorder.read(at)

    # -- the baseline ---------------------------------------------------------

    def _settle(self) -> None:
        """Solve the circuit as published, controls active, and take its control states for the baseline."""
        solution = self._dss.Solution
        try:
            solution.Solve()
            converged = bool(solution.Converged())
            why = f"does not converge within {solution.MaxIterations()} iterations"
        except DSSException:
            converged, why = False, f"finds no rest within {solution.MaxControlIterations()} control iterations"
        if not converged:
            raise InputError(
                f"The base power flow of {self.feeder.master} {why}: "
                "check its loads, impedances, voltage bases and controls."
            )

    def _prepare(self) -> None:
        """Equip a settled circuit: its load shapes, its baseline, its recorder."""
        self._shapes = Shapes(self._dss, self.network)
        self._baseline = Baseline(self._dss, self.feeder.controls != "off", self._fresh)
        self._baseline.rebuild = self._rebuild
        self._recorder = Recorder(self._dss, self.network)
        self._edited = False

    def _recompile(self) -> None:
        """A fresh copy of the circuit, in mid-run: where an edit cannot be undone to the bit, or a state not reset."""
        self._recorder.flush()
        self._unseen = []
        compile_into(self._dss, self.feeder)
        self._settle()
        self._prepare()
        self._declare([At(0, change) for change in self._new])
        self._begin(self._scenarios, self._flow)

    def _prove_return(self) -> list[Finding]:
        """How the baseline is reached again to the bit is tried, not guessed: as it is, with the admittances of all
        elements computed anew, or in a fresh copy of the circuit for every trajectory, which is slow."""
        ways = ((False, False), (True, False), (False, True))
        unsafe = self.feeder.controls != "off" and dispatches(self._dss)
        for self._rebuild, self._always_fresh in ways[int(unsafe) :]:
            self._baseline.rebuild = self._rebuild
            if self._always_fresh or self._returns():
                break
        if not self._always_fresh:
            return []
        self._recompile()
        return [
            Finding(
                "warning",
                "A control of this circuit keeps a memory that OpenDSS does not reset: every trajectory is solved in a "
                "fresh copy of the circuit, which is slow. Disable that control, or set controls = 'off'.",
            )
        ]

    def _moved(self, settled_pu: NDArray[np.float64]) -> list[Finding]:
        """A warning if the base case of a trajectory is not the settled circuit: something follows the time then."""
        base = self.solve([((), Scenario())])
        away_pu = float(np.abs(base.v_pu[0, 0] - settled_pu).max())
        if away_pu < SAME_PU:
            return []
        return [
            Finding(
                "warning",
                f"As a step of a trajectory the base case differs by {away_pu:.3g} pu from the circuit's single power "
                "flow: a control or a source of this circuit depends on time or on what was solved before.",
            )
        ]

    def _returns(self) -> bool:
        """Whether two cases give the same bits before and after others that move loads, generation and taps."""
        some = [str(load) for load in self.network.loads["load"].head(2)]
        group = LoadGroup(tuple(some), (0.5, 2.0))
        high = Scenario(load_scale=(1.0, 1.4), load_groups=(group,), generation_scale=(0.4,))
        flat, low = Scenario(load_scale=(1.0, 1.0)), Scenario(load_scale=(0.4, 0.2), generation_scale=(1.2,))
        flow = self.solve([((), scenario) for scenario in (flat, high, low, high, flat)])
        return _same(flow[0], flow[4]) and _same(flow[1], flow[3])


def _same(a: PowerFlow, b: PowerFlow) -> bool:
    return np.array_equal(a.v_pu, b.v_pu, equal_nan=True) and np.array_equal(a.current_a, b.current_a, equal_nan=True)


def timed_changes(changes: tuple[At, ...], scenario: Scenario) -> tuple[At, ...]:
    """All that is switched or replaced along a trajectory, in order: its outages, then its changes.

    A line that is out stays out, whatever a change says.
    """
    out = set(scenario.outages)
    kept = (item for item in changes if not (isinstance(item.change, SetSwitch) and item.change.line in out))
    ordered = sorted(kept, key=lambda item: item.step)
    return (*(At(0, SetSwitch(line, closed=False)) for line in scenario.outages), *ordered)


def _now_and_later(timed: tuple[At, ...]) -> tuple[list[At], list[At]]:
    return [item for item in timed if item.step == 0], [item for item in timed if item.step > 0]


def _energised(dss: Any, network: Network, v_pu: NDArray[np.float64]) -> list[Finding]:
    """Proof beyond ``Converged``: loads on fed nodes have voltage, and the delivered power is near nominal."""
    known = replace(network, nodes=network.nodes.assign(v_pu=np.where(network.nodes["fed"], v_pu, np.nan)))
    lowest = load_nodes(known, "v_pu").groupby("load")["v_pu"].min()
    dead = list(lowest.index[lowest < DEAD_PU])
    found = []
    if dead:
        found.append(
            Finding(
                "error",
                f"{len(dead)} of {len(network.loads)} loads have no voltage though lines connect them to a source "
                f"({', '.join(dead[:5])}): the power flow converged on a dead circuit.",
            )
        )
    nominal = network.loads.loc[network.loads["load"].map(lowest).notna(), "kw"].sum() * dss.Solution.LoadMult()
    served = -dss.Circuit.TotalPower()[0] - dss.Circuit.Losses()[0] / 1000.0
    if network.generators.empty and nominal > 0 and served < FEW_KW * nominal:
        found.append(
            Finding(
                "warning",
                f"The base power flow delivers {served:.0f} kW of {nominal:.0f} kW: loads may stand below "
                "their vminpu, where OpenDSS turns them into impedances.",
            )
        )
    return found


def _refuse(feeder: Feeder, found: list[Finding]) -> None:
    errors = [finding.text for finding in found if finding.severity == "error"]
    if errors:
        raise InputError.from_findings(str(feeder.master), errors)
