"""Sources whose own voltage breaks the limits of a study, which nothing on the feeder changes."""

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.errors import InputError


def refuse_sources(network: Network, v_pu: NDArray[np.float64], v_min_pu: float, v_max_pu: float, slack: float) -> None:
    """InputError with every source that ``v_pu`` (..., node) shows outside the limits by more than ``slack`` pu."""
    fed, bus_of, wrong = network.nodes["fed"].to_numpy(), network.nodes["bus"].to_numpy(), []
    for bus in network.sources:
        here = v_pu[..., (bus_of == bus) & fed]
        low, high = np.nanmin(here, initial=np.inf), np.nanmax(here, initial=-np.inf)
        if high > v_max_pu + slack or low < v_min_pu - slack:
            worst = high if high > v_max_pu + slack else low
            wrong.append(
                f"the source holds bus {bus!r} at {worst:.4f} pu, outside {v_min_pu:g} to {v_max_pu:g} pu: no measure "
                "on the feeder changes that. Widen the limits, or set the source's voltage."
            )
    if wrong:
        raise InputError.from_findings("limits", wrong)
