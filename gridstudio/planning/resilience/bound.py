"""How little any plan of the program can lose: each block served as it likes, all agreeing on the sizes on average.

Dantzig-Wolfe decomposition by blocks. A block's answers (the regions of its roots with the sizes that they use, from
the floor tables of ``regions``) are mixed with shares that add to 1; the mean size used is within beta. So what a block
serves is replaced by its concave envelope over a box of sizes, low <= beta <= high.

    minimise   (1 - lambda) sum_k p_k lost[k] + lambda (eta + sum_k p_k beyond[k] / (1 - alpha))              (D1)
    lost[k] + sum over blocks g of k and answers c of value[g, c] share[g, c] >= W                              (D2)
    beyond[k] - lost[k] + eta >= 0                                                                              (D3)
    sum_c share[g, c] = 1                                                                                       (D4)
    sum_c max(kw[g, r, c], low[r]) share[g, c] <= beta[r]                                                       (D5)
    sum_r beta[r] (1 + fixed[r] / max[r]) <= budget                                                             (D6)

Answers are found as they are needed: prices of (D2), (D4), (D5) ask every block for its best one (column generation).
What the blocks could still gain at these prices, taken off the value, bounds all plans at every step (Lasdon 1970).
The box is halved where the blocks' sizes differ most from beta, the box of the least bound first: where a box is
small, blocks have nothing left to disagree on (branch and bound). Hardening and added switches count as built.
"""

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np

from gridstudio.planning.resilience.contract import Floats, Ints, Problem
from gridstudio.planning.resilience.regions import ANY, STEPS, Regions
from gridstudio.planning.resilience.siting import steps_kw

ROUNDS = 80
CLOSE = 1e-4  # of the value: then the prices are right


@dataclass(frozen=True, eq=False)
class Bound:
    """``value``: no plan of the program loses less. ``boxes``: that were looked at."""

    value: float
    boxes: int


@dataclass(frozen=True, eq=False)
class Box:
    """Sizes (site,) [steps], both ends included."""

    low: Ints
    high: Ints

    def below(self, site: int, most: int) -> "Box":
        return Box(self.low, np.where(np.arange(len(self.high)) == site, most, self.high))

    def above(self, site: int, least: int) -> "Box":
        return Box(np.where(np.arange(len(self.low)) == site, least, self.low), self.high)


@dataclass(frozen=True, eq=False)
class Answers:
    """Best answers of one block at given prices; ``sites``: (root,) of the block, -1 for the substation."""

    g: int
    sites: Ints
    held: Ints
    tables: tuple[Floats, ...]

    def best(self, worth: float, price: Floats, box: Box) -> tuple[float, int, Ints]:
        """Gain, row of ``held`` and sizes (root,) [steps]; ``price`` (site,) of one step."""
        gain = np.zeros(len(self.held))
        sizes: list[Ints] = []
        for column, (site, table) in enumerate(zip(self.sites, self.tables, strict=True)):
            inside = slice(ANY, ANY + 1) if site < 0 else slice(box.low[site], box.high[site] + 1)
            steps = np.arange(ANY + 1)[inside]
            paid = worth * table[:, inside] - (price[site] * steps if site >= 0 else 0.0)
            at = np.argmax(paid, axis=1)
            sizes.append(steps[at])
            gain += paid[np.arange(len(table)), at][self.held[:, column]]
        row = int(np.argmax(gain))
        return float(gain[row]), row, np.array([size[self.held[row, n]] for n, size in enumerate(sizes)], dtype=np.intp)

    def within(self, row: int, sizes: Ints, box: Box) -> tuple[float, Ints] | None:
        """Value and sizes of an answer in a box; None where it uses more."""
        mine = self.sites >= 0
        if (sizes[mine] > box.high[self.sites[mine]]).any():
            return None
        used = np.where(mine, np.maximum(sizes, box.low[self.sites]), ANY)
        value = sum(float(table[self.held[row, n], used[n]]) for n, table in enumerate(self.tables))
        return value, np.where(mine, used, 0)


@dataclass(eq=False)
class Boxes:
    """Branch and bound; ``known`` answers (row, sizes) of every block."""

    problem: Problem
    step_kw: Floats
    asked: Sequence[Answers]
    of_storm: Sequence[tuple[int, ...]]
    known: list[dict[tuple[int, ...], None]] = field(default_factory=list)

    def value(self, box: Box, enough: float) -> tuple[float, Box, Box] | None:
        """The bound of a box, not further than ``enough``, and its halves; None if no plan is in it."""
        if (box.low * self.step_kw).sum() > self.problem.budget.kw + 1e-9:
            return None
        master = Master(self.problem, self.step_kw, self.asked, self.of_storm, box)
        for n, answers in enumerate(self.known):
            for row, *given in answers:
                if inside := self.asked[n].within(row, np.array(given), box):
                    master.add(n, *inside)
        best = 0.0
        for _ in range(ROUNDS):
            value, worth, whole, price = master.solve()
            missing = 0.0
            for n, one in enumerate(self.asked):
                gain, row, sizes = one.best(worth[n], price[n], box)
                missing += max(gain - whole[n], 0.0)
                if gain > whole[n] + 1e-7:
                    self.known[n][(row, *sizes.tolist())] = None
                    found = one.within(row, sizes, box)
                    assert found is not None
                    master.add(n, *found)
            best = max(best, value - missing)
            if missing <= CLOSE * max(value, 1e-9) or best >= enough:
                break
        return best, *self._halves(box, master)

    def _halves(self, box: Box, master: "Master") -> tuple[Box, Box]:
        """At the size of the site on which blocks agree least."""
        beta, apart = master.beta_kw() / self.step_kw, master.apart()
        site = int(np.argmax(np.where(box.high > box.low, apart, -1.0)))
        cut = int(np.clip(np.floor(beta[site] + 1e-6), box.low[site], max(box.high[site] - 1, box.low[site])))
        return box.below(site, cut), box.above(site, cut + 1)


def bound(
    problem: Problem, regions: Regions, of_storm: Sequence[tuple[int, ...]], enough: float, until: float
) -> Bound | None:
    """Branch and bound until no plan can lose less than ``enough``, or until a time (of ``time.perf_counter``); None
    where a block can be parted in too many ways."""
    asked = [_answers(regions, g) for g in sorted(regions.roots)]
    if not regions.complete:
        return None
    sites, step_kw = problem.sites, steps_kw(regions)
    high = np.minimum(np.ceil(np.minimum(sites.max_kw, problem.budget.kw) / step_kw - 1e-9), STEPS).astype(np.intp)
    boxes = Boxes(problem, step_kw, asked, of_storm, [{(0, *[0] * len(one.sites)): None} for one in asked])
    whole = Box(np.zeros(len(sites), dtype=np.intp), high)
    waiting: list[tuple[float, int, Box]] = [(0.0, 0, whole)]
    count, least = 0, enough
    while waiting and waiting[0][0] < enough:
        if count and time.perf_counter() > until:
            break
        above, _, box = heapq.heappop(waiting)
        found = boxes.value(box, enough)
        if found is None:
            continue
        value, *halves = found
        value = max(value, above)
        if (box.high <= box.low).all():
            least = min(least, value)
            continue
        for half in halves:
            count += 1
            heapq.heappush(waiting, (value, count, half))
    return Bound(min([least, *(each[0] for each in waiting)]), count // 2)


def _answers(regions: Regions, g: int) -> Answers:
    roots = regions.roots[g]
    own = tuple(range(len(roots)))
    sites = np.array([regions.stage.roots[r].site for r in roots], dtype=np.intp)
    return Answers(g, sites, regions.held(g, own), tuple(regions.table(g, n, floor=True) for n in own))


class Master:
    """The linear program (D1) to (D6), that grows by answers."""

    def __init__(
        self, problem: Problem, step_kw: Floats, asked: Sequence[Answers], of_storm: Sequence[tuple[int, ...]], box: Box
    ) -> None:
        sites, risk, p = problem.sites, problem.risk, problem.storms.probability
        self._asked, self._step_kw, self._sites = asked, step_kw, len(sites)
        total, inf, count = problem.grid.total_weighted_kw, highspy.kHighsInf, len(p)
        self._highs = h = highspy.Highs()
        h.setOptionValue("output_flag", False)
        h.setOptionValue("threads", 1)
        most = np.minimum(sites.max_kw, problem.budget.kw)
        self._answers: list[tuple[int, Ints]] = []
        for low, high in zip(box.low * step_kw, np.minimum(box.high * step_kw, most), strict=True):
            h.addCol(0.0, float(low), float(max(low, high)), 0, [], [])
        for share in p:
            h.addCol(float((1 - risk.lambda_) * share), 0.0, total, 0, [], [])
        h.addCol(risk.lambda_, 0.0, total, 0, [], [])
        for share in p:
            h.addCol(float(risk.lambda_ * share / (1 - risk.alpha)), 0.0, inf, 0, [], [])
        lost, eta, beyond = len(sites), len(sites) + count, len(sites) + count + 1
        for k in range(count):
            h.addRow(0.0, inf, 3, [beyond + k, lost + k, eta], [1.0, -1.0, 1.0])
        h.addRow(-inf, problem.budget.kw, len(sites), list(range(len(sites))), (1 + sites.fixed_kw / most).tolist())
        self._served = h.getNumRow()
        for k in range(count):
            h.addRow(total, inf, 1, [lost + k], [1.0])
        self._whole = h.getNumRow()
        for _ in asked:
            h.addRow(1.0, 1.0, 0, [], [])
        self._used: list[dict[int, int]] = []
        for one in asked:
            rows = {}
            for site in sorted({int(site) for site in one.sites if site >= 0}):
                rows[site] = h.getNumRow()
                h.addRow(-inf, 0.0, 1, [site], [-1.0])
            self._used.append(rows)
        self._storms = [[k for k, own in enumerate(of_storm) if one.g in own] for one in asked]
        self._first = h.getNumCol()

    def add(self, n: int, value: float, sizes: Ints) -> None:
        """An answer of a block."""
        used: dict[int, float] = {}
        for site, size in zip(self._asked[n].sites.tolist(), sizes.tolist(), strict=True):
            if site >= 0 and size:
                used[self._used[n][site]] = float(size * self._step_kw[site])
        rows = [self._whole + n, *(self._served + k for k in self._storms[n] if value), *used]
        values = [1.0, *(value for _ in self._storms[n] if value), *used.values()]
        self._highs.addCol(0.0, 0.0, highspy.kHighsInf, len(rows), rows, values)
        self._answers.append((n, sizes))

    def solve(self) -> tuple[float, Floats, Floats, list[Floats]]:
        """Value; by block the worth of what it serves, the price of its share, and the price of a step (site,)."""
        self._highs.run()
        dual = np.asarray(self._highs.getSolution().row_dual)
        worth = np.array([dual[[self._served + k for k in own]].sum() for own in self._storms])
        whole = -dual[self._whole : self._whole + len(self._asked)]
        prices = []
        for rows in self._used:
            price = np.zeros(self._sites)
            for site, row in rows.items():
                price[site] = max(-dual[row], 0.0) * self._step_kw[site]
            prices.append(price)
        return float(self._highs.getInfo().objective_function_value), worth, whole, prices

    def apart(self) -> Floats:
        """How much the blocks use beyond beta, at its price (site,)."""
        solution = self._highs.getSolution()
        dual, x = np.asarray(solution.row_dual), np.asarray(solution.col_value)
        found = np.zeros(self._sites)
        for share, (n, sizes) in zip(x[self._first :], self._answers, strict=True):
            for site, size in zip(self._asked[n].sites.tolist(), sizes.tolist(), strict=True) if share > 1e-9 else ():
                if site >= 0:
                    beyond = max(size * self._step_kw[site] - x[site], 0.0)
                    found[site] -= share * beyond * dual[self._used[n][site]]
        return found

    def beta_kw(self) -> Floats:
        return np.asarray(self._highs.getSolution().col_value[: self._sites])
