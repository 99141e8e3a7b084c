"""The nested value of costs over a tree of paths: by hand, and beside the extensive form with the same measure."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gridstudio.solve.risk import Blend, CVaR, Expectation, WorstCase, value
from gridstudio.solve.sddp import (
    BoundStalling,
    EveryPath,
    ExactGap,
    Iterations,
    Regularised,
    deterministic_equivalent,
    nested_value,
    simulate,
    train,
)
from gridstudio.solve.sddp.nested import neutral, tree_value

sys.path.insert(0, str(Path(__file__).parent))
from multistage import newsvendor, random_markov

HALF = Blend(0.5, Expectation(), CVaR(0.5))
RISKS = [CVaR(0.6), WorstCase(), Blend(0.4, Expectation(), CVaR(0.5))]
# a stage of cost 10, then three states
WAYS = [("today", "low"), ("today", "middle"), ("today", "high")]
CHANCES = np.array([0.5, 0.25, 0.25])
COSTS = np.array([[10.0, 4.0], [10.0, 8.0], [10.0, 20.0]])


@pytest.mark.parametrize(
    ("risk", "by_hand"),
    [
        (Expectation(), 19.0),  # 10 + 4 / 2 + 8 / 4 + 20 / 4
        (CVaR(0.5), 24.0),  # 10 + (8 + 20) / 2, the worse half
        (HALF, 21.5),  # half of each
        (WorstCase(), 30.0),
        (CVaR(0.9), 30.0),  # the worst tenth lies in the state of one quarter
    ],
    ids=repr,
)
def test_two_stages_and_three_states_by_hand(risk, by_hand):
    assert tree_value(WAYS, CHANCES, COSTS, lambda way: risk) == pytest.approx(by_hand, rel=1e-12)


def test_a_measure_is_taken_of_what_may_follow_each_vertex():
    # the worse half after a: 8, after b: 6, of the two: 8; the worse half of the four paths: (8 + 6) / 2
    ways = [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]
    costs, chances = np.array([[0.0, 0.0], [0.0, 8.0], [0.0, 4.0], [0.0, 6.0]]), np.full(4, 0.25)
    assert tree_value(ways, chances, costs, lambda way: CVaR(0.5)) == pytest.approx(8.0)
    assert value(CVaR(0.5), costs.sum(axis=1), chances) == pytest.approx(7.0)


def test_each_vertex_may_have_a_measure_of_its_own():
    # the worst after a: 8, the mean after b: 5; the mean of the two
    ways = [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]
    costs = np.array([[0.0, 0.0], [0.0, 8.0], [0.0, 4.0], [0.0, 6.0]])
    found = tree_value(ways, np.full(4, 0.25), costs, lambda way: WorstCase() if way == ("a",) else Expectation())
    assert found == pytest.approx(6.5)


def test_the_order_of_the_paths_changes_nothing():
    order = [2, 0, 1]
    turned = tree_value([WAYS[row] for row in order], CHANCES[order], COSTS[order], lambda way: HALF)
    assert turned == pytest.approx(21.5, rel=1e-12)


def test_paths_may_end_early_and_those_of_no_probability_do_not_count():
    # from today one half ends at once, the other costs 6 more; what cannot happen is no worst case
    ways = [("today", "end"), ("today", "on", "last"), ("today", "never")]
    costs = np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 6.0], [1.0, 99.0, 0.0]])
    assert tree_value(ways, np.array([0.5, 0.5, 0.0]), costs, lambda way: WorstCase()) == pytest.approx(9.0)
    assert tree_value(ways, np.array([0.5, 0.5, 0.0]), costs, lambda way: Expectation()) == pytest.approx(6.0)


@pytest.mark.parametrize("risk", RISKS, ids=repr)
def test_policy_of_an_optimal_bound_is_worth_the_bound(risk):
    graph = random_markov(1)
    policy = train(graph, risk, (BoundStalling(25, 1e-9), Iterations(200)))
    walked = simulate(policy, 0, EveryPath())
    worth = nested_value(graph, walked.paths, walked.stage_costs, risk)
    assert worth == pytest.approx(deterministic_equivalent(graph, risk).cost, rel=1e-4)
    assert worth > walked.mean


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("risk", RISKS, ids=repr)
def test_gap_over_all_paths_is_proven_under_a_measure(seed, risk):
    graph = random_markov(seed)
    policy = train(graph, risk, (ExactGap(1e-5), Iterations(200)), sampling=EveryPath())
    optimum, last = deterministic_equivalent(graph, risk).cost, policy.log[-1]
    assert policy.reason.startswith("gap of")
    assert policy.bound <= optimum * (1 + 1e-9)
    assert min(line.simulated_cost for line in policy.log) >= optimum * (1 - 1e-9)
    assert last.simulated_cost == pytest.approx(last.bound, rel=1e-4)


def test_a_measure_of_some_nodes_is_taken_there_alone():
    graph = newsvendor(cost=2.0)  # see test_optimum: -3.5 under CVaR(0.6) after the first node
    risk = {"1": CVaR(0.6)}
    policy = train(graph, risk, (ExactGap(1e-9), Iterations(40)), sampling=EveryPath())
    assert policy.log[-1].simulated_cost == pytest.approx(-3.5, abs=1e-8)


def test_the_cost_of_one_drawn_path_is_its_own():
    # with one path a measure has nothing to weigh: the log tells the same as that of the expectation at first
    graph = random_markov(3)
    averse, mean = (
        train(graph, risk, (Iterations(1),), forward=Regularised()).log[0].simulated_cost
        for risk in (CVaR(0.6), Expectation())
    )
    assert averse == pytest.approx(mean, rel=1e-12)


def test_no_weight_on_a_measure_makes_the_bounds_of_the_expectation_to_the_bit():
    graph = random_markov(3)
    nothing, mean = (
        [line.bound for line in train(graph, risk, (Iterations(8),)).log]
        for risk in (Blend(0.0, Expectation(), CVaR(0.9)), Expectation())
    )
    assert nothing == mean


@pytest.mark.parametrize(
    ("risk", "is_neutral"),
    [(Expectation(), True), (CVaR(0.0), False), ({}, True), ({"1": Expectation()}, True), ({"1": CVaR(0.5)}, False)],
    ids=str,
)
def test_neutral_is_the_expectation_everywhere(risk, is_neutral):
    assert neutral(risk) is is_neutral
