"""An upgrade planning result as its report reads it: tables, unit of what is unserved, feeders by risk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.result import StudyResult

# The columns that report and page use; a table that a study lacks is read as empty.
COLUMNS = {
    "ranking": [
        "feeder", "customers", "peak_mw", "rated_mw", "probability", "severity", "expected_unserved", "mean_mw",
        "p95_mw", "highest_mw", "expected_unserved_after", "p95_mw_after", "rank",
    ],
    "selection": ["feeder", "measure", "limit", "cost_usd", "built", "year", "present_value_usd"],
    "projects": ["feeder", "measures", "discount_rate", "benefit_usd", "cost_usd", "npv_usd", "bcr", "payback_years"],
    "alternatives": [
        "feeder", "first_year", "shift_mw", "battery_mw", "adequate_until", "cost_usd", "wires_usd", "deferral_usd",
        "judged_by",
    ],
    "roadmap": [
        "feeder", "year", "action", "measures", "spend_usd", "probability", "severity", "expected_unserved", "p95_mw",
    ],
    "years": [
        "year", "spend_usd", "cumulative_usd", "budget_usd", "om_usd", "expected_unserved", "p95_unserved",
        "expected_unserved_without", "probability", "recourse_usd", "feeders_short",
    ],
    "scenarios": [
        "scenario", "probability", "growth", "solar_share", "ev_share", "ev_kw", "weather", "unserved_without",
        "unserved", "recourse_usd",
    ],
    "check": [
        "scenarios", "count", "expected_unserved", "p95_unserved", "highest_unserved", "probability",
        "expected_recourse_usd", "p95_recourse_usd", "expected_total_usd",
    ],
    "plans": ["plan", "investment_usd", "recourse_usd", "total_usd", "expected_unserved", "saidi_h", "measures"],
    "stochastic": ["quantity", "usd"],
    "value_of_lost_load": [
        "factor", "usd_per_unit", "plan", "investment_usd", "recourse_usd", "total_usd", "expected_unserved", "saidi_h",
        "measures",
    ],
    "pareto": [
        "bound", "investment_usd", "recourse_usd", "total_usd", "expected_unserved", "saidi_h", "measures", "status",
    ],
    "rounds": ["round", "expected_recourse_usd", "verified_recourse_usd", "corrected_packages"],
    "solver": ["program", "status", "total_usd", "bound_usd", "gap", "seconds"],
    "assumptions": ["topic", "text"], "findings": ["severity", "text"],
    "timing": ["phase", "seconds", "power_flows", "not_converged"],
}  # fmt: skip
WRITTEN = {"ev": "EV", "dr": "DR", "pv": "PV", "ltc": "LTC"}
QUANTITIES = ("unserved", "severity", "curtailed", "bound")  # columns in MWh (in MW where only the peak counts)


@dataclass(frozen=True, eq=False)
class Study:
    """What figures and page share; ``unit`` of what is unserved, ``feeders`` by risk, the worst first."""

    result: StudyResult
    unit: str
    feeders: list[str]

    def table(self, name: str) -> pd.DataFrame:
        """A table of the result; an empty one where the study has none, missing columns empty."""
        return _table(self.result, name)

    def has(self, name: str, *columns: str) -> bool:
        """Whether a table has rows, and these columns."""
        found = self.result.tables.get(name)
        return found is not None and len(found) > 0 and set(columns) <= set(found.columns)

    def head(self, name: str) -> Any:
        """The value of a headline number, None if the study gives none."""
        quantity = self.result.headline.get(name)
        return None if quantity is None else quantity.value

    def setting(self, part: str, name: str, default: Any) -> Any:
        """A setting of the study, or what the job takes without it."""
        given = self.result.settings.get(part)
        value = given.get(name) if isinstance(given, Mapping) else None
        return default if value is None else value

    def with_unit(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table whose columns of what is unserved end in its unit."""
        return table.rename(columns={c: f"{c}_{self.unit.lower()}" for c in table.columns if _counts(str(c))})

    def amount(self, value: float) -> str:
        """'1.24 MWh', in as many digits as its size deserves."""
        return f"{amount(value)}{style.SPACE}{self.unit}"

    @property
    def _shared(self) -> list[str]:
        """Places that may be what several feeders share: it is named after the transformer that is its head."""
        rows = self.table("baseline")
        if not self.has("baseline", "feeder", "head"):
            return []
        pairs = zip(rows["feeder"].astype(str), rows["head"].astype(str), strict=True)
        return [name for name, head in pairs if head.lower() == f"transformer.{name}".lower()]

    @property
    def substation(self) -> str | None:
        """The place that all feeders share; None if there is none, or the tables do not tell which it is."""
        shared, rows = self._shared, self.table("baseline")
        if len(shared) != 1 or "average_mw" not in rows or not set(self.feeders) <= set(rows["feeder"].astype(str)):
            return None
        load, mine = rows["average_mw"].astype(float), rows["feeder"].astype(str) == shared[0]
        return shared[0] if (~mine).sum() > 1 and np.isclose(load[mine].sum(), load[~mine].sum(), rtol=1e-6) else None

    @property
    def place(self) -> str:
        """'feeder'; 'place' where a substation is among them."""
        return "place" if self._shared else "feeder"

    @property
    def places(self) -> str:
        """'4 feeders and the substation sub-001'; '5 places (feeders and substations)' if it cannot be told apart."""
        if self.substation is not None:
            return f"{plural(len(self.feeders) - 1, 'feeder')} and the substation {words(self.substation)}"
        return plural(len(self.feeders), self.place) + (" (feeders and substations)" if self._shared else "")

    def counted(self, names: Iterable[object], among: Iterable[object], which: str = "") -> str:
        """'3 of 4 feeders and on the substation sub-001': some of the places of the study; ``which``: of what kind."""
        some, all_of = {str(name) for name in names}, {str(name) for name in among}
        if self.substation is None:
            told = f"{len(some)} of {plural(len(all_of), self.place)}{which}"
            return f"{told} (feeders and substations)" if self._shared else told
        feeders, shared = all_of - {self.substation}, f"the substation {words(self.substation)}"
        count = len(some & feeders)
        if self.substation not in some:
            return f"{count} of {plural(len(feeders), 'feeder')}{which}"
        if not count:
            return shared + (f" and on none of {plural(len(feeders), 'feeder')}{which}" if feeders else "")
        return f"{count} of {plural(len(feeders), 'feeder')}{which} and on {shared}"

    @property
    def built(self) -> pd.DataFrame:
        """What the plan builds: the rows of the selection, by year, the dearest first."""
        rows = self.table("selection")
        return rows[rows["built"].astype(bool)].sort_values(
            ["year", "cost_usd", "feeder"], ascending=[True, False, True], kind="stable"
        )

    @property
    def unproven(self) -> frozenset[str]:
        """The programs that the solver did not prove optimal."""
        rows = self.table("solver")
        return frozenset(str(name) for name in rows.loc[rows["status"].astype(str) != "optimal", "program"])

    @property
    def years(self) -> list[int]:
        """The years of the study."""
        return [int(year) for year in self.table("years")["year"]]


def view(result: StudyResult) -> Study:
    """Read a result once for its report."""
    ranked = [str(name) for name in _table(result, "ranking")["feeder"]]
    others = [str(name) for table in ("roadmap", "selection") for name in _table(result, table)["feeder"]]
    told = result.headline.get("unserved_before")
    unit = told.unit if told is not None and told.unit else "MWh"
    return Study(result, unit, list(dict.fromkeys([*ranked, *others])))


def _table(result: StudyResult, name: str) -> pd.DataFrame:
    found = result.tables.get(name)
    wanted = COLUMNS.get(name, [])
    if found is None:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in wanted})
    missing = [column for column in wanted if column not in found]
    return found.assign(**dict.fromkeys(missing, float("nan"))) if missing else found


def _counts(column: str) -> bool:
    parts = column.split("_")
    return any(word in parts for word in QUANTITIES) and parts[-1] not in ("usd", "mw", "mwh", "h")


def amount(value: float) -> str:
    """A number in as many digits as its size deserves: '346', '3.19', '0.033'."""
    size = abs(float(value))
    if size == 0:
        return "0"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return style.number(value, digits) if size >= 0.0005 else "under 0.001"


def millions(usd: float) -> str:
    """'USD 6.85 million', 'USD 690 000' below a million."""
    return f"USD\u00a0{style.number(usd / 1e6, 2)} million" if abs(usd) >= 1e6 else style.money(usd)


def words(name: object) -> str:
    """'substation_transformer' -> 'substation transformer'."""
    return " ".join(WRITTEN.get(word, word) for word in str(name).split("_"))


def listed(names: Iterable[object], most: int = 6) -> str:
    """'a, b and c'; more than ``most`` are counted."""
    texts: Sequence[str] = [str(name) for name in names]
    if len(texts) > most:
        return f"{', '.join(texts[:most])} and {len(texts) - most} more"
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def plural(count: int, word: str) -> str:
    """'1 measure', '2 measures'."""
    return f"{style.number(count)} {word}{'' if count == 1 else 's'}"
