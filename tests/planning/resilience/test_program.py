"""The program against brute force over all siting choices on a small feeder, and what any such program must obey.

The feeder: grid -- a -- b -- c -- d, and e behind b, a normally open tie from d to e; lines hardly have impedance. The
second method shares no formula with the program: it tries every state of the devices, takes what hangs together with
one source for an island, and picks loads by enumeration.
"""

import itertools
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from gridstudio.planning.resilience.contract import Budget, Effort, Plan, Problem, Risk, Storms
from gridstudio.planning.resilience.program import solve_program
from gridstudio.solve.risk import CVaR, value

pytestmark = pytest.mark.long  # minutes of power flows and programs

EXACT = Effort(gap=0.0, seconds=60.0)
STEP_KW = 50.0


def storms_of(failed, hardened=None, probability=None):
    failed = np.asarray(failed, dtype=bool)
    count = len(failed)
    return Storms(
        names=tuple(str(k) for k in range(count)),
        probability=np.full(count, 1 / count) if probability is None else np.asarray(probability),
        wind_m_s=np.full(count, 30.0),
        stratum=np.zeros(count, dtype=int),
        failed=failed,
        failed_hardened=failed if hardened is None else np.asarray(hardened, dtype=bool),
    )


def drawn(setup, count=8, seed=3, p=0.35):
    return storms_of(np.random.default_rng(seed).random((count, len(setup.grid.line_names))) < p)


def ways_to_switch(grid):
    """Every radial state of the devices: (closed, what hangs together)."""
    ends = grid.sections.ends.tolist()
    for state in itertools.product((0, 1), repeat=len(ends)):
        graph = nx.MultiGraph()
        graph.add_nodes_from(range(len(grid.sections)))
        graph.add_edges_from(ends[d] for d in range(len(ends)) if state[d])
        if nx.is_forest(graph):
            yield state, [sorted(part) for part in nx.connected_components(graph)]


class Enumeration:
    """The second stage by trying every state; remembers what it has tried."""

    def __init__(self, grid, sites):
        self.grid, self.sites, self.states = grid, sites, list(ways_to_switch(grid))
        self.kw = np.bincount(grid.load_unit, grid.load_kw.sum(axis=1))
        self.known = {}

    def lost(self, plan, failed):
        """Weighted kW lost where the lines ``failed`` (line,) are out."""
        grid, dead = self.grid, self.grid.line_hits[failed].any(axis=0)
        must = np.flatnonzero(grid.optional & ~plan.added)
        best = 0.0
        for state, parts in self.states:
            if all(state[d] for d in must):
                best = max(best, sum(self.worth(part, plan) for part in parts if not dead[part].any()))
        return grid.total_weighted_kw - best

    def worth(self, part, plan):
        """Of an island: the substation carries all, else one of its sources what it can."""
        units = np.flatnonzero(np.isin(self.grid.unit_section, part))
        if set(part) & set(self.grid.sections.sources):
            return self.grid.unit_weighted_kw[units].sum()
        own = np.flatnonzero(plan.delta & np.isin(self.sites.section, part))
        return max((self.knapsack(tuple(units), float(plan.beta_kw[i])) for i in own), default=0.0)

    def knapsack(self, units, kw):
        if (units, kw) not in self.known:
            some = np.array(list(itertools.product((0, 1), repeat=len(units)))).reshape(-1, len(units))
            fits = some @ self.kw[list(units)] <= kw + 1e-9
            self.known[units, kw] = float((some @ self.grid.unit_weighted_kw[list(units)])[fits].max())
        return self.known[units, kw]


def objective_of(problem, plan, second):
    """The objective of a plan by enumeration."""
    q = np.array([second.lost(plan, failed) for failed in problem.storms.lines_out(plan.hardened)])
    p, risk = problem.storms.probability, problem.risk
    return (1 - risk.lambda_) * p @ q + risk.lambda_ * value(CVaR(risk.alpha), q, p)


def every_plan(problem, hardened=((),), added=((),)):
    grid, count = problem.grid, len(problem.sites)
    steps = [np.arange(0, most + 1, STEP_KW) for most in np.minimum(problem.sites.max_kw, problem.budget.kw)]
    for sizes in itertools.product(*steps):
        beta = np.array(sizes)
        if beta.sum() + problem.sites.fixed_kw @ (beta > 0) > problem.budget.kw:
            continue
        for lines, devices in itertools.product(hardened, added):
            usd = grid.line_usd[list(lines)].sum() + grid.device_usd[list(devices)].sum()
            if usd <= problem.budget.usd:
                lines_on = np.isin(np.arange(len(grid.line_names)), lines)
                devices_on = np.isin(np.arange(len(grid.optional)), devices)
                assert len(beta) == count
                yield Plan(beta > 0, beta, lines_on, devices_on)


def best_by_enumeration(problem, **options):
    second = Enumeration(problem.grid, problem.sites)
    return min(objective_of(problem, plan, second) for plan in every_plan(problem, **options))


def problem_of(setup, storms, kw=200.0, lambda_=0.5, alpha=0.7, usd=0.0, sites=3):
    return Problem(setup.grid, setup.sites.first(sites), storms, Budget(kw, usd), Risk(lambda_, alpha))


@pytest.mark.parametrize(("pickup", "lambda_"), [("bus", 0.0), ("bus", 0.5), ("bus", 1.0), ("section", 0.5)])
def test_program_is_the_best_of_all_siting_choices(small, pickup, lambda_):
    setup = small(loads={"pickup": pickup})
    problem = problem_of(setup, drawn(setup), lambda_=lambda_)
    found = solve_program(problem, EXACT)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(best_by_enumeration(problem), abs=1e-6)
    second = Enumeration(setup.grid, problem.sites)
    assert objective_of(problem, rounded(found.plan), second) == pytest.approx(found.objective, abs=1e-6)


def rounded(plan):
    return replace(plan, beta_kw=np.round(plan.beta_kw, 6))


def test_fixed_part_of_a_site_counts_to_the_budget(small):
    setup = small()
    sites = replace(setup.sites.first(3), fixed_kw=np.array([60.0, 0.0, 30.0]))
    problem = replace(problem_of(setup, drawn(setup)), sites=sites)
    found = solve_program(problem, EXACT)
    assert found.objective == pytest.approx(best_by_enumeration(problem), abs=1e-6)
    assert found.plan.beta_kw.sum() + sites.fixed_kw @ found.plan.delta <= 200.0 + 1e-6


def test_lambda_0_is_the_least_expected_loss(small):
    setup = small()
    problem = problem_of(setup, drawn(setup), kw=100.0, lambda_=0.0)
    second, p = Enumeration(setup.grid, problem.sites), problem.storms.probability
    expected = [p @ [second.lost(plan, failed) for failed in problem.storms.failed] for plan in every_plan(problem)]
    assert solve_program(problem, EXACT).objective == pytest.approx(min(expected))


def test_larger_lambda_never_raises_cvar(small):
    setup = small()
    found = [solve_program(problem_of(setup, drawn(setup), lambda_=x), EXACT) for x in (0.0, 0.4, 1.0)]
    p = np.full(8, 1 / 8)
    cvar = [value(CVaR(0.7), one.q, p) for one in found]
    assert (np.diff(cvar) <= 1e-6).all()
    assert (np.diff([one.q @ p for one in found]) >= -1e-6).all()


def test_larger_budget_never_raises_the_objective(small):
    setup = small()
    storms = drawn(setup)
    losses = [solve_program(problem_of(setup, storms, kw=kw), EXACT).objective for kw in (50, 150, 400)]
    assert (np.diff(losses) <= 1e-6).all()
    assert losses[-1] < losses[0]


def test_hardening_is_chosen_where_it_helps_most(small):
    setup = small(lines={"harden": ["feed_b", "feed_d"], "harden_usd_per_m": 1.0})
    lines = np.flatnonzero(setup.grid.line_hardenable)
    failed = np.random.default_rng(5).random((8, len(setup.grid.line_names))) < 0.4
    hardened = failed & (np.random.default_rng(6).random(failed.shape) < 0.3)
    storms = storms_of(failed, hardened)
    problem = problem_of(setup, storms, kw=100.0, usd=1000.0, sites=2)
    choices = [some for size in (0, 1, 2) for some in itertools.combinations(lines.tolist(), size)]
    found = solve_program(problem, EXACT)
    assert found.objective == pytest.approx(best_by_enumeration(problem, hardened=choices), abs=1e-6)
    assert found.plan.hardened.sum() == 1
    without = solve_program(replace(problem, budget=Budget(100.0, 0.0)), EXACT)
    assert found.objective < without.objective


def test_a_candidate_switch_is_one_section_until_it_is_built(small):
    setup = small(devices={"candidates": [{"line": "feed_b", "usd": 100.0}, {"line": "feed_d", "usd": 100.0}]})
    storms = drawn(setup, count=4, p=0.4)
    switches = np.flatnonzero(setup.grid.optional).tolist()
    for usd, most in ((0.0, 0), (100.0, 1), (200.0, 2)):
        problem = problem_of(setup, storms, kw=100.0, usd=usd, sites=2)
        choices = [some for size in range(most + 1) for some in itertools.combinations(switches, size)]
        found = solve_program(problem, EXACT)
        assert found.objective == pytest.approx(best_by_enumeration(problem, added=choices), abs=1e-6)
        assert found.plan.added.sum() <= most


@pytest.mark.parametrize(("usd", "lambda_"), [(500.0, 0.5), (1500.0, 0.0), (1500.0, 1.0)])
def test_bound_with_options_is_within_1_percent_below_the_best_of_all_choices(small, usd, lambda_):
    """Four lines of 1000 usd each and two switches of 400: every budget leaves most of them out."""
    setup = small(
        lines={"harden": ["feed_a", "feed_b", "feed_c", "feed_d"], "harden_usd_per_m": 1.0},
        devices={"candidates": [{"line": "feed_b", "usd": 400.0}, {"line": "feed_e", "usd": 400.0}]},
    )
    grid = setup.grid
    failed = np.random.default_rng(7).random((6, len(grid.line_names))) < 0.4
    storms = storms_of(failed, failed & (np.random.default_rng(8).random(failed.shape) < 0.2))
    problem = problem_of(setup, storms, kw=100.0, usd=usd, lambda_=lambda_, sites=2)
    rows = np.flatnonzero(grid.line_hardenable).tolist(), np.flatnonzero(grid.optional).tolist()
    choices = [[some for n in range(len(own) + 1) for some in itertools.combinations(own, n)] for own in rows]
    best = best_by_enumeration(problem, hardened=choices[0], added=choices[1])
    found = solve_program(problem, Effort(gap=0.01, seconds=60.0))
    assert found.bound <= best + 1e-6
    assert found.objective >= best - 1e-6
    assert found.status == "optimal"
    assert found.gap <= 0.01
    assert grid.line_usd @ found.plan.hardened + grid.device_usd @ found.plan.added <= usd + 1e-9


def test_storms_alike_count_as_one(small):
    setup = small()
    storms = drawn(setup, count=4)
    twice = storms_of(np.repeat(storms.failed, 2, axis=0))
    a, b = (solve_program(problem_of(setup, some), EXACT) for some in (storms, twice))
    assert a.objective == pytest.approx(b.objective)
    assert a.binaries == b.binaries


def test_same_program_same_plan(small):
    setup = small()
    a, b = (solve_program(problem_of(setup, drawn(setup)), EXACT) for _ in range(2))
    assert np.array_equal(a.plan.beta_kw, b.plan.beta_kw)
    assert np.array_equal(a.q, b.q)


def test_a_program_stopped_early_says_so(small):
    setup = small()
    problem = problem_of(setup, drawn(setup, seed=5), kw=125.0)
    best = solve_program(problem, EXACT)
    found = solve_program(problem, Effort(gap=0.0, seconds=1e-9))
    assert found.status == "feasible"
    assert found.bound <= best.objective <= found.objective
    assert found.gap == pytest.approx((found.objective - found.bound) / found.objective)
    assert found.gap > 0.0


def test_without_a_fault_nothing_is_lost(small):
    setup = small()
    found = solve_program(problem_of(setup, storms_of(np.zeros((1, len(setup.grid.line_names)), bool))), EXACT)
    assert found.objective == pytest.approx(0.0, abs=1e-6)
    assert found.gap == 0.0
