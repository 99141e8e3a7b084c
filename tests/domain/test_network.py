"""The graph of a feeder: loops, paths, loading limits. Circuits are read by the engine."""

import numpy as np
import pytest

from gridstudio import engine
from gridstudio.domain.limits import Limits
from gridstudio.engine import Feeder

HEAD = """
clear
new circuit.net basekv=4.16 phases=3 bus1=s
new line.a bus1=s bus2=b length=1 units=km normamps=100
new line.b bus1=b bus2=c length=2 units=km normamps=100
new load.l bus1=c phases=3 kv=4.16 kw=100 pf=0.95
"""
TAIL = "set voltagebases=[4.16]\ncalcvoltagebases\n"


@pytest.fixture
def network(tmp_path):
    def make(more=""):
        master = tmp_path / "master.dss"
        master.write_text(HEAD + more + TAIL)
        return engine.inspect(Feeder("net", master))[0]

    return make


def test_a_radial_circuit_has_no_loop(network):
    assert network().loops() == []


def test_a_line_beside_the_way_closes_a_loop(network):
    assert network("new line.x bus1=s bus2=c length=1 units=km\n").loops()


def test_an_open_line_closes_no_loop(network):
    assert network("new line.x bus1=s bus2=c length=1 units=km\nopen line.x 1\nopen line.x 2\n").loops() == []


def test_single_phase_lines_side_by_side_are_no_loop(network):
    more = "".join(f"new line.p{k} phases=1 bus1=c.{k} bus2=d.{k} length=1 units=km\n" for k in (1, 2, 3))
    assert network(more).loops() == []


def test_distance_is_measured_along_the_lines(network):
    buses = network().buses.set_index("bus")["distance_km"]
    assert buses[["s", "b", "c"]].tolist() == pytest.approx([0.0, 1.0, 3.0])


def test_the_way_to_a_bus_names_its_lines_from_the_source_on(network):
    assert network().parent_lines()["c"] == ["line.a", "line.b"]


def test_a_branch_carries_the_largest_of_its_phase_currents(network):
    net = network()
    current_a = np.arange(2.0 * len(net.conductors)).reshape(2, -1)
    assert net.branch_current(current_a).tolist() == [[2.0, 5.0], [8.0, 11.0]]


def test_transformers_have_a_limit_of_their_own(network):
    net = network("new transformer.t buses=[c d] kvs=[4.16 0.48] kvas=[100 100]\n")
    limits = net.loading_limit_pu(Limits(loading_max_pu=0.66, transformer_loading_max_pu=1.0))
    assert limits.tolist() == [0.66, 0.66, 1.0]
