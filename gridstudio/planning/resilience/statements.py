"""The paper's findings, each as a sentence that the sweeps of a study support or do not, with the numbers.

What a program leaves open (its gap) cannot contradict a finding: differences within the gaps of the two programs count
as none. Figures are in-sample, over the scenarios; those over fresh storms stand beside, with their standard errors.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from gridstudio.planning.resilience.contract import Risk
from gridstudio.planning.resilience.evaluate import cvar_difference, difference, measured
from gridstudio.planning.resilience.sweep import Outcome, Point, of_sweep

Found = Sequence[tuple[Point, Outcome]]
Row = tuple[str, str, str]
SATURATED = 0.2  # of the first step's gain per kW: below, more budget has little effect
UNDECIDED, UNTESTED = "not decided", "not tested"
NOISE = 2.0  # standard errors that a difference may have by chance
LAMBDA = "A larger lambda never raises CVaR."
ALPHA = "A larger alpha shifts CVaR upwards."
SITES = "More candidate sites lower CVaR at the same budget."
BUDGET = "More budget lowers the expected loss, and then saturates."
SMALL = "Several small sources beat a few large ones of the same sum."
NEEDED = {
    LAMBDA: "two values of lambda (sweep.lambdas)",
    ALPHA: "two values of alpha (sweep.alphas)",
    SITES: "two numbers of candidate sites (sweep.site_counts) and a lambda above 0",
    BUDGET: "three budgets (sweep.budgets_kw)",
    SMALL: "a sweep of budgets and sites (sweep.budgets_kw)",
}  # the paper's findings, and what a study must vary to test them


def paper_statements(found: Found, sites_max_kw: Sequence[float]) -> pd.DataFrame:
    """``statements``, and the paper's findings that these sweeps do not test, said to be so."""
    table = statements(found, sites_max_kw)
    told = set(table["statement"])
    rows = [(name, UNTESTED, f"Needs {needs}.") for name, needs in NEEDED.items() if name not in told]
    return pd.concat([table, pd.DataFrame(rows, columns=table.columns)], ignore_index=True) if rows else table


def statements(found: Found, sites_max_kw: Sequence[float]) -> pd.DataFrame:
    """statement, supported (yes, no, not decided), evidence: one row for each finding that the sweeps can tell of."""
    rows: list[Row] = []
    if many := of_sweep(found, "scenarios"):
        rows += [enough_scenarios(many), time_grows(many)]
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
    """The objective against the number of scenarios, mean of the draws."""
    table = _by_scenarios(found)
    last = table.iloc[-1]
    room = np.maximum(NOISE * np.hypot(table["error"], last["error"]), table["open"] + last["open"])
    near = ((table["mean"] - last["mean"]).abs() <= room).to_numpy()
    enough = table.index[next(row for row in range(len(near)) if near[row:].all())]
    evidence = "; ".join(f"{n}: {row['mean']:.0f} ± {row['error']:.0f} kW" for n, row in table.iterrows())
    return (
        "Beyond some number of scenarios the objective hardly changes.",
        _yes(enough < table.index[-1]) if len(table) > 1 else UNDECIDED,
        f"Within noise of the largest set from {enough} scenarios on. Mean of the draws by scenarios: {evidence}.",
    )


def time_grows(found: Found) -> Row:
    table = _by_scenarios(found)
    seconds = "; ".join(f"{n}: {row['seconds']:.1f} s" for n, row in table.iterrows())
    return (
        "More scenarios cost solve time.",
        _yes(bool(table["seconds"].iloc[-1] > table["seconds"].iloc[0])) if len(table) > 1 else UNDECIDED,
        f"Mean of the draws by scenarios: {seconds}.",
    )


def _by_scenarios(found: Found) -> pd.DataFrame:
    table = pd.DataFrame(
        [(p.case.scenarios, o.objective_kw, o.seconds, open_kw(o)) for p, o in found],
        columns=["scenarios", "objective", "seconds", "open"],
    )
    by = table.groupby("scenarios")
    error = by["objective"].std().fillna(0.0) / np.sqrt(by["objective"].size())
    return pd.DataFrame(
        {"mean": by["objective"].mean(), "error": error, "seconds": by["seconds"].mean(), "open": by["open"].mean()}
    )


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
    """At the largest lambda of the budget sweep, budget by budget: the fewest sites against all of them. Not decided if
    no difference is greater than the gaps of the two programs."""
    top = max(point.case.lambda_ for point, _ in found)
    counts = sorted({point.case.sites for point, _ in found})
    if len(counts) < 2 or top == 0:  # without risk aversion no program looks at CVaR
        return []
    at = {(p.case.sites, p.case.budget_kw): (p, o) for p, o in found if p.case.lambda_ == top}
    lower, never, text = 0, True, []
    for kw in sorted({budget for _, budget in at}):
        (a, few), (b, many) = at[counts[0], kw], at[counts[-1], kw]
        gain, slack = cvar(a, few) - cvar(b, many), (open_kw(few) + open_kw(many)) / top
        lower += gain > slack
        never &= gain >= -slack
        fresh, error = cvar_difference(few.fresh_q, many.fresh_q, a.alpha)
        text.append(f"{kw:g} kW: by {gain:.0f} kW, fresh storms {fresh:.0f} ± {error:.0f}")
    return [
        (
            SITES,
            "no" if not never else "yes" if lower else UNDECIDED,
            f"{counts[-1]} sites against {counts[0]}, lambda {top:g}: " + "; ".join(text) + ".",
        )
    ]


def budget_saturates(found: Found) -> Row:
    """Gain of expected loss per kW of budget, first step against last."""
    falls, flat, text = True, True, []
    for lambda_, sites, rows in _curves(found):
        kw = np.array([point.case.budget_kw for point, _ in rows])
        values = np.array([mean(outcome) for _, outcome in rows])
        slack = max(open_kw(outcome) for _, outcome in rows) / max(1 - lambda_, 1e-9)
        if lambda_ == 0:
            falls &= bool((np.diff(values) <= 2 * slack).all() and values[-1] < values[0])
        gain = -np.diff(values) / np.diff(kw)
        flat &= bool(lambda_ > 0 or len(gain) < 2 or gain[-1] <= SATURATED * gain[0] + 1e-9)
        steps = f"{gain[0]:.2f} kW per kW at first, {gain[-1]:.2f} at last" if len(gain) else "one budget only"
        fresh, error = difference(rows[0][1].fresh_q, rows[-1][1].fresh_q)
        text.append(
            f"lambda {lambda_:g}, {sites} sites: E {values[0]:.0f} to {values[-1]:.0f} kW ({steps}; fresh storms "
            f"{fresh:.0f} ± {error:.0f} kW less)"
        )
    told = _yes(falls and flat) if len({point.case.budget_kw for point, _ in found}) > 2 else UNDECIDED
    return BUDGET, told, "; ".join(text) + "."


def budget_and_cvar(found: Found) -> Row:
    """The paper sees little effect of the budget on CVaR beside that on the expected loss."""
    weak, text = True, []
    for lambda_, sites, rows in _curves(found):
        (a, first), (b, last) = rows[0], rows[-1]
        tail = 1 - cvar(b, last) / max(cvar(a, first), 1e-9)
        usual = 1 - mean(last) / max(mean(first), 1e-9)
        weak &= tail <= usual / 2 + 1e-9
        by = cvar_difference(first.fresh_q, last.fresh_q, a.alpha), difference(first.fresh_q, last.fresh_q)
        fresh = " and ".join(f"{fall:.0f} ± {error:.0f} kW" for fall, error in by)
        text.append(
            f"lambda {lambda_:g}, {sites} sites: CVaR {100 * tail:.1f} %, E {100 * usual:.1f} % lower (fresh storms by "
            f"{fresh})"
        )
    return (
        "More budget at the same sites has little effect on CVaR beside that on E.",
        _yes(weak),
        "; ".join(text) + ".",
    )


def many_small(found: Found, sites_max_kw: Sequence[float]) -> Row:
    """How many sources the plans build against how few of full size would spend the budget."""
    more, count, text = 0, 0, []
    for point, outcome in found:
        room = np.sort(np.array(sites_max_kw[: point.case.sites]))[::-1]
        least = int(np.searchsorted(np.cumsum(room), min(point.case.budget_kw, room.sum()) - 1e-6)) + 1
        if least < point.case.sites:
            count += 1
            more += len(outcome.beta_kw) > least
            sizes = sum(outcome.beta_kw.values()) / max(len(outcome.beta_kw), 1)
            text.append(f"{point.case.budget_kw:g} kW, {point.case.sites} sites, lambda {point.case.lambda_:g}: "
                        f"{len(outcome.beta_kw)} of {sizes:.0f} kW (least {least})")  # fmt: skip
    return (
        SMALL,
        _yes(count > 0 and more > count / 2),
        f"By what the programs choose: {more} of {count} plans build more sources than full size asks for. "
        + "; ".join(text)
        + ".",
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


def _yes(supported: bool) -> str:
    return "yes" if supported else "no"
