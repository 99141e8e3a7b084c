"""The job as a whole on a small study, and the merit of projects and alternatives by hand."""

from dataclasses import replace

import numpy as np
import pytest

from gridstudio import planning
from gridstudio.domain.economics import present_value
from gridstudio.planning.upgrades import alternatives
from gridstudio.planning.upgrades.contract import Plan, all_packages
from gridstudio.planning.upgrades.merit import Alternative, alternative, alternative_cost, merit, weighted_quantile
from gridstudio.planning.upgrades.roadmap import _action
from gridstudio.planning.upgrades.settings import AlternativeSettings


@pytest.fixture(scope="module")
def result(shared_study):
    job, settings = planning.read_study(shared_study)
    return job.run(settings, shared_study.parent)


def test_the_tables_agree_with_each_other(result) -> None:
    tables = result.tables
    assert tables["years"]["spend_usd"].sum() == tables["selection"].query("built")["cost_usd"].sum()
    assert tables["roadmap"]["spend_usd"].sum() == tables["years"]["spend_usd"].sum()
    plans = tables["plans"].set_index("plan")
    assert plans.loc["plan", "total_usd"] == plans["total_usd"].min()
    inside = tables["check"].set_index("scenarios").loc["in sample"]
    assert inside["expected_total_usd"] == pytest.approx(result.headline["total_usd"].value)
    assert inside["expected_unserved"] == pytest.approx(plans.loc["plan", "expected_unserved"])
    assert set(tables["check"]["scenarios"]) == {"in sample", "out of sample"}


def test_the_risk_map_counts_the_probability_once(result) -> None:
    rank = result.tables["ranking"]
    np.testing.assert_allclose(rank["probability"] * rank["severity"], rank["expected_unserved"])


def test_the_same_study_gives_the_same_result(study, result) -> None:
    path = study()
    job, settings = planning.read_study(path)
    again = job.run(settings, path.parent)
    for name in set(result.tables) - {"timing", "solver"}:
        assert result.tables[name].equals(again.tables[name]), name


def test_merit_by_hand() -> None:
    # -1000 now, 500 in each of the years 2 to 4 at 10 %: benefits 1243.43; three years and 132.231 / 375.657 of the 4th
    found = merit(np.array([0.0, 500.0, 500.0, 500.0]), np.array([1000.0, 0, 0, 0]), 0.10)
    assert found.benefit_usd == pytest.approx(1243.426, abs=1e-3)
    assert found.npv_usd == pytest.approx(243.426, abs=1e-3)
    assert found.bcr == pytest.approx(1.243426, abs=1e-6)
    assert found.payback_years == pytest.approx(3 + 132.231 / 375.657, abs=1e-5)


def test_cost_of_alternatives_by_hand() -> None:
    # 0.5 MW of demand response for 2 years: 2 x (500 x 80 + 50 000) = 180 000; 1 MW battery for 2 of 10 years: 70 000
    given = AlternativeSettings(battery_life_years=10)
    assert alternative_cost(given, 0.5, 1.0, 1, 2, 0.0) == pytest.approx(250_000)
    assert alternative_cost(given, 0.0, 0.0, 1, 2, 0.05) == 0.0


def test_a_battery_is_bought_again_when_its_life_ends() -> None:
    # 1 MW at 350 000 USD lives 10 years; in 12 years two are bought and 8/10 of the second is left
    given = AlternativeSettings(battery_life_years=10)
    assert alternative_cost(given, 0.0, 1.0, 1, 12, 0.0) == pytest.approx(2 * 350_000 - 280_000)
    again = alternative_cost(given, 0.0, 1.0, 1, 12, 0.05)
    assert again == pytest.approx(350_000 + 350_000 / 1.05**10 - 280_000 / 1.05**12)


def test_deferral_by_hand() -> None:
    given = AlternativeSettings(battery_life_years=10, dr_usd_per_year=0, dr_usd_per_kw_year=0)
    short, shift = np.array([0.0, 0.4, 0.9]), np.array([0.3, 0.3, 0.3])
    found = alternative(given, (1, 2, 3), short, shift, np.array([False, True, True]), 1e6, 0.0)
    assert found is not None
    assert (found.first_year, found.adequate_until) == (2, 3)
    assert (found.shift_mw, found.battery_mw) == pytest.approx((0.3, 0.6))
    assert found.deferral_usd == pytest.approx(-0.6 * 1000 * 350 * 2 / 10)  # without interest deferring saves nothing
    dearer = alternative(given, (1, 2, 3), short, shift, np.array([False, True, True]), 1e6, 0.10)
    assert dearer is not None
    saved = present_value(1e6, 2, 0.1) - present_value(1e6, 4, 0.1)
    assert dearer.deferral_usd == pytest.approx(saved - alternative_cost(given, 0.3, 0.6, 2, 3, 0.10))


def test_an_alternative_that_is_never_adequate_defers_nothing() -> None:
    found = alternative(
        AlternativeSettings(), (1, 2), np.array([1.0, 2.0]), np.zeros(2), np.array([False, False]), 1e6, 0.05
    )
    assert found is not None
    assert found.adequate_until < found.first_year
    assert found.deferral_usd == 0.0


@pytest.mark.parametrize(
    ("built", "short", "usd"),
    [
        ([0], [2.0, 0.0, 0.0, 0.0], 5.0),  # the plan builds wires there: those
        ([2], [2.0, 1.0, 0.0, 0.0], 9.0),  # a battery: the cheapest wires that serve the quantile
        ([], [2.0, 1.0, 0.5, 0.0], 9.0),  # none does: those that leave least
        ([], [2.0, 0.0, 0.5, 0.0], 5.0),
    ],
)
def test_alternatives_are_judged_against_the_wires_that_they_defer(menu, built, short, usd) -> None:
    offered = menu([("a", "x", 5.0, 1.0, "w"), ("a", "y", 9.0, 3.0, "w"), ("a", "battery", 1.0, 0.0, "w")])
    offered = replace(offered, power_mw=np.array([0.0, 0.0, 1.0]))
    packages = all_packages(offered, ("a",), 1)  # nothing, x, y, battery
    over = np.array([[short[0], short[1], short[2], short[3]]])
    found = alternatives.wires_usd(offered, packages, over, np.ones(1), 0, np.array(built, dtype=int), 0.95)
    assert found == usd


def test_without_wires_on_the_menu_nothing_is_deferred(menu) -> None:
    offered = replace(menu([("a", "battery", 1.0, 0.0, "")]), power_mw=np.ones(1))
    packages = all_packages(offered, ("a",), 1)
    assert alternatives.wires_usd(offered, packages, np.ones((1, 2)), np.ones(1), 0, np.array([0]), 0.95) is None


def test_a_feeder_is_bridged_only_before_the_plan_builds_there(menu) -> None:
    offered = menu([("a", "x", 5.0, 1.0, "")])
    other = Alternative(1, 0.0, 1.0, 3, 1.0, 5.0, 1.0)
    plan = Plan((1, 2, 3), np.array([1]))
    told = [_action(plan, offered, "a", year, year == 1, True, other) for year in range(3)]
    assert told == ["bridge", "build", "monitor"]


def test_quantiles_of_weighted_scenarios() -> None:
    p = np.array([0.90, 0.06, 0.04])
    assert weighted_quantile(np.array([1.0, 2.0, 9.0]), p, 0.95) == 2.0
    assert weighted_quantile(np.array([1.0, 2.0, 9.0]), p, 0.90) == 1.0
    assert weighted_quantile(np.array([1.0, 2.0, 9.0]), p, 0.97) == 9.0
