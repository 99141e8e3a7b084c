"""What may be bought for an element: options of rising cost, each with its changes and its price.

What does not fit the circuit is not offered: the engine is asked (``engine.misfits``). An option is a size above
what stands there today, or a setting other than today's.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from gridstudio import engine
from gridstudio.domain.changes import (
    AddBattery,
    AddRegulator,
    Change,
    MovePhase,
    ParallelLine,
    Reconductor,
    ReduceLoad,
    ReplaceTransformer,
    SetRegulator,
    VoltVar,
)
from gridstudio.domain.economics import annuity_factor
from gridstudio.domain.equipment import Item
from gridstudio.engine import Regulator
from gridstudio.planning.mitigation.problem import Option, Problem, load_scale

COMPENSATED_V = 8  # set points below the band that are offered where line drop compensation lifts them
UNITS_BESIDE = 3  # most equal transformers side by side, where no single one is large enough


def fitting(problem: Problem, options: Iterable[Option]) -> list[Option]:
    """Options that the circuit takes."""
    asked = list(options)
    wrong = engine.misfits(problem.feeder, [change for option in asked for change in option.changes])
    found, at = [], 0
    for option in asked:
        if not any(wrong[at : at + len(option.changes)]):
            found.append(option)
        at += len(option.changes)
    return found


# -- lines ----------------------------------------------------------------------------------------------------------


def line_options(problem: Problem, line: str) -> list[Option]:
    """Larger conductors and more circuits of a line, or a larger switch; none without length or rating."""
    element, km = f"line.{line}", problem.length_km[line]
    rating_a = float(problem.network.branches["ampacity_a"].iat[problem.network.line_row[line]])
    phases = int(problem.network.line_phases[line])
    if not rating_a > 0 or element in problem.excluded:
        return []
    if line in problem.switches:
        return _switch_options(problem, line, rating_a, phases)
    if not km > 0:
        return []
    kind = "cable" if line in problem.cables else "line"
    replace, beside = ("reconductor_cable", "parallel_cable") if kind == "cable" else ("reconductor", "parallel_line")
    found = []
    for item in problem.equipment.sizes(replace, phases) if problem.may(replace, element) else ():
        if item.size > rating_a and (code := problem.line_code.get((line, item.size))):
            change = Reconductor(line, item.size, code)
            what = f"{item.size:g} A conductors in the place of {rating_a:g} A over {_metres(km)}"
            found.append(option_of(problem, item, element, element, (change,), item.size, rating_a, km, what))
    one = problem.equipment.least(beside, rating_a, phases) if problem.may(beside, element) else None
    for circuits in range(2, problem.menu.parallel_circuits + 1) if one else ():
        assert one is not None
        what = f"{circuits} circuits of {rating_a:g} A instead of one over {_metres(km)}"
        change2 = ParallelLine(line, circuits)
        size = circuits * rating_a
        found.append(option_of(problem, one, element, element, (change2,), size, rating_a, (circuits - 1) * km, what))
    return _sorted(found)


def _switch_options(problem: Problem, line: str, rating_a: float, phases: int) -> list[Option]:
    """Larger switches in the place of one: another rating, the same power flow."""
    element = f"line.{line}"
    found = []
    for item in problem.equipment.sizes("switch", phases) if problem.may("switch", element) else ():
        if item.size > rating_a:
            what = f"a switch of {item.size:g} A in the place of {rating_a:g} A"
            change = Reconductor(line, item.size)
            found.append(option_of(problem, item, element, element, (change,), item.size, rating_a, 1, what))
    return _sorted(found)


# -- transformers, regulators ---------------------------------------------------------------------------------------


def transformer_options(problem: Problem, name: str) -> list[Option]:
    """Larger units; of a bank of single-phase units or a regulator all at once."""
    network = problem.network
    row = network.transformer_row.get(name)
    if row is None or f"transformer.{name}" in problem.excluded:
        return []
    bank = problem.bank_of[name]
    is_regulator = name in problem.regulators
    units = bank if is_regulator else (name,)
    today = sum(network.transformer_kva[unit] for unit in units)
    phases = int(network.branches["phases"].iat[row])
    measure = "regulator" if is_regulator else f"transformer_{'three' if phases == 3 else 'one'}_phase"
    slot = element = f"transformer.{units[0]}"
    if not problem.may(measure, element):
        return []
    items = problem.equipment.sizes(measure, 3 if is_regulator else phases)
    found = []
    for item, count in _large_enough(items):
        kva = count * item.size
        if kva <= today:
            continue
        changes = tuple(ReplaceTransformer(unit, kva / len(units)) for unit in units)
        times = f"{count} x " if count > 1 else ""
        what = f"{times}{item.size:g} kVA in the place of {today:g} kVA"
        found.append(option_of(problem, item, slot, element, changes, kva, today, count, what))
    return _sorted(found)


def _large_enough(items: Sequence[Item]) -> list[tuple[Item, int]]:
    """Every size once, and the largest more than once."""
    return [(item, 1) for item in items] + [(items[-1], n) for n in range(2, UNITS_BESIDE + 1) if items]


def regulator_settings(problem: Problem, regulator: Regulator) -> list[Option]:
    """Other set points, with the line drop compensation as it is and without."""
    element = f"regcontrol.{regulator.control}"
    kind = "regulator_settings" if regulator.transformer in problem.regulators else "tap_changer_settings"
    items = problem.equipment.sizes(kind)
    if not items or not problem.may(kind, element) or not regulator.vreg_v > 0:
        return []
    found = []
    per_volt = regulator.target_pu / regulator.vreg_v
    compensated = regulator.r_v != 0 or regulator.x_v != 0
    low, high = (math.ceil(problem.limits.v_min_pu / per_volt), math.floor(problem.limits.v_max_pu / per_volt))
    for without in (False, True) if compensated else (False,):
        for volts in range(low - (0 if without or not compensated else COMPENSATED_V), high + 1):
            if volts == regulator.vreg_v and not without:
                continue
            change = SetRegulator(regulator.control, float(volts), None, *((0.0, 0.0) if without else (None, None)))
            what = f"set point {volts:g} V instead of {regulator.vreg_v:g} V" + (
                ", no line drop compensation" if without else ""
            )
            size = math.nan
            found.append(option_of(problem, items[0], element, element, (change,), size, math.nan, 1, what))
    return found


def new_regulator(problem: Problem, line: str, volts: Sequence[float] = (121.0, 124.0)) -> list[Option]:
    """A regulator at the head of a line, where the level stands to earth and the unit carries the line's rating."""
    network, element = problem.network, f"line.{line}"
    row = network.line_row[line]
    bus = str(network.branches["bus1"].iat[row])
    items = problem.equipment.sizes("regulator", 3)
    if not items or bus not in problem.earthed or not problem.may("regulator", element):
        return []
    kv = float(network.nodes["base_kv"].iat[problem.nodes_of[bus][0]])
    rating_a = float(network.branches["ampacity_a"].iat[row])
    needed = 3 * kv * rating_a if rating_a > 0 else 0.0
    item = next((item for item in items if item.size >= needed), None)
    if item is None or kv < 1.0:
        return []
    return [
        option_of(
            problem, item, f"regulator@{line}", element, (AddRegulator(line, v, 2.0, item.size),),
            item.size, math.nan, 1, f"a new regulator at the head of the line, set to {v:g} V",
        )
        for v in volts
    ]  # fmt: skip


# -- inverters -------------------------------------------------------------------------------------------------------


def volt_var(problem: Problem, pv: str) -> list[Option]:
    element = f"pvsystem.{pv}"
    items = problem.equipment.sizes("volt_var")
    if not items or not problem.may("volt_var", element):
        return []
    what = "inverter in volt-var mode, curve of IEEE 1547-2018 category B"
    return [option_of(problem, items[0], element, element, (VoltVar(pv),), math.nan, math.nan, 1, what)]


# -- loads ----------------------------------------------------------------------------------------------------------


def phase_moves(problem: Problem, row: int) -> list[Option]:
    """The other phases that a single-phase load can stand on."""
    load = problem.network.loads.iloc[row]
    name, nodes = str(load["load"]), tuple(int(n) for n in str(load["nodes"]).split(".") if n)
    items = problem.equipment.sizes("move_phase")
    there = problem.phases_at(str(load["bus"]))
    element = f"load.{name}"
    if not items or load["phases"] != 1 or not set(nodes) <= set(there) or not problem.may("move_phase", element):
        return []
    if len(nodes) == 1:
        others: list[tuple[int, ...]] = [(phase,) for phase in there if phase not in nodes]
    else:
        pairs = [(1, 2), (2, 3), (3, 1)] if len(there) == 3 else []
        others = [pair for pair in pairs if set(pair) != set(nodes)]
    slot, today = f"phase@{name}", ", ".join(map(str, nodes))
    return [
        option_of(
            problem, items[0], slot, element, (MovePhase(name, to),), math.nan, math.nan, 1,
            f"{load['kw']:g} kW from phase {today} to {', '.join(map(str, to))}",
        )
        for to in others
    ]  # fmt: skip


def reduction(problem: Problem, row: int, share: float) -> list[Option]:
    """Demand response of a share of a load at its largest in the study."""
    load = problem.network.loads.iloc[row]
    name = str(load["load"])
    items = problem.equipment.sizes("demand_response")
    if not items or not problem.may("demand_response", f"load.{name}"):
        return []
    kw = share * float(load["kw"]) * _largest_scale(problem, name)
    what = f"{100 * share:.0f} % less load ({kw:.1f} kW at the most)"
    changes = (ReduceLoad(name, share),)
    return [option_of(problem, items[0], f"reduce@{name}", f"load.{name}", changes, kw, 0.0, kw, what)]


def batteries(problem: Problem, bus: str, sizes_kw: Sequence[float]) -> list[Option]:
    """Batteries at a bus that deliver in every time point."""
    items = problem.equipment.sizes("battery")
    if not items or not problem.may("battery", f"bus.{bus}") or not problem.phases_at(bus):
        return []
    return [
        option_of(
            problem, items[0], f"battery@{bus}", f"bus.{bus}", (AddBattery(bus, float(kw)),), kw, 0.0, kw,
            f"a new battery that delivers {kw:g} kW",
        )
        for kw in sizes_kw
    ]  # fmt: skip


# -- helpers --------------------------------------------------------------------------------------------------------


def option_of(
    problem: Problem,
    item: Item,
    slot: str,
    element: str,
    changes: tuple[Change, ...],
    size: float,
    size_before: float,
    quantity: float,
    what: str,
) -> Option:
    capital = item.unit_cost_usd * quantity
    yearly = item.o_and_m_usd_per_year * quantity
    cost = capital + yearly * float(annuity_factor(problem.menu.horizon_years, problem.menu.discount_rate))
    return Option(slot, element, changes, item, size, size_before, float(quantity), what, capital, yearly, cost)


def _largest_scale(problem: Problem, load: str) -> float:
    return float(np.max([max(load_scale(scenario, load)) for scenario in problem.scenarios]))


def _sorted(options: list[Option]) -> list[Option]:
    return sorted(options, key=lambda option: (option.cost_usd, option.size))


def _metres(km: float) -> str:
    return f"{1000 * km:.0f} m"
