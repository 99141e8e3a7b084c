"""The search for lines to harden, and that allowing it never makes a plan worse."""

from dataclasses import replace

import numpy as np
import pytest

from gridstudio.planning.resilience.blocks import planned_blocks, roots_of
from gridstudio.planning.resilience.contract import Budget, Effort, Problem, Risk, Storms, no_plan
from gridstudio.planning.resilience.hardening import Hardening, good_lines
from gridstudio.planning.resilience.limits import LinearLimits
from gridstudio.planning.resilience.program import measure, solve_program
from gridstudio.planning.resilience.regions import Regions
from gridstudio.planning.resilience.siting import Siting
from gridstudio.planning.resilience.stage import Lessons, stage_of

HARDEN = {"lines": {"harden": ["all"], "harden_usd_per_m": 1.0}}  # each line of the small feeder is 1 km


def problem_of(setup, failed, usd, kw=200.0):
    """Storms whose lines all hold once they are hardened; ``failed``: lines by storm."""
    names = setup.grid.line_names
    out = np.array([[name in lines for name in names] for lines in failed])
    count = len(failed)
    storms = Storms(
        names=tuple(map(str, range(count))),
        probability=np.full(count, 1 / count),
        wind_m_s=np.full(count, 30.0),
        stratum=np.zeros(count, dtype=int),
        failed=out,
        failed_hardened=np.zeros_like(out),
    )
    return Problem(setup.grid, setup.sites.first(2), storms, Budget(kw, usd), Risk(0.5, 0.7))


def searches(problem):
    """Siting with nothing hardened, and the search for lines."""
    grid, sites, storms = problem.grid, problem.sites, problem.storms
    roots = roots_of(grid, sites)
    blocks, of_storm = planned_blocks(grid, storms, roots)
    regions = Regions(stage_of(grid, sites, roots, blocks, LinearLimits(grid, sites, roots), Lessons()))
    rest = of_storm, storms.probability, measure(problem.risk)
    return Siting(regions.under(no_plan(grid, sites)), *rest), Hardening(regions, *rest)


FAILED = [("feed_a",), ("feed_b",), ("feed_a", "feed_d"), ()]


def test_nothing_hardened_is_the_same_in_both_tables(small):
    problem = problem_of(small(**HARDEN), FAILED, 0.0)
    siting, hardening = searches(problem)
    none = np.zeros(len(problem.grid.line_names), dtype=bool)
    for steps in ([0, 0], [30, 0], [60, 60]):
        assert hardening.lost(none, np.array(steps)) == pytest.approx(siting.lost(np.array([steps]))[0])
    assert hardening.lost(~none, np.array([0, 0])) == pytest.approx(0.0)


@pytest.mark.parametrize(("usd", "lines"), [(0.0, set()), (1000.0, {"feed_a"}), (2000.0, {"feed_a", "feed_b"})])
def test_lines_are_hardened_where_they_save_most_within_the_budget(small, usd, lines):
    """Without sources feed_a puts all in the dark in two storms of four, feed_b all but section a in one."""
    problem = problem_of(small(**HARDEN), FAILED, usd)
    hardened = good_lines(searches(problem)[1], np.array([0, 0]), usd, float("inf"))
    assert {name for name, on in zip(problem.grid.line_names, hardened, strict=True) if on} == lines


def test_lines_that_only_save_together_are_hardened_together(small):
    problem = problem_of(small(**HARDEN), [("feed_a", "feed_b", "feed_c", "feed_e")], 4000.0)
    hardened = good_lines(searches(problem)[1], np.array([0, 0]), 4000.0, float("inf"))
    assert hardened.sum() == 4


def test_a_search_without_time_hardens_nothing(small):
    problem = problem_of(small(**HARDEN), FAILED, 2000.0)
    assert not good_lines(searches(problem)[1], np.array([0, 0]), 2000.0, 0.0).any()


@pytest.mark.parametrize("usd", [0.0, 1000.0])
def test_allowing_to_harden_never_makes_a_plan_worse(small, usd):
    """Also where there is no time for the program as a whole."""
    short = Effort(gap=0.0, seconds=1e-9)
    plain = solve_program(problem_of(small(), FAILED, 0.0), short)
    problem = problem_of(small(**HARDEN), FAILED, usd)
    found = solve_program(problem, short)
    assert plain.plan.delta.any()
    assert found.objective <= plain.objective + 1e-6
    assert problem.grid.line_usd @ found.plan.hardened <= usd + 1e-9
    timely = solve_program(problem, replace(short, gap=0.05, seconds=10.0))
    assert timely.objective <= found.objective + 1e-6
    assert timely.objective < plain.objective - 1.0 or usd == 0
