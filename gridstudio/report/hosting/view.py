"""A hosting result seen as its report shows it: devices, limits and their looks, the network's drawing."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gridstudio.report.diagram import Diagram, draw
from gridstudio.result import StudyResult

DEVICES = {"pv": "PV", "ev": "EV charging", "load": "new load"}
NONE = "none"
BINDING = ["limit", "element", "hour", "value", "allowed", "unit"]
COLUMNS = {
    "nodal": ["device", "bus", "nodes", "base_kv", "distance_km", "hosting_kw", "refused_kw", *BINDING],
    "nodal_limits": ["device", "limit", "places", "least_kw", "median_kw"],
    "curve": ["device", "penetration_pct", "kw_mean", "violating_pct", "violated_pct"],
    "deployments": ["device", "deployment", "first_pct", "first_kw", "fits_kw", *BINDING],
    "percentiles": ["device", "percentile", "first_pct", "first_kw"],
    "hours": [
        "hour", "load_scale", "generation_scale", "pv", "ev", "load", "source_kw", "losses_kw", "v_min_pu", "v_max_pu",
        "loading_max_pu", "violations",
    ],
    "network_buses": ["bus", "x", "y", "base_kv", "distance_km"],
    "network_branches": ["element", "kind", "name", "bus1", "bus2", "is_switch", "closed"],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip


@dataclass(frozen=True)
class LimitLook:
    """A limit in words and how it is drawn: also without colour no two are alike."""

    words: str
    colour: str
    marker: str


LIMITS = {
    "line_loading": LimitLook("line loading", "#0b3c64", "o"),
    "transformer_loading": LimitLook("transformer loading", "#56b4e9", "s"),
    "overvoltage": LimitLook("overvoltage", "#d55e00", "^"),
    "undervoltage": LimitLook("undervoltage", "#009e73", "v"),
    "deviation": LimitLook("change of voltage", "#cc79a7", "D"),
    "reverse_flow": LimitLook("reverse flow", "#e69f00", "<"),
    "not_converged": LimitLook("no convergence", "#3c4650", "X"),
    NONE: LimitLook("no limit up to the largest size asked", "#b4bcc4", "P"),
}


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share.

    ``nodal`` and ``drawn``: devices asked bus by bus and in deployments; ``max_kw``: the largest size asked (None: not
    told); ``diagram`` None without a network.
    """

    result: StudyResult
    nodal: list[str]
    drawn: list[str]
    max_kw: float | None
    diagram: Diagram | None

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none."""
        return _table(self.result, name)

    def of(self, name: str, device: str) -> pd.DataFrame:
        """Rows of a table for a device."""
        table = self.table(name)
        return table[table["device"] == device]

    @property
    def base_violations(self) -> int:
        """What the circuit breaks without any device, over all hours."""
        return int(self.table("hours")["violations"].sum())

    @property
    def not_converged(self) -> int:
        """Power flows that did not converge."""
        timing = self.table("timing")
        return int(timing["not_converged"].fillna(0).sum()) if "not_converged" in timing else 0


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    buses, branches = _table(result, "network_buses"), _table(result, "network_branches")
    asked = result.settings.get("nodal")
    most = asked.get("max_kw") if isinstance(asked, Mapping) else None
    return Study(
        result=result,
        nodal=[str(device) for device in dict.fromkeys(_table(result, "nodal")["device"])],
        drawn=[str(device) for device in dict.fromkeys(_table(result, "curve")["device"])],
        max_kw=None if most is None else float(most),
        diagram=draw(buses, branches) if len(buses) and len(branches) else None,
    )


def device_name(device: str) -> str:
    """A device in words."""
    return DEVICES.get(device, device)


def look(limit: object) -> LimitLook:
    """How a limit is drawn and called."""
    return LIMITS.get(str(limit), LimitLook(str(limit).replace("_", " "), "#6b7680", "h"))


def _table(result: StudyResult, name: str) -> pd.DataFrame:
    table = result.tables.get(name)
    if table is not None and len(table.columns):
        return table
    return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})
