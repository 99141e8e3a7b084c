"""What could cure what is violated: candidates from the violated elements and from the paths that feed them.

Tiers, asked for in this order, the next only where the last has nothing that helps: ``plain`` (settings, capacitors,
phases, larger lines and transformers where they are too hot), ``wires`` (larger lines and transformers on the way to
buses out of band), ``slow`` (new regulators and volt-var, each in a fresh copy of the circuit), ``last`` (demand
response and batteries, whose energy is not looked at). A candidate is one option or several (a bank of regulators).
"""

from collections.abc import Callable, Iterable
from itertools import islice

from gridstudio.planning.mitigation import branches, loads, voltages
from gridstudio.planning.mitigation.effort import FEW, effort
from gridstudio.planning.mitigation.places import HOT, Move
from gridstudio.planning.mitigation.problem import Option, Problem
from gridstudio.planning.mitigation.state import State

TIERS = ("plain", "wires", "slow", "last")
LEAST_MOVES = 4  # of each kind, however large the circuit


def proposals(problem: Problem, state: State, tier: str) -> list[Move]:
    """The candidates of a tier, each once, those that the plan has left out."""
    makers: dict[str, tuple[Callable[[Problem, State], Iterable[Move]], ...]] = {
        "plain": (branches.larger_where_hot, voltages.settings, voltages.banks, voltages.new_banks, loads.balance),
        "wires": (branches.wires_on_way, branches.transformers_on_way),
        "slow": (branches.new_regulators, voltages.inverters),
        "last": (loads.less_load, loads.new_batteries),
    }
    allowed = effort(problem, state.plan)
    most = LEAST_MOVES if allowed < FEW else round(allowed)
    found: dict[tuple[Option, ...], Move] = {}
    for maker in makers[tier]:
        fresh = (m for m in maker(problem, state) if any(state.plan.of(o.slot) != o for o in m.options))
        for move in islice(fresh, HOT if maker is branches.larger_where_hot else most):
            found.setdefault(move.options, move)
    return list(found.values())


def against_heat(problem: Problem, state: State) -> list[Move]:
    """Larger branches, other phases of loads and new capacitors, for every hot branch."""
    larger, other = branches.larger_where_hot(problem, state), loads.balance(problem, state, HOT)
    moves = (*larger, *other, *voltages.new_banks(problem, state, HOT))
    fresh = (move for move in moves if any(state.plan.of(option.slot) != option for option in move.options))
    return list({move.options: move for move in fresh if move.against == "thermal"}.values())
