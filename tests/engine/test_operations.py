"""Positions of taps and capacitors along a trajectory: read when asked, and what the engine itself says."""

import numpy as np
import pytest

from gridstudio.domain.changes import BASE
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Session
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers, evaluate, evaluate_many

LEVELS = (1.0, 0.4, 1.3, 0.2)
# 60 kvar switched by the current of the line: on above 80 A, off below 40 A.
SWITCHED = """new capacitor.bank bus1=end phases=3 kv=4.16 kvar=60 states=[0]
new capcontrol.switch capacitor=bank element=line.feed terminal=1 type=current ctratio=1 onsetting=80 offsetting=40"""


def test_nothing_is_read_unless_asked(ieee123):
    assert evaluate(ieee123, BASE, Scenario(load_scale=LEVELS)).flow.position.shape == (4, 0)


def test_reading_changes_no_result(ieee123):
    """To the bit."""
    plain = evaluate(ieee123, BASE, Scenario(load_scale=LEVELS)).flow
    read = evaluate(ieee123, BASE, Scenario(load_scale=LEVELS, read_positions=True)).flow
    assert np.array_equal(plain.v_pu, read.v_pu)
    assert np.array_equal(plain.current_a, read.current_a)


def test_taps_are_the_engines_own_tap_numbers(ieee123):
    """Of every step: its trajectory up to there, and the tap numbers of the engine's regulator controls."""
    session = Session(ieee123)
    read = session.solve([((), Scenario(load_scale=LEVELS, read_positions=True))]).position[0]
    assert len(session.devices) == 7
    for step in range(len(LEVELS)):
        with session.state_at_end((), Scenario(load_scale=LEVELS[: step + 1])) as engine:
            controls, expected = engine.RegControls, {}
            for name in controls.AllNames():
                controls.Name(name)
                expected[f"transformer.{controls.Transformer().lower()}.{controls.TapWinding()}"] = controls.TapNumber()
        assert dict(zip(session.devices, read[step], strict=True)) == expected
    assert (np.ptp(read, axis=0) > 0).any()


def test_a_capacitor_switched_by_current_follows_the_load(circuit):
    """At 4.16 kV 600 kW and 300 kvar draw 93 A, a tenth of it 9 A."""
    session = Session(circuit(SWITCHED))
    assert session.devices == ("capacitor.bank",)
    flow = session.solve([((), Scenario(load_scale=(1.0, 0.1, 0.1, 1.0), read_positions=True))])
    assert flow.position[0, :, 0].tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_circuit_without_controls_has_no_devices(circuit):
    flow = evaluate(circuit(), BASE, Scenario(read_positions=True)).flow
    assert flow.position.shape == (1, 0)


@pytest.mark.parametrize("count", [1, 2])
def test_positions_do_not_depend_on_workers(ieee123, count, tmp_path):
    cases = [(BASE, Scenario(str(k), load_scale=(x,), read_positions=True)) for k, x in enumerate((0.3, 0.8, 1.4))]
    expected = [evaluate_many(ieee123, [case]).flow.position[0] for case in cases]
    found = evaluate_many(ieee123, cases, workers=Workers(count, checkpoint=tmp_path))
    assert np.array_equal(found.flow.position[found.row], expected)


def test_some_read_and_some_not_is_refused(ieee123):
    with pytest.raises(InputError, match="read in all scenarios of one evaluation or in none"):
        evaluate_many(ieee123, [(BASE, Scenario("a")), (BASE, Scenario("b", read_positions=True))])
