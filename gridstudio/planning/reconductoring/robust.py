"""One plan to commit to now: expected cost with later correction, min-max regret, CVaR. Exact over all plans.

A committed plan is carried out until the scenario that unfolds makes a line run short. From that year on the line
gets unforeseen replacements, each at ``correction_factor`` times the planned price, the first of them in that year;
what was planned for it afterwards is kept only where it is still larger. A correction may be one replacement more
than a plan's K. With the needs given, the cost of a plan in a scenario is the sum over its lines of
``cost_usd[option, scenario]``: for each option (a sequence) the cheapest correction, by enumeration; with the
change of the line's losses, if they are priced. The plan that minimises

    expected cost     sum_s p(s) cost(s)                         separates by line
    min-max regret    max_s (cost(s) - cost of s's own best)     a small integer program
    CVaR              mean cost of the worst 1 - alpha           (Rockafellar and Uryasev), the same

is chosen among *all* admissible plans; the integer programs are solved by HiGHS and say how far they are proven.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import SolverError
from gridstudio.planning.reconductoring.branch import ROUND, Sequences, Step, carried
from gridstudio.planning.reconductoring.modes import losses_usd
from gridstudio.planning.reconductoring.problem import Plan, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
MEASURES = ("expected cost", "min-max regret", "CVaR")
GAP = 1e-6
TIME_LIMIT_S = 60.0


@dataclass(frozen=True, eq=False)
class LineOptions:
    """What may be committed for one line, and what it comes to in every scenario.

    ``every_cost_usd`` (sequence, scenario): present value, corrections included. ``every_completion``: the row in
    ``completed`` of the sequence that is carried out in the end. ``kept``: sequences that no other beats everywhere.
    """

    line: int
    every: Sequences
    every_cost_usd: Floats
    every_completion: Ints
    completed: Sequences
    kept: tuple[int, ...]

    @property
    def steps(self) -> tuple[tuple[Step, ...], ...]:
        """The options that are kept."""
        return tuple(self.every.steps[row] for row in self.kept)

    @cached_property
    def cost_usd(self) -> Floats:
        """Cost of the options that are kept (option, scenario)."""
        return np.asarray(self.every_cost_usd[list(self.kept)])

    @cached_property
    def own_usd(self) -> Floats:
        """Cost of the option that is best in each scenario (scenario,)."""
        return np.asarray(self.every_cost_usd.min(axis=0))

    def cost_of(self, steps: tuple[Step, ...]) -> Floats:
        """Cost in every scenario of committing any sequence (scenario,)."""
        return np.asarray(self.every_cost_usd[self.every.row[steps]])

    def completed_of(self, steps: tuple[Step, ...], scenario: int) -> tuple[Step, ...]:
        """The sequence that is carried out in a scenario if ``steps`` are committed."""
        return self.completed.steps[self.every_completion[self.every.row[steps], scenario]]


def line_options(
    problem: Problem, needed: Ints, correction_factor: float, squares_a2: Floats | None = None
) -> list[LineOptions]:
    """Options of all lines that any scenario wants replaced, by enumeration; ``needed`` (scenario, line, year).

    ``squares_a2`` (scenario, line, year) adds what a new conductor changes in the line's losses.
    """
    found = []
    for line, existing in enumerate(problem.existing):
        wanted = (needed[:, line] > existing).any()
        if squares_a2 is None and not wanted:
            continue
        every, completed = problem.sequences(line), problem.sequences(line, problem.most + 1)
        if squares_a2 is None:  # scenarios with the same needs are one case
            alike, which = np.unique(needed[:, line], axis=0, return_inverse=True)
            saved_usd = np.zeros((1, 1))
        else:
            alike, which = needed[:, line], np.arange(len(needed))
            saved_usd = _saved_usd(problem, line, completed, squares_a2[:, line])
            capital_usd = completed.capital_usd_per_km * problem.length_km[line]
            if not wanted and (saved_usd <= capital_usd + 10.0**-ROUND).all():
                continue  # nothing asks for a replacement, and none pays for itself
        cost_usd, completion = _corrected(problem, line, every, completed, alike, correction_factor, saved_usd)
        cost_usd, completion = cost_usd[:, which.ravel()], completion[:, which.ravel()]
        found.append(LineOptions(line, every, cost_usd, completion, completed, tuple(_not_dominated(cost_usd))))
    return found


def _saved_usd(problem: Problem, line: int, completed: Sequences, squares_a2: Floats) -> Floats:
    """Losses that each sequence saves against today's conductor (scenario, sequence), present value [USD]."""
    today = np.full((1, problem.years), problem.existing[line])
    saved = losses_usd(problem, line, today, squares_a2) - losses_usd(problem, line, completed.in_force, squares_a2)
    return np.asarray(saved)


def _corrected(
    problem: Problem, line: int, every: Sequences, completed: Sequences, needed: Ints, factor: float, saved_usd: Floats
) -> tuple[Floats, Ints]:
    """Cheapest completion of every sequence in every case: its cost (sequence, case) and its row.

    ``needed`` (case, year); ``saved_usd`` (case, completed), or one zero: losses that a sequence saves.
    """
    years = needed.shape[1]
    least = np.minimum(needed, completed.largest)
    enough = carried(completed, needed)
    price = problem.cost_usd_per_km * problem.length_km[line]
    laid = np.diff(completed.in_force, axis=1, prepend=problem.existing[line]) > 0  # (completed, year)
    paid = np.where(laid, price[completed.in_force] * problem.discount, 0.0)
    unforeseen = factor * paid.sum(axis=1) - saved_usd  # (case or 1, completed)
    alike_until = [_codes(completed.in_force[:, :year]) for year in range(years + 1)]
    cost = np.empty((len(every), len(needed)))
    row = np.empty((len(every), len(needed)), dtype=np.intp)
    for option, steps in enumerate(every.steps):
        usd = unforeseen.copy()
        for year, conductor in steps:  # what was planned has its planned price
            usd -= (factor - 1.0) * np.where(completed.in_force[:, year] == conductor, paid[:, year], 0.0)
        short = every.in_force[option] < least
        first_short = np.where(short.any(axis=1), short.argmax(axis=1), years)
        for year in np.unique(first_short):
            cases = np.flatnonzero(first_short == year)
            # before that year all is as planned; what holds to the end stays, even if losses would pay for more
            goes_on = alike_until[year] == alike_until[year][completed.row[steps]]
            total = np.where(enough[cases] & goes_on, np.round(usd[cases] if len(usd) > 1 else usd, ROUND), np.inf)
            row[option, cases] = total.argmin(axis=1)
            cost[option, cases] = total.min(axis=1)
    return cost, row


def _codes(rows: Ints) -> Ints:
    """A number for each row (row, ...) that is the same for equal rows."""
    return np.unique(rows, axis=0, return_inverse=True)[1].ravel()


def _not_dominated(cost_usd: Floats) -> list[int]:
    """Rows (option, scenario) that no other beats in every scenario; of equal rows the first, which is preferred."""
    keep: list[int] = []
    for row in np.argsort(np.round(cost_usd.sum(axis=1), ROUND), kind="stable"):
        if not (cost_usd[keep] <= cost_usd[row] + 10.0**-ROUND).all(axis=1).any():
            keep.append(int(row))
    return sorted(keep)


@dataclass(frozen=True, eq=False)
class RobustPlan:
    """A plan to commit to, its cost in every scenario (scenario,) [USD], and how it was proven."""

    measure: str
    plan: Plan
    cost_usd: Floats
    proven: str


def robust_plans(options: Sequence[LineOptions], probability: Floats, cvar_alpha: float) -> list[RobustPlan]:
    """The best plan by each measure; ``probability`` (scenario,)."""
    zero = np.zeros(len(probability))
    if not options:
        return [RobustPlan(measure, Plan(), zero, "no line needs a replacement") for measure in MEASURES]
    own_usd = np.sum([option.own_usd for option in options], axis=0)
    expected = [int((option.cost_usd @ probability).argmin()) for option in options]
    return [
        _robust(MEASURES[0], options, expected, "optimal: separates by line, by enumeration"),
        _robust(MEASURES[1], options, *_program(options, probability, own_usd, zero)),
        _robust(MEASURES[2], options, *_program(options, probability, zero, probability / (1.0 - cvar_alpha))),
    ]


def _robust(measure: str, options: Sequence[LineOptions], choice: Sequence[int], proven: str) -> RobustPlan:
    plan = Plan.of({option.line: option.steps[c] for option, c in zip(options, choice, strict=True)})
    total = np.sum([option.cost_usd[c] for option, c in zip(options, choice, strict=True)], axis=0)
    return RobustPlan(measure, plan, total, proven)


def _program(
    options: Sequence[LineOptions], probability: Floats, offset: Floats, excess_price: Floats
) -> tuple[list[int], str]:
    """One integer program for both measures, over options x, a level t and excesses z above it:

        min   t + sum_s excess_price(s) z(s) + 1e-6 * expected cost
        s.t.  sum_o x(l, o) = 1                                       for every line l
              sum_{l, o} cost(l, o, s) x(l, o) - t - z(s) <= offset(s)    for every scenario s
              x binary, t free, z >= 0;  z = 0 where excess_price is 0 (then t is the maximum)

    With offset = own cost it is the min-max regret, with excess_price = p / (1 - alpha) the CVaR. The last term
    breaks ties towards the lower expected cost; it gives up a millionth of the measure at most.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack

    counts = [len(option.steps) for option in options]
    columns = np.concatenate([option.cost_usd for option in options])  # (x, scenario)
    expected = columns @ probability
    # Scenarios in which every option costs the same are one row of the program.
    rows, which = np.unique(np.column_stack([columns.T, offset]), axis=0, return_inverse=True)
    price = np.bincount(which.ravel(), weights=excess_price)
    scale = max(float(np.abs(columns).max()), 1.0)
    x, scenarios, lines = sum(counts), len(rows), len(options)
    of_line = np.repeat(np.arange(lines), counts)
    one_each = csr_array((np.ones(x), (of_line, np.arange(x))), shape=(lines, x + 1 + scenarios))
    cost_rows = hstack([csr_array(rows[:, :-1] / scale), csr_array(-np.ones((scenarios, 1))), -eye_array(scenarios)])
    answer = milp(
        np.concatenate([1e-6 * expected / scale, [1.0], price]),
        integrality=np.concatenate([np.ones(x), np.zeros(1 + scenarios)]),
        bounds=Bounds(
            np.concatenate([np.zeros(x), [-np.inf], np.zeros(scenarios)]),
            np.concatenate([np.ones(x), [np.inf], np.where(price > 0, np.inf, 0.0)]),
        ),
        constraints=[
            LinearConstraint(csr_array(cost_rows), -np.inf, rows[:, -1] / scale),
            LinearConstraint(one_each, 1.0, 1.0),
        ],
        options={"mip_rel_gap": GAP, "time_limit": TIME_LIMIT_S},
    )
    if answer.x is None:
        raise SolverError(f"The program of robust plans ended without a plan: {answer.message}")
    choice = [int(part.argmax()) for part in np.split(answer.x[:x], np.cumsum(counts)[:-1])]
    gap = float(answer.mip_gap or 0.0)
    proven = f"optimal (gap {gap:.1e})" if answer.status == 0 else f"stopped after {TIME_LIMIT_S:g} s, gap {gap:.1%}"
    return choice, proven
