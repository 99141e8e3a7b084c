"""Transition planning: which generation, storage and grid measures to build where and when, under uncertain futures.

A multistage stochastic program over a Markov chain of long-term states, solved by SDDP (``solve.sddp``). A node
decides what is built under its state (``investment``); operation on representative days (``operation``) depends only on
what was built before, so days are problems of their own. Cases are sets of planning factors; each is trained on the
relaxation, then with whole investments, and its plan is judged on every path of the chain with exact operation. What
a smaller case found is a plan of a larger one, so costs never rise from a case to one that contains it.

CO2 convention (``days.co2_target``): "day": every representative day keeps 1/365 of the year's target; "year": their
weighted mean does. The extensive form uses the same. Money is million USD unless said, not discounted unless the
parameter ``discount_rate`` says so. In-service amounts are MW for gas, smr, h2, solar, wind, else pieces.

Tables of the result:

cases: case, factors, cost_busd (expected, of the best plan found), bound_busd (no plan is below), gap, first_stage_busd
    (investment of the first stage), investment_busd, operation_busd, shed_mwh, curtailed_mwh, co2_mt (expected, all
    years), published_busd, iterations, solves, seconds, lps_per_second, reason (training's end), plan_from (the case
    whose plan it is)
factors: case, factor, on
decisions: case, stage, state, path (states so far, " > " between them), probability (of the path), factor, place, bus,
    amount, unit (MW, pieces), cost_musd
capacities: case, stage, state, factor, expected (in service when the stage after begins; MW, or pieces), unit
operations: case, stage, state, probability, shed_mwh, curtailed_mwh, co2_mt, co2_target_mt, co2_above_mt (a year),
    operation_musd (of the stage)
convergence: case, phase (relaxed, whole investments), iteration, bound_musd, simulated_musd (of the iteration's path),
    seconds, solves, cuts
paths: case, path, probability, stage, state, investment_musd, operation_musd
simulations: case, plan (stochastic, mean held), sample (in sample, out of sample), realisations, quantity (cost_busd,
    operation_busd, shed_gwh, curtailed_gwh), mean, p05, p25, p50, p75, p95, highest
realisations: case, plan, sample, realisation, probability, cost_busd, shed_gwh, curtailed_gwh (at most 2 000 of each)
extensive: case, cost_busd, bound_busd, columns, rows, seconds, sddp_bound_busd, sddp_cost_busd, difference (of the SDDP
    bound, relative), ratio (extensive form's seconds over training's); cases with whole pieces are relaxed here, and
    compared with the bound of the relaxation
stochastic_value: case, quantity, busd, bound_busd (NaN where exact)
network_buses: case, bus, latitude, longitude, max_load_mw, and expected new capacity by factor in MW or pieces at the
    end (column <factor>)
network_branches: case, branch, from_bus, to_bus, length_km, rating_mw, existing, candidate, line, dtr, sssc (expected
    at the end)
network_zones: case, zone, bus, latitude, longitude, area_km2, wind, solar (MW, expected at the end)
days: day, label, weight, hour, load_mw, wind_pu, solar_pu (means over zones), rating_pu (mean over branches)
fidelity: kind, mean, mean_of_days, highest, highest_of_days (of the year's profiles; empty where there is no weather)
outlooks: stage, state, probability, load, fuel, wind, solar, rating, inflow, co2_mt_per_year, price_<factor>
parameters: name, value, unit, source. assumptions: topic, text. findings: severity, text.
timing: phase, seconds, power_flows, not_converged (both 0: no power flow is solved).
"""

from gridstudio.planning.transition.job import check, run
from gridstudio.planning.transition.settings import TransitionSettings as Settings

__all__ = ["Settings", "check", "run"]
