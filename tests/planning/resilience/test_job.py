"""The job as a whole on the small chain: its tables agree with each other, and nothing depends on who works."""

import numpy as np
import pandas as pd
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning import job, read_study, resilience
from gridstudio.planning.resilience import run
from gridstudio.planning.resilience.settings import ResilienceSettings

pytestmark = pytest.mark.long  # minutes of power flows and programs

SWEEP = {"budgets_kw": [50.0, 200.0], "site_counts": [2], "budget_lambdas": [0.0]}
TIMES = ["seconds"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results by name, each run once: with one worker, with two."""
    return {}


@pytest.fixture
def result(chain, results):
    def of(workers=1):
        if workers not in results:
            made = chain(sweep=SWEEP, scenarios={"keep": 6})
            results[workers] = run(made.settings, made.folder, Workers(workers))
        return results[workers]

    return of


def table(found, name):
    return found.tables[name]


def test_every_table_and_column_is_documented(result):
    told = resilience.__doc__
    for name, made in result().tables.items():
        assert f"{name}:" in told or f"{name} " in told, name
        if name not in ("network_buses", "network_branches"):
            assert [column for column in made.columns if column not in told] == [], name


def test_workers_change_no_number(result):
    one, two = result(1), result(2)
    for name in one.tables.keys() - {"timing"}:
        left, right = (table(found, name).drop(columns=TIMES, errors="ignore") for found in (one, two))
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert one.headline == two.headline


def test_probabilities_of_scenarios_sum_to_one(result):
    assert table(result(), "scenarios")["probability"].sum() == pytest.approx(1.0, abs=1e-12)


def test_sources_keep_the_budget_and_their_sites(result):
    plan = table(result(), "plan")
    assert plan["built"].any()
    assert plan["kw"].sum() <= 200.0 + 1e-6
    assert (plan["kw"] <= plan["max_kw"] + 1e-6).all()


def test_every_reported_island_holds_in_the_power_flow(result):
    found = result()
    islands = table(found, "islands")
    assert islands["feasible"].all()
    assert found.violations_left == 0
    assert islands["v_min_pu"].min() >= 0.95
    own = islands[islands["source"] != "substation"]
    assert len(own)
    assert (own["source_kw"] <= own["rated_kw"] + 1e-6).all()


def test_what_is_lost_is_what_is_not_picked_up(result):
    found = result()
    loads, scenarios = table(found, "loads").set_index("load"), table(found, "scenarios")
    weighted = loads["kw"] * loads["weight"]
    picked = table(found, "pickup").assign(kw=lambda t: t["load"].map(weighted)).groupby("scenario")["kw"].sum()
    lost = weighted.sum() - scenarios["scenario"].map(picked).fillna(0.0)
    assert lost.to_numpy() == pytest.approx(scenarios["q_kw"].to_numpy())


def test_a_plan_never_loses_more_than_nothing_built(result):
    losses, risk = table(result(), "losses"), table(result(), "risk").set_index(["storms", "case"])
    assert (losses["with_plan_kw"] <= losses["without_kw"] + 1e-6).all()
    assert risk.loc[("fresh", "plan"), "mean_kw"] < risk.loc[("fresh", "without"), "mean_kw"]
    assert len(losses) == 1000


def test_the_plan_for_all_scenarios_is_no_worse_than_that_for_the_mean_storm(result):
    assert table(result(), "stochastic_value").set_index("what")["kw"]["value of the stochastic solution"] >= 0.0


def test_the_study_files_can_be_read_and_checked(pytestconfig):
    folder = pytestconfig.rootpath / "studies"
    for name in ("resilience_ieee123", "resilience_hardening", "resilience_sensitivity"):
        module, settings = read_study(folder / f"{name}.toml")
        assert module is job("resilience")
        assert isinstance(settings, ResilienceSettings)
        assert [f for f in module.check(settings, folder) if f.severity == "error"] == []
        assert [site.name for site in settings.sites] == ["95", "450", "39", "85", "56", "66", "47", "27", "114"]
        assert settings.scenarios.keep == 49
        assert settings.sweep.draws >= 4 or not settings.sweep.scenarios  # two draws know no standard error


def test_without_a_fault_nothing_is_lost_and_nothing_told(result):
    found = result()
    assert not found.tables["findings"]["text"].str.contains("Without any fault").any()
    calm = table(found, "scenarios")["sections_out"].eq(0)
    assert calm.sum() == 1
    assert table(found, "scenarios").loc[calm, "q_kw"].tolist() == [0.0]


def test_the_first_numbers_are_the_sources_and_the_critical_load_picked_up(result):
    head = result().headline
    assert list(head)[:3] == ["plan", "critical_kw", "bare_critical_kw"]
    assert head["critical_kw"].value.endswith("of 100 kW")


def test_critical_load_is_told_with_and_without_the_plan(result):
    losses, critical = table(result(), "losses"), table(result(), "critical").set_index("case")
    assert critical.at["plan", "mean_kw"] == pytest.approx(losses["critical_kw"].mean())
    assert critical.at["without", "mean_kw"] == pytest.approx(losses["critical_without_kw"].mean())
    assert critical.at["plan", "mean_se_kw"] == pytest.approx(losses["critical_kw"].sem())
    assert critical.at["plan", "worst_kw"] >= critical.at["without", "worst_kw"]


def test_every_estimate_over_storms_has_its_standard_error(result):
    found = result()
    fresh = table(found, "risk").query("storms == 'fresh'")
    assert np.isfinite(fresh[["mean_se_kw", "var_se_kw", "cvar_se_kw", "objective_se_kw"]].to_numpy()).all()
    names = ["fresh_mean_se_kw", "fresh_var_se_kw", "fresh_cvar_se_kw", "fresh_objective_se_kw", "fresh_critical_se_kw"]
    assert np.isfinite(table(found, "sweep")[names].to_numpy()).all()
    chance = table(found, "sections")["fault_probability"]
    drawn = table(found, "convergence")["storms"].iloc[-1]
    error = np.sqrt(chance * (1 - chance) / drawn)
    assert table(found, "sections")["fault_probability_se"].to_numpy() == pytest.approx(error.to_numpy())


def test_findings_that_the_sweeps_do_not_vary_are_not_tested(result):
    told = table(result(), "statements").set_index("statement")["supported"]
    assert told["A larger lambda never raises CVaR."] == "not tested"


def test_what_the_bound_does_not_cover_is_told(result):
    told = table(result(), "assumptions").set_index("topic")["text"]
    assert "barred for all loads" in told["Bound and gap"]
    assert "larger than the one asked for" in told["Bound and gap"]


def test_a_budget_below_every_load_is_a_result_that_builds_nothing(chain):
    made = chain(budget={"kw": 10}, monte_carlo={"storms": 600, "least": 500}, scenarios={"keep": 3})
    found = run(made.settings, made.folder)
    assert not table(found, "plan")["built"].any()
    assert found.headline["plan"].value == "none"
    assert found.headline["gap_pct"].value == pytest.approx(0.0)


def test_a_quick_run_asks_for_less(chain):
    settings = chain(sweep=SWEEP, monte_carlo={"storms": 10_000}, scenarios={"keep": 49}).settings
    quick = settings.quick()
    assert (quick.scenarios.keep, quick.monte_carlo.storms) == (9, 1000)
    assert len(quick.sweep.budgets_kw) == 2
