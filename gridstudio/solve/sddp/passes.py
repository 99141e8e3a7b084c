"""One iteration: forward pass, backward pass, bound. Written as generators that yield questions and are sent answers.

So what an iteration does is told once, and who waits for whom is the trainer's affair: one iteration after another, or
several under way at once.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.solve.sddp.crew import Crew, Decisions, NewCuts, Question, Tangents, Values
from gridstudio.solve.sddp.cuts import CutFamily
from gridstudio.solve.sddp.families import Family, Risk, measure_after, units
from gridstudio.solve.sddp.forward import ForwardPass
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.nested import nested_value, neutral
from gridstudio.solve.sddp.policy import Policy, all_cuts
from gridstudio.solve.sddp.sampling import Path, Step

FloatArray = NDArray[np.float64]
Pass = Generator[list[tuple[int, Question]], list[Any], Any]
Found = dict[tuple[int, bytes], tuple[FloatArray, FloatArray]]  # tangents by (unit, point): values, slopes by noise

_SAME_WEIGHTS = 1e-12


@dataclass(eq=False)
class Run:
    """What grows while training goes on: cuts by family, weights by node, the centres of the trial points."""

    graph: PolicyGraph
    risk: Risk
    families: dict[int | None, Family]
    forward: ForwardPass
    crew: Crew
    cuts: dict[str, CutFamily] = field(default_factory=dict)
    weights: dict[int, list[FloatArray]] = field(default_factory=dict)
    centres: dict[tuple[int, int], FloatArray | None] = field(default_factory=dict)
    begun: int = 0

    def __post_init__(self) -> None:
        self.unit = {unit: number for number, unit in enumerate(units(self.graph))}
        self.users: dict[str, list[tuple[int, int]]] = {}  # of each cut family: (parent, slot)
        for place, fam in self.families.items():
            for slot, key in enumerate(fam.slots):
                self.cuts.setdefault(key, CutFamily(len(self.graph.start)))
                self.users.setdefault(key, []).append((place, slot))  # type: ignore[arg-type]

    def trial(self, step: Step, new: FloatArray, iteration: int) -> FloatArray:
        """The trial point of the forward pass after a step."""
        key = (step.node, step.outcome if isinstance(step.outcome, int) else -1)
        point, self.centres[key] = self.forward.trial(new, self.centres.get(key), iteration)
        return point

    def resume(self, policy: Policy) -> None:
        """Take over the cuts and weights of a policy."""
        point = np.full(len(self.graph.start), np.nan)
        for key, cuts in policy.cuts.items():
            for intercept, slope in zip(cuts.intercepts, cuts.slopes, strict=True):
                self.cuts[key].put(float(intercept), slope, point)
        for name, rows in policy.weights.items():
            self.weights[self.graph.index[name]] = list(rows)
        self.tell_all(instead=False)

    def tell_all(self, instead: bool) -> None:
        """Send every node's subproblem all its cuts."""
        cuts = {key: family.cuts for key, family in self.cuts.items()}
        for place, fam in self.families.items():
            if place is not None and fam.slots:
                rows = np.array(self.weights[place]) if place in self.weights else None
                self.crew.tell(self.unit[place, 0], all_cuts(fam, cuts, rows, instead))

    def select(self) -> None:
        """Drop the cuts that are the highest nowhere."""
        went = [family.select() for family in self.cuts.values()]
        if any(went):
            self.tell_all(instead=True)


def iteration(run: Run, paths: Sequence[Path]) -> Pass:
    """One iteration; yields questions, is sent their answers, returns the bound and what the paths' costs count for."""
    run.begun += 1
    arrivals, own = yield from _forward(run, paths, run.begun)
    parts = np.zeros_like(own)
    for stage in reversed(range(len(run.graph.stages) - 1)):
        parts[:, stage + 1] = yield from _backward(run, paths, stage, arrivals)
    bound, parts[:, 0] = yield from _bound(run, paths)
    return bound, _counted(run, paths, own, parts)


def _counted(run: Run, paths: Sequence[Path], own: FloatArray, parts: FloatArray) -> float:
    """The nested value of the nodes' own costs and their parts' (path, stage), with which the bound is compared."""
    if not neutral(run.risk):
        return nested_value(run.graph, paths, own + parts, run.risk)
    chances = np.array([path.probability for path in paths])
    return float(chances @ sum([*own.T, *parts.T[::-1]]))  # in the order in which they became known


def _forward(run: Run, paths: Sequence[Path], number: int) -> Pass:
    """Trial states along the paths: {(path, stage): state that arrives}, and the nodes' own costs (path, stage)."""
    graph, forward = run.graph, run.forward
    arrivals = {(p, 0): graph.start for p in range(len(paths))}
    costs = np.zeros((len(paths), len(graph.stages)))
    for stage in range(len(graph.stages)):
        passing: dict[int, list[int]] = {}
        for p, path in enumerate(paths):
            if stage < len(path.steps):
                passing.setdefault(path.steps[stage].node, []).append(p)
        questions: list[tuple[int, Question]] = []
        for place, mine in sorted(passing.items()):
            cases = tuple((paths[p].steps[stage].noise(graph, 0), arrivals[p, stage]) for p in mine)
            questions.append((run.unit[place, 0], Decisions(cases, forward.integer, False)))
        answers = yield questions
        for (place, mine), decisions in zip(sorted(passing.items()), answers, strict=True):
            for p, decision in zip(mine, decisions, strict=True):
                costs[p, stage] = decision.cost
                if graph.children[place]:
                    arrivals[p, stage + 1] = run.trial(paths[p].steps[stage], decision.outgoing, number)
    return arrivals, costs


def _backward(run: Run, paths: Sequence[Path], stage: int, arrivals: dict[tuple[int, int], FloatArray]) -> Pass:
    """Cuts after the nodes of ``stage`` at its trial points; what the parts cost there on each path (path,)."""
    points = _points(run, paths, stage, arrivals)
    asked: dict[int, list[bytes]] = {}  # the points that each subproblem is asked for
    for key, (_, children) in points.items():
        for child in children:
            for part in range(len(run.graph.nodes[child].problems)):
                asked.setdefault(run.unit[child, part], []).append(key)
    order = sorted(asked)
    answers = yield [(unit, Tangents(np.array([points[key][0] for key in asked[unit]]))) for unit in order]
    found: Found = {}
    for unit, (values, slopes) in zip(order, answers, strict=True):
        found.update({(unit, key): (values[row], slopes[row]) for row, key in enumerate(asked[unit])})
    _make_cuts(run, stage, points, found)
    costs = np.zeros(len(paths))
    for p, path in enumerate(paths):
        if (p, stage + 1) in arrivals:
            costs[p] = _parts_cost(run, path.steps[stage + 1], arrivals[p, stage + 1].tobytes(), found)
    return costs


def _points(
    run: Run, paths: Sequence[Path], stage: int, arrivals: dict[tuple[int, int], FloatArray]
) -> dict[bytes, tuple[FloatArray, set[int]]]:
    """The different trial points of a stage, each with the children that its paths may come to."""
    points: dict[bytes, tuple[FloatArray, set[int]]] = {}
    for p, path in enumerate(paths):
        if (p, stage + 1) in arrivals:
            state = arrivals[p, stage + 1]
            children = points.setdefault(state.tobytes(), (state, set()))[1]
            children.update(run.graph.children[path.steps[stage].node])
    return points


def _parts_cost(run: Run, step: Step, point: bytes, found: Found) -> float:
    """What the parts of the step's node cost at a point, weighted; out of sample, for want of better, their mean."""
    node, cost = run.graph.nodes[step.node], 0.0
    for part in range(1, len(node.problems)):
        values = found[run.unit[step.node, part], point][0]
        noise = step.noise(run.graph, part)
        mean = float(node.problems[part].probabilities @ values)
        cost += float(node.weights[part]) * (float(values[noise]) if isinstance(noise, int) else mean)
    return cost


def _make_cuts(run: Run, stage: int, points: dict[bytes, tuple[FloatArray, set[int]]], found: Found) -> None:
    """At every point, a cut for each node of the stage whose children are all known there, not only the path's."""
    news = _News(run)
    for key, (state, children) in points.items():
        for place in run.graph.stages[stage]:
            fam = run.families[place]
            if not fam.children or not children.issuperset(fam.children):
                continue
            values = np.array([found[unit, key][0][noise] for unit, noise in fam.pieces])
            slopes = np.array([found[unit, key][1][noise] for unit, noise in fam.pieces])
            outcomes = fam.mixing @ values
            weights = measure_after(run.graph, place, run.risk).weights(outcomes, fam.probabilities)
            _check_bound(run, fam, float(weights @ outcomes))
            grouping = (weights @ fam.mixing)[None, :] if fam.grouping is None else fam.grouping
            for slot, value, slope in zip(fam.slots, (grouping @ values).tolist(), grouping @ slopes, strict=True):
                news.cut(slot, value, slope, state)
            if fam.spreading is not None:
                news.weights(place, weights @ fam.spreading)
    news.tell()


class _News:
    """What the cuts of one stage are for each subproblem that has use for them, gathered into one message each."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._cuts: dict[int, list[tuple[int, float, FloatArray]]] = {}
        self._rows: dict[int, list[FloatArray]] = {}

    def cut(self, key: str, value: float, slope: FloatArray, state: FloatArray) -> None:
        """A cut of a family, for all its users, if it lifts the family at its point."""
        intercept = self._run.cuts[key].add(value, slope, state)
        if intercept is not None:
            for place, slot in self._run.users[key]:
                self._cuts.setdefault(place, []).append((slot, intercept, slope))

    def weights(self, place: int, row: FloatArray) -> None:
        """A vector of weights of a node's slots, if it is new."""
        known = self._run.weights.setdefault(place, [])
        if not any(np.abs(row - other).max() <= _SAME_WEIGHTS for other in known):
            known.append(row)
            self._rows.setdefault(place, []).append(row)

    def tell(self) -> None:
        size = len(self._run.graph.start)
        for place in sorted(self._cuts.keys() | self._rows.keys()):
            cuts = self._cuts.get(place, [])
            slots, intercepts = np.array([c[0] for c in cuts], int), np.array([c[1] for c in cuts])
            slopes = np.array([c[2] for c in cuts]).reshape(len(cuts), size)
            news = NewCuts(slots, intercepts, slopes, np.array(self._rows.get(place, [])))
            self._run.crew.tell(self._run.unit[place, 0], news)


def _check_bound(run: Run, fam: Family, cost: float) -> None:
    """InputError if the cost to go, known exactly before the last stage, lies below the bound that was given."""
    nodes = [run.graph.nodes[child] for child in fam.children]
    if any(run.graph.children[child] for child in fam.children):
        return
    if any(problem.has_integers for node in nodes for problem in node.problems) or fam.parent is None:
        return
    bound = run.graph.bound(fam.parent)
    if cost < bound - 1e-6 * max(1.0, abs(bound)):
        raise InputError(
            f"The cost to go of node {run.graph.nodes[fam.parent].name!r} comes to {cost:g}, below the lower bound "
            f"{bound:g} given for it: give a lower_bound that it is never below."
        )


def _bound(run: Run, paths: Sequence[Path]) -> Pass:
    """The bound of the whole problem at the initial state, and what the parts of the first nodes cost (path,)."""
    fam, graph = run.families[None], run.graph
    asked = sorted({unit for unit, _ in fam.pieces})
    answers = yield [(unit, Values(graph.start)) for unit in asked]
    point = graph.start.tobytes()
    found: Found = {(unit, point): (values, values) for unit, values in zip(asked, answers, strict=True)}
    outcomes = fam.mixing @ np.array([found[unit, point][0][noise] for unit, noise in fam.pieces])
    weights = measure_after(graph, None, run.risk).weights(outcomes, fam.probabilities)
    return float(weights @ outcomes), np.array([_parts_cost(run, path.steps[0], point, found) for path in paths])
