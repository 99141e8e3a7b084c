"""The importer on a hand-made utility: two substations, one feeder each, a tie between their ends.

S1 - F1-H - F1-J1 - F1-J2 (recloser) - F1-T - T1 - F2-T - F2-J1 - F2-H - S2; laterals over fuses to the service
transformers X1 (three-phase, at F1-J2), X2 (phase A, at F1-J1) and X3 (three-phase, at F2-J1).
"""

import gzip
import math

import numpy as np
import pandas as pd
import pytest

from gridstudio import engine
from gridstudio.build import model, network, opendss, sites, tables, utility
from gridstudio.build.findings import findings
from gridstudio.build.settings import ImportSettings
from gridstudio.domain.changes import ChangeSet, SetSwitch
from gridstudio.domain.devices import read_devices
from gridstudio.domain.limits import Limits
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.evaluation import evaluate

NIGHT = Scenario(generation_scale=(0.0,))
NODES = (
    ("S1", "substation_bus", "S1", "", "substation", 69.0),
    ("S2", "substation_bus", "S2", "", "substation", 69.0),
    ("F1-H", "feeder_breaker", "S1", "F1", "breaker", 12.47),
    ("F1-J1", "junction", "S1", "F1", "pole_top", 12.47),
    ("F1-J2", "junction", "S1", "F1", "recloser", 12.47),
    ("F1-T", "feeder_endpoint", "S1", "F1", "open_point", 12.47),
    ("FU1", "protective_device", "S1", "F1", "fuse", 12.47),
    ("X1", "transformer", "S1", "F1", "distribution_transformer", 12.47),
    ("FU2", "protective_device", "S1", "F1", "fuse", 12.47),
    ("X2", "transformer", "S1", "F1", "distribution_transformer", 12.47),
    ("F2-H", "feeder_breaker", "S2", "F2", "breaker", 12.47),
    ("F2-J1", "junction", "S2", "F2", "pole_top", 12.47),
    ("F2-T", "feeder_endpoint", "S2", "F2", "open_point", 12.47),
    ("FU3", "protective_device", "S2", "F2", "fuse", 12.47),
    ("X3", "transformer", "S2", "F2", "distribution_transformer", 12.47),
    ("T1", "tie_switch", "S1", "", "tie_switch", 12.47),
)
MAIN, SIDE = "primary_overhead", "lateral_overhead"
EDGES = (  # from, to, feeder, type, phase, feet, status
    ("S1", "F1-H", "F1", "bus_tie", "ABC", 52.8, "closed"),
    ("F1-H", "F1-J1", "F1", MAIN, "ABC", 5280.0, "closed"),
    ("F1-J1", "F1-J2", "F1", MAIN, "ABC", 5280.0, "closed"),
    ("F1-J2", "F1-T", "F1", MAIN, "ABC", 528.0, "open"),
    ("F1-J2", "FU1", "F1", SIDE, "ABC", 52.8, "closed"),
    ("FU1", "X1", "F1", SIDE, "ABC", 528.0, "closed"),
    ("F1-J1", "FU2", "F1", SIDE, "A", 52.8, "closed"),
    ("FU2", "X2", "F1", SIDE, "A", 528.0, "closed"),
    ("S2", "F2-H", "F2", "bus_tie", "ABC", 52.8, "closed"),
    ("F2-H", "F2-J1", "F2", MAIN, "ABC", 10560.0, "closed"),
    ("F2-J1", "F2-T", "F2", MAIN, "ABC", 528.0, "open"),
    ("F2-J1", "FU3", "F2", SIDE, "ABC", 52.8, "closed"),
    ("FU3", "X3", "F2", SIDE, "ABC", 528.0, "closed"),
    ("F1-T", "T1", "F1", "tie", "ABC", 528.0, "open"),
    ("T1", "F2-T", "F2", "tie", "ABC", 528.0, "open"),
)
R, X = 0.3, 0.6  # ohm per mile, of every edge


def tiny():
    """The tables by name; each test changes its own copy."""
    edges = [
        {
            "edge_id": f"E{number}", "from_node_id": a, "to_node_id": b, "feeder_id": feeder,
            "substation_id": feeder.replace("F", "S"), "edge_type": kind, "conductor_type": "336 ACSR", "phase": phase,
            "length_miles": feet / 5280, "length_ft": feet, "impedance_r_ohm_per_mile": R,
            "impedance_x_ohm_per_mile": X, "rated_amps": 400, "nominal_voltage_kv": 12.47, "num_phases": len(phase),
            "is_overhead": 1, "status": status,
        }
        for number, (a, b, feeder, kind, phase, feet, status) in enumerate(EDGES, start=1)
    ]  # fmt: skip
    nodes = [
        {
            "node_id": name, "node_type": kind, "substation_id": sub, "feeder_id": feeder, "latitude": 40 + 0.01 * n,
            "longitude": -100.0, "nominal_voltage_kv": kv, "equipment_class": equipment, "phase": "ABC",
        }
        for n, (name, kind, sub, feeder, equipment, kv) in enumerate(NODES)
    ]  # fmt: skip
    return {
        "substations": pd.DataFrame(
            {
                "substation_id": ["S1", "S2"], "name": ["East", "West"], "voltage_high_kv": 69, "voltage_low_kv": 12.47,
                "rated_capacity_mva": 10, "peak_load_mva": [4.0, 2.0], "num_transformers": 1, "status": "active",
            }
        ),
        "feeders": pd.DataFrame(
            {
                "feeder_id": ["F1", "F2"], "substation_id": ["S1", "S2"], "voltage_kv": 12.47,
                "rated_capacity_mw": 8.0, "peak_load_mw": [3.0, 1.2], "num_customers": [4, 2], "status": "active",
            }
        ),
        "network_nodes": pd.DataFrame(nodes),
        "network_edges": pd.DataFrame(edges),
        "transformers": pd.DataFrame(
            {
                "transformer_id": ["X1", "X2", "X3"], "feeder_id": ["F1", "F1", "F2"],
                "substation_id": ["S1", "S1", "S2"], "kva_rating": [3000.0, 1000.0, 1500.0],
                "phase": ["ABC", "A", "ABC"], "primary_voltage_kv": 12.47, "secondary_voltage_v": 480,
                "status": "active",
            }
        ),
        "customers": pd.DataFrame(
            {
                "customer_id": [f"C{n}" for n in range(1, 7)], "transformer_id": ["X1", "X1", "X1", "X2", "X3", "X3"],
                "feeder_id": ["F1"] * 4 + ["F2"] * 2, "customer_type": ["residential"] * 2 + ["industrial"] * 4,
                "contracted_demand_kw": [10.0, 20.0, 30.0, 60.0, 5.0, 5.0],
            }
        ),
    }  # fmt: skip


def put(given, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in given.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture
def read(tmp_path):
    """Write tables and read them back as a utility."""
    return lambda given: tables.read(put(given, tmp_path / "tables"))


@pytest.fixture
def circuit(read, tmp_path):
    """Write the model of tables and give it as a feeder, with what was derived."""

    def make(given=None, substations=("S1", "S2"), settings=ImportSettings()):
        derived = model.derive(read(given or tiny()), settings, substations, "tiny", "Tiny")
        folder = tmp_path / "model"
        folder.mkdir()
        for name, text in opendss.write(derived).items():
            (folder / name).write_text(text)
        return Feeder("tiny", folder / "master.dss"), derived

    return make


def texts(notes, severity="warning"):
    return list(notes.loc[notes["severity"] == severity, "text"])


# -- the model ------------------------------------------------------------------


def test_the_voltage_at_the_end_is_that_of_the_two_bus_formula(circuit):
    # V2 solves (V2^2 + PR + QX)^2 + (PX - QR)^2 = (V1 V2)^2; P, Q of the only load, 2.11 miles from the breaker.
    feeder, _ = circuit(substations=("S2",))
    done = evaluate(feeder, scenario=NIGHT)
    v_kv = dict(zip(done.network.nodes["bus"], done.flow.v_pu[0] * 12.47, strict=True))
    p, q, miles = 1.2, 1.2 * math.tan(math.acos(0.97)), (10560 + 52.8 + 528) / 5280
    r, x = R * miles, X * miles
    b = 2 * (p * r + q * x) - v_kv["f2-h"] ** 2
    c = (p * r + q * x) ** 2 + (p * x - q * r) ** 2
    assert v_kv["x3"] == pytest.approx(math.sqrt((-b + math.sqrt(b * b - 4 * c)) / 2), rel=1e-6)


def test_line_losses_are_three_i_squared_r(circuit):
    feeder, _ = circuit(substations=("S2",))
    done = evaluate(feeder, scenario=NIGHT)
    v_kv = done.flow.v_pu[0][done.network.nodes["bus"].eq("x3").to_numpy()][0] * 12.47
    current_a = 1200 / 0.97 / math.sqrt(3) / v_kv
    lines_kw = 3 * current_a**2 * R * (52.8 + 10560 + 52.8 + 528) / 5280 / 1000
    # 0.5 % of load losses at 10 MVA, by the current of the high side, which the tap raises
    high_a = done.branch_current_a[0][done.network.branches["element"].eq("transformer.s2").to_numpy()][0]
    transformer_kw = 50.0 * (high_a / (10_000 / math.sqrt(3) / 69)) ** 2
    assert float(done.flow.losses_kw[0]) == pytest.approx(lines_kw + transformer_kw, rel=1e-4)


def test_the_substation_bus_is_held_at_1_03(circuit):
    feeder, _ = circuit()
    done = evaluate(feeder, scenario=NIGHT)
    at = done.network.nodes["bus"].isin(["s1", "s2"]).to_numpy()
    assert done.flow.v_pu[0][at] == pytest.approx(1.03, abs=2 / 120 / 2 + 1e-3)  # half the band of 2 V


def test_a_feeder_carries_its_peak_by_the_kva_of_transformers_with_customers(circuit):
    _, derived = circuit()
    kw = derived.loads.set_index("load")["kw"]
    assert kw["x1"] == pytest.approx(2250.0)  # 3000 of 4000 kVA of 3 MW
    assert kw["x2"] == pytest.approx(750.0)
    assert kw["x3"] == pytest.approx(1200.0)


@pytest.mark.parametrize(("how", "x1", "x2"), [("kva", 2250.0, 750.0), ("demand", 1500.0, 1500.0)])
def test_allocation_can_be_chosen(read, how, x1, x2):
    kw = sites.load_kw(read(tiny()), ImportSettings(allocation=how))
    assert kw[["X1", "X2"]].tolist() == pytest.approx([x1, x2])


def test_customers_own_peaks_are_summed_where_the_table_has_them(read):
    given = tiny()
    given["customers"]["peak_kw"] = [100.0, 200.0, 300.0, 400.0, 500.0, 600.0]
    assert sites.load_kw(read(given), ImportSettings()).tolist() == [600.0, 400.0, 1100.0]


def test_customers_are_counted_by_load_and_class(circuit):
    _, derived = circuit()
    assert list(derived.customers.itertuples(index=False, name=None)) == [
        ("x1", 1, "industrial"), ("x1", 2, "residential"), ("x2", 1, "industrial"), ("x3", 2, "industrial"),
    ]  # fmt: skip


def test_impedances_are_those_of_transposed_conductors_over_earth(circuit):
    # own (2 z1 + z0) / 3, mutual (z0 - z1) / 3; R0 = 0.3 + 3 x 0.0953, X0 = 3 x 0.6
    _, derived = circuit()
    text = opendss.write(derived)["linecodes.dss"]
    assert "336_acsr_oh_1 nphases=1 units=mi rmatrix=[0.39530] xmatrix=[1.00000]" in text
    assert "rmatrix=[0.39530|0.09530 0.39530|" in text
    assert "xmatrix=[1.00000|0.40000 1.00000|" in text


def test_an_edge_that_departs_from_its_conductor_keeps_its_own_impedance(circuit):
    given = tiny()
    given["network_edges"].loc[1, "impedance_r_ohm_per_mile"] = 0.33
    _, derived = circuit(given)
    assert derived.lines.set_index("line")["own"].to_dict()["e2"]
    assert derived.lines["own"].sum() == 1


def test_conductor_impedances_can_be_asked_for(circuit):
    given = tiny()
    given["network_edges"].loc[1, "impedance_r_ohm_per_mile"] = 0.33
    _, derived = circuit(given, settings=ImportSettings(own_impedance=False))
    assert not derived.lines["own"].any()


def test_a_switch_keeps_the_impedance_of_its_edge(circuit):
    feeder, derived = circuit()
    assert derived.lines.set_index("line").at["e1", "switch"]
    with engine.borrow(feeder) as session, session.state_at_end((), Scenario()) as dss:
        dss.Lines.Name("e1")
        assert dss.Lines.RMatrix()[0] * dss.Lines.Length() == pytest.approx(0.3953 * 0.01, rel=1e-4)


def test_zero_sequence_columns_are_used_where_given(read):
    given = tiny()
    given["network_edges"]["impedance_r0_ohm_per_mile"] = 0.9
    given["network_edges"]["impedance_x0_ohm_per_mile"] = 2.1
    codes = network.line_codes(read(given))
    assert set(codes["r0"]) == {0.9}
    assert set(codes["x0"]) == {2.1}


def test_sites_in_service_are_solar_and_storage_of_their_transformer(circuit):
    given = tiny()
    given["solar_installations"] = pd.DataFrame(
        {"solar_id": ["P1", "P2", "P3"], "transformer_id": ["X1", "X1", "X2"], "capacity_kw": [5.0, 7.0, 3.0],
         "status": ["active", "active", "inactive"]}
    )  # fmt: skip
    given["battery_installations"] = pd.DataFrame(
        {
            "battery_id": ["B1", "B2"],
            "transformer_id": ["X1", "X2"],
            "capacity_kwh": [40.0, 10.0],
            "power_kw": [9.0, 5.0],
        }
    )
    feeder, derived = circuit(given)
    assert list(derived.solar[["transformer", "kw"]].itertuples(index=False, name=None)) == [("x1", 12.0)]
    assert derived.storage.set_index("transformer")["inverter_kva"].to_dict() == {"x1": 9.0, "x2": 0.0}
    sun, night = evaluate(feeder), evaluate(feeder, scenario=NIGHT)
    gained_kw = float(night.flow.source_kw[0] - sun.flow.source_kw[0])
    saved_kw = float(night.flow.losses_kw[0] - sun.flow.losses_kw[0])
    assert gained_kw - saved_kw == pytest.approx(12.0, rel=1e-3)


def test_candidates_change_nothing_until_they_are_switched_on(circuit):
    given = tiny()
    given["battery_installations"] = pd.DataFrame(
        {"battery_id": ["B1"], "transformer_id": ["X1"], "capacity_kwh": [40.0], "power_kw": [9.0]}
    )
    feeder, _ = circuit(given)
    with_them = evaluate(Feeder("tiny", feeder.master, ("redirect candidates.dss",)), scenario=NIGHT)
    assert with_them.network.generators["generator"].tolist() == ["bess_x1"]
    np.testing.assert_allclose(with_them.flow.v_pu, evaluate(feeder, scenario=NIGHT).flow.v_pu, atol=1e-9)


# -- devices and ties --------------------------------------------------------------


def test_devices_are_read_from_the_node_types(circuit):
    feeder, derived = circuit()
    network = evaluate(feeder).network
    devices = {
        d.name: (d.line, d.type, d.normally_open) for d in read_devices(feeder.master.parent / "devices.csv", network)
    }
    assert devices == {
        "f1-h": ("e1", "breaker", False), "f2-h": ("e9", "breaker", False), "f1-j2": ("f1-j2", "recloser", False),
        "fu1": ("e6", "fuse", False), "fu2": ("e8", "fuse", False), "fu3": ("e13", "fuse", False),
        "t1": ("t1", "switch", True),
    }  # fmt: skip
    ends = derived.lines.set_index("line")
    assert (ends.at["e3", "bus2"], ends.at["f1-j2", "bus1"], ends.at["f1-j2", "bus2"]) == (
        "f1-j2_in",
        "f1-j2_in",
        "f1-j2",
    )


def test_the_switch_table_comes_first(circuit):
    given = tiny()
    given["switches"] = pd.DataFrame(
        {
            "switch_id": ["SW1", "SW2"], "bus1": ["bus_S1", "F1-J1"], "bus2": ["bus_F1-H", "F1-J2"],
            "scada_controlled": ["True", "False"], "normally_open": "False", "switch_type": ["disconnect", "recloser"],
        }
    )  # fmt: skip
    given["crew_dispatch"] = pd.DataFrame(
        {"outage_id": ["O1", "O2", "O3"], "dispatch_time": "2024-01-01 10:00",
         "arrival_time": ["2024-01-01 10:20", "2024-01-01 10:40", "2024-01-01 09:00"]}
    )  # fmt: skip
    _, derived = circuit(given)
    table = derived.devices.set_index("device")
    assert table.loc["sw1", ["element", "type", "remote", "travel_time_min"]].tolist() == [
        "line.e1",
        "switch",
        "true",
        "",
    ]
    assert table.loc["sw2", ["element", "type", "remote", "travel_time_min"]].tolist() == [
        "line.e3",
        "recloser",
        "false",
        "30",
    ]
    assert not {"f1-h", "f1-j2"} & set(table.index)


def test_both_sides_of_an_open_tie_are_alive_and_closing_it_carries_the_other_feeder(circuit):
    feeder, _ = circuit()
    base = evaluate(feeder, scenario=NIGHT)
    assert base.network.nodes["fed"].all()
    assert base.network.loops() == []
    moved = evaluate(feeder, ChangeSet((SetSwitch("e9", False), SetSwitch("t1", True))), NIGHT)
    v_pu = dict(zip(moved.network.nodes["bus"], moved.flow.v_pu[0], strict=True))
    assert v_pu["x3"] > 0.9
    assert v_pu["s2"] > 0.9  # its own source holds the bus before the open breaker
    assert float(moved.flow.served_kw[0]) == pytest.approx(4200.0, rel=1e-4)


def test_a_tie_edge_that_is_itself_the_switch_needs_no_other(circuit):
    given = tiny()
    given["network_edges"].loc[13, ["status", "edge_type"]] = ["closed", MAIN]
    feeder, derived = circuit(given)
    assert derived.devices.set_index("device").loc["e15", ["element", "normally_open"]].tolist() == ["line.e15", "true"]
    assert evaluate(feeder).network.loops() == []


def test_a_tie_to_a_substation_outside_is_left_out(circuit):
    feeder, derived = circuit(substations=("S1",))
    assert derived.ties_left_out == 1
    assert "t1" not in set(derived.lines["bus1"])
    opened = derived.lines[derived.lines["open"]]
    assert opened["line"].tolist() == ["e4"]  # the last segment stays as the table has it
    assert bool(evaluate(feeder).flow.converged.all())


def test_ties_join_substations_into_clusters(read):
    assert network.clusters(read(tiny())) == [("S1", "S2")]
    given = tiny()
    given["network_nodes"] = given["network_nodes"].query("node_id != 'T1'")
    given["network_edges"] = given["network_edges"].query("edge_type != 'tie'")
    assert network.clusters(read(given)) == [("S1",), ("S2",)]


# -- the build ---------------------------------------------------------------------


def test_a_build_gives_a_row_per_substation_and_per_cluster(tmp_path):
    found = utility.build(put(tiny(), tmp_path / "tables"), tmp_path / "out")
    rows = found.tables["substations"].set_index("model")
    assert rows.index.tolist() == ["s1", "s2"]
    assert rows["load_mw"].tolist() == pytest.approx([3.0, 1.2])
    assert rows[["converged", "energised", "radial"]].all().all()
    assert found.tables["clusters"]["model"].tolist() == ["s1_s2"]
    assert found.tables["clusters"]["load_mw"].iat[0] == pytest.approx(4.2)
    assert found.violations_left == 0
    for name in ("s1", "s2", "s1_s2"):
        assert "## Known results" in (tmp_path / "out/circuits" / name / "README.md").read_text()


def test_overloads_are_counted_with_their_worst(tmp_path):
    given = tiny()
    given["network_edges"].loc[9, "rated_amps"] = 20  # 57 A flow there
    found = utility.build(put(given, tmp_path / "tables"), tmp_path / "out", ImportSettings(substations=("S2",)))
    row = found.tables["substations"].iloc[0]
    over = found.tables["overloads"]
    assert (row["overloads"], row["worst_element"]) == (1, "line.e10")
    assert over.loc[0, ["element", "feeder", "ampacity_a"]].tolist() == ["line.e10", "F2", 20.0]
    at_rated_voltage = 1200 / 0.97 / math.sqrt(3) / 12.47 / 20
    assert at_rated_voltage / 1.04 < over.loc[0, "loading_pu"] < at_rated_voltage  # the bus is held at 1.03


def test_the_same_tables_give_the_same_files(tmp_path):
    source = put(tiny(), tmp_path / "tables")
    for name in ("one", "two"):
        utility.build(source, tmp_path / name)
    one, two = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("one", "two")
    )
    assert one == two


def test_gzipped_tables_are_the_same_tables(read, tmp_path):
    plain = read(tiny())
    path = plain.paths["customers"]
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    pd.testing.assert_frame_equal(tables.read(plain.folder)["customers"], plain["customers"])


# -- findings -----------------------------------------------------------------------


def _set(table, column, rows, value):
    def change(given):
        given[table][column] = given[table].get(column, pd.Series("", given[table].index)).astype(object)
        given[table].loc[rows, column] = value

    return change


def _add(name, **columns):
    def change(given):
        given[name] = pd.DataFrame(columns)

    return change


RECORDS = {
    "outage_id": ["O1", "O2"], "feeder_id": "F1", "fault_detected": ["2024-01-01 00:00", "2024-01-02 00:00"],
    "service_restored": ["2024-01-03 00:00", "2024-01-02 01:00"], "duration_hours": [48.0, 1.0],
    "affected_customers": [3, 4],
}  # fmt: skip
REMARKABLE = [
    (_set("substations", "rated_capacity_mva", 0, 2.0), "S1 1.5 times", 1),
    (_set("substations", "peak_load_mva", 0, 1.0), "more than peak_load_mva at 1 substations (up to 3.1 times)", 1),
    (_set("substations", "status", 1, "planned"), "status of 1 rows is planned (S2)", 1),
    (_set("transformers", "status", 0, "failed"), "status of 1 rows is failed (X1)", 1),
    (_set("feeders", "rated_capacity_mw", 0, 9.0), "rated_capacity_mw of 1 feeders", 1),  # 400 A at 12.47 kV: 8.6 MVA
    (_set("network_edges", "rated_amps", 0, 100), "peak of 1 feeders is more than their first conductor carries", 1),
    (_set("transformers", "kva_rating", 2, 1000.0), "more than the kVA of all their service transformers (F2)", 1),
    (_set("feeders", "num_customers", 0, 9), "num_customers of 1 feeders", 1),
    (_set("network_edges", "impedance_z0_ohm_per_mile", slice(None), 0.45), "zero-sequence impedance of 15 edges", 15),
    (_set("network_edges", "impedance_r_ohm_per_mile", 1, 0.33), "of 1 edges departs by more than 2% (up to 10%)", 1),
    (_set("network_edges", "rated_amps", 3, 300), "more than one rating: 336 ACSR", 15),
    (_set("network_edges", "edge_type", 5, "lateral_underground"), "is_overhead and edge_type of 1 edges differ", 1),
    (_set("network_edges", "edge_type", 5, "lateral_underground"), "1 underground edges have the conductors", 1),
    (_set("network_edges", "length_miles", 1, 2.0), "length_miles and length_ft of 1 edges differ (E2)", 1),
    (_set("network_edges", "num_phases", 1, 2), "num_phases and phase of 1 edges differ (E2)", 1),
    (_set("transformers", "primary_voltage_kv", 1, 4.16), "primary_voltage_kv of 1 transformers", 1),
    (_set("network_edges", "status", [3, 10, 13, 14], "closed"), "not radial: 1 of them", 1),
    (_set("network_nodes", "latitude", 3, ""), "1 nodes have no coordinates (F1-J1)", 1),
    (_set("transformers", "kva_rating", 2, 1200.0), "1 service transformers carry more than their kVA at peak (X3)", 1),
    (_set("customers", "contracted_demand_kw", 2, 0.0), "contracted demand of 1 customers is 0 kW (C3)", 1),
    (_set("customers", "feeder_id", 2, "F2"), "The feeder_id of 1 customers", 1),
    (_add("switches", switch_id=["SW1"], bus1=["F1-H"], bus2=["F1-J1"], scada_controlled=[True], normally_open=[True],
          switch_type=["disconnect"]), "1 switches are normally open on edges that network_edges has closed", 1),
    (_add("switches", switch_id=["SW1"], bus1=["F1-J2"], bus2=["F1-T"], scada_controlled=[True], normally_open=[False],
          switch_type=["disconnect"]), "1 switches are normally closed on edges that are open", 1),
    (_add("outage_history", **RECORDS), "1 of 2 outages last more than 24 h (up to 48 h)", 1),
    (_add("outage_history", **RECORDS | {"service_restored": ["2023-01-01 00:00", "2024-01-02 01:00"]}),
     "1 outages have no duration", 1),
    (_add("outage_history", **RECORDS | {"duration_hours": [48.0, 2.0]}), "duration_hours of 1 outages", 1),
    (_add("outage_history", **RECORDS | {"affected_customers": [3, 5]}), "1 outages interrupt more customers", 1),
    (_add("asset_condition", transformer_id=["X1", "X2"], condition_score=[10, 80]), "runs from 10 to 80", 2),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence", "count"), REMARKABLE, ids=[text[:50] for _, text, _ in REMARKABLE])
def test_what_is_remarkable_is_a_warning_with_its_count(read, change, sentence, count):
    given = tiny()
    assert not [text for text in texts(findings(read(given), ImportSettings())) if sentence in text]
    change(given)
    notes = findings(read(given), ImportSettings())
    told = notes[(notes["severity"] == "warning") & notes["text"].str.contains(sentence, regex=False)]
    assert told["count"].tolist() == [count]


def test_a_clean_utility_has_no_warning_but_its_assumptions(read):
    notes = findings(read(tiny()), ImportSettings())
    assert texts(notes) == []
    assert any("R0 = R1 + 3 x 0.0953" in text for text in texts(notes, "assumption"))
    assert any("kVA of service transformers" in text for text in texts(notes, "assumption"))
    assert any("Both edges of 1 tie points" in text for text in texts(notes, "derived"))
    assert any("Service transformers" in text for text in texts(notes, "omitted"))


def test_peaks_that_do_not_add_up_are_told(read):
    given = tiny()
    given["customers"]["peak_kw"] = [1000.0, 1000.0, 500.0, 500.0, 500.0, 500.0]  # F1 3 MW as given, F2 1.0 of 1.2
    assert any(
        "peak_load_mw of 1 feeders" in text and "F2" in text for text in texts(findings(read(given), ImportSettings()))
    )


def test_other_customer_types_are_counted_as_commercial(read):
    given = tiny()
    given["customers"].loc[0, "customer_type"] = "municipal"
    assert any("type municipal" in text for text in texts(findings(read(given), ImportSettings()), "derived"))


def test_extras_lie_in_a_second_folder(tmp_path):
    source = put(tiny(), tmp_path / "tables")
    put(
        {"transformers": pd.DataFrame({"transformer_id": ["X1"], "condition_score": [90]})},
        tmp_path / "more" / "assets",
    )
    found = tables.read(source, tmp_path / "more")
    assert len(found["transformers"]) == 3
    assert found["asset_condition"]["condition_score"].tolist() == [90.0]


# -- bad input -----------------------------------------------------------------------


def _drop(name, column=None):
    def change(given):
        given[name] = given[name].drop(columns=column) if column else None

    return change


def _repeat(name):
    def change(given):
        given[name] = pd.concat([given[name], given[name].head(1)])

    return change


IMPOSSIBLE = [
    (_drop("feeders"), "the table feeders.csv (or .csv.gz) is missing"),
    (_drop("network_edges", "phase"), "network_edges.csv has no column phase"),
    (_set("network_edges", "length_ft", 2, -5), "1 of 15 values of length_ft are no number above 0 (row 4: '-5')"),
    (_set("network_edges", "rated_amps", 2, "many"), "1 of 15 values of rated_amps are no number above 0"),
    (_set("feeders", "peak_load_mw", 0, "nan"), "values of peak_load_mw are no number of 0 or more"),
    (_set("customers", "contracted_demand_kw", 0, ""), "values of contracted_demand_kw are no number of 0 or more"),
    (_repeat("transformers"), "transformers: 1 values of transformer_id stand for several rows (x1)"),
    (_repeat("network_edges"), "network_edges: 1 values of edge_id stand for several rows (e1)"),
    (_set("network_edges", "to_node_id", 1, "NOWHERE"), "name a to_node_id that network_nodes has not (NOWHERE)"),
    (_set("customers", "transformer_id", 1, "X9"), "name a transformer_id that transformers has not (X9)"),
    (_set("feeders", "substation_id", 1, "S9"), "name a substation_id that substations has not (S9)"),
    (_set("network_edges", "edge_id", 1, "t1"), "1 values of edge_id are also names of nodes (t1)"),
    (_set("network_nodes", "node_id", 5, "T1_b"), "t1_b would be mistaken for the second bus of the node"),
    (_set("network_edges", "phase", 1, "AX"), "the phase of 1 rows is none of A, B, C"),
    (_set("network_edges", "status", 1, "maybe"), "the status of 1 edges is neither closed nor open (E2)"),
    (_set("network_edges", "to_node_id", 1, "F1-H"), "1 edges join a node with itself (E2)"),
    (_set("network_edges", "edge_id", 1, "E 2.b"), "cannot name an OpenDSS element (E 2.b)"),
    (_set("feeders", "voltage_kv", 0, 4.16), "the voltage of 1 feeders is not their substation's"),
    (_set("network_edges", "nominal_voltage_kv", 1, 4.16), "the voltage of 1 edges is not their feeder's (E2)"),
    (_set("substations", "voltage_high_kv", 0, 4.16), "voltage_high_kv is not above voltage_low_kv at S1"),
    (_set("network_edges", "status", 2, "open"), "brings the phases of 1 transformers from a substation (X1)"),
    (_set("network_edges", "phase", 6, "B"), "brings the phases of 1 transformers from a substation (X2)"),
    (_set("network_nodes", "node_type", 0, "junction"), "1 substations have no node of type substation_bus"),
    (_set("network_nodes", "node_type", 3, "tie_switch"), "1 tie switches are not between exactly two edges (F1-J1)"),
    (_add("switches", switch_id=["SW1"], bus1=["F1-H"], bus2=["X1"], scada_controlled=[True], normally_open=[False],
          switch_type=["fuse"]), "1 switches stand between nodes that no edge joins (SW1)"),
    (_add("switches", switch_id=["SW1"], bus1=["F1-H"], bus2=["F1-J1"], scada_controlled=["perhaps"],
          normally_open=[False], switch_type=["fuse"]), "scada_controlled of SW1 is neither true nor false"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), IMPOSSIBLE, ids=[text[:60] for _, text in IMPOSSIBLE])
def test_what_is_impossible_is_refused_in_a_sentence(read, change, sentence):
    given = tiny()
    change(given)
    with pytest.raises(InputError) as stop:
        read({name: table for name, table in given.items() if table is not None})
    assert sentence in str(stop.value)


def test_all_problems_are_told_together(read):
    given = tiny()
    _set("feeders", "peak_load_mw", 0, -1)(given)
    _drop("transformers", "phase")(given)
    with pytest.raises(InputError, match="2 findings") as stop:
        read(given)
    assert "peak_load_mw" in str(stop.value)
    assert "no column phase" in str(stop.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"allocation": "guess"}, "allocation is 'guess'"), ({"power_factor": 1.2}, "power factor 1.2")],
)
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        ImportSettings(**settings)


def test_allocation_by_peaks_needs_them(read):
    with pytest.raises(InputError, match="peak_kw"):
        sites.load_kw(read(tiny()), ImportSettings(allocation="peak"))


def test_an_unknown_substation_is_told_with_the_known_ones(tmp_path):
    source = put(tiny(), tmp_path / "tables")
    with pytest.raises(InputError, match="no substation S7: known are S1, S2"):
        utility.build(source, tmp_path / "out", ImportSettings(substations=("S7",)))


def test_no_folder_is_told(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        tables.read(tmp_path / "nowhere")


def test_limits_decide_what_counts_as_low(tmp_path):
    source = put(tiny(), tmp_path / "tables")
    strict = utility.build(source, tmp_path / "out", limits=Limits(v_min_pu=1.02))
    assert (strict.tables["substations"]["low_nodes"] > 0).all()
