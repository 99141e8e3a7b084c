"""Bad input to a restoration study at the command line: exit code 2, one clear sentence, nothing written."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "studies" / "restoration_ieee123.toml"
DEVICES = ROOT / "studies" / "data" / "ieee123_devices.csv"
RECORDS = '[records]\noutages = "outages.csv"\n\n[draw]'


@pytest.fixture
def study(tmp_path):
    """The committed study as a file elsewhere; gives a writer that replaces text in it and in its device table."""

    def write(*replacements, devices=(), **files):
        text = STUDY.read_text().replace("../dss_models", (ROOT / "dss_models").as_posix())
        text = text.replace("data/ieee123_devices.csv", "devices.csv")
        table = DEVICES.read_text()
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new, 1)
        for old, new in devices:
            assert old in table, old
            table = table.replace(old, new, 1)
        (tmp_path / "devices.csv").write_text(table)
        for name, content in files.items():
            (tmp_path / f"{name}.csv").write_text(content)
        path = tmp_path / "study.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def refused(command, tmp_path):
    """What ``run`` says when it refuses a study: one paragraph, exit code 2, no results folder."""

    def message(path):
        code, _, err = command("run", path, "--workers", 1, "--out", "done")
        assert code == 2
        assert "Traceback" not in err
        assert not (tmp_path / "done").exists()
        assert not (tmp_path / "done.partial").exists()
        return " ".join(err.split())

    return message


def test_the_committed_study_passes_its_check(command):
    code, out, _ = command("check", STUDY)
    assert code == 0
    assert "can be run" in out


def test_check_refuses_what_run_refuses(command, study):
    code, _, err = command("check", study(('"line.l58"', '"line.l5888"')))
    assert code == 2
    assert "unknown element" in err


@pytest.mark.parametrize(
    ("replacement", "sentence"),
    [
        (("crews = 2", "crew = 2"), "Unknown key 'devices.crew': did you mean 'crews'?"),
        (("dispatch_min = 1", "dispatch_min = -1"), "devices.dispatch_min = -1 should be greater than or equal to 0"),
        (("repair_min = 180", "repair_min = -180"), "repair times must not be negative"),
        (("repair_min = [180, 120]", "repair_min = [180]"), "1 repair times are given for 2 faults"),
        (("[draw] ", '[methods]\nrun = ["none", "none"]\n[draw] '), "name each method once"),
        (('"67 to 97, evening peak"', '"trunk south of 57"'), "two storms have the same name"),
        (('faults = ["line.l58"]', "faults = []"), "Storm 'trunk south of 57': it has no fault."),
        (('"line.l58"', '"line.l5888"'), "Storm 'trunk south of 57': The fault names an unknown element 'line.l5888'."),
        (('"line.l58"', '"57"'), "The fault on '57' names a bus: a fault sits on an element"),
        (('"devices.csv"', '"nowhere.csv"'), "There is no device table"),
        (("held_out = 15", "held_out = 10000"), "different storms of up to 2 faults can be drawn on this circuit"),
        (("held_out = 15", "held_out = -1"), "draw.held_out = -1 should be"),
        (("kw_per_customer = 4 ", 'table = "nobody.csv"'), "There is no table of customers"),
        (
            ("[costs]", '[[islands]]\nname = "z"\nbus = "nowhere"\nhours = 3\n[costs]'),
            "the circuit has no bus 'nowhere'",
        ),
        (("[costs]", '[[islands]]\nname = "z"\nbus = "57"\nhours = -3\n[costs]'), "islands.0.hours = -3 should be"),
    ],
)
def test_a_wrong_study_is_refused(refused, study, replacement, sentence):
    assert sentence in refused(study(replacement))


@pytest.mark.parametrize(
    ("replacement", "sentence"),
    [
        (("line.sw1,", "line.sw11,"), "Device 'sw1' names no element of the circuit: there is no 'line.sw11'."),
        (("line.l55,", "transformer.reg4a,"), "its element 'transformer.reg4a' is not a line"),
        (("switch,true,true", "switch,false,true"), "The normal state is meshed: "),
        (("switch,false,true", "switch,true,true"), "customers dead (loads "),
        (
            ("breaker,false,true,1,", "breaker,false,true,-1,"),
            "operating_time_min = '-1' should be a number of minutes",
        ),
        (("sw2,line.sw2", "sw2,line.sw3"), "The device table names element line.sw3 more than once."),
        (("fuse,false,false", "fuse,false,true"), "a crew replaces a fuse"),
    ],
)
def test_a_wrong_device_table_is_refused(refused, study, replacement, sentence):
    assert sentence in refused(study(devices=[replacement]))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("s1a,3,residential\ns1a,4,residential\n", "Customers of load 's1a', class 'residential', are mapped twice."),
        ("s1,3,residential\n", "Customers are mapped to load 's1', which the circuit has not."),
        ("s1a,-3,residential\n", "Load 's1a': its number of customers is not a number of 0 or more."),
    ],
)
def test_wrong_customers_are_refused(refused, study, rows, sentence):
    path = study(("kw_per_customer = 4 ", 'table = "customers.csv" '), customers="load,customers,class\n" + rows)
    assert sentence in refused(path)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("", "holds no event: there is no storm to study."),
        ("2024-01-05,12,2,line.elsewhere\n", "no outage of the records lies on a line of this circuit"),
        ("2024-01-05,12,-2,line.l52\n", "1 outages have no date (2024-07-23), or a negative or missing duration"),
    ],
)
def test_records_without_a_sound_event_are_refused(refused, study, rows, sentence):
    header = "fault_detected,affected_customers,duration_hours,element\n"
    assert sentence in refused(study(("[draw]", RECORDS), outages=header + rows))


def test_storms_that_interrupt_nobody_are_refused(refused, study):
    """Only load s1a has a customer, at bus 1; the only storm sits on the line to bus 250, behind a fuse of its own."""
    text = 'job = "restoration"\n[feeder]\nmaster = "{}"\n[devices]\ntable = "devices.csv"\n'
    text += '[customers]\ntable = "customers.csv"\n[methods]\nrun = ["greedy"]\n'
    text += '[[storms]]\nname = "nobody"\nfaults = ["line.l30"]\n'
    path = study(
        customers="load,customers,class\ns1a,3,residential\n",
        devices=[("sw6,", "f,line.l30,fuse,false,false,5,\nsw6,")],
    )
    path.write_text(text.format((ROOT / "dss_models" / "ieee123" / "master.dss").as_posix()))
    table = path.with_name("devices.csv")
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("tie_")))
    assert "No storm of this study interrupts a customer" in refused(path)
