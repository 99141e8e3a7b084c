"""Zones and days of a study: what the days miss of their year is among its findings."""

from pathlib import Path

import pytest

from gridstudio.planning import read_study
from gridstudio.planning.transition import check, days, job

STUDIES = Path(__file__).resolve().parents[3] / "studies"


@pytest.fixture(scope="module")
def published():
    """A quick run's zones and day, of the published study."""
    settings = read_study(STUDIES / "transition_aeso6.toml")[1].quick()
    return settings, job.prepare(settings, STUDIES)


def test_days_and_their_factors_are_told_beside_the_year(published) -> None:
    """One day scaled: the means agree, the factors are not one, and the peak of the year is not on it."""
    _, setup = published
    rows = setup.fidelity.set_index("kind")
    assert tuple(setup.fidelity.columns) == days.FIDELITY
    load = setup.days.load_mw.sum(axis=2)
    assert rows.loc["load_mw", "highest_of_days"] == pytest.approx(load.max())
    assert rows.loc["load_mw", "mean_of_days"] == pytest.approx(rows.loc["load_mw", "mean"])
    assert rows.loc["wind_pu", "highest_factor"] > 1.01
    assert rows.loc["load_mw", "highest"] > 1.01 * load.max()


def test_what_the_days_miss_is_told_by_the_check(published, monkeypatch) -> None:
    settings, setup = published
    monkeypatch.setattr(job, "prepare", lambda settings, folder: setup)
    monkeypatch.setattr(job, "check_targets", lambda model: None)
    texts = [finding.text for finding in check(settings, STUDIES)]
    assert sum("The year's highest load is" in text for text in texts) == 1
    assert all(remark.text in texts for remark in setup.remarks)
