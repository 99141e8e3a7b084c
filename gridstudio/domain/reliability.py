"""What interruptions amount to: IEEE 1366 indices, energy not served, interruption cost, and the benefit of measures.

The unit of account is a *group*: customers interrupted together and restored at the same minute, one row of the arrays
``customers`` (n,) and ``minutes`` (n,). An outage that is restored in steps has one group per step, so each customer's
minutes run until its own restoration. A group of 0 minutes (or of 0 customers) was never interrupted and counts
nowhere: neither as interrupted nor as restored. A customer interrupted twice is in two rows.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.domain import economics
from gridstudio.errors import InputError

Floats = NDArray[np.float64]
Unit = Literal["usd_per_kwh", "usd_per_customer_hour"]

MOMENTARY_MAX_MIN = 5.0  # IEEE 1366-2022, clause 3: a sustained interruption lasts more than five minutes
MINUTES_PER_HOUR = 60.0


@dataclass(frozen=True)
class Indices:
    """IEEE 1366-2022 indices over the reported interruptions; ``dataclasses.asdict`` gives a table's row.

    ci, cmi: customers interrupted and customer-minutes of *sustained* interruptions (5 minutes do not count yet).
    saifi: ci / customers_served. saidi_min: cmi / customers_served. caidi_min: cmi / ci, NaN where nothing sustained
    happened (a mean over nothing is not 0). ci_momentary, cmi_momentary: the same of momentary interruptions.
    maifi: ci_momentary / customers_served, every momentary interruption counted (not MAIFI_E, which counts events).
    Major event days are not set apart.
    """

    customers_served: float
    ci: float
    cmi: float
    saifi: float
    saidi_min: float
    caidi_min: float
    ci_momentary: float
    cmi_momentary: float
    maifi: float


def indices(
    customers: ArrayLike, minutes: ArrayLike, customers_served: float, momentary_max_min: float = MOMENTARY_MAX_MIN
) -> Indices:
    """The indices of interruptions ``customers`` (n,), ``minutes`` (n,) on a system that serves ``customers_served``.

    Minutes up to and including ``momentary_max_min`` are momentary: they count for MAIFI and for nothing else.
    """
    if not (math.isfinite(customers_served) and customers_served > 0):
        raise InputError(f"The system serves {customers_served:g} customers; indices need a positive number.")
    if not momentary_max_min >= 0:
        raise InputError(f"momentary_max_min is {momentary_max_min:g}; it must not be negative.")
    number, lasting = _columns({"customers": customers, "minutes": minutes})
    _refuse(
        _finding(number > customers_served, number, f"customers, more than the {customers_served:g} that are served")
    )
    sustained = lasting > momentary_max_min
    momentary = (lasting > 0) & ~sustained
    ci, cmi = float(number[sustained].sum()), float((number * lasting)[sustained].sum())
    ci_momentary = float(number[momentary].sum())
    return Indices(
        customers_served=float(customers_served),
        ci=ci,
        cmi=cmi,
        saifi=ci / customers_served,
        saidi_min=cmi / customers_served,
        caidi_min=cmi / ci if ci else math.nan,
        ci_momentary=ci_momentary,
        cmi_momentary=float((number * lasting)[momentary].sum()),
        maifi=ci_momentary / customers_served,
    )


def energy_not_served_kwh(kw: ArrayLike, minutes: ArrayLike) -> Floats:
    """Energy that each group (n,) would have drawn: its mean load ``kw`` without the interruption, times the time.

    Momentary interruptions included. ``kw`` is the whole group's, and diversified: the surge after restoration is
    partly this energy drawn later, and is no part of it.
    """
    load, lasting = _columns({"kw": kw, "minutes": minutes})
    return load * lasting / MINUTES_PER_HOUR


@dataclass(frozen=True)
class Rate:
    """What an interruption costs one customer class: ``steps`` of (up to hours, USD per ``unit``), the last to inf.

    A step prices the hours that fall into it, as a tax bracket does: with ((1, 30), (inf, 10)), three hours cost
    30 + 10 + 10. So a longer interruption never costs less, and ending it earlier is worth what the saved hours cost.
    A table that gives one mean rate per *duration* is another thing: take differences of its totals first.
    """

    unit: Unit
    steps: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if self.unit not in ("usd_per_kwh", "usd_per_customer_hour"):
            raise InputError(f"Cost unit {self.unit!r} is neither 'usd_per_kwh' nor 'usd_per_customer_hour'.")
        ends = [0.0, *(end for end, _ in self.steps)]
        if not all(a < b for a, b in itertools.pairwise(ends)) or ends[-1] != math.inf:
            raise InputError(f"The durations of a cost table must rise from above 0 h to inf; found {ends[1:]}.")
        for end, usd in self.steps:
            if not (math.isfinite(usd) and usd >= 0):
                raise InputError(f"The cost up to {end:g} h is {usd:g} USD; it must be a number that is not negative.")

    def usd_per_unit(self, hours: Floats) -> Floats:
        """Cost (n,) of interruptions of ``hours`` (n,) per kW, or per customer: the sum over the steps."""
        total, start = np.zeros_like(hours), 0.0
        for end, usd in self.steps:
            total += usd * (np.clip(hours, start, end) - start)
            start = end
        return total


def flat_rate(unit: Unit, usd: float) -> Rate:
    """The same price for every hour."""
    return Rate(unit, ((math.inf, usd),))


# The guides' values: 25 USD/kWh residential, 28.40 USD per customer-hour for the others. Both are figures of a worked
# example for a fictional utility, not of a survey: give a table of your own where money is decided.
GUIDE_RATES: Mapping[str, Rate] = {
    "residential": flat_rate("usd_per_kwh", 25.0),
    "commercial": flat_rate("usd_per_customer_hour", 28.40),
    "industrial": flat_rate("usd_per_customer_hour", 28.40),
}


@dataclass(frozen=True)
class CostTable:
    """Cost of interruptions by customer class; the default holds the guides' values (``GUIDE_RATES``)."""

    rates: Mapping[str, Rate] = field(default_factory=lambda: dict(GUIDE_RATES))

    def __post_init__(self) -> None:
        if not self.rates:
            raise InputError("The cost table names no customer class.")


def interruption_cost_usd(
    table: CostTable, classes: Sequence[str], customers: ArrayLike, kw: ArrayLike, minutes: ArrayLike
) -> Floats:
    """Cost (n,) of each group's interruption: its class's rate times its kW (whole group) or its customers.

    Momentary interruptions cost their minutes too. An unknown class is an InputError that names its row.
    """
    number, load, lasting = _columns({"customers": customers, "kw": kw, "minutes": minutes})
    names = np.asarray(classes, dtype=object)
    if names.shape != number.shape:
        raise InputError(f"{names.size} customer classes are given for {number.size} groups; each group needs one.")
    _refuse(_unknown_class(names, table))
    hours, cost = lasting / MINUTES_PER_HOUR, np.zeros_like(lasting)
    for name, rate in table.rates.items():
        rows = names == name
        quantity = load if rate.unit == "usd_per_kwh" else number
        cost[rows] = quantity[rows] * rate.usd_per_unit(hours[rows])
    return cost


@dataclass(frozen=True)
class Benefit:
    """What a measure saves; ``dataclasses.asdict`` gives a table's row.

    customers: whose interruption is shorter than with crews only. ci, cmi: sustained interruptions and their
    customer-minutes avoided. energy_kwh: served after all. cost_usd: interruption cost avoided. Negative: made worse.
    """

    customers: float
    ci: float
    cmi: float
    energy_kwh: float
    cost_usd: float

    def __sub__(self, other: "Benefit") -> "Benefit":
        return Benefit(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Benefits:
    """The benefit of switching, of islanding beyond switching, and of both: ``switching`` + ``islanding`` = ``whole``.

    ``islanding`` is only what it saves where switching has not saved it yet. It is not the benefit of islanding on its
    own, which overlaps with switching's and must not be added to it.
    """

    switching: Benefit
    islanding: Benefit
    whole: Benefit


def split_benefits(
    table: CostTable,
    classes: Sequence[str],
    customers: ArrayLike,
    kw: ArrayLike,
    crew_only_min: ArrayLike,
    switching_min: ArrayLike,
    switching_and_islanding_min: ArrayLike,
    momentary_max_min: float = MOMENTARY_MAX_MIN,
) -> Benefits:
    """Who owes what to which measure, from the same groups' minutes (n,) without measures, with one, with both.

    A group must be fine enough that all its customers share their minutes in each of the three cases. A group that
    both measures help counts as one: its customers under switching, its further minutes under islanding. A group that
    no fault interrupted (0 minutes in all cases) counts nowhere.
    """

    def saved(minutes: ArrayLike) -> Benefit:
        return _saved(table, classes, customers, kw, crew_only_min, minutes, momentary_max_min)

    switching, whole = saved(switching_min), saved(switching_and_islanding_min)
    return Benefits(switching, whole - switching, whole)


@dataclass(frozen=True)
class BusinessCase:
    """An investment now against yearly amounts in the years 1..n (year 1 is now, see ``economics``).

    payback_years: simple, undiscounted; inf if the investment is never paid back within its life.
    """

    benefit_present_value_usd: float
    cost_present_value_usd: float
    net_present_value_usd: float
    benefit_cost_ratio: float
    payback_years: float


def business_case(
    benefit_usd_per_year: float, investment_usd: float, years: int, rate: float, upkeep_usd_per_year: float = 0.0
) -> BusinessCase:
    """Present value of a yearly benefit against an investment and its yearly upkeep, over ``years`` at ``rate``.

    The benefit is per *year*: divide that of a record of storms by the years the record spans. Judge islanding by
    ``Benefits.islanding`` and its own investment.
    """
    _refuse(
        f"{what} is {usd:g} USD; it must be a number that is not negative."
        for what, usd in (("The investment", investment_usd), ("The upkeep per year", upkeep_usd_per_year))
        if not (math.isfinite(usd) and usd >= 0)
    )
    if not math.isfinite(benefit_usd_per_year):
        raise InputError(f"The benefit per year is {benefit_usd_per_year:g} USD; it must be a number.")
    worth = float(economics.discount_factors(years, rate).sum())
    benefits = np.full(years, float(benefit_usd_per_year))
    upkeep = np.full(years, float(upkeep_usd_per_year))
    investment = np.append(float(investment_usd), np.zeros(years - 1))
    costs = upkeep + investment
    return BusinessCase(
        benefit_present_value_usd=benefit_usd_per_year * worth,
        cost_present_value_usd=investment_usd + upkeep_usd_per_year * worth,
        net_present_value_usd=float(economics.net_present_value(benefits - costs, rate)),
        benefit_cost_ratio=float(economics.benefit_cost_ratio(benefits, costs, rate)),
        payback_years=economics.payback_years(benefits - upkeep, 0.0, investment),
    )


def _saved(
    table: CostTable,
    classes: Sequence[str],
    customers: ArrayLike,
    kw: ArrayLike,
    without_min: ArrayLike,
    with_min: ArrayLike,
    momentary_max_min: float,
) -> Benefit:
    number, load, before, after = _columns(
        {"customers": customers, "kw": kw, "minutes with crews only": without_min, "minutes with measures": with_min}
    )
    long_before, long_after = before > momentary_max_min, after > momentary_max_min
    cost = interruption_cost_usd(table, classes, number, load, before)
    cost = cost - interruption_cost_usd(table, classes, number, load, after)
    return Benefit(
        customers=float(number[after < before].sum()),
        ci=float(number @ (long_before.astype(float) - long_after)),
        cmi=float(number @ (before * long_before - after * long_after)),
        energy_kwh=float(load @ (before - after)) / MINUTES_PER_HOUR,
        cost_usd=float(cost.sum()),
    )


def _columns(columns: Mapping[str, ArrayLike]) -> list[Floats]:
    """The columns as arrays (n,) of one length; a missing or negative entry is refused by its row."""
    arrays = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InputError(f"Interruptions need columns of one length, one entry per group; found {found}.")
    _refuse(
        finding
        for name, array in arrays.items()
        for finding in _finding(~(np.isfinite(array) & (array >= 0)), array, f"{name}; a number from 0 up is needed")
    )
    return list(arrays.values())


def _finding(bad: NDArray[np.bool_], values: Floats, what: str) -> Iterator[str]:
    """One sentence on the first bad row, and how many more there are; rows are counted from 1."""
    rows = np.flatnonzero(bad)
    if len(rows):
        more = f" ({len(rows) - 1} more rows like it)" if len(rows) > 1 else ""
        yield f"Row {rows[0] + 1} of {len(values)} has {values[rows[0]]:g} {what}{more}."


def _unknown_class(names: NDArray[np.object_], table: CostTable) -> Iterator[str]:
    for row, name in enumerate(names):
        if name not in table.rates:
            yield (
                f"Row {row + 1} of {len(names)} is of class {name!r}, which the cost table does not have; "
                f"it has {', '.join(table.rates)}."
            )
            return


def _refuse(findings: Iterator[str]) -> None:
    found = list(findings)
    if found:
        raise InputError(" ".join(found))
