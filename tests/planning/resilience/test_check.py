"""An island's power flow: only its source feeds it, only its loads draw, and its limits are those of the engineer."""

import numpy as np
import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.blocks import roots_of
from gridstudio.planning.resilience.check import Prover
from gridstudio.planning.resilience.stage import Proposal

WEAK = "r1=15 x1=15 r0=30 x0=30 c1=0 c0=0 normamps=1000"


def prover_of(setup):
    phases = Phases(setup.grid.feeder, setup.grid.limits, Workers())
    return Prover(setup.grid, setup.sites, roots_of(setup.grid, setup.sites), phases)


def island_of(setup, source, sections, closed, units):
    grid = setup.grid
    roots = [root.name for root in roots_of(grid, setup.sites)]
    row = {device.name: d for d, device in enumerate(grid.sections.devices)}
    return Proposal(
        root=roots.index(source),
        sections=sum(1 << grid.sections.of_bus[bus] for bus in sections),
        closed=sum(1 << row[name] for name in closed),
        units=tuple(sorted(grid.unit_names.index(name) for name in units)),
    )


def test_a_source_feeds_its_own_loads_and_no_other(small):
    setup = small()
    prover = prover_of(setup)
    (proof,) = prover.prove([island_of(setup, "c", "cd", ["d"], ["c", "d_end"])])
    assert proof.broken == ()
    assert proof.served_kw == pytest.approx(200.0, abs=0.01)
    assert proof.source_kw == pytest.approx(200.0, abs=0.1)


def test_an_island_is_solved_once(small):
    setup = small()
    prover, island = prover_of(setup), island_of(setup, "c", "c", [], ["c"])
    first = prover.prove([island, island])
    again = prover.prove([island])
    assert first == [*again, *again]
    assert prover.phases.power_flows == {"islands": 1}


def test_a_source_too_small_is_told(small):
    setup = small()
    prover, island = prover_of(setup), island_of(setup, "c", "c", [], ["c"])
    (proof,) = prover.prove([island])
    assert prover.within_rating(island, proof, 101.0)
    assert not prover.within_rating(island, proof, 99.0)
    assert proof.needs_kw(1.25) == pytest.approx(100.0, abs=0.1)


def test_kvar_counts_to_the_rating(chain):
    """By hand: 100 kW and 30 kvar are 104.4 kVA, so with 1.0 kVA per kW a source needs 104.4 kW."""
    setup = chain(sites=[{"name": "b", "max_kw": 200, "kva_per_kw": 1.0}]).prepare()
    prover, island = prover_of(setup), island_of(setup, "b", "b", [], ["b_end"])
    (proof,) = prover.prove([island])
    assert not prover.within_rating(island, proof, 101.0)
    assert proof.needs_kw(1.0) == pytest.approx(np.hypot(100, 30), rel=0.01)


def test_low_voltage_is_refused(small):
    setup = small(line=WEAK)
    proof, lighter = prover_of(setup).prove(
        [
            island_of(setup, "b", "bcde", ["c", "d", "e"], ["c_end", "d_end", "d", "c", "e_end", "b_end"]),
            island_of(setup, "b", "b", [], ["b_end"]),
        ]
    )
    assert proof.broken == ("low_voltage",)
    assert proof.v_min_pu < 0.95
    assert lighter.broken == ()


def test_overload_is_refused(small):
    """By hand: 450 kW at 12.47 kV are 20.8 A."""
    setup = small(line="r1=1e-5 x1=1e-5 r0=1e-5 x0=1e-5 c1=0 c0=0 normamps=10")
    units = ["b_end", "c", "c_end", "d", "d_end", "e", "e_end"]
    (proof,) = prover_of(setup).prove([island_of(setup, "b", "bcde", ["c", "d", "e"], units)])
    assert proof.broken == ("loading",)
    assert proof.loading_max_pu == pytest.approx(450 / (np.sqrt(3) * 12.47) / 10, rel=0.01)
