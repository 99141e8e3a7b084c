"""Tabular Q-learning on a three-method environment: which action is worth most in each state met.

Every step (s, a, r, s') moves Q(s, a) by a share of its error (Watkins and Dayan 1992, Machine Learning 8, 279-292):

    Q(s, a) += alpha_n (r + gamma max_b Q(s', b) - Q(s, a)),    alpha_n = alpha / (1 + n)^omega,    b allowed in s'

with n the times (s, a) was tried before; the maximum is 0 where the episode is done. The steps of an episode are learnt
when it is over, the last one first, so that a late reward reaches the first decision within one episode (backward
replay: Lin 1992, Machine Learning 8, 293-321). For many states, or actions without number, this is the wrong tool.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]

Heuristic = Callable[[bytes, Mask], ArrayLike]  # (state, mask) -> first values of all its actions, (action,)
Policy = Callable[[bytes, Mask], int]  # (state, mask) -> an allowed action
Progress = Callable[[int, int], None]  # episodes done, of how many


class Environment(Protocol):
    """Contract of what is learnt on.

    ``actions``: how many actions there are; they are 0 ... actions - 1 in every state. ``reset(task)`` begins an
    episode and returns ``(state, mask)``; ``step(action)`` returns ``(state, mask, reward, done)``.

    A state is ``bytes``, of one length in the whole environment, and holds all that the future depends on (among it
    what of the task matters). A mask is a boolean array (action,): True is allowed. Forbidden actions are never sent
    and count in no maximum. At least one action is allowed until the episode is done, so where nothing may be left to
    do there is a stop action; the mask that comes with ``done`` is not read. Rewards are finite, larger is better, in
    one unit. ``done`` says that nothing follows, not that time ran out: for that there is ``max_steps``.
    """

    @property
    def actions(self) -> int: ...

    def reset(self, task: int) -> tuple[bytes, Mask]: ...

    def step(self, action: int) -> tuple[bytes, Mask, float, bool]: ...


@dataclass(frozen=True)
class QSettings:
    """How to learn. The defaults suit short episodes of certain outcome, as switching orders are.

    ``alpha`` in (0, 1] and ``omega`` in [0, 1]: the learning rate is alpha / (1 + n)^omega at the n-th return to a
    state and action; omega = 0 keeps it constant (alpha = 1, omega = 0 is exact where nothing is random). Where
    outcomes are random, Q converges with certainty only for omega in (0.5, 1]. ``gamma`` in [0, 1] discounts each
    step. ``epsilon_start`` falls linearly to ``epsilon_end``, which it reaches after ``epsilon_share`` of the episodes.
    ``initial_value`` is what an untried action counts for (the reward's unit): above the best return it makes learning
    try everything (optimism). ``max_steps`` cuts an episode short without calling its last state final. ``task_order``:
    each episode draws a task at random, or the tasks come in turn.
    """

    episodes: int = 2000
    alpha: float = 1.0
    omega: float = 0.0
    gamma: float = 1.0
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_share: float = 0.8
    initial_value: float = 0.0
    max_steps: int = 1000
    task_order: Literal["random", "cycle"] = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        findings = [sentence for holds, sentence in self._rules() if not holds]
        if findings:
            raise InputError.from_findings("Q-learning settings", findings)

    def _rules(self) -> list[tuple[bool, str]]:
        """What must hold, and the sentence if it does not; NaN holds nowhere."""
        shares = {name: getattr(self, name) for name in ("omega", "gamma", "epsilon_start", "epsilon_end")}
        shares["epsilon_share"] = self.epsilon_share
        return [
            (self.episodes >= 1, f"episodes = {self.episodes} must be 1 or more."),
            (0 < self.alpha <= 1, f"alpha = {self.alpha} must lie in (0, 1]."),
            *((0 <= share <= 1, f"{name} = {share} must lie between 0 and 1.") for name, share in shares.items()),
            (math.isfinite(self.initial_value), f"initial_value = {self.initial_value} must be a finite number."),
            (self.max_steps >= 1, f"max_steps = {self.max_steps} must be 1 or more."),
            (self.task_order in ("random", "cycle"), f"task_order = '{self.task_order}' must be 'random' or 'cycle'."),
            (self.seed >= 0, f"seed = {self.seed} must not be negative."),
        ]


@dataclass(frozen=True, eq=False)
class QTable:
    """What was learnt, a row for each state in the order first met; forbidden and untried actions have 0 visits.

    ``keys`` (state, key byte) uint8, ``values`` (state, action) in the reward's unit, ``visits`` (state, action).
    An untried action's value is only the one it began with.
    """

    keys: NDArray[np.uint8]
    values: FloatArray
    visits: IntArray
    rows: dict[bytes, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        findings = _table_findings(self.keys, self.values, self.visits)
        if findings:
            raise InputError.from_findings("Q table", findings)
        count, width = self.keys.shape
        joined = self.keys.tobytes()
        rows = {joined[row * width : (row + 1) * width]: row for row in range(count)}
        if len(rows) < count:
            raise InputError(f"Q table: {count - len(rows)} of its {count} states occur twice.")
        object.__setattr__(self, "rows", rows)

    @property
    def actions(self) -> int:
        return self.values.shape[1]

    def save(self, path: Path | str) -> None:
        """Write the three arrays to an .npz file; the same table gives the same bytes."""
        if Path(path).suffix != ".npz":
            raise InputError(f"Q table: '{path}' must end in .npz.")
        np.savez_compressed(path, keys=self.keys, values=self.values, visits=self.visits)

    @classmethod
    def load(cls, path: Path | str) -> "QTable":
        """The table in an .npz file, read as plain arrays: nothing in the file is executed."""
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(arrays["keys"], arrays["values"], arrays["visits"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise InputError(f"Q table: '{path}' cannot be read as a saved table: {error}") from error
        except InputError as error:
            raise InputError(f"'{path}': {error}") from None


@dataclass(frozen=True, eq=False)
class Training:
    """A table and how it came about; all arrays (episode,).

    ``rewards`` is the plain sum over the episode, not discounted, exploration included; rewards of different
    ``tasks`` are seldom comparable. ``cut`` counts the episodes that ``max_steps`` ended.
    """

    table: QTable
    rewards: FloatArray
    steps: IntArray
    tasks: IntArray
    epsilons: FloatArray
    cut: int

    @property
    def states(self) -> int:
        return len(self.table.keys)


@dataclass(frozen=True)
class Rollout:
    """One greedy episode. ``done`` is False where it was cut at its last step or met an unknown state without fallback.

    ``unknown`` counts the states met of which the table knows nothing.
    """

    task: int
    actions: tuple[int, ...]
    rewards: tuple[float, ...]
    unknown: int
    done: bool

    @property
    def reward(self) -> float:
        return math.fsum(self.rewards)


def train(
    environment: Environment,
    tasks: Sequence[int],
    settings: QSettings,
    progress: Progress | None = None,
    heuristic: Heuristic | None = None,
) -> Training:
    """Learn on ``tasks`` (what ``reset`` takes); the same seed gives the same bits.

    A heuristic gives a state's first values in place of ``initial_value``, say the gain of each action by itself.
    InputError if there is no task, or if the environment breaks its contract.
    """
    if len(tasks) == 0:
        raise InputError("Q-learning: there is no task to learn on; name at least one.")
    rng = np.random.default_rng(settings.seed)
    order = _task_order(np.asarray(tasks, dtype=np.int64), settings, rng)
    epsilons = exploration(settings)
    memory = _Memory(environment.actions, settings.initial_value, heuristic)
    rewards, steps = np.zeros(settings.episodes), np.zeros(settings.episodes, dtype=np.int64)
    cut = 0
    report_every = max(settings.episodes // 100, 1)
    for episode, (task, epsilon) in enumerate(zip(order.tolist(), epsilons.tolist(), strict=True)):
        trail = _play(environment, task, memory, epsilon, settings.max_steps, rng)
        _learn(trail, settings)
        rewards[episode] = sum(step.reward for step in trail)
        if not math.isfinite(rewards[episode]):
            raise InputError(f"Q-learning: task {task} gave a reward that is not finite in episode {episode}.")
        steps[episode] = len(trail)
        cut += trail[-1].then is not None
        if progress and ((episode + 1) % report_every == 0 or episode + 1 == settings.episodes):
            progress(episode + 1, settings.episodes)
    return Training(memory.table(), rewards, steps, order, epsilons, cut)


def exploration(settings: QSettings) -> FloatArray:
    """Share of random actions in each episode, (episode,): linear from start to end, then constant."""
    last = settings.epsilon_share * settings.episodes
    episode = np.arange(settings.episodes)
    passed = np.minimum(episode / last, 1.0) if last > 0 else np.ones(settings.episodes)
    return settings.epsilon_start * (1 - passed) + settings.epsilon_end * passed


def act(table: QTable, state: bytes, mask: Mask) -> int | None:
    """The best allowed action that was ever tried in this state, the lowest of equals; None if the table knows none.

    Untried actions do not compete: their values are hopes, and an optimistic start would send the policy after them.
    """
    if len(state) != table.keys.shape[1]:
        raise InputError(
            f"Q table: its states have {table.keys.shape[1]} bytes, this one {len(state)}; "
            "the table was learnt on another environment."
        )
    row = table.rows.get(state)
    if row is None:
        return None
    known = mask & (table.visits[row] > 0)
    return int(np.where(known, table.values[row], -np.inf).argmax()) if known.any() else None


def rollout(
    environment: Environment, table: QTable, task: int, fallback: Policy | None = None, max_steps: int = 1000
) -> Rollout:
    """Follow the table on one task without exploring or learning; the fallback decides where the table knows nothing.

    Without a fallback the episode ends there, not done.
    """
    if table.actions != environment.actions:
        raise InputError(f"Q table: it has {table.actions} actions, the environment {environment.actions}.")
    actions: list[int] = []
    rewards: list[float] = []
    unknown, done = 0, False
    state, mask = environment.reset(task)
    while not done and len(actions) < max_steps:
        _allowed(mask, state, task, len(actions))
        action = act(table, state, mask)
        if action is None:
            unknown += 1
            if fallback is None:
                break
            action = _fallen_back(fallback, state, mask, task)
        state, mask, reward, done = environment.step(action)
        actions.append(action)
        rewards.append(float(reward))
    return Rollout(task, tuple(actions), tuple(rewards), unknown, bool(done))


# Learning, on Python lists: for some twenty actions they are several times as fast as rows of an array.


@dataclass(slots=True)
class _Entry:
    """A state's values and visits, by action."""

    values: list[float]
    visits: list[int]


@dataclass(slots=True)
class _Step:
    """What one step taught: from this entry, by this action, to ``then``, of which None says that nothing follows."""

    entry: _Entry
    action: int
    reward: float
    then: _Entry | None
    then_allowed: list[int]


@dataclass
class _Memory:
    """All states met so far; the only thing that training changes."""

    actions: int
    initial_value: float
    heuristic: Heuristic | None
    entries: dict[bytes, _Entry] = field(default_factory=dict)
    width: int | None = None

    def entry(self, state: bytes, mask: Mask) -> _Entry:
        known = self.entries.get(state)
        return known if known is not None else self._meet(state, mask)

    def _meet(self, state: bytes, mask: Mask) -> _Entry:
        """A new state's entry, once the state and its mask are seen to keep the contract."""
        if type(state) is not bytes:
            raise InputError(f"Q-learning: a state must be bytes; the environment gave {type(state).__name__}.")
        self.width = len(state) if self.width is None else self.width
        if len(state) != self.width:
            raise InputError(f"Q-learning: all states must have one length; {self.width} and {len(state)} bytes occur.")
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != (self.actions,):
            raise InputError(f"Q-learning: the mask of state {state.hex()} must be ({self.actions},) booleans.")
        self.entries[state] = _Entry(self._first_values(state, mask), [0] * self.actions)
        return self.entries[state]

    def _first_values(self, state: bytes, mask: Mask) -> list[float]:
        if self.heuristic is None:
            return [self.initial_value] * self.actions
        values = np.asarray(self.heuristic(state, mask), dtype=float)
        if values.shape != (self.actions,) or not np.isfinite(values).all():
            raise InputError(f"Q-learning: the heuristic of state {state.hex()} must be {self.actions} finite numbers.")
        return values.tolist()

    def table(self) -> QTable:
        keys = np.frombuffer(b"".join(self.entries), dtype=np.uint8).reshape(len(self.entries), self.width or 0)
        values = np.array([entry.values for entry in self.entries.values()], dtype=np.float64)
        visits = np.array([entry.visits for entry in self.entries.values()], dtype=np.int64)
        return QTable(keys, values, visits)


def _play(
    environment: Environment, task: int, memory: _Memory, epsilon: float, max_steps: int, rng: np.random.Generator
) -> list[_Step]:
    """One episode: random with probability epsilon, else greedy on the values learnt before it."""
    trail: list[_Step] = []
    random = rng.random
    state, mask = environment.reset(task)
    entry: _Entry | None = memory.entry(state, mask)
    allowed = _allowed(mask, state, task, 0)
    while entry is not None and len(trail) < max_steps:
        if random() < epsilon:
            action = allowed[int(random() * len(allowed))]
        else:
            action = max(allowed, key=entry.values.__getitem__)  # the first, so the lowest, of equals
        state, mask, reward, done = environment.step(action)
        then = None if done else memory.entry(state, mask)
        allowed = [] if done else _allowed(mask, state, task, len(trail) + 1)
        trail.append(_Step(entry, action, float(reward), then, allowed))
        entry = then
    return trail


def _learn(trail: list[_Step], settings: QSettings) -> None:
    """Q-learning's update for every step of an episode, the last one first."""
    alpha, omega, gamma = settings.alpha, settings.omega, settings.gamma
    for step in reversed(trail):
        values, visits, action = step.entry.values, step.entry.visits, step.action
        best = 0.0 if step.then is None else max(map(step.then.values.__getitem__, step.then_allowed))
        rate = alpha / (1 + visits[action]) ** omega
        values[action] += rate * (step.reward + gamma * best - values[action])
        visits[action] += 1


def _allowed(mask: Mask, state: bytes, task: int, step: int) -> list[int]:
    """The allowed actions in rising order; InputError if there is none."""
    allowed: list[int] = mask.nonzero()[0].tolist()
    if not allowed:
        raise InputError(
            f"Q-learning: task {task}, step {step}: no action is allowed in state {state.hex()} though the episode is "
            "not done; allow a stop action, or end the episode there."
        )
    return allowed


def _fallen_back(fallback: Policy, state: bytes, mask: Mask, task: int) -> int:
    action = fallback(state, mask)
    if not (0 <= action < len(mask) and mask[action]):
        raise InputError(f"Q-learning: task {task}: the fallback chose action {action}, which is not allowed.")
    return action


def _task_order(tasks: IntArray, settings: QSettings, rng: np.random.Generator) -> IntArray:
    """The task of each episode, (episode,)."""
    if settings.task_order == "cycle":
        return np.resize(tasks, settings.episodes)
    return tasks[rng.integers(len(tasks), size=settings.episodes)]


def _table_findings(keys: NDArray, values: NDArray, visits: NDArray) -> list[str]:
    """What keeps three arrays from being a table."""
    if keys.ndim != 2 or values.ndim != 2 or visits.shape != values.shape or len(keys) != len(values):
        return [f"keys {keys.shape}, values {values.shape}, visits {visits.shape} must be (state, ...) of one length."]
    rules = [
        (keys.dtype == np.uint8, f"keys are {keys.dtype}, not uint8."),
        (values.dtype == np.float64 and bool(np.isfinite(values).all()), "values must be finite float64 numbers."),
        (visits.dtype == np.int64 and bool((visits >= 0).all()), "visits must be int64 and not negative."),
    ]
    return [sentence for holds, sentence in rules if not holds]
