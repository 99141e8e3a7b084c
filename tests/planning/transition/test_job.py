"""The job as a whole on the published case: its tables, their order, and what must hold between cases."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.planning import transition
from gridstudio.planning.transition import extensive, summary
from gridstudio.planning.transition.assumptions import assumptions
from gridstudio.planning.transition.inputs import read_case
from gridstudio.planning.transition.job import with_best_bounds
from gridstudio.planning.transition.shortterm import ShortTerm
from gridstudio.solve.sddp import Optimum

DATA = Path(__file__).resolve().parents[3] / "studies" / "data"
FACTORS = {
    "A": ["gas", "h2", "smr"],
    "B": ["gas", "h2", "smr", "solar", "wind"],
    "C": ["gas", "h2", "smr", "solar", "wind", "ccs"],
    "D": ["gas", "h2", "smr", "solar", "wind", "ccs", "battery", "pumped_hydro"],
    "E": ["gas", "h2", "smr", "solar", "wind", "ccs", "line", "dtr", "sssc"],
    "F": ["gas", "h2", "smr", "solar", "wind", "ccs", "battery", "pumped_hydro", "line", "dtr", "sssc"],
}
ONE_DAY = {"source": "sketch", "count": 1}
ORDER = [("A", "B"), ("B", "C"), ("C", "D"), ("C", "E"), ("D", "F"), ("E", "F")]


@dataclass(frozen=True)
class Bounded:
    """An answer of which only the bound is known."""

    bound_musd: float


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The published network with two sketched days and nine zones."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("buses", "branches", "units", "parameters"):
        (folder / f"{name}.csv").write_text((DATA / f"aeso6_{name}.csv").read_text(encoding="utf-8"), encoding="utf-8")
    buses = ("South", "Calgary", "Central", "Edmonton", "Northwest", "Northeast")
    rows = [f"z{k},{buses[k % 6]},{50 + k * 0.7},{-118 + k * 0.7},2500" for k in range(9)]
    (folder / "zones.csv").write_text("zone,bus,latitude,longitude,area_km2\n" + "\n".join(rows), encoding="utf-8")

    def make(cases, **sections):
        tables = {name: f"{name}.csv" for name in ("buses", "branches", "units", "zones", "parameters")}
        data = {"job": "transition", "tables": tables, "cases": {name: FACTORS[name] for name in cases}}
        data |= {"days": {"source": "sketch", "count": 2}}
        data["published_busd"] = {"A": 40.74} if "A" in cases else {}
        data["training"] = {"gap": 0.02, "iterations": 60, "stall_iterations": 15, "stall_tolerance": 1e-3}
        return transition.Settings.validated(data | sections, "study.toml"), folder

    return make


@pytest.fixture(scope="module")
def result(study):
    given = {"extensive": ["A"], "stochastic_value": ["A"], "simulate": ["B"]}
    given |= {"out_of_sample": 100, "out_of_sample_days": 2}
    return transition.run(*study("AB", study=given))


def test_every_table_has_the_columns_that_are_documented(result) -> None:
    text = transition.__doc__ or ""
    listed = text.split("Tables of the result:")[1].strip()
    documented = dict(re.findall(r"^(\w+): (.+?)(?=\n\w+: |\Z)", listed, re.S | re.M))
    for name, table in result.tables.items():
        assert re.search(rf"\b{name}: ", text), name
        for column in table.columns:
            known = re.search(rf"\b{column}\b", text) or "<factor>" in documented.get(name, "")
            assert known, f"{name}.{column}"


def test_costs_are_above_their_bounds_and_fall_with_factors(result) -> None:
    table = result.tables["cases"].set_index("case")
    assert (table["cost_busd"] >= table["bound_busd"] * (1 - 1e-9)).all()
    assert table.loc["A", "cost_busd"] >= table.loc["B", "cost_busd"]
    assert table.loc["A", "published_busd"] == 40.74
    assert np.isnan(table.loc["B", "published_busd"])


def test_a_cost_is_its_investment_and_its_operation(result) -> None:
    table = result.tables["cases"]
    total = table["investment_busd"] + table["operation_busd"]
    assert total.to_numpy() == pytest.approx(table["cost_busd"].to_numpy())
    paths = result.tables["paths"]
    spent = paths["probability"] * (paths["investment_musd"] + paths["operation_musd"])
    expected = spent.groupby(paths["case"]).sum()
    assert expected.to_numpy() / 1e3 == pytest.approx(table["cost_busd"].to_numpy())


def test_decisions_add_to_the_expected_investment(result) -> None:
    made = result.tables["decisions"]
    expected = (made["probability"] * made["cost_musd"]).groupby(made["case"]).sum()
    assert expected.to_numpy() / 1e3 == pytest.approx(result.tables["cases"]["investment_busd"].to_numpy(), rel=1e-5)


def test_the_map_carries_what_is_expected_at_the_end(result) -> None:
    capacities, buses = result.tables["capacities"], result.tables["network_buses"]
    last = capacities.query("stage == 2 and factor == 'gas'").groupby("case")["expected"].mean()
    assert buses.groupby("case")["gas"].sum().to_numpy() == pytest.approx(last.to_numpy())


def test_bounds_never_fall_and_the_extensive_form_agrees(result) -> None:
    for _, log in result.tables["convergence"].groupby("case"):
        assert (np.diff(log["bound_musd"]) >= 0).all()
    assert result.tables["extensive"]["difference"].abs().max() < 2e-3


def test_realisations_are_summed_up_by_quantiles(result) -> None:
    table = result.tables["simulations"].query("case == 'B' and quantity == 'cost_busd'").set_index("sample")
    assert table.loc["in sample", "realisations"] == 9 * 2 * 2
    assert table.loc["out of sample", "realisations"] == 100
    expected = float(result.tables["cases"].set_index("case").loc["B", "cost_busd"])
    assert table.loc["in sample", "mean"] == pytest.approx(expected, rel=1e-4)


def test_the_fan_ends_at_the_expected_cost(result) -> None:
    fan = result.tables["policy_fan"].query("quantity == 'cost so far' and stage == 3").set_index("case")
    cost = result.tables["cases"].set_index("case")["cost_busd"]
    assert fan["mean"].to_numpy() == pytest.approx(cost.to_numpy())
    assert (fan["p05"] <= fan["p50"]).all()
    assert (fan["p50"] <= fan["p95"]).all()


def test_capacities_of_buses_add_up_to_those_of_the_system(result) -> None:
    keys = ["case", "stage", "state", "factor"]
    whole = result.tables["capacities"].set_index(keys)["expected"]
    by_bus = result.tables["capacities_by_bus"].groupby(keys)["expected"].sum()
    assert by_bus.reindex(whole.index, fill_value=0.0).to_numpy() == pytest.approx(whole.to_numpy(), abs=1e-3)


def test_the_published_order_stands_beside_ours(result) -> None:
    table = result.tables["published"].set_index("case")
    assert table.loc["A", ["cost_over_first", "decided_over_first", "published_over_first"]].tolist() == [1, 1, 1]
    assert table.loc["B", "decided_over_first"] < table.loc["B", "cost_over_first"] < 1


def test_results_worth_a_word_are_told() -> None:
    """A wide gap, another case's plan, load shed in stage 1, CO2 above the target, days not seen that cost more."""
    made = {
        "cases": pd.DataFrame([("A", 0.02, "time is up", "A"), ("B", 0.0, "", "A")],
                              columns=["case", "gap", "reason", "plan_from"]),
        "operations": pd.DataFrame([("A", 1, "now", 7.0, 3.0, 9.0, 0.0), ("A", 2, "high", 9.0, 3.0, 2.5, 0.5),
                                    ("B", 2, "high", 0.0, 1.0, 2.5, 0.0)],
                                   columns=["case", "stage", "state", "shed_mwh", "co2_mt", "co2_target_mt",
                                            "co2_above_mt"]),
        "simulations": pd.DataFrame([("A", "stochastic", "in sample", "cost_busd", 10.0),
                                     ("A", "stochastic", "out of sample", "cost_busd", 12.0),
                                     ("A", "stochastic", "in sample", "first_operation_busd", 1.0),
                                     ("A", "stochastic", "out of sample", "first_operation_busd", 2.5)],
                                    columns=["case", "plan", "sample", "quantity", "mean"]),
        "extensive": pd.DataFrame([("A", "")], columns=["case", "reason"]),
    }  # fmt: skip
    texts = summary.found_in(made, 0.01)["text"].tolist()
    assert [text.split(":")[0] for text in texts] == [
        "Case A",
        "Case B",
        "Stage 1 sheds 7 MWh a year in every case",
        "Case A, stage 2 (high)",
        "Case A, stochastic plan",
    ]
    assert "1.5 bn of the difference is operation in stage 1" in summary.found_in(made, 0.01)["text"].iloc[-1]
    for target, cause in ((np.inf, "cannot serve its load on"), (9.0, "or not within a day's"), (3.0, "which binds")):
        made["operations"].loc[0, "co2_target_mt"] = target
        assert cause in summary.found_in(made, 0.01)["text"][2]
    made["simulations"]["mean"] = 10.0
    assert len(summary.found_in(made, 0.05)) == 3


def test_a_bound_of_a_larger_case_is_one_of_the_smaller(study) -> None:
    settings, _ = study("ABE")
    answers = {name: Bounded(bound) for name, bound in (("A", 5.0), ("B", 3.0), ("E", 4.0))}
    found = with_best_bounds(settings, answers)
    assert {name: answer.bound_musd for name, answer in found.items()} == {"A": 5.0, "B": 4.0, "E": 4.0}


def test_parameters_name_their_sources(result) -> None:
    assert (result.tables["parameters"]["source"].str.len() > 0).all()


def test_an_extensive_form_out_of_time_leaves_the_study_whole(study) -> None:
    given = {"extensive": ["A"], "extensive_seconds": 1e-9, "stochastic_value": [], "simulate": []}
    found = transition.run(*study("A", study=given, training={"iterations": 2}, days=ONE_DAY))
    row = found.tables["extensive"].iloc[0]
    assert row["reason"] == "no solution in 1e-09 s"
    assert np.isnan(row[["cost_busd", "bound_busd", "difference", "ratio"]].astype(float)).all()
    assert "Case A is not compared with the extensive form: no solution in 1e-09 s." in set(
        found.tables["findings"]["text"]
    )
    assert "extensive_A" not in found.headline
    assert found.headline["cost_A_busd"].value > 0


@pytest.mark.parametrize("problem", [None, InputError("The deterministic equivalent is too large.")], ids=str)
def test_an_extensive_form_that_is_not_proven_or_too_large_is_no_comparison(monkeypatch, problem) -> None:
    """A point without a bound gives a cost and nothing to compare with; a program that is too large not even that."""

    def ended(graph, risk, integer, time_limit_s):
        if problem is not None:
            raise problem
        return Optimum(8e3, -np.inf, {}, (3, 2))

    monkeypatch.setattr(extensive, "deterministic_equivalent", ended)
    monkeypatch.setattr(extensive, "policy_graph", lambda model: None)
    log = pd.DataFrame([("relaxed", 7e3, 2.0)], columns=["phase", "bound_musd", "seconds"])
    cost = SimpleNamespace(value_musd=7.5e3)
    answer = SimpleNamespace(model=SimpleNamespace(risk=None), convergence=log, cost=cost)
    row = extensive.extensive_forms({"A": answer}, 5.0).iloc[0]
    said = "not proven best in 5 s" if problem is None else "The deterministic equivalent is too large"
    assert row["reason"] == said
    assert np.isnan(row[["bound_busd", "difference", "ratio"]].astype(float)).all()
    assert (row["cost_busd"] == 8.0) == (problem is None)


@pytest.mark.parametrize("risk", [{}, {"measure": "cvar", "alpha": 0.9, "lambda": 0.5}, {"measure": "worst case"}])
def test_a_dumped_study_can_be_read_again(study, risk) -> None:
    settings, _ = study("AB", risk=risk)
    assert transition.Settings.validated(settings.dump(), "dump") == settings


def test_two_workers_change_nothing(study) -> None:
    given = {"extensive": [], "stochastic_value": [], "simulate": []}
    few = {"iterations": 6, "stall_iterations": 5}
    one, two = (transition.run(*study("B", study=given, training=few), Workers(count)) for count in (1, 2))
    same = ["bound_musd", "simulated_musd"]
    assert one.tables["convergence"][same].equals(two.tables["convergence"][same])


# Risk measures


@pytest.fixture(scope="module")
def averse(study):
    given = {"extensive": ["A"], "stochastic_value": ["A"], "simulate": []}
    risk = {"measure": "cvar", "alpha": 0.9, "lambda": 0.5}
    return transition.run(*study("AB", study=given, risk=risk))


def test_bounds_and_gaps_are_of_the_risk_adjusted_cost(averse) -> None:
    table, risk = (averse.tables[name].set_index("case") for name in ("cases", "risk"))
    assert (table["risk_adjusted_busd"] > table["cost_busd"]).all()
    assert (table["risk_adjusted_busd"] >= table["bound_busd"] * (1 - 1e-9)).all()
    gap = np.maximum(table["risk_adjusted_busd"] / table["bound_busd"] - 1, 0)
    assert gap.to_numpy() == pytest.approx(table["gap"].to_numpy(), abs=1e-12)
    for column in ("risk_adjusted_busd", "bound_busd", "gap"):
        assert risk[column].equals(table[column])
    assert risk["expected_busd"].to_numpy() == pytest.approx(table["cost_busd"].to_numpy())
    assert averse.headline["risk_adjusted_B_busd"].value == table.loc["B", "risk_adjusted_busd"]


def test_the_nested_value_is_that_of_the_table_of_paths(averse) -> None:
    """By hand: at alpha 0.9 and three equally likely states the worst of them, blended with their mean."""
    rows = averse.tables["paths"].query("case == 'B'")
    rows = rows.assign(cost=rows["investment_musd"] + rows["operation_musd"])
    costs = rows.pivot(index="path", columns="stage", values="cost")
    blended = lambda values: 0.5 * values.mean() + 0.5 * values.max()  # noqa: E731
    second = [part[2].iloc[0] + blended(part[3]) for _, part in costs.groupby([p.split(" > ")[1] for p in costs.index])]
    by_hand = costs[1].iloc[0] + blended(np.array(second))
    table = averse.tables["cases"].set_index("case")
    assert table.loc["B", "risk_adjusted_busd"] == pytest.approx(by_hand / 1e3, rel=1e-9)


def test_the_dear_end_of_a_plans_costs_is_told(averse) -> None:
    row = averse.tables["risk"].set_index("case").loc["B"]
    each = averse.tables["paths"].query("case == 'B'")
    cost = (each["investment_musd"] + each["operation_musd"]).groupby(each["path"]).sum() / 1e3
    assert row["worst_path_busd"] == pytest.approx(cost.max())
    assert row["worst_path"] == cost.idxmax()
    assert row["cvar_busd"] == pytest.approx(cost.max())  # the worst tenth lies within one of nine paths


def test_the_extensive_form_has_the_same_measure(averse) -> None:
    assert averse.tables["extensive"]["difference"].abs().max() < 2e-3


def test_assumptions_and_value_are_of_what_is_optimised(averse, result) -> None:
    texts = [made.tables["assumptions"].set_index("topic")["text"]["Risk"] for made in (averse, result)]
    assert "0.5 expectation and 0.5 CVaR at alpha = 0.9" in texts[0]
    assert "Shapiro 2011" in texts[0]
    assert texts[1] == "What is optimised is the expected cost over all paths of states."
    value = averse.tables["stochastic_value"].set_index("quantity")["busd"]
    held, own = value["plan for the mean future, held in every stage"], value["stochastic plan"]
    assert own <= averse.tables["cases"].set_index("case").loc["A", "risk_adjusted_busd"] * (1 + 1e-12)
    assert value["value of the stochastic solution, whole plan held"] == pytest.approx(held - own)


def test_the_headline_says_what_kind_of_value_it_is(averse, result) -> None:
    assert averse.headline["vss_A_busd"].label == "Case A: risk-adjusted value of the stochastic solution"
    assert result.headline["vss_A_busd"].label == "Case A: value of the stochastic solution"


def test_without_a_measure_no_table_speaks_of_one(result) -> None:
    assert "risk" not in result.tables
    assert "risk_adjusted_busd" not in result.tables["cases"]


def test_two_workers_change_nothing_under_a_measure(study) -> None:
    given = {"extensive": [], "stochastic_value": [], "simulate": []}
    few, risk = {"iterations": 6, "stall_iterations": 5}, {"measure": "worst case"}
    one, two = (transition.run(*study("B", study=given, training=few, risk=risk), Workers(n)) for n in (1, 2))
    same = ["bound_musd", "simulated_musd"]
    assert one.tables["convergence"][same].equals(two.tables["convergence"][same])
    assert one.tables["risk"].drop(columns="cvar_busd").equals(two.tables["risk"].drop(columns="cvar_busd"))


def test_the_fan_tells_what_is_emitted_and_shed(result) -> None:
    """In the mean over paths what the table of operation has in the mean over states."""
    fan = result.tables["policy_fan"].query("case == 'B' and stage == 3").set_index("quantity")["mean"]
    rows = result.tables["operations"].query("case == 'B' and stage == 3")
    for quantity, column, per_unit in (("CO2 a year", "co2_mt", 1), ("shed a year", "shed_mwh", 1e3)):
        assert fan[quantity] == pytest.approx((rows["probability"] * rows[column]).sum() / per_unit)


def setup_of(case, agreement=None):
    return ShortTerm(case, [1, 2], None, "files w", pd.DataFrame(), agreement)


def test_assumptions_of_another_case_do_not_speak_of_the_published_one(study) -> None:
    settings, folder = study("A")
    setup = setup_of(read_case(settings, folder), (0.5, 0.4))
    own = settings.model_copy(update={"published_busd": {}})
    published, plain = (assumptions(s, setup).set_index("topic")["text"] for s in (settings, own))
    assert "Base" in published
    assert "the paper: 0.75" in published["Days"]
    assert "13 MW" in published["Network"]
    assert "Base" not in plain
    assert not plain.str.contains("the paper|as publish|Alberta").any()
    assert "taken as 1" in plain["States"]
    assert "price_line" in plain["States"]
    assert "load" not in plain["States"][60:]


def test_without_another_year_no_agreement_is_told(study) -> None:
    settings, folder = study("A", days={"source": "files", "weather": "w"})
    case = read_case(study("A")[0], folder)
    text = assumptions(settings, setup_of(case)).set_index("topic")["text"]["Days"]
    assert "mutual information" not in text
    assert "days out of sample come from the same year" in text


def test_weather_files_are_hashed(study) -> None:
    settings, folder = study("A", days={"source": "files", "weather": "w"})
    (folder / "w").mkdir(exist_ok=True)
    (folder / "w" / "points.csv").write_text("point\n", encoding="utf-8")
    assert "w/points.csv" in summary.provenance(settings, folder, {}, 1, False)["inputs"]


def test_a_low_price_of_missed_targets_and_rows_of_no_state_are_remarked(study) -> None:
    settings, folder = study("A", chain={"states": ["baseline"]})
    case = read_case(settings, folder)
    low = replace(case, parameters=case.parameters.changed(co2_slack_usd_per_t=50_000.0))
    texts = [" ".join(finding.text for finding in summary.remarks(settings, c)) for c in (case, low)]
    assert "are of no state of the study: baseline" in texts[0]
    assert "co2_slack" not in texts[0]
    assert "co2_slack_usd_per_t is below 264,550 USD/t" in texts[1]


@pytest.mark.long
def test_the_order_of_the_cases_holds(study) -> None:
    given = {"extensive": [], "stochastic_value": [], "simulate": []}
    cost = transition.run(*study("ABCDEF", study=given)).tables["cases"].set_index("case")["cost_busd"]
    assert all(cost[dear] >= cost[cheap] for dear, cheap in ORDER)
