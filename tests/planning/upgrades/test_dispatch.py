"""Shifting and storing on representative days: against linear programs, by hand, and what must be conserved."""

import numpy as np
import pytest
from scipy.optimize import linprog

from gridstudio.planning.upgrades.dispatch import shift, store

DAY = np.zeros(24, dtype=np.int64)


def some_day(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    hours = np.arange(24)
    return 2.5 * np.sin((hours - 10 - rng.integers(0, 6)) * np.pi / 12) + rng.normal(0, 0.7, 24) - rng.uniform(0, 1.5)


def least_unserved_with_a_battery(over: np.ndarray, power: float, energy: float, efficiency: float) -> float:
    """The linear program: discharge, charge, stored, unserved by hour; the day repeats itself."""
    n = len(over)
    cost = np.concatenate([np.zeros(3 * n), np.ones(n)])
    balance, rhs = np.zeros((n, 4 * n)), -over
    same, zero = np.zeros((n, 4 * n)), np.zeros(n)
    for h in range(n):
        balance[h, [h, n + h, 3 * n + h]] = -1, 1, -1  # over - discharge + charge - unserved <= 0
        same[h, [2 * n + h, 2 * n + (h - 1) % n]] += 1, -1
        same[h, [h, n + h]] = 1, -efficiency  # stored[h] = stored[h - 1] - discharge + efficiency charge
    charge = [(0, min(power, max(-x, 0))) for x in over]
    bounds = [(0, power)] * n + charge + [(0, energy)] * n + [(0, None)] * n
    return float(linprog(cost, balance, rhs, same, zero, bounds).fun)


def least_unserved_by_shifting(over: np.ndarray, movable: np.ndarray) -> float:
    """The linear program: taken out and put back by hour, equal over the day; put back only into room."""
    n = len(over)
    cost = np.concatenate([np.zeros(2 * n), np.ones(n)])
    balance = np.hstack([-np.eye(n), np.eye(n), -np.eye(n)])
    neutral = np.concatenate([np.ones(n), -np.ones(n), np.zeros(n)])[None]
    bounds = [(0, x) for x in movable] + [(0, max(-x, 0)) for x in over] + [(0, None)] * n
    return float(linprog(cost, balance, -over, neutral, [0.0], bounds).fun)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("power", "energy", "efficiency"), [(1.0, 4.0, 0.88), (3.0, 2.0, 1.0), (0.5, 20.0, 0.7)])
def test_a_battery_leaves_no_more_unserved_than_the_linear_program(
    seed: int, power: float, energy: float, efficiency: float
) -> None:
    over = some_day(seed)
    left = np.maximum(store(over, DAY, power, energy, efficiency), 0.0).sum()
    assert left == pytest.approx(least_unserved_with_a_battery(over, power, energy, efficiency), abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_shifting_leaves_no_more_unserved_than_the_linear_program(seed: int) -> None:
    over = some_day(seed)
    movable = np.random.default_rng(seed + 100).uniform(0, 1.5, 24)
    after = shift(over, movable, DAY)
    assert np.maximum(after, 0.0).sum() == pytest.approx(least_unserved_by_shifting(over, movable), abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_shifting_keeps_the_energy_of_the_day_and_fills_no_hour_above_the_limit(seed: int) -> None:
    over = np.stack([some_day(seed), some_day(seed + 50)])
    after = shift(over, np.full((2, 24), 0.8), DAY)
    np.testing.assert_allclose(after.sum(axis=1), over.sum(axis=1))
    assert np.all(after[over < 0] <= 1e-12)
    assert np.all(after[over > 0] <= over[over > 0] + 1e-12)
    assert np.all(over - after <= 0.8 + 1e-12)


def test_load_comes_back_where_there_is_most_room() -> None:
    # 1 MWh out of the first hour: hours with room 3 and 1 are filled to the same level, 2 each, so 1 and 0
    after = shift(np.array([1.0, -3.0, -1.0]), np.ones(3), np.zeros(3, dtype=np.int64))
    np.testing.assert_allclose(after, [0.0, -2.0, -1.0])


def test_a_battery_by_hand() -> None:
    # 2 MWh stored when the day begins: 1 MW of 3 short is given twice; half an hour's loss is bought back with 4 MWh
    over = np.array([3.0, 3.0, -2.0, -2.0])
    after = store(over, np.zeros(4, dtype=np.int64), 1.0, 2.0, 0.5)
    # only 1 MW x 2 h x 0.5 = 1 MWh comes back each day, so 1 MWh is given each day
    assert np.maximum(after, 0).sum() == pytest.approx(5.0)
    np.testing.assert_allclose(after[2:], [-1.0, -1.0])


def test_no_energy_crosses_from_day_to_day() -> None:
    over = np.array([2.0, 2.0, -5.0, -5.0])
    days = np.array([0, 0, 1, 1])
    np.testing.assert_allclose(shift(over, np.ones(4), days), over)
    np.testing.assert_allclose(store(over, days, 1.0, 4.0, 1.0)[:2], [2.0, 2.0])


def test_days_of_many_scenarios_are_those_of_each_alone() -> None:
    over = np.stack([some_day(seed) for seed in range(6)]).reshape(2, 3, 24)
    together = store(over, DAY, 1.0, 3.0, 0.9)
    np.testing.assert_allclose(together[1, 2], store(over[1, 2], DAY, 1.0, 3.0, 0.9))
