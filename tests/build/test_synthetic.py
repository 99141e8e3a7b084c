"""The synthetic utility: the same seed gives the same bytes, and what comes out is a utility that could run."""

import dataclasses
import hashlib

import numpy as np
import pandas as pd
import pytest

from gridstudio.build.synthetic import SyntheticSettings, tables, write
from gridstudio.build.synthetic.profiles import clear_sky_w_per_m2, sun_height
from gridstudio.errors import InputError

SQRT3 = np.sqrt(3)
SIZES = {
    "default": {},
    "one feeder": {"feeders": 1, "zones": 0},
    "two feeders": {"feeders": 2, "seed": 5},
    "three feeders": {"feeders": 3, "seed": 6},
    "odd": {"feeders": 5, "seed": 9},
    "two substations": {"substations": 2, "feeders": 2, "seed": 3},
    "five substations": {"substations": 5, "feeders": 4, "seed": 4, "years": 1},
    "small": {"buses_per_feeder": 40, "customers_per_feeder": 60, "seed": 2},
    "large and heavy": {"feeders": 8, "feeder_peak_mw": 6.5, "buses_per_feeder": 300, "seed": 8},
}


@pytest.fixture(scope="module")
def made():
    """Tables by the name of their size, made once."""
    kept = {}

    def make(name):
        if name not in kept:
            kept[name] = tables(SyntheticSettings(**SIZES[name]))
        return kept[name]

    return make


@pytest.fixture(scope="module")
def utility(made):
    return made("default")


each_size = pytest.mark.parametrize("size", SIZES)
tied_size = pytest.mark.parametrize("size", [name for name in SIZES if name != "one feeder"])


def closed(found):
    return found["network_edges"].query("status == 'closed'")


def downstream(found, values):
    """Sum of ``values`` (by node) at and below each node, by walking from every node up to the substation."""
    parent = closed(found).set_index("to_node_id")["from_node_id"].to_dict()
    total = dict.fromkeys([*parent, *found["substations"]["substation_id"]], 0.0)
    for node, value in values.items():
        while node is not None:
            total[node] += value
            node = parent.get(node)
    return total


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


# Sameness ----------------------------------------------------------------------------------------------------------


def test_same_seed_gives_same_bytes(tmp_path):
    for name in ("a", "b"):
        write(tables(SyntheticSettings(seed=7)), tmp_path / name)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_other_seed_gives_another_network(utility):
    other = tables(SyntheticSettings(seed=2))
    for name in ("network_nodes", "customers", "outage_history", "weather_data"):
        assert not utility[name].equals(other[name]), name


def test_longer_history_leaves_the_network_as_it_was(utility):
    longer = tables(SyntheticSettings(years=6))
    for name in ("network_nodes", "network_edges", "switches", "customers"):
        pd.testing.assert_frame_equal(longer[name], utility[name])


# Topology ----------------------------------------------------------------------------------------------------------


@each_size
def test_every_node_is_reached_from_its_substation_by_one_way_only(made, size):
    found = made(size)
    nodes, edges = found["network_nodes"], closed(found)
    assert edges["to_node_id"].is_unique  # one way in ...
    assert set(edges["to_node_id"]) == set(nodes.query("node_type != 'substation_bus'")["node_id"])
    station = nodes.set_index("node_id")["substation_id"].to_dict()
    parent = edges.set_index("to_node_id")["from_node_id"].to_dict()
    for node in parent:
        top, steps = node, 0
        while top in parent:
            top, steps = parent[top], steps + 1
            assert steps <= len(parent)  # ... and no ring without a substation
        assert top == station[node]


@each_size
def test_identifiers_are_unique_and_edges_join_known_nodes(made, size):
    found = made(size)
    keys = {"network_nodes": "node_id", "network_edges": "edge_id", "switches": "switch_id"}
    keys |= {"transformers": "transformer_id", "customers": "customer_id", "outage_history": "outage_id"}
    keys |= {"solar_installations": "solar_id", "battery_installations": "battery_id", "ev_chargers": "charger_id"}
    for name, key in keys.items():
        assert found[name][key].is_unique, name
    known = set(found["network_nodes"]["node_id"])
    assert set(found["network_edges"]["from_node_id"]) | set(found["network_edges"]["to_node_id"]) <= known
    assert set(found["transformers"]["transformer_id"]) <= known


@tied_size
def test_every_feeder_has_two_ties_to_other_feeders(made, size):
    found = made(size)
    feeder = closed(found).set_index("to_node_id")["feeder_id"]
    ties = found["network_edges"].query("status == 'open'")
    ends = pd.DataFrame({"a": ties["from_node_id"].map(feeder), "b": ties["to_node_id"].map(feeder)})
    assert (ends["a"] != ends["b"]).all()
    assert (pd.concat([ends["a"], ends["b"]]).value_counts().reindex(found["feeders"]["feeder_id"]) >= 2).all()


def test_a_single_feeder_has_no_tie(made):
    assert (made("one feeder")["network_edges"]["status"] == "closed").all()


def test_the_default_utility_has_500_to_1000_buses_even_with_secondary_sides(utility):
    nodes, transformers = len(utility["network_nodes"]), len(utility["transformers"])
    assert nodes >= 500
    assert nodes + transformers <= 1020


@pytest.mark.parametrize("buses", [40, 100, 237])
def test_feeders_have_the_number_of_buses_asked_for(buses):
    nodes = tables(SyntheticSettings(feeders=1, buses_per_feeder=buses, zones=0))["network_nodes"]
    assert len(nodes) == buses + 1  # and the substation


@each_size
def test_lines_neither_overlap_nor_cross(made, size):
    found = made(size)
    nodes = found["network_nodes"].set_index("node_id")
    edges = found["network_edges"].query("edge_type != 'bus_tie'")
    a, b = (nodes.loc[edges[end], ["longitude", "latitude"]].to_numpy() for end in ("from_node_id", "to_node_id"))
    for i in range(len(a)):
        others = np.arange(len(a)) != i
        assert not crossing(a[i], b[i], a[others], b[others]).any(), edges.iloc[i]
        assert not overlapping(a[i], b[i], a[others], b[others]).any(), edges.iloc[i]


def overlapping(p, q, a, b):
    """Whether p-q and a-b, all of them east-west or north-south, share more than a point (1e-6 degrees: rounding)."""
    low, high = np.maximum(np.minimum(p, q), np.minimum(a, b)), np.minimum(np.maximum(p, q), np.maximum(a, b))
    shared = high - low
    flat = np.abs(q - p) < 2e-6
    along, across = (1, 0) if flat[0] else (0, 1)
    parallel = np.abs(b - a)[:, across] < 2e-6
    return flat.any() & parallel & (np.abs(shared[:, across]) < 2e-6) & (shared[:, along] > 2e-6)


def crossing(p, q, a, b):
    """Whether segment p-q crosses the segments a-b between their ends (orientation test)."""

    def turn(u, v, w):
        return (v[..., 0] - u[..., 0]) * (w[..., 1] - u[..., 1]) - (v[..., 1] - u[..., 1]) * (w[..., 0] - u[..., 0])

    first, second = turn(p, q, a) * turn(p, q, b), turn(a, b, p) * turn(a, b, q)
    return (first < -1e-24) & (second < -1e-24)


# Devices -----------------------------------------------------------------------------------------------------------


@each_size
def test_switches_name_an_edge_by_both_its_nodes(made, size):
    found = made(size)
    edges = found["network_edges"].set_index("edge_id").loc[found["switches"]["edge_id"]]
    assert list(edges["from_node_id"]) == list(found["switches"]["bus1"])
    assert list(edges["to_node_id"]) == list(found["switches"]["bus2"])
    assert list(edges["status"] == "open") == list(found["switches"]["normally_open"])
    assert (edges["length_ft"] < 60).all()


@each_size
def test_mains_have_three_to_five_sections(made, size):
    found = made(size)
    nodes = found["network_nodes"].set_index("node_id")["node_type"]
    edges = closed(found).set_index("to_node_id")
    switches = found["switches"].set_index("bus2")["switch_type"]
    for tail in nodes.index[nodes == "feeder_endpoint"]:
        devices, node = [], tail
        while node in edges.index:
            devices += [switches[node]] if node in switches.index else []
            node = edges.loc[node, "from_node_id"]
        assert devices[-1] == "breaker"
        assert 3 <= len(devices) <= 5
        assert "recloser" in devices


def test_some_devices_are_worked_by_hand_and_protection_is_not_among_them(utility):
    by_type = utility["switches"].groupby("switch_type")["scada_controlled"]
    assert by_type.all()[["breaker", "recloser", "sectionalizer"]].all()
    assert not by_type.any()["fuse"]
    ties = utility["switches"].query("normally_open")["scada_controlled"]
    assert ties.any()
    assert not ties.all()


# Customers ---------------------------------------------------------------------------------------------------------


@each_size
def test_every_customer_has_a_transformer_and_every_transformer_customers_or_a_plant(made, size):
    found = made(size)
    with_customers, all_of_them = (
        set(found["customers"]["transformer_id"]),
        set(found["transformers"]["transformer_id"]),
    )
    assert with_customers <= all_of_them
    assert all_of_them - with_customers == set(found["der_zones"]["node_id"])


@each_size
def test_feeders_count_the_customers_and_their_peak(made, size):
    found = made(size)
    by_feeder = found["customers"].groupby("feeder_id")
    feeders = found["feeders"].set_index("feeder_id")
    assert by_feeder.size().to_dict() == feeders["num_customers"].to_dict()
    np.testing.assert_allclose(by_feeder["peak_kw"].sum() / 1000, feeders["peak_load_mw"], atol=6e-4)


def test_classes_are_mixed_as_in_a_town(utility):
    share = utility["customers"]["customer_type"].value_counts(normalize=True)
    assert 0.84 <= share["residential"] <= 0.88
    assert 0.115 <= share["commercial"] <= 0.125
    assert 0.008 <= share["industrial"] <= 0.03


@each_size
def test_phases_balance_within_a_tenth(made, size):
    found = made(size)
    phase = found["transformers"].set_index("transformer_id")["phase"]
    customers = found["customers"].assign(phase=found["customers"]["transformer_id"].map(phase))
    load = customers.pivot_table(index="feeder_id", columns="phase", values="peak_kw", aggfunc="sum").fillna(0.0)
    phases = load[["A", "B", "C"]].add(load["ABC"] / 3, axis=0)
    assert (phases.div(phases.mean(axis=1), axis=0) - 1).abs().max().max() < 0.1


@each_size
def test_one_phase_laterals_keep_their_phase_down_to_the_transformers(made, size):
    found = made(size)
    edges = closed(found).set_index("to_node_id")
    above = edges["from_node_id"].map(edges["phase"])
    for phase, upper in zip(edges["phase"], above.fillna("ABC"), strict=True):
        assert phase == upper or upper == "ABC"
    transformers = found["transformers"].set_index("transformer_id")["phase"]
    assert all(set(transformers[i]) <= set(edges.loc[i, "phase"]) for i in transformers.index)
    assert (edges["num_phases"] == edges["phase"].str.len()).all()


def test_service_transformers_carry_their_customers(utility):
    rated = utility["transformers"].set_index("transformer_id")["kva_rating"]
    load_kva = utility["customers"].groupby("transformer_id")["peak_kw"].sum() / 0.97
    assert (load_kva <= rated.reindex(load_kva.index)).all()


# Engineering -------------------------------------------------------------------------------------------------------


@each_size
def test_substations_carry_their_peak_at_60_to_75_percent(made, size):
    stations = made(size)["substations"]
    loading = stations["peak_load_mva"] / stations["rated_capacity_mva"]
    assert loading.between(0.595, 0.75).all()


@each_size
def test_lines_carry_the_peak_with_the_heads_at_most_two_thirds_loaded(made, size):
    found = made(size)
    below_kw = downstream(found, found["customers"].groupby("transformer_id")["peak_kw"].sum())
    edges = closed(found)
    kva = edges["to_node_id"].map(below_kw) / 0.97
    amps = kva / np.where(edges["num_phases"] == 3, SQRT3 * 12.47, 12.47 / SQRT3)
    loading = amps / edges["rated_amps"]
    assert loading.max() <= 0.66
    assert loading[edges["edge_type"] == "bus_tie"].max() >= 0.4


@each_size
def test_voltage_holds_at_peak(made, size):
    """Second method: linear drop along each path, P r + Q x over nominal voltage; one phase with its return."""
    found = made(size)
    edges = closed(found).set_index("to_node_id")
    below_kw = downstream(found, found["customers"].groupby("transformer_id")["peak_kw"].sum())
    load_kw = pd.Series(below_kw)[edges.index]
    one = (edges["num_phases"] == 1).to_numpy()
    r, r0 = edges["impedance_r_ohm_per_mile"], edges["impedance_r0_ohm_per_mile"]
    x, x0 = edges["impedance_x_ohm_per_mile"], edges["impedance_x0_ohm_per_mile"]
    ohm = np.where(one, (2 * r + r0) / 3, r) + np.tan(np.arccos(0.97)) * np.where(one, (2 * x + x0) / 3, x)
    drop = load_kw * ohm * edges["length_miles"] / (np.where(one, 12.47**2 / 3, 12.47**2) * 1000)
    above = edges["from_node_id"].to_dict()
    v = {}
    for node in edges.index:  # parents come first
        v[node] = v.get(above[node], 1.03) - drop[node]
    assert 0.965 <= min(v.values()) <= 1.02  # room for 1.5 % and more in the service transformers


def test_a_whole_neighbour_is_too_much_at_peak_but_half_of_it_is_not(utility):
    feeders = utility["feeders"].set_index("feeder_id")
    rated, peak = feeders["rated_capacity_mw"], feeders["peak_load_mw"]
    assert (2 * peak.min() > 0.95 * rated).all()
    assert (1.5 * peak.max() < 0.95 * rated).all()


def test_line_data_is_that_of_the_conductor(utility):
    """477 ACSR on a 4.3 ft spacing: 0.216 ohm/mile and 0.12134 ln(GMD/GMR) = 0.606 ohm/mile (GMD by hand from 2.5,
    4.5 and 7 ft, GMR 0.0290 ft); ratings at 40 C are about 19 % below those at 25 C (659 A)."""
    main = utility["network_edges"].query("conductor_type == '477 ACSR'").iloc[0]
    gmd_ft, gmr_ft = (2.5 * 4.5 * 7.0) ** (1 / 3), 0.0290
    assert main["impedance_r_ohm_per_mile"] == pytest.approx(0.13422 * 1.609344, abs=5e-4)
    assert main["impedance_x_ohm_per_mile"] == pytest.approx(0.12134 * np.log(gmd_ft / gmr_ft), abs=2e-3)
    assert main["impedance_z0_ohm_per_mile"] == pytest.approx(
        np.hypot(main["impedance_r0_ohm_per_mile"], main["impedance_x0_ohm_per_mile"]), abs=2e-4
    )
    assert main["rated_amps"] == pytest.approx(0.81 * 659, rel=0.01)


# Resources ---------------------------------------------------------------------------------------------------------


def test_owners_are_marked_at_the_customers(utility):
    customers = utility["customers"]
    for column, name in (
        ("has_solar", "solar_installations"),
        ("has_battery", "battery_installations"),
        ("has_ev", "ev_chargers"),
    ):
        owners = set(utility[name]["customer_id"]) - {""}
        assert owners == set(customers.loc[customers[column] == 1, "customer_id"])
        assert len(owners) > 20
    assert set(customers["has_solar"]) == {0, 1}


@pytest.mark.parametrize("size", ["default", "odd", "large and heavy", "small"])
def test_opening_the_boundary_cuts_a_zone_out_and_nothing_else(made, size):
    found = made(size)
    zones, switches = found["der_zones"], found["switches"].set_index("switch_id")
    assert len(zones) == 3
    for zone in zones.itertuples():
        border = set(switches.loc[zone.boundary_switches.split(";"), "edge_id"])
        edges = found["network_edges"]
        edges = edges[~edges["edge_id"].isin(border)]  # all others closed, ties too
        links = pd.concat(
            [
                edges[["from_node_id", "to_node_id"]],
                edges[["to_node_id", "from_node_id"]].set_axis(["from_node_id", "to_node_id"], axis=1),
            ]
        )
        near = links.groupby("from_node_id")["to_node_id"].agg(list).to_dict()
        island, front = {zone.node_id}, [zone.node_id]
        while front:
            front = [node for at in front for node in near.get(at, []) if node not in island]
            island |= set(front)
        assert not any(node.startswith("SUB") for node in island)
        customers = found["customers"][found["customers"]["transformer_id"].isin(island)]
        assert customers["peak_kw"].sum() == pytest.approx(zone.peak_load_kw, abs=0.1)
        assert len(customers)


def test_one_zone_needs_more_than_its_storage_gives_in_the_evening(utility):
    zones = utility["der_zones"]
    assert list(zones["evening_load_kw"] > zones["storage_kw"]) == [False, True, False]
    assert (zones["inverter_kva"] >= zones["storage_kw"]).all()
    assert (zones["storage_kwh"] / zones["evening_load_kw"]).between(3.9, 4.1).all()


def test_zone_plants_are_among_the_installations(utility):
    for table, column, of_zone in (
        ("solar_installations", "capacity_kw", "pv_kw"),
        ("battery_installations", "capacity_kwh", "storage_kwh"),
    ):
        plants = utility[table].query("customer_id == ''").set_index("transformer_id")[column]
        assert plants.to_dict() == utility["der_zones"].set_index("node_id")[of_zone].to_dict()


# Profiles and years ------------------------------------------------------------------------------------------------


def test_load_profiles_reach_their_peak_and_stay_below(utility):
    profiles = utility["load_profiles"].set_index("hour")
    assert list(profiles.index) == list(range(24))
    assert (profiles[["residential", "commercial", "industrial"]].max() == 1.0).all()
    assert ((profiles >= 0) & (profiles <= 1)).all().all()
    assert profiles.loc[[0, 23], "solar"].max() == 0


def test_sun_stands_as_high_as_astronomy_says():
    """At 40 N the half hours beside noon on 21 June: sin(40) sin(23.45) + cos(40) cos(23.45) cos(7.5 deg) = 0.952."""
    assert sun_height(172)[12] == pytest.approx(0.952, abs=1e-3)
    assert sun_height(172)[11] == pytest.approx(sun_height(172)[12])
    assert clear_sky_w_per_m2(172)[12] == pytest.approx(1098 * 0.952 * np.exp(-0.057 / 0.952), rel=2e-3)
    assert (clear_sky_w_per_m2(355) == 0).sum() > (clear_sky_w_per_m2(172) == 0).sum()


def test_weather_has_one_row_for_every_day(utility):
    days = pd.to_datetime(utility["weather_data"]["timestamp"])
    assert list(days) == list(pd.date_range("2020-01-01", "2024-12-31"))
    assert utility["weather_data"].groupby("is_storm")["wind_speed"].mean().diff().iloc[-1] > 20


@each_size
def test_durations_are_the_times_between_fault_and_restoration(made, size):
    outages, crews = made(size)["outage_history"], made(size)["crew_dispatch"]
    start, end = pd.to_datetime(outages["fault_detected"]), pd.to_datetime(outages["service_restored"])
    hours = (end - start).dt.total_seconds() / 3600
    np.testing.assert_allclose(outages["duration_hours"], hours, atol=0.005001)
    assert (hours > 0).all()
    assert start.is_monotonic_increasing
    assert list(crews["outage_id"]) == list(outages["outage_id"])
    sent, there = pd.to_datetime(crews["dispatch_time"]), pd.to_datetime(crews["arrival_time"])
    assert ((start < sent) & (sent < there) & (there < end)).all()
    assert 15 <= ((there - sent).dt.total_seconds() / 60).median() <= 45


@each_size
def test_an_outage_hits_the_customers_below_the_device_that_tripped(made, size):
    found = made(size)
    parent = closed(found).set_index("to_node_id")["from_node_id"].to_dict()
    switch = found["switches"].set_index("bus2")
    protects = switch[switch["switch_type"].isin(["breaker", "recloser", "fuse"])]["switch_id"].to_dict()
    below = downstream(found, found["customers"].groupby("transformer_id").size())
    ends = found["network_edges"].set_index("edge_id")["to_node_id"]
    for outage in found["outage_history"].itertuples():
        node = parent[ends[outage.edge_id]]  # a device does not clear a fault on itself
        while node not in protects:
            node = parent[node]
        assert outage.switch_id == protects[node]
        assert outage.affected_customers == below[node]


def test_storms_bring_many_faults_on_the_days_that_the_weather_calls_stormy(utility):
    outages, weather = utility["outage_history"], utility["weather_data"]
    stormy = set(weather.loc[weather["is_storm"] == 1, "timestamp"].str[:10])
    day = outages["fault_detected"].str[:10]
    assert set(day[outages["weather_related"] == 1]) <= stormy
    assert set(day[outages["weather_related"] == 0]).isdisjoint(stormy)
    assert day.value_counts().nlargest(5).min() >= 10
    assert 0.3 < (outages["weather_related"] == 1).mean() < 0.7
    assert set(day.str[:4]) == {"2020", "2021", "2022", "2023", "2024"}


def test_reliability_is_that_of_a_utility(utility):
    """Interruptions and hours per customer and year, storms included: 1 to 3 and 2 to 10 are common in the USA."""
    outages, customers = utility["outage_history"], len(utility["customers"])
    saifi = outages["affected_customers"].sum() / customers / 5
    saidi_h = (outages["affected_customers"] * outages["duration_hours"]).sum() / customers / 5
    assert 1 <= saifi <= 3.5
    assert 2 <= saidi_h <= 11


# Files -------------------------------------------------------------------------------------------------------------


def test_files_read_back_as_the_tables(utility, tmp_path):
    write(utility, tmp_path / "utility")
    assert {path.name.split(".")[0] for path in (tmp_path / "utility").iterdir()} == set(utility)
    edges = pd.read_csv(tmp_path / "utility" / "network_edges.csv.gz")
    pd.testing.assert_frame_equal(edges, utility["network_edges"], check_dtype=False)
    header = (tmp_path / "utility" / "switches.csv").read_bytes().split(b"\n")[0]
    assert header == b"switch_id,bus1,bus2,feeder_id,scada_controlled,normally_open,switch_type,edge_id"


def test_the_default_utility_is_small_on_disk(utility, tmp_path):
    write(utility, tmp_path / "utility")
    assert sum(path.stat().st_size for path in (tmp_path / "utility").iterdir()) < 1e6


def test_nothing_is_overwritten(utility, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="mine is there already"):
        write(utility, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_an_empty_folder_is_taken_and_a_leftover_replaced(tmp_path, utility):
    (tmp_path / "new").mkdir()
    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial" / "feeders.csv").write_text("half")
    write({"feeders": utility["feeders"]}, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["feeders.csv"]


def test_a_strange_partial_folder_is_left_alone(tmp_path, utility):
    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial" / "thesis.txt").write_text("work")
    with pytest.raises(InputError, match="in the way"):
        write(utility, tmp_path / "new")
    assert (tmp_path / "new.partial" / "thesis.txt").exists()


def test_a_failed_write_leaves_nothing(tmp_path, utility):
    class Unwritable:
        def to_csv(self, **_):
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="no space left"):
        write({"feeders": utility["feeders"], "nodes": Unwritable()}, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


# Settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"feeders": 0}, "feeders = 0 must lie between 1 and 8"),
        ({"substations": -1}, "substations = -1 must lie between 1"),
        ({"buses_per_feeder": 10}, "buses_per_feeder = 10 must lie between 40"),
        ({"feeder_peak_mw": float("nan")}, "feeder_peak_mw = nan must be a finite number"),
        ({"feeder_peak_mw": 20}, "feeder_peak_mw = 20 must lie between 0.5 and 6.5"),
        ({"years": 0}, "years = 0"),
        ({"years": 1.5}, "years = 1.5 must be a whole number"),
        ({"seed": -4}, "seed = -4"),
        ({"seed": True}, "seed = True must be a whole number"),
        ({"seed": "x"}, "seed = 'x' must be a whole number"),
        ({"customers_per_feeder": 100}, "every service transformer needs a customer"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(wrong, words):
    with pytest.raises(InputError, match=words):
        SyntheticSettings(**wrong)


def test_all_bad_settings_are_told_together():
    with pytest.raises(InputError, match="2 findings"):
        SyntheticSettings(feeders=0, years=-1)


def test_settings_cannot_be_edited():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SyntheticSettings().seed = 3


@pytest.mark.benchmark
def test_a_hundred_thousand_buses():
    found = tables(SyntheticSettings(substations=172))
    assert len(found["network_nodes"]) > 100_000
