"""Everything that can be wrong with a resilience study is told in sentences, before anything is solved."""

import pytest

from gridstudio.errors import InputError

HEAD = "kind,hardened,median_m_s,sigma,wind_m_s,probability,reference_length_m,source\n"
WIND = "region,distribution,location_m_s,scale_m_s,shape,table,source\n"
WEIGHTS = "load,weight,critical,source\n"


def refused(attempt, *sentences):
    with pytest.raises(InputError) as error:
        attempt()
    told = str(error.value)
    assert all(sentence in told for sentence in sentences), told


def points(*pairs, kind="overhead"):
    return "".join(f"{kind},false,,,{wind},{probability},1000,\n" for wind, probability in pairs)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            points((0, 0), (20, 0.5), (40, 0.4)),
            "the curve is not monotone: probability falls from 0.5 to 0.4 at 40 m/s",
        ),
        (points((0, 0), (20, 1.2)), "probability 1.2 at 20 m/s should lie between 0 and 1"),
        (points((0, 0), (20, -0.1)), "probability -0.1 at 20 m/s should lie between 0 and 1"),
        (points((0, 0.1), (20, 0.5)), "without wind no line fails"),
        (points((20, 0), (20, 0.5)), "the wind speeds of its points should rise"),
        (points((0, 0), (20, "")), "give median_m_s and sigma, or wind_m_s and probability in every row"),
        ("overhead,false,40,0,,,1000,\n", "a lognormal curve is one row with median_m_s and sigma above 0"),
        ("overhead,false,40,0.3,,,0,\n", "reference_length_m = '0' should be above 0"),
        (points((0, 0), ("inf", 0.5)), "give median_m_s and sigma, or wind_m_s and probability in every row"),
        (
            "overhead,false,,,0,0,1000,\noverhead,false,,,20,0.5,45,\n",
            "its rows should have the same reference_length_m",
        ),
        ("pole,false,40,0.3,,,1000,\n", "kind should be overhead or underground, hardened true or false"),
        (points((0, 0), (1, 1), kind="underground"), "there is no curve for overhead lines"),
    ],
)
def test_a_fragility_curve_that_is_none_is_told(chain, rows, sentence):
    refused(chain(files={"fragility.csv": HEAD + rows}).prepare, "fragility.csv", sentence)


def test_hardened_lines_that_are_weaker_are_told(chain):
    rows = "overhead,false,60,0.3,,,1000,\noverhead,true,40,0.3,,,1000,\n"
    refused(chain(files={"fragility.csv": HEAD + rows}).prepare, "hardened overhead lines fail more often than others")


def test_hardening_without_a_curve_for_it_is_told(chain):
    made = chain(files={"fragility.csv": HEAD + "overhead,false,60,0.3,,,1000,\n"}, lines={"harden": ["all"]})
    refused(made.prepare, "there is no curve for overhead lines, hardened")


@pytest.mark.parametrize(
    ("site", "sentence"),
    [
        ({"name": "d"}, "Site 'd': the circuit has no bus 'd'"),
        ({"name": "x", "bus": "b_ends"}, "Site 'x': the circuit has no bus 'b_ends'. Did you mean 'b_end'?"),
        ({"name": "lateral"}, "bus 'lateral' has phase 2 only, its source needs three: the nearest three-phase bus is "
                              "'b_end'"),
        ({"name": "c_end"}, "no voltage source of the circuit stands open at bus 'c_end'"),
        ({"name": "grid"}, "bus 'grid' is in the substation's section"),
    ],
)  # fmt: skip
def test_a_site_that_cannot_hold_a_source_is_told(chain, site, sentence):
    refused(chain(sites=[site | {"max_kw": 100}]).prepare, sentence)


def test_two_sites_at_one_bus_are_told(chain):
    sites = [{"name": name, "bus": "b", "max_kw": 100} for name in ("b", "other")]
    refused(chain(sites=sites).prepare, "bus b holds two sites")


@pytest.mark.parametrize(
    ("section", "values", "sentence"),
    [
        ("budget", {"kw": 0}, "budget.kw = 0 should be greater than 0"),
        ("budget", {"kw": -5}, "budget.kw = -5 should be greater than 0"),
        ("budget", {"usd": -1}, "budget.usd = -1 should be greater than or equal to 0"),
        ("risk", {"alpha": 0}, "risk.alpha = 0 should be greater than 0"),
        ("risk", {"alpha": 1}, "risk.alpha = 1 should be less than 1"),
        ("risk", {"lambda": -0.1}, "risk.lambda = -0.1 should be greater than or equal to 0"),
        ("risk", {"lambda": 1.1}, "risk.lambda = 1.1 should be less than or equal to 1"),
        ("risk", {"lambda_": 0.5}, "Unknown key 'risk.lambda_': did you mean 'lambda'?"),
        ("weather", {"shares": {"extreme": 0.5}}, "the shares must add to 1, not 0.5"),
        ("weather", {"shares": {"extreme": 1.5, "normal": -0.5}}, "the share of normal is -0.5; it must not be"),
        ("scenarios", {"fresh": 999}, "scenarios.fresh = 999 should be greater than or equal to 1000"),
        ("monte_carlo", {"least": 5000}, "least = 5000 storms are more than storms = 2000"),
        ("sweep", {"lambdas": [0.5, 2.0], "alphas": [0.9]}, "sweep.lambdas: every value should be 0 to 1"),
        ("sweep", {"lambdas": [0.5], "alphas": [1.0]}, "sweep.alphas: every value should be between 0 and 1"),
        ("sweep", {"budgets_kw": [0.0], "site_counts": [1]}, "sweep.budgets_kw: every value should be above 0"),
        ("sweep", {"budgets_kw": [1.0]}, "give both budgets_kw and site_counts, or neither"),
        ("sweep", {"budgets_kw": [1.0], "site_counts": [3]}, "3 sites are asked for, the study has 2"),
    ],
)
def test_a_number_out_of_its_range_is_told_with_its_key(chain, section, values, sentence):
    refused(lambda: chain(**{section: values}), sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("load,critical\nload_c,true\n", "the table of weights has no column weight"),
        (WEIGHTS + "load_c,,true,\n", "load 'load_c' has no weight: give a number of 0 or more"),
        (WEIGHTS + "load_c,-1,true,\n", "load 'load_c': its weight '-1' should be a number of 0 or more"),
        (WEIGHTS + "load_c,5,perhaps,\n", "load 'load_c': critical should be true or false"),
        (WEIGHTS + "load_cc,5,true,\n", "the circuit has no load 'load_cc'. Did you mean 'load_c'?"),
        (WEIGHTS + "load_c,5,true,\nload_c,6,true,\n", "load 'load_c' stands there twice"),
    ],
)
def test_missing_or_wrong_weights_are_told(chain, text, sentence):
    refused(chain(files={"weights.csv": text}).prepare, sentence)


def test_a_study_without_weights_is_told(chain):
    refused(lambda: chain(loads={"weights": None}), "loads.weights")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("extreme,normal,,30,0.3,,\n", "its distribution 'normal' is none of weibull, lognormal, gumbel, table"),
        ("extreme,weibull,,-3,2,,\n", "scale_m_s = -3 should be above 0"),
        ("extreme,weibull,,x,2,,\n", "scale_m_s = 'x' should be a number"),
        ("extreme,gumbel,nan,3,,,\n", "location_m_s = 'nan' should be a finite number"),
        ("extreme,gumbel,-inf,3,,,\n", "location_m_s = '-inf' should be a finite number"),
        ("extreme,weibull,,inf,2,,\n", "scale_m_s = 'inf' should be a finite number"),
        ("extreme,table,,,,endless.csv,\n", "the points of 'endless.csv' should rise"),
        ("calm,weibull,,3,2,,\n", "the study asks for region 'extreme', the table has calm"),
        ("extreme,table,,,,none.csv,\n", "its table 'none.csv' cannot be read"),
        ("extreme,table,,,,falling.csv,\n", "the points of 'falling.csv' should rise"),
    ],
)
def test_a_wind_region_that_is_none_is_told(chain, rows, sentence):
    tables = {"falling.csv": "wind_m_s,cdf\n0,0\n10,0.6\n20,0.5\n", "endless.csv": "wind_m_s,cdf\n0,0\ninf,1\n"}
    made = chain(files={"wind.csv": WIND + rows} | tables)
    refused(made.prepare, sentence)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"lines": {"harden": ["line.feed_x"]}}, "lines.harden: the circuit has no line 'feed_x'"),
        ({"lines": {"harden": ["line.sw_a"]}}, "line 'sw_a' is a switch or has no length: no wind hits it"),
        ({"devices": {"candidates": [{"line": "line.sw_a", "usd": 1}]}}, "line 'sw_a' has a device already"),
        ({"devices": {"candidates": [{"line": "feed_x", "usd": 1}]}}, "the circuit has no line 'feed_x'"),
        ({"lines": {"underground_codes": ["x"]}}, "underground_codes: no line of the circuit has code 'x'"),
        ({"weather": {"table": "none.csv"}}, "There is no table of wind regions"),
        ({"lines": {"fragility": "none.csv"}}, "There is no fragility table"),
        ({"loads": {"weights": "none.csv"}}, "There is no table of weights"),
    ],
)
def test_names_that_the_circuit_does_not_have_are_told(chain, sections, sentence):
    refused(chain(**sections).prepare, sentence)


def test_weights_of_nothing_are_told(chain):
    made = chain(files={"weights.csv": WEIGHTS + "load_c,0,true,\n"}, loads={"others": 0})
    refused(made.prepare, "No load has a weight above 0")


def test_all_wrong_sites_are_told_together(chain):
    sites = [{"name": "d", "max_kw": 1}, {"name": "lateral", "max_kw": 1}]
    refused(chain(sites=sites).prepare, "2 findings", "Site 'd'", "Site 'lateral'")


def test_a_budget_beyond_all_sites_is_remarked(chain):
    findings = chain(budget={"kw": 1000}).prepare().findings
    assert any("is more than all sites take, 400 kW" in finding.text for finding in findings)
