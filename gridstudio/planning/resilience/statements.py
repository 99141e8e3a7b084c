"""The paper's findings, each as a sentence that the sweeps of a study support or do not, with the numbers.

What a program leaves open (its gap) can neither support nor contradict a finding: differences within the gaps of the
two programs count as none. Figures are in-sample, over the scenarios; those over fresh storms stand beside, with their
standard errors. Seconds decide nothing: they are those of the machine that solved a point.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from gridstudio.planning.resilience.contract import Floats, Risk
from gridstudio.planning.resilience.evaluate import cvar_difference, difference, measured
from gridstudio.planning.resilience.sweep import Outcome, Point, of_sweep

Found = Sequence[tuple[Point, Outcome]]
Row = tuple[str, str, str]
SATURATED = 0.2  # of the first step's gain per kW: below, more budget has little effect
LITTLE = 0.5  # of the relative fall of E: a relative fall of CVaR that is smaller is a little effect
HARDLY = 0.05  # of the mean objective: sets of scenarios whose objectives differ by less are alike
MOST_BUILD_MORE = 0.5  # of the plans
SURE = 0.975  # quantile of Student's t: what two means may differ by chance
PARTLY, UNDECIDED, UNTESTED = "partly", "not decided", "not tested"
LAMBDA = "A larger lambda never raises CVaR."
ALPHA = "A larger alpha shifts CVaR upwards."
SITES = "More candidate sites lower CVaR at the same budget."
BUDGET = "More budget lowers the expected loss, and then saturates."
SMALL = "Programs prefer several small sources to a few large ones of the same sum."
NEEDED = {
    LAMBDA: "two values of lambda (sweep.lambdas)",
    ALPHA: "two values of alpha (sweep.alphas)",
    SITES: "two numbers of candidate sites (sweep.site_counts) and a lambda above 0",
    BUDGET: "three budgets (sweep.budgets_kw) at lambda 0 (sweep.budget_lambdas)",
    SMALL: "a sweep of budgets and sites (sweep.budgets_kw) whose plans could be built with fewer sources",
}  # the paper's findings, and what a study must vary to test them


def paper_statements(found: Found, sites_max_kw: Sequence[float]) -> pd.DataFrame:
    """``statements``, and the paper's findings that these sweeps do not test, said to be so."""
    table = statements(found, sites_max_kw)
    told = set(table["statement"])
    rows = [(name, UNTESTED, f"Needs {needs}.") for name, needs in NEEDED.items() if name not in told]
    return pd.concat([table, pd.DataFrame(rows, columns=table.columns)], ignore_index=True) if rows else table


def statements(found: Found, sites_max_kw: Sequence[float]) -> pd.DataFrame:
    """statement, supported (yes, partly, no, not decided, not tested), evidence: one row for each finding that the
    sweeps can tell of."""
    rows: list[Row] = []
    if many := of_sweep(found, "scenarios"):
        rows += [enough_scenarios(many), program_grows(many)]
    if risk := of_sweep(found, "risk"):
        rows += [lambda_lowers_cvar(risk)] if len({point.case.lambda_ for point, _ in risk}) > 1 else []
        rows += [alpha_raises_cvar(risk)] if len({point.alpha for point, _ in risk}) > 1 else []
    if budget := of_sweep(found, "budget"):
        rows += more_sites_lower_cvar(budget)
        if len({point.case.budget_kw for point, _ in budget}) > 1:
            rows += [budget_saturates(budget), budget_and_cvar(budget)]
        rows.append(many_small(budget, sites_max_kw))
    return pd.DataFrame(rows, columns=["statement", "supported", "evidence"])


def cvar(point: Point, outcome: Outcome) -> float:
    """In-sample CVaR [weighted kW]."""
    return measured(outcome.q, outcome.probability, Risk(1.0, point.alpha), drawn=False).cvar_kw


def mean(outcome: Outcome) -> float:
    """In-sample expected loss [weighted kW]."""
    return float(outcome.probability @ outcome.q)


def open_kw(outcome: Outcome) -> float:
    """What the program leaves open: objective less bound [weighted kW]."""
    return max(outcome.objective_kw - outcome.bound_kw, 0.0) + 1e-6


def enough_scenarios(found: Found) -> Row:
    """The objective against the number of scenarios, mean of the draws: decided only where chance and gaps leave room
    for less than the difference that is asked about."""
    table = _by_scenarios(found)
    last, most, draws = table.iloc[-1], table.index[-1], int(table["draws"].min())
    apart, room = (table["mean"] - last["mean"]).abs(), np.maximum(_chance(table), table["open"].clip(last["open"]))
    hardly = HARDLY * abs(last["mean"])
    alike, other = (apart + room <= hardly).to_numpy()[:-1], (apart - room > hardly).to_numpy()[:-1]
    means = "; ".join(f"{n}: {row['mean']:.0f} ± {row['error']:.0f} kW" for n, row in table.iterrows())
    told, words = UNDECIDED, f"That the two largest sets agree within {100 * HARDLY:g} % is neither shown nor excluded"
    if len(table) < 2:
        told, words = UNTESTED, "Needs two numbers of scenarios (sweep.scenarios)"
    elif alike[-1]:
        enough = table.index[next(row for row in range(len(alike)) if alike[row:].all())]
        told, words = "yes", f"From {enough} scenarios on within {100 * HARDLY:g} % of {most} scenarios"
    elif other[-1]:
        told, words = "no", f"The two largest sets differ by more than {100 * HARDLY:g} %"
    return (
        "Beyond some number of scenarios the objective hardly changes.",
        told,
        f"{words}, chance (95 % by Student's t) and the programs' gaps allowed for. Mean of {draws} draws by "
        f"scenarios: {means.replace('nan', 'unknown')}.",
    )


def _chance(table: pd.DataFrame) -> "pd.Series[float]":
    """How far the mean of each set may be from that of the last by the draw alone; NaN from one draw."""
    last = table.iloc[-1]
    freedom = (table["draws"] + last["draws"] - 2).to_numpy(dtype=float)
    return np.hypot(table["error"], last["error"]) * stdtrit(freedom, SURE)


def program_grows(found: Found) -> Row:
    """By the size of the first round's program, which no clock has a say in."""
    table = _by_scenarios(found)
    sizes = "; ".join(f"{n}: {r['rows']:.0f} rows, {r['binaries']:.0f} binaries" for n, r in table.iterrows())
    grows = bool((table[["rows", "binaries"]].diff().iloc[1:] > 0).all(axis=None))
    return (
        "More scenarios make a larger program.",
        _yes(grows) if len(table) > 1 else UNTESTED,
        f"Mean of the draws by scenarios: {sizes}. Seconds depend on the machine: see column seconds of the sweep.",
    )


def _by_scenarios(found: Found) -> pd.DataFrame:
    """Means over the draws; ``error``: standard error of the mean objective, NaN from one draw."""
    table = pd.DataFrame(
        [(p.case.scenarios, o.objective_kw, open_kw(o), o.rows, o.binaries) for p, o in found],
        columns=["scenarios", "mean", "open", "rows", "binaries"],
    )
    by = table.groupby("scenarios")
    return by.mean().assign(error=by["mean"].sem(), draws=by.size())


def lambda_lowers_cvar(found: Found) -> Row:
    """Exact: of two optima the one for the larger lambda has no larger CVaR; gaps allow for their sum over the step."""
    worst, text = 0.0, []
    for alpha in _values(found, "alpha"):
        rows = sorted((pair for pair in found if pair[0].alpha == alpha), key=lambda pair: pair[0].case.lambda_)
        values = [cvar(*pair) for pair in rows]
        for (a, left), (b, right), low, high in zip(rows, rows[1:], values, values[1:], strict=False):
            slack = (open_kw(left) + open_kw(right)) / (b.case.lambda_ - a.case.lambda_)
            worst = max(worst, high - low - slack)
        text.append(f"alpha {alpha:g}: {values[0]:.0f} kW at lambda {rows[0][0].case.lambda_:g}, {values[-1]:.0f} at "
                    f"{rows[-1][0].case.lambda_:g}{_fresh_fall(rows, alpha)}")  # fmt: skip
    return LAMBDA, _yes(worst <= 0), "; ".join(text) + _beyond(worst)


def alpha_raises_cvar(found: Found) -> Row:
    worst, text = 0.0, []
    for lambda_ in sorted({point.case.lambda_ for point, _ in found}):
        rows = sorted((pair for pair in found if pair[0].case.lambda_ == lambda_), key=lambda pair: pair[0].alpha)
        values = [cvar(*pair) for pair in rows]
        for (_, left), (_, right), low, high in zip(rows, rows[1:], values, values[1:], strict=False):
            slack = 0.0 if lambda_ == 0 else (open_kw(left) + open_kw(right)) / lambda_
            worst = max(worst, low - high - slack - 1e-6)
        ends = " to ".join(f"{value:.0f}" for value in (values[0], values[-1]))
        text.append(f"lambda {lambda_:g}: {ends} kW (fresh storms {' to '.join(map(_fresh, (rows[0], rows[-1])))})")
    return ALPHA, _yes(worst <= 0), "; ".join(text) + _beyond(worst)


def _fresh_fall(rows: Sequence[tuple[Point, Outcome]], alpha: float) -> str:
    """How much lower CVaR over the same fresh storms is at the last point than at the first."""
    fall, error = cvar_difference(rows[0][1].fresh_q, rows[-1][1].fresh_q, alpha)
    return f" (fresh storms: by {fall:.0f} ± {error:.0f} kW lower)"


def _fresh(pair: tuple[Point, Outcome]) -> str:
    """CVaR over the fresh storms with its standard error."""
    point, outcome = pair
    even = np.full(len(outcome.fresh_q), 1.0 / len(outcome.fresh_q))
    found = measured(outcome.fresh_q, even, Risk(1.0, point.alpha), drawn=True)
    return f"{found.cvar_kw:.0f} ± {found.cvar_se_kw:.0f}"


def more_sites_lower_cvar(found: Found) -> list[Row]:
    """At the largest lambda of the budget sweep, budget by budget: the fewest sites against all of them."""
    top = max(point.case.lambda_ for point, _ in found)
    counts = sorted({point.case.sites for point, _ in found})
    if len(counts) < 2 or top == 0:  # without risk aversion no program looks at CVaR
        return []
    at = {(p.case.sites, p.case.budget_kw): (p, o) for p, o in found if p.case.lambda_ == top}
    states, text = [], []
    for kw in sorted({budget for _, budget in at}):
        (a, few), (b, many) = at[counts[0], kw], at[counts[-1], kw]
        gain, slack = cvar(a, few) - cvar(b, many), (open_kw(few) + open_kw(many)) / top
        states.append(None if abs(gain) <= slack else gain > 0)
        fresh, error = cvar_difference(few.fresh_q, many.fresh_q, a.alpha)
        text.append(f"{kw:g} kW: by {gain:.0f} kW (gaps {slack:.0f}), fresh storms {fresh:.0f} ± {error:.0f}")
    evidence = f"{counts[-1]} sites against {counts[0]}, lambda {top:g}: {'; '.join(text)}."
    return [(SITES, _verdict(states), f"By more than the gaps at {_of(states)} budgets. {evidence}")]


def budget_saturates(found: Found) -> Row:
    """Of plans for the least expected loss (lambda 0), three budgets or more; other lambdas stand beside."""
    states, text = [], []
    for lambda_, sites, rows in _curves(found):
        kw = np.array([point.case.budget_kw for point, _ in rows])
        values = np.array([mean(outcome) for _, outcome in rows])
        if lambda_ == 0 and len(rows) > 2:
            states.append(_saturates(kw, values, np.array([open_kw(outcome) for _, outcome in rows])))
        gain = -np.diff(values) / np.diff(kw)
        steps = f"{gain[0]:.2f} kW per kW at first, {gain[-1]:.2f} at last" if len(gain) else "one budget only"
        fresh, error = difference(rows[0][1].fresh_q, rows[-1][1].fresh_q)
        text.append(
            f"lambda {lambda_:g}, {sites} sites: E {values[0]:.0f} to {values[-1]:.0f} kW ({steps}; fresh storms "
            f"{fresh:.0f} ± {error:.0f} kW less)"
        )
    asked = f"Saturated: the last step gains at most {100 * SATURATED:g} % of the first per kW, whatever the gaps hide"
    if not states:
        return BUDGET, UNTESTED, f"Needs {NEEDED[BUDGET]}. {'; '.join(text)}."
    return BUDGET, _verdict(states), f"{asked}: at lambda 0 {_of(states)} curves. {'; '.join(text)}."


def _saturates(kw: Floats, values: Floats, room: Floats) -> bool | None:
    """Whether losses fall and then hardly fall, None where the gaps leave it open: each optimum is between
    ``values`` - ``room`` and ``values``."""
    least, step = values - room, np.diff(kw)
    most_gain, least_gain = (values[:-1] - least[1:]) / step, (least[:-1] - values[1:]) / step
    if (least[1:] > values[:-1]).any() or least_gain[-1] > SATURATED * max(most_gain[0], 0.0):
        return False
    return True if least[0] > values[-1] and most_gain[-1] <= SATURATED * least_gain[0] else None


def budget_and_cvar(found: Found) -> Row:
    """The paper sees little effect of the budget on CVaR beside that on the expected loss."""
    states, text = [], []
    for lambda_, sites, rows in _curves(found):
        (a, first), (b, last) = rows[0], rows[-1]
        start, room = (cvar(a, first), mean(first)), open_kw(first) + open_kw(last)
        fall = start[0] - cvar(b, last), start[1] - mean(last)
        rooms = room / (lambda_ or 1.0), room / (1.0 - lambda_ or 1.0)
        (tail, usual), (tail_room, usual_room) = (np.array(v) / np.maximum(start, 1e-9) for v in (fall, rooms))
        states.append(_little(tail, usual, tail_room, usual_room))
        by = cvar_difference(first.fresh_q, last.fresh_q, a.alpha), difference(first.fresh_q, last.fresh_q)
        fresh = " and ".join(f"{fall_kw:.0f} ± {error:.0f} kW" for fall_kw, error in by)
        text.append(
            f"lambda {lambda_:g}, {sites} sites: CVaR {100 * tail:.1f} %, E {100 * usual:.1f} % lower (gaps "
            f"{100 * tail_room:.1f} and {100 * usual_room:.1f} %; fresh storms by {fresh})"
        )
    return (
        "More budget at the same sites has little effect on CVaR beside that on E.",
        _verdict(states),
        f"Little: in percent at most {LITTLE:g} times the fall of E, whatever the gaps hide; so in {_of(states)} "
        f"curves. {'; '.join(text)}.",
    )


def _little(tail: float, usual: float, tail_room: float, usual_room: float) -> bool | None:
    """Whether a relative fall is little beside another, None where the rooms leave it open or the other is none."""
    if usual <= usual_room:
        return None
    if tail + tail_room <= LITTLE * (usual - usual_room):
        return True
    return False if tail - tail_room > LITTLE * (usual + usual_room) else None


def many_small(found: Found, sites_max_kw: Sequence[float]) -> Row:
    """How many sources the plans build against how few of full size would give the same sum."""
    more, text = [], []
    for point, outcome in found:
        kw, count = sum(outcome.beta_kw.values()), len(outcome.beta_kw)
        room = np.cumsum(np.sort(np.array(sites_max_kw[: point.case.sites]))[::-1])
        least = int(np.searchsorted(room, kw - 1e-6)) + 1
        if count and least < point.case.sites:  # there was a choice
            more.append(count > least)
            text.append(f"{point.case.budget_kw:g} kW, {point.case.sites} sites, lambda {point.case.lambda_:g}: "
                        f"{count} of {kw / count:.0f} kW (fewest {least})")  # fmt: skip
    if not more:
        return SMALL, UNTESTED, f"Needs {NEEDED[SMALL]}."
    return (
        SMALL,
        _yes(sum(more) > MOST_BUILD_MORE * len(more)),
        f"{sum(more)} of {len(more)} plans build more sources than their kW asks for, more than "
        f"{100 * MOST_BUILD_MORE:g} % are needed; what few large ones would lose is not solved. {'; '.join(text)}.",
    )


def _curves(found: Found) -> Iterable[tuple[float, int, list[tuple[Point, Outcome]]]]:
    """lambda, number of sites, points by rising budget."""
    for lambda_, sites in sorted({(point.case.lambda_, point.case.sites) for point, _ in found}):
        rows = [pair for pair in found if (pair[0].case.lambda_, pair[0].case.sites) == (lambda_, sites)]
        yield lambda_, sites, sorted(rows, key=lambda pair: pair[0].case.budget_kw)


def _values(found: Found, name: str) -> list[float]:
    return sorted({getattr(point, name) for point, _ in found})


def _beyond(worst: float) -> str:
    return "." if worst <= 0 else f"; by {worst:.1f} kW more than the programs' gaps explain."


def _verdict(states: Sequence[bool | None]) -> str:
    """Of several curves or budgets: one that contradicts decides, all must support; None: the gaps leave it open."""
    if False in states:
        return "no"
    return "yes" if all(states) else PARTLY if any(states) else UNDECIDED


def _of(states: Sequence[bool | None]) -> str:
    return f"{sum(state is True for state in states)} of {len(states)}"


def _yes(supported: bool) -> str:
    return "yes" if supported else "no"
