"""The importer on the SP&L tables (../shared/data/spl beside the checkout): known counts, and every model solves."""

from pathlib import Path

import numpy as np
import pytest

from gridstudio.build import network, sites, tables, utility
from gridstudio.build.findings import findings
from gridstudio.build.settings import ImportSettings
from gridstudio.domain.devices import read_devices
from gridstudio.engine import Feeder
from gridstudio.evaluation import evaluate

SPL = Path(__file__).resolve().parents[3] / "shared" / "data" / "spl"
SOURCE = SPL / "demo_data"
pytestmark = pytest.mark.skipif(not SOURCE.is_dir(), reason="no ../shared/data/spl beside the checkout")


@pytest.fixture(scope="module")
def spl():
    return tables.read(SOURCE, SPL / "sisyphean-power-and-light")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """SUB-004 (light) and SUB-013 (the most overloaded, with two ties of its own)."""
    out = tmp_path_factory.mktemp("spl")
    settings = ImportSettings(substations=("SUB-004", "SUB-013"))
    return utility.build(SOURCE, out, settings), out


def sound(rows):
    return bool(rows[["converged", "energised", "radial"]].all().all())


def test_the_tables_hold_what_is_known_of_them(spl):
    assert len(spl["substations"]) == 15
    assert len(spl["feeders"]) == 65
    assert len(network.tie_ends(spl)) == 14


def test_ties_join_the_substations_into_eight_clusters(spl):
    # by hand, from the 28 tie edges: 1-6, 3-6; 2-11; 4-15, 7-15; 10-13, 12-13; the others stand alone
    parts = [tuple(int(name[-3:]) for name in part) for part in network.clusters(spl)]
    assert parts == [(1, 3, 6), (2, 11), (4, 7, 15), (5,), (8,), (9,), (10, 12, 13), (14,)]


def test_without_the_substation_between_them_two_are_no_cluster(spl):
    assert network.clusters(spl, ["SUB-001", "SUB-003"]) == [("SUB-001",), ("SUB-003",)]  # both are tied to SUB-006


def test_known_defects_are_found(spl):
    notes = findings(spl, ImportSettings())
    warnings = notes[notes["severity"] == "warning"].set_index("table")
    assert warnings.loc["outage_events", "count"] == 1411
    assert "outage_history" not in warnings.index
    assert "from 10 to 100" in warnings.loc["asset_condition", "text"]
    assert warnings.loc["switches", "count"] == 19
    assert any(
        "SUB-013 3.4 times" in text for text in warnings.loc[["substations"], "text"]
    )  # 65.1 MW at 0.97 on 20 MVA
    assert any(
        text.startswith("The zero-sequence impedance of 43826 edges") for text in warnings.loc["network_edges", "text"]
    )


def test_every_feeder_carries_its_peak(spl):
    kw = sites.load_kw(spl, ImportSettings())
    feeder = kw.index.to_series().map(spl["transformers"].set_index("transformer_id")["feeder_id"])
    peak = spl["feeders"].set_index("feeder_id")["peak_load_mw"]
    np.testing.assert_allclose((kw.groupby(feeder).sum() / 1000).reindex(peak.index), peak, rtol=1e-9)


def test_two_substations_solve_with_every_load_energised(two):
    rows = two[0].tables["substations"].set_index("model")
    assert sound(rows)
    assert rows["load_mw"].tolist() == pytest.approx([21.4, 65.1], abs=1e-4)
    np.testing.assert_allclose(rows["served_mw"], rows["load_mw"], rtol=1e-4)
    assert rows["ties"].tolist() == [0, 2]
    assert rows["overloads"].iloc[0] == 0
    assert rows["transformer_loading_pu"].iloc[1] > 3.3  # 3.36 at rated voltage, more as it sags


def test_switch_records_of_the_second_folder_become_devices(spl, tmp_path):
    circuit = utility.derive(spl, ImportSettings(), ("SUB-004",))
    utility.write_and_solve(circuit, tmp_path, utility.Limits(), findings(spl, ImportSettings()), "")
    feeder = Feeder("sub-004", tmp_path / "master.dss")
    devices = read_devices(tmp_path / "devices.csv", evaluate(feeder).network)
    named = {device.name for device in devices if device.name.startswith("sw-")}
    feeders = spl["feeders"].loc[spl["feeders"]["substation_id"] == "SUB-004", "feeder_id"]
    switches = spl["switches"]
    assert named == set(switches.loc[switches["feeder_id"].isin(feeders), "switch_id"].str.lower())
    assert not any(device.normally_open for device in devices)


@pytest.mark.long
def test_all_fifteen_substations_and_their_clusters_solve(tmp_path):
    found = utility.build(SOURCE, tmp_path)
    rows, joined = found.tables["substations"], found.tables["clusters"]
    assert len(rows) == 15
    assert len(joined) == 8
    assert sound(rows)
    assert sound(joined)
    assert rows["customers"].sum() == joined["customers"].sum() == 140_459
    assert rows["load_mw"].sum() == pytest.approx(585.6, abs=1e-3)
    assert joined["ties"].sum() == 14
    assert found.provenance["not_converged"] == 0
