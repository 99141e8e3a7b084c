"""The report of a transition study: a small result made by hand, three cases of three buses over three stages."""

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.report import render, style
from gridstudio.report.transition import future_figures as charts
from gridstudio.report.transition import words as spoken
from gridstudio.report.transition.frames import slots
from gridstudio.report.transition.future_figures import _state_fans, _told_fans, _weighted
from gridstudio.report.transition.growth import along, drivers, span
from gridstudio.report.transition.judgement import judgement
from gridstudio.report.transition.view import COLUMNS, assumed, view
from gridstudio.result import Quantity, StudyResult

HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
FACTORS = ("gas", "solar", "wind", "ccs", "battery", "line", "sssc")
CASES = {"A": FACTORS[:1], "B": FACTORS[:4], "C": FACTORS}
STATES = {1: ("today",), 2: ("low", "high"), 3: ("low", "high")}
# cost, bound, gap, investment, published, plan from
COSTS = {
    "A": (40.0, 39.8, 0.005, 10.0, 40.74, "A"),
    "B": (30.0, 29.9, 0.0033, 12.0, 15.87, "B"),
    "C": (28.0, 27.8, 0.0072, 13.0, 15.75, "C"),
}
PLACES = {
    "gas": ("South", "MW", 600.0), "solar": ("z1", "MW", 200.0), "wind": ("z2", "MW", 400.0),
    "ccs": ("South 1", "pieces", 1.0), "battery": ("North", "pieces", 1.0), "line": ("2", "pieces", 1.0),
    "sssc": ("1", "pieces", 3.0),
}  # fmt: skip
Q = [0.05, 0.25, 0.5, 0.75, 0.95]


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def costs(cases):
    rows = []
    for case in cases:
        cost, bound, gap, built, published, origin = COSTS[case]
        rows.append(
            (
                case,
                ", ".join(CASES[case]),
                cost,
                bound,
                gap,
                built - 2,
                built,
                cost - built,
                1500.0,
                2.5e6,
                90.5,
                published,
                30,
                500,
                12.5,
                40.0,
                "gap reached",
                origin,
            )
        )
    log = [
        (
            case,
            "relaxed" if i < 9 else "whole investments",
            i,
            1e3 * (27 + 0.2 * i),
            1e3 * (300 / i),
            1.0 * i,
            9 * i,
            2 * i,
        )
        for case in cases
        for i in range(1, 13)
    ]
    # 5 bn USD of operation in the first stage are no decision: 35, 25 and 23 are
    beside = [
        (c, COSTS[c][0], COSTS[c][0] - 5, COSTS[c][4], COSTS[c][0] / 40, (COSTS[c][0] - 5) / 35, COSTS[c][4] / 40.74)
        for c in cases
    ]
    return {
        "cases": frame(" ".join(COLUMNS["cases"]), rows),
        "published": frame(" ".join(COLUMNS["published"]), beside),
        "factors": frame("case factor on", [(c, f, f in CASES[c]) for c in cases for f in FACTORS]),
        "convergence": frame(" ".join(COLUMNS["convergence"]), log),
        "extensive": frame(
            " ".join(COLUMNS["extensive"]), [("A", 39.8, 39.8, 900, 700, 25.0, 39.799, 40.0, -3e-5, 2.0, "")]
        ),
    }


def plans(cases):
    built, service, operated = [], [], []
    for case in cases:
        for factor in CASES[case]:
            place, unit, amount = PLACES[factor]
            bus = "North" if factor in ("wind", "battery") else "" if factor in ("line", "sssc") else "South"
            built.append((case, 1, "today", "today", 1.0, factor, place, bus, amount, unit, amount * 3.0))
            if factor in ("gas", "battery"):
                for state in STATES[2]:
                    more = 100.0 if state == "high" else 50.0
                    more = more if unit == "MW" else 1.0
                    built.append(
                        (case, 2, state, f"today > {state}", 0.5, factor, place, bus, more, unit, 300.0 * more)
                    )
            for stage in (1, 2):
                service += [(case, stage, s, factor, amount * stage, unit) for s in STATES[stage]]
        for stage, states in STATES.items():
            for k, state in enumerate(states):
                chance, above = 1.0 / len(states), 0.25 if (case, stage, state) == ("A", 3, "high") else 0.0
                emitted = 9.0 / stage + k + above
                operated.append(
                    (case, stage, state, chance, 1e3 * k, 2e5 * stage, emitted, 9.0 / stage + 1, above, 5e3)
                )
    return {
        "decisions": frame(" ".join(COLUMNS["decisions"]), built),
        "capacities": frame(" ".join(COLUMNS["capacities"]), service),
        "operations": frame(" ".join(COLUMNS["operations"]), operated),
        "capacities_by_bus": frame(
            " ".join(COLUMNS["capacities_by_bus"]), [(cases[-1], 1, "today", "gas", "South", 600.0, "MW")]
        ),
    }


def futures(cases):
    paths, fans, quantiles, each = [], [], [], []
    last = cases[-1]
    for k, (a, b) in enumerate((a, b) for a in STATES[2] for b in STATES[3]):
        for stage, state in enumerate(("today", a, b), start=1):
            paths.append((last, f"today > {a} > {b}", 0.25, stage, state, 9e3 / stage, 3e3 + 100.0 * k))
    for quantity, unit in (("cost so far", "busd"), ("gas", "MW"), ("battery", "pieces"), ("solar", "MW")):
        size = 0.0 if quantity == "solar" else 10.0
        fans += [(last, quantity, unit, s, size * 3, *(size * s * (1 + q) for q in Q)) for s in (1, 2, 3)]
    for n, (plan, sample) in enumerate(
        (p, s) for p in ("stochastic", "mean held") for s in ("in sample", "out of sample")
    ):
        for quantity, size in (("cost_busd", 28.0 + n), ("shed_gwh", 2.0), ("curtailed_gwh", 40.0)):
            quantiles.append((last, plan, sample, 8, quantity, size, *(size * (0.5 + q) for q in Q), 2 * size))
        each += [(last, plan, sample, i, 0.125, 24.0 + n + i, 0.5 * i, 5.0 * i) for i in range(1, 9)]
    value = [
        ("stochastic plan", 28.0, 27.8),
        ("plan for the mean future, in the mean future", 26.0, 25.9),
        ("plan for the mean future, held in every stage", 29.5, np.nan),
        ("its first stage held, then adapted", 28.2, 28.1),
        ("value of the stochastic solution, whole plan held", 1.5, np.nan, 1.5, 1.7),  # 29.5 - 28 to 29.5 - 27.8
        ("value of the stochastic solution, first stage held", 0.2, np.nan, 0.1, 0.4),  # 28.1 - 28 to 28.2 - 27.8
    ]
    value = [(*row, np.nan, np.nan)[:5] for row in value]
    return {
        "paths": frame(" ".join(COLUMNS["paths"]), paths),
        "policy_fan": frame(" ".join(COLUMNS["policy_fan"]), fans),
        "simulations": frame(" ".join(COLUMNS["simulations"]), quantiles),
        "realisations": frame(" ".join(COLUMNS["realisations"]), each),
        "stochastic_value": frame(" ".join(COLUMNS["stochastic_value"]), [(last, *row) for row in value]),
    }


def network(cases):
    buses, branches, zones = [], [], []
    for case in cases:
        on = CASES[case]
        buses += [
            (case, "South", 49.7, -112.9, 1600.0, 650.0, 0.0, 0.0, 200.0 * ("solar" in on), 0.0, 1.0, 0.0, 0.0),
            (case, "Middle", 52.3, -113.8, 2000.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
            (case, "North", 56.7, -111.4, 1800.0, 0.0, 0.0, 0.0, 0.0, 400.0, 0.0, 2.0 * ("battery" in on), 0.0),
        ]
        pieces = (1.0, 0.0, 0.0) if "line" in on else (0.0, 0.0, 0.0)
        branches += [
            (case, "1", "South", "Middle", 300.0, 900.0, True, True, 0.0, 0.5, 3.0 * ("sssc" in on)),
            (case, "2", "Middle", "North", 500.0, 700.0, False, True, *pieces),
        ]
        zones += [
            (case, f"z{k}", bus, 50.0 + 2 * k, -114.0 - k, 900.0, 400.0 * (k == 2), 200.0 * (k == 1))
            for k, bus in ((1, "South"), (2, "North"), (3, "Middle"))
        ]
    names = "case bus latitude longitude max_load_mw gas smr h2 solar wind ccs battery pumped_hydro"
    return {
        "network_buses": frame(names, buses),
        "network_branches": frame(" ".join(COLUMNS["network_branches"]), branches),
        "network_zones": frame(" ".join(COLUMNS["network_zones"]), zones),
    }


def inputs():
    hour = np.arange(24)
    days = [
        (
            d,
            f"day {40 * d}",
            0.6 if d == 1 else 0.4,
            h,
            4000 + 500 * d + 60.0 * h,
            0.3,
            max(0.0, 0.7 - abs(h - 12) / 8),
            1.6,
        )
        for d in (1, 2)
        for h in hour
    ]
    outlooks = [
        (s, n, 1.0 / len(names), 1.0 + 0.1 * s, 1.0, 9.0 / s + 1, 1.0, 0.9)
        for s, names in STATES.items()
        for n in names
    ]
    growth = [(stages, 3, 6, 4, 10.0 * stages**2, 0.5 * stages) for stages in (2, 3, 5)]
    growth += [(3, 3, buses, 4, 15.0 * buses, 0.2 * buses) for buses in (12, 36)]
    parameters = [
        ("voll_usd_per_mwh", 5000.0, "USD/MWh", "assumed"),
        ("gas_capex_usd_per_kw", 2245.2, "USD/kW", "a table"),
    ]
    told = [("Costs", "The paper prints no cost table."), ("CO2", "Every day keeps the target.")]
    return {
        "days": frame(" ".join(COLUMNS["days"]), days),
        "fidelity": frame(" ".join(COLUMNS["fidelity"]), [("load_mw", 1450.0, 1430.0, 1980.0, 1780.0, 0.9, 1.1, 0.0)]),
        "agreement": frame("method normalised adjusted", [("weather of another year", 0.71, 0.7)]),
        "outlooks": frame("stage state probability load fuel co2_mt_per_year price_gas price_wind", outlooks),
        "growth": frame("stages states buses days seconds seconds_per_iteration", growth),
        "parameters": frame("name value unit source", parameters),
        "assumptions": frame("topic text", told),
        "findings": frame("severity text", [("warning", "1 of 2 parameters are assumed: results are examples.")]),
        "timing": frame("phase seconds power_flows not_converged", [("case A", 12.5, 0, 0)]),
    }


def make_result(without=(), empty=(), cases=("A", "B", "C"), **changed):
    """A result and variations of it."""
    tables = costs(cases) | plans(cases) | futures(cases) | network(cases) | inputs()
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="transition",
        title="Three buses in transition",
        settings={
            "chain": {"stages": 3, "years_per_stage": 5.0},
            "days": {"co2_target": "day"},
            "training": {"gap": 0.01},
        },
        headline={"gap": Quantity("Largest gap between a plan and its bound", 0.0072)},
        tables=tables,
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 0},
    )
    return replace(result, **changed)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transition")
    render(make_result(), folder)
    return folder


def told(result):
    """The words of the first screen, with plain spaces, and those that are warnings."""
    study = view(result)
    parts = judgement(study)
    texts = [*spoken.verdict(study), *(text for text, _ in parts)], [text for text, warning in parts if warning]
    text, warned = (re.sub(r"\s", " ", " ".join(part)) for part in texts)
    return text, warned


def changed_costs(**columns):
    """A result with other columns in the table of cases."""
    result = make_result()
    result.tables["cases"] = result.tables["cases"].assign(**columns)
    return result


# ---- figures -------------------------------------------------------------------------------------

FIGURES = {
    "cases", "capacities", "pieces", "network_1", "network_2", "network_3", "operation", "co2", "convergence",
    "stochastic_value", "fan", "distributions_1", "days", "growth", "growth_by",
}  # fmt: skip


def test_every_figure_is_drawn(rendered):
    assert {path.stem for path in (rendered / "figures").iterdir()} == FIGURES
    for path in (rendered / "figures").iterdir():
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = (int.from_bytes(path.read_bytes()[a : a + 4], "big") for a in (16, 20))
        assert width == 1680, path
        assert 250 <= height <= 2100, path


def test_fans_without_any_amount_are_left_out():
    found = _told_fans(make_result().tables["policy_fan"])
    assert [(fan.title, fan.axis) for fan in found] == [
        ("cost so far", "bn USD"),
        ("gas with CCS", "MW"),
        ("batteries", "pieces"),
    ]
    assert found[0].quantiles[1].tolist() == [21.0, 25.0, 30.0, 35.0, 39.0]  # 10 * stage 2 * (1 + q)


def test_states_of_a_stage_make_a_fan_of_co2():
    # case C, stage 3: 3 Mt under low and 4 Mt under high, each with one half; 3.5 in the mean
    found = _state_fans(make_result().tables["operations"].query("case == 'C'"))
    assert [fan.title for fan in found] == [
        "CO2 a year, by state",
        "shed a year, by state",
        "curtailed a year, by state",
    ]
    assert found[0].quantiles[2].tolist() == [3.0, 3.0, 3.0, 4.0, 4.0]
    assert found[0].mean[2] == 3.5


def test_fans_of_paths_take_the_place_of_those_of_states(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(charts.futures, "fans", lambda shown, text, path: drawn.append([fan.title for fan in shown]))
    result = make_result()
    list(charts.draw_fans(view(result), tmp_path))
    more = result.tables["policy_fan"].query("quantity == 'cost so far'").assign(quantity="CO2 a year", unit="Mt")
    tables = result.tables | {"policy_fan": pd.concat([result.tables["policy_fan"], more])}
    list(charts.draw_fans(view(replace(result, tables=tables)), tmp_path))
    assert drawn[0][-3:] == ["CO2 a year, by state", "shed a year, by state", "curtailed a year, by state"]
    assert drawn[1][-1] == "CO2 a year"


def test_weighted_quantiles_are_values_with_their_probability():
    # 3 is reached at 0.5, 1 at 0.2: the least values that are not exceeded with 5, 25, 50, 75 and 95 %
    found = _weighted(np.array([3.0, 1.0, 7.0]), np.array([0.3, 0.2, 0.5]))
    assert found == [1.0, 3.0, 3.0, 7.0, 7.0]


def test_slots_keep_the_order_of_stages_with_a_gap_between():
    rows = frame("stage state", [(2, "low"), (1, "today"), (2, "high")])
    found = slots(rows)
    assert list(found.keys) == [(1, "today"), (2, "low"), (2, "high")]
    assert found.x.tolist() == [0.0, 1.6, 2.6]
    assert found.at(rows).tolist() == [1, 0, 2]


def test_growth_follows_one_size_while_the_others_stand():
    table = make_result().tables["growth"]
    assert drivers(table) == ["stages", "buses"]
    assert along(table, "stages")["seconds"].tolist() == [40.0, 90.0, 250.0]
    assert along(table, "buses")["buses"].tolist() == [6, 12, 36]
    assert drivers(table.drop(columns=["seconds", "seconds_per_iteration"])) == []
    assert len(along(table.assign(days=range(len(table))), "stages")) == 0


@pytest.mark.parametrize(
    ("seconds", "said"), [(5.0, "5.00 s"), (150.0, "2.50 min"), (7200.0, "2.00 h"), (9e5, "10.4 days")]
)
def test_spans_of_time_are_told_in_their_unit(seconds, said):
    assert span(seconds).replace(style.SPACE, " ") == said


# ---- view and words ------------------------------------------------------------------------------


def test_main_case_is_the_one_with_most_factors_and_the_cheapest_of_them():
    assert view(make_result()).main == "C"
    result = make_result()
    result.tables["cases"] = result.tables["cases"].assign(factors="gas, wind")
    assert view(replace(result)).main == "C"  # the cheapest where all have as many
    assert view(make_result(tables={})).main == ""


def test_factors_of_a_case_are_told_by_the_cases_within_it():
    study = view(make_result())
    assert study.allowed("A") == "gas with CCS"
    assert study.allowed("B") == "those of A, solar, wind, CCS retrofits"
    assert study.allowed("C") == "those of B, batteries, new lines, SSSC devices"


def test_first_screen_tells_cost_first_stage_and_proof(rendered, read_page):
    text = read_page(rendered).words
    start = text[: text.index("Expected over all states; shed")]
    for said in (
        "With all that case C allows (gas with CCS, solar, wind, CCS retrofits, batteries, new lines and SSSC devices) "
        "the expected cost over 15 years is 28.00 bn USD, 13.00 bn USD of it investment; no plan costs less than 27.80",
        # 40 - 28 = 12, 12 / 40 = 30 %
        "That is 12.00 bn USD (30.0 %) less than case A.",
        # 3 million USD for each MW or piece: 600 + 200 + 400 + 1 + 1 + 1 + 3 = 1206
        "Build now: 600 MW of gas with CCS at South, 200 MW of solar in 1 zone, 400 MW of wind in 1 zone, 1 CCS "
        "retrofit at South, 1 battery at North, 1 new line on right of way 2 and 3 SSSC devices on "
        "right of way 1 (3.62 bn USD).",
        # 300 million USD for each: 50 MW and a battery under low, 100 MW and a battery under high
        "What is built in stage 2 waits for the state: 15.30 bn USD to 30.30 bn USD by state.",
        "Expected over all years: 90.5 Mt of CO2 emitted, 1.5 GWh of the load shed, 2 500 GWh of wind",
        "Every case is within 1.0 % of its bound (widest 0.72 %).",
        "No case costs more than one that it contains (3 pairs of cases).",
        "3 of 3 pairs of cases stand in the published order",
        "SDDP's bound differs by A (\u22120.003 %), within 0.01 %.",
        "is worth 1.50 bn USD (case C, the mean future's plan held in every stage; by the bounds between 1.50 bn USD "
        "and 1.70 bn USD) and 0.20 bn USD (case C",
        # means 29 out of and 28 in sample
        "On days that training has not seen the plan costs 3.6 % more (case C)",
        "CO2 targets are MISSED in case A; the most in stage 3, high: 0.250 Mt a year above 4.00.",
        "1 of 2 parameters are assumed",
    ):  # fmt: skip
        assert said in start, said


def test_gap_above_the_wanted_is_a_warning_that_names_case_and_reason():
    warned = told(changed_costs(gap=[0.005, 0.03, 0.007], reason="time is up"))[1]
    assert warned.startswith("NOT proven to 1.0 %: case B (3.0 %, time is up).")


def test_case_above_one_that_it_contains_is_a_warning():
    text, warned = told(changed_costs(cost_busd=[40.0, 41.0, 28.0]))
    assert "A case must not cost more than one that it contains: B above A." in warned
    assert "2 of 3 pairs of cases stand in the published order, ties allowed; not so B and A." in text


def test_a_case_that_costs_more_than_the_first_says_so():
    assert "That is 2.00 bn USD (5.0 %) MORE than case A." in told(changed_costs(cost_busd=[40.0, 41.0, 42.0]))[0]


# cost under the measure, highest over the paths; the expected costs stay 40, 30 and 28
MEASURE = "0.5 expectation and 0.5 CVaR at alpha = 0.9"
ADJUSTED = {"A": (50.0, 60.0), "B": (44.0, 51.0), "C": (41.0, 47.0)}


def averse_result(**changed):
    """A result whose cases are optimised under a risk measure."""
    result = make_result(**changed)
    table = result.tables["cases"]
    values, highest = zip(*(ADJUSTED[case] for case in table["case"]), strict=True)
    table = table.assign(bound_busd=np.array(values) * 0.995, gap=0.005)
    table.insert(3, "risk_adjusted_busd", values)
    rows = [
        (case, MEASURE, value, 0.995 * value, 0.005, cost, 0.9, most - 1, most, "today > high > high", 0.25)
        for case, value, cost, most in zip(table["case"], values, table["cost_busd"], highest, strict=True)
    ]
    return replace(result, tables=result.tables | {"cases": table, "risk": frame(" ".join(COLUMNS["risk"]), rows)})


def test_under_a_measure_the_first_screen_says_what_is_optimised_and_what_is_expected():
    text, warned = told(averse_result())
    assert (
        f"Optimised is the risk-adjusted cost over 15 years, stage by stage {MEASURE}: with all that case C allows"
    ) in text
    assert "it is 41.00 bn USD; no plan is below 40.80 bn USD (gap 0.50 %)." in text  # 0.995 * 41 = 40.795
    assert (
        "The plan's expected cost is 28.00 bn USD, 13.00 bn USD of it investment; over the paths its highest cost is "
        "47.00 bn USD, its CVaR at 0.9 is 46.00 bn USD."
    ) in text
    assert "Risk-adjusted, that is 9.00 bn USD (18.0 %) less than case A." in text  # 50 - 41 = 9, 9 / 50 = 18 %
    assert "is worth, risk-adjusted, 1.50 bn USD" in text
    assert "must not cost more" not in warned


def test_under_a_measure_the_worst_case_has_no_cvar():
    result = averse_result()
    result.tables["risk"] = result.tables["risk"].assign(measure="the worst case", alpha=np.nan, cvar_busd=np.nan)
    text = told(result)[0]
    assert "its highest cost is 47.00 bn USD." in text
    assert "nan" not in text


def test_under_a_measure_cases_are_ordered_by_what_is_optimised():
    result = averse_result()
    result.tables["cases"] = result.tables["cases"].assign(cost_busd=[40.0, 41.0, 42.0])
    assert "A case must not cost more" not in told(result)[1]
    result.tables["cases"] = result.tables["cases"].assign(risk_adjusted_busd=[50.0, 51.0, 41.0])
    assert "A case must not cost more than one that it contains: B above A." in told(result)[1]


def test_the_page_shows_the_measure_and_both_costs(tmp_path, read_page):
    render(averse_result(), tmp_path)
    text = read_page(tmp_path).words
    assert "Bound and gap are of the risk-adjusted cost." in text
    assert "the measure taken at every node of what may follow, stage by stage (Shapiro 2011" in text
    assert text.count("today > high > high") >= 3
    book = openpyxl.load_workbook(tmp_path / "results.xlsx", read_only=True)
    assert "risk" in book.sheetnames
    assert "risk adjusted [bn USD]" in [cell.value for cell in next(book["cases"].iter_rows())]


def test_inherited_plan_is_told():
    assert "so it stands: C that of B." in told(changed_costs(plan_from=["A", "B", "B"]))[0]


def test_targets_kept_are_told_and_no_warning_is_left():
    result = make_result(empty=("findings",))
    result.tables["operations"] = result.tables["operations"].assign(co2_above_mt=0.0)
    text, warned = told(result)
    assert "Every CO2 target is kept in every state." in text
    assert warned == ""


def test_difference_from_the_extensive_form_is_a_warning():
    result = make_result()
    result.tables["extensive"] = result.tables["extensive"].assign(difference=-0.052)
    assert "differs by A (\u22125.2 %), more than 0.01 %" in told(result)[1]


def test_an_extensive_form_without_solution_is_told_and_nothing_is_compared(tmp_path, read_page):
    result = make_result()
    late = {"case": "B", "seconds": 600.0, "sddp_bound_busd": 29.9, "sddp_cost_busd": 30.0}
    late["reason"] = "no solution in 600 s"
    known = result.tables["extensive"]
    result.tables["extensive"] = pd.concat([known, pd.DataFrame([late])], ignore_index=True)
    said = "Case B is NOT compared with all paths in one program: no solution in 600 s."
    text, warned = told(result)
    assert "differs by A (\u22120.003 %), within 0.01 %. " + said in text
    assert said in warned
    result.tables["extensive"] = result.tables["extensive"].iloc[1:]
    assert "differs" not in told(result)[0]
    render(result, tmp_path)
    page = read_page(tmp_path).words
    assert said in page
    assert "nan" not in page.lower().split()


def test_a_value_that_the_bounds_do_not_tell_from_nothing_is_a_warning():
    result = make_result()
    table = result.tables["stochastic_value"]
    assert "from nothing" not in told(result)[0]
    first = table["quantity"] == "value of the stochastic solution, first stage held"
    result.tables["stochastic_value"] = table.assign(low_busd=table["low_busd"].mask(first, -0.15))
    assert "between 0.00 bn USD and 0.40 bn USD" in told(result)[1]
    assert "Gaps are too wide to tell every one of these from nothing." in told(result)[1]


def test_a_plan_that_is_dear_on_unseen_days_is_a_warning():
    result = make_result()
    table = result.tables["simulations"]
    unseen = (table["sample"] == "out of sample") & (table["quantity"] == "cost_busd")
    result.tables["simulations"] = table.assign(mean=table["mean"].mask(unseen, 35.0))  # 35 / 28 = 1.25
    assert "costs 25.0 % more (case C) than on its own days." in told(result)[1]


def test_what_unseen_days_cost_before_any_decision_acts_is_told():
    result = make_result()
    table = result.tables["simulations"]
    first = table[(table["plan"] == "stochastic") & (table["quantity"] == "cost_busd")].assign(
        quantity="first_operation_busd"
    )
    first["mean"] = first["sample"].map({"in sample": 4.0, "out of sample": 4.75})
    result.tables["simulations"] = pd.concat([table, first])
    assert "(case C; 0.75 bn USD of the difference lies in stage 1, which no decision changes)" in told(result)[0]


def test_study_of_growth_tells_the_full_size(tmp_path, read_page):
    table = make_result().tables["growth"].assign(full_days=10, full_iterations=100, full_hours=5.0)
    result = make_result(tables={"growth": table, "assumptions": make_result().tables["assumptions"]})
    # 0.2 s a bus with 36 buses
    assert told(result) == (
        "The slowest of 5 sizes (36 buses, 3 states, 3 stages, 4 days) takes 7.20 s an iteration; with 10 days and 100 "
        "iterations it would take about 5.00 h here.",
        "",
    )
    render(result, tmp_path)
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {"growth", "growth_by"}
    assert "No case has been solved" not in read_page(tmp_path).words


def test_no_case_is_a_warning():
    assert told(make_result(tables={})) == ("No case has been solved.", "No case has been solved.")


# ---- page and workbook ---------------------------------------------------------------------------


def test_page_shows_published_costs_and_why_they_differ(rendered, read_page):
    text = read_page(rendered).words
    assert "Why absolute values differ from the published: The paper prints no cost table." in text
    assert "40.74" in text
    assert "published [bn USD]" in text


def test_assumed_parameters_are_marked(rendered, read_page):
    rows = re.findall(
        r"<tr( class=\"differs\")?><td[^>]*>(voll_usd_per_mwh|gas_capex_usd_per_kw)<", read_page(rendered).html
    )
    assert {name: bool(mark) for mark, name in rows} == {"voll_usd_per_mwh": True, "gas_capex_usd_per_kw": False}


def test_assumed_in_part_counts_as_assumed():
    sources = ["assumed", "9.81 m/s2 x 500 m (assumed head)", "a reference", "unassumed"]
    assert assumed(pd.DataFrame({"source": sources})) == [True, True, False, False]


def test_operations_tell_what_is_a_years_and_what_the_stages(rendered, read_page):
    text = read_page(rendered).words
    assert "shed a year [MWh]" in text
    assert "operation of the stage [M USD]" in text


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    page = read_page(rendered).html
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert not re.search(r"@import|url\(|<link|<iframe|fetch\(|XMLHttpRequest", page.split("<script")[0])


def test_page_data_is_valid_json(rendered, read_page):
    assert read_page(rendered).data == {}


def test_every_table_is_in_the_workbook_and_every_column_of_it(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    tables = make_result().tables
    assert book.sheetnames[:4] == ["Summary", "cases", "published", "factors"]
    assert set(book.sheetnames) == {"Summary", *tables}
    for name, table in tables.items():
        assert book[name].max_row == len(table) + 1, name
        assert book[name].max_column == len(table.columns), name


NETWORK = ("network_buses", "network_branches", "network_zones")


@pytest.mark.parametrize(
    "variation",
    [
        {"without": (*NETWORK, "policy_fan", "growth", "agreement", "published")},
        {
            "without": (
                "simulations",
                "realisations",
                "stochastic_value",
                "extensive",
                "factors",
                "outlooks",
                "policy_fan",
            )
        },
        {"empty": ("decisions", "capacities", "operations", "convergence", "policy_fan", "paths", "network_zones")},
        {"without": ("cases", "parameters", "days", "fidelity", "assumptions", "findings", "timing")},
        {"empty": ("cases", *NETWORK, "realisations", "growth", "parameters")},
        {"settings": {}, "headline": {}, "without": (*NETWORK, "simulations", "convergence")},
        {"tables": {}},
    ],
    ids=str,
)
def test_report_does_without(tmp_path, variation, read_page):
    render(make_result(cases=("C",), **variation), tmp_path)
    assert "nan" not in read_page(tmp_path).words.lower().split()
    assert openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames[0] == "Summary"


def test_cost_of_paths_is_drawn_where_no_fan_is_told(tmp_path):
    kept = {name: make_result().tables[name] for name in ("cases", "paths", "factors")}
    render(make_result(tables=kept), tmp_path)
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {"cases", "fan"}


def test_hostile_text_stays_text(tmp_path, read_page):
    result = make_result(title=HOSTILE, cases=("B", "C"))
    tables = {name: table.copy() for name, table in result.tables.items()}
    swaps = {
        "case": {"C": HOSTILE},
        "state": {"high": HOSTILE},
        "bus": {"North": HOSTILE},
        "to_bus": {"North": HOSTILE},
        "place": {"South": HOSTILE},
        "reason": {"gap reached": HOSTILE},
        "label": {"day 40": HOSTILE},
        "plan": {"mean held": HOSTILE},
        "source": {"assumed": HOSTILE},
        "name": {"voll_usd_per_mwh": HOSTILE},
    }
    for table in tables.values():
        for column, swap in swaps.items():
            if column in table:
                table[column] = table[column].replace(swap)
    render(replace(result, tables=tables), tmp_path)
    page = read_page(tmp_path).html
    assert "<script>alert" not in page
    assert "<img src=http" not in page
    assert page.count("<script") == 2


def test_same_result_gives_the_same_bytes(rendered, tmp_path):
    render(make_result(), tmp_path)
    for path in sorted(rendered.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(rendered)).read_bytes(), path
