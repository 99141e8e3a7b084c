"""The search for what to harden and add, and that allowing it never makes a plan worse."""

from dataclasses import replace

import numpy as np
import pytest

from gridstudio.planning.resilience import hardening
from gridstudio.planning.resilience.blocks import planned_blocks, roots_of
from gridstudio.planning.resilience.contract import Budget, Effort, Problem, Risk
from gridstudio.planning.resilience.hardening import good_options, less, rounded, singles
from gridstudio.planning.resilience.limits import LinearLimits
from gridstudio.planning.resilience.program import measure, solve_program
from gridstudio.planning.resilience.regions import Options, Regions, no_options
from gridstudio.planning.resilience.siting import Siting
from gridstudio.planning.resilience.stage import Lessons, stage_of

HARDEN = {"lines": {"harden": ["all"], "harden_usd_per_m": 1.0}}  # each line of the small feeder is 1 km


@pytest.fixture
def problem_of(storms_where):
    def problem(setup, failed, usd, kw=200.0):
        return Problem(setup.grid, setup.sites.first(2), storms_where(setup, failed), Budget(kw, usd), Risk(0.5, 0.7))

    return problem


def search_of(problem):
    """What plans lose, by the tables of everything that may be hardened or added; and all of that."""
    grid, sites, storms = problem.grid, problem.sites, problem.storms
    roots = roots_of(grid, sites)
    blocks, of_storm = planned_blocks(grid, storms, roots)
    most = Options(grid.line_hardenable, grid.optional)
    regions = Regions(stage_of(grid, sites, roots, blocks, LinearLimits(grid, sites, roots), Lessons()), most)
    return Siting(regions, of_storm, storms.probability, measure(problem.risk)), most


def best_options(problem, usd, steps=(0, 0)):
    siting, most = search_of(problem)
    return good_options(siting, np.array(steps), usd, most, [no_options(problem.grid)])


def lines_of(problem, options):
    return {name for name, on in zip(problem.grid.line_names, options.hardened, strict=True) if on}


FAILED = [("feed_a",), ("feed_b",), ("feed_a", "feed_d"), ()]


def test_with_all_lines_hardened_nothing_is_lost(small, problem_of):
    problem = problem_of(small(**HARDEN), FAILED, 0.0)
    siting, most = search_of(problem)
    assert siting.lost(np.array([[0, 0]]), most) == pytest.approx(0.0)
    assert siting.lost(np.array([[0, 0]]), no_options(problem.grid))[0] > 100.0


@pytest.mark.parametrize(("usd", "lines"), [(0.0, set()), (1000.0, {"feed_a"}), (2000.0, {"feed_a", "feed_b"})])
def test_lines_are_hardened_where_they_save_most_within_the_budget(small, usd, lines, problem_of):
    """Without sources feed_a puts all in the dark in two storms of four, feed_b all but section a in one."""
    problem = problem_of(small(**HARDEN), FAILED, usd)
    assert lines_of(problem, best_options(problem, usd)) == lines


def test_lines_that_only_save_together_are_hardened_together(small, problem_of):
    problem = problem_of(small(**HARDEN), [("feed_a", "feed_b", "feed_c", "feed_e")], 4000.0)
    assert best_options(problem, 4000.0).hardened.sum() == 4


def test_a_switch_is_added_where_it_saves_most(small, problem_of):
    """At the head of feed_d it saves bus d, 50 kW of weight 2, from a fault beyond it; at feed_b bus b, of weight 1."""
    setup = small(devices={"candidates": [{"line": "feed_b", "usd": 100.0}, {"line": "feed_d", "usd": 100.0}]})
    problem = replace(problem_of(setup, [("feed_b",), ("feed_d",)], 100.0), risk=Risk(0.0, 0.7))
    found = best_options(problem, 100.0)
    grid = setup.grid
    assert [device.name for device, on in zip(grid.sections.devices, found.added, strict=True) if on] == ["new feed_d"]
    siting, most = search_of(problem)
    none, one, both = (siting.lost(np.array([[0, 0]]), o)[0] for o in (no_options(grid), found, most))
    assert none - one >= one - both > 0.0


def test_a_search_without_look_ups_left_hardens_nothing(small, monkeypatch, problem_of):
    monkeypatch.setattr(hardening, "LOOK_UPS", 0)
    problem = problem_of(small(**HARDEN), FAILED, 2000.0)
    assert not best_options(problem, 2000.0).hardened.any()


def test_a_greedy_choice_is_swapped_for_a_better_one(small, problem_of):
    """feed_a alone saves most, then the budget is gone; feed_b and feed_d, cheaper, save more together."""
    setup = small(**HARDEN)
    usd = np.array([1000.0 if name == "feed_a" else 600.0 for name in setup.grid.line_names])
    setup = replace(setup, grid=replace(setup.grid, line_usd=usd))
    problem = problem_of(setup, [("feed_a",), ("feed_b", "feed_d"), ("feed_b",), ("feed_d",)], 1200.0)
    siting, most = search_of(problem)
    found = best_options(problem, 1200.0)
    tried = [
        Options(np.isin(np.arange(len(usd)), pair), most.added)
        for pair in np.argwhere(np.triu(np.add.outer(usd, usd) <= 1200.0, 1)).tolist()
    ] + [Options(np.arange(len(usd)) == line, most.added) for line in range(len(usd))]
    best = min(float(siting.lost(np.array([[0, 0]]), one)[0]) for one in tried)
    assert float(siting.lost(np.array([[0, 0]]), found)[0]) == pytest.approx(best)


def test_each_line_and_switch_alone_add_up_to_all_and_less_takes_one(small):
    setup = small(devices={"candidates": [{"line": "feed_b", "usd": 100.0}]}, **HARDEN)
    every = Options(np.array([True, False, True, False, True]), setup.grid.optional)
    found = singles(every)
    assert [int(one.hardened.sum() + one.added.sum()) for one in found] == [1, 1, 1, 1]
    left = every
    for number, one in enumerate(found, start=1):
        left = less(left, one)
        assert int(left.hardened.sum() + left.added.sum()) == 4 - number


def test_shares_are_rounded_from_the_largest_within_the_budget(small, problem_of):
    problem = problem_of(small(**HARDEN), FAILED, 2000.0)
    siting, most = search_of(problem)
    share = np.zeros(len(problem.grid.line_names) + len(problem.grid.optional))
    share[:4] = 0.5, 0.9, 0.0, 0.7
    assert rounded(share, most, siting, 2000.0).hardened.tolist()[:4] == [False, True, False, True]


@pytest.mark.parametrize("usd", [0.0, 1000.0])
def test_allowing_to_harden_never_makes_a_plan_worse(small, usd, problem_of):
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
