"""Methods: what they never do, what they are judged by, and that nothing shows of what was solved before."""

import numpy as np
import pytest

from gridstudio.planning.restoration.clock import Operation
from gridstudio.planning.restoration.exact import exact
from gridstudio.planning.restoration.incident import happen
from gridstudio.planning.restoration.learned import Learned, learn
from gridstudio.planning.restoration.methods import greedy, naive, none, solve
from gridstudio.planning.restoration.plan import customer_minutes, returns, timeline
from gridstudio.planning.restoration.settings import DrawSettings
from gridstudio.planning.restoration.storms import drawn
from gridstudio.planning.restoration.tables import judge_plan, violations
from gridstudio.solve.qlearning import QSettings

STORMS = 40


@pytest.fixture(scope="module")
def storms(ieee123_world):
    """Drawn storms, and others for training."""
    settings = DrawSettings(training=20, held_out=STORMS, faults=3, load_scale=(0.4, 1.0), seed=11)
    training, held_out = drawn(ieee123_world.sections, settings, [])
    return tuple([happen(ieee123_world.sections, s) for s in part] for part in (training, held_out))


@pytest.fixture(scope="module")
def plans(ieee123_world, storms):
    """Plans of all methods for every held-out storm, found at one desk; and how to solve them again."""
    desk = ieee123_world.desk()
    table = learn(storms[0], desk, QSettings(episodes=300, seed=5)).table
    methods = {"none": none, "naive": naive, "greedy": greedy, "learned": Learned(table), "exact": exact}
    found = {name: [solve(name, method, i, desk) for i in storms[1]] for name, method in methods.items()}
    return methods, found


def cost(world, incident, plan):
    return customer_minutes(incident, timeline(incident, world.clock, plan.moves))


@pytest.mark.parametrize("method", ["greedy", "learned", "exact"])
def test_no_step_breaks_what_the_fault_did_not(ieee123_world, ieee123_brute_force, storms, plans, method):
    """Every state of every plan by the independent judgement of conftest.py."""
    steps = 0
    for incident, plan in zip(storms[1], plans[1][method], strict=True):
        closed = incident.start
        for device, close in plan.operations:
            closed = closed | 1 << device if close else closed & ~(1 << device)
            assert ieee123_brute_force.allowed(closed, incident), (incident.storm, plan.operations)
            steps += 1
    assert steps > STORMS / 2


def test_nobody_restores_faster_than_exact(ieee123_world, storms, plans):
    for number, incident in enumerate(storms[1]):
        best = plans[1]["exact"][number]
        assert best.certificate.status == "optimal"
        least = cost(ieee123_world, incident, best)
        for method in ("none", "greedy", "learned"):
            assert cost(ieee123_world, incident, plans[1][method][number]) >= least - 1e-6


def test_the_order_of_storms_changes_nothing(ieee123_world, storms, plans):
    """A desk that solved the storms backwards, and by other methods first, finds the same plans and proofs."""
    desk = ieee123_world.desk()
    for number in reversed(range(STORMS)):
        for name in reversed(plans[0]):
            again = solve(name, plans[0][name], storms[1][number], desk)
            assert again.operations == plans[1][name][number].operations
            assert repr(again.certificate) == repr(plans[1][name][number].certificate)


def test_a_state_is_the_same_to_the_bit_whoever_was_solved_before(ieee123_world, storms):
    fresh, used = ieee123_world.desk().judge, ieee123_world.desk().judge
    for incident in storms[0]:
        used.state(incident.start, incident)
    for incident in storms[1][:10]:
        one, other = fresh.state(incident.start, incident).flow, used.state(incident.start, incident).flow
        assert np.array_equal(one.v_pu, other.v_pu)
        assert np.array_equal(one.loading_pu, other.loading_pu, equal_nan=True)


def test_two_workers_find_the_same(ieee123_world, storms, plans):
    desk = ieee123_world.desk(workers=2)
    for incident, *before in zip(storms[1][:10], *(plans[1][name][:10] for name in ("greedy", "exact")), strict=True):
        for method, plan in zip((greedy, exact), before, strict=True):
            assert solve("again", method, incident, desk).operations == plan.operations


def test_a_state_asked_again_is_not_solved_again(ieee123_world, storms):
    desk = ieee123_world.desk()
    needed = [solve("greedy", greedy, i, desk).power_flows for i in storms[1][:5]]
    solved = desk.judge.power_flows
    assert sum(needed) > 0
    assert [solve("greedy", greedy, i, desk).power_flows for i in storms[1][:5]] == needed  # what a method needs
    assert desk.judge.power_flows == solved


def test_exact_stops_alike_whatever_was_solved_before(ieee123_world):
    """The limit counts the states that the search asks for, not those that nobody had solved yet."""
    incident = ieee123_world.storm("line.l58")
    fresh, warm = ieee123_world.desk(max_power_flows=3), ieee123_world.desk(max_power_flows=3)
    solve("exact", exact, incident, ieee123_world.desk())
    for name, method in (("naive", naive), ("greedy", greedy)):
        solve(name, method, incident, warm)
    warm.judge.states(range(200), incident)
    plans = [solve("exact", exact, incident, desk) for desk in (fresh, warm)]
    assert plans[0].certificate == plans[1].certificate
    assert plans[0].operations == plans[1].operations


def test_nothing_is_switched_after_the_first_repair(ieee123_world):
    """l58 alone is worth a manual tie at minute 41; with a repair at 30 min elsewhere only remote operations fit."""
    desk = ieee123_world.desk()
    incident = ieee123_world.storm("line.l58", "line.l35", repair_min=[180.0, 30.0])
    for name, method in (("naive", naive), ("greedy", greedy), ("exact", exact)):
        plan = solve(name, method, incident, desk)
        assert max(desk.clock.run(plan.operations), default=0.0) <= 30.0
        assert plan.operations or name == "naive"  # whose isolation needs a crew


def test_the_return_to_normal_is_solved_repair_by_repair(ieee123_world):
    """At 30 min sw3 closes again; at 180 min the ties open and all is as it was."""
    desk = ieee123_world.desk()
    incident = ieee123_world.storm("line.l58", "line.l35", repair_min=[180.0, 30.0])
    plan = solve("exact", exact, incident, desk)
    first, last = returns(incident, desk.judge, plan)
    names = [(ieee123_world.sections.devices[o.device].name, o.close) for o in first.operations]
    assert (first.minute, first.repaired, names) == (30.0, ("line.l35",), [("sw3", True)])
    assert first.state.closing == ()
    assert first.state.broken == 0
    assert (last.minute, last.repaired) == (180.0, ("line.l58",))
    assert last.state.closed == ieee123_world.sections.normal


def test_none_waits_for_the_repair(world, kit):
    """A fault in n1 leaves n1 and n2 out, 100 customers each, 180 min."""
    small = world(kit.two_feeders(), kit.devices)
    incident = small.storm("line.seg1")
    plan = solve("none", none, incident, small.desk())
    assert plan.operations == ()
    assert cost(small, incident, plan) == pytest.approx(200 * 180)


def test_naive_closes_what_tripped_and_every_tie(world, kit):
    """Fault in n2: sw12 opens, breaker a closes again; the tie ends at the fault and stays open."""
    small = world(kit.two_feeders(), kit.devices)
    incident = small.storm("line.seg2")
    plan = solve("naive", naive, incident, small.desk())
    assert plan.operations == (Operation(1, False), Operation(0, True))
    assert cost(small, incident, plan) == pytest.approx(100 * 3 + 100 * 180)


def kinds(small, incident, desk):
    judged = judge_plan(incident, solve("naive", naive, incident, desk), 0, desk)
    return judged, violations([judged], desk.judge)


def test_naives_overload_is_counted(world, kit):
    """Two loads of 55.5 A over a line of 80 A, emergency rating 100 A: breaker b and the line behind it."""
    small = world(kit.two_feeders(amps_b=80), kit.devices)
    judged, found = kinds(small, small.storm("line.seg1"), small.desk())
    assert found["element"].tolist() == ["line.b", "line.seg3"]
    assert set(found["kind"]) == {"overload"}
    assert found["value"].to_numpy() == pytest.approx(111 / 80, rel=0.01)
    assert found["limit"].tolist() == [1.25, 1.25]
    assert judged.broken == 2


def test_naives_undervoltage_is_counted(world, kit):
    """55.5 A over 6 ohm lose 333 V of 2402 V, a seventh: both nodes' phases of n2 lie below 0.917."""
    small = world(kit.two_feeders(r_tie=6), kit.devices)
    judged, found = kinds(small, small.storm("line.seg1"), small.desk())
    assert set(found["kind"]) == {"undervoltage"}
    assert set(found["element"]) == {f"{bus}.{phase}" for bus in ("n2", "n2e") for phase in (1, 2, 3)}
    assert judged.broken == 6


def test_naives_loop_is_counted_and_restores_nobody(world, kit):
    """The fault lies on a third feeder; closing the tie between the two live ones joins them in a loop."""
    more = [kit.line("c", "source", "n5"), kit.line("seg5", "n5", "n5e"), kit.load("l5", "n5e", 400)]
    small = world(kit.two_feeders(*more), kit.devices | {"c": ("closed", "remote")})
    incident = small.storm("line.seg5")
    judged, found = kinds(small, incident, small.desk())
    assert found["kind"].tolist() == ["loop"]
    assert judged.broken == 1
    assert all(move.picked_up == 0 for move in judged.plan.moves)
    assert cost(small, incident, judged.plan) == pytest.approx(100 * 180)


@pytest.mark.parametrize(
    ("repair_min", "emergency_h", "restored"), [(180, 4, True), (240, 4, True), (241, 4, False), (180, 2, False)]
)
@pytest.mark.parametrize("method", [greedy, exact])
def test_emergency_ratings_hold_while_the_repair_ends_in_time(world, kit, method, repair_min, emergency_h, restored):
    """111 A over 100 A: above the normal, within the emergency rating of 125 A."""
    small = world(kit.two_feeders(amps_b=100), kit.devices)
    incident = small.storm("line.seg1", repair_min=repair_min)
    plan = solve("plan", method, incident, small.desk(emergency_h=emergency_h))
    assert bool(plan.moves) is restored


def test_beyond_the_emergency_rating_nothing_is_closed(world, kit):
    small = world(kit.two_feeders(amps_b=80), kit.devices)
    assert solve("greedy", greedy, small.storm("line.seg1"), small.desk()).moves == ()


def high_voltage(kit):
    """A capacitor at the common bus lifts its voltage once feeder a, which took its kvar, has tripped; feeder b is
    long enough that its own end stays below the limit."""
    head = kit.head.replace("pu=1.0", "pu=1.035")
    text = kit.two_feeders(
        kit.line("trunk", "source", "n0", 2000, 0.001, 0.5),
        "new capacitor.bank bus1=n0 phases=3 kv=4.16 kvar=1200",
        kit.load("motor", "n1e", 400, 1100),
        kit.load("pump", "n3e", 40, 300),
        head=head,
    )
    text = text.replace("bus1=source bus2=n1 ", "bus1=n0 bus2=n1 ").replace("bus1=source bus2=n3 ", "bus1=n0 bus2=n3 ")
    return text.replace(kit.line("seg3", "n3", "n3e", 400), kit.line("seg3", "n3", "n3e", 400, 0.4, 0.4))


@pytest.mark.parametrize("method", [greedy, exact])
def test_what_the_fault_itself_broke_blocks_nothing(world, kit, method):
    small = world(high_voltage(kit), kit.devices)
    incident, desk = small.storm("line.seg1"), small.desk()
    before = desk.judge.state(small.sections.normal, incident).flow.v_pu
    tripped = desk.judge.state(incident.start, incident)
    bus = small.network.nodes["bus"].to_numpy() == "n0"
    assert (before[bus] < small.limits.v_max_pu).all()
    assert (tripped.flow.v_pu[bus] > small.limits.v_max_pu).all()
    assert tripped.allowed
    plan = solve("plan", method, incident, desk)
    assert plan.operations == (Operation(1, False), Operation(3, True))


def test_what_switching_makes_worse_is_a_violation(world, kit):
    """The same circuit: dropping feeder b as well lifts the voltage further above the limit."""
    small = world(high_voltage(kit), kit.devices)
    incident = small.storm("line.seg1")
    state = small.desk().judge.state(incident.start & ~(1 << 2), incident)
    assert state.high.any()
    assert not state.allowed


def test_the_normal_rating_is_what_the_network_gives(ieee123_world):
    """In the normal state nothing is strained above what it always is."""
    incident = ieee123_world.storm("line.l105")
    state = ieee123_world.desk().judge.state(ieee123_world.sections.normal, incident)
    assert not state.strained.any()
    assert not state.over.any()
    assert state.feeds_fault
