"""Where cuts are made: the trial points of a forward pass."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]


class ForwardPass(Protocol):
    """Contract: ``trial`` returns the trial point, where a cut is made and the path goes on, and a centre.

    ``new`` (state,): what the subproblem hands on; ``centre``: what was returned for this node and outcome before,
    None at first; ``iteration`` counts from 1. ``paths`` are gone in every iteration. ``integer``: the subproblems of
    the pass are solved as mixed-integer problems.
    """

    @property
    def paths(self) -> int: ...

    @property
    def integer(self) -> bool: ...

    def trial(
        self, new: FloatArray, centre: FloatArray | None, iteration: int
    ) -> tuple[FloatArray, FloatArray | None]: ...


@dataclass(frozen=True)
class Default:
    """Trial points are the states handed on, as in the textbook."""

    paths: int = 1
    integer: bool = False

    def trial(self, new: FloatArray, centre: FloatArray | None, iteration: int) -> tuple[FloatArray, FloatArray | None]:
        return new, None


@dataclass(frozen=True)
class Regularised:
    """Smoothed trial points: ``old_share`` of the centre before and the rest of the new point.

    Early cuts send the textbook's points from one corner to the next; a step of 0.3 towards them needs fewer
    iterations where states are many. Where a path's past matters the centre is a mean that no path need come to, so
    every ``textbook_every`` iterations (0: never) the points are the textbook's, and training still converges. The
    simulated cost of the log is that along the smoothed points.
    """

    old_share: float = 0.7
    paths: int = 1
    textbook_every: int = 5
    integer = False  # a smoothed point is not whole

    def __post_init__(self) -> None:
        if not 0 <= self.old_share < 1:
            raise InputError(f"Regularised: old_share = {self.old_share} must lie in [0, 1).")

    def trial(self, new: FloatArray, centre: FloatArray | None, iteration: int) -> tuple[FloatArray, FloatArray | None]:
        moved = new if centre is None else self.old_share * centre + (1 - self.old_share) * new
        textbook = self.textbook_every > 0 and iteration % self.textbook_every == 0
        return (new if textbook else moved), moved
