"""Settings of the controls of capacitors that stand: offered where there is one that acts, and of use."""

import pytest

from gridstudio.domain.changes import SetCapacitor
from gridstudio.planning.mitigation import capacitors, menu

BANK = "\nnew capacitor.c bus1=end phases=3 kvar=1200 kv=12.47\n"
TAIL = "\nset voltagebases=[69 12.47 0.48 0.208]\ncalcvoltagebases\n"
SOLO = {"allowed": ["capacitor_settings"]}


def control(kind, on_at, off_at):
    settings = f"type={kind} ptratio=60 ctratio=1 onsetting={on_at} offsetting={off_at}"
    return f"new capcontrol.cc capacitor=c element=line.b terminal=2 {settings}\n"


def offered(search):
    bank = search.problem.assets.banks[0]
    options = menu.fitting(search.problem, capacitors.bank_options(search.problem, bank))
    return [o.changes[0] for o in options if o.changes[0].on_at is not None]


@pytest.mark.parametrize(
    ("kind", "on_at", "off_at", "step"),
    [("voltage", 117, 121, 1.17), ("current", 100, 80, 20.0), ("kvar", 200, -100, 300)],
)
def test_both_settings_move_by_as_much(study, searching, kind, on_at, off_at, step):
    """Steps by hand: 1 % of 117 V, 20 % of 100 A, 25 % of the bank's 1 200 kvar."""
    changes = offered(searching(study(tail=BANK + control(kind, on_at, off_at) + TAIL)))
    moved = [(change.on_at - on_at, change.off_at - off_at) for change in changes]
    assert moved == [pytest.approx((k * step, k * step)) for k in (-4, -3, -2, -1, 1, 2, 3, 4)]


@pytest.mark.parametrize("text", [BANK, BANK + control("time", 6, 18)])
def test_a_bank_without_control_or_with_a_clock_has_no_settings(study, searching, text):
    assert offered(searching(study(tail=text + TAIL))) == []


def test_settings_are_not_offered_where_controls_do_not_act(study, searching):
    of = study(tail=BANK + control("voltage", 117, 121) + TAIL, feeder={"master": "master.dss", "controls": "off"})
    assert offered(searching(of)) == []


def test_new_settings_cure_what_no_fixed_bank_does(study):
    """Low voltages at the peak, high ones at night: the bank must be in at the one and out at the other."""
    hours = [{"name": "peak", "load_scale": 0.55}, {"name": "night", "load_scale": 0.02}]
    tail = BANK + control("voltage", 112, 126) + TAIL  # at night 124 V: the bank stays in
    of = study(tail=tail, hours=hours, menu=SOLO, limits={"v_min_pu": 0.977, "v_max_pu": 1.005})
    result = of.run()
    assert len(result.tables["violations_before"]) > 0
    assert result.violations_left == 0
    assert result.tables["plan"]["what"].str.contains("switches in").all()
    assert result.headline["cost_usd"].value == 2000.0


def test_the_voltage_setting_that_switches_in_earlier_is_the_higher_one(study, searching):
    search = searching(study(tail=BANK + control("voltage", 117, 121) + TAIL))
    bank = search.problem.assets.banks[0]
    assert capacitors.switches_earlier(search.problem, bank, SetCapacitor("c", on_at=118.0, off_at=122.0))
    assert not capacitors.switches_earlier(search.problem, bank, SetCapacitor("c", on_at=116.0, off_at=120.0))
