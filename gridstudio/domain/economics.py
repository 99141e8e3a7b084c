"""The engineering economics that all planning jobs share: present value, annuities, cost of losses, merit figures.

One convention throughout: **year 1 is now and is not discounted**; an amount of year y counts (1 + rate)^-(y - 1).
Amounts and rates are either both nominal or both real. Functions take scalars or arrays and broadcast; a cash flow is
an array whose last axis is the years 1, 2, ...
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]

HOURS_PER_YEAR = 8760.0
_ROUNDING = 1e-9  # of all that has flown: a total short of nothing by less is paid back


def present_value(amount: ArrayLike, year: ArrayLike, rate: ArrayLike) -> FloatArray:
    """What ``amount``, paid in ``year``, is worth in year 1 (now): amount / (1 + rate)^(year - 1)."""
    years = np.asarray(year, dtype=float)
    if np.any(years < 1):
        raise InputError(f"Year {years.min():g} lies before year 1; years are counted from 1 (now).")
    return np.asarray(np.asarray(amount, dtype=float) * (1 + _checked_rate(rate)) ** (1 - years))[()]


def discount_factors(years: int, rate: float) -> FloatArray:
    """The present values of one unit in each of the years 1..years: 1, 1/(1+rate), ...; shape (years,)."""
    if years < 1:
        raise InputError(f"The horizon has {years} years; at least 1 is needed.")
    return present_value(1.0, np.arange(1, years + 1), rate)


def net_present_value(cash_flows: ArrayLike, rate: float) -> FloatArray:
    """Present value of cash flows (..., year), the first of them now; income positive, expense negative."""
    flows = _checked_flows(cash_flows)
    return np.asarray(flows @ discount_factors(flows.shape[-1], rate))[()]


def annuity_factor(years: ArrayLike, rate: ArrayLike) -> FloatArray:
    """Present value of one unit at the *end* of each of ``years`` years, (1 - (1 + rate)^-years) / rate.

    The textbook's ordinary annuity: its first payment falls in year 2 of the convention above. For payments in the
    years 1..n use ``discount_factors(n, rate).sum()``, which is (1 + rate) times as much.
    """
    n, r = np.broadcast_arrays(np.asarray(years, dtype=float), _checked_rate(rate))
    if np.any(n <= 0):
        raise InputError(f"An annuity over {n.min():g} years has no meaning; the number of years must be positive.")
    divisor = np.where(r == 0, 1.0, r)
    return np.where(r == 0, n, -np.expm1(-n * np.log1p(r)) / divisor)[()]


def capital_recovery_factor(years: ArrayLike, rate: ArrayLike) -> FloatArray:
    """The equal yearly amount, at the end of each year, that repays one unit now: the annuity factor's inverse."""
    return 1.0 / annuity_factor(years, rate)


def loss_factor(load_factor: ArrayLike, k: float = 0.3) -> FloatArray:
    """Mean losses over losses at peak, from the mean load over the peak load: k LF + (1 - k) LF^2.

    The empirical formula of Buller and Woodrow (Electrical World 92(2), 1928) with their k = 0.3; Gustafson and Baylor
    (IEEE Trans. Power Systems 3(4), 1988) find k near 0.15 for distribution feeders. Any load curve lies between
    LF^2 (k = 0, a peak of no duration) and LF (k = 1, full load or none). Not for feeders that export: there, sum the
    losses hour by hour.
    """
    factor = np.asarray(load_factor, dtype=float)
    if not (np.all((factor >= 0) & (factor <= 1)) and 0 <= k <= 1):
        raise InputError(f"Load factor {factor} and k = {k:g} must lie between 0 and 1.")
    return np.asarray(k * factor + (1 - k) * factor**2)[()]


def loss_cost_usd(peak_losses_kw: ArrayLike, loss_factor: ArrayLike, energy_price_usd_per_kwh: ArrayLike) -> FloatArray:
    """Yearly cost of losses: losses at peak load, times their loss factor, times 8760 h, times the price of energy."""
    peak_kw = np.asarray(peak_losses_kw, dtype=float)
    if not np.all((peak_kw >= 0) & np.isfinite(peak_kw)):
        raise InputError(f"Losses at peak load of {peak_kw} kW must be finite numbers, zero or more.")
    energy_kwh = peak_kw * np.asarray(loss_factor, dtype=float) * HOURS_PER_YEAR
    return np.asarray(energy_kwh * np.asarray(energy_price_usd_per_kwh, dtype=float))[()]


def payback_years(cash_flows: ArrayLike, rate: float = 0.0, spending: ArrayLike | None = None) -> float:
    """Years from now until the running total of one cash flow (year,) is non-negative for good; inf if it never is.

    ``spending`` (year,), counted positive, is paid as its year begins; ``cash_flows`` then come in evenly in the
    course of theirs: 1000 spent in year 1 for 500 in each of the years 1, 2, ... is paid back after 2 years. Without
    it ``cash_flows`` are net and the first of them is paid now, at once; that of year 2 comes in in the course of the
    12 months from now, and so on: give net flows only where nothing is earned in the year of spending.
    ``rate`` = 0 gives the simple payback, any other the discounted one. An expense late in the life that turns the
    total negative again postpones the payback.
    """
    flows = _one_flow(cash_flows)
    if spending is None:
        flows = flows * discount_factors(len(flows), rate)  # each with the factor of its own year
        return payback_years(np.append(flows[1:], 0.0), 0.0, np.append(-flows[0], np.zeros(len(flows) - 1)))
    spent = _one_flow(spending)
    if spent.shape != flows.shape:
        raise InputError(
            f"Payback needs amounts of the same years; there are {len(flows)} and of spending {len(spent)}."
        )
    factors = discount_factors(len(flows), rate)
    # what is spent as a year begins and what comes in during it take turns: the total after each of them
    moves = np.stack([-spent * factors, flows * factors], axis=1).ravel()
    total = np.cumsum(moves)
    negative = np.flatnonzero(total < -_ROUNDING * np.cumsum(np.abs(moves)))
    if len(negative) == 0:
        return 0.0
    last = int(negative[-1])
    if last == len(moves) - 1:
        return math.inf
    year, in_course = divmod(last, 2)
    return year + 1.0 if in_course else year + min(1.0, float(-total[last] / moves[last + 1]))


def benefit_cost_ratio(benefits: ArrayLike, costs: ArrayLike, rate: float) -> FloatArray:
    """Present value of the benefits over that of the costs, both (..., year) and both counted positive."""
    cost = net_present_value(costs, rate)
    if np.any(cost <= 0):
        raise InputError("A benefit-cost ratio needs costs whose present value is positive.")
    return net_present_value(benefits, rate) / cost


def residual_value(cost: ArrayLike, life_years: ArrayLike, age_years: ArrayLike) -> FloatArray:
    """What is left of a cost at an age, straight line: cost (1 - age / life), nothing after it; not discounted."""
    life, age = np.asarray(life_years, dtype=float), np.asarray(age_years, dtype=float)
    if np.any(life <= 0) or np.any(age < 0):
        raise InputError(f"A life of {life.min():g} years or an age of {age.min():g} years has no meaning.")
    return np.asarray(np.asarray(cost, dtype=float) * np.maximum(0.0, 1 - age / life))[()]


def deferral_value(
    cost: ArrayLike, year: ArrayLike, later: ArrayLike, rate: float, alternative: ArrayLike
) -> FloatArray:
    """What building in year ``later`` instead of ``year`` saves, less the present value of the ``alternative`` between.

    PV(build in year) - PV(build later) - alternative; negative where the alternative costs more than the interest.
    """
    if np.any(np.asarray(later) < np.asarray(year)):
        raise InputError(
            f"A building of year {np.min(year):g} cannot be deferred to the earlier year {np.min(later):g}."
        )
    saved = present_value(cost, year, rate) - present_value(cost, later, rate)
    return np.asarray(saved - np.asarray(alternative, dtype=float))[()]


def _checked_rate(rate: ArrayLike) -> FloatArray:
    rates = np.asarray(rate, dtype=float)
    if not np.all(rates > -1):
        raise InputError(f"Discount rate {rates} must be above -1; 0.07 stands for 7 % per year.")
    return rates


def _checked_flows(cash_flows: ArrayLike) -> FloatArray:
    flows = np.asarray(cash_flows, dtype=float)
    if flows.ndim == 0 or flows.shape[-1] == 0:
        raise InputError("A cash flow needs an amount for each year, the first of them for year 1.")
    if not np.isfinite(flows).all():
        raise InputError(f"A cash flow has {flows[~np.isfinite(flows)][0]:g} among its amounts; each must be a number.")
    return flows


def _one_flow(cash_flows: ArrayLike) -> FloatArray:
    flows = _checked_flows(cash_flows)
    if flows.ndim != 1:
        raise InputError(f"Payback needs one cash flow by year, not an array of shape {flows.shape}.")
    return flows
