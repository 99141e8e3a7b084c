"""Learning: the environment's contract, what the seed decides, the table on disk, and a case where it pays."""

import numpy as np
import pytest

from gridstudio.domain.sections import bits
from gridstudio.planning.restoration.environment import RestorationEnvironment
from gridstudio.planning.restoration.exact import exact
from gridstudio.planning.restoration.incident import happen
from gridstudio.planning.restoration.learned import Learned, learn
from gridstudio.planning.restoration.methods import greedy, solve
from gridstudio.planning.restoration.plan import customer_minutes, timeline
from gridstudio.planning.restoration.settings import DrawSettings
from gridstudio.planning.restoration.storms import drawn
from gridstudio.solve.qlearning import QSettings, QTable


@pytest.fixture(scope="module")
def storms(ieee123_world):
    settings = DrawSettings(training=12, held_out=12, faults=2, seed=3)
    parts = drawn(ieee123_world.sections, settings, [])
    return tuple([happen(ieee123_world.sections, storm) for storm in part] for part in parts)


@pytest.fixture(scope="module")
def desk(ieee123_world):
    return ieee123_world.desk()


@pytest.fixture(scope="module")
def training(storms, desk):
    return learn(storms[0], desk, QSettings(episodes=200, seed=1))


def cost(incident, plan, clock):
    return customer_minutes(incident, timeline(incident, clock, plan.moves))


def test_the_environment_keeps_its_contract(storms, desk):
    """Random play: states of one length, masks of one shape, stop always allowed, every closing allowed by the judge,
    and an end after no more steps than there are devices and areas to stop."""
    environment = RestorationEnvironment(storms[0], desk)
    rng, lengths, played = np.random.default_rng(2), set(), 0
    for task, incident in enumerate(storms[0]):
        state, mask = environment.reset(task)
        steps = 0
        while environment.area:
            lengths.add(len(state))
            assert mask.shape == (environment.actions,)
            assert mask.dtype == bool
            assert mask[environment.stop]
            assert not environment.area & incident.blocked
            action = int(rng.choice(np.flatnonzero(mask)))
            state, mask, reward, done = environment.step(action)
            assert np.isfinite(reward)
            assert done is not bool(environment.area)
            assert desk.judge.state(environment.closed, incident).allowed
            steps += 1
        assert steps <= 2 * len(environment.sections.devices) + len(environment.sections)
        played += steps
    assert len(lengths) == 1
    assert played > len(storms[0])


def test_rewards_sum_to_the_customer_minutes_saved(storms, desk, ieee123_world):
    """By the common clock, against nobody switching."""
    environment = RestorationEnvironment(storms[0], desk)
    rng = np.random.default_rng(4)
    for task, incident in enumerate(storms[0]):
        _, mask = environment.reset(task)
        total = 0.0
        while environment.area:
            _, mask, reward, _ = environment.step(int(rng.choice(np.flatnonzero(mask))))
            total += reward
        waits = ieee123_world.sections.customers @ np.where(
            ieee123_world.sections.members(incident.out), incident.repaired_min, 0.0
        )
        spent = customer_minutes(incident, timeline(incident, ieee123_world.clock, environment.moves))
        late = any(  # a pick-up after the repair saves nothing, and costs nothing
            environment.hands.now_min > incident.repaired_min[s] for s in bits(incident.out)
        )
        if not late:
            assert total == pytest.approx(waits - spent, abs=1e-6)


def test_the_same_seed_learns_the_same_bits(storms, ieee123_world, training):
    again = learn(storms[0], ieee123_world.desk(), QSettings(episodes=200, seed=1))
    assert np.array_equal(again.table.keys, training.table.keys)
    assert np.array_equal(again.table.values, training.table.values)
    assert np.array_equal(again.table.visits, training.table.visits)
    assert np.array_equal(again.rewards, training.rewards)


def test_another_seed_takes_other_ways(storms, desk, training):
    other = learn(storms[0], desk, QSettings(episodes=200, seed=2))
    assert not np.array_equal(other.rewards, training.rewards)


def test_a_table_from_disk_gives_the_same_plans(tmp_path, storms, desk, training):
    training.table.save(tmp_path / "seed_1.npz")
    table = QTable.load(tmp_path / "seed_1.npz")
    for incident in storms[1]:
        before, after = (solve("learned", Learned(t), incident, desk) for t in (training.table, table))
        assert before.operations == after.operations


def test_training_and_judged_storms_share_no_set_of_faults(storms):
    faults = [{frozenset(f.element for f in i.storm.faults) for i in part} for part in storms]
    assert not faults[0] & faults[1]
    assert len(faults[0]) == len(storms[0])


def test_a_table_that_knows_nothing_does_as_greedy(storms, desk, ieee123_world):
    """An unknown state falls back to the greedy step, and is counted."""
    environment = RestorationEnvironment(storms[0], desk)
    width = next(len(state) for task in range(12) for state, _ in [environment.reset(task)] if environment.area)
    empty = QTable(
        np.zeros((0, width), np.uint8), np.zeros((0, environment.actions)), np.zeros((0, environment.actions), np.int64)
    )
    learned = Learned(empty)
    for incident in storms[1]:
        one, other = solve("learned", learned, incident, desk), solve("greedy", greedy, incident, desk)
        clock = ieee123_world.clock
        assert cost(incident, one, clock) == pytest.approx(cost(incident, other, clock), abs=1e-6)
    assert learned.unknown > 0


def shared_headroom(kit):
    """Sections n2 (300 kW, 100 customers) and n3 (400 kW, 150) hang behind the fault in n1. Feeder b can carry one
    of them: n2 by tie_b or n3 by tie_b2. Feeder c reaches n3 alone, by a tie that a crew closes (4 min and 5)."""
    parts = [
        kit.line("a", "source", "n1"), kit.line("seg1", "n1", "n1e"), kit.load("l1", "n1e", 400),
        kit.line("sw12", "n1e", "n2"), kit.load("l2", "n2", 300), kit.line("sw23", "n2", "n3"),
        kit.load("l3", "n3", 400),
        kit.line("b", "source", "nb", 100), kit.load("lb", "nb", 400),
        kit.line("c", "source", "nc", 100), kit.load("lc", "nc", 400),
        kit.line("tie_b", "nb", "n2"), kit.line("tie_b2", "nb", "n3"), kit.line("tie_c", "nc", "n3"),
    ]  # fmt: skip
    devices = dict.fromkeys(("a", "sw12", "sw23", "b", "c"), ("closed", "remote"))
    devices |= dict.fromkeys(("tie_b", "tie_b2"), ("open", "remote")) | {"tie_c": ("open", ("5", "4"))}
    customers = {"l1": 100.0, "l2": 100.0, "l3": 150.0, "lb": 100.0, "lc": 100.0}
    return "\n".join([kit.head, *parts, kit.tail]), devices, customers


def test_learned_keeps_headroom_that_greedy_spends(world, kit):
    """Greedy takes n3 back at 3 min by feeder b, and n2 waits. Better: n2 by feeder b at 4 min (sw12, sw23, tie_b),
    n3 by feeder c when the crew is there: 1 + 4 + 5 = 10 min."""
    text, devices, customers = shared_headroom(kit)
    small = world(text, devices, customers=customers)
    desk, incident = small.desk(), small.storm("line.seg1")
    rest = 100 * 180.0
    taken = solve("greedy", greedy, incident, desk)
    assert cost(incident, taken, small.clock) == pytest.approx(rest + 150 * 3 + 100 * 180)
    best = solve("exact", exact, incident, desk)
    assert cost(incident, best, small.clock) == pytest.approx(rest + 100 * 4 + 150 * 10)
    others = [small.storm("line.seg1", repair_min=m) for m in (120.0, 150.0, 240.0)]
    table = learn(others, desk, QSettings(episodes=400, seed=1)).table
    learnt = solve("learned", Learned(table), incident, desk)
    assert cost(incident, learnt, small.clock) == pytest.approx(rest + 100 * 4 + 150 * 10)
