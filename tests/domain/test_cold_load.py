"""Cold load pickup by hand: closed forms of the exponential, and the guide's four zones worked out on paper.

The guide's example: zones A 420 kW/340 customers, B 310/285, C 680/512, D 240/198, six hours out, 2 800 kW headroom.
Six hours make the factor 3.5 of the guide's table, and from eight hours on it is 4.0: a zone that waits two hours more
draws more. Inrush: A 1470, B 1085, C 2380, D 840 kW. Sections are numbered A 0, B 1, C 2, D 3.
"""

import itertools
import math

import numpy as np
import pytest

from gridstudio.domain.cold_load import (
    GUIDE_STEPS,
    SMOOTH,
    SmoothFactors,
    SteppedFactors,
    Surge,
    multipliers,
    peak_after_pickup_kw,
    surge_kw,
)
from gridstudio.domain.pickup_order import (
    EXACT_UP_TO,
    Schedule,
    Sections,
    best_order,
    earliest_pickup_min,
    within_headroom,
)
from gridstudio.errors import InputError

A, B, C, D = range(4)
KW = np.array([420.0, 310.0, 680.0, 240.0])
CUSTOMERS = np.array([340.0, 285.0, 512.0, 198.0])
HEADROOM_KW = 2800.0
NO_DECAY = 1e-9  # min: the limit in which a surge is over at once


def guide_zones() -> Sections:
    return Sections.of(KW, CUSTOMERS, outage_h=6.0)


def guide_order(order: tuple[int, ...], surge: Surge | None = None, horizon_min: float = 240.0) -> Schedule:
    fits = within_headroom(KW, HEADROOM_KW)
    return earliest_pickup_min(surge or Surge(), guide_zones(), order, fits, step_min=1.0, horizon_min=horizon_min)


def guide_best(horizon_min: float, tau_min: float = 30.0) -> Schedule:
    return best_order(Surge(tau_min=tau_min), guide_zones(), within_headroom(KW, HEADROOM_KW), 1.0, horizon_min)


# the surge


def test_the_guides_steps_are_its_table() -> None:
    hours = [0.0, 0.49, 0.5, 1.99, 2.0, 3.99, 4.0, 6.0, 7.99, 8.0, 100.0]
    expected = [1.2, 1.2, 1.8, 1.8, 2.5, 2.5, 3.5, 3.5, 3.5, 4.0, 4.0]
    np.testing.assert_array_equal(GUIDE_STEPS.factor(hours), expected)


def test_smooth_factor_is_1_at_first_95_percent_at_saturation_and_ultimate_in_the_end() -> None:
    factors = SMOOTH.factor([0.0, 4.0, 1e6], ["residential"] * 3)
    np.testing.assert_allclose(factors, [1.0, 1 + 0.95 * 4.0, 5.0])
    # 8 h: 1 - 1/400 of the rise is done
    np.testing.assert_allclose(SMOOTH.factor([8.0, 8.0], ["commercial", "industrial"]), [1 + 2 * 0.9975, 1 + 0.9975])


def test_smooth_factor_of_a_mixed_section_is_the_weighted_mean_of_its_classes() -> None:
    pure = SMOOTH.factor([3.0, 3.0], ["residential", "industrial"])
    mixed = SmoothFactors((("mixed", 0.25 * 5.0 + 0.75 * 2.0),), SMOOTH.saturation_h).factor([3.0], ["mixed"])
    assert mixed[0] == pytest.approx(0.25 * pure[0] + 0.75 * pure[1])


@pytest.mark.parametrize("factors", [GUIDE_STEPS, SMOOTH])
def test_factors_are_at_least_1_and_never_fall_with_the_duration(factors: SteppedFactors | SmoothFactors) -> None:
    along = factors.factor(np.linspace(0, 24, 200), ["residential"] * 200)
    assert along.min() >= 1.0
    assert np.all(np.diff(along) >= 0)


def test_surge_follows_the_delayed_exponential() -> None:
    # 100 kW, factor 3.5, picked up at 10 min, held for 5 min, tau 20 min:
    # before 0; 350 until minute 15; at 35 one tau later 100 + 250/e; at 15 + 20 ln 2 half the excess is left
    surge = Surge(tau_min=20.0, delay_min=5.0)
    times = [0.0, 9.99, 10.0, 14.9, 15.0, 35.0, 15 + 20 * math.log(2)]
    load = surge_kw(surge, times, [10.0], [100.0], [6.0])
    np.testing.assert_allclose(load[:, 0], [0, 0, 350, 350, 350, 100 + 250 / math.e, 225])


def test_multipliers_are_by_time_and_section_and_kw_are_their_product() -> None:
    surge, at, hours = Surge(), [0.0, 30.0], [1.0, 6.0]
    found = multipliers(surge, [0.0, 30.0, 60.0], at, hours)
    # factors 1.8 and 3.5; one tau after pickup 1/e of the excess is left, after two 1/e^2
    expected = [[1.8, 0.0], [1 + 0.8 / math.e, 3.5], [1 + 0.8 / math.e**2, 1 + 2.5 / math.e]]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(surge_kw(surge, [0.0, 30.0, 60.0], at, [50.0, 80.0], hours), found * [50.0, 80.0])


def test_a_section_never_picked_up_draws_nothing_and_one_never_out_its_ordinary_load() -> None:
    found = multipliers(Surge(delay_min=10.0), [0.0, 500.0], [math.inf, -math.inf], [6.0, 0.0])
    np.testing.assert_array_equal(found, [[0.0, 1.0], [0.0, 1.0]])


def test_peaks_fall_on_pickups() -> None:
    # C at 0: 2380. A at 30: 680 + 1700/e + 1470. B never.
    peaks = peak_after_pickup_kw(Surge(), [30.0, math.inf, 0.0], KW[:3], [6.0, 6.0, 6.0])
    np.testing.assert_allclose(peaks, [680 + 1700 / math.e + 1470, np.nan, 2380.0])
    dense = surge_kw(Surge(), np.linspace(0, 300, 3001), [30.0, math.inf, 0.0], KW[:3], [6.0, 6.0, 6.0]).sum(axis=1)
    assert dense.max() == pytest.approx(np.nanmax(peaks))


# the guide's example


def test_the_guides_rule_restores_823_customers_and_defers_c() -> None:
    # Surges that are over at once, smallest zone first, one at a time:
    # D 840; 240 + B 1085 = 1325; 550 + A 1470 = 2020; 970 + C 2380 = 3350 > 2800
    schedule = guide_order((D, B, A, C), Surge(tau_min=NO_DECAY))
    assert schedule.deferred == (C,)
    assert CUSTOMERS[list(schedule.order)].sum() == 823


def test_a_b_and_d_do_not_fit_together_when_their_surges_take_time() -> None:
    together = surge_kw(Surge(), [0.0], [0.0, 0.0, math.inf, 0.0], KW, [6.0] * 4).sum()
    assert together == pytest.approx(3395.0)  # 3.5 (420 + 310 + 240) > 2800; the guide books at most 2020 kW


def test_a_waits_for_the_surges_of_d_and_b() -> None:
    # D and B at once: 1925 kW. A's 1470 joins when 550 + 1375 exp(-t/30) <= 1330: t >= 30 ln(1375/780) = 17.007
    exact = 30 * math.log(1375 / 780)
    assert exact == pytest.approx(17.007, abs=1e-3)
    schedule = guide_order((D, B, A, C))
    np.testing.assert_array_equal(schedule.pickup_min, [math.ceil(exact), 0.0, math.inf, 0.0])
    assert peak_after_pickup_kw(Surge(), schedule.pickup_min, KW, [6 + 18 / 60, 6, 6, 6])[A] <= HEADROOM_KW


def test_a_plateau_postpones_the_next_pickup_by_its_length() -> None:
    schedule = guide_order((D, B, A), Surge(delay_min=15.0))
    assert schedule.pickup_min[A] == math.ceil(15 + 30 * math.log(1375 / 780))


def test_a_slower_decay_makes_the_next_pickup_proportionally_later() -> None:
    schedule = guide_order((D, B, A), Surge(tau_min=60.0))
    assert schedule.pickup_min[A] == math.ceil(60 * math.log(1375 / 780))


@pytest.mark.parametrize(
    ("first", "excess_kw", "room_kw"),
    # C needs 2380 of 2800: D leaves 180 for its excess of 2.5 x 240, B 110 for 2.5 x 310
    [(D, 600.0, 180.0), (B, 775.0, 110.0)],
)
def test_c_can_follow_d_or_b_alone_once_their_surge_is_over(first: int, excess_kw: float, room_kw: float) -> None:
    assert guide_order((first, C)).pickup_min[C] == math.ceil(30 * math.log(excess_kw / room_kw))


@pytest.mark.parametrize("before", [(A,), (A, B), (A, D), (B, D), (A, B, D)])
def test_c_never_follows_a_nor_any_two_zones(before: tuple[int, ...]) -> None:
    # A leaves 0 kW for its own excess, which never ends; B and D leave 2800 - 550 - 2380 < 0 even without one
    assert guide_order((*before, C), horizon_min=2000.0).pickup_min[C] == math.inf


def test_waiting_past_eight_hours_out_raises_the_factor() -> None:
    # After B, C would fit at minute 59; first possible at minute 120 it has been out 8 h and draws 2720, not 2380 kW
    late = Sections.of(KW, CUSTOMERS, 6.0, not_before_min=[0, 0, 120, 0])
    early = Sections.of(KW, CUSTOMERS, 6.0, not_before_min=[0, 0, 119, 0])
    fits = within_headroom(KW, HEADROOM_KW)
    assert earliest_pickup_min(Surge(), late, (B, C), fits, 1.0, 600.0).deferred == (A, C, D)
    assert earliest_pickup_min(Surge(), early, (B, C), fits, 1.0, 600.0).pickup_min[C] == 119.0


def test_c_first_brings_back_all_four_zones() -> None:
    # C at 0. A: 680 + 1700 x + 1470 <= 2800 at 30 ln(1700/650) = 28.84 -> 29.
    # B: excess 1700 + 1050 exp(29/30) over 2800 - 1100 - 1085 = 615 -> 59.44 -> 60.
    # D: that + 775 exp(60/30) over 2800 - 1410 - 840 = 550 -> 87.57 -> 88.
    a = math.ceil(30 * math.log(1700 / 650))
    excess = 1700 + 1050 * math.exp(a / 30)
    b = math.ceil(30 * math.log(excess / 615))
    d = math.ceil(30 * math.log((excess + 775 * math.exp(b / 30)) / 550))
    assert (a, b, d) == (29, 60, 88)
    schedule = guide_order((C, A, B, D))
    np.testing.assert_array_equal(schedule.pickup_min, [a, b, 0.0, d])
    assert schedule.customer_minutes == 340 * 29 + 285 * 60 + 198 * 88  # 44 384
    assert schedule.deferred == ()


def test_best_order_takes_the_zone_first_that_the_guide_defers() -> None:
    # By hand, all orders that begin with C: CABD 44 384, CBAD 45 327, CADB 45 695, CDAB 47 842, CBDA 50 787,
    # CDBA 51 877. With C second, after D (37 min) or B (59 min), 18 944 and 30 208 are gone before A can follow at
    # minute 83 or 110, 28 220 and 37 400 more. Without C, 512 customers wait for 240 min: 122 880.
    best = guide_best(horizon_min=240.0)
    assert best.order == (C, A, B, D)
    assert best.customer_minutes == 44_384
    assert best.method == "exact"


def test_the_guides_decision_is_best_only_when_repair_is_near() -> None:
    # Without C: A and B at 0, D at 30 ln(1825/1230) -> 12, C at repair: 198 x 12 + 512 H. Without A: C at 0, B at 15,
    # D at 34: 11 007 + 340 H. Equal at H = 8631 / 172 = 50.2 min.
    near, later = guide_best(horizon_min=50.0), guide_best(horizon_min=51.0)
    assert (near.deferred, near.customer_minutes) == ((C,), 198 * 12 + 512 * 50)
    assert (later.deferred, later.customer_minutes) == ((A,), 285 * 15 + 198 * 34 + 340 * 51)


def test_no_grid_time_of_the_best_schedule_exceeds_the_headroom() -> None:
    schedule = guide_best(horizon_min=240.0)
    load_kw = surge_kw(Surge(), np.arange(0, 241.0), schedule.pickup_min, KW, 6 + schedule.pickup_min / 60)
    assert load_kw.sum(axis=1).max() <= HEADROOM_KW
    earlier = schedule.pickup_min - np.array([1, 0, 0, 0])  # nor could A have come a minute sooner
    assert surge_kw(Surge(), np.arange(0, 241.0), earlier, KW, 6 + earlier / 60).sum(axis=1).max() > HEADROOM_KW


# the scheduler


def plain_best(kw: np.ndarray, customers: np.ndarray, headroom_kw: float, step: int, horizon: int) -> float:
    """Least customer-minutes by plain enumeration of all orders, written out on its own (factor 3.5, tau 30)."""
    best = math.inf
    for order in itertools.permutations(range(len(kw))):
        picked: dict[int, int] = {}
        now = 0
        for section in order:
            for t in range(now, horizon + 1, step):
                load = sum(kw[s] * (1 + 2.5 * math.exp(-(t - at) / 30)) for s, at in picked.items())
                if load + 3.5 * kw[section] <= headroom_kw:
                    picked[section] = now = t
                    break
        best = min(best, sum(c * picked.get(s, horizon) for s, c in enumerate(customers)))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_best_order_equals_plain_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kw, customers = rng.uniform(100, 700, 5), rng.integers(20, 600, 5).astype(float)
    headroom_kw = kw.sum() * rng.uniform(0.8, 2.0)
    constant = Surge(SteppedFactors(((math.inf, 3.5),)))
    sections = Sections.of(kw, customers, 6.0)
    found = best_order(constant, sections, within_headroom(kw, headroom_kw), 5.0, 120.0)
    assert found.customer_minutes == pytest.approx(plain_best(kw, customers, headroom_kw, 5, 120))


def test_with_room_for_all_everything_is_picked_up_at_once() -> None:
    schedule = best_order(Surge(), guide_zones(), within_headroom(KW, 3.5 * KW.sum()), 1.0, 60.0)
    np.testing.assert_array_equal(schedule.pickup_min, 0.0)
    assert schedule.customer_minutes == 0.0


def test_without_room_all_wait_until_repair() -> None:
    schedule = best_order(Surge(), guide_zones(), within_headroom(KW, 100.0), 1.0, 60.0)
    assert schedule.deferred == (A, B, C, D)
    assert schedule.order == ()
    assert schedule.customer_minutes == 60 * CUSTOMERS.sum()


def test_what_fits_exactly_is_not_refused_for_rounding() -> None:
    kw = [0.1, 0.2]
    schedule = best_order(Surge(), Sections.of(kw, [1, 1], 6.0), within_headroom(kw, 3.5 * 0.3), 1.0, 60.0)
    np.testing.assert_array_equal(schedule.pickup_min, 0.0)


def test_a_section_waits_for_its_switch() -> None:
    sections = Sections.of(KW, CUSTOMERS, 6.0, not_before_min=[0.0, 0.0, 0.0, 22.0])
    schedule = earliest_pickup_min(Surge(), sections, (D,), within_headroom(KW, HEADROOM_KW), 5.0, 60.0)
    assert schedule.pickup_min[D] == 25.0  # the next grid time


def test_later_pickups_never_lie_before_earlier_ones() -> None:
    schedule = guide_order((C, A, D))
    assert schedule.pickup_min[C] <= schedule.pickup_min[A] <= schedule.pickup_min[D]


def test_every_later_grid_time_must_be_feasible_not_only_the_peak() -> None:
    # A state with section 1 becomes infeasible when the total falls below 1.5 (a voltage too high, say). The load of
    # both is 2 + 5 exp(-t/30) at least, so it never does; alone, 1 + 2.5 exp(-t/30) < 1.5 from minute 48.3 on.
    def feasible(multipliers: np.ndarray, alive: np.ndarray) -> bool:
        return bool(not alive[1] or multipliers.sum() >= 1.5)

    sections = Sections.of([1.0, 1.0], [1, 1], 6.0)
    assert earliest_pickup_min(Surge(), sections, (1,), feasible, 1.0, 100.0).pickup_min[1] == 100 - 48
    assert earliest_pickup_min(Surge(), sections, (0, 1), feasible, 1.0, 100.0).pickup_min[1] == 0.0


def test_the_predicate_sees_zero_for_what_is_not_picked_up() -> None:
    seen = []

    def feasible(multipliers: np.ndarray, alive: np.ndarray) -> bool:
        seen.append((multipliers.copy(), alive.copy()))
        return True

    earliest_pickup_min(Surge(), guide_zones(), (B,), feasible, 30.0, 60.0)
    np.testing.assert_allclose([m[B] for m, _ in seen], [3.5, 1 + 2.5 / math.e, 1 + 2.5 / math.e**2])
    assert all(list(alive) == [False, True, False, False] for _, alive in seen)
    assert all(m[[A, C, D]].sum() == 0 for m, _ in seen)


def test_many_sections_are_scheduled_by_customers_per_peak_kw_and_the_schedule_says_so() -> None:
    count = EXACT_UP_TO + 1
    customers = np.arange(1.0, count + 1)
    kw = np.full(count, 100.0)
    schedule = best_order(Surge(), Sections.of(kw, customers, 6.0), within_headroom(kw, 1250.0), 5.0, 600.0)
    assert schedule.method == "greedy"
    assert schedule.order == tuple(range(count - 1, -1, -1))  # equal kW: most customers first
    assert schedule.customer_minutes == customers @ schedule.pickup_min


def test_the_same_question_gets_the_same_answer() -> None:
    first, second = guide_best(120.0), guide_best(120.0)
    np.testing.assert_array_equal(first.pickup_min, second.pickup_min)
    assert first.order == second.order


# bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Surge(tau_min=0.0), "positive time constant"),
        (lambda: Surge(delay_min=-1.0), "delay_min is -1"),
        (lambda: SteppedFactors(((4.0, 2.0),)), "rise from above 0 h to inf"),
        (lambda: SteppedFactors(()), "rise from above 0 h to inf"),
        (lambda: SteppedFactors(((4.0, 2.0), (2.0, 3.0), (math.inf, 4.0))), "rise from above"),
        (lambda: SteppedFactors(((4.0, 2.0), (math.inf, 1.5))), "not fall"),
        (lambda: SteppedFactors(((math.inf, 0.9),)), "1 or more"),
        (lambda: SmoothFactors((("residential", 0.5),), 4.0), "'residential' has the ultimate pickup factor 0.5"),
        (lambda: SmoothFactors((("residential", 2.0), ("residential", 3.0)), 4.0), "two ultimate"),
        (lambda: SmoothFactors((("residential", 2.0),), 0.0), "saturation_h is 0"),
        (lambda: SMOOTH.factor([1.0]), "give one for each section"),
        (lambda: SMOOTH.factor([1.0, 1.0], ["residential", "farm"]), "Section 2 of 2 is of load class 'farm'"),
        (lambda: SMOOTH.factor([1.0, 1.0], ["residential"]), "2 outage durations are given for 1 load classes"),
        (lambda: GUIDE_STEPS.factor([1.0, -2.0]), "Section 2 of 2 has outage_h -2"),
        (lambda: multipliers(Surge(), [0.0], [0.0, 0.0], [1.0]), "found shapes"),
        (lambda: multipliers(Surge(), [0.0], [math.nan], [1.0]), "A time is missing"),
        (lambda: surge_kw(Surge(), [0.0], [0.0], [-5.0], [1.0]), "diversified_kw -5"),
        (lambda: Sections.of([1.0, 2.0], [1.0], 6.0), "customers has 1 entries for 2 sections"),
        (lambda: Sections.of([1.0, 2.0], [1.0, -3.0], 6.0), "Section 2 of 2 has customers -3"),
        (lambda: Sections.of([1.0], [1.0], 6.0, not_before_min=-1.0), "not_before_min -1"),
        (lambda: Sections.of([1.0], [1.0], 6.0, load_class=[]), "load_class has 0 entries for 1"),
        (lambda: within_headroom([1.0], -1.0), "headroom is -1 kW"),
        (lambda: guide_order((0, 4)), "names section 4; there are 0 to 3"),
        (lambda: guide_order((0, 1, 0)), "names section 0 twice"),
        (lambda: guide_order((0,), horizon_min=0.5), "one step of 1 min or more"),
        (lambda: best_order(Surge(), guide_zones(), within_headroom(KW, 1.0), 0.0, 60.0), "positive step"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        call()
