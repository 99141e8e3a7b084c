"""Three weeks of IEEE 123: its regulators carried from hour to hour, by workers and by another way of solving."""

from pathlib import Path

import numpy as np
import pytest

from gridstudio.domain.changes import BASE
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import Feeder
from gridstudio.evaluation import Workers, evaluate
from gridstudio.planning.exceedance import Settings, run
from gridstudio.planning.exceedance.job import prepare

ROOT = Path(__file__).parents[3]
FEEDER = {"master": "dss_models/ieee123/master.dss"}
HOURS = 500


def settings(**chunks):
    profiles = {"hours": HOURS, "start": "2023-07-10T00:00:00", "load_scale": 1.2}
    data = {"job": "exceedance", "feeder": FEEDER, "profiles": profiles, "chunks": chunks}
    return Settings.validated(data, "the test's study")


@pytest.fixture(scope="module")
def by_weeks():
    return run(settings(), ROOT, Workers(1)).tables


@pytest.fixture(scope="module")
def in_one():
    return run(settings(hours=HOURS, warm_up_hours=0), ROOT, Workers(1)).tables


@pytest.mark.parametrize("changes", [{}, {"memory_mb": 0.5}])
def test_results_do_not_depend_on_workers_nor_on_memory(by_weeks, changes):
    """To the bit."""
    other = run(settings(**changes), ROOT, Workers(2)).tables
    for name in ("hours", "branches", "buses", "devices", "operations", "months", "levels", "duration"):
        assert by_weeks[name].equals(other[name]), name


def test_one_chunk_is_one_trajectory(in_one):
    """Second method: the hours as one scenario, and plain counting on its arrays."""
    year = prepare(settings(), ROOT).year
    groups = tuple(LoadGroup(g, tuple(s)) for g, s in zip(year.groups, year.scale.tolist(), strict=True))
    whole = Scenario(load_scale=(1.0,) * HOURS, load_groups=groups, generation_scale=tuple(year.generation))
    done = evaluate(Feeder("f", ROOT / FEEDER["master"]), BASE, whole)
    branches = in_one["branches"]
    assert np.array_equal(branches["hours_over"], done.verdict.overloaded.sum(axis=0))
    assert np.array_equal(branches["current_max_a"], done.branch_current_a.max(axis=0))
    assert np.array_equal(in_one["hours"]["source_kw"], done.flow.source_kw)
    high = done.network.nodes["bus"][done.verdict.high.any(axis=0)].unique()
    assert set(in_one["buses"].query("hours_high > 0")["bus"]) == set(high)
    assert in_one["hours"]["branches_over"].max() > 0


def test_cutting_into_weeks_costs_little_accuracy(by_weeks, in_one):
    """Chunks start from a stated state: controls differ for some hours, energy by less than a thousandth."""
    for column, share in (("source_kw", 1e-3), ("losses_kw", 2e-3), ("branches_over", 0.02)):
        assert by_weeks["hours"][column].sum() == pytest.approx(in_one["hours"][column].sum(), rel=share)
    operations = by_weeks["devices"]["operations"].sum(), in_one["devices"]["operations"].sum()
    assert operations[0] == pytest.approx(operations[1], rel=0.05)


def test_operations_add_up(by_weeks):
    hours, devices, months = by_weeks["hours"], by_weeks["devices"], by_weeks["months"]
    assert len(devices) == 7
    assert hours["tap_operations"].sum() == devices["operations"].sum() == months["tap_operations"].sum() > 100
    assert months["hours"].sum() == HOURS
    assert months["energy_mwh"].sum() == pytest.approx(hours["source_kw"].sum() / 1000)


def test_without_controls_nothing_moves():
    data = settings().model_dump(mode="json") | {"feeder": FEEDER | {"controls": "off"}}
    data["profiles"]["hours"] = 48
    made = run(Settings.validated(data, "the test's study"), ROOT, Workers(1)).tables
    assert made["devices"]["operations"].sum() == 0


def test_operations_by_month_add_up_to_those_of_the_devices(by_weeks):
    summed = by_weeks["operations"].groupby("device")["operations"].sum()
    assert summed.to_dict() == by_weeks["devices"].set_index("device")["operations"].to_dict()
    assert summed.sum() > 0


def test_hours_at_or_above_the_rating_are_those_over_it(by_weeks):
    levels, branches = by_weeks["levels"], by_weeks["branches"].set_index("element")["hours_over"]
    at = levels[(levels["quantity"] == "loading_pu") & np.isclose(levels["level_pu"], 1.0)]
    assert at["hours"].tolist() == branches.loc[at["element"]].tolist()
    assert at["hours"].max() > 0
