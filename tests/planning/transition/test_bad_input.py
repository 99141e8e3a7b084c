"""Bad input of a transition study: one clear sentence each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstudio.errors import InputError, SolverError
from gridstudio.planning.transition import Settings, check, days, inputs
from gridstudio.planning.transition.case import Chain, Outlook, RepresentativeDays, fits
from gridstudio.planning.transition.checks import check_targets
from gridstudio.planning.transition.factors import portfolio
from gridstudio.planning.transition.graph import Model, policy_graph
from gridstudio.planning.transition.shortterm import _load
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.stopping import Iterations
from gridstudio.solve.sddp.training import train

DATA = Path(__file__).resolve().parents[3] / "studies" / "data"
TABLES = {name: f"aeso6_{name}.csv" for name in ("buses", "branches", "units", "parameters")}


@pytest.fixture
def study(tmp_path):
    """The published case in a folder of its own, with some text of a table replaced."""

    def make(table="", before="", after="", **settings):
        for name in TABLES.values():
            text = (DATA / name).read_text(encoding="utf-8")
            if name == f"aeso6_{table}.csv":
                assert before in text
                text = text.replace(before, after, 1)
            (tmp_path / name).write_text(text, encoding="utf-8")
        data = {"job": "transition", "tables": TABLES, "cases": {"A": ["gas", "h2"]}, "days": {"source": "sketch"}}
        data["study"] = {"extensive": [], "stochastic_value": [], "simulate": []}
        return Settings.validated(data | settings, "study.toml"), tmp_path

    return make


def test_the_published_case_is_sound(study) -> None:
    assert [finding.severity for finding in check(*study())] == ["warning"]


@pytest.mark.parametrize(
    ("table", "before", "after", "message"),
    [
        ("units", "1,South,gas,187.0", "1,South,gas,-187.0", "capacity_mw is '-187.0'; it must be zero or more"),
        ("units", "1,South,gas", "1,Mars,gas", "bus 'Mars' is not in the table of buses"),
        ("units", "1,South,gas", "1,South,fusion", "unknown type 'fusion'; known are coal, gas"),
        ("units", "2,South,hydro", "1,South,hydro", "unit '1' occurs twice"),
        ("buses", "1588.71", "", "max_load_mw is ''; it must be zero or more"),
        ("branches", "0.305165", "0", "reactance_pu is '0'; it must be a positive number"),
        ("branches", "1,Northwest,Northeast", "1,Northwest,Northwest", "branch 1 starts and ends at Northwest"),
        ("branches", "reactance_pu", "x", "column 'reactance_pu' is missing"),
        (
            "parameters",
            "battery_charge_efficiency,0.922",
            "battery_charge_efficiency,1.1",
            "battery_charge_efficiency = 1.1; an efficiency lies above 0 and is 1 at most",
        ),
        ("parameters", "gas_maximum_share,0.9", "gas_maximum_share,9", "gas_maximum_share = 9; a share lies between"),
        (
            "parameters",
            "voll_usd_per_mwh,5000",
            "voll_usd_per_mwh,-1",
            "voll_usd_per_mwh = -1; it must not be negative",
        ),
        ("parameters", "gas_life_years,30", "gas_life_years,0", "gas_life_years = 0; it must be positive"),
        ("parameters", "5000,USD/MWh,assumed", "5000,USD/MWh,", "voll_usd_per_mwh has no source"),
        ("parameters", "gas_minimum_share,0,", "gas_minimum_share,0.95,", "gas_minimum_share = 0.95 is above gas_max"),
        ("parameters", "upper_first_million_m3,1.2", "upper_first_million_m3,3", "upper_first_million_m3 = 3 is above"),
        (
            "parameters",
            "battery_stored_max_share,1.0",
            "battery_stored_max_share,0.05",
            "battery_stored_min_share = 0.1 is above battery_stored_max_share = 0.05",
        ),
        (
            "parameters",
            "stage2_baseline_load",
            "stage2_baseline_lod",
            r"aeso6_parameters.csv, line \d+: the parameter 'stage2_baseline_lod' is not known.*nearest.*baseline_load",
        ),
        (
            "parameters",
            "stage2_baseline_fuel",
            "stage2_basline_fuel",
            "'stage2_basline_fuel' is not known, and the study's stage2_baseline_fuel is not given",
        ),
        ("parameters", "h2_capex_usd_per_kw", "h3_capex_usd_per_kw", "'h3_capex_usd_per_kw' is not known.*h2_capex"),
        ("parameters", "h2_capex_usd_per_kw,978.8,USD/kW", "h2_most_mw,9,MW", "has no 'h2_capex_usd_per_kw'; add a"),
        ("parameters", "_at_8_m_s,0.38", "_at_8_m_s,1.38", "output over rated power lies between 0 and 1"),
        (
            "parameters",
            "turbine_output_at_8_m_s",
            "turbine_output_at_8.0_m_s,0.4,share,assumed\nturbine_output_at_8_m_s",
            r"line \d+: turbine_output_at_8_m_s is the speed of turbine_output_at_8\.0_m_s once more; leave one",
        ),
    ],
)
def test_a_wrong_table_is_told(study, table: str, before: str, after: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(*study(table, before, after))


@pytest.mark.parametrize(
    "name", ["usd_per_cad", "true_rating_factor", "angle_limit_degrees", "dtr_most_rating_pu", "climate_cloud_exponent"]
)
def test_a_zero_that_nothing_can_be_divided_or_limited_by_is_told(tmp_path, name: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f"name,value,unit,source\nvoll_usd_per_mwh,1,USD,assumed\n{name},0,,assumed\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"line 3: {name} = 0; it must be positive"):
        inputs.read_parameters(path)


SKETCH, FILES = {"source": "sketch"}, {"source": "files", "weather": "w"}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"tables": TABLES | {"border": "b.csv"}}, "tables.border is not read with days.source = 'sketch': only synth"),
        ({"tables": TABLES | {"border": "b.csv"}, "days": FILES}, "tables.border is not read with days.source = 'fil"),
        ({"tables": TABLES | {"zones": "z.csv"}, "days": {}}, "tables.zones is not read with .*'synthetic': zones are"),
        (
            {"days": SKETCH | {"scaled": True}},
            "days.scaled is not read with days.source = 'sketch': sketched days have",
        ),
        ({"days": SKETCH | {"load": "l.csv"}}, "days.load is not read with days.source = 'sketch': sketched days make"),
        ({"days": SKETCH | {"other_load": "l.csv"}}, "days.other_load is not read with days.source = 'sketch'"),
        ({"days": {"other_weather": "w"}}, "days.other_weather is not read with days.source = 'synthetic': it goes"),
        ({"published_busd": {"A": 1.0, "Z": 2.0}}, "published_busd.Z: there is no case 'Z'; the study's are A."),
        (
            {"days": {"co2_target": "year"}, "growth": {"sizes": [{}], "case": "A"}},
            "days.co2_target = 'year' makes one program of all days, whose time says nothing of more days",
        ),
    ],
)
def test_settings_that_nothing_reads_are_told(study, section, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(*study(**section))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"chain": {"transitions": {"2": [[0.5, 0.3, 0.1]]}}}, "into stage 2 of the start|state 'today'.*add to 0.9"),
        ({"chain": {"transitions": {"2": [[0.5, 0.5]]}}}, r"the matrix into stage 2 is \(1, 2\), not \(1, 3\)"),
        ({"chain": {"transitions": {"3": [[0.5, 0.5, 0], [1.0], [1, 0, 0]]}}}, "its rows have 3, 1, 3 probabilities"),
        ({"chain": {"states": ["high", "low"]}}, "state 'high' has no row for stage 2 .*stage2_high_load"),
        ({"chain": {"states": ["moderate", "moderate"]}}, "the state 'moderate' is named twice"),
        ({"chain": {"transitions": {"9": [[1.0]]}}}, "'9' is no stage from 2 to 3"),
        ({"cases": {"A": ["gas", "gas"]}}, "cases.A: a planning factor is named twice"),
        ({"cases": {"A": ["fusion"]}}, "cases.A.0 = 'fusion' should be"),
        ({"cases": {"A": ["wind"]}}, "'sketch' takes zones from a table"),
        ({"study": {"simulate": ["Z"]}}, "study.*there is no case"),
        ({"model": {"without": ["gravity"]}}, "unknown group 'gravity'; known are connection_cap"),
        ({"days": {"source": "files"}}, "source = 'files' goes with weather"),
        ({"risk": {"alpha": 0.9}}, "alpha goes with measure = 'cvar' or 'worst case', not with the expectation"),
        ({"risk": {"lambda": 0.5}}, "lambda goes with measure = 'cvar' or 'worst case', not with the expectation"),
        ({"risk": {"measure": "cvar"}}, "measure = 'cvar' needs alpha"),
        ({"risk": {"measure": "cvar", "alpha": 1.0}}, "risk.alpha = 1.0 should be less than 1"),
        ({"risk": {"measure": "cvar", "alpha": -0.1}}, "risk.alpha = -0.1 should be greater than or equal to 0"),
        ({"risk": {"measure": "cvar", "alpha": 0.9, "lambda": 1.5}}, "risk.lambda = 1.5 should be less than or equal"),
        ({"risk": {"measure": "worst case", "lambda": -1}}, "risk.lambda = -1 should be greater than or equal to 0"),
        ({"risk": {"measure": "worst case", "alpha": 0.9}}, "measure = 'worst case' takes no alpha"),
        ({"risk": {"measure": "variance"}}, "risk.measure = 'variance' should be 'expectation', 'cvar' or"),
        (
            {"risk": {"measure": "worst case"}, "growth": {"sizes": [{}], "case": "A"}},
            "a study of growth times training on the expectation",
        ),
    ],
)
def test_wrong_settings_are_told(study, section, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(*study(**section))


def test_transition_rows_must_add_to_one() -> None:
    states = ((Outlook("now"),), (Outlook("low"), Outlook("high")), (Outlook("low"), Outlook("high")))
    wrong = np.array([[0.5, 0.5], [0.5, 0.6]])
    with pytest.raises(InputError, match=r"into stage 3 from state 'high' must add to 1; they add to 1.1"):
        Chain(states, (np.ones(1), np.array([[0.5, 0.5]]), wrong))


def test_transition_probabilities_must_not_be_negative() -> None:
    states = ((Outlook("now"),), (Outlook("low"), Outlook("high")))
    with pytest.raises(InputError, match=r"into stage 2 from state 'now' must not be negative; number 2 is -0.5"):
        Chain(states, (np.ones(1), np.array([[1.5, -0.5]])))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wind_pu": np.zeros((1, 23, 1))}, "the profiles of wind_pu have 23 hours; a day has 24"),
        ({"load_mw": np.zeros((2, 24, 1))}, "load_mw has shape"),
        ({"load_mw": np.full((1, 24, 1), -1.0)}, "load_mw has a value that is negative"),
        ({"solar_pu": np.full((1, 24, 1), 1.2)}, "solar_pu reaches 1.2; it is a share of the capacity"),
        ({"weights": np.array([0.9])}, "weights must add to 1; they add to 0.9"),
        ({"weights": np.array([-1.0])}, "weights must not be negative; number 1 is -1"),
        ({"labels": ()}, "0 labels are given for 1 days"),
    ],
)
def test_wrong_days_are_told(changes, message: str) -> None:
    shape = np.zeros((1, 24, 1))
    given = {"load_mw": shape, "wind_pu": shape, "solar_pu": shape, "rating_pu": shape, "weights": np.ones(1)}
    with pytest.raises(InputError, match=message):
        RepresentativeDays(**{**given, "labels": ("a",), **changes})


def test_days_of_another_case_are_refused(make_case, make_days) -> None:
    days = make_days(make_case(buses=2), 1.0)
    with pytest.raises(InputError, match="load_mw has 2 profiles a day, the case 3 buses"):
        fits(days, make_case(buses=3))


def test_load_and_weather_of_other_hours_are_refused(study, tmp_path) -> None:
    settings, folder = study(days={"source": "files", "weather": "w", "load": "load.csv"})
    case = inputs.read_case(settings, folder)
    hours = pd.date_range("2021-01-02", periods=24, freq="h")
    pd.DataFrame({"time": hours, **dict.fromkeys(case.buses.name, 1.0)}).to_csv(tmp_path / "load.csv", index=False)
    points = days.mesh(case.buses.latitude, case.buses.longitude, 2, 2)
    values = np.zeros((24, 4))
    weather = days.Weather(points, 2021, values, values, values, values, "w", pd.Timestamp("2021-01-01"))
    with pytest.raises(InputError, match=r"load\.csv starts at 2021-01-02 00:00:00, the weather at 2021-01-01"):
        _load(settings, case, folder, weather, 0)
    assert _load(settings, case, folder, replace(weather, start=hours[0]), 0).shape == (24, 6)


# CO2 targets that nothing can meet


def target(make_case, make_days, two_stages, mt, factors=(), **numbers):
    case = make_case(chain=two_stages(load=(1.0, 1.0), co2_mt_per_year=mt), shedding_limit_share=0.0, **numbers)
    return Model(case, portfolio(case, factors), make_days(case, 50.0))


def test_a_co2_target_that_nothing_can_meet_names_stage_and_shortfall(make_case, make_days, two_stages) -> None:
    """50 MW of gas all year emit 50 x 8760 x 0.451 t = 0.1975 Mt; 0.1 are allowed."""
    with pytest.raises(
        InputError, match=r"(?s)stage 2 \(l\): \w+ CO2 target of 0.1 Mt a year.*short by 0.0975 Mt a year"
    ):
        check_targets(target(make_case, make_days, two_stages, 0.1))


@pytest.mark.parametrize(
    ("factors", "numbers"), [(("h2",), {}), ((), {"shedding_limit_share": 1.0})], ids=["clean plant", "shedding"]
)
def test_a_co2_target_that_something_can_meet_passes(make_case, make_days, two_stages, factors, numbers) -> None:
    model = target(make_case, make_days, two_stages, 0.1, factors)
    case = replace(model.case, parameters=model.case.parameters.changed(**numbers))
    check_targets(replace(model, case=case))


def test_in_the_first_stage_nothing_built_helps(make_case, make_days, two_stages) -> None:
    model = target(make_case, make_days, two_stages, 0.1, ("h2",))
    first = replace(model.case.chain.stages[0][0], co2_mt_per_year=0.1)
    chain = Chain(((first,), *model.case.chain.stages[1:]), model.case.chain.matrices)
    with pytest.raises(InputError, match=r"stage 1 \(today\)"):
        check_targets(model.with_chain(chain))


# What training finds


def spoiled(graph: PolicyGraph) -> PolicyGraph:
    """The graph with the first day of its last node with all columns at zero: the balance cannot be met."""
    last = graph.nodes[-1]
    part = last.parts[0]
    nothing = np.zeros(len(part.problem.upper))
    broken = replace(part, problem=replace(part.problem, lower=nothing, upper=nothing))
    return replace(graph, nodes=(*graph.nodes[:-1], replace(last, parts=(broken, *last.parts[1:]))))


def test_an_infeasible_day_names_node_day_and_group(make_case, make_days, two_stages) -> None:
    case = make_case(chain=two_stages())
    graph = policy_graph(Model(case, portfolio(case, ()), make_days(case, 50.0)))
    with pytest.raises(SolverError, match=r"'stage 2 h', part 'day 0'.*nodal_balance \(6\)"):
        train(spoiled(graph), stopping=(Iterations(3),))


def test_an_unbounded_cost_to_go_asks_for_its_bound(make_case, make_days, two_stages) -> None:
    case = make_case(chain=two_stages())
    graph = policy_graph(Model(case, portfolio(case, ("gas",)), make_days(case, 50.0)))
    with pytest.raises(InputError, match="the cost to go of node 'stage 1 today' has no lower bound; give lower_bound"):
        replace(graph, lower_bound=None)


def test_a_file_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        inputs.read_parameters(tmp_path / "none.csv")
