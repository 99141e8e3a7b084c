"""Investment: every constraint group by a case that it binds, costs by hand, lives, and states forward in time."""

from dataclasses import replace

import numpy as np
import pytest

from gridstudio.planning.transition.case import Chain, Outlook
from gridstudio.planning.transition.factors import life_stages, portfolio
from gridstudio.planning.transition.graph import Model
from gridstudio.planning.transition.inputs import parameter_finding
from gridstudio.planning.transition.investment import investment_problem
from gridstudio.planning.transition.plans import Effort, investment_musd, make_plan, states_of
from gridstudio.planning.transition.plans import _run as run_program

LINE = (0, 1, 0.1, 60.0, False, True)


def horizon(stages: int) -> Chain:
    states = tuple((Outlook(f"s{stage}"),) for stage in range(stages))
    return Chain(states, tuple(np.ones(1) if stage == 0 else np.ones((1, 1)) for stage in range(stages)))


def most(case, factors, wanted, off=(), state=None):
    """Built amounts by label if as much as possible of ``wanted`` labels is built in the first stage, with weights."""
    items = portfolio(case, factors)
    problem = investment_problem(case, items, 0, Outlook("now"), off)
    count, first = len(items.state_item), 2 * len(items.state_item)
    cost = np.zeros(len(problem.cost))
    for label, worth in wanted.items():
        cost[first + items.labels.index(label)] = -worth
    lower, upper = problem.lower.copy(), problem.upper.copy()
    lower[:count] = upper[:count] = 0.0 if state is None else state
    found = run_program(replace(problem, cost=cost), lower, upper, Effort())
    assert found is not None
    return dict(zip(items.labels, found[1][first:], strict=True))


def test_the_connection_cap_holds_for_all_generation_of_a_bus(make_case) -> None:
    """1000 MW at the bus: plant and the wind of its zones together, in 100 MW."""
    case = make_case(zones=(0, 0), chain=horizon(2), wind_land_km2_per_mw=0.01)
    built = most(case, ("gas", "wind"), {"gas b0": 1.0, "wind z0": 1.1, "wind z1": 1.1})
    assert sum(built.values()) == pytest.approx(10.0)
    free = most(case, ("gas", "wind"), {"gas b0": 1.0, "wind z0": 1.1, "wind z1": 1.1}, off=("connection_cap",))
    assert sum(free.values()) == pytest.approx(30.0)


def test_sensors_and_devices_need_a_line(make_case) -> None:
    case = make_case(lines=(LINE,), buses=2, chain=horizon(2))
    worth = {"dtr l0": 1.0, "sssc l0": 1.0}
    assert most(case, ("dtr", "sssc"), worth) == pytest.approx({"dtr l0": 0, "sssc l0": 0})
    assert most(case, ("dtr", "sssc"), worth, off=("line_first",)) == pytest.approx({"dtr l0": 1, "sssc l0": 8})
    with_line = most(case, ("line", "dtr", "sssc"), worth)
    assert with_line == pytest.approx({"line l0": 1, "dtr l0": 1, "sssc l0": 8})


def test_land_limits_thermal_plant_at_a_bus(make_case) -> None:
    """100 km2 at 0.2 km2/MW: 500 MW."""
    case = make_case(chain=horizon(2), gas_land_km2_per_mw=0.2)
    assert most(case, ("gas",), {"gas b0": 1.0})["gas b0"] == pytest.approx(5.0)
    assert most(case, ("gas",), {"gas b0": 1.0}, off=("thermal_land",))["gas b0"] == pytest.approx(10.0)


def test_wind_and_sun_share_the_land_of_a_zone(make_case) -> None:
    """20 km2 at 0.05 and 0.02 km2/MW: 100 MW of wind leave 15 km2, that is 750 MW of sun."""
    case = make_case(zones=(0,), chain=horizon(2))
    built = most(case, ("solar", "wind"), {"solar z0": 1.0, "wind z0": 0.1}, off=("connection_cap",))
    assert built["wind z0"] * 5 + built["solar z0"] * 2 == pytest.approx(20.0)


def test_costs_are_capex_and_the_fixed_cost_of_what_is_left(make_case) -> None:
    """(67), (68): 100 MW of wind at 1194.7 USD/kW and 28.8 USD/kW a year, the two of three stages left, times 0.9."""
    case = make_case(zones=(0,), chain=horizon(3))
    items, cheaper = portfolio(case, ("wind",)), Outlook("cheaper", price={"wind": 0.9})
    assert items.costs_musd(0, cheaper)[0] == pytest.approx((119.47 + 2.88 * 5 * 2) * 0.9)
    assert items.costs_musd(1, Outlook("now"))[0] == pytest.approx(119.47 + 2.88 * 5)


def test_fixed_cost_of_later_stages_is_discounted_to_when_it_is_paid(make_case) -> None:
    """100 MW of gas now, at 5 % over three stages of five years: 224.52 + 5 x 6.01 x (1.05^-5 + 1.05^-10) = 266.5."""
    case = make_case(chain=horizon(3), discount_rate=0.05)
    items, now = portfolio(case, ("gas",)), Outlook("now")
    assert items.costs_musd(0, now)[0] == pytest.approx(224.52 + 5 * 6.01 * (1.05**-5 + 1.05**-10))
    assert items.costs_musd(0, now)[0] == pytest.approx(266.5, abs=0.05)
    assert items.costs_musd(1, now)[0] == pytest.approx(224.52 + 5 * 6.01 * 1.05**-5)


def test_without_a_rate_costs_are_those_before_to_the_bit(make_case) -> None:
    items = portfolio(make_case(chain=horizon(4)), ("gas",))
    gas = items.factor("gas")
    for stage in range(3):
        plain = gas.build_musd + gas.fom_musd_per_year * 5.0 * (3 - stage)
        assert items.costs_musd(stage, Outlook("now")).tolist() == plain.tolist()


def test_the_present_value_of_a_plan_counts_each_years_cost_once(make_case) -> None:
    """Built in the second of three stages: all of it, with the O&M of the third, as of the beginning of the second."""
    case = make_case(chain=horizon(3), discount_rate=0.05)
    model = Model(case, portfolio(case, ("gas",)), days=_any_days(case))
    plan = make_plan(model, {(0,): np.zeros(1), (0, 0): np.ones(1)})
    by_hand = 224.52 * 1.05**-5 + 5 * 6.01 * 1.05**-10
    assert investment_musd(model, plan).sum() == pytest.approx(by_hand)


def test_a_discount_rate_in_percent_is_refused() -> None:
    said = "discount_rate = 7; it is a share a year: write 0.07 for 7 %"
    assert parameter_finding("discount_rate", 7.0) == said
    assert parameter_finding("discount_rate", 0.07) is None


def test_fixed_cost_ends_with_a_life(make_case) -> None:
    case = make_case(zones=(0,), chain=horizon(5), wind_life_years=10)
    assert portfolio(case, ("wind",)).costs_musd(0, Outlook("now"))[0] == pytest.approx(119.47 + 2.88 * 5 * 2)


def test_nothing_is_built_in_the_last_stage(make_case) -> None:
    case = make_case(chain=horizon(2))
    items = portfolio(case, ("gas",))
    problem = investment_problem(case, items, 1, Outlook("end"))
    assert len(problem.cost) == len(items.state_item)
    assert all(state.outgoing is None for state in problem.states)


@pytest.mark.parametrize(("life", "years", "stages"), [(15, 5, 3), (14.9, 5, 2), (3, 5, 1), (10, 2.5, 4)])
def test_a_life_is_whole_stages(life: float, years: float, stages: int) -> None:
    assert life_stages(life, years) == stages


def test_what_outlives_the_horizon_has_one_state_and_only_grows(make_case) -> None:
    case = make_case(chain=horizon(4))
    items = portfolio(case, ("gas",))
    builds = np.array([[[1.0], [2.0], [0.5], [0.0]]])
    states = states_of(Model(case, items, days=_any_days(case)), builds)
    assert items.state_names == ("gas b0",)
    assert states[0].ravel() == pytest.approx([0, 1, 3, 3.5])


def test_what_wears_out_leaves_after_its_life(make_case) -> None:
    """A life of two stages of four: what is built in stage 1 serves in stages 2 and 3."""
    case = make_case(chain=horizon(4), gas_life_years=10)
    items = portfolio(case, ("gas",))
    builds = np.array([[[1.0], [2.0], [0.5], [0.0]]])
    states = states_of(Model(case, items, days=_any_days(case)), builds)
    assert items.state_names == ("gas b0 age 1", "gas b0 age 2")
    assert items.in_service(states)[0].ravel() == pytest.approx([0, 1, 3, 2.5])


def test_the_program_ages_as_states_do(make_case) -> None:
    """2 of age 1 and 3 of age 2 stand: the 3 leave, the 2 grow older, and 10 - 2 may be built."""
    case = make_case(chain=horizon(4), gas_life_years=10)
    built = most(case, ("gas",), {"gas b0": 1.0}, state=np.array([2.0, 3.0]))
    assert built["gas b0"] == pytest.approx(8.0)


def test_pieces_are_whole(make_case) -> None:
    case = make_case(lines=((0, 1, 0.1, 60.0, True, True),), buses=2, chain=horizon(2))
    items = portfolio(case, ("gas", "line", "sssc", "battery", "ccs"))
    problem = investment_problem(case, items, 0, Outlook("now"))
    assert {state.name for state in problem.states if not state.integer} == {"gas b0", "gas b1"}
    assert problem.integer is not None
    assert problem.integer.sum() == len(items.labels) - 2


def test_a_factor_without_a_place_is_not_there(make_case) -> None:
    case = make_case(units=((0, "hydro", 10.0),), chain=horizon(2))
    assert portfolio(case, ("ccs", "line", "wind")).labels == ()


def _any_days(case):
    from gridstudio.planning.transition.sketch import sketched_days

    return sketched_days(case, 1, 0)
