"""Operating limits, and where a power flow breaks them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
EMERGENCY_PU = 1.2


@dataclass(frozen=True)
class Limits:
    """Voltages are line to neutral per unit of the bus base, loadings per unit of the continuous rating.

    ``loading_max_pu`` is for lines, ``transformer_loading_max_pu`` for transformers and regulators (inf: not checked).
    ``emergency_loading_max_pu``: for hours, not for good; at least ``loading_max_pu``.
    ``dead_pu``: an energised part never lies below it; a node that does is de-energised, not under-voltage.
    """

    v_min_pu: float = 0.95
    v_max_pu: float = 1.05
    loading_max_pu: float = 1.0
    transformer_loading_max_pu: float = 1.0
    emergency_loading_max_pu: float = EMERGENCY_PU
    dead_pu: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.dead_pu < self.v_min_pu < self.v_max_pu:
            raise InputError(
                f"The voltage limits must rise: dead_pu {self.dead_pu:g} < v_min_pu {self.v_min_pu:g} "
                f"< v_max_pu {self.v_max_pu:g} is not so."
            )
        if self.emergency_loading_max_pu == EMERGENCY_PU < self.loading_max_pu:  # not given: never in the way
            object.__setattr__(self, "emergency_loading_max_pu", self.loading_max_pu)
        if not self.transformer_loading_max_pu > 0:
            raise InputError(f"transformer_loading_max_pu {self.transformer_loading_max_pu:g} is not positive.")
        if not 0 < self.loading_max_pu <= self.emergency_loading_max_pu:
            raise InputError(
                f"The loading limits must rise: 0 < loading_max_pu {self.loading_max_pu:g} "
                f"<= emergency_loading_max_pu {self.emergency_loading_max_pu:g} is not so."
            )


@dataclass(frozen=True)
class Verdict:
    """Where limits are broken; arrays of the shapes that went in."""

    low: Bools  # (..., node) alive, below v_min_pu
    high: Bools  # (..., node) above v_max_pu
    dead: Bools  # (..., node) without voltage although the base circuit feeds it
    overloaded: Bools  # (..., branch) above loading_max_pu


def check(v_pu: Floats, loading_pu: Floats, fed: Bools, loading_limit_pu: Floats, limits: Limits) -> Verdict:
    """Compare voltages (..., node) and loadings (..., branch) with ``limits``; ``loading_limit_pu`` is per branch.

    ``fed`` (node,) tells which nodes the base circuit energises: the others (an
    open line end) are neither low nor dead. A branch without rating has loading NaN
    and is never overloaded; where nothing converged all is NaN and nothing is broken.
    """
    return Verdict(
        low=fed & (v_pu >= limits.dead_pu) & (v_pu < limits.v_min_pu),
        high=v_pu > limits.v_max_pu,
        dead=fed & (v_pu < limits.dead_pu),
        overloaded=loading_pu > loading_limit_pu,
    )
