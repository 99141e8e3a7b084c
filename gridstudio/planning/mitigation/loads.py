"""Candidates that move or reduce what loads draw: other phases, demand response, batteries."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from gridstudio.planning.mitigation import menu
from gridstudio.planning.mitigation.places import WORST_BUSES, Move, far_end, hot, offered, worst_buses
from gridstudio.planning.mitigation.problem import Option, Problem
from gridstudio.planning.mitigation.state import State

LOADS_TO_MOVE = 6
LAST_RESORT_BUSES = 2
SHARES = (0.25, 0.5, 0.75, 1.0)  # of what is needed or allowed, for batteries and demand response


def balance(problem: Problem, state: State, hottest: int = 2 * WORST_BUSES) -> Iterable[Move]:
    """Single-phase loads from the phases of hot conductors and low nodes to the other phases of their buses."""
    asked: dict[int, str] = {}
    for phase, element, why in _strained(problem, state, hottest):
        rows = [row for row in problem.loads_below.get(element, ()) if _stands_on(problem, row, phase)]
        rows.sort(key=lambda row: (-problem.load_kw[row], row))
        movable = [row for row in rows if _phase_moves(problem, row)]
        for row in movable[:LOADS_TO_MOVE]:
            asked.setdefault(row, why)
    for row, why in asked.items():
        for option in _phase_moves(problem, row):
            yield Move((option,), why, "thermal" if "carries" in why else "low")


def _phase_moves(problem: Problem, row: int) -> list[Option]:
    return offered(problem, ("phase", str(row)), lambda: menu.phase_moves(problem, row))


def _strained(problem: Problem, state: State, hottest: int) -> Iterable[tuple[int, str, str]]:
    """Phase, element and words: the fullest conductor of hot branches, the branch before low nodes."""
    network = problem.network
    ends = [*network.first_conductor, len(network.conductors)]
    phase = network.conductors["phase"].to_numpy()
    for row in hot(state)[:hottest]:
        currents = state.phase_current[ends[row] : ends[row + 1]]
        if len(currents) > 1 and currents.max() > 1.02 * currents.min():
            element = str(network.branches["element"].iat[row])
            yield int(phase[ends[row] + currents.argmax()]), element, f"the fullest phase of {element} carries too much"
    nodes = network.nodes
    for bus in worst_buses(problem, state.low):
        rows = [row for row in problem.nodes_of[bus] if state.low[row] > 0]
        worst = max(rows, key=lambda row: (state.low[row], -row))
        way = problem.paths.get(bus, [])
        three = [e for e in way if e in problem.row and network.branches["phases"].iat[problem.row[e]] == 3]
        if three:
            yield int(nodes["phase"].iat[worst]), three[len(three) // 3], f"its phase is low at {bus}"


def _stands_on(problem: Problem, row: int, phase: int) -> bool:
    return phase in problem.load_nodes[row]


def less_load(problem: Problem, state: State) -> Iterable[Move]:
    """Demand response of all loads behind a hot branch or on the way to a low bus, in rising shares."""
    most = problem.menu.demand_response_max_share
    for element, why in _last_places(problem, state):
        rows = problem.loads_below.get(element, ())
        for part in SHARES:
            share = round(part * most, 6)
            options: list[Option] = []
            for row in rows:
                key = ("less", str(row), str(share))
                options += offered(problem, key, partial(menu.reduction, problem, row, share))
            if options:
                yield Move(tuple(options), why, "thermal" if "carries" in why else "low")


def new_batteries(problem: Problem, state: State) -> Iterable[Move]:
    """Batteries behind hot branches or at low buses, up to what the loads there draw."""
    for element, why in _last_places(problem, state):
        kw = float(problem.network.loads["kw"].iloc[list(problem.loads_below.get(element, ()))].sum())
        bus = far_end(problem, element)
        sizes = tuple(float(np.ceil(part * kw)) for part in (0.1, 0.2, 0.4, 0.8) if kw > 0)
        key = ("battery", bus, str(sizes))
        for option in offered(problem, key, partial(menu.batteries, problem, bus, sizes)):
            yield Move((option,), why, "thermal" if "carries" in why else "low")


def _last_places(problem: Problem, state: State) -> list[tuple[str, str]]:
    """Elements behind which there should be less load."""
    branches = problem.network.branches
    found = {}
    for row in hot(state)[:LAST_RESORT_BUSES]:
        element = str(branches["element"].iat[row])
        found[element] = f"{element} carries {100 * (1 + state.over[row]):.0f} % of its limit"
    for bus in worst_buses(problem, state.low)[:LAST_RESORT_BUSES]:
        way = problem.paths.get(bus, [])
        for element in (way[-1:] + way[len(way) // 2 : len(way) // 2 + 1]) if way else ():
            found.setdefault(element, f"voltages are low at {bus}")
    return list(found.items())
