"""Whole pieces: roundings that keep the rules, what is held stays, and bounds of the master with whole pieces."""

import itertools
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from gridstudio.planning.transition import pieces, search
from gridstudio.planning.transition.case import Outlook
from gridstudio.planning.transition.factors import portfolio
from gridstudio.planning.transition.graph import Model, held, policy_graph
from gridstudio.planning.transition.investment import investment_problem
from gridstudio.planning.transition.plans import Dispatcher, cost_of, first_operation_musd, make_plan
from gridstudio.planning.transition.search import Beaten
from gridstudio.planning.transition.settings import TrainingSettings
from gridstudio.planning.transition.training import solve
from gridstudio.solve.risk import Blend, CVaR, Expectation, WorstCase
from gridstudio.solve.sddp.equivalent import deterministic_equivalent
from gridstudio.solve.sddp.stopping import Iteration, Iterations
from gridstudio.solve.sddp.training import train

WAVE = (60 + 30 * np.sin(np.arange(24) / 24 * 2 * np.pi))[:, None]
GIVEN = TrainingSettings(gap=1e-4, iterations=80, seconds=60.0, stall_iterations=10)


@pytest.fixture
def model(make_case, make_days, two_stages):
    """Two buses: a line that stands, one that may be built beside it, sensors on both, batteries."""

    def make(factors=("line", "dtr", "battery"), stages=3):
        lines = ((0, 1, 0.1, 30.0, True, False), (0, 1, 0.1, 30.0, False, True))
        case = make_case(units=((0, "gas", 150.0),), lines=lines, buses=2, chain=two_stages(stages=stages),
                         dtr_usd_per_sensor=1e6)  # fmt: skip
        load = np.hstack([0.2 * WAVE, 0.5 * WAVE])
        return Model(case, portfolio(case, factors), make_days(case, load, rating=1.4))

    return make


def by_label(model, values) -> dict[str, float]:
    return dict(zip(model.items.labels, values, strict=True))


def amounts(model, **built) -> np.ndarray:
    """(item,) from labels such as dtr_l0."""
    return np.array([built.get(label.replace(" ", "_"), 0.0) for label in model.items.labels])


def test_a_rounding_takes_the_whole_from_its_share_on(model) -> None:
    made = model()
    build = amounts(made, line_l1=0.3, dtr_l0=0.3, dtr_l1=0.1, battery_b0=0.6)
    half, fifth = (pieces.rounded(made, build, np.zeros(5), share) for share in (0.5, 0.2))
    assert half.tolist() == amounts(made, battery_b0=1).tolist()
    assert fifth.tolist() == amounts(made, line_l1=1, dtr_l0=1, battery_b0=1).tolist()


def test_a_rounding_puts_no_sensor_where_no_line_is(model) -> None:
    made = model()
    bare = pieces.rounded(made, amounts(made, line_l1=0.1, dtr_l1=0.9), np.zeros(5), 0.5)
    standing = pieces.rounded(made, amounts(made, dtr_l1=0.9), amounts(made, line_l1=1), 0.5)
    assert bare.tolist() == np.zeros(5).tolist()
    assert standing.tolist() == amounts(made, dtr_l1=1).tolist()


def test_a_rounding_builds_nothing_twice(model) -> None:
    made = model()
    assert by_label(made, pieces.rounded(made, np.full(5, 0.9), np.ones(5), 0.5)) == dict.fromkeys(made.items.labels, 0)


def test_what_may_be_fractional_stays_free(model) -> None:
    made = model(factors=("gas", "battery"))
    found = by_label(made, pieces.rounded(made, np.full(4, 0.7), np.zeros(4), 0.5))
    assert np.isnan([found["gas b0"], found["gas b1"]]).all()
    assert (found["battery b0"], found["battery b1"]) == (1, 1)


def test_items_that_are_not_held_are_free(model) -> None:
    made = model()
    fixed = np.array([1.0, np.nan, 0.0, np.nan, 0.0])
    problem = investment_problem(made.case, made.items, 0, Outlook("now"), fixed=fixed)
    first = 2 * len(made.items.state_item)
    assert problem.lower[first : first + 5].tolist() == [1, 0, 0, 0, 0]
    assert problem.upper[first : first + 5].tolist() == [1, 1, 0, 1, 0]


def test_only_the_nodes_named_are_held(model) -> None:
    made = model()
    graph = policy_graph(made)
    found = held(graph, made, {made.name(0, 0): np.ones(5)})
    assert [a.problem is b.problem for a, b in zip(graph.nodes, found.nodes, strict=True)] == [False] + [True] * 4


def test_the_master_with_whole_pieces_proves_a_bound(model) -> None:
    """Above the relaxation's, and below the best of all combinations of pieces of both stages (brute force)."""
    made = model(factors=("line",))
    graph = policy_graph(made)
    policy = train(graph, stopping=(Iterations(30),))
    first = made.name(0, 0)
    cost = pieces.master(made, policy)[1][first]
    dispatcher, nodes, best = Dispatcher(made, exact=False), [(0,), (0, 0), (0, 1)], np.inf
    aside = first_operation_musd(dispatcher, 0)
    for bits in itertools.product((0.0, 1.0), repeat=3):
        if bits[0] + max(bits[1:]) <= 1:
            builds = {node: np.array([bit]) for node, bit in zip(nodes, bits, strict=True)}
            best = min(best, cost_of(make_plan(made, builds), dispatcher).total_musd)
    assert policy.bound - 1e-6 <= aside + cost <= best + 1e-6


def test_a_case_of_pieces_and_capacity_is_close_to_its_bound(model) -> None:
    found = solve(model(factors=("gas", "line", "dtr")), GIVEN)
    assert found.bound_musd <= found.cost.total_musd * (1 + 1e-9)
    assert found.gap < 0.02
    whole = found.cost.plan.builds[:, :, found.model.items.integer]
    assert np.array_equal(whole, np.round(whole))


def test_two_stages_have_no_later_pieces(model) -> None:
    found = solve(model(stages=2), GIVEN)
    assert found.gap < 0.02


def test_where_paths_are_many_they_are_drawn(model, monkeypatch) -> None:
    made = model(factors=("gas",))
    whole = deterministic_equivalent(policy_graph(made)).cost
    monkeypatch.setattr(search, "_FEW_PATHS", 1)
    found = solve(made, GIVEN)
    assert found.bound_musd == pytest.approx(whole, rel=1e-4)
    assert found.cost.total_musd == pytest.approx(whole, rel=1e-3)


def test_where_paths_are_many_the_reason_says_that_cost_and_bound_were_not_compared(model, monkeypatch) -> None:
    made = replace(model(factors=("gas",)), risk=WorstCase())
    whole = deterministic_equivalent(policy_graph(made), made.risk).cost
    monkeypatch.setattr(search, "_FEW_PATHS", 1)
    monkeypatch.setattr(search, "_EVERY_PATH", 1)
    found = solve(made, GIVEN.model_copy(update={"gap": 1e-15, "iterations": 1}))
    assert found.reason.endswith("the paths are too many to go them all until its cost meets the bound")
    assert found.cost.value_musd >= whole * (1 - 1e-9)  # the plan is judged on every path all the same
    assert found.bound_musd <= whole * (1 + 1e-9)


def test_training_around_pieces_stops_when_a_better_plan_is_known() -> None:
    line = Iteration(1, 10.0, 12.0, 0.1, 1, 1)
    assert Beaten(9.0).reason([line], lambda _: np.zeros(0)) == "a better plan is known"
    assert Beaten(11.0).reason([line], lambda _: np.zeros(0)) is None


# The bound of the first stage under a measure, by hand


@dataclass(frozen=True)
class Root:
    """Of a model and its graph just what the first stage's bound is made of: two nodes, 25 and 75 % likely."""

    risk: object
    case = SimpleNamespace(chain=SimpleNamespace(stages=[["rare", "usual"]]))
    root = {"rare": 0.25, "usual": 0.75}  # noqa: RUF012

    def name(self, stage: int, place: int) -> str:
        return self.case.chain.stages[stage][place]


@pytest.mark.parametrize(
    ("risk", "relaxed", "whole"),
    [
        (Expectation(), 19.5, 30.75),  # 0.25 x 15 + 0.75 x 21, then 0.25 x 60 + 0.75 x 21
        (WorstCase(), 21.0, 60.0),
        (CVaR(0.5), 21.0, 40.5),  # the dearest half: all 21; then 60 for half of it
        (Blend(0.5, Expectation(), WorstCase()), 20.25, 45.375),
    ],
    ids=repr,
)
def test_first_nodes_count_as_the_measure_weighs_them_at_the_masters_costs(monkeypatch, risk, relaxed, whole) -> None:
    """10 and 20 operate; whole pieces lift the rare node from 5 to 50, far above what its relaxation weighs."""
    monkeypatch.setattr(search, "first_operation_musd", lambda dispatcher, place: (10.0, 20.0)[place])
    root = Root(risk)
    found = search.Search(root, root, GIVEN, None, None, np.inf, None)
    assert found._bound_at_start({"rare": 5.0, "usual": 1.0}) == pytest.approx(relaxed)
    assert found._bound_at_start({"rare": 50.0, "usual": 1.0}) == pytest.approx(whole)


# Judging until a plan costs what its policy promises


@pytest.fixture
def judged(monkeypatch):
    """Rounds of training and the best cost where the policy's plan costs this, then that, and its bound is 100."""

    def make(costs, known=None):
        best = None if known is None else SimpleNamespace(value_musd=known)
        found = search.Search(None, None, GIVEN, None, None, np.inf, best)
        rounds, plans = [], iter(costs)
        monkeypatch.setattr(found, "_every_path", lambda policy, phase, of_case: rounds.append(phase) or policy)
        monkeypatch.setattr(search, "plan_of", lambda *given, **named: next(plans))
        monkeypatch.setattr(search, "cost_of", lambda plan, dispatcher: SimpleNamespace(value_musd=plan))
        found._judged(SimpleNamespace(bound=100.0), "every path", of_case=True)
        return len(rounds), found.best.value_musd

    return make


def test_a_plan_dearer_than_promised_is_trained_on(judged) -> None:
    """Tied decisions cost unlike beyond the trained points: the third plan keeps to the bound of 100, within 2e-4."""
    assert judged([110.0, 105.0, 100.01, 99.0]) == (3, 100.01)
    assert judged([105.0, 110.0, 100.0]) == (3, 100.0)


def test_a_plan_that_keeps_its_promise_is_not_trained_on(judged) -> None:
    assert judged([100.01, 99.0]) == (1, 100.01)


def test_a_plan_that_never_keeps_its_promise_is_given_up(judged) -> None:
    assert judged([110.0, 109.0, 108.0, 107.0, 106.0]) == (4, 107.0)


def test_nothing_is_trained_where_a_known_plan_is_as_good(judged) -> None:
    assert judged([90.0], known=100.0) == (0, 100.0)
