"""Scenario multipliers as the engine's load shapes: one point per step of a block of trajectories.

How the loads reach the engine decides the speed: every load follows a load shape and the
engine steps through time, so that between two solves nothing is edited. Loads that share a
multiplier share a shape. One point is a day long: the time of day stands still at midnight,
so that nothing else that depends on time can move, and what the circuit's author made to
follow the hours (sources, storage, temperatures) is held at the value of a single power flow.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from string import Formatter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine.circuit import run

POINT_H = 24
_FIXED, _EXEMPT = 1, 2  # the engine's codes of a load's status
_CONTROLS_OFF = -1
_SCALED = ("generator", "pvsystem")  # what a scenario's generation_scale multiplies
# What else may follow the hours: class, property that names its curve, and the curve that stands still instead.
_HELD = (
    ("vsource", "daily", "loadshape", "mult=[{pu}]"),
    ("isource", "daily", "loadshape", "mult=[1]"),
    ("indmach012", "daily", "loadshape", "mult=[1]"),
    ("pvsystem", "tdaily", "tshape", "temp=[{temperature}]"),
    ("load", "cvrcurve", "loadshape", "mult=[{cvrwatts}] qmult=[{cvrvars}]"),
)


class Shapes:
    """The load shapes of a compiled circuit. The first point of each is 1: the circuit as published."""

    def __init__(self, engine: Any, network: Network):
        self._engine = engine
        self._storage = [_stored(engine, name) for name in _names(engine, "storage")]
        self._number = {str(load): index for index, load in enumerate(network.loads["load"])}
        self._own: dict[str, str] = {}  # load -> shape of its own
        self._written: dict[str, NDArray[np.float64]] = {}
        self._scales_generation = any(_count(engine, kind) for kind in _SCALED)
        for name in ("gs_load", "gs_generation", "gs_one"):
            self._new(name)
        run(engine, "set defaultdaily=gs_one")
        _hold(engine)
        for kind, shape in ({"load": "gs_load"} | dict.fromkeys(_SCALED, "gs_generation")).items():
            if _count(engine, kind):
                run(engine, f"batchedit {kind}..* daily={shape}")
        run(engine, f"set mode=daily stepsize={POINT_H}h number=1 time=(0,0)")
        self.settle()

    def unknown_loads(self, scenarios: Sequence[Scenario]) -> list[str]:
        """Findings on loads that scenarios name and the circuit has not."""
        named = {load: s.name for s in reversed(scenarios) for group in s.load_groups for load in group.loads}
        findings = []
        for load, scenario in named.items():
            if load not in self._number:
                near = get_close_matches(load.lower(), self._number, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                findings.append(f"Scenario {scenario!r}: the circuit has no load {load!r}.{hint}")
        return findings

    def write(self, scenarios: Sequence[Scenario]) -> None:
        """Lay the multipliers of scenarios of equal length end to end; step ``n`` of all is ``hour(n)``."""
        fresh = {load for s in scenarios for group in s.load_groups for load in group.loads} - self._own.keys()
        for load in sorted(fresh):
            self._own[load] = f"gs_load_{self._number[load]}"
            self._new(self._own[load])
            self._engine.Loads.Name(load)
            self._engine.Loads.Daily(self._own[load])
        if fresh:
            self.settle()
        base = np.array([scenario.load_scale for scenario in scenarios])
        own = {load: base.copy() for load in self._own}
        for row, scenario in enumerate(scenarios):
            for group in scenario.load_groups:
                for load in group.loads:
                    own[load][row] = group.scale
        self._write("gs_load", base)
        for load, scale in own.items():
            self._write(self._own[load], scale)
        if self._scales_generation:
            generation = np.empty_like(base)
            for row, scenario in enumerate(scenarios):
                generation[row] = scenario.generation_scale
            self._write("gs_generation", generation)

    def settle(self) -> None:
        """Bring the equivalents of loads and generators to the published values, where every session has them.

        The engine keeps the admittance that an element had when it was last edited, and a power flow depends on
        it within the tolerance: left to the multiplier of the day, results would depend on what was solved before.
        """
        self.hold_storage()
        solution = self._engine.Solution
        controls = solution.ControlMode()
        solution.ControlMode(_CONTROLS_OFF)  # for some remember every solve
        run(self._engine, "buildy")
        solution.Hour(0)
        solution.Solve()
        solution.ControlMode(controls)
        self.hold_storage()

    def hold_storage(self) -> None:
        """A step is a state, not an hour: storage neither charges nor empties along a trajectory."""
        for name, charge, state in self._storage:
            self._engine.Storages.Name(name)
            self._engine.Storages.puSOC(charge)
            self._engine.Storages.State(state)

    def _new(self, name: str) -> None:
        run(self._engine, f"new loadshape.{name} npts=1 interval={POINT_H} mult=[1]")

    def _write(self, name: str, rows: NDArray[np.float64]) -> None:
        points = np.concatenate([[1.0], rows.ravel()])
        if np.array_equal(self._written.get(name, ()), points):
            return
        shape = self._engine.LoadShape
        shape.Name(name)
        shape.Npts(len(points))
        shape.PMult(points)
        self._written[name] = points


def hour(step: int) -> int:
    """Where the clock stands before the engine steps to point ``step`` of the block (0 = first)."""
    return POINT_H * (step + 1)


def _count(engine: Any, kind: str) -> int:
    engine.Circuit.SetActiveClass(kind)
    return int(engine.ActiveClass.Count())


def _hold(engine: Any) -> None:
    """Loads all follow their scenario; sources, temperatures and storage stay where the circuit has them."""
    more = engine.Loads.First()
    while more:
        if int(engine.Loads.Status()) == _FIXED:
            engine.Loads.Status(_EXEMPT)  # like "fixed", not multiplied by loadmult; but following a shape
        more = engine.Loads.Next()
    for kind, follows, curve, points in _HELD:
        for number, name in enumerate(_names(engine, kind)):
            if not _property(engine, kind, name, follows):
                continue
            fields = [field for _, field, _, _ in Formatter().parse(points) if field]
            named = {field: _property(engine, kind, name, field) for field in fields}
            still = f"gs_still_{kind}_{number}"
            run(engine, f"new {curve}.{still} npts=1 interval={POINT_H} {points.format(**named)}")
            run(engine, f'edit "{kind}.{name}" {follows}={still}')
    if _count(engine, "storage"):
        run(engine, "batchedit storage..* dispmode=external")


def _names(engine: Any, kind: str) -> list[str]:
    return list(engine.ActiveClass.AllNames()) if _count(engine, kind) else []


def _property(engine: Any, kind: str, name: str, field: str) -> str:
    engine.Circuit.SetActiveElement(f"{kind}.{name}")
    return str(engine.Properties.Value(field))


def _stored(engine: Any, name: str) -> tuple[str, float, int]:
    engine.Storages.Name(name)
    return name, float(engine.Storages.puSOC()), int(engine.Storages.State())
