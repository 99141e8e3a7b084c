"""The largest device at every place: doubling sizes first, then halving, all places together in one evaluation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gridstudio.planning.hosting.judge import Binding
from gridstudio.planning.hosting.places import Place

DOUBLINGS = 8  # sizes that are tried first: max_kw, a half of it, a quarter, ...
Ask = Callable[[Sequence[tuple[Place, float]]], list[Binding]]  # a device of so many kW alone, each: what binds


@dataclass(frozen=True)
class Capacity:
    """The largest size that is known to fit, the smallest that is known not to (NaN: none), and what binds there."""

    place: Place
    fits_kw: float
    refused_kw: float
    binding: Binding


def capacities(places: Sequence[Place], max_kw: float, tolerance_kw: float, ask: Ask) -> list[Capacity]:
    """The capacity of every place. Above a size that is refused nothing is looked for, though it may fit again:
    regulators may step in between."""
    sizes = max_kw * 0.5 ** np.arange(DOUBLINGS - 1, -1, -1)
    told = ask([(place, float(size)) for place in places for size in sizes])
    found = [
        _bracket(place, sizes, told[start : start + DOUBLINGS])
        for place, start in zip(places, range(0, len(told), DOUBLINGS), strict=True)
    ]
    while True:
        wide = [index for index, c in enumerate(found) if c.refused_kw - c.fits_kw > tolerance_kw]
        if not wide:
            return found
        middle = [(found[index].fits_kw + found[index].refused_kw) / 2 for index in wide]
        answers = ask([(found[index].place, size) for index, size in zip(wide, middle, strict=True)])
        for index, size, binding in zip(wide, middle, answers, strict=True):
            found[index] = _narrower(found[index], size, binding)


def _bracket(place: Place, sizes: np.ndarray, told: Sequence[Binding]) -> Capacity:
    """Between the sizes around the first that is refused; 0 always fits."""
    refused = next((k for k, binding in enumerate(told) if binding.broken), None)
    if refused is None:
        return Capacity(place, float(sizes[-1]), np.nan, Binding())
    return Capacity(place, float(sizes[refused - 1]) if refused else 0.0, float(sizes[refused]), told[refused])


def _narrower(capacity: Capacity, size: float, binding: Binding) -> Capacity:
    if binding.broken:
        return Capacity(capacity.place, capacity.fits_kw, size, binding)
    return Capacity(capacity.place, size, capacity.refused_kw, capacity.binding)
