"""What each feeder is today: its peak, what limits it, and how much more it carries, all by power flow."""

import numpy as np
import pandas as pd

from gridstudio.domain.changes import BASE
from gridstudio.planning.upgrades.circuit import Circuit
from gridstudio.planning.upgrades.contract import FloatArray
from gridstudio.planning.upgrades.estimate import limit_a
from gridstudio.planning.upgrades.zones import SOLAR

MOST = 4.0  # times today's load
STEPS = 16  # of each of the two passes that look for the limit


def baseline(circuit: Circuit) -> pd.DataFrame:
    """The table 'baseline'; see the package's docstring. Headroom: all loads of the zone raised alike in the hour of
    its peak, without sun, the rest of the circuit as it is in that hour, to 1/256 of the search's range."""
    drivers, zones = circuit.drivers, circuit.zones
    today, hours = drivers.today(), drivers.hours
    everything = circuit.phases.evaluate("baseline", [(BASE, drivers.scenario("today", today))])
    load = np.stack([drivers.load_mw(today)[zones.of_zone(z)].sum(axis=0) for z in range(len(zones))])
    limits = limit_a(circuit.phases, zones, everything[0].ampacity_a[0])
    rows = []
    for zone, name in enumerate(zones.names):
        peak = int(load[zone].argmax())
        nodes = np.flatnonzero((zones.node_zone == zone) & zones.network.nodes["fed"].to_numpy())
        v_pu = everything.flow.v_pu[0][:, nodes]
        loading = np.nan_to_num(everything.flow.current_a[0] / limits)[:, zones.conductor_zone == zone]
        times, kind, element = _headroom(circuit, zone, today[..., peak], limits)
        room = (times - 1) * float(load[zone, peak])
        rows.append(
            {
                "feeder": name,
                "head": zones.heads[zone],
                "customers": zones.customers[zone],
                "peak_mw": float(load[zone, peak]),
                "average_mw": float(load[zone] @ hours.weight_h / hours.weight_h.sum()),
                "energy_mwh": float(load[zone] @ hours.weight_h),
                "limited_by": kind,
                "element": element,
                "highest_loading_pu": float(loading.max(initial=0.0)),
                "lowest_v_pu": float(v_pu.min()),
                "highest_v_pu": float(v_pu.max()),
                "headroom_mw": room,
                "rated_mw": float(load[zone, peak]) + room,
            }
        )
    return pd.DataFrame(rows)


def _headroom(circuit: Circuit, zone: int, state: FloatArray, limits: FloatArray) -> tuple[float, str, str]:
    """The highest multiple of the zone's load within all limits, what binds then and where."""
    low, high, kind, element = 1.0, MOST, "", ""
    for _ in range(2):
        times = np.linspace(low, high, STEPS + 1)
        broken = _first_broken(circuit, zone, state, times, limits)
        if broken is None:
            return float(high), "", ""
        number, kind, element = broken
        if number == 0:
            return float(low), kind, element
        low, high = float(times[number - 1]), float(times[number])
    return low, kind, element


def _first_broken(
    circuit: Circuit, zone: int, state: FloatArray, times: FloatArray, limits: FloatArray
) -> tuple[int, str, str] | None:
    drivers, zones = circuit.drivers, circuit.zones
    raised = np.repeat(state[..., None], len(times), axis=-1)
    raised[:, SOLAR] = 0.0
    mine = np.flatnonzero(zones.of_zone(zone))
    raised[mine, :SOLAR] *= times
    done = circuit.phases.evaluate(
        "baseline", [(BASE, drivers.scenario(str(n), raised[..., [n]])) for n in range(len(times))]
    )
    bounds, network = circuit.phases.limits, zones.network
    branch, names = network.conductors["branch"].to_numpy(), network.branches["element"].to_numpy()
    for n in range(len(times)):
        flow = done[n].flow
        nodes = np.flatnonzero((zones.node_zone == zone) & network.nodes["fed"].to_numpy())
        if not flow.converged[0]:
            return n, "no convergence", ""
        ratio = np.where(zones.conductor_zone == zone, np.nan_to_num(flow.current_a[0] / limits), 0.0)
        v_pu = flow.v_pu[0, nodes]
        if ratio.max() > 1:
            return n, "overload", str(names[branch[int(ratio.argmax())]])
        if v_pu.min() < bounds.v_min_pu:
            return n, "undervoltage", f"bus.{network.nodes['bus'].iat[nodes[int(v_pu.argmin())]]}"
        if v_pu.max() > bounds.v_max_pu:
            return n, "overvoltage", f"bus.{network.nodes['bus'].iat[nodes[int(v_pu.argmax())]]}"
    return None
