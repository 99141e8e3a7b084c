"""An exceedance result seen as its report shows it: limits, elements ever over them, the network's drawing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridstudio.report.diagram import Diagram, draw
from gridstudio.result import StudyResult

COLUMNS = {
    "hours": [
        "hour", "time", "source_kw", "served_kw", "losses_kw", "v_min_pu", "v_max_pu", "loading_max_pu",
        "branches_over", "buses_low", "buses_high", "buses_dead", "tap_operations", "capacitor_operations",
        "converged",
    ],
    "branches": [
        "element", "kind", "bus1", "bus2", "phases", "ampacity_a", "limit_pu", "hours_over", "energy_over_mwh",
        "current_max_a", "loading_max_pu", "worst_time", "loading_mean_pu",
    ],
    "buses": [
        "bus", "base_kv", "distance_km", "hours_low", "hours_high", "hours_dead", "v_min_pu", "v_min_time", "v_max_pu",
        "v_max_time",
    ],
    "devices": [
        "device", "kind", "operations", "operations_per_day", "hours_with_operations", "position_min", "position_max",
        "position_mean",
    ],
    "operations": ["device", "month", "operations"],
    "months": [
        "month", "hours", "peak_kw", "energy_mwh", "losses_mwh", "hours_over", "hours_low", "hours_high",
        "tap_operations", "capacitor_operations",
    ],
    "levels": ["quantity", "element", "level_pu", "hours"],
    "duration": ["share_pct", "source_kw"],
    "profiles": ["name", "mean", "maximum", "minimum", "hour_of_maximum", "source"],
    "network_buses": ["bus", "x", "y", "base_kv", "distance_km"],
    "network_branches": ["element", "kind", "name", "bus1", "bus2", "is_switch", "closed"],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share.

    ``over``: branches with hours over their limit, the worst first; ``out``: buses with hours out of band, likewise;
    ``hours`` with the boolean columns over, low, high and dead; ``diagram`` None without a network.
    """

    result: StudyResult
    limits_pu: tuple[float, float]
    loading_max_pu: float
    hours: pd.DataFrame
    over: pd.DataFrame
    out: pd.DataFrame
    diagram: Diagram | None

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none."""
        return _table(self.result, name)

    @property
    def solved(self) -> pd.DataFrame:
        """The hours that converged."""
        return self.hours[self.hours["converged"].astype(bool)]

    def outside_of(self, side: str) -> pd.DataFrame:
        """Buses with hours too ``side`` (low, high), the worst first."""
        rows = self.out[self.out[f"hours_{side}"].astype(float) > 0]
        extreme = rows["v_min_pu" if side == "low" else "v_max_pu"].astype(float)
        ranked = rows.assign(_extreme=extreme if side == "low" else -extreme)
        keys = [f"hours_{side}", "_extreme"]
        return ranked.sort_values(keys, ascending=[False, True], kind="stable").drop(columns="_extreme")

    @property
    def failed(self) -> int:
        """How many hours did not converge."""
        return len(self.hours) - len(self.solved)

    @property
    def outside(self) -> pd.DataFrame:
        """The hours with any limit broken or any bus without voltage."""
        return self.hours[self.hours[["over", "low", "high", "dead"]].any(axis=1)]


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    hours, branches, buses = (_table(result, name) for name in ("hours", "branches", "buses"))
    named = {"over": "branches_over", "low": "buses_low", "high": "buses_high", "dead": "buses_dead"}
    counts = hours.reindex(columns=list(named.values()), fill_value=0).astype(float)
    hours = hours.assign(**{name: counts[column] > 0 for name, column in named.items()})
    over = branches[branches["hours_over"].astype(float) > 0]
    out = buses.assign(hours_out=buses["hours_low"].astype(float) + buses["hours_high"].astype(float))
    limits = result.settings.get("limits")
    limits = limits if isinstance(limits, Mapping) else {}
    placed, lines = _table(result, "network_buses"), _table(result, "network_branches")
    return Study(
        result=result,
        limits_pu=(_number(limits, "v_min_pu", 0.95), _number(limits, "v_max_pu", 1.05)),
        loading_max_pu=_number(limits, "loading_max_pu", 1.0),
        hours=hours,
        over=over.sort_values(["hours_over", "loading_max_pu"], ascending=False, kind="stable"),
        out=out[out["hours_out"] > 0].sort_values("hours_out", ascending=False, kind="stable"),
        diagram=draw(placed, lines) if len(placed) and len(lines) else None,
    )


def _number(settings: Mapping[str, Any], name: str, default: float) -> float:
    value = settings.get(name)
    return default if value is None else float(value)


def _table(result: StudyResult, name: str) -> pd.DataFrame:
    table = result.tables.get(name)
    if table is not None and len(table.columns):
        return table
    return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})
