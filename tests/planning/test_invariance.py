"""What must not show in the results: workers, interruptions, the order of loads; and what must: growth."""

import itertools
from pathlib import Path

import pandas as pd
import pytest

from gridstudio.evaluation import Workers, blocks
from gridstudio.planning import read_study
from gridstudio.planning.reconductoring import Settings, run

MAIN_STUDY = Path(__file__).parents[2] / "studies" / "reconductoring_ieee123.toml"
LINES = {"l1": ("source", "b1", 4.0), "l2": ("b1", "b2", 1.0), "l3": ("b1", "b3", 2.0)}
LOADS = {"d1": ("b1", 300, 50, 2), "d2": ("b2", 600, 50, 1), "d3": ("b3", 250, 80, 2)}


def assert_same(a, b):
    """All tables but the timing equal to the bit, and all headlines."""
    assert a.tables.keys() == b.tables.keys()
    for name in a.tables.keys() - {"timing"}:
        pd.testing.assert_frame_equal(a.tables[name], b.tables[name], check_exact=True, obj=name)
    assert a.headline == b.headline
    assert a.texts == b.texts


@pytest.fixture(scope="module")
def quick():
    """quick(workers): the published study with three levels per load, 27 scenarios."""
    job, settings = read_study(MAIN_STUDY)
    settings = settings.model_copy(update={"report": type(settings.report)()})
    return lambda workers, progress=None: job.run(settings, MAIN_STUDY.parent, workers, progress, True)


@pytest.fixture(scope="module")
def reference(quick):
    return quick(Workers(1))


@pytest.mark.parametrize("workers", [Workers(2, "threads"), Workers(2, "processes"), Workers(2)])
def test_tables_do_not_depend_on_workers(quick, reference, workers):
    assert_same(quick(workers), reference)


def test_tables_of_a_joint_study_do_not_depend_on_workers(study):
    made = study(
        LINES,
        LOADS,
        limits={"v_min_pu": 0.94},
        search={"mode": "joint"},
        uncertainty={"loads": ["d1", "d2"], "points": 2},
    )
    assert_same(made.run(Workers(2, "threads")), made.run(Workers(1)))


def test_an_interrupted_run_resumes_with_the_same_tables(quick, reference, tmp_path, monkeypatch):
    calls = []
    solve = blocks.solve_block

    def counted(feeder, trajectories):
        calls.append(len(trajectories))
        return solve(feeder, trajectories)

    def interrupt(phase, done, total):
        if done > total / 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(blocks, "solve_block", counted)
    workers = Workers(1, checkpoint=tmp_path / "checkpoint")
    with pytest.raises(KeyboardInterrupt):
        quick(workers, interrupt)
    first = sum(calls)
    calls.clear()
    assert_same(quick(workers), reference)
    assert 0 < sum(calls) < 27 - first + 2  # only what was left was solved
    calls.clear()
    assert_same(quick(workers), reference)
    assert sum(calls) == 0


def test_the_order_of_the_uncertain_loads_only_renumbers_the_scenarios(study):
    tables = []
    for order in (["d1", "d2", "d3"], ["d3", "d1", "d2"]):
        found = study(LINES, LOADS, uncertainty={"loads": order, "points": 2, "spread": 2.0}).run().tables
        levels = found["scenarios"].set_index("scenario")[["level_d1", "level_d2", "level_d3"]]
        rows = found["interventions"].join(levels, on="scenario").drop(columns="scenario")
        tables.append(rows.sort_values(list(levels) + ["line", "year"], ignore_index=True))
    assert len(tables[0]) > 10
    pd.testing.assert_frame_equal(*tables)


def test_more_growth_is_never_cheaper(study):
    costs = []
    for growth in (-0.05, 0.0, 0.03, 0.06, 0.10, 0.15):
        made = study(
            LINES, LOADS, horizon={"years": 4, "growth_per_year": growth}, conductors={"impedance": "unchanged"},
            search={"mode": "independent", "replacements": 1}, uncertainty={"loads": ["d1", "d2"], "points": 3},
            robust={"enabled": False},
        )  # fmt: skip
        costs.append(made.run().tables["scenarios"]["cost_usd"])
    for less, more in itertools.pairwise(costs):
        assert (more >= less - 1e-9).all()
    assert costs[-1].sum() > costs[0].sum()


def test_a_run_leaves_its_settings_and_provenance_to_repeat_it(reference):
    provenance = reference.provenance
    assert provenance["quick"]
    assert {"gridstudio", "numpy", "engine", "python"} <= provenance["versions"].keys()
    assert all(len(value) == 64 for value in provenance["inputs"].values())
    assert not any(str(name).startswith("/") for name in provenance["inputs"])
    assert reference.settings["uncertainty"]["points"] == 3


def test_run_accepts_its_own_dumped_settings(study):
    made = study(LINES, LOADS)
    assert Settings.validated(made.settings.dump(), "dump") == made.settings
    assert run(made.settings, made.folder).settings == made.settings.dump()


def test_a_quick_run_of_the_main_study_shows_the_scenarios_that_it_has():
    """The study names scenarios 1, 96 and 125; a quick run has 27."""
    job, settings = read_study(MAIN_STUDY)
    result = job.run(settings, MAIN_STUDY.parent, Workers(1), None, True)
    assert len(result.tables["scenarios"]) == 27
    assert set(result.tables["loadings"]["scenario"]) <= {str(n) for n in range(1, 28)}
    assert "comparison" not in result.tables  # its numbers mean other loads
