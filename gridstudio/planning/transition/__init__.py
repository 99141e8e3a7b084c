"""Transition planning: which generation, storage and grid measures to build where and when, under uncertain futures.

A multistage stochastic program over a Markov chain of long-term states, solved by SDDP (``solve.sddp``). A node
decides what is built under its state (``investment``); operation on representative days (``operation``) depends only on
what was built before, so days are problems of their own. Cases are sets of planning factors; each is trained on the
relaxation; then whole pieces are searched (``search``), training around them; plans are judged on every path of the
chain, the best with its hourly binaries. What a smaller case found is a plan of a larger one, so costs never rise from
a case to one that contains it.

A study whose ``[growth]`` names sizes solves no case: it times training on networks grown from its own (``growth``),
and has the tables growth, outlooks, parameters, assumptions, findings and timing alone.

What is optimised is the expected cost or, with ``[risk]``, the nested one: at every node a risk measure (CVaR, worst
case, or a share of them beside the expectation) of what may follow it, stage by stage (Shapiro 2011,
doi:10.1016/j.ejor.2010.08.007; Philpott, de Matos 2012, doi:10.1016/j.ejor.2011.10.056). Bounds are bounds of that
cost, and plans are compared by it, exactly, over the tree of paths; expected costs are told beside it.

CO2 convention (``days.co2_target``): "day": every representative day keeps 1/365 of the year's target; "year": their
weighted mean does. The extensive form uses the same, and so do realisations. Money is million USD unless said, not
discounted unless the parameter ``discount_rate`` says so. In-service amounts are MW for gas, smr, h2, solar, wind, else
pieces.

Tables of the result:

cases: case, factors, cost_busd (expected, of the best plan found), risk_adjusted_busd (only with a risk measure: the
    nested cost, which is optimised and which bound and gap are of), bound_busd (no plan is below; that of a case which
    contains it, if higher), gap, first_stage_busd (investment of the first stage), investment_busd, operation_busd,
    shed_mwh, curtailed_mwh, co2_mt (expected, all years), published_busd, iterations, solves, seconds, lps_per_second,
    reason (training's end), plan_from (the case whose plan it is)
risk (only with a risk measure): case, measure (in words), risk_adjusted_busd, bound_busd, gap, expected_busd, alpha,
    cvar_busd (at alpha, of the plan's whole cost over the paths, not nested; NaN for the worst case), worst_path_busd,
    worst_path (states, " > " between them), worst_path_probability
factors: case, factor, on
decisions: case, stage, state, path (states so far, " > " between them), probability (of the path), factor, place, bus,
    amount, unit (MW, pieces), cost_musd (present value)
capacities: case, stage, state, factor, expected (in service when the stage after begins; MW, or pieces), unit
capacities_by_bus: case, stage, state, factor, bus ("branch <name>" for lines, sensors, devices), expected (MW, or
    pieces; rows above zero), unit
policy_fan: case, quantity ("cost so far"; a factor: in service when the stage begins; "CO2 a year", "shed a year",
    "curtailed a year" of the stage), unit (busd, MW, pieces, Mt, GWh),
    stage, mean, p05, p25, p50, p75, p95 (over the paths)
published: case, cost_busd, decided_busd (without what operates in the first stage, which no decision changes),
    published_busd, cost_over_first, decided_over_first, published_over_first (each over the first case's)
operations: case, stage, state, probability, shed_mwh, curtailed_mwh, co2_mt, co2_target_mt, co2_above_mt (a year),
    operation_musd (of the stage)
convergence: case, phase (relaxed; every path; pieces of the first stage held; all pieces held; all pieces held, every
    path; master with whole pieces), iteration, bound_musd (of the case), phase_bound_musd (of the case with what the
    phase holds), simulated_musd (of the iteration's path, or of all; the best plan in a master's row), seconds,
    solves, cuts
paths: case, path, probability, stage, state, investment_musd, operation_musd
simulations: case, plan (stochastic, mean held), sample (in sample, out of sample), realisations, quantity (cost_busd,
    operation_busd, first_operation_busd, shed_gwh, curtailed_gwh), mean, p05, p25, p50, p75, p95, highest
realisations: case, plan, sample, realisation, probability, cost_busd, shed_gwh, curtailed_gwh (at most 2 000 of each)
extensive: case, cost_busd, bound_busd, columns, rows, seconds, sddp_bound_busd, sddp_cost_busd, difference (of the SDDP
    bound, relative; NaN unless the form was solved to the end), ratio (extensive form's seconds over those of
    training's relaxed phase, which solves the same problem; later phases are left out), reason (why there is no
    solution, and then no cost, or why it is not proven best; "" else); cases with whole pieces are relaxed here, and
    compared with the bound of the relaxation; costs are risk-adjusted where a measure is set
stochastic_value: case, quantity, busd (expected, or risk-adjusted where a measure is set), bound_busd (NaN where
    exact), low_busd, high_busd (of a value: between which it lies for that mean plan, as bounds prove; else NaN)
network_buses: case, bus, latitude, longitude, max_load_mw, and expected new capacity by factor in MW or pieces at the
    end (column <factor>)
network_branches: case, branch, from_bus, to_bus, length_km, rating_mw, existing, candidate, line, dtr, sssc (expected
    at the end)
network_zones: case, zone, bus, latitude, longitude, area_km2, wind, solar (MW, expected at the end)
days: day, label, weight, hour, load_mw, wind_pu, solar_pu (means over zones), rating_pu (mean over branches)
fidelity: kind, mean, mean_of_days, highest, highest_of_days (of the year and of the representative days: load as the
    sum over buses, in MW, the rest as means over places), least_factor, highest_factor (over places, of scaling),
    most_short (share of its year's mean that a place lacks on the days); empty where there is no weather
outlooks: stage, state, probability, load, fuel, wind, solar, rating, inflow, co2_mt_per_year, price_<factor>
parameters: name, value, unit, source. assumptions: topic, text. findings: severity, text.
growth: case, buses, branches, zones, states (of a stage), stages, days, nodes, subproblems, scenarios (paths with
    days), day_columns, day_rows (of a day's LP), iterations, seconds, seconds_per_iteration (without the first, which
    starts cold), solves, lps_per_second, workers, bound_busd, reason, full_days, full_iterations, full_hours
    (estimated, on the workers measured: seconds_per_iteration x full_iterations x full_days / days / 3600),
    full_workers (states x full_days: all that a stage can keep busy), full_hours_at_least (on that many, were nothing
    lost between them: full_hours x workers / full_workers); whole pieces, the master problem and judging come on top
timing: phase, seconds, power_flows, not_converged (both 0: no power flow is solved).
"""

from gridstudio.planning.transition.job import check, run
from gridstudio.planning.transition.settings import TransitionSettings as Settings

__all__ = ["Settings", "check", "run"]
