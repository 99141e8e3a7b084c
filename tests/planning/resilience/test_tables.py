"""Tables agree with what the loop ends with."""

from dataclasses import replace

import numpy as np

from gridstudio.planning.resilience.contract import Checked, Plan, Served, Solution
from gridstudio.planning.resilience.tables import ALL_ROUNDS, solver_table

PLAN = Plan(np.array([True]), np.array([80.0]), np.zeros(0, bool), np.zeros(0, bool))
SERVED = Served(np.array([70.0]), np.zeros((1, 0), bool), np.zeros(1), (), (), 1, 1, 0)
ROUND = Solution(PLAN, "feasible", 72.0, 60.0, 0.17, 2.0, 40, 90, np.array([72.0]))


def checked():
    """Two rounds whose best is proven by a bound raised between them, which is in no round's row."""
    second = replace(ROUND, objective=70.0, rows=91)
    end = replace(second, status="optimal", bound=69.5, gap=0.5 / 70.0, seconds=9.0, stopped_by_clock=True)
    return Checked(PLAN, end, SERVED, (ROUND, second), 0)


def test_the_last_row_of_the_solver_is_the_end_of_all_rounds():
    found = checked()
    table = solver_table(found)
    assert table["round"].tolist() == ["1", "2", ALL_ROUNDS]
    last, end = table.iloc[-1], found.solution
    assert (last["status"], last["objective_kw"], last["bound_kw"]) == (end.status, end.objective, end.bound)
    assert (last["gap"], last["seconds"], last["stopped_by_clock"]) == (end.gap, end.seconds, True)
    assert table["bound_kw"].tolist() == [60.0, 60.0, 69.5]


def test_the_table_of_the_solver_can_be_kept(tmp_path):
    path = tmp_path / "solver.parquet"
    solver_table(checked()).to_parquet(path, index=False)
    assert path.is_file()
