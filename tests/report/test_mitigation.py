"""The report of a mitigation study: a small result made by hand, six buses, three measures, one of them dropped."""

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.report import render
from gridstudio.report.mitigation import sections
from gridstudio.report.mitigation.view import KINDS, MEASURES, family, view
from gridstudio.report.mitigation.words import answer, judgement, verdict, worsened
from gridstudio.result import Quantity, StudyResult

HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
BUSES = [("1", 0, 0), ("2", 1, 0), ("3", 2, 0), ("4", 3, 0), ("5", 2, 1), ("6", 3, 1)]
# name, from, to, rating, loading before and after, what the plan does
BRANCHES = [
    ("l1", "1", "2", 200.0, 1.36, 0.68, "new conductor"),
    ("l2", "2", "3", 200.0, 1.10, 0.97, ""),
    ("l3", "3", "4", 100.0, 0.60, 0.58, ""),
    ("l4", "3", "5", 100.0, 0.40, 0.41, ""),
    ("l5", "5", "6", np.nan, np.nan, np.nan, ""),
]
HOURS = ("peak", "noon")


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def steps():
    """Cure in three steps with a refusal between, then the clean-up removes the second measure."""
    kinds = [f"{kind}_{when}" for when in ("before", "after") for kind in KINDS]
    counts = {  # undervoltage, overload
        1: ((4, 3), (4, 1)), 2: ((4, 1), (4, 1)), 3: ((4, 1), (2, 1)), 4: ((2, 1), (0, 0)), 5: ((0, 0), (0, 0)),
    }  # fmt: skip
    told = [
        (1, "cure", "add", "reconductor", "line.l1", 400.0, "A", "200 A to 400 A", 50000.0, 50000.0, "overload", True),
        (2, "cure", "add", "battery", "bus.4", 50.0, "kW", "50 kW", 9000.0, 50000.0, "undervoltage", False),
        (3, "cure", "add", "capacitor", "bus.6", 300.0, "kvar", "300 kvar", 8000.0, 58000.0, "undervoltage", True),
        (4, "cure", "add", "regulator", "line.l3", 100.0, "kVA", "new at l3", 30000.0, 88000.0, "undervoltage", True),
        (5, "cleanup", "remove", "capacitor", "bus.6", np.nan, "", "removed", -8000.0, 80000.0, "not missed", True),
    ]
    rows = []
    for step, *rest, accepted in told:
        before, after = counts[step]
        values = {f"undervoltage_{w}": v[0] for w, v in (("before", before), ("after", after))}
        values |= {f"overload_{w}": v[1] for w, v in (("before", before), ("after", after))}
        rows.append((step, *rest, *(values.get(k, 0) for k in kinds), 10 * step, accepted, "" if accepted else "worse"))
    head = "step phase action measure element size size_unit what cost_usd plan_cost_usd reason"
    return frame(f"{head} {' '.join(kinds)} power_flows accepted refused", rows)


def plan():
    head = (
        "measure element bus1 bus2 x y size_before size size_unit what quantity per unit_cost_usd capital_usd "
        "o_and_m_usd_per_year cost_usd share life_years rating_before_a rating_after_a reason source"
    )
    return frame(
        head,
        [
            ("regulator", "line.l3", "3", "4", 2.5, 0.0, np.nan, 100.0, "kVA", "new at l3", 1.0, "unit", 25000.0,
             25000.0, 400.0, 30000.0, 0.375, 20.0, np.nan, np.nan, "undervoltage", "typical"),
            ("reconductor", "line.l1", "1", "2", 0.5, 0.0, 200.0, 400.0, "A", "200 A to 400 A", 0.5, "km", 100000.0,
             50000.0, 0.0, 50000.0, 0.625, 40.0, 200.0, 400.0, "overload", "typical"),
        ],
    )  # fmt: skip


def summary(before, after):
    rows = [
        ("overload", before[0], after[0], 2, int(after[0] > 0), 1.36, 1.2 if after[0] else np.nan, 1.0, "pu"),
        ("undervoltage", before[1], after[1], 2, int(after[1] > 0), 0.93, 0.94 if after[1] else np.nan, 0.95, "pu"),
    ]
    head = "kind before after elements_before elements_after worst_before worst_after limit unit"
    return frame(head, [row for row in rows if row[1] or row[2]])


def voltages():
    rows = [
        ("base", hour, bus, phase, float(bus), 1.01 - 0.016 * (int(bus) - 1) * (hour == "peak"), 1.0)
        for hour in HOURS
        for bus, *_ in BUSES
        for phase in (1, 2, 3)
    ]
    return frame("scenario hour bus phase distance_km v_before_pu v_after_pu", rows)


def network(coordinates=True):
    buses = frame("bus x y", BUSES).assign(
        base_kv=2.4, distance_km=[0.0, 0.4, 0.8, 1.2, 0.8, 1.2], v_min_before_pu=[1.0, 0.98, 0.96, 0.93, 0.96, 0.94],
        v_max_before_pu=1.02, v_min_after_pu=0.97, v_max_after_pu=1.02,
    )  # fmt: skip
    if not coordinates:
        buses = buses.assign(x=np.nan, y=np.nan)
    head = (
        "element kind name bus1 bus2 phases length_m is_switch closed conductor ampacity_a loading_before_pu "
        "loading_after_pu rating_after_a limit_pu measure"
    )
    rows = [
        (f"line.{n}", "line", n, a, b, 3, 400.0, False, True, "", rating, before, after, rating, 1.0, done)
        for n, a, b, rating, before, after, done in BRANCHES
    ]
    return {"network_buses": buses, "network_branches": frame(head, rows)}


def make_result(without=(), empty=(), coordinates=True, left=(0, 0), **changed):
    """A result and variations of it; ``left``: overloads and undervoltages after the plan."""
    limit = "scenario hour kind element phase value limit unit"
    before = [("base", "peak", "overload", "line.l1", 1, 272.0, 200.0, "A")] * 3
    before += [("base", "peak", "undervoltage", "4", 1, 0.93, 0.95, "pu")] * 4
    after = [("base", "peak", "overload", "line.l2", 1, 240.0, 200.0, "A", "no larger size")] * sum(left)
    remaining = [
        ("overload", "line.l2", 1, sum(left), "base", "peak", 240.0, 200.0, "A", 7, "reconductor", "line.l2", 210.0,
         "no larger size in the catalogue"),
    ]  # fmt: skip
    head = (
        "kind element phase violations scenario hour value limit unit tried best_measure best_element best_value cause"
    )
    loads = [
        ("base", hour, f"line.{n}", r, r, r * b, b, r * a, a, 1.0)
        for hour in HOURS
        for n, _, _, r, b, a, _ in BRANCHES
        if r == r
    ]
    loading = (
        "scenario hour element ampacity_before_a ampacity_after_a current_before_a loading_before_pu current_after_a "
        "loading_after_pu limit_pu"
    )
    scenarios = [("base", hour, 1.3, 1.0, 1.0) for hour in HOURS]
    tables = {
        **network(coordinates),
        "steps": steps(),
        "plan": plan(),
        "cost_by_measure": frame(
            "measure measures quantity per capital_usd o_and_m_usd_per_year cost_usd",
            [("regulator", 1, 1.0, "unit", 25000.0, 400.0, 30000.0),
             ("reconductor", 1, 0.5, "km", 50000.0, 0.0, 50000.0)],
        ),
        "violations_before": frame(limit, before),
        "violations_after": frame(f"{limit} cause", after),
        "remaining": frame(head, remaining[: sum(left)]),
        "violations_summary": summary((3, 4), left),
        "scenarios": frame("scenario hour load_scale generation_scale probability", scenarios),
        "loadings": frame(loading, loads),
        "voltages": voltages(),
        "catalogue": frame(
            "measure phases size size_unit per unit_cost_usd o_and_m_usd_per_year life_years source",
            [("reconductor", 3, 400.0, "A", "km", 100000.0, 0.0, 40.0, "typical")],
        ),
        "assumptions": frame("topic text", [("Costs", "Typical, not quoted.")]),
        "findings": frame("severity text", [("warning", "Line l5 has no rating.")]),
        "timing": frame("phase seconds power_flows not_converged", [("cure", 0.4, 40, 0), ("cleanup", 0.1, 10, 0)]),
    }  # fmt: skip
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="mitigation",
        title="Six buses",
        settings={"limits": {"v_min_pu": 0.95, "v_max_pu": 1.05, "loading_max_pu": 1.0}, "report": {"circuits": True}},
        headline={"cost_usd": Quantity("Cost of the plan", 80000.0, "USD")},
        tables=tables,
        violations_left=sum(left),
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 50},
    )
    return replace(result, **changed)


def nothing_to_do():
    empty = ("steps", "plan", "cost_by_measure", "violations_before", "violations_after", "remaining")
    result = make_result(empty=empty)
    return replace(result, tables=result.tables | {"violations_summary": summary((0, 0), (0, 0))})


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mitigation")
    render(make_result(), folder)
    return folder


def test_every_figure_is_drawn(rendered):
    found = {path.stem for path in (rendered / "figures").iterdir()}
    assert found == {"map", "costs", "steps", "voltages_lowest", "loadings"}
    for path in (rendered / "figures").iterdir():
        width, height = (int.from_bytes(path.read_bytes()[a : a + 4], "big") for a in (16, 20))
        assert width == 1680, path
        assert 250 <= height <= 1900, path


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    page = read_page(rendered).html
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)


def test_first_screen_tells_what_to_buy_and_what_it_cures(rendered, read_page):
    text = read_page(rendered).words
    for told in (
        "2 measures for USD 80 000 cure all 7 violations",
        "3 overloads at 2 elements (worst 136.0 %, limit 100.0 %)",
        "4 undervoltages at 2 elements (worst 0.9300 pu, limit 0.9500 pu)",
        "new conductor (1, USD 50 000), regulator (1, USD 30 000)",
        "Capital USD 75 000, with USD 400 a year of O&M",
        "Found in 4 accepted steps, 50 power flows",
        "power flow refused 1 candidate that looked best on paper",
        "the clean-up saved USD 8 000 in 1 step",
        "No accepted step adds a violation of any kind",
    ):
        assert told in text, told


def test_dropped_and_refused_measures_are_listed_with_their_reasons(rendered, read_page):
    text = read_page(rendered).words
    dropped = text[text.index("Dropped again") :]
    assert "capacitor" in dropped[:600]
    assert "not missed" in dropped[:600]
    assert "Candidates refused by power flow (1)" in text
    assert "worse" in dropped


def test_what_remains_is_a_warning_with_its_cause(tmp_path, read_page):
    result = make_result(left=(1, 0))
    render(result, tmp_path)
    text = read_page(tmp_path).words
    assert "2 measures for USD 80 000 leave 1 of 7 violations" in text
    assert "no larger size in the catalogue" in text
    assert "240.0 A" in text
    assert 'class="note warn"' in read_page(tmp_path).html


def test_nothing_to_do_says_so(tmp_path, read_page):
    render(nothing_to_do(), tmp_path)
    text = read_page(tmp_path).words
    assert "No limit is broken in any scenario and hour of the study: nothing has to be done." in text
    assert "Nothing is bought." in text
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {"map", "voltages_lowest", "loadings"}


def test_no_measure_that_helps_says_so():
    result = make_result(empty=("steps", "plan", "cost_by_measure"), left=(3, 4))
    assert answer(
        view(result)
    ) == "The feeder has 7\u00a0violations, and no measure of the menu cures any of them.".replace("\u00a0", " ")


def test_a_step_that_adds_violations_is_told():
    result = make_result()
    table = result.tables["steps"]
    result.tables["steps"] = table.assign(overvoltage_after=[0, 0, 2, 0, 0])
    study = view(result)
    assert worsened(study) == ["overvoltage"]
    told, warning = judgement(study)
    assert warning
    assert "add violations: overvoltage" in told[0]


def test_violations_follow_the_accepted_steps():
    counts = view(make_result()).counts()
    # by hand from the steps above: as it is, after the conductor, the capacitor, the regulator, the clean-up
    assert counts["overload"].tolist() == [3, 1, 1, 0, 0]
    assert counts["undervoltage"].tolist() == [4, 4, 2, 0, 0]
    assert counts["dead"].sum() == 0


def test_plan_is_numbered_from_the_dearest():
    plan_ = view(make_result()).plan
    assert plan_["number"].tolist() == [1, 2]
    assert plan_["measure"].tolist() == ["reconductor", "regulator"]


def test_every_measure_of_the_catalogue_has_a_name_and_a_look():
    equipment = pytest.importorskip("gridstudio.domain.equipment")
    assert set(MEASURES) == set(equipment.MEASURE_UNITS)
    marks = [(family(m).colour, family(m).marker) for m in MEASURES]
    assert len({marker for _, marker in marks}) == len({colour for colour, _ in marks})


def test_every_table_is_in_the_workbook(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    tables = make_result().tables
    assert book.sheetnames[:4] == ["Summary", "plan", "cost_by_measure", "steps"]
    assert set(book.sheetnames) == {"Summary", *tables}
    for name, table in tables.items():
        assert book[name].max_row == len(table) + 1, name


@pytest.mark.parametrize(
    "variation",
    [
        {"coordinates": False},
        {"without": ("network_buses", "network_branches")},
        {"without": ("steps", "voltages", "loadings")},
        {"without": ("violations_summary", "violations_before", "violations_after", "remaining")},
        {"empty": ("steps", "plan", "cost_by_measure"), "left": (3, 4)},
        {"empty": ("voltages", "loadings", "scenarios", "catalogue", "assumptions", "findings", "timing")},
        {"settings": {}, "headline": {}},
    ],
    ids=str,
)
def test_report_does_without(tmp_path, variation, read_page):
    render(make_result(**variation), tmp_path)
    assert "nan" not in read_page(tmp_path).words.lower().split()
    assert openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames[0] == "Summary"


def test_many_measures_fit_on_the_figures(tmp_path, read_page):
    result = make_result()
    many = pd.concat([plan()] * 40, ignore_index=True).assign(element=[f"line.x{k}" for k in range(80)])
    more = pd.concat([steps()] * 60, ignore_index=True)
    result.tables.update(plan=many, steps=more.assign(step=range(1, len(more) + 1)))
    render(result, tmp_path)
    for path in (tmp_path / "figures").iterdir():
        assert int.from_bytes(path.read_bytes()[20:24], "big") <= 1900, path
    assert "80 measures for" in read_page(tmp_path).words


def test_hostile_text_stays_text(tmp_path, read_page):
    result = make_result(title=HOSTILE, left=(1, 0))
    for name in ("plan", "steps", "remaining"):
        result.tables[name] = result.tables[name].assign(element=HOSTILE)
    result.tables["plan"] = result.tables["plan"].assign(measure=HOSTILE)
    render(result, tmp_path)
    page = read_page(tmp_path).html
    assert "<script>alert" not in page
    assert "<img src=http" not in page


def test_same_result_gives_the_same_bytes(rendered, tmp_path):
    render(make_result(), tmp_path)
    for path in sorted(rendered.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(rendered)).read_bytes(), path


def test_verdict_names_each_kind_once():
    told = " ".join(verdict(view(make_result())))
    assert told.count("overload") == 1
    assert told.count("undervoltage") == 1


def test_parts_of_a_limit_are_told_in_per_cent():
    result = make_result()
    table = result.tables["violations_summary"]
    result.tables["violations_summary"] = table.assign(unit=["pu of limit", "pu"])
    assert "3 overloads at 2 elements (worst 136.0\u202f% of the limit)" in verdict(view(result))[0]


def test_a_step_of_many_measures_names_the_first_of_them():
    """The tables name all; on the page a step of a large circuit, of sixty measures, must stay a row."""
    steps = pd.DataFrame({"element": ["line.a, line.b, line.c, line.d, line.e", "line.f"], "what": ["x; y", "z"]})
    shown = sections._short(steps)
    assert list(shown["element"]) == ["line.a, line.b, line.c and 2 more", "line.f"]
    assert list(shown["what"]) == ["x; y", "z"]
