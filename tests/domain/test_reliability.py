"""Reliability by hand: every expected number is worked out beside it."""

import math
from dataclasses import astuple

import numpy as np
import pytest

from gridstudio.domain.reliability import (
    Benefits,
    CostTable,
    Rate,
    business_case,
    energy_not_served_kwh,
    flat_rate,
    indices,
    interruption_cost_usd,
    split_benefits,
)
from gridstudio.errors import InputError

# IEEE 1366


def test_indices_of_a_feeder_by_hand() -> None:
    # 2000 served. Sustained: 400 x 90 + 150 x 12 = 36 000 + 1 800 = 37 800 customer-minutes of 550 customers.
    # Momentary: 1000 x 2 + 300 x 4 = 3 200 customer-minutes of 1300 customers.
    found = indices([400, 1000, 150, 300], [90, 2, 12, 4], customers_served=2000)
    assert (found.ci, found.cmi) == (550, 37_800)
    assert found.saifi == pytest.approx(0.275)
    assert found.saidi_min == pytest.approx(18.9)
    assert found.caidi_min == pytest.approx(68.727, abs=5e-4)
    assert (found.ci_momentary, found.cmi_momentary) == (1300, 3200)
    assert found.maifi == pytest.approx(0.65)


def test_an_outage_restored_in_steps_counts_each_customer_to_its_own_step() -> None:
    # 1000 out: 600 switched back after 3 min, 250 after 40 min, 150 by the crew after 180 min.
    # CI 400, CMI 250 x 40 + 150 x 180 = 37 000; with one clock for all it would be 1000 x 180 = 180 000.
    found = indices([600, 250, 150], [3, 40, 180], customers_served=1000)
    assert (found.ci, found.cmi, found.ci_momentary) == (400, 37_000, 600)
    assert found.caidi_min == pytest.approx(92.5)


def test_saidi_is_saifi_times_caidi() -> None:
    rng = np.random.default_rng(7)
    found = indices(rng.integers(1, 50, 200), rng.uniform(0, 300, 200), customers_served=50)
    assert found.saidi_min == pytest.approx(found.saifi * found.caidi_min)
    assert found.saifi > 1  # a customer can be interrupted more than once a year


def test_exactly_five_minutes_is_momentary() -> None:
    assert indices([100], [5.0], 1000).maifi == 0.1
    assert indices([100], [5.0], 1000).saifi == 0.0
    assert indices([100], [np.nextafter(5.0, 6.0)], 1000).saifi == 0.1


def test_the_momentary_limit_can_be_another() -> None:
    # some utilities and older years use one minute
    found = indices([100, 50], [1.0, 3.0], 1000, momentary_max_min=1.0)
    assert (found.ci_momentary, found.ci, found.cmi) == (100, 50, 150)


def test_all_momentary_leaves_no_sustained_index() -> None:
    found = indices([10, 20], [1, 2], 100)
    assert (found.ci, found.cmi, found.saifi, found.saidi_min) == (0, 0, 0, 0)
    assert math.isnan(found.caidi_min)
    assert found.maifi == pytest.approx(0.3)


def test_no_interruption_gives_zeros_and_a_caidi_that_is_not_a_number() -> None:
    found = indices([], [], 100)
    assert (found.ci, found.cmi, found.saifi, found.saidi_min, found.maifi) == (0, 0, 0, 0, 0)
    assert math.isnan(found.caidi_min)


def test_customers_never_interrupted_count_nowhere() -> None:
    # an island that takes over without a gap: 300 customers, 0 minutes
    with_them = indices([200, 300], [60, 0], 1000)
    assert with_them == indices([200], [60], 1000)


# energy and cost


def test_energy_not_served_by_hand() -> None:
    # 120 kW for 90 min is 180 kWh, 60 kW for 3 min is 3 kWh
    np.testing.assert_allclose(energy_not_served_kwh([120, 60, 50], [90, 3, 0]), [180.0, 3.0, 0.0])


def test_default_table_holds_the_guides_values() -> None:
    # residential 2 kW x 1.5 h x 25 = 75; commercial 4 customers x 1.5 h x 28.40 = 170.40; industrial 1 x 0.5 x 28.40
    cost = interruption_cost_usd(
        CostTable(), ["residential", "commercial", "industrial"], [3, 4, 1], [2, 50, 900], [90, 90, 30]
    )
    np.testing.assert_allclose(cost, [75.0, 170.4, 14.2])


def test_steps_price_the_hours_that_fall_into_them() -> None:
    # 30 USD for the first hour, 20 for each of the next three, 5 afterwards, per kWh; 10 kW
    table = CostTable({"residential": Rate("usd_per_kwh", ((1, 30), (4, 20), (math.inf, 5)))})
    minutes = [30, 60, 150, 240, 600]
    cost = interruption_cost_usd(table, ["residential"] * 5, [1] * 5, [10] * 5, minutes)
    # 0.5 x 30; 30; 30 + 1.5 x 20; 30 + 60; 30 + 60 + 6 x 5
    np.testing.assert_allclose(cost, [150.0, 300.0, 600.0, 900.0, 1200.0])


def test_a_flat_rate_equals_one_cut_into_equal_steps() -> None:
    cut = CostTable({"a": Rate("usd_per_customer_hour", ((2, 7), (5, 7), (math.inf, 7)))})
    flat = CostTable({"a": flat_rate("usd_per_customer_hour", 7)})
    args = (["a"] * 3, [4, 5, 6], [0, 0, 0], [60, 240, 1000])
    np.testing.assert_allclose(interruption_cost_usd(cut, *args), interruption_cost_usd(flat, *args))


def test_a_longer_interruption_never_costs_less() -> None:
    table = CostTable({"a": Rate("usd_per_kwh", ((1, 100), (math.inf, 1)))})
    minutes = np.linspace(0, 300, 50)
    cost = interruption_cost_usd(table, ["a"] * 50, np.ones(50), np.ones(50), minutes)
    assert cost[0] == 0
    assert np.all(np.diff(cost) > 0)


# the benefit of switching and of islanding

CLASSES = ["residential", "residential", "commercial", "residential"]
CUSTOMERS, KW = [100, 50, 10, 700], [200.0, 100.0, 80.0, 1400.0]
CREW, SWITCHING = [120.0, 120.0, 180.0, 0.0], [30.0, 120.0, 2.0, 0.0]
BOTH = [0.0, 10.0, 2.0, 0.0]


def example() -> Benefits:
    """Group 1 is helped by both, 2 by islanding only, 3 by switching only, 4 was never interrupted."""
    return split_benefits(CostTable(), CLASSES, CUSTOMERS, KW, CREW, SWITCHING, BOTH)


def test_benefits_by_hand() -> None:
    found = example()
    # Switching: group 1 saves 90 min, group 3 178 min (of 180; the 2 left are momentary, so CMI falls by all 180).
    assert found.switching.customers == 110
    assert found.switching.ci == 10
    assert found.switching.cmi == 100 * 90 + 10 * 180
    assert found.switching.energy_kwh == pytest.approx(200 * 1.5 + 80 * 178 / 60)
    assert found.switching.cost_usd == pytest.approx(300 * 25 + 10 * 28.40 * 178 / 60)
    # Islanding beyond it: group 1 its last 30 min, group 2 110 of 120 min; only group 2's customers are new.
    assert found.islanding.customers == 50
    assert found.islanding.ci == 100
    assert found.islanding.cmi == 100 * 30 + 50 * 110
    assert found.islanding.energy_kwh == pytest.approx(200 * 0.5 + 100 * 110 / 60)
    assert found.islanding.cost_usd == pytest.approx(found.islanding.energy_kwh * 25)


def test_switching_and_islanding_add_up_to_the_whole() -> None:
    found = example()
    np.testing.assert_allclose(np.add(astuple(found.switching), astuple(found.islanding)), astuple(found.whole))


def test_the_whole_is_the_difference_of_two_sets_of_indices() -> None:
    before, after = indices(CUSTOMERS, CREW, 1000), indices(CUSTOMERS, BOTH, 1000)
    assert example().whole.ci == before.ci - after.ci
    assert example().whole.cmi == before.cmi - after.cmi


def test_benefits_of_the_same_customers_are_not_added() -> None:
    # 100 customers out for 120 min; switching alone saves 119 of them, islanding alone 120. The guide adds 239.
    found = split_benefits(CostTable(), ["residential"], [100], [100.0], [120.0], [1.0], [0.0], momentary_max_min=0.0)
    alone = split_benefits(CostTable(), ["residential"], [100], [100.0], [120.0], [0.0], [0.0], momentary_max_min=0.0)
    assert found.switching.cmi == 11_900
    assert alone.whole.cmi == 12_000
    assert found.whole.cmi == 12_000
    assert found.islanding.cmi == 100
    assert found.whole.customers == 100


def test_customers_never_interrupted_are_not_counted_as_restored() -> None:
    found = split_benefits(CostTable(), ["residential"] * 2, [100, 700], [1, 1], [60, 0], [1, 0], [0, 0])
    assert found.whole.customers == 100


def test_islanding_that_adds_nothing_is_worth_nothing() -> None:
    found = split_benefits(CostTable(), CLASSES, CUSTOMERS, KW, CREW, SWITCHING, SWITCHING)
    assert astuple(found.islanding) == (0, 0, 0, 0, 0)


def test_a_group_made_worse_counts_against_the_measure() -> None:
    found = split_benefits(CostTable(), ["residential"], [10], [60.0], [30.0], [60.0], [60.0])
    assert (found.switching.cmi, found.switching.energy_kwh, found.switching.cost_usd) == (-300, -30, -750)
    assert found.switching.customers == 0


# the business case


def test_business_case_by_hand() -> None:
    # 1000 USD a year for 3 years at 25 %: 1000 + 800 + 640 = 2440. Investment 1500, upkeep 100 a year: 244 more.
    found = business_case(1000, 1500, years=3, rate=0.25, upkeep_usd_per_year=100)
    assert found.benefit_present_value_usd == pytest.approx(2440)
    assert found.cost_present_value_usd == pytest.approx(1744)
    assert found.net_present_value_usd == pytest.approx(696)
    assert found.benefit_cost_ratio == pytest.approx(2440 / 1744)
    assert found.payback_years == pytest.approx(1500 / 900)


def test_business_cases_of_both_measures_add_up() -> None:
    benefits = example()
    switching = business_case(benefits.switching.cost_usd, 20_000, 10, 0.07)
    islanding = business_case(benefits.islanding.cost_usd, 90_000, 10, 0.07)
    whole = business_case(benefits.whole.cost_usd, 110_000, 10, 0.07)
    assert whole.net_present_value_usd == pytest.approx(
        switching.net_present_value_usd + islanding.net_present_value_usd
    )


@pytest.mark.parametrize(
    ("benefit", "investment", "upkeep", "years"),
    [(100.0, 1001.0, 0.0, math.inf), (100.0, 1000.0, 0.0, 10.0), (50.0, 10.0, 60.0, math.inf), (5.0, 0.0, 4.0, 0.0)],
)
def test_payback_within_the_life_or_never(benefit: float, investment: float, upkeep: float, years: float) -> None:
    assert business_case(benefit, investment, 10, 0.07, upkeep).payback_years == years


# bad input

TWO = ["residential", "commercial"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: indices([10, 20, 30], [60, -5, 60], 100), "Row 2 of 3 has -5 minutes"),
        (lambda: indices([10, -20], [60, 5], 100), "Row 2 of 2 has -20 customers"),
        (lambda: indices([-1, -2, -3], [1, 1, 1], 100), r"Row 1 of 3 has -1 customers.*2 more rows"),
        (lambda: indices([10], [math.nan], 100), "Row 1 of 1 has nan minutes"),
        (lambda: indices([10], [math.inf], 100), "Row 1 of 1 has inf minutes"),
        (lambda: indices([10, 101], [60, 60], 100), "Row 2 of 2 has 101 customers, more than the 100 that are served"),
        (lambda: indices([10], [60], 0), "serves 0 customers"),
        (lambda: indices([10], [60], math.nan), "serves nan customers"),
        (lambda: indices([10], [60], 100, momentary_max_min=-1), "momentary_max_min is -1"),
        (lambda: indices([10, 20], [60], 100), r"customers \(2,\), minutes \(1,\)"),
        (lambda: energy_not_served_kwh([1, -2], [60, 60]), "Row 2 of 2 has -2 kw"),
        (
            lambda: interruption_cost_usd(CostTable(), ["residential", "farm"], [1, 1], [1, 1], [1, 1]),
            "Row 2 of 2.*farm",
        ),
        (lambda: interruption_cost_usd(CostTable(), ["residential"], [1, 1], [1, 1], [1, 1]), "1 customer classes"),
        (
            lambda: split_benefits(CostTable(), TWO, [1, 1], [1, 1], [9, 9], [9, -1], [0, 0]),
            "Row 2 of 2 has -1 minutes",
        ),
        (lambda: CostTable({}), "no customer class"),
        (lambda: flat_rate("usd_per_mwh", 1.0), "'usd_per_mwh' is neither"),  # type: ignore[arg-type]
        (lambda: flat_rate("usd_per_kwh", -1.0), "up to inf h is -1 USD"),
        (lambda: Rate("usd_per_kwh", ((1, 5),)), "from above 0 h to inf"),
        (lambda: Rate("usd_per_kwh", ((4, 5), (1, 3), (math.inf, 3))), "must rise"),
        (lambda: Rate("usd_per_kwh", ()), "from above 0 h to inf"),
        (lambda: business_case(1, -1, 10, 0.07), "investment is -1 USD"),
        (lambda: business_case(1, 1, 10, 0.07, -2), "upkeep per year is -2 USD"),
        (lambda: business_case(math.nan, 1, 10, 0.07), "benefit per year is nan"),
        (lambda: business_case(1, 1, 0, 0.07), "at least 1 is needed"),
        (lambda: business_case(1, 0, 10, 0.07), "costs whose present value is positive"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        call()
