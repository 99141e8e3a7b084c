"""Islanding: which zones can live on their own sources, from which hour on, for how long, and whom they serve.

A zone is cut out by its boundary lines and fed by a grid-forming source of the circuit; every hour of it is a power
flow with that source in service and the rest of the circuit dark. Storage power is what the source delivers, less the
PV behind the same inverter. Surplus charges the storage, the rest of it is curtailed. Where a limit is broken (storage
kW, energy left, inverter kVA, phase currents, voltages, loadings), loads are shed: the best selection by priority
(``shedding``), confirmed by power flow (``dispatch``).

Tables of the result (hours are hours of the day, 0 to 23; powers are means of an hour):

zones: zone, source (element), source_bus, buses, loads, customers, load_kw (published), peak_kw (of the day), pv_kw
    (all PV inside), storage_kwh, storage_kw, inverter_kva, phase_current_max_a, boundary (lines, by blanks)
by_start: zone, start_hour, named (in start_hours), can_island (something is served in the first hour), served_share (of
    the first hour's kW), hours_all_load (until the first load is shed or the study's hours are over; the last hour by
    the share that the storage covers), hours_with_shedding (hours in a row in which something is served),
    customers_served (first hour), customers, energy_demand_kwh, energy_served_kwh, energy_not_served_kwh, limit_binding
    (what ended hours_all_load: storage_kw, energy, inverter_kva, phase_current, voltage, loading, not_converged; ""
    if nothing did)
trace: zone, start_hour, step (0 is the first), hour, load_kw (demand), served_kw (by power flow), shed_kw (demand of
    the loads shed), pv_kw (used), pv_curtailed_kw, storage_kw (positive: discharging), soc_kwh (at the hour's end),
    losses_kw, source_kw, source_kvar, inverter_kva, v_min_pu, v_max_pu, current_max_pu (highest phase current of the
    source over what is allowed), loading_max_pu (highest of lines and transformers over their rating),
    customers_served, converged, proven (the selection is the proven optimum of its model), violations (of the state
    that is served: 0), limits_broken (with all loads connected). A dark hour has served_kw 0 and NaN for what was not
    solved.
shed: zone, start_hour, step, hour, load, class, priority, customers, kw: the loads not served
customers: load, zone, bus, customers, class, priority, kw (published): the loads of the zones
network_buses: as ``Network.buses``, and zone ("" outside). network_branches: as in ``planning.flow``, and zone.
assumptions: topic, text. findings: severity, text. timing: phase, seconds, power_flows, not_converged.
"""

from gridstudio.planning.islanding.job import check, run
from gridstudio.planning.islanding.settings import IslandingSettings as Settings

__all__ = ["Settings", "check", "run"]
