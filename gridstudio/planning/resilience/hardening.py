"""Which lines to harden, for sizes that are given: the lines that save most for their price, one choice after another.

A choice is what a section, or a whole block, lacks to be in service: single lines often save nothing. What it saves is
looked up in the tables of ``regions``; the program, or the exact second stage, has the last word.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gridstudio.planning.resilience.contract import Bools, Floats, Ints
from gridstudio.planning.resilience.regions import ANY, Regions, out_of
from gridstudio.solve.risk import RiskMeasure, value

LEAST_USD = 1e-6  # what costs nothing is judged by what it saves


@dataclass(eq=False)
class Hardening:
    """Looks up what is lost with some lines hardened. ``regions``: of all that may be hardened, as ``Regions.under`` a
    plan leaves out sections one by one."""

    regions: Regions
    of_storm: Sequence[tuple[int, ...]]
    probability: Floats
    risk: RiskMeasure
    _known: dict[tuple[int, int, tuple[int, ...]], float] = field(default_factory=dict)

    def lost(self, hardened: Bools, steps: Ints) -> float:
        """The risk of what is lost [weighted kW] with sources of ``steps`` (site,)."""
        stage = self.regions.stage
        served = np.array([self._served(g, hardened, steps) for g in range(len(stage.tables.blocks))])
        q = np.array([stage.grid.total_weighted_kw - served[list(own)].sum() for own in self.of_storm])
        return value(self.risk, q, self.probability)

    def _served(self, g: int, hardened: Bools, steps: Ints) -> float:
        stage = self.regions.stage
        roots = self.regions.roots.get(g, [])
        sizes = tuple(ANY if (site := stage.roots[r].site) < 0 else int(steps[site]) for r in roots)
        key = g, out_of(stage.tables.blocks[g], hardened), sizes
        if key not in self._known:
            self._known[key] = self.regions.most(*key)
        return self._known[key]

    def choices(self, hardened: Bools, budget_usd: float) -> list[tuple[int, ...]]:
        """Lines that a section or a block lacks, as far as the budget goes."""
        grid, found = self.regions.stage.grid, dict[tuple[int, ...], None]()
        left = budget_usd - float(grid.line_usd @ hardened) + 1e-9
        for block in self.regions.stage.tables.blocks:
            wanted = [lines for _, lines in block.needs]
            for lines in (*wanted, tuple(line for each in wanted for line in each)):
                lacking = tuple(sorted({line for line in lines if not hardened[line]}))
                if lacking and grid.line_usd[list(lacking)].sum() <= left:
                    found[lacking] = None
        return list(found)


def good_lines(hardening: Hardening, steps: Ints, budget_usd: float, until: float) -> Bools:
    """Lines (line,) to harden for sizes of ``steps`` (site,): the best saving for its price, again and again, until
    none saves or a time (of ``time.perf_counter``) has come."""
    grid = hardening.regions.stage.grid
    hardened = np.zeros(len(grid.line_names), dtype=bool)
    lost = hardening.lost(hardened, steps)
    while time.perf_counter() < until:
        best: tuple[float, float, Bools] | None = None
        for lines in hardening.choices(hardened, budget_usd):
            tried = hardened.copy()
            tried[list(lines)] = True
            now = hardening.lost(tried, steps)
            rate = (lost - now) / max(float(grid.line_usd[list(lines)].sum()), LEAST_USD)
            if now < lost - 1e-9 and (best is None or rate > best[0]):
                best = rate, now, tried
            if time.perf_counter() > until:
                break
        if best is None:
            break
        _, lost, hardened = best
    return hardened
