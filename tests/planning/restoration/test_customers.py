"""Who is supplied: the table of customers, its refusals, and what is assumed without one."""

import pandas as pd
import pytest

from gridstudio import engine
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.planning.restoration.customers import assumed_customers, read_customers

CIRCUIT = """
clear
new circuit.net basekv=4.16 phases=3 bus1=s
new line.l bus1=s bus2=a length=1 units=km
new load.home bus1=a kv=4.16 kw=100
new load.mill bus1=a kv=4.16 kw=300
new load.shed bus1=a kv=4.16 kw=1
new load.none bus1=a kv=4.16 kw=0
set voltagebases=[4.16]
calcvoltagebases
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    master = tmp_path_factory.mktemp("net") / "master.dss"
    master.write_text(CIRCUIT)
    return engine.inspect(Feeder("net", master))[0]


@pytest.fixture
def read(network, tmp_path):
    def from_text(rows, header="load,customers,class\n"):
        path = tmp_path / "customers.csv"
        path.write_text(header + rows)
        return read_customers(path, network)

    return from_text


@pytest.fixture
def refused(read):
    def message(*arguments):
        with pytest.raises(InputError) as error:
            read(*arguments)
        return str(error.value)

    return message


def test_a_table_of_customers_carries_the_kw_of_its_loads(read):
    expected = pd.DataFrame(
        {"load": ["home", "mill"], "customers": [25, 2], "class": ["residential", "industrial"], "kw": [100.0, 300.0]}
    )
    pd.testing.assert_frame_equal(read("home,25,residential\nmill,2,industrial\n"), expected, check_dtype=False)


def test_kw_are_shared_by_customers_among_the_classes_of_a_load(read):
    table = read("home,30,residential\nhome,10,commercial\n")
    assert table["kw"].tolist() == [75.0, 25.0]  # 100 kW, 30 : 10


def test_a_load_without_customers_shares_nothing(read):
    table = read("home,30,residential\nmill,0,industrial\n")
    assert table["kw"].tolist() == [100.0, 0.0]


def test_capitals_blanks_and_comments_do_no_harm(read):
    table = read("# from the billing system\n HOME , 3 , residential \n")
    assert table.loc[0, ["load", "customers", "class"]].tolist() == ["home", 3, "residential"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            "home,3,residential\nhome,4,residential\n",
            "Customers of load 'home', class 'residential', are mapped twice.",
        ),
        (
            "home,3,residential\nHome,4,residential\n",
            "Customers of load 'home', class 'residential', are mapped twice.",
        ),
        (
            "house,3,residential\nhome,1,residential\n",
            "Customers are mapped to load 'house', which the circuit has not.",
        ),
        (",3,residential\nhome,1,residential\n", "Customers are mapped to load '', which the circuit has not."),
        (
            "home,3,rich\n",
            "Load 'home' has customers of class 'rich'; known classes are residential, commercial, industrial",
        ),
        ("home,3,\n", "Load 'home' has customers of class ''; known classes"),
        ("home,-3,residential\n", "Load 'home': its number of customers is not a number of 0 or more."),
        ("home,few,residential\n", "Load 'home': its number of customers is not a number"),
        ("home,,residential\n", "Load 'home': its number of customers is not a number"),
        ("home,inf,residential\n", "Load 'home': its number of customers is not a number"),
        ("home,0,residential\n", "no load has a customer."),
        ("", "no load has a customer."),
    ],
)
def test_a_wrong_table_is_one_clear_sentence(refused, rows, sentence):
    message = refused(rows)
    assert sentence in message
    assert "customers.csv" in message
    assert "findings" not in message


def test_all_findings_are_told_together(refused):
    message = refused("home,3,rich\nhouse,-1,residential\n")
    for part in ("3 findings", "'rich'", "'house', which", "'house': its number"):
        assert part in message


def test_of_very_many_findings_the_first_are_told_and_the_rest_counted(refused):
    message = refused("".join(f"x{n},1,residential\n" for n in range(50)))
    assert "'x19'" in message
    assert "'x20'" not in message
    assert "and 30 more." in message


def test_missing_columns_and_files_are_told(refused, network, tmp_path):
    assert "the table of customers has no column class." in refused("home,3\n", "load,customers\n")
    with pytest.raises(InputError, match="There is no table of customers"):
        read_customers(tmp_path / "nowhere.csv", network)


def test_without_a_table_there_is_a_household_for_so_many_kw(network):
    table = assumed_customers(network, kw_per_customer=4.0).set_index("load")
    assert table["customers"].to_dict() == {"home": 25, "mill": 75, "shed": 1, "none": 0}  # a load has at least one
    assert table["kw"].to_dict() == {"home": 100, "mill": 300, "shed": 1, "none": 0}
    assert set(table["class"]) == {"residential"}
