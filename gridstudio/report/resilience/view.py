"""A resilience result as its report shows it: risks, telling scenarios, who is supplied in a storm and how often."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report.diagram import Diagram, draw
from gridstudio.result import StudyResult

COLUMNS = {
    "wind": ["region", "share", "distribution", "source", "wind_m_s", "density_s_m"],
    "fragility": ["kind", "hardened", "reference_length_m", "source", "wind_m_s", "probability"],
    "convergence": ["storms", "mean_kw", "standard_error_kw"],
    "strata": [
        "stratum", "storms", "wind_from_m_s", "wind_to_m_s", "lines_out", "lines_out_se", "sections_out",
        "sections_out_se", "loss_kw", "loss_se_kw",
    ],
    "scenarios": [
        "scenario", "storm", "probability", "stands_for", "wind_m_s", "stratum", "lines_out", "sections_out",
        "loss_kw", "q_kw", "critical_kw", "islands",
    ],
    "faults": ["scenario", "element", "sections"],
    "plan": ["site", "bus", "section", "built", "kw", "kva", "used_kw", "max_kw"],
    "investments": ["what", "element", "usd", "saves_kw", "saves_se_kw"],
    "islands": [
        "scenario", "sections", "closed", "source", "served_kw", "nominal_kw", "weighted_kw", "critical_kw",
        "source_kw", "source_kva", "rated_kw", "v_min_pu", "v_max_pu", "loading_max_pu", "feasible",
    ],
    "pickup": ["scenario", "load"],
    "losses": ["storm", "wind_m_s", "without_kw", "with_plan_kw", "critical_without_kw", "critical_kw"],
    "critical": ["case", "mean_kw", "mean_se_kw", "worst_kw", "worst_se_kw"],
    "risk": [
        "storms", "case", "mean_kw", "mean_se_kw", "var_kw", "var_se_kw", "cvar_kw", "cvar_se_kw", "objective_kw",
        "objective_se_kw",
    ],
    "solver": [
        "round", "status", "objective_kw", "bound_kw", "gap", "stopped_by_clock", "seconds", "binaries", "rows",
    ],
    "stochastic_value": ["what", "kw", "plan"],
    "loads": ["load", "bus", "section", "unit", "kw", "weight", "critical", "source"],
    "sections": [
        "section", "x", "y", "buses", "kw", "weighted_kw", "critical_kw", "overhead_m", "underground_m",
        "fault_probability", "fault_probability_se",
    ],
    "devices": ["device", "element", "type", "normally_open", "from_section", "to_section", "candidate", "usd"],
    "network_buses": ["bus", "x", "y", "section", "site", "site_kw"],
    "network_branches": ["element", "kind", "name", "bus1", "bus2", "section", "exposed", "underground", "hardened"],
    "sweep": [
        "point", "sweep", "scenarios", "draw", "lambda", "alpha", "budget_kw", "sites", "status", "objective_kw",
        "gap", "seconds", "checked_objective_kw", "mean_kw", "var_kw", "cvar_kw", "fresh_mean_kw", "fresh_mean_se_kw",
        "fresh_var_kw", "fresh_var_se_kw", "fresh_cvar_kw", "fresh_cvar_se_kw", "fresh_objective_kw",
        "fresh_objective_se_kw", "fresh_critical_kw", "fresh_critical_se_kw", "sources", "built_kw", "plan",
    ],
    "sweep_losses": ["point", "percentile", "loss_kw", "critical_kw"],
    "statements": ["statement", "supported", "evidence"],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip
COLUMNS["refused"] = COLUMNS["islands"]
COLUMNS["pickup_without"] = COLUMNS["pickup"]
SUBSTATION = "substation"


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share; ``diagram`` None without a network."""

    result: StudyResult
    diagram: Diagram | None

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none. Columns that an older result lacks are NaN."""
        table = self.result.tables.get(name)
        if table is None or not len(table.columns):
            return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})
        missing = [column for column in COLUMNS[name] if column not in table.columns]
        return table.assign(**dict.fromkeys(missing, np.nan)) if missing else table

    def risk(self, storms: str, case: str) -> Mapping[str, float] | None:
        """The measures of a case ("without", "mean storm", "plan") over "scenarios" or "fresh" storms."""
        table = self.table("risk")
        rows = table[(table["storms"] == storms) & (table["case"] == case)]
        return None if not len(rows) else {str(k): v for k, v in rows.iloc[0].items()}

    def setting(self, part: str, name: str, default: Any) -> Any:
        """A setting of the study, or what the job takes without it."""
        given = self.result.settings.get(part)
        value = given.get(name) if isinstance(given, Mapping) else None
        return default if value is None else value

    @property
    def alpha(self) -> float:
        """The level of VaR and CVaR."""
        return float(self.setting("risk", "alpha", 0.95))

    @property
    def built(self) -> pd.DataFrame:
        """The sites where something is built."""
        plan = self.table("plan")
        return plan[plan["built"].astype(bool)]

    @property
    def weighted_kw(self) -> float:
        """All load, each with its weight; 0 where loads are not told."""
        loads = self.table("loads")
        return float((loads["kw"].astype(float) * loads["weight"].astype(float)).sum())


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    buses, branches = (result.tables.get(name) for name in ("network_buses", "network_branches"))
    drawn = buses is not None and branches is not None and len(buses) and len(branches)
    return Study(result, draw(buses, branches) if drawn and buses is not None and branches is not None else None)


# ---- scenarios -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Telling:
    """A scenario that is shown, and why."""

    scenario: int
    why: str


def telling(study: Study) -> list[Telling]:
    """Median, VaR and worst by the loss with the plan, and the one in which new sources serve most; none twice."""
    table = study.table("scenarios").sort_values("q_kw", kind="stable")
    if not len(table):
        return []
    reached = table["probability"].astype(float).cumsum().to_numpy()
    names = table["scenario"].astype(int).tolist()
    last = len(names) - 1
    rows = [
        (names[min(int(np.searchsorted(reached, 0.5 - 1e-12)), last)], "median"),
        (names[min(int(np.searchsorted(reached, study.alpha - 1e-12)), last)], f"VaR {100 * study.alpha:g} %"),
        (names[last], "worst"),
    ]
    islands = study.table("islands")
    own = islands[islands["source"] != SUBSTATION]
    if len(own):
        gained = own.groupby("scenario")["weighted_kw"].sum()
        rows.append((int(gained.index[int(np.argmax(gained.to_numpy()))]), "new sources serve most"))
    why: dict[int, list[str]] = {}
    for scenario, reason in rows:
        why.setdefault(scenario, []).append(reason)
    return [Telling(scenario, ", ".join(reasons)) for scenario, reasons in why.items()]


def supply(study: Study, scenario: int) -> dict[str, str]:
    """Section -> "substation", "source", "faulted" or "dark" in a scenario under the plan."""
    found = {str(name): "dark" for name in study.table("sections")["section"]}
    faults, islands = study.table("faults"), study.table("islands")
    for names in faults.loc[faults["scenario"] == scenario, "sections"]:
        found.update(dict.fromkeys(_names(names), "faulted"))
    for row in islands[islands["scenario"] == scenario].itertuples():
        state = SUBSTATION if row.source == SUBSTATION else "source"
        found.update(dict.fromkeys(_names(row.sections), state))  # a hardened line has not failed
    return found


def closed(study: Study, scenario: int) -> set[str]:
    """Devices that are closed within the islands of a scenario."""
    islands = study.table("islands")
    return {name for names in islands.loc[islands["scenario"] == scenario, "closed"] for name in _names(names)}


def _names(text: object) -> list[str]:
    return [name for name in str(text).split(", ") if name] if isinstance(text, str) else []


def served(study: Study, name: str) -> "pd.Series[float] | None":
    """Load -> probability that it is picked up, by "pickup" (with the plan) or "pickup_without"; None if not told."""
    if name not in study.result.tables or not len(study.table("scenarios")) or not len(study.table("loads")):
        return None
    picked, scenarios = study.table(name), study.table("scenarios")
    chance = picked["scenario"].map(dict(zip(scenarios["scenario"], scenarios["probability"], strict=True)))
    by = chance.astype(float).groupby(picked["load"].astype(str)).sum()
    return by.reindex(study.table("loads")["load"].astype(str), fill_value=0.0).clip(upper=1.0)


def by_section(study: Study, probability: "pd.Series[float]") -> dict[str, float]:
    """Section -> part of its weighted load that is picked up in the mean; those without load are not named."""
    loads = study.table("loads")
    weighted = loads["kw"].to_numpy(dtype=float) * loads["weight"].to_numpy(dtype=float)
    table = pd.DataFrame({"all": weighted, "picked": weighted * probability.to_numpy()})
    sums = table.groupby(loads["section"].astype(str).to_numpy()).sum()
    sums = sums[sums["all"] > 0]
    return {str(name): float(value) for name, value in (sums["picked"] / sums["all"]).items()}
