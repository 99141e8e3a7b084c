"""What can be done next, on section graphs by hand: ends of the devices, sections with sources, closed devices.

Second method for groups: enumeration of all subsets, kept where networkx finds them connected.
"""

import itertools

import networkx as nx
import numpy as np
import pytest

from gridstudio.domain.devices import Device
from gridstudio.domain.sections import Sections
from gridstudio.planning.restoration import moves as module
from gridstudio.planning.restoration.incident import Incident, Storm
from gridstudio.planning.restoration.moves import beneath, groups, pickups, transfers

# 0 (source) -d0- 1 -d1- 2 -d2- 3 -d3 (tie)- 4 (source)
CHAIN = [(0, 1), (1, 2), (2, 3), (3, 4)]


def graph(ends, sources, normal, may_feed=(), fuses=()):
    """A section graph of breakers and ``fuses``; ``may_feed`` lists (device, section) that lack phases."""
    ends = np.array(ends, dtype=np.intp).reshape(-1, 2)
    count = int(ends.max()) + 1
    may = np.ones((len(ends), 2), dtype=bool)
    for device, section in may_feed:
        may[device, ends[device].tolist().index(section)] = False
    types = ["fuse" if d in fuses else "breaker" for d in range(len(ends))]
    devices = tuple(Device(f"d{d}", f"d{d}", kind, not normal >> d & 1) for d, kind in enumerate(types))
    return Sections(
        network=None, devices=devices, of_bus={}, ends=ends, sources=tuple(sources), may_feed=may,
        names=tuple(map(str, range(count))), customers=np.ones(count), kw=np.ones(count), loads=((),) * count,
        needed=np.ones(0, dtype=bool),
    )  # fmt: skip


def after(sections, start, blocked=()):
    """The incident that leaves the devices in ``start`` with faults in the sections ``blocked``."""
    mask = sum(1 << s for s in blocked)
    out = sections.normal_supply.alive & ~sections.supply(start, mask).alive
    return Incident(Storm("", ()), sections, start, (), mask, out, np.full(len(sections), 60.0))


def next_pickups(incident, closed=None, **more):
    closed = incident.start if closed is None else closed
    return list(pickups(incident, closed, incident.sections.supply(closed, incident.blocked).alive, **more))


def told(found):
    """{(operations, "-d1" opens and "+d3" closes): sections picked up}"""
    return {
        " ".join(f"{'+' if close else '-'}d{device}" for device, close in move.operations): members(move.picked_up)
        for move in found
    }


def members(mask):
    return {s for s in range(mask.bit_length()) if mask >> s & 1}


# -- pick-ups ---------------------------------------------------------------------


def test_a_tie_picks_up_all_behind_the_fault_or_a_part():
    incident = after(graph(CHAIN, [0, 4], 0b0111), 0b0110, blocked=[1])
    assert told(next_pickups(incident)) == {"-d1 +d3": {2, 3}, "-d2 +d3": {3}}


def test_whole_groups_only_when_asked():
    incident = after(graph(CHAIN, [0, 4], 0b0111), 0b0110, blocked=[1])
    assert told(next_pickups(incident, whole_only=True)) == {"-d1 +d3": {2, 3}}


def test_what_tripped_closes_again_once_the_fault_is_cut_off():
    incident = after(graph(CHAIN, [0], 0b0111), 0b0110, blocked=[3])
    assert told(next_pickups(incident)) == {"-d2 +d0": {1, 2}, "-d1 +d0": {1}}


def test_a_section_with_a_fault_is_never_picked_up():
    incident = after(graph(CHAIN, [0, 4], 0b0111), 0b0110, blocked=[1, 3])
    assert next_pickups(incident) == []


def test_a_section_between_two_faults_waits():
    incident = after(graph([*CHAIN, (4, 5)], [0], 0b10111), 0b10110, blocked=[1, 3])
    assert all(2 not in members(move.picked_up) for move in next_pickups(incident))


def test_every_fault_around_a_group_is_cut_off_before_the_closing():
    star = [(0, 1), (1, 2), (1, 3), (1, 4)]  # 1 is joined with the faulted 2 and 3, and with 4
    incident = after(graph(star, [0], 0b1111), 0b1110, blocked=[2, 3])
    assert told(next_pickups(incident)) == {"-d1 -d2 +d0": {1, 4}, "-d1 -d2 -d3 +d0": {1}}


def test_all_devices_between_a_group_and_a_fault_are_opened():
    incident = after(graph([(0, 1), (1, 2), (1, 2)], [0], 0b011), 0b110, blocked=[2])
    assert told(next_pickups(incident)) == {"-d1 -d2 +d0": {1}}


def test_closings_come_last_and_the_state_is_told():
    (whole, _) = next_pickups(after(graph(CHAIN, [0, 4], 0b0111), 0b0110, blocked=[1]))
    assert [close for _, close in whole.operations] == [False, True]
    assert whole.closed == 0b1100
    assert whole.interrupted == 0


def test_opened_devices_split_the_dead_part():
    """With d2 already open the tie brings back section 3 only, and section 2 has no way."""
    incident = after(graph(CHAIN, [0, 4], 0b0111), 0b0110, blocked=[1])
    assert told(next_pickups(incident, closed=0b0010)) == {"+d3": {3}}


def test_a_group_between_two_live_parts_may_come_from_either():
    ring = [(0, 1), (1, 2), (2, 3), (3, 0)]
    incident = after(graph(ring, [0], 0b0111), 0b0110)
    assert told(next_pickups(incident)) == {
        "+d0": {1, 2, 3}, "-d1 +d0": {1}, "-d2 +d0": {1, 2},
        "+d3": {1, 2, 3}, "-d2 +d3": {3}, "-d1 +d3": {2, 3},
    }  # fmt: skip


def test_parallel_open_devices_are_each_a_way_and_never_both():
    incident = after(graph([(0, 1), (0, 1)], [0], 0b01), 0b00)
    assert told(next_pickups(incident)) == {"+d0": {1}, "+d1": {1}}


def test_nothing_is_left_to_do_when_all_have_supply():
    sections = graph(CHAIN, [0, 4], 0b0111)
    assert next_pickups(after(sections, sections.normal)) == []


def test_a_spare_section_may_be_energised_on_the_way():
    """Two open switches in a tie: the piece between them is dead even in the normal state."""
    incident = after(graph([*CHAIN, (4, 5)], [0, 5], 0b00111), 0b00110, blocked=[1])
    assert told(next_pickups(incident)) == {"+d4": {4}}
    assert told(next_pickups(incident, closed=0b10110)) == {"-d1 +d3": {2, 3}, "-d2 +d3": {3}}


def test_a_fused_lateral_stays_with_what_feeds_it():
    tree = [(0, 1), (1, 2), (1, 3)]  # d1 a fuse of the lateral 2, d2 a breaker
    incident = after(graph(tree, [0], 0b111, fuses=[1]), 0b110)
    assert told(next_pickups(incident)) == {"+d0": {1, 2, 3}, "-d2 +d0": {1, 2}}


def test_a_fuse_is_pulled_to_isolate_the_fault_behind_it():
    tree = [(0, 1), (1, 2), (1, 3)]
    incident = after(graph(tree, [0], 0b111, fuses=[1]), 0b110, blocked=[2])
    assert told(next_pickups(incident)) == {"-d1 +d0": {1, 3}, "-d1 -d2 +d0": {1}}


# -- phases -----------------------------------------------------------------------


def test_a_tie_that_lacks_phases_picks_up_nothing():
    incident = after(graph(CHAIN, [0, 4], 0b0111, may_feed=[(3, 3)]), 0b0110, blocked=[1])
    assert next_pickups(incident) == []


def test_what_lies_behind_a_device_that_lacks_phases_is_left_out():
    """d2 does not bring all phases of section 2: it is opened, and 3 is picked up alone."""
    incident = after(graph(CHAIN, [0, 4], 0b0111, may_feed=[(2, 2)]), 0b0110, blocked=[1])
    assert told(next_pickups(incident)) == {"-d2 +d3": {3}}


def test_phases_count_in_the_direction_of_the_supply():
    incident = after(graph(CHAIN, [0, 4], 0b0111, may_feed=[(2, 3), (3, 4)]), 0b0110, blocked=[1])
    assert told(next_pickups(incident)) == {"-d1 +d3": {2, 3}, "-d2 +d3": {3}}


# -- loops in the dead part -------------------------------------------------------


def test_a_dead_loop_is_not_picked_up_whole_but_in_parts_without_it():
    triangle = [(0, 1), (1, 2), (2, 3), (3, 1)]
    incident = after(graph(triangle, [0], 0b0111), 0b1110)
    found = told(next_pickups(incident))
    assert {1, 2, 3} not in found.values()
    assert found == {"-d1 -d3 +d0": {1}, "-d2 -d3 +d0": {1, 2}, "-d1 -d2 +d0": {1, 3}}


def test_two_closed_devices_side_by_side_are_a_dead_loop():
    incident = after(graph([(0, 1), (1, 2), (1, 2)], [0], 0b011), 0b110)
    assert told(next_pickups(incident)) == {"-d1 -d2 +d0": {1}}


# -- transfers --------------------------------------------------------------------


def next_transfers(incident):
    supply = incident.sections.supply(incident.start, incident.blocked)
    return list(transfers(incident, incident.start, supply.alive, supply.feeder_of))


def moved(found):
    return {
        " ".join(f"{'+' if close else '-'}d{device}" for device, close in move.operations): members(move.interrupted)
        for move in found
    }


def test_live_sections_change_feeders_break_before_make():
    sections = graph(CHAIN, [0, 4], 0b0111)
    found = next_transfers(after(sections, sections.normal))
    assert moved(found) == {"-d0 +d3": {1, 2, 3}, "-d1 +d3": {2, 3}, "-d2 +d3": {3}}
    for move in found:
        assert move.picked_up == 0
        supply = sections.supply(move.closed)
        assert supply.radial
        assert supply.alive == 0b11111


def test_a_transfer_needs_all_phases_all_the_way():
    sections = graph(CHAIN, [0, 4], 0b0111, may_feed=[(2, 2)])
    assert moved(next_transfers(after(sections, sections.normal))) == {"-d2 +d3": {3}}
    sections = graph(CHAIN, [0, 4], 0b0111, may_feed=[(3, 3)])
    assert next_transfers(after(sections, sections.normal)) == []


def test_nothing_is_transferred_to_a_dead_part():
    sections = graph(CHAIN, [0, 4], 0b0111)
    assert next_transfers(after(sections, sections.normal, blocked=[4])) == []


def test_beneath_is_all_that_a_section_feeds():
    tree = graph([(0, 1), (1, 2), (1, 3), (3, 4)], [0], 0b1111)
    feeder_of = tree.normal_supply.feeder_of
    assert [members(beneath(tree, feeder_of, s)) for s in range(5)] == [
        {0, 1, 2, 3, 4}, {1, 2, 3, 4}, {2}, {3, 4}, {4},
    ]  # fmt: skip


# -- all groups, all moves --------------------------------------------------------


@pytest.mark.parametrize("seed", range(25))
def test_groups_of_a_tree_are_all_its_connected_parts_around_the_first(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 10))
    ends = [(int(rng.integers(0, s)), s) for s in range(1, count)] or [(0, 0)]
    tree = nx.Graph()
    tree.add_nodes_from(range(count))
    tree.add_edges_from(ends)
    first = int(rng.integers(0, count))
    others = [s for s in range(count) if s != first]
    every = [
        {first, *more}
        for size in range(count)
        for more in itertools.combinations(others, size)
        if nx.is_connected(tree.subgraph({first, *more}))
    ]
    found = list(groups(graph(ends, [0], 0), (1 << len(ends)) - 1, first, 0, False))
    assert members(found[0]) == set(range(count))  # the whole comes first
    assert len(found) == len(set(found))
    assert sorted(map(sorted, map(members, found))) == sorted(map(sorted, every))


def test_of_very_many_groups_the_whole_and_the_smallest_are_looked_at(monkeypatch):
    monkeypatch.setattr(module, "MOST_GROUPS", 10)
    star = graph([(0, leaf) for leaf in range(1, 9)], [0], 0)
    found = list(groups(star, 0xFF, 0, 0, False))
    assert members(found[0]) == set(range(9))
    assert len(found) <= 11
    assert max(mask.bit_count() for mask in found[1:]) <= 3


@pytest.mark.parametrize("seed", range(40))
def test_every_move_is_radial_spares_the_faults_and_picks_up_what_it_says(seed):
    """On random meshes with a spanning tree closed, and random trips and faults."""
    rng = np.random.default_rng(100 + seed)
    count = int(rng.integers(3, 9))
    ends = [(int(rng.integers(0, s)), s) for s in range(1, count)]
    ends += [tuple(rng.choice(count, 2, replace=False).tolist()) for _ in range(3)]
    normal = (1 << (count - 1)) - 1
    lacking = [(int(d), ends[d][1]) for d in rng.choice(len(ends), 2, replace=False)]
    sections = graph(ends, [0], normal, may_feed=[pair for pair in lacking if pair[0] >= count - 1])
    blocked = sorted({int(s) for s in rng.integers(1, count, 2)})
    start = normal
    for s in blocked:
        for d in sections.upstream(s)[:1]:
            start &= ~(1 << d)
    incident = after(sections, start, blocked)
    alive = sections.supply(start, incident.blocked).alive
    for move in [*next_pickups(incident), *next_transfers(incident)]:
        supply = sections.supply(move.closed, incident.blocked)
        assert supply.radial
        assert not supply.alive & incident.blocked
        assert supply.alive == alive | move.picked_up
        assert not move.picked_up & (alive | incident.blocked)
        closed = start
        for device, close in move.operations:
            assert bool(closed >> device & 1) is not close  # no operation without effect
            closed ^= 1 << device
        assert closed == move.closed
        assert all(sections.feeds(d, s) for s, d in supply.feeder_of.items() if d >= 0)
