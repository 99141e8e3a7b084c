"""The tables of the result, from the parts of the chunks; columns are listed in the package."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridstudio.domain.network import Network
from gridstudio.planning.exceedance.chunks import Gauge, Part, highest
from gridstudio.planning.exceedance.levels import Levels, levels_table
from gridstudio.planning.exceedance.year import Year
from gridstudio.planning.flow import network_branches

SHARES_PCT = np.linspace(0, 100, 201)


def all_tables(
    year: Year, network: Network, with_: Gauge, devices: Sequence[str], parts: Sequence[Part], levels: Levels
) -> dict[str, pd.DataFrame]:
    made = {"hours": hours_table(year, parts)}
    made |= {
        "branches": branches_table(year, network, with_, parts),
        "buses": buses_table(year, network, parts),
        "devices": devices_table(devices, parts),
        "operations": operations_table(made["hours"], devices, parts),
        "months": months_table(made["hours"]),
        "duration": duration_table(made["hours"]),
        "profiles": year.curves,
        "network_buses": network.buses,
        "network_branches": network_branches(network),
    }
    made["levels"] = levels_table(levels, made["branches"], made["buses"])
    return made


def hours_table(year: Year, parts: Sequence[Part]) -> pd.DataFrame:
    columns = {name: np.concatenate([part.hours[name] for part in parts]) for name in parts[0].hours}
    hour = np.arange(year.hours)
    return pd.DataFrame({"hour": hour, "time": _times(year, hour), **columns})


def branches_table(year: Year, network: Network, with_: Gauge, parts: Sequence[Part]) -> pd.DataFrame:
    current_a, worst = highest(parts, "current_a", "worst_hour")
    solved = sum(int(part.hours["converged"].sum()) for part in parts)
    mean = sum(part.loading_sum_pu for part in parts) / solved if solved else np.nan
    table = network.branches[["element", "kind", "bus1", "bus2", "phases", "ampacity_a"]].assign(
        limit_pu=with_.limit_pu,
        hours_over=sum(part.hours_over for part in parts),
        energy_over_mwh=sum(part.over_mwh for part in parts),
        current_max_a=current_a,
        loading_max_pu=current_a / with_.ampacity_a,
        worst_hour=worst,
        worst_time=_times(year, worst),
    )
    table["loading_mean_pu"] = np.where(np.isnan(with_.ampacity_a), np.nan, mean)
    return table


def buses_table(year: Year, network: Network, parts: Sequence[Part]) -> pd.DataFrame:
    low, low_hour = highest(parts, "v_min_pu", "v_min_hour", -1.0)
    high, high_hour = highest(parts, "v_max_pu", "v_max_hour")
    return network.buses[["bus", "base_kv", "distance_km"]].assign(
        hours_low=sum(part.hours_low for part in parts),
        hours_high=sum(part.hours_high for part in parts),
        hours_dead=sum(part.hours_dead for part in parts),
        v_min_pu=low,
        v_min_hour=low_hour,
        v_min_time=_times(year, low_hour),
        v_max_pu=high,
        v_max_hour=high_hour,
        v_max_time=_times(year, high_hour),
    )


def devices_table(devices: Sequence[str], parts: Sequence[Part]) -> pd.DataFrame:
    moves = np.concatenate([part.moves for part in parts])
    position = pd.DataFrame(np.concatenate([part.position for part in parts]))
    operations = moves.sum(axis=0)
    return pd.DataFrame(
        {
            "device": list(devices),
            "kind": ["capacitor" if device.startswith("capacitor.") else "regulator" for device in devices],
            "operations": operations.astype(int),
            "operations_per_day": operations / (len(moves) / 24),
            "hours_with_operations": (moves > 0).sum(axis=0),
            "position_min": position.min().to_numpy(dtype=float),
            "position_max": position.max().to_numpy(dtype=float),
            "position_mean": position.mean().to_numpy(dtype=float),
            "position_last": position.ffill().to_numpy(dtype=float)[-1],
        }
    )


def operations_table(hours: pd.DataFrame, devices: Sequence[str], parts: Sequence[Part]) -> pd.DataFrame:
    moves = pd.DataFrame(np.concatenate([part.moves for part in parts]), columns=list(devices))
    table = moves.groupby(hours["time"].str[:7].rename("month"), sort=False).sum().reset_index()
    long = table.melt(id_vars="month", var_name="device", value_name="operations")
    return long.assign(operations=long["operations"].astype(int))[["device", "month", "operations"]]


def months_table(hours: pd.DataFrame) -> pd.DataFrame:
    """Sums of the hours that converged."""
    of_month = hours.assign(
        month=hours["time"].str[:7],
        over=hours["branches_over"] > 0,
        low=hours["buses_low"] > 0,
        high=hours["buses_high"] > 0,
    ).groupby("month", sort=False)
    return pd.DataFrame(
        {
            "hours": of_month.size(),
            "peak_kw": of_month["source_kw"].max(),
            "energy_mwh": of_month["source_kw"].sum() / 1000,
            "served_mwh": of_month["served_kw"].sum() / 1000,
            "losses_mwh": of_month["losses_kw"].sum() / 1000,
            "hours_over": of_month["over"].sum(),
            "hours_low": of_month["low"].sum(),
            "hours_high": of_month["high"].sum(),
            "tap_operations": of_month["tap_operations"].sum(),
            "capacitor_operations": of_month["capacitor_operations"].sum(),
        }
    ).reset_index()


def duration_table(hours: pd.DataFrame) -> pd.DataFrame:
    falling = np.sort(hours["source_kw"].dropna().to_numpy())[::-1]
    if not len(falling):
        return pd.DataFrame({"share_pct": SHARES_PCT, "source_kw": np.nan})
    at = np.round(SHARES_PCT / 100 * (len(falling) - 1)).astype(int)
    return pd.DataFrame({"share_pct": SHARES_PCT, "source_kw": falling[at]})


def _times(year: Year, hours: np.ndarray) -> list[str]:
    """Hours as "2023-07-14 18:00"; "" for hour -1."""
    stamps = np.datetime_as_string(np.datetime64(year.start, "m") + hours.astype("timedelta64[h]"), unit="m")
    return [text.replace("T", " ") if hour >= 0 else "" for text, hour in zip(stamps.tolist(), hours, strict=True)]
