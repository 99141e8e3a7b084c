"""Good plans: sizes and options searched for in turn, from nothing and from the mean plan of the bound."""

from collections.abc import Iterator

import numpy as np

from gridstudio.planning.resilience.answers import FirstStage
from gridstudio.planning.resilience.contract import Floats, Plan, Problem
from gridstudio.planning.resilience.hardening import good_options, rounded
from gridstudio.planning.resilience.regions import Options, no_options
from gridstudio.planning.resilience.siting import Siting, good_sizes, steps_kw

TURNS = 3  # of options and sizes


def good_plans(
    problem: Problem, siting: Siting, mean: tuple[FirstStage, Floats] | None, last: Plan | None
) -> Iterator[Plan]:
    """With nothing hardened or added; then with what is worth it, where there is something to choose from.

    ``mean``: the first stage that the bound's blocks agree on, by column; ``last``: the plan of the round before, that
    is searched from instead."""
    grid, most, kw = problem.grid, siting.regions.most, problem.budget.kw
    nothing, zero = no_options(grid), np.zeros(len(problem.sites))
    sizes, share = _of_mean(problem, mean)
    starts = [zero, sizes] if last is None else [last.beta_kw]
    beta_kw = good_sizes(siting, kw, nothing, starts)
    yield _plan(beta_kw, nothing)
    if not most.hardened.any() and not most.added.any():
        return
    guesses = [nothing, rounded(share, most, siting, problem.budget.usd)]
    guesses = guesses if last is None else [Options(last.hardened, last.added)]
    lost = np.inf
    for _ in range(TURNS):
        options = good_options(siting, _steps(siting, beta_kw), problem.budget.usd, most, guesses)
        sized = good_sizes(siting, kw, options, [beta_kw, *starts])
        now = float(siting.lost(_steps(siting, sized)[None], options)[0])
        if now >= lost - 1e-9:
            break
        lost, beta_kw, guesses, best = now, sized, [options], _plan(sized, options)
    yield best


def _of_mean(problem: Problem, mean: tuple[FirstStage, Floats] | None) -> tuple[Floats, Floats]:
    """Sizes (site,), and shares of lines and devices (line + device,)."""
    sites, lines, devices = len(problem.sites), len(problem.grid.line_names), len(problem.grid.optional)
    share = np.zeros(lines + devices)
    if mean is None:
        return np.zeros(sites), share
    columns, x = mean
    share[np.concatenate([columns.lines, lines + columns.devices]).astype(np.intp)] = x[sites:]
    return x[:sites], share


def _steps(siting: Siting, beta_kw: Floats) -> np.ndarray:
    return np.asarray(beta_kw / steps_kw(siting.regions) + 1e-9).astype(np.intp)


def _plan(beta_kw: Floats, options: Options) -> Plan:
    return Plan(beta_kw > 0, beta_kw, options.hardened, options.added)
