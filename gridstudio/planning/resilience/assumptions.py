"""What a study takes for granted, in words."""

from collections.abc import Iterator

import pandas as pd

from gridstudio.planning.resilience.apart import BLOCK_GAP
from gridstudio.planning.resilience.contract import Grid
from gridstudio.planning.resilience.outages import MonteCarlo
from gridstudio.planning.resilience.settings import ResilienceSettings

Topic = tuple[str, str]


def assumptions(settings: ResilienceSettings, grid: Grid, drawn: MonteCarlo, quick: bool) -> pd.DataFrame:
    """topic, text: what the numbers rest on."""
    tenth = "A tenth of the storms, nine scenarios, wider gaps, the ends of every sweep."
    rows = [
        *([("Quick run", tenth)] if quick else []),
        *_of_storms(settings, drawn),
        *_of_supply(settings, grid),
        *_of_program(settings),
        *OF_FIGURES,
    ]
    return pd.DataFrame(rows, columns=["topic", "text"])


def _of_storms(settings: ResilienceSettings, drawn: MonteCarlo) -> Iterator[Topic]:
    shares = ", ".join(f"{name} ({100 * share:g} %)" for name, share in settings.weather.shares.items() if share)
    yield (
        "Wind",
        f"One wind speed per event for the whole feeder, drawn from {shares} of {settings.weather.table.name}; see "
        "there which parameters are assumed.",
    )
    yield (
        "Fragility",
        f"Curves of {settings.lines.fragility.name} for a reference length; equal lengths fail independently. "
        "Switches do not fail. Which lines are in the ground is told by line codes.",
    )
    yield (
        "Faults",
        "A failed line puts its section out of service until it is repaired: nothing within a section isolates the "
        "fault. A device stands at the supply side of its line.",
    )
    yield (
        "Monte Carlo",
        f"{len(drawn.loss)} storms, seed {settings.monte_carlo.seed}. Their losses, for convergence and selection, "
        "are by connectivity of sections without new sources: any device may close, neither kW nor voltages bind.",
    )
    yield (
        "Scenarios",
        f"{settings.scenarios.keep} at most, by stratum of wind speed and least distance in weighted kW; "
        f"{settings.scenarios.fresh} fresh storms of another stream judge the plan.",
    )


def _of_supply(settings: ResilienceSettings, grid: Grid) -> Iterator[Topic]:
    limits, loads, unrated = settings.limits, settings.loads, int(grid.network.branches["ampacity_a"].isna().sum())
    transformers = f", transformers up to {limits.transformer_loading_max_pu:g}" if limits.check_transformers else ""
    yield (
        "Load",
        f"Published kW and kvar, steady. Weights and critical loads are those of {loads.weights.name}, all others "
        f"weigh {loads.others:g}. Loads of a {loads.pickup} are picked up together, or not at all: each needs a switch "
        "that can be operated.",
    )
    yield (
        "Sources",
        f"Grid-forming, up to their size, {min(site.kva_per_kw for site in settings.sites):g} kVA per kW at least; "
        "energy is not limited and they do not fail. The budget is the sum of their kW, as in the paper.",
    )
    yield (
        "Limits",
        f"Every island: voltages {limits.v_min_pu:g} to {limits.v_max_pu:g} pu, lines up to {limits.loading_max_pu:g} "
        f"of their rating{transformers}, solved by OpenDSS with the new source as its swing, regulators from where "
        "they stand before the storm."
        + (f" {unrated} lines or switches have no rating in the circuit; no current limits them." * (unrated > 0)),
    )


def _of_program(settings: ResilienceSettings) -> Iterator[Topic]:
    budget, risk = settings.budget, settings.risk
    yield (
        "Objective",
        f"(1 - lambda) E + lambda CVaR of the prioritised load lost, lambda {risk.lambda_:g}, alpha {risk.alpha:g}; "
        f"budget {budget.kw:g} kW" + (f" and {budget.usd:,.0f} USD for lines and switches." if budget.usd else "."),
    )
    yield (
        "Program",
        "Sizes are searched in whole steps (a 120th of the largest site), lines to harden one by one or by what a "
        "section lacks, without hardening first; for what is built, the islands are optimal to "
        f"{100 * BLOCK_GAP:g} % (0 if solver.gap is). The bound is by decomposition into the parts that storms "
        "leave, by branch and bound, or by the program as a whole.",
    )
    yield (
        "What is built",
        "Sources keep the size that the program chose, also where no scenario needs all of it (used_kw). A source "
        "without an island in any scenario, and a line or switch without which no scenario loses more, is not built.",
    )
    yield (
        "One yardstick",
        "All cases are served again, three times at most, until the power flow teaches nothing new: what it refused "
        "once is refused for all.",
    )
    yield (
        "Bound and gap",
        "The bound is that of the program with its bars. A way on which some load's voltage is too low without any "
        "load, or behind a regulator for the load worth most, is barred for all loads: smaller loads, or loads "
        "nearer to the source, that the power flow might allow there are forbidden too, and a plan that needs them "
        "is not covered by the bound. The gap is told after the power-flow check: loads that are taken off there "
        "can leave it larger than the one asked for.",
    )
    yield (
        "Machines and workers",
        "The same settings give the same result on any machine, with any number of workers, but where the clock "
        "stopped a program (column stopped_by_clock): findings name these. Seconds are those of the machine.",
    )


OF_FIGURES: tuple[Topic, ...] = (
    (
        "Standard errors",
        "Those of independent fresh storms: of means, of CVaR as the mean of its tail terms, of VaR by order "
        "statistics without assuming a distribution. They tell of the draw of storms, not of wind, fragility and "
        "weights, which may be assumed. One of 0 at VaR says that many storms lose the same, not that VaR is exact. "
        "Figures over the scenarios have none: they are exact for their probabilities, and how well these stand for "
        "all storms is what the fresh storms tell.",
    ),
    (
        "Stochastic value",
        "The mean storm is the scenario of mean damage (weighted kW in the dark) among those with a fault: the "
        "mean of all would often be the storm without a fault, and half a fault does not exist.",
    ),
)


# ---- origin --------------------------------------------------------------------------------------
