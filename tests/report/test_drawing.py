"""Layout, labels, colours and numbers of the drawings."""

import numpy as np
import pandas as pd
import pytest

from gridstudio.report import arrange, labels, style, webmap
from gridstudio.report.diagram import draw, state
from gridstudio.result import Quantity


def of(result, coordinates=True):
    return draw(result.tables["network_buses"], result.tables["network_branches"])


def test_given_coordinates_are_kept_and_a_missing_one_lies_near_its_neighbour(make_result):
    diagram = of(make_result())
    assert not diagram.computed
    assert diagram.xy[:3].tolist() == [[0, 0], [1, 0], [2, 0]]
    assert 0 < np.hypot(*(diagram.xy[11] - diagram.xy[10])) < 0.5
    assert diagram.sources == [0]


def test_computed_layout_is_a_tree_that_grows_with_distance(make_result):
    result = make_result(coordinates=False)
    diagram = of(result)
    assert diagram.computed
    assert len(np.unique(diagram.xy.round(9), axis=0)) == len(diagram.xy)  # no bus on another
    distance = result.tables["network_buses"]["distance_km"].to_numpy()
    assert np.abs(diagram.xy[:, 0] - distance).max() < 0.1
    assert [len(path) for path in diagram.paths] == [3 if on else 2 for on in diagram.branches["closed"]]
    assert (of(result).xy == diagram.xy).all()


def test_layout_does_without_distances_and_with_islands(make_result):
    result = make_result(coordinates=False)
    buses = result.tables["network_buses"].assign(distance_km=np.nan)
    branches = result.tables["network_branches"].query("name != 'l4'")
    diagram = draw(buses, branches)
    assert np.isfinite(diagram.xy).all()
    assert len(np.unique(diagram.xy.round(9), axis=0)) == len(diagram.xy)


def test_layout_of_a_long_feeder_needs_no_recursion():
    count = 3000
    buses = pd.DataFrame(
        {"bus": [str(i) for i in range(count)], "x": np.nan, "y": np.nan, "distance_km": np.arange(count) / 10}
    )
    branches = pd.DataFrame(
        {"name": [f"l{i}" for i in range(count - 1)], "kind": "line", "conductor": "a", "closed": True}
    )
    branches = branches.assign(bus1=buses["bus"][:-1].to_numpy(), bus2=buses["bus"][1:].to_numpy())
    assert np.ptp(draw(buses, branches).xy[:, 1]) == 0  # one straight line


def test_a_line_replaced_twice_shows_its_last_conductor(make_result):
    result = make_result()
    diagram = of(result)
    plan = result.tables["interventions"].query("scenario == 'high'").iloc[::-1]
    row = diagram.row_of_line()["l2"]
    states = [state(diagram, plan, year) for year in range(4)]
    assert [now.conductor[row] for now in states] == ["small", "middle", "middle", "large"]
    assert [bool(now.replaced[row]) for now in states] == [False, True, True, True]
    assert [bool(now.new[row]) for now in states] == [False, True, False, True]


def test_labels_do_not_overlap_and_stay_inside():
    rng = np.random.default_rng(7)
    anchors = rng.uniform(100, 500, (40, 2))
    sizes = np.tile([60.0, 16.0], (40, 1))
    bounds = (0.0, 600.0, 0.0, 600.0)
    nothing = labels.Clutter.of(np.empty((0, 2)), np.empty(0), bounds)
    centres = labels.place(anchors, sizes, nothing)
    shown = centres[~np.isnan(centres).any(axis=1)]
    assert len(shown) >= 38
    gap = np.abs(shown[:, None] - shown[None]) - [60, 16]
    overlapping = (gap < 0).all(axis=2) & ~np.eye(len(shown), dtype=bool)
    assert not overlapping.any()
    assert (np.abs(shown - 300) <= [270, 292]).all()


def test_labels_keep_clear_of_what_is_drawn():
    bounds = (0.0, 400.0, 0.0, 400.0)
    line = np.stack([np.linspace(0, 400, 200), np.full(200, 200.0)], axis=1)
    clutter = labels.Clutter.of(line, np.full(200, 5.0), bounds)
    (centre,) = labels.place(np.array([[200.0, 200.0]]), np.array([[80.0, 20.0]]), clutter)
    assert abs(centre[1] - 200) > 10


def test_labels_without_room_are_left_out():
    bounds = (0.0, 50.0, 0.0, 20.0)
    nothing = labels.Clutter.of(np.empty((0, 2)), np.empty(0), bounds)
    centres = labels.place(np.full((3, 2), 10.0), np.full((3, 2), [30.0, 15.0]), nothing)
    assert np.isnan(centres).any(axis=1).sum() >= 2


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("count", [2, 5, 12, 20])
def test_conductors_grow_darker_in_the_catalogue_order(count):
    names = [f"c{i}" for i in range(count)]
    colours = style.conductor_colours(names, [*reversed(names), ""])
    assert list(colours) == names
    light = [luminance(colour) for colour in colours.values()]
    assert light == sorted(set(light), reverse=True)


def test_colours_of_few_conductors_are_spread_over_the_whole_scale():
    assert list(style.conductor_colours(["a", "b", "c"], ["a", "c"]).values()) == [
        style.SEQUENCE[0],
        style.SEQUENCE[-1],
    ]


def test_loading_classes_change_colour_at_the_limit():
    bands = style.loading_bands(0.66)
    assert [band.over for band in bands] == [False, False, False, True, True, True]
    assert bands[style.band_of(0.66, bands)].label == "50\u201366 %"
    assert bands[style.band_of(0.6601, bands)].over
    assert style.band_of(float("nan"), bands) == -1


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity("", 66506.32, "USD"), "USD\u00a066\u202f506"),
        (Quantity("", 8602), "8\u202f602"),
        (Quantity("", 0.0147, "pu"), "0.0147\u202fpu"),
        (Quantity("", 12.345, "s"), "12.3\u202fs"),
        (Quantity("", "13 of 14"), "13 of 14"),
        (Quantity("", float("nan"), "USD"), "USD\u00a0\u2013"),
    ],
)
def test_headline_numbers_as_text(quantity, text):
    assert style.quantity(quantity) == text


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("cost_usd", 1234.56, "1\u202f235"), ("v_min_pu", 0.93, "0.9300"), ("p_new", 0.004, "0.4\u202f%"),
        ("probability", 1.0, "100\u202f%"), ("year", 3, "3"), ("value", 1.05, "1.050"), ("agrees", True, "yes"),
        ("to", None, "\u2013"), ("year", pd.NA, "\u2013"), ("regret_usd", -0.2, "0"), ("regret_usd", -12.0, "\u221212"),
    ],
)  # fmt: skip
def test_cells_as_text(column, value, text):
    assert style.cell(column, value) == text


def test_headings_carry_units():
    names = ["cost_usd", "length_m", "cost_cvar_usd", "p_conductor_changed", "v_min_after_pu", "from", "seconds"]
    assert [style.heading(name) for name in names] == [
        "cost [USD]", "length [m]", "cost CVaR [USD]", "P(conductor changed)", "V min after [pu]", "from",
        "seconds [s]",
    ]  # fmt: skip


def test_distribution_by_hand():
    shape = arrange.distribution(np.array([100.0, 200.0, 200.0, 400.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert shape.weight.sum() == pytest.approx(1.0)
    assert shape.cost_usd.tolist() == [100, 200, 400]
    assert shape.above == pytest.approx([1.0, 0.9, 0.4])  # P(cost >= 100), P(cost >= 200), P(cost >= 400)
    assert np.diff(shape.edges) == pytest.approx(20.0)


def test_distribution_of_one_cost_is_one_bin():
    shape = arrange.distribution(np.array([500.0]), np.array([1.0]))
    assert shape.weight.max() == 1.0
    assert shape.edges[0] <= 500 < shape.edges[-1]


def test_spending_and_decisions_weigh_scenarios_by_probability(make_result):
    tables = make_result().tables
    order = ["tiny", "small", "middle", "large"]
    spent = arrange.spending(tables["interventions"], tables["scenarios"], 3, order)
    # year 1: l1 middle 20 000 (p 0.75); high: l1 large 36 000 and l2 middle 20 000 (p 0.25)
    assert spent.conductors == ["small", "middle", "large"]
    assert spent.expected_usd[:, 0] == pytest.approx([0, 0.75 * 20000 + 0.25 * 20000, 0.25 * 36000])
    assert spent.low_usd.tolist() == [20000, 0, 0]
    assert spent.high_usd.tolist() == [56000, 20000, 42000]
    found = arrange.decisions(tables["decisions"], tables["interventions"], tables["scenarios"], order)
    assert found.options[:2] == [(1, "middle"), (1, "large")]
    assert found.p[found.lines.index("l1")][:2] == pytest.approx([0.75, 0.25])


def test_causes_that_differ_in_a_number_are_one():
    rows = [
        ("s1", "overvoltage", "9", 1.06, "brings it to 1.02 pu"),
        ("s2", "overvoltage", "8", 1.07, "brings it to 1.03 pu"),
    ]
    table = pd.DataFrame(rows, columns=["scenario", "kind", "element", "value", "cause"]).assign(limit=1.05, unit="pu")
    found = arrange.causes(table)
    assert found[["violations", "scenarios", "elements", "worst"]].values.tolist() == [
        [2, 2, "9, 8", "1.07 pu (limit 1.05)"]
    ]
    assert arrange.causes(table.drop(columns="cause"))["violations"].tolist() == [2]


def test_large_studies_keep_fewer_years_on_the_page():
    assert webmap.years_kept(1000, 3, 5) == [1, 2, 3, 4, 5]
    assert webmap.years_kept(15_000, 3, 5) == [1, 5]
    assert webmap.years_kept(60_000, 3, 5) == [5]
