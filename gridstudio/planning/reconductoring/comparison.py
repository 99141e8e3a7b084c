"""The study's plan beside a published one, row by row; differences are shown, not tuned away."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.scenarios import Scenario
from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError
from gridstudio.evaluation import Evaluations
from gridstudio.planning.reconductoring.problem import Problem

COLUMNS = ("scenario", "line", "year", "from", "to", "cost_usd")
COST_TOLERANCE_USD = 1.0  # published costs are rounded


def read_published(path: Path) -> pd.DataFrame:
    """Published interventions: scenario, line, year, from, to, cost_usd. InputError if the file is none such."""
    table = read_table(path, "table of published interventions", COLUMNS, texts=("scenario", "line", "from", "to"))
    wrong = [c for c in ("year", "cost_usd") if not pd.api.types.is_numeric_dtype(table[c]) or table[c].isna().any()]
    if wrong:
        raise InputError(f"The published interventions {path}: not all values of {', '.join(wrong)} are numbers.")
    return table.assign(line=table["line"].str.lower())


def compare(
    problem: Problem, scenarios: Sequence[Scenario], published: pd.DataFrame, made: pd.DataFrame, before: Evaluations
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and totals of the comparison, for the published scenarios that this run has.

    A line's first replacement is held against its first published one, the second against the second.
    rows: scenario, line, agrees, year_published, to_published, cost_published_usd, year, to, cost_usd, remark.
    totals: scenario, interventions_published, interventions, agreeing, cost_published_usd, cost_usd.
    """
    number = {scenario.name: index for index, scenario in enumerate(scenarios)}
    published = published[published["scenario"].isin(list(number))]
    both = (
        _counted(published)
        .merge(
            _counted(made[made["scenario"].isin(published["scenario"])]),
            on=["scenario", "line", "_nth"],
            how="outer",
            suffixes=("_published", ""),
            sort=False,
        )
        .rename(columns={"cost_usd_published": "cost_published_usd"})
    )
    both["agrees"] = (
        both["year"].eq(both["year_published"])
        & both["to"].eq(both["to_published"])
        & both["from"].eq(both["from_published"])
        & (both["cost_usd"] - both["cost_published_usd"]).abs().le(COST_TOLERANCE_USD)
    )
    current_a = before.branch_current_a()
    both["remark"] = [
        "" if row.agrees else _remark(problem, str(row.line), current_a[number[str(row.scenario)]])
        for row in both.itertuples()
    ]
    both["_order"] = both["scenario"].map(number)
    both = both.sort_values(["_order", "year_published", "line"], kind="stable", ignore_index=True)
    rows = both[
        [
            *("scenario", "line", "agrees", "year_published", "to_published", "cost_published_usd"),
            *("year", "to", "cost_usd", "remark"),
        ]
    ].astype({"year": "Int64", "year_published": "Int64"})
    grouped = rows.groupby("scenario", sort=False)
    totals = pd.DataFrame(
        {
            "interventions_published": grouped["year_published"].count(),
            "interventions": grouped["year"].count(),
            "agreeing": grouped["agrees"].sum(),
            "cost_published_usd": grouped["cost_published_usd"].sum(),
            "cost_usd": grouped["cost_usd"].sum(),
        }
    ).reset_index()
    return rows, totals


def _counted(interventions: pd.DataFrame) -> pd.DataFrame:
    """With ``_nth``: which replacement of its line a row is."""
    ordered = interventions.sort_values("year", kind="stable")
    return ordered.assign(_nth=ordered.groupby(["scenario", "line"]).cumcount())


def _remark(problem: Problem, line: str, current_a: NDArray[np.float64]) -> str:
    """What our power flow (year, branch) says about a row that differs."""
    if line not in problem.lines:
        return "this line cannot be replaced in this study"
    index = problem.lines.index(line)
    amps = current_a[:, problem.branch[index]]
    limit_a = problem.limit_pu * problem.catalogue.ampacity_a[problem.existing[index]]
    short = np.flatnonzero(amps > limit_a)
    when = f"above it from year {short[0] + 1} on" if len(short) else "never above it"
    return f"peaks at {amps.max():.1f} A in year {int(amps.argmax()) + 1}, its limit is {limit_a:.1f} A: {when}"
