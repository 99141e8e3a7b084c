"""What one measure does to one element of the circuit, by size and cost of the catalogue."""

from dataclasses import dataclass

import numpy as np

from gridstudio.domain.changes import (
    AddCapacitor,
    AddRegulator,
    Change,
    MovePhase,
    ParallelLine,
    Reconductor,
    ReplaceTransformer,
)
from gridstudio.domain.equipment import Equipment, Item
from gridstudio.planning.upgrades.circuit import Circuit


@dataclass(frozen=True)
class Part:
    """One change of a candidate and its cost; ``o_and_m`` USD per year, ``life`` years."""

    element: str
    change: Change
    text: str
    cost_usd: float
    o_and_m: float
    life: float


def stronger_line(circuit: Circuit, equipment: Equipment, measure: str, row: int, amps: float) -> Part | None:
    """A larger conductor for ``amps``, or a second circuit, on the line in branch ``row``; a larger switch where it is
    one; None if none is on sale."""
    network = circuit.zones.network
    name = str(network.branches["name"].iat[row])
    line = network.lines.set_index("line").loc[name]
    rating = float(network.branches["ampacity_a"].iat[row])
    measure = "switch" if line["is_switch"] else measure
    needed = rating if measure == "parallel_line" else max(amps, np.nextafter(rating, np.inf))
    item = equipment.least(measure, needed, int(line["phases"]))
    if item is None:
        return None
    many = 1.0 if item.per == "unit" else float(np.nan_to_num(line["length_m"])) / 1000
    change: Change = ParallelLine(name, 2) if measure == "parallel_line" else Reconductor(name, item.size)
    text = "a second circuit" if measure == "parallel_line" else f"{item.size:g} A for {rating:g} A"
    cost = many * item.unit_cost_usd
    return Part(f"line.{name}", change, text, cost, many * item.o_and_m_usd_per_year, item.life_years)


def larger_transformer(circuit: Circuit, equipment: Equipment, row: int, amps: float) -> Part | None:
    """The smallest transformer that carries ``amps`` in place of the one in branch ``row``; None if none is on sale."""
    network = circuit.zones.network
    name = str(network.branches["name"].iat[row])
    unit = network.transformers.set_index("transformer").loc[name]
    kva = float(unit["kva"]) * amps / float(network.branches["ampacity_a"].iat[row])
    phases = int(unit["phases"])
    item = equipment.least("transformer_three_phase" if phases == 3 else "transformer_one_phase", kva, phases)
    if item is None or item.size <= unit["kva"]:
        return None
    text = f"{item.size:g} kVA for {float(unit['kva']):g} kVA"
    return _one(f"transformer.{name}", ReplaceTransformer(name, item.size), text, item)


def _one(element: str, change: Change, text: str, item: Item) -> Part:
    return Part(element, change, text, item.unit_cost_usd, item.o_and_m_usd_per_year, item.life_years)


def capacitor_bank(circuit: Circuit, equipment: Equipment, zone: int, node: int) -> Part | None:
    """A bank of about a third of the feeder's reactive load at the last three-phase bus before the lowest node."""
    network = circuit.zones.network
    path = _three_phase_path(circuit, zone, node)
    kvar = float(network.loads["kvar"].to_numpy()[circuit.zones.load_zone == zone].sum()) / 3
    sizes = equipment.sizes("capacitor", 3)
    if not path or not sizes:
        return None
    item = next((one for one in sizes if one.size >= kvar), sizes[-1])
    bus = str(network.branches["bus2"].iat[path[-1]])
    return _one(f"bus.{bus}", AddCapacitor(bus, item.size), f"a bank of {item.size:g} kvar", item)


def regulator_halfway(circuit: Circuit, equipment: Equipment, zone: int, node: int) -> Part | None:
    """Halfway to the lowest node."""
    network, path = circuit.zones.network, _three_phase_path(circuit, zone, node)
    lines = [row for row in path if network.branches["kind"].iat[row] == "line"]
    sizes = equipment.sizes("regulator", 3)
    if not lines or not sizes:
        return None
    name = str(network.branches["name"].iat[lines[len(lines) // 2]])
    return _one(f"line.{name}", AddRegulator(name, kva=sizes[0].size), "three single-phase regulators", sizes[0])


def _three_phase_path(circuit: Circuit, zone: int, node: int) -> list[int]:
    """Three-phase branches of the zone on the way to a watched node."""
    zones, network = circuit.zones, circuit.zones.network
    bus = str(network.nodes["bus"].iat[int(circuit.watches[zone].nodes[node])])
    phases = network.branches["phases"].to_numpy()
    return [row for row in zones.paths[bus] if zones.branch_zone[row] == zone and phases[row] == 3]


def phase_moves(circuit: Circuit, equipment: Equipment, zone: int, most: int) -> tuple[Part, ...]:
    """Single-phase loads that go from the heaviest phase of the feeder to the lightest, largest first."""
    zones, loads = circuit.zones, circuit.zones.network.loads
    items = equipment.sizes("move_phase")
    mine = np.flatnonzero((zones.load_zone == zone) & (zones.load_kw > 0))
    nodes = {n: [int(x) for x in str(loads["nodes"].iat[n]).split(".") if x] for n in mine}
    kw = np.zeros(4)
    for n in mine:
        kw[[x for x in nodes[n] if x < 4]] += zones.load_kw[n] / max(1, len(nodes[n]))
    at_bus = zones.network.nodes.groupby("bus")["phase"].agg(set)
    parts: list[Part] = []
    for n in sorted((n for n in mine if len(nodes[n]) == 1), key=lambda n: -zones.load_kw[n]):
        heavy, light = 1 + int(np.argmax(kw[1:])), 1 + int(np.argmin(kw[1:]))
        bus, name = str(loads["bus"].iat[n]), str(loads["load"].iat[n])
        fits = nodes[n] == [heavy] and light in at_bus[bus] and kw[heavy] - kw[light] > zones.load_kw[n]
        if fits and items and len(parts) < most:
            kw[[heavy, light]] += [-zones.load_kw[n], zones.load_kw[n]]
            parts.append(_one(f"load.{name}", MovePhase(name, (light,)), f"from phase {heavy} to {light}", items[0]))
    return tuple(parts)
