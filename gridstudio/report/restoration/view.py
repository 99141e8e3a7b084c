"""A restoration result seen as its report shows it: methods, storms, who is out and live after each operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.report import style
from gridstudio.report.diagram import Diagram, draw
from gridstudio.result import StudyResult

BEST = ("exact", "learned", "greedy", "naive", "none")  # whose order is shown first
MOST_STORMS = 5  # with figures of their own
LABELS = {"none": "crew only", "naive": "all ties closed"}  # of methods that the table of means does not name

COLUMNS = {
    "comparison": [
        "storm", "method", "seed", "customers_out", "customers_restored", "kw_restored", "ci", "cmi",
        "customer_minutes", "saifi", "saidi_min", "caidi_min", "momentary", "maifi", "ens_kwh", "cost_usd",
        "violations", "operations", "switched_min", "power_flows", "seconds", "status", "bound", "gap",
    ],
    "means": [
        "method", "label", "storms", "customers_restored", "cmi", "customer_minutes", "saidi_min", "ens_kwh",
        "cost_usd", "power_flows", "seconds", "operations", "violations", "customer_minutes_std",
    ],
    "orders": [
        "storm", "method", "seed", "step", "minute", "device", "element", "type", "action", "control", "purpose",
        "sections", "customers", "kw", "v_min_pu", "v_min_at", "loading_max_pu", "loading_at", "rating", "violations",
    ],
    "outages": [
        "storm", "method", "seed", "section", "customers", "kw", "faulted", "out", "out_min", "repaired_min",
    ],
    "violations": ["storm", "method", "seed", "step", "kind", "element", "value", "limit", "unit"],
    "storms": ["storm", "role", "element", "section", "repair_min", "load_scale", "tripped", "customers_out"],
    "devices": [
        "device", "element", "type", "normally_open", "remote", "operating_min", "travel_min", "bus1", "bus2",
        "section1", "section2",
    ],
    "sections": ["section", "customers", "kw", "buses", "loads", "supplied"],
    "training": ["seed", "episode", "saved", "epsilon"],
    "seeds": [
        "seed", "states", "customer_minutes", "greedy_customer_minutes", "exact_customer_minutes",
        "difference_to_greedy",
    ],
    "cold_load": [
        "storm", "section", "customers", "kw", "outage_h", "factor", "steady_min", "pickup_min", "waited_min", "method",
    ],
    "cold_load_curve": ["storm", "minute", "kw", "diversified_kw", "v_min_pu", "loading_max_pu", "allowed"],
    "business_case": ["measure", "customers", "ci", "cmi", "energy_kwh", "cost_usd", "usd_per_year"],
    "repairs": [
        "storm", "method", "seed", "minute", "repaired", "operations", "customers", "kw", "v_min_pu", "loading_max_pu",
        "rating", "violations",
    ],
    "cold_load_effect": [
        "storm", "method", "customers_restored", "customer_minutes", "customers_restored_cold",
        "customer_minutes_cold", "all_allowed",
    ],
    "network_buses": ["bus", "x", "y", "base_kv", "distance_km"],
    "network_branches": ["element", "kind", "name", "bus1", "bus2", "is_switch", "closed", "section"],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip


@dataclass(frozen=True)
class MethodLook:
    """How a method is drawn: also without colour no two are alike."""

    colour: str
    dashes: Any
    width: float


# From wide to narrow, so that equal curves lie one on another and all are seen.
LOOKS = {
    "none": MethodLook("#6b7680", (0, (5, 2)), 1.6),
    "naive": MethodLook("#a3adb6", (0, (1, 1.2)), 2.2),
    "greedy": MethodLook("#f0b94d", "solid", 8.0),
    "learned": MethodLook("#009e73", "solid", 4.6),
    "exact": MethodLook("#0b3c64", "solid", 1.7),
}
OTHER = MethodLook("#cc79a7", "solid", 1.8)


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share.

    ``methods`` in the order of the table of means; ``best``: whose orders are shown first, with its first ``seed``;
    ``storms``: the judged ones in their order, ``shown``: those with figures; ``diagram`` None without a network.
    """

    result: StudyResult
    methods: list[str]
    labels: dict[str, str]
    best: str
    storms: list[str]
    diagram: Diagram | None

    @property
    def shown(self) -> list[str]:
        """The storms that have figures of their own."""
        return self.storms[:MOST_STORMS]

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none."""
        table = self.result.tables.get(name)
        return _empty(name) if table is None or not len(table.columns) else table

    def named(self, name: str) -> pd.DataFrame:
        """A table with methods by their labels."""
        table = self.table(name)
        return table.assign(method=[self.label(m) for m in table["method"]]) if "method" in table else table

    def label(self, method: object) -> str:
        """A method in words."""
        return self.labels.get(str(method), str(method))

    def of(self, name: str, storm: str, method: str = "") -> pd.DataFrame:
        """Rows of a table for a storm and a method (default: the best) in its first training."""
        table, method = self.table(name), method or self.best
        rows = table[(table["storm"] == storm) & (table["method"] == method)]
        return rows[rows["seed"] == rows["seed"].min()] if len(rows) else rows

    def head(self, name: str) -> Any:
        """The value of a headline number, None if the study gives none."""
        quantity = self.result.headline.get(name)
        return None if quantity is None else quantity.value

    def setting(self, part: str, name: str, default: Any) -> Any:
        """A setting of the study, or what the job takes without it."""
        given = self.result.settings.get(part)
        value = given.get(name) if isinstance(given, Mapping) else None
        return default if value is None else value

    def operations(self, storm: str, method: str = "") -> pd.DataFrame:
        """The order sheet without the trips."""
        sheet = self.of("orders", storm, method)
        return sheet[sheet["step"] > 0]


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""

    def table(name: str) -> pd.DataFrame:
        found = result.tables.get(name)
        return _empty(name) if found is None or not len(found.columns) else found

    means, compared, buses, branches = map(table, ("means", "comparison", "network_buses", "network_branches"))
    methods = [str(m) for m in dict.fromkeys([*means["method"], *compared["method"]])]
    return Study(
        result=result,
        methods=methods,
        labels=LABELS | dict(zip(map(str, means["method"]), map(str, means["label"]), strict=True)),
        best=next((name for name in BEST if name in methods), methods[0] if methods else ""),
        storms=[str(storm) for storm in dict.fromkeys(compared["storm"])],
        diagram=draw(buses, branches) if len(buses) and len(branches) else None,
    )


def _empty(name: str) -> pd.DataFrame:
    return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})


def look(method: str) -> MethodLook:
    """How a method is drawn."""
    return LOOKS.get(method, OTHER)


# ---- supply after each operation, as the tables tell it -----------------------------------------


@dataclass(frozen=True, eq=False)
class Course:
    """A storm under the best method: its order sheet (step 0: the trips), who is out, the devices' normal positions
    and the sections that are dead in the normal state."""

    orders: list[dict[str, Any]]
    outages: list[dict[str, Any]]
    normal: dict[str, bool]
    dark: list[str]

    @property
    def last(self) -> int:
        """The last step."""
        return max((int(row["step"]) for row in self.orders), default=0)

    def supply(self, step: int) -> dict[str, str]:
        """Section -> restored, dead or faulted after a step; those that are not named are live."""
        done = [row for row in self.orders if 0 < row["step"] <= step]
        picked = {name for row in done for name in _names(row["sections"])}
        found = dict.fromkeys(self.dark, "dead")
        for row in self.outages:
            if row["faulted"]:
                found[str(row["section"])] = "faulted"
            elif row["out"]:
                found[str(row["section"])] = "restored" if row["section"] in picked else "dead"
        return found | dict.fromkeys(self._between_feeders(step), "dead")

    def _between_feeders(self, step: int) -> set[str]:
        """Sections that one feeder has handed over and the other has not yet taken."""
        dark: set[str] = set()
        given = 0
        for row in self.orders:
            if str(row["purpose"]).startswith("hand over"):
                given = given or int(row["step"])
            elif str(row["purpose"]).startswith("take over"):
                if given and given <= step < int(row["step"]):
                    dark.update(_names(row["sections"]))
                given = 0
        return dark

    def closed(self, step: int) -> dict[str, bool]:
        """Element -> closed of every device after a step."""
        found = dict(self.normal)
        for row in self.orders:
            if row["step"] <= step:
                found |= dict.fromkeys(_names(row["element"]), row["action"] == "close")
        return found


def course(study: Study, storm: str) -> Course:
    """Read a storm's tables once for its maps."""
    devices, sections = study.table("devices"), study.table("sections")
    return Course(
        orders=study.of("orders", storm).to_dict("records"),
        outages=study.of("outages", storm).to_dict("records"),
        normal={str(e): not is_open for e, is_open in zip(devices["element"], devices["normally_open"], strict=True)},
        dark=[str(s) for s, on in zip(sections["section"], sections["supplied"], strict=True) if not on],
    )


def _names(joined: object) -> list[str]:
    return [name for name in str(joined or "").split(", ") if name]


@dataclass(frozen=True, eq=False)
class Curve:
    """Customers out from each of ``minute`` (step,) on; the last lasts to the end."""

    minute: NDArray[np.float64]
    customers: NDArray[np.float64]


def customers_out(outages: pd.DataFrame) -> Curve:
    """Of the sections that the trips put out, by the minute of their restoration."""
    out = outages[outages["out"].astype(bool)]
    minutes, count = out["out_min"].to_numpy(dtype=float), out["customers"].to_numpy(dtype=float)
    times = np.unique(np.concatenate([[0.0], minutes]))
    return Curve(times, np.array([count[minutes > t].sum() for t in times], dtype=np.float64))


def share(value: float, whole: float) -> str:
    """'21.6 % less' of a whole."""
    if not whole > 0:
        return ""
    part = 1 - value / whole
    return f"{style.percent(abs(part), 1)} {'less' if part >= 0 else 'MORE'}"
