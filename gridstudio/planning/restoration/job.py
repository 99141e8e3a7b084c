"""The job: every storm, every method, one judge and one clock; then cold load, cost and the order sheets."""

import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.domain.cold_load import GUIDE_STEPS, SMOOTH, Surge
from gridstudio.domain.network import Finding
from gridstudio.domain.reliability import CostTable, business_case, flat_rate, split_benefits
from gridstudio.evaluation import Workers
from gridstudio.planning.flow import network_branches
from gridstudio.planning.phases import Phases
from gridstudio.planning.restoration import summary, tables
from gridstudio.planning.restoration.clock import Clock
from gridstudio.planning.restoration.cold import ColdPickup, schedule
from gridstudio.planning.restoration.exact import exact
from gridstudio.planning.restoration.judge import Judge
from gridstudio.planning.restoration.learned import Learned, learn
from gridstudio.planning.restoration.methods import Desk, Method, greedy, naive, none, solve
from gridstudio.planning.restoration.plan import Rules
from gridstudio.planning.restoration.settings import RestorationSettings
from gridstudio.planning.restoration.setup import Setup, prepare
from gridstudio.planning.restoration.tables import Judged, judge_plan
from gridstudio.result import StudyResult
from gridstudio.solve.qlearning import QSettings, QTable, Training

JOB = "restoration"
PLAIN: dict[str, Method] = {"none": none, "naive": naive, "greedy": greedy, "exact": exact}
BEST = ("exact", "learned", "greedy")  # whose plan cold load pickup and the business case take
CURVE_POINTS = 200  # of a training curve in the tables

Progress = Callable[[str, int, int], None]


def check(settings: RestorationSettings, folder: Path) -> list[Finding]:
    """All that is wrong or remarkable, without searching."""
    setup = prepare(settings, folder)
    return [*setup.findings, *summary.remarks(setup)]


def run(
    settings: RestorationSettings, folder: Path, workers: Workers, progress: Progress | None, quick: bool
) -> StudyResult:
    """Solve a restoration study. Tables: comparison, means, orders, outages, violations, storms, devices, sections,
    section_buses, training, seeds, cold_load, cold_load_curve, business_case, network_buses, network_branches,
    assumptions, findings, timing; columns in ``tables`` and ``summary``. Learnt tables: learned/seed_N.npz.
    """
    if quick:
        settings = settings.quick()
    setup = prepare(settings, folder)
    phases = Phases(setup.feeder, setup.limits, workers, progress)
    desk = desk_of(settings, setup, phases)
    trainings = _train(settings, setup, desk, phases, progress)
    judged = _judge(settings, setup, desk, phases, trainings)
    cold = _cold(settings, setup, desk, phases, judged)
    made = _tables(settings, setup, desk, judged, trainings, cold)
    made |= {
        "assumptions": summary.assumptions(settings, setup, quick),
        "findings": pd.DataFrame(
            [(f.severity, f.text) for f in (*setup.findings, *summary.remarks(setup))], columns=["severity", "text"]
        ),
        "timing": phases.table(),
    }
    return StudyResult(
        job=JOB,
        title=settings.title or f"Restoration on {setup.sections.network.name}",
        settings=settings.dump(),
        headline=summary.headline(made, phases),
        tables=made,
        violations_left=int((made["violations"]["method"] != "naive").sum()),
        texts={f"learned/seed_{seed}.npz": _bytes(training.table) for seed, training in trainings.items()},
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def desk_of(settings: RestorationSettings, setup: Setup, phases: Phases) -> Desk:
    """What every method of a study works with."""
    given = settings.methods
    return Desk(
        Judge(phases, setup.sections, setup.limits, settings.generation_scale),
        Clock(setup.sections.devices, settings.devices.crews, settings.devices.dispatch_min),
        Rules(settings.limits.emergency_h, given.transfers, given.max_power_flows, given.max_nodes),
    )


def _train(
    settings: RestorationSettings, setup: Setup, desk: Desk, phases: Phases, progress: Progress | None
) -> dict[int, Training]:
    """Independent trainings by seed."""
    if "learned" not in settings.methods.run:
        return {}
    given, found = settings.learning, {}
    with phases.phase("training"):
        for number in range(given.seeds):
            q = QSettings(
                episodes=given.episodes,
                alpha=given.alpha,
                omega=given.omega,
                epsilon_start=given.epsilon_start,
                epsilon_end=given.epsilon_end,
                seed=given.seed + number,
            )

            def tell(done: int, total: int, before: int = number * given.episodes) -> None:
                if progress:
                    progress("training", before + done, given.seeds * given.episodes)

            found[given.seed + number] = learn(setup.training, desk, q, tell)
    return found


def _judge(
    settings: RestorationSettings, setup: Setup, desk: Desk, phases: Phases, trainings: dict[int, Training]
) -> list[Judged]:
    """Every method on every storm that is judged; ``learned`` once for each training."""
    found = []
    for name in settings.methods.run:
        with phases.phase(f"method {name}"):
            for incident in setup.judged:
                if name != "learned":
                    found.append(judge_plan(incident, solve(name, PLAIN[name], incident, desk), 0, desk))
                for seed, training in trainings.items() if name == "learned" else ():
                    plan = solve(name, Learned(training.table), incident, desk)
                    found.append(judge_plan(incident, plan, seed, desk))
    return found


def best_of(judged: list[Judged]) -> list[Judged]:
    """For each storm the plan of the best method that was run (the first training of ``learned``)."""
    methods = {item.plan.method for item in judged}
    name = next((method for method in BEST if method in methods), None)
    first = min((item.seed for item in judged if item.plan.method == name), default=0)
    return [item for item in judged if item.plan.method == name and item.seed == first]


def _cold(
    settings: RestorationSettings, setup: Setup, desk: Desk, phases: Phases, judged: list[Judged]
) -> list[ColdPickup]:
    given = settings.cold_load
    if not given.enabled:
        return []
    surge = Surge(GUIDE_STEPS if given.factors == "guide" else SMOOTH, given.tau_min, given.delay_min)
    found: list[ColdPickup] = []
    simple = [item for item in judged if not any(move.interrupted for move in item.plan.moves)]
    with phases.phase("cold load"):
        for incident in setup.judged:  # where live sections change feeders, the next best method's plan
            for item in best_of([one for one in simple if one.incident is incident]):
                pickup = schedule(incident, desk, item.plan, surge, setup.classes, given.outage_min, given.step_min)
                found += [pickup] if pickup is not None else []
    return found


def _tables(
    settings: RestorationSettings,
    setup: Setup,
    desk: Desk,
    judged: list[Judged],
    trainings: dict[int, Training],
    cold: list[ColdPickup],
) -> dict[str, pd.DataFrame]:
    sections, costs = setup.sections, cost_table(settings)
    compared = tables.comparison(judged, setup.customers, costs)
    by_section, curve = tables.cold_load(cold)
    branches = network_branches(sections.network)
    branches["section"] = [sections.names[s] for s in sections.branch_section]
    made = {
        "comparison": compared,
        "means": summary.means(compared),
        "orders": tables.orders(judged, desk.judge),
        "outages": tables.outages(judged),
        "violations": tables.violations(judged, desk.judge),
        "storms": pd.concat(
            [tables.storm_table(setup.judged, "judged"), tables.storm_table(setup.training, "training")],
            ignore_index=True,
        ),
        "devices": tables.device_table(sections),
        "sections": tables.section_table(sections),
        "section_buses": pd.DataFrame(
            [(bus, sections.names[s]) for bus, s in sections.of_bus.items()], columns=["bus", "section"]
        ),
        "network_buses": sections.network.buses.copy(),
        "network_branches": branches,
    }
    if trainings:
        made |= {"training": _curves(trainings), "seeds": summary.seeds(compared, trainings)}
    if settings.cold_load.enabled:
        made |= {"cold_load": by_section, "cold_load_curve": curve}
    if business := _business(settings, setup, judged):
        made["business_case"] = pd.DataFrame(business)
    return made


def _curves(trainings: dict[int, Training]) -> pd.DataFrame:
    """seed, episode (last of its group), saved (mean customer-minutes saved per episode of the group), epsilon."""
    parts = []
    for seed, training in trainings.items():
        groups = np.array_split(np.arange(len(training.rewards)), min(CURVE_POINTS, len(training.rewards)))
        parts.append(
            pd.DataFrame(
                {
                    "seed": seed,
                    "episode": [int(group[-1]) + 1 for group in groups],
                    "saved": [float(training.rewards[group].mean()) for group in groups],
                    "epsilon": [float(training.epsilons[group].mean()) for group in groups],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def cost_table(settings: RestorationSettings) -> CostTable:
    """Interruption cost by class."""
    other = flat_rate("usd_per_customer_hour", settings.costs.other_usd_per_customer_hour)
    home = flat_rate("usd_per_kwh", settings.costs.residential_usd_per_kwh)
    return CostTable({"residential": home, "commercial": other, "industrial": other})


def _business(settings: RestorationSettings, setup: Setup, judged: list[Judged]) -> list[dict[str, Any]]:
    """measure (switching, islanding, both), customers, ci, cmi, energy_kwh, cost_usd (saved against crews only, over
    the storms), usd_per_year, present_value_usd, investment_usd, net_present_value_usd, payback_years (of both).

    A customer whom switching brings back is no benefit of islanding: islands count for the minutes that are left.
    """
    best = best_of(judged)
    if not best:
        return []
    table, given = setup.customers, settings.costs
    section = table["section"].to_numpy()
    crew, switched, both, kw = [], [], [], []
    for item in best:
        incident = item.incident
        waits = np.where(incident.sections.members(incident.out), incident.repaired_min, 0.0)
        crew.append(waits[section])
        switched.append(item.when.out_min[section])
        both.append(setup.with_islands(incident, item.when.out_min)[section])
        kw.append(table["kw"].to_numpy(float) * incident.storm.load_scale)
    count = np.tile(table["customers"].to_numpy(float), len(best))
    found = split_benefits(
        cost_table(settings),
        list(table["class"]) * len(best),
        count,
        np.concatenate(kw),
        np.concatenate(crew),
        np.concatenate(switched),
        np.concatenate(both),
    )
    rows = []
    for name, benefit in (("switching", found.switching), ("islanding", found.islanding), ("both", found.whole)):
        per_year = benefit.cost_usd / given.storm_years
        row: dict[str, Any] = {"measure": name, **asdict(benefit), "usd_per_year": per_year}
        if name == "both" and given.investment_usd + given.upkeep_usd_per_year > 0:
            case = business_case(
                per_year, given.investment_usd, given.years, given.discount_rate, given.upkeep_usd_per_year
            )
            row |= {
                "benefit_present_value_usd": case.benefit_present_value_usd,
                "cost_present_value_usd": case.cost_present_value_usd,
                "net_present_value_usd": case.net_present_value_usd,
                "payback_years": case.payback_years,
            }
        rows.append(row)
    return rows


def _bytes(table: QTable) -> bytes:
    """A learnt table as the bytes of its .npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, keys=table.keys, values=table.values, visits=table.visits)
    return file.getvalue()
