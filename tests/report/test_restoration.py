"""The report of a restoration study: a small result made by hand, two storms of a feeder with six buses."""

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.app.console import Display
from gridstudio.report import areas, render
from gridstudio.report.restoration.view import MOST_STORMS, course, customers_out, view
from gridstudio.result import Quantity, StudyResult

METHODS = {"none": "crew only", "naive": "all ties closed", "greedy": "greedy", "learned": "learned", "exact": "exact"}
HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
# Buses 1 to 6 in a row, sections A (1, 2), B (3, 4), C (5), D (6); the tie joins D to A.
BUSES = [("1", 0, 0), ("2", 1, 0), ("3", 2, 0), ("4", 3, 0), ("5", 4, 0), ("6", 4, 1)]
BRANCHES = [
    ("br", "1", "2", False, True, "A"), ("l1", "2", "3", False, True, "B"), ("l2", "3", "4", False, True, "B"),
    ("sw", "4", "5", True, True, "B"), ("fu", "5", "6", False, True, "C"), ("tie", "6", "2", True, False, "D"),
]  # fmt: skip
DEVICES = [
    ("br", "breaker", False, True, "A", "A"), ("l1", "recloser", False, True, "A", "B"),
    ("sw", "switch", False, False, "B", "C"), ("fu", "fuse", False, False, "C", "D"),
    ("tie", "switch", True, True, "D", "A"),
]  # fmt: skip
CUSTOMERS = {"A": 10.0, "B": 40.0, "C": 20.0, "D": 30.0}
STORMS = ("line 2", "second storm")


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def network():
    buses = frame("bus x y", BUSES).assign(base_kv=2.4, distance_km=[0.0, 0.4, 0.8, 1.2, 1.6, 2.0])
    rows = [(f"line.{n}", "line", n, a, b, 3, 400.0, s, c, "", 300.0, section) for n, a, b, s, c, section in BRANCHES]
    names = "element kind name bus1 bus2 phases length_m is_switch closed conductor ampacity_a section"
    devices = [(n, f"line.{n}", t, o, r, 1.0, 0.0, "1", "2", a, b) for n, t, o, r, a, b in DEVICES]
    device = "device element type normally_open remote operating_min travel_min bus1 bus2 section1 section2"
    sections = [(s, n, 4 * n, 2, 1, True) for s, n in CUSTOMERS.items()]
    return {
        "network_buses": buses,
        "network_branches": frame(names, rows),
        "devices": frame(device, devices),
        "sections": frame("section customers kw buses loads supplied", sections),
        "section_buses": frame("bus section", [("1", "A")]),
    }


def seeds_of(method):
    return (1, 2) if method == "learned" else (0,)


def runs(storms, methods):
    return [(storm, method, seed) for method in methods for storm in storms for seed in seeds_of(method)]


def order(storm, method, seed):
    """Trips; then, but for crews, sw opens at 30 min by hand, and the tie picks up C and D at 32 min."""
    head = (storm, method, seed)
    electric = (0.98, "6", 0.61, "line.br", "normal", 0)
    over = (0.9, "6", 1.41, "line.br", "emergency", 2)
    rows = [(*head, 0, 0.0, "l1", "line.l1", "recloser", "trip", "", "fault cleared", "", -90.0, -360.0, *electric)]
    if method != "none":
        steps = [(1, 30.0, "sw", "switch", "open", "manual", "isolate the fault", "", 0.0, 0.0)]
        steps += [(2, 32.0, "tie", "switch", "close", "remote", "pick up", "C, D", 50.0, 200.0)]
        for step, minute, device, kind, action, control, purpose, sections, customers, kw in steps:
            found = over if method == "naive" else electric
            what = (step, minute, device, f"line.{device}", kind, action, control, purpose, sections, customers, kw)
            rows.append((*head, *what, *found))
    return rows


def judged(storms, methods):
    compared, sheets, outages, violations = [], [], [], []
    for storm, method, seed in runs(storms, methods):
        minutes = 90 * 180.0 if method == "none" else 40 * 180.0 + 50 * 32.0 + (8.0 if method == "greedy" else 0)
        back, broken = (0.0, 0) if method == "none" else (50.0, 2 if method == "naive" else 0)
        bound = ("optimal", minutes, 0.0) if method == "exact" else ("", np.nan, np.nan)
        compared.append(
            (storm, method, seed, 90.0, back, 4 * back, 90.0, minutes, minutes, 0.9, 90.0, 100.0, 0.0, 0.0, 12.3, 456.0,
             broken, 0 if method == "none" else 2, 32.0, 7, 0.01, *bound)
        )  # fmt: skip
        sheets += order(storm, method, seed)
        for section in ("B", "C", "D"):
            out = 180.0 if section == "B" or method == "none" else 32.0
            outages.append((storm, method, seed, section, CUSTOMERS[section], 1.0, section == "B", True, out, 180.0))
        if method == "naive":
            violations.append((storm, method, seed, 2, "undervoltage", "6.1", 0.9, 0.917, "pu"))
            violations.append((storm, method, seed, 2, "loop", "line.tie", np.nan, np.nan, ""))
    compare = (
        "storm method seed customers_out customers_restored kw_restored ci cmi customer_minutes saifi saidi_min "
        "caidi_min momentary maifi ens_kwh cost_usd violations operations switched_min power_flows seconds status "
        "bound gap"
    )
    sheet = (
        "storm method seed step minute device element type action control purpose sections customers kw v_min_pu "
        "v_min_at loading_max_pu loading_at rating violations"
    )
    return {
        "comparison": frame(compare, compared),
        "orders": frame(sheet, sheets),
        "outages": frame("storm method seed section customers kw faulted out out_min repaired_min", outages),
        "violations": frame("storm method seed step kind element value limit unit", violations),
    }


def means(compared, methods):
    rows = []
    for method in methods:
        part = compared[compared["method"] == method]
        total = part.groupby("seed")["customer_minutes"].sum().mean()
        broken = int((part.groupby("storm")["violations"].max() > 0).sum())
        count, back = part["storm"].nunique(), float(part["customers_restored"].sum() / part["seed"].nunique())
        std = 7.0 if method == "learned" else 0.0
        rows.append((method, METHODS[method], count, back, total, total, 1.0, 1.0, 1.0, 7.0, 0.1, 2.0, broken, std))
    names = (
        "method label storms customers_restored cmi customer_minutes saidi_min ens_kwh cost_usd power_flows seconds "
        "operations violations customer_minutes_std"
    )
    return frame(names, rows)


def make_result(storms=STORMS, methods=tuple(METHODS), without=(), empty=(), coordinates=True, **changed):
    """A result and variations of it."""
    found = judged(storms, methods)
    faults = [(storm, "judged", "line.l2", "B", 180.0, 1.0, "l1", 90.0) for storm in storms]
    faults.append(("training 1", "training", "line.fu", "C", 90.0, 0.7, "l1", 90.0))
    waits = "storm section customers kw outage_h factor steady_min pickup_min waited_min method"
    surges = [(s, "C", 20.0, 80.0, 4.6, 3.5, 32.0, 35.0, 3.0, "exact") for s in storms]
    surges += [(s, "D", 30.0, 120.0, np.nan, np.nan, 32.0, np.nan, np.nan, "exact") for s in storms]
    curve = [(s, t, 80.0 + k, 80.0, 0.97, 0.7, True) for s in storms for t, k in ((0.0, 0), (35.0, 200), (60.0, 90))]
    trained = [(seed, e, 10.0 * e, 1 - e / 100) for seed in (1, 2) for e in (10, 20, 30)]
    seeds = [(seed, 99, 17600.0 + seed, 17616.0, 17600.0, seed - 16.0) for seed in (1, 2)]
    tables = {
        **found,
        **network(),
        "means": means(found["comparison"], methods),
        "storms": frame("storm role element section repair_min load_scale tripped customers_out", faults),
        "training": frame("seed episode saved epsilon", trained),
        "seeds": frame(
            "seed states customer_minutes greedy_customer_minutes exact_customer_minutes difference_to_greedy", seeds
        ),
        "cold_load": frame(waits, surges),
        "cold_load_curve": frame("storm minute kw diversified_kw v_min_pu loading_max_pu allowed", curve),
        "business_case": frame(
            "measure customers ci cmi energy_kwh cost_usd usd_per_year",
            [("switching", 50.0, 50.0, 7400.0, 9.0, 5000.0, 2500.0), ("both", 50.0, 50.0, 7400.0, 9.0, 5000.0, 2500.0)],
        ),
        "assumptions": frame("topic text", [("Clock", "One for all methods.")]),
        "findings": frame("severity text", [("warning", "Ties that bring too few phases: tie.")]),
        "timing": frame("phase seconds power_flows not_converged", [("method none", 0.1, 3, 0), ("states", 1.0, 9, 0)]),
    }
    if not coordinates:
        tables["network_buses"] = tables["network_buses"].assign(x=np.nan, y=np.nan)
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="restoration",
        title="Six buses",
        settings={"limits": {"v_min_pu": 0.917, "v_max_pu": 1.058, "emergency_loading_max_pu": 1.25}},
        headline={"proven": Quantity("Proven optimal", "2 of 2")},
        tables=tables,
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 12},
    )
    return replace(result, **changed)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("restoration")
    render(make_result(), folder)
    return folder


def test_every_figure_is_drawn(rendered):
    found = {path.stem for path in (rendered / "figures").iterdir()}
    assert found == {"methods", "storms", "network", "training"} | {
        f"{kind}_{storm}"
        for kind in ("map", "steps", "customers_out", "cold_load")
        for storm in ("1_line_2", "2_second_storm")
    }
    for path in (rendered / "figures").iterdir():
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = (int.from_bytes(path.read_bytes()[a : a + 4], "big") for a in (16, 20))
        assert width == 1680, path
        assert 250 <= height <= 1900, path


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    page = read_page(rendered).html
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert not re.search(r"@import|url\(|<link|<iframe|fetch\(|XMLHttpRequest", page.split("<script")[0])


def test_first_screen_tells_question_answer_and_verdicts(rendered, read_page):
    text = read_page(rendered).words
    for told in (
        "Asked: after 2 storms with 2 faults, which of 5 devices to operate",
        # by hand: 40 x 180 + 50 x 32 = 8800 against 90 x 180 = 16200 customer-minutes a storm
        "customers are out for 17 600 customer-minutes, 45.7 % less than with crews only (32 400)",
        "Exact: proven optimal in all 2 storms.",
        "fewer customer-minutes than greedy on average over 2 trainings",
        "All ties closed: breaks limits in 2 of 2 storms.",
        "Every operation of the other methods was solved by power flow and breaks no limit.",
        "worth USD 2 500 a year",
    ):
        assert told in text, told
    assert text.index("Asked:") < text.index("Faults and when they are repaired")


def test_a_learned_method_that_loses_to_greedy_is_told_so(tmp_path, read_page):
    result = make_result(without=("network_buses", "network_branches", "cold_load_curve"))
    result.tables["seeds"] = result.tables["seeds"].assign(difference_to_greedy=[176.16, 352.32])
    render(result, tmp_path)
    told = read_page(tmp_path).words
    assert "1.50 % MORE customer-minutes than greedy on average" in told  # 264.24 of 17616
    assert "Learning does not pay here." in told


def test_an_exact_method_that_was_stopped_is_no_proof(tmp_path, read_page):
    result = make_result(without=("network_buses", "network_branches", "cold_load_curve"))
    compared = result.tables["comparison"]
    stopped = (compared["method"] == "exact") & (compared["storm"] == STORMS[0])
    result.tables["comparison"] = compared.assign(
        status=compared["status"].mask(stopped, "limit"),
        gap=compared["gap"].mask(stopped, 0.05 * compared["customer_minutes"]),
    )
    render(result, tmp_path)
    assert "proven optimal in 1 of 2 storms; largest gap 5.00 %" in read_page(tmp_path).words


def test_violations_that_another_method_leaves_are_a_warning(tmp_path, read_page):
    render(make_result(STORMS[:1], ("none", "greedy"), ("network_buses",), violations_left=3), tmp_path)
    assert "leave 3 violations" in read_page(tmp_path).words
    assert 'class="note warn"' in read_page(tmp_path).html


def test_order_sheet_shows_every_step_with_its_power_flow(rendered, read_page):
    text = read_page(rendered).words
    first = text[text.index("Order sheet: line 2 (exact)") :]
    for told in (
        "trip", "fault cleared", "isolate the fault", "manual", "pick up", "C, D", "0.9800 pu, 6",
        "61.0 %, line.br", "normal",
    ):  # fmt: skip
        assert told in first[:900], told


def test_every_table_is_in_the_workbook_and_every_column_of_it(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    tables = make_result().tables
    assert book.sheetnames[:4] == ["Summary", "means", "comparison", "orders"]
    assert set(book.sheetnames) == {"Summary", *tables}
    for name, table in tables.items():
        assert book[name].max_row == len(table) + 1, name
        assert book[name].max_column == len(table.columns), name


def test_every_table_of_words_and_figures_is_on_the_page(rendered, read_page):
    text = read_page(rendered).words
    for told in (
        "customers restored", "SAIDI [min]", "difference to greedy", "undervoltage", "waited [min]", "per year",
        "recloser", "load scale", "One for all methods.", "Ties that bring too few phases: tie.", "training 1",
        "operating [min]", "How long each section is out (exact)", "method crew only",
    ):  # fmt: skip
        assert told in text, told


def test_no_method_is_called_by_its_key(rendered, read_page):
    text = read_page(rendered).words
    assert "all ties closed" in text
    assert not re.search(r"\bnaive\b", text)
    assert not re.search(r"\bmethod none\b", text)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", read_page(rendered).html)
    assert "none" not in cells
    assert "crew only" in cells


@pytest.mark.parametrize(
    "variation",
    [
        {"methods": ("none",)},
        {"methods": ("greedy",)},
        {"methods": ("none", "greedy", "exact"), "without": ("training", "seeds")},
        {"without": ("cold_load", "cold_load_curve", "business_case")},
        {"empty": ("cold_load", "cold_load_curve", "violations")},
        {"empty": ("training", "seeds", "findings", "assumptions", "timing")},
        {"empty": ("orders", "outages", "storms")},
        {"empty": ("comparison", "means", "orders", "outages", "violations", "cold_load", "cold_load_curve")},
        {"empty": ("devices", "sections")},
        {"without": ("network_buses", "network_branches")},
        {"without": ("network_buses", "network_branches", "devices", "sections", "storms", "findings")},
        {"coordinates": False},
        {"storms": STORMS},
        {"settings": {}},
        {"headline": {}},
    ],
    ids=str,
)
def test_report_does_without(tmp_path, variation, read_page):
    render(make_result(**{"storms": STORMS[:1], **variation}), tmp_path)
    assert "nan" not in read_page(tmp_path).words.lower().split()
    assert openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames[0] == "Summary"


def test_many_storms_have_few_figures_and_the_page_says_what_is_left_out(tmp_path, read_page):
    storms = tuple(f"storm {k}" for k in range(27))
    without = ("cold_load", "cold_load_curve", "training", "seeds")
    render(make_result(storms=storms, methods=("none", "exact"), without=without), tmp_path)
    text = read_page(tmp_path).words
    assert f"Figures are drawn for the first {MOST_STORMS} of 27 storms" in text
    assert "Order sheet: storm 26 (exact)" in text
    assert len(list((tmp_path / "figures").glob("map_*.png"))) == MOST_STORMS
    assert len(list((tmp_path / "figures").iterdir())) < 30


def test_hostile_text_stays_text(tmp_path, read_page):
    result = make_result(storms=(HOSTILE, "plain"), title=HOSTILE)
    for name, column, old in (("devices", "device", "sw"), ("means", "label", "exact"), ("orders", "device", "sw")):
        table = result.tables[name]
        result.tables[name] = table.assign(**{column: table[column].replace(old, HOSTILE)})
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


def test_supply_follows_the_order_sheet():
    told = course(view(make_result()), STORMS[0])
    assert told.supply(0) == {"B": "faulted", "C": "dead", "D": "dead"}
    assert told.supply(1) == {"B": "faulted", "C": "dead", "D": "dead"}
    assert told.supply(2) == {"B": "faulted", "C": "restored", "D": "restored"}
    assert told.closed(0) == {"line.br": True, "line.l1": False, "line.sw": True, "line.fu": True, "line.tie": False}
    assert told.closed(2) == {"line.br": True, "line.l1": False, "line.sw": False, "line.fu": True, "line.tie": True}
    assert told.last == 2


def test_a_section_between_two_feeders_is_dead_while_it_is_handed_over():
    result = make_result(methods=("exact",), storms=("one",))
    orders = result.tables["orders"]
    orders["purpose"] = ["fault cleared", "hand over to another feeder", "take over from another feeder"]
    orders["sections"] = ["", "", "A"]
    told = course(view(result), "one")
    assert told.supply(0).get("A", "live") == "live"
    assert told.supply(1)["A"] == "dead"
    assert told.supply(2).get("A", "live") == "live"


def test_customers_out_fall_when_their_section_is_restored():
    out = frame(
        "customers out_min out", [(40.0, 180.0, True), (20.0, 32.0, True), (30.0, 35.0, True), (5.0, 2.0, False)]
    )
    curve = customers_out(out)
    assert curve.minute.tolist() == [0.0, 32.0, 35.0, 180.0]
    assert curve.customers.tolist() == [90.0, 70.0, 40.0, 0.0]


def test_area_under_the_curve_is_the_customer_minutes():
    study = view(make_result())
    curve = customers_out(study.of("outages", STORMS[0]))
    area = float((np.diff(curve.minute) * curve.customers[:-1]).sum())
    assert area == study.of("comparison", STORMS[0])["customer_minutes"].iloc[0]


def test_neighbouring_areas_have_different_tints():
    ring = [(f"s{k}", f"s{(k + 1) % 9}") for k in range(9)]
    found = areas.tints([f"s{k}" for k in range(9)], [*ring, ("s0", "s4"), ("s0", "unknown")])
    assert len(found) == 9
    assert all(found[a] != found[b] for a, b in [*ring, ("s0", "s4")])


def test_page_data_is_valid_json(rendered, read_page):
    assert read_page(rendered).data == {}


def test_terminal_shows_methods_and_the_first_switching_order(capsys, tmp_path):
    Display().result(make_result(), tmp_path, {"start": 1.0}, 2.0)
    told = re.sub(r" +", " ", capsys.readouterr().out)
    assert "all ties closed 100 17,600" in told
    assert "Switching order: line 2 (exact)" in told
    assert "2 32 close tie remote 50 200 0.9800 0.610" in told


def test_terminal_does_without_methods_and_orders(capsys, tmp_path):
    Display().result(make_result(empty=("means", "orders")), tmp_path, {"start": 1.0}, 2.0)
    assert "Switching order" not in capsys.readouterr().out
