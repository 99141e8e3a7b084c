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
from gridstudio.domain.reliability import Benefit, CostTable, business_case, flat_rate, split_benefits
from gridstudio.evaluation import Workers
from gridstudio.planning.flow import network_branches
from gridstudio.planning.phases import Phases
from gridstudio.planning.restoration import summary, tables
from gridstudio.planning.restoration.clock import Clock
from gridstudio.planning.restoration.cold import ColdPickup, cold_min, schedule
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
    """Solve a restoration study. Tables: comparison, means, orders, repairs, outages, violations, storms, devices,
    sections, section_buses, training, seeds, cold_load, cold_load_curve, cold_load_effect, business_case,
    network_buses, network_branches, assumptions, findings, timing; columns in ``tables``, ``summary`` and here. Learnt
    tables: learned/seed_N.npz.
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
        title=(settings.title or f"Restoration on {setup.sections.network.name}") + (" (quick run)" if quick else ""),
        settings=settings.dump(),
        headline=summary.headline(made, phases),
        tables=made,
        violations_left=int((made["violations"]["method"] != "naive").sum()) + _cold_refused(made),
        texts={f"learned/seed_{seed}.npz": _bytes(training.table) for seed, training in trainings.items()},
        provenance=summary.provenance(settings, folder, phases, quick),
    )


def _cold_refused(made: dict[str, pd.DataFrame]) -> int:
    """Minutes of cold load schedules whose exact power flow was not allowed after all."""
    return int((~made["cold_load_curve"]["allowed"].astype(bool)).sum()) if "cold_load_curve" in made else 0


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
    held_out = [incident.storm.name for incident in setup.judged if incident.storm.held_out]
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
        made |= {"training": _curves(trainings), "seeds": summary.seeds(compared, trainings, held_out)}
    if settings.cold_load.enabled:
        made |= {"cold_load": by_section, "cold_load_curve": curve, "cold_load_effect": _cold_effect(judged, cold)}
    made["repairs"] = tables.repairs(judged, desk.judge)
    if len(business := _business(settings, setup, judged, cold)):
        made["business_case"] = business
    return made


def _cold_effect(judged: list[Judged], cold: list[ColdPickup]) -> pd.DataFrame:
    """What waiting for surges costs. storm, method (whose plan), customers_restored, customer_minutes (steady load),
    customers_restored_cold, customer_minutes_cold, all_allowed (the exact power flows of the whole schedule).
    """
    rows = []
    for found in cold:
        incident = found.incident
        simple = [i for i in judged if i.incident is incident and not any(m.interrupted for m in i.plan.moves)]
        item = best_of(simple)[0]
        steady, late = item.when.restored_min, cold_min(found, item.when.restored_min)
        customers, out = incident.sections.customers, incident.sections.members(incident.out)
        back = [float(customers @ (out & (minutes < incident.repaired_min))) for minutes in (steady, late)]
        spent = [float(customers @ minutes) for minutes in (steady, late)]
        allowed = bool(found.curve_allowed.all())
        rows.append((incident.storm.name, item.plan.method, back[0], spent[0], back[1], spent[1], allowed))
    columns = ["storm", "method", "customers_restored", "customer_minutes", "customers_restored_cold"]
    return pd.DataFrame(rows, columns=[*columns, "customer_minutes_cold", "all_allowed"])


def _curves(trainings: dict[int, Training]) -> pd.DataFrame:
    """seed, episode (last of its group), saved (mean customer-minutes gained over the greedy way per
    episode of the group), epsilon.
    """
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


def _business(
    settings: RestorationSettings, setup: Setup, judged: list[Judged], cold: list[ColdPickup]
) -> pd.DataFrame:
    """measure (switching, islanding, both), customers, ci, cmi, energy_kwh, cost_usd (saved against crews only, over
    the study's own and recorded storms, drawn ones left out), usd_per_year, benefit_present_value_usd,
    cost_present_value_usd, net_present_value_usd, payback_years (NaN without an investment).

    Pickups wait for cold load where that was studied. A customer whom switching brings back is no benefit of islanding:
    islands count for the minutes that are left, and each measure is set against its own investment.
    """
    best = [item for item in best_of(judged) if not item.incident.storm.held_out]
    if not best:
        return pd.DataFrame()
    late = {found.incident.storm.name: found for found in cold}
    table, given = setup.customers, settings.costs
    section = table["section"].to_numpy()
    crew, switched, both, kw = [], [], [], []
    for item in best:
        incident, out_min = item.incident, item.when.out_min
        if incident.storm.name in late:
            out_min = cold_min(late[incident.storm.name], item.when.restored_min) + item.when.moved_min
        crew.append(np.where(incident.sections.members(incident.out), incident.repaired_min, 0.0)[section])
        switched.append(out_min[section])
        both.append(setup.with_islands(incident, out_min)[section])
        kw.append(table["kw"].to_numpy(float) * incident.storm.load_scale)
    found = split_benefits(
        cost_table(settings),
        list(table["class"]) * len(best),
        np.tile(table["customers"].to_numpy(float), len(best)),
        np.concatenate(kw),
        np.concatenate(crew),
        np.concatenate(switched),
        np.concatenate(both),
    )
    alone = given.investment_usd, given.upkeep_usd_per_year
    islands = given.islanding_investment_usd, given.islanding_upkeep_usd_per_year
    rows = [
        _worth("switching", found.switching, *alone, settings),
        _worth("islanding", found.islanding, *islands, settings),
        _worth("both", found.whole, alone[0] + islands[0], alone[1] + islands[1], settings),
    ]
    return pd.DataFrame(rows)


def _worth(
    name: str, benefit: Benefit, investment_usd: float, upkeep_usd: float, settings: RestorationSettings
) -> dict[str, Any]:
    """One measure's benefit against its own money."""
    given = settings.costs
    per_year = benefit.cost_usd / given.storm_years
    row: dict[str, Any] = {"measure": name, **asdict(benefit), "usd_per_year": per_year}
    columns = ("benefit_present_value_usd", "cost_present_value_usd", "net_present_value_usd", "payback_years")
    if investment_usd + upkeep_usd == 0:
        return row | dict.fromkeys(columns, np.nan)
    case = business_case(per_year, investment_usd, given.years, given.discount_rate, upkeep_usd)
    return row | {column: getattr(case, column) for column in columns}


def _bytes(table: QTable) -> bytes:
    """A learnt table as the bytes of its .npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, keys=table.keys, values=table.values, visits=table.visits)
    return file.getvalue()
