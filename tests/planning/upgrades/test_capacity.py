"""Mode capacity: by hand, its published case with the optimum known by enumeration, and its limiting cases."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gridstudio.planning.upgrades import costs, inputs
from gridstudio.planning.upgrades.capacity import Capacity
from gridstudio.planning.upgrades.contract import Futures, all_packages
from gridstudio.planning.upgrades.inputs import PEAK, Feeders, Hours
from gridstudio.planning.upgrades.planner import plan
from gridstudio.planning.upgrades.scenarios import draw, reduced
from gridstudio.planning.upgrades.settings import ScenarioSettings, UpgradesSettings

GUIDE = Path(__file__).resolve().parents[4] / "shared" / "data" / "guide15"
needs_guide = pytest.mark.skipif(not GUIDE.is_dir(), reason="no ../shared/data/guide15 beside the checkout")


def settings(years=(5,), **money) -> UpgradesSettings:  # type: ignore[no-untyped-def]
    data = {
        "job": "upgrades",
        "tables": {"feeders": "f.csv", "candidates": "c.csv"},
        "horizon": {"years": list(years)},
        "money": {"discount_rate": 0.0, "residual_value": False} | money,
    }
    return UpgradesSettings.validated(data, "test")


def future(growth=0.0, ev_share=0.0, ev_kw=0.0, solar_share=0.0, weather=1.0, feeders=1) -> Futures:  # type: ignore[no-untyped-def]
    fields = (growth, solar_share, ev_share, ev_kw, weather)
    return Futures(np.ones(1), *(np.full((1, feeders), float(value)) for value in fields))


def feeder(limits: tuple[tuple[str, float], ...] = (("", 6.0),)) -> Feeders:
    names, rated = zip(*limits, strict=True)
    zero = np.zeros(len(limits), dtype=np.int64)
    return Feeders(("a",), np.array([5.0]), np.array([1000.0]), names, zero, np.array(rated))


@needs_guide
def test_the_published_case_has_the_optimum_of_its_enumeration() -> None:
    """42 783 307 USD with 37 972 500 USD invested; feeders separate, so each one's 16 sets can be tried."""
    given = settings()
    feeders = inputs.read_feeders(GUIDE / "feeders.csv")
    menu = inputs.read_candidates(GUIDE / "candidates_per_feeder.csv", feeders)
    futures = inputs.read_futures(GUIDE / "scenarios.csv", feeders.names)
    provider = Capacity(feeders, menu, PEAK, given.scenarios, (5,))
    found = plan(given, provider, menu, all_packages(menu, feeders.names, 4), futures).solution
    assert (len(feeders), len(futures), found.status) == (65, 200, "optimal")
    assert found.total_usd == pytest.approx(42_783_307, abs=1)
    assert found.investment_usd == 37_972_500
    assert found.total_usd == pytest.approx(sum(_best_of_feeder(feeders, menu, futures, f) for f in range(65)))


def _best_of_feeder(feeders, menu, futures, f: int) -> float:  # type: ignore[no-untyped-def]
    load = feeders.peak_mw[f] * (1 + futures.growth[:, f]) ** 5
    load = load + feeders.customers[f] * futures.ev_share[:, f] * futures.ev_kw[:, f] / 1000
    deficit = np.maximum(0.0, load - feeders.rated_mw[f])
    mine = [c for c in range(len(menu)) if menu.feeder[c] == feeders.names[f]]
    return min(
        menu.cost_usd[chosen].sum() + 500_000 * np.maximum(0.0, deficit - menu.gain_mw[chosen].sum()).mean()
        for chosen in (np.compress(keep, mine) for keep in itertools.product((False, True), repeat=len(mine)))
    )


def test_the_deficit_by_hand(menu) -> None:
    # 5 MW x 1.02^2 = 5.202; EVs 1000 x 0.2 x 8 kW = 1.6 MW; rated 6: 0.802 MW short, 0.302 with 0.5 MW more
    offered = menu([("a", "x", 1.0, 0.5, "")])
    provider = Capacity(feeder(), offered, PEAK, ScenarioSettings(adoption_year=1), (2,))
    found = provider.outcomes(all_packages(offered, ("a",), 1), future(0.02, 0.2, 8.0))
    np.testing.assert_allclose(found.unserved[0, :, 0], [0.802, 0.302])
    np.testing.assert_allclose(found.over_mw[0, :, 0], [0.802, 0.302])
    assert found.unit == "MW"


def test_evs_grow_to_their_share_and_no_further(menu) -> None:
    provider = Capacity(
        feeder(), menu([("a", "x", 1.0, 0.5, "")]), PEAK, ScenarioSettings(adoption_year=4), (1, 2, 4, 6)
    )
    load, ev = provider.load_mw(future(ev_share=0.2, ev_kw=10.0), 0)
    np.testing.assert_allclose(ev[0, :, 0], [0.5, 1.0, 2.0, 2.0])
    np.testing.assert_allclose(load[0, :, 0], [5.5, 6.0, 7.0, 7.0])


def test_limits_in_series_do_not_add_up(menu) -> None:
    provider = Capacity(
        feeder((("line", 6.0), ("transformer", 7.0))), menu([("a", "x", 1.0, 4.0, "")]), PEAK, ScenarioSettings(), (5,)
    )
    assert provider.capacity_mw(0, np.array([False])) == 6.0
    line_only = Capacity(provider.feeders, _limited(provider.menu, "line"), PEAK, ScenarioSettings(), (5,))
    assert line_only.capacity_mw(0, np.array([True])) == 7.0  # the transformer holds


def _limited(menu, limit: str):  # type: ignore[no-untyped-def]
    return replace(menu, limit=(limit,))


def two_hours() -> Hours:
    shape = np.zeros(24)
    shape[18] = 1.0
    flat, sun = np.full(24, 0.5), np.zeros(24)
    sun[12] = 1.0
    return Hours(np.zeros(24, dtype=np.int64), np.full(24, 10.0), flat + 0.5 * shape, 1 - shape, sun, energy=True)


def test_evs_count_in_the_hours_in_which_they_charge(menu) -> None:
    """At the feeder's peak (hour 18) no EV charges here, so EVs add nothing; with the peak alone they would."""
    offered = menu([("a", "x", 1.0, 0.5, "")])
    packages = all_packages(offered, ("a",), 1)
    with_evs = future(ev_share=0.2, ev_kw=10.0)
    by_hour = Capacity(feeder(), offered, two_hours(), ScenarioSettings(), (5,)).outcomes(packages, with_evs)
    at_peak = Capacity(feeder(), offered, PEAK, ScenarioSettings(), (5,)).outcomes(packages, with_evs)
    assert by_hour.over_mw[0, 0, 0] == 0.0
    assert at_peak.over_mw[0, 0, 0] == pytest.approx(1.0)


def test_energy_is_counted_by_the_hours_it_stands_for(menu) -> None:
    # 6.5 MW in hour 18, ten times a year, over 6 MW: 5 MWh; 1000 customers lose 0.5 / 6.5 of their supply for 10 h
    offered = menu([("a", "x", 1.0, 0.5, "")])
    provider = Capacity(feeder(), offered, two_hours(), ScenarioSettings(), (5,))
    found = provider.outcomes(all_packages(offered, ("a",), 1), future(weather=1.3))
    np.testing.assert_allclose(found.unserved[0, :, 0], [5.0, 0.0])
    np.testing.assert_allclose(found.customer_hours[0, :, 0], [1000 * 0.5 / 6.5 * 10, 0.0])


def test_what_flows_back_beyond_the_rating_is_curtailed(menu) -> None:
    # 2.5 MW at noon less 1000 x 0.9 x 10 kW = 9 MW: 6.5 MW flow back, 0.5 MW above the rating, ten times a year
    offered = menu([("a", "x", 1.0, 0.5, "")])
    provider = Capacity(feeder(), offered, two_hours(), ScenarioSettings(solar_kw=10.0), (5,))
    found = provider.outcomes(all_packages(offered, ("a",), 1), future(solar_share=0.9))
    np.testing.assert_allclose(found.curtailed[0, :, 0], [5.0, 0.0])


def test_more_measures_never_leave_more_unserved(menu) -> None:
    offered = menu([("a", name, 1.0, gain, "") for name, gain in (("x", 0.3), ("y", 0.6), ("z", 0.0))])
    packages = all_packages(offered, ("a",), 3)
    futures = draw(ScenarioSettings(), 1, 50, np.random.default_rng(1))
    found = Capacity(feeder(), offered, PEAK, ScenarioSettings(), (1, 5)).outcomes(packages, futures).unserved
    for small, large in itertools.product(range(len(packages)), repeat=2):
        if not (packages.members[small] & ~packages.members[large]).any():
            assert np.all(found[:, large] <= found[:, small] + 1e-12)


def test_building_costs_by_hand(menu) -> None:
    # 1000 USD in year 2 of 2 at 10 %, life 40: 1000 / 1.1 - 1000 x 39 / 40 / 1.21
    usd = costs.build_usd(
        settings((1, 2), discount_rate=0.10, residual_value=True), menu([("a", "x", 1000.0, 1.0, "")])
    )
    assert usd[0, 1] == pytest.approx(1000 / 1.1 - 975 / 1.21)
    assert usd[0, 0] == pytest.approx(1000 - 950 / 1.21)


def test_draws_have_the_given_distributions_and_correlation() -> None:
    given = ScenarioSettings(correlation=0.6, extreme_probability=0.2, extreme_factor=1.1)
    found = draw(given, 3, 20_000, np.random.default_rng(7))
    assert [np.mean(found.growth == rate) for rate in given.growth.rates] == pytest.approx([0.3, 0.5, 0.2], abs=0.02)
    assert found.ev_share.min() >= 0.08
    assert found.ev_share.max() <= 0.25
    assert found.ev_share.mean() == pytest.approx(0.165, abs=0.002)
    # the rank correlation of a Gaussian copula: 6 / pi asin(0.6 / 2)
    assert np.corrcoef(found.ev_kw.T)[0, 1] == pytest.approx(6 / np.pi * np.arcsin(0.3), abs=0.02)
    assert np.mean(found.weather[:, 0] == 1.1) == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(found.weather[:, 0], found.weather[:, 2])


def test_full_correlation_gives_all_feeders_the_same_future() -> None:
    found = draw(ScenarioSettings(correlation=1.0), 4, 10, np.random.default_rng(1))
    assert np.ptp(found.growth, axis=1).max() == 0.0
    assert np.ptp(found.ev_kw, axis=1).max() == pytest.approx(0.0)


def test_reduction_keeps_the_mean_nearly_and_the_probability_exactly() -> None:
    given = ScenarioSettings(kept=40)
    provider = Capacity(feeder(), None, PEAK, given, (5,))  # type: ignore[arg-type]
    futures = draw(given, 1, 500, np.random.default_rng(3))
    kept, _ = reduced(futures, given, provider.features)
    assert len(kept) == 40
    assert kept.probabilities.sum() == pytest.approx(1.0)
    whole, part = provider.features(futures)[:, 0], provider.features(kept)[:, 0]
    assert kept.probabilities @ part == pytest.approx(whole.mean(), rel=0.01)
