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

from collections.abc import Sequence

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from gridstudio.planning.resilience.contract import Bools, Floats, Plan, Problem
from gridstudio.planning.resilience.limits import DIRECTIONS
from gridstudio.planning.resilience.restrictions import restrict
from gridstudio.planning.resilience.rows import Rows
from gridstudio.planning.resilience.stage import Stage, Tables


def formulate(stage: Stage, budget_kw: float, budget_usd: float, plan: Plan | None = None) -> linopy.Model:
    """First and second stage without objective; a ``plan`` fixes the first stage."""
    model = linopy.Model()
    _first_stage(model, stage, budget_kw, budget_usd, plan)
    _second_stage(model, stage)
    _source_limits(model, stage)
    restrict(model, stage)
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


def add_objective(model: linopy.Model, stage: Stage, problem: Problem, of_storm: Sequence[tuple[int, ...]]) -> None:
    """Equations (1) to (3)."""
    t, grid = stage.tables, stage.grid
    p, risk = problem.storms.probability, problem.risk
    storms = pd.RangeIndex(len(p), name="storm")
    total = grid.total_weighted_kw
    lost_kw = model.add_variables(lower=0, upper=total, coords=[storms], name="lost")
    worth = Rows()
    in_block: dict[int, list[int]] = {}
    for u, g in enumerate(t.block_of(t.u_field).tolist()):
        in_block.setdefault(g, []).append(u)
    for k, own in enumerate(of_storm):
        terms = [(u, -float(grid.unit_weighted_kw[t.u_unit[u]])) for g in own for u in in_block.get(g, ())]
        worth.add(-total, lost=[(k, -1.0)], picked_up=terms)
    worth.into(model, "lost")
    eta = model.add_variables(lower=0, upper=total, name="eta")
    beyond = model.add_variables(lower=0, coords=[storms], name="beyond")
    model.add_constraints(beyond - lost_kw + eta >= 0, name="beyond")
    weights = xr.DataArray(p, coords=[storms])
    tail = eta + (beyond * (weights / (1 - risk.alpha))).sum()
    model.add_objective((1 - risk.lambda_) * (lost_kw * weights).sum() + risk.lambda_ * tail, overwrite=True)
