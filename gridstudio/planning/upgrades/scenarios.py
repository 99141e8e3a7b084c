"""Futures drawn at random: growth, solar, EVs, weather; feeders that share a region share part of their luck."""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from gridstudio.planning.upgrades.contract import FloatArray, Futures
from gridstudio.planning.upgrades.settings import ScenarioSettings
from gridstudio.solve.reduction import Reduction, fast_forward, k_medoids

METHODS = {"fast_forward": fast_forward, "k_medoids": k_medoids}


def draw(settings: ScenarioSettings, feeders: int, count: int, rng: np.random.Generator) -> Futures:
    """``count`` equally likely futures. Every uncertain quantity has its own Gaussian copula of one correlation."""

    def uniform() -> FloatArray:
        return _correlated_uniform(count, feeders, settings.correlation, rng)

    def between(limits: tuple[float, float]) -> FloatArray:
        return limits[0] + (limits[1] - limits[0]) * uniform()

    extreme = rng.random((count, 1)) < settings.extreme_probability  # weather is the same for the whole region
    return Futures(
        probabilities=np.full(count, 1 / count),
        growth=_discrete(uniform(), settings.growth.rates, settings.growth.probabilities),
        solar_share=between(settings.solar_share),
        ev_share=between(settings.ev_share),
        ev_kw=between(settings.ev_kw),
        weather=np.broadcast_to(np.where(extreme, settings.extreme_factor, 1.0), (count, feeders)),
    )


def _correlated_uniform(count: int, feeders: int, correlation: float, rng: np.random.Generator) -> FloatArray:
    """Uniform on 0..1, (scenario, feeder); the normals beneath have the given correlation between any two feeders."""
    shared, own = rng.standard_normal((count, 1)), rng.standard_normal((count, feeders))
    return np.asarray(ndtr(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own))


def _discrete(uniform: FloatArray, values: tuple[float, ...], probabilities: tuple[float, ...]) -> FloatArray:
    """The quantiles of a distribution over ``values``; rising with ``uniform``, so that correlation survives."""
    order = np.argsort(values)
    reached = np.cumsum(np.asarray(probabilities)[order])
    place = np.minimum(np.searchsorted(reached, uniform, side="right"), len(values) - 1)
    return np.asarray(values, dtype=float)[order][place]


def reduced(
    futures: Futures, settings: ScenarioSettings, features: Callable[[Futures], FloatArray]
) -> tuple[Futures, Reduction]:
    """Some of the futures with new probabilities, told apart by ``features``."""
    found = METHODS[settings.method](features(futures), futures.probabilities, min(settings.kept, len(futures)))
    return futures.rows(found.indices, found.probabilities), found
