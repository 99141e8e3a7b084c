"""Resilience: where grid-forming sources go, and how large, so that after storms most critical load is picked up.

Wind of an event and the fragility of lines make storms (``wind``, ``fragility``, ``outages``); of thousands a few stand
for all (``selection``). The program chooses sources, lines to harden and switches to add within a budget, against the
mean and the tail of the prioritised load lost, Q = sum over loads of w * (1 - s) * P (``program``): sizes are searched
in tables (``siting``, ``regions``) and proven by a decomposition into blocks (``bound``). Every island of its plan is
solved by OpenDSS with the new source as its swing, what is not feasible is cut off and the program solved again
(``loop``). Losses told are those after this check. Fresh storms judge the plan (``evaluate``), sweeps its sensitivity
(``sweep``), and the findings of Poudyal, Dubey (sensitivity analyses of resilience-oriented risk-averse planning) stand
as sentences that the numbers support or not (``statements``). Losses are in weighted kW.

Tables of the result:

wind: region, share (of events; 0: not in this study), distribution, source, wind_m_s, density_s_m
fragility: kind (overhead, underground), hardened, reference_length_m, source, wind_m_s, probability (of one reference
    length)
convergence: storms (so far), mean_kw (loss without new sources, by connectivity), standard_error_kw
strata: stratum (0: calmest), storms, wind_from_m_s, wind_to_m_s, lines_out, sections_out (means), lines_out_se,
    sections_out_se, loss_kw (mean, as above), loss_se_kw
scenarios: scenario (from 1, by wind), storm, probability, stands_for (storms drawn), wind_m_s, stratum, lines_out,
    sections_out (with the plan's hardening), loss_kw (without new sources, by connectivity), q_kw (lost with the plan,
    after the power-flow check), critical_kw (critical load picked up), islands (of new sources)
faults: scenario, element, sections (that it puts out of service): as lines stand, without hardening
critical: case (without, plan), mean_kw (critical load picked up), mean_se_kw, worst_kw (mean of its worst share
    1 - alpha of storms), worst_se_kw: over the fresh storms
plan: site, bus, section, built, kw, kva, used_kw (the most that a scenario takes of it, in kW or by its kVA), max_kw
investments: what (hardened line, added switch), element, usd, saves_kw (mean weighted kW over fresh storms that are
    lost more without it alone; they do not add up), saves_se_kw
islands: scenario, sections, closed (devices within), source (site or "substation"), served_kw (by power flow),
    nominal_kw, weighted_kw, critical_kw (of the loads picked up), source_kw, source_kva, rated_kw (inf: substation),
    v_min_pu, v_max_pu, loading_max_pu, feasible. refused: the same, of islands that the power flow cut off
pickup: scenario, load: the loads picked up. pickup_without: the same without new sources
losses: storm, wind_m_s, without_kw (no source, served alike), with_plan_kw, critical_without_kw, critical_kw (critical
    load picked up without and with the plan): the fresh storms
risk: storms (scenarios, fresh), case (without, mean storm, plan), mean_kw, mean_se_kw, var_kw, var_se_kw, cvar_kw,
    cvar_se_kw, objective_kw, objective_se_kw; standard errors of fresh storms only, scenarios are exact for their
    probabilities
solver: round (of program and check; last "all rounds": the plan after its check, the bound with what was raised between
    rounds), status, objective_kw, bound_kw, gap, stopped_by_clock (whether a deadline ended a search: another machine
    may find another plan), seconds, binaries, rows (of what the solver had: the islands of the plan, or the program as
    a whole where the decomposition left too much open)
stochastic_value: what, kw, plan
loads: load, bus, section, unit (picked up together), kw, weight, critical, source (of the weight; "" for others)
sections: section, x, y (mean of its buses), buses, kw, weighted_kw, critical_kw, overhead_m, underground_m,
    fault_probability (of a storm), fault_probability_se
devices: device, element, type, normally_open, from_section, to_section, candidate, usd
network_buses: as ``Network.buses``, and section, site, site_kw (NaN without a site). network_branches: as in
    ``planning.flow``, and section ("" between two), exposed (to wind), underground, hardened.
assumptions: topic, text. findings: severity, text. timing: phase, seconds, power_flows, not_converged.

With sweeps besides:

sweep: point, sweep (scenarios, risk, budget), scenarios, draw (0: the study's own storms), lambda, alpha, budget_kw,
    sites, status, objective_kw, bound_kw, gap (of the program), stopped_by_clock, seconds (of all rounds, on the
    machine that solved the point), rounds, islands_cut, binaries, rows (of the first round's program), mean_kw, var_kw,
    cvar_kw, checked_objective_kw (scenarios, after the check), fresh_mean_kw, fresh_mean_se_kw, fresh_var_kw,
    fresh_var_se_kw, fresh_cvar_kw, fresh_cvar_se_kw, fresh_objective_kw, fresh_objective_se_kw, fresh_critical_kw (mean
    critical load picked up), fresh_critical_se_kw, sources, built_kw, plan
sweep_losses: point, percentile, loss_kw, critical_kw: distributions over the fresh storms
sweep_scenarios: point, probability, q_kw: distributions over the scenarios
statements: statement, supported (yes, partly: in part of what was varied, the rest is within the gaps, no, not decided:
    within the programs' gaps, not tested: not varied), evidence
"""

from gridstudio.planning.resilience.job import check, run
from gridstudio.planning.resilience.settings import ResilienceSettings as Settings

__all__ = ["Settings", "check", "run"]
