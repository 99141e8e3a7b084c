"""How little any plan of the program can lose: each block served as it likes, all agreeing on the plan on average.

Dantzig-Wolfe decomposition by blocks. A block's answers (the regions of its roots with the sizes that they use, from
the floor tables of ``worth``) are mixed with shares that add to 1; the mean size used is within beta, and what the mean
answer rests on is built. So what a block serves is replaced by its concave envelope over a box of plans.

    minimise   (1 - lambda) sum_k p_k lost[k] + lambda (eta + sum_k p_k beyond[k] / (1 - alpha))              (D1)
    lost[k] + sum over blocks g of k and answers c of value[g, c] share[g, c] >= W                              (D2)
    beyond[k] - lost[k] + eta >= 0                                                                              (D3)
    sum_c share[g, c] = 1                                                                                       (D4)
    sum_c max(kw[g, r, c], low[r]) share[g, c] <= beta[r]                                                       (D5)
    sum_r beta[r] (1 + fixed[r] / max[r]) <= budget;  sum_o usd[o] built[o] <= budget                           (D6)
    sum of share[g, c] over answers c that rest on option o <= built[o]                  for every g and o      (D7)
    low <= beta, built <= high                                                                                  (D8)

Options o are the lines that may be hardened and the switches that may be added. An answer rests on a line where one of
its regions holds a section that the line would put out of service, as in (14) of the program: regions are disjoint, so
their sum over roots is 0 or 1. It rests on a switch where one of its regions holds just one of the switch's ends, as in
(15). Whatever a plan of the program does is one answer of each block with share 1, so (D1) to (D8) are a relaxation.

Answers are found as they are needed: prices of (D2), (D4), (D5), (D7) ask every block for its best one (column
generation). What the blocks could still gain at these prices, taken off the value, bounds all plans at every step
(Lasdon 1970): beta and built are columns of the master from the start, so that its prices suit them. The box is halved
where the blocks' answers differ most from beta or built, the box of the least bound first: where a box is small, blocks
have nothing left to disagree on (branch and bound).
"""

import heapq
import time
from collections.abc import Sequence

import numpy as np

from gridstudio.planning.resilience.answers import Answers, Box, FirstStage, answers_of, first_stage
from gridstudio.planning.resilience.contract import Floats, Ints, Problem
from gridstudio.planning.resilience.master import Master, Prices
from gridstudio.planning.resilience.regions import Regions

ROUNDS = 80
CLOSE = 1e-4  # of the value: then the prices are right
TINY = 1e-9


class Bound:
    """Branch and bound over boxes of plans, that can be carried on.

    ``value``: no plan of the program loses less; ``boxes``: looked at so far; ``complete``: whether every block's
    answers could be enumerated: without that, ``value`` stays 0; ``stopped_by_clock``: whether a time that had come
    ever ended it.
    """

    def __init__(self, problem: Problem, regions: Regions, of_storm: Sequence[tuple[int, ...]]) -> None:
        self._problem, self._of_storm = problem, of_storm
        self.columns = first_stage(problem, regions)
        found = [answers_of(regions, g, self.columns) for g in sorted(regions.roots)]
        self._asked: list[Answers] = [one for one in found if one is not None]
        self.complete = len(self._asked) == len(found)
        self._known: list[dict[tuple[int, ...], None]] = [{} for _ in self._asked]
        self._waiting: list[tuple[float, int, Box]] = []
        self._leaf, self._count, self.boxes = np.inf, 0, 0
        self._first = np.zeros(len(self.columns.step))
        self.value, self.stopped_by_clock = 0.0, False
        if self.complete:
            self._look_at(0.0, self.columns.whole, np.inf)
            self._told()

    @property
    def mean(self) -> tuple[FirstStage, Floats] | None:
        """The first stage that blocks agree on before any halving; None where nothing is known."""
        return (self.columns, self._first) if self.complete else None

    @property
    def ended(self) -> bool:
        """Whether more time cannot raise the value."""
        return not self.complete or not self._waiting or self._leaf <= self._waiting[0][0]

    def raise_to(self, enough: float, until: float, boxes: int) -> float:
        """The value once it is ``enough``, or so many more boxes were looked at, or a time (of ``time.perf_counter``)
        has come."""
        last = self.boxes + boxes
        while self.value < enough and not self.ended and self.boxes < last:
            if time.perf_counter() >= until:
                self.stopped_by_clock = True
                break
            above, _, box = heapq.heappop(self._waiting)
            self._look_at(above, box, enough)
            self._told()
        return self.value

    def _told(self) -> None:
        self.value = float(min([self._leaf, *(each[0] for each in self._waiting[:1])]))

    def _look_at(self, above: float, box: Box, enough: float) -> None:
        """The bound of a box; then its halves wait, with what is known of both."""
        if not self._possible(box):
            return
        leaf = bool((box.high <= box.low).all())
        master, value = self._generated(box, np.inf if leaf else enough)
        value = max(value, above)
        if not self.boxes:
            self._first = master.first_stage()
        self.boxes += 1
        if leaf:
            self._leaf = min(self._leaf, value)
            return
        for half in self._halves(box, master):
            self._count += 1
            heapq.heappush(self._waiting, (value, self._count, half))

    def _possible(self, box: Box) -> bool:
        """Whether any plan in it keeps the budgets."""
        least, budget = box.low * self.columns.step, self._problem.budget
        return bool(
            least @ self.columns.kw <= budget.kw + TINY * budget.kw and least @ self.columns.usd <= budget.usd + TINY
        )

    def _generated(self, box: Box, enough: float) -> tuple[Master, float]:
        """The master of a box with the answers that it asks for; its bound, not further than ``enough``."""
        master = Master(self._problem, self.columns, self._asked, self._of_storm, box)
        self._restore(master, box)
        self._seed(master, box)
        return master, self._asked_for(master, box, enough)

    def _restore(self, master: Master, box: Box) -> None:
        """Add the answers of other boxes that fit into this one."""
        for n, answers in enumerate(self._known):
            for row, *given in answers:
                if inside := self._asked[n].within(row, np.array(given), box):
                    master.add(n, *inside)

    def _seed(self, master: Master, box: Box) -> None:
        """Add what no price speaks against, so that every block has an answer."""
        nothing = np.zeros(len(self.columns.step))
        for n, one in enumerate(self._asked):
            _, row, sizes = one.best(1.0, nothing, Box(box.low, box.low))
            self._add(master, n, row, sizes, box)

    def _asked_for(self, master: Master, box: Box, enough: float) -> float:
        """Add answers until the prices ask for no more; the best bound on the way, 0 if HiGHS solves no master."""
        best = 0.0
        for _ in range(ROUNDS):
            found = master.solve()
            if found is None:
                break
            missing = self._ask(master, found, box)
            best = max(best, found.value - missing)
            if missing <= CLOSE * max(found.value, TINY) or best >= enough:
                break
        return best

    def _ask(self, master: Master, prices: Prices, box: Box) -> float:
        """Add each block's best answer at these prices; how much all of them gain."""
        missing = 0.0
        for n, one in enumerate(self._asked):
            gain, row, sizes = one.best(prices.worth[n], prices.price[n], box)
            missing += max(gain - prices.whole[n], 0.0)
            if gain > prices.whole[n] + 1e-7:
                self._known[n][(row, *sizes.tolist())] = None
                self._add(master, n, row, sizes, box)
        return missing

    def _add(self, master: Master, n: int, row: int, sizes: Ints, box: Box) -> None:
        found = self._asked[n].within(row, sizes, box)
        assert found is not None
        master.add(n, *found)

    def _halves(self, box: Box, master: Master) -> tuple[Box, Box]:
        """At the value of the column on which blocks agree least."""
        steps, apart = master.first_stage() / self.columns.step, master.apart()
        column = int(np.argmax(np.where(box.high > box.low, apart, -1.0)))
        cut = int(np.clip(np.floor(steps[column] + 1e-6), box.low[column], max(box.high[column] - 1, box.low[column])))
        return box.below(column, cut), box.above(column, cut + 1)
