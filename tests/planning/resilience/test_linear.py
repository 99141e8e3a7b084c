"""The linear flow against OpenDSS, and by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstudio.domain.devices import read_devices
from gridstudio.domain.limits import Limits
from gridstudio.domain.sections import bits, build_sections
from gridstudio.engine import Feeder, inspect
from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.blocks import Root
from gridstudio.planning.resilience.check import Prover
from gridstudio.planning.resilience.contract import Grid, Sites
from gridstudio.planning.resilience.limits import LinearLimits
from gridstudio.planning.resilience.stage import Proposal

ROOT = Path(__file__).parents[3]
VOLTAGE_TOLERANCE_PU, POWER_TOLERANCE = 0.01, 0.04


def test_voltage_of_one_line_by_hand(small):
    """From b over 1 km of 2 + j1 ohm to 50 kW at b_end: v^2 = 1 - 2 * 2 ohm * 0.05 MW / (12.47 kV)^2."""
    setup = small(line="r1=2 x1=1 r0=2 x0=1 c1=0 c0=0 normamps=1000")
    grid = setup.grid
    linear = LinearLimits(grid, setup.sites, [Root("b", grid.sections.of_bus["b"], 3, "b", (1, 2, 3))])
    on = np.zeros(len(grid.unit_names) + len(grid.sections))
    on[grid.unit_names.index("b_end")] = 1.0
    there = linear.effects(0, 0)
    node = np.flatnonzero((grid.network.nodes["bus"] == "b_end").to_numpy())
    assert there.voltage_pu(on)[node] == pytest.approx(np.sqrt(1 - 2 * 2 * 0.05 / 12.47**2), abs=1e-6)


def ieee123():
    """The grid with a site at 95, 66 and 25, every bus a unit."""
    feeder = Feeder("ieee123", ROOT / "dss_models/ieee123/master.dss", ("redirect candidates.dss",))
    network, _ = inspect(feeder)
    devices = read_devices(ROOT / "studies/data/ieee123_devices.csv", network)
    sections = build_sections(network, devices, dict.fromkeys(network.loads["load"], 1.0))
    loads = network.loads
    by_phase = {name: np.zeros((len(loads), 3)) for name in ("kw", "kvar")}
    for row, load in enumerate(loads.itertuples()):
        phases = sorted({int(node) - 1 for node in load.nodes.split(".")})
        for name, table in by_phase.items():
            table[row, phases] = getattr(load, name) / len(phases)
    unit, names = pd.factorize(loads["bus"])
    section = np.array([sections.of_bus[bus] for bus in loads["bus"]])
    count, lines, switches = len(loads), 0, len(devices)
    grid = Grid(
        feeder, network, sections, Limits(), tuple(loads["load"]), by_phase["kw"], by_phase["kvar"], np.ones(count),
        np.zeros(count, bool), section, unit, tuple(names), np.array([sections.of_bus[bus] for bus in names]), (),
        np.zeros(lines), np.zeros(lines, bool), np.zeros((lines, len(sections)), bool), np.zeros(lines, bool),
        np.zeros(lines), np.zeros(switches, bool), np.zeros(switches),
    )  # fmt: skip
    buses = ("95", "66", "25")
    rows = [network.source_row[f"gfm_{bus}"] for bus in buses]
    own = np.array([sections.of_bus[bus] for bus in buses])
    ones = np.ones(len(buses))
    sites = Sites(buses, buses, np.array(rows), own, np.ones((3, 3), bool), 1000 * ones, 1.25 * ones, 0 * ones)
    return grid, sites


def test_islands_of_ieee123_agree_with_opendss():
    """Islands of each source over its own section and its neighbours, all loads on: voltages where no regulator is on
    the way, and the source's kW."""
    grid, sites = ieee123()
    roots = [Root(name, int(sites.section[i]), i, sites.buses[i], (1, 2, 3)) for i, name in enumerate(sites.names)]
    linear = LinearLimits(grid, sites, roots)
    prover = Prover(grid, sites, roots, Phases(grid.feeder, grid.limits, Workers()))
    islands = []
    for r, root in enumerate(roots):
        around = [(0, 0), *((1 << d, 1 << other) for d, other in grid.sections.around[root.section])]
        for closed, other in around:
            sections = 1 << root.section | other
            units = tuple(u for u, s in enumerate(grid.unit_section) if sections >> int(s) & 1)
            if 0 < linear.power.real[list(units)].sum() <= 1000.0:
                islands.append(Proposal(r, sections, closed, units))
    compared = 0
    for island, proof in zip(islands, prover.prove(islands), strict=True):
        assert "not_converged" not in proof.broken
        on = np.zeros(len(linear.power))
        on[list(island.units)] = 1.0
        on[[len(grid.unit_names) + s for s in bits(island.sections)]] = 1.0
        assert proof.source_kw == pytest.approx((linear.power * on).sum().real, rel=POWER_TOLERANCE)
        volts, _ = linear.errors(island.root, island.closed, on, proof.lowest, 0.0)
        if not np.isnan(volts):
            assert volts == pytest.approx(proof.v_min_pu, abs=VOLTAGE_TOLERANCE_PU)
            compared += 1
    assert compared >= 4
