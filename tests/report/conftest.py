"""A small reconductoring result made by hand: twelve buses, three scenarios, three years."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridstudio.result import Quantity, StudyResult

# bus, x, y, distance [km]; bus 12 has no coordinates of its own
BUSES = [
    ("1", 0, 0, 0.0), ("2", 1, 0, 0.4), ("3", 2, 0, 0.8), ("4", 3, 0, 1.2), ("5", 1, 1, 0.7), ("6", 2, 1, 1.1),
    ("7", 3, 1, 1.5), ("8", 4, 0, 1.6), ("9", 4, 1, 1.9), ("10", 2, -1, 1.2), ("11", 3, -1, 1.6),
    ("12", None, None, 1.7),
]  # fmt: skip
LINES = [
    ("l1", "1", "2", 400.0, "small"), ("l2", "2", "3", 400.0, "small"), ("l3", "3", "4", 400.0, "small"),
    ("l4", "2", "5", 300.0, "tiny"), ("l5", "3", "6", 300.0, "tiny"), ("l6", "6", "7", 400.0, "tiny"),
    ("l7", "4", "8", 400.0, "small"), ("l8", "8", "9", 300.0, "tiny"), ("l9", "3", "10", 400.0, "tiny"),
    ("l10", "10", "11", 400.0, "tiny"),
]  # fmt: skip
AMPACITY_A = {"tiny": 100.0, "small": 200.0, "middle": 400.0, "large": 800.0}
COST_USD_PER_KM = {"tiny": 1e4, "small": 2e4, "middle": 5e4, "large": 9e4}
# scenario -> (line, year, to); l2 is replaced twice where the load is high
PLANS = {
    "low": [("l1", 1, "middle")],
    "mean": [("l1", 1, "middle"), ("l2", 2, "middle")],
    "high": [("l1", 1, "large"), ("l2", 1, "middle"), ("l2", 3, "large"), ("l4", 3, "small")],
}
PROBABILITY = {"low": 0.25, "mean": 0.5, "high": 0.25}


@pytest.fixture(scope="session")
def make_result() -> Callable[..., StudyResult]:
    """``make_result(coordinates=True, without=(...), empty=(...), scenarios=(...))``: a result and variations of it."""

    def make(
        coordinates: bool = True,
        without: tuple[str, ...] = (),
        empty: tuple[str, ...] = (),
        scenarios: tuple[str, ...] = tuple(PLANS),
        **changed: Any,
    ) -> StudyResult:
        tables = {**_network(coordinates), **_plans(scenarios), **_evidence(scenarios)}
        for name in without:
            del tables[name]
        for name in empty:
            tables[name] = tables[name].iloc[:0]
        result = StudyResult(
            job="reconductoring",
            title="Twelve buses",
            settings={
                "feeder": {"master": "twelve.dss"},
                "limits": {"v_min_pu": 0.95, "v_max_pu": 1.05, "loading_max_pu": 0.8},
                "horizon": {"years": 3, "discount_rate": 0.0},
                "report": {"scenarios": ["low", "high"], "published_name": "A paper"},
            },
            headline={
                "cost_expected_usd": Quantity("Expected investment", 53500.0, "USD"),
                "cost_low_usd": Quantity("Investment, 5 % quantile", 20000.0, "USD"),
                "cost_high_usd": Quantity("Investment, 95 % quantile", 98000.0, "USD"),
                "violations_before": Quantity("Violations before", 3),
                "violations_after": Quantity("Violations after", 1),
                "agreement": Quantity("As published", "2 of 3"),
            },
            tables=tables,
            violations_left=1,
            provenance={"versions": {"gridstudio": "0.1.0"}, "power_flows": 18, "not_converged": []},
        )
        return replace(result, **changed)

    return make


def frame(columns: str, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """A table of rows; ``columns`` are words."""
    return pd.DataFrame(rows, columns=columns.split())


def _network(coordinates: bool) -> dict[str, pd.DataFrame]:
    buses = frame("bus x y distance_km", BUSES).assign(base_kv=2.4)
    if not coordinates:
        buses = buses.assign(x=float("nan"), y=float("nan"))
    rows = [
        (f"line.{n}", "line", n, a, b, 3, length, False, True, conductor, AMPACITY_A[conductor])
        for n, a, b, length, conductor in LINES
    ]
    rows += [
        ("line.sw1", "line", "sw1", "11", "12", 3, 0.3, True, True, "", 600.0),
        ("line.tie", "line", "tie", "7", "9", 3, 0.3, True, False, "", 600.0),
        ("transformer.reg", "transformer", "reg", "4", "8", 1, float("nan"), False, True, "", float("nan")),
    ]
    catalogue = [(c, AMPACITY_A[c], COST_USD_PER_KM[c], c != "tiny") for c in AMPACITY_A]
    branch = "element kind name bus1 bus2 phases length_m is_switch closed conductor ampacity_a"
    return {
        "network_buses": buses,
        "network_branches": frame(branch, rows),
        "catalogue": frame("conductor ampacity_a cost_usd_per_km selectable", catalogue),
    }


def _interventions(scenarios: tuple[str, ...]) -> pd.DataFrame:
    length = {name: length_m for name, _, _, length_m, _ in LINES}
    rows = []
    for scenario in scenarios:
        now = {name: conductor for name, *_, conductor in LINES}
        for line, year, to in PLANS[scenario]:
            cost = COST_USD_PER_KM[to] * length[line] / 1000
            rows.append((scenario, line, year, length[line], now[line], to, cost, cost))
            now[line] = to
    return frame("scenario line year length_m from to cost_usd present_value_usd", rows)


def _plans(scenarios: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    interventions = _interventions(scenarios)
    by_year = interventions.groupby(["scenario", "year"], sort=False)
    totals = by_year.agg(interventions=("line", "size"), length_m=("length_m", "sum"), cost_usd=("cost_usd", "sum"))
    total = interventions.groupby("scenario")[["length_m", "cost_usd", "present_value_usd"]].sum()
    share = sum(PROBABILITY[s] for s in scenarios)
    rows = [(s, 1.0, PROBABILITY[s] / share, len(PLANS[s]), *total.loc[s], 0.96) for s in scenarios]
    decisions = [
        ("l1", 400.0, "small", "conductor changed", 1.0, "1: 100 %", "middle: 75 %, large: 25 %", 24000.0),
        ("l2", 400.0, "small", "new", 0.75, "1: 25 %, 2: 50 %, 3: 25 %", "middle: 75 %, large: 25 %", 24000.0),
        ("l4", 300.0, "tiny", "new", 0.25, "3: 25 %", "small: 25 %", 1500.0),
    ]
    robust = frame(
        "measure cost_committed_usd cost_expected_usd cost_cvar_usd cost_max_usd "
        "regret_expected_usd regret_max_usd corrections_expected proven",
        [
            ("expected cost", 40000.0, 54000.0, 99000.0, 99000.0, 1000.0, 4000.0, 1.5, "optimal"),
            ("CVaR", 98000.0, 98000.0, 98000.0, 98000.0, 9000.0, 30000.0, 0.0, "gap 0.1 %"),
        ],
    )
    last = interventions[interventions["scenario"] == scenarios[-1]].drop(columns="scenario")
    scenario = "scenario level_s1 probability interventions length_m cost_usd present_value_usd v_min_after_pu"
    return {
        "interventions": interventions,
        "totals": totals.reset_index(),
        "scenarios": frame(scenario, rows),
        "decisions": frame("line length_m from class p_replaced years conductors expected_cost_usd", decisions),
        "robust": robust,
        "robust_interventions": pd.concat([last.assign(measure=measure) for measure in robust["measure"]]),
    }


def _evidence(scenarios: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    cases = [(scenario, year) for scenario in scenarios if scenario != "mean" for year in (1, 2, 3)]
    loadings = [
        (scenario, year, line, c, c, 90.0 * year, 90.0 * year / AMPACITY_A[c], 90.0 * year, 0.5)
        for scenario, year in cases
        for line, _, _, _, c in LINES
    ]
    voltages = [
        (scenario, year, bus, phase, km, 1.03 - 0.04 * km - 0.002 * phase, 1.03 - 0.02 * km)
        for scenario, year in cases
        for bus, _, _, km in BUSES
        for phase in (1, 2, 3)
    ]
    loading = "line conductor_before conductor current_before_a loading_before_pu current_after_a loading_after_pu"
    violation = "scenario year kind element phase value limit unit"
    before = [(s, 1, "overload", "line.l1", 1, 210.0, 160.0, "A") for s in scenarios]
    cause = "the regulator's band; no conductor cures it"
    last = scenarios[-1]
    compared = [
        (last, "l1", True, 1, "large", 36000, 1, "large", 36000.0, ""),
        (last, "l7", False, 2, "middle", 20000, pd.NA, None, float("nan"), "peaks at 150 A, limit 160 A"),
    ]
    comparison = "scenario line agrees year_published to_published cost_published_usd year to cost_usd remark"
    return {
        "loadings": frame(f"scenario year {loading}", loadings),
        "voltages": frame("scenario year bus phase distance_km v_before_pu v_after_pu", voltages),
        "violations_before": frame(violation, before),
        "violations_after": frame(f"{violation} cause", [(last, 3, "overvoltage", "9", 2, 1.0512, 1.05, "pu", cause)]),
        "comparison": frame(comparison, compared).astype({"year": "Int64"}),
        "comparison_totals": frame("scenario interventions_published interventions agreeing", [(last, 2, 4, 1)]),
        "assumptions": frame("topic text", [("Loads", "All loads grow by 5 % per year.")]),
        "findings": frame("severity text", [("warning", "Line l9 has no rating of its own.")]),
        "timing": frame("phase seconds power_flows", [("before", 0.1, 9), ("after", 0.2, 9)]),
    }


@dataclass(frozen=True)
class Page:
    """The page of a report, as its reader and its browser see it."""

    folder: Path

    @property
    def html(self) -> str:
        """Without plotly.js."""
        text = (self.folder / "report.html").read_text(encoding="utf-8")
        return re.sub(r"<script>/\*\*.*?</script>", "", text, flags=re.DOTALL)

    @property
    def words(self) -> str:
        """Without tags, pictures and scripts; every kind of space as a plain one."""
        text = re.sub(r"<(script|style).*?</\1>", " ", self.html, flags=re.DOTALL)
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script draws."""
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.html, flags=re.DOTALL)
        assert found
        return json.loads(found[1])


@pytest.fixture(scope="session")
def read_page() -> type[Page]:
    return Page
