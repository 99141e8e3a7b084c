"""Who lives on the feeders: service transformers and their customers, with the phases balanced over each feeder."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic.settings import SyntheticSettings

CLASSES = ("residential", "commercial", "industrial")
COINCIDENCE = np.array([0.40, 0.60, 0.70])  # diversified peak of a class over the sum of its customers' own peaks
COMMERCIAL_SHARE, INDUSTRIAL_SHARE = 0.12, 0.012
ON_SHARED_POLES = 0.2  # small shops on a one-phase transformer among homes
PER_COMMERCIAL_TRANSFORMER = 5
# A customer's own peak in kW, before scaling to the feeder's: median, spread of the logarithm, least and most.
DEMANDS_KW = {
    "residential": (6.5, 0.3, 3.0, 15.0),
    "small shop": (10.0, 0.4, 4.0, 25.0),
    "commercial": (28.0, 0.6, 8.0, 150.0),
    "industrial": (230.0, 0.35, 100.0, 600.0),
}
ONE_PHASE_KVA = np.array([10, 15, 25, 37.5, 50, 75, 100, 167, 250, 333, 500])
THREE_PHASE_KVA = np.array([45, 75, 112.5, 150, 225, 300, 500, 750, 1000, 1500, 2000, 2500, 3750, 5000])
TRANSFORMER_MARGIN = 1.15  # rating over the customers' diversified peak: room for charging and growth


@dataclass(frozen=True)
class Served:
    """Customers and transformers of all feeders.

    ``customers``: node (row in the node table), class (index into CLASSES), demand_kw (own peak), peak_kw (its part in
    the diversified peak). ``nodes``: the node table with two more columns: phase (of the line from the parent) and
    transformer_phase ("" where there is no transformer).
    """

    nodes: pd.DataFrame
    customers: pd.DataFrame

    def peak_kw(self) -> NDArray[np.float64]:
        """Diversified peak of the customers at each row of the node table."""
        node, peak = (self.customers[name].to_numpy() for name in ("node", "peak_kw"))
        return np.bincount(node, peak, minlength=len(self.nodes)).astype(float)


def served(nodes: pd.DataFrame, settings: SyntheticSettings, seed: list[int]) -> Served:
    """Customers on all transformer poles but those of plants, which get a three-phase transformer of their own."""
    parts: list[pd.DataFrame] = []
    three, plant = (nodes[name].to_numpy(dtype=bool) for name in ("three_phase", "plant"))
    poles = np.flatnonzero((nodes["kind"] == "transformer").to_numpy() & ~plant)
    of_transformer = np.full(len(nodes), "", dtype=object)
    of_transformer[plant] = "ABC"
    feeder, row = nodes["feeder"].to_numpy(), nodes["row"].to_numpy()
    for number, mine in enumerate(np.split(poles, np.flatnonzero(np.diff(feeder[poles])) + 1)):
        rng = np.random.default_rng([*seed, number])
        heavy, part = _placed(mine, three[mine], settings, rng)
        of_transformer[heavy] = "ABC"
        parts.append(part)
        light = np.setdiff1d(mine, heavy)
        node, first = part["node"].to_numpy(), int(mine[0])
        load = np.bincount(node - first, part["peak_kw"].to_numpy()).astype(float)[light - first]
        units = np.where(three[light], -1 - light, row[light])  # a one-phase lateral moves as a whole
        of_transformer[light] = _balanced(units, load)
    phase = np.where(three, "ABC", of_transformer).astype(object)
    fuses = np.flatnonzero((nodes["kind"] == "fuse").to_numpy() & ~three)
    phase[fuses] = phase[fuses + 1]  # a lateral's first pole comes right after its fuse
    return Served(nodes.assign(phase=phase, transformer_phase=of_transformer), pd.concat(parts, ignore_index=True))


def _placed(
    poles: NDArray[np.intp], three: NDArray[np.bool_], settings: SyntheticSettings, rng: np.random.Generator
) -> tuple[NDArray[np.intp], pd.DataFrame]:
    """The poles of one feeder with three-phase transformers, and its customers."""
    count = settings.customers_per_feeder
    strong = rng.permutation(poles[three])
    industrial = strong[: min(max(1, round(INDUSTRIAL_SHARE * count)), len(strong) // 4)]
    shops = round(COMMERCIAL_SHARE * count)
    in_town = round(shops * (1 - ON_SHARED_POLES))
    commercial = strong[len(industrial) :][: max(1, min(in_town // PER_COMMERCIAL_TRANSFORMER, len(strong) // 3))]
    heavy = np.concatenate([industrial, commercial])
    light = np.setdiff1d(poles, heavy)
    homes = count - shops - len(industrial)
    groups = [
        ("residential", 0, _spread(light, homes, rng)),
        ("small shop", 1, rng.choice(light, shops - in_town)),
        ("commercial", 1, _spread(commercial, in_town, rng)),
        ("industrial", 2, industrial),
    ]
    node = np.concatenate([where for _, _, where in groups])
    kind = np.concatenate([np.full(len(where), index) for _, index, where in groups])
    demand = np.concatenate([_demand_kw(name, len(where), rng) for name, _, where in groups])
    target_kw = 1000 * settings.feeder_peak_mw * rng.uniform(0.88, 1.08)
    demand = np.maximum(np.round(demand * target_kw / (demand @ COINCIDENCE[kind]), 1), 0.1)
    order = np.argsort(node, kind="stable")
    node, kind, demand = node[order], kind[order], demand[order]
    peak = np.round(demand * COINCIDENCE[kind], 2)
    return heavy, pd.DataFrame({"node": node, "class": kind, "demand_kw": demand, "peak_kw": peak})


def _spread(poles: NDArray[np.intp], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """``count`` customers over the poles, each pole at least one while they last."""
    weights = rng.uniform(0.6, 1.4, len(poles))
    return np.concatenate([poles[:count], rng.choice(poles, max(count - len(poles), 0), p=weights / weights.sum())])


def _demand_kw(name: str, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    median, spread, least, most = DEMANDS_KW[name]
    return np.clip(median * np.exp(spread * rng.standard_normal(count)), least, most)


def _balanced(units: NDArray[np.intp], load_kw: NDArray[np.float64]) -> NDArray[np.object_]:
    """A phase for each pole: units, the largest first, go to the phase that carries least."""
    names, unit = np.unique(units, return_inverse=True)
    size = np.bincount(unit, load_kw, minlength=len(names))
    total, phase = np.zeros(3), np.zeros(len(names), dtype=int)
    for i in np.argsort(-size, kind="stable"):
        phase[i] = int(np.argmin(total))
        total[phase[i]] += size[i]
    return np.array(["A", "B", "C"], dtype=object)[phase[unit]]


def rating_kva(needed_kva: NDArray[np.float64], three_phase: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The smallest standard rating of a service transformer that suffices; the largest one where none does."""
    small = ONE_PHASE_KVA[np.minimum(np.searchsorted(ONE_PHASE_KVA, needed_kva), len(ONE_PHASE_KVA) - 1)]
    large = THREE_PHASE_KVA[np.minimum(np.searchsorted(THREE_PHASE_KVA, needed_kva), len(THREE_PHASE_KVA) - 1)]
    return np.where(three_phase, large, small)
