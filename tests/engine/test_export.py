"""An exported circuit loads on its own in plain OpenDSS and gives the trajectory's figures."""

import numpy as np
import opendssdirect
import pytest

from gridstudio.domain.changes import AddBattery, At, ChangeSet, ParallelLine, Reconductor, SetSwitch
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import export_circuit
from gridstudio.evaluation import evaluate

NEW = "new linecode.new nphases=3 r1=.1 x1=.3 r0=.4 x0=.9 c1=10 c0=5 units=km normamps=700"


def solved_alone(files, folder):
    """The files written and solved by the engine alone."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    dss = opendssdirect.dss.NewContext()
    dss.Basic.AllowChangeDir(False)
    dss(f'redirect "{folder / "master.dss"}"')
    dss.Solution.Solve()
    assert dss.Solution.Converged()
    return dss


def line_current(dss, line):
    dss.Circuit.SetActiveElement(f"line.{line}")
    return max(dss.CktElement.CurrentsMagAng()[::2])


def check_export(feeder, changes, scenario, step, folder):
    found = evaluate(feeder, ChangeSet(changes), scenario)
    dss = solved_alone(export_circuit(feeder, changes, scenario, step), folder)
    nodes = found.network.nodes["bus"] + "." + found.network.nodes["phase"].astype(str)
    expected = dict(zip(nodes, found.flow.v_pu[step], strict=True))
    exported = dict(zip(dss.Circuit.AllNodeNames(), dss.Circuit.AllBusMagPu(), strict=True))
    assert exported == pytest.approx(expected, abs=1e-6)
    branches = found.network.branches
    for row in np.flatnonzero(branches["kind"] == "line"):
        expected_a = found.branch_current_a[step, row]
        assert line_current(dss, branches["name"][row]) == pytest.approx(expected_a, abs=0.01)
    return dss


@pytest.mark.parametrize("step", [0, 2])
@pytest.mark.parametrize("name", ["ieee13", "ieee34", "ieee37", "ieee123"])
def test_exported_feeder_gives_the_trajectorys_figures(model, name, step, tmp_path):
    feeder = model(name, NEW)
    network = evaluate(feeder).network
    loads = network.loads["load"]
    scenario = Scenario("x", (1.0, 1.2, 0.7), (LoadGroup((loads[0], loads[2]), (0.5, 1.5, 2.0)),))
    lines = network.lines[(network.lines["phases"] == 3) & ~network.lines["is_switch"]]["line"].tolist()
    changes = (At(0, Reconductor(lines[1], 700.0, "new")), At(1, Reconductor(lines[2], 800.0, "new")))
    changes = (*changes, At(2, SetSwitch(lines[-1], closed=False)))
    dss = check_export(feeder, changes, scenario, step, tmp_path)
    dss.Lines.Name(lines[1])
    assert (dss.Lines.LineCode(), dss.Lines.NormAmps()) == ("new", 700.0)
    dss.Lines.Name(lines[2])
    assert (dss.Lines.LineCode() == "new") == (step >= 1)


def test_exported_feeder_keeps_candidate_sources_off(model, tmp_path):
    """Their open terminals are not among what 'save circuit' writes."""
    feeder = model("ieee123", "redirect candidates.dss")
    ties = (At(0, SetSwitch("tie_151_300", closed=True)), At(0, SetSwitch("sw2", closed=False)))
    check_export(feeder, ties, Scenario(), 0, tmp_path)


# Left out: a control that integrates over steps, and a generator whose iteration starts from the step before.
@pytest.mark.parametrize(
    "name",
    [
        "admittance",
        "autotransformer",
        "capacitors",
        "clock",
        "curtailment",
        "generation",
        "line_descriptions",
        "load_models",
        "motor",
        "newton",
        "open_delta",
        "peak_shaving",
        "protection",
        "regulator",
        "split_phase",
        "three_windings",
        "two_sources",
    ],
)
def test_exported_odd_circuit_gives_the_trajectorys_figures(odd, name, tmp_path):
    changes = (At(0, Reconductor("l3", 600.0, "b")), At(0, SetSwitch("tie", closed=True)))
    scenario = Scenario("x", (0.9, 1.1), (LoadGroup(("d1",), (0.5, 1.5)),), generation_scale=(1.0, 0.6))
    check_export(odd(name), (*changes, At(1, SetSwitch("l2", closed=False))), scenario, 1, tmp_path)


def test_exported_circuit_keeps_outages_and_options(circuit, tmp_path):
    more = "new line.far bus1=end bus2=far length=1 units=km normamps=100\nnew load.far bus1=far kv=4.16 kw=100"
    feeder = circuit(f"{more}\nset loadmult=1.2\nset genmult=0.9")
    closes = (At(0, SetSwitch("far", closed=True)),)
    dss = check_export(feeder, closes, Scenario(outages=("far",)), 0, tmp_path / "alone")
    assert dss.Solution.LoadMult() == 1.2
    assert line_current(dss, "far") == pytest.approx(0, abs=1e-6)


def test_exported_circuit_has_its_coordinates_and_voltage_bases(ieee123, tmp_path):
    dss = solved_alone(export_circuit(ieee123, (), Scenario(), 0), tmp_path)
    dss.Circuit.SetActiveBus("610")
    assert dss.Bus.kVBase() == pytest.approx(0.48 / np.sqrt(3))
    dss.Circuit.SetActiveBus("1")
    assert (dss.Bus.X(), dss.Bus.Y()) == (700, 1500)


def test_export_writes_nothing_itself(ieee123, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = export_circuit(ieee123, (), Scenario(), 0)
    assert "master.dss" in files
    assert list(tmp_path.iterdir()) == []


SERVICE = (
    "new linecode.one nphases=1 r1=0.5 x1=0.9 r0=0.5 x0=0.9 c1=0 c0=0 units=km\n"
    "new linecode.two nphases=2 rmatrix=[.4|.1 .4] xmatrix=[.3|.1 .3] cmatrix=[0|0 0] units=km\n"
    "new line.tap bus1=end.1 bus2=far.1 linecode=one length=1 units=km normamps=100\n"
    "new line.pair bus1=end.2.3 bus2=away.2.3 linecode=two length=1 units=km normamps=100\n"
    "new load.far bus1=far.1 phases=1 kv=2.4 kw=50\nnew load.away bus1=away.2.3 phases=1 kv=4.16 kw=60"
)


@pytest.mark.parametrize("line", ["tap", "pair"])
def test_exported_parallel_line_keeps_the_phases_that_its_line_code_gave(circuit, line, tmp_path):
    changes = (At(0, ParallelLine(line)), At(0, ParallelLine(line, 3)))
    check_export(circuit(SERVICE), changes, Scenario("x", (1.2,)), 0, tmp_path)


GENERATORS = (
    "new generator.free bus1=end phases=3 kv=4.16 kw=200 kvar=50 model=1\n"
    "new generator.stiff bus1=end phases=3 kv=4.16 kw=100 pf=1 model=1 status=fixed\nset genmult=0.5"
)


@pytest.mark.parametrize("changes", [(), (At(0, AddBattery("end", 80.0)),)])
def test_exported_generation_is_multiplied_by_genmult_once(circuit, changes, tmp_path):
    scenario = Scenario("x", (1.1,), generation_scale=(0.7,))
    dss = check_export(circuit(GENERATORS), changes, scenario, 0, tmp_path)
    dss.Circuit.SetActiveElement("generator.free")
    assert -dss.CktElement.TotalPowers()[0] == pytest.approx(0.5 * 0.7 * 200, rel=1e-3)
