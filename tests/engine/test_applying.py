"""Changes reach the engine as they are meant, and leave nothing behind."""

import numpy as np
import pytest

from gridstudio.domain.changes import At, Reconductor, SetSwitch
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Session
from gridstudio.engine.applying import Applied
from gridstudio.errors import InputError

NEW = "new linecode.new nphases=3 rmatrix=[.13|.05 .131|.051 .052 .133] xmatrix=[.5|.2 .51|.21 .22 .53] "
NEW += "cmatrix=[9|-1 9.1|-1.1 -1.2 9.3] units=km normamps=999\n"
CATALOGUE = """
new linecode.code nphases=3 r1=.2 x1=.4 r0=.6 x0=1.2 c1=3 c0=1 units=mi normamps=321
new wiredata.w gmrac=0.0244 gmrunits=ft rac=0.306 runits=mi radius=0.0305 radunits=ft normamps=530
new linegeometry.g nconds=4 nphases=3 cond=1 wire=w x=-4 h=28 units=ft cond=2 wire=w x=-1.5 h=28 units=ft
~ cond=3 wire=w x=3 h=28 units=ft cond=4 wire=w x=0 h=24 units=ft reduce=yes
new linespacing.sp nconds=4 nphases=3 units=ft x=[-4 -1.5 3 0] h=[28 28 28 24]
"""
MATRICES = "rmatrix=[.3|.1 .31|.11 .12 .33] xmatrix=[.9|.4 .91|.41 .42 .93] cmatrix=[9|-1 9.1|-1.1 -1.2 9.3]"
SEQUENCE = "r1=.1 x1=.3 r0=.3 x0=.9 c1=3.1 c0=1.7"
DESCRIPTIONS = {
    "line code": "linecode=code length=2000 units=ft",
    "line code and own rating": "linecode=code length=2000 units=ft normamps=123 emergamps=150",
    "line code and rho": "linecode=code length=2000 units=ft rho=200 rg=.02 xg=.2",
    "sequence impedances": f"{SEQUENCE} length=.7 units=km normamps=77",
    "sequence impedances in miles": f"{SEQUENCE} length=.7 units=mi",
    "susceptances": "b1=3 b0=2 r1=.1 x1=.3 r0=.3 x0=.9 length=2 units=kft",
    "matrices": f"{MATRICES} length=.7 units=mi normamps=222",
    "part of the matrices": "r1=.1 x1=.2 cmatrix=[9|-1 9.1|-1.1 -1.2 9.3] length=.7 units=mi",
    "geometry": "geometry=g length=.7 units=mi",
    "spacing and wires": "spacing=sp wires=[w w w w] length=.7 units=mi",
    "defaults": "length=1.1 units=km",
}


def admittance(engine, line):
    engine.Solution.BuildYMatrix(0, 0)  # else what is read after an edit is what was there before
    engine.Circuit.SetActiveElement(f"line.{line}")
    return np.array(engine.CktElement.YPrim())


def rating(engine, line):
    engine.Lines.Name(line)
    return engine.Lines.NormAmps(), engine.Lines.EmergAmps()


@pytest.mark.parametrize("description", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_line_is_reconductored_and_is_bitwise_what_it_was(circuit, description):
    line = f"new line.x bus1=end bus2=far {description}\nnew load.x bus1=far kv=4.16"
    session = Session(circuit(f"{CATALOGUE}{NEW}{line}"))
    engine = session._dss
    before, rated = admittance(engine, "x"), rating(engine, "x")
    changes = (At(0, Reconductor("x", 500.0, "new")),)
    base = session.solve([((), Scenario())])
    seen = []
    for _ in range(2):  # the second time from the description that undoing wrote
        with session.state_at_end(changes, Scenario()):
            seen.append(admittance(engine, "x"))
            assert rating(engine, "x") == rated
        assert (admittance(engine, "x") == before).all()
        assert rating(engine, "x") == rated
    assert (seen[0] == seen[1]).all()
    assert (seen[0] != before).any()
    assert (session.solve([((), Scenario())]).v_pu == base.v_pu).all()


@pytest.mark.parametrize(
    ("units", "km"), [("km", 1.0), ("mi", 1.609344), ("kft", 0.3048), ("ft", 0.0003048), ("m", 0.001)]
)
def test_new_conductor_takes_the_lines_length_in_its_unit(circuit, units, km):
    """A line code per km on a line in miles: series admittance is the inverse of z per km times the length in km."""
    more = "new linecode.new nphases=3 r1=.2 x1=.4 r0=.2 x0=.4 c1=0 c0=0 units=km\n"
    more += f"new line.x bus1=end bus2=far {MATRICES} length=3 units={units}\nnew load.x bus1=far kv=4.16 kw=1"
    session = Session(circuit(more))
    with session.state_at_end((At(0, Reconductor("x", 1.0, "new")),), Scenario()) as engine:
        entry = complex(*admittance(engine, "x")[:2])
    assert entry == pytest.approx(1 / (3 * km * (0.2 + 0.4j)), rel=1e-6)


def test_line_code_per_km_on_a_line_without_unit_is_refused(circuit):
    more = f"{NEW}new line.x bus1=end bus2=far {SEQUENCE} length=2000\nnew load.x bus1=far kv=4.16 kw=1"
    session = Session(circuit(more))
    with pytest.raises(InputError, match=r"Line 'x' has no length unit, line code 'new' is per km"):
        session.solve([((At(0, Reconductor("x", 1.0, "new")),), Scenario())])


def test_line_code_per_km_on_a_line_that_is_per_km_by_its_code_is_taken(circuit):
    more = f"{NEW}new linecode.old nphases=3 r1=1 x1=1 units=km\nnew line.x bus1=end bus2=far linecode=old length=2"
    session = Session(circuit(more))
    assert session.network.lines.set_index("line")["length_m"]["x"] == 2000
    assert session.solve([((At(0, Reconductor("x", 1.0, "new")),), Scenario())]).converged.all()


def test_rating_alone_does_not_touch_the_circuit(ieee123):
    session = Session(ieee123)
    changes = (At(0, Reconductor("l115", 999.0)),)
    flow = session.solve([(changes, Scenario()), ((), Scenario())])
    assert (flow.v_pu[0] == flow.v_pu[1]).all()


def test_change_in_mid_run_acts_from_its_step_on(circuit):
    session = Session(circuit(NEW))
    changes = (At(1, Reconductor("feed", 1.0, "new")), At(2, SetSwitch("feed", closed=False)))
    stays = Scenario(load_scale=(1.0, 1.0, 1.0))
    flow, base = session.solve([(changes, stays), ((), stays)])[0], session.solve([((), stays)])[0]
    alone = session.solve([((At(0, Reconductor("feed", 1.0, "new")),), Scenario())])[0]
    assert (flow.v_pu[0] == base.v_pu[0]).all()
    assert flow.v_pu[1] == pytest.approx(alone.v_pu[0], abs=1e-6)
    assert flow.served_kw[2] == pytest.approx(0.0, abs=1e-6)


def test_outage_stays_whatever_a_change_says(circuit):
    session = Session(circuit())
    closes = (At(0, SetSwitch("feed", closed=True)), At(1, SetSwitch("feed", closed=True)))
    flow = session.solve([(closes, Scenario(load_scale=(1.0, 1.0), outages=("feed",)))])
    assert flow.served_kw == pytest.approx(0.0, abs=1e-6)


def test_switch_opens_and_closes_at_both_ends(circuit):
    more = "new line.far bus1=end bus2=far length=1 units=km normamps=100\nnew load.far bus1=far kv=4.16 kw=100"
    session = Session(circuit(more))
    flow = session.solve([((At(0, SetSwitch("far", closed=False)),), Scenario())])[0, 0]
    nodes = session.network.nodes
    assert (flow.v_pu[nodes["bus"] == "far"] < 1e-3).all()
    assert (flow.v_pu[nodes["bus"] == "end"] > 0.9).all()


def test_later_change_of_the_same_line_counts_and_both_are_taken_back(odd):
    session = Session(odd("line_descriptions"))
    before = admittance(session._dss, "m1")
    applied = Applied(session._dss, set())
    for code in ("a", "b", "a"):
        applied.apply(Reconductor("m1", 1.0, code))
    applied.apply(SetSwitch("m1", closed=False))
    assert applied.undo()
    assert (admittance(session._dss, "m1") == before).all()


def test_undo_tells_when_an_admittance_is_not_what_it_was(odd, monkeypatch):
    session = Session(odd("line_descriptions"))
    monkeypatch.setattr("gridstudio.engine.measures.lines._describe", lambda dss, line: "linecode=b")
    applied = Applied(session._dss, set())
    applied.apply(Reconductor("m1", 1.0, "a"))
    assert not applied.undo()


def test_no_copy_of_the_circuit_is_made_where_undoing_is_exact(odd, monkeypatch):
    session = Session(odd("line_descriptions"))
    monkeypatch.setattr("gridstudio.engine.session.compile_into", lambda engine, feeder: pytest.fail("compiled"))
    for line in ("g1", "m1", "s1", "l3"):
        for step in (0, 1):
            changes = (At(step, Reconductor(line, 1.0, "b")),)
            session.solve([(changes, Scenario(load_scale=(1.0, 1.0)))] * 2)
