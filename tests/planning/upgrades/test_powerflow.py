"""Mode powerflow on a small substation with two feeders: what is shed, what measures do, the plan by brute force."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gridstudio import planning
from gridstudio.domain.changes import BASE, Reconductor
from gridstudio.domain.economics import present_value, residual_value
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.evaluation import Workers, evaluate
from gridstudio.planning.phases import Phases
from gridstudio.planning.upgrades import job as upgrades_job
from gridstudio.planning.upgrades.planner import risk
from gridstudio.planning.upgrades.program import solve
from gridstudio.planning.upgrades.setup import complete, prepare
from gridstudio.planning.upgrades.simulation import simulate

SMALL = Path(__file__).parent / "data" / "small"
STUDY, PROFILES, CIRCUIT = (
    (SMALL / name).read_text(encoding="utf-8") for name in ("study.toml", "profiles.csv", "master.dss")
)

Write = Callable[..., Path]


def ready(path: Path, workers: int = 1):  # type: ignore[no-untyped-def]
    _, settings = planning.read_study(path)
    read = prepare(settings, path.parent)
    phases = Phases(read.plain.feeder, read.plain.limits, Workers(workers))
    return settings, complete(settings, read, phases)


def checked(path: Path):  # type: ignore[no-untyped-def]
    job, settings = planning.read_study(path)
    return job.check(settings, path.parent)


def run(path: Path, workers: int = 1):  # type: ignore[no-untyped-def]
    job, settings = planning.read_study(path)
    return job.run(settings, path.parent, Workers(workers))


def test_zones_are_the_feeders_and_what_they_share(small: Write) -> None:
    _, settings = planning.read_study(small())
    zones = prepare(settings, small().parent).plain.zones
    assert zones.names == ("a", "b", "sub")
    assert zones.customers.tolist() == [170, 260, 430]
    assert zones.above.tolist()[:2] == [2, 2]
    branch = dict(zip(zones.network.branches["element"], zones.branch_zone, strict=True))
    assert [branch[f"line.{x}"] for x in ("a1", "a2", "a3", "b1")] == [0, 0, 0, 1]
    assert branch["transformer.sub"] == 2


def test_heads_are_found_where_no_table_names_them(small: Write) -> None:
    path = small(STUDY.replace('feeders = "feeders.csv"\n', ""))
    _, settings = planning.read_study(path)
    assert prepare(settings, path.parent).plain.zones.names == ("a1", "b1", "sub")


def test_solar_as_negative_load_is_the_pv_system(small: Write) -> None:
    path = small()
    _, settings = planning.read_study(path)
    plain = prepare(settings, path.parent).plain
    ours = evaluate(plain.feeder, BASE, Scenario(load_scale=(0.8,), load_groups=(LoadGroup(("gs_sun_roof",), (0.6,)),)))
    theirs = evaluate(
        Feeder("published", path.parent / "master.dss"), BASE, Scenario(load_scale=(0.8,), generation_scale=(0.6,))
    )
    np.testing.assert_allclose(ours.flow.v_pu, theirs.flow.v_pu, atol=2e-6)


def test_what_is_shed_is_the_least_even_cut_by_bisection(small: Write) -> None:
    _, setup = ready(small())
    circuit = setup.circuit
    drivers, zones = circuit.drivers, circuit.zones
    state = np.zeros((zones.feeders, 4, 1))
    state[0, :3], state[1, :3] = 1.6, 0.5  # line a1 carries 160 % of its published load, nothing else is hot
    seen = simulate(circuit.phases, drivers, BASE, state[None], np.ones(1), "test")

    def worst(share: float) -> float:
        keep = np.ones((len(zones.load_kw), 1))
        keep[zones.load_zone == 0] = share
        done = evaluate(circuit.phases.feeder, BASE, drivers.scenario("x", state, keep), circuit.phases.limits)
        return float(np.nanmax(done.loading_pu[0, zones.branch_zone == 0]))

    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if worst(middle) <= 1 else (low, middle)
    published = zones.load_kw[(zones.load_zone == 0) & (zones.load_class != 3)].sum() * 1.6 / 1000
    assert seen.clean.all()
    assert worst(1.0) > 1.15
    assert seen.cut_mw[0, 0, 0] == pytest.approx((1 - low) * published, rel=0.02)
    assert seen.cut_mw[0, 0, 1:].tolist() == [0, 0]


def test_a_low_bus_is_cured_by_the_cut_of_its_feeder(small: Write) -> None:
    _, setup = ready(small(STUDY.replace("v_min_pu = 0.9", "v_min_pu = 0.98\nloading_max_pu = 9\n")))
    circuit = setup.circuit
    state = np.zeros((circuit.zones.feeders, 4, 1))
    state[0, :3], state[1, :3] = 1.5, 0.2
    seen = simulate(circuit.phases, circuit.drivers, BASE, state[None], np.ones(1), "test")
    assert seen.v_min_pu[0, 0, 0] < 0.98
    assert seen.cut_mw[0, 0, 0] > 0
    assert seen.clean.all()


def test_a_cut_below_counts_above(small: Write) -> None:
    # the side line is cut first; what it lets go is not cut again for line a1 or the transformer
    _, setup = ready(small())
    circuit = setup.circuit
    state = np.zeros((circuit.zones.feeders, 4, 1))
    state[0, :3], state[1, :3] = 1.9, 1.7
    seen = simulate(circuit.phases, circuit.drivers, BASE, state[None], np.ones(1), "test")
    assert seen.clean.all()
    load = circuit.drivers.load_mw(state)[:, 0].sum()
    rated = 5.0 * 0.97  # MW through the transformer at the power factor of the loads, roughly
    whole = seen.cut_mw[0, 0].sum()
    assert whole < load
    assert load - whole < rated * 1.02


def test_the_estimate_agrees_with_power_flows(small: Write) -> None:
    _, setup = ready(small())
    provider, packages, futures = setup.provider, setup.packages, setup.futures
    nothing = np.repeat(packages.empty[:, None], 3, axis=1)
    estimate = provider.outcomes(packages, futures).used(nothing)
    truth = provider.verify(packages, nothing, futures)
    assert truth.unserved.max() > 1
    np.testing.assert_allclose(estimate.unserved, truth.unserved, atol=0.03 * truth.unserved.max())


def test_a_new_conductor_ends_the_shedding_that_its_line_caused(small: Write) -> None:
    _, setup = ready(small())
    circuit = setup.circuit
    state = np.zeros((circuit.zones.feeders, 4, 1))
    state[0, :3], state[1, :3] = 1.2, 0.5
    changes = type(BASE)((Reconductor("a1", 300.0),), "a1")
    before, after = (
        simulate(circuit.phases, circuit.drivers, one, state[None], np.ones(1), "test").cut_mw[0, 0, 0]
        for one in (BASE, changes)
    )
    assert before > 0
    assert after == 0


def test_candidates_come_from_what_is_violated(small: Write) -> None:
    _, setup = ready(small())
    parts = setup.tables["parts"]
    wires = parts[parts["measure"].str.startswith("reconductor")]
    assert "line.a1" in set(wires["element"])
    assert "line.a3" not in set(wires["element"])  # never above its rating
    assert (setup.menu.cost_usd >= 0).all()
    assert all(shared not in m for f, m in zip(setup.menu.feeder, setup.menu.measure, strict=True) if f == "sub"
               for shared in ("reconductor", "ev_shift"))  # fmt: skip


def test_the_plan_is_the_best_of_all_plans_by_brute_force(small: Write) -> None:
    path = small(STUDY.replace("[menu]", '[menu]\nmeasures = ["reconductor", "battery_storage"]'))
    settings, setup = ready(path)
    found = upgrades_job.plan(settings, setup.provider, setup.menu, setup.packages, setup.futures)
    assert found.holds
    menu, p, years, money = setup.menu, setup.futures.probabilities, np.array([1, 2, 3]), settings.money
    assert 2 <= len(menu) <= 6
    best = np.inf
    for stages in itertools.product(range(-1, 3), repeat=len(menu)):
        stage = np.array(stages)
        built = [(menu.feeder[c], menu.group[c]) for c in np.flatnonzero(stage >= 0)]
        if len(set(built)) < len(built):
            continue
        total = 0.0
        for c in np.flatnonzero(stage >= 0):
            year = int(years[stage[c]])
            served = 3 - year + 1
            left = residual_value(menu.cost_usd[c], menu.life_years[c], served)
            total += float(present_value(menu.cost_usd[c], year, money.discount_rate))
            total -= float(present_value(left, 4, money.discount_rate))
        for y in range(3):
            chosen = setup.packages.number((stage >= 0) & (stage <= y))
            mwh = float(p @ found.outcomes.unserved[:, chosen, y].sum(axis=1))
            total += float(present_value(mwh * money.unserved_usd_per_mwh, y + 1, money.discount_rate))
        best = min(best, total)
    assert found.solution.total_usd == pytest.approx(best, rel=1e-9)
    assert solve(found.problem, risk(settings)).total_usd == pytest.approx(best, rel=1e-9)


def test_what_was_planned_was_solved(small: Write) -> None:
    settings, setup = ready(small())
    found = upgrades_job.plan(settings, setup.provider, setup.menu, setup.packages, setup.futures)
    chosen = found.solution.plan.packages(found.packages)
    fresh = ready(small())[1]
    again = fresh.provider.verify(fresh.packages, chosen, fresh.futures)
    np.testing.assert_array_equal(found.outcomes.used(chosen).unserved, again.unserved)


def test_the_result_does_not_depend_on_workers(small: Write) -> None:
    one, two = run(small(), 1), run(small(), 2)
    assert set(one.tables) == set(two.tables)
    for name in set(one.tables) - {"timing", "solver"}:
        assert one.tables[name].equals(two.tables[name]), name
    tables = one.tables
    assert one.headline["holds"].value == "yes"
    assert tables["timing"]["not_converged"].sum() == 0
    assert tables["timing"].query("phase == 'needs'")["power_flows"].item() > 0
    assert set(tables["left"]["scenarios"]) == {"in sample", "out of sample"}
    assert tables["needs"]["energy_above_rating_mwh"].max() > 0
    assert (tables["baseline"]["headroom_mw"] >= 0).all()
    assert (tables["pareto"]["saifi"].diff().dropna() <= 1e-9).all()


def test_outcomes_do_not_depend_on_the_order_of_scenarios(small: Write) -> None:
    _, setup = ready(small())
    order = np.arange(len(setup.futures))[::-1].copy()
    turned = setup.futures.rows(order, setup.futures.probabilities[order])
    nothing = np.repeat(setup.packages.empty[:, None], 3, axis=1)
    straight = setup.provider.verify(setup.packages, nothing, setup.futures)
    backward = setup.provider.verify(setup.packages, nothing, turned)
    np.testing.assert_array_equal(straight.unserved[order], backward.unserved)


def test_headroom_is_where_the_limit_binds(small: Write) -> None:
    _, setup = ready(small())
    row = setup.tables["baseline"].set_index("feeder").loc["a"]
    circuit = setup.circuit
    hour = int(circuit.drivers.load_mw(circuit.drivers.today())[0].argmax())
    for extra, broken in ((-0.01, False), (0.03, True)):
        state = circuit.drivers.today()[..., [hour]].copy()
        state[:, 3] = 0
        state[0, :3] *= row["rated_mw"] / row["peak_mw"] + extra
        done = evaluate(circuit.phases.feeder, BASE, circuit.drivers.scenario("x", state), circuit.phases.limits)
        assert bool(np.nanmax(done.loading_pu[0, circuit.zones.branch_zone == 0]) > 1) is broken
    assert (row["limited_by"], row["element"]) == ("overload", "line.a1")


FUTURES = "scenario,annual_load_growth,solar_share,ev_share,ev_kw_per_vehicle"
BAD = {
    "unknown head": ({"feeders": "feeder_id,head\na,line.zz\n"}, {}, "begins at line.zz, which the circuit has not"),
    "nested heads": ({"feeders": "feeder_id,head\na,line.a1\nc,line.a2\n"}, {}, "Feeder c lies beneath feeder a"),
    "twice": ({"feeders": "feeder_id,head\na,line.a1\na,line.b1\n"}, {}, "feeder a occurs twice"),
    "short profile": ({"profiles": PROFILES.rsplit("\n", 3)[0]}, {}, "rows where 24 are needed"),
    "gap": ({"profiles": PROFILES.replace("\n5,20,0.5", "\n5,20,nan")}, {}, "load_pu is 'nan'; it must be"),
    "measure": ({}, {"[menu]": '[menu]\nmeasures = ["warp"]'}, "measure 'warp' is not known; it must be one of"),
    "quantiles": ({}, {"sized_for = [0.9]": "sized_for = [1.5]"}, "should name quantiles between 0 and 1"),
    "limits": ({}, {"v_min_pu = 0.9": "v_min_pu = 1.1"}, "v_min_pu 1.1 is not below v_max_pu 1.05"),
    "no circuit": ({}, {'[feeder]\nmaster = "master.dss"': ""}, "'feeder.master' is missing"),
    "no profile": ({}, {'profiles = "profiles.csv"': ""}, "'tables.profiles' is missing"),
    "growth": ({}, {"probabilities = [0.6, 0.4]": "probabilities = [0.6]"}, "2 growth rates have 1 probabilities"),
    "no size": (
        {"catalogue": "measure,phases,size,size_unit,per,unit_cost_usd,o_and_m_usd_per_year,life_years\n"
         "reconductor,3,,A,km,1,0,40\n"}, {"[menu]": '[menu]\ncatalogue = "catalogue.csv"'}, "line 2: size is ''",
    ),
    "cost": (
        {"catalogue": "measure,phases,size,size_unit,per,unit_cost_usd,o_and_m_usd_per_year,life_years\n"
         "reconductor,3,300,A,km,-1,0,40\n"}, {"[menu]": '[menu]\ncatalogue = "catalogue.csv"'}, "usd is '-1'",
    ),
    "unknown in catalogue": (
        {"catalogue": "measure,phases,size,size_unit,per,unit_cost_usd,o_and_m_usd_per_year,life_years\n"
         "warp_drive,3,300,A,km,1,0,40\n"}, {"[menu]": '[menu]\ncatalogue = "catalogue.csv"'}, "warp_drive",
    ),
    "negative budget": ({}, {"[money]": "[money]\nbudget_usd_per_year = -1"}, "budgets must not be negative"),
    "probabilities": (
        {"futures": FUTURES + ",probability\n1,0.1,0,0,7,0.5\n"},
        {"[scenarios]": '[scenarios]\ntable = "futures.csv"'}, "add to 0.5; they must add to 1",
    ),
    "unknown feeder": (
        {"futures": FUTURES + ",feeder_id\n1,0.1,0,0,7,q\n"},
        {"[scenarios]": '[scenarios]\ntable = "futures.csv"'}, "feeder 'q' is not in the table of feeders",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told_before_anything_is_solved(small: Write, what: str) -> None:
    tables, edits, message = BAD[what]
    text = STUDY
    for old, new in edits.items():
        text = text.replace(old, new)
    path = small(text, **tables)
    with pytest.raises(InputError, match=message):
        checked(path)


def test_a_budget_too_small_for_the_requirement_names_the_least_that_works(small: Write) -> None:
    text = STUDY.replace("[menu]", '[menu]\nmeasures = ["reconductor"]')
    text = text.replace("years = [1, 2, 3]", "years = [1, 2, 3]\nmost_unserved = 1.0")
    with pytest.raises(InputError, match="least budget that works is"):
        run(small(text.replace("[money]", "[money]\nbudget_usd_per_year = 10")))


def test_a_requirement_that_no_budget_meets_is_told(small: Write) -> None:
    text = STUDY.replace("[menu]", '[menu]\nmeasures = ["ev_shift"]')
    text = text.replace("years = [1, 2, 3]", "years = [1, 2, 3]\nmost_unserved = 0.0")
    with pytest.raises(InputError, match="No plan meets the requirement, however large the budget"):
        run(small(text))


@pytest.mark.parametrize(("measures", "free"), [(["reconductor"], False), (["reconductor", "ev_shift"], True)])
def test_a_budget_that_buys_nothing_names_the_least_that_works(small: Write, measures: list[str], free: bool) -> None:
    text = STUDY.replace("[menu]", f"[menu]\nmeasures = {measures}")
    path = small(text.replace("[money]", "[money]\nbudget_usd_per_year = 1"))
    least = r"least budget that works is [1-9][\d,]+ USD, for reconductor"
    if not free:
        with pytest.raises(InputError, match=f"The budget of 1 USD in a year is too small for any plan: the {least}"):
            ready(path)
        return
    setup = ready(path)[1]
    assert (setup.menu.cost_usd == 0).any()
    (text,) = (one.text for one in setup.findings if "least budget" in one.text)
    assert re.search(f"too small for any measure with capital: the {least}", text)


@pytest.mark.parametrize(
    ("limits", "band"), [("v_min_pu = 1.02", "1.02 to 1.05"), ("v_min_pu = 0.9\nv_max_pu = 0.98", "0.9 to 0.98")]
)
def test_limits_that_the_source_breaks_are_refused(small: Write, limits: str, band: str) -> None:
    with pytest.raises(InputError, match=f"the source holds bus 'high' at 1.0000 pu, outside {band} pu"):
        checked(small(STUDY.replace("v_min_pu = 0.9", limits)))


def test_a_weak_source_that_cuts_of_load_relieve_is_not_refused(small: Write) -> None:
    path = small(STUDY.replace("v_min_pu = 0.9", "v_min_pu = 0.95"), CIRCUIT.replace("x1=0.0001", "x1=400"))
    assert checked(path) == checked(small())


def test_a_plan_that_leaves_limits_broken_after_all_cuts_does_not_hold(small: Write) -> None:
    # the transformer's tap holds all feeders at 0.94 pu and less, whatever load is cut
    study = STUDY.replace("v_min_pu = 0.9", "v_min_pu = 0.95").replace("[menu]", '[menu]\nmeasures = ["reconductor"]')
    result = run(small(study, CIRCUIT.replace("xhl=6", "xhl=6 taps=[1 0.94]")))
    assert result.headline["holds"].value == "no"
    assert result.violations_left == 1
    assert result.tables["findings"]["text"].str.contains("Some of them are the plan's, so it does not hold").any()


def test_a_study_without_need_builds_nothing(small: Write) -> None:
    free = "v_min_pu = 0.9\nloading_max_pu = 9\ntransformer_loading_max_pu = 9"
    result = run(small(STUDY.replace("v_min_pu = 0.9", free)))
    assert result.headline["measures"].value == 0
    assert result.headline["total_usd"].value == 0
    assert "No candidate was found" in " ".join(result.tables["findings"]["text"])
