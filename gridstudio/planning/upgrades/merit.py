"""What each project is worth: benefit and cost with and without it, ranking of feeders, non-wires alternatives.

A project is what the plan builds on one feeder. Its benefit in a year is what its feeder's interruptions cost without
it less what they cost with it, in the same scenarios, once: in unserved energy or in customer-hours, never both.
"""

from dataclasses import dataclass

import numpy as np

from gridstudio.domain.economics import (
    benefit_cost_ratio,
    deferral_value,
    discount_factors,
    net_present_value,
    payback_years,
    present_value,
    residual_value,
)
from gridstudio.planning.upgrades.contract import FloatArray, IntArray, Menu, Outcomes, Plan
from gridstudio.planning.upgrades.costs import unserved_price
from gridstudio.planning.upgrades.settings import AlternativeSettings, UpgradesSettings


@dataclass(frozen=True)
class Merit:
    """One project under one discount rate; ``payback_years`` is discounted, infinite if it never pays."""

    benefit_usd: float
    cost_usd: float
    npv_usd: float
    bcr: float
    payback_years: float


def merit(benefits: FloatArray, spending: FloatArray, rate: float) -> Merit:
    """Merit of yearly ``benefits`` and ``spending`` (year,), both counted positive, year 1 first."""
    npv = float(net_present_value(benefits - spending, rate))
    return Merit(
        float(net_present_value(benefits, rate)),
        float(net_present_value(spending, rate)),
        npv,
        float(benefit_cost_ratio(benefits, spending, rate)) if spending.any() else float("nan"),
        payback_years(benefits, rate, spending),
    )


def yearly_benefit(
    settings: UpgradesSettings, nothing: Outcomes, outcomes: Outcomes, p: FloatArray, feeder: int, used: IntArray
) -> FloatArray:
    """Benefit (year,) of the years of the study, expected: the feeder where nothing is built (fields of ``nothing``:
    (scenario, feeder, year)) against its packages ``used`` (year,)."""
    years = np.arange(len(settings.horizon.years))
    lost = p @ _interruption_usd(settings, nothing, feeder)
    left = p @ _interruption_usd(settings, outcomes, used)[:, years, years]
    return np.asarray(lost - left)


def _interruption_usd(settings: UpgradesSettings, outcomes: Outcomes, package: int | IntArray) -> FloatArray:
    """Cost of interruptions and curtailment, (scenario, [package,] year); customers' hours only if hours are known."""
    money = settings.money
    by_customers = money.benefit == "customers" and outcomes.unit == "MWh"
    if by_customers:
        usd = outcomes.customer_hours[:, package] * money.usd_per_customer_hour
    else:
        usd = outcomes.unserved[:, package] * unserved_price(settings, outcomes.unit)
    curtailed = money.curtailed_usd_per_mwh if outcomes.unit == "MWh" else 0.0
    return np.asarray(usd + curtailed * outcomes.curtailed[:, package])


def project_flows(
    settings: UpgradesSettings, menu: Menu, plan: Plan, feeder: str, benefit: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Benefits and spending (year,) over the years in which projects are judged, year 1 first.

    Years between those of the study take the last one before them, years after it the last: load is not taken to grow
    beyond the study. A measure that ends its life is bought again; what is left of it at the end counts as a benefit.
    """
    years, length = np.array(settings.horizon.years), max(settings.money.project_years, settings.horizon.years[-1])
    every = np.arange(1, length + 1)
    place = np.searchsorted(years, every, side="right") - 1
    benefits = np.where(place >= 0, benefit[np.maximum(place, 0)], 0.0)
    spending = np.zeros(length)
    for c in np.flatnonzero((plan.stage >= 0) & np.array([name == feeder for name in menu.feeder], dtype=bool)):
        first, life = int(years[plan.stage[c]]), max(1, round(float(menu.life_years[c])))
        bought = np.arange(first, length + 1, life)
        spending[bought - 1] += menu.cost_usd[c]
        spending[first - 1 :] += menu.om_usd_per_year[c]
        benefits[-1] += float(residual_value(menu.cost_usd[c], menu.life_years[c], length - bought[-1] + 1))
    return benefits, spending


@dataclass(frozen=True, eq=False)
class Need:
    """A feeder in a year without further measures, over the scenarios: what is short and how likely it is."""

    probability: FloatArray
    severity: FloatArray
    expected: FloatArray
    p95_mw: FloatArray
    highest_mw: FloatArray


def needs(outcomes: Outcomes, packages: IntArray, p: FloatArray, quantile: float = 0.95) -> Need:
    """Needs (package, year) of some ``packages``. expected = probability x severity: severity is the mean of what is
    unserved where anything is, so the probability counts once."""
    unserved, over = outcomes.unserved[:, packages], outcomes.over_mw[:, packages]
    probability = np.tensordot(p, unserved > 1e-9, axes=1)
    expected = np.tensordot(p, unserved, axes=1)
    severity = np.divide(expected, probability, out=np.zeros_like(expected), where=probability > 0)
    return Need(probability, severity, expected, weighted_quantile(over, p, quantile), over.max(axis=0))


def weighted_quantile(values: FloatArray, p: FloatArray, quantile: float) -> FloatArray:
    """The least value (...) whose probability of not being exceeded reaches ``quantile``; values (scenario, ...)."""
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(p[order], axis=0)
    row = (reached >= quantile - 1e-12).argmax(axis=0)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, 0), row[None], 0)[0])


@dataclass(frozen=True)
class Alternative:
    """Non-wires alternatives of a feeder that needs a building in ``first_year``, against building it then.

    ``adequate_until``: the last year in which they serve the asked quantile of the scenarios; below ``first_year`` if
    they never do. ``cost_usd``: their present value over those years; ``deferral_usd``: what deferring saves, less it.
    """

    first_year: int
    shift_mw: float
    battery_mw: float
    adequate_until: int
    cost_usd: float
    wires_usd: float
    deferral_usd: float


def alternative_cost(
    given: AlternativeSettings, shift_mw: float, battery_mw: float, first: int, last: int, rate: float
) -> float:
    """Present value in year 1 of demand response and a battery from year ``first`` to ``last``: the battery is bought
    again when its life ends, the last one's remaining life taken off. No programme, no running cost."""
    years = last - first + 1
    yearly = shift_mw * 1000 * given.dr_usd_per_kw_year + (given.dr_usd_per_year if shift_mw > 0 else 0.0)
    battery = battery_mw * 1000 * given.battery_usd_per_kw
    life = max(1, round(given.battery_life_years))
    bought = np.arange(0, years, life)  # years after the first
    paid = float(present_value(battery, bought + 1, rate).sum())
    left = present_value(residual_value(battery, given.battery_life_years, years - bought[-1]), years + 1, rate)
    return float(present_value(yearly * discount_factors(years, rate).sum() + paid - left, first, rate))


def alternative(
    given: AlternativeSettings,
    years: tuple[int, ...],
    short_mw: FloatArray,
    shift_mw: FloatArray,
    adequate: FloatArray,
    wires_usd: float,
    rate: float,
) -> Alternative | None:
    """The alternative of one feeder, None if it is never short. ``short_mw`` (year,): the asked quantile of what is
    short; ``shift_mw`` (year,): what EVs can shift; ``adequate`` (year,): whether dispatch by hour serves the quantile
    with the battery that covers the rest."""
    needed = np.flatnonzero(short_mw > 1e-9)
    if len(needed) == 0:
        return None
    first = int(needed[0])
    good = first - 1
    while good + 1 < len(years) and adequate[good + 1]:
        good += 1
    shift, battery = battery_of(short_mw, shift_mw, first, max(good, first))
    if good < first:
        return Alternative(years[first], shift, battery, years[first] - 1, 0.0, wires_usd, 0.0)
    cost = alternative_cost(given, shift, battery, years[first], years[good], rate)
    saved = float(deferral_value(wires_usd, years[first], years[good] + 1, rate, cost))
    return Alternative(years[first], shift, battery, years[good], cost, wires_usd, saved)


def battery_of(short_mw: FloatArray, shift_mw: FloatArray, first: int, last: int) -> tuple[float, float]:
    """Demand response and battery (MW) for the years of the positions ``first`` to ``last``: EVs shift what they can,
    the battery is sized for the year in which most is left."""
    part = slice(first, last + 1)
    used = np.minimum(short_mw[part], shift_mw[part])
    return float(used.max()), float((short_mw[part] - used).max())
