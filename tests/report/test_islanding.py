"""The report of an islanding study: a small result made by hand, two zones of a feeder with six buses."""

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.app.console import Display
from gridstudio.report import render
from gridstudio.report.islanding.view import MOST_STARTS, binding, view
from gridstudio.result import Quantity, StudyResult

HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
BUSES = [
    ("1", 0, 0, ""),
    ("2", 1, 0, ""),
    ("3", 2, 0, "west"),
    ("4", 3, 0, "west"),
    ("5", 2, 1, "east"),
    ("6", 3, 1, "east"),
]
BRANCHES = [
    ("l1", "1", "2", False, ""), ("cut_w", "2", "3", True, ""), ("l2", "3", "4", False, "west"),
    ("cut_e", "2", "5", True, ""), ("l3", "5", "6", False, "east"),
]  # fmt: skip
HOURS = 6


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def trace_of(zone, start):
    """Three hours served (the last of them in part), then dark; the second hour charges from PV."""
    load = [100.0, 60.0, 100.0, 100.0, 80.0, 80.0]
    served = [100.0, 60.0, 70.0, 0.0, 0.0, 0.0]
    pv = [40.0, 90.0, 0.0, 0.0, 0.0, 0.0]
    soc = [240.0, 268.0, 200.0, 200.0, 200.0, 200.0]
    rows = []
    for step in range(HOURS):
        dark = served[step] == 0
        storage = 0.0 if dark else served[step] - pv[step]
        voltage = np.nan if dark else 0.99
        rows.append(
            (zone, start, step, (start + step) % 24, load[step], served[step], load[step] - served[step], pv[step],
             0.0, storage, soc[step], 0.0, voltage, True, True, 0, "energy" if step > 1 else "")
        )  # fmt: skip
    return rows


def make_result(starts=(14, 20), named=(14, 20), without=(), empty=(), coordinates=True, **changed):
    """A result and variations of it."""
    zones = ("west", "east")
    buses = frame("bus x y zone", BUSES).assign(base_kv=2.4, distance_km=[0.0, 0.4, 0.8, 1.2, 0.8, 1.2])
    if not coordinates:
        buses = buses.assign(x=np.nan, y=np.nan)
    branches = [(f"line.{n}", "line", n, a, b, 3, 400.0, s, True, "", 300.0, zone) for n, a, b, s, zone in BRANCHES]
    about = [
        ("west", "vsource.w", "3", 2, 2, 12.0, 100.0, 100.0, 90.0, 300.0, 120.0, 150.0, 40.0, "cut_w"),
        ("east", "vsource.e", "5", 2, 2, 8.0, 100.0, 100.0, 90.0, 300.0, 120.0, 150.0, 40.0, "line.cut_e"),
    ]
    begun = [
        (
            zone,
            start,
            start in named,
            zone == "west",
            1.0,
            2.0,
            3.0,
            12.0,
            12.0,
            520.0,
            230.0,
            290.0,
            "energy storage_kw",
        )
        for zone in zones
        for start in starts
    ]
    shed = [
        (zone, start, step, (start + step) % 24, f"{zone}_b", "residential", 3, 4.0, 30.0)
        for zone in zones
        for start in starts
        for step in (2, 3, 4, 5)
    ]
    tables = {
        "zones": frame(
            "zone source source_bus buses loads customers load_kw peak_kw pv_kw storage_kwh storage_kw inverter_kva "
            "phase_current_max_a boundary", about,
        ),
        "by_start": frame(
            "zone start_hour named can_island served_share hours_all_load hours_with_shedding customers_served "
            "customers energy_demand_kwh energy_served_kwh energy_not_served_kwh limit_binding", begun,
        ),
        "trace": frame(
            "zone start_hour step hour load_kw served_kw shed_kw pv_kw pv_curtailed_kw storage_kw soc_kwh losses_kw "
            "v_min_pu converged proven violations limits_broken",
            [row for zone in zones for start in starts for row in trace_of(zone, start)],
        ),
        "shed": frame("zone start_hour step hour load class priority customers kw", shed),
        "customers": frame(
            "load zone bus customers class priority kw", [("west_b", "west", "4", 4.0, "residential", 3, 30.0)]
        ),
        "network_buses": buses,
        "network_branches": frame(
            "element kind name bus1 bus2 phases length_m is_switch closed conductor ampacity_a zone", branches
        ),
        "assumptions": frame("topic text", [("Storage", "It stays above its reserve.")]),
        "findings": frame("severity text", [("warning", "Load west_b has no class.")]),
        "timing": frame("phase seconds power_flows not_converged", [("islands", 0.4, 24, 0)]),
    }  # fmt: skip
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="islanding",
        title="Two zones",
        settings={"zones": [{"name": zone, "reserve_soc": 0.2, "initial_soc": 1.0} for zone in zones]},
        headline={"zones": Quantity("Zones", 2)},
        tables=tables,
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 24},
    )
    return replace(result, **changed)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("islanding")
    render(make_result(starts=(8, 14, 20)), folder)
    return folder


def test_every_figure_is_drawn(rendered):
    assert {path.stem for path in (rendered / "figures").iterdir()} == {
        "zones",
        "islands_14",
        "islands_20",
        "durations",
    }
    for path in (rendered / "figures").iterdir():
        head = path.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(head[16:20], "big") == 1680


def test_first_screen_tells_question_and_answer_by_start_hour(rendered, read_page):
    text = read_page(rendered).words
    for told in (
        "Asked: which of 2 zones can live on their own sources",
        "From 14:00: 1 of 2 can: west 2.0 h with all load and 3.0 h with shedding (energy stored, storage power).",
        "From 20:00: 1 of 2 can:",
        "Every hour that is served was solved by power flow and breaks no limit.",
        "Every selection of loads is the proven optimum of its hour (no energy is saved for later hours).",
    ):
        assert told in text, told
    assert "From 8:00" not in text.split("Who is shed")[0]  # named hours only


def test_who_is_shed_is_told_by_load_and_hour(rendered, read_page):
    row = re.search(r"west_b residential 3 4 4 120\.0 (\S+)", read_page(rendered).words)  # 4 h of 30 kW
    assert row is not None
    assert row[1] == "16\u201319"


def test_every_table_is_in_the_workbook_and_every_column_of_it(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    tables = make_result(starts=(8, 14, 20)).tables
    assert book.sheetnames[:4] == ["Summary", "by_start", "zones", "trace"]
    assert set(book.sheetnames) == {"Summary", *tables}
    for name, table in tables.items():
        assert book[name].max_row == len(table) + 1, name
        assert book[name].max_column == len(table.columns), name


def test_every_table_of_words_and_figures_is_on_the_page(rendered, read_page):
    text = read_page(rendered).words
    for told in (
        "storage [kWh]", "vsource.w", "line.cut_e", "energy not served [kWh]", "All 6 islands", "SOC [kWh]",
        "It stays above its reserve.", "Load west_b has no class.", "Loads of the zones (1)", "The hours as a table",
    ):  # fmt: skip
        assert told in text, told


def test_limits_are_told_in_words():
    assert binding("storage_kw energy") == "storage power, energy stored"
    assert binding("") == ""
    assert binding(None) == ""


def test_reserve_and_start_are_shares_of_the_storage():
    study = view(make_result())
    assert study.reserve_kwh == {"west": pytest.approx(60), "east": pytest.approx(60)}
    assert study.initial_kwh == {"west": 300.0, "east": 300.0}


def test_a_broken_limit_is_a_warning(tmp_path, read_page):
    result = make_result()
    result.tables["trace"] = result.tables["trace"].assign(violations=1)
    render(result, tmp_path)
    assert "24 limits are broken and 0 power flows did not converge" in read_page(tmp_path).words
    assert 'class="note warn"' in read_page(tmp_path).html


def test_a_selection_that_is_not_proven_is_told(tmp_path, read_page):
    result = make_result()
    trace = result.tables["trace"]
    result.tables["trace"] = trace.assign(proven=[False, *trace["proven"][1:]])
    render(result, tmp_path)
    assert "Hours whose selection of loads is not proven best: 1." in read_page(tmp_path).words


@pytest.mark.parametrize(
    "variation",
    [
        {"empty": ("shed",)},
        {"empty": ("trace", "shed", "customers", "assumptions", "findings", "timing")},
        {"empty": ("zones", "by_start", "trace", "shed", "customers")},
        {"without": ("network_buses", "network_branches")},
        {"without": ("shed", "customers", "findings", "timing", "assumptions")},
        {"named": ()},
        {"coordinates": False},
        {"settings": {}},
        {"headline": {}},
    ],
    ids=str,
)
def test_report_does_without(tmp_path, variation, read_page):
    render(make_result(**variation), tmp_path)
    assert "nan" not in read_page(tmp_path).words.lower().split()
    assert openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames[0] == "Summary"


def test_the_whole_day_has_figures_of_a_few_start_hours(tmp_path, read_page):
    render(make_result(starts=tuple(range(24)), named=tuple(range(24))), tmp_path)
    assert len(list((tmp_path / "figures").glob("islands_*.png"))) == MOST_STARTS
    assert "20 more start hours are in the table below" in read_page(tmp_path).words


def test_hostile_text_stays_text(tmp_path, read_page):
    result = make_result(title=HOSTILE)
    for name, table in list(result.tables.items()):
        if "zone" in table:
            result.tables[name] = table.assign(zone=table["zone"].replace("west", HOSTILE))
    render(result, tmp_path)
    page = read_page(tmp_path).html
    assert "<script>alert" not in page
    assert "<img src=http" not in page
    assert page.count("<script") == 2


def test_same_result_gives_the_same_bytes(rendered, tmp_path):
    render(make_result(starts=(8, 14, 20)), tmp_path)
    for path in sorted(rendered.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(rendered)).read_bytes(), path


def test_terminal_shows_the_named_start_hours(capsys, tmp_path):
    Display().result(make_result(starts=(8, 14), named=(14,)), tmp_path, {"start": 1.0}, 2.0)
    told = re.sub(r" +", " ", capsys.readouterr().out)
    assert "14 west yes 2.0 3.0 12 12" in told
    assert "14 east no 2.0 3.0 12 12" in told
    assert "8 west" not in told
