"""The job as a whole: settings in, StudyResult out."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.domain.network import Finding
from gridstudio.evaluation import Workers
from gridstudio.planning.transition import data_tables, future_tables, stochastic, summary, tables
from gridstudio.planning.transition.assumptions import assumptions
from gridstudio.planning.transition.checks import check_targets
from gridstudio.planning.transition.extensive import extensive_forms
from gridstudio.planning.transition.factors import portfolio
from gridstudio.planning.transition.graph import Model
from gridstudio.planning.transition.growth import growth_table
from gridstudio.planning.transition.inputs import read_case
from gridstudio.planning.transition.places import places
from gridstudio.planning.transition.plans import Dispatcher, Plan, cost_of, make_plan
from gridstudio.planning.transition.realisations import Realisations, in_sample, out_of_sample
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.shortterm import ShortTerm, short_term
from gridstudio.planning.transition.training import Solved, solve
from gridstudio.result import StudyResult
from gridstudio.solve.sddp.schemes import Scheme

JOB = "transition"
_LEAST_MT = 1e-6
Progress = Callable[[str, int, int], None]


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


def check(settings: TransitionSettings, folder: Path) -> list[Finding]:
    """Everything that can be told before training; InputError with all that is wrong, CO2 targets included."""
    if settings.growth.sizes:
        return summary.remarks(settings, read_case(settings, folder))
    setup = prepare(settings, folder)
    for name in settings.cases:
        check_targets(model_of(settings, setup, name))
    return [*summary.remarks(settings, setup.case), *setup.remarks]


def prepare(settings: TransitionSettings, folder: Path) -> ShortTerm:
    """Read and check the files and make zones and days."""
    return short_term(settings, read_case(settings, folder), folder)


def model_of(settings: TransitionSettings, setup: ShortTerm, name: str) -> Model:
    """The model of a case of the study."""
    items = portfolio(setup.case, settings.cases[name])
    off, risk = frozenset(settings.model.without), settings.risk.of_nodes
    return Model(setup.case, items, setup.days, settings.days.co2_target, off, risk)


def run(
    settings: TransitionSettings,
    folder: Path,
    workers: Workers = Workers(),
    progress: Progress | None = None,
    quick: bool = False,
) -> StudyResult:
    """Solve the study; paths in its settings are relative to ``folder``. ``quick``: fewer days and iterations."""
    if quick:
        settings = settings.quick()
    clock = Clock(progress)
    made = (
        growth(settings, folder, workers, clock) if settings.growth.sizes else cases(settings, folder, workers, clock)
    )
    made["timing"] = pd.DataFrame(list(clock.seconds.items()), columns=["phase", "seconds"]).assign(
        power_flows=0, not_converged=0
    )
    if quick:
        made["assumptions"] = pd.concat([summary.QUICK, made["assumptions"]], ignore_index=True)
    return StudyResult(
        job=JOB,
        title=settings.title or "Transition planning",
        settings=settings.dump(),
        headline=summary.headline(made),
        tables=made,
        violations_left=int((made["operations"]["co2_above_mt"] > _LEAST_MT).sum()) if "operations" in made else 0,
        provenance=summary.provenance(settings, folder, clock.seconds, workers.count, quick),
    )


def growth(settings: TransitionSettings, folder: Path, workers: Workers, clock: Clock) -> dict[str, pd.DataFrame]:
    """Tables of a study that measures sizes."""
    case = read_case(settings, folder)
    with clock.phase("growth"), places(workers) as scheme:
        table = growth_table(settings, case, scheme, clock.progress)
    return {
        "growth": table,
        "assumptions": summary.growth_assumptions(settings),
        "findings": summary.findings(settings, case),
        "outlooks": data_tables.outlooks(case),
        "parameters": data_tables.parameters(case),
    }


def cases(settings: TransitionSettings, folder: Path, workers: Workers, clock: Clock) -> dict[str, pd.DataFrame]:
    """Tables of a study that solves cases."""
    with clock.phase("days"):
        setup = prepare(settings, folder)
        models = {name: model_of(settings, setup, name) for name in settings.cases}
    with clock.phase("check"):
        for model in models.values():
            check_targets(model)
    with places(workers) as scheme:
        answers, origin = solve_cases(settings, models, scheme, clock)
        with clock.phase("stochastic value"):
            values = {
                name: stochastic.value(answers[name], settings.training, scheme)
                for name in settings.study.stochastic_value
            }
        answers, origin, values = with_better_plans(answers, origin, values)
    with clock.phase("extensive form"):
        asked = {name: answers[name] for name in settings.study.extensive}
        extensive = extensive_forms(asked, settings.study.extensive_seconds)
    with clock.phase("realisations"):
        realised = realisations(settings, setup, answers, values)
    made = tables.all_tables(settings, setup.case, setup.days, answers, origin)
    made |= future_tables.simulations(realised)
    made["extensive"], made["stochastic_value"] = extensive, future_tables.stochastic_value(values)
    made["fidelity"] = setup.fidelity
    made["assumptions"] = assumptions(settings, setup)
    of_days = pd.DataFrame([(remark.severity, remark.text) for remark in setup.remarks], columns=["severity", "text"])
    remarks = [summary.findings(settings, setup.case), of_days, summary.found_in(made, settings.training.gap)]
    made["findings"] = pd.concat(remarks, ignore_index=True)
    return made


def solve_cases(
    settings: TransitionSettings, models: dict[str, Model], scheme: Scheme, clock: Clock
) -> tuple[dict[str, Solved], dict[str, str]]:
    """Every case, the smaller first; the best plan of a case that another contains is that one's to start with."""
    answers: dict[str, Solved] = {}
    origin: dict[str, str] = {}
    for name in sorted(models, key=lambda name: (len(settings.cases[name]), name)):
        with clock.phase(f"case {name}"):
            factors = set(settings.cases[name])
            inside = [other for other in answers if set(settings.cases[other]) <= factors]
            best = min(inside, key=lambda other: answers[other].cost.value_musd, default=None)
            start = None if best is None else lifted(models[best], models[name], answers[best].cost.plan)
            answers[name] = solve(models[name], settings.training, scheme, start=start)
            same = start is not None and np.array_equal(answers[name].cost.plan.builds, start.builds)
            origin[name] = origin[best] if same and best is not None else name
    return with_best_bounds(settings, {name: answers[name] for name in models}), origin


def with_best_bounds(settings: TransitionSettings, answers: dict[str, Solved]) -> dict[str, Solved]:
    """Each case with the highest bound of all that contain it: their plans are its plans, and more."""
    found = {}
    for name, answer in answers.items():
        around = [other for other in answers if set(settings.cases[name]) <= set(settings.cases[other])]
        best = max(around, key=lambda other: answers[other].bound_musd)
        found[name] = replace(answer, bound_musd=answers[best].bound_musd)
    return found


def lifted(small: Model, large: Model, plan: Plan) -> Plan:
    """A plan of a smaller case in a larger one, which builds nothing else."""
    place = [large.items.labels.index(label) for label in small.items.labels]
    builds = {}
    for row, path in enumerate(plan.paths):
        for stage in range(plan.paths.shape[1] - 1):
            build = np.zeros(len(large.items.labels))
            build[place] = plan.builds[row, stage]
            builds[tuple(int(p) for p in path[: stage + 1])] = build
    return make_plan(large, builds)


def with_better_plans(
    answers: dict[str, Solved], origin: dict[str, str], values: dict[str, stochastic.StochasticValue]
) -> tuple[dict[str, Solved], dict[str, str], dict[str, stochastic.StochasticValue]]:
    """The same with better plans that the value of the stochastic solution came upon, handed on to larger cases too."""
    found, came = dict(answers), dict(origin)
    better = [name for name, made in values.items() if made.stochastic.cost is not answers[name].cost]
    for name in better:
        found[name], came[name] = replace(answers[name], cost=values[name].stochastic.cost), name
    for name, answer in answers.items():
        labels = set(answer.model.items.labels)
        for other in better:
            small = found[other]
            if set(small.model.items.labels) <= labels and small.cost.value_musd < found[name].cost.value_musd:
                plan = lifted(small.model, answer.model, small.cost.plan)
                cost = cost_of(plan, Dispatcher(answer.model))
                if cost.value_musd < found[name].cost.value_musd:
                    found[name], came[name] = replace(answer, cost=cost), other
    return found, came, {name: replace(made, stochastic=found[name]) for name, made in values.items()}


def realisations(
    settings: TransitionSettings,
    setup: ShortTerm,
    answers: dict[str, Solved],
    values: dict[str, stochastic.StochasticValue],
) -> list[tuple[str, str, str, Realisations]]:
    """(case, plan, sample, realisations) of the plans asked for, and of the plans for the mean future beside them."""
    found = []
    for name in dict.fromkeys((*settings.study.simulate, *settings.study.stochastic_value)):
        model = answers[name].model
        plans = [("stochastic", answers[name].cost.plan)]
        plans += [("mean held", values[name].whole.plan)] if name in values else []
        for label, plan in plans:
            dispatcher = Dispatcher(model)
            found.append((name, label, "in sample", in_sample(plan, dispatcher)))
            if settings.study.out_of_sample:
                rng = np.random.default_rng([settings.training.seed, 69])  # the same draws for every plan
                drawn = out_of_sample(plan, dispatcher, setup.unseen, settings.study.out_of_sample, rng)
                found.append((name, label, "out of sample", drawn))
    return found
