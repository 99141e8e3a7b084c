"""Sessions of a process: compiled once, one borrower at a time, never older than the circuit's files."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import borrow, lending
from gridstudio.errors import InputError


def test_session_is_compiled_once_and_lent_again(ieee123):
    with borrow(ieee123) as first:
        pass
    with borrow(ieee123) as second:
        assert second is first


def test_two_borrowers_have_two_sessions(ieee123):
    with borrow(ieee123) as one, borrow(ieee123) as other:
        assert one is not other


def test_two_sessions_work_at_once_in_threads(ieee123):
    scenarios = [Scenario(load_scale=(scale,) * 5) for scale in np.linspace(0.5, 1.3, 40)]
    together = Barrier(2, timeout=60)

    def solve():
        with borrow(ieee123) as session:
            together.wait()
            return session.solve([((), scenario) for scenario in scenarios])

    with ThreadPoolExecutor(2) as pool:
        one, other = (future.result() for future in [pool.submit(solve), pool.submit(solve)])
    assert (one.v_pu == other.v_pu).all()
    assert (one.current_a == other.current_a).all()


def test_changed_file_is_read_again(circuit):
    feeder = circuit("edit load.town model=1")
    scenario = Scenario()
    with borrow(feeder) as session:
        assert session.solve([((), scenario)]).served_kw[0, 0] == pytest.approx(600, rel=1e-4)
    feeder.master.write_text(feeder.master.read_text() + "edit load.town kw=700\n")
    with borrow(feeder) as session:
        assert session.solve([((), scenario)]).served_kw[0, 0] == pytest.approx(700, rel=1e-4)


def test_changed_included_file_is_read_again(circuit):
    feeder = circuit("redirect loads.dss", "redirect more.dss")
    loads, more = feeder.master.with_name("loads.dss"), feeder.master.with_name("more.dss")
    loads.write_text("new load.a bus1=end kv=4.16 kw=10\n")
    more.write_text("new load.b bus1=end kv=4.16 kw=10\n")
    with borrow(feeder) as session:
        assert list(session.network.loads["load"]) == ["town", "a", "b"]
    more.write_text("new load.bigger bus1=end kv=4.16 kw=10\n")
    with borrow(feeder) as session:
        assert list(session.network.loads["load"]) == ["town", "a", "bigger"]


def test_session_survives_bad_input(ieee123):
    """It was found before anything was solved."""
    with borrow(ieee123) as first:
        pass
    nobody = Scenario(load_groups=(LoadGroup(("nobody",), (1.0,)),))
    with pytest.raises(InputError), borrow(ieee123) as session:
        session.solve([((), nobody)])
    with borrow(ieee123) as again:
        assert again is first


def test_session_is_not_lent_again_after_a_failure(ieee123):
    with pytest.raises(KeyboardInterrupt), borrow(ieee123) as broken:
        raise KeyboardInterrupt
    with borrow(ieee123) as session:
        assert session is not broken


def test_sessions_of_feeders_used_longest_ago_are_dropped(circuit):
    for number in range(lending.KEPT_FEEDERS + 2):
        with borrow(circuit(f"! circuit {number}", f"set loadmult=1.0{number}")):
            pass
    assert len(lending._idle) <= lending.KEPT_FEEDERS
