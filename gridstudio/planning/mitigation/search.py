"""The record of one search: plans solved in all scenarios, what was tried, and every step in its order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gridstudio.domain.changes import ChangeSet
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import PowerFlow
from gridstudio.evaluation import Evaluations
from gridstudio.planning.mitigation.effort import large
from gridstudio.planning.mitigation.excess import KINDS, Excess, excess
from gridstudio.planning.mitigation.places import Move
from gridstudio.planning.mitigation.predict import predicted
from gridstudio.planning.mitigation.problem import EMPTY, Option, Plan, Problem
from gridstudio.planning.mitigation.state import State

Evaluate = Callable[[str, Sequence[tuple[ChangeSet, Scenario]]], Evaluations]
BATCH_MB = 150.0  # raw results that are held at once
SCREENED = 4  # scenarios that a candidate is tried in first; what is taken is solved in all


@dataclass(frozen=True)
class Step:
    """A row of the table of steps; counts by ``KINDS``, ``reasons`` of its options."""

    phase: str
    action: str
    options: tuple[Option, ...]
    cost_usd: float
    plan_cost_usd: float
    reasons: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    power_flows: int
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate in the scenarios of the screen, solved or predicted: what is left of excess, what it makes worse."""

    move: Move
    plan: Plan
    score: float
    worse: str
    excess: Excess
    gain: float  # what it takes off the score


@dataclass
class Search:
    """What a search changes while it runs."""

    problem: Problem
    evaluate: Evaluate
    most_steps: int
    base: State
    steps: list[Step] = field(default_factory=list)
    power_flows: int = 0
    offered: dict[str, dict[Option, None]] = field(default_factory=dict)  # by slot: all that was ever tried
    refused: set[Option] = field(default_factory=set)  # whose prediction the power flows have contradicted
    stuck: tuple[State, list[Trial]] | None = None  # where the search ended with something left, and what was tried

    @property
    def budget_usd(self) -> float:
        given = self.problem.menu.budget_usd
        return np.inf if given is None else given

    @property
    def taken(self) -> int:
        """Steps that were accepted."""
        return sum(not step.refused for step in self.steps)

    def solve(
        self, phase: str, plans: Sequence[Plan], screen: Sequence[int] | None = None
    ) -> list[tuple[Evaluations, Excess]]:
        """Every plan in all scenarios, or in those of a screen."""
        scenarios = self.problem.scenarios if screen is None else [self.problem.scenarios[s] for s in screen]
        network, count = self.problem.network, len(scenarios)
        numbers = (2 * len(network.nodes) + len(network.conductors) + len(network.branches)) * scenarios[0].steps
        most = max(1, int(BATCH_MB * 1e6 / (8 * numbers * count)))
        found = []
        for start in range(0, len(plans), most):
            batch = plans[start : start + most]
            cases = [(changes, s) for changes in (plan.changes() for plan in batch) for s in scenarios]
            done = self.evaluate(phase, cases)
            self.power_flows += done.solves
            measured = excess(self.problem, done)
            for k in range(len(batch)):
                rows = slice(k * count, (k + 1) * count)
                found.append((_part(done, rows), measured[rows]))
        return found

    def states(self, phase: str, plans: Sequence[Plan]) -> list[State]:
        solved = self.solve(phase, plans)
        return [State(plan, done, found) for plan, (done, found) in zip(plans, solved, strict=True)]

    def try_all(self, phase: str, state: State, moves: Sequence[Move], predict: bool = False) -> list[Trial]:
        """Every move on top of a state, in the scenarios of its screen; what the budget forbids is left out.

        ``predict``: what moves take off hot branches is reckoned where it can be, and only that; nothing is solved.
        """
        screen = self.screen(state)
        plans = [state.plan.having(move.options) for move in moves]
        asked = [(m, p) for m, p in zip(moves, plans, strict=True) if p.cost_usd <= self.budget_usd]
        if predict:
            asked = [(m, p) for m, p in asked if not self.refused.intersection(m.options)]
            known = [(m, p, predicted(self.problem, state, m, screen)) for m, p in asked]
            found = [(m, p, excess) for m, p, excess in known if excess is not None]
        else:
            if large(self.problem, state.plan):
                asked = [(m, p) for m, p in asked if self._must_be_solved(state, m, screen)]
            solved = self.solve(phase, [p for _, p in asked], screen)
            found = [(m, p, excess) for (m, p), (_, excess) in zip(asked, solved, strict=True)]
        for option in (option for move, _, _ in found for option in move.options):
            self.offered.setdefault(option.slot, {})[option] = None
        reference, base = state.excess[screen], self.base.excess[screen]
        return [
            Trial(m, p, of.score, of.worse_than(reference) or of.worse_than(base), of, reference.score - of.score)
            for m, p, of in found
        ]

    def _must_be_solved(self, state: State, move: Move, screen: list[int]) -> bool:
        """Whether a prediction has no answer, or has been wrong."""
        wrong = bool(self.refused.intersection(move.options))
        return wrong or predicted(self.problem, state, move, screen) is None

    def screen(self, state: State) -> list[int]:
        """The scenarios with most of each kind of excess."""
        count = len(self.problem.scenarios)
        if count <= SCREENED:
            return list(range(count))
        of = state.excess
        sums = [a.reshape(count, -1).sum(axis=1) for a in (of.low, of.high, of.over, of.unsolved.astype(float))]
        return sorted({int(total.argmax()) for total in sums})

    def admissible(self, new: State, old: State) -> str:
        """ "" if a plan makes nothing worse than an earlier one, nor than the circuit as it is; else what."""
        return new.excess.worse_than(old.excess) or new.excess.worse_than(self.base.excess)

    def record(
        self,
        phase: str,
        action: str,
        old: State,
        new: State,
        options: Sequence[Option],
        reason: str | Sequence[str],
        refused: str = "",
    ) -> None:
        """A row of the steps; one reason for all options, or one for each."""
        self.steps.append(
            Step(
                phase=phase,
                action=action,
                options=tuple(options),
                cost_usd=new.plan.cost_usd - old.plan.cost_usd,
                plan_cost_usd=(old if refused else new).plan.cost_usd,
                reasons=(reason,) * len(options) if isinstance(reason, str) else tuple(reason),
                before=_counts(old.excess),
                after=_counts(new.excess),
                power_flows=self.power_flows,
                refused=refused,
            )
        )


def start(problem: Problem, evaluate: Evaluate, most_steps: int, before: Evaluations) -> Search:
    """A search that begins at the circuit as it is."""
    base = State(EMPTY, before, excess(problem, before))
    return Search(problem, evaluate, most_steps, base)


def _counts(of: Excess) -> tuple[int, ...]:
    return tuple(int(n) for n in of.count.sum(axis=0)) if len(of.count) else (0,) * len(KINDS)


def _part(done: Evaluations, rows: slice) -> Evaluations:
    """Some cases with their own part of the flow, so that the rest can be forgotten."""
    used, row = np.unique(done.row[rows], return_inverse=True)
    flow = PowerFlow(**{name: getattr(done.flow, name)[used] for name in PowerFlow.__dataclass_fields__})
    return Evaluations(done.cases[rows], done.network, done.limits, flow, row.ravel())
