"""What the words of a result admit: clocks that stopped a search, and errors of 0 that are none."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridstudio.planning.resilience.assumptions import assumptions
from gridstudio.planning.resilience.contract import Checked, Plan, Served, Solution
from gridstudio.planning.resilience.summary import findings_table

PLAN = Plan(np.zeros(2, bool), np.zeros(2), np.zeros(0, bool), np.zeros(0, bool))
SERVED = Served(np.array([70.0]), np.zeros((1, 0), bool), np.zeros(1), (), (), 1, 1, 0)
SOLUTION = Solution(PLAN, "optimal", 70.0, 70.0, 0.0, 2.0, 40, 90, np.array([70.0]))
DRAWN = SimpleNamespace(converged=True, loss=np.array([70.0, 10.0]))


@pytest.fixture
def warnings(chain):
    """warnings(solution, errors of VaR, points stopped by the clock): texts of the findings."""
    settings = chain().settings

    def of(solution=SOLUTION, var_se_kw=1.0, stopped=(False, False)):
        made = {
            "scenarios": pd.DataFrame({"sections_out": [0], "q_kw": [0.0]}),
            "risk": pd.DataFrame(
                {
                    "storms": ["scenarios", "fresh", "fresh"],
                    "case": ["plan", "without", "plan"],
                    "var_kw": [50.0, 60.0, 40.0],
                    "var_se_kw": [np.nan, 2.0, var_se_kw],
                }
            ),
            "sweep": pd.DataFrame({"point": [1, 2], "gap": [0.0, 0.0], "stopped_by_clock": stopped}),
        }
        table = findings_table(settings, [], DRAWN, Checked(PLAN, solution, SERVED, (solution,), 0), made)
        assert set(table["severity"]) <= {"warning"}
        return table["text"].tolist()

    return of


def test_a_study_without_faults_has_no_findings(warnings):
    assert warnings() == []


def test_a_clock_that_stopped_the_plan_is_named(warnings):
    (text,) = warnings(replace(SOLUTION, stopped_by_clock=True))
    assert text.startswith("The clock stopped the search for the plan. Another machine may find another plan")


def test_a_gap_that_no_clock_left_open_is_no_matter_of_the_machine(warnings):
    (text,) = warnings(replace(SOLUTION, status="feasible", bound=35.0, gap=0.5))
    assert "proven to 50 %" in text
    assert "machine" not in text


def test_the_points_that_a_clock_stopped_are_named(warnings):
    (text,) = warnings(stopped=(False, True))
    assert text.startswith("Points of the sweeps that the clock stopped: 2. Another machine")


def test_an_error_of_0_at_var_is_told_as_a_lump(warnings):
    (text,) = warnings(var_se_kw=0.0)
    assert "many storms lose the same (40 weighted kW, case plan)" in text


def test_assumptions_tell_what_islands_are_solved_to_and_what_a_machine_may_change(chain):
    made = chain()
    setup = made.prepare()
    told = assumptions(made.settings, setup.grid, DRAWN, quick=True).set_index("topic")["text"]
    assert "islands are optimal to 0.01 %" in told["Program"]
    assert "where the clock stopped a program (column stopped_by_clock)" in told["Machines and workers"]
    assert "many storms lose the same, not that VaR is exact" in told["Standard errors"]
    assert told.index[0] == "Quick run"
    assert told.index.is_unique
