"""Reported islands of IEEE 123, solved again by OpenDSS without gridstudio's engine: from the tables alone.

The second method compiles the published circuit, opens and closes the devices, disables loads that are not picked up,
closes the one source, and reads what comes out. Tables in, figures out: it knows no network, no section, no power flow
of the package.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from gridstudio.engine.library import opendssdirect  # first, so that it is loaded for threads
from gridstudio.evaluation import Workers
from gridstudio.planning import read_study
from gridstudio.planning.phases import Phases
from gridstudio.planning.resilience import run, tables
from gridstudio.planning.resilience.contract import Checked, Problem, Risk, Solution, no_plan
from gridstudio.planning.resilience.islands import stage_for
from gridstudio.planning.resilience.outages import FRESH, Lottery, base_loss
from gridstudio.planning.resilience.selection import select
from gridstudio.planning.resilience.settings import SweepSettings
from gridstudio.planning.resilience.setup import budget, prepare

SCENARIOS, MANY = 9, 49  # of the default suite, and of the long one
SOLVED_TO = 1e-4  # OpenDSS's tolerance: both iterate to it, from other starts
POWER_KW, VOLTAGE_PU, LOADING_PU = 0.05, 2e-4, 1e-3
RATING_KW = 1e-3
GIVEN_KW = {"95": 500.0, "450": 240.0, "39": 350.0, "56": 255.0, "114": 60.0}


@dataclass(frozen=True)
class Alone:
    """What OpenDSS says; loading over each element's own limit in ``over_limit_pu``."""

    served_kw: float
    source_kw: float
    source_kva: float
    v_min_pu: float
    v_max_pu: float
    loading_max_pu: float
    over_limit_pu: float
    outside_pu: float  # highest voltage outside the island


def names(text):
    return [name for name in str(text).split(", ") if name] if isinstance(text, str) else []


def circuit(folder):
    """The circuit as published, solved before the storm: its regulators start from these taps."""
    engine = opendssdirect.dss.NewContext()
    engine.Basic.AllowChangeDir(False)
    for name in ("master.dss", "candidates.dss"):
        engine(f'redirect "{folder / name}"')
    engine.Solution.Solve()
    return engine


def solved_alone(folder, found, island, limits):
    """The island of one row of table ``islands``."""
    engine, sections = circuit(folder), names(island.sections)
    loads, devices = found["loads"], found["devices"]
    picked = set(found["pickup"].query("scenario == @island.scenario")["load"])
    mine = loads[loads["section"].isin(sections) & loads["load"].isin(picked)]
    for device, element in zip(devices["device"], devices["element"], strict=True):
        verb = "close" if device in names(island.closed) else "open"
        for terminal in (1, 2):
            engine(f"{verb} {element} {terminal}")
    for load in set(loads["load"]) - set(mine["load"]):
        engine(f"edit load.{load} enabled=no")
    source = "source"
    if island.source != "substation":
        source = f"gfm_{found['plan'].set_index('site').at[island.source, 'bus']}"
        engine(f"close vsource.{source} 1")
        engine("edit vsource.source enabled=no")
    engine.Solution.Solve()
    assert engine.Solution.Converged()
    section = dict(zip(found["network_buses"]["bus"].astype(str), found["network_buses"]["section"], strict=True))
    return read(engine, source, {bus for bus, name in section.items() if name in sections}, loads["load"], limits)


def read(engine, source, buses, loads, limits):
    engine.Circuit.SetActiveElement(f"vsource.{source}")
    power = -pair_sum(engine.CktElement.Powers()[: 2 * engine.CktElement.NumPhases()])
    v_pu = pd.Series(engine.Circuit.AllBusMagPu(), index=[name.lower() for name in engine.Circuit.AllNodeNames()])
    here = np.array([node.split(".")[0] in buses for node in v_pu.index])
    nodes, served_kw = load_nodes(engine, loads)
    lines, limit_lines = line_loadings(engine), limits.loading_max_pu
    transformers, limit_transformers = transformer_loadings(engine), limits.transformer_loading_max_pu
    return Alone(
        served_kw=served_kw,
        source_kw=power.real,
        source_kva=abs(power),
        v_min_pu=v_pu[here & v_pu.index.isin(nodes)].min(),
        v_max_pu=v_pu[here].max(),
        loading_max_pu=max(lines, transformers),
        over_limit_pu=max(lines / limit_lines, transformers / limit_transformers),
        outside_pu=v_pu[~here].max() if (~here).any() else 0.0,
    )


def pair_sum(values):
    pairs = np.array(values).reshape(-1, 2)
    return complex(pairs[:, 0].sum(), pairs[:, 1].sum())


def load_nodes(engine, loads):
    """Nodes to which any load of the circuit is connected, and the kW of those that are on."""
    nodes, kw = set(), 0.0
    for name in loads:
        engine.Circuit.SetActiveElement(f"load.{name}")
        bus, *own = engine.CktElement.BusNames()[0].lower().split(".")
        nodes |= {f"{bus}.{node}" for node in own or ("1", "2", "3")}
        if engine.CktElement.Enabled():
            kw += pair_sum(engine.CktElement.Powers()).real
    return nodes, kw


def line_loadings(engine):
    """Highest phase current of any line over its normal rating. Switches have none in this circuit: 400 A is OpenDSS's
    default and no one's data."""
    highest, more = 0.0, engine.Lines.First()
    while more:
        amps = np.array(engine.CktElement.CurrentsMagAng()).reshape(2, -1, 2)[:, : engine.Lines.Phases(), 0]
        rated = np.inf if engine.Lines.IsSwitch() else engine.Lines.NormAmps()
        highest = max(highest, amps.max() / rated)
        more = engine.Lines.Next()
    return highest


def transformer_loadings(engine):
    """Highest phase current of any winding over that of its kVA."""
    highest, more = 0.0, engine.Transformers.First()
    while more:
        phases, windings = engine.CktElement.NumPhases(), engine.Transformers.NumWindings()
        amps = np.array(engine.CktElement.CurrentsMagAng()).reshape(windings, -1, 2)[:, :phases, 0]
        for number in range(1, windings + 1):
            engine.Transformers.Wdg(number)
            across = 1.0 if phases == 1 else np.sqrt(3)
            rated = engine.Transformers.kVA() / (across * engine.Transformers.kV())
            highest = max(highest, amps[number - 1].max() / rated)
        more = engine.Transformers.Next()
    return highest


def agrees(found, folder, island, limits, kva_per_kw=1.25):
    """Every figure of the row, and every limit, by the second method."""
    alone = solved_alone(folder, found, island, limits)
    where = f"scenario {island.scenario}, {island.source}, {island.sections}"
    for name, tolerance in (
        ("served_kw", POWER_KW), ("source_kw", POWER_KW), ("source_kva", POWER_KW), ("v_min_pu", VOLTAGE_PU),
        ("v_max_pu", VOLTAGE_PU), ("loading_max_pu", LOADING_PU),
    ):  # fmt: skip
        near = pytest.approx(getattr(island, name), rel=SOLVED_TO, abs=tolerance)
        assert getattr(alone, name) == near, f"{name}: {where}"
    assert alone.v_min_pu >= limits.v_min_pu - VOLTAGE_PU, where
    assert alone.v_max_pu <= limits.v_max_pu + VOLTAGE_PU, where
    assert alone.over_limit_pu <= 1 + LOADING_PU, where
    assert alone.source_kw <= island.rated_kw + RATING_KW, where
    assert alone.source_kva <= kva_per_kw * island.rated_kw + RATING_KW, where
    assert alone.outside_pu < 0.01, where  # nothing else is fed


def different(islands):
    """Islands that are alike in several scenarios once."""
    return islands.drop_duplicates(["sections", "closed", "source", "nominal_kw", "weighted_kw"])


@pytest.fixture(scope="module")
def study(pytestconfig):
    path = pytestconfig.rootpath / "studies" / "resilience_ieee123.toml"
    settings = read_study(path)[1]
    return settings, path.parent, (path.parent / settings.feeder.master).parent


@pytest.fixture(scope="module")
def given(study):
    """given(scenarios): the tables of a plan that is given, and its limits; nothing is searched."""
    settings, folder, _ = study
    setup = prepare(settings, folder)
    lottery = Lottery(setup.grid, setup.wind, setup.fragility, settings.weather.strata, settings.monte_carlo.seed)
    kw = np.array([GIVEN_KW.get(name, 0.0) for name in setup.sites.names])
    plan = replace(no_plan(setup.grid, setup.sites), delta=kw > 0, beta_kw=kw)

    def make(scenarios):
        drawn = lottery.draw(1000, (FRESH,))
        storms = select(setup.grid, drawn, base_loss(setup.grid, drawn), scenarios).storms
        phases = Phases(setup.grid.feeder, setup.grid.limits, Workers(1))
        problem = Problem(setup.grid, setup.sites, storms, budget(settings), Risk(0.5, 0.95))
        served = stage_for(setup.grid, setup.sites, phases).serve(plan, storms)
        return told(setup, problem, plan, served), setup.grid.limits

    return make


@pytest.fixture(scope="module")
def small(given):
    return given(SCENARIOS)


def told(setup, problem, plan, served):
    solution = Solution(plan, "given", 0.0, 0.0, 0.0, 0.0, 0, 0, served.q)
    checked = Checked(plan, solution, served, (solution,), 0)
    return {
        "islands": tables.islands_table(setup.grid, served.islands),
        "pickup": tables.pickup_table(setup.grid, served),
        "plan": tables.plan_table(problem, checked),
        "loads": tables.loads_table(setup),
        "devices": tables.devices_table(setup.grid),
        **tables.network_tables(problem, checked),
    }


def test_reported_islands_hold_when_opendss_solves_them_alone(small, study):
    found, limits = small
    islands = different(found["islands"])
    assert len(islands) >= 10
    assert islands["source"].nunique() >= 4
    for island in islands.itertuples():
        agrees(found, study[2], island, limits)


def test_the_second_method_sees_a_load_too_many(small, study):
    """It can fail: one more load on a source, and neither kW nor rating agree."""
    found, limits = small
    own = found["islands"].query("source == '56'").sort_values("nominal_kw", ascending=False)
    island = next(own.itertuples())
    loads, sections = found["loads"], names(island.sections)
    picked = set(found["pickup"].query("scenario == @island.scenario")["load"])
    shed = loads[loads["section"].isin(sections) & ~loads["load"].isin(picked)]
    more = pd.DataFrame({"scenario": island.scenario, "load": shed["load"].iloc[:1]})
    assert len(more) == 1
    wrong = found | {"pickup": pd.concat([found["pickup"], more])}
    with pytest.raises(AssertionError, match="served_kw"):
        agrees(wrong, study[2], island, limits)


@pytest.mark.long
def test_islands_of_many_scenarios_hold_when_opendss_solves_them_alone(given, study):
    found, limits = given(MANY)
    islands = different(found["islands"])
    assert len(islands) >= 30
    for island in islands.itertuples():
        agrees(found, study[2], island, limits)


@pytest.mark.long
def test_islands_of_a_quick_study_hold_when_opendss_solves_them_alone(study):
    settings, folder, circuit_folder = study
    short = settings.model_copy(update={"sweep": SweepSettings()})
    found = run(short, folder, Workers(2), quick=True).tables
    limits = prepare(settings, folder).grid.limits
    for island in different(found["islands"]).itertuples():
        agrees(found, circuit_folder, island, limits)
