"""Plans checked by power flow on circuits small enough to see why: independent, verified, voltages, causes.

Two lines from a 7.2 kV source: 100 A is the limit of the small conductor, 200 A of the medium, 320 A of the large.
"""

import numpy as np
import pytest

from gridstudio.domain.changes import BASE
from gridstudio.planning.reconductoring.explain import explained
from gridstudio.planning.reconductoring.modes import independent, verified
from gridstudio.planning.reconductoring.voltage import Task, _pruned, cure

WIRES = {"medium": (200.0, 18_000.0, 0.4, 0.012)}
ONE_YEAR = {"years": 1, "growth_per_year": 0.0}
STRING = {"l1": ("source", "b1", 4.0), "l2": ("b1", "b2", 1.0)}
# Constant impedances: l1 is overloaded and l2 is not (98 A), until a better l1 raises the voltage beyond it.
RISING = {"d1": ("b1", 500, 50, 2), "d2": ("b2", 800, 50, 2)}
# Constant powers: both are overloaded, until a better l1 raises the voltage and so lowers the current of l2.
FALLING = {"d1": ("b1", 400, 50, 1), "d2": ("b2", 645, 50, 1)}


def planned(bench, made, mode=verified):
    b = bench(made)
    before = b.evaluate("before", [(BASE, scenario) for scenario in b.scenarios])
    return b, before, mode(b.problem, b.scenarios, before, b.evaluate)


def lines_of(b, plan):
    return {(b.problem.lines[r.line], r.year + 1, b.problem.catalogue.names[r.conductor]) for r in plan.replacements}


def interventions(result, scenario="1"):
    rows = result.tables["interventions"].query("scenario == @scenario")
    return set(zip(rows["line"], rows["year"], rows["to"], strict=True))


def test_a_new_conductor_can_overload_another_line_which_independent_leaves(bench, study):
    b, before, plans = planned(bench, study(STRING, RISING, horizon=ONE_YEAR), independent)
    current_a = before[0].branch_current_a[0]
    assert current_a[0] > 100 > current_a[1]
    assert lines_of(b, plans.plans[0]) == {("l1", 1, "medium")}
    left = explained(b.problem, b.scenarios, plans, "independent", b.evaluate)
    assert left[["kind", "element"]].to_numpy().tolist() == [["overload", "line.l2"]]
    assert "mode 'independent' does not plan again" in left["cause"].item()


def test_verified_plans_again_until_nothing_is_left(bench, study):
    b, _, plans = planned(bench, study(STRING, RISING, horizon=ONE_YEAR))
    assert lines_of(b, plans.plans[0]) == {("l1", 1, "medium"), ("l2", 1, "medium")}
    assert plans.rounds == 2
    assert plans.after[0].feasible
    assert explained(b.problem, b.scenarios, plans, "verified", b.evaluate).empty


def test_independent_equals_verified_where_impedances_are_unchanged(study):
    tables = [
        study(STRING, RISING, horizon=ONE_YEAR, conductors={"impedance": "unchanged"}, search={"mode": mode})
        .run()
        .tables
        for mode in ("independent", "verified", "joint")
    ]
    for other in tables[1:]:
        assert other["interventions"].equals(tables[0]["interventions"])
    assert set(tables[0]["interventions"]["line"]) == {"l1"}  # the current of l2 does not move
    assert tables[0]["loadings"]["current_after_a"].equals(tables[0]["loadings"]["current_before_a"])


def test_joint_drops_what_another_replacement_makes_needless(study):
    result = {
        mode: study(STRING, FALLING, horizon=ONE_YEAR, search={"mode": mode}).run() for mode in ("verified", "joint")
    }
    assert interventions(result["verified"]) == {("l1", 1, "medium"), ("l2", 1, "medium")}
    assert interventions(result["joint"]) == {("l1", 1, "medium")}
    assert result["joint"].violations_left == 0
    assert result["joint"].headline["joint_saving_usd"].value == pytest.approx(18_000 * 1.0)  # l2: 1 km of medium
    row = result["joint"].tables["scenarios"].iloc[0]
    assert row["objective_verified_usd"] - row["objective_usd"] == pytest.approx(18_000)


def test_ratings_reach_the_circuit_with_all_their_digits(bench, study):
    """Else the search and the check of its plan disagree about a current between the two ratings."""
    b = bench(study(STRING, RISING, wires={"small": (100.0004321, 1.0, 1.0, 0.008), "medium": WIRES["medium"]}))
    assert b.problem.network.branches["ampacity_a"].tolist() == [100.0004321] * 2


def test_growth_is_carried_by_the_smallest_conductor_that_lasts(study):
    # 75 A in year 1 at 10 % a year: above 100 A from year 5 on (75 * 1.1^4 = 109.8).
    made = study({"l1": ("source", "b1", 0.1)}, {"d1": ("b1", 540, 0, 1)}, horizon={"years": 6, "growth_per_year": 0.1})
    assert interventions(made.run()) == {("l1", 5, "medium")}


def test_an_undervoltage_that_conductors_cure_is_cured(study):
    lines, loads = {"l1": ("source", "b1", 6.0), "l2": ("b1", "b2", 4.0)}, {"d2": ("b2", 300, 100, 1)}
    result = study(lines, loads, horizon=ONE_YEAR, limits={"v_min_pu": 0.95}).run()
    scenario = result.tables["scenarios"].iloc[0]
    assert scenario["loading_max_before_pu"] < 1  # no current asks for anything
    assert scenario["v_min_before_pu"] < 0.92
    assert scenario["v_min_after_pu"] >= 0.95
    assert interventions(result) == {("l1", 1, "medium"), ("l2", 1, "medium")}
    assert result.violations_left == 0


def test_an_undervoltage_from_a_later_year_on_is_cured_from_that_year_on(study):
    lines, loads = {"l1": ("source", "b1", 6.0)}, {"d1": ("b1", 300, 100, 1)}
    horizon = {"years": 4, "growth_per_year": 0.1}
    result = study(lines, loads, horizon=horizon, limits={"v_min_pu": 0.94}).run()
    low = result.tables["violations_before"].query("kind == 'undervoltage'")
    ((line, year, _),) = interventions(result)
    assert (line, year) == ("l1", low["year"].min())
    assert year > 1
    assert result.violations_left == 0


def test_no_money_is_spent_on_an_undervoltage_that_no_conductor_cures(study):
    lines, loads = {"l1": ("source", "b1", 6.0)}, {"d1": ("b1", 300, 100, 1)}
    result = study(lines, loads, circuit={"source_pu": 0.94}, horizon=ONE_YEAR, limits={"v_min_pu": 0.945}).run()
    assert interventions(result) == set()
    left = result.tables["violations_after"]
    assert set(left["element"]) == {"source", "b1"}
    assert left["cause"].str.startswith("no conductor cures it: 0.9").all()
    assert left["cause"].str.contains("pu even with the largest").all()


def test_what_can_be_cured_is_cured_beside_what_cannot(study):
    # b2 hangs behind 9 km that may not be touched; b1 suffers from l1 alone.
    lines = {"l1": ("source", "b1", 5.0), "l2": ("b1", "b2", 9.0)}
    loads = {"d1": ("b1", 200, 60, 1), "d2": ("b2", 150, 60, 1)}
    result = study(
        lines, loads, horizon=ONE_YEAR, limits={"v_min_pu": 0.95}, conductors={"exclude_lines": ["l2"]}
    ).run()
    assert {line for line, _, _ in interventions(result)} == {"l1"}
    assert result.tables["violations_after"]["element"].tolist() == ["b2"]
    assert result.tables["violations_after"]["cause"].str.startswith("no conductor cures it").all()


def test_an_overvoltage_without_generation_is_no_matter_of_conductors(study):
    loads = {"d1": ("b1", 300, 100, 1)}
    result = study({"l1": ("source", "b1", 1.0)}, loads, circuit={"source_pu": 1.12}, horizon=ONE_YEAR).run()
    assert interventions(result) == set()
    left = result.tables["violations_after"]
    assert set(left["kind"]) == {"overvoltage"}
    assert left["cause"].str.startswith("without generation").all()


def test_an_overvoltage_by_generation_is_cured(study):
    loads = {"d1": ("b1", 10, 0, 1)}
    circuit = {"extra": "new generator.g1 phases=1 bus1=b1.1 kv=7.2 kw=500 pf=1 model=1"}
    limits = {"v_min_pu": 0.8, "v_max_pu": 1.03}
    result = study({"l1": ("source", "b1", 5.0)}, loads, circuit=circuit, horizon=ONE_YEAR, limits=limits).run()
    assert result.tables["scenarios"]["v_max_before_pu"].item() > 1.03
    assert {line for line, _, _ in interventions(result)} == {"l1"}
    assert result.violations_left == 0


def test_independent_says_that_it_does_not_plan_for_voltages(study):
    lines, loads = {"l1": ("source", "b1", 8.0)}, {"d1": ("b1", 300, 100, 1)}
    made = study(lines, loads, horizon=ONE_YEAR, limits={"v_min_pu": 0.94}, search={"mode": "independent"})
    result = made.run()
    assert interventions(result) == set()
    assert result.tables["violations_after"]["cause"].str.startswith("mode 'independent' plans for currents only").all()


def test_an_overload_beyond_the_largest_conductor_gets_it_and_says_so(study):
    # 360 A against 320 A
    result = study({"l1": ("source", "b1", 0.5)}, {"d1": ("b1", 2600, 0, 1)}, horizon=ONE_YEAR).run()
    assert interventions(result) == {("l1", 1, "large")}
    left = result.tables["violations_after"]
    assert left["cause"].tolist() == ["even the largest conductor, large, carries only 320.0 A at the limit"]


def test_an_overload_that_may_not_be_touched_says_so(study):
    conductors = {"exclude_lines": ["l1"], "impedance": "unchanged"}
    circuit = {"extra": "edit line.l1 normamps=50 emergamps=60"}
    made = study(STRING, {"d1": ("b1", 500, 0, 1)}, circuit=circuit, horizon=ONE_YEAR, conductors=conductors)
    left = made.run().tables["violations_after"]
    assert left["element"].tolist() == ["line.l1"]
    assert left["cause"].tolist() == ["the study leaves this line out of replacement"]


def test_a_year_that_does_not_converge_is_told_and_never_a_zero(study):
    # More than V^2 / 2 (|Z| + R) = 1.7 MW cannot be carried by 6 km of the small conductor, nor 4 MW by the large one.
    loads = {"d1": ("b1", 1200, 0, 1)}
    circuit = {"extra": "batchedit load..* vminpu=0.01"}
    horizon = {"years": 3, "growth_per_year": 1.0}
    limits = {"v_min_pu": 0.5}
    result = study({"l1": ("source", "b1", 6.0)}, loads, circuit=circuit, horizon=horizon, limits=limits).run()
    left = result.tables["violations_after"].query("kind == 'not_converged'")
    assert len(left) > 0
    assert left["cause"].str.contains("did not converge").all()
    assert result.headline["not_converged"].value > 0
    bad_years = set(left["year"])
    rows = result.tables["loadings"]
    assert rows[rows["year"].isin(bad_years)]["current_after_a"].isna().all()


def test_years_that_converge_are_cured_though_later_ones_do_not(study):
    circuit = {"extra": "batchedit load..* vminpu=0.01"}
    horizon = {"years": 4, "growth_per_year": 1.0}
    made = study(
        {"l1": ("source", "b1", 6.0)},
        {"d1": ("b1", 500, 0, 1)},
        circuit=circuit,
        horizon=horizon,
        limits={"v_min_pu": 0.94},
    )
    result = made.run()
    before = result.tables["voltages"].query("bus == 'b1'").set_index("year")["v_before_pu"]
    assert before[1] < 0.94
    left = result.tables["violations_after"].set_index("year")
    assert left["kind"].to_dict() == {3: "undervoltage", 4: "not_converged"}
    assert left.loc[3, "cause"].startswith("no conductor cures it: 0.92")
    assert ("l1", 1) in {(line, year) for line, year, _ in interventions(result)}


def test_pruning_leaves_no_conductor_larger_than_it_must_be(bench, study):
    lines = {"l1": ("source", "b1", 3.0), "l2": ("b1", "b2", 2.0), "l3": ("b2", "b3", 2.5)}
    made = study(lines, {"d3": ("b3", 300, 100, 1)}, horizon=ONE_YEAR, limits={"v_min_pu": 0.95})
    b, before, start = planned(bench, made)
    converged = before[0].flow.converged
    task = Task(lines=[0, 1, 2], year=0, hopeless=np.zeros_like(before[0].verdict.low), converged=converged)
    needed = _pruned(b.problem, b.scenarios[0], start, task, b.evaluate)
    assert (needed > 0).any()
    assert (needed < 2).any()

    def left_pu(rows):
        changes = tuple(b.problem.change(line, int(row)) for line, row in enumerate(rows[:, 0]) if row > 0)
        found = b.evaluate("test", [(type(BASE)(changes), b.scenarios[0])])
        return task.left_pu(found[0])

    assert left_pu(needed) == 0.0
    for line in np.flatnonzero(needed[:, 0]):
        smaller = needed.copy()
        smaller[line] -= 1
        assert left_pu(smaller) > 0


def test_every_violation_left_by_verified_has_a_cause(bench, study):
    """Random small feeders: clean, or each violation explained; a plan's flows are those of its own conductors."""
    rng = np.random.default_rng(7)
    clean = explained_some = 0
    for _ in range(15):
        lines = {
            "l1": ("source", "b1", float(rng.uniform(0.5, 4))),
            "l2": ("b1", "b2", float(rng.uniform(0.5, 4))),
            "l3": (str(rng.choice(["b1", "b2"])), "b3", float(rng.uniform(0.5, 4))),
        }
        loads = {
            f"d{i}": (f"b{i}", float(rng.uniform(50, 700)), float(rng.uniform(0, 150)), int(rng.choice([1, 2])))
            for i in (1, 2, 3)
        }
        made = study(lines, loads, horizon={"growth_per_year": 0.1}, limits={"v_min_pu": 0.93})
        b, _, start = planned(bench, made)
        plans = cure(b.problem, b.scenarios, start, b.evaluate)
        left = explained(b.problem, b.scenarios, plans, "verified", b.evaluate)
        assert left["cause"].str.len().gt(0).all()
        assert not left["cause"].str.contains("ended before").any()
        assert left.empty == plans.after[0].feasible
        clean += left.empty
        explained_some += not left.empty
    assert clean > 5
    assert explained_some > 0


def test_priced_losses_replace_a_line_that_nothing_overloads(study):
    """50 A on 4 km: 0.6 ohm/km less save 6 kW at peak. At a loss factor of 0.325 and 0.2 USD/kWh a kW costs 569 USD a
    year, 4 600 USD in ten years at 5 %: 28 000 USD for a medium conductor that costs 20 000."""
    wires = {"small": (100.0, 1.0, 1.0, 0.008), "medium": (200.0, 5_000.0, 0.4, 0.012)}
    made = study(
        {"l1": ("source", "b1", 4.0)}, {"d1": ("b1", 350, 0, 1)}, wires=wires, selectable=("medium",),
        horizon={"years": 10, "growth_per_year": 0.0, "discount_rate": 0.05},
        losses={"energy_price_usd_per_kwh": 0.2, "load_factor": 0.5}, uncertainty={"loads": ["d1"], "points": 3},
    )  # fmt: skip
    result = made.run()
    scenario = result.tables["scenarios"].set_index("scenario")
    assert (scenario["violations_before"] == 0).all()
    assert interventions(result, "2") == interventions(result, "3") == {("l1", 1, "medium")}
    assert interventions(result, "1") == set()  # at 0.6 of the load a third of the losses
    # robust costs are against leaving the line as it is: what is built must save more than it costs
    robust = result.tables["robust"].set_index("measure")
    assert robust.loc["expected cost", "cost_committed_usd"] == pytest.approx(20_000)
    assert robust.loc["expected cost", "cost_expected_usd"] < 0
    regret = result.tables["regret"]
    assert (regret["regret_usd"] >= -1e-6).all()
    assert (regret.query("plan_of_scenario == scenario")["regret_usd"] < 1e-6).all()
