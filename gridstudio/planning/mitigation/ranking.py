"""Which candidates are worth most, and what is asked of them."""

from collections.abc import Sequence

from gridstudio.planning.mitigation.problem import Option
from gridstudio.planning.mitigation.search import Search, Trial
from gridstudio.planning.mitigation.state import State

STILL_GAINS = 0.3  # share of what a candidate removed alone that it must remove with others
LEAST_GAIN = 1e-4  # of the score: a thousandth of a branch's limit, 5e-6 pu
WORTH = 0.02  # of all that is left: what removes less must clear a violation, or there is nothing else


def ranked(search: Search, state: State, trials: Sequence[Trial]) -> list[Trial]:
    """Trials that remove something, most per dollar first."""
    before = state.excess[search.screen(state)].score
    useful = [trial for trial in trials if before - trial.score > LEAST_GAIN]
    count = state.excess[search.screen(state)].violations
    worth = [t for t in useful if before - t.score > WORTH * before or t.excess.violations < count]
    useful = worth or useful

    def order(trial: Trial) -> tuple[float, float, str]:
        price = max(trial.plan.cost_usd - state.plan.cost_usd, 1.0)
        gain = before - trial.score
        if trial.move.options[0].last_resort:
            price *= 1e3  # acts for hours only
        return -gain / price, price, trial.move.options[0].what

    return sorted(useful, key=order)


def action(state: State, options: Sequence[Option]) -> str:
    """In words, what options do to a plan."""
    old = [state.plan.of(option.slot) for option in options]
    if all(option is None for option in old):
        return "add"
    grows = [new.size > was.size for new, was in zip(options, old, strict=True) if was]
    return "enlarge" if all(grows) else "change"
