"""Random deployments: customers in a random order get a device of random size, more and more of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.planning.hosting.settings import Stochastic
from gridstudio.planning.restoration.customers import assumed_customers, read_customers

Floats = NDArray[np.float64]
STREAMS = ("pv", "ev")


@dataclass(frozen=True, eq=False)
class Deployments:
    """Devices of one kind: kW at every load that has customers, nested from one penetration to the next."""

    device: str
    loads: tuple[str, ...]
    penetration: Floats  # (level,) share of customers
    kw: Floats  # (deployment, level, load)


def customers_by_load(network: Network, given: Stochastic, folder: Path) -> pd.Series:
    """Whole customers by load, of the table or by kW; loads without one are left out."""
    if given.customers:
        table = read_customers(folder / given.customers, network)
    else:
        table = assumed_customers(network, given.kw_per_customer)
    count = table.groupby("load", sort=False)["customers"].sum().round().astype(int)
    return count[count > 0]


def levels(step_pct: float) -> Floats:
    """Penetrations from the first step to 100 %."""
    inner = np.arange(1, int(np.ceil(100 / step_pct - 1e-9))) * step_pct
    found: Floats = np.append(inner, 100.0) / 100
    return found


def draw(device: str, count: pd.Series, given: Stochastic) -> Deployments:
    """Deployments from the study's seed; another kind of device draws another stream."""
    rng = np.random.default_rng([given.seed, STREAMS.index(device)])
    home = np.repeat(np.arange(len(count)), count.to_numpy())  # load of every customer
    low, high = given.pv_kw if device == "pv" else given.ev_kw
    shares = levels(given.step_pct)
    equipped = np.round(shares * len(home)).astype(int)
    kw = np.zeros((given.deployments, len(shares), len(count)))
    for deployment in range(given.deployments):
        order, size = rng.permutation(len(home)), rng.uniform(low, high, len(home))
        for level, number in enumerate(equipped):
            chosen = order[:number]
            kw[deployment, level] = np.bincount(home[chosen], size[chosen], minlength=len(count))
    return Deployments(device, tuple(map(str, count.index)), shares, kw)


def numbered(deployments: Deployments) -> Iterator[tuple[int, int, Floats]]:
    """Deployment, level and kW (load,) of every case."""
    for deployment, rows in enumerate(deployments.kw):
        for level, kw in enumerate(rows):
            yield deployment, level, kw
