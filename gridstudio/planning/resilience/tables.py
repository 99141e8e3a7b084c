"""The tables of the result; columns are listed in the package."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from gridstudio.planning.flow import network_branches
from gridstudio.planning.resilience.contract import Checked, Grid, Island, Problem, Served, Sites, Storms
from gridstudio.planning.resilience.evaluate import Measured, StochasticValue, built, least_picked_up
from gridstudio.planning.resilience.fragility import GRID_M_S, Fragility
from gridstudio.planning.resilience.loop import used_kw
from gridstudio.planning.resilience.outages import MonteCarlo, standard_error
from gridstudio.planning.resilience.selection import Selection
from gridstudio.planning.resilience.setup import Setup
from gridstudio.planning.resilience.wind import Wind

WIND_M_S = np.linspace(0.5, 80.0, 160)


def wind_table(wind: Wind) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "region": region.name,
                "share": share,
                "distribution": region.distribution,
                "source": region.source,
                "wind_m_s": WIND_M_S,
                "density_s_m": region.density(WIND_M_S),
            }
        )
        for region, share in zip(wind.regions, wind.shares.tolist(), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def fragility_table(fragility: Fragility) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "kind": kind,
                "hardened": hardened,
                "reference_length_m": curve.reference_length_m,
                "source": curve.source,
                "wind_m_s": GRID_M_S,
                "probability": curve.shape.at(GRID_M_S),
            }
        )
        for (kind, hardened), curve in fragility.curves.items()
    ]
    return pd.concat(parts, ignore_index=True)


def convergence_table(drawn: MonteCarlo) -> pd.DataFrame:
    table = pd.DataFrame(drawn.trace, columns=["storms", "mean_kw", "standard_error_kw"])
    return table.assign(storms=table["storms"].astype(int))


def strata_table(grid: Grid, drawn: MonteCarlo) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "stratum": drawn.storms.stratum,
            "wind_m_s": drawn.storms.wind_m_s,
            "loss_kw": drawn.loss,
            "lines": drawn.storms.failed.sum(axis=1),
            "sections": drawn.storms.sections_out(grid).sum(axis=1),
        }
    )
    by = table.groupby("stratum")
    return pd.DataFrame(
        {
            "storms": by.size(),
            "wind_from_m_s": by["wind_m_s"].min(),
            "wind_to_m_s": by["wind_m_s"].max(),
            "lines_out": by["lines"].mean(),
            "lines_out_se": by["lines"].sem(),
            "sections_out": by["sections"].mean(),
            "sections_out_se": by["sections"].sem(),
            "loss_kw": by["loss_kw"].mean(),
            "loss_se_kw": by["loss_kw"].sem(),
        }
    ).reset_index()


def scenarios_table(grid: Grid, chosen: Selection, checked: Checked) -> pd.DataFrame:
    storms, plan = chosen.storms, checked.plan
    return pd.DataFrame(
        {
            "scenario": np.arange(1, len(storms) + 1),
            "storm": storms.names,
            "probability": storms.probability,
            "stands_for": chosen.stands_for,
            "wind_m_s": storms.wind_m_s,
            "stratum": storms.stratum,
            "lines_out": storms.lines_out(plan.hardened).sum(axis=1),
            "sections_out": storms.sections_out(grid, plan.hardened).sum(axis=1),
            "loss_kw": chosen.loss,
            "q_kw": checked.served.q,
            "critical_kw": checked.served.critical_kw,
            "islands": _islands_of(checked.served, len(storms)),
        }
    )


def _islands_of(served: Served, storms: int) -> "np.ndarray":
    rows = [island.storm for island in served.islands if island.source != "substation"]
    return np.bincount(np.array(rows, dtype=np.intp), minlength=storms)


def faults_table(grid: Grid, chosen: Selection) -> pd.DataFrame:
    names = grid.sections.names
    rows = [
        (
            int(storm) + 1,
            f"line.{grid.line_names[line]}",
            ", ".join(names[s] for s in np.flatnonzero(grid.line_hits[line])),
        )
        for storm, line in np.argwhere(chosen.storms.failed)
    ]
    return pd.DataFrame(rows, columns=["scenario", "element", "sections"])


def plan_table(problem: Problem, checked: Checked) -> pd.DataFrame:
    sites, plan, names = problem.sites, checked.plan, problem.grid.sections.names
    used = built(plan)
    return pd.DataFrame(
        {
            "site": sites.names,
            "bus": sites.buses,
            "section": [names[section] for section in sites.section],
            "built": used,
            "kw": np.where(used, plan.beta_kw, 0.0),
            "kva": np.where(used, plan.beta_kw * sites.kva_per_kw, 0.0),
            "used_kw": used_kw(problem, checked.served),
            "max_kw": sites.max_kw,
        }
    )


def investments_table(problem: Problem, checked: Checked, savings: Sequence[tuple[float, float]]) -> pd.DataFrame:
    grid, plan = problem.grid, checked.plan
    rows = [("hardened line", f"line.{grid.line_names[i]}", grid.line_usd[i]) for i in np.flatnonzero(plan.hardened)]
    rows += [
        ("added switch", f"line.{grid.sections.devices[d].line}", grid.device_usd[d])
        for d in np.flatnonzero(plan.added)
    ]
    told = [(*row, *saved) for row, saved in zip(rows, savings, strict=True)]
    return pd.DataFrame(told, columns=["what", "element", "usd", "saves_kw", "saves_se_kw"])


ISLAND = [name for name in Island.__dataclass_fields__ if name not in ("storm", "sections", "closed")]


def islands_table(grid: Grid, islands: Sequence[Island]) -> pd.DataFrame:
    names = grid.sections.names
    rows = [
        (
            island.storm + 1,
            ", ".join(names[section] for section in island.sections),
            ", ".join(island.closed),
            *(getattr(island, name) for name in ISLAND),
        )
        for island in islands
    ]
    return pd.DataFrame(rows, columns=["scenario", "sections", "closed", *ISLAND])


def pickup_table(grid: Grid, served: Served) -> pd.DataFrame:
    storm, load = np.nonzero(served.unit_on[:, grid.load_unit])
    return pd.DataFrame({"scenario": storm + 1, "load": np.array(grid.load_names, dtype=object)[load]})


def losses_table(fresh: Storms, without: Served, served: Served) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "storm": fresh.names,
            "wind_m_s": fresh.wind_m_s,
            "without_kw": without.q,
            "with_plan_kw": served.q,
            "critical_without_kw": without.critical_kw,
            "critical_kw": served.critical_kw,
        }
    )


def critical_table(without: Served, served: Served, alpha: float) -> pd.DataFrame:
    """Of fresh storms, equally probable."""
    rows = [
        (case, float(kw.mean()), standard_error(kw), *least_picked_up(kw, alpha))
        for case, kw in (("without", without.critical_kw), ("plan", served.critical_kw))
    ]
    return pd.DataFrame(rows, columns=["case", "mean_kw", "mean_se_kw", "worst_kw", "worst_se_kw"])


def risk_table(rows: Sequence[tuple[str, str, Measured]]) -> pd.DataFrame:
    return pd.DataFrame([{"storms": storms, "case": case, **asdict(found)} for storms, case, found in rows])


ALL_ROUNDS = "all rounds"


def solver_table(checked: Checked) -> pd.DataFrame:
    """Each round's program, then the end of all rounds, with what raised the bound between them."""
    names = ("status", "objective", "bound", "gap", "stopped_by_clock", "seconds", "binaries", "rows")
    told = [*((str(number), each) for number, each in enumerate(checked.rounds, 1)), (ALL_ROUNDS, checked.solution)]
    return pd.DataFrame(
        [(word, *(getattr(each, name) for name in names)) for word, each in told],
        columns=["round", "status", "objective_kw", "bound_kw", "gap", *names[4:]],
    )


def stochastic_table(found: StochasticValue, sites: Sites) -> pd.DataFrame:
    plan = found.mean_plan
    used = built(plan)
    sizes = ", ".join(
        f"{name}: {kw:.0f} kW" for name, kw, on in zip(sites.names, plan.beta_kw, used, strict=True) if on
    )
    rows = [
        ("objective of the plan for all scenarios", found.objective_kw, ""),
        ("objective of the plan for the mean storm", found.mean_objective_kw, sizes or "nothing is built"),
        ("value of the stochastic solution", found.value_kw, ""),
    ]
    return pd.DataFrame(rows, columns=["what", "kw", "plan"])


def loads_table(setup: Setup) -> pd.DataFrame:
    grid = setup.grid
    loads = grid.network.loads
    return pd.DataFrame(
        {
            "load": grid.load_names,
            "bus": loads["bus"].to_numpy(),
            "section": [grid.sections.names[section] for section in grid.load_section],
            "unit": [grid.unit_names[unit] for unit in grid.load_unit],
            "kw": grid.load_kw.sum(axis=1),
            "weight": grid.load_weight,
            "critical": grid.load_critical,
            "source": setup.weight_source,
        }
    )


def sections_table(grid: Grid, drawn: MonteCarlo) -> pd.DataFrame:
    count, loads = len(grid.sections), grid.load_kw.sum(axis=1)
    length, cable = grid.line_length_m @ grid.line_hits, (grid.line_length_m * grid.line_underground) @ grid.line_hits
    at = pd.Series(grid.sections.of_bus).reindex(grid.network.buses["bus"]).to_numpy()
    chance = drawn.storms.sections_out(grid).mean(axis=0)
    place = grid.network.buses.assign(section=at).groupby("section")[["x", "y"]].mean().reindex(range(count))
    return pd.DataFrame(
        {
            "section": grid.sections.names,
            "x": place["x"].to_numpy(),
            "y": place["y"].to_numpy(),
            "buses": np.bincount(at.astype(int), minlength=count),
            "kw": np.bincount(grid.load_section, loads, count),
            "weighted_kw": grid.section_weighted_kw,
            "critical_kw": np.bincount(grid.load_section, loads * grid.load_critical, count),
            "overhead_m": length - cable,
            "underground_m": cable,
            "fault_probability": chance,
            "fault_probability_se": np.sqrt(chance * (1 - chance) / len(drawn.loss)),
        }
    )


def devices_table(grid: Grid) -> pd.DataFrame:
    names = grid.sections.names
    return pd.DataFrame(
        {
            "device": [device.name for device in grid.sections.devices],
            "element": [f"line.{device.line}" for device in grid.sections.devices],
            "type": [device.type for device in grid.sections.devices],
            "normally_open": [device.normally_open for device in grid.sections.devices],
            "from_section": [names[a] for a, _ in grid.sections.ends],
            "to_section": [names[b] for _, b in grid.sections.ends],
            "candidate": grid.optional,
            "usd": grid.device_usd,
        }
    )


def network_tables(problem: Problem, checked: Checked) -> dict[str, pd.DataFrame]:
    grid, sites = problem.grid, problem.sites
    name = {bus: grid.sections.names[section] for bus, section in grid.sections.of_bus.items()}
    kw = dict(zip(sites.buses, np.where(built(checked.plan), checked.plan.beta_kw, 0.0), strict=True))
    buses = grid.network.buses
    branches = network_branches(grid.network)
    ends = [branches[end].map(name) for end in ("bus1", "bus2")]
    exposed = {line: row for row, line in enumerate(grid.line_names)}
    rows = [
        exposed.get(line, -1) if kind == "line" else -1
        for kind, line in zip(branches["kind"], branches["name"], strict=True)
    ]
    return {
        "network_buses": buses.assign(
            section=buses["bus"].map(name),
            site=buses["bus"].map(dict(zip(sites.buses, sites.names, strict=True))).fillna(""),
            site_kw=buses["bus"].map(kw),
        ),
        "network_branches": branches.assign(
            section=ends[0].where(ends[0] == ends[1], ""),
            exposed=[row >= 0 for row in rows],
            underground=[bool(row >= 0 and grid.line_underground[row]) for row in rows],
            hardened=[bool(row >= 0 and checked.plan.hardened[row]) for row in rows],
        ),
    }
