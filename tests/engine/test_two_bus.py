"""Two buses by hand: a constant impedance behind a line has an exact phasor solution.

With Z = V_base^2 / S* and z the impedances before it, V = V_source Z / (Z + z), I = V / Z.
"""

import numpy as np
import pytest

from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Session

BASE_V = 4160 / np.sqrt(3)
SOURCE_OHM = 0.001j
LINE_OHM = 2 * (0.1 + 0.3j)


def by_hand(scale=1.0, load_va=600e3 + 300e3j, line_ohm=LINE_OHM, phases=3):
    """Voltage [pu], current [A], served kW, losses [kW], source power [kVA]."""
    load_ohm = BASE_V**2 / np.conj(scale * load_va / phases)
    current = BASE_V / (SOURCE_OHM + line_ohm + load_ohm)
    served = phases * abs(current) ** 2 * load_ohm / 1e3
    losses = phases * abs(current) ** 2 * line_ohm / 1e3
    return abs(current * load_ohm) / BASE_V, abs(current), served.real, losses.real, served + losses


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
def test_three_phase_line_gives_the_phasor_solution(circuit, scale):
    session = Session(circuit())
    flow = session.solve([((), Scenario(load_scale=(scale,)))])[0, 0]
    v_pu, current_a, served_kw, losses_kw, source_kva = by_hand(scale)
    at_end = (session.network.nodes["bus"] == "end").to_numpy()
    assert flow.converged
    assert flow.v_pu[at_end] == pytest.approx([v_pu] * 3, abs=1e-6)
    assert flow.current_a == pytest.approx([current_a] * 3, rel=1e-5)
    assert flow.served_kw == pytest.approx(served_kw, rel=1e-5)
    assert flow.losses_kw == pytest.approx(losses_kw, rel=1e-5)
    assert flow.source_kw == pytest.approx(source_kva.real, rel=1e-5)
    # the source's own reactance lies before its terminal
    assert flow.source_kvar == pytest.approx(source_kva.imag, rel=1e-5)


def test_single_phase_load_sees_the_self_impedance_of_the_line(circuit):
    """Alone on phase 2, of the line's sequence impedances it meets (2 z1 + z0) / 3."""
    house = "new load.house bus1=end.2 phases=1 kv=2.4017771198 kw=100 kvar=50 model=2 vminpu=.5"
    session = Session(circuit(f"edit load.town enabled=no\n{house}"))
    flow = session.solve([((), Scenario())])[0, 0]
    self_ohm = 2 * (2 * (0.1 + 0.3j) + 0.4 + 0.9j) / 3
    v_pu, current_a, served_kw, losses_kw, _ = by_hand(1.0, 100e3 + 50e3j, self_ohm, phases=1)
    nodes = session.network.nodes
    assert flow.v_pu[(nodes["bus"] == "end") & (nodes["phase"] == 2)] == pytest.approx(v_pu, abs=1e-6)
    assert flow.current_a == pytest.approx([0, current_a, 0], abs=1e-4)
    assert flow.served_kw == pytest.approx(served_kw, rel=1e-5)
    assert flow.losses_kw == pytest.approx(losses_kw, rel=1e-5)


def test_constant_power_load_delivers_its_power(circuit):
    flow = Session(circuit("edit load.town model=1")).solve([((), Scenario(load_scale=(1.3,)))])[0, 0]
    assert flow.served_kw == pytest.approx(1.3 * 600, rel=1e-5)


def test_energy_is_conserved_with_generation(circuit):
    """Served is what sources and generation give less the losses: here 600 kW, of which 250 come from the generator."""
    more = "edit load.town model=1\nnew generator.g bus1=end kv=4.16 kw=250 pf=1"
    flow = Session(circuit(more)).solve([((), Scenario())])[0, 0]
    assert flow.served_kw == pytest.approx(600, rel=1e-4)
    assert flow.source_kw - flow.losses_kw == pytest.approx(350, rel=1e-3)


def test_no_load_gives_the_source_voltage_everywhere(circuit):
    flow = Session(circuit()).solve([((), Scenario(load_scale=(0.0,)))])[0, 0]
    assert flow.v_pu == pytest.approx(1.0, abs=1e-6)
    assert flow.current_a == pytest.approx(0.0, abs=1e-3)
    assert flow.losses_kw == pytest.approx(0.0, abs=1e-6)


def test_losses_are_the_engines_own(model):
    """The engine sums the losses of its elements; ours come from all terminal powers at once."""
    session, scenario = Session(model("ieee34")), Scenario(load_scale=(0.9, 1.1))
    with session.state_at_end((), scenario) as engine:
        expected_kw = engine.Circuit.Losses()[0] / 1e3
    assert session.solve([((), scenario)]).losses_kw[0, 1] == pytest.approx(expected_kw, rel=1e-6)
