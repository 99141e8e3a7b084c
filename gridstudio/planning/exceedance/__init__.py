"""Exceedance: a year (or any hourly profile) of a circuit, hour by hour, with controls carried from hour to hour.

Hours and energy over limits of every branch and bus, operations of regulators and capacitors, load duration, losses.
The profile is a table of the user's or the built-in shape by class, which is assumed and says so. It is cut into
chunks (``chunks``): within a chunk taps and capacitor steps carry from hour to hour; every chunk starts from the
settled circuit and solves some hours before its own first, which are not counted, so that its controls stand where
the hours before would have left them. Chunks decide how much can run at once and what memory is needed; who solves
them shows in no number.

Tables of the result (hours count from 0 at ``profiles.start``; a step is an hour; limits are the study's):

hours: hour, time, source_kw, source_kvar, served_kw, losses_kw, v_min_pu, v_max_pu (fed nodes), loading_max_pu
    (highest of branches over their rating), branches_over, buses_low, buses_high, buses_dead
    (without voltage), tap_operations, capacitor_operations (between the hour before and this one), converged. What
    did not converge is NaN and 0.
branches: element, kind, bus1, bus2, phases, ampacity_a, limit_pu, hours_over (largest phase current above limit_pu of
    ampacity_a), energy_over_mwh (what its phase currents above that limit carry at nominal voltage to neutral and
    unity power factor), current_max_a, loading_max_pu, worst_hour, worst_time, loading_mean_pu. Without rating NaN
    and 0.
buses: bus, base_kv (to neutral), distance_km, hours_low, hours_high, hours_dead (any phase), v_min_pu, v_min_hour,
    v_min_time, v_max_pu, v_max_hour, v_max_time
devices: device (as controls know it: transformer.NAME.WINDING, capacitor.NAME), kind (regulator, capacitor),
    operations (steps moved), operations_per_day, hours_with_operations, position_min, position_max, position_mean,
    position_last (tap number: steps from the middle of the range; capacitor: steps switched on)
operations: device, month, operations (steps moved)
months: month, hours, peak_kw, energy_mwh (from the source), served_mwh, losses_mwh, hours_over (any branch),
    hours_low, hours_high (any bus), tap_operations, capacitor_operations
duration: share_pct (of the hours, in which the source gives at least), source_kw
levels: quantity (loading_pu of branches, v_min_pu and v_max_pu of buses), element, level_pu, hours (loading and v_max:
    at or above the level; v_min: below it); of the worst six of each by hours over and then by their extreme
profiles: name (load, classes, solar, load.NAME), mean, maximum, minimum, hour_of_maximum, source ("assumed" or a file)
network_buses: as ``Network.buses``. network_branches: as in ``planning.flow``.
assumptions: topic, text. findings: severity, text. timing: phase, seconds, power_flows, not_converged.
"""

from gridstudio.planning.exceedance.job import check, run
from gridstudio.planning.exceedance.settings import ExceedanceSettings as Settings

__all__ = ["Settings", "check", "run"]
