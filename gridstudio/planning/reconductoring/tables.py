"""What a reconductoring study gives, as tidy tables. Years count from 1, units are in the column names.

Columns are listed at each function; ``scenario`` is the scenario's number as text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.scenarios import Scenario
from gridstudio.evaluation import Evaluation, Evaluations
from gridstudio.planning.reconductoring.branch import Step
from gridstudio.planning.reconductoring.problem import Plan, Problem

Floats = NDArray[np.float64]
Table: TypeAlias = pd.DataFrame


def network_buses(problem: Problem) -> Table:
    """bus, x, y, base_kv, distance_km."""
    return problem.network.buses.copy()


def network_branches(problem: Problem) -> Table:
    """element, kind, name, bus1, bus2, phases, length_m, is_switch, closed, conductor, ampacity_a."""
    network = problem.network
    names = [problem.catalogue.names[row] for row in problem.existing]
    conductor = dict(zip([f"line.{line}" for line in problem.lines], names, strict=True))
    lines = network.lines.assign(element="line." + network.lines["line"]).set_index("element")
    table = network.branches[["element", "kind", "name", "bus1", "bus2", "phases"]].copy()
    table["length_m"] = table["element"].map(lines["length_m"])
    table["is_switch"] = table["element"].map(lines["is_switch"]).eq(True)
    table["closed"] = ~table["element"].map(lines["closed"]).eq(False)
    table["conductor"] = [conductor.get(element, "") for element in table["element"]]
    table["ampacity_a"] = network.branches["ampacity_a"]
    return table


def catalogue(problem: Problem) -> Table:
    """conductor, ampacity_a, cost_usd_per_km (surcharge included), selectable."""
    given = problem.catalogue
    return Table(
        {
            "conductor": list(given.names),
            "ampacity_a": given.ampacity_a,
            "cost_usd_per_km": problem.cost_usd_per_km,
            "selectable": given.selectable,
        }
    )


def replacements(problem: Problem, plan: Plan) -> Table:
    """line, year, length_m, from, to, cost_usd, present_value_usd: one plan, by year, then in the circuit's order."""
    rows = []
    for item in plan.replacements:
        earlier = [c for y, c in plan.of_line(item.line) if y < item.year]
        before = earlier[-1] if earlier else int(problem.existing[item.line])
        cost = problem.cost_usd_per_km[item.conductor] * problem.length_km[item.line]
        rows.append(
            (
                problem.lines[item.line],
                item.year + 1,
                problem.length_km[item.line] * 1000.0,
                problem.catalogue.names[before],
                problem.catalogue.names[item.conductor],
                cost,
                cost * problem.discount[item.year],
            )
        )
    columns = ["line", "year", "length_m", "from", "to", "cost_usd", "present_value_usd"]
    return Table(rows, columns=columns).sort_values("year", kind="stable", ignore_index=True)


def interventions(problem: Problem, scenarios: Sequence[Scenario], plans: Sequence[Plan]) -> Table:
    """scenario, and the columns of ``replacements``: the per-year reconductoring table."""
    made: dict[Plan, Table] = {}
    for plan in plans:
        if plan not in made:
            made[plan] = replacements(problem, plan)
    parts = [made[plan] for plan in plans]
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "scenario", np.repeat([s.name for s in scenarios], [len(part) for part in parts]))
    return table


def totals(problem: Problem, scenarios: Sequence[Scenario], rows: Table) -> Table:
    """scenario, year, interventions, length_m, cost_usd, present_value_usd: every year, also those without work."""
    index = pd.MultiIndex.from_product(
        [[s.name for s in scenarios], range(1, problem.years + 1)], names=["scenario", "year"]
    )
    grouped = rows.groupby(["scenario", "year"])
    table = grouped[["length_m", "cost_usd", "present_value_usd"]].sum()
    table.insert(0, "interventions", grouped.size())
    return table.reindex(index, fill_value=0).reset_index().astype({"interventions": int})


def scenario_table(
    problem: Problem,
    scenarios: Sequence[Scenario],
    levels: Table,
    plans: Sequence[Plan],
    before: Evaluations,
    after: Evaluations,
) -> Table:
    """scenario, level_<load>, probability, interventions, length_m, cost_usd, present_value_usd, then before and after:
    v_min_pu, v_max_pu, loading_max_pu (lines with a conductor), losses_max_kw, violations. NaN if no year converged."""
    table = levels.copy()
    table["probability"] = [s.probability for s in scenarios]
    table["interventions"] = [len(plan.replacements) for plan in plans]
    table["length_m"] = [sum(problem.length_km[r.line] for r in plan.replacements) * 1000.0 for plan in plans]
    table["cost_usd"] = [
        sum(problem.cost_usd_per_km[r.conductor] * problem.length_km[r.line] for r in plan.replacements)
        for plan in plans
    ]
    table["present_value_usd"] = [problem.capital_usd(plan) for plan in plans]
    for when, evaluations in (("before", before), ("after", after)):
        table[f"v_min_{when}_pu"], table[f"v_max_{when}_pu"] = _voltage_range(evaluations)
        loading = (evaluations.branch_current_a() / evaluations.ampacity_a())[:, :, problem.branch]
        table[f"loading_max_{when}_pu"] = _largest(loading)
        table[f"losses_max_{when}_kw"] = _largest(evaluations.flow.losses_kw[evaluations.row])
        broken = evaluations.verdict()
        table[f"violations_{when}"] = sum(
            getattr(broken, kind).sum(axis=(1, 2)) for kind in ("low", "high", "dead", "overloaded")
        ) + (~evaluations.flow.converged[evaluations.row]).sum(axis=1)
    return table


def _voltage_range(evaluations: Evaluations) -> tuple[Floats, Floats]:
    """Lowest and highest voltage of fed nodes over the years (case,) [pu]."""
    v_pu = evaluations.flow.v_pu[:, :, evaluations.network.nodes["fed"].to_numpy()]
    return -_largest(-v_pu)[evaluations.row], _largest(v_pu)[evaluations.row]


def _largest(values: Floats) -> Floats:
    """Largest value of each case (case, ...), years that did not converge left out; NaN if none did."""
    largest = np.fmax.reduce(values.reshape(len(values), -1), axis=1, initial=-np.inf)
    return np.where(np.isinf(largest), np.nan, largest)


def violations(found: Evaluations) -> Table:
    """scenario, year, kind, element, phase, value, limit, unit; kinds as in Evaluations.violations."""
    table = found.violations()
    table.insert(1, "year", table.pop("step") + 1)
    return table


def decisions(problem: Problem, scenarios: Sequence[Scenario], plans: Sequence[Plan]) -> Table:
    """Per line over all scenarios: line, length_m, from, class, p_replaced, p_unchanged, p_advanced, p_deferred,
    p_conductor_changed, p_new, p_not_needed, first_year_min, first_year_max, years, conductors, expected_cost_usd.

    Measured against the first scenario (lowest loads), as in the paper: *unchanged* (same years, same conductors),
    *advanced* (a replacement earlier), *deferred* (later), *conductor changed*, *new* (not in the first scenario).
    The probabilities of advanced, deferred and conductor changed may overlap. ``class`` is the furthest departure that
    occurs: new, else conductor changed, else advanced, else deferred (later, or not needed), else unchanged.
    ``years`` are those of the first replacement, ``conductors`` the last ones.
    """
    probability = np.array([s.probability for s in scenarios])
    touched = sorted({r.line for plan in plans for r in plan.replacements})
    rows = [_decision(problem, line, [plan.of_line(line) for plan in plans], probability) for line in touched]
    table = Table(rows, columns=DECISION_COLUMNS)
    return table.sort_values(["p_replaced", "expected_cost_usd"], ascending=False, kind="stable", ignore_index=True)


DECISION_COLUMNS = [
    *("line", "length_m", "from", "class", "p_replaced", "p_unchanged", "p_advanced", "p_deferred"),
    *("p_conductor_changed", "p_new", "p_not_needed", "first_year_min", "first_year_max", "years", "conductors"),
    "expected_cost_usd",
]


def _decision(
    problem: Problem, line: int, sequences: Sequence[tuple[Step, ...]], probability: Floats
) -> dict[str, Any]:
    reference = sequences[0]
    kinds = [_departures(reference, steps) for steps in sequences]
    p = {kind: float(probability[[kind in found for found in kinds]].sum()) for kind in KINDS}
    occurring = {kind for found in kinds for kind in found}
    furthest = next((label for kind, label in CLASSES if kind in occurring), "unchanged")
    done = [row for row, steps in enumerate(sequences) if steps]
    years: dict[int, float] = {}
    conductors: dict[int, float] = {}
    for row in done:
        (year, _), (_, conductor) = sequences[row][0], sequences[row][-1]
        years[year + 1] = years.get(year + 1, 0.0) + probability[row]
        conductors[conductor] = conductors.get(conductor, 0.0) + probability[row]
    cost = problem.cost_usd_per_km * problem.length_km[line]
    return {
        "line": problem.lines[line],
        "length_m": problem.length_km[line] * 1000.0,
        "from": problem.catalogue.names[problem.existing[line]],
        "class": furthest,
        "p_replaced": float(probability[done].sum()),
        **{f"p_{kind}": p[kind] for kind in KINDS},
        "first_year_min": min(years),
        "first_year_max": max(years),
        "years": _shares(dict(sorted(years.items()))),
        "conductors": _shares({problem.catalogue.names[c]: share for c, share in sorted(conductors.items())}),
        "expected_cost_usd": float(probability @ [sum(cost[c] for _, c in steps) for steps in sequences]),
    }


KINDS = ("unchanged", "advanced", "deferred", "conductor_changed", "new", "not_needed")
CLASSES = (
    ("new", "new"),
    ("conductor_changed", "conductor changed"),
    ("advanced", "advanced"),
    ("deferred", "deferred"),
    ("not_needed", "deferred"),
)


def _departures(reference: tuple[Step, ...], steps: tuple[Step, ...]) -> set[str]:
    """How a line's sequence departs from the reference's."""
    if not steps:
        return {"not_needed"}
    if not reference:
        return {"new"}
    if steps == reference:
        return {"unchanged"}
    pairs = list(zip(reference, steps, strict=False))
    found = {"conductor_changed"} if [c for _, c in steps] != [c for _, c in reference] else set()
    found |= {"advanced"} if any(year < was for (was, _), (year, _) in pairs) else set()
    return found | ({"deferred"} if any(year > was for (was, _), (year, _) in pairs) else set())


def _shares(share: Mapping[Any, float]) -> str:
    return ", ".join(f"{name}: {_percent(value)}" for name, value in share.items())


def _percent(share: float) -> str:
    """Whole percents, but nothing that happens is 0 % and nothing that may fail is 100 %."""
    if share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1.0 - 1e-9 else f"{100 * share:.0f} %"


def loadings(problem: Problem, names: Sequence[str], pairs: Sequence[tuple[Plan, Evaluation, Evaluation]]) -> Table:
    """scenario, year, line, conductor_before, conductor, current_before_a, loading_before_pu, current_after_a,
    loading_after_pu (of the rating in force), for the lines with a conductor."""
    parts, catalogue_names = [], np.array(problem.catalogue.names)
    years = np.arange(1, problem.years + 1)
    for name, (plan, before, after) in zip(names, pairs, strict=True):
        in_force = problem.in_force(plan)
        parts.append(
            Table(
                {
                    "scenario": name,
                    "year": np.repeat(years, len(problem.lines)),
                    "line": np.tile(np.array(problem.lines, dtype=object), problem.years),
                    "conductor_before": np.tile(catalogue_names[problem.existing], problem.years),
                    "conductor": catalogue_names[in_force.T.ravel()],
                    "current_before_a": before.branch_current_a[:, problem.branch].ravel(),
                    "loading_before_pu": before.loading_pu[:, problem.branch].ravel(),
                    "current_after_a": after.branch_current_a[:, problem.branch].ravel(),
                    "loading_after_pu": after.loading_pu[:, problem.branch].ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def voltages(problem: Problem, names: Sequence[str], pairs: Sequence[tuple[Plan, Evaluation, Evaluation]]) -> Table:
    """scenario, year, bus, phase, distance_km, v_before_pu, v_after_pu, for the nodes that a source feeds."""
    nodes = problem.network.nodes
    fed = nodes["fed"].to_numpy()
    away = problem.network.buses.set_index("bus")["distance_km"]
    shown = nodes[fed]
    parts = []
    for name, (_, before, after) in zip(names, pairs, strict=True):
        parts.append(
            Table(
                {
                    "scenario": name,
                    "year": np.repeat(np.arange(1, problem.years + 1), len(shown)),
                    "bus": np.tile(shown["bus"].to_numpy(), problem.years),
                    "phase": np.tile(shown["phase"].to_numpy(), problem.years),
                    "distance_km": np.tile(shown["bus"].map(away).to_numpy(), problem.years),
                    "v_before_pu": before.flow.v_pu[:, fed].ravel(),
                    "v_after_pu": after.flow.v_pu[:, fed].ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
