"""The second stage of a plan that is given: which islands every storm leaves, each confirmed by power flow.

What the program asks of one block does not touch another's, so the same formulation falls apart into small programs,
which are solved to the optimum one by one. Then OpenDSS has the word: an island that it refuses teaches its source
narrower limits (``Lessons``) or is not proposed again, and its blocks are solved anew; after a few rounds loads are
taken off instead, the least worth per kW first, until OpenDSS agrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience.apart import BLOCK_GAP, islands_of, solved_apart
from gridstudio.planning.resilience.blocks import Block, faced_blocks, fields, roots_of, tree_within, ways_of
from gridstudio.planning.resilience.check import Proof, Prover, loads_of, names_closed
from gridstudio.planning.resilience.contract import Floats, Grid, Island, Plan, Served, Sites, Storms
from gridstudio.planning.resilience.formulation import formulate
from gridstudio.planning.resilience.limits import LinearLimits
from gridstudio.planning.resilience.stage import Lessons, Proposal, stage_of

ROUNDS = 4  # of program and power flow, before loads are taken off
TIGHTER_PU = 1e-4  # a lesson goes this far beyond what was missing
TIGHTER_SHARE = 1e-6


@dataclass(eq=False)
class SecondStage:
    """Solves blocks of plans and remembers them, with the lessons and power flows of all."""

    grid: Grid
    sites: Sites
    prover: Prover
    limits: LinearLimits
    lessons: Lessons
    solved: dict[bytes, Floats] = field(default_factory=dict)  # see apart.solved_apart
    block_gap: float = BLOCK_GAP  # to which the small programs are solved
    _looked_at: set[tuple[int, int]] = field(default_factory=set)

    def serve(self, plan: Plan, storms: Storms, name: str = "islands") -> Served:
        """What a plan serves in storms."""
        self.prover.name = name
        phases = self.prover.phases
        before = phases.power_flows.get(name, 0), phases.not_converged.get(name, 0)
        roots = [root for root in self.prover.roots if root.site < 0 or plan.delta[root.site]]
        blocks, of_storm = faced_blocks(self.grid, storms, plan, roots)
        refused: dict[Proposal, None] = {}
        found = self.settle(plan, blocks, refused)
        served = self._served(plan, storms, found, of_storm, list(refused))
        after = phases.power_flows.get(name, 0), phases.not_converged.get(name, 0)
        counts = after[0] - before[0], after[1] - before[1]
        return replace(served, patterns=len(blocks), power_flows=counts[0], not_converged=counts[1])

    def settle(self, plan: Plan, blocks: Sequence[Block], refused: dict[Proposal, None]) -> list[list[Proposal]]:
        """Islands of every block that OpenDSS confirms."""
        found: list[list[Proposal]] = [[] for _ in blocks]
        whole = self._whole(plan, blocks)
        for g, island in whole.items():
            found[g] = [island]
        waiting = [g for g in range(len(blocks)) if g not in whole]
        wrong: dict[Proposal, Proof] = {}
        self.look_ahead([blocks[g] for g in waiting], plan)
        for _ in range(ROUNDS):
            proposed = self.proposals(plan, [blocks[g] for g in waiting])
            for g, islands in zip(waiting, proposed, strict=True):
                found[g] = islands
            wrong = self._wrong(plan, [island for islands in proposed for island in islands])
            refused.update(dict.fromkeys(wrong))
            for island, proof in wrong.items():
                self._learn(island, proof, plan)
            self._bar(plan, [island for island, proof in wrong.items() if self._unforeseen(island, proof)], refused)
            waiting = [g for g, islands in zip(waiting, proposed, strict=True) if not wrong.keys().isdisjoint(islands)]
            if not waiting:
                return found
        eased = self._eased(plan, {island for g in waiting for island in found[g] if island in wrong}, refused)
        for g in waiting:
            kept = [eased.get(island, island) for island in found[g]]
            found[g] = [island for island in kept if island is not None]
        return found

    def _whole(self, plan: Plan, blocks: Sequence[Block]) -> dict[int, Proposal]:
        """Blocks that one source serves whole, by normal switching where it can: nothing better is possible."""
        grid, tried = self.grid, []
        fixed = np.flatnonzero(grid.optional & ~plan.added)
        kw = np.bincount(grid.load_unit, grid.load_kw.sum(axis=1), len(grid.unit_names))
        for g, block in enumerate(blocks):
            units = np.flatnonzero(grid.sections.members(block.sections)[grid.unit_section])
            for r, root in enumerate(self.prover.roots):
                built = root.site < 0 or (plan.delta[root.site] and kw[units].sum() <= plan.beta_kw[root.site])
                if not built or not block.sections >> root.section & 1:
                    continue
                closed, fed = tree_within(grid, root.section, block.sections)
                ends = (grid.sections.ends[fixed] if len(fixed) else np.zeros((0, 2), dtype=np.intp)).tolist()
                inside = [d for d, (a, b) in zip(fixed, ends, strict=True) if fed >> a & 1 and fed >> b & 1]
                if fed == block.sections and all(closed >> int(d) & 1 for d in inside):
                    tried.append((g, Proposal(r, fed, closed, tuple(units.tolist()))))
        wrong = self._wrong(plan, [island for _, island in tried])
        return {g: island for g, island in reversed(tried) if island not in wrong and island.units}

    def proposals(self, plan: Plan, blocks: Sequence[Block]) -> list[list[Proposal]]:
        """The best islands of every block by the program, under what was learned so far."""
        if not blocks:
            return []
        roots = self.prover.roots
        stage = stage_of(self.grid, self.sites, roots, blocks, self.limits, self.lessons, plan)
        if not len(stage.tables.u_field):
            return [[] for _ in blocks]
        model = formulate(stage, np.inf, np.inf, plan)
        worth = self.grid.unit_weighted_kw[stage.tables.u_unit]
        picked = model.variables["picked_up"]
        model.add_objective((picked * -np.maximum(worth, 0.0)).sum())
        return islands_of(stage, model, solved_apart(model, self.solved, gap=self.block_gap))

    def _wrong(self, plan: Plan, islands: Sequence[Proposal]) -> dict[Proposal, Proof]:
        """Those that break a limit, each once."""
        different = list(dict.fromkeys(islands))
        proofs = self.prover.prove(different)
        return {
            island: proof
            for island, proof in zip(different, proofs, strict=True)
            if proof.broken or not self.prover.within_rating(island, proof, self._rated_kw(plan, island))
        }

    def _rated_kw(self, plan: Plan, island: Proposal) -> float:
        site = self.prover.roots[island.root].site
        return float(plan.beta_kw[site]) if site >= 0 else float("inf")

    def _learn(self, island: Proposal, proof: Proof, plan: Plan) -> None:
        """What the linear model got wrong, as narrower limits of the source; where that says nothing, the island is
        named."""
        known = self.lessons.of(island.root)
        on = self._on(island)
        if proof.broken:
            self.lessons.refused.add(island)
            volts, loading = self.limits.errors(island.root, island.closed, on, proof.lowest, proof.over_limit_pu)
            if "low_voltage" in proof.broken and volts - proof.v_min_pu > known.voltage_pu:
                known = replace(known, voltage_pu=volts - proof.v_min_pu + TIGHTER_PU)
            if "loading" in proof.broken and loading > known.loading_pu:
                known = replace(known, loading_pu=loading + TIGHTER_PU)
        else:
            known = replace(known, allowance=max(known.allowance, self._losses(island, proof, plan, on)))
        self.lessons.of_root[island.root] = known

    def _unforeseen(self, island: Proposal, proof: Proof) -> bool:
        """Whether its voltage is too low where the linear model is blind: behind a regulator."""
        if "low_voltage" not in proof.broken:
            return False
        found = self.limits.errors(island.root, island.closed, self._on(island), proof.lowest, proof.over_limit_pu)
        return bool(np.isnan(found[0]))

    def _bar(self, plan: Plan, islands: Sequence[Proposal], refused: dict[Proposal, None]) -> None:
        """Where not even the load worth most can be picked up, the way to it is not used again."""
        for island, fewer in self._eased(plan, set(islands), refused).items():
            if fewer is None:
                first = self._by_worth(island)[0]
                way = self._way(island, int(self.grid.unit_section[first]))
                self.lessons.barred.add((island.root, way))

    def _way(self, island: Proposal, section: int) -> int:
        """Devices (bit mask) on the way from its root to a section."""
        queue, ways = [self.prover.roots[island.root].section], {self.prover.roots[island.root].section: 0}
        for at in queue:
            for d, other in self.grid.sections.around[at]:
                if island.closed >> d & 1 and other not in ways:
                    ways[other] = ways[at] | 1 << d
                    queue.append(other)
        return ways[section]

    def _losses(self, island: Proposal, proof: Proof, plan: Plan, on: Floats) -> float:
        """What the source delivers beyond the linear model, as a share of that."""
        drawn = complex((self.limits.power * on).sum())
        site, rated_kw = self.prover.roots[island.root].site, self._rated_kw(plan, island)
        share = proof.source_kw / drawn.real - 1.0 if drawn.real > 0 else 0.0
        if proof.source_kva > self.sites.kva_per_kw[site] * rated_kw:
            share = max(share, proof.source_kva / max(abs(drawn), 1e-9) - 1.0)
            self.lessons.refused.add(island)
        return max(share, 0.0) + TIGHTER_SHARE

    def _on(self, island: Proposal) -> Floats:
        """1 for its units and its sections' capacitors (unit + section,)."""
        units = np.isin(np.arange(len(self.grid.unit_names)), island.units)
        return np.concatenate([units, self.grid.sections.members(island.sections)]).astype(float)

    def look_ahead(self, blocks: Sequence[Block], plan: Plan | None = None) -> None:
        """Bar the ways from roots to sections on which the voltage of some load is too low without any load, or a node
        stays dead: load only lowers voltages."""
        grid, roots = self.grid, self.prover.roots
        ways = {
            (one.root, way): sections
            for one in fields(grid, blocks, roots)
            if plan is None or (site := roots[one.root].site) < 0 or plan.delta[site]
            for way, sections in ways_of(one, roots[one.root].section)
        }
        new = [key for key in ways if key not in self._looked_at]
        proofs = self.prover.prove([Proposal(root, ways[root, way], way, ()) for root, way in new])
        self._looked_at.update(new)
        for key, proof in zip(new, proofs, strict=True):
            if {"low_voltage", "dead", "not_converged"} & set(proof.broken):
                self.lessons.barred.add(key)
        shortest = {
            (root, way)
            for root, way in self.lessons.barred
            if not any(r == root and w != way and w & ~way == 0 for r, w in self.lessons.barred)
        }
        self.lessons.barred.clear()
        self.lessons.barred.update(shortest)

    def _eased(
        self, plan: Plan, islands: set[Proposal], refused: dict[Proposal, None]
    ) -> dict[Proposal, Proposal | None]:
        """For each island one with fewer loads that OpenDSS confirms, or None; halving how many are kept."""
        order = {island: self._by_worth(island) for island in islands}
        bounds = {island: (0, len(units)) for island, units in order.items()}  # kept: allowed, refused
        best: dict[Proposal, Proposal | None] = dict.fromkeys(islands)
        while open_ := [island for island, (low, high) in bounds.items() if high - low > 1]:
            middle = {island: sum(bounds[island]) // 2 for island in open_}
            tried = {island: replace(island, units=tuple(sorted(order[island][: middle[island]]))) for island in open_}
            wrong = self._wrong(plan, list(tried.values()))
            for island, fewer in tried.items():
                low, high = bounds[island]
                refused.update(dict.fromkeys([fewer] if fewer in wrong else []))
                bounds[island] = (low, middle[island]) if fewer in wrong else (middle[island], high)
                best[island] = best[island] if fewer in wrong else fewer
        return best

    def _by_worth(self, island: Proposal) -> list[int]:
        """Its units, the most weight per kW first."""
        kw = np.maximum(self.limits.power.real, 1e-9)
        return sorted(island.units, key=lambda u: (-self.grid.unit_weighted_kw[u] / kw[u], u))

    def _served(
        self,
        plan: Plan,
        storms: Storms,
        found: Sequence[Sequence[Proposal]],
        of_storm: Sequence[tuple[int, ...]],
        refused: Sequence[Proposal],
    ) -> Served:
        """The rows of it; what was counted comes later."""
        grid = self.grid
        on = np.zeros((len(found), len(grid.unit_names)), dtype=bool)
        for g, islands in enumerate(found):
            for island in islands:
                on[g, list(island.units)] = True
        worth = on @ grid.unit_weighted_kw
        critical = np.bincount(grid.load_unit, grid.load_kw.sum(axis=1) * grid.load_critical, len(grid.unit_names))
        unit_on = np.array([on[list(own)].any(axis=0) for own in of_storm], dtype=bool).reshape(len(storms), -1)
        lost = np.array([grid.total_weighted_kw - worth[list(own)].sum() for own in of_storm])
        rows = tuple(
            self._row(plan, island, k, True) for k, own in enumerate(of_storm) for g in own for island in found[g]
        )
        return Served(
            q=np.maximum(lost, 0.0),
            unit_on=unit_on,
            critical_kw=unit_on @ critical,
            islands=rows,
            refused=tuple(self._row(plan, island, -1, False) for island in refused),
            patterns=0,
            power_flows=0,
            not_converged=0,
        )

    def _row(self, plan: Plan, island: Proposal, storm: int, feasible: bool) -> Island:
        grid, proof = self.grid, self.prover.known[island]
        loads = loads_of(grid, island)
        kw = grid.load_kw.sum(axis=1)
        return Island(
            storm=storm,
            source=self.prover.roots[island.root].name,
            sections=tuple(int(s) for s in np.flatnonzero(grid.sections.members(island.sections))),
            closed=names_closed(grid, island),
            served_kw=proof.served_kw,
            nominal_kw=float(kw[loads].sum()),
            weighted_kw=float(grid.load_weighted_kw[loads].sum()),
            critical_kw=float(kw[loads & grid.load_critical].sum()),
            source_kw=proof.source_kw,
            source_kva=proof.source_kva,
            rated_kw=self._rated_kw(plan, island),
            v_min_pu=proof.v_min_pu,
            v_max_pu=proof.v_max_pu,
            loading_max_pu=proof.loading_max_pu,
            feasible=feasible,
        )


def second_stage(grid: Grid, sites: Sites, plan: Plan, storms: Storms, phases: Phases, name: str = "islands") -> Served:
    """What a plan serves in storms, each island confirmed by OpenDSS; storms of equal faults are solved once."""
    return stage_for(grid, sites, phases).serve(plan, storms, name)


def stage_for(grid: Grid, sites: Sites, phases: Phases) -> SecondStage:
    """A second stage that knows nothing yet."""
    roots = roots_of(grid, sites)
    prover = Prover(grid, sites, roots, phases)
    return SecondStage(grid, sites, prover, LinearLimits(grid, sites, roots), Lessons())
