"""Voltage sources are switched like lines, their power and currents are read, and nothing of it stays behind."""

import numpy as np
import pytest

from gridstudio.domain.changes import At, SetSource, SetSwitch
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Session
from gridstudio.errors import InputError

SECOND = """
new vsource.gfm phases=3 bus1=end basekv=4.16 pu=1.0 angle=0 r1=0.001 x1=0.01 r0=0.001 x0=0.01
open vsource.gfm 1
"""
ISLAND = (At(0, SetSwitch("feed", False)), At(0, SetSource("source", False)), At(0, SetSource("gfm", True)))
RELAXED = "redirect candidates.dss"


def same(a, b):
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True) for n in a.__dataclass_fields__)


def test_a_source_declared_open_stands_ready(circuit):
    network = Session(circuit(SECOND)).network
    table = network.source_elements.set_index("source")
    assert list(table.index) == ["source", "gfm"]
    assert list(table["closed"]) == [True, False]
    assert dict(table.loc["gfm"]) == {"bus": "end", "phases": 3, "nodes": "1.2.3", "base_kv": 4.16, "closed": False}
    assert network.sources == ("source",)
    assert list(network.source_conductor) == [0, 0, 0, 1, 1, 1]


def test_the_grid_feeds_and_the_open_source_carries_nothing(circuit):
    flow = Session(circuit(SECOND)).solve([((), Scenario())])[0, 0]
    assert flow.source_kva[0] == pytest.approx(flow.source_kw + 1j * flow.source_kvar, rel=1e-6)
    assert flow.source_kva[1] == 0
    assert (flow.source_current_a[3:] == 0).all()
    # the line from the source bus carries all of its current
    assert flow.source_current_a[:3] == pytest.approx(flow.current_a[:3], rel=1e-4)


def test_the_island_is_fed_by_its_own_source(circuit):
    """600 kW and 300 kvar of constant impedance at 4.16 kV: by hand the current is 670.8 kVA / (sqrt 3 4.16 kV) times
    the voltage, which the source's impedance of 0.001 + 0.01j ohm lowers by 0.04 %."""
    flow = Session(circuit(SECOND)).solve([(ISLAND, Scenario())])[0, 0]
    z_load = 4.16**2 * 1000 / (600 - 300j)
    current = 4160 / np.sqrt(3) / abs(z_load + 0.001 + 0.01j)
    assert flow.source_current_a[3:] == pytest.approx([current] * 3, rel=1e-5)
    assert flow.source_kva[1] == pytest.approx(3 * current**2 * z_load / 1000, rel=1e-5)
    assert flow.source_kva[0] == 0
    assert flow.losses_kw == pytest.approx(0.0, abs=1e-6)
    assert flow.served_kw == pytest.approx(flow.source_kva[1].real, rel=1e-6)


def test_two_sources_in_parallel_share_and_their_power_adds_up(circuit):
    flow = Session(circuit(SECOND)).solve([((At(0, SetSource("gfm", True)),), Scenario())])[0, 0]
    assert flow.source_kva.sum() == pytest.approx(flow.source_kw + 1j * flow.source_kvar, rel=1e-6)
    assert abs(flow.source_kva[1]) > 100


def test_one_source_has_the_power_of_all(circuit):
    flow = Session(circuit()).solve([((), Scenario())])[0, 0]
    assert flow.source_kva == pytest.approx([flow.source_kw + 1j * flow.source_kvar])
    assert np.isnan(flow.source_current_a).all()  # not read


def test_sources_come_and_go_along_a_trajectory(circuit):
    session = Session(circuit(SECOND))
    later = tuple(At(1, item.change) for item in ISLAND)
    back = (At(2, SetSource("gfm", False)), At(2, SetSource("source", True)), At(2, SetSwitch("feed", True)))
    steps = Scenario(load_scale=(1.0, 1.0, 1.0))
    flow = session.solve([((*later, *back), steps)])[0]
    assert (np.abs(flow.source_kva) > 1).tolist() == [[True, False], [False, True], [True, False]]
    assert flow.v_pu[2] == pytest.approx(flow.v_pu[0], abs=1e-9)


@pytest.mark.parametrize("controls", ["static", "off"])
def test_switched_sources_are_taken_back_to_the_bit(model, controls):
    session = Session(model("ieee123", RELAXED, controls=controls))
    changes = (At(0, SetSwitch("sw4", False)), At(0, SetSource("source", False)), At(0, SetSource("gfm_95", True)))
    cases = [((), Scenario()), (changes, Scenario()), (changes, Scenario(load_scale=(0.5,))), ((), Scenario())]
    first, second = session.solve(cases), session.solve(list(reversed(cases)))
    assert first.converged.all()
    assert same(first[0], first[3])
    assert all(same(first[row], second[3 - row]) for row in range(4))


def test_an_island_of_ieee_123_lives_and_the_rest_is_dead(model):
    session = Session(model("ieee123", RELAXED))
    network = session.network
    changes = (At(0, SetSwitch("sw4", False)), At(0, SetSource("source", False)), At(0, SetSource("gfm_95", True)))
    flow = session.solve([(changes, Scenario(load_scale=(0.3,)))])[0, 0]
    inside = set(network.graph(["sw4"]).subgraph(_component(network, "95")).nodes)
    alive = network.nodes["bus"].isin(inside).to_numpy()
    assert (flow.v_pu[alive] > 0.9).all()
    assert (flow.v_pu[~alive] < 0.01).all()
    assert np.flatnonzero(flow.source_kva).tolist() == [network.source_row["gfm_95"]]
    assert flow.served_kw + flow.losses_kw == pytest.approx(flow.source_kva.sum().real, rel=1e-6)


def _component(network, bus):
    import networkx as nx

    return nx.node_connected_component(network.graph(["sw4"]), bus)


def test_an_unknown_source_is_named_before_anything_is_solved(circuit):
    session = Session(circuit(SECOND))
    with pytest.raises(InputError, match=r"The circuit has no voltage source 'gmf'\. Did you mean 'gfm'\?"):
        session.solve([((At(0, SetSource("gmf", True)),), Scenario())])


def test_solved_blocks_on_disk_keep_the_sources(circuit, tmp_path, monkeypatch):
    from gridstudio.domain.changes import ChangeSet
    from gridstudio.evaluation import Workers, blocks, evaluate_many

    monkeypatch.setattr(blocks, "SMALL_NODE_SOLVES", 0)

    cases = [(ChangeSet(tuple(item.change for item in ISLAND)), Scenario())]
    kept = Workers(checkpoint=tmp_path / "blocks")
    first, second = (evaluate_many(circuit(SECOND), cases, workers=kept).flow for _ in range(2))
    assert any((tmp_path / "blocks").iterdir())
    assert same(first, second)
    assert abs(first.source_kva[0, 0, 1]) > 600
