"""Round trip: the synthetic utility through the importer is a sound base case to plan on."""

from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstudio import engine
from gridstudio.build import generated, model, network, tables
from gridstudio.build.findings import findings
from gridstudio.build.settings import ImportSettings
from gridstudio.build.summary import AT_PEAK
from gridstudio.build.synthetic import SyntheticSettings
from gridstudio.build.synthetic import tables as synthetic_tables
from gridstudio.domain.changes import ChangeSet, SetSwitch
from gridstudio.domain.devices import read_devices
from gridstudio.engine import Feeder
from gridstudio.evaluation import evaluate

COMMITTED = Path(__file__).resolve().parents[2] / "dss_models" / "synthetic"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("utility") / "small"
    return generated.build(SyntheticSettings(seed=3, buses_per_feeder=60, customers_per_feeder=200, years=1), out), out


@pytest.fixture(scope="module")
def base(built):
    return evaluate(Feeder("synthetic", built[1] / "master.dss"), scenario=AT_PEAK)


def test_the_base_case_is_feasible_at_peak(base):
    assert base.feasible, base.violations()


def test_it_is_radial_with_every_node_alive(base):
    assert base.network.loops() == []
    assert base.network.nodes["fed"].all()


def test_nothing_is_remarkable_about_its_tables_or_its_circuit(built):
    notes = findings(tables.read(built[1] / "tables"), ImportSettings())
    assert list(notes.loc[notes["severity"] == "warning", "text"]) == []
    with engine.borrow(Feeder("synthetic", built[1] / "master.dss")) as session:
        assert session.findings == ()


def test_loads_are_the_peaks_of_their_customers(built, base):
    utility = tables.read(built[1] / "tables")
    assert base.network.loads["kw"].sum() == pytest.approx(utility["customers"]["peak_kw"].sum(), rel=1e-6)
    assert pd.read_csv(built[1] / "customers.csv")["customers"].sum() == len(utility["customers"])


def test_devices_are_those_of_the_switch_table(built, base):
    devices = read_devices(built[1] / "devices.csv", base.network)
    switches = tables.read(built[1] / "tables")["switches"]
    named = {device.name: device.normally_open for device in devices}
    said = dict(zip(switches["switch_id"].str.lower(), switches["normally_open"].eq("True"), strict=True))
    assert named == said


def test_every_tie_closes_a_loop(built, base):
    devices = read_devices(built[1] / "devices.csv", base.network)
    ties = [device.line for device in devices if device.normally_open]
    assert ties
    for line in ties:
        closed = evaluate(Feeder("synthetic", built[1] / "master.dss"), ChangeSet((SetSwitch(line, True),)), AT_PEAK)
        assert bool(closed.flow.converged.all())
        at = closed.network.line_row[line]
        assert closed.branch_current_a[0, at] > 0.01


def test_zones_have_a_grid_forming_source_that_is_off(built, base):
    feeder = Feeder("synthetic", built[1] / "master.dss", ("redirect candidates.dss",))
    storage = pd.read_csv(built[1] / "storage.csv", keep_default_na=False)
    zones = tables.read(built[1] / "tables")["der_zones"]
    forming = storage[storage["grid_forming"] != ""]
    assert sorted(forming["bus"]) == sorted(zones["node_id"].str.lower())
    with_them = evaluate(feeder, scenario=AT_PEAK)
    np.testing.assert_allclose(with_them.flow.v_pu, base.flow.v_pu, atol=1e-9)


def test_several_substations_are_one_model_with_a_source_each(tmp_path):
    settings = SyntheticSettings(
        seed=1, substations=2, feeders=2, buses_per_feeder=60, customers_per_feeder=500, years=1
    )
    generated.build(settings, tmp_path / "two")
    done = evaluate(Feeder("synthetic", tmp_path / "two" / "master.dss"), scenario=AT_PEAK)
    assert len(done.network.sources) == 2
    assert done.network.loops() == []
    assert network.clusters(tables.read(tmp_path / "two" / "tables"))
    assert done.feasible


def test_the_same_seed_gives_the_same_files(built, tmp_path):
    out = tmp_path / "small"
    generated.build(SyntheticSettings(seed=3, buses_per_feeder=60, customers_per_feeder=200, years=1), out)
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in (built[1], out))
    assert one == two


def test_the_committed_utility_is_what_its_seed_gives():
    # made by: gridstudio build synthetic --seed 1 --out dss_models/synthetic --overwrite
    committed = tables.read(COMMITTED / "tables")
    for name, table in synthetic_tables(SyntheticSettings(seed=1)).items():
        if name in committed.paths:
            kept = pd.read_csv(committed.paths[name], keep_default_na=False, dtype=str)
            fresh = pd.read_csv(StringIO(table.to_csv(index=False)), keep_default_na=False, dtype=str)
            pd.testing.assert_frame_equal(kept, fresh)
    substations = tuple(committed["substations"]["substation_id"])
    derived = model.derive(committed, ImportSettings(), substations, "synthetic", "")
    kept_loads = evaluate(Feeder("synthetic", COMMITTED / "master.dss")).network.loads
    assert kept_loads["load"].tolist() == derived.loads["load"].tolist()
    np.testing.assert_allclose(kept_loads["kw"], derived.loads["kw"], rtol=1e-6)


def test_the_committed_utility_is_feasible_at_peak_and_small():
    done = evaluate(Feeder("synthetic", COMMITTED / "master.dss"), scenario=AT_PEAK)
    assert done.feasible, done.violations()
    assert sum(path.stat().st_size for path in COMMITTED.rglob("*") if path.is_file()) < 1_500_000
