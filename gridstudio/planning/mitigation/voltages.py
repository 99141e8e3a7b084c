"""Candidates that move voltages: set points, capacitors, inverters."""

from collections.abc import Iterable, Sequence
from functools import partial

from gridstudio.planning.mitigation import capacitors, menu
from gridstudio.planning.mitigation.places import WORST_BUSES, Move, buses_on_way, hot, medium, offered, worst_buses
from gridstudio.planning.mitigation.problem import Option, Plan, Problem
from gridstudio.planning.mitigation.state import State

SETTING_STEPS_V = (1, 2, 3, 4, 6)
CAPACITOR_PLACES = 3  # on the way to a low bus
INVERTERS = 6


def settings(problem: Problem, state: State) -> Iterable[Move]:
    """Set points up where voltages are low, down where they are high; each control, and each bank at once."""
    low, high = worst_buses(problem, state.low), worst_buses(problem, state.high)
    reach = {control.control: f"transformer.{control.transformer}" for control in problem.assets.regulators}
    on_way = {element for bus in (*low, *high) for element in problem.paths.get(bus, ())}
    banks: dict[tuple[str, ...], list[str]] = {}
    for control in problem.assets.regulators:
        if reach[control.control] in on_way or (
            control.transformer in problem.bank_of
            and any(f"transformer.{unit}" in on_way for unit in problem.bank_of[control.transformer])
        ):
            banks.setdefault(problem.bank_of.get(control.transformer, (control.transformer,)), []).append(
                control.control
            )
    for controls in banks.values():
        offers = {name: _regulator_offers(problem, name) for name in controls}
        singles = [[name] for name in controls] if len(controls) > 1 else []
        for group in (controls, *singles):
            yield from _set_points(problem, state, group, offers, bool(low), bool(high))


def _regulator_offers(problem: Problem, control: str) -> dict[tuple[float, bool], Option]:
    """Options of a control by set point and whether its compensation stays."""
    regulator = next(r for r in problem.assets.regulators if r.control == control)
    options = offered(problem, ("regcontrol", control), lambda: menu.regulator_settings(problem, regulator))
    return {(option.changes[0].vreg_v, option.changes[0].r_v is None): option for option in options}  # type: ignore[attr-defined]


def _set_points(
    problem: Problem,
    state: State,
    group: Sequence[str],
    offers: dict[str, dict[tuple[float, bool], Option]],
    low: bool,
    high: bool,
) -> Iterable[Move]:
    steps = [d for d in SETTING_STEPS_V if low] + [-d for d in SETTING_STEPS_V if high]
    which = f"regulator {', '.join(group)}"
    for d in steps:
        chosen = []
        for name in group:
            now_v, keeps = _set_now(problem, state.plan, name)
            chosen.append(offers[name].get((round(now_v) + d, keeps)))
        if all(chosen):
            against = "low" if d > 0 else "high"
            yield Move(tuple(o for o in chosen if o), f"{which} on the way to voltages out of band", against)
    for volts in sorted({v for offer in offers.values() for v, keeps in offer if not keeps}):
        chosen = [offers[name].get((volts, False)) for name in group]
        if all(chosen):
            reason = f"{which}: line drop compensation drives voltages out of band"
            yield Move(tuple(o for o in chosen if o), reason, "high" if high else "low")


def _set_now(problem: Problem, plan: Plan, control: str) -> tuple[float, bool]:
    """The set point [V] in force, and whether line drop compensation is as published."""
    if option := plan.of(f"regcontrol.{control}"):
        change = option.changes[0]
        return change.vreg_v, change.r_v is None  # type: ignore[attr-defined]
    return next(r.vreg_v for r in problem.assets.regulators if r.control == control), True


def banks(problem: Problem, state: State) -> Iterable[Move]:
    """Capacitor banks that stand already: switched, switched by other settings, or larger."""
    if not (state.low.any() or state.high.any() or state.over.any()):
        return
    for bank in problem.assets.banks:
        options = offered(problem, ("bank", bank.capacitor), partial(capacitors.bank_options, problem, bank))
        for option in options:
            earlier = capacitors.switches_earlier(problem, bank, option.changes[0])
            more = option.size > bank.kvar or _steps(option) > bank.in_service or earlier
            if more and state.low.any():
                yield Move((option,), "more reactive power lifts low voltages", "low")
            elif not more and state.high.any():
                yield Move((option,), "less reactive power lowers high voltages", "high")


def _steps(option: Option) -> int:
    return getattr(option.changes[0], "steps", None) or 0


def new_banks(problem: Problem, state: State, hottest: int = WORST_BUSES) -> Iterable[Move]:
    """New capacitors at low buses and on the way to them, and behind hot branches."""
    places: dict[tuple[str, tuple[int, ...]], tuple[str, str]] = {}
    for bus in worst_buses(problem, state.low):
        for at, phases in _capacitor_places(problem, state, bus):
            places.setdefault((at, phases), (f"voltages are low at {bus}", "low"))
    for row in hot(state)[:hottest]:
        element, bus = (str(problem.network.branches[c].iat[row]) for c in ("element", "bus2"))
        if len(problem.phases_at(bus)) == 3 and medium(problem, bus):
            places.setdefault((bus, (1, 2, 3)), (f"less reactive current through {element}", "thermal"))
    for (at, phases), (reason, against) in places.items():
        key = ("new bank", at, str(phases))
        for option in offered(problem, key, partial(capacitors.new_capacitors, problem, at, phases)):
            yield Move((option,), reason, against)


def _capacitor_places(problem: Problem, state: State, bus: str) -> Iterable[tuple[str, tuple[int, ...]]]:
    """Three-phase buses on the way, the last one and between; and the low phase of the bus itself."""
    way = [b for b in buses_on_way(problem, bus) if problem.phases_at(b) == (1, 2, 3) and medium(problem, b)]
    for k in range(CAPACITOR_PLACES):
        if way:
            yield way[-1 - (k * len(way)) // (CAPACITOR_PLACES + 1)], (1, 2, 3)
    for row in problem.nodes_of.get(bus, ()):
        phase = int(problem.network.nodes["phase"].iat[row])
        if state.low[row] > 0 and phase <= 3 and medium(problem, bus):
            yield bus, (phase,)


def inverters(problem: Problem, state: State) -> Iterable[Move]:
    """Inverters on the ways that lead to buses out of band, the largest ones alone and together."""
    buses = (*worst_buses(problem, state.high), *worst_buses(problem, state.low))
    if not buses:
        return
    shared = {e for bus in buses for e in problem.paths.get(bus, ())[-3:]}
    table = problem.network.generators
    pv = table[(table["kind"] == "pvsystem") & ~table["opened"]]
    near = [
        (-float(kw), str(name))
        for name, bus, kw in zip(pv["generator"], pv["bus"], pv["kw"], strict=True)
        if shared & set(problem.paths.get(bus, ()))
    ]
    options = []
    for _, name in sorted(near)[:INVERTERS]:
        options += offered(problem, ("volt-var", name), partial(menu.volt_var, problem, name))
    against = "high" if state.high.any() else "low"
    for count in dict.fromkeys((1, 2, len(options))):
        if 0 < count <= len(options):
            yield Move(tuple(options[:count]), "inverters on the way to voltages out of band", against)
