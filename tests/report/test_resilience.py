"""The report of a resilience study: a small result made by hand, four scenarios of a feeder with six buses."""

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.report import render
from gridstudio.report.resilience import words as spoken
from gridstudio.report.resilience.sweeps import _fewest, axis_of, beside, curves
from gridstudio.report.resilience.view import by_section, served, supply, telling, view
from gridstudio.result import Quantity, StudyResult

HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
# Buses 1 to 6 in a row, sections A (1, 2), B (3, 4), C (5), D (6); the tie joins D to A.
BUSES = [
    ("1", 0, 0, "A", ""), ("2", 1, 0, "A", ""), ("3", 2, 0, "B", ""), ("4", 3, 0, "B", "north"), ("5", 4, 0, "C", ""),
    ("6", 4, 1, "D", "6"),
]  # fmt: skip
BRANCHES = [
    ("br", "1", "2", False, True, "A"), ("l1", "2", "3", True, True, ""), ("l2", "3", "4", False, True, "B"),
    ("sw", "4", "5", True, True, ""), ("fu", "5", "6", True, True, ""), ("tie", "6", "2", True, False, ""),
]  # fmt: skip
DEVICES = [
    ("l1", "recloser", False, "A", "B", False), ("sw", "switch", False, "B", "C", True),
    ("fu", "fuse", False, "C", "D", False), ("tie", "switch", True, "D", "A", False),
]  # fmt: skip
# load, bus, section, kW, weight, critical
LOADS = [
    ("a", "2", "A", 100.0, 1.0, False), ("b", "4", "B", 100.0, 3.0, True), ("c", "5", "C", 50.0, 1.0, False),
    ("d", "6", "D", 50.0, 1.0, True),
]  # fmt: skip
PICKED = {1: "abcd", 2: "abc", 3: "bc", 4: "d"}
BARE = {1: "abcd", 2: "ab", 3: "", 4: ""}
SWEEP = (
    "point sweep scenarios draw lambda alpha budget_kw sites status objective_kw bound_kw gap stopped_by_clock "
    "seconds rounds islands_cut binaries rows mean_kw var_kw cvar_kw checked_objective_kw fresh_mean_kw "
    "fresh_mean_se_kw fresh_var_kw fresh_var_se_kw fresh_cvar_kw fresh_cvar_se_kw "
    "fresh_objective_kw fresh_objective_se_kw fresh_critical_kw fresh_critical_se_kw sources built_kw plan"
)


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def network():
    buses = frame("bus x y section site", BUSES).assign(
        base_kv=2.4, distance_km=[0.0, 0.4, 0.8, 1.2, 1.6, 2.0], site_kw=[np.nan] * 3 + [80.0, np.nan, 0.0]
    )
    rows = [
        (f"line.{n}", "line", n, a, b, 3, 400.0, s, c, "", 300.0, section, not s, False, n == "l2")
        for n, a, b, s, c, section in BRANCHES
    ]
    names = (
        "element kind name bus1 bus2 phases length_m is_switch closed conductor ampacity_a section exposed "
        "underground hardened"
    )
    devices = [(n, f"line.{n}", t, o, a, b, c, 500.0) for n, t, o, a, b, c in DEVICES]
    loads = [(n, b, s, b, kw, w, c, "assumed: hospital" if c else "") for n, b, s, kw, w, c in LOADS]
    sections = [
        ("A", 0.5, 0.0, 2, 100.0, 100.0, 0.0, 400.0, 0.0, 0.05, 0.02),
        ("B", 2.5, 0.0, 2, 100.0, 300.0, 100.0, 400.0, 0.0, 0.3, 0.05),
        ("C", 4.0, 0.0, 1, 50.0, 50.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        ("D", 4.0, 1.0, 1, 50.0, 50.0, 50.0, 0.0, 0.0, 0.01, 0.01),
    ]  # fmt: skip
    section = "section x y buses kw weighted_kw critical_kw overhead_m underground_m fault_probability "
    section += "fault_probability_se"
    return {
        "network_buses": buses,
        "network_branches": frame(names, rows),
        "devices": frame("device element type normally_open from_section to_section candidate usd", devices),
        "sections": frame(section, sections),
        "loads": frame("load bus section unit kw weight critical source", loads),
    }


def storms():
    speed = np.linspace(1.0, 60.0, 30)
    wind = [("extreme", 1.0, "lognormal", "assumed", v, 0.01) for v in speed]
    wind += [("calm", 0.0, "weibull", "assumed", v, 0.02) for v in speed]
    fragile = [("overhead", h, 45.0, "a paper", v, v / (60.0 + 60 * h)) for h in (False, True) for v in speed]
    scenarios = [
        (1, "storm 1", 0.4, 40, 20.0, 0, 0, 0, 0.0, 10.0, 150.0, 0),
        (2, "storm 2", 0.3, 30, 24.0, 0, 1, 1, 150.0, 20.0, 100.0, 1),
        (3, "storm 3", 0.2, 20, 28.0, 1, 1, 1, 400.0, 30.0, 100.0, 1),
        (4, "storm 4", 0.1, 10, 33.0, 1, 2, 2, 500.0, 100.0, 50.0, 1),
    ]  # fmt: skip
    strata = [
        (0, 50, 18.0, 25.0, 0.5, 0.1, 0.4, 0.1, 60.0, 3.0), (1, 50, 25.0, 40.0, 1.4, 0.2, 1.2, 0.1, 430.0, 4.0),
    ]  # fmt: skip
    losses = [(f"storm {k}", 20.0 + k, 200.0 + 20 * k, 100.0 + 10 * k, 90.0, 120.0) for k in range(1, 6)]
    convergence = [(50, 260.0, 20.0), (100, 250.0, 10.0)]
    return {
        "wind": frame("region share distribution source wind_m_s density_s_m", wind),
        "fragility": frame("kind hardened reference_length_m source wind_m_s probability", fragile),
        "convergence": frame("storms mean_kw standard_error_kw", convergence),
        "strata": frame(
            "stratum storms wind_from_m_s wind_to_m_s lines_out lines_out_se sections_out sections_out_se loss_kw "
            "loss_se_kw",
            strata,
        ),
        "scenarios": frame(
            "scenario storm probability stands_for wind_m_s stratum lines_out sections_out loss_kw q_kw critical_kw "
            "islands",
            scenarios,
        ),
        "faults": frame("scenario element sections", [(3, "line.br", "A"), (4, "line.l2", "B"), (4, "line.br", "A")]),
        "losses": frame("storm wind_m_s without_kw with_plan_kw critical_without_kw critical_kw", losses),
    }


def plan():
    sites = [("north", "4", "B", True, 80.0, 100.0, 77.0, 100.0), ("6", "6", "D", False, 0.0, 0.0, 0.0, 100.0)]
    electric = (0.955, 1.0123, 0.61, True)
    whole = (1, "A, B, C, D", "l1, sw, fu", "substation", 300.0, 300.0, 500.0, 150.0, 305.0, 310.0, np.inf)
    islands = [
        (*whole, *electric), (2, "B, C", "sw", "north", 75.0, 75.0, 350.0, 100.0, 76.0, 80.0, 80.0, *electric),
        (3, "B, C", "sw", "north", 76.0, 76.0, 400.0, 100.0, 77.0, 80.0, 80.0, *electric),
        (4, "D", "", "north", 50.0, 50.0, 50.0, 50.0, 50.0, 52.0, 80.0, *electric),
    ]  # fmt: skip
    head = (0, "B", "", "north", 79.0, 80.0, 90.0, 10.0)
    refused = [
        (*head, 79.0, 90.0, 80.0, 0.90, 1.01, 0.5, False), (*head, 81.0, 90.0, 80.0, 0.97, 1.01, 0.5, False),
        (*head, 79.0, 90.0, 80.0, np.nan, 0.0, 0.0, False), (*head, 79.0, 101.0, 80.0, 0.97, 1.07, 1.2, False),
    ]  # fmt: skip
    names = (
        "scenario sections closed source served_kw nominal_kw weighted_kw critical_kw source_kw source_kva rated_kw "
        "v_min_pu v_max_pu loading_max_pu feasible"
    )
    risk = [
        ("scenarios", "without", 125.0, np.nan, 400.0, np.nan, 450.0, np.nan, 290.0, np.nan),
        ("scenarios", "mean storm", 30.0, np.nan, 90.0, np.nan, 120.0, np.nan, 75.0, np.nan),
        ("scenarios", "plan", 26.0, np.nan, 30.0, np.nan, 100.0, np.nan, 63.0, np.nan),
        ("fresh", "without", 260.0, 14.0, 290.0, 4.0, 300.0, 5.0, 280.0, 9.0),
        ("fresh", "plan", 130.0, 50.0, 145.0, 15.0, 150.0, 20.0, 140.0, 30.0),
    ]
    critical = [("without", 90.0, 6.0, 10.0, 2.0), ("plan", 120.0, 4.0, 60.0, 5.0)]
    value = [("objective of the plan for all scenarios", 63.0, ""), ("value of the stochastic solution", 12.0, "")]
    return {
        "plan": frame("site bus section built kw kva used_kw max_kw", sites),
        "investments": frame(
            "what element usd saves_kw saves_se_kw",
            [("hardened line", "line.l2", 1500.0, 7.5, 1.5), ("added switch", "line.sw", 500.0, 2.5, 0.5)],
        ),
        "islands": frame(names, islands),
        "refused": frame(names, refused),
        "pickup": frame("scenario load", [(s, load) for s, all_ in PICKED.items() for load in all_]),
        "pickup_without": frame("scenario load", [(s, load) for s, all_ in BARE.items() for load in all_]),
        "risk": frame(
            "storms case mean_kw mean_se_kw var_kw var_se_kw cvar_kw cvar_se_kw objective_kw objective_se_kw", risk
        ),
        "critical": frame("case mean_kw mean_se_kw worst_kw worst_se_kw", critical),
        "solver": frame(
            "round status objective_kw bound_kw gap stopped_by_clock seconds binaries rows",
            [
                ("1", "feasible", 62.9, 60.5, 0.0382, False, 2.0, 40, 90),
                ("2", "feasible", 63.0, 61.0, 0.0317, False, 3.0, 40, 91),
                ("all rounds", "optimal", 63.0, 62.5, 0.0079, False, 7.5, 40, 91),
            ],
        ),
        "stochastic_value": frame("what kw plan", value),
    }


def sweep_row(point, sweep, **given):
    base = {
        "scenarios": 4, "draw": 0, "lambda": 0.5, "alpha": 0.9, "budget_kw": 100.0, "sites": 2, "status": "optimal",
        "stopped_by_clock": False, "rounds": 1, "islands_cut": 0, "binaries": 40, "rows": 90,
        "fresh_mean_se_kw": 3.0, "fresh_var_se_kw": 6.0,
        "fresh_objective_se_kw": 4.0, "fresh_cvar_se_kw": 5.0, "fresh_critical_se_kw": 1.0,
        "gap": 0.01, "seconds": 1.0 + point, "sources": 1, "built_kw": 80.0, "plan": "north: 80 kW",
    }  # fmt: skip
    values = dict.fromkeys(SWEEP.split(), 100.0 + point) | base | given | {"point": point, "sweep": sweep}
    return [values[name] for name in SWEEP.split()]


def sweeps():
    wanted = [("scenarios", {"scenarios": n, "draw": d}) for n in (2, 4) for d in (1, 2)]
    wanted += [("risk", {"lambda": la, "alpha": al}) for la in (0.0, 1.0) for al in (0.8, 0.9)]
    wanted += [
        ("budget", {"budget_kw": kw, "sites": n, "lambda": la})
        for kw in (100.0, 200.0) for n in (1, 2) for la in (0.0, 1.0)
    ]  # fmt: skip
    rows = [sweep_row(number, name, **given) for number, (name, given) in enumerate(wanted, start=1)]
    spread = [(r[0], p, 3.0 * p, 1.0 * p) for r in rows for p in (0, 5, 10, 25, 50, 75, 90, 95, 99, 100)]
    found = [
        ("A larger lambda never raises CVaR.", "yes", "alpha 0.9: 150 kW to 140"),
        ("More candidate sites lower CVaR at the same budget.", "no", "by -3 kW, fresh storms -4 +- 2."),
        ("More budget lowers the expected loss, and then saturates.", "not decided", "one budget only."),
        ("Programs prefer several small sources to few large ones.", "not tested", "Needs a sweep of budgets."),
    ]
    return {
        "sweep": frame(SWEEP, rows),
        "sweep_losses": frame("point percentile loss_kw critical_kw", spread),
        "sweep_scenarios": frame("point probability q_kw", [(r[0], 1.0, 100.0) for r in rows]),
        "statements": frame("statement supported evidence", found),
    }


SWEEPS = ("sweep", "sweep_losses", "sweep_scenarios", "statements")


def make_result(without=(), empty=(), coordinates=True, **changed):
    """A result and variations of it."""
    tables = {
        **plan(),
        **storms(),
        **network(),
        **sweeps(),
        "assumptions": frame("topic text", [("Sources", "They do not fail.")]),
        "findings": frame("severity text", [("warning", "Raise monte_carlo.storms.")]),
        "timing": frame("phase seconds power_flows not_converged", [("storms", 0.1, 0, 0), ("check", 1.0, 9, 0)]),
    }
    if not coordinates:
        tables["network_buses"] = tables["network_buses"].assign(x=np.nan, y=np.nan)
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="resilience",
        title="Six buses in a storm",
        settings={
            "limits": {"v_min_pu": 0.917, "v_max_pu": 1.058, "loading_max_pu": 1.0},
            "risk": {"lambda": 0.5, "alpha": 0.9},
            "budget": {"kw": 100.0, "usd": 2000.0},
            "sites": [{"name": "north", "fixed_kw": 15.0}, {"name": "6", "fixed_kw": 0.0}],
            "monte_carlo": {"standard_error_pct": 1.0},
            "solver": {"gap": 0.01},
        },
        headline={"islands": Quantity("Islands, all solved by power flow", 4)},
        tables=tables,
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 12},
    )
    return replace(result, **changed)


def without_sweeps(variation):
    """The same without what takes most of the time."""
    return variation | {"without": (*variation.get("without", ()), *SWEEPS)}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resilience")
    render(make_result(), folder)
    return folder


def told(result):
    """The words of the first screen, with plain spaces, and whether any of it is a warning."""
    study = view(result)
    parts = spoken.judgement(study)
    text = " ".join([*spoken.verdict(study), *(text for text, _ in parts)])
    return re.sub(r"\s", " ", text), any(warning for _, warning in parts)


# ---- figures -------------------------------------------------------------------------------------

FIGURES = {
    "siting", "islands", "supplied", "loads", "losses", "weather", "convergence", "scenarios", "sweep_scenarios",
    "sweep_risk", "sweep_budget", "sweep_losses", "sweep_sources",
}  # fmt: skip


def test_every_figure_is_drawn(rendered):
    assert {path.stem for path in (rendered / "figures").iterdir()} == FIGURES
    for path in (rendered / "figures").iterdir():
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = (int.from_bytes(path.read_bytes()[a : a + 4], "big") for a in (16, 20))
        assert width == 1680, path
        assert 250 <= height <= 2100, path


def test_study_without_sweeps_has_no_figures_of_sweeps_and_no_findings_of_the_paper(tmp_path, read_page):
    render(make_result(without=SWEEPS), tmp_path)
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {n for n in FIGURES if "sweep" not in n}
    assert "Findings of the paper" not in read_page(tmp_path).words


@pytest.mark.parametrize(
    ("sweep", "figures"),
    [
        ("scenarios", {"sweep_scenarios"}),
        ("risk", {"sweep_risk"}),
        ("budget", {"sweep_budget", "sweep_losses", "sweep_sources"}),
    ],
)
def test_each_sweep_draws_its_own_figures(tmp_path, sweep, figures):
    result = make_result(without=("network_buses", "network_branches", "wind", "fragility"))
    table = result.tables["sweep"]
    result.tables["sweep"] = table[table["sweep"] == sweep]
    render(result, tmp_path)
    assert {path.stem for path in (tmp_path / "figures").iterdir() if "sweep" in path.stem} == figures


def test_one_budget_is_drawn_against_the_number_of_sites():
    table = sweeps()["sweep"].query("sweep == 'budget'")
    assert axis_of(table)[0] == "budget_kw"
    assert [curve.label for curve in curves(table)] == [
        "lambda 0, 1 sites", "lambda 1, 1 sites", "lambda 0, 2 sites", "lambda 1, 2 sites",
    ]  # fmt: skip
    one = table.query("budget_kw == 100")
    assert axis_of(one)[0] == "sites"
    assert [curve.label for curve in curves(one)] == ["lambda 0", "lambda 1"]


def test_four_draws_are_four_points_beside_each_other():
    table = frame("scenarios draw", [(n, draw) for n in (9, 25, 49) for draw in (1, 2, 3, 4)])
    (left, _), (right, _) = (beside(table, side) for side in (-3.0, 3.0))
    at, middle = beside(table, 0.0)
    assert len(set(at)) == 12
    assert middle.tolist() == [9.0, 25.0, 49.0]
    assert at.reshape(3, 4).mean(axis=1) == pytest.approx(middle)
    assert left.reshape(3, 4).max(axis=1) == pytest.approx(middle - 0.008 * 40 * 1.5)
    assert (left.reshape(3, 4).max(axis=1) < right.reshape(3, 4).min(axis=1)).all()


def test_fewest_sources_are_those_of_largest_size():
    # 500 kW of sites with 200, 400 and 300 kW: 400 + 300; 400 kW: one; of the first site alone 150 kW: one
    rows = frame("sites built_kw", [(3, 500.0), (3, 400.0), (1, 150.0), (2, 0.0)])
    assert list(_fewest(rows, [200.0, 400.0, 300.0])) == [2, 1, 1, 0]


# ---- view ----------------------------------------------------------------------------------------


def test_telling_scenarios_are_median_var_worst_and_most_served():
    # cumulative probability by loss 0.4, 0.7, 0.9, 1.0: the median is the second, VaR at 90 % the third
    found = telling(view(make_result()))
    assert [(one.scenario, one.why) for one in found] == [
        (2, "median"), (3, "VaR 90 %, new sources serve most"), (4, "worst"),
    ]  # fmt: skip


def test_supply_in_a_scenario_follows_islands_before_faults():
    study = view(make_result())
    assert supply(study, 1) == dict.fromkeys("ABCD", "substation")
    assert supply(study, 3) == {"A": "faulted", "B": "source", "C": "source", "D": "dark"}
    assert supply(study, 4) == {"A": "faulted", "B": "faulted", "C": "dark", "D": "source"}


def test_probability_of_pickup_is_the_sum_over_scenarios():
    study = view(make_result())
    after, before = served(study, "pickup"), served(study, "pickup_without")
    assert after.round(9).to_dict() == {"a": 0.7, "b": 0.9, "c": 0.9, "d": 0.5}
    assert before.round(9).to_dict() == {"a": 0.7, "b": 0.7, "c": 0.4, "d": 0.4}
    assert served(view(make_result(without=("pickup_without",))), "pickup_without") is None


def test_sections_without_load_have_no_probability():
    result = make_result()
    result.tables["loads"] = result.tables["loads"].assign(kw=[100.0, 100.0, 0.0, 50.0])
    study = view(result)
    assert set(by_section(study, served(study, "pickup"))) == {"A", "B", "D"}


# ---- words ---------------------------------------------------------------------------------------


def test_first_screen_tells_where_cost_loss_and_proof(rendered, read_page):
    text = read_page(rendered).words
    start = text[: text.index("What planning for all scenarios is worth")]
    for said in (
        "Build 80 kW at north (bus 4); harden l2; add a switch at sw.",
        # 80 kW and 15 kW for opening the site
        "The sources take 95 kW of the budget of 100 kW (15 kW of it for opening the sites), at 1 of 2 candidate "
        "sites, and USD 2 000 for 1 hardened line and 1 added switch.",
        # losses before 220 ... 300, after half of them: 130 less, standard error of 110 ... 150 is 15.81 / sqrt(5)
        "Load lost, weighted by priority: 260 ± 14 weighted kW of 500 in the mean without the plan and 130 ± 50 with "
        "it (50.0 % less), 130 ± 7 less storm by storm, over 5 fresh storms.",
        "In the worst 10 % of storms (CVaR) 300 ± 5 without and 150 ± 20 with it (50.0 % less)",
        "With it 120 ± 4 of 150 kW of critical load are picked up in the mean of storms, 90 ± 6 without; in the worst "
        "10 % of storms 60 ± 5 kW with it and 10 ± 2 without.",
        "Proven: each of 4 islands of the plan in 4 scenarios (3 of new sources) was solved by OpenDSS with its own "
        "source as swing and is feasible: voltages 0.955 to 1.012 pu, highest loading 61 %.",
        "The power flow refused 4 islands that a program took for feasible",
        "Program: objective 63 weighted kW, no plan below 62, gap 0.8 % (1.0 % asked for), 2 rounds with the power "
        "flow, 8 s.",
        # (130 - 26) / 50 = 2.08, (150 - 100) / 20 = 2.5
        "E differs by 2.1 standard errors and CVaR differs by 2.5 standard errors.",
        "is worth 12 weighted kW of the objective (value of the stochastic solution)",
    ):
        assert said in start, said


def test_reasons_of_refusal_come_from_the_limits():
    # the plan's north has 100 kVA for 80 kW
    assert spoken.reasons(view(make_result())) == [
        "low voltage",
        "losses exceed the source's kW",
        "not converged",
        "high voltage, overload, source above its kVA",
    ]


def test_a_plan_that_makes_it_worse_says_so():
    result = make_result()
    risk = result.tables["risk"]
    worse = (risk["storms"] == "fresh") & (risk["case"] == "plan")
    result.tables["risk"] = risk.assign(cvar_kw=risk["cvar_kw"].mask(worse, 330.0))
    assert "330 ± 20 with it (10.0 % MORE)" in told(result)[0]


def test_an_island_that_is_not_feasible_is_a_warning():
    result = make_result()
    result.tables["islands"] = result.tables["islands"].assign(feasible=[True, False, True, True])
    text, warned = told(result)
    assert "NOT proven: 1 of 4 islands" in text
    assert warned


def ended(**changed):
    """The end of all rounds, otherwise."""
    result = make_result(empty=("findings",))
    table = result.tables["solver"]
    last = table["round"] == "all rounds"
    result.tables["solver"] = table.assign(**{name: table[name].mask(last, value) for name, value in changed.items()})
    return result


def test_a_gap_above_the_wanted_is_a_warning():
    text, warned = told(ended(bound_kw=60.5, gap=0.04, status="feasible"))
    assert "objective 63 weighted kW, no plan below 60, gap 4.0 % (1.0 % asked for), 2 rounds" in text
    assert warned


def test_the_program_is_told_as_it_ended_and_not_by_any_single_round():
    result = make_result(empty=("findings",))
    rounds = result.tables["solver"]["round"] != "all rounds"
    before = told(result)
    table = result.tables["solver"]
    result.tables["solver"] = table.assign(
        status=table["status"].mask(rounds, "optimal"), bound_kw=table["bound_kw"].mask(rounds, 1.0),
        gap=table["gap"].mask(rounds, 0.99), seconds=table["seconds"].mask(rounds, 1e6),
    )  # fmt: skip
    assert told(result) == before


def test_a_result_without_the_end_of_all_rounds_tells_no_status():
    result = make_result()
    result.tables["solver"] = result.tables["solver"].iloc[:2]
    assert "Program:" not in told(result)[0]
    assert "program and check took 2 rounds" in told(result)[0]


@pytest.mark.parametrize("stopped", [True, False])
def test_a_clock_that_stopped_the_program_is_told(stopped):
    assert ("another machine may find another plan" in told(ended(stopped_by_clock=stopped))[0]) is stopped


def test_a_var_within_a_lump_of_losses_has_no_error_of_zero():
    result = make_result()
    risk = result.tables["risk"]
    plan = (risk["storms"] == "fresh") & (risk["case"] == "plan")
    found = risk.assign(var_se_kw=risk["var_se_kw"].mask(plan, 0.0))[plan].iloc[0]
    assert spoken.with_error(found, "var") == "145 (many storms lose the same)"
    assert spoken.with_error(found, "mean") == "130 \u00b1 50"


def test_a_finding_that_holds_in_part_is_counted_apart():
    result = make_result()
    table = result.tables["statements"]
    result.tables["statements"] = table.assign(supported=["yes", "partly", "not decided", "not tested"])
    assert "support 1, support in part 1, cannot decide 1" in spoken.statements(view(result))


def test_scenarios_that_do_not_stand_for_the_storms_are_a_warning():
    result = make_result()
    result.tables["risk"] = result.tables["risk"].assign(mean_se_kw=lambda t: t["mean_se_kw"] / 10)
    text, warned = told(result)  # (130 - 26) / 5 = 20.8
    assert "E differs by 20.8 standard errors and CVaR differs by 2.5 standard errors; for E more than chance" in text
    assert warned


@pytest.mark.parametrize(
    ("error", "said"),
    [(10.0, "CVaR differs by 5.0 standard errors; for CVaR more"), (0.0, "CVaR differs by 50 weighted kW; for CVaR")],
)
def test_a_tail_that_the_scenarios_miss_is_a_warning(error, said):
    result = make_result(empty=("findings",))
    risk = result.tables["risk"]
    fresh = (risk["storms"] == "fresh") & (risk["case"] == "plan")
    result.tables["risk"] = risk.assign(cvar_se_kw=risk["cvar_se_kw"].mask(fresh, error))
    text, warned = told(result)
    assert said in text
    assert warned


def test_nothing_to_warn_of_is_no_warning():
    assert told(make_result(empty=("findings",)))[1] is False


def test_nothing_built_is_said():
    result = make_result()
    result.tables["plan"] = result.tables["plan"].assign(built=False, kw=0.0)
    text = told(result)[0]
    assert "Build nothing: none of 2 candidate sites is worth its kW here; harden l2 and add a switch at sw." in text


def test_many_lines_to_harden_are_counted_in_the_sentence_and_named_in_the_table():
    result = make_result()
    rows = [("hardened line", f"line.l{n}", 1000.0, 1.0, 0.1) for n in range(8)]
    result.tables["investments"] = frame("what element usd saves_kw saves_se_kw", rows)
    assert "Build 80 kW at north (bus 4); harden 8 lines." in told(result)[0]


def test_findings_of_the_paper_are_told_as_supported_or_not(rendered, read_page):
    text = read_page(rendered).words
    assert (
        "Of 4 findings the sweeps of this study support 1, do not support 1, cannot decide 1 and do not test 1." in text
    )
    assert "and then saturates. not decided one budget only." in text
    assert "A larger lambda never raises CVaR. supported alpha 0.9: 150 kW to 140" in text
    assert "More candidate sites lower CVaR at the same budget. NOT supported by -3 kW" in text
    assert "few large ones. not tested Needs a sweep of budgets." in text


def test_critical_load_is_told_before_what_it_costs_and_what_is_lost(rendered, read_page):
    text = read_page(rendered).words
    places = [
        text.index(said) for said in ("Build 80 kW", "of critical load", "The sources take", "Load lost, weighted")
    ]
    assert places == sorted(places)


def test_what_each_line_and_switch_saves_stands_beside_its_price(rendered, read_page):
    text = read_page(rendered).words
    assert re.search(r"hardened line line\.l2 1 500(\.0)? 7\.5 1\.5", text)
    assert re.search(r"added switch line\.sw 500(\.0)? 2\.5 0\.5", text)


def test_without_a_critical_load_nothing_is_said_of_it():
    result = make_result()
    result.tables["loads"] = result.tables["loads"].assign(critical=False)
    assert "critical load" not in told(result)[0]


# ---- page and workbook ---------------------------------------------------------------------------


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    page = read_page(rendered).html
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert not re.search(r"@import|url\(|<link|<iframe|fetch\(|XMLHttpRequest", page.split("<script")[0])


def test_page_data_is_valid_json(rendered, read_page):
    assert read_page(rendered).data == {}


def test_every_table_is_in_the_workbook_and_every_column_of_it(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    tables = make_result().tables
    assert book.sheetnames[:5] == ["Summary", "plan", "investments", "critical", "risk"]
    assert set(book.sheetnames) == {"Summary", *tables}
    for name, table in tables.items():
        assert book[name].max_row == len(table) + 1, name
        assert book[name].max_column == len(table.columns), name


@pytest.mark.parametrize(
    "variation",
    [
        {"without": ("network_buses", "network_branches")},
        {"without": ("pickup_without", "refused", "stochastic_value", "convergence", "strata")},
        {"without": ("loads", "sections", "devices", "network_buses", "network_branches")},
        {"without": ("plan", "investments")},
        {"empty": ("investments", "refused", "statements", "findings", "assumptions", "timing", "convergence")},
        {"empty": ("islands", "pickup", "pickup_without", "faults")},
        {"empty": ("scenarios", "islands", "pickup", "pickup_without", "faults", "losses", "risk")},
        {"empty": ("devices", "sections", "wind", "strata", "solver", "stochastic_value")},
        {"empty": ("sweep", "sweep_losses", "fragility")},
        {"coordinates": False},
        {"settings": {}},
        {"headline": {}},
        {"tables": {}},
    ],
    ids=str,
)
def test_report_does_without(tmp_path, variation, read_page):
    given = variation if "empty" in variation and "sweep" in variation["empty"] else without_sweeps(variation)
    render(make_result(**given), tmp_path)
    assert "nan" not in read_page(tmp_path).words.lower().split()
    assert openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames[0] == "Summary"


def test_results_of_before_standard_errors_of_var_are_drawn(tmp_path):
    result = make_result(without=("critical",))
    for name, gone in (("risk", "var_se_kw"), ("sweep", "fresh_var_se_kw"), ("investments", "saves_kw")):
        result.tables[name] = result.tables[name].drop(columns=gone)
    render(result, tmp_path)
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == FIGURES


def test_hostile_text_stays_text(tmp_path, read_page):
    result = make_result(title=HOSTILE, without=SWEEPS)
    for name, column, old in (
        ("plan", "site", "north"), ("islands", "source", "north"), ("loads", "source", "hospital"),
        ("wind", "region", "calm"), ("devices", "device", "sw"),
    ):  # fmt: skip
        table = result.tables[name]
        result.tables[name] = table.assign(**{column: table[column].str.replace(old, HOSTILE, regex=False)})
    render(result, tmp_path)
    page = read_page(tmp_path).html
    assert "<script>alert" not in page
    assert "<img src=http" not in page
    assert page.count("<script") == 2


def test_same_result_gives_the_same_bytes(rendered, tmp_path):
    render(make_result(), tmp_path)
    for path in sorted(rendered.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(rendered)).read_bytes(), path
