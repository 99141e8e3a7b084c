"""What a fault does before anybody switches: trips, sections out, sections locked, and when they are back.

One circuit by hand (= switch without length, - line with length, [n] customers):

    s =cb= a-b[10] =rec= c-d[20] =sw= g-h[40]       d -fz- e[5]       t =cb2= x[80] =tie= h
"""

import numpy as np
import pytest

from gridstudio import engine
from gridstudio.domain.devices import Device
from gridstudio.domain.sections import build_sections
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.planning.restoration.incident import Fault, Storm, faulted_sections, happen

CIRCUIT = """
clear
new circuit.net basekv=4.16 phases=3 bus1=s r1=0 x1=0.001 r0=0 x0=0.001
new vsource.second bus1=t basekv=4.16 r1=0 x1=0.001 r0=0 x0=0.001
new line.service bus1=s bus2=s2 length=0.1 units=km
new line.cb bus1=s2 bus2=a switch=yes
new line.ab bus1=a bus2=b length=1 units=km
new line.rec bus1=b bus2=c switch=yes
new line.cd bus1=c bus2=d length=1 units=km
new line.fz bus1=d bus2=e length=1 units=km
new line.sw bus1=d bus2=g switch=yes
new line.gh bus1=g bus2=h length=1 units=km
new line.cb2 bus1=t bus2=x switch=yes
new line.tie bus1=h bus2=x switch=yes
new line.spare bus1=h bus2=y length=1 units=km
new transformer.tr buses=[h low] kvs=[4.16 0.48] kvas=[100 100]
new load.b bus1=b kv=4.16 kw=10
new load.d bus1=d kv=4.16 kw=10
new load.e bus1=e kv=4.16 kw=10
new load.h bus1=h kv=4.16 kw=10
new load.x bus1=x kv=4.16 kw=10
set voltagebases=[4.16 0.48]
calcvoltagebases
"""
TYPES = {"cb": "breaker", "rec": "recloser", "fz": "fuse", "sw": "switch", "cb2": "breaker", "tie": "switch"}
CUSTOMERS = {"b": 10.0, "d": 20.0, "e": 5.0, "h": 40.0, "x": 80.0}


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    master = tmp_path_factory.mktemp("net") / "master.dss"
    master.write_text(CIRCUIT)
    network = engine.inspect(Feeder("net", master))[0]
    devices = [
        Device(name, name, kind, name in ("tie", "spare")) for name, kind in (TYPES | {"spare": "switch"}).items()
    ]
    return build_sections(network, devices, CUSTOMERS)


@pytest.fixture
def fault(sections):
    """fault("line.cd", 60, "line.gh", 90): what follows; sections and devices by their names."""

    def follow(*given):
        faults = tuple(Fault(e, float(m)) for e, m in zip(given[::2], given[1::2], strict=True))
        return happen(sections, Storm("storm", faults))

    return follow


def names(sections, mask):
    return {name for name, inside in zip(sections.names, sections.members(mask), strict=True) if inside}


def tripped(incident):
    return [incident.sections.devices[d].name for d in incident.tripped]


def back(incident):
    """Minutes until repaired by section, those that wait only."""
    found = zip(incident.sections.names, incident.repaired_min.tolist(), strict=True)
    return {name: minutes for name, minutes in found if minutes > 0}


@pytest.mark.parametrize(
    ("element", "device", "blocked", "out"),
    [
        ("line.ab", "cb", "cb", {"cb", "rec", "fz", "sw"}),
        ("line.cd", "rec", "rec", {"rec", "fz", "sw"}),
        ("line.gh", "rec", "sw", {"rec", "fz", "sw"}),  # the plain switch sw lies nearer, but does not trip
        ("transformer.tr", "rec", "sw", {"rec", "fz", "sw"}),
        ("LINE.CD", "rec", "rec", {"rec", "fz", "sw"}),
    ],
)
def test_the_nearest_protective_device_upstream_trips(fault, sections, element, device, blocked, out):
    incident = fault(element, 60)
    assert tripped(incident) == [device]
    assert names(sections, incident.blocked) == {blocked}
    assert names(sections, incident.out) == out
    assert incident.start == sections.normal & ~(1 << sections.device_row[device])


def test_a_fault_on_a_fused_line_lies_behind_its_fuse(fault, sections):
    """The fuse stands at the supply side of its line, which has a length."""
    incident = fault("line.fz", 60)
    assert tripped(incident) == ["fz"]
    assert names(sections, incident.blocked) == names(sections, incident.out) == {"fz"}


def test_a_fault_on_a_switch_is_in_the_sections_on_both_sides(fault, sections):
    incident = fault("line.sw", 60)
    assert names(sections, incident.blocked) == {"rec", "sw"}
    assert tripped(incident) == ["rec"]


def test_a_fault_on_an_open_tie_puts_out_both_sides(fault, sections):
    incident = fault("line.tie", 60)
    assert names(sections, incident.blocked) == {"sw", "cb2"}
    assert set(tripped(incident)) == {"rec", "cb2"}
    assert names(sections, incident.out) == {"rec", "fz", "sw", "cb2"}


def test_a_fault_on_an_open_line_with_length_may_not_be_energised_from_either_side(sections):
    found = faulted_sections(sections, "line.spare")
    assert {sections.names[s] for s in found} == {"sw", "bus y"}  # y is dead even in the normal state


def test_a_fault_where_the_source_is_puts_out_all_that_it_feeds_and_trips_nothing(fault, sections):
    incident = fault("line.service", 60)
    assert tripped(incident) == []
    assert incident.start == sections.normal
    assert names(sections, incident.out) == {"bus s", "cb", "rec", "fz", "sw"}
    assert back(incident) == dict.fromkeys(("bus s", "cb", "rec", "fz", "sw"), 60.0)


def test_several_faults_trip_each_its_own_device(fault, sections):
    incident = fault("line.fz", 60, "line.gh", 90)
    assert tripped(incident) == ["fz", "rec"]
    assert names(sections, incident.blocked) == {"fz", "sw"}
    assert names(sections, incident.out) == {"rec", "fz", "sw"}
    assert back(incident) == {"rec": 90.0, "fz": 90.0, "sw": 90.0}  # the fuse's section waits for the recloser above


def test_two_faults_below_one_device_hold_it_until_the_last_is_repaired(fault):
    incident = fault("line.cd", 60, "line.gh", 200)
    assert tripped(incident) == ["rec"]
    assert back(incident) == {"rec": 200.0, "fz": 200.0, "sw": 200.0}


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        (60, 200, {"cb": 60.0, "rec": 200.0, "fz": 200.0, "sw": 200.0}),  # the inner fault keeps its part out longer
        (200, 60, {"cb": 200.0, "rec": 200.0, "fz": 200.0, "sw": 200.0}),
    ],
)
def test_nested_faults_hold_a_section_until_all_on_its_path_are_repaired(fault, above, below, expected):
    incident = fault("line.ab", above, "line.cd", below)
    assert set(tripped(incident)) == {"cb", "rec"}
    assert back(incident) == expected


def test_faults_on_two_feeders_do_not_wait_for_each_other(fault, sections):
    incident = fault("line.cb2", 30, "line.fz", 90)
    assert names(sections, incident.blocked) == {"bus t", "cb2", "fz"}
    assert back(incident) == {"bus t": 30.0, "cb2": 30.0, "fz": 90.0}


def test_customers_out_are_those_below_the_trip(fault, sections):
    incident = fault("line.cd", 60)
    assert sections.customers @ sections.members(incident.out) == 20 + 5 + 40  # d, e, h


def test_the_horizon_ends_with_the_last_repair(fault):
    assert fault("line.fz", 60, "line.gh", 240).horizon_min == 240.0


def test_a_repair_may_take_no_time(fault):
    incident = fault("line.cd", 0)
    assert not np.any(incident.repaired_min)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((), "Storm 'storm': it has no fault."),
        (("line.cdd", 60), "The fault names an unknown element 'line.cdd'. Did you mean 'line.cd'?"),
        (("zzz", 60), "unknown element 'zzz'. Elements are named 'line.NAME' or 'transformer.NAME'."),
        (("d", 60), "The fault on 'd' names a bus: a fault sits on an element, e.g. a line at that bus ('line.NAME')."),
        (("bus.D", 60), "The fault on 'bus.D' names a bus"),
        (("line.cd", -5), "The fault on 'line.cd' has a repair time of -5 min: give 0 or more."),
        (("line.cd", float("nan")), "has a repair time of nan min"),
        (("line.cd", float("inf")), "has a repair time of inf min"),
        (("line.cd", 60, "line.CD", 90), "line.cd is faulted more than once."),
    ],
)
def test_a_wrong_storm_is_one_clear_sentence(fault, given, sentence):
    with pytest.raises(InputError) as error:
        fault(*given)
    assert sentence in str(error.value)
    assert "findings" not in str(error.value)


def test_all_findings_of_a_storm_are_told_together(fault):
    with pytest.raises(InputError, match="Storm 'storm': 3 findings"):
        fault("line.nope", -1, "d", 60)
