"""A good plan to start the program from: sizes moved about between sites as long as less is lost.

What a plan loses is looked up in the tables of ``regions``, not solved, so that thousands of plans can be compared. The
program takes the plan found as its first incumbent: the bound, and so the gap, do not rest on this search.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gridstudio.planning.resilience.contract import Bools, Floats, Ints
from gridstudio.planning.resilience.regions import Options, Regions
from gridstudio.planning.resilience.stage import Stage
from gridstudio.planning.resilience.worth import ANY
from gridstudio.solve.risk import RiskMeasure, value

MOVES = (1, 2, 4, 8, 16, 32, 64)  # steps that one move takes from a site to another


@dataclass(eq=False)
class Siting:
    """Looks up what plans lose; their sizes as whole steps (plan, site)."""

    regions: Regions
    of_storm: Sequence[tuple[int, ...]]
    probability: Floats
    risk: RiskMeasure
    looked_up: int = 0  # blocks with options and sizes that were not known
    _known: dict[tuple[int, int, int], dict[tuple[int, ...], float]] = field(default_factory=dict)

    @property
    def stage(self) -> Stage:
        return self.regions.stage

    def lost(self, steps: Ints, options: Options) -> Floats:
        """The risk of what is lost by plans [weighted kW] that harden and add the same."""
        served = np.array([self._served(g, steps, options) for g in range(len(self.stage.tables.blocks))])
        total = self.stage.grid.total_weighted_kw
        q = np.array([total - served[list(own)].sum(axis=0) for own in self.of_storm])
        return np.array([value(self.risk, of_plan, self.probability) for of_plan in q.T])

    def _served(self, g: int, steps: Ints, options: Options) -> Floats:
        """The most that the built roots of a block serve, by plan."""
        roots = self.regions.roots.get(g, [])
        if not roots:
            return np.zeros(len(steps))
        sites = np.array([self.stage.roots[r].site for r in roots], dtype=np.intp)
        keys = list(map(tuple, np.where(sites >= 0, steps[:, sites], ANY).tolist()))
        state = self.regions.state(g, options)
        known = self._known.setdefault((g, *state), {})
        by_built: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for key in dict.fromkeys(key for key in keys if key not in known):
            by_built.setdefault(tuple(n for n, size in enumerate(key) if size), []).append(key)
        for built, some in by_built.items():
            self.looked_up += len(some)
            known.update(zip(some, self._best(g, state, built, np.array(some)).tolist(), strict=True))
        return np.array([known[key] for key in keys])

    def _best(self, g: int, state: tuple[int, int], built: tuple[int, ...], sizes: Ints) -> Floats:
        """The same for plans (plan, root) that build the same roots of a block."""
        if not built:
            return np.zeros(len(sizes))
        held = self.regions.of_built(g, *state, built)
        worth = np.zeros((len(held), len(sizes)))
        for column, n in enumerate(built):
            worth += self.regions.table(g, n, floor=False)[np.ix_(held[:, column], sizes[:, n])]
        return np.asarray(worth.max(axis=0))


def good_sizes(siting: Siting, budget_kw: float, options: Options, starts: Iterable[Floats]) -> Floats:
    """Sizes [kW] (site,) that no move of some steps from one site to another betters, the best of all starts."""
    sites = siting.stage.sites
    step_kw = steps_kw(siting.regions)
    most = np.floor(np.minimum(sites.max_kw, budget_kw) / step_kw + 1e-9).astype(np.intp)
    room = Room(most, step_kw, sites.fixed_kw, budget_kw)
    found: list[tuple[float, Ints]] = []
    for start in starts:
        steps = np.minimum((start / step_kw + 1e-9).astype(np.intp), room.most)
        found.append(_moved(siting, options, steps * bool(room.holds(steps[None])[0]), room))
    return np.asarray(min(found, key=lambda pair: pair[0])[1] * step_kw)


def steps_kw(regions: Regions) -> Floats:
    """kW of a site for one step of what it serves (site,), losses allowed for."""
    stage = regions.stage
    allowance = np.zeros(len(stage.sites))
    for r, root in enumerate(stage.roots):
        if root.site >= 0:
            allowance[root.site] = stage.lessons.of(r).allowance
    return np.asarray(regions.step_kw * (1.0 + allowance))


@dataclass(frozen=True, eq=False)
class Room:
    """What sizes may be: ``most`` steps of each site, ``step_kw`` of the budget for one step, ``fixed_kw`` for any."""

    most: Ints
    step_kw: Floats
    fixed_kw: Floats
    budget_kw: float

    def holds(self, steps: Ints) -> Bools:
        """Whether plans (plan, site) are allowed."""
        inside = ((steps >= 0) & (steps <= self.most)).all(axis=1)
        return np.asarray(inside & (steps @ self.step_kw + (steps > 0) @ self.fixed_kw <= self.budget_kw + 1e-9))


def _moved(siting: Siting, options: Options, steps: Ints, room: Room) -> tuple[float, Ints]:
    """The loss and the sizes in the end; pair by pair of sites, the best move of each, until none is left."""
    lost = float(siting.lost(steps[None], options)[0])
    pairs = list(itertools.permutations(range(-1, len(steps)), 2))  # -1: not spent
    idle, n = 0, 0
    while idle < len(pairs):
        tried = _moves(steps, *pairs[n], room)
        risks = siting.lost(tried, options) if len(tried) else np.array([np.inf])
        if risks.min() < lost - 1e-9:
            lost, steps, idle = float(risks.min()), tried[int(np.argmin(risks))], 0
        else:
            idle += 1
        n = (n + 1) % len(pairs)
    return lost, steps


def _moves(steps: Ints, giver: int, taker: int, room: Room) -> Ints:
    """Plans (plan, site) after moves of several sizes from one site to another, as far as allowed."""
    spent = steps @ room.step_kw + (steps > 0) @ room.fixed_kw
    left = int((room.budget_kw - spent) / room.step_kw[taker] + 1e-9) if giver < 0 else int(steps[giver])
    space = int(room.most[taker] - steps[taker]) if taker >= 0 else left
    amounts = np.array(sorted({move for move in (*MOVES, left, space) if 0 < move <= min(left, space)}), dtype=np.intp)
    tried = np.tile(steps, (len(amounts), 1))
    if giver >= 0:
        tried[:, giver] -= amounts
    if taker >= 0:
        tried[:, taker] += amounts
    return np.asarray(tried[room.holds(tried)])
