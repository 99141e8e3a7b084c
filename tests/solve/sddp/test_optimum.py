"""Training comes to the optimum: published ones, ones by hand, and the extensive form's."""

import doctest
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gridstudio.solve.sddp
from gridstudio.solve.risk import Blend, CVaR, Expectation, WorstCase
from gridstudio.solve.sddp import (
    BoundStalling,
    ContinuousRelaxation,
    Default,
    EveryPath,
    Iterations,
    Lagrangian,
    MipLimits,
    Node,
    Part,
    PolicyGraph,
    Regularised,
    StageProblem,
    StrengthenedBenders,
    deterministic_equivalent,
    simulate,
    train,
)
from gridstudio.solve.sddp.model import WarmModel

sys.path.insert(0, str(Path(__file__).parent))
from multistage import (
    air_conditioning,
    asset_management,
    asset_management_stagewise,
    binary_projects,
    capacity_expansion,
    fast_hydro_thermal,
    newsvendor,
    random_linear,
    random_markov,
    random_problem,
)

CUT_TYPES = ("single", "outcome", "multi")
LONG = (BoundStalling(25, 1e-9), Iterations(300))
EXACT = MipLimits(gap=1e-9)


def test_the_example_of_the_package_runs():
    results = doctest.testmod(gridstudio.solve.sddp)
    assert results.attempted >= 7
    assert results.failed == 0


@pytest.mark.parametrize("cut_type", CUT_TYPES)
@pytest.mark.parametrize(
    ("problem", "optimum", "within"),
    [(fast_hydro_thermal, 10.0, 1e-9), (asset_management, 1.514, 1e-4), (capacity_expansion, 406712.49, 0.1)],
)
def test_published_optimum(problem, optimum, within, cut_type):
    assert train(problem(), cut_type=cut_type).bound == pytest.approx(optimum, abs=within)


@pytest.mark.parametrize("cut_type", CUT_TYPES)
def test_published_optimum_with_cvar_after_one_stage_of_a_markov_chain(cut_type):
    graph = asset_management_stagewise()
    risk = {node.name: Blend(0.5, Expectation(), CVaR(0.5)) for node in graph.nodes if node.stage == 2}
    assert train(graph, risk, cut_type=cut_type).bound == pytest.approx(-1.278, abs=1e-3)
    assert deterministic_equivalent(graph, risk).cost == pytest.approx(-1.278, abs=1e-3)


def test_newsvendor_by_hand():
    # the median of demands 1 to 5: buy 3; earn 5 * (1 + 2 + 3 + 3 + 3) / 5 - 7.5 = 4.5
    policy = train(newsvendor())
    assert policy.bound == pytest.approx(-4.5, abs=1e-9)
    assert simulate(policy, 1).states[0, 0, 0] == pytest.approx(3.0)
    assert deterministic_equivalent(newsvendor()).cost == pytest.approx(-4.5, abs=1e-9)


@pytest.mark.parametrize("risk", [CVaR(0.8), WorstCase()])
def test_risk_averse_newsvendor_by_hand(risk):
    # the worst fifth is a demand of 1: buy 1, earn 5 - 2.5
    policy = train(newsvendor(), risk)
    assert policy.bound == pytest.approx(-2.5, abs=1e-9)
    assert simulate(policy, 1).states[0, 0, 0] == pytest.approx(1.0)
    assert deterministic_equivalent(newsvendor(), risk).cost == pytest.approx(-2.5, abs=1e-9)


def test_newsvendor_with_cvar_of_the_worst_two_fifths_by_hand():
    # bought at 2; the mean of demands 1 and 2 at a stock of 2: 4 - 5 * 1.5 = -3.5; of 1: -3; of 3: -1.5
    assert train(newsvendor(cost=2.0), CVaR(0.6)).bound == pytest.approx(-3.5, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "risk", [Expectation(), CVaR(0.6), WorstCase(), Blend(0.4, Expectation(), CVaR(0.5))], ids=repr
)
def test_bound_is_the_extensive_forms_optimum(seed, risk):
    graph = random_linear(seed, stages=4)
    assert train(graph, risk, LONG).bound == pytest.approx(deterministic_equivalent(graph, risk).cost, rel=1e-6)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cut_type", CUT_TYPES)
@pytest.mark.parametrize("risk", [Expectation(), CVaR(0.7)], ids=repr)
def test_bound_of_a_markov_chain_with_parts(seed, cut_type, risk):
    graph = random_markov(seed)
    bound = train(graph, risk, LONG, cut_type, Default(paths=2)).bound
    assert bound == pytest.approx(deterministic_equivalent(graph, risk).cost, rel=1e-4)


@pytest.mark.parametrize(
    "options",
    [{"forward": Regularised()}, {"in_flight": 3}, {"select_every": 7}],
    ids=lambda options: next(iter(options)),
)
def test_bound_does_not_depend_on_the_way(options):
    graph = random_markov(5)
    bound = train(graph, stopping=LONG, **options).bound
    assert bound == pytest.approx(deterministic_equivalent(graph).cost, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_policy_of_an_optimal_bound_costs_the_bound(seed):
    graph = random_markov(seed, stages=3)
    policy = train(graph, stopping=LONG, forward=Default(paths=2))
    assert simulate(policy, 0, EveryPath()).mean == pytest.approx(policy.bound, rel=1e-4)


@pytest.mark.parametrize("duality", [ContinuousRelaxation(), StrengthenedBenders(), Lagrangian()], ids=repr)
def test_published_optimum_in_whole_numbers(duality):
    stopping = (BoundStalling(8), Iterations(40))
    bound = train(air_conditioning(), stopping=stopping, duality=duality, forward=Default(integer=True)).bound
    assert bound == pytest.approx(62_500, abs=0.1)


@pytest.fixture(scope="module")
def bounds_of_binary_projects():
    """Bound by duality handler, on a problem whose relaxation is far from the optimum."""
    stopping = (BoundStalling(8, 1e-6), Iterations(15))
    return {
        type(duality): train(
            binary_projects(), stopping=stopping, duality=duality, forward=Default(integer=True), limits=EXACT
        ).bound
        for duality in (ContinuousRelaxation(), StrengthenedBenders(), Lagrangian())
    }


def test_lagrangian_cuts_of_binary_states_are_exact(bounds_of_binary_projects):
    optimum = deterministic_equivalent(binary_projects()).cost
    assert bounds_of_binary_projects[Lagrangian] == pytest.approx(optimum, rel=1e-6)


def test_stronger_cuts_give_higher_bounds(bounds_of_binary_projects):
    relaxed, lifted, exact = bounds_of_binary_projects.values()
    assert relaxed < lifted - 1.0
    assert lifted <= exact + 1e-6


def test_bound_of_the_relaxation_is_the_extensive_forms():
    relaxed = deterministic_equivalent(binary_projects(), integer=False).cost
    assert train(binary_projects(), stopping=(Iterations(30),)).bound == pytest.approx(relaxed, rel=1e-6)


def test_integer_passes_after_a_relaxed_training_keep_its_cuts():
    graph = binary_projects()
    relaxed = train(graph, stopping=(Iterations(15),))
    whole = train(
        graph, stopping=(Iterations(5),), duality=StrengthenedBenders(), forward=Default(integer=True), start=relaxed
    )
    assert whole.bound > relaxed.bound + 1.0
    assert whole.bound <= deterministic_equivalent(graph).cost + 1e-6


def test_integers_of_a_part_are_relaxed_in_training_and_whole_in_simulation():
    rng = np.random.default_rng(3)
    own = random_problem(rng, noises=1, hands_on=False)
    day = random_problem(rng, noises=1, hands_on=False, integer=3)
    node = Node("year", 0, own, (Part("day", day, 2.0),))
    graph = PolicyGraph((node,), {}, {"year": 1.0}, {f"s{i}": 1.0 for i in range(3)})
    policy = train(graph, stopping=(Iterations(1),))
    assert policy.bound == pytest.approx(deterministic_equivalent(graph, integer=False).cost, rel=1e-9)
    visit = simulate(policy, 1, recorders={"all": lambda visit: visit}).recorded["all"][0][0]
    whole = visit.columns[1][day.integer]
    assert whole == pytest.approx(np.round(whole), abs=1e-6)
    assert visit.cost == pytest.approx(deterministic_equivalent(graph).cost, rel=1e-6)
    assert visit.cost > policy.bound + 1e-3


def test_time_limit_of_a_mip_is_for_each_solve():
    # a knapsack with many rows that takes minutes: stopped twice, each time with an incumbent below its bound
    rng, n = np.random.default_rng(0), 90
    sizes = rng.integers(1, 100, (8, n)).astype(float)
    problem = StageProblem(
        -rng.integers(1, 100, n).astype(float), np.zeros(n), np.ones(n), sizes, np.full(8, -np.inf),
        sizes.sum(axis=1) / 2, integer=np.ones(n, bool),
    )  # fmt: skip
    model = WarmModel(problem, np.empty(0), np.empty(0), problem.integer_mask, MipLimits(gap=1e-9, time_s=0.3))
    for _ in range(2):
        started = time.perf_counter()
        cost = model.solve()
        assert time.perf_counter() - started > 0.25
        assert model.proven() < cost < 0
        model.set_cost(np.array([0]), np.array([-1.0]))
