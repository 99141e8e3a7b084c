"""The tables of the result; columns are listed in the package."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.equipment import MEASURE_UNITS
from gridstudio.evaluation import Evaluations
from gridstudio.planning.flow import network_branches
from gridstudio.planning.mitigation.excess import KINDS, rating_a
from gridstudio.planning.mitigation.problem import READ_PU, Option, Plan, Problem
from gridstudio.planning.mitigation.search import Step
from gridstudio.planning.mitigation.state import State

Floats = NDArray[np.float64]
STEPS = [
    *("step", "phase", "action", "measure", "element", "size", "size_unit", "what", "cost_usd", "plan_cost_usd"),
    *("reason", *(f"{kind}_before" for kind in KINDS), *(f"{kind}_after" for kind in KINDS)),
    *("power_flows", "accepted", "refused"),
]
PLAN = [
    *("measure", "element", "bus1", "bus2", "x", "y", "size_before", "size", "size_unit", "what", "quantity", "per"),
    *("unit_cost_usd", "capital_usd", "o_and_m_usd_per_year", "cost_usd", "share", "life_years", "rating_before_a"),
    *("rating_after_a", "reason", "source"),
]


def steps_table(steps: Sequence[Step]) -> pd.DataFrame:
    rows = []
    for number, step in enumerate(steps, start=1):
        options = step.options
        size = _size(options)
        rows.append(
            (
                number,
                step.phase,
                step.action,
                _joined(option.measure for option in options),
                _joined(option.element for option in options),
                size,
                _unit(options[0]) if not np.isnan(size) else "",
                "; ".join(dict.fromkeys(option.what for option in options)),
                step.cost_usd,
                step.plan_cost_usd,
                "; ".join(dict.fromkeys(step.reasons)),
                *step.before,
                *step.after,
                step.power_flows,
                not step.refused,
                step.refused,
            )
        )
    return pd.DataFrame(rows, columns=STEPS)


def _size(options: Sequence[Option]) -> float:
    """All of a step together, where it is one measure and adds up: not so the ratings of several lines."""
    if len(options) == 1:
        return options[0].size
    alike = len({option.measure for option in options}) == 1
    return sum(option.size for option in options) if alike and _unit(options[0]) in ("kW", "kvar", "kVA") else np.nan


def plan_table(problem: Problem, plan: Plan, steps: Sequence[Step]) -> pd.DataFrame:
    """The plan's measures, the dearest first."""
    taken = [step for step in steps if not step.refused]
    reasons = {o: why for step in taken for o, why in zip(step.options, step.reasons, strict=True)}
    first = {o.slot: why for step in reversed(taken) for o, why in zip(step.options, step.reasons, strict=True)}
    rows = []
    for option in sorted(plan.options, key=lambda option: (-option.cost_usd, option.slot)):
        bus1, bus2 = _ends(problem, option)
        x, y = _middle(problem, bus1, bus2)
        before, after = _ratings(problem, option)
        item = option.item
        reason = first.get(option.slot, reasons.get(option, ""))
        rows.append(
            (
                *(option.measure, option.element, bus1, bus2, x, y, option.size_before, option.size),
                *(_unit(option) if not np.isnan(option.size) else "", option.what, option.quantity, item.per),
                *(item.unit_cost_usd, option.capital_usd, option.o_and_m_usd_per_year, option.cost_usd),
                *(option.cost_usd / plan.cost_usd if plan.cost_usd else np.nan, item.life_years),
                *(before, after, reason, item.source),
            )
        )
    return pd.DataFrame(rows, columns=PLAN)


def cost_by_measure(plan: pd.DataFrame) -> pd.DataFrame:
    grouped = plan.groupby(["measure", "per"], sort=False)
    table = grouped[["quantity", "capital_usd", "o_and_m_usd_per_year", "cost_usd"]].sum()
    table.insert(0, "measures", grouped.size())
    table = table.reset_index().sort_values("cost_usd", ascending=False, kind="stable", ignore_index=True)
    return table[["measure", "measures", "quantity", "per", "capital_usd", "o_and_m_usd_per_year", "cost_usd"]]


def violations(problem: Problem, state: State, hours: Sequence[str]) -> pd.DataFrame:
    """scenario, hour, kind, element, phase, value, limit, unit."""
    table = state.solved.violations()
    table["limit"] += READ_PU * (1.0 * (table["kind"] == "undervoltage") - 1.0 * (table["kind"] == "overvoltage"))
    table.insert(1, "hour", np.asarray(hours, dtype=object)[table.pop("step").to_numpy(dtype=int)])
    return table


def with_cause(table: pd.DataFrame, remaining: pd.DataFrame) -> pd.DataFrame:
    """Violations with the cause of their element and kind."""
    cause = {(row.kind, row.element): row.cause for row in remaining.itertuples()}
    same = "as where it is worse; this element is not among those that were looked at by themselves"
    keys = zip(table["kind"].replace("dead", "undervoltage"), table["element"], strict=True)
    return table.assign(cause=pd.Series([cause.get(key, same) for key in keys], dtype=object, index=table.index))


def violations_summary(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for kind in KINDS:
        was, now = (table[table["kind"] == kind] for table in (before, after))
        if was.empty and now.empty:
            continue
        worst = [_worst(kind, table) for table in (was, now)]
        one = was if len(was) else now
        limit = np.nan if kind == "overload" else float(one["limit"].iloc[0])
        unit = "pu of limit" if kind == "overload" else str(one["unit"].iloc[0])
        counts = [len(was), len(now), was["element"].nunique(), now["element"].nunique()]
        rows.append((kind, *counts, *worst, 1.0 if kind == "overload" else limit, unit))
    columns = ["kind", "before", "after", "elements_before", "elements_after", "worst_before", "worst_after"]
    return pd.DataFrame(rows, columns=[*columns, "limit", "unit"])


def _worst(kind: str, table: pd.DataFrame) -> float:
    if table.empty or kind == "not_converged":
        return np.nan
    if kind == "overload":
        return float((table["value"] / table["limit"]).max())
    return float(table["value"].max() if kind == "overvoltage" else table["value"].min())


def scenario_table(problem: Problem, before: State, after: State, hours: Sequence[str]) -> pd.DataFrame:
    names = [s.name for s in problem.scenarios]
    steps = len(hours)
    table = pd.DataFrame(
        {
            "scenario": np.repeat(names, steps),
            "hour": np.tile(np.asarray(hours, dtype=object), len(names)),
            "load_scale": np.concatenate([s.load_scale for s in problem.scenarios]),
            "generation_scale": np.concatenate([s.generation_scale for s in problem.scenarios]),
            "probability": np.repeat([s.probability for s in problem.scenarios], steps),
        }
    )
    fed = problem.network.nodes["fed"].to_numpy()
    for when, state in (("before", before), ("after", after)):
        flow, row = state.solved.flow, state.solved.row
        v_pu, share = flow.v_pu[row][..., fed], loadings_pu(state.solved) / problem.limit_pu
        table[f"v_min_{when}_pu"] = _over(np.fmin, v_pu, 2)
        table[f"v_max_{when}_pu"] = _over(np.fmax, v_pu, 2)
        table[f"loading_max_{when}_pu"] = _over(np.fmax, share, 2)
        table[f"losses_{when}_kw"] = flow.losses_kw[row].ravel()
        of = state.excess
        counts = (of.low > 0).sum(2) + (of.high > 0).sum(2) + (of.over > 0).sum(2) + of.unsolved
        table[f"violations_{when}"] = counts.ravel()
        table[f"converged_{when}"] = flow.converged[row].ravel()
    return table


def loadings_pu(evaluations: Evaluations) -> Floats:
    """Largest phase current over the rating in force (case, step, branch)."""
    current = evaluations.network.branch_current(evaluations.flow.current_a)[evaluations.row]
    found: Floats = current / rating_a(evaluations)
    return found


def _over(reduce: np.ufunc, values: Floats, axis: int) -> Floats:
    found: Floats = reduce.reduce(values, axis=axis).ravel()
    return found


def loadings(problem: Problem, before: State, after: State, shown: Sequence[int], hours: Sequence[str]) -> pd.DataFrame:
    rated = np.flatnonzero(problem.network.branches["ampacity_a"].notna())
    parts = []
    pairs = [(state.solved, loadings_pu(state.solved), rating_a(state.solved)) for state in (before, after)]
    for s in shown:
        share = [loading[s][:, rated] for _, loading, _ in pairs]
        ratings = [np.broadcast_to(a[s][:, rated], share[0].shape) for _, _, a in pairs]
        parts.append(
            pd.DataFrame(
                {
                    "scenario": problem.scenarios[s].name,
                    "hour": np.repeat(np.asarray(hours, dtype=object), len(rated)),
                    "element": np.tile(problem.network.branches["element"].to_numpy()[rated], len(hours)),
                    "ampacity_before_a": ratings[0].ravel(),
                    "ampacity_after_a": ratings[1].ravel(),
                    "current_before_a": (share[0] * ratings[0]).ravel(),
                    "loading_before_pu": share[0].ravel(),
                    "current_after_a": (share[1] * ratings[1]).ravel(),
                    "loading_after_pu": share[1].ravel(),
                    "limit_pu": np.tile(problem.limit_pu[rated], len(hours)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def voltages(problem: Problem, before: State, after: State, shown: Sequence[int], hours: Sequence[str]) -> pd.DataFrame:
    nodes = problem.network.nodes
    fed = nodes["fed"].to_numpy()
    away = problem.network.buses.set_index("bus")["distance_km"]
    buses = nodes["bus"].to_numpy()[fed]
    parts = []
    for s in shown:
        v_pu = [state.solved.flow.v_pu[state.solved.row[s]][:, fed].ravel() for state in (before, after)]
        parts.append(
            pd.DataFrame(
                {
                    "scenario": problem.scenarios[s].name,
                    "hour": np.repeat(np.asarray(hours, dtype=object), len(buses)),
                    "bus": np.tile(buses, len(hours)),
                    "phase": np.tile(nodes["phase"].to_numpy()[fed], len(hours)),
                    "distance_km": np.tile(away[buses].to_numpy(), len(hours)),
                    "v_before_pu": v_pu[0],
                    "v_after_pu": v_pu[1],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def network_tables(problem: Problem, before: State, after: State) -> dict[str, pd.DataFrame]:
    """network_buses and network_branches."""
    buses, branches = problem.network.buses.copy(), network_branches(problem.network)
    fed = problem.network.nodes["fed"].to_numpy()
    names = problem.network.nodes["bus"].to_numpy()[fed]
    for when, state in (("before", before), ("after", after)):
        v_pu = state.solved.flow.v_pu[state.solved.row][..., fed]
        for what, reduce in (("min", np.fmin), ("max", np.fmax)):
            of_node = pd.Series(reduce.reduce(v_pu, axis=(0, 1)), index=names).groupby(level=0)
            buses[f"v_{what}_{when}_pu"] = buses["bus"].map(of_node.min() if what == "min" else of_node.max())
        branches[f"loading_{when}_pu"] = np.fmax.reduce(loadings_pu(state.solved), axis=(0, 1))
    branches["rating_after_a"] = rating_a(after.solved)[0, 0]
    branches["limit_pu"] = problem.limit_pu
    done = _done_to(problem, after.plan)
    branches["measure"] = [done.get(element, "") for element in branches["element"]]
    return {"network_buses": buses, "network_branches": branches}


def _done_to(problem: Problem, plan: Plan) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in plan.options:
        rows = [rating[0] for c in option.changes if (rating := c.new_rating(problem.network))]
        elements = [str(problem.network.branches["element"].iat[row]) for row in rows] or [_branch_of(problem, option)]
        for element in elements:
            found[element] = f"{found[element]}, {option.measure}" if element in found else option.measure
    return found


def _branch_of(problem: Problem, option: Option) -> str:
    """The branch that an element without a rating of its own stands on."""
    kind, _, name = option.element.partition(".")
    if kind == "regcontrol":
        return next(f"transformer.{r.transformer}" for r in problem.assets.regulators if r.control == name)
    return option.element


def catalogue(problem: Problem) -> pd.DataFrame:
    columns = [
        *("measure", "phases", "size", "size_unit", "per", "unit_cost_usd", "o_and_m_usd_per_year", "life_years"),
        "source",
    ]
    rows = [
        (i.measure, i.phases, i.size, _size_unit(i.measure), i.per)
        + (i.unit_cost_usd, i.o_and_m_usd_per_year, i.life_years, i.source)
        for i in problem.equipment.items
    ]
    return pd.DataFrame(rows, columns=columns)


def _ends(problem: Problem, option: Option) -> tuple[str, str]:
    """The buses that an option stands between, or at."""
    kind, _, name = option.element.partition(".")
    row = problem.row.get(_branch_of(problem, option))
    if row is not None:
        return str(problem.network.branches["bus1"].iat[row]), str(problem.network.branches["bus2"].iat[row])
    if kind == "capacitor":
        return next(bank.bus for bank in problem.assets.banks if bank.capacitor == name), ""
    named = {"load": problem.network.loads, "pvsystem": problem.network.generators}
    if kind in named:
        table = named[kind]
        return str(table.loc[table.iloc[:, 0] == name, "bus"].iloc[0]), ""
    return name, ""


def _middle(problem: Problem, bus1: str, bus2: str) -> tuple[float, float]:
    at = problem.network.buses.set_index("bus")[["x", "y"]]
    x, y = at.loc[[bus for bus in (bus1, bus2) if bus]].mean().tolist()
    return float(x), float(y)


def _ratings(problem: Problem, option: Option) -> tuple[float, float]:
    for change in option.changes:
        if rating := change.new_rating(problem.network):
            return float(problem.network.branches["ampacity_a"].iat[rating[0]]), float(rating[1])
    return np.nan, np.nan


def _unit(option: Option) -> str:
    return _size_unit(option.measure)


def _size_unit(measure: str) -> str:
    return MEASURE_UNITS[measure][0]


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
