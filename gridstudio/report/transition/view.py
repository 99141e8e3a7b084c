"""A transition result as its report shows it: cases, the case that is shown in full, factors and states with their
looks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.result import StudyResult

QUANTILES = ("p05", "p25", "p50", "p75", "p95")
COLUMNS = {
    "cases": [
        "case", "factors", "cost_busd", "bound_busd", "gap", "first_stage_busd", "investment_busd", "operation_busd",
        "shed_mwh", "curtailed_mwh", "co2_mt", "published_busd", "iterations", "solves", "seconds", "lps_per_second",
        "reason", "plan_from",
    ],
    "risk": [
        "case", "measure", "risk_adjusted_busd", "bound_busd", "gap", "expected_busd", "alpha", "cvar_busd",
        "worst_path_busd", "worst_path", "worst_path_probability",
    ],
    "factors": ["case", "factor", "on"],
    "decisions": [
        "case", "stage", "state", "path", "probability", "factor", "place", "bus", "amount", "unit", "cost_musd",
    ],
    "capacities": ["case", "stage", "state", "factor", "expected", "unit"],
    "operations": [
        "case", "stage", "state", "probability", "shed_mwh", "curtailed_mwh", "co2_mt", "co2_target_mt",
        "co2_above_mt", "operation_musd",
    ],
    "convergence": ["case", "phase", "iteration", "bound_musd", "simulated_musd", "seconds", "solves", "cuts"],
    "paths": ["case", "path", "probability", "stage", "state", "investment_musd", "operation_musd"],
    "simulations": ["case", "plan", "sample", "realisations", "quantity", "mean", *QUANTILES, "highest"],
    "realisations": [
        "case", "plan", "sample", "realisation", "probability", "cost_busd", "shed_gwh", "curtailed_gwh",
    ],
    "extensive": [
        "case", "cost_busd", "bound_busd", "columns", "rows", "seconds", "sddp_bound_busd", "sddp_cost_busd",
        "difference", "ratio", "reason",
    ],
    "stochastic_value": ["case", "quantity", "busd", "bound_busd", "low_busd", "high_busd"],
    "network_buses": ["case", "bus", "latitude", "longitude", "max_load_mw"],
    "network_branches": [
        "case", "branch", "from_bus", "to_bus", "length_km", "rating_mw", "existing", "candidate", "line", "dtr",
        "sssc",
    ],
    "network_zones": ["case", "zone", "bus", "latitude", "longitude", "area_km2", "wind", "solar"],
    "days": ["day", "label", "weight", "hour", "load_mw", "wind_pu", "solar_pu", "rating_pu"],
    "fidelity": [
        "kind", "mean", "mean_of_days", "highest", "highest_of_days", "least_factor", "highest_factor", "most_short",
    ],
    "outlooks": ["stage", "state", "probability"],
    "parameters": ["name", "value", "unit", "source"],
    "policy_fan": ["case", "quantity", "unit", "stage", "mean", *QUANTILES],
    "capacities_by_bus": ["case", "stage", "state", "factor", "bus", "expected", "unit"],
    "published": [
        "case", "cost_busd", "decided_busd", "published_busd", "cost_over_first", "decided_over_first",
        "published_over_first",
    ],
    "growth": [], "agreement": [],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip

Drawn = Iterator[tuple[str, Path]]  # figures by name
MOST_CASES = 12  # in one figure

# Colours and words of the planning factors, from the ground of a stack upwards.
COLOURS = {"gas": "#6b7680", "smr": "#cc79a7", "h2": "#56b4e9", "wind": "#0072b2", "solar": "#e69f00"}
WORDS = {
    "gas": "gas with CCS", "smr": "SMR", "h2": "hydrogen turbines", "wind": "wind", "solar": "solar",
    "ccs": "CCS retrofits", "battery": "batteries", "pumped_hydro": "pumped hydro plants", "line": "new lines",
    "dtr": "line rating sensors", "sssc": "SSSC devices",
}  # fmt: skip
SINGULAR = {
    "ccs": "CCS retrofit", "battery": "battery", "pumped_hydro": "pumped hydro plant", "line": "new line",
    "dtr": "line rating sensor", "sssc": "SSSC device",
}  # fmt: skip
THERMAL = ("gas", "smr", "h2")
RENEWABLE = ("wind", "solar")
STORED = ("ccs", "battery", "pumped_hydro")  # pieces at a bus
GRID = ("line", "dtr", "sssc")  # pieces on a right of way
LEAST = 0.005  # expected pieces, or MW, that count as built


def word(factor: object) -> str:
    """A planning factor as a reader calls it."""
    return WORDS.get(str(factor), str(factor).replace("_", " "))


def colour(factor: str) -> str:
    """Of a stack or a pie."""
    return COLOURS.get(factor, style.UNKNOWN)


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share; ``cases`` in the order of the result, ``main``: the one shown in full ("" without
    any)."""

    result: StudyResult
    cases: tuple[str, ...]
    main: str

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none."""
        table = self.result.tables.get(name)
        if table is None or not len(table.columns):
            return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})
        return table

    def of(self, name: str, case: str) -> pd.DataFrame:
        """The rows of a case."""
        table = self.table(name)
        return table[table["case"].astype(str) == case]

    def case(self, name: str) -> Mapping[str, Any] | None:
        """The row of a case in the table of cases; None if there is none."""
        rows = self.of("cases", name)
        return None if not len(rows) else {str(k): v for k, v in rows.iloc[0].items()}

    @property
    def measure(self) -> str:
        """The risk measure in words; "" where the expected cost is optimised."""
        table = self.table("risk")
        return str(table["measure"].iloc[0]) if len(table) else ""

    def setting(self, part: str, name: str, default: Any) -> Any:
        """A setting of the study, or what the job takes without it."""
        given = self.result.settings.get(part)
        value = given.get(name) if isinstance(given, Mapping) else None
        return default if value is None else value

    @property
    def states(self) -> dict[str, str]:
        """Long-term states by their first appearance, each with its colour; the last one darkest."""
        names = [str(s) for s in self.table("outlooks")["state"]] or [str(s) for s in self.table("operations")["state"]]
        names = list(dict.fromkeys(names))
        return dict(zip(names, style.ramp(len(names)), strict=True)) if names else {}

    @property
    def contained(self) -> list[tuple[str, str]]:
        """Pairs (smaller, larger) of cases, the factors of one within those of the other."""
        table = self.table("factors")
        on = table[table["on"].astype(bool)]
        sets = {case: set(on.loc[on["case"].astype(str) == case, "factor"]) for case in self.cases}
        return [(a, b) for a in self.cases for b in self.cases if sets[a] < sets[b]]

    def allowed(self, case: str) -> str:
        """The factors of a case, in words: 'those of B, CCS retrofit'."""
        table = self.of("cases", case)
        every = [f for f in str(table["factors"].iloc[0]).split(", ") if f]
        inside = [a for a, b in self.contained if b == case]
        inside = [a for a in inside if not any((a, other) in self.contained for other in inside)]
        rows = self.table("factors")
        on = rows[rows["on"].astype(bool) & rows["case"].astype(str).isin(inside)]["factor"]
        new = [word(f) for f in every if f not in set(on)]
        return ", ".join(([f"those of {listed(inside)}"] if inside else []) + new) or "none"


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    found = Study(result, (), "")
    cases = found.table("cases")
    names = tuple(str(case) for case in cases["case"])
    if not names:
        return found
    counts = np.array([len([f for f in str(text).split(", ") if f]) for text in cases["factors"]])
    most = cases[counts == counts.max()]
    return Study(result, names, str(most.loc[optimised(most).idxmin(), "case"]))


def with_rows(study: Study, table: pd.DataFrame) -> list[str]:
    """The cases of the study that a table tells of, as many as a figure holds."""
    told = set(table["case"].astype(str))
    return [case for case in study.cases if case in told][:MOST_CASES]


def years(study: Study) -> str:
    """', stages of 5 years'; "" if the study does not say."""
    found = float(study.setting("chain", "years_per_stage", 0) or 0)
    return f", stages of {found:g} years" if found else ""


def optimised(cases: pd.DataFrame) -> "pd.Series[Any]":
    """What bounds and gaps of the table of cases are of: the risk-adjusted cost, without a measure the expected."""
    return cases["risk_adjusted_busd" if "risk_adjusted_busd" in cases else "cost_busd"].astype(float)


def assumed(table: pd.DataFrame) -> list[bool]:
    """Whether a parameter's source says 'assumed', wholly or in part."""
    return table["source"].astype(str).str.contains(r"\bassumed\b").tolist()


def listed(parts: Iterable[str]) -> str:
    """'a, b and c'."""
    names = list(parts)
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, noun: str) -> str:
    """'3 cases'."""
    return f"{style.number(count)} {noun}{'' if count == 1 else 's'}"
