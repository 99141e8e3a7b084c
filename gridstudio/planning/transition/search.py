"""The search for whole pieces: roundings of the relaxation and proposals of the master, each trained around."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gridstudio.planning.transition import pieces
from gridstudio.planning.transition.case import FloatArray
from gridstudio.planning.transition.graph import Model, held
from gridstudio.planning.transition.pieces import plan_of
from gridstudio.planning.transition.plans import Dispatcher, Plan, PlanCost, cost_of, first_operation_musd
from gridstudio.planning.transition.settings import TrainingSettings
from gridstudio.solve.risk import value
from gridstudio.solve.sddp.forward import Default, ForwardPass, Regularised
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.policy import Policy
from gridstudio.solve.sddp.sampling import EveryPath, InSample, SamplingScheme
from gridstudio.solve.sddp.schemes import Scheme
from gridstudio.solve.sddp.stopping import BoundStalling, ExactGap, Iteration, Iterations, StoppingRule, TimeLimit
from gridstudio.solve.sddp.training import train

_EVERY_PATH = 20  # iterations along every path, at most
_FEW_PATHS = 81  # that are all gone in every iteration
_JUDGED = 4  # trainings along every path, at most, until the plan costs what its policy promises
_STALL = 10  # iterations without a better bound that end a training with pieces held


@dataclass(frozen=True, eq=False)
class Phase:
    """A training and its log; ``of_case``: its bound is one of the case, not only of the pieces that it holds."""

    name: str
    log: tuple[Iteration, ...]
    of_case: bool


@dataclass(frozen=True)
class Beaten:
    """Stops when the bound comes to what a known plan counts for: nothing better is to be found here."""

    cost_musd: float

    def reason(self, log: Sequence[Iteration], simulate: Callable[[int], FloatArray]) -> str | None:
        return "a better plan is known" if log[-1].bound >= self.cost_musd else None


@dataclass(eq=False)
class Search:
    """What is known of a case while it is solved: cuts, the bound below every plan, the best plan."""

    model: Model
    graph: PolicyGraph
    given: TrainingSettings
    scheme: Scheme
    dispatcher: Dispatcher
    deadline: float
    best: PlanCost | None
    policy: Policy = field(init=False)
    bound: float = field(init=False)
    reason: str = field(init=False)
    phases: list[Phase] = field(default_factory=list)
    tried: set[bytes] = field(default_factory=set)

    def relaxed(self) -> None:
        """Train on the relaxation until the bound stalls."""
        given = self.given
        rules = (BoundStalling(given.stall_iterations, given.stall_tolerance), Iterations(given.iterations))
        self.policy = self._train(self.graph, None, "relaxed", rules, of_case=True)
        self.bound, self.reason = self.policy.bound, self.policy.reason

    def without_pieces(self) -> None:
        """Of a case without whole pieces: go every path until cost and bound meet, and judge the policy."""
        self.policy = self._judged(self.policy, "every path", of_case=True, integer=True)
        self.bound = max(self.bound, self.policy.bound)
        few = "" if self._few_paths else "; the paths are too many to go them all until its cost meets the bound"
        self.reason = f"gap of {self.given.gap:g} reached" if self.close else self.policy.reason + few

    def judge(self, plan: Plan) -> float:
        """The plan's nested value; it is kept if that is the least."""
        cost = cost_of(plan, self.dispatcher)
        if self.best is None or cost.value_musd < self.best.value_musd:
            self.best = cost
        return cost.value_musd

    @property
    def left_s(self) -> float:
        return self.deadline - time.perf_counter()

    @property
    def close(self) -> bool:
        """Whether the best plan is within the gap asked for."""
        return self.best is not None and self.best.value_musd <= (1 + self.given.gap) * self.bound

    def with_whole_pieces(self, fixed: dict[str, FloatArray], start: Plan | None) -> None:
        """Try roundings of the relaxation, the plan to start from, and what the master proposes, until close."""
        model, policy = self.model, self.policy
        for share in pieces.SHARES:
            self._hold(pieces.first_pieces(model, policy, share) | fixed)
        if start is not None:
            self._hold(self._pieces_of(start) | fixed)
        for _ in range(self.given.master_rounds):
            if self.close or self.left_s <= 0:
                break
            proposed = self._master()
            if self.close or not self._hold(proposed | fixed):
                break
        if self.best is None:
            self.judge(plan_of(model, self.policy, self.scheme))
        self.reason = (
            f"gap of {self.given.gap:g} reached" if self.close else "time is up" if self.left_s <= 0 else "all is tried"
        )

    def _master(self) -> dict[str, FloatArray]:
        """What the master with whole pieces proposes; what it proves is a bound."""
        begun = time.perf_counter()
        proposed, costs = pieces.master(self.model, self.policy)
        self.bound = max(self.bound, self._bound_at_start(costs))
        best = np.nan if self.best is None else self.best.value_musd
        line = Iteration(1, self.bound, best, time.perf_counter() - begun, 1, self.phases[-1].log[-1].cuts)
        self.phases.append(Phase("master with whole pieces", (line,), True))
        return proposed

    def _bound_at_start(self, costs: dict[str, float]) -> float:
        """What the risk measure makes of the first stage's nodes, each with what it is proven not to be below (without
        what operates there) and what operates there.

        A measure never falls when a cost rises, so of costs that are too low it makes a value that is too low: a bound.
        """
        place = {self.model.name(0, place): place for place in range(len(self.model.case.chain.stages[0]))}
        totals = [cost + first_operation_musd(self.dispatcher, place[name]) for name, cost in costs.items()]
        chances = np.array([self.graph.root[name] for name in costs])
        return value(self.model.risk, totals, chances / chances.sum())

    def _pieces_of(self, plan: Plan) -> dict[str, FloatArray]:
        """What a plan builds in whole pieces in the first stage."""
        integer = self.model.items.integer
        return {
            self.model.name(0, int(place)): np.where(integer, plan.builds[row, 0], np.nan)
            for row, place in enumerate(plan.paths[:, 0])
        }

    def _hold(self, first: dict[str, FloatArray]) -> bool:
        """Train with the first stage's pieces held, then with all; True if that was not tried before."""
        if self.close or self.left_s <= 0 or not self._new(first):
            return False
        policy = self._around(held(self.graph, self.model, first), self.policy, "pieces of the first stage held")
        self.policy = replace(policy, graph=self.graph)  # no stage comes before: its cuts are cuts of the whole problem
        for share in (*pieces.LATER_SHARES, None):
            if self.close or self.left_s <= 0 or self._beaten(policy.bound):
                break
            later = pieces.later_pieces(self.model, policy, share, self.scheme)
            if self._new(first | later):
                self._hold_later(policy, later)
        return True

    def _hold_later(self, policy: Policy, later: dict[str, FloatArray]) -> None:
        """Train with the pieces of later nodes held as well, and judge what comes of it."""
        if later:
            policy = self._around(held(policy.graph, self.model, later), policy, "all pieces held")
        free = len(later) < sum(len(row) for row in self.model.case.chain.stages[1:-1])
        self._judged(policy, "all pieces held, every path", of_case=False, integer=free)

    def _judged(self, policy: Policy, phase: str, of_case: bool, integer: bool = False) -> Policy:
        """Train along every path and judge the plan, until it costs what the policy promises or a known one is as good.

        Decisions that tie in a policy may cost unlike beyond the points it was trained at; then training goes on there.
        """
        for _ in range(_JUDGED):
            if self._beaten(policy.bound):
                break
            policy = self._every_path(policy, phase, of_case)
            if self._beaten(policy.bound):
                break
            promised = (1 + 2 * self.given.stall_tolerance) * policy.bound
            if self.judge(plan_of(self.model, policy, self.scheme, integer=integer)) <= promised or self.left_s <= 0:
                break
        return policy

    def _beaten(self, bound_musd: float) -> bool:
        """Whether a plan is known that costs no more than this bound."""
        return self.best is not None and bound_musd >= self.best.value_musd

    def _new(self, held_pieces: dict[str, FloatArray]) -> bool:
        key = b"".join(name.encode() + held_pieces[name].tobytes() for name in sorted(held_pieces))
        new = key not in self.tried
        self.tried.add(key)
        return new

    def _around(self, graph: PolicyGraph, start: Policy, phase: str) -> Policy:
        """Train with the pieces that the graph holds."""
        rules = (BoundStalling(_STALL, self.given.stall_tolerance), Iterations(self.given.integer_iterations))
        return self._train(graph, start, phase, rules, of_case=False)

    @property
    def _few_paths(self) -> bool:
        return len(self.model.case.chain.paths()) <= _FEW_PATHS

    def _every_path(self, policy: Policy, phase: str, of_case: bool) -> Policy:
        """Train where the policy itself goes, so that what it costs (nested) comes down to its bound.

        Where paths are many they are drawn, no cost is known exactly, and training ends when the bound stalls.
        """
        few = self._few_paths
        rule: StoppingRule = ExactGap(self.given.stall_tolerance) if few else BoundStalling(_STALL, 0.0)
        sampling = EveryPath() if few else InSample()
        return self._train(policy.graph, policy, phase, (rule, Iterations(_EVERY_PATH)), of_case, Default(), sampling)

    def _train(
        self,
        graph: PolicyGraph,
        start: Policy | None,
        phase: str,
        rules: tuple[StoppingRule, ...],
        of_case: bool,
        forward: ForwardPass | None = None,
        sampling: SamplingScheme = InSample(),
    ) -> Policy:
        beaten = Beaten(np.inf if of_case or self.best is None else self.best.value_musd)
        policy = train(
            graph,
            self.model.risk,
            stopping=(*rules, beaten, TimeLimit(max(self.left_s, 0.0))),
            forward=forward or Regularised(self.given.smoothing),
            sampling=sampling,
            scheme=self.scheme,
            seed=self.given.seed + len(self.phases),
            start=start,
        )
        self.phases.append(Phase(phase, policy.log, of_case))
        return policy
