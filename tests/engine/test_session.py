"""Trajectories: where they start, what they carry, what happens when a step has no solution."""

import numpy as np
import opendssdirect
import pytest

from gridstudio.domain.changes import At, Reconductor, SetSwitch
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import Session
from gridstudio.errors import InputError


def same(a, b):
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True) for n in a.__dataclass_fields__)


def plain(feeder):
    """The circuit in a context of its own, run the ordinary way and settled."""
    dss = opendssdirect.dss.NewContext()
    dss.Basic.AllowChangeDir(False)
    dss(f'redirect "{feeder.master}"')
    for command in feeder.commands:
        dss(command)
    dss(f"set controlmode={feeder.controls} maxiterations=100 maxcontroliter=100")
    dss.Solution.Solve()
    return dss


def taps(dss):
    found = []
    for name in dss.Transformers.AllNames():
        dss.Transformers.Name(name)
        dss.Transformers.Wdg(2)
        found.append(dss.Transformers.Tap())
    return found


def naive_loop(dss, scenario):
    """The ordinary way to solve a trajectory: edit every load, solve, next step. Voltages (step, node), last taps."""
    published = {}
    for name in dss.Loads.AllNames():
        dss.Loads.Name(name)
        published[name] = dss.Loads.kW(), dss.Loads.kvar()
    v_pu = []
    for step, scale in enumerate(scenario.load_scale):
        own = {load: group.scale[step] for group in scenario.load_groups for load in group.loads}
        for name, (kw, kvar) in published.items():
            dss.Loads.Name(name)
            dss.Loads.kW(kw * own.get(name, scale))
            dss.Loads.kvar(kvar * own.get(name, scale))
        dss.Solution.Solve()
        v_pu.append(dss.Circuit.AllBusMagPu())
    return np.array(v_pu), taps(dss)


GROWTH = Scenario("growth", tuple(1.05**year for year in range(5)))


@pytest.mark.parametrize("controls", ["static", "off"])
@pytest.mark.parametrize("name", ["ieee13", "ieee34", "ieee37", "ieee123"])
def test_trajectory_equals_a_naive_loop_that_edits_every_load(model, name, controls):
    feeder = model(name, controls=controls)
    session = Session(feeder)
    some = tuple(session.network.loads["load"].iloc[[0, 5, 7]])
    scenario = Scenario("drawn", (1.0, 0.7, 1.1, 0.9), (LoadGroup(some, (0.5, 1.3, 1.2, 0.4)),))
    expected, last_taps = naive_loop(plain(feeder), scenario)
    assert session.solve([((), scenario)]).v_pu[0] == pytest.approx(expected, abs=1e-4)
    with session.state_at_end((), scenario) as engine:
        assert taps(engine) == last_taps


@pytest.mark.parametrize("name", ["ieee34", "ieee123"])
def test_case_after_others_is_bitwise_that_of_a_fresh_session(model, name):
    used = Session(model(name))
    used.solve([((), Scenario(load_scale=(1.4, 0.3, 0.9))), ((), GROWTH)][:1])
    assert same(used.solve([((), GROWTH)]), Session(model(name)).solve([((), GROWTH)]))


def test_baseline_is_the_circuit_as_it_is_settled(model):
    feeder = model("ieee123")
    dss = plain(feeder)
    flow = Session(feeder).solve([((), Scenario())])[0, 0]
    assert flow.v_pu == pytest.approx(np.array(dss.Circuit.AllBusMagPu()), abs=1e-4)
    assert flow.source_kw == pytest.approx(-dss.Circuit.TotalPower()[0], rel=1e-4)


def test_taps_carry_along_a_trajectory_and_not_to_the_next(model):
    """Falling load leaves the taps high: a step reached from above is not the step reached from the baseline."""
    session = Session(model("ieee34"))
    from_above, alone = session.solve([((), Scenario(load_scale=(1.3, 0.8)))])[0], Scenario(load_scale=(0.8,))
    directly = session.solve([((), alone)])[0]
    assert abs(from_above.v_pu[1] - directly.v_pu[0]).max() > 0.005
    assert same(session.solve([((), alone)])[0], directly)


def test_without_controls_no_tap_moves(model):
    session = Session(model("ieee34", controls="off"))
    with session.state_at_end((), Scenario(load_scale=(2.0, 0.1))) as engine:
        assert set(taps(engine)) == {1.0}


def test_step_without_solution_is_marked_and_the_next_starts_afresh(circuit):
    """20 times the load is beyond what the line can carry (its limit for constant power is V^2 / 4 z)."""
    session = Session(circuit("edit load.town model=1 vminpu=0.01 vlowpu=0.005"))
    flow = session.solve([((), Scenario(load_scale=(1.0, 40.0, 0.9)))])[0]
    assert flow.converged.tolist() == [True, False, True]
    assert np.isnan(flow.v_pu[1]).all()
    assert np.isnan(flow.current_a[1]).all()
    assert np.isnan([flow.served_kw[1], flow.losses_kw[1], flow.source_kw[1], flow.source_kvar[1]]).all()
    assert same(flow[2], session.solve([((), Scenario(load_scale=(0.9,)))])[0, 0])


def test_step_after_a_failed_one_starts_from_the_baselines_taps(model):
    session = Session(model("ieee34", "batchedit load..* vminpu=0.1 vlowpu=0.05"))
    flow = session.solve([((), Scenario(load_scale=(1.0, 30.0, 0.9)))])[0]
    assert flow.converged.tolist() == [True, False, True]
    assert same(flow[2], session.solve([((), Scenario(load_scale=(0.9,)))])[0, 0])


def test_base_case_without_solution_is_bad_input(circuit):
    with pytest.raises(InputError, match=r"base power flow of .*two.*|does not converge"):
        Session(circuit("edit load.town kw=60000 kvar=0 model=1 vminpu=0.01 vlowpu=0.005"))


def test_controls_without_rest_are_not_converged(model):
    """OpenDSS calls a solution whose controls ran out of iterations converged."""
    feeder = model("ieee123")
    session = Session(feeder)
    session._dss("set maxcontroliter=1")
    flow = session.solve([((), Scenario(load_scale=(1.0, 2.5)))])[0]
    assert not flow.converged[1]


def test_scenarios_of_different_length_are_refused(ieee123):
    with pytest.raises(InputError, match=r"equally many steps, found \[1, 5\]"):
        Session(ieee123).solve([((), Scenario()), ((), GROWTH)])


def test_all_that_does_not_fit_is_told_in_one_answer(ieee123):
    scenario = Scenario("wet", (1.0,), (LoadGroup(("s47", "s47x"), (1.0,)),), outages=("l999",))
    changes = (
        At(0, Reconductor("L115", 500.0)),
        At(0, Reconductor("l1", 0.0)),
        At(0, Reconductor("l1", 100.0, "nowhere")),
        At(0, Reconductor("l1", 100.0, "1")),
        At(3, SetSwitch("sw1", closed=False)),
    )
    with pytest.raises(InputError) as told:
        Session(ieee123).solve([(changes, scenario)])
    for finding in (
        "no line 'L115'. Did you mean 'l115'?",
        "rating of 0 A is not a positive number",
        "no line code 'nowhere'",
        "Line 'l1' has 1 phases, line code '1' has 3",
        "at step 3, scenario 'wet' has 1 steps",
        "no load 's47x'. Did you mean 's47'?",
        "no line 'l999'",
    ):
        assert finding in str(told.value)


def test_nothing_to_solve_is_no_error(ieee123):
    assert Session(ieee123).solve([]).converged.shape == (0, 0)


def test_a_year_of_hours_is_one_trajectory(circuit):
    """Every hour lands in its own place: with a constant impedance the current follows the load exactly."""
    session = Session(circuit())
    hours = 0.5 + 0.4 * np.sin(np.arange(8760) / 24)
    flow = session.solve([((), Scenario(load_scale=tuple(hours)))])[0]
    few = session.solve([((), Scenario(load_scale=tuple(hours[[0, 4380, 8759]])))])[0]
    assert flow.converged.all()
    assert flow.v_pu[[0, 4380, 8759]] == pytest.approx(few.v_pu, abs=1e-6)
