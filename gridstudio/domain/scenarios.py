"""What happens to us: load trajectories, outages and their probabilities.

The load model of a multi-year study: in year y = 1..Y every load stands at
``(1 + growth)**(y - 1)`` times its published kW and kvar; a few *uncertain* loads
stand at a level times that. Each uncertain load takes one of ``n`` levels of a
lognormal distribution, and all combinations make the scenarios (Donadel 2025,
doi 10.3390/eng6080186, section 2).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError

Method = Literal["equally_spaced", "quantile", "gauss_hermite"]
Centre = Literal["median", "mean"]


@dataclass(frozen=True)
class LoadGroup:
    """Loads that depart from the scenario's ``load_scale``, and their own multipliers (step,)."""

    loads: tuple[str, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True)
class Scenario:
    """One trajectory: multipliers of the published kW and kvar per step (a year, an hour).

    ``load_scale``: (step,), all loads that are in no group; its length is the trajectory's.
    ``generation_scale``: (step,) or one value, multiplies generators and PV systems.
    ``outages``: lines that are open at both ends throughout.
    ``carry_controls``: taps and capacitor steps carry from step to step; False starts every step from the baseline.
    ``read_positions``: what taps and capacitor steps stand at is read after every step (``PowerFlow.position``).
    """

    name: str = "base"
    load_scale: tuple[float, ...] = (1.0,)
    load_groups: tuple[LoadGroup, ...] = ()
    generation_scale: tuple[float, ...] = (1.0,)
    outages: tuple[str, ...] = ()
    probability: float = 1.0
    carry_controls: bool = True
    read_positions: bool = False

    def __post_init__(self) -> None:
        steps = self.steps
        if steps == 0:
            raise InputError(f"Scenario {self.name!r} has no step: load_scale is empty.")
        for group in self.load_groups:
            if len(group.scale) != steps:
                raise InputError(
                    f"Scenario {self.name!r}: the group of loads {', '.join(group.loads[:3])} has {len(group.scale)} "
                    f"multipliers, load_scale has {steps}."
                )
        grouped = [load for group in self.load_groups for load in group.loads]
        if len(set(grouped)) < len(grouped):
            twice = next(load for load in grouped if grouped.count(load) > 1)
            raise InputError(f"Scenario {self.name!r}: load {twice!r} is in two groups.")
        if len(self.generation_scale) not in (1, steps):
            raise InputError(
                f"Scenario {self.name!r}: generation_scale has {len(self.generation_scale)} values, "
                f"it needs 1 or {steps}."
            )
        values = [*self.load_scale, *self.generation_scale, *(x for g in self.load_groups for x in g.scale)]
        if not all(math.isfinite(x) and x >= 0 for x in values):
            raise InputError(f"Scenario {self.name!r}: a multiplier is negative or not a number.")
        if not (math.isfinite(self.probability) and self.probability >= 0):
            raise InputError(f"Scenario {self.name!r}: its probability of {self.probability:g} is not one.")

    @property
    def steps(self) -> int:
        return len(self.load_scale)

    @property
    def electrical(self) -> tuple[object, ...]:
        """What decides the power flow and how much of it is read: scenarios equal in it are solved once."""
        what = self.load_scale, self.load_groups, self.generation_scale, self.outages
        return *what, self.carry_controls, self.read_positions


def growth_trajectory(years: int, growth_per_year: float) -> tuple[float, ...]:
    """Multipliers (year,) of a load that grows at a constant rate from 1 in year 1."""
    return tuple((1.0 + growth_per_year) ** y for y in range(years))


def lognormal_levels(
    points: int, log_std: float, method: Method, spread: float = 5.0, centre: Centre = "median"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Levels (point,) of a lognormal load multiplier and their probabilities (point,), rising.

    ``log_std`` is the standard deviation of ln x (10 % relative standard deviation: 0.10, to 0.25 %).
    ``centre``: whether the median or the mean of the distribution is 1.

    - ``equally_spaced``: equally spaced in ln x over +-``spread`` standard deviations, equally
      likely. This is the published study's choice: a *range* of loads, far wider than the distribution.
    - ``quantile``: the medians of ``points`` equally likely bins.
    - ``gauss_hermite``: nodes and weights that integrate polynomials in ln x up to degree
      2 points - 1 exactly.
    """
    if points == 1:
        z, weights = np.zeros(1), np.ones(1)
    elif method == "equally_spaced":
        z, weights = np.linspace(-spread, spread, points), np.full(points, 1.0 / points)
    elif method == "quantile":
        from scipy.special import ndtri

        z, weights = ndtri((np.arange(points) + 0.5) / points), np.full(points, 1.0 / points)
    else:
        z, raw = np.polynomial.hermite_e.hermegauss(points)
        weights = raw / raw.sum()
    shift = -(log_std**2) / 2 if centre == "mean" else 0.0
    return np.exp(shift + z * log_std), weights


def load_combinations(
    loads: Sequence[str],
    levels: NDArray[np.float64],
    weights: NDArray[np.float64],
    growth: tuple[float, ...],
    cap: int = 20_000,
) -> tuple[list[Scenario], NDArray[np.float64]]:
    """All combinations of ``levels`` over ``loads``, last load fastest, and their levels (scenario, load).

    Scenarios are named "1", "2", ...; loads are independent, so probabilities multiply.
    More than ``cap`` combinations are refused before any is built.
    """
    count = len(levels) ** len(loads)
    if count > cap:
        raise InputError(
            f"{len(levels)} points for {len(loads)} loads make {count:,} load combinations, more than the cap of "
            f"{cap:,}: use fewer points or fewer loads, or raise max_scenarios."
        )
    index = np.array(list(itertools.product(range(len(levels)), repeat=len(loads))), dtype=int).reshape(count, -1)
    chosen = levels[index]
    probability = weights[index].prod(axis=1)
    probability = probability / probability.sum()
    scenarios = [
        Scenario(
            name=str(number),
            load_scale=growth,
            load_groups=tuple(
                LoadGroup((load,), tuple(float(level) * g for g in growth))
                for load, level in zip(loads, row, strict=True)
            ),
            probability=float(p),
        )
        for number, (row, p) in enumerate(zip(chosen, probability, strict=True), start=1)
    ]
    return scenarios, chosen
