"""Q-learning against value iteration on small decision processes, and its updates by hand."""

import dataclasses
import os
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.solve.qlearning import (
    Environment,
    Mask,
    QSettings,
    QTable,
    Training,
    act,
    exploration,
    rollout,
    train,
)

STOP = 3


class Process:
    """A random finite process: state s, action a leads to next_state[s, a] or, with ``slip``, to a random state.

    Action 3 stops, from everywhere, for a reward of its own. Reset starts in the state that the task names.
    """

    def __init__(self, seed: int, states: int = 6, slip: float = 0.0) -> None:
        rng = np.random.default_rng(seed)
        self.actions = 4
        self.next_state = rng.integers(states, size=(states, 4))
        self.rewards = rng.uniform(-2.0, 1.0, size=(states, 4))
        self.masks = rng.random((states, 4)) < 0.7
        self.masks[:, STOP] = True
        self.slip, self.states, self.state = slip, states, 0
        self.rng = np.random.default_rng(seed + 1000)
        self.sent: list[tuple[int, int]] = []

    def reset(self, task: int) -> tuple[bytes, Mask]:
        self.state = task
        return self._seen()

    def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
        self.sent.append((self.state, action))
        reward = float(self.rewards[self.state, action])
        self.state = int(self.next_state[self.state, action])
        if self.rng.random() < self.slip:
            self.state = int(self.rng.integers(self.states))
        return (*self._seen(), reward, action == STOP)

    def _seen(self) -> tuple[bytes, Mask]:
        return bytes([self.state, 7]), self.masks[self.state]


class Chain:
    """Three decisions in a row, each with two actions; going on (0) earns nothing but 8 at the end, 1 ends at once."""

    actions = 2

    def reset(self, task: int) -> tuple[bytes, Mask]:
        self.at = 0
        return bytes([0]), np.ones(2, dtype=bool)

    def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
        self.at += 1
        done = action == 1 or self.at == 3
        return bytes([self.at]), np.ones(2, dtype=bool), 8.0 if done and action == 0 else 0.0, done


class Single:
    """One state, three actions that end the episode, of the given rewards; ``seen`` may break the contract."""

    actions = 3

    def __init__(self, rewards: tuple[float, ...] = (1.0, 1.0, 1.0), seen: object = None) -> None:
        self.rewards = rewards
        self.seen = seen or (b"s", np.ones(3, dtype=bool))

    def reset(self, task: int) -> tuple[bytes, Mask]:
        return self.seen

    def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
        return (*self.seen, self.rewards[action], True)


def value_iteration(process: Process, gamma: float) -> np.ndarray:
    """Q* (state, action) by the Bellman operator until it stands still; forbidden actions -inf."""
    best = np.zeros(process.states)
    for _ in range(10_000):
        following = (1 - process.slip) * best[process.next_state] + process.slip * best.mean()
        following[:, STOP] = 0.0
        values = np.where(process.masks, process.rewards + gamma * following, -np.inf)
        if np.array_equal(values.max(axis=1), best):
            break
        best = values.max(axis=1)
    return values


def table_of(values: list[list[float]], visits: list[list[int]]) -> QTable:
    keys = np.arange(len(values), dtype=np.uint8).reshape(-1, 1)
    return QTable(keys, np.array(values), np.array(visits, dtype=np.int64))


def learn(**changes: object) -> Training:
    settings = dataclasses.replace(QSettings(episodes=300, gamma=0.9, max_steps=50), **changes)
    return train(Process(1), range(6), settings)


@pytest.mark.parametrize("seed", range(5))
def test_values_are_those_of_value_iteration_where_nothing_is_random(seed: int) -> None:
    process = Process(seed)
    training = train(process, range(6), QSettings(episodes=3000, gamma=0.9, epsilon_end=1.0, max_steps=40))
    exact = value_iteration(process, 0.9)
    for state in range(6):
        row = training.table.rows[bytes([state, 7])]
        allowed = process.masks[state]
        np.testing.assert_allclose(training.table.values[row, allowed], exact[state, allowed], atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_values_approach_value_iteration_where_outcomes_are_random(seed: int) -> None:
    process = Process(seed, slip=0.3)
    settings = QSettings(episodes=12_000, gamma=0.8, omega=0.7, epsilon_end=1.0, max_steps=40)
    training = train(process, range(6), settings)
    exact = value_iteration(process, 0.8)
    for state in range(6):
        key, allowed = bytes([state, 7]), process.masks[state]
        learnt = training.table.values[training.table.rows[key]]
        np.testing.assert_allclose(learnt[allowed], exact[state, allowed], atol=0.1)
        chosen = act(training.table, key, allowed)
        assert exact[state, chosen] > exact[state].max() - 0.1


@pytest.mark.parametrize("seed", range(5))
def test_greedy_policy_is_optimal_from_every_start(seed: int) -> None:
    process = Process(seed)
    training = train(process, range(6), QSettings(episodes=3000, gamma=0.9, max_steps=40))
    exact = value_iteration(process, 0.9).max(axis=1)
    for start in range(6):
        found = rollout(process, training.table, start, max_steps=400)
        earned = sum(0.9**step * reward for step, reward in enumerate(found.rewards))
        assert earned == pytest.approx(exact[start], abs=1e-9)
        assert found.unknown == 0


def test_undiscounted_returns_of_finite_episodes_are_exact() -> None:
    training = train(Chain(), [0], QSettings(episodes=200))
    np.testing.assert_allclose(training.table.values[:, 0], [8.0, 8.0, 8.0])
    np.testing.assert_allclose(training.table.values[:, 1], [0.0, 0.0, 0.0])


def test_one_episode_carries_the_reward_back_to_the_first_decision() -> None:
    # alpha = 1/2, no exploring, ties to action 0: 8/2, then 4/2, then 2/2, from the last decision to the first
    training = train(Chain(), [0], QSettings(episodes=1, alpha=0.5, epsilon_start=0.0, epsilon_end=0.0))
    np.testing.assert_array_equal(training.table.values, [[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    np.testing.assert_array_equal(training.table.visits, [[1, 0], [1, 0], [1, 0]])
    np.testing.assert_array_equal(training.rewards, [8.0])
    np.testing.assert_array_equal(training.steps, [3])


def test_learning_rate_falls_with_the_visits_of_state_and_action() -> None:
    # omega = 1 makes the value the mean of the returns: rewards 6, 0, 3 give 6, 3, 3
    class Varying(Single):
        def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
            return (*self.seen, self.rewards[self.task], True)

        def reset(self, task: int) -> tuple[bytes, Mask]:
            self.task = task
            return self.seen

    values = []
    for episodes in (1, 2, 3):
        settings = QSettings(episodes=episodes, omega=1.0, epsilon_start=0.0, epsilon_end=0.0, task_order="cycle")
        only_first = (b"s", np.array([True, False, False]))
        table = train(Varying((6.0, 0.0, 3.0), only_first), [0, 1, 2], settings).table
        values.append(table.values[0, 0])
        assert table.visits[0].tolist() == [episodes, 0, 0]
    assert values == pytest.approx([6.0, 3.0, 3.0])


def test_masked_actions_are_never_sent() -> None:
    process = Process(2)
    training = train(process, range(6), QSettings(episodes=500, gamma=0.9, epsilon_end=0.5, max_steps=40))
    rollout(process, training.table, 0, max_steps=40)
    sent = set(process.sent)
    allowed = {(int(state), int(action)) for state, action in np.argwhere(process.masks)}
    assert sent == allowed  # all that is allowed was tried, and nothing else
    assert len(allowed) < process.masks.size
    for state in range(6):
        assert not training.table.visits[training.table.rows[bytes([state, 7])]][~process.masks[state]].any()


def test_masked_actions_do_not_count_in_the_maximum() -> None:
    class Forbidden(Chain):
        def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
            state, _, reward, done = super().step(action)
            return state, np.array([True, False]), reward, done

    # an optimistic 100 on the forbidden action of states 1 and 2 would reach state 0 through the maximum
    settings = QSettings(episodes=50, initial_value=100.0, epsilon_start=0.0, epsilon_end=0.0)
    table = train(Forbidden(), [0], settings).table
    np.testing.assert_array_equal(table.values[:, 0], [8.0, 8.0, 8.0])
    np.testing.assert_array_equal(table.values[:, 1], [0.0, 100.0, 100.0])


def test_stop_action_ends_the_episode() -> None:
    process = Process(3)
    process.masks[:] = False
    process.masks[:, STOP] = True
    training = train(process, [4], QSettings(episodes=10))
    assert training.steps.tolist() == [1] * 10
    found = rollout(process, training.table, 4)
    assert (found.actions, found.done) == ((STOP,), True)
    assert found.reward == process.rewards[4, STOP]


def test_nothing_follows_a_state_that_is_done() -> None:
    # the state that comes with done is worth nothing and is not kept, whatever untried actions count for
    table = train(Single((1.0, 2.0, 3.0)), [0], QSettings(episodes=100, initial_value=50.0)).table
    np.testing.assert_array_equal(table.values, [[1.0, 2.0, 3.0]])


def test_an_episode_cut_short_is_not_taken_for_its_end() -> None:
    # two steps allowed: state 2 is met, never left, and its value (5, optimistic) still counts for state 1 and 0
    settings = QSettings(episodes=1, initial_value=5.0, max_steps=2, epsilon_start=0.0, epsilon_end=0.0)
    training = train(Chain(), [0], settings)
    np.testing.assert_array_equal(training.table.values[:, 0], [5.0, 5.0, 5.0])
    assert training.table.visits.sum() == 2
    assert (training.cut, training.states) == (1, 3)


def test_an_episode_done_at_its_last_allowed_step_is_not_cut() -> None:
    settings = QSettings(episodes=3, max_steps=3, epsilon_start=0.0, epsilon_end=0.0)
    assert train(Chain(), [0], settings).cut == 0


def test_equal_values_give_the_lowest_action() -> None:
    table = table_of([[1.0, 3.0, 3.0, 3.0]], [[1, 1, 1, 1]])
    assert act(table, b"\0", np.array([True, True, True, True])) == 1
    assert act(table, b"\0", np.array([True, False, True, True])) == 2


def test_untried_actions_do_not_compete() -> None:
    table = table_of([[100.0, 3.0, 2.0], [9.0, 9.0, 9.0]], [[0, 1, 1], [0, 0, 0]])
    everything = np.ones(3, dtype=bool)
    assert act(table, b"\0", everything) == 1
    assert act(table, b"\0", np.array([True, False, False])) is None
    assert act(table, b"\1", everything) is None


def test_unknown_state_is_left_to_the_caller() -> None:
    assert act(table_of([[1.0, 2.0]], [[1, 1]]), b"\7", np.ones(2, dtype=bool)) is None


def test_state_of_another_length_is_another_environment() -> None:
    with pytest.raises(InputError, match="states have 1 bytes, this one 2"):
        act(table_of([[1.0, 2.0]], [[1, 1]]), b"ab", np.ones(2, dtype=bool))


def test_rollout_without_fallback_ends_at_an_unknown_state() -> None:
    table = table_of([[8.0, 0.0]], [[1, 1]])  # knows the first of three decisions
    found = rollout(Chain(), table, 0)
    assert (found.actions, found.unknown, found.done) == ((0,), 1, False)


def test_rollout_follows_the_fallback_where_the_table_knows_nothing() -> None:
    table = table_of([[8.0, 0.0]], [[1, 1]])
    found = rollout(Chain(), table, 0, fallback=lambda state, mask: 0)
    assert (found.actions, found.unknown, found.done, found.reward) == ((0, 0, 0), 2, True, 8.0)


def test_fallback_may_not_choose_a_forbidden_action() -> None:
    process = Process(3)
    process.masks[:] = [True, False, True, True]
    table = QTable(np.zeros((1, 2), np.uint8), np.zeros((1, 4)), np.zeros((1, 4), np.int64))
    for wrong in (1, -1, 4):
        with pytest.raises(InputError, match=f"fallback chose action {wrong}"):
            rollout(process, table, 2, fallback=lambda state, mask, wrong=wrong: wrong)


def test_rollout_is_cut_where_the_policy_goes_in_circles() -> None:
    process = Process(3)
    process.next_state[:], process.masks[:] = 0, True
    table = QTable(np.array([[0, 7]], np.uint8), np.array([[1.0, 0, 0, 0]]), np.ones((1, 4), np.int64))
    found = rollout(process, table, 0, max_steps=25)
    assert (len(found.actions), found.done) == (25, False)


def test_rollout_refuses_a_table_of_other_actions() -> None:
    with pytest.raises(InputError, match="it has 2 actions, the environment 4"):
        rollout(Process(1), table_of([[1.0, 2.0]], [[1, 1]]), 0)


def test_same_seed_gives_identical_bits() -> None:
    first, second = learn(seed=5), learn(seed=5)
    assert first.table.keys.tobytes() == second.table.keys.tobytes()
    assert first.table.values.tobytes() == second.table.values.tobytes()
    assert first.table.visits.tobytes() == second.table.visits.tobytes()
    assert first.rewards.tobytes() == second.rewards.tobytes()


def test_different_seeds_take_different_ways() -> None:
    first, second = learn(seed=5), learn(seed=6)
    assert not np.array_equal(first.rewards, second.rewards)
    assert not np.array_equal(first.tasks, second.tasks)


def test_progress_does_not_change_what_is_learnt() -> None:
    told: list[tuple[int, int]] = []
    settings = QSettings(episodes=250, gamma=0.9, max_steps=50)
    watched = train(Process(1), range(6), settings, progress=lambda done, total: told.append((done, total)))
    assert watched.rewards.tobytes() == train(Process(1), range(6), settings).rewards.tobytes()
    assert told == [(done, 250) for done in range(2, 251, 2)]


def test_tasks_come_in_turn_or_are_drawn() -> None:
    turns = learn(episodes=8, task_order="cycle").tasks
    assert turns.tolist() == [0, 1, 2, 3, 4, 5, 0, 1]
    drawn = learn(episodes=600, task_order="random").tasks
    assert np.bincount(drawn, minlength=6).min() > 60  # 100 expected of each, four standard deviations are 37


def test_exploration_falls_linearly_and_then_stays() -> None:
    settings = QSettings(episodes=10, epsilon_start=0.9, epsilon_end=0.1, epsilon_share=0.4)
    np.testing.assert_allclose(exploration(settings), [0.9, 0.7, 0.5, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], atol=1e-15)
    np.testing.assert_array_equal(exploration(dataclasses.replace(settings, epsilon_share=0.0)), [0.1] * 10)
    np.testing.assert_array_equal(train(Chain(), [0], settings).epsilons, exploration(settings))


def test_epsilon_is_the_share_of_random_actions() -> None:
    # the greedy action is 2; of the random third, two thirds choose another: 2/9 of 9000, sd 39
    settings = QSettings(episodes=9000, epsilon_start=1 / 3, epsilon_end=1 / 3, initial_value=-1.0)
    visits = train(Single((0.0, 0.0, 5.0)), [0], settings, heuristic=lambda state, mask: [0, 0, 1]).table.visits[0]
    assert visits[:2].sum() == pytest.approx(2000, abs=160)
    assert visits[0] == pytest.approx(1000, abs=120)


def test_optimism_tries_every_action_without_exploring() -> None:
    greedy = {"episodes": 20, "epsilon_start": 0.0, "epsilon_end": 0.0}
    hopeful = train(Single((1.0, 2.0, 3.0)), [0], QSettings(**greedy, initial_value=10.0))
    assert hopeful.rewards[-1] == 3.0
    assert (hopeful.table.visits[0] > 0).all()
    plain = train(Single((1.0, 2.0, 3.0)), [0], QSettings(**greedy))
    assert plain.table.visits[0].tolist() == [20, 0, 0]


def test_heuristic_gives_the_first_values() -> None:
    settings = QSettings(episodes=1, epsilon_start=0.0, epsilon_end=0.0, initial_value=-7.0)
    table = train(Single((1.0, 2.0, 3.0)), [0], settings, heuristic=lambda state, mask: [0.5, 0.9, 0.1]).table
    np.testing.assert_array_equal(table.values, [[0.5, 2.0, 0.1]])  # action 1 was tried first, and returned 2


def test_saved_table_comes_back_as_it_was(tmp_path) -> None:
    table = learn().table
    table.save(tmp_path / "table.npz")
    again = QTable.load(tmp_path / "table.npz")
    for name in ("keys", "values", "visits"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name), strict=True)
    assert again.rows == table.rows
    everything = np.ones(4, dtype=bool)
    assert [act(again, key, everything) for key in again.rows] == [act(table, key, everything) for key in table.rows]


def test_saved_table_is_the_same_file_and_holds_no_pickle(tmp_path) -> None:
    learn().table.save(tmp_path / "one.npz")
    learn().table.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype.str for name in arrays} == {"keys": "|u1", "values": "<f8", "visits": "<i8"}


def test_keys_of_zero_bytes_survive(tmp_path) -> None:
    table = QTable(np.array([[0, 0], [0, 1]], np.uint8), np.eye(2), np.ones((2, 2), np.int64))
    table.save(tmp_path / "zeros.npz")
    assert QTable.load(tmp_path / "zeros.npz").rows == {b"\0\0": 0, b"\0\1": 1}


def broken_files() -> dict[str, Callable[[str], None]]:
    def pickled(path: str) -> None:
        with open(path, "wb") as file:
            pickle.dump({"keys": 1}, file)

    def objects(path: str) -> None:
        np.savez(path, keys=np.array([None], dtype=object), values=np.eye(1), visits=np.eye(1))

    def incomplete(path: str) -> None:
        np.savez(path, keys=np.zeros((1, 1), np.uint8))

    def bare(path: str) -> None:
        with open(path, "wb") as file:
            np.save(file, np.eye(2))

    def cut_off(path: str) -> None:
        table_of([[1.0]], [[1]]).save(path)
        with open(path, "r+b") as file:
            file.truncate(40)

    def wrong_shape(path: str) -> None:
        np.savez(path, keys=np.zeros((2, 1), np.uint8), values=np.eye(3), visits=np.zeros((3, 3), np.int64))

    def wrong_type(path: str) -> None:
        np.savez(path, keys=np.zeros((1, 1)), values=np.eye(1), visits=np.zeros((1, 1), np.int64))

    return {make.__name__: make for make in (pickled, objects, incomplete, bare, cut_off, wrong_shape, wrong_type)}


@pytest.mark.parametrize("name", broken_files())
def test_file_that_is_no_table_is_refused_by_name(tmp_path, name: str) -> None:
    path = str(tmp_path / "broken.npz")
    broken_files()[name](path)
    with pytest.raises(InputError, match=r"broken\.npz"):
        QTable.load(path)


class Intruder:
    """Unpickling it would make a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.folder,)


def test_nothing_in_a_file_is_executed(tmp_path) -> None:
    trap = np.array([Intruder(str(tmp_path / "executed"))], dtype=object)
    np.savez(tmp_path / "arrays.npz", keys=trap, values=trap, visits=trap)
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(trap[0]))
    for name in ("arrays.npz", "plain.npz"):
        with pytest.raises(InputError, match="cannot be read as a saved table"):
            QTable.load(tmp_path / name)
    assert not (tmp_path / "executed").exists()


def test_missing_file_and_wrong_ending_are_told(tmp_path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.npz' cannot be read"):
        QTable.load(tmp_path / "nowhere.npz")
    with pytest.raises(InputError, match=r"must end in \.npz"):
        table_of([[1.0]], [[1]]).save(tmp_path / "table.pkl")


@pytest.mark.parametrize(
    ("keys", "values", "visits", "told"),
    [
        ([[1], [1]], [[0.0], [0.0]], [[0], [0]], "1 of its 2 states occur twice"),
        ([[1]], [[float("nan")]], [[0]], "finite"),
        ([[1]], [[0.0]], [[-1]], "not negative"),
        ([[1]], [[0.0], [0.0]], [[0], [0]], "of one length"),
    ],
)
def test_arrays_that_are_no_table_are_refused(keys: list, values: list, visits: list, told: str) -> None:
    with pytest.raises(InputError, match=told):
        QTable(np.array(keys, np.uint8), np.array(values), np.array(visits, np.int64))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("episodes", 0),
        ("alpha", 0.0),
        ("alpha", 1.1),
        ("alpha", float("nan")),
        ("omega", -0.1),
        ("omega", 1.1),
        ("gamma", -0.1),
        ("gamma", 1.01),
        ("epsilon_start", 1.5),
        ("epsilon_end", -0.5),
        ("epsilon_share", 2.0),
        ("initial_value", float("inf")),
        ("max_steps", 0),
        ("task_order", "sorted"),
        ("seed", -1),
    ],
)
def test_setting_out_of_range_is_refused_by_name(name: str, wrong: float | str) -> None:
    with pytest.raises(InputError, match=f"Q-learning settings: {name} = '?{wrong}"):
        QSettings(**{name: wrong})


def test_all_wrong_settings_are_told_together() -> None:
    with pytest.raises(InputError, match=r"3 findings(.|\n)*episodes(.|\n)*alpha(.|\n)*gamma"):
        QSettings(episodes=0, alpha=2.0, gamma=2.0)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (Single(seen=(b"s", np.zeros(3, dtype=bool))), "task 5, step 0: no action is allowed in state 73"),
        (Single(seen=(b"s", np.ones(2, dtype=bool))), r"mask of state 73 must be \(3,\) booleans"),
        (Single(seen=(b"s", np.ones(3))), r"mask of state 73 must be \(3,\) booleans"),
        (Single(seen=(b"s", [True, True, True])), r"mask of state 73 must be \(3,\) booleans"),
        (Single(seen=("s", np.ones(3, dtype=bool))), "state must be bytes; the environment gave str"),
        (Single(rewards=(float("nan"),) * 3), "task 5 gave a reward that is not finite in episode 0"),
        (Single(rewards=(float("inf"),) * 3), "task 5 gave a reward that is not finite in episode 0"),
    ],
)
def test_environment_that_breaks_the_contract_is_told(environment: Environment, told: str) -> None:
    with pytest.raises(InputError, match=told):
        train(environment, [5], QSettings(episodes=2))


def test_states_of_two_lengths_are_refused() -> None:
    class Growing(Chain):
        def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
            _, mask, reward, done = super().step(action)
            return bytes(1 + self.at), mask, reward, done

    with pytest.raises(InputError, match="must have one length; 1 and 2 bytes occur"):
        train(Growing(), [0], QSettings(episodes=20))


def test_nothing_allowed_later_in_an_episode_is_told_with_its_step() -> None:
    class Trapped(Chain):
        def step(self, action: int) -> tuple[bytes, Mask, float, bool]:
            return bytes([1]), np.zeros(2, dtype=bool), 0.0, False

    told = "task 0, step 1: no action is allowed in state 01"
    with pytest.raises(InputError, match=told):
        train(Trapped(), [0], QSettings(episodes=1))
    with pytest.raises(InputError, match=told):
        rollout(Trapped(), table_of([[1.0, 0.0]], [[1, 1]]), 0)


def test_no_task_is_refused() -> None:
    with pytest.raises(InputError, match="no task to learn on"):
        train(Chain(), [], QSettings())


@pytest.mark.parametrize("wrong", [[1.0], [1.0, float("nan"), 0.0]])
def test_heuristic_that_does_not_fit_is_refused(wrong: list[float]) -> None:
    with pytest.raises(InputError, match="heuristic of state 73 must be 3 finite numbers"):
        train(Single(), [0], QSettings(episodes=1), heuristic=lambda state, mask: wrong)
