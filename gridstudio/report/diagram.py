"""Where everything of a feeder lies on a drawing: bus positions, branch paths, source, conductors by year.

Buses without coordinates are placed: a few beside their neighbours, a whole circuit as a
tree that grows from the source to the right, distance along the line as x.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TREE_HEIGHT = 0.62  # of its width
FEW = 0.5  # part of the buses that must have coordinates for the others to be placed beside them


@dataclass(frozen=True, eq=False)
class Diagram:
    """A feeder ready to be drawn.

    ``xy`` (bus, 2); ``paths``: per row of ``branches`` the points (k, 2) of its line on paper; ``anchor``
    (branch, 2): where its label points to; ``sources``: rows of ``buses``; ``computed``: a layout, not a map.
    """

    buses: pd.DataFrame
    branches: pd.DataFrame
    xy: Floats
    paths: list[Floats]
    anchor: Floats
    sources: list[int]
    computed: bool

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """x_min, x_max, y_min, y_max."""
        (x0, y0), (x1, y1) = self.xy.min(axis=0), self.xy.max(axis=0)
        return float(x0), float(x1), float(y0), float(y1)

    def row_of_line(self) -> dict[str, int]:
        """Row of ``branches`` of every line, by its name."""
        branches = self.branches
        return {
            str(n): i for i, (n, k) in enumerate(zip(branches["name"], branches["kind"], strict=True)) if k == "line"
        }


def draw(buses: pd.DataFrame, branches: pd.DataFrame) -> Diagram:
    """Place the tables ``network_buses`` and ``network_branches`` of a result."""
    buses, branches = buses.reset_index(drop=True), branches.reset_index(drop=True)
    row = {bus: i for i, bus in enumerate(buses["bus"])}
    ends = np.array([(row[a], row[b]) for a, b in zip(branches["bus1"], branches["bus2"], strict=True)], dtype=int)
    ends = ends.reshape(-1, 2)
    closed = branches["closed"].to_numpy(dtype=bool)
    sources = _sources(buses, ends[closed])
    xy = buses[["x", "y"]].to_numpy(dtype=float)
    known = np.isfinite(xy).all(axis=1)
    computed = known.mean() < FEW or len(np.unique(xy[known], axis=0)) < 2
    if computed:
        xy = _tree_layout(buses, ends, closed, sources)
        elbows = [np.array([xy[a], (xy[a, 0], xy[b, 1]), xy[b]]) for a, b in _parent_first(xy, ends)]
        # An open tie goes straight across: an elbow would lie on other branches.
        paths = [elbow if on else elbow[[0, 2]] for elbow, on in zip(elbows, closed, strict=True)]
    else:
        xy = _beside_neighbours(xy, known, ends)
        paths = [xy[[a, b]] for a, b in ends]
    anchor = np.array([(path[-2] + path[-1]) / 2 for path in paths]).reshape(-1, 2)
    return Diagram(buses, branches, xy, paths, anchor, sources, bool(computed))


def _sources(buses: pd.DataFrame, closed_ends: NDArray[np.int_]) -> list[int]:
    """The first bus of each connected group of buses at distance zero; the first bus if there is none."""
    zero = np.flatnonzero(buses["distance_km"].to_numpy(dtype=float) <= 0.0)
    graph = nx.Graph()
    graph.add_nodes_from(zero.tolist())
    graph.add_edges_from((a, b) for a, b in closed_ends.tolist() if a in graph and b in graph)
    return sorted(min(group) for group in nx.connected_components(graph)) or [0]


def _beside_neighbours(xy: Floats, known: NDArray[np.bool_], ends: NDArray[np.int_]) -> Floats:
    """Fill in missing positions from placed neighbours, outward from them; what has none goes below the map."""
    xy, placed = xy.copy(), known.copy()
    neighbours: dict[int, list[int]] = {bus: [] for bus in range(len(xy))}
    for a, b in ends.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    centre, size = xy[known].mean(axis=0), float(np.ptp(xy[known], axis=0).max())
    waiting = np.flatnonzero(~known).tolist()
    while waiting:
        ready = [bus for bus in waiting if any(placed[n] for n in neighbours[bus])] or waiting[:1]
        for bus in ready:
            near = [n for n in dict.fromkeys(neighbours[bus]) if placed[n]]
            if len(near) > 1:
                xy[bus] = xy[near].mean(axis=0)
            elif near:
                beyond = [n for n in neighbours[near[0]] if placed[n] and n != bus]
                away = xy[near[0]] - (xy[beyond].mean(axis=0) if beyond else centre)
                turned = math.atan2(away[1], away[0]) + 0.7 * (sum(not known[n] for n in beyond))
                xy[bus] = xy[near[0]] + 0.025 * size * np.array([math.cos(turned), math.sin(turned)])
            else:
                xy[bus] = [xy[known][:, 0].min(), xy[known][:, 1].min() - 0.06 * size]
            placed[bus] = True
        waiting = [bus for bus in waiting if not placed[bus]]
    return xy


def _tree_layout(buses: pd.DataFrame, ends: NDArray[np.int_], closed: NDArray[np.bool_], sources: list[int]) -> Floats:
    """x by distance (by depth where it is not known), y by leaves; the heaviest branch goes straight on."""
    count = len(buses)
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(ends[closed].tolist())
    distance = buses["distance_km"].to_numpy(dtype=float)
    by_depth = not np.isfinite(distance[list(graph.nodes)]).all() or np.nanmax(distance) <= 0
    position, base = np.zeros((count, 2)), 0.0
    roots = [*sources, *range(count)]
    seen: set[int] = set()
    step = 1.0 if by_depth else float(np.nanmax(distance)) / 250
    for root in roots:
        if root in seen:
            continue
        order = list(nx.bfs_tree(graph.subgraph(nx.node_connected_component(graph, root) - seen), root))
        seen.update(order)
        base += _place_tree(graph, order, position, base, None if by_depth else distance, step)
    width = max(float(np.ptp(position[:, 0])), step)
    position[:, 1] *= -TREE_HEIGHT * width / max(base - 1.0, 1.0)
    return position


def _place_tree(
    graph: nx.Graph, order: list[int], position: Floats, base: float, distance: Floats | None, step: float
) -> float:
    """Place one tree (buses in breadth-first order) from leaf row ``base`` on; gives its number of leaf rows."""
    parent: dict[int, int | None] = {order[0]: None}
    children: dict[int, list[int]] = {bus: [] for bus in order}
    for bus in order:
        for other in graph.neighbors(bus):
            if other in children and other not in parent:
                parent[other] = bus
                children[bus].append(other)
    leaves: dict[int, float] = {}
    for bus in reversed(order):
        leaves[bus] = sum(leaves[child] for child in children[bus]) or 1.0
    low, straight = {order[0]: base}, {order[0]: 0.0}
    for bus in order:
        up = parent[bus]
        x = 0.0 if up is None else position[up, 0] + step
        position[bus, 0] = x if distance is None else max(x, distance[bus])
        ranked = sorted(children[bus], key=lambda child: -leaves[child])
        start = low[bus]
        for child in [*ranked[1::2], *ranked[:1], *ranked[2::2]]:
            low[child], start = start, start + leaves[child]
    for bus in reversed(order):
        heavy = max(children[bus], key=lambda child: leaves[child], default=None)
        straight[bus] = low[bus] if heavy is None else straight[heavy]
        position[bus, 1] = straight[bus]
    return leaves[order[0]]


def _parent_first(xy: Floats, ends: NDArray[np.int_]) -> Iterator[tuple[int, int]]:
    for a, b in ends.tolist():
        yield (a, b) if xy[a, 0] <= xy[b, 0] else (b, a)


@dataclass(frozen=True, eq=False)
class State:
    """The conductors of a year: ``conductor`` (branch,), which branches have been replaced so far, which this year."""

    conductor: NDArray[np.object_]
    replaced: NDArray[np.bool_]
    new: NDArray[np.bool_]


def state(diagram: Diagram, interventions: pd.DataFrame, year: int) -> State:
    """The conductors after the interventions (of one plan) up to a year; year 0 is the circuit as it is."""
    conductor = diagram.branches["conductor"].fillna("").to_numpy(dtype=object).copy()
    replaced, new = np.zeros(len(conductor), dtype=bool), np.zeros(len(conductor), dtype=bool)
    row = diagram.row_of_line()
    due = interventions[interventions["year"] <= year].sort_values("year", kind="stable")
    for line, when, to in zip(due["line"], due["year"], due["to"], strict=True):
        branch = row[line]
        conductor[branch], replaced[branch], new[branch] = to, True, when == year
    return State(conductor, replaced, new)
