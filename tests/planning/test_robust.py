"""Plans to commit to, beside an enumeration of all combinations that shares no code with them."""

import itertools

import numpy as np
import pytest

from gridstudio.planning.reconductoring.branch import needed_rows
from gridstudio.planning.reconductoring.robust import line_options, robust_plans


def needed(problem, current_a):
    return needed_rows(np.array(current_a, dtype=float), problem.catalogue.ampacity_a, problem.limit_pu)


def sequences(problem, line, most):
    """Every admissible sequence of a line: a conductor or nothing in every year, filtered."""
    rows = [row for row in range(len(problem.catalogue)) if problem.catalogue.selectable[row]]
    for assignment in itertools.product((None, *rows), repeat=problem.years):
        steps = tuple((year, row) for year, row in enumerate(assignment) if row is not None)
        sizes = [int(problem.existing[line]), *(row for _, row in steps)]
        if len(steps) <= most and all(b > a for a, b in itertools.pairwise(sizes)):
            yield steps


def in_force(problem, line, steps, year):
    return max([int(problem.existing[line]), *(row for when, row in steps if when <= year)])


def overload(problem, line, steps, current_a):
    loadings = [
        current_a[y] / problem.catalogue.ampacity_a[in_force(problem, line, steps, y)] for y in range(problem.years)
    ]
    return round(sum(max(loading - problem.limit_pu, 0.0) for loading in loadings), 9)


def losses_usd(problem, line, steps, squares_a2):
    """Change of the line's losses against today's conductor, present value."""
    ohm = problem.catalogue.ac_resistance_ohm_per_km * problem.length_km[line]
    now = int(problem.existing[line])
    change = [ohm[in_force(problem, line, steps, y)] - ohm[now] for y in range(problem.years)]
    return sum(change[y] * squares_a2[y] / 1000.0 * problem.loss_usd_per_kw[y] for y in range(problem.years))


def committed_usd(problem, line, steps, current_a, factor, squares_a2=None):
    """Cost of committing ``steps`` where the current unfolds so, by trying every way to go on."""
    every = list(sequences(problem, line, problem.most + 1))

    def excess(other, year):
        loading = current_a[year] / problem.catalogue.ampacity_a[in_force(problem, line, other, year)]
        return max(loading - problem.limit_pu, 0.0)

    # short: some other conductor would be overloaded less in that year
    short = [y for y in range(problem.years) if excess(steps, y) > min(excess(other, y) for other in every)]

    def usd(other):
        price = problem.catalogue.cost_usd_per_km * problem.length_km[line]
        paid = sum(
            price[row] / (1 + problem.discount_rate) ** year * (1.0 if (year, row) in steps else factor)
            for year, row in other
        )
        return paid + (0.0 if squares_a2 is None else losses_usd(problem, line, other, squares_a2))

    if not short:
        return usd(steps)
    done = [step for step in steps if step[0] < short[0]]
    goes_on = [other for other in every if [step for step in other if step[0] < short[0]] == done]
    best = min(overload(problem, line, other, current_a) for other in goes_on)
    return min(usd(other) for other in goes_on if overload(problem, line, other, current_a) == best)


def cvar(cost, probability, alpha):
    """Rockafellar and Uryasev (2000): min over t of t + E[(cost - t)+] / (1 - alpha); the minimum is at a cost."""
    return min(t + probability @ np.maximum(cost - t, 0.0) / (1 - alpha) for t in cost)


def brute_force(problem, current_a, probability, factor, alpha, squares_a2):
    """Least expected cost, least max regret and least CVaR over all combinations of sequences."""
    scenarios, lines, _ = current_a.shape
    tables = []
    for line in range(lines):
        options = list(sequences(problem, line, problem.most))
        squares = [None if squares_a2 is None else squares_a2[s, line] for s in range(scenarios)]
        tables.append(
            np.array(
                [
                    [committed_usd(problem, line, o, current_a[s, line], factor, squares[s]) for s in range(scenarios)]
                    for o in options
                ]
            )
        )
    own = sum(table.min(axis=0) for table in tables)
    totals = np.array([sum(rows) for rows in itertools.product(*tables)])
    return (
        (totals @ probability).min(),
        (totals - own).max(axis=1).min(),
        min(cvar(total, probability, alpha) for total in totals),
    )


def random_problem(abstract_problem, seed, with_losses, rate=None):
    rng = np.random.default_rng(seed)
    years, most, lines = int(rng.integers(2, 4)), int(rng.integers(1, 3)), int(rng.integers(1, 4))
    scenarios = int(rng.integers(2, 6))
    ampacity = np.array([100.0, 150.0, 220.0, 300.0])
    rate = float(rng.choice([0.0, 0.07, 0.4])) if rate is None else rate
    problem = abstract_problem(
        ampacity,
        np.sort(rng.uniform(50, 800, 4)),
        [False, True, rng.random() < 0.5, True],
        rng.choice([0, 0, 1], lines),
        years,
        most,
        rate,
        rng.uniform(0.1, 1.0, lines),
        resistance=[1.0, 0.6, 0.4, 0.2],
        loss_usd_per_kw=rng.uniform(0, 20) / (1 + rate) ** np.arange(years) if with_losses else None,
    )
    growth = rng.uniform(0.9, 1.5, (scenarios, lines, 1)) ** np.arange(years)
    current = rng.uniform(60, 160, (1, lines, 1)) * rng.uniform(0.8, 1.4, (scenarios, lines, 1)) * growth
    probability = rng.dirichlet(np.ones(scenarios))
    return problem, current, probability, float(rng.choice([1.0, 1.3, 2.0])), float(rng.choice([0.5, 0.8, 0.95]))


@pytest.mark.parametrize("with_losses", [False, True])
def test_robust_plans_equal_brute_force_over_all_combinations(abstract_problem, with_losses):
    several = 0
    for seed in range(20):
        problem, current, probability, factor, alpha = random_problem(abstract_problem, seed, with_losses)
        squares = 3 * current**2 if with_losses else None
        options = line_options(problem, needed(problem, current), factor, squares)
        found = robust_plans(options, probability, alpha)
        own = sum((option.own_usd for option in options), np.zeros(len(probability)))
        expected, regret, risk = brute_force(problem, current, probability, factor, alpha, squares)
        tolerance = {"rel": 1e-5, "abs": 1e-3}  # a millionth goes to the tie-break of the integer programs
        assert found[0].cost_usd @ probability == pytest.approx(expected, **tolerance), seed
        assert (found[1].cost_usd - own).max() == pytest.approx(regret, **tolerance), seed
        assert cvar(found[2].cost_usd, probability, alpha) == pytest.approx(risk, **tolerance), seed
        assert all("optimal" in plan.proven or plan.proven == "no line needs a replacement" for plan in found)
        several += len({plan.plan for plan in found}) > 1
    assert several > 3  # the measures do disagree


def test_regret_is_never_negative(abstract_problem):
    for seed in range(10):
        problem, current, probability, factor, alpha = random_problem(abstract_problem, seed, with_losses=False)
        options = line_options(problem, needed(problem, current), factor)
        for option in options:
            assert (option.every_cost_usd - option.own_usd >= 0).all()
        own = sum((option.own_usd for option in options), np.zeros(len(probability)))
        assert all((plan.cost_usd - own >= -1e-9).all() for plan in robust_plans(options, probability, alpha))


# Conductors: 100 A today, 200 A for 10 USD, 300 A for 20 USD, on 1 km; K = 1.
HAND = ([100, 200, 300], [1.0, 10.0, 20.0], [False, True, True], [0])


def test_correction_costs_of_a_hand_example(abstract_problem):
    problem = abstract_problem(*HAND, years=3, most=1)
    current = np.array([[[150, 150, 250]], [[90, 90, 90]], [[150, 150, 150]]])
    (options,) = line_options(problem, needed(problem, current), correction_factor=1.5)
    cost = {steps: options.cost_of(steps).tolist() for steps in options.every.steps}
    # nothing planned: 300 A in year 1 for 1.5 * 20; nothing needed; 200 A in year 1 for 1.5 * 10
    assert cost[()] == [30.0, 0.0, 15.0]
    # 200 A in year 1 as planned, 300 A in year 3 for 1.5 * 20; then the plan alone
    assert cost[((0, 1),)] == [40.0, 10.0, 10.0]
    assert cost[((0, 2),)] == [20.0, 20.0, 20.0]
    # planned too late for scenarios 1 and 3: 300 A at once, its place in year 3 is taken; 200 A at once
    assert cost[((2, 1),)] == [30.0, 10.0, 15.0]
    # 200 A at once for 15 and then the planned 300 A for 20 are dearer than 300 A at once for 30
    assert cost[((2, 2),)] == [30.0, 20.0, 15.0]
    assert options.completed_of(((0, 1),), 0) == ((0, 1), (2, 2))
    assert options.completed_of(((2, 1),), 0) == ((0, 2),)
    assert options.completed_of((), 1) == ()


def test_planned_work_is_kept_at_its_planned_price_where_it_is_still_larger(abstract_problem):
    problem = abstract_problem(*HAND, years=3, most=2, rate=1.0)  # each year halves a price
    current = np.array([[[150, 150, 250]]])
    (options,) = line_options(problem, needed(problem, current), correction_factor=1.5)
    # planned 300 A in year 3 (20 / 4 = 5); short in year 1: 200 A for 15 and the plan's 5, not 300 A for 30
    assert options.cost_of(((2, 2),)).tolist() == [20.0]
    assert options.completed_of(((2, 2),), 0) == ((0, 1), (2, 2))


def test_robust_plans_of_the_hand_example(abstract_problem):
    problem = abstract_problem(*HAND, years=3, most=1)
    current = np.array([[[150, 150, 250]], [[90, 90, 90]], [[150, 150, 150]]])
    options = line_options(problem, needed(problem, current), correction_factor=1.5)
    expected, regret, risk = robust_plans(options, np.array([0.6, 0.2, 0.2]), cvar_alpha=0.8)
    # expected: nothing 21, 200 A 28, 300 A 20; own best 20, 0, 10
    assert expected.plan.of_line(0) == ((0, 2),)
    # regrets: nothing 10, 0, 5; 200 A 20, 10, 0; 300 A 0, 20, 10; late 200 A 10, 10, 5
    assert regret.plan.of_line(0) == ()
    # worst fifth: nothing 30; 300 A 20
    assert risk.plan.of_line(0) == ((0, 2),)
    assert risk.cost_usd.tolist() == [20.0, 20.0, 20.0]


def test_without_price_of_surprise_and_discount_committing_nothing_is_as_cheap_as_any(abstract_problem):
    for seed in range(20):
        problem, current, probability, _, alpha = random_problem(abstract_problem, seed, with_losses=False, rate=0.0)
        options = line_options(problem, needed(problem, current), correction_factor=1.0)
        nothing = sum((option.cost_of(()) for option in options), np.zeros(len(probability)))
        best = robust_plans(options, probability, alpha)[0].cost_usd @ probability
        assert nothing @ probability == pytest.approx(best, abs=1e-9)


def test_nothing_needed_gives_empty_plans(abstract_problem):
    problem = abstract_problem(*HAND, years=2, most=1)
    options = line_options(problem, needed(problem, np.full((3, 1, 2), 50.0)), 1.5)
    assert options == []
    plans = robust_plans(options, np.full(3, 1 / 3), 0.9)
    assert [plan.plan.replacements for plan in plans] == [(), (), ()]
    assert all((plan.cost_usd == 0).all() for plan in plans)


def test_own_plans_have_no_regret_in_their_own_scenario(main_study):
    regret = main_study.result.tables["regret"]
    own = regret.query("plan_of_scenario == scenario")
    assert (own["regret_usd"].abs() < 1e-6).all()
    assert (regret["regret_usd"] >= -1e-6).all()
    assert regret["holds"].all()
    assert len(own) == regret["plan_of_scenario"].nunique() > 10
    assert len(regret) == 125 * len(own)


def test_each_measure_is_best_by_its_own_standard(main_study):
    robust = main_study.result.tables["robust"].set_index("measure")
    for measure, column in (
        ("expected cost", "cost_expected_usd"),
        ("min-max regret", "regret_max_usd"),
        ("CVaR", "cost_cvar_usd"),
    ):
        assert robust.loc[measure, column] <= robust[column].min() * (1 + 1e-5)
    assert (robust["overloads_left"] == 0).all()
    assert (robust["cost_max_usd"] >= robust["cost_cvar_usd"] - 1e-6).all()
    assert (robust["cost_cvar_usd"] >= robust["cost_expected_usd"] - 1e-6).all()
    committed = main_study.result.tables["robust_interventions"].groupby("measure")["present_value_usd"].sum()
    for measure, row in robust.iterrows():
        assert committed[measure] == pytest.approx(row["cost_committed_usd"])


def test_committed_plans_hold_in_every_scenario_though_conductors_move_the_flow(study):
    lines = {"l1": ("source", "b1", 4.0), "l2": ("b1", "b2", 1.0)}
    loads = {"d1": ("b1", 500, 50, 2), "d2": ("b2", 780, 50, 2)}
    uncertainty = {"loads": ["d1", "d2"], "points": 3, "spread": 2.0}
    result = study(lines, loads, uncertainty=uncertainty, horizon={"years": 3, "growth_per_year": 0.05}).run()
    robust = result.tables["robust"]
    assert (robust["overloads_left"] == 0).all()
    assert result.tables["regret"]["holds"].all()
    assert (result.tables["regret"]["regret_usd"] >= -1e-6).all()
    assert result.violations_left == 0
