"""Tables of plans that meet futures: realisations with investments fixed, and the value of the stochastic solution."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gridstudio.planning.transition.plan_tables import weighted_quantiles
from gridstudio.planning.transition.realisations import Realisations
from gridstudio.planning.transition.stochastic import StochasticValue

_KEPT = 2000  # realisations of each sample in the table
_AT = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
_SUMMED = ("case", "plan", "sample", "realisations", "quantity", "mean", *_AT, "highest")
_DRAWN = ("case", "plan", "sample", "realisation", "probability", "cost_busd", "shed_gwh", "curtailed_gwh")

Realised = tuple[str, str, str, Realisations]  # case, plan, sample, realisations


def simulations(realised: Sequence[Realised]) -> dict[str, pd.DataFrame]:
    """Quantiles of the realisations, and the realisations themselves."""
    rows = [row for one in realised for row in _quantiles(one)]
    each = [_drawn(one) for one in realised]
    whole = pd.concat(each, ignore_index=True) if each else pd.DataFrame(columns=list(_DRAWN))
    return {"simulations": pd.DataFrame(rows, columns=list(_SUMMED)), "realisations": whole}


def _quantities(found: Realisations) -> dict[str, np.ndarray]:
    return {
        "cost_busd": found.cost_musd / 1e3,
        "operation_busd": found.operation_musd / 1e3,
        "first_operation_busd": found.first_musd / 1e3,
        "shed_gwh": found.shed_mwh / 1e3,
        "curtailed_gwh": found.curtailed_mwh / 1e3,
    }


def _quantiles(one: Realised) -> list[tuple[object, ...]]:
    """A row for each quantity."""
    *names, found = one
    p = found.probabilities
    return [
        (*names, len(found), name, float(p @ values), *weighted_quantiles(values, p, tuple(_AT.values())), values.max())
        for name, values in _quantities(found).items()
    ]


def _drawn(one: Realised) -> pd.DataFrame:
    """A row for each realisation, the first of many."""
    case, plan, sample, found = one
    table = pd.DataFrame(
        {"realisation": np.arange(1, len(found) + 1), "probability": found.probabilities, **_quantities(found)}
    )
    return table.iloc[:_KEPT].assign(case=case, plan=plan, sample=sample)[list(_DRAWN)]


def stochastic_value(values: Mapping[str, StochasticValue]) -> pd.DataFrame:
    """(69) and what it is made of: under a risk measure what the plans count for, with the expectation their costs."""
    rows: list[tuple[object, ...]] = []
    for case, found in values.items():
        of = "value of the stochastic solution,"
        first, own, mean, none = found.first, found.stochastic, found.mean, (np.nan, np.nan)
        rows += [
            (case, "stochastic plan", own.cost.value_musd, own.bound_musd, *none),
            (case, "plan for the mean future, in the mean future", mean.cost.value_musd, mean.bound_musd, *none),
            (case, "plan for the mean future, held in every stage", found.whole.value_musd, np.nan, *none),
            (case, "its first stage held, then adapted", first.cost.value_musd, first.bound_musd, *none),
            (case, f"{of} whole plan held", found.of_whole_musd, np.nan, *found.whole_interval_musd),
            (case, f"{of} first stage held", found.of_first_musd, np.nan, *found.first_interval_musd),
        ]
    numbers = ["busd", "bound_busd", "low_busd", "high_busd"]
    table = pd.DataFrame(rows, columns=["case", "quantity", *numbers])
    table[numbers] = table[numbers].astype(float) / 1e3
    return table
