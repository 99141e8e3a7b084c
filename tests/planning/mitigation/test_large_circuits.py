"""Large circuits: effects predicted, candidates taken in groups; the power flows decide all the same.

The circuits are small, and counted as large by a lowered threshold: what is looked at is the way they are treated.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from mitigation_studies import MODELS, settings

from gridstudio.domain.changes import AddCapacitor, MovePhase
from gridstudio.evaluation import Workers, evaluate_many
from gridstudio.planning.mitigation import capacitors, cleanup, effort, groups, predict, proposals, run
from gridstudio.planning.mitigation.job import solved
from gridstudio.planning.mitigation.loop import cure
from gridstudio.planning.mitigation.places import Move
from gridstudio.planning.mitigation.proposals import against_heat
from gridstudio.planning.mitigation.search import Trial, start
from gridstudio.planning.mitigation.setup import based, prepare
from gridstudio.planning.phases import Phases

TABLES = ("steps", "plan", "violations_before", "violations_after", "remaining", "loadings", "voltages")
IEEE123 = MODELS / "ieee123" / "master.dss"


@pytest.fixture
def all_large(monkeypatch):
    """Every circuit counts as large."""
    monkeypatch.setattr(effort, "FEW", np.inf)
    monkeypatch.setattr(proposals, "FEW", np.inf)


def grown(scale=1.3, **sections):
    hours = [{"name": "peak"}, {"name": "night", "load_scale": 0.35}]
    return settings(IEEE123, growth={"scale": scale}, **{"hours": hours, **sections})


def searched(asked):
    """The prepared search of a study, and its stop-watch."""
    setup = prepare(asked, MODELS)
    phases = Phases(setup.problem.feeder, setup.problem.limits, Workers())
    setup, before = based(setup, phases)
    return start(setup.problem, phases.evaluate, asked.search.steps, before), phases


@pytest.fixture
def hot(all_large):
    """The search of IEEE 123 at 1.3 times its load, before its first step."""
    return searched(grown())[0]


# -- the whole ------------------------------------------------------------------------------------------------------


def test_it_ends_clean_and_an_evaluation_of_its_own_agrees(all_large):
    """Second method: the final plan by ``evaluate_many``, outside of the search."""
    search, phases = searched(grown())
    after, _ = solved(search, grown(), phases)
    assert search.base.excess.violations > 0
    problem = search.problem
    done = evaluate_many(problem.feeder, [(after.plan.changes(), s) for s in problem.scenarios], problem.limits)
    assert all(evaluation.feasible for evaluation in done)
    assert any(len(step.options) > 1 for step in search.steps if not step.refused)


def test_bits_do_not_depend_on_workers_or_repetition(all_large):
    one, again, two = (run(grown(), MODELS, workers) for workers in (Workers(), Workers(), Workers(2, "threads")))
    for name in TABLES:
        pd.testing.assert_frame_equal(one.tables[name], again.tables[name], check_exact=True)
        pd.testing.assert_frame_equal(one.tables[name], two.tables[name], check_exact=True)


def test_no_recorded_step_breaks_or_worsens_anything(all_large, monkeypatch):
    """Every plan that a step took is evaluated anew and compared, cell by cell, with the one before and the first."""
    search, phases = searched(grown(1.6))
    taken = []
    record = search.record

    def noted(phase, action, old, new, *rest):
        record(phase, action, old, new, *rest)
        if not search.steps[-1].refused:
            taken.append((old.plan, new.plan))

    monkeypatch.setattr(search, "record", noted)
    after, _ = solved(search, grown(1.6), phases)
    assert after.plan == taken[-1][1]
    assert len(taken) >= 2
    for old, new in taken:
        was, now = search.states("test", [old, new])
        assert now.excess.worse_than(was.excess) == ""
        assert now.excess.worse_than(search.base.excess) == ""


def test_no_measure_is_left_without_which_the_plan_is_as_clean(all_large):
    search, phases = searched(grown(1.6))
    after, _ = solved(search, grown(1.6), phases)
    assert len(after.plan.options) > 3
    for option in after.plan.options:
        without = search.states("test", [after.plan.without([option.slot])])[0]
        assert without.excess.breaks_beyond(after.excess), option.what


def test_what_only_eases_a_violation_is_not_bought(all_large):
    """Capacitors alone: of those that ease lines at 150 % of their rating only those stay that clear a violation."""
    asked = grown(menu={"allowed": ["capacitor"]}, hours=[{"name": "peak"}])
    search, _ = searched(asked)
    cured = cleanup.clean(search, cure(search, search.base))
    idle = cleanup.without_idle(search, cured)
    assert 0 < idle.excess.violations <= cured.excess.violations
    assert idle.plan.cost_usd < cured.plan.cost_usd
    for option in cured.plan.options:
        alone = search.states("test", [cured.plan.without([option.slot])])[0]
        assert alone.excess.score > cured.excess.score, "each eases something"


# -- predictions ----------------------------------------------------------------------------------------------------


def heat_moves(search, kind):
    """Moves against heat of one kind of change, with what is predicted of each."""
    screen = search.screen(search.base)
    moves = [move for move in against_heat(search.problem, search.base) if isinstance(move.options[0].changes[0], kind)]
    return screen, [(move, predict.predicted(search.problem, search.base, move, screen)) for move in moves]


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [(MovePhase, 0.02), (AddCapacitor, 0.04)],
)
def test_predicted_loadings_are_those_of_power_flows(hot, kind, tolerance):
    """Second method: the power flow of each. Excess over limits [share of the limit]; effects are beyond twice it."""
    screen, known = heat_moves(hot, kind)
    known = [(move, of) for move, of in known if of is not None][:25]
    assert len(known) >= 4
    real = hot.states("test", [hot.base.plan.having(move.options) for move, _ in known])
    base = hot.base.excess[screen].over
    errors = [np.abs(of.over - state.excess[screen].over).max() for (_, of), state in zip(known, real, strict=True)]
    assert max(errors) < tolerance
    assert max(np.abs(base - state.excess[screen].over).max() for state in real) > 2 * tolerance


def test_a_larger_line_is_predicted_by_its_rating(hot):
    """The rating in the place of the old one, the current as it is: within 1 % of the power flow."""
    screen = hot.screen(hot.base)
    moves = [move for move in against_heat(hot.problem, hot.base) if predict.new_ratings(hot.problem, move.options)]
    assert len(moves) >= 5
    for move in moves:
        row, _ = predict.new_ratings(hot.problem, move.options)[0]
        state = hot.states("test", [hot.base.plan.having(move.options)])[0]
        found = predict.predicted(hot.problem, hot.base, move, screen).over[..., row]
        assert found == pytest.approx(state.excess[screen].over[..., row], abs=0.01)


def test_what_is_not_against_heat_is_not_predicted(hot):
    move = against_heat(hot.problem, hot.base)[0]
    cold = dataclasses.replace(move, against="low")
    assert predict.predicted(hot.problem, hot.base, cold, hot.screen(hot.base)) is None


# -- groups ---------------------------------------------------------------------------------------------------------


def trial(search, option, besides=()):
    """A trial that promises to take all heat off the branches, besides some, and to make nothing worse."""
    plan = search.base.plan.having([option])
    of = search.base.excess[search.screen(search.base)]
    over = np.zeros_like(of.over)
    over[..., list(besides)] = of.over[..., list(besides)]
    less = dataclasses.replace(of, over=over, count=of.count * 0)
    return Trial(Move((option,), "a promise", "thermal"), plan, less.score, "", less, of.score - less.score)


@pytest.fixture
def promises(hot):
    """Trials of four lines that relieve, and a load whose move takes little off anything."""
    moves = against_heat(hot.problem, hot.base)
    lines = {m.options[0].slot: m for m in moves if m.options[0].measure == "reconductor"}
    good = hot.try_all("test", hot.base, list(lines.values())[:4], predict=True)
    assert len(good) == 4
    idle = next(m for m in moves if m.options[0].measure == "move_phase").options[0]
    return good, idle


def test_a_group_that_holds_is_one_step(hot, promises):
    good, _ = promises
    state = groups.grouped(hot, hot.base, good, "test")
    assert [len(step.options) for step in hot.steps] == [4]
    assert hot.base.excess.score - state.excess.score == pytest.approx(sum(t.gain for t in good), rel=0.05)


def test_a_member_that_makes_something_worse_does_not_come_in(hot, promises):
    """A capacitor that lifts voltages out of the band, said to cure what the lines leave; they are taken without it."""
    good, _ = promises
    lines = [row for t in good for row, _ in predict.new_ratings(hot.problem, t.move.options)]
    bad = trial(hot, overvoltage(hot), besides=lines)
    state = groups.grouped(hot, hot.base, [*good, bad], "test")
    refused = [step for step in hot.steps if step.refused]
    assert refused
    assert "overvoltage" in refused[0].refused
    assert len(refused[0].options) == 5
    assert {t.plan.options[0] for t in good} <= set(state.plan.options)
    assert bad.move.options[0] not in state.plan.options
    assert not state.excess.worse_than(hot.base.excess)


def overvoltage(search):
    """A new capacitor far too large: ten times the feeder's reactive load."""
    option = capacitors.new_capacitors(search.problem, "66", (1, 2, 3))[-1]
    return dataclasses.replace(option, changes=(AddCapacitor("66", 20_000.0),))


def test_what_keeps_no_promise_is_refused_and_not_predicted_again(hot, promises):
    _, idle = promises
    assert groups.grouped(hot, hot.base, [trial(hot, idle)], "test") is None
    assert [step.refused for step in hot.steps] == ["removes too little"]
    assert idle in hot.refused
    again = hot.try_all("test", hot.base, [Move((idle,), "again", "thermal")], predict=True)
    assert again == []
    solved_now = hot.try_all("test", hot.base, [Move((idle,), "again", "thermal")])
    assert len(solved_now) == 1


def test_a_large_circuit_is_one_on_which_few_candidates_can_be_tried():
    """3 339 nodes in one scenario of one hour are large, 278 are not: 150 000 nodes per round by ``effort``."""
    search, _ = searched(grown(hours=[{"name": "peak"}]))
    assert not effort.large(search.problem, search.base.plan)
    assert effort.effort(search.problem, search.base.plan) == pytest.approx(150_000 / 278)
