"""What to harden and which switches to add, for sizes that are given: what saves most for its price, step by step.

A choice is what a section, or a whole block, lacks to be in service, or one switch: single lines often save nothing.
What it saves is looked up in the tables of ``regions``; the program, or the exact second stage, has the last word.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from gridstudio.planning.resilience.contract import Floats, Ints
from gridstudio.planning.resilience.regions import Options
from gridstudio.planning.resilience.siting import Siting

LEAST_USD = 1e-6  # what costs nothing is judged by what it saves
LOOK_UPS = 60_000  # of blocks in one search; not seconds, that every machine finds the same
LEAST_SAVING = 1e-9


@dataclass(frozen=True)
class Choice:
    """Rows of the lines and devices that are built together."""

    lines: tuple[int, ...]
    devices: tuple[int, ...] = ()


@dataclass(eq=False)
class OptionSearch:
    """The search for sizes of ``steps`` (site,), within ``budget_usd`` and ``most``."""

    siting: Siting
    steps: Ints
    budget_usd: float
    most: Options

    def __post_init__(self) -> None:
        self._until = self.siting.looked_up + LOOK_UPS

    @property
    def ended(self) -> bool:
        return self.siting.looked_up >= self._until

    def lost(self, options: Options) -> float:
        return float(self.siting.lost(self.steps[None], options)[0])

    def choices(self) -> list[Choice]:
        """Lines that a section or a block lacks, and single switches, as far as the budget goes."""
        stage, found = self.siting.stage, dict[Choice, None]()
        hardenable = self.most.hardened
        for block in stage.tables.blocks:
            wanted = [lines for _, lines in block.needs if hardenable[list(lines)].all()]
            for lines in (*wanted, tuple(line for each in wanted for line in each)):
                if lines:
                    found[Choice(tuple(sorted(set(lines))))] = None
        found.update((Choice((), (int(d),)), None) for d in np.flatnonzero(self.most.added))
        return [one for one in found if self._usd(one) <= self.budget_usd + 1e-9]

    def more(self, options: Options, choice: Choice) -> Options | None:
        """Options with a choice; None where nothing is new or the budget does not hold it."""
        grid = self.siting.stage.grid
        hardened, added = options.hardened.copy(), options.added.copy()
        hardened[list(choice.lines)] = True
        added[list(choice.devices)] = True
        found = Options(hardened, added)
        new = hardened.sum() + added.sum() > options.hardened.sum() + options.added.sum()
        return found if new and found.usd(grid) <= self.budget_usd + 1e-9 else None

    def extended(self, options: Options) -> Options:
        """More and more of it, the best saving for its price first, until nothing saves or the budget is spent."""
        choices, built = self.choices(), True
        while built and not self.ended:
            options, built = self._extended_once(options, choices)
        return options

    def _extended_once(self, options: Options, choices: list[Choice]) -> tuple[Options, bool]:
        """One pass over all choices, and whether it built any. What a choice saved for its price when it was last
        looked at says when it is looked at again; it is built if nothing was built since."""
        lost, built = self.lost(options), 0
        queue = [(-np.inf, -1, n) for n in range(len(choices))]  # rate, what was built when it was looked at, choice
        while queue and not self.ended:
            _, looked_at, n = heapq.heappop(queue)
            tried = self.more(options, choices[n])
            if tried is None:
                continue
            saved = lost - self.lost(tried)
            if looked_at == built:
                options, lost, built = tried, self.lost(tried), built + 1
            elif saved > LEAST_SAVING:
                usd = tried.usd(self.siting.stage.grid) - options.usd(self.siting.stage.grid)
                heapq.heappush(queue, (-saved / max(usd, LEAST_USD), built, n))
        return options, built > 0

    def swapped(self, options: Options) -> Options:
        """Each line and switch left out in turn, and the budget spent anew: the best of it, until nothing betters."""
        lost, better = self.lost(options), True
        while better and not self.ended:
            better = False
            for one in singles(options):
                tried = self.extended(less(options, one))
                if (now := self.lost(tried)) < lost - LEAST_SAVING:
                    options, lost, better = tried, now, True
                    break
        return options

    def _usd(self, choice: Choice) -> float:
        grid = self.siting.stage.grid
        return float(grid.line_usd[list(choice.lines)].sum() + grid.device_usd[list(choice.devices)].sum())


def singles(options: Options) -> list[Options]:
    """Each line and switch alone."""
    lines, devices = np.arange(len(options.hardened)), np.arange(len(options.added))
    found = [Options(lines == line, devices < 0) for line in np.flatnonzero(options.hardened)]
    return found + [Options(lines < 0, devices == d) for d in np.flatnonzero(options.added)]


def less(options: Options, one: Options) -> Options:
    """Options without one of them."""
    return Options(options.hardened & ~one.hardened, options.added & ~one.added)


def good_options(siting: Siting, steps: Ints, budget_usd: float, most: Options, starts: list[Options]) -> Options:
    """What to harden and add for sizes of ``steps`` (site,): the best that is found from several starts."""
    search = OptionSearch(siting, steps, budget_usd, most)
    found = [search.swapped(search.extended(start)) for start in starts]
    return min(found, key=search.lost)


def rounded(share: Floats, most: Options, siting: Siting, budget_usd: float) -> Options:
    """Options of the largest ``share`` (line, then device,) first, as far as the budget goes."""
    grid = siting.stage.grid
    lines = len(grid.line_names)
    wanted = np.concatenate([most.hardened, most.added]) & (share > LEAST_SAVING)
    usd, left = np.concatenate([grid.line_usd, grid.device_usd]), budget_usd + 1e-9
    built = np.zeros(len(wanted), dtype=bool)
    for n in sorted(np.flatnonzero(wanted), key=lambda n: (-share[n], n)):
        if usd[n] <= left:
            built[n], left = True, left - usd[n]
    return Options(built[:lines], built[lines:])
