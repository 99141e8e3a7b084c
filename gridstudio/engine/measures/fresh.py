"""Measures that leave something behind which the engine cannot take back: their circuit is used once.

A new regulator brings a node and taps of its own, an inverter control remembers the last solution. After each
trajectory with one of them the session compiles a fresh copy, 10 to 20 ms on the IEEE feeders.
"""

import math
from itertools import pairwise

from gridstudio.domain.changes import AddRegulator, VoltVar
from gridstudio.engine.circuit import run
from gridstudio.engine.edits import Edits
from gridstudio.engine.inventory import Inventory, unknown

_PT_SECONDARY_V = 120.0

# -- what does not fit ----------------------------------------------------------------------------------------------


def volt_var_misfits(inventory: Inventory, change: VoltVar) -> list[str]:
    generators = inventory.network.generators
    known = generators.loc[generators["kind"] == "pvsystem", "generator"].tolist()
    if change.pv not in known:
        return [unknown("PV system", change.pv, known)]
    volts, vars_ = [v for v, _ in change.curve], [q for _, q in change.curve]
    wrong = []
    if not inventory.controls_act:
        wrong.append(f"PV system {change.pv!r}: volt-var does nothing while the controls of the feeder are off.")
    if len(volts) < 2 or any(b <= a for a, b in pairwise(volts)) or min(volts) <= 0:
        wrong.append(f"PV system {change.pv!r}: the voltages of its volt-var curve must be positive and rise.")
    if not all(-1 <= q <= 1 for q in vars_) or any(b > a for a, b in pairwise(vars_)):
        wrong.append(f"PV system {change.pv!r}: the vars of its volt-var curve must fall and lie between -1 and 1.")
    return wrong


def add_regulator_misfits(inventory: Inventory, change: AddRegulator) -> list[str]:
    line, network = change.line, inventory.network
    if line not in network.line_row:
        return [unknown("line", line, network.line_row)]
    wrong = []
    if not inventory.controls_act:
        wrong.append(f"New regulator in line {line!r}: it does nothing while the controls of the feeder are off.")
    if line in inventory.switches:
        wrong.append(f"New regulator in line {line!r}: the line is a switch, name the line behind it.")
    if not 0 < change.vreg_v < math.inf or not 0 < change.band_v < math.inf:
        wrong.append(f"New regulator in line {line!r}: set point and bandwidth must be positive numbers.")
    if not 0 < change.kva < math.inf:
        wrong.append(f"New regulator in line {line!r}: {change.kva:g} kVA is not a positive number.")
    bus = str(network.branches["bus1"].iat[network.line_row[line]])
    if not min(inventory.bus_nodes[bus].values()) > 0:
        wrong.append(f"New regulator in line {line!r}: its bus {bus!r} has no voltage base.")
    return wrong


# -- what is done ---------------------------------------------------------------------------------------------------


def volt_var(edits: Edits, change: VoltVar) -> None:
    dss, name = edits.dss, f"gs_voltvar_{change.pv}"
    volts = " ".join(repr(float(v)) for v, _ in change.curve)
    vars_ = " ".join(repr(float(q)) for _, q in change.curve)
    run(dss, f'new "xycurve.{name}" npts={len(change.curve)} xarray=[{volts}] yarray=[{vars_}]')
    run(dss, f'new "invcontrol.{name}" derlist=["pvsystem.{change.pv}"] mode=voltvar vvc_curve1="{name}"')
    edits.once = edits.nodes = True


def add_regulator(edits: Edits, change: AddRegulator) -> None:
    """One single-phase unit per phase, between the line's first bus and a new node where the line begins now."""
    dss, line = edits.dss, change.line
    dss.Circuit.SetActiveElement(f"line.{line}")
    first, phases = str(dss.CktElement.BusNames()[0]), int(dss.CktElement.NumPhases())
    bus, nodes = first.split(".")[0], [int(node) for node in dss.CktElement.NodeOrder()[:phases]]
    dss.Circuit.SetActiveBus(bus)
    kv = float(dss.Bus.kVBase())
    new_bus = f"gs_regulated_{line}"
    rating = f"kvs=[{kv!r} {kv!r}] kvas=[{change.kva / phases!r} {change.kva / phases!r}]"
    for node in nodes:
        name = f"gs_regulator_{line}_{node}"
        # nearly ideal, as regulators are in the IEEE feeders
        run(
            dss,
            f'new "transformer.{name}" phases=1 windings=2 buses=["{bus}.{node}" "{new_bus}.{node}"] '
            f"{rating} xhl=0.01 %rs=[0.00001 0.00001]",
        )
        run(
            dss,
            f'new "regcontrol.{name}" transformer="{name}" winding=2 vreg={change.vreg_v!r} band={change.band_v!r} '
            f"ptratio={1000.0 * kv / _PT_SECONDARY_V!r}",
        )
        edits.taps.append((name, 2, 1.0))
    run(dss, f'edit "line.{line}" bus1="{new_bus}{"".join(f".{node}" for node in nodes)}"')
    run(dss, "makebuslist")
    run(dss, f'setkvbase bus="{new_bus}" kvln={kv!r}')
    edits.once = edits.nodes = True
