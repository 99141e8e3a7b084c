"""DC networks: by hand, flows without angles against flows with them, transfer factors, and bad input."""

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.solve.dcflow import (
    DCNetwork,
    angles,
    flows,
    incidence,
    loops,
    spanning_tree,
    susceptance,
    transfer_factors,
)

# Three buses in a ring, reactance 0.1, 0.1 and 0.2: of 1 from bus 0 to bus 2, half goes each way (0.2 against 0.2).
RING = DCNetwork(3, np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([0.1, 0.1, 0.2]))


def meshed(seed: int, buses: int = 7, branches: int = 12) -> DCNetwork:
    """A connected network: a random tree and further branches, some of them parallel."""
    rng = np.random.default_rng(seed)
    start = [int(rng.integers(0, bus)) for bus in range(1, buses)]
    end = list(range(1, buses))
    while len(start) < branches:
        a, b = (int(bus) for bus in rng.choice(buses, 2, replace=False))
        start.append(a)
        end.append(b)
    return DCNetwork(buses, np.array(start), np.array(end), rng.uniform(0.05, 0.4, branches))


def balanced(seed: int, buses: int = 7) -> np.ndarray:
    injection = np.random.default_rng(seed + 100).normal(size=buses)
    return injection - injection.mean()


def test_a_ring_shares_its_flow_by_reactance() -> None:
    found = flows(RING, angles(RING, [1.0, 0.0, -1.0]))
    assert found == pytest.approx([0.5, 0.5, 0.5])


def test_angles_of_a_ring_by_hand() -> None:
    assert angles(RING, [1.0, 0.0, -1.0]) == pytest.approx([0.0, -0.05, -0.1])


def test_susceptance_of_a_ring_by_hand() -> None:
    assert susceptance(RING) == pytest.approx(np.array([[15, -10, -5], [-10, 20, -10], [-5, -10, 15]]))


@pytest.mark.parametrize("seed", range(4))
def test_flows_balance_at_every_bus(seed: int) -> None:
    network, injection = meshed(seed), balanced(seed)
    assert incidence(network) @ flows(network, angles(network, injection)) == pytest.approx(injection)


@pytest.mark.parametrize("seed", range(4))
def test_flows_around_loops_are_those_of_angles(seed: int) -> None:
    """Balance at the buses and zero around the loops have one solution: the flows that angles give."""
    network, injection = meshed(seed), balanced(seed)
    around = loops(network)
    assert len(around) == len(network) - network.bus_count + 1
    equations = np.vstack([incidence(network)[1:], around * network.reactance_pu])
    found = np.linalg.solve(equations, np.concatenate([injection[1:], np.zeros(len(around))]))
    assert found == pytest.approx(flows(network, angles(network, injection)))


@pytest.mark.parametrize("first", [0, 3, 6])
def test_angles_are_sums_along_paths(first: int) -> None:
    network, injection = meshed(1), balanced(1)
    tree, given = spanning_tree(network, first), angles(network, injection)
    drop = network.reactance_pu * flows(network, given)
    assert tree.paths @ drop == pytest.approx(given - given[first])


def test_a_series_device_drives_flow_around_its_loop() -> None:
    """0.04 rad in a ring of reactance 0.4 drives 0.1 around it."""
    shift = [0.04, 0.0, 0.0]
    found = flows(RING, angles(RING, np.zeros(3), shift), shift)
    assert found == pytest.approx([0.1, 0.1, -0.1])


def test_transfer_factors_are_flows_of_a_unit_transfer() -> None:
    network = meshed(2)
    factors = transfer_factors(network)
    for bus in range(1, network.bus_count):
        injection = np.zeros(network.bus_count)
        injection[bus], injection[0] = 1.0, -1.0
        assert factors[:, bus] == pytest.approx(flows(network, angles(network, injection)))


def test_parts_have_a_root_each() -> None:
    network = DCNetwork(4, np.array([0, 2]), np.array([1, 3]), np.array([0.1, 0.1]))
    tree = spanning_tree(network, 3)
    assert tree.roots.tolist() == [3, 0]
    assert tree.part.tolist() == [1, 1, 0, 0]
    assert angles(network, [1.0, -1.0, 0.0, 0.0]) == pytest.approx([0.0, -0.1, 0.0, 0.0])


def test_a_network_without_branches_has_neither_loops_nor_angles() -> None:
    network = DCNetwork(1, np.zeros(0), np.zeros(0), np.zeros(0))
    assert loops(network).shape == (0, 0)
    assert angles(network, [0.0]) == pytest.approx([0.0])


def test_injections_that_do_not_balance_are_refused() -> None:
    with pytest.raises(InputError, match="the part around bus 0 add to 1, not to 0"):
        angles(RING, [1.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("start", "end", "reactance", "message"),
    [
        ([0], [0], [0.1], "branch 0 starts and ends at bus 0"),
        ([0], [2], [0.1], "branch 0 runs from bus 0 to 2; there are 2 buses"),
        ([0], [1], [0.0], "branch 0 has reactance 0; it must be positive"),
        ([0], [1, 1], [0.1], "1 branches start, 2 end and 1 have a reactance"),
    ],
)
def test_bad_branches_are_told(start, end, reactance, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DCNetwork(2, np.array(start), np.array(end), np.array(reactance))
