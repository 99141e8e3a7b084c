"""Exact against plain enumeration: every order of single operations, each state by power flow, in code of its own.

The enumeration stands in conftest.py; it shares the clock with the planner and nothing else of its search.
"""

import numpy as np
import pytest

from gridstudio.planning.restoration import exact as module
from gridstudio.planning.restoration.clock import Operation
from gridstudio.planning.restoration.exact import exact
from gridstudio.planning.restoration.methods import greedy, solve
from gridstudio.planning.restoration.plan import customer_minutes, timeline

SINGLE = [
    "line.l115", "line.l116", "line.l55", "line.l117", "line.l67", "line.l86", "line.l118", "line.l105",
    "transformer.xfm1", "line.tie_151_300", "line.sw5",
]  # fmt: skip
DOUBLE = [
    ("line.l58", "line.l117", (180.0, 240.0), 1.0),
    ("line.l54", "line.l118", (180.0, 120.0), 1.0),
    ("line.l76", "line.l108", (150.0, 200.0), 0.6),
    ("line.l52", "line.l101", (300.0, 90.0), 0.6),
]


def minutes_of(incident, plan, clock):
    return customer_minutes(incident, timeline(incident, clock, plan.moves))


def assert_as_enumerated(world, brute_force, incident, desk):
    plan = solve("exact", exact, incident, desk)
    least, _ = brute_force.least_customer_minutes(incident)
    assert plan.certificate.status == "optimal"
    assert minutes_of(incident, plan, world.clock) == pytest.approx(least, abs=1e-6)
    assert plan.certificate.bound == pytest.approx(least, abs=1e-6)
    return plan


@pytest.mark.parametrize("element", SINGLE)
def test_a_single_fault_of_every_section_as_enumerated(ieee123_world, ieee123_brute_force, element):
    incident = ieee123_world.storm(element)
    assert_as_enumerated(ieee123_world, ieee123_brute_force, incident, ieee123_world.desk())


@pytest.mark.parametrize(("one", "other", "repair_min", "load_scale"), DOUBLE)
def test_two_faults_as_enumerated(ieee123_world, ieee123_brute_force, one, other, repair_min, load_scale):
    incident = ieee123_world.storm(one, other, repair_min=repair_min, load_scale=load_scale)
    assert_as_enumerated(ieee123_world, ieee123_brute_force, incident, ieee123_world.desk())


@pytest.mark.long
def test_every_single_fault_as_enumerated(ieee123_world, ieee123_brute_force):
    desk, least = ieee123_world.desk(), {}
    for element in ieee123_world.network.branches["element"]:
        incident = ieee123_world.storm(element)
        key = incident.start, incident.blocked
        if key not in least:
            least[key], _ = ieee123_brute_force.least_customer_minutes(incident)
        plan = solve("exact", exact, incident, desk)
        assert plan.certificate.status == "optimal", element
        assert minutes_of(incident, plan, ieee123_world.clock) == pytest.approx(least[key], abs=1e-6), element
    assert len(least) > 15


@pytest.mark.long
def test_fifty_drawn_double_faults_as_enumerated(ieee123_world, ieee123_brute_force):
    rng, desk = np.random.default_rng(50), ieee123_world.desk()
    elements = ieee123_world.network.branches["element"].to_numpy()
    for _ in range(50):
        pair = [str(element) for element in rng.choice(elements, 2, replace=False)]
        repair_min, scale = rng.uniform(60, 300, 2), float(rng.choice([1.0, 0.6]))
        incident = ieee123_world.storm(*pair, repair_min=repair_min, load_scale=scale)
        assert_as_enumerated(ieee123_world, ieee123_brute_force, incident, desk)


def drawn_circuit(rng):
    """A random tree of 5 to 7 sections with four ties, some lines weak; half of the switches need a crew."""
    count = int(rng.integers(5, 8))
    devices, text = {}, [HEAD, line_text("trunk", "source", "n0", 2000)]
    for k in range(1, count + 1):
        parent = 0 if k <= 2 else int(rng.integers(max(0, k - 3), k))
        name = f"br{k}" if parent == 0 else f"sw{k}"
        devices[name] = ("closed", "remote" if parent == 0 else drawn_control(rng))
        text += [line_text(name, f"n{parent}", f"n{k}i", 600)]
        text += [line_text(f"seg{k}", f"n{k}i", f"n{k}", int(rng.choice([60, 150, 400])))]
        text += [load_text(f"load{k}", f"n{k}", int(rng.integers(5, 40)) * 10)]
    for number in range(1, 5):
        a, b = sorted(rng.choice(np.arange(1, count + 1), 2, replace=False))
        devices[f"tie{number}"] = ("open", drawn_control(rng))
        text.append(line_text(f"tie{number}", f"n{a}", f"n{b}", 600))
    return "\n".join([*text, TAIL]), devices, count


def drawn_control(rng):
    return "remote" if rng.random() < 0.5 else (str(int(rng.integers(1, 6))), str(int(rng.integers(5, 40))))


HEAD = "clear\nnew circuit.small bus1=source basekv=4.16 pu=1.0 phases=3 r1=0 x1=0.001 r0=0 x0=0.001"
TAIL = "set voltagebases=[4.16]\ncalcvoltagebases\n"


def line_text(name, bus1, bus2, amps, phases=3):
    matrix = "r1=0.01 x1=0.02 r0=0.02 x0=0.04 c1=0 c0=0"
    return f"new line.{name} bus1={bus1} bus2={bus2} phases={phases} {matrix} length=1 normamps={amps}"


def load_text(name, bus, kw):
    return f"new load.{name} bus1={bus} phases=3 kv=4.16 kw={kw} kvar=0 model=1 vminpu=0.5 vmaxpu=1.5"


def assert_drawn_as_enumerated(world, brute_force, seed):
    rng = np.random.default_rng(seed)
    text, devices, count = drawn_circuit(rng)
    small = world(text, devices, crews=int(rng.integers(1, 4)))
    enumeration, desk = brute_force(small), small.desk()
    for _ in range(3):
        faulted = rng.choice(np.arange(1, count + 1), int(rng.integers(1, 3)), replace=False)
        repair_min = rng.uniform(60, 200, len(faulted))
        incident = small.storm(*(f"line.seg{k}" for k in faulted), repair_min=repair_min)
        assert_as_enumerated(small, enumeration, incident, desk)


@pytest.mark.parametrize("seed", [0, 3, 13, 28])  # where operating just before it must be was not the best
def test_drawn_networks_with_many_crew_devices_as_enumerated(world, brute_force, seed):
    assert_drawn_as_enumerated(world, brute_force, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_hundred_drawn_networks_as_enumerated(world, brute_force, seed):
    assert_drawn_as_enumerated(world, brute_force, seed)


def two_feeders(*more, amps_b=400):
    """Breakers a and b at one source; a feeds n1, then n2 behind sw12; b feeds n3; ``tie`` joins n2 and n3."""
    return "\n".join(
        [
            HEAD,
            line_text("a", "source", "n1", 600), line_text("seg1", "n1", "n1e", 600), load_text("l1", "n1e", 400),
            line_text("sw12", "n1e", "n2", 600), line_text("seg2", "n2", "n2e", 600), load_text("l2", "n2e", 400),
            line_text("b", "source", "n3", amps_b), line_text("seg3", "n3", "n3e", amps_b), load_text("l3", "n3e", 400),
            line_text("tie", "n2e", "n3e", 600),
            *more, TAIL,
        ]
    )  # fmt: skip


TWO_FEEDERS = {
    "a": ("closed", "remote"), "sw12": ("closed", "remote"), "b": ("closed", "remote"), "tie": ("open", "remote")
}  # fmt: skip


def test_customer_minutes_by_hand(world):
    """100 customers in each section. Fault in n1: dispatch 1, sw12 open at 2, tie closed at 3 min; n1 waits 180."""
    small = world(two_feeders(), TWO_FEEDERS)
    incident = small.storm("line.seg1")
    plan = solve("exact", exact, incident, small.desk())
    assert plan.operations == (Operation(1, False), Operation(3, True))
    assert minutes_of(incident, plan, small.clock) == pytest.approx(100 * 180 + 100 * 3)


def test_a_crews_travel_hides_the_remote_operation(world):
    """sw12 needs a crew (20 min, 5 to operate): 1 + 20 + 5 = 26, the remote tie at 27."""
    small = world(two_feeders(), TWO_FEEDERS | {"sw12": ("closed", ("5", "20"))})
    incident = small.storm("line.seg1")
    plan = solve("exact", exact, incident, small.desk())
    assert minutes_of(incident, plan, small.clock) == pytest.approx(100 * 180 + 100 * 27)


def test_operations_ahead_use_the_time_of_waiting(world):
    """n2 comes back through a tie that a crew closes (1 + 20 + 5 = 26); n4, dead by a second fault, hangs on n2 by
    another open tie. Joining n4 to n2 and cutting both off meanwhile brings all back at 26, not n4 at 28."""
    more = [
        line_text("c", "source", "n5", 600), line_text("seg5", "n5", "n5e", 600), load_text("l5", "n5e", 400),
        line_text("sw54", "n5e", "n4", 600), load_text("l4", "n4", 400), line_text("tie2", "n4", "n2", 600),
    ]  # fmt: skip
    devices = TWO_FEEDERS | {"tie": ("open", ("5", "20"))}
    devices |= {"c": ("closed", "remote"), "sw54": ("closed", "remote"), "tie2": ("open", "remote")}
    small = world(two_feeders(*more), devices)
    incident = small.storm("line.seg1", "line.seg5")
    plan = solve("exact", exact, incident, small.desk())
    assert minutes_of(incident, plan, small.clock) == pytest.approx(100 * 180 * 2 + 100 * 26 * 2)
    late = solve("greedy", greedy, incident, small.desk())
    assert minutes_of(incident, late, small.clock) == pytest.approx(100 * 180 * 2 + 100 * 26 + 100 * 28)


def three_feeders():
    """Feeder b can carry n2 (tie_b) only once n4, at its end, has moved to feeder c (tie_c)."""
    more = [
        line_text("sw34", "n3e", "n4", 400), load_text("l4", "n4", 400),
        line_text("c", "source", "n5", 600), line_text("seg5", "n5", "n5e", 600), load_text("l5", "n5e", 40),
        line_text("tie_c", "n5e", "n4", 600),
    ]  # fmt: skip
    devices = TWO_FEEDERS | {
        "sw34": ("closed", "remote"), "c": ("closed", "remote"), "tie_c": ("open", "remote")
    }  # fmt: skip
    # 400 kW at 4.16 kV are 55.5 A (unity): two loads 111 A, three 167 A; 120 A with 25 % of emergency carry 150 A
    return two_feeders(*more, amps_b=120), devices


def test_a_live_section_changes_feeders_where_that_frees_a_tie(world):
    """n4 (100 customers) is out from the opening of sw34 (2 min) to the closing of tie_c (3 min): 100 minutes. Then
    sw12 opens (4) and the tie closes (5): n2 waits 5 minutes. n1 waits for the repair."""
    small = world(*three_feeders())
    incident = small.storm("line.seg1")
    plan = solve("exact", exact, incident, small.desk())
    assert plan.certificate.status == "optimal"
    assert minutes_of(incident, plan, small.clock) == pytest.approx(100 * 180 + 100 * 1 + 100 * 5)
    names = [(small.sections.devices[o.device].name, o.close) for o in plan.operations]
    assert names == [("sw34", False), ("tie_c", True), ("sw12", False), ("tie", True)]


def test_without_transfers_that_section_waits(world):
    small = world(*three_feeders())
    incident = small.storm("line.seg1")
    plan = solve("exact", exact, incident, small.desk(transfers=False))
    assert plan.moves == ()
    assert plan.certificate.status == "optimal"
    assert minutes_of(incident, plan, small.clock) == pytest.approx(200 * 180)


@pytest.mark.parametrize("transfers", [True, False])
def test_transfers_as_enumerated(world, brute_force, transfers):
    small = world(*three_feeders())
    incident = small.storm("line.seg1")
    plan = solve("exact", exact, incident, small.desk(transfers=transfers))
    least, _ = brute_force(small).least_customer_minutes(incident, transfers)
    assert minutes_of(incident, plan, small.clock) == pytest.approx(least, abs=1e-6)


def test_of_parallel_ties_one_is_closed(world, brute_force):
    """Two ties between the same sections, the first of which needs a crew: only the second is closed."""
    devices = TWO_FEEDERS | {"tie": ("open", ("5", "20")), "tie2": ("open", "remote")}
    small = world(two_feeders(line_text("tie2", "n2e", "n3e", 600)), devices)
    incident = small.storm("line.seg1")
    plan = assert_as_enumerated(small, brute_force(small), incident, small.desk())
    assert plan.operations == (Operation(1, False), Operation(4, True))
    states = [incident.start | 1 << 4 | 1 << 3, incident.start & ~(1 << 1) | 1 << 3 | 1 << 4]
    for state in small.desk().judge.states(states, incident):
        assert state.closing  # both at once would be a loop
        assert not state.allowed


@pytest.mark.parametrize("crew", [False, True])
def test_a_way_over_a_line_that_is_normally_dead(world, brute_force, crew):
    """Two open ties in a row with a bus between: dispatch 1, sw12 at 2, the ties at 3 and 4 min; with a crew at the
    second one (1 + 20 + 5) the others are done while it travels."""
    text = two_feeders().replace(line_text("tie", "n2e", "n3e", 600), line_text("tie", "n3e", "mid", 600))
    text = text.replace(TAIL, line_text("tie2", "mid", "n2e", 600) + "\n" + TAIL)
    small = world(text, TWO_FEEDERS | {"tie2": ("open", ("5", "20") if crew else "remote")})
    incident = small.storm("line.seg1")
    plan = assert_as_enumerated(small, brute_force(small), incident, small.desk())
    assert minutes_of(incident, plan, small.clock) == pytest.approx(100 * 180 + 100 * (26 if crew else 4))


def test_two_sources_are_never_joined(world, brute_force):
    """Feeder b has a source of its own. n2 goes to it with sw12 open; closing the tie over a live n2 is refused."""
    text = two_feeders().replace("bus1=source bus2=n3", "bus1=other bus2=n3")
    text = text.replace(HEAD, HEAD + "\nnew vsource.other bus1=other basekv=4.16 pu=1.0 phases=3 r1=0 x1=0.001")
    small = world(text, TWO_FEEDERS)
    incident = small.storm("line.seg1")
    assert len(small.sections.sources) == 2
    plan = assert_as_enumerated(small, brute_force(small), incident, small.desk())
    assert plan.operations == (Operation(1, False), Operation(3, True))


def test_joining_two_sources_is_refused_though_no_limit_breaks(world):
    more = [line_text("c", "source", "n5", 600), line_text("seg5", "n5", "n5e", 600), load_text("l5", "n5e", 400)]
    text = two_feeders(*more).replace("bus1=source bus2=n3", "bus1=other bus2=n3")
    text = text.replace(HEAD, HEAD + "\nnew vsource.other bus1=other basekv=4.16 pu=1.0 phases=3 r1=0 x1=0.001")
    small = world(text, TWO_FEEDERS | {"c": ("closed", "remote")})
    incident = small.storm("line.seg5")
    state = small.desk().judge.state(incident.start | 1 << 3, incident)
    assert len(state.closing) == 1
    assert state.broken == 1
    assert not state.allowed


@pytest.mark.parametrize("allowed_flows", [1, 2, 5, 10])
def test_stopped_tells_a_true_bound(ieee123_world, allowed_flows):
    incident = ieee123_world.storm("line.l116")
    full = solve("exact", exact, incident, ieee123_world.desk())
    optimum = minutes_of(incident, full, ieee123_world.clock)
    assert full.power_flows > 10
    plan = solve("exact", exact, incident, ieee123_world.desk(max_power_flows=allowed_flows))
    cost = minutes_of(incident, plan, ieee123_world.clock)
    proof = plan.certificate
    assert proof.status == "stopped"
    assert proof.bound <= optimum + 1e-9 <= cost + 2e-9
    assert proof.gap == pytest.approx(cost - proof.bound)
    assert proof.gap > 0


def test_nothing_is_proved_where_pickups_are_left_out(ieee123_world, monkeypatch):
    """With one group per closing looked at, the optimum may lie in what was left out: stopped, bound below it."""
    incident = ieee123_world.storm("line.l116")
    best = solve("exact", exact, incident, ieee123_world.desk())
    optimum = minutes_of(incident, best, ieee123_world.clock)
    monkeypatch.setattr("gridstudio.planning.restoration.moves.MOST_GROUPS", 1)
    monkeypatch.setattr(module, "MOST_GROUPS", 1)
    plan = solve("exact", exact, incident, ieee123_world.desk())
    assert plan.certificate.status == "stopped"
    assert plan.certificate.bound <= optimum
    assert plan.certificate.gap == pytest.approx(
        minutes_of(incident, plan, ieee123_world.clock) - plan.certificate.bound
    )


@pytest.mark.parametrize("nodes", [0, 1, 3])
def test_a_stopped_search_is_no_worse_than_greedy(ieee123_world, nodes):
    """It begins with greedy's plan and says what it did not prove."""
    incident, clock = ieee123_world.storm("line.l116", load_scale=0.8), ieee123_world.clock
    plan = solve("exact", exact, incident, ieee123_world.desk(max_nodes=nodes))
    other = solve("greedy", greedy, incident, ieee123_world.desk())
    assert plan.certificate.status == "stopped"
    assert minutes_of(incident, plan, clock) <= minutes_of(incident, other, clock)
    assert plan.certificate.bound < minutes_of(incident, plan, clock)
