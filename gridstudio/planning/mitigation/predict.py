"""What candidates take off hot branches, reckoned from the currents of a state instead of solved.

For large circuits, where a power flow costs more than all of this. A new rating leaves the currents as they are; a
single-phase load that moves takes its current from one conductor to another, magnitudes added as if in phase. What is
taken is solved in any case: a prediction only says what is worth a power flow.
"""

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.changes import MovePhase
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
    change = move.options[0].changes[0]
    if len(move.options) > 1 or not isinstance(change, MovePhase) or state.plan.of(move.options[0].slot):
        return None
    rows, loading = _moved(problem, state, change, screen)
    return _with_loading(problem, state, screen, rows, loading) if len(rows) else None


def new_ratings(problem: Problem, options: tuple[Option, ...]) -> list[tuple[int, float]]:
    """Rows of branches that options give a new rating, and the ratings [A]."""
    changes = (change for option in options for change in option.changes)
    return [rating for change in changes if (rating := change.new_rating(problem.network))]


def surely_needed(problem: Problem, state: State, option: Option, instead: Option | None = None) -> bool:
    """Whether a state's currents would be too much for a branch without an option, or with another one instead.

    On large circuits where they are predicted to be too much at all, elsewhere where they are by far.
    """
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
        if row is None or not element.startswith("line."):
            break
        at = problem.conductors(row)
        now = state.conductor_current[screen][..., at].copy()
        now[..., phase[at] == first] -= amps[..., None]
        now[..., phase[at] == then] += amps[..., None]
        rows.append(row)
        loading.append(np.abs(now).max(axis=-1) / ratings[..., row])
    return np.array(rows, dtype=np.intp), np.stack(loading, axis=-1) if rows else np.empty(0)


def _with_loading(problem: Problem, state: State, screen: list[int], rows: NDArray[np.intp], loading: Floats) -> Excess:
    """The excess of a state with other loadings (scenario, step, row) of some branches."""
    of = state.excess[screen]
    over, count = of.over.copy(), of.count.copy()
    beyond = loading / problem.limit_pu[rows] - 1.0
    over[..., rows] = np.where(beyond > 0, beyond, 0.0)
    count[:, KINDS.index("overload")] = (over > 0).sum(axis=(1, 2))
    return Excess(of.low, of.high, over, of.unsolved, count)
