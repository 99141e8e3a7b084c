"""Upgrades under uncertainty: which measure on which feeder in which year, before it is known what the future brings.

A two-stage program (``program``) chooses measures under yearly budgets; what a scenario then costs on a feeder depends
on the set of measures there, and comes from a ``contract.Provider``: arithmetic of peaks and ratings (mode capacity).
Its plan is verified by the provider, corrected and solved again until it holds (``planner``), simulated on scenarios it
has not seen, compared with plans for the mean future, for other prices and for less money, and read as a road map.

Tables of the result ("unserved" is MWh per year where representative hours are given, else MW of the peak; money is
USD, present value of year 1 unless said):

ranking: feeder, customers, peak_mw, rated_mw, probability (that something is unserved in the last year if nothing is
    built), severity (mean of it where it happens), expected_unserved (probability x severity), mean_mw, p95_mw,
    highest_mw (excess over the rating), expected_unserved_after, p95_mw_after (with the plan), rank
selection: feeder, measure, limit, cost_usd, om_usd_per_year, life_years, gain_mw, built, year (0: never),
    present_value_usd (of what is built)
projects: feeder, measures, discount_rate, first_year_benefit_usd, last_year_benefit_usd (of the study, not
    discounted), benefit_usd, cost_usd, npv_usd, bcr, payback_years (discounted; infinite if never)
alternatives: feeder, first_year (short at the asked quantile), shift_mw, battery_mw, adequate_until (below first_year:
    never), cost_usd, wires_usd (what they would defer, not discounted: the plan's measures if these are wires alone,
    else the cheapest wires that serve the same quantile in the last year), deferral_usd, judged_by (hours or peak)
roadmap: feeder, year, action (build, bridge, monitor, none), measures, spend_usd (not discounted), probability,
    severity, expected_unserved, p95_mw (left in that year with what stands by then)
years: year, spend_usd, cumulative_usd, budget_usd, om_usd (not discounted), expected_unserved, p95_unserved,
    expected_unserved_without, probability, recourse_usd (expected), feeders_short (in any scenario)
scenarios: scenario, probability, growth, solar_share, ev_share, ev_kw, weather (means over feeders),
    unserved_without, unserved (all years), recourse_usd
check: scenarios (in sample, out of sample), count, expected_unserved, p95_unserved, highest_unserved, probability,
    expected_curtailed, expected_customer_hours, expected_recourse_usd, p95_recourse_usd, expected_total_usd
plans: plan, investment_usd, recourse_usd, total_usd, expected_unserved, saidi_h (all years), measures
stochastic: quantity, usd. value_of_lost_load: factor, usd_per_unit, and as plans. discount_rate: rate, and as plans.
plans, value_of_lost_load, discount_rate and pareto also have saifi (interruptions per customer, all years).
pareto: bound (on what is unserved), and as plans but plan, status, gap: least investment for each bound
deficits: feeder, year, probability, mean_mw, p95_mw, highest_mw (excess), mean_unserved, p95_unserved,
    highest_unserved, if nothing is built
risk: year, quantity (expected, p95, cvar, highest), unserved, unserved_without, recourse_usd, recourse_usd_without
dispatch: feeder, year, day, hour, load_mw, limit_mw, ev_mw, shift_mw (taken out positive), battery_mw (discharging
    positive), left_mw (over the limit, after both): the alternative in the scenario at the asked quantile

Tables of mode powerflow only ("feeder" is there a feeder, or the substation that several share):

baseline: feeder, head (element), customers, peak_mw, average_mw, energy_mwh (representative hours, today),
    limited_by (overload, undervoltage, overvoltage), element (of the limit), highest_loading_pu, lowest_v_pu,
    highest_v_pu, headroom_mw (load added evenly until the first limit binds), rated_mw (peak_mw + headroom_mw)
needs: scenario, probability, feeder, year, overloaded_elements, energy_above_rating_mwh (above what the limits allow of
    the rating, added over elements), hours_overloaded, buses_out_of_band, hours_out_of_band, highest_loading_pu (of
    what the limits allow), lowest_v_pu, unserved_mwh, curtailed_mwh: nothing built
elements: feeder, element, kind (line, transformer), rated_a, probability (overloaded in the last year), mean_loading_pu
    (of what the limits allow, highest hour, mean over scenarios), highest_loading_pu, energy_above_rating_mwh
    (expected): nothing built
parts: feeder, measure, element, change (text), cost_usd: what each candidate does to the circuit
left: scenarios (in sample, out of sample), feeder, year, probability (of any shedding), expected_unserved_mwh,
    highest_unserved_mwh, element (that limits most often, "" if none): where the plan does not serve all
corrections: feeder, year, measures, estimated_mwh, simulated_mwh (expected): estimate of the program, power flows
network_buses: as ``Network.buses``. network_branches: as in ``planning.flow``.
hourly: feeder, year, day, hour, mean_load_mw, p95_load_mw, probability (of shedding), expected_shed_mw, with the plan
rounds: total_usd, expected_recourse_usd, verified_recourse_usd, corrected_packages, round
solver: program, status, total_usd, bound_usd, gap, variables, constraints, nonzeros, seconds
assumptions: topic, text. findings: severity, text. timing: phase, seconds, power_flows, not_converged.
"""

from gridstudio.planning.upgrades.job import check, run
from gridstudio.planning.upgrades.settings import UpgradesSettings as Settings

__all__ = ["Settings", "check", "run"]
