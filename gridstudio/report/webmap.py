"""What the interactive parts of a page need, as plain data: the map, the voltage profile, the cost distribution."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.arrange import Distribution
from gridstudio.report.diagram import Diagram

# A page with more numbers than this (scenarios x years x elements) keeps fewer years: first and last, then the last.
MOST_NUMBERS = 100_000


def numbers(values: Any, digits: int) -> list[float | None]:
    """Rounded numbers for JSON; None where one is missing."""
    array = np.asarray(values, dtype=float)
    return [
        None if missing else value
        for value, missing in zip(array.round(digits).tolist(), ~np.isfinite(array), strict=True)
    ]


def years_kept(count: int, scenarios: int, years: int) -> list[int]:
    """The years whose values a page carries, for ``count`` numbers a scenario and year."""
    everything = list(range(1, years + 1))
    for kept in (everything, sorted({1, years})):
        if count * scenarios * len(kept) <= MOST_NUMBERS:
            return kept
    return [years]


def network_map(
    diagram: Diagram, plans: Mapping[str, pd.DataFrame], titles: Mapping[str, str], loadings: pd.DataFrame, years: int,
    colours: Mapping[str, str], limit_pu: float, start: str,
) -> dict[str, Any]:  # fmt: skip
    """The map of each plan (name -> its interventions) by year, with loadings where the plan is a
    reported scenario; ``start`` is the plan shown first.

    Branch arrays follow ``diagram.branches``; ``changes`` are [year, branch, conductor, cost_usd]; ``loading`` holds,
    by year, rows [branch, A before, pu before, A after, pu after].
    """
    branches, names = diagram.branches, list(colours)
    index = {name: i for i, name in enumerate(names)}
    row = diagram.row_of_line()
    scale = 10 ** max(0, 5 - len(str(int(max(map(abs, diagram.extent))))))  # keep about six digits
    kept = years_kept(4 * len(row), loadings["scenario"].nunique(), years)
    return {
        "branch": {
            "name": branches["name"].astype(str).tolist(),
            "kind": branches["kind"].astype(str).tolist(),
            "bus1": branches["bus1"].astype(str).tolist(),
            "bus2": branches["bus2"].astype(str).tolist(),
            "phases": branches["phases"].astype(int).tolist(),
            "length": numbers(branches["length_m"], 1),
            "switch": branches["is_switch"].astype(bool).tolist(),
            "closed": branches["closed"].astype(bool).tolist(),
            "rating": numbers(branches["ampacity_a"], 1),
            "conductor": [index.get(str(name), -1) for name in branches["conductor"].fillna("")],
            "path": [(np.round(path * scale) / scale).tolist() for path in diagram.paths],
        },
        "sources": [[str(diagram.buses["bus"][i]), *diagram.xy[i].tolist()] for i in diagram.sources],
        "extent": list(diagram.extent),
        "computed": diagram.computed,
        "conductors": names,
        "colours": list(colours.values()),
        "unknown": style.UNKNOWN,
        "bands": [
            [None if np.isinf(band.high_pu) else band.high_pu, band.colour, band.label, band.over]
            for band in style.loading_bands(limit_pu)
        ],
        "limit": limit_pu,
        "start": list(plans).index(start),
        "years": years,
        "plans": [
            {
                "name": name,
                "title": titles[name],
                "changes": [
                    [int(year), row[line], index[to], round(float(cost), 2)]
                    for year, line, to, cost in plan[["year", "line", "to", "cost_usd"]].itertuples(index=False)
                ],
                "loading": _loading_by_year(loadings[loadings["scenario"] == name], row, kept),
            }
            for name, plan in plans.items()
        ],
    }  # fmt: skip


def _loading_by_year(loadings: pd.DataFrame, row: Mapping[str, int], kept: Sequence[int]) -> dict[str, list[Any]]:
    columns = (("current_before_a", 1), ("loading_before_pu", 4), ("current_after_a", 1), ("loading_after_pu", 4))
    found = {}
    for year, part in loadings[loadings["year"].isin(kept)].groupby("year"):
        values = [numbers(part[column], digits) for column, digits in columns]
        found[str(year)] = [list(cells) for cells in zip((row[line] for line in part["line"]), *values, strict=True)]
    return found


def voltage_profiles(
    voltages: pd.DataFrame, pairs: Any, limits_pu: tuple[float, float], years: int, start: str
) -> dict[str, Any]:
    """Voltages of the reported scenarios by year, all in the order of the nodes of the first scenario and year.

    ``pairs`` (pair, 2): rows of nodes that a branch joins.
    """
    scenarios = list(dict.fromkeys(voltages["scenario"]))
    first = voltages[(voltages["scenario"] == scenarios[0]) & (voltages["year"] == voltages["year"].iloc[0])]
    kept = years_kept(2 * len(first), len(scenarios), years)
    keys = list(zip(first["bus"], first["phase"], strict=True))
    by_case = {
        (scenario, int(year)): part.set_index(["bus", "phase"]).loc[keys]
        for (scenario, year), part in voltages[voltages["year"].isin(kept)].groupby(["scenario", "year"], sort=False)
    }
    return {
        "bus": first["bus"].astype(str).tolist(),
        "phase": first["phase"].astype(int).tolist(),
        "distance": numbers(first["distance_km"], 4),
        "pairs": pairs.tolist(),
        "limits": list(limits_pu),
        "colours": style.PHASE_COLOURS,
        "symbols": {1: "circle", 2: "square", 3: "triangle-up"},
        "line": style.WARNING,
        "start": start,
        "cases": [
            {
                "scenario": str(scenario),
                "year": year,
                "before": numbers(part["v_before_pu"], 5),
                "after": numbers(part["v_after_pu"], 5),
                "outside": [_outside(part[column], limits_pu) for column in ("v_before_pu", "v_after_pu")],
            }
            for (scenario, year), part in by_case.items()
        ],
    }  # fmt: skip


def _outside(v_pu: "pd.Series[Any]", limits_pu: tuple[float, float]) -> int:
    """How many nodes lie outside the limits, before anything is rounded."""
    return int(((v_pu < limits_pu[0]) | (v_pu > limits_pu[1])).sum())


def cost_distribution(
    shape: Distribution, expected_usd: float | None, span_usd: tuple[float, float] | None, label: str
) -> dict[str, Any]:
    """Histogram and exceedance curve."""
    return {
        "edges": numbers(shape.edges, 2),
        "weight": numbers(shape.weight, 6),
        "cost": numbers(shape.cost_usd, 2),
        "above": numbers(shape.above, 6),
        "expected": expected_usd,
        "span": span_usd,
        "label": label,
        "colour": style.ACCENT,
        "pale": style.ACCENT_PALE,
        "line": style.WARNING,
    }
