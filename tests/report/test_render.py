"""The whole report of a small study: figures, page, workbook."""

import hashlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import openpyxl
import pandas as pd
import pytest

from gridstudio.errors import InputError
from gridstudio.report import render
from gridstudio.result import Quantity

FIGURES = (
    "comparison", "cost_histogram", "decisions", "loading_before_after", "network_by_year_scenario_high",
    "network_by_year_scenario_low", "plan_map", "robust_plans", "spending_by_year", "voltage_profile",
)  # fmt: skip
HOSTILE = "</script><script>alert('x')</script>&\"<img src=http://evil.example/x.png>$a_b$ \u4e2d\n"


@pytest.fixture(scope="module")
def rendered(make_result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    render(make_result(), folder)
    return folder


def png_size(path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def test_every_figure_is_a_png_of_a_sane_size(rendered):
    assert tuple(sorted(path.stem for path in (rendered / "figures").iterdir())) == FIGURES
    for path in (rendered / "figures").iterdir():
        width, height = png_size(path)
        assert 1500 <= width <= 1700, path
        assert 250 <= height <= 1800, path
        assert path.stat().st_size > 4_000, path
    assert png_size(rendered / "figures" / "plan_map.png")[0] == 1600


def test_page_loads_nothing_from_elsewhere(rendered, read_page):
    page = read_page(rendered).html
    assert len(page) < 2_000_000
    assert (rendered / "report.html").stat().st_size < 8_000_000
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert not re.search(r"@import|url\(|<link|<iframe|fetch\(|XMLHttpRequest", page)
    assert 'showSendToCloud: false, plotlyServerURL: ""' in page


def test_page_tells_headline_verdict_plan_and_what_remains(rendered, read_page):
    page = read_page(rendered).html
    for text in (
        "USD\u00a053\u202f500", "Expected investment", "2 of 3",
        "in every one of 3 load scenarios: 3 violations (overloads) over 3 years",
        "with 90 % probability it lies between USD 20\u202f000 and 98\u202f000",
        "the regulator&#x27;s band; no conductor cures it", "1.0512 pu (limit 1.05)",
        "To commit to now, by expected cost", "Year 3: 2 sections", "peaks at 150 A, limit 160 A",
        "All loads grow by 5 % per year.", "Line l9 has no rating of its own.",
    ):  # fmt: skip
        assert text in page, text
    order = [page.index(f'<section id="{name}">') for name in ("plan", "map", "evidence", "comparison", "assumptions")]
    assert order == sorted(order)


def test_clean_result_says_that_no_limit_is_broken(make_result, tmp_path, read_page):
    result = make_result(empty=("violations_after",), violations_left=0)
    result.headline["violations_after"] = Quantity("Violations after", 0)
    render(result, tmp_path)
    page = read_page(tmp_path).html
    assert "After the plans no limit is broken in any scenario and year" in page
    assert 'class="note warn"' not in page


def test_hostile_text_stays_text(make_result, tmp_path, read_page):
    result = make_result(title=HOSTILE, provenance={HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]})
    result.settings["report"]["published_name"] = HOSTILE
    result.headline["agreement"] = Quantity(HOSTILE, HOSTILE, HOSTILE)
    result.tables["assumptions"] = pd.DataFrame({"topic": [HOSTILE], "text": [HOSTILE]})
    for name, columns in (
        ("network_branches", ["name"]), ("interventions", ["line"]), ("decisions", ["line", "class"]),
        ("robust_interventions", ["line"]), ("loadings", ["line"]), ("violations_after", ["cause", "element"]),
    ):  # fmt: skip
        table = result.tables[name]
        result.tables[name] = table.assign(**{c: table[c].replace("l1", HOSTILE) for c in columns})
    result.tables["violations_after"] = result.tables["violations_after"].assign(cause=HOSTILE)
    render(result, tmp_path)
    page = read_page(tmp_path).html
    assert "<script>alert" not in page
    assert "<img src=http" not in page
    assert page.count("<script") == 2
    assert HOSTILE in read_page(tmp_path).data["map"]["branch"]["name"]
    assert openpyxl.load_workbook(tmp_path / "results.xlsx")["Summary"]["A1"].value == HOSTILE.replace("\r", "")


@pytest.mark.parametrize(
    "variation",
    [
        {"coordinates": False},
        {"empty": ("interventions", "decisions", "robust_interventions", "totals")},
        {"empty": ("interventions", "decisions", "robust", "robust_interventions", "loadings", "scenarios")},
        {"empty": ("violations_before", "violations_after", "voltages", "comparison", "assumptions", "catalogue")},
        {"scenarios": ("high",)},
        {"scenarios": ("mean",)},
        {"without": ("comparison", "comparison_totals")},
        {"without": ("robust", "robust_interventions", "loadings", "voltages", "violations_after")},
        {"without": ("findings", "timing", "assumptions", "decisions", "catalogue")},
        {"without": ("network_buses", "network_branches")},
        {"settings": {}},
        {"headline": {}},
    ],
    ids=str,
)
def test_report_does_without(make_result, tmp_path, variation, read_page):
    render(make_result(**variation), tmp_path)
    page = read_page(tmp_path).html
    assert "nan" not in re.sub(r"<[^>]*>", " ", page.split("<script")[0]).split()
    assert read_page(tmp_path).data is not None
    assert openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames[0] == "Summary"


def test_same_result_gives_the_same_bytes_even_from_threads(make_result, tmp_path):
    def hashes(name: str) -> dict[str, str]:
        folder = tmp_path / name
        folder.mkdir()
        render(make_result(), folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(hashes, ("a", "b"))
    assert first == second == hashes("c")


def test_map_data_follow_the_tables(rendered, read_page):
    found = read_page(rendered).data["map"]
    plan = found["plans"][found["start"]]
    assert plan["name"] == "high"  # the costliest of the reported scenarios is shown first
    name, conductor = found["branch"]["name"], found["conductors"]
    assert conductor == ["tiny", "small", "middle", "large"]  # the catalogue's order
    assert [(name[b], year, conductor[c], cost) for year, b, c, cost in plan["changes"]] == [
        ("l1", 1, "large", 36000.0), ("l2", 1, "middle", 20000.0),
        ("l2", 3, "large", 36000.0), ("l4", 3, "small", 6000.0),
    ]  # fmt: skip
    l1 = next(row for row in plan["loading"]["3"] if name[row[0]] == "l1")
    assert l1[1:] == [270.0, 1.35, 270.0, 0.5]
    assert [p["name"] for p in found["plans"]] == ["low", "high", "commit:expected cost", "commit:CVaR"]


def test_unknown_job_gets_a_plain_report(make_result, tmp_path, read_page):
    render(make_result(job="something_else"), tmp_path)
    page = read_page(tmp_path).html
    assert "USD\u00a053\u202f500" in page
    assert "network_branches (13 rows)" in page
    assert len(page) < 200_000
    assert openpyxl.load_workbook(tmp_path / "results.xlsx")["scenarios"].max_row == 4


def test_a_disk_that_refuses_is_told_in_a_sentence(make_result, tmp_path):
    (tmp_path / "figures").write_text("a file in the way")
    with pytest.raises(InputError, match="Cannot write results"):
        render(make_result(), tmp_path)


def test_importing_the_package_loads_no_drawing_library():
    code = "import sys, gridstudio.report; print([m for m in ('matplotlib', 'plotly', 'openpyxl') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
