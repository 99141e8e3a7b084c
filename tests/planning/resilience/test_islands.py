"""The second stage of a given plan: the best islands, radial, sound, and the same however they are asked for."""

import itertools

import networkx as nx
import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.contract import Plan, Storms, no_plan
from gridstudio.planning.resilience.islands import second_stage


def storms_of(failed):
    count, none = len(failed), np.zeros(len(failed))
    return Storms(tuple(map(str, range(count))), np.full(count, 1 / count), none, none.astype(int), failed, failed)


def every_storm(setup):
    lines = len(setup.grid.line_names)
    return storms_of(np.array(list(itertools.product((False, True), repeat=lines)), dtype=bool))


def plan_of(setup, **kw):
    beta = np.array([float(kw.get(name, 0.0)) for name in setup.sites.names])
    nothing = no_plan(setup.grid, setup.sites)
    return Plan(beta > 0, beta, nothing.hardened, nothing.added)


def served(setup, plan, storms, workers=1):
    grid = setup.grid
    return second_stage(grid, setup.sites, plan, storms, Phases(grid.feeder, grid.limits, Workers(workers)))


def test_substation_alone_serves_what_still_hangs_on_it(small):
    """By hand: a fault at c's line takes c, and d is fed over the tie; a fault at a's line takes all."""
    setup = small()
    names = setup.grid.line_names
    failed = np.array([[name == f"feed_{x}" for name in names] for x in "ca"])
    found = served(setup, plan_of(setup), storms_of(failed))
    weighted_c = 100 * 5 + 50
    assert found.q == pytest.approx([weighted_c, setup.grid.total_weighted_kw])
    assert [island.source for island in found.islands] == ["substation"]
    assert "tie" in found.islands[0].closed


def test_a_source_takes_what_is_worth_most_of_what_it_can_carry(small):
    """By hand: with a lost, b to e form one island. 100.1 kW of b go to e_end (50 kW, weight 10) and d (50 kW,
    weight 2); c (100 kW, weight 5) is worth 500, as much as e_end alone, but needs all 100 kW: e_end and d, 600."""
    setup = small()
    failed = np.array([[name == "feed_a" for name in setup.grid.line_names]])
    found = served(setup, plan_of(setup, b=100.1), storms_of(failed))
    assert found.q == pytest.approx([setup.grid.total_weighted_kw - 600.0])
    names = [setup.grid.unit_names[u] for u in np.flatnonzero(found.unit_on[0])]
    assert sorted(names) == ["d", "e_end"]
    assert found.islands[0].source_kw == pytest.approx(100.0, abs=0.1)


def test_islands_are_radial_apart_and_without_fault(small):
    setup = small()
    grid, storms = setup.grid, every_storm(setup)
    plan = plan_of(setup, c=120, e=70, d=60)
    found = served(setup, plan, storms)
    dead = storms.sections_out(grid)
    taken = {}
    row = {device.name: d for d, device in enumerate(grid.sections.devices)}
    for island in found.islands:
        graph = nx.MultiGraph()
        graph.add_nodes_from(island.sections)
        graph.add_edges_from(grid.sections.ends[row[name]] for name in island.closed)
        assert nx.is_tree(graph)
        assert not dead[island.storm, list(island.sections)].any()
        assert taken.setdefault(island.storm, set()).isdisjoint(island.sections)
        taken[island.storm].update(island.sections)
        assert island.feasible
        assert island.source_kw <= island.rated_kw + 1e-6
    assert len(taken) > 10


def test_what_is_lost_is_what_is_not_picked_up(small):
    setup = small()
    found = served(setup, plan_of(setup, c=120, e=70), every_storm(setup))
    assert found.q == pytest.approx(setup.grid.total_weighted_kw - found.unit_on @ setup.grid.unit_weighted_kw)
    by_storm = np.zeros(len(found.q))
    for island in found.islands:
        by_storm[island.storm] += island.weighted_kw
    assert found.q == pytest.approx(setup.grid.total_weighted_kw - by_storm)


def test_storms_alike_are_solved_once(small):
    setup = small()
    plan, storms = plan_of(setup, c=120), every_storm(setup)
    often = storms_of(np.tile(storms.failed, (20, 1)))
    a, b = served(setup, plan, storms), served(setup, plan, often)
    assert np.array_equal(np.tile(a.q, 20), b.q)
    assert (a.patterns, a.power_flows) == (b.patterns, b.power_flows)


def test_workers_and_order_do_not_matter(small):
    setup = small()
    plan, storms = plan_of(setup, c=120, e=70), every_storm(setup)
    a, b = served(setup, plan, storms, workers=1), served(setup, plan, storms, workers=2)
    assert np.array_equal(a.q, b.q)
    assert a.islands == b.islands
    back = served(setup, plan, storms_of(storms.failed[::-1]))
    assert back.q[::-1] == pytest.approx(a.q)


def test_more_sources_never_lose_more(small):
    setup = small()
    storms = every_storm(setup)
    few, many = (served(setup, plan_of(setup, **kw), storms).q for kw in ({"c": 120}, {"c": 120, "e": 70, "d": 60}))
    assert (many <= few + 1e-9).all()
    assert many.sum() < few.sum()
