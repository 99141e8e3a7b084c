"""Sweeps: the same storms for all points, kept on disk."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience import sweep
from gridstudio.planning.resilience.outages import FRESH, Lottery, monte_carlo
from gridstudio.planning.resilience.selection import select
from gridstudio.planning.resilience.sweep import Bench, Case, Kept, Outcome, Point, identity, points, run_sweep
from gridstudio.planning.resilience.sweep_tables import sweep_losses_table, sweep_table

pytestmark = pytest.mark.long  # minutes of power flows and programs

SWEEP = {
    "scenarios": [2, 4],
    "draws": 2,
    "lambdas": [0.0, 1.0],
    "alphas": [0.5, 0.9],
    "budgets_kw": [100.0, 300.0],
    "site_counts": [1, 2],
}


def outcome(q, objective=100.0, seconds=1.0, beta_kw=None, fresh=None, binaries=40):
    q = np.asarray(q, dtype=float)
    fresh_q = np.asarray(q if fresh is None else fresh, dtype=float)
    return Outcome(
        status="optimal",
        objective_kw=objective,
        bound_kw=objective,
        gap=0.0,
        stopped_by_clock=False,
        seconds=seconds,
        rounds=1,
        cut=0,
        binaries=binaries,
        rows=2 * binaries,
        beta_kw=beta_kw or {"b": 100.0},
        spent_usd=0.0,
        q=q,
        probability=np.full(len(q), 1 / len(q)),
        fresh_q=fresh_q,
        fresh_critical_kw=np.zeros(len(fresh_q)),
    )


@pytest.fixture
def bench(chain):
    made = chain(sweep=SWEEP)
    setup, settings = made.prepare(), made.settings
    lottery = Lottery(setup.grid, setup.wind, setup.fragility, 3, 1)
    drawn = monte_carlo(lottery, settings.monte_carlo)
    chosen = select(setup.grid, drawn.storms, drawn.loss, settings.scenarios.keep)
    fresh = lottery.draw(1000, (FRESH,))
    return Bench(settings, lottery, setup.sites, chosen.storms, drawn.storms, drawn.loss, fresh)


def test_points_are_those_of_the_settings(bench):
    found = points(bench.settings)
    assert [point.sweep for point in found] == ["scenarios"] * 4 + ["risk"] * 4 + ["budget"] * 8
    assert len({point.case for point in found if point.sweep == "risk"}) == 3  # lambda 0 is one program for all alphas


def test_an_interrupted_sweep_goes_on_where_it_stopped(bench, tmp_path, monkeypatch):
    solved = []

    def solve(bench, case, storms, phases):
        if len(solved) == 5:
            raise KeyboardInterrupt
        solved.append(case)
        return outcome([len(solved)])

    monkeypatch.setattr(sweep, "solve", solve)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(bench, None, tmp_path, "a study")
    first = list(solved)
    solved.clear()
    monkeypatch.setattr(sweep, "solve", lambda b, case, s, p: (solved.append(case), outcome([0.0]))[1])
    found = run_sweep(bench, None, tmp_path, "a study")
    assert not set(first) & set(solved)
    assert set(first) | set(solved) == {point.case for point, _ in found}
    assert found[0][1].q.tolist() == [1.0]


def test_another_study_does_not_find_what_is_kept(tmp_path):
    case = Case(9, 0, 0.5, 0.9, 100.0, 2)
    Kept(tmp_path, "one").save(case, outcome([1.0, 2.0]))
    assert Kept(tmp_path, "other").load(case) is None
    again = Kept(tmp_path, "one").load(case)
    assert again.q.tolist() == [1.0, 2.0]
    assert again.beta_kw == {"b": 100.0}
    assert Kept(tmp_path, "one").load(replace(case, draw=1)) is None


def test_what_other_code_has_kept_is_solved_again(tmp_path):
    case, kept = Case(9, 0, 0.5, 0.9, 100.0, 2), Kept(tmp_path, "one")
    kept.save(case, outcome([1.0]))
    (path,) = tmp_path.iterdir()
    values = json.loads(path.read_text())
    del values["rows"]  # as before programs told their size
    path.write_text(json.dumps(values))
    assert kept.load(case) is None


def test_points_of_a_sweep_are_no_part_of_what_decides_an_outcome(bench):
    settings = bench.settings
    more = settings.model_copy(update={"sweep": settings.sweep.model_copy(update={"lambdas": (0.0, 0.3, 1.0)})})
    wider = settings.model_copy(update={"sweep": settings.sweep.model_copy(update={"gap": 0.5})})
    assert identity(settings, {}, {}) == identity(more, {}, {})
    assert identity(settings, {}, {}) != identity(wider, {}, {})
    assert identity(settings, {"a.dss": "1"}, {}) != identity(settings, {"a.dss": "2"}, {})


def test_points_of_one_number_share_their_scenarios_and_draws_do_not(bench):
    own = Case(8, 0, 0.5, 0.9, 200.0, 2)
    assert sweep.scenarios_of(bench, own) is bench.storms
    one, other = (sweep.scenarios_of(bench, replace(own, scenarios=4, draw=draw)) for draw in (1, 2))
    assert not np.isin(one.wind_m_s, other.wind_m_s).any()
    again = sweep.scenarios_of(bench, replace(own, scenarios=4, draw=1, lambda_=1.0, budget_kw=50.0))
    assert (one.failed == again.failed).all()
    assert (one.probability == again.probability).all()


def test_a_real_point_loses_less_than_nothing_built_and_its_table_says_so(bench):
    phases = Phases(bench.grid.feeder, bench.grid.limits, Workers(1))
    case = Case(8, 0, 0.5, 0.9, 200.0, 2)
    found = [(Point("risk", case, 0.9), sweep.solve(bench, case, bench.storms, phases))]
    table = sweep_table(found)
    bare = float(bench.loss.mean())
    assert table["mean_kw"].iloc[0] < bare
    assert table["built_kw"].iloc[0] <= 200.0 + 1e-6
    assert table["fresh_mean_se_kw"].iloc[0] > 0
    assert table["rows"].iloc[0] > table["binaries"].iloc[0] > 0
    assert not table["stopped_by_clock"].iloc[0]
    assert table["checked_objective_kw"].iloc[0] == pytest.approx(table["objective_kw"].iloc[0], rel=1e-3)
    assert sweep_losses_table(found)["loss_kw"].max() <= bench.grid.total_weighted_kw + 1e-6
