"""A policy: the cuts that training made, and its log. Written to JSON and read again without a bit lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.solve.sddp.crew import NewCuts
from gridstudio.solve.sddp.cuts import Cuts
from gridstudio.solve.sddp.families import CUT_TYPES, CutType, Family, family, units
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.model import MipLimits
from gridstudio.solve.sddp.stopping import Iteration
from gridstudio.solve.sddp.subproblem import Decision, Spec, Subproblem

FloatArray = NDArray[np.float64]

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Policy:
    """What to do at every node and state: the stage problem with these cuts on its cost to go.

    ``cuts`` by family key, ``weights`` (row, slot) of the risk measure by node name, ``risk`` in words: cuts of one
    measure are not valid for another. ``log`` and ``reason`` (why training ended) are empty for a policy from a file.
    """

    graph: PolicyGraph
    cut_type: CutType
    risk: str
    cuts: Mapping[str, Cuts]
    weights: Mapping[str, FloatArray]
    log: tuple[Iteration, ...] = ()
    reason: str = ""

    @property
    def bound(self) -> float:
        """The best lower bound of the optimum found in training; minus infinity for a policy from a file."""
        return max((line.bound for line in self.log), default=-np.inf)

    def to_go(self, node: str, state: Mapping[str, float]) -> float:
        """What the cuts say of the cost after ``node`` if it hands on ``state``: never above the truth."""
        place = self.graph.index[node]
        fam = family(self.graph, place, self.cut_type)
        if not fam.children:
            return 0.0
        x, bound = np.array([state[name] for name in self.graph.state_names]), self.graph.bound(place)
        heights = np.array([self.cuts[key].height(x) if key in self.cuts else -np.inf for key in fam.slots])
        if fam.spreading is None:
            return max(bound, float(heights[0]))
        rows = self.weights.get(node, np.empty((0, len(heights))))
        return max([bound, *(float(row[row > 0] @ heights[row > 0]) for row in rows)])

    def save(self, path: Path) -> None:
        """Write the cuts to a JSON file."""
        data = {
            "format": _FORMAT,
            "cut_type": self.cut_type,
            "risk": self.risk,
            "states": list(self.graph.state_names),
            "cuts": {
                key: {"intercepts": cuts.intercepts.tolist(), "slopes": cuts.slopes.tolist()}
                for key, cuts in self.cuts.items()
            },
            "weights": {name: rows.tolist() for name, rows in self.weights.items()},
        }
        Path(path).write_text(json.dumps(data), encoding="utf-8")


def load(path: Path, graph: PolicyGraph) -> Policy:
    """The policy of a file for the graph it was trained on; InputError if the two do not fit."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The cuts {path} cannot be read: {error}.") from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT or data.get("cut_type") not in CUT_TYPES:
        raise InputError(f"{path} is no file of cuts of format {_FORMAT}.")
    if data["states"] != list(graph.state_names):
        raise InputError(
            f"{path} has cuts on the states {', '.join(data['states'])}, the graph has {', '.join(graph.state_names)}."
        )
    size = len(graph.state_names)
    cuts = {
        key: Cuts(np.array(found["intercepts"]), np.array(found["slopes"]).reshape(-1, size))
        for key, found in data["cuts"].items()
    }
    known = {key for fam in families(graph, data["cut_type"]).values() for key in fam.slots}
    strange = sorted(set(cuts) - known) + sorted(set(data["weights"]) - set(graph.index))
    if strange:
        raise InputError(f"{path} has cuts for {strange[0]!r}, which the graph does not know.")
    weights = {name: np.array(rows) for name, rows in data["weights"].items()}
    return Policy(graph, data["cut_type"], data["risk"], cuts, weights)


def families(graph: PolicyGraph, cut_type: CutType) -> dict[int | None, Family]:
    """The family of every node by its position, and of the start under None."""
    return {parent: family(graph, parent, cut_type) for parent in (None, *range(len(graph.nodes)))}


def specs(graph: PolicyGraph, cut_type: CutType, limits: MipLimits) -> list[Spec]:
    """What each subproblem of the graph is made from, in the order of ``units``."""
    found = []
    for place, part in units(graph):
        node, fam = graph.nodes[place], family(graph, place, cut_type)
        label = f"Node {node.name!r}" + (f", part {node.parts[part - 1].name!r}" if part else "")
        slots = 0 if part else len(fam.slots)
        bound = graph.bound(place) if slots else 0.0
        found.append(Spec(node.problems[part], label, graph.state_names, slots, bound, part > 0, limits))
    return found


def decisions_at_start(
    policy: Policy, integer: bool = True, limits: MipLimits = MipLimits()
) -> dict[str, tuple[Decision, float]]:
    """What the policy does at each node of the first stage under its first noise, and what that optimum is proven not
    to be below, parts left out: by node name."""
    graph, found = policy.graph, {}
    made = dict(zip(units(graph), specs(graph, policy.cut_type, limits), strict=True))
    for place in graph.roots:
        name, fam = graph.nodes[place].name, family(graph, place, policy.cut_type)
        subproblem = Subproblem(made[place, 0])
        if fam.slots:
            all_cuts(fam, policy.cuts, policy.weights.get(name)).apply(subproblem)
        decision = subproblem.decide(0, graph.start, integer)
        found[name] = decision, subproblem.last_proven if integer else decision.objective
    return found


def all_cuts(fam: Family, cuts: Mapping[str, Cuts], weights: FloatArray | None, instead: bool = False) -> NewCuts:
    """Everything a node's subproblem has to know of what follows it, as one message."""
    given = [(slot, cuts[key]) for slot, key in enumerate(fam.slots) if key in cuts and len(cuts[key].intercepts)]
    if not given:
        return NewCuts(np.empty(0, int), np.empty(0), np.empty((0, 0)), np.empty((0, 0)), instead)
    slots = np.concatenate([np.full(len(found.intercepts), slot) for slot, found in given])
    rows = np.empty((0, len(fam.slots))) if weights is None else weights
    return NewCuts(
        slots,
        np.concatenate([found.intercepts for _, found in given]),
        np.concatenate([found.slopes for _, found in given]),
        rows,
        instead,
    )
