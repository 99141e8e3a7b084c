"""What the loop tells of all its rounds, with the program and the power flow replaced by given answers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience import loop
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

    exact, bound = False, 60.0

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
def run(small, monkeypatch):
    """run(seconds): rounds that lose 110, 100, 105, then 103 kW."""
    setup = small()
    grid, sites = setup.grid, setup.sites.first(2)
    none = np.zeros((1, len(grid.line_names)), dtype=bool)
    storms = Storms(("1",), np.ones(1), np.zeros(1), np.zeros(1, dtype=int), none, none)
    plan = replace(no_plan(grid, sites), delta=np.array([True, True]), beta_kw=np.array([150.0, 50.0]))
    monkeypatch.setattr(loop, "Planner", lambda *_: Plans(plan))
    refused = [replace(ISLAND, storm=-1, sections=(s,), feasible=False) for s in (2, 3, 3, 2)]
    units = np.zeros((1, len(grid.unit_names)), dtype=bool)
    answers = [
        Served(np.array([q]), units, np.zeros(1), (ISLAND,), (one,), 1, 1, 0)
        for q, one in zip((110.0, 100.0, 105.0, 103.0), refused, strict=True)
    ]
    problem = Problem(grid, sites, storms, Budget(200.0), Risk(0.0, 0.5))
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


def test_islands_tell_the_size_that_is_built(run):
    checked = run(60.0)
    plan: Plan = checked.plan
    assert plan.beta_kw.tolist() == [82.0, 0.0]
    assert [one.rated_kw for one in checked.served.islands] == [82.0]
