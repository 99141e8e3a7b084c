"""The report of an exceedance study: a small result made by hand, three days of a feeder with four buses."""

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.report import render
from gridstudio.report.exceedance.figures import _falling
from gridstudio.report.exceedance.view import view
from gridstudio.report.exceedance.words import _core_hours, answer, verdict, warnings
from gridstudio.result import Quantity, StudyResult

HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
BUSES = [("1", 0, 0), ("2", 1, 0), ("3", 2, 0), ("4", 3, 0)]
HOURS = 72
OVER = (18, 19, 42)  # hours with an overload
LOW = (42,)


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def hours(over=OVER, low=LOW, high=(), failed=()):
    rows = []
    for hour in range(HOURS):
        load = 100.0 + hour % 24
        values = (load, 30.0, load - 1, 1.0, 0.94 if hour in low else 0.98, 1.06 if hour in high else 1.02)
        counts = (1.2 if hour in over else 0.7, hour in over, hour in low, hour in high)
        time = f"2023-07-{1 + hour // 24:02d} {hour % 24:02d}:00"
        rows.append((hour, time, *values, *map(float, counts), hour % 24 == 6, 0, hour not in failed))
    names = (
        "hour time source_kw source_kvar served_kw losses_kw v_min_pu v_max_pu loading_max_pu branches_over buses_low "
        "buses_high tap_operations capacitor_operations converged"
    )
    return frame(names, rows)


def elements(over, low, high):
    branches = [
        ("line.l1", "line", "1", "2", 3, 200.0, 1.0, len(over), 1.5 * bool(over), 240.0, 1.2 if over else 0.9, 18,
         "2023-07-01 18:00", 0.7),
        ("transformer.t1", "transformer", "2", "3", 3, 100.0, 1.0, 0, 0.0, 80.0, 0.8, 18, "2023-07-01 18:00", 0.5),
        ("line.l2", "line", "3", "4", 1, np.nan, 1.0, 0, 0.0, 20.0, np.nan, 18, "2023-07-01 18:00", np.nan),
    ]  # fmt: skip
    buses = [
        (bus, 2.4, 0.4 * n, len(low) * (bus == "4"), len(high) * (bus == "1"), 0, 0.94 if low and bus == "4" else 0.98,
         42, "2023-07-02 18:00", 1.06 if high and bus == "1" else 1.02, 3, "2023-07-01 03:00")
        for n, (bus, *_) in enumerate(BUSES)
    ]  # fmt: skip
    return {
        "branches": frame(
            "element kind bus1 bus2 phases ampacity_a limit_pu hours_over energy_over_mwh current_max_a loading_max_pu "
            "worst_hour worst_time loading_mean_pu",
            branches,
        ),
        "buses": frame(
            "bus base_kv distance_km hours_low hours_high hours_dead v_min_pu v_min_hour v_min_time v_max_pu "
            "v_max_hour v_max_time",
            buses,
        ),
    }


def levels():
    rows = [("loading_pu", "line.l1", level, count) for level, count in ((0.6, 72), (0.8, 10), (1.0, 3), (1.2, 0))]
    rows += [("v_min_pu", "4", level, count) for level, count in ((0.94, 0), (0.95, 1), (0.97, 30), (0.98, 72))]
    rows += [("v_max_pu", "1", level, count) for level, count in ((1.0, 72), (1.01, 40), (1.02, 0))]
    return frame("quantity element level_pu hours", rows)


def make_result(over=OVER, low=LOW, high=(), failed=(), without=(), empty=(), coordinates=True, **changed):
    """A result and variations of it."""
    buses = frame("bus x y", BUSES).assign(base_kv=2.4, distance_km=[0.0, 0.4, 0.8, 1.2])
    if not coordinates:
        buses = buses.assign(x=np.nan, y=np.nan)
    branch = [
        ("line.l1", "line", "l1", "1", "2", 3, 400.0, False, True, "", 200.0),
        ("transformer.t1", "transformer", "t1", "2", "3", 3, np.nan, False, True, "", 100.0),
        ("line.l2", "line", "l2", "3", "4", 1, 400.0, False, True, "", np.nan),
    ]
    device = "device kind operations operations_per_day hours_with_operations position_min position_max position_mean"
    months = (
        "month hours peak_kw energy_mwh served_mwh losses_mwh hours_over hours_low hours_high tap_operations "
        "capacitor_operations"
    )
    moved = [("transformer.reg.2", "2023-07", 6), ("capacitor.c1", "2023-07", 0)]
    tables = {
        "hours": hours(over, low, high, failed),
        **elements(over, low, high),
        "devices": frame(device, [("transformer.reg.2", "regulator", 6, 2.0, 3, -1.0, 2.0, 0.5),
                                  ("capacitor.c1", "capacitor", 0, 0.0, 0, 1.0, 1.0, 1.0)]),
        "operations": frame("device month operations", moved),
        "months": frame(months, [("2023-07", 72, 123.0, 8.0, 7.9, 0.1, len(over), len(low), len(high), 3, 0)]),
        "duration": frame("share_pct source_kw", [(0.0, 123.0), (50.0, 111.0), (100.0, 100.0)]),
        "levels": levels(),
        "profiles": frame("name mean maximum minimum hour_of_maximum source", [("load", 0.6, 1.0, 0.2, 18, "assumed")]),
        "network_buses": buses,
        "network_branches": frame(
            "element kind name bus1 bus2 phases length_m is_switch closed conductor ampacity_a", branch
        ),
        "assumptions": frame("topic text", [("Limits", "As stated.")]),
        "findings": frame("severity text", [("warning", "Line l2 has no rating.")]),
        "timing": frame("phase seconds power_flows not_converged", [("hours", 1.0, 72, len(failed))]),
    }  # fmt: skip
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="exceedance",
        title="Three days",
        settings={"limits": {"v_min_pu": 0.95, "v_max_pu": 1.05, "loading_max_pu": 1.0}},
        headline={"hours": Quantity("Hours", HOURS)},
        tables=tables,
        violations_left=len({*over, *low, *high}),
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 72},
    )
    return replace(result, **changed)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exceedance")
    render(make_result(), folder)
    return folder


def test_every_figure_is_drawn(rendered):
    found = {path.stem for path in (rendered / "figures").iterdir()}
    assert found == {"calendar", "map", "elements", "durations", "operations"}
    for path in (rendered / "figures").iterdir():
        width, height = (int.from_bytes(path.read_bytes()[a : a + 4], "big") for a in (16, 20))
        assert width == 1680, path
        assert 200 <= height <= 1900, path


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", read_page(rendered).html)


def test_first_screen_tells_hours_elements_and_controls(rendered, read_page):
    text = read_page(rendered).words
    for told in (
        "Limits are broken in 3 of 72 hours (4.2 %).",  # hours 18, 19 and 42, the last of them twice
        "1 branch above the limit in 3 hours; most often line.l1 with 3 hours, up to 120.0 % of its rating",
        "1.5 MWh above the limits",
        "below 0.95 pu at 1 bus in 1 hour, lowest 0.9400 pu at bus 4",
        "nine in ten of these hours start between 18:00 and 19:59",
        "6 operations of 2 devices; most by transformer.reg.2, 6 (2.0 a day)",
        "Losses: 0.1 of 8.0 MWh",  # 72 h x 1 kW of 24 x 3 x 111.5 kWh
        "The profiles are assumed",
    ):
        assert told in text, told


def test_no_violation_says_so(tmp_path, read_page):
    render(make_result(over=(), low=()), tmp_path)
    text = read_page(tmp_path).words
    assert "No limit is broken in any of 72 hours." in text
    assert "no branch is ever above its limit; the highest is line.l1 with 90.0 %" in text
    assert "within the limits at every bus, from 0.9800 to 1.0200 pu" in text
    assert "elements" not in {path.stem for path in (tmp_path / "figures").iterdir()}


def test_all_hours_over_says_so(tmp_path, read_page):
    every = tuple(range(HOURS))
    render(make_result(over=every, low=every, high=every), tmp_path)
    assert "Limits are broken in every one of 72 hours." in read_page(tmp_path).words
    assert "When:" not in read_page(tmp_path).words


def test_hours_that_did_not_converge_are_a_warning(tmp_path, read_page):
    render(make_result(failed=(3, 4)), tmp_path)
    assert "2 hours of 72 did not converge" in read_page(tmp_path).words
    assert 'class="note warn"' in read_page(tmp_path).html


def test_hours_that_did_not_converge_come_first():
    clean = answer(view(make_result(failed=(3, 4), over=(), low=())))
    assert clean == (
        "NOT CONVERGED: 2 of 72 hours; nothing is known of them. No limit is broken in any of 70 other hours."
    )
    assert answer(view(make_result(failed=(3,)))).startswith("NOT CONVERGED: 1 of 72 hours; nothing is known of it.")
    assert "CONVERGED" not in answer(view(make_result()))


def test_hours_without_voltage_count_as_broken():
    result = make_result(over=(), low=())
    hours = result.tables["hours"].assign(buses_dead=[1.0] * 2 + [0.0] * (HOURS - 2))
    told = answer(view(replace(result, tables={**result.tables, "hours": hours})))
    assert told.startswith("Limits are broken or buses are without voltage in 2 of 72 hours")


def test_nothing_solved_draws_no_conclusion():
    study = view(make_result(failed=tuple(range(HOURS)), over=(), low=()))
    assert answer(study) == "No hour could be solved: nothing can be told of limits."
    assert verdict(study) == []
    assert len(warnings(study)) == 2


def test_core_hours_go_over_midnight():
    assert _core_hours(pd.Series([23, 23, 0, 0, 1])) == (23, 1)
    assert _core_hours(pd.Series([5])) == (5, 5)


def test_duration_curve_falls_from_the_extreme_and_stops_where_all_hours_are_counted():
    rows = levels()
    hours_, level = _falling(rows[rows["quantity"] == "loading_pu"], 1.19)
    assert hours_.tolist() == [0.9, 3, 10, 72]
    assert level.tolist() == [1.19, 1.0, 0.8, 0.6]
    hours_, level = _falling(rows[rows["quantity"] == "v_min_pu"], 0.945)
    assert hours_.tolist() == [0.9, 1, 30, 72]
    assert level.tolist() == [0.945, 0.95, 0.97, 0.98]


def test_every_table_is_in_the_workbook(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    tables = make_result().tables
    assert book.sheetnames[:3] == ["Summary", "months", "branches"]
    assert set(book.sheetnames) == {"Summary", *tables}


@pytest.mark.parametrize(
    "variation",
    [
        {"coordinates": False},
        {"without": ("network_buses", "network_branches", "levels", "operations")},
        {"empty": ("hours", "branches", "buses")},
        {"empty": ("devices", "operations", "months", "profiles", "findings", "assumptions", "timing", "levels")},
        {"settings": {}, "headline": {}},
        {"failed": tuple(range(HOURS)), "over": (), "low": ()},
    ],
    ids=str,
)
def test_report_does_without(tmp_path, variation, read_page):
    render(make_result(**variation), tmp_path)
    assert "nan" not in read_page(tmp_path).words.lower().split()


def test_hostile_text_stays_text(tmp_path, read_page):
    result = make_result(title=HOSTILE)
    for name, column in (("branches", "element"), ("buses", "bus"), ("devices", "device")):
        result.tables[name] = result.tables[name].assign(**{column: HOSTILE})
    render(result, tmp_path)
    assert "<script>alert" not in read_page(tmp_path).html
    assert "<img src=http" not in read_page(tmp_path).html


def test_same_result_gives_the_same_bytes(rendered, tmp_path):
    render(make_result(), tmp_path)
    for path in sorted(rendered.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(rendered)).read_bytes(), path
