"""The two-stage program: where sources go and how large, so that after storms the islands pick up the most.

Sets: sites i, roots r (the substation's sections and the sites), storms k, blocks g (parts that storms leave, see
``blocks``), sections v, units u of load (v(u) its section), arcs (r, w -> v) on which root r can feed v from w.
Variables, first stage: delta[i], hardened[l], added[d] in {0, 1}; 0 <= beta_kw[i] <= max_kw[i].
Second stage, per block: feeds[g, r, w -> v], energised[g, r, v], picked_up[g, r, u] in {0, 1}; lost[k].

    minimise  (1 - lambda) sum_k p_k lost[k] + lambda (eta + sum_k p_k beyond[k] / (1 - alpha))                    (1)
    beyond[k] >= lost[k] - eta,  beyond >= 0                                                                       (2)
    lost[k] = W - sum over the blocks g of k of w_u P_u picked_up[g, r, u]                                         (3)
    size          beta_kw[i] <= max_kw[i] delta[i]                                                                 (4)
    budget        sum_i beta_kw[i] + fixed_kw[i] delta[i] <= kw;  sum of the prices of hardened, added <= usd      (5)
    energised     energised[g, r, v] = sum of feeds[g, r, w -> v] over w       where v is not the root's own       (6)
    radial        feeds[g, r, w -> v] <= energised[g, r, w]; where a block has loops, a fictitious flow of one
                  unit into every energised section runs on the arcs that feed                                     (7)
    one_source    sum_r energised[g, r, v] <= 1                                                                    (8)
    started       energised[g, r, section of i] <= delta[i]                        for the root of site i          (9)
    pick_up       picked_up[g, r, u] <= energised[g, r, v(u)]                                                     (10)
    source_kw     (1 + allowance[r]) sum_u P_u picked_up[g, r, u] <= beta_kw[i]                                   (11)
    source_kva    (1 + allowance[r]) Re(conj(t) sum_u S_u picked_up) <= kva_per_kw[i] beta_kw[i]  for tangents t  (12)
    network       voltages and ampacities of the linear flow (``limits``), a row each                             (13)
    repaired      sum_r energised[g, r, v] <= hardened[l]             where l would put v out of service          (14)
    switch        energised[g, r, v] - energised[g, r, w] <= added[d]   for the ends v, w of candidate switch d   (15)
    refused       islands that a power flow refused are not proposed again: one of their sections or units differs (16)
    barred        a way on which voltages are too low, without load or behind a regulator with the load worth most,
                  is not closed all along                                                                         (17)

(8) to (10) leave a picked-up unit one source and one way; the islands of a block that no loop is in need no flow, and
there (6), (7) are as tight as they can be.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import highspy
import linopy
import numpy as np
import pandas as pd
import xarray as xr

from gridstudio.domain.sections import bits
from gridstudio.errors import SolverError
from gridstudio.planning.resilience.apart import ON, columns, solved_apart
from gridstudio.planning.resilience.blocks import planned_blocks, roots_of
from gridstudio.planning.resilience.bound import bound
from gridstudio.planning.resilience.contract import Bools, Effort, Floats, Ints, Plan, Problem, Risk, Solution, no_plan
from gridstudio.planning.resilience.hardening import Hardening, good_lines
from gridstudio.planning.resilience.limits import DIRECTIONS, LimitRow, LinearLimits
from gridstudio.planning.resilience.regions import Regions
from gridstudio.planning.resilience.rows import Rows
from gridstudio.planning.resilience.siting import Siting, good_sizes, steps_kw
from gridstudio.planning.resilience.solver import loaded
from gridstudio.planning.resilience.stage import Lessons, Stage, Tables, stage_of
from gridstudio.solve.integer import matrix_form
from gridstudio.solve.risk import Blend, CVaR, Expectation, value

NOTHING_KW = 1e-3  # sizes below are none
LEAST_GAP = 1e-3  # below, the program is solved as a whole: the decomposition's steps are too coarse to prove it
WITHIN = 0.999  # of the gap, that rounding does not leave it open
SEARCH_SHARE = 0.25  # of the time for the lines to harden, at most
BOUND_SHARE = 0.5  # of the time for the decomposition, before the program as a whole


def formulate(stage: Stage, budget_kw: float, budget_usd: float, plan: Plan | None = None) -> linopy.Model:
    """First and second stage without objective; a ``plan`` fixes the first stage."""
    model = linopy.Model()
    _first_stage(model, stage, budget_kw, budget_usd, plan)
    _second_stage(model, stage)
    _source_limits(model, stage)
    _network_limits(model, stage)
    _options(model, stage)
    _refused(model, stage)
    _barred(model, stage)
    return model


def _first_stage(model: linopy.Model, stage: Stage, kw: float, usd: float, plan: Plan | None) -> None:
    """Equations (4) and (5), or a plan's values. A device that is no candidate counts as added."""
    grid, sites = stage.grid, stage.sites
    largest = np.minimum(sites.max_kw, max(kw, 0.0))
    there = (~grid.optional).astype(float)
    if plan is None:
        none, every = np.zeros(len(sites)), np.ones(len(sites))
        _bounded(model, "delta", none, every, True)
        _bounded(model, "beta_kw", none, largest, False)
        _bounded(model, "hardened", np.zeros(len(grid.line_names)), grid.line_hardenable.astype(float), True)
        _bounded(model, "added", there, np.ones(len(there)), True)
    else:
        given = {"delta": plan.delta, "beta_kw": plan.beta_kw, "hardened": plan.hardened, "added": plan.added + there}
        for name, values in given.items():
            _bounded(model, name, values.astype(float), values.astype(float), False)
    if plan is not None:
        return
    size, budget = Rows(), Rows()
    for i in range(len(sites)):
        size.add(0.0, beta_kw=[(i, 1.0)], delta=[(i, -float(largest[i]))])
    numbers = range(len(sites))
    budget.add(kw, beta_kw=[(i, 1.0) for i in numbers], delta=[(i, sites.fixed_kw[i]) for i in numbers])
    lines, devices = np.flatnonzero(grid.line_hardenable), np.flatnonzero(grid.optional)
    if len(lines) or len(devices):
        prices = {"hardened": (lines, grid.line_usd), "added": (devices, grid.device_usd)}
        budget.add(usd, **{name: [(x, usd_each[x]) for x in rows] for name, (rows, usd_each) in prices.items()})
    size.into(model, "size")
    budget.into(model, "budget")


def _bounded(model: linopy.Model, name: str, least: Floats, most: Floats, integer: bool) -> None:
    coords = [pd.RangeIndex(len(most), name=f"of_{name}")]
    lower, upper = xr.DataArray(least, coords=coords), xr.DataArray(most, coords=coords)
    model.add_variables(lower=lower, upper=upper, coords=coords, name=name, integer=integer)


def _second_stage(model: linopy.Model, stage: Stage) -> None:
    """Equations (6) to (10)."""
    t, roots = stage.tables, stage.roots
    for name, count in (("energised", len(t.e_field)), ("feeds", len(t.a_field)), ("picked_up", len(t.u_field))):
        model.add_variables(lower=0, upper=1, coords=[pd.RangeIndex(count, name=name)], name=name, integer=True)
    own = np.array([roots[one.root].section for one in t.fields], dtype=np.intp)[t.e_field] == t.e_section
    energised, radial, one_source, started, pick_up = Rows(), Rows(), Rows(), Rows(), Rows()
    into: dict[int, list[int]] = {}
    for a, e in enumerate(t.a_into.tolist()):
        into.setdefault(e, []).append(a)
    for e in np.flatnonzero(~own).tolist():
        terms = [(a, 1.0) for a in into[e]]
        energised.add(0.0, energised=[(e, 1.0)], feeds=[(a, -1.0) for a, _ in terms])
        energised.add(0.0, energised=[(e, -1.0)], feeds=terms)
    for a, e in enumerate(t.a_above.tolist()):
        radial.add(0.0, feeds=[(a, 1.0)], energised=[(e, -1.0)])
    at: dict[tuple[int, int], list[int]] = {}
    for e, key in enumerate(zip(t.block_of(t.e_field).tolist(), t.e_section.tolist(), strict=True)):
        at.setdefault(key, []).append(e)
    for rows in at.values():
        if len(rows) > 1:
            one_source.add(1.0, energised=[(e, 1.0) for e in rows])
    for e in np.flatnonzero(own).tolist():
        if (site := roots[t.fields[t.e_field[e]].root].site) >= 0:
            started.add(0.0, energised=[(e, 1.0)], delta=[(site, -1.0)])
    for u, e in enumerate(t.u_e.tolist()):
        pick_up.add(0.0, picked_up=[(u, 1.0)], energised=[(e, -1.0)])
    groups = (energised, radial, one_source, started, pick_up)
    for name, group in zip(("energised", "radial", "one_source", "started", "pick_up"), groups, strict=True):
        group.into(model, name)
    _fictitious_flow(model, t, own)


def _fictitious_flow(model: linopy.Model, t: Tables, own: Bools) -> None:
    """The second half of (7), in the fields with loops."""
    looped = np.array([one.loops for one in t.fields], dtype=bool)
    arcs = np.flatnonzero(looped[t.a_field]) if len(t.a_field) else np.zeros(0, dtype=np.intp)
    if not len(arcs):
        return
    model.add_variables(lower=0, coords=[pd.RangeIndex(len(arcs), name="unit_flow")], name="unit_flow")
    most, balance = Rows(), Rows()
    terms: dict[int, list[tuple[int, float]]] = {}
    for n, a in enumerate(arcs.tolist()):
        most.add(0.0, unit_flow=[(n, 1.0)], feeds=[(a, 1.0 - len(t.fields[t.a_field[a]].sections))])
        terms.setdefault(int(t.a_into[a]), []).append((n, 1.0))
        terms.setdefault(int(t.a_above[a]), []).append((n, -1.0))
    for e, pairs in terms.items():
        if not own[e]:
            balance.add(0.0, unit_flow=[(n, -c) for n, c in pairs], energised=[(e, 1.0)])
            balance.add(0.0, unit_flow=pairs, energised=[(e, -1.0)])
    most.into(model, "unit_flow_most")
    balance.into(model, "unit_flow_balance")


def _source_limits(model: linopy.Model, stage: Stage) -> None:
    """Equations (11) and (12); tangents of the circle only where they can cut."""
    t, sites, units = stage.tables, stage.sites, len(stage.grid.unit_names)
    power = stage.limits.power
    kw_rows, kva_rows = Rows(), Rows()
    for f, one in enumerate(t.fields):
        site = stage.roots[one.root].site
        if site < 0:
            continue
        u, e = np.flatnonzero(t.u_field == f), np.flatnonzero(t.e_field == f)
        draw, still = power[t.u_unit[u]], power[units + t.e_section[e]]
        more = 1.0 + stage.lessons.of(one.root).allowance
        kw_rows.add(0.0, picked_up=zip(u, draw.real, strict=True), beta_kw=[(site, -1.0 / more)])
        kva = float(sites.kva_per_kw[site])
        steep = np.abs(draw.imag).max(initial=0.0) > 0 or np.abs(still).max(initial=0.0) > 0
        within = (np.abs(draw) <= kva * draw.real + 1e-9).all() and not np.abs(still).any()
        for turn in DIRECTIONS if steep and not within else ():
            s, c = (draw * np.conj(turn)).real, (still * np.conj(turn)).real
            if max(s.max(initial=0.0), c.max(initial=0.0)) > 0:
                terms = {"picked_up": zip(u, s, strict=True), "energised": zip(e, c, strict=True)}
                kva_rows.add(0.0, **terms, beta_kw=[(site, -kva / more)])
    kw_rows.into(model, "source_kw")
    kva_rows.into(model, "source_kva")


def _network_limits(model: linopy.Model, stage: Stage) -> None:
    """Equation (13); a row of a section holds where the section is energised."""
    t, units, rows = stage.tables, len(stage.grid.unit_names), Rows()
    for f, one in enumerate(t.fields):
        u, e = np.flatnonzero(t.u_field == f), np.flatnonzero(t.e_field == f)
        for row in stage.limits.rows(one, stage.lessons.of(one.root)):
            _limit(rows, row, t.e_row.get((f, row.section), -1), (u, t.u_unit[u]), (e, units + t.e_section[e]))
    rows.into(model, "network")


def _limit(rows: Rows, row: LimitRow, where: int, u: tuple[Ints, Ints], e: tuple[Ints, Ints]) -> None:
    """coefficient @ x + M energised <= most + M."""
    c_u, c_e = row.coefficient[u[1]], row.coefficient[e[1]].copy()
    free = max(float(np.maximum(c_u, 0).sum() + np.maximum(c_e, 0).sum()) - row.most, 0.0) if where >= 0 else 0.0
    scale = 1.0 / max(np.abs(c_u).max(initial=0.0), np.abs(c_e).max(initial=0.0), 1e-12)
    if where >= 0:
        c_e[e[0] == where] += free
    terms = {"picked_up": zip(u[0], scale * c_u, strict=True), "energised": zip(e[0], scale * c_e, strict=True)}
    rows.add(scale * (row.most + free), **terms)


def _options(model: linopy.Model, stage: Stage) -> None:
    """Equations (14) and (15)."""
    t, grid = stage.tables, stage.grid
    repaired, switch = Rows(), Rows()
    at: dict[tuple[int, int], list[int]] = {}
    for f, one in enumerate(t.fields):
        for v in one.sections:
            at.setdefault((one.block, v), []).append(t.e_row[f, v])
    for g, block in enumerate(t.blocks):
        for v, lines in block.needs:
            for line in lines if (g, v) in at else ():
                repaired.add(0.0, energised=[(e, 1.0) for e in at[g, v]], hardened=[(line, -1.0)])
    for d in np.flatnonzero(grid.optional).tolist():
        a, b = grid.sections.ends[d].tolist()
        for f, one in enumerate(t.fields):
            for near, far in ((a, b), (b, a)):
                if (f, near) not in t.e_row:
                    continue
                other = [(t.e_row[f, far], -1.0)] if (f, far) in t.e_row else []
                switch.add(0.0, energised=[(t.e_row[f, near], 1.0), *other], added=[(d, -1.0)])
            if one.loops and (f, a) in t.e_row and (f, b) in t.e_row:  # it is closed where it is not there to open
                joined = [(x, -1.0) for x in np.flatnonzero((t.a_field == f) & (t.a_device == d))]
                switch.add(0.0, energised=[(t.e_row[f, a], 1.0)], feeds=joined, added=[(d, -1.0)])
    repaired.into(model, "repaired")
    switch.into(model, "switch")


def _refused(model: linopy.Model, stage: Stage) -> None:
    """Equation (16): in every field that can hold it, a refused island differs in an arc or a unit.

    Sections beyond it that serve nobody make no difference, for they are left dark (``islands_of``); but with candidate
    switches they may hang on it without a switch, and count.
    """
    t, grid, rows = stage.tables, stage.grid, Rows()
    for island in sorted(stage.lessons.refused, key=lambda x: (x.root, x.sections, x.closed, x.units)):
        for f, one in enumerate(t.fields):
            inside = sum(1 << v for v in one.sections)
            if one.root != island.root or island.sections & ~inside:
                continue
            picked = set(island.units)
            own = np.flatnonzero(np.isin(grid.unit_section, one.sections)).tolist()
            there = island.sections
            kept = [v for v in one.sections if there >> v & 1 or grid.optional.any()]
            e = [(t.e_row[f, v], 1.0 if there >> v & 1 else -1.0) for v in kept]
            u = [(t.u_row[f, unit], 1.0 if unit in picked else -1.0) for unit in own]
            arcs = np.flatnonzero((t.a_field == f) & np.array([bool(island.closed >> d & 1) for d in t.a_device]))
            count = sum(c > 0 for _, c in (*e, *u)) + bin(island.closed).count("1")
            rows.add(count - 1.0, energised=e, picked_up=u, feeds=[(a, 1.0) for a in arcs])
    rows.into(model, "refused")


def _barred(model: linopy.Model, stage: Stage) -> None:
    """Equation (17): a way that cannot be used is not closed all along; an empty one bars the root's own section."""
    t, rows = stage.tables, Rows()
    ways: dict[int, list[int]] = {}
    for root, way in sorted(stage.lessons.barred):
        ways.setdefault(root, []).append(way)
    for f, one in enumerate(t.fields):
        devices = {arc.device for arc in one.arcs}
        for way in ways.get(one.root, ()):
            on = set(bits(way))
            if not on:
                rows.add(0.0, energised=[(t.e_row[f, stage.roots[one.root].section], 1.0)])
            elif on <= devices:
                arcs = [a for a in np.flatnonzero(t.a_field == f).tolist() if int(t.a_device[a]) in on]
                rows.add(len(on) - 1.0, feeds=[(a, 1.0) for a in arcs])
    rows.into(model, "barred")


def solve_program(
    problem: Problem, effort: Effort, lessons: Lessons | None = None, limits: LinearLimits | None = None
) -> Solution:
    """The best plan found of the program, with a bound.

    Sizes come from a search over tables (``siting``), first with nothing hardened or added, then with the lines that a
    search for hardening takes (``hardening``); their islands from the program with the better plan. A decomposition
    by blocks (``bound``) says how much better a plan could be. Where that leaves more than the effort's gap open, the
    program is solved as a whole, from this plan on, for the rest of the time.
    """
    started = time.perf_counter()
    grid, sites, storms, risk = problem.grid, problem.sites, problem.storms, problem.risk
    roots = roots_of(grid, sites)
    limits = limits or LinearLimits(grid, sites, roots)
    blocks, of_storm = planned_blocks(grid, storms, roots)
    stage = stage_of(grid, sites, roots, blocks, limits, lessons or Lessons())
    regions, until = Regions(stage, _affordable(problem)), started + effort.seconds
    tried = []
    for plan in _starts(problem, regions, of_storm, SEARCH_SHARE * effort.seconds):
        alone = stage_of(grid, sites, roots, blocks, limits, stage.lessons, plan)
        small = Program(problem, alone, of_storm, formulate(alone, math.inf, math.inf, plan))
        start = islands_for(small, plan)
        tried.append((value(measure(risk), lost(small, start), storms.probability), plan, small, start))
    objective, first, small, start = min(tried, key=lambda each: each[0])
    bottom = 0.0
    if effort.gap >= LEAST_GAP:
        half = time.perf_counter() + BOUND_SHARE * (until - time.perf_counter())
        known = bound(problem, regions, of_storm, (1.0 - WITHIN * effort.gap) * objective, half)
        bottom = known.value if known else 0.0
    if bottom >= (1.0 - effort.gap) * objective - 1e-9:
        return _solution(small, start, bottom, True, started)
    program = Program(problem, stage, of_storm, formulate(stage, problem.budget.kw, problem.budget.usd))
    start = islands_for(program, first)
    _objective(program)
    left = max(until - time.perf_counter(), 0.0)
    highs = loaded(matrix_form(program.model), left, effort.gap)
    given = highspy.HighsSolution()
    given.col_value = _with_losses(program, start).tolist()
    highs.setSolution(given)
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    if info.primal_solution_status == 0 or not math.isfinite(info.objective_function_value):
        raise SolverError(f"The program ended without a plan: {highs.modelStatusToString(status)}.")
    found = np.asarray(highs.getSolution().col_value)
    if value(measure(risk), lost(program, found), storms.probability) > objective:
        found = _with_losses(program, start)
    proven = status == highspy.HighsModelStatus.kOptimal
    return _solution(program, found, max(bottom, float(info.mip_dual_bound)), proven, started)


def _affordable(problem: Problem) -> Plan | None:
    """All lines and switches that the budget allows one by one; None where there are none to choose from."""
    grid, usd = problem.grid, problem.budget.usd + 1e-9
    if not grid.line_hardenable.any() and not grid.optional.any():
        return None
    every = no_plan(grid, problem.sites)
    return replace(
        every, hardened=grid.line_hardenable & (grid.line_usd <= usd), added=grid.optional & (grid.device_usd <= usd)
    )


def _starts(problem: Problem, regions: Regions, of_storm: Sequence[tuple[int, ...]], seconds: float) -> Iterator[Plan]:
    """Good plans: with nothing hardened or added; and with lines hardened where some are worth it, searched for some
    seconds."""
    plan, p, risk = no_plan(problem.grid, problem.sites), problem.storms.probability, measure(problem.risk)
    kw, usd = problem.budget.kw, problem.budget.usd
    own = regions if regions.plan is None else regions.under(plan)
    beta_kw = good_sizes(Siting(own, of_storm, p, risk), kw)
    plan = replace(plan, delta=beta_kw > 0, beta_kw=beta_kw)
    yield plan
    if regions.plan is None or not regions.plan.hardened.any():
        return
    every = regions.under(replace(plan, hardened=regions.plan.hardened))
    steps = (beta_kw / steps_kw(every) + 1e-9).astype(np.intp)
    hardened = good_lines(Hardening(every, of_storm, p, risk), steps, usd, time.perf_counter() + seconds)
    if hardened.any():
        plan = replace(plan, hardened=hardened)
        yield plan
        beta_kw = good_sizes(Siting(regions.under(plan), of_storm, p, risk), kw, [beta_kw])
        yield replace(plan, delta=beta_kw > 0, beta_kw=beta_kw)


@dataclass(frozen=True, eq=False)
class Program:
    """A program with what it was made of."""

    problem: Problem
    stage: Stage
    of_storm: Sequence[tuple[int, ...]]
    model: linopy.Model


def islands_for(program: Program, plan: Plan) -> Floats:
    """Values of the first and second stage's columns: a plan, with the best islands for it."""
    stage, model, t = program.stage, program.model, program.stage.tables
    there = plan.added | ~stage.grid.optional
    given = {"delta": plan.delta, "beta_kw": plan.beta_kw, "hardened": plan.hardened, "added": there}
    if len(t.u_field):
        built = np.array([root.site < 0 or plan.delta[root.site] for root in stage.roots])
        worth = stage.grid.unit_weighted_kw[t.u_unit] * built[t.root_of(t.u_field)]
        model.add_objective((model.variables["picked_up"] * -np.maximum(worth, 0.0)).sum(), overwrite=True)
    return solved_apart(model, {name: values.astype(float) for name, values in given.items()})


def lost(program: Program, x: Floats) -> Floats:
    """What is lost in each storm (storm,), counted from the units that are picked up."""
    t, grid = program.stage.tables, program.stage.grid
    worth = np.zeros(len(t.blocks))
    if len(t.u_field):
        picked = x[columns(program.model, "picked_up")] > ON
        np.add.at(worth, t.block_of(t.u_field), grid.unit_weighted_kw[t.u_unit] * picked)
    return np.array([grid.total_weighted_kw - worth[list(own)].sum() for own in program.of_storm])


def _with_losses(program: Program, x: Floats) -> Floats:
    """The columns of the first and second stage, then lost, eta and beyond."""
    q, p = lost(program, x), program.problem.storms.probability
    var_kw = value_at_risk(q, p, program.problem.risk.alpha)
    return np.concatenate([x, q, [var_kw], np.maximum(q - var_kw, 0.0)])


def _solution(program: Program, x: Floats, least: float, proven: bool, started: float) -> Solution:
    """The plan that columns stand for; what is lost is counted from the units picked up."""
    model, problem = program.model, program.problem
    grid, sites = problem.grid, problem.sites
    delta = x[columns(model, "delta")] > ON
    beta_kw = np.where(delta, np.clip(x[columns(model, "beta_kw")], 0.0, sites.max_kw), 0.0)
    plan = Plan(
        delta=beta_kw > NOTHING_KW,
        beta_kw=np.where(beta_kw > NOTHING_KW, beta_kw, 0.0),
        hardened=(x[columns(model, "hardened")] > ON) & grid.line_hardenable,
        added=(x[columns(model, "added")] > ON) & grid.optional,
    )
    q = lost(program, x)
    objective = value(measure(problem.risk), q, problem.storms.probability)
    least = min(max(least, 0.0), objective)
    return Solution(
        plan=plan,
        status="optimal" if proven else "feasible",
        objective=objective,
        bound=least,
        gap=(objective - least) / objective if objective > 0 else 0.0,
        seconds=time.perf_counter() - started,
        binaries=int(sum(kind == "I" for kind in model.matrices.vtypes)),
        rows=len(model.matrices.b),
        q=q,
    )


def measure(risk: Risk) -> Blend:
    """The objective's risk measure."""
    return Blend(risk.lambda_, Expectation(), CVaR(risk.alpha))


def value_at_risk(q: Floats, probability: Floats, alpha: float) -> float:
    """The smallest loss that is not exceeded with probability ``alpha`` or more."""
    order = np.argsort(q, kind="stable")
    reached = np.cumsum(probability[order])
    return float(q[order[min(int(np.searchsorted(reached, alpha - 1e-12)), len(q) - 1)]])


def _objective(program: Program) -> None:
    """Equations (1) to (3)."""
    t, grid, model = program.stage.tables, program.stage.grid, program.model
    p, risk = program.problem.storms.probability, program.problem.risk
    storms = pd.RangeIndex(len(p), name="storm")
    total = grid.total_weighted_kw
    lost_kw = model.add_variables(lower=0, upper=total, coords=[storms], name="lost")
    worth = Rows()
    in_block: dict[int, list[int]] = {}
    for u, g in enumerate(t.block_of(t.u_field).tolist()):
        in_block.setdefault(g, []).append(u)
    for k, own in enumerate(program.of_storm):
        terms = [(u, -float(grid.unit_weighted_kw[t.u_unit[u]])) for g in own for u in in_block.get(g, ())]
        worth.add(-total, lost=[(k, -1.0)], picked_up=terms)
    worth.into(model, "lost")
    eta = model.add_variables(lower=0, upper=total, name="eta")
    beyond = model.add_variables(lower=0, coords=[storms], name="beyond")
    model.add_constraints(beyond - lost_kw + eta >= 0, name="beyond")
    weights = xr.DataArray(p, coords=[storms])
    tail = eta + (beyond * (weights / (1 - risk.alpha))).sum()
    objective = (1 - risk.lambda_) * (lost_kw * weights).sum() + risk.lambda_ * tail
    model.add_objective(objective, overwrite=True)
