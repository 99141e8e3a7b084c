"""What candidates take off hot branches, reckoned from the currents of a state instead of solved.

For large circuits, where a power flow costs more than all of this. A new rating leaves the currents as they are; a
single-phase load that moves takes its current from one conductor to another, magnitudes added as if in phase. A new
three-phase capacitor takes its current off the reactive part on its way to the source, with the power factor of the
loads and banks behind each branch. What is taken is solved in any case: a prediction only says what is worth a power
flow.
"""

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import AddCapacitor, MovePhase
from gridstudio.planning.mitigation.effort import large
from gridstudio.planning.mitigation.excess import KINDS, Excess, rating_a
from gridstudio.planning.mitigation.places import Move
from gridstudio.planning.mitigation.problem import Option, Problem, load_scale
from gridstudio.planning.mitigation.state import State

Floats = NDArray[np.float64]
SURE = 1.02  # a branch that would carry more than this times its limit does so whatever else is done


def predicted(problem: Problem, state: State, move: Move, screen: list[int]) -> Excess | None:
    """Excess after a move against hot branches, in the scenarios of a screen; None if it must be solved."""
    if move.against != "thermal":
        return None
    if ratings := new_ratings(problem, move.options):
        rows = np.array([row for row, _ in ratings])
        loading = state.current[screen][..., rows] / np.array([rating for _, rating in ratings])
        return _with_loading(problem, state, screen, rows, loading)
    change, there = move.options[0].changes[0], state.plan.of(move.options[0].slot)
    if len(move.options) == 1 and isinstance(change, MovePhase) and not there:
        rows, loading = _moved(problem, state, change, screen)
    elif len(move.options) == 1 and isinstance(change, AddCapacitor) and not change.phases:
        kvar = change.kvar - (there.size if there else 0.0)
        rows, loading = _compensated(problem, state, change.bus, kvar, screen)
    else:
        return None
    return _with_loading(problem, state, screen, rows, loading) if len(rows) else None


def new_ratings(problem: Problem, options: tuple[Option, ...]) -> list[tuple[int, float]]:
    """Rows of branches that options give a new rating, and the ratings [A]."""
    changes = (change for option in options for change in option.changes)
    return [rating for change in changes if (rating := change.new_rating(problem.network))]


def surely_needed(
    problem: Problem, state: State, option: Option, instead: Option | None = None, sure: float | None = None
) -> bool:
    """Whether a state's currents would be too much for a branch without an option, or with another one instead.

    By more than ``sure`` times the limit; not given: on large circuits by anything, elsewhere by far.
    """
    if sure is None:
        sure = 1.0 if large(problem, state.plan) else SURE
    kept = dict(new_ratings(problem, (instead,))) if instead else {}
    today = problem.network.branches["ampacity_a"].to_numpy()
    for row, _ in new_ratings(problem, (option,)):
        limit_a = problem.limit_pu[row] * kept.get(row, today[row])
        if float(np.fmax.reduce(state.current[..., row], axis=None)) > sure * limit_a:
            return True
    change = option.changes[0]
    if instead is None and isinstance(change, MovePhase) and len(change.phases) == 1:
        every = list(range(len(problem.scenarios)))
        rows, loading = _moved(problem, state, change, every, back=True)
        return bool((loading > sure * problem.limit_pu[rows]).any()) if len(rows) else False
    return False


def _moved(
    problem: Problem, state: State, change: MovePhase, screen: list[int], back: bool = False
) -> tuple[NDArray[np.intp], Floats]:
    """Branches whose loading changes where a load goes from one conductor to another, as far as its voltage level
    reaches, and what it is then (scenario, step, row); ``back``: it stands there and returns."""
    bus, nodes, kva = problem.load_places[change.load]
    rows: list[int] = []
    if len(nodes) != 1:
        return np.array(rows, dtype=np.intp), np.empty(0)
    first, then = (change.phases[0], nodes[0]) if back else (nodes[0], change.phases[0])
    phase, kv = problem.network.conductors["phase"].to_numpy(), problem.base_kv(bus)
    amps = kva / kv * np.array([load_scale(problem.scenarios[s], change.load) for s in screen])
    ratings, loading = rating_a(state.solved)[screen], []
    for element in reversed(problem.paths.get(bus, ())):
        row = problem.row.get(element)
        kind, _, name = element.partition(".")
        if row is None or not (kind == "line" or name in problem.regulators):
            break
        at = problem.conductors(row)
        now = state.conductor_current[screen][..., at].copy()
        now[..., phase[at] == first] -= amps[..., None]
        now[..., phase[at] == then] += amps[..., None]
        rows.append(row)
        loading.append(np.abs(now).max(axis=-1) / ratings[..., row])
    return np.array(rows, dtype=np.intp), np.stack(loading, axis=-1) if rows else np.empty(0)


def _compensated(
    problem: Problem, state: State, bus: str, kvar: float, screen: list[int]
) -> tuple[NDArray[np.intp], Floats]:
    """Branches on the way to a bus and their loading (scenario, step, row) with so many kvar more on three phases."""
    ratings, rows, loading = rating_a(state.solved)[screen], [], []
    banks = [(size, problem.on_the_way(at)) for at, size in _banks(problem, state)]
    for element in problem.paths.get(bus, ()):
        row = problem.row.get(element)
        if row is None:
            continue
        supplied = sum(size for size, way in banks if element in way)
        behind = problem.demand_behind(element)[screen] - 1j * supplied
        towards = (behind / np.maximum(np.abs(behind), 1e-9))[..., None]
        now = state.conductor_current[screen][..., problem.conductors(row)]
        amps = kvar / 3.0 / problem.sending_kv[row]
        rows.append(row)
        loading.append(np.abs(now * towards - 1j * amps).max(axis=-1) / ratings[..., row])
    return np.array(rows, dtype=np.intp), np.stack(loading, axis=-1) if rows else np.empty(0)


def _banks(problem: Problem, state: State) -> list[tuple[str, float]]:
    """Bus and kvar in service of the capacitors that stand and of those of a plan."""
    found = [(bank.bus, bank.kvar * bank.in_service / bank.steps) for bank in problem.assets.banks]
    new = (change for option in state.plan.options for change in option.changes)
    return found + [(change.bus, change.kvar) for change in new if isinstance(change, AddCapacitor)]


def _with_loading(problem: Problem, state: State, screen: list[int], rows: NDArray[np.intp], loading: Floats) -> Excess:
    """The excess of a state with other loadings (scenario, step, row) of some branches."""
    of = state.excess[screen]
    over, count = of.over.copy(), of.count.copy()
    beyond = loading / problem.limit_pu[rows] - 1.0
    over[..., rows] = np.where(beyond > 0, beyond, 0.0)
    count[:, KINDS.index("overload")] = (over > 0).sum(axis=(1, 2))
    return Excess(of.low, of.high, over, of.unsolved, count)
