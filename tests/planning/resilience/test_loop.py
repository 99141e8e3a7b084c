"""The loop of program and power flow: what comes out holds in OpenDSS, and tells what it does not know."""

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.contract import Budget, Effort, Problem, Risk, Storms
from gridstudio.planning.resilience.islands import second_stage
from gridstudio.planning.resilience.loop import checked_plan, objective, used_kw
from gridstudio.planning.resilience.program import solve_program

pytestmark = pytest.mark.long  # minutes of power flows and programs

LOSSY = "r1=3 x1=3 r0=6 x0=6 c1=0 c0=0 normamps=1000"
WEAK = "r1=12 x1=12 r0=24 x0=24 c1=0 c0=0 normamps=1000"
EXACT = Effort(gap=0.0, seconds=60.0, check_rounds=6)


def drawn(setup, count=6, seed=3):
    failed = np.random.default_rng(seed).random((count, len(setup.grid.line_names))) < 0.35
    none = np.zeros(count)
    return Storms(tuple(map(str, range(count))), np.full(count, 1 / count), none, none.astype(int), failed, failed)


def problem_of(setup, kw=200.0):
    return Problem(setup.grid, setup.sites.first(2), drawn(setup), Budget(kw), Risk(0.5, 0.7))


def phases_of(setup, workers=1):
    return Phases(setup.grid.feeder, setup.grid.limits, Workers(workers))


def test_objective_by_hand():
    """Losses 0, 100, 200, 400, equally likely: E = 175, the worst half has a mean of 300, half of each is 237.5."""

    class Given:
        risk = Risk(0.5, 0.5)
        storms = type("Storms", (), {"probability": np.full(4, 0.25)})

    assert objective(Given, np.array([0.0, 100.0, 200.0, 400.0])) == pytest.approx(237.5)


@pytest.mark.parametrize("line", [LOSSY, WEAK], ids=["losses", "low voltage"])
def test_what_opendss_refuses_is_cut_off(small, line):
    setup = small(line=line)
    problem = problem_of(setup)
    found = checked_plan(problem, EXACT, phases_of(setup))
    linear = solve_program(problem, EXACT)
    assert found.cut > 0
    assert found.solution.objective >= linear.objective - 1e-6
    assert found.solution.objective == pytest.approx(objective(problem, found.served.q))
    assert found.solution.bound <= found.solution.objective
    limits = setup.grid.limits
    for island in found.served.islands:
        assert island.feasible
        assert island.v_min_pu >= limits.v_min_pu
        assert island.v_max_pu <= limits.v_max_pu
        assert island.loading_max_pu <= limits.loading_max_pu
        assert island.source_kw <= island.rated_kw + 1e-6
    assert all(not island.feasible for island in found.served.refused)


def test_without_losses_the_first_plan_holds(small):
    setup = small()
    found = checked_plan(problem_of(setup, kw=201.0), Effort(gap=0.01, seconds=60.0), phases_of(setup))
    assert len(found.rounds) == 1
    assert found.solution.gap <= 0.01


def test_the_plan_that_is_told_loses_what_is_told(small):
    """On a second stage that knows nothing; its sources carry what their islands need, within the budget."""
    setup = small()
    problem = problem_of(setup, kw=400.0)
    found = checked_plan(problem, EXACT, phases_of(setup))
    again = second_stage(setup.grid, problem.sites, found.plan, problem.storms, phases_of(setup))
    assert objective(problem, again.q) == pytest.approx(found.solution.objective)
    assert found.plan.beta_kw.sum() <= 400.0 + 1e-6
    used = used_kw(problem, found.served)
    assert ((used > 0) == found.plan.delta).all()
    assert (used <= found.plan.beta_kw + 1e-6).all()


def test_workers_do_not_matter(small):
    setup = small(line=LOSSY)
    a, b = (checked_plan(problem_of(setup), EXACT, phases_of(setup, workers)) for workers in (1, 2))
    assert np.array_equal(a.plan.beta_kw, b.plan.beta_kw)
    assert np.array_equal(a.served.q, b.served.q)
    assert a.served.islands == b.served.islands
