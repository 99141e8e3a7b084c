"""What could cure what is violated: candidates from the violated elements and from the paths that feed them.

Tiers, asked for in this order, the next only where the last has nothing that helps: ``plain`` (settings, capacitors,
phases, larger lines and transformers where they are too hot), ``wires`` (larger lines and transformers on the way to
buses out of band), ``slow`` (new regulators and volt-var, each in a fresh copy of the circuit), ``last`` (demand
response and batteries, whose energy is not looked at). A candidate is one option or several (a bank of regulators).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from gridstudio.evaluation import Evaluations
from gridstudio.planning.mitigation import menu
from gridstudio.planning.mitigation.excess import Excess, rating_a
from gridstudio.planning.mitigation.problem import Option, Plan, Problem

Floats = NDArray[np.float64]
TIERS = ("plain", "wires", "slow", "last")
SETTING_STEPS_V = (1, 2, 3, 4, 6)
MOVES_NODES = 150_000  # candidates of a round, times nodes, hours and scenarios
LEAST_MOVES = 4  # of each kind, however large the circuit
SLOW_TIMES = 20  # a fresh copy of a circuit costs as much as so many power flows
HOT = 40  # most overloaded branches that are looked at in one round
WORST_BUSES = 3  # of each kind, one per stretch between regulators
CAPACITOR_PLACES = 3  # on the way to a low bus
LOADS_TO_MOVE = 6
LINES_ON_WAY = 8
SLOW_BUSES, SLOW_LINES = 2, 2  # where new regulators are tried, each in a fresh copy of the circuit
SLOW_NODES = 1_500  # circuits with more nodes get one place and one set point at a time
INVERTERS = 6
LAST_RESORT_BUSES = 2
SHARES = (0.25, 0.5, 0.75, 1.0)  # of what is needed or allowed, for batteries and demand response


@dataclass(frozen=True)
class Move:
    """Options that are tried together, and what for."""

    options: tuple[Option, ...]
    reason: str
    against: str  # "thermal", "low", "high"

    @property
    def slow(self) -> bool:
        return any(option.slow for option in self.options)


@dataclass(frozen=True, eq=False)
class State:
    """A plan, solved in all scenarios."""

    plan: Plan
    solved: Evaluations
    excess: Excess

    @cached_property
    def loading(self) -> Floats:
        """Largest loading of every branch (branch,) as a share of its rating; NaN without rating."""
        with np.errstate(all="ignore"):
            shares = self._current / rating_a(self.solved)[0]
        found: Floats = np.fmax.reduce(shares, axis=(0, 1))
        return found

    @cached_property
    def _current(self) -> Floats:
        flow = self.solved.flow
        current: Floats = self.solved.network.branch_current(flow.current_a)[self.solved.row]
        return current

    @cached_property
    def phase_current(self) -> Floats:
        """Largest current of every conductor (conductor,) [A]."""
        found: Floats = np.fmax.reduce(self.solved.flow.current_a[self.solved.row], axis=(0, 1))
        return np.nan_to_num(found)

    @cached_property
    def v_min(self) -> Floats:
        """Lowest voltage of every node (node,) [pu]; 0 where no power flow has an answer."""
        found: Floats = np.fmin.reduce(self.solved.flow.v_pu[self.solved.row], axis=(0, 1))
        return np.nan_to_num(found)

    @cached_property
    def low(self) -> Floats:
        """Largest excess of every node below the band (node,) [pu]; where nothing converged all fed nodes are low."""
        found: Floats = self.excess.low.max(axis=(0, 1))
        if self.excess.unsolved.any() and not found.any():
            fed = self.solved.network.nodes["fed"].to_numpy()
            return np.where(fed, 1.0, 0.0)
        return found

    @cached_property
    def high(self) -> Floats:
        found: Floats = self.excess.high.max(axis=(0, 1))
        return found

    @cached_property
    def over(self) -> Floats:
        """Largest excess of every branch (branch,), share of the limit."""
        found: Floats = self.excess.over.max(axis=(0, 1))
        return found


def proposals(problem: Problem, state: State, tier: str) -> list[Move]:
    """The candidates of a tier, each once, those that the plan has left out."""
    makers: dict[str, tuple[Callable[[Problem, State], Iterable[Move]], ...]] = {
        "plain": (_larger_where_hot, _settings, _banks, _new_banks, _balance),
        "wires": (_wires_on_way, _transformers_on_way),
        "slow": (_new_regulators, _inverters),
        "last": (_less_load, _new_batteries),
    }
    allowed = effort(problem, state.plan)
    most = LEAST_MOVES if allowed < 100 else round(allowed)
    found: dict[tuple[Option, ...], Move] = {}
    for maker in makers[tier]:
        fresh = (m for m in maker(problem, state) if any(state.plan.of(o.slot) != o for o in m.options))
        for move in islice(fresh, HOT if maker is _larger_where_hot else most):
            found.setdefault(move.options, move)
    return list(found.values())


def effort(problem: Problem, plan: Plan) -> float:
    """How many candidates a round may try: fewer on large circuits, and where each needs a fresh copy of it."""
    solves = min(len(problem.scenarios), 4) * problem.scenarios[0].steps
    each = len(problem.network.nodes) * (SLOW_TIMES if any(o.slow for o in plan.options) else solves)
    return MOVES_NODES / each


# -- too hot --------------------------------------------------------------------------------------------------------


def _hot(state: State) -> list[int]:
    """Overloaded branches, worst first."""
    rows = np.flatnonzero(state.over > 0)
    return [int(row) for row in rows[np.argsort(-state.over[rows], kind="stable")]][:HOT]


def _larger_where_hot(problem: Problem, state: State) -> Iterable[Move]:
    """For every hot branch the cheapest size that carries today's current; if none does, the largest."""
    branches = problem.network.branches
    for row in _hot(state):
        kind, name = str(branches["kind"].iat[row]), str(branches["name"].iat[row])
        options = _branch_options(problem, kind, name)
        for option in _sufficient(problem, state, row, options):
            reason = f"{kind} {name} carries {100 * (1 + state.over[row]):.0f} % of its limit"
            yield Move((option,), reason, "thermal")


def _branch_options(problem: Problem, kind: str, name: str) -> list[Option]:
    build = {"line": menu.line_options, "transformer": menu.transformer_options}.get(kind)
    return _offered(problem, (kind, name), lambda: build(problem, name)) if build else []


def _sufficient(problem: Problem, state: State, row: int, options: Sequence[Option]) -> list[Option]:
    """The cheapest option by its rating that does, and the next one; the largest if none does."""
    found = []
    current_a = float(np.fmax.reduce(state._current[..., row], axis=None, initial=0.0))
    for option in options:
        rating = next((r for c in option.changes if (r := c.new_rating(problem.network)) and r[0] == row), None)
        if rating and rating[1] * problem.limit_pu[row] >= current_a:
            found.append(option)
    if found:
        return found[:2]
    return [max(options, key=lambda option: option.size)] if options else []


# -- settings -------------------------------------------------------------------------------------------------------


def _settings(problem: Problem, state: State) -> Iterable[Move]:
    """Set points up where voltages are low, down where they are high; each control, and each bank at once."""
    low, high = _buses(problem, state.low), _buses(problem, state.high)
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
    options = _offered(problem, ("regcontrol", control), lambda: menu.regulator_settings(problem, regulator))
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


def _banks(problem: Problem, state: State) -> Iterable[Move]:
    """Capacitor banks that stand already: switched, or larger."""
    if not (state.low.any() or state.high.any() or state.over.any()):
        return
    for bank in problem.assets.banks:
        options = _offered(problem, ("bank", bank.capacitor), partial(menu.bank_options, problem, bank))
        for option in options:
            more = option.size > bank.kvar or _steps(option) > bank.in_service
            if more and state.low.any():
                yield Move((option,), "more reactive power lifts low voltages", "low")
            elif not more and state.high.any():
                yield Move((option,), "less reactive power lowers high voltages", "high")


def _steps(option: Option) -> int:
    return getattr(option.changes[0], "steps", None) or 0


def _new_banks(problem: Problem, state: State) -> Iterable[Move]:
    """New capacitors at low buses and on the way to them, and behind hot branches."""
    places: dict[tuple[str, tuple[int, ...]], tuple[str, str]] = {}
    for bus in _buses(problem, state.low):
        for at, phases in _capacitor_places(problem, state, bus):
            places.setdefault((at, phases), (f"voltages are low at {bus}", "low"))
    for row in _hot(state)[:WORST_BUSES]:
        element, bus = (str(problem.network.branches[c].iat[row]) for c in ("element", "bus2"))
        if len(problem.phases_at(bus)) == 3 and _medium(problem, bus):
            places.setdefault((bus, (1, 2, 3)), (f"less reactive current through {element}", "thermal"))
    for (at, phases), (reason, against) in places.items():
        key = ("new bank", at, str(phases))
        for option in _offered(problem, key, partial(menu.new_capacitors, problem, at, phases)):
            yield Move((option,), reason, against)


def _capacitor_places(problem: Problem, state: State, bus: str) -> Iterable[tuple[str, tuple[int, ...]]]:
    """Three-phase buses on the way, the last one and between; and the low phase of the bus itself."""
    way = [b for b in _buses_on_way(problem, bus) if problem.phases_at(b) == (1, 2, 3) and _medium(problem, b)]
    for k in range(CAPACITOR_PLACES):
        if way:
            yield way[-1 - (k * len(way)) // (CAPACITOR_PLACES + 1)], (1, 2, 3)
    for row in problem.nodes_of.get(bus, ()):
        phase = int(problem.network.nodes["phase"].iat[row])
        if state.low[row] > 0 and phase <= 3 and _medium(problem, bus):
            yield bus, (phase,)


def _medium(problem: Problem, bus: str) -> bool:
    return float(problem.network.nodes["base_kv"].iat[problem.nodes_of[bus][0]]) >= 1.0


# -- balance --------------------------------------------------------------------------------------------------------


def _balance(problem: Problem, state: State) -> Iterable[Move]:
    """Single-phase loads from the phases of hot conductors and low nodes to the other phases of their buses."""
    asked: dict[int, str] = {}
    for phase, element, why in _strained(problem, state):
        rows = [row for row in problem.loads_below.get(element, ()) if _stands_on(problem, row, phase)]
        rows.sort(key=lambda row: (-float(problem.network.loads["kw"].iat[row]), row))
        movable = [row for row in rows if _phase_moves(problem, row)]
        for row in movable[:LOADS_TO_MOVE]:
            asked.setdefault(row, why)
    for row, why in asked.items():
        for option in _phase_moves(problem, row):
            yield Move((option,), why, "thermal" if "carries" in why else "low")


def _phase_moves(problem: Problem, row: int) -> list[Option]:
    return _offered(problem, ("phase", str(row)), lambda: menu.phase_moves(problem, row))


def _strained(problem: Problem, state: State) -> Iterable[tuple[int, str, str]]:
    """Phase, element and words: the fullest conductor of hot branches, the branch before low nodes."""
    network = problem.network
    ends = [*network.first_conductor, len(network.conductors)]
    phase = network.conductors["phase"].to_numpy()
    for row in _hot(state)[: 2 * WORST_BUSES]:
        currents = state.phase_current[ends[row] : ends[row + 1]]
        if len(currents) > 1 and currents.max() > 1.02 * currents.min():
            element = str(network.branches["element"].iat[row])
            yield int(phase[ends[row] + currents.argmax()]), element, f"the fullest phase of {element} carries too much"
    nodes = network.nodes
    for bus in _buses(problem, state.low):
        rows = [row for row in problem.nodes_of[bus] if state.low[row] > 0]
        worst = max(rows, key=lambda row: (state.low[row], -row))
        way = problem.paths.get(bus, [])
        three = [e for e in way if e in problem.row and network.branches["phases"].iat[problem.row[e]] == 3]
        if three:
            yield int(nodes["phase"].iat[worst]), three[len(three) // 3], f"its phase is low at {bus}"


def _stands_on(problem: Problem, row: int, phase: int) -> bool:
    return str(phase) in str(problem.network.loads["nodes"].iat[row]).split(".")


# -- on the way to low buses ----------------------------------------------------------------------------------------


def _wires_on_way(problem: Problem, state: State) -> Iterable[Move]:
    """Lines with the largest drops of voltage on the way to low buses: next size, and largest."""
    for bus in _buses(problem, state.low):
        drops = [
            (-_drop(problem, state, element), element)
            for element in problem.paths.get(bus, ())
            if element.startswith("line.")
        ]
        for _, element in sorted(drops)[:LINES_ON_WAY]:
            options = _branch_options(problem, "line", element.removeprefix("line."))
            for option in dict.fromkeys((*options[:1], *options[-1:])):
                yield Move((option,), f"large drop of voltage on the way to {bus}", "low")


def _transformers_on_way(problem: Problem, state: State) -> Iterable[Move]:
    for bus in _buses(problem, state.low):
        for element in problem.paths.get(bus, ()):
            if element.startswith("transformer.") and element.split(".", 1)[1] not in problem.regulators:
                for option in _branch_options(problem, "transformer", element.split(".", 1)[1])[:3]:
                    yield Move((option,), f"drop of voltage in it on the way to {bus}", "low")


def _drop(problem: Problem, state: State, element: str) -> float:
    """Largest difference of lowest voltages over a branch, of any phase [pu]."""
    branches, nodes, row = problem.network.branches, problem.network.nodes, problem.row[element]
    ends = []
    for column in ("bus1", "bus2"):
        rows = problem.nodes_of[str(branches[column].iat[row])]
        ends.append({int(nodes["phase"].iat[r]): state.v_min[r] for r in rows})
    both = set(ends[0]) & set(ends[1])
    return max((abs(ends[0][phase] - ends[1][phase]) for phase in both), default=0.0)


def _new_regulators(problem: Problem, state: State) -> Iterable[Move]:
    """At the heads of lines on the way to low buses, spread over the way; other set points of those that are new."""
    large = len(problem.network.nodes) > SLOW_NODES
    lines: dict[str, str] = {}
    for bus in _buses(problem, state.low)[: 1 if large else SLOW_BUSES]:
        way = [e.removeprefix("line.") for e in problem.paths.get(bus, ()) if e.startswith("line.")]
        way = [line for line in way if line not in problem.switches]
        for k in range(1, SLOW_LINES + 1) if way else ():
            lines.setdefault(way[(k * len(way)) // (SLOW_LINES + 1)], f"a long way to {bus} without a regulator")
    for option in state.plan.options:
        if option.slot.startswith("regulator@"):
            lines.setdefault(option.slot.split("@")[1], "another set point")
    for line, why in lines.items():
        options = _offered(problem, ("new regulator", line), partial(menu.new_regulator, problem, line))
        for option in options[1:2] if large else options:
            yield Move((option,), why, "low")


def _inverters(problem: Problem, state: State) -> Iterable[Move]:
    """Inverters on the ways that lead to buses out of band, the largest ones alone and together."""
    buses = (*_buses(problem, state.high), *_buses(problem, state.low))
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
        options += _offered(problem, ("volt-var", name), partial(menu.volt_var, problem, name))
    against = "high" if state.high.any() else "low"
    for count in dict.fromkeys((1, 2, len(options))):
        if 0 < count <= len(options):
            yield Move(tuple(options[:count]), "inverters on the way to voltages out of band", against)


# -- last resorts ---------------------------------------------------------------------------------------------------


def _less_load(problem: Problem, state: State) -> Iterable[Move]:
    """Demand response of all loads behind a hot branch or on the way to a low bus, in rising shares."""
    most = problem.menu.demand_response_max_share
    for element, why in _last_places(problem, state):
        rows = problem.loads_below.get(element, ())
        for part in SHARES:
            share = round(part * most, 6)
            options: list[Option] = []
            for row in rows:
                key = ("less", str(row), str(share))
                options += _offered(problem, key, partial(menu.reduction, problem, row, share))
            if options:
                yield Move(tuple(options), why, "thermal" if "carries" in why else "low")


def _new_batteries(problem: Problem, state: State) -> Iterable[Move]:
    """Batteries behind hot branches or at low buses, up to what the loads there draw."""
    for element, why in _last_places(problem, state):
        kw = float(problem.network.loads["kw"].iloc[list(problem.loads_below.get(element, ()))].sum())
        bus = _far_end(problem, element)
        sizes = tuple(float(np.ceil(part * kw)) for part in (0.1, 0.2, 0.4, 0.8) if kw > 0)
        key = ("battery", bus, str(sizes))
        for option in _offered(problem, key, partial(menu.batteries, problem, bus, sizes)):
            yield Move((option,), why, "thermal" if "carries" in why else "low")


def _last_places(problem: Problem, state: State) -> list[tuple[str, str]]:
    """Elements behind which there should be less load."""
    branches = problem.network.branches
    found = {}
    for row in _hot(state)[:LAST_RESORT_BUSES]:
        element = str(branches["element"].iat[row])
        found[element] = f"{element} carries {100 * (1 + state.over[row]):.0f} % of its limit"
    for bus in _buses(problem, state.low)[:LAST_RESORT_BUSES]:
        way = problem.paths.get(bus, [])
        for element in (way[-1:] + way[len(way) // 2 : len(way) // 2 + 1]) if way else ():
            found.setdefault(element, f"voltages are low at {bus}")
    return list(found.items())


def _far_end(problem: Problem, element: str) -> str:
    """The bus of a branch that lies away from the source."""
    row = problem.row[element]
    ends = [str(problem.network.branches[c].iat[row]) for c in ("bus1", "bus2")]
    return max(ends, key=lambda bus: (len(problem.paths.get(bus, ())), bus))


# -- helpers --------------------------------------------------------------------------------------------------------


def _buses(problem: Problem, excess_pu: Floats) -> list[str]:
    """The worst bus out of band behind each regulator or transformer, worst first; at most some."""
    rows = np.flatnonzero(excess_pu > 0)
    bus = problem.network.nodes["bus"].to_numpy()
    found: dict[str, str] = {}
    for row in rows[np.argsort(-excess_pu[rows], kind="stable")]:
        way = problem.paths.get(str(bus[row]), [])
        last = next((element for element in reversed(way) if not element.startswith("line.")), "")
        found.setdefault(last, str(bus[row]))
        if len(found) == 2 * WORST_BUSES:
            break
    return list(found.values())


def _buses_on_way(problem: Problem, bus: str) -> list[str]:
    """Buses from the source to a bus, itself the last."""
    branches, found = problem.network.branches, []
    for element in problem.paths.get(bus, ()):
        row = problem.row.get(element)
        if row is not None:
            ends = (str(branches["bus1"].iat[row]), str(branches["bus2"].iat[row]))
            found.append(max(ends, key=lambda b: len(problem.paths.get(b, ()))))
    return list(dict.fromkeys(found))


def _offered(problem: Problem, key: tuple[str, ...], build: Callable[[], list[Option]]) -> list[Option]:
    """Options that fit, built once per study."""
    if key not in problem.offers:
        problem.offers[key] = menu.fitting(problem, build())
    return problem.offers[key]
