"""Networks grown from the published case, chains between its outlooks, and the table of measured sizes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridstudio.errors import InputError
from gridstudio.planning import transition
from gridstudio.planning.transition import summary
from gridstudio.planning.transition.factors import portfolio
from gridstudio.planning.transition.graph import Model, policy_graph
from gridstudio.planning.transition.growth import _work, grown, interpolated_chain
from gridstudio.planning.transition.inputs import read_case
from gridstudio.planning.transition.settings import Size
from gridstudio.planning.transition.sketch import sketched_days
from gridstudio.solve.dcflow import DCNetwork, spanning_tree

STUDIES = Path(__file__).resolve().parents[3] / "studies"
TABLES = {name: f"data/aeso6_{name}.csv" for name in ("buses", "branches", "units", "parameters")}


def settings(**growth):
    data = {"job": "transition", "tables": TABLES, "cases": {"A": ["gas", "h2"], "B": ["gas", "wind"]}}
    return transition.Settings.validated(data | {"growth": growth}, "study.toml")


@pytest.fixture(scope="module")
def published():
    return read_case(settings(), STUDIES)


@pytest.mark.parametrize(("buses", "branches"), [(6, 8), (24, 36), (144, 217)])
def test_a_grown_network_keeps_load_and_fleet_and_is_connected(published, buses: int, branches: int) -> None:
    made = grown(published, Size(buses=buses, branches=branches), 1)
    assert (len(made.buses), len(made.branches)) == (buses, branches)
    assert made.buses.average_load_mw.sum() == pytest.approx(published.buses.average_load_mw.sum())
    assert made.buses.max_new_mw.sum() == pytest.approx(published.buses.max_new_mw.sum())
    assert made.units.capacity_mw.sum() == pytest.approx(published.units.capacity_mw.sum())
    lines = made.branches
    network = DCNetwork(buses, lines.from_bus, lines.to_bus, lines.reactance_pu)
    assert len(spanning_tree(network).roots) == 1
    assert len({(int(a), int(b)) for a, b in zip(lines.from_bus, lines.to_bus, strict=True)}) == branches


def test_units_stay_in_their_region(published) -> None:
    made = grown(published, Size(buses=24, branches=36), 1)
    assert (made.units.bus % 6).tolist() == published.units.bus.tolist()


def test_the_same_seed_grows_the_same_network(published) -> None:
    size = Size(buses=24, branches=36)
    one, two, other = (grown(published, size, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.buses.latitude, two.buses.latitude)
    assert not np.array_equal(one.buses.latitude, other.buses.latitude)


def test_interpolation_gives_the_given_outlooks_back(published) -> None:
    made = interpolated_chain(published.chain, 5.0, 3, 3, 5.0)
    for mine, given in zip(made.stages[1:], published.chain.stages[1:], strict=True):
        assert [o.load for o in mine] == pytest.approx([o.load for o in given])
        assert [o.price["wind"] for o in mine] == pytest.approx([o.price["wind"] for o in given])
        assert [o.co2_mt_per_year for o in mine] == pytest.approx([o.co2_mt_per_year for o in given])


def test_interpolation_lies_between_stages_and_states(published) -> None:
    """Half way from today (1) to stage 2 (1.1 to 1.2, middle 1.15): 1.05, 1.0625, 1.075, ..., 1.1; then held."""
    made = interpolated_chain(published.chain, 5.0, 8, 5, 2.5)
    assert [o.load for o in made.stages[1]] == pytest.approx([1.05, 1.0625, 1.075, 1.0875, 1.1])
    assert [o.load for o in made.stages[7]] == pytest.approx([1.2, 1.25, 1.3, 1.35, 1.4])
    assert made.stages[1][0].co2_mt_per_year == pytest.approx((45 + 18) / 2)


def test_sizes_are_measured() -> None:
    sizes = [{"zones": 4}, {"zones": 4, "stages": 5, "states": 2, "days": 2, "case": "A"}]
    result = transition.run(settings(case="B", iterations=3, sizes=sizes), STUDIES)
    table = result.tables["growth"]
    assert table["case"].tolist() == ["B", "A"]
    assert table["nodes"].tolist() == [1 + 3 + 3, 1 + 4 * 2]
    assert table["subproblems"].tolist() == [7 * 2, 9 * 3]
    assert table["scenarios"].tolist() == [(3 * 1) ** 2, (2 * 2) ** 4]
    assert (table["iterations"] == 3).all()
    expected = table["seconds_per_iteration"] * table["full_iterations"] * table["full_days"] / table["days"] / 3600
    assert table["full_hours"].to_numpy() == pytest.approx(expected.to_numpy())
    assert table["full_workers"].tolist() == [3 * 4, 2 * 4]
    assert table["full_hours_at_least"].to_numpy() == pytest.approx(expected.to_numpy() / [12, 8])  # one worker here
    for column in table.columns:
        assert column in (transition.__doc__ or "")
    assert "cases" not in result.tables


@pytest.mark.parametrize(("convention", "of_a_node"), [("day", 1 + 2), ("year", 1 + 1)])
def test_subproblems_are_those_that_are_solved(published, convention: str, of_a_node: int) -> None:
    """Four nodes, two days: by "year" a node has one part, with all days."""
    size = Size(zones=3, days=2, stages=2)
    case = grown(published, size, 1)
    model = Model(case, portfolio(case, ("gas",)), sketched_days(case, 2, 1), convention)
    assert _work(policy_graph(model), size)["subproblems"] == 4 * of_a_node


def test_a_size_has_iterations_to_measure_even_if_its_time_is_over() -> None:
    """The first starts cold: two further ones are the least."""
    table = transition.run(settings(case="A", iterations=9, seconds=1e-6, sizes=[{"zones": 4}]), STUDIES).tables
    assert table["growth"]["iterations"].tolist() == [3]
    assert table["growth"]["reason"].tolist() == ["1e-06 s are over"]


def test_a_quick_run_measures_small_sizes() -> None:
    given = settings(case="B", sizes=[{"buses": 144, "branches": 217}, {"buses": 6}])
    assert [size.buses for size in given.quick().growth.sizes] == [6]


@pytest.mark.parametrize(
    ("growth", "message"),
    [
        ({"case": "Z", "sizes": [{}]}, "growth.case: there is no case 'Z'"),
        ({"case": "A", "sizes": [{"buses": 1}]}, "growth.sizes.0.buses"),
    ],
)
def test_wrong_sizes_are_told(growth, message: str) -> None:
    with pytest.raises(InputError, match=message):
        settings(**growth)


def test_the_cases_of_sizes_are_named() -> None:
    table = pd.DataFrame(
        [("B", 6, 10, 5, 0.1, 1.0), ("F", 9, 20, 5, 0.2, 2.0)],
        columns=["case", "buses", "day_rows", "subproblems", "seconds_per_iteration", "full_hours"],
    )
    assert summary.growth_headline(table)["largest_buses"].label == "Buses of the largest size (case F)"
    study = settings(case="A", sizes=[{}, {"case": "B"}])
    text = summary.growth_assumptions(study).set_index("topic")["text"]["Training"]
    assert "the factors of the case of each size (A, B)" in text


def test_too_many_paths_are_told() -> None:
    data = {"job": "transition", "tables": TABLES, "cases": {"A": ["gas"]}, "chain": {"stages": 10}}
    with pytest.raises(InputError, match=r"10 stages of 3 states make 19683 paths.*at most 2000"):
        transition.Settings.validated(data, "study.toml")
