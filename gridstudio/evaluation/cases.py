"""A change set in a scenario, its power flow, and where it breaks the limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio import engine
from gridstudio.domain.changes import BASE, ChangeSet
from gridstudio.domain.limits import Limits, Verdict, check
from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder, PowerFlow
from gridstudio.evaluation.blocks import Progress, Workers, solve_all

Floats = NDArray[np.float64]


class Case(NamedTuple):
    """What we do, while what happens."""

    changes: ChangeSet
    scenario: Scenario


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One case: arrays (step, ...) in the order of ``network``'s tables."""

    case: Case
    network: Network
    limits: Limits
    flow: PowerFlow
    ampacity_a: Floats  # (step, branch), new ratings as they come into force; NaN without rating

    @cached_property
    def branch_current_a(self) -> Floats:
        """Largest phase current (step, branch) [A]."""
        return self.network.branch_current(self.flow.current_a)

    @cached_property
    def loading_pu(self) -> Floats:
        """Largest phase current over the rating in force (step, branch)."""
        return self.branch_current_a / self.ampacity_a

    @cached_property
    def verdict(self) -> Verdict:
        return _check(self.network, self.limits, self.flow.v_pu, self.loading_pu)

    @property
    def feasible(self) -> bool:
        """All steps converged, every node alive that the base circuit feeds, and no limit broken."""
        broken = self.verdict
        return bool(self.flow.converged.all()) and not (
            broken.low.any() or broken.high.any() or broken.overloaded.any() or broken.dead.any()
        )

    def violations(self) -> pd.DataFrame:
        """What is broken; see ``Evaluations.violations`` for the columns."""
        flow = self.flow[None]
        return _violations([self.case.scenario.name], flow, self.ampacity_a[None], self.network, self.limits)


@dataclass(frozen=True, eq=False)
class Evaluations(Sequence[Evaluation]):
    """Cases in the order they were given. Cases that are electrically alike share one solve (``row``)."""

    cases: tuple[Case, ...]
    network: Network
    limits: Limits
    flow: PowerFlow  # (unique case, step, ...)
    row: NDArray[np.intp]  # (case,) into ``flow``
    _cache: dict[int, Evaluation] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> Evaluation:  # type: ignore[override]
        if index not in self._cache:
            case = self.cases[index]
            ampacity_a = rating_trajectory(self.network, case.changes, case.scenario.steps)
            self._cache[index] = Evaluation(case, self.network, self.limits, self.flow[self.row[index]], ampacity_a)
        return self._cache[index]

    def __iter__(self) -> Iterator[Evaluation]:
        return (self[index] for index in range(len(self)))

    @property
    def solves(self) -> int:
        """Power flows that were solved for these cases."""
        return int(self.flow.converged.size)

    @property
    def not_converged(self) -> int:
        """Power flows that did not converge."""
        return int((~self.flow.converged).sum())

    def branch_current_a(self) -> Floats:
        """Largest phase current (case, step, branch) [A]."""
        return self.network.branch_current(self.flow.current_a)[self.row]

    def ampacity_a(self) -> Floats:
        """Rating in force (case, step, branch) [A]."""
        steps = self.flow.converged.shape[1]
        in_force = np.empty((len(self), steps, len(self.network.branches)))
        for index in range(len(self)):
            in_force[index] = self[index].ampacity_a
        return in_force

    def verdict(self) -> Verdict:
        """Where limits are broken, arrays (case, step, ...)."""
        loading_pu = self.branch_current_a() / self.ampacity_a()
        return _check(self.network, self.limits, self.flow.v_pu[self.row], loading_pu)

    def violations(self) -> pd.DataFrame:
        """Tidy table of what is broken: scenario, step, kind, element, phase, value, limit, unit.

        kind: undervoltage, overvoltage (value in pu), dead (value in pu), overload (largest phase
        current, limit = loading limit times rating, in A), not_converged (no value).
        """
        names = [case.scenario.name for case in self.cases]
        return _violations(names, self.flow[self.row], self.ampacity_a(), self.network, self.limits)


def _violations(
    names: Sequence[str], flow: PowerFlow, ampacity_a: Floats, network: Network, limits: Limits
) -> pd.DataFrame:
    """The table of violations of a flow (case, step, ...), sorted by case and step."""
    current_a = network.branch_current(flow.current_a)
    broken = _check(network, limits, flow.v_pu, current_a / ampacity_a)
    loading_limit_pu = network.loading_limit_pu(limits)
    bus, node_phase = network.nodes["bus"].to_numpy(), network.nodes["phase"].to_numpy()
    parts = []
    for kind, mask, limit in (
        ("undervoltage", broken.low, limits.v_min_pu),
        ("overvoltage", broken.high, limits.v_max_pu),
        ("dead", broken.dead, limits.dead_pu),
    ):
        case, step, node = np.nonzero(mask)
        value = flow.v_pu[case, step, node]
        parts.append(_part(names, case, step, kind, bus[node], node_phase[node], value, limit, "pu"))
    case, step, branch = np.nonzero(broken.overloaded)
    element = network.branches["element"].to_numpy()[branch]
    phase = _largest_phase(network, flow.current_a, case, step, branch)
    limit_a = loading_limit_pu[branch] * ampacity_a[case, step, branch]
    parts.append(_part(names, case, step, "overload", element, phase, current_a[case, step, branch], limit_a, "A"))
    case, step = np.nonzero(~flow.converged)
    parts.append(_part(names, case, step, "not_converged", "circuit", 0, np.nan, np.nan, ""))
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return table.sort_values(["case", "step"], kind="stable", ignore_index=True).drop(columns="case")


def _part(
    names: Sequence[str],
    case: NDArray[np.intp],
    step: NDArray[np.intp],
    kind: str,
    element: Any,
    phase: Any,
    value: Any,
    limit: Any,
    unit: str,
) -> pd.DataFrame:
    """Rows of one kind of violation."""
    table = {"case": case, "scenario": np.asarray(names, dtype=object)[case], "step": step, "kind": kind}
    return pd.DataFrame({**table, "element": element, "phase": phase, "value": value, "limit": limit, "unit": unit})


def _largest_phase(
    network: Network, current_a: Floats, case: NDArray[np.intp], step: NDArray[np.intp], branch: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Phase of the largest current of the branches named, at their cases and steps."""
    phase, ends = network.conductors["phase"].to_numpy(), [*network.first_conductor, len(network.conductors)]
    found = np.zeros(len(branch), dtype=np.intp)
    for row in np.unique(branch):
        at = np.flatnonzero(branch == row)
        largest = current_a[case[at], step[at], ends[row] : ends[row + 1]].argmax(axis=1)
        found[at] = phase[ends[row] + largest]
    return found


def _check(network: Network, limits: Limits, v_pu: Floats, loading_pu: Floats) -> Verdict:
    return check(v_pu, loading_pu, network.nodes["fed"].to_numpy(), network.loading_limit_pu(limits), limits)


def rating_trajectory(network: Network, changes: ChangeSet, steps: int) -> Floats:
    """Continuous rating (step, branch) [A] as changes come into force."""
    base = network.branches["ampacity_a"].to_numpy()
    ampacity_a = np.repeat(base[None, :], steps, axis=0)
    for item in changes.by_step():
        if rating := item.change.new_rating(network):
            row, new_a = rating
            ampacity_a[item.step :, row] = new_a
    return ampacity_a


def evaluate(
    feeder: Feeder, changes: ChangeSet = BASE, scenario: Scenario = Scenario(), limits: Limits = Limits()
) -> Evaluation:
    """Solve one case and check it against ``limits``."""
    return evaluate_many(feeder, [Case(changes, scenario)], limits)[0]


def evaluate_many(
    feeder: Feeder,
    cases: Sequence[tuple[ChangeSet, Scenario]],
    limits: Limits = Limits(),
    workers: Workers = Workers(),
    progress: Progress | None = None,
) -> Evaluations:
    """Solve cases and check them; the result does not depend on ``workers``, nor on the order, to the bit.

    All scenarios need equally many steps. Raises InputError before any solve if a change or
    a scenario does not fit the circuit, EngineError if workers die again and again.
    """
    asked = tuple(Case(*case) for case in cases)
    with engine.borrow(feeder) as session:
        network = session.network
        session.validate([(changes.by_step(), scenario) for changes, scenario in asked])
    # What is electrically alike is solved once. Alike circuits stand together in the order of their first case,
    # so that a topology is set up once for all its scenarios.
    keys = [(changes.electrical(), scenario.electrical) for changes, scenario in asked]
    circuits = [(changes.electrical(), scenario.outages) for changes, scenario in asked]
    place = {circuit: index for index, circuit in enumerate(dict.fromkeys(circuits))}
    first = {key: index for index, key in reversed(list(enumerate(keys)))}
    order = sorted(first.values(), key=lambda index: (place[circuits[index]], index))
    trajectories = [(keys[index][0], asked[index].scenario) for index in order]
    flow = solve_all(feeder, trajectories, workers, progress)
    row_of = {keys[index]: row for row, index in enumerate(order)}
    row = np.array([row_of[key] for key in keys], dtype=np.intp)
    return Evaluations(asked, network, limits, flow, row)
