"""Storms from a study, from outage records, and drawn.

One circuit: s =cb= a -short- b -long- c =sw= d -mid- e, all lines of known length; -spare- hangs on an open switch.
"""

from pathlib import Path

import numpy as np
import pytest

from gridstudio import engine
from gridstudio.domain.devices import Device, read_devices
from gridstudio.domain.sections import build_sections
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.planning.restoration.incident import Fault, Storm, faulted_sections, happen
from gridstudio.planning.restoration.settings import DrawSettings, RecordSettings, StormSettings
from gridstudio.planning.restoration.storms import drawn, exposed, from_records, named

DEVICES = Path(__file__).resolve().parents[3] / "studies" / "data" / "ieee123_devices.csv"
CIRCUIT = """
clear
new circuit.net basekv=4.16 phases=3 bus1=s r1=0 x1=0.001 r0=0 x0=0.001
new line.cb bus1=s bus2=a switch=yes
new line.short bus1=a bus2=b length=1 units=km
new line.long bus1=b bus2=c length=6 units=km
new line.sw bus1=c bus2=d switch=yes
new line.mid bus1=d bus2=e length=3 units=km
new line.open bus1=e bus2=f switch=yes
new line.spare bus1=f bus2=g length=50 units=km
new load.b bus1=b kv=4.16 kw=10
new load.e bus1=e kv=4.16 kw=10
set voltagebases=[4.16]
calcvoltagebases
"""
HEADER = "fault_detected,affected_customers,duration_hours,element\n"


def make_sections(folder, text=CIRCUIT, devices=("cb", "sw", "open")):
    master = folder / "master.dss"
    master.write_text(text)
    network = engine.inspect(Feeder("net", master))[0]
    table = [Device(name, name, "breaker", name == "open") for name in devices]
    return build_sections(network, table, dict.fromkeys(network.loads["load"], 1.0))


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    return make_sections(tmp_path_factory.mktemp("net"))


@pytest.fixture
def records(sections, tmp_path):
    """Storms of the records with these rows; ``owner`` are rows of the table of elements."""

    def read(rows, header=HEADER, owner=None, **given):
        (tmp_path / "outages.csv").write_text(header + rows)
        if owner is not None:
            (tmp_path / "elements.csv").write_text("element,feeder_id\n" + owner)
            given["elements"] = "elements.csv"
        return from_records(sections, RecordSettings(outages="outages.csv", **given), tmp_path)

    return read


@pytest.fixture
def refused(records):
    """The message that records are refused with."""

    def message(*arguments, **given):
        with pytest.raises(InputError) as error:
            records(*arguments, **given)
        return str(error.value)

    return message


# -- named ------------------------------------------------------------------------


def test_a_storm_of_the_study_has_a_repair_time_for_all_faults_or_each():
    one = StormSettings(name="one", faults=("line.LONG", "line.mid"), repair_min=90)
    each = StormSettings(name="each", faults=("line.long", "line.mid"), repair_min=(60, 120), load_scale=0.5)
    assert named([one, each]) == [
        Storm("one", (Fault("line.long", 90.0), Fault("line.mid", 90.0))),
        Storm("each", (Fault("line.long", 60.0), Fault("line.mid", 120.0)), 0.5),
    ]


# -- records ----------------------------------------------------------------------

DAYS = (
    "2024-01-05 10:00,30,1.0,line.short\n"
    "2024-01-05 23:59,30,2.5,line.mid\n"  # 60 on the 5th
    "2024-03-01 08:00,100,0.5,line.long\n"
    "2024-02-01 08:00,50,4.0,line.mid\n"
)


def test_the_worst_days_come_first_and_are_named_by_their_date(records):
    storms = records(DAYS, worst=5)
    assert [storm.name for storm in storms] == ["2024-03-01", "2024-01-05", "2024-02-01"]
    assert storms[0] == Storm("2024-03-01", (Fault("line.long", 30.0),))


def test_outages_of_one_day_are_one_storm(records):
    storms = records(DAYS, load_scale=0.7)
    assert storms[1] == Storm("2024-01-05", (Fault("line.mid", 150.0), Fault("line.short", 60.0)), 0.7)


def test_as_many_days_as_asked_for(records):
    assert [storm.name for storm in records(DAYS, worst=1)] == ["2024-03-01"]


def test_of_equally_bad_days_the_earlier_comes_first(records):
    rows = "2024-05-02,10,1,line.mid\n2023-05-02,10,1,line.mid\n2024-01-02,10,1,line.mid\n"
    assert [storm.name for storm in records(rows)] == ["2023-05-02", "2024-01-02", "2024-05-02"]


def test_an_element_hit_twice_in_a_day_is_one_fault_with_the_longest_repair(records):
    (storm,) = records("2024-01-05 01:00,5,1,line.mid\n2024-01-05 09:00,5,3,LINE.MID\n2024-01-05 20:00,5,2,line.mid\n")
    assert storm.faults == (Fault("line.mid", 180.0),)


def test_a_line_may_be_named_by_its_edge(records):
    header = "fault_detected,affected_customers,duration_hours,edge_id\n"
    (storm,) = records("2024-01-05,5,1,Mid\n2024-01-05,5,1,\n", header)
    assert storm.faults == (Fault("line.mid", 60.0),)


def test_edges_that_are_numbers_keep_their_name(tmp_path):
    sections = make_sections(tmp_path, CIRCUIT.replace("line.mid", "line.12"))
    (tmp_path / "outages.csv").write_text(
        "fault_detected,affected_customers,duration_hours,edge_id\n2024-01-05,5,1,12\n2024-01-05,5,1,\n"
    )
    (storm,) = from_records(sections, RecordSettings(outages="outages.csv"), tmp_path)
    assert storm.faults == (Fault("line.12", 60.0),)


def test_outages_of_other_circuits_do_not_count(records):
    rows = "2024-01-05,10,1,line.mid\n2024-02-05,5,1,line.elsewhere\n"
    rows += "2024-02-05,99999,1,line.spare\n2024-02-05,2,1,line.mid\n"
    assert [storm.name for storm in records(rows)] == ["2024-01-05", "2024-02-05"]
    assert records(rows)[1].faults == (Fault("line.mid", 60.0),)


@pytest.mark.parametrize(
    "when", ["2024-01-05", "2024-01-05 10:00", "2024-01-05T10:00:00Z", "2024-01-05 10:00:00.5+02:00"]
)
def test_the_day_is_the_date_as_written(records, when):
    assert records(f"{when},5,1,line.mid\n2024-01-04,1,1,line.mid\n")[0].name == "2024-01-05"


FEEDERS = "fault_detected,affected_customers,duration_hours,feeder_id\n"
OWNER = "line.short,1\nline.long,1\nline.mid,1\nline.sw,1\nline.spare,2\n"


def test_records_that_name_a_feeder_get_one_of_its_lines(records):
    rows = "".join(f"2024-01-{day:02d},5,1,1\n" for day in range(1, 29))
    storms = records(rows, FEEDERS, OWNER, worst=28)
    hit = {fault.element for storm in storms for fault in storm.faults}
    assert hit == {"line.short", "line.long", "line.mid"}  # no switch
    assert all(len(storm.faults) == 1 for storm in storms)


def test_the_lines_drawn_for_a_feeder_depend_on_the_seed_only(records):
    rows = "".join(f"2024-01-{day:02d},5,1,1\n" for day in range(1, 29))
    first, again, other = (records(rows, FEEDERS, OWNER, worst=28, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("feeder", ["2", "99", ""])  # dead lines only, unknown, none
def test_a_feeder_without_a_line_here_has_no_storm_here(refused, feeder):
    assert "no outage of the records lies on a line of this circuit" in refused(
        f"2024-01-05,5,1,{feeder}\n", FEEDERS, OWNER
    )


@pytest.mark.parametrize(
    "row",
    [
        "never,5,1,line.mid",
        ",5,1,line.mid",
        "05/01/2024,5,1,line.mid",
        "2024-01-05,,1,line.mid",
        "2024-01-05,-5,1,line.mid",
        "2024-01-05,many,1,line.mid",
        "2024-01-05,5,,line.mid",
        "2024-01-05,5,-1,line.mid",
        "2024-01-05,5,inf,line.mid",
    ],
)
def test_corrupt_records_are_counted_and_refused(refused, row):
    message = refused(DAYS + row + "\n" + row + "\n")
    assert "2 outages have no date (2024-07-23), or a negative or missing duration or customer number." in message
    assert "outages.csv" in message


def test_records_without_an_event_are_refused(refused):
    assert "outages.csv holds no event: there is no storm to study." in refused("")


def test_records_of_another_circuit_are_refused(refused):
    message = refused("2024-01-05,5,1,line.elsewhere\n2024-01-05,5,1,\n")
    assert "no outage of the records lies on a line of this circuit: there is no storm to study." in message


def test_a_missing_column_is_named(refused):
    assert "outages.csv: the table has no column affected_customers, duration_hours." in refused(
        "2024-01-05\n", "fault_detected\n"
    )


def test_records_without_a_place_ask_for_the_table_of_elements(refused):
    message = refused("2024-01-05,5,1\n", "fault_detected,affected_customers,duration_hours\n")
    assert "the records name no element (columns element or edge_id). Give records.elements" in message


def test_missing_files_are_told(sections, tmp_path, refused):
    with pytest.raises(InputError, match=r"There is no table .*nowhere\.csv"):
        from_records(sections, RecordSettings(outages="nowhere.csv"), tmp_path)
    assert "There is no table" in refused("2024-01-05,5,1,1\n", FEEDERS, elements="nowhere.csv")


# -- drawn ------------------------------------------------------------------------


def settings(**given):
    return DrawSettings(**({"training": 5, "held_out": 3, "faults": 3} | given))


@pytest.fixture(scope="module")
def ieee123(model):
    """The published feeder with the study's devices: twelve sections."""
    network = engine.inspect(model("ieee123", "redirect candidates.dss"))[0]
    return build_sections(network, read_devices(DEVICES, network), {})


def places(sections, storms):
    """The sections that each storm's faults put out of service."""
    return [frozenset(s for f in storm.faults for s in faulted_sections(sections, f.element)) for storm in storms]


def elements(storms):
    return {frozenset(fault.element for fault in storm.faults) for storm in storms}


def test_training_and_held_out_storms_are_apart_and_none_comes_twice(ieee123):
    taken = [Storm("named", (Fault("line.l52", 60.0),))]
    training, held_out = drawn(ieee123, settings(training=100, held_out=20, faults=2), taken)
    assert (len(training), len(held_out)) == (100, 20)
    assert len(elements(training)) == 100
    assert len(elements(held_out)) == 20
    assert not elements(training) & elements(held_out)
    assert not elements(taken) & elements([*training, *held_out])


def test_no_training_storm_has_the_faulted_sections_of_a_judged_one(ieee123):
    taken = [Storm("named", (Fault("line.l52", 60.0),))]
    training, held_out = drawn(ieee123, settings(training=100, held_out=20, faults=2), taken)
    judged = places(ieee123, [*taken, *held_out])
    assert len(set(judged)) == 21
    assert set(judged).isdisjoint(places(ieee123, training))
    assert all(storm.held_out for storm in held_out)
    assert not any(storm.held_out for storm in training)


def test_the_same_seed_draws_the_same_storms(ieee123):
    assert drawn(ieee123, settings(seed=7), []) == drawn(ieee123, settings(seed=7), [])
    assert drawn(ieee123, settings(seed=7), []) != drawn(ieee123, settings(seed=8), [])


def test_held_out_storms_do_not_depend_on_how_many_are_trained_on(ieee123):
    assert drawn(ieee123, settings(training=1), [])[1] == drawn(ieee123, settings(training=50), [])[1]


def test_drawn_storms_keep_to_their_ranges(ieee123):
    given = settings(training=300, faults=3, repair_min=(60, 90), load_scale=(0.5, 0.8))
    storms = drawn(ieee123, given, [])[0]
    repairs = [fault.repair_min for storm in storms for fault in storm.faults]
    assert {len(storm.faults) for storm in storms} == {1, 2, 3}
    assert all(60 <= minutes <= 90 for minutes in repairs)
    assert all(0.5 <= storm.load_scale <= 0.8 for storm in storms)
    assert all(
        len(faults) == len(storm.faults)
        for faults, storm in zip(map(set, map(elements_of, storms)), storms, strict=True)
    )
    assert np.std(repairs) > 5  # they are spread


def elements_of(storm):
    return [fault.element for fault in storm.faults]


def test_drawn_storms_happen(ieee123):
    for storm in drawn(ieee123, settings(training=20), [])[0]:
        assert happen(ieee123, storm).out


def test_lines_are_hit_by_their_length_and_switches_and_dead_lines_never(sections):
    names, share = exposed(sections)
    assert dict(zip(names, share.tolist(), strict=True)) == pytest.approx(
        {"line.short": 0.1, "line.long": 0.6, "line.mid": 0.3}
    )


def test_drawn_faults_follow_the_lengths(sections):
    """First faults of 200 seeds: expected 0.1, 0.6, 0.3, each within four standard errors."""
    first = [drawn(sections, settings(training=1, held_out=1, faults=1, seed=seed), [])[1][0] for seed in range(200)]
    for element, share in (("line.short", 0.1), ("line.long", 0.6), ("line.mid", 0.3)):
        seen = np.mean([storm.faults[0].element == element for storm in first])
        assert seen == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 200))


def test_lines_of_unknown_length_are_all_alike(tmp_path):
    sections = make_sections(tmp_path, CIRCUIT.replace(" units=km", ""))
    assert exposed(sections)[1].tolist() == pytest.approx([1 / 3] * 3)


def test_more_storms_than_there_are_is_refused(sections):
    """Three lines make 3 single, 3 double and 1 triple storm: 7."""
    with pytest.raises(InputError, match=r"Only 7 different storms of up to 3 faults .* 21 are asked for: lower draw"):
        drawn(sections, settings(training=1, held_out=20), [])
    with pytest.raises(InputError, match="Only 7 different storms"):
        drawn(sections, settings(training=1, held_out=7), [])  # nothing is left to train on


def test_a_small_circuit_gives_fewer_storms_to_train_on(ieee123):
    lines = exposed(ieee123)[0]
    training, held_out = drawn(ieee123, settings(training=10_000, held_out=3, faults=1), [])
    taken = set().union(*places(ieee123, held_out))
    free = [line for line in lines if taken.isdisjoint(faulted_sections(ieee123, line))]
    assert len(held_out) == 3
    assert elements(training) == {frozenset([line]) for line in free}


def test_a_circuit_of_switches_only_has_no_storm(tmp_path):
    text = CIRCUIT.replace("length=1 units=km", "switch=yes").replace("length=6 units=km", "switch=yes")
    sections = make_sections(tmp_path, text.replace("length=3 units=km", "switch=yes"))
    with pytest.raises(InputError, match="No storm can be drawn: the circuit has no line with supply but switches"):
        drawn(sections, settings(), [])
