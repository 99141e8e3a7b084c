"""The job as a whole: settings in, StudyResult out."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.planning.upgrades import alternatives, costs, inputs, roadmap, stochastic, summary, tables
from gridstudio.planning.upgrades.capacity import Capacity
from gridstudio.planning.upgrades.contract import Futures, Menu, Packages, Plan, all_packages
from gridstudio.planning.upgrades.merit import Alternative
from gridstudio.planning.upgrades.planner import Found, plan, risk
from gridstudio.planning.upgrades.program import Effort, Solution, priced, solve
from gridstudio.planning.upgrades.scenarios import draw, reduced
from gridstudio.planning.upgrades.settings import UpgradesSettings
from gridstudio.result import StudyResult

JOB = "upgrades"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs, checked; ``drawn`` is how many futures there were before the reduction."""

    feeders: inputs.Feeders
    menu: Menu
    packages: Packages
    provider: Capacity
    table: Futures | None
    findings: list[Finding]


@dataclass(eq=False)
class Clock:
    """Seconds by phase."""

    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        if self.progress:
            self.progress(name, 0, 1)
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        if self.progress:
            self.progress(name, 1, 1)


def check(settings: UpgradesSettings, folder: Path) -> list[Finding]:
    """Everything that can be told without solving; InputError with all that is wrong."""
    return prepare(settings, folder).findings


def prepare(settings: UpgradesSettings, folder: Path) -> Setup:
    """Read and check everything; nothing is solved."""
    if settings.mode != "capacity":
        raise InputError(f"mode = '{settings.mode}' is not built yet; mode = 'capacity' is.")
    given = settings.tables
    feeders = inputs.read_feeders(folder / given.feeders)
    menu = inputs.read_candidates(folder / given.candidates, feeders)
    hours = inputs.read_hours(folder / given.profiles) if given.profiles else inputs.PEAK
    table = settings.scenarios.table and inputs.read_futures(folder / settings.scenarios.table, feeders)
    packages = all_packages(menu, feeders.names, given.most_measures)
    provider = Capacity(feeders, menu, hours, settings.scenarios, settings.horizon.years)
    _budget_buys_something(settings, menu)
    return Setup(feeders, menu, packages, provider, table or None, summary.remarks(settings, menu, hours))


def _budget_buys_something(settings: UpgradesSettings, menu: Menu) -> None:
    """InputError if a budget is given that pays for no candidate in any year."""
    given = settings.money.budget_usd_per_year
    most = max(given) if isinstance(given, tuple) else given
    dear = menu.cost_usd[menu.cost_usd > 0]
    if most and len(dear) == len(menu) and len(dear) and most < dear.min():
        cheapest = int(np.argmin(menu.cost_usd))
        raise InputError(
            f"The budget of {most:,.0f} USD in a year is too small for any plan: the least budget that works is "
            f"{dear.min():,.0f} USD, for {menu.label(cheapest)}."
        )


def futures_of(settings: UpgradesSettings, setup: Setup) -> tuple[Futures, Futures | None, float]:
    """Futures that are planned for, those out of sample (None without), and the distance that reduction left (MW)."""
    given, count = settings.scenarios, len(setup.feeders)
    if setup.table is not None:
        drawn, outside = setup.table, None
    else:
        training, testing = (np.random.default_rng(s) for s in np.random.SeedSequence(given.seed).spawn(2))
        drawn = draw(given, count, given.drawn, training)
        outside = draw(given, count, given.out_of_sample, testing) if given.out_of_sample else None
    if given.kept >= len(drawn):
        return drawn, outside, 0.0
    kept, reduction = reduced(drawn, given, setup.provider.features)
    return kept, outside, reduction.distance


def run(
    settings: UpgradesSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Progress | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: fewer scenarios and points."""
    if quick:
        settings = settings.quick()
    setup, clock = prepare(settings, folder), Clock(progress)
    with clock.phase("scenarios"):
        futures, outside, distance = futures_of(settings, setup)
    with clock.phase("plan"):
        found = plan(settings, setup.provider, setup.menu, setup.packages, futures)
    with clock.phase("check"):
        made = {"check": _checked(settings, setup, found, futures, outside)}
    with clock.phase("alternatives"):
        others = _alternatives(settings, setup, found, futures)
    with clock.phase("comparison"):
        made |= _comparisons(settings, setup, found, futures)
    with clock.phase("tables"):
        made |= _tables(settings, setup, found, futures, others)
    made["assumptions"] = summary.assumptions(settings, setup.provider.hours.energy, quick)
    made["findings"] = pd.DataFrame([(f.severity, f.text) for f in setup.findings], columns=["severity", "text"])
    made["timing"] = pd.DataFrame(list(clock.seconds.items()), columns=["phase", "seconds"]).assign(
        power_flows=0, not_converged=0
    )
    return StudyResult(
        job=JOB,
        title=settings.title or f"Upgrades of {len(setup.feeders)} feeders under uncertainty",
        settings=settings.dump(),
        headline=summary.headline(found, made, setup.provider.hours.energy),
        tables=made,
        violations_left=0 if found.holds else 1,
        provenance=summary.provenance(settings, folder, clock.seconds, distance, quick),
    )


def _tables(
    settings: UpgradesSettings, setup: Setup, found: Found, futures: Futures, others: dict[int, Alternative]
) -> dict[str, pd.DataFrame]:
    p, quantile = futures.probabilities, settings.alternatives.adequacy
    return {
        "ranking": tables.ranking(found, setup.feeders, setup.feeders.customers, p),
        "selection": tables.selection(found, setup.menu),
        "projects": tables.projects(settings, found, setup.menu, p),
        "alternatives": tables.alternatives(others, setup.feeders.names, setup.provider.hours.energy),
        "roadmap": roadmap.actions(found, setup.menu, p, others, quantile),
        "years": roadmap.by_year(found, setup.menu, p),
        "scenarios": tables.scenarios(futures, found),
        "rounds": pd.DataFrame([vars(r) for r in found.rounds]).assign(round=range(1, len(found.rounds) + 1)),
    }


def _checked(
    settings: UpgradesSettings, setup: Setup, found: Found, futures: Futures, outside: Futures | None
) -> pd.DataFrame:
    """The plan simulated on the scenarios it was made for and on those it has not seen."""
    index = np.unique(found.solution.plan.packages(found.packages))
    sets, recourse = [], []
    for name, part in (("in sample", futures), ("out of sample", outside)):
        if part is not None:
            outcomes = setup.provider.verify(found.packages.only(index), part)
            sets.append((name, part.probabilities, outcomes, index))
            recourse.append(costs.recourse_usd(settings, outcomes))
    return tables.checked(found, sets, recourse)


def _alternatives(settings: UpgradesSettings, setup: Setup, found: Found, futures: Futures) -> dict[int, Alternative]:
    """Non-wires alternatives by feeder, against what the plan builds there (else its cheapest single measure)."""
    if not settings.alternatives.enabled:
        return {}
    nothing, menu = np.zeros(len(setup.menu), dtype=bool), setup.menu
    result = {}
    for number, name in enumerate(setup.feeders.names):
        mine = np.array([feeder == name for feeder in menu.feeder], dtype=bool)
        built = mine & (found.solution.plan.stage >= 0)
        if not built.any():
            continue
        item = alternatives.compare(
            settings.alternatives,
            setup.provider,
            futures,
            settings.horizon.years,
            number,
            nothing,
            float(menu.cost_usd[built].sum()),
            settings.money.discount_rate,
        )
        if item is not None:
            result[number] = item
    return result


def _comparisons(settings: UpgradesSettings, setup: Setup, found: Found, futures: Futures) -> dict[str, pd.DataFrame]:
    """The plan beside others: value of planning for scenarios, of knowing them, of a lost MWh, and the Pareto front."""
    effort, measure = Effort(settings.study.solver_seconds, settings.study.solver_gap), risk(settings)
    named: list[tuple[str, Solution]] = [("plan", found.solution)]
    nothing = Plan(settings.horizon.years, np.full(len(setup.menu), -1))
    plans = [_plan_row(setup, found, "nothing built", priced(found.problem, nothing, measure))]
    plans.append(_plan_row(setup, found, "plan", found.solution))
    made: dict[str, pd.DataFrame] = {}
    if settings.study.stochastic_value:
        mean = setup.provider.outcomes(found.packages, futures.mean())
        center = costs.problem(settings, setup.menu, found.packages, mean, np.ones(1))
        values, naive = stochastic.values(
            found.problem,
            replace(center, most_unserved=np.full(len(center.years), np.inf)),
            found.solution,
            measure,
            effort,
        )
        plans.append(_plan_row(setup, found, "plan for the mean future", priced(found.problem, naive, measure)))
        made["stochastic"] = summary.stochastic_table(values)
    made["value_of_lost_load"] = _sweep(settings, setup, found, effort, named)
    made["pareto"] = _pareto(settings, setup, found)
    made["plans"] = pd.DataFrame(plans)
    made["solver"] = tables.solver(named)
    return made


def _sweep(
    settings: UpgradesSettings, setup: Setup, found: Found, effort: Effort, named: list[tuple[str, Solution]]
) -> pd.DataFrame:
    """The plan for each value of lost load."""
    rows, price = [], costs.unserved_price(settings, found.outcomes.unit)
    for factor in settings.money.sweep:
        usd = costs.recourse_usd(settings, found.outcomes, factor)
        same = factor == 1
        solution = (
            found.solution
            if same
            else solve(found.problem.with_recourse(usd, found.problem.probabilities), risk(settings), effort)
        )
        named += [] if same else [(f"value of lost load x {factor:g}", solution)]
        row = _plan_row(setup, found, f"x {factor:g}", solution)
        rows.append({"factor": factor, "usd_per_unit": price * factor, **row})
    return pd.DataFrame(rows)


def _pareto(settings: UpgradesSettings, setup: Setup, found: Found) -> pd.DataFrame:
    """Least investment for so much unserved, priced at the study's value of lost load."""
    rows, effort = [], Effort(settings.study.comparison_seconds, settings.study.comparison_gap)
    for bound, solution in stochastic.pareto(found.problem, settings.study.pareto_points, effort):
        full = priced(found.problem, solution.plan, risk(settings), solution.status, solution.bound_usd)
        rows.append(
            {"bound": bound, **_plan_row(setup, found, "", full), "status": solution.status, "gap": solution.gap}
        )
    return pd.DataFrame(rows).drop(columns="plan", errors="ignore")


def _plan_row(setup: Setup, found: Found, name: str, solution: Solution) -> dict[str, object]:
    chosen, years = solution.plan.packages(found.packages), np.arange(len(solution.plan.years))
    hours = found.outcomes.customer_hours[:, chosen, years].sum(axis=(1, 2))
    unserved = stochastic.unserved_in_all(found.problem, solution.plan)
    customer_hours = float(found.problem.probabilities @ hours)
    return tables.plan_row(name, solution, unserved, customer_hours, float(setup.feeders.customers.sum()))
