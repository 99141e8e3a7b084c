"""The search of one branch is exact: it equals an enumeration that shares no code with it."""

import itertools

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.planning.reconductoring.branch import count_sequences, enumerate_sequences, needed_rows
from gridstudio.planning.reconductoring.modes import search


def enumerated(problem, line, current_a, squares_a2=None):
    """Every assignment of a conductor or nothing to every year, filtered and ranked as the specification says.

    Feasible first (least overload), then the cost, then the later first replacement (and so on), fewer, smaller.
    """
    catalogue, existing = problem.catalogue, int(problem.existing[line])
    rows = [row for row in range(len(catalogue)) if catalogue.selectable[row]]
    best = None
    for assignment in itertools.product((None, *rows), repeat=problem.years):
        steps = [(year, row) for year, row in enumerate(assignment) if row is not None]
        sizes = [existing, *(row for _, row in steps)]
        if len(steps) > problem.most or any(b <= a for a, b in itertools.pairwise(sizes)):
            continue
        overload, capital, losses, now = 0.0, 0.0, 0.0, existing
        for year in range(problem.years):
            if assignment[year] is not None:
                now = assignment[year]
                capital += (
                    float(catalogue.cost_usd_per_km[now])
                    * problem.length_km[line]
                    / (1 + problem.discount_rate) ** year
                )
            loading = current_a[year] / catalogue.ampacity_a[now]
            overload += max(loading - problem.limit_pu, 0.0) if loading > problem.limit_pu else 0.0
            if squares_a2 is not None:
                ohm = catalogue.ac_resistance_ohm_per_km[now] * problem.length_km[line]
                losses += squares_a2[year] * ohm / 1000.0 * problem.loss_usd_per_kw[year]
        later_first = tuple(-year for year, _ in steps)
        rank = (
            round(overload, 9),
            round(capital + losses, 6),
            round(capital, 6),
            later_first,
            len(steps),
            tuple(steps),
        )
        if best is None or rank < best:
            best = rank
    return best[-1]


def random_case(abstract_problem, seed, with_losses):
    rng = np.random.default_rng(seed)
    size, years, most = int(rng.integers(2, 6)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    ampacity = 100.0 + np.cumsum(rng.integers(10, 60, size))
    cost = rng.choice([100.0, 200.0, 200.0, 300.0, 1500.0], size)
    if rng.random() < 0.7:
        cost = np.sort(cost)  # else a larger conductor may be the cheaper one
    selectable = rng.random(size) < 0.7
    existing = int(rng.choice([0, 0, size - 1, int(rng.integers(size))]))
    rate = float(rng.choice([0.0, 0.07, 0.5]))
    growth = float(rng.choice([-0.1, 0.0, 0.1, 0.3]))
    start = float(rng.uniform(0.4, 1.1)) * ampacity[int(rng.integers(size))]
    current = start * (1 + growth) ** np.arange(years)
    if rng.random() < 0.3:
        current = rng.uniform(0.5, 1.1, years) * ampacity[-1]
    limit = float(rng.choice([0.66, 1.0]))
    if rng.random() < 0.3:  # steep costs, a high rate and rising currents: where a second replacement pays
        cost, rate, existing, selectable, years = 100.0 * 4.0 ** np.arange(size), 0.5, 0, np.ones(size, bool), 4
        current = limit * np.linspace(ampacity[0] + 1, ampacity[-1] - 1, years)
    problem = abstract_problem(
        ampacity, cost, selectable, [existing], years, most, rate, [float(rng.uniform(0.05, 2.0))],
        resistance=np.sort(rng.uniform(0.05, 1.0, size))[::-1],
        loss_usd_per_kw=rng.uniform(0.0, 300.0) / (1 + rate) ** np.arange(years) if with_losses else None,
        limit_pu=limit,
    )  # fmt: skip
    return problem, current


@pytest.mark.parametrize("with_losses", [False, True])
def test_search_equals_enumeration_of_every_assignment(abstract_problem, with_losses):
    seen = {"K": set(), "infeasible": 0, "replaced": 0, "twice": 0, "largest": 0, "not selectable": 0, "falling": 0}
    for seed in range(400):
        problem, current = random_case(abstract_problem, seed, with_losses)
        squares = 3 * current**2 if with_losses else None
        needed = needed_rows(current[None, None, :], problem.catalogue.ampacity_a, problem.limit_pu)
        plan = search(problem, needed, None if squares is None else squares[None, None, :])[0]
        expected = enumerated(problem, 0, current, squares)
        assert plan.of_line(0) == expected, f"seed {seed}"
        existing = int(problem.existing[0])
        seen["K"].add(problem.most)
        seen["infeasible"] += bool((needed > problem.sequences(0).largest).any())
        seen["replaced"] += len(expected) > 0
        seen["twice"] += len(expected) > 1
        seen["largest"] += existing == len(problem.catalogue) - 1
        seen["not selectable"] += not problem.catalogue.selectable[existing]
        seen["falling"] += len(current) > 1 and current[-1] < current[0]
    assert seen.pop("K") == {1, 2, 3}
    assert min(seen.values()) > 8, seen  # every kind of case was among them


def chosen(problem, current):
    needed = needed_rows(np.array(current, dtype=float)[None, None, :], problem.catalogue.ampacity_a, problem.limit_pu)
    return search(problem, needed, None)[0].of_line(0)


def test_of_equal_costs_the_latest_year_is_taken(abstract_problem):
    # Short from year 3 on; undiscounted, the years 1 to 3 cost the same.
    problem = abstract_problem([100, 200], [1.0, 5.0], [False, True], [0], years=4, most=1)
    assert chosen(problem, [90, 95, 120, 130]) == ((2, 1),)


def test_of_equal_costs_a_later_first_replacement_goes_before_fewer(abstract_problem):
    # Row 1 is free, row 2 costs 5 USD: row 1 in year 1 and row 2 in year 3 cost what row 2 alone costs in year 1.
    # Both begin in year 1; the one with fewer replacements wins.
    problem = abstract_problem([100, 200, 300], [1.0, 0.0, 5.0], [False, True, True], [0], years=3, most=2)
    assert chosen(problem, [150, 150, 250]) == ((0, 2),)
    # Where the first replacement can wait, it waits: nothing is short in year 1.
    assert chosen(problem, [90, 150, 250]) == ((1, 2),)


def test_of_equal_costs_and_years_the_smaller_conductor_is_taken(abstract_problem):
    problem = abstract_problem([100, 200, 300], [1.0, 5.0, 5.0], [False, True, True], [0], years=2, most=1)
    assert chosen(problem, [150, 150]) == ((0, 1),)


def test_falling_currents_still_need_their_first_year(abstract_problem):
    problem = abstract_problem([100, 200], [1.0, 5.0], [False, True], [0], years=3, most=1)
    assert chosen(problem, [150, 120, 80]) == ((0, 1),)
    assert chosen(problem, [99, 90, 80]) == ()


def test_where_nothing_carries_the_current_the_least_overload_is_taken_at_least_cost(abstract_problem):
    # Beyond the largest conductor in year 2 only: year 1 needs row 1, year 2 gets the largest there is.
    problem = abstract_problem([100, 200, 300], [1.0, 5.0, 9.0], [False, True, True], [0], years=2, most=2)
    assert chosen(problem, [90, 400]) == ((1, 2),)
    assert chosen(problem, [150, 400]) == ((0, 2),)  # 9 USD, against 5 + 9 with a smaller one first


def test_a_current_just_at_the_limit_is_carried(abstract_problem):
    problem = abstract_problem([159, 193], [1.0, 5.0], [False, True], [0], years=1, most=1, limit_pu=0.66)
    limit_a = 0.66 * 159
    assert chosen(problem, [limit_a]) == ()
    assert chosen(problem, [np.nextafter(limit_a, 1e9) * (1 + 1e-15)]) == ((0, 1),)


def test_the_number_of_sequences_is_that_of_the_formula(abstract_problem):
    # 5 years, 5 larger conductors, K = 2: 1 + 5*5 + 10*10
    problem = abstract_problem([1, 2, 3, 4, 5, 6], [1.0] * 6, [True] * 6, [0], years=5, most=2)
    assert len(problem.sequences(0)) == count_sequences(5, 5, 2) == 126


def test_too_many_sequences_are_refused_with_the_number(abstract_problem):
    problem = abstract_problem(range(1, 14), [1.0] * 13, [True] * 13, [0], years=40, most=3)
    with pytest.raises(InputError, match=r"make 2,225,\d{3} sequences .* use fewer replacements"):
        enumerate_sequences(problem.catalogue, 0, problem.discount, problem.cost_usd_per_km, 3)
