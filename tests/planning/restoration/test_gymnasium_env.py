"""The environment by the Gymnasium API: its own checker, and the same game as the tabular method's."""

from pathlib import Path

import numpy as np
import pytest

from gridstudio.errors import InputError

pytest.importorskip("gymnasium")
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.env_checker import check_env

from gridstudio.planning.restoration.gymnasium_env import RestorationGym, make_env

STUDY = Path(__file__).resolve().parents[3] / "studies" / "restoration_ieee123.toml"


@pytest.fixture(scope="module")
def env():
    return make_env(STUDY)


def play(env, seed):
    """A whole episode with masked random actions."""
    observation, info = env.reset(seed=seed)
    env.action_space.seed(seed)
    seen, done = [observation.tolist()], False
    while not done:
        action = env.action_space.sample(mask=info["action_mask"])
        observation, reward, done, truncated, info = env.step(action)
        assert truncated is False
        seen.append((int(action), observation.tolist(), reward))
    return seen


def test_gymnasiums_own_checker_passes(env):
    check_env(env, skip_render_check=True)


def test_the_same_seed_gives_the_same_episode(env):
    episodes = [play(env, seed) for seed in range(6)]
    assert [play(env, seed) for seed in range(6)] == episodes
    assert len({str(episode) for episode in episodes}) > 1


def test_it_is_the_game_of_the_tabular_method(env):
    for task in range(8):
        env.reset(options={"task": task})
        core = env.core
        if not core.area:
            continue
        _, mask = core.reset(task)
        first = int(np.flatnonzero(mask)[0])
        _, _, reward, done = core.step(first)
        closed = core.closed
        env.reset(options={"task": task})
        _, same_reward, terminated, _, _ = env.step(first)
        assert (same_reward, terminated, core.closed) == (reward, done, closed)


def test_a_masked_action_changes_nothing_and_pays_nothing(env):
    observation, info = env.reset(seed=3)
    masked = int(np.flatnonzero(info["action_mask"] == 0)[0])
    after, reward, terminated, _, told = env.step(masked)
    assert (after == observation).all()
    assert (reward, terminated, told["invalid_action"]) == (0.0, False, True)


def test_rewards_are_the_customer_minutes_saved(env):
    played = 0
    for seed in range(8):
        episode = play(env, seed)
        core = env.core
        saved = sum(step[2] for step in episode[1:])
        by_hand, now = 0.0, core.desk.clock.start
        for move in core.moves:
            for operation in move.operations:
                now = core.desk.clock.operate(now, operation.device)
            for section in range(len(core.sections)):
                if move.picked_up >> section & 1:
                    waits = core.incident.repaired_min[section] - now.now_min
                    by_hand += core.sections.customers[section] * max(0.0, waits)
        # cuts that no closing followed take time too; they come last and change no closing's minute
        assert saved == pytest.approx(by_hand)
        played += len(core.moves)
    assert played > 2


def test_misuse_is_refused(env):
    fresh = RestorationGym(env.core.incidents, env.core.desk)
    with pytest.raises(ResetNeeded):
        fresh.step(0)
    fresh.reset(seed=1)
    with pytest.raises(InvalidAction):
        fresh.step(10_000)
    with pytest.raises(InputError, match="There is no storm 9999"):
        fresh.reset(options={"task": 9999})
    with pytest.raises(InputError, match="at least one storm"):
        RestorationGym([], env.core.desk)
