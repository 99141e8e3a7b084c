"""The IEEE feeders and the synthetic utility with grown load: clean, or it is said what was tried against the rest."""

import pytest
from mitigation_studies import feeder_study

GROWN = [(name, scale) for name in ("ieee13", "ieee34", "ieee37", "ieee123") for scale in (1.3, 1.6)]


def clean_or_explained(result):
    steps = result.tables["steps"]
    taken = steps[steps["accepted"]]
    assert len(result.tables["violations_before"]) > 0
    # the last step of the search left what the tables say is left
    kinds = ("undervoltage", "overvoltage", "dead", "overload", "not_converged")
    assert sum(int(taken[f"{kind}_after"].iloc[-1]) for kind in kinds) == result.violations_left
    if result.violations_left:
        assert result.tables["remaining"]["cause"].str.contains("not cured|a switch").all()
    assert (result.tables["plan"]["cost_usd"] >= 0).all()


@pytest.mark.parametrize("name", ["ieee37"])
def test_a_feeder_with_grown_load_ends_clean(name):
    result = feeder_study(name, 1.3)
    clean_or_explained(result)
    assert result.violations_left == 0


@pytest.mark.long
@pytest.mark.parametrize(("name", "scale"), GROWN)
def test_ieee_feeders_with_grown_load_end_clean(name, scale):
    result = feeder_study(name, scale)
    clean_or_explained(result)
    assert result.violations_left == 0


def test_the_substation_transformer_is_replaced_where_it_limits():
    result = feeder_study("synthetic", 1.6, hours=[{"name": "night", "generation_scale": 0.0}])
    clean_or_explained(result)
    assert result.violations_left == 0
    assert "transformer.sub-001" in set(result.tables["plan"]["element"])


@pytest.mark.long
@pytest.mark.parametrize("feeder", [1, 2, 3, 4])
def test_each_feeder_of_the_utility_ends_clean_at_twice_its_load(feeder):
    """The other feeders' breakers are open; night peak and spring noon."""
    heads = {1: "edge-000001", **_heads()}
    commands = [f"open line.{line} 1" for number, line in heads.items() if number != feeder]
    hours = [{"name": "night", "generation_scale": 0.0}, {"name": "noon", "load_scale": 0.35}]
    result = feeder_study("synthetic", 2.0, hours=hours, commands=commands)
    if len(result.tables["violations_before"]):
        clean_or_explained(result)


def _heads():
    from mitigation_studies import MODELS

    found = {}
    for text in (MODELS / "synthetic" / "lines.dss").read_text().splitlines():
        if "bus1=sub-001." in text and "-head." in text:
            number = int(text.split("bus2=fdr-")[1][:4])
            found[number] = text.split()[1].removeprefix("line.")
    return found
