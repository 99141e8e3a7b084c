"""The operation program put together: a day's profiles, the nodal balance, and the groups that fill it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridstudio.planning.transition.case import HOURS, Case, FloatArray, IntArray, Outlook, RepresentativeDays
from gridstudio.planning.transition.factors import BASE_MW, Portfolio
from gridstudio.planning.transition.program import Program
from gridstudio.solve.sddp.problem import StageProblem

KILO = 1e3  # money in operation is thousand USD a day, CO2 thousand tonnes a day

# What may be left out of a study, beside the planning factors: see each function.
GROUPS = (
    "co2",
    "unit_minimum",
    "shedding_limit",
    "curtailment_limit",
    "ramps",
    "kirchhoff",
    "angle_limit",
    "line_rating",
    "battery_modes",
    "degradation",
    "sssc_cut_in",
)


@dataclass(frozen=True, eq=False)
class Day:
    """One day in the making. Profiles (hour, ...) are those of the outlook; ``in_service`` (item,) are columns.

    ``weight`` multiplies the day's cost and emissions within its program; ``balance`` (hour, bus) are the rows of (6),
    ``co2`` the row of (4), to which each group adds its terms. ``exact``: with the hourly binaries (battery mode, SSSC
    cut-in); else these are relaxed and projected out.
    """

    program: Program
    case: Case
    items: Portfolio
    outlook: Outlook
    label: str
    weight: float
    load_mw: FloatArray
    wind_pu: FloatArray
    solar_pu: FloatArray
    rating_pu: FloatArray
    in_service: IntArray
    balance: IntArray
    co2: IntArray
    off: frozenset[str]
    exact: bool

    def usd(self, usd_per_mwh: FloatArray | float) -> FloatArray:
        """A price as the program's cost of 100 MWh."""
        return np.asarray(usd_per_mwh) * BASE_MW / KILO * self.weight

    def name(self, group: str) -> str:
        """A name of columns that tells days of one program apart."""
        return f"{self.label}: {group}"

    def columns(self, factor: str) -> IntArray:
        """In-service columns of a factor's items."""
        return self.in_service[self.items.slices[factor]]

    def bus_of(self, sites: IntArray) -> FloatArray:
        """(bus, place): 1 where a place feeds a bus."""
        return (np.arange(len(self.case.buses))[:, None] == sites[None, :]).astype(float)

    @cached_property
    def hours(self) -> int:
        return HOURS


@dataclass(frozen=True, eq=False)
class Operation:
    """A program for the solver, and where to read its answer: columns by 'day: variable'."""

    problem: StageProblem
    columns: dict[str, IntArray]
    rows: dict[str, IntArray]


def operation(
    case: Case,
    items: Portfolio,
    outlook: Outlook,
    days: RepresentativeDays,
    chosen: Sequence[int],
    off: Collection[str] = (),
    exact: bool = False,
) -> Operation:
    """The program of the ``chosen`` days (positions) in a stage under an outlook, in thousand USD a day.

    Several days share one CO2 target as their weights say; one day alone has the whole daily target.
    """
    from gridstudio.planning.transition.operation import generation, network, renewables, storage

    program = Program()
    incoming = program.variables("in_service", len(items.state_item), 0.0, items.most[items.state_item])
    service = _in_service(program, items, incoming)
    weights = days.weights[list(chosen)] / days.weights[list(chosen)].sum()
    co2 = _co2_target(program, case, outlook, off)
    for place, weight in zip(chosen, weights, strict=True):
        day = _day(program, case, items, outlook, days, place, float(weight), service, co2, off, exact)
        generation.existing_units(day)
        generation.new_thermal(day)
        renewables.renewables(day)
        renewables.shedding(day)
        network.network(day)
        storage.batteries(day)
        storage.pumped_hydro(day)
    return Operation(program.problem(items.states(incoming)), program.variable_groups, program.row_groups)


def _in_service(program: Program, items: Portfolio, incoming: IntArray) -> IntArray:
    """A column for each item: its state, or where it has several vintages a new column, their sum."""
    first = np.flatnonzero(items.state_age == 0)
    found = incoming[first].copy()
    several = np.flatnonzero(items.vintages > 1)
    if len(several):
        found[several] = program.variables("in_service_sum", len(several), 0.0, items.most[several])
        rows = program.rows("service_life (5)-(7)", len(several), 0.0, 0.0)
        program.add(rows, found[several], -1.0)
        program.add_sums(rows, items.state_item[None, :] == several[:, None], incoming)
    return found


def _co2_target(program: Program, case: Case, outlook: Outlook, off: Collection[str]) -> IntArray:
    """(4): CO2 of the program's days at most the target; what is above is paid for, so that the program has an answer.

    Convention: the target of a year counts as 1/365 of it for each day. In a program of one day that day keeps it; in
    a program of all days their weighted mean does, which is the target of the year.
    """
    target = np.inf if "co2" in off else outlook.co2_mt_per_year * 1e6 / 365 / KILO
    row = program.rows("co2 (4)", 1, -np.inf, target)
    if np.isfinite(target):
        price = case.parameters["co2_slack_usd_per_t"]  # USD/t is thousand USD per thousand t
        program.add(row, program.variables("co2_above_target_kt", 1, cost=price), -1.0)
    return row


def _day(
    program: Program,
    case: Case,
    items: Portfolio,
    outlook: Outlook,
    days: RepresentativeDays,
    place: int,
    weight: float,
    service: IntArray,
    co2: IntArray,
    off: Collection[str],
    exact: bool,
) -> Day:
    load = days.load_mw[place] * outlook.load
    balance = program.rows("nodal_balance (6)", load.shape, load / BASE_MW, load / BASE_MW)
    return Day(
        program,
        case,
        items,
        outlook,
        days.labels[place],
        weight,
        load,
        np.minimum(1.0, days.wind_pu[place] * outlook.wind),
        np.minimum(1.0, days.solar_pu[place] * outlook.solar),
        days.rating_pu[place] * outlook.rating,
        service,
        balance,
        co2,
        frozenset(off),
        exact,
    )
