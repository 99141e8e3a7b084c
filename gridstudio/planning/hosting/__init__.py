"""Hosting capacity: how much PV, EV charging or load each bus, or the feeder, takes before which limit binds.

A device is a constant-power load of the engine (PV: a negative one) that a candidate place has from the start at next
to nothing; scenarios raise it, so that no circuit is edited and no node added. Every load costs time in every power
flow, so places are taken in groups, each group with a copy of the circuit of its own. All that is asked is judged in
every hour of the study, each from the circuit as it stands today, regulators and capacitors acting. What the circuit
breaks without the device is not held against it unless it gets worse (``judge``).

Nodal: one device at one bus. Sizes that double up to ``max_kw`` are tried first, then the step between the last size
that fits and the first that does not is halved until it is narrower than ``tolerance_kw`` (``nodal``). Stochastic:
customers get devices in a random order, more and more of them; many such deployments make the curve (``stochastic``).

Tables of the result (kW at full output; hour is a name of the study's hours; limits: undervoltage, overvoltage,
line_loading, transformer_loading, deviation, reverse_flow, not_converged, none):

nodal: device (pv, ev, load), bus, nodes ("1.2.3", "2", or the legs "1.2"), base_kv (to neutral), distance_km,
    hosting_kw (largest size known to fit), refused_kw (smallest known not to; NaN if max_kw fits), limit (which binds
    at refused_kw), element (branch, or bus.phase), hour, value, allowed, unit (pu or kW)
nodal_limits: device, limit, places, least_kw, median_kw
curve: device, penetration_pct (of customers), kw_mean (mean of deployments), violating_pct (of deployments at this
    penetration), violated_pct (at this or a lower one), and a column <limit>_pct for each limit
deployments: device, deployment, first_pct (lowest penetration that violates; NaN if none does), first_kw,
    fits_kw (at the penetration before), limit, element, hour, value, allowed, unit
percentiles: device, percentile (of deployments), first_pct, first_kw; inf where so many never violate
hours: hour, load_scale, generation_scale, pv, ev, load, source_kw, losses_kw, v_min_pu, v_max_pu, loading_max_pu (as
    the circuit stands), violations (that it breaks without any device)
network_buses: as ``Network.buses``, and <device>_kw (the bus's least nodal hosting_kw, NaN if not asked).
network_branches: as in ``planning.flow``.
assumptions: topic, text. findings: severity, text. timing: phase, seconds, power_flows, not_converged.
"""

from gridstudio.planning.hosting.job import check, run
from gridstudio.planning.hosting.settings import HostingSettings as Settings

__all__ = ["Settings", "check", "run"]
