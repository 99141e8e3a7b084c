"""The report of a hosting study: a small result made by hand, four buses, two devices."""

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridstudio.report import points, render
from gridstudio.report.hosting.view import LIMITS, view
from gridstudio.report.hosting.words import asked, verdict, warnings
from gridstudio.result import Quantity, StudyResult

HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$"
BUSES = [("1", 0, 0), ("2", 1, 0), ("3", 2, 0), ("4", 3, 0)]
BINDING = "limit element hour value allowed unit"
NOTHING = ("none", "", "", np.nan, np.nan, "")


def frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def nodal(free=False):
    over = ("overvoltage", "4.1", "noon", 1.051, 1.05, "pu")
    line = ("line_loading", "line.l1", "noon", 1.01, 1.0, "pu")
    rows = [
        ("pv", "1", "1.2.3", 2.4, 0.0, 1000.0, np.nan, *NOTHING),
        ("pv", "2", "1.2.3", 2.4, 0.4, 800.0, 810.0, *line),
        ("pv", "3", "1.2.3", 2.4, 0.8, 400.0, 410.0, *over),
        ("pv", "4", "1", 2.4, 1.2, 150.0, 160.0, *over),
        ("load", "4", "1", 2.4, 1.2, 0.0, 10.0, *line),
    ]
    if free:
        rows = [(*row[:5], 1000.0, np.nan, *NOTHING) for row in rows]
    return frame(f"device bus nodes base_kv distance_km hosting_kw refused_kw {BINDING}", rows)


def stochastic(never=False):
    shares = [(20, 0, 0), (40, 0, 0), (60, 50, 50), (80, 75, 75), (100, 75, 100)]
    curve = [
        ("pv", float(p), 10.0 * p, 0.0 if never else float(here), 0.0 if never else float(sofar), 0.0,
         0.0 if never else float(here), 0.0)
        for p, here, sofar in shares
    ]  # fmt: skip
    line = ("line_loading", "line.l1", "noon", 1.01, 1.0, "pu")
    deployments = [("pv", k, p, 10 * p, 10 * p - 200, *line) for k, p in enumerate((60.0, 60.0, 80.0, 100.0))]
    if never:
        deployments = [("pv", k, np.nan, np.nan, 1000.0, *NOTHING) for k in range(4)]
    first = {0: 60.0, 5: 60.0, 25: 60.0, 50: 60.0, 75: 80.0, 95: 80.0, 100: 100.0}
    percentiles = [("pv", k, np.inf if never else p, np.inf if never else 10 * p) for k, p in first.items()]
    return {
        "curve": frame(
            "device penetration_pct kw_mean violating_pct violated_pct overvoltage_pct line_loading_pct deviation_pct",
            curve,
        ),
        "deployments": frame(f"device deployment first_pct first_kw fits_kw {BINDING}", deployments),
        "percentiles": frame("device percentile first_pct first_kw", percentiles),
    }


def make_result(free=False, never=False, base=0, failed=0, without=(), empty=(), coordinates=True, **changed):
    """A result and variations of it."""
    buses = frame("bus x y", BUSES).assign(base_kv=2.4, distance_km=[0.0, 0.4, 0.8, 1.2])
    if not coordinates:
        buses = buses.assign(x=np.nan, y=np.nan)
    lines = [(f"line.l{k}", "line", f"l{k}", str(k), str(k + 1), 3, 400.0, False, True, "", 200.0) for k in (1, 2, 3)]
    places = nodal(free)
    limits = places.groupby(["device", "limit"], sort=False)["hosting_kw"]
    hour = "hour load_scale generation_scale pv ev load source_kw losses_kw v_min_pu v_max_pu loading_max_pu violations"
    tables = {
        "nodal": places,
        "nodal_limits": limits.agg(places="size", least_kw="min", median_kw="median").reset_index(),
        **stochastic(never),
        "hours": frame(hour, [("noon", 0.3, 1.0, 1.0, 0.1, 0.3, 100.0, 1.0, 0.99, 1.02, 0.4, base)]),
        "network_buses": buses,
        "network_branches": frame(
            "element kind name bus1 bus2 phases length_m is_switch closed conductor ampacity_a", lines
        ),
        "assumptions": frame("topic text", [("Device", "Constant power.")]),
        "findings": frame("severity text", [("warning", "Line l2 has no rating.")]),
        "timing": frame("phase seconds power_flows not_converged", [("nodal", 1.0, 72, failed)]),
    }
    tables = {n: t.iloc[:0] if n in empty else t for n, t in tables.items() if n not in without}
    result = StudyResult(
        job="hosting",
        title="Four buses",
        settings={"nodal": {"max_kw": 1000.0}},
        headline={"pv_limit": Quantity("What binds PV most often", "line_loading: 1 of 4")},
        tables=tables,
        provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 72},
    )
    return replace(result, **changed)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosting")
    render(make_result(), folder)
    return folder


def test_every_figure_is_drawn(rendered):
    found = {path.stem for path in (rendered / "figures").iterdir()}
    assert found == {"map", "binding", "capacities", "penetration"}
    for path in (rendered / "figures").iterdir():
        width, height = (int.from_bytes(path.read_bytes()[a : a + 4], "big") for a in (16, 20))
        assert width == 1680, path
        assert 250 <= height <= 1900, path


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", read_page(rendered).html)


def test_first_screen_tells_how_much_fits_and_what_binds(rendered, read_page):
    text = read_page(rendered).words
    for told in (
        "how much PV or new load a single bus takes, and how many customers may have PV before a limit is broken",
        "the weakest of 4 places is bus 4 with 150 kW, bound by overvoltage at 4.1 (noon)",
        "half of them take 600 kW or more",  # the median of 150, 400, 800 and 1000
        "Most often binding: overvoltage (2 of 4); 1 takes the largest size asked.",
        "up to 40 % of customers (400 kW) every one of 4 deployments stays within the limits",
        "half of them break one by 60 %",
        "What breaks first: line loading (4 of 4), most often at line.l1.",
        "capacities of two buses cannot be added",
    ):
        assert told in text, told


def test_no_limit_is_called_by_its_key(rendered, read_page):
    text = read_page(rendered).words
    assert "line loading: 1 of 4" in text  # the headline too
    assert "line_loading" not in text.split("Provenance Phase")[0].split("Versions, inputs")[0]


def test_devices_that_always_fit_say_so():
    told = verdict(view(make_result(free=True, never=True)))
    assert told[0] == "PV at one bus: every one of 4 places takes all that was asked, 1\u202f000 kW."
    assert told[-1] == "PV at customers: every one of 4 deployments stays within limits up to 100 % of customers."


def test_what_the_circuit_breaks_already_is_a_warning(tmp_path, read_page):
    render(make_result(base=3, failed=2), tmp_path)
    text = read_page(tmp_path).words
    assert "Without any device the circuit already breaks 3 limits" in text
    assert "2 power flows did not converge" in text
    assert 'class="note warn"' in read_page(tmp_path).html
    assert warnings(view(make_result())) == []


def test_violation_at_the_first_penetration_is_told():
    result = make_result()
    result.tables["curve"] = result.tables["curve"].assign(violated_pct=25.0)
    told = verdict(view(result))[-1]
    assert "already at 20 % of customers, the lowest share tried, a limit is broken by some" in told


def test_only_one_part_of_the_study_asks_only_that():
    without = ("curve", "deployments", "percentiles")
    assert asked(view(make_result(without=without))) == (
        "Asked: how much PV or new load a single bus takes before a limit is broken."
    )
    assert "customers may have PV" in asked(view(make_result(without=("nodal", "nodal_limits"))))


def test_every_table_is_in_the_workbook(rendered):
    book = openpyxl.load_workbook(rendered / "results.xlsx")
    assert book.sheetnames[:3] == ["Summary", "nodal", "nodal_limits"]
    assert set(book.sheetnames) == {"Summary", *make_result().tables}


def test_limits_differ_in_colour_and_in_mark():
    assert len({look.colour for look in LIMITS.values()}) == len(LIMITS)
    assert len({look.marker for look in LIMITS.values()}) == len(LIMITS)


@pytest.mark.parametrize(
    "variation",
    [
        {"coordinates": False},
        {"without": ("nodal", "nodal_limits")},
        {"without": ("curve", "deployments", "percentiles", "network_buses", "network_branches")},
        {"empty": ("nodal", "nodal_limits", "curve", "deployments", "percentiles", "hours")},
        {"free": True, "never": True},
        {"settings": {}, "headline": {}, "empty": ("assumptions", "findings", "timing")},
    ],
    ids=str,
)
def test_report_does_without(tmp_path, variation, read_page):
    render(make_result(**variation), tmp_path)
    assert "nan" not in read_page(tmp_path).words.lower().split()
    assert "inf" not in read_page(tmp_path).words.lower().split()


def test_hostile_text_stays_text(tmp_path, read_page):
    result = make_result(title=HOSTILE)
    for name, column in (("nodal", "element"), ("nodal", "bus"), ("hours", "hour"), ("deployments", "element")):
        result.tables[name] = result.tables[name].assign(**{column: HOSTILE})
    render(result, tmp_path)
    assert "<script>alert" not in read_page(tmp_path).html
    assert "<img src=http" not in read_page(tmp_path).html


def test_same_result_gives_the_same_bytes(rendered, tmp_path):
    render(make_result(), tmp_path)
    for path in sorted(rendered.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(rendered)).read_bytes(), path


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ([30.0, 90.0, 150.0, 700.0, 4000.0], [0, 50, 100, 200, 500, 1000, 2000]),
        ([2000.0, 2500.0, 3000.0], [0, 3000.0]),
        ([14.0], [14]),
        ([0.0, float("nan")], []),
    ],
)
def test_classes_have_round_bounds_that_part_the_values(values, bounds):
    found = points.round_classes(np.array(values), 7, lambda a, b: f"{a:g}", lambda n: ["#000000"] * n)
    if bounds == [0, 3000.0]:
        assert found[0].low == 0
        assert all(2000 < c.low <= 3000 for c in found[1:])
        assert len(found) > 1
    else:
        assert [c.low for c in found] == bounds
    positive = [v for v in values if v > 0]
    assert all(sum(c.low <= v < c.high for c in found) == 1 for v in positive)
