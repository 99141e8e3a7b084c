"""Candidates that change branches: larger lines and transformers, new regulators at the heads of lines."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from gridstudio.planning.mitigation import menu
from gridstudio.planning.mitigation.places import Move, hot, offered, worst_buses
from gridstudio.planning.mitigation.problem import Option, Problem
from gridstudio.planning.mitigation.state import State

LINES_ON_WAY = 8
SLOW_BUSES, SLOW_LINES = 2, 2  # where new regulators are tried, each in a fresh copy of the circuit
SLOW_NODES = 1_500  # circuits with more nodes get one place and one set point at a time


def larger_where_hot(problem: Problem, state: State) -> Iterable[Move]:
    """For every hot branch the cheapest size that carries today's current; if none does, the largest."""
    branches = problem.network.branches
    for row in hot(state):
        kind, name = str(branches["kind"].iat[row]), str(branches["name"].iat[row])
        options = branch_options(problem, kind, name)
        for option in _sufficient(problem, state, row, options):
            reason = f"{kind} {name} carries {100 * (1 + state.over[row]):.0f} % of its limit"
            yield Move((option,), reason, "thermal")


def branch_options(problem: Problem, kind: str, name: str) -> list[Option]:
    build = {"line": menu.line_options, "transformer": menu.transformer_options}.get(kind)
    return offered(problem, (kind, name), lambda: build(problem, name)) if build else []


def _sufficient(problem: Problem, state: State, row: int, options: Sequence[Option]) -> list[Option]:
    """The cheapest option by its rating that does, and the next one; the largest if none does."""
    found = []
    current_a = float(np.fmax.reduce(state.current[..., row], axis=None, initial=0.0))
    for option in options:
        rating = next((r for c in option.changes if (r := c.new_rating(problem.network)) and r[0] == row), None)
        if rating and rating[1] * problem.limit_pu[row] >= current_a:
            found.append(option)
    if found:
        return found[:2]
    return [max(options, key=lambda option: option.size)] if options else []


def wires_on_way(problem: Problem, state: State) -> Iterable[Move]:
    """Lines with the largest drops of voltage on the way to low buses: next size, and largest."""
    for bus in worst_buses(problem, state.low):
        drops = [
            (-_drop(problem, state, element), element)
            for element in problem.paths.get(bus, ())
            if element.startswith("line.")
        ]
        for _, element in sorted(drops)[:LINES_ON_WAY]:
            options = branch_options(problem, "line", element.removeprefix("line."))
            for option in dict.fromkeys((*options[:1], *options[-1:])):
                yield Move((option,), f"large drop of voltage on the way to {bus}", "low")


def transformers_on_way(problem: Problem, state: State) -> Iterable[Move]:
    for bus in worst_buses(problem, state.low):
        for element in problem.paths.get(bus, ()):
            if element.startswith("transformer.") and element.split(".", 1)[1] not in problem.regulators:
                for option in branch_options(problem, "transformer", element.split(".", 1)[1])[:3]:
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


def new_regulators(problem: Problem, state: State) -> Iterable[Move]:
    """At the heads of lines on the way to low buses, spread over the way; other set points of those that are new."""
    large = len(problem.network.nodes) > SLOW_NODES
    lines: dict[str, str] = {}
    for bus in worst_buses(problem, state.low)[: 1 if large else SLOW_BUSES]:
        way = [e.removeprefix("line.") for e in problem.paths.get(bus, ()) if e.startswith("line.")]
        way = [line for line in way if line not in problem.switches]
        for k in range(1, SLOW_LINES + 1) if way else ():
            lines.setdefault(way[(k * len(way)) // (SLOW_LINES + 1)], f"a long way to {bus} without a regulator")
    for option in state.plan.options:
        if option.slot.startswith("regulator@"):
            lines.setdefault(option.slot.split("@")[1], "another set point")
    for line, why in lines.items():
        options = offered(problem, ("new regulator", line), partial(menu.new_regulator, problem, line))
        for option in options[1:2] if large else options:
            yield Move((option,), why, "low")
