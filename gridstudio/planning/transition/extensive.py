"""The extensive form beside SDDP: the relaxation of a case with all its paths in one linear program, the second method.

What comes to no solution, in time or in size, is a row that says why: the cases themselves are solved all the same.
"""

import time
from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridstudio.errors import InputError, SolverError
from gridstudio.planning.transition.graph import policy_graph
from gridstudio.planning.transition.training import Solved
from gridstudio.solve.sddp.equivalent import Optimum, deterministic_equivalent

_COLUMNS = "case cost_busd bound_busd columns rows seconds sddp_bound_busd sddp_cost_busd difference ratio reason"


def extensive_forms(answers: Mapping[str, Solved], seconds: float) -> pd.DataFrame:
    """The table ``extensive``: a row for each case, at most ``seconds`` each, whole pieces relaxed."""
    rows = [{"case": name} | _row(answer, seconds) for name, answer in answers.items()]
    return pd.DataFrame(rows, columns=_COLUMNS.split())


def _row(answer: Solved, limit_s: float) -> dict[str, object]:
    begun = time.perf_counter()
    found, reason = _solved(answer, limit_s)
    seconds = time.perf_counter() - begun
    log = answer.convergence.query("phase == 'relaxed'")
    bound = float(log["bound_musd"].max())
    cost = np.nan if found is None else found.cost
    best = np.nan if found is None or reason else found.bound  # of a program that was solved to the end
    columns, rows = (np.nan, np.nan) if found is None else found.size
    return {
        "cost_busd": cost / 1e3,
        "bound_busd": best / 1e3,
        "columns": columns,
        "rows": rows,
        "seconds": seconds,
        "sddp_bound_busd": bound / 1e3,
        "sddp_cost_busd": answer.cost.value_musd / 1e3,
        "difference": bound / best - 1,
        "ratio": np.nan if reason else seconds / float(log["seconds"].max()),
        "reason": reason,
    }


def _solved(answer: Solved, limit_s: float) -> tuple[Optimum | None, str]:
    """The optimum and "", or what is known of it and why that is not all."""
    model = answer.model
    try:
        found = deterministic_equivalent(policy_graph(model), model.risk, integer=False, time_limit_s=limit_s)
    except (InputError, SolverError) as error:
        return None, str(error).removeprefix("Deterministic equivalent: ").rstrip(".")
    return found, "" if np.isfinite(found.bound) else f"not proven best in {limit_s:g} s"
