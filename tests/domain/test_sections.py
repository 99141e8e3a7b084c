"""Sections between devices, what they feed, and what of a device table is refused.

Small circuits are written on the spot: ``lines`` is {name: "bus1 bus2"} with phases after a dot ("a.1 b.1"; none: all
three), a name in ``switches`` has no length. Second method for supply and loops: networkx on random section graphs.
"""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from gridstudio import engine
from gridstudio.domain.devices import Device, read_devices
from gridstudio.domain.sections import Sections, bits, build_sections
from gridstudio.engine import Feeder
from gridstudio.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
HEAD = "clear\nnew circuit.net basekv=4.16 phases=3 bus1=s r1=0 x1=0.001 r0=0 x0=0.001\n"
TAIL = "set voltagebases=[4.16 0.48]\ncalcvoltagebases\n"
FEEDER = {"cb": "s a", "main": "a b", "sw": "b c", "end": "c d"}  # s -cb- a - b -sw- c - d


@pytest.fixture
def sections(write_circuit):
    """sections(lines, devices, loads, more): ``devices`` {line: (type, open)}; ``loads`` {bus with phases: customers}.

    Every load has 10 kW; it is named after its bus.
    """

    def make(lines, devices, loads, more="", source=""):
        text = HEAD
        for name, ends in lines.items():
            phases = len(ends.split()[0].split(".")[1:]) or 3
            a, b = ends.split()
            text += f"new line.{name} bus1={a} bus2={b} phases={phases} length=0.1 units=km normamps=400\n"
        text += source + more
        for bus in loads:
            phases = len(bus.split(".")[1:]) or 3
            name, kv = bus.split(".")[0], 4.16 if phases > 1 else 2.4
            text += f"new load.{name} bus1={bus} phases={phases} kv={kv} kw=10 pf=1\n"
        network = engine.inspect(Feeder("net", write_circuit(text + TAIL)))[0]
        table = [Device(name, name, kind, is_open) for name, (kind, is_open) in devices.items()]
        return build_sections(network, table, {bus.split(".")[0]: count for bus, count in loads.items()})

    return make


@pytest.fixture
def refused(sections):
    """The message that devices are refused with."""

    def message(*arguments, **named):
        with pytest.raises(InputError) as error:
            sections(*arguments, **named)
        return str(error.value)

    return message


@pytest.fixture(scope="module")
def ieee123(model):
    """The sections of the published study; one customer per load."""
    network = engine.inspect(model("ieee123", "redirect candidates.dss"))[0]
    devices = read_devices(ROOT / "studies" / "data" / "ieee123_devices.csv", network)
    return build_sections(network, devices, dict.fromkeys(network.loads["load"], 1.0))


def abstract(ends, sources, normal, count, types=None, may_feed=None):
    """A section graph without a circuit, for what the graph alone decides."""
    ends = np.array(ends, dtype=np.intp).reshape(-1, 2)
    types = types or ["switch"] * len(ends)
    devices = tuple(Device(f"d{d}", f"d{d}", types[d], not normal >> d & 1) for d in range(len(ends)))
    return Sections(
        network=None, devices=devices, of_bus={}, ends=ends, sources=tuple(sources),
        may_feed=np.ones((len(ends), 2), dtype=bool) if may_feed is None else np.array(may_feed),
        names=tuple(map(str, range(count))), customers=np.ones(count), kw=np.ones(count), loads=((),) * count,
        needed=np.ones(0, dtype=bool),
    )  # fmt: skip


# -- what a circuit falls into ----------------------------------------------------


def test_sections_are_the_parts_between_devices(sections):
    made = sections(FEEDER, {"cb": ("breaker", False), "sw": ("switch", False)}, {"a": 1, "b": 2, "d": 4})
    assert made.names == ("bus s", "cb", "sw")
    assert {bus: made.names[s] for bus, s in made.of_bus.items()} == {
        "s": "bus s", "a": "cb", "b": "cb", "c": "sw", "d": "sw",
    }  # fmt: skip
    assert made.customers.tolist() == [0, 3, 4]
    assert made.kw.tolist() == [0, 20, 10]
    assert made.loads == ((), ("a", "b"), ("d",))
    assert made.ends.tolist() == [[0, 1], [1, 2]]


def test_the_section_of_a_source_comes_first_wherever_its_bus_stands_in_the_alphabet(sections):
    made = sections({"cb": "s a"}, {"cb": ("breaker", False)}, {"a": 1})
    assert (made.sources, made.names[0]) == ((0,), "bus s")


def test_a_section_may_be_without_load(sections):
    made = sections(FEEDER, {"cb": ("breaker", False), "main": ("switch", False), "sw": ("switch", False)}, {"d": 1})
    assert made.customers.tolist() == [0, 0, 0, 1]
    assert made.normal_supply.alive == 0b1111


def test_nodes_and_branches_lie_in_the_section_of_their_first_bus(sections):
    made = sections(FEEDER, {"cb": ("breaker", False), "sw": ("switch", False)}, {"d": 1})
    of_node = dict(zip(made.network.nodes["bus"], made.node_section.tolist(), strict=True))
    of_branch = dict(zip(made.network.branches["name"], made.branch_section.tolist(), strict=True))
    assert of_node == made.of_bus
    assert of_branch == {"cb": 0, "main": 1, "sw": 1, "end": 2}


def test_the_normal_state_is_the_tables_and_not_the_models(sections):
    ring = FEEDER | {"tie": "s d"}  # closed in the model, declared normally open
    made = sections(ring, {"cb": ("breaker", False), "sw": ("switch", False), "tie": ("switch", True)}, {"d": 1})
    assert made.normal == 0b011
    assert made.normal_supply.radial


def test_a_line_that_the_model_opens_serves_when_the_table_closes_it(sections):
    more = "open line.sw 1\nopen line.sw 2\n"
    made = sections(FEEDER, {"cb": ("breaker", False), "sw": ("switch", False)}, {"d": 1}, more)
    assert made.normal_supply.alive == 0b111


def test_members_tells_a_bit_mask_as_booleans():
    assert abstract([(0, 1)], [0], 1, 3).members(0b101).tolist() == [True, False, True]
    assert list(bits(0b101001)) == [0, 3, 5]


# -- IEEE 123 ---------------------------------------------------------------------


def test_ieee123_falls_into_the_sections_of_its_devices(ieee123):
    assert set(ieee123.names) == {
        "bus 150", "sw1", "sw2", "sw3", "sw4", "sw5", "sw6", "l55", "l67", "l86", "l93", "l105",
    }  # fmt: skip
    section = {bus: ieee123.names[s] for bus, s in ieee123.of_bus.items()}
    # by hand, from the one-line diagram of the test feeder
    expected = {"150": "bus 150", "149": "sw1", "13": "sw1", "152": "sw2", "57": "l55", "60": "l55", "160": "sw4"}
    expected |= {"135": "sw3", "151": "sw3", "450": "sw4", "197": "sw5", "108": "l105", "300": "l105", "72": "l67"}
    expected |= {"87": "l86", "95": "l86", "94": "l93", "610": "sw6"}
    assert {bus: section[bus] for bus in expected} == expected


def test_ieee123_sections_sum_up_to_the_published_load(ieee123):
    assert ieee123.kw.sum() == pytest.approx(3490.0)  # 1420 + 915 + 1155 kW, the feeder's load data
    assert ieee123.customers.sum() == len(ieee123.network.loads)
    assert sum(map(len, ieee123.loads)) == len(ieee123.network.loads)


def test_ieee123_is_radial_and_a_tie_closes_a_loop(ieee123):
    assert ieee123.normal_supply.radial
    assert ieee123.normal_supply.alive == (1 << len(ieee123)) - 1
    row = ieee123.device_row
    for tie in ("tie_151_300", "tie_54_94"):
        assert not ieee123.supply(ieee123.normal | 1 << row[tie]).radial
    both = ieee123.normal | 1 << row["tie_151_300"]
    assert ieee123.supply(both & ~(1 << row["sw5"])).radial


def test_the_tie_54_94_has_phase_a_only(ieee123):
    row = ieee123.device_row["tie_54_94"]
    by_end = {ieee123.names[s]: bool(may) for s, may in zip(ieee123.ends[row], ieee123.may_feed[row], strict=True)}
    assert by_end == {"sw2": False, "l93": True}


# -- radiality --------------------------------------------------------------------

PARALLEL = {"cb": "s a", "one": "a b", "two": "a b"}


@pytest.mark.parametrize(("one", "two"), [(False, True), (True, False)])
def test_either_of_two_devices_between_the_same_sections_serves(sections, one, two):
    devices = {"cb": ("breaker", False), "one": ("switch", one), "two": ("switch", two)}
    made = sections(PARALLEL, devices, {"b": 1})
    assert made.normal_supply.radial
    assert made.normal_supply.alive == 0b111


def test_both_of_two_devices_between_the_same_sections_are_a_loop(sections, refused):
    devices = {"cb": ("breaker", False), "one": ("switch", False), "two": ("switch", True)}
    made = sections(PARALLEL, devices, {"b": 1})
    both = made.supply(0b111)
    assert both.alive == 0b111
    assert [made.devices[d].name for d in both.closing] == ["two"]
    message = refused(PARALLEL, devices | {"two": ("switch", False)}, {"b": 1})
    assert "The normal state is meshed: two closes a loop or joins two sources." in message
    assert "normally open" in message


def test_three_devices_between_the_same_sections_are_two_loops():
    made = abstract([(0, 1)] * 3, [0], 0b001, 2)
    assert len(made.supply(0b111).closing) == 2
    assert len(made.supply(0b110).closing) == 1
    assert made.supply(0b000).alive == 0b01


TWO_SOURCES = {"one": "s a", "tie": "a b", "two": "b t"}
SECOND = "new vsource.second bus1=t basekv=4.16 r1=0 x1=0.001 r0=0 x0=0.001\n"


def test_two_sources_may_not_be_joined(sections, refused):
    devices = {"one": ("breaker", False), "tie": ("switch", True), "two": ("breaker", False)}
    made = sections(TWO_SOURCES, devices, {"a": 1, "b": 1}, source=SECOND)
    assert len(made.sources) == 2
    assert made.normal_supply.radial
    assert not made.supply(0b111).radial
    assert made.supply(0b011).radial  # all from the first source
    message = refused(TWO_SOURCES, devices | {"tie": ("switch", False)}, {"a": 1, "b": 1}, source=SECOND)
    assert "closes a loop or joins two sources" in message


def test_two_sources_in_one_section_are_refused(refused):
    lines = TWO_SOURCES | {"out": "a c"}
    message = refused(lines, {"out": ("breaker", False)}, {"c": 1}, source=SECOND)
    assert "Lines between the devices close a loop" in message


def test_a_loop_without_a_device_on_it_is_refused(refused):
    lines = FEEDER | {"beside": "c d"}
    message = refused(lines, {"cb": ("breaker", False), "sw": ("switch", False)}, {"d": 1})
    assert "Lines between the devices close a loop: beside. Put a device on it, normally open." in message


def test_a_closed_line_that_is_declared_open_closes_no_loop(sections):
    """No line of this ring is a switch: which of them is named as closing it is a matter of order."""
    ring = {"tie": "s d", **FEEDER}
    made = sections(ring, {"tie": ("switch", True), "cb": ("breaker", False)}, {"d": 1})
    assert made.normal_supply.radial


def test_a_device_with_both_ends_in_one_section_is_refused(refused):
    lines = FEEDER | {"beside": "b c"}
    message = refused(lines, {"cb": ("breaker", False), "sw": ("switch", True)}, {"d": 1})
    assert "A path that no device opens joins both sides of sw" in message


def test_single_phase_devices_side_by_side_are_told_as_such(refused):
    lines = {"cb": "s a", "f1": "a.1 b.1", "f2": "a.2 b.2", "f3": "a.3 b.3"}
    devices = {"cb": ("breaker", False)} | {f"f{k}": ("fuse", False) for k in (1, 2, 3)}
    message = refused(lines, devices, {"b": 1})
    assert "f2, f3 stands beside a device on other phases between the same sections" in message
    assert "meshed" not in message


# -- customers without supply -----------------------------------------------------


def test_customers_behind_a_normally_open_device_are_dead_and_told(refused):
    message = refused(FEEDER, {"cb": ("breaker", False), "sw": ("switch", True)}, {"b": 1, "d": 7})
    assert "leaves 7 customers dead (loads d): a device that feeds them is declared normally open." in message


def test_customers_behind_an_open_line_without_device_are_told_apart(refused):
    more = "open line.end 1\nopen line.end 2\n"
    message = refused(FEEDER, {"cb": ("breaker", False)}, {"b": 1, "d": 7}, more)
    assert "leaves 7 customers dead (loads d): no device joins them with a source" in message


def test_a_section_that_nobody_lives_in_may_be_dead(sections):
    made = sections(FEEDER, {"cb": ("breaker", False), "sw": ("switch", True)}, {"b": 1})
    assert made.normal_supply.alive == 0b011
    assert made.names[2].startswith("bus ")


def test_customers_on_a_phase_that_their_device_does_not_bring_are_dead(refused):
    lines = {"cb": "s a", "thin": "a.1 b.1", "tie": "s b"}
    devices = {"cb": ("breaker", False), "thin": ("switch", False), "tie": ("switch", True)}
    message = refused(lines, devices, {"b": 5})
    assert "leaves 5 customers dead (loads b): thin does not bring their phases." in message


def test_all_findings_are_told_together(refused):
    lines = FEEDER | {"beside": "b c", "ring": "a b"}
    message = refused(lines, {"cb": ("breaker", True), "sw": ("switch", False)}, {"d": 3})
    for part in ("both sides of sw", "3 customers dead", "Lines between the devices close a loop"):
        assert part in message


# -- phases -----------------------------------------------------------------------

TIE_LINES = {"cb": "s a", "main": "a b", "lateral": "b.2 c.2", "far": "s x", "tie": "x.2 c.2", "wide": "x b"}


def may_feed(made):
    """{(device, section at its end): whether it brings all phases}"""
    return {
        (device.name, made.names[s]): bool(may)
        for device, ends, row in zip(made.devices, made.ends, made.may_feed, strict=True)
        for s, may in zip(ends, row, strict=True)
    }


def test_a_one_phase_tie_feeds_a_one_phase_lateral_and_nothing_wider(sections):
    devices = {"cb": ("breaker", False), "far": ("breaker", False), "lateral": ("fuse", False)}
    devices |= {"tie": ("switch", True), "wide": ("switch", True)}
    found = may_feed(sections(TIE_LINES, devices, {"b": 1, "c.2": 1}))
    assert found["tie", "lateral"]
    assert not found["tie", "far"]
    assert found["lateral", "lateral"]
    assert not found["lateral", "cb"]
    assert found["wide", "cb"]


@pytest.mark.parametrize(
    ("tie", "enough"), [(".1.2", True), (".2.1", True), (".1", False), (".2.3", False), ("", True)]
)
def test_a_two_phase_section_needs_its_two_phases(sections, tie, enough):
    lines = {"cb": "s a", "sw": "a.1.2 b.1.2", "tie": f"s{tie} b{tie}"}
    devices = {"cb": ("breaker", False), "sw": ("switch", False), "tie": ("switch", True)}
    found = may_feed(sections(lines, devices, {"b.1.2": 1}))
    assert found["tie", "sw"] is enough
    assert found["sw", "sw"]  # a third phase that only the tie has at bus b is not asked for


def test_a_phase_that_only_an_open_tie_has_at_a_bus_is_not_needed(sections):
    lines = {"cb": "s a", "sw": "a.1.2 b.1.2", "tie": "s b"}
    devices = {"cb": ("breaker", False), "sw": ("switch", False), "tie": ("switch", True)}
    made = sections(lines, devices, {"b.1.2": 1})
    nodes = made.network.nodes[["bus", "phase"]].itertuples(index=False, name=None)
    assert {node for node, needed in zip(nodes, made.needed, strict=True) if not needed} == {("a", 3), ("b", 3)}


def test_an_empty_bus_between_devices_needs_the_phases_that_go_on(sections):
    lines = {"cb": "s a", "sw": "a b", "on": "b c", "tie": "s.1 b.1"}
    devices = {"cb": ("breaker", False), "sw": ("switch", False), "on": ("switch", False), "tie": ("switch", True)}
    found = may_feed(sections(lines, devices, {"c": 1}))
    assert found["sw", "sw"]
    assert not found["tie", "sw"]


def test_a_narrow_line_inside_a_section_does_not_hold_up_the_wide_part(sections):
    """The tie ends on a one-phase piece of a three-phase section: one phase comes in, whatever the tie has."""
    lines = {"cb": "s a", "sw": "a b", "thin": "b.1 c.1", "tie": "s.1 c.1"}
    devices = {"cb": ("breaker", False), "sw": ("switch", False), "tie": ("switch", True)}
    found = may_feed(sections(lines, devices, {"b": 1, "c.1": 1}))
    assert found["sw", "sw"]
    assert not found["tie", "sw"]


TRANSFORMER = "new transformer.t buses=[b low] conns=[delta wye] kvs=[4.16 0.48] kvas=[500 500] xhl=2\n"


@pytest.mark.parametrize(("tie", "enough"), [("", True), (".1", False), (".1.2", False)])
def test_a_transformer_does_not_make_three_phases_of_one(sections, tie, enough):
    lines = {"cb": "s a", "sw": "a b", "tie": f"s{tie} b{tie}"}
    devices = {"cb": ("breaker", False), "sw": ("switch", False), "tie": ("switch", True)}
    found = may_feed(sections(lines, devices, {"b": 1}, more=TRANSFORMER))
    assert found["sw", "sw"]
    assert found["tie", "sw"] is enough


def test_a_bank_of_regulators_does_not_join_the_phases(sections):
    bank = "".join(
        f"new transformer.r{k} phases=1 buses=[b.{k} c.{k}] kvs=[2.4 2.4] kvas=[500 500] xhl=0.1\n" for k in (1, 2, 3)
    )
    lines = {"cb": "s a", "sw": "a b", "end": "c d", "tie": "s.1 d.1"}
    devices = {"cb": ("breaker", False), "sw": ("switch", False), "tie": ("switch", True)}
    found = may_feed(sections(lines, devices, {"d": 1}, more=bank))
    assert found["sw", "sw"]
    assert not found["tie", "sw"]


def test_voltage_passes_a_transformer_from_either_side(sections):
    lines = {"cb": "s a", "sw": "a b", "tie": "s d", "end": "c d"}
    same = "new transformer.t buses=[b c] conns=[wye wye] kvs=[4.16 4.16] kvas=[500 500] xhl=2\n"
    devices = {"cb": ("breaker", False), "sw": ("switch", False), "tie": ("switch", True)}
    found = may_feed(sections(lines, devices, {"d": 1}, more=same))
    assert found["sw", "sw"]
    assert found["tie", "sw"]


def test_a_centre_tapped_transformer_is_fed_by_its_one_phase(sections):
    tapped = (
        "new transformer.t phases=1 windings=3 buses=[c.2 low.1.0 low.0.2] kvs=[2.4 0.12 0.12] kvas=[50 50 50] "
        "xhl=2 xht=2 xlt=1\n"
    )
    lines = {"cb": "s a", "fuse": "a.2 c.2"}
    found = may_feed(sections(lines, {"cb": ("breaker", False), "fuse": ("fuse", False)}, {"a": 1}, more=tapped))
    assert found["fuse", "fuse"]


def test_feeds_asks_for_the_phases_at_that_end_only():
    made = abstract([(0, 1)], [0], 1, 2, may_feed=[[False, True]])
    assert made.feeds(0, 1)
    assert not made.feeds(0, 0)


# -- supply -----------------------------------------------------------------------

CHAIN = [(0, 1), (1, 2), (2, 3), (3, 4)]  # 0 and 4 hold sources in some tests


def test_supply_names_the_device_that_feeds_each_section():
    supply = abstract(CHAIN, [0], 0b1111, 5).supply(0b0111)
    assert supply.alive == 0b01111
    assert supply.feeder_of == {0: -1, 1: 0, 2: 1, 3: 2}


def test_a_blocked_source_feeds_nothing():
    made = abstract(CHAIN, [0, 4], 0b1011, 5)
    assert made.supply(0b1011).alive == 0b11111
    assert made.supply(0b1011, blocked=0b00001).alive == 0b11000
    assert made.supply(0b1011, blocked=0b10001).alive == 0


def test_a_blocked_section_that_is_joined_to_a_source_is_fed():
    """Supply does not isolate: that a fault is fed shows, so that it can be refused."""
    assert abstract(CHAIN, [0], 0b1111, 5).supply(0b1111, blocked=0b00100).alive == 0b11111


def test_upstream_lists_the_devices_to_the_source_nearest_first():
    made = abstract(CHAIN, [0], 0b1111, 5)
    assert made.upstream(3) == [2, 1, 0]
    assert made.upstream(0) == []


def test_upstream_goes_to_the_source_that_feeds():
    made = abstract(CHAIN, [0, 4], 0b1011, 5)
    assert made.upstream(3) == [3]
    assert made.upstream(2) == [1, 0]


def test_a_switch_next_to_the_source_is_taken_for_the_feeders_breaker():
    made, taken = abstract(CHAIN, [0], 0b1111, 5).protected()
    assert taken == ("d0",)
    assert [device.type for device in made.devices] == ["breaker", "switch", "switch", "switch"]


def test_nothing_is_assumed_where_protection_stands_above_all():
    types = ["fuse", "switch", "recloser", "switch"]
    made = abstract(CHAIN, [0], 0b1111, 5, types)
    assert made.protected() == (made, ())


def test_a_breaker_is_assumed_above_what_lies_before_the_first_protection():
    types = ["switch", "switch", "recloser", "switch"]
    made, taken = abstract(CHAIN, [0], 0b1111, 5, types).protected()
    assert taken == ("d0",)
    assert made.upstream(4) == [3, 2, 1, 0]
    assert made.devices[2].type == "recloser"


def test_every_feeder_without_protection_gets_its_breaker():
    made, taken = abstract([(0, 1), (0, 2), (3, 4)], [0, 3], 0b111, 5).protected()
    assert taken == ("d0", "d1", "d2")
    assert all(device.protective for device in made.devices)


@pytest.mark.parametrize(
    ("ends", "types", "laterals"),
    [
        ([(0, 1), (1, 2), (1, 3)], ["breaker", "fuse", "switch"], {1}),  # 3 ends behind a switch
        ([(0, 1), (1, 2), (2, 3)], ["breaker", "fuse", "fuse"], {1, 2}),  # a fuse behind a fuse
        ([(0, 1), (1, 2), (2, 3)], ["breaker", "fuse", "switch"], set()),  # a switch beyond: worth opening
        ([(0, 1), (1, 2), (2, 0)], ["breaker", "fuse", "switch"], set()),  # a tie beyond, normally open
    ],
)
def test_fuses_of_dead_end_laterals_have_nothing_but_fuses_beyond(ends, types, laterals):
    normal = 0b011 if ends[2] == (2, 0) else 0b111
    count = max(map(max, ends)) + 1
    assert set(bits(abstract(ends, [0], normal, count, types).lateral_fuses)) == laterals


@pytest.mark.parametrize("seed", range(60))
def test_supply_and_loops_agree_with_networkx(seed):
    """Reached: the component of the sources. Loops: edges reached, less those of a tree (all sources are one root)."""
    rng = np.random.default_rng(seed)
    count, edges = int(rng.integers(2, 12)), int(rng.integers(1, 24))
    ends = rng.integers(0, count, (edges, 2))  # devices side by side and with both ends in one section too
    sources = sorted({int(s) for s in rng.integers(0, count, int(rng.integers(1, 4)))})
    made = abstract(ends, sources, 0, count)
    for _ in range(5):
        closed, blocked = (
            int(rng.integers(0, 1 << edges)),
            int(rng.integers(0, 1 << count)) & int(rng.integers(0, 1 << count)),
        )
        supply = made.supply(closed, blocked)
        graph = nx.MultiGraph()
        graph.add_nodes_from([*range(count), "root"])
        graph.add_edges_from((int(a), int(b), d) for d, (a, b) in enumerate(ends) if closed >> d & 1)
        graph.add_edges_from(("root", s) for s in sources if not blocked >> s & 1)
        reached = nx.node_connected_component(graph, "root")
        part = graph.subgraph(reached)
        assert {s for s in range(count) if supply.alive >> s & 1} == reached - {"root"}
        assert len(supply.closing) == part.number_of_edges() - (len(reached) - 1)
        tree = {d for d in supply.feeder_of.values() if d >= 0}
        assert not tree & set(supply.closing)
        opened = made.supply(closed & ~sum(1 << d for d in supply.closing), blocked)
        assert opened.radial
        assert opened.alive == supply.alive
