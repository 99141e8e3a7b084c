"""The report of an upgrade planning study: a small result made by hand, three feeders and three years."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.planning.upgrades.summary import headline
from gridstudio.report import render
from gridstudio.report.upgrades.figures import _risk_map
from gridstudio.report.upgrades.rows import MOST_ROWS, short_money
from gridstudio.report.upgrades.view import amount, listed, view
from gridstudio.report.upgrades.view import words as in_words
from gridstudio.report.upgrades.where import circuit, overloaded, works
from gridstudio.report.upgrades.words import by_year, judgement, verdict
from gridstudio.result import Quantity, StudyResult

HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
FEEDERS = ("north", "south", "east")
YEARS = (1, 2, 3)
# (feeder, measure): year of building (0: never) and cost
PLAN = {("north", "service_transformer"): (1, 500_000.0), ("south", "battery"): (2, 300_000.0)}
MEASURES = {"service_transformer": 500_000.0, "battery": 300_000.0, "ev_shift": 60_000.0}
RATES = (0.05, 0.10)
BUSES = [("1", 0, 0), ("2", 1, 0), ("3", 2, 0), ("4", 2, 1)]
BRANCHES = [("line.a", "a", "1", "2"), ("line.b", "b", "2", "3"), ("transformer.t", "t", "3", "4")]


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def risk_of(feeders):
    """feeder -> expected MWh in the last year without and with the plan; the first bears 4 of 5 parts."""
    share = [0.8, *([0.2 / max(len(feeders) - 1, 1)] * (len(feeders) - 1))] if len(feeders) > 1 else [1.0]
    return {name: (50.0 * part, 1.0 * part) for name, part in zip(feeders, share, strict=True)}


def chosen(feeders, built):
    rows = []
    for feeder in feeders:
        for measure, cost in MEASURES.items():
            year, _ = PLAN.get((feeder, measure), (0, 0.0)) if built else (0, 0.0)
            rows.append((feeder, measure, "line", cost, 1e3, 40.0, 2.0, year > 0, year, 0.4 * cost * (year > 0)))
    names = "feeder measure limit cost_usd om_usd_per_year life_years gain_mw built year present_value_usd"
    return frame(names, rows)


def roadmap_of(feeders, built):
    rows = []
    for name in feeders:
        for year in YEARS:
            done = [(m, cost) for (f, m), (y, cost) in PLAN.items() if built and f == name and y == year]
            action = "build" if done else {1: "none", 2: "bridge"}.get(year, "monitor")
            left = risk_of(feeders)[name][1] if year == 3 else 0.0
            head = (name, year, action, ", ".join(m for m, _ in done), sum(cost for _, cost in done))
            rows.append((*head, 0.1 * (left > 0), 10 * left, left, 0.05))
    return frame("feeder year action measures spend_usd probability severity expected_unserved p95_mw", rows)


def years_of(built):
    spend = (500_000.0, 300_000.0, 0.0) if built else (0.0, 0.0, 0.0)
    after = (0.0, 0.5, 1.0) if built else (0.0, 20.0, 50.0)
    names = (
        "year spend_usd cumulative_usd budget_usd om_usd expected_unserved p95_unserved expected_unserved_without "
        "probability recourse_usd feeders_short"
    )
    rows = [
        (y, s, sum(spend[: k + 1]), 600_000.0, 1e3, left, 2 * left, without, 0.1 * (left > 0), 1e4 * left, 1)
        for k, (y, s, left, without) in enumerate(zip(YEARS, spend, after, (0.0, 20.0, 50.0), strict=True))
    ]
    return frame(names, rows)


def plan_rows(key, values):
    head = f"{key} investment_usd recourse_usd total_usd expected_unserved saidi_h saifi measures"
    return frame(head, [(v, 3e5 / (k + 1), 1e5, 4e5, 2.0 * k, 0.1 * k, 0.05 * k, 2) for k, v in enumerate(values)])


def compared_tables():
    pareto = plan_rows("bound", [0.0, 10.0, 70.0]).assign(status="optimal", gap=0.0)
    prices = plan_rows("factor", [0.5, 1.0]).assign(usd_per_unit=[12_500.0, 25_000.0], plan=["x 0.5", "x 1"])
    quantities = ["plan for the scenarios", "every scenario known beforehand", "value of the stochastic solution"]
    solver = "program status total_usd bound_usd gap variables constraints nonzeros seconds"
    return {
        "plans": plan_rows("plan", ["nothing built", "plan", "plan for the mean future"]),
        "pareto": pareto,
        "value_of_lost_load": prices,
        "discount_rate": plan_rows("rate", [0.05, 0.10]),
        "stochastic": pd.DataFrame({"quantity": quantities, "usd": [4e5, 1e5, 2e5]}),
        "solver": frame(solver, [("plan", "optimal", 4e5, 4e5, 0.0, 10, 5, 30, 0.1)]),
    }


def merit_tables(feeders, built):
    projects = "feeder measures discount_rate benefit_usd cost_usd npv_usd bcr payback_years"
    merit = [
        (f, m, rate, (k + 0.5) * 1e6 * (1.05 - rate), 1e6, ((k + 0.5) * (1.05 - rate) - 1) * 1e6,
         (k + 0.5) * (1.05 - rate), np.inf)
        for k, (f, m) in enumerate(key for key in PLAN if key[0] in feeders) for rate in RATES
    ]  # fmt: skip
    other = "feeder first_year shift_mw battery_mw adequate_until cost_usd wires_usd deferral_usd judged_by"
    others = [(f, 2, 0.2, 0.1, 3 if k else 1, 5e4, 5e5, 2e4 if k else -1e4, "hours") for k, f in enumerate(feeders[:2])]
    day = "feeder year day hour load_mw limit_mw ev_mw shift_mw battery_mw left_mw"
    hours = [(f, y, d, h, 4 + h / 12 + 0.2 * d, 5.5, 0.5, 0.2 * (h > 15) - 0.1 * (h < 4), 0.3 * (h > 18),
              0.1 * (h == 23))
             for f in feeders[:2] for y in (2, 3) for d in (1, 2) for h in range(24)]  # fmt: skip
    return {
        "projects": frame(projects, merit if built else []),
        "alternatives": frame(other, others),
        "dispatch": frame(day, hours),
    }


def risk_tables(feeders):
    risk = risk_of(feeders)
    ranked = "feeder customers peak_mw rated_mw probability severity expected_unserved mean_mw p95_mw highest_mw"
    names = f"{ranked} expected_unserved_after p95_mw_after rank"
    rows = [
        (f, 900.0 / (k + 1), 5.0, 5.5, 0.5, 2 * was, was, 0.5, 1.0, 2.0, left, 0.1, k + 1)
        for k, (f, (was, left)) in enumerate(risk.items())
    ]
    deficit = "feeder year probability mean_mw p95_mw highest_mw mean_unserved p95_unserved highest_unserved"
    deficits = [(f, y, 0.2 * y, 0.2 * y, 0.5 * y, 1.0 * y, y, 2 * y, 3 * y) for f in feeders for y in YEARS]
    tail = "year quantity unserved unserved_without recourse_usd recourse_usd_without"
    kinds = ("expected", "p95", "cvar", "highest")
    tails = [(y, q, 0.1 * k * y, 10.0 * k * y, 1e3 * k, 1e5 * k) for y in YEARS for k, q in enumerate(kinds, 1)]
    return {"ranking": frame(names, rows), "deficits": frame(deficit, deficits), "risk": frame(tail, tails)}


def simulated(holds):
    names = (
        "scenarios count expected_unserved p95_unserved highest_unserved probability expected_curtailed "
        "expected_customer_hours expected_recourse_usd p95_recourse_usd expected_total_usd"
    )
    rows = [
        ("in sample", 4, 1.5, 3.0, 9.0, 0.1, 0.0, 30.0, 4e4, 9e4, 400_000.0),
        ("out of sample", 9, 3.0, 6.0, 12.0, 0.2, 0.0, 60.0, 6e4, 1e5, 420_000.0),
    ]
    drivers = "scenario probability growth solar_share ev_share ev_kw weather unserved_without unserved recourse_usd"
    futures = [(k, 0.25, 0.01 * (k + 1), 0.2, 0.1, 7.0 + k, 1.0, 20.0 * k, 0.5 * k, 1e4 * k) for k in range(4)]
    verified = 4e4 if holds == "yes" else 9e4
    rounds = [(5e5, 5e4, 9e4, 2, 1), (4e5, 4e4, verified, 0 if holds == "yes" else 1, 2)]
    return {
        "check": frame(names, rows),
        "scenarios": frame(drivers, futures),
        "rounds": frame("total_usd expected_recourse_usd verified_recourse_usd corrected_packages round", rounds),
    }


def powerflow_tables(feeders):
    """What mode powerflow adds."""
    first = feeders[0]
    baseline = (
        "feeder head customers peak_mw average_mw energy_mwh limited_by element highest_loading_pu lowest_v_pu "
        "highest_v_pu headroom_mw rated_mw"
    )
    today = [(f, "line.h", 900, 5.0, 3.0, 99.0, "overload", "transformer.t", 0.9, 0.96, 1.04, 0.5 - k, 5.5 - k)
             for k, f in enumerate(feeders)]  # fmt: skip
    need = (
        "scenario probability feeder year overloaded_elements energy_above_rating_mwh hours_overloaded "
        "buses_out_of_band hours_out_of_band highest_loading_pu lowest_v_pu unserved_mwh"
    )
    needs = [
        (s, 0.25, f, y, y, 4.0 * s, 2 * y, 1, 3.0, 1.1, 0.94, 0.0) for s in range(4) for f in feeders for y in YEARS
    ]
    hot = "feeder element kind rated_a probability mean_loading_pu highest_loading_pu energy_above_rating_mwh"
    hour = "feeder year day hour mean_load_mw p95_load_mw probability expected_shed_mw"
    hours = [(f, 3, d, h, 4.0, 5.0, 0.1, 0.002 * (h == 18)) for f in feeders for d in (1, 2) for h in range(24)]
    left = "scenarios feeder year probability expected_unserved_mwh highest_unserved_mwh element"
    parts = [(first, "service_transformer", "Transformer.t", "150 kVA", 5e5), ("south", "battery", "3", "200 kW", 3e5)]
    return {
        "baseline": frame(baseline, today),
        "needs": frame(need, needs),
        "elements": frame(hot, [(first, "line.b", "line", 300.0, 0.4, 1.05, 1.3, 9.0)]),
        "parts": frame("feeder measure element change cost_usd", parts),
        "left": frame(left, [("in sample", first, 3, 0.1, 1.0, 9.0, "line.b")]),
        "corrections": frame("feeder year measures estimated_mwh simulated_mwh", [(first, 3, "battery", 0.5, 1.0)]),
        "hourly": frame(hour, hours),
        "network_buses": frame("bus x y", BUSES).assign(base_kv=7.2, distance_km=[0.0, 1.0, 2.0, 3.0]),
        "network_branches": frame("element name bus1 bus2", BRANCHES).assign(
            kind=["line", "line", "transformer"], phases=3, length_m=500.0, is_switch=False, closed=True, conductor="",
            ampacity_a=300.0,
        ),
    }  # fmt: skip


def make_result(
    feeders=FEEDERS, mode="powerflow", without=(), empty=(), holds="yes", built=True, unit="MWh", **changed
):
    """A result and variations of it."""
    tables = {
        "selection": chosen(feeders, built), "roadmap": roadmap_of(feeders, built), "years": years_of(built),
        **risk_tables(feeders), **merit_tables(feeders, built), **compared_tables(), **simulated(holds),
        **(powerflow_tables(feeders) if mode == "powerflow" else {}),
        "assumptions": frame("topic text", [("Hours", "Two representative days.")]),
        "findings": frame("severity text", [("warning", "Line b has no rating of its own.")]),
        "timing": frame("phase seconds power_flows not_converged", [("plan", 1.0, 99, 0)]),
    }  # fmt: skip
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="upgrades",
        title="Three feeders",
        settings={
            "mode": mode,
            "money": {"discount_rate": 0.05, "project_years": 20},
            "risk": {"measure": "blend", "alpha": 0.95, "weight": 0.25},
        },
        headline={
            "total_usd": Quantity("Present value", 410_000.0, "USD"),
            "investment_usd": Quantity("of it the plan", 320_000.0, "USD"),
            "unserved_before": Quantity("Unserved", 50.0, unit),
            "status": Quantity("Solver", "optimal"),
            "bound_usd": Quantity("Bound", 410_000.0, "USD"),
            "gap": Quantity("Gap", 0.0),
            "holds": Quantity("The plan holds", holds),
            "vss_usd": Quantity("Value of the stochastic solution", 200_000.0, "USD"),
            "evpi_usd": Quantity("Value of perfect information", 100_000.0, "USD"),
        },
        tables=tables,
        violations_left=0 if holds == "yes" else 1,
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 99},
    )
    return replace(result, **changed)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upgrades")
    render(make_result(), folder)
    return folder


def told(result):
    """The sentences of the first screen, narrow spaces as plain ones."""
    study = view(result)
    return plain(" ".join([*verdict(study), *(text for text, _ in judgement(study))]))


def warned(result):
    """Those of them that are warnings."""
    return plain(" ".join(text for text, warning in judgement(view(result)) if warning))


def plain(text):
    return re.sub("[\u202f\u00a0]", " ", text)


BOTH = {
    "roadmap", "spending", "tails", "ranking", "risk_map", "deficits", "selection", "benefit_cost",
    "cost_against_benefit", "alternatives", "dispatch", "plans", "pareto", "sweeps", "check", "scenarios",
}  # fmt: skip
POWERFLOW = {"baseline", "needs", "elements", "network", "corrections", "hourly"}


def test_every_figure_is_drawn(rendered):
    assert {path.stem for path in (rendered / "figures").iterdir()} == BOTH | POWERFLOW
    for path in (rendered / "figures").iterdir():
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = (int.from_bytes(path.read_bytes()[a : a + 4], "big") for a in (16, 20))
        assert width == 1680, path
        assert 200 <= height <= 1900, path


def test_every_figure_is_on_the_page(rendered, read_page):
    assert read_page(rendered).html.count("<img ") == len(BOTH | POWERFLOW)


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    page = read_page(rendered).html
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert not re.search(r"@import|url\(|<link|<iframe|fetch\(|XMLHttpRequest", page.split("<script")[0])


def test_first_screen_tells_what_when_cost_risk_and_whether_it_holds(rendered, read_page):
    text = read_page(rendered).words
    for sentence in (
        "Build 2 measures on 2 of 3 feeders in 3 years, for USD 800 000",
        "(present value of capital and O&M at 5.0 %, less the value left at the end: USD 320 000)",
        "First, in year 1: service transformer on north (USD 500 000).",
        "In year 3, 1.00 MWh is expected to stay unserved, 98.0 % less than the 50.0 MWh if nothing is built",
        "something is unserved with a probability of 10.0 %",
        "The plan holds: simulated by power flow it costs what the program promised after 2 rounds",
        "3.00 MWh are expected to stay unserved over all years against 1.50 MWh (2.0 times as much)",
        "USD 420 000 against USD 400 000, 5.0 % more",
        "minimises 75 % expected value and 25 % the mean of the worst 5 % of the scenarios: USD 410 000",
        "Proven optimal by the solver, where plans that were not simulated count with their estimates",
        "In no year is the budget used up.",
        "saves USD 200 000; perfect foresight would save at most USD 100 000 more",
        "suffices for a while and pays on south (USD 20 000 by deferral)",
    ):
        assert sentence in text, sentence
    assert text.index("Build 2 measures") < text.index("Every feeder and year")


def test_the_answer_by_year_names_what_is_built():
    table = by_year(view(make_result()))
    assert table["build"].tolist() == ["north: service transformer", "south: battery", "nothing"]
    assert table["cumulative_usd"].tolist() == [500_000.0, 800_000.0, 800_000.0]


def test_a_plan_that_does_not_hold_is_a_warning_with_its_figures():
    text = warned(make_result(holds="no"))
    assert "The plan does NOT hold when simulated by power flow after 2 rounds" in text
    assert "promised USD 40 000 for what stays unserved, the simulation gives USD 90 000" in text
    assert "Most is left on north in year 3 at line.b." in text


def test_a_plan_whose_costs_are_as_promised_fails_only_on_limits():
    result = make_result(holds="no")
    rounds = result.tables["rounds"]
    result.tables["rounds"] = rounds.assign(verified_recourse_usd=rounds["expected_recourse_usd"])
    assert "limits stay broken in some of its futures" in warned(result)


def test_where_nothing_is_built_the_page_says_so(tmp_path, read_page):
    result = make_result(built=False, mode="capacity", empty=("pareto", "plans", "scenarios", "risk", "deficits"))
    render(result, tmp_path)
    assert "Build nothing in 3 years: no measure on any of 3 feeders is worth its cost." in read_page(tmp_path).words
    assert "First," not in told(result)
    assert not (tmp_path / "figures" / "benefit_cost.png").exists()


def test_a_solver_that_was_stopped_is_no_proof():
    result = make_result()
    result.headline.update(status=Quantity("Solver", "time limit"), gap=Quantity("Gap", 0.03))
    text = warned(result)
    assert "stopped with the status 'time limit': the plan is not proven optimal" in text
    assert "at most 3.00 % dearer than the best" in text


def test_a_comparison_that_was_stopped_is_not_counted():
    result = make_result()
    same = "The number of measures is the same for a value of lost load from USD 12 500 to 25 000"
    assert same in told(result)
    solver = result.tables["solver"]
    stopped = solver.assign(program="x 1", status="time limit", gap=0.2)
    result.tables["solver"] = pd.concat([solver, stopped])
    assert "How the plan depends on the value of lost load is not proven" in warned(result)


def test_a_project_whose_benefit_is_below_its_cost_is_a_warning(rendered, read_page):
    # by hand: north's benefit is (1.05 - 0.05) x 0.5 = 0.5 of its cost at 5 %, less at 10 %
    sentence = "Benefit is below cost on north (at best 0.50 of it) at every rate of the discount band."
    assert sentence in warned(make_result())
    assert sentence in read_page(rendered).words
    assert 'class="note warn"' in read_page(rendered).html


@pytest.mark.parametrize(
    ("spend", "sentence"),
    [
        ((500_000.0, 595_000.0, 0.0), "The budget is nearly used up in year 2: more might pay."),
        ((700_000.0, 0.0, 0.0), "The budget is EXCEEDED in year 1."),
        ((599_000.0, 600_000.0, 0.0), "nearly used up in years 1 and 2"),
    ],
)
def test_budget_is_judged_year_by_year(spend, sentence):
    result = make_result()
    result.tables["years"] = result.tables["years"].assign(spend_usd=spend)
    assert sentence in told(result)


@pytest.mark.parametrize("budget", [0.0, 1.0])
def test_a_budget_below_the_cheapest_measure_allows_nothing(budget):
    result = make_result(built=False)
    result.tables["years"] = result.tables["years"].assign(budget_usd=budget)
    text = told(result)
    assert "allows nothing with capital: the cheapest such measure costs USD 60 000." in warned(result)
    assert "Build nothing in 3 years: every measure offered costs more than any year's budget." in text
    assert "In no year" not in text
    assert "is worth its cost" not in text


def test_measures_that_no_budget_pays_are_counted():
    # each of 3 feeders is offered measures for 500 000, 300 000 and 60 000 USD; 400 000 pay for the last two
    result = make_result(built=False)
    result.tables["years"] = result.tables["years"].assign(budget_usd=[100_000.0, 400_000.0, 400_000.0])
    text = told(result)
    assert "In no year is the budget used up. 3 of 9 measures offered cost more than any year's budget." in text
    assert (
        "Build nothing in 3 years: of 9 measures offered, 3 cost more than any year's budget and none of the others"
        in text
    )
    result.tables["years"] = result.tables["years"].assign(budget_usd=[100_000.0, 400_000.0, np.nan])
    assert "more than any year's budget" not in told(result)


def test_a_feeder_without_candidates_is_a_feeder():
    result = make_result()
    chosen = result.tables["selection"]
    result.tables["selection"] = chosen[chosen["feeder"] != "east"]
    assert "Build 2 measures on 2 of 3 feeders" in told(result)


def shared(average_mw, heads=("line.h", "line.h", "transformer.east")):
    """The result whose third place, east, may be a substation."""
    result = make_result()
    result.tables["baseline"] = result.tables["baseline"].assign(head=heads, average_mw=average_mw)
    return result


def test_the_substation_is_no_feeder():
    result = shared([3.0, 2.0, 5.0])
    assert "Build 2 measures on 2 of 2 feeders in 3 years" in told(result)
    picked = result.tables["selection"]
    moved = {"south": "east", "east": "south"}
    result.tables["selection"] = picked.assign(feeder=picked["feeder"].replace(moved))
    study = view(result)
    assert study.places == "2 feeders and the substation east"
    assert "Build 2 measures on 1 of 2 feeders and on the substation east in 3 years" in told(result)
    assert study.counted(["east"], FEEDERS) == "the substation east and on none of 2 feeders"


def test_places_that_cannot_be_told_apart_are_no_feeders():
    assert "on 2 of 3 places (feeders and substations)" in told(shared([3.0, 2.0, 1.0]))


def test_feeders_whose_benefit_exceeds_cost_at_some_rates_are_named():
    result = shared([3.0, 2.0, 5.0])
    rows = [(f, "m", rate, bcr) for f, pair in (("north", (3, 2)), ("east", (1.1, 0.9)))
            for rate, bcr in zip(RATES, pair, strict=True)]  # fmt: skip
    result.tables["projects"] = frame("feeder measures discount_rate bcr", rows)
    sentence = "on 1 of 1 feeder with a measure at every rate of the discount band, on east at some of them only."
    assert f"Benefit exceeds cost {sentence}" in told(result)


@pytest.mark.parametrize(("weighted_usd", "told_so"), [(80.0, True), (50.0, False)])
def test_headline_says_what_is_weighted_for_risk(weighted_usd, told_so):
    # half of the scenarios cost 0, half 100: 50 expected
    plan = SimpleNamespace(stage=np.array([0, -1]))
    usd = {"total_usd": 10 + weighted_usd, "investment_usd": 10.0, "recourse_usd": weighted_usd, "bound_usd": 0.0}
    solution = SimpleNamespace(plan=plan, scenario_usd=np.array([0.0, 100.0]), status="optimal", gap=0.0, **usd)
    found = SimpleNamespace(solution=solution, problem=SimpleNamespace(probabilities=np.array([0.5, 0.5])), holds=True)
    head = headline(found, make_result().tables, energy=True)
    assert ("weighted for risk" in head["total_usd"].label) == told_so
    assert ("weighted for risk" in head["recourse_usd"].label) == told_so
    assert ("expected_recourse_usd" in head) == told_so
    if told_so:
        assert head["expected_recourse_usd"].value == 50.0
        assert list(head).index("expected_recourse_usd") == list(head).index("recourse_usd") + 1


def test_without_a_budget_there_is_no_budget_column():
    result = make_result(mode="capacity")
    result.tables["years"] = result.tables["years"].assign(budget_usd=np.nan)
    assert "budget_usd" not in by_year(view(result))


def test_a_plan_that_leaves_more_than_nothing_built_is_told_so():
    result = make_result()
    result.tables["years"] = result.tables["years"].assign(expected_unserved=[0.0, 0.0, 60.0])
    assert "20.0 % MORE than the 50.0 MWh" in told(result)


def test_every_table_is_in_the_workbook_and_every_column_of_it(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    tables = make_result().tables
    assert book.sheetnames[:4] == ["Summary", "years", "roadmap", "selection"]
    assert set(book.sheetnames) == {"Summary", *tables}
    for name, table in tables.items():
        assert book[name].max_row == len(table) + 1, name
        assert book[name].max_column == len(table.columns), name


def test_every_table_of_words_and_figures_is_on_the_page(rendered, read_page):
    text = read_page(rendered).words
    for seen in (
        "peak [MW]", "severity [MWh]", "150 kVA", "Two representative days.", "Line b has no rating of its own.",
        "value of the stochastic solution", "adequate until", "verified recourse [USD]", "mean loading, of the limit",
        "headroom [MW]", "Provenance",
    ):  # fmt: skip
        assert seen in text, seen


def test_unit_of_the_peak_is_used_where_only_the_peak_counts(tmp_path, read_page):
    few = ("years", "ranking", "check", "selection", "solver")
    result = make_result(mode="capacity", unit="MW")
    render(replace(result, tables={name: result.tables[name] for name in few}), tmp_path)
    text = read_page(tmp_path).words
    assert "1.00 MW is expected to stay unserved" in text
    assert "MWh" not in text


@pytest.mark.parametrize(
    "variation",
    [
        {"feeders": ("only",), "built": False, "mode": "capacity", "headline": {}},
        {"mode": "capacity", "without": ("discount_rate", "deficits", "risk", "dispatch"), "settings": {}},
        {
            "without": ("ranking", "selection", "roadmap", "years", "projects", "check", "scenarios", "alternatives"),
            "empty": ("stochastic", "plans", "pareto", "value_of_lost_load", "rounds", "solver", "corrections", "risk"),
        },
        {
            "without": (
                "stochastic",
                "plans",
                "pareto",
                "value_of_lost_load",
                "discount_rate",
                "rounds",
                "network_buses",
            ),
            "empty": ("ranking", "selection", "roadmap", "years", "projects", "elements", "needs", "left", "hourly"),
        },
    ],
    ids=["one feeder, nothing built", "no settings", "much is absent", "much is empty"],
)
def test_report_does_without(tmp_path, variation, read_page):
    render(make_result(**variation), tmp_path)
    seen = read_page(tmp_path).words.lower().split()
    assert "nan" not in seen
    assert "inf" not in seen
    assert openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames[0] == "Summary"


def test_many_feeders_fit_and_the_figures_say_what_is_left_out(tmp_path, read_page):
    feeders = tuple(f"feeder_{k}_with_a_rather_long_name_of_its_own" for k in range(65))
    render(make_result(feeders=feeders, mode="capacity", empty=("pareto", "plans", "scenarios", "risk")), tmp_path)
    for path in (tmp_path / "figures").iterdir():
        assert int.from_bytes(path.read_bytes()[20:24], "big") < 2000, path
    assert read_page(tmp_path).words.count("feeder_64_with") >= 1  # in the folded tables, though no figure shows it
    assert MOST_ROWS < 65


def test_nothing_at_risk_draws_no_risk_map(tmp_path):
    result = make_result(mode="capacity", built=False, empty=("pareto", "plans", "scenarios", "risk", "deficits"))
    zero = dict.fromkeys(("probability", "severity", "expected_unserved", "expected_unserved_after"), 0.0)
    result.tables["ranking"] = result.tables["ranking"].assign(**zero)
    result.tables["years"] = result.tables["years"].assign(expected_unserved=0.0, expected_unserved_without=0.0)
    assert list(_risk_map(view(result), tmp_path)) == []
    assert "Nothing is unserved in year 3 even if nothing is built." in told(result)


def test_measures_stand_at_their_branch_or_bus():
    study = view(make_result())
    diagram = circuit(study)
    done = works(study, diagram)
    assert done.branch == {2: ("service transformer (1)", 1)}
    assert done.bus == {2: ("battery (2)", 2)}
    assert overloaded(study, diagram).tolist() == [False, True, False]


def test_hostile_text_stays_text(tmp_path, read_page):
    feeders = (HOSTILE, "south", "east")
    render(make_result(feeders=feeders, title=HOSTILE, without=("pareto", "plans", "scenarios", "check")), tmp_path)
    page = read_page(tmp_path).html
    assert "<script>alert" not in page
    assert "<img src=http" not in page


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0.0, "0"), (850.0, "850"), (12_500.0, "12.5 k"), (690_000.0, "690 k"), (999_800.0, "1 M"),
     (1_234_000.0, "1.23 M"), (-87_300.0, "\u221287.3 k"), (42_783_307.0, "42.8 M"), (3.2e9, "3.2 G")],
)  # fmt: skip
def test_money_on_axes_has_three_digits(usd, text):
    assert short_money(usd).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.0001, "under 0.001"), (0.0331, "0.033"), (3.194, "3.19"), (346.4, "346")]
)
def test_amounts_have_as_many_digits_as_they_deserve(value, text):
    assert amount(value) == text


def test_lists_and_names_in_words():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(map(str, range(9)), most=2) == "0, 1 and 7 more"
    assert in_words("ev_shift") == "EV shift"
