"""Solar that must go: backwards through a small line by hand, a high bus by bisection, and what the tables say."""

from pathlib import Path

import numpy as np
import pytest

from gridstudio import planning
from gridstudio.domain.changes import BASE
from gridstudio.evaluation import Workers, evaluate
from gridstudio.planning.phases import Phases
from gridstudio.planning.upgrades.setup import complete, prepare
from gridstudio.planning.upgrades.simulation import simulate

SMALL = Path(__file__).parent / "data" / "small"
STUDY, CIRCUIT = ((SMALL / name).read_text(encoding="utf-8") for name in ("study.toml", "master.dss"))


def solved(path: Path):  # type: ignore[no-untyped-def]
    """The circuit of a study, its candidates found."""
    _, settings = planning.read_study(path)
    read = prepare(settings, path.parent)
    return complete(settings, read, Phases(read.plain.feeder, read.plain.limits, Workers(1))).circuit


def seen(circuit, draw: float, sun: float):  # type: ignore[no-untyped-def]
    """One hour of the small substation: ``draw`` times all loads, ``sun`` times the 50 kW plant of feeder a."""
    state = np.zeros((circuit.zones.feeders, 4, 1))
    state[:, :3], state[0, 3] = draw, sun
    return state, simulate(circuit.phases, circuit.drivers, BASE, state[None], np.ones(1), "test")


def test_what_flows_backwards_is_curtailed_and_not_shed(small) -> None:
    # 600 kW of sun on a line of 60 A at 7.2 kV, 432 kW at 1 pu, with 0.2 x 150 kW of load beneath: 138 kW too much,
    # 125 kW where the plant raises its bus to 1.03 pu
    _, found = seen(solved(small()), 0.2, 12.0)
    assert found.clean.all()
    assert 1000 * found.curtailed_mw[0, 0, 0] == pytest.approx(131, abs=10)
    assert found.curtailed_mw[0, 0, 1:].tolist() == [0, 0]
    assert found.cut_mw.max() == 0


def test_what_raises_a_bus_too_high_is_curtailed_to_the_limit(small) -> None:
    text = STUDY.replace("v_min_pu = 0.9", "v_min_pu = 0.9\nv_max_pu = 1.005\nloading_max_pu = 9\n")
    circuit = solved(small(text))
    state, found = seen(circuit, 0.2, 20.0)
    zones = circuit.zones

    def highest(share: float) -> float:
        keep = np.ones((len(zones.load_kw), 1))
        keep[zones.load_class == 3] = share
        done = evaluate(circuit.phases.feeder, BASE, circuit.drivers.scenario("x", state, keep), circuit.phases.limits)
        return float(done.flow.v_pu[0, zones.node_zone == 0].max())

    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if highest(middle) <= 1.005 else (low, middle)
    assert highest(1.0) > 1.008
    assert found.clean.all()
    assert found.curtailed_mw[0, 0, 0] == pytest.approx((1 - low) * 1.0, rel=0.03)
    assert found.cut_mw.max() == 0


def test_sun_that_flows_back_through_the_transformer_is_curtailed_for_the_substation(small) -> None:
    # the substation may carry 1 % of 5 MVA
    text = STUDY.replace("v_min_pu = 0.9", "v_min_pu = 0.9\ntransformer_loading_max_pu = 0.01\nloading_max_pu = 9\n")
    circuit = solved(small(text))
    _, found = seen(circuit, 0.0, 6.0)
    assert found.clean.all()
    assert found.curtailed_mw[0, 0, 2] > 0.1
    assert found.curtailed_mw[0, 0, 0] == 0


def test_a_voltage_too_high_without_sun_is_not_curtailed(small) -> None:
    raised = CIRCUIT.replace("xhl=6", "xhl=6 taps=[1 1.06]")
    _, found = seen(solved(small(STUDY, raised)), 0.1, 0.0)
    assert found.v_max_pu.max() > 1.05
    assert found.curtailed_mw.max() == 0
    assert found.cut_mw.max() == 0


def test_hours_with_much_sun_and_little_load_are_solved_and_curtailment_reaches_the_tables(small) -> None:
    much = "[scenarios]\nsolar_share = [0.9, 1.0]\nsolar_kw = 20"
    path = small(STUDY.replace("[scenarios]", much))
    job, settings = planning.read_study(path)
    result = job.run(settings, path.parent)
    needs, check = result.tables["needs"], result.tables["check"]
    assert needs.query("feeder == 'a'")["curtailed_mwh"].max() > 1
    assert needs.query("feeder == 'b'")["curtailed_mwh"].max() == 0
    assert (check["expected_curtailed"] > 1).all()
