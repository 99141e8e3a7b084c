"""Tables on hand-made plans: classes of decisions, totals, quantiles, the comparison with published rows."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridstudio.domain.scenarios import Scenario
from gridstudio.errors import InputError
from gridstudio.planning.reconductoring import comparison, tables
from gridstudio.planning.reconductoring.problem import Plan
from gridstudio.planning.reconductoring.summary import weighted_quantile


@pytest.fixture
def problem(abstract_problem):
    """Four lines of 1, 2, 3 and 4 km; C0 hangs, C1 for 10, C2 for 20 and C3 for 30 USD per km; 10 % discount."""
    return abstract_problem(
        [100, 200, 300, 400], [1, 10, 20, 30], [False, True, True, True], [0, 0, 0, 0], years=5, most=2, rate=0.1,
        length_km=[1, 2, 3, 4],
    )  # fmt: skip


def scenarios(*probability):
    return [Scenario(name=str(n), probability=p) for n, p in enumerate(probability, start=1)]


def decided(problem, sequences, probability):
    """Decisions of line l0 whose sequence in each scenario is given, years counted from 1."""
    plans = [Plan.of({0: tuple((year - 1, row) for year, row in steps)}) for steps in sequences]
    table = tables.decisions(problem, scenarios(*probability), plans)
    return table.iloc[0] if len(table) else None


@pytest.mark.parametrize(
    ("sequences", "kind"),
    [
        ([[(3, 1)], [(3, 1)]], "unchanged"),
        ([[(3, 1)], [(2, 1)]], "advanced"),
        ([[(3, 1)], [(4, 1)]], "deferred"),
        ([[(3, 1)], []], "deferred"),
        ([[(3, 1)], [(3, 2)]], "conductor changed"),
        ([[(3, 1)], [(1, 2)]], "conductor changed"),  # the furthest departure counts
        ([[], [(3, 1)]], "new"),
        ([[(1, 1), (4, 2)], [(1, 1), (2, 2)]], "advanced"),  # the second replacement earlier
        ([[(1, 1), (4, 3)], [(1, 2), (4, 3)]], "conductor changed"),  # the first one larger
        ([[(1, 1), (4, 2)], [(1, 1)]], "conductor changed"),
    ],
)
def test_class_of_a_decision(problem, sequences, kind):
    assert decided(problem, sequences, [0.5, 0.5])["class"] == kind


def test_probabilities_of_a_decision(problem):
    row = decided(problem, [[(3, 1)], [(3, 1)], [(1, 1)], [(2, 2)], []], [0.4, 0.3, 0.15, 0.1, 0.05])
    assert row["p_replaced"] == pytest.approx(0.95)
    assert row["p_unchanged"] == pytest.approx(0.7)  # the first scenario counts as well
    assert row["p_advanced"] == pytest.approx(0.25)
    assert row["p_conductor_changed"] == pytest.approx(0.1)
    assert row["p_new"] == row["p_deferred"] == 0
    assert row["p_not_needed"] == pytest.approx(0.05)
    assert (row["first_year_min"], row["first_year_max"]) == (1, 3)
    assert row["years"] == "1: 15 %, 2: 10 %, 3: 70 %"
    assert row["conductors"] == "C1: 85 %, C2: 10 %"
    assert row["expected_cost_usd"] == pytest.approx(0.85 * 10 + 0.1 * 20)
    assert row["class"] == "conductor changed"


def test_a_rare_year_is_not_rounded_to_never(problem):
    row = decided(problem, [[(2, 1)], [(1, 1)]], [0.004, 0.996])
    assert row["years"] == "1: >99 %, 2: <1 %"
    assert row["conductors"] == "C1: 100 %"


def test_shares_of_every_line_add_up(main_study):
    table = main_study.result.tables["decisions"]
    np.testing.assert_allclose(table["p_replaced"] + table["p_not_needed"], 1.0, atol=1e-12)
    new = table["class"] == "new"
    np.testing.assert_allclose(table.loc[new, "p_new"], table.loc[new, "p_replaced"], atol=1e-12)
    assert (table.loc[table["class"] == "unchanged", "p_unchanged"] > 1 - 1e-12).all()
    expected = (table["expected_cost_usd"]).sum()
    scenario = main_study.result.tables["scenarios"]
    assert expected == pytest.approx(scenario["cost_usd"] @ scenario["probability"])


def test_no_plan_gives_an_empty_table_with_its_columns(problem):
    table = tables.decisions(problem, scenarios(1.0), [Plan()])
    assert table.empty
    assert table.columns.tolist() == tables.DECISION_COLUMNS
    rows = tables.interventions(problem, scenarios(1.0), [Plan()])
    assert rows.empty
    assert len(tables.totals(problem, scenarios(1.0), rows)) == 5


def test_interventions_name_what_hung_before_and_discount_by_year(problem):
    plan = Plan.of({1: ((0, 1), (3, 3)), 0: ((2, 2),)})
    rows = tables.replacements(problem, plan)
    assert rows[["line", "year", "from", "to"]].to_numpy().tolist() == [
        ["l1", 1, "C0", "C1"], ["l0", 3, "C0", "C2"], ["l1", 4, "C1", "C3"],
    ]  # fmt: skip
    assert rows["cost_usd"].tolist() == [20.0, 20.0, 60.0]
    np.testing.assert_allclose(rows["present_value_usd"], [20.0, 20 / 1.1**2, 60 / 1.1**3])
    assert rows["present_value_usd"].sum() == pytest.approx(problem.capital_usd(plan))


def test_totals_add_up_over_years_and_scenarios(main_study):
    made = main_study.result.tables
    totals = made["totals"]
    assert len(totals) == 125 * 5
    by_scenario = totals.groupby("scenario", sort=False)[
        ["interventions", "length_m", "cost_usd", "present_value_usd"]
    ].sum()
    columns = by_scenario.columns
    np.testing.assert_allclose(by_scenario.to_numpy(float), made["scenarios"][columns].to_numpy(float), rtol=1e-12)
    rows = made["interventions"]
    assert rows["cost_usd"].sum() == pytest.approx(totals["cost_usd"].sum())
    assert len(rows) == totals["interventions"].sum()
    # #125: 16 lines at once, l114 and l117 in year 3, l67 and l73 in year 4... as published
    assert totals.query("scenario == '125'")["interventions"].tolist() == [14, 0, 2, 2, 0]


def test_violations_in_the_tables_are_those_of_the_scenarios(main_study):
    made = main_study.result.tables
    for when in ("before", "after"):
        counted = made[f"violations_{when}"]["scenario"].value_counts()
        stated = made["scenarios"].set_index("scenario")[f"violations_{when}"]
        assert counted.reindex(stated.index, fill_value=0).tolist() == stated.tolist()


@pytest.mark.parametrize(
    ("q", "expected"), [(0.05, 10.0), (0.2, 10.0), (0.21, 20.0), (0.5, 20.0), (0.7, 30.0), (0.95, 40.0), (1.0, 40.0)]
)
def test_weighted_quantile_is_the_smallest_value_that_reaches_the_share(q, expected):
    # cumulative: 10 -> 0.2, 20 -> 0.5, 30 -> 0.9, 40 -> 1.0
    assert weighted_quantile(np.array([30.0, 10.0, 40.0, 20.0]), np.array([0.4, 0.2, 0.1, 0.3]), q) == expected


# -- comparison ------------------------------------------------------------------------------------------------------


def compared(problem, theirs, ours, current_a=150.0):
    """Comparison of hand-made rows (line, year, from, to, cost), all in scenario 1."""
    columns = ["line", "year", "from", "to", "cost_usd"]
    before = SimpleNamespace(branch_current_a=lambda: np.full((1, 5, 4), current_a))
    object.__setattr__(problem, "branch", np.arange(4))
    return comparison.compare(
        problem,
        scenarios(1.0),
        pd.DataFrame(theirs, columns=columns).assign(scenario="1"),
        pd.DataFrame(ours, columns=columns).assign(scenario="1"),
        before,
    )


def test_rows_agree_within_a_dollar_of_rounding(problem):
    theirs = [("l0", 1, "C0", "C1", 10), ("l1", 2, "C0", "C2", 40), ("l2", 1, "C0", "C1", 30)]
    ours = [("l0", 1, "C0", "C1", 10.9), ("l1", 2, "C0", "C2", 41.1), ("l2", 2, "C0", "C1", 30.0)]
    rows, totals = compared(problem, theirs, ours)
    assert rows.set_index("line")["agrees"].to_dict() == {"l0": True, "l1": False, "l2": False}
    assert totals.iloc[0].to_dict() == {
        "scenario": "1", "interventions_published": 3, "interventions": 3, "agreeing": 1,
        "cost_published_usd": 80.0, "cost_usd": 82.0,
    }  # fmt: skip


def test_rows_of_one_side_only_are_shown_with_what_the_power_flow_says(problem):
    rows, totals = compared(problem, [("l0", 1, "C0", "C1", 10)], [("l1", 3, "C0", "C1", 20.0)], current_a=90.0)
    remark = "peaks at 90.0 A in year 1, its limit is 100.0 A: never above it"
    assert rows["remark"].tolist() == [remark, remark]
    assert rows["year"].isna().tolist() == [True, False]
    assert rows["year_published"].isna().tolist() == [False, True]
    assert totals[["interventions_published", "interventions", "agreeing"]].iloc[0].tolist() == [1, 1, 0]
    rows, _ = compared(problem, [("l0", 1, "C0", "C1", 10)], [], current_a=150.0)
    assert rows["remark"].item() == "peaks at 150.0 A in year 1, its limit is 100.0 A: above it from year 1 on"


def test_a_line_replaced_twice_is_compared_replacement_by_replacement(problem):
    theirs = [("l0", 4, "C1", "C2", 20), ("l0", 1, "C0", "C1", 10)]
    rows, totals = compared(problem, theirs, [("l0", 1, "C0", "C1", 10.0), ("l0", 5, "C1", "C2", 20.0)])
    assert rows["agrees"].tolist() == [True, False]
    assert totals[["interventions_published", "interventions", "agreeing"]].iloc[0].tolist() == [2, 2, 1]


def test_a_published_line_that_the_study_cannot_replace_is_named_so(problem):
    rows, _ = compared(problem, [("l9", 1, "C0", "C1", 10)], [])
    assert rows["remark"].item() == "this line cannot be replaced in this study"


def test_published_scenarios_that_the_run_has_not_are_left_out(problem):
    columns = ["scenario", "line", "year", "from", "to", "cost_usd"]
    theirs = pd.DataFrame([("77", "l0", 1, "C0", "C1", 10)], columns=columns)
    ours = pd.DataFrame([("1", "l0", 1, "C0", "C1", 10.0)], columns=columns)
    before = SimpleNamespace(branch_current_a=lambda: np.zeros((1, 5, 4)))
    rows, totals = comparison.compare(problem, scenarios(1.0), theirs, ours, before)
    assert rows.empty
    assert totals.empty


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("scenario,line,year\n1,l1,1\n", "table of published interventions has no column from, to, cost_usd"),
        ("scenario,line,year,from,to,cost_usd\n1,l1,soon,A,B,1\n", "not all values of year are numbers"),
        ("scenario,line,year,from,to,cost_usd\n1,l1,1,A,B,\n", "not all values of cost_usd are numbers"),
        ("", "cannot be read"),
    ],
)
def test_published_files_that_are_none_are_refused(tmp_path, text, match):
    path = tmp_path / "published.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        comparison.read_published(path)


def test_a_missing_published_file_is_named(tmp_path):
    with pytest.raises(InputError, match="There is no table of published interventions"):
        comparison.read_published(tmp_path / "nowhere.csv")
