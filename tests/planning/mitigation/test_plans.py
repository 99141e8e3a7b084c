"""Plans of a small feeder: clean, at least cost (brute force over all combinations), never worse on the way."""

import itertools

import numpy as np
import pandas as pd
import pytest
from mitigation_studies import SMALL

from gridstudio import engine
from gridstudio.domain.changes import ChangeSet
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.evaluation import Workers, evaluate, evaluate_many
from gridstudio.planning.mitigation import capacitors, menu, wires
from gridstudio.planning.mitigation.problem import Plan


def test_the_small_feeder_ends_clean(study):
    result = study().run()
    assert result.violations_left == 0
    assert len(result.tables["violations_before"]) > 0
    assert len(result.tables["violations_after"]) == 0
    assert result.headline["cost_usd"].value == pytest.approx(result.tables["plan"]["cost_usd"].sum())


@pytest.mark.parametrize(
    "allowed",
    [
        ["reconductor", "transformer_three_phase"],
        ["reconductor", "parallel_line", "transformer_three_phase", "capacitor"],
    ],
)
def test_the_cost_is_that_of_brute_force(study, searching, allowed):
    """Second method: every combination of the menu's options for the three elements and two buses, each solved."""
    limits = {"v_min_pu": 0.93}
    of = study(menu={"allowed": allowed}, limits=limits, search={"exact": 3000})
    result = of.run()
    assert result.violations_left == 0
    search = searching(of)
    problem = search.problem
    slots = [menu.line_options(problem, "a"), menu.line_options(problem, "b"), menu.transformer_options(problem, "sub")]
    slots += [capacitors.new_capacitors(problem, bus, (1, 2, 3)) for bus in ("head", "mid", "end")]
    assert sum(map(len, slots)) > 10
    combinations = [[o for o in chosen if o] for chosen in itertools.product(*([None, *s] for s in slots))]
    combinations.sort(key=lambda chosen: sum(o.cost_usd for o in chosen))
    least = None
    for first in range(0, len(combinations), 200):
        cases = [(Plan().having(c).changes(), s) for c in combinations[first : first + 200] for s in problem.scenarios]
        done = evaluate_many(problem.feeder, cases, problem.limits)
        clean = [c for c, e in zip(combinations[first : first + 200], done, strict=True) if e.feasible]
        if clean:
            least = sum(option.cost_usd for option in clean[0])
            break
    assert least is not None
    assert result.headline["cost_usd"].value == pytest.approx(least)


def test_every_accepted_step_adds_and_worsens_no_violation(study):
    steps = study(growth={"scale": 1.2}).run().tables["steps"]
    taken = steps[steps["accepted"]]
    assert len(taken) >= 2
    for kind in ("undervoltage", "overvoltage", "dead", "overload", "not_converged"):
        assert (taken[f"{kind}_after"] <= taken[f"{kind}_before"]).all()
    assert (np.diff(steps["power_flows"]) >= 0).all()


def test_no_measure_of_the_plan_can_be_left_out(study, searching):
    of = study(growth={"scale": 1.1})
    of.run()
    from gridstudio.planning.mitigation.cleanup import clean
    from gridstudio.planning.mitigation.loop import cure

    search = searching(of)
    state = clean(search, cure(search, search.base))
    assert state.excess.violations == 0
    for option in state.plan.options:
        assert search.states("test", [state.plan.without([option.slot])])[0].excess.violations > 0


def test_bits_do_not_depend_on_workers(study):
    of = study(hours=[{"name": "peak"}, {"name": "night", "load_scale": 0.3}], growth={"years": [0, 3]})
    one, two = of.run(), of.run(Workers(2, "threads"))
    for name in ("steps", "plan", "violations_before", "loadings", "voltages"):
        pd.testing.assert_frame_equal(one.tables[name], two.tables[name], check_exact=True)


def test_the_exported_circuit_gives_the_reported_voltages(study, tmp_path):
    result = study().run()
    folder = tmp_path / "out"
    for name, text in result.texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    master = next(folder.rglob("master.dss"))
    done = evaluate(Feeder("upgraded", master, controls="off"), ChangeSet(), Scenario())
    shown = result.tables["voltages"].set_index(["bus", "phase"])["v_after_pu"]
    nodes = done.network.nodes
    both = [(v, shown[b, p]) for b, p, v in zip(nodes["bus"], nodes["phase"], done.flow.v_pu[0], strict=True)]
    assert np.array(both)[:, 0] == pytest.approx(np.array(both)[:, 1], abs=2e-5)


def test_what_is_left_is_told_with_what_was_tried_and_the_best_of_it(study):
    result = study(menu={"allowed": ["capacitor"]}).run()
    left = result.tables["remaining"]
    assert result.violations_left == len(result.tables["violations_after"]) > 0
    assert set(left["kind"]) >= {"overload"}
    assert (left["tried"] > 0).all()
    assert left["cause"].str.contains("not cured|a switch").all()
    assert result.tables["violations_after"]["cause"].str.len().min() > 10


def test_a_budget_is_kept_and_named_as_the_cause(study):
    free = study().run().headline["cost_usd"].value
    result = study(menu={"budget_usd": 0.4 * free}).run()
    assert result.headline["budget_that_works"].value == pytest.approx(free)
    assert result.headline["cost_usd"].value <= 0.4 * free
    assert result.violations_left > 0
    assert result.tables["remaining"]["cause"].str.contains("budget").any()


def test_excluded_elements_stay_as_they_are(study):
    result = study(menu={"exclude": ["line.a"]}).run()
    assert "line.a" not in set(result.tables["plan"]["element"])


def test_a_feeder_without_violations_costs_nothing_and_is_proven(study):
    result = study(growth={"scale": 0.3}).run()
    assert result.headline["cost_usd"].value == 0.0
    assert result.headline["optimal"].value.startswith("proven")
    assert result.tables["plan"].empty


def test_a_larger_conductor_changes_the_diagonal_alone():
    """Carson: resistance and GMR of the phase conductor stand on the diagonal only (hand-written matrices)."""
    r, x = np.array([[0.30, 0.06], [0.06, 0.30]]), np.array([[0.85, 0.30], [0.30, 0.85]])
    old = engine.Impedance(r, x, np.zeros((2, 2)), "km")
    new = wires.larger(old, 230.0, 530.0, False, 60.0)
    assert np.array_equal(new.r_ohm - np.diag(np.diag(new.r_ohm)), r - np.diag(np.diag(r)))
    # by hand: own resistance 0.24 (smallest eigenvalue) times that of 530 A (0.19014) over that of 230 A (0.7583)
    log = np.log
    part = log(230 / 184) / log(243 / 184)
    r_230 = np.exp(log(1.05012) + part * log(0.69594 / 1.05012))
    assert new.r_ohm[0, 0] == pytest.approx(0.30 - 0.24 * (1 - 0.19014 / r_230), rel=1e-9)
    assert np.linalg.eigvalsh(new.r_ohm).min() > 0


def test_a_switch_that_is_too_small_is_replaced_by_a_larger_one_at_the_price_of_one(study):
    switch = "new line.a bus1=head bus2=mid phases=3 switch=yes r1=1e-4 x1=0 r0=1e-4 x0=0 length=0.001 normamps=150\n"
    lines = SMALL.splitlines(keepends=True)
    text = "".join(switch if line.startswith("new line.a ") else line for line in lines)
    plan = study(text).run().tables["plan"].set_index("element")
    # 4300 kW and 2000 kvar at 12.47 kV are 220 A at the least: the least switch on sale that carries them has 630 A
    assert plan.at["line.a", "measure"] == "switch"
    assert plan.at["line.a", "size"] == 630
    assert plan.at["line.a", "cost_usd"] == 45_000
