"""Everything that can be wrong with a study is told in sentences, together, and before anything is solved."""

import pytest

from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.planning import phases, read_study
from gridstudio.planning.reconductoring import check, run

LINES = {"l1": ("source", "b1", 4.0), "l2": ("b1", "b2", 1.0)}
LOADS = {"d1": ("b1", 300, 50, 1), "d2": ("b2", 200, 50, 1)}
STUDY = """
job = "reconductoring"
[feeder]
master = "master.dss"
[conductors]
catalogue = "catalogue.csv"
existing = { one = "small" }
construction = { one = { structure = "510", phases = "A" } }
"""


@pytest.fixture(autouse=True)
def nothing_may_be_solved(monkeypatch):
    def solved(*args):
        raise AssertionError("something was solved")

    monkeypatch.setattr(phases, "evaluate_many", solved)


def refused(made, *sentences):
    """``check`` and ``run`` refuse the study with an InputError that tells every sentence."""
    for attempt in (lambda: check(made.settings, made.folder), lambda: run(made.settings, made.folder, Workers())):
        with pytest.raises(InputError) as error:
            attempt()
        told = str(error.value)
        assert all(sentence in told for sentence in sentences), told
    return told


def refused_text(tmp_path, text, *sentences):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_study(path)
    assert all(sentence in str(error.value) for sentence in sentences), str(error.value)
    return str(error.value)


# -- the file --------------------------------------------------------------------------------------------------------


def test_a_missing_study_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"There is no study file .*nowhere\.toml"):
        read_study(tmp_path / "nowhere.toml")


def test_invalid_toml_is_told_with_its_line(tmp_path):
    refused_text(tmp_path, 'job = "reconductoring"\n[feeder\n', "is not valid TOML", "line 2")


def test_an_unknown_job_names_the_known_ones(tmp_path):
    refused_text(tmp_path, 'job = "painting"\n', "Unknown job 'painting'", "reconductoring")


def test_a_missing_job_says_what_it_is(tmp_path):
    refused_text(tmp_path, "title = 'x'\n", "the key 'job' is missing")


def test_an_unknown_key_gets_a_did_you_mean(tmp_path):
    refused_text(tmp_path, STUDY + "[horizon]\nyaers = 5\n", "Unknown key 'horizon.yaers': did you mean 'years'?")


def test_an_unknown_section_gets_a_did_you_mean(tmp_path):
    refused_text(tmp_path, STUDY + "[horizn]\nyears = 5\n", "Unknown key 'horizn': did you mean 'horizon'?")


def test_a_wrong_type_is_told_with_its_value(tmp_path):
    refused_text(tmp_path, STUDY + '[horizon]\nyears = "five"\n', "horizon.years = 'five' should be a valid integer")


def test_all_problems_of_a_file_are_told_together(tmp_path):
    text = STUDY + '[horizon]\nyears = 0\ngrowth_per_year = 3\n[search]\nmode = "best"\n[limits]\nvmin = 0.9\n'
    told = refused_text(tmp_path, text, "4 findings", "horizon.years = 0", "horizon.growth_per_year = 3", "search.mode")
    assert "limits.vmin" in told


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("[limits]\nv_min_pu = 1.06\nv_max_pu = 1.05\n", "v_min_pu = 1.06 must lie below v_max_pu = 1.05"),
        ("[limits]\nloading_max_pu = 0\n", "limits.loading_max_pu = 0"),
        ("[uncertainty]\npoints = 0\n", "uncertainty.points = 0"),
        ("[uncertainty]\npoints = 26\n", "uncertainty.points = 26"),
        ("[uncertainty]\nlargest = -1\n", "uncertainty.largest = -1"),
        ('[uncertainty]\nloads = ["d1"]\nlargest = 1\n', "either loads (names) or largest (a number), not both"),
        ('[uncertainty]\nloads = ["d1", "d1"]\n', "a load is named twice"),
        ("[search]\nreplacements = 4\n", "search.replacements = 4"),
        ("[robust]\ncorrection_factor = 0.5\n", "robust.correction_factor = 0.5"),
        ("[robust]\ncvar_alpha = 1.0\n", "robust.cvar_alpha = 1.0"),
        ("[horizon]\ndiscount_rate = nan\n", "horizon.discount_rate"),
        ("[losses]\nload_factor = 1.5\n", "losses.load_factor = 1.5"),
    ],
)
def test_numbers_out_of_range_are_told_with_their_key(tmp_path, section, sentence):
    refused_text(tmp_path, STUDY + section, sentence)


# -- the circuit and its names ---------------------------------------------------------------------------------------


def test_a_missing_master_file_is_named(study):
    made = study(LINES, LOADS)
    (made.folder / "master.dss").unlink()
    refused(made, "There is no circuit at", "master.dss")


def test_a_load_that_does_not_exist_is_named(study):
    refused(study(LINES, LOADS, uncertainty={"loads": ["d1", "d9"]}), "the circuit has no load 'd9'")


def test_more_uncertain_loads_than_there_are_is_told(study):
    refused(study(LINES, LOADS, uncertainty={"largest": 3}), "uncertainty.largest = 3: the circuit has 2 loads")


def test_lines_and_line_codes_that_do_not_exist_are_told_together(study):
    conductors = {"lines": {"l9": "small"}, "exclude_lines": ["l8"], "exclude_line_codes": ["nine"]}
    refused(
        study(LINES, LOADS, conductors=conductors),
        "3 findings",
        "conductors.lines: the circuit has no line 'l9'",
        "conductors.exclude_lines: the circuit has no line 'l8'",
        "no line of the circuit has line code 'nine'",
    )


def test_an_existing_conductor_that_the_catalogue_has_not_is_named_with_those_it_has(study):
    conductors = {"existing": {"one": "copper"}}
    refused(
        study(LINES, LOADS, conductors=conductors), "'copper' of lines l1, l2 is not in the catalogue", "small, medium"
    )


def test_lines_without_a_conductor_are_told_with_what_to_do(study):
    conductors = {"existing": {}, "lines": {"l1": "small"}}
    refused(study(LINES, LOADS, conductors=conductors), "Lines l2 have line code 'one'", "exclude_line_codes")


def test_lines_without_length_units_are_told(study):
    made = study(LINES, LOADS)
    master = made.folder / "master.dss"
    master.write_text(master.read_text().replace(" units=km", ""))
    refused(made, "2 lines have no length in metres (l1, l2)", "units=")


def test_a_meshed_circuit_is_told_with_its_loops(study):
    lines = {**LINES, "l3": ("source", "b2", 2.0)}
    refused(study(lines, LOADS), "The circuit is meshed", "Open a switch of each loop")


# -- the catalogue ---------------------------------------------------------------------------------------------------


def test_an_empty_catalogue_is_refused(study):
    made = study(LINES, LOADS)
    (made.folder / "catalogue.csv").write_text("name,ampacity_a,cost_usd_per_km,selectable\n")
    refused(made, "there is no conductor in it")


def test_a_catalogue_that_does_not_rise_is_told_with_its_line(study):
    made = study(LINES, LOADS)
    (made.folder / "catalogue.csv").write_text(
        "name,ampacity_a,cost_usd_per_km,selectable\nsmall,100,1,no\nmedium,90,2,yes\n"
    )
    refused(made, "line 3: ampacity_a 90 does not exceed the 100 above it")


def test_a_missing_catalogue_is_named(study):
    refused(study(LINES, LOADS, conductors={"catalogue": "nowhere.csv"}), "nowhere.csv")


def test_impedances_from_a_catalogue_without_them_are_refused_with_what_to_do(study):
    made = study(LINES, LOADS)
    (made.folder / "catalogue.csv").write_text(
        "name,ampacity_a,cost_usd_per_km,selectable\nsmall,100,1,no\nmedium,200,2,yes\n"
    )
    refused(made, "needs resistance, GMR and diameter", "impedance = 'unchanged'")


def test_losses_without_resistances_are_refused_with_what_to_do(study):
    made = study(LINES, LOADS, losses={"energy_price_usd_per_kwh": 0.1}, conductors={"impedance": "unchanged"})
    (made.folder / "catalogue.csv").write_text(
        "name,ampacity_a,cost_usd_per_km,selectable\nsmall,100,1,no\nmedium,200,2,yes\n"
    )
    refused(made, "Losses are priced, but the catalogue has no resistances")


def test_a_line_code_without_a_construction_is_told(study):
    made = study(LINES, LOADS)
    text = (made.folder / "master.dss").read_text()
    (made.folder / "master.dss").write_text(
        text.replace("new line.l2", "new linecode.two nphases=1 units=km like=one\nnew line.l2").replace(
            "linecode=one length=1 ", "linecode=two length=1 "
        )
    )
    conductors = {"existing": {"one": "small", "two": "small"}}
    made.settings = made.settings.model_copy(
        update={"conductors": made.settings.conductors.model_copy(update=conductors)}
    )
    refused(made, "conductors.construction has no entry for line code 'two'")


def test_a_construction_that_does_not_exist_or_fit_is_told(study):
    construction = {"one": {"structure": "999", "phases": "A"}}
    refused(study(LINES, LOADS, conductors={"construction": construction}), "there is no structure '999'", "510")
    construction = {"one": {"structure": "505", "phases": "AB"}}
    misfit = "the construction of its line code 'one' has AB"
    refused(study(LINES, LOADS, conductors={"construction": construction}), misfit)
    construction = {"one": {"structure": "510", "phases": "AB"}}
    refused(study(LINES, LOADS, conductors={"construction": construction}), "phases")


def test_a_neutral_that_the_catalogue_has_not_is_named(study):
    construction = {"one": {"structure": "510", "phases": "A", "neutral": "copper"}}
    refused(study(LINES, LOADS, conductors={"construction": construction}), "'copper' is not in the catalogue")


# -- sizes and reports -----------------------------------------------------------------------------------------------


def test_too_many_combinations_say_how_many_and_what_to_do(study):
    uncertainty = {"loads": ["d1", "d2"], "points": 25, "max_scenarios": 624}
    refused(
        study(LINES, LOADS, uncertainty=uncertainty),
        "25 points for 2 loads make 625 load combinations, more than the cap of 624",
        "use fewer points or fewer loads, or raise max_scenarios",
    )


def test_scenarios_that_the_study_has_not_are_told(study):
    made = study(
        LINES, LOADS, uncertainty={"loads": ["d1"], "points": 3}, report={"scenarios": [1, 4], "circuits": [0]}
    )
    refused(
        made,
        "report.scenarios names scenario 4, the study has scenarios 1 to 3",
        "report.circuits names scenario 0",
    )


def test_a_loading_limit_above_the_emergency_limit_is_no_trouble(study):
    made = study(LINES, LOADS, limits={"loading_max_pu": 1.3})
    assert isinstance(check(made.settings, made.folder), list)


def test_missing_published_interventions_are_named(study):
    wrong = study(LINES, LOADS, report={"published": "nowhere.csv"})
    refused(wrong, "no table of published interventions", "nowhere.csv")


def test_too_many_sequences_are_told_before_anything_is_solved(study):
    wires = {f"w{n}": (100.0 + n, 1.0, 1.0, 0.008 + n / 1e4) for n in range(40)}
    made = study(
        LINES, LOADS, wires=wires, selectable=wires, horizon={"years": 40}, search={"replacements": 3},
        conductors={"existing": {"one": "w0"}},
    )  # fmt: skip
    refused(made, "sequences for one line", "use fewer replacements, years or selectable conductors")


def test_a_good_study_is_not_refused(study):
    made = study(LINES, LOADS)
    assert [finding.severity for finding in check(made.settings, made.folder)].count("error") == 0
