"""Tables of what plans build: decisions, what is in service, and how far paths spread."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from gridstudio.planning.transition.case import FloatArray
from gridstudio.planning.transition.factors import BASE_MW, Portfolio
from gridstudio.planning.transition.graph import DAYS_PER_YEAR, Model, discount
from gridstudio.planning.transition.plans import QUANTITIES, Plan
from gridstudio.planning.transition.training import Solved

_LEAST = 1e-6
YEARLY = (
    ("CO2 a year", "Mt", "co2_kt", 1e3),
    ("shed a year", "GWh", "shed_mwh", 1e3),
    ("curtailed a year", "GWh", "curtailed_mwh", 1e3),
)


def prefixes(model: Model, plan: Plan) -> list[tuple[int, tuple[int, ...], int, float]]:
    """Each (stage, path so far, a row that takes it, its probability) of a plan."""
    found: dict[tuple[int, ...], list[int]] = {}
    for row, path in enumerate(plan.paths):
        for stage in range(plan.paths.shape[1]):
            found.setdefault(tuple(int(place) for place in path[: stage + 1]), []).append(row)
    return [(len(key) - 1, key, rows[0], float(plan.probabilities[rows].sum())) for key, rows in found.items()]


def state_names(model: Model, path: Sequence[int]) -> list[str]:
    return [model.case.chain.stages[stage][place].name for stage, place in enumerate(path)]


def amounts(items: Portfolio) -> FloatArray:
    """(item,): what turns amounts of the program into MW or pieces."""
    return np.where(items.integer, 1.0, BASE_MW)


def bus_names(model: Model) -> list[str]:
    """Bus of each item, "" for lines."""
    case, found = model.case, []
    for factor in model.items.factors:
        for site in factor.site:
            bus = {
                "ccs": lambda s: case.units.bus[s],
                "solar": lambda s: case.zones.bus[s],
                "wind": lambda s: case.zones.bus[s],
            }.get(factor.name, lambda s: s)(site)
            found.append("" if factor.name in ("line", "dtr", "sssc") else case.buses.name[int(bus)])
    return found


def decisions(name: str, answer: Solved) -> pd.DataFrame:
    """What is built at each stage under each path of states."""
    model, plan, rows = answer.model, answer.cost.plan, []
    items, scale, where = model.items, amounts(model.items), bus_names(model)
    places = [place for factor in items.factors for place in factor.places]
    units = [factor.unit for factor in items.factors for _ in factor.places]
    for stage, path, row, p in prefixes(model, plan):
        names = state_names(model, path)
        price = items.costs_musd(stage, model.case.chain.stages[stage][path[-1]]) * discount(model, stage)
        for item in np.flatnonzero(plan.builds[row, stage] > _LEAST):
            amount = float(plan.builds[row, stage, item])
            rows.append(
                (name, stage + 1, names[-1], " > ".join(names), p, items.names[item], places[item], where[item])
                + (amount * scale[item], units[item], amount * price[item])
            )
    columns = ["case", "stage", "state", "path", "probability", "factor", "place", "bus", "amount", "unit", "cost_musd"]
    return pd.DataFrame(rows, columns=columns)


def capacities(name: str, answer: Solved) -> pd.DataFrame:
    """What is in service after each stage in each state, expected over the paths that lead there."""
    rows = []
    for stage, state, expected in _after_stages(answer):
        for factor in answer.model.items.factors:
            total = float(expected[answer.model.items.slices[factor.name]].sum())
            rows.append((name, stage + 1, state, factor.name, total, factor.unit))
    return pd.DataFrame(rows, columns=["case", "stage", "state", "factor", "expected", "unit"])


def capacities_by_bus(name: str, answer: Solved) -> pd.DataFrame:
    """The same by bus, rows above zero only; the bus of what stands on a right of way is empty, and its place given."""
    rows, items = [], answer.model.items
    buses = bus_names(answer.model)
    places = [place for factor in items.factors for place in factor.places]
    units = {factor.name: factor.unit for factor in items.factors}
    for stage, state, expected in _after_stages(answer):
        found: dict[tuple[str, str], float] = {}
        for item in np.flatnonzero(expected > _LEAST):
            key = (items.names[item], buses[item] or f"branch {places[item]}")
            found[key] = found.get(key, 0.0) + float(expected[item])
        rows += [(name, stage + 1, state, factor, bus, x, units[factor]) for (factor, bus), x in found.items()]
    return pd.DataFrame(rows, columns=["case", "stage", "state", "factor", "bus", "expected", "unit"])


def _after_stages(answer: Solved) -> Iterator[tuple[int, str, FloatArray]]:
    """(stage, state, (item,) expected in service after it, in MW or pieces)."""
    model, plan = answer.model, answer.cost.plan
    service = model.items.in_service(plan.states) * amounts(model.items)
    for stage in range(plan.paths.shape[1] - 1):
        for place, outlook in enumerate(model.case.chain.stages[stage]):
            mine = np.flatnonzero(plan.paths[:, stage] == place)
            p = plan.probabilities[mine] / plan.probabilities[mine].sum()
            yield stage, outlook.name, p @ service[mine, stage + 1]


def policy_fan(name: str, answer: Solved) -> pd.DataFrame:
    """Quantiles over the paths: cost up to each stage, what of each factor is in service when it begins, and a year's
    CO2, energy shed and curtailed."""
    model, cost = answer.model, answer.cost
    plan, rows = cost.plan, []
    spent = np.cumsum(cost.investment_musd + cost.operation_musd, axis=1) / 1e3
    service = model.items.in_service(plan.states) * amounts(model.items)
    series = [("cost so far", "busd", spent)]
    series += [(f.name, f.unit, service[:, :, model.items.slices[f.name]].sum(axis=2)) for f in model.items.factors]
    for quantity, unit, column, per_unit in YEARLY:
        series.append((quantity, unit, cost.operation[:, :, QUANTITIES.index(column)] * DAYS_PER_YEAR / per_unit))
    for quantity, unit, values in series:
        for stage in range(plan.paths.shape[1]):
            at = weighted_quantiles(values[:, stage], plan.probabilities, (0.05, 0.25, 0.5, 0.75, 0.95))
            rows.append((name, quantity, unit, stage + 1, float(plan.probabilities @ values[:, stage]), *at))
    return pd.DataFrame(rows, columns=["case", "quantity", "unit", "stage", "mean", "p05", "p25", "p50", "p75", "p95"])


def weighted_quantiles(values: FloatArray, weights: FloatArray, at: Sequence[float]) -> list[float]:
    """The least value that is not exceeded with each probability."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    places = np.minimum(np.searchsorted(reached, np.asarray(at) - 1e-12), len(values) - 1)
    return [float(value) for value in values[order][places]]
