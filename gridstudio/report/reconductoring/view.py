"""A reconductoring result seen as its report shows it: the reported plans, limits, colours, the network's drawing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.diagram import Diagram, draw
from gridstudio.result import StudyResult

PLAN_COLUMNS = ["year", "line", "length_m", "from", "to", "cost_usd", "present_value_usd"]
COLUMNS = {
    "network_buses": ["bus", "x", "y", "base_kv", "distance_km"],
    "network_branches": [
        "element", "kind", "name", "bus1", "bus2", "phases", "length_m", "is_switch", "closed", "conductor",
        "ampacity_a",
    ],
    "catalogue": ["conductor", "ampacity_a", "cost_usd_per_km", "selectable"],
    "interventions": ["scenario", *PLAN_COLUMNS],
    "scenarios": ["scenario", "probability", "interventions", "length_m", "cost_usd", "present_value_usd"],
    "decisions": ["line", "length_m", "from", "class", "p_replaced", "years", "conductors", "expected_cost_usd"],
    "robust": ["measure"],
    "robust_interventions": ["measure", *PLAN_COLUMNS],
    "violations_before": ["scenario", "year", "kind", "element", "phase", "value", "limit", "unit"],
    "violations_after": ["scenario", "year", "kind", "element", "phase", "value", "limit", "unit", "cause"],
    "loadings": [
        "scenario", "year", "line", "conductor_before", "conductor", "current_before_a", "loading_before_pu",
        "current_after_a", "loading_after_pu",
    ],
    "voltages": ["scenario", "year", "bus", "phase", "distance_km", "v_before_pu", "v_after_pu"],
    "comparison": ["scenario", "line", "agrees", "year_published", "to_published", "year", "to"],
    "comparison_totals": ["scenario"], "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds"],
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share.

    ``plans``: interventions (PLAN_COLUMNS) of each reported scenario, ``main`` the costliest of them; ``committed``:
    those of each plan to commit to; ``colours`` by conductor in the catalogue's order; ``diagram`` None without
    a network.
    """

    result: StudyResult
    years: int
    limits_pu: tuple[float, float]
    loading_max_pu: float
    plans: dict[str, pd.DataFrame]
    main: str
    committed: dict[str, pd.DataFrame]
    conductors: list[str]
    colours: dict[str, str]
    diagram: Diagram | None
    cost_column: str

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none."""
        return _table(self.result, name)

    def head(self, name: str) -> Any:
        """The value of a headline number, None if the study gives none."""
        quantity = self.result.headline.get(name)
        return None if quantity is None else quantity.value

    @property
    def cost_label(self) -> str:
        """What the costs of the scenarios are."""
        return "Present value of the investment" if self.cost_column == "present_value_usd" else "Investment"

    @property
    def span_usd(self) -> tuple[float, float] | None:
        """The 90 % range of the cost."""
        low, high = self.head("cost_low_usd"), self.head("cost_high_usd")
        return None if low is None or high is None else (float(low), float(high))

    @property
    def expected_usd(self) -> float | None:
        """The expected cost."""
        value = self.head("cost_expected_usd")
        return None if value is None else float(value)

    @property
    def published(self) -> str:
        """The name of the published table that the comparison is with."""
        return str(_part(self.result.settings, "report").get("published_name") or "Published")

    def title_of(self, scenario: str) -> str:
        """'Scenario 125 (USD 66 506)'."""
        return f"Scenario {scenario} ({self.cost_of(self.plans[scenario])})"

    def cost_of(self, plan: pd.DataFrame) -> str:
        """'USD 66 506', or 'present value USD 63 210' where the study discounts."""
        lead = "present value " if self.cost_column == "present_value_usd" else ""
        return lead + style.money(plan[self.cost_column].sum())


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    settings, interventions = result.settings, _table(result, "interventions")
    scenarios, robust = _table(result, "scenarios"), _table(result, "robust_interventions")
    asked = [str(name) for name in _part(settings, "report").get("scenarios", [])]
    known = list(map(str, scenarios["scenario"]))
    shown = [name for name in asked if name in set(known)] or _extremes(scenarios)
    plans = {name: _plan(interventions[interventions["scenario"] == name]) for name in shown}
    cost = {name: float(plan["cost_usd"].sum()) for name, plan in plans.items()}
    limits = _part(settings, "limits")
    rate = float(_part(settings, "horizon").get("discount_rate", 0.0) or 0.0)
    branches, listed = _table(result, "network_branches"), [str(c) for c in _table(result, "catalogue")["conductor"]]
    used = [*branches["conductor"].fillna(""), *interventions["to"], *interventions["from"], *robust["to"]]
    colours = style.conductor_colours(listed, map(str, used))
    buses = _table(result, "network_buses")
    return Study(
        result=result,
        years=_years(result),
        limits_pu=(float(limits.get("v_min_pu", 0.95)), float(limits.get("v_max_pu", 1.05))),
        loading_max_pu=float(limits.get("loading_max_pu", 1.0)),
        plans=plans,
        main=max(cost, key=lambda name: cost[name], default=""),
        committed={str(name): _plan(robust[robust["measure"] == name]) for name in _table(result, "robust")["measure"]},
        conductors=list(colours),
        colours=colours,
        diagram=draw(buses, branches) if len(buses) else None,
        cost_column="present_value_usd" if rate > 0 and "present_value_usd" in scenarios else "cost_usd",
    )


def _part(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = settings.get(name, {})
    return part if isinstance(part, Mapping) else {}


def _table(result: StudyResult, name: str) -> pd.DataFrame:
    table = result.tables.get(name)
    if table is None or not len(table.columns):
        return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})
    return table.assign(scenario=table["scenario"].astype(str)) if "scenario" in table else table


def _plan(interventions: pd.DataFrame) -> pd.DataFrame:
    """PLAN_COLUMNS of the interventions of one plan; without a present value, cost stands for it."""
    if "present_value_usd" not in interventions:
        interventions = interventions.assign(present_value_usd=interventions["cost_usd"])
    return interventions[PLAN_COLUMNS]


def _extremes(scenarios: pd.DataFrame) -> list[str]:
    """The cheapest and the costliest scenario: what is shown when the study names none."""
    if scenarios.empty:
        return []
    cost = scenarios["cost_usd"].to_numpy(dtype=float)
    rows = dict.fromkeys([int(np.argmin(cost)), int(np.argmax(cost))])
    return [str(scenarios["scenario"].iloc[row]) for row in rows]


def _years(result: StudyResult) -> int:
    given = _part(result.settings, "horizon").get("years")
    if given:
        return int(given)
    seen = [table["year"].max() for table in result.tables.values() if "year" in table and len(table)]
    return int(max(seen, default=1))
