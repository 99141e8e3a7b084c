"""The paper's findings: each is told of, and supported only where the numbers carry it; with their standard errors."""

import numpy as np
import pytest

from gridstudio.planning.resilience.contract import Risk
from gridstudio.planning.resilience.evaluate import cvar_difference, measured
from gridstudio.planning.resilience.statements import BUDGET, LAMBDA, NEEDED, SITES, SMALL, paper_statements, statements
from gridstudio.planning.resilience.sweep import Case, Outcome, Point

LEVELS = {0.0: 110.0, 1.0: 100.0}  # CVaR of the scenarios by lambda
ENOUGH = "Beyond some number of scenarios the objective hardly changes."
GROWS = "More scenarios make a larger program."
LITTLE = "More budget at the same sites has little effect on CVaR beside that on E."
FULL_KW = [600.0] * 9


def outcome(q, gap_kw=0.0, sources=1, seconds=1.0, rows=90, fresh=None):
    """Losses over equally probable scenarios; the program's objective is the first and its bound ``gap_kw`` below."""
    q = np.atleast_1d(np.asarray(q, dtype=float))
    return Outcome(
        status="optimal",
        objective_kw=float(q[0]),
        bound_kw=float(q[0]) - gap_kw,
        gap=gap_kw / float(q[0]),
        stopped_by_clock=False,
        seconds=seconds,
        rounds=1,
        cut=0,
        binaries=rows // 2,
        rows=rows,
        beta_kw={f"s{n}": 100.0 for n in range(sources)},
        spent_usd=0.0,
        q=q,
        probability=np.full(len(q), 1 / len(q)),
        fresh_q=q if fresh is None else fresh,
        fresh_critical_kw=q,
    )


def told(found, statement):
    """Whether it is supported, and the evidence."""
    table = paper_statements(found, FULL_KW).set_index("statement")
    return table.at[statement, "supported"], table.at[statement, "evidence"]


# ---- all of them ---------------------------------------------------------------------------------


def risk_points(cvars, gap_kw=0.0):
    """{(lambda, alpha): CVaR} as points of one sure loss each."""
    return [
        (Point("risk", Case(9, 0, lambda_, alpha, 100.0, 2), alpha), outcome(kw, gap_kw))
        for (lambda_, alpha), kw in cvars.items()
    ]


def risk_sweep(alphas=(0.9,)):
    """Two lambdas at each alpha; one sure loss over the scenarios, exponential losses over the same fresh storms."""
    draws = np.random.default_rng(1).exponential(1.0, 400)
    return [
        (Point("risk", Case(9, 0, lambda_, alpha, 100.0, 2), alpha), outcome(kw, fresh=kw * draws))
        for alpha in alphas
        for lambda_, kw in LEVELS.items()
    ]


def test_without_sweeps_no_finding_is_tested_and_each_says_what_it_needs():
    table = paper_statements([], FULL_KW)
    assert table["statement"].tolist() == list(NEEDED)
    assert set(table["supported"]) == {"not tested"}
    assert table["evidence"].str.startswith("Needs ").all()


def test_what_one_sweep_does_not_vary_is_not_tested():
    table = paper_statements(risk_sweep(), FULL_KW).set_index("statement")["supported"]
    assert table[LAMBDA] == "yes"
    assert (table.drop(LAMBDA) == "not tested").all()
    assert len(table) == len(NEEDED)


def test_a_fall_of_cvar_over_fresh_storms_stands_with_its_standard_error():
    found = risk_sweep()
    fall, error = cvar_difference(found[0][1].fresh_q, found[1][1].fresh_q, 0.9)
    assert error > 0
    assert f"by {fall:.0f} ± {error:.0f} kW lower" in told(found, LAMBDA)[1]


def test_a_cvar_over_fresh_storms_stands_with_its_standard_error():
    found = risk_sweep(alphas=(0.9, 0.95))
    q = found[0][1].fresh_q
    one = measured(q, np.full(len(q), 1 / len(q)), Risk(1.0, 0.9), drawn=True)
    assert f"{one.cvar_kw:.0f} ± {one.cvar_se_kw:.0f}" in told(found, "A larger alpha shifts CVaR upwards.")[1]


# ---- lambda and alpha ----------------------------------------------------------------------------


@pytest.mark.parametrize(("kw", "expected"), [(90.0, "yes"), (110.0, "no")])
def test_a_cvar_that_rises_with_lambda_contradicts_the_finding(kw, expected):
    assert told(risk_points({(0.0, 0.9): 100.0, (1.0, 0.9): kw}), LAMBDA)[0] == expected


def test_what_the_gaps_leave_open_contradicts_nothing():
    assert told(risk_points({(0.0, 0.9): 100.0, (1.0, 0.9): 110.0}, gap_kw=8.0), LAMBDA)[0] == "yes"


@pytest.mark.parametrize(("kw", "expected"), [(90.0, "no"), (110.0, "yes")])
def test_a_cvar_that_falls_with_alpha_contradicts_the_finding(kw, expected):
    found = risk_points({(1.0, 0.8): 100.0, (1.0, 0.95): kw})
    assert told(found, "A larger alpha shifts CVaR upwards.")[0] == expected


# ---- number of scenarios -------------------------------------------------------------------------


def scenario_points(draws, gap_kw=0.0, **changed):
    """{scenarios: objective of each draw}."""
    return [
        (Point("scenarios", Case(n, draw, 0.0, 0.9, 100.0, 2), 0.9), outcome(kw, gap_kw, **changed))
        for n, values in draws.items()
        for draw, kw in enumerate(values, start=1)
    ]


def test_the_objective_settles_where_it_stays_near_the_last():
    supported, evidence = told(
        scenario_points({9: (139, 143, 140, 142), 25: (101, 103, 101, 103), 49: (100, 102, 100, 102)}), ENOUGH
    )
    assert supported == "yes"
    assert "From 25 scenarios on within 5 % of 49 scenarios" in evidence
    assert "Mean of 4 draws" in evidence


@pytest.mark.parametrize(
    ("draws", "gap_kw"),
    [
        ({9: (100, 900), 49: (500, 1500)}, 0.0),  # 500 ± 400 and 1000 ± 500: noise is no agreement
        ({9: (101, 103), 49: (100, 102)}, 0.0),  # by hand: t of 2 degrees of freedom 4.30, sqrt(2) * 4.30 = 6.1 of 101
        ({9: (100,), 49: (100,)}, 0.0),  # from one draw no error is known
        ({9: (101, 101), 49: (100, 100)}, 8.0),  # the gaps are larger than what is asked about
    ],
)
def test_where_chance_or_gaps_hide_the_difference_the_number_of_scenarios_is_not_decided(draws, gap_kw):
    assert told(scenario_points(draws, gap_kw), ENOUGH)[0] == "not decided"


def test_a_difference_beyond_chance_between_the_largest_sets_contradicts_the_finding():
    assert told(scenario_points({25: (120, 121), 49: (100, 101)}), ENOUGH)[0] == "no"


@pytest.mark.parametrize("statement", [ENOUGH, GROWS])
def test_one_number_of_scenarios_tests_nothing(statement):
    assert told(scenario_points({9: (100, 101)}), statement)[0] == "not tested"


@pytest.mark.parametrize(("rows", "expected"), [((90, 120), "yes"), ((120, 90), "no"), ((90, 90), "no")])
def test_growth_is_told_by_the_program_and_not_by_a_clock(rows, expected):
    slow, fast = 100.0, 1.0
    few = scenario_points({9: (100, 101)}, rows=rows[0], seconds=slow)
    found = few + scenario_points({49: (100, 101)}, rows=rows[1], seconds=fast)
    supported, evidence = told(found, GROWS)
    assert supported == expected
    assert f"9: {rows[0]} rows, {rows[0] // 2} binaries" in evidence


def test_no_finding_depends_on_seconds():
    def table(seconds):
        found = scenario_points({9: (100, 101), 49: (100, 102)}, seconds=seconds)
        return statements(found + budget_points({(100.0, 6): 90.0, (200.0, 6): 80.0}), FULL_KW)

    assert table(1.0).equals(table(1000.0))


# ---- budget and sites ----------------------------------------------------------------------------


def budget_points(losses, sources=1, lambda_=0.0, gap_kw=0.0):
    """{(budget, sites): loss, or losses of equally probable scenarios}."""
    return [
        (Point("budget", Case(9, 0, lambda_, 0.9, kw, sites), 0.9), outcome(q, gap_kw, sources))
        for (kw, sites), q in losses.items()
    ]


STEPS = {(100.0, 6): 100.0, (200.0, 6): 61.0}


@pytest.mark.parametrize(("last", "expected"), [(60.0, "yes"), (20.0, "no"), (65.0, "no")])
def test_a_loss_that_keeps_falling_or_rises_does_not_saturate(last, expected):
    assert told(budget_points(STEPS | {(300.0, 6): last}), BUDGET)[0] == expected


@pytest.mark.parametrize("gap_kw", [7.0, 50.0])
def test_a_last_step_that_the_gap_may_hide_is_not_decided(gap_kw):
    """By hand: a last gain of 1 kW may be 8, the first of 39 as little as 32: 8 is more than 20 % of it."""
    assert told(budget_points(STEPS | {(300.0, 6): 60.0}, gap_kw=gap_kw), BUDGET)[0] == "not decided"


def test_a_loss_that_no_budget_lowers_supports_nothing():
    assert told(budget_points({(kw, 6): 100.0 for kw in (100.0, 200.0, 300.0)}), BUDGET)[0] == "not decided"


def test_without_lambda_0_saturation_is_not_tested():
    found = budget_points({(kw, 6): 100.0 for kw in (100.0, 200.0, 300.0)}, lambda_=1.0)
    supported, evidence = told(found, BUDGET)
    assert supported == "not tested"
    assert "Needs three budgets (sweep.budgets_kw) at lambda 0" in evidence


def test_two_budgets_show_no_saturation():
    assert told(budget_points(STEPS), BUDGET)[0] == "not tested"


def test_the_share_that_counts_as_saturated_is_told():
    assert "the last step gains at most 20 % of the first" in told(budget_points(STEPS | {(300.0, 6): 60.0}), BUDGET)[1]


def test_one_budget_says_nothing_about_more_of_it():
    table = statements(budget_points({(100.0, 6): 100.0, (100.0, 9): 80.0}), FULL_KW)
    assert not table["statement"].str.contains("budget lowers|More budget").any()


@pytest.mark.parametrize(
    ("last", "gap_kw", "expected"),
    [
        ((60.0, 100.0), 0.0, "not decided"),  # E 80 in both: none of the two falls
        ((50.0, 100.0), 0.0, "yes"),  # E falls by 5, CVaR by nothing
        ((60.0, 90.0), 0.0, "no"),  # E falls by 5, CVaR, the worst, by 10
        ((50.0, 100.0), 3.0, "not decided"),  # the gaps, 6 kW, are more than E falls by
    ],
)
def test_the_effect_of_the_budget_on_cvar_is_judged_by_what_the_gaps_leave(last, gap_kw, expected):
    supported, evidence = told(budget_points({(100.0, 6): (60.0, 100.0), (200.0, 6): last}, gap_kw=gap_kw), LITTLE)
    assert supported == expected
    assert "at most 0.5 times the fall of E" in evidence


@pytest.mark.parametrize(
    ("many", "expected"),
    [
        ((80.0, 70.0, 60.0), "yes"),
        ((80.0, 90.0, 90.0), "partly"),  # at one budget of three
        ((100.0, 90.0, 90.0), "not decided"),
        ((80.0, 95.0, 80.0), "no"),
    ],
)
def test_more_sites_must_lower_the_tail_at_every_budget_to_support_the_finding(many, expected):
    few = {(100.0, 6): 100.0, (200.0, 6): 90.0, (300.0, 6): 90.0}
    more = {(kw, 9): q for kw, q in zip((100.0, 200.0, 300.0), many, strict=True)}
    assert told(budget_points(few | more, lambda_=1.0), SITES)[0] == expected


def test_a_lower_tail_within_the_gaps_supports_nothing():
    found = budget_points({(100.0, 6): 100.0, (100.0, 9): 99.0}, lambda_=1.0, gap_kw=0.6)
    assert told(found, SITES)[0] == "not decided"


# ---- many small, or few large --------------------------------------------------------------------


@pytest.mark.parametrize(("sources", "expected"), [(3, "yes"), (1, "no")])
def test_small_sources_are_many_if_more_are_built_than_their_kw_asks_for(sources, expected):
    """Three sources of 100 kW could be one of 300, for a site takes 600."""
    supported, evidence = told(budget_points({(100.0, 6): 100.0, (500.0, 6): 90.0}, sources), SMALL)
    assert supported == expected
    assert f"{2 if sources == 3 else 0} of 2 plans" in evidence
    assert "what few large ones would lose is not solved" in evidence


def test_plans_without_a_choice_test_no_preference():
    """One source at the only site."""
    assert told(budget_points({(100.0, 1): 100.0, (500.0, 1): 90.0}), SMALL)[0] == "not tested"
