"""A plan in operation: each realisation is a path through the chain and a representative day for each later stage.

Investments stay as the plan has them, operation is solved again. Each stage's day stands for all days of the stage, so
realisations spread more than expected costs do; their mean is the plan's expected cost. The first stage, which no
decision changes, counts with its mean day.

CO2: where each day keeps the target, each is dispatched for itself. Where the year keeps it, the days of a stage are
dispatched together, so that their weighted mean does, and a realisation takes its day out of that dispatch, dirtier or
cleaner than the mean. Days out of sample keep it together in the same way, as the days of another year.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from gridstudio.planning.transition.case import FloatArray, RepresentativeDays
from gridstudio.planning.transition.graph import DAYS_PER_YEAR, stage_factor
from gridstudio.planning.transition.plans import QUANTITIES, Dispatcher, Plan, investment_musd


@dataclass(frozen=True, eq=False)
class Realisations:
    """(realisation,): ``probabilities``, ``cost_musd``, and over all years ``shed_mwh`` and ``curtailed_mwh``.

    ``first_musd``: the part of the cost that operation in the first stage has, which no decision changes.
    """

    probabilities: FloatArray
    cost_musd: FloatArray
    operation_musd: FloatArray
    first_musd: FloatArray
    shed_mwh: FloatArray
    curtailed_mwh: FloatArray

    def __len__(self) -> int:
        return len(self.probabilities)


def daily(plan: Plan, dispatcher: Dispatcher, days: RepresentativeDays) -> FloatArray:
    """(path, stage, day, quantity): every day at every stage of every path."""
    every = list(range(len(days)))
    together = [every] if dispatcher.model.convention == "year" else [[day] for day in every]
    found = np.zeros((*plan.paths.shape, len(days), len(QUANTITIES)))
    for row, path in enumerate(plan.paths):
        for stage, place in enumerate(path):
            for chosen in together:
                state = plan.states[row, stage]
                found[row, stage, chosen] = dispatcher.each_day(stage, int(place), chosen, state, days)
    return found


def in_sample(plan: Plan, dispatcher: Dispatcher) -> Realisations:
    """Every path with every representative day at each stage but the first: 9 x 4 x 4 = 144 in the published case."""
    days = dispatcher.model.days
    table, later = daily(plan, dispatcher, days), plan.paths.shape[1] - 1
    rows, chosen, chances = [], [], []
    for row in range(len(plan.paths)):
        for combination in itertools.product(range(len(days)), repeat=later):
            rows.append(row)
            chosen.append(combination)
            chances.append(plan.probabilities[row] * np.prod(days.weights[list(combination)]))
    index = np.array(chosen, dtype=np.int64).reshape(len(rows), later)
    return _realised(plan, dispatcher, table, days, np.array(rows), index, np.array(chances))


def out_of_sample(
    plan: Plan, dispatcher: Dispatcher, pool: RepresentativeDays, count: int, rng: np.random.Generator
) -> Realisations:
    """``count`` realisations drawn from the chain and from a pool of days that the plan has not seen."""
    table = daily(plan, dispatcher, pool)
    rows = rng.choice(len(plan.paths), size=count, p=plan.probabilities / plan.probabilities.sum())
    later = plan.paths.shape[1] - 1
    index = rng.choice(len(pool), size=(count, later), p=pool.weights / pool.weights.sum())
    return _realised(plan, dispatcher, table, pool, rows, index, np.full(count, 1 / count))


def _realised(
    plan: Plan,
    dispatcher: Dispatcher,
    table: FloatArray,
    days: RepresentativeDays,
    rows: np.ndarray,
    chosen: np.ndarray,
    chances: FloatArray,
) -> Realisations:
    model = dispatcher.model
    years = model.case.years_per_stage
    factor = [stage_factor(model, stage) for stage in range(plan.paths.shape[1])]
    mean = np.tensordot(days.weights, table[:, 0], axes=(0, 1))[rows]  # the first stage's mean day
    each = [mean] + [table[rows, stage + 1, chosen[:, stage]] for stage in range(chosen.shape[1])]
    cost = sum(quantities[:, 0] * factor[stage] for stage, quantities in enumerate(each))
    shed, curtailed = (
        sum(quantities[:, QUANTITIES.index(name)] * DAYS_PER_YEAR * years for quantities in each)
        for name in ("shed_mwh", "curtailed_mwh")
    )
    operation = np.asarray(cost)
    total = operation + investment_musd(model, plan)[rows].sum(axis=1)
    first = mean[:, 0] * factor[0]
    return Realisations(chances, total, operation, first, np.asarray(shed), np.asarray(curtailed))
