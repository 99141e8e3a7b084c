"""Every constraint group of operation by a limiting case; by hand, or against another formulation of the same thing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from gridstudio.planning.transition.case import HOURS, Outlook
from gridstudio.planning.transition.factors import BASE_MW, portfolio
from gridstudio.planning.transition.operation import operation
from gridstudio.planning.transition.plans import Effort, dispatched

TIGHT = Effort(gap=1e-6)
GAS = 8.5 * 3.0 + 4.0 + 0.451 * 59  # USD/MWh: heat rate x fuel, variable O&M, CO2
WAVE = 50 + 40 * np.sin(np.arange(HOURS) / HOURS * 2 * np.pi)


def settle(case, days, factors=(), service=None, outlook=None, off=(), exact=True, chosen=(0,)):
    """Cost in thousand USD a day and sums of columns in MWh, with amounts in service by item label (100 MW, pieces)."""
    items = portfolio(case, factors)
    state = np.zeros(len(items.state_item))
    for label, amount in (service or {}).items():
        state[items.state_names.index(label)] = amount
    program = operation(case, items, outlook or Outlook("now"), days, list(chosen), off, exact)
    cost, columns, _ = dispatched(program, state, TIGHT)
    return cost, {name.split(": ")[-1]: columns[block] * BASE_MW for name, block in program.columns.items()}


def test_one_bus_costs_its_energy_times_the_running_cost(make_case, make_days) -> None:
    case = make_case()
    cost, columns = settle(case, make_days(case, 50.0))
    assert cost == pytest.approx(24 * 50 * GAS / 1e3)
    assert columns["existing_power"].sum() == pytest.approx(1200)


def test_fuel_of_an_outlook_multiplies_fuel_alone(make_case, make_days) -> None:
    case = make_case()
    dear, _ = settle(case, make_days(case, 50.0), outlook=Outlook("dear", fuel=2.0))
    assert dear == pytest.approx(24 * 50 * (GAS + 8.5 * 3.0) / 1e3)


def test_load_of_an_outlook_multiplies_all_load(make_case, make_days) -> None:
    case = make_case()
    cost, _ = settle(case, make_days(case, 50.0), outlook=Outlook("more", load=1.5))
    assert cost == pytest.approx(24 * 75 * GAS / 1e3)


def test_what_nothing_serves_is_shed_at_the_value_of_lost_load(make_case, make_days) -> None:
    case = make_case()
    cost, columns = settle(case, make_days(case, 130.0))
    assert columns["shed_power"].sum() == pytest.approx(24 * 30)
    assert cost == pytest.approx((24 * 100 * GAS + 24 * 30 * 5000) / 1e3)


def test_shedding_beyond_its_limit_is_a_slack(make_case, make_days) -> None:
    case = make_case(shedding_limit_share=0.1)
    _, columns = settle(case, make_days(case, 130.0))
    assert columns["shed_power"].sum() == pytest.approx(24 * 13)
    assert columns["shed_beyond_limit"].sum() == pytest.approx(24 * 17)
    _, columns = settle(case, make_days(case, 130.0), off=("shedding_limit",))
    assert columns["shed_power"].sum() == pytest.approx(24 * 30)


def test_a_co2_target_of_zero_leaves_clean_plant_alone(make_case, make_days) -> None:
    """Gas would be cheaper; hydrogen serves all at 9.717 x 15 + 6.44 USD/MWh."""
    case = make_case()
    outlook = Outlook("clean", co2_mt_per_year=0.0)
    cost, columns = settle(case, make_days(case, 50.0), ("h2",), {"h2 b0": 1.0}, outlook)
    assert columns["existing_power"].sum() == pytest.approx(0, abs=1e-6)
    assert cost == pytest.approx(24 * 50 * (9.717 * 15 + 6.44) / 1e3)
    free, _ = settle(case, make_days(case, 50.0), ("h2",), {"h2 b0": 1.0}, outlook, off=("co2",))
    assert free == pytest.approx(24 * 50 * GAS / 1e3)


def test_a_co2_target_counts_for_each_day_as_a_365th(make_case, make_days) -> None:
    """0.451 t/MWh: 365 x 600 MWh of gas a year are what 98 769 t allow."""
    case = make_case()
    outlook = Outlook("half", co2_mt_per_year=0.451 * 365 * 600 / 1e6)
    _, columns = settle(case, make_days(case, 50.0), ("h2",), {"h2 b0": 1.0}, outlook)
    assert columns["existing_power"].sum() == pytest.approx(600)


def test_days_of_one_program_share_the_target_of_a_year(make_case, make_days) -> None:
    """Two days of the same weight: what the easy day spares the other may use."""
    case = make_case()
    days = make_days(case, np.array([20.0, 80.0]).reshape(2, 1, 1), weights=(0.5, 0.5))
    outlook = Outlook("some", co2_mt_per_year=0.451 * 365 * 1000 / 1e6)
    year, _ = settle(case, days, ("h2",), {"h2 b0": 1.0}, outlook, chosen=(0, 1))
    each = [settle(case, days, ("h2",), {"h2 b0": 1.0}, outlook, chosen=(day,))[0] for day in (0, 1)]
    h2 = 9.717 * 15 + 6.44
    assert year == pytest.approx((1000 * GAS + 200 * h2) / 1e3)
    assert np.mean(each) == pytest.approx((0.5 * (480 + 1000) * GAS + 0.5 * 920 * h2) / 1e3)


def test_a_unit_minimum_forces_a_surplus(make_case, make_days) -> None:
    case = make_case(smr_minimum_share=0.4)
    _, columns = settle(case, make_days(case, 50.0), ("smr",), {"smr b0": 2.0})
    assert columns["smr_power"].sum() == pytest.approx(24 * 80)
    assert columns["surplus_power"].sum() == pytest.approx(24 * 30)
    _, columns = settle(case, make_days(case, 50.0), ("smr",), {"smr b0": 2.0}, off=("unit_minimum",))
    assert columns["smr_power"].sum() == pytest.approx(24 * 50)


def test_new_plant_gives_its_share_of_what_is_in_service(make_case, make_days) -> None:
    case = make_case(units=(), gas_maximum_share=0.9)
    _, columns = settle(case, make_days(case, 50.0), ("gas",), {"gas b0": 0.3})
    assert columns["gas_power"].sum() == pytest.approx(24 * 27)


def test_ramps_hold_existing_units_back_and_a_huge_ramp_does_not(make_case, make_days) -> None:
    """Load jumps from 10 to 90 MW at noon: at 5 MW/h up or down, the shed energy is that of the missing ramp."""
    case = make_case()
    slow = replace(case, units=replace(case.units, ramp_mw_per_h=np.array([5.0])))
    load = np.where(np.arange(HOURS) < 12, 10.0, 90.0)[:, None]
    free, _ = settle(case, make_days(case, load))
    held, columns = settle(slow, make_days(slow, load))
    assert columns["shed_power"].sum() == pytest.approx(sum(max(0, 80 - 5 * hour) for hour in range(1, 13)))
    assert np.abs(np.diff(columns["existing_power"].ravel())).max() <= 5 + 1e-6
    assert held > free
    assert settle(slow, make_days(slow, load), off=("ramps",))[0] == pytest.approx(free)


def test_ramps_hold_new_plant_back(make_case, make_days) -> None:
    case = make_case(units=(), smr_minimum_share=0.0, smr_ramp_share_per_h=0.05)
    load = np.where(np.arange(HOURS) < 12, 10.0, 90.0)[:, None]
    _, columns = settle(case, make_days(case, load), ("smr",), {"smr b0": 1.0})
    assert np.abs(np.diff(columns["smr_power"].ravel())).max() == pytest.approx(5.0)
    _, columns = settle(case, make_days(case, load), ("smr",), {"smr b0": 1.0}, off=("ramps",))
    assert columns["shed_power"].sum() == pytest.approx(0, abs=1e-6)


def test_a_retrofitted_unit_runs_with_capture_only(make_case, make_days) -> None:
    case = make_case(units=((0, "coal", 100.0),))
    _, before = settle(case, make_days(case, 95.0), ("ccs",))
    _, after = settle(case, make_days(case, 95.0), ("ccs",), {"ccs 0": 1.0})
    assert (before["existing_power"].sum(), before["captured_power"].sum()) == pytest.approx((24 * 95, 0))
    assert (after["existing_power"].sum(), after["captured_power"].sum()) == pytest.approx((0, 24 * 80), abs=1e-6)


def test_without_a_retrofit_the_factor_changes_nothing(make_case, make_days) -> None:
    case = make_case(units=((0, "coal", 60.0), (0, "gas", 60.0)))
    days = make_days(case, WAVE[:, None])
    assert settle(case, days, ("ccs",))[0] == pytest.approx(settle(case, days)[0])


def test_curtailment_is_what_is_left_of_wind(make_case, make_days) -> None:
    """80 MW of wind on 50 MW of load: 30 MW curtailed at 5 USD/MWh."""
    case = make_case(zones=(0,))
    cost, columns = settle(case, make_days(case, 50.0, wind=0.8), ("wind",), {"wind z0": 1.0})
    assert columns["curtailed_power"].sum() == pytest.approx(24 * 30)
    assert cost == pytest.approx(24 * 30 * 5 / 1e3)


def test_curtailment_beyond_its_limit_is_a_surplus(make_case, make_days) -> None:
    case = make_case(zones=(0,), curtailment_limit_share=0.25)
    _, columns = settle(case, make_days(case, 50.0, wind=0.8), ("wind",), {"wind z0": 1.0})
    assert columns["curtailed_power"].sum() == pytest.approx(24 * 20)
    assert columns["surplus_power"].sum() == pytest.approx(24 * 10)


def test_existing_wind_follows_the_zones_of_its_bus(make_case, make_days) -> None:
    case = make_case(units=((0, "wind", 40.0), (0, "gas", 100.0)), zones=(0, 0))
    profile = np.stack([np.full(HOURS, 0.2), np.full(HOURS, 0.6)], axis=1)
    _, columns = settle(case, make_days(case, 50.0, wind=profile))
    assert columns["renewable_power"].sum() == pytest.approx(24 * 16)


def test_climate_multiplies_wind_up_to_its_capacity(make_case, make_days) -> None:
    case = make_case(zones=(0,))
    days = make_days(case, 200.0, wind=0.8)
    _, columns = settle(case, days, ("wind",), {"wind z0": 1.0}, Outlook("windy", wind=1.5))
    assert columns["renewable_power"].sum() == pytest.approx(24 * 100)


# Storage


def noon(case, make_days):
    """40 MW of load, and sun for 12 hours that gives twice of it."""
    sun = np.where((np.arange(HOURS) >= 6) & (np.arange(HOURS) < 18), 0.8, 0.0)[:, None]
    return make_days(case, 40.0, solar=sun)


@pytest.mark.parametrize("name", ["battery", "pumped_hydro"])
def test_storage_that_is_not_built_changes_nothing(make_case, make_days, name: str) -> None:
    case = make_case(zones=(0,))
    days = noon(case, make_days)
    without = settle(case, days, ("solar",), {"solar z0": 1.0})[0]
    assert settle(case, days, ("solar", name), {"solar z0": 1.0})[0] == pytest.approx(without)


def test_a_battery_moves_what_its_energy_and_losses_allow(make_case, make_days) -> None:
    """100 MWh from empty to full: it gives 100 x 0.9 MWh, and takes 100 / 0.8; curtailing costs nothing here."""
    case = make_case(
        zones=(0,), curtailment_usd_per_mwh=0, battery_power_mw=30, battery_energy_mwh=100,
        battery_stored_min_share=0.0,
                     battery_charge_efficiency=0.8, battery_discharge_efficiency=0.9)  # fmt: skip
    service = {"solar z0": 1.0, "battery b0": 1.0}
    _, columns = settle(case, noon(case, make_days), ("solar", "battery"), service, off=("degradation",))
    assert columns["battery_discharge"].sum() == pytest.approx(90)
    assert columns["battery_charge"].sum() == pytest.approx(125)
    assert columns["battery_stored"].max() == pytest.approx(100)


def test_battery_modes_stop_burning_energy(make_case, make_days) -> None:
    """Where curtailment is dear, charging and discharging at once burns energy; modes forbid it."""
    case = make_case(zones=(0,), curtailment_usd_per_mwh=100, battery_vom_usd_per_mwh=0, battery_power_mw=60)
    days = make_days(case, 40.0, solar=0.8)
    service, factors = {"solar z0": 1.0, "battery b0": 1.0}, ("solar", "battery")
    exact = settle(case, days, factors, service, off=("degradation",))
    relaxed = settle(case, days, factors, service, off=("degradation",), exact=False)
    free = settle(case, days, factors, service, off=("degradation", "battery_modes"))
    both = np.minimum(exact[1]["battery_charge"], exact[1]["battery_discharge"])
    assert both.max() == pytest.approx(0, abs=1e-6)
    assert free[0] < relaxed[0] < exact[0]


def test_a_battery_that_may_not_fade_stays_full(make_case, make_days) -> None:
    case = make_case(zones=(0,), battery_end_of_life_share=1.0)
    service, factors = {"solar z0": 1.0, "battery b0": 1.0}, ("solar", "battery")
    cost, columns = settle(case, noon(case, make_days), factors, service)
    assert columns["battery_stored"].min() == pytest.approx(1200)
    assert cost == pytest.approx(settle(case, noon(case, make_days), ("solar",), {"solar z0": 1.0})[0])


def test_fade_of_a_day_keeps_to_what_the_life_allows(make_case, make_days) -> None:
    """Two lines over the depth of discharge (29), summed and held against (1 - end of life) / (365 x life) (30)."""
    case = make_case(zones=(0,), battery_shelf_fade_ppm_per_day=5, battery_power_mw=40, battery_energy_mwh=160,
                     battery_stored_min_share=0.0, battery_life_years=35)  # fmt: skip
    service, factors = {"solar z0": 1.0, "battery b0": 1.0}, ("solar", "battery")
    _, columns = settle(case, noon(case, make_days), factors, service)
    depth = 1 - columns["battery_stored"].ravel() / 160
    fade = np.maximum(2.0 * depth, 5.0 * depth - 1.5).sum()
    allowed = (1 - 0.7) * 1e6 / (365 * 35) - 5
    assert fade == pytest.approx(allowed, rel=1e-6)


def test_pumped_hydro_gives_back_what_its_two_conversions_leave(make_case, make_days) -> None:
    """Water pumped equals water turbined: energy out is turbine / pump times energy in."""
    case = make_case(zones=(0,), pumped_hydro_power_mw=20)
    service, factors = {"solar z0": 1.0, "pumped_hydro b0": 1.0}, ("solar", "pumped_hydro")
    _, columns = settle(case, noon(case, make_days), factors, service)
    pumped, given = columns["pump_power"].sum(), columns["turbine_power"].sum()
    assert pumped == pytest.approx(12 * 20)
    assert given == pytest.approx(pumped * 1226 / 1514)


def test_reservoirs_bound_pumped_hydro(make_case, make_days) -> None:
    """0.05 million m3 of room in the upper reservoir: a pump of 1514 MWh per million m3 takes 75.7 MWh."""
    case = make_case(zones=(0,), pumped_hydro_upper_max_million_m3=1.25, pumped_hydro_upper_min_million_m3=1.2)
    service, factors = {"solar z0": 1.0, "pumped_hydro b0": 1.0}, ("solar", "pumped_hydro")
    _, columns = settle(case, noon(case, make_days), factors, service)
    volume = columns["upper_volume"] / BASE_MW
    assert volume.max() == pytest.approx(1.25)
    assert volume.min() == pytest.approx(1.2)
    other = replace(case, parameters=case.parameters.changed(pumped_hydro_upper_max_million_m3=2.4,
                                                             pumped_hydro_lower_min_million_m3=1.15))  # fmt: skip
    _, columns = settle(other, noon(other, make_days), factors, service)
    assert columns["lower_volume"].min() / BASE_MW == pytest.approx(1.15)


def test_inflow_is_energy_for_nothing(make_case, make_days) -> None:
    case = make_case(pumped_hydro_inflow_million_m3_per_h=0.01, pumped_hydro_vom_usd_per_mwh=0)
    _, columns = settle(case, make_days(case, 50.0), ("pumped_hydro",), {"pumped_hydro b0": 1.0})
    assert columns["turbine_power"].sum() == pytest.approx(0.24 * 1226)
    _, columns = settle(
        case, make_days(case, 50.0), ("pumped_hydro",), {"pumped_hydro b0": 1.0}, Outlook("dry", inflow=0.5)
    )
    assert columns["turbine_power"].sum() == pytest.approx(0.12 * 1226)


# Network

RING = ((0, 1, 0.1, 60.0, True, False), (1, 2, 0.1, 60.0, True, False), (0, 2, 0.2, 30.0, True, False))


def ring(make_case, lines=RING, **numbers):
    """All plant at bus 0, all load at bus 2."""
    return make_case(units=((0, "gas", 200.0),), lines=lines, buses=3, **numbers)


def ends(case, make_days, load=100.0, **more):
    return make_days(case, [0.0, 0.0, load], **more)


def test_a_line_carries_no_more_than_its_rating(make_case, make_days) -> None:
    case = make_case(lines=((0, 1, 0.1, 60.0, True, False),), buses=2)
    days = make_days(case, [0.0, 80.0])
    assert settle(case, days)[1]["shed_power"].sum() == pytest.approx(24 * 20)
    assert settle(case, days, off=("line_rating",))[1]["shed_power"].sum() == pytest.approx(0, abs=1e-6)


def test_kirchhoff_limits_a_ring_by_its_weakest_line(make_case, make_days) -> None:
    """Half of the flow takes the line of 30 MW, so 60 MW arrive; as a transport problem 90."""
    case = ring(make_case)
    assert settle(case, ends(case, make_days))[1]["shed_power"].sum() == pytest.approx(24 * 40)
    assert settle(case, ends(case, make_days), off=("kirchhoff",))[1]["shed_power"].sum() == pytest.approx(24 * 10)


def test_the_angle_limit_is_a_limit_of_flow(make_case, make_days) -> None:
    """1 degree over 0.1 per unit on 100 MVA: 100 x 0.01745 / 0.1 = 17.45 MW."""
    case = make_case(lines=((0, 1, 0.1, 60.0, True, False),), buses=2, angle_limit_degrees=1.0)
    days = make_days(case, [0.0, 50.0])
    assert settle(case, days)[1]["flow"].sum() == pytest.approx(24 * 100 * np.radians(1.0) / 0.1)
    assert settle(case, days, off=("angle_limit",))[1]["shed_power"].sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_flows_without_angles_cost_what_flows_with_angles_do(make_case, make_days, seed: int) -> None:
    """A second method: the least shedding of a random network as a program in angles, flow = difference / reactance."""
    rng = np.random.default_rng(seed)
    pairs = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 2), (1, 4), (0, 4)]
    lines = tuple((a, b, float(rng.uniform(0.05, 0.3)), float(rng.uniform(10, 60)), True, False) for a, b in pairs)
    case = make_case(units=((0, "gas", 120.0), (3, "gas", 40.0)), lines=lines, buses=5, angle_limit_degrees=4.0)
    load = rng.uniform(0, 60, 5)
    shed = settle(case, make_days(case, load))[1]["shed_power"].sum() / 24
    assert shed == pytest.approx(_least_shedding_with_angles(case, load), rel=1e-6, abs=1e-6)


def _least_shedding_with_angles(case, load) -> float:
    buses, lines = len(load), case.branches
    reference = int(np.argmax(case.buses.max_load_mw))
    limit = np.radians(case.parameters["angle_limit_degrees"])
    generation = np.zeros(buses)
    np.add.at(generation, case.units.bus, case.units.capacity_mw)
    admittance = 100 / lines.reactance_pu  # columns: angles, generation, shedding
    differences = np.zeros((len(lines), buses))
    differences[np.arange(len(lines)), lines.from_bus] = admittance
    differences[np.arange(len(lines)), lines.to_bus] = -admittance
    out = np.zeros((buses, len(lines)))
    out[lines.from_bus, np.arange(len(lines))], out[lines.to_bus, np.arange(len(lines))] = 1, -1
    balance = np.hstack([-out @ differences, np.eye(buses), np.eye(buses)])
    rating = np.hstack([differences, np.zeros((len(lines), 2 * buses))])
    bounds = [(0.0, 0.0) if bus == reference else (-limit, limit) for bus in range(buses)]
    bounds += [(0.0, g) for g in generation] + [(0.0, demand) for demand in load]
    found = linprog(
        np.concatenate([np.zeros(2 * buses), np.ones(buses)]),
        np.vstack([rating, -rating]),
        np.concatenate([lines.rating_mw, lines.rating_mw]),
        balance,
        load,
        bounds,
    )
    return float(found.fun)


NEW = ((0, 1, 0.1, 60.0, True, False), (1, 2, 0.1, 60.0, True, False), (0, 2, 0.2, 30.0, False, True))


def test_a_line_that_is_built_is_one_that_stands(make_case, make_days) -> None:
    built, stands = ring(make_case, NEW), ring(make_case)
    cost, _ = settle(built, ends(built, make_days), ("line",), {"line l2": 1.0})
    assert cost == pytest.approx(settle(stands, ends(stands, make_days))[0])


def test_a_line_that_is_not_built_is_none(make_case, make_days) -> None:
    case, without = ring(make_case, NEW), ring(make_case, NEW[:2])
    cost, columns = settle(case, ends(case, make_days), ("line",))
    assert np.abs(columns["new_line_flow"]).max() == pytest.approx(0, abs=1e-6)
    assert cost == pytest.approx(settle(without, ends(without, make_days))[0])


def test_a_second_circuit_shares_with_the_first(make_case, make_days) -> None:
    case = make_case(lines=((0, 1, 0.1, 30.0, True, True),), buses=2)
    _, columns = settle(case, make_days(case, [0.0, 50.0]), ("line",), {"line l0": 1.0})
    assert columns["flow"].ravel() == pytest.approx(np.full(24, 25.0))
    assert columns["new_line_flow"].ravel() == pytest.approx(np.full(24, 25.0))


def test_a_line_may_join_an_island(make_case, make_days) -> None:
    case = make_case(lines=((0, 1, 0.1, 30.0, False, True),), buses=2)
    days = make_days(case, [0.0, 50.0])
    assert settle(case, days, ("line",))[1]["shed_power"].sum() == pytest.approx(24 * 50)
    assert settle(case, days, ("line",), {"line l0": 1.0})[1]["shed_power"].sum() == pytest.approx(24 * 20)


@pytest.mark.parametrize(("sensor", "served"), [(0.0, 30.0), (1.0, 45.0)])
def test_a_sensor_gives_a_line_its_dynamic_rating(make_case, make_days, sensor: float, served: float) -> None:
    case = make_case(lines=((0, 1, 0.1, 30.0, True, False),), buses=2)
    days = make_days(case, [0.0, 80.0], rating=1.5)
    _, columns = settle(case, days, ("dtr",), {"dtr l0": sensor})
    assert columns["flow"].sum() == pytest.approx(24 * served)


def test_a_sensor_may_find_less_than_the_static_rating(make_case, make_days) -> None:
    case = make_case(lines=((0, 1, 0.1, 30.0, True, False),), buses=2)
    days = make_days(case, [0.0, 80.0], rating=0.8)
    assert settle(case, days, ("dtr",), {"dtr l0": 1.0})[1]["flow"].sum() == pytest.approx(24 * 24)


@pytest.mark.parametrize(
    ("line", "sensor", "rating", "flow"), [(1, 1, 1.5, 45), (1, 0, 1.5, 30), (0, 0, 1.5, 0), (1, 1, 0.8, 24)]
)
def test_line_and_sensor_together_have_the_dynamic_rating(
    make_case, make_days, line: float, sensor: float, rating: float, flow: float
) -> None:
    case = make_case(lines=((0, 1, 0.1, 30.0, False, True),), buses=2)
    days = make_days(case, [0.0, 80.0], rating=rating)
    _, columns = settle(case, days, ("line", "dtr"), {"line l0": line, "dtr l0": sensor})
    assert columns["new_line_flow"].sum() == pytest.approx(24 * flow, abs=1e-5)


def test_devices_that_are_not_built_change_nothing(make_case, make_days) -> None:
    case = ring(make_case)
    days = ends(case, make_days)
    assert settle(case, days, ("sssc",))[0] == pytest.approx(settle(case, days)[0])


def test_strong_devices_make_the_network_a_transport_problem(make_case, make_days) -> None:
    case = ring(make_case, sssc_voltage_pu=1.0, sssc_cut_in_share=0.0)
    days = ends(case, make_days)
    cost, _ = settle(case, days, ("sssc",), {"sssc l0": 8.0, "sssc l2": 8.0})
    assert cost == pytest.approx(settle(case, days, off=("kirchhoff",))[0])


def test_a_device_moves_flow_by_its_voltage_over_the_loop(make_case, make_days) -> None:
    """0.01 per unit in a loop of reactance 0.4 on 100 MVA moves 2.5 MW from the weak line away: 65 MW arrive."""
    case = ring(make_case, sssc_voltage_pu=0.01, sssc_cut_in_share=0.0)
    _, columns = settle(case, ends(case, make_days), ("sssc",), {"sssc l0": 1.0})
    assert columns["flow"][0, 0] - columns["flow"][0, 2] == pytest.approx(5.0)
    assert columns["shed_power"].sum() == pytest.approx(24 * 35)


def test_a_device_rests_below_its_cut_in(make_case, make_days) -> None:
    """Line 0 carries at most 32.5 MW: with a cut-in of 40 MW its device never works, relaxed or left out it does."""
    case = ring(make_case, sssc_voltage_pu=0.01, sssc_cut_in_share=40 / 60)
    days, service = ends(case, make_days), {"sssc l0": 1.0}
    resting, _ = settle(case, days, ("sssc",), service)
    assert resting == pytest.approx(settle(case, days)[0])
    assert settle(case, days, ("sssc",), service, exact=False)[0] < resting
    assert settle(case, days, ("sssc",), service, off=("sssc_cut_in",))[0] < resting
    low = replace(case, parameters=case.parameters.changed(sssc_cut_in_share=0.1))
    assert settle(low, days, ("sssc",), service)[0] == pytest.approx(
        settle(case, days, ("sssc",), service, exact=False)[0]
    )
