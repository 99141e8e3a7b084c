"""Bad input and problems without an answer: one clear sentence each."""

import re
import sys
from pathlib import Path

import highspy
import numpy as np
import pytest

from gridstudio.errors import InputError, SolverError
from gridstudio.solve.risk import CVaR
from gridstudio.solve.sddp import (
    Default,
    Iterations,
    Lagrangian,
    Node,
    Noise,
    Part,
    PolicyGraph,
    Regularised,
    StageProblem,
    State,
    deterministic_equivalent,
    linear,
    markovian,
    train,
)

sys.path.insert(0, str(Path(__file__).parent))
from multistage import asset_management, fast_hydro_thermal, random_linear

INF = np.inf
ONE = (Iterations(1),)


def tank(noises=(Noise(),), upper=INF, states=(State("level", 0, 1),), **more):
    """level after + use = level before, use at least 1; columns: before, after, use."""
    names = {"row_groups": ["balance", "supply"], "row_names": ["tank", "use"]}
    return StageProblem(
        [0, 0, 1.0],
        [0] * 3,
        [9, 9, upper],
        [[-1, 1, 1], [0, 0, 1]],
        [0, 1],
        [0, INF],
        states,
        noises=noises,
        **names,
        **more,
    )


def without_recourse():
    """Two stages that use 1 each of the 1.5 there are: the second comes short of 0.5, of 1.5 in a bad year."""
    bad = (Noise(0.5, name="good"), Noise(0.5, row_lower=([1], [2.0]), name="bad"))
    return linear([tank(), tank(bad)], {"level": 1.5}, lower_bound=0.0)


def test_subproblem_without_solution_names_node_noise_state_and_group():
    sentence = "Node '2', noise 0 (good): no solution at the incoming state (level = 0.5): group 'supply', row 'use'"
    with pytest.raises(SolverError, match=re.escape(sentence)) as caught:
        train(without_recourse(), stopping=ONE)
    assert "would have to give way by 0.5" in str(caught.value)


def test_part_without_solution_names_the_part():
    part = Part("day 7", tank(states=(State("level", 0),)), 1.0)
    idle = StageProblem([0], [0], [9], np.zeros((0, 1)), [], [], (State("level", 0),))
    graph = PolicyGraph((Node("2030", 0, idle, (part,)),), {}, {"2030": 1.0}, {"level": 0.5})
    with pytest.raises(SolverError, match=r"Node '2030', part 'day 7', noise 0: .*\(level = 0\.5\): group"):
        train(graph, stopping=ONE)


def test_contradicting_bounds_of_an_integer_are_told():
    whole = tank(upper=1.0, integer=[False, False, True])
    narrow = Noise(1.0, lower=([2], [0.4]), upper=([2], [0.6]), row_lower=([1], [0.0]))
    graph = linear([StageProblem(whole.cost, whole.lower, whole.upper, whole.matrix, whole.row_lower, whole.row_upper,
                                 whole.states, whole.integer, (narrow,))], {"level": 5.0})  # fmt: skip
    with pytest.raises(SolverError, match="bounds of its columns contradict"):
        train(graph, stopping=ONE, forward=Default(integer=True))


def test_cost_that_falls_without_limit_is_told():
    problem = StageProblem([0, 0, -1.0], [0] * 3, [INF] * 3, [[1, -1, 0]], [0], [0], (State("x", 0, 1),))
    with pytest.raises(SolverError, match="Node '1': the cost falls without limit"):
        train(linear([problem], {"x": 1.0}), stopping=ONE)


def test_cost_to_go_without_a_bound_asks_for_it():
    with pytest.raises(InputError, match="cost to go of node '1' has no lower bound; give lower_bound"):
        linear([tank(), tank()], {"level": 5.0})


def test_bound_of_the_cost_to_go_that_is_none_is_noticed():
    graph = fast_hydro_thermal()  # the second stage costs 10 in the mean
    wrong = PolicyGraph(graph.nodes, graph.transitions, graph.root, graph.initial_state, lower_bound=15.0)
    with pytest.raises(InputError, match="node '1' comes to 10, below the lower bound 15 given for it"):
        train(wrong, stopping=(Iterations(5),))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.5, 0.4], r"the transition probabilities from node 'a' add to 0\.9; they must add to 1"),
        ([1.2, -0.2], r"a transition probability from node 'a' is -0\.2; none may be negative"),
    ],
)
def test_transition_row_is_one_of_probabilities(row, message):
    stages = [[Node("a", 0, tank())], [Node("b", 1, tank()), Node("c", 1, tank())]]
    with pytest.raises(InputError, match=message):
        markovian(stages, [[1.0], [row]], {"level": 9.0}, 0.0)


def test_start_probabilities_must_add_to_one():
    with pytest.raises(InputError, match=r"probabilities of the start add to 0\.9; they must add to 1"):
        markovian([[Node("a", 0, tank())]], [[0.9]], {"level": 9.0}, 0.0)


def test_transition_matrix_of_the_wrong_shape():
    with pytest.raises(InputError, match=r"matrix into stage 1 is \(1, 2\), not \(1, 1\)"):
        markovian([[Node("a", 0, tank())], [Node("b", 1, tank())]], [[1.0], [[0.5, 0.5]]], {"level": 9.0}, 0.0)


def test_all_findings_of_a_graph_are_told_together():
    a, b = Node("a", 0, tank()), Node("b", 1, tank())
    with pytest.raises(InputError, match=r"(?s)2 findings.*which is no node.*'level' = nan"):
        PolicyGraph((a, b), {("a", "b"): 0.5, ("a", "z"): 0.5}, {"a": 1.0}, {"level": float("nan")}, 0.0)


@pytest.mark.parametrize(
    ("arcs", "root", "message"),
    [
        ({("a", "a"): 1.0}, {"a": 1.0}, "'a' (stage 0) to 'a' (stage 0) does not lead one stage on"),
        ({("a", "b"): 1.0}, {"b": 1.0}, "the start node 'b' is of stage 1, not 0"),
    ],
)
def test_arcs_lead_one_stage_on(arcs, root, message):
    nodes = (Node("a", 0, tank()), Node("b", 1, tank()))
    with pytest.raises(InputError, match=re.escape(message)):
        PolicyGraph(nodes, arcs, root, {"level": 1.0}, 0.0)


def test_state_that_is_not_handed_on():
    with pytest.raises(InputError, match="node '1' has children but hands on no state 'other'"):
        linear([tank(), tank()], {"level": 1.0, "other": 0.0}, 0.0)


def test_state_without_initial_value():
    with pytest.raises(InputError, match="the state 'level' has no initial value; known: volume"):
        linear([tank()], {"volume": 1.0}, 0.0)


def test_part_hands_nothing_on():
    with pytest.raises(InputError, match="part 'day' hands on the state 'level'; only the node's own problem may"):
        Node("a", 0, tank(), (Part("day", tank()),))


def test_noises_of_problem_and_parts_happen_together():
    two, other = (Noise(0.5), Noise(0.5)), (Noise(0.4), Noise(0.6))
    with pytest.raises(InputError, match="happen together, but differ in number or probability"):
        Node("a", 0, tank(two), (Part("day", tank(other, states=(State("level", 0),))),))


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_weight_of_a_part(weight):
    with pytest.raises(InputError, match=r"weight .* of part 'day' must be a finite number, not below zero"):
        Node("a", 0, tank(), (Part("day", tank(states=(State("level", 0),)), weight),))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cost": [1.0]}, r"cost has shape \(1,\), but the matrix 1 rows and 2 columns"),
        ({"cost": [float("nan"), 0.0]}, "a cost is not a finite number"),
        ({"lower": [3.0, 0.0]}, r"lower\[0\] = 3 and upper\[0\] = 2 leave nothing between them"),
        ({"row_lower": [5.0]}, r"row_lower\[0\] = 5 and row_upper\[0\] = 4"),
        ({"row_groups": ["a", "b"]}, "2 row_groups are given, 1 are needed"),
        ({"states": (State("x", 7),)}, "incoming column 7 of state 'x' is not among the 2 columns"),
        ({"states": (State("x", 0), State("x", 1))}, "the state 'x' is given twice"),
        ({"states": (State("x", 0), State("y", 0))}, "two states share one incoming column"),
        ({"noises": (Noise(0.5), Noise(0.4))}, r"of the noises add to 0\.9; they must add to 1"),
        ({"noises": (Noise(1.5), Noise(-0.5))}, r"the probability of noise 1 is -0\.5; it must not be negative"),
        ({"noises": ()}, "of the noises add to 0; they must add to 1"),
        ({"noises": (Noise(rhs=([4], [1.0])),)}, "noise 0: rhs names an index outside 0 to 0"),
        ({"noises": (Noise(rhs=([0], [1.0, 2.0])),)}, r"rhs has \(1,\) indices and \(2,\) values"),
        ({"noises": (Noise(cost=([0], [INF])),)}, "a value of cost is not a number that can be used"),
        (
            {"states": (State("x", 0),), "noises": (Noise(upper=([0], [1.0])),)},
            "changes the incoming column of a state",
        ),
    ],
)
def test_stage_problem_that_does_not_fit(changes, message):
    given = {"cost": [1.0, 1.0], "lower": [0.0, 0.0], "upper": [2.0, 2.0], "matrix": [[1.0, 1.0]],
             "row_lower": [1.0], "row_upper": [4.0]}  # fmt: skip
    with pytest.raises(InputError, match=message):
        StageProblem(**(given | changes))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stopping": ()}, "Training needs a stopping rule"),
        ({"in_flight": 0}, "in_flight = 0 never begins"),
        ({"cut_type": "double"}, "no cut type 'double': single, outcome, multi"),
        ({"risk": {"9": CVaR(0.5)}}, "there is no node '9'"),
    ],
)
def test_options_of_training(options, message):
    with pytest.raises(InputError, match=message):
        train(fast_hydro_thermal(), **options)


def test_share_of_the_regularised_pass():
    with pytest.raises(InputError, match="old_share = 1 must lie in"):
        Regularised(1)


def test_lagrangian_cuts_need_the_range_of_the_states():
    graph = asset_management()
    problem = graph.nodes[0].problem
    whole = StageProblem(problem.cost, problem.lower, problem.upper, problem.matrix, [55], [55], problem.states,
                         np.array([False, False, True, True]))  # fmt: skip
    nodes = (Node("1", 0, whole), *graph.nodes[1:])
    graph = PolicyGraph(nodes, graph.transitions, graph.root, graph.initial_state, graph.lower_bound)
    with pytest.raises(InputError, match="incoming column of state 'stocks' needs finite bounds"):
        train(graph, duality=Lagrangian(), stopping=ONE)


def test_extensive_form_that_is_too_large():
    with pytest.raises(InputError, match="more than 10 columns: the graph is too large"):
        deterministic_equivalent(asset_management(), most_columns=10)


def test_extensive_form_without_solution():
    with pytest.raises(SolverError, match="status 'Infeasible'"):
        deterministic_equivalent(without_recourse())


def test_extensive_form_that_finds_nothing_in_time():
    with pytest.raises(SolverError, match=r"Deterministic equivalent: no solution in 1e-09 s\."):
        deterministic_equivalent(random_linear(1, stages=5), time_limit_s=1e-9)


def test_extensive_form_that_ends_at_a_point_proves_no_bound(monkeypatch):
    """A linear program at a feasible point when time is up: its cost is no bound of the optimum."""
    graph = fast_hydro_thermal()
    assert deterministic_equivalent(graph).bound == pytest.approx(10.0)
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda highs: highspy.HighsModelStatus.kTimeLimit)
    found = deterministic_equivalent(graph)
    assert found.bound == -INF
    assert found.cost == pytest.approx(10.0)


class Unknown:
    def weights(self, costs, probabilities):
        return probabilities


def test_extensive_form_of_an_unknown_measure():
    with pytest.raises(InputError, match="knows no linear program of the risk measure"):
        deterministic_equivalent(fast_hydro_thermal(), Unknown())
