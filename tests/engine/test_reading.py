"""The tables of a circuit say what its files say."""

import csv
from pathlib import Path

import numpy as np
import pytest

from gridstudio.engine import inspect

FACTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "feeders"
needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="no ../shared/data/feeders beside the checkout")


@pytest.mark.parametrize("name", ["ieee13", "ieee34", "ieee37", "ieee123"])
def test_published_feeders_have_no_finding_that_is_an_error(model, name):
    _, findings = inspect(model(name))
    assert [str(finding) for finding in findings if finding.severity == "error"] == []


@pytest.mark.parametrize(
    ("name", "buses", "nodes", "lines", "loads", "kw"),
    [("ieee13", 16, 41, 12, 15, 3466), ("ieee34", 37, 95, 32, 68, 1769), ("ieee37", 39, 117, 36, 30, 2457)]
    + [("ieee123", 132, 278, 126, 91, 3490)],
)
def test_tables_have_the_published_sizes(model, name, buses, nodes, lines, loads, kw):
    network, _ = inspect(model(name))
    assert (len(network.buses), len(network.nodes)) == (buses, nodes)
    assert (len(network.lines), len(network.loads)) == (lines, loads)
    assert network.loads["kw"].sum() == pytest.approx(kw)
    assert network.nodes["fed"].all()
    assert network.loops() == []


@needs_facts
def test_lines_are_those_of_the_published_tables(model):
    network, _ = inspect(model("ieee123"))
    with open(FACTS / "ieee123" / "lines.csv", newline="") as file:
        published = {row["name"].lower(): row for row in csv.DictReader(file)}
    assert set(network.lines["line"]) == set(published)


def test_length_is_in_metres(model):
    """l115 of IEEE 123 is 400 ft long."""
    network, _ = inspect(model("ieee123"))
    assert network.lines.set_index("line")["length_m"]["l115"] == pytest.approx(400 * 0.3048)


def test_distance_is_along_the_lines(model):
    """IEEE 123: 149, 1, 7, 8, 13 lie 400, 300, 200, 300 ft apart; the switch before them is 0.001 of no unit."""
    network, _ = inspect(model("ieee123"))
    away = network.buses.set_index("bus")["distance_km"]
    assert away["13"] - away["149"] == pytest.approx(1200 * 0.3048e-3)


RATINGS = {  # description -> rating that is the circuit's own, NaN where OpenDSS only puts its default
    "linecode=rated": 321.0,
    "linecode=unrated": np.nan,
    "linecode=rated_400": 400.0,
    "linecode=unrated normamps=123": 123.0,
    "r1=1 x1=1 normamps=123": 123.0,
    "r1=1 x1=1 normamps=400": 400.0,
    "r1=1 x1=1": np.nan,
    "geometry=g": 530.0,
}
CODES = """
new linecode.rated nphases=3 r1=.2 x1=.4 units=km normamps=321
new linecode.rated_400 nphases=3 r1=.2 x1=.4 units=km normamps=400
new linecode.unrated nphases=3 r1=.2 x1=.4 units=km
new wiredata.w gmrac=0.0244 gmrunits=ft rac=0.306 runits=mi radius=0.0305 radunits=ft normamps=530
new linegeometry.g nconds=3 nphases=3 cond=1 wire=w x=-4 h=28 units=ft cond=2 wire=w x=-1.5 h=28 units=ft
~ cond=3 wire=w x=3 h=28 units=ft
"""


@pytest.mark.parametrize("description", RATINGS)
def test_rating_is_the_circuits_own_and_not_the_engines_default(circuit, description):
    network, findings = inspect(circuit(f"{CODES}new line.x bus1=end bus2=far {description} length=1 units=km"))
    rating = network.branches.set_index("element")["ampacity_a"]["line.x"]
    assert rating == pytest.approx(RATINGS[description], nan_ok=True)
    told = any("1 of 2 lines have no rating of their own (x)" in str(finding) for finding in findings)
    assert told == np.isnan(RATINGS[description])


@pytest.mark.parametrize(
    ("description", "metres"),
    [
        ("linecode=per_mile length=2 units=km", 2000.0),
        ("linecode=per_mile length=2", 2 * 1609.344),  # OpenDSS then takes the length in the line code's unit
        ("linecode=per_mile length=2 units=none", 2 * 1609.344),
        ("r1=1 x1=1 length=2", np.nan),
    ],
)
def test_length_in_metres_of_lines_with_and_without_unit(circuit, description, metres):
    code = "new linecode.per_mile nphases=3 r1=.2 x1=.4 units=mi\n"
    network, findings = inspect(circuit(f"{code}new line.x bus1=end bus2=far {description}"))
    assert network.lines.set_index("line")["length_m"]["x"] == pytest.approx(metres, nan_ok=True)
    told = any("1 lines have no length unit (x)" in str(finding) for finding in findings)
    assert told == np.isnan(metres)


@pytest.mark.parametrize("length", [0, -1])
@pytest.mark.parametrize("units", ["units=km", ""])
def test_zero_and_negative_lengths_are_errors(circuit, length, units):
    _, findings = inspect(circuit(f"new line.x bus1=end bus2=far r1=1 x1=1 length={length} {units} normamps=1"))
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    assert errors == [f"1 lines have a zero or negative length (x; line x has length {length})."]


def test_line_code_of_another_phase_count_is_told(circuit):
    """OpenDSS makes the line one of three phases without a word, and adds the nodes that this takes."""
    more = (
        "new linecode.three nphases=3 r1=.2 x1=.4 units=km normamps=100\n"
        "new line.x bus1=end.1 bus2=far.1 phases=1 linecode=three length=1 units=km"
    )
    _, findings = inspect(circuit(more))
    assert any("line x has 3 phases, its bus end.1 names 1" in str(finding) for finding in findings)


def test_load_on_a_phase_that_does_not_come_to_its_bus_is_an_error(circuit):
    more = (
        "new line.x bus1=end.1 bus2=far.1 phases=1 r1=1 x1=1 length=1 units=km normamps=1\n"
        "new load.x bus1=far kv=4.16 kw=1\nnew load.y bus1=far.2 phases=1 kv=2.4 kw=1"
    )
    _, findings = inspect(circuit(more))
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    assert errors == [
        "No source feeds 1 of 3 loads (y): no line connects bus far to a source.",
        "Loads on a phase that no line brings to their bus: load x at far.2, load x at far.3.",
    ]


def test_missing_voltage_bases_are_an_error(circuit):
    feeder = circuit()
    text = feeder.master.read_text()
    feeder.master.write_text(text.replace("set voltagebases=[4.16]\ncalcvoltagebases", ""))
    _, findings = inspect(feeder)
    assert any("2 buses have no voltage base (source, end)" in str(f) for f in findings if f.severity == "error")


def test_missing_coordinates_are_told_and_no_error(circuit):
    network, findings = inspect(circuit())
    assert network.buses["x"].isna().all()
    (finding,) = findings
    assert (finding.severity, "no bus coordinates" in str(finding)) == ("warning", True)


def test_all_findings_come_in_one_answer(circuit):
    more = (
        "new line.neg bus1=end bus2=b length=-1\nnew load.alone bus1=island kv=4.16 kw=1\n"
        "new linecode.three nphases=3 r1=1 x1=1\nnew line.odd bus1=end.1 bus2=c.1 phases=1 linecode=three length=1"
    )
    _, findings = inspect(circuit(more))
    text = "\n".join(map(str, findings))
    for part in ("No source feeds 1 of 2 loads", "negative length", "Phases do not match", "no rating", "coordinates"):
        assert part in text
    assert [f.severity for f in findings] == sorted(f.severity for f in findings)


def test_two_elements_of_one_name_are_an_error(circuit):
    more = "set allowduplicates=yes\nnew load.twin bus1=end kv=4.16\nnew load.twin bus1=end kv=4.16"
    _, findings = inspect(circuit(more))
    assert any("several elements: load twin" in str(f) for f in findings if f.severity == "error")
