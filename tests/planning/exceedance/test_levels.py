"""Hours by level: small arrays counted by hand, and the sums that the other tables give."""

import numpy as np
import pandas as pd

from gridstudio.planning.exceedance.levels import LOADING_PU, VOLTAGE_PU, count_levels, levels_table

LOADING = np.array([[0.5, 1.0], [1.01, 0.2], [np.nan, 9.0]])  # (hour, branch)
LOWEST = np.array([[0.94], [0.951], [0.97]])
HIGHEST = np.array([[1.04], [1.06], [np.inf]])
BRANCHES = pd.DataFrame({"element": ["line.a", "line.b"], "hours_over": [1, 1], "loading_max_pu": [1.01, 9.0]})
BUSES = pd.DataFrame({"bus": ["x"], "hours_low": [1], "hours_high": [1], "v_min_pu": [0.94], "v_max_pu": [1.06]})


def told(table, quantity, element, level):
    rows = table[(table["quantity"] == quantity) & (table["element"] == element)]
    return int(rows.loc[np.isclose(rows["level_pu"], level), "hours"].iloc[0])


def made():
    return levels_table(count_levels(LOADING, LOWEST, HIGHEST), BRANCHES, BUSES)


def test_hours_at_or_above_a_loading():
    table = made()
    assert told(table, "loading_pu", "line.a", 0.0) == 2  # the hour without a value counts nowhere
    assert told(table, "loading_pu", "line.a", 1.0) == 1
    assert told(table, "loading_pu", "line.b", 1.0) == 2
    assert told(table, "loading_pu", "line.b", 3.0) == 1  # beyond the last level


def test_hours_below_and_above_a_voltage():
    table = made()
    assert told(table, "v_min_pu", "x", 0.95) == 1
    assert told(table, "v_min_pu", "x", 0.9525) == 2
    assert told(table, "v_max_pu", "x", 1.05) == 1
    assert told(table, "v_max_pu", "x", 1.04) == 2


def test_the_worst_comes_first_and_levels_are_all_there():
    table = made()
    assert list(dict.fromkeys(table["element"])) == ["line.b", "line.a", "x"]
    assert (table.groupby(["quantity", "element"]).size().loc["loading_pu"] == len(LOADING_PU)).all()
    assert table.groupby("quantity").size()["v_min_pu"] == len(VOLTAGE_PU)


def test_parts_of_a_year_add_up_to_the_year():
    whole = count_levels(LOADING, LOWEST, HIGHEST)
    parts = count_levels(LOADING[:1], LOWEST[:1], HIGHEST[:1]) + count_levels(LOADING[1:], LOWEST[1:], HIGHEST[1:])
    for name in ("loading", "lowest", "highest"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name))


def test_nothing_rated_gives_no_levels():
    none = pd.DataFrame({"element": ["line.a"], "hours_over": [0], "loading_max_pu": [np.nan]})
    table = levels_table(count_levels(np.full((3, 1), np.nan), LOWEST, HIGHEST), none, BUSES)
    assert set(table["quantity"]) == {"v_min_pu", "v_max_pu"}
