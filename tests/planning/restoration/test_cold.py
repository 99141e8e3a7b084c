"""Cold load pickup by power flow, on circuits where the headroom is one line's rating and the arithmetic is a hand's.

Lines are short (no losses to speak of), loads 4.16 kV at unity power factor: a rating of I A carries sqrt(3) 4.16 I kW.
The surge is 1 + (f - 1) exp(-t / 30 min), f by the guide's steps: 2.5 after 2 to 4 h, 3.5 after 4 to 8 h, 4 beyond.
"""

import math

import numpy as np
import pytest

from gridstudio.domain.cold_load import GUIDE_STEPS, Surge
from gridstudio.planning.restoration import tables
from gridstudio.planning.restoration.cold import schedule
from gridstudio.planning.restoration.exact import exact
from gridstudio.planning.restoration.methods import greedy, none, solve

SURGE = Surge(GUIDE_STEPS, tau_min=30.0)
SIX_HOURS = 360.0


def amps(kw):
    return kw / (math.sqrt(3) * 4.16)


@pytest.fixture
def zones(world, kit):
    """zones(headroom_kw, kw by zone): each hangs behind the fault by a switch, and on feeder b by a tie."""

    def make(headroom_kw, loads, customers=None, **more):
        parts = [kit.line("a", "source", "n1"), kit.line("seg1", "n1", "n1e", 3000), kit.load("l1", "n1e", 100)]
        parts += [kit.line("b", "source", "nb", amps(headroom_kw), 1e-4, 1e-4)]
        devices = {"a": ("closed", "remote"), "b": ("closed", "remote")}
        for k, kw in enumerate(loads, start=1):
            parts += [kit.line(f"sw{k}", "n1e", f"z{k}", 3000), kit.load(f"zone{k}", f"z{k}", kw)]
            parts += [kit.line(f"tie{k}", "nb", f"z{k}", 3000, 1e-4, 1e-4)]
            devices |= {f"sw{k}": ("closed", "remote"), f"tie{k}": ("open", "remote")}
        who = {f"zone{k}": c for k, c in enumerate(customers or [100.0] * len(loads), start=1)}
        return world("\n".join([kit.head, *parts, kit.tail]), devices, customers=who | {"l1": 1.0}, **more)

    return make


def picked_up(small, outage_min=SIX_HOURS, repair_min=180.0, step_min=5.0):
    """The schedule of exact's plan; only normal ratings count."""
    desk = small.desk(emergency_h=0)
    incident = small.storm("line.seg1", repair_min=repair_min)
    plan = solve("exact", exact, incident, desk)
    classes = ["residential"] * len(small.sections)
    return schedule(incident, desk, plan, SURGE, classes, outage_min, step_min)


def test_the_second_zone_waits_for_the_first_ones_surge(zones):
    """Two zones of 400 kW, 2 010 kW of headroom: both at once draw 2 800 kW. The second fits when the first has
    fallen to 610 kW: exp(-t / 30) = 0.525 / 2.5, t = 46.8 min: on the grid of 5 min, 50 min after the first."""
    found = picked_up(zones(2010, [400, 400]))
    assert found.schedule.pickup_min.tolist() == [5, 55]
    assert found.factors.tolist() == [3.5, 3.5]
    assert found.curve_allowed.all()


def test_rounding_errs_to_the_safe_side(zones):
    """1 990 kW: 590 kW are left for the first zone, 1.475 of 400. 50 min after, it draws 1.472 and would fit; the
    search rounds up to 1.5 and waits one step more."""
    assert 1 + 2.5 * math.exp(-50 / 30) < 590 / 400 < 1.5
    found = picked_up(zones(1990, [400, 400]))
    assert found.schedule.pickup_min.tolist() == [5, 60]


@pytest.mark.parametrize("headroom_kw", [1700, 1850, 2210, 2510, 2790])
@pytest.mark.parametrize("step_min", [2.0, 5.0])
def test_waits_are_those_of_the_formula_within_two_steps(zones, headroom_kw, step_min):
    """t = 30 ln(2.5 * 400 / (headroom - 1 400 - 400)), rounded up to the grid; one step more where the multiplier's
    rounding to 0.05 asks for it."""
    found = picked_up(zones(headroom_kw, [400, 400]), step_min=step_min, repair_min=200.0)
    first, second = sorted(found.schedule.pickup_min)
    left = headroom_kw - 1800
    if left <= 0:
        assert math.isinf(second)
    else:
        wait = max(0.0, 30 * math.log(1000 / left))
        slower = max(wait, 30 * math.log(2.5 / (math.floor((left / 400) / 0.05 + 1e-9) * 0.05)))
        assert wait - 1e-9 <= second - first < slower + step_min + 0.2
    assert found.curve_allowed.all()


def test_the_factor_grows_while_a_zone_waits(zones):
    """3 h 50 min out: the first zone comes back at 2.5 times its load; the second, past four hours, at 3.5."""
    found = picked_up(zones(1900, [400, 400]), outage_min=230.0)
    assert found.factors.tolist() == [2.5, 3.5]
    assert found.outage_h == pytest.approx([(230 + t) / 60 for t in found.schedule.pickup_min])
    first, second = found.schedule.pickup_min
    before, after = (400 * (1 + 1.5 * math.exp(-(t - first) / 30)) + 3.5 * 400 for t in (second - 5, second))
    assert after <= 1900 < before + 0.05 * 400


def test_what_never_fits_is_deferred_to_the_repair(zones):
    """1 300 kW cannot take the 1 400 kW of one zone at once, however long it waits."""
    found = picked_up(zones(1300, [400, 100]))
    assert found.schedule.pickup_min.tolist() == [math.inf, 5]
    assert found.schedule.deferred == (0,)
    by_section, _ = tables.cold_load([found])
    assert by_section["pickup_min"].isna().tolist() == [True, False]
    assert by_section["factor"].isna().tolist() == [True, False]


def test_the_guides_zones_by_power_flow(zones):
    """420, 310, 680, 240 kW after six hours on 2 800 kW: 5 775 kW at once. Staged, all four come back, and the
    load by hand's arithmetic stays within the headroom at every time of the grid."""
    loads, customers = [420, 310, 680, 240], [95.0, 70.0, 150.0, 55.0]
    found = picked_up(zones(2800, loads, customers), repair_min=240.0)
    kw = np.array([loads[s] for s in np.argsort(np.argsort(found.sections))])
    assert np.isfinite(found.schedule.pickup_min).all()
    elapsed = found.minutes[:, None] - found.schedule.pickup_min
    by_hand = np.where(elapsed >= 0, kw * (1 + 2.5 * np.exp(-np.maximum(elapsed, 0) / 30)), 0).sum(axis=1)
    assert found.curve_kw == pytest.approx(by_hand)
    assert by_hand.max() <= 2800
    assert len(set(found.schedule.pickup_min)) > 2  # staged
    assert found.curve_allowed.all()


def test_the_curve_is_the_power_flows(zones):
    """Loading of feeder b: surging kW over its kW rating, within 0.5 % (losses and voltage)."""
    found = picked_up(zones(2010, [400, 400]))
    busy = found.curve_kw > 0
    assert found.curve_loading_pu[busy] == pytest.approx(found.curve_kw[busy] / 2010, rel=5e-3)
    assert found.curve_diversified_kw[-1] == pytest.approx(800)
    assert found.curve_kw[0] == 0


def test_without_surge_nothing_waits(zones):
    """Less than half an hour out: factor 1.2; 960 kW fit at once, each zone as soon as switching allows."""
    found = picked_up(zones(2010, [400, 400]), outage_min=10.0)
    assert found.schedule.pickup_min.tolist() == [5, 5]
    assert found.steady_min.tolist() == [3, 5]


def test_a_plan_that_picks_up_nothing_has_no_schedule(zones):
    small = zones(2010, [400, 400])
    desk, incident = small.desk(), small.storm("line.seg1")
    plan = solve("none", none, incident, desk)
    assert schedule(incident, desk, plan, SURGE, ["residential"] * len(small.sections), 0.0, 5.0) is None


@pytest.mark.parametrize(("element", "load_scale"), [("line.l55", 0.6), ("line.l117", 0.5), ("line.l116", 0.4)])
def test_no_time_of_a_schedule_breaks_a_limit(ieee123_world, element, load_scale):
    """On IEEE 123, each grid time solved with the exact multipliers; a pickup never comes before switching allows."""
    desk, incident = ieee123_world.desk(), ieee123_world.storm(element, load_scale=load_scale)
    plan = solve("greedy", greedy, incident, desk)
    classes = ["residential"] * len(ieee123_world.sections)
    found = schedule(incident, desk, plan, SURGE, classes, 240.0, 5.0)
    assert found.curve_allowed.all()
    assert (found.schedule.pickup_min >= found.steady_min - 1e-9).all()
    fits = np.isfinite(found.schedule.pickup_min)
    assert (found.schedule.pickup_min[fits] <= incident.horizon_min).all()
