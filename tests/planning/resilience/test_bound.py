"""The decomposition by blocks against the program as a whole, and the tables that it rests on against hand counts.

The small feeder of ``test_program``: sources of at most 200 kW at b to e, loads of 50 and 100 kW, hardly any impedance.
"""

import functools
import itertools
import operator
from dataclasses import replace

import linopy
import numpy as np
import pytest

from gridstudio.errors import SolverError
from gridstudio.planning.resilience import program
from gridstudio.planning.resilience.apart import block_gap, solved_apart
from gridstudio.planning.resilience.blocks import planned_blocks, roots_of
from gridstudio.planning.resilience.bound import Bound
from gridstudio.planning.resilience.contract import Budget, Effort, Problem, Risk, Storms
from gridstudio.planning.resilience.limits import LinearLimits
from gridstudio.planning.resilience.master import Master
from gridstudio.planning.resilience.program import Planner, affordable, measure, solve_program
from gridstudio.planning.resilience.regions import Regions, disjoint, no_options
from gridstudio.planning.resilience.siting import Siting, good_sizes
from gridstudio.planning.resilience.solver import loaded
from gridstudio.planning.resilience.stage import Lessons, stage_of
from gridstudio.planning.resilience.worth import ANY

EXACT = Effort(gap=0.0, seconds=60.0)
FOREVER = float("inf")


def drawn(setup, count=5, seed=3, p=0.35):
    failed = np.random.default_rng(seed).random((count, len(setup.grid.line_names))) < p
    winds = np.full(count, 30.0)
    return Storms(tuple(map(str, range(count))), np.full(count, 1 / count), winds, winds.astype(int), failed, failed)


def problem_of(setup, storms, kw=200.0, lambda_=0.5, sites=3):
    return Problem(setup.grid, setup.sites.first(sites), storms, Budget(kw), Risk(lambda_, 0.7))


def tables_of(problem, most=None):
    """The tables, the blocks of storms, and the search."""
    roots = roots_of(problem.grid, problem.sites)
    blocks, of_storm = planned_blocks(problem.grid, problem.storms, roots)
    limits = LinearLimits(problem.grid, problem.sites, roots)
    stage = stage_of(problem.grid, problem.sites, roots, blocks, limits, Lessons())
    regions = Regions(stage, most or no_options(problem.grid))
    return regions, of_storm, Siting(regions, of_storm, problem.storms.probability, measure(problem.risk))


def sized(siting, kw):
    return good_sizes(siting, kw, siting.regions.most, [np.zeros(len(siting.stage.sites))])


def lost(siting, steps):
    return float(siting.lost(steps[None], siting.regions.most)[0])


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
    assert siting.lost(np.zeros((1, 3), dtype=int), siting.regions.most) == pytest.approx(0.0)
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
    found = Bound(problem, regions, of_storm).raise_to(1e9, FOREVER, boxes=60)
    assert found <= solve_program(problem, EXACT).objective + 1e-6


def test_halving_boxes_raises_the_bound_to_what_is_asked(small):
    """1 % below the best plan of the search: more boxes than the first one are needed, and they get there."""
    setup = small()
    problem = problem_of(setup, drawn(setup, count=6, seed=5))
    regions, of_storm, siting = tables_of(problem)
    steps = np.round(sized(siting, 200.0) / regions.step_kw).astype(int)
    asked = 0.99 * lost(siting, steps)
    found = Bound(problem, regions, of_storm)
    first = found.value
    assert found.raise_to(asked, until=0.0, boxes=10**6) == first
    assert found.raise_to(asked, FOREVER, boxes=1) >= first
    assert found.raise_to(asked, FOREVER, boxes=10**6) >= asked


def test_what_the_search_looks_up_is_what_the_program_finds(small):
    setup = small()
    problem = problem_of(setup, drawn(setup))
    _, _, siting = tables_of(problem)
    found = solve_program(problem, Effort(gap=0.9, seconds=60.0))
    steps = np.round(found.plan.beta_kw / siting.regions.step_kw).astype(int)
    assert lost(siting, steps) == pytest.approx(found.objective)


def test_sizes_keep_budget_and_sites(small):
    setup = small()
    problem = problem_of(setup, drawn(setup))
    sites = replace(problem.sites, fixed_kw=np.array([60.0, 0.0, 30.0]))
    _, _, siting = tables_of(replace(problem, sites=sites))
    for kw in (40.0, 110.0, 500.0):
        beta_kw = sized(siting, kw)
        assert (beta_kw <= sites.max_kw + 1e-9).all()
        assert beta_kw.sum() + sites.fixed_kw @ (beta_kw > 0) <= kw + 1e-6


def disjoint_by_trying(masks):
    """Rows of every choice of one region of each list, none of which share a section."""
    chosen = itertools.product(*(range(len(own)) for own in masks))
    regions = (([own[n] for own, n in zip(masks, rows, strict=True)], rows) for rows in chosen)
    return {rows for some, rows in regions if sum(some) == functools.reduce(operator.or_, some)}


def test_regions_beside_each_other_are_those_of_trying_all_choices():
    masks = (0, 1, 3, 7), (0, 2, 6, 14), (0, 8, 12)
    rows, used = disjoint(masks)
    assert {tuple(row) for row in rows.tolist()} == disjoint_by_trying(masks)
    assert len(rows) == len(disjoint_by_trying(masks))
    held = [sum(own[n] for own, n in zip(masks, row, strict=True)) for row in rows.tolist()]
    assert used.tolist() == held


def test_bound_falls_with_what_the_budget_allows_to_harden(small):
    """Nothing for 0 usd, as if nothing could be hardened; all four lines for 4000."""
    storms = drawn(small(), p=0.5)
    storms = replace(storms, failed_hardened=np.zeros_like(storms.failed))

    def value(usd, lines):
        setup = small(lines={"harden": lines, "harden_usd_per_m": 1.0})
        problem = replace(problem_of(setup, storms), budget=Budget(200.0, usd))
        regions, of_storm, _ = tables_of(problem, affordable(problem))
        return Bound(problem, regions, of_storm).value

    four = ["feed_a", "feed_b", "feed_c", "feed_d"]
    found = [value(usd, four) for usd in (0.0, 1000.0, 2500.0, 4000.0)]
    assert found[0] == pytest.approx(value(0.0, []))
    assert (np.diff(found) < -1e-6).all()
    assert found[-1] > 0.0


# ---- what nobody may take for a bound ----------------------------------------------------------------


def pressed_by_a_capacitor(small):
    """200 kvar behind e and nobody's kvar but its own: the kVA of e's source, not its kW, decide what it picks up. The
    storm parts the feeder into section c and section e; sources of 100 kW at c, of 200 kW at e."""
    sites = [{"name": name, "max_kw": kw, "kva_per_kw": 1.25} for name, kw in (("c", 100), ("e", 200))]
    setup = small(more="new capacitor.k bus1=e_end phases=3 kv=12.47 kvar=200", sites=sites)
    grid = setup.grid
    weight = np.where(np.array(grid.load_names) == "at_c", 4.8, grid.load_weight)
    failed = np.array([[name in ("feed_a", "feed_b", "feed_d") for name in grid.line_names]])
    storms = Storms(("1",), np.ones(1), np.full(1, 30.0), np.zeros(1, dtype=int), failed, failed)
    return Problem(replace(grid, load_weight=weight), setup.sites, storms, Budget(164.8), Risk(0.0, 0.7))


def test_where_capacitors_press_the_kva_no_bound_is_above_the_optimum(small):
    """1580 weighted kW in all. sqrt(50^2 + 200^2) = 206.2 kVA are 164.9 kW at e for one load of 50 kW there: 0.1 kW too
    many. The tangent that the program has instead of the circle allows 164.8 kW: 500 of e's 550, and nothing for c."""
    problem = pressed_by_a_capacitor(small)
    best = solve_program(problem, EXACT)
    assert best.objective == pytest.approx(1030.0)
    assert best.plan.beta_kw == pytest.approx([0.0, 164.8], abs=0.1)
    found = solve_program(problem, Effort(gap=0.01, seconds=60.0))
    assert found.bound <= best.objective + 1e-6
    assert (found.objective - best.objective) / found.objective <= 0.01 or found.status == "feasible"


def test_a_size_stands_for_all_kw_up_to_the_next_step(small):
    """The table of section e at 98 steps of 1.67 kW, which 164.8 kW are, holds what the program picks up with them."""
    problem = pressed_by_a_capacitor(small)
    regions, _, _ = tables_of(problem)
    steps = int(164.8 / regions.step_kw)
    e = problem.grid.sections.of_bus["e"]
    (g,) = (g for g, block in enumerate(regions.stage.tables.blocks) if block.sections >> e & 1)
    (n,) = (n for n, root in enumerate(regions.roots[g]) if regions.stage.roots[root].name == "e")
    assert regions.table(g, n, floor=True)[:, steps].max() >= 500.0


def test_a_bound_above_a_plan_is_no_result(small, monkeypatch):
    setup = small()
    problem = problem_of(setup, drawn(setup))
    monkeypatch.setattr(Planner, "_bottom", property(lambda _: 1e4))
    with pytest.raises(SolverError, match="one of them is wrong, so neither is told"):
        solve_program(problem, Effort(gap=0.01, seconds=60.0))


def test_a_master_that_highs_does_not_solve_proves_nothing(small, monkeypatch):
    """Without a simplex iteration its duals are no prices, whatever they are."""
    setup = small()
    problem = problem_of(setup, drawn(setup))
    best = solve_program(problem, EXACT).objective
    made = Master.__init__

    def stopped(self, *given):
        made(self, *given)
        self._highs.setOptionValue("simplex_iteration_limit", 0)
        self._highs.setOptionValue("presolve", "off")

    prices = []
    solve = Master.solve
    monkeypatch.setattr(Master, "__init__", stopped)
    monkeypatch.setattr(Master, "solve", lambda self: prices.append(solve(self)) or prices[-1])
    regions, of_storm, _ = tables_of(problem)
    found = Bound(problem, regions, of_storm)
    assert found.complete
    assert found.value == 0.0
    assert set(prices) == {None}
    assert 0.0 <= found.raise_to(1e9, FOREVER, boxes=5) <= best


# ---- what the clock decides --------------------------------------------------------------------------


def test_a_bound_says_whether_the_clock_ended_it(small):
    setup = small()
    problem = problem_of(setup, drawn(setup, count=6, seed=5))
    regions, of_storm, _ = tables_of(problem)
    found = Bound(problem, regions, of_storm)
    found.raise_to(0.0, until=0.0, boxes=9)  # high enough
    found.raise_to(1e9, until=0.0, boxes=0)  # no more boxes
    found.raise_to(1e9, FOREVER, boxes=1)
    assert not found.stopped_by_clock
    found.raise_to(1e9, until=0.0, boxes=1)
    assert found.stopped_by_clock


def test_a_program_as_a_whole_without_time_keeps_the_plan_it_started_from(small, monkeypatch):
    setup = small()
    problem = problem_of(setup, drawn(setup, seed=5), kw=125.0)
    best = solve_program(problem, EXACT)
    searched = solve_program(problem, Effort(gap=0.9, seconds=60.0))
    monkeypatch.setattr(program, "loaded", lambda form, seconds, gap: loaded(form, 0.0, gap))
    found = solve_program(problem, EXACT)
    assert (found.status, found.stopped_by_clock) == ("feasible", True)
    assert found.objective == pytest.approx(searched.objective)
    assert found.bound <= best.objective + 1e-6
    assert (best.stopped_by_clock, searched.stopped_by_clock) == (False, False)


def test_a_program_without_time_says_so(small):
    setup = small()
    problem = problem_of(setup, drawn(setup, seed=5), kw=125.0)
    assert solve_program(problem, Effort(gap=0.0, seconds=1e-9)).stopped_by_clock


# ---- small programs ----------------------------------------------------------------------------------


def test_parts_without_a_row_take_their_best_bounds():
    model = linopy.Model()
    x = model.add_variables(0, np.array([2.0, 3.0]), coords=[range(2)], name="x")
    model.add_objective((x * np.array([-1.0, 1.0])).sum())
    assert solved_apart(model, {}).tolist() == [2.0, 0.0]


def test_a_budget_below_every_load_builds_nothing(small):
    """The substation is out in every storm: without a source the second stage has not one constraint."""
    setup = small()
    storms = drawn(setup)
    storms = replace(storms, failed=storms.failed | (np.array(setup.grid.line_names) == "feed_a"))
    found = solve_program(problem_of(setup, storms, kw=10.0), Effort(gap=0.01, seconds=60.0))
    assert not found.plan.delta.any()
    assert (found.objective, found.gap) == (setup.grid.total_weighted_kw, 0.0)


@pytest.mark.parametrize(("gap", "parts"), [(0.0, 0.0), (0.01, 1e-4)])
def test_small_programs_are_solved_to_the_optimum_where_the_gap_is_0(gap, parts):
    assert block_gap(gap) == parts


@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_islands_of_a_program_are_solved_to_the_gap_of_its_parts(small, monkeypatch, gap):
    setup, asked = small(), set()
    solve = program.solved_apart
    monkeypatch.setattr(program, "solved_apart", lambda m, k, given, gap: asked.add(gap) or solve(m, k, given, gap))
    solve_program(problem_of(setup, drawn(setup)), Effort(gap=gap, seconds=60.0))
    assert asked == {block_gap(gap)}


def test_parts_that_were_solved_to_a_wider_gap_are_solved_again():
    model = linopy.Model()
    x = model.add_variables(0, 2, coords=[range(1)], name="x")
    model.add_constraints(x <= 1.5)
    model.add_objective((x * -1.0).sum())
    known = {}
    for gap in (1e-4, 1e-4, 0.0):
        assert solved_apart(model, known, gap=gap).tolist() == [1.5]
    assert len(known) == 2
