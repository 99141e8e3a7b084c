"""The decomposition by blocks against the program as a whole, and the tables that it rests on against hand counts.

The small feeder of ``test_program``: sources of at most 200 kW at b to e, loads of 50 and 100 kW, hardly any impedance.
"""

import time
from dataclasses import replace

import numpy as np
import pytest

from gridstudio.planning.resilience.blocks import planned_blocks, roots_of
from gridstudio.planning.resilience.bound import bound
from gridstudio.planning.resilience.contract import Budget, Effort, Problem, Risk, Storms
from gridstudio.planning.resilience.limits import LinearLimits
from gridstudio.planning.resilience.program import measure, solve_program
from gridstudio.planning.resilience.regions import ANY, Regions
from gridstudio.planning.resilience.siting import Siting, good_sizes
from gridstudio.planning.resilience.stage import Lessons, stage_of

EXACT = Effort(gap=0.0, seconds=60.0)
FOREVER = float("inf")


def drawn(setup, count=5, seed=3, p=0.35):
    failed = np.random.default_rng(seed).random((count, len(setup.grid.line_names))) < p
    winds = np.full(count, 30.0)
    return Storms(tuple(map(str, range(count))), np.full(count, 1 / count), winds, winds.astype(int), failed, failed)


def problem_of(setup, storms, kw=200.0, lambda_=0.5, sites=3):
    return Problem(setup.grid, setup.sites.first(sites), storms, Budget(kw), Risk(lambda_, 0.7))


def tables_of(problem):
    """The tables, the blocks of storms, and the search."""
    roots = roots_of(problem.grid, problem.sites)
    blocks, of_storm = planned_blocks(problem.grid, problem.storms, roots)
    limits = LinearLimits(problem.grid, problem.sites, roots)
    regions = Regions(stage_of(problem.grid, problem.sites, roots, blocks, limits, Lessons()))
    return regions, of_storm, Siting(regions, of_storm, problem.storms.probability, measure(problem.risk))


@pytest.fixture
def whole(small):
    """The feeder without a fault: one block, that any root can feed whole."""
    setup = small()
    return tables_of(problem_of(setup, drawn(setup, count=1, p=0.0)))


def test_worth_by_size_by_hand(whole):
    """From e alone (50 kW of weight 1, 50 kW of weight 10): nothing below 50 kW, 500 from there, 550 from 100 on."""
    regions = whole[0]
    e = next(n for n, r in enumerate(regions.roots[0]) if regions.stage.roots[r].name == "e")
    table = regions.table(0, e, floor=False)
    sizes = (np.array([49.0, 50.0, 99.0, 100.0]) / regions.step_kw).astype(int)
    assert [0.0, 500.0, 500.0, 550.0] in table[:, sizes].tolist()


def test_the_substation_has_no_size(whole):
    regions, _, siting = whole
    assert siting.lost(np.zeros((1, 3), dtype=int)) == pytest.approx(0.0)
    at = regions.roots[0].index(0)
    assert regions.table(0, at, floor=True)[:, ANY].max() == regions.stage.grid.total_weighted_kw


def test_floor_is_never_below_ceiling(whole):
    regions = whole[0]
    for n in range(len(regions.roots[0])):
        low, high = (regions.table(0, n, floor) for floor in (False, True))
        assert (high >= low - 1e-9).all()
        assert (np.diff(low[:, :ANY], axis=1) >= 0).all()


@pytest.mark.parametrize("lambda_", [0.0, 0.5, 1.0])
def test_decomposition_brackets_the_optimum_of_the_whole_program(small, lambda_):
    setup = small()
    problem = problem_of(setup, drawn(setup), lambda_=lambda_)
    best = solve_program(problem, EXACT).objective
    found = solve_program(problem, Effort(gap=0.01, seconds=60.0))
    assert found.status == "optimal"
    assert found.bound - 1e-6 <= best <= found.objective + 1e-6
    assert found.gap <= 0.01


def test_bound_with_what_a_site_costs_at_all_is_no_higher_than_the_optimum(small):
    setup = small()
    problem = problem_of(setup, drawn(setup, count=4), kw=150.0)
    problem = replace(problem, sites=replace(problem.sites, fixed_kw=np.array([60.0, 0.0, 30.0])))
    regions, of_storm, _ = tables_of(problem)
    found = bound(problem, regions, of_storm, enough=1e9, until=time.perf_counter() + 2.0)
    assert found.value <= solve_program(problem, EXACT).objective + 1e-6


def test_halving_boxes_raises_the_bound_to_what_is_asked(small):
    """1 % below the best plan of the search: more boxes than the first one are needed, and they get there."""
    setup = small()
    problem = problem_of(setup, drawn(setup, count=6, seed=5))
    regions, of_storm, siting = tables_of(problem)
    steps = np.round(good_sizes(siting, 200.0) / regions.step_kw).astype(int)
    asked = 0.99 * float(siting.lost(steps[None])[0])
    first = bound(problem, regions, of_storm, asked, until=0.0)
    last = bound(problem, regions, of_storm, asked, until=FOREVER)
    assert first.value <= last.value == pytest.approx(asked)
    assert first.boxes <= last.boxes


def test_what_the_search_looks_up_is_what_the_program_finds(small):
    setup = small()
    problem = problem_of(setup, drawn(setup))
    _, _, siting = tables_of(problem)
    found = solve_program(problem, Effort(gap=0.9, seconds=60.0))
    steps = np.round(found.plan.beta_kw / siting.regions.step_kw).astype(int)
    assert siting.lost(steps[None])[0] == pytest.approx(found.objective)


def test_sizes_keep_budget_and_sites(small):
    setup = small()
    problem = problem_of(setup, drawn(setup))
    sites = replace(problem.sites, fixed_kw=np.array([60.0, 0.0, 30.0]))
    _, _, siting = tables_of(replace(problem, sites=sites))
    for kw in (40.0, 110.0, 500.0):
        beta_kw = good_sizes(siting, kw)
        assert (beta_kw <= sites.max_kw + 1e-9).all()
        assert beta_kw.sum() + sites.fixed_kw @ (beta_kw > 0) <= kw + 1e-6
