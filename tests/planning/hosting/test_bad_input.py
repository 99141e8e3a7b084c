"""Everything that can be wrong with a hosting study is told in one sentence."""

import pytest

from gridstudio.errors import InputError

NODAL = {"nodal": {}}
HOURS = [{"name": "noon", "load_scale": 1.0}]


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({}, "give a section [nodal] or [stochastic]: nothing is asked"),
        ({**NODAL, "hours": []}, "hours"),
        ({**NODAL, "hours": HOURS * 2}, "hours: noon named twice"),
        ({**NODAL, "hours": [{"name": "n", "load_scale": -1}]}, "hours.0.load_scale = -1"),
        ({**NODAL, "hours": [{**HOURS[0], "pv": 0}]}, "hours: pv has output 0 in all hours"),
        ({"nodal": {"max_kw": 5, "tolerance_kw": 5}}, "tolerance_kw = 5 must lie below max_kw = 5"),
        ({"nodal": {"devices": ["wind"]}}, "nodal.devices.0 = 'wind'"),
        ({"nodal": {"devices": ["pv", "pv"]}}, "devices: something is named twice"),
        ({"nodal": {"phases": [2]}}, "nodal.phases.0 = 2"),
        ({"stochastic": {"pv_kw": [8, 3]}}, "pv_kw = [8, 3] is no range of sizes above 0"),
        ({"stochastic": {"deployments": 0}}, "stochastic.deployments = 0"),
        ({**NODAL, "limits": {"v_min_pu": 1.2}}, "v_min_pu = 1.2 must lie below v_max_pu = 1.05"),
    ],
)
def test_settings_out_of_range_are_told(study, sections, sentence):
    with pytest.raises(InputError) as error:
        study(**sections)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"nodal": {"buses": ["edn"]}}, "nodal: the circuit has no bus 'edn'. Did you mean 'end'?"),
        ({"nodal": {"buses": ["source"]}}, "bus 'source' is the source's: it takes anything."),
        ({"stochastic": {"customers": "nowhere.csv"}}, "There is no table of customers"),
        ({**NODAL, "limits": {"v_min_pu": 0.05}}, "dead_pu 0.1 < v_min_pu 0.05 < v_max_pu 1.05 is not so."),
    ],
)
def test_what_the_circuit_has_not_is_told_before_anything_is_solved(study, sections, sentence):
    made = study(**sections)
    for attempt in (made.check, made.run):
        with pytest.raises(InputError) as error:
            attempt()
        assert sentence in str(error.value)


def test_a_bus_without_the_phases_asked_for_is_told(study):
    more = "new line.tap bus1=end.1 bus2=tap.1 phases=1 r1=0.1 x1=0.1 length=1"
    with pytest.raises(InputError, match=r"no bus has the phases asked for \(3\)"):
        study(more=more, nodal={"buses": ["tap"]}).check()


def test_an_hour_without_a_power_flow_is_told(study):
    """Over 0.5 + 0.6j ohm at 4.16 kV no more than V^2 / 2 (R + Z) = 6.8 MW can be delivered, ten times 1 MW cannot."""
    made = study(
        "r1=0.5 x1=0.6 r0=0.5 x0=0.6",
        kw=1000,
        more="edit load.town vminpu=0.01",
        hours=[{**HOURS[0], "load_scale": 10}],
        nodal={},
    )
    with pytest.raises(InputError, match="no power flow in hour noon even without any device"):
        made.run()
