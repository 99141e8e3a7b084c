"""Bad input: one clear sentence each, before the search."""

import pytest

from gridstudio.errors import InputError

HEADER = "measure,phases,size,size_unit,per,unit_cost_usd,o_and_m_usd_per_year,life_years\n"


def refused(of):
    with pytest.raises(InputError) as caught:
        of.run()
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("reconductor,3,,A,km,900000,0,40", "size"),
        ("reconductor,3,530,A,km,-1,0,40", "unit_cost_usd"),
        ("reconducter,3,530,A,km,900000,0,40", "did you mean 'reconductor'"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_its_line(study, tmp_path, row, words):
    (tmp_path / "costs.csv").write_text(HEADER + row + "\n")
    text = refused(study(menu={"catalogue": "costs.csv"}))
    assert "line 2" in text
    assert words in text


def test_a_measure_without_a_size_in_the_catalogue_is_refused(study, tmp_path):
    (tmp_path / "costs.csv").write_text(HEADER + "reconductor,3,530,A,km,900000,0,40\n")
    text = refused(study(menu={"catalogue": "costs.csv", "allowed": ["reconductor", "battery"]}))
    assert "no size of 'battery'" in text


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"menu": {"allowed": ["magic"]}}, "measure 'magic' is not known"),
        ({"limits": {"v_min_pu": 1.06, "v_max_pu": 1.05}}, "v_min_pu = 1.06 must lie below v_max_pu = 1.05"),
        ({"hours": []}, "hours"),
        ({"growth": {"years": []}}, "growth.years"),
        ({"growth": {"years": [3, 3]}}, "each once"),
        ({"hours": [{"name": "a"}, {"name": "a"}]}, "a named twice"),
        ({"menu": {"budget_usd": -5}}, "budget_usd"),
    ],
)
def test_settings_that_make_no_sense_are_refused(study, sections, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        study(**sections)


def test_limits_that_the_source_breaks_are_refused(study):
    text = refused(study(limits={"v_min_pu": 0.90, "v_max_pu": 0.99}))
    assert "the source holds bus 'hv' at 1.0000 pu, outside 0.9 to 0.99 pu" in text


@pytest.mark.parametrize("name", ["line.aa", "a", "load.x"])
def test_an_unknown_excluded_element_is_refused(study, name):
    text = refused(study(menu={"exclude": [name]}))
    assert f"the circuit has no element '{name}'" in text


def test_an_unknown_uncertain_load_is_refused(study):
    assert "no load 'q'" in refused(study(uncertainty={"loads": ["q"]}))
