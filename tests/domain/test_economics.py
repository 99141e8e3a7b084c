"""Economics by hand: every expected number is worked out in its test or taken from a table of annuities."""

import math

import numpy as np
import pytest

from gridstudio.domain.economics import (
    annuity_factor,
    benefit_cost_ratio,
    capital_recovery_factor,
    deferral_value,
    discount_factors,
    loss_cost_usd,
    loss_factor,
    net_present_value,
    payback_years,
    present_value,
    residual_value,
)
from gridstudio.domain.reliability import business_case
from gridstudio.errors import InputError


def test_year_1_is_now_and_not_discounted() -> None:
    assert present_value(1000.0, 1, 0.10) == 1000.0
    assert present_value(1210.0, 3, 0.10) == pytest.approx(1000.0)  # 1210 / 1.1^2
    np.testing.assert_allclose(discount_factors(3, 0.25), [1.0, 0.8, 0.64])


def test_present_value_takes_arrays() -> None:
    amounts = np.array([[100.0, 125.0], [200.0, 250.0]])
    np.testing.assert_allclose(present_value(amounts, [1, 2], 0.25), [[100.0, 100.0], [200.0, 200.0]])


def test_deferring_a_cost_is_worth_the_interest() -> None:
    deferral = present_value(100.0, 1, 0.07) - present_value(100.0, 4, 0.07)
    assert deferral == pytest.approx(100 * (1 - 1 / 1.07**3))


def test_annuity_and_capital_recovery_are_the_tables() -> None:
    assert annuity_factor(20, 0.05) == pytest.approx(12.4622, abs=5e-5)
    assert capital_recovery_factor(20, 0.05) == pytest.approx(0.080243, abs=5e-7)
    assert capital_recovery_factor(1, 0.08) == pytest.approx(1.08)
    np.testing.assert_allclose(annuity_factor([5, 10], [0.0, 0.10]), [5.0, 6.144567], rtol=1e-6)


def test_annuity_is_the_sum_of_discount_factors_one_year_later() -> None:
    assert discount_factors(15, 0.07).sum() == pytest.approx(1.07 * annuity_factor(15, 0.07))


def test_loss_factor_by_hand_and_at_its_limits() -> None:
    assert loss_factor(0.5) == pytest.approx(0.3 * 0.5 + 0.7 * 0.25)
    np.testing.assert_array_equal(loss_factor([0.0, 1.0]), [0.0, 1.0])
    assert loss_factor(0.6, k=0.0) == pytest.approx(0.36)
    assert loss_factor(0.6, k=1.0) == pytest.approx(0.6)


def test_loss_factor_with_k_1_is_that_of_an_on_off_load() -> None:
    load = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    assert np.mean(load**2) == pytest.approx(loss_factor(load.mean(), k=1.0))


def test_cost_of_losses_by_hand() -> None:
    # 10 kW at peak, loss factor 0.325, 8760 h, 0.06 USD/kWh: 10 * 0.325 = 3.25 kW on average, 28 470 kWh.
    assert loss_cost_usd(10.0, 0.325, 0.06) == pytest.approx(1708.2)
    np.testing.assert_allclose(loss_cost_usd([10.0, 20.0], 0.325, 0.06), [1708.2, 3416.4])


def test_net_present_value_by_hand() -> None:
    # -1000 + 500/1.1 + 500/1.21 + 500/1.331 = -1000 + 454.545 + 413.223 + 375.657
    flows = [-1000.0, 500.0, 500.0, 500.0]
    assert net_present_value(flows, 0.10) == pytest.approx(243.426, abs=5e-4)
    np.testing.assert_allclose(net_present_value([flows, flows], 0.0), [500.0, 500.0])


def test_payback_simple_and_discounted() -> None:
    flows = [-1000.0, 500.0, 500.0, 500.0]
    assert payback_years(flows) == pytest.approx(2.0)
    assert payback_years(flows, 0.10) == pytest.approx(2 + 132.231 / 375.657, abs=1e-5)
    assert payback_years([-100.0, 40.0, 40.0, 40.0]) == pytest.approx(2.5)


def test_payback_never_at_once_and_postponed() -> None:
    assert payback_years([-100.0, 40.0, 40.0]) == math.inf
    assert payback_years([0.0, 10.0]) == 0.0
    # totals -100, 50, -50, 10: paid back at first within year 2, for good only in the fourth
    assert payback_years([-100.0, 150.0, -100.0, 60.0]) == pytest.approx(2 + 50 / 60)


def test_payback_is_not_lost_in_rounding() -> None:
    # seven times 0.1 is 0.7 on paper, 5e-17 less in binary
    assert payback_years([-0.7] + [0.1] * 7) == pytest.approx(7.0)
    cases = [(round(0.01 * cents, 2), years) for cents in range(1, 400) for years in (3, 7, 10)]
    assert all(payback_years([-round(usd * years, 2), *[usd] * years]) == pytest.approx(years) for usd, years in cases)
    assert payback_years([-700.001] + [100.0] * 7) == math.inf  # 0.001 is missing, no rounding


def test_payback_of_what_pays_from_the_year_of_spending() -> None:
    # 1000 now against 500 a year from now on: 2 years; 1200 a year: 10 months; 600 of them spent a year later: 1100
    # of 1600 have come in when 100 of the 600 are still out, so that 100 / 500 of a fourth year is needed
    assert payback_years([500.0] * 4, 0.0, [1000.0, 0.0, 0.0, 0.0]) == pytest.approx(2.0)
    assert payback_years([1200.0] * 4, 0.0, [1000.0, 0.0, 0.0, 0.0]) == pytest.approx(10 / 12)
    assert payback_years([500.0] * 4, 0.0, [1000.0, 600.0, 0.0, 0.0]) == pytest.approx(3.2)
    assert payback_years([0.0, 100.0, 100.0], 0.0, [150.0, 0.0, 0.0]) == pytest.approx(2.5)
    assert payback_years([100.0, 100.0], 0.0, [250.0, 0.0]) == math.inf
    # discounted: 500 + 500 / 1.1 = 954.5, and 45.5 of the 413.2 of the third year
    assert payback_years([500.0] * 4, 0.10, [1000.0, 0.0, 0.0, 0.0]) == pytest.approx(2 + 45.4545 / 413.2231)
    # paid back after 1 year, a second spending at the start of year 3 undoes it until the end of that year
    assert payback_years([100.0, 0.0, 80.0], 0.0, [100.0, 0.0, 80.0]) == pytest.approx(3.0)


def test_payback_of_a_business_case_is_the_same() -> None:
    case = business_case(500.0, 1000.0, 4, 0.0)
    assert case.payback_years == payback_years([500.0] * 4, 0.0, [1000.0, 0.0, 0.0, 0.0]) == pytest.approx(2.0)
    assert business_case(0.1, 0.7, 7, 0.0).payback_years == pytest.approx(7.0)


def test_benefit_cost_ratio_by_hand() -> None:
    assert benefit_cost_ratio([0.0, 110.0, 121.0], [100.0, 0.0, 0.0], 0.10) == pytest.approx(2.0)


def test_residual_value_falls_in_a_straight_line_to_nothing() -> None:
    np.testing.assert_allclose(residual_value(1000.0, 40, [0, 10, 40, 60]), [1000.0, 750.0, 0.0, 0.0])


def test_deferral_value_by_hand() -> None:
    # 1 000 000 now against 1 000 000 / 1.05^3 = 863 838; 100 000 for the alternative: 136 162 - 100 000
    assert deferral_value(1e6, 1, 4, 0.05, 100_000.0) == pytest.approx(36_162.4, abs=0.1)
    # from year 2 on all is worth 1 / 1.05 of that but the alternative, which is given as a present value
    assert deferral_value(1e6, 2, 5, 0.05, 0.0) == pytest.approx(136_162.4 / 1.05, abs=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: present_value(1.0, 0, 0.1), "before year 1"),
        (lambda: present_value(1.0, 2, -1.0), "0.07 stands for 7 %"),
        (lambda: present_value(1.0, 2, math.nan), "Discount rate"),
        (lambda: discount_factors(0, 0.1), "at least 1"),
        (lambda: annuity_factor(0, 0.1), "must be positive"),
        (lambda: loss_factor(1.2), "between 0 and 1"),
        (lambda: loss_factor(0.5, k=-0.1), "between 0 and 1"),
        (lambda: net_present_value([], 0.1), "amount for each year"),
        (lambda: payback_years([[1.0, 2.0]]), "one cash flow"),
        (lambda: payback_years([1.0, 2.0], 0.1, [1.0]), "same years"),
        (lambda: payback_years([math.nan, 1.0]), "has nan among its amounts"),
        (lambda: net_present_value([1.0, -math.inf], 0.1), "has -inf among its amounts"),
        (lambda: benefit_cost_ratio([1.0], [math.nan], 0.1), "has nan among its amounts"),
        (lambda: loss_cost_usd(-5.0, 0.3, 0.06), "zero or more"),
        (lambda: loss_cost_usd([1.0, math.nan], 0.3, 0.06), "zero or more"),
        (lambda: benefit_cost_ratio([1.0], [0.0], 0.1), "positive"),
        (lambda: residual_value(1.0, 0.0, 1.0), "no meaning"),
        (lambda: deferral_value(1.0, 3, 2, 0.1, 0.0), "cannot be deferred"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        call()
