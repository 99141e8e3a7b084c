"""Deployments: drawn as said, judged as by hand, and independent of workers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.hosting import Settings, run
from gridstudio.planning.hosting.settings import Stochastic
from gridstudio.planning.hosting.stochastic import draw, levels

ROOT = Path(__file__).parents[3]
COUNT = pd.Series({"a": 3, "b": 1, "c": 6})


def test_levels_end_at_all_customers():
    assert levels(25.0).tolist() == [0.25, 0.5, 0.75, 1.0]
    assert levels(30.0).tolist() == pytest.approx([0.3, 0.6, 0.9, 1.0])
    assert levels(100.0).tolist() == [1.0]


def test_deployments_are_nested_and_have_so_many_devices():
    """Sizes of 1 kW make kW a count."""
    found = draw("pv", COUNT, Stochastic(deployments=20, pv_kw=(1.0, 1.0), step_pct=20.0))
    assert (np.diff(found.kw, axis=1) >= 0).all()
    assert (found.kw.sum(axis=2) == [2, 4, 6, 8, 10]).all()
    assert (found.kw <= COUNT.to_numpy()).all()
    assert (found.kw[:, -1] == COUNT.to_numpy()).all()


def test_sizes_stay_in_their_range_and_the_seed_decides():
    given = Stochastic(deployments=30, ev_kw=(7.0, 11.0), step_pct=50.0)
    found = draw("ev", COUNT, given)
    full = found.kw[:, -1] / COUNT.to_numpy()
    assert 7.0 <= full.min() < full.max() <= 11.0
    assert np.array_equal(found.kw, draw("ev", COUNT, given).kw)
    assert not np.array_equal(found.kw, draw("ev", COUNT, given.model_copy(update={"seed": 2})).kw)


def test_the_first_violation_is_that_by_hand(study):
    """100 customers with 20 kW each behind a line of 1441 kW: 72 fit, 73 do not; steps of 1 %."""
    drawn = {"devices": ["pv"], "deployments": 3, "step_pct": 1.0, "pv_kw": [20, 20], "kw_per_customer": 1e-5}
    made = study(kw=1e-3, stochastic=drawn).run().tables
    assert made["deployments"]["first_pct"].tolist() == pytest.approx([73.0] * 3)
    assert made["deployments"]["fits_kw"].tolist() == pytest.approx([1440.0] * 3)
    assert (made["deployments"]["limit"] == "line_loading").all()
    curve = made["curve"].set_index(made["curve"]["penetration_pct"].round().astype(int))
    assert curve.loc[[72, 73], "violating_pct"].tolist() == [0, 100]
    assert curve.loc[[72, 73], "line_loading_pct"].tolist() == [0, 100]
    assert made["percentiles"]["first_kw"].tolist() == pytest.approx([1460.0] * 9)


def test_deployments_that_never_violate_are_told(study):
    drawn = {"devices": ["ev"], "deployments": 2, "step_pct": 50.0, "ev_kw": [7, 7], "kw_per_customer": 1e-4}
    result = study(kw=1e-3, stochastic=drawn).run()
    assert result.tables["deployments"]["first_pct"].isna().all()
    assert np.isinf(result.tables["percentiles"]["first_pct"]).all()
    assert result.headline["ev_never"].value == "2 of 2"
    assert result.headline["ev_first"].value == "never"


def test_ieee123_does_not_depend_on_workers_and_its_curves_rise():
    hours = [
        {"name": "light", "load_scale": 0.3, "ev": 0.1},
        {"name": "peak", "load_scale": 0.75, "pv": 0.1, "ev": 0.4},
    ]
    data = {"job": "hosting", "feeder": {"master": "dss_models/ieee123/master.dss"}, "hours": hours}
    settings = Settings.validated(data | {"stochastic": {"deployments": 6, "step_pct": 25.0}}, "the test's study")
    one, two = run(settings, ROOT, Workers(1)).tables, run(settings, ROOT, Workers(2)).tables
    for name in ("curve", "deployments", "percentiles"):
        assert one[name].equals(two[name])
    for _, rows in one["curve"].groupby("device"):
        assert (np.diff(rows["violated_pct"]) >= 0).all()
        assert (rows["violating_pct"] <= rows["violated_pct"]).all()
        assert (np.diff(rows["kw_mean"]) > 0).all()
    assert one["curve"]["violated_pct"].max() == 100


@pytest.mark.parametrize("command", ["set loadmult=0.5", "set loadmult=2", "set year=5"])
def test_deployments_have_their_size_whatever_multiplies_loads(study, command):
    """As above: 72 % of 100 customers with 20 kW each fit."""
    drawn = {"devices": ["pv"], "deployments": 2, "step_pct": 1.0, "pv_kw": [20, 20], "kw_per_customer": 1e-5}
    made = study(kw=1e-3, more=command, stochastic=drawn).run().tables
    assert made["deployments"]["fits_kw"].tolist() == pytest.approx([1440.0] * 2)
