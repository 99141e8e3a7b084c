"""Bad input of an upgrade study: one clear sentence each."""

import pytest

from gridstudio import planning
from gridstudio.errors import InputError

HEAD = "upgrade_type,cost_usd,capacity_gain_mw\n"
SCENARIOS = "scenario,annual_load_growth,solar_share,ev_share,ev_kw_per_vehicle,probability\n"
HOURS = "hour,weight_h,load_pu,ev_pu,solar_pu\n"


def hours(count: int = 24, skip: int = -1) -> str:
    return HOURS + "".join(f"{h},365,1,0.5,0\n" for h in range(count) if h != skip)


def run(path):  # type: ignore[no-untyped-def]
    job, settings = planning.read_study(path)
    return job.check(settings, path.parent)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"candidates": HEAD + "reconductor,100,\n"}, "line 2: reconductor has no size; give capacity_gain_mw"),
        ({"candidates": HEAD + "reconductor,-5,1\n"}, "line 2: cost_usd is '-5'; it must be zero or more"),
        ({"candidates": HEAD + "warp_drive,5,1\n"}, "unknown measure 'warp_drive'; known are reconductor"),
        ({"candidates": "upgrade_type,cost_usd\nreconductor,5\n"}, "column 'capacity_gain_mw' is missing"),
        ({"candidates": HEAD + "reconductor,5,1\nreconductor,6,2\n"}, "reconductor on a occurs twice"),
        ({"candidates": "feeder_id," + HEAD + "z,reconductor,5,1\n"}, "feeder 'z' is not in the table"),
        ({"candidates": HEAD[:-1] + ",power_mw\nbattery_storage,5,,1\n"}, "needs both power_mw and energy_mwh"),
        (
            {"feeders": "feeder_id,peak_mw,customer_count,rated_capacity_mw\na,1,1,1\na,1,1,1\n"},
            "feeder a occurs twice",
        ),
        (
            {"candidates": "limit," + HEAD + "cable,reconductor,5,1\n"},
            "line 2: no feeder has a limit 'cable'; the table of feeders names none",
        ),
        (
            {
                "feeders": "feeder_id,limit,peak_mw,customer_count,rated_capacity_mw\na,line,1,1,1\na,bank,1,1,1\n",
                "candidates": "limit," + HEAD + "line,reconductor,5,1\ncable,reconductor,5,1\n",
            },
            "line 3: no feeder has a limit 'cable'; known are 'line', 'bank'",
        ),
        ({"feeders": "feeder_id,peak_mw,customer_count,rated_capacity_mw\na,1,1,0\n"}, "rated_capacity_mw is '0'"),
        ({"feeders": "feeder_id,peak_mw,customer_count,rated_capacity_mw\n"}, "has no feeder"),
    ],
)
def test_a_wrong_table_is_told_with_its_line(study, files, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(study(**files))


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (hours(20), "has 20 rows where 24 are needed, the hours 0 to 23 once each; hour 20, 21, 22, 23 is missing"),
        (hours(skip=7), "has 23 rows where 24 are needed.* hour 7 is missing"),
        (hours().replace("\n5,365,1,", "\n5,365,,"), "load_pu is ''; it must be zero or more"),
        (hours().replace("\n5,365,1,", "\n5,365,1.5,"), "load_pu reaches 1.5"),
        (hours().replace("365", "400"), "adds to 9600 hours, more than a year has"),
    ],
)
def test_profiles_of_wrong_length_or_with_gaps_are_refused(study, profile: str, message: str) -> None:
    path = study(profiles=profile)
    path.write_text(path.read_text().replace("[horizon]", 'profiles = "profiles.csv"\n[horizon]'))
    with pytest.raises(InputError, match=message):
        run(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,0.01,0.2,0.1,8,0.5\n2,0.01,0.2,0.1,8,0.4\n", "add to 0.9; they must add to 1"),
        ("1,0.01,0.2,0.1,8,0.5\n1,0.02,0.2,0.1,8,0.5\n", "scenario 1 occurs twice"),
        ("1,0.01,0.2,-0.1,8,1\n", "ev_share is '-0.1'"),
    ],
)
def test_scenarios_that_are_no_distribution_are_refused(study, rows: str, message: str) -> None:
    path = study(scenarios=SCENARIOS + rows)
    path.write_text(path.read_text().replace("[scenarios]", '[scenarios]\ntable = "scenarios.csv"'))
    with pytest.raises(InputError, match=message):
        run(path)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("growth = { rates = [0.01, 0.02], probabilities = [0.5, 0.6] }", "must add to 1, not 1.1"),
        (
            "growth = { rates = [0.01, 0.02], probabilities = [1.2, -0.2] }",
            "the probabilities of the growth rates must not be negative, as -0.2 is",
        ),
        ("growth = { rates = [0.01], probabilities = [0.5, 0.5] }", "1 growth rates have 2 probabilities"),
        ("ev_kw = [9, 6]", "should rise"),
        ("kepp = 3", "did you mean 'kept'"),
    ],
)
def test_wrong_settings_are_told(study, section: str, message: str) -> None:
    path = study()
    path.write_text(path.read_text().replace("[scenarios]", f"[scenarios]\n{section}"))
    with pytest.raises(InputError, match=message):
        run(path)


def test_a_budget_that_buys_nothing_names_the_least_that_works(study) -> None:
    path = study()
    path.write_text(path.read_text() + "[money]\nbudget_usd_per_year = 5000\n")
    with pytest.raises(InputError, match="least budget that works is 100,000 USD, for transformer_upgrade on a"):
        run(path)


def test_a_budget_for_measures_without_capital_alone_is_told(study) -> None:
    path = study(candidates=HEAD + "reconductor,300000,2\ndemand_response,0,0.1\n")
    path.write_text(path.read_text() + "[money]\nbudget_usd_per_year = 5000\n")
    (finding,) = run(path)
    assert finding.severity == "warning"
    assert "the least budget that works is 300,000 USD, for reconductor on a" in finding.text
    assert "Only measures without capital can be built" in finding.text


def test_a_good_study_has_no_finding(study) -> None:
    assert run(study()) == []
