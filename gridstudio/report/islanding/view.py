"""An islanding result seen as its report shows it: zones, start hours, reserves, the network's drawing."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gridstudio.report.diagram import Diagram, draw
from gridstudio.result import StudyResult

MOST_STARTS = 4  # start hours with figures of their own
BINDING = {
    "storage_kw": "storage power",
    "energy": "energy stored",
    "inverter_kva": "inverter kVA",
    "phase_current": "phase current",
    "voltage": "voltage",
    "loading": "loading",
    "not_converged": "no convergence",
}
COLUMNS = {
    "zones": [
        "zone", "source", "source_bus", "buses", "loads", "customers", "load_kw", "peak_kw", "pv_kw", "storage_kwh",
        "storage_kw", "inverter_kva", "phase_current_max_a", "boundary",
    ],
    "by_start": [
        "zone", "start_hour", "named", "can_island", "served_share", "hours_all_load", "hours_with_shedding",
        "customers_served", "customers", "energy_demand_kwh", "energy_served_kwh", "energy_not_served_kwh",
        "limit_binding",
    ],
    "trace": [
        "zone", "start_hour", "step", "hour", "load_kw", "served_kw", "shed_kw", "pv_kw", "pv_curtailed_kw",
        "storage_kw", "soc_kwh",
    ],
    "shed": ["zone", "start_hour", "step", "hour", "load", "class", "priority", "customers", "kw"],
    "customers": ["load", "zone", "bus", "customers", "class", "priority", "kw"],
    "network_buses": ["bus", "x", "y", "base_kv", "distance_km"],
    "network_branches": ["element", "kind", "name", "bus1", "bus2", "is_switch", "closed", "zone"],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share.

    ``starts``: the start hours with figures (those that the study names); ``reserve_kwh`` and ``initial_kwh`` (at the
    start of an island) by zone, where the settings tell; ``diagram`` None without a network.
    """

    result: StudyResult
    zones: list[str]
    starts: list[int]
    named: list[int]
    reserve_kwh: dict[str, float]
    initial_kwh: dict[str, float]
    diagram: Diagram | None

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none."""
        return _table(self.result, name)

    def at(self, name: str, hour: int) -> pd.DataFrame:
        """Rows of a table for islands that start at an hour."""
        table = self.table(name)
        return table[table["start_hour"] == hour]


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    zones, by_start = _table(result, "zones"), _table(result, "by_start")
    buses, branches = _table(result, "network_buses"), _table(result, "network_branches")
    named = [int(hour) for hour in dict.fromkeys(by_start.loc[by_start["named"].astype(bool), "start_hour"])]
    shown = named or [int(hour) for hour in dict.fromkeys(by_start["start_hour"])]
    return Study(
        result=result,
        zones=[str(zone) for zone in zones["zone"]],
        starts=shown[:MOST_STARTS],
        named=named,
        reserve_kwh=_stored(result, zones, "reserve_soc", 0.1),
        initial_kwh=_stored(result, zones, "initial_soc", 1.0),
        diagram=draw(buses, branches) if len(buses) and len(branches) else None,
    )


def _stored(result: StudyResult, zones: pd.DataFrame, key: str, default: float) -> dict[str, float]:
    """kWh at a state of charge that the settings of the zones name."""
    given = result.settings.get("zones") or ()
    share = {str(z.get("name")): float(z.get(key, default)) for z in given if isinstance(z, Mapping)}
    pairs = zip(zones["zone"].astype(str), zones["storage_kwh"].astype(float), strict=True)
    return {zone: share[zone] * kwh for zone, kwh in pairs if zone in share}


def _table(result: StudyResult, name: str) -> pd.DataFrame:
    table = result.tables.get(name)
    if table is not None and len(table.columns):
        return table
    return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})


def binding(limits: object) -> str:
    """'storage_kw energy' in words."""
    return ", ".join(BINDING.get(limit, limit) for limit in str(limits or "").split())


def clock(hour: int) -> str:
    """14 -> '14:00'."""
    return f"{int(hour) % 24}:00"
