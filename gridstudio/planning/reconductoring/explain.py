"""Why a violation is left after the plan: a cause for each, from what was solved."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridstudio.domain.scenarios import Scenario
from gridstudio.evaluation import Evaluation
from gridstudio.planning.reconductoring.modes import Evaluate, Planned
from gridstudio.planning.reconductoring.problem import Problem
from gridstudio.planning.reconductoring.tables import violations
from gridstudio.planning.reconductoring.voltage import with_largest


def explained(
    problem: Problem, scenarios: Sequence[Scenario], planned: Planned, mode: str, evaluate: Evaluate
) -> pd.DataFrame:
    """The violations after the plan, with a ``cause`` for each."""
    table = violations(planned.after)
    if table.empty:
        return table.assign(cause=pd.Series(dtype=object))
    number = {scenario.name: index for index, scenario in enumerate(scenarios)}
    largest = with_largest(problem, scenarios, planned, evaluate)
    row_of_line = {f"line.{line}": row for row, line in enumerate(problem.lines)}
    node = {key: row for row, key in enumerate(zip(*(problem.network.nodes[c] for c in ("bus", "phase")), strict=True))}
    causes = []
    for row in table.to_dict("records"):
        if row["kind"] in ("undervoltage", "overvoltage"):
            trial = largest.get(number[row["scenario"]])
            at = row["year"] - 1, node[row["element"], row["phase"]]
            v_pu = None if trial is None else float(trial.flow.v_pu[at])
            causes.append(_voltage_cause(problem, row["kind"], v_pu, trial, mode))
        elif row["kind"] == "overload":
            causes.append(_overload_cause(problem, mode, row["element"], row["value"], row_of_line))
        elif row["kind"] == "dead":
            causes.append("no voltage although the circuit as it stands feeds this bus")
        else:
            causes.append("the power flow did not converge within the engine's iterations: this year is unknown")
    return table.assign(cause=causes)


def _voltage_cause(problem: Problem, kind: str, v_pu: float | None, trial: Evaluation | None, mode: str) -> str:
    if not problem.moves_power_flow:
        return "conductors do not act on voltages in this study (impedance = 'unchanged')"
    if kind == "overvoltage" and problem.network.generators.empty:
        return (
            "without generation a voltage above the band comes from regulators, capacitors or the coupling of "
            "unbalanced phases: settings cure it, not conductors"
        )
    if v_pu is None or trial is None or np.isnan(v_pu):
        return "unknown: the power flow with the largest conductors did not converge"
    if not trial.limits.v_min_pu <= v_pu <= trial.limits.v_max_pu:
        return f"no conductor cures it: {v_pu:.4f} pu even with the largest on every replaceable line to the source"
    if mode == "independent":
        return f"mode 'independent' plans for currents only; larger conductors could bring it to {v_pu:.4f} pu"
    return f"the search ended before it; the largest conductors on all lines to the source would give {v_pu:.4f} pu"


def _overload_cause(problem: Problem, mode: str, element: str, current_a: float, row_of_line: dict[str, int]) -> str:
    line = row_of_line.get(element)
    if line is None and not element.startswith("line."):
        return "a transformer, regulator or reactor: conductors do not relieve it"
    if line is None:
        return "the study leaves this line out of replacement"
    largest = problem.sequences(line).largest
    name, ampacity_a = problem.catalogue.names[largest], problem.catalogue.ampacity_a[largest]
    carries_a = problem.limit_pu * ampacity_a
    if current_a / ampacity_a > problem.limit_pu:
        return f"even the largest conductor, {name}, carries only {carries_a:.1f} A at the limit"
    if mode == "independent":
        return "the plan's own conductors moved the power flow; mode 'independent' does not plan again, 'verified' does"
    return f"the search ended before it; {name} would carry {carries_a:.1f} A"
