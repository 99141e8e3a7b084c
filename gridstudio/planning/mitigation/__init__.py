"""Mitigation: the least-cost set of upgrades after which a feeder breaks no limit any more.

Lines and transformers too hot and voltages out of band are cured together, at every time point and in every scenario
of the study at once. Candidates come from what is violated and from the paths that feed it (``proposals``), cost what
the catalogue says (``menu``) and do what the power flow shows. A step is taken only if its own power flows, in all
scenarios, add no violation and worsen none (``excess``), the one that removes most per dollar first (``loop``). On
large circuits (``effort``) what acts on hot branches is predicted first and taken in groups, each one step
(``groups``). Then every measure that is not missed is removed or shrunk (``cleanup``), cheaper ones are put in the
place of dearer ones (``swaps``), and all cheaper combinations of what was proposed are tried as far as their number
allows (``exact``). What is left is listed with what was tried against it (``explain``). A step of a scenario is a time
point, not an hour of operation: batteries and demand response, whose energy is not looked at, come last.

Tables of the result (costs in USD of today; ``scenario`` a name, ``hour`` a name of the study's time points; kinds of
violation: undervoltage, overvoltage, dead, overload, not_converged; names of elements as in OpenDSS, with the class:
"line.l1", "transformer.t1", "regcontrol.r1", "capacitor.c1", "load.s1", "pvsystem.p1", and "bus.b1" for what is new):

steps: step (from 1; a row for every accepted step, and for every candidate or group of candidates that was the best
    of its round on paper and failed in the power flows), phase (cure, cleanup, swap, exact), action (add, enlarge,
    change, shrink, remove, swap), measure (type in the catalogue), element, size (of all together; NaN: has none,
    several measures or several lines), size_unit, what (the step in words), cost_usd (what it adds to the plan's
    cost; negative: saves), plan_cost_usd (after the step), reason, then undervoltage_before, overvoltage_before,
    dead_before, overload_before, not_converged_before (violations: node or branch x hour x scenario), the same with
    _after, power_flows (solved for the study up to and with it), accepted, refused ("" or why not)
plan: measure, element, bus1, bus2 ("" if it stands at one bus), x, y (of bus1, or the middle; NaN without
    coordinates), size_before, size (NaN: none), size_unit (of both; line: A, transformer: kVA, capacitor: kvar),
    what, quantity, per (unit, km, kW), unit_cost_usd, capital_usd, o_and_m_usd_per_year, cost_usd (capital and the
    present value of O&M), share (of the plan's cost), life_years, rating_before_a, rating_after_a (of the branch; NaN:
    none), reason, source (of the cost)
cost_by_measure: measure, measures (number), quantity, per, capital_usd, o_and_m_usd_per_year, cost_usd
violations_before, violations_after: scenario, hour, kind, element (bus or branch), phase, value, limit, unit; after
    also cause (why it is left)
remaining: a row per element and kind that is left: kind, element, phase, violations (hours x scenarios), scenario,
    hour (the worst), value, limit, unit, tried (candidates solved against it), best_measure, best_element, best_value
    (what the best of them gave at the worst place), cause
violations_summary: kind, before, after, elements_before, elements_after, worst_before, worst_after, limit, unit
scenarios: scenario, hour, load_scale, generation_scale, probability, then before and after: v_min_<when>_pu,
    v_max_<when>_pu, loading_max_<when>_pu, losses_<when>_kw, violations_<when>, converged_<when>
loadings: scenario, hour, element, ampacity_before_a, ampacity_after_a, current_before_a, loading_before_pu,
    current_after_a, loading_after_pu, limit_pu (rated branches, in the scenarios shown: the worst of each kind)
voltages: scenario, hour, bus, phase, distance_km, v_before_pu, v_after_pu (fed nodes, in the scenarios shown)
network_buses: bus, x, y, base_kv, distance_km, and v_min_before_pu, v_max_before_pu, v_min_after_pu, v_max_after_pu
    over all hours and scenarios. network_branches: as in ``planning.flow``, and loading_before_pu, loading_after_pu
    (largest over all hours and scenarios), rating_after_a, limit_pu, measure ("" or what the plan does to it)
catalogue: measure, phases, size, size_unit, per, unit_cost_usd, o_and_m_usd_per_year, life_years, source
assumptions: topic, text. findings: severity, text. timing: phase, seconds, power_flows, not_converged.
Files: circuits/<scenario>/<hour>/master.dss, the upgraded circuit of the worst scenario and hour before the plan.
"""

from gridstudio.planning.mitigation.job import check, run
from gridstudio.planning.mitigation.settings import MitigationSettings as Settings

__all__ = ["Settings", "check", "run"]
