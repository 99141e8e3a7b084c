"""Checks of the data that need a solve: a CO2 target that nothing can meet, load that nothing can serve."""

import numpy as np

from gridstudio.errors import InputError
from gridstudio.planning.transition.graph import Model, day_groups, day_operation
from gridstudio.planning.transition.operation.day import KILO
from gridstudio.planning.transition.plans import run_lp
from gridstudio.solve.sddp.problem import StageProblem

_LEAST_KT = 1e-6


def check_targets(model: Model) -> None:
    """InputError naming stage, state and shortfall if a CO2 target cannot be met with all built that may be built.

    Shedding within its limit counts as a way to meet it: with shedding_limit_share = 1 every target can be met, at the
    value of lost load.
    """
    findings = []
    for stage, outlooks in enumerate(model.case.chain.stages):
        for outlook in outlooks:
            short = 0.0
            for _, chosen, weight in day_groups(model):
                program = day_operation(model, outlook, chosen, exact=False)
                short += weight * _shortfall_kt(program.problem, program.columns, built=stage > 0)
            if short > _LEAST_KT:
                mt = short * 365 / KILO
                findings.append(
                    f"stage {stage + 1} ({outlook.name}): a CO2 target of {outlook.co2_mt_per_year:g} Mt a year cannot "
                    f"be met even if all is built that may be; it is short by {mt:.3g} Mt a year. Raise the target, "
                    "allow more planning factors, or more shedding."
                )
    if findings:
        raise InputError.from_findings("CO2 targets", findings)


def _shortfall_kt(problem: StageProblem, columns: dict, built: bool) -> float:
    """Least CO2 above the target, thousand tonnes a day, with the state free (``built``) or nothing in service."""
    if "co2_above_target_kt" not in columns:
        return 0.0
    cost, upper = np.zeros(len(problem.cost)), problem.upper.copy()
    for name, block in columns.items():
        if name.endswith(("shed_beyond_limit", "surplus_power")):
            cost[block] = 1e3
    above = columns["co2_above_target_kt"]
    cost[above] = 1.0
    incoming = np.array([state.incoming for state in problem.states], dtype=int)
    if not built:
        upper[incoming] = 0.0
    found = run_lp(problem, problem.lower, upper, cost)
    assert found is not None
    return float(found[above].sum())
