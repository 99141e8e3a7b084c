"""The catalogue of upgrade measures: its figures are those of their source, and a bad file is told whole."""

import csv
from pathlib import Path

import pytest

from gridstudio.domain.equipment import MEASURE_UNITS, read_equipment, standard_equipment
from gridstudio.errors import InputError

FACTS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "costs_nrel"
needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="no ../shared/data/costs_nrel beside the checkout")
HEADER = "measure,phases,size,size_unit,per,unit_cost_usd,o_and_m_usd_per_year,life_years,source\n"
GOOD = "transformer_one_phase,1,25,kVA,unit,6600,0,35,ours\nregulator_settings,,,,unit,500,0,25,ours\n"


@pytest.fixture
def read(tmp_path):
    def catalogue(text):
        path = tmp_path / "costs.csv"
        path.write_text(HEADER + text)
        return read_equipment(path)

    return catalogue


def test_own_catalogue_is_read(read):
    equipment = read(GOOD)
    assert equipment.measures == ("regulator_settings", "transformer_one_phase")
    item = equipment.least("transformer_one_phase", 20.0, phases=1)
    assert (item.size, item.per, item.unit_cost_usd, item.life_years, item.source) == (
        25.0,
        "unit",
        6600.0,
        35.0,
        "ours",
    )
    assert equipment.least("transformer_one_phase", 26.0, phases=1) is None
    assert equipment.sizes("battery") == ()


def test_sizes_rise_and_are_those_for_the_phases():
    sizes = standard_equipment().sizes("transformer_three_phase", 3)
    assert [item.size for item in sizes] == sorted(item.size for item in sizes)
    assert {item.phases for item in standard_equipment().sizes("reconductor", 1)} == {1}


def test_standard_catalogue_has_every_measure_with_source_and_known_units():
    equipment = standard_equipment()
    assert set(equipment.measures) == set(MEASURE_UNITS)
    assert all(item.source for item in equipment.items)


@needs_facts
def test_transformers_cost_what_the_source_says():
    with open(FACTS / "cost_transformers.csv") as file:
        facts = {(int(r["phases"]), float(r["rated_kVA"])): float(r["cost"]) for r in csv.DictReader(file)}
    for measure, phases in (("transformer_one_phase", 1), ("transformer_three_phase", 3)):
        for item in standard_equipment().sizes(measure, phases):
            assert item.unit_cost_usd == facts[phases, item.size]


@needs_facts
def test_lines_cost_what_the_source_says():
    """Per metre there, rounded to 1 USD, per km here."""
    names = {"reconductored_line": "reconductor", "new_line": "parallel"}
    with open(FACTS / "cost_lines.csv") as file:
        rows = [row for row in csv.DictReader(file) if float(row["voltage_kV"]) > 1]
    for row in rows:
        kind = {"overhead": "reconductor", "underground": "reconductor_cable"}
        if names[row["upgrade_type"]] == "parallel":
            kind = {"overhead": "parallel_line", "underground": "parallel_cable"}
        item = standard_equipment().least(kind[row["line_placement"]], float(row["ampere_rating"]), int(row["phases"]))
        assert item.unit_cost_usd == pytest.approx(1000 * float(row["cost_per_m"]), abs=500)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("transformer_one_phase,1,,kVA,unit,1,0,35,", "line 4: size is ''; it must be a positive number"),
        ("transformer_one_phase,1,0,kVA,unit,1,0,35,", "line 4: size is '0'; it must be a positive number"),
        ("transformer_one_phase,1,50,kVA,unit,-1,0,35,", "line 4: unit_cost_usd is '-1'; it must be zero or more"),
        ("transformer_one_phase,1,50,kVA,unit,1,-2,35,", "line 4: o_and_m_usd_per_year is '-2'"),
        ("transformer_one_phase,1,50,kVA,unit,1,0,0,", "line 4: life_years is '0'; it must be a positive number"),
        ("transformer_one_phas,1,50,kVA,unit,1,0,35,", "is not known; did you mean 'transformer_one_phase'?"),
        ("transformer_one_phase,1,25,kVA,unit,1,0,35,", "of this size is already given in line 2"),
        ("regulator_settings,,,,unit,1,0,35,", "line 4: regulator_settings of this size is already given in line 3"),
        ("transformer_one_phase,4,50,kVA,unit,1,0,35,", "line 4: phases is '4'; it must be 1, 2, 3 or empty"),
        (
            "transformer_one_phase,1,50,MVA,unit,1,0,35,",
            "transformer_one_phase is 'MVA'; it must be 'kVA'",
        ),
        ("reconductor,3,500,A,mile,1,0,35,", "line 4: per of reconductor is 'mile'; it must be 'km'"),
        ("volt_var,,5,,unit,1,0,35,", "line 4: size is '5'; volt_var has no size, leave it empty"),
        ("battery,,1,kW", "line 4 has 4 cells, the header 9"),
    ],
)
def test_wrong_row_is_told_with_its_line(read, row, words):
    with pytest.raises(InputError) as error:
        read(f"{GOOD}{row}\n")
    assert words in str(error.value)


def test_all_findings_come_in_one_error(read):
    with pytest.raises(InputError) as error:
        read("gold,1,1,kVA,unit,1,0,35,\nbattery,,1,kW,kW,-5,0,x,\n")
    assert all(word in str(error.value) for word in ("'gold'", "unit_cost_usd is '-5'", "life_years is 'x'"))


def test_empty_catalogue_and_missing_columns_are_told(read, tmp_path):
    with pytest.raises(InputError, match="there is no measure in it"):
        read("")
    path = tmp_path / "short.csv"
    path.write_text("measure,size\nbattery,1\n")
    with pytest.raises(InputError, match="column 'life_years' is missing"):
        read_equipment(path)


def test_unknown_measure_is_no_empty_answer():
    with pytest.raises(InputError, match="did you mean 'battery'"):
        standard_equipment().sizes("batery")


def test_a_file_that_is_no_csv_is_told_in_one_sentence(tmp_path):
    path = tmp_path / "costs.csv"
    path.write_text((HEADER + GOOD).replace(",", ";"))
    with pytest.raises(InputError, match=r"costs.csv is separated by ';', save it with ','.$"):
        read_equipment(path)
    path.write_text(HEADER + "x" * (csv.field_size_limit() + 1))
    with pytest.raises(InputError, match=r"costs.csv is no CSV table \(line \d+\): field larger than"):
        read_equipment(path)
