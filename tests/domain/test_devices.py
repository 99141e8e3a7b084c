"""The device table: what is read, what is refused and in which words, and what a bare model gives."""

import pytest

from gridstudio import engine
from gridstudio.domain.devices import Device, default_devices, read_devices
from gridstudio.engine import Feeder
from gridstudio.errors import InputError

CIRCUIT = """
clear
new circuit.net basekv=4.16 phases=3 bus1=s
new line.head bus1=s bus2=a length=1 units=km normamps=100
new line.mid bus1=a bus2=b length=1 units=km normamps=100
new line.lateral bus1=b.1 bus2=c.1 phases=1 length=1 units=km normamps=100
new line.gang bus1=a bus2=d switch=yes
new line.tie bus1=d bus2=b switch=yes
new transformer.t buses=[b e] kvs=[4.16 0.48] kvas=[100 100]
{more}
new load.l bus1=b phases=3 kv=4.16 kw=100 pf=0.95
set voltagebases=[4.16 0.48]
calcvoltagebases
open line.tie 1
open line.tie 2
"""
CONTROLS = """
new relay.r monitoredobj=line.head monitoredterm=1
new recloser.rec monitoredobj=line.mid monitoredterm=1
new fuse.f monitoredobj=line.lateral monitoredterm=1
"""
HEADER = "device,element,type,normally_open,remote,operating_time_min,travel_time_min\n"


def read_model(folder, more=""):
    master = folder / "master.dss"
    master.write_text(CIRCUIT.format(more=more))
    return engine.inspect(Feeder("net", master))[0]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return read_model(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def read(network, tmp_path):
    """Read a device table from its rows (or a whole text with ``header`` empty)."""

    def from_text(rows, header=HEADER, **travel):
        path = tmp_path / "devices.csv"
        path.write_text(header + rows)
        return read_devices(path, network, **travel)

    return from_text


@pytest.fixture
def refused(read):
    """The message that a table is refused with."""

    def message(rows, header=HEADER):
        with pytest.raises(InputError) as error:
            read(rows, header)
        return str(error.value)

    return message


def test_a_row_becomes_a_device(read):
    assert read("S1,line.gang,switch,true,false,4,25\n") == (Device("S1", "gang", "switch", True, False, 4.0, 25.0),)


def test_names_of_elements_and_booleans_may_be_written_in_capitals(read):
    assert read("s,LINE.Gang,switch,TRUE,False,,\n")[0] == Device("s", "gang", "switch", True, False, 5.0, 30.0)


def test_comments_and_blanks_around_values_are_passed_over(read):
    (device,) = read("# assumed times\n s , line.gang , switch , false , true , 2 , # worked from the control room\n")
    assert device == Device("s", "gang", "switch", False, True, 2.0, 0.0)


def test_a_row_may_end_early(read):
    assert read("s,line.gang,switch,false,true\n")[0].operating_min == 1.0


def test_columns_of_times_may_be_missing(read):
    (device,) = read("s,line.gang,switch,false,false\n", "device,element,type,normally_open,remote\n")
    assert (device.operating_min, device.travel_min) == (5.0, 30.0)


@pytest.mark.parametrize(
    ("remote", "times", "expected"),
    [
        ("true", ",", (1.0, 0.0)),
        ("false", ",", (5.0, 12.0)),
        ("false", "3,0", (3.0, 0.0)),
        ("true", "0,40", (0.0, 0.0)),  # nobody travels to a remote device
    ],
)
def test_defaults_of_times(read, remote, times, expected):
    (device,) = read(f"s,line.gang,switch,false,{remote},{times}\n", travel_min=12.0)
    assert (device.operating_min, device.travel_min) == expected


@pytest.mark.parametrize(
    ("kind", "trips"),
    [("breaker", True), ("recloser", True), ("fuse", True), ("sectionaliser", False), ("switch", False)],
)
def test_breakers_reclosers_and_fuses_trip_and_the_others_do_not(read, kind, trips):
    assert read(f"s,line.gang,{kind},false,false,,\n")[0].protective is trips


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            "s,line.gnag,switch,false,true,,",
            "Device 's' names no element of the circuit: there is no 'line.gnag'. Did you mean 'line.gang'?",
        ),
        ("s,line.zzzzzz,switch,false,true,,", "names no element of the circuit: there is no 'line.zzzzzz'."),
        ("s,transformer.t,switch,false,true,,", "its element 'transformer.t' is not a line ('line.NAME')."),
        ("s,gang,switch,false,true,,", "its element 'gang' is not a line"),
        ("s,line.,switch,false,true,,", "its element 'line.' is not a line"),
        (
            "s,line.gang,swich,false,true,,",
            "its type 'swich' is none of breaker, recloser, sectionaliser, switch, fuse",
        ),
        ("s,line.gang,switch,maybe,true,,", "normally_open = 'maybe' should be true or false."),
        ("s,line.gang,switch,false,,,", "remote = '' should be true or false."),
        ("s,line.gang,switch,false,true,-1,", "operating_time_min = '-1' should be a number of minutes, 0 or more."),
        ("s,line.gang,switch,false,true,nan,", "operating_time_min = 'nan' should be a number of minutes"),
        ("s,line.gang,switch,false,false,,inf", "travel_time_min = 'inf' should be a number of minutes"),
        ("s,line.gang,switch,false,false,,soon", "travel_time_min = 'soon' should be a number of minutes"),
        (",line.gang,switch,false,true,,", "The device on 'line.gang' has no name."),
        ("s,line.gang,fuse,false,true,,", "Device 's' is a fuse with remote = true: a crew replaces a fuse"),
    ],
)
def test_a_wrong_row_is_one_clear_sentence(refused, row, sentence):
    message = refused(row + "\n")
    assert sentence in message
    assert "devices.csv" in message
    assert "findings" not in message


def test_names_and_elements_may_stand_once_only(refused):
    message = refused(
        "s,line.gang,switch,false,true,,\ns,line.tie,switch,true,true,,\nt,LINE.GANG,switch,false,true,,\n"
    )
    assert "The device table names device s more than once." in message
    assert "The device table names element line.gang more than once." in message


def test_all_findings_of_a_table_are_told_together(refused):
    rows = "a,line.nope,switch,false,true,,\nb,line.gang,swich,perhaps,true,-1,\nb,line.tie,switch,true,true,,\n"
    message = refused(rows)
    assert "5 findings" in message
    for part in ("'line.nope'", "'swich'", "'perhaps'", "'-1'", "device b more than once"):
        assert part in message


def test_a_table_without_rows_is_refused(refused):
    assert "the device table has no row" in refused("# nothing yet\n")


def test_an_empty_file_is_refused(refused):
    assert "cannot be read" in refused("", header="")


def test_a_missing_column_is_named(refused):
    message = refused("s,line.gang,switch,true\n", "device,element,type,normally_open\n")
    assert "the device table has no column remote." in message


def test_a_missing_table_is_told(network, tmp_path):
    with pytest.raises(InputError, match=r"There is no device table .*nowhere\.csv"):
        read_devices(tmp_path / "nowhere.csv", network)


def test_a_model_gives_its_switch_lines_in_their_positions(network):
    assert default_devices(network) == (
        Device("gang", "gang", "switch", False, True, 1.0, 0.0),
        Device("tie", "tie", "switch", True, True, 1.0, 0.0),
    )


def test_a_model_gives_the_lines_under_fuses_reclosers_and_relays(tmp_path):
    found = {device.line: device for device in default_devices(read_model(tmp_path, CONTROLS), travel_min=17.0)}
    assert {line: device.type for line, device in found.items()} == {
        "head": "breaker",
        "mid": "recloser",
        "lateral": "fuse",
        "gang": "switch",
        "tie": "switch",
    }
    assert [found[line].remote for line in ("head", "mid", "lateral")] == [True, True, False]
    assert (found["lateral"].operating_min, found["lateral"].travel_min) == (5.0, 17.0)  # a crew replaces the fuse


def test_a_model_without_devices_asks_for_a_table(circuit):
    network = engine.inspect(circuit())[0]
    with pytest.raises(InputError, match=r"has no switching device.*Give a device table"):
        default_devices(network)
