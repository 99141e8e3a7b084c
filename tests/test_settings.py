"""Settings: a study's TOML as values, and every problem of a file as a sentence with its key."""

from pathlib import Path

import pytest
from pydantic import Field

from gridstudio.errors import InputError
from gridstudio.settings import Section, Settings, read_toml


class Horizon(Section):
    years: int = Field(5, ge=1)
    growth_per_year: float = 0.05


class Wire(Section):
    structure: str
    phases: str = Field("A", pattern="^[ABC]+$")


class Example(Settings):
    horizon: Horizon = Horizon()
    wires: dict[str, Wire] = Field({})
    loads: tuple[str, ...] = ()


GOOD = {"job": "example", "feeder": {"master": "master.dss"}}


def findings(**sections):
    with pytest.raises(InputError) as error:
        Example.validated({**GOOD, **sections}, "study.toml")
    return str(error.value)


def test_a_file_becomes_values_with_their_defaults(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('job = "example"\nloads = ["s1", "s2"]\n[feeder]\nmaster = "x/master.dss"\n[horizon]\nyears = 3\n')
    settings = Example.validated(read_toml(path), str(path))
    assert settings.feeder.master == Path("x/master.dss")
    assert settings.horizon == Horizon(years=3, growth_per_year=0.05)
    assert settings.loads == ("s1", "s2")
    assert (settings.limits.v_min_pu, settings.limits.v_max_pu) == (0.95, 1.05)
    assert settings.feeder.controls == "static"


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Example.validated(GOOD, "x").horizon.years = 7


def test_an_unknown_key_gets_a_did_you_mean():
    assert findings(horizon={"yeers": 3}) == "study.toml: Unknown key 'horizon.yeers': did you mean 'years'?"


def test_an_unknown_key_that_resembles_none_gets_the_list():
    assert "Unknown key 'horizon.zzz': known keys: growth_per_year, years." in findings(horizon={"zzz": 3})


def test_an_unknown_section_gets_a_did_you_mean():
    assert "Unknown key 'horizons': did you mean 'horizon'?" in findings(horizons={})


def test_an_unknown_key_inside_a_named_entry_gets_a_did_you_mean():
    told = findings(wires={"one": {"structure": "500", "phase": "ABC"}})
    assert "'wires.one.phase': did you mean 'phases'?" in told


def test_a_missing_key_is_named_with_its_section():
    assert "The key 'wires.one.structure' is missing." in findings(wires={"one": {}})
    with pytest.raises(InputError, match="The key 'feeder' is missing"):
        Example.validated({"job": "example"}, "study.toml")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("five", "horizon.years = 'five' should be a valid integer"),
        (2.5, "horizon.years = 2.5 should be a valid integer"),
        (0, "horizon.years = 0 should be greater than or equal to 1."),
        ([1], "horizon.years = [1] should be a valid integer"),
    ],
)
def test_a_wrong_value_is_shown_with_what_it_should_be(value, words):
    assert words in findings(horizon={"years": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_must_be_finite(value):
    assert "horizon.growth_per_year" in findings(horizon={"growth_per_year": value})


def test_all_findings_are_told_together():
    told = findings(horizon={"years": 0, "yeers": 1}, wires={"one": {"structure": "500", "phases": "XY"}}, title=3)
    assert told.startswith("study.toml: 4 findings.\n")
    assert told.count("\n  - ") == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('job = "x\n', ("is not valid TOML", "line 1")),
        ("[a]\nb = 1\nb = 2\n", ("is not valid TOML", "line 3")),
        ("a = [1,\n", ("is not valid TOML",)),
    ],
)
def test_invalid_toml_is_told_with_its_line(tmp_path, text, words):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_toml(path)
    assert all(word in str(error.value) for word in words)
    assert str(path) in str(error.value)


def test_a_file_in_another_encoding_is_told(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes('title = "größer"'.encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read"):
        read_toml(path)


def test_a_folder_is_no_study_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_toml(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"There is no study file .*study\.toml"):
        read_toml(tmp_path / "study.toml")


def test_every_study_of_the_repository_is_valid():
    from gridstudio.planning import read_study

    studies = sorted((Path(__file__).parents[1] / "studies").glob("*.toml"))
    assert len(studies) >= 2
    for path in studies:
        job, settings = read_study(path)
        assert settings.job
        assert not [f for f in job.check(settings, path.parent) if f.severity == "error"]
