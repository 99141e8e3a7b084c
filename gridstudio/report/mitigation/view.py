"""A mitigation result seen as its report shows it: the plan in its order, steps, looks of measures, the drawing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report.diagram import Diagram, draw
from gridstudio.result import StudyResult

KINDS = {
    "overload": ("overload", "#d55e00"),
    "undervoltage": ("undervoltage", "#0072b2"),
    "overvoltage": ("overvoltage", "#e69f00"),
    "dead": ("without voltage", "#1d2731"),
    "not_converged": ("not converged", "#9aa5af"),
}
COLUMNS = {
    "steps": [
        "step", "phase", "action", "measure", "element", "size", "size_unit", "what", "cost_usd", "plan_cost_usd",
        "reason", *(f"{kind}_before" for kind in KINDS), *(f"{kind}_after" for kind in KINDS), "power_flows",
        "accepted", "refused",
    ],
    "plan": [
        "measure", "element", "bus1", "bus2", "x", "y", "size_before", "size", "size_unit", "what", "quantity", "per",
        "unit_cost_usd", "capital_usd", "o_and_m_usd_per_year", "cost_usd", "share", "life_years", "rating_before_a",
        "rating_after_a", "reason", "source",
    ],
    "cost_by_measure": [
        "measure", "measures", "quantity", "per", "capital_usd", "o_and_m_usd_per_year", "cost_usd",
    ],
    "violations_before": ["scenario", "hour", "kind", "element", "phase", "value", "limit", "unit"],
    "violations_after": ["scenario", "hour", "kind", "element", "phase", "value", "limit", "unit", "cause"],
    "remaining": [
        "kind", "element", "phase", "violations", "scenario", "hour", "value", "limit", "unit", "tried", "best_measure",
        "best_element", "best_value", "cause",
    ],
    "violations_summary": [
        "kind", "before", "after", "elements_before", "elements_after", "worst_before", "worst_after", "limit", "unit",
    ],
    "scenarios": ["scenario", "hour", "load_scale", "generation_scale", "probability"],
    "loadings": [
        "scenario", "hour", "element", "ampacity_before_a", "ampacity_after_a", "current_before_a",
        "loading_before_pu", "current_after_a", "loading_after_pu", "limit_pu",
    ],
    "voltages": ["scenario", "hour", "bus", "phase", "distance_km", "v_before_pu", "v_after_pu"],
    "network_buses": [
        "bus", "x", "y", "base_kv", "distance_km", "v_min_before_pu", "v_max_before_pu", "v_min_after_pu",
        "v_max_after_pu",
    ],
    "network_branches": [
        "element", "kind", "name", "bus1", "bus2", "is_switch", "closed", "loading_before_pu", "loading_after_pu",
        "limit_pu", "measure",
    ],
    "catalogue": [
        "measure", "phases", "size", "size_unit", "per", "unit_cost_usd", "o_and_m_usd_per_year", "life_years",
        "source",
    ],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Measures that are drawn alike: also without colour no two families are."""

    label: str
    colour: str
    marker: str


WIRES, TRANSFORMER = Family("line", "#0b3c64", "s"), Family("transformer", "#cc79a7", "D")
REGULATOR, CAPACITOR = Family("regulator, tap changer", "#009e73", "^"), Family("capacitor", "#e69f00", "P")
PHASE, INVERTER = Family("phase of a load", "#56b4e9", "h"), Family("smart inverter", "#c9b400", "p")
BATTERY, RESPONSE = Family("battery", "#6a3d9a", "X"), Family("demand response", "#6b7680", "d")
OTHER = Family("other measure", "#1d2731", "o")
MEASURES = {
    "reconductor": ("new conductor", WIRES),
    "reconductor_cable": ("new cable", WIRES),
    "switch": ("larger switch", WIRES),
    "parallel_line": ("parallel line", WIRES),
    "parallel_cable": ("parallel cable", WIRES),
    "transformer_one_phase": ("single-phase transformer", TRANSFORMER),
    "transformer_three_phase": ("three-phase transformer", TRANSFORMER),
    "regulator_settings": ("regulator settings", REGULATOR),
    "tap_changer_settings": ("tap changer settings", REGULATOR),
    "regulator": ("regulator", REGULATOR),
    "capacitor_settings": ("capacitor settings", CAPACITOR),
    "capacitor": ("capacitor bank", CAPACITOR),
    "move_phase": ("load on another phase", PHASE),
    "volt_var": ("volt-var control", INVERTER),
    "battery": ("battery", BATTERY),
    "demand_response": ("demand response", RESPONSE),
}


def measure_name(measure: object) -> str:
    """A measure in words."""
    return MEASURES.get(str(measure), (str(measure).replace("_", " "), OTHER))[0]


def family(measure: object) -> Family:
    """How a measure is drawn."""
    return MEASURES.get(str(measure), ("", OTHER))[1]


def kind_name(kind: object) -> str:
    """A kind of violation in words."""
    return KINDS.get(str(kind), (str(kind).replace("_", " "), ""))[0]


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share.

    ``plan``: the dearest measure first, numbered from 1 in ``number``; ``before`` and ``after``: violations in all
    scenarios and hours; ``diagram`` None without a network.
    """

    result: StudyResult
    limits_pu: tuple[float, float]
    loading_max_pu: float
    plan: pd.DataFrame
    before: int
    after: int
    diagram: Diagram | None

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none."""
        return _table(self.result, name)

    @property
    def cost_usd(self) -> float:
        """Capital and the present value of O&M of the plan."""
        return float(self.plan["cost_usd"].sum())

    def steps(self, accepted: bool = True) -> pd.DataFrame:
        """The accepted steps, numbered from 1 as in the figure, or those that the power flows refused."""
        table = self.table("steps")
        shown = table[table["accepted"].astype(bool) == accepted]
        return shown.assign(step=np.arange(1, len(shown) + 1)) if accepted else shown

    def counts(self) -> pd.DataFrame:
        """Violations by kind (columns) before the first and after every accepted step."""
        steps = self.steps()
        if not len(steps):
            return pd.DataFrame([{kind: self.of_kind(kind, "before") for kind in KINDS}])
        first = [float(steps[f"{kind}_before"].iloc[0]) for kind in KINDS]
        later = steps[[f"{kind}_after" for kind in KINDS]].to_numpy(dtype=float)
        return pd.DataFrame(np.vstack([first, later]), columns=list(KINDS))

    def of_kind(self, kind: str, when: str) -> int:
        """Violations of a kind, before or after."""
        summary = self.table("violations_summary")
        return int(summary.loc[summary["kind"] == kind, when].sum())


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    plan, summary = _table(result, "plan"), _table(result, "violations_summary")
    plan = plan.sort_values("cost_usd", ascending=False, kind="stable").reset_index(drop=True)
    plan.insert(0, "number", np.arange(1, len(plan) + 1))
    buses, branches = _table(result, "network_buses"), _table(result, "network_branches")
    limits = result.settings.get("limits")
    limits = limits if isinstance(limits, Mapping) else {}
    known = len(summary) > 0
    return Study(
        result=result,
        limits_pu=(_number(limits, "v_min_pu", 0.95), _number(limits, "v_max_pu", 1.05)),
        loading_max_pu=_number(limits, "loading_max_pu", 1.0),
        plan=plan,
        before=int(summary["before"].sum()) if known else len(_table(result, "violations_before")),
        after=int(summary["after"].sum()) if known else int(result.violations_left),
        diagram=draw(buses, branches) if len(buses) and len(branches) else None,
    )


def _number(settings: Mapping[str, Any], name: str, default: float) -> float:
    value = settings.get(name)
    return default if value is None else float(value)


def _table(result: StudyResult, name: str) -> pd.DataFrame:
    table = result.tables.get(name)
    if table is not None and len(table.columns):
        return table
    return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})
