"""The tables of the result; columns are listed in the package."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridstudio.domain.network import Network
from gridstudio.planning.hosting.judge import KINDS, Binding, Judge
from gridstudio.planning.hosting.nodal import Capacity
from gridstudio.planning.hosting.settings import Hour
from gridstudio.planning.hosting.stochastic import Deployments

PERCENTILES = (0, 5, 10, 25, 50, 75, 90, 95, 100)
BINDING = ["limit", "element", "hour", "value", "allowed", "unit"]
NODAL = ["device", "bus", "nodes", "base_kv", "distance_km", "hosting_kw", "refused_kw", *BINDING]


def nodal_table(found: Sequence[Capacity], network: Network) -> pd.DataFrame:
    away = dict(zip(network.buses["bus"], network.buses["distance_km"], strict=True))
    rows = [
        (
            c.place.device,
            c.place.bus,
            c.place.nodes,
            c.place.base_kv,
            away[c.place.bus],
            c.fits_kw,
            c.refused_kw,
            *_binding(c.binding),
        )
        for c in found
    ]
    return pd.DataFrame(rows, columns=NODAL)


def nodal_limits_table(nodal: pd.DataFrame) -> pd.DataFrame:
    of_limit = nodal.groupby(["device", "limit"], sort=False)["hosting_kw"]
    return of_limit.agg(places="size", least_kw="min", median_kw="median").reset_index()


def stochastic_tables(drawn: Sequence[Deployments], told: Sequence[Sequence[Binding]]) -> dict[str, pd.DataFrame]:
    """curve, deployments, percentiles; ``told`` per kind of device: what binds, level by level of each deployment."""
    curves, single, percentiles = [], [], []
    for of, bindings in zip(drawn, told, strict=True):
        count, steps = of.kw.shape[:2]
        grid = [bindings[d * steps : (d + 1) * steps] for d in range(count)]
        curves.append(_curve(of, grid))
        single.append(_deployments(of, grid))
        percentiles.append(_percentiles(single[-1]))
    names = ("curve", "deployments", "percentiles")
    return {name: pd.concat(t, ignore_index=True) for name, t in zip(names, (curves, single, percentiles), strict=True)}


def hours_table(hours: Sequence[Hour], judge: Judge) -> pd.DataFrame:
    flow, network = judge.base, judge.network
    fed = network.nodes["fed"].to_numpy()
    loading = network.branch_current(flow.current_a) / network.branches["ampacity_a"].to_numpy()
    return pd.DataFrame(
        {
            "hour": [hour.name for hour in hours],
            "load_scale": [hour.load_scale for hour in hours],
            "generation_scale": [hour.generation_scale for hour in hours],
            **{device: [getattr(hour, device) for hour in hours] for device in ("pv", "ev", "load")},
            "source_kw": flow.source_kw,
            "losses_kw": flow.losses_kw,
            "v_min_pu": flow.v_pu[:, fed].min(axis=1),
            "v_max_pu": flow.v_pu[:, fed].max(axis=1),
            "loading_max_pu": np.nan_to_num(loading).max(axis=1, initial=0.0),
            "violations": judge.base_violations(),
        }
    )


def network_buses(network: Network, nodal: pd.DataFrame | None) -> pd.DataFrame:
    buses = network.buses
    if nodal is None:
        return buses
    for device in nodal["device"].unique():
        least = nodal[nodal["device"] == device].groupby("bus")["hosting_kw"].min()
        buses = buses.assign(**{f"{device}_kw": buses["bus"].map(least)})
    return buses


def _curve(of: Deployments, grid: Sequence[Sequence[Binding]]) -> pd.DataFrame:
    broken = np.array([[bool(binding.broken) for binding in row] for row in grid])
    table = pd.DataFrame(
        {
            "device": of.device,
            "penetration_pct": 100 * of.penetration,
            "kw_mean": of.kw.sum(axis=2).mean(axis=0),
            "violating_pct": 100 * broken.mean(axis=0),
            "violated_pct": 100 * np.logical_or.accumulate(broken, axis=1).mean(axis=0),
        }
    )
    for kind in KINDS:
        table[f"{kind}_pct"] = 100 * np.mean([[kind in binding.broken for binding in row] for row in grid], axis=0)
    return table


def _deployments(of: Deployments, grid: Sequence[Sequence[Binding]]) -> pd.DataFrame:
    rows = []
    for deployment, row in enumerate(grid):
        kw = of.kw[deployment].sum(axis=1)
        first = next((level for level, binding in enumerate(row) if binding.broken), None)
        if first is None:
            rows.append((of.device, deployment, np.nan, np.nan, kw[-1], *_binding(Binding())))
        else:
            before = float(kw[first - 1]) if first else 0.0
            rows.append((of.device, deployment, 100 * of.penetration[first], kw[first], before, *_binding(row[first])))
    return pd.DataFrame(rows, columns=["device", "deployment", "first_pct", "first_kw", "fits_kw", *BINDING])


def _percentiles(deployments: pd.DataFrame) -> pd.DataFrame:
    """The lower of two neighbouring deployments is taken: a percentile is one that happened."""
    first = deployments[["first_pct", "first_kw"]].fillna(np.inf)
    ranked = {name: np.percentile(first[name], PERCENTILES, method="lower") for name in first}
    return pd.DataFrame({"device": deployments["device"].iloc[0], "percentile": PERCENTILES, **ranked})


def _binding(binding: Binding) -> tuple[object, ...]:
    return tuple(getattr(binding, name) for name in BINDING)
