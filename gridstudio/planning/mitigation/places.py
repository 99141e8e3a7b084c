"""Where candidates come from: hot branches, the worst buses out of band, and the ways that lead to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.mitigation import menu
from gridstudio.planning.mitigation.problem import Option, Problem
from gridstudio.planning.mitigation.state import State

Floats = NDArray[np.float64]
HOT = 40  # most overloaded branches that are looked at in one round
WORST_BUSES = 3  # of each kind, one per stretch between regulators


@dataclass(frozen=True)
class Move:
    """Options that are tried together, and what for."""

    options: tuple[Option, ...]
    reason: str
    against: str  # "thermal", "low", "high"

    @property
    def slow(self) -> bool:
        return any(option.slow for option in self.options)


def hot(state: State) -> list[int]:
    """Overloaded branches, worst first."""
    rows = np.flatnonzero(state.over > 0)
    return [int(row) for row in rows[np.argsort(-state.over[rows], kind="stable")]][:HOT]


def worst_buses(problem: Problem, excess_pu: Floats) -> list[str]:
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


def buses_on_way(problem: Problem, bus: str) -> list[str]:
    """Buses from the source to a bus, itself the last."""
    branches, found = problem.network.branches, []
    for element in problem.paths.get(bus, ()):
        row = problem.row.get(element)
        if row is not None:
            ends = (str(branches["bus1"].iat[row]), str(branches["bus2"].iat[row]))
            found.append(max(ends, key=lambda b: len(problem.paths.get(b, ()))))
    return list(dict.fromkeys(found))


def far_end(problem: Problem, element: str) -> str:
    """The bus of a branch that lies away from the source."""
    row = problem.row[element]
    ends = [str(problem.network.branches[c].iat[row]) for c in ("bus1", "bus2")]
    return max(ends, key=lambda bus: (len(problem.paths.get(bus, ())), bus))


def medium(problem: Problem, bus: str) -> bool:
    return float(problem.network.nodes["base_kv"].iat[problem.nodes_of[bus][0]]) >= 1.0


def offered(problem: Problem, key: tuple[str, ...], build: Callable[[], list[Option]]) -> list[Option]:
    """Options that fit, built once per study."""
    if key not in problem.offers:
        problem.offers[key] = menu.fitting(problem, build())
    return problem.offers[key]
