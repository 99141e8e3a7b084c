"""A feeder as tidy tables and a graph, read once from the engine.

Rows of ``nodes``, ``branches`` and ``conductors`` line up with the arrays of a
power flow: voltages follow ``nodes``, currents ``conductors``, loadings ``branches``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.limits import Limits

SOURCE_COLUMNS = ("source", "bus", "phases", "nodes", "base_kv", "closed")


@dataclass(frozen=True)
class Finding:
    """Something that an engineer should know about a circuit before trusting its numbers."""

    severity: Literal["error", "warning"]
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Network:
    """Tidy tables of one circuit; never edited in place.

    nodes: bus, phase, base_kv (line to neutral), fed (a source feeds it in the base circuit),
        reachable (a source would feed it if every line were closed)
    branches: element ("line.l1"), kind ("line", "transformer", "autotrans", "reactor", "capacitor"), name, bus1, bus2,
        phases, ampacity_a (NaN where the model gives no rating), emergency_a
    conductors: branch (row of branches), phase, phase2 (node at the second bus), closed: one row per phase conductor
    buses: bus, x, y (NaN without coordinates), base_kv, distance_km (along the line from the source)
    lines: line, bus1, bus2, phases, line_code ("" if none), length_m (NaN where the unit is not known), is_switch,
        closed (all conductors at both ends), has_rating, normal_a, emergency_a, length (as written), misfit ("" or
        what is wrong with its phases)
    transformers: transformer, bus1, bus2, phases, kva, kv1, kv2, regulated
    loads: load, bus, phases, kw, kvar, model, nodes (of its phases, "1.2"), opened (by ``open``, without effect)
    generators: generator, kind, bus, phases, kw, opened, nodes (of its phases, "1.2")
    switches: line, bus1, bus2, closed
    sources: names of the buses with a voltage source
    further_ends: (element, bus) of the third and later windings
    protection: (name, kind, line) of fuses, reclosers and relays, and the line each opens
    source_elements: source, bus, phases, nodes (of its phases, "1.2.3"), base_kv (as declared: line to line, of one
        phase to neutral), closed (in service in the base circuit); in the order of a power flow's ``source_kva``
    """

    name: str
    nodes: pd.DataFrame
    branches: pd.DataFrame
    conductors: pd.DataFrame
    buses: pd.DataFrame
    lines: pd.DataFrame
    transformers: pd.DataFrame
    loads: pd.DataFrame
    generators: pd.DataFrame
    sources: tuple[str, ...]
    frequency_hz: float = 60.0
    further_ends: tuple[tuple[str, str], ...] = ()
    protection: tuple[tuple[str, str, str], ...] = ()
    source_elements: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*SOURCE_COLUMNS]))

    @property
    def switches(self) -> pd.DataFrame:
        return self.lines.loc[self.lines["is_switch"], ["line", "bus1", "bus2", "closed"]]

    @cached_property
    def line_row(self) -> dict[str, int]:
        """Row of ``branches`` of every line, by the line's name."""
        rows = self.branches.index[self.branches["kind"] == "line"]
        return dict(zip(self.branches.loc[rows, "name"], rows, strict=True))

    @cached_property
    def transformer_row(self) -> dict[str, int]:
        """Row of ``branches`` of every transformer, by its name."""
        rows = self.branches.index[self.branches["kind"] == "transformer"]
        return dict(zip(self.branches.loc[rows, "name"], rows, strict=True))

    @cached_property
    def transformer_kva(self) -> dict[str, float]:
        """Rating [kVA] of the largest winding of every transformer, by its name."""
        return dict(zip(self.transformers["transformer"], self.transformers["kva"].astype(float), strict=True))

    @cached_property
    def source_row(self) -> dict[str, int]:
        """Row of ``source_elements`` of every voltage source, by its name."""
        return {str(source): row for row, source in enumerate(self.source_elements["source"])}

    @cached_property
    def source_conductor(self) -> NDArray[np.intp]:
        """Row of ``source_elements`` of every phase conductor of the sources (source conductor,)."""
        return np.repeat(np.arange(len(self.source_elements)), self.source_elements["phases"].to_numpy(dtype=int))

    @cached_property
    def line_phases(self) -> dict[str, int]:
        """Number of phases of every line, by name."""
        return dict(zip(self.lines["line"], self.lines["phases"], strict=True))

    @cached_property
    def line_codes(self) -> dict[str, str]:
        """Line code of every line, "" if it has none, by name."""
        return dict(zip(self.lines["line"], self.lines["line_code"], strict=True))

    @cached_property
    def first_conductor(self) -> NDArray[np.intp]:
        """First row of ``conductors`` of every branch: the boundaries of a ``reduceat``."""
        return np.flatnonzero(np.diff(self.conductors["branch"].to_numpy(), prepend=-1))

    def branch_current(self, current_a: NDArray[np.float64]) -> NDArray[np.float64]:
        """Largest phase current (..., branch) [A] of conductor currents (..., conductor)."""
        result: NDArray[np.float64] = np.maximum.reduceat(current_a, self.first_conductor, axis=-1)
        return result

    def loading_limit_pu(self, limits: Limits) -> NDArray[np.float64]:
        """The loading limit of every branch (branch,)."""
        is_line = (self.branches["kind"] == "line").to_numpy()
        return np.where(is_line, limits.loading_max_pu, limits.transformer_loading_max_pu)

    def graph(self, open_lines: Iterable[str] = ()) -> nx.MultiGraph:
        """Buses and the branches between them that have a closed conductor; keys are element names."""
        closed = np.zeros(len(self.branches), dtype=bool)
        closed[self.conductors.loc[self.conductors["closed"], "branch"]] = True
        left_out = {f"line.{line}" for line in open_lines} | set(self.branches.loc[~closed, "element"])
        first_bus = dict(zip(self.branches["element"], self.branches["bus1"], strict=True))
        edges = list(self.branches[["bus1", "bus2", "element"]].itertuples(index=False, name=None))
        edges += [(first_bus[element], bus, element) for element, bus in self.further_ends]
        graph: nx.MultiGraph = nx.MultiGraph()
        graph.add_nodes_from(self.buses["bus"])
        graph.add_edges_from((a, b, name, {"element": name}) for a, b, name in edges if name not in left_out)
        return graph

    def loops(self) -> list[str]:
        """Names of closed branches that close a loop on some phase: empty for a radial circuit.

        Conductors count phase by phase: single-phase regulators side by side are no loop, two lines
        on the same phase between the same two buses are one, and so is a path between two sources.
        Switches are looked at last, so that they are what is named where one closes the loop.
        """
        is_switch = self.branches["element"].isin("line." + self.switches["line"]).to_numpy()
        table = self.conductors[self.conductors["closed"]]
        table = table.iloc[np.argsort(is_switch[table["branch"]], kind="stable")]
        bus1, bus2 = self.branches["bus1"].to_numpy(), self.branches["bus2"].to_numpy()
        joined: nx.utils.UnionFind = nx.utils.UnionFind()
        for bus in self.sources:
            for phase in set(self.nodes.loc[self.nodes["bus"] == bus, "phase"]):
                joined.union(("source", phase), (bus, phase))
        closing: dict[str, None] = {}
        for branch, phase, phase2 in table[["branch", "phase", "phase2"]].itertuples(index=False, name=None):
            ends = (bus1[branch], phase), (bus2[branch], phase2)
            if 0 in (phase, phase2):
                continue
            if joined[ends[0]] == joined[ends[1]]:
                closing[str(self.branches["name"].iat[branch])] = None
            joined.union(*ends)
        return list(closing)

    def parent_lines(self) -> dict[str, list[str]]:
        """For every fed bus the elements on its path to the source, nearest to the source first (radial circuits)."""
        graph = self.graph()
        paths: dict[str, list[str]] = {bus: [] for bus in self.sources}
        for a, b in nx.edge_bfs(nx.Graph(graph), list(self.sources)):
            if b not in paths:
                paths[b] = [*paths[a], *graph[a][b]]
        return paths
