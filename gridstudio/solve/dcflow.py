"""The DC network: susceptance, angles and flows, and its loops, in which flows obey Kirchhoff without any angle.

The linear model of a lossless network (Stott, Jardim, Alsac 2009, doi 10.1109/TPWRS.2009.2021235): the flow from bus i
to bus j over a branch of reactance x is (angle_i - angle_j) / x in per unit of the base on which x stands. Angles can
be left out: around every loop of the network the sum of x times flow is zero, and the angle between two buses is the
sum of x times flow along any path. With b buses and l branches there are only l - b + 1 loops, which is what keeps
planning programs small (cycle-based formulation: Hoersch et al. 2018, doi 10.1016/j.epsr.2017.12.034).

Buses and branches are positions 0, 1, ...; a branch may connect the same buses as another (parallel circuits).
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DCNetwork:
    """``bus_count`` buses and branches (branch,): where they start and end, and their reactance in per unit."""

    bus_count: int
    from_bus: IntArray
    to_bus: IntArray
    reactance_pu: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "from_bus", np.asarray(self.from_bus, dtype=np.int64))
        object.__setattr__(self, "to_bus", np.asarray(self.to_bus, dtype=np.int64))
        object.__setattr__(self, "reactance_pu", np.asarray(self.reactance_pu, dtype=float))
        findings = _findings(self)
        if findings:
            raise InputError.from_findings("DC network", findings)

    def __len__(self) -> int:
        return len(self.from_bus)


@dataclass(frozen=True, eq=False)
class Tree:
    """A spanning forest of a network, by breadth first from one bus of each part.

    ``paths`` (bus, branch): +1, -1 or 0, such that angle_bus - angle_root = paths @ (x * flow), flows counted from
    ``from_bus`` to ``to_bus``. ``part`` (bus,): number of the connected part, ``roots`` (part,): that bus.
    ``chords``: branches outside the forest; each closes one loop.
    """

    paths: FloatArray
    part: IntArray
    roots: IntArray
    chords: IntArray


def incidence(network: DCNetwork) -> FloatArray:
    """(bus, branch): +1 where a branch starts, -1 where it ends; times the flows, what leaves each bus."""
    matrix = np.zeros((network.bus_count, len(network)))
    branches = np.arange(len(network))
    matrix[network.from_bus, branches] = 1.0
    matrix[network.to_bus, branches] = -1.0
    return matrix


def susceptance(network: DCNetwork) -> FloatArray:
    """(bus, bus): nodal susceptance matrix B, with injections = B @ angles (per unit, radians)."""
    ends = incidence(network)
    return (ends / network.reactance_pu) @ ends.T


def spanning_tree(network: DCNetwork, first: int = 0) -> Tree:
    """A spanning forest, the same for the same network: branches are taken in their order, from the bus ``first``."""
    paths = np.zeros((network.bus_count, len(network)))
    part = np.full(network.bus_count, -1)
    beside: list[list[tuple[int, int, float]]] = [[] for _ in range(network.bus_count)]
    for branch, (a, b) in enumerate(zip(network.from_bus, network.to_bus, strict=True)):
        beside[a].append((branch, int(b), -1.0))  # the angle falls in the direction of the flow
        beside[b].append((branch, int(a), 1.0))
    roots: list[int] = []
    in_tree = np.zeros(len(network), dtype=bool)
    for start in (first, *range(network.bus_count)):
        if part[start] >= 0:
            continue
        part[start] = len(roots)
        roots.append(start)
        waiting = deque([start])
        while waiting:
            bus = waiting.popleft()
            for branch, other, sign in beside[bus]:
                if part[other] < 0:
                    part[other], in_tree[branch] = part[bus], True
                    paths[other] = paths[bus]
                    paths[other, branch] = sign
                    waiting.append(other)
    return Tree(paths, part, np.array(roots), np.flatnonzero(~in_tree))


def loops(network: DCNetwork, tree: Tree | None = None) -> FloatArray:
    """(loop, branch): direction of each branch in the loop that a chord closes; loops @ (x * flow) = 0 (22)."""
    tree = tree or spanning_tree(network)
    around = tree.paths[network.to_bus[tree.chords]] - tree.paths[network.from_bus[tree.chords]]
    around[np.arange(len(tree.chords)), tree.chords] += 1.0
    return around


def angles(network: DCNetwork, injection_pu: ArrayLike, shift_rad: ArrayLike | None = None) -> FloatArray:
    """Angles (bus,) in radians, 0 at the first bus of each part, for injections (bus,) that balance in each part.

    ``shift_rad`` (branch,): angle that a series device adds: flow = (angle_from - angle_to + shift) / x.
    InputError if injections do not balance where no branch can carry the rest.
    """
    injection = np.asarray(injection_pu, dtype=float)
    shift = np.zeros(len(network)) if shift_rad is None else np.asarray(shift_rad, dtype=float)
    tree = spanning_tree(network)
    rest = np.bincount(tree.part, weights=injection, minlength=len(tree.roots))
    worst = int(np.abs(rest).argmax())
    if abs(rest[worst]) > 1e-6 * max(1.0, float(np.abs(injection).max())):
        raise InputError(
            f"DC flow: the injections of the part around bus {int(tree.roots[worst])} add to {rest[worst]:g}, not to 0."
        )
    driven = injection - incidence(network) @ (shift / network.reactance_pu)
    kept = np.setdiff1d(np.arange(network.bus_count), tree.roots)
    found = np.zeros(network.bus_count)
    if len(kept):
        found[kept] = np.linalg.solve(susceptance(network)[np.ix_(kept, kept)], driven[kept])
    return found


def flows(network: DCNetwork, angles_rad: ArrayLike, shift_rad: ArrayLike | None = None) -> FloatArray:
    """Flow of each branch (branch,) per unit, from ``from_bus`` to ``to_bus``."""
    found = np.asarray(angles_rad, dtype=float)
    shift = 0.0 if shift_rad is None else np.asarray(shift_rad, dtype=float)
    return np.asarray((found[network.from_bus] - found[network.to_bus] + shift) / network.reactance_pu)


def transfer_factors(network: DCNetwork) -> FloatArray:
    """(branch, bus): flow of each branch for 1 injected at a bus and taken out at the first bus of its part (PTDF)."""
    tree = spanning_tree(network)
    kept = np.setdiff1d(np.arange(network.bus_count), tree.roots)
    found = np.zeros((len(network), network.bus_count))
    if len(kept):
        inverse = np.linalg.inv(susceptance(network)[np.ix_(kept, kept)])
        found[:, kept] = (incidence(network)[kept].T / network.reactance_pu[:, None]) @ inverse
    return found


def _findings(network: DCNetwork) -> list[str]:
    count = len(network.from_bus)
    if network.to_bus.shape != (count,) or network.reactance_pu.shape != (count,):
        return [f"{count} branches start, {len(network.to_bus)} end and {len(network.reactance_pu)} have a reactance."]
    found = []
    for branch, (a, b, x) in enumerate(zip(network.from_bus, network.to_bus, network.reactance_pu, strict=True)):
        if not (0 <= a < network.bus_count and 0 <= b < network.bus_count):
            found.append(f"branch {branch} runs from bus {a} to {b}; there are {network.bus_count} buses.")
        elif a == b:
            found.append(f"branch {branch} starts and ends at bus {a}.")
        if not (np.isfinite(x) and x > 0):
            found.append(f"branch {branch} has reactance {x:g}; it must be positive.")
    return found
