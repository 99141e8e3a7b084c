"""The tables of the result; their columns are listed in the package's docstring."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from gridstudio.domain.network import Network
from gridstudio.evaluation import Evaluation
from gridstudio.planning.flow import network_branches
from gridstudio.planning.islanding.day import Day
from gridstudio.planning.islanding.dispatch import Hour, Trajectory
from gridstudio.planning.islanding.settings import IslandingSettings
from gridstudio.planning.islanding.zones import Zone, zone_of_bus

Table: TypeAlias = pd.DataFrame
SHED_COLUMNS = ["zone", "start_hour", "step", "hour", "load", "class", "priority", "customers", "kw"]
NOTHING = float("nan")


def all_tables(
    settings: IslandingSettings,
    zones: Sequence[Zone],
    network: Network,
    day: Day,
    found: Sequence[Trajectory],
    base: Evaluation,
) -> dict[str, Table]:
    branches = network_branches(base.network)
    branch_zones = [zone_of_bus(zones, branches[end]) for end in ("bus1", "bus2")]
    inside = [a if a == b else "" for a, b in zip(*branch_zones, strict=True)]
    rows = trace(zones, found)
    return {
        "zones": zone_table(zones, network),
        "by_start": by_start(settings, zones, found, rows),
        "trace": rows,
        "shed": shed(zones, found, day),
        "customers": customers(zones, network, day),
        "network_buses": network.buses.assign(zone=zone_of_bus(zones, network.buses["bus"])),
        "network_branches": branches.assign(zone=inside),
    }


def zone_table(zones: Sequence[Zone], network: Network) -> Table:
    sources = network.source_elements
    return Table(
        [
            {
                "zone": zone.name,
                "source": f"vsource.{sources['source'].iloc[zone.source]}",
                "source_bus": sources["bus"].iloc[zone.source],
                "buses": len(zone.buses),
                "loads": len(zone.load),
                "customers": zone.customers.sum(),
                "load_kw": network.loads["kw"].to_numpy()[zone.load].sum(),
                "peak_kw": zone.kw.sum(axis=0).max(),
                "pv_kw": zone.pv_element_kw + zone.given.pv_kw,
                "storage_kwh": zone.given.storage_kwh,
                "storage_kw": zone.given.storage_kw,
                "inverter_kva": zone.given.inverter_kva,
                "phase_current_max_a": zone.phase_current_max_a,
                "boundary": " ".join(zone.boundary),
            }
            for zone in zones
        ]
    )


def trace(zones: Sequence[Zone], found: Sequence[Trajectory]) -> Table:
    return Table(
        [
            {"zone": zones[island.zone].name, "start_hour": island.start_hour, **_trace_row(zones[island.zone], hour)}
            for island in found
            for hour in island.hours
        ]
    )


def _trace_row(zone: Zone, hour: Hour) -> dict[str, object]:
    state = hour.state
    row: dict[str, object] = {"step": hour.step, "hour": hour.hour, "load_kw": hour.demand_kw}
    broken = " ".join(hour.choice.broken) if hour.choice else ""
    if state is None:
        dark = dict.fromkeys(("source_kw", "source_kvar", "inverter_kva", "v_min_pu", "v_max_pu"), NOTHING)
        return row | {
            "served_kw": 0.0,
            "shed_kw": hour.demand_kw,
            "pv_kw": 0.0,
            "pv_curtailed_kw": zone.solar[hour.hour] * (zone.pv_element_kw + zone.given.pv_kw),
            "storage_kw": 0.0,
            "soc_kwh": hour.soc_kwh,
            "losses_kw": 0.0,
            **dark,
            "current_max_pu": NOTHING,
            "loading_max_pu": NOTHING,
            "customers_served": 0.0,
            "converged": True,
            "proven": hour.choice.proven if hour.choice else True,
            "violations": 0,
            "limits_broken": broken,
        }
    assert hour.choice is not None
    flow, kept = state.flow, np.array(state.kept, dtype=bool)
    alive = flow.v_pu[zone.alive]
    return row | {
        "served_kw": flow.served_kw,
        "shed_kw": float(zone.kw[~kept, hour.hour].sum()),
        "pv_kw": state.pv_kw,
        "pv_curtailed_kw": state.curtailed_kw,
        "storage_kw": state.storage_kw,
        "soc_kwh": hour.soc_kwh,
        "losses_kw": flow.losses_kw,
        "source_kw": flow.source_kw,
        "source_kvar": flow.source_kvar,
        "inverter_kva": flow.kva,
        "v_min_pu": float(alive.min()),
        "v_max_pu": float(alive.max()),
        "current_max_pu": float(flow.current_pu.max()),
        "loading_max_pu": float(np.fmax.reduce(flow.loading_pu, initial=0.0)),
        "customers_served": float(zone.customers[kept].sum()),
        "converged": flow.converged,
        "proven": hour.choice.proven,
        "violations": hour.violations,
        "limits_broken": broken,
    }


def by_start(settings: IslandingSettings, zones: Sequence[Zone], found: Sequence[Trajectory], rows: Table) -> Table:
    groups = rows.groupby(["zone", "start_hour"], sort=False)
    made = []
    for island, (_, hours) in zip(found, groups, strict=True):
        zone, first = zones[island.zone], hours.iloc[0]
        idle = (hours["load_kw"] == 0) & hours["source_kw"].notna()
        serving = ((hours["shed_kw"] < hours["load_kw"]) | idle).to_numpy()
        in_a_row = int(np.argmin(serving)) if not serving.all() else len(serving)
        demand, lost = float(hours["load_kw"].sum()), float(hours["shed_kw"].sum())
        made.append(
            {
                "zone": zone.name,
                "start_hour": island.start_hour,
                "named": island.start_hour in settings.islands.start_hours,
                "can_island": in_a_row > 0,
                "served_share": 1.0 - first["shed_kw"] / first["load_kw"] if first["load_kw"] > 0 else 1.0,
                "hours_all_load": island.hours_all_load,
                "hours_with_shedding": float(in_a_row),
                "customers_served": first["customers_served"],
                "customers": float(zone.customers.sum()),
                "energy_demand_kwh": demand,
                "energy_served_kwh": demand - lost,
                "energy_not_served_kwh": lost,
                "limit_binding": " ".join(island.binding),
            }
        )
    return Table(made)


def shed(zones: Sequence[Zone], found: Sequence[Trajectory], day: Day) -> Table:
    made = []
    for island in found:
        zone = zones[island.zone]
        for hour in island.hours:
            kept = hour.state.kept if hour.state else (False,) * len(zone.load)
            head = (zone.name, island.start_hour, hour.step, hour.hour)
            for load in np.flatnonzero(~np.array(kept, dtype=bool)):
                of_load = (zone.load_names[load], day.classes[zone.load[load]], zone.priority[load])
                made.append((*head, *of_load, zone.customers[load], zone.kw[load, hour.hour]))
    return Table(made, columns=SHED_COLUMNS)


def customers(zones: Sequence[Zone], network: Network, day: Day) -> Table:
    parts = [
        Table(
            {
                "load": zone.load_names,
                "zone": zone.name,
                "bus": network.loads["bus"].to_numpy()[zone.load],
                "customers": zone.customers,
                "class": [day.classes[row] for row in zone.load],
                "priority": zone.priority,
                "kw": network.loads["kw"].to_numpy()[zone.load],
            }
        )
        for zone in zones
    ]
    return pd.concat(parts, ignore_index=True)
