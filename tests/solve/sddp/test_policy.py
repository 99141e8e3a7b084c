"""What a policy is: cuts that are never above the truth, a bound that rises, the same bits for the same seed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.solve.risk import CVaR, Expectation
from gridstudio.solve.sddp import (
    BoundStalling,
    EveryPath,
    ExactGap,
    Historical,
    InSample,
    Iterations,
    Noise,
    OutOfSample,
    PolicyGraph,
    Regularised,
    SimulatedGap,
    TimeLimit,
    decisions_at_start,
    deterministic_equivalent,
    load,
    simulate,
    train,
)
from gridstudio.solve.sddp.crew import Decisions
from gridstudio.solve.sddp.cuts import CutFamily
from gridstudio.solve.sddp.duality import ContinuousRelaxation
from gridstudio.solve.sddp.model import MipLimits
from gridstudio.solve.sddp.policy import specs
from gridstudio.solve.sddp.subproblem import Subproblem

sys.path.insert(0, str(Path(__file__).parent))
from multistage import (
    asset_management,
    binary_projects,
    fast_hydro_thermal,
    newsvendor,
    random_linear,
    random_markov,
)

TEN = (Iterations(10),)


def bits(policy):
    return [line.bound for line in policy.log], {key: cuts.slopes.tobytes() for key, cuts in policy.cuts.items()}


@pytest.mark.parametrize("risk", [Expectation(), CVaR(0.5)], ids=repr)
@pytest.mark.parametrize("cut_type", ["single", "outcome", "multi"])
def test_bound_never_falls(risk, cut_type):
    bounds = np.array([line.bound for line in train(random_markov(2), risk, (Iterations(25),), cut_type).log])
    assert (np.diff(bounds) >= -1e-9 * np.abs(bounds[1:])).all()
    assert bounds[-1] > bounds[0]


def rest_from(graph, state):
    """The graph without its first stage, begun at a state of the second's choice: what the cuts of node '1' bound."""
    nodes = [node for node in graph.nodes if node.stage > 0]
    moved = tuple(type(node)(node.name, node.stage - 1, node.problem, node.parts) for node in nodes)
    arcs = {arc: p for arc, p in graph.transitions.items() if arc[0] != graph.nodes[0].name}
    root = {b: p for (a, b), p in graph.transitions.items() if a == graph.nodes[0].name}
    return PolicyGraph(moved, arcs, root, state, graph.lower_bound)


@pytest.mark.parametrize("risk", [Expectation(), CVaR(0.5)], ids=repr)
@pytest.mark.parametrize("cut_type", ["single", "multi"])
def test_cuts_are_never_above_the_true_cost_to_go(risk, cut_type):
    graph = random_markov(4)
    policy, rng = train(graph, risk, (Iterations(15),), cut_type), np.random.default_rng(0)
    gaps = []
    for _ in range(8):
        state = dict(zip(graph.state_names, rng.uniform(0, 5, 3).tolist(), strict=True))
        truth = deterministic_equivalent(rest_from(graph, state), risk).cost
        gaps.append(truth - policy.to_go(graph.nodes[0].name, state))
    assert min(gaps) >= -1e-6
    assert max(gaps) < 30  # and they say something: the cost to go is about 50


@pytest.mark.parametrize("cut_type", ["single", "outcome", "multi"])
def test_saved_and_loaded_cuts_are_the_same_policy(tmp_path, cut_type):
    graph = random_markov(1)
    policy = train(graph, CVaR(0.4), TEN, cut_type)
    policy.save(tmp_path / "cuts.json")
    loaded = load(tmp_path / "cuts.json", graph)
    assert bits(policy)[1] == bits(loaded)[1]
    before, after = (simulate(p, 20, seed=3) for p in (policy, loaded))
    assert np.array_equal(before.stage_costs, after.stage_costs)
    assert np.array_equal(before.states, after.states, equal_nan=True)


def test_training_goes_on_from_a_file(tmp_path):
    graph = random_markov(1)
    first = train(graph, stopping=TEN)
    first.save(tmp_path / "cuts.json")
    on = train(graph, stopping=(Iterations(1),), start=load(tmp_path / "cuts.json", graph))
    assert on.bound >= first.bound - 1e-9


def test_file_of_another_graph_is_refused(tmp_path):
    train(fast_hydro_thermal(), stopping=TEN).save(tmp_path / "cuts.json")
    with pytest.raises(InputError, match="cuts on the states volume, the graph has stocks, bonds"):
        load(tmp_path / "cuts.json", asset_management())


@pytest.mark.parametrize("text", ["no json", json.dumps({"format": 99}), "[]"])
def test_file_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "cuts.json").write_text(text)
    with pytest.raises(InputError, match=r"cuts\.json"):
        load(tmp_path / "cuts.json", fast_hydro_thermal())


def test_cuts_of_another_risk_are_refused():
    graph = fast_hydro_thermal()
    with pytest.raises(InputError, match=r"has multi cuts for Expectation\(\), not multi cuts for CVaR"):
        train(graph, CVaR(0.5), TEN, start=train(graph, stopping=TEN))


@pytest.mark.parametrize("options", [{}, {"forward": Regularised(paths=2)}, {"in_flight": 2}], ids=str)
def test_same_seed_same_bits(options):
    one, two = (train(random_markov(3), stopping=TEN, seed=7, **options) for _ in range(2))
    assert bits(one) == bits(two)


def test_another_seed_goes_other_ways():
    one, two = (train(random_markov(3), stopping=TEN, seed=seed) for seed in (1, 2))
    assert bits(one) != bits(two)


def test_selection_keeps_the_highest_cuts_only():
    # at 0 the second cut is the highest, at 2 the third; the first is highest nowhere any more
    family = CutFamily(1)
    for value, slope, point in ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (3.0, 1.0, 2.0)):
        assert family.add(value, np.array([slope]), np.array([point])) is not None
    assert family.select()
    assert family.cuts.intercepts.tolist() == [1.0, 1.0]
    assert not family.select()


def test_cut_that_lifts_nothing_is_left_out():
    family = CutFamily(1)
    family.add(1.0, np.array([1.0]), np.array([0.0]))
    assert family.add(1.0, np.array([5.0]), np.array([0.0])) is None
    assert len(family) == 1


# -- stopping rules


def test_iterations_and_reason():
    policy = train(fast_hydro_thermal(), stopping=(Iterations(4),))
    assert len(policy.log) == 4
    assert policy.reason == "4 iterations"


def test_stalled_bound_ends_training():
    policy = train(fast_hydro_thermal(), stopping=(BoundStalling(5), Iterations(100)))
    assert len(policy.log) < 10
    assert policy.reason.startswith("bound stalled")


def test_time_limit_ends_training_after_an_iteration():
    assert len(train(fast_hydro_thermal(), stopping=(TimeLimit(0.0),)).log) == 1


def test_simulated_gap_ends_training_near_the_optimum():
    graph = random_linear(1)
    policy = train(graph, stopping=(SimulatedGap(every=5, paths=100), Iterations(200)))
    assert "simulated cost" in policy.reason
    assert policy.bound == pytest.approx(deterministic_equivalent(graph).cost, rel=0.05)


@pytest.mark.parametrize("seed", range(2))
def test_gap_over_all_paths_is_proven(seed):
    graph = random_markov(seed)
    policy = train(graph, stopping=(ExactGap(1e-5), Iterations(200)), sampling=EveryPath())
    optimum, last = deterministic_equivalent(graph).cost, policy.log[-1]
    assert policy.reason.startswith("gap of")
    assert policy.bound <= optimum * (1 + 1e-9)
    assert min(line.simulated_cost for line in policy.log) >= optimum * (1 - 1e-9)
    assert last.simulated_cost == pytest.approx(last.bound, rel=1e-4)


def test_gap_to_a_mean_is_refused_with_risk():
    with pytest.raises(InputError, match="SimulatedGap compares the bound with a mean cost"):
        train(fast_hydro_thermal(), CVaR(0.5), (SimulatedGap(),))


def test_exact_gap_is_refused_over_drawn_paths():
    with pytest.raises(InputError, match="ExactGap needs the cost over all paths"):
        train(fast_hydro_thermal(), stopping=(ExactGap(),))


# -- simulation


def test_simulated_mean_comes_to_the_exact_one():
    policy = train(random_markov(2), stopping=(Iterations(20),))
    exact, drawn = simulate(policy, 0, EveryPath()), simulate(policy, 400, seed=1)
    assert exact.probabilities.sum() == pytest.approx(1.0)
    assert abs(drawn.mean - exact.mean) < 1.5 * drawn.half_width()


def test_every_path_of_a_markov_chain_is_gone_once():
    graph = asset_management()
    paths = EveryPath().paths(graph, 0, np.random.default_rng())
    assert len(paths) == len({path.steps for path in paths}) == 8
    assert [path.probability for path in paths] == [0.125] * 8


def test_too_many_paths_are_refused():
    with pytest.raises(InputError, match="more than 5 paths"):
        EveryPath(most=5).paths(asset_management(), 0, np.random.default_rng())


def test_in_sample_frequencies_are_the_probabilities():
    graph, rng = random_markov(6), np.random.default_rng(0)
    paths = InSample().paths(graph, 4000, rng)
    share = np.mean([path.steps[1].node == graph.index["1/0"] for path in paths])
    p = graph.transitions["0/0", "1/0"]
    assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / 4000)


def test_historical_path_is_gone_as_given():
    # rain 2 after 6: nothing is stored in time, 4 are bought at 5; rain 10: none
    policy = train(fast_hydro_thermal())
    given = Historical([[("1", 0), ("2", 0)], [("1", 0), ("2", 1)]])
    assert simulate(policy, 3, given).costs.tolist() == pytest.approx([20.0, 0.0, 20.0])


@pytest.mark.parametrize(
    ("path", "message"), [([("9", 0)], "no node '9'"), ([("1", 0), ("2", 5)], "node '2' has no outcome 5")]
)
def test_historical_path_that_does_not_exist_is_refused(path, message):
    with pytest.raises(InputError, match=message):
        simulate(train(fast_hydro_thermal()), 1, Historical([path]))


def test_out_of_sample_noise_is_met_with_the_policys_decision():
    # the policy buys 3; a demand of 2 and a half that it never saw earns 5 * 2.5 - 2.5 * 3
    policy = train(newsvendor())

    def draw(node, rng):
        return [Noise(upper=([1], [2.5]))] if node.stage else [Noise()]

    assert simulate(policy, 2, OutOfSample(draw)).costs.tolist() == pytest.approx([-5.0, -5.0])


def test_noise_leaves_no_trace_on_the_next():
    policy = train(newsvendor())
    first, _, again = (simulate(policy, 5, Historical([[("1", 0), ("2", k)] for k in order])).costs
                       for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [0, 1, 2, 3, 4]))  # fmt: skip
    assert first.tolist() == again.tolist() == pytest.approx([2.5, -2.5, -7.5, -7.5, -7.5])


def test_recorders_see_every_stage():
    policy = train(fast_hydro_thermal())
    recorded = simulate(
        policy, 1, Historical([[("1", 0), ("2", 0)]]), {"name": lambda v: v.node.name, "cost": lambda v: v.cost}
    )
    assert recorded.recorded["name"] == [["1", "2"]]
    assert recorded.recorded["cost"][0] == pytest.approx(recorded.stage_costs[0].tolist())


def test_relaxed_decisions_at_the_start_are_the_bound():
    policy = train(fast_hydro_thermal(), stopping=TEN)
    ((decision, proven),) = decisions_at_start(policy, integer=False).values()
    assert proven == decision.objective == pytest.approx(policy.log[-1].bound)


def test_whole_decisions_at_the_start_prove_a_bound_between_relaxation_and_optimum():
    graph = binary_projects()
    policy = train(graph, stopping=TEN)
    ((decision, proven),) = decisions_at_start(policy).values()
    assert policy.bound - 1e-6 <= proven <= deterministic_equivalent(graph).cost + 1e-6
    assert decision.outgoing == pytest.approx(np.round(decision.outgoing))


def test_paths_that_come_the_same_way_are_solved_once():
    graph = fast_hydro_thermal()
    subproblem = Subproblem(specs(graph, "multi", MipLimits())[0])
    asked = Decisions(tuple((0, graph.start.copy()) for _ in range(3)), integer=False, columns=True)
    found = asked.answer(subproblem, ContinuousRelaxation())
    assert (len(found), subproblem.solves) == (3, 1)
