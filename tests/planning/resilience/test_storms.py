"""Wind, fragility and storms: what they must be whatever the parameters, and numbers by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from gridstudio.planning.resilience.contract import no_plan
from gridstudio.planning.resilience.fragility import Curve, Lognormal, Points
from gridstudio.planning.resilience.outages import FRESH, TRAINING, Lottery, base_loss, monte_carlo, strata_of
from gridstudio.planning.resilience.wind import read_wind

ALL = np.ones(3, bool)


def lottery_of(setup, seed=1, strata=3):
    return Lottery(setup.grid, setup.wind, setup.fragility, strata, seed)


def line_row(grid, name):
    return grid.line_names.index(name)


def with_faults(storms, failed):
    """The first storms with faults given by hand (storm, line)."""
    rows = np.arange(len(failed))
    return type(storms)(
        storms.names[: len(failed)],
        np.full(len(failed), 1 / len(failed)),
        storms.wind_m_s[rows],
        storms.stratum[rows],
        failed,
        failed,
    )


def test_half_of_the_spans_fail_at_the_median():
    assert Lognormal(40.0, 0.3).at(np.array([40.0])) == pytest.approx([0.5])


def test_a_line_of_two_spans_fails_unless_both_hold():
    curve = Curve(Points(np.array([0.0, 100.0]), np.array([0.0, 1.0])), 50.0, "")
    assert curve.line(np.array([30.0]), np.array([50.0, 100.0])) == pytest.approx(
        np.array([[0.3, 1 - 0.7**2]])
    )  # by hand


@pytest.mark.parametrize("shape", [Lognormal(40.0, 0.3), Points(np.array([10.0, 60.0]), np.array([0.1, 1.0]))])
def test_without_wind_nothing_fails(shape):
    assert Curve(shape, 1000.0, "").line(np.zeros(1), np.array([1.0, 1e6])) == pytest.approx(np.zeros((1, 2)), abs=0)


def test_a_curve_of_one_fails_every_line():
    curve = Curve(Points(np.array([0.0, 1.0]), np.array([0.0, 1.0])), 50.0, "")
    assert curve.line(np.array([5.0]), np.array([50.0])) == pytest.approx(np.ones((1, 1)))


def test_a_calm_region_takes_no_line_and_no_load(chain):
    setup = chain(weather={"shares": {"calm": 1.0}}).prepare()
    storms = lottery_of(setup).draw(500, (TRAINING,))
    assert storms.wind_m_s.max() <= 0.001
    assert not storms.failed.any()
    assert not base_loss(setup.grid, storms).any()


def test_the_same_seed_gives_the_same_storms_however_they_are_drawn(chain):
    setup = chain().prepare()
    whole = lottery_of(setup).draw(300, (TRAINING,))
    late = lottery_of(setup).draw(100, (TRAINING,), skip=200)
    assert (whole.failed[200:] == late.failed).all()
    assert (whole.wind_m_s[200:] == late.wind_m_s).all()
    assert whole.names[200:] == late.names


@pytest.mark.parametrize(("seed", "stream"), [(2, (TRAINING,)), (1, (FRESH,))])
def test_another_seed_or_stream_gives_other_storms(chain, seed, stream):
    setup = chain().prepare()
    one, other = lottery_of(setup).draw(100, (TRAINING,)), lottery_of(setup, seed).draw(100, stream)
    assert not np.isin(one.wind_m_s, other.wind_m_s).any()


def test_hardening_a_line_changes_only_this_line_and_never_for_the_worse(chain):
    setup = chain(lines={"harden": ["line.feed_b"]}).prepare()
    storms = lottery_of(setup).draw(2000, (TRAINING,))
    hardened = np.array([name == "feed_b" for name in setup.grid.line_names])
    after = storms.lines_out(hardened)
    assert (after[:, ~hardened] == storms.failed[:, ~hardened]).all()
    assert not (after & ~storms.failed).any()
    assert after[:, hardened].sum() < storms.failed[:, hardened].sum()


def test_lines_fail_as_often_as_their_curve_says(chain):
    setup = chain().prepare()
    storms = lottery_of(setup).draw(20_000, (TRAINING,))
    spread = np.hypot(0.3, 0.3)  # strength and wind are lognormal: the line fails where wind exceeds strength
    expected = norm.cdf((np.log(30.0) - np.log(40.0)) / spread)
    seen = storms.failed[:, line_row(setup.grid, "feed_a")]
    assert seen.mean() == pytest.approx(expected, abs=4 * seen.std() / np.sqrt(len(seen)))


def test_wind_is_drawn_from_its_region(chain):
    setup = chain(weather={"shares": {"extreme": 0.25, "calm": 0.75}}).prepare()
    wind = lottery_of(setup).draw(20_000, (TRAINING,)).wind_m_s
    assert (wind > 1).mean() == pytest.approx(0.25, abs=0.015)
    assert np.median(wind[wind > 1]) == pytest.approx(30.0, rel=0.02)


@pytest.mark.parametrize(
    ("row", "median"),
    [
        ("x,weibull,,20,2,,", 20 * np.log(2) ** 0.5),
        ("x,gumbel,20,3,,,", 20 - 3 * np.log(np.log(2))),
        ("x,lognormal,,20,0.5,,", 20.0),
    ],
)
def test_distributions_have_the_parameters_of_their_textbook(tmp_path, row, median):
    path = tmp_path / "wind.csv"
    path.write_text("region,distribution,location_m_s,scale_m_s,shape,table,source\n" + row + "\n")
    region = read_wind(path, {"x": 1.0}).regions[0]
    assert region.speed(np.array([0.5])) == pytest.approx([median])
    assert region.source == "assumed"


def test_a_fault_takes_what_hangs_on_its_section_unless_the_tie_feeds_it(chain):
    """Weights 1, 1, 10 at 100 kW each. A fault in a, b, c in turn: all; only b, the tie feeds c; only c."""
    setup = chain().prepare()
    grid = setup.grid
    failed = np.zeros((5, len(grid.line_names)), bool)
    for storm, names in enumerate([["feed_a"], ["feed_b"], ["feed_c"], ["feed_b", "feed_c"], []]):
        failed[storm, [line_row(grid, name) for name in names]] = True
    storms = with_faults(lottery_of(setup).draw(5, (TRAINING,)), failed)
    assert base_loss(grid, storms) == pytest.approx([1200.0, 100.0, 1000.0, 1100.0, 0.0])


def test_a_candidate_switch_that_is_not_added_lets_the_fault_pass(chain):
    """Without sw_b's device and with a candidate on feed_b: a fault there takes sections a and b, then b alone."""
    made = chain(
        files={"devices.csv": "device,element,type,normally_open,remote\na,line.sw_a,switch,false,true\n"
               "c,line.sw_c,switch,false,true\ntie,line.tie,switch,true,true\n"},
        devices={"candidates": [{"line": "line.sw_b", "usd": 1000}]},
    )  # fmt: skip
    setup = made.prepare()
    grid, nothing = setup.grid, no_plan(setup.grid, setup.sites)
    failed = np.array([[name == "feed_b" for name in grid.line_names]])
    storms = with_faults(lottery_of(setup).draw(1, (TRAINING,)), failed)
    assert base_loss(grid, storms, nothing.added) == pytest.approx([1200.0])
    assert base_loss(grid, storms, grid.optional) == pytest.approx([100.0])


def test_the_monte_carlo_stops_once_its_mean_is_known(chain):
    setup = chain(monte_carlo={"storms": 50_000, "standard_error_pct": 3.0}).prepare()
    found = monte_carlo(
        lottery_of(setup), chain(monte_carlo={"storms": 50_000, "standard_error_pct": 3.0}).settings.monte_carlo
    )
    assert found.converged
    assert len(found.loss) < 50_000
    assert found.standard_error <= 0.03 * found.mean
    assert found.trace[-1].tolist() == pytest.approx([len(found.loss), found.mean, found.standard_error])
    assert (found.trace[:-1, 2] > 0.03 * found.trace[:-1, 1]).all()


def test_a_monte_carlo_cut_short_says_so(chain):
    made = chain(monte_carlo={"storms": 600, "standard_error_pct": 0.01})
    found = monte_carlo(lottery_of(made.prepare()), made.settings.monte_carlo)
    assert not found.converged
    assert len(found.loss) == 600


def test_strata_are_equally_full_and_rise_with_the_wind():
    wind = np.random.default_rng(3).random(1000)
    stratum = strata_of(wind, 4)
    assert np.bincount(stratum).tolist() == [250] * 4
    assert all(wind[stratum == low].max() < wind[stratum == low + 1].min() for low in range(3))
