"""Tables of the network with what is built on it, and of the data that a study reads."""

import numpy as np
import pandas as pd

from gridstudio.planning.transition.case import FACTORS, RENEWABLE, Case, FloatArray, RepresentativeDays
from gridstudio.planning.transition.graph import Model
from gridstudio.planning.transition.plan_tables import amounts, bus_names
from gridstudio.planning.transition.training import Solved


def _expected(answer: Solved) -> FloatArray:
    """(item,): in service in the last stage, expected over paths, MW or pieces."""
    plan, items = answer.cost.plan, answer.model.items
    return np.asarray(plan.probabilities @ items.in_service(plan.states)[:, -1] * amounts(items))


def buses(name: str, answer: Solved) -> pd.DataFrame:
    """Buses with what is expected to be built there at the end."""
    model, expected = answer.model, _expected(answer)
    table = model.case.buses
    made = pd.DataFrame(
        {
            "case": name,
            "bus": table.name,
            "latitude": table.latitude,
            "longitude": table.longitude,
            "max_load_mw": table.max_load_mw,
        }
    )
    where = bus_names(model)
    for factor in FACTORS[:8]:
        mine = [item for item, of in enumerate(model.items.names) if of == factor]
        made[factor] = [sum(expected[item] for item in mine if where[item] == bus) for bus in table.name]
    return made


def branches(name: str, answer: Solved) -> pd.DataFrame:
    """Rights of way with what is expected to be built there at the end."""
    model, expected = answer.model, _expected(answer)
    table, bus = model.case.branches, model.case.buses.name
    made = pd.DataFrame(
        {
            "case": name,
            "branch": table.name,
            "from_bus": [bus[b] for b in table.from_bus],
            "to_bus": [bus[b] for b in table.to_bus],
            "length_km": table.length_km,
            "rating_mw": table.rating_mw,
            "existing": table.existing,
            "candidate": table.candidate,
        }
    )
    for factor in ("line", "dtr", "sssc"):
        made[factor] = _by_site(model, expected, factor, len(table))
    return made


def zones(name: str, answer: Solved) -> pd.DataFrame:
    """Zones with their wind and sun at the end."""
    model, expected = answer.model, _expected(answer)
    table = model.case.zones
    made = pd.DataFrame(
        {
            "case": name,
            "zone": table.name,
            "bus": [model.case.buses.name[b] for b in table.bus],
            "latitude": table.latitude,
            "longitude": table.longitude,
            "area_km2": table.area_km2,
        }
    )
    for factor in RENEWABLE:
        made[factor] = _by_site(model, expected, factor, len(table))
    return made


def _by_site(model: Model, expected: FloatArray, factor: str, count: int) -> FloatArray:
    found = np.zeros(count)
    if model.items.has(factor):
        found[model.items.factor(factor).site] = expected[model.items.slices[factor]]
    return found


def day_table(days: RepresentativeDays) -> pd.DataFrame:
    """Profiles of the representative days, summed over buses or averaged."""
    hours = days.load_mw.shape[1]
    return pd.DataFrame(
        {
            "day": np.repeat(np.arange(1, len(days) + 1), hours),
            "label": np.repeat(np.array(days.labels), hours),
            "weight": np.repeat(days.weights, hours),
            "hour": np.tile(np.arange(hours), len(days)),
            "load_mw": days.load_mw.sum(axis=2).ravel(),
            "wind_pu": _mean(days.wind_pu),
            "solar_pu": _mean(days.solar_pu),
            "rating_pu": _mean(days.rating_pu),
        }
    )


def _mean(profiles: FloatArray) -> FloatArray:
    return np.zeros(profiles.shape[:2]).ravel() if profiles.shape[2] == 0 else profiles.mean(axis=2).ravel()


def outlooks(case: Case) -> pd.DataFrame:
    """The chain's states and what they multiply."""
    rows, p = [], np.ones(1)
    for stage, states in enumerate(case.chain.stages):
        p = case.chain.matrices[0] if stage == 0 else p @ case.chain.matrices[stage]
        for outlook, chance in zip(states, p, strict=True):
            numbers = {
                key: getattr(outlook, key)
                for key in ("load", "fuel", "wind", "solar", "rating", "inflow", "co2_mt_per_year")
            }
            price = {f"price_{factor}": outlook.price.get(factor, 1.0) for factor in FACTORS}
            rows.append({"stage": stage + 1, "state": outlook.name, "probability": float(chance), **numbers, **price})
    return pd.DataFrame(rows)


def parameters(case: Case) -> pd.DataFrame:
    """The parameter file as read."""
    given = case.parameters
    rows = [
        (name, value, given.units.get(name, ""), given.sources.get(name, "")) for name, value in given.values.items()
    ]
    return pd.DataFrame(rows, columns=["name", "value", "unit", "source"])
