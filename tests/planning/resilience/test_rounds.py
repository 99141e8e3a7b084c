"""What the loop tells of all its rounds, with the program and the power flow replaced by given answers."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience import islands, loop
from gridstudio.planning.resilience.apart import block_gap
from gridstudio.planning.resilience.contract import (
    Budget,
    Effort,
    Island,
    Plan,
    Problem,
    Risk,
    Served,
    Solution,
    Storms,
    no_plan,
)
from gridstudio.planning.resilience.stage import Lessons

ISLAND = Island(0, "c", (2,), (), 80.0, 80.0, 80.0, 0.0, 81.2, 85.0, 150.0, 0.98, 1.0, 0.5, True)


class Rounds:
    """A second stage that gives one answer after another, and learns each time."""

    def __init__(self, answers):
        self.answers, self.lessons, self.limits, self.solved = iter(answers), Lessons(), None, {}
        self.prover = SimpleNamespace(roots=())

    def look_ahead(self, blocks):
        pass

    def serve(self, plan, storms, name):
        self.lessons.barred.add((0, len(self.lessons.barred)))
        return next(self.answers)


class Plans:
    """A planner that always has the same plan; its bound rises when it is asked to."""

    exact, bound, stopped_by_clock = False, 60.0, False

    def __init__(self, plan):
        self.plan = plan

    def searched(self, lessons):
        return Solution(self.plan, "feasible", 95.0, self.bound, 0.4, 1.0, 1, 1, np.array([95.0]))

    def solved(self, lessons, until):
        return replace(self.searched(lessons), status="optimal")

    def raised_to(self, enough, until, boxes):
        self.bound += 5.0
        return self.bound

    def enough(self, objective):
        return objective


@pytest.fixture
def problem(small):
    """One storm that takes nothing, and sites c and e."""
    setup = small()
    grid, sites = setup.grid, setup.sites.first(2)
    none = np.zeros((1, len(grid.line_names)), dtype=bool)
    storms = Storms(("1",), np.ones(1), np.zeros(1), np.zeros(1, dtype=int), none, none)
    return Problem(grid, sites, storms, Budget(200.0), Risk(0.0, 0.5))


@pytest.fixture
def run(problem, monkeypatch):
    """run(seconds): rounds that lose 110, 100, 105, then 103 kW."""
    grid = problem.grid
    plan = replace(no_plan(grid, problem.sites), delta=np.array([True, True]), beta_kw=np.array([150.0, 50.0]))
    monkeypatch.setattr(loop, "Planner", lambda *_: Plans(plan))
    refused = [replace(ISLAND, storm=-1, sections=(s,), feasible=False) for s in (2, 3, 3, 2)]
    units = np.zeros((1, len(grid.unit_names)), dtype=bool)
    answers = [
        Served(np.array([q]), units, np.zeros(1), (ISLAND,), (one,), 1, 1, 0)
        for q, one in zip((110.0, 100.0, 105.0, 103.0), refused, strict=True)
    ]
    phases = Phases(grid.feeder, grid.limits, Workers(1))
    return lambda seconds: loop.checked_plan(problem, Effort(gap=0.01, seconds=seconds), phases, Rounds(answers))


def test_refused_islands_are_those_of_all_rounds_once_each(run):
    checked = run(60.0)
    assert [one.sections for one in checked.served.refused] == [(2,), (3,)]
    assert checked.cut == 2


def test_rounds_end_when_one_gains_nothing_then_the_program_is_solved_as_a_whole(run):
    checked = run(60.0)
    assert [one.status for one in checked.rounds] == ["feasible", "feasible", "feasible", "optimal"]
    assert checked.solution.objective == 100.0


def test_without_time_two_rounds_are_finished(run):
    """What the first one learns betters most plans; neither is the program as a whole."""
    checked = run(0.0)
    assert [one.status for one in checked.rounds] == ["feasible", "feasible"]
    assert checked.solution.objective == 100.0


def test_the_gap_is_against_the_bound_of_the_first_program_as_far_as_it_was_raised(run):
    """60 kW, and 5 more after each of three rounds and at the end."""
    checked = run(60.0)
    assert checked.solution.bound == 80.0
    assert checked.solution.gap == pytest.approx(0.2)
    assert checked.solution.status == "feasible"


def test_the_solution_is_the_end_state_of_all_rounds(run):
    """Of four programs of a second each the last knew a bound of 60 kW and took its plan's loss for 95."""
    checked = run(60.0)
    last, told = checked.rounds[-1], checked.solution
    assert (last.objective, last.bound, last.seconds) == (95.0, 80.0, 1.0)
    assert (told.objective, told.bound, told.q.tolist()) == (100.0, 80.0, [100.0])
    assert told.seconds == pytest.approx(4.0, abs=0.5)  # and hardly any time for the bound


def test_sources_keep_their_size_and_those_without_an_island_are_not_built(run, problem):
    """An island needs 81.2 kW of 150 at c: other storms may need more. At e there is none."""
    checked = run(60.0)
    plan: Plan = checked.plan
    assert plan.delta.tolist() == [True, False]
    assert plan.beta_kw.tolist() == [150.0, 0.0]
    assert [one.rated_kw for one in checked.served.islands] == [150.0]
    assert loop.used_kw(problem, checked.served).tolist() == [81.2, 0.0]


# ---- what the clock decides: every check of a plan takes ten seconds ----------------------------------


@pytest.mark.parametrize(
    ("seconds", "rounds", "stopped"),
    [
        (35.0, 4, False),  # the third gains nothing, and the program as a whole still begins
        (25.0, 3, True),  # the third gains nothing; no time for the program as a whole
        (15.0, 2, True),  # the second is finished
        (0.0, 2, True),
    ],
)
def test_a_deadline_is_told_where_it_ended_something(run, monkeypatch, seconds, rounds, stopped):
    now, serve = [100.0], Rounds.serve

    def slowly(self, *given):
        now[0] += 10.0
        return serve(self, *given)

    monkeypatch.setattr(Rounds, "serve", slowly)
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    checked = run(seconds)
    assert (len(checked.rounds), checked.solution.stopped_by_clock) == (rounds, stopped)


def test_a_deadline_that_comes_once_the_gap_is_closed_ended_nothing(run, monkeypatch):
    monkeypatch.setattr(Plans, "bound", 109.0)
    checked = run(0.0)
    assert (len(checked.rounds), checked.solution.stopped_by_clock) == (1, False)


# ---- with a second stage of power flows --------------------------------------------------------------


def test_a_line_is_not_hardened_where_no_scenario_needs_it(small, monkeypatch):
    """A storm takes line feed_c, another one nothing; feed_d is cheaper to harden, and no storm takes it."""
    setup = small(lines={"harden": ["all"], "harden_usd_per_m": 1.0})
    grid, sites = setup.grid, setup.sites.first(2)
    names = np.array(grid.line_names)
    failed = np.array([names == "feed_c", names == ""])
    storms = Storms(("1", "2"), np.full(2, 0.5), np.zeros(2), np.zeros(2, dtype=int), failed, np.zeros_like(failed))
    plan = replace(no_plan(grid, sites), hardened=(names == "feed_c") | (names == "feed_d"))
    monkeypatch.setattr(loop, "Planner", lambda *_: Plans(plan))
    problem = Problem(grid, sites, storms, Budget(200.0, 2000.0), Risk(0.0, 0.5))
    phases = Phases(grid.feeder, grid.limits, Workers(1))
    checked = loop.checked_plan(problem, Effort(gap=0.01, seconds=60.0), phases)
    assert names[checked.plan.hardened].tolist() == ["feed_c"]
    assert checked.served.q.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_islands_after_the_check_are_solved_to_the_gap_of_small_programs(problem, monkeypatch, gap):
    grid, asked = problem.grid, set()
    storms = replace(problem.storms, failed=np.array([[name == "feed_b" for name in grid.line_names]]))
    plan = replace(no_plan(grid, problem.sites), delta=np.array([True, False]), beta_kw=np.array([120.0, 0.0]))
    monkeypatch.setattr(loop, "Planner", lambda *_: Plans(plan))
    solve = islands.solved_apart
    monkeypatch.setattr(islands, "solved_apart", lambda m, known, gap: asked.add(gap) or solve(m, known, gap=gap))
    phases = Phases(grid.feeder, grid.limits, Workers(1))
    loop.checked_plan(replace(problem, storms=storms), Effort(gap=gap, seconds=60.0), phases)
    assert asked == {block_gap(gap)}


def test_a_plan_served_again_is_told_by_what_it_loses_then(run, problem):
    checked = run(60.0)
    again = replace(checked.served, q=np.array([160.0]))
    stage = SimpleNamespace(serve=lambda *_: again)
    found = loop.served_again(problem, checked, stage, 0.6)
    assert (found.solution.objective, found.solution.bound, found.solution.gap) == (160.0, 80.0, 0.5)
    assert found.solution.status == "optimal"
    assert found.served.refused == checked.served.refused
