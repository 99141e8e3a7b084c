"""Tables of a result arranged as a picture shows them: weights in bins, rows by columns. Nothing new is computed."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 26


@dataclass(frozen=True, eq=False)
class Distribution:
    """A distribution of costs: bins ``edges`` (bin + 1,) with their probability ``weight`` (bin,), and the exceedance
    curve: probability ``above`` (point,) that the cost is at least ``cost_usd`` (point,), from low to high cost."""

    edges: Floats
    weight: Floats
    cost_usd: Floats
    above: Floats


def distribution(cost_usd: Floats, probability: Floats) -> Distribution:
    """Bins of a round width and the exceedance curve of weighted costs (scenario,)."""
    low, high = float(cost_usd.min()), float(cost_usd.max())
    step = _round_step((high - low) / BINS) if high > low else max(_round_step(abs(high) / 50), 1.0)
    first = math.floor(low / step) * step
    edges = first + step * np.arange(int((high - first) / step) + 2)
    weight = np.histogram(cost_usd, bins=edges, weights=probability)[0]
    values, where = np.unique(cost_usd.round(2), return_inverse=True)
    mass = np.bincount(where, weights=probability)
    above = mass[::-1].cumsum()[::-1]
    return Distribution(np.asarray(edges, dtype=np.float64), weight, values, np.minimum(above, 1.0))


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * part for part in (1, 2, 5, 10) if power * part >= step * (1 - 1e-9))


@dataclass(frozen=True, eq=False)
class Decisions:
    """Probability ``p`` (line, option) that a line gets a conductor in a year; ``options`` are (year, conductor)."""

    lines: list[str]
    options: list[tuple[int, str]]
    p: Floats


def decisions(table: pd.DataFrame, interventions: pd.DataFrame, scenarios: pd.DataFrame, order: list[str]) -> Decisions:
    """The lines of the decision table (in its order) by the options that occur, conductors in the catalogue's order."""
    weighted = _with_probability(interventions, scenarios)
    p = weighted.groupby(["line", "year", "to"], sort=False)["probability"].sum()
    rank = {name: i for i, name in enumerate(order)}
    options = sorted({(int(y), str(c)) for _, y, c in p.index}, key=lambda o: (o[0], rank.get(o[1], -1)))
    lines = [str(line) for line in table.loc[table["p_replaced"] > 0, "line"]]
    row, column = {line: i for i, line in enumerate(lines)}, {option: j for j, option in enumerate(options)}
    matrix = np.zeros((len(lines), len(options)))
    for (line, year, conductor), value in p.items():
        if line in row:
            matrix[row[line], column[int(year), str(conductor)]] = value
    return Decisions(lines, options, matrix)


@dataclass(frozen=True, eq=False)
class Spending:
    """Expected spending (conductor, year) [USD], and a scenario's lowest and highest total in each year (year,)."""

    years: list[int]
    conductors: list[str]
    expected_usd: Floats
    low_usd: Floats
    high_usd: Floats


def spending(interventions: pd.DataFrame, scenarios: pd.DataFrame, years: int, order: list[str]) -> Spending:
    """Spending by year and new conductor, over all scenarios weighted by their probability."""
    weighted = _with_probability(interventions, scenarios)
    used = set(weighted["to"])
    conductors = [name for name in order if name in used] + sorted(used - set(order))
    row = {name: i for i, name in enumerate(conductors)}
    expected = np.zeros((len(conductors), years))
    index = weighted["to"].map(row).to_numpy(dtype=int), weighted["year"].to_numpy(dtype=int) - 1
    np.add.at(expected, index, (weighted["cost_usd"] * weighted["probability"]).to_numpy(dtype=float))
    total = np.zeros((len(scenarios), years))
    which = weighted["scenario"].map({s: i for i, s in enumerate(scenarios["scenario"])}).to_numpy(dtype=int)
    np.add.at(total, (which, index[1]), weighted["cost_usd"].to_numpy(dtype=float))
    return Spending(list(range(1, years + 1)), conductors, expected, total.min(axis=0), total.max(axis=0))


def _with_probability(interventions: pd.DataFrame, scenarios: pd.DataFrame) -> pd.DataFrame:
    probability = dict(zip(scenarios["scenario"], scenarios["probability"], strict=True))
    return interventions.assign(probability=interventions["scenario"].map(probability).astype(float))


@dataclass(frozen=True, eq=False)
class Profile:
    """Voltages of one scenario and year: a table bus, phase, distance_km, v_before_pu, v_after_pu, and ``pairs``
    (pair, 2) of its rows that a closed branch joins on the same phase."""

    nodes: pd.DataFrame
    pairs: NDArray[np.int_]


def profile(nodes: pd.DataFrame, branches: pd.DataFrame) -> Profile:
    """Join the nodes of one scenario and year along the closed branches."""
    nodes = nodes.reset_index(drop=True)
    phases: dict[str, dict[int, int]] = {}
    for row, (bus, phase) in enumerate(zip(nodes["bus"], nodes["phase"], strict=True)):
        phases.setdefault(str(bus), {})[int(phase)] = row
    closed = branches[branches["closed"].astype(bool)]
    pairs = [
        (rows[phase], phases[b][phase])
        for a, b in dict.fromkeys(zip(closed["bus1"], closed["bus2"], strict=True))
        for rows in [phases.get(str(a), {})]
        for phase in rows
        if phase in phases.get(str(b), {})
    ]
    return Profile(nodes, np.array(pairs, dtype=int).reshape(-1, 2))


def causes(violations: pd.DataFrame) -> pd.DataFrame:
    """Violations by kind and cause: kind, cause, violations, scenarios, elements, worst (value and unit as text).

    Causes that differ only in a number are one; the first of them stands for all.
    """
    if violations.empty:
        return pd.DataFrame(columns=["kind", "cause", "violations", "scenarios", "elements", "worst"])
    cause = violations["cause"].fillna("").astype(str) if "cause" in violations else pd.Series("", violations.index)
    key = cause.str.replace(r"\d+(?:\.\d+)?", "#", regex=True)
    rows = []
    for _, group in violations.assign(_cause=cause, _key=key).groupby(["kind", "_key"], sort=False):
        excess = (group["value"] - group["limit"]).abs() / group["limit"].abs()
        worst = group.loc[excess.idxmax()] if excess.notna().any() else group.iloc[0]
        names = list(dict.fromkeys(map(str, group["element"])))
        rows.append(
            {
                "kind": worst["kind"],
                "cause": group["_cause"].iloc[0],
                "violations": len(group),
                "scenarios": group["scenario"].nunique(),
                "elements": ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else ""),
                "worst": f"{worst['value']:.5g} {worst['unit']} (limit {worst['limit']:.5g})",
            }
        )
    return pd.DataFrame(rows).sort_values("violations", ascending=False, kind="stable")
