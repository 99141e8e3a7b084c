"""The upgraded circuits load on their own, in OpenDSS without gridstudio, and give the reported figures."""

import numpy as np
import pandas as pd
import pytest

from gridstudio.engine.library import opendssdirect  # first, so that it is loaded for threads
from gridstudio.evaluation import Workers
from gridstudio.planning import read_study


def solved_alone(texts, place, folder):
    """The circuit at ``place`` of the results, written to disk and solved by OpenDSS itself."""
    for name, text in texts.items():
        if name.startswith(place + "/"):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    engine = opendssdirect.dss.NewContext()
    engine.Basic.AllowChangeDir(False)
    engine(f'redirect "{folder / place / "master.dss"}"')
    engine.Solution.Solve()
    assert engine.Solution.Converged()
    return engine


def line_currents(engine):
    """Largest phase current of every line, larger of both ends [A]."""
    found = {}
    more = engine.Lines.First()
    while more:
        amps = np.array(engine.CktElement.CurrentsMagAng()).reshape(2, -1, 2)[:, : engine.Lines.Phases(), 0]
        found[engine.Lines.Name().lower()] = amps.max()
        more = engine.Lines.Next()
    return pd.Series(found)


def line_ratings(engine):
    found = {}
    more = engine.Lines.First()
    while more:
        found[engine.Lines.Name().lower()] = engine.Lines.NormAmps()
        more = engine.Lines.Next()
    return pd.Series(found)


def voltages(engine):
    return pd.Series(engine.Circuit.AllBusMagPu(), index=[name.lower() for name in engine.Circuit.AllNodeNames()])


def compare(result, scenario, year, folder):
    """Currents, ratings and voltages of one exported circuit against the tables; how far they differ."""
    engine = solved_alone(result.texts, f"circuits/scenario_{scenario}/year_{year}", folder)
    rows = result.tables["loadings"].query("scenario == @scenario and year == @year").set_index("line")
    amps = line_currents(engine)[rows.index]
    ampacity = result.tables["catalogue"].set_index("conductor")["ampacity_a"]
    np.testing.assert_allclose(line_ratings(engine)[rows.index], ampacity[rows["conductor"]], rtol=1e-9)
    nodes = result.tables["voltages"].query("scenario == @scenario and year == @year")
    names = nodes["bus"] + "." + nodes["phase"].astype(str)
    volts = voltages(engine)[names].to_numpy()
    return np.abs(amps - rows["current_after_a"]).max(), np.abs(volts - nodes["v_after_pu"].to_numpy()).max()


def test_circuits_of_the_published_study_give_the_reported_figures(main_study, tmp_path):
    for year in range(1, 6):
        amps, volts = compare(main_study.result, "125", year, tmp_path)
        assert amps < 0.01  # of hundreds of amperes; each solve ends within OpenDSS's tolerance of 1e-4
        assert volts < 2e-5


def test_circuits_with_new_impedances_give_the_reported_figures(tmp_path):
    """The joint study on IEEE 123, one scenario: new line codes, taps that moved, loads as published."""
    from pathlib import Path

    path = Path(__file__).parents[2] / "studies" / "reconductoring_ieee123_verified.toml"
    job, settings = read_study(path)
    settings = settings.model_copy(
        update={
            "uncertainty": settings.uncertainty.model_copy(update={"points": 1}),
            "report": type(settings.report)(),
            "robust": settings.robust.model_copy(update={"enabled": False}),
        }
    )
    result = job.run(settings, path.parent, Workers(1))
    assert len(result.tables["interventions"]) > 0
    moved = result.tables["loadings"].eval("abs(current_after_a - current_before_a)").max()
    assert moved > 1.0  # the new conductors do move the flow
    for year in (1, 5):
        amps, volts = compare(result, "1", year, tmp_path)
        assert amps < 0.01
        assert volts < 2e-5


def test_a_small_circuit_gives_the_reported_figures_in_every_year(study, tmp_path):
    lines = {"l1": ("source", "b1", 4.0), "l2": ("b1", "b2", 1.0)}
    loads = {"d1": ("b1", 500, 50, 2), "d2": ("b2", 780, 50, 1)}
    horizon = {"years": 3, "growth_per_year": 0.08}
    result = study(lines, loads, horizon=horizon, uncertainty={"loads": ["d2"], "points": 3, "spread": 1.0}).run()
    replaced = result.tables["interventions"].query("scenario == '3'")
    assert len(replaced) > 0
    for year in (1, 2, 3):
        amps, volts = compare(result, "3", year, tmp_path / "exported")
        assert amps < 0.01
        assert volts < 1e-6


def test_circuits_are_written_for_the_named_scenarios_and_every_year(main_study):
    places = {name.rsplit("/", 1)[0] for name in main_study.result.texts}
    assert places == {f"circuits/scenario_125/year_{year}" for year in range(1, 6)}
    assert all(f"{place}/master.dss" in main_study.result.texts for place in places)


@pytest.mark.parametrize("year", [1, 5])
def test_exported_circuits_name_no_path_of_this_machine(main_study, year):
    for name, text in main_study.result.texts.items():
        if f"/year_{year}/" in name:
            assert "/tmp" not in text, name
            assert "/home" not in text, name
            assert str(main_study.folder.parent) not in text, name
