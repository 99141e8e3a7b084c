"""The paper's findings: all five are told of, tested or not, each with its numbers and their standard errors."""

import numpy as np

from gridstudio.planning.resilience.contract import Risk
from gridstudio.planning.resilience.evaluate import cvar_difference, measured
from gridstudio.planning.resilience.statements import NEEDED, paper_statements
from gridstudio.planning.resilience.sweep import Case, Outcome, Point

LEVELS = {0.0: 110.0, 1.0: 100.0}  # CVaR of the scenarios by lambda


def outcome(kw, seed):
    """One sure loss over the scenarios, exponential losses over fresh storms."""
    fresh = np.random.default_rng(seed).exponential(kw, 400)
    return Outcome(
        status="optimal",
        objective_kw=kw,
        bound_kw=kw,
        gap=0.0,
        seconds=1.0,
        rounds=1,
        cut=0,
        beta_kw={"b": 100.0},
        spent_usd=0.0,
        q=np.array([kw]),
        probability=np.array([1.0]),
        fresh_q=fresh,
        fresh_critical_kw=fresh,
    )


def risk_sweep(alphas=(0.9,)):
    """Two lambdas at each alpha, the same storms for all."""
    return [
        (Point("risk", Case(9, 0, lambda_, alpha, 100.0, 2), alpha), outcome(kw, seed=1))
        for alpha in alphas
        for lambda_, kw in LEVELS.items()
    ]


def test_without_sweeps_no_finding_is_tested_and_each_says_what_it_needs():
    table = paper_statements([], [600.0] * 9)
    assert table["statement"].tolist() == list(NEEDED)
    assert set(table["supported"]) == {"not tested"}
    assert table["evidence"].str.startswith("Needs ").all()


def test_what_one_sweep_does_not_vary_is_not_tested():
    table = paper_statements(risk_sweep(), [600.0] * 9).set_index("statement")["supported"]
    assert table["A larger lambda never raises CVaR."] == "yes"
    assert (table.drop("A larger lambda never raises CVaR.") == "not tested").all()
    assert len(table) == len(NEEDED)


def test_a_fall_of_cvar_over_fresh_storms_stands_with_its_standard_error():
    found = risk_sweep()
    fall, error = cvar_difference(found[0][1].fresh_q, found[1][1].fresh_q, 0.9)
    evidence = paper_statements(found, [600.0] * 9).set_index("statement")["evidence"]
    assert error > 0
    assert f"by {fall:.0f} ± {error:.0f} kW lower" in evidence["A larger lambda never raises CVaR."]


def test_a_cvar_over_fresh_storms_stands_with_its_standard_error():
    found = risk_sweep(alphas=(0.9, 0.95))
    q = found[0][1].fresh_q
    one = measured(q, np.full(len(q), 1 / len(q)), Risk(1.0, 0.9), drawn=True)
    evidence = paper_statements(found, [600.0] * 9).set_index("statement")["evidence"]
    assert f"{one.cvar_kw:.0f} ± {one.cvar_se_kw:.0f}" in evidence["A larger alpha shifts CVaR upwards."]
