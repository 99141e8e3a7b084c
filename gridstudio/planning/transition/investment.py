"""The investment problem of a node: what is built under an outlook, and what that leaves in service for the next stage.

minimise    sum over items of cost[item] * build[item]                                                      (1), (67)

Each constraint group is a function with its equation number, written on what is in service after the stage.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from gridstudio.planning.transition.case import RENEWABLE, THERMAL, Case, FloatArray, IntArray, Outlook
from gridstudio.planning.transition.factors import BASE_MW, Portfolio, thermal_land_km2_per_mw
from gridstudio.planning.transition.program import Program
from gridstudio.solve.sddp.problem import StageProblem


@dataclass(frozen=True, eq=False)
class Columns:
    """Where the variables are: incoming and outgoing state (state,), build (item,)."""

    incoming: IntArray
    outgoing: IntArray
    build: IntArray


Rule = Callable[[Program, Columns, Case, Portfolio], None]


def investment_problem(
    case: Case,
    items: Portfolio,
    stage: int,
    outlook: Outlook,
    off: Collection[str] = (),
    fixed: FloatArray | None = None,
) -> StageProblem:
    """What may be built in ``stage`` (from 0). In the last stage nothing: it could not act any more.

    ``off``: names of constraint groups left out (see ``RULES``). ``fixed`` (item,): build just this; NaN is free.
    """
    program = Program()
    count = len(items.state_item)
    top = items.most[items.state_item]
    incoming = program.variables("in_service", count, 0.0, top)
    if not count:
        program.variables("nothing_to_build", 1, 0.0, 0.0)  # a solver wants a column
    if stage == items.stage_count - 1:
        return program.problem(items.states(incoming))
    outgoing = program.variables("in_service_next", count, 0.0, top)
    low, high = np.zeros(len(items.names)), items.most
    if fixed is not None:
        low, high = np.where(np.isnan(fixed), low, fixed), np.where(np.isnan(fixed), high, fixed)
    build = program.variables("build", len(items.names), low, high, items.costs_musd(stage, outlook), items.integer)
    columns = Columns(incoming, outgoing, build)
    service_life(program, columns, case, items)
    for name, rule in RULES.items():
        if name not in off:
            rule(program, columns, case, items)
    return program.problem(items.states(incoming, outgoing))


def service_life(program: Program, columns: Columns, case: Case, items: Portfolio) -> None:
    """(5)-(7): what is built joins what is in service; an item that does not outlive the horizon ages and leaves."""
    count = len(items.state_item)
    rows = program.rows("service_life (5)-(7)", count, 0.0, 0.0)
    program.add(rows, columns.outgoing, 1.0)
    young = items.state_age == 0
    program.add(rows[young], columns.build[items.state_item[young]], -1.0)
    stays = ~items.ageing[items.state_item]
    program.add(rows[stays], columns.incoming[stays], -1.0)
    older = np.flatnonzero(~young)
    program.add(rows[older], columns.incoming[older - 1], -1.0)
    limited = np.flatnonzero(items.vintages > 1)
    if len(limited):  # the vintages of an item together
        total = program.rows("service_life (5)-(7)", len(limited), -np.inf, items.most[limited])
        program.add_sums(total, items.state_item[None, :] == limited[:, None], columns.outgoing)


def connection_cap(program: Program, columns: Columns, case: Case, items: Portfolio) -> None:
    """(3): new generation in service at a bus, zones that feed it included, within what may be connected there."""
    share = np.zeros((len(case.buses), len(items.names)))
    for name in (*THERMAL, *RENEWABLE):
        if items.has(name):
            site = items.factor(name).site
            bus = case.zones.bus[site] if name in RENEWABLE else site
            share[bus, _range(items, name)] = 1.0
    _at_most(program, columns, items, "connection_cap (3)", share, case.buses.max_new_mw / BASE_MW)


def line_first(program: Program, columns: Columns, case: Case, items: Portfolio) -> None:
    """(8): sensors and series devices only where a line stands or is built."""
    built = items.slices["line"] if items.has("line") else slice(0, 0)
    lines = items.factor("line").site if items.has("line") else np.zeros(0, dtype=np.int64)
    for name in ("dtr", "sssc"):
        if not items.has(name):
            continue
        factor, first = items.factor(name), items.slices[name].start
        bare = np.flatnonzero(~case.branches.existing[factor.site])
        share = np.zeros((len(bare), len(items.names)))
        share[np.arange(len(bare)), first + bare] = 1.0
        for row, place in enumerate(bare):
            share[row, built][lines == factor.site[place]] = -factor.most[place]
        _at_most(program, columns, items, "line_first (8)", share, np.zeros(len(bare)))


def thermal_land(program: Program, columns: Columns, case: Case, items: Portfolio) -> None:
    """(9): land that new thermal plant takes at a bus."""
    share = np.zeros((len(case.buses), len(items.names)))
    for name in THERMAL:
        if items.has(name):
            land = thermal_land_km2_per_mw(case, name) * BASE_MW
            share[items.factor(name).site, _range(items, name)] = land
    _at_most(program, columns, items, "thermal_land (9)", share, case.buses.land_km2)


def renewable_land(program: Program, columns: Columns, case: Case, items: Portfolio) -> None:
    """(10): land that wind and solar share in a zone."""
    share = np.zeros((len(case.zones), len(items.names)))
    for name in RENEWABLE:
        if items.has(name):
            land = case.parameters[f"{name}_land_km2_per_mw"] * BASE_MW
            share[items.factor(name).site, _range(items, name)] = land
    _at_most(program, columns, items, "renewable_land (10)", share, case.zones.area_km2)


def _range(items: Portfolio, name: str) -> IntArray:
    """Positions of a factor's items."""
    return np.arange(items.slices[name].start, items.slices[name].stop)


def _at_most(
    program: Program, columns: Columns, items: Portfolio, group: str, share: FloatArray, limit: FloatArray
) -> None:
    """share @ in service after the stage <= limit, for rows that the items' own limits do not keep already."""
    finite = np.where(np.isfinite(items.most), items.most, 1e12)
    binds = (share * (share > 0)) @ finite > limit + 1e-9
    rows = program.rows(group, int(binds.sum()), -np.inf, limit[binds])
    program.add_sums(rows, share[binds][:, items.state_item], columns.outgoing)


RULES: dict[str, Rule] = {
    "connection_cap": connection_cap,
    "line_first": line_first,
    "thermal_land": thermal_land,
    "renewable_land": renewable_land,
}
