"""The one clock, against times worked by hand: d dispatch, o operating, t travel [min]."""

import itertools

import numpy as np
import pytest

from gridstudio.domain.devices import Device
from gridstudio.planning.restoration.clock import Clock, Operation


def devices(*times):
    """One device for each entry: a number is the operating time of a remote one, a pair (operating, travel) manual."""
    return tuple(
        Device(f"d{n}", f"l{n}", "switch", False, False, t[0], t[1])
        if isinstance(t, tuple)
        else Device(f"d{n}", f"l{n}", "switch", False, True, t)
        for n, t in enumerate(times)
    )


def minutes(clock, *order):
    return clock.run([Operation(d, True) for d in order])


def test_remote_operations_follow_one_another():
    assert minutes(Clock(devices(1.0, 2.0, 0.5), dispatch_min=3.0), 0, 1, 2) == [4.0, 6.0, 6.5]


def test_an_empty_order_takes_no_time():
    clock = Clock(devices(1.0), dispatch_min=3.0)
    assert clock.run([]) == []
    assert clock.start.now_min == 3.0


def test_a_crew_travels_and_then_operates():
    assert minutes(Clock(devices((5.0, 20.0)), dispatch_min=1.0), 0) == [26.0]  # 1 + 20 + 5


def test_one_crew_drives_from_device_to_device():
    # first 1+20+5 = 26; it leaves then: 26+30+5 = 61
    assert minutes(Clock(devices((5.0, 20.0), (5.0, 30.0)), crews=1, dispatch_min=1.0), 0, 1) == [26.0, 61.0]


def test_two_crews_drive_at_the_same_time():
    # the second is there at 31, the first is done at 26: 31+5 = 36
    assert minutes(Clock(devices((5.0, 20.0), (5.0, 30.0)), crews=2, dispatch_min=1.0), 0, 1) == [26.0, 36.0]


def test_a_crew_that_is_there_waits_for_its_turn():
    # second crew there at 11, but operations follow one another: 26+5 = 31
    assert minutes(Clock(devices((5.0, 20.0), (5.0, 10.0)), crews=2, dispatch_min=1.0), 0, 1) == [26.0, 31.0]


def test_crews_travel_while_others_switch():
    # 1 -> remote 2, 3, 4; the crew left at 1 and is there at 11: 11+5 = 16; one more remote: 17
    clock = Clock(devices(1.0, 1.0, 1.0, (5.0, 10.0), 1.0), dispatch_min=1.0)
    assert minutes(clock, 0, 1, 2, 3, 4) == [2.0, 3.0, 4.0, 16.0, 17.0]


def test_a_crew_that_is_there_early_costs_its_operating_time_only():
    clock = Clock(devices(30.0, (5.0, 10.0)), dispatch_min=0.0)
    assert minutes(clock, 0, 1) == [30.0, 35.0]


def test_the_crew_that_is_free_first_goes():
    # crew A done at 26, crew B at 36; the third device is A's: 26+30+5 = 61
    clock = Clock(devices((5.0, 20.0), (5.0, 30.0), (5.0, 30.0)), crews=2, dispatch_min=1.0)
    assert minutes(clock, 0, 1, 2) == [26.0, 36.0, 61.0]


def test_a_third_crew_leaves_at_once():
    clock = Clock(devices((5.0, 20.0), (5.0, 30.0), (5.0, 30.0)), crews=3, dispatch_min=1.0)
    assert minutes(clock, 0, 1, 2) == [26.0, 36.0, 41.0]


def test_a_device_may_be_operated_twice_and_the_crew_comes_again():
    assert minutes(Clock(devices((5.0, 20.0)), crews=1, dispatch_min=0.0), 0, 0) == [25.0, 50.0]


def test_nothing_takes_no_time():
    assert minutes(Clock(devices(0.0, (0.0, 0.0)), dispatch_min=0.0), 0, 1, 0) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("seed", range(20))
def test_time_never_runs_back_and_more_crews_are_never_later(seed):
    rng = np.random.default_rng(seed)
    times = [float(t) if t < 4 else (float(t), float(rng.integers(0, 40))) for t in rng.integers(0, 9, 8)]
    order = rng.integers(0, 8, 15).tolist()
    done = [minutes(Clock(devices(*times), crews, 1.0), *order) for crews in (1, 2, 3, 4)]
    for one in done:
        assert all(b >= a for a, b in zip([1.0, *one], one, strict=False))
    for fewer, more in itertools.pairwise(done):
        assert all(b <= a for a, b in zip(fewer, more, strict=True))


def test_the_clock_goes_on_from_where_it_stood():
    """Operation by operation is the same as the whole order at once."""
    clock, order = Clock(devices(1.0, (5.0, 10.0), (5.0, 30.0), 2.0), crews=1), (1, 0, 2, 3)
    hands, seen = clock.start, []
    for device in order:
        hands = clock.operate(hands, device)
        seen.append(hands.now_min)
    assert seen == minutes(clock, *order)
