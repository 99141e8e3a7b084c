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
        self.answers, self.lessons, self.limits = iter(answers), Lessons(), None
        self.prover = SimpleNamespace(roots=())

    def look_ahead(self, blocks):
        pass

    def serve(self, plan, storms, name):
        self.lessons.barred.add((0, len(self.lessons.barred)))
        return next(self.answers)


@pytest.fixture
def checked(small, monkeypatch):
    setup = small()
    grid, sites = setup.grid, setup.sites.first(2)
    none = np.zeros((1, len(grid.line_names)), dtype=bool)
    storms = Storms(("1",), np.ones(1), np.zeros(1), np.zeros(1, dtype=int), none, none)
    plan = replace(no_plan(grid, sites), delta=np.array([True, True]), beta_kw=np.array([150.0, 50.0]))
    bounds = iter([90.0, 60.0, 95.0])
    monkeypatch.setattr(
        loop,
        "solve_program",
        lambda *_: Solution(plan, "optimal", 95.0, next(bounds), 0.0, 1.0, 1, 1, np.array([95.0])),
    )
    refused = [replace(ISLAND, storm=-1, sections=(s,), feasible=False) for s in (2, 3, 3)]
    units = np.zeros((1, len(grid.unit_names)), dtype=bool)
    answers = [
        Served(np.array([q]), units, np.zeros(1), (ISLAND,), (one,), 1, 1, 0)
        for q, one in zip((110.0, 100.0, 105.0), refused, strict=True)
    ]
    problem = Problem(grid, sites, storms, Budget(200.0), Risk(0.0, 0.5))
    phases = Phases(grid.feeder, grid.limits, Workers(1))
    return loop.checked_plan(problem, Effort(gap=0.0), phases, Rounds(answers))


def test_refused_islands_are_those_of_all_rounds_once_each(checked):
    assert len(checked.rounds) == 3
    assert [one.sections for one in checked.served.refused] == [(2,), (3,)]
    assert checked.cut == 2


def test_the_gap_is_against_the_least_bound_of_all_rounds(checked):
    assert checked.solution.objective == 100.0
    assert checked.solution.bound == 60.0
    assert checked.solution.gap == pytest.approx(0.4)


def test_islands_tell_the_size_that_is_built(checked):
    plan: Plan = checked.plan
    assert plan.beta_kw.tolist() == [82.0, 0.0]
    assert [one.rated_kw for one in checked.served.islands] == [82.0]
