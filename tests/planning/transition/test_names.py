"""Names of parameters: those known are those read, a misspelt one is told, and no number stands in the code instead."""

from collections import UserDict
from dataclasses import replace
from pathlib import Path

import pytest

from gridstudio.errors import InputError
from gridstudio.planning import read_study
from gridstudio.planning.transition import inputs
from gridstudio.planning.transition.case import Parameters
from gridstudio.planning.transition.days import turbine_curve
from gridstudio.planning.transition.graph import policy_graph
from gridstudio.planning.transition.job import model_of, prepare
from gridstudio.planning.transition.names import STAGE, TURBINE_OUTPUT, name_finding, plain_names

STUDIES = Path(__file__).resolve().parents[3] / "studies"
FILE = STUDIES / "data" / "aeso6_parameters.csv"


class Recording(UserDict):
    """Numbers that remember which of them were asked for."""

    asked: set[str]

    def __init__(self, values):
        self.asked = set()
        super().__init__(values)

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name):
        self.asked.add(name)
        return super().__contains__(name)


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """Every name that the published study with all factors asks for, from weather to the programs."""
    kept: list[Recording] = []
    read = inputs.read_parameters

    def recorded(path: Path) -> Parameters:
        found = read(path)
        kept.append(Recording(found.values))
        kept[-1].asked.clear()
        return replace(found, values=kept[-1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "read_parameters", recorded)
        _, settings = read_study(STUDIES / "transition_aeso6.toml")
        network = settings.network.model_copy(update={"true_rating": True})
        settings = settings.model_copy(update={"network": network}).quick()
        model = model_of(settings, prepare(settings, STUDIES), "F")
        policy_graph(model, exact=True)
    return {name for name in kept[0].asked if not (STAGE.fullmatch(name) or TURBINE_OUTPUT.fullmatch(name))}


def test_the_known_names_are_those_that_the_model_reads(asked) -> None:
    assert asked == plain_names()


def test_every_number_that_the_model_must_have_is_in_the_published_file(asked) -> None:
    """What is left out there on purpose: no cap on a factor's MW, and what water and fuel-free plant have none of."""
    left_out = asked - set(inputs.read_parameters(FILE).values)
    none = {"unit_hydro_co2_t_per_mwh", "unit_hydro_heat_rate_mmbtu_per_mwh", "fuel_hydro_usd_per_mmbtu"}
    assert left_out == none | {f"{name}_most_mw" for name in ("gas", "smr", "h2", "solar", "wind")}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("discount_rat", "discount_rate"),
        ("curtailment_limit_shar", "curtailment_limit_share"),
        ("wind_moste_mw", "wind_most_mw"),
        ("unit_cole_co2_t_per_mwh", "unit_coal_co2_t_per_mwh"),
    ],
)
def test_a_misspelt_name_is_told_with_the_nearest(tmp_path, name: str, hint: str) -> None:
    """Each of these is optional: without the check its default would be taken in silence."""
    path = tmp_path / "p.csv"
    path.write_text(f"name,value,unit,source\nvoll_usd_per_mwh,1,USD,assumed\n{name},0.5,,assumed\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"p\.csv: line 3: the parameter '{name}' is not known.*nearest.*{hint}"):
        inputs.read_parameters(path)


def test_a_name_near_no_other_is_told_so() -> None:
    assert name_finding("qqqqqq") == "the parameter 'qqqqqq' is not known, nothing reads it; no known name is near it"


@pytest.mark.parametrize("name", ["stage3_moderate_price_wind", "turbine_output_at_12.5_m_s", "voll_usd_per_mwh"])
def test_known_names_pass(name: str) -> None:
    assert name_finding(name) is None


def test_a_power_curve_may_have_any_speeds_in_any_order() -> None:
    given = Parameters({"turbine_output_at_12.5_m_s": 1.0, "turbine_output_at_4_m_s": 0.1})
    assert turbine_curve(given) == ((4.0, 0.1), (12.5, 1.0))


def test_a_missing_power_curve_is_told() -> None:
    with pytest.raises(InputError, match="has no power curve; add rows turbine_output_at_<speed>_m_s"):
        turbine_curve(Parameters({}))
